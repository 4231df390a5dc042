//! What one consumer was sent lately or will be sent next: enough to build it from the producer layer's history.

use std::time::{Duration, Instant};

use super::rewrite::Outgoing;

/// Packets remembered at most. Older ones are beyond what a receiver still waits for at video rates.
pub const SENT_MAX: usize = 512;

/// Packets that a ring begins with: enough for sound.
const SENT_MIN: usize = 64;

/// A packet that left longer ago is not sent again: its frame is past, and a path that comes back after a while would be filled
/// with history.
const REPEATED_FOR: Duration = Duration::from_secs(1);

/// A ring grows rather than forget what left within this time: [`REPEATED_FOR`], and somewhat more for long ways.
const KEPT_FOR: Duration = Duration::from_millis(1250);

/// One packet that was sent, or will be.
#[derive(Debug, Clone, Copy)]
pub struct Sent {
    /// What it is sent with.
    pub outgoing: Outgoing,
    /// The marker bit it is sent with.
    pub marker: bool,
    /// The stream of the producer it came from.
    pub stream: u8,
    /// Its index in that stream.
    pub index: u64,
    way: Way,
    /// It was sent again.
    resent: bool,
    /// When it was noted, or sent again.
    at: Instant,
}

/// Where a packet is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// In the queue of its peer, for the first time.
    Waits,
    /// It left.
    Left,
    /// It left, and is in the queue again.
    WaitsAgain,
}

/// What [`SentRing::forget_waiting`] forgot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forgotten {
    /// As many of the last sequence numbers are never used.
    pub count: u16,
    /// The picture id of what is the last packet now.
    pub last_picture: Option<u16>,
}

/// A ring by sequence number. It takes memory with the first packet, and as much as the rate of the stream asks for: whoever
/// hears forty people has forty of these.
#[derive(Debug, Default)]
pub struct SentRing {
    ring: Vec<Option<Sent>>,
    newest: u16,
    newest_left: u16,
}

impl SentRing {
    /// Remembers a packet.
    pub fn note(
        &mut self,
        now: Instant,
        outgoing: Outgoing,
        marker: bool,
        (stream, index): (u8, u64),
        way: Way,
    ) {
        if self.ring.is_empty() {
            self.ring = vec![None; SENT_MIN];
            self.newest = outgoing.sequence_number;
            self.newest_left = outgoing.sequence_number.wrapping_sub(1);
        }
        if way == Way::Left {
            self.note_left(outgoing.sequence_number);
        }
        if outgoing.sequence_number.wrapping_sub(self.newest) as i16 > 0 {
            self.newest = outgoing.sequence_number;
        }
        while self.ring.len() < SENT_MAX && self.is_needed(now, self.place(outgoing.sequence_number)) {
            self.grow();
        }
        let slot = self.place(outgoing.sequence_number);
        self.ring[slot] = Some(Sent { outgoing, marker, stream, index, way, resent: false, at: now });
    }

    /// A packet that may be sent again now: not when that was done within the last round trip, since the repeated
    /// request then crossed our answer, and not while it waits.
    pub fn take(&mut self, now: Instant, sequence_number: u16, round_trip: Duration) -> Lookup {
        let Some(sent) = self.find_mut(sequence_number) else { return Lookup::Unknown };
        let age = now.saturating_duration_since(sent.at);
        if sent.way != Way::Left || (sent.resent && age < round_trip) {
            return Lookup::OnItsWay;
        }
        if age > REPEATED_FOR.max(round_trip * 4) {
            return Lookup::Unknown;
        }
        (sent.resent, sent.at) = (true, now);
        Lookup::Found(*sent)
    }

    /// What was taken to be sent again has to wait.
    pub fn wait_again(&mut self, sequence_number: u16) {
        if let Some(sent) = self.find_mut(sequence_number) {
            sent.way = Way::WaitsAgain;
        }
    }

    /// A packet that waits, whose turn has come; `None` when it was forgotten meanwhile.
    pub fn waiting(&self, sequence_number: u16, way: Way) -> Option<Sent> {
        self.find(sequence_number).filter(|sent| sent.way == way)
    }

    /// A packet that waited has left.
    pub fn left(&mut self, now: Instant, sequence_number: u16) {
        self.note_left(sequence_number);
        if let Some(sent) = self.find_mut(sequence_number) {
            (sent.way, sent.at) = (Way::Left, now);
        }
    }

