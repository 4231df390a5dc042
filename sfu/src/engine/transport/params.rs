//! Negotiation by RTP parameters, without SDP: what a publisher sends becomes the room's language, and what a
//! subscriber is told follows from its capabilities.

use plenum_shared::{
    command::{Refusal, RefusalReason},
    media::{Kind, LayerStructure},
    rtp::{
        CodecCapability, CodecParameters, EncodingParameters, Fmtp, FmtpValue, HeaderExtensionParameters,
        RtcpFeedback, RtcpParameters, RtpCapabilities, RtpParameters, RtxParameters, router_capabilities,
        uri,
    },
};

use crate::engine::packet::{IDENTIFIER_LEN_MAX, RtpPacket, extensions_len};

/// The feedback a subscriber must give before its packets are numbered: else the numbers would only cost bytes.
const TRANSPORT_CC: (&str, &str) = ("transport-cc", "");

/// The codecs whose packets we can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// RFC 7587.
    Opus,
    /// RFC 7741.
    Vp8,
    /// RFC 9628.
    Vp9,
    /// RFC 6184.
    H264,
    /// AV1 RTP specification.
    Av1,
}

impl Codec {
    /// Dependency descriptors of it are read and passed on. Those of other codecs would say no more than their payload.
    pub fn has_dependencies(self) -> bool {
        matches!(self, Codec::Vp9 | Codec::Av1)
    }
}

/// Ids of the header extensions on one side; 0, which is no valid id, where one is not in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ExtensionIds {
    /// `mid`.
    pub mid: u8,
    /// `rid`.
    pub rid: u8,
    /// `rid` of the stream that a retransmission repairs.
    pub repaired_rid: u8,
    /// Departure time.
    pub abs_send_time: u8,
    /// Transport-wide sequence number.
    pub transport_wide: u8,
    /// RFC 6464.
    pub audio_level: u8,
    /// AV1 dependency descriptor.
    pub dependency: u8,
    /// 3GPP orientation.
    pub orientation: u8,
    /// Capture time.
    pub capture_time: u8,
    /// Playout delay.
    pub playout_delay: u8,
}

impl ExtensionIds {
    fn set(&mut self, uri: &str, id: u8) {
        let field = match uri {
            uri::MID => &mut self.mid,
            uri::RTP_STREAM_ID => &mut self.rid,
            uri::REPAIRED_RTP_STREAM_ID => &mut self.repaired_rid,
            uri::ABS_SEND_TIME => &mut self.abs_send_time,
            uri::TRANSPORT_WIDE_CC => &mut self.transport_wide,
            uri::AUDIO_LEVEL => &mut self.audio_level,
            uri::AV1_DEPENDENCY_DESCRIPTOR => &mut self.dependency,
            uri::VIDEO_ORIENTATION => &mut self.orientation,
            uri::ABS_CAPTURE_TIME => &mut self.capture_time,
            uri::PLAYOUT_DELAY => &mut self.playout_delay,
            _ => return,
        };
        *field = id;
    }
}

/// Bytes of a departure time: 6.18 fixed point.
const ABS_SEND_TIME_LEN: usize = 3;
/// Bytes of a transport-wide number.
const TRANSPORT_WIDE_LEN: usize = 2;
/// Header elements that may be carried on.
pub const CARRIED_MAX: usize = 5;

/// What a subscriber's headers hold beside the fixed part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Elements {
    /// The pairs (publisher's id, subscriber's id) of what is carried from one to the other; 0 where one of them does not
    /// know the element.
    pub carried: [[u8; 2]; CARRIED_MAX],
    /// Bytes of the values of our own; 0 for one that is not sent.
    own: [usize; 3],
}

impl Elements {
    /// What of `published` is carried on to `subscribed`, and what is added there.
    pub fn new(published: &ExtensionIds, subscribed: &ExtensionIds, mid: &str) -> Self {
        let own = [
            (subscribed.mid, mid.len()),
            (subscribed.abs_send_time, ABS_SEND_TIME_LEN),
            (subscribed.transport_wide, TRANSPORT_WIDE_LEN),
        ];
        // The dependency descriptor is the last one.
        let carried = [
            [published.audio_level, subscribed.audio_level],
            [published.orientation, subscribed.orientation],
            [published.capture_time, subscribed.capture_time],
            [published.playout_delay, subscribed.playout_delay],
            [published.dependency, subscribed.dependency],
        ];
        Elements { carried, own: own.map(|(id, len)| if id == 0 { 0 } else { len }) }
    }

