//! Tracks that a transport sends.

use crate::{
    media::{MediaPacket, RunClock, Track},
    monitor::Meter,
    parameters::{Announcement, PUBLISHER},
};
use plenum_shared::media::Kind;
use std::time::{Duration, Instant};
use str0m::{
    Rtc,
    media::{KeyframeRequest, MediaKind, Mid, Pt, Rid},
    rtp::{ExtensionValues, RtpWrite, Ssrc},
};
use uuid::Uuid;

/// A track at the end: how much of it was sent.
#[derive(Clone, Debug)]
pub struct Published {
    pub producer: Uuid,
    pub kind: Kind,
    /// Packets per layer, without retransmissions.
    pub sent: Vec<u64>,
    /// Packets of sound, or pictures, that were due and never sent.
    pub skipped: u64,
}

/// Packets kept for retransmission, and for how long: as a browser does it.
const RTX_CACHE_PACKETS: usize = 1024;
const RTX_CACHE_AGE: Duration = Duration::from_secs(3);

#[derive(Debug)]
pub(super) struct Publication {
    track: Track,
    mid: Mid,
    producer: Uuid,
    layers: Vec<PublishedLayer>,
    is_stopped: bool,
}

#[derive(Debug)]
struct PublishedLayer {
    ssrc: Ssrc,
    rid: Option<Rid>,
}

impl Publication {
    /// Declares the track's streams and starts its clock.
    pub(super) fn start(
        rtc: &mut Rtc,
        mut track: Track,
        announcement: &Announcement,
        producer: Uuid,
        now: Instant,
    ) -> Self {
        let mid: Mid = announcement.mid.as_str().into();
        let kind = if track.kind() == Kind::Audio { MediaKind::Audio } else { MediaKind::Video };
        let mut direct = rtc.direct_api();
        direct.declare_media(mid, kind);
        let mut layers = Vec::new();
        for (index, ssrcs) in announcement.layers.iter().enumerate() {
            let rid = announcement.rid(index).map(|rid| Rid::from(rid.as_str()));
            let stream = direct.declare_stream_tx(ssrcs.main.into(), ssrcs.rtx.map(Ssrc::from), mid, rid);
            stream.set_rtx_cache(RTX_CACHE_PACKETS, RTX_CACHE_AGE, None);
            layers.push(PublishedLayer { ssrc: ssrcs.main.into(), rid });
        }
        track.start(producer, now);
        Self { track, mid, producer, layers, is_stopped: false }
    }

    pub(super) fn next_at(&self) -> Option<Instant> {
        if self.is_stopped { None } else { self.track.next_at() }
    }

    pub(super) fn stop(&mut self) {
        self.is_stopped = true;
    }

    /// Hands everything due to str0m, and counts it.
    pub(super) fn poll(
        &mut self,
        rtc: &mut Rtc,
        now: Instant,
        clock: RunClock,
        due: &mut Vec<MediaPacket>,
        meter: &Meter,
    ) {
        if self.is_stopped {
            return;
        }
        due.clear();
        self.track.poll(now, clock, due);
        let pt =
            Pt::new_with_value(if self.track.kind() == Kind::Audio { PUBLISHER.opus } else { PUBLISHER.vp8 });
        for packet in due.drain(..) {
            meter.sent(packet.payload.len());
            let ssrc = self.layers[usize::from(packet.layer)].ssrc;
            let mut direct = rtc.direct_api();
            let stream = direct.stream_tx(&ssrc).expect("declared when the publication started");
            let extensions = ExtensionValues {
                audio_level: packet.audio_level.map(|(level, _)| level),
                voice_activity: packet.audio_level.map(|(_, voice)| voice),
                ..ExtensionValues::default()
            };
            let write = RtpWrite::new(pt, packet.sequence.into(), packet.rtp_time, now, packet.payload)
                .marker(packet.marker)
                .nackable(true)
                .ext_vals(extensions);
            stream.write_rtp(write);
        }
    }

    pub(super) fn request_keyframe(&mut self, request: &KeyframeRequest) {
        if request.mid != self.mid {
            return;
        }
        for (index, layer) in self.layers.iter().enumerate() {
            if request.rid.is_none() || layer.rid == request.rid {
                self.track.request_keyframe(index as u8);
            }
        }
    }

    pub(super) fn producer(&self) -> Uuid {
        self.producer
    }

    pub(super) fn sent(&self) -> Vec<u64> {
        self.track.sent()
    }

    pub(super) fn record(&self) -> Published {
        let (kind, sent, skipped) = (self.track.kind(), self.track.sent(), self.track.skipped());
        Published { producer: self.producer, kind, sent, skipped }
    }
}
