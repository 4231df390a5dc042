//! When the next packet of data channels may leave: half as fast as sound and video leave room for it in the estimate,
//! and never slower than a share of its own, which the allocation leaves to it. Sound and repetitions go before it.
//!
//! SCTP has a congestion window of its own, which grows until something is lost: alone it would fill the queue in front
//! of the viewer's line, and sound and video would stand in it.

use std::time::{Duration, Instant};

use plenum_shared::media::Bitrate;

use crate::engine::router::rate::RateMeter;

/// What data may take of a wide path whatever else is sent: a sixteenth. Video is given as much less while data takes it.
const SHARE: u64 = 16;
/// Of what sound and video leave, data has half: while less is sent than the estimate, nobody has tried the rest.
const LEFT_SHARE: u64 = 2;
/// The share of a path on which a sixteenth is less than [`SMALL_SHARE_MAX`]: an eighth, up to that. More would take the
/// last picture away, and less is no speed for a message of a chat.
const SMALL_SHARE: u64 = 8;
/// See [`SMALL_SHARE`].
const SMALL_SHARE_MAX: u64 = 64_000;
/// Where nothing else is sent there is nothing to protect, and SCTP finds out itself what the path carries.
const RATE_ALONE: Bitrate = Bitrate(50_000_000);
/// What may leave ahead of its time, so that packets form groups.
const BURST: Duration = Duration::from_millis(5);
/// How long a packet may wait: what is beyond is dropped, as by a queue on the path. Less than SCTP takes for a loss.
const WAITS_MAX: Duration = Duration::from_millis(250);

/// The share of one peer's path that its data channels have.
#[derive(Debug)]
pub struct DataPace {
    rate: Bitrate,
    paid_at: Instant,
    sent: RateMeter,
}

impl DataPace {
    /// Nothing was sent yet.
    pub fn new(now: Instant) -> Self {
        DataPace { rate: RATE_ALONE, paid_at: now, sent: RateMeter::default() }
    }

    /// There is no sound and no video on the path.
    pub fn set_alone(&mut self) {
        self.rate = RATE_ALONE;
    }

    /// What the path is believed to carry, and what sound and video take of it.
    pub fn set_rate(&mut self, estimate: Bitrate, media: Bitrate) {
        let left = estimate.0.saturating_sub(media.0);
        self.rate = Bitrate(left / LEFT_SHARE).max(share(estimate)).max(Bitrate(1));
    }

    /// What video should leave of the estimate: what data took in the last second, as far as its share goes.
    pub fn reserved(&mut self, now: Instant, estimate: Bitrate) -> Bitrate {
        self.sent.rate(now).min(share(estimate))
    }

    /// A packet may leave now.
    pub fn is_due(&self, now: Instant) -> bool {
        self.paid_at <= now + BURST
    }

    /// Takes note of a packet that left.
    pub fn spend(&mut self, now: Instant, len: usize) {
        let time = Duration::from_nanos(len as u64 * 8_000_000_000 / self.rate.0);
        self.paid_at = self.paid_at.max(now) + time;
        self.sent.add(now, len);
    }

    /// When a packet that waits may leave.
    pub fn due_at(&self) -> Instant {
        self.paid_at.checked_sub(BURST).unwrap_or(self.paid_at)
    }

    /// Bytes that leave within [`WAITS_MAX`].
    pub fn waiting_bytes_max(&self) -> usize {
        (u128::from(self.rate.0) * WAITS_MAX.as_micros() / 8_000_000) as usize
    }
}

/// What data may take in any case.
fn share(estimate: Bitrate) -> Bitrate {
    Bitrate((estimate.0 / SHARE).max((estimate.0 / SMALL_SHARE).min(SMALL_SHARE_MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes that leave in a second, packet by packet.
    fn carried(pace: &mut DataPace, start: Instant) -> u64 {
        let mut bytes = 0;
        for ms in 0..1000 {
            let now = start + Duration::from_millis(ms);
            while pace.is_due(now) {
                pace.spend(now, 1200);
                bytes += 1200;
            }
        }
        bytes
    }

    #[test]
    fn data_has_half_of_what_is_left_and_a_share_where_nothing_is() {
        let start = Instant::now();
        for (media, expected) in [(500_000, 750_000), (1_900_000, 125_000), (3_000_000, 125_000)] {
            let mut pace = DataPace::new(start);
            pace.set_rate(Bitrate(2_000_000), Bitrate(media));
            let rate = carried(&mut pace, start) * 8;
            assert!((expected..expected * 11 / 10).contains(&rate), "{rate} beside {media}");
        }
    }

    #[test]
    fn on_a_narrow_path_data_and_what_it_leaves_are_not_more_than_the_path() {
        for estimate in [50_000, 100_000, 200_000, 300_000, 600_000, 900_000, 2_000_000] {
            let (start, estimate) = (Instant::now(), Bitrate(estimate));
            let mut pace = DataPace::new(start);
            // The other streams take all they are given, and learn twice a second how much that is.
            let mut media = estimate;
            let (mut data, mut at) = (0, start);
            while at < start + Duration::from_secs(10) {
                if (at - start).as_millis().is_multiple_of(500) {
                    media = Bitrate(estimate.0 - pace.reserved(at, estimate).0);
                }
                pace.set_rate(estimate, media);
                while pace.is_due(at) {
                    pace.spend(at, 100);
                    data += if at >= start + Duration::from_secs(5) { 100 * 8 } else { 0 };
                }
                at += Duration::from_millis(1);
            }
            let both = media.0 + data / 5;
            assert!(both <= estimate.0 * 102 / 100, "{both} of {}", estimate.0);
            assert!(data / 5 >= estimate.0 / SHARE, "{data}");
        }
    }

    #[test]
    fn what_is_reserved_is_what_was_sent_and_never_more_than_the_share() {
        let (start, estimate) = (Instant::now(), Bitrate(2_000_000));
        let mut pace = DataPace::new(start);
        pace.set_rate(estimate, Bitrate(0));
        assert_eq!(pace.reserved(start, estimate), Bitrate(0));
        pace.spend(start, 1250);
        let soon = start + Duration::from_millis(900);
        assert!((9_000..13_000).contains(&pace.reserved(soon, estimate).0));
        carried(&mut pace, start);
        assert_eq!(pace.reserved(soon, estimate), Bitrate(125_000));
    }

    #[test]
    fn a_message_after_a_pause_leaves_at_once() {
        let start = Instant::now();
        let mut pace = DataPace::new(start);
        pace.set_rate(Bitrate(100_000), Bitrate(100_000));
        pace.spend(start, 1200);
        assert!(!pace.is_due(start));
        assert!(pace.is_due(pace.due_at()));
        assert!(pace.is_due(start + Duration::from_secs(1)));
    }
}
