//! Commands about what is published and viewed in a room.

use std::time::Instant;

use plenum_shared::{
    command::{Refusal, RefusalReason, Reply, Response},
    id::{ConsumerId, ProducerId, TransportId},
    media::{Direction, Kind, Layer, PictureSize, Source},
    rtp::{RtpCapabilities, RtpParameters},
};

use super::{
    Engine, Waiting,
    demux::Slot,
    media::router_and_outlet,
    peer::{Binding, FIRST_REPORT_AFTER},
    relay::message::ToBranch,
    router::{
        announce::announce_layer,
        consumer::{ASKED_FOR, Consumer, Subscription},
        producer::Producer,
    },
    transport::params::{self, Identity},
};

/// What `produce` asks for.
#[derive(Debug)]
pub(super) struct Produce {
    pub transport: TransportId,
    pub producer: ProducerId,
    pub kind: Kind,
    pub source: Source,
    pub rtp_parameters: RtpParameters,
    pub paused: bool,
}

/// What `consume` asks for.
#[derive(Debug)]
pub(super) struct Consume {
    pub transport: TransportId,
    pub consumer: ConsumerId,
    pub producer: ProducerId,
    pub rtp_capabilities: RtpCapabilities,
    pub paused: bool,
}

fn refuse<T>(reason: RefusalReason, detail: impl ToString) -> Result<T, Refusal> {
    Err(Refusal::new(reason, detail.to_string()))
}

impl Engine {
    pub(super) fn produce(&mut self, now: Instant, room: Slot, produce: Produce) -> Response {
        let slot = self.peer_of(room, produce.transport)?;
        let router = &self.rooms[room].router;
        let peer = &self.peers[slot];
        if self.rooms[room].home.is_some() {
            return refuse(RefusalReason::Invalid, "the room is published in on another worker");
        }
        if peer.direction != Direction::Send {
            return refuse(RefusalReason::Invalid, "the transport only receives");
        }
        if router.producer_slot(produce.producer).is_some() {
            return refuse(RefusalReason::AlreadyExists, produce.producer);
        }
        let limits = &self.config.limits;
        if peer.producers.len() >= limits.producers_per_session
            || router.producers.len() >= limits.producers_per_room
        {
            return refuse(RefusalReason::LimitReached, "producers");
        }
        let published = params::publish(produce.kind, &produce.rtp_parameters)?;
        let ssrcs =
            || published.encodings.iter().flat_map(|encoding| [encoding.ssrc, encoding.rtx_ssrc]).flatten();
        if ssrcs().any(|ssrc| peer.inbound.contains_key(&ssrc)) {
            return refuse(RefusalReason::Invalid, "encodings: an SSRC is in use on this transport");
        }
        let same_mid = |&other: &usize| {
            published.mid.is_some() && router.producers[other].published.mid == published.mid
        };
        if peer.producers.iter().any(same_mid) {
            return refuse(RefusalReason::Invalid, "mid: in use on this transport");
        }
        let owner = (produce.producer, peer.session, Some(slot));
        let mut producer =
            Producer::new(now, owner, (produce.kind, produce.source), published, produce.paused);
        producer.group = self.rooms[room].group_of(producer.session);

        let peer = &mut self.peers[slot];
        peer.learn_ids(&producer.published.ids);
        let encodings = producer.published.encodings.clone();
        let producer = self.rooms[room].router.insert_producer(producer);
        peer.producers.push(producer);
        if let Some(at) = self.rooms[room].router.producers[producer].watched.poll_timeout() {
            self.deadlines.advance(Waiting::Peer(slot), at);
        }
        for (stream, encoding) in encodings.iter().enumerate() {
            for (ssrc, repair) in [(encoding.ssrc, false), (encoding.rtx_ssrc, true)] {
                if let Some(ssrc) = ssrc {
                    peer.inbound.insert(ssrc, Binding { producer, stream: stream as u8, repair });
                }
            }
        }
        self.tell_produced(room, producer);
        self.look_at_stage(now, room);
        Ok(Reply::Done)
    }

