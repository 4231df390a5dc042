//! A room with hand-made peers and no network in between: a test says which packet comes when, and sees every packet
//! that leaves.

use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use plenum_sfu::engine::packet::{HeaderFields, RtpPacket, write_header};
use plenum_sfu::engine::relay::WorkerIndex;
use plenum_sfu::engine::router::held::Progress;
use plenum_sfu::engine::transport::rtcp::RtcpWriter;
use plenum_sfu::engine::transport::{DtlsCertificate, LocalIndex};
use plenum_sfu::engine::{Candidate, Engine, EngineConfig, limits::Limits};
use plenum_shared::command::{RefusalReason, Reply, Response, RoomCommand};
use plenum_shared::details::SessionDetails;
use plenum_shared::event::Event;
use plenum_shared::id::{ConsumerId, ProducerId, RoomId, SessionId, TransportId};
use plenum_shared::media::{Direction, Kind, Source};
use plenum_shared::rtp::{RtpCapabilities, RtpParameters, router_capabilities};
use plenum_shared::transport::{DtlsParameters, IceParameters};
use uuid::Uuid;

use crate::peer::{Check, Peer, address};
use crate::wires::{Carried, Wires};

const LOCAL: LocalIndex = LocalIndex(0);
const SERVER: &str = "192.0.2.1:5000";

const REPORT_INTERVAL: Duration = Duration::from_secs(1);

pub const MID: u8 = 4;
pub const RID: u8 = 10;
pub const REPAIRED_RID: u8 = 11;
pub const TRANSPORT_WIDE: u8 = 3;
pub const AUDIO_LEVEL: u8 = 1;

pub struct Room {
    pub now: Instant,
    pub engine: Engine,
    /// Workers beside the one that has the room.
    pub others: Vec<Engine>,
    /// What lies between the workers.
    pub wires: Wires,
    pub events: Vec<Event>,
    pub room: RoomId,
    pub links: Vec<Link>,
    /// Viewers send a report a second, as browsers do; without any they would be held for gone.
    pub viewers_report: bool,
    /// The worker that new viewers are on.
    viewers: usize,
    /// How often the clock has woken the engine.
    pub wakes: usize,
    report_at: Instant,
    ids: u128,
}

/// One transport of one session, with its far end.
pub struct Link {
    pub session: SessionId,
    pub transport: TransportId,
    /// 0 is the one that has the room.
    worker: usize,
    direction: Direction,
    address: SocketAddr,
    peer: Peer,
    /// Plain packets as they came, not yet taken by the test.
    rtp: Vec<Vec<u8>>,
    rtcp: Vec<Vec<u8>>,
    sequence_number: u16,
}

/// A packet of a publisher.
#[derive(Debug, Clone, Copy)]
pub struct Sent<'a> {
    pub payload_type: u8,
    pub ssrc: u32,
    pub sequence_number: u16,
    pub timestamp: u32,
    pub extensions: &'a [(u8, &'a [u8])],
    pub payload: &'a [u8],
}

/// Tells a story with viewers on the worker that has the room, and once more with viewers on another one.
pub fn everywhere(story: impl Fn(usize)) {
    for viewers in 0..2 {
        let told = catch_unwind(AssertUnwindSafe(|| story(viewers)));
        assert!(told.is_ok(), "with viewers on worker {viewers}");
    }
}

/// What a viewer was told about its consumer.
#[derive(Debug, Clone)]
pub struct Viewing {
    pub consumer: ConsumerId,
    pub link: usize,
    pub parameters: RtpParameters,
}

impl Viewing {
    pub fn ssrc(&self) -> u32 {
        self.parameters.encodings[0].ssrc.unwrap()
    }

    pub fn rtx_ssrc(&self) -> u32 {
        self.parameters.encodings[0].rtx.unwrap().ssrc
    }
}

/// Packets are sent one by one here, and mostly none ends a frame: nothing waits for the rest of it.
pub fn one_by_one() -> Limits {
    Limits { frame_patience: Duration::ZERO, ..Limits::default() }
}

