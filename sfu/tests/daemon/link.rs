//! The link to control: registration, requests, refusals, reconnects and the ends.

use crate::{
    control::{Control, Pki, patiently},
    eventually_async,
    node::{BLOCKS, Node, PANICS},
};
use plenum_sfu::{link::LinkEnd, worker::inbox::Job};
use plenum_shared::{
    codec,
    command::{Command, RefusalReason, Reply, Request, RoomCommand, Welcome},
    event::Event,
    id::{ProducerId, RoomId, SessionId, TransportId},
    media::Direction,
};
use std::time::Duration;
use tokio::sync::oneshot;

fn reason(response: plenum_shared::command::Response) -> RefusalReason {
    response.expect_err("a refusal").reason
}

#[tokio::test]
async fn a_node_introduces_itself_and_serves_requests() {
    let pki = Pki::new();
    let control = Control::listen(&pki);
    let node = Node::start(control.address(), &pki);
    let session = control.accept(3).await;
    let hello = &session.hello;
    assert_eq!((hello.node, hello.epoch, hello.worker_count), (node.config.node, 7, 2));
    assert_eq!((hello.version, hello.version_min, hello.last_event), (1, 1, 0));
    assert_eq!(hello.media_addresses.len(), 2, "one address for each worker");

    let room = RoomId::random();
    assert_eq!(session.room(room, RoomCommand::Create).await, Ok(Reply::Done));
    let transport = TransportId::random();
    let create =
        RoomCommand::CreateTransport { session: SessionId::random(), transport, direction: Direction::Send };
    let Ok(Reply::TransportCreated { candidates, .. }) = session.room(room, create).await else {
        panic!("no transport");
    };
    let told: Vec<String> = candidates.iter().map(|one| format!("{}:{}", one.ip, one.port)).collect();
    assert!(hello.media_addresses.contains(&told[0]), "{told:?}");

    let Ok(Reply::Inventory(rooms)) = session.request(Command::Inventory).await else {
        panic!("no inventory")
    };
    assert_eq!(rooms.len(), 1);
    assert_eq!((rooms[0].room, rooms[0].transports[0].transport), (room, transport));
    assert_eq!(session.room(room, RoomCommand::Close).await, Ok(Reply::Done));
    assert_eq!(session.request(Command::Inventory).await, Ok(Reply::Inventory(Vec::new())));
    eventually_async("the link is counted as up", || node.link.status().is_up().then_some(())).await;
}

#[tokio::test]
async fn rooms_are_spread_over_workers_and_stay_there() {
    let pki = Pki::new();
    let control = Control::listen(&pki);
    let node = Node::start(control.address(), &pki);
    let session = control.accept(1).await;
    for _ in 0..4 {
        assert_eq!(session.room(RoomId::random(), RoomCommand::Create).await, Ok(Reply::Done));
    }
    eventually_async("two rooms on each worker", || {
        node.pool.workers().iter().all(|worker| worker.snapshot().engine.rooms == 2).then_some(())
    })
    .await;
}

