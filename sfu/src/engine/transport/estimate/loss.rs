//! Is loss our doing? A path that loses at random loses the same share of any rate; one that is too narrow passes a rate
//! and loses the rest. Both are fitted to what was lost lately, and the better explanation is believed.
//!
//! Where the rates sent do not tell them apart, loss alone takes nothing away, unless it is very high; a probe at a higher
//! rate is asked for, which costs no picture and decides it.

use super::lately::Lately;
use super::sent::{Fate, SENT_MAX, SentPackets};

/// Times of sending that are judged together, in microseconds at least, and packets.
const WINDOW_US: u32 = 200_000;
/// See [`WINDOW_US`].
const WINDOW_PACKETS: u32 = 20;
/// A window that is not full by then is judged as it is, or given up when it holds next to nothing.
const WINDOW_MAX_US: u32 = 1_000_000;
/// See [`WINDOW_MAX_US`].
const WINDOW_PACKETS_MIN: u32 = 8;
/// Windows remembered: five seconds and more.
const WINDOWS: usize = 24;
/// How much less the window before the last one counts, and so on.
const AGEING: f64 = 0.93;
/// Less than this is not worth an explanation.
const LOSS_MIN: f64 = 0.01;
/// A limit explains the losses better when it explains so many standard deviations (squared) more of them.
const GAIN_MIN: f64 = 12.0;
/// Limits that explain all but so many fewer are as good.
const ABOUT_AS_WELL: f64 = 3.0;
/// Limits tried, each 7 % above the one before.
const CANDIDATES: i32 = 20;
/// See [`CANDIDATES`].
const CANDIDATE_STEP: f64 = 1.07;
/// More loss than this in two windows, out of the blue, is taken for a limit until the contrary is shown.
const SEVERE: f64 = 0.25;
/// It is out of the blue when it is so many times what was lost before.
const SUDDEN: f64 = 2.0;
/// A fall for that is judged after so many windows,
const JUDGED_AFTER: u32 = 4;
/// of a rate below this share of the one at which so much was lost.
const LOWER: f64 = 0.8;
/// From this on an explanation is wanted.
const WORTH_A_PROBE: f64 = 0.08;

/// What was lost, and why.
#[derive(Debug)]
pub struct Loss {
    windows: [Window; WINDOWS],
    len: usize,
    next: usize,
    /// Of how many of them something was lost: of none, mostly, and then there is nothing to explain.
    lossy: usize,
    open: Open,
    lately: Lately,
    /// The number of the next packet to be judged.
    judged: u64,
    inherent: f64,
    average: f64,
    queued: bool,
    is_ambiguous: bool,
    ceiling: Option<f64>,
    /// Severe loss has taken us down.
    fallen_from: Option<Severe>,
    taken_back: Option<f64>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Window {
    rate: f64,
    arrived: f64,
    packets: f64,
}

impl Window {
    fn is_lossy(&self) -> bool {
        self.arrived < 1.0
    }
}

/// A fall for severe loss: the rate and the share that was lost, and what was seen at lower rates since.
#[derive(Debug, Clone, Copy)]
struct Severe {
    rate: f64,
    lost: f64,
    windows: u32,
    lost_since: f64,
}

#[derive(Debug, Default)]
struct Open {
    since_us: Option<u32>,
    bytes: u32,
    arrived: u32,
    lost: u32,
}

impl Loss {
    /// Nothing was sent.
    pub fn new() -> Self {
        Loss {
            windows: [Window::default(); WINDOWS],
            len: 0,
            next: 0,
            lossy: 0,
            open: Open::default(),
            lately: Lately::default(),
            judged: 0,
            inherent: 0.0,
            average: 0.0,
            queued: false,
            is_ambiguous: false,
            ceiling: None,
            fallen_from: None,
            taken_back: None,
        }
    }

