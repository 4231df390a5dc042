//! How often values of each size came: a count for each of a few sizes and one sum, without allocation.

/// Counts by `N` upper bounds. The bounds are a constant beside the field, ascending, each inclusive, so that a snapshot
/// holds nothing but counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Histogram<const N: usize> {
    /// Values up to each bound that are above the one before.
    counts: [u64; N],
    /// Values above the last bound.
    above: u64,
    sum: u64,
}

impl<const N: usize> Default for Histogram<N> {
    fn default() -> Self {
        Histogram { counts: [0; N], above: 0, sum: 0 }
    }
}

impl<const N: usize> Histogram<N> {
    /// One more value.
    pub fn note(&mut self, bounds: &[u64; N], value: u64) {
        match bounds.iter().position(|&bound| value <= bound) {
            Some(bucket) => self.counts[bucket] += 1,
            None => self.above += 1,
        }
        self.sum = self.sum.saturating_add(value);
    }

    /// All values of another one, which has the same bounds.
    pub fn add(&mut self, other: &Self) {
        self.counts.iter_mut().zip(other.counts).for_each(|(count, others)| *count += others);
        self.above += other.above;
        self.sum = self.sum.saturating_add(other.sum);
    }

    /// Values up to each bound, those of the bounds before included.
    pub fn up_to(&self) -> [u64; N] {
        let mut sum = 0;
        self.counts.map(|count| {
            sum += count;
            sum
        })
    }

    /// Values.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum::<u64>() + self.above
    }

    /// All values together.
    pub fn sum(&self) -> u64 {
        self.sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: [u64; 3] = [1, 10, 100];

    fn of(values: &[u64]) -> Histogram<3> {
        let mut histogram = Histogram::default();
        values.iter().for_each(|&value| histogram.note(&BOUNDS, value));
        histogram
    }

    #[test]
    fn a_value_counts_for_its_own_bound_and_all_above() {
        let histogram = of(&[0, 1, 2, 10, 11, 100, 101]);
        assert_eq!(histogram.up_to(), [2, 4, 6]);
        assert_eq!((histogram.count(), histogram.sum()), (7, 225));
    }

    #[test]
    fn two_histograms_together_are_that_of_all_values() {
        let mut both = of(&[1, 50]);
        both.add(&of(&[5, 5000]));
        assert_eq!(both, of(&[1, 5, 50, 5000]));
    }

    #[test]
    fn sums_beyond_all_numbers_stay_at_the_largest() {
        assert_eq!(of(&[u64::MAX, 1]).sum(), u64::MAX);
    }
}