    /// What of a publisher's packet is carried on as it is, with the subscriber's ids: all but the dependency descriptor, which
    /// is another one for each subscriber. `header` begins with the packet's header.
    pub fn of<'a>(
        &'a self,
        packet: &'a RtpPacket,
        header: &'a [u8],
    ) -> impl Iterator<Item = (u8, &'a [u8])> + Clone {
        let as_it_is = &self.carried[..CARRIED_MAX - 1];
        let known = as_it_is.iter().filter(|&&[theirs, ours]| theirs != 0 && ours != 0);
        known.filter_map(move |&[theirs, ours]| Some((ours, packet.extension(header, theirs)?)))
    }

    /// The dependency descriptor of a publisher's packet, with the subscriber's id, where both know it.
    pub fn dependency<'a>(&self, packet: &RtpPacket, header: &'a [u8]) -> Option<(u8, &'a [u8])> {
        let [theirs, ours] = self.carried[CARRIED_MAX - 1];
        if theirs == 0 || ours == 0 {
            return None;
        }
        Some((ours, packet.extension(header, theirs)?))
    }

    /// Bytes that they take beside the payload of a publisher's packet. A descriptor that is rewritten may become longer.
    pub fn len_beside(&self, packet: &RtpPacket) -> usize {
        let taken = self.carried.iter().filter(|&&[theirs, ours]| theirs != 0 && ours != 0);
        let carried = taken.filter_map(|&[theirs, _]| packet.extension_len(theirs));
        extensions_len(self.own.into_iter().filter(|&len| len > 0).chain(carried))
    }
}

/// One stream of a published track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoding {
    /// Its name in header extensions.
    pub rid: Option<String>,
    /// Its SSRC, when the publisher says.
    pub ssrc: Option<u32>,
    /// The SSRC of its retransmissions, when the publisher says.
    pub rtx_ssrc: Option<u32>,
}

/// What `produce` means to us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// How payloads are read.
    pub codec: Codec,
    /// The room's number for this codec and profile.
    pub canonical: u8,
    /// Hertz of the RTP clock.
    pub clock_rate: u32,
    /// The publisher's payload type of media.
    pub media_type: u8,
    /// The publisher's payload type of retransmissions.
    pub repair_type: Option<u8>,
    /// The publisher's payload type of sound with redundancy (RFC 2198).
    pub red_type: Option<u8>,
    /// The publisher answers NACK.
    pub nack: bool,
    /// The publisher answers PLI.
    pub pli: bool,
    /// The publisher adapts to transport-wide feedback.
    pub transport_wide: bool,
    /// The publisher's header extension ids.
    pub ids: ExtensionIds,
    /// The publisher's media section.
    pub mid: Option<String>,
    /// Its streams, smallest layer first.
    pub encodings: Vec<Encoding>,
    /// How its qualities are offered.
    pub structure: LayerStructure,
    /// Spatial layers: streams of a simulcast, or layers inside an SVC stream.
    pub spatial_layers: u8,
    /// Temporal layers of each.
    pub temporal_layers: u8,
}

