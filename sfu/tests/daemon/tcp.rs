//! ICE over TCP: a real peer whose network lets no UDP out, over the worker's own listener.

use crate::{
    PATIENCE,
    control::Pki,
    eventually,
    node::{config, start_pool},
    worker::{ask, connect_parameters},
};
use aws_lc_rs::hmac;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use plenum_sfu::{
    engine::transport::ADDRESSES_MAX,
    worker::pool::{Pool, WorkerHandle},
};
use plenum_shared::{
    command::{Reply, RoomCommand},
    event::Event as Told,
    id::{RoomId, SessionId, TransportId},
    media::Direction,
    transport::{DtlsParameters, IceCandidate, IceParameters, Protocol, TcpType},
};
use std::{
    io::{ErrorKind, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream, UdpSocket},
    time::{Duration, Instant},
};
use str0m::{
    Candidate, Input, Output, Rtc,
    ice::{IceCreds, StunMessage, TransId},
    net,
};

/// A peer on one connection.
struct Peer {
    rtc: Rtc,
    stream: TcpStream,
    address: SocketAddr,
    server: SocketAddr,
    unread: Vec<u8>,
}

impl Peer {
    /// One turn of its loop: everything out, then what comes within a moment in.
    fn turn(&mut self) {
        while self.rtc.is_alive() {
            match self.rtc.poll_output().unwrap() {
                Output::Transmit(transmit) => {
                    assert_eq!((transmit.proto, transmit.destination), (net::Protocol::Tcp, self.server));
                    if transmit.source != self.address {
                        // It still tries the connection that is no more.
                        continue;
                    }
                    let len = (transmit.contents.len() as u16).to_be_bytes();
                    // The node may have closed already; then the goodbye is what is left to read.
                    let _ = self.stream.write_all(&[&len[..], &transmit.contents].concat());
                }
                Output::Timeout(_) => break,
                Output::Event(_) => {}
            }
        }
        self.stream.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
        let mut buffer = [0; 4096];
        match self.stream.read(&mut buffer) {
            Ok(len) => self.unread.extend_from_slice(&buffer[..len]),
            Err(error) => {
                assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error}")
            }
        }
        while let Some(datagram) = self.next_datagram() {
            let receive =
                net::Receive::new(net::Protocol::Tcp, self.server, self.address, &datagram).unwrap();
            if self.rtc.is_alive() {
                self.rtc.handle_input(Input::Receive(Instant::now(), receive)).unwrap();
            }
        }
        if self.rtc.is_alive() {
            self.rtc.handle_input(Input::Timeout(Instant::now())).unwrap();
        }
    }

    fn next_datagram(&mut self) -> Option<Vec<u8>> {
        let len = usize::from(u16::from_be_bytes(*self.unread.first_chunk()?));
        let datagram = self.unread.get(2..2 + len)?.to_vec();
        self.unread.drain(..2 + len);
        Some(datagram)
    }
}

/// A transport as signalling tells of it.
struct Offer {
    session: SessionId,
    transport: TransportId,
    ice: IceParameters,
    dtls: DtlsParameters,
    server: SocketAddr,
}

fn offer(worker: &WorkerHandle, room: RoomId) -> Offer {
    let (session, transport) = (SessionId::random(), TransportId::random());
    let create = RoomCommand::CreateTransport { session, transport, direction: Direction::Send };
    let Ok(Reply::TransportCreated { ice, candidates, dtls }) = ask(worker, room, create) else {
        panic!("no transport");
    };
    let offered = passive(&candidates);
    Offer { session, transport, ice, dtls, server: SocketAddr::new(offered.ip, offered.port) }
}

