//! Messages of data channels between home and its branches: each crosses once, and is sent from there to whom it concerns.

use std::time::Instant;

use bytes::Bytes;
use plenum_shared::{
    details::Traffic,
    event::DataCloseReason,
    id::{DataProducerId, SessionId},
    transport::SctpStreamParameters,
};

use super::{
    WorkerIndex,
    message::{Message, ToBranch, ToHome, Told},
};
use crate::engine::{
    Engine, demux::Slot, room::Room, router::data::DataProducer, transport::sctp::PayloadProtocolIdentifier,
};

/// A branch with subscriptions to a data producer.
#[derive(Debug)]
pub struct DataFollower {
    /// Where it is.
    pub worker: WorkerIndex,
    /// How many subscriptions.
    pub consumers: u32,
    /// There was no room for the last message, and it was told so.
    has_lost: bool,
}

impl Engine {
    /// Sends a message on to the branches that want it. One for which there is no room is lost there, and they hear of it: once,
    /// until there is room again, because what there is no room for is not to make more of it.
    pub(in crate::engine) fn relay_data(
        &mut self,
        room: Slot,
        slot: usize,
        kind: PayloadProtocolIdentifier,
        payload: &Bytes,
    ) {
        let Room { id: room, data, .. } = &mut self.rooms[room];
        let DataProducer { id: producer, followers, .. } = &mut data.producers[slot];
        let (room, producer, len) = (*room, *producer, payload.len());
        let message = |told| Message { room, body: Told::ToBranch(told) };
        for &mut DataFollower { worker, consumers, ref mut has_lost } in followers {
            let data = message(ToBranch::Data { producer, kind, payload: payload.clone() });
            let taken = self.relay.offer(worker, data, len);
            match (taken, std::mem::replace(has_lost, !taken)) {
                (true, _) => {}
                (false, false) => self.relay.tell(worker, message(ToBranch::DataLost { producer, len })),
                (false, true) => self.counters.data_dropped_full += u64::from(consumers),
            }
        }
    }

    /// A branch says how many there are subscribed to a data producer.
    pub(super) fn note_data_wanted(
        &mut self,
        room: Slot,
        from: WorkerIndex,
        producer: DataProducerId,
        consumers: u32,
    ) {
        let data = &mut self.rooms[room].data;
        let Some(slot) = data.producer_slot(producer) else { return };
        let followers = &mut data.producers[slot].followers;
        followers.retain(|follower| follower.worker != from);
        if consumers > 0 {
            // Whoever is new has not been told of any loss.
            followers.push(DataFollower { worker: from, consumers, has_lost: false });
        }
    }

    /// Tells home how many there are subscribed to a data producer of it.
    pub(in crate::engine) fn tell_data_wanted(&mut self, room: Slot, slot: usize) {
        let Some(producer) = self.rooms[room].data.producers.get(slot) else { return };
        if producer.peer.is_none() {
            let (producer, consumers) = (producer.id, producer.consumers.len() as u32);
            self.tell_home(room, ToHome::DataWanted { producer, consumers });
        }
    }

    pub(super) fn mirror_data(
        &mut self,
        room: Slot,
        id: DataProducerId,
        session: SessionId,
        stream: SctpStreamParameters,
    ) {
        let data = &mut self.rooms[room].data;
        if data.producer_slot(id).is_none() {
            data.insert_producer(DataProducer {
                id,
                session,
                peer: None,
                stream,
                consumers: Vec::new(),
                followers: Vec::new(),
                received: Traffic::default(),
            });
        }
    }

    /// A message did not come this far: whoever relies on every one of them cannot go on, as if he had been too slow himself. It
    /// was not for other groups.
    pub(super) fn note_data_lost(&mut self, now: Instant, room: Slot, producer: DataProducerId, len: usize) {
        let Some(slot) = self.rooms[room].data.producer_slot(producer) else { return };
        let group = self.rooms[room].group_of(self.rooms[room].data.producers[slot].session);
        for consumer in self.rooms[room].data.producers[slot].consumers.clone() {
            if self.rooms[room].group_of(self.rooms[room].data.consumers[consumer].session) != group {
                continue;
            }
            let one = &mut self.rooms[room].data.consumers[consumer];
            if one.stream.is_reliable() {
                self.report_data_consumer(room, consumer, DataCloseReason::Slow);
                let peer = self.drop_data_consumer(room, consumer);
                // Woken instead of looked at here: that may end one whose time to connect is over.
                self.deadlines.advance(crate::engine::Waiting::Peer(peer), now);
            } else {
                one.dropped.add(len);
                self.counters.data_dropped_full += 1;
            }
        }
    }
}
