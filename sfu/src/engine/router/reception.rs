//! One received RTP stream: which packets came, and the figures of a receiver report (RFC 3550 sections 6.4 and A).

use std::time::{Duration, Instant};

use crate::engine::transport::rtcp::{ReportBlock, SenderReport};

/// Packets behind the newest that are told from duplicates. At 1000 packets a second this is a second, and what comes
/// later than that is of no use to anybody.
pub const WINDOW: u64 = 1024;

/// What became of a packet's sequence number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// The newest so far; the packets before it, from this index on, are missing.
    Newest {
        /// The packet's index: its sequence number with the wraps counted.
        index: u64,
        /// The first index after the previous newest.
        missing_from: u64,
    },
    /// One that was missing.
    Late {
        /// See [`Arrival::Newest`].
        index: u64,
    },
    /// Was here before, or is older than the window.
    Useless,
}

/// A sender report and when it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReceivedReport {
    /// The sender's wall clock, NTP 32.32 fixed point.
    pub ntp_time: u64,
    /// The same moment on the stream's RTP clock.
    pub rtp_timestamp: u32,
    /// When it came.
    pub at: Instant,
}

/// The state of one stream.
#[derive(Debug)]
pub struct Reception {
    clock_rate: u32,
    epoch: Instant,
    newest: Option<u64>,
    first: u64,
    received: u64,
    seen: [u64; (WINDOW / 64) as usize],
    last_transit: u32,
    /// RFC 3550 A.8: sixteen times the jitter.
    jitter_x16: u32,
    expected_reported: u64,
    received_reported: u64,
    /// Packets that were missing when the one after them came, whether or not they were repaired.
    missed: u64,
    /// The same when the last two reports were made, with the packets expected by then: the older first.
    missed_reported: [(u64, u64); 2],
    /// Packets expected and packets lost between the last two reports.
    pub interval: (u64, u64),
    /// The last sender report.
    pub sender_report: Option<ReceivedReport>,
    /// What home says of [`Reception::missed_share`], where this is a mirror.
    told_missed: Option<f32>,
}

impl Reception {
    /// `clock_rate` is that of the stream, in hertz.
    pub fn new(now: Instant, clock_rate: u32) -> Self {
        Reception {
            clock_rate,
            epoch: now,
            newest: None,
            first: 0,
            received: 0,
            seen: [0; (WINDOW / 64) as usize],
            last_transit: 0,
            jitter_x16: 0,
            missed: 0,
            missed_reported: [(0, 0); 2],
            expected_reported: 0,
            received_reported: 0,
            interval: (0, 0),
            sender_report: None,
            told_missed: None,
        }
    }

    /// Takes note of a packet. `repaired` packets say nothing about jitter.
    pub fn receive(&mut self, now: Instant, sequence_number: u16, timestamp: u32, repaired: bool) -> Arrival {
        let Some(newest) = self.newest else {
            // One turn above zero, so that packets from before the first one have an index too.
            let index = (1 << 16) + u64::from(sequence_number);
            (self.newest, self.first) = (Some(index), index);
            self.mark(index);
            self.received = 1;
            self.last_transit = self.transit(now, timestamp);
            return Arrival::Newest { index, missing_from: index };
        };
        let ahead = sequence_number.wrapping_sub(newest as u16) as i16;
        let index = newest.wrapping_add_signed(i64::from(ahead));
        if ahead > 0 {
            let forget_from = (newest + 1).max(index.saturating_sub(WINDOW - 1));
            (forget_from..index).for_each(|skipped| self.unmark(skipped));
            self.missed += index - newest - 1;
            self.newest = Some(index);
        } else if newest - index >= WINDOW || self.is_marked(index) {
            return Arrival::Useless;
        }
        self.mark(index);
        self.received += 1;
        if !repaired {
            self.note_jitter(now, timestamp);
        }
        if ahead > 0 { Arrival::Newest { index, missing_from: newest + 1 } } else { Arrival::Late { index } }
    }

