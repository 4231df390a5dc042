//! The estimate of a path whose other end reports the arrival of every packet.
//!
//! ```text
//! feedback ─▶ sent: what became of each packet
//!    arrivals ─▶ arrival_groups ─▶ trendline: growing?     ─┐
//!             ─▶ queue: standing?                          ─┼─▶ aimd ─▶ the rate
//!             ─▶ acknowledged: how much arrives             ┤
//!    losses   ─▶ loss: our doing? how much passes          ─┤
//!    clusters ─▶ probe: does it carry more?                ─┘
//! ```

mod hearing;
mod judging;

use std::time::{Duration, Instant};

use plenum_shared::media::Bitrate;

use super::{
    EstimateSnapshot, Probe, Purpose,
    acknowledged::RateWindow,
    aimd::Aimd,
    alr::Alr,
    arrival_groups::ArrivalGroups,
    cluster::Shown,
    loss::Loss,
    probe::{Probes, Situation},
    queue::QueueDelay,
    sent::SentPackets,
    trendline::{Trendline, Usage},
};
use crate::engine::transport::rtcp::TransportFeedback;

/// Before anything is known: a camera in medium quality. The first probe goes out with the first packets, so that this is
/// believed for a round trip only.
const START_BPS: f64 = 1_200_000.0;
/// Sound has to fit, whatever the feedback says.
const MIN_BPS: f64 = 50_000.0;
/// One cluster that shows less than is believed takes away no more than to this share.
const DOUBTED: f64 = 0.85;
/// A cluster has raised the rate when it was by this factor.
const RAISED: f64 = 1.1;
/// Of what was sent or arrived lately so much counts where nothing is amiss.
const ARRIVED_CALM_MS: u32 = 500;
/// No feedback for so long, and for three times as long as usual, while packets are sent: the path may be dead.
const SILENCE_US: u64 = 600_000;
/// No feedback at all for so long: the peer gives none.
const IGNORED_US: u64 = 2_000_000;
/// A numbered packet says nothing about what left longer ago than this, with no other in between.
const SPOKEN_FOR_US: u64 = 100_000;

/// What is known of the path.
#[derive(Debug)]
pub struct TransportWide {
    /// Times of packets count from here.
    epoch: Instant,
    /// What time it was last, and how many microseconds that are: it is asked for many times in one.
    clock: (Instant, u64),
    sent: SentPackets,
    sent_rate: RateWindow,
    /// Of packets without a number since the last one with.
    unnumbered_bytes: usize,
    arrived_rate: RateWindow,
    groups: ArrivalGroups,
    trendline: Trendline,
    queue: QueueDelay,
    loss: Loss,
    alr: Alr,
    probes: Probes,
    aimd: Aimd,
    /// The first packet after which nothing of the newest feedback is known (exclusive end of what was spoken of).
    spoken: u64,
    /// When the last packet arrived, by the peer's clock, and how long it was on its way, by both.
    last_heard: Option<(i64, i64)>,
    feedback_us: Option<u64>,
    feedback_interval_us: u64,
    round_trip_us: Option<u64>,
    /// The first packet sent since the last feedback, or when it was last concluded that none comes.
    unanswered_us: Option<u64>,
    last_sent_us: u64,
    /// Feedback is missing: the rate before.
    silent_from: Option<f64>,
    /// It came again, which nobody has asked for yet.
    has_returned: bool,
    /// Since the first of the steps down that had no effect: the standing queue in milliseconds, and what arrived before.
    futile: Option<(f64, f64)>,
    /// When the last steps down began, and from which rate: those within one response are one.
    stepped: Option<(u64, f64)>,
    /// What every packet of the last moments had to wait, in milliseconds, as of the last feedback.
    standing_ms: f64,
    /// Since then a queue stands.
    standing_us: Option<u64>,
    /// When a cluster was last carried.
    carried_us: Option<u64>,
    /// When the result of a cluster was last learnt.
    probed_us: Option<u64>,
    is_ignored: bool,
    has_fallen: bool,
}

