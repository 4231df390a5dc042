//! Recent packets of one producer layer, kept once and shared by every consumer's retransmissions.
//!
//! They lie in blocks, as many as the rate of the layer asks for: a thumbnail does not take the memory of a shared screen.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// Bytes kept of one layer at most: more than a second of 3 Mbit/s, which is beyond what a receiver waits for.
pub const HISTORY_BYTES: usize = 512 * 1024;
/// Bytes kept of one layer, however old: what probes repeat of a picture that hardly moves.
const HISTORY_BYTES_MIN: usize = 48 * 1024;
/// Packets kept of one layer, whatever their size.
pub const HISTORY_PACKETS: usize = 1024;
/// Packets whose places are known from the beginning.
const HISTORY_PACKETS_MIN: usize = 64;
/// A viewer's queue that takes longer than this is a long one, for which packets have to be kept for longer.
pub const LONG_WAIT: Duration = Duration::from_millis(500);

/// How long packets are kept.
#[derive(Debug, Clone, Copy)]
pub struct Keeping {
    /// Those that came within this time are.
    kept_for: Duration,
    /// A block that nothing came to for so long is given back, not only used again: the rate has fallen, and may not rise again.
    given_back_after: Duration,
}

impl Keeping {
    /// Packets leave when they come, or no [long](LONG_WAIT) time later, and are sent again for a second after that.
    pub const SHORT: Keeping =
        Keeping { kept_for: Duration::from_millis(1500), given_back_after: Duration::from_millis(1750) };
    /// They may wait for a second in a viewer's pacer before. A keyframe waits as a whole, which on a narrow path is longer.
    pub const LONG: Keeping =
        Keeping { kept_for: Duration::from_millis(2500), given_back_after: Duration::from_secs(6) };

    /// What is to be kept now. What is in the queue that was a [long](LONG_WAIT) one last is wanted for as long as [`Keeping::LONG`].
    pub fn after(now: Instant, long_wait_at: Option<Instant>) -> Keeping {
        let is_wanted = |at| now.saturating_duration_since(at) < Keeping::LONG.kept_for;
        if long_wait_at.is_some_and(is_wanted) { Keeping::LONG } else { Keeping::SHORT }
    }
}

/// Bytes of a block, unless one packet alone has more.
const BLOCK_BYTES: usize = 16 * 1024;

/// Some packets, one behind the other.
#[derive(Debug)]
struct Block {
    bytes: Box<[u8]>,
    used: usize,
    /// When the last of them came.
    newest_at: Instant,
}

/// Where a packet is, by the lower half of its index: four billion packets are never in here.
#[derive(Debug, Clone, Copy, Default)]
struct Entry {
    index: u32,
    place: Place,
}

#[derive(Debug, Clone, Copy, Default)]
enum Place {
    /// There was none with this index.
    #[default]
    Unknown,
    /// There was nothing in it; it came while this block was filled.
    Padding { block: u32 },
    /// In this block, counted from the first one there ever was.
    Kept { block: u32, start: u16, len: u16 },
}

/// The packets of one layer as its publisher sent them.
#[derive(Debug, Default)]
pub struct History {
    blocks: VecDeque<Block>,
    /// Blocks there were before the first of these.
    gone: u32,
    /// By the lower bits of the index; their number is a power of two, or nothing.
    entries: Vec<Entry>,
}

impl History {
    /// Keeps a packet under its index, and others for as long as is said. The oldest ones make room.
    pub fn store(&mut self, now: Instant, keeping: Keeping, index: u64, packet: &[u8]) {
        let Ok(len) = u16::try_from(packet.len()) else { return };
        if self.entries.is_empty() {
            self.entries = vec![Entry::default(); HISTORY_PACKETS_MIN];
        }
        if self.blocks.back().is_none_or(|last| last.used + packet.len() > last.bytes.len()) {
            self.add_block(now, keeping, packet.len());
        }
        let block = self.newest_block();
        let Some(last) = self.blocks.back_mut() else { return };
        // No block is longer than the longest packet.
        let start = last.used as u16;
        last.bytes[last.used..last.used + packet.len()].copy_from_slice(packet);
        last.used += packet.len();
        last.newest_at = now;
        self.note(index as u32, Place::Kept { block, start, len });
    }

    /// Padding took an index.
    pub fn note_padding(&mut self, index: u64) {
        if !self.entries.is_empty() {
            let block = self.newest_block();
            self.note(index as u32, Place::Padding { block });
        }
    }

    /// Padding took this index, as far as is known.
    pub fn is_padding(&self, index: u64) -> bool {
        matches!(self.find(index as u32), Place::Padding { .. })
    }

    /// A packet, unless it was overwritten or never stored.
    pub fn get(&self, index: u64) -> Option<&[u8]> {
        self.get_low(index as u32)
    }

