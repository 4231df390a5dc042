//! Negotiation with parameters in the shape that mediasoup-client 3.24 sends: written by hand after what it was seen to
//! send from Chromium and Firefox.

use plenum_shared::{
    command::RefusalReason,
    media::{Kind, LayerStructure},
    rtp::{RtpCapabilities, RtpParameters, router_capabilities, uri},
};

use super::params::{Codec, Identity, publish, subscribe};

fn parameters(json: &str) -> RtpParameters {
    serde_json::from_str(json).expect("parameters of mediasoup-client")
}

fn identity() -> Identity {
    Identity { mid: "3".into(), ssrc: 1111, rtx_ssrc: 2222, cname: "ada".into() }
}

const CHROMIUM_SIMULCAST: &str = r#"{
  "mid": "1",
  "codecs": [
    {"mimeType": "video/VP8", "payloadType": 96, "clockRate": 90000, "parameters": {},
     "rtcpFeedback": [{"type": "goog-remb", "parameter": ""}, {"type": "transport-cc", "parameter": ""},
       {"type": "ccm", "parameter": "fir"}, {"type": "nack", "parameter": ""}, {"type": "nack", "parameter": "pli"}]},
    {"mimeType": "video/rtx", "payloadType": 97, "clockRate": 90000, "parameters": {"apt": 96}, "rtcpFeedback": []}
  ],
  "headerExtensions": [
    {"uri": "urn:ietf:params:rtp-hdrext:sdes:mid", "id": 4, "encrypt": false, "parameters": {}},
    {"uri": "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id", "id": 10, "encrypt": false, "parameters": {}},
    {"uri": "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id", "id": 11, "encrypt": false, "parameters": {}},
    {"uri": "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time", "id": 2, "encrypt": false, "parameters": {}},
    {"uri": "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01", "id": 3, "encrypt": false,
     "parameters": {}},
    {"uri": "urn:3gpp:video-orientation", "id": 13, "encrypt": false, "parameters": {}}
  ],
  "encodings": [
    {"active": true, "scaleResolutionDownBy": 4, "maxBitrate": 150000, "scalabilityMode": "L1T3", "rid": "r0", "dtx": false},
    {"active": true, "scaleResolutionDownBy": 2, "maxBitrate": 500000, "scalabilityMode": "L1T3", "rid": "r1", "dtx": false},
    {"active": true, "scaleResolutionDownBy": 1, "maxBitrate": 1500000, "scalabilityMode": "L1T3", "rid": "r2", "dtx": false}
  ],
  "rtcp": {"cname": "kZ4qPvmJ0gHnTt8O", "reducedSize": true}
}"#;

const CHROMIUM_OPUS: &str = r#"{
  "mid": "0",
  "codecs": [{"mimeType": "audio/opus", "payloadType": 111, "clockRate": 48000, "channels": 2,
    "parameters": {"minptime": 10, "useinbandfec": 1, "usedtx": 1},
    "rtcpFeedback": [{"type": "transport-cc", "parameter": ""}]}],
  "headerExtensions": [
    {"uri": "urn:ietf:params:rtp-hdrext:sdes:mid", "id": 4, "encrypt": false, "parameters": {}},
    {"uri": "urn:ietf:params:rtp-hdrext:ssrc-audio-level", "id": 1, "encrypt": false, "parameters": {}}
  ],
  "encodings": [{"ssrc": 2863311530, "dtx": true}],
  "rtcp": {"cname": "kZ4qPvmJ0gHnTt8O", "reducedSize": true}
}"#;

const FIREFOX_VP8: &str = r#"{
  "mid": "1",
  "codecs": [
    {"mimeType": "video/VP8", "payloadType": 120, "clockRate": 90000, "parameters": {"max-fs": 12288, "max-fr": 60},
     "rtcpFeedback": [{"type": "nack", "parameter": ""}, {"type": "nack", "parameter": "pli"}]},
    {"mimeType": "video/rtx", "payloadType": 124, "clockRate": 90000, "parameters": {"apt": 120}, "rtcpFeedback": []}
  ],
  "headerExtensions": [{"uri": "urn:ietf:params:rtp-hdrext:sdes:mid", "id": 3, "encrypt": false, "parameters": {}}],
  "encodings": [{"ssrc": 77, "rtx": {"ssrc": 78}, "dtx": false}],
  "rtcp": {"cname": "{9c0e}", "reducedSize": true}
}"#;

#[test]
fn a_chromium_simulcast_is_understood() {
    let published = publish(Kind::Video, &parameters(CHROMIUM_SIMULCAST)).expect("it is supported");
    assert_eq!((published.codec, published.canonical), (Codec::Vp8, 101));
    assert_eq!((published.media_type, published.repair_type), (96, Some(97)));
    assert_eq!(published.structure, LayerStructure::Simulcast);
    assert_eq!((published.spatial_layers, published.temporal_layers), (3, 3));
    assert!(published.nack && published.transport_wide);
    assert_eq!((published.ids.mid, published.ids.rid, published.ids.repaired_rid), (4, 10, 11));
    let rids: Vec<_> = published.encodings.iter().filter_map(|encoding| encoding.rid.as_deref()).collect();
    assert_eq!(rids, ["r0", "r1", "r2"]);
}

