//! Stories of one peer whose path comes and goes, on a virtual clock.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::engine::transport::allocate::{Precedence, Rung};

/// Between two looks.
const LOOK_MS: u64 = 500;

struct Story {
    start: Instant,
    ms: u64,
    sharing: Sharing,
    has_fallen: bool,
    is_proven: bool,
    is_losing: bool,
    data: Bitrate,
    data_is_ahead: bool,
    lists: Lists,
    /// When each consumer changed, and to what.
    changes: Vec<Vec<(u64, Option<u8>)>>,
    wanted: Option<Bitrate>,
    to_prove: Option<Bitrate>,
}

impl Story {
    fn of(consumers: usize) -> Self {
        let lists = Lists { demands: vec![simulcast(); consumers], ..Lists::default() };
        Story {
            start: Instant::now(),
            ms: 0,
            sharing: Sharing::default(),
            has_fallen: true,
            is_proven: true,
            is_losing: false,
            data: Bitrate(0),
            data_is_ahead: false,
            lists,
            changes: vec![Vec::new(); consumers],
            wanted: None,
            to_prove: None,
        }
    }

    fn look(&mut self, budget_kbps: u64) {
        let now = self.start + Duration::from_millis(self.ms);
        let Story { has_fallen, is_proven, is_losing, data, data_is_ahead, .. } = *self;
        let budget = Bitrate::kbps(budget_kbps);
        let known = Known { budget, data, data_is_ahead, has_fallen, is_proven, is_losing };
        let decision = self.sharing.decide(now, known, &mut self.lists);
        (self.wanted, self.to_prove) = (decision.wanted, decision.to_prove);
        for (at, demand) in self.lists.demands.iter_mut().enumerate() {
            if demand.given != self.lists.grants[at] {
                demand.given = self.lists.grants[at];
                self.changes[at].push((self.ms, demand.given));
            }
            demand.asked = false;
        }
        self.ms += LOOK_MS;
    }

    fn run(&mut self, ms: u64, budget_kbps: impl Fn(u64) -> u64) {
        for _ in 0..ms / LOOK_MS {
            self.look(budget_kbps(self.ms));
        }
    }

    fn given(&self) -> Vec<Option<u8>> {
        self.lists.demands.iter().map(|demand| demand.given).collect()
    }
}

fn simulcast() -> Demand {
    let mut demand = Demand::new(Precedence::default(), 1);
    for (spatial, kbps) in [(0, 100), (1, 400), (2, 1500)] {
        let rate = Bitrate::kbps(kbps);
        demand.push(Rung { spatial, temporal: 0, usual: rate, most: rate });
    }
    demand
}

#[test]
fn the_only_picture_goes_when_the_path_is_far_too_narrow_and_comes_back_with_something_to_spare() {
    let mut story = Story::of(1);
    story.run(10_000, |_| 300);
    assert_eq!(story.given(), [Some(0)]);
    story.run(60_000, |_| 40);
    assert_eq!(story.given(), [Some(0)], "an estimate is not worth a black meeting");
    story.is_losing = true;
    story.run(60_000, |_| 80);
    assert_eq!(story.given(), [Some(0)], "nearly enough");
    story.run(2_500, |_| 60);
    assert_eq!(story.given(), [Some(0)], "for a moment");
    story.run(2_000, |_| 60);
    assert_eq!(story.given(), [None], "but it stays there, and loses");
    story.is_losing = false;
    story.run(30_000, |_| 100);
    assert_eq!(story.given(), [None], "nothing to spare");
    story.run(5_000, |_| 130);
    assert_eq!(story.given(), [Some(0)]);
}

