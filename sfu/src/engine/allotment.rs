//! What each subscriber gets of what it asked for: its estimate shared among its video, and carried out.

use std::time::{Duration, Instant};

use plenum_shared::media::{Bitrate, Kind, Layer, LayerLimit, PictureSize, Source};

use super::{
    Engine, Waiting,
    demux::Slot,
    is_due,
    media::router_and_outlet,
    router::{
        Router,
        announce::{announce_layer, has_news},
        consumer::{ASKED_FOR, Consumer},
        layer_meter::{Costs, TEMPORAL_MAX},
        layer_silence::Found,
        producer::{LAYERS_MAX, Producer},
    },
    stats::Shortage,
    transport::{
        allocate::{Count, Demand, Precedence, Rung},
        sharing::{Decision, Known, Lists},
    },
};

/// Between two looks at a peer's layers: rates are measured over a second, and feedback is about as old.
pub(super) const CHOICE_INTERVAL: Duration = Duration::from_millis(500);
/// Sound that pauses goes on soon: its share is given back by a thirtieth each look.
const AUDIO_KEPT: u64 = 30;
/// A path that loses more than this share of the packets, while it is believed to be too narrow for what is sent, is.
const LOSING: f64 = 0.04;
/// A camera fills a place of so many percent of its own pixels: stretched by a quarter, a face that moves is hardly less
/// sharp. Text is.
const FILLS_PERCENT: u64 = 157;
/// A picture of more than this many percent of the pixels of its place (one and a half times as wide and as high) is
/// wasted where a smaller one fills it.
const WASTED_PERCENT: u64 = 225;

/// Lists that [`Engine::choose_layers`] uses again and again.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    consumers: Vec<usize>,
    lists: Lists,
}

impl Engine {
    /// After feedback: what no longer fits goes at once, and what was waiting for a proof that it fits comes at once; whatever
    /// else could be added waits for the next look.
    pub(super) fn heed_estimate(&mut self, now: Instant, slot: Slot) {
        let peer = &self.peers[slot];
        // What did not fit before does not fit any better now: the least that is sent may be more than there is.
        if peer.estimate.bitrate() < peer.flowing.min(peer.allotted_of) || peer.estimate.has_proof(now) {
            self.choose_layers(now, slot);
        }
    }

    /// Shares a peer's estimate among its video, and has keyframes asked for where that means another stream.
    pub(super) fn choose_layers(&mut self, now: Instant, slot: Slot) {
        let room = self.peers[slot].room;
        let mut scratch = std::mem::take(&mut self.scratch_layers);
        let (router, outlet) = router_and_outlet!(self, room);
        let peer = &mut outlet.peers[slot];
        // While more is being sent than the path carries, a layer that is too much is not sent on until the keyframe of the
        // next one comes: it would only lengthen the queue in front of that. But a guess is no reason to leave anybody
        // without a picture.
        let overdrawn = peer.estimate.has_fallen() && peer.flowing > peer.estimate.bitrate();
        let audio = gather(now, &peer.consumers, router, &mut scratch);
        peer.audio_allotted = audio.max(Bitrate(peer.audio_allotted.0 - peer.audio_allotted.0 / AUDIO_KEPT));
        let audio = peer.audio_allotted.0;
        let is_silent = peer.is_silent(now);
        if is_silent {
            // No report is a report of loss: what comes after the silence begins small.
            peer.estimate.handle_loss(now, 1.0, Bitrate(0));
            peer.pacer.set_rate(peer.estimate.pacing_rate());
        }
        let data = peer.data_pace.reserved(now, peer.estimate.bitrate()).0;
        let budget = Bitrate(peer.estimate.bitrate().0.saturating_sub(audio + data));
        let (has_fallen, is_proven) = (peer.estimate.has_fallen(), peer.estimate.is_proven(now));
        let is_losing = peer.estimate.lost(now).is_some_and(|lost| lost > LOSING);
        let data_is_ahead = peer.data_pace.is_ahead(now, peer.estimate.bitrate());
        let data = Bitrate(data);
        let known = Known { budget, data, data_is_ahead, has_fallen, is_proven, is_losing };
        let mut decision = peer.sharing.decide(now, known, &mut scratch.lists);
        if is_silent {
            // Whoever does not read gets nothing but sound.
            scratch.lists.grants.fill(None);
            decision = Decision { spent: Bitrate(0), wanted: None, to_prove: None };
        }
        peer.allotted = Bitrate(decision.spent.0 + audio);
        peer.allotted_of = peer.estimate.bitrate();
        peer.pacer.set_floor(peer.allotted);
        peer.estimate.set_wanted(now, decision.wanted.map(|rate| Bitrate(rate.0 + audio)));
        peer.estimate.set_to_prove(now, decision.to_prove.map(|rate| Bitrate(rate.0 + audio)));

        let Lists { demands, grants, .. } = &scratch.lists;
        let mut flowing = audio;
        for (index, &consumer) in scratch.consumers.iter().enumerate() {
            flowing += give(&mut router.consumers[consumer], &demands[index], grants[index], overdrawn);
        }
        let peer = &mut outlet.peers[slot];
        peer.flowing = Bitrate(flowing);
        peer.shortage = shortage(&scratch.consumers, router);
        let mut again = !scratch.consumers.is_empty();
        for index in 0..self.peers[slot].consumers.len() {
            again |= self.tell_of_consumer(now, room, self.peers[slot].consumers[index]);
        }
        self.peers[slot].choose_at = again.then(|| now + CHOICE_INTERVAL);
        if again {
            self.deadlines.advance(Waiting::Peer(slot), now + CHOICE_INTERVAL);
        }
        for &consumer in &scratch.consumers {
            self.await_entrance(now, room, consumer);
        }
        self.scratch_layers = scratch;
    }

