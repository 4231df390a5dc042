//! RTP parameters as a browser would announce them, and str0m set up to agree with them.

use crate::media::Track;
use plenum_shared::{
    media::Kind,
    rtp::{
        CodecParameters, EncodingParameters, Fmtp, FmtpValue, HeaderExtensionParameters, RtcpFeedback,
        RtcpParameters, RtpCapabilities, RtpParameters, RtxParameters, uri,
    },
};
use rand::{Rng, RngExt};
use str0m::{
    RtcConfig,
    format::{Codec, FormatParams},
    media::{Frequency, Pt},
    rtp::{Extension, ExtensionMap},
};

/// Payload types of one side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PayloadTypes {
    pub opus: u8,
    pub vp8: u8,
    pub vp8_rtx: u8,
}

/// What a publishing Chromium announces: other numbers than the room's on purpose, as in the field.
pub const PUBLISHER: PayloadTypes = PayloadTypes { opus: 111, vp8: 96, vp8_rtx: 97 };

const PUBLISHER_EXTENSIONS: [(u8, &str); 6] = [
    (1, uri::AUDIO_LEVEL),
    (2, uri::ABS_SEND_TIME),
    (3, uri::TRANSPORT_WIDE_CC),
    (4, uri::MID),
    (10, uri::RTP_STREAM_ID),
    (11, uri::REPAIRED_RTP_STREAM_ID),
];

/// The SSRCs of one published layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerSsrcs {
    pub main: u32,
    pub rtx: Option<u32>,
}

/// One track as announced.
#[derive(Clone, Debug)]
pub struct Announcement {
    pub mid: String,
    pub layers: Vec<LayerSsrcs>,
    pub parameters: RtpParameters,
}

impl Announcement {
    /// Chooses SSRCs. Several layers are announced by rid without SSRC, as browsers do; one is announced by SSRC.
    pub fn new(track: &Track, mid: &str, cname: &str, random: &mut impl Rng) -> Self {
        let is_video = track.kind() == Kind::Video;
        let mut ssrc = || random.random_range(1..=u32::MAX);
        let layers: Vec<LayerSsrcs> = (0..track.layer_count())
            .map(|_| LayerSsrcs { main: ssrc(), rtx: is_video.then(&mut ssrc) })
            .collect();
        let encodings = match layers.as_slice() {
            [only] => vec![EncodingParameters {
                ssrc: Some(only.main),
                rtx: only.rtx.map(|ssrc| RtxParameters { ssrc }),
                ..EncodingParameters::default()
            }],
            many => (0..many.len())
                .map(|index| EncodingParameters { rid: Some(rid(index)), ..EncodingParameters::default() })
                .collect(),
        };
        let parameters = RtpParameters {
            mid: Some(mid.to_owned()),
            codecs: if is_video { video_codecs() } else { vec![audio_codec()] },
            header_extensions: publisher_extensions(),
            encodings,
            rtcp: RtcpParameters { cname: Some(cname.to_owned()), reduced_size: true },
        };
        Self { mid: mid.to_owned(), layers, parameters }
    }

    /// The rid of a layer, where there are several.
    pub fn rid(&self, layer: usize) -> Option<String> {
        (self.layers.len() > 1).then(|| rid(layer))
    }
}

fn rid(layer: usize) -> String {
    format!("r{layer}")
}

fn feedback(entries: &[(&str, &str)]) -> Vec<RtcpFeedback> {
    let entry = |(kind, parameter): &(&str, &str)| RtcpFeedback {
        kind: (*kind).to_owned(),
        parameter: (*parameter).to_owned(),
    };
    entries.iter().map(entry).collect()
}

fn audio_codec() -> CodecParameters {
    CodecParameters {
        mime_type: "audio/opus".into(),
        payload_type: PUBLISHER.opus,
        clock_rate: 48_000,
        channels: Some(2),
        parameters: Fmtp::from([
            ("minptime".into(), FmtpValue::Number(10)),
            ("useinbandfec".into(), FmtpValue::Number(1)),
        ]),
        rtcp_feedback: feedback(&[("transport-cc", "")]),
    }
}

