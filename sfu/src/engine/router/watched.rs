//! The layers of a producer that somebody watches, so that its publisher need not encode the others.
//!
//! What is wanted again is told at once; what nobody wants any more is told after a while, because people look away and
//! back, and an encoder that is switched on again starts with a keyframe.

use std::time::{Duration, Instant};

use super::producer::LAYERS_MAX;

/// A layer is told to be unwatched after so long without a viewer.
const UNWATCHED_AFTER: Duration = Duration::from_secs(5);

/// Spatial layers of one producer, and how many consumers are given each or may soon be.
#[derive(Debug)]
pub struct Watched {
    viewers: [u32; LAYERS_MAX],
    /// What was told last.
    told: Option<Highest>,
    /// Less is watched than was told: the most of it since, and when that is told.
    falling: Option<(Highest, Instant)>,
}

/// The highest layer that is watched; `None`: nobody watches.
pub type Highest = Option<u8>;

impl Watched {
    /// Nobody watches yet.
    pub fn new(now: Instant) -> Self {
        Watched { viewers: [0; LAYERS_MAX], told: None, falling: Some((None, now + UNWATCHED_AFTER)) }
    }

    /// One consumer watches another layer than before.
    pub fn change(&mut self, now: Instant, from: Highest, to: Highest) {
        if from == to {
            return;
        }
        if let Some(viewers) = from.and_then(|layer| self.viewers.get_mut(usize::from(layer))) {
            *viewers -= 1;
        }
        if let Some(viewers) = to.and_then(|layer| self.viewers.get_mut(usize::from(layer))) {
            *viewers += 1;
        }
        self.consider(now);
    }

    /// The highest layer that is watched.
    pub fn highest(&self) -> Highest {
        self.viewers.iter().rposition(|&viewers| viewers > 0).map(|layer| layer as u8)
    }

    /// When there may be something to tell.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.falling.map(|(_, at)| at)
    }

    /// What was told may have been lost: it is told again.
    pub fn forget_told(&mut self, now: Instant) {
        self.told = None;
        self.consider(now);
    }

    /// What is to be told now.
    pub fn poll_told(&mut self, now: Instant) -> Option<Highest> {
        let highest = self.highest();
        if self.told.map_or(highest.is_some(), |told| highest > told) {
            self.told = Some(highest);
            self.falling = None;
            return self.told;
        }
        let (most, _) = self.falling.filter(|&(_, at)| at <= now)?;
        (self.told, self.falling) = (Some(most), None);
        self.consider(now);
        self.told
    }

    fn consider(&mut self, now: Instant) {
        let highest = self.highest();
        self.falling = match self.falling {
            _ if self.told.is_some_and(|told| highest >= told) => None,
            Some((most, at)) => Some((most.max(highest), at)),
            None => Some((highest, now + UNWATCHED_AFTER)),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Story {
        start: Instant,
        watched: Watched,
    }

    impl Story {
        fn new() -> Self {
            let start = Instant::now();
            Story { start, watched: Watched::new(start) }
        }

        fn change(&mut self, ms: u64, from: Highest, to: Highest) {
            self.watched.change(self.start + Duration::from_millis(ms), from, to);
        }

        /// Everything told from here to there, with when.
        fn told(&mut self, from_ms: u64, to_ms: u64) -> Vec<(u64, Highest)> {
            let times = (from_ms..to_ms).step_by(100);
            let told = times
                .filter_map(|ms| Some((ms, self.watched.poll_told(self.start + Duration::from_millis(ms))?)));
            told.collect()
        }
    }

    #[test]
    fn a_new_producer_is_told_of_its_first_viewer_at_once_and_of_none_after_a_while() {
        let mut story = Story::new();
        assert_eq!(story.told(0, 10_000), [(5000, None)]);
        story.change(10_000, None, Some(1));
        assert_eq!(story.told(10_000, 20_000), [(10_000, Some(1))]);
    }

    #[test]
    fn up_is_told_at_once_and_down_after_five_seconds() {
        let mut story = Story::new();
        story.change(0, None, Some(0));
        assert_eq!(story.told(0, 1000), [(0, Some(0))]);
        story.change(1000, Some(0), Some(2));
        assert_eq!(story.told(1000, 2000), [(1000, Some(2))]);
        story.change(2000, Some(2), Some(1));
        assert_eq!(story.told(2000, 20_000), [(7000, Some(1))]);
        story.change(20_000, Some(1), None);
        assert_eq!(story.told(20_000, 30_000), [(25_000, None)]);
    }

    #[test]
    fn what_may_have_been_lost_is_told_again() {
        let mut story = Story::new();
        story.change(0, None, Some(2));
        assert_eq!(story.told(0, 1000), [(0, Some(2))]);
        story.watched.forget_told(story.start + Duration::from_secs(1));
        assert_eq!(story.told(1000, 20_000), [(1000, Some(2))]);
        story.change(20_000, Some(2), None);
        assert_eq!(story.told(20_000, 30_000), [(25_000, None)]);
        story.watched.forget_told(story.start + Duration::from_secs(30));
        assert_eq!(story.told(30_000, 40_000), [(35_000, None)]);
    }

    #[test]
    fn looking_away_for_a_moment_is_not_told() {
        let mut story = Story::new();
        story.change(0, None, Some(2));
        story.told(0, 100);
        story.change(1000, Some(2), None);
        assert_eq!(story.told(1000, 5000), []);
        story.change(5000, None, Some(2));
        assert_eq!(story.told(5000, 30_000), []);
    }

    #[test]
    fn a_layer_watched_for_a_part_of_the_five_seconds_waits_for_its_own() {
        let mut story = Story::new();
        story.change(0, None, Some(2));
        story.told(0, 100);
        story.change(1000, Some(2), Some(1));
        story.change(4000, Some(1), Some(0));
        assert_eq!(story.told(4000, 30_000), [(6000, Some(1)), (11_000, Some(0))]);
    }

    #[test]
    fn the_highest_of_many_viewers_counts() {
        let mut story = Story::new();
        for layer in [0, 2, 2, 1] {
            story.change(0, None, Some(layer));
        }
        assert_eq!(story.told(0, 100), [(0, Some(2))]);
        story.change(1000, Some(2), None);
        assert_eq!(story.told(1000, 10_000), []);
        story.change(10_000, Some(2), None);
        assert_eq!(story.told(10_000, 20_000), [(15_000, Some(1))]);
    }
}
