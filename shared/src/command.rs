//! Control → node: every request, its reply, and the reasons it may be refused.
//!
//! Each request travels on its own bidirectional QUIC stream. Requests that create something carry the id of the new
//! thing; repeating one whose thing already exists is refused as [`RefusalReason::AlreadyExists`].

use crate::{
    details::SessionDetails,
    id::{ConsumerId, DataConsumerId, DataProducerId, NodeId, ProducerId, RoomId, SessionId, TransportId},
    media::{Bitrate, ConnectionQuality, Direction, Kind, Layer, LayerStructure, PictureSize, Source},
    rtp::{RtpCapabilities, RtpParameters},
    transport::{DtlsParameters, IceCandidate, IceParameters, SctpStreamParameters},
};
use thiserror::Error;

/// One request of control.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The control process that asks: a node serves one at a time and refuses requests of an older one.
    pub control_epoch: u64,
    pub command: Command,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// About one room; served by the worker that owns it.
    Room { room: RoomId, command: RoomCommand },
    /// Everything the node holds, so that a control process that came back can adopt or close it.
    Inventory,
    /// Stop taking new rooms and exit once control has closed the existing ones.
    Drain,
}

/// What is asked of one room.
#[derive(Clone, Debug, PartialEq)]
pub enum RoomCommand {
    Create,
    Close,
    CreateTransport {
        session: SessionId,
        transport: TransportId,
        direction: Direction,
    },
    ConnectTransport {
        transport: TransportId,
        dtls: DtlsParameters,
    },
    CloseTransport {
        transport: TransportId,
    },
    /// Closes every transport of a session and all that lives on them.
    CloseSession {
        session: SessionId,
    },
    Produce {
        transport: TransportId,
        producer: ProducerId,
        kind: Kind,
        source: Source,
        rtp_parameters: RtpParameters,
        paused: bool,
    },
    SetProducerPaused {
        producer: ProducerId,
        paused: bool,
    },
    CloseProducer {
        producer: ProducerId,
    },
    Consume {
        transport: TransportId,
        consumer: ConsumerId,
        producer: ProducerId,
        rtp_capabilities: RtpCapabilities,
        paused: bool,
    },
    SetConsumerPaused {
        consumer: ConsumerId,
        paused: bool,
    },
    /// The layer the viewer can use at most; less is sent while bandwidth is short.
    SetPreferredLayer {
        consumer: ConsumerId,
        layer: Layer,
        /// The pixels it is shown at; `None`: not known, as large as it comes.
        size: Option<PictureSize>,
    },
    /// How much this subscription matters among those of its viewer: 1 as every one starts, more for what was pinned.
    SetConsumerPriority {
        consumer: ConsumerId,
        /// 1 to 255; the higher goes first when bandwidth is short.
        priority: u8,
    },
    /// New credentials for the connectivity checks of a transport (RFC 8445 section 2.4); media goes on meanwhile.
    RestartIce {
        transport: TransportId,
    },
    /// Which part of the room a session is in: speakers and the latest-speakers rule are judged for each part alone.
    /// Holds until the session or the room is closed, whether or not the session has a transport.
    SetSessionGroup {
        session: SessionId,
        /// 0 is the main room, where every session starts.
        group: u32,
    },
    RequestKeyframe {
        consumer: ConsumerId,
    },
    CloseConsumer {
        consumer: ConsumerId,
    },
    /// Messages of this stream of a client's transport are for others from now on. Its label is control's.
    ProduceData {
        transport: TransportId,
        producer: DataProducerId,
        stream: SctpStreamParameters,
    },
    CloseDataProducer {
        producer: DataProducerId,
    },
    /// Messages of a data producer go to this transport too, while both sessions are in the same group.
    ConsumeData {
        transport: TransportId,
        consumer: DataConsumerId,
        producer: DataProducerId,
    },
    CloseDataConsumer {
        consumer: DataConsumerId,
    },
    /// Figures of everybody in the room.
    Stats,
    /// Everything there is to know of one session with a transport.
    SessionDetails {
        session: SessionId,
    },
}

/// The answer to one request.
pub type Response = Result<Reply, Refusal>;