impl Room {
    pub fn new() -> Self {
        Self::with(one_by_one())
    }

    pub fn with(limits: Limits) -> Self {
        Self::on_workers(1, limits)
    }

    /// A room on the first of several workers.
    pub fn on_workers(count: u16, limits: Limits) -> Self {
        let now = Instant::now();
        let certificate = Arc::new(DtlsCertificate::generate().unwrap());
        let wires = Wires::default();
        let engine = |worker: u16| {
            let config = EngineConfig {
                certificate: certificate.clone(),
                candidates: vec![Candidate { local: LOCAL, announced: address(SERVER) }],
                seed: [7 + worker as u8; 32],
                limits,
            };
            let mut engine = Engine::new(config, now);
            engine.connect_workers(WorkerIndex(worker), wires.end_of(WorkerIndex(worker)));
            engine
        };
        let room = RoomId(Uuid::from_u128(1));
        let mut room = Room {
            now,
            engine: engine(0),
            others: (1..count).map(engine).collect(),
            wires: wires.clone(),
            events: Vec::new(),
            room,
            links: Vec::new(),
            viewers_report: true,
            viewers: 0,
            wakes: 0,
            report_at: now + REPORT_INTERVAL,
            ids: 1,
        };
        room.command(RoomCommand::Create).unwrap();
        room
    }

    /// A room whose viewers are on this one of two workers.
    pub fn with_viewers_on(viewers: usize, limits: Limits) -> Self {
        let mut room = Self::on_workers(2, limits);
        if viewers > 0 {
            room.open_branch(viewers as u16);
            room.viewers = viewers;
        }
        room
    }

    /// The worker that new viewers are on.
    pub fn worker_of_viewers(&mut self) -> &mut Engine {
        self.worker(self.viewers)
    }

    /// Has a branch of the room on another worker.
    pub fn open_branch(&mut self, worker: u16) {
        self.engine.open_branch(self.room, WorkerIndex(worker)).unwrap();
        self.pump();
    }

    pub fn worker(&mut self, worker: usize) -> &mut Engine {
        if worker == 0 { &mut self.engine } else { &mut self.others[worker - 1] }
    }

    pub fn uuid(&mut self) -> Uuid {
        self.ids += 1;
        Uuid::from_u128(self.ids)
    }

    /// A command for the worker that has the room, or has what it names.
    pub fn command(&mut self, command: RoomCommand) -> Response {
        use RefusalReason as R;
        let mut response = self.command_on(0, command.clone());
        for worker in 1..=self.others.len() {
            let Err(refusal) = &response else { break };
            if matches!(refusal.reason, R::UnknownConsumer | R::UnknownTransport) {
                let elsewhere = self.command_on(worker, command.clone());
                // A worker without a part of the room knows nothing of it.
                response = elsewhere.or_else(|other| match other.reason {
                    R::UnknownRoom => response,
                    _ => Err(other),
                });
            }
        }
        response
    }

    pub fn command_on(&mut self, worker: usize, command: RoomCommand) -> Response {
        let (now, room) = (self.now, self.room);
        let response = self.worker(worker).handle_command(now, room, command);
        self.pump();
        response
    }

    /// A command about a link, for the worker that has it.
    pub fn command_of(&mut self, link: usize, command: RoomCommand) -> Response {
        self.command_on(self.links[link].worker, command)
    }

    /// Everything the engine knows of a session.
    pub fn details(&mut self, session: SessionId) -> SessionDetails {
        match self.command(RoomCommand::SessionDetails { session }) {
            Ok(Reply::SessionDetails(details)) => *details,
            other => panic!("{other:?}"),
        }
    }

    pub fn refused(&mut self, command: RoomCommand) -> RefusalReason {
        self.command(command).unwrap_err().reason
    }

    /// A connected transport of a new session.
    pub fn link(&mut self, direction: Direction) -> usize {
        let session = SessionId(self.uuid());
        self.link_of(session, direction)
    }

