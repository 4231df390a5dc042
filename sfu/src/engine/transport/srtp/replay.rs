//! Which packet numbers of one stream were seen: the rollover counter and the replay window (RFC 3711 section 3.3).

/// Numbers remembered behind the highest one. RFC 3711 asks for 64 at least; at 1,000 packets a second 128 is an
/// eighth of a second of reordering. What is older is dropped.
const WINDOW: u64 = 128;

/// The highest number seen, and a bit for each of those behind it.
#[derive(Debug, Clone, Copy)]
pub(super) struct ReplayWindow {
    highest: u64,
    /// Bit n: `highest - n` was seen.
    seen: u128,
}

impl ReplayWindow {
    /// The window after the first number of a stream.
    pub(super) fn starting_at(index: u64) -> Self {
        ReplayWindow { highest: index, seen: 1 }
    }

    /// The 48-bit index that a 16-bit sequence number most likely means: the one nearest to the highest seen.
    /// `None` when that would be before the start of the stream.
    pub(super) fn index_of(&self, sequence_number: u16) -> Option<u64> {
        let ahead = sequence_number.wrapping_sub(self.highest as u16) as i16;
        self.highest.checked_add_signed(i64::from(ahead))
    }

    /// Not seen yet, and young enough to tell.
    pub(super) fn is_fresh(&self, index: u64) -> bool {
        match self.highest.checked_sub(index) {
            None => true,
            Some(behind) => behind < WINDOW && self.seen & (1 << behind) == 0,
        }
    }

    /// Remembers a number that is fresh and, on the receiving side, authentic.
    pub(super) fn insert(&mut self, index: u64) {
        match self.highest.checked_sub(index) {
            None => {
                let ahead = index - self.highest;
                self.seen = if ahead < WINDOW { (self.seen << ahead) | 1 } else { 1 };
                self.highest = index;
            }
            Some(behind) if behind < WINDOW => self.seen |= 1 << behind,
            Some(_) => {}
        }
    }
}
