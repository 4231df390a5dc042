//! A peer finds its transport: checks, handshake, keys, addresses that move, and the end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use plenum_sfu::engine::transport::rtcp::RtcpWriter;
use plenum_sfu::engine::transport::{
    ADDRESSES_MAX, CloseReason, DtlsCertificate, DtlsParametersError, LocalIndex, RTP_OVERHEAD_MAX, Received,
    Transport, TransportConfig, TransportEvent,
};

use crate::network::{Datagram, Network};
use crate::peer::{Check, Peer, address, rtp, stun_answer};

pub const LOCAL: LocalIndex = LocalIndex(0);
pub const A: &str = "192.0.2.1:1000";
pub const B: &str = "192.0.2.1:2000";
const SERVER: &str = "198.51.100.1:3478";
pub const NOMINATING: Check = Check { use_candidate: true, controlled: false, unknown_attribute: false };

/// A transport and its peer, with nothing between them.
pub struct Pair {
    pub now: Instant,
    pub transport: Transport,
    pub peer: Peer,
    pub events: Vec<TransportEvent>,
}

fn new_transport(now: Instant) -> Transport {
    let config = TransportConfig {
        local_ufrag: "ours".to_owned(),
        local_pwd: "a password of twenty-two".to_owned(),
        certificate: Arc::new(DtlsCertificate::generate().unwrap()),
    };
    Transport::new(config, now)
}

impl Pair {
    fn new() -> Self {
        let now = Instant::now();
        let transport = new_transport(now);
        let peer = Peer::client(now, transport.ice_parameters(), 1150);
        Pair { now, transport, peer, events: Vec::new() }
    }

    pub fn connected() -> Self {
        let mut pair = Pair::new();
        pair.transport.set_remote(pair.now, &pair.peer.dtls_parameters()).unwrap();
        pair.check(A, Check::default());
        pair.handshake(A);
        assert!(pair.transport.is_connected());
        pair
    }

    /// One datagram to the transport; what it answers.
    pub fn deliver(&mut self, from: &str, bytes: &[u8]) -> (Received, Vec<Datagram>) {
        let mut bytes = bytes.to_vec();
        let received = self.transport.handle_datagram(self.now, LOCAL, address(from), &mut bytes);
        (received, self.answers())
    }

    fn answers(&mut self) -> Vec<Datagram> {
        while let Some(event) = self.transport.poll_event() {
            self.events.push(event);
        }
        let mut answers = Vec::new();
        let mut buf = Vec::new();
        while let Some(transmit) = self.transport.poll_transmit(&mut buf) {
            answers.push(Datagram { from: address(SERVER), to: transmit.remote, bytes: buf.clone() });
        }
        answers
    }

    pub fn check(&mut self, from: &str, check: Check) -> Vec<Datagram> {
        let request = self.peer.check(check);
        self.deliver(from, &request).1
    }

    fn handshake(&mut self, from: &str) {
        let mut flight = self.peer.handle_timeout(self.now);
        for _ in 0..10 {
            let answers: Vec<_> = flight.drain(..).flat_map(|bytes| self.deliver(from, &bytes).1).collect();
            for answer in answers {
                flight.extend(self.peer.handle_dtls(self.now, &answer.bytes));
            }
        }
    }

    pub fn advance(&mut self, time: Duration) {
        self.now += time;
        while self.transport.poll_timeout().is_some_and(|at| at <= self.now) {
            self.transport.handle_timeout(self.now);
        }
        self.answers();
    }

    pub fn media_reaches_the_transport(&mut self, from: &str) -> bool {
        let packet = self.peer.rtp(5, b"hello");
        matches!(self.deliver(from, &packet).0, Received::Rtp { packet, .. } if packet.ssrc == 5)
    }

    pub fn media_reaches_the_peer(&mut self, sequence_number: u16) -> bool {
        let plain = rtp(9, sequence_number, b"hello back");
        let mut buf = plain.clone();
        buf.resize(plain.len() + RTP_OVERHEAD_MAX, 0);
        let Some(len) = self.transport.seal_rtp(&mut buf, plain.len()) else { return false };
        self.peer.open_rtp(buf[..len].to_vec()) == Some(plain)
    }

    pub fn closed(&self) -> Option<CloseReason> {
        self.events.iter().find_map(|event| match event {
            TransportEvent::Closed(reason) => Some(*reason),
            _ => None,
        })
    }

