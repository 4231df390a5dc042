//! What is to be said by mail to whom, decided from facts about a meeting. Words, MIME and SMTP are `outbound/mail`'s.
//!
//! Whoever changes a meeting makes the announcements in the same step and gives both to the store, which keeps them in
//! one transaction: no change without its mail, and no mail for a change that failed.

use std::collections::HashSet;

use time::{Duration, OffsetDateTime};

use super::account::{email_key, is_email};
use super::id::{CampusId, MailId, MeetingId, SeriesId};
use super::meeting::Meeting;
use super::profile::Profile;
use super::recurrence::Recurrence;
use super::roster::{Listing, RosterEntry};
use super::series::Series;
use super::settings::Settings;

/// Longest message of an inviter, or reason of a removal, that is kept, in characters (KCS-11).
pub const MESSAGE_CHARS_MAX: usize = 500;

/// Why a mail is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MailKind {
    Invitation,
    /// Something that stands in calendars changed.
    Update,
    /// The meeting is off.
    Cancellation,
    /// The meeting goes on without the reader.
    Removal,
}

impl MailKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Invitation, Self::Update, Self::Cancellation, Self::Removal];

    /// The word stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invitation => "invitation",
            Self::Update => "update",
            Self::Cancellation => "cancellation",
            Self::Removal => "removal",
        }
    }

    /// Reads the word of [`MailKind::as_str`].
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// Whether it takes the entry out of the reader's calendar.
    pub fn takes_out(self) -> bool {
        matches!(self, Self::Cancellation | Self::Removal)
    }
}

/// A name and an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correspondent {
    pub name: String,
    pub email: String,
}

/// An entry in people's calendars.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The same for ever, for a meeting or for a whole series.
    pub id: SeriesId,
    pub sequence: u32,
    pub name: String,
    pub description: String,
    pub location: String,
    pub starts_at: OffsetDateTime,
    pub ends_at: OffsetDateTime,
    pub scope: Scope,
    /// Whether people are asked for a password; which one is never in a mail.
    pub asks_password: bool,
}

/// How an entry stands to a series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// It is a meeting of its own.
    Single,
    /// It is the series, without the occurrences that were called off one by one.
    Series { recurrence: Recurrence, without: Vec<OffsetDateTime> },
    /// It is one occurrence: the one that by the rule starts at `at`.
    Occurrence { recurrence: Recurrence, at: OffsetDateTime },
}

/// One thing to be said, and everybody it is said to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    pub kind: MailKind,
    pub campus: CampusId,
    pub meeting: MeetingId,
    pub event: Event,
    /// Whose meeting it is: answers go there.
    pub organizer: Correspondent,
    /// Who did it, by name.
    pub by: String,
    /// What the inviter wrote, or why somebody was removed.
    pub message: Option<String>,
    pub to: Vec<Correspondent>,
}

/// One mail of an announcement, as it is kept and sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    pub id: MailId,
    pub kind: MailKind,
    pub campus: CampusId,
    pub meeting: MeetingId,
    pub event: Event,
    pub organizer: Correspondent,
    pub by: String,
    pub message: Option<String>,
    pub to: Correspondent,
    pub written_at: OffsetDateTime,
}

/// What became of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MailStatus {
    /// Waits to be sent, or to be tried again.
    Queued,
    Sent,
    /// Refused for good, or never taken within [`TRIED_FOR`].
    Failed,
}

impl MailStatus {
    /// The word stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Failed => "failed",
        }
    }

    /// Reads the word of [`MailStatus::as_str`].
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Queued, Self::Sent, Self::Failed].into_iter().find(|status| status.as_str() == word)
    }
}

/// A mail with what became of it so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailRecord {
    pub letter: Letter,
    pub status: MailStatus,
    /// How often it was tried.
    pub attempts: u32,
    /// What the server said last, when that was no yes.
    pub last_error: Option<String>,
    /// When it is tried next, while it is queued.
    pub due_at: OffsetDateTime,
    pub sent_at: Option<OffsetDateTime>,
}