    /// Feedback spoke of packets up to `spoken` (exclusive). Those sent `patience_us` before the last of them are judged:
    /// until then a late packet may still turn up. `queued`: there is a queue, which explains a loss by itself. Returns
    /// whether there is a new judgement.
    pub fn judge(
        &mut self,
        now_us: u64,
        sent: &SentPackets,
        spoken: u64,
        patience_us: u32,
        queued: bool,
    ) -> bool {
        self.judged =
            self.judged.max(spoken.saturating_sub(SENT_MAX as u64 / 2)).max(sent.remembered().start);
        let Some(newest) = spoken.checked_sub(1).and_then(|number| sent.get(number)) else { return false };
        self.queued = queued;
        let (mut news, mut known, mut missing) = (false, 0, 0);
        'judged: for packets in sent.runs(self.judged..spoken) {
            for packet in packets {
                if newest.sent_us.wrapping_sub(packet.sent_us) < patience_us {
                    break 'judged;
                }
                self.judged += 1;
                let span_us = packet.sent_us.wrapping_sub(*self.open.since_us.get_or_insert(packet.sent_us));
                if span_us >= WINDOW_US {
                    news |= self.close(span_us, packet.sent_us);
                }
                let (is_known, is_missing) = (packet.fate != Fate::Unknown, packet.fate == Fate::Missing);
                known += u32::from(is_known);
                missing += u32::from(is_missing);
                self.open.bytes += u32::from(packet.len);
                // Of the others feedback was lost.
                self.open.arrived += u32::from(is_known && !is_missing);
                self.open.lost += u32::from(is_missing);
            }
        }
        if known > 0 {
            self.lately.note(now_us, known, missing);
        }
        news
    }

    /// So many packets of those sent at this rate arrived; for a cluster of probes, whose rate differs.
    pub fn note(&mut self, rate: f64, packets: u32, arrived: u32) {
        if packets == 0 {
            return;
        }
        let share = f64::from(arrived) / f64::from(packets);
        let window = Window { rate, arrived: share.min(1.0), packets: f64::from(packets) };
        let before = std::mem::replace(&mut self.windows[self.next], window);
        self.lossy += usize::from(window.is_lossy());
        self.lossy -= usize::from(self.len == WINDOWS && before.is_lossy());
        self.next = (self.next + 1) % WINDOWS;
        self.len = (self.len + 1).min(WINDOWS);
        self.explain();
    }

    /// The number of the next packet to be judged.
    pub fn judged(&self) -> u64 {
        self.judged
    }

    /// More than this the path does not carry, as the losses tell.
    pub fn ceiling(&self) -> Option<f64> {
        self.ceiling
    }

    /// The share that is lost at any rate.
    pub fn inherent(&self) -> f64 {
        self.inherent
    }

    /// The share that was lost of what the explanations are made of.
    pub fn average(&self) -> f64 {
        self.average
    }

    /// The share that was lost in the last two seconds; `None` where too few packets tell.
    pub fn lately(&self, now_us: u64) -> Option<f64> {
        self.lately.share(now_us)
    }

    /// The rate before a fall that turned out to be for nothing.
    pub fn take_back(&mut self) -> Option<f64> {
        self.taken_back.take()
    }

    /// Both explanations fit, and a higher rate for a moment would decide it.
    pub fn is_ambiguous(&self) -> bool {
        self.is_ambiguous
    }

    /// The path is another one, or was shown to carry more.
    pub fn forget(&mut self) {
        let Loss { judged, inherent, average, lately, .. } = *self;
        *self = Loss { judged, inherent, average, lately, ..Loss::new() };
    }

    /// What was sent before this number says nothing about the path as it is.
    pub fn skip_to(&mut self, number: u64) {
        self.judged = self.judged.max(number);
        self.open = Open::default();
    }

    /// Ends the open window, which is as long as it has to be, if there is enough in it.
    fn close(&mut self, span_us: u32, next_us: u32) -> bool {
        let Open { bytes, arrived, lost, .. } = self.open;
        let known = arrived + lost;
        if known < WINDOW_PACKETS && span_us < WINDOW_MAX_US {
            return false;
        }
        self.open = Open { since_us: Some(next_us), ..Open::default() };
        // A window much longer than it may be had a pause in it: its rate says nothing.
        if known < WINDOW_PACKETS_MIN || span_us > 2 * WINDOW_MAX_US {
            return false;
        }
        self.note(f64::from(bytes) * 8e6 / f64::from(span_us), known, arrived);
        true
    }

    /// The windows, newest first, with what they count.
    fn weighed(&self) -> impl Iterator<Item = (Window, f64)> + Clone {
        let mut ageing = 1.0 / AGEING;
        (1..=self.len).map(move |back| {
            let window = self.windows[(self.next + WINDOWS - back) % WINDOWS];
            ageing *= AGEING;
            (window, window.packets * ageing)
        })
    }

    fn rates(&self) -> (f64, f64) {
        self.weighed().fold((f64::MAX, 0.0_f64), |(least, most), (window, _)| {
            (least.min(window.rate), most.max(window.rate))
        })
    }

