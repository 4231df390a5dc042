//! The data channels of a room: who may send messages, and who gets them.

use std::collections::HashMap;

use plenum_shared::{
    details::Traffic,
    id::{DataConsumerId, DataProducerId, SessionId},
    transport::SctpStreamParameters,
};
use slab::Slab;

use crate::engine::{demux::Slot, relay::data::DataFollower};

/// A stream of a client whose messages are for others.
#[derive(Debug)]
pub struct DataProducer {
    /// Its name.
    pub id: DataProducerId,
    /// Whose it is.
    pub session: SessionId,
    /// The transport it comes by; `None` for the mirror of one whose home is on another worker.
    pub peer: Option<Slot>,
    /// The stream, and what becomes of lost messages on the way to every consumer.
    pub stream: SctpStreamParameters,
    /// Who gets it. Bounded by [`super::super::limits::Limits::data_consumers_per_producer`].
    pub consumers: Vec<usize>,
    /// Branches of the room that want it. At most one entry for each worker.
    pub followers: Vec<DataFollower>,
    /// Messages of it that came.
    pub received: Traffic,
}

/// A subscription to a data producer.
#[derive(Debug)]
pub struct DataConsumer {
    /// Its name.
    pub id: DataConsumerId,
    /// Whose it is.
    pub session: SessionId,
    /// The transport it leaves by.
    pub peer: Slot,
    /// What it gets, in the room's table.
    pub producer: usize,
    /// The stream it leaves on.
    pub stream: SctpStreamParameters,
    /// Messages that SCTP took.
    pub sent: Traffic,
    /// Messages that it did not: too much waited already, or the stream was not open.
    pub dropped: Traffic,
}

/// The data producers and consumers of one room.
#[derive(Debug, Default)]
pub struct DataTable {
    /// Streams that are for others.
    pub producers: Slab<DataProducer>,
    /// Subscriptions to them.
    pub consumers: Slab<DataConsumer>,
    producer_slots: HashMap<DataProducerId, usize>,
    /// Where the messages of a client's stream belong.
    by_stream: HashMap<(Slot, u16), usize>,
    consumer_slots: HashMap<DataConsumerId, usize>,
}

impl DataTable {
    /// A data producer's place in the table.
    pub fn producer_slot(&self, id: DataProducerId) -> Option<usize> {
        self.producer_slots.get(&id).copied()
    }

    /// The place of the data producer whose messages come on a stream of a transport.
    pub fn producer_on(&self, peer: Slot, stream_id: u16) -> Option<usize> {
        self.by_stream.get(&(peer, stream_id)).copied()
    }

    /// A data consumer's place in the table.
    pub fn consumer_slot(&self, id: DataConsumerId) -> Option<usize> {
        self.consumer_slots.get(&id).copied()
    }

    /// Adds a data producer.
    pub fn insert_producer(&mut self, producer: DataProducer) {
        let DataProducer { id, peer, stream, .. } = producer;
        let slot = self.producers.insert(producer);
        self.producer_slots.insert(id, slot);
        if let Some(peer) = peer {
            self.by_stream.insert((peer, stream.stream_id), slot);
        }
    }

    /// Adds a data consumer.
    pub fn insert_consumer(&mut self, consumer: DataConsumer) {
        let (id, producer) = (consumer.id, consumer.producer);
        let slot = self.consumers.insert(consumer);
        self.consumer_slots.insert(id, slot);
        self.producers[producer].consumers.push(slot);
    }

    /// Takes a data producer out; its consumers must have been taken out before.
    pub fn remove_producer(&mut self, slot: usize) -> DataProducer {
        let producer = self.producers.remove(slot);
        self.producer_slots.remove(&producer.id);
        if let Some(peer) = producer.peer {
            self.by_stream.remove(&(peer, producer.stream.stream_id));
        }
        producer
    }

    /// Takes a data consumer out.
    pub fn remove_consumer(&mut self, slot: usize) -> DataConsumer {
        let consumer = self.consumers.remove(slot);
        self.consumer_slots.remove(&consumer.id);
        self.producers[consumer.producer].consumers.retain(|&other| other != slot);
        consumer
    }

    /// The data producers of a transport.
    pub fn producers_of(&self, peer: Slot) -> Vec<usize> {
        self.producers
            .iter()
            .filter(|(_, producer)| producer.peer == Some(peer))
            .map(|(slot, _)| slot)
            .collect()
    }

    /// The data consumers of a transport.
    pub fn consumers_of(&self, peer: Slot) -> Vec<usize> {
        self.consumers.iter().filter(|(_, consumer)| consumer.peer == peer).map(|(slot, _)| slot).collect()
    }
}
