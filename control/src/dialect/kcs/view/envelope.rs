//! What every answer is wrapped in.

use serde::{Serialize, Serializer};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

pub use crate::dialect::iso::Timestamp;
pub use crate::dialect::nothing::Nothing;

/// A success with data.
#[derive(Debug, Serialize, ToSchema)]
pub struct Success<T> {
    #[schema(inline)]
    pub success: True,
    pub data: T,
    /// For people, in English.
    #[schema(example = "Done successfully")]
    pub message: &'static str,
}

/// A success with a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct SuccessList<T> {
    #[schema(inline)]
    pub success: True,
    /// How many are in `data`.
    #[schema(example = 1)]
    pub count: usize,
    pub data: Vec<T>,
    /// For people, in English.
    #[schema(example = "Retrieved successfully")]
    pub message: &'static str,
}

/// A success with a part of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct SuccessPart<T> {
    #[schema(inline)]
    pub success: True,
    /// How many are in `data`.
    #[schema(example = 1)]
    pub count: usize,
    /// How many there are in all.
    #[schema(example = 1)]
    pub total: u64,
    pub data: Vec<T>,
    /// For people, in English.
    #[schema(example = "Retrieved successfully")]
    pub message: &'static str,
}

/// A part of a list in the words of both envelopes (C-32).
#[derive(Debug, Serialize, ToSchema)]
pub struct BothEnvelopes<T> {
    #[serde(flatten)]
    pub part: SuccessPart<T>,
    /// `success`, or `error` when refused.
    #[schema(example = "success")]
    pub status: &'static str,
    pub timestamp: Timestamp,
}

/// A refusal.
#[derive(Debug, Serialize, ToSchema)]
pub struct Refused<'a> {
    #[schema(inline)]
    pub success: False,
    /// For people, in English; clients of old compare it.
    #[schema(example = "Access denied")]
    pub message: &'a str,
    /// For programs, where the status alone leaves something open.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "RATE_LIMIT_EXCEEDED")]
    pub code: Option<&'static str>,
}

/// A refusal in the words of both envelopes (C-32).
#[derive(Debug, Serialize, ToSchema)]
pub struct RefusedInBoth<'a> {
    #[serde(flatten)]
    pub refused: Refused<'a>,
    /// Always `error`.
    #[schema(example = "error")]
    pub status: &'static str,
    pub timestamp: Timestamp,
}

/// Always `true`.
#[derive(Debug, Clone, Copy)]
pub struct True;

/// Always `false`.
#[derive(Debug, Clone, Copy)]
pub struct False;

/// A field that says the same in every answer.
macro_rules! constant {
    ($name:ident, $value:literal) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_bool($value)
            }
        }

        impl ToSchema for $name {}

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new().schema_type(Type::Boolean).enum_values(Some([$value])).into()
            }
        }
    };
}

constant!(True, true);
constant!(False, false);
