//! Messages inside a meeting: stored, then delivered (C-52).

use crate::domain::actor::Actor;
use crate::domain::chat::{ChatMessage, MessageKind, Place, Recipient, message_text};
use crate::domain::error::DomainError;
use crate::domain::id::{MeetingId, MessageId};
use crate::domain::limit::{Budget, LimitedAction};
use crate::domain::participant::ConnectionId;
use crate::live::Live;
use crate::service::admissions::meeting_id;
use crate::service::clock::Clock;
use crate::service::limits::Limits;
use crate::service::participants::explain;
use crate::store::Store;

/// Whom a message is for, as the sender says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    All,
    Hosts,
    /// Session, roster line or account.
    Private(String),
}

/// The chat of running meetings.
#[derive(Clone)]
pub struct Chat {
    live: Live,
    store: Store,
    limits: Limits,
    clock: Clock,
}

impl Chat {
    /// The chat of the meetings of `live`.
    pub fn new(live: Live, store: Store, limits: Limits, clock: Clock) -> Self {
        Self { live, store, limits, clock }
    }

    /// Stores a message and delivers it to everybody inside who may read it, the sender included.
    ///
    /// # Errors
    /// Not inside, chat switched off, nobody of that name, text out of bounds, too many messages.
    pub async fn send(
        &self,
        actor: &Actor,
        connection: ConnectionId,
        meeting: &str,
        text: &str,
        to: Address,
        budget: Budget,
    ) -> Result<ChatMessage, DomainError> {
        let meeting = meeting_id(meeting)?;
        let text = message_text("message", text, false)?;
        let composed = self.compose(connection, meeting, text, to).await;
        let message = explain(&self.store, meeting, composed).await?;
        let sender = actor.user_id().map_or_else(|| format!("{:?}", message.sender), |user| user.to_string());
        self.limits.check(LimitedAction::ChatMessage, &format!("{sender} {meeting}"), budget)?;
        self.store.insert_message(&message).await?;
        let stored = message.clone();
        // Whoever was in the meeting a moment ago sent it, even if the meeting is over by now.
        let _ = self.live.with(meeting, move |live, _| Ok((vec![live.deliver(stored)], ()))).await;
        Ok(message)
    }

    async fn compose(
        &self,
        connection: ConnectionId,
        meeting: MeetingId,
        text: String,
        to: Address,
    ) -> Result<ChatMessage, DomainError> {
        let (id, sent_at) = (MessageId::generate(), self.clock.now());
        let compose = move |live: &mut crate::domain::live::LiveMeeting| {
            let sender = live.may_chat(connection)?;
            let recipient = match &to {
                Address::All => Recipient::All,
                Address::Hosts => Recipient::Hosts,
                Address::Private(named) => live.recipient(named)?,
            };
            Ok(ChatMessage {
                id,
                place: Place::Meeting(meeting),
                sender: sender.person.sender(),
                sender_name: sender.name.clone(),
                text,
                kind: MessageKind::Text,
                recipient,
                attachments: Vec::new(),
                mentions: Vec::new(),
                sent_at,
                edited_at: None,
                deleted: false,
            })
        };
        self.live.with(meeting, move |live, _| Ok((Vec::new(), compose(live)?))).await
    }
}