    /// As [`History::get`], by the lower half of its index.
    pub fn get_low(&self, index: u32) -> Option<&[u8]> {
        let Place::Kept { block, start, len } = self.find(index) else { return None };
        let block = self.blocks.get(block.wrapping_sub(self.gone) as usize)?;
        block.bytes.get(usize::from(start)..usize::from(start) + usize::from(len))
    }

    fn find(&self, index: u32) -> Place {
        let entry = self.entries.get(self.slot(index)).filter(|entry| entry.index == index);
        entry.map_or(Place::Unknown, |entry| entry.place)
    }

    fn slot(&self, index: u32) -> usize {
        index as usize & self.entries.len().saturating_sub(1)
    }

    /// The number of the last block.
    fn newest_block(&self) -> u32 {
        self.gone.wrapping_add(self.blocks.len() as u32).wrapping_sub(1)
    }

    fn note(&mut self, index: u32, place: Place) {
        while self.entries.len() < HISTORY_PACKETS && self.is_taken(index) {
            self.grow();
        }
        let slot = self.slot(index);
        self.entries[slot] = Entry { index, place };
    }

    /// Its slot has another packet that is still kept.
    fn is_taken(&self, index: u32) -> bool {
        let other = self.entries[self.slot(index)];
        let is_kept = match other.place {
            Place::Unknown => false,
            Place::Padding { block } | Place::Kept { block, .. } => {
                (block.wrapping_sub(self.gone) as usize) < self.blocks.len()
            }
        };
        is_kept && other.index != index
    }

    /// Packets that had slots of their own have them among twice as many.
    fn grow(&mut self) {
        let doubled = vec![Entry::default(); self.entries.len() * 2];
        for entry in std::mem::replace(&mut self.entries, doubled) {
            if !matches!(entry.place, Place::Unknown) {
                let slot = self.slot(entry.index);
                self.entries[slot] = entry;
            }
        }
    }

