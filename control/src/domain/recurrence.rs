//! When a series meets: an RFC 5545 rule in a time zone, checked once, expanded into moments.
//!
//! A rule speaks of local time: "every Monday at nine" stays at nine when the clocks change. So it is expanded on a
//! calendar without offsets, and each local time becomes a moment by itself: one that occurs twice is its first, one
//! that is skipped is read with the offset that held before the gap (RFC 5545, 3.3.5), 02:30 becoming 03:30.

use std::fmt;

use chrono::{DateTime, NaiveDate, NaiveDateTime, Offset, TimeDelta, TimeZone};
use chrono_tz::Tz;
use rrule::{RRule, RRuleSet, Unvalidated};
use time::{Duration, OffsetDateTime};

use super::error::DomainError;

/// Most occurrences a series may have (C-39).
pub const OCCURRENCES_MAX: usize = 366;
/// Longest rule that is looked at, in bytes; every sensible one has fewer than a hundred.
pub const RULE_BYTES_MAX: usize = 512;
/// Last year a meeting may be in; the calendar arithmetic below it cannot overflow.
const YEAR_MAX: i32 = 9998;
/// Parts a rule may have. The others speak of hours and less.
const PARTS: [&str; 11] = [
    "FREQ",
    "INTERVAL",
    "COUNT",
    "UNTIL",
    "WKST",
    "BYDAY",
    "BYMONTH",
    "BYMONTHDAY",
    "BYYEARDAY",
    "BYWEEKNO",
    "BYSETPOS",
];
/// `UNTIL` in UTC, as calendars want it beside a start with a time zone.
const UNTIL_FORMAT: &str = "%Y%m%dT%H%M%SZ";

/// A rule that could be read, with the zone its local times are in.
#[derive(Clone, PartialEq, Eq)]
pub struct Recurrence {
    /// Upper case, without `RRULE:`, and its `UNTIL` in UTC.
    text: String,
    rule: RRule<Unvalidated>,
    /// Local time after which there is nothing more.
    until: Option<NaiveDateTime>,
    zone: Tz,
}

impl Recurrence {
    /// Reads a rule and the IANA name of its zone (UTC when there is none). What it yields is checked by
    /// [`Recurrence::check`], which needs to know when it starts.
    pub fn parse(rule: &str, zone: Option<&str>) -> Result<Self, DomainError> {
        let zone = match zone {
            None => Tz::UTC,
            Some(name) => name.trim().parse().map_err(|_| {
                DomainError::invalid("recurrence_timezone", "must be an IANA name such as Europe/Berlin")
            })?,
        };
        let given = rule.trim().to_ascii_uppercase();
        let given = given.strip_prefix("RRULE:").unwrap_or(&given);
        if given.len() > RULE_BYTES_MAX {
            return Err(wrong(format!("must not be longer than {RULE_BYTES_MAX} bytes")));
        }
        let (mut kept, mut shown, mut until) = (Vec::new(), Vec::new(), None);
        for part in given.trim_end_matches(';').split(';') {
            let (name, value) = part.split_once('=').ok_or_else(unreadable)?;
            check_part(name, value)?;
            if shown.iter().any(|shown: &String| shown.split('=').next() == Some(name)) {
                return Err(wrong(format!("{name} stands twice")));
            }
            if name == "UNTIL" {
                let local = read_until(value, zone)?;
                until = Some(local);
                shown.push(format!("UNTIL={}", moment(zone, local).format(UNTIL_FORMAT)));
            } else {
                kept.push(part);
                shown.push(part.to_owned());
            }
        }
        let has = |name| shown.iter().any(|part| part.starts_with(name));
        match (has("COUNT="), has("UNTIL=")) {
            (true, true) => return Err(wrong("must not have both COUNT and UNTIL")),
            (false, false) => {
                return Err(wrong(format!(
                    "must end, by COUNT or UNTIL, after at most {OCCURRENCES_MAX} occurrences"
                )));
            }
            _ => {}
        }
        let rule: RRule<Unvalidated> = kept.join(";").parse().map_err(|_| unreadable())?;
        if rule.get_count().is_some_and(|count| count as usize > OCCURRENCES_MAX) {
            return Err(too_many());
        }
        Ok(Self { text: shown.join(";"), rule, until, zone })
    }

    /// The rule in its one spelling, without `RRULE:`.
    pub fn rule(&self) -> &str {
        &self.text
    }

