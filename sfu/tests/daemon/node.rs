//! A node inside the test process, with an engine that can be made to fail.

use crate::control::Pki;
use plenum_sfu::{
    config::{Config, Listen, LogConfig, LogFormat},
    engine::{
        Engine, EngineConfig, PathEvent,
        counters::Counters,
        egress::Egress,
        limits::Limits,
        relay::{Head, Relay, WorkerIndex, message::Message},
        router::held::Progress,
        transport::{DtlsCertificate, LocalIndex},
    },
    link::{self, LinkConfig, LinkEnd, LinkHandle},
    worker::{
        core::Core,
        pool::{Place, Pool},
        socket::Sending,
    },
};
use plenum_shared::{
    command::{Response, RoomCommand, RoomInventory},
    event::Event,
    id::{ConsumerId, NodeId, RoomId},
};
use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, mpsc},
    time::{Duration, Instant},
};
use tokio::sync::oneshot;
use uuid::Uuid;

/// A keyframe request for this consumer makes the engine panic.
pub const PANICS: ConsumerId = ConsumerId(Uuid::from_u128(0xdead));
/// A keyframe request for this consumer blocks the worker until the test lets it go.
pub const BLOCKS: ConsumerId = ConsumerId(Uuid::from_u128(0xb10c));
/// A datagram that begins so, followed by the sixteen bytes of a room, makes the engine panic on behalf of that room.
pub const PANIC_DATAGRAM: &[u8] = b"panic!";
/// The same by RTCP: a receiver report without blocks.
pub const PANIC_REPORT: &[u8] = &[0x80, 201, 0, 1];

/// The real engine behind a door that fails on request.
pub struct Fragile {
    engine: Engine,
    failing: Option<RoomId>,
    gate: Arc<Mutex<mpsc::Receiver<()>>>,
}

impl Core for Fragile {
    fn handle_datagram(&mut self, now: Instant, local: LocalIndex, source: SocketAddr, datagram: &mut [u8]) {
        let room = datagram.strip_prefix(PANIC_DATAGRAM).or(datagram.strip_prefix(PANIC_REPORT));
        if let Some(room) = room {
            self.failing = Some(RoomId(Uuid::from_slice(room).unwrap()));
            panic!("a datagram made the engine panic");
        }
        self.engine.handle_datagram(now, local, source, datagram);
    }
    fn end_batch(&mut self, now: Instant) -> Progress {
        self.engine.end_batch(now)
    }
    fn holds_much(&self) -> bool {
        self.engine.holds_much()
    }
    fn handle_closed_path(&mut self, now: Instant, local: LocalIndex, remote: SocketAddr) {
        self.engine.handle_closed_path(now, local, remote);
    }
    fn handle_command(&mut self, now: Instant, room: RoomId, command: RoomCommand) -> Response {
        match command {
            RoomCommand::RequestKeyframe { consumer: PANICS } => {
                self.failing = Some(room);
                panic!("a command made the engine panic");
            }
            RoomCommand::RequestKeyframe { consumer: BLOCKS } => {
                // An error means that the test is over.
                let _ = self.gate.lock().unwrap().recv();
                self.engine.handle_command(now, room, RoomCommand::Stats)
            }
            command => self.engine.handle_command(now, room, command),
        }
    }
    fn handle_timeout(&mut self, now: Instant) {
        self.engine.handle_timeout(now);
    }
    fn poll_timeout(&self) -> Option<Instant> {
        self.engine.poll_timeout()
    }
    fn poll_path_event(&mut self) -> Option<PathEvent> {
        self.engine.poll_path_event()
    }
    fn poll_event(&mut self) -> Option<Event> {
        self.engine.poll_event()
    }
    fn egress(&mut self) -> &mut Egress {
        self.engine.egress()
    }
    fn tell_again(&mut self, now: Instant) {
        self.engine.tell_again(now);
    }
    fn inventory(&self) -> Vec<RoomInventory> {
        self.engine.inventory()
    }
    fn counters(&self) -> Counters {
        self.engine.counters()
    }
    fn room_in_progress(&self) -> Option<RoomId> {
        self.failing.or(self.engine.room_in_progress())
    }
    fn remove_room(&mut self, room: RoomId) {
        self.failing = None;
        self.engine.remove_room(room);
    }
    fn connect_workers(&mut self, worker: WorkerIndex, relay: Box<dyn Relay>) {
        self.engine.connect_workers(worker, relay);
    }
    fn relay(&mut self) -> &mut dyn Relay {
        self.engine.relay()
    }
    fn open_branch(&mut self, room: RoomId, worker: WorkerIndex) -> Response {
        self.engine.open_branch(room, worker)
    }
    fn handle_message(&mut self, now: Instant, from: WorkerIndex, message: Message) {
        self.engine.handle_message(now, from, message);
    }
    fn handle_relayed(&mut self, now: Instant, head: &Head, bytes: &[u8]) {
        self.engine.handle_relayed(now, head, bytes);
    }
}

