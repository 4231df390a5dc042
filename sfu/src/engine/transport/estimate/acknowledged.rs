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
    bytes: [u32; BUCKETS],
    /// The first and the newest bucket that count; `None` before the first byte.
    span: Option<(i64, i64)>,
}

impl RateWindow {
    /// So many bytes passed at this time. What is older than the window is not counted.
    pub fn add(&mut self, at_us: i64, bytes: usize) {
        self.advance(at_us);
        let bucket = at_us.div_euclid(BUCKET_US);
        if let Some((first, newest)) = self.span
            && (first..=newest).contains(&bucket)
        {
            let place = &mut self.bytes[index(bucket)];
            *place = place.saturating_add(bytes as u32);
        }
    }

    /// Time passes, whether there are bytes or not.
    pub fn advance(&mut self, at_us: i64) {
        let bucket = at_us.div_euclid(BUCKET_US);
        let Some((first, newest)) = self.span else {
            self.span = Some((bucket, bucket));
            return;
        };
        if bucket <= newest {
            return;
        }
        if bucket - newest >= BUCKETS as i64 {
            self.bytes = [0; BUCKETS];
        } else {
            (newest + 1..=bucket).for_each(|passed| self.bytes[index(passed)] = 0);
        }
        self.span = Some((first.max(bucket - BUCKETS as i64 + 1), bucket));
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
        let bytes: u64 = (from..newest).map(|bucket| u64::from(self.bytes[index(bucket)])).sum();
        Some(bytes as f64 * 8e6 / (buckets * BUCKET_US) as f64)
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
}
