//! A series: one rule, and what each occurrence begins with. Every occurrence is a meeting of its own (C-39).

use time::{Duration, OffsetDateTime};

use super::error::DomainError;
use super::id::{CampusId, MeetingId, MeetingRoomId, RosterId, SeriesId, UserId};
use super::meeting::{Invitation, Meeting, MeetingKind, MeetingStatus};
use super::profile::Profile;
use super::recurrence::Recurrence;
use super::role::PermissionOverrides;
use super::roster::{Listing, RosterEntry};
use super::settings::Settings;

/// How long before its start an occurrence becomes a meeting, whatever became of the one before.
pub const AHEAD: Duration = Duration::hours(24);

/// A series of meetings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    pub id: SeriesId,
    pub campus: CampusId,
    pub creator: UserId,
    pub profile: Profile,
    pub recurrence: Recurrence,
    /// What occurrences begin with. Its times are those of the first occurrence, from which the rule counts.
    pub settings: Settings,
    /// Whom each occurrence begins with; the ids are replaced by fresh ones.
    pub roster: Vec<RosterEntry>,
    /// How often the series as a whole was changed in people's calendars.
    pub calendar_sequence: u32,
    /// Start, by the rule, of the newest occurrence that was made.
    pub made_until: OffsetDateTime,
    pub created_at: OffsetDateTime,
    /// When it was called off, or had no further occurrence.
    pub ended_at: Option<OffsetDateTime>,
}

/// Which occurrence of a series a meeting is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occurrence {
    pub series: SeriesId,
    /// Start by the rule; stays when the occurrence alone is moved.
    pub at: OffsetDateTime,
    /// The rule of the series as it is now; changing it here changes nothing.
    pub recurrence: Recurrence,
}

impl Series {
    /// Makes a series of what is so far one meeting, which becomes its first occurrence. They share one id, so that
    /// an entry that stands in a calendar already becomes the series.
    pub fn of(meeting: &mut Meeting, recurrence: Recurrence) -> Result<Self, DomainError> {
        let id = SeriesId(meeting.id.0);
        let settings = meeting.settings.clone();
        recurrence.check(settings.starts_at, settings.ends_at - settings.starts_at)?;
        meeting.kind = MeetingKind::Recurring;
        let at = settings.starts_at;
        meeting.occurrence = Some(Occurrence { series: id, at, recurrence: recurrence.clone() });
        Ok(Self {
            id,
            campus: meeting.campus.clone(),
            creator: meeting.creator,
            profile: meeting.profile,
            recurrence,
            made_until: at,
            settings,
            roster: template(&meeting.roster),
            calendar_sequence: meeting.calendar_sequence,
            created_at: meeting.created_at,
            ended_at: None,
        })
    }

    /// How long each occurrence takes.
    pub fn length(&self) -> Duration {
        self.settings.ends_at - self.settings.starts_at
    }

    /// Start of the occurrence to be made now, if one is: the next that is not over yet, when the one before it is
    /// over (`previous_over`) or its own start has come near. Occurrences that nobody made while they could have
    /// been held are left out.
    pub fn due(&self, previous_over: bool, now: OffsetDateTime) -> Option<OffsetDateTime> {
        let next = self.next(now)?;
        (previous_over || next <= now + AHEAD).then_some(next)
    }

    /// Start of the next occurrence that can still be made; `None` when the series is at its end.
    pub fn next(&self, now: OffsetDateTime) -> Option<OffsetDateTime> {
        if self.ended_at.is_some() {
            return None;
        }
        let all = self.recurrence.occurrences(self.settings.starts_at).ok()?;
        all.into_iter().find(|at| *at > self.made_until && *at + self.length() > now)
    }

    /// The occurrence at `at` as a meeting. `fresh` makes the ids of its roster.
    pub fn occurrence(
        &self,
        at: OffsetDateTime,
        id: MeetingId,
        room: MeetingRoomId,
        mut fresh: impl FnMut() -> RosterId,
        now: OffsetDateTime,
    ) -> Meeting {
        let settings = Settings { starts_at: at, ends_at: at + self.length(), ..self.settings.clone() };
        let roster = self.roster.iter().map(|entry| RosterEntry { id: fresh(), ..entry.clone() }).collect();
        Meeting {
            id,
            room,
            campus: self.campus.clone(),
            creator: self.creator,
            profile: self.profile,
            kind: MeetingKind::Recurring,
            status: MeetingStatus::Scheduled,
            settings,
            roster,
            occurrence: Some(Occurrence { series: self.id, at, recurrence: self.recurrence.clone() }),
            calendar_sequence: self.calendar_sequence,
            created_at: now,
            started_at: None,
            ended_at: None,
            archived_at: None,
            deleted_at: None,
        }
    }