pub fn config(control: SocketAddr, pki: &Pki, workers: usize) -> Config {
    Config {
        control: control.to_string(),
        identity: pki.files(),
        node: NodeId::random(),
        workers,
        listen: Listen { addresses: vec![Ipv4Addr::LOCALHOST.into()], explicit: true },
        announced: Vec::new(),
        media_port: 0,
        tcp: true,
        sending: Sending::default(),
        http: SocketAddr::from(([127, 0, 0, 1], 0)),
        last_n: Limits::default().last_n,
        data_rate: Limits::default().data_rate,
        frame_patience: Limits::default().frame_patience,
        orphan_timeout: None,
        lock_file: None,
        log: LogConfig { filter: "off".to_owned(), format: LogFormat::Text },
    }
}

/// Workers, and the sender that lets a blocked one go.
pub fn start_pool(config: &Config) -> (Arc<Pool>, mpsc::Sender<()>) {
    let certificate = Arc::new(DtlsCertificate::generate().unwrap());
    let (open_gate, gate) = mpsc::channel();
    let gate = Arc::new(Mutex::new(gate));
    let make_core = move |Place { worker, candidates }: Place| {
        let config = EngineConfig {
            certificate: certificate.clone(),
            candidates,
            seed: [worker as u8 + 1; 32],
            limits: Limits::default(),
        };
        Fragile { engine: Engine::new(config, Instant::now()), failing: None, gate: gate.clone() }
    };
    (Arc::new(Pool::start(config, make_core).unwrap()), open_gate)
}

/// A whole node but for its process.
pub struct Node {
    pub pool: Arc<Pool>,
    pub link: LinkHandle,
    pub ended: oneshot::Receiver<LinkEnd>,
    pub config: Config,
    /// Lets a blocked worker go.
    pub open_gate: mpsc::Sender<()>,
}

impl Node {
    pub fn start(control: SocketAddr, pki: &Pki) -> Self {
        Self::start_with(control, pki, None)
    }

    pub fn start_with(control: SocketAddr, pki: &Pki, orphan_timeout: Option<Duration>) -> Self {
        let config = config(control, pki, 2);
        let (pool, open_gate) = start_pool(&config);
        let link_config = LinkConfig {
            control: config.control.clone(),
            client: link::tls::client_config(&config.identity).unwrap(),
            node: config.node,
            epoch: 7,
            http_address: config.http,
            orphan_timeout,
        };
        let (link, ended) = link::start(link_config, pool.clone()).unwrap();
        Self { pool, link, ended, config, open_gate }
    }

    /// Makes the room fail by a datagram, as hostile media would, and without any link.
    pub fn fail_room(&self, room: RoomId) {
        let socket = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let datagram = [PANIC_DATAGRAM, room.0.as_bytes()].concat();
        // The room is on one of the workers; the others have nothing to remove.
        for address in self.pool.media_addresses() {
            socket.send_to(&datagram, address).unwrap();
        }
    }
}
