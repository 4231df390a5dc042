//! What we tell peers in RTCP, and when: reports, requests, transport-wide feedback.

use std::time::Instant;

use plenum_shared::media::Direction;

use super::{
    Engine,
    demux::Slot,
    egress::Class,
    peer::{REPORT_INTERVAL, ROUND_TRIP_UNKNOWN},
    router::{Outlet, Router, nack::REQUEST_MAX, producer::Producer},
    transport::{
        RTCP_OVERHEAD_MAX,
        arrivals::Arrivals,
        rtcp::{ReportBlock, RtcpWriter, reference_time},
    },
};
use crate::engine::media::router_and_outlet;

/// Bytes of one compound: fits every path that carries video.
const COMPOUND_MAX: usize = 1200;
/// Report blocks of one RR (RFC 3550: five bits).
const BLOCKS_MAX: usize = 31;
/// Bytes an SR with its CNAME takes at most.
const SENDER_REPORT_MAX: usize = 28 + 8 + 2 + 64 + 4;

impl Engine {
    /// Everything that is due for a peer, in as few datagrams as it takes.
    pub(super) fn send_due_rtcp(&mut self, now: Instant, slot: Slot) {
        let room = self.peers[slot].room;
        let (router, mut outlet) = router_and_outlet!(self, room);
        send_requests(now, slot, router, &mut outlet);
        if outlet.peers[slot].arrivals.poll_timeout().is_some_and(|at| at <= now) {
            send_arrivals(now, slot, &mut outlet);
        }
        if outlet.peers[slot].report_at.is_some_and(|at| at <= now) {
            send_receiver_reports(now, slot, router, &mut outlet);
            send_sender_reports(now, slot, router, &mut outlet);
            let peer = &mut outlet.peers[slot];
            let needed = !(peer.producers.is_empty() && peer.consumers.is_empty());
            peer.report_at = needed.then(|| now + REPORT_INTERVAL);
        }
    }
}

/// NACK and PLI of every producer of the peer.
fn send_requests(now: Instant, slot: Slot, router: &mut Router, outlet: &mut Outlet<'_>) {
    let Some(peer) = outlet.peers.get(slot) else { return };
    // A quarter more than what is known, or the answer and the next request would cross on every path that is a little
    // uneven. What is only assumed is long already for most.
    let round_trip = peer.round_trip.map_or(ROUND_TRIP_UNKNOWN, |known| known * 5 / 4);
    let rtcp_ssrc = peer.rtcp_ssrc;
    // Each producer's requests fit one compound: 4 streams of at most 128 numbers take 4 × (12 + 512) bytes only if no
    // two numbers share a word; what does not fit is asked for a round trip later.
    for index in 0..peer.producers.len() {
        let producer_slot = outlet.peers[slot].producers[index];
        let producer = &mut router.producers[producer_slot];
        if producer.poll_timeout(now).is_none_or(|at| at > now) {
            continue;
        }
        let mut nacks = 0;
        let mut plis = 0;
        let sent = send_rtcp(now, slot, outlet, |writer| {
            nacks = write_nacks(now, rtcp_ssrc, round_trip, producer, writer);
            plis = write_keyframe_requests(now, rtcp_ssrc, producer, writer);
        });
        if sent {
            outlet.counters.nacks_sent += nacks;
            outlet.counters.keyframes_requested += plis;
        }
    }
}

fn write_nacks(
    now: Instant,
    rtcp_ssrc: u32,
    round_trip: std::time::Duration,
    producer: &mut Producer,
    writer: &mut RtcpWriter<'_>,
) -> u64 {
    let mut count = 0;
    let mut numbers = [0; REQUEST_MAX];
    let is_viewed = producer.is_viewed();
    for (index, stream) in producer.streams.iter_mut().enumerate() {
        let Some(ssrc) = stream.ssrc else { continue };
        let due = stream.nacks.due(now, round_trip, &mut numbers);
        if due.count > 0 && writer.nack(rtcp_ssrc, ssrc, numbers[..due.count].iter().copied()) {
            stream.counts.nacks += due.count as u64;
            count += due.count as u64;
        }
        if due.gave_up && producer.published.pli && is_viewed {
            producer.keyframes.want(index as u8);
        }
    }
    count
}

/// PLI for every layer wanted, never for a stream of retransmissions.
fn write_keyframe_requests(
    now: Instant,
    rtcp_ssrc: u32,
    producer: &mut Producer,
    writer: &mut RtcpWriter<'_>,
) -> u64 {
    let wanted = producer.keyframes.due(now, producer.answering());
    let mut count = 0;
    for (layer, stream) in producer.streams.iter_mut().enumerate() {
        if let Some(ssrc) = stream.ssrc.filter(|_| wanted & (1 << layer) != 0)
            && writer.pli(rtcp_ssrc, ssrc)
        {
            stream.counts.plis += 1;
            count += 1;
        }
    }
    count
}

