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
