//! Letters for the tests of this folder.

use time::macros::datetime;

use crate::domain::id::{CampusId, MailId, MeetingId, SeriesId};
use crate::domain::mail::{Correspondent, Event, Letter, MailKind, Scope};
use crate::domain::recurrence::Recurrence;

pub(super) fn letter(kind: MailKind, scope: Scope) -> Letter {
    Letter {
        id: MailId::parse("01JDAVNTZ9R4T6V8X0Z2B4D6FH").expect("an id"),
        kind,
        campus: CampusId::new("default"),
        meeting: MeetingId::parse("01JDAVNTZ6MG8F0Q5W0R7YH3KC").expect("an id"),
        event: Event {
            id: SeriesId::parse("01JDAVNTZ6MG8F0Q5W0R7YH3KC").expect("an id"),
            sequence: 3,
            name: "Weekly; with, commas \\ and 会議 that goes on for longer than one line of a calendar may"
                .into(),
            description: "First line\nSecond <b>line</b> & more".into(),
            location: "virtual".into(),
            starts_at: datetime!(2026-11-23 09:00 UTC),
            ends_at: datetime!(2026-11-23 10:00 UTC),
            scope,
            asks_password: true,
        },
        organizer: Correspondent {
            name: "Hanna \"Host\"\r\nX-Evil: 1".into(),
            email: "host@demo.test".into(),
        },
        by: "Hanna".into(),
        message: Some("Please come".into()),
        to: Correspondent { name: "Milan Müller".into(), email: "member@demo.test".into() },
        written_at: datetime!(2026-11-20 08:00 UTC),
    }
}

pub(super) fn weekly() -> Recurrence {
    Recurrence::parse("FREQ=WEEKLY;COUNT=30", Some("Europe/Berlin")).expect("valid")
}
