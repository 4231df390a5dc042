//! A bad network between a bot and the server: packets lost and delayed, the same ones for the same seed.

use rand::{RngExt, SeedableRng, rngs::SmallRng};
use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// How bad.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Conditions {
    /// Share of datagrams lost in each direction, 0.0 to 1.0.
    pub loss: f64,
    /// One-way delay in each direction.
    pub delay: Duration,
}

/// Datagrams kept while delayed; a queue that is full loses the newest, as a router's would.
const QUEUE_MAX: usize = 10_000;

/// One direction of the way.
#[derive(Debug)]
pub struct Way<T> {
    conditions: Conditions,
    random: SmallRng,
    queue: VecDeque<(Instant, T)>,
    pub dropped: u64,
}

impl<T> Way<T> {
    pub fn new(conditions: Conditions, seed: u64) -> Self {
        Self { conditions, random: SmallRng::seed_from_u64(seed), queue: VecDeque::new(), dropped: 0 }
    }

    /// Whether nothing is done to datagrams: the caller may bypass the queue.
    pub fn is_clear(&self) -> bool {
        self.conditions == Conditions::default()
    }

    pub fn enter(&mut self, now: Instant, datagram: T) {
        if self.random.random_bool(self.conditions.loss.clamp(0.0, 1.0)) || self.queue.len() >= QUEUE_MAX {
            self.dropped += 1;
            return;
        }
        self.queue.push_back((now + self.conditions.delay, datagram));
    }

    /// The next datagram that has arrived by `now`.
    pub fn leave(&mut self, now: Instant) -> Option<T> {
        let (at, _) = self.queue.front()?;
        if *at > now {
            return None;
        }
        self.queue.pop_front().map(|(_, datagram)| datagram)
    }

    pub fn next_at(&self) -> Option<Instant> {
        self.queue.front().map(|(at, _)| *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(seed: u64) -> Vec<u32> {
        let now = Instant::now();
        let mut way = Way::new(Conditions { loss: 0.1, delay: Duration::ZERO }, seed);
        for number in 0..10_000 {
            way.enter(now, number);
        }
        std::iter::from_fn(|| way.leave(now)).collect()
    }

    #[test]
    fn the_share_asked_for_is_lost_and_the_same_ones_for_a_seed() {
        let first = passed(7);
        assert!((8_800..9_200).contains(&first.len()), "{}", first.len());
        assert_eq!(first, passed(7));
        assert_ne!(first, passed(8));
    }

    #[test]
    fn a_delayed_datagram_leaves_when_its_time_has_come() {
        let now = Instant::now();
        let mut way = Way::new(Conditions { loss: 0.0, delay: Duration::from_millis(50) }, 1);
        way.enter(now, "late");
        assert_eq!(way.next_at(), Some(now + Duration::from_millis(50)));
        assert_eq!(way.leave(now + Duration::from_millis(49)), None);
        assert_eq!(way.leave(now + Duration::from_millis(50)), Some("late"));
    }
}