impl TransportWide {
    /// Nothing was sent. `wanted` is what was said so far of what would be used.
    pub fn new(now: Instant, wanted: Option<Option<Bitrate>>) -> Self {
        let mut wide = TransportWide {
            epoch: now,
            clock: (now, 0),
            sent: SentPackets::new(),
            sent_rate: RateWindow::default(),
            unnumbered_bytes: 0,
            arrived_rate: RateWindow::default(),
            groups: ArrivalGroups::default(),
            trendline: Trendline::new(),
            queue: QueueDelay::default(),
            loss: Loss::new(),
            alr: Alr::default(),
            probes: Probes::new(),
            aimd: Aimd::new(0, START_BPS, MIN_BPS),
            spoken: 0,
            last_heard: None,
            feedback_us: None,
            feedback_interval_us: 100_000,
            round_trip_us: None,
            unanswered_us: None,
            last_sent_us: 0,
            silent_from: None,
            has_returned: false,
            futile: None,
            stepped: None,
            standing_ms: 0.0,
            standing_us: None,
            carried_us: None,
            probed_us: None,
            is_ignored: false,
            has_fallen: false,
        };
        match wanted {
            Some(wanted) => wide.set_wanted(now, wanted),
            // Nobody has said what would be used: whatever it will be, it is good to know how much there is.
            None => wide.probes.try_once(0, START_BPS * 3.0),
        }
        wide
    }

    /// The number of the next packet.
    pub fn next_number(&self) -> u16 {
        self.sent.end() as u16
    }

    /// A packet leaves. Returns its number.
    pub fn on_sent(&mut self, now: Instant, len_bytes: usize, purpose: Purpose) -> u16 {
        let now_us = self.tick(now);
        let speaks = !matches!(purpose, Purpose::Probe(_)) && now_us < self.last_sent_us + SPOKEN_FOR_US;
        let unnumbered = std::mem::take(&mut self.unnumbered_bytes);
        let unnumbered = if speaks { unnumbered } else { 0 };
        let number = self.sent.push(now_us as u32, len_bytes + unnumbered);
        self.sent_rate.add(now_us as i64, len_bytes);
        self.unanswered_us.get_or_insert(now_us);
        self.last_sent_us = now_us;
        let probe = if let Purpose::Probe(id) = purpose { Some(id) } else { None };
        self.probes.on_sent(now_us, number, len_bytes, probe);
        number as u16
    }

    /// A packet leaves that nothing will be heard of. What is known of the path holds for it too: it arrives if the next
    /// numbered one does.
    pub fn on_unnumbered(&mut self, now: Instant, len_bytes: usize) {
        let now_us = self.tick(now);
        self.sent_rate.add(now_us as i64, len_bytes);
        self.unnumbered_bytes += len_bytes;
    }

    /// Begins anew but for the numbers; what was sent by the path before is not spoken of any more.
    pub fn handle_new_path(&mut self, now: Instant, wanted: Option<Option<Bitrate>>) {
        let sent = self.sent.continued();
        let spoken = sent.end();
        *self = TransportWide { sent, spoken, ..TransportWide::new(now, wanted) };
        self.loss.skip_to(spoken);
    }

    /// The peer tells what arrived.
    pub fn handle_feedback(&mut self, now: Instant, feedback: &TransportFeedback<'_>) {
        let now_us = self.tick(now);
        self.note_feedback(now_us);
        let arrived = self.note_statuses(now_us, feedback);
        if !arrived {
            return;
        }
        self.sent_rate.advance(now_us as i64);
        self.alr.update(self.sent_rate.bits_per_second(ARRIVED_CALM_MS).unwrap_or(0.0), self.aimd.target());
        self.conclude_probe(now_us);
        self.judge_delay(now_us);
        self.judge_loss(now_us);
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        let now_us = self.clock_us(now);
        if self.silence_at().is_none_or(|at| now_us < at) {
            return;
        }
        // While nothing is sent nothing can be answered; the next packet asks again.
        if self.unanswered_us.replace(now_us).is_some_and(|since| self.last_sent_us < since) {
            self.unanswered_us = None;
            return;
        }
        if self.feedback_us.is_none() {
            self.is_ignored = true;
        } else {
            self.silent_from.get_or_insert(self.aimd.target());
            self.aimd.back_off(now_us, 0.5);
            self.has_fallen = true;
        }
    }

