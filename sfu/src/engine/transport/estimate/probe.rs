//! Probes: when to try a higher rate.
//!
//! There are two kinds. One asks whether there is room for something better. The other asks the same once more before that is
//! added (a proof): a path may be shared, and what was free a moment ago may be somebody else's by now. Both are tried at
//! moments of their own, so that those who share a path do not try it together.

use plenum_shared::media::Bitrate;

use super::{
    Probe, ProbeId,
    cluster::{Cluster, ProbeResult, Shown},
};

/// A cluster lasts so long at least: a few ticks of the pacer.
const LENGTH_US: u64 = 20_000;
/// Once the path has shown a limit it may be shared, and those who share it send frames: a cluster between two frames of
/// theirs would find it empty. Three intervals of 30 a second, so that each third of the cluster sees one.
const LENGTH_SHARED_US: u64 = 100_000;
/// At most.
const LENGTH_MAX_US: u64 = 500_000;
/// Delays that stray by less than this are those of our own bursts; by more, and clusters become longer.
const QUIET_MS: f64 = 10.0;
/// In bytes: five packets, and what is remembered of one.
const BYTES: std::ops::RangeInclusive<f64> = 6_000.0..=200_000.0;
/// To learn why packets are lost, a cluster is so long, that there are enough of them,
const DOUBT_US: u64 = 100_000;
/// and so much faster than what is sent.
const DOUBT_FACTOR: f64 = 2.0;
/// A cluster that is too much must have drained after so many microseconds at the present rate.
const DRAINED_AFTER_US: u64 = 70_000;
/// No further than this beyond the present rate at once; what succeeds is followed by the next at once.
const STEP_MAX: f64 = 3.0;
/// After one that failed, the next only asks whether anything has changed: by this factor, or this much more.
const STEP_AFTER_FAILURE: f64 = 1.5;
/// See [`STEP_AFTER_FAILURE`]: those with the smaller part of a shared path ask for relatively more.
const STEP_BPS: f64 = 400_000.0;
/// Beyond what is wanted, so that it fits with room to spare.
const BEYOND_WANTED: f64 = 1.1;
/// Between clusters, doubled by each that fails. The longest wait bounds how late a step up is seen.
const INTERVAL_US: u64 = 1_500_000;
/// See [`INTERVAL_US`].
const INTERVAL_MAX_US: u64 = 3_600_000;
/// A path below this is narrow: the few packets that a cluster has at least take a quarter of a second of it, and the sound
/// waits behind them.
const NARROW_BPS: f64 = 300_000.0;
/// On a narrow path the wait is doubled up to this.
const INTERVAL_NARROW_MAX_US: u64 = 40_000_000;
/// A rate this much above the one at which clusters failed shows another path: waits are short again.
const RISEN: f64 = 1.3;
/// After going down nothing is tried for so long.
const AFTER_FALL_US: u64 = 2_500_000;
/// And so long after going down a little.
const AFTER_TOUCH_US: u64 = 800_000;
/// Losing more than half of what a cluster gave so soon means that it showed too much (a policer with a full bucket, for one).
const DECEIVED_WITHIN_US: u64 = 6_000_000;
/// After that the next waits so much longer, at most.
const DECEIVED_MAX_US: u64 = 60_000_000;
/// More often than this makes no difference.
const DECEIVED_MAX: u32 = 4;
/// After so long without a fall it is forgotten.
const FORGIVEN_AFTER_US: u64 = 90_000_000;
/// A cluster that has not left within this time is taken as it is; after as long again without feedback it is given up.
const ABANDONED_AFTER_US: u64 = 1_000_000;
/// A probe that is due while queues are not empty waits so long before it is looked at again,
const UNEASY_US: u64 = 50_000;
/// and one that is due while the way out is taken so long,
const BUSY_US: u64 = 5_000;
/// and one that nothing can be sent of so long.
const FORGONE_US: u64 = 1_000_000;
/// What is to be proven is tried within so long,
const PROVE_WITHIN_US: u64 = 400_000;
/// by a cluster that lasts longer than others, because a part of a shared path is more difficult to see,
const PROVE_US: u64 = 250_000;
/// and the proof is good for so long.
const PROOF_HOLDS_US: u64 = 300_000;
/// Who was refused one waits for so long, and twice as long each further time, so many times.
const UNPROVEN_US: u64 = 4_000_000;
/// See [`UNPROVEN_US`].
const UNPROVEN_MAX: u32 = 2;
/// The same on a narrow path.
const UNPROVEN_NARROW_MAX: u32 = 3;
/// After it nothing else is tried for so long: what was added brings a keyframe.
const AFTER_RISE_US: u64 = 1_500_000;
/// So much of what was to be proven is proof enough: clusters are cut to whole packets.
const PROVEN: f64 = 0.99;

