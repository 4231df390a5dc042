//! Who hears what about a room: those who listen to it, those inside the meeting it is, and single people.

use std::collections::HashSet;

use super::ChatRooms;
use crate::domain::chat::{ChatMessage, Recipient};
use crate::domain::chat_event::{ChatEvent, Notification};
use crate::domain::event::{Audience, DomainEvent};
use crate::domain::id::{ChatRoomId, UserId};
use crate::domain::meeting::Meeting;
use crate::domain::participant::ConnectionId;
use crate::domain::receipt::TOLD_ONE_BY_ONE_MAX;
use crate::domain::role::Role;
use crate::hub::Listener;

impl ChatRooms {
    /// A stored message goes to everybody inside the meeting, if the room is one, and to everybody who listens, as far
    /// as they may read it. Says which listening accounts it reached.
    pub(super) async fn tell_sent(
        &self,
        message: &ChatMessage,
        meeting: Option<&Meeting>,
    ) -> HashSet<UserId> {
        if let Some(meeting) = meeting {
            let stored = message.clone();
            // Whoever was in the meeting a moment ago sent it, even if the meeting is over by now.
            let _ = self.live.with(meeting.id, move |live, _| Ok((live.deliver(stored), ()))).await;
        }
        let listeners = self.readers(message, meeting);
        let event = ChatEvent::Sent { message: Box::new(message.clone()), at: self.clock.now() };
        let missed: HashSet<_> =
            self.hub.deliver(&chat(event), &connections(&listeners)).into_iter().collect();
        let took = listeners.iter().filter(|listener| !missed.contains(&listener.connection));
        took.map(|listener| listener.user).collect()
    }

    /// Writes down whom a message reached, and tells the sender.
    pub(super) async fn note_delivery(&self, message: &ChatMessage, mut reached: HashSet<UserId>) {
        let Some(sender) = message.sender.user() else { return };
        reached.remove(&sender);
        let (reached, at) = (reached.into_iter().collect::<Vec<_>>(), self.clock.now());
        // A failure is logged by the store; the message is there all the same.
        if reached.is_empty() || self.store.note_delivered(message.id, &reached, at).await.is_err() {
            return;
        }
        if reached.len() > TOLD_ONE_BY_ONE_MAX {
            return;
        }
        let to = self.hub.find(&Audience::Accounts(vec![sender]));
        let (room, id) = (message.place.room(), message.id);
        for user in reached {
            self.hub.deliver(&chat(ChatEvent::Delivered { room, message: id, to: user, at }), &to);
        }
    }

    /// Something happened to a message: heard by those who may read it, among the listeners and, in a meeting, also
    /// among those inside who do not listen.
    pub(super) async fn tell_about(
        &self,
        message: &ChatMessage,
        meeting: Option<&Meeting>,
        event: ChatEvent,
    ) {
        let mut to = connections(&self.readers(message, meeting));
        if let Some(meeting) = meeting {
            let about = message.clone();
            let inside = self.live.look(meeting.id, move |live| live.readers(&about)).await;
            let listening: HashSet<_> = to.iter().copied().collect();
            to.extend(inside.into_iter().flatten().filter(|id| !listening.contains(id)));
        }
        self.hub.deliver(&chat(event), &to);
    }

    /// To everybody who listens to a room but one account.
    pub(super) fn tell_room(&self, room: ChatRoomId, except: Option<UserId>, event: ChatEvent) {
        let listeners = self.hub.listeners().of(room);
        let to: Vec<_> =
            listeners.iter().filter(|one| Some(one.user) != except).map(|one| one.connection).collect();
        self.hub.deliver(&chat(event), &to);
    }

    /// To every connection of these people.
    pub(super) fn notify(&self, to: &[UserId], notification: Notification) {
        let event = ChatEvent::Notified { notification, at: self.clock.now() };
        self.hub.publish(&Audience::Accounts(to.to_vec()), &chat(event));
    }

    /// Nothing of a room reaches this account any more.
    pub(super) fn forget_listener(&self, room: ChatRoomId, user: UserId) {
        self.stop_typing(user, room);
        self.hub.listeners().retain(room, |actor| actor.user_id() != Some(user));
    }

    /// Who listens and may read the message.
    fn readers(&self, message: &ChatMessage, meeting: Option<&Meeting>) -> Vec<Listener> {
        let mut listeners = self.hub.listeners().of(message.place.room());
        if message.recipient == Recipient::All {
            return listeners;
        }
        listeners.retain(|listener| {
            let role = meeting.and_then(|meeting| meeting.role_of(&listener.actor));
            let reader = crate::domain::chat::Sender::User(listener.user);
            message.visible_to(reader, role.is_some_and(Role::runs_meeting))
        });
        listeners
    }
}

/// A chat event as the hub takes it.
pub(super) fn chat(event: ChatEvent) -> DomainEvent {
    DomainEvent::Chat(Box::new(event))
}

fn connections(listeners: &[Listener]) -> Vec<ConnectionId> {
    listeners.iter().map(|listener| listener.connection).collect()
}
