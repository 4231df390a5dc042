//! A meeting as the database keeps it: settings, roster and status. Who is inside right now is [`super::live`]'s affair.

use time::OffsetDateTime;

use super::account::email_key;
use super::actor::Actor;
use super::error::DomainError;
use super::id::{CampusId, MeetingId, MeetingRoomId, RosterId, UserId};
use super::password::PasswordHash;
use super::profile::Profile;
use super::role::{PermissionOverrides, Permissions, Role};
use super::roster::{Listing, RosterEntry};

/// Fewest and most people a meeting may be created for (LIM-01).
pub const PARTICIPANTS_MIN: u32 = 2;
/// See [`PARTICIPANTS_MIN`].
pub const PARTICIPANTS_MAX: u32 = 10_000;
/// Seats when the creator does not say.
pub const PARTICIPANTS_DEFAULT: u32 = 100;
/// Shortest and longest meeting password, in characters (LIM-02).
pub const MEETING_PASSWORD_CHARS: std::ops::RangeInclusive<usize> = 6..=50;
/// Days a recording may be kept (LIM-03).
pub const RETENTION_DAYS: std::ops::RangeInclusive<u16> = 1..=365;
/// Largest title, description or location, in bytes: encrypted ones are opaque strings of up to 16 KiB (C-65).
pub const TEXT_BYTES_MAX: usize = 16 * 1024;

/// Where a meeting is in its life (C-04): scheduled, live, ended; or scheduled, cancelled. Nothing leads back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MeetingStatus {
    Scheduled,
    Live,
    Ended,
    Cancelled,
}

impl MeetingStatus {
    /// All of them, in order of life.
    pub const ALL: [Self; 4] = [Self::Scheduled, Self::Live, Self::Ended, Self::Cancelled];

    /// The word stored; dialects may show another.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Live => "live",
            Self::Ended => "ended",
            Self::Cancelled => "cancelled",
        }
    }

    /// Reads the word of [`MeetingStatus::as_str`].
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }
}

/// How a meeting comes about (C-39).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MeetingKind {
    Scheduled,
    Instant,
    Recurring,
}

impl MeetingKind {
    /// The word stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Instant => "instant",
            Self::Recurring => "recurring",
        }
    }

    /// Reads the word of [`MeetingKind::as_str`].
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Scheduled, Self::Instant, Self::Recurring].into_iter().find(|kind| kind.as_str() == word)
    }
}

/// Something a host can switch on and off for the whole meeting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Feature {
    Video,
    Audio,
    ScreenSharing,
    Chat,
    Recording,
    BreakoutRooms,
    Whiteboard,
    HandRaise,
}

/// Which features are on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Features {
    pub video_enabled: bool,
    pub audio_enabled: bool,
    pub screen_sharing_enabled: bool,
    pub chat_enabled: bool,
    pub recording_enabled: bool,
    pub breakout_rooms_enabled: bool,
    pub whiteboard_enabled: bool,
    pub hand_raise_enabled: bool,
}

impl Default for Features {
    fn default() -> Self {
        Self {
            video_enabled: true,
            audio_enabled: true,
            screen_sharing_enabled: true,
            chat_enabled: true,
            recording_enabled: false,
            breakout_rooms_enabled: false,
            whiteboard_enabled: false,
            hand_raise_enabled: true,
        }
    }
}

impl Features {
    /// Whether one feature is on.
    pub fn allows(&self, feature: Feature) -> bool {
        match feature {
            Feature::Video => self.video_enabled,
            Feature::Audio => self.audio_enabled,
            Feature::ScreenSharing => self.screen_sharing_enabled,
            Feature::Chat => self.chat_enabled,
            Feature::Recording => self.recording_enabled,
            Feature::BreakoutRooms => self.breakout_rooms_enabled,
            Feature::Whiteboard => self.whiteboard_enabled,
            Feature::HandRaise => self.hand_raise_enabled,
        }
    }
}