/// How long a mail is tried: a server that is down for a weekend's night costs none, and news of a meeting is of no
/// use much later.
pub const TRIED_FOR: Duration = Duration::hours(48);
/// The pause after the first refusal that may pass; it doubles each time.
const PAUSE_MIN: Duration = Duration::seconds(30);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::hours(1);

/// How long to wait after `attempts` tries in vain. `jitter` from 0 to 1 spreads mails that failed together over the
/// second half of the pause.
pub fn pause(attempts: u32, jitter: f64) -> Duration {
    let doubled = PAUSE_MIN * 2_i32.pow(attempts.clamp(1, 8) - 1);
    doubled.min(PAUSE_MAX) * (0.5 + jitter.clamp(0.0, 1.0) / 2.0)
}

impl Announcement {
    /// Invites `entries`, who are on the roster of the meeting. `None` when nobody of them can be written to.
    pub fn invitation(
        meeting: &Meeting,
        entries: &[RosterEntry],
        message: Option<&str>,
        by: &str,
    ) -> Option<Self> {
        Self::about(MailKind::Invitation, meeting, entries, message, by)
    }

    /// Tells `entries`, who are no longer on the roster, that they are out.
    pub fn removal(
        meeting: &mut Meeting,
        entries: &[RosterEntry],
        reason: Option<&str>,
        by: &str,
    ) -> Option<Self> {
        meeting.calendar_sequence += 1;
        Self::about(MailKind::Removal, meeting, entries, reason, by)
    }

    /// Tells everybody invited that the meeting is off.
    pub fn cancellation(meeting: &mut Meeting, by: &str) -> Option<Self> {
        meeting.calendar_sequence += 1;
        Self::about(MailKind::Cancellation, meeting, &invited(meeting), None, by)
    }

    /// What to say after `before` has become `meeting`: an update to those who stay, if it matters to a calendar, an
    /// invitation to those who came, a removal to those who went.
    pub fn changes(before: &Meeting, meeting: &mut Meeting, by: &str) -> Vec<Self> {
        let news = News::of(before, meeting);
        if news.matters {
            meeting.calendar_sequence += 1;
        }
        let mut all: Vec<_> = [
            (MailKind::Update, if news.matters { &news.stayed[..] } else { &[] }),
            (MailKind::Invitation, &news.came[..]),
        ]
        .into_iter()
        .filter_map(|(kind, entries)| Self::about(kind, meeting, entries, None, by))
        .collect();
        if !news.went.is_empty() {
            all.extend(Self::removal(meeting, &news.went, None, by));
        }
        all
    }

    /// As [`Announcement::changes`], where the change was one of the whole series. `without`: occurrences that were
    /// called off one by one.
    pub fn series_changes(
        before: &Meeting,
        meeting: &Meeting,
        series: &Series,
        without: &[OffsetDateTime],
        by: &str,
    ) -> Vec<Self> {
        let mut news = News::of(before, meeting);
        news.matters |= before.occurrence.as_ref().map(|place| &place.recurrence)
            != meeting.occurrence.as_ref().map(|place| &place.recurrence);
        [
            (MailKind::Update, if news.matters { &news.stayed[..] } else { &[] }),
            (MailKind::Invitation, &news.came[..]),
            (MailKind::Removal, &news.went[..]),
        ]
        .into_iter()
        .filter_map(|(kind, entries)| Self::about_series(kind, meeting, entries, series, without, by))
        .collect()
    }

    /// Says something about a whole series; `meeting` is the occurrence it is said with.
    pub fn about_series(
        kind: MailKind,
        meeting: &Meeting,
        entries: &[RosterEntry],
        series: &Series,
        without: &[OffsetDateTime],
        by: &str,
    ) -> Option<Self> {
        let first = series.settings.starts_at;
        let without = without.iter().copied().filter(|at| *at >= first).collect();
        let scope = Scope::Series { recurrence: series.recurrence.clone(), without };
        let event = event(series.id, series.calendar_sequence, &series.settings, scope);
        Self::of(kind, meeting, event, entries, None, by)
    }