    pub fn link_of(&mut self, session: SessionId, direction: Direction) -> usize {
        let worker = if direction == Direction::Recv { self.viewers } else { 0 };
        self.link_on(worker, session, direction)
    }

    /// A connected transport of a new viewer on another worker.
    pub fn viewer_on(&mut self, worker: usize) -> usize {
        let session = SessionId(self.uuid());
        self.link_on(worker, session, Direction::Recv)
    }

    pub fn link_on(&mut self, worker: usize, session: SessionId, direction: Direction) -> usize {
        let transport = TransportId(self.uuid());
        let create = RoomCommand::CreateTransport { session, transport, direction };
        let created = self.command_on(worker, create);
        let Ok(Reply::TransportCreated { ice, .. }) = created else { panic!("{created:?}") };
        let peer = Peer::client(self.now, ice, 1150);
        let address = address(&format!("198.51.100.9:{}", 10_000 + self.links.len()));
        let check = peer.check(Check { use_candidate: true, ..Check::default() });
        let dtls = peer.dtls_parameters();
        let (rtp, rtcp) = (Vec::new(), Vec::new());
        let sequence_number = 0;
        self.links.push(Link {
            session,
            transport,
            worker,
            direction,
            address,
            peer,
            rtp,
            rtcp,
            sequence_number,
        });
        let link = self.links.len() - 1;
        self.command_on(worker, RoomCommand::ConnectTransport { transport, dtls }).unwrap();
        self.deliver(link, check);
        let flight = self.links[link].peer.handle_timeout(self.now);
        flight.into_iter().for_each(|datagram| self.deliver(link, datagram));
        assert!(self.links[link].peer.srtp.is_some(), "the handshake is done");
        link
    }

    pub fn produce(&mut self, link: usize, kind: Kind, source: Source, json: &str) -> ProducerId {
        let producer = ProducerId(self.uuid());
        let transport = self.links[link].transport;
        let rtp_parameters = serde_json::from_str(json).unwrap();
        let command =
            RoomCommand::Produce { transport, producer, kind, source, rtp_parameters, paused: false };
        self.command(command).unwrap();
        producer
    }

    /// A subscription of a viewer that takes no redundancy.
    pub fn consume(&mut self, link: usize, producer: ProducerId) -> Viewing {
        let mut plain = router_capabilities();
        plain.codecs.retain(|codec| codec.mime_type != "audio/red");
        self.consume_with(link, producer, plain)
    }

    pub fn consume_with(
        &mut self,
        link: usize,
        producer: ProducerId,
        rtp_capabilities: RtpCapabilities,
    ) -> Viewing {
        let consumer = ConsumerId(self.uuid());
        let &Link { transport, worker, .. } = &self.links[link];
        let consume = RoomCommand::Consume { transport, consumer, producer, rtp_capabilities, paused: false };
        let consumed = self.command_on(worker, consume);
        let Ok(Reply::Consumed { rtp_parameters, .. }) = consumed else { panic!("{consumed:?}") };
        Viewing { consumer, link, parameters: rtp_parameters }
    }

    /// A packet of a publisher arrives; what it causes leaves at once.
    pub fn send(&mut self, link: usize, sent: Sent<'_>) {
        let datagram = self.sealed(link, sent);
        self.deliver(link, datagram);
    }

    pub fn sealed(&mut self, link: usize, sent: Sent<'_>) -> Vec<u8> {
        self.sealed_with(link, sent, false)
    }

    /// `marker`: the packet ends its frame.
    pub fn sealed_with(&mut self, link: usize, sent: Sent<'_>, marker: bool) -> Vec<u8> {
        let Sent { payload_type, ssrc, sequence_number, timestamp, extensions, payload } = sent;
        let fields = HeaderFields { marker, payload_type, sequence_number, timestamp, ssrc };
        let mut bytes = vec![0; 2048];
        let number = self.links[link].sequence_number.to_be_bytes();
        self.links[link].sequence_number += 1;
        let extensions = extensions.iter().copied().chain([(TRANSPORT_WIDE, &number[..])]);
        let header_len = write_header(&mut bytes, fields, extensions).unwrap();
        bytes[header_len..header_len + payload.len()].copy_from_slice(payload);
        let plain_len = header_len + payload.len();
        bytes.truncate(plain_len);
        self.links[link].peer.seal_rtp(bytes)
    }

