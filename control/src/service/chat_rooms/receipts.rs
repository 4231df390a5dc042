//! Who got a message and who has seen it (CHAT-04).

use std::collections::HashSet;

use super::ChatRooms;
use super::telling::chat;
use crate::domain::actor::Actor;
use crate::domain::chat_event::ChatEvent;
use crate::domain::error::DomainError;
use crate::domain::event::Audience;
use crate::domain::id::{ChatRoomId, MessageId, UserId};
use crate::domain::limit::{Budget, LimitedAction};
use crate::domain::policy::rooms::RoomAction;
use crate::domain::receipt::{MARKED_AT_ONCE_MAX, Marks, Receipt, TOLD_ONE_BY_ONE_MAX, marks};

impl ChatRooms {
    /// Marks messages of a room as seen. Says which of them there are to be seen; only what was not seen before is told.
    ///
    /// # Errors
    /// No access, too many at once, too often.
    pub async fn mark_seen(
        &self,
        actor: &Actor,
        room: &str,
        messages: &[String],
        budget: Budget,
    ) -> Result<(ChatRoomId, Vec<MessageId>), DomainError> {
        let reader = actor.user_id().ok_or(DomainError::Forbidden)?;
        self.limits.check(LimitedAction::ChatReceipt, &reader.to_string(), budget)?;
        if messages.len() > MARKED_AT_ONCE_MAX {
            return Err(DomainError::invalid("messageIds", format!("at most {MARKED_AT_ONCE_MAX}")));
        }
        let room = self.open(actor, room, RoomAction::Read).await?;
        self.acted(reader);
        let ids: Vec<MessageId> = messages.iter().filter_map(|id| MessageId::parse(id.trim())).collect();
        let stored = self.store.chat_messages(room.place(), &ids).await?;
        let marks = marks(reader, room.runs_meeting(), &stored);
        let (id, marked) = (room.place().room(), marks.marked.clone());
        let at = self.clock.now();
        let fresh = self.store.mark_seen(reader, &marked, at).await?;
        self.tell_seen(id, reader, marks.only(&fresh), at);
        Ok((id, marked))
    }

    fn tell_seen(&self, room: ChatRoomId, by: UserId, marks: Marks, at: time::OffsetDateTime) {
        if !marks.public.is_empty() {
            self.tell_room(room, None, ChatEvent::SeenInRoom { room, by, messages: marks.public, at });
        }
        let listening: HashSet<UserId> =
            self.hub.listeners().of(room).into_iter().map(|listener| listener.user).collect();
        if listening.len() > TOLD_ONE_BY_ONE_MAX {
            return;
        }
        for (message, sender) in marks.by_sender {
            let event = ChatEvent::Seen { room, message, by, at };
            self.hub.publish(&Audience::Accounts(vec![sender]), &chat(event));
        }
    }

    /// Who got a message and who has seen it, the earliest first.
    ///
    /// # Errors
    /// `MessageNotFound`.
    pub async fn receipts(&self, actor: &Actor, id: &str) -> Result<Vec<Receipt>, DomainError> {
        let (message, _) = self.find(actor, id).await?;
        self.store.receipts(message.id).await
    }
}