#[tokio::test]
async fn refusals_are_answers() {
    let pki = Pki::new();
    let control = Control::listen(&pki);
    let _node = Node::start(control.address(), &pki);
    let session = control.accept(1).await;
    let room = RoomId::random();
    let close_producer = || RoomCommand::CloseProducer { producer: ProducerId::random() };
    assert_eq!(reason(session.room(room, close_producer()).await), RefusalReason::UnknownRoom);
    assert_eq!(reason(session.room(room, RoomCommand::Close).await), RefusalReason::UnknownRoom);
    assert_eq!(session.room(room, RoomCommand::Create).await, Ok(Reply::Done));
    assert_eq!(reason(session.room(room, RoomCommand::Create).await), RefusalReason::AlreadyExists);
    let unknown = RoomCommand::CloseTransport { transport: TransportId::random() };
    assert_eq!(reason(session.room(room, unknown).await), RefusalReason::UnknownTransport);
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_and_the_link_lives() {
    let pki = Pki::new();
    let control = Control::listen(&pki);
    let node = Node::start(control.address(), &pki);
    let session = control.accept(5).await;
    let later_command = [0, 0, 0, 5, 0x08, 5, 0xba, 0x3e, 0x00];
    let later_command_of_old_control = [0, 0, 0, 5, 0x08, 4, 0xba, 0x3e, 0x00];
    let table: [(&str, &[u8], RefusalReason); 7] = [
        ("nothing", b"", RefusalReason::Invalid),
        ("half a length", &[0, 0], RefusalReason::Invalid),
        ("half a message", &[0, 0, 0, 9, 1, 2], RefusalReason::Invalid),
        ("an oversized message", &[0x7f, 0, 0, 0, 1], RefusalReason::Invalid),
        ("bytes that are no message", &[0, 0, 0, 3, 0xff, 0xff, 0xff], RefusalReason::Invalid),
        ("a command of a later version", &later_command, RefusalReason::Unsupported),
        ("the same of an earlier control", &later_command_of_old_control, RefusalReason::StaleControl),
    ];
    for (what, bytes, expected) in table {
        assert_eq!(reason(session.raw(bytes).await), expected, "{what}");
    }
    assert_eq!(session.room(RoomId::random(), RoomCommand::Create).await, Ok(Reply::Done));
    assert_eq!(node.link.status().registrations(), 1);
    assert_eq!(node.link.status().requests_unreadable(), 7);
}

#[tokio::test]
async fn a_request_that_control_takes_back_leaves_the_others_alone() {
    let pki = Pki::new();
    let control = Control::listen(&pki);
    let _node = Node::start(control.address(), &pki);
    let session = control.accept(1).await;
    let (mut send, mut recv) = session.connection.open_bi().await.unwrap();
    send.write_all(&[0, 0, 0, 200, 1]).await.unwrap();
    send.reset(1_u32.into()).unwrap();
    recv.stop(1_u32.into()).unwrap();
    assert_eq!(session.room(RoomId::random(), RoomCommand::Create).await, Ok(Reply::Done));
}

#[tokio::test]
async fn a_room_that_panics_is_told_and_the_rest_goes_on() {
    let pki = Pki::new();
    let control = Control::listen(&pki);
    let _node = Node::start(control.address(), &pki);
    let mut session = control.accept(1).await;
    let (bad, good) = (RoomId::random(), RoomId::random());
    for room in [bad, good] {
        assert_eq!(session.room(room, RoomCommand::Create).await, Ok(Reply::Done));
    }
    let panics = RoomCommand::RequestKeyframe { consumer: PANICS };
    assert_eq!(reason(session.room(bad, panics).await), RefusalReason::Internal);
    let told = session.next_event().await;
    assert_eq!((told.number, told.event), (1, Event::RoomFailed { room: bad }));
    assert_eq!(reason(session.room(bad, RoomCommand::Stats).await), RefusalReason::UnknownRoom);
    assert_eq!(reason(session.room(good, RoomCommand::Create).await), RefusalReason::AlreadyExists);
    assert_eq!(session.room(bad, RoomCommand::Create).await, Ok(Reply::Done), "it can be made anew");
}

#[tokio::test]
async fn events_of_the_time_without_a_link_follow_with_their_numbers() {
    let pki = Pki::new();
    let control = Control::listen(&pki);
    let node = Node::start(control.address(), &pki);
    let mut session = control.accept(1).await;
    let rooms: Vec<RoomId> = (0..3).map(|_| RoomId::random()).collect();
    for room in &rooms {
        assert_eq!(session.room(*room, RoomCommand::Create).await, Ok(Reply::Done));
    }
    node.fail_room(rooms[0]);
    assert_eq!(session.next_event().await.number, 1);

    session.lose();
    eventually_async("the node notices", || (!node.link.status().is_up()).then_some(())).await;
    node.fail_room(rooms[1]);
    node.fail_room(rooms[2]);
    // Control takes nobody in before both events wait, so that every run is the same.
    eventually_async("both rooms have failed", || {
        let failed = |worker: &plenum_sfu::worker::pool::WorkerHandle| worker.snapshot().engine.rooms_failed;
        (node.pool.workers().iter().map(failed).sum::<u64>() == 3).then_some(())
    })
    .await;

    let mut session = control.accept(2).await;
    assert_eq!((session.hello.epoch, session.hello.last_event), (7, 1));
    let told = [session.next_event().await, session.next_event().await];
    assert_eq!(told.each_ref().map(|event| event.number), [2, 3]);
    for room in &rooms[1..] {
        assert!(told.iter().any(|event| event.event == Event::RoomFailed { room: *room }));
    }
}

#[tokio::test]
async fn rooms_outlive_the_link_and_the_next_control_finds_them() {
    let pki = Pki::new();
    let control = Control::listen(&pki);
    let node = Node::start(control.address(), &pki);
    let session = control.accept(1).await;
    let room = RoomId::random();
    assert_eq!(session.room(room, RoomCommand::Create).await, Ok(Reply::Done));
    session.lose();
    let session = control.accept(2).await;
    let Ok(Reply::Inventory(rooms)) = session.request(Command::Inventory).await else {
        panic!("no inventory")
    };
    assert_eq!(rooms.iter().map(|one| one.room).collect::<Vec<_>>(), [room]);
    assert_eq!(node.link.status().registrations(), 2);
}

#[tokio::test]
async fn requests_of_an_earlier_control_are_stale_and_change_nothing() {
    let pki = Pki::new();
    let control = Control::listen(&pki);
    let _node = Node::start(control.address(), &pki);
    let session = control.accept(4).await;
    let room = RoomId::random();
    let create = || Command::Room { room, command: RoomCommand::Create };
    assert_eq!(reason(session.request_of(3, create()).await), RefusalReason::StaleControl);
    assert_eq!(session.request(Command::Inventory).await, Ok(Reply::Inventory(Vec::new())));
    assert_eq!(session.request_of(4, create()).await, Ok(Reply::Done));
}

#[tokio::test]
async fn a_node_that_is_turned_away_asks_again() {
    let pki = Pki::new();
    let control = Control::listen(&pki);
    let node = Node::start(control.address(), &pki);
    let turned_away = control.accept_with(Welcome::Rejected { reason: "not today".to_owned() }).await;
    let session = control.accept(1).await;
    assert_eq!(turned_away.hello.node, session.hello.node);
    eventually_async("the link is up", || node.link.status().is_up().then_some(())).await;
    assert_eq!(node.link.status().registrations(), 1);
}

#[tokio::test]
async fn a_stranger_with_a_certificate_of_his_own_is_not_taken_for_control() {
    let (pki, strangers) = (Pki::new(), Pki::new());
    let stranger = Control::listen(&strangers);
    let node = Node::start(stranger.address(), &pki);
    assert!(!stranger.handshake_succeeds().await);
    assert!(!node.link.status().is_up());
}

#[tokio::test]
async fn a_node_without_control_for_too_long_ends() {
    let pki = Pki::new();
    let control = Control::listen(&pki);
    let node = Node::start_with(control.address(), &pki, Some(Duration::from_millis(300)));
    let session = control.accept(1).await;
    assert_eq!(session.request(Command::Inventory).await, Ok(Reply::Inventory(Vec::new())));
    control.vanish();
    assert_eq!(patiently("the node gives up", node.ended).await, Ok(LinkEnd::Orphaned));
}

#[tokio::test]
async fn a_draining_node_takes_no_rooms_and_ends_with_its_last_one() {
    let pki = Pki::new();
    let control = Control::listen(&pki);
    let node = Node::start(control.address(), &pki);
    let session = control.accept(1).await;
    let room = RoomId::random();
    assert_eq!(session.room(room, RoomCommand::Create).await, Ok(Reply::Done));
    assert_eq!(session.request(Command::Drain).await, Ok(Reply::Done));
    assert_eq!(reason(session.room(RoomId::random(), RoomCommand::Create).await), RefusalReason::Draining);
    assert_eq!(session.request(Command::Inventory).await.map(|_| ()), Ok(()), "the room is still served");
    let _ = session.room(room, RoomCommand::Close).await;
    assert_eq!(patiently("the node ends", node.ended).await, Ok(LinkEnd::Drained));
}

#[tokio::test]
async fn a_room_whose_closing_control_did_not_wait_for_is_not_waited_for_by_a_draining_node() {
    let pki = Pki::new();
    let control = Control::listen(&pki);
    let node = Node::start(control.address(), &pki);
    let session = control.accept(1).await;
    let room = RoomId::random();
    assert_eq!(session.room(room, RoomCommand::Create).await, Ok(Reply::Done));
    assert_eq!(session.request(Command::Drain).await, Ok(Reply::Done));
    let close = Command::Room { room, command: RoomCommand::Close };
    let close = codec::encode_request(&Request { control_epoch: 1, command: close }).unwrap();
    let (mut send, mut recv) = session.connection.open_bi().await.unwrap();
    send.write_all(&close).await.unwrap();
    send.finish().unwrap();
    recv.stop(1_u32.into()).unwrap();
    assert_eq!(patiently("the node ends", node.ended).await, Ok(LinkEnd::Drained));
}

#[tokio::test]
async fn creating_a_room_again_while_its_worker_is_busy_does_not_lose_it() {
    let pki = Pki::new();
    let control = Control::listen(&pki);
    let node = Node::start(control.address(), &pki);
    let session = control.accept(1).await;
    let room = RoomId::random();
    assert_eq!(session.room(room, RoomCommand::Create).await, Ok(Reply::Done));
    let worker = &node.pool.workers()[0];
    let command = Box::new(RoomCommand::RequestKeyframe { consumer: BLOCKS });
    worker.submit(Job::Room { room, command, reply: oneshot::channel().0 }).unwrap();
    eventually_async("the worker is blocked", || (worker.queue_len() == 0).then_some(())).await;
    while worker.submit(Job::Inventory { reply: oneshot::channel().0 }).is_ok() {}
    assert_eq!(reason(session.room(room, RoomCommand::Create).await), RefusalReason::Busy);
    node.open_gate.send(()).unwrap();
    eventually_async("the queue is served", || (worker.queue_len() == 0).then_some(())).await;
    assert_eq!(session.room(room, RoomCommand::Close).await, Ok(Reply::Done));
}

#[tokio::test]
async fn load_reports_arrive_about_once_a_second() {
    let pki = Pki::new();
    let control = Control::listen(&pki);
    let node = Node::start(control.address(), &pki);
    let session = control.accept(1).await;
    for _ in 0..2 {
        let datagram = patiently("a load report", session.connection.read_datagram()).await.unwrap();
        let report = plenum_shared::codec::decode_load_report(&datagram).unwrap();
        assert_eq!((report.node, report.epoch, report.workers.len()), (node.config.node, 7, 2));
    }
}
