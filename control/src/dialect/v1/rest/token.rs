//! Passes to LiveKit servers (V1-12).

use axum::extract::State;

use super::V1;
use super::answer::{Body, Caller, MeetingParam, MeetingPath, Reply, ok};
use super::bodies::V1TokenBody;
use super::describe::refusals;
use crate::dialect::fields::Fields;
use crate::dialect::v1::view::envelope::V1Success;
use crate::dialect::v1::view::token::{self, V1Token};
use crate::service::livekit::Wanted;

refusals!(
    TokenRefusals: NotInvited, KeptOut, Forbidden, ParticipantNotFound, MeetingNotActive, MeetingEnded,
    MeetingCancelled, MeetingLocked, MeetingPasswordMissing, MeetingPasswordWrong, MeetingFull, LivekitTokenFailed,
);

/// Make a LiveKit token
///
/// For oneself, if one is inside or could enter now; hosts may make one for anybody on the roster. It carries the rights
/// that its holder has in the meeting.
#[utoipa::path(
    post, path = "/api/v1/meetings/{meeting_id}/token", tag = "v1", operation_id = "v1CreateLivekitToken",
    params(MeetingParam), request_body = V1TokenBody,
    responses((status = 200, description = "The token", body = V1Success<V1Token>), TokenRefusals)
)]
pub(super) async fn create(
    State(v1): State<V1>,
    Caller(actor): Caller,
    MeetingPath(meeting): MeetingPath,
    Body(body): Body,
) -> Reply {
    let fields = Fields::of(&body)?;
    let wanted = Wanted {
        meeting,
        user: fields.required_text("user_id")?.to_owned(),
        name: fields.required_text("user_name")?.to_owned(),
        password: fields.text("meeting_password")?.map(str::to_owned),
    };
    let pass = v1.services.livekit.issue(&actor, wanted).await?;
    ok(&v1, "LiveKit token generated successfully", token::token(pass))
}
