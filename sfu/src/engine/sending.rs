//! What a peer is sent now, and why not more: for statistics, and for the plots of the network laboratory.

use std::time::Duration;

use plenum_shared::{
    id::{ConsumerId, TransportId},
    media::{Bitrate, Kind, Layer},
};

use super::Engine;

/// One transport to a viewer at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct SendingSnapshot {
    /// What its path is believed to carry.
    pub estimate: Bitrate,
    /// The round trip to it, once a report proved one.
    pub round_trip: Option<Duration>,
    /// Share of packets lost on the way to it (0.0 to 1.0), as it told last.
    pub loss: f32,
    /// The layer each of its video consumers gets; `None` while it gets nothing.
    pub layers: Vec<(ConsumerId, Option<Layer>)>,
}

impl Engine {
    /// What is sent by a transport; `None` for one that does not exist.
    pub fn sending(&self, transport: TransportId) -> Option<SendingSnapshot> {
        let peer = &self.peers[*self.peer_slots.get(&transport)?];
        let router = &self.rooms[peer.room].router;
        let consumers = peer.consumers.iter().map(|&slot| &router.consumers[slot]);
        let pictures = consumers.filter(|consumer| consumer.kind == Kind::Video);
        Some(SendingSnapshot {
            estimate: peer.estimate.bitrate(),
            round_trip: peer.round_trip,
            loss: peer.loss,
            layers: pictures.map(|consumer| (consumer.id, consumer.layers.current())).collect(),
        })
    }
}
