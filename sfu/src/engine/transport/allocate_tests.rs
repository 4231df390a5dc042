//! Shares of single budgets.

use proptest::prelude::*;

use super::*;

const SCREEN: Precedence = Precedence { priority: 1, speaks: false, screen: true };
const SPEAKER: Precedence = Precedence { priority: 1, speaks: true, screen: false };
const PINNED: Precedence = Precedence { priority: 2, speaks: false, screen: false };
const CAMERA: Precedence = Precedence { priority: 1, speaks: false, screen: false };

fn rung(spatial: u8, temporal: u8, kbps: u64) -> Rung {
    Rung { spatial, temporal, usual: Bitrate::kbps(kbps), most: Bitrate::kbps(kbps) }
}

fn demand(precedence: Precedence, rungs: &[Rung]) -> Demand {
    let mut demand = Demand::new(precedence, 1);
    rungs.iter().for_each(|&rung| demand.push(rung));
    demand
}

/// Three simulcast layers: rungs 0, 1 and 2.
fn simulcast(precedence: Precedence) -> Demand {
    demand(precedence, &[rung(0, 0, 100), rung(1, 0, 400), rung(2, 0, 1500)])
}

/// One small picture in three frame rates, and a large one in two: rungs 0 to 4.
fn temporal(precedence: Precedence) -> Demand {
    let rungs = [rung(0, 0, 50), rung(0, 1, 70), rung(0, 2, 100), rung(1, 1, 300), rung(1, 2, 500)];
    demand(precedence, &rungs)
}

fn share(budget_kbps: u64, demands: &[Demand]) -> Vec<Option<u8>> {
    let (mut order, mut grants) = (Vec::new(), Vec::new());
    rank(demands, &mut order);
    allocate(Bitrate::kbps(budget_kbps), demands, &order, Count::Usual, &mut grants);
    grants
}

#[test]
fn each_gets_its_smallest_layer_before_any_gets_more() {
    let demands = [simulcast(CAMERA); 3];
    assert_eq!(share(299, &demands), [Some(0), Some(0), None]);
    assert_eq!(share(300, &demands), [Some(0); 3]);
    assert_eq!(share(650, &demands), [Some(1), Some(0), Some(0)]);
    assert_eq!(share(10_000, &demands), [Some(2); 3]);
}

#[test]
fn frames_are_left_out_before_anybody_goes_dark_and_come_back_before_pictures_grow() {
    let demands = [temporal(CAMERA), temporal(SPEAKER)];
    assert_eq!(share(100, &demands), [Some(0), Some(0)]);
    assert_eq!(share(170, &demands), [Some(1), Some(2)]);
    assert_eq!(share(399, &demands), [Some(2), Some(2)]);
    assert_eq!(share(400, &demands), [Some(2), Some(3)]);
    assert_eq!(share(1000, &demands), [Some(4), Some(4)]);
}

#[test]
fn the_pinned_one_goes_up_first_then_who_speaks_then_screens_then_the_larger_ones() {
    let large = Demand { shown: 2, ..simulcast(CAMERA) };
    let demands = [simulcast(CAMERA), large, simulcast(SCREEN), simulcast(SPEAKER), simulcast(PINNED)];
    assert_eq!(share(500 + 1400, &demands), [Some(0), Some(0), Some(0), Some(0), Some(2)]);
    assert_eq!(share(500 + 2800, &demands), [Some(0), Some(0), Some(0), Some(2), Some(2)]);
    assert_eq!(share(500 + 4200, &demands), [Some(0), Some(0), Some(2), Some(2), Some(2)]);
    assert_eq!(share(500 + 4500, &demands), [Some(0), Some(1), Some(2), Some(2), Some(2)]);
}

#[test]
fn something_is_sent_on_any_budget() {
    assert_eq!(share(0, &[simulcast(CAMERA), simulcast(CAMERA)]), [Some(0), None]);
}

#[test]
fn a_camera_without_small_layers_does_not_darken_the_others() {
    let whole = demand(CAMERA, &[rung(0, 0, 1500)]);
    let small = simulcast(CAMERA);
    assert_eq!(share(500, &[whole, small, small, small]), [None, Some(0), Some(0), Some(0)]);
    assert_eq!(share(1800, &[whole, small, small, small]), [Some(0); 4]);
}

