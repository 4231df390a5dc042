//! What a run is told: where, which scenario, what is published, over which network, and what is judged.

use super::{Scenario, VenueSettings};
use crate::{
    media::{AudioTrack, LayerSettings, RunClock, Track, VideoTrack},
    monitor::Monitor,
    network::Conditions,
    peer::PeerSettings,
    progress::Progress,
    report::Thresholds,
};
use std::{sync::Arc, time::Duration};

/// See the module.
#[derive(Clone, Debug)]
pub struct RunSettings {
    pub venue: VenueSettings,
    pub scenario: Scenario,
    pub media: MediaSettings,
    /// Measured, once everybody is in and receives.
    pub duration: Duration,
    /// How long after that visitors may stay who came late; none: everybody leaves with its end.
    pub overtime: Duration,
    /// Over which people come; none: as fast as [`RunSettings::joining_at_once`] lets them.
    pub ramp: Duration,
    pub joining_at_once: usize,
    pub conditions: Conditions,
    pub seed: u64,
    /// The server leaves nothing out on purpose: what is not forwarded is lost, and a subscription without a packet is a
    /// fault. Without it only holes in sequence numbers are losses.
    pub every_packet: bool,
    /// Of those who stay and watch, only so many take every packet apart; the others count, and look at a sample. `None`:
    /// all do.
    pub light_after: Option<usize>,
    pub thresholds: Thresholds,
    /// The URL of a media node's metrics; a bare node tells its own.
    pub metrics: Option<String>,
    pub progress: Progress,
}

/// What those who publish publish.
#[derive(Clone, Copy, Debug)]
pub struct MediaSettings {
    pub audio: bool,
    pub video: bool,
    /// Three layers instead of one.
    pub simulcast: bool,
    pub frames_per_second: u32,
    /// Bits per second of the video, or of its largest layer.
    pub video_bitrate_bps: u32,
}

impl Default for MediaSettings {
    /// A webcam as browsers send it: Opus, and 720p in three layers.
    fn default() -> Self {
        Self {
            audio: true,
            video: true,
            simulcast: true,
            frames_per_second: 25,
            video_bitrate_bps: 1_500_000,
        }
    }
}

impl RunSettings {
    /// A run of the scenario without anything special.
    pub fn new(venue: VenueSettings, scenario: Scenario) -> Self {
        Self {
            venue,
            scenario,
            media: MediaSettings::default(),
            duration: Duration::from_secs(20),
            overtime: Duration::ZERO,
            ramp: Duration::ZERO,
            joining_at_once: 4,
            conditions: Conditions::default(),
            seed: 1,
            every_packet: false,
            light_after: None,
            thresholds: Thresholds::default(),
            metrics: None,
            progress: Progress::Silent,
        }
    }

    /// Whether packets may be missing without the run being bad for that alone.
    pub(crate) fn tolerates_loss(&self) -> bool {
        self.conditions.loses() || self.thresholds.max_loss.is_some()
    }

    pub(super) fn peer(&self, clock: RunClock, bot: usize, monitor: &Arc<Monitor>) -> PeerSettings {
        let seed = self.seed.wrapping_mul(1_000_003).wrapping_add(bot as u64);
        PeerSettings { clock, conditions: self.conditions, seed, monitor: monitor.clone() }
    }
}

impl MediaSettings {
    /// The tracks of a bot that speaks as `turn.0` of `turn.1`.
    pub(super) fn tracks(
        &self,
        (audio, video): (bool, bool),
        turn: (usize, usize),
        bot: usize,
        seed: u64,
    ) -> Vec<Track> {
        let seed = (seed as u32).wrapping_mul(0x9e37_79b9).wrapping_add(bot as u32).wrapping_mul(0x85eb_ca6b);
        let mut tracks = Vec::new();
        if audio {
            tracks.push(Track::Audio(AudioTrack::new(turn.0, turn.1, seed)));
        }
        if video {
            tracks.push(Track::Video(VideoTrack::new(self.frames_per_second, &self.layers(), seed)));
        }
        tracks
    }

    /// Simulcast divides the picture by two and the bitrate by about three from layer to layer, as browsers do.
    fn layers(&self) -> Vec<LayerSettings> {
        let layer = |share, width, height| LayerSettings {
            bitrate_bps: self.video_bitrate_bps / share,
            width,
            height,
        };
        if self.simulcast {
            vec![layer(9, 320, 180), layer(3, 640, 360), layer(1, 1280, 720)]
        } else {
            vec![layer(1, 640, 360)]
        }
    }
}
