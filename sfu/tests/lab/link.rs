//! One direction of a path: loss, a policer, a bottleneck with a queue, propagation and jitter, in this order. The same
//! settings, seed and offers give the same arrivals, on a virtual clock as on a real one.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::time::{Duration, Instant};

use crate::random::Random;

/// IPv4 and UDP headers of every datagram: links carry them, and rates here count them.
pub const HEADERS_LEN: usize = 28;

/// What a link does to what it carries. The default carries everything at once.
#[derive(Debug, Clone, Default)]
pub struct LinkSettings {
    /// Bits per second from these moments on; empty: no bottleneck.
    pub rate: Vec<(Duration, u64)>,
    /// What the queue before the bottleneck holds, in time at the rate of the moment; more is dropped (drop-tail).
    pub queue: Duration,
    /// Propagation.
    pub delay: Duration,
    pub jitter: Option<Jitter>,
    /// Share of datagrams lost, each for itself.
    pub loss: f64,
    pub bursts: Option<Bursts>,
    pub policer: Option<Policer>,
    /// Nothing gets through between these moments.
    pub dead: Vec<Range<Duration>>,
}

/// Delay that changes: a new one up to `most` is drawn every `period` and reached gradually, as radio links do it; what
/// reorders is drawn for each datagram.
#[derive(Debug, Clone, Copy)]
pub struct Jitter {
    pub most: Duration,
    pub period: Duration,
    pub reorders: bool,
}

/// Loss in bursts (Gilbert): a burst begins before a datagram, and ends after one, with these probabilities.
#[derive(Debug, Clone, Copy)]
pub struct Bursts {
    pub begins: f64,
    pub ends: f64,
}

/// A token bucket that drops what exceeds it and delays nothing.
#[derive(Debug, Clone, Copy)]
pub struct Policer {
    pub rate: u64,
    pub burst_bytes: u64,
}

/// What became of an offered datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Carried,
    Lost,
    /// The queue or the policer had no room.
    Dropped,
}

#[derive(Debug)]
pub struct Link<T> {
    pub settings: LinkSettings,
    start: Instant,
    random: Random,
    queue: VecDeque<(Instant, usize)>,
    queued_bytes: usize,
    busy_until: Instant,
    last_arrival: Instant,
    in_burst: bool,
    tokens: f64,
    tokens_at: Instant,
    wander: (f64, f64, Instant),
    offered: u64,
    in_flight: BTreeMap<(Instant, u64), T>,
}

impl<T> Link<T> {
    pub fn new(settings: LinkSettings, start: Instant, random: Random) -> Self {
        let tokens = settings.policer.map_or(0.0, |policer| policer.burst_bytes as f64);
        Link {
            settings,
            start,
            random,
            queue: VecDeque::new(),
            queued_bytes: 0,
            busy_until: start,
            last_arrival: start,
            in_burst: false,
            tokens,
            tokens_at: start,
            wander: (0.0, 0.0, start),
            offered: 0,
            in_flight: BTreeMap::new(),
        }
    }

    /// Takes a datagram of `len` bytes without IP and UDP headers.
    pub fn offer(&mut self, now: Instant, len: usize, item: T) -> Fate {
        let len = len + HEADERS_LEN;
        if self.is_dead(now) || self.is_lost() {
            return Fate::Lost;
        }
        if !self.police(now, len) {
            return Fate::Dropped;
        }
        let Some(served) = self.serve(now, len) else { return Fate::Dropped };
        let mut arrival = served + self.settings.delay + self.extra_delay(served);
        if !self.settings.jitter.is_some_and(|jitter| jitter.reorders) {
            arrival = arrival.max(self.last_arrival);
        }
        self.last_arrival = self.last_arrival.max(arrival);
        self.offered += 1;
        self.in_flight.insert((arrival, self.offered), item);
        Fate::Carried
    }

    /// The next datagram that has arrived by now, and when it did.
    pub fn receive(&mut self, now: Instant) -> Option<(Instant, T)> {
        let entry = self.in_flight.first_entry().filter(|entry| entry.key().0 <= now)?;
        let ((at, _), item) = entry.remove_entry();
        Some((at, item))
    }

    pub fn next_arrival(&self) -> Option<Instant> {
        self.in_flight.keys().next().map(|(at, _)| *at)
    }

