//! What sockets are told about breakout rooms: the payloads of [`super::told`]'s table.

use serde::Serialize;
use utoipa::ToSchema;

use super::socket_view::person_id;
use super::view::envelope::Timestamp;
use crate::domain::breakout::{BreakoutNews, BreakoutRoom, Insider};
use crate::domain::id::{BreakoutRoomId, MeetingId, ParticipantId};

/// The rooms that are open.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct BreakoutRoomsChanged {
    #[schema(value_type = String)]
    pub meeting_id: MeetingId,
    /// Empty when no rooms are open.
    pub rooms: Vec<RoomTold>,
    /// When they close by themselves.
    #[schema(required)]
    pub time_limit_at: Option<Timestamp>,
    /// Whether people may go into rooms of their own choice.
    pub may_choose: bool,
    /// Whether people may come back by themselves.
    pub may_return: bool,
}

/// A room and who is in it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = BreakoutRoomTold)]
pub(super) struct RoomTold {
    #[schema(value_type = String)]
    pub room_id: BreakoutRoomId,
    #[schema(example = "Breakout Room 1")]
    pub name: String,
    #[schema(required)]
    pub description: Option<String>,
    #[schema(required)]
    pub capacity: Option<u32>,
    pub allow_chat: bool,
    pub allow_screen_share: bool,
    /// The sessions in it; everybody else is in the main room.
    pub participants: Vec<InsiderTold>,
}

/// A session in a room.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = BreakoutParticipantTold)]
pub(super) struct InsiderTold {
    #[schema(value_type = String)]
    pub participant_id: ParticipantId,
    /// The account, or the session of somebody without one.
    pub user_id: String,
    pub user_name: String,
}

impl BreakoutRoomsChanged {
    pub fn of(news: &BreakoutNews) -> Self {
        Self {
            meeting_id: news.meeting,
            rooms: news.rooms.iter().map(|(room, people)| RoomTold::of(room, people)).collect(),
            time_limit_at: news.closes_at.map(Timestamp),
            may_choose: news.may_choose,
            may_return: news.may_return,
        }
    }
}

impl RoomTold {
    fn of(room: &BreakoutRoom, people: &[Insider]) -> Self {
        Self {
            room_id: room.id,
            name: room.name.clone(),
            description: room.description.clone(),
            capacity: room.capacity,
            allow_chat: room.allow_chat,
            allow_screen_share: room.allow_screen_share,
            participants: people.iter().map(InsiderTold::of).collect(),
        }
    }
}

impl InsiderTold {
    fn of(insider: &Insider) -> Self {
        Self {
            participant_id: insider.participant,
            user_id: person_id(insider.person),
            user_name: insider.name.clone(),
        }
    }
}

/// Somebody is in another room now.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct BreakoutAssigned {
    #[schema(value_type = String)]
    pub meeting_id: MeetingId,
    #[schema(value_type = String)]
    pub participant_id: ParticipantId,
    /// Null: the main room.
    #[schema(value_type = Option<String>, required)]
    pub room_id: Option<BreakoutRoomId>,
    #[schema(required)]
    pub name: Option<String>,
}

/// Words for all rooms; the meeting's chat has them as an announcement.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct BreakoutBroadcast {
    #[schema(value_type = String)]
    pub meeting_id: MeetingId,
    /// The account of whoever says it.
    pub user_id: String,
    pub user_name: String,
    pub message: String,
    pub timestamp: Timestamp,
}
