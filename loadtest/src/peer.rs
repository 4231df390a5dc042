//! One WebRTC transport of a bot: str0m driven by its direct API over one UDP socket, in a task of its own.
//!
//! There is no SDP on this way: the server names its ICE credentials, candidates and certificate, we are the
//! controlling ICE agent and the DTLS client, and streams are declared one by one.

mod publish;
mod subscribe;
mod task;

pub use publish::Published;
pub use subscribe::Subscribed;

use crate::{
    media::{RunClock, Track},
    monitor::Monitor,
    network::Conditions,
    parameters::Announcement,
    signal::{Consumed, RemoteProducer, TransportOffer},
};
use nix::sys::socket::{setsockopt, sockopt};
use plenum_shared::transport::{DtlsParameters, DtlsRole, Fingerprint, Protocol};
use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};
use str0m::{Candidate, IceCreds, RtcConfig, config::Fingerprint as Str0mFingerprint, error::RtcError};
use thiserror::Error;
use tokio::{
    net::UdpSocket,
    sync::{mpsc, oneshot, watch},
    time::timeout,
};
use uuid::Uuid;

#[derive(Debug, Error)]
pub enum PeerError {
    #[error("socket: {0}")]
    Socket(#[from] std::io::Error),
    #[error("the server offers no UDP candidate")]
    NoCandidate,
    #[error("the server's certificate fingerprint cannot be read")]
    Fingerprint,
    #[error("str0m: {0}")]
    Rtc(String),
    #[error("the transport ended: {0}")]
    Ended(String),
    #[error("not connected within {0:?}")]
    NotConnected(Duration),
}

impl From<RtcError> for PeerError {
    fn from(error: RtcError) -> Self {
        Self::Rtc(error.to_string())
    }
}

/// What a transport is set up with besides the server's offer.
#[derive(Clone, Debug)]
pub struct PeerSettings {
    pub clock: RunClock,
    pub conditions: Conditions,
    pub seed: u64,
    /// Counts along with it.
    pub monitor: Arc<Monitor>,
}

/// How many packets each layer of each producer was sent, once nothing more is sent.
pub type Sent = Arc<HashMap<Uuid, Vec<u64>>>;

/// Where the subscriptions of a transport stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    pub subscriptions: usize,
    /// Subscriptions that have received something.
    pub begun: usize,
    pub received: u64,
    /// Packets still missing; only known when asked with what was sent.
    pub outstanding: u64,
}

/// Everything a transport has to say at the end.
#[derive(Debug, Default)]
pub struct PeerRecord {
    pub published: Vec<Published>,
    pub subscribed: Vec<Subscribed>,
    pub counts: PeerCounts,
}

/// Counted on the way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PeerCounts {
    pub datagrams_sent: u64,
    pub datagrams_received: u64,
    pub bytes_sent: u64,
    pub bytes_received: u64,
    /// RTP packets with the same SSRC and sequence number as one before.
    pub wire_duplicates: u64,
    pub nacks_sent: u64,
    pub nacks_received: u64,
    pub plis_sent: u64,
    pub plis_received: u64,
    /// Datagrams the emulated network lost, both ways.
    pub emulated_losses: u64,
    /// Datagrams the kernel threw away because the bot did not read in time: the load generator's own fault.
    pub socket_drops: u64,
}

#[derive(Debug)]
enum Command {
    Publish { track: Box<Track>, announcement: Box<Announcement>, producer: Uuid },
    Subscribe { consumed: Box<Consumed>, remote: RemoteProducer, reply: oneshot::Sender<Result<(), String>> },
    StopPublishing { reply: oneshot::Sender<HashMap<Uuid, Vec<u64>>> },
    Progress { sent: Option<Sent>, reply: oneshot::Sender<Progress> },
    Finish { sent: Sent, reply: oneshot::Sender<PeerRecord> },
}

/// A running transport.
#[derive(Debug)]
pub struct Peer {
    commands: mpsc::Sender<Command>,
    state: watch::Receiver<PeerState>,
    dtls: DtlsParameters,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum PeerState {
    Connecting,
    Connected,
    Ended(String),
}

/// Commands not yet taken: one per track of the meeting at most.
const COMMANDS_MAX: usize = 1024;

/// Wanted for the kernel's buffers of one bot: a keyframe of everybody in the room while the machine is busy.
const SOCKET_BUFFER_BYTES: usize = 4 * 1024 * 1024;

impl Peer {
    /// Binds a socket of the server's address family and begins to connect.
    ///
    /// # Errors
    /// An offer that cannot be used, or no socket.
    pub async fn connect(
        offer: &TransportOffer,
        config: RtcConfig,
        settings: PeerSettings,
    ) -> Result<Self, PeerError> {
        let (preferred, candidates) = udp_candidates(offer)?;
        let socket = socket_towards(preferred).await?;
        let local = socket.local_addr()?;

        let now = Instant::now();
        let mut rtc = config.set_stats_interval(Some(STATS_INTERVAL)).build(now);
        let host =
            |address| Candidate::host(address, "udp").map_err(|error| PeerError::Rtc(error.to_string()));
        rtc.add_local_candidate(host(local)?);
        for candidate in candidates.iter().filter(|it| it.is_ipv4() == local.is_ipv4()) {
            if candidate.ip().is_loopback() == local.ip().is_loopback() {
                rtc.add_remote_candidate(host(*candidate)?);
            }
        }
        let mut direct = rtc.direct_api();
        direct.set_ice_controlling(true);
        direct.set_remote_ice_credentials(IceCreds {
            ufrag: offer.ice_parameters.username_fragment.clone(),
            pass: offer.ice_parameters.password.clone(),
        });
        direct.set_remote_fingerprint(remote_fingerprint(&offer.dtls_parameters)?);
        let fingerprint = direct.local_dtls_fingerprint().clone();
        direct.start_dtls(true)?;
        direct.enable_twcc_feedback();

        let (commands, commands_in) = mpsc::channel(COMMANDS_MAX);
        let (state_out, state) = watch::channel(PeerState::Connecting);
        tokio::spawn(task::Task::new(rtc, socket, local, settings, state_out).run(commands_in));
        Ok(Self { commands, state, dtls: local_parameters(&fingerprint) })
    }

