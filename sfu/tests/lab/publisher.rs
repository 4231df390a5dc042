//! Somebody who sends a camera in simulcast and a microphone, as Chromium does: frames of changing size, keyframes of all
//! layers a moment after one was asked for, packets paced, lost ones repeated.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use plenum_sfu::engine::packet::{HeaderFields, write_header};
use plenum_sfu::engine::transport::rtcp::{self, ExtendedBlock, RtcpPacket, RtcpWriter, SenderReport};
use plenum_shared::id::ProducerId;

use crate::client::{Client, Plain};
use crate::picture::{Part, Stamp, rtp_time};
use crate::random::Random;

const FRAME_INTERVAL: Duration = Duration::from_micros(33_333);
const SOUND_INTERVAL: Duration = Duration::from_millis(20);
const REPORT_INTERVAL: Duration = Duration::from_secs(1);
/// From a request to the keyframe: the encoder's way.
const KEYFRAME_AFTER: Duration = Duration::from_millis(80);
/// Chromium makes keyframes no closer than this.
const KEYFRAME_INTERVAL_MIN: Duration = Duration::from_millis(300);
/// What a keyframe cost is taken from as many frames after it.
const REPAID_IN: f64 = 30.0;
/// Packets leave at so many times the rate of the media.
const PACING_FACTOR: f64 = 2.5;
const PAYLOAD_MAX: usize = 1100;
/// Opus at 32 kbit/s.
const SOUND_LEN: usize = 80;
/// Bytes that IP, UDP, RTP, its extensions and SRTP add to a packet, about.
const WRAPPING: u64 = 80;
/// Sent packets kept for repetition, per stream.
const HISTORY: u64 = 1000;
/// A repetition is not repeated sooner: 5 ms more than the round trip, which is 30 ms on all ways to the engine.
const REPEAT_AFTER: Duration = Duration::from_millis(35);
/// Extended reports (RFC 3611), and how long ago a receiver's time was heard in them.
const EXTENDED_REPORT: u8 = 207;
/// See [`EXTENDED_REPORT`].
const DELAY_SINCE_LAST_REFERENCE: u8 = 5;

const MID_ID: u8 = 4;
const RID_ID: u8 = 10;
const REPAIRED_RID_ID: u8 = 11;
const TRANSPORT_WIDE_ID: u8 = 3;
const LEVEL_ID: u8 = 1;
const SOUND_SSRC: u32 = 1000;
const PICTURE_SSRC: u32 = 2000;
const REPAIR_SSRC: u32 = 3000;
const OPUS: u8 = 111;
const VP8: u8 = 96;
const VP8_RTX: u8 = 97;

/// One simulcast layer.
#[derive(Debug, Clone, Copy)]
pub struct LayerSettings {
    pub bitrate: u64,
    pub width: u16,
}

/// Three layers as a browser sends them for 720p.
pub const CAMERA: [LayerSettings; 3] = [
    LayerSettings { bitrate: 150_000, width: 320 },
    LayerSettings { bitrate: 500_000, width: 640 },
    LayerSettings { bitrate: 1_500_000, width: 1280 },
];

pub struct Publisher {
    pub client: Client,
    pub camera: Option<ProducerId>,
    pub microphone: Option<ProducerId>,
    pub layers: Vec<LayerSettings>,
    pub keyframe_requests: u32,
    start: Instant,
    random: Random,
    streams: Vec<Stream>,
    picture_at: Instant,
    pictures: u32,
    keyframe_at: Option<Instant>,
    last_keyframe: Option<Instant>,
    sound: Stream,
    sound_at: Instant,
    sounds: u32,
    report_at: Instant,
    /// What time it was for the engine, and when that was heard.
    reference: Option<(u32, u64, Instant)>,
    transport_wide: u16,
    /// Packets that wait for their turn, the earliest first.
    paced: VecDeque<Outgoing>,
    paced_until: Instant,
}

/// A sent stream and its past.
struct Stream {
    ssrc: u32,
    sequence_number: u16,
    repair_number: u16,
    debt: f64,
    packets: u32,
    octets: u32,
    past: BTreeMap<u16, (Outgoing, Option<Instant>)>,
}

#[derive(Clone)]
struct Outgoing {
    at: Instant,
    fields: HeaderFields,
    layer: Option<u8>,
    payload: Vec<u8>,
}

