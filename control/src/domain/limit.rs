//! How often something may be asked: a counter over a fixed window, so that the moment of reset can be told (C-62).

/// The things that are counted. Budgets come from dialects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LimitedAction {
    /// Login attempts of one address on one account.
    Login,
    /// Login attempts of one address on any account.
    LoginAddress,
    /// Own profile and password.
    Account,
    MeetingCreate,
    /// Every read of one dialect together.
    Read,
    /// Every write that has no budget of its own.
    Write,
    /// Adding, changing or removing participants; counted per meeting.
    ParticipantWrite,
    /// Lines of the audit trail about what one person did in vain inside meetings.
    RefusalNote,
    /// Looking people of the campus up.
    DirectorySearch,
    /// Messages of one sender within one meeting or room (C-63).
    ChatMessage,
    /// Telling a room that one types; repeated words that nobody is told do not count.
    ChatTyping,
    /// Marking messages as seen.
    ChatReceipt,
    Reaction,
    MediaUpdate,
    /// Subscribing to data channels: each is a request to a media node.
    DataSubscribe,
    /// Looking at the figures of media: each look is a request to a media node.
    MediaFigures,
    /// Starting, ending, looking at and ruling meetings, in v1.
    V1Manage,
    /// Coming, going and looking who is there, in v1.
    V1Act,
    /// Sending and reading messages, in v1.
    V1Chat,
    /// Changes of one's own status, in v1.
    V1Status,
    /// Messages over one raw WebSocket.
    V1Socket,
}

/// So many requests within so many seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    pub requests: u32,
    pub window_s: u64,
}

/// What a counter says to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    pub allowed: bool,
    pub limit: u32,
    /// Length of the window.
    pub window_s: u64,
    /// Requests left in this window, after this one.
    pub remaining: u32,
    /// Unix seconds at which the window ends.
    pub resets_at_s: u64,
}

/// Requests counted within the window that is running.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Window {
    started_s: u64,
    used: u32,
}

impl Window {
    /// Counts one request at `now_s` (unix seconds). Windows start with the first request in them; a refused request
    /// does not count.
    pub fn take(&mut self, now_s: u64, budget: Budget) -> Verdict {
        if self.is_over(now_s, budget) {
            *self = Self { started_s: now_s, used: 0 };
        }
        let allowed = self.used < budget.requests;
        self.used += u32::from(allowed);
        Verdict {
            allowed,
            limit: budget.requests,
            window_s: budget.window_s,
            // Two doors to one deed may have different budgets: what was spent at the wider one may be more than this one has.
            remaining: budget.requests.saturating_sub(self.used),
            resets_at_s: self.started_s + budget.window_s,
        }
    }

    /// Whether the window no longer counts and the counter may be forgotten.
    pub fn is_over(&self, now_s: u64, budget: Budget) -> bool {
        self.used == 0 || now_s >= self.started_s + budget.window_s || now_s < self.started_s
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUDGET: Budget = Budget { requests: 2, window_s: 60 };

    #[test]
    fn a_window_counts_down_refuses_and_starts_again() {
        let mut window = Window::default();
        assert_eq!(
            window.take(100, BUDGET),
            Verdict { allowed: true, limit: 2, window_s: 60, remaining: 1, resets_at_s: 160 }
        );
        assert_eq!(window.take(110, BUDGET).remaining, 0);
        assert_eq!(
            window.take(159, BUDGET),
            Verdict { allowed: false, limit: 2, window_s: 60, remaining: 0, resets_at_s: 160 }
        );
        assert_eq!(
            window.take(160, BUDGET),
            Verdict { allowed: true, limit: 2, window_s: 60, remaining: 1, resets_at_s: 220 }
        );
    }

    #[test]
    fn a_narrower_budget_finds_what_a_wider_one_spent() {
        let mut window = Window::default();
        let wide = Budget { requests: 5, ..BUDGET };
        assert!((0..4).all(|_| window.take(100, wide).allowed));
        let verdict = window.take(100, BUDGET);
        assert_eq!((verdict.allowed, verdict.remaining), (false, 0));
        assert_eq!(window.take(100, wide).remaining, 0);
    }

    #[test]
    fn a_clock_that_goes_back_starts_a_new_window() {
        let mut window = Window::default();
        window.take(1000, BUDGET);
        assert_eq!(window.take(10, BUDGET).resets_at_s, 70);
    }
}
