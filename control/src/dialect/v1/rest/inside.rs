//! Coming in, leaving, who is there, and what they have switched on (V1-04 to V1-07).

use axum::extract::State;

use super::V1;
use super::answer::{Body, Caller, MeetingParam, MeetingPath, Reply, WAITS, ok, waits};
use super::bodies::{V1JoinBody, V1StatusBody};
use super::describe::refusals;
use crate::dialect::fields::Fields;
use crate::dialect::v1::view::envelope::{V1Success, V1Waiting};
use crate::dialect::v1::view::people::{self, V1Joined, V1Left, V1Participant, V1ParticipantStatus};
use crate::domain::admission::Door;
use crate::domain::error::DomainError;
use crate::domain::live_sessions::Arrival;
use crate::domain::live_status::StatusChange;
use crate::domain::participant::MediaChange;
use crate::live::Place;
use crate::service::join::JoinRequest;
use crate::service::participants::{Seen, Wished};

refusals!(
    JoinRefusals: NotInvited, KeptOut, MeetingNotActive, MeetingEnded, MeetingCancelled, MeetingLocked,
    MeetingPasswordMissing, MeetingPasswordWrong, MeetingFull,
);

/// Enter a meeting
///
/// The session lasts until its owner leaves, is removed, or the meeting ends, with or without a socket. Who is inside
/// already goes on with the session he has; who waits may ask again until he is let in.
#[utoipa::path(
    post, path = "/api/v1/meetings/{meeting_id}/join", tag = "v1", operation_id = "v1JoinMeeting",
    params(MeetingParam), request_body(content = Option<V1JoinBody>),
    responses(
        (status = 200, description = "Inside", body = V1Success<V1Joined>),
        (
            status = 202, description = "Waits to be let in", body = V1Waiting<V1Joined>,
            examples(("waits" = (value = json!({
                "status": "success", "message": WAITS.0, "code": WAITS.1, "details": {},
                "data": {
                    "participant_id": "0193488c-5a1e-7d3a-9a86-5b0f6f0f2c11",
                    "meeting_id": "01JDAVNTZ6MG8F0Q5W0R7YH3KC", "user_id": "01JDAVNTZ5A3C7E9G1J3M5P7RS",
                    "role": "attendee", "status": "waiting", "is_muted": false, "is_video_enabled": false,
                    "joined_at": "2026-11-20T09:00:00.000Z",
                },
                "timestamp": "2026-11-20T09:00:00.000Z",
            }))))
        ),
        JoinRefusals
    )
)]
pub(super) async fn join(
    State(v1): State<V1>,
    Caller(actor): Caller,
    MeetingPath(id): MeetingPath,
    Body(body): Body,
) -> Reply {
    let fields = Fields::of(&body)?;
    let device = ("device_type", fields.text_of(&["device_type", "deviceType"])?);
    let request = read_join(id, fields, device)?;
    match v1.services.joins.join_without_socket(&actor, request).await? {
        Place::Inside(entrance) => {
            let seen = Seen::inside(&entrance.me);
            ok(&v1, "Joined meeting successfully", people::joined(entrance.meeting.id, &seen))
        }
        Place::Waiting { meeting, .. } => {
            let own = v1.services.participants.own_waiting(&actor, meeting).await;
            // Somebody was quick to open, or to turn him away: asking again tells which.
            let own = own.ok_or(DomainError::Unavailable)?;
            waits(&v1, people::joined(meeting, &own.seen))
        }
    }
}

