//! Answers in this dialect's envelope.

use axum::Json;
use axum::response::IntoResponse;
use http::StatusCode;
use serde::Serialize;
use serde_json::Map;

use super::V1;
use crate::dialect::iso::Timestamp;
use crate::dialect::v1::view::envelope::{SuccessWord, V1Success, V1Waiting};

pub(super) use crate::dialect::rest::answer::{Body, Caller, MeetingParam, MeetingPath, Reply};

/// What is said to somebody who waits, and its code (C-26).
pub const WAITS: (&str, &str) = ("Participant must wait for host approval", "WAITING_ROOM_REQUIRED");

/// A success with data.
pub(super) fn ok(v1: &V1, message: &'static str, data: impl Serialize) -> Reply {
    let timestamp = Timestamp(v1.services.clock.now());
    Ok(Json(V1Success { status: SuccessWord::Success, message, data, timestamp }).into_response())
}

/// Not inside yet.
pub(super) fn waits(v1: &V1, data: impl Serialize) -> Reply {
    let ((message, code), status) = (WAITS, SuccessWord::Success);
    let timestamp = Timestamp(v1.services.clock.now());
    let answer = V1Waiting { status, message, code, data, details: Map::new(), timestamp };
    Ok((StatusCode::ACCEPTED, Json(answer)).into_response())
}