    /// What waits will not be sent, but for the rest of a frame that has begun to leave. The numbers after that are never
    /// used: they can be given away again, and the viewer misses nothing.
    pub fn forget_waiting(&mut self) -> Forgotten {
        let begun = self.find(self.newest_left).map(|sent| sent.outgoing.timestamp);
        let mut newest = self.newest_left;
        for entry in &mut self.ring {
            let Some(sent) = entry else { continue };
            let Outgoing { sequence_number, timestamp, .. } = sent.outgoing;
            match sent.way {
                Way::Left => {}
                Way::WaitsAgain => sent.way = Way::Left,
                Way::Waits if begun != Some(timestamp) => *entry = None,
                Way::Waits if sequence_number.wrapping_sub(newest) as i16 > 0 => newest = sequence_number,
                Way::Waits => {}
            }
        }
        let count = self.newest.wrapping_sub(newest);
        self.newest = newest;
        Forgotten { count, last_picture: self.find(newest).map(|sent| sent.outgoing.picture.picture_id) }
    }

    /// A stream of the producer is numbered anew: its indices mean other packets from now on.
    pub fn forget_stream(&mut self, stream: u8) {
        for entry in &mut self.ring {
            if entry.is_some_and(|sent| sent.stream == stream) {
                *entry = None;
            }
        }
    }

    /// A packet that left, so many numbers before the newest one.
    pub fn recent(&self, back: u16) -> Option<Sent> {
        self.find(self.newest.wrapping_sub(back)).filter(|sent| sent.way == Way::Left)
    }

    fn note_left(&mut self, sequence_number: u16) {
        if sequence_number.wrapping_sub(self.newest_left) as i16 > 0 {
            self.newest_left = sequence_number;
        }
    }

    fn place(&self, sequence_number: u16) -> usize {
        // Its length is a power of two, or nothing.
        usize::from(sequence_number) & self.ring.len().saturating_sub(1)
    }

    /// What is there still waits, or may be asked for.
    fn is_needed(&self, now: Instant, place: usize) -> bool {
        let sent = self.ring[place];
        sent.is_some_and(|sent| sent.way != Way::Left || now.saturating_duration_since(sent.at) < KEPT_FOR)
    }

    /// Numbers that had places of their own have them in a ring of twice the length.
    fn grow(&mut self) {
        let doubled = vec![None; self.ring.len() * 2];
        for sent in std::mem::replace(&mut self.ring, doubled).into_iter().flatten() {
            let place = self.place(sent.outgoing.sequence_number);
            self.ring[place] = Some(sent);
        }
    }

    fn find(&self, sequence_number: u16) -> Option<Sent> {
        let sent = *self.ring.get(self.place(sequence_number))?;
        sent.filter(|sent| sent.outgoing.sequence_number == sequence_number)
    }

    fn find_mut(&mut self, sequence_number: u16) -> Option<&mut Sent> {
        let place = self.place(sequence_number);
        let sent = self.ring.get_mut(place)?;
        sent.as_mut().filter(|sent| sent.outgoing.sequence_number == sequence_number)
    }
}

