//! Who is there, and in which mood, for those in the same rooms (CHAT-05).

use std::collections::HashSet;
use std::sync::{MutexGuard, PoisonError};

use time::OffsetDateTime;

use super::telling::chat;
use super::{ChatRooms, Room};
use crate::domain::account::Account;
use crate::domain::actor::Actor;
use crate::domain::chat_event::ChatEvent;
use crate::domain::error::DomainError;
use crate::domain::id::{ChatRoomId, UserId};
use crate::domain::limit::{Budget, LimitedAction};
use crate::domain::participant::ConnectionId;
use crate::domain::policy::rooms::RoomAction;
use crate::domain::presence::{Everybody, Status};

/// Somebody of a room who is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnlineUser {
    pub user: UserId,
    pub name: String,
    pub status: Status,
    pub last_seen: OffsetDateTime,
}

impl ChatRooms {
    /// A connection of an account is open.
    pub fn connected(&self, actor: &Actor) {
        let Some(account) = actor.account() else { return };
        let first = self.everybody().connected(account.id, self.clock.now());
        // On most servers, most of the time, nobody is there to hear it.
        if first && !self.hub.listeners().is_empty() {
            let (rooms, account) = (self.clone(), account.clone());
            tokio::spawn(async move { rooms.announce(&account, HashSet::new()).await });
        }
    }

    /// A connection is gone: it types no more and listens no more, and with the last of them the account is offline.
    pub async fn disconnected(&self, actor: &Actor, connection: ConnectionId) {
        let Some(account) = actor.account() else { return };
        self.typing.disconnected(connection);
        let listened: HashSet<ChatRoomId> = self.hub.listeners().forget(connection).into_iter().collect();
        let last = self.everybody().disconnected(account.id);
        if last {
            self.announce(account, listened).await;
        }
    }

    /// Chooses a mood; a change is told to the rooms the account is in.
    ///
    /// # Errors
    /// Too often.
    pub async fn choose_status(
        &self,
        actor: &Actor,
        status: Status,
        budget: Budget,
    ) -> Result<(), DomainError> {
        let account = actor.account().ok_or(DomainError::Forbidden)?;
        self.limits.check(LimitedAction::Write, &account.id.to_string(), budget)?;
        let changed = self.everybody().choose(account.id, status, self.clock.now());
        if changed {
            self.announce(account, HashSet::new()).await;
        }
        Ok(())
    }

    /// Who of a room is there.
    ///
    /// # Errors
    /// No access, too often.
    pub async fn online(
        &self,
        actor: &Actor,
        room: &str,
        budget: Budget,
    ) -> Result<(ChatRoomId, Vec<OnlineUser>), DomainError> {
        let user = actor.user_id().ok_or(DomainError::Forbidden)?;
        self.limits.check(LimitedAction::Read, &user.to_string(), budget)?;
        let room = self.open(actor, room, RoomAction::Read).await?;
        let people: Vec<(UserId, &str)> = match &room {
            Room::Standing(room) => room.members.iter().map(|m| (m.user, m.name.as_str())).collect(),
            Room::Meeting(meeting, _) => meeting.listed_users().collect(),
        };
        let everybody = self.everybody();
        let online = people.into_iter().filter_map(|(user, name)| {
            let presence = everybody.of(user)?;
            let (status, last_seen) = (presence.status, presence.last_seen);
            Some(OnlineUser { user, name: name.to_owned(), status, last_seen })
        });
        Ok((room.place().room(), online.collect()))
    }

    /// Somebody did something in chat.
    pub(super) fn acted(&self, user: UserId) {
        self.everybody().acted(user, self.clock.now());
    }

    /// Tells the rooms of an account how it is now. `also`: rooms that a connection which is gone listened to.
    async fn announce(&self, account: &Account, also: HashSet<ChatRoomId>) {
        if self.hub.listeners().is_empty() {
            return;
        }
        // A failure is logged by the store; the next change is told again.
        let Ok(own) = self.store.chat_room_ids_of(account).await else { return };
        let listened = self.hub.listeners().rooms_of(account.id);
        let rooms: HashSet<ChatRoomId> = own.into_iter().chain(listened).chain(also).collect();
        let mut told = HashSet::new();
        for listener in rooms.into_iter().flat_map(|room| self.hub.listeners().of(room)) {
            if listener.actor.reaches(&account.campus) {
                told.insert(listener.connection);
            }
        }
        let to: Vec<_> = told.into_iter().collect();
        let _last_word = self.announcing.lock().unwrap_or_else(PoisonError::into_inner);
        let status = self.everybody().of(account.id).map(|presence| presence.status);
        self.hub
            .deliver(&chat(ChatEvent::StatusChanged { user: account.id, status, at: self.clock.now() }), &to);
    }

    fn everybody(&self) -> MutexGuard<'_, Everybody> {
        self.everybody.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
