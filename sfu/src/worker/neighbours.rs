//! The way between the workers of a node: to each of the others a queue of what must not be lost, and a ring of packets.
//!
//! What is told before a packet is read before it: the reader counts the packets there are, then takes what it was told by
//! then, and only then those packets. While something told finds no room, packets are refused.

use super::{
    ring::{Reader, Writer, ring},
    sleep::Sleep,
};
use crate::engine::{
    egress::Class,
    relay::{Head, PACKET_BYTES_MAX, Relay, WorkerIndex, message::Message},
};
use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use mio::Waker;
use plenum_shared::id::RoomId;
use std::{
    collections::VecDeque,
    fmt, io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

/// Packets in one ring: 100 ms of what one core can open. What waits longer than that is late anyway.
const PACKETS_MAX: usize = 1024;
/// Of those, places that only sound may take.
const SPARED_FOR_SOUND: usize = PACKETS_MAX / 8;
/// Messages waiting for one worker. They come with commands, of which at most a thousand wait anywhere, with joining and
/// leaving, and once a second for each viewer. Beyond it they wait with the sender, packets are refused, and so is what may be.
const TOLD_MAX: usize = 16_384;
/// Bytes of messages that may be lost and wait for one worker.
const HEAVY_BYTES_MAX: usize = 4 << 20;
/// Of those, bytes of one room: several times what its clients send in a moment, and whatever happens in one there is something
/// left for the others.
const ROOM_BYTES_MAX: usize = HEAVY_BYTES_MAX / 4;
/// Rooms share so many accounts, by the last bits of their names, which are random.
const ROOM_ACCOUNTS: usize = 64;
/// What one of them takes beside its payload.
const HEAVY_BYTES_EACH: usize = 512;
/// Packets taken from one ring between two looks at the sockets, as many as one look at a socket may bring: a worker that is
/// behind must not stop hearing its own clients.
const PACKETS_PER_TURN: usize = 64;

/// A slot of a ring.
struct Packet {
    head: Option<Head>,
    len: usize,
    bytes: [u8; PACKET_BYTES_MAX],
}

impl fmt::Debug for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Packet").field("head", &self.head).field("len", &self.len).finish_non_exhaustive()
    }
}

/// What goes through the queue.
#[derive(Debug)]
enum Told {
    Message(Message),
    /// One that might have been refused, and what it was let in for.
    Heavy(Message, Weight),
    /// The reader's end of a ring that begins here.
    Ring(Reader<Packet>),
}

/// How much waits for one worker of what may be lost.
#[derive(Debug)]
struct Heavy {
    bytes: AtomicUsize,
    by_account: [AtomicUsize; ROOM_ACCOUNTS],
}

/// What one message adds to it.
#[derive(Debug)]
struct Weight {
    bytes: usize,
    account: usize,
}

impl Default for Heavy {
    fn default() -> Self {
        Self { bytes: AtomicUsize::new(0), by_account: [const { AtomicUsize::new(0) }; ROOM_ACCOUNTS] }
    }
}

impl Heavy {
    /// Several that ask at once may exceed what may wait, by as many messages.
    fn let_in(&self, room: RoomId, bytes: usize) -> Option<Weight> {
        let account = (room.0.as_u128() % ROOM_ACCOUNTS as u128) as usize;
        for (waiting, most) in [(&self.bytes, HEAVY_BYTES_MAX), (&self.by_account[account], ROOM_BYTES_MAX)] {
            if waiting.load(Ordering::Relaxed) + bytes > most {
                return None;
            }
        }
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.by_account[account].fetch_add(bytes, Ordering::Relaxed);
        Some(Weight { bytes, account })
    }

