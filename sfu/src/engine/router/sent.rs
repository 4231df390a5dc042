//! What one consumer was sent lately or will be sent next: enough to build it from the producer layer's history.

use std::time::{Duration, Instant};

use super::rewrite::{Outgoing, OutgoingPicture};

/// Packets remembered at most. Older ones are beyond what a receiver still waits for at video rates.
pub const SENT_MAX: usize = 512;

/// Packets that a ring begins with, and that are added when those are not enough.
const SENT_STEP: usize = 64;

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
    /// The lower half of its index in that stream.
    pub index: u32,
}

/// As it is remembered: there are a few hundred of these for each camera that a viewer sees. Its number is that of its place.
#[derive(Debug, Clone, Copy)]
struct Entry {
    timestamp: u32,
    index: u32,
    /// When it was noted, or sent again, in milliseconds of the ring's clock, modulo 2³².
    at_ms: u32,
    picture: OutgoingPicture,
    stream: u8,
    state: State,
}

/// What else is remembered of a packet, in one byte.
#[derive(Debug, Clone, Copy)]
struct State(u8);

const VACANT: Entry = Entry {
    timestamp: 0,
    index: 0,
    at_ms: 0,
    picture: OutgoingPicture { picture_id: 0, frame_number: 0, base_index: 0, key_index: 0 },
    stream: 0,
    state: State(0),
};

impl State {
    /// Where it is: 0 when there is no such packet.
    const WAY: u8 = 0b11;
    const MARKER: u8 = 0b100;
    /// It was sent again.
    const RESENT: u8 = 0b1000;

    fn new(way: Way, marker: bool) -> Self {
        State(way as u8 | if marker { State::MARKER } else { 0 })
    }

    /// `None`: there is no such packet.
    fn way(self) -> Option<Way> {
        match self.0 & State::WAY {
            0 => None,
            1 => Some(Way::Waits),
            2 => Some(Way::Left),
            _ => Some(Way::WaitsAgain),
        }
    }

    fn set_way(&mut self, way: Way) {
        self.0 = self.0 & !State::WAY | way as u8;
    }

    fn is(self, bit: u8) -> bool {
        self.0 & bit != 0
    }
}

impl Entry {
    fn sent(&self, sequence_number: u16) -> Sent {
        let Entry { timestamp, index, picture, stream, state, .. } = *self;
        let outgoing = Outgoing { sequence_number, timestamp, picture };
        Sent { outgoing, marker: state.is(State::MARKER), stream, index }
    }
}

/// Where a packet is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// In the queue of its peer, for the first time.
    Waits = 1,
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

