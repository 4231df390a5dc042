//! One peer connection: everything between a datagram and a plain RTP or RTCP packet.
//!
//! ```text
//! STUN ─▶ ice: is it the peer, and where is it?    DTLS ─▶ dtls: keys of the announced certificate
//! RTP, RTCP ─▶ srtp: opened in place ─▶ the router           the router ─▶ srtp: sealed in place ─▶ path()
//! ```
//!
//! A browser speaks DTLS before it nominates, moves to another address afterwards, and may send media before our keys
//! are ready: DTLS is taken from every address with a valid check, keys belong to the transport and not to an address,
//! and media without keys is dropped and counted.

pub mod allocate;
pub mod arrivals;
mod certificate;
mod data;
pub mod data_pace;
mod dtls;
pub mod estimate;
pub mod hysteresis;
mod ice;
mod media;
mod outcome;
pub mod pacer;
pub mod params;
#[cfg(test)]
mod params_tests;
pub mod rtcp;
pub mod sctp;
pub mod sharing;
pub mod srtp;
pub mod stun;

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use plenum_shared::details::IceState;
use plenum_shared::transport::{DtlsParameters, DtlsRole, IceParameters};

use super::demux::{DatagramKind, classify};
pub use certificate::{CertificateError, DtlsCertificate};
pub use dtls::DtlsParametersError;
use dtls::{DtlsEndpoint, DtlsEvent};
pub use ice::ADDRESSES_MAX;
use ice::{Check, IceLite};
pub use outcome::{CloseReason, Received, TransportCounters, TransportEvent};
use sctp::{DataRate, Sctp};
pub use srtp::{RTCP_OVERHEAD_MAX, RTP_OVERHEAD_MAX};
use srtp::{SrtpInbound, SrtpOutbound};

/// Answers waiting to be sent. One datagram causes one answer or one flight, and the caller takes them after each; what
/// is beyond is dropped, and the peer asks again.
const TRANSMITS_MAX: usize = 16;

/// Which of the worker's local sockets a datagram came in on or must leave by. The upper half are TCP listeners, whose
/// connections are told apart by the remote address as datagrams are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LocalIndex(pub u8);

/// The bit that makes the number of a socket that of the listener beside it.
const LISTENER: u8 = 0x80;

impl LocalIndex {
    /// The TCP listener at the address of this socket.
    pub const fn listener(self) -> LocalIndex {
        LocalIndex(self.0 | LISTENER)
    }

    /// Datagrams come and go framed on a TCP connection.
    pub const fn is_tcp(self) -> bool {
        self.0 & LISTENER != 0
    }
}

/// Where a datagram goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transmit {
    /// The socket to leave by.
    pub local: LocalIndex,
    /// The address to send to.
    pub remote: SocketAddr,
}

/// What a transport is made of.
#[derive(Debug, Clone)]
pub struct TransportConfig {
    /// Our ICE username fragment, unique on the worker: the demultiplexer goes by it.
    pub local_ufrag: String,
    /// Our ICE password.
    pub local_pwd: String,
    /// The process's certificate.
    pub certificate: Arc<DtlsCertificate>,
}

/// One peer connection.
#[derive(Debug)]
pub struct Transport {
    local_pwd: String,
    fingerprint: plenum_shared::transport::Fingerprint,
    ice: IceLite,
    dtls: DtlsEndpoint,
    inbound: Option<SrtpInbound>,
    outbound: Option<SrtpOutbound>,
    /// Made with the first packet of it, or the first channel.
    sctp: Option<Box<Sctp>>,
    data_rate: DataRate,
    connected: bool,
    closed: bool,
    path: Option<(LocalIndex, SocketAddr)>,
    /// Where the last path led to; it outlives a moment without any path.
    network: Option<(LocalIndex, IpAddr)>,
    /// When media last came by the path in use, or when that path was taken up.
    heard_at: Instant,
    transmits: VecDeque<(Transmit, Vec<u8>)>,
    /// At most one of each kind is made by one call, and the caller takes them after each.
    events: VecDeque<TransportEvent>,
    counters: TransportCounters,
}

impl Transport {
    /// A transport waiting for its peer's first connectivity check. It never expires before that.
    pub fn new(config: TransportConfig, now: Instant) -> Self {
        Transport {
            fingerprint: config.certificate.fingerprint().clone(),
            ice: IceLite::new(config.local_ufrag, &config.local_pwd),
            local_pwd: config.local_pwd,
            dtls: DtlsEndpoint::new(config.certificate, now),
            inbound: None,
            outbound: None,
            sctp: None,
            data_rate: DataRate::default(),
            connected: false,
            closed: false,
            path: None,
            network: None,
            heard_at: now,
            transmits: VecDeque::new(),
            events: VecDeque::new(),
            counters: TransportCounters::default(),
        }
    }

