//! What a transport says: what became of a datagram, what happened, and what was dropped.

use std::net::SocketAddr;

use super::LocalIndex;
use crate::engine::packet::RtpPacket;

/// What became of a datagram. After what was neither media nor dropped there may be events and datagrams to be polled.
#[derive(Debug)]
pub enum Received {
    /// Not believed, or of no use: nothing has changed, and there is nothing to be polled.
    Dropped,
    /// Handled; nothing for the caller.
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
