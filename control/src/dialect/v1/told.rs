//! What raw WebSockets are told: one struct per message, and one table that gives each its type.
//!
//! [`say`] takes nothing that is not in the table, and the description of the events is made from the same table.

use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::asyncapi::framed;
use super::view::breakouts::V1BreakoutRoom;
use super::view::chat::V1Message;
use crate::dialect::asyncapi::Message;
use crate::dialect::iso::Timestamp;
use crate::dialect::words::RoleWord;
use crate::domain::id::{BreakoutRoomId, MeetingId, ParticipantId};
use crate::domain::participant::Person;
use crate::websocket::frame;

/// A message that has a type.
pub(super) trait Told: Serialize + ToSchema {
    const TYPE: &'static str;
}

/// What stands around the data of every message.
#[derive(Serialize)]
struct Frame<'a, T> {
    r#type: &'static str,
    meeting_id: MeetingId,
    user_id: Option<String>,
    data: &'a T,
    timestamp: Timestamp,
}

/// A message about somebody, or about nobody, ready for every socket that is to hear it.
pub(super) fn say<T: Told>(meeting: MeetingId, about: Option<Person>, at: OffsetDateTime, data: &T) -> Bytes {
    let (user_id, timestamp) = (about.map(person_id), Timestamp(at));
    let said = Frame { r#type: T::TYPE, meeting_id: meeting, user_id, data, timestamp };
    frame::text(512, |out| {
        serde_json::to_writer(out, &said).expect("a vector takes everything, and our values have text keys");
    })
}

/// What stands where the wire wants a user: people without an account are known by their session.
pub(super) fn person_id(person: Person) -> String {
    match person {
        Person::User(user) => user.to_string(),
        Person::Guest(session) => session.to_string(),
    }
}

/// Gives messages their type, says what each means and to whom it goes, and lists them all.
macro_rules! told {
    ($($name:literal $data:ident: $about:literal,)+) => {
        $(impl Told for $data {
            const TYPE: &'static str = $name;
        })+

        /// Every message there is, described.
        pub(super) fn all() -> Vec<Message> {
            vec![$(framed::<$data>(concat!("v1.", $name), $name, $about, &[])),+]
        }
    };
}

told! {
    "join" JoinTold: "Somebody came in. To everybody else inside.",
    "joined" JoinedTold: "You are inside. To whoever sent `join`, at once or after waiting.",
    "participant_update" UpdateTold: "Something about somebody changed, or somebody waits, or waits no longer. What is absent is as it was. To everybody inside, but not to whoever did it by this connection; about waiting to hosts, co-hosts and whoever waits.",
    "chat" ChatTold: "A message was said. To those it is for, the sender included.",
    "reaction" ReactionTold: "Somebody reacted. To everybody else inside.",
    "hand_raise" HandTold: "A hand went up or down. To everybody inside, but not to whoever did it by this connection.",
    "leave" LeaveTold: "Somebody is no longer inside. To everybody who is, and to whoever left or was removed.",
    "breakout_rooms_changed" BreakoutRoomsTold: "Which breakout rooms there are now, and who is in which. To everybody inside, and to whoever enters while there are some.",
    "breakout_assigned" BreakoutAssignedTold: "Somebody is in another room now. To everybody inside; of many who move at once each hears it of himself, and everybody hears `breakout_rooms_changed`.",
    "meeting_ended" EndedTold: "The meeting is over for good; the connection closes with 1000. To everybody inside and waiting.",
    "ping" PingTold: "Asks for a `pong`. This server asks by the pings of the protocol instead.",
    "pong" PongTold: "Answers `ping`.",
    "error" ErrorTold: "What was sent is refused, or a wait was in vain; the connection stays. Or the token counts no longer, and it closes. To whoever sent it.",
}

/// Somebody inside.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = V1JoinTold)]
pub(super) struct JoinTold {
    /// This join; another one after leaving and coming back.
    #[schema(value_type = String)]
    pub participant_id: ParticipantId,
    /// The account, or the session of somebody without one.
    pub user_id: String,
    #[schema(example = "Hanna Host")]
    pub user_name: String,
    pub user_role: RoleWord,
    #[schema(inline)]
    pub device_info: DeviceTold,
    pub is_muted: bool,
    pub is_video_enabled: bool,
    pub is_screen_sharing: bool,
    pub is_hand_raised: bool,
    pub joined_at: Timestamp,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = V1DeviceTold)]