impl Stream {
    fn new(ssrc: u32, random: &mut Random) -> Self {
        let sequence_number = random.next() as u16 & 0x7FFF;
        let (repair_number, debt, packets, octets, past) = (1, 0.0, 0, 0, BTreeMap::new());
        Stream { ssrc, sequence_number, repair_number, debt, packets, octets, past }
    }

    fn next_number(&mut self) -> u16 {
        self.sequence_number = self.sequence_number.wrapping_add(1);
        self.sequence_number
    }

    fn remember(&mut self, packet: &Outgoing) {
        self.packets += 1;
        self.octets += packet.payload.len() as u32;
        self.past.insert(packet.fields.sequence_number, (packet.clone(), None));
        self.past.remove(&packet.fields.sequence_number.wrapping_sub(HISTORY as u16));
    }
}

impl Publisher {
    pub fn new(start: Instant, client: Client, layers: &[LayerSettings], mut random: Random) -> Self {
        let streams =
            (0..layers.len() as u32).map(|layer| Stream::new(PICTURE_SSRC + layer, &mut random)).collect();
        let sound = Stream::new(SOUND_SSRC, &mut random);
        // Nobody's frames fall together.
        let first = start + FRAME_INTERVAL.mul_f64(random.unit());
        Publisher {
            client,
            camera: None,
            microphone: None,
            layers: layers.to_vec(),
            keyframe_requests: 0,
            start,
            random,
            streams,
            picture_at: first,
            pictures: 0,
            keyframe_at: Some(first),
            last_keyframe: None,
            sound,
            sound_at: first,
            sounds: 0,
            report_at: first + REPORT_INTERVAL / 2,
            reference: None,
            transport_wide: 0,
            paced: VecDeque::new(),
            paced_until: start,
        }
    }

    /// `produce` of the camera, as mediasoup-client says it.
    pub fn camera_parameters(&self) -> serde_json::Value {
        let encodings: Vec<_> =
            (0..self.layers.len()).map(|layer| serde_json::json!({ "rid": rid(layer as u8) })).collect();
        serde_json::json!({
            "mid": "1",
            "codecs": [
                { "mimeType": "video/VP8", "payloadType": VP8, "clockRate": 90000, "parameters": {},
                  "rtcpFeedback": [{ "type": "nack" }, { "type": "nack", "parameter": "pli" }, { "type": "transport-cc" }] },
                { "mimeType": "video/rtx", "payloadType": VP8_RTX, "clockRate": 90000, "parameters": { "apt": VP8 } },
            ],
            "headerExtensions": [
                { "uri": "urn:ietf:params:rtp-hdrext:sdes:mid", "id": MID_ID },
                { "uri": "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id", "id": RID_ID },
                { "uri": "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id", "id": REPAIRED_RID_ID },
                { "uri": "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01", "id": TRANSPORT_WIDE_ID },
            ],
            "encodings": encodings,
            "rtcp": { "cname": "lab" },
        })
    }

    /// As [`Publisher::camera_parameters`] of the microphone.
    pub fn microphone_parameters(&self) -> serde_json::Value {
        serde_json::json!({
            "mid": "0",
            "codecs": [{ "mimeType": "audio/opus", "payloadType": OPUS, "clockRate": 48000, "channels": 2,
                         "parameters": {}, "rtcpFeedback": [{ "type": "transport-cc" }] }],
            "headerExtensions": [
                { "uri": "urn:ietf:params:rtp-hdrext:sdes:mid", "id": MID_ID },
                { "uri": "urn:ietf:params:rtp-hdrext:ssrc-audio-level", "id": LEVEL_ID },
                { "uri": "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01", "id": TRANSPORT_WIDE_ID },
            ],
            "encodings": [{ "ssrc": SOUND_SSRC }],
            "rtcp": { "cname": "lab" },
        })
    }

    pub fn poll_timeout(&self) -> Instant {
        let waiting = self.paced.front().map(|packet| packet.at);
        let media = [
            self.camera.map(|_| self.picture_at),
            self.microphone.map(|_| self.sound_at),
            waiting,
            Some(self.report_at),
        ];
        media.into_iter().flatten().fold(self.client.poll_timeout(), Instant::min)
    }

    /// Bits per second of the best that can be had of it, on the wire.
    pub fn offered(&self) -> u64 {
        let sound = self.microphone.map_or(0, |_| (SOUND_LEN as u64 + WRAPPING) * 8 * 50);
        let picture = self.layers.last().map_or(0, |layer| layer.bitrate);
        picture + picture * WRAPPING / 1000 + sound
    }

