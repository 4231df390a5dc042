//! Millions of datagrams that no honest peer sends: mutated from valid ones, random, forged, replayed, and mutated
//! inside valid encryption. Established sessions must not notice.
//!
//! `PLENUM_FUZZ_PACKETS` sets the number of packets. The seed is in every failure message; the run replays from it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use plenum_sfu::engine::demux::{Demux, Slot, classify};
use plenum_sfu::engine::transport::rtcp::{self, RtcpPacket, RtcpWriter};
use plenum_sfu::engine::transport::{
    DtlsCertificate, LocalIndex, RTP_OVERHEAD_MAX, Received, Transport, TransportConfig, TransportEvent,
};

use crate::peer::{Check, Peer, address, rtp};
use crate::random::Random;

const LOCAL: LocalIndex = LocalIndex(0);
const SESSIONS: usize = 4;
/// Transports whose peer has been checked but has not spoken DTLS yet.
const WAITING: usize = 2;
const MEDIA_SSRC: u32 = 5;
const HOSTILE_SSRC: u32 = 6;

const DEFAULT_PACKETS: u64 = 10_000_000;
/// Every valid ClientHello costs a key exchange, so sessions that wait for one get a small share.
const PACKETS_FOR_WAITING_PERCENT_OF_A_PERCENT: u64 = 20;

struct World {
    now: Instant,
    random: Random,
    demux: Demux,
    transports: Vec<Transport>,
    peers: Vec<Peer>,
    /// What was said in which session.
    corpus: Vec<(Slot, Vec<u8>)>,
    hellos: Vec<Vec<u8>>,
    answered: u64,
    opened: u64,
    views: u64,
}

fn source(slot: Slot) -> String {
    format!("192.0.2.{}:1000", slot + 1)
}

impl World {
    fn new(seed: u64) -> Self {
        let now = Instant::now();
        let certificate = Arc::new(DtlsCertificate::generate().unwrap());
        let mut world = World {
            now,
            random: Random::new(seed),
            demux: Demux::new([3; 16]),
            transports: Vec::new(),
            peers: Vec::new(),
            corpus: Vec::new(),
            hellos: Vec::new(),
            answered: 0,
            opened: 0,
            views: 0,
        };
        for slot in 0..SESSIONS + WAITING {
            let config = TransportConfig {
                local_ufrag: format!("ufrag{slot}"),
                local_pwd: format!("password number {slot} of them"),
                certificate: Arc::clone(&certificate),
            };
            let mut transport = Transport::new(config, now);
            let mut peer = Peer::client(now, transport.ice_parameters(), 1150);
            peer.ufrag = format!("peer{slot}");
            transport.set_remote(now, &peer.dtls_parameters()).unwrap();
            assert!(world.demux.insert_ufrag(transport.local_ufrag(), slot));
            world.transports.push(transport);
            world.peers.push(peer);
            world.check(slot);
        }
        for slot in 0..SESSIONS {
            world.handshake(slot);
        }
        world
            .hellos
            .extend(Peer::client(now, world.transports[0].ice_parameters(), 1150).handle_timeout(now));
        world.hellos.extend(Peer::client(now, world.transports[0].ice_parameters(), 150).handle_timeout(now));
        world.make_corpus();
        world
    }

    fn handshake(&mut self, slot: Slot) {
        let mut flight = self.peers[slot].handle_timeout(self.now);
        for _ in 0..10 {
            self.corpus.extend(flight.iter().map(|bytes| (slot, bytes.clone())));
            for mut bytes in std::mem::take(&mut flight) {
                for answer in self.deliver(slot, &source(slot), &mut bytes) {
                    flight.extend(self.peers[slot].handle_dtls(self.now, &answer));
                    self.corpus.push((slot, answer));
                }
            }
        }
        assert!(self.transports[slot].is_connected());
    }

    /// One of everything that an honest peer says, and what somebody on the path could make up.
    fn make_corpus(&mut self) {
        for slot in 0..SESSIONS {
            let peer = &mut self.peers[slot];
            let mut said = Vec::new();
            for (use_candidate, controlled, unknown_attribute) in
                [(false, false, false), (true, false, false), (false, true, false), (false, false, true)]
            {
                said.push(peer.check(Check { use_candidate, controlled, unknown_attribute }));
            }
            for len in [1, 100, 1100] {
                said.push(peer.rtp(MEDIA_SSRC, &vec![7; len]));
            }
            said.push(peer.rtcp(&compound()));
            said.push(rtp(MEDIA_SSRC, 1, b"not encrypted"));
            said.push(compound());
            // Alerts in the clear: close_notify and a fatal one.
            said.push(vec![21, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 1, 0]);
            said.push(vec![21, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 10, 0, 2, 2, 40]);
            said.extend(self.hellos.iter().cloned());
            self.corpus.extend(said.into_iter().map(|bytes| (slot, bytes)));
        }
    }

