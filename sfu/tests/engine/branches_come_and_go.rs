//! Parts of a room that come while it ends, that are asked for twice, and people with one foot in each.

use plenum_sfu::engine::limits::Limits;
use plenum_sfu::engine::relay::WorkerIndex;
use plenum_shared::command::{RefusalReason, RoomCommand};
use plenum_shared::event::Event;
use plenum_shared::id::{SessionId, TransportId};
use plenum_shared::media::{Direction, Kind, Source};

use crate::peer::address;
use crate::room::{Room, Viewing, everywhere, one_by_one};
use crate::tracks::{AUDIO, single};

const BRANCH: WorkerIndex = WorkerIndex(1);

fn numbers(room: &mut Room, view: &Viewing) -> Vec<u16> {
    room.received(view).iter().map(|(packet, _)| packet.sequence_number).collect()
}

fn create(room: &mut Room, session: SessionId, direction: Direction) -> RoomCommand {
    RoomCommand::CreateTransport { session, transport: TransportId(room.uuid()), direction }
}

#[test]
fn a_room_that_ends_while_a_branch_of_it_opens_leaves_nothing_there() {
    for fails in [false, true] {
        let mut room = Room::on_workers(2, one_by_one());
        let ada = room.link(Direction::Send);
        room.produce(ada, Kind::Video, Source::Camera, &single());
        room.wires.hold(true);
        room.engine.open_branch(room.room, BRANCH).unwrap();
        if fails {
            room.engine.remove_room(room.room);
        } else {
            room.command(RoomCommand::Close).unwrap();
        }
        room.wires.hold(false);
        room.pump();
        let counters = room.others[0].counters();
        assert_eq!((counters.branches, counters.producers, counters.transports), (0, 0, 0));
        let told = room.events.iter().filter(|event| matches!(event, Event::RoomFailed { .. })).count();
        assert_eq!(told, usize::from(fails));
        // What is asked of it from then on is asked of nothing.
        let recv = create(&mut room, SessionId(uuid::Uuid::from_u128(7)), Direction::Recv);
        assert_eq!(room.command_on(1, recv).unwrap_err().reason, RefusalReason::UnknownRoom);
    }
}

#[test]
fn a_branch_that_fails_while_home_tells_it_more_ends_the_room_once() {
    let mut room = Room::on_workers(2, one_by_one());
    room.open_branch(1);
    let ada = room.link(Direction::Send);
    room.viewer_on(1);
    room.wires.hold(true);
    let id = room.room;
    room.worker(1).remove_room(id);
    room.produce(ada, Kind::Video, Source::Camera, &single());
    room.engine.open_branch(id, BRANCH).unwrap();
    room.wires.hold(false);
    room.pump();
    for worker in 0..2 {
        let counters = room.worker(worker).counters();
        assert_eq!((counters.rooms, counters.branches, counters.transports), (0, 0, 0), "{worker}");
    }
    assert_eq!(room.events.iter().filter(|event| matches!(event, Event::RoomFailed { .. })).count(), 1);
}

#[test]
fn a_branch_that_has_not_been_told_yet_refuses_and_takes_whoever_asks_again() {
    let mut room = Room::on_workers(2, one_by_one());
    let ada = room.link(Direction::Send);
    let camera = room.produce(ada, Kind::Video, Source::Camera, &single());
    room.wires.hold(true);
    room.engine.open_branch(room.room, BRANCH).unwrap();
    let session = SessionId(room.uuid());
    let early = create(&mut room, session, Direction::Recv);
    assert_eq!(room.command_on(1, early).unwrap_err().reason, RefusalReason::UnknownRoom);
    room.wires.hold(false);
    room.pump();
    let viewer = room.link_on(1, session, Direction::Recv);
    let view = room.consume(viewer, camera);
    room.send_video(ada, 1, true);
    assert_eq!(room.received(&view).len(), 1);
}