#[test]
fn sound_and_a_single_firefox_stream_are_understood() {
    let sound = publish(Kind::Audio, &parameters(CHROMIUM_OPUS)).expect("it is supported");
    assert_eq!((sound.codec, sound.canonical, sound.structure), (Codec::Opus, 100, LayerStructure::Simple));
    assert!(!sound.nack && sound.repair_type.is_none());
    assert_eq!(sound.ids.audio_level, 1);
    let video = publish(Kind::Video, &parameters(FIREFOX_VP8)).expect("it is supported");
    assert_eq!((video.encodings[0].ssrc, video.encodings[0].rtx_ssrc), (Some(77), Some(78)));
    assert!(!video.transport_wide);
}

#[test]
fn the_answer_to_consume_is_what_mediasoup_client_receives_with() {
    let published = publish(Kind::Video, &parameters(CHROMIUM_SIMULCAST)).expect("it is supported");
    let subscribed =
        subscribe(Kind::Video, &published, &router_capabilities(), identity()).expect("a codec in common");
    let json = serde_json::to_value(&subscribed.parameters).expect("JSON");
    let expected = serde_json::json!({
        "mid": "3",
        "codecs": [
            {"mimeType": "video/VP8", "payloadType": 101, "clockRate": 90000, "parameters": {}, "rtcpFeedback": [
                {"type": "nack", "parameter": ""}, {"type": "nack", "parameter": "pli"},
                {"type": "ccm", "parameter": "fir"}, {"type": "transport-cc", "parameter": ""}]},
            {"mimeType": "video/rtx", "payloadType": 102, "clockRate": 90000, "parameters": {"apt": 101},
             "rtcpFeedback": []}
        ],
        "headerExtensions": [
            {"uri": uri::MID, "id": 1, "encrypt": false},
            {"uri": uri::ABS_SEND_TIME, "id": 4, "encrypt": false},
            {"uri": uri::TRANSPORT_WIDE_CC, "id": 5, "encrypt": false},
            {"uri": uri::VIDEO_ORIENTATION, "id": 11, "encrypt": false},
            {"uri": uri::ABS_CAPTURE_TIME, "id": 13, "encrypt": false},
            {"uri": uri::PLAYOUT_DELAY, "id": 14, "encrypt": false}
        ],
        "encodings": [{"ssrc": 1111, "rtx": {"ssrc": 2222}, "dtx": false, "scalabilityMode": "S3T3"}],
        "rtcp": {"cname": "ada", "reducedSize": true}
    });
    assert_eq!(json, expected);
    assert_eq!((subscribed.media_type, subscribed.repair_type), (101, Some(102)));
}

#[test]
fn a_subscriber_is_offered_only_what_it_can_take() {
    let published = publish(Kind::Video, &parameters(CHROMIUM_SIMULCAST)).expect("it is supported");
    let mut capabilities = router_capabilities();
    capabilities.codecs.retain(|codec| codec.mime_type != "video/rtx");
    capabilities.header_extensions.retain(|extension| extension.uri == uri::MID);
    let subscribed =
        subscribe(Kind::Video, &published, &capabilities, identity()).expect("a codec in common");
    assert_eq!(subscribed.repair_type, None);
    assert_eq!(subscribed.parameters.codecs.len(), 1);
    assert_eq!(subscribed.parameters.encodings[0].rtx, None);
    assert_eq!(subscribed.ids.abs_send_time, 0);
    let feedback = &subscribed.parameters.codecs[0].rtcp_feedback;
    assert!(!feedback.iter().any(|f| f.kind == "nack" && f.parameter.is_empty()), "nothing to repeat with");
}

#[test]
fn a_subscriber_tells_arrivals_or_its_own_estimate_never_both() {
    let published = publish(Kind::Video, &parameters(CHROMIUM_SIMULCAST)).expect("it is supported");
    let rate_feedback = |capabilities: &RtpCapabilities| {
        let subscribed =
            subscribe(Kind::Video, &published, capabilities, identity()).expect("a codec in common");
        let feedback = subscribed.parameters.codecs[0].rtcp_feedback.iter().map(|f| f.kind.clone());
        let told: Vec<_> = feedback.filter(|kind| kind == "transport-cc" || kind == "goog-remb").collect();
        (told, subscribed.ids.transport_wide)
    };
    let whole = router_capabilities();
    assert_eq!(rate_feedback(&whole), (vec!["transport-cc".to_owned()], 5));
    let mut without_numbers = whole.clone();
    without_numbers.header_extensions.retain(|extension| extension.uri != uri::TRANSPORT_WIDE_CC);
    assert_eq!(rate_feedback(&without_numbers), (vec!["goog-remb".to_owned()], 0));
    let mut without_feedback = whole;
    for codec in &mut without_feedback.codecs {
        codec.rtcp_feedback.retain(|feedback| feedback.kind != "transport-cc");
    }
    assert_eq!(rate_feedback(&without_feedback), (vec!["goog-remb".to_owned()], 0));
}

