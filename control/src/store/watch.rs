//! Whether the database is there. What one use has found out every other knows at once, so that nobody else waits for a
//! database that is away: a meeting goes on, and a request is refused now instead of in five seconds.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::{Notify, watch};

use super::engine::{Engine, Prober};
use super::refusal::{StoreError, Trouble};

/// How often a PostgreSQL server is asked whether it is there, and any database whether its trouble is over.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A server that has not answered so simple a question by then is as good as gone.
const ANSWER_MAX: Duration = Duration::from_secs(3);

/// What is known about the database.
pub(super) struct Watch {
    trouble: watch::Sender<Option<Trouble>>,
    suspicion: Notify,
}

impl Watch {
    /// Keeps watch for as long as this or a transaction of it exists.
    pub(super) fn start(engine: &Engine) -> Arc<Self> {
        let watch = Arc::new(Self { trouble: watch::Sender::new(None), suspicion: Notify::new() });
        let prober = engine.prober();
        tokio::spawn(look(prober, Arc::downgrade(&watch), watch.trouble.subscribe()));
        watch
    }

    /// The trouble there is, if any.
    pub(super) fn trouble(&self) -> Option<Trouble> {
        *self.trouble.borrow()
    }

    /// Does `work` unless it is known to be in vain, or that turns out while it waits.
    pub(super) async fn guard<T>(
        &self,
        writes: bool,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let mut trouble = self.trouble.subscribe();
        let in_vain = trouble.wait_for(|trouble| trouble.is_some_and(|trouble| trouble.stops(writes)));
        tokio::select! {
            biased;
            Ok(trouble) = in_vain => Err(StoreError::Away(trouble.unwrap_or(Trouble::Gone))),
            done = work => {
                if let Err(error) = &done {
                    self.note(error, writes);
                }
                done
            }
        }
    }

    /// Learns from a failure. `waited`: for the lock that all writing needs.
    pub(super) fn note(&self, error: &StoreError, waited: bool) {
        let StoreError::Sql(error) = error else { return };
        match Trouble::of(error) {
            Some(Trouble::Disk) => self.set(Some(Trouble::Disk)),
            Some(Trouble::Busy) if waited && Trouble::is_sqlite_lock(error) => self.set(Some(Trouble::Busy)),
            // May be one connection only, or too much to do: a look tells.
            Some(Trouble::Gone | Trouble::Busy) => self.suspicion.notify_one(),
            None => {}
        }
    }

    fn set(&self, trouble: Option<Trouble>) {
        let changed = self.trouble.send_if_modified(|known| {
            // Whoever cannot be reached is not looked at more closely.
            let stays = *known == trouble || (*known == Some(Trouble::Gone) && trouble.is_some());
            if !stays {
                *known = trouble;
            }
            !stays
        });
        if changed {
            match trouble {
                Some(trouble) => tracing::error!(trouble = trouble.as_str(), "the database is in trouble"),
                None => tracing::info!("the database is well again"),
            }
        }
    }
}

/// Looks after the database. PostgreSQL is asked all the time; SQLite is part of this process and looked at when
/// something went wrong.
async fn look(mut prober: Prober, watch: Weak<Watch>, mut trouble: watch::Receiver<Option<Trouble>>) {
    loop {
        if !prober.is_remote() && trouble.wait_for(Option::is_some).await.is_err() {
            return;
        }
        let Some(watching) = watch.upgrade() else { return };
        // Suspected or not, it is time for a look.
        let _ = tokio::time::timeout(LOOK_EVERY, watching.suspicion.notified()).await;
        drop(watching);
        let known = *trouble.borrow_and_update();
        let found = tokio::time::timeout(ANSWER_MAX, prober.trouble(known)).await;
        let Some(watching) = watch.upgrade() else { return };
        // Without an answer a lock or a full disk is still what it was.
        let found = found.unwrap_or(known.or(prober.is_remote().then_some(Trouble::Gone)));
        watching.set(found);
    }
}
