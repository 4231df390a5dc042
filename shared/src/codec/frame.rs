//! Length-prefixed frames.

use super::{DecodeError, TooLarge};
use bytes::{Buf, BufMut, Bytes, BytesMut};
use prost::Message;

/// Bytes of the length in front of a message.
const PREFIX_LEN: usize = 4;

/// One message with its length in front.
pub(super) fn frame(message: &impl Message, len_max: usize) -> Result<Vec<u8>, TooLarge> {
    let len = message.encoded_len();
    let prefix = u32::try_from(len).ok().filter(|_| len <= len_max).ok_or(TooLarge { len, len_max })?;
    let mut frame = Vec::with_capacity(PREFIX_LEN + len);
    frame.put_u32(prefix);
    message.encode_raw(&mut frame);
    Ok(frame)
}

/// Cuts the bytes of one stream into messages. Holds at most one message and what was read beyond it.
#[derive(Debug)]
pub struct FrameReader {
    len_max: usize,
    received: BytesMut,
}

impl FrameReader {
    /// Messages longer than `len_max` bytes are refused before they are stored.
    pub fn new(len_max: usize) -> Self {
        Self { len_max, received: BytesMut::new() }
    }

    /// Takes bytes as they come. Ask [`FrameReader::next_message`] until it gives none before feeding more.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.received.extend_from_slice(bytes);
    }

    /// The next complete message, without its length.
    ///
    /// # Errors
    /// [`DecodeError::TooLarge`]: from then on the stream cannot be read.
    pub fn next_message(&mut self) -> Result<Option<Bytes>, DecodeError> {
        let Some(prefix) = self.received.first_chunk::<PREFIX_LEN>() else { return Ok(None) };
        let len = u32::from_be_bytes(*prefix) as usize;
        if len > self.len_max {
            return Err(DecodeError::TooLarge { len, len_max: self.len_max });
        }
        if self.received.len() < PREFIX_LEN + len {
            return Ok(None);
        }
        self.received.advance(PREFIX_LEN);
        Ok(Some(self.received.split_to(len).freeze()))
    }

    /// Whether the stream may end here: no part of a message is left.
    pub fn is_empty(&self) -> bool {
        self.received.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(payload: &[u8]) -> Vec<u8> {
        let mut bytes = (payload.len() as u32).to_be_bytes().to_vec();
        bytes.extend_from_slice(payload);
        bytes
    }

    #[test]
    fn messages_come_out_whole_however_the_bytes_arrive() {
        let stream = [framed(b"first"), framed(b""), framed(b"third")].concat();
        for chunk_len in 1..=stream.len() {
            let mut reader = FrameReader::new(16);
            let mut messages = Vec::new();
            for chunk in stream.chunks(chunk_len) {
                reader.feed(chunk);
                while let Some(message) = reader.next_message().unwrap() {
                    messages.push(message);
                }
            }
            assert_eq!(messages, [&b"first"[..], b"", b"third"], "in chunks of {chunk_len}");
            assert!(reader.is_empty());
        }
    }

    #[test]
    fn an_oversized_length_is_refused_before_the_bytes_are_there() {
        let mut reader = FrameReader::new(16);
        reader.feed(&17_u32.to_be_bytes());
        assert_eq!(reader.next_message(), Err(DecodeError::TooLarge { len: 17, len_max: 16 }));
    }

    #[test]
    fn half_a_message_is_no_place_to_end() {
        let mut reader = FrameReader::new(16);
        reader.feed(&framed(b"whole")[..6]);
        assert_eq!(reader.next_message(), Ok(None));
        assert!(!reader.is_empty());
    }
}
