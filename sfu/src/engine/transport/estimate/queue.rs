//! How long packets wait on the way: the shortest delay of the last moments above the shortest of the last while.
//!
//! Jitter only ever adds to a delay, so that the shortest of many packets shows what all of them had to wait.

/// The last moments are so many slices of time, on a path without jitter.
const RECENT_MIN: f64 = 4.0;
/// Another slice for so many milliseconds of deviation: delays that wander take their time to come back down.
const NOISE_MS_A_SLICE: f64 = 5.0;
/// A slice.
const RECENT_US: u64 = 75_000;
/// Slices remembered.
const RECENT: usize = 12;
/// The last while, twice: long enough to have seen the queue empty, short enough to learn that a path has become longer.
const BASE_US: u64 = 10_000_000;

/// Shortest delays.
#[derive(Debug, Default)]
pub struct QueueDelay {
    /// The slices of time, each in the place of its number modulo [`RECENT`].
    recent: [Option<Slice>; RECENT],
    /// The number of the newest one.
    newest: u64,
    base: Option<i64>,
    base_before: Option<i64>,
    base_since_us: u64,
}

#[derive(Debug, Clone, Copy)]
struct Slice {
    number: u64,
    shortest_us: i64,
}

impl QueueDelay {
    /// A packet that left at this time was so long on its way, by two clocks.
    pub fn add(&mut self, sent_us: u64, delay_us: i64) {
        let number = sent_us / RECENT_US;
        let place = &mut self.recent[number as usize % RECENT];
        match place {
            Some(slice) if slice.number == number => slice.shortest_us = slice.shortest_us.min(delay_us),
            Some(slice) if slice.number > number => {}
            _ => {
                *place = Some(Slice { number, shortest_us: delay_us });
                self.newest = self.newest.max(number);
            }
        }
        if sent_us >= self.base_since_us + BASE_US {
            self.base_before = self.base.take();
            self.base_since_us = sent_us;
        }
        self.base = Some(self.base.map_or(delay_us, |base| base.min(delay_us)));
    }

    /// What every packet of the last moments had to wait, in milliseconds, on a path whose delays stray by `noise_ms`.
    pub fn standing_ms(&self, noise_ms: f64) -> f64 {
        let slices = (RECENT_MIN + noise_ms / NOISE_MS_A_SLICE) as u64;
        let shortest_us = if slices <= RECENT as u64 {
            (0..slices).filter_map(|back| self.slice(back)).min()
        } else {
            let recent = self.recent.iter().flatten().filter(|slice| self.newest - slice.number < slices);
            recent.map(|slice| slice.shortest_us).min()
        };
        match (shortest_us, self.base_us()) {
            (Some(shortest_us), Some(base_us)) => shortest_us.saturating_sub(base_us) as f64 / 1e3,
            _ => 0.0,
        }
    }

    /// What every packet of the last moment had to wait, in milliseconds.
    pub fn latest_ms(&self) -> f64 {
        self.waited_ms(0).unwrap_or(0.0)
    }

    /// It has become shorter by a fifth within a quarter of a second.
    pub fn shrinks(&self) -> bool {
        let before = self.waited_ms(3).or_else(|| self.waited_ms(2));
        let now = self.waited_ms(0).into_iter().chain(self.waited_ms(1)).reduce(f64::min);
        now.zip(before).is_some_and(|(now, before)| now < before * 0.8)
    }

    /// The wait in one slice, counted back from the newest.
    fn waited_ms(&self, back: u64) -> Option<f64> {
        let shortest_us = self.slice(back)?;
        Some(shortest_us.saturating_sub(self.base_us()?) as f64 / 1e3)
    }

    /// The shortest delay in one slice, counted back from the newest.
    fn slice(&self, back: u64) -> Option<i64> {
        let number = self.newest.checked_sub(back)?;
        let slice = self.recent[number as usize % RECENT].filter(|slice| slice.number == number)?;
        Some(slice.shortest_us)
    }

    /// The shortest delay of the last while.
    fn base_us(&self) -> Option<i64> {
        self.base.into_iter().chain(self.base_before).min()
    }

    /// What is waited now is the path's own delay: sending less does not shorten it.
    pub fn accept(&mut self) {
        self.base_before = None;
        self.base = self.recent.iter().flatten().map(|slice| slice.shortest_us).min();
    }

    /// The peer's clock was set: nothing can be compared.
    pub fn forget(&mut self) {
        *self = QueueDelay { base_since_us: self.base_since_us, ..QueueDelay::default() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(queue: &mut QueueDelay, from_ms: u64, to_ms: u64, delay_ms: impl Fn(u64) -> i64) {
        (from_ms..to_ms).step_by(5).for_each(|ms| queue.add(ms * 1_000, delay_ms(ms) * 1_000));
    }

    #[test]
    fn a_queue_that_stands_is_told_from_jitter() {
        let mut queue = QueueDelay::default();
        add(&mut queue, 0, 5_000, |ms| -70 + (ms * 7 % 200) as i64);
        assert!(queue.standing_ms(0.0) < 30.0);
        add(&mut queue, 5_000, 6_000, |ms| 10 + (ms * 7 % 200) as i64);
        assert!((70.0..110.0).contains(&queue.standing_ms(0.0)), "{}", queue.standing_ms(0.0));
    }

    #[test]
    fn a_queue_that_becomes_shorter_is_told_from_one_that_stays() {
        let mut queue = QueueDelay::default();
        add(&mut queue, 0, 3_000, |_| 20);
        add(&mut queue, 3_000, 3_600, |_| 120);
        assert_eq!((queue.latest_ms(), queue.shrinks()), (100.0, false));
        add(&mut queue, 3_600, 3_900, |ms| 120 - (ms as i64 - 3_600) / 5);
        assert!(queue.latest_ms() < 60.0 && queue.shrinks());
    }

    #[test]
    fn a_longer_path_becomes_the_base_by_itself_or_when_it_is_accepted() {
        let mut queue = QueueDelay::default();
        add(&mut queue, 0, 5_000, |_| 20);
        add(&mut queue, 5_000, 8_000, |_| 90);
        assert_eq!(queue.standing_ms(0.0), 70.0);
        add(&mut queue, 8_000, 28_000, |_| 90);
        assert_eq!(queue.standing_ms(0.0), 0.0);
        add(&mut queue, 28_000, 29_000, |_| 190);
        queue.accept();
        assert_eq!(queue.standing_ms(0.0), 0.0);
    }
}