#[test]
fn on_a_path_that_never_fell_everything_comes_at_once_and_nobody_is_dark_for_a_guess() {
    let mut story = Story::of(3);
    story.has_fallen = false;
    story.lists.demands.iter_mut().for_each(|demand| demand.asked = true);
    story.look(0);
    assert_eq!(story.given(), [Some(0); 3]);
    story.run(3000, |_| 10_000);
    assert_eq!(story.given(), [Some(2); 3]);
    let mut story = Story::of(1);
    story.has_fallen = false;
    story.look(3000);
    assert_eq!(story.changes[0], [(0, Some(2))]);
}

#[test]
fn down_is_at_once_and_up_after_it_fitted_for_a_while_with_something_to_spare() {
    let mut story = Story::of(1);
    story.run(5000, |_| 3000);
    assert_eq!(story.given(), [Some(2)]);
    story.run(60_000, |_| 3000);
    story.look(1499);
    assert_eq!(story.given(), [Some(1)]);
    story.run(60_000, |_| 1600);
    assert_eq!(story.given(), [Some(1)], "it fits, but nothing would be to spare");
    let wider_from = story.ms;
    story.run(10_000, |_| 1700);
    assert_eq!(story.changes[0].last(), Some(&(wider_from + 1000, Some(2))));
}

#[test]
fn going_up_that_soon_ends_in_a_fall_waits_longer_each_time() {
    let mut story = Story::of(1);
    let mut rises = Vec::new();
    for _ in 0..6 {
        while story.given() != [Some(2)] {
            story.look(2200);
        }
        rises.push(story.ms);
        story.run(2000, |_| 2200);
        story.look(1000);
    }
    let waits: Vec<_> = rises.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(waits[0] >= 10_000 && waits.is_sorted() && waits[4] >= 60_000, "{waits:?}");
}

#[test]
fn a_fall_while_data_takes_more_than_its_share_is_not_the_mistake_of_a_picture() {
    let waits = |data_is_ahead: bool| {
        let mut story = Story::of(1);
        story.run(20_000, |_| 1750);
        assert_eq!(story.given(), [Some(2)]);
        story.data_is_ahead = data_is_ahead;
        story.look(1400);
        assert_eq!(story.given(), [Some(1)]);
        let from = story.ms;
        story.run(60_000, |_| 1750);
        story.changes[0].last().filter(|(_, given)| *given == Some(2)).map(|(ms, _)| ms - from)
    };
    assert!(waits(true).is_some_and(|ms| (9_500..12_000).contains(&ms)), "{:?}", waits(true));
    assert_eq!(waits(false), None);
}

#[test]
fn what_data_takes_is_a_part_of_what_is_to_spare() {
    let mut story = Story::of(1);
    story.data = Bitrate::kbps(120);
    story.run(10_000, |_| 1500);
    assert_eq!(story.given(), [Some(1)], "with data there is less to spare than a tenth");
    story.run(10_000, |_| 1530);
    assert_eq!(story.given(), [Some(2)]);
    story.run(500, |_| 1499);
    assert_eq!(story.given(), [Some(1)]);
    assert_eq!(story.wanted, None);
    story.run(10_000, |_| 1000);
    story.data = Bitrate::kbps(500);
    story.look(1000);
    assert_eq!(story.wanted, Some(Bitrate::kbps(2000)), "the picture and all of the data");
}

#[test]
fn what_a_viewer_asks_for_does_not_wait() {
    let mut story = Story::of(1);
    story.run(10_000, |_| 450);
    assert_eq!(story.given(), [Some(1)]);
    story.lists.demands[0].asked = true;
    story.look(3000);
    assert_eq!(story.given(), [Some(2)]);
}

#[test]
fn a_larger_layer_waits_for_a_proof_that_it_fits_and_a_smallest_one_does_not() {
    let mut story = Story::of(2);
    story.is_proven = false;
    story.lists.demands.iter_mut().for_each(|demand| demand.asked = true);
    story.look(3000);
    assert_eq!(story.given(), [Some(0); 2]);
    story.run(10_000, |_| 3000);
    assert_eq!(story.given(), [Some(0); 2]);
    assert_eq!(story.to_prove, Some(Bitrate::kbps(1760)), "the top layer beside the smallest, and a tenth");
    story.is_proven = true;
    story.look(3000);
    assert_eq!((story.given(), story.to_prove), (vec![Some(2), Some(0)], None));
}

