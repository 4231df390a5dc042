//! Messages on QUIC streams: whole frames in and out, every read bounded by the codec.

use bytes::Bytes;
use plenum_shared::{
    codec::{self, DecodeError, FrameReader, TooLarge},
    command::{Hello, Request, Response, Welcome},
    event::{LoadReport, NumberedEvent},
};
use quinn::{Connection, RecvStream, SendStream};
use thiserror::Error;

/// Why a message could not be passed.
#[derive(Debug, Error)]
pub(super) enum WireError {
    #[error("{0}")]
    Connection(#[from] quinn::ConnectionError),
    #[error("{0}")]
    Read(#[from] quinn::ReadError),
    #[error("{0}")]
    Write(#[from] quinn::WriteError),
    #[error("{0}")]
    TooLarge(#[from] TooLarge),
    #[error("{0}")]
    Decode(#[from] DecodeError),
    #[error("the stream ended early")]
    Ended,
}

/// Messages of one stream, in order.
pub(super) struct Messages {
    stream: RecvStream,
    frames: FrameReader,
}

impl Messages {
    pub fn new(stream: RecvStream, message_len_max: usize) -> Self {
        Self { stream, frames: FrameReader::new(message_len_max) }
    }

    /// The next whole message; waits for it.
    async fn next(&mut self) -> Result<Bytes, WireError> {
        loop {
            if let Some(message) = self.frames.next_message()? {
                return Ok(message);
            }
            let chunk =
                self.stream.read_chunk(codec::MESSAGE_LEN_MAX, true).await?.ok_or(WireError::Ended)?;
            self.frames.feed(&chunk.bytes);
        }
    }

    /// The next event. Events of a newer version are passed over; their numbers are returned as they come.
    pub async fn next_event(&mut self) -> Result<Heard, WireError> {
        match codec::decode_event(&self.next().await?) {
            Ok(event) => Ok(Heard::Event(event)),
            Err(DecodeError::UnknownEvent { number }) => Ok(Heard::Unknown { number }),
            Err(error) => Err(error.into()),
        }
    }
}

/// One event as this version understands it.
pub(super) enum Heard {
    Event(NumberedEvent),
    /// Of a kind that a newer node has.
    Unknown {
        number: u64,
    },
}

/// One request and its response on a stream of their own.
pub(super) async fn exchange(connection: &Connection, request: &Request) -> Result<Response, WireError> {
    let frame = codec::encode_request(request)?;
    let (mut send, recv) = connection.open_bi().await?;
    send.write_all(&frame).await?;
    let _ = send.finish(); // fails only when the stream is closed already, and then the read says so
    let message = Messages::new(recv, codec::REPLY_LEN_MAX).next().await?;
    Ok(codec::decode_response(&message)?)
}

pub(super) async fn read_hello(stream: RecvStream) -> Result<Hello, WireError> {
    let message = Messages::new(stream, codec::MESSAGE_LEN_MAX).next().await?;
    Ok(codec::decode_hello(&message)?)
}

pub(super) async fn send_welcome(stream: &mut SendStream, welcome: &Welcome) -> Result<(), WireError> {
    stream.write_all(&codec::encode_welcome(welcome)?).await?;
    let _ = stream.finish(); // as above: a closed connection shows itself at the next read
    Ok(())
}

pub(super) fn decode_load(datagram: &[u8]) -> Result<LoadReport, DecodeError> {
    codec::decode_load_report(datagram)
}

/// The newest version both sides speak.
pub(super) fn common_version(hello: &Hello) -> Option<u32> {
    let version = hello.version.min(codec::PROTOCOL_VERSION);
    (version >= hello.version_min && version >= codec::PROTOCOL_VERSION_MIN).then_some(version)
}
