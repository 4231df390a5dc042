//! What every answer is wrapped in.

use serde::Serialize;
use serde_json::{Map, Value};
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::dialect::iso::Timestamp;
use crate::dialect::v1::error::Words;

/// A success with data.
#[derive(Debug, Serialize, ToSchema)]
pub struct V1Success<T> {
    #[schema(inline)]
    pub status: SuccessWord,
    /// For people, in English.
    #[schema(example = "Done successfully")]
    pub message: &'static str,
    pub data: T,
    /// When this was said.
    pub timestamp: Timestamp,
}

/// Not inside yet: a success that carries a code for clients that look for one (C-26).
#[derive(Debug, Serialize, ToSchema)]
pub struct V1Waiting<T> {
    #[schema(inline)]
    pub status: SuccessWord,
    /// For people, in English.
    #[schema(example = "Participant must wait for host approval")]
    pub message: &'static str,
    /// For programs.
    #[schema(example = "WAITING_ROOM_REQUIRED")]
    pub code: &'static str,
    pub data: T,
    /// Always empty.
    #[schema(value_type = Object)]
    pub details: Map<String, Value>,
    /// When this was said.
    pub timestamp: Timestamp,
}

/// A refusal.
#[derive(Debug, Serialize, ToSchema)]
pub struct V1Refused<'a> {
    #[schema(inline)]
    pub status: ErrorWord,
    /// For people, in English.
    #[schema(example = "User lacks required permissions")]
    pub message: &'a str,
    /// For programs; it stays the same.
    #[schema(example = "INSUFFICIENT_PERMISSION")]
    pub code: &'static str,
    /// What there is to know beside the code: of a field that makes no sense its name and what is wrong about it.
    #[schema(value_type = Object, example = json!({}))]
    pub details: &'a Map<String, Value>,
    /// When this was said.
    pub timestamp: Timestamp,
}

/// The status of what succeeded.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SuccessWord {
    Success,
}

/// The status of what was refused.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErrorWord {
    Error,
}

impl<'a> V1Refused<'a> {
    /// Words in their envelope, said now.
    pub fn new(words: &'a Words, now: OffsetDateTime) -> Self {
        Self {
            status: ErrorWord::Error,
            message: &words.message,
            code: words.code,
            details: &words.details,
            timestamp: Timestamp(now),
        }
    }
}
