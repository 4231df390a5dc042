//! Messages said in a meeting (V1-08, V1-09).

use serde::Serialize;
use utoipa::ToSchema;

use crate::dialect::iso::Timestamp;
use crate::dialect::words::MessageTypeWord;
use crate::domain::chat::{ChatMessage, Recipient, Sender};
use crate::domain::id::MessageId;

/// A message. A deleted one keeps its place and loses what it said.
#[derive(Debug, Serialize, ToSchema)]
pub struct V1Message {
    #[schema(value_type = String, example = "01JDAVNTZ6MG8F0Q5W0R7YH3KC")]
    message_id: MessageId,
    /// The sender's account, or the session of somebody without one.
    #[schema(example = "01JDAVNTZ6MG8F0Q5W0R7YH3KC")]
    sender_id: String,
    #[schema(example = "Hanna Host")]
    sender_name: String,
    #[schema(example = "Hello everyone!")]
    content: String,
    message_type: MessageTypeWord,
    /// Whether it is for some people only.
    is_private: bool,
    timestamp: Timestamp,
    /// Of a message with a file: where that is. Of one with several, the first.
    #[schema(required, example = json!(null))]
    file_url: Option<String>,
    #[schema(required, example = json!(null))]
    file_name: Option<String>,
    #[schema(required, example = json!(null))]
    file_type: Option<String>,
    /// In bytes.
    #[schema(required, example = json!(null))]
    file_size: Option<u64>,
}

/// What a message says of a file.
#[derive(Default)]
struct File {
    url: Option<String>,
    name: Option<String>,
    media_type: Option<String>,
    bytes: Option<u64>,
}

/// The view of a message.
pub fn message(message: &ChatMessage) -> V1Message {
    let File { url, name, media_type, bytes } = file(message);
    V1Message {
        message_id: message.id,
        sender_id: match message.sender {
            Sender::User(user) => user.to_string(),
            Sender::Guest(session) => session.to_string(),
        },
        sender_name: message.sender_name.clone(),
        content: if message.deleted { String::new() } else { message.text.clone() },
        message_type: message.kind.into(),
        is_private: message.recipient != Recipient::All,
        timestamp: Timestamp(message.sent_at),
        file_url: url,
        file_name: name,
        file_type: media_type,
        file_size: bytes,
    }
}

/// The file of a message, kept here or elsewhere.
fn file(message: &ChatMessage) -> File {
    match (&message.attachments[..], &message.link) {
        _ if message.deleted => File::default(),
        ([first, ..], _) => File {
            url: Some(format!("{OWN_FILES}{}", first.id)),
            name: Some(first.name.clone()),
            media_type: Some(first.media_type.clone()),
            bytes: Some(first.bytes),
        },
        ([], Some(link)) => File {
            url: Some(link.url.clone()),
            name: link.name.clone(),
            media_type: link.media_type.clone(),
            bytes: link.bytes,
        },
        ([], None) => File::default(),
    }
}

/// Below which path files are that are kept here (ADD-12).
pub const OWN_FILES: &str = "/api/chat/attachments/";
