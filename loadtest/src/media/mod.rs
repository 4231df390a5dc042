//! Synthetic media: packets a browser could have sent, made on time and stamped. Pure: time comes in.

mod audio;
mod video;
pub mod vp8;

pub use audio::{AudioTrack, OPUS_SILENCE_LEN_MAX};
pub use video::{LayerSettings, VideoTrack};

use plenum_shared::media::{Kind, Source};
use std::time::{Duration, Instant, SystemTime};
use uuid::Uuid;

/// One RTP packet to be sent.
#[derive(Clone, Debug)]
pub struct MediaPacket {
    pub layer: u8,
    pub sequence: u64,
    pub rtp_time: u32,
    pub marker: bool,
    /// RFC 6464 level in -dBov (0 loudest, -127 silence) and whether it is speech; audio only.
    pub audio_level: Option<(i8, bool)>,
    pub payload: Vec<u8>,
}

/// The clock all stamps of a run are taken from: nanoseconds since 1970 as they were at its start, and from then on without
/// steps. Who has the kernel's times of arrival can compare them with it.
#[derive(Clone, Copy, Debug)]
pub struct RunClock {
    start: Instant,
    start_ns: u64,
}

impl RunClock {
    pub fn start() -> Self {
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self { start: Instant::now(), start_ns: nanoseconds(since_1970) }
    }

    pub fn ns(&self, now: Instant) -> u64 {
        self.start_ns.saturating_add(nanoseconds(now.saturating_duration_since(self.start)))
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// A track being published.
#[derive(Debug)]
pub enum Track {
    Audio(AudioTrack),
    Video(VideoTrack),
}

impl Track {
    pub fn kind(&self) -> Kind {
        match self {
            Self::Audio(_) => Kind::Audio,
            Self::Video(_) => Kind::Video,
        }
    }

    pub fn source(&self) -> Source {
        match self {
            Self::Audio(_) => Source::Microphone,
            Self::Video(_) => Source::Camera,
        }
    }

    pub fn layer_count(&self) -> usize {
        match self {
            Self::Audio(_) => 1,
            Self::Video(video) => video.layer_count(),
        }
    }

    /// Starts the track's clock; the producer's id is known by now.
    pub fn start(&mut self, producer: Uuid, now: Instant) {
        match self {
            Self::Audio(audio) => audio.start(producer, now),
            Self::Video(video) => video.start(producer, now),
        }
    }

    /// When the next packet is due; `None` before the start.
    pub fn next_at(&self) -> Option<Instant> {
        match self {
            Self::Audio(audio) => audio.next_at(),
            Self::Video(video) => video.next_at(),
        }
    }

    /// Everything due at `now`.
    pub fn poll(&mut self, now: Instant, clock: RunClock, out: &mut Vec<MediaPacket>) {
        match self {
            Self::Audio(audio) => audio.poll(now, clock, out),
            Self::Video(video) => video.poll(now, clock, out),
        }
    }

    /// A subscriber cannot decode: the next frame of the layer is to be a keyframe.
    pub fn request_keyframe(&mut self, layer: u8) {
        if let Self::Video(video) = self {
            video.request_keyframe(layer);
        }
    }

    /// Packets of sound, or pictures, that were due and never made because it was far too late for them.
    pub fn skipped(&self) -> u64 {
        match self {
            Self::Audio(audio) => audio.skipped(),
            Self::Video(video) => video.skipped(),
        }
    }

    /// Packets made so far on each layer.
    pub fn sent(&self) -> Vec<u64> {
        match self {
            Self::Audio(audio) => vec![audio.sent()],
            Self::Video(video) => video.sent(),
        }
    }
}

/// A track that fell behind this far (a suspended machine) continues from now instead of catching up in a burst.
const BEHIND_MAX: Duration = Duration::from_millis(500);

/// When the next tick is due after the one at `due`, and how many are left out until then.
fn next_tick(due: Instant, period: Duration, now: Instant) -> (Instant, u64) {
    let next = due + period;
    let behind = now.saturating_duration_since(next);
    if behind <= BEHIND_MAX {
        return (next, 0);
    }
    let skipped = 1 + behind.as_nanos() / period.as_nanos().max(1);
    (now + period, u64::try_from(skipped).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_count_from_1970_and_go_on_by_the_clock_without_steps() {
        let before = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
        let clock = RunClock::start();
        let now = Instant::now();
        assert!(clock.ns(now) >= nanoseconds(before));
        assert_eq!(clock.ns(now + Duration::from_secs(5)) - clock.ns(now), 5_000_000_000);
    }
}
