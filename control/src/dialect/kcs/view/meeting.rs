//! A meeting (KCS-01) and what is said of it beside (KCS-03, KCS-07 to KCS-09).

use serde::Serialize;
use utoipa::ToSchema;

use super::envelope::Timestamp;
use super::media::WebrtcConfigView;
use super::people::PresentView;
use super::security::{SecurityPolicyView, security_policy};
use super::statistics::LiveStatsView;
use super::words::{MeetingTypeWord, RoleWord, StatusWord, StorageWord};
use crate::domain::actor::Actor;
use crate::domain::id::{MeetingId, MeetingRoomId, RosterId, SeriesId, UserId};
use crate::domain::meeting::{Features, Meeting, RecordingConfig};
use crate::domain::role::Role;
use crate::domain::roster::RosterEntry;
use crate::domain::session::FinalStats;

/// A meeting. Never holds the password, nor its hash (security fix #3).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MeetingView {
    #[schema(value_type = String, example = "01JDAVNTZ6MG8F0Q5W0R7YH3KC")]
    id: MeetingId,
    #[schema(value_type = String, example = "01JDAVNTZ7K2V9S4T1X8B6N0PD")]
    meeting_room_id: MeetingRoomId,
    meeting_status: StatusWord,
    /// The same as `meeting_status`.
    status: StatusWord,
    created_at: Timestamp,
    #[schema(value_type = String, example = "01JDAVNTZ5A3C7E9G1J3M5P7RS")]
    creator_id: UserId,
    #[schema(example = "Weekly")]
    meeting_name: String,
    #[schema(example = "What happened, what comes")]
    meeting_description: String,
    meeting_start_time: Timestamp,
    meeting_end_time: Timestamp,
    #[schema(example = "virtual")]
    meeting_location: String,
    /// Everybody invited or ever inside.
    participants: Vec<ListedView>,
    meeting_type: MeetingTypeWord,
    #[schema(example = 100)]
    max_participants: u32,
    waiting_room_enabled: bool,
    require_host_approval: bool,
    allow_guests: bool,
    /// Whether joining asks for a password. The password itself is never shown.
    requires_password: bool,
    features: FeaturesView,
    recording_config: RecordingConfigView,
    /// Only for hosts of the meeting.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    security_policy: Option<SecurityPolicyView>,
    /// The series this is an occurrence of.
    #[schema(value_type = Option<String>, required, example = "01JDAVNTZ6MG8F0Q5W0R7YH3KC")]
    series_id: Option<SeriesId>,
    /// The rule of the series as it is now.
    #[schema(required, example = "FREQ=WEEKLY;BYDAY=MO;COUNT=10")]
    recurrence: Option<String>,
    #[schema(required, example = "Europe/Berlin")]
    recurrence_timezone: Option<&'static str>,
    /// The start this occurrence has by the rule, also when it alone was moved.
    #[schema(required)]
    recurrence_id: Option<Timestamp>,
    #[schema(required)]
    started_at: Option<Timestamp>,
    #[schema(required)]
    ended_at: Option<Timestamp>,
}

/// Somebody on the roster, as a meeting lists people.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ListedView {
    #[schema(value_type = String, example = "019ac0f1-6d3e-7b52-8c7e-2f4a9d1b5c60")]
    id: RosterId,
    /// Null while the address of an invitation belongs to no account.
    #[schema(value_type = Option<String>, required, example = "01JDAVNTZ5A3C7E9G1J3M5P7RS")]
    user_id: Option<UserId>,
    #[schema(required, example = "member@demo.test")]
    email: Option<String>,
    #[schema(example = "Milan Member")]
    name: String,
    role: RoleWord,
}

/// What is switched on in a meeting.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FeaturesView {
    video_enabled: bool,
    audio_enabled: bool,
    screen_sharing_enabled: bool,
    chat_enabled: bool,
    recording_enabled: bool,
    breakout_rooms_enabled: bool,
    whiteboard_enabled: bool,
    hand_raise_enabled: bool,
}

/// What is recorded, where it goes and for how many days it is kept.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RecordingConfigView {
    auto_record: bool,
    record_video: bool,
    record_audio: bool,
    record_chat: bool,
    storage_location: StorageWord,
    #[schema(example = 30)]
    retention_days: u16,
}

/// A meeting as this person may see it.
pub fn meeting_for(actor: &Actor, of: &Meeting) -> MeetingView {
    let hosts = of.role_of(actor) == Some(Role::Host);
    MeetingView { security_policy: hosts.then(|| security_policy(of)), ..meeting(of) }
}

