//! Counting requests against budgets. One counter per person (or address, or meeting) and action.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::error::DomainError;
use crate::domain::limit::{Budget, LimitedAction, Verdict, Window};
use crate::service::clock::Clock;

/// Counters kept at once, some 10 MB. Only an attack from very many addresses has so many within one window; new ones
/// are then refused, and everybody who is counted already goes on.
const COUNTERS_MAX: usize = 100_000;
/// Forgotten counters are looked for when the table has grown by so much.
const SWEEP_EVERY: usize = 1024;

/// Every counter of this process.
#[derive(Clone)]
pub struct Limits {
    enabled: bool,
    counters: Arc<Mutex<Counters>>,
    clock: Clock,
}

#[derive(Default)]
struct Counters {
    windows: HashMap<(LimitedAction, String), (Window, Budget)>,
    added_since_sweep: usize,
    /// Unix seconds of the last sweep; a full table is swept once a second.
    swept_s: u64,
}

impl Limits {
    /// Counters that refuse, or, when not `enabled`, count nothing.
    pub fn new(enabled: bool, clock: Clock) -> Self {
        Self { enabled, counters: Arc::default(), clock }
    }

    /// Counts one request of `key`; `None` when limits are off.
    pub fn take(&self, action: LimitedAction, key: &str, budget: Budget) -> Option<Verdict> {
        self.enabled.then(|| {
            let now_s = self.clock.unix_s();
            // A panic while counting leaves counters that are still counters.
            let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
            let verdict = counters.take(action, key, budget, now_s);
            if !verdict.allowed {
                metrics::counter!("plenum_rate_limited_total", "action" => word(action)).increment(1);
            }
            verdict
        })
    }

    /// Counts one request and refuses it when the budget is spent.
    pub fn check(&self, action: LimitedAction, key: &str, budget: Budget) -> Result<(), DomainError> {
        match self.take(action, key, budget) {
            Some(verdict) if !verdict.allowed => Err(self.refusal(verdict)),
            _ => Ok(()),
        }
    }

    /// The refusal that belongs to a verdict, with the seconds to wait.
    pub fn refusal(&self, verdict: Verdict) -> DomainError {
        DomainError::RateLimited {
            retry_after_s: verdict.resets_at_s.saturating_sub(self.clock.unix_s()).max(1),
            budget: Some(Budget { requests: verdict.limit, window_s: verdict.window_s }),
        }
    }
}

impl Counters {
    fn take(&mut self, action: LimitedAction, key: &str, budget: Budget, now_s: u64) -> Verdict {
        let id = (action, key.to_owned());
        if !self.windows.contains_key(&id) {
            self.sweep_if_due(now_s);
            if self.windows.len() >= COUNTERS_MAX {
                return refused(budget, now_s);
            }
            self.added_since_sweep += 1;
        }
        let (window, kept) = self.windows.entry(id).or_insert((Window::default(), budget));
        *kept = budget;
        window.take(now_s, budget)
    }

    fn sweep_if_due(&mut self, now_s: u64) {
        let full = self.windows.len() >= COUNTERS_MAX && now_s != self.swept_s;
        if full || self.added_since_sweep >= SWEEP_EVERY {
            self.windows.retain(|_, (window, budget)| !window.is_over(now_s, *budget));
            self.added_since_sweep = 0;
            self.swept_s = now_s;
        }
    }
}

fn refused(budget: Budget, now_s: u64) -> Verdict {
    let Budget { requests, window_s } = budget;
    Verdict { allowed: false, limit: requests, window_s, remaining: 0, resets_at_s: now_s + window_s }
}

fn word(action: LimitedAction) -> &'static str {
    match action {
        LimitedAction::Login => "login",
        LimitedAction::LoginAddress => "login_address",
        LimitedAction::Account => "account",
        LimitedAction::MeetingCreate => "meeting_create",
        LimitedAction::Read => "read",
        LimitedAction::Write => "write",
        LimitedAction::ParticipantWrite => "participant_write",
        LimitedAction::RefusalNote => "refusal_note",
        LimitedAction::DirectorySearch => "directory_search",
        LimitedAction::ChatMessage => "chat_message",
        LimitedAction::ChatTyping => "chat_typing",
        LimitedAction::ChatReceipt => "chat_receipt",
        LimitedAction::Reaction => "reaction",
        LimitedAction::MediaUpdate => "media_update",
        LimitedAction::DataSubscribe => "data_subscribe",
        LimitedAction::MediaFigures => "media_figures",
        LimitedAction::V1Manage => "v1_manage",
        LimitedAction::V1Act => "v1_act",
        LimitedAction::V1Chat => "v1_chat",
        LimitedAction::V1Status => "v1_status",
        LimitedAction::V1Socket => "v1_socket",
    }
}

#[cfg(test)]
mod tests {
    use time::Duration;

    use super::*;

    const BUDGET: Budget = Budget { requests: 1, window_s: 60 };

    #[test]
    fn c_62_each_key_has_its_own_window() {
        let limits = Limits::new(true, Clock::stopped(time::OffsetDateTime::now_utc()));
        assert!(limits.check(LimitedAction::Read, "ada", BUDGET).is_ok());
        assert!(matches!(
            limits.check(LimitedAction::Read, "ada", BUDGET),
            Err(DomainError::RateLimited { retry_after_s: 1..=60, budget: Some(BUDGET) })
        ));
        assert!(limits.check(LimitedAction::Read, "bob", BUDGET).is_ok());
        assert!(limits.check(LimitedAction::Write, "ada", BUDGET).is_ok());
    }

    #[test]
    fn limits_that_are_off_count_nothing() {
        let limits = Limits::new(false, Clock::stopped(time::OffsetDateTime::now_utc()));
        assert_eq!(limits.take(LimitedAction::Read, "ada", BUDGET), None);
        assert!((0..10).all(|_| limits.check(LimitedAction::Read, "ada", BUDGET).is_ok()));
    }

    #[test]
    fn forgotten_counters_make_room_and_a_full_table_refuses_newcomers_only() {
        let clock = Clock::stopped(time::OffsetDateTime::now_utc());
        let limits = Limits::new(true, clock.clone());
        for n in 0..COUNTERS_MAX {
            assert!(limits.check(LimitedAction::Read, &n.to_string(), BUDGET).is_ok());
        }
        let wide = Budget { requests: 5, ..BUDGET };
        assert!(limits.check(LimitedAction::Read, "late", wide).is_err());
        assert!(limits.check(LimitedAction::Read, "7", wide).is_ok());
        clock.advance(Duration::seconds(120));
        assert!(limits.check(LimitedAction::Read, "late", wide).is_ok());
    }
}