/// Somebody with this transport, on a connection.
fn answer(worker: &WorkerHandle, room: RoomId, offer: &Offer) -> Peer {
    let server = offer.server;
    let stream = TcpStream::connect(server).unwrap();
    let address = stream.local_addr().unwrap();
    let mut rtc = Rtc::builder().build(Instant::now());
    rtc.add_local_candidate(Candidate::host(address, "tcp").unwrap()).unwrap();
    rtc.add_remote_candidate(Candidate::host(server, "tcp").unwrap());
    let mut api = rtc.direct_api();
    api.set_ice_controlling(true);
    let IceParameters { username_fragment: ufrag, password: pass, .. } = offer.ice.clone();
    api.set_remote_ice_credentials(IceCreds { ufrag, pass });
    let dtls = connect_parameters(&mut api, &offer.dtls);
    ask(worker, room, RoomCommand::ConnectTransport { transport: offer.transport, dtls }).unwrap();
    Peer { rtc, stream, address, server, unread: Vec::new() }
}

/// Runs the peer until the engine says that it is connected.
fn connect(pool: &Pool, room: RoomId, peer: &mut Peer, offer: &Offer) {
    let Offer { session, transport, .. } = *offer;
    let connected = eventually("the peer is connected", || {
        peer.turn();
        pool.outbox().take()
    });
    assert_eq!(connected.event, Told::TransportConnected { room, session, transport });
}

/// A valid check in a frame.
fn check(ice: &IceParameters) -> Vec<u8> {
    let username = format!("{}:theirs", ice.username_fragment);
    let request = StunMessage::binding_request(&username, TransId::new(), true, 7, 0x6E00_01FF, true);
    let mut buffer = [0; 512];
    let sign = |key: &[u8], pieces: &[&[u8]]| {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key);
        hmac::sign(&key, &pieces.concat()).as_ref().try_into().unwrap()
    };
    let len = request.to_bytes(Some(ice.password.as_bytes()), &mut buffer, sign).unwrap();
    [&(len as u16).to_be_bytes()[..], &buffer[..len]].concat()
}

fn passive(candidates: &[IceCandidate]) -> &IceCandidate {
    candidates.iter().find(|one| one.protocol == Protocol::Tcp).expect("a TCP candidate")
}

#[test]
fn a_peer_without_udp_connects_by_tcp_and_hears_the_goodbye() {
    let pki = Pki::new();
    let (pool, _gate) = start_pool(&config(SocketAddr::from(([127, 0, 0, 1], 1)), &pki, 1));
    let worker = &pool.workers()[0];
    let (room, session, transport) = (RoomId::random(), SessionId::random(), TransportId::random());
    ask(worker, room, RoomCommand::Create).unwrap();
    let create = RoomCommand::CreateTransport { session, transport, direction: Direction::Send };
    let Ok(Reply::TransportCreated { ice, candidates, dtls }) = ask(worker, room, create) else {
        panic!("no transport");
    };
    let offered = passive(&candidates);
    assert_eq!(offered.tcp_type, Some(TcpType::Passive));
    let over_udp = candidates.iter().find(|one| one.protocol == Protocol::Udp).unwrap();
    assert_eq!((offered.ip, offered.port), (over_udp.ip, over_udp.port), "the same port number");
    assert!(offered.priority < over_udp.priority);

    let server = SocketAddr::new(offered.ip, offered.port);
    let offer = Offer { session, transport, ice, dtls, server };
    let mut peer = answer(worker, room, &offer);
    connect(&pool, room, &mut peer, &offer);
    eventually("the connection is counted", || {
        (worker.snapshot().tcp.connections == 1 && worker.snapshot().tcp.datagrams_sent > 0).then_some(())
    });
    assert!(pool.stop(Duration::from_secs(10)));
    eventually("the peer hears the goodbye", || {
        peer.turn();
        (!peer.rtc.is_alive()).then_some(())
    });
}

#[test]
fn without_tcp_nothing_listens_and_nothing_is_offered() {
    let pki = Pki::new();
    let mut config = config(SocketAddr::from(([127, 0, 0, 1], 1)), &pki, 1);
    config.tcp = false;
    let (pool, _gate) = start_pool(&config);
    let (room, session, transport) = (RoomId::random(), SessionId::random(), TransportId::random());
    ask(&pool.workers()[0], room, RoomCommand::Create).unwrap();
    let create = RoomCommand::CreateTransport { session, transport, direction: Direction::Send };
    let Ok(Reply::TransportCreated { candidates, .. }) = ask(&pool.workers()[0], room, create) else {
        panic!("no transport");
    };
    assert!(candidates.iter().all(|one| one.protocol == Protocol::Udp && one.tcp_type.is_none()));
    TcpStream::connect(pool.media_addresses()[0]).unwrap_err();
}

