//! The media plane: everything between a UDP datagram of one peer and the datagrams of its subscribers.
//!
//! Threads and who owns what:
//!
//! - `worker-n`, one per core ([`worker`]): a UDP port, an [`engine`] with the rooms placed there, and nothing shared
//!   but rings and queues to the other workers.
//! - `link` ([`link`]): the QUIC connection to control. Commands go from it into the workers' bounded inboxes, events
//!   come back through one numbered outbox.
//! - the main thread: signals, and the small HTTP server of [`telemetry`].
//!
//! A packet is read by `worker/socket.rs`, opened, routed and sealed by the engine, and sent by `worker/socket.rs`, on one thread.
//! For viewers of a room that is on several workers it crosses to each of them once, in plain, by a ring (`worker/ring.rs`).

pub mod config;
pub mod engine;
pub mod link;
pub mod telemetry;
pub mod worker;