    /// Takes note of a packet that has its index from home, which knows what came and what is missing. Returns whether it
    /// is the newest.
    pub fn follow(&mut self, index: u64) -> bool {
        let is_newest = self.newest.is_none_or(|newest| index > newest);
        if is_newest {
            self.newest = Some(index);
        }
        is_newest
    }

    /// Takes note of what home says.
    pub fn follow_report(&mut self, report: ReceivedReport, missed_share: f32) {
        (self.sender_report, self.told_missed) = (Some(report), Some(missed_share));
    }

    /// The index of the newest packet.
    pub fn newest(&self) -> Option<u64> {
        self.newest
    }

    /// A packet that should have come before others that did, and may still be told from a duplicate.
    pub fn is_missing(&self, index: u64) -> bool {
        let newest = self.newest.unwrap_or(0);
        (self.first..newest).contains(&index) && newest - index < WINDOW && !self.is_marked(index)
    }

    /// Takes note of a sender report.
    pub fn note_sender_report(&mut self, now: Instant, report: &SenderReport) {
        self.sender_report =
            Some(ReceivedReport { ntp_time: report.ntp_time, rtp_timestamp: report.rtp_timestamp, at: now });
    }

    /// The block of the next receiver report. Loss counts from the previous call.
    pub fn report(&mut self, now: Instant, ssrc: u32) -> ReportBlock {
        let newest = self.newest.unwrap_or(0);
        let expected = self.expected();
        self.missed_reported = [self.missed_reported[1], (self.missed, expected)];
        let expected_since = expected.saturating_sub(self.expected_reported);
        let received_since = self.received - self.received_reported;
        (self.expected_reported, self.received_reported) = (expected, self.received);
        let lost_since = expected_since.saturating_sub(received_since);
        self.interval = (expected_since, lost_since);
        let fraction_lost = (lost_since * 256).checked_div(expected_since).unwrap_or(0).min(255) as u8;
        let (last_sender_report, delay) = self.sender_report.map_or((0, 0), |report| {
            let delay = now.saturating_duration_since(report.at).as_micros() * 65_536 / 1_000_000;
            ((report.ntp_time >> 16) as u32, delay as u32)
        });
        ReportBlock {
            ssrc,
            fraction_lost,
            cumulative_lost: (expected as i64 - self.received as i64).clamp(-0x80_0000, 0x7F_FFFF) as i32,
            extended_highest_sequence_number: newest.wrapping_sub(1 << 16) as u32,
            jitter: self.jitter_x16 >> 4,
            last_sender_report,
            delay_since_last_sender_report: delay,
        }
    }

    /// The share of packets (0.0 to 1.0) that were missing at first, over the last one to two report intervals. Viewers see
    /// these holes too until they are filled, and report them as loss on a path that has lost nothing.
    pub fn missed_share(&self) -> f32 {
        if let Some(told) = self.told_missed {
            return told;
        }
        let [(missed_before, expected_before), _] = self.missed_reported;
        let expected = self.expected().saturating_sub(expected_before).max(1);
        (self.missed.saturating_sub(missed_before) as f32 / expected as f32).min(1.0)
    }

    /// Packets that are missing still.
    pub fn lost(&self) -> u64 {
        self.expected().saturating_sub(self.received)
    }

    /// Packets that were missing when the one after them came, whatever became of them.
    pub fn missed(&self) -> u64 {
        self.missed
    }

    /// The interarrival jitter (RFC 3550 section 6.4.1).
    pub fn jitter(&self) -> Duration {
        Duration::from_secs_f64(f64::from(self.jitter_x16) / 16.0 / f64::from(self.clock_rate.max(1)))
    }

    /// Packets from the first to the newest.
    fn expected(&self) -> u64 {
        self.newest.map_or(0, |newest| newest - self.first.min(newest) + 1)
    }

    fn transit(&self, now: Instant, timestamp: u32) -> u32 {
        ticks(now.saturating_duration_since(self.epoch), self.clock_rate).wrapping_sub(timestamp)
    }

