//! Messages, in meetings and in chat rooms: one table (C-52).

use std::collections::HashMap;

use time::OffsetDateTime;

use super::columns::{json, json_opt, micros, time, time_opt, to_json, word, word_opt};
use super::refusal::StoreError;
use super::sql::{Row, Tx, args};
use super::{Store, timed};
use crate::domain::attachment::Attachment;
use crate::domain::chat::{ChatMessage, HISTORY_MAX, MessageKind, Place, Recipient, Sender};
use crate::domain::error::DomainError;
use crate::domain::history::Line;
use crate::domain::id::{AttachmentId, ChatRoomId, MeetingId, MessageId, ParticipantId, UserId};

const INSERT: &str = "INSERT INTO messages (id, meeting_id, room_id, sender_user, sender_guest, sender_name, text, kind, \
     recipient_kind, recipient_user, recipient_guest, mentions_json, sent_at, edited_at, deleted, link_json) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";
/// A file goes with a message once, and only its uploader's.
const ATTACH: &str = "UPDATE attachments SET message_id = $2, position = $3 \
     WHERE id = $1 AND uploader_id = $4 AND message_id IS NULL AND removed_at IS NULL";
/// The newest $5 messages that the reader may see, after skipping $6. $2, $3: the reader as account and as guest;
/// $4: whether the reader is host or co-host.
const VISIBLE: &str = "SELECT * FROM messages WHERE chat_id = $1 AND (\
       recipient_kind = 'all' OR sender_user = $2 OR sender_guest = $3 OR recipient_user = $2 OR recipient_guest = $3 \
       OR ($4 AND recipient_kind = 'host')) \
     ORDER BY sent_at DESC, id DESC LIMIT $5 OFFSET $6";
/// The newest $6 messages before the one sent at $4 under the id $5 that the account $2 may see; $3: whether it is
/// host or co-host.
const PAGE: &str = "SELECT m.*, \
       (SELECT COUNT(*) FROM message_receipts r WHERE r.message_id = m.id) AS delivered_count, \
       (SELECT COUNT(*) FROM message_receipts r WHERE r.message_id = m.id AND r.seen_at IS NOT NULL) AS seen_count, \
       (SELECT COUNT(*) FROM message_receipts r \
          WHERE r.message_id = m.id AND r.user_id = $2 AND r.seen_at IS NOT NULL) AS seen_by_me \
     FROM messages m WHERE m.chat_id = $1 AND (m.sent_at, m.id) < ($4, $5) AND (\
       m.recipient_kind = 'all' OR m.sender_user = $2 OR m.recipient_user = $2 OR ($3 AND m.recipient_kind = 'host')) \
     ORDER BY m.sent_at DESC, m.id DESC LIMIT $6";
/// $1: a JSON array of message ids; $2: the reader.
const LINES: &str = "SELECT m.*, \
       (SELECT COUNT(*) FROM message_receipts r WHERE r.message_id = m.id) AS delivered_count, \
       (SELECT COUNT(*) FROM message_receipts r WHERE r.message_id = m.id AND r.seen_at IS NOT NULL) AS seen_count, \
       (SELECT COUNT(*) FROM message_receipts r \
          WHERE r.message_id = m.id AND r.user_id = $2 AND r.seen_at IS NOT NULL) AS seen_by_me \
     FROM messages m WHERE m.id IN (SELECT value FROM json_each($1))";
const BY_ID: &str = "SELECT * FROM messages WHERE id = $1";
/// $2: a JSON array of message ids.
const AMONG: &str = "SELECT * FROM messages WHERE chat_id = $1 AND id IN (SELECT value FROM json_each($2))";
const EDIT: &str = "UPDATE messages SET text = $2, edited_at = $3 WHERE id = $1 AND deleted = FALSE";
const DELETE: &str = "UPDATE messages SET deleted = TRUE, text = '', mentions_json = '[]', link_json = NULL WHERE id = $1 AND deleted = FALSE";
const DROP_REACTIONS: &str = "DELETE FROM message_reactions WHERE message_id = $1";
const DROP_FILES: &str =
    "UPDATE attachments SET removed_at = $2 WHERE message_id = $1 AND removed_at IS NULL";
/// $1: a JSON array of message ids.
const FILES: &str = "SELECT * FROM attachments WHERE removed_at IS NULL \
     AND message_id IN (SELECT value FROM json_each($1)) ORDER BY message_id, position";

