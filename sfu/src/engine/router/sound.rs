//! A packet of sound on its way to the viewers: held back, thinned out, taken out of redundancy or put into it.

use std::{ops::Range, time::Instant};

use super::{
    Outlet, Router, claims,
    consumer::Passing,
    producer::Incoming,
    red::{Recent, Red},
    silence::{self, Pass},
};
use crate::engine::{
    packet::RtpPacket,
    relay::{SoundHead, home::relay_sound},
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

/// What one viewer gets of it.
#[derive(Debug, Clone, Copy)]
pub enum Body<'a> {
    /// This payload as it is.
    Plain(&'a [u8]),
    /// This Opus payload with the ones before it.
    Redundant {
        /// The Opus payload.
        opus: &'a [u8],
        /// Where the ones before it are.
        recent: &'a Recent,
        /// The publisher's timestamp.
        timestamp: u32,
        /// How many of them.
        distance: usize,
        /// The viewer's payload type of Opus.
        payload_type: u8,
    },
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

impl Body<'_> {
    /// Bytes it takes at most.
    pub fn len_max(&self) -> usize {
        match self {
            Body::Plain(payload) => payload.len(),
            Body::Redundant { opus, .. } => opus.len() + Recent::OVERHEAD_MAX,
        }
    }

    /// Writes it, and returns its length; `None` when it does not fit.
    pub fn write(&self, out: &mut [u8]) -> Option<usize> {
        match *self {
            Body::Plain(payload) => {
                out.get_mut(..payload.len())?.copy_from_slice(payload);
                Some(payload.len())
            }
            Body::Redundant { opus, recent, timestamp, distance, payload_type } => {
                recent.write(payload_type, distance, timestamp, opus, out)
            }
        }
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
        for &slot in &producer.consumers {
            let viewer = &mut self.consumers[slot];
            viewer.forward(now, incoming, packet, Passing::Sound(sound), producer, outlet);
        }
    }
}
