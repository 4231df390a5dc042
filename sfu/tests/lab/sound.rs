//! How a listener hears a stream of sound: 20 ms are played every 20 ms behind a delay that follows the arrivals; what is
//! not there in time is concealed. Stretching and shortening, as browsers do to change the delay, is not concealment.

use std::collections::{BTreeSet, VecDeque};
use std::time::{Duration, Instant};

const TICK: Duration = Duration::from_millis(20);
/// The delay that 95 of 100 arrivals keep to is aimed at, over so many packets.
const ARRIVALS: usize = 150;
/// See [`ARRIVALS`].
const QUANTILE: f64 = 0.95;
/// Less is never aimed at.
const TARGET_MIN: i64 = 2;
/// What waits beyond the target before the sound is shortened, and below it before it is stretched, in ticks.
const TOLERANCE: i64 = 2;
/// Between two changes of the delay by a tick.
const CHANGE_EVERY: u32 = 5;

pub struct Sound {
    epoch: Instant,
    /// Sounds that wait, by their number (timestamp / 960).
    waiting: BTreeSet<u64>,
    next: Option<u64>,
    tick_at: Option<Instant>,
    /// When each of the last packets came, in ticks behind its own time.
    behind: VecDeque<i64>,
    unchanged: u32,
    /// Ticks made up while nothing waited: time that has passed for those that are missing.
    starved: u64,
    pub played: u64,
    pub concealed: Vec<Instant>,
}

impl Sound {
    pub fn new(epoch: Instant) -> Self {
        let (waiting, next, tick_at) = (BTreeSet::new(), None, None);
        let (behind, concealed) = (VecDeque::new(), Vec::new());
        Sound { epoch, waiting, next, tick_at, behind, unchanged: 0, starved: 0, played: 0, concealed }
    }

    /// `timestamp` with wraps counted.
    pub fn receive(&mut self, now: Instant, timestamp: u64) {
        let number = timestamp / 960;
        self.behind.push_back((now - self.epoch).as_millis() as i64 / 20 - number as i64);
        if self.behind.len() > ARRIVALS {
            self.behind.pop_front();
        }
        self.receive_redundant(now, timestamp);
    }

    /// The same, but it came with a later one and says nothing about the way.
    pub fn receive_redundant(&mut self, now: Instant, timestamp: u64) {
        let number = timestamp / 960;
        if self.next.is_some_and(|next| number < next) {
            return;
        }
        self.waiting.insert(number);
        self.tick_at.get_or_insert(now + TICK * TARGET_MIN as u32);
    }

    pub fn poll_timeout(&self) -> Option<Instant> {
        self.tick_at
    }

    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(at) = self.tick_at.filter(|at| *at <= now) {
            self.tick_at = Some(at + TICK);
            self.tick(at);
        }
    }

    fn tick(&mut self, at: Instant) {
        let next = *self.next.get_or_insert_with(|| *self.waiting.first().unwrap_or(&0));
        self.unchanged += 1;
        let held = self.waiting.last().map_or(0, |last| (last + 1).saturating_sub(next)) as i64;
        if self.unchanged >= CHANGE_EVERY {
            let target = self.target();
            if held > 0 && held < target - TOLERANCE {
                // Stretched: time passes and nothing is taken.
                self.unchanged = 0;
                return;
            }
            if held > target + TOLERANCE && self.waiting.contains(&next) && self.waiting.contains(&(next + 1))
            {
                // Shortened: two take the time of one.
                self.unchanged = 0;
                self.take(next, at);
            }
        }
        let next = self.next.unwrap_or(next);
        self.take(next, at);
    }

    fn take(&mut self, number: u64, at: Instant) {
        // What is missing was made up already while nothing came.
        let first = self.waiting.first().map_or(number, |first| (*first).min(number + self.starved));
        let number = number.max(first);
        if self.waiting.remove(&number) {
            self.played += 1;
            self.starved = 0;
            self.next = Some(number + 1);
            return;
        }
        self.concealed.push(at);
        if self.waiting.is_empty() {
            // Everything is late, and the delay grows.
            self.starved += 1;
        } else {
            // With later ones there, this one is lost.
            self.starved = 0;
            self.next = Some(number + 1);
        }
    }

    /// Ticks of sound that should wait.
    fn target(&self) -> i64 {
        let mut behind: Vec<_> = self.behind.iter().copied().collect();
        behind.sort_unstable();
        let (Some(&least), count) = (behind.first(), behind.len()) else { return TARGET_MIN };
        let usual = behind[((count as f64 * QUANTILE) as usize).min(count - 1)];
        (usual - least + 1).max(TARGET_MIN)
    }
}
