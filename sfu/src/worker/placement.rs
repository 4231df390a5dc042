//! Where rooms are: the worker at which each is at home, those that have a branch of it, and which receiving transport is
//! where. A room stays where it was created.

use plenum_shared::id::{RoomId, SessionId, TransportId};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// Transports a room will have soon after it was created: one participant's two. Keeps a burst of new rooms, which the
/// workers' figures do not show yet, from landing on one worker.
const EXPECTED_TRANSPORTS: u64 = 2;
/// A room is not divided before so many transports receive at home: whatever it would gain is lost by what crosses.
const DIVIDED_FROM: usize = 32;
/// A worker that is this busy (share of its core) takes no more rooms or receiving transports while another one is less.
const BUSY: f32 = 0.5;
/// A worker that is this busy leaves even the first receiving transports of its rooms to others that have time: what it opens is
/// enough for it.
const OVERLOADED: f32 = 0.85;
/// Receiving transports of one room that one worker takes, as long as another one has fewer. Of a picture of 1.5 Mbit/s they
/// take a tenth of a core or two; the figures are a second old, and more may come at once than they show.
pub const PART_MAX: usize = 200;
/// Subscriptions of one transport that are remembered, more than it may have. They end with what they are to, and nobody says so
/// here: when there are more, all of them are forgotten. One that is not remembered is looked for on all parts of the room.
const CONSUMERS_MAX: usize = 1024;

/// A worker as it told last.
#[derive(Clone, Copy, Debug, Default)]
pub struct Load {
    /// Rooms that are at home there.
    pub rooms: u64,
    /// Transports of all rooms.
    pub transports: u64,
    /// Share of its core.
    pub cpu: f32,
}

/// Rooms by worker. Bounded by what the workers accept: a refused creation is forgotten at once.
#[derive(Debug, Default)]
pub struct Placement {
    rooms: HashMap<RoomId, Place>,
}

/// Where one room is.
#[derive(Debug)]
struct Place {
    home: usize,
    /// The other workers that have a part of it.
    branches: Vec<usize>,
    /// Transports that receive, wherever they are.
    receivers: HashMap<TransportId, Receiver>,
    /// Subscriptions on branches, of any kind, by the transport that has them.
    consumers: HashMap<Uuid, TransportId>,
}

#[derive(Debug)]
struct Receiver {
    session: SessionId,
    worker: usize,
    /// Its worker has said so.
    is_there: bool,
    /// Those of [`Place::consumers`] that it has.
    consumers: HashSet<Uuid>,
}

impl Place {
    /// Receiving transports at each worker.
    fn counts(&self, workers: usize) -> Vec<usize> {
        let mut counts = vec![0; workers];
        for Receiver { worker, .. } in self.receivers.values() {
            if let Some(count) = counts.get_mut(*worker) {
                *count += 1;
            }
        }
        counts
    }

    fn parts(&self) -> impl Iterator<Item = usize> {
        [self.home].into_iter().chain(self.branches.iter().copied())
    }

    /// Transports are gone, and what they were subscribed to with them.
    fn forget_receivers(&mut self, is_gone: impl Fn(&TransportId, &Receiver) -> bool) {
        for (_, receiver) in self.receivers.extract_if(|transport, receiver| is_gone(transport, receiver)) {
            for consumer in receiver.consumers {
                self.consumers.remove(&consumer);
            }
        }
    }
}

impl Placement {
    /// The worker at which the room is at home.
    pub fn home_of(&self, room: RoomId) -> Option<usize> {
        self.rooms.get(&room).map(|place| place.home)
    }

    /// Every worker with a part of the room, its home first.
    pub fn parts_of(&self, room: RoomId) -> Vec<usize> {
        self.rooms.get(&room).map_or_else(Vec::new, |place| place.parts().collect())
    }

