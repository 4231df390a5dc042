//! VP8-like video: frames of the layer's bitrate, keyframes when asked for, one or three layers.

use super::{
    MediaPacket, RunClock, next_tick,
    vp8::{self, DELTA_HEADER_LEN, DESCRIPTOR_LEN, Descriptor, KEYFRAME_HEADER_LEN},
};
use crate::stamp::Stamp;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Payload bytes of one packet at most: with RTP header, extensions and tag it stays below 1200.
const PAYLOAD_MAX: usize = 1_100;
const PAYLOAD_MIN: usize = DESCRIPTOR_LEN + KEYFRAME_HEADER_LEN + Stamp::LEN;
/// A keyframe is this many times larger than the frames between.
const KEYFRAME_FACTOR: usize = 4;
/// Keyframes come no closer than this, however often they are asked for; Chromium waits as long.
const KEYFRAME_INTERVAL_MIN: Duration = Duration::from_millis(300);

/// One encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerSettings {
    pub bitrate_bps: u32,
    pub width: u16,
    pub height: u16,
}

/// See the module.
#[derive(Debug)]
pub struct VideoTrack {
    producer: Uuid,
    period: Duration,
    next_at: Option<Instant>,
    first_rtp_time: u32,
    started_at: Option<Instant>,
    layers: Vec<Layer>,
    skipped: u64,
}

#[derive(Debug)]
struct Layer {
    settings: LayerSettings,
    first_sequence: u64,
    counter: u64,
    frame: u64,
    tl0_pic_idx: u8,
    first_picture_id: u16,
    keyframe_wanted: bool,
    keyframe_at: Option<Instant>,
}

impl VideoTrack {
    /// `layers` from the smallest up; one for no simulcast.
    pub fn new(frames_per_second: u32, layers: &[LayerSettings], seed: u32) -> Self {
        let layers =
            layers.iter().enumerate().map(|(index, settings)| Layer::new(*settings, index as u32, seed));
        Self {
            producer: Uuid::nil(),
            period: Duration::from_secs(1) / frames_per_second.max(1),
            next_at: None,
            first_rtp_time: seed.rotate_left(11),
            started_at: None,
            layers: layers.collect(),
            skipped: 0,
        }
    }

    pub(super) fn start(&mut self, producer: Uuid, now: Instant) {
        self.producer = producer;
        self.next_at = Some(now);
        self.started_at = Some(now);
    }

    pub(super) fn next_at(&self) -> Option<Instant> {
        self.next_at
    }

    pub(super) fn layer_count(&self) -> usize {
        self.layers.len()
    }

    pub(super) fn sent(&self) -> Vec<u64> {
        self.layers.iter().map(|layer| layer.counter).collect()
    }

    pub(super) fn skipped(&self) -> u64 {
        self.skipped
    }

    pub(super) fn request_keyframe(&mut self, layer: u8) {
        if let Some(layer) = self.layers.get_mut(usize::from(layer)) {
            layer.keyframe_wanted = true;
        }
    }

    pub(super) fn poll(&mut self, now: Instant, clock: RunClock, out: &mut Vec<MediaPacket>) {
        while let Some(due) = self.next_at.filter(|due| *due <= now) {
            let elapsed = due.saturating_duration_since(self.started_at.unwrap_or(due));
            let ticks = (elapsed.as_micros() * 90 / 1000) as u32;
            let rtp_time = self.first_rtp_time.wrapping_add(ticks);
            for (index, layer) in self.layers.iter_mut().enumerate() {
                layer.frame(self.producer, index as u8, self.period, rtp_time, now, clock, out);
            }
            let (next_at, skipped) = next_tick(due, self.period, now);
            self.next_at = Some(next_at);
            self.skipped += skipped;
        }
    }
}

impl Layer {
    fn new(settings: LayerSettings, index: u32, seed: u32) -> Self {
        let seed = seed.wrapping_add(index.wrapping_mul(0x9e37_79b9));
        Self {
            settings,
            first_sequence: u64::from(seed % 32_768),
            counter: 0,
            frame: 0,
            tl0_pic_idx: seed as u8,
            first_picture_id: (seed >> 8) as u16 & 0x7fff,
            keyframe_wanted: true,
            keyframe_at: None,
        }
    }

