//! What a member sends: tracks as a browser would, every packet stamped when it leaves.

use super::{header, rtcp, srtp::Keys};
use crate::{
    media::{MediaPacket, RunClock, Track},
    stamp::Stamp,
};
use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};
use uuid::Uuid;

/// How the packets of a frame follow each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Spacing {
    /// All at once, as Chromium does.
    #[default]
    Burst,
    /// Evenly over this time.
    Over(Duration),
}

/// A track to be sent, and what its packets are labelled with.
#[derive(Debug)]
pub struct Outgoing {
    pub track: Track,
    pub ssrc: u32,
    pub payload_type: u8,
    /// Id and value of the `mid` element.
    pub mid: Option<(u8, String)>,
    /// Id of the RFC 6464 element, of sound.
    pub audio_level: Option<u8>,
    /// Id of the transport-wide number.
    pub transport_wide: Option<u8>,
    pub spacing: Spacing,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Sender {
    outgoing: Outgoing,
    clock: RunClock,
    /// Packets and when they leave.
    due: VecDeque<(Instant, MediaPacket)>,
    made: Vec<MediaPacket>,
    counts: (u32, u32),
    sent: u64,
    rtp_time: u32,
}

impl Sender {
    pub(super) fn new(mut outgoing: Outgoing, now: Instant) -> Self {
        outgoing.track.start(Uuid::new_v4(), now);
        Self {
            outgoing,
            clock: RunClock::start(),
            due: VecDeque::new(),
            made: Vec::new(),
            counts: (0, 0),
            sent: 0,
            rtp_time: 0,
        }
    }

    pub(super) fn ssrc(&self) -> u32 {
        self.outgoing.ssrc
    }

    pub(super) fn sent(&self) -> u64 {
        self.sent
    }

    pub(super) fn request_keyframe(&mut self) {
        self.outgoing.track.request_keyframe(0);
    }

    /// Seals and sends what is due; a packet is stamped as the last thing before. `number` counts the packets of the transport.
    pub(super) fn poll(&mut self, now: Instant, keys: &Keys, number: &mut u16, mut send: impl FnMut(&[u8])) {
        self.outgoing.track.poll(now, self.clock, &mut self.made);
        let spacing = match self.outgoing.spacing {
            Spacing::Burst => Duration::ZERO,
            Spacing::Over(time) => time / self.made.len().max(1) as u32,
        };
        for (place, packet) in self.made.drain(..).enumerate() {
            self.due.push_back((now + spacing * place as u32, packet));
        }
        while self.due.front().is_some_and(|(at, _)| *at <= now) {
            let Some((_, packet)) = self.due.pop_front() else { return };
            let (rtp_time, payload_len) = (packet.rtp_time, packet.payload.len());
            let Some(sealed) = self.seal(packet, *number, keys) else { continue };
            send(&sealed);
            *number = number.wrapping_add(1);
            self.sent += 1;
            self.rtp_time = rtp_time;
            self.counts = (self.counts.0.wrapping_add(1), self.counts.1.wrapping_add(payload_len as u32));
        }
    }

    fn seal(&self, mut packet: MediaPacket, number: u16, keys: &Keys) -> Option<Vec<u8>> {
        let number = number.to_be_bytes();
        let mut elements: Vec<(u8, &[u8])> = Vec::with_capacity(3);
        if let Some(id) = self.outgoing.transport_wide {
            elements.push((id, &number));
        }
        let level = packet.audio_level.map(|(dbov, voice)| [u8::from(voice) << 7 | dbov.unsigned_abs()]);
        if let (Some(id), Some(level)) = (self.outgoing.audio_level, &level) {
            elements.push((id, level));
        }
        if let Some((id, mid)) = &self.outgoing.mid {
            elements.push((*id, mid.as_bytes()));
        }
        let numbers = (packet.sequence as u16, packet.rtp_time, self.outgoing.ssrc);
        let mut bytes = header::write(packet.marker, self.outgoing.payload_type, numbers, &elements);
        let header_len = bytes.len();
        Stamp::set_sent_at(&mut packet.payload, super::wall_ns());
        bytes.extend_from_slice(&packet.payload);
        keys.seal_rtp(&mut bytes, header_len, self.outgoing.ssrc, packet.sequence)?;
        Some(bytes)
    }

    /// Appends a sender report, once something was sent. Its times are of the same moment within a frame.
    pub(super) fn report(&self, out: &mut Vec<u8>, wall_ns: u64) {
        if self.sent > 0 {
            let ntp = rtcp::ntp(wall_ns);
            rtcp::sender_report(out, self.outgoing.ssrc, ntp, self.rtp_time, self.counts);
        }
    }
}
