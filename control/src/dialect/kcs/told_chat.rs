//! What sockets are told about chat rooms: the payloads of [`super::told`]'s table.

use serde::Serialize;
use utoipa::ToSchema;

use super::view::envelope::{Timestamp, True};
use super::view::rooms::{LineView, ReactionWord};
use super::view::words::{PresenceWord, RoomChangeWord};
use crate::domain::id::{ChatRoomId, MessageId, UserId};

/// A payload that carries its own kind.
macro_rules! wrapped {
    ($($(#[$doc:meta])* $name:ident: $kind:literal around $data:ident;)+) => {
        $($(#[$doc])*
        #[derive(Serialize, ToSchema)]
        pub(super) struct $name {
            #[schema(example = $kind)]
            r#type: &'static str,
            data: $data,
            timestamp: Timestamp,
        }

        impl $name {
            pub(super) fn new(data: $data, timestamp: Timestamp) -> Self {
                Self { r#type: $kind, data, timestamp }
            }
        })+
    };
}

wrapped! {
    ChatSent: "new-message" around LineView;
    ChatEdited: "message-edited" around Edit;
    ChatDeleted: "message-deleted" around Deletion;
    ChatReacted: "message-reaction" around Reaction;
    ChatSeen: "message-seen" around Seen;
    ChatDelivered: "message-delivered" around Delivery;
}

/// A message that says something else now.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Edit {
    #[schema(value_type = String)]
    pub message_id: MessageId,
    #[schema(value_type = String)]
    pub room_id: ChatRoomId,
    pub new_content: String,
    #[schema(value_type = String)]
    pub edited_by: UserId,
    pub timestamp: Timestamp,
}

/// A message that is gone.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Deletion {
    #[schema(value_type = String)]
    pub message_id: MessageId,
    #[schema(value_type = String)]
    pub room_id: ChatRoomId,
    #[schema(value_type = String)]
    pub deleted_by: UserId,
    pub timestamp: Timestamp,
}

/// A reaction that was given or taken back.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Reaction {
    #[schema(value_type = String)]
    pub message_id: MessageId,
    #[schema(value_type = String)]
    pub room_id: ChatRoomId,
    #[schema(example = "👍")]
    pub emoji: String,
    #[schema(value_type = String)]
    pub user_id: UserId,
    pub action: ReactionWord,
    pub timestamp: Timestamp,
}

/// A message that somebody has seen.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Seen {
    #[schema(value_type = String)]
    pub message_id: MessageId,
    #[schema(value_type = String)]
    pub room_id: ChatRoomId,
    #[schema(value_type = String)]
    pub seen_by: UserId,
    pub timestamp: Timestamp,
}

/// A message that reached somebody.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Delivery {
    #[schema(value_type = String)]
    pub message_id: MessageId,
    #[schema(value_type = String)]
    pub room_id: ChatRoomId,
    #[schema(value_type = String)]
    pub delivered_to: UserId,
    pub timestamp: Timestamp,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct MessagesSeen {
    #[schema(value_type = String)]
    pub user_id: UserId,
    #[schema(value_type = String)]
    pub room_id: ChatRoomId,
    #[schema(value_type = Vec<String>)]
    pub message_ids: Vec<MessageId>,
    pub timestamp: Timestamp,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ChatTyping {
    #[schema(value_type = String)]
    pub user_id: UserId,
    pub user_name: String,
    #[schema(value_type = String)]
    pub room_id: ChatRoomId,
    pub is_typing: bool,
    pub timestamp: Timestamp,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct StatusChanged {
    #[schema(value_type = String)]
    pub user_id: UserId,
    pub status: PresenceWord,
    pub timestamp: Timestamp,
}

#[derive(Serialize, ToSchema)]
pub(super) struct ChatNotification {
    #[serde(flatten)]
    pub notification: Notified,
    pub timestamp: Timestamp,
}

/// What a notification is about.
#[derive(Serialize, ToSchema)]
#[serde(tag = "type", content = "data", rename_all = "kebab-case")]
pub(super) enum Notified {
    NewChat(NewChat),
    Mention(Mention),
    RoomUpdate(RoomUpdate),
    UserJoined(UserJoined),
    UserLeft(UserLeft),
}

/// A room that one is in now.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewChat {
    #[schema(value_type = String)]
    pub room_id: ChatRoomId,
    pub name: String,
    #[schema(value_type = String)]
    pub created_by: UserId,
    pub created_by_name: String,
    #[schema(value_type = Vec<String>)]
    pub members: Vec<UserId>,
}

/// A message that names the one who is told.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Mention {
    #[schema(value_type = String)]
    pub room_id: ChatRoomId,
    pub room_name: String,
    #[schema(value_type = String)]
    pub message_id: MessageId,
    #[schema(value_type = String)]
    pub user_id: UserId,
    pub user_name: String,
    /// The beginning of it.
    pub content: String,
}

/// What changed about a room.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct RoomUpdate {
    #[schema(value_type = String)]
    pub room_id: ChatRoomId,
    pub name: String,
    pub change: RoomChangeWord,
    #[schema(value_type = String)]
    pub owner: UserId,
    #[schema(value_type = String)]
    pub updated_by: UserId,
}

/// Somebody new in a room.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserJoined {
    #[schema(value_type = String)]
    pub room_id: ChatRoomId,
    #[schema(value_type = String)]
    pub user_id: UserId,
    pub user_name: String,
    #[schema(value_type = String)]
    pub added_by: UserId,
}

/// Somebody who is no longer in a room.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserLeft {
    #[schema(value_type = String)]
    pub room_id: ChatRoomId,
    #[schema(value_type = String)]
    pub user_id: UserId,
    pub user_name: String,
    /// Null: of his own will.
    #[schema(value_type = Option<String>, required)]
    pub removed_by: Option<UserId>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct ChatRoomsJoined {
    /// Whether there is one at least.
    pub success: bool,
    #[schema(value_type = Vec<String>)]
    pub rooms: Vec<ChatRoomId>,
    pub message: String,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ChatRoomLeft {
    #[schema(inline)]
    pub success: True,
    #[schema(value_type = String)]
    pub room_id: ChatRoomId,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SeenAcknowledged {
    #[schema(inline)]
    pub success: True,
    #[schema(value_type = String)]
    pub room_id: ChatRoomId,
    #[schema(value_type = Vec<String>)]
    pub message_ids: Vec<MessageId>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct RoomOnlineUsers {
    #[schema(value_type = String)]
    pub room_id: ChatRoomId,
    pub users: Vec<OnlineUserTold>,
    pub count: usize,
}

/// Somebody of a room who is there.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OnlineUser)]
pub(super) struct OnlineUserTold {
    #[schema(value_type = String)]
    pub user_id: UserId,
    pub user_name: String,
    pub status: PresenceWord,
    pub last_seen: Timestamp,
}
