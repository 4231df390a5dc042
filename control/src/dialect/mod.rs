//! The edge: the outside world's words, one folder per dialect. A dialect reads its words into commands, says results
//! and events, translates refusals and provides numbers. It decides nothing about meetings.

pub mod expiry;
pub mod fields;
pub mod iso;
pub mod kcs;
pub mod v1;

use axum::response::Response;

use crate::http::refusal::Refusal;

/// The dialects that are spoken. The path of a request chooses one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    Kcs,
}

impl Dialect {
    /// The dialect whose envelope answers on this path, also for routes that do not exist (C-02). `None`: no dialect's.
    pub fn of_path(path: &str) -> Option<Self> {
        (path == "/api" || path.starts_with("/api/")).then_some(Self::Kcs)
    }

    /// A refusal in this dialect's envelope.
    pub fn refuse(self, refusal: &Refusal) -> Response {
        match self {
            Self::Kcs => kcs::error::response(refusal),
        }
    }
}