    fn explain(&mut self) {
        let random = self.share();
        self.average = 1.0 - random;
        self.ceiling = None;
        self.is_ambiguous = false;
        if self.average < LOSS_MIN {
            self.inherent = self.average;
            self.note_unlimited();
            return;
        }
        let (_, most) = self.rates();
        let error = self.misfit(f64::MAX, random);
        let least = self.weighed().map(|(window, _)| window.rate * window.arrived).fold(f64::MAX, f64::min);
        let variance = (random * (1.0 - random)).max(0.01);
        let least = least.max(most / 20.0);
        let limits = (0..CANDIDATES).map(|step| least * CANDIDATE_STEP.powi(step));
        let candidates =
            limits.take_while(|&limit| limit < most * 0.97).map(|limit| (limit, self.fit(limit)));
        let best = candidates.clone().map(|(_, (_, left))| left).fold(f64::MAX, f64::min);
        // Of those that explain it about as well the lowest, which needs the least random loss: should it be too low, the
        // rates below it will show.
        let lowest = candidates.clone().find(|(_, (_, left))| *left <= best + variance * ABOUT_AS_WELL);
        // A limit alone, without any random loss.
        let alone = candidates.map(|(limit, _)| self.misfit(limit, 1.0)).fold(f64::MAX, f64::min);
        match lowest {
            Some((limit, (arrived, left))) if (error - left) / variance > GAIN_MIN => {
                self.inherent = 1.0 - arrived;
                self.ceiling = Some(limit);
                self.fallen_from = None;
            }
            _ => {
                self.inherent = self.average;
                self.note_severe();
                self.is_ambiguous = self.average > WORTH_A_PROBE
                    && self.ceiling.is_none()
                    && self.len > 2
                    && alone - error < GAIN_MIN * variance;
            }
        }
    }

    /// The share that arrives where there is no limit.
    fn share(&self) -> f64 {
        if self.lossy == 0 {
            return 1.0;
        }
        let (upper, lower) = self.weighed().fold((0.0, 0.0), |(upper, lower), (window, weight)| {
            (upper + weight * window.arrived, lower + weight)
        });
        (upper / f64::max(lower, 1e-9)).clamp(0.5, 1.0)
    }

    /// The share that arrives below the limit, and the weighed squares of what that does not explain.
    fn fit(&self, limit: f64) -> (f64, f64) {
        let passed = |window: Window| (limit / window.rate.max(1.0)).min(1.0);
        let (mut upper, mut lower) = (0.0, 0.0);
        for (window, weight) in self.weighed() {
            let passed = passed(window);
            upper += weight * window.arrived * passed;
            lower += weight * passed * passed;
        }
        let share = (upper / f64::max(lower, 1e-9)).clamp(0.5, 1.0);
        (share, self.misfit(limit, share))
    }

    /// The weighed squares of what a limit, below which this share arrives, does not explain.
    fn misfit(&self, limit: f64, share: f64) -> f64 {
        let expected = |window: Window| share * (limit / window.rate.max(1.0)).min(1.0);
        self.weighed().map(|(window, weight)| weight * (window.arrived - expected(window)).powi(2)).sum()
    }

    fn note_severe(&mut self) {
        if self.queued {
            // What is done about the queue will show in the losses.
            self.fallen_from = None;
            return;
        }
        let newest = |back| self.weighed().nth(back).map(|(window, _)| window);
        let (lost, weight) = self.weighed().skip(2).fold((0.0, 0.0), |(lost, all), (window, weight)| {
            (lost + (1.0 - window.arrived) * weight, all + weight)
        });
        let usual = lost / f64::max(weight, 1.0);
        match (self.fallen_from, newest(0), newest(1)) {
            (None, Some(last), Some(before)) if is_severe(last, before, usual) => {
                self.ceiling = Some(last.rate.min(before.rate) * last.arrived.max(before.arrived));
                let (rate, arrived) = (last.rate.max(before.rate), last.arrived.max(before.arrived));
                self.fallen_from = Some(Severe { rate, lost: 1.0 - arrived, windows: 0, lost_since: 0.0 });
            }
            _ => self.note_unlimited(),
        }
    }

    /// Once lower rates have lost as much as the higher ones, it was not our doing.
    fn note_unlimited(&mut self) {
        let newest = self.weighed().next().map(|(window, _)| window);
        let (Some(severe), Some(newest)) = (&mut self.fallen_from, newest) else { return };
        // The first windows after it may have left before it.
        if newest.rate > severe.rate * LOWER {
            return;
        }
        severe.windows += 1;
        severe.lost_since += 1.0 - newest.arrived;
        if severe.windows == JUDGED_AFTER && severe.lost_since > severe.lost * f64::from(JUDGED_AFTER) / 2.0 {
            self.taken_back = Some(severe.rate);
        }
        // Once more in so many windows it may be tried.
        if severe.windows > 4 * WINDOWS as u32 {
            self.fallen_from = None;
        }
    }
}

