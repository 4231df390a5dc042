//! A bare media node, driven as its control would: we listen, it dials, we make the room, transports and consumers.

mod pki;
mod process;

pub use process::{LaunchError, LaunchSettings};

use super::{Consumed, Joined, News, RemoteProducer, Session, SignalError, TransportOffer};
use plenum_shared::{
    codec::{self, FrameReader},
    command::{Command, Reply, Request, RoomCommand},
    details::SessionDetails,
    id::{ConsumerId, ProducerId, RoomId, SessionId, TransportId},
    media::{Direction, Kind, Source},
    rtp::{RtpCapabilities, RtpParameters, router_capabilities},
    transport::DtlsParameters,
};
use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio::{sync::mpsc, time::timeout};
use uuid::Uuid;

/// Every request of ours carries it; a node serves one control at a time.
const CONTROL_EPOCH: u64 = 1;
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// Producers of one room: everybody's audio and video in the largest run.
const NEWS_MAX: usize = 16_384;

/// A connected node with its one room.
#[derive(Debug)]
pub struct Node {
    link: quinn::Connection,
    room: RoomId,
    board: Mutex<Board>,
    process: process::NodeProcess,
}

/// Who publishes what, and who wants to hear of it.
#[derive(Debug, Default)]
struct Board {
    published: Vec<RemoteProducer>,
    listeners: Vec<(SessionId, mpsc::Sender<News>)>,
}

/// A bot's place in the room.
#[derive(Clone, Debug)]
pub struct NodeSession {
    node: Arc<Node>,
    session: SessionId,
}

impl Node {
    /// Starts the node program, waits for it to dial and makes the room.
    ///
    /// # Errors
    /// A program that does not start or does not register.
    pub async fn launch(settings: &LaunchSettings) -> Result<Arc<Self>, LaunchError> {
        let (process, link) = process::launch(settings, CONTROL_EPOCH).await?;
        let node = Self { link, room: RoomId::random(), board: Mutex::default(), process };
        node.ask(RoomCommand::Create).await.map_err(|error| LaunchError::Room(error.to_string()))?;
        Ok(Arc::new(node))
    }

    pub fn pid(&self) -> Option<u32> {
        self.process.pid()
    }

    /// A new person in the room.
    pub fn join(self: &Arc<Self>) -> Joined {
        let session = SessionId::random();
        let (news_out, news) = mpsc::channel(NEWS_MAX);
        let mut board = self.board.lock().expect("nobody panics while holding the board");
        let present = board.published.clone();
        board.listeners.push((session, news_out));
        Joined {
            session: Session::Node(NodeSession { node: self.clone(), session }),
            capabilities: router_capabilities(),
            present,
            news,
            connected_at: Instant::now(),
        }
    }

    /// Closes the room; the process ends with the last reference.
    pub async fn close(&self) -> Result<(), SignalError> {
        self.ask(RoomCommand::Close).await.map(drop)
    }

    async fn ask(&self, command: RoomCommand) -> Result<Reply, SignalError> {
        let command = Command::Room { room: self.room, command };
        let request = Request { control_epoch: CONTROL_EPOCH, command };
        match timeout(ANSWER_TIMEOUT, exchange(&self.link, &request)).await {
            Ok(answer) => answer,
            Err(_) => Err(SignalError::Link("no answer in time".into())),
        }
    }
}

/// One request, one stream.
async fn exchange(link: &quinn::Connection, request: &Request) -> Result<Reply, SignalError> {
    let broken = |error: &dyn std::fmt::Display| SignalError::Link(error.to_string());
    let (mut send, mut receive) = link.open_bi().await.map_err(|error| broken(&error))?;
    let bytes = codec::encode_request(request).map_err(|error| broken(&error))?;
    send.write_all(&bytes).await.map_err(|error| broken(&error))?;
    send.finish().map_err(|error| broken(&error))?;
    let answer = receive.read_to_end(codec::REPLY_LEN_MAX + 4).await.map_err(|error| broken(&error))?;
    let mut reader = FrameReader::new(codec::REPLY_LEN_MAX);
    reader.feed(&answer);
    let message = reader.next_message().map_err(|error| broken(&error))?;
    let message = message.ok_or_else(|| SignalError::Link("the answer is cut off".into()))?;
    let response = codec::decode_response(&message).map_err(|error| broken(&error))?;
    response.map_err(|refusal| SignalError::Refused {
        request: format!("{:?}", request.command).chars().take(80).collect(),
        message: refusal.to_string(),
    })
}

