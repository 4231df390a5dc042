//! How many bits per second pass, over the last second.

use std::time::{Duration, Instant};

use plenum_shared::media::Bitrate;

const BUCKETS: usize = 8;
const BUCKET: Duration = Duration::from_millis(125);

/// A sliding window of one second in eight steps.
#[derive(Debug, Clone)]
pub struct RateMeter {
    bytes: [u32; BUCKETS],
    current: usize,
    current_until: Option<Instant>,
}

impl Default for RateMeter {
    fn default() -> Self {
        RateMeter { bytes: [0; BUCKETS], current: 0, current_until: None }
    }
}

impl RateMeter {
    /// Takes note of bytes that pass.
    #[inline]
    pub fn add(&mut self, now: Instant, bytes: usize) {
        self.turn(now);
        self.bytes[self.current] = self.bytes[self.current].saturating_add(bytes as u32);
    }

    /// The rate of the last second.
    pub fn rate(&mut self, now: Instant) -> Bitrate {
        self.turn(now);
        let bits: u64 = self.bytes.iter().map(|&bytes| u64::from(bytes) * 8).sum();
        // The newest bucket is not over yet.
        let left = self.current_until.map_or(BUCKET, |until| until.saturating_duration_since(now));
        let covered = BUCKET * BUCKETS as u32 - left;
        Bitrate((u128::from(bits) * 1_000_000 / covered.as_micros()) as u64)
    }

    #[inline]
    fn turn(&mut self, now: Instant) {
        if self.current_until.is_none_or(|until| now >= until) {
            self.turn_on(now);
        }
    }

    /// The step is over, or the first one begins.
    #[cold]
    fn turn_on(&mut self, now: Instant) {
        let Some(until) = self.current_until else {
            self.current_until = Some(now + BUCKET);
            return;
        };
        let behind = now.duration_since(until).as_micros() / BUCKET.as_micros();
        let steps = (behind as usize).saturating_add(1);
        for _ in 0..steps.min(BUCKETS) {
            self.current = (self.current + 1) % BUCKETS;
            self.bytes[self.current] = 0;
        }
        self.current_until = Some(if steps > BUCKETS { now + BUCKET } else { until + BUCKET * steps as u32 });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_follows_what_passed_in_the_last_second() {
        let start = Instant::now();
        let mut meter = RateMeter::default();
        for ms in (0..2000).step_by(10) {
            meter.add(start + Duration::from_millis(ms), 1250);
        }
        let rate = meter.rate(start + Duration::from_millis(1990)).0;
        assert!((980_000..=1_020_000).contains(&rate), "{rate}");
        assert_eq!(meter.rate(start + Duration::from_millis(3200)), Bitrate(0));
        meter.add(start + Duration::from_secs(3600), 125);
        assert_eq!(meter.rate(start + Duration::from_millis(3_600_124)), Bitrate(1001));
    }
}
