//! Messages said in a meeting (KCS-15).

use serde::Serialize;
use utoipa::ToSchema;

use super::envelope::Timestamp;
use super::rooms::{AttachmentView, FileLinkView, attachments, file_link};
use super::words::{MessageTypeWord, RecipientWord};
use crate::domain::chat::{ChatMessage, Recipient, Sender};
use crate::domain::id::{ChatRoomId, MessageId};

/// A chat message. A deleted one keeps its place and loses its text.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MessageView {
    #[schema(value_type = String, example = "01JDAVNTZ6MG8F0Q5W0R7YH3KC")]
    id: MessageId,
    #[schema(value_type = String, example = "01JDAVNTZ6MG8F0Q5W0R7YH3KC")]
    meeting_id: ChatRoomId,
    /// The sender's account, or the session of somebody without one.
    #[schema(example = "01JDAVNTZ6MG8F0Q5W0R7YH3KC")]
    sender_id: String,
    #[schema(example = "Hanna Host")]
    sender_name: String,
    #[schema(example = "Welcome!")]
    message: String,
    message_type: MessageTypeWord,
    recipient_type: RecipientWord,
    /// Of a private message: whom it is for.
    #[schema(required, example = json!(null))]
    recipient_id: Option<String>,
    timestamp: Timestamp,
    #[schema(required)]
    edited_at: Option<Timestamp>,
    is_deleted: bool,
    attachments: Vec<AttachmentView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    file: Option<FileLinkView>,
}

/// The view of a message.
pub fn message(message: &ChatMessage) -> MessageView {
    MessageView {
        id: message.id,
        meeting_id: message.place.room(),
        sender_id: match message.sender {
            Sender::User(user) => user.to_string(),
            Sender::Guest(session) => session.to_string(),
        },
        sender_name: message.sender_name.clone(),
        message: if message.deleted { String::new() } else { message.text.clone() },
        message_type: message.kind.into(),
        recipient_type: message.recipient.into(),
        recipient_id: match message.recipient {
            Recipient::All | Recipient::Hosts => None,
            Recipient::User(user) => Some(user.to_string()),
            Recipient::Guest(session) => Some(session.to_string()),
        },
        timestamp: Timestamp(message.sent_at),
        edited_at: message.edited_at.map(Timestamp),
        is_deleted: message.deleted,
        attachments: attachments(message),
        file: file_link(message),
    }
}
