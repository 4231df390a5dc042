//! One estimate shared among a peer's video.
//!
//! What could be given is a list of steps, each a little more for one of the consumers, and a budget buys as many of its
//! first steps as it pays for. So more budget never takes anything away from anybody, and what comes first in the list is
//! never left out for something behind it:
//!
//! 1. the smallest picture of each, at its lowest frame rate;
//! 2. its whole frame rate;
//! 3. class by class, the larger pictures, the ones after the others have theirs as well.

use std::{cmp::Reverse, ops::ControlFlow};

use plenum_shared::media::Bitrate;

/// Layers of one consumer at most: four spatial ones of four temporal ones each.
pub const RUNGS_MAX: usize = 16;
/// The smallest layer of a publisher without simulcast is a whole camera: when it takes so many times what the smallest
/// one of its class takes, …
const EXPENSIVE_FACTOR: u64 = 4;
/// … and at least this much, the others have theirs first. Otherwise one of them could darken a whole gallery.
const EXPENSIVE_MIN: u64 = 300_000;

/// Who goes up first: compared field by field. Those of the same make a class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Precedence {
    /// As the viewer says.
    pub priority: u8,
    /// It shows who speaks.
    pub speaks: bool,
    /// It shows a screen.
    pub screen: bool,
}

/// One layer a consumer could be given.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rung {
    /// Spatial layer.
    pub spatial: u8,
    /// Temporal layer.
    pub temporal: u8,
    /// What it takes.
    pub usual: Bitrate,
    /// What must be free before it is given; not less than `usual`.
    pub most: Bitrate,
}

/// What one consumer could be given.
#[derive(Debug, Clone, Copy)]
pub struct Demand {
    /// See [`Precedence`].
    pub precedence: Precedence,
    /// Pixels it is shown at: within a class the larger ones go first.
    pub shown: u32,
    /// The rung it is on.
    pub given: Option<u8>,
    /// The viewer asked for it just now, or it has just become more important: it need not wait to go up.
    pub asked: bool,
    rungs: [Rung; RUNGS_MAX],
    len: u8,
    /// How many of them are of its smallest picture.
    fluent: u8,
}

/// Which of a rung's two figures counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// [`Rung::usual`]: may it stay?
    Usual,
    /// [`Rung::most`]: may it be added?
    Most,
}

impl Demand {
    /// Of a consumer nothing can be given to yet.
    pub fn new(precedence: Precedence, shown: u32) -> Self {
        Demand {
            precedence,
            shown,
            given: None,
            asked: false,
            rungs: [Rung::default(); RUNGS_MAX],
            len: 0,
            fluent: 0,
        }
    }

    /// Adds a layer above those it has. What is measured may contradict itself; a higher layer never counts as less.
    pub fn push(&mut self, mut rung: Rung) {
        if let Some(below) = self.rungs().last() {
            rung.usual = rung.usual.max(below.usual);
            rung.most = rung.most.max(below.most);
        }
        rung.most = rung.most.max(rung.usual);
        if let Some(place) = self.rungs.get_mut(usize::from(self.len)) {
            *place = rung;
            self.len += 1;
            self.fluent += u8::from(rung.spatial == self.rungs[0].spatial);
        }
    }

    /// What it could be given, the smallest first.
    pub fn rungs(&self) -> &[Rung] {
        &self.rungs[..usize::from(self.len)]
    }

    /// The highest rung that is not above a layer.
    pub fn rung_at(&self, spatial: u8, temporal: u8) -> Option<u8> {
        let below = |rung: &Rung| (rung.spatial, rung.temporal) <= (spatial, temporal);
        let highest = self.rungs().iter().rposition(below).unwrap_or(0);
        (self.len > 0).then_some(highest as u8)
    }

    /// What a rung takes, of which nothing is nothing.
    pub fn cost(&self, rung: Option<u8>, count: Count) -> u64 {
        let rung = rung.and_then(|rung| self.rungs().get(usize::from(rung)));
        rung.map_or(0, |rung| if count == Count::Usual { rung.usual.0 } else { rung.most.0 })
    }

    fn smallest(&self) -> u64 {
        self.cost(Some(0), Count::Usual)
    }
}