/// When clusters are sent and what became of them.
#[derive(Debug)]
pub struct Probes {
    next_id: u8,
    cluster: Option<Box<Cluster>>,
    wanted: Option<f64>,
    /// A rate that is to be tried once.
    once: Option<f64>,
    /// A rate that is to be tried before something is added.
    to_prove: Option<f64>,
    /// The same, of the cluster that is on its way.
    proving: Option<f64>,
    /// When it was last shown to be carried.
    proven_us: Option<u64>,
    /// How often in a row it was not.
    unproven: u32,
    /// There was something to send clusters of.
    can_send: bool,
    due_us: u64,
    asked_us: u64,
    interval_us: u64,
    /// The rate when the last cluster left.
    asked_target: f64,
    step: f64,
    /// A cluster was too much, or the rate went down.
    is_limited: bool,
    deceived: u32,
    /// How often the path lost what it had carried before: a bucket that was full, for one.
    emptied: u32,
    fell_us: Option<u64>,
    /// When a cluster raised the rate, and the middle of where it was and where it came to.
    raised: Option<(u64, f64)>,
}

/// What a decision to probe depends on.
#[derive(Debug, Clone, Copy)]
pub struct Situation {
    /// The present rate in bits a second.
    pub target: f64,
    /// How far delays stray, in milliseconds.
    pub noise_ms: f64,
    /// Queues are empty, feedback comes.
    pub calm: bool,
    /// Losses could have two reasons, while so much is sent.
    pub doubt: Option<f64>,
}

impl Probes {
    /// Nothing is wanted.
    pub fn new() -> Self {
        Probes {
            next_id: 0,
            cluster: None,
            wanted: None,
            once: None,
            to_prove: None,
            proving: None,
            proven_us: None,
            unproven: 0,
            can_send: true,
            due_us: 0,
            asked_us: 0,
            interval_us: INTERVAL_US,
            asked_target: f64::MAX,
            step: STEP_MAX,
            is_limited: false,
            deceived: 0,
            emptied: 0,
            fell_us: None,
            raised: None,
        }
    }

    /// More than the present rate would be used.
    pub fn set_wanted(&mut self, wanted: Option<f64>) {
        self.wanted = wanted;
    }

    /// This rate is worth a trial, at once.
    pub fn try_once(&mut self, now_us: u64, rate: f64) {
        self.once = Some(rate);
        self.due_us = now_us;
    }

    /// Something is about to be added that needs this rate in all.
    pub fn set_to_prove(&mut self, now_us: u64, rate: Option<f64>) {
        if rate.is_none() {
            if self.proven_us.take().is_some() {
                self.due_us = self.due_us.max(now_us + AFTER_RISE_US);
            }
        } else if self.to_prove.is_none() {
            // Not at the same time as all others who have come to the same conclusion.
            self.due_us = self.due_us.max(now_us + spread(now_us, PROVE_WITHIN_US));
        }
        self.to_prove = rate;
    }

    /// What was to be proven was shown a moment ago.
    pub fn has_proof(&self, now_us: u64) -> bool {
        self.proven_us.is_some_and(|at| now_us < at + PROOF_HOLDS_US)
    }

    /// A proof is worth having, and can be had.
    pub fn can_prove(&self) -> bool {
        self.is_limited && self.can_send
    }

    /// There was no cluster yet.
    pub fn is_untried(&self) -> bool {
        self.next_id == 0 && self.cluster.is_none()
    }

    /// The path has shown that it does not carry everything.
    pub fn is_limited(&self) -> bool {
        self.is_limited
    }

    /// What a cluster showed has raised the rate.
    pub fn note_raise(&mut self, now_us: u64, from: f64, to: f64) {
        self.raised = Some((now_us, (from + to) / 2.0));
    }

