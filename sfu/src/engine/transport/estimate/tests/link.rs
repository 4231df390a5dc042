//! A path with a rate, a queue, loss, jitter and a policer, on a virtual clock; and peers that send over it.

use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, Instant},
};

use plenum_shared::media::Bitrate;

use crate::engine::transport::{
    estimate::{Estimate, ProbeId, Purpose},
    rtcp::{RtcpPacket, RtcpWriter, parse},
};

/// What a path does to packets.
#[derive(Debug, Clone, Copy)]
pub struct Path {
    pub rate: f64,
    pub propagation_us: u64,
    pub queue_max_us: u64,
    pub loss: f64,
    /// Added to each packet for itself, so that they overtake each other.
    pub jitter_us: u64,
    /// Added by a delay that wanders to another value each tenth of a second, as radio links do it.
    pub wander_us: u64,
    /// Rate, and bytes of its bucket.
    pub policer: Option<(f64, f64)>,
    pub dead: bool,
    pub feedback_loss: f64,
    pub feedback_interval_us: u64,
}

impl Path {
    pub fn of(rate: f64) -> Self {
        Path {
            rate,
            propagation_us: 25_000,
            queue_max_us: 300_000,
            loss: 0.0,
            jitter_us: 0,
            wander_us: 0,
            policer: None,
            dead: false,
            feedback_loss: 0.0,
            feedback_interval_us: 100_000,
        }
    }
}

/// Random numbers that a seed replays.
#[derive(Debug)]
pub struct Random(pub u64);

