//! The worker's loop: a real peer over loopback, a full queue, and panics that stay where they happen.

use crate::{
    control::Pki,
    eventually,
    node::{BLOCKS, Fragile, PANICS, config, start_pool},
};
use nix::sys::socket::{setsockopt, sockopt};
use plenum_sfu::{
    engine::histogram::Histogram,
    worker::{
        TURNS,
        inbox::{Job, QUEUE_MAX},
        pool::{Pool, WorkerHandle},
        socket::{MediaSocket, SOCKET_BUFFER, Sending},
    },
};
use plenum_shared::{
    command::{RefusalReason, Reply, Response, RoomCommand},
    event::Event as Told,
    id::{RoomId, SessionId, TransportId},
    media::Direction,
    transport::{DtlsParameters, DtlsRole, Fingerprint},
};
use std::{
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};
use str0m::{
    Candidate, Input, Output, Rtc,
    change::DirectApi,
    ice::IceCreds,
    net::{Protocol, Receive},
};
use tokio::sync::oneshot;

fn start(workers: usize) -> (Arc<Pool>, mpsc::Sender<()>) {
    let pki = Pki::new();
    start_pool(&config(SocketAddr::from(([127, 0, 0, 1], 1)), &pki, workers))
}

fn submit(worker: &WorkerHandle, room: RoomId, command: RoomCommand) -> oneshot::Receiver<Response> {
    let (reply, answer) = oneshot::channel();
    worker.submit(Job::Room { room, command: Box::new(command), reply }).unwrap();
    answer
}

pub fn ask(worker: &WorkerHandle, room: RoomId, command: RoomCommand) -> Response {
    submit(worker, room, command).blocking_recv().unwrap()
}

#[test]
fn a_real_peer_connects_through_the_sockets_and_hears_a_goodbye() {
    let (pool, _gate) = start(1);
    let worker = &pool.workers()[0];
    let (room, session, transport) = (RoomId::random(), SessionId::random(), TransportId::random());
    ask(worker, room, RoomCommand::Create).unwrap();
    let create = RoomCommand::CreateTransport { session, transport, direction: Direction::Send };
    let Ok(Reply::TransportCreated { ice, candidates, dtls }) = ask(worker, room, create) else {
        panic!("no transport");
    };

    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = socket.local_addr().unwrap();
    let mut rtc = Rtc::builder().build(Instant::now());
    rtc.add_local_candidate(Candidate::host(address, "udp").unwrap());
    assert_eq!(candidates[0].protocol, plenum_shared::transport::Protocol::Udp, "the best one first");
    let server = SocketAddr::new(candidates[0].ip, candidates[0].port);
    rtc.add_remote_candidate(Candidate::host(server, "udp").unwrap());
    let mut api = rtc.direct_api();
    api.set_ice_controlling(true);
    api.set_remote_ice_credentials(IceCreds { ufrag: ice.username_fragment, pass: ice.password });
    let theirs = connect_parameters(&mut api, &dtls);
    ask(worker, room, RoomCommand::ConnectTransport { transport, dtls: theirs }).unwrap();

    let connected = eventually("the peer is connected", || {
        turn(&mut rtc, &socket, address);
        pool.outbox().take()
    });
    assert_eq!(connected.event, Told::TransportConnected { room, session, transport });

    assert!(pool.stop(Duration::from_secs(10)));
    eventually("the peer hears the goodbye", || {
        turn(&mut rtc, &socket, address);
        (!rtc.is_alive()).then_some(())
    });
}

/// Begins the handshake with the node, and says what the node has to know.
pub fn connect_parameters(api: &mut DirectApi<'_>, node: &DtlsParameters) -> DtlsParameters {
    let print = &node.fingerprints[0];
    api.set_remote_fingerprint(format!("{} {}", print.algorithm, print.value).parse().unwrap());
    api.start_dtls(true).unwrap();
    let print = api.local_dtls_fingerprint().clone();
    let value = print.bytes.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":");
    let fingerprints = vec![Fingerprint { algorithm: print.hash_func, value }];
    DtlsParameters { role: DtlsRole::Client, fingerprints }
}

/// One turn of the peer's own loop: everything out, then what comes within a moment in.
fn turn(rtc: &mut Rtc, socket: &UdpSocket, address: SocketAddr) {
    while rtc.is_alive() {
        match rtc.poll_output().unwrap() {
            Output::Transmit(transmit) => {
                socket.send_to(&transmit.contents, transmit.destination).unwrap();
            }
            Output::Timeout(_) => break,
            Output::Event(_) => {}
        }
    }
    socket.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
    let mut buffer = [0; 2048];
    let input = match socket.recv_from(&mut buffer) {
        Ok((len, source)) => match Receive::new(Protocol::Udp, source, address, &buffer[..len]) {
            Ok(receive) => Input::Receive(Instant::now(), receive),
            Err(_) => return,
        },
        Err(_) => Input::Timeout(Instant::now()),
    };
    if rtc.is_alive() {
        rtc.handle_input(input).unwrap();
    }
}

