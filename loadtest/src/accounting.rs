//! What a subscriber may say about the packets of one subscription: all there, once, in order, and from whom.
//!
//! Pure: stamps and sequence numbers go in, a verdict comes out.

use crate::stamp::Stamp;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Numbers that should come one after the other.
#[derive(Debug, Default)]
pub struct Continuity {
    first: Option<u64>,
    next: u64,
    missing: BTreeSet<u64>,
    /// Numbers seen more than once.
    pub duplicated: u64,
    /// Numbers that came after a later one.
    pub reordered: u64,
    /// Numbers seen, each counted once.
    pub received: u64,
    /// Gaps too wide to be kept, counted only.
    abandoned: u64,
}

/// Where a number stands among those seen before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    First,
    InOrder,
    /// Numbers before it are missing, so far.
    AfterGap,
    /// A missing one that came late.
    Late,
    Duplicate,
}

/// A gap wider than this is a jump, not a loss to be repaired: its numbers are counted and not kept.
const GAP_KEPT_MAX: u64 = 10_000;

impl Continuity {
    pub fn record(&mut self, number: u64) -> Place {
        let Some(first) = self.first else {
            self.first = Some(number);
            self.next = number + 1;
            self.received = 1;
            return Place::First;
        };
        if number >= self.next {
            let place = if number == self.next { Place::InOrder } else { Place::AfterGap };
            self.note_gap(self.next, number);
            self.next = number + 1;
            self.received += 1;
            return place;
        }
        if number < first {
            // Older than the first one seen: it and what lies between belong to the run after all.
            self.note_gap(number + 1, first);
            self.first = Some(number);
        } else if !self.missing.remove(&number) {
            self.duplicated += 1;
            return Place::Duplicate;
        }
        self.received += 1;
        self.reordered += 1;
        Place::Late
    }

    /// Continues at `number` without calling what lies between missing (the SFU was not asked to send it).
    pub fn skip_to(&mut self, number: u64) {
        if self.first.is_some() && number > self.next {
            self.next = number;
        }
    }

    /// Numbers that never came, up to the highest one seen.
    pub fn lost(&self) -> u64 {
        self.missing.len() as u64 + self.abandoned
    }

    /// As [`Continuity::lost`], and those up to `last_sent` that should have followed.
    pub fn lost_until(&self, last_sent: u64) -> u64 {
        if self.first.is_none() {
            return 0;
        }
        self.lost() + (last_sent + 1).saturating_sub(self.next)
    }

    pub fn first(&self) -> Option<u64> {
        self.first
    }

    /// The first number that is missing, and the highest one seen.
    fn gap(&self) -> Option<(u64, u64)> {
        self.missing.first().map(|missing| (*missing, self.next.saturating_sub(1)))
    }

    fn note_gap(&mut self, from: u64, until: u64) {
        if until - from > GAP_KEPT_MAX {
            self.abandoned += until - from;
        } else {
            self.missing.extend(from..until);
        }
    }
}

/// One subscription as its subscriber sees it.
#[derive(Debug)]
pub struct Account {
    producer: Uuid,
    /// RTP sequence numbers of the consumer: continuous whatever happens to the producer.
    sequence: Continuity,
    /// Packets of each layer.
    layers: BTreeMap<u8, Continuity>,
    current_layer: Option<u8>,
    /// Received RTP timestamp minus the published one: constant within a layer.
    time_offset: Option<u32>,
    previous_picture: Option<Picture>,
    counts: Counts,
}

/// VP8 picture id and the frame it came on.
#[derive(Clone, Copy, Debug)]
struct Picture {
    id: u16,
    frame: (u8, u64),
}

/// What went wrong, and what was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub foreign: u64,
    pub damaged: u64,
    pub layer_switches: u64,
    /// Switches that did not begin with a keyframe: a decoder would show rubbish.
    pub unclean_switches: u64,
    /// The first packet did not begin a keyframe.
    pub unclean_starts: u64,
    /// RTP timestamps that moved against the published ones within a layer.
    pub time_breaks: u64,
    /// VP8 picture ids that did not follow each other although the packets did.
    pub picture_breaks: u64,
    pub bytes: u64,
}