impl Store {
    /// Keeps a message, and its files with it: `AttachmentNotFound` when one of them is not the sender's to send any
    /// more, and then nothing is kept.
    pub async fn insert_message(&self, message: &ChatMessage) -> Result<(), DomainError> {
        timed("message_insert", async {
            let (sender_user, sender_guest) = columns_of(message.sender);
            let (recipient_user, recipient_guest) = match message.recipient {
                Recipient::All | Recipient::Hosts => (None, None),
                Recipient::User(user) => (Some(user.to_string()), None),
                Recipient::Guest(session) => (None, Some(session.to_string())),
            };
            let (meeting, room) = match message.place {
                Place::Meeting(meeting) => (Some(meeting.to_string()), None),
                Place::Room(room) => (None, Some(room.to_string())),
            };
            let values = args![
                message.id.to_string(),
                meeting,
                room,
                sender_user.clone(),
                sender_guest,
                &message.sender_name,
                &message.text,
                message.kind.as_str(),
                message.recipient.kind(),
                recipient_user,
                recipient_guest,
                to_json(&message.mentions)?,
                micros(message.sent_at),
                message.edited_at.map(micros),
                message.deleted,
                message.link.as_ref().map(to_json).transpose()?,
            ];
            if message.attachments.is_empty() {
                self.execute(INSERT, values).await?;
                return Ok(());
            }
            let mut tx = self.write().await?;
            tx.execute(INSERT, values).await?;
            for (position, file) in (0_u32..).zip(&message.attachments) {
                let values =
                    args![file.id.to_string(), message.id.to_string(), position, sender_user.clone()];
                if tx.execute(ATTACH, values).await? != 1 {
                    return Err(DomainError::AttachmentNotFound.into());
                }
            }
            tx.commit().await
        })
        .await
    }

    /// The newest `limit` messages (at most [`HISTORY_MAX`]) that `reader` may see after skipping `offset`, oldest first.
    pub async fn messages(
        &self,
        meeting: MeetingId,
        reader: Sender,
        runs_meeting: bool,
        limit: u32,
        offset: u32,
    ) -> Result<Vec<ChatMessage>, DomainError> {
        timed("messages", async {
            let (user, guest) = columns_of(reader);
            let values =
                args![meeting.to_string(), user, guest, runs_meeting, limit.min(HISTORY_MAX), offset];
            let mut tx = self.read().await?;
            let rows = tx.all(VISIBLE, values).await?;
            let mut messages: Vec<_> = rows.iter().rev().map(read).collect::<Result<_, _>>()?;
            add_files(&mut tx, messages.iter_mut().collect()).await?;
            Ok(messages)
        })
        .await
    }

    /// The newest `limit` messages that the account may see before one of them, with what became of them, oldest first.
    pub async fn chat_page(
        &self,
        place: Place,
        reader: UserId,
        runs_meeting: bool,
        before: Option<&ChatMessage>,
        limit: u32,
    ) -> Result<Vec<Line>, DomainError> {
        timed("chat_page", async {
            // No message is sent later than every time there is.
            let (sent_at, id) =
                before.map_or((i64::MAX, String::new()), |one| (micros(one.sent_at), one.id.to_string()));
            let values =
                args![place.room().to_string(), reader.to_string(), runs_meeting, sent_at, id, limit];
            let mut tx = self.read().await?;
            let rows = tx.all(PAGE, values).await?;
            let mut lines =
                rows.iter().rev().map(|row| read_line(row, reader)).collect::<Result<Vec<_>, _>>()?;
            complete(&mut tx, &mut lines).await?;
            Ok(lines)
        })
        .await
    }

    /// One message as an account sees it, whatever it may see.
    pub async fn chat_line(&self, id: MessageId, reader: UserId) -> Result<Option<Line>, DomainError> {
        timed("chat_line", async {
            let mut tx = self.read().await?;
            Ok(lines(&mut tx, &[id], reader).await?.pop())
        })
        .await
    }

    /// One message.
    pub async fn message(&self, id: MessageId) -> Result<Option<ChatMessage>, DomainError> {
        timed("message", async {
            let mut tx = self.read().await?;
            let row = tx.one(BY_ID, args![id.to_string()]).await?;
            let Some(mut message) = row.as_ref().map(read).transpose()? else { return Ok(None) };
            add_files(&mut tx, vec![&mut message]).await?;
            Ok(Some(message))
        })
        .await
    }

    /// Those of these messages that are in one place, without their files.
    pub async fn chat_messages(
        &self,
        place: Place,
        ids: &[MessageId],
    ) -> Result<Vec<ChatMessage>, DomainError> {
        timed("chat_messages", async {
            let rows = self.all(AMONG, args![place.room().to_string(), to_json(&ids)?]).await?;
            rows.iter().map(read).collect()
        })
        .await
    }

    /// Replaces the text of a message. False when it is not there, or deleted.
    pub async fn edit_message(
        &self,
        id: MessageId,
        text: &str,
        at: OffsetDateTime,
    ) -> Result<bool, DomainError> {
        timed("message_edit", async {
            Ok(self.execute(EDIT, args![id.to_string(), text, micros(at)]).await? == 1)
        })
        .await
    }

    /// Takes away what a message said, its files and its reactions; its place stays. False when that was done before.
    pub async fn delete_message(&self, id: MessageId, at: OffsetDateTime) -> Result<bool, DomainError> {
        timed("message_delete", async {
            let id = id.to_string();
            let mut tx = self.write().await?;
            if tx.execute(DELETE, args![&id]).await? != 1 {
                return Ok(false);
            }
            tx.execute(DROP_REACTIONS, args![&id]).await?;
            tx.execute(DROP_FILES, args![&id, micros(at)]).await?;
            tx.commit().await?;
            Ok(true)
        })
        .await
    }
}

