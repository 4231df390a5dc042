//! What leaves for a subscriber by the clock: packets that waited, and probes. And what follows from its answers.

use std::time::Instant;

use plenum_shared::media::Kind;

use super::{
    Engine, Waiting,
    demux::Slot,
    media::router_and_outlet,
    router::{Outlet, Router, departure::Departure},
};

impl Engine {
    /// The estimate of a peer has been given something to think about.
    pub(super) fn after_estimate(&mut self, now: Instant, slot: Slot) {
        let peer = &mut self.peers[slot];
        peer.pacer.set_rate(peer.estimate.pacing_rate());
        peer.pacer.rest(now);
        self.heed_estimate(now, slot);
        self.begin_probe(now, slot);
        let peer = &self.peers[slot];
        let wakes = [peer.estimate.poll_timeout(), peer.pacer.poll_timeout()];
        if let Some(at) = wakes.into_iter().flatten().min() {
            self.deadlines.advance(Waiting::Peer(slot), at);
        }
    }

    /// RTCP of a peer came: it lives, and reads.
    pub(super) fn note_answer(&mut self, now: Instant, slot: Slot) {
        let peer = &mut self.peers[slot];
        let was_silent = peer.is_silent(now);
        peer.unanswered_since = None;
        if was_silent {
            self.choose_layers(now, slot);
        }
    }

    /// What is due by the clock.
    pub(super) fn send_due(&mut self, now: Instant, slot: Slot) {
        let peer = &mut self.peers[slot];
        if peer.estimate.poll_timeout().is_some_and(|at| at <= now) {
            peer.estimate.handle_timeout(now);
            self.after_estimate(now, slot);
        }
        let room = self.peers[slot].room;
        let (router, mut outlet) = router_and_outlet!(self, room);
        send_waiting(now, slot, router, &mut outlet);
        send_probe(now, slot, router, &mut outlet);
    }

    /// Has the estimate's next probe sent, if there is one and nothing better to send. Probes go on a video's stream of
    /// retransmissions: a peer that has none is not probed.
    fn begin_probe(&mut self, now: Instant, slot: Slot) {
        let peer = &mut self.peers[slot];
        if !peer.pacer.is_idle() {
            return peer.estimate.postpone_probe(now);
        }
        let consumers = &self.rooms[peer.room].router.consumers;
        let mut carriers = peer.consumers.iter().filter(|&&consumer| {
            let consumer = &consumers[consumer];
            consumer.kind == Kind::Video && consumer.carries_probes()
        });
        let Some(&any) = carriers.next() else { return peer.estimate.forgo_probe(now) };
        let has_sent = |consumer: usize| consumers[consumer].layers.current().is_some();
        let carrier =
            if has_sent(any) { any } else { *carriers.find(|&&other| has_sent(other)).unwrap_or(&any) };
        if let Some(probe) = peer.estimate.poll_probe(now) {
            peer.pacer.begin_probe(now, &probe, carrier);
            self.counters.probes_sent += 1;
        }
    }
}

fn send_waiting(now: Instant, slot: Slot, router: &mut Router, outlet: &mut Outlet<'_>) {
    let Router { producers, consumers, .. } = router;
    while let Some(waiting) = outlet.peers.get(slot).and_then(|peer| peer.pacer.next(now)) {
        let departure = consumers.get_mut(waiting.consumer).map_or(Departure::Gone, |consumer| {
            consumer.depart(now, &waiting, &producers[consumer.producer], outlet)
        });
        if departure == Departure::NoRoom {
            return;
        }
        let left = departure == Departure::Left;
        let waited = outlet.peers[slot].pacer.take(now, left);
        if left {
            outlet.counters.rtp_paced += 1;
            outlet.counters.rtp_paced_time += waited;
        }
    }
}

fn send_probe(now: Instant, slot: Slot, router: &mut Router, outlet: &mut Outlet<'_>) {
    let Router { producers, consumers, .. } = router;
    while let Some(probe) = outlet.peers.get(slot).and_then(|peer| peer.pacer.next_probe(now)) {
        let left = consumers
            .get_mut(probe.consumer)
            .is_some_and(|consumer| consumer.probe(now, &probe, &producers[consumer.producer], outlet));
        if !left {
            outlet.peers[slot].pacer.end_probe();
        }
    }
}
