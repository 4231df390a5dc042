//! A meeting as the database keeps it: status, roster and [`super::settings`]. Who is inside right now is
//! [`super::live`]'s affair.

use time::OffsetDateTime;

use super::account::email_key;
use super::actor::Actor;
use super::error::DomainError;
use super::id::{CampusId, MeetingId, MeetingRoomId, RosterId, UserId};
use super::profile::Profile;
use super::role::{Permissions, Role};
use super::roster::{Listing, RosterEntry};
use super::series::Occurrence;

// What a meeting is set to belongs to what it is; readers find both under one name.
pub use super::security::{EntryPolicy, Level};
pub use super::settings::{
    Feature, Features, MEETING_PASSWORD_CHARS, PARTICIPANTS_DEFAULT, PARTICIPANTS_MAX, PARTICIPANTS_MIN,
    RETENTION_DAYS, RecordingConfig, Settings, StorageLocation, TEXT_BYTES_MAX,
};

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
    /// Which occurrence of which series this is; `None` for a meeting of its own.
    pub occurrence: Option<Occurrence>,
    /// How often what stands in people's calendars was changed by mail (iCalendar's SEQUENCE).
    pub calendar_sequence: u32,
    pub created_at: OffsetDateTime,
    pub started_at: Option<OffsetDateTime>,
    pub ended_at: Option<OffsetDateTime>,
    pub archived_at: Option<OffsetDateTime>,
    pub deleted_at: Option<OffsetDateTime>,
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

    /// Whether the host keeps this account out by name. The creator cannot be kept out of his meeting (C-72).
    pub fn blocks(&self, actor: &Actor) -> bool {
        !self.is_creator(actor) && actor.user_id().is_some_and(|user| self.settings.entry.blocks(user))
    }

    /// Whether an account made the meeting or is on the roster by its id.
    pub fn lists(&self, user: UserId) -> bool {
        self.listed_users().any(|(listed, _)| listed == user)
    }

    /// The accounts on the roster with their names, withdrawn ones left out; the creator is always among them.
    pub fn listed_users(&self) -> impl Iterator<Item = (UserId, &str)> {
        let listed = self.roster.iter().filter(|entry| entry.listing != Listing::Withdrawn);
        listed.filter_map(|entry| Some((entry.user?, entry.name.as_str())))
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
            MeetingStatus::Cancelled => Err(DomainError::MeetingUnstartable),
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
        self.check_blocked(&settings.entry)?;
        self.settings = settings;
        self.kind = kind;
        Ok(())
    }

    /// Hosts cannot be removed (ROLE-08), so they cannot be blocked: first they have to be something less. Who was
    /// blocked before becoming one stays it.
    fn check_blocked(&self, policy: &EntryPolicy) -> Result<(), DomainError> {
        let is_host = |user| {
            user == self.creator || self.entry_of_user(user).is_some_and(|line| line.role == Role::Host)
        };
        let is_new = |user: &UserId| !self.settings.entry.blocks(*user);
        if policy.blocked_users.iter().copied().filter(is_new).any(is_host) {
            return Err(DomainError::invalid("blocked_users", "a host cannot be blocked"));
        }
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
                None => {
                    let role = invitation.role.unwrap_or(Role::Attendee);
                    self.roster.push(RosterEntry::invited(fresh_id(), invitation, role));
                }
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
        self.roster.iter_mut().filter(|e| e.listing == Listing::Withdrawn).for_each(RosterEntry::withdraw);
        self.roster.retain(|entry| entry.listing != Listing::Withdrawn || entry.joined_at.is_some());
    }
}

/// Whether a roster entry and an invitation mean the same person: the same account, else the same address.
pub(super) fn same_person(entry: &RosterEntry, invitation: &Invitation) -> bool {
    match (entry.user, invitation.user) {
        (Some(a), Some(b)) => a == b,
        _ => match (&entry.email, &invitation.email) {
            (Some(a), Some(b)) => email_key(a) == email_key(b),
            _ => false,
        },
    }
}

#[cfg(test)]
mod tests;
