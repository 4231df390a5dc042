//! What people in a running meeting say without speaking: raised hands, reactions, and that they are typing.

use time::OffsetDateTime;

use super::chat::Sender;
use super::error::DomainError;
use super::event::{Audience, DomainEvent, Notice};
use super::id::ParticipantId;
use super::live::LiveMeeting;
use super::participant::ConnectionId;
use super::policy::Action;
use super::reaction::Reaction;
use super::typing::{EXPIRES_AFTER, TOLD_EVERY};

/// Somebody who is typing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Typing {
    who: ParticipantId,
    told_at: OffsetDateTime,
    until: OffsetDateTime,
}

impl LiveMeeting {
    /// Raises or lowers one's hand. Only a change is told.
    ///
    /// # Errors
    /// Not inside, or hands are switched off.
    pub fn raise_hand(
        &mut self,
        connection: ConnectionId,
        raised: bool,
        now: OffsetDateTime,
    ) -> Result<Vec<Notice>, DomainError> {
        let id = self.allowed(connection, Action::RaiseHand)?;
        Ok(self.set_hand(id, raised, now))
    }

    /// Lowers the hands of a person (every session of the name), or every hand there is.
    ///
    /// # Errors
    /// Not allowed to manage participants, or nobody of that name.
    pub fn lower_hands(
        &mut self,
        by: ConnectionId,
        whom: Option<&str>,
        now: OffsetDateTime,
    ) -> Result<Vec<Notice>, DomainError> {
        self.allowed(by, Action::ManageParticipants)?;
        let lowered = match whom {
            None => self.hands.clone(),
            Some(named) => self.resolve(named),
        };
        if whom.is_some() && lowered.is_empty() {
            return Err(DomainError::ParticipantNotFound);
        }
        Ok(lowered.into_iter().flat_map(|id| self.set_hand(id, false, now)).collect())
    }

    pub(super) fn set_hand(&mut self, id: ParticipantId, raised: bool, now: OffsetDateTime) -> Vec<Notice> {
        let meeting = self.meeting.id;
        let Some(participant) = self.participants.get_mut(&id) else { return Vec::new() };
        if participant.hand_raised_at.is_some() == raised {
            return Vec::new();
        }
        participant.hand_raised_at = raised.then_some(now);
        let (person, name) = (participant.person, participant.name.clone());
        self.hands.retain(|hand| *hand != id);
        if raised {
            self.hands.push(id);
        }
        let position = raised.then_some(self.hands.len());
        let event =
            DomainEvent::HandChanged { meeting, participant: id, person, name, raised, position, at: now };
        vec![Notice::new(Audience::Everyone, event)]
    }

    /// Shows a reaction to everybody.
    ///
    /// # Errors
    /// Not inside.
    pub fn react(
        &self,
        connection: ConnectionId,
        reaction: Reaction,
        now: OffsetDateTime,
    ) -> Result<Vec<Notice>, DomainError> {
        let id = self.allowed(connection, Action::React)?;
        let participant = self.of_connection(connection)?;
        let event = DomainEvent::ReactionSent {
            meeting: self.meeting.id,
            participant: id,
            person: participant.person,
            name: participant.name.clone(),
            reaction,
            at: now,
        };
        Ok(vec![Notice::new(Audience::Everyone, event)])
    }

    /// Somebody types, or stops.
    ///
    /// # Errors
    /// Not inside, or chat is switched off.
    pub fn set_typing(
        &mut self,
        connection: ConnectionId,
        typing: bool,
        now: OffsetDateTime,
    ) -> Result<Vec<Notice>, DomainError> {
        let id = self.allowed(connection, Action::SendMessage)?;
        if !typing {
            return Ok(self.stop_typing(id));
        }
        let until = now + EXPIRES_AFTER;
        if let Some(known) = self.typing.iter_mut().find(|typing| typing.who == id) {
            known.until = until;
            if now - known.told_at < TOLD_EVERY {
                return Ok(Vec::new());
            }
            known.told_at = now;
        } else {
            // One line per person inside at most: whoever leaves is taken out.
            self.typing.push(Typing { who: id, told_at: now, until });
        }
        Ok(self.typing_notice(id, true).into_iter().collect())
    }

    /// Whether whoever speaks over this connection is typing.
    pub fn types(&self, connection: ConnectionId) -> bool {
        let id = self.of_connection(connection).map(|participant| participant.id);
        id.is_ok_and(|id| self.typing.iter().any(|typing| typing.who == id))
    }

    /// Whoever was typing no longer is; the others hear it once.
    pub(super) fn stop_typing(&mut self, id: ParticipantId) -> Vec<Notice> {
        let before = self.typing.len();
        self.typing.retain(|typing| typing.who != id);
        if self.typing.len() == before {
            return Vec::new();
        }
        self.typing_notice(id, false).into_iter().collect()
    }

    /// A message is what the typing was for.
    pub(super) fn stop_typing_of(&mut self, sender: Sender) -> Vec<Notice> {
        let sessions: Vec<_> =
            self.participants.values().filter(|p| p.person.sender() == sender).map(|p| p.id).collect();
        sessions.into_iter().flat_map(|id| self.stop_typing(id)).collect()
    }

    fn typing_notice(&self, id: ParticipantId, typing: bool) -> Option<Notice> {
        let participant = self.participants.get(&id)?;
        let event = DomainEvent::TypingChanged {
            meeting: self.meeting.id,
            participant: id,
            person: participant.person,
            name: participant.name.clone(),
            typing,
        };
        Some(Notice::new(Audience::AllBut(id), event))
    }

    /// When something happens here by itself next.
    pub fn next_deadline(&self) -> Option<OffsetDateTime> {
        let typing = self.typing.iter().map(|typing| typing.until).min();
        let rooms = self.breakouts.as_ref().and_then(|breakouts| breakouts.closes_at);
        typing.into_iter().chain(rooms).min()
    }

    /// What has happened by itself up to now. Breakout rooms whose time is over are closed apart, being stored.
    pub fn handle_deadline(&mut self, now: OffsetDateTime) -> Vec<Notice> {
        let over: Vec<_> = self.typing.iter().filter(|typing| typing.until <= now).map(|t| t.who).collect();
        over.into_iter().flat_map(|id| self.stop_typing(id)).collect()
    }
}

#[cfg(test)]
mod tests;
