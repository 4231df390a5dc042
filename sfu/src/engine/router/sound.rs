//! A packet of sound on its way to the viewers: held back, thinned out, taken out of redundancy or put into it.

use std::{ops::Range, time::Instant};

use super::{
    Outlet, Router, claims,
    consumer::Sounding,
    held::fetch_ahead,
    producer::Incoming,
    red::{Recent, Red},
    silence::{self, Pass},
};
use crate::engine::{
    packet::{RtpPacket, template::Carried},
    relay::{SoundHead, home::relay_sound},
    transport::params::Elements,
};

/// Packets that are put before the first one after a pause, where the viewer takes redundancy: the start of a word that
/// was too quiet to be noticed.
const BEFORE_SPEECH: usize = 2;

/// What there is to forward of one packet of sound.
#[derive(Debug, Clone, Copy)]
pub struct Sound<'a> {
    /// The Opus payload.
    pub opus: &'a [u8],
    /// What stands for it in a pause.
    pub comfort: &'a [u8],
    /// What becomes of it.
    pub pass: Pass,
    /// Its microphone is let through; what is not forwarded is silence.
    pub heard: bool,
}

/// A packet of sound with those before it, written once for all viewers that get as many.
#[derive(Debug)]
pub struct Redundant<'a> {
    /// The Opus payload.
    opus: &'a [u8],
    /// Where the ones before it are.
    recent: &'a Recent,
    /// The publisher's timestamp.
    timestamp: u32,
    /// By how many are before it; each has its place in the bytes.
    written: [Option<Written>; BEFORE_SPEECH],
    bytes: &'a mut Vec<u8>,
}

/// What was written: how long it is, and with which payload type of Opus. It has no length where there is nothing before it.
#[derive(Debug, Clone, Copy)]
struct Written {
    payload_type: u8,
    len: Option<usize>,
}

/// Elements of the header that are carried on, prepared anew where a viewer has others than the one before.
#[derive(Debug, Default)]
pub struct CarriedOn {
    prepared: Option<(Elements, Option<Carried>)>,
}

impl Sound<'_> {
    /// Whether a viewer gets anything, and whether that is the packet itself. `pauses`: the viewer takes pauses.
    pub fn pass_to(&self, pauses: bool) -> Pass {
        if pauses || !self.heard { self.pass } else { Pass::Whole }
    }
}

/// How many packets are repeated for a viewer, where one asked for `distance` begins to hear after a pause or not.
pub fn repeated(distance: usize, begins: bool) -> usize {
    if begins { distance.max(BEFORE_SPEECH) } else { distance }
}

impl<'a> Redundant<'a> {
    /// Nothing was asked for. What is, is written over `bytes`.
    pub fn new(opus: &'a [u8], recent: &'a Recent, timestamp: u32, bytes: &'a mut Vec<u8>) -> Self {
        Redundant { opus, recent, timestamp, written: [None; BEFORE_SPEECH], bytes }
    }

    /// The packet with the sound of up to `distance` before it, for viewers with this payload type of Opus; `None` when there is
    /// nothing to repeat.
    pub fn get(&mut self, distance: usize, payload_type: u8) -> Option<&[u8]> {
        let place = distance.checked_sub(1)?;
        let room = self.opus.len() + Recent::OVERHEAD_MAX;
        let written = self.written.get_mut(place)?;
        let len = match written {
            Some(written) if written.payload_type == payload_type => written.len,
            _ => {
                if self.bytes.len() < room * BEFORE_SPEECH {
                    self.bytes.resize(room * BEFORE_SPEECH, 0);
                }
                let out = self.bytes.get_mut(place * room..)?;
                let len = if self.recent.has_before(self.timestamp, distance) {
                    self.recent.write(payload_type, distance, self.timestamp, self.opus, out)
                } else {
                    None
                };
                *written = Some(Written { payload_type, len });
                len
            }
        };
        self.bytes.get(place * room..place * room + len?)
    }
}