    /// The rate went down, to this; `far`, or only back from a limit that it touched; because of what was `lost`, or of a
    /// queue.
    pub fn note_fall(&mut self, now_us: u64, to: f64, far: bool, lost: bool) {
        let mut wait = if far { AFTER_FALL_US } else { AFTER_TOUCH_US };
        if self.fell_us.is_some_and(|before| now_us > before + FORGIVEN_AFTER_US) {
            (self.deceived, self.emptied) = (0, 0);
        }
        if self.raised.take_if(|(_, half)| to < *half).is_some_and(|(at, _)| now_us < at + DECEIVED_WITHIN_US)
        {
            self.deceived = (self.deceived + 1).min(DECEIVED_MAX);
            self.emptied = (self.emptied + u32::from(lost)).min(DECEIVED_MAX);
            wait = (AFTER_FALL_US << (2 * self.deceived)).min(DECEIVED_MAX_US);
        }
        self.fell_us = Some(now_us);
        self.is_limited = true;
        self.once = None;
        self.due_us = self.due_us.max(now_us + wait);
    }

    /// When to ask again whether there is a cluster to send or one to give up.
    pub fn poll_timeout(&self, target: f64) -> Option<u64> {
        match &self.cluster {
            Some(cluster) => Some(cluster.offered_us + 2 * ABANDONED_AFTER_US),
            None => self.rate(target, None).map(|_| self.due_us),
        }
    }

    /// A cluster to send now.
    pub fn poll(&mut self, now_us: u64, situation: Situation) -> Option<Probe> {
        self.give_up(now_us);
        self.can_send = true;
        if situation.target > self.asked_target * RISEN && self.interval_us > INTERVAL_MAX_US {
            (self.interval_us, self.unproven) = (INTERVAL_US, 0);
            self.due_us = self.due_us.min(now_us + INTERVAL_US);
        }
        // What decides about losses that are there does not wait for its turn.
        let due_us = if situation.doubt.is_some() {
            self.due_us.min(self.asked_us + INTERVAL_US)
        } else {
            self.due_us
        };
        if self.cluster.is_some() || now_us < due_us {
            return None;
        }
        if !situation.calm {
            self.due_us = self.due_us.max(now_us + UNEASY_US);
            return None;
        }
        self.asked_us = now_us;
        self.asked_target = situation.target;
        let rate = self.rate(situation.target, situation.doubt)?;
        self.once = None;
        self.proving = self.to_prove.filter(|_| situation.doubt.is_none());
        let least_us = match (situation.doubt, self.proving) {
            (Some(_), _) => DOUBT_US,
            (None, Some(_)) => PROVE_US << self.emptied.min(1),
            (None, None) => 0,
        };
        let length_us = self.length_us(situation.noise_ms).max(least_us);
        let drained = match self.emptied {
            0 | 1 if situation.doubt.is_none() && self.proving.is_none() => {
                situation.target * (DRAINED_AFTER_US + length_us) as f64 / 8e6
            }
            // Bursts pass: only what goes on for long shows the limit.
            _ => f64::MAX,
        };
        let bytes = (rate * length_us as f64 / 8e6).min(drained).clamp(*BYTES.start(), *BYTES.end());
        let id = ProbeId(self.next_id);
        self.next_id = self.next_id.wrapping_add(1);
        let probe = Probe { id, rate: Bitrate(rate as u64), bytes: bytes as usize };
        self.cluster = Some(Box::new(Cluster::new(now_us, probe)));
        self.due_us = now_us + self.interval_us;
        Some(probe)
    }

    /// The way out is taken: what is due waits.
    pub fn postpone(&mut self, now_us: u64) {
        self.give_up(now_us);
        if self.cluster.is_none() {
            self.due_us = self.due_us.max(now_us + BUSY_US);
        }
    }

    /// There is nothing to send probes of: what is due is not tried, and what is wanted later.
    pub fn forgo(&mut self, now_us: u64) {
        self.give_up(now_us);
        self.can_send = false;
        if self.cluster.is_none() && now_us >= self.due_us {
            self.once = None;
            self.due_us = now_us + FORGONE_US;
        }
    }

    fn give_up(&mut self, now_us: u64) {
        let given_up = |cluster: &Cluster| now_us >= cluster.offered_us + 2 * ABANDONED_AFTER_US;
        if self.cluster.as_deref().is_some_and(given_up) {
            self.cluster = None;
            self.due_us = now_us + self.interval_us;
        }
    }

