//! A network that loses, doubles, delays and reorders datagrams, on a virtual clock. The same seed gives the same run.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::random::Random;

#[derive(Debug, Clone)]
pub struct Datagram {
    pub from: SocketAddr,
    pub to: SocketAddr,
    pub bytes: Vec<u8>,
}

pub struct Network {
    random: Random,
    in_flight: BTreeMap<(Instant, u64), Datagram>,
    sent: u64,
    pub loss_percent: u64,
    pub duplicate_percent: u64,
    pub delay: Duration,
    pub jitter: Duration,
    /// Percent lost of what leaves here or is meant for here.
    pub lossy: Vec<(SocketAddr, u64)>,
    /// As many of the next datagrams to this address are lost.
    pub losing: Option<(SocketAddr, u32)>,
    /// The first so many of every kind of DTLS flight to these addresses are lost.
    pub losing_each_flight: Vec<(SocketAddr, u32)>,
    flights_lost: BTreeMap<(SocketAddr, [u8; 2]), u32>,
    /// What is behind a NAT, and the address it has outside now: `(inside, outside)`.
    pub nat: Vec<(SocketAddr, SocketAddr)>,
}

impl Network {
    /// A perfect network with 5 ms of delay.
    pub fn new(seed: u64) -> Self {
        Network {
            random: Random::new(seed),
            in_flight: BTreeMap::new(),
            sent: 0,
            loss_percent: 0,
            duplicate_percent: 0,
            delay: Duration::from_millis(5),
            jitter: Duration::ZERO,
            lossy: Vec::new(),
            losing: None,
            losing_each_flight: Vec::new(),
            flights_lost: BTreeMap::new(),
            nat: Vec::new(),
        }
    }

    pub fn send(&mut self, now: Instant, mut datagram: Datagram) {
        if let Some((to, left)) = &mut self.losing
            && *to == datagram.to
            && *left > 0
        {
            *left -= 1;
            return;
        }
        if self.loses_flight(&datagram) {
            return;
        }
        let at_ends = self.lossy.iter().filter(|(end, _)| *end == datagram.from || *end == datagram.to);
        let loss_percent = at_ends.map(|(_, percent)| *percent).sum::<u64>() + self.loss_percent;
        if self.random.percent(loss_percent) {
            return;
        }
        for &(inside, outside) in &self.nat {
            if datagram.from == inside {
                datagram.from = outside;
            } else if datagram.to == outside {
                datagram.to = inside;
            } else if datagram.to == inside {
                // From outside nobody is inside; so ends what is sent to a mapping of before.
                return;
            }
        }
        let copies = if self.random.percent(self.duplicate_percent) { 2 } else { 1 };
        for _ in 0..copies {
            let jitter_us = self.random.below(self.jitter.as_micros() as u64 + 1);
            let at = now + self.delay + Duration::from_micros(jitter_us);
            self.sent += 1;
            self.in_flight.insert((at, self.sent), datagram.clone());
        }
    }

    /// Flights are told apart by their first record: its type, and the type of the handshake message in it.
    fn loses_flight(&mut self, datagram: &Datagram) -> bool {
        const HANDSHAKE: u8 = 22;
        let Some(&kind) = datagram.bytes.first().filter(|kind| (20..=63).contains(*kind)) else {
            return false;
        };
        let Some(&(_, losing)) = self.losing_each_flight.iter().find(|(to, _)| *to == datagram.to) else {
            return false;
        };
        let message = datagram.bytes.get(13).filter(|_| kind == HANDSHAKE);
        let lost = self.flights_lost.entry((datagram.to, [kind, message.copied().unwrap_or(0)])).or_default();
        *lost += 1;
        *lost <= losing
    }

    pub fn next_arrival(&self) -> Option<Instant> {
        self.in_flight.keys().next().map(|(at, _)| *at)
    }

    /// The next datagram that has arrived by now.
    pub fn receive(&mut self, now: Instant) -> Option<Datagram> {
        let entry = self.in_flight.first_entry().filter(|entry| entry.key().0 <= now)?;
        Some(entry.remove())
    }
}
