//! What simulated pictures and sounds look like on the wire: a VP8 descriptor and header that a forwarder can read, and a
//! stamp at the end that tells the far side what it got, and since when it was on its way.

use std::time::{Duration, Instant};

const DESCRIPTOR_LEN: usize = 6;
const FRAME_HEADER_LEN: usize = 10;
const STAMP_LEN: usize = 12;
/// Less would not hold the headers.
pub const PAYLOAD_MIN: usize = DESCRIPTOR_LEN + FRAME_HEADER_LEN + STAMP_LEN;

/// One packet of a picture.
#[derive(Debug, Clone, Copy)]
pub struct Part {
    pub picture_id: u16,
    pub tl0_picture_index: u8,
    pub is_keyframe: bool,
    pub is_first: bool,
    pub width: u16,
}

impl Part {
    /// RFC 7741: descriptor with a 15-bit picture id, TL0PICIDX and TID; then RFC 6386's frame header.
    pub fn write(&self, stamp: Stamp, len: usize) -> Vec<u8> {
        let mut payload = vec![if self.is_first { 0x90 } else { 0x80 }, 0xE0];
        payload.extend((0x8000 | self.picture_id).to_be_bytes());
        payload.extend([self.tl0_picture_index, 0]);
        if self.is_first {
            payload.extend([if self.is_keyframe { 0x10 } else { 0x11 }, 0, 0]);
            if self.is_keyframe {
                payload.extend([0x9D, 0x01, 0x2A]);
                payload.extend(self.width.to_le_bytes());
                payload.extend((self.width / 16 * 9).to_le_bytes());
            }
        }
        payload.resize(len.max(PAYLOAD_MIN) - STAMP_LEN, 0xAB);
        stamp.write(&mut payload);
        payload
    }

    /// Whether a received payload begins a frame, and whether that is a keyframe.
    pub fn read(payload: &[u8]) -> (bool, bool) {
        let is_first = payload[0] & 0x10 != 0;
        (is_first, is_first && payload[DESCRIPTOR_LEN] & 1 == 0)
    }
}

/// The last bytes of every payload.
#[derive(Debug, Clone, Copy)]
pub struct Stamp {
    pub layer: u8,
    /// Since the start of the run.
    pub captured: Duration,
}

impl Stamp {
    pub fn write(&self, payload: &mut Vec<u8>) {
        payload.extend([0, 0, 0, self.layer]);
        payload.extend((self.captured.as_micros() as u64).to_be_bytes());
    }

    pub fn read(payload: &[u8]) -> Stamp {
        let stamp = payload.last_chunk::<STAMP_LEN>().expect("a payload of ours");
        let (layer, captured) = stamp.split_at(4);
        let captured = u64::from_be_bytes(captured.try_into().expect("eight bytes"));
        Stamp { layer: layer[3], captured: Duration::from_micros(captured) }
    }
}

/// The RTP timestamp of a moment.
pub fn rtp_time(start: Instant, now: Instant, clock_rate: u64) -> u32 {
    (now.duration_since(start).as_micros() as u64 * clock_rate / 1_000_000) as u32
}

/// Sequence numbers or timestamps with wraps counted, upwards of a large number so that older ones are no trouble.
#[derive(Debug, Default)]
pub struct Unwrap {
    last: Option<u64>,
}

impl Unwrap {
    pub fn sequence_number(&mut self, number: u16) -> u64 {
        let last = self.last.unwrap_or((1 << 32) | u64::from(number));
        let ahead = number.wrapping_sub(last as u16) as i16;
        self.keep(last.wrapping_add_signed(i64::from(ahead)))
    }

    pub fn timestamp(&mut self, timestamp: u32) -> u64 {
        let last = self.last.unwrap_or((1 << 48) | u64::from(timestamp));
        let ahead = timestamp.wrapping_sub(last as u32) as i32;
        self.keep(last.wrapping_add_signed(i64::from(ahead)))
    }

    fn keep(&mut self, value: u64) -> u64 {
        self.last = Some(self.last.map_or(value, |last| last.max(value)));
        value
    }
}
