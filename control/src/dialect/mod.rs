//! The edge: the outside world's words, one folder per dialect. A dialect reads its words into commands, says results
//! and events, translates refusals and provides numbers. It decides nothing about meetings.

pub mod asyncapi;
pub mod expiry;
pub mod fields;
pub mod iso;
pub mod kcs;
pub mod nothing;
pub mod rest;
pub mod v1;
pub mod words;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header;
use time::OffsetDateTime;

use crate::http::refusal::Refusal;
use crate::service::clock::Clock;

/// The dialects that are spoken. The path of a request chooses one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    Kcs,
    V1,
}

impl Dialect {
    /// The dialect whose envelope answers on this path, also for routes that do not exist (C-02). `None`: no dialect's.
    pub fn of_path(path: &str) -> Option<Self> {
        let is_below = |prefix: &str| {
            path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        if is_below("/api/v1") || is_below("/ws/meetings") {
            Some(Self::V1)
        } else {
            is_below("/api").then_some(Self::Kcs)
        }
    }

    /// A refusal in this dialect's envelope, said now.
    pub fn refuse(self, refusal: &Refusal, now: OffsetDateTime) -> Response {
        match self {
            Self::Kcs => kcs::error::response(refusal),
            Self::V1 => v1::error::response(refusal, now),
        }
    }

    /// An answer in this dialect's words: a refusal that was carried so far gets its envelope and keeps its headers,
    /// anything else is said already.
    pub fn word(self, mut response: Response, now: OffsetDateTime) -> Response {
        let Some(refusal) = response.extensions_mut().remove::<Refusal>() else { return response };
        let mut worded = self.refuse(&refusal, now);
        let headers = std::mem::take(response.headers_mut());
        let kept = headers.iter().filter(|(name, _)| **name != header::CONTENT_LENGTH);
        for (name, value) in kept {
            worded.headers_mut().append(name, value.clone());
        }
        worded
    }
}

/// The middleware that puts refusals into the words of the path they were asked on.
pub async fn worded(State(clock): State<Clock>, request: Request, next: Next) -> Response {
    let dialect = Dialect::of_path(request.uri().path()).unwrap_or(Dialect::Kcs);
    dialect.word(next.run(request).await, clock.now())
}
