//! Who may come in, who is there, what was said, where the media goes (KCS-09, KCS-10, KCS-15, KCS-19).

use axum::extract::{RawQuery, State};

use super::Kcs;
use super::answer::{Body, Caller, MeetingParam, MeetingPath, PageParams, Reply, list, ok, part};
use super::bodies::JoinBody;
use super::describe::refusals;
use crate::dialect::fields::Fields;
use crate::dialect::kcs::view::chat::MessageView;
use crate::dialect::kcs::view::envelope::{Success, SuccessList, SuccessPart};
use crate::dialect::kcs::view::media::WebrtcView;
use crate::dialect::kcs::view::meeting::JoinCheckView;
use crate::dialect::kcs::view::people::RosterRowView;
use crate::dialect::kcs::{preset, view};
use crate::dialect::rest::query::Query;
use crate::domain::admission::{Admission, Door};
use crate::domain::chat::HISTORY_MAX;
use crate::domain::error::DomainError;
use crate::domain::meeting::{MeetingStatus, PARTICIPANTS_MAX};

refusals!(
    JoinRefusals: NotInvited, KeptOut, MeetingEnded, MeetingCancelled, MeetingNotActive, MeetingLocked,
    MeetingPasswordMissing, MeetingPasswordWrong, MeetingFull,
);

/// Ask whether one may come in
///
/// Lets nobody in: that is what `join-meeting` on the socket does.
#[utoipa::path(
    post, path = "/api/meeting/{meeting_id}/join", tag = "meetings", operation_id = "checkJoin", params(MeetingParam),
    request_body(content = Option<JoinBody>),
    responses((status = 200, description = "One may, now or soon", body = Success<JoinCheckView>), JoinRefusals)
)]
pub(super) async fn join(
    State(kcs): State<Kcs>,
    Caller(actor): Caller,
    MeetingPath(id): MeetingPath,
    Body(body): Body,
) -> Reply {
    let fields = Fields::of(&body)?;
    let password = fields.text_of(&["meeting_password", "password"])?;
    let admissions = &kcs.services.admissions;
    let attempt = admissions.attempt(&actor, &id, password, Door::Check).await?;
    let meeting = &attempt.meeting;
    let occupancy = kcs.services.live.occupancy(meeting.id, actor.user_id()).await;
    let decision = attempt.decide(&actor, meeting, occupancy);
    admissions.note(&actor, Some(meeting), decision.as_ref().err()).await;
    let admission = decision?;
    // Whoever waits will be inside once admitted; only a meeting that has not begun says no.
    let can_join = admission != Admission::NotStarted;
    ok(join_message(admission), view::join_check(meeting, can_join))
}

fn join_message(admission: Admission) -> &'static str {
    match admission {
        Admission::NotStarted => "Meeting has not started yet",
        Admission::Wait => "Participant must wait for host approval",
        Admission::Enter | Admission::StartAndEnter => "Access granted",
    }
}

refusals!(
    RosterRefusals: NotMember, FieldInvalid { field: "limit", reason: "<reason>".into() },
);

/// The roster of a meeting
///
/// Everybody invited or ever inside, one row a person.
#[utoipa::path(
    get, path = "/api/meeting/{meeting_id}/participants", tag = "participants", operation_id = "listParticipants",
    params(MeetingParam, PageParams),
    responses((status = 200, description = "The roster", body = SuccessPart<RosterRowView>), RosterRefusals)
)]
pub(super) async fn participants(
    State(kcs): State<Kcs>,
    Caller(actor): Caller,
    MeetingPath(id): MeetingPath,
    RawQuery(query): RawQuery,
) -> Reply {
    let wanted = Query::of(query.as_deref()).page(u32::MAX, PARTICIPANTS_MAX)?;
    let meeting = kcs.services.meetings.view(&actor, &id).await?;
    let inside = kcs.services.live.present(meeting.id).await;
    part("Participants retrieved successfully", wanted.of(view::roster(&meeting, &inside)))
}

refusals!(ChatRefusals: NotMember, FieldInvalid { field: "limit", reason: "<reason>".into() });

/// What was said in a meeting
///
/// Oldest first; private messages only to those they are between.
#[utoipa::path(
    get, path = "/api/meeting/{meeting_id}/chat", tag = "meetings", operation_id = "listMeetingMessages",
    params(
        MeetingParam,
        ("limit" = Option<u32>, Query, minimum = 1, description = "The newest so many; more than 500 are clamped."),
        ("offset" = Option<u32>, Query, minimum = 0, description = "How many of the newest to leave out.")
    ),
    responses((status = 200, description = "The messages", body = SuccessList<MessageView>), ChatRefusals)
)]
pub(super) async fn chat(
    State(kcs): State<Kcs>,
    Caller(actor): Caller,
    MeetingPath(id): MeetingPath,
    RawQuery(query): RawQuery,
) -> Reply {
    let wanted = Query::of(query.as_deref()).page(preset::CHAT_HISTORY, HISTORY_MAX)?;
    let messages = kcs.services.meetings.chat_history(&actor, &id, wanted).await?;
    list("Chat history retrieved successfully", messages.iter().map(view::message).collect())
}

refusals!(WebrtcRefusals: NotMember, MeetingEnded);

/// The way to the media plane
///
/// Before the start and while live.
#[utoipa::path(
    get, path = "/api/meeting/{meeting_id}/webrtc-config", tag = "meetings", operation_id = "getWebrtcConfig",
    params(MeetingParam),
    responses((status = 200, description = "The way", body = Success<WebrtcView>), WebrtcRefusals)
)]
pub(super) async fn webrtc_config(
    State(kcs): State<Kcs>,
    Caller(actor): Caller,
    MeetingPath(id): MeetingPath,
) -> Reply {
    let meeting = kcs.services.meetings.view(&actor, &id).await?;
    if meeting.status == MeetingStatus::Ended {
        return Err(DomainError::MeetingEnded.into());
    }
    let connection = kcs.services.live.connection(&meeting);
    let data = WebrtcView {
        webrtc_config: view::webrtc_config(&connection),
        meeting_features: meeting.settings.features.into(),
        max_participants: meeting.settings.max_participants,
    };
    ok("WebRTC configuration retrieved successfully", data)
}
