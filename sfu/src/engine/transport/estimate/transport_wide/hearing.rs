//! What a feedback says of each packet, and who hears of it. Those that arrived are told a run at a time, so that each of
//! those who listen has its own loop.

use super::TransportWide;
use crate::engine::transport::{
    estimate::{acknowledged::RateWindow, sent::Fate},
    rtcp::TransportFeedback,
};

/// Packets of one run: about as many as there are in a feedback of 1.5 Mbit/s.
const RUN: usize = 16;
/// A peer's clock that moves by more than this within a feedback was set.
const CLOCK_JUMP_US: i64 = 10_000_000;
/// Feedback carries 24 bits of time, in units of 64 ms.
const ARRIVAL_WRAP_US: i64 = (1 << 24) * 64_000;

/// A packet that arrived.
#[derive(Debug, Default, Clone, Copy)]
struct Arrival {
    sent_us: u64,
    /// By the peer's clock.
    arrival_us: i64,
    len: u16,
    /// It was said before that it had not.
    is_late: bool,
}

impl Arrival {
    /// By two clocks, so that only changes mean something.
    fn delay_us(&self) -> i64 {
        self.arrival_us.wrapping_sub(self.sent_us as i64)
    }
}

/// Arrivals that nobody was told of yet.
#[derive(Debug, Default)]
struct Run {
    arrivals: [Arrival; RUN],
    len: usize,
}

impl TransportWide {
    /// Returns whether anything arrived.
    pub(super) fn note_statuses(&mut self, now_us: u64, feedback: &TransportFeedback<'_>) -> bool {
        let mut run = Run::default();
        let mut youngest_us = u64::MAX;
        let mut wrapped_us = 0;
        let mut next = self.sent.unwrap(feedback.base_sequence_number);
        let remembered = self.sent.remembered();
        for status in feedback.statuses() {
            let number = next;
            next = next.wrapping_add(1);
            if !remembered.contains(&number) {
                continue;
            }
            self.spoken = self.spoken.max(number + 1);
            let Some(packet) = self.sent.settle(number, status.arrival_us.is_some()) else { continue };
            let Some(arrival_us) = status.arrival_us else { continue };
            let age_us = u64::from((now_us as u32).wrapping_sub(packet.sent_us));
            let arrival = Arrival {
                sent_us: now_us.saturating_sub(age_us),
                arrival_us: self.unwrap_arrival(arrival_us, &mut wrapped_us),
                len: packet.len,
                is_late: packet.fate == Fate::Missing,
            };
            youngest_us = youngest_us.min(age_us);
            let delay_us = arrival.delay_us();
            let before = self.last_heard.replace((arrival.arrival_us, delay_us));
            if before.is_some_and(|(_, before_us)| before_us.abs_diff(delay_us) > CLOCK_JUMP_US as u64) {
                self.hear(&mut run);
                self.forget_times();
            }
            if self.probes.on_arrival(number, arrival.sent_us, delay_us, arrival.len) {
                // Its delays are of our making: they are judged apart.
                self.hear(&mut run);
                self.arrived_rate.add(arrival.arrival_us, usize::from(arrival.len));
                self.trendline.forget();
                self.groups.forget();
                continue;
            }
            run.arrivals[run.len] = arrival;
            run.len += 1;
            if run.len == RUN {
                self.hear(&mut run);
            }
        }
        self.hear(&mut run);
        if youngest_us == u64::MAX {
            return false;
        }
        let smoothed = self.round_trip_us.map_or(youngest_us, |before| (before * 7 + youngest_us) / 8);
        self.round_trip_us = Some(smoothed);
        self.end_silence(now_us);
        true
    }

    /// Tells of a run, after which it is empty.
    fn hear(&mut self, run: &mut Run) {
        let arrivals = &run.arrivals[..std::mem::take(&mut run.len)];
        for arrival in arrivals {
            self.arrived_rate.add(arrival.arrival_us, usize::from(arrival.len));
        }
        // Packets of a frame left at once, and the shortest delay is all that counts of them.
        for together in arrivals.chunk_by(|a, b| a.sent_us == b.sent_us) {
            if let Some(shortest_us) = together.iter().map(Arrival::delay_us).min() {
                self.queue.add(together[0].sent_us, shortest_us);
            }
        }
        for arrival in arrivals.iter().filter(|arrival| !arrival.is_late) {
            if let Some(group) = self.groups.add(arrival.sent_us, arrival.arrival_us) {
                self.trendline.add(group);
            }
        }
    }

    /// The peer's time without its wraps, which are twelve days apart; together they were `wrapped_us` for the packet before
    /// it.
    fn unwrap_arrival(&self, arrival_us: i64, wrapped_us: &mut i64) -> i64 {
        let Some((last_us, _)) = self.last_heard else { return arrival_us };
        let behind_us = last_us.wrapping_sub(arrival_us).wrapping_add(ARRIVAL_WRAP_US / 2);
        if !(0..ARRIVAL_WRAP_US).contains(&behind_us.wrapping_sub(*wrapped_us)) {
            *wrapped_us = behind_us.div_euclid(ARRIVAL_WRAP_US).wrapping_mul(ARRIVAL_WRAP_US);
        }
        arrival_us.wrapping_add(*wrapped_us)
    }

    fn forget_times(&mut self) {
        self.groups.forget();
        self.trendline.forget();
        self.queue.forget();
        self.arrived_rate = RateWindow::default();
    }
}
