//! What a home does for its branches: it sends packets on to those that want them, and tells them what there is.

use std::{ops::Range, time::Instant};

use plenum_shared::{
    command::{Refusal, RefusalReason, Reply, Response},
    id::{ProducerId, RoomId},
};

use super::{
    Body, Head, PACKET_BYTES_MAX, PADDING, SoundHead, WorkerIndex,
    message::{Message, Mirrored, ToBranch, ToHome, Told, Wants},
    spoilt::Spoilt,
};
use crate::engine::{
    Engine, Waiting,
    counters::Counters,
    demux::Slot,
    egress::Class,
    media::router_and_outlet,
    packet::RtpPacket,
    room::Room,
    router::{
        Outlet,
        data::DataProducer,
        held::Held,
        producer::{Incoming, Producer, Stream},
        silence::Pass,
    },
};

/// A branch with viewers of a producer.
#[derive(Debug)]
pub struct Follower {
    /// Where it is.
    pub worker: WorkerIndex,
    /// What of the producer is wanted there.
    pub wants: Wants,
    /// What a full ring has cost it.
    spoilt: Spoilt,
    /// The pause after which sound was last sent there.
    segment: Option<u32>,
}

impl Follower {
    fn new(worker: WorkerIndex, wants: Wants) -> Self {
        Follower { worker, wants, spoilt: Spoilt::default(), segment: None }
    }
}

/// Sends what is held of a picture to the branches that want it. The first packet for which there is no room costs its frame,
/// and once there is room again a keyframe is asked for.
pub(in crate::engine) fn relay_held(
    now: Instant,
    producer: &mut Producer,
    held: &Held,
    outlet: &mut Outlet<'_>,
) {
    let Producer { id, peer, streams, followers, keyframes, .. } = producer;
    for follower in followers {
        for (incoming, packet) in held.packets() {
            let Incoming { stream, index, .. } = *incoming;
            let Some(state) = streams.get(usize::from(stream)) else { continue };
            let stored = if packet.is_empty() { Some(PADDING) } else { state.history.get(index) };
            let Some(bytes) = stored else { continue };
            let (room, generation) = (outlet.room, state.generation);
            let head = Head { room, producer: *id, stream, generation, index, body: Body::Video };
            if follower.spoilt.is_of(stream, packet.timestamp) {
                outlet.counters.video_dropped_ring_full += 1;
                continue;
            }
            match push(follower.worker, Class::Video, &head, bytes, outlet) {
                Crossing::Taken => {}
                Crossing::Full => {
                    follower.spoilt.lost(stream, packet.timestamp);
                    continue;
                }
                // The packets of a keyframe would be as long.
                Crossing::TooLong => continue,
            }
            let owed = follower.spoilt.crossed(now, stream, incoming.description.keyframe);
            for stream in owed {
                keyframes.want(stream);
                if let Some(peer) = *peer {
                    outlet.deadlines.advance(Waiting::Peer(peer), now);
                }
            }
        }
    }
}

/// Padding took an index: viewers on branches close the gap too.
pub(in crate::engine) fn relay_padding(
    producer: &Producer,
    (stream, index): (u8, u64),
    outlet: &mut Outlet<'_>,
) {
    let Some(state) = producer.streams.get(usize::from(stream)) else { return };
    let (room, id, generation) = (outlet.room, producer.id, state.generation);
    let head = Head { room, producer: id, stream, generation, index, body: Body::Video };
    for follower in &producer.followers {
        push(follower.worker, Class::Video, &head, PADDING, outlet);
    }
}

