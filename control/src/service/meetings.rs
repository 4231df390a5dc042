//! Meetings: create, list, look at, change, delete, start, end.

mod invitees;
mod policy;
mod series;

use std::sync::Arc;

use time::OffsetDateTime;

use crate::domain::account::{Account, UserType};
use crate::domain::actor::Actor;
use crate::domain::audit::{AuditAction, AuditEntry};
use crate::domain::chat::{ChatMessage, Sender};
use crate::domain::error::DomainError;
use crate::domain::id::{MeetingId, MeetingRoomId, RosterId, UserId};
use crate::domain::mail::{Announcement, MailKind};
use crate::domain::meeting::{
    EntryPolicy, Features, MEETING_PASSWORD_CHARS, Meeting, MeetingKind, MeetingStatus, RecordingConfig,
    Settings, Start,
};
use crate::domain::page::{Page, Part};
use crate::domain::password::PasswordHash;
use crate::domain::policy::{Action, may};
use crate::domain::profile::Profile;
use crate::domain::role::{PermissionOverrides, Role};
use crate::domain::roster::{Listing, RosterEntry};
use crate::domain::series::Series;
use crate::domain::session::FinalStats;
use crate::service::admissions::meeting_id;
use crate::service::audit::Audit;
use crate::service::clock::Clock;
use crate::service::live_side::LiveSide;
use crate::service::passwords::Passwords;
use crate::store::{Store, Whole};

pub use invitees::Invitee;
pub(super) use invitees::resolve as resolve_invitees;
pub use policy::{EntryChange, PolicyChange};
use series::Asked;

/// Everything about meetings apart from being inside one.
#[derive(Clone)]
pub struct Meetings {
    store: Store,
    passwords: Passwords,
    audit: Audit,
    clock: Clock,
    live: Arc<dyn LiveSide>,
}

/// A meeting to be made, as a dialect read it.
#[derive(Debug, Clone)]
pub struct NewMeeting {
    pub name: String,
    pub description: String,
    pub location: String,
    pub starts_at: OffsetDateTime,
    pub ends_at: OffsetDateTime,
    pub kind: MeetingKind,
    pub profile: Profile,
    pub max_participants: u32,
    /// Empty means none.
    pub password: Option<String>,
    pub waiting_room_enabled: bool,
    pub require_host_approval: bool,
    pub allow_guests: bool,
    pub features: Features,
    pub recording: RecordingConfig,
    pub participants: Vec<Invitee>,
    /// An RFC 5545 rule that makes this the first of a series (C-39).
    pub recurrence: Option<String>,
    /// IANA name of the zone the rule's local times are in; UTC without one.
    pub recurrence_timezone: Option<String>,
}

/// Changes to a meeting; absent ones leave the value as it is.
#[derive(Debug, Clone, Default)]
pub struct MeetingChange {
    pub name: Option<String>,
    pub description: Option<String>,
    pub location: Option<String>,
    pub starts_at: Option<OffsetDateTime>,
    pub ends_at: Option<OffsetDateTime>,
    pub kind: Option<MeetingKind>,
    pub max_participants: Option<u32>,
    /// `Some(None)` or an empty text removes the password (C-23).
    pub password: Option<Option<String>>,
    /// Whether a password that is there is asked for.
    pub require_password: Option<bool>,
    pub waiting_room_enabled: Option<bool>,
    pub require_host_approval: Option<bool>,
    pub allow_guests: Option<bool>,
    pub entry: EntryChange,
    pub features: FeaturesChange,
    pub recording: RecordingChange,
    pub participants: Option<Vec<Invitee>>,
    /// `Some(None)` ends the series here.
    pub recurrence: Option<Option<String>>,
    pub recurrence_timezone: Option<String>,
}

/// Changes to features, one by one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FeaturesChange {
    pub video_enabled: Option<bool>,
    pub audio_enabled: Option<bool>,
    pub screen_sharing_enabled: Option<bool>,
    pub chat_enabled: Option<bool>,
    pub recording_enabled: Option<bool>,
    pub breakout_rooms_enabled: Option<bool>,
    pub whiteboard_enabled: Option<bool>,
    pub hand_raise_enabled: Option<bool>,
}

/// Changes to what is recorded, one by one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RecordingChange {
    pub auto_record: Option<bool>,
    pub record_video: Option<bool>,
    pub record_audio: Option<bool>,
    pub record_chat: Option<bool>,
    pub storage_location: Option<crate::domain::meeting::StorageLocation>,
    pub retention_days: Option<u16>,
}

