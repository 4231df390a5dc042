//! What a path carries as far as reports tell: the share lost, and the browser's own estimate (REMB), conservatively.
//!
//! For clients without transport-wide feedback, which are not probed: going up is a trial, and failed trials make the next
//! one wait longer.

use std::time::{Duration, Instant};

use plenum_shared::media::Bitrate;

/// Before anything is known: one camera in full quality, which every connection worth a meeting carries.
pub const START: Bitrate = Bitrate::kbps(3_000);
/// Sound has to fit, whatever the feedback says.
pub const MIN: Bitrate = Bitrate::kbps(50);
/// Growth a second without trouble, as libwebrtc's loss-based control does it.
const GROWTH: f64 = 1.08;
/// Growth ends at this multiple of what is being sent: more than that was never tried.
const UNTRIED_FACTOR: u64 = 3;
/// Loss below this is not ours; loss above [`LOSS_HIGH`] is.
const LOSS_LOW: f64 = 0.02;
/// See [`LOSS_LOW`].
const LOSS_HIGH: f64 = 0.10;
/// A browser's estimate that has fallen, and to below this share of what we send, means congestion. One that is low but
/// rising only has not caught up with a larger layer yet: browsers raise it by 8 % a second. Up to [`REMB_FREE`] it says
/// nothing but that we should not add to what we send.
const REMB_CONGESTED: f64 = 0.95;
/// Less than this is no fall.
const REMB_FALLEN: f64 = 0.97;
/// See [`REMB_CONGESTED`].
const REMB_FREE: f64 = 1.1;
/// After going down, growth waits this long; twice as long each time going up soon ended in going down again.
const HOLD_MIN: Duration = Duration::from_secs(4);
/// See [`HOLD_MIN`].
const HOLD_MAX: Duration = Duration::from_secs(60);
/// Peace for so long after growth began again makes earlier failures forgotten.
const FORGIVEN_AFTER: Duration = Duration::from_secs(60);

/// The estimate from reports alone.
#[derive(Debug)]
pub struct Reported {
    bitrate: Bitrate,
    grown_at: Instant,
    held_until: Instant,
    hold: Duration,
    last_remb: Option<Bitrate>,
    has_fallen: bool,
}

impl Reported {
    /// Nothing is known.
    pub fn new(now: Instant) -> Self {
        Reported {
            bitrate: START,
            grown_at: now,
            held_until: now,
            hold: HOLD_MIN / 2,
            last_remb: None,
            has_fallen: false,
        }
    }

    /// What may be sent.
    pub fn bitrate(&self) -> Bitrate {
        self.bitrate
    }

    /// Whether there was ever a sign of trouble. Before it the number is a guess: reason to add nothing, not to take away.
    pub fn has_fallen(&self) -> bool {
        self.has_fallen
    }

    /// A report of the peer: its share of lost packets (0.0 to 1.0), while we sent at this rate.
    pub fn handle_loss(&mut self, now: Instant, lost: f64, sent: Bitrate) {
        if lost > LOSS_HIGH {
            let from = self.bitrate.min(sent.max(MIN));
            self.fall(now, Bitrate((from.0 as f64 * (1.0 - lost / 2.0)) as u64));
        } else if lost < LOSS_LOW {
            self.grow(now, sent);
        } else {
            self.grown_at = now;
        }
    }

    /// What the peer believes its path carries (REMB), while we sent at this rate.
    pub fn handle_remb(&mut self, now: Instant, remb: Bitrate, sent: Bitrate) {
        let ratio = remb.0 as f64 / sent.0.max(1) as f64;
        let fallen = self.last_remb.is_some_and(|last| (remb.0 as f64) < last.0 as f64 * REMB_FALLEN);
        self.last_remb = Some(remb);
        if ratio < REMB_CONGESTED && fallen {
            self.fall(now, remb);
        } else if ratio < REMB_FREE {
            self.grown_at = now;
        }
    }

    fn fall(&mut self, now: Instant, to: Bitrate) {
        if to >= self.bitrate {
            return;
        }
        self.bitrate = to.max(MIN);
        self.has_fallen = true;
        if now >= self.held_until {
            let peace = now.saturating_duration_since(self.held_until);
            self.hold = if peace > FORGIVEN_AFTER { HOLD_MIN } else { (self.hold * 2).min(HOLD_MAX) };
        }
        self.held_until = now + self.hold;
        self.grown_at = now;
    }

