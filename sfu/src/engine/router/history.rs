//! Recent packets of one producer layer, kept once and shared by every consumer's retransmissions.

/// Bytes kept of one layer: more than a second of 3 Mbit/s, which is beyond what a receiver waits for.
pub const HISTORY_BYTES: usize = 512 * 1024;
/// Packets kept of one layer, whatever their size.
pub const HISTORY_PACKETS: usize = 1024;

#[derive(Debug, Clone, Copy, Default)]
struct Entry {
    index: u64,
    /// Bytes ever written before this packet; its place is this modulo the size of the ring.
    position: u64,
    len: u16,
    /// There was nothing in it.
    is_padding: bool,
}

/// A ring of plain packets as the publisher sent them. Its memory comes zeroed, so pages are used only once written.
#[derive(Debug, Default)]
pub struct History {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    written: u64,
}

impl History {
    /// Keeps a packet under its index. The oldest ones make room.
    pub fn store(&mut self, index: u64, packet: &[u8]) {
        let Ok(len) = u16::try_from(packet.len()) else { return };
        if self.bytes.is_empty() {
            self.bytes = vec![0; HISTORY_BYTES];
            self.entries = vec![Entry::default(); HISTORY_PACKETS];
        }
        let mut at = (self.written % HISTORY_BYTES as u64) as usize;
        if at + packet.len() > HISTORY_BYTES {
            // A packet does not wrap around the end.
            self.written += (HISTORY_BYTES - at) as u64;
            at = 0;
        }
        self.bytes[at..at + packet.len()].copy_from_slice(packet);
        self.entries[slot(index)] = Entry { index, position: self.written, len, is_padding: false };
        self.written += u64::from(len);
    }

    /// Padding took an index.
    pub fn note_padding(&mut self, index: u64) {
        if let Some(entry) = self.entries.get_mut(slot(index)) {
            *entry = Entry { index, position: self.written, len: 0, is_padding: true };
        }
    }

    /// Padding took this index, as far as is known.
    pub fn is_padding(&self, index: u64) -> bool {
        self.entries.get(slot(index)).is_some_and(|entry| entry.is_padding && entry.index == index)
    }

    /// A packet, unless it was overwritten or never stored.
    pub fn get(&self, index: u64) -> Option<&[u8]> {
        let entry = self.entries.get(slot(index)).filter(|entry| entry.index == index && entry.len > 0)?;
        if self.written - entry.position > HISTORY_BYTES as u64 {
            return None;
        }
        let at = (entry.position % HISTORY_BYTES as u64) as usize;
        self.bytes.get(at..at + usize::from(entry.len))
    }
}

fn slot(index: u64) -> usize {
    (index % HISTORY_PACKETS as u64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    #[test]
    fn an_empty_history_has_nothing() {
        assert_eq!(History::default().get(0), None);
    }

    proptest! {
        #[test]
        fn what_is_returned_is_what_was_stored_and_the_newest_half_is_there(
            packets in proptest::collection::vec((1_usize..1500, 0_u64..4), 1..2500)
        ) {
            let mut history = History::default();
            let mut stored = HashMap::new();
            let mut order = Vec::new();
            let mut index = 0;
            for (n, (len, skipped)) in packets.into_iter().enumerate() {
                index += 1 + skipped;
                let packet: Vec<u8> = (0..len).map(|at| (at + n * 7) as u8).collect();
                history.store(index, &packet);
                stored.insert(index, packet);
                order.push(index);
            }
            for (index, packet) in &stored {
                if let Some(found) = history.get(*index) {
                    prop_assert_eq!(found, packet.as_slice());
                }
            }
            let newest = *order.last().expect("not empty");
            for index in order.iter().rev().take(HISTORY_BYTES / 1500 / 2).filter(|i| newest - **i < 256) {
                prop_assert!(history.get(*index).is_some(), "{} of {}", index, newest);
            }
        }
    }
}
