//! Breakout rooms: the rooms a running meeting is divided into for a while, and who has his place in which (C-61).
//!
//! A value without time or media: [`super::live_breakouts`] applies it to the people inside.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;

use super::error::DomainError;
use super::id::{BreakoutRoomId, MeetingId, ParticipantId, RosterId};
use super::participant::Person;
use super::settings::PARTICIPANTS_MAX;

/// Most rooms of one meeting.
pub const ROOMS_MAX: u32 = 100;
/// Longest name of a room, in characters.
const NAME_CHARS_MAX: usize = 100;
/// Longest description of a room, in characters.
const DESCRIPTION_CHARS_MAX: usize = 1000;
/// Longest time limit: a day, in minutes.
const MINUTES_MAX: u32 = 24 * 60;

/// The rooms somebody wants to open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub count: u32,
    /// At most `count`; those that are missing are made up.
    pub rooms: Vec<RoomPlan>,
    /// Whether attendees inside are spread over the rooms at once.
    pub auto_assign: bool,
    pub may_choose: bool,
    pub may_return: bool,
    pub time_limit_minutes: Option<u32>,
}

/// One room somebody wants to open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomPlan {
    pub name: String,
    pub description: Option<String>,
    /// `None`: as many as the meeting has.
    pub capacity: Option<u32>,
    pub allow_chat: bool,
    pub allow_screen_share: bool,
}

impl RoomPlan {
    fn numbered(number: u32) -> Self {
        let name = format!("Breakout Room {number}");
        Self { name, description: None, capacity: None, allow_chat: true, allow_screen_share: true }
    }

    fn check(&self) -> Result<(), DomainError> {
        check_text("rooms.name", &self.name, NAME_CHARS_MAX)?;
        if self.name.trim().is_empty() {
            return Err(DomainError::FieldMissing("rooms.name"));
        }
        check_text(
            "rooms.description",
            self.description.as_deref().unwrap_or_default(),
            DESCRIPTION_CHARS_MAX,
        )?;
        if self.capacity.is_some_and(|places| !(1..=PARTICIPANTS_MAX).contains(&places)) {
            let reason = format!("must be between 1 and {PARTICIPANTS_MAX}");
            return Err(DomainError::invalid("rooms.capacity", reason));
        }
        Ok(())
    }
}

impl Plan {
    /// Checks the bounds.
    ///
    /// # Errors
    /// The first field that is out of them.
    pub fn check(&self) -> Result<(), DomainError> {
        if !(1..=ROOMS_MAX).contains(&self.count) {
            return Err(DomainError::invalid("room_count", format!("must be between 1 and {ROOMS_MAX}")));
        }
        if self.rooms.len() > self.count as usize {
            return Err(DomainError::invalid("rooms", "must not be more than room_count"));
        }
        self.rooms.iter().try_for_each(RoomPlan::check)?;
        if self.time_limit_minutes.is_some_and(|minutes| !(1..=MINUTES_MAX).contains(&minutes)) {
            let reason = format!("must be between 1 and {MINUTES_MAX}");
            return Err(DomainError::invalid("time_limit_minutes", reason));
        }
        Ok(())
    }
}

fn check_text(field: &'static str, text: &str, chars_max: usize) -> Result<(), DomainError> {
    if text.chars().count() > chars_max {
        return Err(DomainError::invalid(field, format!("must have at most {chars_max} characters")));
    }
    if text.chars().any(char::is_control) {
        return Err(DomainError::invalid(field, "must not contain control characters"));
    }
    Ok(())
}

/// One room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BreakoutRoom {
    pub id: BreakoutRoomId,
    pub name: String,
    pub description: Option<String>,
    pub capacity: Option<u32>,
    pub allow_chat: bool,
    pub allow_screen_share: bool,
}

/// Who has a place. Somebody who was invited by address alone and never came is known by his line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Member {
    Person(Person),
    Line(RosterId),
}

/// The rooms that are open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breakouts {
    /// In the order in which they were asked for.
    pub rooms: Vec<Arc<BreakoutRoom>>,
    pub may_choose: bool,
    pub may_return: bool,
    /// When they close by themselves.
    pub closes_at: Option<OffsetDateTime>,
    /// Everybody who has a place, inside or not; whoever is not in here belongs to the main room. At most one line for
    /// each line of the roster and each guest inside.
    pub places: HashMap<Member, BreakoutRoomId>,
}