/// Reads `produce`. The parameters must have been bounded by [`RtpParameters::check`].
///
/// # Errors
/// `Unsupported` for a codec that is not the room's, `Invalid` for parameters that contradict themselves.
pub fn publish(kind: Kind, parameters: &RtpParameters) -> Result<Published, Refusal> {
    parameters.check().map_err(|error| Refusal::new(RefusalReason::Invalid, error.to_string()))?;
    let red = parameters.codecs.iter().find(|codec| is_red(&codec.mime_type));
    let plain = parameters.codecs.iter().find(|codec| !is_rtx(&codec.mime_type) && !is_red(&codec.mime_type));
    let inside = red.map(|red| inside_red(red, plain)).transpose()?;
    let codec = plain
        .or(inside.as_ref())
        .ok_or_else(|| Refusal::new(RefusalReason::Invalid, "codecs: only retransmission"))?;
    let (canonical, known) = canonical_codec(kind, codec)
        .ok_or_else(|| Refusal::new(RefusalReason::Unsupported, format!("codec {}", codec.mime_type)))?;
    let repair = parameters.codecs.iter().find(|rtx| {
        is_rtx(&rtx.mime_type) && number(&rtx.parameters, "apt") == Some(i64::from(codec.payload_type))
    });
    let mut ids = ExtensionIds::default();
    for extension in &parameters.header_extensions {
        ids.set(&extension.uri, extension.id);
    }
    check_identifiers(parameters)?;
    let has = |kind: &str, parameter: &str| {
        codec.rtcp_feedback.iter().any(|f| f.kind == kind && f.parameter == parameter)
    };
    let (spatial_layers, temporal_layers) = layer_counts(parameters);
    let structure = match (parameters.encodings.len(), known) {
        (2.., _) => LayerStructure::Simulcast,
        // The layers of AV1 are told by nothing but its descriptor.
        (_, Codec::Av1) if ids.dependency == 0 => LayerStructure::Simple,
        (_, Codec::Vp9 | Codec::Av1) if spatial_layers > 1 || temporal_layers > 1 => LayerStructure::Svc,
        _ => LayerStructure::Simple,
    };
    Ok(Published {
        codec: known,
        canonical: canonical.preferred_payload_type.unwrap_or_default(),
        clock_rate: codec.clock_rate,
        media_type: codec.payload_type,
        repair_type: repair.map(|rtx| rtx.payload_type),
        red_type: red.map(|red| red.payload_type),
        nack: has("nack", ""),
        pli: kind == Kind::Video,
        transport_wide: ids.transport_wide != 0 && has("transport-cc", ""),
        ids,
        mid: parameters.mid.clone(),
        encodings: parameters.encodings.iter().map(encoding).collect(),
        structure,
        spatial_layers,
        temporal_layers,
    })
}

/// The codec whose packets a publisher of redundant sound repeats: said in the form `111/111`, and the one it also names
/// where it names one.
fn inside_red(red: &CodecParameters, plain: Option<&CodecParameters>) -> Result<CodecParameters, Refusal> {
    let invalid = |detail: &str| Err(Refusal::new(RefusalReason::Invalid, format!("codecs: red {detail}")));
    // mediasoup-client reads `a=fmtp:63 111/111` as a parameter of that name.
    let said = red.parameters.iter().find_map(|(name, value)| match value {
        FmtpValue::Text(text) if name.is_empty() => Some(text.as_str()),
        _ => Some(name.as_str()).filter(|name| name.contains('/')),
    });
    let mut types = said.unwrap_or_default().split('/').map(str::parse::<u8>);
    let first = match (types.next(), plain) {
        (Some(Ok(first)), _) => first,
        (_, Some(plain)) if said.is_none() => plain.payload_type,
        _ => return invalid("does not say what it repeats"),
    };
    if types.any(|other| other != Ok(first)) || plain.is_some_and(|plain| plain.payload_type != first) {
        return invalid("repeats another codec");
    }
    if first == red.payload_type || first > 127 {
        return invalid("repeats itself");
    }
    let same_clock = |plain: &CodecParameters| {
        plain.mime_type.eq_ignore_ascii_case("audio/opus")
            && (plain.clock_rate, plain.channels) == (red.clock_rate, red.channels)
    };
    if plain.is_some_and(|plain| !same_clock(plain)) {
        return invalid("is only for Opus of the same clock and channels");
    }
    Ok(CodecParameters {
        mime_type: "audio/opus".into(),
        payload_type: first,
        parameters: Fmtp::new(),
        ..red.clone()
    })
}

fn encoding(parameters: &EncodingParameters) -> Encoding {
    Encoding {
        rid: parameters.rid.clone(),
        ssrc: parameters.ssrc,
        rtx_ssrc: parameters.rtx.map(|rtx| rtx.ssrc),
    }
}

/// A publisher must be able to say which stream a packet is of: by SSRC, or by `mid` and (with several) `rid`.
fn check_identifiers(parameters: &RtpParameters) -> Result<(), Refusal> {
    let invalid = |detail: &str| Err(Refusal::new(RefusalReason::Invalid, detail));
    let encodings = &parameters.encodings;
    for (index, one) in encodings.iter().enumerate() {
        let texts = [one.rid.as_deref(), parameters.mid.as_deref()];
        if texts.into_iter().flatten().any(|text| text.len() > IDENTIFIER_LEN_MAX) {
            return invalid("mid or encodings.rid: too long");
        }
        if one.ssrc.is_none() && one.rid.is_none() && (encodings.len() > 1 || parameters.mid.is_none()) {
            return invalid("encodings: a stream can be told by neither ssrc nor rid nor mid");
        }
        let same = |other: &EncodingParameters| {
            (one.rid.is_some() && one.rid == other.rid) || (one.ssrc.is_some() && one.ssrc == other.ssrc)
        };
        if encodings[index + 1..].iter().any(same) {
            return invalid("encodings: two streams share a name");
        }
    }
    Ok(())
}

