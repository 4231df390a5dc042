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
pub mod data_pace;
mod dtls;
pub mod estimate;
pub mod hysteresis;
mod ice;
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
use std::time::{Duration, Instant};

use bytes::Bytes;
use plenum_shared::details::IceState;
use plenum_shared::transport::{DtlsParameters, DtlsRole, IceParameters, SctpStreamParameters};

use super::demux::{DatagramKind, classify};
use super::packet::{HeaderPrefix, RtpPacket};
pub use certificate::{CertificateError, DtlsCertificate};
pub use dtls::DtlsParametersError;
use dtls::{DtlsEndpoint, DtlsEvent};
pub use ice::ADDRESSES_MAX;
use ice::{Check, IceLite};
use sctp::{DataEvent, DataRate, NotSent, PayloadProtocolIdentifier, Sctp};
pub use srtp::{RTCP_OVERHEAD_MAX, RTP_OVERHEAD_MAX};
use srtp::{SrtpError, SrtpInbound, SrtpOutbound};

/// Answers waiting to be sent. One datagram causes one answer or one flight, and the caller takes them after each; what
/// is beyond is dropped, and the peer asks again.
const TRANSMITS_MAX: usize = 16;

/// Authentic media from another checked address is followed when the path in use has brought none for so long. Below it,
/// both may be in use for a moment while a browser moves by nomination; a speaker who changes networks is gone no longer.
const PATH_SILENCE: Duration = Duration::from_millis(500);

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

/// What became of a datagram. After everything but media there may be events and datagrams to be polled.
#[derive(Debug)]
pub enum Received {
    /// Handled or dropped; nothing for the caller.
    Nothing,
    /// A connectivity check from this address was valid: the demultiplexer must (re)bind the address. When the table
    /// was full, another one was let go and must be unbound.
    Checked {
        /// The address that had to make room.
        evicted: Option<(LocalIndex, SocketAddr)>,
        /// A ufrag of ours that no check may be addressed to any more: the restart after it is complete.
        retired: Option<String>,
    },
    /// An authenticated RTP packet, opened in place: `bytes[..len]` is plain.
    Rtp {
        /// Offsets into the buffer.
        packet: RtpPacket,
        /// Bytes of the plain packet.
        len: usize,
    },
    /// An authenticated compound RTCP packet, opened in place: `bytes[..len]` is plain.
    Rtcp {
        /// Bytes of the plain packet.
        len: usize,
    },
}

/// Why a transport is over. It never comes back; the client makes a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloseReason {
    /// No valid connectivity check for 30 seconds (RFC 7675).
    ConsentExpired,
    /// The peer said goodbye in DTLS.
    CloseNotify,
    /// The peer's certificate is not the one announced by signalling.
    FingerprintMismatch,
    /// We closed it.
    Local,
}

/// What the engine should know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransportEvent {
    /// The handshake is done and the fingerprint is right: media flows from now on.
    Connected,
    /// The peer is now reached at another address, or at one at all.
    PathChanged {
        /// The socket to leave by.
        local: LocalIndex,
        /// The peer's address.
        remote: SocketAddr,
        /// What was measured of the path before says nothing about this one: the peer's IP address, or the way into our
        /// house, is another. Another port alone is a NAT that forgot (RFC 9000 section 9.4 draws the same line).
        is_another_network: bool,
    },
    /// Nothing more will come or go.
    Closed(CloseReason),
}

