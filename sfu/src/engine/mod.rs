//! The pure core of one worker: no socket, thread, clock or channel in here. Time and seeds come in as arguments.
//!
//! ```text
//! datagram ─▶ demux ─▶ transport (ICE, DTLS, SRTP opened in place) ─▶ router: producer ─▶ consumers ─▶ egress
//! command  ─▶ commands ─▶ rooms, transports, producers, consumers ─▶ Response      events ─▶ poll_event
//! ```
//!
//! The driver calls `handle_*` and, after the last datagram there was to read, [`Engine::end_batch`]. Then it takes
//! [`Engine::poll_event`] until it is empty, sends what [`Engine::egress`] holds and clears it, and calls
//! [`Engine::handle_timeout`] at [`Engine::poll_timeout`]. All state belongs to rooms; while the engine works,
//! [`Engine::room_in_progress`] says for which, so that a driver that caught a panic can end that room with
//! [`Engine::remove_room`] and go on.

mod allotment;
mod bandwidth;
mod commands;
pub mod counters;
mod data;
mod data_stats;
mod deadlines;
pub mod demux;
pub mod egress;
pub mod histogram;
mod lifecycle;
pub mod limits;
mod media;
mod pacing;
pub mod packet;
mod peer;
mod prefetch;
mod quality;
mod random;
pub mod relay;
mod reports;
mod retelling;
mod room;
mod room_stats;
pub mod router;
pub mod sending;
mod stats;
mod tracks;
pub mod transport;

use std::{
    collections::{HashMap, VecDeque},
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use plenum_shared::{
    command::{RefusalReason, Response, RoomCommand, RoomInventory},
    event::Event,
    id::{RoomId, TransportId},
    media::Kind,
};
use slab::Slab;

use counters::Counters;
use deadlines::{Deadlines, Waiting};
use demux::{DatagramKind, Demux, Slot};
use egress::Egress;
use limits::Limits;
use peer::Peer;
use random::Random;
use relay::{Alone, Relay, WorkerIndex, message::ToBranch, message::ToHome};
use room::Room;
use router::{Router, exit::Departures};
use transport::{DtlsCertificate, LocalIndex, Received};

/// What could not be said when it was due (the arena was full) is tried again after this; without it the loop of
/// [`Engine::handle_timeout`] would find it due for ever.
const RETRY_AFTER: Duration = Duration::from_millis(1);

/// One local socket and the address clients reach it at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// The socket.
    pub local: LocalIndex,
    /// What goes into the ICE candidate: the announced address where one is configured.
    pub announced: SocketAddr,
}

/// What a TCP connection is to the engine. Its driver keeps those that are a transport's, and no others for long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathEvent {
    /// A check by it was valid: it is a transport's.
    Taken {
        /// The listener.
        local: LocalIndex,
        /// The peer's end.
        remote: SocketAddr,
    },
    /// It is nobody's any more: its transport has ended, or has too many others.
    Left {
        /// The listener.
        local: LocalIndex,
        /// The peer's end.
        remote: SocketAddr,
    },
}

/// What an engine is made of.
#[derive(Debug)]
pub struct EngineConfig {
    /// The certificate of the process.
    pub certificate: Arc<DtlsCertificate>,
    /// The sockets of the worker, best first.
    pub candidates: Vec<Candidate>,
    /// All randomness of the engine comes from here; it must not be known outside.
    pub seed: [u8; 32],
    /// How much the worker holds.
    pub limits: Limits,
}

/// All rooms of one worker.
#[derive(Debug)]
pub struct Engine {
    config: EngineConfig,
    /// The zero of our own clocks on the wire.
    epoch: Instant,
    random: Random,
    demux: Demux,
    rooms: Slab<Room>,
    room_slots: HashMap<RoomId, Slot>,
    peers: Slab<Peer>,
    peer_slots: HashMap<TransportId, Slot>,
    deadlines: Deadlines,
    egress: Egress,
    /// Producers with packets that have not been sent on: room and place in its table. One whose place is taken by another is
    /// listed twice for a while.
    holding: VecDeque<(Slot, usize)>,
    /// When the first of them is to be looked at again.
    patience_ends: Option<Instant>,
    holds_much: bool,
    /// The driver empties it after each call, and one call adds at most a few events for each transport of a room.
    events: VecDeque<Event>,
    /// As [`Engine::events`]: at most two for each address of a transport.
    path_events: VecDeque<PathEvent>,
    counters: Counters,
    departures: Departures,
    /// Payloads on their way to be sealed, those of a frame at most.
    plain: Vec<u8>,
    /// One STUN or DTLS datagram on its way to the arena.
    scratch: Vec<u8>,
    scratch_layers: allotment::Scratch,
    /// Its number among the workers.
    worker: WorkerIndex,
    /// The way to the others.
    relay: Box<dyn Relay>,
    in_progress: Option<RoomId>,
}

