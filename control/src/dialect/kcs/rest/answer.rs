//! Answers in this dialect's envelope, and what handlers take from a request.

use axum::Json;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::request::Parts;
use serde::Serialize;
use serde_json::Value;

use crate::dialect::kcs::error;
use crate::dialect::kcs::view::envelope::{Success, SuccessList, SuccessPart, True};
use crate::domain::actor::Actor;
use crate::domain::error::DomainError;
use crate::domain::page::Part;
use crate::http::body;
use crate::http::refusal::Refusal;

/// What every handler returns.
pub(super) type Reply = Result<Response, KcsRefusal>;

/// A refusal on its way into the envelope.
#[derive(Debug)]
pub(super) struct KcsRefusal(Refusal);

impl From<DomainError> for KcsRefusal {
    fn from(reason: DomainError) -> Self {
        Self(reason.into())
    }
}

impl IntoResponse for KcsRefusal {
    fn into_response(self) -> Response {
        error::response(&self.0)
    }
}

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

/// How the description names the parts of a list.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct PageParams {
    /// At most so many. Without it all of them.
    #[param(minimum = 1)]
    #[expect(dead_code, reason = "describes; Query reads")]
    limit: Option<u32>,
    /// After leaving out so many.
    #[param(minimum = 0)]
    #[expect(dead_code, reason = "describes; Query reads")]
    offset: Option<u32>,
}

/// Who calls; the guard has put it into the request.
pub(super) struct Caller(pub(super) Actor);

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = KcsRefusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, KcsRefusal> {
        parts.extensions.get().cloned().map(Self).ok_or_else(|| DomainError::CredentialMissing.into())
    }
}

/// How the description names the meeting of a path.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct MeetingParam {
    /// The id of a meeting, bare or with `mtg_` or `call_` before it, letter case ignored.
    #[param(example = "01JDAVNTZ6MG8F0Q5W0R7YH3KC")]
    #[expect(dead_code, reason = "describes; MeetingPath reads")]
    meeting_id: String,
}

/// The meeting id of the path as the client spelled it.
pub(super) struct MeetingPath(pub(super) String);

impl<S: Sync + Send> FromRequestParts<S> for MeetingPath {
    type Rejection = KcsRefusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, KcsRefusal> {
        // What cannot be decoded is an id of another shape, and thus of no meeting (C-03).
        let path = Path::<String>::from_request_parts(parts, state).await;
        path.map(|Path(id)| Self(id)).map_err(|_| DomainError::MeetingNotFound.into())
    }
}

/// The body as JSON.
pub(super) struct Body(pub(super) Value);

impl<S: Sync> FromRequest<S> for Body {
    type Rejection = KcsRefusal;

    async fn from_request(request: Request, _: &S) -> Result<Self, KcsRefusal> {
        body::json(request.into_body()).await.map(Self).map_err(KcsRefusal)
    }
}
