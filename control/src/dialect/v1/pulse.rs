//! When to ask a client whether it is still there, and when it counts as gone (C-46). Pure.

use std::time::{Duration, Instant};

/// How a connection is kept alive.
#[derive(Debug, Clone, Copy)]
pub struct Rhythm {
    /// From one ping of the protocol to the next.
    pub ping_every: Duration,
    /// So long nothing may be heard.
    pub silence_max: Duration,
}

impl Default for Rhythm {
    fn default() -> Self {
        Self { ping_every: Duration::from_secs(25), silence_max: Duration::from_secs(60) }
    }
}

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beat {
    Nothing,
    Ping,
    Gone,
}

/// The state of one connection.
#[derive(Debug)]
pub(super) struct Pulse {
    rhythm: Rhythm,
    heard_at: Instant,
    ping_at: Instant,
}

impl Pulse {
    pub fn new(rhythm: Rhythm, now: Instant) -> Self {
        Self { rhythm, heard_at: now, ping_at: now + rhythm.ping_every }
    }

    /// The client said something, if only a pong.
    pub fn heard(&mut self, now: Instant) {
        self.heard_at = now;
    }

    /// When to look again.
    pub fn due_at(&self) -> Instant {
        self.ping_at.min(self.heard_at + self.rhythm.silence_max)
    }

    /// Looks.
    pub fn beat(&mut self, now: Instant) -> Beat {
        if now >= self.heard_at + self.rhythm.silence_max {
            return Beat::Gone;
        }
        if now < self.ping_at {
            return Beat::Nothing;
        }
        self.ping_at = now + self.rhythm.ping_every;
        Beat::Ping
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    #[test]
    fn c_46_a_client_is_pinged_every_25_s_and_gone_after_60_s_of_silence() {
        let begun = Instant::now();
        let mut pulse = Pulse::new(Rhythm::default(), begun);
        assert_eq!(pulse.due_at(), begun + 25 * S);
        assert_eq!(pulse.beat(begun + 24 * S), Beat::Nothing);
        assert_eq!(pulse.beat(begun + 25 * S), Beat::Ping);
        assert_eq!(pulse.beat(begun + 25 * S), Beat::Nothing, "once");
        assert_eq!(pulse.beat(begun + 50 * S), Beat::Ping);
        assert_eq!(pulse.due_at(), begun + 60 * S);
        assert_eq!(pulse.beat(begun + 60 * S), Beat::Gone);
    }

    #[test]
    fn c_46_whoever_answers_stays() {
        let begun = Instant::now();
        let mut pulse = Pulse::new(Rhythm::default(), begun);
        for minute in 1..100 {
            let now = begun + minute * 59 * S;
            assert_ne!(pulse.beat(now), Beat::Gone, "after {minute} answers");
            pulse.heard(now);
        }
    }
}