    pub fn path(&self) -> Option<String> {
        self.transport.path().map(|(_, remote)| remote.to_string())
    }
}

#[test]
fn a_client_connects_before_it_nominates_and_media_flows_both_ways() {
    let mut pair = Pair::connected();
    assert_eq!(
        pair.events,
        [
            TransportEvent::PathChanged { local: LOCAL, remote: address(A), is_another_network: false },
            TransportEvent::Connected
        ]
    );
    assert!(pair.media_reaches_the_transport(A));
    assert!(pair.media_reaches_the_peer(1));
    let mut compound = [0; 64];
    let mut writer = RtcpWriter::new(&mut compound);
    writer.pli(1, 9);
    let len = writer.len();
    let sealed = pair.peer.seal_rtcp(compound[..len].to_vec());
    let mut bytes = sealed.clone();
    let received = pair.transport.handle_datagram(pair.now, LOCAL, address(A), &mut bytes);
    assert!(matches!(received, Received::Rtcp { len: 12 }));
    assert_eq!(bytes[..12], compound[..12]);
}

#[test]
fn keys_wait_for_the_fingerprint_when_the_handshake_is_faster_than_signalling() {
    let mut pair = Pair::new();
    pair.check(A, Check::default());
    pair.handshake(A);
    assert!(pair.peer.srtp.is_some());
    assert!(!pair.transport.is_connected());
    assert!(!pair.media_reaches_the_transport(A));
    assert_eq!(pair.transport.counters().media_without_keys, 1);

    pair.transport.set_remote(pair.now, &pair.peer.dtls_parameters()).unwrap();
    assert!(pair.transport.is_connected());
    assert!(pair.media_reaches_the_transport(A));
}

#[test]
fn a_peer_with_another_certificate_never_gets_keys() {
    for told_before in [true, false] {
        let mut pair = Pair::new();
        let someone_else = Peer::client(pair.now, pair.transport.ice_parameters(), 1150).dtls_parameters();
        pair.check(A, Check::default());
        if told_before {
            pair.transport.set_remote(pair.now, &someone_else).unwrap();
        }
        pair.handshake(A);
        if !told_before {
            pair.transport.set_remote(pair.now, &someone_else).unwrap();
        }
        pair.answers();
        assert_eq!(pair.closed(), Some(CloseReason::FingerprintMismatch));
        assert!(!pair.events.contains(&TransportEvent::Connected));
    }
}

/// Found by hostile_packets: dimpl shows a certificate before the handshake has proved that its owner is there.
#[test]
fn a_strangers_handshake_repeated_to_us_does_not_close_the_transport() {
    let mut stranger = Pair::new();
    stranger.check(A, Check::default());
    let mut said = stranger.peer.handle_timeout(stranger.now);
    let answers: Vec<_> = said.clone().iter().flat_map(|bytes| stranger.deliver(A, bytes).1).collect();
    said.extend(answers.iter().flat_map(|answer| stranger.peer.handle_dtls(stranger.now, &answer.bytes)));

    let mut pair = Pair::new();
    pair.transport.set_remote(pair.now, &pair.peer.dtls_parameters()).unwrap();
    pair.check(A, Check::default());
    for bytes in &said {
        pair.deliver(A, bytes);
    }
    assert_eq!(pair.closed(), None);
    // The stranger's half of a handshake is given up in time, and the peer is heard.
    pair.advance(Duration::from_secs(20));
    pair.check(A, Check::default());
    pair.advance(Duration::from_secs(20));
    pair.handshake(A);
    assert!(pair.transport.is_connected());
}

#[test]
fn remote_parameters_are_set_once() {
    let mut pair = Pair::connected();
    let parameters = pair.peer.dtls_parameters();
    assert_eq!(pair.transport.set_remote(pair.now, &parameters), Ok(()));
    let mut others = parameters.clone();
    others.fingerprints[0].value = "00".to_owned();
    assert_eq!(pair.transport.set_remote(pair.now, &others), Err(DtlsParametersError::AlreadySet));
    let mut pair = Pair::new();
    let mut weak = parameters;
    weak.fingerprints[0].algorithm = "sha-1".to_owned();
    assert_eq!(pair.transport.set_remote(pair.now, &weak), Err(DtlsParametersError::NoUsableFingerprint));
}