    pub fn send_rtcp(&mut self, link: usize, build: impl FnOnce(&mut RtcpWriter<'_>)) {
        let datagram = self.sealed_rtcp(link, build);
        self.deliver(link, datagram);
    }

    pub fn sealed_rtcp(&mut self, link: usize, build: impl FnOnce(&mut RtcpWriter<'_>)) -> Vec<u8> {
        let mut plain = vec![0; 1200];
        let mut writer = RtcpWriter::new(&mut plain);
        build(&mut writer);
        let len = writer.len();
        plain.truncate(len);
        self.links[link].peer.seal_rtcp(plain)
    }

    /// Control has missed something, and every worker tells again.
    pub fn tell_again(&mut self) {
        for worker in 0..=self.others.len() {
            let now = self.now;
            self.worker(worker).tell_again(now);
        }
        self.pump();
    }

    /// A link's browser restarts ICE and goes on at another address.
    pub fn restart_at(&mut self, link: usize, address: SocketAddr) {
        let transport = self.links[link].transport;
        let restarted = self.command(RoomCommand::RestartIce { transport });
        let Ok(Reply::IceRestarted { ice }) = restarted else { panic!("{restarted:?}") };
        self.move_to(link, address, Some(ice));
    }

    /// A link's browser goes on at another address; with credentials that both sides have anew, or the ones of before.
    pub fn move_to(&mut self, link: usize, address: SocketAddr, ice: Option<IceParameters>) {
        let Link { peer, address: source, .. } = &mut self.links[link];
        *source = address;
        if let Some(ice) = ice {
            (peer.remote, peer.ufrag) = (ice, "theirs, anew".to_owned());
        }
        let check = peer.check(Check { use_candidate: true, ..Check::default() });
        self.deliver(link, check);
    }

    /// Application data of a peer arrives in DTLS.
    pub fn send_data(&mut self, link: usize, data: &[u8]) {
        let records = self.links[link].peer.send_data(self.now, data);
        records.into_iter().for_each(|record| self.deliver(link, record));
    }

    /// Application data a peer got since the last call.
    pub fn received_data(&mut self, link: usize) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.links[link].peer.received)
    }

    /// The far end of a link, as it is told in signalling.
    pub fn dtls_parameters(&self, link: usize) -> DtlsParameters {
        self.links[link].peer.dtls_parameters()
    }

    /// Where datagrams of a link come from.
    pub fn source(&self, link: usize) -> SocketAddr {
        self.links[link].address
    }

    /// As when the connection it came by is closed.
    pub fn close_path(&mut self, link: usize) {
        self.engine.handle_closed_path(self.now, LOCAL, self.links[link].address);
        self.pump();
    }

    pub fn deliver(&mut self, link: usize, mut datagram: Vec<u8>) {
        let (now, &Link { worker, address, .. }) = (self.now, &self.links[link]);
        self.worker(worker).handle_datagram(now, LOCAL, address, &mut datagram);
        assert_eq!(self.worker(worker).end_batch(now), Progress::Done);
        self.pump();
    }

    pub fn run(&mut self, ms: u64) {
        let end = self.now + Duration::from_millis(ms);
        while self.report_at <= end {
            self.run_until(self.report_at);
            self.report_at += REPORT_INTERVAL;
            if self.viewers_report {
                self.report();
            }
        }
        self.run_until(end);
    }