impl CarriedOn {
    /// For a viewer with these elements.
    pub fn to(&mut self, elements: &Elements, packet: &RtpPacket, bytes: &[u8]) -> Option<&Carried> {
        if self.prepared.as_ref().is_none_or(|(of, _)| of.carried != elements.carried) {
            self.prepared = Some((*elements, Carried::new(elements.of(packet, bytes))));
        }
        self.prepared.as_ref()?.1.as_ref()
    }
}

impl Router {
    /// Sends a packet of sound to whom it concerns. What was lost before it and comes with it as redundancy goes first.
    pub(super) fn forward_sound(
        &mut self,
        now: Instant,
        slot: usize,
        incoming: &Incoming,
        packet: &RtpPacket,
        bytes: &[u8],
        outlet: &mut Outlet<'_>,
    ) {
        let published = &self.producers[slot].published;
        let (payload, within) = (packet.payload(bytes), packet.payload_range());
        let mut opus = within.clone();
        if published.red_type == Some(packet.payload_type) {
            let Some(red) = Red::parse(payload, published.media_type) else {
                outlet.counters.rtp_dropped_malformed += 1;
                return;
            };
            outlet.counters.red_received += 1;
            opus = within.start + red.primary.start..within.start + red.primary.end;
            let count = red.blocks().len() as u64;
            for (number, block) in red.blocks().iter().enumerate() {
                let back = count - number as u64;
                let timestamp = packet.timestamp.wrapping_sub(u32::from(block.offset));
                let recovered = within.start + block.range().start..within.start + block.range().end;
                let index = incoming.index.saturating_sub(back);
                let place = (incoming.stream, index);
                let lost = self.producers[slot].recover(now, place, timestamp, recovered.len());
                if let Some(lost) = lost.filter(|_| !recovered.is_empty()) {
                    outlet.counters.red_recovered += 1;
                    let mut packet = *packet;
                    (packet.timestamp, packet.marker) = (timestamp, false);
                    self.forward_opus(now, slot, &lost, (&packet, bytes), recovered, outlet);
                }
            }
        }
        self.forward_opus(now, slot, incoming, (packet, bytes), opus, outlet);
    }

    fn forward_opus(
        &mut self,
        now: Instant,
        slot: usize,
        incoming: &Incoming,
        (packet, bytes): (&RtpPacket, &[u8]),
        place: Range<usize>,
        outlet: &mut Outlet<'_>,
    ) {
        let Some(opus) = bytes.get(place.clone()) else { return };
        let producer = &mut self.producers[slot];
        let id = producer.published.ids.audio_level;
        let claimed = packet.audio_level(bytes, id);
        let level = producer.claims.believe(now, claimed, id != 0, opus);
        let heard = self.note_voice(now, slot, level);
        let producer = &mut self.producers[slot];
        if producer.redundant_viewers > 0 || producer.followers.iter().any(|one| one.wants.redundant) {
            producer.recent.keep(packet.timestamp, opus);
        }
        let silent = claims::is_silent(claimed.map(|level| level.level_dbov_neg), opus);
        let pass = producer.pauses.judge(now, incoming.index, heard, silent);
        if !producer.followers.is_empty() {
            relay_sound(producer, incoming, (packet, bytes), place, (pass, heard), outlet);
        }
        if pass == Pass::Hold {
            let count = if heard {
                &mut outlet.counters.rtp_dropped_silent
            } else {
                &mut outlet.counters.rtp_dropped_unheard
            };
            *count += 1;
            // The cost of a microphone nobody hears ends here, however many listen.
            if !heard || producer.steady_viewers == 0 {
                return;
            }
        }
        let sound = Sound { opus, comfort: &silence::comfort(opus), pass, heard };
        self.pass_on(now, slot, incoming, (packet, bytes), &sound, outlet);
    }