/// A ring by sequence number. It takes memory with the first packet of a picture, and as much as the rate of the stream asks for.
#[derive(Debug, Default)]
pub struct SentRing {
    /// The newest number has a place, and those before it have the places before that one.
    ring: Vec<Entry>,
    newest_at: usize,
    newest: u16,
    newest_left: u16,
    /// The zero of its clock.
    begun: Option<Instant>,
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
        let Outgoing { sequence_number, timestamp, picture } = outgoing;
        if self.ring.is_empty() {
            self.ring = vec![VACANT; SENT_STEP];
            self.newest = sequence_number;
            self.newest_left = sequence_number.wrapping_sub(1);
        }
        let at_ms = self.clock_ms(now);
        if way == Way::Left {
            self.note_left(sequence_number);
        }
        let ahead = sequence_number.wrapping_sub(self.newest) as i16;
        if ahead > 0 {
            self.advance(at_ms, ahead.unsigned_abs().into());
            self.newest = sequence_number;
        } else {
            self.reach_back(ahead.unsigned_abs().into());
        }
        // One that is too late for the whole ring is too late to be asked for.
        let Some(place) = self.place(sequence_number) else { return };
        let (index, state) = (index as u32, State::new(way, marker));
        self.ring[place] = Entry { timestamp, index, at_ms, picture, stream, state };
    }

    /// A packet that may be sent again now: not when that was done within the last round trip, since the repeated
    /// request then crossed our answer, and not while it waits.
    pub fn take(&mut self, now: Instant, sequence_number: u16, round_trip: Duration) -> Lookup {
        let now_ms = self.clock_ms(now);
        let Some(entry) = self.find_mut(sequence_number) else { return Lookup::Unknown };
        let age = age(now_ms, entry.at_ms);
        if entry.state.way() != Some(Way::Left) || (entry.state.is(State::RESENT) && age < round_trip) {
            return Lookup::OnItsWay;
        }
        if age > REPEATED_FOR.max(round_trip * 4) {
            return Lookup::Unknown;
        }
        entry.state.0 |= State::RESENT;
        entry.at_ms = now_ms;
        Lookup::Found(entry.sent(sequence_number))
    }

    /// What was taken to be sent again has to wait.
    pub fn wait_again(&mut self, sequence_number: u16) {
        if let Some(entry) = self.find_mut(sequence_number) {
            entry.state.set_way(Way::WaitsAgain);
        }
    }

    /// A packet that waits, whose turn has come; `None` when it was forgotten meanwhile.
    pub fn waiting(&self, sequence_number: u16, way: Way) -> Option<Sent> {
        let entry = self.find(sequence_number).filter(|entry| entry.state.way() == Some(way));
        entry.map(|entry| entry.sent(sequence_number))
    }

    /// A packet that waited has left.
    pub fn left(&mut self, now: Instant, sequence_number: u16) {
        let now_ms = self.clock_ms(now);
        self.note_left(sequence_number);
        if let Some(entry) = self.find_mut(sequence_number) {
            entry.state.set_way(Way::Left);
            entry.at_ms = now_ms;
        }
    }

    /// What waits will not be sent, but for the rest of a frame that has begun to leave. The numbers after that are never
    /// used: they can be given away again, and the viewer misses nothing.
    pub fn forget_waiting(&mut self) -> Forgotten {
        let begun = self.find(self.newest_left).map(|entry| entry.timestamp);
        let mut newest = self.newest_left;
        for place in 0..self.ring.len() {
            let number = self.number(place);
            let entry = &mut self.ring[place];
            match entry.state.way() {
                None | Some(Way::Left) => {}
                Some(Way::WaitsAgain) => entry.state.set_way(Way::Left),
                Some(Way::Waits) if begun != Some(entry.timestamp) => *entry = VACANT,
                Some(Way::Waits) if number.wrapping_sub(newest) as i16 > 0 => newest = number,
                Some(Way::Waits) => {}
            }
        }
        let count = self.newest.wrapping_sub(newest);
        // If it has no place any more, all of them are vacant now.
        self.newest_at = self.place(newest).unwrap_or(0);
        self.newest = newest;
        Forgotten { count, last_picture: self.find(newest).map(|entry| entry.picture.picture_id) }
    }

    /// A stream of the producer is numbered anew: its indices mean other packets from now on.
    pub fn forget_stream(&mut self, stream: u8) {
        for entry in &mut self.ring {
            if entry.stream == stream {
                *entry = VACANT;
            }
        }
    }

    /// A packet that left, so many numbers before the newest one.
    pub fn recent(&self, back: u16) -> Option<Sent> {
        let number = self.newest.wrapping_sub(back);
        let entry = self.find(number).filter(|entry| entry.state.way() == Some(Way::Left));
        entry.map(|entry| entry.sent(number))
    }

    fn note_left(&mut self, sequence_number: u16) {
        if sequence_number.wrapping_sub(self.newest_left) as i16 > 0 {
            self.newest_left = sequence_number;
        }
    }

    fn clock_ms(&mut self, now: Instant) -> u32 {
        let since = now.saturating_duration_since(*self.begun.get_or_insert(now));
        (since.as_secs() as u32).wrapping_mul(1000).wrapping_add(since.subsec_millis())
    }

    /// Goes on by so many numbers, which are vacant.
    fn advance(&mut self, now_ms: u32, count: usize) {
        while self.ring.len() < SENT_MAX
            && (1..=count.min(self.ring.len())).any(|ahead| self.is_needed(now_ms, self.after(ahead)))
        {
            self.grow();
        }
        for _ in 0..count.min(self.ring.len()) {
            self.newest_at = self.after(1);
            self.ring[self.newest_at] = VACANT;
        }
    }

    /// Has a place for the number so far before the newest one, if there may be so many.
    fn reach_back(&mut self, behind: usize) {
        while behind < SENT_MAX && behind >= self.ring.len() {
            self.grow();
        }
    }

    /// The place so far behind the newest one, which is that of the oldest ones.
    fn after(&self, ahead: usize) -> usize {
        let at = self.newest_at + ahead;
        if at < self.ring.len() { at } else { at - self.ring.len() }
    }

    fn place(&self, sequence_number: u16) -> Option<usize> {
        let (len, behind) = (self.ring.len(), usize::from(self.newest.wrapping_sub(sequence_number)));
        if behind >= len {
            return None;
        }
        Some(if behind <= self.newest_at { self.newest_at - behind } else { self.newest_at + len - behind })
    }

    /// The number that has this place.
    fn number(&self, place: usize) -> u16 {
        let len = self.ring.len();
        let behind =
            if place <= self.newest_at { self.newest_at - place } else { self.newest_at + len - place };
        self.newest.wrapping_sub(behind as u16)
    }

    /// What is there still waits, or may be asked for.
    fn is_needed(&self, now_ms: u32, place: usize) -> bool {
        let entry = &self.ring[place];
        entry.state.way().is_some_and(|way| way != Way::Left || age(now_ms, entry.at_ms) < KEPT_FOR)
    }

    /// There are more places after the newest one.
    fn grow(&mut self) {
        let (len, oldest_at) = (self.ring.len(), self.after(1));
        self.ring.rotate_left(oldest_at);
        self.newest_at = len - 1;
        self.ring.reserve_exact(SENT_STEP);
        self.ring.resize(len + SENT_STEP, VACANT);
    }

    fn find(&self, sequence_number: u16) -> Option<&Entry> {
        let entry = self.ring.get(self.place(sequence_number)?)?;
        Some(entry).filter(|entry| entry.state.way().is_some())
    }

    fn find_mut(&mut self, sequence_number: u16) -> Option<&mut Entry> {
        let place = self.place(sequence_number)?;
        self.ring.get_mut(place).filter(|entry| entry.state.way().is_some())
    }
}

