//! What time it is. The domain is told; services ask here, so that tests can decide.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use time::{Duration, OffsetDateTime};

/// A wall clock.
#[derive(Clone, Default)]
pub struct Clock {
    /// How far this clock is ahead of the machine's; tests move it.
    ahead_s: Arc<AtomicI64>,
}

impl Clock {
    /// The time of the machine.
    pub fn system() -> Self {
        Self::default()
    }

    /// Now, in UTC.
    pub fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc() + Duration::seconds(self.ahead_s.load(Ordering::Relaxed))
    }

    /// Now in unix seconds; 0 before 1970.
    pub fn unix_s(&self) -> u64 {
        u64::try_from(self.now().unix_timestamp()).unwrap_or(0)
    }

    /// Moves this clock and its clones forward.
    pub fn advance(&self, by: Duration) {
        self.ahead_s.fetch_add(by.whole_seconds(), Ordering::Relaxed);
    }
}