    /// Everything that leaves now.
    pub fn poll(&mut self, now: Instant, out: &mut Vec<Vec<u8>>) {
        out.extend(self.client.poll_check(now));
        self.client.poll_data(now, out);
        if self.microphone.is_some() && self.sound_at <= now {
            self.make_sound(now, out);
        }
        if self.camera.is_some() && self.picture_at <= now {
            self.make_picture(now);
        }
        while let Some(packet) = self.paced.pop_front_if(|packet| packet.at <= now) {
            let layer = usize::from(packet.layer.unwrap_or_default());
            self.streams[layer].remember(&packet);
            let sealed = self.seal(&packet);
            out.push(sealed);
        }
        if self.report_at <= now {
            self.report_at = now + REPORT_INTERVAL;
            out.push(self.sender_reports(now));
        }
    }

    pub fn handle(&mut self, now: Instant, datagram: Vec<u8>, out: &mut Vec<Vec<u8>>) {
        let Plain::Rtcp(compound) = self.client.open(now, datagram) else { return };
        for packet in rtcp::parse(&compound) {
            match packet {
                RtcpPacket::Pli { .. } => {
                    self.keyframe_requests += 1;
                    self.keyframe_at.get_or_insert(now + KEYFRAME_AFTER);
                }
                RtcpPacket::ExtendedReport { ssrc, blocks } => {
                    for block in blocks {
                        if let ExtendedBlock::ReceiverReferenceTime(time) = block {
                            self.reference = Some((ssrc, time, now));
                        }
                    }
                }
                RtcpPacket::Nack { media_ssrc, lost, .. } => {
                    for number in lost.sequence_numbers() {
                        out.extend(self.repeat(now, media_ssrc, number));
                    }
                }
                _ => {}
            }
        }
    }

    fn make_sound(&mut self, now: Instant, out: &mut Vec<Vec<u8>>) {
        self.sound_at += SOUND_INTERVAL;
        self.sounds += 1;
        let mut payload = vec![0xFC; SOUND_LEN - 12];
        Stamp { layer: 0, captured: now - self.start }.write(&mut payload);
        let fields = HeaderFields {
            marker: self.sounds == 1,
            payload_type: OPUS,
            sequence_number: self.sound.next_number(),
            timestamp: self.sounds * 960,
            ssrc: self.sound.ssrc,
        };
        let packet = Outgoing { at: now, fields, layer: None, payload };
        self.sound.remember(&packet);
        out.push(self.seal(&packet));
    }

    /// A picture of every layer joins the packets that wait.
    fn make_picture(&mut self, now: Instant) {
        let asked = self.keyframe_at.is_some_and(|at| at <= now);
        let is_keyframe = asked && self.last_keyframe.is_none_or(|at| now - at >= KEYFRAME_INTERVAL_MIN);
        if is_keyframe {
            self.keyframe_at = None;
            self.last_keyframe = Some(now);
        }
        self.picture_at += FRAME_INTERVAL;
        self.pictures += 1;
        self.paced_until = self.paced_until.max(now);
        let rate: u64 = self.layers.iter().map(|layer| layer.bitrate).sum();
        let byte_time = 8.0 / (rate as f64 * PACING_FACTOR);
        for layer in 0..self.layers.len() {
            let bytes = self.frame_bytes(layer, is_keyframe);
            let count = bytes.div_ceil(PAYLOAD_MAX);
            for index in 0..count {
                let part = Part {
                    picture_id: self.pictures as u16 & 0x7FFF,
                    tl0_picture_index: self.pictures as u8,
                    is_keyframe,
                    is_first: index == 0,
                    width: self.layers[layer].width,
                };
                let stamp = Stamp { layer: layer as u8, captured: now - self.start };
                let payload = part.write(stamp, bytes / count);
                let fields = HeaderFields {
                    marker: index + 1 == count,
                    payload_type: VP8,
                    sequence_number: self.streams[layer].next_number(),
                    timestamp: rtp_time(self.start, now, 90_000),
                    ssrc: self.streams[layer].ssrc,
                };
                let at = self.paced_until;
                self.paced_until += Duration::from_secs_f64(payload.len() as f64 * byte_time);
                self.paced.push_back(Outgoing { at, fields, layer: Some(layer as u8), payload });
            }
        }
    }