pub(super) struct DeviceTold {
    #[schema(example = "desktop")]
    pub device_type: String,
}

/// Oneself, and everybody who was inside before, in order of joining.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = V1JoinedTold)]
pub(super) struct JoinedTold {
    #[serde(flatten)]
    pub me: JoinTold,
    pub participants: Vec<JoinTold>,
}

#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = V1UpdateTold)]
pub(super) struct UpdateTold {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub participant_id: Option<ParticipantId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub user_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub user_role: Option<RoleWord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub is_muted: Option<bool>,
    /// A host silenced you: the microphone stays off until this is lifted. To that person alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub is_muted_by_host: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub is_video_enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub is_screen_sharing: Option<bool>,
    /// Waits to be let in; or, to whoever waited: is inside.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub is_in_waiting_room: Option<bool>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = V1ChatTold)]
pub(super) struct ChatTold {
    #[serde(flatten)]
    pub message: V1Message,
    /// Of a message to one person; null to all, and to those who run the meeting.
    #[schema(required)]
    pub recipient_id: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = V1ReactionTold)]
pub(super) struct ReactionTold {
    #[schema(value_type = String)]
    pub participant_id: ParticipantId,
    pub user_name: String,
    /// A name such as `thumbs_up`; an emoji that has none as it was sent.
    #[schema(example = "thumbs_up")]
    pub reaction_type: String,
    /// Seconds to show it.
    #[schema(example = 3)]
    pub duration: u32,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = V1HandTold)]
pub(super) struct HandTold {
    #[schema(value_type = String)]
    pub participant_id: ParticipantId,
    pub user_name: String,
    pub is_hand_raised: bool,
    /// Place in the queue; 1 is next. Null when lowered.
    #[schema(required)]
    pub hand_position: Option<usize>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = V1LeaveTold)]
pub(super) struct LeaveTold {
    #[schema(value_type = String)]
    pub participant_id: ParticipantId,
    pub user_name: String,
    /// `left`, `disconnected`, `kicked` or `ended`.
    #[schema(example = "left")]
    pub reason: &'static str,
}

/// The rooms that are open. What is said to all of them is a `chat` of type announcement.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = V1BreakoutRoomsTold)]
pub(super) struct BreakoutRoomsTold {
    /// Empty when no rooms are open.
    pub rooms: Vec<V1BreakoutRoom>,
    pub allow_participants_to_choose: bool,
    pub allow_participants_to_return: bool,
    /// When they close by themselves.
    #[schema(required)]
    pub time_limit_at: Option<Timestamp>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = V1BreakoutAssignedTold)]
pub(super) struct BreakoutAssignedTold {
    #[schema(value_type = String)]
    pub participant_id: ParticipantId,
    /// Null: the main room.
    #[schema(value_type = Option<String>, required)]
    pub room_id: Option<BreakoutRoomId>,
    #[schema(required)]
    pub name: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = V1EndedTold)]
pub(super) struct EndedTold {
    /// `host` or `time-limit`.
    #[schema(example = "host")]
    pub reason: &'static str,
    pub ended_at: Timestamp,
}

/// Nothing.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = V1PingTold)]
pub(super) struct PingTold {}

/// Nothing.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = V1PongTold)]
pub(super) struct PongTold {}

/// A refusal, in the words of REST.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = V1ErrorTold)]
pub(super) struct ErrorTold {
    #[schema(example = "PARTICIPANT_NOT_FOUND")]
    pub code: &'static str,
    /// For people, in English.
    #[schema(example = "Participant not found in meeting")]
    pub message: String,
    /// What exactly, where there is more to say.
    #[schema(value_type = Object)]
    pub details: Value,
    /// The type of the message that was refused; null when it could not be read, and when nothing was asked.
    #[schema(required)]
    pub request: Option<&'static str>,
}
