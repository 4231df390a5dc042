//! One peer connection: everything between a datagram and a plain RTP or RTCP packet.

pub mod rtcp;
pub mod srtp;
pub mod stun;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use super::packet::RtpPacket;
pub use srtp::{RTCP_OVERHEAD_MAX, RTP_OVERHEAD_MAX};

/// Addresses one peer may have in use. A browser with two interfaces, both IP versions and a TURN server stays below;
/// beyond it the address unheard for longest makes room.
pub const ADDRESSES_MAX: usize = 8;

/// Which of the worker's local sockets a datagram came in on or must leave by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LocalIndex(pub u8);

/// Where a datagram goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transmit {
    /// The socket to leave by.
    pub local: LocalIndex,
    /// The address to send to.
    pub remote: SocketAddr,
}

/// The certificate all transports of a process show, and what dimpl needs to use it.
#[derive(Debug)]
pub struct DtlsCertificate {}

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

/// What became of a datagram.
#[derive(Debug)]
pub enum Received {
    /// Handled or dropped; nothing for the caller.
    Nothing,
    /// A connectivity check from this address was valid: the demultiplexer must (re)bind the address. When the table
    /// was full, another one was let go and must be unbound.
    Checked {
        /// The address that had to make room.
        evicted: Option<(LocalIndex, SocketAddr)>,
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
    /// The peer is now reached at another address.
    PathChanged {
        /// The socket to leave by.
        local: LocalIndex,
        /// The peer's address.
        remote: SocketAddr,
    },
    /// Nothing more will come or go.
    Closed(CloseReason),
}

/// One peer connection.
#[derive(Debug)]
pub struct Transport {
    config: TransportConfig,
    path: Option<(LocalIndex, SocketAddr)>,
}

impl Transport {
    /// A transport waiting for its peer's first connectivity check. It never expires before that.
    pub fn new(config: TransportConfig, _now: Instant) -> Self {
        Transport { config, path: None }
    }

    /// Our ICE username fragment.
    pub fn local_ufrag(&self) -> &str {
        &self.config.local_ufrag
    }

    /// Takes a datagram; media is opened in place.
    pub fn handle_datagram(
        &mut self,
        _now: Instant,
        _local: LocalIndex,
        _source: SocketAddr,
        _bytes: &mut [u8],
    ) -> Received {
        Received::Nothing
    }

    /// To be called at [`Transport::poll_timeout`] or later.
    pub fn handle_timeout(&mut self, _now: Instant) {}

    /// When this transport wants to be woken.
    pub fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    /// The next thing to know.
    pub fn poll_event(&mut self) -> Option<TransportEvent> {
        None
    }

    /// The next STUN or DTLS datagram, written over `buf`.
    pub fn poll_transmit(&mut self, _buf: &mut Vec<u8>) -> Option<Transmit> {
        None
    }

    /// Seals a plain RTP packet of `plain_len` bytes at the start of `buf`, which has [`RTP_OVERHEAD_MAX`] spare bytes.
    /// Returns the sealed length; `None` before the keys are there.
    pub fn seal_rtp(&mut self, _buf: &mut [u8], _plain_len: usize) -> Option<usize> {
        None
    }

    /// As [`Transport::seal_rtp`] for a compound RTCP packet and [`RTCP_OVERHEAD_MAX`].
    pub fn seal_rtcp(&mut self, _buf: &mut [u8], _plain_len: usize) -> Option<usize> {
        None
    }

    /// Where media for the peer goes.
    pub fn path(&self) -> Option<(LocalIndex, SocketAddr)> {
        self.path
    }

    /// Keys are there and the peer's certificate is the announced one.
    pub fn is_connected(&self) -> bool {
        false
    }

    /// Addresses with a valid check, all of which the demultiplexer has to forget with the transport.
    pub fn addresses(&self) -> impl Iterator<Item = (LocalIndex, SocketAddr)> {
        self.path.into_iter()
    }

    /// The demultiplexer says the address is another transport's: it is not used.
    pub fn forget_address(&mut self, _local: LocalIndex, _remote: SocketAddr) {}

    /// Says goodbye: a DTLS close_notify is left to be polled, nothing else comes or goes afterwards.
    pub fn close(&mut self, _now: Instant) {}
}
