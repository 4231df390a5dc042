//! SFU nodes: who is there, how busy they are, which room lives where, and how to ask for something.
//!
//! Nodes dial us over QUIC ([`link`]) and prove by certificate that they are ours ([`pki`]). A room is opened on the
//! least loaded node ([`Fleet::open_room`]) and stays there. Everything above this module names rooms, never nodes.
//!
//! A link that is down is not media that is down: packets flow on without us. Only when the link stays down for
//! [`Timing::link_grace`], or when the node comes back with a new epoch, are its rooms declared lost
//! ([`FleetEvent::RoomLost`]). After every registration [`reconcile`] compares what the node holds with what we know.

mod identity;
pub mod insist;
mod link;
pub mod pki;
mod reconcile;
mod registry;
mod wire;

use crate::fleet::{pki::Authority, registry::Registry};
use metrics::{counter, histogram};
use plenum_shared::{
    command::{Command, Refusal, RefusalReason, Reply, Request, RoomCommand},
    event::{Event, WorkerLoad},
    id::{NodeId, RoomId},
};
use std::{
    io,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};
use thiserror::Error;
use tokio::sync::mpsc;

/// How the fleet is set up.
#[derive(Debug, Clone)]
pub struct FleetConfig {
    /// Keeps our authority, epoch and link port.
    pub data_dir: PathBuf,
    /// Where nodes dial. With port 0 the kernel picks one at the first start, and it is kept from then on.
    pub listen: SocketAddr,
    pub timing: Timing,
}

/// How long things may take. Tests shorten them; nothing else changes them.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// For one request, including the wait for a link that is down. A person is waiting for the answer.
    pub request: Duration,
    /// How long a link may be down before the rooms behind it are given up.
    pub link_grace: Duration,
    /// How long rooms and transports that nobody knows live on after a registration: after a restart of control their
    /// owners are still on their way back, and cutting them off at once would be heard.
    pub orphan_grace: Duration,
    /// How often what a node holds is compared with what we know while nothing happens: a room or session whose end
    /// it was too slow to hear about goes then.
    pub sweep: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            request: Duration::from_secs(2),
            link_grace: Duration::from_secs(10),
            orphan_grace: Duration::from_secs(30),
            sweep: Duration::from_secs(60),
        }
    }
}

/// What meetings must know about media.
#[derive(Debug, Clone, PartialEq)]
pub enum FleetEvent {
    /// A fact of a node, in the order in which the node told it.
    Media(Event),
    /// The room does not exist any more, with everything in it.
    RoomLost { room: RoomId },
}

/// A node as it last reported.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeLoad {
    pub node: NodeId,
    /// Its link is up.
    pub is_up: bool,
    pub worker_count: u32,
    /// Empty until the first report.
    pub workers: Vec<WorkerLoad>,
}

/// Why there is no answer from the media plane.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MediaError {
    /// No node, a link that is down, or no answer in time. What was asked may or may not have happened.
    #[error("media is not available")]
    Unavailable,
    #[error("refused: {0}")]
    Refused(#[from] Refusal),
    /// The room is not (or no longer) on any node.
    #[error("the room is not on a node")]
    RoomLost,
}

