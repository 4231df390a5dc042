//! The media plane: everything between a UDP datagram of one peer and the datagrams of its subscribers.
//!
//! Threads and who owns what:
//!
//! - `worker-n`, one per core ([`worker`]): a UDP port, an [`engine`] with the rooms placed there, and nothing shared.
//! - `link` ([`link`]): the QUIC connection to control. Commands go from it into the workers' bounded inboxes, events
//!   come back through one numbered outbox.
//! - the main thread: signals, and the small HTTP server of [`telemetry`].
//!
//! A packet never leaves its worker's thread: `worker/socket.rs` reads it, the engine opens, routes and seals it, and
//! `worker/socket.rs` sends it.

pub mod config;
pub mod engine;
pub mod link;
pub mod telemetry;
pub mod worker;
