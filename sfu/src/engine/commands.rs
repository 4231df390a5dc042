//! What control asks of a room: one line per command, and the small ones themselves.

use std::time::Instant;

use plenum_shared::{
    command::{Refusal, RefusalReason, Reply, Response, RoomCommand},
    id::{RoomId, SessionId, TransportId},
    media::Direction,
    transport::{CandidateType, DtlsParameters, IceCandidate, Protocol, TcpType},
};

use super::{
    Candidate, Engine,
    demux::Slot,
    peer::{CONNECT_TIMEOUT, Peer, PeerIdentity},
    relay::message::{ToBranch, ToHome},
    room::Room,
    tracks::{Consume, Produce},
    transport::{Transport, TransportConfig},
};

/// Characters of six bits each: RFC 8445 asks for 24 bits in a ufrag, and ours is also the key of a table.
const UFRAG_LEN: usize = 12;
/// RFC 8445 asks for 128 bits.
const PASSWORD_LEN: usize = 24;
/// The type preference of host candidates (RFC 8445 section 5.1.2.2).
const HOST_PREFERENCE: u32 = 126;
/// The same over TCP: below whatever goes by UDP, relays included (RFC 6544 section 4.2).
const TCP_HOST_PREFERENCE: u32 = 90;
/// The direction preference of a passive host candidate (RFC 6544 section 4.2), in the upper three of its 16 bits.
const PASSIVE_PREFERENCE: u32 = 4 << 13;

