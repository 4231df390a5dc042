//! A bad network between a bot and the server: packets lost, delayed, spread and slowed down, the same way for the same
//! seed.

use rand::{RngExt, SeedableRng, rngs::SmallRng};
use serde::Serialize;
use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// How bad, in each direction of every bot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Conditions {
    /// Share of datagrams lost, 0.0 to 1.0.
    pub loss: f64,
    /// One-way delay.
    #[serde(rename = "delay_ms", serialize_with = "as_ms")]
    pub delay: Duration,
    /// A datagram takes up to this much longer, evenly spread; none overtakes another.
    #[serde(rename = "jitter_ms", serialize_with = "as_ms")]
    pub jitter: Duration,
    /// Bits per second that pass; `None`: as many as come.
    pub rate_bps: Option<u64>,
}

fn as_ms<S: serde::Serializer>(duration: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_f64(duration.as_secs_f64() * 1e3)
}

impl Conditions {
    /// Whether datagrams may be thrown away: by chance, or where more come than pass.
    pub fn loses(&self) -> bool {
        self.loss > 0.0 || self.rate_bps.is_some()
    }
}

/// Datagrams kept while delayed; a queue that is full loses the newest, as a router's would.
const QUEUE_MAX: usize = 10_000;

/// The same for a link with a rate: what would wait longer is lost. Home routers keep about this much.
const WAIT_MAX: Duration = Duration::from_millis(250);

/// Headers below a datagram's payload: UDP and IPv4.
const HEADER_BYTES: usize = 28;

/// One direction of the way.
#[derive(Debug)]
pub struct Way<T> {
    conditions: Conditions,
    random: SmallRng,
    queue: VecDeque<(Instant, T)>,
    /// When the link has passed all that came so far.
    free_at: Option<Instant>,
    pub dropped: u64,
}

impl<T> Way<T> {
    pub fn new(conditions: Conditions, seed: u64) -> Self {
        let random = SmallRng::seed_from_u64(seed);
        Self { conditions, random, queue: VecDeque::new(), free_at: None, dropped: 0 }
    }

    /// Whether nothing is done to datagrams: the caller may bypass the queue.
    pub fn is_clear(&self) -> bool {
        self.conditions == Conditions::default()
    }

    /// A datagram of `len` bytes sets out.
    pub fn enter(&mut self, now: Instant, len: usize, datagram: T) {
        let is_lost = self.random.random_bool(self.conditions.loss.clamp(0.0, 1.0));
        let passed_at = self.passed_at(now, len);
        let waits_too_long = passed_at.saturating_duration_since(now) > WAIT_MAX;
        if is_lost || waits_too_long || self.queue.len() >= QUEUE_MAX {
            self.dropped += 1;
            return;
        }
        if self.conditions.rate_bps.is_some() {
            self.free_at = Some(passed_at);
        }
        let jitter = self.conditions.jitter.mul_f64(self.random.random());
        let arrives_at = passed_at + self.conditions.delay + jitter;
        let before = self.queue.back().map_or(arrives_at, |(at, _)| *at);
        self.queue.push_back((arrives_at.max(before), datagram));
    }

    /// When the link would have passed it, after everything before it.
    fn passed_at(&self, now: Instant, len: usize) -> Instant {
        let Some(rate_bps) = self.conditions.rate_bps else { return now };
        let bits = (len + HEADER_BYTES) as f64 * 8.0;
        self.free_at.map_or(now, |at| at.max(now)) + Duration::from_secs_f64(bits / rate_bps.max(1) as f64)
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

    const LEN: usize = 1_000 - HEADER_BYTES;

    fn passed(seed: u64) -> Vec<u32> {
        let now = Instant::now();
        let mut way = Way::new(Conditions { loss: 0.1, ..Conditions::default() }, seed);
        for number in 0..10_000 {
            way.enter(now, LEN, number);
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
        let delay = Duration::from_millis(50);
        let mut way = Way::new(Conditions { delay, ..Conditions::default() }, 1);
        way.enter(now, LEN, "late");
        assert_eq!(way.next_at(), Some(now + delay));
        assert_eq!(way.leave(now + Duration::from_millis(49)), None);
        assert_eq!(way.leave(now + delay), Some("late"));
    }

    #[test]
    fn jitter_spreads_the_delay_and_keeps_the_order() {
        let start = Instant::now();
        let jitter = Duration::from_millis(20);
        let mut way = Way::new(Conditions { jitter, ..Conditions::default() }, 3);
        let mut delays = Vec::new();
        for number in 0..1_000_u32 {
            let now = start + Duration::from_millis(50) * number;
            way.enter(now, LEN, number);
            delays.push(way.next_at().expect("one is on its way") - now);
            assert_eq!(way.leave(now + jitter), Some(number));
        }
        let (least, most) = (delays.iter().min().copied(), delays.iter().max().copied());
        assert!(least < Some(jitter / 10) && most > Some(jitter * 9 / 10), "{least:?} to {most:?}");

        (0..100).for_each(|number| way.enter(start, LEN, number));
        let arrived: Vec<u32> = std::iter::from_fn(|| way.leave(start + jitter)).collect();
        assert_eq!(arrived, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn a_link_passes_its_rate_and_loses_what_would_wait_too_long() {
        let start = Instant::now();
        // A kilobyte takes 8 ms.
        let mut way = Way::new(Conditions { rate_bps: Some(1_000_000), ..Conditions::default() }, 1);
        (0..100).for_each(|number| way.enter(start, LEN, number));
        assert_eq!(way.next_at(), Some(start + Duration::from_millis(8)));
        let kept = WAIT_MAX.as_millis() as u64 / 8;
        assert_eq!(way.dropped, 100 - kept);
        let arrived = std::iter::from_fn(|| way.leave(start + WAIT_MAX)).count();
        assert_eq!(arrived as u64, kept);
        way.enter(start + WAIT_MAX, LEN, 100);
        assert_eq!(way.dropped, 100 - kept, "the queue has drained");
    }
}