    /// Sends a packet of sound that came from home to whom it concerns here.
    pub(in crate::engine) fn follow_sound(
        &mut self,
        now: Instant,
        slot: usize,
        incoming: &Incoming,
        bytes: &[u8],
        head: &SoundHead,
        outlet: &mut Outlet<'_>,
    ) {
        let place = usize::from(head.opus_start)..usize::from(head.opus_start) + usize::from(head.opus_len);
        let (Ok(mut packet), Some(opus)) = (RtpPacket::parse(bytes), bytes.get(place)) else {
            outlet.counters.rtp_dropped_malformed += 1;
            return;
        };
        (packet.timestamp, packet.marker) = (head.timestamp, head.marker);
        let SoundHead { pass, heard, .. } = *head;
        let producer = &mut self.producers[slot];
        if producer.paused {
            // It was said before the pause, of which we were told while it waited.
            outlet.counters.rtp_dropped_paused += 1;
            return;
        }
        producer.heard = heard;
        producer.pauses.segment = head.segment;
        if producer.redundant_viewers > 0 {
            producer.recent.keep(packet.timestamp, opus);
        }
        let sound = Sound { opus, comfort: &silence::comfort(opus), pass, heard };
        self.pass_on(now, slot, incoming, (&packet, bytes), &sound, outlet);
    }

    fn pass_on(
        &mut self,
        now: Instant,
        slot: usize,
        incoming: &Incoming,
        packet: (&RtpPacket, &[u8]),
        sound: &Sound<'_>,
        outlet: &mut Outlet<'_>,
    ) {
        let producer = &self.producers[slot];
        let mut bytes = std::mem::take(outlet.plain);
        let mut sounding = Sounding {
            incoming,
            packet,
            sound,
            redundant: Redundant::new(sound.opus, &producer.recent, packet.0.timestamp, &mut bytes),
            carried: CarriedOn::default(),
        };
        for (place, &slot) in producer.consumers.iter().enumerate() {
            fetch_ahead(&producer.consumers[place..], &self.consumers, outlet);
            self.consumers[slot].hear(now, &mut sounding, producer, outlet);
        }
        *outlet.plain = bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{
        packet::{HeaderFields, write_header},
        transport::params::ExtensionIds,
    };

    #[test]
    fn what_is_written_once_is_what_would_be_written_for_each_viewer() {
        let mut recent = Recent::default();
        (0..3_u8).for_each(|packet| recent.keep(u32::from(packet) * 960, &[packet; 40]));
        let (opus, mut bytes) = ([9; 50], vec![7; 10]);
        let mut redundant = Redundant::new(&opus, &recent, 2880, &mut bytes);
        let asked = [(1, 100), (2, 100), (1, 100), (0, 100), (1, 111), (2, 111), (1, 100), (3, 100)];
        for (distance, payload_type) in asked {
            let mut written = [0; 500];
            let len = recent.write(payload_type, distance, 2880, &opus, &mut written).expect("it fits");
            let expected = (1..=BEFORE_SPEECH).contains(&distance).then(|| &written[..len]);
            assert_eq!(redundant.get(distance, payload_type), expected, "{distance} {payload_type}");
        }
    }

    #[test]
    fn where_nothing_was_before_there_is_nothing_to_repeat() {
        let (recent, mut bytes) = (Recent::default(), Vec::new());
        let mut redundant = Redundant::new(&[9; 50], &recent, 2880, &mut bytes);
        assert_eq!([redundant.get(1, 100).is_some(), redundant.get(1, 100).is_some()], [false; 2]);
    }

    #[test]
    fn a_viewer_with_other_elements_gets_its_own() {
        let fields =
            HeaderFields { marker: false, payload_type: 111, sequence_number: 1, timestamp: 1, ssrc: 1 };
        let mut bytes = [0; 100];
        write_header(&mut bytes, fields, [(5, &[0x85][..])].into_iter()).expect("there is room");
        let packet = RtpPacket::parse(&bytes).expect("a packet");
        let ids = |audio_level| ExtensionIds { audio_level, ..ExtensionIds::default() };
        let mut carried = CarriedOn::default();
        for id in [1, 1, 7, 0, 1] {
            let elements = Elements::new(&ids(5), &ids(id), "");
            let expected = Carried::new((id != 0).then_some((id, &[0x85][..])).into_iter());
            let prepared = carried.to(&elements, &packet, &bytes);
            assert_eq!(format!("{prepared:?}"), format!("{:?}", expected.as_ref()), "{id}");
        }
    }
}