    pub(super) fn consume(&mut self, now: Instant, room: Slot, consume: Consume) -> Response {
        let slot = self.peer_of(room, consume.transport)?;
        let router = &self.rooms[room].router;
        let peer = &self.peers[slot];
        if peer.direction != Direction::Recv {
            return refuse(RefusalReason::Invalid, "the transport only sends");
        }
        if router.consumer_slot(consume.consumer).is_some() {
            return refuse(RefusalReason::AlreadyExists, consume.consumer);
        }
        let producer_slot = self.producer_of(room, consume.producer)?;
        if peer.consumers.len() >= self.config.limits.consumers_per_transport {
            return refuse(RefusalReason::LimitReached, "consumers of this transport");
        }
        let producer = &router.producers[producer_slot];
        let (kind, structure, producer_paused) =
            (producer.kind, producer.published.structure, producer.paused);
        let identity = Identity {
            mid: peer.next_mid.to_string(),
            ssrc: self.random.ssrc(|ssrc| peer.uses_ssrc(ssrc)),
            rtx_ssrc: self.random.ssrc(|ssrc| peer.uses_ssrc(ssrc)),
            cname: producer.session.to_string(),
        };
        let subscribed = params::subscribe(kind, &producer.published, &consume.rtp_capabilities, identity)?;
        let rtp_parameters = subscribed.parameters.clone();
        let subscription = Subscription {
            id: consume.consumer,
            session: peer.session,
            peer: slot,
            producer: producer_slot,
            paused: consume.paused,
            start: self.random.u32(),
        };
        let consumer = Consumer::new(now, subscription, producer, subscribed);
        let ssrc = consumer.ssrc;

        let consumer = self.rooms[room].router.insert_consumer(consumer);
        let peer = &mut self.peers[slot];
        peer.next_mid += 1;
        peer.consumers.push(consumer);
        peer.outbound.insert(ssrc, consumer);
        if peer.report_at.is_none() {
            let at = now + FIRST_REPORT_AFTER;
            peer.report_at = Some(at);
            self.deadlines.advance(Waiting::Peer(slot), at);
        }
        self.choose_layers(now, slot);
        self.await_entrance(now, room, consumer);
        Ok(Reply::Consumed { kind, structure, rtp_parameters, producer_paused })
    }

    pub(super) fn set_producer_paused(
        &mut self,
        now: Instant,
        room: Slot,
        id: ProducerId,
        paused: bool,
    ) -> Result<(), Refusal> {
        let slot = self.producer_of(room, id)?;
        self.pause_producer(now, room, slot, paused);
        Ok(())
    }

    /// Has a producer paused, or go on, here and on every branch.
    pub(super) fn pause_producer(&mut self, now: Instant, room: Slot, slot: usize, paused: bool) {
        let (router, mut outlet) = router_and_outlet!(self, room);
        let producer = &mut router.producers[slot];
        if std::mem::replace(&mut producer.paused, paused) == paused {
            return;
        }
        let id = producer.id;
        outlet.tell_branches(&router.branches, || ToBranch::Paused { producer: id, paused });
        if paused {
            producer.keyframes.forget();
            for &consumer in &producer.consumers {
                let consumer = &mut router.consumers[consumer];
                consumer.stop();
                consumer.forget_waiting(outlet.peers.get_mut(consumer.peer));
                consumer.forget_bandwidth();
                announce_layer(now, consumer, producer, &mut outlet);
            }
            router.leave_floor(slot);
            self.look_at_stage(now, room);
            return;
        }
        router.join_floor(slot);
        self.look_at_stage(now, room);
        for consumer in self.rooms[room].router.producers[slot].consumers.clone() {
            let viewer = self.rooms[room].router.consumers[consumer].peer;
            // Whoever watches nothing else was no longer looked at.
            if self.peers[viewer].choose_at.is_none() {
                self.choose_layers(now, viewer);
            }
            self.await_entrance(now, room, consumer);
        }
    }

    pub(super) fn set_consumer_paused(
        &mut self,
        now: Instant,
        room: Slot,
        id: ConsumerId,
        paused: bool,
    ) -> Result<(), Refusal> {
        let slot = self.consumer_of(room, id)?;
        let (router, outlet) = router_and_outlet!(self, room);
        let consumer = &mut router.consumers[slot];
        if std::mem::replace(&mut consumer.paused, paused) == paused {
            return Ok(());
        }
        let peer = consumer.peer;
        if paused {
            consumer.stop();
            consumer.forget_waiting(outlet.peers.get_mut(consumer.peer));
        } else {
            consumer.asked_until = now + ASKED_FOR;
        }
        self.choose_layers(now, peer);
        self.await_entrance(now, room, slot);
        Ok(())
    }

