//! The forwarding table of one room: which producers there are, and who gets what of them.
//!
//! A packet's way: [`producer`] takes note of it → every [`consumer`] asks [`layers`] whether it is sent, left out or
//! a clean place to switch → [`rewrite`] gives its numbers → it is built and sealed in the arena. Beside that way:
//! [`nack`] and [`repair`] toward publishers, [`history`] and [`sent`] toward viewers, [`keyframe`] for both.

pub mod announce;
pub mod claims;
pub mod consumer;
pub mod counts;
pub mod data;
pub mod decode_targets;
#[cfg(test)]
mod decode_targets_tests;
pub mod departure;
pub mod exit;
pub mod floor;
pub mod following;
pub mod hearing;
pub mod held;
pub mod history;
pub mod kept;
pub mod keyframe;
pub mod layer_meter;
pub mod layer_silence;
pub mod layers;
pub mod loudest;
pub mod nack;
pub mod payload;
pub mod producer;
pub mod rate;
pub mod reception;
pub mod red;
pub mod renumber;
pub mod repair;
pub mod rewrite;
#[cfg(test)]
mod rewrite_tests;
pub mod sent;
pub mod silence;
pub mod sound;
pub mod spacing;
pub mod speaker;
pub mod stage;
pub mod talkers;
pub mod voices;
pub mod watched;

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    time::{Duration, Instant},
};

use plenum_shared::{
    event::Event,
    id::{ConsumerId, ProducerId, RoomId, SessionId},
    media::Kind,
};
use slab::Slab;

use super::{
    counters::Counters,
    deadlines::Deadlines,
    egress::Egress,
    limits::Limits,
    packet::RtpPacket,
    peer::Peer,
    relay::{
        Relay, WorkerIndex,
        home::relay_padding,
        message::{Message, ToBranch, Told},
    },
};
use consumer::Consumer;
use exit::Departures;
use floor::Floor;
use hearing::LastN;
use held::Portion;
use payload::{Description, dependency};
use producer::{Incoming, Producer, Taken};

/// Where what a router sends and says goes.
#[derive(Debug)]
pub struct Outlet<'a> {
    /// The room it is for.
    pub room: RoomId,
    /// Every transport of the worker.
    pub peers: &'a mut Slab<Peer>,
    /// The arena.
    pub egress: &'a mut Egress,
    /// The worker's counters.
    pub counters: &'a mut Counters,
    /// Facts for control.
    pub events: &'a mut VecDeque<Event>,
    /// When each transport is looked at next.
    pub deadlines: &'a mut Deadlines,
    /// When the engine started: the zero of its own clocks on the wire.
    pub epoch: Instant,
    /// The same as headers tell it.
    pub departures: &'a mut Departures,
    /// Payloads on their way to be sealed. It is empty, or holds something of before.
    pub plain: &'a mut Vec<u8>,
    /// The way to other workers.
    pub relay: &'a mut dyn Relay,
}

impl Outlet<'_> {
    /// Tells the branches of the room.
    pub fn tell_branches(&mut self, branches: &[WorkerIndex], told: impl Fn() -> ToBranch) {
        for &branch in branches {
            self.relay.tell(branch, Message { room: self.room, body: Told::ToBranch(told()) });
        }
    }
}

/// The producers and consumers of one room.
#[derive(Debug, Default)]
pub struct Router {
    /// Published tracks.
    pub producers: Slab<Producer>,
    /// Subscriptions.
    pub consumers: Slab<Consumer>,
    /// The workers with a branch of this room, where this is its home. At most one entry for each other worker.
    pub branches: Vec<WorkerIndex>,
    /// Who speaks in each group as home says, where this is a branch.
    pub told_speakers: BTreeMap<u32, (SessionId, ProducerId)>,
    producer_slots: HashMap<ProducerId, usize>,
    consumer_slots: HashMap<ConsumerId, usize>,
    /// Who speaks and is let through, by group. At most one for each group with a producer.
    floors: BTreeMap<u32, Floor>,
    /// How many of each group are forwarded.
    last_n: LastN,
    /// How long the packets of a frame wait for each other at most.
    frame_patience: Duration,
    /// Cameras that came on stage or left it since it was last looked.
    pub restaged: Vec<usize>,
    /// RTP bytes from publishers since the room exists.
    pub received_bytes: u64,
    /// What consumers that are gone were sent.
    sent_bytes_gone: u64,
}