    /// What the engine does with a datagram.
    fn deliver(&mut self, slot_hint: Slot, from: &str, bytes: &mut [u8]) -> Vec<Vec<u8>> {
        let from = address(from);
        let Some(kind) = classify(bytes) else { return Vec::new() };
        let Some(slot) = self.demux.route(kind, LOCAL, from, bytes) else { return Vec::new() };
        let transport = &mut self.transports[slot];
        match transport.handle_datagram(self.now, LOCAL, from, bytes) {
            Received::Nothing => {}
            Received::Checked { evicted } => {
                if self.demux.bind(self.now, slot, LOCAL, from).is_err() {
                    transport.forget_address(LOCAL, from);
                }
                if let Some((local, remote)) = evicted {
                    self.demux.unbind(slot, local, remote);
                }
            }
            Received::Rtp { packet, len } => {
                assert!(packet.len() == len && slot == slot_hint);
                self.views +=
                    packet.extensions(&bytes[..len]).map(|(_, value)| value.len() as u64).sum::<u64>();
                self.opened += 1;
            }
            Received::Rtcp { len } => {
                self.views += rtcp::parse(&bytes[..len]).map(read_whole).sum::<u64>();
                self.opened += 1;
            }
        }
        while let Some(event) = transport.poll_event() {
            assert!(!matches!(event, TransportEvent::Closed(_)), "session {slot}: {event:?}");
        }
        let mut answers = Vec::new();
        let mut buf = Vec::new();
        while transport.poll_transmit(&mut buf).is_some() {
            answers.push(buf.clone());
            self.answered += 1;
        }
        answers
    }

    fn check(&mut self, slot: Slot) {
        let mut request = self.peers[slot].check(Check { use_candidate: true, ..Check::default() });
        let answers = self.deliver(slot, &source(slot), &mut request);
        assert_eq!(
            answers.len(),
            1,
            "session {slot} does not answer: {:?}",
            self.transports[slot].counters()
        );
    }

    /// One hostile datagram to an established session. Checks are repeated from strange addresses, but not from another
    /// session's: whose address that is has its own tests.
    fn attack(&mut self) {
        let (slot, mut bytes) = self.picked();
        match self.random.below(10) {
            0 => bytes = self.noise(),
            1 => bytes = self.sealed_nonsense(slot),
            2 => {}
            _ => bytes = self.mutated(bytes),
        }
        // Mostly the forged address of the peer itself: others do not get far.
        let from = match self.random.below(8) {
            0 => format!("203.0.113.{}:{}", self.random.below(256), self.random.below(65_536)),
            _ => source(slot),
        };
        self.deliver(slot, &from, &mut bytes);
    }

    /// A hostile datagram to a session that waits for its peer's ClientHello.
    fn attack_waiting(&mut self) {
        let slot = SESSIONS + self.random.below(WAITING as u64) as usize;
        let at = self.random.below(self.hellos.len() as u64) as usize;
        let hello = self.hellos[at].clone();
        let mut bytes = if self.random.percent(90) { self.mutated(hello) } else { self.picked().1 };
        if !(20..64).contains(&bytes[0]) {
            bytes[0] = 22;
        }
        self.deliver(slot, &source(slot), &mut bytes);
    }

    fn picked(&mut self) -> (Slot, Vec<u8>) {
        let at = self.random.below(self.corpus.len() as u64) as usize;
        self.corpus[at].clone()
    }

    fn noise(&mut self) -> Vec<u8> {
        let len = 1 + self.random.below(200) as usize;
        let mut bytes: Vec<u8> = (0..len).map(|_| self.random.next() as u8).collect();
        // Towards the ranges that mean something.
        bytes[0] = [0, 1, 22, 23, 0x80, 0x90, 0xA0, 0xB0][self.random.below(8) as usize];
        bytes
    }

    /// What a peer with valid keys and bad intentions can say.
    fn sealed_nonsense(&mut self, slot: Slot) -> Vec<u8> {
        if self.random.percent(50) {
            let mut plain = self.mutated(compound());
            plain.resize(plain.len().max(8), 0);
            plain[0] = (plain[0] & 0x3F) | 0x80;
            plain[1] = 192 + plain[1] % 32;
            return self.peers[slot].rtcp(&plain);
        }
        let len = self.random.below(60) as usize;
        let payload: Vec<u8> = (0..len).map(|_| self.random.next() as u8).collect();
        let block = self.random.next();
        self.peers[slot].strange_rtp(HOSTILE_SSRC, block, &payload)
    }

    fn mutated(&mut self, mut bytes: Vec<u8>) -> Vec<u8> {
        for _ in 0..=self.random.below(4) {
            if bytes.is_empty() {
                bytes.push(self.random.next() as u8);
            }
            let at = self.random.below(bytes.len() as u64) as usize;
            match self.random.below(7) {
                0 => bytes[at] ^= 1 << self.random.below(8),
                1 => bytes[at] = self.random.next() as u8,
                2 => bytes[at] = [0, 1, 0x7F, 0x80, 0xFF][self.random.below(5) as usize],
                3 => bytes.truncate(at + 1),
                4 => bytes.extend((0..self.random.below(40)).map(|n| n as u8)),
                5 => bytes.rotate_left(at.min(4)),
                _ => {
                    let other = self.random.below(self.corpus.len() as u64) as usize;
                    let tail = self.corpus[other].1.iter().skip(at).copied();
                    bytes.truncate(at + 1);
                    bytes.extend(tail);
                }
            }
        }
        bytes.truncate(2048);
        bytes
    }

