//! Somebody who watches and listens: streams as `consumed` describes them, played as a browser plays them, and what a
//! browser says about them: transport-wide feedback, reports, requests.

use std::time::{Duration, Instant};

use plenum_sfu::engine::packet::RtpPacket;
use plenum_sfu::engine::router::red::Red;
use plenum_sfu::engine::transport::rtcp::{self, RtcpPacket, RtcpWriter};
use plenum_shared::id::TransportId;
use plenum_shared::media::Kind;
use plenum_shared::rtp::{RtpParameters, uri};

use crate::client::{Client, Plain};
use crate::feedback::{ArrivalFeedback, ReceptionReport};
use crate::film::Film;
use crate::link::HEADERS_LEN;
use crate::picture::{Stamp, Unwrap};
use crate::sound::Sound;

/// libwebrtc's intervals of receiver reports.
const PICTURE_REPORTS: Duration = Duration::from_secs(1);
/// See [`PICTURE_REPORTS`].
const SOUND_REPORTS: Duration = Duration::from_secs(5);
const SSRC: u32 = 1;

pub struct Viewer {
    pub client: Client,
    pub transport: TransportId,
    pub pictures: Vec<Picture>,
    pub sounds: Vec<Heard>,
    /// Ways of the packets since they were last taken, from capture to here.
    pub ways: Vec<Duration>,
    /// Bytes since they were last taken, headers of IP and UDP included.
    pub received_bytes: usize,
    epoch: Instant,
    feedback: ArrivalFeedback,
    transport_wide_id: u8,
    pictures_reported_at: Instant,
    sounds_reported_at: Instant,
}

/// A subscribed camera.
pub struct Picture {
    pub film: Film,
    ssrc: u32,
    rtx_ssrc: Option<u32>,
    report: ReceptionReport,
    original: Unwrap,
}

/// A subscribed microphone.
pub struct Heard {
    pub sound: Sound,
    ssrc: u32,
    /// The payload types of redundant sound and of the sound in it.
    redundant: Option<(u8, u8)>,
    report: ReceptionReport,
    clock: Unwrap,
}

impl Viewer {
    pub fn new(epoch: Instant, client: Client, transport: TransportId) -> Self {
        Viewer {
            client,
            transport,
            pictures: Vec::new(),
            sounds: Vec::new(),
            ways: Vec::new(),
            received_bytes: 0,
            epoch,
            feedback: ArrivalFeedback::new(epoch),
            transport_wide_id: 0,
            pictures_reported_at: epoch,
            sounds_reported_at: epoch,
        }
    }

    /// What `consumed` says comes.
    pub fn expect(&mut self, kind: Kind, parameters: &RtpParameters) {
        let encoding = &parameters.encodings[0];
        let ssrc = encoding.ssrc.unwrap();
        let report = ReceptionReport::new(ssrc);
        let extension = parameters.header_extensions.iter().find(|e| e.uri == uri::TRANSPORT_WIDE_CC);
        let feedback = parameters.codecs[0].rtcp_feedback.iter().any(|f| f.kind == "transport-cc");
        if let Some(extension) = extension.filter(|_| feedback) {
            self.transport_wide_id = extension.id;
        }
        match kind {
            Kind::Video => self.pictures.push(Picture {
                film: Film::new(self.epoch),
                ssrc,
                rtx_ssrc: encoding.rtx.map(|rtx| rtx.ssrc),
                report,
                original: Unwrap::default(),
            }),
            Kind::Audio => {
                let (sound, clock) = (Sound::new(self.epoch), Unwrap::default());
                let red = parameters.codecs.iter().find(|codec| codec.mime_type == "audio/red");
                let redundant = red.map(|red| (red.payload_type, parameters.codecs[0].payload_type));
                self.sounds.push(Heard { sound, ssrc, redundant, report, clock });
            }
        }
    }

    pub fn poll_timeout(&self) -> Instant {
        let pictures = self.pictures.iter().filter_map(|picture| picture.film.poll_timeout());
        let sounds = self.sounds.iter().filter_map(|heard| heard.sound.poll_timeout());
        let reports = [
            self.pictures_reported_at + PICTURE_REPORTS,
            self.sounds_reported_at + SOUND_REPORTS,
            self.client.poll_timeout(),
        ];
        reports.into_iter().chain(self.feedback.poll_timeout()).chain(pictures).chain(sounds).min().unwrap()
    }

