//! What happens in chat rooms, for those who listen to them.

use time::OffsetDateTime;

use super::chat::ChatMessage;
use super::id::{ChatRoomId, MessageId, UserId};
use super::presence::Status;

/// A fact about a room, a message or a person in chat.
#[derive(Debug, Clone, PartialEq)]
pub enum ChatEvent {
    Sent {
        message: Box<ChatMessage>,
        at: OffsetDateTime,
    },
    Edited {
        room: ChatRoomId,
        message: MessageId,
        text: String,
        by: UserId,
        at: OffsetDateTime,
    },
    Deleted {
        room: ChatRoomId,
        message: MessageId,
        by: UserId,
        at: OffsetDateTime,
    },
    Reacted {
        room: ChatRoomId,
        message: MessageId,
        emoji: String,
        by: UserId,
        added: bool,
        at: OffsetDateTime,
    },
    Typing {
        room: ChatRoomId,
        user: UserId,
        name: String,
        typing: bool,
        at: OffsetDateTime,
    },
    /// Somebody has seen messages; to the room.
    SeenInRoom {
        room: ChatRoomId,
        by: UserId,
        messages: Vec<MessageId>,
        at: OffsetDateTime,
    },
    /// Somebody has seen a message; to whoever sent it.
    Seen {
        room: ChatRoomId,
        message: MessageId,
        by: UserId,
        at: OffsetDateTime,
    },
    /// A message reached somebody; to whoever sent it.
    Delivered {
        room: ChatRoomId,
        message: MessageId,
        to: UserId,
        at: OffsetDateTime,
    },
    StatusChanged {
        user: UserId,
        /// `None`: offline.
        status: Option<Status>,
        at: OffsetDateTime,
    },
    Notified {
        notification: Notification,
        at: OffsetDateTime,
    },
}

/// Something worth a banner or a badge (KCS-WS-42).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notification {
    NewChat {
        room: ChatRoomId,
        name: String,
        by: UserId,
        by_name: String,
        members: Vec<UserId>,
    },
    Mention {
        room: ChatRoomId,
        room_name: String,
        message: MessageId,
        by: UserId,
        by_name: String,
        text: String,
    },
    RoomChanged {
        room: ChatRoomId,
        name: String,
        change: RoomChange,
        owner: UserId,
        by: UserId,
    },
    Joined {
        room: ChatRoomId,
        user: UserId,
        name: String,
        by: UserId,
    },
    Left {
        room: ChatRoomId,
        user: UserId,
        name: String,
        /// `None`: of his own will.
        removed_by: Option<UserId>,
    },
}

/// What changed about a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RoomChange {
    Renamed,
    Owner,
    Deleted,
}

impl RoomChange {
    /// The word of the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Renamed => "renamed",
            Self::Owner => "owner",
            Self::Deleted => "deleted",
        }
    }
}

impl ChatEvent {
    /// A stable word for metric labels.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Sent { .. } => "chat_sent",
            Self::Edited { .. } => "chat_edited",
            Self::Deleted { .. } => "chat_deleted",
            Self::Reacted { .. } => "chat_reacted",
            Self::Typing { .. } => "chat_typing",
            Self::SeenInRoom { .. } => "chat_seen_in_room",
            Self::Seen { .. } => "chat_seen",
            Self::Delivered { .. } => "chat_delivered",
            Self::StatusChanged { .. } => "chat_status_changed",
            Self::Notified { .. } => "chat_notified",
        }
    }

    /// Whether whoever missed it is no worse off: typing expires by itself, and receipts and moods can be asked for.
    pub fn may_be_missed(&self) -> bool {
        matches!(
            self,
            Self::Typing { .. } | Self::Seen { .. } | Self::Delivered { .. } | Self::StatusChanged { .. }
        )
    }
}
