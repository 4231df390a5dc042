//! Node → control: facts in order, and load reports that may be lost.

use crate::{
    id::{ConsumerId, DataConsumerId, DataProducerId, NodeId, ProducerId, RoomId, SessionId, TransportId},
    media::{Bitrate, ConnectionQuality, Layer, LayerLimit},
};

/// One fact. Numbers grow by one; control uses them to see a gap after a reconnect and then asks for the inventory.
#[derive(Clone, Debug, PartialEq)]
pub struct NumberedEvent {
    pub number: u64,
    pub event: Event,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// ICE and DTLS are up; media can flow.
    TransportConnected {
        room: RoomId,
        session: SessionId,
        transport: TransportId,
    },
    /// The peer is gone. The transport and all that lived on it no longer exist.
    TransportClosed {
        room: RoomId,
        session: SessionId,
        transport: TransportId,
        reason: CloseReason,
    },
    /// Someone else is speaking in a group of the room, or nobody is.
    ActiveSpeaker {
        room: RoomId,
        /// See [`crate::command::RoomCommand::SetSessionGroup`].
        group: u32,
        speaker: Option<(SessionId, ProducerId)>,
    },
    /// Everybody who is heard in a group of the room, the loudest first: when the list or its order changed, at most
    /// twice a second.
    ActiveSpeakers {
        room: RoomId,
        group: u32,
        /// At most [`SPEAKERS_MAX`].
        speakers: Vec<Speaking>,
    },
    QualityChanged {
        room: RoomId,
        session: SessionId,
        quality: ConnectionQuality,
    },
    /// What a consumer now receives; `None` while nothing fits or the producer sends nothing.
    ConsumerLayerChanged {
        room: RoomId,
        session: SessionId,
        consumer: ConsumerId,
        layer: Option<Layer>,
        /// Why it is less than was asked for. Without a layer and for [`LayerLimit::Bandwidth`]: paused by bandwidth.
        limit: Option<LayerLimit>,
    },
    /// What of a producer anybody is given or may soon be given; the publisher may leave out the rest.
    ProducerLayers {
        room: RoomId,
        session: SessionId,
        producer: ProducerId,
        /// The highest spatial layer; `None` while nobody watches.
        highest: Option<u8>,
    },
    /// A data producer is over without a command; its consumers are too, and are not told of one by one.
    DataProducerClosed {
        room: RoomId,
        session: SessionId,
        producer: DataProducerId,
        reason: DataCloseReason,
    },
    /// A data consumer is over without a command.
    DataConsumerClosed {
        room: RoomId,
        session: SessionId,
        consumer: DataConsumerId,
        reason: DataCloseReason,
    },
    /// The room panicked and was removed; the rest of the node goes on.
    RoomFailed {
        room: RoomId,
    },
}

/// Speakers in one event at most.
pub const SPEAKERS_MAX: usize = 8;

/// One of those who are heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Speaking {
    pub session: SessionId,
    pub producer: ProducerId,
    /// Smoothed loudness as RFC 6464 counts it: 0 is the loudest, 127 silence (−dBov).
    pub level_dbov_neg: u8,
}

/// Why a data channel is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataCloseReason {
    /// The receiver does not take reliable messages as fast as they come.
    Slow,
    /// The client closed the channel.
    StreamClosed,
    /// The SCTP association ended: closed by the client, timed out, or ended by us for a message beyond the bound.
    AssociationLost,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// No valid connectivity check for 30 s (RFC 7675).
    ConsentExpired,
    /// The peer sent a DTLS close_notify.
    PeerClosed,
    /// The handshake failed for good or the certificate did not match the announced fingerprint.
    HandshakeFailed,
    /// Nobody connected in time.
    NeverConnected,
}

/// How busy a node is; sent as a datagram about once a second.
#[derive(Clone, Debug, PartialEq)]
pub struct LoadReport {
    pub node: NodeId,
    pub epoch: u64,
    pub workers: Vec<WorkerLoad>,
}

#[derive(Clone, Debug, PartialEq, Default)]
pub struct WorkerLoad {
    /// Share of one core, 0.0 to 1.0.
    pub cpu: f32,
    pub rooms: u32,
    pub transports: u32,
    pub producers: u32,
    pub consumers: u32,
    pub received: Bitrate,
    pub sent: Bitrate,
    /// Commands waiting in the worker's queue.
    pub queue: u32,
}
