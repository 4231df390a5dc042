//! Where rooms are: the worker at which each is at home, those that have a branch of it, and which receiving transport is
//! where. A room stays where it was created.

use plenum_shared::id::{RoomId, SessionId, TransportId};
use std::collections::HashMap;
use uuid::Uuid;

/// Transports a room will have soon after it was created: one participant's two. Keeps a burst of new rooms, which the
/// workers' figures do not show yet, from landing on one worker.
const EXPECTED_TRANSPORTS: u64 = 2;
/// A room is not divided before so many transports receive at home: whatever it would gain is lost by what crosses.
const DIVIDED_FROM: usize = 32;
/// A worker that is this busy (share of its core) takes no more receiving transports while another one is less.
const BUSY: f32 = 0.5;
/// Receiving transports of one room that one worker takes, as long as another one has fewer. Of a picture of 1.5 Mbit/s they
/// take a tenth of a core or two; the figures are a second old, and more may come at once than they show.
const PART_MAX: usize = 200;
/// Subscriptions of one room whose worker is remembered. When there are more, all are forgotten: whoever is not found at home
/// is then looked for on the branches.
const CONSUMERS_MAX: usize = 1 << 16;

/// A worker as it told last.
#[derive(Clone, Copy, Debug, Default)]
pub struct Load {
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
    /// Subscriptions on branches, of any kind.
    consumers: HashMap<Uuid, usize>,
}

#[derive(Debug)]
struct Receiver {
    session: SessionId,
    worker: usize,
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

    /// Chooses the home of a new room: the worker with fewest transports, or the present home of one that is placed already.
    pub fn place(&mut self, room: RoomId, loads: &[Load]) -> Option<usize> {
        if let Some(worker) = self.home_of(room) {
            return Some(worker);
        }
        let mut transports: Vec<_> = loads.iter().map(|load| load.transports).collect();
        self.rooms.values().for_each(|place| transports[place.home] += EXPECTED_TRANSPORTS);
        let (home, _) = transports.iter().enumerate().min_by_key(|(_, transports)| **transports)?;
        let place =
            Place { home, branches: Vec::new(), receivers: HashMap::new(), consumers: HashMap::new() };
        self.rooms.insert(room, place);
        Some(home)
    }

