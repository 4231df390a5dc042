//! Bodies about meetings become commands (KCS-01, KCS-05).

use serde_json::Value;

use crate::dialect::fields::Fields;
use crate::dialect::kcs::preset;
use crate::domain::error::DomainError;
use crate::domain::meeting::{Features, MeetingKind, RecordingConfig, StorageLocation};
use crate::domain::role::Role;
use crate::service::meetings::{FeaturesChange, Invitee, MeetingChange, NewMeeting, RecordingChange};

/// The body of a creation.
pub(super) fn new_meeting(body: &Value) -> Result<NewMeeting, DomainError> {
    let fields = Fields::of(body)?;
    Ok(NewMeeting {
        name: fields.required_text("meeting_name")?.to_owned(),
        description: fields.given_text("meeting_description")?.to_owned(),
        starts_at: fields.required_time("meeting_start_time")?,
        ends_at: fields.required_time("meeting_end_time")?,
        location: fields.required_text("meeting_location")?.to_owned(),
        participants: invitees(fields)?.ok_or(DomainError::NobodyInvited)?,
        kind: kind(fields)?.unwrap_or(MeetingKind::Scheduled),
        profile: preset::PROFILE,
        max_participants: fields.count("max_participants")?.unwrap_or(preset::MAX_PARTICIPANTS),
        password: fields.text("meeting_password")?.map(str::to_owned),
        waiting_room_enabled: fields.flag("waiting_room_enabled")?.unwrap_or(false),
        require_host_approval: fields.flag("require_host_approval")?.unwrap_or(false),
        allow_guests: fields.flag("allow_guests")?.unwrap_or(false),
        features: features(fields)?.over(Features::default()),
        recording: recording(fields)?.over(RecordingConfig::default()),
        recurrence: fields.text("recurrence")?.map(str::to_owned),
        recurrence_timezone: fields.text("recurrence_timezone")?.map(str::to_owned),
    })
}

/// The body of an update: only what is there changes.
pub(super) fn meeting_change(body: &Value) -> Result<MeetingChange, DomainError> {
    let fields = Fields::of(body)?;
    Ok(MeetingChange {
        name: present_text(fields, "meeting_name")?,
        description: fields.text("meeting_description")?.map(str::to_owned),
        location: present_text(fields, "meeting_location")?,
        starts_at: fields.time("meeting_start_time")?,
        ends_at: fields.time("meeting_end_time")?,
        kind: kind(fields)?,
        max_participants: fields.count("max_participants")?,
        password: nullable_text(fields, "meeting_password")?,
        waiting_room_enabled: fields.flag("waiting_room_enabled")?,
        require_host_approval: fields.flag("require_host_approval")?,
        allow_guests: fields.flag("allow_guests")?,
        features: features(fields)?,
        recording: recording(fields)?,
        participants: invitees(fields)?,
        recurrence: nullable_text(fields, "recurrence")?,
        recurrence_timezone: fields.text("recurrence_timezone")?.map(str::to_owned),
        ..MeetingChange::default()
    })
}

/// A text that may be absent but must say something when it is there.
fn present_text(fields: Fields<'_>, name: &'static str) -> Result<Option<String>, DomainError> {
    match fields.text(name)? {
        None => Ok(None),
        Some(_) => fields.required_text(name).map(|text| Some(text.to_owned())),
    }
}

/// `null` takes away, be it a password (C-23) or a rule; only a field that is not there leaves it alone.
fn nullable_text(fields: Fields<'_>, name: &'static str) -> Result<Option<Option<String>>, DomainError> {
    match fields.raw(name) {
        None => Ok(None),
        Some(_) => Ok(Some(fields.text(name)?.map(str::to_owned))),
    }
}

fn kind(fields: Fields<'_>) -> Result<Option<MeetingKind>, DomainError> {
    fields.word("meeting_type", MeetingKind::parse, "scheduled, instant, recurring")
}

fn features(fields: Fields<'_>) -> Result<FeaturesChange, DomainError> {
    if !fields.has_object("features")? {
        return Ok(FeaturesChange::default());
    }
    Ok(FeaturesChange {
        video_enabled: fields.flag("features.video_enabled")?,
        audio_enabled: fields.flag("features.audio_enabled")?,
        screen_sharing_enabled: fields.flag("features.screen_sharing_enabled")?,
        chat_enabled: fields.flag("features.chat_enabled")?,
        recording_enabled: fields.flag("features.recording_enabled")?,
        breakout_rooms_enabled: fields.flag("features.breakout_rooms_enabled")?,
        whiteboard_enabled: fields.flag("features.whiteboard_enabled")?,
        hand_raise_enabled: fields.flag("features.hand_raise_enabled")?,
    })
}

fn recording(fields: Fields<'_>) -> Result<RecordingChange, DomainError> {
    if !fields.has_object("recording_config")? {
        return Ok(RecordingChange::default());
    }
    let location = |word: &str| match word {
        "local" => Some(StorageLocation::Local),
        "cloud" => Some(StorageLocation::Cloud),
        _ => None,
    };
    // What does not fit into sixteen bits is out of bounds whatever it is; the domain says by how much.
    let days = |days: u32| u16::try_from(days).unwrap_or(u16::MAX);
    Ok(RecordingChange {
        auto_record: fields.flag("recording_config.auto_record")?,
        record_video: fields.flag("recording_config.record_video")?,
        record_audio: fields.flag("recording_config.record_audio")?,
        record_chat: fields.flag("recording_config.record_chat")?,
        storage_location: fields.word("recording_config.storage_location", location, "local, cloud")?,
        retention_days: fields.count("recording_config.retention_days")?.map(days),
    })
}

pub(super) fn invitees(fields: Fields<'_>) -> Result<Option<Vec<Invitee>>, DomainError> {
    fields.list("participants")?.map(|list| list.iter().map(invitee).collect()).transpose()
}

/// A role within a meeting.
pub(super) fn role(fields: Fields<'_>, name: &'static str) -> Result<Option<Role>, DomainError> {
    fields.word(name, Role::parse, "host, co_host, presenter, attendee")
}

/// A text is an address if it contains `@`, else an account id (C-38).
fn invitee(element: &Value) -> Result<Invitee, DomainError> {
    match element {
        Value::String(text) if text.trim().is_empty() => Err(DomainError::InvitationWithoutPerson),
        Value::String(text) if text.contains('@') => {
            Ok(Invitee { email: Some(text.clone()), ..Invitee::default() })
        }
        Value::String(text) => Ok(Invitee { user_id: Some(text.clone()), ..Invitee::default() }),
        Value::Object(_) => invitee_object(Fields::of(element)?),
        _ => Err(DomainError::InvitationWithoutPerson),
    }
}

fn invitee_object(fields: Fields<'_>) -> Result<Invitee, DomainError> {
    let text =
        |name| Ok::<_, DomainError>(fields.text(name)?.filter(|t| !t.trim().is_empty()).map(str::to_owned));
    Ok(Invitee {
        user_id: text("user_id")?,
        email: text("email")?,
        name: text("name")?,
        phone: text("phone")?,
        role: role(fields, "role")?,
    })
}