    pub(super) fn set_preferred_layer(
        &mut self,
        now: Instant,
        room: Slot,
        id: ConsumerId,
        layer: Layer,
        size: Option<PictureSize>,
    ) -> Result<(), Refusal> {
        let slot = self.consumer_of(room, id)?;
        let router = &mut self.rooms[room].router;
        let consumer = &mut router.consumers[slot];
        let highest = router.producers[consumer.producer].layer_count() as u8 - 1;
        let layer = Layer { spatial: layer.spatial.min(highest), ..layer };
        if (layer, size) != (consumer.layers.preferred, consumer.shown_at) {
            consumer.asked_until = now + ASKED_FOR;
        }
        (consumer.layers.preferred, consumer.shown_at) = (layer, size);
        let peer = consumer.peer;
        self.choose_layers(now, peer);
        self.await_entrance(now, room, slot);
        Ok(())
    }

    pub(super) fn set_consumer_priority(
        &mut self,
        now: Instant,
        room: Slot,
        id: ConsumerId,
        priority: u8,
    ) -> Result<(), Refusal> {
        let slot = self.consumer_of(room, id)?;
        if priority == 0 {
            return Err(Refusal::new(RefusalReason::Invalid, "priority 0"));
        }
        let consumer = &mut self.rooms[room].router.consumers[slot];
        consumer.priority = priority;
        let peer = consumer.peer;
        self.choose_layers(now, peer);
        self.await_entrance(now, room, slot);
        Ok(())
    }

    pub(super) fn close_producer(&mut self, now: Instant, room: Slot, id: ProducerId) -> Result<(), Refusal> {
        let slot = self.producer_of(room, id)?;
        self.drop_producer(now, room, slot);
        Ok(())
    }

    pub(super) fn close_consumer(&mut self, now: Instant, room: Slot, id: ConsumerId) -> Result<(), Refusal> {
        let slot = self.consumer_of(room, id)?;
        self.drop_consumer(now, room, slot);
        Ok(())
    }

    /// Takes a producer and its consumers out of every table.
    pub(super) fn drop_producer(&mut self, now: Instant, room: Slot, slot: usize) {
        let consumers = self.rooms[room].router.producers[slot].consumers.clone();
        consumers.into_iter().for_each(|consumer| self.drop_consumer(now, room, consumer));
        let producer = self.rooms[room].router.remove_producer(slot);
        self.tell_branches(room, || ToBranch::Closed { producer: producer.id });
        self.look_at_stage(now, room);
        if let Some(peer) = producer.peer.and_then(|peer| self.peers.get_mut(peer)) {
            peer.producers.retain(|&other| other != slot);
            peer.inbound.retain(|_, binding| binding.producer != slot);
        }
    }

    /// Takes a consumer out of every table.
    pub(super) fn drop_consumer(&mut self, now: Instant, room: Slot, slot: usize) {
        let router = &mut self.rooms[room].router;
        let consumer = router.remove_consumer(now, slot);
        if router.producers.contains(consumer.producer) {
            self.wake_publisher(now, room, consumer.producer);
        }
        if let Some(peer) = self.peers.get_mut(consumer.peer) {
            peer.consumers.retain(|&other| other != slot);
            peer.pacer.forget(slot);
            peer.outbound.remove(&consumer.ssrc);
            for ssrc in [Some(consumer.ssrc), consumer.rtx_ssrc()].into_iter().flatten() {
                peer.transport.retire_ssrc(ssrc);
            }
        }
    }

    fn producer_of(&self, room: Slot, id: ProducerId) -> Result<usize, Refusal> {
        let slot = self.rooms[room].router.producer_slot(id);
        slot.ok_or_else(|| Refusal::new(RefusalReason::UnknownProducer, id.to_string()))
    }

    pub(super) fn consumer_of(&self, room: Slot, id: ConsumerId) -> Result<usize, Refusal> {
        let slot = self.rooms[room].router.consumer_slot(id);
        slot.ok_or_else(|| Refusal::new(RefusalReason::UnknownConsumer, id.to_string()))
    }
}
