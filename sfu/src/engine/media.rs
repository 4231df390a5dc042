//! Plain RTP and RTCP of a peer, on their way into its room's router.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use plenum_shared::{
    details::RemoteReport,
    media::{Kind, Source},
};

use super::{
    Engine, RETRY_AFTER, Waiting,
    bandwidth::ReportsTaken,
    demux::Slot,
    packet::RtpPacket,
    peer::{FIRST_REPORT_AFTER, ROUND_TRIP_UNKNOWN},
    quality::is_frozen,
    relay::message::ToBranch,
    router::{
        Outlet, Router,
        held::{Portion, Progress},
        repair,
        speaker::JUDGED_EVERY,
    },
    transport::rtcp::{
        self, ExtendedBlock, NackPairs, ReportBlock, RtcpPacket, SenderReport, reference_time,
    },
};

/// Between two repetitions of one packet at least: the round trip is the viewer's word, and one of nothing would let a
/// few bytes of requests have hundreds of packets repeated, again and again.
const REPEAT_MIN: Duration = Duration::from_millis(10);
/// And at most: what was lost twice is of no use when it comes even later.
const REPEAT_MAX: Duration = Duration::from_millis(500);

/// Lends a room's router and everything it sends to, at once.
macro_rules! router_and_outlet {
    ($engine:ident, $room:expr) => {{
        let room = &mut $engine.rooms[$room];
        let outlet = $crate::engine::router::Outlet {
            room: room.id,
            peers: &mut $engine.peers,
            egress: &mut $engine.egress,
            counters: &mut $engine.counters,
            events: &mut $engine.events,
            deadlines: &mut $engine.deadlines,
            epoch: $engine.epoch,
            departures: &mut $engine.departures,
            plain: &mut $engine.plain,
            relay: &mut *$engine.relay,
        };
        (&mut room.router, outlet)
    }};
}
pub(super) use router_and_outlet;

impl Engine {
    pub(super) fn handle_rtp(&mut self, now: Instant, slot: Slot, packet: &RtpPacket, bytes: &mut [u8]) {
        self.counters.rtp_received += 1;
        self.counters.rtp_bytes_received += bytes.len() as u64;
        let room = self.peers[slot].room;
        let (router, mut outlet) = router_and_outlet!(self, room);
        router.received_bytes += bytes.len() as u64;
        let peer = &mut outlet.peers[slot];
        if let Some(at) = peer.note_arrival(now, packet, bytes) {
            outlet.deadlines.advance(Waiting::Peer(slot), at);
        }
        let bound_before = peer.inbound.len();
        let Some(binding) = peer.bind(now, router, packet, bytes) else {
            outlet.counters.rtp_dropped_unbound += 1;
            return;
        };
        if peer.inbound.len() > bound_before || peer.report_at.is_none() {
            let at = now + FIRST_REPORT_AFTER;
            peer.report_at = Some(peer.report_at.map_or(at, |other| other.min(at)));
            outlet.deadlines.advance(Waiting::Peer(slot), at);
        }
        let place = (binding.producer, binding.stream);
        let of_kind = &mut outlet.counters.received;
        let of_kind = match router.producers[binding.producer].kind {
            _ if binding.repair => &mut of_kind.rtx,
            Kind::Audio => &mut of_kind.audio,
            Kind::Video => &mut of_kind.video,
        };
        of_kind.add(bytes.len());
        let published = &router.producers[binding.producer].published;
        let of_it = Some(packet.payload_type);
        let expected = if binding.repair {
            published.repair_type == of_it
        } else {
            Some(published.media_type) == of_it || published.red_type == of_it
        };
        if !expected {
            outlet.counters.rtp_dropped_malformed += 1;
            return;
        }
        if binding.repair {
            handle_repair(now, router, place, packet, bytes, &mut outlet);
        } else {
            router.handle_rtp(now, place, packet, bytes, false, &mut outlet);
        }
        let producer = &mut router.producers[binding.producer];
        let wakes = [producer.poll_timeout(now), producer.silence_timeout()];
        if let Some(at) = wakes.into_iter().flatten().min() {
            outlet.deadlines.advance(Waiting::Peer(slot), at);
        }
        if producer.source == Source::Microphone {
            outlet.deadlines.advance(Waiting::Room(room), now + JUDGED_EVERY);
        }
        let stopped = std::mem::take(&mut producer.layer_stopped);
        self.list_held(room, binding.producer);
        if stopped {
            self.replace_stopped_layer(now, room, binding.producer);
        }
    }

