//! Speaking to the server: the same few questions asked of a whole product (KCS) or of a bare node (its control link).

pub mod kcs;
pub mod node;
pub mod rest;
pub mod socketio;

use plenum_shared::{
    media::{Direction, Kind, PictureSize, Source},
    rtp::{RtpCapabilities, RtpParameters},
    transport::{DtlsParameters, IceCandidate, IceParameters},
};
use serde::Deserialize;
use std::time::Instant;
use thiserror::Error;
use tokio::sync::mpsc;
use uuid::Uuid;

/// Why a step of a bot failed, in words for the report.
#[derive(Debug, Error)]
pub enum SignalError {
    #[error(transparent)]
    Socket(#[from] socketio::SocketError),
    #[error("{request}: {message}")]
    Refused { request: String, message: String },
    #[error("{request}: the answer is not what the contract says: {reason}")]
    Contract { request: String, reason: String },
    #[error("HTTP: {0}")]
    Http(#[from] reqwest::Error),
    #[error("link: {0}")]
    Link(String),
}

/// What the server says of a new transport.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TransportOffer {
    pub transport_id: Uuid,
    pub ice_parameters: IceParameters,
    pub ice_candidates: Vec<IceCandidate>,
    pub dtls_parameters: DtlsParameters,
}

/// A track somebody else publishes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RemoteProducer {
    /// Who publishes.
    pub participant: Uuid,
    pub producer: Uuid,
    pub kind: Kind,
    pub source: Source,
}

/// A granted subscription.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Consumed {
    pub consumer_id: Uuid,
    pub producer_id: Uuid,
    pub kind: Kind,
    pub rtp_parameters: RtpParameters,
}

/// What a bot learns without asking.
#[derive(Clone, Debug)]
pub enum News {
    Published(RemoteProducer),
    Closed {
        producer: Uuid,
    },
    /// Somebody is gone, with all tracks.
    Left {
        participant: Uuid,
    },
    /// A chat message.
    Said {
        text: String,
        at: Instant,
    },
    /// The server cannot go on with this bot as it is, in its words.
    Trouble(String),
}

/// What a bot has once it is in.
#[derive(Debug)]
pub struct Joined {
    pub session: Session,
    pub capabilities: RtpCapabilities,
    pub present: Vec<RemoteProducer>,
    pub news: mpsc::Receiver<News>,
    /// When the way to the server was open: join times count from here.
    pub connected_at: Instant,
}

/// A bot's place in a meeting or room.
#[derive(Clone, Debug)]
pub enum Session {
    Kcs(kcs::KcsSession),
    Node(node::NodeSession),
}

impl Session {
    pub async fn create_transport(&self, direction: Direction) -> Result<TransportOffer, SignalError> {
        match self {
            Self::Kcs(session) => session.create_transport(direction).await,
            Self::Node(session) => session.create_transport(direction).await,
        }
    }

    pub async fn connect_transport(&self, transport: Uuid, dtls: DtlsParameters) -> Result<(), SignalError> {
        match self {
            Self::Kcs(session) => session.connect_transport(transport, &dtls).await,
            Self::Node(session) => session.connect_transport(transport, dtls).await,
        }
    }

    /// Returns the producer's id.
    pub async fn produce(
        &self,
        transport: Uuid,
        kind: Kind,
        source: Source,
        rtp_parameters: RtpParameters,
    ) -> Result<Uuid, SignalError> {
        match self {
            Self::Kcs(session) => session.produce(kind, source, &rtp_parameters).await,
            Self::Node(session) => session.produce(transport, kind, source, rtp_parameters).await,
        }
    }

    /// The consumer starts paused: media that came before its stream is declared would be lost on the subscriber.
    pub async fn consume(
        &self,
        transport: Uuid,
        producer: &RemoteProducer,
        capabilities: &RtpCapabilities,
    ) -> Result<Consumed, SignalError> {
        match self {
            Self::Kcs(session) => session.consume(producer, capabilities).await,
            Self::Node(session) => session.consume(transport, producer, capabilities).await,
        }
    }

    pub async fn resume(&self, consumer: Uuid) -> Result<(), SignalError> {
        match self {
            Self::Kcs(session) => session.resume(consumer).await,
            Self::Node(session) => session.resume(consumer).await,
        }
    }

    /// Says at how many pixels the picture of a consumer is shown.
    pub async fn show(&self, consumer: Uuid, size: PictureSize) -> Result<(), SignalError> {
        match self {
            Self::Kcs(session) => session.show(consumer, size).await,
            Self::Node(session) => session.show(consumer, size).await,
        }
    }

    /// Says something to everybody in the chat, without waiting for an answer.
    ///
    /// # Errors
    /// A connection that is gone, and a bare node: it has no chat.
    pub async fn say(&self, text: &str) -> Result<(), SignalError> {
        match self {
            Self::Kcs(session) => session.say(text).await,
            Self::Node(_) => Err(SignalError::Link("a bare node has no chat".into())),
        }
    }

    pub async fn leave(&self) -> Result<(), SignalError> {
        match self {
            Self::Kcs(session) => session.leave().await,
            Self::Node(session) => session.leave().await,
        }
    }
}
