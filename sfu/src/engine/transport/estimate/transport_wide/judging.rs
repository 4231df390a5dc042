//! What is concluded from delays and losses: when the rate falls, how far, and when it may grow again.

use super::{ARRIVED_CALM_MS, TransportWide};
use crate::engine::transport::estimate::trendline::Usage;

/// A queue that stands this long is ours to drain, and half as much is as good as none.
const STANDING_MS: f64 = 35.0;
/// More where delays stray, by so many of their deviations.
const STANDING_NOISE: f64 = 1.5;
/// And by more of what the deviation exceeds so many milliseconds by: no longer the bursts of a sender, but the path.
const NOISY_MS: f64 = 10.0;
/// See [`NOISY_MS`].
const STANDING_NOISY: f64 = 3.0;
/// A queue grows fast when less than this share of what was sent arrives.
const STEEP: f64 = 0.72;
/// A cluster counts as sent, and does not arrive as fast when it is too much: for so long after it a queue is not steep.
const PROBED_US: u64 = 500_000;
/// A queue shorter than this that does not grow fast may be of what others send for a moment: it is given time to go away.
const PASSES_MS: f64 = 200.0;
/// If it stands, so much.
const STANDS_US: u64 = 200_000;
/// A queue that stood while a cluster was carried is not ours, as is believed for so long.
const CARRIED_US: u64 = 300_000;
/// With so little of what arrived before, a queue of ours would have become shorter.
const FUTILE_SHARE: f64 = 0.6;
/// While little is sent, a step down goes no further than to this share of the rate, because a queue seems to grow.
const ALR_STEP: f64 = 0.9;
/// Or to this, because one stands, or grows fast.
const ALR_STEP_CERTAIN: f64 = 0.65;
/// But to what arrived, where that is less than this share of what was sent: then it is not little because little was sent,
/// nor because delays stray, as far as that is known after so many microseconds.
const FELL_SHORT: f64 = 0.65;
/// See [`FELL_SHORT`].
const KNOWN_US: u64 = 5_000_000;
/// Until then they are believed to stray by less and less, at first by so many milliseconds.
const UNKNOWN_NOISE_MS: f64 = 25.0;
/// A step to below this share of the rate is a fall, not just a touch of the limit.
const FAR: f64 = 0.75;
/// A step shows its effect after a round trip (which includes the wait for feedback) and this.
const RESPONSE_US: u64 = 200_000;
/// How much of what arrived lately counts when it is too much: short, since a step down leaves old arrivals behind.
const ARRIVED_MS: u32 = 120;
/// But so many bits at least, which are sixteen packets: of fewer one more or less makes too much of a difference.
const MEASURED_BITS: f64 = 16.0 * 1_100.0 * 8.0;

impl TransportWide {
    pub(super) fn judge_delay(&mut self, now_us: u64) {
        self.standing_ms = self.queue.standing_ms(self.trendline.noise_ms());
        let standing_ms = self.standing_ms;
        // How far delays stray has yet to be learnt.
        let unknown_ms = UNKNOWN_NOISE_MS * (1.0 - now_us as f64 / KNOWN_US as f64).max(0.0);
        let standing = standing_ms > self.standing_max_ms().max(standing_max_ms(unknown_ms));
        self.standing_us = standing.then(|| self.standing_us.unwrap_or(now_us));
        // A queue that grows is soon one that stands; what grows and falls back is none.
        let grows = self.trendline.usage() == Usage::Over
            && (self.trendline.is_certain() || standing_ms > self.trendline.noise_ms());
        let passed = 1.0 - self.loss.inherent().min(0.5);
        if grows || standing {
            self.handle_queue(now_us, standing_ms, passed);
            return;
        }
        let drained = standing_ms < self.standing_max_ms() * 0.5;
        if drained {
            self.futile = None;
        }
        let Some(arrived) = self.arrived_rate.bits_per_second(ARRIVED_CALM_MS) else { return };
        let tight = self.loss.ceiling().is_some_and(|ceiling| self.aimd.target() > ceiling * 0.98);
        let grow = drained && self.trendline.usage() == Usage::Normal && !self.alr.is_limited() && !tight;
        self.aimd.handle_calm(now_us, arrived / passed, drained, grow);
    }