    /// Chooses the home of a new room: of the workers that have time the one with fewest transports, those included that its rooms
    /// will soon have; or the present home of one that is placed already.
    pub fn place(&mut self, room: RoomId, loads: &[Load]) -> Option<usize> {
        if let Some(worker) = self.home_of(room) {
            return Some(worker);
        }
        let mut rooms = vec![0_u64; loads.len()];
        for Place { home, .. } in self.rooms.values() {
            if let Some(rooms) = rooms.get_mut(*home) {
                *rooms += 1;
            }
        }
        let transports = |worker: usize, load: &Load| {
            let unseen = rooms[worker].saturating_sub(load.rooms);
            // Those that it has told of may be as new.
            (load.transports + EXPECTED_TRANSPORTS * unseen).max(EXPECTED_TRANSPORTS * rooms[worker])
        };
        let rank = |(worker, load): &(usize, &Load)| (load.cpu >= BUSY, transports(*worker, load));
        let (home, _) = loads.iter().enumerate().min_by_key(rank)?;
        let place =
            Place { home, branches: Vec::new(), receivers: HashMap::new(), consumers: HashMap::new() };
        self.rooms.insert(room, place);
        Some(home)
    }

    /// Chooses the worker of a transport that will receive, and counts it there from now on. Returns whether it was not known
    /// before as well; `None` where the room is not.
    pub fn place_receiver(
        &mut self,
        room: RoomId,
        session: SessionId,
        transport: TransportId,
        loads: &[Load],
    ) -> Option<(usize, bool)> {
        let worker = self.worker_for_receiver(room, session, transport, loads)?;
        Some((worker, self.add_receiver(room, transport, session, worker)))
    }

    /// Home, as long as the room is small or its worker has time, else a part that has, else a worker that has and no part yet.
    /// One that is there already is asked for again where it is, and another one of its session is put beside it: what one
    /// session may have is counted there.
    fn worker_for_receiver(
        &self,
        room: RoomId,
        session: SessionId,
        transport: TransportId,
        loads: &[Load],
    ) -> Option<usize> {
        let place = self.rooms.get(&room)?;
        let of_session = || place.receivers.values().find(|receiver| receiver.session == session);
        if let Some(known) = place.receivers.get(&transport).or_else(of_session) {
            return Some(known.worker);
        }
        let counts = place.counts(loads.len());
        let count = |worker: usize| counts.get(worker).copied().unwrap_or_default();
        let cpu = |worker: usize| loads.get(worker).map_or(0.0, |load| load.cpu);
        let has_time =
            |&worker: &usize| worker < loads.len() && cpu(worker) < BUSY && count(worker) < PART_MAX;
        let is_new = |worker: &usize| place.parts().all(|part| part != *worker);
        let new = || {
            (0..loads.len()).filter(is_new).filter(has_time).min_by_key(|&worker| loads[worker].transports)
        };
        let elsewhere = || place.parts().find(has_time).or_else(new);
        if count(place.home) < DIVIDED_FROM {
            let relief = (cpu(place.home) >= OVERLOADED).then(elsewhere).flatten();
            return Some(relief.unwrap_or(place.home));
        }
        elsewhere().or_else(|| place.parts().min_by_key(|&worker| count(worker)))
    }

    /// A worker has a branch of a room.
    pub fn add_branch(&mut self, room: RoomId, worker: usize) {
        if let Some(place) = self.rooms.get_mut(&room)
            && place.parts().all(|part| part != worker)
        {
            place.branches.push(worker);
        }
    }

    /// A transport that receives is about to be there. Returns whether it was not known before.
    fn add_receiver(
        &mut self,
        room: RoomId,
        transport: TransportId,
        session: SessionId,
        worker: usize,
    ) -> bool {
        let Some(place) = self.rooms.get_mut(&room) else { return false };
        let is_new = !place.receivers.contains_key(&transport);
        let receiver = Receiver { session, worker, is_there: false, consumers: HashSet::new() };
        place.receivers.entry(transport).or_insert(receiver);
        is_new
    }

    /// It is there.
    pub fn confirm_receiver(&mut self, room: RoomId, transport: TransportId) {
        let receiver = self.rooms.get_mut(&room).and_then(|place| place.receivers.get_mut(&transport));
        if let Some(receiver) = receiver {
            receiver.is_there = true;
        }
    }

    /// The receiving transports that were there, as far as is known.
    pub fn confirmed(&self) -> HashSet<TransportId> {
        let receivers = self.rooms.values().flat_map(|place| &place.receivers);
        receivers.filter(|(_, receiver)| receiver.is_there).map(|(&transport, _)| transport).collect()
    }

