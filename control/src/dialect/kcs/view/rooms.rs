//! Chat rooms and what is said in them (ADD-02 to ADD-14). Events show the same objects.

use serde::Serialize;
use utoipa::ToSchema;

use super::envelope::Timestamp;
use super::words::{MessageTypeWord, RecipientWord};
use crate::domain::attachment::Attachment;
use crate::domain::chat::{ChatMessage, Recipient, Sender};
use crate::domain::chat_room::Member;
use crate::domain::file_link::FileLink;
use crate::domain::history::{Line, Reactions, Summary};
use crate::domain::id::{AttachmentId, ChatRoomId, MessageId, UserId};
use crate::domain::meeting::Meeting;
use crate::domain::receipt::Receipt;

/// A chat room as one of its people sees it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RoomView {
    #[schema(value_type = String, example = "01JDAVNTZ6MG8F0Q5W0R7YH3KC")]
    room_id: ChatRoomId,
    #[schema(example = "Maths 7b")]
    name: String,
    r#type: RoomTypeWord,
    /// Whoever manages the room; of a meeting its creator.
    #[schema(value_type = String, example = "01JDAVNTZ6MG8F0Q5W0R7YH3KC")]
    owner: UserId,
    /// In the order of coming, in a list of rooms the first 50; empty for a meeting, whose people are its participants.
    members: Vec<MemberView>,
    #[schema(example = 2)]
    member_count: u32,
    created_at: Timestamp,
    #[schema(required)]
    last_message: Option<LineView>,
    /// Messages of others that the reader has not seen, up to 1000.
    #[schema(example = 0)]
    unread_count: u32,
}

/// What a room is.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RoomTypeWord {
    Room,
    Meeting,
}

/// Somebody in a room.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MemberView {
    #[schema(value_type = String, example = "01JDAVNTZ6MG8F0Q5W0R7YH3KC")]
    user_id: UserId,
    #[schema(example = "Hanna Host")]
    user_name: String,
    joined_at: Timestamp,
}

/// A message as one reader sees it. A deleted one keeps its place and loses what it said.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LineView {
    #[schema(value_type = String, example = "01JDAVNTZ6MG8F0Q5W0R7YH3KC")]
    message_id: MessageId,
    #[schema(value_type = String, example = "01JDAVNTZ6MG8F0Q5W0R7YH3KC")]
    room_id: ChatRoomId,
    /// The sender's account, or the session of somebody without one.
    #[schema(example = "01JDAVNTZ6MG8F0Q5W0R7YH3KC")]
    user_id: String,
    #[schema(example = "Hanna Host")]
    user_name: String,
    #[schema(example = "Welcome!")]
    content: String,
    timestamp: Timestamp,
    message_type: MessageTypeWord,
    /// In a meeting: whom it is for. In a room always all.
    recipient_type: RecipientWord,
    #[schema(required, example = json!(null))]
    recipient_id: Option<String>,
    attachments: Vec<AttachmentView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    file: Option<FileLinkView>,
    #[schema(value_type = Vec<String>)]
    mentions: Vec<UserId>,
    reactions: Vec<ReactionsView>,
    #[schema(required)]
    edited_at: Option<Timestamp>,
    is_deleted: bool,
    /// Readers it reached, those who have seen it among them.
    #[schema(example = 3)]
    delivered_count: u32,
    #[schema(example = 1)]
    seen_count: u32,
    /// Whether the reader has seen it, or wrote it.
    seen: bool,
}

/// A file, and where to get it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AttachmentView {
    #[schema(value_type = String, example = "01JDAVNTZ6MG8F0Q5W0R7YH3KC")]
    id: AttachmentId,
    #[schema(example = "plan.pdf")]
    name: String,
    #[schema(example = "application/pdf")]
    r#type: String,
    /// In bytes.
    #[schema(example = 20480)]
    size: u64,
    #[schema(example = "/api/chat/attachments/01JDAVNTZ6MG8F0Q5W0R7YH3KC")]
    url: String,
}

/// A file that is kept elsewhere, with what its sender says about it: nobody here has seen it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FileLinkView {
    #[schema(example = "https://files.example.org/plan.pdf")]
    url: String,
    #[schema(required, example = "plan.pdf")]
    name: Option<String>,
    #[schema(required, example = "application/pdf")]
    r#type: Option<String>,
    /// In bytes.
    #[schema(required, example = 20480)]
    size: Option<u64>,
}

/// One emoji on a message, and who gave it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ReactionsView {
    #[schema(example = "👍")]
    emoji: String,
    #[schema(example = 1)]
    count: usize,
    #[schema(value_type = Vec<String>)]
    users: Vec<UserId>,
}

