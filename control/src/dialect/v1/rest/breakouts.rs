//! Breakout rooms: opened, filled, looked at, left, spoken to and closed (V1-10, V1-11, ADD-26 to ADD-29).

use axum::extract::State;
use serde_json::Value;

use super::V1;
use super::answer::{Body, Caller, MeetingParam, MeetingPath, Reply, ok};
use super::bodies::{V1AssignBody, V1BreakoutsBody, V1BroadcastBody, V1ReturnBody};
use super::describe::refusals;
use crate::dialect::fields::Fields;
use crate::dialect::v1::view::breakouts::{
    self, V1Assigned, V1BreakoutRoom, V1Breakouts, V1Broadcast, V1OpenedRoom,
};
use crate::dialect::v1::view::envelope::V1Success;
use crate::domain::breakout::{Plan, RoomPlan};
use crate::domain::error::DomainError;
use crate::domain::live_breakouts::Whom;

refusals!(CreateRefusals: Forbidden, MeetingNotActive, MeetingEnded, MeetingCancelled);

/// Create breakout rooms
///
/// Hosts, and whoever was given the right. Rooms that are open are replaced, and everybody comes out of them. While
/// rooms are open, people hear and see those in the same room and nobody else.
#[utoipa::path(
    post, path = "/api/v1/meetings/{meeting_id}/breakout-rooms", tag = "v1", operation_id = "v1CreateBreakoutRooms",
    params(MeetingParam), request_body = V1BreakoutsBody,
    responses(
        (status = 200, description = "The rooms", body = V1Success<Vec<V1OpenedRoom>>), CreateRefusals
    )
)]
pub(super) async fn create(
    State(v1): State<V1>,
    Caller(actor): Caller,
    MeetingPath(id): MeetingPath,
    Body(body): Body,
) -> Reply {
    let plan = read_plan(Fields::of(&body)?)?;
    let news = v1.services.breakouts.open(&actor, &id, plan).await?;
    ok(&v1, "Breakout rooms created successfully", breakouts::opened(&news))
}

fn read_plan(fields: Fields<'_>) -> Result<Plan, DomainError> {
    let rooms = fields.list("rooms")?.into_iter().flatten().map(read_room);
    Ok(Plan {
        count: fields.count("room_count")?.ok_or(DomainError::FieldMissing("room_count"))?,
        rooms: rooms.collect::<Result<_, _>>()?,
        auto_assign: fields.flag("auto_assign")?.unwrap_or(false),
        may_choose: fields.flag("allow_participants_to_choose")?.unwrap_or(false),
        may_return: fields.flag("allow_participants_to_return")?.unwrap_or(true),
        time_limit_minutes: fields.count("time_limit_minutes")?,
    })
}

fn read_room(room: &Value) -> Result<RoomPlan, DomainError> {
    let fields = room.as_object().map(|_| Fields::of(room)).transpose()?;
    let fields = fields.ok_or_else(|| DomainError::invalid("rooms", "must be an array of objects"))?;
    // Mistakes are told by the name of the list: which of the rooms it is in is for the eye to find.
    let text = |name: &'static str, told: &'static str| {
        fields.text(name).map_err(|_| DomainError::invalid(told, "must be a string"))
    };
    let flag = |name: &'static str, told: &'static str| {
        fields.flag(name).map_err(|_| DomainError::invalid(told, "must be true or false"))
    };
    fields.has_object("settings").map_err(|_| DomainError::invalid("rooms.settings", "must be an object"))?;
    let capacity = fields.count("capacity");
    Ok(RoomPlan {
        name: text("name", "rooms.name")?.ok_or(DomainError::FieldMissing("rooms.name"))?.to_owned(),
        description: text("description", "rooms.description")?.map(str::to_owned),
        capacity: capacity.map_err(|_| DomainError::invalid("rooms.capacity", "must be a whole number"))?,
        allow_chat: flag("settings.allow_chat", "rooms.settings.allow_chat")?.unwrap_or(true),
        allow_screen_share: flag("settings.allow_screen_share", "rooms.settings.allow_screen_share")?
            .unwrap_or(true),
    })
}

refusals!(
    AssignRefusals: Forbidden, NotMember, MeetingNotActive, MeetingEnded, MeetingCancelled, NotInMeeting,
    ParticipantNotFound, BreakoutRoomNotFound, BreakoutRoomFull,
);

