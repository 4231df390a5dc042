//! Writing the audit trail. A line that cannot be written never stops the deed it is about.

use crate::domain::audit::AuditEntry;
use crate::service::clock::Clock;
use crate::store::Store;

/// The trail's one entrance.
#[derive(Clone)]
pub struct Audit {
    store: Store,
    clock: Clock,
}

impl Audit {
    /// A trail kept in `store`.
    pub fn new(store: Store, clock: Clock) -> Self {
        Self { store, clock }
    }

    /// Appends a line; the store has logged the failure if there was one.
    pub async fn note(&self, entry: AuditEntry) {
        if self.store.audit(self.clock.now(), &entry).await.is_err() {
            metrics::counter!("plenum_audit_lost_total").increment(1);
        }
    }
}
