//! Bytes ↔ types: framing, size bounds and the protocol version of the link between control and nodes.
//!
//! On a stream every message is a frame: its length as a big-endian `u32`, then that many bytes of a protobuf message.
//! The `encode_*` functions for streams return whole frames; [`FrameReader`] cuts received bytes into messages for the
//! `decode_*` functions. Load reports travel in datagrams, which have a length already, and carry no prefix.
//! `docs/control-link.md` has the conversation; the structs below `codec/` are the wire format, field numbers included.

mod data_details;
mod details;
mod event;
mod frame;
mod media;
mod reply;
mod request;
mod rtp;
mod session;
mod transport;

pub use frame::FrameReader;

use crate::{
    command::{Hello, Request, Response, Welcome},
    event::{LoadReport, NumberedEvent},
};
use prost::Message;
use thiserror::Error;

/// TLS application protocol of the link. The number changes only when the framing itself does.
pub const ALPN: &[u8] = b"plenum-link/1";

/// The name in control's certificate that nodes ask for.
pub const CONTROL_SERVER_NAME: &str = "plenum-control";

/// Newest version of the messages this build speaks.
pub const PROTOCOL_VERSION: u32 = 1;
/// Oldest version of the messages this build speaks.
pub const PROTOCOL_VERSION_MIN: u32 = 1;

/// Bytes of one message, except replies. The largest real one, a `consume` with a browser's capabilities, has about 8 KiB.
pub const MESSAGE_LEN_MAX: usize = 64 * 1024;

/// Bytes of a reply. Only an inventory comes near: an object in it takes at most 64 bytes, so this is room for a node
/// with 250 000 of them. A reply beyond it is answered as [`crate::command::RefusalReason::LimitReached`].
pub const REPLY_LEN_MAX: usize = 16 * 1024 * 1024;

/// Why received bytes are no message.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// The announced length is beyond the bound of the message; the rest of the stream cannot be read.
    #[error("a message of {len} bytes, {len_max} are allowed")]
    TooLarge { len: usize, len_max: usize },
    /// Not the format, or a field that is missing or out of its range.
    #[error("malformed: {0}")]
    Malformed(String),
    /// A request of a newer version: to be refused as unsupported. The epoch is kept for the check that comes first.
    #[error("a command this version does not know")]
    UnknownCommand { control_epoch: u64 },
    /// An event of a newer version: to be skipped, and its number counted.
    #[error("event {number} is of a kind this version does not know")]
    UnknownEvent { number: u64 },
    /// A reply or a welcome of a newer version.
    #[error("an answer this version does not know")]
    UnknownAnswer,
}

/// The message would be longer than the other side accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a message of {len} bytes, {len_max} are allowed")]
pub struct TooLarge {
    pub len: usize,
    pub len_max: usize,
}

/// # Errors
/// Parameters from a client can be too large together although each is within bounds.
pub fn encode_request(request: &Request) -> Result<Vec<u8>, TooLarge> {
    frame::frame(&request::Request::from(request), MESSAGE_LEN_MAX)
}

/// # Errors
/// [`DecodeError::UnknownCommand`] or [`DecodeError::Malformed`].
pub fn decode_request(message: &[u8]) -> Result<Request, DecodeError> {
    request::Request::decode(message)?.try_into()
}

/// # Errors
/// An inventory beyond [`REPLY_LEN_MAX`].
pub fn encode_response(response: &Response) -> Result<Vec<u8>, TooLarge> {
    frame::frame(&reply::Response::from(response), REPLY_LEN_MAX)
}

/// # Errors
/// [`DecodeError::UnknownAnswer`] or [`DecodeError::Malformed`].
pub fn decode_response(message: &[u8]) -> Result<Response, DecodeError> {
    reply::Response::decode(message)?.decoded()
}

/// # Errors
/// Texts beyond all reason.
pub fn encode_hello(hello: &Hello) -> Result<Vec<u8>, TooLarge> {
    frame::frame(&session::Hello::from(hello), MESSAGE_LEN_MAX)
}

/// # Errors
/// [`DecodeError::Malformed`].
pub fn decode_hello(message: &[u8]) -> Result<Hello, DecodeError> {
    session::Hello::decode(message)?.try_into()
}

/// # Errors
/// Texts beyond all reason.
pub fn encode_welcome(welcome: &Welcome) -> Result<Vec<u8>, TooLarge> {
    frame::frame(&session::Welcome::from(welcome), MESSAGE_LEN_MAX)
}

/// # Errors
/// [`DecodeError::UnknownAnswer`] or [`DecodeError::Malformed`].
pub fn decode_welcome(message: &[u8]) -> Result<Welcome, DecodeError> {
    session::Welcome::decode(message)?.try_into()
}

/// # Errors
/// Never for today's events; the bound is checked all the same.
pub fn encode_event(event: &NumberedEvent) -> Result<Vec<u8>, TooLarge> {
    frame::frame(&event::NumberedEvent::from(event), MESSAGE_LEN_MAX)
}

/// # Errors
/// [`DecodeError::UnknownEvent`] or [`DecodeError::Malformed`].
pub fn decode_event(message: &[u8]) -> Result<NumberedEvent, DecodeError> {
    event::NumberedEvent::decode(message)?.try_into()
}

/// The bytes of a datagram, without a length in front.
pub fn encode_load_report(report: &LoadReport) -> Vec<u8> {
    event::LoadReport::from(report).encode_to_vec()
}

/// # Errors
/// [`DecodeError::Malformed`].
pub fn decode_load_report(datagram: &[u8]) -> Result<LoadReport, DecodeError> {
    event::LoadReport::decode(datagram)?.try_into()
}

impl From<prost::DecodeError> for DecodeError {
    fn from(error: prost::DecodeError) -> Self {
        Self::Malformed(error.to_string())
    }
}

/// A field that is missing, or whose value this version cannot mean.
fn bad(field: &str) -> DecodeError {
    DecodeError::Malformed(field.to_owned())
}
