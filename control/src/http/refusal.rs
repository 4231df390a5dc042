//! Why a request is refused, before a dialect has put words to it.

use axum::response::{IntoResponse, Response};
use http::StatusCode;

use crate::domain::error::DomainError;

/// A refusal of the domain's, or one that HTTP knows and the domain does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    Domain(DomainError),
    UnknownRoute,
    WrongMethod,
    BodyTooLarge,
}

impl From<DomainError> for Refusal {
    fn from(reason: DomainError) -> Self {
        Self::Domain(reason)
    }
}

impl IntoResponse for Refusal {
    /// Carries the refusal to [`crate::dialect::worded`], where the path of the request chooses the words. Nobody sees
    /// the status given here.
    fn into_response(self) -> Response {
        let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
        response.extensions_mut().insert(self);
        response
    }
}
