//! Is the delay growing? A line through the delays of the last groups, and a threshold that knows how noisy they are.
//!
//! The well-known trendline smooths the delays and compares the slope with a threshold that follows it. Here the slope is held
//! against its own standard error, and the growth against what growth usually is on this path, up and down: a path with
//! 200 ms of jitter has to show what jitter does not explain, and a quiet one is judged at once.

mod window;

use super::arrival_groups::GroupDelay;
use window::Window;

/// A line over a shorter time says nothing. It must be longer where delays stray, by so many times their deviation.
const SPAN_MIN_MS: f64 = 60.0;
/// See [`SPAN_MIN_MS`].
const SPAN_NOISE: f64 = 5.0;
/// Growth over the window in milliseconds that counts on a path that is quiet.
const THRESHOLD_MS: f64 = 10.0;
/// And beyond so many times what growth usually is, up or down: delays that wander, and queues that others fill and empty.
const SWING_FACTOR: f64 = 3.0;
/// At first; what is believed of a path that was not seen yet.
const SWING_START_MS: f64 = 40.0;
/// Beyond this multiple of the threshold there is no doubt.
const CERTAIN: f64 = 2.0;
/// What is usual is learnt in so many microseconds.
const SWING_US: f64 = 5_000_000.0;
/// And at first in as many as there were, but in so many at least.
const SWING_FIRST_US: f64 = 1_000_000.0;
/// One growth counts no more than this multiple of the usual (and some milliseconds): a step must not be learnt.
const SWING_CLIP: f64 = 2.5;

/// What the delays say of the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Usage {
    /// More is sent than it carries.
    Over,
    /// Its queues neither grow nor shrink.
    #[default]
    Normal,
    /// Its queues are running empty.
    Under,
}

/// The line and its judgement.
#[derive(Debug)]
pub struct Trendline {
    window: Window,
    usage: Usage,
    is_certain: bool,
    /// The square of what growth usually is.
    swing: f64,
    /// Time in which that was learnt.
    learnt_us: f64,
    judged_us: Option<u64>,
    growth_before_ms: f64,
    noise_ms: f64,
}

impl Trendline {
    /// No group was seen.
    pub fn new() -> Self {
        Trendline {
            window: Window::default(),
            usage: Usage::Normal,
            is_certain: false,
            swing: SWING_START_MS * SWING_START_MS,
            learnt_us: 0.0,
            judged_us: None,
            growth_before_ms: 0.0,
            noise_ms: 0.0,
        }
    }

    /// The next group.
    pub fn add(&mut self, group: GroupDelay) {
        self.window.push(group);
        let Some(line) = self.window.line() else {
            self.usage = Usage::Normal;
            self.is_certain = false;
            return;
        };
        // A property of the path, not of the moment: learnt in tens of groups, and forgotten in hundreds.
        let noise_ms = line.variance.sqrt().min(4.0 * self.noise_ms + 5.0);
        let weight = if noise_ms > self.noise_ms { 0.05 } else { 0.01 };
        self.noise_ms += (noise_ms - self.noise_ms) * weight;
        let swing_ms = self.swing.sqrt();
        let threshold_ms = THRESHOLD_MS + swing_ms * SWING_FACTOR;
        let is_long = line.span_ms > SPAN_MIN_MS + self.noise_ms * SPAN_NOISE;
        self.usage = match line.growth_ms {
            growth if growth.abs() <= threshold_ms || !is_long || !line.is_meant() => Usage::Normal,
            growth if growth < 0.0 => Usage::Under,
            growth if growth >= self.growth_before_ms * 0.8 => Usage::Over,
            _ => Usage::Normal,
        };
        self.is_certain = self.usage == Usage::Over && line.growth_ms > threshold_ms * CERTAIN;
        self.growth_before_ms = line.growth_ms;
        self.learn(group.sent_us, line.growth_ms.abs(), swing_ms);
    }

    /// The judgement after the last group.
    pub fn usage(&self) -> Usage {
        self.usage
    }