/// Spatial and temporal layers of `scalabilityMode` (`L3T3_KEY`, `S2T1`); simulcast counts its streams.
fn layer_counts(parameters: &RtpParameters) -> (u8, u8) {
    let mode = parameters.encodings.iter().find_map(|e| e.scalability_mode.as_deref()).unwrap_or("L1T1");
    let digit = |at: usize| mode.as_bytes().get(at).filter(|d| (b'1'..=b'8').contains(*d)).map(|d| d - b'0');
    let shaped = matches!(mode.as_bytes(), [b'L' | b'S', _, b'T', ..]);
    let (spatial, temporal) = if shaped { (digit(1).unwrap_or(1), digit(3).unwrap_or(1)) } else { (1, 1) };
    match parameters.encodings.len() {
        0 | 1 => (spatial, temporal),
        streams => (streams as u8, temporal),
    }
}

/// What a subscriber gets, and the numbers its packets carry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscribed {
    /// The subscriber's payload type of media.
    pub media_type: u8,
    /// The subscriber's payload type of retransmissions.
    pub repair_type: Option<u8>,
    /// The subscriber's payload type of sound with redundancy (RFC 2198).
    pub red_type: Option<u8>,
    /// The subscriber fills pauses of sound with noise of its own (RFC 7587: it did not rule out `usedtx`).
    pub takes_pauses: bool,
    /// The subscriber's header extension ids.
    pub ids: ExtensionIds,
    /// What `consumed` answers.
    pub parameters: RtpParameters,
}

/// The identity of a consumer's stream on its transport.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Unique on the transport.
    pub mid: String,
    /// The SSRC of media.
    pub ssrc: u32,
    /// The SSRC of retransmissions, used when the subscriber knows them.
    pub rtx_ssrc: u32,
    /// The same for all streams of one publishing session, so that browsers play its sound and picture together.
    pub cname: String,
}

/// Chooses what a subscriber with these capabilities gets of a producer.
///
/// # Errors
/// `Unsupported` when the subscriber cannot receive the producer's codec.
pub fn subscribe(
    kind: Kind,
    published: &Published,
    capabilities: &RtpCapabilities,
    identity: Identity,
) -> Result<Subscribed, Refusal> {
    capabilities.check().map_err(|error| Refusal::new(RefusalReason::Invalid, error.to_string()))?;
    let router = router_capabilities();
    let offered =
        router.codecs.iter().find(|codec| codec.preferred_payload_type == Some(published.canonical));
    let unsupported =
        || Refusal::new(RefusalReason::Unsupported, format!("no {:?} in common", published.codec));
    let offered = offered.ok_or_else(unsupported)?;
    let theirs =
        capabilities.codecs.iter().find(|codec| same_codec(offered, codec)).ok_or_else(unsupported)?;
    let media_type = theirs.preferred_payload_type.unwrap_or(published.canonical) & 0x7F;
    let rtx = capabilities.codecs.iter().find(|codec| {
        codec.kind == kind
            && is_rtx(&codec.mime_type)
            && number(&codec.parameters, "apt") == Some(i64::from(media_type))
    });
    let repair_type = rtx.and_then(|rtx| rtx.preferred_payload_type).map(|number| number & 0x7F);

    let (ids, header_extensions) =
        header_extensions(kind, published.codec, capabilities, &theirs.rtcp_feedback);
    let mut codecs = vec![CodecParameters {
        mime_type: offered.mime_type.clone(),
        payload_type: media_type,
        clock_rate: offered.clock_rate,
        channels: offered.channels,
        parameters: offered.parameters.clone(),
        rtcp_feedback: feedback(kind, repair_type.is_some(), ids.transport_wide != 0, &theirs.rtcp_feedback),
    }];
    if let Some(payload_type) = repair_type {
        codecs.push(CodecParameters {
            mime_type: "video/rtx".into(),
            payload_type,
            clock_rate: offered.clock_rate,
            channels: None,
            parameters: Fmtp::from([("apt".into(), FmtpValue::Number(i64::from(media_type)))]),
            rtcp_feedback: Vec::new(),
        });
    }
    let red_type = red_type(published.codec, offered, media_type, capabilities);
    if let Some(payload_type) = red_type {
        codecs.push(CodecParameters {
            mime_type: "audio/red".into(),
            payload_type,
            clock_rate: offered.clock_rate,
            channels: offered.channels,
            parameters: Fmtp::from([(String::new(), FmtpValue::Text(format!("{media_type}/{media_type}")))]),
            rtcp_feedback: Vec::new(),
        });
    }
    let takes_pauses = number(&theirs.parameters, "usedtx") != Some(0);
    let parameters = RtpParameters {
        mid: Some(identity.mid),
        codecs,
        header_extensions,
        encodings: vec![EncodingParameters {
            ssrc: Some(identity.ssrc),
            rtx: repair_type.map(|_| RtxParameters { ssrc: identity.rtx_ssrc }),
            scalability_mode: scalability_mode(published),
            ..EncodingParameters::default()
        }],
        rtcp: RtcpParameters { cname: Some(identity.cname), reduced_size: true },
    };
    Ok(Subscribed { media_type, repair_type, red_type, takes_pauses, ids, parameters })
}