    fn everybody_is_well(&mut self, seed: u64) {
        for slot in 0..SESSIONS {
            // Whoever hears a check can repeat it from elsewhere and is on the path anyway; the peer's next one, a few
            // seconds later, moves media back.
            self.check(slot);
            let mut packet = self.peers[slot].rtp(MEDIA_SSRC, b"still here");
            let received =
                self.transports[slot].handle_datagram(self.now, LOCAL, address(&source(slot)), &mut packet);
            assert!(
                matches!(received, Received::Rtp { .. }),
                "seed {seed}: session {slot} lost its uplink: {received:?}"
            );
            let kind = classify(&packet).unwrap();
            assert_eq!(
                self.demux.route(kind, LOCAL, address(&source(slot)), &packet),
                Some(slot),
                "seed {seed}"
            );

            let sequence_number = self.peers[slot].next_sequence_number();
            let plain = rtp(9, sequence_number, b"still here");
            let mut buf = plain.clone();
            buf.resize(plain.len() + RTP_OVERHEAD_MAX, 0);
            let len = self.transports[slot].seal_rtp(&mut buf, plain.len()).unwrap();
            assert_eq!(
                self.peers[slot].open_rtp(&buf[..len]),
                Some(plain),
                "seed {seed}: session {slot} lost its downlink"
            );
            assert_eq!(self.transports[slot].path(), Some((LOCAL, address(&source(slot)))), "seed {seed}");
        }
        assert!(self.demux.address_count() <= (SESSIONS + WAITING) * 8, "seed {seed}");
    }

    fn run(&mut self, packets: u64, seed: u64) {
        let waiting = packets * PACKETS_FOR_WAITING_PERCENT_OF_A_PERCENT / 10_000;
        let waiting_every = packets.checked_div(waiting).unwrap_or(u64::MAX).max(1);
        for n in 0..packets {
            self.now += Duration::from_micros(5);
            if n % waiting_every == 0 {
                self.attack_waiting();
            } else {
                self.attack();
            }
            if n % 100_000 == 0 {
                for slot in 0..SESSIONS + WAITING {
                    self.transports[slot].handle_timeout(self.now);
                }
                for slot in SESSIONS..SESSIONS + WAITING {
                    self.check(slot);
                }
                self.everybody_is_well(seed);
            }
        }
        self.everybody_is_well(seed);
        assert!(
            self.answered > 0 && self.opened > 0 && self.views > 0,
            "nothing got through: the test tests nothing"
        );
    }
}

fn compound() -> Vec<u8> {
    let mut buf = vec![0; 600];
    let mut writer = RtcpWriter::new(&mut buf);
    assert!(writer.receiver_report(1, &[rtcp::ReportBlock::default(); 3]));
    assert!(writer.cname(1, "a name"));
    assert!(writer.nack(1, 2, [1, 2, 3, 50]));
    assert!(writer.pli(1, 2));
    assert!(writer.fir(1, 2, 3));
    assert!(writer.remb(1, 1_000_000, &[2, 3]));
    let arrivals: Vec<_> = (0..40).map(|n| (n % 5 != 0).then_some(1_000_000 + n * 300)).collect();
    assert_eq!(writer.transport_feedback(1, 2, 3, 4, &arrivals), 40);
    assert!(writer.goodbye(&[2]));
    let len = writer.len();
    buf.truncate(len);
    buf
}

/// Reads every field a packet has; a number, so that nothing is optimised away.
fn read_whole(packet: RtcpPacket<'_>) -> u64 {
    let count = match packet {
        RtcpPacket::SenderReport(_, blocks) | RtcpPacket::ReceiverReport { reports: blocks, .. } => {
            blocks.count()
        }
        RtcpPacket::SourceDescription(chunks) => chunks.map(|(_, cname)| cname.len()).sum(),
        RtcpPacket::Goodbye(ssrcs) => ssrcs.count(),
        RtcpPacket::Nack { lost, .. } => lost.sequence_numbers().count(),
        RtcpPacket::Fir { entries, .. } => entries.count(),
        RtcpPacket::Remb { ssrcs, .. } => ssrcs.count(),
        RtcpPacket::TransportFeedback(feedback) => {
            feedback.statuses().filter(|s| s.arrival_us.is_some()).count()
        }
        RtcpPacket::Pli { .. } | RtcpPacket::Unknown { .. } => 1,
    };
    count as u64
}

#[test]
fn ten_million_hostile_packets_leave_sessions_unharmed() {
    let packets = match std::env::var("PLENUM_FUZZ_PACKETS") {
        Ok(text) => text.parse().expect("PLENUM_FUZZ_PACKETS is a number"),
        Err(_) => DEFAULT_PACKETS,
    };
    std::thread::scope(|scope| {
        for seed in [1, 2] {
            scope.spawn(move || World::new(seed).run(packets / 2, seed));
        }
    });
}
