//! The v1 dialect: REST under `/api/v1/meetings`, envelope `{status, message, data, timestamp}`, and webhooks.

pub mod error;
pub mod limits;
pub mod rest;
pub mod view;
pub mod webhook;
