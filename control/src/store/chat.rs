//! Messages in meetings.

use super::columns::{micros, time, time_opt, word, word_opt};
use super::refusal::StoreError;
use super::sql::{Row, args};
use super::{Store, timed};
use crate::domain::chat::{ChatMessage, HISTORY_MAX, MessageKind, Place, Recipient, Sender};
use crate::domain::error::DomainError;
use crate::domain::id::{MeetingId, MessageId, ParticipantId, UserId};

const INSERT: &str = "INSERT INTO messages (id, meeting_id, sender_user, sender_guest, sender_name, text, kind, recipient_kind, \
     recipient_user, recipient_guest, sent_at, edited_at, deleted) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
/// The newest $5 messages that the reader may see, after skipping $6. $2, $3: the reader as account and as guest;
/// $4: whether the reader is host or co-host.
const VISIBLE: &str = "SELECT * FROM messages WHERE meeting_id = $1 AND (\
       recipient_kind = 'all' OR sender_user = $2 OR sender_guest = $3 OR recipient_user = $2 OR recipient_guest = $3 \
       OR ($4 AND recipient_kind = 'host')) \
     ORDER BY sent_at DESC, id DESC LIMIT $5 OFFSET $6";

impl Store {
    /// Keeps a message.
    pub async fn insert_message(&self, message: &ChatMessage) -> Result<(), DomainError> {
        timed("message_insert", async {
            let (sender_user, sender_guest) = columns_of(message.sender);
            let (recipient_user, recipient_guest) = match message.recipient {
                Recipient::All | Recipient::Hosts => (None, None),
                Recipient::User(user) => (Some(user.to_string()), None),
                Recipient::Guest(session) => (None, Some(session.to_string())),
            };
            let values = args![
                message.id.to_string(),
                message.place.room().to_string(),
                sender_user,
                sender_guest,
                &message.sender_name,
                &message.text,
                message.kind.as_str(),
                message.recipient.kind(),
                recipient_user,
                recipient_guest,
                micros(message.sent_at),
                message.edited_at.map(micros),
                message.deleted,
            ];
            self.execute(INSERT, values).await?;
            Ok(())
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
            let rows = self.all(VISIBLE, values).await?;
            rows.iter().rev().map(read).collect()
        })
        .await
    }
}

fn columns_of(sender: Sender) -> (Option<String>, Option<String>) {
    match sender {
        Sender::User(user) => (Some(user.to_string()), None),
        Sender::Guest(session) => (None, Some(session.to_string())),
    }
}

fn read(row: &Row) -> Result<ChatMessage, StoreError> {
    Ok(ChatMessage {
        id: word(row, "id", MessageId::parse)?,
        place: Place::Meeting(word(row, "meeting_id", MeetingId::parse)?),
        sender: read_sender(row)?,
        sender_name: row.get("sender_name")?,
        text: row.get("text")?,
        kind: word(row, "kind", MessageKind::parse)?,
        recipient: read_recipient(row)?,
        attachments: Vec::new(),
        mentions: Vec::new(),
        sent_at: time(row, "sent_at")?,
        edited_at: time_opt(row, "edited_at")?,
        deleted: row.get("deleted")?,
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