#[test]
fn no_codec_in_common_is_unsupported() {
    let published = publish(Kind::Video, &parameters(CHROMIUM_SIMULCAST)).expect("it is supported");
    let refusal =
        subscribe(Kind::Video, &published, &RtpCapabilities::default(), identity()).expect_err("nothing");
    assert_eq!(refusal.reason, RefusalReason::Unsupported);
    let theora = CHROMIUM_SIMULCAST.replace("video/VP8", "video/theora");
    let refusal = publish(Kind::Video, &parameters(&theora)).expect_err("no codec of ours");
    assert_eq!(refusal.reason, RefusalReason::Unsupported);
}

#[test]
fn h264_profiles_are_told_apart_and_levels_are_not() {
    let h264 = |profile: &str, mode: u8| {
        let codec = format!(
            r#"{{"mimeType": "video/H264", "payloadType": 106, "clockRate": 90000, "rtcpFeedback": [],
               "parameters": {{"packetization-mode": {mode}, "profile-level-id": {profile}}}}}"#
        );
        let json = format!(
            r#"{{"mid": "1", "codecs": [{codec}], "headerExtensions": [], "encodings": [{{"ssrc": 5}}], "rtcp": {{}}}}"#
        );
        publish(Kind::Video, &parameters(&json)).map(|published| published.canonical).map_err(|r| r.reason)
    };
    assert_eq!(h264(r#""42e01f""#, 1), Ok(107));
    assert_eq!(h264(r#""42e034""#, 1), Ok(107), "another level");
    assert_eq!(h264(r#""4d001f""#, 1), Ok(109));
    assert_eq!(h264(r#""42001f""#, 1), Err(RefusalReason::Unsupported), "unconstrained Baseline");
    assert_eq!(h264("640032", 1), Err(RefusalReason::Unsupported), "High, as a number");
    assert_eq!(h264(r#""42e01f""#, 0), Err(RefusalReason::Unsupported), "single NAL unit mode");
}

#[test]
fn svc_is_what_vp9_in_one_stream_with_layers_is() {
    let json = FIREFOX_VP8
        .replace("video/VP8", "video/VP9")
        .replace(r#""dtx": false"#, r#""scalabilityMode": "L3T3_KEY""#);
    let published = publish(Kind::Video, &parameters(&json)).expect("it is supported");
    assert_eq!(published.structure, LayerStructure::Svc);
    assert_eq!((published.spatial_layers, published.temporal_layers), (3, 3));
}

#[test]
fn parameters_that_contradict_themselves_are_invalid() {
    let reason = |json: &str| publish(Kind::Video, &parameters(json)).expect_err("invalid").reason;
    let no_names = CHROMIUM_SIMULCAST.replace(r#""rid": "r1", "#, "");
    assert_eq!(reason(&no_names), RefusalReason::Invalid);
    let twice = CHROMIUM_SIMULCAST.replace(r#""rid": "r1""#, r#""rid": "r0""#);
    assert_eq!(reason(&twice), RefusalReason::Invalid);
    let long = CHROMIUM_SIMULCAST.replace(r#""rid": "r1""#, r#""rid": "a-name-that-no-element-carries""#);
    assert_eq!(reason(&long), RefusalReason::Invalid);
}

#[test]
fn layers_inside_a_stream_are_known_by_mode_and_those_of_av1_need_its_descriptor() {
    let descriptor = format!(r#"{{"uri": "{}", "id": 12}}"#, uri::AV1_DEPENDENCY_DESCRIPTOR);
    let published = |codec: &str, mode: &str, extensions: &str| {
        let json = r#"{"mid": "1", "codecs": [{"mimeType": "CODEC", "payloadType": 98, "clockRate": 90000}],
            "headerExtensions": [EXTENSIONS], "encodings": [{"ssrc": 5, "scalabilityMode": "MODE"}], "rtcp": {}}"#;
        let json = json.replace("CODEC", codec).replace("MODE", mode).replace("EXTENSIONS", extensions);
        let published = publish(Kind::Video, &parameters(&json)).expect("accepted");
        (published.structure, published.spatial_layers)
    };
    assert_eq!(published("video/AV1", "L3T3_KEY", &descriptor), (LayerStructure::Svc, 3));
    assert_eq!(published("video/AV1", "L3T3", &descriptor), (LayerStructure::Svc, 3));
    assert_eq!(published("video/AV1", "L3T3", "").0, LayerStructure::Simple);
    assert_eq!(published("video/VP9", "L2T3_KEY", ""), (LayerStructure::Svc, 2));
    assert_eq!(published("video/VP9", "S3T3", ""), (LayerStructure::Svc, 3));
    assert_eq!(published("video/AV1", "L1T1", &descriptor).0, LayerStructure::Simple);
}