    /// A queue grows, or stands.
    fn handle_queue(&mut self, now_us: u64, standing_ms: f64, passed: f64) {
        let (target, is_certain) = (self.aimd.target(), self.trendline.is_certain());
        let sent = self.sent_rate.bits_per_second(ARRIVED_CALM_MS).unwrap_or(0.0);
        let over_ms = self.arrived_over_ms(standing_ms, sent);
        let arrived = self.arrived_rate.bits_per_second(over_ms).map_or(target, |rate| rate / passed);
        let fell_short = is_certain && arrived < sent * FELL_SHORT;
        let was_probed = self.probed_us.is_some_and(|at_us| now_us < at_us + PROBED_US);
        let is_steep = is_certain && arrived < sent * STEEP && !was_probed;
        if !is_steep && !self.aimd.is_draining() && self.may_pass(now_us) {
            return;
        }
        let response_us = (self.round_trip_us.unwrap_or(0) + RESPONSE_US).min(1_200_000);
        let stepped = self.stepped.filter(|&(at_us, _)| now_us < at_us + response_us);
        let (_, from) = *self.stepped.insert(stepped.unwrap_or((now_us, target)));
        // While little is sent, little arrives: not all of it is believed at once.
        let is_known = now_us > KNOWN_US && self.trendline.noise_ms() < NOISY_MS;
        let least = match (self.alr.is_limited(), self.standing_us.is_some() || is_certain) {
            (false, _) => 0.0,
            (true, _) if fell_short && is_known => 0.0,
            (true, true) => from * ALR_STEP_CERTAIN,
            (true, false) => from * ALR_STEP,
        };
        let arrived = arrived.max(least);
        if self.aimd.handle_congestion(now_us, arrived, standing_ms, response_us) {
            self.note_fall(now_us, target, false);
            self.note_step(standing_ms, arrived);
        }
    }

    /// Over which time to measure what arrives of so much that is sent.
    fn arrived_over_ms(&self, standing_ms: f64, sent: f64) -> u32 {
        // After a step the old arrivals do not count. At a touch of the limit they do: few packets measure badly, and
        // whoever has the smallest part of a shared path sends the fewest.
        let stepped = self.trendline.is_certain() || standing_ms > 2.0 * self.standing_max_ms();
        let over_ms = if stepped { ARRIVED_MS } else { ARRIVED_CALM_MS };
        let enough_ms = (MEASURED_BITS / sent.max(1.0) * 1e3).min(f64::from(ARRIVED_CALM_MS)) as u32;
        // Jitter moves arrivals in time: the more of it, the longer it takes to measure a rate.
        over_ms.max(enough_ms) + (self.trendline.noise_ms() * 8.0).min(500.0) as u32
    }

    /// Whether a queue may go away by itself: keyframes and trials of others on the same path are over in a moment.
    fn may_pass(&self, now_us: u64) -> bool {
        let is_short = self.queue.latest_ms() < PASSES_MS + 2.0 * self.trendline.noise_ms();
        let is_new = self.standing_us.is_none_or(|since_us| now_us < since_us + STANDS_US);
        let shrinks = self.standing_us.is_some() && self.queue.shrinks();
        let was_carried = self.carried_us.is_some_and(|at_us| now_us < at_us + CARRIED_US);
        is_short && is_new || shrinks || was_carried
    }

    pub(super) fn judge_loss(&mut self, now_us: u64) {
        let patience_us = 60_000 + (self.trendline.noise_ms() * 3e3).min(500_000.0) as u32;
        let queued = self.standing_ms > self.standing_max_ms();
        let is_news = self.loss.judge(now_us, &self.sent, self.spoken, patience_us, queued);
        self.sent.settle_before(self.loss.judged());
        if !is_news {
            return;
        }
        let before = self.aimd.target();
        if let Some(ceiling) = self.loss.ceiling()
            && self.aimd.cap(now_us, ceiling)
        {
            self.note_fall(now_us, before, true);
        }
        if let Some(before) = self.loss.take_back() {
            self.aimd.raise(now_us, before, false);
        }
    }

    fn note_fall(&mut self, now_us: u64, from: f64, lost: bool) {
        self.has_fallen = true;
        self.probes.note_fall(now_us, self.aimd.target(), self.aimd.target() < from * FAR, lost);
    }

    /// A queue that does not shrink although far less is sent is not ours, or the path has become longer.
    fn note_step(&mut self, standing_ms: f64, arrived: f64) {
        let (queue_ms, from) = match self.futile {
            Some((queue_ms, from)) if standing_ms > queue_ms * 0.9 => (queue_ms.max(standing_ms), from),
            _ => (standing_ms, arrived),
        };
        self.futile = Some((queue_ms, from));
        if arrived < from * FUTILE_SHARE {
            self.queue.accept();
            self.standing_ms = self.queue.standing_ms(self.trendline.noise_ms());
            self.futile = None;
        }
    }

    pub(super) fn standing_max_ms(&self) -> f64 {
        standing_max_ms(self.trendline.noise_ms())
    }
}

/// A queue longer than this is none of the path's own, whose delays stray by so much.
fn standing_max_ms(noise_ms: f64) -> f64 {
    STANDING_MS + noise_ms * STANDING_NOISE + (noise_ms - NOISY_MS).max(0.0) * STANDING_NOISY
}
