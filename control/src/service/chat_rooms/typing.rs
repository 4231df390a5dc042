//! Typing in rooms: told when it begins, and when it ends, be it by itself (RT-11).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::Instant;

use super::ChatRooms;
use super::telling::chat;
use crate::domain::actor::Actor;
use crate::domain::chat_event::ChatEvent;
use crate::domain::error::DomainError;
use crate::domain::id::{ChatRoomId, UserId};
use crate::domain::limit::{Budget, LimitedAction};
use crate::domain::participant::ConnectionId;
use crate::domain::policy::rooms::RoomAction;
use crate::domain::typing::Typists;
use crate::hub::Hub;
use crate::service::clock::Clock;

/// Who types where.
type Who = (ChatRoomId, UserId);

/// Everybody who types in a room, and the task that ends what was not taken back.
#[derive(Clone)]
pub(super) struct Typing(Arc<Inner>);

struct Inner {
    typists: Mutex<Typists<Who>>,
    /// A typing began, so there may be a nearer end now; or nobody is left to begin one.
    changed: Arc<Notify>,
    hub: Hub,
    clock: Clock,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.changed.notify_one();
    }
}

impl Typing {
    pub fn start(hub: Hub, clock: Clock) -> Self {
        let changed = Arc::new(Notify::new());
        let inner = Arc::new(Inner { typists: Mutex::default(), changed: changed.clone(), hub, clock });
        let watched = Arc::downgrade(&inner);
        tokio::spawn(async move {
            while let Some(typing) = watched.upgrade().map(Self) {
                typing.end(|typists| typists.expired(Instant::now().into_std()));
                let next = typing.typists().next_deadline();
                drop(typing);
                match next {
                    Some(at) => {
                        let _ = tokio::time::timeout_at(at.into(), changed.notified()).await;
                    }
                    None => changed.notified().await,
                }
            }
        });
        Self(inner)
    }

    /// A connection is gone; what it listens to must still be known.
    pub fn disconnected(&self, connection: ConnectionId) {
        self.end(|typists| typists.disconnected(connection));
    }

    /// Somebody types no more, if he did.
    pub fn stopped(&self, who: Who) {
        if self.typists().stopped(who) {
            self.tell(who, false);
        }
    }

    /// Tells the end of whatever `ended` takes out.
    fn end(&self, ended: impl FnOnce(&mut Typists<Who>) -> Vec<Who>) {
        let ended = ended(&mut self.typists());
        for who in ended {
            self.tell(who, false);
        }
    }

    /// To those who listen to the room, without the one who types; he listens too, which is how we know his name.
    fn tell(&self, (room, user): Who, typing: bool) {
        let listeners = self.0.hub.listeners().of(room);
        let own = listeners.iter().find(|one| one.user == user);
        let name = own.map(|own| own.actor.name().to_owned()).unwrap_or_default();
        let to: Vec<_> = listeners.iter().filter(|one| one.user != user).map(|one| one.connection).collect();
        let event = ChatEvent::Typing { room, user, name, typing, at: self.0.clock.now() };
        self.0.hub.deliver(&chat(event), &to);
    }

    fn typists(&self) -> MutexGuard<'_, Typists<Who>> {
        self.0.typists.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ChatRooms {
    /// Somebody types in a room he listens to, or stops doing so.
    ///
    /// # Errors
    /// Does not listen to the room, may not write there, too often.
    pub async fn type_in(
        &self,
        actor: &Actor,
        connection: ConnectionId,
        room: &str,
        typing: bool,
        budget: Budget,
    ) -> Result<ChatRoomId, DomainError> {
        let user = actor.user_id().ok_or(DomainError::Forbidden)?;
        let id = ChatRoomId::parse(room.trim()).ok_or(DomainError::ChatRoomNotFound)?;
        if !self.hub.listeners().listens(connection, id) {
            return Err(DomainError::Forbidden);
        }
        let who = (id, user);
        if !typing {
            self.typing.stopped(who);
            return Ok(id);
        }
        let (believed, tell) = {
            let mut typists = self.typing.typists();
            (typists.is_typing(who), typists.typed(who, connection, Instant::now().into_std()))
        };
        self.typing.0.changed.notify_one();
        if tell {
            self.acted(user);
            if let Err(refusal) = self.may_type(actor, user, room, budget).await {
                // Who was told of a beginning hears the end too.
                let ended = self.typing.typists().stopped(who);
                if ended && believed {
                    self.typing.tell(who, false);
                }
                return Err(refusal);
            }
            // It may have ended while the room was looked up: nothing would end it a second time.
            if self.typing.typists().is_typing(who) {
                self.typing.tell(who, true);
            }
        }
        Ok(id)
    }

    async fn may_type(
        &self,
        actor: &Actor,
        user: UserId,
        room: &str,
        budget: Budget,
    ) -> Result<(), DomainError> {
        self.limits.check(LimitedAction::ChatTyping, &user.to_string(), budget)?;
        let room = self.open(actor, room, RoomAction::Write).await?;
        self.name_inside(user, &room).await.map(|_| ())
    }

    /// Whoever sent what he typed types no more.
    pub fn stop_typing(&self, user: UserId, room: ChatRoomId) {
        self.typing.stopped((room, user));
    }
}
