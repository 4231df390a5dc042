//! A room of the engine: who is in it and what is routed.

use std::collections::HashMap;

use plenum_shared::{
    command::{RoomInventory, TransportInventory},
    id::{RoomId, SessionId},
};
use slab::Slab;

use super::{
    demux::Slot,
    peer::Peer,
    quality::Quality,
    router::{Router, data::DataTable, hearing::LastN},
};

/// One room.
#[derive(Debug)]
pub struct Room {
    /// Its name.
    pub id: RoomId,
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
    /// How well it is connected.
    pub quality: Quality,
}

impl Room {
    /// An empty room.
    pub fn new(id: RoomId, last_n: LastN) -> Self {
        Room {
            id,
            peers: Vec::new(),
            router: Router::new(last_n),
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
        if presence.peers.is_empty() {
            self.sessions.remove(&session);
        }
    }

    /// The transports of a session.
    pub fn peers_of(&self, session: SessionId) -> &[Slot] {
        self.sessions.get(&session).map_or(&[], |presence| &presence.peers)
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
        RoomInventory {
            room: self.id,
            transports: transports.collect(),
            producers: self.router.producers.iter().map(|(_, producer)| producer.id).collect(),
            consumers: self.router.consumers.iter().map(|(_, consumer)| consumer.id).collect(),
            data_producers: self.data.producers.iter().map(|(_, channel)| channel.id).collect(),
            data_consumers: self.data.consumers.iter().map(|(_, consumer)| consumer.id).collect(),
        }
    }
}