fn send_arrivals(now: Instant, slot: Slot, outlet: &mut Outlet<'_>) {
    // A report covers thousands of packets; a few datagrams bound the loop where sizes and gaps are unusual.
    for _ in 0..4 {
        let Some(peer) = outlet.peers.get_mut(slot) else { return };
        let rtcp_ssrc = peer.rtcp_ssrc;
        let mut arrivals = std::mem::replace(&mut peer.arrivals, Arrivals::new(outlet.epoch));
        let mut more = false;
        let sent = send_rtcp(now, slot, outlet, |writer| more = arrivals.write(now, rtcp_ssrc, writer));
        outlet.peers[slot].arrivals = arrivals;
        if !sent || !more {
            return;
        }
    }
}

/// RR about every stream of the peer that was heard, and what time it is for us. Retransmissions are not included: nobody acts on their
/// loss.
fn send_receiver_reports(now: Instant, slot: Slot, router: &mut Router, outlet: &mut Outlet<'_>) {
    let peer = &outlet.peers[slot];
    let rtcp_ssrc = peer.rtcp_ssrc;
    let mut blocks = [ReportBlock::default(); BLOCKS_MAX];
    let mut count = 0;
    let (mut expected, mut lost) = (0, 0);
    for &producer in &peer.producers {
        for stream in &mut router.producers[producer].streams {
            if let Some(ssrc) =
                stream.ssrc.filter(|_| stream.reception.newest().is_some() && count < BLOCKS_MAX)
            {
                blocks[count] = stream.reception.report(now, ssrc);
                count += 1;
                expected += stream.reception.interval.0;
                lost += stream.reception.interval.1;
            }
        }
    }
    if outlet.peers[slot].direction == Direction::Send {
        // Whoever is silent loses nothing.
        outlet.peers[slot].loss = lost as f32 / expected.max(1) as f32;
    }
    if count > 0 {
        let reference_time = reference_time(outlet.epoch, now);
        send_rtcp(now, slot, outlet, |writer| {
            writer.receiver_report(rtcp_ssrc, &blocks[..count]);
            // The answer tells the round trip, which reports of a sender alone do not.
            writer.receiver_reference_time(rtcp_ssrc, reference_time);
        });
    }
}

/// SR and CNAME of every stream we send to the peer.
fn send_sender_reports(now: Instant, slot: Slot, router: &mut Router, outlet: &mut Outlet<'_>) {
    let mut next = 0;
    while next < outlet.peers[slot].consumers.len() {
        let before = next;
        let consumers = std::mem::take(&mut outlet.peers[slot].consumers);
        send_rtcp(now, slot, outlet, |writer| {
            while let Some(&consumer) = consumers.get(next)
                && writer.len() + SENDER_REPORT_MAX <= COMPOUND_MAX
            {
                next += 1;
                let consumer = &mut router.consumers[consumer];
                let producer = &router.producers[consumer.producer];
                if let Some((report, cname)) = consumer.sender_report(now, producer) {
                    writer.sender_report(&report, &[]);
                    writer.cname(report.ssrc, cname);
                }
            }
        });
        outlet.peers[slot].consumers = consumers;
        if next == before {
            // No path or no room: the next report is a second away.
            return;
        }
    }
}

/// Builds and seals a compound in the arena. Returns whether there was one.
fn send_rtcp(
    now: Instant,
    slot: Slot,
    outlet: &mut Outlet<'_>,
    build: impl FnOnce(&mut RtcpWriter<'_>),
) -> bool {
    let Some(peer) = outlet.peers.get_mut(slot) else { return false };
    // What is built before the keys are there would count as said.
    let Some(path) = peer.transport.path().filter(|_| peer.transport.is_connected()) else { return false };
    let pushed = outlet.egress.push(slot, path, Class::Control, COMPOUND_MAX + RTCP_OVERHEAD_MAX, |buf| {
        let mut writer = RtcpWriter::new(&mut buf[..COMPOUND_MAX]);
        build(&mut writer);
        let len = writer.len();
        if len == 0 { None } else { peer.transport.seal_rtcp(buf, len) }
    });
    match pushed {
        Ok(len) => {
            peer.traffic.note_sent(now, len);
            outlet.counters.sent.rtcp.add(len);
        }
        Err(super::egress::NotTaken::Full) => outlet.counters.control_dropped_egress_full += 1,
        Err(super::egress::NotTaken::Nothing) => {}
    }
    pushed.is_ok()
}
