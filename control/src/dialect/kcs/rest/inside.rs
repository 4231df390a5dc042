//! Who may come in, who is there, what was said, where the media goes (KCS-09, KCS-10, KCS-15, KCS-19).

use axum::extract::{RawQuery, State};
use serde_json::{Value, json};

use super::Kcs;
use super::answer::{Body, Caller, MeetingPath, Reply, list, ok};
use crate::dialect::fields::Fields;
use crate::dialect::kcs::{preset, view};
use crate::domain::admission::{Admission, Door};
use crate::domain::chat::HISTORY_MAX;
use crate::domain::error::DomainError;
use crate::domain::meeting::{Meeting, MeetingStatus};

/// `POST /api/meeting/{id}/join` (KCS-09): says whether, and lets nobody in (C-17).
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
    ok(join_message(admission), join_data(meeting, admission))
}

fn join_message(admission: Admission) -> &'static str {
    match admission {
        Admission::NotStarted => "Meeting has not started yet",
        Admission::Wait => "Participant must wait for host approval",
        Admission::Enter | Admission::StartAndEnter => "Access granted",
    }
}

fn join_data(meeting: &Meeting, admission: Admission) -> Value {
    json!({
        "meeting": {
            "id": meeting.id,
            "name": meeting.settings.name,
            "status": meeting.status.as_str(),
            "features": meeting.settings.features,
        },
        // Whoever waits will be inside once admitted; only a meeting that has not begun says no.
        "canJoin": admission != Admission::NotStarted,
        "waitingRoomEnabled": meeting.settings.asks_admission(),
        "requiresPassword": meeting.settings.asks_password(),
    })
}

/// `GET /api/meeting/{id}/participants` (KCS-10).
pub(super) async fn participants(
    State(kcs): State<Kcs>,
    Caller(actor): Caller,
    MeetingPath(id): MeetingPath,
) -> Reply {
    let meeting = kcs.services.meetings.view(&actor, &id).await?;
    let inside = kcs.services.live.present(meeting.id).await;
    list("Participants retrieved successfully", view::roster(&meeting, &inside))
}

/// `GET /api/meeting/{id}/chat` (KCS-15).
pub(super) async fn chat(
    State(kcs): State<Kcs>,
    Caller(actor): Caller,
    MeetingPath(id): MeetingPath,
    RawQuery(query): RawQuery,
) -> Reply {
    let limit = read_limit(query.as_deref().unwrap_or_default())?;
    let messages = kcs.services.meetings.chat_history(&actor, &id, limit).await?;
    list("Chat history retrieved successfully", messages.iter().map(view::message).collect())
}

/// `limit`: larger numbers are clamped (C-52), nonsense is told.
fn read_limit(query: &str) -> Result<u32, DomainError> {
    let value =
        query.split('&').find_map(|pair| pair.strip_prefix("limit=")).filter(|value| !value.is_empty());
    let Some(value) = value else { return Ok(preset::CHAT_HISTORY) };
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    // Too long a number for u64 is still larger than the clamp.
    match value.parse::<u64>() {
        Ok(0) => {}
        Ok(number) => return Ok(u32::try_from(number).unwrap_or(HISTORY_MAX).min(HISTORY_MAX)),
        Err(_) if digits => return Ok(HISTORY_MAX),
        Err(_) => {}
    }
    Err(DomainError::invalid("limit", format!("must be a whole number between 1 and {HISTORY_MAX}")))
}

/// `GET /api/meeting/{id}/webrtc-config` (KCS-19): before the start and while live (C-67).
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
    let data = json!({
        "webrtc_config": view::webrtc_config(&connection),
        "meeting_features": meeting.settings.features,
        "max_participants": meeting.settings.max_participants,
    });
    ok("WebRTC configuration retrieved successfully", data)
}
