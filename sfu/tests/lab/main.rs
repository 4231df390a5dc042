//! The network laboratory: the real engine between simulated people on simulated links, on a virtual clock. Each scenario
//! is told once, asserted on, and drawn in `target/lab/index.html`; see `docs/lab.md`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops where it stands")]

#[path = "../engine/binding_request.rs"]
mod binding_request;
mod client;
mod feedback;
mod figures;
mod film;
mod link;
mod meeting;
mod picture;
mod publisher;
mod random;
mod real;
mod record;
mod replay;
mod report;
mod scenario;
mod scenarios;
#[path = "../engine/sctp_client.rs"]
mod sctp_client;
#[path = "../engine/secured.rs"]
mod secured;
mod sound;
mod transfer;
mod viewer;
mod world;
