//! A camera as Chromium sends it: VP8 in 25 frames a second, one stream or three by RID, a keyframe at the start and when
//! asked for. The pixels are missing, but every header a forwarder reads is there.

use std::time::{Duration, Instant};

use plenum_shared::rtp::{
    CodecParameters, EncodingParameters, FmtpValue, HeaderExtensionParameters, RtcpFeedback, RtcpParameters,
    RtpParameters, RtxParameters, uri,
};
use str0m::media::{MediaKind, Mid, Rid};
use str0m::rtp::{ExtensionValues, RtpWrite};
use str0m::{Event, Rtc};

use crate::browser::Browser;

const FRAME_INTERVAL: Duration = Duration::from_millis(40);
const MID: &str = "0";
const VP8: u8 = 96;
const VP8_RTX: u8 = 97;

/// What a frame of one stream looks like to whoever receives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    pub is_keyframe: bool,
    pub picture_id: u16,
    pub tl0_picture_index: u8,
    /// Width of a keyframe, 0 otherwise: tells simulcast layers apart.
    pub width: u16,
}

struct Stream {
    ssrc: u32,
    rid: Option<&'static str>,
    width: u16,
    packets_per_frame: usize,
    sequence_number: u64,
    keyframe_wanted: bool,
}

pub struct Camera {
    streams: Vec<Stream>,
    frame: u32,
    next_frame_at: Option<Instant>,
    events_read: usize,
    pub keyframe_requests: u32,
}

impl Camera {
    /// One stream, known by its SSRC.
    pub fn single() -> Self {
        Self::with(vec![(None, 640, 4)])
    }

    /// Three streams, known by RID alone.
    pub fn simulcast() -> Self {
        Self::with(vec![(Some("r0"), 320, 1), (Some("r1"), 640, 3), (Some("r2"), 1280, 8)])
    }

