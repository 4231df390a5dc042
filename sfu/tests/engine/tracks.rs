//! What hand-made publishers in `room.rs` publish: parameters as mediasoup-client sends them, and packets of them.

use crate::room::{MID, RID, Room, Sent};

pub const AUDIO: &str = r#"{
  "mid": "0",
  "codecs": [{"mimeType": "audio/opus", "payloadType": 111, "clockRate": 48000, "channels": 2, "parameters": {}}],
  "headerExtensions": [
    {"uri": "urn:ietf:params:rtp-hdrext:sdes:mid", "id": 4},
    {"uri": "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01", "id": 3},
    {"uri": "urn:ietf:params:rtp-hdrext:ssrc-audio-level", "id": 1}],
  "encodings": [{"ssrc": 1000, "dtx": true}],
  "rtcp": {"cname": "whatever"}
}"#;

const VIDEO: &str = r#"{
  "mid": "1",
  "codecs": [
    {"mimeType": "video/VP8", "payloadType": 96, "clockRate": 90000, "parameters": {}, "rtcpFeedback": [
      {"type": "nack", "parameter": ""}, {"type": "nack", "parameter": "pli"}, {"type": "transport-cc", "parameter": ""}]},
    {"mimeType": "video/rtx", "payloadType": 97, "clockRate": 90000, "parameters": {"apt": 96}}],
  "headerExtensions": [
    {"uri": "urn:ietf:params:rtp-hdrext:sdes:mid", "id": 4},
    {"uri": "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id", "id": 10},
    {"uri": "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id", "id": 11},
    {"uri": "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01", "id": 3}],
  "encodings": ENCODINGS,
  "rtcp": {"cname": "whatever"}
}"#;

/// Where the SSRCs of a simulcast's layers start; the layer is added.
pub const SIMULCAST_SSRC: u32 = 3000;
/// As [`SIMULCAST_SSRC`], of retransmissions.
pub const SIMULCAST_RTX_SSRC: u32 = 4000;

pub fn single() -> String {
    VIDEO.replace("ENCODINGS", r#"[{"ssrc": 2000, "rtx": {"ssrc": 2001}}]"#)
}

pub fn simulcast() -> String {
    VIDEO.replace("ENCODINGS", r#"[{"rid": "r0"}, {"rid": "r1"}, {"rid": "r2"}]"#)
}

/// A one-packet VP8 frame.
pub fn vp8(keyframe: bool, picture_id: u16) -> Vec<u8> {
    let mut payload = vec![0x90, 0x80];
    payload.extend((0x8000 | picture_id).to_be_bytes());
    payload.push(u8::from(!keyframe));
    payload.resize(600, 0xAB);
    payload
}

impl Room {
    pub fn send_audio(&mut self, link: usize, number: u16, level: u8) {
        self.send(
            link,
            Sent {
                payload_type: 111,
                ssrc: 1000,
                sequence_number: number,
                timestamp: u32::from(number) * 960,
                extensions: &[(MID, b"0"), (crate::room::AUDIO_LEVEL, &[level])],
                payload: b"sound",
            },
        );
    }

    /// One frame of a single stream.
    pub fn send_video(&mut self, link: usize, number: u16, keyframe: bool) {
        let payload = vp8(keyframe, number);
        self.send(link, video_packet(2000, number, &payload, &[(MID, b"1")]));
    }

    /// The same frame of every layer of a simulcast.
    pub fn send_simulcast(&mut self, link: usize, number: u16, keyframe: bool) {
        self.send_layers(link, number, keyframe, 3);
    }

    /// As [`Room::send_simulcast`] of a publisher that has switched off all but its lowest layers.
    pub fn send_layers(&mut self, link: usize, number: u16, keyframe: bool, layers: usize) {
        (0..layers).for_each(|layer| self.send_layer(link, number, keyframe, layer));
    }

    /// One layer of such a picture.
    pub fn send_layer(&mut self, link: usize, number: u16, keyframe: bool, layer: usize) {
        let rid = [b"r0", b"r1", b"r2"][layer];
        let mut payload = vp8(keyframe, number);
        payload.resize([150, 450, 1100][layer], 0xAB);
        let ssrc = SIMULCAST_SSRC + layer as u32;
        self.send(link, video_packet(ssrc, number, &payload, &[(MID, b"1"), (RID, rid)]));
    }
}

pub fn video_packet<'a>(
    ssrc: u32,
    number: u16,
    payload: &'a [u8],
    extensions: &'a [(u8, &'a [u8])],
) -> Sent<'a> {
    let timestamp = u32::from(number) * 3000;
    Sent { payload_type: 96, ssrc, sequence_number: number, timestamp, extensions, payload }
}
