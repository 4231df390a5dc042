//! A room of a bare node, and a bot's place in it. Who publishes what is known here: a node tells nobody.

use super::Node;
use crate::signal::{Consumed, Joined, News, RemoteProducer, Session, SignalError, TransportOffer};
use plenum_shared::{
    command::{Reply, RoomCommand},
    details::SessionDetails,
    id::{ConsumerId, ProducerId, RoomId, SessionId, TransportId},
    media::{Direction, Kind, Layer, PictureSize, Source},
    rtp::{RtpCapabilities, RtpParameters, router_capabilities},
    transport::DtlsParameters,
};
use std::{
    sync::{Arc, Mutex},
    time::Instant,
};
use tokio::sync::mpsc;
use uuid::Uuid;

/// Producers of one room: everybody's audio and video in the largest run.
const NEWS_MAX: usize = 16_384;
/// More than any producer has: as large as it comes.
const LARGEST_LAYER: u8 = 7;

/// See the module. The node's process ends with the last of its rooms.
#[derive(Debug)]
pub struct Room {
    node: Arc<Node>,
    id: RoomId,
    board: Mutex<Board>,
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
    room: Arc<Room>,
    session: SessionId,
}

impl Room {
    /// Makes a room on the node.
    ///
    /// # Errors
    /// A refusal, or a link that is gone.
    pub async fn create(node: &Arc<Node>) -> Result<Arc<Self>, SignalError> {
        let room = Self { node: node.clone(), id: RoomId::random(), board: Mutex::default() };
        room.ask(RoomCommand::Create).await?;
        Ok(Arc::new(room))
    }

    /// A new person in the room.
    pub fn join(self: &Arc<Self>) -> Joined {
        let session = SessionId::random();
        let (news_out, news) = mpsc::channel(NEWS_MAX);
        let mut board = self.board();
        let present = board.published.clone();
        board.listeners.push((session, news_out));
        Joined {
            session: Session::Node(NodeSession { room: self.clone(), session }),
            capabilities: router_capabilities(),
            present,
            news,
            connected_at: Instant::now(),
        }
    }

    pub async fn close(&self) -> Result<(), SignalError> {
        self.ask(RoomCommand::Close).await.map(drop)
    }

    async fn ask(&self, command: RoomCommand) -> Result<Reply, SignalError> {
        self.node.ask(self.id, command).await
    }

    fn board(&self) -> std::sync::MutexGuard<'_, Board> {
        self.board.lock().expect("nobody panics while holding the board")
    }
}

impl Board {
    /// Tells everybody but the one it comes from. A listener that is gone or full is let go; full means that its bot
    /// has ended.
    fn tell(&mut self, from: SessionId, news: &News) {
        self.listeners.retain(|(listener, out)| *listener == from || out.try_send(news.clone()).is_ok());
    }
}

impl NodeSession {
    pub(in crate::signal) async fn create_transport(
        &self,
        direction: Direction,
    ) -> Result<TransportOffer, SignalError> {
        let transport = TransportId::random();
        let create = RoomCommand::CreateTransport { session: self.session, transport, direction };
        match self.room.ask(create).await? {
            Reply::TransportCreated { ice, candidates, dtls } => Ok(TransportOffer {
                transport_id: transport.0,
                ice_parameters: ice,
                ice_candidates: candidates,
                dtls_parameters: dtls,
            }),
            other => Err(unexpected("CreateTransport", &other)),
        }
    }

    pub(in crate::signal) async fn connect_transport(
        &self,
        id: Uuid,
        dtls: DtlsParameters,
    ) -> Result<(), SignalError> {
        self.room.ask(RoomCommand::ConnectTransport { transport: TransportId(id), dtls }).await.map(drop)
    }

    pub(in crate::signal) async fn produce(
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
        self.room.ask(produce).await?;
        let remote = RemoteProducer { participant: self.session.0, producer: producer.0, kind, source };
        let mut board = self.room.board();
        board.published.push(remote.clone());
        board.tell(self.session, &News::Published(remote));
        Ok(producer.0)
    }

    pub(in crate::signal) async fn consume(
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
        match self.room.ask(consume).await? {
            Reply::Consumed { kind, rtp_parameters, .. } => {
                Ok(Consumed { consumer_id: consumer.0, producer_id: producer.producer, kind, rtp_parameters })
            }
            other => Err(unexpected("Consume", &other)),
        }
    }

    pub(in crate::signal) async fn resume(&self, consumer: Uuid) -> Result<(), SignalError> {
        let consumer = ConsumerId(consumer);
        self.room.ask(RoomCommand::SetConsumerPaused { consumer, paused: false }).await.map(drop)
    }

    pub(in crate::signal) async fn show(&self, consumer: Uuid, size: PictureSize) -> Result<(), SignalError> {
        let layer = Layer { spatial: LARGEST_LAYER, temporal: None };
        let prefer =
            RoomCommand::SetPreferredLayer { consumer: ConsumerId(consumer), layer, size: Some(size) };
        self.room.ask(prefer).await.map(drop)
    }

    /// Everything the node knows of this session, once it has a transport.
    ///
    /// # Errors
    /// A refusal, or a link that is gone.
    pub async fn details(&self) -> Result<SessionDetails, SignalError> {
        match self.room.ask(RoomCommand::SessionDetails { session: self.session }).await? {
            Reply::SessionDetails(details) => Ok(*details),
            other => Err(unexpected("SessionDetails", &other)),
        }
    }

    pub(in crate::signal) async fn leave(&self) -> Result<(), SignalError> {
        let gone = {
            let mut board = self.room.board();
            board.listeners.retain(|(listener, _)| *listener != self.session);
            let is_ours = |remote: &mut RemoteProducer| remote.participant == self.session.0;
            board.published.extract_if(.., is_ours).collect::<Vec<_>>()
        };
        let closed = self.room.ask(RoomCommand::CloseSession { session: self.session }).await.map(drop);
        for RemoteProducer { producer, .. } in gone {
            self.room.board().tell(self.session, &News::Closed { producer });
        }
        closed
    }
}

fn unexpected(request: &str, reply: &Reply) -> SignalError {
    let reason = format!("unexpected reply {reply:?}").chars().take(200).collect();
    SignalError::Contract { request: request.to_owned(), reason }
}
