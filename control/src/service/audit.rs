//! Writing and reading the audit trail. A line that cannot be written never stops the deed it is about.

use crate::domain::account::UserType;
use crate::domain::actor::Actor;
use crate::domain::audit::{AuditAction, AuditEntry, AuditFilter, AuditLine};
use crate::domain::error::DomainError;
use crate::service::clock::Clock;
use crate::store::Store;

/// The trail's one entrance.
#[derive(Clone)]
pub struct Audit {
    store: Store,
    clock: Clock,
}

/// A part of the trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trail {
    pub lines: Vec<AuditLine>,
    /// The number to go on before, when there may be more.
    pub next: Option<i64>,
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

    /// Reads the trail (ADD-16): administrators all of it, campus administrators what concerns their campus. Reading it
    /// leaves a trace as well.
    ///
    /// # Errors
    /// `Forbidden` for everybody else.
    pub async fn lines(&self, actor: &Actor, filter: AuditFilter) -> Result<Trail, DomainError> {
        let allowed = readable(actor, filter);
        let entry = AuditEntry::of(AuditAction::AuditRead, actor.user_id(), &allowed);
        self.note(entry.in_campus(actor.campus().cloned())).await;
        let filter = allowed?;
        let lines = self.store.audit_lines(&filter).await?;
        let full = lines.len() as u64 >= u64::from(filter.limit);
        let next = lines.last().map(|line| line.number).filter(|_| full);
        Ok(Trail { lines, next })
    }
}

/// The filter narrowed to what the actor may see.
fn readable(actor: &Actor, filter: AuditFilter) -> Result<AuditFilter, DomainError> {
    let account = actor.account().ok_or(DomainError::Forbidden)?;
    match account.user_type {
        UserType::Admin => Ok(filter),
        UserType::CampusAdmin if filter.campus.as_ref().is_none_or(|campus| *campus == account.campus) => {
            Ok(AuditFilter { campus: Some(account.campus.clone()), ..filter })
        }
        _ => Err(DomainError::Forbidden),
    }
}
