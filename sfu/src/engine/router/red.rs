//! Redundant audio (RFC 2198): packets that carry the sound of those before them, taken apart and put together.
//!
//! A block header is four bytes (follows-bit, payload type, 14 bits of timestamp back from the packet's own, 10 bits of
//! length); the last one, of the packet's own sound, is one byte. Then the blocks, in the same order.

use std::{
    ops::Range,
    time::{Duration, Instant},
};

/// Blocks of one packet at most. Browsers send one or two; a packet with more is refused.
const BLOCKS_MAX: usize = 8;
/// Bytes of a header that another one follows.
const HEADER_LEN: usize = 4;
/// Timestamps further back do not fit (14 bits).
const OFFSET_MAX: u32 = (1 << 14) - 1;
/// Bytes of a payload that is kept to be sent again: music of 200 kbit/s in packets of 20 ms, well below the 10 bits
/// there are for it. A larger one is not repeated.
const REPEATED_MAX: usize = 512;
/// Payloads before the newest that are kept.
const KEPT: usize = 2;
/// More bytes of repeated sound are not put into one packet: it must still fit every path.
const REDUNDANT_MAX: usize = 800;

/// A packet taken apart; ranges are within its payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Red {
    blocks: [Block; BLOCKS_MAX],
    count: usize,
    /// The packet's own sound; not empty.
    pub primary: Range<usize>,
}

/// The sound of an earlier packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Block {
    /// How far back, in ticks of the RTP clock.
    pub offset: u16,
    start: u16,
    len: u16,
}

impl Block {
    /// Where it is in the payload.
    pub fn range(&self) -> Range<usize> {
        usize::from(self.start)..usize::from(self.start) + usize::from(self.len)
    }
}

impl Red {
    /// Takes a payload apart whose blocks must all be of one payload type. `None` when it is no such packet, or holds
    /// no sound of its own.
    pub fn parse(payload: &[u8], payload_type: u8) -> Option<Red> {
        let mut red = Red { blocks: [Block::default(); BLOCKS_MAX], count: 0, primary: 0..0 };
        let mut at = 0;
        loop {
            let first = *payload.get(at)?;
            if first & 0x7F != payload_type {
                return None;
            }
            if first & 0x80 == 0 {
                at += 1;
                break;
            }
            let [_, a, b, c] = *payload.get(at..at + HEADER_LEN)?.first_chunk::<HEADER_LEN>()?;
            let word = u32::from_be_bytes([0, a, b, c]);
            let (offset, len) = ((word >> 10) as u16, (word & 0x3FF) as u16);
            *red.blocks.get_mut(red.count)? = Block { offset, start: 0, len };
            red.count += 1;
            at += HEADER_LEN;
        }
        for block in &mut red.blocks[..red.count] {
            block.start = u16::try_from(at).ok()?;
            at += usize::from(block.len);
        }
        red.primary = at..payload.len();
        (!red.primary.is_empty()).then_some(red)
    }

    /// The repeated sound, oldest first as a sender writes it.
    pub fn blocks(&self) -> &[Block] {
        &self.blocks[..self.count]
    }
}

/// The latest payloads of one producer of sound. It takes memory with the first packet.
#[derive(Debug, Default)]
pub struct Recent {
    /// Oldest first.
    kept: Vec<Kept>,
}

#[derive(Debug, Clone, Copy)]
struct Kept {
    timestamp: u32,
    len: u16,
    bytes: [u8; REPEATED_MAX],
}

impl Recent {
    /// Keeps a payload. One of a moment that is known, or older than all that is kept, changes nothing.
    pub fn keep(&mut self, timestamp: u32, payload: &[u8]) {
        if payload.is_empty() || payload.len() > REPEATED_MAX {
            return;
        }
        // One more than is repeated: the newest is the packet's own.
        self.kept.reserve_exact((KEPT + 1).saturating_sub(self.kept.len()));
        let older = |kept: &Kept| timestamp.wrapping_sub(kept.timestamp) as i32 > 0;
        let place = self.kept.iter().rposition(older).map_or(0, |at| at + 1);
        if self.kept.get(place).is_some_and(|kept| kept.timestamp == timestamp) {
            return;
        }
        let place = if self.kept.len() > KEPT {
            if place == 0 {
                return;
            }
            self.kept.remove(0);
            place - 1
        } else {
            place
        };
        let mut bytes = [0; REPEATED_MAX];
        bytes[..payload.len()].copy_from_slice(payload);
        self.kept.insert(place, Kept { timestamp, len: payload.len() as u16, bytes });
    }

    /// Whether the sound of this moment is kept.
    pub fn knows(&self, timestamp: u32) -> bool {
        self.kept.iter().any(|kept| kept.timestamp == timestamp)
    }

    /// Whether there is anything to repeat with the sound of this moment.
    pub fn has_before(&self, timestamp: u32, distance: usize) -> bool {
        self.before(timestamp, distance).next().is_some()
    }

    /// The payloads before a moment that may be sent again with it, oldest first, each with its timestamp.
    pub fn earlier(&self, timestamp: u32) -> impl Iterator<Item = (u32, &[u8])> {
        self.before(timestamp, KEPT).map(|kept| (kept.timestamp, kept.payload()))
    }

