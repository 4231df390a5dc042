//! The share of packets lost in the last two seconds: what a path is like now, for people. What the estimate is made of is
//! remembered for longer, in `loss.rs`.

/// Times that are told apart, in microseconds.
const STEP_US: u64 = 500_000;
/// Of which so many count, the newest as far as it is over.
const STEPS: usize = 5;
/// As many as a second of sound. One that is lost of fewer would be a lossy path.
const PACKETS_MIN: u32 = 50;

/// What became known lately.
#[derive(Debug, Default, Clone, Copy)]
pub struct Lately {
    steps: [Step; STEPS],
}

#[derive(Debug, Default, Clone, Copy)]
struct Step {
    number: u64,
    known: u32,
    lost: u32,
}

impl Lately {
    /// The fate of so many packets became known, of which so many were lost.
    pub fn note(&mut self, now_us: u64, known: u32, lost: u32) {
        let number = now_us / STEP_US;
        let step = &mut self.steps[(number % STEPS as u64) as usize];
        if step.number != number {
            *step = Step { number, ..Step::default() };
        }
        step.known = step.known.saturating_add(known);
        step.lost = step.lost.saturating_add(lost);
    }

    /// The share that was lost; `None` where it would be one of a few packets.
    pub fn share(&self, now_us: u64) -> Option<f64> {
        let newest = now_us / STEP_US;
        let counts = self.steps.iter().filter(|step| step.number + STEPS as u64 > newest);
        let (known, lost) = counts.fold((0_u32, 0_u32), |(known, lost), step| {
            (known.saturating_add(step.known), lost.saturating_add(step.lost))
        });
        (known >= PACKETS_MIN).then(|| f64::from(lost) / f64::from(known))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND_US: u64 = 1_000_000;

    #[test]
    fn what_was_lost_is_told_as_it_is_and_forgotten_within_three_seconds() {
        let mut lately = Lately::default();
        (0..500).for_each(|n| lately.note(n * 20_000, 1, u32::from(n % 5 != 0)));
        assert_eq!(lately.share(10 * SECOND_US), Some(0.8));
        (500..650).for_each(|n| lately.note(n * 20_000, 1, 0));
        assert_eq!(lately.share(13 * SECOND_US), Some(0.0));
    }

    #[test]
    fn a_few_packets_tell_nothing_nor_do_those_of_long_ago() {
        let mut lately = Lately::default();
        assert_eq!(lately.share(0), None);
        lately.note(0, PACKETS_MIN - 1, PACKETS_MIN - 1);
        assert_eq!(lately.share(0), None);
        lately.note(0, 1, 0);
        assert!(lately.share(SECOND_US).is_some_and(|share| share > 0.9));
        assert_eq!(lately.share(3 * SECOND_US), None);
        assert_eq!(lately.share(u64::MAX), None);
    }
}