    /// Of those that were `confirmed` before the workers were asked, only these `remain`: the end of the others was told when
    /// nobody heard it.
    pub fn forget_ended(&mut self, confirmed: &HashSet<TransportId>, remain: &HashSet<TransportId>) {
        for place in self.rooms.values_mut() {
            place.forget_receivers(|transport, _| {
                confirmed.contains(transport) && !remain.contains(transport)
            });
        }
    }

    /// Where a transport is. Those that send, and those that nobody knows, are at home.
    pub fn worker_of_transport(&self, room: RoomId, transport: TransportId) -> Option<usize> {
        let place = self.rooms.get(&room)?;
        Some(place.receivers.get(&transport).map_or(place.home, |receiver| receiver.worker))
    }

    /// A transport is gone.
    pub fn forget_transport(&mut self, room: RoomId, transport: TransportId) {
        if let Some(place) = self.rooms.get_mut(&room) {
            let receiver = place.receivers.remove(&transport);
            for consumer in receiver.into_iter().flat_map(|receiver| receiver.consumers) {
                place.consumers.remove(&consumer);
            }
        }
    }

    /// A session is gone with all its transports.
    pub fn forget_session(&mut self, room: RoomId, session: SessionId) {
        if let Some(place) = self.rooms.get_mut(&room) {
            place.forget_receivers(|_, receiver| receiver.session == session);
        }
    }

    /// A transport has subscribed to something.
    pub fn add_consumer(&mut self, room: RoomId, consumer: Uuid, transport: TransportId) {
        let Some(Place { home, receivers, consumers, .. }) = self.rooms.get_mut(&room) else { return };
        let receiver = receivers.get_mut(&transport).filter(|receiver| receiver.worker != *home);
        let Some(receiver) = receiver else { return };
        if receiver.consumers.len() >= CONSUMERS_MAX {
            for consumer in receiver.consumers.drain() {
                consumers.remove(&consumer);
            }
        }
        if consumers.insert(consumer, transport).is_none() {
            receiver.consumers.insert(consumer);
        }
    }

    /// A subscription is over.
    pub fn forget_consumer(&mut self, room: RoomId, consumer: Uuid) {
        let Some(Place { receivers, consumers, .. }) = self.rooms.get_mut(&room) else { return };
        let transport = consumers.remove(&consumer);
        if let Some(receiver) = transport.and_then(|transport| receivers.get_mut(&transport)) {
            receiver.consumers.remove(&consumer);
        }
    }

    /// The workers that may have a subscription, the likeliest first.
    pub fn workers_of_consumer(&self, room: RoomId, consumer: Uuid) -> Vec<usize> {
        let Some(place) = self.rooms.get(&room) else { return Vec::new() };
        let transport = place.consumers.get(&consumer);
        let known = transport.and_then(|transport| place.receivers.get(transport)).map(|it| it.worker);
        known.into_iter().chain(place.parts().filter(|&worker| Some(worker) != known)).collect()
    }

    /// The room is gone.
    pub fn forget(&mut self, room: RoomId) {
        self.rooms.remove(&room);
    }