#[test]
fn a_full_queue_is_busy_at_once_and_what_was_taken_is_served() {
    let (pool, open_gate) = start(1);
    let worker = &pool.workers()[0];
    let room = RoomId::random();
    ask(worker, room, RoomCommand::Create).unwrap();
    let blocked = submit(worker, room, RoomCommand::RequestKeyframe { consumer: BLOCKS });
    eventually("the worker is blocked", || (worker.queue_len() == 0).then_some(()));
    let waiting: Vec<_> =
        (0..QUEUE_MAX).map(|_| submit(worker, RoomId::random(), RoomCommand::Create)).collect();
    let (reply, _answer) = oneshot::channel();
    let refused = worker.submit(Job::Inventory { reply }).unwrap_err();
    assert_eq!(refused.reason, RefusalReason::Busy);
    assert_eq!(worker.load().queue as usize, QUEUE_MAX);
    open_gate.send(()).unwrap();
    let _ = blocked.blocking_recv().unwrap();
    // How many rooms a worker holds is the engine's business; that each was answered is ours.
    for answer in waiting {
        assert!(answer.blocking_recv().is_ok(), "an answer is given to each");
    }
}

#[test]
fn a_turn_that_keeps_the_worker_from_its_sockets_is_told_with_its_length() {
    const LONG: Duration = Duration::from_millis(25);
    let (pool, open_gate) = start(1);
    let worker = &pool.workers()[0];
    let room = RoomId::random();
    ask(worker, room, RoomCommand::Create).unwrap();
    let blocked = submit(worker, room, RoomCommand::RequestKeyframe { consumer: BLOCKS });
    eventually("the worker is blocked", || (worker.queue_len() == 0).then_some(()));
    let blocked_at = Instant::now();
    eventually("it has been for long", || (blocked_at.elapsed() > LONG).then_some(()));
    open_gate.send(()).unwrap();
    let _ = blocked.blocking_recv().unwrap();
    let bound =
        TURNS.iter().position(|&bound| u128::from(bound) == LONG.as_nanos()).expect("one of the bounds");
    let longer = |turn: Histogram<{ TURNS.len() }>| turn.count() - turn.up_to()[bound];
    let turn = eventually("the turn is told", || {
        let turn = worker.snapshot().worker.turn;
        (longer(turn) > 0).then_some(turn)
    });
    assert!(u128::from(turn.sum()) > LONG.as_nanos(), "{turn:?}");
}

#[test]
fn a_panic_costs_one_room_and_is_counted() {
    let (pool, _gate) = start(1);
    let worker = &pool.workers()[0];
    let (by_command, by_datagram, good) = (RoomId::random(), RoomId::random(), RoomId::random());
    for room in [by_command, by_datagram, good] {
        ask(worker, room, RoomCommand::Create).unwrap();
    }
    let refused = ask(worker, by_command, RoomCommand::RequestKeyframe { consumer: PANICS }).unwrap_err();
    assert_eq!(refused.reason, RefusalReason::Internal);
    let datagram = [crate::node::PANIC_DATAGRAM, by_datagram.0.as_bytes()].concat();
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket.send_to(&datagram, pool.media_addresses()[0]).unwrap();
    for room in [by_command, by_datagram] {
        let told = eventually("the failure is told", || pool.outbox().take());
        assert_eq!(told.event, Told::RoomFailed { room });
        assert_eq!(ask(worker, room, RoomCommand::Stats).unwrap_err().reason, RefusalReason::UnknownRoom);
    }
    assert_eq!(ask(worker, good, RoomCommand::Create).unwrap_err().reason, RefusalReason::AlreadyExists);
    eventually("the panics are counted", || (worker.snapshot().worker.panics == 2).then_some(()));
    assert!(pool.is_alive());
}

#[test]
fn what_peers_report_is_read_at_once_and_behind_other_reports() {
    let (pool, _gate) = start(1);
    let worker = &pool.workers()[0];
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let report = |room: RoomId| {
        let datagram = [crate::node::PANIC_REPORT, room.0.as_bytes()].concat();
        socket.send_to(&datagram, pool.media_addresses()[0]).unwrap();
    };
    for together in [1, 1, 100, 1] {
        let mut rooms: Vec<RoomId> = (0..together).map(|_| RoomId::random()).collect();
        for room in &rooms {
            ask(worker, *room, RoomCommand::Create).unwrap();
        }
        rooms.iter().copied().for_each(report);
        rooms.reverse();
        while let Some(room) = rooms.pop() {
            let told = eventually("the failure is told", || pool.outbox().take());
            assert_eq!(told.event, Told::RoomFailed { room }, "in the order they came in");
        }
    }
}

#[test]
fn a_worker_that_is_asked_to_stop_ends_and_says_so() {
    let (pool, _gate) = start(2);
    assert!(pool.is_alive());
    assert!(pool.stop(Duration::from_secs(10)));
    assert!(!pool.is_alive());
    let (reply, _answer) = oneshot::channel();
    let refused = pool.workers()[0].submit(Job::Inventory { reply }).unwrap_err();
    assert_eq!(refused.reason, RefusalReason::Internal);
}

#[test]
fn a_socket_tells_how_much_the_kernel_lets_wait() {
    let mut socket = MediaSocket::bind((Ipv4Addr::LOCALHOST, 0).into(), Sending::default()).unwrap();
    let granted = socket.receive_buffer();
    assert!((1..=SOCKET_BUFFER).contains(&granted), "{granted}");
    setsockopt(socket.inlet().source(), sockopt::RcvBuf, &16_384).unwrap();
    assert_eq!(socket.receive_buffer(), 16_384);
}

#[test]
fn a_taken_port_is_named() {
    let taken = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let pki = Pki::new();
    let mut config = config(SocketAddr::from(([127, 0, 0, 1], 1)), &pki, 1);
    config.media_port = taken.local_addr().unwrap().port();
    let make_core = |_| -> Fragile { unreachable!("nothing starts") };
    let refused = Pool::start(&config, make_core).unwrap_err().to_string();
    assert!(refused.contains(&taken.local_addr().unwrap().to_string()), "{refused}");
}