impl FeaturesChange {
    /// The features with these changes.
    pub fn over(self, base: Features) -> Features {
        Features {
            video_enabled: self.video_enabled.unwrap_or(base.video_enabled),
            audio_enabled: self.audio_enabled.unwrap_or(base.audio_enabled),
            screen_sharing_enabled: self.screen_sharing_enabled.unwrap_or(base.screen_sharing_enabled),
            chat_enabled: self.chat_enabled.unwrap_or(base.chat_enabled),
            recording_enabled: self.recording_enabled.unwrap_or(base.recording_enabled),
            breakout_rooms_enabled: self.breakout_rooms_enabled.unwrap_or(base.breakout_rooms_enabled),
            whiteboard_enabled: self.whiteboard_enabled.unwrap_or(base.whiteboard_enabled),
            hand_raise_enabled: self.hand_raise_enabled.unwrap_or(base.hand_raise_enabled),
        }
    }
}

impl RecordingChange {
    /// The configuration with these changes.
    pub fn over(self, base: RecordingConfig) -> RecordingConfig {
        RecordingConfig {
            auto_record: self.auto_record.unwrap_or(base.auto_record),
            record_video: self.record_video.unwrap_or(base.record_video),
            record_audio: self.record_audio.unwrap_or(base.record_audio),
            record_chat: self.record_chat.unwrap_or(base.record_chat),
            storage_location: self.storage_location.unwrap_or(base.storage_location),
            retention_days: self.retention_days.unwrap_or(base.retention_days),
        }
    }
}

impl MeetingChange {
    /// The right this change needs: co-hosts may change features and nothing else (C-36).
    fn action(&self) -> Action {
        let only_features = self.features != FeaturesChange::default()
            && self.name.is_none()
            && self.description.is_none()
            && self.location.is_none()
            && self.starts_at.is_none()
            && self.ends_at.is_none()
            && self.kind.is_none()
            && self.max_participants.is_none()
            && self.password.is_none()
            && self.require_password.is_none()
            && self.entry == EntryChange::default()
            && self.waiting_room_enabled.is_none()
            && self.require_host_approval.is_none()
            && self.allow_guests.is_none()
            && self.recording == RecordingChange::default()
            && self.participants.is_none()
            && self.recurrence.is_none()
            && self.recurrence_timezone.is_none();
        if only_features { Action::UpdateFeatures } else { Action::Update }
    }

    fn settings_over(
        &self,
        base: &Settings,
        password: Option<Option<PasswordHash>>,
    ) -> Result<Settings, DomainError> {
        // A password that is set anew is also asked for.
        let asks = base.require_password || password.as_ref().is_some_and(Option::is_some);
        Ok(Settings {
            name: self.name.clone().unwrap_or_else(|| base.name.clone()),
            description: self.description.clone().unwrap_or_else(|| base.description.clone()),
            location: self.location.clone().unwrap_or_else(|| base.location.clone()),
            starts_at: self.starts_at.unwrap_or(base.starts_at),
            ends_at: self.ends_at.unwrap_or(base.ends_at),
            max_participants: self.max_participants.unwrap_or(base.max_participants),
            require_password: self.require_password.unwrap_or(asks),
            password: password.unwrap_or_else(|| base.password.clone()),
            waiting_room_enabled: self.waiting_room_enabled.unwrap_or(base.waiting_room_enabled),
            require_host_approval: self.require_host_approval.unwrap_or(base.require_host_approval),
            allow_guests: self.allow_guests.unwrap_or(base.allow_guests),
            features: self.features.over(base.features),
            recording: self.recording.over(base.recording),
            entry: self.entry.over(&base.entry)?,
        })
    }
}

impl Meetings {
    /// Meetings kept in `store` and run by `live`.
    pub fn new(
        store: Store,
        passwords: Passwords,
        audit: Audit,
        clock: Clock,
        live: Arc<dyn LiveSide>,
    ) -> Self {
        Self { store, passwords, audit, clock, live }
    }