impl Engine {
    /// An engine without rooms.
    pub fn new(config: EngineConfig, now: Instant) -> Engine {
        let mut random = Random::new(&config.seed);
        Engine {
            demux: Demux::new(random.key()),
            random,
            epoch: now,
            config,
            rooms: Slab::new(),
            room_slots: HashMap::new(),
            peers: Slab::new(),
            peer_slots: HashMap::new(),
            deadlines: Deadlines::default(),
            egress: Egress::default(),
            holding: VecDeque::new(),
            patience_ends: None,
            holds_much: false,
            events: VecDeque::new(),
            path_events: VecDeque::new(),
            counters: Counters::default(),
            departures: Departures::new(now),
            plain: Vec::new(),
            scratch: Vec::new(),
            scratch_layers: allotment::Scratch::default(),
            worker: WorkerIndex(0),
            relay: Box::new(Alone),
            in_progress: None,
        }
    }

    /// Takes one datagram; media is opened in place. Whatever it holds, the engine goes on.
    pub fn handle_datagram(
        &mut self,
        now: Instant,
        local: LocalIndex,
        source: SocketAddr,
        datagram: &mut [u8],
    ) {
        self.counters.datagrams_received += 1;
        self.counters.bytes_received += datagram.len() as u64;
        let Some(kind) = demux::classify(datagram) else {
            self.counters.datagrams_dropped_unclassified += 1;
            return;
        };
        let Some(slot) = self.demux.route(kind, local, source, datagram) else {
            match kind {
                DatagramKind::Stun => self.counters.stun_dropped_unknown_ufrag += 1,
                _ => self.counters.datagrams_dropped_unknown_address += 1,
            }
            return;
        };
        let Some(peer) = self.peers.get_mut(slot) else { return };
        self.in_progress = Some(peer.room_id);
        peer.traffic.note_received(now, datagram.len());
        self.counters.received.note_signalling(datagram);
        match peer.transport.handle_datagram(now, local, source, datagram) {
            // A forged address or a ufrag somebody overheard lead this far; it must not be dear.
            Received::Dropped => {}
            Received::Nothing => {
                self.take_data(now, slot);
                self.after_transport(now, slot);
            }
            Received::Checked { evicted, retired } => {
                self.bind_address(now, slot, (local, source), evicted, retired);
            }
            Received::Rtp { packet, len } => self.handle_rtp(now, slot, &packet, &mut datagram[..len]),
            Received::Rtcp { len } => self.handle_rtcp(now, slot, &datagram[..len]),
        }
        // Media itself may show that the peer has moved.
        if self.peers.get(slot).is_some_and(|peer| peer.transport.has_events()) {
            self.after_transport(now, slot);
        }
        self.in_progress = None;
    }

    /// A TCP connection is no more: its address is nobody's, and the transport goes on by another one if it has one.
    pub fn handle_closed_path(&mut self, now: Instant, local: LocalIndex, remote: SocketAddr) {
        let Some(slot) = self.demux.holder(local, remote) else { return };
        self.demux.unbind(slot, local, remote);
        let Some(peer) = self.peers.get_mut(slot) else { return };
        self.in_progress = Some(peer.room_id);
        peer.transport.forget_address(now, local, remote);
        self.after_transport(now, slot);
        self.in_progress = None;
    }

    /// Carries out one command of control for one room.
    ///
    /// # Errors
    /// A refusal leaves everything as it was.
    pub fn handle_command(&mut self, now: Instant, room: RoomId, command: RoomCommand) -> Response {
        self.in_progress = Some(room);
        let response = self.dispatch(now, room, command);
        self.in_progress = None;
        match &response {
            Ok(_) => self.counters.commands_done += 1,
            Err(_) => self.counters.commands_refused += 1,
        }
        response
    }

    /// Everything that exists.
    pub fn inventory(&self) -> Vec<RoomInventory> {
        self.rooms.iter().map(|(_, room)| room.inventory(&self.peers)).collect()
    }