    /// Frames swing by a fifth around what the bitrate gives; what a keyframe takes too much is saved afterwards.
    fn frame_bytes(&mut self, layer: usize, is_keyframe: bool) -> usize {
        let mean = self.layers[layer].bitrate as f64 / 8.0 * FRAME_INTERVAL.as_secs_f64();
        let swing = (1.0 + 0.2 * self.random.normal()).clamp(0.4, 2.0);
        let stream = &mut self.streams[layer];
        if is_keyframe {
            let size = mean * self.random.between(5.0, 8.0);
            stream.debt += size - mean;
            return size as usize;
        }
        let repaid = (stream.debt / REPAID_IN * 2.0).min(mean * 0.5);
        stream.debt -= repaid;
        (mean * swing - repaid).max(40.0) as usize
    }

    fn repeat(&mut self, now: Instant, ssrc: u32, number: u16) -> Option<Vec<u8>> {
        let layer = ssrc.checked_sub(PICTURE_SSRC)?;
        let stream = self.streams.get_mut(layer as usize)?;
        let (packet, repeated_at) = stream.past.get_mut(&number)?;
        if repeated_at.is_some_and(|at| now - at < REPEAT_AFTER) {
            return None;
        }
        *repeated_at = Some(now);
        let mut packet = packet.clone();
        packet.payload.splice(0..0, number.to_be_bytes());
        stream.repair_number = stream.repair_number.wrapping_add(1);
        packet.fields = HeaderFields {
            payload_type: VP8_RTX,
            sequence_number: stream.repair_number,
            ssrc: REPAIR_SSRC + layer,
            ..packet.fields
        };
        Some(self.seal(&packet))
    }

    fn seal(&mut self, packet: &Outgoing) -> Vec<u8> {
        self.transport_wide = self.transport_wide.wrapping_add(1);
        let number = self.transport_wide.to_be_bytes();
        let rid = packet.layer.map_or("", rid);
        let rid_id = if packet.fields.payload_type == VP8_RTX { REPAIRED_RID_ID } else { RID_ID };
        let elements: [(u8, &[u8]); 3] = match packet.layer {
            None => [(MID_ID, b"0"), (TRANSPORT_WIDE_ID, &number), (LEVEL_ID, &[0x80 | 20])],
            Some(_) => [(MID_ID, b"1"), (TRANSPORT_WIDE_ID, &number), (rid_id, rid.as_bytes())],
        };
        let mut plain = vec![0; 64];
        let len = write_header(&mut plain, packet.fields, elements.into_iter()).unwrap();
        plain.truncate(len);
        plain.extend_from_slice(&packet.payload);
        self.client.seal_rtp(plain)
    }

    fn sender_reports(&mut self, now: Instant) -> Vec<u8> {
        let elapsed = now - self.start;
        let ntp_time = (1_u64 << 60) + ((elapsed.as_micros() << 32) / 1_000_000) as u64;
        let report = |stream: &Stream, rtp_timestamp| SenderReport {
            ssrc: stream.ssrc,
            ntp_time,
            rtp_timestamp,
            packet_count: stream.packets,
            octet_count: stream.octets,
        };
        let mut plain = vec![0; 1200];
        let mut writer = RtcpWriter::new(&mut plain);
        if self.microphone.is_some() {
            let since = now - (self.sound_at - SOUND_INTERVAL);
            let timestamp = self.sounds * 960 + (since.as_micros() * 48 / 1000) as u32;
            writer.sender_report(&report(&self.sound, timestamp), &[]);
        }
        for stream in &self.streams {
            writer.sender_report(&report(stream, rtp_time(self.start, now, 90_000)), &[]);
        }
        let len = writer.len();
        plain.truncate(len);
        plain.extend(self.reference_answer(now).into_iter().flatten());
        self.client.seal_rtcp(plain)
    }

    /// How long ago the engine's time was heard: from that it learns the round trip, as from Chromium.
    fn reference_answer(&self, now: Instant) -> Option<Vec<u8>> {
        let (ssrc, time, at) = self.reference?;
        let delay = ((now - at).as_micros() * 65_536 / 1_000_000) as u32;
        let mut answer = vec![0x80, EXTENDED_REPORT, 0, 5];
        answer.extend(PICTURE_SSRC.to_be_bytes());
        answer.extend([DELAY_SINCE_LAST_REFERENCE, 0, 0, 3]);
        for word in [ssrc, (time >> 16) as u32, delay] {
            answer.extend(word.to_be_bytes());
        }
        Some(answer)
    }
}

fn rid(layer: u8) -> &'static str {
    ["r0", "r1", "r2"][usize::from(layer)]
}