    /// Chooses the worker of a transport that will receive: home, as long as the room is small or its worker has time, else
    /// a part that has, else a worker that has and no part yet. One that is there already is asked for again where it is.
    pub fn place_receiver(&self, room: RoomId, transport: TransportId, loads: &[Load]) -> Option<usize> {
        let place = self.rooms.get(&room)?;
        if let Some(known) = place.receivers.get(&transport) {
            return Some(known.worker);
        }
        let counts = place.counts(loads.len());
        let count = |worker: usize| counts.get(worker).copied().unwrap_or_default();
        if count(place.home) < DIVIDED_FROM {
            return Some(place.home);
        }
        let has_time = |&worker: &usize| {
            loads.get(worker).is_some_and(|load| load.cpu < BUSY) && count(worker) < PART_MAX
        };
        let is_new = |worker: &usize| place.parts().all(|part| part != *worker);
        let new =
            (0..loads.len()).filter(is_new).filter(has_time).min_by_key(|&worker| loads[worker].transports);
        let fewest = || place.parts().min_by_key(|&worker| count(worker));
        place.parts().find(has_time).or(new).or_else(fewest)
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
    pub fn add_receiver(
        &mut self,
        room: RoomId,
        transport: TransportId,
        session: SessionId,
        worker: usize,
    ) -> bool {
        let Some(place) = self.rooms.get_mut(&room) else { return false };
        let is_new = !place.receivers.contains_key(&transport);
        place.receivers.entry(transport).or_insert(Receiver { session, worker });
        is_new
    }

    /// Where a transport is. Those that send, and those that nobody knows, are at home.
    pub fn worker_of_transport(&self, room: RoomId, transport: TransportId) -> Option<usize> {
        let place = self.rooms.get(&room)?;
        Some(place.receivers.get(&transport).map_or(place.home, |receiver| receiver.worker))
    }

    /// A transport is gone.
    pub fn forget_transport(&mut self, room: RoomId, transport: TransportId) {
        if let Some(place) = self.rooms.get_mut(&room) {
            place.receivers.remove(&transport);
        }
    }

    /// A session is gone with all its transports.
    pub fn forget_session(&mut self, room: RoomId, session: SessionId) {
        if let Some(place) = self.rooms.get_mut(&room) {
            place.receivers.retain(|_, receiver| receiver.session != session);
        }
    }

    /// A subscription was made.
    pub fn add_consumer(&mut self, room: RoomId, consumer: Uuid, worker: usize) {
        let Some(place) = self.rooms.get_mut(&room).filter(|place| place.home != worker) else { return };
        if place.consumers.len() >= CONSUMERS_MAX {
            place.consumers.clear();
        }
        place.consumers.insert(consumer, worker);
    }

    /// A subscription is over.
    pub fn forget_consumer(&mut self, room: RoomId, consumer: Uuid) {
        if let Some(place) = self.rooms.get_mut(&room) {
            place.consumers.remove(&consumer);
        }
    }

    /// The workers that may have a subscription, the likeliest first.
    pub fn workers_of_consumer(&self, room: RoomId, consumer: Uuid) -> Vec<usize> {
        let Some(place) = self.rooms.get(&room) else { return Vec::new() };
        let known = place.consumers.get(&consumer).copied();
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

    const IDLE: Load = Load { transports: 0, cpu: 0.0 };

    fn loads(transports: [u64; 2]) -> [Load; 2] {
        transports.map(|transports| Load { transports, cpu: 0.0 })
    }

    /// Workers of so many transports that receive, one after the other.
    fn receivers(placement: &mut Placement, room: RoomId, loads: &[Load], count: usize) -> Vec<usize> {
        let place = |_| {
            let transport = TransportId::random();
            let worker = placement.place_receiver(room, transport, loads).unwrap();
            placement.add_branch(room, worker);
            placement.add_receiver(room, transport, SessionId::random(), worker);
            worker
        };
        (0..count).map(place).collect()
    }

    #[test]
    fn a_burst_of_rooms_spreads_although_figures_are_old() {
        let mut placement = Placement::default();
        let chosen: Vec<_> =
            (0..4).filter_map(|_| placement.place(RoomId::random(), &loads([0, 0]))).collect();
        assert_eq!(chosen, [0, 1, 0, 1]);
    }

    #[test]
    fn a_busy_worker_is_left_alone() {
        let mut placement = Placement::default();
        assert_eq!(placement.place(RoomId::random(), &loads([40, 3])), Some(1));
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
    fn a_small_room_is_not_divided_however_busy_its_worker() {
        let (mut placement, room) = (Placement::default(), RoomId::random());
        placement.place(room, &[IDLE, IDLE]);
        let busy = [Load { transports: 500, cpu: 0.95 }, IDLE];
        assert_eq!(receivers(&mut placement, room, &busy, DIVIDED_FROM), [0; DIVIDED_FROM]);
        assert_eq!(receivers(&mut placement, room, &busy, 2), [1, 1], "a larger one is");
        assert_eq!(placement.parts_of(room), [0, 1]);
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
    fn where_nobody_has_time_no_branch_is_opened() {
        let (mut placement, room) = (Placement::default(), RoomId::random());
        placement.place(room, &[IDLE, IDLE]);
        let busy = [Load { transports: 500, cpu: 0.95 }; 2];
        assert_eq!(receivers(&mut placement, room, &busy, 300), [0; 300]);
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
        assert_eq!(placement.place_receiver(room, there, &[IDLE, IDLE]), Some(1), "asked for again");
        let consumer = Uuid::from_u128(7);
        assert_eq!(placement.workers_of_consumer(room, consumer), [0, 1]);
        placement.add_consumer(room, consumer, 1);
        assert_eq!(placement.workers_of_consumer(room, consumer), [1, 0]);
        placement.forget_consumer(room, consumer);
        placement.forget_session(room, session);
        assert_eq!(placement.workers_of_consumer(room, consumer), [0, 1]);
        assert_eq!(placement.worker_of_transport(room, there), Some(0));
    }
}
