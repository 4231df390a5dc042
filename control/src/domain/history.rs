//! What one reader is shown of a room: its messages with what became of them, and how far he is behind.

use super::chat::ChatMessage;
use super::chat_room::ChatRoom;
use super::id::UserId;

/// Unread messages are counted up to here: a badge says no more, and counting further costs.
pub const UNREAD_MAX: u32 = 1000;
/// Rooms a list returns at most; also what one account may be in.
pub const ROOMS_MAX: u32 = 500;

/// A message as one reader sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub message: ChatMessage,
    /// In the order in which each was first given.
    pub reactions: Vec<Reactions>,
    /// Readers it reached, those who have seen it among them.
    pub delivered: u32,
    pub seen: u32,
    /// Whether this reader has, or wrote it.
    pub seen_by_me: bool,
}

impl Line {
    /// A message that nobody has reacted to, as everybody is told of it.
    pub fn fresh(message: ChatMessage, seen_by_me: bool) -> Self {
        Self { message, reactions: Vec::new(), delivered: 0, seen: 0, seen_by_me }
    }
}

/// One emoji on one message, and who gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reactions {
    pub emoji: String,
    /// In the order of giving.
    pub users: Vec<UserId>,
}

/// A room in the list of one of its members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// In a list with its first members only.
    pub room: ChatRoom,
    pub member_count: u32,
    pub last: Option<Line>,
    /// Up to [`UNREAD_MAX`].
    pub unread: u32,
}