/// Puts the places of demands into the order in which they are served.
pub fn rank(demands: &[Demand], order: &mut Vec<usize>) {
    order.clear();
    order.extend(0..demands.len());
    let cheapest = |precedence: Precedence| {
        let of_class = demands.iter().filter(|demand| demand.precedence == precedence && demand.len > 0);
        of_class.map(Demand::smallest).min().unwrap_or(0)
    };
    let mut last = None;
    order.sort_unstable_by_key(|&at| (Reverse(demands[at].precedence), at));
    // Classes lie together now, so that each is looked through once.
    for start in 0..order.len() {
        let precedence = demands[order[start]].precedence;
        if last == Some(precedence) {
            continue;
        }
        last = Some(precedence);
        let expensive = (cheapest(precedence) * EXPENSIVE_FACTOR).max(EXPENSIVE_MIN);
        let end =
            start + order[start..].iter().take_while(|&&at| demands[at].precedence == precedence).count();
        order[start..end]
            .sort_unstable_by_key(|&at| (demands[at].smallest() > expensive, Reverse(demands[at].shown), at));
    }
}

/// Shares a budget for video; `order` comes from [`rank`]. `grants[n]` is the rung `demands[n]` gets, and nothing is
/// nothing. The first step is taken on any budget: an estimate is not worth a black meeting.
pub fn allocate(
    budget: Bitrate,
    demands: &[Demand],
    order: &[usize],
    count: Count,
    grants: &mut Vec<Option<u8>>,
) {
    grants.clear();
    grants.resize(demands.len(), None);
    let mut spent = 0;
    let mut is_first = true;
    each_step(demands, order, |at, rung| {
        let demand = &demands[at];
        spent += demand.cost(Some(rung), count) - demand.cost(grants[at], count);
        if spent > budget.0 && !std::mem::take(&mut is_first) {
            return ControlFlow::Break(());
        }
        is_first = false;
        grants[at] = Some(rung);
        ControlFlow::Continue(())
    });
}

/// What everything that is given and the next step take together. `None` when everything is given.
pub fn next_step(demands: &[Demand], order: &[usize], grants: &[Option<u8>]) -> Option<Bitrate> {
    let mut next = None;
    each_step(demands, order, |at, rung| {
        if grants[at].is_some_and(|given| given >= rung) {
            return ControlFlow::Continue(());
        }
        next = Some((at, rung));
        ControlFlow::Break(())
    });
    let (at, rung) = next?;
    let demand = &demands[at];
    let others = spent(demands, grants).0 - demand.cost(grants[at], Count::Usual);
    Some(Bitrate(others + demand.cost(Some(rung), Count::Most)))
}

/// What is given takes together.
pub fn spent(demands: &[Demand], grants: &[Option<u8>]) -> Bitrate {
    let costs = demands.iter().zip(grants).map(|(demand, &grant)| demand.cost(grant, Count::Usual));
    Bitrate(costs.sum())
}

/// What the smallest layer of each takes together.
pub fn smallest(demands: &[Demand], count: Count) -> Bitrate {
    Bitrate(demands.iter().map(|demand| demand.cost(Some(0), count)).sum())
}

/// Goes through the steps until it is told to stop: (place of the demand, rung).
fn each_step(demands: &[Demand], order: &[usize], mut visit: impl FnMut(usize, u8) -> ControlFlow<()>) {
    let mut step = |at: usize, rung: usize| {
        if rung < usize::from(demands[at].len) { visit(at, rung as u8) } else { ControlFlow::Continue(()) }
    };
    let _ended = (|| {
        order.iter().try_for_each(|&at| step(at, 0))?;
        for rung in 1..RUNGS_MAX {
            order
                .iter()
                .filter(|&&at| rung < usize::from(demands[at].fluent))
                .try_for_each(|&at| step(at, rung))?;
        }
        for class in order.chunk_by(|&a, &b| demands[a].precedence == demands[b].precedence) {
            for larger in 0..RUNGS_MAX {
                class.iter().try_for_each(|&at| step(at, usize::from(demands[at].fluent) + larger))?;
            }
        }
        ControlFlow::Continue(())
    })();
}

#[cfg(test)]
#[path = "allocate_tests.rs"]
mod tests;
