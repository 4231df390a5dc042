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
        let mut wait_us = self.interval_us;
        if self.proving.take().is_some() {
            wait_us = UNPROVEN_US << self.unproven;
            self.unproven = (self.unproven + 1).min(UNPROVEN_MAX);
            self.emptied = (self.emptied + u32::from(has_lost)).min(DECEIVED_MAX);
        }
        self.due_us = self.due_us.max(now_us + wait_us + spread(now_us, wait_us / 2));
        self.interval_us = (self.interval_us * 2).min(INTERVAL_MAX_US);
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
mod tests {
    use super::*;

    const CALM: Situation = Situation { target: 1e6, noise_ms: 0.0, calm: true, doubt: None };

    /// Sends the cluster over a path that carries so much, and returns what it shows.
    fn run(probes: &mut Probes, now_us: u64, probe: Probe, carried: f64, lose_every: u64) -> Option<Shown> {
        run_of(1_200, probes, now_us, probe, (carried, lose_every)).and_then(|result| result.shown)
    }

    /// Of packets of so many bytes.
    fn run_of(
        len: u16,
        probes: &mut Probes,
        now_us: u64,
        probe: Probe,
        (carried, lose_every): (f64, u64),
    ) -> Option<ProbeResult> {
        let bits = f64::from(len) * 8e6;
        let gap_us = (bits / probe.rate.0 as f64) as u64;
        let packets = probe.bytes.div_ceil(usize::from(len)) as u64;
        let mut free_us = 0.0_f64;
        for number in 0..packets {
            let sent_us = now_us + number * gap_us;
            probes.on_sent(sent_us, number, usize::from(len), Some(probe.id));
            free_us = free_us.max(sent_us as f64) + bits / carried;
            if lose_every == 0 || number % lose_every != 1 {
                probes.on_arrival(number, sent_us, free_us as i64 - sent_us as i64, len);
            }
        }
        probes.conclude(now_us + 100_000, packets, 0.0, 0.0)
    }

    #[test]
    fn what_is_wanted_is_tried_and_what_succeeds_is_carried() {
        let mut probes = Probes::new();
        assert_eq!(probes.poll(0, CALM), None);
        probes.set_wanted(Some(2e6));
        let probe = probes.poll(0, CALM).unwrap();
        assert_eq!(probe.rate, Bitrate::kbps(2_200));
        assert_eq!(probes.poll(0, CALM), None, "one at a time");
        assert_eq!(run(&mut probes, 0, probe, 10e6, 0), Some(Shown::Carried(2.2e6)));
        probes.set_wanted(Some(0.9e6));
        assert_eq!(probes.poll(10_000_000, CALM), None, "fits already");
    }

    #[test]
    fn what_is_too_much_shows_the_limit_and_the_next_trial_waits() {
        let mut probes = Probes::new();
        probes.set_wanted(Some(2e6));
        let mut now_us = 0;
        let mut waits = Vec::new();
        for _ in 0..4 {
            let asked_us = now_us;
            let probe = loop {
                now_us += 100_000;
                if let Some(probe) = probes.poll(now_us, CALM) {
                    break probe;
                }
            };
            waits.push(now_us - asked_us);
            let Some(Shown::Limited(limit)) = run(&mut probes, now_us, probe, 1.2e6, 0) else { panic!() };
            assert!((1.1e6..1.4e6).contains(&limit), "{limit}");
        }
        assert!(waits[3] * 2 >= waits[1] * 3 && waits[3] <= INTERVAL_MAX_US * 3 / 2 + 200_000, "{waits:?}");
    }

    #[test]
    fn packets_that_a_policer_drops_are_no_success() {
        let mut probes = Probes::new();
        probes.set_wanted(Some(3e6));
        let probe = probes.poll(0, CALM).unwrap();
        assert!(matches!(run(&mut probes, 0, probe, 50e6, 2), Some(Shown::Limited(_))));
    }

    #[test]
    fn a_fall_soon_after_a_success_makes_the_next_longer_and_later() {
        let mut probes = Probes::new();
        probes.set_wanted(Some(2e6));
        let short = probes.poll(0, CALM).unwrap();
        run(&mut probes, 0, short, 10e6, 0);
        probes.note_raise(100_000, 1e6, 2e6);
        probes.note_fall(1_000_000, 1.1e6, true, true);
        assert_eq!(probes.poll(5_000_000, CALM), None);
        let long = probes.poll(11_500_000, CALM).unwrap();
        assert!(long.bytes > 2 * short.bytes);
    }

