//! A room of the engine: who is in it and what is routed.

use std::collections::HashMap;

use plenum_shared::{
    command::{RoomInventory, TransportInventory},
    id::{RoomId, SessionId},
};
use slab::Slab;

use super::{
    demux::Slot,
    limits::Limits,
    peer::Peer,
    quality::{Figures, Quality},
    relay::WorkerIndex,
    router::{Router, data::DataTable},
};

/// One room.
#[derive(Debug)]
pub struct Room {
    /// Its name.
    pub id: RoomId,
    /// The worker that has the room, where this is a branch of it.
    pub home: Option<WorkerIndex>,
    /// The transports in it, in the order of creation. Bounded by [`super::limits::Limits::transports`].
    pub peers: Vec<Slot>,
    /// Who gets what.
    pub router: Router,
    /// Who gets whose messages.
    pub data: DataTable,
    /// One for each session with a transport.
    pub(super) sessions: HashMap<SessionId, Presence>,
    /// The part of the room a session is in, for those outside the main one, which is 0. Bounded by
    /// [`super::limits::Limits::transports`].
    pub groups: HashMap<SessionId, u32>,
}

/// A session that has a transport.
#[derive(Debug, Default)]
pub(super) struct Presence {
    /// Its transports, in the order of creation. Bounded by [`super::limits::Limits::transports_per_session`].
    pub peers: Vec<Slot>,
    /// Its transports on branches of the room. At most one entry for each worker.
    pub elsewhere: Vec<Elsewhere>,
    /// How well it is connected.
    pub quality: Quality,
}

/// Transports of a session on a branch.
#[derive(Debug)]
pub(super) struct Elsewhere {
    /// Where.
    pub worker: WorkerIndex,
    /// How many; never none.
    pub transports: u32,
    /// What they said last about its connection.
    pub figures: Figures,
}

impl Room {
    /// An empty room.
    pub fn new(id: RoomId, limits: &Limits) -> Self {
        Room {
            id,
            home: None,
            peers: Vec::new(),
            router: Router::new(limits),
            data: DataTable::default(),
            sessions: HashMap::new(),
            groups: HashMap::new(),
        }
    }

    /// A transport of a session has come.
    pub(super) fn add_peer(&mut self, session: SessionId, slot: Slot) {
        self.peers.push(slot);
        self.sessions.entry(session).or_default().peers.push(slot);
    }

    /// A transport of a session is gone; with its last one the session is forgotten.
    pub(super) fn remove_peer(&mut self, session: SessionId, slot: Slot) {
        self.peers.retain(|&other| other != slot);
        let Some(presence) = self.sessions.get_mut(&session) else { return };
        presence.peers.retain(|&other| other != slot);
        self.forget_absent(session);
    }

    /// A transport of a session has come on a branch.
    pub(super) fn come_elsewhere(&mut self, session: SessionId, worker: WorkerIndex) {
        let elsewhere = &mut self.sessions.entry(session).or_default().elsewhere;
        match elsewhere.iter_mut().find(|elsewhere| elsewhere.worker == worker) {
            Some(known) => known.transports += 1,
            None => elsewhere.push(Elsewhere { worker, transports: 1, figures: Figures::default() }),
        }
    }

    /// A transport of a session is gone from a branch.
    pub(super) fn leave_elsewhere(&mut self, session: SessionId, worker: WorkerIndex) {
        let Some(presence) = self.sessions.get_mut(&session) else { return };
        presence.elsewhere.retain_mut(|elsewhere| {
            elsewhere.transports -= u32::from(elsewhere.worker == worker);
            elsewhere.transports > 0
        });
        self.forget_absent(session);
    }

    fn forget_absent(&mut self, session: SessionId) {
        let absent = |presence: &Presence| presence.peers.is_empty() && presence.elsewhere.is_empty();
        if self.sessions.get(&session).is_some_and(absent) {
            self.sessions.remove(&session);
        }
    }

    /// A session has a transport, here or on a branch.
    pub fn has(&self, session: SessionId) -> bool {
        self.sessions.contains_key(&session)
    }

    /// The transports of a session.
    pub fn peers_of(&self, session: SessionId) -> &[Slot] {
        self.sessions.get(&session).map_or(&[], |presence| &presence.peers)
    }

    /// How many transports a session has, on branches too.
    pub fn transports_of(&self, session: SessionId) -> usize {
        let count = |presence: &Presence| {
            let elsewhere = presence.elsewhere.iter().map(|elsewhere| elsewhere.transports as usize);
            presence.peers.len() + elsewhere.sum::<usize>()
        };
        self.sessions.get(&session).map_or(0, count)
    }

    /// The part of the room a session is in.
    pub fn group_of(&self, session: SessionId) -> u32 {
        self.groups.get(&session).copied().unwrap_or_default()
    }

    /// What it holds.
    pub fn inventory(&self, peers: &Slab<Peer>) -> RoomInventory {
        let transports = self.peers.iter().map(|&slot| {
            let peer = &peers[slot];
            TransportInventory {
                transport: peer.id,
                session: peer.session,
                direction: peer.direction,
                connected: peer.transport.is_connected(),
            }
        });
        let own_data = self.data.producers.iter().filter(|(_, channel)| channel.peer.is_some());
        RoomInventory {
            room: self.id,
            transports: transports.collect(),
            producers: self
                .router
                .producers
                .iter()
                .filter(|(_, one)| !one.is_mirror())
                .map(|(_, one)| one.id)
                .collect(),
            consumers: self.router.consumers.iter().map(|(_, consumer)| consumer.id).collect(),
            data_producers: own_data.map(|(_, channel)| channel.id).collect(),
            data_consumers: self.data.consumers.iter().map(|(_, consumer)| consumer.id).collect(),
        }
    }
}
