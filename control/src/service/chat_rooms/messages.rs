//! What is said in rooms: writing, reading back, changing, deleting, reacting.

use super::{ChatRooms, Room};
use crate::domain::actor::Actor;
use crate::domain::attachment::{Attachment, PER_MESSAGE_MAX};
use crate::domain::audit::{AuditAction, AuditEntry};
use crate::domain::chat::{
    ChatMessage, HISTORY_MAX, MENTIONS_MAX, MessageKind, Place, Recipient, Sender, message_text,
};
use crate::domain::chat_event::{ChatEvent, Notification};
use crate::domain::error::DomainError;
use crate::domain::history::{Line, Reactions};
use crate::domain::id::{AttachmentId, MessageId, UserId};
use crate::domain::limit::{Budget, LimitedAction};
use crate::domain::meeting::Meeting;
use crate::domain::policy::rooms::RoomAction;
use crate::domain::reaction::reaction;

/// A message as a client writes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewMessage {
    pub text: String,
    /// Ids of own uploads.
    pub attachments: Vec<String>,
    /// Ids of accounts.
    pub mentions: Vec<String>,
}

/// What a reaction came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reaction {
    pub message: MessageId,
    pub emoji: String,
    /// Whether it is there now.
    pub added: bool,
    pub reactions: Vec<Reactions>,
}

impl ChatRooms {
    /// Stores a message and tells everybody who may read it.
    ///
    /// # Errors
    /// No access, not inside the meeting, chat switched off, out of bounds, too many messages.
    pub async fn send(
        &self,
        actor: &Actor,
        room: &str,
        new: NewMessage,
        budget: Budget,
    ) -> Result<Line, DomainError> {
        let account = actor.account().ok_or(DomainError::Forbidden)?;
        let room = self.open(actor, room, RoomAction::Write).await?;
        let inside = self.name_inside(account.id, &room).await?;
        let text = message_text("content", &new.text, !new.attachments.is_empty())?;
        self.check_rate(Sender::User(account.id), room.place(), budget)?;
        let attachments = self.own_files(account.id, &new.attachments).await?;
        let message = ChatMessage {
            id: MessageId::generate(),
            place: room.place(),
            sender: Sender::User(account.id),
            sender_name: inside.unwrap_or_else(|| account.name.clone()),
            text,
            kind: if attachments.is_empty() { MessageKind::Text } else { MessageKind::File },
            recipient: Recipient::All,
            attachments,
            mentions: mentioned(&room, account.id, &new.mentions)?,
            sent_at: self.clock.now(),
            link: None,
            edited_at: None,
            deleted: false,
        };
        self.post(&message, room.meeting()).await?;
        self.stop_typing(account.id, message.place.room());
        if !message.mentions.is_empty() {
            let mention = Notification::Mention {
                room: message.place.room(),
                room_name: room.name().to_owned(),
                message: message.id,
                by: account.id,
                by_name: message.sender_name.clone(),
                text: message.text.clone(),
            };
            self.notify(&message.mentions, mention);
        }
        Ok(Line::fresh(message, true))
    }

    /// Keeps a message and delivers it; what was acknowledged is stored. For messages of meetings, `meeting` is theirs.
    ///
    /// # Errors
    /// Only the store's, and `AttachmentNotFound` when a file was sent or removed meanwhile.
    pub async fn post(&self, message: &ChatMessage, meeting: Option<&Meeting>) -> Result<(), DomainError> {
        let reached = {
            let _turn = self.turn(message.place.room()).await;
            self.store.insert_message(message).await?;
            self.tell_sent(message, meeting).await
        };
        self.note_delivery(message, reached).await;
        Ok(())
    }

    /// The budget of messages, one for a sender in a room, over whatever door they come (C-63).
    ///
    /// # Errors
    /// `RateLimited`.
    pub fn check_rate(&self, sender: Sender, place: Place, budget: Budget) -> Result<(), DomainError> {
        let key = match sender {
            Sender::User(user) => format!("{user} {}", place.room()),
            Sender::Guest(session) => format!("{session} {}", place.room()),
        };
        self.limits.check(LimitedAction::ChatMessage, &key, budget)
    }

