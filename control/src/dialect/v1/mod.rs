//! The v1 dialect.

pub mod webhook;
