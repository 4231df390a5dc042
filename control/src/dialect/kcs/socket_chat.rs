//! One function per event of chat rooms: read the payload, call one service, say the answer (KCS-WS-24 to KCS-WS-29).

use serde_json::{Value, json};

use super::limits::budget;
use super::socket_connection::{Answer, Connection};
use super::socket_requests::{quiet, say};
use super::told_chat::{ChatRoomLeft, ChatRoomsJoined, OnlineUserTold, RoomOnlineUsers, SeenAcknowledged};
use super::view::envelope::{Timestamp, True};
use crate::dialect::fields::Fields;
use crate::domain::error::DomainError;
use crate::domain::limit::LimitedAction;
use crate::domain::presence::Status;
use crate::service::chat_rooms::OnlineUser;

type Answered = Result<Answer, DomainError>;

pub(super) async fn join_chat_rooms(c: &mut Connection, body: Value) -> Answered {
    let rooms = texts(&body, "roomIds")?;
    let joined = c.services.rooms.listen(&c.actor, c.id, &rooms, budget(LimitedAction::Read)).await?;
    let message = match joined.len() {
        0 => "No chat room joined".to_owned(),
        1 => "Joined 1 chat room".to_owned(),
        more => format!("Joined {more} chat rooms"),
    };
    Ok(say(&ChatRoomsJoined { success: !joined.is_empty(), rooms: joined, message }))
}

pub(super) async fn leave_chat_room(c: &mut Connection, body: Value) -> Answered {
    let room = c.services.rooms.stop_listening(&c.actor, c.id, room(Fields::of(&body)?)?)?;
    Ok(say(&ChatRoomLeft { success: True, room_id: room }))
}

pub(super) async fn chat_typing(c: &mut Connection, body: Value) -> Answered {
    let fields = Fields::of(&body)?;
    let room = room(fields)?;
    let typing = fields.flag("isTyping")?.ok_or(DomainError::FieldMissing("isTyping"))?;
    let budget = budget(LimitedAction::ChatTyping);
    let room = c.services.rooms.type_in(&c.actor, c.id, room, typing, budget).await?;
    Ok(quiet(json!({ "roomId": room, "isTyping": typing })))
}

pub(super) async fn mark_messages_seen(c: &mut Connection, body: Value) -> Answered {
    let room = room(Fields::of(&body)?)?;
    let messages = texts(&body, "messageIds")?;
    let budget = budget(LimitedAction::ChatReceipt);
    let (room, marked) = c.services.rooms.mark_seen(&c.actor, room, &messages, budget).await?;
    Ok(say(&SeenAcknowledged { success: True, room_id: room, message_ids: marked }))
}

pub(super) async fn update_chat_status(c: &mut Connection, body: Value) -> Answered {
    let status = Fields::of(&body)?.word("status", Status::parse, "online, away, busy")?;
    let status = status.ok_or(DomainError::FieldMissing("status"))?;
    c.services.rooms.choose_status(&c.actor, status, budget(LimitedAction::Write)).await?;
    Ok(quiet(json!({ "status": status.as_str() })))
}

pub(super) async fn get_room_online_users(c: &mut Connection, body: Value) -> Answered {
    let room = room(Fields::of(&body)?)?;
    let (room, online) = c.services.rooms.online(&c.actor, room, budget(LimitedAction::Read)).await?;
    let users: Vec<_> = online.into_iter().map(online_user).collect();
    Ok(say(&RoomOnlineUsers { room_id: room, count: users.len(), users }))
}

fn online_user(online: OnlineUser) -> OnlineUserTold {
    OnlineUserTold {
        user_id: online.user,
        user_name: online.name,
        status: online.status.into(),
        last_seen: Timestamp(online.last_seen),
    }
}

fn room<'a>(fields: Fields<'a>) -> Result<&'a str, DomainError> {
    fields.required_text("roomId")
}

fn texts(body: &Value, name: &'static str) -> Result<Vec<String>, DomainError> {
    let list = Fields::of(body)?.list(name)?.ok_or(DomainError::FieldMissing(name))?;
    let texts: Option<Vec<_>> = list.iter().map(|value| value.as_str().map(str::to_owned)).collect();
    texts.ok_or_else(|| DomainError::invalid(name, "must be an array of strings"))
}