/// Where recordings go (C-73).
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StorageLocation {
    Local,
    Cloud,
}

/// What would be recorded, and for how long it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct RecordingConfig {
    pub auto_record: bool,
    pub record_video: bool,
    pub record_audio: bool,
    pub record_chat: bool,
    pub storage_location: StorageLocation,
    pub retention_days: u16,
}

impl Default for RecordingConfig {
    fn default() -> Self {
        Self {
            auto_record: false,
            record_video: true,
            record_audio: true,
            record_chat: false,
            storage_location: StorageLocation::Cloud,
            retention_days: 30,
        }
    }
}

/// Who is kept out and how people arrive (C-72). No route of today writes it; admission already obeys it.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct EntryPolicy {
    pub locked: bool,
    /// Domains of account addresses that may enter; empty means all. Does not bind the creator.
    pub allowed_domains: Vec<String>,
    #[serde(with = "user_ids")]
    pub blocked_users: Vec<UserId>,
    pub mute_on_entry: bool,
    pub disable_camera: bool,
}

/// A meeting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meeting {
    pub id: MeetingId,
    pub room: MeetingRoomId,
    pub campus: CampusId,
    pub creator: UserId,
    pub profile: Profile,
    pub kind: MeetingKind,
    pub status: MeetingStatus,
    pub settings: Settings,
    pub roster: Vec<RosterEntry>,
    pub created_at: OffsetDateTime,
    pub started_at: Option<OffsetDateTime>,
    pub ended_at: Option<OffsetDateTime>,
    pub archived_at: Option<OffsetDateTime>,
    pub deleted_at: Option<OffsetDateTime>,
}

/// What the host decides about a meeting and may change later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    pub name: String,
    pub description: String,
    pub location: String,
    pub starts_at: OffsetDateTime,
    pub ends_at: OffsetDateTime,
    pub max_participants: u32,
    pub password: Option<PasswordHash>,
    /// Whether a password that is set is asked for; inert without one (C-23).
    pub require_password: bool,
    pub waiting_room_enabled: bool,
    pub require_host_approval: bool,
    pub allow_guests: bool,
    pub features: Features,
    pub recording: RecordingConfig,
    pub entry: EntryPolicy,
}

/// A person to be put on the roster, already looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    pub user: Option<UserId>,
    pub email: Option<String>,
    pub name: String,
    pub phone: Option<String>,
    /// `None`: attendee, or whatever the person already is.
    pub role: Option<Role>,
}

/// What a person is in a meeting and may do there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    pub role: Role,
    pub permissions: Permissions,
}

impl Standing {
    /// What a role brings by itself.
    pub fn of(role: Role) -> Self {
        Self { role, permissions: role.permissions() }
    }
}

/// What [`Meeting::start`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    Started,
    /// It was live before; nobody is told again (C-33).
    AlreadyLive,
}

/// What [`Meeting::delete`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deletion {
    /// A planned meeting is off.
    Cancelled,
    /// An ended one left the lists.
    Removed,
}

impl Settings {
    /// Checks the bounds that hold for every meeting of this profile, whoever made it.
    pub fn check(&self, profile: Profile) -> Result<(), DomainError> {
        check_text("meeting_name", &self.name)?;
        check_text("meeting_description", &self.description)?;
        check_text("meeting_location", &self.location)?;
        if self.name.trim().is_empty() {
            return Err(DomainError::FieldMissing("meeting_name"));
        }
        if self.ends_at <= self.starts_at {
            return Err(DomainError::EndBeforeStart);
        }
        let most = profile.limits().participants_max;
        if !(PARTICIPANTS_MIN..=most).contains(&self.max_participants) {
            return Err(DomainError::invalid(
                "max_participants",
                format!("must be between {PARTICIPANTS_MIN} and {most}"),
            ));
        }
        if !RETENTION_DAYS.contains(&self.recording.retention_days) {
            return Err(DomainError::invalid(
                "recording_config.retention_days",
                format!("must be between {} and {}", RETENTION_DAYS.start(), RETENTION_DAYS.end()),
            ));
        }
        Ok(())
    }

