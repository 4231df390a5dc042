//! Events of all workers on their way to control: numbered in the order they are told, kept while the link is down.

use plenum_shared::event::{Event, NumberedEvent};
use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio::sync::Notify;

/// Events kept while nobody takes them, about 100 bytes each. A link that is down for seconds produces hundreds at most.
/// When it is full the oldest go: control sees by the numbers that some are missing and asks for the inventory, which
/// says more than they would have.
const QUEUE_MAX: usize = 4096;

/// The queue. Workers push, the link takes; an event is taken once, whether it arrives or not.
#[derive(Debug, Default)]
pub struct Outbox {
    state: Mutex<State>,
    pushed: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Number of the newest event.
    last: u64,
    waiting: VecDeque<Event>,
    overflowed: u64,
}

impl Outbox {
    /// Never waits for the link. The lock is held for a few instructions, and events are rare beside packets.
    pub fn push(&self, event: Event) {
        let mut state = self.state();
        if state.waiting.len() == QUEUE_MAX {
            state.waiting.pop_front();
            state.overflowed += 1;
        }
        state.last += 1;
        state.waiting.push_back(event);
        drop(state);
        self.pushed.notify_one();
    }

    /// The next event, with the number it has had since it was pushed.
    pub fn take(&self) -> Option<NumberedEvent> {
        let mut state = self.state();
        let number = state.before_next() + 1;
        state.waiting.pop_front().map(|event| NumberedEvent { number, event })
    }

    /// Returns when something was pushed since the last call; there may be nothing left of it.
    pub async fn pushed(&self) {
        self.pushed.notified().await;
    }

    /// The number after which [`Outbox::take`] goes on.
    pub fn last_taken(&self) -> u64 {
        self.state().before_next()
    }

    /// Events that wait.
    pub fn waiting(&self) -> usize {
        self.state().waiting.len()
    }

    /// Events that were dropped because nobody took them.
    pub fn overflowed(&self) -> u64 {
        self.state().overflowed
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing in here panics, and a queue of events stays whole whatever happened to a pusher.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn before_next(&self) -> u64 {
        self.last - self.waiting.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plenum_shared::id::RoomId;

    fn failed() -> Event {
        Event::RoomFailed { room: RoomId::random() }
    }

    #[test]
    fn numbers_grow_by_one_in_the_order_of_pushing() {
        let outbox = Outbox::default();
        let events = [failed(), failed(), failed()];
        events.iter().for_each(|event| outbox.push(event.clone()));
        for (number, event) in (1..).zip(events) {
            assert_eq!(outbox.take(), Some(NumberedEvent { number, event }));
        }
        assert_eq!(outbox.take(), None);
        assert_eq!(outbox.last_taken(), 3);
    }

    #[test]
    fn a_full_queue_drops_the_oldest_and_the_numbers_show_it() {
        let outbox = Outbox::default();
        (0..QUEUE_MAX + 5).for_each(|_| outbox.push(failed()));
        assert_eq!(outbox.overflowed(), 5);
        assert_eq!(outbox.last_taken(), 5);
        assert_eq!(outbox.take().map(|event| event.number), Some(6));
    }
}