impl NodeSession {
    pub(super) async fn create_transport(&self, direction: Direction) -> Result<TransportOffer, SignalError> {
        let transport = TransportId::random();
        let create = RoomCommand::CreateTransport { session: self.session, transport, direction };
        match self.node.ask(create).await? {
            Reply::TransportCreated { ice, candidates, dtls } => Ok(TransportOffer {
                transport_id: transport.0,
                ice_parameters: ice,
                ice_candidates: candidates,
                dtls_parameters: dtls,
            }),
            other => Err(unexpected("CreateTransport", &other)),
        }
    }

    pub(super) async fn connect_transport(&self, id: Uuid, dtls: DtlsParameters) -> Result<(), SignalError> {
        self.node.ask(RoomCommand::ConnectTransport { transport: TransportId(id), dtls }).await.map(drop)
    }

    pub(super) async fn produce(
        &self,
        transport: Uuid,
        kind: Kind,
        source: Source,
        rtp_parameters: RtpParameters,
    ) -> Result<Uuid, SignalError> {
        let producer = ProducerId::random();
        let transport = TransportId(transport);
        let produce =
            RoomCommand::Produce { transport, producer, kind, source, rtp_parameters, paused: false };
        self.node.ask(produce).await?;
        let remote = RemoteProducer { participant: self.session.0, producer: producer.0, kind, source };
        let mut board = self.node.board.lock().expect("nobody panics while holding the board");
        board.published.push(remote.clone());
        board.listeners.retain(|(listener, news)| {
            // A listener that is gone or full is let go; full means that its bot has ended.
            *listener == self.session || news.try_send(News::Published(remote.clone())).is_ok()
        });
        Ok(producer.0)
    }

    pub(super) async fn consume(
        &self,
        transport: Uuid,
        producer: &RemoteProducer,
        capabilities: &RtpCapabilities,
    ) -> Result<Consumed, SignalError> {
        let consumer = ConsumerId::random();
        let consume = RoomCommand::Consume {
            transport: TransportId(transport),
            consumer,
            producer: ProducerId(producer.producer),
            rtp_capabilities: capabilities.clone(),
            paused: true,
        };
        match self.node.ask(consume).await? {
            Reply::Consumed { kind, rtp_parameters, .. } => {
                Ok(Consumed { consumer_id: consumer.0, producer_id: producer.producer, kind, rtp_parameters })
            }
            other => Err(unexpected("Consume", &other)),
        }
    }

    pub(super) async fn resume(&self, consumer: Uuid) -> Result<(), SignalError> {
        let consumer = ConsumerId(consumer);
        self.node.ask(RoomCommand::SetConsumerPaused { consumer, paused: false }).await.map(drop)
    }

    /// Everything the node knows of this session, once it has a transport.
    ///
    /// # Errors
    /// A refusal, or a link that is gone.
    pub async fn details(&self) -> Result<SessionDetails, SignalError> {
        match self.node.ask(RoomCommand::SessionDetails { session: self.session }).await? {
            Reply::SessionDetails(details) => Ok(*details),
            other => Err(unexpected("SessionDetails", &other)),
        }
    }

    pub(super) async fn leave(&self) -> Result<(), SignalError> {
        {
            let mut board = self.node.board.lock().expect("nobody panics while holding the board");
            board.published.retain(|remote| remote.participant != self.session.0);
            board.listeners.retain(|(listener, _)| *listener != self.session);
        }
        self.node.ask(RoomCommand::CloseSession { session: self.session }).await.map(drop)
    }
}

fn unexpected(request: &str, reply: &Reply) -> SignalError {
    let reason = format!("unexpected reply {reply:?}").chars().take(200).collect();
    SignalError::Contract { request: request.to_owned(), reason }
}
