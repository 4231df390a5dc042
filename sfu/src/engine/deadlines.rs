//! The next wake-up among thousands of transports and rooms: an indexed binary heap, one entry each.
//!
//! Deadlines move with nearly every packet. A heap that knows where each entry lies moves it in place, so that its
//! size is exactly the number of things that wait, where lazy deletion would keep every deadline that was moved.

use std::time::Instant;

/// What waits: transports and rooms share one heap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    /// A transport, by its place in the engine's table.
    Peer(usize),
    /// A room, by its place in the engine's table.
    Room(usize),
}

impl Waiting {
    fn index(self) -> usize {
        match self {
            Waiting::Peer(slot) => slot * 2,
            Waiting::Room(slot) => slot * 2 + 1,
        }
    }

    fn from_index(index: usize) -> Self {
        if index.is_multiple_of(2) { Waiting::Peer(index / 2) } else { Waiting::Room(index / 2) }
    }
}

const ABSENT: u32 = u32::MAX;

/// At most one deadline for each thing that waits.
#[derive(Debug, Default)]
pub struct Deadlines {
    heap: Vec<(Instant, usize)>,
    /// Where each index lies in the heap; grows to the largest table ever used.
    places: Vec<u32>,
}

impl Deadlines {
    /// Sets, moves or (with `None`) removes the deadline of something.
    pub fn set(&mut self, waiting: Waiting, at: Option<Instant>) {
        let index = waiting.index();
        if index >= self.places.len() {
            self.places.resize(index + 1, ABSENT);
        }
        match (self.places[index], at) {
            (ABSENT, None) => {}
            (ABSENT, Some(at)) => {
                self.heap.push((at, index));
                self.places[index] = (self.heap.len() - 1) as u32;
                self.rise(self.heap.len() - 1);
            }
            (place, None) => self.remove(place as usize),
            (place, Some(at)) => {
                let place = place as usize;
                if self.heap[place].0 != at {
                    self.heap[place].0 = at;
                    let place = self.rise(place);
                    self.sink(place);
                }
            }
        }
    }

    /// Makes the deadline of something not later than `at`.
    pub fn advance(&mut self, waiting: Waiting, at: Instant) {
        let place = self.places.get(waiting.index()).copied().unwrap_or(ABSENT);
        if place == ABSENT || self.heap[place as usize].0 > at {
            self.set(waiting, Some(at));
        }
    }

    /// Makes the deadline of something, if it has one, not earlier than `at`.
    pub fn postpone(&mut self, waiting: Waiting, at: Instant) {
        let place = self.places.get(waiting.index()).copied().unwrap_or(ABSENT);
        if place != ABSENT && self.heap[place as usize].0 < at {
            self.set(waiting, Some(at));
        }
    }

    /// The earliest deadline.
    pub fn next(&self) -> Option<Instant> {
        self.heap.first().map(|&(at, _)| at)
    }

    /// Takes out the earliest thing whose deadline is not after `now`.
    pub fn pop_due(&mut self, now: Instant) -> Option<Waiting> {
        let &(at, index) = self.heap.first()?;
        if at > now {
            return None;
        }
        self.remove(0);
        Some(Waiting::from_index(index))
    }

    fn remove(&mut self, place: usize) {
        let (_, index) = self.heap.swap_remove(place);
        self.places[index] = ABSENT;
        if place < self.heap.len() {
            self.places[self.heap[place].1] = place as u32;
            let place = self.rise(place);
            self.sink(place);
        }
    }

    fn rise(&mut self, mut place: usize) -> usize {
        while place > 0 {
            let parent = (place - 1) / 2;
            if self.heap[parent].0 <= self.heap[place].0 {
                break;
            }
            self.swap(place, parent);
            place = parent;
        }
        place
    }

    fn sink(&mut self, mut place: usize) {
        loop {
            let mut least = place;
            for child in [place * 2 + 1, place * 2 + 2] {
                if child < self.heap.len() && self.heap[child].0 < self.heap[least].0 {
                    least = child;
                }
            }
            if least == place {
                return;
            }
            self.swap(place, least);
            place = least;
        }
    }

    fn swap(&mut self, a: usize, b: usize) {
        self.heap.swap(a, b);
        self.places[self.heap[a].1] = a as u32;
        self.places[self.heap[b].1] = b as u32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::{collections::BTreeMap, time::Duration};

    #[test]
    fn a_peer_and_a_room_of_the_same_slot_wait_apart() {
        let start = Instant::now();
        let mut deadlines = Deadlines::default();
        deadlines.set(Waiting::Peer(3), Some(start + Duration::from_secs(2)));
        deadlines.set(Waiting::Room(3), Some(start + Duration::from_secs(1)));
        deadlines.advance(Waiting::Peer(3), start + Duration::from_secs(5));
        assert_eq!(deadlines.next(), Some(start + Duration::from_secs(1)));
        assert_eq!(deadlines.pop_due(start), None);
        deadlines.postpone(Waiting::Peer(3), start + Duration::from_secs(1));
        deadlines.postpone(Waiting::Peer(4), start);
        let late = start + Duration::from_secs(2);
        assert_eq!(deadlines.pop_due(late), Some(Waiting::Room(3)));
        assert_eq!(deadlines.pop_due(late), Some(Waiting::Peer(3)));
        assert_eq!(deadlines.pop_due(late), None);
    }

    proptest! {
        #[test]
        fn deadlines_come_in_order_whatever_was_moved_or_removed(
            moves in proptest::collection::vec((0_usize..20, proptest::option::weighted(0.8, 0_u64..1000)), 1..200)
        ) {
            let start = Instant::now();
            let mut deadlines = Deadlines::default();
            let mut expected = BTreeMap::new();
            for (slot, at) in moves {
                let at = at.map(|ms| start + Duration::from_millis(ms));
                deadlines.set(Waiting::Peer(slot), at);
                match at {
                    Some(at) => { expected.insert(slot, at); }
                    None => { expected.remove(&slot); }
                }
            }
            let mut last = start;
            while let Some(next) = deadlines.next() {
                prop_assert!(next >= last);
                last = next;
                let Some(Waiting::Peer(slot)) = deadlines.pop_due(next) else { panic!("a deadline is due") };
                prop_assert_eq!(expected.remove(&slot), Some(next));
            }
            prop_assert!(expected.is_empty());
        }
    }
}
