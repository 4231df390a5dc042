//! The rate itself: up by a share while nothing is in the way, by little near the rate that was too much, and down to what
//! arrived, less what drains the queue.

/// Growth a second while the path's limit is not known.
const GROWTH: f64 = 1.1;
/// Growth a second near the rate that was too much before: about a packet per round trip, or a little of much. The same for
/// all who share a queue, so that their shares become equal.
const GROWTH_NEAR_BPS: f64 = 40_000.0;
/// See [`GROWTH_NEAR_BPS`].
const GROWTH_NEAR: f64 = 0.01;
/// What was not tried is not assumed: growth ends at this multiple of what arrived, and a little for those who send little.
const UNTRIED_FACTOR: f64 = 1.5;
/// See [`UNTRIED_FACTOR`].
const UNTRIED_BPS: f64 = 20_000.0;
/// Going down, at least this share of what arrived is given up.
const DEPTH_MIN: f64 = 0.05;
/// At most; a queue of 300 ms or more is drained in about a second with it.
const DEPTH_MAX: f64 = 0.3;
/// At most, where the limit was seen before: the queue is ours and small.
const DEPTH_MAX_NEAR: f64 = 0.25;
/// Congestion that goes on although we went down: what we send did not follow. Each time so much is taken.
const INSIST: f64 = 0.92;
/// With an empty queue again, this share of what arrived when it was full.
const RESUME: f64 = 0.95;

/// The rate, in bits a second.
#[derive(Debug)]
pub struct Aimd {
    target: f64,
    min: f64,
    limit: Limit,
    changed_us: u64,
    decreased_us: Option<u64>,
    /// From going down until the queue is empty: the least that arrived meanwhile.
    draining: Option<f64>,
    /// The queue then.
    queue_ms: f64,
}

/// What arrived when it was too much: mean and relative deviation.
#[derive(Debug, Default, Clone, Copy)]
struct Limit {
    mean: Option<f64>,
    deviation: f64,
}

impl Aimd {
    /// Starts at this rate; never goes below `min`.
    pub fn new(now_us: u64, start: f64, min: f64) -> Self {
        Aimd {
            target: start,
            min,
            limit: Limit::default(),
            changed_us: now_us,
            decreased_us: None,
            draining: None,
            queue_ms: 0.0,
        }
    }

    /// The rate.
    pub fn target(&self) -> f64 {
        self.target
    }

    /// The rate is near one that was too much.
    pub fn is_near_limit(&self) -> bool {
        self.limit.mean.is_some_and(|mean| self.target > mean * 0.8)
    }

    /// It went down to empty a queue, which is not empty yet.
    pub fn is_draining(&self) -> bool {
        self.draining.is_some()
    }

    /// The path is congested while so much arrives and every packet waits `queue_ms`; what we do shows its effect after
    /// `response_us`. Returns whether the rate went down.
    pub fn handle_congestion(&mut self, now_us: u64, arrived: f64, queue_ms: f64, response_us: u64) -> bool {
        self.changed_us = now_us;
        let depth_max = if self.limit.covers(arrived) { DEPTH_MAX_NEAR } else { DEPTH_MAX };
        let mut to = arrived * (1.0 - (queue_ms / 1e3).clamp(DEPTH_MIN, depth_max));
        if self.decreased_us.is_some_and(|before| now_us < before + response_us) {
            // The last step may not have reached the queue yet; only if it was much too small, another one.
            if to > self.target * 0.85 {
                return false;
            }
        } else if self.draining.is_some() && queue_ms < self.queue_ms * 0.9 {
            // It works.
            self.queue_ms = queue_ms;
            self.decreased_us = Some(now_us);
            return false;
        } else if self.draining.is_some() && arrived > self.target * 1.02 {
            to = to.min(self.target * INSIST);
        }
        self.limit.note(arrived);
        self.draining = Some(self.draining.map_or(arrived, |least| least.min(arrived)));
        self.decreased_us = Some(now_us);
        self.queue_ms = queue_ms;
        self.lower(to)
    }

    /// The path shows no sign of trouble while so much arrives. `grow` is false while less is sent than might be, and while
    /// queues shrink: both prove nothing.
    pub fn handle_calm(&mut self, now_us: u64, arrived: f64, drained: bool, grow: bool) {
        let since = now_us.saturating_sub(self.changed_us).min(1_000_000) as f64 / 1e6;
        self.changed_us = now_us;
        if drained && let Some(least) = self.draining.take() {
            self.target = self.target.max(least * RESUME);
        }
        if !grow || self.draining.is_some() {
            return;
        }
        let most = (arrived * UNTRIED_FACTOR + UNTRIED_BPS).max(self.target);
        if most > self.target {
            let grown = if self.limit.covers(self.target) {
                self.target + GROWTH_NEAR_BPS.max(self.target * GROWTH_NEAR) * since
            } else {
                self.target * GROWTH.powf(since)
            };
            self.target = grown.min(most);
        }
        self.limit.forget_below(self.target);
    }

