//! When a peer's video may go up: down is at once, up waits, and longer each time it was a mistake.

use std::time::{Duration, Instant};

use plenum_shared::media::Bitrate;

/// What is added must have fitted for so long.
const AFFORDABLE_FOR: Duration = Duration::from_secs(1);
/// It must fit with this much to spare …
const MARGIN_PERCENT: u64 = 110;
/// … and after a mistake with this much: a path that swings by a tenth to both sides then stays where it is.
const MARGIN_CAREFUL_PERCENT: u64 = 125;
/// After the path became narrower, what is free is not believed for so long.
const HOLD: Duration = Duration::from_secs(3);
/// Going up was a mistake when the path fell below what it was then within so long …
const MISTAKEN_WITHIN: Duration = Duration::from_secs(120);
/// … or, when it fell to less than this share of it, within so long: more likely it is another path by now.
const DEEP_FALL_PERCENT: u64 = 70;
/// See [`DEEP_FALL_PERCENT`].
const MISTAKEN_DEEPLY_WITHIN: Duration = Duration::from_secs(10);
/// After a mistake going up waits for so long, and three times as long after each further one, …
const HOLD_MISTAKEN: Duration = Duration::from_secs(10);
/// … up to this.
const HOLD_MAX: Duration = Duration::from_secs(60);
/// So long without a change makes mistakes forgotten: what was too much then is tried once more.
const FORGIVEN_AFTER: Duration = Duration::from_secs(900);
/// The path is tried so long before a hold ends, so that what it carries is known by then.
const TRIED_BEFORE: Duration = Duration::from_secs(2);
/// Between two additions at least: each brings a keyframe.
const BETWEEN_RISES: Duration = Duration::from_millis(400);

/// What one peer's path did when its video went up and down.
#[derive(Debug, Default)]
pub struct Hysteresis {
    affordable_since: Option<Instant>,
    held_until: Option<Instant>,
    /// When it went up last, and on which budget.
    raised: Option<(Instant, Bitrate)>,
    changed_at: Option<Instant>,
    mistakes: u32,
}

impl Hysteresis {
    /// The part of a budget that may be used to add something.
    pub fn cautious(&mut self, now: Instant, budget: Bitrate) -> Bitrate {
        if self.changed_at.is_some_and(|at| now.saturating_duration_since(at) >= FORGIVEN_AFTER) {
            self.mistakes = 0;
        }
        let percent = if self.mistakes > 0 { MARGIN_CAREFUL_PERCENT } else { MARGIN_PERCENT };
        Bitrate(budget.0 * 100 / percent)
    }

    /// What a path must carry before this is added.
    pub fn with_margin(&self, needed: Bitrate) -> Bitrate {
        let percent = if self.mistakes > 0 { MARGIN_CAREFUL_PERCENT } else { MARGIN_PERCENT };
        Bitrate(needed.0 * percent / 100)
    }

    /// Whether something may be added now, when the part of the budget for it has room for it (or not). On a path that
    /// has never shown trouble there is nothing to wait for.
    pub fn may_rise(&mut self, now: Instant, affordable: bool, has_fallen: bool) -> bool {
        if !affordable {
            self.affordable_since = None;
            return false;
        }
        let since = *self.affordable_since.get_or_insert(now);
        let apart = self.raised.is_none_or(|(at, _)| now.saturating_duration_since(at) >= BETWEEN_RISES);
        apart && !self.is_held(now) && (!has_fallen || now.saturating_duration_since(since) >= AFFORDABLE_FOR)
    }

    /// Something was added on this budget.
    pub fn note_rise(&mut self, now: Instant, budget: Bitrate) {
        self.raised = Some((now, budget));
        self.changed_at = Some(now);
    }

    /// The budget no longer paid for what was given. That is no mistake, but as good a reason to wait, when something else
    /// than video took the room.
    pub fn note_fall(&mut self, now: Instant, budget: Bitrate, is_excused: bool) {
        let raised = self.raised.take();
        let mistaken = !is_excused && raised.is_some_and(|raised| is_mistake(now, raised, budget));
        let hold = if mistaken {
            self.mistakes += 1;
            (HOLD_MISTAKEN * 3_u32.pow((self.mistakes - 1).min(8))).min(HOLD_MAX)
        } else if is_excused {
            HOLD_MISTAKEN
        } else {
            HOLD
        };
        self.held_until = self.held_until.max(Some(now + hold));
        self.affordable_since = None;
        self.changed_at = Some(now);
    }

    /// What is free is not believed yet.
    pub fn is_held(&self, now: Instant) -> bool {
        self.held_until.is_some_and(|until| now < until)
    }

    /// Whether it is of use to try what the path carries.
    pub fn is_trying(&self, now: Instant) -> bool {
        self.held_until.is_none_or(|until| now + TRIED_BEFORE >= until)
    }
}

/// The path did not carry what was added: it fell soon after.
fn is_mistake(now: Instant, (raised_at, then): (Instant, Bitrate), budget: Bitrate) -> bool {
    let deep = budget.0 * 100 < then.0 * DEEP_FALL_PERCENT;
    let within = if deep { MISTAKEN_DEEPLY_WITHIN } else { MISTAKEN_WITHIN };
    budget < then && now.saturating_duration_since(raised_at) < within
}
