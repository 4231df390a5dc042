//! What a publisher is asked to send again (RFC 4585 section 6.2.1): paced by the round trip, bounded, and given up.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// Packets waited for at once in one stream. A larger hole is cheaper to close with a keyframe.
pub const MISSING_MAX: usize = 256;
/// How long a packet may be late before it is asked for: reordering on real networks stays below.
pub const REORDER_WAIT: Duration = Duration::from_millis(10);
/// How often one packet is asked for.
const ASKED_MAX: u8 = 8;
/// A packet that is missing for so long would come too late to be shown. Nothing is asked for again whose answer could
/// only come after that.
const AGE_MAX: Duration = Duration::from_secs(1);
/// Between two requests for one packet at least, whatever the round trip.
const REPEAT_MIN: Duration = Duration::from_millis(20);
/// Sequence numbers in one request; the rest follows at once.
pub const REQUEST_MAX: usize = 128;

#[derive(Debug, Clone, Copy)]
struct Missing {
    index: u64,
    since: Instant,
    ask_at: Instant,
    asked: u8,
}

/// The missing packets of one stream, oldest first.
#[derive(Debug, Default)]
pub struct Nacks {
    missing: VecDeque<Missing>,
}

/// What to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Due {
    /// How many sequence numbers were written to the caller's list.
    pub count: usize,
    /// A packet was given up: only a keyframe helps.
    pub gave_up: bool,
}

impl Nacks {
    /// Packets `from..to` did not come. Returns false when the hole is too large to be repaired; then nothing is
    /// waited for any more.
    pub fn lost(&mut self, now: Instant, from: u64, to: u64) -> bool {
        if to.saturating_sub(from) > (MISSING_MAX - self.missing.len()) as u64 {
            self.missing.clear();
            return false;
        }
        let ask_at = now + REORDER_WAIT;
        self.missing.extend((from..to).map(|index| Missing { index, since: now, ask_at, asked: 0 }));
        true
    }

    /// A packet came after all. Returns whether it had been asked for.
    pub fn arrived(&mut self, index: u64) -> bool {
        let found = self.missing.binary_search_by_key(&index, |missing| missing.index);
        found.ok().and_then(|at| self.missing.remove(at)).is_some_and(|missing| missing.asked > 0)
    }

    /// Nothing before a keyframe is needed any more.
    pub fn forget_before(&mut self, index: u64) {
        while self.missing.front().is_some_and(|missing| missing.index < index) {
            self.missing.pop_front();
        }
    }

    /// When [`Nacks::due`] has something to say.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.missing.iter().map(|missing| missing.ask_at).min()
    }

    /// Writes what is to be asked for now into `out`, in ascending order.
    pub fn due(&mut self, now: Instant, round_trip: Duration, out: &mut [u16; REQUEST_MAX]) -> Due {
        let mut due = Due::default();
        self.missing.retain_mut(|missing| {
            if missing.ask_at > now || due.count == REQUEST_MAX {
                return true;
            }
            let age = now.saturating_duration_since(missing.since);
            let hopeless = age > AGE_MAX || (missing.asked > 0 && age + round_trip > AGE_MAX);
            if missing.asked == ASKED_MAX || hopeless {
                due.gave_up = true;
                return false;
            }
            missing.asked += 1;
            missing.ask_at = now + round_trip.max(REPEAT_MIN);
            out[due.count] = missing.index as u16;
            due.count += 1;
            true
        });
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUND_TRIP: Duration = Duration::from_millis(100);

    fn asked(nacks: &mut Nacks, now: Instant) -> (Vec<u16>, bool) {
        let mut out = [0; REQUEST_MAX];
        let due = nacks.due(now, ROUND_TRIP, &mut out);
        (out[..due.count].to_vec(), due.gave_up)
    }

    #[test]
    fn a_packet_that_is_only_out_of_order_is_not_asked_for() {
        let (start, mut nacks) = (Instant::now(), Nacks::default());
        assert!(nacks.lost(start, 10, 12));
        assert_eq!(asked(&mut nacks, start + REORDER_WAIT / 2), (vec![], false));
        assert!(!nacks.arrived(10), "nobody had asked");
        assert_eq!(nacks.poll_timeout(), Some(start + REORDER_WAIT));
        assert_eq!(asked(&mut nacks, start + REORDER_WAIT), (vec![11], false));
        assert!(nacks.arrived(11));
        assert_eq!(nacks.poll_timeout(), None);
    }

    #[test]
    fn requests_repeat_once_a_round_trip_and_end() {
        let (start, mut nacks) = (Instant::now(), Nacks::default());
        nacks.lost(start, 65_536 + 7, 65_536 + 8);
        let mut times = 0;
        let mut gave_up = false;
        while let Some(at) = nacks.poll_timeout() {
            assert!(asked(&mut nacks, at - Duration::from_millis(1)).0.is_empty());
            let (numbers, end) = asked(&mut nacks, at);
            gave_up |= end;
            times += numbers.len();
        }
        assert_eq!((times, gave_up), (usize::from(ASKED_MAX), true));
    }

    #[test]
    fn what_can_no_longer_come_in_time_is_given_up_before_it_is_too_old() {
        let (start, mut nacks) = (Instant::now(), Nacks::default());
        nacks.lost(start, 7, 8);
        let far = Duration::from_millis(600);
        let mut out = [0; REQUEST_MAX];
        assert_eq!(nacks.due(start + REORDER_WAIT, far, &mut out).count, 1, "once is always worth it");
        let again = nacks.poll_timeout().unwrap();
        assert!(again < start + AGE_MAX);
        assert_eq!(nacks.due(again, far, &mut out), Due { count: 0, gave_up: true });
        assert_eq!(nacks.poll_timeout(), None);
    }

    #[test]
    fn a_hole_beyond_the_bound_is_not_waited_for() {
        let (start, mut nacks) = (Instant::now(), Nacks::default());
        assert!(nacks.lost(start, 0, MISSING_MAX as u64));
        assert!(!nacks.lost(start, 1000, 1001));
        assert_eq!(nacks.poll_timeout(), None);
    }

    #[test]
    fn a_keyframe_ends_the_wait_for_what_came_before() {
        let (start, mut nacks) = (Instant::now(), Nacks::default());
        nacks.lost(start, 5, 8);
        nacks.forget_before(7);
        assert_eq!(asked(&mut nacks, start + REORDER_WAIT).0, [7]);
    }

    #[test]
    fn a_long_list_is_asked_for_in_parts() {
        let (start, mut nacks) = (Instant::now(), Nacks::default());
        nacks.lost(start, 0, REQUEST_MAX as u64 + 5);
        let now = start + REORDER_WAIT;
        assert_eq!(asked(&mut nacks, now).0.len(), REQUEST_MAX);
        assert_eq!(asked(&mut nacks, now).0.len(), 5);
        assert_eq!(asked(&mut nacks, now).0.len(), 0);
    }
}
