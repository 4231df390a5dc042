//! What a peer's video is given as its path comes and goes: the allocation, with hysteresis between two looks.
//!
//! Two shares are made each time: what the budget pays for at most, and what it pays for with something to spare.
//! Whoever has more than the first loses it at once, whoever has less than the second goes up when it is time, and
//! everybody else stays.

use std::time::{Duration, Instant};

use plenum_shared::media::Bitrate;

use super::{
    allocate::{Count, Demand, allocate, next_step, rank, smallest, spent},
    hysteresis::Hysteresis,
};

/// Additions that take no more than this part of the budget together may be made in one go.
const SMALL_ADDITION: u64 = 8;
/// The first picture is sent on any budget, but on less than this share of what it takes, while packets are lost …
const HOPELESS_PERCENT: u64 = 75;
/// … not for longer than this: it would only stand, and take the sound's part of the path.
const HOPELESS_AFTER: Duration = Duration::from_secs(3);

/// What was decided for one peer before.
#[derive(Debug, Default)]
pub struct Sharing {
    hysteresis: Hysteresis,
    budget: Bitrate,
    /// Since then the budget does not pay for the first picture.
    hopeless_since: Option<Instant>,
}

/// Lists that are used again and again.
#[derive(Debug, Default)]
pub struct Lists {
    /// What could be given.
    pub demands: Vec<Demand>,
    /// The rung each of them gets; nothing is nothing.
    pub grants: Vec<Option<u8>>,
    order: Vec<usize>,
    at_most: Vec<Option<u8>>,
    with_ease: Vec<Option<u8>>,
}

/// What is known of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// What it carries of video.
    pub budget: Bitrate,
    /// What data channels take of it besides, which is not in the budget. It gives way when there is less, so that it needs
    /// nothing to spare, and is a part of what others have to spare.
    pub data: Bitrate,
    /// Data takes more than that: should the path become too narrow now, that says nothing about the pictures.
    pub data_is_ahead: bool,
    /// It has shown trouble. Until then the budget is a guess: reason not to add much, but nobody goes dark for it.
    pub has_fallen: bool,
    /// A rise needs no proof, or it has just been given.
    pub is_proven: bool,
    /// More packets are lost than a path loses by chance.
    pub is_losing: bool,
}

/// What a decision takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// All video that is given.
    pub spent: Bitrate,
    /// What the path must carry for the next step, data included, if there is one and it is time to try.
    pub wanted: Option<Bitrate>,
    /// What the path must be shown to carry now, data included, for something to be added. Others may use the same path, and what was free a
    /// moment ago may be theirs by now.
    pub to_prove: Option<Bitrate>,
}

impl Sharing {
    /// Decides about all demands of `lists`.
    pub fn decide(&mut self, now: Instant, known: Known, lists: &mut Lists) -> Decision {
        let Known { budget, data, has_fallen, is_proven, .. } = known;
        let Lists { demands, grants, order, at_most, with_ease } = lists;
        let floor = if has_fallen { Bitrate(0) } else { smallest(demands, Count::Most) };
        let cautious = self.hysteresis.cautious(now, Bitrate(budget.0 + data.0)).min(budget);
        rank(demands, order);
        allocate(budget.max(floor), demands, order, Count::Usual, at_most);
        allocate(cautious.max(floor), demands, order, Count::Most, with_ease);
        if has_fallen && self.is_hopeless(now, known, cautious, demands, order) {
            at_most.fill(None);
            with_ease.fill(None);
        }

        grants.clear();
        grants.extend(demands.iter().zip(at_most.iter()).map(|(demand, &most)| demand.given.min(most)));
        let fell = demands.iter().zip(grants.iter()).any(|(demand, &grant)| grant < demand.given);
        if fell && budget < self.budget {
            self.hysteresis.note_fall(now, budget, known.data_is_ahead);
        }
        self.budget = budget;

        let ease: &[_] = if is_proven { with_ease } else { &[] };
        let mut rose = self.give_what_was_asked_for(now, demands, at_most, ease, grants);
        let affordable = with_ease.iter().zip(grants.iter()).any(|(ease, grant)| ease > grant);
        let asked = (demands.iter().zip(with_ease.iter().zip(grants.iter())))
            .any(|(demand, (ease, grant))| demand.asked && ease > grant);
        let mut to_prove = None;
        if self.hysteresis.may_rise(now, affordable, has_fallen && !asked) {
            at_most.clone_from(grants);
            let before = spent(demands, grants);
            let added = raise(budget, demands, order, with_ease, grants);
            if is_proven || added.0 <= budget.0 / SMALL_ADDITION {
                rose = true;
            } else {
                grants.clone_from(at_most);
                to_prove = Some(self.with_room(Bitrate(before.0 + added.0), data));
            }
        }
        if rose {
            self.hysteresis.note_rise(now, budget);
        }
        let next = next_step(demands, order, grants).filter(|_| self.hysteresis.is_trying(now));
        Decision {
            spent: spent(demands, grants),
            wanted: next.map(|needed| self.with_room(needed, data)),
            to_prove,
        }
    }