    /// No room is placed.
    pub fn is_empty(&self) -> bool {
        self.rooms.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const IDLE: Load = Load { rooms: 0, transports: 0, cpu: 0.0 };
    const FULL: Load = Load { rooms: 1, transports: 500, cpu: 0.95 };

    fn loads(transports: [u64; 2]) -> [Load; 2] {
        transports.map(|transports| Load { transports, ..IDLE })
    }

    /// Places a transport that receives.
    fn receive(placement: &mut Placement, room: RoomId, session: SessionId, loads: &[Load]) -> usize {
        let transport = TransportId::random();
        let (worker, is_new) = placement.place_receiver(room, session, transport, loads).unwrap();
        assert!(is_new);
        placement.add_branch(room, worker);
        worker
    }

    /// Workers of so many transports that receive, one after the other.
    fn receivers(placement: &mut Placement, room: RoomId, loads: &[Load], count: usize) -> Vec<usize> {
        (0..count).map(|_| receive(placement, room, SessionId::random(), loads)).collect()
    }

    #[test]
    fn a_burst_of_rooms_spreads_although_figures_are_old() {
        let mut placement = Placement::default();
        let chosen: Vec<_> =
            (0..4).filter_map(|_| placement.place(RoomId::random(), &loads([0, 0]))).collect();
        assert_eq!(chosen, [0, 1, 0, 1]);
    }

    #[test]
    fn a_worker_with_many_transports_or_no_time_is_left_alone() {
        let mut placement = Placement::default();
        assert_eq!(placement.place(RoomId::random(), &loads([40, 3])), Some(1));
        let crowded = [Load { transports: 400, cpu: 0.1, ..IDLE }, Load { transports: 3, cpu: 0.7, ..IDLE }];
        assert_eq!(placement.place(RoomId::random(), &crowded), Some(0));
    }

    #[test]
    fn rooms_that_a_worker_has_told_of_are_not_counted_twice() {
        let mut placement = Placement::default();
        for _ in 0..20 {
            assert_eq!(placement.place(RoomId::random(), &loads([0, 1000])), Some(0));
        }
        // Twenty rooms of two are forty transports, not eighty.
        let told = [Load { rooms: 20, transports: 40, ..IDLE }, Load { rooms: 1, transports: 60, ..IDLE }];
        assert_eq!(placement.place(RoomId::random(), &told), Some(0));
        // Those whose people have not come yet count as much as they will be.
        let empty = [Load { rooms: 21, ..IDLE }, Load { rooms: 1, transports: 30, ..IDLE }];
        assert_eq!(placement.place(RoomId::random(), &empty), Some(1));
    }

    #[test]
    fn a_room_stays_until_it_is_forgotten() {
        let mut placement = Placement::default();
        let room = RoomId::random();
        assert_eq!(placement.place(room, &loads([0, 5])), Some(0));
        assert_eq!(placement.place(room, &loads([9, 0])), Some(0));
        placement.forget(room);
        assert_eq!(placement.home_of(room), None);
        assert!(placement.is_empty());
    }

    #[test]
    fn a_small_room_is_not_divided_because_its_worker_is_busy() {
        let (mut placement, room) = (Placement::default(), RoomId::random());
        placement.place(room, &[IDLE, IDLE]);
        let busy = [Load { cpu: 0.8, ..FULL }, IDLE];
        assert_eq!(receivers(&mut placement, room, &busy, DIVIDED_FROM), [0; DIVIDED_FROM]);
        assert_eq!(receivers(&mut placement, room, &busy, 2), [1, 1], "a larger one is");
        assert_eq!(placement.parts_of(room), [0, 1]);
    }

    #[test]
    fn whom_a_worker_has_no_time_for_at_all_another_one_takes() {
        let (mut placement, room) = (Placement::default(), RoomId::random());
        placement.place(room, &[IDLE, IDLE]);
        assert_eq!(receivers(&mut placement, room, &[FULL, IDLE], 3), [1, 1, 1]);
        assert_eq!(receivers(&mut placement, room, &[FULL, FULL], 3), [0, 0, 0], "unless it has none either");
    }

    #[test]
    fn a_large_room_fills_one_worker_after_the_other_and_then_all_alike() {
        let (mut placement, room) = (Placement::default(), RoomId::random());
        let idle = [IDLE; 3];
        placement.place(room, &idle);
        let workers = receivers(&mut placement, room, &idle, 3 * PART_MAX + 30);
        let count = |worker| workers.iter().filter(|chosen| **chosen == worker).count();
        assert_eq!([count(0), count(1), count(2)], [PART_MAX + 10; 3]);
        assert_eq!(workers[..PART_MAX], [0; PART_MAX]);
    }

    #[test]
    fn those_who_come_while_a_branch_opens_are_counted_there() {
        let (mut placement, room) = (Placement::default(), RoomId::random());
        let idle = [IDLE; 3];
        placement.place(room, &idle);
        let mut counts = [0; 3];
        for _ in 0..3 * PART_MAX {
            let (session, transport) = (SessionId::random(), TransportId::random());
            let (worker, _) = placement.place_receiver(room, session, transport, &idle).unwrap();
            counts[worker] += 1;
        }
        assert_eq!(placement.parts_of(room), [0], "none of them is open yet");
        assert_eq!(counts, [PART_MAX; 3]);
    }

    #[test]
    fn where_nobody_has_time_no_branch_is_opened() {
        let (mut placement, room) = (Placement::default(), RoomId::random());
        placement.place(room, &[IDLE, IDLE]);
        assert_eq!(receivers(&mut placement, room, &[FULL, FULL], 300), [0; 300]);
    }

    #[test]
    fn what_a_session_receives_by_is_all_on_one_worker() {
        let (mut placement, room, session) = (Placement::default(), RoomId::random(), SessionId::random());
        placement.place(room, &[IDLE, IDLE]);
        receivers(&mut placement, room, &[IDLE, IDLE], PART_MAX);
        let first = receive(&mut placement, room, session, &[IDLE, IDLE]);
        assert_eq!(first, 1);
        let elsewhere = receivers(&mut placement, room, &[IDLE, FULL, IDLE], 1);
        assert_eq!(elsewhere, [2]);
        assert_eq!(
            receive(&mut placement, room, session, &[IDLE, FULL, IDLE]),
            first,
            "as long as it has one"
        );
        placement.forget_session(room, session);
        assert_eq!(receive(&mut placement, room, session, &[IDLE, FULL, IDLE]), 2);
    }

    #[test]
    fn transports_and_subscriptions_are_found_where_they_are() {
        let (mut placement, room, session) = (Placement::default(), RoomId::random(), SessionId::random());
        placement.place(room, &[IDLE, IDLE]);
        placement.add_branch(room, 1);
        let (here, there) = (TransportId::random(), TransportId::random());
        placement.add_receiver(room, there, session, 1);
        assert_eq!(placement.worker_of_transport(room, here), Some(0));
        assert_eq!(placement.worker_of_transport(room, there), Some(1));
        let again = placement.place_receiver(room, session, there, &[IDLE, IDLE]);
        assert_eq!(again, Some((1, false)), "asked for again");
        let consumer = Uuid::from_u128(7);
        assert_eq!(placement.workers_of_consumer(room, consumer), [0, 1]);
        placement.add_consumer(room, consumer, there);
        assert_eq!(placement.workers_of_consumer(room, consumer), [1, 0]);
        placement.forget_consumer(room, consumer);
        assert_eq!(placement.workers_of_consumer(room, consumer), [0, 1]);
        placement.forget_session(room, session);
        assert_eq!(placement.worker_of_transport(room, there), Some(0));
    }

    #[test]
    fn subscriptions_are_forgotten_with_what_has_them() {
        let (mut placement, room, session) = (Placement::default(), RoomId::random(), SessionId::random());
        placement.place(room, &[IDLE, IDLE]);
        placement.add_branch(room, 1);
        let remembered = |placement: &Placement| placement.rooms[&room].consumers.len();
        let ways: [fn(&mut Placement, RoomId, SessionId, TransportId); 3] = [
            |placement, room, _, transport| placement.forget_transport(room, transport),
            |placement, room, session, _| placement.forget_session(room, session),
            |placement, _, _, transport| {
                placement.forget_ended(&HashSet::from([transport]), &HashSet::new());
            },
        ];
        for forget in ways {
            let transport = TransportId::random();
            placement.add_receiver(room, transport, session, 1);
            for number in 0..2 * CONSUMERS_MAX as u128 {
                placement.add_consumer(room, Uuid::from_u128(number), transport);
            }
            assert_eq!(remembered(&placement), CONSUMERS_MAX, "the latest, and no more than that");
            placement.forget_consumer(room, Uuid::from_u128(2 * CONSUMERS_MAX as u128 - 1));
            assert_eq!(remembered(&placement), CONSUMERS_MAX - 1);
            forget(&mut placement, room, session, transport);
            assert_eq!(remembered(&placement), 0);
        }
        // Nobody knows of a transport that is gone, and at home nobody has to look for anything.
        let (gone, at_home) = (TransportId::random(), TransportId::random());
        placement.add_receiver(room, at_home, session, 0);
        placement.add_consumer(room, Uuid::from_u128(1), gone);
        placement.add_consumer(room, Uuid::from_u128(2), at_home);
        assert_eq!(remembered(&placement), 0);
    }

    #[test]
    fn whose_end_was_not_heard_is_forgotten_when_everything_is_listed() {
        let (mut placement, room, session) = (Placement::default(), RoomId::random(), SessionId::random());
        placement.place(room, &[IDLE, IDLE]);
        placement.add_branch(room, 1);
        let [stays, ended, coming, new] = [(); 4].map(|()| TransportId::random());
        for transport in [stays, ended, coming] {
            assert!(placement.add_receiver(room, transport, session, 1));
        }
        placement.confirm_receiver(room, stays);
        placement.confirm_receiver(room, ended);
        let confirmed = placement.confirmed();
        assert_eq!(confirmed, HashSet::from([stays, ended]));
        // While the workers list what they have, another one comes.
        placement.add_receiver(room, new, session, 1);
        placement.confirm_receiver(room, new);
        placement.forget_ended(&confirmed, &HashSet::from([stays]));
        let worker = |transport| placement.worker_of_transport(room, transport);
        assert_eq!([stays, ended, coming, new].map(worker), [Some(1), Some(0), Some(1), Some(1)]);
    }

    /// A worker as it may tell of itself.
    fn told() -> impl Strategy<Value = Load> {
        (0_u64..50, 0_u64..500, 0.0_f32..1.0).prop_map(|(rooms, transports, cpu)| Load {
            rooms,
            transports,
            cpu,
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

        /// Rooms come, people come and go, and what workers tell of themselves is anything.
        #[test]
        fn whatever_workers_tell_what_is_placed_is_found_and_spread(
            steps in prop::collection::vec((prop::collection::vec(told(), 4), 0_usize..6, 1_usize..60, 0_u8..10), 1..40),
        ) {
            let mut placement = Placement::default();
            let mut rooms: Vec<(RoomId, Vec<(TransportId, usize)>)> = Vec::new();
            for (loads, which, people, fate) in steps {
                if fate < 3 || rooms.is_empty() {
                    let room = RoomId::random();
                    let home = placement.place(room, &loads).unwrap();
                    // Whoever has no time is not chosen while another one has.
                    prop_assert!(loads[home].cpu < BUSY || loads.iter().all(|load| load.cpu >= BUSY));
                    prop_assert_eq!(placement.parts_of(room), [home]);
                    rooms.push((room, Vec::new()));
                    continue;
                }
                let at = which % rooms.len();
                let (room, placed) = &mut rooms[at];
                let home = placement.home_of(*room).unwrap();
                match fate {
                    3 => {
                        placement.forget(*room);
                        prop_assert!(placement.parts_of(*room).is_empty());
                        rooms.swap_remove(at);
                        continue;
                    }
                    4 => placed.drain(..people.min(placed.len())).for_each(|(transport, _)| {
                        placement.forget_transport(*room, transport);
                    }),
                    _ => for _ in 0..people {
                        let (session, transport) = (SessionId::random(), TransportId::random());
                        let parts = placement.parts_of(*room);
                        let small = placed.iter().filter(|(_, worker)| *worker == home).count() < DIVIDED_FROM;
                        let (worker, is_new) =
                            placement.place_receiver(*room, session, transport, &loads).unwrap();
                        prop_assert!(is_new && worker < loads.len());
                        if small && loads[home].cpu < OVERLOADED {
                            prop_assert_eq!(worker, home, "a small room is where it is");
                        }
                        if !parts.contains(&worker) {
                            prop_assert!(loads[worker].cpu < BUSY, "only one with time becomes a part");
                        }
                        placement.add_branch(*room, worker);
                        placed.push((transport, worker));
                    },
                }
                for (transport, worker) in placed.iter() {
                    prop_assert_eq!(placement.worker_of_transport(*room, *transport), Some(*worker));
                    prop_assert!(placement.parts_of(*room).contains(worker));
                }
            }
        }

        /// However many rooms come between two looks at the workers, they are shared out as if all had been there.
        #[test]
        fn rooms_that_come_at_once_are_shared_out(before in prop::collection::vec(0_u64..100, 2..6), count in 1_usize..200) {
            let loads: Vec<_> = before.iter().map(|&transports| Load { transports, ..IDLE }).collect();
            let mut placement = Placement::default();
            let mut transports = before;
            for _ in 0..count {
                let home = placement.place(RoomId::random(), &loads).unwrap();
                let fewest = *transports.iter().min().unwrap();
                prop_assert_eq!(transports[home], fewest);
                transports[home] += EXPECTED_TRANSPORTS;
            }
        }
    }
}