    /// The newest messages the actor may read, or those before one of them, oldest first.
    ///
    /// # Errors
    /// No access, or `before` is no message of the room that the actor may read.
    pub async fn history(
        &self,
        actor: &Actor,
        room: &str,
        before: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Line>, DomainError> {
        let account = actor.account().ok_or(DomainError::Forbidden)?;
        let room = self.open(actor, room, RoomAction::Read).await?;
        let before = match before {
            None => None,
            Some(id) => {
                let id = MessageId::parse(id.trim()).ok_or(DomainError::MessageNotFound)?;
                let message = self.store.message(id).await?.filter(|message| message.place == room.place());
                Some(message.ok_or(DomainError::MessageNotFound)?)
            }
        };
        let limit = limit.min(HISTORY_MAX);
        self.store.chat_page(room.place(), account.id, room.runs_meeting(), before.as_ref(), limit).await
    }

    /// Changes the text of one's own message.
    ///
    /// # Errors
    /// `MessageNotFound`, somebody else's, or one may not write there now.
    pub async fn edit(&self, actor: &Actor, id: &str, text: &str) -> Result<Line, DomainError> {
        let (message, room) = self.find(actor, id).await?;
        let by = own(actor, &message)?.ok_or(DomainError::Forbidden)?;
        room.allows(actor, RoomAction::Write)?;
        self.name_inside(by, &room).await?;
        let text = message_text("content", text, !message.attachments.is_empty())?;
        let _turn = self.turn(message.place.room()).await;
        let at = self.clock.now();
        if !self.store.edit_message(message.id, &text, at).await? {
            return Err(DomainError::MessageNotFound);
        }
        let event = ChatEvent::Edited { room: message.place.room(), message: message.id, text, by, at };
        self.tell_about(&message, room.meeting(), event).await;
        self.store.chat_line(message.id, by).await?.ok_or(DomainError::MessageNotFound)
    }

    /// Deletes a message: one's own, or, for owners of rooms and those who run meetings, anybody's.
    ///
    /// # Errors
    /// `MessageNotFound`, or not allowed.
    pub async fn delete_message(&self, actor: &Actor, id: &str) -> Result<(), DomainError> {
        let (message, room) = self.find(actor, id).await?;
        let own = own(actor, &message)?;
        let by = actor.user_id().ok_or(DomainError::Forbidden)?;
        room.allows(actor, if own.is_some() { RoomAction::DeleteOwn } else { RoomAction::DeleteOthers })?;
        let _turn = self.turn(message.place.room()).await;
        let at = self.clock.now();
        if !self.store.delete_message(message.id, at).await? {
            return Err(DomainError::MessageNotFound);
        }
        if own.is_none() {
            self.note_deleted(actor, &message, &room).await;
        }
        let event = ChatEvent::Deleted { room: message.place.room(), message: message.id, by, at };
        self.tell_about(&message, room.meeting(), event).await;
        Ok(())
    }

    /// Adds or takes back a reaction; `wanted` of none is the other one of what is. Only a change is told.
    ///
    /// # Errors
    /// `MessageNotFound`, one may not write there now, no reaction, too many kinds of them, too often.
    pub async fn react(
        &self,
        actor: &Actor,
        id: &str,
        emoji: &str,
        wanted: Option<bool>,
        budget: Budget,
    ) -> Result<Reaction, DomainError> {
        let by = actor.user_id().ok_or(DomainError::Forbidden)?;
        let emoji = reaction("emoji", emoji)?;
        let (message, room) = self.find(actor, id).await?;
        room.allows(actor, RoomAction::Write)?;
        self.name_inside(by, &room).await?;
        self.limits.check(LimitedAction::Reaction, &by.to_string(), budget)?;
        let _turn = self.turn(message.place.room()).await;
        let at = self.clock.now();
        let changed = self.store.react(message.id, by, &emoji, wanted, at).await?;
        let (added, reactions) = (changed.added, changed.reactions);
        if changed.is_new {
            let (room_id, message_id, emoji) = (message.place.room(), message.id, emoji.clone());
            let event = ChatEvent::Reacted { room: room_id, message: message_id, emoji, by, added, at };
            self.tell_about(&message, room.meeting(), event).await;
        }
        Ok(Reaction { message: message.id, emoji, added, reactions })
    }

    /// Whether the actor may read a message; for what hangs on it.
    ///
    /// # Errors
    /// `MessageNotFound`.
    pub async fn may_read(&self, actor: &Actor, message: MessageId) -> Result<(), DomainError> {
        self.find(actor, &message.to_string()).await.map(|_| ())
    }

    /// A message and its room. Whoever may not read it learns nothing, not even that it is there.
    pub(super) async fn find(&self, actor: &Actor, id: &str) -> Result<(ChatMessage, Room), DomainError> {
        let reader = actor.user_id().map(Sender::User).ok_or(DomainError::Forbidden)?;
        let id = MessageId::parse(id.trim()).ok_or(DomainError::MessageNotFound)?;
        let message = self.store.message(id).await?.filter(|message| !message.deleted);
        let message = message.ok_or(DomainError::MessageNotFound)?;
        let room = match self.load(actor, message.place.room()).await {
            Err(DomainError::ChatRoomNotFound) => return Err(DomainError::MessageNotFound),
            found => found?,
        };
        let readable = room.allows(actor, RoomAction::Read).is_ok();
        if readable && message.visible_to(reader, room.runs_meeting()) {
            Ok((message, room))
        } else {
            Err(DomainError::MessageNotFound)
        }
    }

    /// In a meeting only those inside write (CHAT-01); says under which name. Elsewhere nobody has another name.
    pub(super) async fn name_inside(&self, user: UserId, room: &Room) -> Result<Option<String>, DomainError> {
        let Some(meeting) = room.meeting() else { return Ok(None) };
        let name = self.live.look(meeting.id, move |live| live.name_to_write(user)).await;
        name.unwrap_or(Err(DomainError::NotInMeeting)).map(Some)
    }

    /// The files of these ids, if they are the sender's and unsent.
    pub async fn own_files(&self, user: UserId, ids: &[String]) -> Result<Vec<Attachment>, DomainError> {
        if ids.len() > PER_MESSAGE_MAX {
            return Err(DomainError::invalid("attachments", format!("at most {PER_MESSAGE_MAX}")));
        }
        let mut files = Vec::new();
        for id in ids {
            let id = AttachmentId::parse(id.trim()).ok_or(DomainError::AttachmentNotFound)?;
            let upload = self.store.upload(id).await?;
            let upload = upload.filter(|upload| upload.uploader == user && upload.message.is_none());
            let file = upload.ok_or(DomainError::AttachmentNotFound)?.attachment;
            if !files.contains(&file) {
                files.push(file);
            }
        }
        Ok(files)
    }

    async fn note_deleted(&self, actor: &Actor, message: &ChatMessage, room: &Room) {
        let entry = AuditEntry {
            detail: Some(format!("{} {}", message.place.room(), message.id)),
            ..AuditEntry::granted(AuditAction::ChatMessageDelete, actor.user_id())
        };
        let entry = match room {
            Room::Meeting(meeting, _) => entry.in_meeting(meeting.id, meeting.campus.clone()),
            Room::Standing(room) => AuditEntry { campus: Some(room.campus.clone()), ..entry },
        };
        self.audit.note(entry).await;
    }
}

/// The actor, if the message is his.
fn own(actor: &Actor, message: &ChatMessage) -> Result<Option<UserId>, DomainError> {
    let user = actor.user_id().ok_or(DomainError::Forbidden)?;
    Ok((message.sender == Sender::User(user)).then_some(user))
}

/// Those of the mentioned who can read the message, without the sender.
fn mentioned(room: &Room, sender: UserId, ids: &[String]) -> Result<Vec<UserId>, DomainError> {
    if ids.len() > MENTIONS_MAX {
        return Err(DomainError::invalid("mentions", format!("at most {MENTIONS_MAX}")));
    }
    let reads = |user: UserId| match room {
        Room::Standing(room) => room.has(user),
        Room::Meeting(meeting, _) => meeting.lists(user),
    };
    let mut mentions = Vec::new();
    for user in ids.iter().filter_map(|id| UserId::parse(id.trim())) {
        if user != sender && reads(user) && !mentions.contains(&user) {
            mentions.push(user);
        }
    }
    Ok(mentions)
}
