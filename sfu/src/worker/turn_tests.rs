//! What one turn of the loop takes of what other workers tell, and in which order it serves whom.

use super::{
    MESSAGES_PER_TURN, Published, Ways, Worker,
    inbox::{InboxHandle, Job, inbox},
    neighbours::{Neighbours, neighbours, waker},
    outbox::Outbox,
    socket::Sockets,
};
use crate::engine::{
    Engine, EngineConfig,
    limits::Limits,
    relay::{
        Relay, WorkerIndex,
        message::{Message, ToBranch, Told},
    },
    transport::DtlsCertificate,
};
use mio::Poll;
use plenum_shared::{
    command::{Response, RoomCommand},
    id::{RoomId, SessionId},
};
use std::{sync::Arc, time::Instant};
use tokio::sync::oneshot;

const THEIRS: WorkerIndex = WorkerIndex(1);

/// A worker that is not running, the way to it from another one, and the way for jobs.
fn worker() -> (Worker<Engine>, Neighbours, InboxHandle) {
    let polls: Vec<_> = (0..2).map(|_| Poll::new().unwrap()).collect();
    let wakers: Vec<_> = polls.iter().map(|poll| waker(poll).unwrap()).collect();
    let mut ends = neighbours(wakers.clone());
    let (theirs, arrivals) = ends.pop().unwrap();
    let (ours, _) = ends.pop().unwrap();
    let certificate = Arc::new(DtlsCertificate::generate().unwrap());
    let config =
        EngineConfig { certificate, candidates: Vec::new(), seed: [7; 32], limits: Limits::default() };
    let mut engine = Engine::new(config, Instant::now());
    engine.connect_workers(THEIRS, Box::new(theirs));
    let (handle, inbox) = inbox(wakers[1].clone());
    let ways =
        Ways { inbox, arrivals, outbox: Arc::<Outbox>::default(), published: Arc::<Published>::default() };
    let poll = polls.into_iter().next_back().unwrap();
    let worker = Worker::new(engine, Sockets { udp: Vec::new(), tcp: Vec::new() }, poll, ways).unwrap();
    (worker, ours, handle)
}

fn tell(ours: &mut Neighbours, room: RoomId, told: ToBranch) {
    ours.tell(THEIRS, Message { room, body: Told::ToBranch(told) });
}

fn ask(inbox: &InboxHandle, room: RoomId) -> oneshot::Receiver<Response> {
    let (reply, answer) = oneshot::channel();
    inbox.submit(Job::Room { room, command: Box::new(RoomCommand::Stats), reply }).unwrap();
    answer
}

fn turn(worker: &mut Worker<Engine>) {
    worker.read_relayed();
    worker.serve_jobs();
}

#[test]
fn much_that_is_told_is_heard_in_several_turns_and_whoever_asks_after_it_waits_for_it() {
    let (mut worker, mut ours, inbox) = worker();
    let room = RoomId::random();
    for _ in 0..3 * MESSAGES_PER_TURN {
        tell(&mut ours, RoomId::random(), ToBranch::Close);
    }
    tell(&mut ours, room, ToBranch::Open);
    let mut answer = ask(&inbox, room);
    for turns in 0..3 {
        turn(&mut worker);
        assert!(answer.try_recv().is_err(), "after {turns} turns and one");
        assert_eq!(worker.core.counters().branches, 0);
        // What is told meanwhile does not make it wait any longer.
        for _ in 0..MESSAGES_PER_TURN {
            tell(&mut ours, RoomId::random(), ToBranch::Close);
        }
    }
    turn(&mut worker);
    assert!(answer.try_recv().unwrap().is_ok(), "the room was told of before it was asked for");
}

#[test]
fn whoever_asks_while_much_is_heard_is_served_after_what_was_told_before() {
    let (mut worker, mut ours, inbox) = worker();
    for _ in 0..MESSAGES_PER_TURN + 1 {
        tell(&mut ours, RoomId::random(), ToBranch::Close);
    }
    turn(&mut worker);
    let room = RoomId::random();
    tell(&mut ours, room, ToBranch::Open);
    tell(&mut ours, room, ToBranch::Grouped { session: SessionId::random(), group: 1 });
    let mut answer = ask(&inbox, room);
    turn(&mut worker);
    assert!(answer.try_recv().is_err(), "it came after what is heard now");
    turn(&mut worker);
    assert!(answer.try_recv().unwrap().is_ok());
    assert_eq!(worker.core.counters().branches, 1);
}