    /// The driver has nothing more to read: what makes whole frames leaves now, the rest when it has been held for as long as
    /// it may. To be called again once [`Engine::egress`] is sent, if that has filled up.
    pub fn end_batch(&mut self, now: Instant) -> Progress {
        (self.holds_much, self.patience_ends) = (false, None);
        for _ in 0..self.holding.len() {
            let Some((room_slot, slot)) = self.holding.pop_front() else { break };
            // Both may be others by now, which then have their place in the list twice: no harm.
            let Some(room) = self.rooms.get_mut(room_slot) else { continue };
            let Some(producer) = room.router.producers.get_mut(slot) else { continue };
            let until = producer.held.until();
            if let Some(at) = until.filter(|&at| at > now && !producer.held.is_ready()) {
                self.holding.push_back((room_slot, slot));
                self.patience_ends = Some(self.patience_ends.map_or(at, |other| other.min(at)));
                continue;
            }
            producer.is_listed = false;
            self.in_progress = Some(room.id);
            let (router, mut outlet) = router_and_outlet!(self, room_slot);
            if router.forward_held(now, slot, Portion::Flush, &mut outlet) == Progress::Filling {
                self.list_held(room_slot, slot);
                self.in_progress = None;
                // For whoever does not come again at once.
                self.patience_ends = Some(now + RETRY_AFTER);
                return Progress::Filling;
            }
        }
        self.in_progress = None;
        Progress::Done
    }

    /// So much waits for the end of the batch that it should end now.
    pub fn holds_much(&self) -> bool {
        self.holds_much
    }

    pub(super) fn list_held(&mut self, room: Slot, slot: usize) {
        let producer = &mut self.rooms[room].router.producers[slot];
        if !producer.held.is_empty() && !std::mem::replace(&mut producer.is_listed, true) {
            self.holding.push_back((room, slot));
        }
        self.holds_much |= producer.held.is_full();
    }

    /// Who speaks is looked at while somebody is heard.
    pub(super) fn judge_floors(&mut self, now: Instant, room: Slot) {
        self.in_progress = Some(self.rooms[room].id);
        if self.rooms[room].home.is_some() {
            // It is judged at home; here there are layers to look after.
            let next = self.heed_silent_mirrors(now, room).map(|at| at.max(now + RETRY_AFTER));
            return self.deadlines.set(Waiting::Room(room), next);
        }
        let (router, mut outlet) = router_and_outlet!(self, room);
        let next = router.judge_floors(now, &mut outlet);
        self.deadlines.set(Waiting::Room(room), next);
        self.look_at_stage(now, room);
    }

    /// What control was told about speakers may have been lost: it is told again.
    pub(super) fn tell_speakers_again(&mut self, now: Instant) {
        let rooms: Vec<Slot> = self.rooms.iter().map(|(slot, _)| slot).collect();
        for slot in rooms {
            let room = &self.rooms[slot];
            if room.home.is_some() {
                continue;
            }
            let groups: BTreeSet<u32> = room.sessions.keys().map(|&session| room.group_of(session)).collect();
            let (router, mut outlet) = router_and_outlet!(self, slot);
            router.tell_speakers_again(now, groups, &mut outlet);
        }
    }

    /// Cameras came on stage or left it: what their viewers get is chosen again.
    pub(super) fn look_at_stage(&mut self, now: Instant, room: Slot) {
        let (router, mut outlet) = router_and_outlet!(self, room);
        let Router { producers, consumers, restaged, branches, .. } = router;
        for producer in restaged.drain(..).filter_map(|slot| producers.get(slot)) {
            let (id, on_stage) = (producer.id, producer.on_stage);
            outlet.tell_branches(branches, || ToBranch::Staged { producer: id, on_stage });
            for viewer in producer.consumers.iter().map(|&slot| consumers[slot].peer) {
                if let Some(peer) = outlet.peers.get_mut(viewer) {
                    // With the next look at the clock, once for all of them.
                    peer.choose_at = Some(now);
                    outlet.deadlines.advance(Waiting::Peer(viewer), now);
                }
            }
        }
    }