    /// The IANA name of the zone.
    pub fn zone(&self) -> &'static str {
        self.zone.name()
    }

    /// The zone itself, for calendars.
    pub fn tz(&self) -> Tz {
        self.zone
    }

    /// Every occurrence of a series that begins at `start`, in order; `start` is the first. Refuses rules that yield
    /// none, too many, or not `start`.
    pub fn occurrences(&self, start: OffsetDateTime) -> Result<Vec<OffsetDateTime>, DomainError> {
        let seconds = start.unix_timestamp();
        let fraction = Duration::nanoseconds(i64::from(start.nanosecond()));
        let local = DateTime::from_timestamp(seconds, 0)
            .ok_or_else(unreadable)?
            .with_timezone(&self.zone)
            .naive_local();
        // Floating time: the library is told UTC, so that it sees no change of clocks.
        let floating = rrule::Tz::UTC.from_utc_datetime(&local);
        let rule = self.rule.clone().validate(floating).map_err(|_| unreadable())?;
        let mut found = Vec::new();
        // `limit`: a rule that never comes true ends after a bounded search.
        for at in &RRuleSet::new(floating).rrule(rule).limit() {
            let at = at.naive_utc();
            if self.until.is_some_and(|until| at > until) || chrono::Datelike::year(&at) > YEAR_MAX {
                break;
            }
            if found.len() == OCCURRENCES_MAX {
                return Err(too_many());
            }
            let at = moment(self.zone, at).timestamp();
            let at = OffsetDateTime::from_unix_timestamp(at).map_err(|_| unreadable())? + fraction;
            // A zone that left out a whole day maps it onto the next one.
            if found.last().is_none_or(|last| *last < at) {
                found.push(at);
            }
        }
        match found.first() {
            Some(first) if *first == start => Ok(found),
            Some(_) => Err(wrong("meeting_start_time must be one of the times the rule names")),
            None => Err(wrong("has no occurrence")),
        }
    }

    /// Whether a series of meetings this long that begins at `start` makes sense.
    pub fn check(&self, start: OffsetDateTime, length: Duration) -> Result<(), DomainError> {
        let all = self.occurrences(start)?;
        if all.windows(2).any(|pair| pair[1] - pair[0] < length) {
            return Err(wrong("occurrences must not overlap"));
        }
        Ok(())
    }

    /// The same rule for a series that begins anew at its occurrence number `index` (from 0): those before are no
    /// longer counted.
    pub fn from_occurrence(&self, index: usize) -> Self {
        let Some(count) = self.rule.get_count() else { return self.clone() };
        let left = count.saturating_sub(u32::try_from(index).unwrap_or(u32::MAX)).max(1);
        self.ending(format!("COUNT={left}"))
    }

    /// The same rule, ending with the occurrence at `last`.
    pub fn until(&self, last: OffsetDateTime) -> Self {
        match DateTime::from_timestamp(last.unix_timestamp(), 0) {
            Some(at) => self.ending(format!("UNTIL={}", at.format(UNTIL_FORMAT))),
            None => self.clone(),
        }
    }

    fn ending(&self, end: String) -> Self {
        let ends = |part: &&str| part.starts_with("COUNT=") || part.starts_with("UNTIL=");
        let parts = self.text.split(';').filter(|part| !ends(part)).chain([end.as_str()]);
        let text = parts.collect::<Vec<_>>().join(";");
        // Only the end of a rule that was read before is another one, in a form that is read.
        Self::parse(&text, Some(self.zone())).unwrap_or_else(|_| self.clone())
    }
}

impl fmt::Debug for Recurrence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recurrence({} in {})", self.text, self.zone)
    }
}

/// Refuses parts that are unknown, finer than a day, or written with anything that a rule is not written with; the
/// text goes into calendars as it is.
fn check_part(name: &str, value: &str) -> Result<(), DomainError> {
    if ["BYHOUR", "BYMINUTE", "BYSECOND"].contains(&name) {
        return Err(wrong(format!("{name} is finer than a day")));
    }
    if !PARTS.contains(&name) {
        return Err(unreadable());
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, ',' | '+' | '-');
    if value.is_empty() || !value.chars().all(plain) {
        return Err(unreadable());
    }
    match name {
        "FREQ" if ["HOURLY", "MINUTELY", "SECONDLY"].contains(&value) => {
            Err(wrong("must not be finer than a day"))
        }
        "FREQ" if !["DAILY", "WEEKLY", "MONTHLY", "YEARLY"].contains(&value) => Err(unreadable()),
        "INTERVAL" | "COUNT" if !value.parse::<u16>().is_ok_and(|number| number > 0) => {
            Err(wrong(format!("{name} must be a whole number from 1 to 65535")))
        }
        _ => Ok(()),
    }
}

/// The end of a rule in local time: a day (whole), a local time, or a time in UTC.
fn read_until(value: &str, zone: Tz) -> Result<NaiveDateTime, DomainError> {
    let bad = || wrong("UNTIL must be a day such as 20301231 or a time such as 20301231T090000Z");
    let end = match value.strip_suffix('Z') {
        Some(utc) => {
            let at = NaiveDateTime::parse_from_str(utc, "%Y%m%dT%H%M%S").map_err(|_| bad())?;
            if !(1..=YEAR_MAX).contains(&chrono::Datelike::year(&at)) {
                return Err(bad());
            }
            zone.from_utc_datetime(&at).naive_local()
        }
        None if value.contains('T') => {
            NaiveDateTime::parse_from_str(value, "%Y%m%dT%H%M%S").map_err(|_| bad())?
        }
        None => NaiveDate::parse_from_str(value, "%Y%m%d")
            .ok()
            .and_then(|day| day.and_hms_opt(23, 59, 59))
            .ok_or_else(bad)?,
    };
    if (1..=YEAR_MAX).contains(&chrono::Datelike::year(&end)) { Ok(end) } else { Err(bad()) }
}

/// The moment a local time is; see the head of this file.
fn moment(zone: Tz, local: NaiveDateTime) -> DateTime<chrono::Utc> {
    let offset =
        zone.from_local_datetime(&local).earliest().map(|at| at.offset().fix()).unwrap_or_else(|| {
            // No gap is longer than a day (a zone that changed sides of the date line), so this lies before it.
            let before = local - TimeDelta::hours(25);
            zone.offset_from_utc_datetime(&before).fix()
        });
    (local - offset).and_utc()
}

fn wrong(reason: impl Into<String>) -> DomainError {
    DomainError::invalid("recurrence", reason)
}

fn unreadable() -> DomainError {
    wrong("must be an RFC 5545 rule such as FREQ=WEEKLY;BYDAY=MO;COUNT=10")
}

fn too_many() -> DomainError {
    wrong(format!("must not have more than {OCCURRENCES_MAX} occurrences"))
}

#[cfg(test)]
mod tests;
