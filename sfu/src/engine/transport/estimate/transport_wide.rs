//! The estimate of a path whose other end reports the arrival of every packet.

use std::time::{Duration, Instant};

use super::{Purpose, sent::SentPackets};
use crate::engine::transport::rtcp::TransportFeedback;

/// What is known of the path.
#[derive(Debug)]
pub struct TransportWide {
    /// Times of packets count from here.
    epoch: Instant,
    sent: SentPackets,
    round_trip: Option<Duration>,
}

impl TransportWide {
    /// Nothing was sent.
    pub fn new(now: Instant) -> Self {
        TransportWide { epoch: now, sent: SentPackets::new(), round_trip: None }
    }

    /// A packet leaves. Returns its number.
    pub fn on_sent(&mut self, now: Instant, len_bytes: usize, _purpose: Purpose) -> u16 {
        let now_us = self.clock_us(now);
        self.sent.push(now_us as u32, len_bytes) as u16
    }

    /// Begins anew but for the numbers; what was sent by the path before is not spoken of any more.
    pub fn handle_new_path(&mut self, now: Instant) {
        *self = TransportWide { sent: self.sent.continued(), ..TransportWide::new(now) };
    }

    /// The peer tells what arrived.
    pub fn handle_feedback(&mut self, now: Instant, feedback: &TransportFeedback<'_>) {
        let now_us = self.clock_us(now);
        let mut youngest_us = None;
        for status in feedback.statuses() {
            let Some(number) = self.sent.resolve(status.sequence_number) else { continue };
            let Some(packet) = self.sent.settle(number, status.arrival_us.is_some()) else { continue };
            if status.arrival_us.is_some() {
                youngest_us = Some((now_us as u32).wrapping_sub(packet.sent_us));
            }
        }
        if let Some(round_trip_us) = youngest_us {
            self.round_trip = Some(Duration::from_micros(u64::from(round_trip_us)));
        }
    }

    /// From sending the last packet a feedback spoke of to that feedback.
    pub fn round_trip(&self) -> Option<Duration> {
        self.round_trip
    }

    fn clock_us(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.epoch).as_micros() as u64
    }
}
