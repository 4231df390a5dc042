//! RTP parameters, capabilities and header extensions: names and numbers, never packet parsing.
//!
//! The JSON shape is that of mediasoup-client 3.24 (`RtpCapabilities`, `RtpParameters`), which follows ORTC.
//! Everything here may come from a stranger's browser: [`RtpParameters::check`] and [`RtpCapabilities::check`] bound it.

use crate::media::Kind;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use thiserror::Error;

pub use crate::router_capabilities::{extension_id, router_capabilities, uri};

/// Codec parameters of `a=fmtp`: values are numbers or text.
pub type Fmtp = BTreeMap<String, FmtpValue>;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum FmtpValue {
    Number(i64),
    Text(String),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RtcpFeedback {
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default)]
    pub parameter: String,
}

/// What an endpoint can send or receive.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RtpCapabilities {
    #[serde(default)]
    pub codecs: Vec<CodecCapability>,
    #[serde(default)]
    pub header_extensions: Vec<HeaderExtensionCapability>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CodecCapability {
    pub kind: Kind,
    pub mime_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred_payload_type: Option<u8>,
    pub clock_rate: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channels: Option<u8>,
    #[serde(default)]
    pub parameters: Fmtp,
    #[serde(default)]
    pub rtcp_feedback: Vec<RtcpFeedback>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HeaderExtensionCapability {
    pub kind: Kind,
    pub uri: String,
    pub preferred_id: u8,
    #[serde(default)]
    pub preferred_encrypt: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub direction: Option<String>,
}

/// How one track is sent: the parameters of `produce`, and what `consumed` answers.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RtpParameters {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mid: Option<String>,
    #[serde(default)]
    pub codecs: Vec<CodecParameters>,
    #[serde(default)]
    pub header_extensions: Vec<HeaderExtensionParameters>,
    #[serde(default)]
    pub encodings: Vec<EncodingParameters>,
    #[serde(default)]
    pub rtcp: RtcpParameters,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CodecParameters {
    pub mime_type: String,
    pub payload_type: u8,
    pub clock_rate: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channels: Option<u8>,
    #[serde(default)]
    pub parameters: Fmtp,
    #[serde(default)]
    pub rtcp_feedback: Vec<RtcpFeedback>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeaderExtensionParameters {
    pub uri: String,
    pub id: u8,
    #[serde(default)]
    pub encrypt: bool,
}

/// One stream of a track: known by `rid`, by `ssrc`, or by both.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EncodingParameters {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ssrc: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub codec_payload_type: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rtx: Option<RtxParameters>,
    #[serde(default)]
    pub dtx: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scalability_mode: Option<String>,
    /// Bits per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_bitrate: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RtxParameters {
    pub ssrc: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RtcpParameters {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cname: Option<String>,
    #[serde(default = "reduced_size_default")]
    pub reduced_size: bool,
}

fn reduced_size_default() -> bool {
    true
}

/// Why parameters from a client are refused before anything is built from them.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{field}: {reason}")]
pub struct ParameterError {
    /// Path of the field in mediasoup-client's words, for example `encodings`.
    pub field: &'static str,
    pub reason: &'static str,
}

/// Bounds on what a client may send: generous against real browsers, small against abuse.
pub mod limit {
    pub const CODECS: usize = 64;
    pub const HEADER_EXTENSIONS: usize = 32;
    pub const ENCODINGS: usize = 4;
    pub const FMTP_ENTRIES: usize = 32;
    pub const FEEDBACKS: usize = 16;
    /// Bytes of any one name, URI, rid, mid or value.
    pub const TEXT: usize = 256;
}

impl RtpParameters {
    /// Bounds every list and text. Says nothing about whether the codec is one of ours.
    ///
    /// # Errors
    /// The first field that is out of bounds.
    pub fn check(&self) -> Result<(), ParameterError> {
        bounded(self.codecs.len(), 1, limit::CODECS, "codecs")?;
        bounded(self.header_extensions.len(), 0, limit::HEADER_EXTENSIONS, "headerExtensions")?;
        bounded(self.encodings.len(), 1, limit::ENCODINGS, "encodings")?;
        optional_text(self.mid.as_deref(), "mid")?;
        optional_text(self.rtcp.cname.as_deref(), "rtcp.cname")?;
        for codec in &self.codecs {
            text(&codec.mime_type, "codecs.mimeType")?;
            within(codec.payload_type <= 127, "codecs.payloadType", "must be 0 to 127")?;
            within(codec.clock_rate > 0, "codecs.clockRate", "must be positive")?;
            fmtp(&codec.parameters, "codecs.parameters")?;
            feedback(&codec.rtcp_feedback, "codecs.rtcpFeedback")?;
        }
        for extension in &self.header_extensions {
            text(&extension.uri, "headerExtensions.uri")?;
            within((1..=255).contains(&extension.id), "headerExtensions.id", "must be 1 to 255")?;
        }
        for encoding in &self.encodings {
            optional_text(encoding.rid.as_deref(), "encodings.rid")?;
            optional_text(encoding.scalability_mode.as_deref(), "encodings.scalabilityMode")?;
        }
        Ok(())
    }
}

impl RtpCapabilities {
    /// Bounds every list and text.
    ///
    /// # Errors
    /// The first field that is out of bounds.
    pub fn check(&self) -> Result<(), ParameterError> {
        bounded(self.codecs.len(), 0, limit::CODECS, "codecs")?;
        bounded(self.header_extensions.len(), 0, limit::CODECS, "headerExtensions")?;
        for codec in &self.codecs {
            text(&codec.mime_type, "codecs.mimeType")?;
            fmtp(&codec.parameters, "codecs.parameters")?;
            feedback(&codec.rtcp_feedback, "codecs.rtcpFeedback")?;
        }
        for extension in &self.header_extensions {
            text(&extension.uri, "headerExtensions.uri")?;
        }
        Ok(())
    }
}

fn within(holds: bool, field: &'static str, reason: &'static str) -> Result<(), ParameterError> {
    if holds { Ok(()) } else { Err(ParameterError { field, reason }) }
}

fn bounded(count: usize, min: usize, max: usize, field: &'static str) -> Result<(), ParameterError> {
    within(count >= min, field, "must not be empty")?;
    within(count <= max, field, "has too many elements")
}

fn text(value: &str, field: &'static str) -> Result<(), ParameterError> {
    within(value.len() <= limit::TEXT, field, "is too long")
}

fn optional_text(value: Option<&str>, field: &'static str) -> Result<(), ParameterError> {
    value.map_or(Ok(()), |value| text(value, field))
}

fn fmtp(parameters: &Fmtp, field: &'static str) -> Result<(), ParameterError> {
    bounded(parameters.len(), 0, limit::FMTP_ENTRIES, field)?;
    for (name, value) in parameters {
        text(name, field)?;
        if let FmtpValue::Text(value) = value {
            text(value, field)?;
        }
    }
    Ok(())
}

fn feedback(list: &[RtcpFeedback], field: &'static str) -> Result<(), ParameterError> {
    bounded(list.len(), 0, limit::FEEDBACKS, field)?;
    list.iter().try_for_each(|entry| text(&entry.kind, field).and_then(|()| text(&entry.parameter, field)))
}