impl Counts {
    /// Nothing that may never be. Switches of layer are no fault.
    pub fn is_clean(&self) -> bool {
        *self == Self { layer_switches: self.layer_switches, bytes: self.bytes, ..Self::default() }
    }
}

/// One received packet.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    /// RTP sequence number, extended beyond 16 bits.
    pub sequence: u64,
    pub rtp_time: u32,
    pub payload: &'a [u8],
    /// 15-bit picture id of the VP8 descriptor, where there is one.
    pub picture_id: Option<u16>,
    /// A packet of Opus without sound. No bot sends one; a server may, where it leaves a speaker out from then on.
    pub is_silence: bool,
    /// On the run's clock.
    pub at_ns: u64,
}

/// What the subscriber should do about a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Fine {
        delay_ns: u64,
    },
    /// The very first packet; `starts_keyframe` says whether a decoder could start with it.
    Began {
        starts_keyframe: bool,
        delay_ns: u64,
    },
    /// Nobody sent it, and it says nothing.
    Silence,
    /// Counted as a fault.
    Faulty,
}

impl Account {
    pub fn new(producer: Uuid) -> Self {
        Self {
            producer,
            sequence: Continuity::default(),
            layers: BTreeMap::new(),
            current_layer: None,
            time_offset: None,
            previous_picture: None,
            counts: Counts::default(),
        }
    }

    pub fn record(&mut self, arrival: Arrival<'_>) -> Verdict {
        self.counts.bytes += arrival.payload.len() as u64;
        let place = self.sequence.record(arrival.sequence);
        if arrival.is_silence {
            return Verdict::Silence;
        }
        let Some(stamp) = Stamp::read(arrival.payload) else {
            self.counts.damaged += 1;
            return Verdict::Faulty;
        };
        if stamp.producer != self.producer {
            self.counts.foreign += 1;
            return Verdict::Faulty;
        }
        let switched = self.note_layer(&stamp, place);
        let packet = self.layers.entry(stamp.layer).or_default().record(stamp.counter);
        if packet == Place::Duplicate {
            return Verdict::Faulty;
        }
        let delay_ns = arrival.at_ns.saturating_sub(stamp.sent_at_ns);
        self.note_time(&stamp, arrival.rtp_time, switched);
        if let Some(id) = arrival.picture_id {
            self.note_picture(&stamp, id, place);
        }
        match place {
            Place::First => {
                self.counts.unclean_starts += u64::from(!stamp.starts_keyframe);
                Verdict::Began { starts_keyframe: stamp.starts_keyframe, delay_ns }
            }
            _ => Verdict::Fine { delay_ns },
        }
    }

    /// Follows the layer that is being forwarded. Late packets of the layer before are repairs, not switches.
    fn note_layer(&mut self, stamp: &Stamp, place: Place) -> bool {
        let forward = matches!(place, Place::First | Place::InOrder | Place::AfterGap);
        if !forward || self.current_layer == Some(stamp.layer) {
            return false;
        }
        if self.current_layer.replace(stamp.layer).is_none() {
            return true;
        }
        self.counts.layer_switches += 1;
        if !stamp.starts_keyframe && place == Place::InOrder {
            self.counts.unclean_switches += 1;
        }
        self.layers.entry(stamp.layer).or_default().skip_to(stamp.counter);
        true
    }

    fn note_time(&mut self, stamp: &Stamp, rtp_time: u32, switched: bool) {
        if self.current_layer != Some(stamp.layer) {
            return;
        }
        let offset = rtp_time.wrapping_sub(stamp.rtp_time);
        let before = self.time_offset.replace(offset);
        if !switched && before.is_some_and(|before| before != offset) {
            self.counts.time_breaks += 1;
        }
    }

    fn note_picture(&mut self, stamp: &Stamp, id: u16, place: Place) {
        if matches!(place, Place::Late | Place::Duplicate) {
            return; // what comes next follows the newest packet, not a repaired one
        }
        let frame = (stamp.layer, stamp.frame);
        if let Some(previous) = self.previous_picture.filter(|_| place == Place::InOrder) {
            let step = u16::from(previous.frame != frame);
            if id != (previous.id + step) & 0x7fff {
                self.counts.picture_breaks += 1;
            }
        }
        self.previous_picture = Some(Picture { id, frame });
    }

