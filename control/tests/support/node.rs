//! A scripted media node: a real QUIC peer with a certificate of the authority that answers as it is told. For the
//! failures that a real node cannot be made to have.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use plenum_control::fleet::pki::Authority;
use plenum_shared::codec::{self, FrameReader};
use plenum_shared::command::{
    Command, Hello, Refusal, RefusalReason, Reply, Request, Response, RoomCommand, RoomInventory, RoomStats,
    TransportInventory, Welcome,
};
use plenum_shared::details::SessionDetails;
use plenum_shared::event::{Event, LoadReport, NumberedEvent};
use plenum_shared::id::{DataConsumerId, DataProducerId, NodeId, ProducerId, RoomId, SessionId};
use plenum_shared::media::{Kind, LayerStructure};
use plenum_shared::rtp::{CodecParameters, EncodingParameters, RtpParameters};
use plenum_shared::transport::{
    CandidateType, DtlsParameters, DtlsRole, Fingerprint, IceCandidate, IceParameters, Protocol,
    SctpStreamParameters,
};
use quinn::crypto::rustls::QuicClientConfig;
use quinn::{ClientConfig, Connection, Endpoint, RecvStream, SendStream};
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::sync::watch;

use super::socket::PATIENCE;

/// What the node does with the next requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    Answers,
    /// Reads requests and never answers.
    Silent,
    Refuses(RefusalReason),
}

/// One start of the node, with one link.
pub struct ScriptedNode {
    connection: Connection,
    _endpoint: Endpoint,
    memory: Arc<Memory>,
    events: tokio::sync::Mutex<(SendStream, u64)>,
}

/// What outlives a link.
pub struct Memory {
    mood: Mutex<Mood>,
    pub node: NodeId,
    rooms: Mutex<HashMap<RoomId, RoomInventory>>,
    kinds: Mutex<HashMap<ProducerId, Kind>>,
    requests: Mutex<Vec<Request>>,
    /// Tracks as they were last told to be.
    paused: Mutex<HashMap<ProducerId, bool>>,
    channels: Mutex<HashMap<DataProducerId, SctpStreamParameters>>,
    /// Rooms that the inventory still lists and nothing else knows.
    ghosts: Mutex<Vec<RoomId>>,
    /// What is said of every room.
    stats: Mutex<RoomStats>,
    /// What is said of sessions; whoever is not in here has no media.
    details: Mutex<HashMap<SessionId, SessionDetails>>,
    /// Commands that are not carried out for now.
    gate: watch::Sender<Option<Gate>>,
    /// The first command that fits is refused, as by a worker whose queue is full.
    busy_once: Mutex<Option<Gate>>,
}

type Gate = fn(&RoomCommand) -> bool;

