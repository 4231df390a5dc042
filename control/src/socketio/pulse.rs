//! One clock for all sessions: when to ping, when a client counts as gone, when our patience ends otherwise.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Mutex, PoisonError, Weak};
use std::time::Duration;

use super::Inner;
use super::session::Session;

/// How exact deadlines are; pings and patience are told in seconds.
const TICK: Duration = Duration::from_millis(50);

/// Deadlines of all sessions, the next one first; one per session, so bounded by them. Those of sessions that are gone
/// are dropped when their time comes.
#[derive(Default)]
pub(super) struct Pulse(Mutex<BinaryHeap<Reverse<Due>>>);

struct Due {
    at_ms: u64,
    session: Weak<Session>,
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.at_ms == other.at_ms
    }
}

impl Eq for Due {}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.at_ms.cmp(&other.at_ms)
    }
}

impl Pulse {
    /// Looks at the session at that time. It says itself when to look again.
    pub fn watch(&self, session: Weak<Session>, at_ms: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Reverse(Due { at_ms, session }));
    }

    fn due(&self, now_ms: u64) -> Option<Weak<Session>> {
        let mut heap = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let next = heap.peek().filter(|next| next.0.at_ms <= now_ms).is_some();
        if next { heap.pop().map(|due| due.0.session) } else { None }
    }
}

/// Ends with the server.
pub(super) async fn run(server: Weak<Inner>) {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(server) = server.upgrade() else { return };
        let now_ms = server.now_ms();
        while let Some(session) = server.pulse.due(now_ms) {
            if let Some(session) = session.upgrade()
                && let Some(at_ms) = session.look(now_ms)
            {
                // Never at once again, whatever the periods are.
                server.pulse.watch(std::sync::Arc::downgrade(&session), at_ms.max(now_ms + 1));
            }
        }
    }
}