    /// Makes a meeting; the caller becomes creator and host.
    pub async fn create(&self, actor: &Actor, new: NewMeeting) -> Result<Meeting, DomainError> {
        let creator = actor.account().filter(|_| !actor.is_guest()).ok_or(DomainError::Forbidden)?;
        let now = self.clock.now();
        let rule = series::rule_of(new.recurrence.as_deref(), new.recurrence_timezone.as_deref())?;
        let mut meeting = draft(creator, &new, now);
        meeting.settings.check(meeting.profile)?;
        let invitations = invitees::resolve(&self.store, &meeting.campus, new.participants).await?;
        meeting.settings.password = self.hash(new.password.as_deref()).await?;
        meeting.invite(invitations, RosterId::generate);
        let series = rule.map(|rule| Series::of(&mut meeting, rule)).transpose()?;
        let (everybody, by) = (&meeting.roster, actor.name());
        let invitation = match &series {
            None => Announcement::invitation(&meeting, everybody, None, by),
            Some(series) => {
                Announcement::about_series(MailKind::Invitation, &meeting, everybody, series, &[], by)
            }
        };
        self.store.insert_meeting_with(&meeting, series.as_ref(), invitation.as_slice()).await?;
        self.note(AuditAction::MeetingCreate, actor, &meeting).await;
        self.next_of(&meeting).await;
        Ok(meeting)
    }

    /// The meetings the caller made or is listed in.
    pub async fn list(&self, actor: &Actor, page: Page) -> Result<Part<Meeting>, DomainError> {
        match actor.account() {
            Some(account) => self.of_account(account, account, page).await,
            None => Ok(Part { items: Vec::new(), total: 0 }),
        }
    }

    /// The meetings that an account made or is listed in: the caller's own, or for administrators anybody's, campus
    /// administrators staying within their campus (C-69).
    ///
    /// # Errors
    /// `Forbidden`, also when there is no such account and the caller may not know.
    pub async fn list_of(
        &self,
        actor: &Actor,
        whose: Option<&str>,
        page: Page,
    ) -> Result<Part<Meeting>, DomainError> {
        let caller = actor.account().ok_or(DomainError::Forbidden)?;
        let Some(whose) = whose.map(|id| UserId::parse(id.trim())).filter(|id| *id != Some(caller.id)) else {
            return self.list(actor, page).await;
        };
        let account = match whose {
            Some(id) => self.store.account(id).await?,
            None => None,
        };
        match (caller.user_type, account) {
            (UserType::Admin, None) => Ok(Part { items: Vec::new(), total: 0 }),
            (UserType::Admin, Some(account)) => self.of_account(&account, &account, page).await,
            (UserType::CampusAdmin, Some(account)) if account.campus == caller.campus => {
                self.of_account(&account, caller, page).await
            }
            _ => Err(DomainError::Forbidden),
        }
    }

    /// The meetings of `account` within the reach of `seen_by`.
    async fn of_account(
        &self,
        account: &Account,
        seen_by: &Account,
        page: Page,
    ) -> Result<Part<Meeting>, DomainError> {
        let campus = (!seen_by.crosses_campuses()).then_some(&seen_by.campus);
        self.store.meetings_of(account, campus, page).await
    }

    /// A meeting the caller may look at. Refused looks are audited (ACC-03).
    pub async fn view(&self, actor: &Actor, id: &str) -> Result<Meeting, DomainError> {
        self.permit(actor, id, Action::View, AuditAction::MeetingView).await
    }

    /// The meeting, if the caller may do this to it now; a refusal is audited as `deed` (SEC-01). Whoever changes
    /// something asks again while he holds the row.
    async fn permit(
        &self,
        actor: &Actor,
        id: &str,
        action: Action,
        deed: AuditAction,
    ) -> Result<Meeting, DomainError> {
        let meeting = self.load(id).await?;
        match self.check(actor, action, &meeting) {
            Ok(()) => Ok(meeting),
            Err(refusal) => {
                let entry = AuditEntry::refused(deed, actor.user_id(), &refusal);
                self.audit.note(entry.in_meeting(meeting.id, meeting.campus.clone())).await;
                Err(refusal)
            }
        }
    }

    /// A page of the messages the caller may read, counted from the newest, oldest first (C-52).
    pub async fn chat_history(
        &self,
        actor: &Actor,
        id: &str,
        page: Page,
    ) -> Result<Vec<ChatMessage>, DomainError> {
        let meeting = self.view(actor, id).await?;
        let reader = match actor {
            Actor::Account(account) => Sender::User(account.id),
            Actor::Guest(guest) => Sender::Guest(guest.session),
            Actor::System => return Ok(Vec::new()),
        };
        let runs_meeting = meeting.role_of(actor).is_some_and(Role::runs_meeting);
        self.store.messages(meeting.id, reader, runs_meeting, page.limit, page.offset).await
    }