    fn run_until(&mut self, end: Instant) {
        let due = |room: &Self| {
            let workers = [&room.engine].into_iter().chain(&room.others).enumerate();
            let timeouts = workers.filter_map(|(worker, engine)| Some((engine.poll_timeout()?, worker)));
            timeouts.min().filter(|&(at, _)| at <= end)
        };
        while let Some((at, worker)) = due(self) {
            self.now = self.now.max(at);
            let now = self.now;
            self.worker(worker).handle_timeout(now);
            self.wakes += 1;
            self.pump();
        }
        self.now = self.now.max(end);
    }

    /// A report without a block says only that its sender is there.
    fn report(&mut self) {
        for link in 0..self.links.len() {
            if self.links[link].direction == Direction::Recv {
                self.send_rtcp(link, |writer| assert!(writer.receiver_report(1, &[])));
            }
        }
    }

    /// The media packets a viewer got since the last call, with what they say.
    pub fn received(&mut self, viewing: &Viewing) -> Vec<(RtpPacket, Vec<u8>)> {
        self.received_of(viewing.link, viewing.ssrc())
    }

    pub fn received_of(&mut self, link: usize, ssrc: u32) -> Vec<(RtpPacket, Vec<u8>)> {
        let rtp = std::mem::take(&mut self.links[link].rtp);
        let parsed = rtp.into_iter().map(|bytes| (RtpPacket::parse(&bytes).unwrap(), bytes));
        let (wanted, rest): (Vec<_>, Vec<_>) = parsed.partition(|(packet, _)| packet.ssrc == ssrc);
        self.links[link].rtp = rest.into_iter().map(|(_, bytes)| bytes).collect();
        wanted
    }

    /// Every RTP packet a viewer got since the last call, in order.
    pub fn received_all(&mut self, link: usize) -> Vec<(RtpPacket, Vec<u8>)> {
        let rtp = std::mem::take(&mut self.links[link].rtp);
        rtp.into_iter().map(|bytes| (RtpPacket::parse(&bytes).unwrap(), bytes)).collect()
    }

    /// The compounds a peer got since the last call.
    pub fn received_rtcp(&mut self, link: usize) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.links[link].rtcp)
    }

    /// Has everything arrived that the engine has to send.
    pub fn pump(&mut self) {
        for worker in 0..=self.others.len() {
            self.pump_worker(worker);
        }
        while let Some((from, to, carried)) = self.wires.take() {
            let to = usize::from(to.0);
            self.carry(from, to, carried);
            self.pump_worker(to);
        }
    }

    /// Something arrives at a worker.
    pub fn carry(&mut self, from: WorkerIndex, to: usize, carried: Carried) {
        let now = self.now;
        match carried {
            Carried::Message(message) => self.worker(to).handle_message(now, from, message),
            Carried::Packet(head, bytes) => {
                self.worker(to).handle_relayed(now, &head, &bytes);
                self.wires.give_back(bytes);
            }
        }
        assert_eq!(self.worker(to).end_batch(now), Progress::Done);
    }

    fn pump_worker(&mut self, worker: usize) {
        while let Some(event) = self.worker(worker).poll_event() {
            self.events.push(event);
        }
        let egress = self.worker(worker).egress();
        let mut sent = Vec::new();
        for message in egress.messages() {
            let size = message.segment_size.map_or(message.bytes.len(), usize::from);
            sent.extend(message.bytes.chunks(size).map(|datagram| (message.remote, datagram.to_vec())));
        }
        egress.clear();
        for (remote, bytes) in sent {
            let Some(link) = self.links.iter().position(|link| link.address == remote) else { continue };
            let Link { peer, rtp, rtcp, .. } = &mut self.links[link];
            match (bytes[0], bytes[1]) {
                (20..=63, _) => {
                    let flight = peer.handle_dtls(self.now, &bytes);
                    flight.into_iter().for_each(|datagram| self.deliver(link, datagram));
                }
                (128..=191, 192..=223) => rtcp.push(peer.open_rtcp(bytes).unwrap()),
                (128..=191, _) => rtp.push(peer.open_rtp(bytes).unwrap()),
                _ => {}
            }
        }
    }
}
