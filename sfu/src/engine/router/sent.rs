//! What one consumer was sent lately: enough to send it again from the producer layer's history.

use std::time::{Duration, Instant};

use super::rewrite::Outgoing;

/// Packets remembered. Older ones are beyond what a receiver still waits for at video rates.
pub const SENT_MAX: usize = 512;

/// One packet that was sent.
#[derive(Debug, Clone, Copy)]
pub struct Sent {
    /// What it was sent with.
    pub outgoing: Outgoing,
    /// The marker bit it was sent with.
    pub marker: bool,
    /// The stream of the producer it came from.
    pub stream: u8,
    /// Its index in that stream.
    pub index: u64,
    resent_at: Option<Instant>,
}

/// A ring by sequence number; it takes memory with the first packet.
#[derive(Debug, Default)]
pub struct SentRing {
    ring: Vec<Option<Sent>>,
}

impl SentRing {
    /// Remembers a packet.
    pub fn note(&mut self, outgoing: Outgoing, marker: bool, stream: u8, index: u64) {
        if self.ring.is_empty() {
            self.ring = vec![None; SENT_MAX];
        }
        let slot = usize::from(outgoing.sequence_number) % SENT_MAX;
        self.ring[slot] = Some(Sent { outgoing, marker, stream, index, resent_at: None });
    }

    /// A packet that may be sent again now: not when that was done within the last round trip, since the repeated
    /// request then crossed our answer.
    pub fn take(&mut self, now: Instant, sequence_number: u16, round_trip: Duration) -> Lookup {
        let slot = usize::from(sequence_number) % SENT_MAX;
        let sent = self.ring.get_mut(slot).and_then(Option::as_mut);
        let Some(sent) = sent.filter(|sent| sent.outgoing.sequence_number == sequence_number) else {
            return Lookup::Unknown;
        };
        if sent.resent_at.is_some_and(|at| now.saturating_duration_since(at) < round_trip) {
            return Lookup::OnItsWay;
        }
        sent.resent_at = Some(now);
        Lookup::Found(*sent)
    }
}

/// What [`SentRing::take`] found.
#[derive(Debug, Clone, Copy)]
pub enum Lookup {
    /// Send it again.
    Found(Sent),
    /// It was sent again just now.
    OnItsWay,
    /// It was never sent, or too long ago.
    Unknown,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outgoing(sequence_number: u16) -> Outgoing {
        Outgoing { sequence_number, ..Outgoing::default() }
    }

    #[test]
    fn a_packet_is_sent_again_once_a_round_trip() {
        let (now, round_trip) = (Instant::now(), Duration::from_millis(50));
        let mut ring = SentRing::default();
        assert!(matches!(ring.take(now, 5, round_trip), Lookup::Unknown));
        ring.note(outgoing(5), true, 2, 99);
        let Lookup::Found(sent) = ring.take(now, 5, round_trip) else { panic!("it was just sent") };
        assert_eq!((sent.stream, sent.index, sent.marker), (2, 99, true));
        assert!(matches!(ring.take(now + round_trip / 2, 5, round_trip), Lookup::OnItsWay));
        assert!(matches!(ring.take(now + round_trip, 5, round_trip), Lookup::Found(_)));
    }

    #[test]
    fn a_newer_packet_takes_the_place_of_an_old_one() {
        let mut ring = SentRing::default();
        ring.note(outgoing(5), false, 0, 1);
        ring.note(outgoing(5 + SENT_MAX as u16), false, 0, 2);
        assert!(matches!(ring.take(Instant::now(), 5, Duration::ZERO), Lookup::Unknown));
    }
}