    #[expect(clippy::too_many_arguments, reason = "one call site; a struct of these would say no more")]
    fn frame(
        &mut self,
        producer: Uuid,
        index: u8,
        period: Duration,
        rtp_time: u32,
        now: Instant,
        clock: RunClock,
        out: &mut Vec<MediaPacket>,
    ) {
        let is_keyframe = self.take_keyframe(now);
        let bytes = self.settings.bitrate_bps as usize / 8 * period.as_micros() as usize / 1_000_000;
        let bytes = (bytes * if is_keyframe { KEYFRAME_FACTOR } else { 1 }).max(PAYLOAD_MIN);
        let packets = bytes.div_ceil(PAYLOAD_MAX);
        let picture_id = self.first_picture_id.wrapping_add(self.frame as u16) & 0x7fff;
        for place in 0..packets {
            let starts_frame = place == 0;
            let mut payload = vec![0; (bytes / packets).max(PAYLOAD_MIN)];
            let descriptor =
                Descriptor { starts_frame, picture_id, tl0_pic_idx: self.tl0_pic_idx, temporal_layer: 0 };
            descriptor.write(&mut payload);
            let mut head = DESCRIPTOR_LEN;
            if starts_frame {
                let size = is_keyframe.then_some((self.settings.width, self.settings.height));
                vp8::write_frame_header(&mut payload[head..], size);
                head += if is_keyframe { KEYFRAME_HEADER_LEN } else { DELTA_HEADER_LEN };
            }
            let stamp = Stamp {
                producer,
                layer: index,
                starts_keyframe: starts_frame && is_keyframe,
                counter: self.counter,
                frame: self.frame,
                rtp_time,
                sent_at_ns: clock.ns(now),
            };
            stamp.write(&mut payload, head);
            out.push(MediaPacket {
                layer: index,
                sequence: self.first_sequence + self.counter,
                rtp_time,
                marker: place + 1 == packets,
                audio_level: None,
                payload,
            });
            self.counter += 1;
        }
        self.frame += 1;
        self.tl0_pic_idx = self.tl0_pic_idx.wrapping_add(1);
    }

    fn take_keyframe(&mut self, now: Instant) -> bool {
        let too_soon =
            self.keyframe_at.is_some_and(|at| now.saturating_duration_since(at) < KEYFRAME_INTERVAL_MIN);
        if !self.keyframe_wanted || too_soon {
            return false;
        }
        self.keyframe_wanted = false;
        self.keyframe_at = Some(now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: LayerSettings = LayerSettings { bitrate_bps: 100_000, width: 320, height: 180 };
    const LARGE: LayerSettings = LayerSettings { bitrate_bps: 1_500_000, width: 1280, height: 720 };

    fn run(track: &mut VideoTrack, start: Instant, millis: std::ops::Range<u64>) -> Vec<MediaPacket> {
        let mut out = Vec::new();
        for milli in millis {
            track.poll(start + Duration::from_millis(milli), RunClock::start(), &mut out);
        }
        out
    }

    fn keyframes(packets: &[MediaPacket]) -> usize {
        packets.iter().filter(|p| Stamp::read(&p.payload).is_some_and(|stamp| stamp.starts_keyframe)).count()
    }

    #[test]
    fn a_layer_keeps_its_bitrate_and_its_packets_below_the_path_limit() {
        let start = Instant::now();
        let mut track = VideoTrack::new(25, &[LARGE], 5);
        track.start(Uuid::from_u128(1), start);
        let packets = run(&mut track, start, 0..4000);
        let bits: usize = packets.iter().map(|packet| packet.payload.len() * 8).sum();
        assert!((5_500_000..6_500_000).contains(&bits), "{bits}");
        assert!(packets.iter().all(|packet| packet.payload.len() <= PAYLOAD_MAX));
        assert_eq!(packets.iter().filter(|packet| packet.marker).count(), 100);
        assert_eq!(track.sent(), vec![packets.len() as u64]);
    }

    #[test]
    fn it_begins_with_a_keyframe_and_makes_another_when_asked() {
        let start = Instant::now();
        let mut track = VideoTrack::new(25, &[SMALL], 5);
        track.start(Uuid::from_u128(1), start);
        assert_eq!(keyframes(&run(&mut track, start, 0..400)), 1);
        track.request_keyframe(0);
        track.request_keyframe(0);
        assert_eq!(keyframes(&run(&mut track, start, 400..800)), 1);
    }

    #[test]
    fn many_requests_make_few_keyframes() {
        let start = Instant::now();
        let mut track = VideoTrack::new(25, &[SMALL], 5);
        track.start(Uuid::from_u128(1), start);
        let mut count = 0;
        for milli in 0..1000 {
            track.request_keyframe(0);
            count += keyframes(&run(&mut track, start, milli..milli + 1));
        }
        assert!((3..=4).contains(&count), "{count}");
    }

    #[test]
    fn layers_have_their_own_numbers_and_one_timestamp() {
        let start = Instant::now();
        let mut track = VideoTrack::new(25, &[SMALL, LARGE], 5);
        track.start(Uuid::from_u128(1), start);
        let packets = run(&mut track, start, 0..40);
        let times: Vec<u32> = packets.iter().map(|packet| packet.rtp_time).collect();
        assert!(times.windows(2).all(|pair| pair[0] == pair[1]));
        assert!(packets.iter().any(|packet| packet.layer == 1));
        let first = |layer| packets.iter().find(|packet| packet.layer == layer).map(|packet| packet.sequence);
        assert_ne!(first(0), first(1));
    }

    #[test]
    fn every_frame_of_a_layer_has_the_next_picture_id() {
        let start = Instant::now();
        let mut track = VideoTrack::new(25, &[LARGE], u32::MAX);
        track.start(Uuid::from_u128(1), start);
        let packets = run(&mut track, start, 0..1000);
        let mut ids: Vec<u16> =
            packets.iter().filter_map(|packet| vp8::picture_id(&packet.payload)).collect();
        ids.dedup();
        assert_eq!(ids.len(), 25);
        assert!(ids.windows(2).all(|pair| pair[1] == (pair[0] + 1) & 0x7fff));
    }
}