    /// Bits per second at this moment, headers included: what the bottleneck or the policer lets through.
    pub fn rate(&self, now: Instant) -> Option<u64> {
        if self.is_dead(now) {
            return Some(0);
        }
        let policed = self.settings.policer.map(|policer| policer.rate);
        [self.bottleneck(now), policed].into_iter().flatten().min()
    }

    fn bottleneck(&self, now: Instant) -> Option<u64> {
        let since = now.saturating_duration_since(self.start);
        self.settings.rate.iter().rev().find(|(from, _)| *from <= since).map(|(_, rate)| *rate)
    }

    fn is_dead(&self, now: Instant) -> bool {
        let since = now.saturating_duration_since(self.start);
        self.settings.dead.iter().any(|dead| dead.contains(&since))
    }

    fn is_lost(&mut self) -> bool {
        if let Some(Bursts { begins, ends }) = self.settings.bursts {
            let change = if self.in_burst { ends } else { begins };
            if self.random.chance(change) {
                self.in_burst = !self.in_burst;
            }
            if self.in_burst {
                return true;
            }
        }
        self.random.chance(self.settings.loss)
    }

    fn police(&mut self, now: Instant, len: usize) -> bool {
        let Some(Policer { rate, burst_bytes }) = self.settings.policer else { return true };
        let elapsed = now.saturating_duration_since(self.tokens_at).as_secs_f64();
        self.tokens_at = now;
        self.tokens = (self.tokens + elapsed * rate as f64 / 8.0).min(burst_bytes as f64);
        if self.tokens < len as f64 {
            return false;
        }
        self.tokens -= len as f64;
        true
    }

    /// When the bottleneck has sent it; `None` when the queue is full.
    fn serve(&mut self, now: Instant, len: usize) -> Option<Instant> {
        let Some(rate) = self.bottleneck(now) else { return Some(now) };
        while let Some((_, gone)) = self.queue.pop_front_if(|(at, _)| *at <= now) {
            self.queued_bytes -= gone;
        }
        let room = rate as f64 / 8.0 * self.settings.queue.as_secs_f64();
        // One datagram always fits: a queue shorter than that carries nothing at all.
        if !self.queue.is_empty() && (self.queued_bytes + len) as f64 > room {
            return None;
        }
        self.busy_until = self.sent_at(self.busy_until.max(now), len);
        self.queue.push_back((self.busy_until, len));
        self.queued_bytes += len;
        Some(self.busy_until)
    }

    /// The end of sending what begins now, over the changes of the rate meanwhile.
    fn sent_at(&self, begin: Instant, len: usize) -> Instant {
        let mut bits = len as f64 * 8.0;
        let mut at = begin;
        loop {
            let rate = self.bottleneck(at).unwrap_or(u64::MAX) as f64;
            let since = at.saturating_duration_since(self.start);
            let change = self.settings.rate.iter().map(|(from, _)| *from).find(|from| *from > since);
            let end = at + Duration::from_secs_f64(bits / rate);
            match change.map(|change| self.start + change) {
                Some(change) if change < end => {
                    bits -= change.duration_since(at).as_secs_f64() * rate;
                    at = change;
                }
                _ => return end,
            }
        }
    }