impl Breakouts {
    /// The rooms of a plan, empty. `fresh_id` names them.
    ///
    /// # Errors
    /// As [`Plan::check`].
    pub fn open(
        plan: Plan,
        mut fresh_id: impl FnMut() -> BreakoutRoomId,
        now: OffsetDateTime,
    ) -> Result<Self, DomainError> {
        plan.check()?;
        let Plan { count, rooms, may_choose, may_return, time_limit_minutes, auto_assign: _ } = plan;
        let given = rooms.len() as u32;
        let rooms = rooms.into_iter().chain((given + 1..=count).map(RoomPlan::numbered));
        let made = rooms.map(|room| {
            let RoomPlan { name, description, capacity, allow_chat, allow_screen_share } = room;
            let (id, name) = (fresh_id(), name.trim().to_owned());
            Arc::new(BreakoutRoom { id, name, description, capacity, allow_chat, allow_screen_share })
        });
        let limit = time_limit_minutes.map(|minutes| Duration::from_secs(u64::from(minutes) * 60));
        Ok(Self {
            rooms: made.collect(),
            may_choose,
            may_return,
            closes_at: limit.map(|limit| now + limit),
            places: HashMap::new(),
        })
    }

    /// Whether their time is over.
    pub fn is_over(&self, now: OffsetDateTime) -> bool {
        self.closes_at.is_some_and(|at| at <= now)
    }

    /// One of the rooms.
    pub fn room(&self, id: BreakoutRoomId) -> Option<&Arc<BreakoutRoom>> {
        self.rooms.iter().find(|room| room.id == id)
    }

    /// Where a person's place is.
    pub fn place_of(&self, person: Person) -> Option<BreakoutRoomId> {
        self.places.get(&Member::Person(person)).copied()
    }

    /// Gives somebody a place, instead of the one he had; `None` is the main room.
    ///
    /// # Errors
    /// No such room, or no place left in it. Whoever has one there keeps it.
    pub fn put(&mut self, member: Member, room: Option<BreakoutRoomId>) -> Result<(), DomainError> {
        let Some(id) = room else {
            self.places.remove(&member);
            return Ok(());
        };
        let room = self.room(id).ok_or(DomainError::BreakoutRoomNotFound)?;
        if self.places.get(&member) != Some(&id) && !self.has_room_for_one(room) {
            return Err(DomainError::BreakoutRoomFull);
        }
        self.places.insert(member, id);
        Ok(())
    }

    /// Spreads people over the rooms, one after the other; whoever fits nowhere stays in the main room.
    pub fn deal(&mut self, people: impl IntoIterator<Item = Person>) {
        let mut next = 0;
        for person in people {
            let order = (next..self.rooms.len()).chain(0..next);
            let Some(index) = order.into_iter().find(|index| self.has_room_for_one(&self.rooms[*index]))
            else {
                return;
            };
            self.places.insert(Member::Person(person), self.rooms[index].id);
            next = (index + 1) % self.rooms.len();
        }
    }

    /// Somebody who was known by his line only has come: the place is his.
    pub fn recognize(&mut self, person: Person, line: Option<RosterId>) {
        if let Some(room) = line.and_then(|line| self.places.remove(&Member::Line(line))) {
            self.places.entry(Member::Person(person)).or_insert(room);
        }
    }

    /// Places that are kept for people who are away count: they are meant to be found free.
    fn has_room_for_one(&self, room: &BreakoutRoom) -> bool {
        room.capacity.is_none_or(|capacity| {
            self.places.values().filter(|place| **place == room.id).count() < capacity as usize
        })
    }
}

/// The rooms as everybody inside may know them. Empty when none are open.
#[derive(Debug, Clone, PartialEq)]
pub struct BreakoutNews {
    pub meeting: MeetingId,
    pub rooms: Vec<(Arc<BreakoutRoom>, Vec<Insider>)>,
    pub may_choose: bool,
    pub may_return: bool,
    pub closes_at: Option<OffsetDateTime>,
}

impl BreakoutNews {
    /// No rooms are open.
    pub fn none(meeting: MeetingId) -> Self {
        Self { meeting, rooms: Vec::new(), may_choose: false, may_return: false, closes_at: None }
    }
}

/// One session that is in a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Insider {
    pub participant: ParticipantId,
    pub person: Person,
    pub name: String,
}

#[cfg(test)]
mod tests;