    /// Forgets everything: the stream goes on with other timestamps.
    pub fn clear(&mut self) {
        self.kept.clear();
    }

    /// Writes a packet with the sound of up to `distance` packets before it, and returns its length; `None` when it
    /// does not fit.
    pub fn write(
        &self,
        payload_type: u8,
        distance: usize,
        timestamp: u32,
        primary: &[u8],
        out: &mut [u8],
    ) -> Option<usize> {
        let mut at = 0;
        let repeated = self.before(timestamp, distance);
        for kept in repeated.clone() {
            let offset = timestamp.wrapping_sub(kept.timestamp);
            let word = (offset << 10) | u32::from(kept.len);
            let [_, a, b, c] = word.to_be_bytes();
            out.get_mut(at..at + HEADER_LEN)?.copy_from_slice(&[0x80 | payload_type, a, b, c]);
            at += HEADER_LEN;
        }
        *out.get_mut(at)? = payload_type & 0x7F;
        at += 1;
        for block in repeated.map(Kept::payload).chain([primary]) {
            out.get_mut(at..at + block.len())?.copy_from_slice(block);
            at += block.len();
        }
        Some(at)
    }

    /// Bytes that [`Recent::write`] adds at most.
    pub const OVERHEAD_MAX: usize = REDUNDANT_MAX + KEPT * HEADER_LEN + 1;

    /// The last `distance` payloads before a moment that can be told from it and fit together, oldest first.
    fn before(&self, timestamp: u32, distance: usize) -> impl Iterator<Item = &Kept> + Clone {
        let ago = move |kept: &Kept| timestamp.wrapping_sub(kept.timestamp);
        let fits = move |kept: &&Kept| (1..=OFFSET_MAX).contains(&ago(kept));
        let (mut count, mut bytes) = (0, 0);
        for kept in self.kept.iter().rev().filter(fits).take(distance) {
            bytes += usize::from(kept.len);
            if bytes > REDUNDANT_MAX {
                break;
            }
            count += 1;
        }
        let skipped = self.kept.iter().filter(fits).count() - count;
        self.kept.iter().filter(fits).skip(skipped)
    }
}

impl Kept {
    fn payload(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }
}

/// How much sound is repeated for one viewer: what the loss on its path asks for, given back slowly.
#[derive(Debug)]
pub struct Redundancy {
    distance: u8,
    /// Less would have been enough since then.
    calm_since: Option<Instant>,
}

/// Loss, in 1/256, from which one packet is repeated: 1 %. Two lost in a row are then one in ten thousand.
const LOSS_FOR_ONE: u8 = 3;
/// Loss from which two are: 5 %, beyond which one is not enough.
const LOSS_FOR_TWO: u8 = 13;
/// Less is repeated after so much calm: loss comes in spells.
const CALM: Duration = Duration::from_secs(10);

impl Default for Redundancy {
    /// One packet, until the path is known: a call is judged by its first seconds.
    fn default() -> Self {
        Redundancy { distance: 1, calm_since: None }
    }
}

impl Redundancy {
    /// How many packets are repeated.
    pub fn distance(&self) -> usize {
        usize::from(self.distance)
    }