/// Why the fleet cannot start.
#[derive(Debug, Error)]
pub enum FleetError {
    #[error("link address {address}: {error}")]
    Bind { address: SocketAddr, error: io::Error },
    #[error("data directory: {0}")]
    DataDir(#[from] io::Error),
    #[error(transparent)]
    Pki(#[from] pki::PkiError),
    #[error("TLS of the link: {0}")]
    Tls(String),
}

/// The one way to the media plane. Cheap to clone.
#[derive(Clone)]
pub struct Fleet(Arc<Inner>);

struct Inner {
    control_epoch: u64,
    address: SocketAddr,
    timing: Timing,
    authority: Authority,
    endpoint: quinn::Endpoint,
    registry: Mutex<Registry>,
    events: mpsc::Sender<FleetEvent>,
}

/// Facts waiting for the meetings. When it is full, the reader of the link waits and the node keeps its facts: none is
/// lost, and meetings that cannot keep up slow down the telling, never the media.
const EVENT_QUEUE: usize = 1024;

impl Fleet {
    /// Opens authority and link; nodes may register from now on.
    ///
    /// # Errors
    /// Files or port that cannot be used.
    pub fn start(config: FleetConfig) -> Result<(Self, mpsc::Receiver<FleetEvent>), FleetError> {
        let authority = Authority::open(&config.data_dir.join("pki"))?;
        let control_epoch = identity::next_control_epoch(&config.data_dir)?;
        let endpoint = link::bind(&authority, &config)?;
        let address = endpoint.local_addr()?;
        identity::remember_port(&config.data_dir, address)?;
        let (events, receiver) = mpsc::channel(EVENT_QUEUE);
        let registry = Mutex::new(Registry::default());
        let inner =
            Inner { control_epoch, address, timing: config.timing, authority, endpoint, registry, events };
        let fleet = Self(Arc::new(inner));
        tokio::spawn(link::accept(fleet.clone()));
        tracing::info!(%address, control_epoch, "waiting for media nodes");
        Ok((fleet, receiver))
    }

    /// Where nodes dial.
    pub fn address(&self) -> SocketAddr {
        self.0.address
    }

    /// The authority, to equip a node with a certificate.
    pub fn authority(&self) -> &Authority {
        &self.0.authority
    }

    /// Whether a node is registered and its link is up.
    pub fn is_ready(&self) -> bool {
        self.registry().nodes_up() > 0
    }

    /// Workers of all nodes whose link is up.
    pub fn worker_count(&self) -> u32 {
        self.registry().worker_count()
    }

    /// Every node that registered with this process, and how busy it says it is.
    pub fn nodes(&self) -> Vec<NodeLoad> {
        self.registry().loads()
    }

    /// Creates the room on the node that has most to spare; tries the others when that one refuses.
    ///
    /// # Errors
    /// No node took it.
    pub async fn open_room(&self, room: RoomId) -> Result<(), MediaError> {
        let mut refused = MediaError::Unavailable;
        let candidates = self.registry().by_load();
        for node in candidates {
            if !self.registry().place(room, node) {
                continue;
            }
            match self.request(room, RoomCommand::Create).await {
                Ok(_) => return self.made(room, node),
                Err(MediaError::Refused(refusal)) if refusal.reason == RefusalReason::AlreadyExists => {
                    return self.made(room, node);
                }
                Err(error) => refused = error,
            }
            self.close_room(room);
        }
        Err(refused)
    }

    /// Forgets the room at once and tells its node to close it. A node that cannot be told closes it when it is back.
    pub fn close_room(&self, room: RoomId) {
        let Some(node) = self.registry().remove_room(room) else { return };
        self.close_on(node, room);
    }

    /// A room that was closed while it was being made: the node may have heard of the end before the beginning.
    fn made(&self, room: RoomId, node: NodeId) -> Result<(), MediaError> {
        if self.registry().opened(room, node) {
            return Ok(());
        }
        self.close_on(node, room);
        Err(MediaError::RoomLost)
    }

    fn close_on(&self, node: NodeId, room: RoomId) {
        let fleet = self.clone();
        tokio::spawn(async move {
            let _ = fleet.ask_room(node, room, RoomCommand::Close).await;
        });
    }

    /// Whether the room is on a node that we have not given up.
    pub fn has_room(&self, room: RoomId) -> bool {
        self.registry().node_of(room).is_some()
    }

    /// Whether the room is on a node that has finished making it: until then the node knows nothing about it, and
    /// what it does not know counts as lost.
    pub fn is_open(&self, room: RoomId) -> bool {
        self.registry().is_open(room)
    }

    /// Asks the node that has the room.
    ///
    /// # Errors
    /// See [`MediaError`].
    pub async fn request(&self, room: RoomId, command: RoomCommand) -> Result<Reply, MediaError> {
        let node = self.registry().node_of(room).ok_or(MediaError::RoomLost)?;
        let undo = self.registry().note_sent(room, &command);
        let name = command_name(&command);
        let began = Instant::now();
        let result = self.ask_room(node, room, command).await;
        histogram!("plenum_command_seconds", "command" => name).record(began.elapsed().as_secs_f64());
        let Err(error) = &result else { return result };
        counter!("plenum_command_failures_total", "command" => name, "reason" => error_word(error))
            .increment(1);
        if let MediaError::Refused(refusal) = error {
            if let Some(made) = undo {
                self.registry().forget(room, made);
            }
            if refusal.reason == RefusalReason::UnknownRoom && self.registry().remove_room(room).is_some() {
                self.tell(FleetEvent::RoomLost { room }).await;
                return Err(MediaError::RoomLost);
            }
        }
        result
    }

    /// Stops answering nodes. Their media goes on, and they dial again for as long as they are told to wait.
    pub async fn stop(&self) {
        self.0.endpoint.close(0u32.into(), b"control stops");
        let _ = tokio::time::timeout(Duration::from_millis(500), self.0.endpoint.wait_idle()).await;
    }

    async fn ask_room(&self, node: NodeId, room: RoomId, command: RoomCommand) -> Result<Reply, MediaError> {
        self.ask(node, Command::Room { room, command }).await
    }

    /// One request on a stream of its own. A reply after the deadline meets a stream that nobody reads.
    async fn ask(&self, node: NodeId, command: Command) -> Result<Reply, MediaError> {
        let mut link = self.registry().link(node).ok_or(MediaError::Unavailable)?;
        let request = Request { control_epoch: self.0.control_epoch, command };
        let exchange = async {
            let up = link.wait_for(Option::is_some).await.map_err(|_| MediaError::Unavailable)?.clone();
            let connection = up.ok_or(MediaError::Unavailable)?;
            wire::exchange(&connection, &request).await.map_err(|error| {
                tracing::warn!(%node, %error, "a request to a media node failed");
                MediaError::Unavailable
            })
        };
        let response = tokio::time::timeout(self.0.timing.request, exchange).await;
        Ok(response.map_err(|_| MediaError::Unavailable)???)
    }

    async fn tell(&self, event: FleetEvent) {
        // Nobody listens any more only while the process stops.
        let _ = self.0.events.send(event).await;
    }

    /// Never held across an await.
    fn registry(&self) -> MutexGuard<'_, Registry> {
        self.0.registry.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn error_word(error: &MediaError) -> &'static str {
    match error {
        MediaError::Unavailable => "unavailable",
        MediaError::Refused(_) => "refused",
        MediaError::RoomLost => "room_lost",
    }
}

fn command_name(command: &RoomCommand) -> &'static str {
    match command {
        RoomCommand::Create => "create",
        RoomCommand::Close => "close",
        RoomCommand::CreateTransport { .. } => "create_transport",
        RoomCommand::ConnectTransport { .. } => "connect_transport",
        RoomCommand::CloseTransport { .. } => "close_transport",
        RoomCommand::CloseSession { .. } => "close_session",
        RoomCommand::Produce { .. } => "produce",
        RoomCommand::SetProducerPaused { .. } => "set_producer_paused",
        RoomCommand::CloseProducer { .. } => "close_producer",
        RoomCommand::Consume { .. } => "consume",
        RoomCommand::SetConsumerPaused { .. } => "set_consumer_paused",
        RoomCommand::SetPreferredLayer { .. } => "set_preferred_layer",
        RoomCommand::SetConsumerPriority { .. } => "set_consumer_priority",
        RoomCommand::RestartIce { .. } => "restart_ice",
        RoomCommand::SetSessionGroup { .. } => "set_session_group",
        RoomCommand::RequestKeyframe { .. } => "request_keyframe",
        RoomCommand::CloseConsumer { .. } => "close_consumer",
        RoomCommand::ProduceData { .. } => "produce_data",
        RoomCommand::CloseDataProducer { .. } => "close_data_producer",
        RoomCommand::ConsumeData { .. } => "consume_data",
        RoomCommand::CloseDataConsumer { .. } => "close_data_consumer",
        RoomCommand::Stats => "stats",
        RoomCommand::SessionDetails { .. } => "session_details",
    }
}