    /// When feedback is missing, or a probe is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let may_probe = self.feedback_us.is_some() || self.probes.is_untried();
        let probe = may_probe.then(|| self.probes.poll_timeout(self.aimd.target())).flatten();
        let at = self.silence_at().into_iter().chain(probe).min()?;
        self.epoch.checked_add(Duration::from_micros(at))
    }

    /// More would be used.
    pub fn set_wanted(&mut self, _now: Instant, wanted: Option<Bitrate>) {
        self.probes.set_wanted(wanted.map(|wanted| wanted.0 as f64));
    }

    /// This rate is to be tried before something is added.
    pub fn set_to_prove(&mut self, now: Instant, rate: Option<Bitrate>) {
        let now_us = self.clock_us(now);
        self.probes.set_to_prove(now_us, rate.map(|rate| rate.0 as f64));
    }

    /// See [`super::Estimate::has_proof`].
    pub fn has_proof(&self, now: Instant) -> bool {
        self.probes.has_proof(self.clock_us(now))
    }

    /// See [`super::Estimate::is_proven`].
    pub fn is_proven(&self, now: Instant) -> bool {
        self.has_proof(now) || !self.probes.can_prove()
    }

    /// A cluster to send now.
    pub fn poll_probe(&mut self, now: Instant) -> Option<Probe> {
        // Before the first feedback nobody knows whether any comes: one cluster is ventured.
        if self.feedback_us.is_none() && !self.probes.is_untried() {
            return None;
        }
        let now_us = self.clock_us(now);
        let calm = self.silent_from.is_none()
            && self.trendline.usage() != Usage::Over
            && self.standing_ms < self.standing_max_ms() * 0.6;
        let doubt =
            self.loss.is_ambiguous().then(|| self.sent_rate.bits_per_second(ARRIVED_CALM_MS)).flatten();
        // A probe of next to nothing would take for ever and show nothing.
        let doubt = doubt.filter(|&sent| sent > MIN_BPS);
        let situation =
            Situation { target: self.aimd.target(), noise_ms: self.trendline.noise_ms(), calm, doubt };
        self.probes.poll(now_us, situation)
    }

    /// A probe that is due would have to wait for what is to be sent: it is asked for a little later.
    pub fn postpone_probe(&mut self, now: Instant) {
        let now_us = self.clock_us(now);
        self.probes.postpone(now_us);
    }

    /// There is nothing to send probes of, for now.
    pub fn forgo_probe(&mut self, now: Instant) {
        let now_us = self.clock_us(now);
        self.probes.forgo(now_us);
    }

    /// False when numbered packets were sent for a while and nothing was heard of them.
    pub fn is_believed(&self) -> bool {
        self.feedback_us.is_some() || !self.is_ignored
    }

    /// The peer has told of packets.
    pub fn has_feedback(&self) -> bool {
        self.feedback_us.is_some()
    }

    /// See [`super::Estimate::take_return`].
    pub fn take_return(&mut self) -> bool {
        std::mem::take(&mut self.has_returned)
    }

    /// The share of packets that was lost in the last two seconds, where enough were sent to tell.
    pub fn lost(&self, now: Instant) -> Option<f64> {
        self.loss.lately(self.clock_us(now))
    }

    /// The rate.
    pub fn bitrate(&self) -> Bitrate {
        Bitrate(self.aimd.target() as u64)
    }

    /// How far the pacer may be ahead of the rate: little where more would only fill a queue, and not at all while one is
    /// to be emptied, or what waits in the pacer would keep it full.
    pub fn pacing_factor(&self) -> f64 {
        match (self.aimd.is_draining(), self.probes.is_limited() || self.aimd.is_near_limit()) {
            (true, _) => 1.0,
            (false, true) => 1.25,
            (false, false) => 2.0,
        }
    }

    /// See [`super::Estimate::is_limited`].
    pub fn is_limited(&self) -> bool {
        self.probes.is_limited()
    }

    /// See [`super::Estimate::is_draining`].
    pub fn is_draining(&self) -> bool {
        self.aimd.is_draining()
    }

    /// There was a sign of trouble.
    pub fn has_fallen(&self) -> bool {
        self.has_fallen
    }

    /// From sending the last packet a feedback spoke of to that feedback.
    pub fn round_trip(&self) -> Option<Duration> {
        self.round_trip_us.map(Duration::from_micros)
    }

    /// Everything there is to show.
    pub fn snapshot(&self, bitrate: Bitrate) -> EstimateSnapshot {
        let arrived = self.arrived_rate.bits_per_second(ARRIVED_CALM_MS).unwrap_or(0.0);
        EstimateSnapshot {
            bitrate,
            acknowledged: Bitrate(arrived as u64),
            queue: Duration::from_micros((self.standing_ms.max(0.0) * 1e3) as u64),
            lost: self.loss.average(),
            round_trip: self.round_trip(),
        }
    }

    fn note_feedback(&mut self, now_us: u64) {
        if let Some(before) = self.feedback_us.replace(now_us)
            && self.silent_from.is_none()
        {
            let interval = (now_us - before.min(now_us)).min(500_000);
            self.feedback_interval_us = (self.feedback_interval_us * 7 + interval) / 8;
        }
        self.unanswered_us = None;
    }

    /// The path is back: what was sent meanwhile says nothing about it, and it may carry what it carried before.
    fn end_silence(&mut self, now_us: u64) {
        let Some(before) = self.silent_from.take() else { return };
        self.has_returned = true;
        self.trendline.forget();
        self.groups.forget();
        self.loss.skip_to(self.sent.end());
        self.aimd.raise(now_us, before * 0.75, false);
        self.probes.try_once(now_us, before);
    }

    fn conclude_probe(&mut self, now_us: u64) {
        let noise_ms = self.trendline.noise_ms();
        let Some(result) = self.probes.conclude(now_us, self.spoken, noise_ms, self.loss.inherent()) else {
            return;
        };
        self.probed_us = Some(now_us);
        let before = self.aimd.target();
        match result.shown {
            Some(Shown::Carried(rate)) => {
                self.carried_us = Some(now_us);
                self.aimd.raise(now_us, rate, false);
                self.loss.forget();
            }
            Some(Shown::Limited(rate)) if rate < self.aimd.target() => {
                // Less than was believed, perhaps from long ago; no further than is needed for what is sent.
                let sent = self.sent_rate.bits_per_second(ARRIVED_CALM_MS).unwrap_or(0.0);
                self.aimd.cap(now_us, rate.max(sent).max(self.aimd.target() * DOUBTED));
            }
            Some(Shown::Limited(rate)) => self.aimd.raise(now_us, rate * 0.95, true),
            None => {}
        }
        if self.aimd.target() > before * RAISED {
            self.probes.note_raise(now_us, before, self.aimd.target());
        }
        self.loss.note(result.rate, result.packets, result.arrived);
    }

    /// When feedback will be missing.
    fn silence_at(&self) -> Option<u64> {
        if self.is_ignored && self.feedback_us.is_none() {
            return None;
        }
        let patience = match self.feedback_us {
            Some(_) => SILENCE_US.max(3 * self.feedback_interval_us) + self.round_trip_us.unwrap_or(0),
            None => IGNORED_US,
        };
        self.unanswered_us.map(|since| since + patience)
    }

    /// What time it is, which is remembered.
    fn tick(&mut self, now: Instant) -> u64 {
        self.clock = (now, self.clock_us(now));
        self.clock.1
    }

    fn clock_us(&self, now: Instant) -> u64 {
        let (last, last_us) = self.clock;
        if now == last { last_us } else { now.saturating_duration_since(self.epoch).as_micros() as u64 }
    }
}
