//! Breakout rooms (V1-10, V1-11, ADD-26 to ADD-29).

use std::collections::HashSet;

use serde::Serialize;
use utoipa::ToSchema;

use crate::dialect::iso::Timestamp;
use crate::domain::breakout::{BreakoutNews, BreakoutRoom, Insider};
use crate::domain::chat::ChatMessage;
use crate::domain::id::{BreakoutRoomId, MeetingId, MessageId, ParticipantId, UserId};
use crate::domain::participant::Person;

/// A room that was opened.
#[derive(Debug, Serialize, ToSchema)]
pub struct V1OpenedRoom {
    #[schema(value_type = String, example = "01JDAVNTZ6MG8F0Q5W0R7YH3KD")]
    room_id: BreakoutRoomId,
    #[schema(example = "Breakout Room 1")]
    name: String,
    #[schema(required)]
    description: Option<String>,
    /// Null: as many as the meeting has.
    #[schema(required)]
    capacity: Option<u32>,
    /// Persons inside.
    current_participants: usize,
    is_active: bool,
}

/// A room and who is in it.
#[derive(Debug, Serialize, ToSchema)]
pub struct V1BreakoutRoom {
    #[serde(flatten)]
    room: V1OpenedRoom,
    settings: V1RoomSettings,
    participants: Vec<V1RoomParticipant>,
}

/// What people in a room may do.
#[derive(Debug, Serialize, ToSchema)]
pub struct V1RoomSettings {
    allow_chat: bool,
    allow_screen_share: bool,
}

/// A session in a room.
#[derive(Debug, Serialize, ToSchema)]
pub struct V1RoomParticipant {
    #[schema(value_type = String, example = "0193488c-5a1e-7d3a-9a86-5b0f6f0f2c11")]
    participant_id: ParticipantId,
    /// Null for people without an account.
    #[schema(value_type = Option<String>, required, example = "01JDAVNTZ6MG8F0Q5W0R7YH3KC")]
    user_id: Option<UserId>,
    #[schema(example = "Hanna Host")]
    user_name: String,
}

/// The rooms that are open.
#[derive(Debug, Serialize, ToSchema)]
pub struct V1Breakouts {
    /// Empty when no rooms are open.
    rooms: Vec<V1BreakoutRoom>,
    allow_participants_to_choose: bool,
    allow_participants_to_return: bool,
    /// When they close by themselves.
    #[schema(required)]
    time_limit_at: Option<Timestamp>,
    /// The room of the caller; null is the main room.
    #[schema(value_type = Option<String>, required)]
    own_room_id: Option<BreakoutRoomId>,
}

/// Who goes where.
#[derive(Debug, Serialize, ToSchema)]
pub struct V1Assigned {
    /// As it was asked for.
    pub participant_user_id: String,
    pub breakout_room_id: String,
}

/// What was said to all rooms.
#[derive(Debug, Serialize, ToSchema)]
pub struct V1Broadcast {
    #[schema(value_type = Option<String>, required)]
    meeting_id: Option<MeetingId>,
    /// Its place in the meeting's chat.
    #[schema(value_type = String)]
    message_id: MessageId,
    message: String,
    sent_at: Timestamp,
}

/// The view of rooms that were opened.
pub fn opened(news: &BreakoutNews) -> Vec<V1OpenedRoom> {
    news.rooms.iter().map(|(room, people)| of(room, people)).collect()
}

/// The view of rooms with the people in them.
pub fn rooms(news: &BreakoutNews) -> Vec<V1BreakoutRoom> {
    let whole = |room: &BreakoutRoom, people: &[Insider]| V1BreakoutRoom {
        room: of(room, people),
        settings: V1RoomSettings { allow_chat: room.allow_chat, allow_screen_share: room.allow_screen_share },
        participants: people.iter().map(participant).collect(),
    };
    news.rooms.iter().map(|(room, people)| whole(room, people)).collect()
}

/// The view of all there is to know about rooms, for one person.
pub fn all(news: &BreakoutNews, reader: Option<UserId>) -> V1Breakouts {
    let is_own = |one: &Insider| reader.is_some_and(|reader| one.person == Person::User(reader));
    let own = news.rooms.iter().find(|(_, people)| people.iter().any(is_own));
    V1Breakouts {
        rooms: rooms(news),
        allow_participants_to_choose: news.may_choose,
        allow_participants_to_return: news.may_return,
        time_limit_at: news.closes_at.map(Timestamp),
        own_room_id: own.map(|(room, _)| room.id),
    }
}

/// The view of what was said to all rooms.
pub fn said(message: &ChatMessage) -> V1Broadcast {
    V1Broadcast {
        meeting_id: message.place.meeting(),
        message_id: message.id,
        message: message.text.clone(),
        sent_at: Timestamp(message.sent_at),
    }
}

fn of(room: &BreakoutRoom, people: &[Insider]) -> V1OpenedRoom {
    let persons: HashSet<_> = people.iter().map(|one| one.person).collect();
    V1OpenedRoom {
        room_id: room.id,
        name: room.name.clone(),
        description: room.description.clone(),
        capacity: room.capacity,
        current_participants: persons.len(),
        is_active: true,
    }
}

fn participant(insider: &Insider) -> V1RoomParticipant {
    let user_id = match insider.person {
        Person::User(user) => Some(user),
        Person::Guest(_) => None,
    };
    V1RoomParticipant { participant_id: insider.participant, user_id, user_name: insider.name.clone() }
}
