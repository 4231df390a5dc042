//! What each subscriber gets of what it asked for: feedback into its estimate, the estimate into layers.

use std::time::{Duration, Instant};

use plenum_shared::media::{Bitrate, Kind, Layer};

use super::{
    Engine, Waiting,
    demux::Slot,
    media::router_and_outlet,
    router::{Router, announce_layer, producer::LAYERS_MAX},
    transport::allocate::{Demand, Grant, allocate, smallest},
};

/// Between two looks at a peer's layers: rates are measured over a second, and browsers report about as often.
pub(super) const CHOICE_INTERVAL: Duration = Duration::from_millis(500);

/// Lists that [`Engine::choose_layers`] uses again and again.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    consumers: Vec<usize>,
    demands: Vec<Demand<LAYERS_MAX>>,
    grants: Vec<Grant>,
}

impl Engine {
    /// Loss the peer reported over all its streams, weighed by their rates.
    pub(super) fn note_loss(&mut self, now: Instant, slot: Slot) {
        let peer = &mut self.peers[slot];
        let router = &mut self.rooms[peer.room].router;
        let (mut lost, mut sent) = (0.0, 0);
        for &consumer in &peer.consumers {
            let consumer = &mut router.consumers[consumer];
            let rate = consumer.sent_rate(now).0;
            lost += rate as f64 * f64::from(consumer.fraction_lost) / 256.0;
            sent += rate;
        }
        // Where nothing was sent nothing is lost, and nothing learnt either.
        peer.loss = (lost / sent.max(1) as f64) as f32;
        if sent > 0 {
            peer.estimate.handle_loss(now, f64::from(peer.loss), Bitrate(sent));
        }
    }

    pub(super) fn note_remb(&mut self, now: Instant, slot: Slot, bitrate_bps: u64) {
        let peer = &mut self.peers[slot];
        let sent = sent_rate(now, &peer.consumers, &mut self.rooms[peer.room].router);
        let before = peer.estimate.bitrate();
        peer.estimate.handle_remb(now, Bitrate(bitrate_bps), sent);
        if peer.estimate.bitrate() < before {
            // Down at once; up can wait for the next look.
            self.choose_layers(now, slot);
        }
    }

    /// Shares a peer's estimate among its video, and has keyframes asked for where that means another stream.
    pub(super) fn choose_layers(&mut self, now: Instant, slot: Slot) {
        let room = self.peers[slot].room;
        let mut scratch = std::mem::take(&mut self.scratch_layers);
        let (router, mut outlet) = router_and_outlet!(self, room);
        let peer = &mut outlet.peers[slot];
        let audio = gather(now, &peer.consumers, router, &mut scratch);
        let mut budget = Bitrate(peer.estimate.bitrate().0.saturating_sub(audio.0));
        if !peer.estimate.has_fallen() {
            // Nobody goes dark for a guess: without a sign of trouble it limits only what is added to the smallest.
            budget = budget.max(smallest(&scratch.demands));
        }
        peer.choose_at = (!scratch.consumers.is_empty()).then(|| now + CHOICE_INTERVAL);
        scratch.grants.resize(scratch.demands.len(), Grant::Unknown);
        allocate(budget, &scratch.demands, &mut scratch.grants);
        for (&consumer, &grant) in scratch.consumers.iter().zip(&scratch.grants) {
            let consumer = &mut router.consumers[consumer];
            let temporal = consumer.layers.preferred.temporal;
            match grant {
                Grant::Unknown => {}
                Grant::Layer(spatial) => consumer.layers.set_target(Some(Layer { spatial, temporal })),
                Grant::Nothing => consumer.layers.set_target(None),
            }
            announce_layer(consumer, &router.producers[consumer.producer], &mut outlet);
        }
        for &consumer in &scratch.consumers {
            self.await_entrance(now, room, consumer);
        }
        if !scratch.consumers.is_empty() {
            self.deadlines.advance(Waiting::Peer(slot), now + CHOICE_INTERVAL);
        }
        self.scratch_layers = scratch;
    }
}

/// Lists the video a peer wants now, and returns what its audio takes.
fn gather(now: Instant, consumers: &[usize], router: &mut Router, scratch: &mut Scratch) -> Bitrate {
    let Scratch { consumers: wanted, demands, grants } = scratch;
    wanted.clear();
    demands.clear();
    grants.clear();
    let mut audio = 0;
    for &slot in consumers {
        let consumer = &mut router.consumers[slot];
        let producer = &mut router.producers[consumer.producer];
        if consumer.kind == Kind::Audio {
            audio += consumer.sent_rate(now).0;
        } else if !consumer.paused && !producer.paused {
            wanted.push(slot);
            demands.push(Demand {
                source: consumer.source,
                preferred: consumer.layers.preferred.spatial,
                current: consumer.layers.current().map(|layer| layer.spatial),
                rates: producer.layer_rates(now),
            });
        }
    }
    Bitrate(audio)
}

/// The rate of everything a peer is sent.
pub(super) fn sent_rate(now: Instant, consumers: &[usize], router: &mut Router) -> Bitrate {
    Bitrate(consumers.iter().map(|&consumer| router.consumers[consumer].sent_rate(now).0).sum())
}