    pub fn handle(&mut self, now: Instant, datagram: Vec<u8>) {
        let len = datagram.len() + HEADERS_LEN;
        self.received_bytes += len;
        match self.client.open(now, datagram) {
            Plain::Rtp(bytes) => self.handle_rtp(now, &bytes, len),
            Plain::Rtcp(bytes) => self.handle_rtcp(now, &bytes),
            Plain::Other => {}
        }
    }

    fn handle_rtp(&mut self, now: Instant, bytes: &[u8], len: usize) {
        let packet = RtpPacket::parse(bytes).expect("the engine sends RTP");
        if let Some(number) = packet.transport_sequence_number(bytes, self.transport_wide_id) {
            self.feedback.note(now, number, len);
        }
        let payload = packet.payload(bytes);
        for Picture { film, ssrc, rtx_ssrc, report, original, .. } in &mut self.pictures {
            if packet.ssrc == *ssrc {
                let number = report.note(packet.sequence_number);
                original.sequence_number(packet.sequence_number);
                film.receive(now, number, &packet, payload, false);
                self.ways.push(now - (self.epoch + Stamp::read(payload).captured));
            } else if Some(packet.ssrc) == *rtx_ssrc && !payload.is_empty() {
                let (number, payload) = payload.split_at(2);
                let number = original.sequence_number(u16::from_be_bytes([number[0], number[1]]));
                film.receive(now, number, &packet, payload, true);
            }
        }
        for Heard { sound, ssrc, redundant, report, clock } in &mut self.sounds {
            if packet.ssrc == *ssrc {
                report.note(packet.sequence_number);
                let timestamp = clock.timestamp(packet.timestamp);
                let red = redundant.filter(|(red, _)| *red == packet.payload_type);
                let red = red.map(|(_, inside)| Red::parse(payload, inside).expect("redundant sound"));
                for block in red.iter().flat_map(|red| red.blocks()) {
                    let earlier = timestamp.saturating_sub(u64::from(block.offset));
                    sound.receive_redundant(now, earlier);
                }
                let own = red.map_or(payload, |red| &payload[red.primary]);
                sound.receive(now, timestamp);
                self.ways.push(now - (self.epoch + Stamp::read(own).captured));
            }
        }
    }

    fn handle_rtcp(&mut self, now: Instant, bytes: &[u8]) {
        for packet in rtcp::parse(bytes) {
            let RtcpPacket::SenderReport(report, _) = packet else { continue };
            self.pictures.iter_mut().for_each(|picture| picture.report.note_sender_report(now, &report));
            self.sounds.iter_mut().for_each(|heard| heard.report.note_sender_report(now, &report));
        }
    }

    /// Everything that leaves now.
    pub fn poll(&mut self, now: Instant, out: &mut Vec<Vec<u8>>) {
        out.extend(self.client.poll_check(now));
        self.client.poll_data(now, out);
        self.sounds.iter_mut().for_each(|heard| heard.sound.handle_timeout(now));
        let mut plain = vec![0; 1200];
        let mut writer = RtcpWriter::new(&mut plain);
        if self.feedback.poll_timeout().is_some_and(|at| at <= now) {
            self.feedback.write(now, SSRC, &mut writer);
        }
        self.write_requests(now, &mut writer);
        self.write_reports(now, &mut writer);
        let len = writer.len();
        if len > 0 {
            plain.truncate(len);
            out.push(self.client.seal_rtcp(plain));
        }
    }

    fn write_requests(&mut self, now: Instant, writer: &mut RtcpWriter<'_>) {
        for Picture { film, ssrc, .. } in &mut self.pictures {
            let missing = film.poll_missing(now);
            if !missing.is_empty() {
                writer.nack(SSRC, *ssrc, missing);
            }
            if film.poll_keyframe(now) {
                writer.pli(SSRC, *ssrc);
            }
        }
    }

    fn write_reports(&mut self, now: Instant, writer: &mut RtcpWriter<'_>) {
        let mut blocks = Vec::new();
        if self.pictures_reported_at + PICTURE_REPORTS <= now {
            self.pictures_reported_at = now;
            blocks.extend(self.pictures.iter_mut().filter_map(|picture| picture.report.report(now)));
        }
        if self.sounds_reported_at + SOUND_REPORTS <= now {
            self.sounds_reported_at = now;
            blocks.extend(self.sounds.iter_mut().filter_map(|heard| heard.report.report(now)));
        }
        if !blocks.is_empty() {
            writer.receiver_report(SSRC, &blocks);
        }
    }
}