    /// Takes note of a report: the share lost since the last one, in 1/256.
    pub fn note_loss(&mut self, now: Instant, fraction_lost: u8) {
        let wanted = match fraction_lost {
            LOSS_FOR_TWO.. => 2,
            LOSS_FOR_ONE.. => 1,
            _ => 0,
        };
        if wanted >= self.distance {
            (self.distance, self.calm_since) = (wanted, None);
            return;
        }
        let since = *self.calm_since.get_or_insert(now);
        if now.saturating_duration_since(since) >= CALM {
            (self.distance, self.calm_since) = (self.distance - 1, None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const OPUS: u8 = 111;

    fn apart(bytes: &[u8]) -> (Vec<(u16, &[u8])>, &[u8]) {
        let red = Red::parse(bytes, OPUS).expect("a packet");
        let blocks = red.blocks().iter().map(|block| (block.offset, &bytes[block.range()])).collect();
        (blocks, &bytes[red.primary.clone()])
    }

    #[test]
    fn a_packet_as_chromium_sends_it_is_taken_apart() {
        let bytes = [0x80 | OPUS, 0x0F, 0x00, 0x03, OPUS, 1, 2, 3, 9, 9];
        assert_eq!(apart(&bytes), (vec![(960, &[1, 2, 3][..])], &[9, 9][..]));
        assert_eq!(apart(&[OPUS, 7]), (vec![], &[7][..]), "without repetition");
    }

    #[test]
    fn what_is_no_such_packet_is_refused() {
        let too_many = [[0x80 | OPUS, 0x0F, 0, 0]; BLOCKS_MAX + 1].concat();
        for bytes in [
            &[][..],
            &[OPUS],
            &[110, 1],
            &[0x80 | OPUS, 0x0F],
            &[0x80 | OPUS, 0x0F, 0, 3, OPUS, 1, 2, 3],
            &[0x80 | OPUS, 0x0F, 0, 200, OPUS, 1, 2, 3],
            &[0x80 | 110, 0x0F, 0, 1, OPUS, 1, 2],
            &too_many,
        ] {
            assert_eq!(Red::parse(bytes, OPUS), None, "{bytes:?}");
        }
    }

    #[test]
    fn sound_too_old_or_too_large_is_not_repeated() {
        let mut recent = Recent::default();
        let mut out = [0; 1500];
        recent.keep(0, &[1; 40]);
        recent.keep(20_000, &[2; REPEATED_MAX + 1]);
        let len = recent.write(OPUS, 2, 20_000, &[2; REPEATED_MAX + 1], &mut out).expect("it fits");
        assert_eq!(apart(&out[..len]).0, vec![]);
        recent.keep(20_960, &[3; 500]);
        recent.keep(21_920, &[4; 500]);
        let len = recent.write(OPUS, 2, 22_880, &[5; 500], &mut out).expect("it fits");
        assert_eq!(apart(&out[..len]).0, vec![(960, &[4; 500][..])]);
        assert_eq!(recent.write(OPUS, 2, 22_880, &[5; 500], &mut out[..900]), None);
    }

    #[test]
    fn what_was_lost_on_the_way_and_comes_as_repetition_is_kept_in_its_place() {
        let mut recent = Recent::default();
        recent.keep(0, &[0]);
        recent.keep(1920, &[2]);
        recent.keep(960, &[1]);
        recent.keep(960, &[7]);
        let mut out = [0; 100];
        let len = recent.write(OPUS, 2, 1920, &[2], &mut out).expect("it fits");
        assert_eq!(apart(&out[..len]), (vec![(1920, &[0][..]), (960, &[1][..])], &[2][..]));
        recent.keep(2880, &[3]);
        recent.keep(0, &[9]);
        assert!(!recent.knows(0) && recent.knows(960), "the oldest is forgotten and does not come back");
    }

    #[test]
    fn repetition_follows_loss_at_once_and_calm_slowly() {
        let (mut now, mut redundancy) = (Instant::now(), Redundancy::default());
        assert_eq!(redundancy.distance(), 1);
        redundancy.note_loss(now, 40);
        assert_eq!(redundancy.distance(), 2);
        let mut history = Vec::new();
        for _ in 0..30 {
            now += Duration::from_secs(1);
            redundancy.note_loss(now, 0);
            history.push(redundancy.distance());
        }
        assert!(history[..10].iter().all(|distance| *distance == 2), "{history:?}");
        assert_eq!(history.last(), Some(&0));
        redundancy.note_loss(now, LOSS_FOR_ONE);
        assert_eq!(redundancy.distance(), 1);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic_and_ranges_lie_inside(bytes in proptest::collection::vec(any::<u8>(), 0..200), payload_type in 0_u8..128) {
            if let Some(red) = Red::parse(&bytes, payload_type) {
                prop_assert!(red.primary.end == bytes.len() && !red.primary.is_empty());
                for block in red.blocks() {
                    prop_assert!(bytes.get(block.range()).is_some());
                }
            }
        }

        #[test]
        fn what_was_put_together_comes_apart_again(
            payloads in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..300), 1..20),
            start in any::<u32>(),
            distance in 0_usize..3,
        ) {
            let mut recent = Recent::default();
            let mut out = [0; 2000];
            for (n, payload) in payloads.iter().enumerate() {
                let timestamp = start.wrapping_add(n as u32 * 960);
                recent.keep(timestamp, payload);
                let len = recent.write(OPUS, distance, timestamp, payload, &mut out).expect("it fits");
                prop_assert!(len <= payload.len() + Recent::OVERHEAD_MAX);
                let (blocks, primary) = apart(&out[..len]);
                prop_assert_eq!(primary, payload.as_slice());
                prop_assert_eq!(blocks.len(), distance.min(n));
                for (offset, block) in blocks {
                    let back = usize::from(offset) / 960;
                    prop_assert_eq!(block, payloads[n - back].as_slice());
                }
            }
        }

        #[test]
        fn two_repetitions_bring_99_of_100_packets_through_15_percent_loss(seed in any::<u64>()) {
            const PACKETS: usize = 4_000;
            let (mut recent, mut out, mut random) = (Recent::default(), [0; 400], seed | 1);
            let mut arrived = vec![false; PACKETS];
            for n in 0..PACKETS {
                let (timestamp, payload) = (n as u32 * 960, (n as u32).to_be_bytes());
                recent.keep(timestamp, &payload);
                let len = recent.write(OPUS, 2, timestamp, &payload, &mut out).expect("it fits");
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                if (random >> 33) % 100 < 15 {
                    continue;
                }
                let (blocks, primary) = apart(&out[..len]);
                for block in blocks.iter().map(|(_, block)| *block).chain([primary]) {
                    let number = u32::from_be_bytes(*block.first_chunk().expect("four bytes"));
                    arrived[number as usize] = true;
                }
            }
            let share = arrived.iter().filter(|arrived| **arrived).count() as f64 / PACKETS as f64;
            prop_assert!(share >= 0.99, "{share}");
        }
    }
}