    pub(super) fn handle_rtcp(&mut self, now: Instant, slot: Slot, bytes: &[u8]) {
        self.counters.received.rtcp.add(bytes.len());
        let mut taken = ReportsTaken::default();
        self.note_answer(now, slot);
        for packet in rtcp::parse(bytes) {
            match packet {
                RtcpPacket::SenderReport(report, blocks) => {
                    self.note_sender_report(now, slot, &report);
                    blocks.for_each(|block| taken.blocks |= self.note_report_block(now, slot, &block));
                }
                RtcpPacket::ReceiverReport { reports, .. } => {
                    reports.for_each(|block| taken.blocks |= self.note_report_block(now, slot, &block));
                }
                RtcpPacket::Nack { media_ssrc, lost, .. } => self.answer_nack(now, slot, media_ssrc, lost),
                RtcpPacket::Pli { media_ssrc, .. } => {
                    self.note_keyframe_request(now, slot, media_ssrc, false);
                }
                RtcpPacket::Fir { entries, .. } => {
                    entries.for_each(|(ssrc, _)| self.note_keyframe_request(now, slot, ssrc, true));
                }
                RtcpPacket::Remb { bitrate_bps, .. } => taken.remb_bps = Some(bitrate_bps),
                RtcpPacket::ExtendedReport { blocks, .. } => {
                    blocks.for_each(|block| self.note_reference_answers(now, slot, &block));
                }
                RtcpPacket::TransportFeedback(feedback) if taken.takes(&feedback) => {
                    self.peers[slot].estimate.handle_feedback(now, &feedback);
                }
                RtcpPacket::TransportFeedback(_) => {}
                // Streams end by signalling.
                RtcpPacket::SourceDescription(_) | RtcpPacket::Goodbye(_) | RtcpPacket::Unknown { .. } => {}
            }
        }
        self.note_reports(now, slot, &taken);
    }

    /// A publisher says how long ago it heard our clock: that tells the round trip to it.
    fn note_reference_answers(&mut self, now: Instant, slot: Slot, block: &ExtendedBlock<'_>) {
        let ExtendedBlock::DelaySinceLastReference(mut answers) = *block else { return };
        let time = reference_time(self.epoch, now);
        let peer = &mut self.peers[slot];
        let ours = answers.find(|answer| answer.ssrc == peer.rtcp_ssrc);
        if let Some(round_trip) = ours.and_then(|answer| answer.round_trip(time)) {
            peer.note_round_trip(round_trip);
        }
    }

    fn note_sender_report(&mut self, now: Instant, slot: Slot, report: &SenderReport) {
        let peer = &self.peers[slot];
        let Some(binding) = peer.inbound.get(&report.ssrc).filter(|binding| !binding.repair) else { return };
        let (room, binding) = (peer.room, *binding);
        let producer = &mut self.rooms[room].router.producers[binding.producer];
        producer.streams[usize::from(binding.stream)].reception.note_sender_report(now, report);
        self.relay_report(room, binding.producer, binding.stream);
    }

    /// Returns whether it is about a stream of ours.
    fn note_report_block(&mut self, now: Instant, slot: Slot, block: &ReportBlock) -> bool {
        let peer = &mut self.peers[slot];
        let Some(&consumer) = peer.outbound.get(&block.ssrc) else { return false };
        let Router { producers, consumers, .. } = &mut self.rooms[peer.room].router;
        let consumer = &mut consumers[consumer];
        // What the publisher's path lost is not the viewer's to answer for: it neither lowers its layers nor its quality.
        let upstream = consumer.layers.current_stream().map_or(0.0, |stream| {
            producers[consumer.producer].streams[usize::from(stream)].reception.missed_share()
        });
        consumer.fraction_lost = block.fraction_lost.saturating_sub((upstream * 256.0) as u8);
        consumer.redundancy.note_loss(now, consumer.fraction_lost);
        let round_trip =
            consumer.round_trip(now, block.last_sender_report, block.delay_since_last_sender_report);
        if let Some(round_trip) = round_trip {
            peer.note_round_trip(round_trip);
        }
        let clock_rate = producers[consumer.producer].published.clock_rate;
        consumer.remote = Some(RemoteReport {
            lost: block.cumulative_lost,
            fraction_lost: f32::from(consumer.fraction_lost) / 256.0,
            jitter_ms: (f64::from(block.jitter) * 1e3 / f64::from(clock_rate.max(1))) as f32,
            round_trip_ms: round_trip.map(|round_trip| round_trip.as_millis() as u32),
        });
        true
    }