fn video_codecs() -> Vec<CodecParameters> {
    let codec = |mime_type: &str, payload_type, parameters, rtcp_feedback| CodecParameters {
        mime_type: mime_type.into(),
        payload_type,
        clock_rate: 90_000,
        channels: None,
        parameters,
        rtcp_feedback,
    };
    let wanted =
        feedback(&[("goog-remb", ""), ("transport-cc", ""), ("ccm", "fir"), ("nack", ""), ("nack", "pli")]);
    let associated = Fmtp::from([("apt".into(), FmtpValue::Number(PUBLISHER.vp8.into()))]);
    vec![
        codec("video/VP8", PUBLISHER.vp8, Fmtp::new(), wanted),
        codec("video/rtx", PUBLISHER.vp8_rtx, associated, Vec::new()),
    ]
}

fn publisher_extensions() -> Vec<HeaderExtensionParameters> {
    PUBLISHER_EXTENSIONS
        .iter()
        .map(|(id, uri)| HeaderExtensionParameters { uri: (*uri).to_owned(), id: *id, encrypt: false })
        .collect()
}

/// The payload types a subscriber will receive: the room's.
///
/// # Errors
/// The codec the room does not offer.
pub fn subscriber_payload_types(capabilities: &RtpCapabilities) -> Result<PayloadTypes, &'static str> {
    let payload_type = |mime_type: &str| {
        let same = |name: &str| name.eq_ignore_ascii_case(mime_type);
        capabilities
            .codecs
            .iter()
            .find(|codec| same(&codec.mime_type))
            .and_then(|codec| codec.preferred_payload_type)
    };
    let opus = payload_type("audio/opus").ok_or("audio/opus")?;
    let vp8 = payload_type("video/VP8").ok_or("video/VP8")?;
    let repairs_vp8 = |fmtp: &Fmtp| fmtp.get("apt") == Some(&FmtpValue::Number(vp8.into()));
    let vp8_rtx = capabilities
        .codecs
        .iter()
        .find(|codec| codec.mime_type.eq_ignore_ascii_case("video/rtx") && repairs_vp8(&codec.parameters))
        .and_then(|codec| codec.preferred_payload_type)
        .ok_or("video/rtx of video/VP8")?;
    Ok(PayloadTypes { opus, vp8, vp8_rtx })
}

/// What a subscriber that knows opus and VP8 answers to the room's capabilities.
pub fn subscriber_capabilities(room: &RtpCapabilities) -> RtpCapabilities {
    let Ok(known) = subscriber_payload_types(room) else { return RtpCapabilities::default() };
    let known = [known.opus, known.vp8, known.vp8_rtx];
    let is_known = |payload_type: Option<u8>| payload_type.is_some_and(|it| known.contains(&it));
    let codecs = room.codecs.iter().filter(|codec| is_known(codec.preferred_payload_type)).cloned().collect();
    let header_extensions =
        room.header_extensions.iter().filter(|it| known_extension(&it.uri).is_some()).cloned();
    RtpCapabilities { codecs, header_extensions: header_extensions.collect() }
}

/// str0m in RTP mode with exactly these payload types and extension ids.
pub fn configure(payload_types: PayloadTypes, extensions: ExtensionMap) -> RtcConfig {
    let mut config = RtcConfig::new().set_rtp_mode(true).clear_codecs().set_extension_map(extensions);
    let codecs = config.codec_config();
    let pt = Pt::new_with_value;
    let opus = FormatParams { use_inband_fec: Some(true), ..FormatParams::default() };
    codecs.add_config(pt(payload_types.opus), None, Codec::Opus, Frequency::FORTY_EIGHT_KHZ, Some(2), opus);
    let rtx = Some(pt(payload_types.vp8_rtx));
    codecs.add_config(
        pt(payload_types.vp8),
        rtx,
        Codec::Vp8,
        Frequency::NINETY_KHZ,
        None,
        FormatParams::default(),
    );
    config
}