    fn about(
        kind: MailKind,
        meeting: &Meeting,
        entries: &[RosterEntry],
        message: Option<&str>,
        by: &str,
    ) -> Option<Self> {
        let (id, scope) = match &meeting.occurrence {
            None => (SeriesId(meeting.id.0), Scope::Single),
            Some(place) => {
                let (recurrence, at) = (place.recurrence.clone(), place.at);
                (place.series, Scope::Occurrence { recurrence, at })
            }
        };
        let event = event(id, meeting.calendar_sequence, &meeting.settings, scope);
        Self::of(kind, meeting, event, entries, message, by)
    }

    fn of(
        kind: MailKind,
        meeting: &Meeting,
        event: Event,
        entries: &[RosterEntry],
        message: Option<&str>,
        by: &str,
    ) -> Option<Self> {
        let organizer = meeting.entry_of_user(meeting.creator).and_then(correspondent)?;
        let to = readers(meeting, entries);
        let message = message.map(str::trim).filter(|text| !text.is_empty());
        (!to.is_empty()).then(|| Self {
            kind,
            campus: meeting.campus.clone(),
            meeting: meeting.id,
            event,
            organizer,
            by: by.to_owned(),
            message: message.map(|text| text.chars().take(MESSAGE_CHARS_MAX).collect()),
            to,
        })
    }

    /// What makes one mail of this announcement the same as another: it is kept once, however often it is made.
    pub fn key(&self, to: &Correspondent) -> String {
        let Event { id, sequence, scope, .. } = &self.event;
        let part = match scope {
            Scope::Single | Scope::Series { .. } => 0,
            Scope::Occurrence { at, .. } => at.unix_timestamp(),
        };
        format!("{id} {part} {} {sequence} {}", self.kind.as_str(), email_key(&to.email))
    }
}

fn event(id: SeriesId, sequence: u32, settings: &Settings, scope: Scope) -> Event {
    Event {
        id,
        sequence,
        name: settings.name.clone(),
        description: settings.description.clone(),
        location: settings.location.clone(),
        starts_at: settings.starts_at,
        ends_at: settings.ends_at,
        scope,
        asks_password: settings.asks_password(),
    }
}

/// Who is written to: everybody of these with an address, once; not the creator, who made the meeting; nobody of
/// meetings whose dialect has no mail (C-64).
fn readers(meeting: &Meeting, entries: &[RosterEntry]) -> Vec<Correspondent> {
    if meeting.profile != Profile::Standard {
        return Vec::new();
    }
    let creator = meeting.entry_of_user(meeting.creator).and_then(correspondent);
    let mut seen: HashSet<_> = creator.iter().map(|creator| email_key(&creator.email)).collect();
    let wanted = entries.iter().filter(|entry| entry.user != Some(meeting.creator)).filter_map(correspondent);
    wanted.filter(|person| seen.insert(email_key(&person.email))).collect()
}

fn invited(meeting: &Meeting) -> Vec<RosterEntry> {
    meeting.roster.iter().filter(|entry| entry.listing == Listing::Invited).cloned().collect()
}

fn correspondent(entry: &RosterEntry) -> Option<Correspondent> {
    let email = entry.email.as_deref().map(str::trim).filter(|email| is_email(email))?;
    Some(Correspondent { name: entry.name.clone(), email: email.to_owned() })
}

/// What a change of a meeting means to its people.
struct News {
    /// Name, description, place or time: what stands in a calendar.
    matters: bool,
    stayed: Vec<RosterEntry>,
    came: Vec<RosterEntry>,
    went: Vec<RosterEntry>,
}

impl News {
    fn of(before: &Meeting, after: &Meeting) -> Self {
        let (old, new) = (&before.settings, &after.settings);
        let matters = old.name != new.name
            || old.description != new.description
            || old.location != new.location
            || old.starts_at != new.starts_at
            || old.ends_at != new.ends_at;
        let was = invited(before);
        let knew: HashSet<_> = was.iter().map(|entry| entry.id).collect();
        let (stayed, came): (Vec<_>, Vec<_>) =
            invited(after).into_iter().partition(|entry| knew.contains(&entry.id));
        let here: HashSet<_> = stayed.iter().map(|entry| entry.id).collect();
        let went = was.into_iter().filter(|entry| !here.contains(&entry.id)).collect();
        Self { matters, stayed, came, went }
    }
}

#[cfg(test)]
mod tests;
