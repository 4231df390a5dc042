//! Who is there: connections of every dialect come and go, and the campus hears of an account's first and last (C-47).

use time::OffsetDateTime;

use crate::domain::actor::Actor;
use crate::domain::event::{Audience, DomainEvent};
use crate::domain::id::UserId;
use crate::domain::participant::ConnectionId;
use crate::hub::{Hub, OutletId};
use crate::service::chat_rooms::ChatRooms;
use crate::service::clock::Clock;

/// The comings and goings of connections.
#[derive(Clone)]
pub struct Presence {
    hub: Hub,
    rooms: ChatRooms,
    clock: Clock,
}

impl Presence {
    /// Of the connections of `hub`.
    pub fn new(hub: Hub, rooms: ChatRooms, clock: Clock) -> Self {
        Self { hub, rooms, clock }
    }

    /// A connection is open, and its outlet can deliver to it.
    pub fn connected(&self, id: ConnectionId, outlet: OutletId, actor: &Actor) {
        if self.hub.connect(id, outlet, actor) {
            self.tell_campus(id, actor, |user, name, at| DomainEvent::UserOnline { user, name, at });
        }
        self.rooms.connected(actor);
    }

    /// A connection is gone.
    pub async fn disconnected(&self, id: ConnectionId, actor: &Actor) {
        self.rooms.disconnected(actor, id).await;
        if self.hub.disconnect(id) {
            self.tell_campus(id, actor, |user, name, at| DomainEvent::UserOffline { user, name, at });
        }
    }

    fn tell_campus(
        &self,
        except: ConnectionId,
        actor: &Actor,
        event: impl FnOnce(UserId, String, OffsetDateTime) -> DomainEvent,
    ) {
        let Some(account) = actor.account() else { return };
        let event = event(account.id, account.name.clone(), self.clock.now());
        self.hub.publish(&Audience::Campus { campus: account.campus.clone(), except }, &event);
    }
}
