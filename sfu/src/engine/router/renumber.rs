//! Numbers that count up (sequence numbers, picture ids), continued in the output while parts of the input are left out.
//!
//! A gap in the input stays a gap, so that a receiver asks for what was lost; what we leave out on purpose closes up.

use std::collections::VecDeque;

/// Numbers left out that are remembered one by one. Input older than the oldest of them can no longer be placed.
const OMITTED_MAX: usize = 256;
/// Memory is taken for so many of them at a time: most streams leave nothing out, and then take none.
const OMITTED_STEP: usize = 32;

/// Counts a number of some bits on over its wraps.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unwrapper {
    last: Option<u64>,
}

impl Unwrapper {
    /// The number nearest to the one before whose low `bits` are `value`.
    pub fn extend(&mut self, value: u16, bits: u32) -> u64 {
        // By a mask: a division takes longer than all else here.
        let turn = 1_u64 << bits;
        let value = u64::from(value) & (turn - 1);
        let Some(last) = self.last else {
            self.last = Some(turn + value);
            return turn + value;
        };
        let ahead = value.wrapping_sub(last) & (turn - 1);
        let extended = if ahead < turn / 2 { last + ahead } else { (last + ahead).saturating_sub(turn) };
        self.last = Some(last.max(extended));
        extended
    }
}

/// Input numbers to output numbers.
#[derive(Debug, Clone)]
pub struct Renumber {
    /// The first input number of the segment, and what it became.
    first_in: u64,
    first_out: u64,
    /// Left out in this segment and no longer remembered one by one.
    omitted_before: u64,
    omitted: VecDeque<u64>,
    /// Input below cannot be placed.
    horizon: u64,
    /// The newest input placed in this segment.
    newest_in: Option<u64>,
    next_out: u64,
}

impl Renumber {
    /// Nothing can be placed before [`Renumber::start`]; the first output number will be `first_out`.
    pub fn new(first_out: u64) -> Self {
        Renumber {
            first_in: 0,
            first_out,
            omitted_before: 0,
            omitted: VecDeque::new(),
            horizon: u64::MAX,
            newest_in: None,
            next_out: first_out,
        }
    }

    /// From here on `input` and what follows it continues the output.
    pub fn start(&mut self, input: u64) {
        self.first_in = input;
        self.first_out = self.next_out;
        self.omitted_before = 0;
        self.omitted.clear();
        self.horizon = input;
        self.newest_in = None;
    }

    /// The last outputs were never used; the next segment begins so much earlier.
    pub fn take_back(&mut self, count: u64) {
        self.next_out = self.next_out.saturating_sub(count);
    }

    /// The outputs after the one with these low 16 bits were never used; the next segment follows that one.
    pub fn take_back_after(&mut self, last: u16) {
        self.take_back(u64::from((self.next_out as u16).wrapping_sub(last.wrapping_add(1))));
    }

    /// The output number of an input number; `None` when it was left out or is too old.
    pub fn map(&mut self, input: u64) -> Option<u64> {
        if input < self.horizon {
            return None;
        }
        let omitted = match self.omitted.back() {
            Some(&last) if last >= input => match self.omitted.binary_search(&input) {
                Ok(_) => return None,
                Err(below) => below,
            },
            _ => self.omitted.len(),
        };
        let out = self.first_out + (input - self.first_in) - self.omitted_before - omitted as u64;
        self.newest_in = self.newest_in.max(Some(input));
        self.next_out = self.next_out.max(out + 1);
        Some(out)
    }