    /// What the server must be told of our side.
    pub fn dtls_parameters(&self) -> DtlsParameters {
        self.dtls.clone()
    }

    /// Waits until ICE and DTLS are up, no longer than this.
    ///
    /// # Errors
    /// [`PeerError::Ended`], [`PeerError::NotConnected`].
    pub async fn connected(&mut self, within: Duration) -> Result<(), PeerError> {
        let decided = timeout(within, self.state.wait_for(|state| *state != PeerState::Connecting)).await;
        match decided.map_err(|_| PeerError::NotConnected(within))?.as_deref() {
            Ok(PeerState::Connected) => Ok(()),
            Ok(PeerState::Ended(reason)) => Err(PeerError::Ended(reason.clone())),
            _ => Err(PeerError::Ended("its task is gone".into())),
        }
    }

    /// Starts to send a track that the server knows as `producer`.
    pub async fn publish(
        &self,
        track: Track,
        announcement: Announcement,
        producer: Uuid,
    ) -> Result<(), PeerError> {
        let command =
            Command::Publish { track: Box::new(track), announcement: Box::new(announcement), producer };
        self.commands.send(command).await.map_err(|_| self.ended())
    }

    /// Expects a consumer's stream from now on.
    ///
    /// # Errors
    /// Parameters that a subscriber cannot use.
    pub async fn subscribe(&self, consumed: Consumed, remote: RemoteProducer) -> Result<(), PeerError> {
        let consumed = Box::new(consumed);
        self.ask(|reply| Command::Subscribe { consumed, remote, reply }).await?.map_err(PeerError::Rtc)
    }

    /// Stops sending and says how much was sent.
    pub async fn stop_publishing(&self) -> Result<HashMap<Uuid, Vec<u64>>, PeerError> {
        self.ask(|reply| Command::StopPublishing { reply }).await
    }

    pub async fn progress(&self, sent: Option<Sent>) -> Result<Progress, PeerError> {
        self.ask(|reply| Command::Progress { sent, reply }).await
    }

    /// Ends the transport, with a DTLS goodbye.
    pub async fn finish(&self, sent: Sent) -> Result<PeerRecord, PeerError> {
        self.ask(|reply| Command::Finish { sent, reply }).await
    }

    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Result<T, PeerError> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(command(reply)).await.map_err(|_| self.ended())?;
        answer.await.map_err(|_| self.ended())
    }

    fn ended(&self) -> PeerError {
        let reason = match &*self.state.borrow() {
            PeerState::Ended(reason) => reason.clone(),
            _ => "its task is gone".to_owned(),
        };
        PeerError::Ended(reason)
    }
}

/// Where the server is reached by UDP, best on this machine, and all addresses it offers.
pub(crate) fn udp_candidates(offer: &TransportOffer) -> Result<(SocketAddr, Vec<SocketAddr>), PeerError> {
    let udp = offer.ice_candidates.iter().filter(|candidate| candidate.protocol == Protocol::Udp);
    let all: Vec<SocketAddr> = udp.map(|candidate| SocketAddr::new(candidate.ip, candidate.port)).collect();
    let preferred = all.iter().find(|it| it.ip().is_loopback()).or(all.first());
    Ok((*preferred.ok_or(PeerError::NoCandidate)?, all))
}

/// Statistics of str0m come at this pace; the last ones are asked for at the end.
const STATS_INTERVAL: Duration = Duration::from_secs(1);

/// A socket bound to the address this machine uses towards the server.
async fn socket_towards(server: SocketAddr) -> Result<UdpSocket, PeerError> {
    let any: SocketAddr = if server.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0_u16; 8], 0).into() };
    let probe = UdpSocket::bind(any).await?;
    probe.connect(server).await?; // sends nothing: asks the kernel for the route
    let socket = UdpSocket::bind((probe.local_addr()?.ip(), 0)).await?;
    // More than the limit for everybody needs a privilege; without it the limit has to do.
    if setsockopt(&socket, sockopt::RcvBufForce, &SOCKET_BUFFER_BYTES).is_err() {
        setsockopt(&socket, sockopt::RcvBuf, &SOCKET_BUFFER_BYTES).map_err(std::io::Error::from)?;
    }
    Ok(socket)
}

fn remote_fingerprint(dtls: &DtlsParameters) -> Result<Str0mFingerprint, PeerError> {
    let sha256 = dtls.fingerprints.iter().find(|it| it.algorithm.eq_ignore_ascii_case("sha-256"));
    let fingerprint = sha256.ok_or(PeerError::Fingerprint)?;
    format!("sha-256 {}", fingerprint.value).parse().map_err(|_| PeerError::Fingerprint)
}

fn local_parameters(fingerprint: &Str0mFingerprint) -> DtlsParameters {
    let text = fingerprint.to_string();
    let (algorithm, value) = text.split_once(' ').unwrap_or(("sha-256", text.as_str()));
    let fingerprint = Fingerprint { algorithm: algorithm.to_owned(), value: value.to_owned() };
    DtlsParameters { role: DtlsRole::Client, fingerprints: vec![fingerprint] }
}