    /// It was shown that so much arrives; `limited` when more was tried and did not.
    pub fn raise(&mut self, now_us: u64, to: f64, limited: bool) {
        let beyond = self.limit.mean.is_some_and(|mean| to > mean * 1.05);
        if limited {
            self.limit.note(to);
        } else {
            self.limit.forget_below(to);
        }
        // Others may share what is beyond a known limit, and a burst takes more of it than its part.
        let to = if limited && beyond { (to + self.target) / 2.0 } else { to };
        if to > self.target {
            self.target = to;
            self.changed_us = now_us;
            self.draining = None;
        }
    }

    /// More than this does not arrive, whatever is sent. Returns whether the rate went down.
    pub fn cap(&mut self, now_us: u64, most: f64) -> bool {
        if most >= self.target {
            return false;
        }
        self.limit.note(most);
        self.changed_us = now_us;
        self.decreased_us = Some(now_us);
        self.lower(most)
    }

    /// Nothing is heard of the path: this much less.
    pub fn back_off(&mut self, now_us: u64, factor: f64) {
        self.changed_us = now_us;
        self.lower(self.target * factor);
    }

    fn lower(&mut self, to: f64) -> bool {
        let before = self.target;
        self.target = to.clamp(self.min, before.max(self.min));
        self.target < before
    }
}

impl Limit {
    fn note(&mut self, rate: f64) {
        let Some(mean) = self.mean.filter(|_| self.covers(rate)) else {
            *self = Limit { mean: Some(rate), deviation: 0.05 };
            return;
        };
        let mean = mean + (rate - mean) * 0.3;
        self.mean = Some(mean);
        self.deviation = (self.deviation * 0.7 + (rate - mean).abs() / mean.max(1.0) * 0.3).clamp(0.02, 0.1);
    }

    fn covers(&self, rate: f64) -> bool {
        self.mean.is_some_and(|mean| (rate - mean).abs() <= mean * (3.0 * self.deviation).max(0.1))
    }

    /// This much was carried: a limit below it is none.
    fn forget_below(&mut self, rate: f64) {
        if self.mean.is_some_and(|mean| rate > mean) && !self.covers(rate) {
            *self = Limit::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000;

    #[test]
    fn congestion_takes_it_below_what_arrived_and_an_empty_queue_brings_it_near_again() {
        let mut aimd = Aimd::new(0, 3e6, 5e4);
        assert!(aimd.handle_congestion(SECOND, 1e6, 200.0, SECOND / 2));
        assert_eq!(aimd.target(), 0.8e6);
        aimd.handle_calm(SECOND + 300_000, 0.8e6, false, true);
        assert_eq!(aimd.target(), 0.8e6, "the queue is not empty");
        aimd.handle_calm(SECOND + 600_000, 0.8e6, true, false);
        assert_eq!(aimd.target(), 0.95e6);
        assert!(aimd.is_near_limit());
    }

    #[test]
    fn one_step_down_per_response_unless_it_was_much_too_small() {
        let mut aimd = Aimd::new(0, 3e6, 5e4);
        aimd.handle_congestion(SECOND, 2e6, 50.0, SECOND);
        assert_eq!(aimd.target(), 1.9e6);
        assert!(!aimd.handle_congestion(SECOND + 100_000, 1.9e6, 60.0, SECOND));
        assert!(aimd.handle_congestion(SECOND + 150_000, 0.8e6, 100.0, SECOND));
        assert_eq!(aimd.target(), 0.72e6);
    }

    #[test]
    fn a_sender_that_does_not_follow_is_pressed_further_down() {
        let mut aimd = Aimd::new(0, 1.2e6, 5e4);
        for second in 1..5 {
            aimd.handle_congestion(second * SECOND, 1e6, 50.0, SECOND / 2);
        }
        assert!((0.7e6..0.8e6).contains(&aimd.target()), "{aimd:?}");
    }

    #[test]
    fn growth_is_slow_near_the_limit_and_faster_beyond_it() {
        let grown = |aimd: &mut Aimd, from: u64| {
            let before = aimd.target();
            let arrived = before;
            (1..=10).for_each(|n| aimd.handle_calm(from + n * SECOND / 10, arrived, true, true));
            aimd.target() / before
        };
        let mut aimd = Aimd::new(0, 1e6, 5e4);
        let far = grown(&mut aimd, 0);
        aimd.handle_congestion(2 * SECOND, 1e6, 50.0, SECOND);
        let near = grown(&mut aimd, 2 * SECOND);
        assert!(far > 1.09 && near < 1.05, "{far} {near}");
        aimd.raise(4 * SECOND, 2e6, false);
        assert!(grown(&mut aimd, 4 * SECOND) > 1.09);
    }

    #[test]
    fn it_grows_only_to_what_was_tried() {
        let mut aimd = Aimd::new(0, 1e6, 5e4);
        (1..1000).for_each(|n| aimd.handle_calm(n * SECOND, 1e6, true, true));
        assert_eq!(aimd.target(), 1.52e6);
    }
}
