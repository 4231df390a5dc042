//! A message, in a meeting or a chat room, and who may read it (C-52, C-53).

use time::OffsetDateTime;

use super::attachment::Attachment;
use super::error::DomainError;
use super::file_link::FileLink;
use super::id::{ChatRoomId, MeetingId, MessageId, ParticipantId, UserId};

/// Longest text of a message, in characters.
pub const MESSAGE_CHARS_MAX: usize = 4000;
/// Largest number of messages a history request returns; more is clamped.
pub const HISTORY_MAX: u32 = 500;

/// People one message may mention.
pub const MENTIONS_MAX: usize = 50;

/// The text without control characters other than line breaks and tabs. It has to say something, unless
/// `may_be_empty`: a message with files need not. `field` is what the client called it.
///
/// # Errors
/// Nothing said, or more than [`MESSAGE_CHARS_MAX`].
pub fn message_text(field: &'static str, text: &str, may_be_empty: bool) -> Result<String, DomainError> {
    let cleaned: String = text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
    if cleaned.trim().is_empty() {
        return if may_be_empty { Ok(String::new()) } else { Err(DomainError::FieldMissing(field)) };
    }
    if cleaned.chars().count() > MESSAGE_CHARS_MAX {
        return Err(DomainError::invalid(field, format!("must have at most {MESSAGE_CHARS_MAX} characters")));
    }
    Ok(cleaned)
}

/// Where a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    Meeting(MeetingId),
    Room(ChatRoomId),
}

impl Place {
    /// The room of that place: a meeting is one (C-53).
    pub fn room(self) -> ChatRoomId {
        match self {
            Self::Meeting(meeting) => meeting.into(),
            Self::Room(room) => room,
        }
    }

    /// The meeting, when it is one.
    pub fn meeting(self) -> Option<MeetingId> {
        match self {
            Self::Meeting(meeting) => Some(meeting),
            Self::Room(_) => None,
        }
    }
}

/// What a message carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MessageKind {
    Text,
    File,
    Poll,
    Announcement,
}

impl MessageKind {
    /// The word stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::File => "file",
            Self::Poll => "poll",
            Self::Announcement => "announcement",
        }
    }

    /// Reads the word of [`MessageKind::as_str`].
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Text, Self::File, Self::Poll, Self::Announcement].into_iter().find(|k| k.as_str() == word)
    }
}

/// Who a message is for. A person is named by the id that stays the same over his joins: account, or guest session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Recipient {
    All,
    /// Hosts, co-hosts and the sender.
    Hosts,
    /// One account and the sender.
    User(UserId),
    /// One person without an account, and the sender.
    Guest(ParticipantId),
}

impl Recipient {
    /// The word of the wire and of the store: `all`, `host` or `private`.
    pub fn kind(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Hosts => "host",
            Self::User(_) | Self::Guest(_) => "private",
        }
    }
}

/// Who wrote a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sender {
    User(UserId),
    Guest(ParticipantId),
}

impl Sender {
    /// The account, when it is one.
    pub fn user(self) -> Option<UserId> {
        match self {
            Self::User(user) => Some(user),
            Self::Guest(_) => None,
        }
    }
}

/// A message as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatMessage {
    pub id: MessageId,
    pub place: Place,
    pub sender: Sender,
    pub sender_name: String,
    /// Stored as sent without control characters; clients escape it.
    pub text: String,
    pub kind: MessageKind,
    pub recipient: Recipient,
    /// In the order in which the sender named them.
    pub attachments: Vec<Attachment>,
    /// A file that is kept elsewhere.
    pub link: Option<FileLink>,
    pub mentions: Vec<UserId>,
    pub sent_at: OffsetDateTime,
    pub edited_at: Option<OffsetDateTime>,
    pub deleted: bool,
}

impl ChatMessage {
    /// Whether the reader may see it. `runs_meeting`: the reader is host or co-host.
    pub fn visible_to(&self, reader: Sender, runs_meeting: bool) -> bool {
        self.sender == reader
            || match self.recipient {
                Recipient::All => true,
                Recipient::Hosts => runs_meeting,
                Recipient::User(user) => reader == Sender::User(user),
                Recipient::Guest(session) => reader == Sender::Guest(session),
            }
    }
}
