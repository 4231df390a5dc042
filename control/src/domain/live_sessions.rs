//! Sessions without a socket: whoever comes in by a request stays inside until he leaves, and a socket of his that comes
//! later speaks for the same session instead of making a second one (C-17, C-30).

use std::sync::Arc;

use time::OffsetDateTime;

use super::actor::Actor;
use super::error::DomainError;
use super::event::{Audience, DomainEvent, Entrance, Notice};
use super::id::{ParticipantId, UserId};
use super::live::{Joiner, LiveMeeting, standing};
use super::meeting::Standing;
use super::participant::{ConnectionId, Participant, Person};

/// Longest name of a device and longest label of a connection, in characters. Both are shown or compared, never parsed.
pub const LABEL_CHARS_MAX: usize = 100;
/// What a device is called that nobody named.
const DEVICE_UNKNOWN: &str = "unknown";

/// How somebody wants to come in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// Microphone and camera on; the meeting may want them off (C-49, C-50).
    pub audio: bool,
    pub video: bool,
    /// What he sits at.
    pub device: String,
    /// What his client calls its connection.
    pub label: Option<String>,
}

impl Default for Arrival {
    fn default() -> Self {
        Self { audio: true, video: true, device: DEVICE_UNKNOWN.to_owned(), label: None }
    }
}

impl Arrival {
    /// With the device and the label that a client gave, called by these names when they are wrong.
    ///
    /// # Errors
    /// One of them is longer than [`LABEL_CHARS_MAX`].
    pub fn described(
        self,
        (device_field, device): (&'static str, Option<&str>),
        (label_field, label): (&'static str, Option<&str>),
    ) -> Result<Self, DomainError> {
        let device = short(device_field, device)?.unwrap_or_else(|| DEVICE_UNKNOWN.to_owned());
        Ok(Self { device, label: short(label_field, label)?, ..self })
    }
}

/// A text without control characters; nothing when there is nothing to see in it.
fn short(field: &'static str, text: Option<&str>) -> Result<Option<String>, DomainError> {
    let text: String = text.unwrap_or_default().chars().filter(|c| !c.is_control()).collect();
    let text = text.trim();
    if text.chars().count() > LABEL_CHARS_MAX {
        return Err(DomainError::invalid(field, format!("must have at most {LABEL_CHARS_MAX} characters")));
    }
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

impl Joiner {
    /// Somebody who comes by a socket and says nothing about how.
    pub fn over_socket(
        id: ParticipantId,
        actor: Actor,
        name: String,
        connection: ConnectionId,
        came_at: OffsetDateTime,
    ) -> Self {
        Self { id, actor, name, connection, has_socket: true, arrival: Arrival::default(), came_at }
    }
}

impl LiveMeeting {
    /// The session that a request of this account speaks for: the newest without a socket, else the newest.
    pub fn session_of(&self, user: UserId) -> Option<&Participant> {
        let own = self.participants.values().filter(|p| p.person == Person::User(user));
        own.max_by_key(|p| (!p.has_socket, p.order))
    }

    /// Everybody who waits, the first to come first.
    pub fn waiting(&self) -> &[Joiner] {
        &self.waiting
    }

    /// The place in the waiting room that a request of this account speaks for.
    pub fn waiting_of(&self, user: UserId) -> Option<&Joiner> {
        let own = self.waiting.iter().filter(|joiner| joiner.actor.user_id() == Some(user));
        own.max_by_key(|joiner| (!joiner.has_socket, joiner.came_at))
    }

    /// What somebody who waits would be inside.
    pub fn standing_of(&self, joiner: &Joiner) -> Standing {
        standing(&self.meeting, &joiner.actor)
    }

    /// The session, inside or waiting, that somebody who comes now goes on with: the one of the same label; without a
    /// label the newest that has no socket.
    pub fn found_again(&self, person: Person, label: Option<&str>) -> Option<ParticipantId> {
        let goes_on = |has_socket: bool, known: Option<&str>| match label {
            Some(label) => known == Some(label),
            None => !has_socket,
        };
        let inside = self.participants.values().filter(|p| p.person == person);
        let inside = inside.filter(|p| goes_on(p.has_socket, p.label.as_deref()));
        let waits = |joiner: &&Joiner| {
            Person::of(&joiner.actor) == Some(person)
                && goes_on(joiner.has_socket, joiner.arrival.label.as_deref())
        };
        let waiting = || self.waiting.iter().rev().find(waits).map(|joiner| joiner.id);
        inside.max_by_key(|p| p.order).map(|p| p.id).or_else(waiting)
    }

    /// Whether a session is inside or waits.
    pub fn standing_by(&self, id: ParticipantId) -> bool {
        self.participants.contains_key(&id) || self.waiting.iter().any(|joiner| joiner.id == id)
    }

    /// A socket speaks for a session from now on, and hears what it would have heard on entering. Nobody else hears
    /// anything: he was inside all the time.
    ///
    /// # Errors
    /// `NotInMeeting` when the session is over.
    pub fn attach(
        &mut self,
        id: ParticipantId,
        connection: ConnectionId,
    ) -> Result<Vec<Notice>, DomainError> {
        self.waiting.retain(|joiner| joiner.connection != connection || joiner.id == id);
        if let Some(joiner) = self.waiting.iter_mut().find(|joiner| joiner.id == id) {
            (joiner.connection, joiner.has_socket) = (connection, true);
            let told = DomainEvent::WaitingRoomJoined { meeting: self.meeting.id, participant: id };
            return Ok(vec![Notice::new(Audience::One(id), told)]);
        }
        if !self.participants.contains_key(&id) {
            return Err(DomainError::NotInMeeting);
        }
        self.participants.reconnect(id, connection);
        let entrance = self.entrance_of(id).ok_or(DomainError::NotInMeeting)?;
        let rooms = self.rooms_on_entry(id).into_iter().map(|told| told.event);
        let joined = DomainEvent::Joined(Arc::new(entrance));
        let told = std::iter::once(joined).chain(rooms).map(|event| Notice::new(Audience::One(id), event));
        Ok(told.chain(self.speech_on_entry(id)).collect())
    }

    /// What somebody inside would see if he entered now.
    pub fn entrance_of(&self, id: ParticipantId) -> Option<Entrance> {
        let me = self.participants.get(&id)?.clone();
        let mut others = self.as_seen_from(me.breakout, self.participants.shared());
        others.retain(|other| other.id != id);
        Some(Entrance {
            meeting: self.meeting.clone(),
            me,
            others,
            hands: self.hands.clone(),
            recording: self.recording,
        })
    }
}

#[cfg(test)]
mod tests;