impl Engine {
    pub(super) fn dispatch(&mut self, now: Instant, room: RoomId, command: RoomCommand) -> Response {
        use RoomCommand as C;
        let slot = match (&command, self.room_slot(room)) {
            (C::Create, _) => return self.create_room(room),
            (_, slot) => slot.map_err(|reason| Refusal::new(reason, room.to_string()))?,
        };
        match command {
            C::Create => {}
            C::Close => self.close_room(now, slot),
            C::CloseTransport { transport } => {
                let peer = self.peer_of(slot, transport)?;
                self.drop_peer(now, peer);
            }
            C::CloseSession { session } => self.close_session(now, slot, session),
            C::CreateTransport { session, transport, direction } => {
                return self.create_transport(now, slot, session, transport, direction);
            }
            C::ConnectTransport { transport, dtls } => self.connect_transport(now, slot, transport, &dtls)?,
            C::Produce { transport, producer, kind, source, rtp_parameters, paused } => {
                let produce = Produce { transport, producer, kind, source, rtp_parameters, paused };
                return self.produce(now, slot, produce);
            }
            C::SetProducerPaused { producer, paused } => {
                self.set_producer_paused(now, slot, producer, paused)?
            }
            C::CloseProducer { producer } => self.close_producer(now, slot, producer)?,
            C::Consume { transport, consumer, producer, rtp_capabilities, paused } => {
                let consume = Consume { transport, consumer, producer, rtp_capabilities, paused };
                return self.consume(now, slot, consume);
            }
            C::SetConsumerPaused { consumer, paused } => {
                self.set_consumer_paused(now, slot, consumer, paused)?
            }
            C::SetPreferredLayer { consumer, layer, size } => {
                self.set_preferred_layer(now, slot, consumer, layer, size)?
            }
            C::SetConsumerPriority { consumer, priority } => {
                self.set_consumer_priority(now, slot, consumer, priority)?
            }
            C::RestartIce { transport } => return self.restart_ice(slot, transport),
            C::SetSessionGroup { session, group } => self.set_session_group(now, slot, session, group)?,
            C::RequestKeyframe { consumer } => {
                let consumer = self.consumer_of(slot, consumer)?;
                self.request_keyframe(now, slot, consumer);
            }
            C::CloseConsumer { consumer } => self.close_consumer(now, slot, consumer)?,
            C::ProduceData { transport, producer, stream } => {
                self.produce_data(now, slot, transport, producer, stream)?
            }
            C::CloseDataProducer { producer } => self.close_data_producer(now, slot, producer)?,
            C::ConsumeData { transport, consumer, producer } => {
                return self.consume_data(now, slot, transport, consumer, producer);
            }
            C::CloseDataConsumer { consumer } => self.close_data_consumer(now, slot, consumer)?,
            C::Stats => return Ok(Reply::Stats(self.room_stats(now, slot))),
            C::SessionDetails { session } => return self.session_details(now, slot, session),
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
        let slot = self.rooms.insert(Room::new(id, &self.config.limits));
        self.room_slots.insert(id, slot);
        Ok(Reply::Done)
    }

    fn create_transport(
        &mut self,
        now: Instant,
        room: Slot,
        session: SessionId,
        id: TransportId,
        direction: Direction,
    ) -> Response {
        if self.peer_slots.contains_key(&id) {
            return Err(Refusal::new(RefusalReason::AlreadyExists, id.to_string()));
        }
        let limits = &self.config.limits;
        let of_session = self.rooms[room].transports_of(session);
        if of_session >= limits.transports_per_session || self.peers.len() >= limits.transports {
            return Err(Refusal::new(RefusalReason::LimitReached, "transports"));
        }
        let slot = self.peers.vacant_key();
        let config = TransportConfig {
            local_ufrag: self.new_ufrag(slot),
            local_pwd: self.random.ice_text(PASSWORD_LEN),
            certificate: self.config.certificate.clone(),
        };
        let mut transport = Transport::new(config, now);
        transport.set_data_rate(self.config.limits.data_rate);
        let created = Reply::TransportCreated {
            ice: transport.ice_parameters(),
            candidates: candidates(&self.config.candidates),
            dtls: transport.dtls_parameters(),
        };
        let room_id = self.rooms[room].id;
        let identity = PeerIdentity { id, session, room_id, room, direction };
        let rtcp_ssrc = self.random.ssrc(|_| false);
        self.peers.insert(Peer::new(now, self.epoch, identity, transport, rtcp_ssrc));
        self.peer_slots.insert(id, slot);
        self.rooms[room].add_peer(session, slot);
        self.tell_home(room, ToHome::Came { session });
        self.after_transport(now, slot);
        Ok(created)
    }

    fn connect_transport(
        &mut self,
        now: Instant,
        room: Slot,
        id: TransportId,
        dtls: &DtlsParameters,
    ) -> Result<(), Refusal> {
        let slot = self.peer_of(room, id)?;
        let set = self.peers[slot].transport.set_remote(now, dtls);
        set.map_err(|error| Refusal::new(RefusalReason::Invalid, error.to_string()))?;
        if !self.peers[slot].transport.is_connected() {
            self.peers[slot].connect_by.get_or_insert(now + CONNECT_TIMEOUT);
        }
        self.after_transport(now, slot);
        Ok(())
    }

    /// A ufrag of nobody, known as this peer's from now on.
    fn new_ufrag(&mut self, slot: Slot) -> String {
        loop {
            let ufrag = self.random.ice_text(UFRAG_LEN);
            if self.demux.insert_ufrag(&ufrag, slot) {
                return ufrag;
            }
        }
    }

    pub(super) fn peer_of(&self, room: Slot, transport: TransportId) -> Result<Slot, Refusal> {
        let slot = self.peer_slots.get(&transport).copied();
        slot.filter(|&slot| self.peers[slot].room == room)
            .ok_or_else(|| Refusal::new(RefusalReason::UnknownTransport, transport.to_string()))
    }

    fn restart_ice(&mut self, room: Slot, id: TransportId) -> Response {
        let slot = self.peer_of(room, id)?;
        let (ufrag, password) = (self.new_ufrag(slot), self.random.ice_text(PASSWORD_LEN));
        let transport = &mut self.peers[slot].transport;
        if let Some(forgotten) = transport.restart_ice(ufrag, password) {
            self.demux.remove_ufrag(&forgotten);
        }
        Ok(Reply::IceRestarted { ice: transport.ice_parameters() })
    }

    fn set_session_group(
        &mut self,
        now: Instant,
        room: Slot,
        session: SessionId,
        group: u32,
    ) -> Result<(), Refusal> {
        // Of somebody who has gone nothing is kept: whoever comes back under that name is put into the group again.
        let is_here = self.rooms[room].has(session);
        let groups = &mut self.rooms[room].groups;
        if group == 0 || !is_here {
            groups.remove(&session);
        } else if groups.len() < self.config.limits.transports || groups.contains_key(&session) {
            groups.insert(session, group);
        } else {
            return Err(Refusal::new(RefusalReason::LimitReached, "sessions in groups"));
        }
        self.rooms[room].router.set_group(session, group);
        let group = self.rooms[room].group_of(session);
        self.tell_branches(room, || ToBranch::Grouped { session, group });
        self.look_at_stage(now, room);
        Ok(())
    }

    fn close_session(&mut self, now: Instant, room: Slot, session: SessionId) {
        if self.rooms[room].groups.remove(&session).is_some() {
            self.tell_branches(room, || ToBranch::Grouped { session, group: 0 });
        }
        let peers = self.rooms[room].peers_of(session).to_vec();
        peers.into_iter().for_each(|slot| self.drop_peer(now, slot));
    }
}

/// One host candidate for each socket and listener, the first one preferred, and UDP before TCP (RFC 8445 section
/// 5.1.2.1, RFC 6544 section 4.2).
fn candidates(sockets: &[Candidate]) -> Vec<IceCandidate> {
    let candidate = |(index, socket): (usize, &Candidate)| {
        let is_tcp = socket.local.is_tcp();
        let index = index as u32;
        let (type_preference, local_preference) = if is_tcp {
            (TCP_HOST_PREFERENCE, PASSIVE_PREFERENCE | (0x1FFF - index))
        } else {
            (HOST_PREFERENCE, u32::from(u16::MAX) - index)
        };
        IceCandidate {
            foundation: format!("{}{index}", if is_tcp { "tcp" } else { "udp" }),
            priority: (type_preference << 24) | (local_preference << 8) | 255,
            ip: socket.announced.ip(),
            port: socket.announced.port(),
            protocol: if is_tcp { Protocol::Tcp } else { Protocol::Udp },
            kind: CandidateType::Host,
            tcp_type: is_tcp.then_some(TcpType::Passive),
        }
    };
    sockets.iter().enumerate().map(candidate).collect()
}
