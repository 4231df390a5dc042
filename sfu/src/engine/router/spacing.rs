//! How a publisher spaces the packets of its frames: for how long it is worth holding one for the next.
//!
//! Browsers hand a frame over in one go. A simple sender, or a pacer before a narrow uplink, spreads it over the time to the
//! next: to hold its packets delays each of them and joins none. All of that is seen when packets come, whether or not those
//! before them were held.

use std::time::{Duration, Instant};

/// After so many packets in a row that nobody would have waited for, nobody waits, until one comes in time again. Of what
/// Chromium sends not even two follow each other.
const IN_VAIN_MAX: u8 = 3;
/// Waiting takes so many times the longest gap of late: packets of a frame lie tens of microseconds apart, and a few of them
/// much more.
const GAPS: u32 = 4;
/// With each gap a shorter one becomes the longest by this part of it: about as fast as frames follow each other.
const FADING: u32 = 32;
/// Less is never waited: to wake up takes as long.
const WAIT_MIN: Duration = Duration::from_micros(200);

/// See the module. Of one RTP stream.
#[derive(Debug, Default, Clone, Copy)]
pub struct Spacing {
    /// The newest packet: timestamp and arrival.
    newest: Option<(u32, Instant)>,
    /// The longest of the gaps that were worth waiting for; `None` before the first.
    gap: Option<Duration>,
    /// Gaps since then that were not.
    in_vain: u8,
}

impl Spacing {
    /// Takes note of the newest packet of its stream. Returns how long to wait for the next one of its frame, `patience` at
    /// most.
    pub fn note(&mut self, now: Instant, timestamp: u32, patience: Duration) -> Duration {
        let before = self.newest.replace((timestamp, now));
        if let Some((_, at)) = before.filter(|&(of, _)| of == timestamp) {
            self.learn(now.saturating_duration_since(at), patience);
        }
        if self.in_vain >= IN_VAIN_MAX {
            return Duration::ZERO;
        }
        self.gap.map_or(patience, |gap| (gap * GAPS).max(WAIT_MIN).min(patience))
    }

    fn learn(&mut self, gap: Duration, patience: Duration) {
        if gap > patience {
            self.in_vain = self.in_vain.saturating_add(1);
            return;
        }
        let longest = self.gap.map_or(gap, |longest| gap.max(longest - longest / FADING));
        (self.gap, self.in_vain) = (Some(longest), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PATIENCE: Duration = Duration::from_millis(1);

    /// Frames of packets so many microseconds apart. Returns how long each is waited for.
    fn waits(spacing: &mut Spacing, frames: u32, gaps_us: &[u64]) -> Vec<Duration> {
        let mut now = spacing.newest.map_or_else(Instant::now, |(_, at)| at + Duration::from_millis(20));
        let mut timestamp = spacing.newest.map_or(0, |(timestamp, _)| timestamp);
        let mut waits = Vec::new();
        for _ in 0..frames {
            timestamp += 3000;
            waits.push(spacing.note(now, timestamp, PATIENCE));
            for &gap_us in gaps_us {
                now += Duration::from_micros(gap_us);
                waits.push(spacing.note(now, timestamp, PATIENCE));
            }
            now += Duration::from_millis(20);
        }
        waits
    }

    #[test]
    fn a_stream_nothing_is_known_of_is_waited_for_with_all_patience() {
        assert_eq!(Spacing::default().note(Instant::now(), 1, PATIENCE), PATIENCE);
    }

    #[test]
    fn packets_that_come_evenly_are_not_waited_for() {
        let mut spacing = Spacing::default();
        let waits = waits(&mut spacing, 20, &[5000; 4]);
        let waited = waits.iter().filter(|wait| **wait > Duration::ZERO).count();
        assert_eq!(waited, usize::from(IN_VAIN_MAX), "{waits:?}");
    }

    #[test]
    fn one_that_comes_in_time_again_is_believed() {
        let mut spacing = Spacing::default();
        waits(&mut spacing, 20, &[5000; 4]);
        let waits = waits(&mut spacing, 1, &[30, 30]);
        assert_eq!(waits, [Duration::ZERO, WAIT_MIN, WAIT_MIN]);
    }

    #[test]
    fn the_wait_is_some_times_the_longest_gap_of_late() {
        let mut spacing = Spacing::default();
        assert_eq!(waits(&mut spacing, 1, &[100]).last(), Some(&Duration::from_micros(400)));
        assert_eq!(waits(&mut spacing, 1, &[200]).last(), Some(&Duration::from_micros(800)));
        assert_eq!(waits(&mut spacing, 1, &[900]).last(), Some(&PATIENCE));
        assert_eq!(waits(&mut spacing, 40, &[10; 5]).last(), Some(&WAIT_MIN), "it is forgotten");
    }

    #[test]
    fn pairs_of_packets_wait_for_each_other_and_not_for_the_next_pair() {
        let mut spacing = Spacing::default();
        let waits = waits(&mut spacing, 50, &[30, 5000, 30, 5000, 30]);
        assert!(waits[5..].iter().all(|&wait| wait == WAIT_MIN), "{waits:?}");
    }

    #[test]
    fn without_patience_nothing_is_waited_for() {
        let (mut spacing, now) = (Spacing::default(), Instant::now());
        assert_eq!(spacing.note(now, 1, Duration::ZERO), Duration::ZERO);
        assert_eq!(spacing.note(now, 1, Duration::ZERO), Duration::ZERO);
        assert_eq!(spacing.note(now + PATIENCE, 1, Duration::ZERO), Duration::ZERO);
    }

    proptest! {
        /// What is lost by waiting does not depend on what comes: three packets of patience for each that came in time.
        #[test]
        fn patience_is_spent_in_vain_at_most_three_times_for_each_packet_that_comes_in_time(
            patience_us in 0..20_000_u64,
            gaps in prop::collection::vec((prop_oneof![0..300_u64, 0..30_000_u64], 0..4_u32), 1..300),
        ) {
            let patience = Duration::from_micros(patience_us);
            let (mut spacing, mut now, mut timestamp) = (Spacing::default(), Instant::now(), 0_u32);
            let (mut wait, mut came_in_time, mut in_vain) = (Duration::ZERO, 1, 0);
            for (gap_us, frame) in gaps {
                let gap = Duration::from_micros(gap_us);
                // Most packets are of the frame of the one before.
                let same = frame > 0;
                timestamp = timestamp.wrapping_add(u32::from(!same) * 3000);
                now += gap;
                came_in_time += u32::from(same && gap <= patience);
                in_vain += u32::from(same && gap > patience && wait > Duration::ZERO);
                wait = spacing.note(now, timestamp, patience);
                prop_assert!(wait <= patience);
            }
            prop_assert!(in_vain <= came_in_time * u32::from(IN_VAIN_MAX), "{in_vain} of {came_in_time}");
        }
    }
}