    fn with(streams: Vec<(Option<&'static str>, u16, usize)>) -> Self {
        let stream = |(at, (rid, width, packets_per_frame)): (usize, _)| Stream {
            ssrc: 1000 + 10 * at as u32,
            rid,
            width,
            packets_per_frame,
            // One of them wraps soon.
            sequence_number: [30_000, 65_400, 10][at],
            keyframe_wanted: true,
        };
        let streams = streams.into_iter().enumerate().map(stream).collect();
        Camera { streams, frame: 0, next_frame_at: None, events_read: 0, keyframe_requests: 0 }
    }

    pub fn declare(&self, rtc: &mut Rtc) {
        let mut api = rtc.direct_api();
        api.declare_media(Mid::from(MID), MediaKind::Video);
        for stream in &self.streams {
            let rid = stream.rid.map(Rid::from);
            api.declare_stream_tx(stream.ssrc.into(), Some((stream.ssrc + 1).into()), Mid::from(MID), rid);
        }
    }

    /// What `produce` says: payload types and extension ids are the browser's own.
    pub fn rtp_parameters(&self) -> RtpParameters {
        let feedback: Vec<_> = [("nack", ""), ("nack", "pli"), ("ccm", "fir"), ("transport-cc", "")]
            .map(|(kind, parameter)| RtcpFeedback { kind: kind.to_owned(), parameter: parameter.to_owned() })
            .into();
        let codec = |mime_type: &str, payload_type, apt: Option<u8>| CodecParameters {
            mime_type: mime_type.to_owned(),
            payload_type,
            clock_rate: 90_000,
            channels: None,
            parameters: apt
                .map(|apt| ("apt".to_owned(), FmtpValue::Number(apt.into())))
                .into_iter()
                .collect(),
            rtcp_feedback: if apt.is_none() { feedback.clone() } else { Vec::new() },
        };
        let extension = |uri: &str, id| HeaderExtensionParameters { uri: uri.to_owned(), id, encrypt: false };
        let encoding = |stream: &Stream| match stream.rid {
            Some(rid) => EncodingParameters { rid: Some(rid.to_owned()), ..EncodingParameters::default() },
            None => EncodingParameters {
                ssrc: Some(stream.ssrc),
                rtx: Some(RtxParameters { ssrc: stream.ssrc + 1 }),
                ..EncodingParameters::default()
            },
        };
        RtpParameters {
            mid: Some(MID.to_owned()),
            codecs: vec![codec("video/VP8", VP8, None), codec("video/rtx", VP8_RTX, Some(VP8))],
            header_extensions: vec![
                extension(uri::ABS_SEND_TIME, 2),
                extension(uri::TRANSPORT_WIDE_CC, 3),
                extension(uri::MID, 4),
                extension(uri::RTP_STREAM_ID, 10),
                extension(uri::REPAIRED_RTP_STREAM_ID, 11),
            ],
            encodings: self.streams.iter().map(encoding).collect(),
            rtcp: RtcpParameters { cname: Some("camera".to_owned()), reduced_size: true },
        }
    }

    pub fn next_frame_at(&self) -> Option<Instant> {
        self.next_frame_at
    }

    /// Reads what the browser was asked, and hands it the frame that is due.
    pub fn act(&mut self, now: Instant, browser: &mut Browser) {
        for (_, event) in &browser.events[self.events_read..] {
            if let Event::KeyframeRequest(request) = event {
                self.keyframe_requests += 1;
                // Chromium answers for one stream with keyframes of all.
                self.streams.iter_mut().for_each(|stream| stream.keyframe_wanted = true);
                assert_eq!(request.mid, Mid::from(MID));
            }
        }
        self.events_read = browser.events.len();
        if !browser.rtc.is_connected() {
            self.next_frame_at = Some(now + FRAME_INTERVAL);
        }
        if self.next_frame_at.is_some_and(|at| at > now) {
            return;
        }
        self.next_frame_at = Some(now + FRAME_INTERVAL);
        self.frame += 1;
        for stream in &mut self.streams {
            let mut api = browser.rtc.direct_api();
            let sender = api.stream_tx(&stream.ssrc.into()).unwrap();
            let is_keyframe = std::mem::take(&mut stream.keyframe_wanted);
            for packet in 0..stream.packets_per_frame {
                let payload = vp8(self.frame, is_keyframe, stream.width, packet == 0);
                let extensions = ExtensionValues {
                    mid: Some(Mid::from(MID)),
                    rid: stream.rid.map(Rid::from),
                    ..Default::default()
                };
                let write =
                    RtpWrite::new(VP8.into(), stream.sequence_number.into(), self.frame * 3600, now, payload);
                sender.write_rtp(
                    write.marker(packet + 1 == stream.packets_per_frame).ext_vals(extensions).nackable(true),
                );
                stream.sequence_number += 1;
            }
        }
    }
}

/// RFC 7741: descriptor with a 15-bit picture id, TL0PICIDX and TID, then the frame's own header.
pub fn vp8(frame: u32, is_keyframe: bool, width: u16, is_first: bool) -> Vec<u8> {
    let picture_id = 0x8000 | (frame as u16 & 0x7FFF);
    let mut payload = vec![if is_first { 0x90 } else { 0x80 }, 0xE0];
    payload.extend(picture_id.to_be_bytes());
    payload.extend([frame as u8, 0]);
    if is_first {
        payload.extend([if is_keyframe { 0x10 } else { 0x11 }, 0, 0]);
        if is_keyframe {
            payload.extend([0x9D, 0x01, 0x2A]);
            payload.extend(width.to_le_bytes());
            payload.extend((width / 2).to_le_bytes());
        }
    }
    payload.resize(900, frame as u8);
    payload
}

/// The frame that a payload begins, when it begins one.
pub fn frame_start(payload: &[u8]) -> Option<Frame> {
    assert_eq!(payload[0] & 0x80, 0x80, "the descriptor keeps its extension");
    if payload[0] & 0x10 == 0 {
        return None;
    }
    let is_keyframe = payload[6] & 1 == 0;
    let width = if is_keyframe { u16::from_le_bytes([payload[12], payload[13]]) } else { 0 };
    let picture_id = u16::from_be_bytes([payload[2], payload[3]]) & 0x7FFF;
    Some(Frame { is_keyframe, picture_id, tl0_picture_index: payload[4], width })
}
