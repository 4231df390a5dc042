//! Who listens to which chat room: connections that asked to, after their access was checked.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::domain::account::Account;
use crate::domain::actor::Actor;
use crate::domain::id::{ChatRoomId, UserId};
use crate::domain::participant::ConnectionId;

/// Rooms one connection may listen to: as many as one account's list has. Beyond it no room is added.
const ROOMS_PER_CONNECTION_MAX: usize = 500;

/// A connection that listens, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    pub connection: ConnectionId,
    pub user: UserId,
    pub actor: Arc<Actor>,
}

/// Everybody who listens.
#[derive(Default)]
pub struct Listeners(RwLock<Inner>);

/// As many entries as there are connections, times [`ROOMS_PER_CONNECTION_MAX`] at worst.
#[derive(Default)]
struct Inner {
    by_room: HashMap<ChatRoomId, HashSet<ConnectionId>>,
    by_connection: HashMap<ConnectionId, Subscriber>,
}

struct Subscriber {
    listener: Listener,
    rooms: HashSet<ChatRoomId>,
}

impl Listener {
    /// A connection of an account.
    pub fn new(connection: ConnectionId, account: &Account) -> Self {
        Self { connection, user: account.id, actor: Arc::new(Actor::Account(account.clone())) }
    }
}

impl Listeners {
    /// A connection listens from now on. False when it listens to too many rooms already.
    pub fn add(&self, listener: &Listener, room: ChatRoomId) -> bool {
        let mut inner = self.write();
        let fresh = || Subscriber { listener: listener.clone(), rooms: HashSet::new() };
        let subscriber = inner.by_connection.entry(listener.connection).or_insert_with(fresh);
        if !subscriber.rooms.contains(&room) && subscriber.rooms.len() >= ROOMS_PER_CONNECTION_MAX {
            return false;
        }
        subscriber.rooms.insert(room);
        inner.by_room.entry(room).or_default().insert(listener.connection);
        true
    }

    /// A connection listens no more to a room.
    pub fn remove(&self, connection: ConnectionId, room: ChatRoomId) {
        self.write().cut(connection, room);
    }

    /// A connection is gone; says what it listened to.
    pub fn forget(&self, connection: ConnectionId) -> Vec<ChatRoomId> {
        let mut inner = self.write();
        let Some(gone) = inner.by_connection.remove(&connection) else { return Vec::new() };
        for room in &gone.rooms {
            inner.cut(connection, *room);
        }
        gone.rooms.into_iter().collect()
    }

    /// Nobody listens to a room but those who still may.
    pub fn retain(&self, room: ChatRoomId, may: impl Fn(&Actor) -> bool) {
        for listener in self.of(room) {
            if !may(&listener.actor) {
                self.remove(listener.connection, room);
            }
        }
    }

    /// Who listens to a room.
    pub fn of(&self, room: ChatRoomId) -> Vec<Listener> {
        let inner = self.read();
        let listening = inner.by_room.get(&room).into_iter().flatten();
        listening.filter_map(|id| inner.by_connection.get(id)).map(|one| one.listener.clone()).collect()
    }

    /// Whether a connection listens to a room.
    pub fn listens(&self, connection: ConnectionId, room: ChatRoomId) -> bool {
        self.read().by_connection.get(&connection).is_some_and(|one| one.rooms.contains(&room))
    }

    /// The rooms that connections of an account listen to.
    pub fn rooms_of(&self, user: UserId) -> HashSet<ChatRoomId> {
        let inner = self.read();
        let own = inner.by_connection.values().filter(|one| one.listener.user == user);
        own.flat_map(|one| one.rooms.iter().copied()).collect()
    }

    /// Whether nobody listens to anything.
    pub fn is_empty(&self) -> bool {
        self.read().by_room.is_empty()
    }

    fn read(&self) -> RwLockReadGuard<'_, Inner> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Inner> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn cut(&mut self, connection: ConnectionId, room: ChatRoomId) {
        if let Some(listening) = self.by_room.get_mut(&room) {
            listening.remove(&connection);
            if listening.is_empty() {
                self.by_room.remove(&room);
            }
        }
        if let Some(subscriber) = self.by_connection.get_mut(&connection) {
            subscriber.rooms.remove(&room);
            if subscriber.rooms.is_empty() {
                self.by_connection.remove(&connection);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::actor::Guest;
    use crate::domain::id::{MeetingId, ParticipantId};

    fn listener(n: u64) -> Listener {
        let guest =
            Guest { session: ParticipantId::generate(), meeting: MeetingId::generate(), name: "Ada".into() };
        Listener {
            connection: ConnectionId(n),
            user: UserId::generate(),
            actor: Arc::new(Actor::Guest(guest)),
        }
    }

    #[test]
    fn what_was_listened_to_is_gone_with_the_connection() {
        let listeners = Listeners::default();
        let (ada, bob, room) = (listener(1), listener(2), ChatRoomId::generate());
        assert!(listeners.add(&ada, room) && listeners.add(&bob, room));
        assert_eq!(listeners.rooms_of(ada.user), HashSet::from([room]));
        assert_eq!(listeners.forget(ada.connection), [room]);
        assert_eq!(listeners.of(room), std::slice::from_ref(&bob));
        listeners.remove(bob.connection, room);
        assert!(listeners.is_empty() && listeners.forget(bob.connection).is_empty());
    }

    #[test]
    fn whoever_lost_a_room_hears_it_no_more() {
        let listeners = Listeners::default();
        let (ada, bob, room) = (listener(1), listener(2), ChatRoomId::generate());
        listeners.add(&ada, room);
        listeners.add(&bob, room);
        listeners.retain(room, |actor| *actor == *bob.actor);
        assert_eq!(listeners.of(room), std::slice::from_ref(&bob));
    }

    #[test]
    fn kcs_ws_24_one_connection_listens_to_so_many_rooms_and_no_more() {
        let (listeners, ada) = (Listeners::default(), listener(1));
        let rooms: Vec<_> = (0..ROOMS_PER_CONNECTION_MAX).map(|_| ChatRoomId::generate()).collect();
        assert!(rooms.iter().all(|room| listeners.add(&ada, *room)));
        assert!(listeners.add(&ada, rooms[0]), "what is listened to is no further room");
        let one_more = ChatRoomId::generate();
        assert!(!listeners.add(&ada, one_more));
        assert!(listeners.of(one_more).is_empty());
        listeners.remove(ada.connection, rooms[0]);
        assert!(listeners.add(&ada, one_more));
    }
}
