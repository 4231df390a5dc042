//! Data channels: commands about them, and a message's way from one client to the others of its group.

use std::time::Instant;

use plenum_shared::{
    command::{Refusal, RefusalReason, Reply, Response},
    details::Traffic,
    event::{DataCloseReason, Event},
    id::{DataConsumerId, DataProducerId, TransportId},
    media::Direction,
    transport::{SctpParameters, SctpStreamParameters},
};

use super::{
    Engine, Waiting,
    demux::Slot,
    egress::{Class, NotTaken},
    relay::message::ToBranch,
    router::data::{DataConsumer, DataProducer},
    transport::{
        data_pace::Room,
        sctp::{DataEvent, NotSent, PayloadProtocolIdentifier},
    },
};

fn refuse<T>(reason: RefusalReason, detail: impl ToString) -> Result<T, Refusal> {
    Err(Refusal::new(reason, detail.to_string()))
}

impl Engine {
    pub(super) fn produce_data(
        &mut self,
        now: Instant,
        room: Slot,
        transport: TransportId,
        id: DataProducerId,
        stream: SctpStreamParameters,
    ) -> Result<(), Refusal> {
        let peer = self.peer_of(room, transport)?;
        let table = &self.rooms[room].data;
        if self.peers[peer].direction != Direction::Send {
            return refuse(RefusalReason::Invalid, "the transport only receives");
        }
        if table.producer_slot(id).is_some() {
            return refuse(RefusalReason::AlreadyExists, id);
        }
        if stream.stream_id >= SctpParameters::OURS.mis {
            return refuse(RefusalReason::Invalid, "streamId: beyond the announced streams");
        }
        if stream.max_packet_life_time.is_some() && stream.max_retransmits.is_some() {
            return refuse(RefusalReason::Invalid, "maxPacketLifeTime and maxRetransmits exclude each other");
        }
        if table.producer_on(peer, stream.stream_id).is_some() {
            return refuse(RefusalReason::Invalid, "streamId: in use on this transport");
        }
        let limits = &self.config.limits;
        if table.producers_of(peer).len() >= limits.data_producers_per_transport
            || table.producers.len() >= limits.data_producers_per_room
        {
            return refuse(RefusalReason::LimitReached, "data producers");
        }
        self.peers[peer].transport.bind_data(now, stream.stream_id);
        let session = self.peers[peer].session;
        let producer = DataProducer {
            id,
            session,
            peer: Some(peer),
            stream,
            consumers: Vec::new(),
            followers: Vec::new(),
            received: Traffic::default(),
        };
        self.rooms[room].data.insert_producer(producer);
        self.tell_branches(room, || ToBranch::DataProduced { producer: id, session, stream });
        Ok(())
    }

    pub(super) fn consume_data(
        &mut self,
        now: Instant,
        room: Slot,
        transport: TransportId,
        id: DataConsumerId,
        producer: DataProducerId,
    ) -> Response {
        let slot = self.peer_of(room, transport)?;
        let table = &self.rooms[room].data;
        if self.peers[slot].direction != Direction::Recv {
            return refuse(RefusalReason::Invalid, "the transport only sends");
        }
        if table.consumer_slot(id).is_some() {
            return refuse(RefusalReason::AlreadyExists, id);
        }
        let Some(producer) = table.producer_slot(producer) else {
            return refuse(RefusalReason::UnknownProducer, producer);
        };
        let own = table.consumers_of(slot);
        if own.iter().any(|&other| table.consumers[other].producer == producer) {
            return refuse(RefusalReason::AlreadyExists, "a data consumer of it on this transport");
        }
        let limits = &self.config.limits;
        if own.len() >= limits.data_consumers_per_transport
            || table.producers[producer].consumers.len() >= limits.data_consumers_per_producer
        {
            return refuse(RefusalReason::LimitReached, "data consumers");
        }
        if !self.peers[slot].transport.takes_data_channels() {
            return refuse(RefusalReason::LimitReached, "what waits of channels that were closed");
        }
        // A number is not taken again soon: the stream that had it may still be closing.
        let peer = &mut self.peers[slot];
        let mut stream_id = peer.next_data_stream;
        while own.iter().any(|&other| table.consumers[other].stream.stream_id == stream_id) {
            stream_id = (stream_id + 1) % SctpParameters::OURS.os;
        }
        peer.next_data_stream = (stream_id + 1) % SctpParameters::OURS.os;
        let stream = SctpStreamParameters { stream_id, ..table.producers[producer].stream };
        peer.transport.bind_data(now, stream_id);
        let consumer = DataConsumer {
            id,
            session: peer.session,
            peer: slot,
            producer,
            stream,
            sent: Traffic::default(),
            dropped: Traffic::default(),
        };
        self.rooms[room].data.insert_consumer(consumer);
        self.tell_data_wanted(room, producer);
        Ok(Reply::DataConsumed { stream })
    }

