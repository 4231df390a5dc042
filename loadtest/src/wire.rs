//! Duplicates on the wire: str0m drops a packet it has seen before we could count it, so its header is read first.

use std::collections::HashMap;

/// Sequence numbers remembered per SSRC; a duplicate that comes later than this is another fault (reordering).
const WINDOW: u16 = 1024;
const WORDS: usize = WINDOW as usize / 64;

/// SSRCs watched; more than a bot in the largest meeting receives, with their RTX.
const STREAMS_MAX: usize = 8192;

/// Watches the RTP packets of one transport.
#[derive(Debug, Default)]
pub struct WireWatch {
    streams: HashMap<u32, Stream>,
    pub rtp_packets: u64,
    pub duplicates: u64,
}

#[derive(Debug)]
struct Stream {
    highest: u16,
    seen: [u64; WORDS],
}

impl WireWatch {
    /// Takes a datagram as it came; what is not RTP is ignored.
    pub fn record(&mut self, datagram: &[u8]) {
        let Some((sequence, ssrc)) = rtp_identity(datagram) else { return };
        self.rtp_packets += 1;
        if self.streams.len() >= STREAMS_MAX && !self.streams.contains_key(&ssrc) {
            return;
        }
        let stream =
            self.streams.entry(ssrc).or_insert_with(|| Stream { highest: sequence, seen: [0; WORDS] });
        self.duplicates += u64::from(stream.record(sequence));
    }
}

impl Stream {
    /// Whether the number was seen before.
    fn record(&mut self, sequence: u16) -> bool {
        let ahead = sequence.wrapping_sub(self.highest);
        if ahead != 0 && ahead < 0x8000 {
            for forgotten in 1..=ahead.min(WINDOW) {
                self.clear(self.highest.wrapping_add(forgotten));
            }
            self.highest = sequence;
        } else if self.highest.wrapping_sub(sequence) >= WINDOW {
            return false;
        }
        let (word, bit) = place(sequence);
        let before = self.seen[word] & bit != 0;
        self.seen[word] |= bit;
        before
    }

    fn clear(&mut self, sequence: u16) {
        let (word, bit) = place(sequence);
        self.seen[word] &= !bit;
    }
}

fn place(sequence: u16) -> (usize, u64) {
    let index = sequence % WINDOW;
    (usize::from(index / 64), 1 << (index % 64))
}

/// Sequence number and SSRC of an RTP packet; RTCP shares the port and is told by its type (RFC 5761 section 4).
fn rtp_identity(datagram: &[u8]) -> Option<(u16, u32)> {
    let header = datagram.first_chunk::<12>()?;
    let is_rtp = (128..192).contains(&header[0]) && !(192..224).contains(&header[1]);
    is_rtp.then(|| {
        let sequence = u16::from_be_bytes([header[2], header[3]]);
        (sequence, u32::from_be_bytes([header[8], header[9], header[10], header[11]]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(sequence: u16, ssrc: u32) -> Vec<u8> {
        let mut bytes = vec![0x80, 111, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        bytes[2..4].copy_from_slice(&sequence.to_be_bytes());
        bytes[8..12].copy_from_slice(&ssrc.to_be_bytes());
        bytes
    }

    fn duplicates(sequences: impl IntoIterator<Item = u16>) -> u64 {
        let mut watch = WireWatch::default();
        for sequence in sequences {
            watch.record(&packet(sequence, 1));
        }
        watch.duplicates
    }

    #[test]
    fn only_what_came_before_is_a_duplicate() {
        assert_eq!(duplicates([1, 2, 3, 2, 2]), 2);
        assert_eq!(duplicates([3, 1, 2]), 0);
        assert_eq!(duplicates(0..=u16::MAX), 0);
        assert_eq!(duplicates((65_000..=u16::MAX).chain(0..2000)), 0);
        assert_eq!(duplicates([65_535, 0, 65_535]), 1);
    }

    #[test]
    fn streams_are_apart_and_rtcp_is_not_counted() {
        let mut watch = WireWatch::default();
        watch.record(&packet(1, 1));
        watch.record(&packet(1, 2));
        let mut rtcp = packet(1, 1);
        rtcp[1] = 200;
        watch.record(&rtcp);
        watch.record(&[0x80]);
        assert_eq!((watch.rtp_packets, watch.duplicates), (2, 0));
    }
}
