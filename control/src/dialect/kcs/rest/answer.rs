//! Answers in this dialect's envelope.

use axum::Json;
use axum::response::IntoResponse;
use http::StatusCode;
use serde::Serialize;

use crate::dialect::kcs::view::envelope::{Success, SuccessList, SuccessPart, True};
use crate::domain::page::Part;

pub(super) use crate::dialect::rest::answer::{Body, Caller, MeetingParam, MeetingPath, PageParams, Reply};

/// A success with data.
pub(super) fn ok(message: &'static str, data: impl Serialize) -> Reply {
    Ok(Json(Success { success: True, data, message }).into_response())
}

/// A success that made something.
pub(super) fn created(message: &'static str, data: impl Serialize) -> Reply {
    Ok((StatusCode::CREATED, Json(Success { success: True, data, message })).into_response())
}

/// A success with a list and its length. Empty lists are lists (ACC-05).
pub(super) fn list(message: &'static str, data: Vec<impl Serialize>) -> Reply {
    Ok(Json(SuccessList { success: True, count: data.len(), data, message }).into_response())
}

/// A success with a part of a list: `count` is how many there are here, `total` how many the whole list has.
pub(super) fn part(message: &'static str, part: Part<impl Serialize>) -> Reply {
    let Part { items: data, total } = part;
    Ok(Json(SuccessPart { success: True, count: data.len(), total, data, message }).into_response())
}
