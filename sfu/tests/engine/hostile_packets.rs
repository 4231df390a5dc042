//! Millions of datagrams that no honest peer sends: mutated from valid ones, random, forged, replayed, and mutated
//! inside valid encryption. Established sessions must not notice.
//!
//! `PLENUM_FUZZ_PACKETS` sets the number of packets. The seed is in every failure message; the run replays from it.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use plenum_sfu::engine::router::held::Progress;
use plenum_sfu::engine::transport::rtcp::{ReportBlock, RtcpWriter};
use plenum_sfu::engine::transport::{DtlsCertificate, LocalIndex};
use plenum_sfu::engine::{Candidate, Engine, EngineConfig};
use plenum_shared::command::{Reply, RoomCommand};
use plenum_shared::event::Event;
use plenum_shared::id::{ConsumerId, ProducerId, RoomId, SessionId, TransportId};
use plenum_shared::media::{Direction, Kind, Source};
use plenum_shared::rtp::{FmtpValue, RtpParameters, router_capabilities, uri};
use uuid::Uuid;

use crate::camera::{Camera, vp8};
use crate::peer::{Check, Peer, address, rtp};
use crate::random::Random;
use crate::room::one_by_one;

const LOCAL: LocalIndex = LocalIndex(0);
const ROOM: RoomId = RoomId(Uuid::from_u128(1));
/// Publishers, each with a viewer.
const PAIRS: usize = 3;
/// Everybody with a session: publishers, then their viewers.
const SESSIONS: usize = 2 * PAIRS;
/// Transports whose peer has been checked but has not spoken DTLS yet.
const WAITING: usize = 2;
const MEDIA_SSRC: u32 = 5;
const RTX_SSRC: u32 = 6;
const UNKNOWN_SSRC: u32 = 7;

const DEFAULT_PACKETS: u64 = 10_000_000;
/// Every valid ClientHello costs a key exchange, so sessions that wait for one get a small share.
const PACKETS_FOR_WAITING_PERCENT_OF_A_PERCENT: u64 = 20;

/// Somebody's place in the tables of this test.
type Slot = usize;

struct World {
    now: Instant,
    random: Random,
    engine: Engine,
    peers: Vec<Peer>,
    slots: HashMap<SocketAddr, Slot>,
    /// STUN and DTLS for each peer.
    answers: Vec<Vec<Vec<u8>>>,
    /// The last packet each viewer could open.
    seen: Vec<Option<Vec<u8>>>,
    /// What was said in which session.
    corpus: Vec<(Slot, Vec<u8>)>,
    hellos: Vec<Vec<u8>>,
    frame: u32,
}

fn source(slot: Slot) -> String {
    format!("192.0.2.{}:1000", slot + 1)
}

fn is_publisher(slot: Slot) -> bool {
    slot < PAIRS
}

impl World {
    fn new(seed: u64) -> Self {
        let now = Instant::now();
        let config = EngineConfig {
            certificate: Arc::new(DtlsCertificate::generate().unwrap()),
            candidates: vec![Candidate { local: LOCAL, announced: address("198.51.100.1:1") }],
            seed: [seed as u8; 32],
            limits: one_by_one(),
        };
        let mut world = World {
            now,
            random: Random::new(seed),
            engine: Engine::new(config, now),
            peers: Vec::new(),
            slots: HashMap::new(),
            answers: Vec::new(),
            seen: Vec::new(),
            corpus: Vec::new(),
            hellos: Vec::new(),
            frame: 0,
        };
        world.command(RoomCommand::Create);
        for slot in 0..SESSIONS + WAITING {
            world.arrive(slot);
            world.check(slot);
        }
        for slot in 0..SESSIONS {
            world.handshake(slot);
        }
        for publisher in 0..PAIRS {
            world.publish(publisher);
        }
        let ice = world.peers[0].remote.clone();
        world.hellos.extend(Peer::client(now, ice.clone(), 1150).handle_timeout(now));
        world.hellos.extend(Peer::client(now, ice, 150).handle_timeout(now));
        world.make_corpus();
        world
    }

    fn command(&mut self, command: RoomCommand) -> Reply {
        let reply = self.engine.handle_command(self.now, ROOM, command).unwrap();
        self.flush();
        reply
    }