/// These messages as an account sees them, in no order.
pub(super) async fn lines(tx: &mut Tx, ids: &[MessageId], reader: UserId) -> Result<Vec<Line>, StoreError> {
    let rows = tx.all(LINES, args![to_json(&ids)?, reader.to_string()]).await?;
    let mut lines = rows.iter().map(|row| read_line(row, reader)).collect::<Result<Vec<_>, _>>()?;
    complete(tx, &mut lines).await?;
    Ok(lines)
}

async fn complete(tx: &mut Tx, lines: &mut [Line]) -> Result<(), StoreError> {
    let ids: Vec<_> = lines.iter().map(|line| line.message.id).collect();
    let mut reactions = super::chat_marks::reactions(tx, &ids).await?;
    for line in lines.iter_mut() {
        line.reactions = reactions.remove(&line.message.id).unwrap_or_default();
    }
    add_files(tx, lines.iter_mut().map(|line| &mut line.message).collect()).await
}

async fn add_files(tx: &mut Tx, messages: Vec<&mut ChatMessage>) -> Result<(), StoreError> {
    // Most pages have none; the kind tells.
    let with: Vec<_> = messages
        .into_iter()
        .filter(|message| message.kind == MessageKind::File && !message.deleted)
        .collect();
    if with.is_empty() {
        return Ok(());
    }
    let ids: Vec<_> = with.iter().map(|message| message.id).collect();
    let mut files: HashMap<MessageId, Vec<Attachment>> = HashMap::new();
    for row in tx.all(FILES, args![to_json(&ids)?]).await? {
        files.entry(word(&row, "message_id", MessageId::parse)?).or_default().push(read_file(&row)?);
    }
    for message in with {
        message.attachments = files.remove(&message.id).unwrap_or_default();
    }
    Ok(())
}

fn columns_of(sender: Sender) -> (Option<String>, Option<String>) {
    match sender {
        Sender::User(user) => (Some(user.to_string()), None),
        Sender::Guest(session) => (None, Some(session.to_string())),
    }
}

fn read(row: &Row) -> Result<ChatMessage, StoreError> {
    let meeting = word_opt(row, "meeting_id", MeetingId::parse)?.map(Place::Meeting);
    let room = word_opt(row, "room_id", ChatRoomId::parse)?.map(Place::Room);
    let mentions: Vec<String> = json(row, "mentions_json")?;
    Ok(ChatMessage {
        id: word(row, "id", MessageId::parse)?,
        place: meeting.or(room).ok_or(StoreError::Corrupt("meeting_id"))?,
        sender: read_sender(row)?,
        sender_name: row.get("sender_name")?,
        text: row.get("text")?,
        kind: word(row, "kind", MessageKind::parse)?,
        recipient: read_recipient(row)?,
        attachments: Vec::new(),
        link: json_opt(row, "link_json")?,
        mentions: mentions.iter().filter_map(|id| UserId::parse(id)).collect(),
        sent_at: time(row, "sent_at")?,
        edited_at: time_opt(row, "edited_at")?,
        deleted: row.get("deleted")?,
    })
}

fn read_line(row: &Row, reader: UserId) -> Result<Line, StoreError> {
    let message = read(row)?;
    let seen_by_me = message.sender == Sender::User(reader) || row.get::<i64>("seen_by_me")? > 0;
    Ok(Line {
        message,
        reactions: Vec::new(),
        delivered: row.get("delivered_count")?,
        seen: row.get("seen_count")?,
        seen_by_me,
    })
}

/// A file as its message shows it.
pub(super) fn read_file(row: &Row) -> Result<Attachment, StoreError> {
    let bytes = row.get::<i64>("bytes")?;
    Ok(Attachment {
        id: word(row, "id", AttachmentId::parse)?,
        name: row.get("name")?,
        media_type: row.get("media_type")?,
        bytes: u64::try_from(bytes).map_err(|_| StoreError::Corrupt("bytes"))?,
    })
}

fn read_sender(row: &Row) -> Result<Sender, StoreError> {
    let user = word_opt(row, "sender_user", UserId::parse)?.map(Sender::User);
    let guest = word_opt(row, "sender_guest", ParticipantId::parse)?.map(Sender::Guest);
    user.or(guest).ok_or(StoreError::Corrupt("sender_user"))
}

fn read_recipient(row: &Row) -> Result<Recipient, StoreError> {
    match row.get::<&str>("recipient_kind")? {
        "all" => Ok(Recipient::All),
        "host" => Ok(Recipient::Hosts),
        _ => {
            let user = word_opt(row, "recipient_user", UserId::parse)?.map(Recipient::User);
            let guest = word_opt(row, "recipient_guest", ParticipantId::parse)?.map(Recipient::Guest);
            user.or(guest).ok_or(StoreError::Corrupt("recipient_user"))
        }
    }
}