/// Datagrams dropped, by reason. Plain integers; the engine adds them up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TransportCounters {
    /// STUN that was not a valid check of the peer.
    pub stun_ignored: u64,
    /// Media before the keys, or after the end.
    pub media_without_keys: u64,
    /// Media that was replayed or too old.
    pub media_replayed: u64,
    /// Media that was malformed or not authentic.
    pub media_not_authentic: u64,
    /// Messages of data channels that are none of the application's.
    pub data_of_unknown_kind: u64,
    /// Packets of data channels dropped because too many waited for the path.
    pub data_packets_waiting_too_many: u64,
    /// Answers not sent because too many waited.
    pub transmits_dropped: u64,
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
            return Received::Nothing;
        }
        match classify(bytes) {
            Some(DatagramKind::Rtp) => self.handle_rtp(now, (local, source), bytes),
            Some(DatagramKind::Rtcp) => self.handle_rtcp(now, (local, source), bytes),
            Some(DatagramKind::Stun) => self.handle_stun(now, local, source, bytes),
            Some(DatagramKind::Dtls) => self.handle_dtls(now, local, source, bytes),
            None => Received::Nothing,
        }
    }

    fn handle_rtp(&mut self, now: Instant, from: (LocalIndex, SocketAddr), bytes: &mut [u8]) -> Received {
        let Some(inbound) = &mut self.inbound else {
            self.counters.media_without_keys += 1;
            return Received::Nothing;
        };
        let Ok(prefix) = HeaderPrefix::parse(bytes) else {
            self.counters.media_not_authentic += 1;
            return Received::Nothing;
        };
        match inbound.open_rtp(bytes, prefix) {
            Ok(len) => {
                self.note_source(now, from);
                match RtpPacket::parse_with(&bytes[..len], prefix) {
                    Ok(packet) => Received::Rtp { packet, len },
                    Err(_) => Received::Nothing,
                }
            }
            Err(error) => self.count_refused(error),
        }
    }

    fn handle_rtcp(&mut self, now: Instant, from: (LocalIndex, SocketAddr), bytes: &mut [u8]) -> Received {
        let Some(inbound) = &mut self.inbound else {
            self.counters.media_without_keys += 1;
            return Received::Nothing;
        };
        match inbound.open_rtcp(bytes) {
            Ok(len) => {
                self.note_source(now, from);
                Received::Rtcp { len }
            }
            Err(error) => self.count_refused(error),
        }
    }

    /// Authentic media came from here. When the path in use is silent, the peer has moved and not (yet) said so: some
    /// browsers nominate once only, and a NAT that forgot its mapping asks nobody.
    fn note_source(&mut self, now: Instant, from: (LocalIndex, SocketAddr)) {
        if self.path == Some(from) {
            self.heard_at = now;
        } else if now.saturating_duration_since(self.heard_at) >= PATH_SILENCE
            && self.ice.follow(from.0, from.1)
        {
            self.note_path(now);
        }
    }

    fn count_refused(&mut self, error: SrtpError) -> Received {
        match error {
            SrtpError::Replayed => self.counters.media_replayed += 1,
            _ => self.counters.media_not_authentic += 1,
        }
        Received::Nothing
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
                Received::Nothing
            }
        }
    }

    fn handle_dtls(&mut self, now: Instant, local: LocalIndex, source: SocketAddr, bytes: &[u8]) -> Received {
        if !self.ice.has_checked(local, source) {
            return Received::Nothing;
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

    /// How much the client may send by data channels. To be said before it connects.
    pub fn set_data_rate(&mut self, rate: DataRate) {
        self.data_rate = rate;
    }

    /// Hands application data to SCTP, once it is known whose it is.
    fn take_data(&mut self, now: Instant) {
        let received = self.dtls.take_received();
        if !self.connected || received.is_empty() {
            return;
        }
        let sctp = self.sctp.get_or_insert_with(|| Box::new(Sctp::new(now, self.data_rate)));
        received.into_iter().for_each(|packet| sctp.handle_packet(now, packet));
    }

    /// The next thing that came by data channels.
    pub fn poll_data(&mut self, now: Instant) -> Option<DataEvent> {
        self.sctp.as_mut()?.poll_event(now)
    }

    /// The data message that came last has gone to so many.
    pub fn note_data_copies(&mut self, count: usize) {
        if let Some(sctp) = &mut self.sctp {
            sctp.note_copies(count);
        }
    }

    /// A data channel is on this stream. It carries messages once the client has made an association.
    pub fn bind_data(&mut self, now: Instant, stream: u16) {
        self.sctp.get_or_insert_with(|| Box::new(Sctp::new(now, self.data_rate))).bind(stream);
    }

    /// Sends a message by a data channel. It leaves as packets of [`Transport::write_data`].
    ///
    /// # Errors
    /// [`NotSent`]; nothing of the message is sent then.
    pub fn send_data(
        &mut self,
        to: &SctpStreamParameters,
        kind: PayloadProtocolIdentifier,
        payload: &Bytes,
    ) -> Result<(), NotSent> {
        self.sctp.as_mut().ok_or(NotSent::NotConnected)?.send(to, kind, payload)
    }

    /// What waits on the stream of a data channel: see [`Sctp::buffered`].
    pub fn data_buffered(&mut self, stream: u16) -> Option<usize> {
        self.sctp.as_mut()?.buffered(stream)
    }

    /// Whether another data channel may be made: see [`Sctp::takes_channels`].
    pub fn takes_data_channels(&self) -> bool {
        self.sctp.as_ref().is_none_or(|sctp| sctp.takes_channels())
    }

    /// Closes a data channel.
    pub fn close_data(&mut self, stream: u16) {
        if let Some(sctp) = &mut self.sctp {
            sctp.close_stream(stream);
        }
    }

    /// Has SCTP make the packets that are due, as far as no more than `waiting_bytes_max` wait.
    pub fn make_data_packets(&mut self, now: Instant, waiting_bytes_max: usize) {
        if let Some(sctp) = &mut self.sctp {
            sctp.make_packets(now, waiting_bytes_max);
        }
    }

    /// Room that the next packet of SCTP takes as a datagram; `None` while none waits.
    pub fn next_data_len(&self) -> Option<usize> {
        let len = self.sctp.as_ref()?.next_packet_len()?;
        Some(len + dtls::RECORD_OVERHEAD_MAX)
    }

    /// Writes the next packet of SCTP as a datagram over `buf`, which is [`Transport::next_data_len`] long. Returns its
    /// length; `None` where nothing waits, or DTLS is not up.
    pub fn write_data(&mut self, now: Instant, buf: &mut [u8]) -> Option<usize> {
        let packet = self.sctp.as_mut()?.take_packet()?;
        self.dtls.seal_data(now, &packet, buf)
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

    /// Seals a plain RTP packet of `plain_len` bytes at the start of `buf`, which has [`RTP_OVERHEAD_MAX`] spare bytes.
    /// Returns the sealed length; `None` before the keys are there, after the end, and for a packet number used before.
    pub fn seal_rtp(&mut self, buf: &mut [u8], plain_len: usize) -> Option<usize> {
        self.outbound.as_mut()?.seal_rtp(buf, plain_len).ok()
    }

    /// As [`Transport::seal_rtp`] for a compound RTCP packet and [`RTCP_OVERHEAD_MAX`].
    pub fn seal_rtcp(&mut self, buf: &mut [u8], plain_len: usize) -> Option<usize> {
        self.outbound.as_mut()?.seal_rtcp(buf, plain_len).ok()
    }

    /// An outgoing stream has ended; its SSRC is never used again on this transport.
    pub fn retire_ssrc(&mut self, ssrc: u32) {
        if let Some(outbound) = &mut self.outbound {
            outbound.retire(ssrc);
        }
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
