//! What a change of a meeting means to its series and to the calendars of its people, and making occurrences.

use time::OffsetDateTime;

use super::{MeetingChange, Meetings};
use crate::domain::audit::{AuditAction, AuditEntry};
use crate::domain::error::DomainError;
use crate::domain::id::{MeetingId, RosterId, SeriesId};
use crate::domain::mail::{Announcement, MailKind};
use crate::domain::meeting::{Deletion, Meeting};
use crate::domain::recurrence::Recurrence;
use crate::domain::series::{Later, RuleChange, Series};
use crate::store::Whole;

/// Series looked at in one go; a round a minute, so a backlog of any size is gone soon.
const SERIES_MAX: u32 = 500;

/// What a change was asked for with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    /// The whole series is meant, not one occurrence.
    pub series: bool,
    /// Who did it, by name.
    pub by: &'a str,
    pub now: OffsetDateTime,
}

/// The rule a new meeting comes with.
pub(super) fn rule_of(rule: Option<&str>, zone: Option<&str>) -> Result<Option<Recurrence>, DomainError> {
    match (rule, zone) {
        (None, Some(_)) => Err(DomainError::invalid("recurrence_timezone", "needs a recurrence")),
        (rule, zone) => rule.map(|rule| Recurrence::parse(rule, zone)).transpose(),
    }
}

/// What a change asks to become of the rule. The rule as it is, sent back by a client that sends everything, is none.
pub(super) fn rule_change(change: &MeetingChange, meeting: &Meeting) -> Result<RuleChange, DomainError> {
    let current = meeting.occurrence.as_ref().map(|place| &place.recurrence);
    let zone = change.recurrence_timezone.as_deref().or(current.map(Recurrence::zone));
    let rule = match (&change.recurrence, current) {
        (None, None) => {
            return rule_of(None, change.recurrence_timezone.as_deref()).map(|_| RuleChange::Keep);
        }
        (Some(None), None) => return Ok(RuleChange::Keep),
        (Some(None), Some(_)) => return Ok(RuleChange::End),
        (Some(Some(rule)), _) => Recurrence::parse(rule, zone)?,
        (None, Some(current)) => Recurrence::parse(current.rule(), zone)?,
    };
    Ok(if current == Some(&rule) { RuleChange::Keep } else { RuleChange::New(Box::new(rule)) })
}

/// After `before` has become `whole.meeting`: takes the series and its planned occurrences along, and says what is to
/// be said.
pub(super) fn follow(
    whole: &mut Whole,
    before: &Meeting,
    change: RuleChange,
    asked: Asked<'_>,
) -> Result<Vec<Announcement>, DomainError> {
    let meeting = &mut whole.meeting;
    let Some(series) = &mut whole.series else {
        let RuleChange::New(rule) = change else {
            return Ok(Announcement::changes(before, meeting, asked.by));
        };
        meeting.calendar_sequence += 1;
        let series = Series::of(meeting, *rule)?;
        let news = Announcement::series_changes(before, meeting, &series, &[], asked.by);
        whole.series = Some(series);
        return Ok(news);
    };
    if !asked.series {
        return match change {
            RuleChange::Keep => {
                let news = Announcement::changes(before, meeting, asked.by);
                series.calendar_sequence = series.calendar_sequence.max(meeting.calendar_sequence);
                Ok(news)
            }
            RuleChange::New(_) | RuleChange::End => Err(DomainError::invalid(
                "recurrence",
                "is that of the whole series: send it with series=true",
            )),
        };
    }
    let (old, new) = (&before.settings, &meeting.settings);
    let retimed = old.starts_at != new.starts_at || old.ends_at != new.ends_at;
    let place = before.occurrence.as_ref().map(|place| place.at);
    let later = series.follow(meeting, retimed, change)?;
    let after = |planned: &&mut Meeting| planned.occurrence.as_ref().map(|place| place.at) > place;
    for planned in whole.planned.iter_mut().filter(after) {
        match later {
            Later::Adopt => series.adopt(planned, RosterId::generate),
            Later::Discard => {
                planned.occurrence = None;
                planned.delete(asked.now)?;
            }
        }
    }
    Ok(Announcement::series_changes(before, meeting, series, &whole.called_off, asked.by))
}

/// After `whole.meeting` has been taken out: its series too, if that was meant, and what is to be said.
pub(super) fn call_off(
    whole: &mut Whole,
    deletion: Deletion,
    asked: Asked<'_>,
) -> Result<Vec<Announcement>, DomainError> {
    let meeting = &mut whole.meeting;
    let Some(series) = whole.series.as_mut().filter(|_| asked.series) else {
        if deletion == Deletion::Removed {
            return Ok(Vec::new());
        }
        let off = Announcement::cancellation(meeting, asked.by);
        if let Some(series) = &mut whole.series {
            series.calendar_sequence = series.calendar_sequence.max(meeting.calendar_sequence);
        }
        return Ok(off.into_iter().collect());
    };
    let had_more =
        deletion == Deletion::Cancelled || series.next(asked.now).is_some() || !whole.planned.is_empty();
    series.end(asked.now);
    // Whoever knows of any of it: the list of the series, and people invited to one occurrence alone.
    let mut people = series.roster.clone();
    people.extend(meeting.roster.iter().cloned());
    for planned in &mut whole.planned {
        people.extend(planned.roster.iter().cloned());
        planned.delete(asked.now)?;
    }
    let off = Announcement::about_series(MailKind::Cancellation, meeting, &people, series, &[], asked.by);
    Ok(off.filter(|_| had_more).into_iter().collect())
}

impl Meetings {
    /// Makes every occurrence that is due; says how many. Safe to run twice, and in several processes at once. One
    /// series that fails stops no other; the failure is the answer when all had their turn.
    pub async fn make_due_occurrences(&self) -> Result<u32, DomainError> {
        let mut outcome = Ok(0);
        for series in self.store.series_due(self.clock.now(), SERIES_MAX).await? {
            match self.make_occurrences(series).await {
                Ok(made) => outcome = outcome.map(|before| before + made),
                Err(error) => outcome = Err(error),
            }
        }
        outcome
    }

    /// Makes what is due of one series.
    pub(super) async fn make_occurrences(&self, series: SeriesId) -> Result<u32, DomainError> {
        let mut made = 0;
        // Each one made moves the next further away, so this ends.
        while let Some(meeting) = self.store.make_occurrence(series, self.clock.now()).await? {
            let entry = AuditEntry::granted(AuditAction::MeetingCreate, None);
            self.audit.note(entry.in_meeting(meeting.id, meeting.campus.clone())).await;
            made += 1;
        }
        Ok(made)
    }

    /// After something happened to an occurrence. What cannot be made now is made by the job a minute later, so the
    /// caller's request does not fail for it.
    pub(super) async fn next_of(&self, meeting: &Meeting) {
        if let Some(place) = &meeting.occurrence {
            let _ = self.make_occurrences(place.series).await;
        }
    }

    /// The occurrence that the link of a series leads to.
    pub async fn current_occurrence(&self, series: &str) -> Result<MeetingId, DomainError> {
        let series = SeriesId::parse(series).ok_or(DomainError::MeetingNotFound)?;
        let current = self.store.current_occurrence(series, self.clock.now()).await?;
        current.ok_or(DomainError::MeetingNotFound)
    }
}
