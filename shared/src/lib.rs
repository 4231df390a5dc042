//! What crosses between the planes: the words control and SFU nodes use with each other.
//!
//! Start at [`command`] (what control asks of a node) and [`event`] (what a node tells control). [`details`] is what
//! there is to know of one session. [`rtp`] and
//! [`transport`] hold the media parameters a browser exchanges, in the JSON shape that `mediasoup-client` speaks,
//! because the same values travel from a browser through control to a node. [`codec`] turns messages into bytes.
//!
//! Compatibility: a node and a control process whose protocol versions differ by one understand each other. Fields
//! are numbered and never reused, unknown fields are skipped, unknown commands are refused as
//! [`command::RefusalReason::Unsupported`]; the bytes of every message are pinned in `tests/golden/`.

pub mod codec;
pub mod command;
pub mod details;
pub mod event;
pub mod id;
pub mod media;
mod router_capabilities;
pub mod rtp;
pub mod transport;