    /// To be called at [`Engine::poll_timeout`] or later.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(waiting) = self.deadlines.pop_due(now) {
            match waiting {
                Waiting::Peer(slot) => self.peer_timeout(now, slot),
                Waiting::Room(slot) => self.judge_floors(now, slot),
            }
        }
        self.in_progress = None;
        if is_due(self.patience_ends, now) {
            // What does not fit is left for the end of the next batch, or a moment later.
            let _ = self.end_batch(now);
        }
    }

    /// When the engine wants to be woken.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.deadlines.next().into_iter().chain(self.patience_ends).min()
    }

    /// The next fact for control.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// What is new about TCP connections. What has to leave by them is in [`Engine::egress`] by then.
    pub fn poll_path_event(&mut self) -> Option<PathEvent> {
        self.path_events.pop_front()
    }

    /// The datagrams to send. The driver sends [`Egress::messages`] and then calls [`Egress::clear`].
    pub fn egress(&mut self) -> &mut Egress {
        &mut self.egress
    }

    /// One snapshot of all counters and gauges.
    pub fn counters(&self) -> Counters {
        let mut counters = self.counters;
        self.peers.iter().for_each(|(_, peer)| counters.add_transport(&peer.transport.counters()));
        let viewers = || self.peers.iter().map(|(_, peer)| peer).filter(|peer| !peer.consumers.is_empty());
        viewers().for_each(|peer| counters.add_viewer(peer.estimate.bitrate(), &peer.shortage));
        viewers().for_each(|peer| counters.add_pacer(peer.pacer.figures(), peer.pacer.queue()));
        // Sessions are judged at home.
        let homes = || self.rooms.iter().map(|(_, room)| room).filter(|room| room.home.is_none());
        for room in homes() {
            room.sessions.values().for_each(|presence| counters.add_session(presence.quality.told()));
        }
        for (_, room) in &self.rooms {
            let Router { producers, consumers, .. } = &room.router;
            let videos = consumers.iter().map(|(_, one)| one).filter(|one| one.kind == Kind::Video);
            videos.for_each(|one| counters.add_video(stats::given(one, &producers[one.producer])));
        }
        let routers = || self.rooms.iter().map(|(_, room)| &room.router);
        Counters {
            rooms: homes().count() as u64,
            branches: self.rooms.len() as u64 - homes().count() as u64,
            transports: self.peers.len() as u64,
            addresses: self.demux.address_count() as u64,
            producers: homes().map(|room| room.router.producers.len() as u64).sum(),
            consumers: routers().map(|router| router.consumers.len() as u64).sum(),
            ..counters
        }
    }

    /// The room a `handle_*` call that did not return (a panic) was working for.
    pub fn room_in_progress(&self) -> Option<RoomId> {
        self.in_progress
    }

    /// Removes a room after a panic and says so with `RoomFailed`; its clients see their transports go silent and
    /// control closes what it had there. Unknown rooms are ignored.
    pub fn remove_room(&mut self, room: RoomId) {
        self.in_progress = None;
        let Some(&slot) = self.room_slots.get(&room) else { return };
        if self.rooms[slot].home.is_some() {
            // Home ends it everywhere, and says so.
            self.tell_home(slot, ToHome::Fail);
            self.drop_room(slot);
            return;
        }
        self.tell_branches(slot, || ToBranch::Fail);
        self.drop_room(slot);
        self.counters.rooms_failed += 1;
        self.events.push_back(Event::RoomFailed { room });
    }

    fn peer_timeout(&mut self, now: Instant, slot: Slot) {
        let Some(peer) = self.peers.get_mut(slot) else { return };
        self.in_progress = Some(peer.room_id);
        peer.transport.handle_timeout(now);
        let (chooses, reports) = (is_due(peer.choose_at, now), is_due(peer.report_at, now));
        if is_due(peer.tell_again_at, now) {
            self.tell_of_peer_again(slot);
        }
        if chooses {
            self.choose_layers(now, slot);
        }
        self.tell_due_watched(now, slot);
        self.heed_silent_layers(now, slot);
        self.send_due(now, slot);
        self.send_due_rtcp(now, slot);
        if reports {
            self.judge_quality(now, slot);
        }
        self.take_data(now, slot);
        self.after_transport(now, slot);
        self.deadlines.postpone(Waiting::Peer(slot), now + RETRY_AFTER);
    }

    fn room_slot(&self, room: RoomId) -> Result<Slot, RefusalReason> {
        self.room_slots.get(&room).copied().ok_or(RefusalReason::UnknownRoom)
    }
}

fn is_due(at: Option<Instant>, now: Instant) -> bool {
    at.is_some_and(|at| at <= now)
}