/// The number a subscriber has for redundant sound of a codec. Opus comes first in what it is told, so that clients
/// which look at one codec only see the one they know.
fn red_type(
    codec: Codec,
    offered: &CodecCapability,
    media_type: u8,
    capabilities: &RtpCapabilities,
) -> Option<u8> {
    let fits = |theirs: &&CodecCapability| {
        codec == Codec::Opus
            && is_red(&theirs.mime_type)
            && theirs.clock_rate == offered.clock_rate
            && theirs.channels == offered.channels
    };
    let red = capabilities.codecs.iter().find(fits)?;
    red.preferred_payload_type.filter(|&number| number != media_type && number <= 127)
}

/// mediasoup's way of saying how many layers a consumer can choose from.
fn scalability_mode(published: &Published) -> Option<String> {
    match published.structure {
        LayerStructure::Simple => None,
        LayerStructure::Simulcast => {
            Some(format!("S{}T{}", published.spatial_layers, published.temporal_layers))
        }
        LayerStructure::Svc => Some(format!("L{}T{}", published.spatial_layers, published.temporal_layers)),
    }
}

/// Retransmission of sound is not offered: it would come too late. A subscriber that can tell what arrived of everything
/// tells that, sound included; one that cannot tells its own estimate (`goog-remb`), never both.
fn feedback(kind: Kind, repair: bool, numbered: bool, theirs: &[RtcpFeedback]) -> Vec<RtcpFeedback> {
    let ours: &[(&str, &str)] = match (kind, repair) {
        (Kind::Audio, _) => &[],
        (Kind::Video, true) => &[("nack", ""), ("nack", "pli"), ("ccm", "fir")],
        (Kind::Video, false) => &[("nack", "pli"), ("ccm", "fir")],
    };
    let rate: &[(&str, &str)] = match (numbered, kind) {
        (true, _) => &[TRANSPORT_CC],
        (false, Kind::Video) => &[("goog-remb", "")],
        (false, Kind::Audio) => &[],
    };
    ours.iter()
        .chain(rate)
        .map(|&(kind, parameter)| RtcpFeedback { kind: kind.into(), parameter: parameter.into() })
        .filter(|feedback| theirs.contains(feedback))
        .collect()
}