    fn note_jitter(&mut self, now: Instant, timestamp: u32) {
        let transit = self.transit(now, timestamp);
        let difference = (transit.wrapping_sub(self.last_transit) as i32).unsigned_abs();
        self.last_transit = transit;
        // A jump of the sender's clock is no jitter.
        if difference < self.clock_rate * 5 {
            let decay = (self.jitter_x16 + 8) >> 4;
            self.jitter_x16 = self.jitter_x16 + difference - decay.min(self.jitter_x16 + difference);
        }
    }

    fn mark(&mut self, index: u64) {
        self.seen[word(index)] |= bit(index);
    }

    fn unmark(&mut self, index: u64) {
        self.seen[word(index)] &= !bit(index);
    }

    fn is_marked(&self, index: u64) -> bool {
        self.seen[word(index)] & bit(index) != 0
    }
}

/// A duration in units of an RTP clock, modulo 2^32.
pub fn ticks(duration: Duration, clock_rate: u32) -> u32 {
    (duration.as_micros() * u128::from(clock_rate) / 1_000_000) as u32
}

fn word(index: u64) -> usize {
    (index % WINDOW / 64) as usize
}

fn bit(index: u64) -> u64 {
    1 << (index % 64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    fn receive(reception: &mut Reception, number: u16) -> Arrival {
        reception.receive(reception.epoch, number, 0, false)
    }

    #[test]
    fn gaps_late_packets_and_duplicates_are_told_apart() {
        let mut stream = Reception::new(Instant::now(), 90_000);
        let first = (1 << 16) + 65_534;
        assert_eq!(receive(&mut stream, 65_534), Arrival::Newest { index: first, missing_from: first });
        assert_eq!(receive(&mut stream, 1), Arrival::Newest { index: first + 3, missing_from: first + 1 });
        assert_eq!(receive(&mut stream, 65_535), Arrival::Late { index: first + 1 });
        assert_eq!(receive(&mut stream, 65_535), Arrival::Useless);
        assert_eq!(receive(&mut stream, 65_533), Arrival::Late { index: first - 1 });
    }

    #[test]
    fn a_report_counts_loss_since_the_previous_one() {
        let mut stream = Reception::new(Instant::now(), 90_000);
        for number in (0..100).filter(|n| n % 4 != 3) {
            receive(&mut stream, number);
        }
        let now = stream.epoch;
        let report = stream.report(now, 7);
        assert_eq!((report.ssrc, report.cumulative_lost), (7, 24));
        assert_eq!(report.fraction_lost, (24 * 256 / 99) as u8);
        assert_eq!(report.extended_highest_sequence_number, 98);
        receive(&mut stream, 99);
        assert_eq!(stream.report(now, 7).fraction_lost, 0);
    }

    #[test]
    fn what_was_missing_at_first_is_known_although_it_was_repaired() {
        let mut stream = Reception::new(Instant::now(), 90_000);
        let now = stream.epoch;
        for number in 0..100 {
            receive(
                &mut stream,
                if number % 10 == 8 {
                    number + 1
                } else if number % 10 == 9 {
                    number - 1
                } else {
                    number
                },
            );
        }
        assert_eq!(stream.report(now, 7).cumulative_lost, 0);
        assert!((stream.missed_share() - 0.1).abs() < 0.001);
        (100..300).for_each(|number| {
            receive(&mut stream, number);
        });
        assert!((stream.missed_share() - 10.0 / 300.0).abs() < 0.001, "the interval before still counts");
        stream.report(now, 7);
        assert_eq!(stream.missed_share(), 0.0);
    }

    #[test]
    fn a_report_says_how_long_ago_the_sender_report_came() {
        let mut stream = Reception::new(Instant::now(), 90_000);
        let report = SenderReport {
            ssrc: 7,
            ntp_time: 0x0001_0002_0003_0004,
            rtp_timestamp: 9,
            packet_count: 0,
            octet_count: 0,
        };
        stream.note_sender_report(stream.epoch, &report);
        let block = stream.report(stream.epoch + Duration::from_millis(500), 7);
        assert_eq!(block.last_sender_report, 0x0002_0003);
        assert_eq!(block.delay_since_last_sender_report, 32_768);
    }

    #[test]
    fn jitter_settles_on_the_mean_deviation() {
        let mut stream = Reception::new(Instant::now(), 90_000);
        for n in 0..1000_u32 {
            let late_ms = if n % 2 == 0 { 0 } else { 10 };
            let now = stream.epoch + Duration::from_millis(u64::from(n * 20 + late_ms));
            stream.receive(now, n as u16, n * 20 * 90, false);
        }
        let jitter = stream.report(stream.epoch, 1).jitter;
        assert!((850..=900).contains(&jitter), "10 ms are 900 ticks, not {jitter}");
    }

    proptest! {
        #[test]
        fn every_index_is_taken_once(steps in proptest::collection::vec(-40_i32..60, 1..300)) {
            let mut stream = Reception::new(Instant::now(), 90_000);
            let mut seen = HashSet::new();
            let mut at = 30_000_i32;
            for step in steps {
                at += step;
                match receive(&mut stream, at as u16) {
                    Arrival::Newest { index, .. } | Arrival::Late { index } => {
                        prop_assert_eq!(index as u16, at as u16);
                        prop_assert!(seen.insert(index));
                    }
                    Arrival::Useless => {}
                }
            }
            prop_assert_eq!(stream.received, seen.len() as u64);
        }

        /// Packets in some order, some never, some twice: the figures are those of RFC 3550 appendix A.3 and A.8, computed
        /// the long way.
        #[test]
        fn figures_are_those_of_appendix_a(
            first in any::<u16>(),
            fates in proptest::collection::vec((0_u8..10, 0_u64..8, 0_u64..60), 2..400),
        ) {
            const CLOCK_RATE: u32 = 90_000;
            let mut stream = Reception::new(Instant::now(), CLOCK_RATE);
            let mut arrivals = Vec::new();
            for (n, (fate, ahead, late_ms)) in fates.iter().enumerate() {
                // Of ten packets one is lost, one is late by some packets, one comes twice; the first one always comes.
                let copies = match fate { 0 if n > 0 => 0, 1 => 2, _ => 1 };
                let place = n as u64 * 2 + if *fate == 2 && n > 0 { ahead * 2 + 1 } else { 0 };
                (0..copies).for_each(|_| arrivals.push((place, n as u32, *late_ms)));
            }
            arrivals.sort_by_key(|&(place, ..)| place);
            let (mut seen, mut highest, mut clock_ms) = (HashSet::new(), 0_u32, 0);
            let (mut jitter, mut transit_before) = (0.0_f64, None);
            for (place, n, late_ms) in arrivals {
                clock_ms = (place * 10 + late_ms).max(clock_ms);
                let now = stream.epoch + Duration::from_millis(clock_ms);
                let timestamp = n.wrapping_mul(1800).wrapping_add(77);
                stream.receive(now, first.wrapping_add(n as u16), timestamp, false);
                if seen.insert(n) {
                    highest = highest.max(n);
                    let transit = (clock_ms * 90) as f64 - f64::from(n * 1800);
                    if let Some(before) = transit_before.replace(transit) {
                        jitter += ((transit - before).abs() - jitter) / 16.0;
                    }
                }
            }
            let expected = u64::from(highest) + 1;
            let lost = expected as i64 - seen.len() as i64;
            let report = stream.report(stream.epoch, 1);
            prop_assert_eq!(report.cumulative_lost, lost as i32);
            prop_assert_eq!(report.fraction_lost, ((lost.max(0) as u64 * 256 / expected).min(255)) as u8);
            let reported = (1_u64 << 16 | u64::from(first)) + u64::from(highest) - (1 << 16);
            prop_assert_eq!(report.extended_highest_sequence_number, reported as u32);
            // The integers of A.8 lose up to one unit in sixteen at each step.
            prop_assert!((f64::from(report.jitter) - jitter).abs() <= 2.0, "{} and {jitter}", report.jitter);
        }
    }
}
