//! The v1 dialect: REST under `/api/v1/meetings`, envelope `{status, message, data, timestamp}`, a raw WebSocket for each
//! meeting under `/ws/meetings`, and webhooks.

pub mod asked;
pub mod asyncapi;
pub mod error;
pub mod limits;
pub mod pulse;
pub mod rest;
pub mod socket;
mod socket_connection;
mod socket_line;
mod socket_outlet;
mod socket_requests;
mod socket_view;
mod told;
pub mod view;
pub mod webhook;
