//! What happens in chat rooms as this dialect's sockets hear it; messages as REST shows them.

use super::told::{Said, say};
use super::told_chat::{
    ChatDeleted, ChatDelivered, ChatEdited, ChatNotification, ChatReacted, ChatSeen, ChatSent, ChatTyping,
    Deletion, Delivery, Edit, Mention, MessagesSeen, NewChat, Notified, Reaction, RoomUpdate, Seen,
    StatusChanged, UserJoined, UserLeft,
};
use super::view::envelope::Timestamp;
use super::view::rooms::{self, ReactionWord};
use super::view::words::PresenceWord;
use crate::domain::chat_event::{ChatEvent, Notification};
use crate::domain::history::Line;

/// Characters of a message that a notification repeats.
const EXCERPT_CHARS: usize = 200;

/// Name and payload of an event in chat.
pub(super) fn event(event: &ChatEvent) -> Said {
    use ChatEvent as E;
    match event {
        E::Sent { message, at } => {
            let shown = rooms::line(&Line::fresh((**message).clone(), false));
            say(&ChatSent::new(shown, Timestamp(*at)))
        }
        E::Edited { room, message, text, by, at } => {
            let at = Timestamp(*at);
            let (message_id, room_id, new_content) = (*message, *room, text.clone());
            say(&ChatEdited::new(
                Edit { message_id, room_id, new_content, edited_by: *by, timestamp: at },
                at,
            ))
        }
        E::Deleted { room, message, by, at } => {
            let at = Timestamp(*at);
            let (message_id, room_id) = (*message, *room);
            say(&ChatDeleted::new(Deletion { message_id, room_id, deleted_by: *by, timestamp: at }, at))
        }
        E::Reacted { room, message, emoji, by, added, at } => {
            let at = Timestamp(*at);
            let reaction = Reaction {
                message_id: *message,
                room_id: *room,
                emoji: emoji.clone(),
                user_id: *by,
                action: if *added { ReactionWord::Add } else { ReactionWord::Remove },
                timestamp: at,
            };
            say(&ChatReacted::new(reaction, at))
        }
        E::Typing { room, user, name, typing, at } => say(&ChatTyping {
            user_id: *user,
            user_name: name.clone(),
            room_id: *room,
            is_typing: *typing,
            timestamp: Timestamp(*at),
        }),
        E::SeenInRoom { room, by, messages, at } => say(&MessagesSeen {
            user_id: *by,
            room_id: *room,
            message_ids: messages.clone(),
            timestamp: Timestamp(*at),
        }),
        E::Seen { room, message, by, at } => {
            let at = Timestamp(*at);
            let (message_id, room_id) = (*message, *room);
            say(&ChatSeen::new(Seen { message_id, room_id, seen_by: *by, timestamp: at }, at))
        }
        E::Delivered { room, message, to, at } => {
            let at = Timestamp(*at);
            let (message_id, room_id) = (*message, *room);
            say(&ChatDelivered::new(Delivery { message_id, room_id, delivered_to: *to, timestamp: at }, at))
        }
        E::StatusChanged { user, status, at } => say(&StatusChanged {
            user_id: *user,
            status: status.map_or(PresenceWord::Offline, PresenceWord::from),
            timestamp: Timestamp(*at),
        }),
        E::Notified { notification, at } => {
            say(&ChatNotification { notification: notified(notification), timestamp: Timestamp(*at) })
        }
    }
}

/// What a notification is about (KCS-WS-42).
fn notified(notification: &Notification) -> Notified {
    use Notification as N;
    match notification.clone() {
        N::NewChat { room, name, by, by_name, members } => Notified::NewChat(NewChat {
            room_id: room,
            name,
            created_by: by,
            created_by_name: by_name,
            members,
        }),
        N::Mention { room, room_name, message, by, by_name, text } => Notified::Mention(Mention {
            room_id: room,
            room_name,
            message_id: message,
            user_id: by,
            user_name: by_name,
            content: text.chars().take(EXCERPT_CHARS).collect(),
        }),
        N::RoomChanged { room, name, change, owner, by } => {
            let change = change.into();
            Notified::RoomUpdate(RoomUpdate { room_id: room, name, change, owner, updated_by: by })
        }
        N::Joined { room, user, name, by } => {
            Notified::UserJoined(UserJoined { room_id: room, user_id: user, user_name: name, added_by: by })
        }
        N::Left { room, user, name, removed_by } => {
            Notified::UserLeft(UserLeft { room_id: room, user_id: user, user_name: name, removed_by })
        }
    }
}