    pub(super) fn close_data_producer(
        &mut self,
        now: Instant,
        room: Slot,
        id: DataProducerId,
    ) -> Result<(), Refusal> {
        let Some(slot) = self.rooms[room].data.producer_slot(id) else {
            return refuse(RefusalReason::UnknownProducer, id);
        };
        self.drop_data_producer(now, room, slot);
        Ok(())
    }

    pub(super) fn close_data_consumer(
        &mut self,
        now: Instant,
        room: Slot,
        id: DataConsumerId,
    ) -> Result<(), Refusal> {
        let Some(slot) = self.rooms[room].data.consumer_slot(id) else {
            return refuse(RefusalReason::UnknownConsumer, id);
        };
        let peer = self.drop_data_consumer(room, slot);
        self.after_transport(now, peer);
        Ok(())
    }

    /// A transport ends, and its data channels with it: no stream of it needs closing, those of its viewers do.
    pub(super) fn drop_data_of(&mut self, now: Instant, room: Slot, peer: Slot) {
        for consumer in self.rooms[room].data.consumers_of(peer) {
            let consumer = self.rooms[room].data.remove_consumer(consumer);
            self.tell_data_wanted(room, consumer.producer);
        }
        for producer in self.rooms[room].data.producers_of(peer) {
            self.drop_data_producer(now, room, producer);
        }
    }

    /// Takes everything that came by the data channels of a transport and sends it on.
    pub(super) fn take_data(&mut self, now: Instant, slot: Slot) {
        while let Some(event) = self.peers.get_mut(slot).and_then(|peer| peer.transport.poll_data(now)) {
            match event {
                DataEvent::Message { stream, kind, payload } => {
                    self.forward_data(now, slot, stream, kind, &payload)
                }
                DataEvent::StreamClosed(stream) => {
                    self.data_closed(now, slot, Some(stream), DataCloseReason::StreamClosed);
                }
                DataEvent::Lost => self.data_closed(now, slot, None, DataCloseReason::AssociationLost),
            }
        }
    }

    /// Sends what SCTP has to say, as far as the path has room for it: see [`super::transport::data_pace`].
    pub(super) fn send_due_data(&mut self, now: Instant, slot: Slot) {
        let Engine { peers, egress, counters, .. } = self;
        let peer = &mut peers[slot];
        let Some(path) = peer.transport.path().filter(|_| peer.transport.is_connected()) else { return };
        if peer.consumers.is_empty() {
            peer.data_pace.set_alone();
        } else {
            let estimate = &peer.estimate;
            let path = Room {
                estimate: estimate.bitrate(),
                media: peer.flowing,
                is_limited: estimate.is_limited(),
                is_draining: estimate.is_draining(),
            };
            peer.data_pace.set_room(now, path);
        }
        peer.transport.make_data_packets(now, peer.data_pace.waiting_bytes_max());
        while let Some(len_max) = peer.transport.next_data_len() {
            if !peer.data_pace.is_due(now) || peer.pacer.holds_data() {
                return;
            }
            let transport = &mut peer.transport;
            // As video: where the way out is full, SCTP can repeat it, and nobody's connection is closed for it.
            match egress.push(slot, path, Class::Video, len_max, |buf| transport.write_data(now, buf)) {
                Ok(len) => {
                    peer.data_pace.spend(now, len);
                    peer.traffic.note_sent(now, len);
                    counters.sent.data.add(len);
                    peer.pacer.spend_unheld(now, len);
                    peer.estimate.on_unnumbered(now, len);
                }
                Err(NotTaken::Full) => return,
                // It was taken out, and cannot be sealed: DTLS is gone.
                Err(NotTaken::Nothing) => {}
            }
        }
    }

    fn forward_data(
        &mut self,
        now: Instant,
        from: Slot,
        stream: u16,
        kind: PayloadProtocolIdentifier,
        payload: &bytes::Bytes,
    ) {
        self.counters.data_messages_received += 1;
        self.counters.data_bytes_received += payload.len() as u64;
        self.peers[from].traffic.data_received.add(payload.len());
        let room_slot = self.peers[from].room;
        let room = &mut self.rooms[room_slot];
        let Some(slot) = room.data.producer_on(from, stream) else {
            self.counters.data_dropped_unbound += 1;
            return;
        };
        let producer = &mut room.data.producers[slot];
        producer.received.add(payload.len());
        let elsewhere: u32 = producer.followers.iter().map(|follower| follower.consumers).sum();
        let copies = producer.consumers.len() + elsewhere as usize;
        self.peers[from].transport.note_data_copies(copies, payload.len());
        self.relay_data(room_slot, slot, kind, payload);
        self.pass_data_on(now, room_slot, slot, kind, payload);
    }