    /// What a path must carry for so much video beside so much data.
    fn with_room(&self, video: Bitrate, data: Bitrate) -> Bitrate {
        self.hysteresis.with_margin(video).max(Bitrate(video.0 + data.0))
    }

    /// Whether the first picture takes more than there is, and has done so for a while. Once it is withheld, it comes back
    /// when there is something to spare.
    fn is_hopeless(
        &mut self,
        now: Instant,
        known: Known,
        cautious: Bitrate,
        demands: &[Demand],
        order: &[usize],
    ) -> bool {
        let Known { budget, is_losing, .. } = known;
        let first = order.iter().map(|&at| &demands[at]).find(|demand| !demand.rungs().is_empty());
        let Some(first) = first else { return false };
        let (usual, most) = (first.cost(Some(0), Count::Usual), first.cost(Some(0), Count::Most));
        let is_enough = if first.given.is_some() { budget.0 >= usual } else { cautious.0 >= most };
        if is_enough || first.given.is_some() && !is_losing {
            self.hopeless_since = None;
        } else if budget.0 * 100 < usual * HOPELESS_PERCENT {
            self.hopeless_since.get_or_insert(now);
        }
        self.hopeless_since.is_some_and(|since| now.saturating_duration_since(since) >= HOPELESS_AFTER)
    }

    /// What a viewer has just asked for, it does not wait for. Returns whether that was more than it had.
    fn give_what_was_asked_for(
        &self,
        now: Instant,
        demands: &[Demand],
        at_most: &[Option<u8>],
        with_ease: &[Option<u8>],
        grants: &mut [Option<u8>],
    ) -> bool {
        let mut rose = false;
        for (at, demand) in demands.iter().enumerate().filter(|(_, demand)| demand.asked) {
            let mut grant = grants[at];
            if !self.hysteresis.is_held(now) {
                grant = grant.max(with_ease.get(at).copied().flatten());
            }
            if demand.given.is_none() {
                // Its smallest picture needs nothing to spare.
                grant = grant.max(at_most[at].min(Some(0)));
            }
            rose |= grant > demand.given && demand.given.is_some();
            grants[at] = grant;
        }
        rose
    }
}

/// Raises the first that can go up, and others while that is little: each of them brings a keyframe. Returns what they take
/// at their most.
fn raise(
    budget: Bitrate,
    demands: &[Demand],
    order: &[usize],
    with_ease: &[Option<u8>],
    grants: &mut [Option<u8>],
) -> Bitrate {
    let mut added = 0;
    for &at in order {
        if with_ease[at] <= grants[at] {
            continue;
        }
        let demand = &demands[at];
        let more =
            demand.cost(with_ease[at], Count::Most).saturating_sub(demand.cost(grants[at], Count::Usual));
        if added > 0 && (added + more) > budget.0 / SMALL_ADDITION {
            break;
        }
        added += more.max(1);
        grants[at] = with_ease[at];
    }
    Bitrate(added)
}

#[cfg(test)]
#[path = "sharing_tests.rs"]
mod tests;