    fn extra_delay(&mut self, at: Instant) -> Duration {
        let Some(Jitter { most, period, reorders }) = self.settings.jitter else { return Duration::ZERO };
        if reorders {
            return most.mul_f64(self.random.unit());
        }
        let (mut from, mut to, mut since) = self.wander;
        while at >= since + period {
            (from, to, since) = (to, self.random.unit(), since + period);
        }
        self.wander = (from, to, since);
        let share = at.saturating_duration_since(since).as_secs_f64() / period.as_secs_f64();
        most.mul_f64(from + (to - from) * share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(settings: LinkSettings) -> (Link<u32>, Instant) {
        let start = Instant::now();
        (Link::new(settings, start, Random::new(1, 1)), start)
    }

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// Offers a datagram of 1250 bytes (with headers) every millisecond; returns fates and arrivals.
    fn offer_for(link: &mut Link<u32>, start: Instant, millis: u64) -> (Vec<Fate>, Vec<(Duration, u32)>) {
        let offer = |at| link.offer(start + ms(at), 1250 - HEADERS_LEN, at as u32);
        let fates = (0..millis).map(offer).collect();
        let arrived = std::iter::from_fn(|| link.receive(start + ms(1_000_000)));
        (fates, arrived.map(|(at, item)| (at - start, item)).collect())
    }

    #[test]
    fn a_link_without_settings_carries_everything_at_once() {
        let (mut link, start) = link(LinkSettings::default());
        let (fates, arrived) = offer_for(&mut link, start, 100);
        assert!(fates.iter().all(|fate| *fate == Fate::Carried));
        assert!(
            arrived.iter().enumerate().all(|(at, (time, item))| *time == ms(at as u64) && *item == at as u32)
        );
    }

    #[test]
    fn a_bottleneck_spaces_what_it_carries_and_drops_what_its_queue_does_not_hold() {
        let settings =
            LinkSettings { rate: vec![(ms(0), 1_000_000)], queue: ms(100), ..LinkSettings::default() };
        let (mut link, start) = link(settings);
        let (fates, arrived) = offer_for(&mut link, start, 100);
        assert_eq!(arrived[0].0, ms(10), "ten milliseconds for ten thousand bits");
        assert!(arrived.windows(2).all(|pair| pair[1].0 - pair[0].0 == ms(10)));
        let carried = fates.iter().filter(|fate| **fate == Fate::Carried).count();
        assert!((18..=20).contains(&carried), "{carried}: ten leave within the time, ten wait");
    }

    #[test]
    fn a_rate_that_falls_slows_down_what_is_being_sent() {
        let rate = vec![(ms(0), 1_000_000), (ms(5), 100_000)];
        let (mut link, start) = link(LinkSettings { rate, queue: ms(100), ..LinkSettings::default() });
        link.offer(start, 1250 - HEADERS_LEN, 1);
        assert_eq!(link.next_arrival(), Some(start + ms(55)));
        assert_eq!(link.rate(start + ms(4)), Some(1_000_000));
        assert_eq!(link.rate(start + ms(6)), Some(100_000));
    }

    #[test]
    fn a_policer_drops_without_delay() {
        let policer = Some(Policer { rate: 1_000_000, burst_bytes: 12_500 });
        let (mut link, start) = link(LinkSettings { policer, ..LinkSettings::default() });
        let (fates, arrived) = offer_for(&mut link, start, 1000);
        assert!(arrived.iter().all(|(at, item)| *at == ms(u64::from(*item))));
        let carried = fates.iter().filter(|fate| **fate == Fate::Carried).count();
        assert!((108..=112).contains(&carried), "{carried}");
        assert_eq!(link.rate(start), Some(1_000_000));
    }

    #[test]
    fn loss_comes_as_often_as_it_should_alone_and_in_bursts() {
        for settings in [
            LinkSettings { loss: 0.1, ..LinkSettings::default() },
            LinkSettings { bursts: Some(Bursts { begins: 0.02, ends: 0.18 }), ..LinkSettings::default() },
        ] {
            let (mut link, start) = link(settings);
            let (fates, _) = offer_for(&mut link, start, 20_000);
            let lost = fates.iter().filter(|fate| **fate == Fate::Lost).count();
            assert!((1600..2400).contains(&lost), "{lost} of 20,000");
        }
    }

    #[test]
    fn nothing_passes_a_dead_path() {
        let (mut link, start) = link(LinkSettings { dead: vec![ms(20)..ms(60)], ..LinkSettings::default() });
        let (_, arrived) = offer_for(&mut link, start, 100);
        assert_eq!(arrived.len(), 60);
        assert_eq!(link.rate(start + ms(30)), Some(0));
    }

    #[test]
    fn jitter_stays_in_its_bounds_and_reorders_only_where_it_may() {
        for reorders in [false, true] {
            let jitter = Some(Jitter { most: ms(50), period: ms(100), reorders });
            let (mut link, start) = link(LinkSettings { jitter, ..LinkSettings::default() });
            let (_, arrived) = offer_for(&mut link, start, 2000);
            let delays = arrived.iter().map(|(at, item)| *at - ms(u64::from(*item)));
            let most = delays.max().unwrap();
            assert!(most > ms(40) && most <= ms(50), "{most:?}");
            assert_eq!(arrived.is_sorted_by_key(|(_, item)| *item), !reorders);
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_arrivals() {
        let settings = LinkSettings {
            rate: vec![(ms(0), 2_000_000)],
            queue: ms(50),
            jitter: Some(Jitter { most: ms(30), period: ms(50), reorders: true }),
            loss: 0.05,
            ..LinkSettings::default()
        };
        let run = || {
            let (mut link, start) = link(settings.clone());
            offer_for(&mut link, start, 3000)
        };
        assert_eq!(run(), run());
    }
}
