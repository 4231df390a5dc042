//! What is kept for a client that may lose its socket and come back (ADD-EV-18): the last events said to it. Pure.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::socketio::Full;

/// Events kept for one client: a whole house entering and leaving in the time a train needs for a tunnel. The bytes
/// are shared with everybody who heard them.
const EVENTS_MAX: usize = 1000;
/// Bytes of them, however they are shared.
const BYTES_MAX: usize = 1024 * 1024;

/// The state of coming back.
pub(super) struct Away {
    /// The name the client comes back under.
    pub pid: String,
    kept: VecDeque<(u64, Bytes)>,
    bytes: usize,
    /// The newest event that is kept no longer; `None` while everything is.
    dropped: Option<u64>,
    /// Kept since the socket was lost.
    since_lost: usize,
    /// Rises with each loss and each return, so that a late deadline knows it is not meant.
    visit: u64,
}

impl Away {
    pub fn new(pid: String) -> Self {
        Self { pid, kept: VecDeque::new(), bytes: 0, dropped: None, since_lost: 0, visit: 0 }
    }

    /// Notes what is said. `Full`: the client is away and what it missed does not fit any more.
    pub fn keep(&mut self, offset: u64, packet: Bytes, lost: bool) -> Result<(), Full> {
        self.bytes += packet.len();
        self.kept.push_back((offset, packet));
        self.since_lost = if lost { self.since_lost + 1 } else { 0 };
        while self.kept.len() > EVENTS_MAX || self.bytes > BYTES_MAX {
            let Some((offset, packet)) = self.kept.pop_front() else { break };
            self.bytes -= packet.len();
            self.dropped = Some(offset);
        }
        if self.since_lost > self.kept.len() { Err(Full) } else { Ok(()) }
    }

    /// The socket is lost, or another one is about to take its place. Says which visit is over.
    pub fn begin(&mut self) -> u64 {
        self.visit += 1;
        self.visit
    }

    pub fn visit(&self) -> u64 {
        self.visit
    }

    /// Whether everything behind the last event seen is still here; `None`: nothing was seen.
    pub fn knows(&self, seen: Option<u64>) -> bool {
        self.behind(seen).is_some()
    }

    /// What was said behind the last event seen, in order; `None` when some of it is not kept any more.
    pub fn missed(&mut self, seen: Option<u64>) -> Option<Vec<Bytes>> {
        let from = self.behind(seen)?;
        self.since_lost = 0;
        self.visit += 1;
        Some(self.kept.range(from..).map(|(_, packet)| packet.clone()).collect())
    }

    /// Position of the first missed event. Found by place and not by size: events of two meetings may reach a client in
    /// another order than that of their numbers.
    fn behind(&self, seen: Option<u64>) -> Option<usize> {
        if seen == self.dropped {
            return Some(0);
        }
        let seen = seen?;
        self.kept.iter().rposition(|(offset, _)| *offset == seen).map(|at| at + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn away_with(offsets: impl IntoIterator<Item = u64>) -> Away {
        let mut away = Away::new("p".into());
        for offset in offsets {
            away.keep(offset, Bytes::from(offset.to_string()), false).expect("there is room");
        }
        away
    }

    #[test]
    fn what_was_not_seen_comes_back_in_order() {
        let mut away = away_with([3, 5, 4, 9]);
        assert_eq!(away.missed(Some(5)).expect("kept"), ["4", "9"]);
        assert_eq!(away.missed(Some(9)).expect("kept").len(), 0);
        assert_eq!(away.missed(None).expect("nothing was dropped").len(), 4);
        assert!(away.missed(Some(8)).is_none(), "never said to this client");
    }

    #[test]
    fn a_client_that_saw_the_last_event_that_was_dropped_misses_nothing() {
        let mut away = away_with(1..=EVENTS_MAX as u64 + 2);
        assert!(!away.knows(None) && !away.knows(Some(1)));
        assert_eq!(away.missed(Some(2)).expect("all behind it is kept").len(), EVENTS_MAX);
    }

    #[test]
    fn a_client_that_is_away_for_too_much_is_given_up() {
        let mut away = away_with([1]);
        let lost = |away: &mut Away, offset| away.keep(offset, Bytes::from_static(b"x"), true);
        assert!((2..2 + EVENTS_MAX as u64).all(|offset| lost(&mut away, offset).is_ok()));
        assert_eq!(lost(&mut away, 5000), Err(Full));
        let mut away = away_with([1]);
        let large = Bytes::from(vec![b'x'; BYTES_MAX / 2 + 1]);
        assert!(away.keep(2, large.clone(), true).is_ok());
        assert_eq!(away.keep(3, large, true), Err(Full));
    }

    #[test]
    fn each_loss_and_each_return_is_another_visit() {
        let mut away = away_with([1]);
        let first = away.begin();
        assert!(away.missed(Some(1)).is_some());
        assert_ne!(away.visit(), first);
        assert_ne!(away.begin(), first);
    }
}