impl Memory {
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            mood: Mutex::new(Mood::Answers),
            node: NodeId::random(),
            rooms: Mutex::default(),
            kinds: Mutex::default(),
            requests: Mutex::default(),
            paused: Mutex::default(),
            channels: Mutex::default(),
            ghosts: Mutex::default(),
            stats: Mutex::default(),
            details: Mutex::default(),
            gate: watch::Sender::new(None),
            busy_once: Mutex::default(),
        })
    }

    pub fn set_mood(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    /// What the node measures from now on.
    pub fn set_stats(&self, stats: RoomStats) {
        *self.stats.lock().unwrap() = stats;
    }

    /// What the node says of a session from now on.
    pub fn set_details(&self, details: SessionDetails) {
        self.details.lock().unwrap().insert(details.session, details);
    }

    /// Commands that fit arrive, and are carried out when the gate opens.
    pub fn close_gate(&self, fits: Gate) {
        self.gate.send_replace(Some(fits));
    }

    /// The next command that fits is refused, and what comes after it is served.
    pub fn be_busy_once(&self, fits: Gate) {
        *self.busy_once.lock().unwrap() = Some(fits);
    }

    fn is_busy(&self, command: &RoomCommand) -> bool {
        self.busy_once.lock().unwrap().take_if(|fits| fits(command)).is_some()
    }

    pub fn open_gate(&self) {
        self.gate.send_replace(None);
    }

    /// Whether a track was last told to be held back.
    pub fn is_paused(&self, producer: ProducerId) -> Option<bool> {
        self.paused.lock().unwrap().get(&producer).copied()
    }

    /// Rooms that go away by themselves between an inventory and what is made of it.
    pub fn list_ghosts(&self, count: usize) {
        self.ghosts.lock().unwrap().extend((0..count).map(|_| RoomId::random()));
    }

    /// A room that control did not ask for.
    pub fn hold_room(&self) {
        self.serve_room(RoomId::random(), &RoomCommand::Create).unwrap();
    }

    /// Every request so far.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// Room commands so far.
    pub fn commands(&self) -> Vec<RoomCommand> {
        let commands = self.requests().into_iter().filter_map(|request| match request.command {
            Command::Room { command, .. } => Some(command),
            _ => None,
        });
        commands.collect()
    }

    /// Rooms and what is in them.
    pub fn rooms(&self) -> Vec<RoomInventory> {
        self.rooms.lock().unwrap().values().cloned().collect()
    }

    pub fn forget_everything(&self) {
        self.rooms.lock().unwrap().clear();
    }

    /// The node ended them, and what it said of that is lost.
    pub fn forget_data(&self, channel: DataProducerId, subscription: DataConsumerId) {
        for room in self.rooms.lock().unwrap().values_mut() {
            room.data_producers.retain(|id| *id != channel);
            room.data_consumers.retain(|id| *id != subscription);
        }
    }

    pub fn forget_transports(&self) {
        self.rooms.lock().unwrap().values_mut().for_each(|room| room.transports.clear());
    }

    /// Waits until a command that fits was asked.
    pub async fn asked(&self, fits: impl Fn(&RoomCommand) -> bool) {
        super::eventually("a command of the node", || self.commands().iter().any(&fits)).await;
    }

    async fn answer(&self, request: &Request) -> Option<Response> {
        self.requests.lock().unwrap().push(request.clone());
        if let Command::Room { command, .. } = &request.command {
            let open = |gate: &Option<Gate>| gate.is_none_or(|fits| !fits(command));
            let _ = self.gate.subscribe().wait_for(open).await;
            if self.is_busy(command) {
                return Some(Err(Refusal::new(RefusalReason::Busy, "scripted")));
            }
        }
        match *self.mood.lock().unwrap() {
            Mood::Silent => None,
            Mood::Refuses(reason) => Some(Err(Refusal::new(reason, "scripted"))),
            Mood::Answers => Some(self.serve(&request.command)),
        }
    }

    fn serve(&self, command: &Command) -> Response {
        match command {
            Command::Inventory => {
                let ghosts = self.ghosts.lock().unwrap().clone();
                Ok(Reply::Inventory(ghosts.into_iter().map(empty_room).chain(self.rooms()).collect()))
            }
            Command::Drain => Ok(Reply::Done),
            Command::Room { room, command } => self.serve_room(*room, command),
        }
    }

    fn serve_room(&self, id: RoomId, command: &RoomCommand) -> Response {
        let mut rooms = self.rooms.lock().unwrap();
        if matches!(command, RoomCommand::Create) {
            rooms.insert(id, empty_room(id));
            return Ok(Reply::Done);
        }
        let room = rooms.get_mut(&id).ok_or_else(|| Refusal::new(RefusalReason::UnknownRoom, "scripted"))?;
        match command {
            RoomCommand::Close => {
                rooms.remove(&id);
            }
            RoomCommand::CreateTransport { session, transport, direction } => {
                room.transports.push(TransportInventory {
                    transport: *transport,
                    session: *session,
                    direction: *direction,
                    connected: true,
                });
                return Ok(transport_reply());
            }
            RoomCommand::CloseTransport { transport } => {
                room.transports.retain(|t| t.transport != *transport)
            }
            RoomCommand::CloseSession { session } => room.transports.retain(|t| t.session != *session),
            RoomCommand::Produce { producer, kind, paused, .. } => {
                room.producers.push(*producer);
                self.paused.lock().unwrap().insert(*producer, *paused);
                self.kinds.lock().unwrap().insert(*producer, *kind);
            }
            RoomCommand::SetProducerPaused { producer, paused } => {
                self.paused.lock().unwrap().insert(*producer, *paused);
            }
            RoomCommand::RestartIce { .. } => {
                return Ok(Reply::IceRestarted { ice: ice_parameters("restarted") });
            }
            RoomCommand::Stats => return Ok(Reply::Stats(self.stats.lock().unwrap().clone())),
            RoomCommand::SessionDetails { session } => {
                let details = self.details.lock().unwrap().get(session).cloned();
                let details =
                    details.ok_or_else(|| Refusal::new(RefusalReason::UnknownSession, "scripted"))?;
                return Ok(Reply::SessionDetails(Box::new(details)));
            }
            RoomCommand::CloseProducer { producer } => room.producers.retain(|id| id != producer),
            RoomCommand::CloseConsumer { consumer } => room.consumers.retain(|id| id != consumer),
            RoomCommand::Consume { consumer, producer, .. } => {
                let kind = self.kinds.lock().unwrap().get(producer).copied();
                let kind = kind.ok_or_else(|| Refusal::new(RefusalReason::UnknownProducer, "scripted"))?;
                room.consumers.push(*consumer);
                return Ok(Reply::Consumed {
                    kind,
                    structure: LayerStructure::Simple,
                    rtp_parameters: rtp_parameters(kind),
                    producer_paused: false,
                });
            }
            RoomCommand::ProduceData { producer, stream, .. } => {
                self.channels.lock().unwrap().insert(*producer, *stream);
                room.data_producers.push(*producer);
            }
            RoomCommand::ConsumeData { producer, consumer, .. } => {
                let stream = self.channels.lock().unwrap().get(producer).copied();
                let stream =
                    stream.ok_or_else(|| Refusal::new(RefusalReason::UnknownProducer, "scripted"))?;
                room.data_consumers.push(*consumer);
                return Ok(Reply::DataConsumed { stream: SctpStreamParameters { stream_id: 7, ..stream } });
            }
            _ => {}
        }
        Ok(Reply::Done)
    }
}