    /// Tells control what a consumer gets, and which layer its publisher should send for it. Returns whether something is
    /// left to tell later.
    fn tell_of_consumer(&mut self, now: Instant, room: Slot, slot: usize) -> bool {
        let (router, mut outlet) = router_and_outlet!(self, room);
        let consumer = &mut router.consumers[slot];
        if consumer.kind != Kind::Video {
            return false;
        }
        let producer = &mut router.producers[consumer.producer];
        if consumer.paused || producer.paused {
            consumer.forget_bandwidth();
        }
        announce_layer(now, consumer, producer, &mut outlet);
        let again = has_news(consumer, producer);
        let watched = watches(consumer);
        let before = std::mem::replace(&mut consumer.watches, watched);
        if before != watched {
            producer.watched.change(now, before, watched);
            let producer = consumer.producer;
            self.tell_watched(now, room, producer);
        }
        again
    }

    /// Looks after the producers of a peer of which a layer may have stopped.
    pub(super) fn heed_silent_layers(&mut self, now: Instant, slot: Slot) {
        let room = self.peers[slot].room;
        for index in 0..self.peers[slot].producers.len() {
            self.heed_silent_layers_of(now, room, self.peers[slot].producers[index]);
        }
    }

    /// The same for the mirrors of a room, which are of no peer here. Returns when to look again.
    pub(super) fn heed_silent_mirrors(&mut self, now: Instant, room: Slot) -> Option<Instant> {
        let mut next: Option<Instant> = None;
        for slot in 0..self.rooms[room].router.producers.capacity() {
            if self.rooms[room].router.producers.contains(slot) {
                self.heed_silent_layers_of(now, room, slot);
                self.wake_publisher(now, room, slot);
                let at = self.rooms[room].router.producers[slot].silence_timeout();
                next = next.into_iter().chain(at).min();
            }
        }
        next
    }

    fn heed_silent_layers_of(&mut self, now: Instant, room: Slot, producer: usize) {
        let router = &mut self.rooms[room].router;
        if !is_due(router.producers[producer].silence_timeout(), now) {
            return;
        }
        let followed = router.followed(producer);
        let Found { stopped, doubted } = router.producers[producer].look_for_silence(now, followed);
        let doubted = (0..LAYERS_MAX as u8).filter(|layer| doubted >> layer & 1 == 1);
        doubted.for_each(|layer| router.doubt(producer, layer));
        if stopped {
            self.replace_stopped_layer(now, room, producer);
        }
    }

    /// A layer of a producer has stopped: whoever was on it, or waits for it, is given another one.
    pub(super) fn replace_stopped_layer(&mut self, now: Instant, room: Slot, producer: usize) {
        for index in 0..self.rooms[room].router.producers[producer].consumers.len() {
            let router = &self.rooms[room].router;
            let producer = &router.producers[producer];
            let consumer = &router.consumers[producer.consumers[index]];
            let wants = |layer: Option<Layer>| layer.is_some_and(|layer| !producer.is_sent(layer.spatial));
            if !consumer.paused && (wants(consumer.layers.target()) || wants(consumer.layers.current())) {
                self.choose_layers(now, consumer.peer);
            }
        }
    }

