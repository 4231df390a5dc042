//! What is going on right now: transports count into meters of their own, and whoever looks adds the meters up.
//!
//! A packet costs its transport two plain stores; everything that takes longer is handed over twice a second.

use crate::{histogram::Histogram, light::Received};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

/// Layers told apart; what is above counts as the last one.
pub const LAYERS: usize = 4;

/// How often a transport hands over what it does not count packet by packet.
pub const HAND_OVER: Duration = Duration::from_millis(500);

/// All bots of one run.
#[derive(Debug, Default)]
pub struct Monitor {
    meters: Mutex<Vec<Arc<Meter>>>,
    times: Mutex<Times>,
    people: AtomicUsize,
}

/// Since the start of the run.
#[derive(Debug, Default)]
struct Times {
    /// How long packets were under way.
    delays: Histogram,
    /// How much after their time bots sent.
    lateness: Histogram,
}

/// What one transport counts. Only its own task writes.
#[derive(Debug, Default)]
pub struct Meter {
    sent: AtomicU64,
    sent_bytes: AtomicU64,
    received: AtomicU64,
    received_bytes: AtomicU64,
    standing: Mutex<Standing>,
}

/// Where the subscriptions of a transport stood when it last said so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Packets that came by then, and that never came so far by the holes in sequence numbers.
    pub received: u64,
    pub missing: u64,
    /// Video subscriptions that were given each layer.
    pub layers: [u32; LAYERS],
    /// Video subscriptions that were given nothing.
    pub dark: u32,
}

/// Everything since the start of the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    pub people: usize,
    /// RTP packets and their payload bytes that publishers handed to the network.
    pub sent: u64,
    pub sent_bytes: u64,
    /// RTP packets and their payload bytes that subscribers took from it.
    pub received: u64,
    pub received_bytes: u64,
    pub standing: Standing,
}

impl Totals {
    /// Adds what light receivers counted, who have no meters.
    pub fn add_light<'a>(&mut self, all: impl Iterator<Item = &'a Received>) {
        for light in all {
            self.received += light.packets;
            self.received_bytes += light.payload_bytes;
            self.standing.received += light.packets;
            self.standing.missing += light.missing;
        }
    }
}

impl Monitor {
    /// A meter for one more transport.
    pub fn meter(&self) -> Arc<Meter> {
        let meter = Arc::<Meter>::default();
        self.meters.lock().expect("nobody panics while holding the meters").push(meter.clone());
        meter
    }

    pub fn someone_came(&self) {
        self.people.fetch_add(1, Relaxed);
    }

    pub fn someone_left(&self) {
        self.people.fetch_sub(1, Relaxed);
    }

    pub fn totals(&self) -> Totals {
        let mut totals = Totals { people: self.people.load(Relaxed), ..Totals::default() };
        for meter in &*self.meters.lock().expect("nobody panics while holding the meters") {
            totals.sent += meter.sent.load(Relaxed);
            totals.sent_bytes += meter.sent_bytes.load(Relaxed);
            totals.received += meter.received.load(Relaxed);
            totals.received_bytes += meter.received_bytes.load(Relaxed);
            totals.standing.add(&meter.standing.lock().expect("nobody panics while holding it"));
        }
        totals
    }

    /// Delays of packets, and how late the bots themselves were, since the start of the run.
    pub fn histograms(&self) -> (Histogram, Histogram) {
        let times = self.times.lock().expect("nobody panics while holding the times");
        (times.delays.clone(), times.lateness.clone())
    }

    /// Takes over what a transport collected, and empties it.
    pub fn hand_over(&self, delays: &mut Histogram, lateness: &mut Histogram) {
        let mut times = self.times.lock().expect("nobody panics while holding the times");
        times.delays.merge(delays);
        times.lateness.merge(lateness);
        delays.clear();
        lateness.clear();
    }
}

impl Meter {
    pub fn sent(&self, bytes: usize) {
        add(&self.sent, 1);
        add(&self.sent_bytes, bytes as u64);
    }

    pub fn received(&self, bytes: usize) {
        add(&self.received, 1);
        add(&self.received_bytes, bytes as u64);
    }

    pub fn stand(&self, standing: Standing) {
        *self.standing.lock().expect("nobody panics while holding it") = standing;
    }

    /// Nothing is shown any more; what came and what was missing stays.
    pub fn end(&self) {
        let mut standing = self.standing.lock().expect("nobody panics while holding it");
        (standing.layers, standing.dark) = ([0; LAYERS], 0);
    }
}

/// Not a read-modify-write instruction: there is one writer.
fn add(counter: &AtomicU64, amount: u64) {
    counter.store(counter.load(Relaxed) + amount, Relaxed);
}

impl Standing {
    pub fn add(&mut self, other: &Self) {
        self.received += other.received;
        self.missing += other.missing;
        self.dark += other.dark;
        for (mine, theirs) in self.layers.iter_mut().zip(other.layers) {
            *mine += theirs;
        }
    }

    /// Counts a video subscription that is being given this layer.
    pub fn shows(&mut self, layer: u8) {
        self.layers[usize::from(layer).min(LAYERS - 1)] += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meters_of_all_transports_are_added_up() {
        let monitor = Monitor::default();
        let (one, other) = (monitor.meter(), monitor.meter());
        one.sent(100);
        other.received(40);
        other.received(60);
        let mut standing = Standing { received: 5, missing: 3, dark: 1, ..Standing::default() };
        standing.shows(0);
        standing.shows(200);
        one.stand(standing);
        other.stand(standing);
        monitor.someone_came();
        let totals = monitor.totals();
        assert_eq!((totals.people, totals.sent, totals.sent_bytes), (1, 1, 100));
        assert_eq!((totals.received, totals.received_bytes), (2, 100));
        assert_eq!(totals.standing, Standing { received: 10, missing: 6, layers: [2, 0, 0, 2], dark: 2 });
        one.end();
        assert_eq!(
            monitor.totals().standing,
            Standing { received: 10, missing: 6, layers: [1, 0, 0, 1], dark: 1 }
        );
    }

    #[test]
    fn what_is_handed_over_is_kept_and_forgotten_by_the_transport() {
        let monitor = Monitor::default();
        let (mut delays, mut lateness) = (Histogram::default(), Histogram::default());
        for _ in 0..2 {
            delays.record(5);
            lateness.record(7);
            monitor.hand_over(&mut delays, &mut lateness);
            assert_eq!((delays.count(), lateness.count()), (0, 0));
        }
        let (delays, lateness) = monitor.histograms();
        assert_eq!((delays.count(), delays.max_ns(), lateness.max_ns()), (2, 5, 7));
    }
}
