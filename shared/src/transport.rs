//! ICE and DTLS parameters as a browser exchanges them (the JSON shape of mediasoup-client).

use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// Credentials of our side of the connectivity checks (RFC 8445). We are ICE-lite: we answer, never ask.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IceParameters {
    pub username_fragment: String,
    pub password: String,
    #[serde(default)]
    pub ice_lite: bool,
}

/// A host candidate of ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IceCandidate {
    pub foundation: String,
    pub priority: u32,
    /// The address a client must reach: the announced one where one is configured.
    pub ip: IpAddr,
    pub port: u16,
    pub protocol: Protocol,
    #[serde(rename = "type")]
    pub kind: CandidateType,
    /// Only with [`Protocol::Tcp`], and always then (RFC 6544).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tcp_type: Option<TcpType>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    Udp,
    Tcp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CandidateType {
    Host,
}

/// Who opens the TCP connection (RFC 6544 section 4.5). We only listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TcpType {
    Passive,
}

/// Who speaks DTLS first, and the certificate hash that the handshake must prove (RFC 8122).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DtlsParameters {
    #[serde(default)]
    pub role: DtlsRole,
    pub fingerprints: Vec<Fingerprint>,
}

/// The role of the side that the parameters describe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DtlsRole {
    #[default]
    Auto,
    Client,
    Server,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// Hash name of RFC 8122, for example `sha-256`.
    pub algorithm: String,
    /// Upper-case hex pairs joined by colons.
    pub value: String,
}

/// What we announce of the SCTP association of every transport (RFC 8841; mediasoup-client's `sctpParameters`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SctpParameters {
    pub port: u16,
    /// Streams toward the client at most.
    #[serde(rename = "OS")]
    pub os: u16,
    /// Streams from the client at most.
    #[serde(rename = "MIS")]
    pub mis: u16,
    /// Bytes of one message.
    pub max_message_size: u32,
}

impl SctpParameters {
    /// The same for every transport.
    pub const OURS: SctpParameters =
        SctpParameters { port: 5000, os: 1024, mis: 1024, max_message_size: 256 * 1024 };
}

/// Which stream a data channel is, and what becomes of messages that are lost (RFC 8831 section 6.4). At most one of the
/// two bounds is there; without any, everything arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SctpStreamParameters {
    pub stream_id: u16,
    #[serde(default = "ordered_unless_said")]
    pub ordered: bool,
    /// Milliseconds after which a message is given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_packet_life_time: Option<u16>,
    /// Repetitions after which a message is given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_retransmits: Option<u16>,
}

impl SctpStreamParameters {
    /// Nothing is given up.
    pub fn is_reliable(&self) -> bool {
        self.max_packet_life_time.is_none() && self.max_retransmits.is_none()
    }
}

fn ordered_unless_said() -> bool {
    true
}
