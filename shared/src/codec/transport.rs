//! ICE and DTLS parameters on the wire.

use super::{
    DecodeError, bad,
    media::{Numbered, optional_from_number, optional_number},
};
use crate::transport;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct IceParameters {
    #[prost(string, tag = "1")]
    username_fragment: String,
    #[prost(string, tag = "2")]
    password: String,
    #[prost(bool, tag = "3")]
    ice_lite: bool,
}

impl From<&transport::IceParameters> for IceParameters {
    fn from(ice: &transport::IceParameters) -> Self {
        Self {
            username_fragment: ice.username_fragment.clone(),
            password: ice.password.clone(),
            ice_lite: ice.ice_lite,
        }
    }
}

impl From<IceParameters> for transport::IceParameters {
    fn from(ice: IceParameters) -> Self {
        Self { username_fragment: ice.username_fragment, password: ice.password, ice_lite: ice.ice_lite }
    }
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct IceCandidate {
    #[prost(string, tag = "1")]
    foundation: String,
    #[prost(uint32, tag = "2")]
    priority: u32,
    /// Four bytes or sixteen, in network order.
    #[prost(bytes = "vec", tag = "3")]
    ip: Vec<u8>,
    #[prost(uint32, tag = "4")]
    port: u32,
    #[prost(int32, tag = "5")]
    protocol: i32,
    #[prost(int32, tag = "6")]
    kind: i32,
    /// 0 where there is none.
    #[prost(int32, tag = "7")]
    tcp_type: i32,
}

impl From<&transport::IceCandidate> for IceCandidate {
    fn from(candidate: &transport::IceCandidate) -> Self {
        Self {
            foundation: candidate.foundation.clone(),
            priority: candidate.priority,
            ip: match candidate.ip {
                IpAddr::V4(ip) => ip.octets().to_vec(),
                IpAddr::V6(ip) => ip.octets().to_vec(),
            },
            port: candidate.port.into(),
            protocol: candidate.protocol.number(),
            kind: candidate.kind.number(),
            tcp_type: optional_number(candidate.tcp_type),
        }
    }
}

impl TryFrom<IceCandidate> for transport::IceCandidate {
    type Error = DecodeError;
    fn try_from(candidate: IceCandidate) -> Result<Self, DecodeError> {
        Ok(Self {
            foundation: candidate.foundation,
            priority: candidate.priority,
            ip: ip(&candidate.ip)?,
            port: u16::try_from(candidate.port).map_err(|_| bad("candidate port"))?,
            protocol: Numbered::from_number(candidate.protocol)?,
            kind: Numbered::from_number(candidate.kind)?,
            tcp_type: optional_from_number(candidate.tcp_type)?,
        })
    }
}

fn ip(bytes: &[u8]) -> Result<IpAddr, DecodeError> {
    if let Ok(octets) = <[u8; 4]>::try_from(bytes) {
        Ok(IpAddr::V4(Ipv4Addr::from(octets)))
    } else if let Ok(octets) = <[u8; 16]>::try_from(bytes) {
        Ok(IpAddr::V6(Ipv6Addr::from(octets)))
    } else {
        Err(bad("candidate address"))
    }
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct DtlsParameters {
    #[prost(int32, tag = "1")]
    role: i32,
    #[prost(message, repeated, tag = "2")]
    fingerprints: Vec<Fingerprint>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Fingerprint {
    #[prost(string, tag = "1")]
    algorithm: String,
    #[prost(string, tag = "2")]
    value: String,
}

impl From<&transport::DtlsParameters> for DtlsParameters {
    fn from(dtls: &transport::DtlsParameters) -> Self {
        Self {
            role: dtls.role.number(),
            fingerprints: dtls
                .fingerprints
                .iter()
                .map(|one| Fingerprint { algorithm: one.algorithm.clone(), value: one.value.clone() })
                .collect(),
        }
    }
}

impl TryFrom<DtlsParameters> for transport::DtlsParameters {
    type Error = DecodeError;
    fn try_from(dtls: DtlsParameters) -> Result<Self, DecodeError> {
        Ok(Self {
            role: Numbered::from_number(dtls.role)?,
            fingerprints: dtls
                .fingerprints
                .into_iter()
                .map(|one| transport::Fingerprint { algorithm: one.algorithm, value: one.value })
                .collect(),
        })
    }
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(super) struct SctpStreamParameters {
    #[prost(uint32, tag = "1")]
    stream_id: u32,
    #[prost(bool, tag = "2")]
    ordered: bool,
    #[prost(uint32, optional, tag = "3")]
    max_packet_life_time: Option<u32>,
    #[prost(uint32, optional, tag = "4")]
    max_retransmits: Option<u32>,
}

impl From<&transport::SctpStreamParameters> for SctpStreamParameters {
    fn from(stream: &transport::SctpStreamParameters) -> Self {
        Self {
            stream_id: stream.stream_id.into(),
            ordered: stream.ordered,
            max_packet_life_time: stream.max_packet_life_time.map(Into::into),
            max_retransmits: stream.max_retransmits.map(Into::into),
        }
    }
}

impl TryFrom<SctpStreamParameters> for transport::SctpStreamParameters {
    type Error = DecodeError;
    fn try_from(stream: SctpStreamParameters) -> Result<Self, DecodeError> {
        let small = |value: u32, field: &str| u16::try_from(value).map_err(|_| bad(field));
        let optional = |value: Option<u32>, field| value.map(|value| small(value, field)).transpose();
        Ok(Self {
            stream_id: small(stream.stream_id, "SCTP stream id")?,
            ordered: stream.ordered,
            max_packet_life_time: optional(stream.max_packet_life_time, "lifetime of a message")?,
            max_retransmits: optional(stream.max_retransmits, "repetitions of a message")?,
        })
    }
}