    /// Whether somebody has to know a password to enter.
    pub fn asks_password(&self) -> bool {
        self.require_password && self.password.is_some()
    }

    /// Whether people other than hosts wait to be admitted (C-25).
    pub fn asks_admission(&self) -> bool {
        self.waiting_room_enabled || self.require_host_approval
    }
}

impl Meeting {
    /// Whether the actor made this meeting.
    pub fn is_creator(&self, actor: &Actor) -> bool {
        actor.user_id() == Some(self.creator)
    }

    /// The roster entry of the actor, invited or not.
    pub fn entry_of(&self, actor: &Actor) -> Option<&RosterEntry> {
        self.roster.iter().find(|entry| entry.is_for(actor))
    }

    /// The roster entry of an account by its id alone.
    pub fn entry_of_user(&self, user: UserId) -> Option<&RosterEntry> {
        self.roster.iter().find(|entry| entry.user == Some(user))
    }

    /// Whether the actor made the meeting or was invited, by id or by address (ACC-04).
    pub fn invites(&self, actor: &Actor) -> bool {
        self.is_creator(actor) || self.entry_of(actor).is_some_and(|entry| entry.listing == Listing::Invited)
    }

    /// What the actor is here; `None` for people who are not on the roster. The creator is host for ever (C-15).
    pub fn standing(&self, actor: &Actor) -> Option<Standing> {
        if self.is_creator(actor) {
            return Some(Standing::of(Role::Host));
        }
        self.entry_of(actor)
            .filter(|entry| entry.listing != Listing::Withdrawn)
            .map(|entry| Standing { role: entry.role, permissions: entry.permissions() })
    }

    /// The actor's role, when on the roster.
    pub fn role_of(&self, actor: &Actor) -> Option<Role> {
        self.standing(actor).map(|standing| standing.role)
    }

    /// Scheduled becomes live.
    pub fn start(&mut self, now: OffsetDateTime) -> Result<Start, DomainError> {
        match self.status {
            MeetingStatus::Live => Ok(Start::AlreadyLive),
            MeetingStatus::Ended => Err(DomainError::MeetingEnded),
            MeetingStatus::Cancelled => Err(DomainError::MeetingCancelled),
            MeetingStatus::Scheduled => {
                self.status = MeetingStatus::Live;
                self.started_at = Some(now);
                Ok(Start::Started)
            }
        }
    }

    /// Live becomes ended, for good.
    pub fn end(&mut self, now: OffsetDateTime) -> Result<(), DomainError> {
        match self.status {
            MeetingStatus::Ended => Err(DomainError::MeetingEnded),
            MeetingStatus::Scheduled => Err(DomainError::MeetingNotActive),
            MeetingStatus::Cancelled => Err(DomainError::MeetingCancelled),
            MeetingStatus::Live => {
                self.status = MeetingStatus::Ended;
                self.ended_at = Some(now);
                Ok(())
            }
        }
    }

    /// Takes the meeting out of all lists; the row stays (C-35).
    pub fn delete(&mut self, now: OffsetDateTime) -> Result<Deletion, DomainError> {
        let deletion = match self.status {
            MeetingStatus::Live => return Err(DomainError::MeetingLive),
            MeetingStatus::Scheduled => {
                self.status = MeetingStatus::Cancelled;
                Deletion::Cancelled
            }
            MeetingStatus::Cancelled | MeetingStatus::Ended => Deletion::Removed,
        };
        self.deleted_at = Some(now);
        Ok(deletion)
    }

