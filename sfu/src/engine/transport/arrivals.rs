//! When a publisher's packets arrived, until they are reported to it (transport-wide congestion control).

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use super::rtcp::RtcpWriter;

/// How long arrivals wait for their report where the publisher sends enough. More often would tell its estimator nothing
/// new: it judges groups of packets over some ten milliseconds.
const INTERVAL_MIN: Duration = Duration::from_millis(50);
/// How long they wait at most. Browsers take a quarter of a second for granted and react late beyond it.
const INTERVAL_MAX: Duration = Duration::from_millis(250);
/// Reports may take this share of what comes.
const SHARE: f64 = 0.05;
/// Bits of one report on the wire with some ten packets in it: 20 bytes of header, two for each packet, SRTCP and UDP/IPv6.
const REPORT_BITS: f64 = 8.0 * 110.0;
/// When so many wait, they are reported after [`EARLY_INTERVAL`] already: a burst is a probe, and its sender wants to know.
const EARLY_COUNT: usize = 32;
/// See [`EARLY_COUNT`].
const EARLY_INTERVAL: Duration = Duration::from_millis(20);
/// Packets that may wait at most. Beyond it the oldest are not reported.
const PENDING_MAX: usize = 1024;

/// The arrivals of one transport that were not yet reported.
#[derive(Debug)]
pub struct Arrivals {
    epoch: Instant,
    /// Sequence number of the first pending packet, its wraps counted.
    base: Option<u64>,
    /// Microseconds since the epoch.
    pending: VecDeque<Option<u64>>,
    report_at: Option<Instant>,
    /// When the first of the pending packets came.
    pending_since: Instant,
    reported_at: Instant,
    bytes_since_report: u64,
    interval: Duration,
    report_count: u8,
    media_ssrc: u32,
}

impl Arrivals {
    /// Times on the wire count from `epoch`.
    pub fn new(epoch: Instant) -> Self {
        Arrivals {
            epoch,
            base: None,
            pending: VecDeque::new(),
            report_at: None,
            pending_since: epoch,
            reported_at: epoch,
            bytes_since_report: 0,
            interval: INTERVAL_MIN,
            report_count: 0,
            media_ssrc: 0,
        }
    }

    /// Takes note of a packet of so many bytes. Returns when the report is due, when this packet makes it due.
    pub fn note(
        &mut self,
        now: Instant,
        sequence_number: u16,
        media_ssrc: u32,
        len: usize,
    ) -> Option<Instant> {
        self.bytes_since_report += len as u64;
        self.note_number(now, sequence_number, media_ssrc)
    }

    fn note_number(&mut self, now: Instant, sequence_number: u16, media_ssrc: u32) -> Option<Instant> {
        let base = *self.base.get_or_insert((1 << 16) + u64::from(sequence_number));
        let ahead = sequence_number.wrapping_sub(base as u16) as i16;
        // What was reported as lost comes too late to change the sender's mind.
        let ahead = usize::try_from(ahead).ok()?;
        if ahead >= PENDING_MAX {
            self.pending.clear();
            self.base = Some(base + ahead as u64);
            return self.note_number(now, sequence_number, media_ssrc);
        }
        if ahead >= self.pending.len() {
            self.pending.resize(ahead + 1, None);
        }
        let since = now.saturating_duration_since(self.epoch).as_micros() as u64;
        self.pending[ahead].get_or_insert(since);
        self.media_ssrc = media_ssrc;
        let due = match self.report_at {
            None => {
                self.pending_since = now;
                now + self.interval
            }
            Some(at) => {
                let early = self.pending_since + EARLY_INTERVAL;
                if self.pending.len() < EARLY_COUNT || early >= at {
                    return None;
                }
                early
            }
        };
        self.report_at = Some(due);
        self.report_at
    }

