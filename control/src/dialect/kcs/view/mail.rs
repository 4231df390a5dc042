//! Mail of the outbox as administrators see it (ADD-20, ADD-21).

use serde::Serialize;
use utoipa::ToSchema;

use super::envelope::{Timestamp, True};
use super::words::{MailKindWord, MailStatusWord};
use crate::domain::id::{MailId, MeetingId, SeriesId};
use crate::domain::mail::{Correspondent, MailRecord, Scope};
use crate::service::mail::Parts;

/// A page of the outbox.
#[derive(Debug, Serialize, ToSchema)]
pub struct OutboxView {
    #[schema(inline)]
    pub success: True,
    /// How many are in `data`.
    #[schema(example = 1)]
    pub count: usize,
    /// How many there are.
    #[schema(example = 1)]
    pub total: u32,
    /// Whether mail leaves; without an SMTP server it is only kept.
    pub delivery: bool,
    pub data: Vec<MailView>,
    /// For people, in English.
    #[schema(example = "Retrieved successfully")]
    pub message: &'static str,
}

/// A mail.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MailView {
    #[schema(value_type = String, example = "01JDAVNTZ9R4T6V8X0Z2B4D6FH")]
    id: MailId,
    kind: MailKindWord,
    status: MailStatusWord,
    to: CorrespondentView,
    #[schema(example = "Invitation: Weekly")]
    subject: String,
    #[schema(value_type = String, example = "01JDAVNTZ6MG8F0Q5W0R7YH3KC")]
    meeting_id: MeetingId,
    /// The series it is about, or one occurrence of which.
    #[schema(value_type = Option<String>, required, example = "01JDAVNTZ6MG8F0Q5W0R7YH3KC")]
    series_id: Option<SeriesId>,
    /// How often it was tried.
    #[schema(example = 1)]
    attempts: u32,
    /// What the SMTP server said last, when that was no yes.
    #[schema(required, example = "451 try again later")]
    last_error: Option<String>,
    created_at: Timestamp,
    /// Null unless it waits.
    #[schema(required)]
    next_attempt_at: Option<Timestamp>,
    #[schema(required)]
    sent_at: Option<Timestamp>,
}

/// A mail with its parts.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct WholeMailView {
    #[serde(flatten)]
    mail: MailView,
    /// The same for every attempt.
    #[schema(example = "<01jdavntz9r4t6v8x0z2b4d6fh@example.org>")]
    message_id: String,
    reply_to: CorrespondentView,
    text: String,
    html: String,
    /// `text/calendar`, with the method the mail is sent with.
    calendar: String,
}

/// A name and an address.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CorrespondentView {
    #[schema(example = "Milan Member")]
    name: String,
    #[schema(example = "member@demo.test")]
    email: String,
}

/// A mail without its parts.
pub fn mail((record, parts): &(MailRecord, Parts)) -> MailView {
    let letter = &record.letter;
    let waits = record.status == crate::domain::mail::MailStatus::Queued;
    MailView {
        id: letter.id,
        kind: letter.kind.into(),
        status: record.status.into(),
        to: correspondent(&letter.to),
        subject: parts.subject.clone(),
        meeting_id: letter.meeting,
        series_id: (letter.event.scope != Scope::Single).then_some(letter.event.id),
        attempts: record.attempts,
        last_error: record.last_error.clone(),
        created_at: Timestamp(letter.written_at),
        next_attempt_at: waits.then_some(Timestamp(record.due_at)),
        sent_at: record.sent_at.map(Timestamp),
    }
}

/// A mail with everything in it.
pub fn whole(worded: &(MailRecord, Parts)) -> WholeMailView {
    let (record, parts) = worded;
    WholeMailView {
        mail: mail(worded),
        message_id: parts.message_id.clone(),
        reply_to: correspondent(&record.letter.organizer),
        text: parts.text.clone(),
        html: parts.html.clone(),
        calendar: parts.calendar.clone(),
    }
}

fn correspondent(who: &Correspondent) -> CorrespondentView {
    CorrespondentView { name: who.name.clone(), email: who.email.clone() }
}