    /// A packet leaves.
    pub fn on_sent(&mut self, now_us: u64, number: u64, len: usize, id: Option<ProbeId>) {
        if let Some(cluster) = &mut self.cluster {
            cluster.on_sent(now_us, number, len, id);
        }
    }

    /// A packet arrived. Returns whether it belongs to a cluster: then its delay is of our making.
    pub fn on_arrival(&mut self, number: u64, sent_us: u64, delay_us: i64, len: u16) -> bool {
        self.cluster.as_mut().is_some_and(|cluster| cluster.on_arrival(number, sent_us, delay_us, len))
    }

    /// Feedback spoke of packets up to `spoken` (exclusive). Returns the result of a cluster that lies before it. Of what
    /// is sent, the share `inherent` is lost at any rate.
    pub fn conclude(
        &mut self,
        now_us: u64,
        spoken: u64,
        noise_ms: f64,
        inherent: f64,
    ) -> Option<ProbeResult> {
        let cluster = self.cluster.as_ref()?;
        let has_left = cluster.is_complete() || now_us > cluster.offered_us + ABANDONED_AFTER_US;
        if !has_left || !cluster.is_before(spoken) {
            return None;
        }
        let result = cluster.result(noise_ms, inherent);
        self.cluster = None;
        match result.shown {
            Some(Shown::Carried(carried)) => self.note_success(now_us, carried),
            _ => self.note_failure(now_us, result.has_lost(inherent)),
        }
        Some(result)
    }

    fn note_success(&mut self, now_us: u64, carried: f64) {
        if self.proving.take().is_some_and(|rate| carried >= rate * PROVEN) {
            self.proven_us = Some(now_us);
            self.unproven = 0;
        }
        self.interval_us = INTERVAL_US;
        self.step = STEP_MAX;
        self.due_us = now_us;
    }

    fn note_failure(&mut self, now_us: u64, has_lost: bool) {
        let is_narrow = self.asked_target < NARROW_BPS;
        let mut wait_us = self.interval_us;
        if self.proving.take().is_some() {
            wait_us = UNPROVEN_US << self.unproven;
            self.unproven =
                (self.unproven + 1).min(if is_narrow { UNPROVEN_NARROW_MAX } else { UNPROVEN_MAX });
            self.emptied = (self.emptied + u32::from(has_lost)).min(DECEIVED_MAX);
        }
        self.due_us = self.due_us.max(now_us + wait_us + spread(now_us, wait_us / 2));
        let most_us = if is_narrow { INTERVAL_NARROW_MAX_US } else { INTERVAL_MAX_US };
        self.interval_us = (self.interval_us * 2).min(most_us);
        self.step = STEP_AFTER_FAILURE;
        self.is_limited = true;
    }

    /// The rate of the next cluster, if there is a reason for one.
    fn rate(&self, target: f64, doubt: Option<f64>) -> Option<f64> {
        let wanted = self.wanted.filter(|&wanted| wanted > target).map(|wanted| wanted * BEYOND_WANTED);
        let once = self.once.filter(|&once| once > target);
        let rate = wanted.or(once).map(|rate| rate.min((target * self.step).max(target + STEP_BPS)));
        doubt.map(|sent| sent * DOUBT_FACTOR).or(self.to_prove).or(rate)
    }

    /// Longer where delays stray, and where short ones have deceived us.
    fn length_us(&self, noise_ms: f64) -> u64 {
        let least = if self.is_limited { LENGTH_SHARED_US } else { LENGTH_US };
        let length =
            (LENGTH_US << (2 * self.emptied)).max(least) + ((noise_ms - QUIET_MS).max(0.0) * 12_000.0) as u64;
        length.min(LENGTH_MAX_US)
    }
}

/// Some part of a time, for moments that should not fall together with those of others who share a path: the microseconds
/// of the clock, shuffled.
fn spread(now_us: u64, within_us: u64) -> u64 {
    let shuffled = (now_us ^ (now_us >> 7)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    ((u128::from(shuffled) * u128::from(within_us)) >> 64) as u64
}

#[cfg(test)]
#[path = "probe_tests.rs"]
mod tests;