impl ScriptedNode {
    /// Dials control and registers; `Err` is the reason of a rejection.
    pub async fn dial(
        authority_of: &Path,
        address: SocketAddr,
        memory: Arc<Memory>,
        epoch: u64,
        last_event: u64,
    ) -> Result<Self, String> {
        Self::dial_with(endpoint(authority_of, authority_of), address, memory, epoch, last_event).await
    }

    /// The same with a certificate of another authority than the one that is trusted.
    pub async fn dial_as_stranger(trusted: &Path, own: &Path, address: SocketAddr) -> Result<Self, String> {
        Self::dial_with(endpoint(trusted, own), address, Memory::new(), 1, 0).await
    }

    async fn dial_with(
        endpoint: Endpoint,
        address: SocketAddr,
        memory: Arc<Memory>,
        epoch: u64,
        last_event: u64,
    ) -> Result<Self, String> {
        let failed = |error: &dyn std::fmt::Display| error.to_string();
        let connecting = endpoint.connect(address, codec::CONTROL_SERVER_NAME).unwrap();
        let connection = connecting.await.map_err(|error| failed(&error))?;
        let hello = Hello {
            version: codec::PROTOCOL_VERSION,
            version_min: codec::PROTOCOL_VERSION_MIN,
            node: memory.node,
            epoch,
            software: "scripted".into(),
            worker_count: 1,
            media_addresses: vec!["127.0.0.1".into()],
            http_address: "127.0.0.1:1".into(),
            last_event,
        };
        let (mut send, mut recv) = connection.open_bi().await.map_err(|error| failed(&error))?;
        send.write_all(&codec::encode_hello(&hello).unwrap()).await.map_err(|error| failed(&error))?;
        let welcome = read_message(&mut recv).await.ok_or("no welcome")?;
        if let Welcome::Rejected { reason } = codec::decode_welcome(&welcome).unwrap() {
            return Err(reason);
        }
        let events = connection.open_uni().await.map_err(|error| failed(&error))?;
        tokio::spawn(serve(connection.clone(), memory.clone()));
        Ok(Self {
            connection,
            _endpoint: endpoint,
            memory,
            events: tokio::sync::Mutex::new((events, last_event)),
        })
    }

    pub fn memory(&self) -> &Arc<Memory> {
        &self.memory
    }

    /// Tells control a fact.
    pub async fn tell(&self, event: Event) {
        let mut events = self.events.lock().await;
        events.1 += 1;
        let numbered = NumberedEvent { number: events.1, event };
        events.0.write_all(&codec::encode_event(&numbered).unwrap()).await.unwrap();
    }

    /// Says how busy the node is.
    pub fn report(&self, load: &LoadReport) {
        self.connection.send_datagram(codec::encode_load_report(load).into()).unwrap();
    }

    /// Leaves out a number, as if an event had been lost.
    pub async fn skip_a_number(&self) {
        self.events.lock().await.1 += 1;
    }

