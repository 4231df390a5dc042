//! One estimate shared among a peer's video: screens before cameras, everybody's smallest layer before anybody's larger.

use plenum_shared::media::{Bitrate, Source};

/// A layer that is not sent now must fit this much better than one that is, or the choice would swing.
const UP_PERCENT: u64 = 115;
/// Measured rates swing: what is sent now stays while it is no further than this beyond the budget.
const STAY_PERCENT: u64 = 90;

/// What one consumer could be given.
#[derive(Debug, Clone, Copy)]
pub struct Demand<const LAYERS: usize> {
    /// Screens first.
    pub source: Source,
    /// The viewer can use this layer at most.
    pub preferred: u8,
    /// The layer it gets now.
    pub current: Option<u8>,
    /// What each layer takes; `None` for those the publisher does not send.
    pub rates: [Option<Bitrate>; LAYERS],
}

/// What one consumer is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grant {
    /// Nothing is known of the producer, so nothing can be decided.
    Unknown,
    /// This layer.
    Layer(u8),
    /// Not even the smallest layer fits.
    Nothing,
}

/// Shares a budget for video. `grants[n]` is for `demands[n]`; both slices have the same length.
pub fn allocate<const L: usize>(budget: Bitrate, demands: &[Demand<L>], grants: &mut [Grant]) {
    let mut left = budget.0;
    let mut any = false;
    // The smallest layer of each. The first one is sent in any case: an estimate is not worth a black meeting.
    for screens in [true, false] {
        for (demand, grant) in of_class(demands, grants, screens) {
            *grant = match demand.candidates().next() {
                None => Grant::Unknown,
                Some((layer, cost)) if cost <= left || !any => {
                    any = true;
                    left = left.saturating_sub(cost);
                    Grant::Layer(layer)
                }
                Some(_) => Grant::Nothing,
            };
        }
    }
    // Then up, a step each in turn, so that equal ones get equal parts.
    for screens in [true, false] {
        for _ in 1..L {
            for (demand, grant) in of_class(demands, grants, screens) {
                let Grant::Layer(from) = *grant else { continue };
                let spent = demand.cost(from);
                if let Some((layer, cost)) = demand.candidates().find(|&(layer, _)| layer > from)
                    && cost <= left + spent
                {
                    left = left + spent - cost;
                    *grant = Grant::Layer(layer);
                }
            }
        }
    }
}

/// What the smallest layer of each takes together.
pub fn smallest<const L: usize>(demands: &[Demand<L>]) -> Bitrate {
    Bitrate(demands.iter().filter_map(|demand| demand.candidates().next()).map(|(_, cost)| cost).sum())
}

fn of_class<'a, const L: usize>(
    demands: &'a [Demand<L>],
    grants: &'a mut [Grant],
    screens: bool,
) -> impl Iterator<Item = (&'a Demand<L>, &'a mut Grant)> {
    demands.iter().zip(grants).filter(move |(demand, _)| (demand.source == Source::Screen) == screens)
}

impl<const L: usize> Demand<L> {
    /// The layers it may be given, smallest first, with what they cost. When the publisher sends none that small, the
    /// smallest it does send.
    fn candidates(&self) -> impl Iterator<Item = (u8, u64)> {
        let sent = |layer: &usize| self.rates[*layer].is_some();
        let smallest = (0..L).find(sent);
        (0..L)
            .filter(sent)
            .filter(move |&layer| layer <= usize::from(self.preferred) || Some(layer) == smallest)
            .map(|layer| (layer as u8, self.cost(layer as u8)))
    }

    fn cost(&self, layer: u8) -> u64 {
        let rate = self.rates[usize::from(layer)].map_or(0, |rate| rate.0);
        let percent =
            if self.current.is_some_and(|current| layer <= current) { STAY_PERCENT } else { UP_PERCENT };
        rate * percent / 100
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SIMULCAST: [Option<Bitrate>; 3] =
        [Some(Bitrate::kbps(100)), Some(Bitrate::kbps(400)), Some(Bitrate::kbps(1_500))];

    fn camera(current: Option<u8>) -> Demand<3> {
        Demand { source: Source::Camera, preferred: 2, current, rates: SIMULCAST }
    }

    fn share(budget_kbps: u64, demands: &[Demand<3>]) -> Vec<Grant> {
        let mut grants = vec![Grant::Unknown; demands.len()];
        allocate(Bitrate::kbps(budget_kbps), demands, &mut grants);
        grants
    }

    #[test]
    fn each_gets_its_smallest_layer_before_any_gets_more() {
        let demands = [camera(None), camera(None), camera(None)];
        assert_eq!(share(360, &demands), [Grant::Layer(0); 3]);
        assert_eq!(share(240, &demands), [Grant::Layer(0), Grant::Layer(0), Grant::Nothing]);
        assert_eq!(share(750, &demands), [Grant::Layer(1), Grant::Layer(0), Grant::Layer(0)]);
        assert_eq!(share(10_000, &demands), [Grant::Layer(2); 3]);
    }

    #[test]
    fn the_sum_of_the_smallest_layers_is_just_enough_for_everybody_and_no_more() {
        let demands = [camera(None), camera(Some(0)), camera(Some(2))];
        let mut grants = [Grant::Unknown; 3];
        allocate(smallest(&demands), &demands, &mut grants);
        assert_eq!(grants, [Grant::Layer(0); 3]);
    }

    #[test]
    fn a_screen_comes_first_even_when_it_was_subscribed_last() {
        let screen = Demand { source: Source::Screen, ..camera(None) };
        assert_eq!(share(2_000, &[camera(None), screen]), [Grant::Layer(0), Grant::Layer(2)]);
    }

    #[test]
    fn something_is_sent_on_any_budget() {
        assert_eq!(share(0, &[camera(None), camera(None)]), [Grant::Layer(0), Grant::Nothing]);
    }

    #[test]
    fn a_layer_that_is_sent_stays_at_a_budget_at_which_it_would_not_be_taken() {
        assert_eq!(share(1_500, &[camera(Some(2))]), [Grant::Layer(2)]);
        assert_eq!(share(1_500, &[camera(Some(1))]), [Grant::Layer(1)]);
        assert_eq!(share(1_300, &[camera(Some(2))]), [Grant::Layer(1)]);
    }

    #[test]
    fn layers_that_are_not_sent_or_not_wanted_are_passed_over() {
        let small = Demand { preferred: 1, ..camera(None) };
        assert_eq!(share(10_000, &[small]), [Grant::Layer(1)]);
        let only_top = Demand { preferred: 0, rates: [None, None, SIMULCAST[2]], ..camera(None) };
        assert_eq!(share(10_000, &[only_top]), [Grant::Layer(2)]);
        let silent = Demand { rates: [None; 3], ..camera(None) };
        assert_eq!(share(10_000, &[silent]), [Grant::Unknown]);
    }

    proptest! {
        #[test]
        fn more_budget_never_means_fewer_pictures(a in 0_u64..5_000, b in 0_u64..5_000, count in 1_usize..6) {
            let demands = vec![camera(None); count];
            let pictures = |kbps| share(kbps, &demands).iter().filter(|grant| matches!(grant, Grant::Layer(_))).count();
            prop_assert!(pictures(a.min(b)) <= pictures(a.max(b)));
        }
    }
}