    fn let_out(&self, Weight { bytes, account }: Weight) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.by_account[account].fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// One worker as the others reach it.
#[derive(Clone, Debug)]
struct Door {
    told: Sender<(WorkerIndex, Told)>,
    heavy: Arc<Heavy>,
    sleep: Arc<Sleep>,
    waker: Arc<Waker>,
}

/// What comes from the other workers.
#[derive(Debug)]
pub struct Arrivals {
    told: Receiver<(WorkerIndex, Told)>,
    heavy: Arc<Heavy>,
    /// At most one for each other worker, with how many of its packets are to be taken next.
    rings: Vec<(Reader<Packet>, usize)>,
    /// How much of what was told is to be taken before those packets.
    unheard: usize,
    /// The most packets that waited in one of them, since somebody asked.
    most_waiting: usize,
    sleep: Arc<Sleep>,
    /// There are other workers.
    has_neighbours: bool,
}

/// The way to the other workers.
#[derive(Debug)]
pub struct Neighbours {
    own: WorkerIndex,
    roads: Vec<Road>,
}

#[derive(Debug)]
struct Road {
    door: Door,
    /// Made with the first packet.
    ring: Option<Writer<Packet>>,
    /// What the queue had no room for.
    untold: VecDeque<Told>,
    /// Something was told or given since it was last woken.
    is_news: bool,
}

/// One end of each kind for each worker, whose polls are interrupted by these wakers.
pub fn neighbours(wakers: Vec<Arc<Waker>>) -> Vec<(Neighbours, Arrivals)> {
    let has_neighbours = wakers.len() > 1;
    let open = |waker| {
        let (sender, told) = bounded(if has_neighbours { TOLD_MAX } else { 0 });
        let (heavy, sleep) = (Arc::new(Heavy::default()), Arc::new(Sleep::default()));
        let door = Door { told: sender, heavy: heavy.clone(), sleep: sleep.clone(), waker };
        (
            door,
            Arrivals { told, heavy, rings: Vec::new(), unheard: 0, most_waiting: 0, sleep, has_neighbours },
        )
    };
    let (doors, arrivals): (Vec<Door>, Vec<Arrivals>) = wakers.into_iter().map(open).unzip();
    let ends = (0..).zip(arrivals).map(|(own, arrivals)| {
        let roads = doors.iter().map(|door| Road::to(door.clone())).collect();
        (Neighbours { own: WorkerIndex(own), roads }, arrivals)
    });
    ends.collect()
}

impl Road {
    fn to(door: Door) -> Self {
        Road { door, ring: None, untold: VecDeque::new(), is_news: false }
    }

    /// Queues something behind what waits already.
    fn tell(&mut self, from: WorkerIndex, told: Told) {
        self.is_news = true;
        self.untold.push_back(told);
        self.deliver(from);
    }

    fn deliver(&mut self, from: WorkerIndex) {
        while let Some(told) = self.untold.pop_front() {
            match self.door.told.try_send((from, told)) {
                Ok(()) => self.is_news = true,
                Err(TrySendError::Full((_, told))) => return self.untold.push_front(told),
                // That worker has ended, and the process is about to.
                Err(TrySendError::Disconnected(_)) => {}
            }
        }
    }

    fn push(&mut self, from: WorkerIndex, class: Class, head: &Head, bytes: &[u8]) -> bool {
        if self.ring.is_none() {
            let empty = || Packet { head: None, len: 0, bytes: [0; PACKET_BYTES_MAX] };
            let (writer, reader) = ring((0..PACKETS_MAX).map(|_| empty()));
            self.ring = Some(writer);
            self.tell(from, Told::Ring(reader));
        }
        let Some(ring) =
            self.ring.as_mut().filter(|_| self.untold.is_empty() && bytes.len() <= PACKET_BYTES_MAX)
        else {
            return false;
        };
        let spare = if class == Class::Video { SPARED_FOR_SOUND } else { 0 };
        self.is_news = true;
        ring.push(spare, |slot| {
            (slot.head, slot.len) = (Some(*head), bytes.len());
            slot.bytes[..bytes.len()].copy_from_slice(bytes);
        })
    }

    /// Returns whether nothing that was told is left.
    fn flush(&mut self, from: WorkerIndex) -> bool {
        self.deliver(from);
        if std::mem::take(&mut self.is_news) && self.door.sleep.must_be_woken() {
            // A waker that fails belongs to a poll that is gone, and the worker with it.
            let _ = self.door.waker.wake();
        }
        self.untold.is_empty()
    }
}

impl Relay for Neighbours {
    fn tell(&mut self, to: WorkerIndex, message: Message) {
        if let Some(road) = self.roads.get_mut(usize::from(to.0)) {
            road.tell(self.own, Told::Message(message));
        }
    }

    fn offer(&mut self, to: WorkerIndex, message: Message, bytes: usize) -> bool {
        let Some(road) = self.roads.get_mut(usize::from(to.0)) else { return false };
        if !road.untold.is_empty() {
            return false;
        }
        let weight = road.door.heavy.let_in(message.room, bytes + HEAVY_BYTES_EACH);
        weight.map(|weight| road.tell(self.own, Told::Heavy(message, weight))).is_some()
    }

    fn push(&mut self, to: WorkerIndex, class: Class, head: &Head, bytes: &[u8]) -> bool {
        let road = self.roads.get_mut(usize::from(to.0));
        road.is_some_and(|road| road.push(self.own, class, head, bytes))
    }