#[test]
fn nothing_is_decided_where_nothing_is_known() {
    let silent = demand(CAMERA, &[]);
    assert_eq!(share(10_000, &[silent, simulcast(CAMERA)]), [None, Some(2)]);
}

#[test]
fn the_next_step_is_named_with_all_that_is_given_besides() {
    let demands = [simulcast(CAMERA), simulcast(PINNED)];
    let mut order = Vec::new();
    rank(&demands, &mut order);
    let next = |grants: &[Option<u8>]| next_step(&demands, &order, grants);
    assert_eq!(next(&[None, None]), Some(Bitrate::kbps(100)));
    assert_eq!(next(&[Some(0), Some(0)]), Some(Bitrate::kbps(500)));
    assert_eq!(next(&[Some(0), Some(2)]), Some(Bitrate::kbps(1900)));
    assert_eq!(next(&[Some(2), Some(2)]), None);
}

fn any_precedence() -> impl Strategy<Value = Precedence> {
    (1_u8..3, any::<bool>(), any::<bool>()).prop_map(|(priority, speaks, screen)| Precedence {
        priority,
        speaks,
        screen,
    })
}

fn any_rungs() -> impl Strategy<Value = Vec<Rung>> {
    proptest::collection::vec((0_u64..800, 0_u64..400), 0..8).prop_map(|costs| {
        let rung = |(at, (usual, more)): (usize, (u64, u64))| Rung {
            spatial: at as u8 / 3,
            temporal: at as u8 % 3,
            usual: Bitrate::kbps(usual),
            most: Bitrate::kbps(usual + more),
        };
        costs.into_iter().enumerate().map(rung).collect()
    })
}

fn any_demand() -> impl Strategy<Value = Demand> {
    (any_precedence(), 0_u32..3, any_rungs())
        .prop_map(|(precedence, shown, rungs)| Demand { shown, ..demand(precedence, &rungs) })
}

proptest! {
    #[test]
    fn more_budget_never_lowers_anyones_layer(
        demands in proptest::collection::vec(any_demand(), 1..10),
        (a, b) in (0_u64..5000, 0_u64..5000),
    ) {
        let (less, more) = (share(a.min(b), &demands), share(a.max(b), &demands));
        prop_assert!(less.iter().zip(&more).all(|(less, more)| less <= more), "{less:?} and {more:?}");
    }

    #[test]
    fn whoever_comes_first_never_gets_less_than_an_equal_demand_behind(
        mut demands in proptest::collection::vec(any_demand(), 2..10),
        budget in 0_u64..5000,
    ) {
        demands[1] = Demand { precedence: demands[1].precedence, shown: demands[1].shown, ..demands[0] };
        let grants = share(budget, &demands);
        let rank = |at: usize| (demands[at].precedence, demands[at].shown);
        prop_assert!(rank(0) < rank(1) || grants[0] >= grants[1], "{grants:?}");
        prop_assert!(rank(1) <= rank(0) || grants[1] >= grants[0], "{grants:?}");
    }

    #[test]
    fn what_is_given_fits_but_for_the_one_picture_that_is_sent_on_any_budget(
        demands in proptest::collection::vec(any_demand(), 1..10),
        budget in 0_u64..5000,
    ) {
        let grants = share(budget, &demands);
        let spent = spent(&demands, &grants);
        let alone = grants.iter().flatten().eq([&0]);
        prop_assert!(spent <= Bitrate::kbps(budget) || alone, "{grants:?}");
        prop_assert!(grants.iter().any(Option::is_some) || demands.iter().all(|demand| demand.rungs().is_empty()));
    }

    #[test]
    fn what_fits_with_ease_fits_at_most(
        demands in proptest::collection::vec(any_demand(), 1..10),
        budget in 0_u64..5000,
    ) {
        let (mut order, mut ease, mut most) = (Vec::new(), Vec::new(), Vec::new());
        rank(&demands, &mut order);
        allocate(Bitrate::kbps(budget * 10 / 11), &demands, &order, Count::Most, &mut ease);
        allocate(Bitrate::kbps(budget), &demands, &order, Count::Usual, &mut most);
        prop_assert!(ease.iter().zip(&most).all(|(ease, most)| ease <= most), "{ease:?} and {most:?}");
    }
}
