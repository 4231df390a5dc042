//! Listening to rooms: a connection asks once, its access is checked, and what happens there reaches it (CHAT-03).

use std::collections::HashSet;

use super::ChatRooms;
use crate::domain::account::Account;
use crate::domain::actor::Actor;
use crate::domain::error::DomainError;
use crate::domain::history::ROOMS_MAX;
use crate::domain::id::ChatRoomId;
use crate::domain::limit::{Budget, LimitedAction};
use crate::domain::participant::ConnectionId;
use crate::domain::policy::rooms::RoomAction;
use crate::hub::Listener;

/// Rooms that are no standing ones of the account, looked up for one request: each may be a meeting with a long roster.
const MEETINGS_MAX: usize = 50;

impl ChatRooms {
    /// Has a connection listen to rooms. Says to which of them it listens now, in the order asked for; those without
    /// access and those too many are left out.
    ///
    /// # Errors
    /// Too often.
    pub async fn listen(
        &self,
        actor: &Actor,
        connection: ConnectionId,
        rooms: &[String],
        budget: Budget,
    ) -> Result<Vec<ChatRoomId>, DomainError> {
        let account = actor.account().ok_or(DomainError::Forbidden)?;
        self.limits.check(LimitedAction::Read, &account.id.to_string(), budget)?;
        let mut wanted: Vec<ChatRoomId> = Vec::new();
        for id in rooms.iter().take(ROOMS_MAX as usize).filter_map(|id| ChatRoomId::parse(id.trim())) {
            if !wanted.contains(&id) {
                wanted.push(id);
            }
        }
        self.acted(account.id);
        wanted = self.accessible(actor, account, wanted).await?;
        let listener = Listener::new(connection, account);
        wanted.retain(|room| self.hub.listeners().add(&listener, *room));
        // Whoever was removed between the look and the listening was not found among the listeners by whoever removed
        // him; so a second look decides.
        let still: HashSet<_> = self.accessible(actor, account, wanted.clone()).await?.into_iter().collect();
        for lost in wanted.iter().filter(|room| !still.contains(room)) {
            self.hub.listeners().remove(connection, *lost);
        }
        wanted.retain(|room| still.contains(room));
        Ok(wanted)
    }

    /// A connection listens no more to a room, and types no more there. Whoever did not listen has nothing to leave.
    ///
    /// # Errors
    /// No room can have that id.
    pub fn stop_listening(
        &self,
        actor: &Actor,
        connection: ConnectionId,
        room: &str,
    ) -> Result<ChatRoomId, DomainError> {
        let user = actor.user_id().ok_or(DomainError::Forbidden)?;
        let room = ChatRoomId::parse(room.trim()).ok_or(DomainError::ChatRoomNotFound)?;
        if self.hub.listeners().listens(connection, room) {
            self.stop_typing(user, room);
            self.hub.listeners().remove(connection, room);
        }
        Ok(room)
    }

    async fn accessible(
        &self,
        actor: &Actor,
        account: &Account,
        rooms: Vec<ChatRoomId>,
    ) -> Result<Vec<ChatRoomId>, DomainError> {
        let own: HashSet<_> = self.store.chat_room_ids_of(account).await?.into_iter().collect();
        let mut accessible = Vec::new();
        let mut looked_up = 0;
        for room in rooms {
            looked_up += usize::from(!own.contains(&room));
            let is_open = match own.contains(&room) {
                true => true,
                false if looked_up > MEETINGS_MAX => false,
                false => self.open_by_id(actor, room).await?,
            };
            if is_open {
                accessible.push(room);
            }
        }
        Ok(accessible)
    }

    async fn open_by_id(&self, actor: &Actor, room: ChatRoomId) -> Result<bool, DomainError> {
        match self.load(actor, room).await {
            Ok(room) => Ok(room.allows(actor, RoomAction::Read).is_ok()),
            Err(DomainError::ChatRoomNotFound) => Ok(false),
            Err(error) => Err(error),
        }
    }
}