    fn grow(&mut self, now: Instant, sent: Bitrate) {
        let since = now.saturating_duration_since(self.grown_at).min(Duration::from_secs(2));
        self.grown_at = now;
        if now < self.held_until {
            return;
        }
        let limit = (sent.0 * UNTRIED_FACTOR).max(START.0);
        let grown = (self.bitrate.0 as f64 * GROWTH.powf(since.as_secs_f64())) as u64;
        self.bitrate = Bitrate(grown.min(limit).max(self.bitrate.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(from: u64, to: u64) -> impl Iterator<Item = Duration> {
        (from..to).map(Duration::from_secs)
    }

    #[test]
    fn heavy_loss_brings_it_down_at_once_and_peace_brings_it_up_slowly() {
        let start = Instant::now();
        let mut reported = Reported::new(start);
        reported.handle_loss(start, 0.2, Bitrate::kbps(2_000));
        assert_eq!(reported.bitrate(), Bitrate::kbps(1_800));
        for second in seconds(1, 4) {
            reported.handle_loss(start + second, 0.0, Bitrate::kbps(1_500));
        }
        assert_eq!(reported.bitrate(), Bitrate::kbps(1_800), "held");
        for second in seconds(4, 14) {
            reported.handle_loss(start + second, 0.0, Bitrate::kbps(1_500));
        }
        assert!((Bitrate::kbps(3_500)..Bitrate::kbps(4_500)).contains(&reported.bitrate()), "{reported:?}");
    }

    #[test]
    fn it_has_fallen_only_after_a_sign_of_trouble() {
        let start = Instant::now();
        let mut reported = Reported::new(start);
        reported.handle_loss(start, 0.05, Bitrate::kbps(2_000));
        reported.handle_remb(start, Bitrate::kbps(2_000), Bitrate::kbps(2_000));
        assert!(!reported.has_fallen());
        reported.handle_loss(start, 0.2, Bitrate::kbps(2_000));
        assert!(reported.has_fallen());
    }

    #[test]
    fn moderate_loss_neither_raises_nor_lowers() {
        let start = Instant::now();
        let mut reported = Reported::new(start);
        for second in seconds(0, 100) {
            reported.handle_loss(start + second, 0.05, Bitrate::kbps(5_000));
        }
        assert_eq!(reported.bitrate(), START);
    }

    #[test]
    fn growth_ends_where_nothing_was_tried() {
        let start = Instant::now();
        let mut reported = Reported::new(start);
        for second in seconds(0, 1000) {
            reported.handle_loss(start + second, 0.0, Bitrate::kbps(2_000));
        }
        assert_eq!(reported.bitrate(), Bitrate::kbps(6_000));
    }

    #[test]
    fn a_browser_estimate_below_our_rate_is_taken_and_one_that_follows_our_rate_is_not() {
        let start = Instant::now();
        let mut reported = Reported::new(start);
        reported.handle_remb(start, Bitrate::kbps(1_500), Bitrate::kbps(1_000));
        reported.handle_remb(start, Bitrate::kbps(1_000), Bitrate::kbps(1_000));
        assert_eq!(reported.bitrate(), START);
        reported.handle_remb(start, Bitrate::kbps(700), Bitrate::kbps(1_000));
        assert_eq!(reported.bitrate(), Bitrate::kbps(700));
        reported.handle_remb(start, Bitrate(0), Bitrate::kbps(1_000));
        assert_eq!(reported.bitrate(), MIN);
    }

    #[test]
    fn a_browser_estimate_that_has_not_caught_up_yet_is_no_congestion() {
        let start = Instant::now();
        let mut reported = Reported::new(start);
        for step in 0..20 {
            let remb = Bitrate::kbps(250 + step * 20);
            reported.handle_remb(start + Duration::from_secs(step), remb, Bitrate::kbps(1_500));
        }
        assert_eq!(reported.bitrate(), START);
    }

    #[test]
    fn failing_again_and_again_makes_it_wait_longer() {
        let start = Instant::now();
        let mut reported = Reported::new(start);
        let mut now = start;
        let mut waits = Vec::new();
        for _ in 0..5 {
            now += Duration::from_secs(1);
            reported.handle_loss(now, 0.5, Bitrate::kbps(1_000));
            let low = reported.bitrate();
            let fell_at = now;
            while reported.bitrate() == low {
                now += Duration::from_secs(1);
                reported.handle_loss(now, 0.0, Bitrate::kbps(1_000));
            }
            waits.push(now.duration_since(fell_at).as_secs());
        }
        assert!(waits.is_sorted() && waits[4] >= waits[0] * 8, "{waits:?}");
    }
}