#[test]
fn a_peer_that_insists_on_being_the_server_gets_a_client() {
    let now = Instant::now();
    let transport = new_transport(now);
    let peer = Peer::server(now, transport.ice_parameters());
    let mut pair = Pair { now, transport, peer, events: Vec::new() };
    pair.transport.set_remote(now, &pair.peer.dtls_parameters()).unwrap();
    assert!(pair.answers().is_empty(), "nowhere to send to yet");
    let mut to_peer = pair.check(A, Check::default());
    to_peer.retain(|datagram| datagram.bytes[0] >= 20);
    for _ in 0..10 {
        let flight: Vec<_> = to_peer.drain(..).flat_map(|d| pair.peer.handle_dtls(now, &d.bytes)).collect();
        to_peer = flight.iter().flat_map(|bytes| pair.deliver(A, bytes).1).collect();
    }
    assert!(pair.transport.is_connected());
    assert!(pair.media_reaches_the_transport(A));
    assert!(pair.media_reaches_the_peer(1));
}

#[test]
fn dtls_from_an_address_without_a_valid_check_is_not_listened_to() {
    let mut pair = Pair::new();
    pair.transport.set_remote(pair.now, &pair.peer.dtls_parameters()).unwrap();
    pair.check(A, Check::default());
    pair.handshake(B);
    assert!(!pair.transport.is_connected());
}

#[test]
fn checks_with_wrong_credentials_are_not_answered() {
    let mut pair = Pair::new();
    let wrong_password = pair.peer.check_with(Check::default(), "guessed");
    assert!(pair.deliver(A, &wrong_password).1.is_empty());
    pair.peer.remote.username_fragment = "other".to_owned();
    assert!(pair.check(A, Check::default()).is_empty());
    assert_eq!(pair.transport.counters().stun_ignored, 2);
    assert_eq!(pair.path(), None);
}

#[test]
fn a_second_peer_with_the_same_credentials_is_not_listened_to() {
    let mut pair = Pair::connected();
    pair.peer.ufrag = "another".to_owned();
    assert!(pair.check(B, NOMINATING).is_empty());
    assert_eq!(pair.path().as_deref(), Some(A));
}

#[test]
fn authentic_checks_we_cannot_accept_get_an_error_answer() {
    let mut pair = Pair::new();
    let controlled = Check { controlled: true, ..Check::default() };
    assert_eq!(stun_answer(&pair.check(A, controlled)[0].bytes), 487);
    let unknown = Check { unknown_attribute: true, ..Check::default() };
    assert_eq!(stun_answer(&pair.check(A, unknown)[0].bytes), 420);
    assert_eq!(pair.path(), None);
    assert_eq!(stun_answer(&pair.check(A, Check::default())[0].bytes), 0);
}

#[test]
fn media_follows_the_last_nomination_and_is_taken_from_both_addresses() {
    let mut pair = Pair::connected();
    pair.check(B, Check::default());
    assert_eq!(pair.path().as_deref(), Some(B), "before a nomination the last check counts");
    pair.check(A, NOMINATING);
    pair.check(B, Check::default());
    assert_eq!(pair.path().as_deref(), Some(A), "after it only nominations count");
    pair.check(B, NOMINATING);
    assert_eq!(pair.path().as_deref(), Some(B));
    assert!(pair.media_reaches_the_transport(A));
    assert!(pair.media_reaches_the_transport(B));
}

#[test]
fn every_check_from_a_ninth_address_lets_the_longest_unheard_go() {
    let mut pair = Pair::connected();
    pair.check(A, NOMINATING);
    for port in 0..20 {
        pair.advance(Duration::from_millis(10));
        let request = pair.peer.check(Check::default());
        let (received, _) = pair.deliver(&format!("192.0.2.9:{}", 5000 + port), &request);
        let Received::Checked { evicted, .. } = received else { panic!("a valid check") };
        let expected = (port >= ADDRESSES_MAX - 1).then(|| 5000 + port + 1 - ADDRESSES_MAX);
        assert_eq!(evicted.map(|(_, remote)| usize::from(remote.port())), expected);
    }
    assert_eq!(pair.transport.addresses().count(), ADDRESSES_MAX);
    assert_eq!(pair.path().as_deref(), Some(A), "the address in use stays");
}

