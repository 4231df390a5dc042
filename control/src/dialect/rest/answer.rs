//! What handlers take from a request, and what they return.

use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::response::Response;
use http::request::Parts;
use serde_json::Value;

use crate::domain::actor::Actor;
use crate::domain::error::DomainError;
use crate::http::body;
use crate::http::refusal::Refusal;

/// What every handler returns; a refusal gets its words on the way out ([`crate::dialect::worded`]).
pub type Reply = Result<Response, Refusal>;

/// How the description names the parts of a list.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageParams {
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
pub struct Caller(pub Actor);

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        parts.extensions.get().cloned().map(Self).ok_or_else(|| DomainError::CredentialMissing.into())
    }
}

/// How the description names the meeting of a path.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Path)]
pub struct MeetingParam {
    /// The id of a meeting, bare or with `mtg_` or `call_` before it, letter case ignored.
    #[param(example = "01JDAVNTZ6MG8F0Q5W0R7YH3KC")]
    #[expect(dead_code, reason = "describes; MeetingPath reads")]
    meeting_id: String,
}

/// The meeting id of the path as the client spelled it.
pub struct MeetingPath(pub String);

impl<S: Sync + Send> FromRequestParts<S> for MeetingPath {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        // What cannot be decoded is an id of another shape, and thus of no meeting (C-03).
        let path = Path::<String>::from_request_parts(parts, state).await;
        path.map(|Path(id)| Self(id)).map_err(|_| DomainError::MeetingNotFound.into())
    }
}

/// The body as JSON.
pub struct Body(pub Value);

impl<S: Sync> FromRequest<S> for Body {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &S) -> Result<Self, Refusal> {
        body::json(request.into_body()).await.map(Self)
    }
}
