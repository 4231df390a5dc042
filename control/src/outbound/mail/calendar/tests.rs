use time::macros::datetime;

use super::super::letters::{letter, weekly};
use super::*;
use crate::domain::mail::MailKind;

/// The lines as they were before folding.
fn unfolded(calendar: &str) -> Vec<String> {
    calendar.replace("\r\n ", "").split("\r\n").map(str::to_owned).collect()
}

fn lines(kind: MailKind, scope: Scope) -> Vec<String> {
    unfolded(&of(&letter(kind, scope), Some("https://meet.example.org/m/1")))
}

fn has(lines: &[String], line: &str) -> bool {
    lines.iter().any(|have| have == line)
}

#[test]
fn an_invitation_is_a_request_that_names_organizer_and_reader() {
    let lines = lines(MailKind::Invitation, Scope::Single);
    for line in [
        "METHOD:REQUEST",
        "UID:01JDAVNTZ6MG8F0Q5W0R7YH3KC@plenum",
        "SEQUENCE:3",
        "DTSTAMP:20261120T080000Z",
        "DTSTART:20261123T090000Z",
        "DTEND:20261123T100000Z",
        "STATUS:CONFIRMED",
        "ORGANIZER;CN=\"Hanna 'Host' X-Evil: 1\":mailto:host@demo.test",
        "ATTENDEE;CN=\"Milan Müller\";CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:member@demo.test",
        "DESCRIPTION:First line\\nSecond <b>line</b> & more\\n\\nJoin: https://meet.example.org/m/1",
    ] {
        assert!(has(&lines, line), "{line}\n{lines:#?}");
    }
    assert!(lines.iter().any(|line| line.starts_with("SUMMARY:Weekly\\; with\\, commas \\\\ and 会議 ")));
    assert!(!lines.iter().any(|line| line.starts_with("RRULE") || line.starts_with("X-Evil")));
}

#[test]
fn a_cancellation_takes_the_same_entry_out() {
    for kind in [MailKind::Cancellation, MailKind::Removal] {
        let lines = lines(kind, Scope::Single);
        assert!(has(&lines, "METHOD:CANCEL") && has(&lines, "STATUS:CANCELLED"), "{lines:#?}");
        assert!(has(&lines, "UID:01JDAVNTZ6MG8F0Q5W0R7YH3KC@plenum") && !has(&lines, "BEGIN:VALARM"));
    }
}

#[test]
fn a_series_is_told_in_local_time_with_its_zone_and_without_what_was_called_off() {
    let without = vec![datetime!(2027-04-05 08:00 UTC)];
    let lines = lines(MailKind::Invitation, Scope::Series { recurrence: weekly(), without });
    for line in [
        "DTSTART;TZID=Europe/Berlin:20261123T100000",
        "RRULE:FREQ=WEEKLY;COUNT=30",
        // After the change of the clocks, still at ten.
        "EXDATE;TZID=Europe/Berlin:20270405T100000",
        "TZID:Europe/Berlin",
    ] {
        assert!(has(&lines, line), "{line}\n{lines:#?}");
    }
}

#[test]
fn one_occurrence_is_named_by_the_start_it_has_by_the_rule() {
    let at = datetime!(2026-11-30 09:00 UTC);
    let lines = lines(MailKind::Update, Scope::Occurrence { recurrence: weekly(), at });
    assert!(has(&lines, "RECURRENCE-ID;TZID=Europe/Berlin:20261130T100000"), "{lines:#?}");
    assert!(!lines.iter().any(|line| line.starts_with("RRULE")));
}

#[test]
fn lines_are_folded_at_75_bytes_and_never_inside_a_character() {
    let calendar = of(&letter(MailKind::Invitation, Scope::Single), None);
    assert!(calendar.ends_with("END:VCALENDAR\r\n"));
    assert!(calendar.split("\r\n").all(|line| line.len() <= 75), "{calendar}");
    assert!(calendar.contains("\r\n "));
}