/// What [`SentRing::take`] found.
#[derive(Debug, Clone, Copy)]
pub enum Lookup {
    /// Send it again.
    Found(Sent),
    /// It was sent again just now, or waits to be sent.
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
        ring.note(now, outgoing(5), true, (2, 99), Way::Left);
        let Lookup::Found(sent) = ring.take(now, 5, round_trip) else { panic!("it was just sent") };
        assert_eq!((sent.stream, sent.index, sent.marker), (2, 99, true));
        assert!(matches!(ring.take(now + round_trip / 2, 5, round_trip), Lookup::OnItsWay));
        assert!(matches!(ring.take(now + round_trip, 5, round_trip), Lookup::Found(_)));
    }

    #[test]
    fn what_is_long_past_is_not_sent_again() {
        let (now, mut ring) = (Instant::now(), SentRing::default());
        ring.note(now, outgoing(5), true, (0, 1), Way::Left);
        let late = now + REPEATED_FOR + Duration::from_millis(1);
        assert!(matches!(ring.take(late, 5, Duration::from_millis(50)), Lookup::Unknown));
        assert!(matches!(ring.take(late, 5, Duration::from_millis(400)), Lookup::Found(_)), "a long way");
    }

    /// Packets so far apart, for ten seconds; how long the ring is then, and which of the last ones are known.
    fn stream_of(interval: Duration) -> (usize, usize) {
        let (begin, mut ring) = (Instant::now(), SentRing::default());
        let count = (10.0 / interval.as_secs_f64()) as u32;
        // From there, numbers start over on the way.
        let number = |packet: u32| 65_000_u16.wrapping_add(packet as u16);
        for packet in 0..count {
            ring.note(
                begin + interval * packet,
                outgoing(number(packet)),
                false,
                (0, u64::from(packet)),
                Way::Left,
            );
        }
        let end = begin + interval * (count - 1);
        let mut is_known = |packet: &u32| match ring.take(end, number(*packet), Duration::ZERO) {
            Lookup::Found(sent) => sent.index == u64::from(*packet),
            Lookup::OnItsWay | Lookup::Unknown => false,
        };
        let known = (0..count).rev().take_while(&mut is_known).count();
        (ring.ring.len(), known)
    }

    #[test]
    fn a_ring_is_as_long_as_a_second_of_its_stream() {
        assert_eq!(stream_of(Duration::from_millis(20)), (64, 51), "sound");
        assert_eq!(stream_of(Duration::from_millis(6)), (256, 167), "1.5 Mbit/s");
        assert_eq!(stream_of(Duration::from_millis(1)), (SENT_MAX, SENT_MAX), "too much for it");
    }

    #[test]
    fn what_waits_is_not_overtaken_by_what_comes() {
        let (now, mut ring) = (Instant::now(), SentRing::default());
        let later = now + KEPT_FOR * 2;
        ring.note(now, outgoing(5), false, (0, 1), Way::Waits);
        ring.note(later, outgoing(5 + SENT_MIN as u16), false, (0, 2), Way::Waits);
        assert!(
            ring.waiting(5, Way::Waits).is_some() && ring.waiting(5 + SENT_MIN as u16, Way::Waits).is_some()
        );
    }

    #[test]
    fn a_newer_packet_takes_the_place_of_an_old_one() {
        let (now, mut ring) = (Instant::now(), SentRing::default());
        ring.note(now, outgoing(5), false, (0, 1), Way::Left);
        ring.note(now, outgoing(5 + SENT_MAX as u16), false, (0, 2), Way::Left);
        assert!(matches!(ring.take(Instant::now(), 5, Duration::ZERO), Lookup::Unknown));
    }

    #[test]
    fn what_waits_is_not_sent_again_but_on_its_way() {
        let (now, round_trip) = (Instant::now(), Duration::from_millis(50));
        let mut ring = SentRing::default();
        ring.note(now, outgoing(5), false, (0, 1), Way::Waits);
        assert!(matches!(ring.take(now, 5, round_trip), Lookup::OnItsWay));
        assert!(ring.recent(0).is_none() && ring.waiting(5, Way::Waits).is_some());
        ring.left(now, 5);
        assert!(ring.recent(0).is_some() && ring.waiting(5, Way::Waits).is_none());
        assert!(matches!(ring.take(now, 5, round_trip), Lookup::Found(_)));
        ring.wait_again(5);
        let later = now + round_trip * 2;
        assert!(matches!(ring.take(later, 5, round_trip), Lookup::OnItsWay), "its repetition still waits");
        ring.left(later, 5);
        assert!(matches!(ring.take(later + round_trip / 2, 5, round_trip), Lookup::OnItsWay));
        assert!(matches!(ring.take(later + round_trip, 5, round_trip), Lookup::Found(_)));
    }

    #[test]
    fn a_frame_that_has_begun_to_leave_is_completed() {
        let (now, mut ring) = (Instant::now(), SentRing::default());
        for number in 0..9 {
            let outgoing = Outgoing { timestamp: 3000 * u32::from(number / 3), ..outgoing(number) };
            ring.note(now, outgoing, false, (0, u64::from(number)), Way::Waits);
        }
        (0..4).for_each(|number| ring.left(now, number));
        assert_eq!(ring.forget_waiting().count, 3);
        let waiting = (0..9).filter(|&number| ring.waiting(number, Way::Waits).is_some());
        assert_eq!(waiting.collect::<Vec<_>>(), [4, 5]);
    }

    #[test]
    fn what_never_left_is_forgotten_and_what_did_stays() {
        let (now, mut ring) = (Instant::now(), SentRing::default());
        ring.note(now, outgoing(65_535), false, (0, 1), Way::Left);
        ring.note(now, outgoing(0), false, (1, 2), Way::Left);
        let later = Outgoing { timestamp: 3000, ..outgoing(1) };
        ring.note(now, later, false, (1, 3), Way::Waits);
        ring.wait_again(65_535);
        assert_eq!(ring.forget_waiting().count, 1);
        assert_eq!(ring.forget_waiting().count, 0);
        let mut found = |number| matches!(ring.take(now, number, Duration::ZERO), Lookup::Found(_));
        assert_eq!([65_535, 0, 1].map(&mut found), [true, true, false]);
        ring.forget_stream(1);
        let mut found = |number| matches!(ring.take(now, number, Duration::ZERO), Lookup::Found(_));
        assert_eq!([65_535, 0, 1].map(&mut found), [true, false, false]);
    }
}
