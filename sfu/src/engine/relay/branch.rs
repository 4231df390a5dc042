//! How a branch follows its home: it mirrors what is published there, and tells what of it is wanted here.

use std::time::Instant;

use plenum_shared::id::{ProducerId, SessionId};

use super::{
    Head, Relay, WorkerIndex,
    message::{Message, Mirrored, ToBranch, ToHome, Told, Wants},
};
use crate::engine::{
    Engine, Waiting,
    demux::Slot,
    media::router_and_outlet,
    room::Room,
    router::{Router, producer::Producer},
};

impl Engine {
    /// Gives the engine its number among the workers, and the way to the others.
    pub fn connect_workers(&mut self, worker: WorkerIndex, relay: Box<dyn Relay>) {
        (self.worker, self.relay) = (worker, relay);
    }

    /// The way to the other workers.
    pub fn relay(&mut self) -> &mut dyn Relay {
        &mut *self.relay
    }

    /// Takes what another worker told. Of a room that is not here any more it is of no interest.
    pub fn handle_message(&mut self, now: Instant, from: WorkerIndex, message: Message) {
        let Message { room, body } = message;
        self.in_progress = Some(room);
        let slot = self.room_slots.get(&room).copied();
        match (body, slot) {
            (Told::ToBranch(ToBranch::Open), None) => {
                let mut branch = Room::new(room, &self.config.limits);
                branch.home = Some(from);
                let slot = self.rooms.insert(branch);
                self.room_slots.insert(room, slot);
            }
            (Told::ToBranch(told), Some(slot)) if self.rooms[slot].home == Some(from) => {
                self.handle_home(now, slot, told);
            }
            (Told::ToHome(told), Some(slot)) if self.rooms[slot].router.branches.contains(&from) => {
                self.handle_branch(now, slot, from, told);
            }
            _ => {}
        }
        self.in_progress = None;
    }

    /// Takes a packet of another worker. One of something that is not known (any more) is of no use.
    pub fn handle_relayed(&mut self, now: Instant, head: &Head, bytes: &[u8]) {
        self.counters.relayed_received += 1;
        let Some(&room) = self.room_slots.get(&head.room) else { return };
        self.in_progress = Some(head.room);
        let (router, mut outlet) = router_and_outlet!(self, room);
        let slot = router.producer_slot(head.producer).filter(|&slot| router.producers[slot].is_mirror());
        if let Some(slot) = slot {
            router.follow(now, slot, head, bytes, &mut outlet);
            let producer = &mut router.producers[slot];
            let stopped = std::mem::take(&mut producer.layer_stopped);
            if let Some(at) = producer.silence_timeout() {
                outlet.deadlines.advance(Waiting::Room(room), at);
            }
            self.list_held(room, slot);
            if stopped {
                self.replace_stopped_layer(now, room, slot);
            }
            self.wake_publisher(now, room, slot);
        }
        self.in_progress = None;
    }

    /// Home has told something.
    fn handle_home(&mut self, now: Instant, room: Slot, told: ToBranch) {
        let found = |id: ProducerId, router: &Router| router.producer_slot(id);
        let router = &mut self.rooms[room].router;
        match told {
            ToBranch::Open => {}
            ToBranch::Close => self.close_room(now, room),
            ToBranch::Fail => self.drop_room(room),
            ToBranch::Produced(mirrored) => self.mirror(now, room, *mirrored),
            ToBranch::Closed { producer } => {
                if let Some(slot) = found(producer, router) {
                    self.drop_producer(now, room, slot);
                }
            }
            ToBranch::Paused { producer, paused } => {
                if let Some(slot) = found(producer, router) {
                    self.pause_producer(now, room, slot, paused);
                }
            }
            ToBranch::Staged { producer, on_stage } => {
                if let Some(slot) = found(producer, router) {
                    router.producers[slot].on_stage = on_stage;
                    router.restaged.push(slot);
                    self.look_at_stage(now, room);
                }
            }
            ToBranch::Reported { producer, stream, generation, report, missed_share } => {
                let slot = found(producer, router);
                let streams = slot.map(|slot| &mut router.producers[slot].streams);
                if let Some(state) = streams.and_then(|streams| streams.get_mut(usize::from(stream))) {
                    state.follow_report(generation, report, missed_share);
                }
            }
            ToBranch::Grouped { session, group } => self.follow_group(room, session, group),
            ToBranch::Speaks { group, speaker: Some(speaker) } => {
                router.told_speakers.insert(group, speaker);
            }
            ToBranch::Speaks { group, speaker: None } => {
                router.told_speakers.remove(&group);
            }
            ToBranch::DataProduced { producer, session, stream } => {
                self.mirror_data(room, producer, session, stream);
            }
            ToBranch::DataClosed { producer } => {
                if let Some(slot) = self.rooms[room].data.producer_slot(producer) {
                    self.drop_data_producer(now, room, slot);
                }
            }
            ToBranch::Data { producer, kind, payload } => {
                if let Some(slot) = self.rooms[room].data.producer_slot(producer) {
                    self.pass_data_on(now, room, slot, kind, &payload);
                }
            }
            ToBranch::DataLost { producer, len } => self.note_data_lost(now, room, producer, len),
        }
    }

