//! How transports and rooms come up and end.

use std::{net::SocketAddr, time::Instant};

use plenum_shared::event::{CloseReason as Reason, Event};

use super::{
    Engine, PathEvent, Waiting,
    demux::Slot,
    egress::Class,
    relay::message::{ToBranch, ToHome},
    transport::{CloseReason, LocalIndex, TransportEvent},
};

impl Engine {
    /// Ends a transport: the peer is told, and nothing of it stays.
    pub(super) fn drop_peer(&mut self, now: Instant, slot: Slot) {
        let room = self.peers[slot].room;
        for consumer in std::mem::take(&mut self.peers[slot].consumers) {
            self.drop_consumer(now, room, consumer);
        }
        for producer in std::mem::take(&mut self.peers[slot].producers) {
            self.drop_producer(now, room, producer);
        }
        self.drop_data_of(now, room, slot);
        self.peers[slot].transport.close(now);
        self.transmit(now, slot);
        let session = self.peers[slot].session;
        self.forget_peer(slot);
        self.rooms[room].remove_peer(session, slot);
        self.tell_home(room, ToHome::Left { session });
    }

    /// Takes a peer out of every table but its room's. Also used to clear up after a panic, so it believes nothing.
    fn forget_peer(&mut self, slot: Slot) {
        let Some(peer) = self.peers.try_remove(slot) else { return };
        self.counters.add_transport(&peer.transport.counters());
        self.peer_slots.remove(&peer.id);
        peer.transport.local_ufrags().for_each(|ufrag| self.demux.remove_ufrag(ufrag));
        for (local, remote) in peer.transport.addresses() {
            self.leave_path(slot, local, remote);
        }
        self.deadlines.set(Waiting::Peer(slot), None);
    }

    /// Ends a room as control asked: everybody in it is told.
    pub(super) fn close_room(&mut self, now: Instant, slot: Slot) {
        self.tell_branches(slot, || ToBranch::Close);
        let peers = self.rooms[slot].peers.clone();
        peers.into_iter().for_each(|peer| self.drop_peer(now, peer));
        self.drop_room(slot);
    }

    /// Ends a room and all that is in it, without asking any transport for anything.
    pub(super) fn drop_room(&mut self, slot: Slot) {
        let room = self.rooms.remove(slot);
        self.room_slots.remove(&room.id);
        self.deadlines.set(Waiting::Room(slot), None);
        for peer in room.peers {
            self.forget_peer(peer);
        }
    }

    /// A connectivity check was valid: media and DTLS from there are this transport's.
    pub(super) fn bind_address(
        &mut self,
        now: Instant,
        slot: Slot,
        address: (LocalIndex, SocketAddr),
        evicted: Option<(LocalIndex, SocketAddr)>,
        retired: Option<String>,
    ) {
        if let Some((local, remote)) = evicted {
            self.leave_path(slot, local, remote);
        }
        if let Some(ufrag) = retired {
            self.demux.remove_ufrag(&ufrag);
        }
        let is_new = self.demux.holder(address.0, address.1) != Some(slot);
        if self.demux.bind(now, slot, address.0, address.1).is_err() {
            self.peers[slot].transport.forget_address(now, address.0, address.1);
        } else if is_new && address.0.is_tcp() {
            self.path_events.push_back(PathEvent::Taken { local: address.0, remote: address.1 });
        }
        self.after_transport(now, slot);
    }

    /// An address is not this transport's any more.
    fn leave_path(&mut self, slot: Slot, local: LocalIndex, remote: SocketAddr) {
        if self.demux.unbind(slot, local, remote) && local.is_tcp() {
            self.path_events.push_back(PathEvent::Left { local, remote });
        }
    }

    /// After anything that may have moved a transport on: what it wants to send, say, and when it wants to be woken.
    pub(super) fn after_transport(&mut self, now: Instant, slot: Slot) {
        self.transmit(now, slot);
        self.send_due_data(now, slot);
        while let Some(event) = self.peers[slot].transport.poll_event() {
            match event {
                TransportEvent::Connected => self.transport_connected(now, slot),
                TransportEvent::PathChanged { is_another_network, .. } => {
                    self.path_changed(now, slot, is_another_network);
                }
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
        let at = peer.poll_timeout(now, &self.rooms[peer.room].router);
        self.deadlines.set(Waiting::Peer(slot), at);
    }

    /// A path to another network starts from what is known of none.
    fn path_changed(&mut self, now: Instant, slot: Slot, is_another_network: bool) {
        self.counters.paths_changed += 1;
        if is_another_network {
            let peer = &mut self.peers[slot];
            peer.estimate.handle_new_path(now);
            peer.round_trip = None;
            // What was decided and begun for the old one is not for this one.
            peer.pacer.end_probe();
            peer.choose_at = Some(now);
            self.after_estimate(now, slot);
        }
    }

    fn transport_connected(&mut self, now: Instant, slot: Slot) {
        let peer = &mut self.peers[slot];
        peer.connect_by = None;
        self.counters.transports_connected += 1;
        self.events.push_back(Event::TransportConnected {
            room: peer.room_id,
            session: peer.session,
            transport: peer.id,
        });
        // What was subscribed to before the keys were there can be sent from now on.
        let (room, consumers) = (peer.room, peer.consumers.clone());
        consumers.into_iter().for_each(|consumer| self.await_entrance(now, room, consumer));
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
    fn transmit(&mut self, now: Instant, slot: Slot) {
        let peer = &mut self.peers[slot];
        while let Some(transmit) = peer.transport.poll_transmit(&mut self.scratch) {
            let bytes = &self.scratch;
            let pushed = self.egress.push(
                slot,
                (transmit.local, transmit.remote),
                Class::Control,
                bytes.len(),
                |buf| {
                    buf.copy_from_slice(bytes);
                    Some(bytes.len())
                },
            );
            match pushed {
                Ok(len) => {
                    peer.traffic.note_sent(now, len);
                    self.counters.sent.note_signalling(bytes);
                }
                Err(_) => self.counters.control_dropped_egress_full += 1,
            }
        }
    }
}
