//! What a browser tells about arrivals: transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01) and
//! the numbers of receiver reports (RFC 3550).

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use plenum_sfu::engine::transport::rtcp::{ReportBlock, RtcpWriter, SenderReport};

use crate::picture::Unwrap;

/// libwebrtc sends feedback for about a twentieth of the rate received, within these bounds.
const INTERVAL_MIN: Duration = Duration::from_millis(50);
/// See [`INTERVAL_MIN`].
const INTERVAL_MAX: Duration = Duration::from_millis(250);
/// Bytes of a feedback packet on the wire, about.
const FEEDBACK_LEN: f64 = 68.0;
/// Packets of one message at most.
const STATUSES_MAX: u64 = 2000;

/// Arrivals that have not been told.
#[derive(Debug)]
pub struct ArrivalFeedback {
    epoch: Instant,
    unwrap: Unwrap,
    arrivals: BTreeMap<u64, u64>,
    /// The first number of the next message: what came before was told as received or not.
    next: Option<u64>,
    bytes: usize,
    sent_at: Instant,
    count: u8,
}

impl ArrivalFeedback {
    pub fn new(epoch: Instant) -> Self {
        ArrivalFeedback {
            epoch,
            unwrap: Unwrap::default(),
            arrivals: BTreeMap::new(),
            next: None,
            bytes: 0,
            sent_at: epoch,
            count: 0,
        }
    }

    pub fn note(&mut self, now: Instant, number: u16, len: usize) {
        let number = self.unwrap.sequence_number(number);
        self.arrivals.entry(number).or_insert((now - self.epoch).as_micros() as u64);
        self.bytes += len;
    }

    pub fn poll_timeout(&self) -> Option<Instant> {
        let since = self.sent_at + INTERVAL_MIN;
        let wanted = FEEDBACK_LEN / (self.bytes as f64 * 0.05);
        let rate_bound = INTERVAL_MIN.mul_f64(wanted.clamp(1.0, 5.0)).min(INTERVAL_MAX);
        (!self.arrivals.is_empty()).then(|| since.max(self.sent_at + rate_bound))
    }

    /// Writes one message about everything that has come.
    pub fn write(&mut self, now: Instant, ssrc: u32, writer: &mut RtcpWriter<'_>) {
        let (Some((&first, _)), Some((&last, _))) =
            (self.arrivals.first_key_value(), self.arrivals.last_key_value())
        else {
            return;
        };
        // Late ones are told again from where they belong; holes before the first arrival are told as holes.
        let base = self.next.map_or(first, |next| next.min(first));
        let base = base.max(last.saturating_sub(STATUSES_MAX));
        let statuses: Vec<_> = (base..=last).map(|number| self.arrivals.get(&number).copied()).collect();
        let covered = writer.transport_feedback(ssrc, 0, self.count, base as u16, &statuses) as u64;
        self.count = self.count.wrapping_add(1);
        self.next = Some(base + covered);
        self.arrivals = self.arrivals.split_off(&(base + covered));
        self.bytes = 0;
        self.sent_at = now;
    }
}

/// What a receiver report says of one stream.
#[derive(Debug)]
pub struct ReceptionReport {
    ssrc: u32,
    unwrap: Unwrap,
    first: Option<u64>,
    highest: u64,
    received: u64,
    before: (u64, u64),
    sender_report: Option<(u32, Instant)>,
}

impl ReceptionReport {
    pub fn new(ssrc: u32) -> Self {
        let (unwrap, first, highest, received, before) = (Unwrap::default(), None, 0, 0, (0, 0));
        ReceptionReport { ssrc, unwrap, first, highest, received, before, sender_report: None }
    }

    /// Returns the number with wraps counted.
    pub fn note(&mut self, number: u16) -> u64 {
        let number = self.unwrap.sequence_number(number);
        self.first.get_or_insert(number);
        self.highest = self.highest.max(number);
        self.received += 1;
        number
    }

    pub fn note_sender_report(&mut self, now: Instant, report: &SenderReport) {
        if report.ssrc == self.ssrc {
            self.sender_report = Some(((report.ntp_time >> 16) as u32, now));
        }
    }

    pub fn report(&mut self, now: Instant) -> Option<ReportBlock> {
        let expected = self.highest + 1 - self.first?;
        let (expected_before, received_before) = self.before;
        let interval = expected - expected_before;
        let lost = interval.saturating_sub(self.received - received_before);
        self.before = (expected, self.received);
        let delay = |at: Instant| ((now - at).as_micros() * 65_536 / 1_000_000) as u32;
        Some(ReportBlock {
            ssrc: self.ssrc,
            fraction_lost: (lost * 256 / interval.max(1)).min(255) as u8,
            cumulative_lost: expected as i32 - self.received as i32,
            extended_highest_sequence_number: self.highest as u32,
            jitter: 0,
            last_sender_report: self.sender_report.map_or(0, |(middle, _)| middle),
            delay_since_last_sender_report: self.sender_report.map_or(0, |(_, at)| delay(at)),
        })
    }
}
