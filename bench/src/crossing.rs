//! Another worker with a branch of a room, connected by the rings and queues of the node itself.

use crate::{allocations::inside, early::Early};
use mio::Poll;
use plenum_sfu::{
    engine::{Engine, relay::WorkerIndex},
    worker::neighbours::{Arrivals, neighbours, waker},
};
use plenum_shared::id::RoomId;
use std::time::Instant;

const HOME: WorkerIndex = WorkerIndex(0);
const BRANCH: WorkerIndex = WorkerIndex(1);

/// The other worker, and what comes to each of the two.
pub struct Branch {
    pub engine: Engine,
    /// What left either of them early.
    pub early: Early,
    here: Arrivals,
    home: Arrivals,
    /// Nobody sleeps, and so nobody is woken; but a waker has a poll.
    _polls: [Poll; 2],
}

impl Branch {
    /// Makes `engine` a branch of the room that `home` has.
    pub fn open(now: Instant, room: RoomId, home: &mut Engine, mut engine: Engine) -> Self {
        let polls = [(); 2].map(|()| Poll::new().expect("a file is free"));
        let wakers = polls.iter().map(|poll| waker(poll).expect("a file is free"));
        let ends: Result<[_; 2], _> = neighbours(wakers.collect()).try_into();
        let Ok([(to_branch, at_home), (to_home, here)]) = ends else { unreachable!("two wakers, two ends") };
        home.connect_workers(HOME, Box::new(to_branch));
        engine.connect_workers(BRANCH, Box::new(to_home));
        home.open_branch(room, BRANCH).expect("a room that is at home there");
        let mut branch = Branch { engine, early: Early::default(), here, home: at_home, _polls: polls };
        branch.exchange(now, home);
        branch
    }

    /// As both workers do in a turn: what was told and what was sent arrives on either side. Returns how many datagrams had to
    /// leave before the rest was written.
    pub fn exchange(&mut self, now: Instant, home: &mut Engine) -> usize {
        let Self { engine, early, here, home: at_home, .. } = self;
        inside(|| home.relay().flush());
        let left = take(now, HOME, here, engine, early);
        inside(|| engine.relay().flush());
        left + take(now, BRANCH, at_home, home, early)
    }
}

fn take(
    now: Instant,
    from: WorkerIndex,
    arrivals: &mut Arrivals,
    engine: &mut Engine,
    early: &mut Early,
) -> usize {
    inside(|| {
        arrivals.count();
        while let Some((_, message)) = arrivals.take_message() {
            engine.handle_message(now, from, message);
        }
        while arrivals.take_packet(|head, bytes| engine.handle_relayed(now, head, bytes)).is_some() {}
    });
    early.end_batch(now, engine)
}
