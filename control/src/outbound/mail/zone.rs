//! A time zone as calendars want it: each change of the clocks in the years an entry spans, one by one.
//!
//! Rules such as "last Sunday of March" would be shorter and wrong as soon as a zone changes its law; the list is what
//! the zone database says.

use std::fmt::Write as _;

use chrono::{DateTime, Datelike, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::{OffsetName, Tz};

/// Most years whose changes are listed, from the first on: two a year, so some hundred lines. A series that goes on for
/// longer is read by calendars with the last offset named.
const YEARS_MAX: i32 = 25;

/// Writes a `VTIMEZONE` that covers everything between two moments.
pub(super) fn write(out: &mut super::calendar::Lines, zone: Tz, first: DateTime<Utc>, last: DateTime<Utc>) {
    out.line("BEGIN:VTIMEZONE");
    out.line(&format!("TZID:{}", zone.name()));
    // A year before, so that the first moment lies after a change.
    let from = first - TimeDelta::days(366);
    let until = last.min(first + TimeDelta::days(i64::from(YEARS_MAX) * 366)) + TimeDelta::days(1);
    observance(out, zone, from, offset(zone, from));
    let mut at = from;
    // A month never holds two changes that matter here; the moment itself is found by halving.
    while at < until {
        let next = at + TimeDelta::days(28);
        if offset(zone, at) != offset(zone, next) {
            observance(out, zone, change_between(zone, at, next), offset(zone, at));
        }
        at = next;
    }
    out.line("END:VTIMEZONE");
}

fn change_between(zone: Tz, mut before: DateTime<Utc>, mut after: DateTime<Utc>) -> DateTime<Utc> {
    let old = offset(zone, before);
    while after - before > TimeDelta::seconds(1) {
        let middle = before + (after - before) / 2;
        if offset(zone, middle) == old {
            before = middle;
        } else {
            after = middle;
        }
    }
    // Changes happen on whole minutes; the search ends within a second after one.
    DateTime::from_timestamp(after.timestamp(), 0).unwrap_or(after)
}

fn offset(zone: Tz, at: DateTime<Utc>) -> i32 {
    zone.offset_from_utc_datetime(&at.naive_utc()).fix().local_minus_utc()
}

fn observance(out: &mut super::calendar::Lines, zone: Tz, at: DateTime<Utc>, before: i32) {
    let local = zone.offset_from_utc_datetime(&at.naive_utc());
    let after = local.fix().local_minus_utc();
    let kind = if after > before { "DAYLIGHT" } else { "STANDARD" };
    // The start of an observance is told in the local time that held before it.
    let begins = at.naive_utc() + TimeDelta::seconds(i64::from(before));
    out.line(&format!("BEGIN:{kind}"));
    out.line(&format!("DTSTART:{:04}{}", begins.year(), begins.format("%m%dT%H%M%S")));
    out.line(&format!("TZOFFSETFROM:{}", signed(before)));
    out.line(&format!("TZOFFSETTO:{}", signed(after)));
    if let Some(name) = local.abbreviation() {
        out.line(&format!("TZNAME:{name}"));
    }
    out.line(&format!("END:{kind}"));
}

/// `+0530`, and seconds only where a zone had some.
fn signed(seconds: i32) -> String {
    let (sign, rest) = (if seconds < 0 { '-' } else { '+' }, seconds.abs());
    let mut text = format!("{sign}{:02}{:02}", rest / 3600, rest / 60 % 60);
    if rest % 60 != 0 {
        // Writing to a string cannot fail.
        let _ = write!(text, "{:02}", rest % 60);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::calendar::Lines;
    use super::*;

    fn zone(name: &str) -> String {
        let mut lines = Lines::default();
        let at = |text: &str| text.parse::<DateTime<Utc>>().expect("a time");
        let zone = name.parse().expect("a zone");
        write(&mut lines, zone, at("2026-11-23T08:00:00Z"), at("2027-06-01T08:00:00Z"));
        lines.finish()
    }

    #[test]
    fn each_change_of_the_clocks_stands_there_in_the_time_before_it() {
        let berlin = zone("Europe/Berlin");
        assert!(
            berlin.contains(
                "BEGIN:DAYLIGHT\r\nDTSTART:20270328T020000\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\nTZNAME:CEST"
            ),
            "{berlin}"
        );
        assert!(
            berlin.contains("DTSTART:20261025T030000\r\nTZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100"),
            "{berlin}"
        );
        assert_eq!(berlin.matches("BEGIN:DAYLIGHT").count(), 2, "{berlin}");
    }

    #[test]
    fn a_zone_without_changes_has_one_observance() {
        let kolkata = zone("Asia/Kolkata");
        assert_eq!(kolkata.matches("BEGIN:STANDARD").count(), 1);
        assert!(kolkata.contains("TZOFFSETTO:+0530"), "{kolkata}");
    }
}