    /// Somebody gets a transport, and all but those who will wait say who they are.
    fn arrive(&mut self, slot: Slot) {
        let transport = TransportId(Uuid::from_u128(100 + slot as u128));
        let session = SessionId(Uuid::from_u128(200 + slot as u128));
        let direction = if (PAIRS..SESSIONS).contains(&slot) { Direction::Recv } else { Direction::Send };
        let created = self.command(RoomCommand::CreateTransport { session, transport, direction });
        let Reply::TransportCreated { ice, .. } = created else { panic!("{created:?}") };
        let mut peer = Peer::client(self.now, ice, 1150);
        peer.ufrag = format!("peer{slot}");
        if slot < SESSIONS {
            self.command(RoomCommand::ConnectTransport { transport, dtls: peer.dtls_parameters() });
        }
        self.peers.push(peer);
        self.slots.insert(address(&source(slot)), slot);
        self.answers.push(Vec::new());
        self.seen.push(None);
    }

    fn publish(&mut self, publisher: Slot) {
        let producer = ProducerId(Uuid::from_u128(300 + publisher as u128));
        self.command(RoomCommand::Produce {
            transport: TransportId(Uuid::from_u128(100 + publisher as u128)),
            producer,
            kind: Kind::Video,
            source: Source::Camera,
            rtp_parameters: rtp_parameters(),
            paused: false,
        });
        let viewer = publisher + PAIRS;
        self.command(RoomCommand::Consume {
            transport: TransportId(Uuid::from_u128(100 + viewer as u128)),
            consumer: ConsumerId(Uuid::from_u128(400 + publisher as u128)),
            producer,
            rtp_capabilities: router_capabilities(),
            paused: false,
        });
    }

