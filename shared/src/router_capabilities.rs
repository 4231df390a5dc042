//! What every room offers: codecs with their canonical payload types, and header extensions with their ids.
//!
//! These numbers are the room's own language. A publisher's numbers are mapped to them once, at ingress, and every
//! subscriber receives them (media.md, decision 6). They are part of the protocol: changing one breaks clients that are
//! inside a meeting during an upgrade.

use crate::{
    media::Kind,
    rtp::{CodecCapability, Fmtp, FmtpValue, HeaderExtensionCapability, RtcpFeedback, RtpCapabilities},
};

/// Header extension URIs we carry or read.
pub mod uri {
    pub const MID: &str = "urn:ietf:params:rtp-hdrext:sdes:mid";
    pub const RTP_STREAM_ID: &str = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id";
    pub const REPAIRED_RTP_STREAM_ID: &str = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id";
    pub const ABS_SEND_TIME: &str = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time";
    pub const TRANSPORT_WIDE_CC: &str =
        "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";
    pub const AV1_DEPENDENCY_DESCRIPTOR: &str =
        "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension";
    pub const AUDIO_LEVEL: &str = "urn:ietf:params:rtp-hdrext:ssrc-audio-level";
    pub const VIDEO_ORIENTATION: &str = "urn:3gpp:video-orientation";
    pub const ABS_CAPTURE_TIME: &str = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time";
    pub const PLAYOUT_DELAY: &str = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay";
}

/// Canonical header extension ids of every room; each fits the one-byte form of RFC 8285.
pub mod extension_id {
    pub const MID: u8 = 1;
    pub const RTP_STREAM_ID: u8 = 2;
    pub const REPAIRED_RTP_STREAM_ID: u8 = 3;
    pub const ABS_SEND_TIME: u8 = 4;
    pub const TRANSPORT_WIDE_CC: u8 = 5;
    pub const AV1_DEPENDENCY_DESCRIPTOR: u8 = 8;
    pub const AUDIO_LEVEL: u8 = 10;
    pub const VIDEO_ORIENTATION: u8 = 11;
    pub const ABS_CAPTURE_TIME: u8 = 13;
    pub const PLAYOUT_DELAY: u8 = 14;
}

/// The capabilities a client loads into its `Device`.
pub fn router_capabilities() -> RtpCapabilities {
    RtpCapabilities { codecs: codecs(), header_extensions: header_extensions() }
}

fn codecs() -> Vec<CodecCapability> {
    let opus = CodecCapability {
        kind: Kind::Audio,
        mime_type: "audio/opus".into(),
        preferred_payload_type: Some(100),
        clock_rate: 48_000,
        channels: Some(2),
        parameters: fmtp([("useinbandfec", 1), ("usedtx", 1)]),
        rtcp_feedback: feedback(&[("nack", ""), ("transport-cc", "")]),
    };
    // RFC 2198. Behind Opus, because clients publish with the first codec they find.
    let red = CodecCapability {
        mime_type: "audio/red".into(),
        preferred_payload_type: Some(99),
        parameters: Fmtp::from([(String::new(), FmtpValue::Text("100/100".into()))]),
        rtcp_feedback: feedback(&[("transport-cc", "")]),
        ..opus.clone()
    };
    let mut codecs = vec![opus, red];
    let video: [(&str, u8, Fmtp); 5] = [
        ("video/VP8", 101, Fmtp::new()),
        ("video/VP9", 103, fmtp([("profile-id", 0)])),
        ("video/H264", 107, h264("42e01f")),
        ("video/H264", 109, h264("4d0032")),
        ("video/AV1", 111, Fmtp::new()),
    ];
    for (mime_type, payload_type, parameters) in video {
        codecs.push(CodecCapability {
            kind: Kind::Video,
            mime_type: mime_type.into(),
            preferred_payload_type: Some(payload_type),
            clock_rate: 90_000,
            channels: None,
            parameters,
            rtcp_feedback: feedback(&[
                ("nack", ""),
                ("nack", "pli"),
                ("ccm", "fir"),
                ("goog-remb", ""),
                ("transport-cc", ""),
            ]),
        });
        codecs.push(CodecCapability {
            kind: Kind::Video,
            mime_type: "video/rtx".into(),
            preferred_payload_type: Some(payload_type + 1),
            clock_rate: 90_000,
            channels: None,
            parameters: fmtp([("apt", i64::from(payload_type))]),
            rtcp_feedback: Vec::new(),
        });
    }
    codecs
}

fn h264(profile_level_id: &str) -> Fmtp {
    let mut parameters = fmtp([("packetization-mode", 1), ("level-asymmetry-allowed", 1)]);
    parameters.insert("profile-level-id".into(), FmtpValue::Text(profile_level_id.into()));
    parameters
}

fn header_extensions() -> Vec<HeaderExtensionCapability> {
    use Kind::{Audio, Video};
    let both = "sendrecv";
    let publishers = "recvonly"; // only publishers send it to us; subscribers have one encoding and need no rid
    [
        (Audio, uri::MID, extension_id::MID, both),
        (Video, uri::MID, extension_id::MID, both),
        (Video, uri::RTP_STREAM_ID, extension_id::RTP_STREAM_ID, publishers),
        (Video, uri::REPAIRED_RTP_STREAM_ID, extension_id::REPAIRED_RTP_STREAM_ID, publishers),
        (Audio, uri::ABS_SEND_TIME, extension_id::ABS_SEND_TIME, both),
        (Video, uri::ABS_SEND_TIME, extension_id::ABS_SEND_TIME, both),
        (Audio, uri::TRANSPORT_WIDE_CC, extension_id::TRANSPORT_WIDE_CC, both),
        (Video, uri::TRANSPORT_WIDE_CC, extension_id::TRANSPORT_WIDE_CC, both),
        (Video, uri::AV1_DEPENDENCY_DESCRIPTOR, extension_id::AV1_DEPENDENCY_DESCRIPTOR, both),
        (Audio, uri::AUDIO_LEVEL, extension_id::AUDIO_LEVEL, both),
        (Video, uri::VIDEO_ORIENTATION, extension_id::VIDEO_ORIENTATION, both),
        (Audio, uri::ABS_CAPTURE_TIME, extension_id::ABS_CAPTURE_TIME, both),
        (Video, uri::ABS_CAPTURE_TIME, extension_id::ABS_CAPTURE_TIME, both),
        (Video, uri::PLAYOUT_DELAY, extension_id::PLAYOUT_DELAY, both),
    ]
    .into_iter()
    .map(|(kind, uri, preferred_id, direction)| HeaderExtensionCapability {
        kind,
        uri: uri.into(),
        preferred_id,
        preferred_encrypt: false,
        direction: Some(direction.into()),
    })
    .collect()
}

fn fmtp<const N: usize>(entries: [(&str, i64); N]) -> Fmtp {
    entries.into_iter().map(|(name, value)| (name.to_owned(), FmtpValue::Number(value))).collect()
}

fn feedback(entries: &[(&str, &str)]) -> Vec<RtcpFeedback> {
    entries
        .iter()
        .map(|(kind, parameter)| RtcpFeedback { kind: (*kind).into(), parameter: (*parameter).into() })
        .collect()
}
