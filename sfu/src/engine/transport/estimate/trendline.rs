//! Is the delay growing? A line through the delays of the last groups, and a threshold that knows how noisy they are.
//!
//! The well-known trendline smooths the delays and compares the slope with a threshold that follows it. Here the slope is held
//! against its own standard error, and the growth against what growth usually is on this path, up and down: a path with
//! 200 ms of jitter has to show what jitter does not explain, and a quiet one is judged at once.

use super::arrival_groups::GroupDelay;

/// Groups a line goes through.
const WINDOW: usize = 32;
/// Fewer say nothing.
const WINDOW_MIN: usize = 8;
/// Nor do those of a shorter time, which must be longer where delays stray, by so many times their deviation.
const SPAN_MIN_MS: f64 = 60.0;
/// See [`SPAN_MIN_MS`].
const SPAN_NOISE: f64 = 5.0;
/// Older groups say nothing about now.
const AGE_MAX_US: u64 = 1_000_000;
/// The slope must be beyond so many of its standard errors: one false alarm in ten thousand windows of pure noise.
const ERRORS_MIN: f64 = 3.7;
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
    groups: [GroupDelay; WINDOW],
    len: usize,
    next: usize,
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
            groups: [GroupDelay { sent_us: 0, delay_us: 0 }; WINDOW],
            len: 0,
            next: 0,
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
        self.groups[self.next] = group;
        self.next = (self.next + 1) % WINDOW;
        self.len = (self.len + 1).min(WINDOW);
        let Some(line) = self.line(group) else {
            self.usage = Usage::Normal;
            self.is_certain = false;
            return;
        };
        // A property of the path, not of the moment: learnt in tens of groups, and forgotten in hundreds.
        let noise_ms = line.noise_ms.min(4.0 * self.noise_ms + 5.0);
        let weight = if noise_ms > self.noise_ms { 0.05 } else { 0.01 };
        self.noise_ms += (noise_ms - self.noise_ms) * weight;
        let long = line.span_ms > SPAN_MIN_MS + self.noise_ms * SPAN_NOISE;
        let meant = long && line.slope.abs() > ERRORS_MIN * line.slope_error;
        let threshold_ms = THRESHOLD_MS + self.swing.sqrt() * SWING_FACTOR;
        self.usage = match line.growth_ms {
            growth if meant && growth > threshold_ms && growth >= self.growth_before_ms * 0.8 => Usage::Over,
            growth if meant && growth < -threshold_ms => Usage::Under,
            _ => Usage::Normal,
        };
        self.is_certain = self.usage == Usage::Over && line.growth_ms > threshold_ms * CERTAIN;
        self.growth_before_ms = line.growth_ms;
        self.learn(group.sent_us, line.growth_ms.abs());
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
        self.len = 0;
        self.usage = Usage::Normal;
        self.is_certain = false;
        self.judged_us = None;
        self.growth_before_ms = 0.0;
    }

    fn learn(&mut self, at_us: u64, growth_ms: f64) {
        let since_us = self.judged_us.map_or(0, |before| at_us.saturating_sub(before)).min(50_000);
        self.judged_us = Some(at_us);
        let counted = growth_ms.min(self.swing.sqrt() * SWING_CLIP + 10.0);
        self.learnt_us = (self.learnt_us + since_us as f64).min(SWING_US);
        let over_us = self.learnt_us.max(SWING_FIRST_US);
        self.swing += (counted * counted - self.swing) * since_us as f64 / over_us;
    }

    /// Least squares through the groups of the last second; times and delays relative to the newest. Times are those of
    /// sending: a late packet arrives late, so that over times of arrival jitter itself would be a rising line.
    fn line(&self, newest: GroupDelay) -> Option<Line> {
        let mut points = [(0.0, 0.0); WINDOW];
        let (mut count, mut sum_x, mut sum_y) = (0, 0.0, 0.0);
        for group in &self.groups[..self.len] {
            let age_us = newest.sent_us.saturating_sub(group.sent_us);
            if age_us >= AGE_MAX_US {
                continue;
            }
            let delay_us = group.delay_us.saturating_sub(newest.delay_us);
            let (x, y) = (-(age_us as f64) / 1e3, delay_us as f64 / 1e3);
            points[count] = (x, y);
            (count, sum_x, sum_y) = (count + 1, sum_x + x, sum_y + y);
        }
        if count < WINDOW_MIN {
            return None;
        }
        let n = count as f64;
        let (mean_x, mean_y) = (sum_x / n, sum_y / n);
        let (mut xx, mut xy, mut yy, mut first) = (0.0, 0.0, 0.0, 0.0_f64);
        for &(x, y) in &points[..count] {
            let (dx, dy) = (x - mean_x, y - mean_y);
            xx += dx * dx;
            xy += dx * dy;
            yy += dy * dy;
            first = first.min(x);
        }
        if xx < 1.0 {
            return None;
        }
        let slope = xy / xx;
        let variance = ((yy - slope * xy) / (n - 2.0)).max(0.0);
        Some(Line {
            slope,
            slope_error: (variance / xx).sqrt(),
            growth_ms: slope * -first,
            span_ms: -first,
            noise_ms: variance.sqrt(),
        })
    }
}

struct Line {
    /// Milliseconds of delay a millisecond.
    slope: f64,
    slope_error: f64,
    growth_ms: f64,
    span_ms: f64,
    noise_ms: f64,
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
}