/// Sends a packet of sound to the branches that want it: what is forwarded here, and where somebody takes no pauses the
/// silence of those who are heard. `opus` is where in the bytes its sound is.
pub(in crate::engine) fn relay_sound(
    producer: &mut Producer,
    incoming: &Incoming,
    (packet, bytes): (&RtpPacket, &[u8]),
    opus: Range<usize>,
    (pass, heard): (Pass, bool),
    outlet: &mut Outlet<'_>,
) {
    let Incoming { stream, index, .. } = *incoming;
    let Producer { id, streams, followers, pauses, recent, .. } = producer;
    let Some(generation) = streams.get(usize::from(stream)).map(|stream| stream.generation) else { return };
    let room = outlet.room;
    let head = |body| Head { room, producer: *id, stream, generation, index, body };
    let sound = head(Body::Sound(SoundHead {
        timestamp: packet.timestamp,
        marker: packet.marker,
        opus_start: opus.start as u16,
        opus_len: opus.len() as u16,
        pass,
        heard,
        segment: pauses.segment,
    }));
    for follower in followers {
        if pass == Pass::Hold && !(heard && follower.wants.steady) {
            continue;
        }
        let begins = pass == Pass::Whole && follower.segment.replace(pauses.segment) != Some(pauses.segment);
        if begins && follower.wants.redundant {
            for (timestamp, opus) in recent.earlier(packet.timestamp) {
                // What there is no room for is not sent again either.
                push(follower.worker, Class::Audio, &head(Body::Earlier { timestamp }), opus, outlet);
            }
        }
        push(follower.worker, Class::Audio, &sound, bytes, outlet);
    }
}

/// What became of a packet for another worker.
enum Crossing {
    Taken,
    /// There was no room for it now.
    Full,
    /// There never is.
    TooLong,
}

/// Gives another worker a packet and counts it.
fn push(to: WorkerIndex, class: Class, head: &Head, bytes: &[u8], outlet: &mut Outlet<'_>) -> Crossing {
    if bytes.len() > PACKET_BYTES_MAX {
        outlet.counters.relay_dropped_too_long += 1;
        return Crossing::TooLong;
    }
    let taken = outlet.relay.push(to, class, head, bytes);
    let Counters { relayed, relayed_bytes, audio_dropped_ring_full, video_dropped_ring_full, .. } =
        outlet.counters;
    match (taken, class) {
        (true, _) => (*relayed, *relayed_bytes) = (*relayed + 1, *relayed_bytes + bytes.len() as u64),
        (false, Class::Audio) => *audio_dropped_ring_full += 1,
        (false, _) => *video_dropped_ring_full += 1,
    }
    if taken { Crossing::Taken } else { Crossing::Full }
}

impl Engine {
    /// Another worker has a branch of this room from now on, and is told all there is to know of it: once, however many ask for
    /// it while it opens.
    pub fn open_branch(&mut self, room: RoomId, worker: WorkerIndex) -> Response {
        let slot = self.room_slot(room).map_err(|reason| Refusal::new(reason, room.to_string()))?;
        if self.rooms[slot].home.is_some() || worker == self.worker {
            return Err(Refusal::new(RefusalReason::Invalid, "a branch needs a home on another worker"));
        }
        let (router, outlet) = router_and_outlet!(self, slot);
        if router.branches.contains(&worker) {
            return Ok(Reply::Done);
        }
        router.branches.push(worker);
        let mut tell = |told| outlet.relay.tell(worker, Message { room, body: Told::ToBranch(told) });
        tell(ToBranch::Open);
        for (_, producer) in &router.producers {
            tell(ToBranch::Produced(Box::new(mirrored(producer))));
        }
        for (group, speaker) in router.speakers() {
            tell(ToBranch::Speaks { group, speaker: Some(speaker) });
        }
        let Room { groups, data, .. } = &self.rooms[slot];
        let mut tell = |told| self.relay.tell(worker, Message { room, body: Told::ToBranch(told) });
        for (&session, &group) in groups {
            tell(ToBranch::Grouped { session, group });
        }
        for (_, &DataProducer { id: producer, session, stream, .. }) in &data.producers {
            tell(ToBranch::DataProduced { producer, session, stream });
        }
        Ok(Reply::Done)
    }

    /// Tells every branch of a room.
    pub(in crate::engine) fn tell_branches(&mut self, room: Slot, told: impl Fn() -> ToBranch) {
        let (router, mut outlet) = router_and_outlet!(self, room);
        outlet.tell_branches(&router.branches, told);
    }

