//! What every payload carries, so that a subscriber can say of each packet whose it is, which one, and how old.

use uuid::Uuid;

/// Marks our payloads; anything else that arrives is foreign.
const MAGIC: [u8; 4] = *b"PLBT";

/// The last bytes of a payload. At the end, because an SFU may rewrite a codec's descriptor at the front.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The producer as the server named it.
    pub producer: Uuid,
    /// Encoding within the producer, 0 is the smallest.
    pub layer: u8,
    /// First packet of a keyframe: the only clean place to switch to this layer.
    pub starts_keyframe: bool,
    /// Packets of this layer before this one.
    pub counter: u64,
    /// The frame (or audio packet) of this layer, counted from 0.
    pub frame: u64,
    /// RTP timestamp as published.
    pub rtp_time: u32,
    /// Nanoseconds on the run's clock when it was handed to the network.
    pub sent_at_ns: u64,
}

impl Stamp {
    /// Bytes a stamp takes at the end of a payload.
    pub const LEN: usize = 16 + 1 + 1 + 8 + 8 + 4 + 8 + Self::AFTER_SENT_AT;
    /// Length of the pattern and mark.
    const AFTER_SENT_AT: usize = 2 + 4;

    /// Fills `payload` from `head` on with a pattern of the counter and ends it with the stamp.
    ///
    /// The bytes before `head` are left alone: they belong to the codec.
    pub fn write(&self, payload: &mut [u8], head: usize) {
        let body_end = payload.len() - Self::LEN;
        assert!(head <= body_end, "a payload has room for its codec header and the stamp");
        let body_len = body_end - head;
        payload[head..body_end]
            .copy_from_slice(pattern(self.counter, body_len).expect("a payload fits a datagram"));
        let body = u16::try_from(body_len).expect("payloads are smaller than a datagram");
        let mut tail = Vec::with_capacity(Self::LEN);
        tail.extend_from_slice(self.producer.as_bytes());
        tail.push(self.layer);
        tail.push(u8::from(self.starts_keyframe));
        tail.extend_from_slice(&self.counter.to_be_bytes());
        tail.extend_from_slice(&self.frame.to_be_bytes());
        tail.extend_from_slice(&self.rtp_time.to_be_bytes());
        tail.extend_from_slice(&self.sent_at_ns.to_be_bytes());
        tail.extend_from_slice(&body.to_be_bytes());
        tail.extend_from_slice(&MAGIC);
        payload[body_end..].copy_from_slice(&tail);
    }

    /// Says anew when the payload, which ends with a stamp, is handed to the network.
    pub fn set_sent_at(payload: &mut [u8], sent_at_ns: u64) {
        let at = payload.len() - Self::AFTER_SENT_AT - 8;
        payload[at..at + 8].copy_from_slice(&sent_at_ns.to_be_bytes());
    }

    /// Reads the stamp and checks the pattern before it. `None` when the payload is not one of ours, or was changed.
    pub fn read(payload: &[u8]) -> Option<Self> {
        let body_end = payload.len().checked_sub(Self::LEN)?;
        let (front, tail) = payload.split_at(body_end);
        let mut tail = Tail(tail);
        let stamp = Self {
            producer: Uuid::from_bytes(tail.take()?),
            layer: u8::from_be_bytes(tail.take()?),
            starts_keyframe: u8::from_be_bytes(tail.take()?) == 1,
            counter: u64::from_be_bytes(tail.take()?),
            frame: u64::from_be_bytes(tail.take()?),
            rtp_time: u32::from_be_bytes(tail.take()?),
            sent_at_ns: u64::from_be_bytes(tail.take()?),
        };
        let body = usize::from(u16::from_be_bytes(tail.take()?));
        if tail.take::<4>()? != MAGIC {
            return None;
        }
        let start = front.len().checked_sub(body)?;
        (pattern(stamp.counter, body) == Some(&front[start..])).then_some(stamp)
    }
}

/// Longer than any datagram we send.
const BODY_MAX: usize = 2048;

/// Every byte is one more than the one before it, from any first byte on.
static RAMP: [u8; 256 + BODY_MAX] = {
    let mut bytes = [0; 256 + BODY_MAX];
    let mut at = 0;
    while at < bytes.len() {
        bytes[at] = at as u8;
        at += 1;
    }
    bytes
};

/// Bytes that differ between neighbouring packets and neighbouring places; compared as a whole, because that is done for
/// every packet that arrives.
fn pattern(counter: u64, len: usize) -> Option<&'static [u8]> {
    let first = usize::from((counter as u8).wrapping_mul(31));
    (len <= BODY_MAX).then(|| &RAMP[first..first + len])
}

struct Tail<'a>(&'a [u8]);

impl Tail<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (first, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp() -> Stamp {
        Stamp {
            producer: Uuid::from_u128(7),
            layer: 2,
            starts_keyframe: true,
            counter: 70_000,
            frame: 9_000,
            rtp_time: 0xfedc_ba98,
            sent_at_ns: 123_456_789,
        }
    }

    #[test]
    fn a_stamp_is_read_back_behind_any_codec_header() {
        for head in [0, 1, 6, 40] {
            let mut payload = vec![0xaa; head + Stamp::LEN + 30];
            stamp().write(&mut payload, head);
            assert_eq!(Stamp::read(&payload), Some(stamp()));
            assert!(payload[..head].iter().all(|byte| *byte == 0xaa));
        }
    }

    #[test]
    fn the_time_of_sending_can_be_said_later() {
        let mut payload = vec![0; Stamp::LEN + 30];
        stamp().write(&mut payload, 0);
        Stamp::set_sent_at(&mut payload, 42);
        assert_eq!(Stamp::read(&payload), Some(Stamp { sent_at_ns: 42, ..stamp() }));
    }

    #[test]
    fn a_codec_header_that_grew_or_shrank_on_the_way_does_not_matter() {
        let mut payload = vec![0; 6 + Stamp::LEN + 30];
        stamp().write(&mut payload, 6);
        let mut longer = vec![1, 2];
        longer.extend_from_slice(&payload);
        assert_eq!(Stamp::read(&longer), Some(stamp()));
        assert_eq!(Stamp::read(&payload[3..]), Some(stamp()));
    }

    #[test]
    fn the_pattern_moves_with_the_packet_and_the_place() {
        assert_eq!(pattern(1, 3), Some(&[31, 32, 33][..]));
        assert_eq!(pattern(2, 3), Some(&[62, 63, 64][..]));
        assert_eq!(pattern(u64::MAX, 32), Some(&RAMP[225..257]));
        assert_eq!(pattern(u64::MAX, usize::from(u16::MAX)), None, "longer than any of ours");
    }

    #[test]
    fn a_changed_byte_a_cut_and_strange_bytes_are_not_ours() {
        let mut payload = vec![0; Stamp::LEN + 30];
        stamp().write(&mut payload, 0);
        payload[12] ^= 1;
        assert_eq!(Stamp::read(&payload), None);
        payload[12] ^= 1;
        assert_eq!(Stamp::read(&payload[..payload.len() - 1]), None);
        assert_eq!(Stamp::read(&payload[1..]), None);
        assert_eq!(Stamp::read(&[]), None);
        assert_eq!(Stamp::read(&[0xff; 200]), None);
    }
}
