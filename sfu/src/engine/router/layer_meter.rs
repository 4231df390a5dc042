//! What each layer of a producer takes, while it comes.

use std::time::{Duration, Instant};

use plenum_shared::media::{Bitrate, Source};

use super::{
    layer_silence::{Found, Silences},
    payload::Description,
    producer::LAYERS_MAX,
    rate::RateMeter,
};

/// Temporal layers that are told apart: two bits in VP8, and no browser sends more. Higher ones count as the last.
pub const TEMPORAL_MAX: usize = 4;
/// Of a layer that has just begun too little is known to choose it over one that is known.
const KNOWN_AFTER: Duration = Duration::from_millis(500);
/// Between two looks at the rates: they are measured over a second.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);
/// The time over which a layer's rate is smoothed.
const SMOOTHED_OVER: Duration = Duration::from_secs(3);

/// A timestamp further back than this, in units of 90 kHz, is no late packet: the clock was set anew. Ten seconds.
const JUMP: i32 = 10 * 90_000;

/// What one layer takes, with what it is built on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// Over some time: a moment's excess is no reason to take it away.
    pub usual: Bitrate,
    /// At its most in that time: what has to be free before it is given.
    pub most: Bitrate,
    /// Bytes of its last keyframe.
    pub keyframe_bytes: u32,
}

/// What each spatial layer takes at each frame rate; `None` for those that cannot be had now.
pub type Costs = [[Option<Cost>; TEMPORAL_MAX]; LAYERS_MAX];

/// The layers of one producer.
#[derive(Debug, Default)]
pub struct LayerMeters {
    layers: [Meter; LAYERS_MAX],
    silences: Silences,
    looked_at: Option<Instant>,
}

#[derive(Debug, Default)]
struct Meter {
    temporal: [Temporal; TEMPORAL_MAX],
    /// What of it the layers above are built on, inside an SVC stream.
    feeding: RateMeter,
    /// As of the last look, as a part of the whole.
    feeding_share: f64,
    /// Since then it has not stopped.
    began_at: Option<Instant>,
    /// Timestamp of the newest frame.
    frame: Option<u32>,
    /// Frames that began, and those of the last second.
    frames: u64,
    frame_meter: RateMeter,
    keyframe: Option<u32>,
    keyframe_bytes: u32,
}

#[derive(Debug, Default)]
struct Temporal {
    meter: RateMeter,
    /// As of the last look, in bits per second.
    rate: u64,
    smoothed: f64,
}

impl LayerMeters {
    /// Takes note of one packet. Returns whether a layer was found to have stopped.
    pub fn note(
        &mut self,
        now: Instant,
        (layer, source): (usize, Source),
        description: &Description,
        timestamp: u32,
        len: usize,
    ) -> bool {
        // The upper layers of an SVC keyframe are no places to enter, but they come with it.
        let keyframe = description.keyframe || self.layers[0].keyframe == Some(timestamp);
        let meter = &mut self.layers[layer];
        meter.note_keyframe(keyframe, timestamp, len);
        if self.silences.end(layer) {
            meter.began_at = Some(now);
        }
        meter.temporal[usize::from(description.temporal).min(TEMPORAL_MAX - 1)].meter.add(now, len);
        if description.feeds_upper {
            meter.feeding.add(now, len);
        }
        meter.note_frame(now, timestamp) && self.silences.note_picture(now, layer, source)
    }

    /// A layer's stream begins anew, with a clock of its own.
    pub fn restart(&mut self, layer: usize) {
        if let Some(meter) = self.layers.get_mut(layer) {
            (meter.frame, meter.keyframe) = (None, None);
            self.silences.restart(layer);
        }
    }

    /// The publisher sends this layer now, as far as the others tell.
    pub fn is_sent(&self, layer: usize) -> bool {
        self.silences.is_sent(layer)
    }

    /// Whether any layer was ever heard.
    pub fn is_heard(&self) -> bool {
        self.silences.is_heard()
    }

    /// The others have brought nothing yet that this layer should have brought as well.
    pub fn goes_on(&self, layer: usize) -> bool {
        self.silences.goes_on(layer)
    }