    pub fn producer(&self) -> Uuid {
        self.producer
    }

    pub fn received(&self) -> u64 {
        self.layers.values().map(|layer| layer.received).sum()
    }

    /// Where something is missing, in words: whether it was never forwarded (no gap in sequence numbers), lost on the
    /// way, or is the end.
    pub fn whereabouts(&self) -> String {
        let mut words: Vec<String> = Vec::new();
        for (layer, counters) in &self.layers {
            let (first, last) = (counters.first.unwrap_or(0), counters.next.saturating_sub(1));
            let gap = counters.gap().map(|(missing, _)| format!(", missing from {missing}"));
            words.push(format!("layer {layer} packets {first} to {last}{}", gap.unwrap_or_default()));
        }
        if let Some((missing, highest)) = self.sequence.gap() {
            words.push(format!("sequence number {missing} missing, {highest} seen"));
        }
        words.join("; ")
    }

    pub fn has_begun(&self) -> bool {
        self.sequence.first().is_some()
    }

    /// The layer that came last.
    pub fn current_layer(&self) -> Option<u8> {
        self.current_layer
    }

    /// Packets received of each layer.
    pub fn layers(&self) -> impl Iterator<Item = (u8, u64)> + '_ {
        self.layers.iter().map(|(layer, counters)| (*layer, counters.received))
    }

    /// Packets missing by the sequence numbers alone: sent to this subscriber and never received. What the server left
    /// out on purpose (a layer, a microphone that is not among the loudest) makes no hole.
    pub fn holes(&self) -> u64 {
        self.sequence.lost()
    }

    pub fn counts(&self) -> Counts {
        self.counts
    }

    pub fn duplicated(&self) -> u64 {
        // A duplicate below SRTP's replay window never gets here; one with a new sequence number shows in its counter.
        self.layers.values().map(|layer| layer.duplicated).sum::<u64>().max(self.sequence.duplicated)
    }

    pub fn reordered(&self) -> u64 {
        self.sequence.reordered
    }

    /// The first packet received: its counter in the layer it came from.
    pub fn first_counter(&self) -> Option<u64> {
        let single = self.layers.values().next()?;
        single.first()
    }

    /// Packets missing, given how many the producer sent on each layer.
    ///
    /// Gaps show twice when a forwarded packet was lost on the way (counter and sequence number) and once when it was
    /// never forwarded (counter) or invented (sequence number): the larger count is the loss.
    pub fn lost(&self, sent: &[u64]) -> u64 {
        let within: u64 = self
            .layers
            .iter()
            .map(|(layer, counters)| {
                let sent = sent.get(usize::from(*layer)).copied().unwrap_or(0);
                let is_current = self.current_layer == Some(*layer);
                if is_current && sent > 0 { counters.lost_until(sent - 1) } else { counters.lost() }
            })
            .sum();
        within.max(self.sequence.lost())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: Uuid = Uuid::from_u128(1);

    struct Publisher {
        producer: Uuid,
    }

    impl Publisher {
        fn payload(&self, layer: u8, counter: u64, starts_keyframe: bool) -> Vec<u8> {
            let mut payload = vec![0; Stamp::LEN + 8];
            let stamp = Stamp {
                producer: self.producer,
                layer,
                starts_keyframe,
                counter,
                frame: counter,
                rtp_time: counter as u32 * 960,
                sent_at_ns: counter * 20_000_000,
            };
            stamp.write(&mut payload, 0);
            payload
        }
    }

    fn feed(account: &mut Account, payload: &[u8], sequence: u64) -> Verdict {
        let stamp = Stamp::read(payload);
        account.record(Arrival {
            sequence,
            rtp_time: stamp.map_or(0, |stamp| stamp.rtp_time.wrapping_add(5000)),
            payload,
            picture_id: None,
            is_silence: false,
            at_ns: stamp.map_or(0, |stamp| stamp.sent_at_ns + 1_000_000),
        })
    }

    fn heard(counters: &[u64]) -> Account {
        let mut account = Account::new(OURS);
        for counter in counters {
            let starts = *counter == counters[0];
            feed(&mut account, &Publisher { producer: OURS }.payload(0, *counter, starts), 1000 + counter);
        }
        account
    }

    #[test]
    fn a_whole_run_has_no_fault() {
        let account = heard(&[5, 6, 7, 8]);
        assert_eq!(account.received(), 4);
        assert_eq!(account.lost(&[9]), 0);
        assert_eq!((account.duplicated(), account.reordered()), (0, 0));
        assert!(account.counts().is_clean(), "{:?}", account.counts());
        assert_eq!(account.first_counter(), Some(5));
    }

    #[test]
    fn the_delay_of_a_packet_is_counted_from_its_stamp() {
        let publisher = Publisher { producer: OURS };
        let mut account = Account::new(OURS);
        let first = feed(&mut account, &publisher.payload(0, 1, true), 10);
        assert_eq!(first, Verdict::Began { starts_keyframe: true, delay_ns: 1_000_000 });
        assert_eq!(
            feed(&mut account, &publisher.payload(0, 2, false), 11),
            Verdict::Fine { delay_ns: 1_000_000 }
        );
    }

    #[test]
    fn a_packet_that_never_comes_is_lost() {
        assert_eq!(heard(&[1, 2, 4, 5]).lost(&[6]), 1);
    }

    #[test]
    fn packets_missing_at_the_end_are_lost() {
        assert_eq!(heard(&[1, 2, 3]).lost(&[6]), 2);
    }

    #[test]
    fn a_packet_that_comes_twice_is_a_duplicate() {
        let account = heard(&[1, 2, 2, 3]);
        assert_eq!(account.duplicated(), 1);
        assert_eq!((account.received(), account.lost(&[4])), (3, 0));
    }

    #[test]
    fn a_duplicate_with_a_new_sequence_number_is_seen_too() {
        let publisher = Publisher { producer: OURS };
        let mut account = Account::new(OURS);
        feed(&mut account, &publisher.payload(0, 1, false), 10);
        feed(&mut account, &publisher.payload(0, 2, false), 11);
        assert_eq!(feed(&mut account, &publisher.payload(0, 2, false), 12), Verdict::Faulty);
        assert_eq!(account.duplicated(), 1);
    }

    #[test]
    fn a_late_packet_is_reordered_and_not_lost() {
        let account = heard(&[1, 3, 2, 4]);
        assert_eq!(account.reordered(), 1);
        assert_eq!((account.lost(&[5]), account.duplicated(), account.received()), (0, 0, 4));
    }

    #[test]
    fn a_packet_from_before_the_first_one_belongs_to_the_run() {
        let account = heard(&[5, 3, 6]);
        assert_eq!((account.reordered(), account.lost(&[7]), account.received()), (1, 1, 3));
    }

    #[test]
    fn a_packet_of_another_producer_is_foreign() {
        let mut account = heard(&[1]);
        let verdict =
            feed(&mut account, &Publisher { producer: Uuid::from_u128(2) }.payload(0, 2, false), 1002);
        assert_eq!(verdict, Verdict::Faulty);
        assert_eq!(account.counts().foreign, 1);
    }

    #[test]
    fn a_payload_that_was_changed_is_damaged() {
        let mut account = heard(&[1]);
        let mut payload = Publisher { producer: OURS }.payload(0, 2, false);
        payload[3] ^= 0x40;
        assert_eq!(feed(&mut account, &payload, 1002), Verdict::Faulty);
        assert_eq!(account.counts().damaged, 1);
    }

    #[test]
    fn a_gap_in_sequence_numbers_alone_is_a_loss() {
        let publisher = Publisher { producer: OURS };
        let mut account = Account::new(OURS);
        feed(&mut account, &publisher.payload(0, 1, false), 10);
        feed(&mut account, &publisher.payload(0, 2, false), 12);
        assert_eq!(account.lost(&[3]), 1);
    }

    #[test]
    fn what_the_server_left_out_is_missing_but_no_hole() {
        let publisher = Publisher { producer: OURS };
        let mut account = Account::new(OURS);
        for (counter, sequence) in [(1, 10), (2, 11), (8, 12), (9, 14)] {
            feed(&mut account, &publisher.payload(0, counter, true), sequence);
        }
        assert_eq!((account.holes(), account.lost(&[12])), (1, 7));
        assert_eq!(account.layers().collect::<Vec<_>>(), [(0, 4)]);
    }

    #[test]
    fn silence_that_a_server_puts_in_is_neither_damaged_nor_a_hole() {
        let mut account = heard(&[1, 2]);
        let silence = Arrival {
            sequence: 1003,
            rtp_time: 0,
            payload: &[0xfc],
            picture_id: None,
            is_silence: true,
            at_ns: 0,
        };
        assert_eq!(account.record(silence), Verdict::Silence);
        feed(&mut account, &Publisher { producer: OURS }.payload(0, 9, true), 1004);
        assert!(account.counts().is_clean(), "{:?}", account.counts());
        assert_eq!((account.received(), account.holes(), account.lost(&[10])), (3, 0, 6));
    }

    #[test]
    fn a_timestamp_that_jumps_within_a_layer_is_a_break() {
        let publisher = Publisher { producer: OURS };
        let mut account = Account::new(OURS);
        feed(&mut account, &publisher.payload(0, 1, false), 10);
        let payload = publisher.payload(0, 2, false);
        account.record(Arrival {
            sequence: 11,
            rtp_time: 1,
            payload: &payload,
            picture_id: None,
            is_silence: false,
            at_ns: 0,
        });
        assert_eq!(account.counts().time_breaks, 1);
    }

    #[test]
    fn a_switch_of_layer_on_a_keyframe_loses_nothing() {
        let publisher = Publisher { producer: OURS };
        let mut account = Account::new(OURS);
        for counter in 0..5 {
            feed(&mut account, &publisher.payload(0, counter, counter == 0), counter);
        }
        for counter in 40..45 {
            feed(&mut account, &publisher.payload(2, counter, counter == 40), counter - 35);
        }
        for counter in 90..95 {
            feed(&mut account, &publisher.payload(0, counter, counter == 90), counter - 80);
        }
        assert_eq!(account.lost(&[95, 0, 60]), 0);
        assert_eq!(account.counts().layer_switches, 2);
        assert_eq!(account.counts().unclean_switches, 0);
    }

    #[test]
    fn a_switch_of_layer_amid_a_frame_is_unclean() {
        let publisher = Publisher { producer: OURS };
        let mut account = Account::new(OURS);
        feed(&mut account, &publisher.payload(0, 1, true), 10);
        feed(&mut account, &publisher.payload(1, 7, false), 11);
        assert_eq!(account.counts().unclean_switches, 1);
    }

    #[test]
    fn a_start_amid_a_frame_is_unclean() {
        let mut account = Account::new(OURS);
        feed(&mut account, &Publisher { producer: OURS }.payload(0, 4, false), 10);
        assert_eq!(account.counts().unclean_starts, 1);
        assert!(!account.counts().is_clean());
    }

    #[test]
    fn picture_ids_must_follow_the_frames_and_wrap_at_fifteen_bits() {
        let publisher = Publisher { producer: OURS };
        let mut account = Account::new(OURS);
        for (counter, picture_id) in [(1, 0x7ffe), (2, 0x7fff), (3, 0), (4, 2)] {
            let payload = publisher.payload(0, counter, false);
            account.record(Arrival {
                sequence: counter,
                rtp_time: counter as u32 * 960,
                payload: &payload,
                picture_id: Some(picture_id),
                is_silence: false,
                at_ns: 0,
            });
        }
        assert_eq!(account.counts().picture_breaks, 1);
    }

    #[test]
    fn a_repaired_packet_does_not_disturb_the_picture_ids() {
        let publisher = Publisher { producer: OURS };
        let mut account = Account::new(OURS);
        for counter in [1, 3, 2, 4, 5] {
            let payload = publisher.payload(0, counter, counter == 1);
            account.record(Arrival {
                sequence: counter,
                rtp_time: counter as u32 * 960,
                payload: &payload,
                picture_id: Some(counter as u16),
                is_silence: false,
                at_ns: 0,
            });
        }
        assert!(account.counts().is_clean(), "{:?}", account.counts());
    }

    #[test]
    fn a_jump_beyond_any_repair_is_counted_without_being_kept() {
        let mut continuity = Continuity::default();
        continuity.record(0);
        continuity.record(1 << 40);
        assert_eq!(continuity.lost(), (1 << 40) - 1);
        assert!(continuity.missing.is_empty());
    }
}
