//! A room of the engine: who is in it and what is routed.

use plenum_shared::{
    command::{RoomInventory, TransportInventory},
    id::RoomId,
};
use slab::Slab;

use super::{demux::Slot, peer::Peer};

/// One room.
#[derive(Debug)]
pub struct Room {
    /// Its name.
    pub id: RoomId,
    /// The transports in it, in the order of creation. Bounded by [`super::limits::Limits::transports`].
    pub peers: Vec<Slot>,
}

impl Room {
    /// An empty room.
    pub fn new(id: RoomId) -> Self {
        Room { id, peers: Vec::new() }
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
            producers: Vec::new(),
            consumers: Vec::new(),
        }
    }
}