    /// When [`LayerMeters::look_for_silence`] may find something.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.silences.poll_timeout()
    }

    /// Layers that have stopped, or may have, by the clock.
    pub fn look_for_silence(&mut self, now: Instant, followed: u8) -> Found {
        self.silences.look(now, followed)
    }

    /// What the layers take, of `count` there are; in an SVC stream with what they need of those below.
    pub fn costs(&mut self, now: Instant, count: usize, is_svc: bool) -> Costs {
        if self.looked_at.is_none_or(|at| now.saturating_duration_since(at) >= LOOK_INTERVAL) {
            self.look(now);
        }
        let mut costs = Costs::default();
        let mut below = [Cost::default(); TEMPORAL_MAX];
        let known = (0..count).any(|layer| self.is_sent(layer) && self.layers[layer].is_known(now));
        for (layer, costs) in costs.iter_mut().enumerate().take(count) {
            if !self.is_sent(layer) || (known && !self.layers[layer].is_known(now)) {
                continue;
            }
            let own = self.layers[layer].costs();
            for (temporal, cost) in costs.iter_mut().enumerate() {
                let own = own[temporal.min(self.layers[layer].temporal_count().max(1) - 1)];
                *cost = Some(if is_svc { own.on(below[temporal]) } else { own });
                below[temporal] = own.part(self.layers[layer].feeding_share).on(below[temporal]);
            }
            // Where nothing comes of the higher temporal layers they are no choice.
            let temporal_count =
                if is_svc { self.temporal_count(layer) } else { self.layers[layer].temporal_count() };
            costs[temporal_count.max(1)..].fill(None);
        }
        costs
    }

    /// The rate of each spatial layer by itself.
    pub fn rates(&mut self, now: Instant) -> [Bitrate; LAYERS_MAX] {
        std::array::from_fn(|layer| {
            let temporal = &mut self.layers[layer].temporal;
            Bitrate(temporal.iter_mut().map(|temporal| temporal.meter.rate(now).0).sum())
        })
    }

    /// Frames of each spatial layer that began to arrive, and how many of them in the last second.
    pub fn frames(&mut self, now: Instant) -> [(u64, f32); LAYERS_MAX] {
        std::array::from_fn(|layer| {
            let meter = &mut self.layers[layer];
            // The meter takes what it counts for bytes.
            (meter.frames, meter.frame_meter.rate(now).0 as f32 / 8.0)
        })
    }

    fn look(&mut self, now: Instant) {
        let since = self.looked_at.map_or(Duration::MAX, |at| now.saturating_duration_since(at));
        self.looked_at = Some(now);
        let weight = 1.0 - (-since.as_secs_f64() / SMOOTHED_OVER.as_secs_f64()).exp();
        for meter in &mut self.layers {
            let Some(began_at) = meter.began_at else { continue };
            let age = now.saturating_duration_since(began_at);
            // A window that is not full yet shows less than there is.
            let missing = Duration::from_secs(1).as_secs_f64() / age.as_secs_f64().clamp(0.25, 1.0);
            for temporal in &mut meter.temporal {
                temporal.rate = (temporal.meter.rate(now).0 as f64 * missing) as u64;
                let weight = if age < SMOOTHED_OVER { 1.0 } else { weight };
                temporal.smoothed += (temporal.rate as f64 - temporal.smoothed) * weight;
            }
            let all: u64 = meter.temporal.iter_mut().map(|temporal| temporal.meter.rate(now).0).sum();
            meter.feeding_share = meter.feeding.rate(now).0 as f64 / all.max(1) as f64;
        }
    }

    /// Temporal layers of an SVC stream up to a spatial layer.
    fn temporal_count(&self, layer: usize) -> usize {
        self.layers[..=layer].iter().map(Meter::temporal_count).max().unwrap_or(0)
    }
}

impl Meter {
    fn note_keyframe(&mut self, keyframe: bool, timestamp: u32, len: usize) {
        if keyframe && self.keyframe != Some(timestamp) {
            self.keyframe = Some(timestamp);
            self.keyframe_bytes = 0;
        }
        if self.keyframe == Some(timestamp) {
            self.keyframe_bytes = self.keyframe_bytes.saturating_add(len as u32);
        }
    }

    /// Returns whether the packet begins a newer frame.
    fn note_frame(&mut self, now: Instant, timestamp: u32) -> bool {
        let is_known = |newest: u32| (-JUMP..=0).contains(&(timestamp.wrapping_sub(newest) as i32));
        if self.frame.is_some_and(is_known) {
            return false;
        }
        self.frame = Some(timestamp);
        self.frames += 1;
        self.frame_meter.add(now, 1);
        true
    }

    fn is_known(&self, now: Instant) -> bool {
        self.began_at.is_some_and(|at| now.saturating_duration_since(at) >= KNOWN_AFTER)
    }

    /// Temporal layers of which something came in the last second.
    fn temporal_count(&self) -> usize {
        self.temporal.iter().rposition(|temporal| temporal.rate > 0).map_or(0, |highest| highest + 1)
    }

    /// By frame rate, lower temporal layers included.
    fn costs(&self) -> [Cost; TEMPORAL_MAX] {
        let (mut rate, mut smoothed) = (0, 0.0);
        std::array::from_fn(|temporal| {
            rate += self.temporal[temporal].rate;
            smoothed += self.temporal[temporal].smoothed;
            Cost {
                usual: Bitrate(rate.min(smoothed as u64)),
                most: Bitrate(rate.max(smoothed as u64)),
                keyframe_bytes: self.keyframe_bytes,
            }
        })
    }
}

impl Cost {
    /// A keyframe is needed whole: all layers meet in it.
    fn part(self, share: f64) -> Cost {
        let part = |rate: Bitrate| Bitrate((rate.0 as f64 * share) as u64);
        Cost { usual: part(self.usual), most: part(self.most), ..self }
    }

    fn on(self, below: Cost) -> Cost {
        Cost {
            usual: Bitrate(self.usual.0 + below.usual.0),
            most: Bitrate(self.most.0 + below.most.0),
            keyframe_bytes: self.keyframe_bytes.saturating_add(below.keyframe_bytes),
        }
    }
}

#[cfg(test)]
#[path = "layer_meter_tests.rs"]
mod tests;