    fn flush(&mut self) -> bool {
        let mut all = true;
        for road in &mut self.roads {
            all &= road.flush(self.own);
        }
        all
    }
}

impl Arrivals {
    /// The worker is about to sleep. Returns whether it may: nothing has come.
    pub fn fall_asleep(&mut self) -> bool {
        if !self.has_neighbours {
            return true;
        }
        self.sleep.begin();
        self.told.is_empty() && self.rings.iter_mut().all(|(ring, _)| ring.available() == 0)
    }

    /// The worker is awake.
    pub fn wake_up(&self) {
        if self.has_neighbours {
            self.sleep.end();
        }
    }

    /// Counts the packets that [`Arrivals::take_packet`] gives next, and what was told before them and is to be taken first.
    /// It has to be [`Arrivals::is_heard`].
    pub fn count(&mut self) {
        for (ring, counted) in &mut self.rings {
            let waiting = ring.available();
            self.most_waiting = self.most_waiting.max(waiting);
            *counted = waiting.min(PACKETS_PER_TURN);
        }
        self.unheard = self.told.len();
    }

    /// All that was told before the counted packets has been taken.
    pub fn is_heard(&self) -> bool {
        self.unheard == 0
    }

    /// The most packets that waited in one ring since the last call.
    pub fn take_most_waiting(&mut self) -> usize {
        std::mem::take(&mut self.most_waiting)
    }

    /// The next thing that was told before the counted packets. What comes while those are taken can wait.
    pub fn take_message(&mut self) -> Option<(WorkerIndex, Message)> {
        loop {
            self.unheard = self.unheard.checked_sub(1)?;
            match self.told.try_recv().ok()? {
                (from, Told::Message(message)) => return Some((from, message)),
                (from, Told::Heavy(message, weight)) => {
                    self.heavy.let_out(weight);
                    return Some((from, message));
                }
                (_, Told::Ring(reader)) => self.rings.push((reader, 0)),
            }
        }
    }