#[test]
fn strangers_on_tcp_are_heard_out_by_nobody() {
    let pki = Pki::new();
    let (pool, _gate) = start_pool(&config(SocketAddr::from(([127, 0, 0, 1], 1)), &pki, 1));
    let worker = &pool.workers()[0];
    let mut stream = TcpStream::connect(pool.media_addresses()[0]).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    eventually("what makes no sense ends the connection", || {
        (worker.snapshot().tcp.closed_malformed == 1).then_some(())
    });
    assert_eq!(stream.read(&mut [0; 16]).unwrap_or(0), 0);
    // The worker goes on: media by UDP is taken.
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let before = worker.snapshot().engine.datagrams_received;
    socket.send_to(&[0; 20], pool.media_addresses()[0]).unwrap();
    eventually("a datagram", || (worker.snapshot().engine.datagrams_received > before).then_some(()));
}

#[test]
fn one_client_holds_no_more_places_than_it_has_addresses_and_others_get_in() {
    /// More than one address may have in all.
    const TRIES: usize = 1100;
    // Both ends of each are in this process.
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, soft.max(hard.min(4096)), hard).unwrap();
    let pki = Pki::new();
    let (pool, _gate) = start_pool(&config(SocketAddr::from(([127, 0, 0, 1], 1)), &pki, 1));
    let worker = &pool.workers()[0];
    let room = RoomId::random();
    ask(worker, room, RoomCommand::Create).unwrap();
    let greedy = offer(worker, room);
    let mut held = Vec::new();
    for number in 0..TRIES {
        let mut stream = TcpStream::connect(greedy.server).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(&check(&greedy.ice)).unwrap();
        assert!(stream.read_exact(&mut [0; 22]).is_ok(), "connection {number} has no answer");
        held.push(stream);
    }
    eventually("the places are free again", || {
        let tcp = worker.snapshot().tcp;
        (tcp.connections == ADDRESSES_MAX as u64 && tcp.closed_left == (TRIES - ADDRESSES_MAX) as u64)
            .then_some(())
    });
    let other = offer(worker, room);
    connect(&pool, room, &mut answer(worker, room, &other), &other);

    let transport = greedy.transport;
    ask(worker, room, RoomCommand::CloseTransport { transport }).unwrap();
    eventually("who has left holds nothing", || (worker.snapshot().tcp.connections <= 1).then_some(()));
}

#[test]
fn a_peer_whose_connection_dies_goes_on_by_another() {
    let pki = Pki::new();
    let (pool, _gate) = start_pool(&config(SocketAddr::from(([127, 0, 0, 1], 1)), &pki, 1));
    let worker = &pool.workers()[0];
    let room = RoomId::random();
    ask(worker, room, RoomCommand::Create).unwrap();
    let offer = offer(worker, room);
    let mut peer = answer(worker, room, &offer);
    connect(&pool, room, &mut peer, &offer);

    peer.stream.shutdown(Shutdown::Both).unwrap();
    eventually("its end is seen", || (worker.snapshot().tcp.connections == 0).then_some(()));
    peer.stream = TcpStream::connect(offer.server).unwrap();
    peer.address = peer.stream.local_addr().unwrap();
    peer.unread.clear();
    let candidate = Candidate::host(peer.address, "tcp").unwrap();
    peer.rtc.add_local_candidate(candidate).unwrap();
    eventually("the path is the new connection", || {
        peer.turn();
        (worker.snapshot().engine.paths_changed == 2).then_some(())
    });
    assert_eq!(pool.outbox().take(), None, "nobody was told of an end");
    // DTLS is the one of before: it says goodbye by the new connection.
    assert!(pool.stop(Duration::from_secs(10)));
    eventually("the peer hears the goodbye", || {
        peer.turn();
        (!peer.rtc.is_alive()).then_some(())
    });
}
