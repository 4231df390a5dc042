//! Shared plumbing below every dialect: listeners, who calls, bodies, headers, health, the web client.

pub mod body;
pub mod headers;
pub mod health;
pub mod listen;
pub mod observe;
pub mod peer;
pub mod range;
pub mod refusal;
pub mod series;
pub mod token;
pub mod web;
