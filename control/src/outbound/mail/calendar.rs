//! An entry for calendars: RFC 5545 with the methods of RFC 5546, as Gmail, Outlook and Apple take it.
//!
//! `REQUEST` puts it in or changes it, `CANCEL` takes it out. The UID never changes, SEQUENCE rises with every change,
//! and a mail to one person names that person alone: who else is invited is not told to everybody.

use chrono::{DateTime, Utc};
use time::OffsetDateTime;

use super::text::{beginning, one_line};
use super::zone;
use crate::domain::mail::{Correspondent, Event, Letter, Scope};
use crate::domain::recurrence::Recurrence;

/// Longest name in an entry, in characters.
const NAME_CHARS_MAX: usize = 255;
/// How much of a description goes into an entry.
const DESCRIPTION_CHARS_MAX: usize = 4000;
/// Longest line, in bytes without its end (RFC 5545, 3.1).
const LINE_BYTES_MAX: usize = 75;

/// The method of a letter's entry, also told in its `Content-Type`.
pub(super) fn method(letter: &Letter) -> &'static str {
    if letter.kind.takes_out() { "CANCEL" } else { "REQUEST" }
}

/// The whole calendar object of a letter.
pub(super) fn of(letter: &Letter, link: Option<&str>) -> String {
    let event = &letter.event;
    let mut out = Lines::default();
    out.line("BEGIN:VCALENDAR");
    out.line("PRODID:-//Plenum//Meetings//EN");
    out.line("VERSION:2.0");
    out.line("CALSCALE:GREGORIAN");
    out.line(&format!("METHOD:{}", method(letter)));
    if let Some(rule) = zoned(event) {
        let last = rule.occurrences(event.starts_at).ok().and_then(|all| all.last().copied());
        zone::write(&mut out, rule.tz(), moment(event.starts_at), moment(last.unwrap_or(event.starts_at)));
    }
    out.line("BEGIN:VEVENT");
    out.line(&format!("UID:{}@plenum", event.id));
    out.line(&format!("DTSTAMP:{}", utc(letter.written_at)));
    out.line(&format!("SEQUENCE:{}", event.sequence));
    times(&mut out, event);
    out.line(&format!("SUMMARY:{}", escaped(&one_line(&event.name, NAME_CHARS_MAX))));
    out.line(&format!("DESCRIPTION:{}", escaped(&described(event, link))));
    out.line(&format!("LOCATION:{}", escaped(&one_line(&event.location, NAME_CHARS_MAX))));
    if let Some(link) = link {
        out.line(&format!("URL:{link}"));
    }
    let cancelled = letter.kind.takes_out();
    out.line(if cancelled { "STATUS:CANCELLED" } else { "STATUS:CONFIRMED" });
    out.line("TRANSP:OPAQUE");
    out.line("CLASS:PRIVATE");
    out.line(&person("ORGANIZER", &letter.organizer, ""));
    let asked = if cancelled { "" } else { ";PARTSTAT=NEEDS-ACTION;RSVP=TRUE" };
    out.line(&person("ATTENDEE", &letter.to, &format!(";CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT{asked}")));
    if !cancelled {
        out.line("BEGIN:VALARM");
        out.line("ACTION:DISPLAY");
        out.line(&format!("DESCRIPTION:{}", escaped(&one_line(&event.name, NAME_CHARS_MAX))));
        out.line("TRIGGER:-PT10M");
        out.line("END:VALARM");
    }
    out.line("END:VEVENT");
    out.line("END:VCALENDAR");
    out.finish()
}

/// When it is. Local time with its zone where a rule repeats it in one, else UTC.
fn times(out: &mut Lines, event: &Event) {
    let rule = zoned(event);
    out.line(&stamp("DTSTART", event.starts_at, rule));
    out.line(&stamp("DTEND", event.ends_at, rule));
    match &event.scope {
        Scope::Single => {}
        Scope::Series { recurrence, without } => {
            out.line(&format!("RRULE:{}", recurrence.rule()));
            for at in without {
                out.line(&stamp("EXDATE", *at, rule));
            }
        }
        Scope::Occurrence { at, .. } => out.line(&stamp("RECURRENCE-ID", *at, rule)),
    }
}

/// The rule whose zone the times are told in; UTC needs none.
fn zoned(event: &Event) -> Option<&Recurrence> {
    let rule = match &event.scope {
        Scope::Single => return None,
        Scope::Series { recurrence, .. } | Scope::Occurrence { recurrence, .. } => recurrence,
    };
    (rule.tz() != chrono_tz::Tz::UTC).then_some(rule)
}

fn stamp(name: &str, at: OffsetDateTime, rule: Option<&Recurrence>) -> String {
    match rule {
        None => format!("{name}:{}", utc(at)),
        Some(rule) => {
            let local = moment(at).with_timezone(&rule.tz());
            format!("{name};TZID={}:{}", rule.zone(), local.format("%Y%m%dT%H%M%S"))
        }
    }
}

fn utc(at: OffsetDateTime) -> String {
    moment(at).format("%Y%m%dT%H%M%SZ").to_string()
}

/// The same moment for the library that knows zones.
pub(super) fn moment(at: OffsetDateTime) -> DateTime<Utc> {
    // Both hold every year a meeting can be in.
    DateTime::from_timestamp(at.unix_timestamp(), 0).unwrap_or_default()
}

fn described(event: &Event, link: Option<&str>) -> String {
    let mut text = beginning(&event.description, DESCRIPTION_CHARS_MAX);
    if let Some(link) = link {
        text.push_str(if text.is_empty() { "" } else { "\n\n" });
        text.push_str("Join: ");
        text.push_str(link);
    }
    text
}

/// A person's line. The name stands in quotes, which it therefore cannot contain.
fn person(property: &str, who: &Correspondent, more: &str) -> String {
    let name = one_line(&who.name, NAME_CHARS_MAX).replace('"', "'");
    format!("{property};CN=\"{name}\"{more}:mailto:{}", one_line(&who.email, 320))
}

/// A text value (RFC 5545, 3.3.11).
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | ';' | ',' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

/// Lines, folded where they are too long.
#[derive(Default)]
pub(super) struct Lines(String);

impl Lines {
    /// Adds one line; a break in the middle of a character would make two broken ones, so none is made there.
    pub(super) fn line(&mut self, text: &str) {
        let mut used = 0;
        for c in text.chars() {
            if used + c.len_utf8() > LINE_BYTES_MAX {
                self.0.push_str("\r\n ");
                used = 1;
            }
            self.0.push(c);
            used += c.len_utf8();
        }
        self.0.push_str("\r\n");
    }

    /// All of them.
    pub(super) fn finish(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests;
