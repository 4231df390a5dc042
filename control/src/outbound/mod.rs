//! The ways out of this process that nobody asked for over a connection: mail and webhooks.

pub mod mail;
pub mod webhook;
