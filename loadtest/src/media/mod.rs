//! Synthetic media: packets a browser could have sent, made on time and stamped. Pure: time comes in.

mod audio;
mod video;
pub mod vp8;

pub use audio::AudioTrack;
pub use video::{LayerSettings, VideoTrack};

use plenum_shared::media::{Kind, Source};
use std::time::{Duration, Instant};
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

/// The clock all stamps of a run are taken from.
#[derive(Clone, Copy, Debug)]
pub struct RunClock(Instant);

impl RunClock {
    pub fn start() -> Self {
        Self(Instant::now())
    }

    pub fn ns(&self, now: Instant) -> u64 {
        u64::try_from(now.saturating_duration_since(self.0).as_nanos()).unwrap_or(u64::MAX)
    }
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

/// When the next tick is due after the one at `due`.
fn next_tick(due: Instant, period: Duration, now: Instant) -> Instant {
    let next = due + period;
    if now.saturating_duration_since(next) > BEHIND_MAX { now + period } else { next }
}
