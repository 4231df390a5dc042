//! Messages inside a meeting, from those who are inside: composed here, stored and delivered as in every room (C-52).

use std::sync::Arc;

use crate::domain::actor::Actor;
use crate::domain::chat::{ChatMessage, MessageKind, Place, Recipient, message_text};
use crate::domain::error::DomainError;
use crate::domain::file_link::FileLink;
use crate::domain::id::{MeetingId, MessageId};
use crate::domain::limit::Budget;
use crate::domain::live::LiveMeeting;
use crate::domain::meeting::Meeting;
use crate::domain::participant::ConnectionId;
use crate::live::Live;
use crate::service::admissions::meeting_id;
use crate::service::chat_rooms::ChatRooms;
use crate::service::clock::Clock;
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

/// A message as somebody inside writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    pub meeting: String,
    pub text: String,
    pub to: Address,
    /// Ids of own uploads.
    pub attachments: Vec<String>,
    /// What it is called when it brings no files.
    pub kind: MessageKind,
    /// A file that is kept elsewhere.
    pub link: Option<FileLink>,
}

/// The chat of running meetings.
#[derive(Clone)]
pub struct Chat {
    live: Live,
    store: Store,
    rooms: ChatRooms,
    clock: Clock,
}

impl Chat {
    /// The chat of the meetings of `live`, which are among the `rooms`.
    pub fn new(live: Live, store: Store, rooms: ChatRooms, clock: Clock) -> Self {
        Self { live, store, rooms, clock }
    }

    /// Stores a message and delivers it to everybody inside who may read it, the sender included, and to those who
    /// listen to the meeting as a room. `budget`: unless it was counted before.
    ///
    /// # Errors
    /// Not inside, chat switched off, nobody of that name, text or files out of bounds, too many messages.
    pub async fn send(
        &self,
        actor: &Actor,
        connection: ConnectionId,
        outgoing: Outgoing,
        budget: impl Into<Option<Budget>>,
    ) -> Result<ChatMessage, DomainError> {
        let Outgoing { meeting, text, to, attachments, kind, link } = outgoing;
        let meeting = meeting_id(&meeting)?;
        let link = link.map(FileLink::checked).transpose()?;
        let text = message_text("message", &text, link.is_some() || !attachments.is_empty())?;
        let composed = self.compose(connection, meeting, text, to).await;
        let (mut message, meeting) = explain(&self.store, meeting, composed).await?;
        (message.kind, message.link) = (if link.is_some() { MessageKind::File } else { kind }, link);
        if let Some(budget) = budget.into() {
            self.rooms.check_rate(message.sender, message.place, budget)?;
        }
        if !attachments.is_empty() {
            let user = actor.user_id().ok_or(DomainError::Forbidden)?;
            message.attachments = self.rooms.own_files(user, &attachments).await?;
            message.kind = MessageKind::File;
        }
        self.rooms.post(&message, Some(&meeting)).await?;
        if let Some(user) = actor.user_id() {
            self.rooms.stop_typing(user, message.place.room());
        }
        Ok(message)
    }

    async fn compose(
        &self,
        connection: ConnectionId,
        meeting: MeetingId,
        text: String,
        to: Address,
    ) -> Result<(ChatMessage, Arc<Meeting>), DomainError> {
        let (id, sent_at) = (MessageId::generate(), self.clock.now());
        let compose = move |live: &mut LiveMeeting| {
            let sender = live.may_chat(connection)?;
            let recipient = match &to {
                Address::All => Recipient::All,
                Address::Hosts => Recipient::Hosts,
                Address::Private(named) => live.recipient(named)?,
            };
            let message = ChatMessage {
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
                link: None,
                edited_at: None,
                deleted: false,
            };
            Ok((message, live.meeting().clone()))
        };
        self.live.with(meeting, move |live, _| Ok((Vec::new(), compose(live)?))).await
    }
}
