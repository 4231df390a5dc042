//! When a publisher's packets arrived, until they are reported to it (transport-wide congestion control).

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use super::rtcp::RtcpWriter;

/// How long arrivals wait for their report. Chromium's estimator wants to hear at least every 100 ms.
pub const REPORT_INTERVAL: Duration = Duration::from_millis(50);
/// Packets of one report at most; a report is due earlier when so many wait. Beyond it the oldest are not reported.
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
            report_count: 0,
            media_ssrc: 0,
        }
    }

    /// Takes note of a packet. Returns when the report is due, when this packet is the first of it.
    pub fn note(&mut self, now: Instant, sequence_number: u16, media_ssrc: u32) -> Option<Instant> {
        let base = *self.base.get_or_insert((1 << 16) + u64::from(sequence_number));
        let ahead = sequence_number.wrapping_sub(base as u16) as i16;
        // What was reported as lost comes too late to change the sender's mind.
        let ahead = usize::try_from(ahead).ok()?;
        if ahead >= PENDING_MAX {
            self.pending.clear();
            self.base = Some(base + ahead as u64);
            return self.note(now, sequence_number, media_ssrc);
        }
        if ahead >= self.pending.len() {
            self.pending.resize(ahead + 1, None);
        }
        let since = now.saturating_duration_since(self.epoch).as_micros() as u64;
        self.pending[ahead].get_or_insert(since);
        self.media_ssrc = media_ssrc;
        if self.report_at.is_some() {
            return None;
        }
        self.report_at = Some(now + REPORT_INTERVAL);
        self.report_at
    }

    /// When a report is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.report_at
    }

    /// Writes as much as one report takes. Returns whether more is left.
    pub fn write(&mut self, sender_ssrc: u32, writer: &mut RtcpWriter<'_>) -> bool {
        self.report_at = None;
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

    fn report(arrivals: &mut Arrivals) -> Vec<(u16, Option<i64>)> {
        let mut buf = [0; 1200];
        let mut writer = RtcpWriter::new(&mut buf);
        arrivals.write(1, &mut writer);
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
        assert_eq!(arrivals.note(at(64), 65_535, 9), Some(at(64) + REPORT_INTERVAL));
        assert_eq!(arrivals.note(at(70), 1, 9), None);
        assert_eq!(arrivals.note(at(71), 65_534, 9), None, "before the first one");
        assert_eq!(report(&mut arrivals), [(65_535, Some(64_000)), (0, None), (1, Some(70_000))]);
        assert_eq!(arrivals.poll_timeout(), None);
        assert_eq!(report(&mut arrivals), []);
        assert_eq!(arrivals.note(at(80), 0, 9), None, "was reported as lost");
        assert!(arrivals.note(at(81), 3, 9).is_some());
        assert_eq!(report(&mut arrivals), [(3, Some(81_000))]);
    }

    #[test]
    fn a_jump_forgets_what_is_pending() {
        let start = Instant::now();
        let mut arrivals = Arrivals::new(start);
        arrivals.note(start, 5, 9);
        arrivals.note(start + Duration::from_millis(1), 5 + PENDING_MAX as u16, 9);
        assert_eq!(
            report(&mut arrivals).iter().map(|(n, _)| *n).collect::<Vec<_>>(),
            [5 + PENDING_MAX as u16]
        );
    }
}