    /// Leaves an input number out, so that what follows closes up. When what follows has already been placed, its
    /// place stays empty.
    pub fn omit(&mut self, input: u64) {
        if input < self.horizon || self.newest_in.is_some_and(|newest| input <= newest) {
            return;
        }
        if self.omitted.len() == self.omitted.capacity() {
            self.omitted.reserve_exact(OMITTED_STEP);
        }
        match self.omitted.back() {
            Some(&last) if last >= input => {
                if let Err(place) = self.omitted.binary_search(&input) {
                    self.omitted.insert(place, input);
                }
            }
            _ => self.omitted.push_back(input),
        }
        if self.omitted.len() > OMITTED_MAX
            && let Some(oldest) = self.omitted.pop_front()
        {
            self.omitted_before += 1;
            self.horizon = oldest + 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};

    #[test]
    fn what_is_left_out_closes_up_and_what_is_lost_stays_a_gap() {
        let mut numbers = Renumber::new(100);
        assert_eq!(numbers.map(5), None, "not started");
        numbers.start(10);
        assert_eq!(numbers.map(10), Some(100));
        numbers.omit(11);
        assert_eq!(numbers.map(12), Some(101));
        assert_eq!(numbers.map(14), Some(103), "13 is lost");
        assert_eq!(numbers.map(13), Some(102), "and comes late");
        assert_eq!(numbers.map(9), None, "before the start");
        assert_eq!(numbers.map(11), None, "left out");
        numbers.start(70);
        assert_eq!(numbers.map(70), Some(104));
        assert_eq!(numbers.map(14), None);
    }

    #[test]
    fn memory_is_taken_for_what_is_left_out_and_bounded() {
        let mut numbers = Renumber::new(0);
        numbers.start(0);
        (0..1000).for_each(|input| assert_eq!(numbers.map(input), Some(input)));
        assert_eq!(numbers.omitted.capacity(), 0);
        numbers.omit(1000);
        assert_eq!(numbers.omitted.capacity(), OMITTED_STEP);
        (1001..3000).for_each(|input| numbers.omit(input));
        assert!(numbers.omitted.capacity() <= OMITTED_MAX + OMITTED_STEP);
        assert_eq!(numbers.map(3000), Some(1000));
    }

    #[test]
    fn a_number_left_out_too_late_leaves_its_place_empty() {
        let mut numbers = Renumber::new(0);
        numbers.start(0);
        assert_eq!(numbers.map(0), Some(0));
        assert_eq!(numbers.map(2), Some(2));
        numbers.omit(1);
        assert_eq!(numbers.map(3), Some(3));
    }

    #[test]
    fn numbers_that_were_never_used_are_given_away_again() {
        let mut numbers = Renumber::new(100);
        numbers.start(10);
        assert_eq!([10, 11, 13].map(|input| numbers.map(input)), [Some(100), Some(101), Some(103)]);
        numbers.take_back(2);
        numbers.start(50);
        assert_eq!(numbers.map(50), Some(102));
        numbers.map(60);
        numbers.take_back_after(105);
        numbers.start(0);
        assert_eq!(numbers.map(0), Some(106));
        numbers.take_back_after(106);
        numbers.start(0);
        assert_eq!(numbers.map(0), Some(107), "nothing to take back");
    }

    #[test]
    fn unwrapping_goes_both_ways_around_the_turn() {
        let mut pictures = Unwrapper::default();
        let first = pictures.extend(126, 7);
        assert_eq!(pictures.extend(1, 7), first + 3);
        assert_eq!(pictures.extend(125, 7), first - 1);
        assert_eq!(pictures.extend(2, 7), first + 4);
    }

    proptest! {
        /// Input is a stream with losses and reordering, of which some numbers are left out, cut into segments.
        #[test]
        fn output_is_continuous_but_for_gaps_of_the_input(
            segments in proptest::collection::vec(
                (1_u64..1000, proptest::collection::vec((0_u8..10, 0_u8..10, 0_usize..4), 1..200)), 1..6)
        ) {
            let mut numbers = Renumber::new(7);
            let mut base = 0;
            let mut used = BTreeSet::new();
            for (jump, packets) in segments {
                base += jump;
                let is_omitted = |n: usize| packets[n].1 < 3 && n > 0;
                let is_lost = |n: usize| packets[n].0 == 0 && n > 0;
                // Only the packets that are forwarded come late; leaving out happens in order.
                let mut order: Vec<usize> = (0..packets.len()).filter(|&n| !is_lost(n)).collect();
                order.sort_by_key(|&n| if n == 0 || is_omitted(n) { n } else { n + packets[n].2 });
                numbers.start(base);
                let first_out = used.last().map_or(7, |last| last + 1);
                let mut outputs = BTreeMap::new();
                let mut newest_mapped = 0;
                let mut holes = 0;
                for n in order {
                    if is_omitted(n) {
                        holes += usize::from(n < newest_mapped);
                        numbers.omit(base + n as u64);
                    } else if let Some(out) = numbers.map(base + n as u64) {
                        newest_mapped = newest_mapped.max(n);
                        prop_assert!(used.insert(out), "{} twice", out);
                        outputs.insert(n, out);
                    }
                }
                prop_assert_eq!(outputs.get(&0), Some(&first_out), "a segment continues the one before");
                prop_assert!(outputs.values().is_sorted(), "order is kept");
                let last = outputs.keys().last().copied().unwrap_or(0);
                let lost = (0..last).filter(|&n| is_lost(n) && !outputs.contains_key(&n)).count();
                let span = outputs[&last] - first_out + 1;
                prop_assert_eq!(span as usize, outputs.len() + lost + holes);
                base += packets.len() as u64;
            }
        }
    }
}
