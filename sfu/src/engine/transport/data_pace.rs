//! When the next packet of data channels may leave: half as fast as sound and video leave room for it in the estimate,
//! and never slower than a share of its own, which the allocation leaves to it. Sound and repetitions go before it.
//!
//! Where the path has shown a limit, the room that sound and video leave is a guess: less is sent than the estimate, and
//! nobody has tried the rest. There data begins with its share and finds out slowly, since what it finds too much the
//! pictures pay for too.
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
/// Data on a path with a limit begins with this part of the estimate, and has never to be content with less …
const PART_MIN: f64 = 1.0 / SHARE as f64;
/// … nor ever more than this,
const PART_MAX: f64 = 0.5;
/// and what it has grows by so much a second,
const GROWTH: f64 = 1.01;
/// or only so much since a queue came of it: half of what data took then is what it goes on with.
const GROWTH_CAREFUL: f64 = 1.003;
/// A pause counts as so much of that.
const GROWTH_PAUSE_MAX: Duration = Duration::from_secs(10);
/// Until that queue is empty data has this part of its share …
const YIELDING: u64 = 4;
/// … for so long at most.
const YIELDS_MAX: Duration = Duration::from_secs(1);
/// Data takes more than its share when it is more by this: it does not leave evenly.
const AHEAD_PERCENT: u64 = 115;
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
    /// The part of the estimate that data may take where there is room.
    part: f64,
    grown_at: Instant,
    is_draining: bool,
    /// It may take more than its share.
    has_more: bool,
    /// Data was too much at some time, and made room until then.
    yielded_until: Option<Instant>,
}

/// What is known of a path with sound or video on it.
#[derive(Debug, Clone, Copy)]
pub struct Room {
    /// What it is believed to carry.
    pub estimate: Bitrate,
    /// What sound and video take of it.
    pub media: Bitrate,
    /// It has shown that it does not carry everything.
    pub is_limited: bool,
    /// There is a queue on it that is being emptied.
    pub is_draining: bool,
}

impl DataPace {
    /// Nothing was sent yet.
    pub fn new(now: Instant) -> Self {
        DataPace {
            rate: RATE_ALONE,
            paid_at: now,
            sent: RateMeter::default(),
            part: PART_MIN,
            grown_at: now,
            is_draining: false,
            has_more: false,
            yielded_until: None,
        }
    }

    /// There is no sound and no video on the path.
    pub fn set_alone(&mut self) {
        self.rate = RATE_ALONE;
    }

    /// There is sound or video on the path.
    pub fn set_room(&mut self, now: Instant, room: Room) {
        let Room { estimate, media, is_limited, is_draining } = room;
        let share = share(estimate);
        let begins = is_draining && !self.is_draining;
        self.is_draining = is_draining;
        if begins && self.has_more {
            self.part = self.part.min(self.sent.rate(now).0 as f64 / estimate.0.max(1) as f64 / 2.0);
            self.yielded_until = Some(now + YIELDS_MAX);
        }
        let growth = if self.yielded_until.is_some() { GROWTH_CAREFUL } else { GROWTH };
        let since = now.saturating_duration_since(self.grown_at).min(GROWTH_PAUSE_MAX);
        self.grown_at = now;
        self.part = (self.part * growth.powf(since.as_secs_f64())).clamp(PART_MIN, PART_MAX);

        let left = estimate.0.saturating_sub(media.0) / LEFT_SHARE;
        let tried = (estimate.0 as f64 * self.part) as u64;
        let rate = match self.yielded_until {
            Some(until) if is_draining && now < until => share.0 / YIELDING,
            _ if is_limited => left.min(tried).max(share.0),
            _ => left.max(share.0),
        };
        self.has_more = rate * 100 > share.0 * AHEAD_PERCENT;
        self.rate = Bitrate(rate.max(1));
    }

    /// What video should leave of the estimate: what data took in the last second, as far as its share goes.
    pub fn reserved(&mut self, now: Instant, estimate: Bitrate) -> Bitrate {
        self.sent.rate(now).min(share(estimate))
    }

    /// Data took more of the path lately than what is its own in any case.
    pub fn is_ahead(&mut self, now: Instant, estimate: Bitrate) -> bool {
        self.sent.rate(now).0 * 100 > share(estimate).0 * AHEAD_PERCENT
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

    fn room(estimate: u64, media: u64) -> Room {
        let (estimate, media) = (Bitrate(estimate), Bitrate(media));
        Room { estimate, media, is_limited: false, is_draining: false }
    }

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
            pace.set_room(start, room(2_000_000, media));
            let rate = carried(&mut pace, start) * 8;
            assert!((expected..expected * 11 / 10).contains(&rate), "{rate} beside {media}");
        }
    }

    /// Bits a second of data in each second, beside video that takes 600 kbit/s of an estimate of 2 Mbit/s on a path with a
    /// limit; with a queue in some of these seconds.
    fn found_out(seconds: u64, queue: impl Fn(u64) -> bool) -> Vec<u64> {
        let start = Instant::now();
        let mut pace = DataPace::new(start);
        let in_second = |second: u64| {
            let mut bits = 0;
            for ms in 0..1000 {
                let now = start + Duration::from_millis(second * 1000 + ms);
                let room = Room { is_limited: true, is_draining: queue(second), ..room(2_000_000, 600_000) };
                pace.set_room(now, room);
                while pace.is_due(now) {
                    pace.spend(now, 500);
                    bits += 4_000;
                }
            }
            bits
        };
        (0..seconds).map(in_second).collect()
    }

    #[test]
    fn where_there_is_a_limit_data_begins_with_its_share_and_finds_out_how_much_is_free() {
        let rates = found_out(240, |_| false);
        assert!((120_000..145_000).contains(&rates[0]), "{rates:?}");
        assert!(rates.windows(2).all(|pair| pair[1] < pair[0] * 11 / 10), "{rates:?}");
        assert!((680_000..720_000).contains(&rates[239]), "half of what is left: {rates:?}");
    }

    #[test]
    fn a_queue_that_came_of_data_makes_it_yield_then_halves_it_and_slows_its_growth() {
        let rates = found_out(160, |second| second == 100);
        let before = rates[99];
        assert!(before > 300_000, "{rates:?}");
        assert!(rates[100] < 40_000, "{rates:?}");
        assert!((before * 45 / 100..before * 55 / 100).contains(&rates[101]), "{rates:?}");
        assert!(rates[159] < rates[101] * 13 / 10 && rates[159] > rates[101] * 11 / 10, "{rates:?}");
    }

    #[test]
    fn a_queue_beside_data_that_keeps_to_its_share_takes_nothing_from_it() {
        let rates = found_out(4, |second| second == 2);
        assert!(rates.iter().all(|rate| (115_000..150_000).contains(rate)), "{rates:?}");
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
                pace.set_room(at, room(estimate.0, media.0));
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
        pace.set_room(start, room(2_000_000, 0));
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
        pace.set_room(start, room(100_000, 100_000));
        pace.spend(start, 1200);
        assert!(!pace.is_due(start));
        assert!(pace.is_due(pace.due_at()));
        assert!(pace.is_due(start + Duration::from_secs(1)));
    }
}