    /// Our ICE username fragments: two while a restart is under way.
    pub fn local_ufrags(&self) -> impl Iterator<Item = &str> {
        self.ice.local_ufrags()
    }

    /// Begins an ICE restart: checks may come with these credentials from now on, and with those of before until the peer
    /// nominates with the new ones. DTLS, keys and candidates stay, and media goes on where it went. Returns a ufrag that
    /// no check may be addressed to any more: that of a restart before this one which never was completed.
    pub fn restart_ice(&mut self, ufrag: String, password: String) -> Option<String> {
        let forgotten = self.ice.restart(ufrag, &password);
        self.local_pwd = password;
        forgotten
    }

    /// What the peer needs to check us.
    pub fn ice_parameters(&self) -> IceParameters {
        IceParameters {
            username_fragment: self.ice.local_ufrag().to_owned(),
            password: self.local_pwd.clone(),
            ice_lite: true,
        }
    }

    /// What the peer needs to know us. The role is left to it; browsers then take `client`.
    pub fn dtls_parameters(&self) -> DtlsParameters {
        DtlsParameters { role: DtlsRole::Auto, fingerprints: vec![self.fingerprint.clone()] }
    }

    /// What signalling says about the peer. Datagrams may have come before: keys that waited for the fingerprint are
    /// used from now on. Saying the same again is allowed.
    ///
    /// # Errors
    /// [`DtlsParametersError`]; the transport stays as it was.
    pub fn set_remote(
        &mut self,
        now: Instant,
        parameters: &DtlsParameters,
    ) -> Result<(), DtlsParametersError> {
        let event = self.dtls.set_remote(now, parameters)?;
        self.after_dtls(event);
        self.start_dtls(now);
        Ok(())
    }

    /// Takes a datagram the demultiplexer has routed here; media is opened in place.
    pub fn handle_datagram(
        &mut self,
        now: Instant,
        local: LocalIndex,
        source: SocketAddr,
        bytes: &mut [u8],
    ) -> Received {
        if self.closed {
            return Received::Dropped;
        }
        match classify(bytes) {
            Some(DatagramKind::Rtp) => self.handle_rtp(now, (local, source), bytes),
            Some(DatagramKind::Rtcp) => self.handle_rtcp(now, (local, source), bytes),
            Some(DatagramKind::Stun) => self.handle_stun(now, local, source, bytes),
            Some(DatagramKind::Dtls) => self.handle_dtls(now, local, source, bytes),
            None => Received::Dropped,
        }
    }

    fn handle_stun(&mut self, now: Instant, local: LocalIndex, source: SocketAddr, bytes: &[u8]) -> Received {
        let mut answer = Vec::new();
        let check = self.ice.handle_request(now, local, source, bytes, &mut answer);
        if !answer.is_empty() {
            self.transmit(Transmit { local, remote: source }, answer);
        }
        match check {
            Check::Valid { evicted, retired } => {
                self.note_path(now);
                self.start_dtls(now);
                Received::Checked { evicted, retired }
            }
            Check::Refused => Received::Nothing,
            Check::Ignored => {
                self.counters.stun_ignored += 1;
                Received::Dropped
            }
        }
    }

    fn handle_dtls(&mut self, now: Instant, local: LocalIndex, source: SocketAddr, bytes: &[u8]) -> Received {
        if !self.ice.has_checked(local, source) {
            return Received::Dropped;
        }
        let mut flight = Vec::new();
        let event = self.dtls.handle_packet(now, bytes, &mut |packet| flight.push(packet.to_vec()));
        // Where the peer spoke from is where it listens, whichever address is in use for media.
        self.transmit_flight(Transmit { local, remote: source }, flight);
        self.after_dtls(event);
        self.take_data(now);
        Received::Nothing
    }