    #[test]
    fn a_cluster_of_many_small_packets_shows_what_it_carries_and_no_losses() {
        let mut probes = Probes::new();
        probes.set_wanted(Some(60e6));
        let probe = probes.poll(0, Situation { target: 20e6, ..CALM }).unwrap();
        assert!(probe.bytes > 100_000, "{probe:?}");
        let result = run_of(290, &mut probes, 0, probe, (1e9, 0)).unwrap();
        assert!(matches!(result.shown, Some(Shown::Carried(rate)) if rate > 50e6), "{result:?}");
        assert_eq!(result.packets, result.arrived);
    }

    /// The moment the next cluster leaves, and the cluster.
    fn next(probes: &mut Probes, from_us: u64) -> (u64, Probe) {
        let mut moments = (0..3_000).map(|look| from_us + look * 10_000);
        moments.find_map(|at_us| Some((at_us, probes.poll(at_us, CALM)?))).expect("within half a minute")
    }

    #[test]
    fn what_is_to_be_proven_is_tried_for_longer_and_a_proof_is_used_once() {
        let mut probes = Probes::new();
        assert!(!probes.can_prove(), "of a path without a limit no proof is wanted");
        probes.set_wanted(Some(2e6));
        let (at_us, short) = next(&mut probes, 0);
        run(&mut probes, at_us, short, 1.2e6, 0);
        assert!(probes.can_prove());
        probes.set_wanted(None);
        probes.set_to_prove(3_000_000, Some(0.9e6));
        let (at_us, proof) = next(&mut probes, 3_000_000);
        assert_eq!(proof.rate, Bitrate::kbps(900));
        assert!((25_000..35_000).contains(&proof.bytes), "{proof:?}");
        run(&mut probes, at_us, proof, 1.2e6, 0);
        let shown_us = at_us + 100_000;
        assert!(probes.has_proof(shown_us) && !probes.has_proof(shown_us + PROOF_HOLDS_US));
        probes.set_to_prove(shown_us, None);
        assert!(!probes.has_proof(shown_us));
    }

    #[test]
    fn who_is_refused_a_proof_waits_longer_each_time_and_not_as_long_as_others() {
        let waits = |from_us: u64| {
            let mut probes = Probes::new();
            probes.set_to_prove(from_us, Some(2e6));
            let mut at_us = from_us;
            let waits = [(); 4].map(|()| {
                let (tried_us, proof) = next(&mut probes, at_us);
                run(&mut probes, tried_us, proof, 1.2e6, 0);
                let waited_us = tried_us - at_us;
                at_us = tried_us;
                waited_us
            });
            assert!(waits[1] >= UNPROVEN_US && waits[2] >= 2 * UNPROVEN_US && waits[3] < 7 * UNPROVEN_US);
            waits
        };
        assert_ne!(waits(1_000_000), waits(1_000_100));
    }

    #[test]
    fn what_is_due_and_cannot_be_sent_is_due_later() {
        let due_after = |hinder: fn(&mut Probes)| {
            let mut probes = Probes::new();
            probes.set_wanted(Some(2e6));
            hinder(&mut probes);
            probes.poll_timeout(1e6)
        };
        let uneasy = due_after(|probes| {
            assert_eq!(probes.poll(1_000, Situation { calm: false, ..CALM }), None);
        });
        assert_eq!(uneasy, Some(51_000));
        assert_eq!(due_after(|probes| probes.postpone(1_000)), Some(6_000));
        assert_eq!(due_after(|probes| probes.forgo(1_000)), Some(1_001_000));
        let mut probes = Probes::new();
        probes.try_once(0, 2e6);
        probes.forgo(1_000);
        assert_eq!(probes.poll_timeout(1e6), None);
    }

    #[test]
    fn a_cluster_whose_carrier_has_gone_is_given_up_too() {
        for hinder in [Probes::postpone, Probes::forgo] {
            let mut probes = Probes::new();
            probes.set_wanted(Some(2e6));
            probes.poll(0, CALM).unwrap();
            hinder(&mut probes, 1_000_000);
            assert_eq!(probes.poll_timeout(1e6), Some(2_000_000), "its packets may be on their way");
            hinder(&mut probes, 2_000_000);
            assert!(probes.poll_timeout(1e6) > Some(2_000_000));
        }
    }

    #[test]
    fn a_cluster_that_nobody_sends_is_given_up() {
        let mut probes = Probes::new();
        probes.set_wanted(Some(2e6));
        let first = probes.poll(0, CALM).unwrap();
        assert_eq!(probes.poll(1_900_000, CALM), None);
        let next = (20..60).find_map(|tenth| probes.poll(tenth * 100_000, CALM)).unwrap();
        assert_ne!(first.id, next.id);
    }
}