    /// Looks after the producers of a peer whose viewers have looked away.
    pub(super) fn tell_due_watched(&mut self, now: Instant, slot: Slot) {
        let room = self.peers[slot].room;
        for index in 0..self.peers[slot].producers.len() {
            let producer = self.peers[slot].producers[index];
            if self.rooms[room].router.producers[producer].watched.poll_timeout().is_some_and(|at| at <= now)
            {
                self.tell_watched(now, room, producer);
            }
        }
    }

    /// What control was told about watched layers may have been lost, and with it a camera: it is told again.
    pub(super) fn tell_watched_again(&mut self, now: Instant) {
        let rooms: Vec<Slot> = self.rooms.iter().map(|(slot, _)| slot).collect();
        for room in rooms {
            if self.rooms[room].home.is_some() {
                continue;
            }
            let producers: Vec<usize> = self.rooms[room].router.producers.iter().map(|(at, _)| at).collect();
            for producer in producers {
                self.rooms[room].router.producers[producer].watched.forget_told(now);
                self.tell_watched(now, room, producer);
            }
        }
    }

    /// Tells control which layers of a producer are watched, when that is due.
    pub(super) fn tell_watched(&mut self, now: Instant, room: Slot, producer: usize) {
        let (router, mut outlet) = router_and_outlet!(self, room);
        // What is watched of a mirror home hears, and puts together.
        if !router.producers[producer].is_mirror() {
            router.tell_watched(now, producer, &mut outlet);
        }
        self.wake_publisher(now, room, producer);
    }
}

/// Lists the video a peer wants now with what each layer of it takes, and returns what its audio takes.
fn gather(now: Instant, consumers: &[usize], router: &mut Router, scratch: &mut Scratch) -> Bitrate {
    scratch.consumers.clear();
    scratch.lists.demands.clear();
    let mut audio = 0;
    for &slot in consumers {
        let Consumer { kind, producer, .. } = router.consumers[slot];
        if kind == Kind::Audio {
            audio += router.consumers[slot].sent_rate(now).0;
            continue;
        }
        let speaker = router.speaker(router.producers[producer].group);
        let consumer = &mut router.consumers[slot];
        let producer = &mut router.producers[consumer.producer];
        consumer.heed_stage(producer);
        if consumer.paused || producer.paused || consumer.limit == Some(LayerLimit::LastN) {
            continue;
        }
        scratch.consumers.push(slot);
        let speaks = producer.source == Source::Camera
            && speaker.is_some_and(|(session, _)| session == producer.session);
        scratch.lists.demands.push(demand(now, consumer, producer, speaks));
    }
    Bitrate(audio)
}

/// What could be given to one consumer.
fn demand(now: Instant, consumer: &mut Consumer, producer: &mut Producer, speaks: bool) -> Demand {
    let is_screen = producer.source == Source::Screen;
    let precedence = Precedence { priority: consumer.priority, speaks, screen: is_screen };
    if precedence > consumer.precedence {
        consumer.asked_until = now + ASKED_FOR;
    }
    consumer.precedence = precedence;
    consumer.useful = useful(consumer, producer);

    let mut demand = Demand::new(precedence, consumer.shown_at.map_or(u32::MAX, |size| pixels(size) as u32));
    let costs = producer.layer_costs(now);
    let given = consumer.layers.target();
    push_rungs(&mut demand, consumer, producer, &costs, given);
    demand.given = given.and_then(|layer| demand.rung_at(layer.spatial, layer.temporal.unwrap_or(u8::MAX)));
    demand.asked = now < consumer.asked_until;
    demand
}

