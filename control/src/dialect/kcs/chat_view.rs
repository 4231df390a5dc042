//! What happens in chat rooms as this dialect's sockets hear it; messages as REST shows them.

use serde_json::{Value, json};
use time::OffsetDateTime;

use super::view::rooms;
use crate::dialect::iso;
use crate::domain::chat_event::{ChatEvent, Notification};
use crate::domain::history::Line;

/// Characters of a message that a notification repeats.
const EXCERPT_CHARS: usize = 200;

/// Name and payload of an event in chat.
pub(super) fn event(event: &ChatEvent) -> (&'static str, Value) {
    use ChatEvent as E;
    match event {
        E::Sent { message, at } => {
            let shown = json!(rooms::line(&Line::fresh(message.clone(), false)));
            ("new-chat-message", wrapped("new-message", shown, *at))
        }
        E::Edited { room, message, text, by, at } => {
            let data = json!({ "messageId": message, "roomId": room, "newContent": text, "editedBy": by, "timestamp": iso::text(*at) });
            ("chat-message-edited", wrapped("message-edited", data, *at))
        }
        E::Deleted { room, message, by, at } => {
            let data =
                json!({ "messageId": message, "roomId": room, "deletedBy": by, "timestamp": iso::text(*at) });
            ("chat-message-deleted", wrapped("message-deleted", data, *at))
        }
        E::Reacted { room, message, emoji, by, added, at } => {
            let data = json!({
                "messageId": message,
                "roomId": room,
                "emoji": emoji,
                "userId": by,
                "action": if *added { "add" } else { "remove" },
                "timestamp": iso::text(*at),
            });
            ("chat-message-reaction", wrapped("message-reaction", data, *at))
        }
        E::Typing { room, user, name, typing, at } => (
            "chat-user-typing",
            json!({
                "userId": user,
                "userName": name,
                "roomId": room,
                "isTyping": typing,
                "timestamp": iso::text(*at),
            }),
        ),
        E::SeenInRoom { room, by, messages, at } => (
            "messages-seen",
            json!({ "userId": by, "roomId": room, "messageIds": messages, "timestamp": iso::text(*at) }),
        ),
        E::Seen { room, message, by, at } => {
            let data =
                json!({ "messageId": message, "roomId": room, "seenBy": by, "timestamp": iso::text(*at) });
            ("chat-message-seen", wrapped("message-seen", data, *at))
        }
        E::Delivered { room, message, to, at } => {
            let data = json!({ "messageId": message, "roomId": room, "deliveredTo": to, "timestamp": iso::text(*at) });
            ("chat-message-delivered", wrapped("message-delivered", data, *at))
        }
        E::StatusChanged { user, status, at } => (
            "chat-user-status-changed",
            json!({
                "userId": user,
                "status": status.map_or("offline", |status| status.as_str()),
                "timestamp": iso::text(*at),
            }),
        ),
        E::Notified { notification, at } => {
            let (kind, data) = notified(notification);
            ("chat-notification", wrapped(kind, data, *at))
        }
    }
}

fn wrapped(kind: &str, data: Value, at: OffsetDateTime) -> Value {
    json!({ "type": kind, "data": data, "timestamp": iso::text(at) })
}

/// Type and data of a notification (KCS-WS-42).
fn notified(notification: &Notification) -> (&'static str, Value) {
    use Notification as N;
    match notification {
        N::NewChat { room, name, by, by_name, members } => (
            "new-chat",
            json!({
                "roomId": room,
                "name": name,
                "createdBy": by,
                "createdByName": by_name,
                "members": members,
            }),
        ),
        N::Mention { room, room_name, message, by, by_name, text } => (
            "mention",
            json!({
                "roomId": room,
                "roomName": room_name,
                "messageId": message,
                "userId": by,
                "userName": by_name,
                "content": text.chars().take(EXCERPT_CHARS).collect::<String>(),
            }),
        ),
        N::RoomChanged { room, name, change, owner, by } => (
            "room-update",
            json!({
                "roomId": room,
                "name": name,
                "change": change.as_str(),
                "owner": owner,
                "updatedBy": by,
            }),
        ),
        N::Joined { room, user, name, by } => {
            ("user-joined", json!({ "roomId": room, "userId": user, "userName": name, "addedBy": by }))
        }
        N::Left { room, user, name, removed_by } => (
            "user-left",
            json!({ "roomId": room, "userId": user, "userName": name, "removedBy": removed_by }),
        ),
    }
}
