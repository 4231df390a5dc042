//! What statistics remember, from every running meeting into the database: collected as it happens, written a few
//! seconds later in one transaction for all meetings, so that nobody waits for it. A crash loses those seconds.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use metrics::counter;
use plenum_shared::id::RoomId;
use time::OffsetDateTime;

use crate::domain::analytics::Traffic;
use crate::domain::id::MeetingId;
use crate::domain::ledger::Fact;
use crate::domain::ledger::batch::Batch;
use crate::store::Store;

/// How long facts wait at most while the database answers.
const WRITTEN_EVERY: Duration = Duration::from_secs(2);

/// The facts of all meetings. Cheap to clone.
#[derive(Clone)]
pub struct Facts(Arc<Inner>);

struct Inner {
    store: Store,
    pending: Mutex<Batch>,
    /// One write at a time: a failed batch is put back before the next is taken.
    writing: tokio::sync::Mutex<()>,
}

impl Facts {
    /// Facts on their way into `store`.
    pub(super) fn start(store: Store) -> Self {
        let facts = Self(Arc::new(Inner { store, pending: Mutex::default(), writing: Default::default() }));
        let writer = facts.clone();
        tokio::spawn(async move {
            let mut ticks = tokio::time::interval(WRITTEN_EVERY);
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                writer.flush().await;
            }
        });
        facts
    }

    pub(super) fn note(&self, meeting: MeetingId, started_at: OffsetDateTime, facts: Vec<Fact>) {
        let mut pending = self.pending();
        for fact in facts {
            if !pending.note(meeting, started_at, fact) {
                counter!("plenum_facts_dropped_total").increment(1);
            }
        }
    }

    pub(super) fn note_traffic(&self, meeting: MeetingId, room: RoomId, traffic: Traffic) {
        self.pending().note_traffic(meeting, room, traffic);
    }

    /// Writes what is known by now; returns when it is there, or kept for the next attempt.
    pub async fn flush(&self) {
        let _one_at_a_time = self.0.writing.lock().await;
        let batch = std::mem::take(&mut *self.pending());
        if batch.is_empty() {
            return;
        }
        // A failure is logged by the store.
        if self.0.store.keep_facts(&batch).await.is_err() {
            self.pending().put_back(batch);
        }
    }

    fn pending(&self) -> MutexGuard<'_, Batch> {
        self.0.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
