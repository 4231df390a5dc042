//! What people leave behind in the database: written at once when it is there, else kept until it is, so that nobody is
//! inside for ever because a database was away while he left.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use time::OffsetDateTime;
use tokio::sync::mpsc;

use crate::domain::audit::AuditEntry;
use crate::domain::error::DomainError;
use crate::domain::id::{MeetingId, ParticipantId};
use crate::domain::session::LeaveReason;
use crate::store::Store;

/// Goodbyes waiting for the database. More people than one process can hold sockets for; those beyond are closed by the
/// next start, as everybody is after a crash.
const WAITING_MAX: usize = 100_000;
/// Pause between attempts. The store knows when its database is away, so an attempt costs next to nothing.
const AGAIN_AFTER: Duration = Duration::from_millis(250);

/// Something that is over.
pub(super) enum Goodbye {
    /// A session, and the line of the audit trail that says so, if there is one to write.
    Session { id: ParticipantId, at: OffsetDateTime, reason: LeaveReason, entry: Option<AuditEntry> },
    /// Every session of a meeting that ended.
    Meeting { id: MeetingId, at: OffsetDateTime },
}

impl Goodbye {
    /// Closing twice changes nothing, so it may be tried again after any failure.
    async fn write(&self, store: &Store) -> Result<(), DomainError> {
        match self {
            Self::Session { id, at, reason, entry } => {
                store.close_session(*id, *at, *reason).await?;
                match entry {
                    Some(entry) => store.audit(*at, entry).await,
                    None => Ok(()),
                }
            }
            Self::Meeting { id, at } => store.close_sessions_of(*id, *at, LeaveReason::Ended).await,
        }
    }
}

/// Writes goodbyes down.
pub(super) struct Goodbyes {
    store: Store,
    later: mpsc::Sender<Goodbye>,
    waiting: Arc<AtomicUsize>,
}

impl Goodbyes {
    pub(super) fn start(store: Store) -> Self {
        let (later, queue) = mpsc::channel(WAITING_MAX);
        let waiting = Arc::new(AtomicUsize::new(0));
        tokio::spawn(catch_up(store.clone(), queue, waiting.clone()));
        Self { store, later, waiting }
    }

    /// Writes it now, or has it written as soon as the database can.
    pub(super) async fn say(&self, goodbye: Goodbye) {
        if goodbye.write(&self.store).await == Err(DomainError::Unavailable) {
            self.say_later(goodbye);
        }
    }

    /// Has it written soon.
    pub(super) fn say_later(&self, goodbye: Goodbye) {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        if self.later.try_send(goodbye).is_err() {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            metrics::counter!("plenum_goodbyes_lost_total").increment(1);
        }
    }

    /// How many are not written yet.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }
}

async fn catch_up(store: Store, mut queue: mpsc::Receiver<Goodbye>, waiting: Arc<AtomicUsize>) {
    while let Some(goodbye) = queue.recv().await {
        while goodbye.write(&store).await == Err(DomainError::Unavailable) {
            tokio::time::sleep(AGAIN_AFTER).await;
        }
        waiting.fetch_sub(1, Ordering::Relaxed);
    }
}
