//! What is said in a meeting (V1-08, V1-09).

use axum::extract::{RawQuery, State};

use super::V1;
use super::answer::{Body, Caller, MeetingParam, MeetingPath, Reply, ok};
use super::bodies::V1MessageBody;
use super::describe::refusals;
use crate::dialect::fields::Fields;
use crate::dialect::rest::query::Query;
use crate::dialect::v1::view::chat::{self, OWN_FILES, V1Message};
use crate::dialect::v1::view::envelope::V1Success;
use crate::domain::chat::{HISTORY_MAX, MessageKind, message_text};
use crate::domain::error::DomainError;
use crate::domain::file_link::{FileLink, check_text};
use crate::service::chat::{Address, Outgoing};

/// Messages in a history when the client does not say (LIM-07).
const HISTORY: u32 = 50;

refusals!(
    SendRefusals: NotMember, ParticipantNotFound, MeetingNotActive, AttachmentNotFound,
    FeatureOff(crate::domain::meeting::Feature::Chat),
);

/// Say something in a meeting
///
/// To everybody inside, or to one person.
#[utoipa::path(
    post, path = "/api/v1/meetings/{meeting_id}/chat", tag = "v1", operation_id = "v1SendMessage",
    params(MeetingParam), request_body = V1MessageBody,
    responses((status = 200, description = "The message", body = V1Success<V1Message>), SendRefusals)
)]
pub(super) async fn send(
    State(v1): State<V1>,
    Caller(actor): Caller,
    MeetingPath(id): MeetingPath,
    Body(body): Body,
) -> Reply {
    let outgoing = read_message(id, Fields::of(&body)?)?;
    let own = v1.services.participants.own(&actor, &outgoing.meeting).await?;
    let message = v1.services.chat.send(&actor, own.connection, outgoing, None).await?;
    ok(&v1, "Chat message sent successfully", chat::message(&message))
}

/// A message as clients write it: in requests and over sockets.
pub fn read_message(meeting: String, fields: Fields<'_>) -> Result<Outgoing, DomainError> {
    let kind = fields.text_of(&["message_type", "messageType"])?;
    let kind = match kind {
        None => MessageKind::Text,
        Some(word) => MessageKind::parse(word).ok_or_else(|| {
            DomainError::invalid("message_type", "must be one of text, file, poll, announcement")
        })?,
    };
    let (attachments, link) = read_file(fields)?;
    let has_file = link.is_some() || !attachments.is_empty();
    let text = message_text("content", fields.given_text("content")?, has_file)?;
    let recipient = fields.text_of(&["recipient_id", "recipientId"])?.filter(|id| !id.trim().is_empty());
    let to = recipient.map_or(Address::All, |id| Address::Private(id.to_owned()));
    Ok(Outgoing { meeting, text, to, attachments, kind, link })
}

/// A file of a message: an own upload by its path, or one that is kept elsewhere.
fn read_file(fields: Fields<'_>) -> Result<(Vec<String>, Option<FileLink>), DomainError> {
    let url = fields.text_of(&["file_url", "fileUrl"])?.map(str::trim).filter(|url| !url.is_empty());
    let text = |field, names: &[&'static str]| {
        let text = fields.text_of(names)?;
        check_text(field, text)?;
        Ok::<_, DomainError>(text.map(str::to_owned))
    };
    let name = text("file_name", &["file_name", "fileName"])?;
    let media_type = text("file_type", &["file_type", "fileType"])?;
    let bytes = fields.large_count("file_size")?;
    match url.map(|url| (url, url.strip_prefix(OWN_FILES))) {
        None => Ok((Vec::new(), None)),
        Some((_, Some(own))) => Ok((vec![own.to_owned()], None)),
        Some((url, None)) => {
            let link = FileLink { url: url.to_owned(), name, media_type, bytes }.checked()?;
            Ok((Vec::new(), Some(link)))
        }
    }
}

refusals!(HistoryRefusals: NotMember);

/// What was said in a meeting
///
/// Oldest first; private messages only to those they are between.
#[utoipa::path(
    get, path = "/api/v1/meetings/{meeting_id}/chat", tag = "v1", operation_id = "v1ListMessages",
    params(
        MeetingParam,
        ("limit" = Option<u32>, Query, minimum = 1, description = "The newest so many, 50 without it; more than 500 are clamped."),
        ("offset" = Option<u32>, Query, minimum = 0, description = "How many of the newest to leave out.")
    ),
    responses((status = 200, description = "The messages", body = V1Success<Vec<V1Message>>), HistoryRefusals)
)]
pub(super) async fn history(
    State(v1): State<V1>,
    Caller(actor): Caller,
    MeetingPath(id): MeetingPath,
    RawQuery(query): RawQuery,
) -> Reply {
    let wanted = Query::of(query.as_deref()).page(HISTORY, HISTORY_MAX)?;
    let messages = v1.services.meetings.chat_history(&actor, &id, wanted).await?;
    let data: Vec<V1Message> = messages.iter().map(chat::message).collect();
    ok(&v1, "Chat history retrieved successfully", data)
}
