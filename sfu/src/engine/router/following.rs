//! Packets of a mirror, as its home has sent them on: what there was to find out about them was found out there.

use std::time::Instant;

use super::{
    Outlet, Router,
    payload::Description,
    producer::{Incoming, Taken},
};
use crate::engine::{
    packet::RtpPacket,
    relay::{Body, Head},
};

impl Router {
    /// Takes a packet of a mirror from home, and sends it on as [`Router::handle_rtp`] does.
    pub(in crate::engine) fn follow(
        &mut self,
        now: Instant,
        slot: usize,
        head: &Head,
        bytes: &[u8],
        outlet: &mut Outlet<'_>,
    ) {
        let (stream, index) = (head.stream, head.index);
        let Some(known) = self.producers[slot].streams.get(usize::from(stream)) else { return };
        if known.generation != head.generation {
            let early_report = known.early_report;
            self.restart_stream(now, slot, stream);
            self.producers[slot].streams[usize::from(stream)].begin(head.generation, early_report);
        }
        match &head.body {
            Body::Video => self.follow_video(now, slot, (stream, index), bytes, outlet),
            Body::Sound(head) => {
                let incoming = Incoming { stream, index, description: Description::SOUND };
                self.follow_sound(now, slot, &incoming, bytes, head, outlet);
            }
            &Body::Earlier { timestamp } => self.producers[slot].recent.keep(timestamp, bytes),
        }
    }

    fn follow_video(
        &mut self,
        now: Instant,
        slot: usize,
        place: (u8, u64),
        bytes: &[u8],
        outlet: &mut Outlet<'_>,
    ) {
        let Ok(packet) = RtpPacket::parse(bytes) else {
            outlet.counters.rtp_dropped_malformed += 1;
            return;
        };
        self.make_way(now, (slot, place.0), &packet, bytes, outlet);
        let producer = &mut self.producers[slot];
        match producer.follow(now, place, &packet, bytes) {
            Taken::Media(_) if producer.paused => outlet.counters.rtp_dropped_paused += 1,
            Taken::Media(incoming) => self.hold(now, slot, incoming, &packet),
            Taken::Padding { .. } => self.leave_out(now, slot, place, &packet, outlet),
            // Home could read it: what its descriptor means was said in a keyframe that did not cross.
            Taken::Malformed => outlet.counters.rtp_dropped_undescribed += 1,
            Taken::Duplicate => outlet.counters.rtp_dropped_duplicate += 1,
        }
    }
}