#[test]
fn a_branch_that_is_opened_again_is_told_nothing_and_has_nothing_twice() {
    let mut room = Room::on_workers(2, one_by_one());
    room.open_branch(1);
    let ada = room.link(Direction::Send);
    let camera = room.produce(ada, Kind::Video, Source::Camera, &single());
    let microphone = room.produce(ada, Kind::Audio, Source::Microphone, AUDIO);
    let viewer = room.viewer_on(1);
    let views = [camera, microphone].map(|producer| room.consume(viewer, producer));
    for number in 1..=40 {
        if number == 20 {
            room.wires.crossed();
            room.open_branch(1);
            assert_eq!(room.wires.crossed(), (0, 0));
        }
        room.send_video(ada, number, number == 1);
        room.send_audio(ada, number, 20);
        room.run(20);
    }
    for view in views {
        let numbers = numbers(&mut room, &view);
        assert_eq!(numbers.len(), 40);
        assert!(numbers.windows(2).all(|pair| pair[1] == pair[0].wrapping_add(1)), "{numbers:?}");
    }
    assert_eq!(room.others[0].counters().branches, 1);
    room.command(RoomCommand::CloseProducer { producer: camera }).unwrap();
    assert_eq!(room.others[0].counters().consumers, 1);
}

#[test]
fn who_sends_at_home_and_receives_on_a_branch_is_one_session() {
    let mut room = Room::on_workers(2, one_by_one());
    room.open_branch(1);
    // Both see each other.
    let people = [SessionId(room.uuid()), SessionId(room.uuid())];
    let sending = people.map(|session| room.link_on(0, session, Direction::Send));
    let receiving = people.map(|session| room.link_on(1, session, Direction::Recv));
    let cameras = sending.map(|link| room.produce(link, Kind::Video, Source::Camera, &single()));
    let views = [room.consume(receiving[0], cameras[1]), room.consume(receiving[1], cameras[0])];
    (1..=20).for_each(|number| {
        sending.iter().for_each(|&link| room.send_video(link, number, number == 1));
        room.run(40);
    });
    assert_eq!(views.each_ref().map(|view| room.received(view).len()), [20, 20]);

    // Home counts what is elsewhere too.
    for direction in [Direction::Send, Direction::Recv] {
        let another = create(&mut room, people[0], direction);
        assert_eq!(room.command_on(0, another).unwrap_err().reason, RefusalReason::LimitReached);
    }
    // One that is gone from there makes room again.
    let transport = room.links[receiving[0]].transport;
    room.command_on(1, RoomCommand::CloseTransport { transport }).unwrap();
    let another = create(&mut room, people[0], Direction::Send);
    room.command_on(0, another).unwrap();

    // Whoever leaves is gone on both.
    for worker in 0..2 {
        room.command_on(worker, RoomCommand::CloseSession { session: people[1] }).unwrap();
    }
    room.pump();
    assert_eq!(room.others[0].counters().transports, 0);
    assert_eq!((room.engine.counters().transports, room.engine.counters().producers), (2, 1));
}

#[test]
fn a_branch_takes_no_more_of_a_session_than_one_worker_would() {
    let limits = Limits { transports_per_session: 2, ..one_by_one() };
    let mut room = Room::on_workers(2, limits);
    room.open_branch(1);
    let session = SessionId(room.uuid());
    for _ in 0..2 {
        let recv = create(&mut room, session, Direction::Recv);
        room.command_on(1, recv).unwrap();
    }
    let recv = create(&mut room, session, Direction::Recv);
    assert_eq!(room.command_on(1, recv).unwrap_err().reason, RefusalReason::LimitReached);
}

#[test]
fn a_viewer_restarts_ice_and_moves_without_losing_a_packet() {
    everywhere(|viewers| {
        let mut room = Room::with_viewers_on(viewers, one_by_one());
        let (ada, bob) = (room.link(Direction::Send), room.link(Direction::Recv));
        let camera = room.produce(ada, Kind::Video, Source::Camera, &single());
        let view = room.consume(bob, camera);
        let paths_before = room.worker_of_viewers().counters().paths_changed;
        for number in 1..=60 {
            match number {
                20 => room.restart_at(bob, address("198.51.100.77:7000")),
                40 => room.move_to(bob, address("203.0.113.5:9"), None),
                _ => {}
            }
            room.send_video(ada, number, number == 1);
            room.run(20);
        }
        let numbers = numbers(&mut room, &view);
        assert_eq!(numbers.len(), 60, "{numbers:?}");
        assert!(numbers.windows(2).all(|pair| pair[1] == pair[0].wrapping_add(1)), "{numbers:?}");
        assert_eq!(room.worker_of_viewers().counters().paths_changed - paths_before, 2);
    });
}
