//! Another worker with a branch of a room, connected by the rings and queues of the node itself.

use mio::Poll;
use plenum_sfu::{
    engine::{Engine, relay::WorkerIndex, router::held::Progress},
    worker::neighbours::{Arrivals, neighbours, waker},
};
use plenum_shared::id::RoomId;
use std::time::Instant;

const HOME: WorkerIndex = WorkerIndex(0);
const BRANCH: WorkerIndex = WorkerIndex(1);

/// The other worker, and what comes to each of the two.
pub struct Branch {
    pub engine: Engine,
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
        let mut branch = Branch { engine, here, home: at_home, _polls: polls };
        branch.exchange(now, home);
        branch
    }

    /// As both workers do in a turn: what was told and what was sent arrives on either side.
    pub fn exchange(&mut self, now: Instant, home: &mut Engine) {
        home.relay().flush();
        take(now, HOME, &mut self.here, &mut self.engine);
        self.engine.relay().flush();
        take(now, BRANCH, &mut self.home, home);
    }
}

fn take(now: Instant, from: WorkerIndex, arrivals: &mut Arrivals, engine: &mut Engine) {
    arrivals.count();
    while let Some((_, message)) = arrivals.take_message() {
        engine.handle_message(now, from, message);
    }
    while arrivals.take_packet(|head, bytes| engine.handle_relayed(now, head, bytes)).is_some() {}
    assert_eq!(engine.end_batch(now), Progress::Done, "the arena holds a frame for everybody");
}