    /// Takes over what became of `meeting`, one of its occurrences, for that one and all later ones. `retimed`: its
    /// start or end was changed. Says what happens to later occurrences that were made already and have not begun.
    ///
    /// Where times and rule stay, the series goes on counting from where it began; else it begins anew with this
    /// occurrence, so that what was is not rewritten.
    pub fn follow(
        &mut self,
        meeting: &mut Meeting,
        retimed: bool,
        change: RuleChange,
    ) -> Result<Later, DomainError> {
        // Who gives a series the meeting of another one has mixed up rows; nobody outside can.
        let Some(place) = meeting.occurrence.as_mut().filter(|place| place.series == self.id) else {
            return Err(DomainError::Internal);
        };
        let (starts_at, ends_at) = (meeting.settings.starts_at, meeting.settings.ends_at);
        let ends_here = change == RuleChange::End;
        let anew = retimed || matches!(change, RuleChange::New(_));
        if matches!(change, RuleChange::New(_)) {
            self.ended_at = None;
        }
        let (first, last) =
            if anew { (starts_at, ends_at) } else { (self.settings.starts_at, self.settings.ends_at) };
        self.recurrence = match change {
            RuleChange::New(rule) => *rule,
            RuleChange::End => self.recurrence.until(place.at),
            RuleChange::Keep if anew => {
                let all = self.recurrence.occurrences(self.settings.starts_at)?;
                let index = all.iter().position(|at| *at == place.at).unwrap_or(0);
                self.recurrence.from_occurrence(index)
            }
            RuleChange::Keep => self.recurrence.clone(),
        };
        self.recurrence.check(first, last - first)?;
        self.settings = Settings { starts_at: first, ends_at: last, ..meeting.settings.clone() };
        self.roster = template(&meeting.roster);
        self.calendar_sequence = self.calendar_sequence.max(meeting.calendar_sequence) + 1;
        meeting.calendar_sequence = self.calendar_sequence;
        place.recurrence = self.recurrence.clone();
        if anew {
            place.at = starts_at;
        }
        if anew || ends_here {
            self.made_until = place.at;
            return Ok(Later::Discard);
        }
        Ok(Later::Adopt)
    }

    /// Makes a later occurrence what the series now says; calendars forget what was changed in it alone, too.
    pub fn adopt(&self, later: &mut Meeting, fresh: impl FnMut() -> RosterId) {
        let starts_at = later.occurrence.as_ref().map_or(later.settings.starts_at, |place| place.at);
        let ends_at = starts_at + self.length();
        later.settings = Settings { starts_at, ends_at, ..self.settings.clone() };
        later.calendar_sequence = self.calendar_sequence;
        let invitations = self.roster.iter().map(|entry| Invitation {
            user: entry.user,
            email: entry.email.clone(),
            name: entry.name.clone(),
            phone: entry.phone.clone(),
            role: Some(entry.role),
        });
        // Nobody is inside a meeting that has not begun.
        later.replace_invitations(invitations.collect(), &[], fresh);
        later.roster.iter_mut().for_each(|line| line.overrides = PermissionOverrides::default());
        for granted in self.roster.iter().filter(|entry| entry.overrides != PermissionOverrides::default()) {
            let same = |line: &&mut RosterEntry| line.user == granted.user && line.email == granted.email;
            if let Some(line) = later.roster.iter_mut().find(same) {
                line.overrides = granted.overrides;
            }
        }
    }

    /// Calls the series off: no occurrence is made any more.
    pub fn end(&mut self, now: OffsetDateTime) {
        self.ended_at = Some(now);
        self.calendar_sequence += 1;
    }
}

/// What is to become of the rule of a series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RuleChange {
    Keep,
    New(Box<Recurrence>),
    /// No occurrence after this one.
    End,
}

/// What becomes of later occurrences that were made already and have not begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Later {
    /// They take over the change.
    Adopt,
    /// Their times are no longer those of the series: they go, and are made again by the new rule.
    Discard,
}

/// The invited people of a roster, without what happened to them in one meeting.
fn template(roster: &[RosterEntry]) -> Vec<RosterEntry> {
    let invited = roster.iter().filter(|entry| entry.listing == Listing::Invited);
    invited.map(|entry| RosterEntry { joined_at: None, left_at: None, ..entry.clone() }).collect()
}

#[cfg(test)]
mod tests;