#[test]
fn a_new_picture_needs_nothing_to_spare() {
    let mut story = Story::of(2);
    story.lists.demands.iter_mut().for_each(|demand| demand.asked = true);
    story.look(200);
    assert_eq!(story.given(), [Some(0); 2]);
}

#[test]
fn many_do_not_go_up_in_one_moment() {
    let mut story = Story::of(4);
    story.run(10_000, |_| 450);
    assert_eq!(story.given(), [Some(0); 4]);
    let from = story.ms;
    story.run(10_000, |_| 10_000);
    let mut moments: Vec<_> =
        story.changes.iter().filter_map(|changes| changes.last()).map(|(ms, _)| ms).collect();
    moments.dedup();
    assert_eq!(moments.len(), 4, "{moments:?}");
    assert!(moments.iter().all(|&&ms| ms < from + 5000), "{moments:?}");
}

#[test]
fn the_path_is_told_what_the_next_layer_needs_unless_it_has_just_failed() {
    let mut story = Story::of(1);
    story.run(10_000, |_| 500);
    assert_eq!(story.wanted, Some(Bitrate::kbps(1650)));
    story.run(5_000, |_| 2000);
    assert_eq!(story.wanted, None, "everything is given");
    story.look(1400);
    assert_eq!(story.wanted, None, "it has just failed");
    story.run(11_000, |_| 1400);
    assert_eq!(story.wanted, Some(Bitrate::kbps(1875)));
}

#[test]
fn what_a_publisher_no_longer_sends_is_no_failure_of_the_path() {
    let mut story = Story::of(1);
    story.run(5_000, |_| 3000);
    let whole = story.lists.demands[0];
    let mut less = Demand::new(Precedence::default(), 1);
    whole.rungs()[..2].iter().for_each(|&rung| less.push(rung));
    less.given = less.rung_at(2, 0);
    story.lists.demands[0] = less;
    story.run(1000, |_| 3000);
    assert_eq!(story.given(), [Some(1)]);
    story.lists.demands[0] = whole;
    story.lists.demands[0].given = Some(1);
    story.run(2000, |_| 3000);
    assert_eq!(story.given(), [Some(2)]);
}

proptest! {
    #[test]
    fn a_budget_that_swings_by_a_tenth_changes_a_layer_at_most_once_in_ten_seconds_but_for_one_mistake(
        consumers in 1_usize..6,
        middle_kbps in 90_u64..9000,
        period_ms in 1000_u64..60_000,
        wide_percent in 10_u64..90,
    ) {
        let mut story = Story::of(consumers);
        story.run(600_000, |ms| {
            let is_wide = ms % period_ms * 100 < period_ms * wide_percent;
            middle_kbps * if is_wide { 110 } else { 90 } / 100
        });
        for changes in &story.changes {
            let settled = changes.iter().map(|&(ms, _)| ms).filter(|&ms| ms > 60_000);
            let settled: Vec<_> = settled.collect();
            // That the path swings shows when going up is a mistake for the first time, however late that is.
            let hasty = settled.windows(2).filter(|pair| pair[1] - pair[0] < 10_000).count();
            prop_assert!(hasty <= 1, "{changes:?}");
        }
    }

    #[test]
    fn what_is_given_always_fits_whatever_the_path_does(
        consumers in 1_usize..6,
        budgets_kbps in proptest::collection::vec(100_u64..9000, 1..100),
    ) {
        let mut story = Story::of(consumers);
        for budget_kbps in budgets_kbps {
            story.look(budget_kbps);
            prop_assert!(spent(&story.lists.demands, &story.given()) <= Bitrate::kbps(budget_kbps));
        }
    }
}
