//! Answers in this dialect's envelope, and what handlers take from a request.

use axum::Json;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::request::Parts;
use serde_json::{Value, json};

use crate::dialect::kcs::error;
use crate::domain::actor::Actor;
use crate::domain::error::DomainError;
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
pub(super) fn ok(message: &str, data: Value) -> Reply {
    Ok(Json(json!({ "success": true, "data": data, "message": message })).into_response())
}

/// A success that made something.
pub(super) fn created(message: &str, data: Value) -> Reply {
    let body = json!({ "success": true, "data": data, "message": message });
    Ok((StatusCode::CREATED, Json(body)).into_response())
}

/// A success with a list and its length. Empty lists are lists (ACC-05).
pub(super) fn list(message: &str, data: Vec<Value>) -> Reply {
    let body = json!({ "success": true, "count": data.len(), "data": data, "message": message });
    Ok(Json(body).into_response())
}

/// Who calls; the guard has put it into the request.
pub(super) struct Caller(pub(super) Actor);

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = KcsRefusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, KcsRefusal> {
        parts.extensions.get().cloned().map(Self).ok_or_else(|| DomainError::CredentialMissing.into())
    }
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
