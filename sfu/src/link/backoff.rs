//! How long to wait before dialling again.

use std::time::Duration;

const WAIT_MIN: Duration = Duration::from_millis(100);
/// A person who waits for a restarted control notices more than this.
const WAIT_MAX: Duration = Duration::from_secs(2);

/// Doubles from 100 ms to 2 s. A random half of each wait keeps nodes that lost control together from returning together.
#[derive(Debug)]
pub struct Backoff {
    next: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { next: WAIT_MIN }
    }
}

impl Backoff {
    /// The next wait; `random` is any byte.
    pub fn next_wait(&mut self, random: u8) -> Duration {
        let wait = self.next;
        self.next = (wait * 2).min(WAIT_MAX);
        wait / 2 + wait / 2 * u32::from(random) / 255
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_bound_and_are_never_less_than_half() {
        let mut backoff = Backoff::default();
        let longest: Vec<_> = (0..7).map(|_| backoff.next_wait(255).as_millis()).collect();
        assert_eq!(longest, [100, 200, 400, 800, 1600, 2000, 2000]);
        assert_eq!(backoff.next_wait(0), Duration::from_secs(1));
    }
}