/// What became of a reaction.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReactionView {
    #[schema(value_type = String, example = "01JDAVNTZ6MG8F0Q5W0R7YH3KC")]
    pub message_id: MessageId,
    #[schema(example = "👍")]
    pub emoji: String,
    pub action: ReactionWord,
    pub reactions: Vec<ReactionsView>,
}

/// Whether a reaction is there now.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReactionWord {
    Add,
    Remove,
}

/// What is known of one reader of a message.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReceiptView {
    #[schema(value_type = String, example = "01JDAVNTZ6MG8F0Q5W0R7YH3KC")]
    user_id: UserId,
    #[schema(example = "Mia Member")]
    user_name: String,
    #[schema(required)]
    delivered_at: Option<Timestamp>,
    #[schema(required)]
    seen_at: Option<Timestamp>,
}

/// The view of a room.
pub fn room(summary: &Summary) -> RoomView {
    let room = &summary.room;
    RoomView {
        room_id: room.id,
        name: room.name.clone(),
        r#type: RoomTypeWord::Room,
        owner: room.owner,
        members: room.members.iter().map(member).collect(),
        member_count: summary.member_count,
        created_at: Timestamp(room.created_at),
        last_message: summary.last.as_ref().map(line),
        unread_count: summary.unread,
    }
}

/// The view of a meeting as a room.
pub fn meeting_room(meeting: &Meeting) -> RoomView {
    RoomView {
        room_id: meeting.id.into(),
        name: meeting.settings.name.clone(),
        r#type: RoomTypeWord::Meeting,
        owner: meeting.creator,
        members: Vec::new(),
        member_count: 0,
        created_at: Timestamp(meeting.created_at),
        last_message: None,
        unread_count: 0,
    }
}

fn member(member: &Member) -> MemberView {
    let Member { user, name, joined_at } = member;
    MemberView { user_id: *user, user_name: name.clone(), joined_at: Timestamp(*joined_at) }
}

/// The view of a message.
pub fn line(line: &Line) -> LineView {
    let message = &line.message;
    let gone = message.deleted;
    LineView {
        message_id: message.id,
        room_id: message.place.room(),
        user_id: match message.sender {
            Sender::User(user) => user.to_string(),
            Sender::Guest(session) => session.to_string(),
        },
        user_name: message.sender_name.clone(),
        content: if gone { String::new() } else { message.text.clone() },
        timestamp: Timestamp(message.sent_at),
        message_type: message.kind.into(),
        recipient_type: message.recipient.into(),
        recipient_id: match message.recipient {
            Recipient::All | Recipient::Hosts => None,
            Recipient::User(user) => Some(user.to_string()),
            Recipient::Guest(session) => Some(session.to_string()),
        },
        attachments: attachments(message),
        file: file_link(message),
        mentions: if gone { Vec::new() } else { message.mentions.clone() },
        reactions: if gone { Vec::new() } else { reactions(&line.reactions) },
        edited_at: message.edited_at.map(Timestamp),
        is_deleted: gone,
        delivered_count: line.delivered,
        seen_count: line.seen,
        seen: line.seen_by_me,
    }
}

/// The file elsewhere that a message points to; a deleted one points nowhere.
pub fn file_link(message: &ChatMessage) -> Option<FileLinkView> {
    let FileLink { url, name, media_type, bytes } = message.link.clone().filter(|_| !message.deleted)?;
    Some(FileLinkView { url, name, r#type: media_type, size: bytes })
}

/// The files of a message; a deleted one has none.
pub fn attachments(message: &ChatMessage) -> Vec<AttachmentView> {
    if message.deleted { Vec::new() } else { message.attachments.iter().map(attachment).collect() }
}

/// The view of a file.
pub fn attachment(attachment: &Attachment) -> AttachmentView {
    AttachmentView {
        id: attachment.id,
        name: attachment.name.clone(),
        r#type: attachment.media_type.clone(),
        size: attachment.bytes,
        url: format!("/api/chat/attachments/{}", attachment.id),
    }
}

/// The view of the reactions to a message.
pub fn reactions(reactions: &[Reactions]) -> Vec<ReactionsView> {
    let shown = |one: &Reactions| {
        let Reactions { emoji, users } = one.clone();
        ReactionsView { emoji, count: users.len(), users }
    };
    reactions.iter().map(shown).collect()
}

/// The view of a receipt. What was seen was delivered.
pub fn receipt(receipt: &Receipt) -> ReceiptView {
    ReceiptView {
        user_id: receipt.user,
        user_name: receipt.name.clone(),
        delivered_at: receipt.delivered_at.or(receipt.seen_at).map(Timestamp),
        seen_at: receipt.seen_at.map(Timestamp),
    }
}
