//! Connections and delivery: who is connected, which connections an audience has, and who writes to them.
//!
//! A connection belongs to an outlet: the part of a dialect that says an event in its words and writes it. The hub
//! hands each outlet an event once, with all of its connections that are to hear it, so it is rendered once.

mod listeners;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use metrics::{counter, gauge};

use crate::domain::actor::Actor;
use crate::domain::event::{Audience, DomainEvent};
use crate::domain::id::{CampusId, UserId};
use crate::domain::participant::ConnectionId;

pub use listeners::{Listener, Listeners};

/// Says events in one dialect and writes them to its connections. Never waits: a connection that cannot take an event
/// it must not miss is closed, and its client comes back to the state as it is then.
pub trait Outlet: Send + Sync + 'static {
    /// Delivers one event to these connections, all of this outlet, in the order of the calls. Says which of them did
    /// not take it.
    fn deliver(&self, event: &DomainEvent, to: &[ConnectionId]) -> Vec<ConnectionId>;
}

/// Which outlet a connection belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct OutletId(usize);

/// All connections of this process.
#[derive(Clone, Default)]
pub struct Hub(Arc<Inner>);

#[derive(Default)]
struct Inner {
    last_id: AtomicU64,
    /// Set up at the start, one per dialect that has connections.
    outlets: RwLock<Vec<Arc<dyn Outlet>>>,
    connections: RwLock<Connections>,
    listeners: Listeners,
}

/// As many as there are open sockets, which the listeners bound, and found by whose they are.
#[derive(Default)]
struct Connections {
    all: HashMap<ConnectionId, Connection>,
    of_user: HashMap<UserId, Vec<ConnectionId>>,
    of_campus: HashMap<CampusId, HashSet<ConnectionId>>,
}

struct Connection {
    outlet: OutletId,
    user: Option<UserId>,
    campus: Option<CampusId>,
}

impl Hub {
    /// Adds an outlet.
    pub fn add_outlet(&self, outlet: Arc<dyn Outlet>) -> OutletId {
        let mut outlets = self.0.outlets.write().unwrap_or_else(PoisonError::into_inner);
        outlets.push(outlet);
        OutletId(outlets.len() - 1)
    }

    /// A number for a connection that is about to exist.
    pub fn next_id(&self) -> ConnectionId {
        ConnectionId(self.0.last_id.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// A connection is open. True when it is the first of its account.
    pub fn connect(&self, id: ConnectionId, outlet: OutletId, actor: &Actor) -> bool {
        let connection = Connection { outlet, user: actor.user_id(), campus: actor.campus().cloned() };
        let mut connections = self.0.connections.write().unwrap_or_else(PoisonError::into_inner);
        let first = connections.add(id, connection);
        gauge!("plenum_sockets").set(connections.all.len() as f64);
        first
    }

    /// A connection is gone. True when it was the last of its account.
    pub fn disconnect(&self, id: ConnectionId) -> bool {
        self.0.listeners.forget(id);
        let mut connections = self.0.connections.write().unwrap_or_else(PoisonError::into_inner);
        let last = connections.remove(id);
        gauge!("plenum_sockets").set(connections.all.len() as f64);
        last
    }

    /// Who listens to which chat room.
    pub fn listeners(&self) -> &Listeners {
        &self.0.listeners
    }

    /// How many connections are open.
    pub fn connections(&self) -> usize {
        self.0.connections.read().unwrap_or_else(PoisonError::into_inner).all.len()
    }

    /// Delivers to an audience that is not found inside a meeting.
    pub fn publish(&self, audience: &Audience, event: &DomainEvent) {
        self.deliver(event, &self.find(audience));
    }

    /// The connections of an audience that is not found inside a meeting.
    pub fn find(&self, audience: &Audience) -> Vec<ConnectionId> {
        self.0.connections.read().unwrap_or_else(PoisonError::into_inner).heard_by(audience)
    }

    /// Delivers to these connections; says which of them did not take it, or are gone.
    pub fn deliver(&self, event: &DomainEvent, to: &[ConnectionId]) -> Vec<ConnectionId> {
        let mut missed = Vec::new();
        let mut by_outlet: BTreeMap<OutletId, Vec<ConnectionId>> = BTreeMap::new();
        {
            let connections = self.0.connections.read().unwrap_or_else(PoisonError::into_inner);
            for id in to {
                match connections.all.get(id) {
                    Some(connection) => by_outlet.entry(connection.outlet).or_default().push(*id),
                    None => missed.push(*id),
                }
            }
        }
        for (outlet, to) in by_outlet {
            counter!("plenum_events_out_total", "event" => event.name()).increment(to.len() as u64);
            let outlet = self.0.outlets.read().unwrap_or_else(PoisonError::into_inner).get(outlet.0).cloned();
            if let Some(outlet) = outlet {
                let not_taken = outlet.deliver(event, &to);
                counter!("plenum_events_missed_total").increment(not_taken.len() as u64);
                missed.extend(not_taken);
            }
        }
        missed
    }
}

impl Connections {
    fn add(&mut self, id: ConnectionId, connection: Connection) -> bool {
        if let Some(campus) = &connection.campus {
            self.of_campus.entry(campus.clone()).or_default().insert(id);
        }
        let first = connection.user.is_some_and(|user| {
            let own = self.of_user.entry(user).or_default();
            own.push(id);
            own.len() == 1
        });
        self.all.insert(id, connection);
        first
    }

    fn remove(&mut self, id: ConnectionId) -> bool {
        let Some(gone) = self.all.remove(&id) else { return false };
        if let Some(campus) = &gone.campus
            && let Some(others) = self.of_campus.get_mut(campus)
        {
            others.remove(&id);
            if others.is_empty() {
                self.of_campus.remove(campus);
            }
        }
        let Some(user) = gone.user else { return false };
        let Some(own) = self.of_user.get_mut(&user) else { return true };
        own.retain(|one| *one != id);
        let last = own.is_empty();
        if last {
            self.of_user.remove(&user);
        }
        last
    }

    fn heard_by(&self, audience: &Audience) -> Vec<ConnectionId> {
        match audience {
            Audience::Accounts(users) => {
                let users: HashSet<_> = users.iter().collect();
                users.into_iter().filter_map(|user| self.of_user.get(user)).flatten().copied().collect()
            }
            Audience::Campus { campus, except } => {
                let all = self.of_campus.get(campus).into_iter().flatten();
                all.filter(|id| *id != except).copied().collect()
            }
            Audience::World => self.all.keys().copied().collect(),
            Audience::Everyone
            | Audience::AllBut(_)
            | Audience::Running
            | Audience::One(_)
            | Audience::These(_) => Vec::new(),
        }
    }
}