#[test]
fn a_transport_waits_for_its_peer_for_ever_but_not_for_its_return() {
    let mut pair = Pair::new();
    pair.advance(Duration::from_secs(3600));
    assert_eq!(pair.closed(), None);

    let mut pair = Pair::connected();
    for _ in 0..20 {
        pair.advance(Duration::from_millis(29_900));
        pair.check(A, NOMINATING);
    }
    assert_eq!(pair.closed(), None);
    pair.advance(Duration::from_millis(29_999));
    assert_eq!(pair.closed(), None);
    pair.advance(Duration::from_millis(1));
    assert_eq!(pair.closed(), Some(CloseReason::ConsentExpired));
    assert!(!pair.media_reaches_the_peer(1));
    assert_eq!(pair.transport.poll_timeout(), None);
}

#[test]
fn consent_moves_to_an_address_that_is_still_checked() {
    let mut pair = Pair::connected();
    pair.check(A, NOMINATING);
    pair.advance(Duration::from_secs(20));
    pair.check(B, Check::default());
    pair.advance(Duration::from_secs(10));
    assert_eq!(pair.closed(), None);
    assert_eq!(pair.path().as_deref(), Some(B));
    assert!(pair.media_reaches_the_peer(1));
}

#[test]
fn an_address_that_belongs_to_somebody_else_is_not_used() {
    let mut pair = Pair::connected();
    pair.check(A, NOMINATING);
    pair.check(B, NOMINATING);
    pair.transport.forget_address(pair.now, LOCAL, address(B));
    assert_eq!(pair.path().as_deref(), Some(A));
}

#[test]
fn a_transport_whose_last_address_became_somebody_elses_ends_without_consent_too() {
    let mut pair = Pair::connected();
    pair.transport.forget_address(pair.now, LOCAL, address(A));
    assert_eq!(pair.path(), None);
    pair.advance(Duration::from_secs(29));
    assert_eq!(pair.closed(), None, "another address may follow");
    pair.advance(Duration::from_secs(1));
    assert_eq!(pair.closed(), Some(CloseReason::ConsentExpired));
}

#[test]
fn goodbye_is_heard_and_said() {
    let mut pair = Pair::connected();
    let goodbye = pair.peer.close();
    for bytes in goodbye {
        pair.deliver(A, &bytes);
    }
    assert_eq!(pair.closed(), Some(CloseReason::CloseNotify));

    let mut pair = Pair::connected();
    pair.transport.close(pair.now);
    let answers = pair.answers();
    for answer in answers {
        pair.peer.handle_dtls(pair.now, &answer.bytes);
    }
    assert!(pair.peer.said_goodbye);
    assert_eq!(pair.closed(), Some(CloseReason::Local));
    assert!(!pair.media_reaches_the_transport(A));
}

/// Drives a handshake over a network until both have keys; how long it took.
fn handshake_over(network: &mut Network, mtu: usize, limit: Duration) -> Option<Duration> {
    let start = Instant::now();
    let mut pair = Pair::new();
    pair.now = start;
    pair.transport = new_transport(start);
    pair.peer = Peer::client(start, pair.transport.ice_parameters(), mtu);
    pair.transport.set_remote(start, &pair.peer.dtls_parameters()).unwrap();
    pair.check(A, Check::default());

    let send = |network: &mut Network, now, flight: Vec<Vec<u8>>| {
        for bytes in flight {
            network.send(now, Datagram { from: address(A), to: address(SERVER), bytes });
        }
    };
    let flight = pair.peer.handle_timeout(start);
    send(network, start, flight);
    let mut next_check = start + Duration::from_secs(2);
    while pair.now < start + limit {
        if pair.transport.is_connected() && pair.peer.srtp.is_some() {
            assert!(pair.media_reaches_the_transport(A) && pair.media_reaches_the_peer(1));
            return Some(pair.now - start);
        }
        let timers = [
            pair.peer.poll_timeout(),
            pair.transport.poll_timeout(),
            network.next_arrival(),
            Some(next_check),
        ];
        pair.now = timers.into_iter().flatten().min().unwrap().max(pair.now);
        let now = pair.now;
        if next_check <= now {
            // Checks go around the lossy network: consent is not what is tested here.
            pair.check(A, Check::default());
            next_check = now + Duration::from_secs(2);
        }
        if pair.peer.poll_timeout().is_some_and(|at| at <= now) {
            let flight = pair.peer.handle_timeout(now);
            send(network, now, flight);
        }
        if pair.transport.poll_timeout().is_some_and(|at| at <= now) {
            pair.transport.handle_timeout(now);
        }
        while let Some(datagram) = network.receive(now) {
            if datagram.to == address(A) {
                let flight = pair.peer.handle_dtls(now, &datagram.bytes);
                send(network, now, flight);
            } else {
                let mut bytes = datagram.bytes;
                pair.transport.handle_datagram(now, LOCAL, address(A), &mut bytes);
            }
        }
        for answer in pair.answers() {
            network.send(now, answer);
        }
    }
    None
}