    fn mirror(&mut self, now: Instant, room: Slot, mirrored: Mirrored) {
        let Mirrored { id, session, kind, source, published, paused, group, on_stage, pictures } = mirrored;
        let router = &mut self.rooms[room].router;
        if router.producer_slot(id).is_some() {
            return;
        }
        let mut producer = Producer::new(now, (id, session, None), (kind, source), published, paused);
        (producer.group, producer.on_stage, producer.pictures) = (group, on_stage, pictures);
        router.insert_producer(producer);
    }

    fn follow_group(&mut self, room: Slot, session: SessionId, group: u32) {
        let room = &mut self.rooms[room];
        if group == 0 {
            room.groups.remove(&session);
        } else {
            room.groups.insert(session, group);
        }
        room.router.set_group(session, group);
    }

    /// After anything that changes what viewers need of a producer: whoever publishes it is looked at in time, or home is told.
    pub(in crate::engine) fn wake_publisher(&mut self, now: Instant, room: Slot, slot: usize) {
        let producer = &self.rooms[room].router.producers[slot];
        match producer.peer {
            Some(peer) => {
                let due = [producer.poll_timeout(now), producer.watched.poll_timeout()];
                if let Some(at) = due.into_iter().flatten().min() {
                    self.deadlines.advance(Waiting::Peer(peer), at);
                }
            }
            None => self.tell_wants(now, room, slot),
        }
    }

    /// Tells home what is wanted of a mirror, if that is not what it was told before.
    fn tell_wants(&mut self, now: Instant, room: Slot, slot: usize) {
        let Room { id: room, home: Some(home), router, .. } = &mut self.rooms[room] else { return };
        let (room, producer) = (*room, &mut router.producers[slot]);
        let id = producer.id;
        let wants = Wants {
            media: !producer.consumers.is_empty(),
            highest: producer.watched.highest(),
            steady: producer.steady_viewers > 0,
            redundant: producer.redundant_viewers > 0,
        };
        let mut tell = |told| self.relay.tell(*home, Message { room, body: Told::ToHome(told) });
        if std::mem::replace(&mut producer.told_wants, wants) != wants {
            tell(ToHome::Wants { producer: id, wants });
        }
        let streams = producer.keyframes.take_untold(now);
        if streams != 0 {
            tell(ToHome::Keyframe { producer: id, streams });
        }
    }

    /// Tells home something about a room of which there is a branch here.
    pub(in crate::engine) fn tell_home(&mut self, room: Slot, told: ToHome) {
        let Room { id, home: Some(home), .. } = self.rooms[room] else { return };
        self.relay.tell(home, Message { room: id, body: Told::ToHome(told) });
    }

    /// As [`Engine::tell_home`], of what is told again in a second.
    pub(in crate::engine) fn tell_home_for_now(&mut self, room: Slot, told: ToHome) {
        let Room { id, home: Some(home), .. } = self.rooms[room] else { return };
        let _ = self.relay.offer(home, Message { room: id, body: Told::ToHome(told) }, 0);
    }
}