    /// Takes over new settings (C-36). `settings` is the whole picture: old values with the changed ones on top.
    pub fn change(
        &mut self,
        settings: Settings,
        kind: MeetingKind,
        now: OffsetDateTime,
    ) -> Result<(), DomainError> {
        match self.status {
            MeetingStatus::Ended => return Err(DomainError::MeetingEnded),
            MeetingStatus::Cancelled => return Err(DomainError::MeetingCancelled),
            MeetingStatus::Scheduled => {
                let reschedules = settings.ends_at > now;
                if self.settings.ends_at <= now && !reschedules {
                    return Err(DomainError::MeetingPast);
                }
            }
            MeetingStatus::Live => {
                if settings.starts_at != self.settings.starts_at {
                    return Err(DomainError::invalid(
                        "meeting_start_time",
                        "cannot change while the meeting is live",
                    ));
                }
                if kind != self.kind {
                    return Err(DomainError::invalid(
                        "meeting_type",
                        "cannot change while the meeting is live",
                    ));
                }
            }
        }
        settings.check(self.profile)?;
        self.settings = settings;
        self.kind = kind;
        Ok(())
    }

    /// Puts people on the roster; somebody who is there already is invited again rather than listed twice.
    /// `fresh_id` makes the id of a new entry.
    pub fn invite(&mut self, invitations: Vec<Invitation>, mut fresh_id: impl FnMut() -> RosterId) {
        for invitation in invitations {
            match self.roster.iter_mut().find(|entry| same_person(entry, &invitation)) {
                Some(entry) => {
                    entry.listing = Listing::Invited;
                    entry.user = entry.user.or(invitation.user);
                    if let Some(role) = invitation.role.filter(|_| entry.user != Some(self.creator)) {
                        entry.role = role;
                    }
                }
                None => self.roster.push(RosterEntry {
                    id: fresh_id(),
                    user: invitation.user,
                    email: invitation.email,
                    name: invitation.name,
                    phone: invitation.phone,
                    role: invitation.role.unwrap_or(Role::Attendee),
                    overrides: PermissionOverrides::default(),
                    listing: Listing::Invited,
                    joined_at: None,
                    left_at: None,
                }),
            }
        }
    }

    /// Replaces the invited list (C-36): the creator and everybody `inside` stay, people who were inside once stay
    /// listed without an invitation, the others are gone.
    pub fn replace_invitations(
        &mut self,
        invitations: Vec<Invitation>,
        inside: &[RosterId],
        fresh_id: impl FnMut() -> RosterId,
    ) {
        let creator = self.creator;
        let stays = |entry: &RosterEntry| entry.user == Some(creator) || inside.contains(&entry.id);
        for entry in self.roster.iter_mut().filter(|e| e.listing == Listing::Invited && !stays(e)) {
            entry.listing = Listing::Withdrawn;
        }
        self.invite(invitations, fresh_id);
        self.roster.retain(|entry| entry.listing != Listing::Withdrawn || entry.joined_at.is_some());
    }
}

/// Whether a roster entry and an invitation mean the same person: the same account, else the same address.
fn same_person(entry: &RosterEntry, invitation: &Invitation) -> bool {
    match (entry.user, invitation.user) {
        (Some(a), Some(b)) => a == b,
        _ => match (&entry.email, &invitation.email) {
            (Some(a), Some(b)) => email_key(a) == email_key(b),
            _ => false,
        },
    }
}

fn check_text(field: &'static str, text: &str) -> Result<(), DomainError> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(DomainError::invalid(field, format!("must not be longer than {TEXT_BYTES_MAX} bytes")));
    }
    if text.contains('\0') {
        return Err(DomainError::invalid(field, "must not contain NUL"));
    }
    Ok(())
}

/// Account ids inside stored JSON.
mod user_ids {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::UserId;

    pub(super) fn serialize<S: Serializer>(ids: &[UserId], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(ids.iter().map(UserId::to_string))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<UserId>, D::Error> {
        let words = Vec::<String>::deserialize(deserializer)?;
        Ok(words.iter().filter_map(|word| UserId::parse(word)).collect())
    }
}

#[cfg(test)]
mod tests;
