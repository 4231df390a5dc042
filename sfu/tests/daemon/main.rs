//! Tests of everything around the engine: workers, link, settings, metrics, and the process itself.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops where it stands")]

mod branches;
mod control;
mod link;
mod metrics;
mod node;
mod process;
mod tcp;
mod worker;

use std::time::{Duration, Instant};

/// Longer than anything takes on a busy machine; only a failing test waits so long.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Looks again and again until there is something to see.
pub fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let give_up_at = Instant::now() + PATIENCE;
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(Instant::now() < give_up_at, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The same for a test that is an end of the link itself, and must go on while it waits.
pub async fn eventually_async<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let looked = async {
        loop {
            if let Some(seen) = look() {
                return seen;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    control::patiently(what, looked).await
}
