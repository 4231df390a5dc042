//! Starting and ending meetings, and how they stand (V1-01 to V1-03).

use axum::extract::State;

use super::V1;
use super::answer::{Caller, MeetingParam, MeetingPath, Reply, ok};
use super::describe::refusals;
use crate::dialect::v1::view::envelope::V1Success;
use crate::dialect::v1::view::meeting::{self, V1Ended, V1MeetingStatus, V1Started};
use crate::domain::actor::Actor;
use crate::domain::error::DomainError;
use crate::domain::id::UserId;
use crate::domain::meeting::Start;

refusals!(StartRefusals: OnlyHostsStart, MeetingAlreadyLive, MeetingEnded, MeetingUnstartable);

/// Start a meeting
///
/// Hosts only. One that is in progress is refused.
#[utoipa::path(
    post, path = "/api/v1/meetings/{meeting_id}/start", tag = "v1", operation_id = "v1StartMeeting",
    params(MeetingParam),
    responses((status = 200, description = "In progress", body = V1Success<V1Started>), StartRefusals)
)]
pub(super) async fn start(
    State(v1): State<V1>,
    Caller(actor): Caller,
    MeetingPath(id): MeetingPath,
) -> Reply {
    let by = account(&actor)?;
    match v1.services.meetings.start(&actor, &id).await? {
        (meeting, Start::Started) => ok(&v1, "Meeting started successfully", meeting::started(&meeting, by)),
        (_, Start::AlreadyLive) => Err(DomainError::MeetingAlreadyLive.into()),
    }
}

refusals!(EndRefusals: OnlyHostsEnd, MeetingNotActive, MeetingEnded, MeetingCancelled);

/// End a meeting
///
/// Hosts only, and for good: everybody inside is out at once.
#[utoipa::path(
    post, path = "/api/v1/meetings/{meeting_id}/end", tag = "v1", operation_id = "v1EndMeeting",
    params(MeetingParam),
    responses((status = 200, description = "Ended", body = V1Success<V1Ended>), EndRefusals)
)]
pub(super) async fn end(State(v1): State<V1>, Caller(actor): Caller, MeetingPath(id): MeetingPath) -> Reply {
    let by = account(&actor)?;
    let (meeting, stats) = v1.services.meetings.end(&actor, &id).await?;
    ok(&v1, "Meeting ended successfully", meeting::ended(&meeting, by, &stats))
}

refusals!(StatusRefusals: NotMember);

/// How a meeting stands
#[utoipa::path(
    get, path = "/api/v1/meetings/{meeting_id}/status", tag = "v1", operation_id = "v1GetMeetingStatus",
    params(MeetingParam),
    responses((status = 200, description = "How it stands", body = V1Success<V1MeetingStatus>), StatusRefusals)
)]
pub(super) async fn status(
    State(v1): State<V1>,
    Caller(actor): Caller,
    MeetingPath(id): MeetingPath,
) -> Reply {
    let meeting = v1.services.meetings.view(&actor, &id).await?;
    let now = v1.services.live.stats(meeting.id).await;
    ok(&v1, "Meeting status retrieved successfully", meeting::status(&meeting, &now))
}

/// The account behind a token; tokens stand for nothing else.
fn account(actor: &Actor) -> Result<UserId, DomainError> {
    actor.user_id().ok_or(DomainError::AccountUnknown)
}