/// The layers that are of use to the viewer; when the publisher sends none that small, the smallest it does send.
///
/// Cameras are not shown larger at less than half of their frame rate: faces that stutter are worse than faces that are
/// not quite sharp. Text is read, whatever moves.
fn push_rungs(
    demand: &mut Demand,
    consumer: &Consumer,
    producer: &Producer,
    costs: &Costs,
    given: Option<Layer>,
) {
    let smallest = costs.iter().position(|temporal| temporal[0].is_some());
    let preferred_temporal = consumer.layers.preferred.temporal.map_or(TEMPORAL_MAX, usize::from);
    for (spatial, costs) in costs.iter().enumerate() {
        let is_smallest = smallest == Some(spatial);
        let count = costs.iter().flatten().count();
        if count == 0 || (spatial > usize::from(consumer.useful) && !is_smallest) {
            continue;
        }
        let highest = preferred_temporal.min(count - 1);
        let any_rate = is_smallest || producer.source == Source::Screen;
        let lowest = if any_rate { 0 } else { highest.saturating_sub(1) };
        for (temporal, cost) in costs.iter().enumerate().take(highest + 1).skip(lowest) {
            let Some(cost) = cost else { continue };
            // Entering a layer brings its keyframe, which must be through within a second.
            let enters = given.is_some_and(|given| usize::from(given.spatial) != spatial);
            let keyframe = if enters { u64::from(cost.keyframe_bytes) * 8 } else { 0 };
            demand.push(Rung {
                spatial: spatial as u8,
                temporal: temporal as u8,
                usual: cost.usual,
                most: cost.most.max(Bitrate(keyframe)),
            });
        }
    }
}

/// The highest layer that is of use to a viewer: what it prefers, and not more than fills the place it is shown in.
fn useful(consumer: &Consumer, producer: &Producer) -> u8 {
    let preferred = consumer.layers.preferred.spatial;
    let Some(place) = consumer.shown_at.map(pixels) else { return preferred };
    let of_layer = |layer: u8| producer.pictures.get(usize::from(layer)).copied().flatten().map(pixels);
    let filled_percent = if producer.source == Source::Screen { 100 } else { FILLS_PERCENT };
    let fills = |layer: u8| of_layer(layer).is_some_and(|pixels| pixels * filled_percent >= place * 100);
    let wasted = |layer: u8| of_layer(layer).is_none_or(|pixels| pixels * 100 > place * WASTED_PERCENT);
    (0..=preferred).rev().find(|&layer| !(wasted(layer) && (0..layer).any(fills))).unwrap_or(0)
}

fn pixels(size: PictureSize) -> u64 {
    u64::from(size.width) * u64::from(size.height)
}

/// Has a consumer follow what was decided; without waiting for a smaller layer, when the path is `overdrawn`. Returns what
/// it takes until then.
fn give(consumer: &mut Consumer, demand: &Demand, grant: Option<u8>, overdrawn: bool) -> u64 {
    let rungs = demand.rungs();
    if rungs.is_empty() {
        // Nothing is known of the producer, so nothing can be decided.
        return 0;
    }
    let given = grant;
    let grant = grant.map(usize::from);
    consumer.limit = (grant != Some(rungs.len() - 1)).then_some(LayerLimit::Bandwidth);
    let target = grant.and_then(|at| Some((rungs.get(at)?, rungs.get(at + 1)))).map(|(rung, above)| {
        let whole_rate = above.is_none_or(|above| above.spatial != rung.spatial);
        let temporal = if whole_rate { consumer.layers.preferred.temporal } else { Some(rung.temporal) };
        Layer { spatial: rung.spatial, temporal }
    });
    consumer.layers.set_target(target);
    let current = consumer.layers.current();
    let on = current.and_then(|layer| demand.rung_at(layer.spatial, layer.temporal.unwrap_or(u8::MAX)));
    if overdrawn && on > given && consumer.layers.awaited_stream().is_some() {
        consumer.stop();
        return demand.cost(given, Count::Usual);
    }
    demand.cost(given.max(on), Count::Usual)
}

/// What the bandwidth of a peer was not enough for, among the videos it wants.
fn shortage(wanted: &[usize], router: &Router) -> Shortage {
    let wanted = || wanted.iter().map(|&slot| &router.consumers[slot]);
    let limited = || wanted().filter(|consumer| consumer.limit == Some(LayerLimit::Bandwidth));
    Shortage {
        pictures: wanted().count() as u32,
        limited: limited().count() as u32,
        withheld: limited().filter(|consumer| consumer.layers.target().is_none()).count() as u32,
    }
}

/// The layer of its producer that a consumer is given or may soon be: one more than it has while bandwidth is short.
fn watches(consumer: &Consumer) -> Option<u8> {
    if consumer.paused || consumer.limit == Some(LayerLimit::LastN) {
        return None;
    }
    Some(match (consumer.limit, consumer.layers.target()) {
        (None, _) => consumer.useful,
        (Some(_), Some(target)) => consumer.useful.min(target.spatial + 1),
        (Some(_), None) => 0,
    })
}