    /// Sends a message to the consumers of a data producer in its session's group.
    pub(super) fn pass_data_on(
        &mut self,
        now: Instant,
        room_slot: Slot,
        slot: usize,
        kind: PayloadProtocolIdentifier,
        payload: &bytes::Bytes,
    ) {
        let room = &self.rooms[room_slot];
        let producer = &room.data.producers[slot];
        let consumers = producer.consumers.clone();
        let group = room.group_of(producer.session);
        for consumer_slot in consumers {
            let room = &mut self.rooms[room_slot];
            // What was sent to the ones before may have ended it.
            let Some(session) = room.data.consumers.get(consumer_slot).map(|one| one.session) else {
                continue;
            };
            if room.group_of(session) != group {
                continue;
            }
            let consumer = &mut room.data.consumers[consumer_slot];
            let (to, is_reliable) = (consumer.peer, consumer.stream.is_reliable());
            match self.peers[to].transport.send_data(&consumer.stream, kind, payload) {
                Ok(()) => {
                    consumer.sent.add(payload.len());
                    self.counters.data_messages_sent += 1;
                    self.peers[to].traffic.data_sent.add(payload.len());
                    self.after_transport(now, to);
                }
                Err(NotSent::Full) if is_reliable => {
                    self.report_data_consumer(room_slot, consumer_slot, DataCloseReason::Slow);
                    self.drop_data_consumer(room_slot, consumer_slot);
                    self.after_transport(now, to);
                }
                Err(reason) => {
                    consumer.dropped.add(payload.len());
                    let count = match reason {
                        NotSent::Full => &mut self.counters.data_dropped_full,
                        NotSent::NotConnected => &mut self.counters.data_dropped_not_connected,
                    };
                    *count += 1;
                }
            }
        }
    }

    /// The client ended one stream of a transport, or all of them.
    fn data_closed(&mut self, now: Instant, peer: Slot, stream: Option<u16>, reason: DataCloseReason) {
        let room = self.peers[peer].room;
        let is_meant = |of: &SctpStreamParameters| stream.is_none_or(|stream| of.stream_id == stream);
        for slot in self.rooms[room].data.consumers_of(peer) {
            if is_meant(&self.rooms[room].data.consumers[slot].stream) {
                self.report_data_consumer(room, slot, reason);
                self.drop_data_consumer(room, slot);
            }
        }
        for slot in self.rooms[room].data.producers_of(peer) {
            let producer = &self.rooms[room].data.producers[slot];
            if is_meant(&producer.stream) {
                let (session, producer) = (producer.session, producer.id);
                let room_id = self.rooms[room].id;
                self.events.push_back(Event::DataProducerClosed { room: room_id, session, producer, reason });
                self.drop_data_producer(now, room, slot);
            }
        }
    }

    pub(super) fn report_data_consumer(&mut self, room: Slot, slot: usize, reason: DataCloseReason) {
        let consumer = &self.rooms[room].data.consumers[slot];
        self.events.push_back(Event::DataConsumerClosed {
            room: self.rooms[room].id,
            session: consumer.session,
            consumer: consumer.id,
            reason,
        });
    }

    /// Takes a data producer and its consumers out. Their transports are woken instead of being looked at here: that may
    /// end one whose time to connect is over, and whoever is ending a session or a room goes through a list of them.
    pub(super) fn drop_data_producer(&mut self, now: Instant, room: Slot, slot: usize) {
        for consumer in self.rooms[room].data.producers[slot].consumers.clone() {
            let peer = self.drop_data_consumer(room, consumer);
            self.deadlines.advance(Waiting::Peer(peer), now);
        }
        let producer = self.rooms[room].data.remove_producer(slot);
        self.tell_branches(room, || ToBranch::DataClosed { producer: producer.id });
        if let Some(peer) = producer.peer {
            self.peers[peer].transport.close_data(producer.stream.stream_id);
        }
    }

    /// Takes a data consumer out and closes its stream. Returns whose transport has something to say now.
    pub(super) fn drop_data_consumer(&mut self, room: Slot, slot: usize) -> Slot {
        let consumer = self.rooms[room].data.remove_consumer(slot);
        self.tell_data_wanted(room, consumer.producer);
        self.peers[consumer.peer].transport.close_data(consumer.stream.stream_id);
        consumer.peer
    }
}