    /// To be called at [`Transport::poll_timeout`] or later.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.closed {
            return;
        }
        if self.ice.consent_ends_at().is_some_and(|end| end <= now) {
            if !self.ice.renew_consent(now) {
                self.finish(CloseReason::ConsentExpired);
                return;
            }
            self.note_path(now);
        }
        if self.dtls.poll_timeout().is_some_and(|at| at <= now) {
            let mut flight = Vec::new();
            let event = self.dtls.handle_timeout(now, &mut |packet| flight.push(packet.to_vec()));
            self.transmit_on_path(flight);
            self.after_dtls(event);
        }
        if let Some(sctp) = &mut self.sctp
            && sctp.poll_timeout().is_some_and(|at| at <= now)
        {
            sctp.handle_timeout(now);
        }
    }

    /// When this transport wants to be woken.
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.closed {
            return None;
        }
        let data = self.sctp.as_ref().and_then(|sctp| sctp.poll_timeout());
        [self.ice.consent_ends_at(), self.dtls.poll_timeout(), data].into_iter().flatten().min()
    }

    /// There is something to know.
    pub fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    /// The next thing to know.
    pub fn poll_event(&mut self) -> Option<TransportEvent> {
        self.events.pop_front()
    }

    /// The next STUN or DTLS datagram, written over `buf`.
    pub fn poll_transmit(&mut self, buf: &mut Vec<u8>) -> Option<Transmit> {
        let (transmit, datagram) = self.transmits.pop_front()?;
        buf.clear();
        buf.extend_from_slice(&datagram);
        Some(transmit)
    }

    /// Where media for the peer goes.
    pub fn path(&self) -> Option<(LocalIndex, SocketAddr)> {
        self.path
    }

    /// How far connectivity checks are, and whether they still hold.
    pub fn ice_state(&self) -> IceState {
        match (self.path, self.network) {
            (Some(_), _) => IceState::Connected,
            (None, Some(_)) => IceState::Disconnected,
            (None, None) => IceState::New,
        }
    }

    /// Keys are there and the peer's certificate is the announced one.
    pub fn is_connected(&self) -> bool {
        self.connected
    }

    /// Over, for whatever reason.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Addresses with a valid check, all of which the demultiplexer has to forget with the transport.
    pub fn addresses(&self) -> impl Iterator<Item = (LocalIndex, SocketAddr)> {
        self.ice.addresses()
    }

    /// The address is another transport's, or its TCP connection is closed: it is not used.
    pub fn forget_address(&mut self, now: Instant, local: LocalIndex, remote: SocketAddr) {
        self.ice.forget(local, remote);
        self.transmits.retain(|(transmit, _)| *transmit != Transmit { local, remote });
        self.note_path(now);
    }

    /// What was dropped.
    pub fn counters(&self) -> TransportCounters {
        let sctp = self.sctp.as_ref().map(|sctp| sctp.counters()).unwrap_or_default();
        TransportCounters {
            data_of_unknown_kind: self.counters.data_of_unknown_kind + sctp.messages_of_unknown_kind,
            data_packets_waiting_too_many: self.counters.data_packets_waiting_too_many
                + sctp.packets_waiting_too_many,
            ..self.counters
        }
    }

    /// Says goodbye: a DTLS close_notify is left to be polled, nothing else comes or goes afterwards.
    pub fn close(&mut self, now: Instant) {
        if self.closed {
            return;
        }
        let mut flight = Vec::new();
        self.dtls.close(now, &mut |packet| flight.push(packet.to_vec()));
        self.transmit_on_path(flight);
        self.finish(CloseReason::Local);
    }

    fn start_dtls(&mut self, now: Instant) {
        if self.path.is_none() {
            return;
        }
        let mut flight = Vec::new();
        let event = self.dtls.start(now, &mut |packet| flight.push(packet.to_vec()));
        self.transmit_on_path(flight);
        self.after_dtls(event);
    }

    fn after_dtls(&mut self, event: Option<DtlsEvent>) {
        match event {
            None => {}
            Some(DtlsEvent::Keys(contexts)) => self.use_keys(*contexts),
            Some(DtlsEvent::FingerprintMismatch) => self.finish(CloseReason::FingerprintMismatch),
            Some(DtlsEvent::CloseNotify) => self.finish(CloseReason::CloseNotify),
        }
    }

    fn use_keys(&mut self, (inbound, outbound): (SrtpInbound, SrtpOutbound)) {
        self.inbound = Some(inbound);
        self.outbound = Some(outbound);
        if !self.connected {
            self.connected = true;
            self.events.push_back(TransportEvent::Connected);
        }
    }

    fn finish(&mut self, reason: CloseReason) {
        self.closed = true;
        self.connected = false;
        self.inbound = None;
        self.outbound = None;
        self.counters = self.counters();
        self.sctp = None;
        self.events.push_back(TransportEvent::Closed(reason));
    }

    fn note_path(&mut self, now: Instant) {
        if self.path == self.ice.in_use() {
            return;
        }
        self.path = self.ice.in_use();
        self.heard_at = now;
        if let Some((local, remote)) = self.path {
            let is_another_network = self.network.is_some_and(|known| known != (local, remote.ip()));
            self.network = Some((local, remote.ip()));
            self.events.push_back(TransportEvent::PathChanged { local, remote, is_another_network });
        }
    }

    fn transmit_on_path(&mut self, flight: Vec<Vec<u8>>) {
        if let Some((local, remote)) = self.path {
            self.transmit_flight(Transmit { local, remote }, flight);
        }
    }

    fn transmit_flight(&mut self, transmit: Transmit, flight: Vec<Vec<u8>>) {
        for packet in flight {
            self.transmit(transmit, packet);
        }
    }

    fn transmit(&mut self, transmit: Transmit, datagram: Vec<u8>) {
        if self.transmits.len() == TRANSMITS_MAX {
            self.counters.transmits_dropped += 1;
            return;
        }
        self.transmits.push_back((transmit, datagram));
    }
}