impl Router {
    /// A room with nobody in it.
    pub fn new(&Limits { last_n, frame_patience, .. }: &Limits) -> Self {
        Router { last_n, frame_patience, ..Router::default() }
    }

    /// A producer's place in the table.
    pub fn producer_slot(&self, id: ProducerId) -> Option<usize> {
        self.producer_slots.get(&id).copied()
    }

    /// A consumer's place in the table.
    pub fn consumer_slot(&self, id: ConsumerId) -> Option<usize> {
        self.consumer_slots.get(&id).copied()
    }

    /// Adds a producer.
    pub fn insert_producer(&mut self, producer: Producer) -> usize {
        let id = producer.id;
        let slot = self.producers.insert(producer);
        self.producer_slots.insert(id, slot);
        if self.producers[slot].paused {
            return slot;
        }
        self.join_floor(slot);
        slot
    }

    /// Adds a consumer and has a keyframe asked for.
    pub fn insert_consumer(&mut self, mut consumer: Consumer) -> usize {
        let (id, producer) = (consumer.id, consumer.producer);
        let producer = &mut self.producers[producer];
        producer.redundant_viewers += usize::from(consumer.red_type.is_some());
        producer.steady_viewers += usize::from(!consumer.takes_pauses);
        let slot = self.consumers.vacant_key();
        consumer.slot = slot;
        self.consumers.insert(consumer);
        self.consumer_slots.insert(id, slot);
        producer.consumers.push(slot);
        slot
    }

    /// Takes a producer out; its consumers must have been taken out before.
    pub fn remove_producer(&mut self, slot: usize) -> Producer {
        self.leave_floor(slot);
        let producer = self.producers.remove(slot);
        self.producer_slots.remove(&producer.id);
        producer
    }

    /// Takes a consumer out.
    pub fn remove_consumer(&mut self, now: Instant, slot: usize) -> Consumer {
        let consumer = self.consumers.remove(slot);
        self.consumer_slots.remove(&consumer.id);
        self.sent_bytes_gone += consumer.sent_bytes;
        if let Some(producer) = self.producers.get_mut(consumer.producer) {
            if let Some(place) = producer.consumers.iter().position(|&other| other == slot) {
                producer.consumers.remove(place);
                producer.held.forget_consumer(place);
            }
            producer.watched.change(now, consumer.watches, None);
            producer.redundant_viewers -= usize::from(consumer.red_type.is_some());
            producer.steady_viewers -= usize::from(!consumer.takes_pauses);
        }
        consumer
    }

    /// Bytes to subscribers since the room exists.
    pub fn sent_bytes(&self) -> u64 {
        self.sent_bytes_gone + self.consumers.iter().map(|(_, consumer)| consumer.sent_bytes).sum::<u64>()
    }

    /// Takes one plain packet of a producer. Sound goes on to whom it concerns, video is held for
    /// [`Router::forward_held`].
    pub fn handle_rtp(
        &mut self,
        now: Instant,
        (producer_slot, stream): (usize, u8),
        packet: &RtpPacket,
        bytes: &[u8],
        repaired: bool,
        outlet: &mut Outlet<'_>,
    ) {
        self.make_way(now, (producer_slot, stream), packet, bytes, outlet);
        let producer = &mut self.producers[producer_slot];
        let keyframes_before = producer.keyframe_count;
        let taken = producer.receive(now, stream, packet, bytes, repaired);
        outlet.counters.keyframes_received += producer.keyframe_count - keyframes_before;
        match taken {
            Taken::Duplicate => outlet.counters.rtp_dropped_duplicate += 1,
            Taken::Malformed => outlet.counters.rtp_dropped_malformed += 1,
            Taken::Padding { stream, index } => {
                outlet.counters.rtp_padding_received += 1;
                self.leave_out(now, producer_slot, (stream, index), packet, outlet);
            }
            Taken::Media(_) if producer.paused => outlet.counters.rtp_dropped_paused += 1,
            Taken::Media(incoming) if producer.kind == Kind::Audio => {
                self.forward_sound(now, producer_slot, &incoming, packet, bytes, outlet);
            }
            Taken::Media(incoming) => self.hold(now, producer_slot, incoming, packet),
        }
    }

