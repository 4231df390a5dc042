//! Which layers of a producer have stopped, as far as the others tell.
//!
//! A layer that stops is noticed by the others going on: time alone would take a quiet network, or a screen on which
//! nothing moves, for a publisher that has switched a layer off. Of cameras of few pictures a second there is no time to
//! wait for the next picture: they are looked at by the clock as well, and doubted before they are given up, so that a
//! keyframe of another layer is there by then.

use std::time::{Duration, Instant};

use plenum_shared::media::Source;

use super::producer::LAYERS_MAX;

/// A layer has stopped when so many pictures of another one came since its last packet, …
const PICTURES_MISSED: u8 = 2;
/// … the first of them so many of its own frame intervals ago, …
const INTERVALS_MISSED: u32 = 2;
/// … which count as this at least, because an encoder short of bits leaves out a few pictures of one layer in a row, …
const SILENCE_MIN: Duration = Duration::from_millis(150);
/// … and as this at most: with the round trip for a keyframe of another layer its viewers must see it within half a second.
const SILENCE_MAX: Duration = Duration::from_millis(250);
/// Encoders leave out pictures of a screen for longer, after each that was large.
const SCREEN_SILENCE_MAX: Duration = Duration::from_secs(2);
/// Between pictures of a layer of which only one has come.
const INTERVAL_UNKNOWN: Duration = SILENCE_MAX;
/// Longer pauses say nothing about how often frames come.
const INTERVAL_MAX: Duration = Duration::from_secs(1);
/// Cameras of fourteen pictures a second or fewer are looked at by the clock.
const SLOW: Duration = Duration::from_millis(70);
/// By the clock the layers of one picture have this long to come one after the other.
const SPREAD: Duration = Duration::from_millis(50);
/// A doubt costs a keyframe. An encoder that leaves out pictures now and then is not asked for one each time, and one that
/// does so because it is short of bits is not made shorter of them.
const DOUBTS_APART: Duration = Duration::from_secs(10);

/// The layers of one producer.
#[derive(Debug, Default)]
pub struct Silences {
    layers: [Silence; LAYERS_MAX],
    doubted_at: Option<Instant>,
}

/// What is known of one layer.
#[derive(Debug, Default)]
struct Silence {
    heard: bool,
    stopped: bool,
    /// When its newest picture began, and how far apart they are in the mean.
    began_at: Option<Instant>,
    interval: Duration,
    /// Pictures of each other layer since its last packet, and when the first of them began.
    missed: [u8; LAYERS_MAX],
    missing_since: Option<Instant>,
    /// What the clock may find.
    doubt_at: Option<Instant>,
    stop_at: Option<Instant>,
}

/// What was found by the clock.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Found {
    /// A layer has stopped.
    pub stopped: bool,
    /// Layers somebody is on that may have stopped, one bit each.
    pub doubted: u8,
}

impl Silences {
    /// A packet of a layer came. Returns whether the layer begins with it, for the first time or anew.
    pub fn end(&mut self, layer: usize) -> bool {
        let silence = &mut self.layers[layer];
        let begins = silence.stopped || !silence.heard;
        let Silence { began_at, interval, .. } = *silence;
        *silence = Silence { heard: true, began_at, interval, ..Silence::default() };
        begins
    }

    /// A picture of a layer began. Returns whether others were found to have stopped.
    pub fn note_picture(&mut self, now: Instant, layer: usize, source: Source) -> bool {
        self.layers[layer].note_picture(now);
        let mut found = false;
        for (other, silence) in self.layers.iter_mut().enumerate() {
            if other != layer && silence.is_sent() {
                found |= silence.miss(now, layer, source);
            }
        }
        found
    }

    /// A layer's stream begins anew, with a clock of its own.
    pub fn restart(&mut self, layer: usize) {
        self.layers[layer].began_at = None;
    }

    /// The publisher sends this layer now, as far as the others tell.
    pub fn is_sent(&self, layer: usize) -> bool {
        self.layers.get(layer).is_some_and(Silence::is_sent)
    }

    /// The others have brought no picture yet that this layer should have brought as well.
    pub fn goes_on(&self, layer: usize) -> bool {
        self.layers.get(layer).is_some_and(|silence| silence.is_sent() && silence.missing_since.is_none())
    }

    /// Whether any layer was ever heard.
    pub fn is_heard(&self) -> bool {
        self.layers.iter().any(|silence| silence.heard)
    }

    /// When [`Silences::look`] may find something.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.layers.iter().flat_map(|silence| [silence.doubt_at, silence.stop_at]).flatten().min()
    }

    /// What the clock tells. Doubts are for layers that are `followed` by somebody, one bit each.
    pub fn look(&mut self, now: Instant, followed: u8) -> Found {
        let mut found = Found::default();
        let is_due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        for (layer, silence) in self.layers.iter_mut().enumerate() {
            if is_due(silence.stop_at) {
                silence.stop();
                found.stopped = true;
            } else if is_due(silence.doubt_at) {
                silence.doubt_at = None;
                found.doubted |= followed & 1 << layer;
            }
        }
        let too_soon = |at: Instant| now.saturating_duration_since(at) < DOUBTS_APART;
        if self.doubted_at.is_some_and(too_soon) {
            found.doubted = 0;
        } else if found.doubted != 0 {
            self.doubted_at = Some(now);
        }
        found
    }
}

impl Silence {
    fn is_sent(&self) -> bool {
        self.heard && !self.stopped
    }

    fn note_picture(&mut self, now: Instant) {
        if let Some(before) = self.began_at.replace(now) {
            let interval = now.saturating_duration_since(before).min(INTERVAL_MAX);
            self.interval =
                if self.interval.is_zero() { interval } else { (self.interval * 7 + interval) / 8 };
        }
    }

    /// A picture of another layer began. Returns whether this one has stopped.
    fn miss(&mut self, now: Instant, other: usize, source: Source) -> bool {
        let interval = if self.interval.is_zero() { INTERVAL_UNKNOWN } else { self.interval };
        if self.began_at.is_some_and(|at| now < at + interval / 2) {
            // It is the same picture, and came first.
            return false;
        }
        let since = *self.missing_since.get_or_insert(now);
        self.missed[other] = self.missed[other].saturating_add(1);
        let is_screen = source == Source::Screen;
        // Others may have more pictures than this one.
        let due_at = self.began_at.filter(|_| !is_screen).map(|at| at + interval);
        let due = due_at.map_or(since, |at| since.max(at));
        let by_clock = !is_screen && interval >= SLOW;
        if by_clock && since == now {
            self.doubt_at = Some(due + SPREAD);
        }
        if self.missed[other] < PICTURES_MISSED {
            return false;
        }
        let silence_max = if is_screen { SCREEN_SILENCE_MAX } else { SILENCE_MAX };
        let gone_at = due + (interval * INTERVALS_MISSED).clamp(SILENCE_MIN, silence_max);
        let gone_at = if by_clock { *self.stop_at.get_or_insert(gone_at.max(now + SPREAD)) } else { gone_at };
        if gone_at <= now {
            self.stop();
        }
        self.stopped
    }

    fn stop(&mut self) {
        (self.stopped, self.doubt_at, self.stop_at) = (true, None, None);
    }
}

#[cfg(test)]
#[path = "layer_silence_tests.rs"]
mod tests;