    fn answer_nack(&mut self, now: Instant, slot: Slot, media_ssrc: u32, lost: NackPairs<'_>) {
        let peer = &self.peers[slot];
        let Some(&consumer) = peer.outbound.get(&media_ssrc) else { return };
        // Feedback sees a queue on the way sooner than reports do. What is asked for again before our answer can have arrived
        // is on its way.
        let told = peer.round_trip.max(peer.estimate.round_trip());
        let round_trip = told.unwrap_or(ROUND_TRIP_UNKNOWN).clamp(REPEAT_MIN, REPEAT_MAX);
        let room = peer.room;
        let (router, mut outlet) = router_and_outlet!(self, room);
        let Router { producers, consumers, .. } = router;
        let consumer = &mut consumers[consumer];
        let producer = &producers[consumer.producer];
        for number in lost.sequence_numbers() {
            outlet.counters.nacks_received += 1;
            consumer.counts.nacks += 1;
            if !consumer.retransmit(now, number, round_trip, producer, &mut outlet) {
                consumer.counts.nacks_unanswered += 1;
                outlet.counters.retransmissions_unavailable += 1;
            }
        }
    }

    /// A viewer wants a keyframe, by a picture loss indication or a full intra request (`is_full`).
    fn note_keyframe_request(&mut self, now: Instant, slot: Slot, media_ssrc: u32, is_full: bool) {
        let peer = &self.peers[slot];
        let Some(&consumer) = peer.outbound.get(&media_ssrc) else { return };
        self.counters.keyframe_requests_received += 1;
        let Router { producers, consumers, .. } = &mut self.rooms[peer.room].router;
        let asking = &mut consumers[consumer];
        *(if is_full { &mut asking.counts.firs } else { &mut asking.counts.plis }) += 1;
        let (room, frozen) = (peer.room, is_frozen(now, asking, &producers[asking.producer]));
        if frozen {
            self.note_frozen(now, slot, consumer);
        }
        self.request_keyframe(now, room, consumer);
    }

    /// Has a keyframe of what a consumer looks at asked for.
    pub(super) fn request_keyframe(&mut self, now: Instant, room: Slot, consumer: usize) {
        let router = &mut self.rooms[room].router;
        let consumer_state = &router.consumers[consumer];
        let producer_slot = consumer_state.producer;
        match consumer_state.layers.current_stream() {
            Some(stream) if !consumer_state.paused => router.producers[producer_slot].keyframes.want(stream),
            _ => {}
        }
        self.await_entrance(now, room, consumer);
    }

    /// Has a keyframe asked for if a consumer cannot go on without one.
    pub(super) fn await_entrance(&mut self, now: Instant, room: Slot, consumer: usize) {
        let (router, mut outlet) = router_and_outlet!(self, room);
        if router.enter_kept(now, consumer, &mut outlet) == Progress::Filling {
            let (viewer, at) = (router.consumers[consumer].peer, now + RETRY_AFTER);
            outlet.peers[viewer].choose_at = Some(at);
            outlet.deadlines.advance(Waiting::Peer(viewer), at);
            self.holds_much = true;
            return;
        }
        router.want_keyframe(consumer);
        let producer = router.consumers[consumer].producer;
        self.wake_publisher(now, room, producer);
    }
}

/// A retransmission counts as the packet it repeats; a probe counts as nothing.
fn handle_repair(
    now: Instant,
    router: &mut Router,
    place: (usize, u8),
    packet: &RtpPacket,
    bytes: &mut [u8],
    outlet: &mut Outlet<'_>,
) {
    let producer = &router.producers[place.0];
    let Some(ssrc) = producer.streams[usize::from(place.1)].ssrc else {
        // A probe of a stream whose media has not started repeats nothing we could place.
        outlet.counters.rtp_padding_received += 1;
        return;
    };
    match repair::unwrap(bytes, packet, ssrc, producer.published.media_type) {
        Some((packet, bytes)) => {
            let before = producer.repaired_count;
            router.handle_rtp(now, place, &packet, bytes, true, outlet);
            outlet.counters.rtp_repaired += router.producers[place.0].repaired_count - before;
        }
        None => outlet.counters.rtp_padding_received += 1,
    }
}