    /// Padding took an index: viewers close the gap, after what came before it.
    pub(super) fn leave_out(
        &mut self,
        now: Instant,
        slot: usize,
        (stream, index): (u8, u64),
        packet: &RtpPacket,
        outlet: &mut Outlet<'_>,
    ) {
        let producer = &mut self.producers[slot];
        if !producer.held.is_empty() {
            let incoming = Incoming { stream, index, description: Description::PLAIN };
            return self.hold(now, slot, incoming, packet);
        }
        relay_padding(producer, (stream, index), outlet);
        for &slot in &producer.consumers {
            self.consumers[slot].skip(stream, index);
        }
    }

    /// What is held leaves before a packet that must not be held with it.
    pub(super) fn make_way(
        &mut self,
        now: Instant,
        (slot, stream): (usize, u8),
        packet: &RtpPacket,
        bytes: &[u8],
        outlet: &mut Outlet<'_>,
    ) {
        let producer = &self.producers[slot];
        let dependency = packet.extension(bytes, producer.published.ids.dependency);
        let begins_anew =
            dependency.is_some_and(dependency::attaches_structure) && producer.held.enters(stream);
        if begins_anew || producer.held.is_full() {
            // What came before is judged by the structure that was valid then, where that matters. There is no arena full of it:
            // it takes two keyframes of a stream in one batch, or a driver that does not heed how much is held.
            let _ = self.forward_held(now, slot, Portion::All, outlet);
        }
    }

    /// A publisher continues a stream with other numbers: consumers enter it anew.
    pub fn restart_stream(&mut self, now: Instant, producer: usize, stream: u8) {
        let Router { producers, consumers, .. } = self;
        let producer = &mut producers[producer];
        producer.restart_stream(now, stream);
        for &slot in &producer.consumers {
            consumers[slot].forget_stream(stream);
            if consumers[slot].layers.current_stream() == Some(stream) {
                consumers[slot].stop();
                producer.keyframes.want(stream);
            }
        }
    }

    /// Tells control which layers of a producer are watched, when that is due. Of sound there is nothing to switch off.
    pub fn tell_watched(&mut self, now: Instant, producer: usize, outlet: &mut Outlet<'_>) {
        let producer = &mut self.producers[producer];
        if let Some(highest) = producer.watched.poll_told(now)
            && producer.kind == Kind::Video
        {
            outlet.events.push_back(Event::ProducerLayers {
                room: outlet.room,
                session: producer.session,
                producer: producer.id,
                highest,
            });
        }
    }

    /// A consumer that cannot go on without a keyframe has one asked for.
    pub fn want_keyframe(&mut self, consumer_slot: usize) {
        let consumer = &self.consumers[consumer_slot];
        let producer = &mut self.producers[consumer.producer];
        if consumer.paused || producer.paused || producer.kind != Kind::Video {
            return;
        }
        match consumer.layers.awaited_stream() {
            Some(stream) => producer.keyframes.want(stream),
            // Nothing is known yet: whatever comes first starts with a keyframe, or is asked for one.
            // Unless it is held back: then a keyframe of anything would be thrown away.
            None if consumer.layers.target().is_none() && consumer.limit.is_none() => {
                (0..producer.streams.len()).for_each(|stream| {
                    producer.keyframes.want(stream as u8);
                })
            }
            None => {}
        }
    }
}
