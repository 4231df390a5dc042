//! Request bodies: bounded in size and in time, read as one JSON value.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use serde_json::{Map, Value};

use super::refusal::Refusal;
use crate::domain::error::DomainError;

/// Largest body of any request (C-02): a meeting with ten thousand invitations fits.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;
/// A body that takes longer than this to arrive is not arriving.
const BODY_WAIT: Duration = Duration::from_secs(20);

/// Reads a body; an empty one is an empty object, since many requests need none.
pub async fn json(body: Body) -> Result<Value, Refusal> {
    let bytes = tokio::time::timeout(BODY_WAIT, to_bytes(body, BODY_BYTES_MAX))
        .await
        .map_err(|_| malformed("not received in time"))?
        .map_err(|error| if is_too_large(&error) { Refusal::BodyTooLarge } else { malformed("cut off") })?;
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(Value::Object(Map::new()));
    }
    serde_json::from_slice(&bytes).map_err(|_| malformed("not valid JSON"))
}

fn malformed(reason: &str) -> Refusal {
    DomainError::Malformed(reason.into()).into()
}

/// The limit's error type belongs to a crate we do not name; its words are checked by a test.
fn is_too_large(error: &axum::Error) -> bool {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(current) = cause {
        if current.to_string().contains("length limit exceeded") {
            return true;
        }
        cause = current.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_over_the_bound_is_too_large_and_not_malformed() {
        let body = Body::from(vec![b' '; BODY_BYTES_MAX + 1]);
        assert_eq!(json(body).await, Err(Refusal::BodyTooLarge));
    }

    #[tokio::test]
    async fn nothing_is_an_empty_object_and_nonsense_is_malformed() {
        assert_eq!(json(Body::empty()).await, Ok(Value::Object(Map::new())));
        assert!(matches!(json(Body::from("{")).await, Err(Refusal::Domain(DomainError::Malformed(_)))));
        let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
        assert!(matches!(json(Body::from(deep)).await, Err(Refusal::Domain(DomainError::Malformed(_)))));
    }
}