    /// Changes a meeting (C-36); with `whole_series` this and every later occurrence of its series.
    pub async fn update(
        &self,
        actor: &Actor,
        id: &str,
        change: MeetingChange,
        whole_series: bool,
    ) -> Result<Meeting, DomainError> {
        let action = change.action();
        let deed = match action {
            Action::UpdateFeatures => AuditAction::FeatureChange,
            _ => AuditAction::MeetingUpdate,
        };
        self.change(actor, id, change, action, deed, whole_series).await
    }

    /// The one way in which settings change: stored, followed by those inside, written into the trail as `deed`.
    async fn change(
        &self,
        actor: &Actor,
        id: &str,
        change: MeetingChange,
        action: Action,
        deed: AuditAction,
        whole_series: bool,
    ) -> Result<Meeting, DomainError> {
        let seen = self.permit(actor, id, action, deed).await?;
        let password = match &change.password {
            Some(password) => Some(self.hash(password.as_deref()).await?),
            None => None,
        };
        let invitations = match &change.participants {
            Some(participants) => {
                Some(invitees::resolve(&self.store, &seen.campus, participants.clone()).await?)
            }
            None => None,
        };
        let inside: Vec<_> =
            self.live.present(seen.id).await.into_iter().map(|person| person.roster).collect();
        let now = self.clock.now();
        let asked = Asked { series: whole_series, by: actor.name(), now };
        let (whole, (), _) = self
            .store
            .change_series(seen.id, now, |whole| {
                let meeting = &mut whole.meeting;
                self.check(actor, action, meeting)?;
                let before = meeting.clone();
                let rule = series::rule_change(&change, meeting)?;
                let settings = change.settings_over(&meeting.settings, password)?;
                meeting.change(settings, change.kind.unwrap_or(meeting.kind), now)?;
                if let Some(invitations) = invitations {
                    meeting.replace_invitations(invitations, &inside, RosterId::generate);
                }
                Ok(((), series::follow(whole, &before, rule, asked)?))
            })
            .await?;
        let meeting = &whole.meeting;
        self.live.changed(meeting).await;
        self.called_off(&whole).await;
        let entry = AuditEntry::granted(deed, actor.user_id()).remarking(differences(&seen, meeting));
        self.audit.note(entry.in_meeting(meeting.id, meeting.campus.clone())).await;
        self.next_of(meeting).await;
        Ok(whole.meeting)
    }

    /// Cancels a planned meeting, or takes an ended one out of the lists (C-35); with `whole_series` every other
    /// occurrence that has not begun goes too, and no more are made.
    pub async fn delete(&self, actor: &Actor, id: &str, whole_series: bool) -> Result<(), DomainError> {
        let seen = self.permit(actor, id, Action::Delete, AuditAction::MeetingDelete).await?;
        let now = self.clock.now();
        let asked = Asked { series: whole_series, by: actor.name(), now };
        let (whole, (), _) = self
            .store
            .change_series(seen.id, now, |whole| {
                self.check(actor, Action::Delete, &whole.meeting)?;
                let deletion = whole.meeting.delete(now)?;
                Ok(((), series::call_off(whole, deletion, asked)?))
            })
            .await?;
        // Where there is a waiting room, people may wait for a meeting that now will not be.
        self.live.ended(&whole.meeting).await;
        self.called_off(&whole).await;
        self.note(AuditAction::MeetingDelete, actor, &whole.meeting).await;
        self.next_of(&whole.meeting).await;
        Ok(())
    }

    /// Tells the live side of planned occurrences that went with their series.
    async fn called_off(&self, whole: &Whole) {
        for meeting in whole.planned.iter().filter(|meeting| meeting.deleted_at.is_some()) {
            self.live.ended(meeting).await;
        }
    }

    /// Scheduled becomes live. Starting a live meeting changes nothing and tells nobody (C-33); which of both it was is
    /// said.
    pub async fn start(&self, actor: &Actor, id: &str) -> Result<(Meeting, Start), DomainError> {
        let seen = self.permit(actor, id, Action::Start, AuditAction::MeetingStart).await?;
        let now = self.clock.now();
        let (meeting, start) = self
            .store
            .change_status(seen.id, actor.user_id(), |meeting| {
                self.check(actor, Action::Start, meeting)?;
                meeting.start(now)
            })
            .await?;
        if start == Start::Started {
            self.live.started(&meeting).await;
            self.note(AuditAction::MeetingStart, actor, &meeting).await;
        }
        Ok((meeting, start))
    }