/// The extensions a publisher sends.
pub fn publisher_extension_map() -> ExtensionMap {
    extension_map(PUBLISHER_EXTENSIONS.iter().map(|(id, uri)| (*id, *uri)))
}

/// The extensions a subscriber of this room receives.
pub fn subscriber_extension_map(capabilities: &RtpCapabilities) -> ExtensionMap {
    extension_map(capabilities.header_extensions.iter().map(|it| (it.preferred_id, it.uri.as_str())))
}

fn extension_map<'a>(entries: impl Iterator<Item = (u8, &'a str)>) -> ExtensionMap {
    let mut map = ExtensionMap::empty();
    for (id, uri) in entries {
        if let Some(extension) = known_extension(uri) {
            map.set(id, extension);
        }
    }
    map
}

fn known_extension(uri: &str) -> Option<Extension> {
    Some(match uri {
        uri::MID => Extension::RtpMid,
        uri::RTP_STREAM_ID => Extension::RtpStreamId,
        uri::REPAIRED_RTP_STREAM_ID => Extension::RepairedRtpStreamId,
        uri::ABS_SEND_TIME => Extension::AbsoluteSendTime,
        uri::TRANSPORT_WIDE_CC => Extension::TransportSequenceNumber,
        uri::AUDIO_LEVEL => Extension::AudioLevel,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::{LayerSettings, VideoTrack};
    use plenum_shared::rtp::router_capabilities;
    use rand::{SeedableRng, rngs::SmallRng};

    const LAYER: LayerSettings = LayerSettings { bitrate_bps: 100_000, width: 320, height: 180 };

    #[test]
    fn one_layer_is_announced_by_ssrc_with_its_rtx() {
        let track = Track::Video(VideoTrack::new(25, &[LAYER], 1));
        let announcement = Announcement::new(&track, "1", "bot", &mut SmallRng::seed_from_u64(1));
        let [encoding] = announcement.parameters.encodings.as_slice() else { panic!("one encoding") };
        assert_eq!(encoding.ssrc, Some(announcement.layers[0].main));
        assert!(encoding.rtx.is_some());
        assert_eq!(announcement.rid(0), None);
        assert_eq!(announcement.parameters.check(), Ok(()));
    }

    #[test]
    fn layers_are_announced_by_rid_without_ssrc() {
        let track = Track::Video(VideoTrack::new(25, &[LAYER; 3], 1));
        let announcement = Announcement::new(&track, "1", "bot", &mut SmallRng::seed_from_u64(1));
        let rids: Vec<_> =
            announcement.parameters.encodings.iter().map(|it| (it.rid.clone(), it.ssrc)).collect();
        assert_eq!(rids, [0, 1, 2].map(|index| (Some(format!("r{index}")), None)));
        assert_eq!(announcement.rid(2).as_deref(), Some("r2"));
    }

    #[test]
    fn a_subscriber_takes_the_rooms_payload_types() {
        let room = router_capabilities();
        assert_eq!(subscriber_payload_types(&room), Ok(PayloadTypes { opus: 100, vp8: 101, vp8_rtx: 102 }));
        let answer = subscriber_capabilities(&room);
        assert_eq!(answer.codecs.len(), 3);
        assert!(answer.header_extensions.iter().all(|it| it.uri != uri::AV1_DEPENDENCY_DESCRIPTOR));
    }

    #[test]
    fn a_room_without_vp8_is_said_so() {
        let mut room = router_capabilities();
        room.codecs.retain(|codec| codec.mime_type != "video/VP8");
        assert_eq!(subscriber_payload_types(&room), Err("video/VP8"));
    }
}
