//! RTP parameters and capabilities on the wire.

use super::{
    DecodeError, bad,
    media::{Numbered, optional_small, small},
};
use crate::rtp::{self, Fmtp, FmtpValue};

/// One codec, as a capability (with a kind, payload type preferred) or as a parameter (payload type decided).
#[derive(Clone, PartialEq, prost::Message)]
struct Codec {
    #[prost(int32, tag = "1")]
    kind: i32,
    #[prost(string, tag = "2")]
    mime_type: String,
    #[prost(uint32, optional, tag = "3")]
    payload_type: Option<u32>,
    #[prost(uint32, tag = "4")]
    clock_rate: u32,
    #[prost(uint32, optional, tag = "5")]
    channels: Option<u32>,
    #[prost(message, repeated, tag = "6")]
    parameters: Vec<FmtpEntry>,
    #[prost(message, repeated, tag = "7")]
    rtcp_feedback: Vec<RtcpFeedback>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct FmtpEntry {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(oneof = "Value", tags = "2, 3")]
    value: Option<Value>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum Value {
    #[prost(sint64, tag = "2")]
    Number(i64),
    #[prost(string, tag = "3")]
    Text(String),
}

#[derive(Clone, PartialEq, prost::Message)]
struct RtcpFeedback {
    #[prost(string, tag = "1")]
    kind: String,
    #[prost(string, tag = "2")]
    parameter: String,
}

/// One header extension, as a capability (with kind and direction) or as a parameter.
#[derive(Clone, PartialEq, prost::Message)]
struct HeaderExtension {
    #[prost(int32, tag = "1")]
    kind: i32,
    #[prost(string, tag = "2")]
    uri: String,
    #[prost(uint32, tag = "3")]
    id: u32,
    #[prost(bool, tag = "4")]
    encrypt: bool,
    #[prost(string, optional, tag = "5")]
    direction: Option<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct RtpCapabilities {
    #[prost(message, repeated, tag = "1")]
    codecs: Vec<Codec>,
    #[prost(message, repeated, tag = "2")]
    header_extensions: Vec<HeaderExtension>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct RtpParameters {
    #[prost(string, optional, tag = "1")]
    mid: Option<String>,
    #[prost(message, repeated, tag = "2")]
    codecs: Vec<Codec>,
    #[prost(message, repeated, tag = "3")]
    header_extensions: Vec<HeaderExtension>,
    #[prost(message, repeated, tag = "4")]
    encodings: Vec<Encoding>,
    #[prost(string, optional, tag = "5")]
    cname: Option<String>,
    #[prost(bool, tag = "6")]
    reduced_size: bool,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Encoding {
    #[prost(uint32, optional, tag = "1")]
    ssrc: Option<u32>,
    #[prost(string, optional, tag = "2")]
    rid: Option<String>,
    #[prost(uint32, optional, tag = "3")]
    codec_payload_type: Option<u32>,
    #[prost(uint32, optional, tag = "4")]
    rtx_ssrc: Option<u32>,
    #[prost(bool, tag = "5")]
    dtx: bool,
    #[prost(string, optional, tag = "6")]
    scalability_mode: Option<String>,
    #[prost(uint64, optional, tag = "7")]
    max_bitrate: Option<u64>,
}

impl From<&rtp::RtpCapabilities> for RtpCapabilities {
    fn from(capabilities: &rtp::RtpCapabilities) -> Self {
        Self {
            codecs: capabilities.codecs.iter().map(Codec::from).collect(),
            header_extensions: capabilities.header_extensions.iter().map(HeaderExtension::from).collect(),
        }
    }
}

impl TryFrom<RtpCapabilities> for rtp::RtpCapabilities {
    type Error = DecodeError;
    fn try_from(capabilities: RtpCapabilities) -> Result<Self, DecodeError> {
        Ok(Self {
            codecs: all(capabilities.codecs)?,
            header_extensions: all(capabilities.header_extensions)?,
        })
    }
}

impl From<&rtp::RtpParameters> for RtpParameters {
    fn from(parameters: &rtp::RtpParameters) -> Self {
        Self {
            mid: parameters.mid.clone(),
            codecs: parameters.codecs.iter().map(Codec::from).collect(),
            header_extensions: parameters.header_extensions.iter().map(HeaderExtension::from).collect(),
            encodings: parameters.encodings.iter().map(Encoding::from).collect(),
            cname: parameters.rtcp.cname.clone(),
            reduced_size: parameters.rtcp.reduced_size,
        }
    }
}

impl TryFrom<RtpParameters> for rtp::RtpParameters {
    type Error = DecodeError;
    fn try_from(parameters: RtpParameters) -> Result<Self, DecodeError> {
        Ok(Self {
            mid: parameters.mid,
            codecs: all(parameters.codecs)?,
            header_extensions: all(parameters.header_extensions)?,
            encodings: all(parameters.encodings)?,
            rtcp: rtp::RtcpParameters { cname: parameters.cname, reduced_size: parameters.reduced_size },
        })
    }
}

fn all<W, T: TryFrom<W, Error = DecodeError>>(list: Vec<W>) -> Result<Vec<T>, DecodeError> {
    list.into_iter().map(T::try_from).collect()
}

impl From<&rtp::CodecCapability> for Codec {
    fn from(codec: &rtp::CodecCapability) -> Self {
        Self {
            kind: codec.kind.number(),
            mime_type: codec.mime_type.clone(),
            payload_type: codec.preferred_payload_type.map(Into::into),
            clock_rate: codec.clock_rate,
            channels: codec.channels.map(Into::into),
            parameters: encode_fmtp(&codec.parameters),
            rtcp_feedback: encode_feedback(&codec.rtcp_feedback),
        }
    }
}

impl TryFrom<Codec> for rtp::CodecCapability {
    type Error = DecodeError;
    fn try_from(codec: Codec) -> Result<Self, DecodeError> {
        Ok(Self {
            kind: Numbered::from_number(codec.kind)?,
            mime_type: codec.mime_type,
            preferred_payload_type: optional_small(codec.payload_type, "payload type")?,
            clock_rate: codec.clock_rate,
            channels: optional_small(codec.channels, "channels")?,
            parameters: decode_fmtp(codec.parameters)?,
            rtcp_feedback: decode_feedback(codec.rtcp_feedback),
        })
    }
}

impl From<&rtp::CodecParameters> for Codec {
    fn from(codec: &rtp::CodecParameters) -> Self {
        Self {
            kind: 0,
            mime_type: codec.mime_type.clone(),
            payload_type: Some(codec.payload_type.into()),
            clock_rate: codec.clock_rate,
            channels: codec.channels.map(Into::into),
            parameters: encode_fmtp(&codec.parameters),
            rtcp_feedback: encode_feedback(&codec.rtcp_feedback),
        }
    }
}

impl TryFrom<Codec> for rtp::CodecParameters {
    type Error = DecodeError;
    fn try_from(codec: Codec) -> Result<Self, DecodeError> {
        Ok(Self {
            mime_type: codec.mime_type,
            payload_type: small(codec.payload_type.ok_or_else(|| bad("payload type"))?, "payload type")?,
            clock_rate: codec.clock_rate,
            channels: optional_small(codec.channels, "channels")?,
            parameters: decode_fmtp(codec.parameters)?,
            rtcp_feedback: decode_feedback(codec.rtcp_feedback),
        })
    }
}

fn encode_fmtp(parameters: &Fmtp) -> Vec<FmtpEntry> {
    parameters
        .iter()
        .map(|(name, value)| FmtpEntry {
            name: name.clone(),
            value: Some(match value {
                FmtpValue::Number(number) => Value::Number(*number),
                FmtpValue::Text(text) => Value::Text(text.clone()),
            }),
        })
        .collect()
}

fn decode_fmtp(entries: Vec<FmtpEntry>) -> Result<Fmtp, DecodeError> {
    entries
        .into_iter()
        .map(|entry| match entry.value {
            Some(Value::Number(number)) => Ok((entry.name, FmtpValue::Number(number))),
            Some(Value::Text(text)) => Ok((entry.name, FmtpValue::Text(text))),
            None => Err(bad("codec parameter without a value")),
        })
        .collect()
}

fn encode_feedback(list: &[rtp::RtcpFeedback]) -> Vec<RtcpFeedback> {
    list.iter().map(|one| RtcpFeedback { kind: one.kind.clone(), parameter: one.parameter.clone() }).collect()
}

fn decode_feedback(list: Vec<RtcpFeedback>) -> Vec<rtp::RtcpFeedback> {
    list.into_iter().map(|one| rtp::RtcpFeedback { kind: one.kind, parameter: one.parameter }).collect()
}

impl From<&rtp::HeaderExtensionCapability> for HeaderExtension {
    fn from(extension: &rtp::HeaderExtensionCapability) -> Self {
        Self {
            kind: extension.kind.number(),
            uri: extension.uri.clone(),
            id: extension.preferred_id.into(),
            encrypt: extension.preferred_encrypt,
            direction: extension.direction.clone(),
        }
    }
}

impl TryFrom<HeaderExtension> for rtp::HeaderExtensionCapability {
    type Error = DecodeError;
    fn try_from(extension: HeaderExtension) -> Result<Self, DecodeError> {
        Ok(Self {
            kind: Numbered::from_number(extension.kind)?,
            uri: extension.uri,
            preferred_id: small(extension.id, "header extension id")?,
            preferred_encrypt: extension.encrypt,
            direction: extension.direction,
        })
    }
}

impl From<&rtp::HeaderExtensionParameters> for HeaderExtension {
    fn from(extension: &rtp::HeaderExtensionParameters) -> Self {
        Self {
            kind: 0,
            uri: extension.uri.clone(),
            id: extension.id.into(),
            encrypt: extension.encrypt,
            direction: None,
        }
    }
}

impl TryFrom<HeaderExtension> for rtp::HeaderExtensionParameters {
    type Error = DecodeError;
    fn try_from(extension: HeaderExtension) -> Result<Self, DecodeError> {
        Ok(Self {
            uri: extension.uri,
            id: small(extension.id, "header extension id")?,
            encrypt: extension.encrypt,
        })
    }
}

impl From<&rtp::EncodingParameters> for Encoding {
    fn from(encoding: &rtp::EncodingParameters) -> Self {
        Self {
            ssrc: encoding.ssrc,
            rid: encoding.rid.clone(),
            codec_payload_type: encoding.codec_payload_type.map(Into::into),
            rtx_ssrc: encoding.rtx.map(|rtx| rtx.ssrc),
            dtx: encoding.dtx,
            scalability_mode: encoding.scalability_mode.clone(),
            max_bitrate: encoding.max_bitrate,
        }
    }
}

impl TryFrom<Encoding> for rtp::EncodingParameters {
    type Error = DecodeError;
    fn try_from(encoding: Encoding) -> Result<Self, DecodeError> {
        Ok(Self {
            ssrc: encoding.ssrc,
            rid: encoding.rid,
            codec_payload_type: optional_small(encoding.codec_payload_type, "codec payload type")?,
            rtx: encoding.rtx_ssrc.map(|ssrc| rtp::RtxParameters { ssrc }),
            dtx: encoding.dtx,
            scalability_mode: encoding.scalability_mode,
            max_bitrate: encoding.max_bitrate,
        })
    }
}