#[test]
fn a_fragmented_client_hello_is_put_together() {
    for mtu in [120, 200, 400] {
        assert!(handshake_over(&mut Network::new(1), mtu, Duration::from_secs(1)).is_some(), "mtu {mtu}");
    }
}

#[test]
fn a_handshake_survives_loss_duplication_and_reordering() {
    for seed in 0..60 {
        let mut network = Network::new(seed);
        network.loss_percent = 10 + seed % 20;
        network.duplicate_percent = 20;
        network.jitter = Duration::from_millis(80);
        let mtu = if seed % 2 == 0 { 1150 } else { 300 };
        let took = handshake_over(&mut network, mtu, Duration::from_secs(30));
        assert!(took.is_some(), "seed {seed} never connected");
    }
}

/// Chromium repeats itself at 50, 110, 200, 400 and 800 ms, dimpl at intervals of its own.
#[test]
fn a_handshake_whose_first_answers_are_lost_goes_on() {
    for (lost, limit_ms) in [(1, 200), (2, 500), (4, 2_000), (6, 5_000)] {
        let mut network = Network::new(7);
        network.losing = Some((address(A), lost));
        let took = handshake_over(&mut network, 1150, Duration::from_secs(30));
        assert!(took.is_some_and(|took| took < Duration::from_millis(limit_ms)), "{lost} lost took {took:?}");
    }
}

#[test]
fn a_handshake_survives_a_third_of_everything_being_lost() {
    let mut times = Vec::new();
    for seed in 100..160 {
        let mut network = Network::new(seed);
        network.loss_percent = 30;
        network.delay = Duration::from_millis(40);
        times.push(handshake_over(&mut network, 1150, Duration::from_secs(30)));
    }
    let mut times: Vec<_> =
        times.into_iter().map(|took| took.expect("it connects before anybody gives up")).collect();
    times.sort();
    assert!(times[times.len() / 2] < Duration::from_secs(2), "half of them: {times:?}");
}

/// What is lost of both sides adds up: only the client's timer makes a lost last flight of ours come again, and that timer
/// has doubled with every flight of its own that was lost.
#[test]
fn a_handshake_survives_every_flight_being_lost_again_and_again() {
    let (ours, theirs) = (address(A), address(SERVER));
    let cases: [(&[_], u64); 4] = [
        (&[(ours, 1), (theirs, 1)], 1_000),
        (&[(ours, 2), (theirs, 2)], 2_000),
        (&[(ours, 5)], 6_000),
        (&[(theirs, 5)], 6_000),
    ];
    for (losing, limit_ms) in cases {
        let mut network = Network::new(9);
        network.losing_each_flight = losing.to_vec();
        let took = handshake_over(&mut network, 1150, Duration::from_secs(30));
        assert!(took.is_some_and(|took| took < Duration::from_millis(limit_ms)), "{losing:?}: {took:?}");
    }
}

#[test]
fn a_handshake_given_up_is_begun_anew_by_the_next_client_hello() {
    let mut pair = Pair::new();
    pair.transport.set_remote(pair.now, &pair.peer.dtls_parameters()).unwrap();
    pair.check(A, Check::default());
    let hello = pair.peer.handle_timeout(pair.now);
    for bytes in &hello {
        pair.deliver(A, bytes);
    }
    for _ in 0..10 {
        pair.advance(Duration::from_secs(10));
        pair.check(A, Check::default());
    }
    pair.peer.begin_anew(pair.now);
    pair.handshake(A);
    assert!(pair.transport.is_connected());
    assert!(pair.media_reaches_the_transport(A));
}