    /// Another block for a packet of this length: the oldest one, when what is in it is too old or there may be no more.
    fn add_block(&mut self, now: Instant, keeping: Keeping, len: usize) {
        let wanted = BLOCK_BYTES.max(len);
        let mut free = None;
        let mut kept: usize = self.blocks.iter().map(|block| block.bytes.len()).sum();
        while let Some(oldest) = self.blocks.front() {
            let (size, age) = (oldest.bytes.len(), now.saturating_duration_since(oldest.newest_at));
            let spare = kept - size >= HISTORY_BYTES_MIN;
            // One is needed; another one is too many only after a while.
            let old = age > if free.is_none() { keeping.kept_for } else { keeping.given_back_after };
            if kept + wanted <= HISTORY_BYTES && !(old && spare) {
                break;
            }
            kept -= size;
            free = self.blocks.pop_front().map(|block| block.bytes);
            self.gone = self.gone.wrapping_add(1);
        }
        let free = free.filter(|bytes| bytes.len() == wanted);
        let bytes = free.unwrap_or_else(|| vec![0; wanted].into());
        self.blocks.push_back(Block { bytes, used: 0, newest_at: now });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    const SHORT: Keeping = Keeping::SHORT;
    const LONG: Keeping = Keeping::LONG;

    impl History {
        fn size(&self) -> usize {
            self.blocks.iter().map(|block| block.bytes.len()).sum()
        }
    }

    #[test]
    fn an_empty_history_has_nothing() {
        assert_eq!(History::default().get(0), None);
        assert!(!History::default().is_padding(0));
    }

    /// Packets of 1000 bytes so far apart, for ten seconds.
    fn play(history: &mut History, keeping: Keeping, begin: Instant, interval: Duration) -> (u64, Instant) {
        let count = (10.0 / interval.as_secs_f64()) as u64;
        for index in 0..count {
            history.store(begin + interval * index as u32, keeping, index, &[index as u8; 1000]);
        }
        (count, begin + interval * (count - 1) as u32)
    }

    #[test]
    fn a_history_is_as_large_as_what_it_keeps_of_its_stream() {
        for keeping in [SHORT, LONG] {
            for interval_ms in [2, 5, 10, 20, 50] {
                let (interval, mut history) = (Duration::from_millis(interval_ms), History::default());
                let (count, _) = play(&mut history, keeping, Instant::now(), interval);
                let known = (0..count).rev().take_while(|&index| history.get(index).is_some()).count() as u32;
                let size = history.size();
                let needed = 1000 * keeping.kept_for.div_duration_f64(interval) as usize;
                let size_max =
                    (needed + 3 * BLOCK_BYTES).clamp(HISTORY_BYTES_MIN + BLOCK_BYTES, HISTORY_BYTES);
                assert!(size <= size_max, "{size} bytes for a packet every {interval_ms} ms");
                let is_enough = interval * known >= keeping.kept_for || size > HISTORY_BYTES - BLOCK_BYTES;
                assert!(is_enough, "{known} packets of {interval_ms} ms");
            }
        }
    }

    #[test]
    fn once_nobody_has_to_wait_for_long_a_history_becomes_smaller() {
        let (begin, mut history, interval) = (Instant::now(), History::default(), Duration::from_millis(5));
        let (count, end) = play(&mut history, LONG, begin, interval);
        let before = history.size();
        for index in 1..600 {
            history.store(end + interval * index, SHORT, count + u64::from(index), &[7; 1000]);
        }
        let expected = 350_000 + 2 * BLOCK_BYTES;
        assert!(before > 500_000 && history.size() <= expected, "{before}, {}", history.size());
    }

    #[test]
    fn what_a_stream_needs_no_more_is_given_back() {
        let (begin, mut history) = (Instant::now(), History::default());
        let (count, end) = play(&mut history, LONG, begin, Duration::from_millis(2));
        let before = history.size();
        for index in 0..200 {
            let now = end + Duration::from_millis(50) * index;
            history.store(now, LONG, count + u64::from(index), &[7; 1000]);
        }
        assert!(before > HISTORY_BYTES - BLOCK_BYTES && history.size() <= 150 << 10, "{}", history.size());
        assert!((0..40).all(|back| history.get(count + 199 - back) == Some(&[7; 1000][..])));
    }

    #[test]
    fn a_keyframe_is_kept_while_it_waits_for_a_narrow_path() {
        let (begin, mut history) = (Instant::now(), History::default());
        let mut index = 0;
        while index < 340 {
            history.store(begin, LONG, index, &[7; 1150]);
            index += 1;
        }
        for frame in 1..106 {
            history.store(begin + Duration::from_millis(33) * frame, LONG, index, &[7; 1150]);
            index += 1;
        }
        let kept = (0..340).filter(|&index| history.get(index).is_some()).count();
        assert!(kept > 280 && history.get(339).is_some(), "{kept} after three and a half seconds");
    }

    #[test]
    fn of_a_picture_that_hardly_moves_old_packets_are_kept_as_well() {
        let (begin, mut history) = (Instant::now(), History::default());
        for index in 0..200 {
            history.store(begin + Duration::from_secs(5) * index, SHORT, u64::from(index), &[7; 1200]);
        }
        assert!((0..32).all(|back| history.get(199 - back).is_some()));
    }

    #[test]
    fn padding_is_remembered_as_long_as_what_came_with_it() {
        let (now, mut history) = (Instant::now(), History::default());
        history.note_padding(0);
        assert!(!history.is_padding(0), "there is nothing that it could have come with");
        for index in (1..1001).step_by(2) {
            history.store(now, SHORT, index, &[7; 100]);
            history.note_padding(index + 1);
        }
        for index in (1..1001).step_by(2) {
            assert!(history.get(index).is_some() && !history.is_padding(index), "{index}");
            assert!(history.get(index + 1).is_none() && history.is_padding(index + 1), "{index}");
        }
    }

    #[test]
    fn a_packet_longer_than_a_block_is_kept_as_well() {
        let (now, mut history) = (Instant::now(), History::default());
        for index in 0..40 {
            history.store(now, SHORT, index, &[index as u8; 40_000]);
        }
        assert_eq!(history.get(39), Some(&[39; 40_000][..]));
        assert!(history.size() <= HISTORY_BYTES);
    }

    proptest! {
        #[test]
        fn what_is_returned_is_what_was_stored_and_the_newest_half_is_there(
            packets in proptest::collection::vec((1_usize..1500, 0_u64..4, 0_u64..20), 1..2500)
        ) {
            let (mut now, mut history) = (Instant::now(), History::default());
            let mut stored = HashMap::new();
            let mut order = Vec::new();
            // Indices pass a place where their lower halves begin anew.
            let mut index = (7 << 32) - 700;
            for (n, (len, skipped, wait_ms)) in packets.into_iter().enumerate() {
                index += 1 + skipped;
                now += Duration::from_millis(wait_ms);
                let packet: Vec<u8> = (0..len).map(|at| (at + n * 7) as u8).collect();
                history.store(now, LONG, index, &packet);
                stored.insert(index, packet);
                order.push((index, now));
            }
            for (index, packet) in &stored {
                if let Some(found) = history.get(*index) {
                    prop_assert_eq!(found, packet.as_slice());
                    prop_assert_eq!(history.get_low(*index as u32), Some(found));
                }
            }
            let (newest, end) = *order.last().expect("not empty");
            let lately = order.iter().rev().filter(|(_, at)| end - *at < LONG.kept_for);
            for (index, _) in lately.take(HISTORY_BYTES / 1500 / 2).filter(|(i, _)| newest - *i < 256) {
                prop_assert!(history.get(*index).is_some(), "{} of {}", index, newest);
            }
        }
    }
}