#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    Done,
    TransportCreated {
        ice: IceParameters,
        candidates: Vec<IceCandidate>,
        dtls: DtlsParameters,
    },
    IceRestarted {
        ice: IceParameters,
    },
    Consumed {
        kind: Kind,
        structure: LayerStructure,
        rtp_parameters: RtpParameters,
        producer_paused: bool,
    },
    /// The stream of the viewer's transport on which the messages come.
    DataConsumed {
        stream: SctpStreamParameters,
    },
    Inventory(Vec<RoomInventory>),
    Stats(RoomStats),
    SessionDetails(Box<SessionDetails>),
}

/// A refused request: the link and everything else on the node go on.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{reason}: {detail}")]
pub struct Refusal {
    pub reason: RefusalReason,
    /// For logs and developers; never shown to users.
    pub detail: String,
}

impl Refusal {
    pub fn new(reason: RefusalReason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into() }
    }
}

/// Each reason is a different decision for control.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RefusalReason {
    #[error("unknown room")]
    UnknownRoom,
    /// No transport of the room is of this session.
    #[error("unknown session")]
    UnknownSession,
    #[error("unknown transport")]
    UnknownTransport,
    #[error("unknown producer")]
    UnknownProducer,
    #[error("unknown consumer")]
    UnknownConsumer,
    #[error("already exists")]
    AlreadyExists,
    /// Parameters that make no sense or exceed a bound.
    #[error("invalid")]
    Invalid,
    /// No codec in common, or a command this version does not know.
    #[error("unsupported")]
    Unsupported,
    /// The worker's queue is full: try again, or choose another node.
    #[error("busy")]
    Busy,
    /// A bound of the node is reached (rooms, transports, producers, consumers).
    #[error("limit reached")]
    LimitReached,
    /// The asking control process is not the one this node serves.
    #[error("stale control")]
    StaleControl,
    #[error("draining")]
    Draining,
    /// The room failed and was closed.
    #[error("internal")]
    Internal,
}

/// What one room holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomInventory {
    pub room: RoomId,
    pub transports: Vec<TransportInventory>,
    pub producers: Vec<ProducerId>,
    pub consumers: Vec<ConsumerId>,
    pub data_producers: Vec<DataProducerId>,
    pub data_consumers: Vec<DataConsumerId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransportInventory {
    pub transport: TransportId,
    pub session: SessionId,
    pub direction: Direction,
    pub connected: bool,
}

/// Media figures of one room at this moment.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct RoomStats {
    /// From publishers, all of them.
    pub received: Bitrate,
    /// To subscribers, all of them.
    pub sent: Bitrate,
    pub sessions: Vec<SessionStats>,
    /// RTP bytes from publishers since the room exists.
    pub received_bytes: u64,
    /// SRTP bytes to subscribers since the room exists.
    pub sent_bytes: u64,
    /// Every published track.
    pub producers: Vec<ProducerStats>,
}

/// Figures of one published track.
#[derive(Clone, Debug, PartialEq)]
pub struct ProducerStats {
    pub producer: ProducerId,
    pub session: SessionId,
    pub source: Source,
    pub paused: bool,
    /// Spatial layers, the smallest first.
    pub layers: Vec<LayerStats>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct LayerStats {
    /// From the publisher, this layer alone.
    pub received: Bitrate,
    /// As the last keyframe said; absent for sound and until one was read.
    pub picture: Option<PictureSize>,
    /// Subscriptions that are given this layer now.
    pub viewers: u32,
}

#[derive(Clone, Debug, PartialEq)]
pub struct SessionStats {
    pub session: SessionId,
    pub quality: ConnectionQuality,
    pub received: Bitrate,
    pub sent: Bitrate,
    /// Share of packets lost on the way to us and to the session, 0.0 to 1.0.
    pub loss: f32,
    /// Round-trip time; absent until a report was seen.
    pub round_trip_ms: Option<u32>,
}

/// The first message of a connection, from the node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// Newest protocol version the node speaks.
    pub version: u32,
    /// Oldest protocol version the node speaks.
    pub version_min: u32,
    pub node: NodeId,
    /// Grows with every start of the node, never with a reconnect: a higher epoch means that all media state is gone.
    pub epoch: u64,
    /// Software version, for people.
    pub software: String,
    pub worker_count: u32,
    /// Addresses that candidates of this node use.
    pub media_addresses: Vec<String>,
    /// Where `/metrics` of the node is served.
    pub http_address: String,
    /// The last event number the node has used: events continue with the next.
    pub last_event: u64,
}

/// Control's answer to [`Hello`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Welcome {
    Accepted { version: u32, control_epoch: u64 },
    Rejected { reason: String },
}