    /// When a report is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.report_at
    }

    /// The rate since the last report decides when the next one is due.
    fn adapt(&mut self, now: Instant) {
        let elapsed = now.saturating_duration_since(self.reported_at).as_secs_f64();
        let bits = self.bytes_since_report as f64 * 8.0;
        self.bytes_since_report = 0;
        self.reported_at = now;
        // After a pause the rate over all of it would say nothing of what comes now.
        if elapsed > 0.0 && elapsed < 2.0 * INTERVAL_MAX.as_secs_f64() {
            let affordable = REPORT_BITS / SHARE * elapsed / bits.max(1.0);
            self.interval = Duration::from_secs_f64(
                affordable.clamp(INTERVAL_MIN.as_secs_f64(), INTERVAL_MAX.as_secs_f64()),
            );
        }
    }

    /// Writes as much as one report takes. Returns whether more is left.
    pub fn write(&mut self, now: Instant, sender_ssrc: u32, writer: &mut RtcpWriter<'_>) -> bool {
        self.report_at = None;
        self.adapt(now);
        let Some(base) = self.base else { return false };
        // A report starts with a packet that came.
        let lost = self.pending.iter().take_while(|arrival| arrival.is_none()).count();
        self.pending.drain(..lost);
        let base = base + lost as u64;
        let arrivals = &*self.pending.make_contiguous();
        let covered =
            writer.transport_feedback(sender_ssrc, self.media_ssrc, self.report_count, base as u16, arrivals);
        self.report_count = self.report_count.wrapping_add(u8::from(covered > 0));
        self.pending.drain(..covered);
        self.base = Some(base + covered as u64);
        if covered == 0 {
            // What a report cannot express is not carried along for ever.
            self.base = Some(base + self.pending.len() as u64);
            self.pending.clear();
        }
        !self.pending.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::super::rtcp::{RtcpPacket, parse};
    use super::*;

    fn report(now: Instant, arrivals: &mut Arrivals) -> Vec<(u16, Option<i64>)> {
        let mut buf = [0; 1200];
        let mut writer = RtcpWriter::new(&mut buf);
        arrivals.write(now, 1, &mut writer);
        let len = writer.len();
        let Some(RtcpPacket::TransportFeedback(feedback)) = parse(&buf[..len]).next() else {
            return Vec::new();
        };
        feedback.statuses().map(|status| (status.sequence_number, status.arrival_us)).collect()
    }

    #[test]
    fn what_came_and_what_did_not_is_reported_once() {
        let start = Instant::now();
        let mut arrivals = Arrivals::new(start);
        let at = |ms| start + Duration::from_millis(ms);
        assert_eq!(arrivals.note(at(64), 65_535, 9, 1200), Some(at(64) + INTERVAL_MIN));
        assert_eq!(arrivals.note(at(70), 1, 9, 1200), None);
        assert_eq!(arrivals.note(at(71), 65_534, 9, 1200), None, "before the first one");
        assert_eq!(report(at(90), &mut arrivals), [(65_535, Some(64_000)), (0, None), (1, Some(70_000))]);
        assert_eq!(arrivals.poll_timeout(), None);
        assert_eq!(report(at(90), &mut arrivals), []);
        assert_eq!(arrivals.note(at(80), 0, 9, 1200), None, "was reported as lost");
        assert!(arrivals.note(at(81), 3, 9, 1200).is_some());
        assert_eq!(report(at(90), &mut arrivals), [(3, Some(81_000))]);
    }

    #[test]
    fn a_jump_forgets_what_is_pending() {
        let start = Instant::now();
        let mut arrivals = Arrivals::new(start);
        arrivals.note(start, 5, 9, 1200);
        arrivals.note(start + Duration::from_millis(1), 5 + PENDING_MAX as u16, 9, 1200);
        assert_eq!(
            report(start, &mut arrivals).iter().map(|(n, _)| *n).collect::<Vec<_>>(),
            [5 + PENDING_MAX as u16]
        );
    }

    /// Runs a publisher of packets of this size at this interval for a second; the intervals between reports.
    fn intervals(len: usize, every: Duration) -> Vec<Duration> {
        let start = Instant::now();
        let mut arrivals = Arrivals::new(start);
        let (mut now, mut reported, mut intervals, mut number) = (start, start, Vec::new(), 0);
        while now < start + Duration::from_secs(5) {
            now += every;
            number += 1;
            arrivals.note(now, number, 9, len);
            if let Some(at) = arrivals.poll_timeout().filter(|&at| at <= now + every) {
                report(at, &mut arrivals);
                intervals.push(at - reported);
                reported = at;
            }
        }
        intervals
    }

    #[test]
    fn reports_take_no_more_than_their_share_of_what_comes() {
        for (len, every_ms, at_least_ms) in [(1200, 2, 50), (1200, 20, 50), (300, 20, 130), (120, 20, 250)] {
            let intervals = intervals(len, Duration::from_millis(every_ms));
            let settled = &intervals[2..];
            let mean = settled.iter().sum::<Duration>() / settled.len() as u32;
            assert!(mean >= Duration::from_millis(at_least_ms), "{len} bytes each {every_ms} ms: {mean:?}");
            assert!(mean <= INTERVAL_MAX + Duration::from_millis(2 * every_ms), "{mean:?}");
        }
    }

    #[test]
    fn a_burst_is_reported_early_and_once() {
        let start = Instant::now();
        let mut arrivals = Arrivals::new(start);
        let dues: Vec<_> =
            (0..2 * EARLY_COUNT as u16).map(|number| arrivals.note(start, number, 9, 1200)).collect();
        assert_eq!(dues[0], Some(start + INTERVAL_MIN));
        assert_eq!(dues.iter().flatten().count(), 2);
        assert_eq!(dues[EARLY_COUNT - 1], Some(start + EARLY_INTERVAL));
    }

    #[test]
    fn a_pause_is_not_taken_for_a_slow_publisher() {
        let start = Instant::now();
        let mut arrivals = Arrivals::new(start);
        let later = start + Duration::from_secs(60);
        arrivals.note(start, 1, 9, 1200);
        report(start + INTERVAL_MIN, &mut arrivals);
        assert!(arrivals.note(later, 2, 9, 1200).is_some());
        report(later + INTERVAL_MIN, &mut arrivals);
        let due = arrivals.note(later + INTERVAL_MIN, 3, 9, 1200).expect("the first of a report");
        assert!(due < later + INTERVAL_MAX, "as often as before");
    }
}
