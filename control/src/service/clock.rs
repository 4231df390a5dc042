//! What time it is. The domain is told; services ask here, so that tests can decide.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use time::{Duration, OffsetDateTime};

/// A wall clock.
#[derive(Clone, Default)]
pub struct Clock {
    /// Where a stopped clock stands; `None` runs with the machine.
    stands_at: Option<OffsetDateTime>,
    /// How far this clock is ahead of the machine's; tests move it.
    ahead_s: Arc<AtomicI64>,
}

impl Clock {
    /// The time of the machine.
    pub fn system() -> Self {
        Self::default()
    }

    /// A clock that only moves when told to, for tests that count within windows of time.
    pub fn stopped(at: OffsetDateTime) -> Self {
        Self { stands_at: Some(at), ..Self::default() }
    }

    /// Now, in UTC.
    pub fn now(&self) -> OffsetDateTime {
        self.stands_at.unwrap_or_else(OffsetDateTime::now_utc)
            + Duration::seconds(self.ahead_s.load(Ordering::Relaxed))
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
