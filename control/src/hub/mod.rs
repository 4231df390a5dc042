//! Connections and delivery: who is connected, which connections an audience has, and who writes to them.
//!
//! A connection belongs to an outlet: the part of a dialect that says an event in its words and writes it. The hub
//! hands each outlet an event once, with all of its connections that are to hear it, so it is rendered once.

mod listeners;

use std::collections::{BTreeMap, HashMap};
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
    /// As many as there are open sockets, which the listeners bound.
    connections: RwLock<HashMap<ConnectionId, Connection>>,
    listeners: Listeners,
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
        let first = !connections.values().any(|other| other.user == connection.user);
        connections.insert(id, connection);
        gauge!("plenum_sockets").set(connections.len() as f64);
        first
    }

    /// A connection is gone. True when it was the last of its account.
    pub fn disconnect(&self, id: ConnectionId) -> bool {
        self.0.listeners.forget(id);
        let mut connections = self.0.connections.write().unwrap_or_else(PoisonError::into_inner);
        let gone = connections.remove(&id);
        gauge!("plenum_sockets").set(connections.len() as f64);
        gone.is_some_and(|gone| !connections.values().any(|other| other.user == gone.user))
    }

    /// Who listens to which chat room.
    pub fn listeners(&self) -> &Listeners {
        &self.0.listeners
    }

    /// How many connections are open.
    pub fn connections(&self) -> usize {
        self.0.connections.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Delivers to an audience that is not found inside a meeting.
    pub fn publish(&self, audience: &Audience, event: &DomainEvent) {
        self.deliver(event, &self.find(audience));
    }

    /// The connections of an audience that is not found inside a meeting.
    pub fn find(&self, audience: &Audience) -> Vec<ConnectionId> {
        let connections = self.0.connections.read().unwrap_or_else(PoisonError::into_inner);
        connections.iter().filter(|(id, c)| hears(audience, **id, c)).map(|(id, _)| *id).collect()
    }

    /// Delivers to these connections; says which of them did not take it, or are gone.
    pub fn deliver(&self, event: &DomainEvent, to: &[ConnectionId]) -> Vec<ConnectionId> {
        let mut missed = Vec::new();
        let mut by_outlet: BTreeMap<OutletId, Vec<ConnectionId>> = BTreeMap::new();
        {
            let connections = self.0.connections.read().unwrap_or_else(PoisonError::into_inner);
            for id in to {
                match connections.get(id) {
                    Some(connection) => by_outlet.entry(connection.outlet).or_default().push(*id),
                    None => missed.push(*id),
                }
            }
        }
        for (outlet, to) in by_outlet {
            counter!("plenum_events_out_total", "event" => event.name()).increment(to.len() as u64);
            let outlet = self.0.outlets.read().unwrap_or_else(PoisonError::into_inner).get(outlet.0).cloned();
            if let Some(outlet) = outlet {
                missed.extend(outlet.deliver(event, &to));
            }
        }
        missed
    }
}

fn hears(audience: &Audience, id: ConnectionId, connection: &Connection) -> bool {
    match audience {
        Audience::Accounts(users) => connection.user.is_some_and(|user| users.contains(&user)),
        Audience::Campus { campus, except } => id != *except && connection.campus.as_ref() == Some(campus),
        Audience::World => true,
        Audience::Everyone
        | Audience::AllBut(_)
        | Audience::Running
        | Audience::One(_)
        | Audience::These(_) => false,
    }
}