/// How somebody comes in, by REST or over a socket, which differ in where they say what he sits at.
pub(in crate::dialect::v1) fn read_join(
    meeting: String,
    fields: Fields<'_>,
    device: (&'static str, Option<&str>),
) -> Result<JoinRequest, DomainError> {
    // Off in any case (C-50), and still no nonsense.
    fields.flag("join_without_video")?;
    let arrival =
        Arrival { audio: !fields.flag("join_muted")?.unwrap_or(false), video: false, ..Arrival::default() };
    let arrival =
        arrival.described(device, ("connection_id", fields.text_of(&["connection_id", "connectionId"])?))?;
    let password = fields.text("meeting_password")?.map(str::to_owned);
    Ok(JoinRequest { meeting, password, door: Door::EnterLive, arrival, ..JoinRequest::default() })
}

refusals!(LeaveRefusals: NotMember, ParticipantNotFound);

/// Leave a meeting
///
/// Or its waiting room.
#[utoipa::path(
    post, path = "/api/v1/meetings/{meeting_id}/leave", tag = "v1", operation_id = "v1LeaveMeeting",
    params(MeetingParam),
    responses((status = 200, description = "Outside", body = V1Success<V1Left>), LeaveRefusals)
)]
pub(super) async fn leave(
    State(v1): State<V1>,
    Caller(actor): Caller,
    MeetingPath(id): MeetingPath,
) -> Reply {
    let departure = v1.services.participants.leave_by_request(&actor, &id).await?;
    ok(&v1, "Left meeting successfully", people::left(&departure))
}

refusals!(ListRefusals: NotMember);

/// Who is inside
///
/// In order of joining. Whoever may let people in sees those who wait as well.
#[utoipa::path(
    get, path = "/api/v1/meetings/{meeting_id}/participants", tag = "v1", operation_id = "v1ListParticipants",
    params(MeetingParam),
    responses((status = 200, description = "The sessions", body = V1Success<Vec<V1Participant>>), ListRefusals)
)]
pub(super) async fn participants(
    State(v1): State<V1>,
    Caller(actor): Caller,
    MeetingPath(id): MeetingPath,
) -> Reply {
    let meeting = v1.services.meetings.view(&actor, &id).await?;
    let seen = v1.services.participants.seen_by(&actor, &meeting).await;
    let data: Vec<V1Participant> = seen.iter().map(people::participant).collect();
    ok(&v1, "Participants retrieved successfully", data)
}

refusals!(
    StatusRefusals: NotMember, ParticipantNotFound, MeetingNotActive, Forbidden,
    FeatureOff(crate::domain::meeting::Feature::ScreenSharing),
);

/// Change a status
///
/// One's own; hosts may name another. All of one's own changes happen, or none.
#[utoipa::path(
    put, path = "/api/v1/meetings/{meeting_id}/participants/status", tag = "v1",
    operation_id = "v1UpdateParticipantStatus", params(MeetingParam), request_body = V1StatusBody,
    responses((status = 200, description = "As it is now", body = V1Success<V1ParticipantStatus>), StatusRefusals)
)]
pub(super) async fn update_status(
    State(v1): State<V1>,
    Caller(actor): Caller,
    MeetingPath(id): MeetingPath,
    Body(body): Body,
) -> Reply {
    let fields = Fields::of(&body)?;
    let wished = read_status(fields)?;
    let whom = fields.text_of(&["participant_user_id", "participantUserId"])?;
    let whom = whom.filter(|whom| !whom.trim().is_empty());
    let seen = v1.services.participants.set_status(&actor, &id, whom, wished).await?;
    ok(&v1, "Participant status updated successfully", people::status(&seen))
}

/// A status that changes, by REST or over a socket.
pub(in crate::dialect::v1) fn read_status(fields: Fields<'_>) -> Result<Wished, DomainError> {
    let media = MediaChange {
        audio: fields.flag("is_muted")?.map(|muted| !muted),
        video: fields.flag("is_video_enabled")?,
        screen: fields.flag("is_screen_sharing")?,
    };
    let hand = fields.flag("is_hand_raised")?;
    let admits = match fields.flag("is_in_waiting_room")? {
        Some(true) => {
            return Err(DomainError::invalid(
                "is_in_waiting_room",
                "nobody is sent back to the waiting room",
            ));
        }
        waits => waits == Some(false),
    };
    Ok(Wished { status: StatusChange { media, hand }, admits })
}