fn header_extensions(
    kind: Kind,
    codec: Codec,
    capabilities: &RtpCapabilities,
    feedback: &[RtcpFeedback],
) -> (ExtensionIds, Vec<HeaderExtensionParameters>) {
    let ours: &[&str] = match kind {
        Kind::Audio => {
            &[uri::MID, uri::ABS_SEND_TIME, uri::TRANSPORT_WIDE_CC, uri::AUDIO_LEVEL, uri::ABS_CAPTURE_TIME]
        }
        Kind::Video => &[
            uri::MID,
            uri::ABS_SEND_TIME,
            uri::TRANSPORT_WIDE_CC,
            uri::VIDEO_ORIENTATION,
            uri::ABS_CAPTURE_TIME,
            uri::PLAYOUT_DELAY,
            uri::AV1_DEPENDENCY_DESCRIPTOR,
        ],
    };
    let mut ids = ExtensionIds::default();
    let mut list: Vec<HeaderExtensionParameters> = Vec::new();
    for theirs in capabilities.header_extensions.iter().filter(|theirs| theirs.kind == kind) {
        let fits = match theirs.uri.as_str() {
            uri::AV1_DEPENDENCY_DESCRIPTOR => codec.has_dependencies(),
            uri::TRANSPORT_WIDE_CC => feedback.iter().any(|f| (&*f.kind, &*f.parameter) == TRANSPORT_CC),
            _ => true,
        };
        let id = theirs.preferred_id;
        let free = id != 0 && list.iter().all(|other| other.id != id && other.uri != theirs.uri);
        if fits && free && ours.contains(&theirs.uri.as_str()) {
            ids.set(&theirs.uri, id);
            list.push(HeaderExtensionParameters { uri: theirs.uri.clone(), id, encrypt: false });
        }
    }
    (ids, list)
}

fn canonical_codec(kind: Kind, codec: &CodecParameters) -> Option<(CodecCapability, Codec)> {
    let as_capability = CodecCapability {
        kind,
        mime_type: codec.mime_type.clone(),
        preferred_payload_type: None,
        clock_rate: codec.clock_rate,
        channels: codec.channels,
        parameters: codec.parameters.clone(),
        rtcp_feedback: Vec::new(),
    };
    let offered =
        router_capabilities().codecs.into_iter().find(|offered| same_codec(offered, &as_capability))?;
    let known = match offered.mime_type.as_str() {
        "audio/opus" => Codec::Opus,
        "video/VP8" => Codec::Vp8,
        "video/VP9" => Codec::Vp9,
        "video/H264" => Codec::H264,
        "video/AV1" => Codec::Av1,
        _ => return None,
    };
    Some((offered, known))
}

/// The rule of mediasoup-client's `ortc.matchCodecs` (strict), so that both sides find the same codec.
fn same_codec(ours: &CodecCapability, theirs: &CodecCapability) -> bool {
    ours.kind == theirs.kind
        && !is_rtx(&ours.mime_type)
        && ours.mime_type.eq_ignore_ascii_case(&theirs.mime_type)
        && ours.clock_rate == theirs.clock_rate
        && ours.channels.unwrap_or(1) == theirs.channels.unwrap_or(1)
        && same_profile(&ours.mime_type, &ours.parameters, &theirs.parameters)
}

fn same_profile(mime_type: &str, ours: &Fmtp, theirs: &Fmtp) -> bool {
    let same_number = |name: &str| number(ours, name).unwrap_or(0) == number(theirs, name).unwrap_or(0);
    match mime_type {
        "video/VP9" => same_number("profile-id"),
        "video/AV1" => same_number("profile"),
        "video/H264" => same_number("packetization-mode") && h264_profile(ours) == h264_profile(theirs),
        _ => true,
    }
}

/// `profile_idc`, and for Baseline whether it is the constrained one (RFC 6184 section 8.1). Levels are not compared:
/// both sides allow asymmetry.
fn h264_profile(parameters: &Fmtp) -> Option<(u8, bool)> {
    let text = match parameters.get("profile-level-id") {
        Some(FmtpValue::Text(text)) => text.clone(),
        // A value without letters, such as 640032, may have become a number on its way through JSON.
        Some(FmtpValue::Number(number)) => format!("{number:06}"),
        // The default of RFC 6184: Baseline, level 1.
        None => "420010".to_owned(),
    };
    let byte = |at: usize| text.get(at..at + 2).and_then(|two| u8::from_str_radix(two, 16).ok());
    let (profile_idc, constraints) = (byte(0)?, byte(2)?);
    let constrained_baseline = profile_idc == 0x42 && constraints & 0x40 != 0;
    Some((profile_idc, constrained_baseline))
}

fn number(parameters: &Fmtp, name: &str) -> Option<i64> {
    match parameters.get(name)? {
        FmtpValue::Number(number) => Some(*number),
        FmtpValue::Text(text) => text.parse().ok(),
    }
}

fn is_red(mime_type: &str) -> bool {
    mime_type.eq_ignore_ascii_case("audio/red")
}

fn is_rtx(mime_type: &str) -> bool {
    mime_type.get(mime_type.len().saturating_sub(4)..).is_some_and(|end| end.eq_ignore_ascii_case("/rtx"))
}