    fn handshake(&mut self, slot: Slot) {
        let mut flight = self.peers[slot].handle_timeout(self.now);
        for _ in 0..10 {
            self.corpus.extend(flight.iter().map(|bytes| (slot, bytes.clone())));
            for mut bytes in std::mem::take(&mut flight) {
                self.deliver(&source(slot), &mut bytes);
            }
            for answer in std::mem::take(&mut self.answers[slot]) {
                if (20..64).contains(&answer[0]) {
                    flight.extend(self.peers[slot].handle_dtls(self.now, &answer));
                }
                self.corpus.push((slot, answer));
            }
        }
        assert!(self.peers[slot].srtp.is_some());
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
            said.push(peer.seal_rtcp(compound()));
            said.push(rtp(MEDIA_SSRC, 1, b"not encrypted"));
            said.push(compound());
            // Alerts in the clear: close_notify and a fatal one.
            said.push(vec![21, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 1, 0]);
            said.push(vec![21, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 10, 0, 2, 2, 40]);
            said.extend(self.hellos.iter().cloned());
            self.corpus.extend(said.into_iter().map(|bytes| (slot, bytes)));
        }
    }

    fn deliver(&mut self, from: &str, bytes: &mut [u8]) {
        self.engine.handle_datagram(self.now, LOCAL, address(from), bytes);
        assert_eq!(self.engine.end_batch(self.now), Progress::Done);
        self.flush();
    }

    /// What a driver does after every call, and what the honest half of the peers does with it.
    fn flush(&mut self) {
        while let Some(event) = self.engine.poll_event() {
            let harmless = !matches!(event, Event::TransportClosed { .. } | Event::RoomFailed { .. });
            assert!(harmless, "{event:?}");
        }
        let egress = self.engine.egress();
        for message in egress.messages() {
            let Some(&slot) = self.slots.get(&message.remote) else { continue };
            match message.bytes[0] {
                0..64 => self.answers[slot].push(message.bytes.to_vec()),
                _ => {
                    let opened = self.peers[slot].open_rtp(message.bytes.to_vec());
                    self.seen[slot] = opened.or_else(|| self.seen[slot].take());
                }
            }
        }
        egress.clear();
    }

    fn check(&mut self, slot: Slot) {
        let mut request = self.peers[slot].check(Check { use_candidate: true, ..Check::default() });
        self.answers[slot].clear();
        self.deliver(&source(slot), &mut request);
        assert_eq!(self.answers[slot].len(), 1, "session {slot} does not answer");
    }

    /// One hostile datagram to an established session. Checks are repeated from strange addresses, but not from another
    /// session's: whose address that is has its own tests.
    fn attack(&mut self) {
        let (slot, mut bytes) = self.picked();
        match self.random.below(10) {
            0 => bytes = self.noise(),
            1 if is_publisher(slot) => bytes = self.sealed_nonsense(slot),
            2 => {}
            _ => bytes = self.mutated(bytes),
        }
        // Mostly the forged address of the peer itself: others do not get far.
        let from = match self.random.below(8) {
            0 => format!("203.0.113.{}:{}", self.random.below(256), self.random.below(65_536)),
            _ => source(slot),
        };
        self.deliver(&from, &mut bytes);
        self.answers[slot].clear();
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
        self.deliver(&source(slot), &mut bytes);
        self.answers[slot].clear();
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
            return self.peers[slot].seal_rtcp(plain);
        }
        let len = self.random.below(60) as usize;
        let payload: Vec<u8> = (0..len).map(|_| self.random.next() as u8).collect();
        let block = self.random.next();
        let ssrc = [MEDIA_SSRC, RTX_SSRC, UNKNOWN_SSRC][self.random.below(3) as usize];
        self.peers[slot].strange_rtp(ssrc, block, &payload)
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

    /// Every publisher's picture reaches its viewer. Whoever hears a check can repeat it from elsewhere and is on the
    /// path anyway; the peer's next one, a few seconds later, moves media back.
    fn everybody_is_well(&mut self, seed: u64) {
        for publisher in 0..PAIRS {
            let viewer = publisher + PAIRS;
            self.check(publisher);
            self.check(viewer);
            // Whoever is never heard of would get no video.
            let mut report = self.peers[viewer].seal_rtcp(empty_report());
            self.deliver(&source(viewer), &mut report);
            self.frame += 1;
            let mut payload = vp8(self.frame, true, 640, true);
            let word = self.random.next().to_be_bytes();
            payload.extend(word);
            let mut packet = self.peers[publisher].rtp(MEDIA_SSRC, &payload);
            self.seen[viewer] = None;
            self.deliver(&source(publisher), &mut packet);
            let seen = self.seen[viewer].as_ref();
            assert!(
                seen.is_some_and(|seen| seen.ends_with(&word)),
                "seed {seed}: viewer {viewer} sees nothing"
            );
        }
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
            if self.engine.poll_timeout().is_some_and(|at| at <= self.now) {
                self.engine.handle_timeout(self.now);
                self.flush();
            }
            if n % 100_000 == 0 {
                (SESSIONS..SESSIONS + WAITING).for_each(|slot| self.check(slot));
                self.everybody_is_well(seed);
            }
        }
        self.everybody_is_well(seed);
        let counters = self.engine.counters();
        assert!(counters.datagrams_received > packets);
        let through = counters.rtp_received > packets / 1000 && counters.received.rtcp.count > packets / 1000;
        assert!(through, "hardly anything got through: the test tests nothing: {counters:?}");
    }
}

/// One VP8 stream in the numbers that [`rtp`] writes.
fn rtp_parameters() -> RtpParameters {
    let mut parameters = Camera::single().rtp_parameters();
    parameters.codecs[0].payload_type = 100;
    parameters.codecs[1].payload_type = 101;
    parameters.codecs[1].parameters.insert("apt".to_owned(), FmtpValue::Number(100));
    parameters.header_extensions.retain(|extension| extension.uri == uri::MID);
    parameters.header_extensions[0].id = 1;
    parameters.encodings[0].ssrc = Some(MEDIA_SSRC);
    parameters.encodings[0].rtx = Some(plenum_shared::rtp::RtxParameters { ssrc: RTX_SSRC });
    parameters
}

fn empty_report() -> Vec<u8> {
    let mut buf = vec![0; 100];
    let mut writer = RtcpWriter::new(&mut buf);
    assert!(writer.receiver_report(1, &[]));
    let len = writer.len();
    buf.truncate(len);
    buf
}

fn compound() -> Vec<u8> {
    let mut buf = vec![0; 600];
    let mut writer = RtcpWriter::new(&mut buf);
    assert!(writer.receiver_report(1, &[ReportBlock::default(); 3]));
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