impl Random {
    /// From 0 to 1.
    pub fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mixed = (self.0 ^ (self.0 >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        ((mixed ^ (mixed >> 32)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// What a peer has to send.
#[derive(Debug, Clone)]
pub enum Source {
    /// Any rate up to this, as an encoder follows its target.
    Elastic(f64),
    /// One of these rates.
    Layers(Vec<f64>),
}

/// One peer: its estimate, what waits to be sent, and what its receiver has seen.
pub struct Peer {
    pub estimate: Estimate,
    source: Source,
    pub layer: usize,
    pub layer_changes: Vec<u64>,
    waiting: VecDeque<usize>,
    budget: f64,
    probe: Option<(ProbeId, f64, f64, f64)>,
    number: u64,
    arrived: BTreeMap<u64, u64>,
    reported: u64,
    news: Vec<u64>,
    feedback_count: u8,
    feedback_at_us: u64,
    feedback: VecDeque<(u64, Vec<u8>)>,
    last_arrival_us: u64,
    chosen_us: u64,
    /// The rate, what arrived (bits) and the shortest queue, each tenth of a second.
    pub seen: Vec<Seen>,
    arrived_bits: f64,
    queue_us: u64,
}

#[derive(Debug, Clone, Copy)]
pub struct Seen {
    pub estimate: f64,
    pub arrived: f64,
    pub queue_ms: f64,
}

pub struct Lab {
    pub start: Instant,
    pub now_us: u64,
    pub path: Path,
    pub peers: Vec<Peer>,
    random: Random,
    busy_until_us: u64,
    tokens: f64,
    tokens_us: u64,
    wander: (f64, f64, u64),
}

impl Lab {
    pub fn new(seed: u64, path: Path, sources: Vec<Source>) -> Self {
        let start = Instant::now();
        let peers = sources.into_iter().map(|source| Peer::new(start, source)).collect();
        let tokens = path.policer.map_or(0.0, |(_, bucket)| bucket);
        Lab {
            start,
            now_us: 0,
            path,
            peers,
            random: Random(seed),
            busy_until_us: 0,
            tokens,
            tokens_us: 0,
            wander: (0.0, 0.0, 0),
        }
    }

    /// Lets so many seconds pass.
    pub fn run(&mut self, seconds: f64) {
        let end = self.now_us + (seconds * 1e6) as u64;
        while self.now_us < end {
            self.now_us += 1_000;
            for index in 0..self.peers.len() {
                self.step(index);
            }
        }
    }

    fn step(&mut self, index: usize) {
        let now = self.start + Duration::from_micros(self.now_us);
        let now_us = self.now_us;
        let peer = &mut self.peers[index];
        peer.take_feedback(now, now_us);
        if peer.estimate.poll_timeout().is_some_and(|at| at <= now) {
            peer.estimate.handle_timeout(now);
        }
        peer.choose(now, now_us);
        // Frames of a camera, and sound.
        if now_us.is_multiple_of(33_000) {
            let key = if now_us.is_multiple_of(9_900_000) { 3.0 } else { 0.75 + self.random.unit() * 0.5 };
            let bytes = peer.rate() * 0.033 / 8.0 * key;
            let packets = (bytes / 1_150.0).ceil().max(1.0);
            (0..packets as usize).for_each(|_| peer.waiting.push_back((bytes / packets) as usize + 50));
        }
        if now_us.is_multiple_of(20_000) {
            peer.waiting.push_front(140);
        }
        let mut leaving = Vec::new();
        peer.pace(now, now_us, &mut leaving);
        for (number, len) in leaving {
            self.carry(index, number, len);
        }
        let path = self.path;
        self.peers[index].report(now_us, path, &mut self.random);
        self.peers[index].note(now_us);
    }

    fn carry(&mut self, index: usize, number: u64, len: usize) {
        let (now_us, path) = (self.now_us, self.path);
        if path.dead || self.random.unit() < path.loss {
            return;
        }
        if let Some((rate, bucket)) = path.policer {
            self.tokens = (self.tokens + (now_us - self.tokens_us) as f64 * rate / 8e6).min(bucket);
            self.tokens_us = now_us;
            if self.tokens < len as f64 {
                return;
            }
            self.tokens -= len as f64;
        }
        let starts = self.busy_until_us.max(now_us);
        if starts - now_us > path.queue_max_us {
            return;
        }
        self.busy_until_us = starts + (len as f64 * 8e6 / path.rate) as u64;
        let jitter = (self.random.unit() * path.jitter_us as f64) as u64 + self.wander();
        let peer = &mut self.peers[index];
        let mut arrival = self.busy_until_us + path.propagation_us + jitter;
        if path.jitter_us == 0 {
            arrival = arrival.max(peer.last_arrival_us);
        }
        peer.last_arrival_us = arrival;
        peer.queue_us = peer.queue_us.min(starts - now_us);
        peer.arrived_bits += len as f64 * 8.0;
        peer.arrived.insert(number, arrival);
        peer.news.push(number);
    }
}

impl Lab {
    fn wander(&mut self) -> u64 {
        const PERIOD_US: u64 = 100_000;
        let (mut from, mut to, mut since) = self.wander;
        while self.now_us >= since + PERIOD_US {
            (from, to, since) = (to, self.random.unit(), since + PERIOD_US);
        }
        self.wander = (from, to, since);
        let share = (self.now_us - since) as f64 / PERIOD_US as f64;
        ((from + (to - from) * share) * self.path.wander_us as f64) as u64
    }
}

impl Peer {
    fn new(now: Instant, source: Source) -> Self {
        Peer {
            estimate: Estimate::new(now),
            source,
            layer: 0,
            layer_changes: Vec::new(),
            waiting: VecDeque::new(),
            budget: 0.0,
            probe: None,
            number: 0,
            arrived: BTreeMap::new(),
            reported: 0,
            news: Vec::new(),
            feedback_count: 0,
            feedback_at_us: 0,
            feedback: VecDeque::new(),
            last_arrival_us: 0,
            chosen_us: 0,
            seen: Vec::new(),
            arrived_bits: 0.0,
            queue_us: u64::MAX,
        }
    }

    /// What the camera sends now.
    fn rate(&self) -> f64 {
        let sound = 60_000.0;
        match &self.source {
            Source::Elastic(most) => (self.estimate.bitrate().0 as f64 - sound).clamp(30_000.0, *most),
            Source::Layers(rates) => rates[self.layer],
        }
    }

    /// The allocation in small: up with room to spare, twice a second; down at once.
    fn choose(&mut self, now: Instant, now_us: u64) {
        let budget = self.estimate.bitrate().0 as f64 - 60_000.0;
        match &self.source {
            Source::Elastic(most) => {
                let wanted = Bitrate((most + 60_000.0) as u64);
                self.estimate.set_wanted(now, (self.estimate.bitrate() < wanted).then_some(wanted));
            }
            Source::Layers(rates) => {
                let before = self.layer;
                while self.layer > 0 && budget < rates[self.layer] * 0.9 {
                    self.layer -= 1;
                }
                if now_us >= self.chosen_us + 500_000 {
                    self.chosen_us = now_us;
                    while self.layer + 1 < rates.len() && budget > rates[self.layer + 1] * 1.15 {
                        self.layer += 1;
                    }
                    let next = rates.get(self.layer + 1).map(|rate| Bitrate((rate * 1.16) as u64 + 60_000));
                    self.estimate.set_wanted(now, next);
                }
                if before != self.layer {
                    self.layer_changes.push(now_us);
                }
            }
        }
    }

    fn pace(&mut self, now: Instant, now_us: u64, leaving: &mut Vec<(u64, usize)>) {
        let rate = self.estimate.pacing_rate().0 as f64;
        self.budget = (self.budget + rate / 8e3).min(rate * 0.005 / 8.0 + 1_300.0);
        if now_us.is_multiple_of(5_000) {
            while let Some(&len) = self.waiting.front().filter(|&&len| self.budget >= len as f64) {
                self.waiting.pop_front();
                self.budget -= len as f64;
                self.send(now, len, Purpose::Media, leaving);
            }
            // What has waited too long would be dropped with its frame.
            while self.waiting.len() > 1 && self.waiting.iter().sum::<usize>() as f64 * 8.0 > rate {
                self.waiting.pop_front();
            }
        }
        if self.probe.is_none()
            && let Some(probe) = self.estimate.poll_probe(now)
        {
            self.probe = Some((probe.id, probe.rate.0 as f64, probe.bytes as f64, 1_200.0));
        }
        if let Some((id, rate, left, credit)) = &mut self.probe {
            *credit += *rate / 8e3;
            let (id, mut count) = (*id, 0);
            while *credit >= 1_200.0 && *left > 0.0 {
                *credit -= 1_200.0;
                *left -= 1_200.0;
                count += 1;
            }
            if *left <= 0.0 {
                self.probe = None;
            }
            (0..count).for_each(|_| self.send(now, 1_200, Purpose::Probe(id), leaving));
        }
    }

    fn send(&mut self, now: Instant, len: usize, purpose: Purpose, leaving: &mut Vec<(u64, usize)>) {
        if purpose == Purpose::Media
            && let Some((_, _, left, credit)) = &mut self.probe
        {
            // Media takes its part of the cluster.
            *credit -= len as f64;
            *left -= len as f64;
        }
        let on_wire = self.estimate.on_sent(now, len, purpose);
        assert_eq!(on_wire, self.number as u16);
        leaving.push((self.number, len));
        self.number += 1;
    }

    /// As Chromium does it: from the first packet that is news, what was reported before included.
    fn report(&mut self, now_us: u64, path: Path, random: &mut Random) {
        if now_us < self.feedback_at_us {
            return;
        }
        self.feedback_at_us = now_us + path.feedback_interval_us;
        let arrived = &self.arrived;
        let (news, later): (Vec<u64>, Vec<u64>) =
            self.news.drain(..).partition(|number| arrived[number] <= now_us);
        self.news = later;
        let (Some(&first), Some(&last)) = (news.iter().min(), news.iter().max()) else { return };
        let first = first.min(self.reported);
        let first = first.max(last.saturating_sub(1_000));
        self.reported = self.reported.max(last + 1);
        let arrivals: Vec<Option<u64>> = (first..=last)
            .map(|number| self.arrived.get(&number).copied().filter(|&at| at <= now_us))
            .collect();
        let mut at = 0;
        while at < arrivals.len() {
            let skipped = arrivals[at..].iter().take_while(|arrival| arrival.is_none()).count();
            at += skipped;
            let mut buf = [0; 1_200];
            let mut writer = RtcpWriter::new(&mut buf);
            let base = (first as usize + at) as u16;
            let covered = writer.transport_feedback(1, 2, self.feedback_count, base, &arrivals[at..]);
            if covered == 0 {
                break;
            }
            at += covered;
            self.feedback_count = self.feedback_count.wrapping_add(1);
            let len = writer.len();
            if !path.dead && random.unit() >= path.feedback_loss {
                self.feedback.push_back((now_us + path.propagation_us, buf[..len].to_vec()));
            }
        }
        self.arrived = self.arrived.split_off(&last.saturating_sub(4_000));
    }

    fn take_feedback(&mut self, now: Instant, now_us: u64) {
        while let Some((_, bytes)) = self.feedback.pop_front_if(|(at, _)| *at <= now_us) {
            let Some(RtcpPacket::TransportFeedback(feedback)) = parse(&bytes).next() else {
                panic!("feedback is what we wrote");
            };
            self.estimate.handle_feedback(now, &feedback);
        }
    }

    fn note(&mut self, now_us: u64) {
        if now_us.is_multiple_of(100_000) {
            self.seen.push(Seen {
                estimate: self.estimate.bitrate().0 as f64,
                arrived: self.arrived_bits * 10.0,
                queue_ms: if self.queue_us == u64::MAX { 0.0 } else { self.queue_us as f64 / 1e3 },
            });
            self.arrived_bits = 0.0;
            self.queue_us = u64::MAX;
        }
    }

    /// What was seen from one second to another.
    pub fn between(&self, from: f64, to: f64) -> &[Seen] {
        &self.seen[(from * 10.0) as usize..(to * 10.0) as usize]
    }
}

/// The mean of something seen.
pub fn mean(seen: &[Seen], of: impl Fn(&Seen) -> f64) -> f64 {
    seen.iter().map(of).sum::<f64>() / seen.len() as f64
}