    /// Sends bytes where events belong.
    pub async fn tell_bytes(&self, bytes: &[u8]) {
        self.events.lock().await.0.write_all(bytes).await.unwrap();
    }

    /// Waits until control has closed the link.
    pub async fn link_closed(&self) {
        tokio::time::timeout(PATIENCE, self.connection.closed()).await.expect("control closes the link");
    }

    /// The link breaks; what the node holds stays.
    pub fn hang_up(&self) {
        self.connection.close(0u32.into(), b"scripted");
    }

    /// A transport that the node holds, and its session.
    pub fn transport(&self) -> (RoomId, TransportInventory) {
        let rooms = self.memory.rooms();
        let room = rooms.iter().find(|room| !room.transports.is_empty()).expect("a transport");
        (room.room, room.transports[0])
    }
}

/// Trusts one authority and shows a certificate of another, which is usually the same.
fn endpoint(trusted: &Path, own: &Path) -> Endpoint {
    let directory = tempfile::tempdir().unwrap();
    let files = Authority::open(own).unwrap().write_node_files(directory.path()).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(Authority::open(trusted).unwrap().certificate().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(
            vec![CertificateDer::from_pem_file(&files.certificate).unwrap()],
            PrivateKeyDer::from_pem_file(&files.key).unwrap(),
        )
        .unwrap();
    tls.alpn_protocols = vec![codec::ALPN.to_vec()];
    let mut endpoint = Endpoint::client(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    endpoint.set_default_client_config(ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls).unwrap())));
    endpoint
}

async fn serve(connection: Connection, memory: Arc<Memory>) {
    while let Ok((mut send, mut recv)) = connection.accept_bi().await {
        let memory = memory.clone();
        tokio::spawn(async move {
            let Some(message) = read_message(&mut recv).await else { return };
            let request = codec::decode_request(&message).expect("control sends what it means");
            match memory.answer(&request).await {
                Some(response) => {
                    let _ = send.write_all(&codec::encode_response(&response).unwrap()).await;
                    let _ = send.finish();
                }
                // Keeps the stream open for as long as somebody waits.
                None => drop(send.stopped().await),
            }
        });
    }
}

async fn read_message(stream: &mut RecvStream) -> Option<Vec<u8>> {
    let mut frames = FrameReader::new(codec::MESSAGE_LEN_MAX);
    loop {
        if let Some(message) = frames.next_message().unwrap() {
            return Some(message.to_vec());
        }
        frames.feed(&stream.read_chunk(65_536, true).await.ok()??.bytes);
    }
}

fn empty_room(room: RoomId) -> RoomInventory {
    RoomInventory {
        room,
        transports: Vec::new(),
        producers: Vec::new(),
        consumers: Vec::new(),
        data_producers: Vec::new(),
        data_consumers: Vec::new(),
    }
}

fn ice_parameters(username_fragment: &str) -> IceParameters {
    IceParameters { username_fragment: username_fragment.into(), password: "password".into(), ice_lite: true }
}

fn transport_reply() -> Reply {
    Reply::TransportCreated {
        ice: ice_parameters("ufrag"),
        candidates: vec![IceCandidate {
            foundation: "1".into(),
            priority: 1,
            ip: [127, 0, 0, 1].into(),
            port: 9,
            protocol: Protocol::Udp,
            kind: CandidateType::Host,
            tcp_type: None,
        }],
        dtls: DtlsParameters {
            role: DtlsRole::Auto,
            fingerprints: vec![Fingerprint { algorithm: "sha-256".into(), value: "00:11".into() }],
        },
    }
}

/// Parameters of one simple track.
pub fn rtp_parameters(kind: Kind) -> RtpParameters {
    let (mime_type, payload_type, clock_rate, channels) = match kind {
        Kind::Audio => ("audio/opus", 100, 48_000, Some(2)),
        Kind::Video => ("video/VP8", 101, 90_000, None),
    };
    RtpParameters {
        mid: Some("0".into()),
        codecs: vec![CodecParameters {
            mime_type: mime_type.into(),
            payload_type,
            clock_rate,
            channels,
            parameters: Default::default(),
            rtcp_feedback: Vec::new(),
        }],
        header_extensions: Vec::new(),
        encodings: vec![EncodingParameters { ssrc: Some(1111), ..EncodingParameters::default() }],
        rtcp: Default::default(),
    }
}
