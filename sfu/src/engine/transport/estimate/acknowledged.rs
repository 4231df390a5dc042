//! How many bytes passed in the last moments: those that arrived, by the receiver's clock, or those that left, by ours.

/// Fine enough to see a step in the rate within a tenth of a second.
const BUCKET_US: i64 = 20_000;
/// Together 640 ms.
const BUCKETS: usize = 32;
/// Less than this is no measurement.
const MEASURED_MIN: i64 = 4;

/// Bytes by time.
#[derive(Debug, Default)]
pub struct RateWindow {
    /// All that passed.
    total: u64,
    /// When the newest bucket begins.
    newest_from_us: i64,
    /// The first and the newest bucket that count; `None` before the first byte.
    span: Option<(i64, i64)>,
    /// What had passed when each bucket began: what passed between two of them is one subtraction, for as many as there are.
    before: [u64; BUCKETS],
}

impl RateWindow {
    /// So many bytes passed at this time. What is older than the window is not counted.
    #[inline]
    pub fn add(&mut self, at_us: i64, bytes: usize) {
        if self.is_newest(at_us) {
            self.total += bytes as u64;
        } else {
            self.add_elsewhere(at_us, bytes);
        }
    }

    /// Time passes, whether there are bytes or not.
    pub fn advance(&mut self, at_us: i64) {
        if !self.is_newest(at_us) {
            self.advance_to(at_us.div_euclid(BUCKET_US));
        }
    }

    /// Bits a second over the last so many milliseconds, or as long as there is something to measure, without the moment
    /// that is not over. `None` when that is too short.
    pub fn bits_per_second(&self, over_ms: u32) -> Option<f64> {
        let (first, newest) = self.span?;
        let wanted = i64::from(over_ms) * 1000 / BUCKET_US;
        let from = first.max(newest - wanted.min(BUCKETS as i64 - 1));
        let buckets = newest - from;
        if buckets < MEASURED_MIN {
            return None;
        }
        let bytes = self.before[index(newest)] - self.before[index(from)];
        Some(bytes as f64 * 8e6 / (buckets * BUCKET_US) as f64)
    }

    #[inline(never)]
    fn add_elsewhere(&mut self, at_us: i64, bytes: usize) {
        let bucket = at_us.div_euclid(BUCKET_US);
        self.advance_to(bucket);
        if let Some((first, newest)) = self.span
            && (first..=newest).contains(&bucket)
        {
            self.total += bytes as u64;
            (bucket + 1..=newest).for_each(|later| self.before[index(later)] += bytes as u64);
        }
    }

    fn advance_to(&mut self, bucket: i64) {
        let (first, newest) = self.span.unwrap_or((bucket, bucket - 1));
        if bucket <= newest {
            return;
        }
        let passed = newest.max(bucket - BUCKETS as i64) + 1..=bucket;
        passed.for_each(|passed| self.before[index(passed)] = self.total);
        self.span = Some((first.max(bucket - BUCKETS as i64 + 1), bucket));
        self.newest_from_us = bucket.wrapping_mul(BUCKET_US);
    }

    /// That is where nearly everything falls that is added.
    fn is_newest(&self, at_us: i64) -> bool {
        self.span.is_some() && (0..BUCKET_US).contains(&at_us.wrapping_sub(self.newest_from_us))
    }
}

fn index(bucket: i64) -> usize {
    bucket.rem_euclid(BUCKETS as i64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_flow_is_measured_and_a_step_is_seen_in_the_short_window_first() {
        let mut window = RateWindow::default();
        for at_ms in 0..1_000 {
            window.add(at_ms * 1_000, 125);
        }
        assert_eq!(window.bits_per_second(500).map(|rate| rate.round()), Some(1e6));
        for at_ms in 1_000..1_200 {
            window.add(at_ms * 1_000, 25);
        }
        assert!(window.bits_per_second(100).is_some_and(|rate| rate < 0.21e6));
        assert!(window.bits_per_second(500).is_some_and(|rate| rate > 0.6e6));
    }

    #[test]
    fn silence_counts_and_too_little_time_is_no_measurement() {
        let mut window = RateWindow::default();
        assert_eq!(window.bits_per_second(500), None);
        window.add(-7, 1000);
        window.add(30_000, 1000);
        assert_eq!(window.bits_per_second(500), None);
        window.advance(5_000_000);
        assert_eq!(window.bits_per_second(500), Some(0.0));
        window.add(3, 1000);
        assert_eq!(window.bits_per_second(500), Some(0.0), "too old");
    }

    #[test]
    fn what_arrives_late_counts_where_it_belongs() {
        let mut window = RateWindow::default();
        (0..40).for_each(|bucket| window.add(bucket * BUCKET_US, 100));
        window.add(35 * BUCKET_US, 1_000);
        let bytes_of = |window: &RateWindow, buckets: u32| {
            let rate = window.bits_per_second(buckets * BUCKET_US as u32 / 1_000).unwrap_or_default();
            (rate * f64::from(buckets) * BUCKET_US as f64 / 8e6).round()
        };
        assert_eq!([4, 5, 31].map(|buckets| bytes_of(&window, buckets)), [1_400.0, 1_500.0, 4_100.0]);
        window.add(36 * BUCKET_US, 1_000);
        assert_eq!([4, 5, 31].map(|buckets| bytes_of(&window, buckets)), [2_400.0, 2_500.0, 5_100.0]);
    }
}