/// The time between two readings of a ring's clock; none where `now` is the earlier one, for a batch has one time and what is sent
/// in between a later one.
fn age(now_ms: u32, at_ms: u32) -> Duration {
    let passed_ms = now_ms.wrapping_sub(at_ms).cast_signed();
    Duration::from_millis(passed_ms.max(0).cast_unsigned().into())
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
    use proptest::prelude::*;
    use std::collections::HashMap;

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
            Lookup::Found(sent) => sent.index == *packet,
            Lookup::OnItsWay | Lookup::Unknown => false,
        };
        let known = (0..count).rev().take_while(&mut is_known).count();
        (ring.ring.len(), known)
    }

    #[test]
    fn a_ring_is_as_long_as_a_second_of_its_stream() {
        assert_eq!(stream_of(Duration::from_millis(20)), (64, 51), "one packet every 20 ms");
        assert_eq!(stream_of(Duration::from_millis(6)), (256, 167), "1.5 Mbit/s");
        assert_eq!(stream_of(Duration::from_millis(4)), (320, 251), "2 Mbit/s");
        assert_eq!(stream_of(Duration::from_millis(1)), (SENT_MAX, SENT_MAX), "too much for it");
    }

    #[test]
    fn an_entry_is_small() {
        assert_eq!(size_of::<Entry>(), 20);
    }

    #[test]
    fn what_waits_is_not_overtaken_by_what_comes() {
        let (now, mut ring) = (Instant::now(), SentRing::default());
        let later = now + KEPT_FOR * 2;
        ring.note(now, outgoing(5), false, (0, 1), Way::Waits);
        ring.note(later, outgoing(5 + SENT_STEP as u16), false, (0, 2), Way::Waits);
        assert!(
            ring.waiting(5, Way::Waits).is_some() && ring.waiting(5 + SENT_STEP as u16, Way::Waits).is_some()
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

    proptest! {
        /// Each step goes on by some numbers, or back to one that is late. All of it happens within a second.
        #[test]
        fn what_is_found_is_what_was_noted_and_the_newest_numbers_are_there(
            first in any::<u16>(),
            steps in proptest::collection::vec((prop_oneof![9 => 1..4_i32, 1 => 4..90, 3 => -70..0], any::<bool>()), 1..900),
        ) {
            let (now, mut ring) = (Instant::now(), SentRing::default());
            let mut noted = HashMap::new();
            let mut newest = 0;
            for (index, (step, left)) in steps.into_iter().enumerate() {
                let number = if index == 0 { 0 } else { newest + step };
                newest = newest.max(number);
                let way = if left { Way::Left } else { Way::Waits };
                ring.note(now, outgoing(first.wrapping_add(number as u16)), false, (0, index as u64), way);
                noted.insert(number, (index as u32, way));
            }
            for number in newest - 2 * SENT_MAX as i32..=newest + 1 {
                let sequence_number = first.wrapping_add(number as u16);
                let found = [Way::Left, Way::Waits]
                    .into_iter()
                    .find_map(|way| Some((ring.waiting(sequence_number, way)?.index, way)));
                let known = noted.get(&number).copied().filter(|_| newest - number < SENT_MAX as i32);
                prop_assert_eq!(found, known, "{} of {}", number, newest);
            }
        }
    }
}