/// A meeting as everybody may see it who may see it.
pub fn meeting(meeting: &Meeting) -> MeetingView {
    let settings = &meeting.settings;
    let place = meeting.occurrence.as_ref();
    MeetingView {
        id: meeting.id,
        meeting_room_id: meeting.room,
        meeting_status: meeting.status.into(),
        status: meeting.status.into(),
        created_at: Timestamp(meeting.created_at),
        creator_id: meeting.creator,
        meeting_name: settings.name.clone(),
        meeting_description: settings.description.clone(),
        meeting_start_time: Timestamp(settings.starts_at),
        meeting_end_time: Timestamp(settings.ends_at),
        meeting_location: settings.location.clone(),
        participants: meeting.listed().map(ListedView::of).collect(),
        meeting_type: meeting.kind.into(),
        max_participants: settings.max_participants,
        waiting_room_enabled: settings.waiting_room_enabled,
        require_host_approval: settings.require_host_approval,
        allow_guests: settings.allow_guests,
        requires_password: settings.asks_password(),
        features: settings.features.into(),
        recording_config: settings.recording.into(),
        security_policy: None,
        series_id: place.map(|place| place.series),
        recurrence: place.map(|place| place.recurrence.rule().to_owned()),
        recurrence_timezone: place.map(|place| place.recurrence.zone()),
        recurrence_id: place.map(|place| Timestamp(place.at)),
        started_at: meeting.started_at.map(Timestamp),
        ended_at: meeting.ended_at.map(Timestamp),
    }
}

impl ListedView {
    /// The view of a line.
    pub fn of(entry: &RosterEntry) -> Self {
        Self {
            id: entry.id,
            user_id: entry.user,
            email: entry.email.clone(),
            name: entry.name.clone(),
            role: entry.role.into(),
        }
    }
}

impl From<Features> for FeaturesView {
    fn from(features: Features) -> Self {
        Self {
            video_enabled: features.video_enabled,
            audio_enabled: features.audio_enabled,
            screen_sharing_enabled: features.screen_sharing_enabled,
            chat_enabled: features.chat_enabled,
            recording_enabled: features.recording_enabled,
            breakout_rooms_enabled: features.breakout_rooms_enabled,
            whiteboard_enabled: features.whiteboard_enabled,
            hand_raise_enabled: features.hand_raise_enabled,
        }
    }
}

impl From<RecordingConfig> for RecordingConfigView {
    fn from(config: RecordingConfig) -> Self {
        Self {
            auto_record: config.auto_record,
            record_video: config.record_video,
            record_audio: config.record_audio,
            record_chat: config.record_chat,
            storage_location: config.storage_location.into(),
            retention_days: config.retention_days,
        }
    }
}

/// A meeting with who is inside (KCS-03).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MeetingDetailsView {
    #[serde(flatten)]
    pub meeting: MeetingView,
    /// Who is inside now, in order of joining.
    pub current_participants: Vec<PresentView>,
    /// Only while the meeting is live.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub webrtc_config: Option<WebrtcConfigView>,
    /// Only while the meeting is live.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub live_stats: Option<LiveStatsView>,
}

/// A meeting that was started (KCS-07).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MeetingStartedView {
    #[serde(flatten)]
    pub meeting: MeetingView,
    pub webrtc_config: WebrtcConfigView,
    pub live_stats: LiveStatsView,
}

/// A meeting that was ended, with what it leaves behind (KCS-08).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MeetingEndedView {
    #[serde(flatten)]
    pub meeting: MeetingView,
    pub final_stats: FinalStatsView,
}

/// What a meeting leaves behind.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FinalStatsView {
    #[schema(example = 45.0)]
    duration_minutes: f64,
    /// Most persons inside at one moment.
    max_participants: u32,
    total_chat_messages: u64,
    /// Null if nothing was recorded.
    #[schema(required)]
    recording_url: Option<String>,
}

/// The view of what a meeting leaves behind.
pub fn final_stats(stats: &FinalStats) -> FinalStatsView {
    FinalStatsView {
        duration_minutes: stats.duration_minutes,
        max_participants: stats.participants_peak,
        total_chat_messages: stats.chat_messages,
        recording_url: None,
    }
}

/// Whether and how one may come in (KCS-09).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct JoinCheckView {
    meeting: JoinMeetingView,
    /// False only while the meeting has not begun for this caller; whoever waits is let in by a host.
    #[serde(rename = "canJoin")]
    can_join: bool,
    #[serde(rename = "waitingRoomEnabled")]
    waiting_room_enabled: bool,
    #[serde(rename = "requiresPassword")]
    requires_password: bool,
}

/// What is told of a meeting before one is inside.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct JoinMeetingView {
    #[schema(value_type = String, example = "01JDAVNTZ6MG8F0Q5W0R7YH3KC")]
    id: MeetingId,
    #[schema(example = "Weekly")]
    name: String,
    status: StatusWord,
    features: FeaturesView,
}

/// The view of a join check that went well.
pub fn join_check(meeting: &Meeting, can_join: bool) -> JoinCheckView {
    JoinCheckView {
        meeting: JoinMeetingView {
            id: meeting.id,
            name: meeting.settings.name.clone(),
            status: meeting.status.into(),
            features: meeting.settings.features.into(),
        },
        can_join,
        waiting_room_enabled: meeting.settings.asks_admission(),
        requires_password: meeting.settings.asks_password(),
    }
}