    /// Gives the next of the packets that were counted, once all that was told before them is taken. Returns whether there was one.
    pub fn take_packet<R>(&mut self, take: impl FnOnce(&Head, &[u8]) -> R) -> Option<R> {
        if !self.is_heard() {
            return None;
        }
        let (ring, counted) = self.rings.iter_mut().find(|(_, counted)| *counted > 0)?;
        *counted -= 1;
        let taken = ring.pop(|slot| {
            let bytes = slot.bytes.get(..slot.len)?;
            slot.head.as_ref().map(|head| take(head, bytes))
        });
        taken.flatten()
    }
}

/// The waker of a worker's poll, as [`neighbours`] wants it.
pub fn waker(poll: &mio::Poll) -> io::Result<Arc<Waker>> {
    Ok(Arc::new(Waker::new(poll.registry(), super::WAKER)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::relay::{
        Body,
        message::{ToBranch, Told as Direction},
    };
    use mio::Poll;
    use plenum_shared::id::ProducerId;
    use uuid::Uuid;

    const OTHER: WorkerIndex = WorkerIndex(1);

    fn two() -> (Vec<Poll>, Neighbours, Arrivals) {
        let polls: Vec<_> = (0..2).map(|_| Poll::new().unwrap()).collect();
        let mut ends = neighbours(polls.iter().map(|poll| waker(poll).unwrap()).collect());
        let (_, arrivals) = ends.pop().unwrap();
        let (ours, _) = ends.pop().unwrap();
        (polls, ours, arrivals)
    }

    fn head(index: u64) -> Head {
        let (room, producer) = (RoomId::random(), ProducerId::random());
        Head { room, producer, stream: 0, generation: 0, index, body: Body::Video }
    }

    fn open() -> Message {
        of(RoomId::random())
    }

    fn of(room: RoomId) -> Message {
        Message { room, body: Direction::ToBranch(ToBranch::Open) }
    }

    /// Takes all that was told by now. Returns how many messages that were.
    fn hear(arrivals: &mut Arrivals) -> usize {
        arrivals.count();
        std::iter::from_fn(|| arrivals.take_message()).count()
    }

    #[test]
    fn packets_come_as_they_were_given_and_sound_has_room_of_its_own() {
        let (_polls, mut ours, mut theirs) = two();
        let given =
            (0..).take_while(|&index| ours.push(OTHER, Class::Video, &head(index), &[index as u8; 1200]));
        assert_eq!(given.count(), PACKETS_MAX - SPARED_FOR_SOUND);
        assert!(ours.push(OTHER, Class::Audio, &head(7777), b"sound"));
        assert!(
            !ours.push(OTHER, Class::Audio, &head(7777), &[0; PACKET_BYTES_MAX + 1]),
            "no path carries that"
        );
        assert_eq!(hear(&mut theirs), 0);
        for index in 0..(PACKETS_MAX - SPARED_FOR_SOUND) as u64 {
            if index.is_multiple_of(PACKETS_PER_TURN as u64) {
                assert_eq!(theirs.take_packet(|head, _| head.index), None, "so many are enough at a time");
                theirs.count();
            }
            let whole = theirs.take_packet(|head, bytes| (head.index, bytes == [index as u8; 1200]));
            assert_eq!(whole, Some((index, true)));
        }
        theirs.count();
        assert_eq!(
            theirs.take_packet(|head, bytes| (head.index, bytes.to_vec())),
            Some((7777, b"sound".to_vec()))
        );
        assert_eq!(theirs.take_packet(|head, _| head.index), None);
        assert_eq!(theirs.take_most_waiting(), PACKETS_MAX - SPARED_FOR_SOUND + 1);
        assert_eq!(theirs.take_most_waiting(), 0);
    }

    #[test]
    fn what_is_offered_is_refused_while_much_waits_and_what_is_told_is_not() {
        let (_polls, mut ours, mut theirs) = two();
        // Messages without any content take memory as well.
        let offered = (0..TOLD_MAX * 2).take_while(|_| ours.offer(OTHER, open(), 0)).count();
        assert_eq!(offered, HEAVY_BYTES_MAX / HEAVY_BYTES_EACH);
        ours.tell(OTHER, open());
        assert_eq!(hear(&mut theirs), offered + 1);
        let room = RoomId::random();
        assert!(ours.offer(OTHER, of(room), ROOM_BYTES_MAX / 2));
        assert!(!ours.offer(OTHER, of(room), ROOM_BYTES_MAX / 2));
        assert_eq!(hear(&mut theirs), 1);
        assert!(ours.offer(OTHER, of(room), ROOM_BYTES_MAX / 2));
        assert_eq!(hear(&mut theirs), 1);
        // While something told has no room, nothing may be put before it.
        (0..TOLD_MAX + 1).for_each(|_| ours.tell(OTHER, open()));
        assert!(!ours.offer(OTHER, open(), 0));
        assert!(!ours.flush(), "it is to be flushed again");
        assert_eq!(hear(&mut theirs), TOLD_MAX);
        assert!(ours.flush() && ours.offer(OTHER, open(), 0));
    }

    #[test]
    fn a_room_that_floods_leaves_something_for_the_others() {
        let (_polls, mut ours, mut theirs) = two();
        let [flooding, other] = [1, 2].map(|name| RoomId(Uuid::from_u128(name)));
        let flood =
            |ours: &mut Neighbours| (0..).take_while(|_| ours.offer(OTHER, of(flooding), 1000)).count();
        let most = ROOM_BYTES_MAX / (1000 + HEAVY_BYTES_EACH);
        assert_eq!(flood(&mut ours), most);
        assert!(ours.offer(OTHER, of(other), 1000));
        assert_eq!(hear(&mut theirs), most + 1);
        assert_eq!(flood(&mut ours), most);
    }

    #[test]
    fn what_is_told_is_never_refused_and_is_read_before_the_packets_after_it() {
        let (_polls, mut ours, mut theirs) = two();
        for _ in 0..TOLD_MAX + 5 {
            ours.tell(OTHER, open());
        }
        assert!(!ours.push(OTHER, Class::Audio, &head(1), &[]), "it would overtake");
        assert_eq!(hear(&mut theirs), TOLD_MAX);
        ours.flush();
        assert!(ours.push(OTHER, Class::Audio, &head(1), &[]));
        assert_eq!(hear(&mut theirs), 5);
        ours.tell(OTHER, open());
        theirs.count();
        assert_eq!(theirs.take_packet(|head, _| head.index), None, "something was told");
        assert!(theirs.take_message().is_some() && theirs.take_message().is_none());
        assert_eq!(theirs.take_packet(|head, _| head.index), Some(1));
    }

    #[test]
    fn whoever_sleeps_is_woken_once_and_whoever_has_something_does_not_sleep() {
        let (mut polls, mut ours, mut theirs) = two();
        let mut events = mio::Events::with_capacity(4);
        let mut woken = || {
            polls[1].poll(&mut events, Some(std::time::Duration::ZERO)).unwrap();
            !events.is_empty()
        };
        ours.tell(OTHER, open());
        ours.flush();
        assert!(!woken(), "it is awake");
        assert!(!theirs.fall_asleep());
        assert_eq!(hear(&mut theirs), 1);
        assert!(theirs.fall_asleep());
        ours.tell(OTHER, open());
        ours.flush();
        assert!(woken());
        ours.tell(OTHER, open());
        ours.flush();
        assert!(!woken(), "it was woken already");
    }
}
