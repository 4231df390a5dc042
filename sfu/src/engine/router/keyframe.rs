//! Who wants a keyframe, and how often we may bother the publisher.
//!
//! Chromium answers a request for one layer with a keyframe of every layer, and answers no more than about three in a
//! second. So requests of one producer are merged: all layers wanted are asked for in one go, at most once in
//! [`INTERVAL_MIN`], and again until a keyframe of each layer came.

use std::time::{Duration, Instant};

/// Between two requests to one producer at least.
pub const INTERVAL_MIN: Duration = Duration::from_millis(300);
/// Unanswered requests are repeated after twice the time, up to this.
const INTERVAL_MAX: Duration = Duration::from_secs(2);

/// The requests of one producer.
#[derive(Debug, Default)]
pub struct KeyframeRequests {
    /// One bit per layer.
    wanted: u8,
    /// Of those, what home was told by a mirror, and when the first of it was.
    told: u8,
    told_at: Option<Instant>,
    asked_at: Option<Instant>,
    /// Requests since the last keyframe.
    unanswered: u32,
}

impl KeyframeRequests {
    /// Somebody needs a keyframe of a layer.
    pub fn want(&mut self, layer: u8) {
        self.wanted |= 1 << layer.min(7);
    }

    /// A keyframe of a layer came.
    pub fn arrived(&mut self, layer: u8) {
        self.wanted &= !(1 << layer.min(7));
        self.told &= self.wanted;
        self.unanswered = 0;
    }

    /// Nobody looks any more.
    pub fn forget(&mut self) {
        self.wanted = 0;
        self.told = 0;
    }

    /// The layers that home has not been told of yet, one bit each. What it was told of it asks for by itself until it comes;
    /// when that takes long it is told again, as it may have come and been dropped on the way here.
    pub fn take_untold(&mut self, now: Instant) -> u8 {
        if self.told_at.is_some_and(|at| now.saturating_duration_since(at) >= INTERVAL_MAX) {
            self.told = 0;
        }
        let untold = self.wanted & !self.told;
        if self.told == 0 && untold != 0 {
            self.told_at = Some(now);
        }
        self.told |= untold;
        untold
    }

    /// When to ask the layers that can answer (one bit each); in the past when it is allowed at once.
    pub fn poll_timeout(&self, now: Instant, answering: u8) -> Option<Instant> {
        if self.wanted & answering == 0 {
            return None;
        }
        let Some(asked_at) = self.asked_at else { return Some(now) };
        let backoff = INTERVAL_MIN * (1 << self.unanswered.saturating_sub(1).min(4));
        Some(asked_at + backoff.min(INTERVAL_MAX))
    }

    /// The layers to ask for now, one bit each; 0 while it is too early. A layer that cannot answer is asked once it can:
    /// until then its request would only have the others repeat theirs, or make them wait.
    pub fn due(&mut self, now: Instant, answering: u8) -> u8 {
        if self.poll_timeout(now, answering).is_none_or(|at| at > now) {
            return 0;
        }
        self.asked_at = Some(now);
        self.unanswered += 1;
        self.wanted & answering
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: u8 = u8::MAX;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn the_first_request_goes_out_at_once_and_the_next_ones_wait_and_merge() {
        let start = Instant::now();
        let mut requests = KeyframeRequests::default();
        assert_eq!(requests.due(start, EVERY), 0);
        requests.want(2);
        assert_eq!(requests.poll_timeout(start, EVERY), Some(start));
        assert_eq!(requests.due(start, EVERY), 0b100);
        requests.arrived(2);
        requests.want(0);
        requests.want(1);
        assert_eq!(requests.due(start + ms(100), EVERY), 0);
        assert_eq!(requests.poll_timeout(start + ms(100), EVERY), Some(start + INTERVAL_MIN));
        assert_eq!(requests.due(start + INTERVAL_MIN, EVERY), 0b011);
    }

    #[test]
    fn an_unanswered_request_is_repeated_ever_more_slowly_until_a_keyframe_comes() {
        let start = Instant::now();
        let mut requests = KeyframeRequests::default();
        requests.want(0);
        let mut sent_ms = Vec::new();
        for t in 0..8000 {
            if requests.due(start + ms(t), EVERY) != 0 {
                sent_ms.push(t);
            }
        }
        assert_eq!(sent_ms, [0, 300, 900, 2100, 4100, 6100]);
        requests.arrived(0);
        assert_eq!(requests.poll_timeout(start + ms(8000), EVERY), None);
    }
}
