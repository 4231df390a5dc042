//! What control asks of a room: one line per command, and the small ones themselves.

use std::time::Instant;

use plenum_shared::{
    command::{Refusal, RefusalReason, Reply, Response, RoomCommand},
    event::{CloseReason as Reason, Event},
    id::{RoomId, SessionId, TransportId},
};

use super::{
    Engine,
    demux::Slot,
    peer::Peer,
    room::Room,
    transport::{CloseReason, LocalIndex, TransportEvent},
};

impl Engine {
    pub(super) fn dispatch(&mut self, now: Instant, room: RoomId, command: RoomCommand) -> Response {
        use RoomCommand as C;
        if let C::Create = command {
            return self.create_room(room);
        }
        let slot = self.room_slot(room).map_err(|reason| Refusal::new(reason, room.to_string()))?;
        match command {
            C::Close => self.drop_room(slot),
            C::CloseTransport { transport } => {
                let peer = self.peer_of(slot, transport)?;
                self.drop_peer(now, peer);
            }
            C::CloseSession { session } => self.close_session(now, slot, session),
            _ => return Err(Refusal::new(RefusalReason::Unsupported, "not known to this version")),
        }
        Ok(Reply::Done)
    }

    fn create_room(&mut self, id: RoomId) -> Response {
        if self.room_slots.contains_key(&id) {
            return Err(Refusal::new(RefusalReason::AlreadyExists, id.to_string()));
        }
        if self.rooms.len() >= self.config.limits.rooms {
            return Err(Refusal::new(RefusalReason::LimitReached, "rooms of this worker"));
        }
        let slot = self.rooms.insert(Room::new(id));
        self.room_slots.insert(id, slot);
        Ok(Reply::Done)
    }

    fn peer_of(&self, room: Slot, transport: TransportId) -> Result<Slot, Refusal> {
        let slot = self.peer_slots.get(&transport).copied();
        slot.filter(|&slot| self.peers[slot].room == room)
            .ok_or_else(|| Refusal::new(RefusalReason::UnknownTransport, transport.to_string()))
    }

    fn close_session(&mut self, now: Instant, room: Slot, session: SessionId) {
        let mut peers = self.rooms[room].peers.clone();
        peers.retain(|&slot| self.peers[slot].session == session);
        peers.into_iter().for_each(|slot| self.drop_peer(now, slot));
    }

    /// Ends a transport: the peer is told, and nothing of it stays.
    pub(super) fn drop_peer(&mut self, now: Instant, slot: Slot) {
        self.peers[slot].transport.close(now);
        self.transmit(slot);
        let peer = self.forget_peer(slot);
        self.rooms[peer.room].peers.retain(|&other| other != slot);
    }

    /// Takes a peer out of every table but its room's.
    fn forget_peer(&mut self, slot: Slot) -> Peer {
        let peer = self.peers.remove(slot);
        self.peer_slots.remove(&peer.id);
        self.demux.remove_ufrag(peer.transport.local_ufrag());
        for (local, remote) in peer.transport.addresses() {
            self.demux.unbind(slot, local, remote);
        }
        self.deadlines.set(super::Waiting::Peer(slot), None);
        peer
    }

    /// Ends a room and all that is in it, without asking any transport for anything.
    pub(super) fn drop_room(&mut self, slot: Slot) {
        let room = self.rooms.remove(slot);
        self.room_slots.remove(&room.id);
        self.deadlines.set(super::Waiting::Room(slot), None);
        for peer in room.peers {
            self.forget_peer(peer);
        }
    }

    /// A connectivity check was valid: media and DTLS from there are this transport's.
    pub(super) fn bind_address(
        &mut self,
        now: Instant,
        slot: Slot,
        address: (LocalIndex, std::net::SocketAddr),
        evicted: Option<(LocalIndex, std::net::SocketAddr)>,
    ) {
        if let Some((local, remote)) = evicted {
            self.demux.unbind(slot, local, remote);
        }
        if self.demux.bind(now, slot, address.0, address.1).is_err() {
            self.peers[slot].transport.forget_address(address.0, address.1);
        }
        self.after_transport(now, slot);
    }

    /// After anything that may have moved a transport on: what it wants to send, say, and when it wants to be woken.
    pub(super) fn after_transport(&mut self, now: Instant, slot: Slot) {
        self.transmit(slot);
        while let Some(event) = self.peers[slot].transport.poll_event() {
            match event {
                TransportEvent::Connected => self.transport_connected(slot),
                TransportEvent::PathChanged { .. } => {}
                TransportEvent::Closed(reason) => {
                    let reason = match reason {
                        CloseReason::ConsentExpired => Reason::ConsentExpired,
                        CloseReason::FingerprintMismatch => Reason::HandshakeFailed,
                        CloseReason::CloseNotify | CloseReason::Local => Reason::PeerClosed,
                    };
                    return self.transport_lost(now, slot, reason);
                }
            }
        }
        let peer = &self.peers[slot];
        if peer.connect_by.is_some_and(|at| at <= now) {
            return self.transport_lost(now, slot, Reason::NeverConnected);
        }
        self.deadlines.set(super::Waiting::Peer(slot), peer.poll_timeout());
    }

    fn transport_connected(&mut self, slot: Slot) {
        let peer = &mut self.peers[slot];
        peer.connect_by = None;
        self.counters.transports_connected += 1;
        self.events.push_back(Event::TransportConnected {
            room: peer.room_id,
            session: peer.session,
            transport: peer.id,
        });
    }

    fn transport_lost(&mut self, now: Instant, slot: Slot, reason: Reason) {
        let peer = &self.peers[slot];
        let event =
            Event::TransportClosed { room: peer.room_id, session: peer.session, transport: peer.id, reason };
        self.drop_peer(now, slot);
        self.counters.transports_lost += 1;
        self.events.push_back(event);
    }

    /// Moves STUN and DTLS datagrams of a transport to the arena.
    fn transmit(&mut self, slot: Slot) {
        let peer = &mut self.peers[slot];
        while let Some(transmit) = peer.transport.poll_transmit(&mut self.scratch) {
            let bytes = &self.scratch;
            let pushed = self.egress.push(
                slot,
                (transmit.local, transmit.remote),
                super::egress::Class::Control,
                bytes.len(),
                |buf| {
                    buf.copy_from_slice(bytes);
                    Some(bytes.len())
                },
            );
            if pushed.is_err() {
                self.counters.control_dropped_egress_full += 1;
            }
        }
    }
}
