//! Who is typing, and until when others are to believe it (C-54).
//!
//! Typing lasts three seconds after the last word of it, or until it is taken back. It is told again at most once a
//! second, and its end exactly once. Time comes in as an argument.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::{Duration, Instant};

use super::participant::ConnectionId;

/// How long typing is believed after it was last heard of.
pub const EXPIRES_AFTER: Duration = Duration::from_secs(3);
/// How soon the same typing is told again.
pub const TOLD_EVERY: Duration = Duration::from_secs(1);
/// People typing at once in one process. An entry lives three seconds, so only an attack has so many; whoever comes
/// then types unannounced.
const TYPISTS_MAX: usize = 50_000;

/// Everybody who types now. `W` says who, and where.
#[derive(Debug)]
pub struct Typists<W> {
    typing: HashMap<W, Typist>,
}

#[derive(Debug, Clone, Copy)]
struct Typist {
    /// The connection that said so last; when it goes, the typing ends.
    by: ConnectionId,
    expires_at: Instant,
    told_at: Instant,
}

impl<W> Default for Typists<W> {
    fn default() -> Self {
        Self { typing: HashMap::new() }
    }
}

impl<W: Copy + Eq + Hash> Typists<W> {
    /// Somebody types. True when the others are to be told.
    pub fn typed(&mut self, who: W, by: ConnectionId, now: Instant) -> bool {
        let expires_at = now + EXPIRES_AFTER;
        if let Some(typist) = self.typing.get_mut(&who) {
            let tell = now.saturating_duration_since(typist.told_at) >= TOLD_EVERY;
            let told_at = if tell { now } else { typist.told_at };
            *typist = Typist { by, expires_at, told_at };
            return tell;
        }
        if self.typing.len() >= TYPISTS_MAX {
            return false;
        }
        self.typing.insert(who, Typist { by, expires_at, told_at: now });
        true
    }

    /// Whether somebody types as far as is known.
    pub fn is_typing(&self, who: W) -> bool {
        self.typing.contains_key(&who)
    }

    /// Somebody types no more. True when the others are to be told: they believed it until now.
    pub fn stopped(&mut self, who: W) -> bool {
        self.typing.remove(&who).is_some()
    }

    /// A connection is gone. Says whose typing ended with it.
    pub fn disconnected(&mut self, by: ConnectionId) -> Vec<W> {
        self.take(|typist| typist.by == by)
    }

    /// Says whose typing has expired by `now`; each is said once.
    pub fn expired(&mut self, now: Instant) -> Vec<W> {
        self.take(|typist| typist.expires_at <= now)
    }

    /// When the next typing expires.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.typing.values().map(|typist| typist.expires_at).min()
    }

    fn take(&mut self, ends: impl Fn(&Typist) -> bool) -> Vec<W> {
        let ended: Vec<W> = self.typing.iter().filter(|(_, t)| ends(t)).map(|(who, _)| *who).collect();
        for who in &ended {
            self.typing.remove(who);
        }
        ended
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PHONE: ConnectionId = ConnectionId(1);
    const LAPTOP: ConnectionId = ConnectionId(2);
    const TICK: Duration = Duration::from_millis(1);

    fn board() -> (Typists<&'static str>, Instant) {
        (Typists::default(), Instant::now())
    }

    #[test]
    fn rt_11_typing_expires_three_seconds_after_its_last_word_and_is_told_once() {
        let (mut typists, start) = board();
        assert!(typists.typed("ada", PHONE, start));
        let again = start + Duration::from_millis(900);
        assert!(!typists.typed("ada", PHONE, again), "within a second nobody is told again");
        assert_eq!(typists.next_deadline(), Some(again + EXPIRES_AFTER));
        assert!(typists.expired(again + EXPIRES_AFTER - TICK).is_empty());
        assert_eq!(typists.expired(again + EXPIRES_AFTER), ["ada"]);
        assert!(typists.expired(again + EXPIRES_AFTER).is_empty(), "the end is told once");
        assert!(!typists.stopped("ada"));
        assert_eq!(typists.next_deadline(), None);
    }

    #[test]
    fn c_54_whoever_goes_on_typing_is_told_once_a_second() {
        let (mut typists, start) = board();
        let told = (0..40).filter(|n| typists.typed("ada", PHONE, start + *n * Duration::from_millis(100)));
        assert_eq!(told.count(), 4);
    }

    #[test]
    fn c_54_typing_ends_with_the_connection_it_was_last_heard_on() {
        let (mut typists, start) = board();
        typists.typed("ada", PHONE, start);
        typists.typed("ada", LAPTOP, start + TICK);
        typists.typed("bob", PHONE, start);
        assert_eq!(typists.disconnected(PHONE), ["bob"]);
        assert_eq!(typists.disconnected(LAPTOP), ["ada"]);
    }

    #[test]
    fn typing_that_was_taken_back_is_told_anew_at_once() {
        let (mut typists, start) = board();
        assert!(typists.typed("ada", PHONE, start));
        assert!(typists.stopped("ada"));
        assert!(typists.typed("ada", PHONE, start + TICK));
    }
}
