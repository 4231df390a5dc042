//! A message in a meeting and who may read it (C-52).

use time::OffsetDateTime;

use super::id::{MeetingId, MessageId, ParticipantId, UserId};

/// Longest text of a message, in characters.
pub const MESSAGE_CHARS_MAX: usize = 4000;
/// Largest number of messages a history request returns; more is clamped.
pub const HISTORY_MAX: u32 = 500;

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

/// A message as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatMessage {
    pub id: MessageId,
    pub meeting: MeetingId,
    pub sender: Sender,
    pub sender_name: String,
    /// Stored as sent without control characters; clients escape it.
    pub text: String,
    pub kind: MessageKind,
    pub recipient: Recipient,
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