/// Assign somebody to a breakout room
///
/// Hosts, and whoever was given the right; everybody assigns himself where the host lets people choose. All sessions of
/// the person go. Somebody of the roster who is not inside goes when he comes.
#[utoipa::path(
    post, path = "/api/v1/meetings/{meeting_id}/breakout-rooms/assign", tag = "v1",
    operation_id = "v1AssignBreakoutRoom", params(MeetingParam), request_body = V1AssignBody,
    responses((status = 200, description = "Assigned", body = V1Success<V1Assigned>), AssignRefusals)
)]
pub(super) async fn assign(
    State(v1): State<V1>,
    Caller(actor): Caller,
    MeetingPath(id): MeetingPath,
    Body(body): Body,
) -> Reply {
    let fields = Fields::of(&body)?;
    let whom = fields.required_text("participant_user_id")?;
    let room = fields.required_text("breakout_room_id")?;
    // Who chose the room makes no difference to whoever goes there.
    fields.word("assignment_type", |word| matches!(word, "manual" | "auto").then_some(()), "manual, auto")?;
    v1.services.breakouts.assign(&actor, &id, whom, room).await?;
    let data = V1Assigned { participant_user_id: whom.to_owned(), breakout_room_id: room.to_owned() };
    ok(&v1, "Participant assigned to breakout room successfully", data)
}

refusals!(ListRefusals: NotMember);

/// List breakout rooms
///
/// Which rooms are open, who is in which, and where the caller is.
#[utoipa::path(
    get, path = "/api/v1/meetings/{meeting_id}/breakout-rooms", tag = "v1", operation_id = "v1ListBreakoutRooms",
    params(MeetingParam),
    responses((status = 200, description = "The rooms", body = V1Success<V1Breakouts>), ListRefusals)
)]
pub(super) async fn list(State(v1): State<V1>, Caller(actor): Caller, MeetingPath(id): MeetingPath) -> Reply {
    let news = v1.services.breakouts.list(&actor, &id).await?;
    ok(&v1, "Breakout rooms retrieved successfully", breakouts::all(&news, actor.user_id()))
}

refusals!(
    ReturnRefusals: Forbidden, NotMember, MeetingNotActive, MeetingEnded, MeetingCancelled, NotInMeeting,
    ParticipantNotFound, BreakoutRoomNotFound,
);

/// Return to the main room
///
/// Oneself, where the host lets people return; hosts also call one person or everybody back. The rooms stay open.
#[utoipa::path(
    post, path = "/api/v1/meetings/{meeting_id}/breakout-rooms/return", tag = "v1",
    operation_id = "v1ReturnFromBreakoutRoom", params(MeetingParam), request_body(content = Option<V1ReturnBody>),
    responses((status = 200, description = "The rooms now", body = V1Success<V1Breakouts>), ReturnRefusals)
)]
pub(super) async fn give_back(
    State(v1): State<V1>,
    Caller(actor): Caller,
    MeetingPath(id): MeetingPath,
    Body(body): Body,
) -> Reply {
    let fields = Fields::of(&body)?;
    let named = fields.text("participant_user_id")?.filter(|named| !named.trim().is_empty());
    let whom = match (fields.flag("everyone")?.unwrap_or(false), named) {
        (true, _) => Whom::Everybody,
        (false, Some(named)) => Whom::Named(named.to_owned()),
        (false, None) => Whom::Oneself,
    };
    let news = v1.services.breakouts.give_back(&actor, &id, whom).await?;
    ok(&v1, "Returned to the main room successfully", breakouts::all(&news, actor.user_id()))
}

refusals!(
    BroadcastRefusals: Forbidden, MeetingNotActive, MeetingEnded, MeetingCancelled, BreakoutRoomNotFound,
);

/// Say something to all breakout rooms
///
/// Hosts, and whoever was given the right. It stands in the meeting's chat as an announcement.
#[utoipa::path(
    post, path = "/api/v1/meetings/{meeting_id}/breakout-rooms/broadcast", tag = "v1",
    operation_id = "v1BroadcastToBreakoutRooms", params(MeetingParam), request_body = V1BroadcastBody,
    responses((status = 200, description = "Said", body = V1Success<V1Broadcast>), BroadcastRefusals)
)]
pub(super) async fn broadcast(
    State(v1): State<V1>,
    Caller(actor): Caller,
    MeetingPath(id): MeetingPath,
    Body(body): Body,
) -> Reply {
    let text = Fields::of(&body)?.given_text("message")?;
    let message = v1.services.breakouts.broadcast(&actor, &id, text).await?;
    ok(&v1, "Message sent to all breakout rooms successfully", breakouts::said(&message))
}

refusals!(
    CloseRefusals: Forbidden, MeetingNotActive, MeetingEnded, MeetingCancelled, BreakoutRoomNotFound,
);

/// Close the breakout rooms
///
/// Hosts, and whoever was given the right. Everybody is in the main room again.
#[utoipa::path(
    delete, path = "/api/v1/meetings/{meeting_id}/breakout-rooms", tag = "v1",
    operation_id = "v1CloseBreakoutRooms", params(MeetingParam),
    responses((status = 200, description = "No rooms any more", body = V1Success<Vec<V1BreakoutRoom>>), CloseRefusals)
)]
pub(super) async fn close(
    State(v1): State<V1>,
    Caller(actor): Caller,
    MeetingPath(id): MeetingPath,
) -> Reply {
    let news = v1.services.breakouts.close(&actor, &id).await?;
    ok(&v1, "Breakout rooms closed successfully", breakouts::rooms(&news))
}