    /// Tells every branch of something that is published from now on.
    pub(in crate::engine) fn tell_produced(&mut self, room: Slot, producer: usize) {
        let (router, mut outlet) = router_and_outlet!(self, room);
        let producer = &router.producers[producer];
        outlet.tell_branches(&router.branches, || ToBranch::Produced(Box::new(mirrored(producer))));
    }

    /// A branch of a room has told something.
    pub(super) fn handle_branch(&mut self, now: Instant, room: Slot, from: WorkerIndex, told: ToHome) {
        match told {
            ToHome::Fail => self.remove_room(self.rooms[room].id),
            ToHome::Wants { producer, wants } => self.note_wants(now, room, from, producer, wants),
            ToHome::Keyframe { producer, streams } => self.note_keyframe_wanted(now, room, producer, streams),
            ToHome::DataWanted { producer, consumers } => {
                self.note_data_wanted(room, from, producer, consumers)
            }
            ToHome::Retell { session } => self.retell_elsewhere(room, session),
            ToHome::Came { session } => self.rooms[room].come_elsewhere(session, from),
            ToHome::Left { session } => self.rooms[room].leave_elsewhere(session, from),
            ToHome::Fares { session, figures, froze } => {
                self.note_fares(now, room, from, session, figures, froze);
            }
        }
    }

    fn note_wants(
        &mut self,
        now: Instant,
        room: Slot,
        from: WorkerIndex,
        producer: ProducerId,
        wants: Wants,
    ) {
        let (router, outlet) = router_and_outlet!(self, room);
        let Some(slot) = router.producer_slot(producer) else { return };
        let producer = &mut router.producers[slot];
        let known = producer.followers.iter().position(|follower| follower.worker == from);
        let before = known.and_then(|at| producer.followers[at].wants.highest);
        producer.watched.change(now, before, wants.highest);
        match known {
            Some(at) if wants.media => producer.followers[at].wants = wants,
            Some(at) => drop(producer.followers.swap_remove(at)),
            None if wants.media => {
                producer.followers.push(Follower::new(from, wants));
                for (stream, state) in (0..).zip(&producer.streams) {
                    let Some(told) = reported(producer.id, state, stream) else { continue };
                    outlet.relay.tell(from, Message { room: outlet.room, body: Told::ToBranch(told) });
                }
            }
            None => {}
        }
        self.tell_watched(now, room, slot);
    }

    fn note_keyframe_wanted(&mut self, now: Instant, room: Slot, producer: ProducerId, streams: u8) {
        let router = &mut self.rooms[room].router;
        let Some(slot) = router.producer_slot(producer) else { return };
        let producer = &mut router.producers[slot];
        if producer.paused {
            return;
        }
        let count = producer.streams.len().min(8) as u8;
        (0..count).filter(|stream| streams & (1 << stream) != 0).for_each(|stream| {
            producer.keyframes.want(stream);
        });
        self.wake_publisher(now, room, slot);
    }

    /// A sender report of a publisher came: branches have the same use for it.
    pub(in crate::engine) fn relay_report(&mut self, room: Slot, producer: usize, stream: u8) {
        let (router, outlet) = router_and_outlet!(self, room);
        let producer = &router.producers[producer];
        let Some(state) = producer.streams.get(usize::from(stream)) else { return };
        for follower in &producer.followers {
            let Some(told) = reported(producer.id, state, stream) else { return };
            // The next one comes soon.
            let message = Message { room: outlet.room, body: Told::ToBranch(told) };
            let _ = outlet.relay.offer(follower.worker, message, 0);
        }
    }
}

/// What a publisher has reported of a stream, if it has.
fn reported(producer: ProducerId, state: &Stream, stream: u8) -> Option<ToBranch> {
    let report = state.reception.sender_report?;
    let (generation, missed_share) = (state.generation, state.reception.missed_share());
    Some(ToBranch::Reported { producer, stream, generation, report, missed_share })
}

fn mirrored(producer: &Producer) -> Mirrored {
    Mirrored {
        id: producer.id,
        session: producer.session,
        kind: producer.kind,
        source: producer.source,
        published: producer.published.clone(),
        paused: producer.paused,
        group: producer.group,
        on_stage: producer.on_stage,
        pictures: producer.pictures,
    }
}