/// More than [`SEVERE`], not by chance, and far more than usual.
fn is_severe(a: Window, b: Window, usual: f64) -> bool {
    let packets = (a.packets + b.packets).max(1.0);
    let lost = 1.0 - (a.arrived * a.packets + b.arrived * b.packets) / packets;
    lost > SEVERE + 2.0 * (SEVERE * (1.0 - SEVERE) / packets).sqrt() && lost > usual * SUDDEN
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A window of a path that passes so much and loses this share of what it passes.
    fn send(loss: &mut Loss, rate: f64, limit: f64, lost: f64) {
        let packets = 60;
        let arrived = (limit / rate).min(1.0) * (1.0 - lost) * f64::from(packets);
        loss.note(rate, packets, arrived.round() as u32);
    }

    #[test]
    fn the_same_share_of_every_rate_is_no_limit() {
        for lost in [0.02, 0.05, 0.1, 0.2] {
            let mut loss = Loss::new();
            (0..40).for_each(|n| send(&mut loss, 1e6 + f64::from(n % 8) * 1e5, 1e9, lost));
            assert_eq!(loss.ceiling(), None);
            assert!((loss.inherent() - lost).abs() < 0.01, "{lost} {loss:?}");
        }
    }

    #[test]
    fn a_policer_is_a_limit_and_what_it_passes_is_known() {
        let mut loss = Loss::new();
        (0..20).for_each(|n| send(&mut loss, 0.7e6 + f64::from(n) * 0.04e6, 1e6, 0.0));
        assert!(loss.ceiling().is_some_and(|ceiling| (0.9e6..1.1e6).contains(&ceiling)), "{loss:?}");
        assert!(loss.inherent() < 0.02);
    }

    #[test]
    fn a_policer_behind_a_path_that_loses_is_found_too() {
        let mut loss = Loss::new();
        (0..20).for_each(|n| send(&mut loss, 0.5e6 + f64::from(n) * 0.1e6, 1e6, 0.1));
        assert!(loss.ceiling().is_some_and(|ceiling| (0.85e6..1.15e6).contains(&ceiling)), "{loss:?}");
        assert!((0.05..0.13).contains(&loss.inherent()), "{loss:?}");
    }

    #[test]
    fn one_rate_alone_decides_nothing_and_a_probe_does() {
        let mut limited = Loss::new();
        (0..20).for_each(|_| send(&mut limited, 1.1e6, 1e6, 0.0));
        assert_eq!(limited.ceiling(), None);
        assert!(limited.is_ambiguous());
        limited.note(2e6, 20, 10);
        assert!(limited.ceiling().is_some_and(|ceiling| (0.9e6..1.15e6).contains(&ceiling)), "{limited:?}");
        let mut random = Loss::new();
        (0..20).for_each(|_| send(&mut random, 1.1e6, 1e9, 0.1));
        assert!(random.is_ambiguous());
        random.note(2e6, 20, 18);
        assert!(random.ceiling().is_none() && !random.is_ambiguous());
    }

    #[test]
    fn severe_loss_is_believed_at_once_and_taken_back_when_less_loses_as_much() {
        let mut loss = Loss::new();
        (0..10).for_each(|_| send(&mut loss, 2e6, 1e9, 0.0));
        (0..2).for_each(|_| send(&mut loss, 2e6, 1e9, 0.45));
        assert!(loss.ceiling().is_some());
        let mut back = None;
        for _ in 0..10 {
            send(&mut loss, 1.2e6, 1e9, 0.45);
            back = back.or(loss.take_back());
        }
        assert_eq!(loss.ceiling(), None);
        assert_eq!(back, Some(2e6));
    }

    #[test]
    fn severe_loss_that_ends_with_the_rate_is_not_taken_back() {
        let mut loss = Loss::new();
        (0..2).for_each(|_| send(&mut loss, 2e6, 1e9, 0.45));
        assert!(loss.ceiling().is_some());
        // This one had left already.
        send(&mut loss, 1.9e6, 1e9, 0.45);
        for _ in 0..10 {
            send(&mut loss, 0.6e6, 1e9, 0.0);
            assert_eq!(loss.take_back(), None);
        }
    }
}
