//! A server that runs, asked in its own words: publish this, view everything.

use crate::{janus::Janus, mediasoup::Mediasoup, plenum::Plenum, processes::Tree, settings::Settings};
use plenum_loadtest::{
    light::{Announced, Server, Stream},
    parameters::Announcement,
    signal::{SignalError, node::LaunchError},
};
use plenum_shared::{
    media::Kind,
    rtp::RtpParameters,
    transport::{DtlsParameters, DtlsRole, IceCandidate, IceParameters, Protocol},
};
use serde::Serialize;
use std::{fmt, io, net::Ipv4Addr};
use thiserror::Error;
use uuid::Uuid;

/// Who is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Contender {
    Plenum,
    Mediasoup,
    Janus,
}

impl fmt::Display for Contender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Plenum => "plenum",
            Self::Mediasoup => "mediasoup",
            Self::Janus => "janus",
        })
    }
}

#[derive(Debug, Error)]
pub enum VersusError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("starting {program}: {error}")]
    Start { program: String, error: io::Error },
    #[error("our node: {0}")]
    Launch(#[from] LaunchError),
    #[error("our node: {0}")]
    Node(#[from] SignalError),
    /// What another server answered, or did not.
    #[error("{server}, asked for {request}: {answer}")]
    Refused { server: Contender, request: String, answer: String },
    #[error("{server} with {load}: {reason}")]
    Load { server: Contender, load: String, reason: String },
    #[error("this machine has no address but 127.0.0.1; say one with --host")]
    NoAddress,
}

/// One track as its speaker sends it.
#[derive(Clone, Debug)]
pub struct Sent {
    pub kind: Kind,
    pub announcement: Announcement,
}

/// A viewer's place.
#[derive(Debug)]
pub struct View {
    pub server: Server,
    pub streams: Vec<Stream>,
    /// What is paused until the viewer is connected.
    pub paused: Paused,
}

/// Subscriptions that wait, in the words of who made them.
#[derive(Debug)]
pub enum Paused {
    Plenum(Box<plenum_loadtest::signal::Session>, Vec<Uuid>),
    Mediasoup(Vec<String>),
    /// Janus starts by itself.
    Nothing,
}

/// See the module. Its processes end when it is dropped.
pub enum Running {
    Plenum(Box<Plenum>),
    Mediasoup(Box<Mediasoup>),
    Janus(Box<Janus>),
}

impl Running {
    pub async fn start(who: Contender, settings: &Settings, host: Ipv4Addr) -> Result<Self, VersusError> {
        Ok(match who {
            Contender::Plenum => Self::Plenum(Box::new(Plenum::start(settings, host).await?)),
            Contender::Mediasoup => Self::Mediasoup(Box::new(Mediasoup::start(settings, host).await?)),
            Contender::Janus => Self::Janus(Box::new(Janus::start(settings, host).await?)),
        })
    }

    pub fn processes(&self) -> Option<Tree> {
        let root = match self {
            Self::Plenum(plenum) => plenum.pid(),
            Self::Mediasoup(mediasoup) => mediasoup.pid(),
            Self::Janus(janus) => janus.pid(),
        };
        root.map(Tree::of)
    }

    /// What it calls itself, and how it was set up.
    pub fn description(&self) -> &str {
        match self {
            Self::Plenum(plenum) => plenum.description(),
            Self::Mediasoup(mediasoup) => mediasoup.description(),
            Self::Janus(janus) => janus.description(),
        }
    }

    /// Id of the transport-wide number in what viewers receive.
    pub fn transport_wide(&self) -> u8 {
        match self {
            Self::Plenum(plenum) => plenum.transport_wide(),
            Self::Mediasoup(mediasoup) => mediasoup.transport_wide(),
            Self::Janus(janus) => janus.transport_wide(),
        }
    }

    /// Makes a place for a speaker.
    pub async fn publish(&mut self, member: &Announced, tracks: &[Sent]) -> Result<Server, VersusError> {
        match self {
            Self::Plenum(plenum) => plenum.publish(member, tracks).await,
            Self::Mediasoup(mediasoup) => mediasoup.publish(member, tracks).await,
            Self::Janus(janus) => janus.publish(member, tracks).await,
        }
    }

    /// Makes a place for a viewer of everything that is published.
    pub async fn view(&mut self, member: &Announced) -> Result<View, VersusError> {
        match self {
            Self::Plenum(plenum) => plenum.view(member).await,
            Self::Mediasoup(mediasoup) => mediasoup.view(member).await,
            Self::Janus(janus) => janus.view(member).await,
        }
    }

    /// The viewer is connected.
    pub async fn begin(&mut self, paused: Paused) -> Result<(), VersusError> {
        match (self, paused) {
            (Self::Mediasoup(mediasoup), Paused::Mediasoup(consumers)) => mediasoup.resume(consumers).await,
            (_, Paused::Plenum(session, consumers)) => {
                for consumer in consumers {
                    session.resume(consumer).await?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// A server that speaks mediasoup-client's words, as we do, has said where it is. The member speaks first in DTLS, as browsers.
pub fn reached_at(ice: IceParameters, candidates: &[IceCandidate], dtls: DtlsParameters) -> Option<Server> {
    let candidate = candidates.iter().find(|it| it.protocol == Protocol::Udp)?;
    let address = (candidate.ip, candidate.port).into();
    Some(Server { address, ice, fingerprints: dtls.fingerprints, member_is_client: true })
}

/// What such a server is told of a member.
pub fn dtls_of(member: &Announced) -> DtlsParameters {
    DtlsParameters { role: DtlsRole::Client, fingerprints: vec![member.fingerprint.clone()] }
}

/// The stream that a subscription of such a server brings.
pub fn stream_of(kind: Kind, parameters: &RtpParameters) -> Option<Stream> {
    let ssrc = parameters.encodings.first()?.ssrc?;
    Some(Stream { ssrc, kind })
}
