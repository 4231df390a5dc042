//! The control plane: knows people and meetings, decides, and never touches a packet.
//!
//! Reading order: [`domain`] holds the rules, pure; [`service`] gathers facts, asks the domain, stores and publishes;
//! [`dialect`] translates the outside world's words at the edge; [`app`] builds every component once and runs them.

pub mod app;
pub mod config;
pub mod dialect;
pub mod domain;
pub mod fleet;
pub mod http;
pub mod hub;
pub mod jobs;
pub mod live;
pub mod outbound;
pub mod service;
pub mod socketio;
pub mod store;
pub mod supervisor;
pub mod telemetry;
pub mod websocket;