    /// Live becomes ended: everybody is out when this returns (C-34).
    pub async fn end(&self, actor: &Actor, id: &str) -> Result<(Meeting, FinalStats), DomainError> {
        let seen = self.permit(actor, id, Action::End, AuditAction::MeetingEnd).await?;
        let now = self.clock.now();
        let (meeting, ()) = self
            .store
            .change_status(seen.id, actor.user_id(), |meeting| {
                self.check(actor, Action::End, meeting)?;
                meeting.end(now)
            })
            .await?;
        self.live.ended(&meeting).await;
        let stats = self.store.keep_final_stats(meeting.id).await?;
        self.note(AuditAction::MeetingEnd, actor, &meeting).await;
        self.next_of(&meeting).await;
        Ok((meeting, stats))
    }

    async fn load(&self, id: &str) -> Result<Meeting, DomainError> {
        self.store.meeting(meeting_id(id)?).await?.ok_or(DomainError::MeetingNotFound)
    }

    fn check(&self, actor: &Actor, action: Action, meeting: &Meeting) -> Result<(), DomainError> {
        may(actor, meeting.standing(actor), action, meeting)
    }

    /// Hashes a meeting password within its bounds; none and empty are none.
    async fn hash(&self, password: Option<&str>) -> Result<Option<PasswordHash>, DomainError> {
        let Some(password) = password.filter(|password| !password.is_empty()) else { return Ok(None) };
        if !MEETING_PASSWORD_CHARS.contains(&password.chars().count()) {
            let (least, most) = (MEETING_PASSWORD_CHARS.start(), MEETING_PASSWORD_CHARS.end());
            return Err(DomainError::invalid(
                "meeting_password",
                format!("must be {least} to {most} characters"),
            ));
        }
        self.passwords.hash(password).await.map(Some)
    }

    async fn note(&self, action: AuditAction, actor: &Actor, meeting: &Meeting) {
        let entry = AuditEntry::granted(action, actor.user_id());
        self.audit.note(entry.in_meeting(meeting.id, meeting.campus.clone())).await;
    }
}

/// Which features an update switched and what of the security policy it moved, for the trail.
fn differences(before: &Meeting, after: &Meeting) -> String {
    let (before_settings, after_settings) = (&before.settings, &after.settings);
    let list = |features: Features| {
        [
            ("video", features.video_enabled),
            ("audio", features.audio_enabled),
            ("screen_sharing", features.screen_sharing_enabled),
            ("chat", features.chat_enabled),
            ("recording", features.recording_enabled),
            ("breakout_rooms", features.breakout_rooms_enabled),
            ("whiteboard", features.whiteboard_enabled),
            ("hand_raise", features.hand_raise_enabled),
        ]
    };
    let (before, after) = (list(before_settings.features), list(after_settings.features));
    let switched = before.into_iter().zip(after).filter(|(was, is)| was != is);
    let mut all: Vec<_> = switched.map(|(_, (name, on))| format!("{name}={on}")).collect();
    all.extend(policy::differences(before_settings, after_settings));
    all.join(" ")
}

fn draft(creator: &Account, new: &NewMeeting, now: OffsetDateTime) -> Meeting {
    Meeting {
        id: MeetingId::generate(),
        room: MeetingRoomId::generate(),
        campus: creator.campus.clone(),
        creator: creator.id,
        profile: new.profile,
        kind: new.kind,
        status: MeetingStatus::Scheduled,
        settings: Settings {
            name: new.name.clone(),
            description: new.description.clone(),
            location: new.location.clone(),
            starts_at: new.starts_at,
            ends_at: new.ends_at,
            max_participants: new.max_participants,
            password: None,
            require_password: true,
            waiting_room_enabled: new.waiting_room_enabled,
            require_host_approval: new.require_host_approval,
            allow_guests: new.allow_guests,
            features: new.features,
            recording: new.recording,
            entry: EntryPolicy::default(),
        },
        roster: vec![host_entry(creator)],
        occurrence: None,
        calendar_sequence: 0,
        created_at: now,
        started_at: None,
        ended_at: None,
        archived_at: None,
        deleted_at: None,
    }
}

/// The creator's own line: always there (C-38).
fn host_entry(creator: &Account) -> RosterEntry {
    RosterEntry {
        id: RosterId::generate(),
        user: Some(creator.id),
        email: Some(creator.email.clone()),
        name: creator.name.clone(),
        phone: None,
        role: Role::Host,
        overrides: PermissionOverrides::default(),
        listing: Listing::Invited,
        joined_at: None,
        left_at: None,
    }
}
