//! Real connections over loopback; what depends on time is told the time.

use super::*;
use crate::engine::egress::Class;
use mio::{Events, Poll};
use std::{
    io::{Read, Write},
    net::Shutdown,
    time::Duration,
};

const LISTENER: LocalIndex = LocalIndex(0).listener();

struct Node {
    poll: Poll,
    paths: TcpPaths,
    counters: TcpCounters,
    address: SocketAddr,
    /// All datagrams that came, with where from.
    received: Vec<(SocketAddr, Vec<u8>)>,
}

impl Node {
    fn new() -> Self {
        let poll = Poll::new().unwrap();
        let listener = listen(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let address = listener.local_addr().unwrap();
        let paths = TcpPaths::new(vec![listener], poll.registry()).unwrap();
        Self { poll, paths, counters: TcpCounters::default(), address, received: Vec::new() }
    }

    /// What a worker does in one turn, until there is what the test waits for.
    fn until(&mut self, now: Instant, what: &str, mut seen: impl FnMut(&Self) -> bool) {
        let give_up_at = Instant::now() + Duration::from_secs(20);
        let mut events = Events::with_capacity(64);
        while !seen(self) {
            assert!(Instant::now() < give_up_at, "in vain: {what}; {:?}", self.counters);
            self.poll.poll(&mut events, Some(Duration::from_millis(5))).unwrap();
            for event in &events {
                assert!(self.paths.note(event));
            }
            self.paths.accept(now, self.poll.registry(), &mut self.counters);
            let mut batch = FrameBatch::default();
            for _ in 0..self.paths.readable_count() {
                let Some((local, remote)) = self.paths.read(&mut batch, &mut self.counters) else { continue };
                assert_eq!(local, LISTENER);
                self.received.extend(batch.datagrams().map(|datagram| (remote, datagram.to_vec())));
            }
            self.paths.flush(now, &mut self.counters);
        }
    }

    fn connect(&mut self, now: Instant) -> std::net::TcpStream {
        let accepted = self.counters.accepted;
        let stream = std::net::TcpStream::connect(self.address).unwrap();
        self.until(now, "a connection", |node| node.counters.accepted > accepted);
        stream
    }

    /// As when a check by this connection was valid.
    fn prove(&mut self, now: Instant, stream: &std::net::TcpStream) {
        self.paths.prove(LISTENER, stream.local_addr().unwrap());
        self.say(now, stream, Class::Control, b"an answer");
    }

    fn say(&mut self, now: Instant, stream: &std::net::TcpStream, class: Class, bytes: &[u8]) {
        let remote = stream.local_addr().unwrap();
        let message = Message { local: LISTENER, remote, bytes, segment_size: None, class };
        self.paths.queue(now, &message, &mut self.counters);
    }
}

#[test]
fn datagrams_come_and_go_however_the_stream_is_cut() {
    let (mut node, now) = (Node::new(), Instant::now());
    let mut stream = node.connect(now);
    stream.set_nodelay(true).unwrap();
    for piece in [&[0][..], &[3, b'a'], b"bc", &[0, 1, b'd', 0, 2, b'e'], b"f"] {
        stream.write_all(piece).unwrap();
    }
    node.until(now, "three datagrams", |node| node.received.len() == 3);
    let from = stream.local_addr().unwrap();
    let expected = [b"abc".to_vec(), b"d".to_vec(), b"ef".to_vec()].map(|bytes| (from, bytes));
    assert_eq!(node.received, expected);

    let remote = from;
    let group =
        Message { local: LISTENER, remote, bytes: b"xxxxyyyyzz", segment_size: Some(4), class: Class::Video };
    node.paths.queue(now, &group, &mut node.counters);
    node.paths.flush(now, &mut node.counters);
    let mut bytes = [0; 16];
    stream.read_exact(&mut bytes).unwrap();
    assert_eq!(bytes, *b"\0\x04xxxx\0\x04yyyy\0\x02zz");
    assert_eq!((node.counters.datagrams_sent, node.counters.bytes_sent), (3, 16));
}

#[test]
fn what_is_no_frame_ends_the_connection() {
    let (mut node, now) = (Node::new(), Instant::now());
    let mut stream = node.connect(now);
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    node.until(now, "the end", |node| node.counters.closed_malformed == 1);
    assert_eq!((node.counters.connections, node.received.len()), (0, 0));
}

#[test]
fn who_proves_nothing_is_closed_and_who_is_answered_stays_until_nobody_speaks_to_it() {
    let (mut node, start) = (Node::new(), Instant::now());
    let _stranger = node.connect(start);
    let peer = node.connect(start);
    node.prove(start, &peer);
    node.paths.sweep(start + Duration::from_secs(9), &mut node.counters);
    assert_eq!(node.counters.connections, 2);
    node.paths.sweep(start + Duration::from_secs(10), &mut node.counters);
    assert_eq!((node.counters.connections, node.counters.closed_unproven), (1, 1));
    assert_eq!(node.paths.poll_closed(), None, "the engine never knew it");
    node.paths.sweep(start + Duration::from_secs(30), &mut node.counters);
    assert_eq!(node.counters.connections, 0);
    assert_eq!(node.paths.poll_closed(), Some((LISTENER, peer.local_addr().unwrap())));
}

#[test]
fn a_peer_that_closes_is_told_to_the_engine_once_it_was_known() {
    let (mut node, now) = (Node::new(), Instant::now());
    let peer = node.connect(now);
    node.prove(now, &peer);
    peer.shutdown(Shutdown::Both).unwrap();
    node.until(now, "the end", |node| node.counters.connections == 0);
    assert_eq!(node.paths.poll_closed(), Some((LISTENER, peer.local_addr().unwrap())));
    node.say(now, &peer, Class::Control, b"to nobody");
}

#[test]
fn an_answer_alone_is_no_proof() {
    let (mut node, start) = (Node::new(), Instant::now());
    let refused = node.connect(start);
    for second in 0..10 {
        node.say(start + Duration::from_secs(second), &refused, Class::Control, b"a refusal");
    }
    node.paths.sweep(start + Duration::from_secs(10), &mut node.counters);
    assert_eq!((node.counters.connections, node.counters.closed_unproven), (0, 1));
}

#[test]
fn a_connection_that_no_transport_has_is_closed_after_what_it_is_told() {
    let (mut node, now) = (Node::new(), Instant::now());
    let mut peer = node.connect(now);
    node.prove(now, &peer);
    node.paths.flush(now, &mut node.counters);
    node.paths.let_go(LISTENER, peer.local_addr().unwrap(), &mut node.counters);
    assert_eq!((node.counters.connections, node.counters.closed_left), (0, 1));
    let mut heard = Vec::new();
    peer.read_to_end(&mut heard).unwrap();
    assert_eq!(heard, b"\0\x09an answer");
}

/// Fills the kernel's buffers and then the queue.
fn fill(node: &mut Node, now: Instant, stream: &std::net::TcpStream, class: Class) {
    let before = node.counters.datagrams_dropped_queue_full;
    for _ in 0..20_000 {
        node.say(now, stream, class, &[7; 1200]);
        node.paths.flush(now, &mut node.counters);
        if node.counters.datagrams_dropped_queue_full > before || node.counters.connections == 0 {
            return;
        }
    }
    panic!("nothing was dropped: {:?}", node.counters);
}

#[test]
fn a_peer_that_stops_reading_loses_video_first_then_sound_then_the_connection() {
    let (mut node, now) = (Node::new(), Instant::now());
    let stream = node.connect(now);
    node.prove(now, &stream);
    fill(&mut node, now, &stream, Class::Video);
    let sent = node.counters.datagrams_sent;
    node.say(now, &stream, Class::Audio, &[1; 100]);
    assert_eq!(node.counters.datagrams_sent, sent + 1, "sound still fits");
    fill(&mut node, now, &stream, Class::Audio);
    node.say(now, &stream, Class::Control, &[1; 100]);
    assert_eq!((node.counters.connections, node.counters.closed_stuck), (1, 0), "so does a check");
    fill(&mut node, now, &stream, Class::Control);
    assert_eq!((node.counters.connections, node.counters.closed_stuck), (0, 1));
    assert_eq!(node.paths.poll_closed(), Some((LISTENER, stream.local_addr().unwrap())));
}

#[test]
fn a_peer_that_reads_nothing_for_ten_seconds_is_closed_and_one_that_reads_again_before_is_not() {
    let (mut node, start) = (Node::new(), Instant::now());
    let (slow, mut late) = (node.connect(start), node.connect(start));
    node.prove(start, &slow);
    node.prove(start, &late);
    fill(&mut node, start, &slow, Class::Video);
    fill(&mut node, start, &late, Class::Video);
    let mut sink = vec![0; 1 << 20];
    let bytes_sent = node.counters.bytes_sent;
    let soon = start + Duration::from_secs(9);
    late.set_nonblocking(true).unwrap();
    node.until(soon, "the queue moves", |node| {
        let _ = late.read(&mut sink);
        node.counters.bytes_sent > bytes_sent
    });
    node.paths.sweep(start + Duration::from_secs(10), &mut node.counters);
    assert_eq!((node.counters.connections, node.counters.closed_stuck), (1, 1));
    assert_eq!(node.paths.poll_closed(), Some((LISTENER, slow.local_addr().unwrap())));
}

#[test]
fn one_address_has_a_bound_on_what_it_has_not_proven() {
    let (mut node, now) = (Node::new(), Instant::now());
    let proven: Vec<_> = (0..3).map(|_| node.connect(now)).collect();
    proven.iter().for_each(|stream| node.prove(now, stream));
    let _strangers: Vec<_> = (0..UNPROVEN_PER_ADDRESS_MAX).map(|_| node.connect(now)).collect();
    let mut one_more = std::net::TcpStream::connect(node.address).unwrap();
    node.until(now, "a refusal", |node| node.counters.refused == 1);
    assert_eq!(one_more.read(&mut [0]).unwrap_or(0), 0, "closed");
    assert_eq!(node.counters.connections, 3 + UNPROVEN_PER_ADDRESS_MAX as u64);
    node.paths.sweep(now + Duration::from_secs(10), &mut node.counters);
    node.connect(now);
}

#[test]
fn a_household_of_ipv6_is_one_stranger() {
    let same = ["2001:db8:1:2::1", "2001:db8:1:2:ffff::9"].map(|ip| network(ip.parse().unwrap()));
    assert_eq!(same[0], same[1]);
    assert_ne!(same[0], network("2001:db8:1:3::1".parse().unwrap()));
}