    /// Too much is sent, by far.
    pub fn is_certain(&self) -> bool {
        self.is_certain
    }

    /// How far delays stray from the line, in milliseconds (standard deviation, smoothed).
    pub fn noise_ms(&self) -> f64 {
        self.noise_ms
    }

    /// What comes is not to be compared with what was: the noise stays known.
    pub fn forget(&mut self) {
        self.window.clear();
        self.usage = Usage::Normal;
        self.is_certain = false;
        self.judged_us = None;
        self.growth_before_ms = 0.0;
    }

    fn learn(&mut self, at_us: u64, growth_ms: f64, swing_ms: f64) {
        let since_us = self.judged_us.map_or(0, |before| at_us.saturating_sub(before)).min(50_000);
        self.judged_us = Some(at_us);
        let counted = growth_ms.min(swing_ms * SWING_CLIP + 10.0);
        self.learnt_us = (self.learnt_us + since_us as f64).min(SWING_US);
        let over_us = self.learnt_us.max(SWING_FIRST_US);
        self.swing += (counted * counted - self.swing) * since_us as f64 / over_us;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds groups every 10 ms with these delays in milliseconds, and counts the alarms.
    fn alarms(trendline: &mut Trendline, delays_ms: impl Iterator<Item = f64>) -> usize {
        let mut sent_us = 0;
        let mut count = 0;
        for delay_ms in delays_ms {
            sent_us += 10_000;
            let delay_us = (delay_ms * 1e3) as i64;
            trendline.add(GroupDelay { sent_us, delay_us });
            count += usize::from(trendline.usage() == Usage::Over);
        }
        count
    }

    fn noise(seed: u64) -> impl FnMut() -> f64 {
        let mut state = seed;
        move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1_u64 << 53) as f64
        }
    }

    #[test]
    fn a_queue_that_grows_is_seen_within_a_quarter_of_a_second() {
        let mut trendline = Trendline::new();
        let flat = (0..1_000).map(|_| 20.0);
        assert_eq!(alarms(&mut trendline, flat.clone()), 0);
        let mut trendline = Trendline::new();
        let growing = (0..25).map(|n| 20.0 + f64::from(n) * 2.0);
        assert!(alarms(&mut trendline, flat.chain(growing)) > 3);
    }

    #[test]
    fn jitter_of_200_ms_is_no_queue_and_a_queue_is_seen_through_it() {
        let mut random = noise(7);
        let mut trendline = Trendline::new();
        let false_alarms = alarms(&mut trendline, (0..20_000).map(|_| random() * 200.0));
        assert!(false_alarms < 40, "{false_alarms}");
        assert!(trendline.noise_ms() > 40.0);
        let mut trendline = Trendline::new();
        let growing = (0..100).map(|n| random() * 200.0 + f64::from(n) * 12.0);
        assert!(alarms(&mut trendline, growing) > 5);
    }

    #[test]
    fn a_queue_that_empties_is_no_alarm() {
        let mut trendline = Trendline::new();
        let full = (0..500).map(|_| 300.0);
        alarms(&mut trendline, full.chain((0..50).map(|n| 300.0 - f64::from(n) * 4.0)));
        assert_eq!(trendline.usage(), Usage::Under);
    }

    #[test]
    fn what_was_to_be_forgotten_is_no_part_of_the_line() {
        let mut trendline = Trendline::new();
        let mut sent_us = 0;
        let mut add = |trendline: &mut Trendline, delay_ms: i64| {
            sent_us += 10_000;
            trendline.add(GroupDelay { sent_us, delay_us: delay_ms * 1_000 });
            trendline.usage()
        };
        (0..1_000).for_each(|_| _ = add(&mut trendline, 20));
        (0..40).for_each(|n| _ = add(&mut trendline, 20 + n * 2));
        assert_eq!(trendline.usage(), Usage::Over);
        trendline.forget();
        assert!((0..40).all(|_| add(&mut trendline, 100) == Usage::Normal));
    }
}
