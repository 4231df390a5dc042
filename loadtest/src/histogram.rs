//! Delays in buckets that grow with the value: 3 % exact at any size, in a few kilobytes.

/// Buckets per doubling.
const STEPS: u64 = 32;

/// Longer durations count as this; an hour of delay needs no finer word.
const MAX_NS: u64 = 3_600_000_000_000;

/// Counts of durations.
#[derive(Clone, Debug, Default)]
pub struct Histogram {
    buckets: Vec<u64>,
    count: u64,
    max_ns: u64,
}

impl Histogram {
    pub fn record(&mut self, value_ns: u64) {
        let index = bucket(value_ns.min(MAX_NS));
        if index >= self.buckets.len() {
            self.buckets.resize(index + 1, 0);
        }
        self.buckets[index] += 1;
        self.count += 1;
        self.max_ns = self.max_ns.max(value_ns);
    }

    pub fn merge(&mut self, other: &Self) {
        if other.buckets.len() > self.buckets.len() {
            self.buckets.resize(other.buckets.len(), 0);
        }
        for (mine, theirs) in self.buckets.iter_mut().zip(&other.buckets) {
            *mine += theirs;
        }
        self.count += other.count;
        self.max_ns = self.max_ns.max(other.max_ns);
    }

    /// Forgets everything but the space it took.
    pub fn clear(&mut self) {
        self.buckets.fill(0);
        (self.count, self.max_ns) = (0, 0);
    }

    /// What was recorded after `earlier`, an older state of the same histogram; the largest value within a bucket.
    pub fn since(&self, earlier: &Self) -> Self {
        let before = earlier.buckets.iter().copied().chain(std::iter::repeat(0));
        let buckets: Vec<u64> =
            self.buckets.iter().zip(before).map(|(now, before)| now.saturating_sub(before)).collect();
        let top = buckets.iter().rposition(|count| *count > 0);
        let max_ns = top.map_or(0, |index| upper_ns(index).min(self.max_ns));
        Self { buckets, count: self.count.saturating_sub(earlier.count), max_ns }
    }

    /// The value that `share` (0.0 to 1.0) of all values do not exceed; 0 when nothing was recorded.
    pub fn quantile_ns(&self, share: f64) -> u64 {
        let rank = (share * self.count as f64).ceil() as u64;
        let mut seen = 0;
        for (index, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= rank.max(1) {
                return upper_ns(index).min(self.max_ns);
            }
        }
        0
    }

    pub fn count(&self) -> u64 {
        self.count
    }

    pub fn max_ns(&self) -> u64 {
        self.max_ns
    }
}

fn bucket(value_ns: u64) -> usize {
    let value = u128::from(value_ns.max(1));
    let doubling = value.ilog2();
    let within = ((value * u128::from(STEPS)) >> doubling) as u64 - STEPS;
    (u64::from(doubling) * STEPS + within) as usize
}

/// The largest value of a bucket, or a little more.
fn upper_ns(index: usize) -> u64 {
    let (doubling, within) = (index as u64 / STEPS, index as u64 % STEPS);
    ((u128::from(STEPS + within + 1) << doubling) / u128::from(STEPS)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_right_within_a_bucket() {
        let mut histogram = Histogram::default();
        for micros in 1..=1000_u64 {
            histogram.record(micros * 1000);
        }
        let median = histogram.quantile_ns(0.5);
        assert!((500_000..=520_000).contains(&median), "{median}");
        let high = histogram.quantile_ns(0.99);
        assert!((990_000..=1_000_000).contains(&high), "{high}");
        assert_eq!(histogram.quantile_ns(1.0), 1_000_000);
        assert_eq!(histogram.max_ns(), 1_000_000);
    }

    #[test]
    fn nothing_recorded_is_zero() {
        assert_eq!(Histogram::default().quantile_ns(0.5), 0);
    }

    #[test]
    fn what_was_cleared_is_as_new() {
        let mut histogram = Histogram::default();
        histogram.record(5_000_000);
        histogram.clear();
        assert_eq!((histogram.count(), histogram.max_ns(), histogram.quantile_ns(0.5)), (0, 0, 0));
        histogram.record(1_000);
        assert_eq!(histogram.quantile_ns(1.0), 1_000);
    }

    #[test]
    fn what_came_since_is_told_from_what_was_there() {
        let mut histogram = Histogram::default();
        histogram.record(9_000_000_000);
        histogram.record(1_000);
        let before = histogram.clone();
        assert_eq!(histogram.since(&before).count(), 0);
        assert_eq!(histogram.since(&before).max_ns(), 0);
        (0..10).for_each(|_| histogram.record(2_000_000));
        let since = histogram.since(&before);
        assert_eq!(since.count(), 10);
        assert!((2_000_000..2_070_000).contains(&since.max_ns()), "{}", since.max_ns());
        assert!((2_000_000..2_070_000).contains(&since.quantile_ns(0.01)));
        assert_eq!(histogram.since(&Histogram::default()).max_ns(), 9_000_000_000);
    }

    #[test]
    fn merging_is_the_same_as_recording_all() {
        let (mut left, mut right, mut both) =
            (Histogram::default(), Histogram::default(), Histogram::default());
        for value in [3_000, 70_000, 5_000_000_000] {
            left.record(value);
            both.record(value);
        }
        for value in [1, 900_000_000_000] {
            right.record(value);
            both.record(value);
        }
        left.merge(&right);
        assert_eq!(left.buckets, both.buckets);
        assert_eq!((left.count(), left.max_ns()), (both.count(), both.max_ns()));
    }

    #[test]
    fn every_value_lies_at_or_below_the_top_of_its_bucket() {
        for value in (0..41).map(|bit| 1_u64 << bit).flat_map(|power| [power - 1, power, power + power / 3]) {
            assert!(upper_ns(bucket(value)) >= value, "{value}");
        }
    }
}
