//! Which worker owns which room. A room stays where it was created.

use plenum_shared::id::RoomId;
use std::collections::HashMap;

/// Transports a room will have soon after it was created: one participant's two. Keeps a burst of new rooms, which the
/// workers' figures do not show yet, from landing on one worker.
const EXPECTED_TRANSPORTS: u64 = 2;

/// Rooms by worker. Bounded by what the workers accept: a refused creation is forgotten at once.
#[derive(Debug, Default)]
pub struct Placement {
    workers: HashMap<RoomId, usize>,
}

impl Placement {
    /// The worker that owns the room.
    pub fn worker_of(&self, room: RoomId) -> Option<usize> {
        self.workers.get(&room).copied()
    }

    /// Chooses the owner of a new room: the worker with fewest transports, as they count them (`transports[worker]`),
    /// or the present owner of one that is placed already.
    pub fn place(&mut self, room: RoomId, transports: &[u64]) -> Option<usize> {
        if let Some(worker) = self.worker_of(room) {
            return Some(worker);
        }
        let mut load = transports.to_vec();
        self.workers.values().for_each(|worker| load[*worker] += EXPECTED_TRANSPORTS);
        let (worker, _) = load.iter().enumerate().min_by_key(|(_, load)| **load)?;
        self.workers.insert(room, worker);
        Some(worker)
    }

    /// The room is gone.
    pub fn forget(&mut self, room: RoomId) {
        self.workers.remove(&room);
    }

    /// No room is placed.
    pub fn is_empty(&self) -> bool {
        self.workers.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_of_rooms_spreads_although_figures_are_old() {
        let mut placement = Placement::default();
        let chosen: Vec<_> = (0..4).filter_map(|_| placement.place(RoomId::random(), &[0, 0])).collect();
        assert_eq!(chosen, [0, 1, 0, 1]);
    }

    #[test]
    fn a_busy_worker_is_left_alone() {
        let mut placement = Placement::default();
        assert_eq!(placement.place(RoomId::random(), &[40, 3]), Some(1));
    }

    #[test]
    fn a_room_stays_until_it_is_forgotten() {
        let mut placement = Placement::default();
        let room = RoomId::random();
        assert_eq!(placement.place(room, &[0, 5]), Some(0));
        assert_eq!(placement.place(room, &[9, 0]), Some(0));
        placement.forget(room);
        assert_eq!(placement.worker_of(room), None);
        assert!(placement.is_empty());
    }
}
