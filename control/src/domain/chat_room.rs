//! A standing room to chat in: its people, and what happens to it when they come and go.

use std::collections::HashSet;

use time::OffsetDateTime;

use super::error::DomainError;
use super::id::{CampusId, ChatRoomId, UserId};

/// People in one room: a large course. Beyond it a message would have to be told to more people than read it.
pub const MEMBERS_MAX: usize = 500;
/// Longest name, in characters.
const NAME_CHARS_MAX: usize = 100;

/// A room. Meetings are rooms too (C-53), but theirs is the meeting's roster and the meeting's rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatRoom {
    pub id: ChatRoomId,
    pub campus: CampusId,
    pub name: String,
    /// Whoever made it, until he leaves.
    pub owner: UserId,
    pub created_at: OffsetDateTime,
    /// In the order of coming; never empty in a room that is there.
    pub members: Vec<Member>,
}

/// Somebody in a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    pub user: UserId,
    pub name: String,
    pub joined_at: OffsetDateTime,
}

/// What a departure did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Departure {
    pub member: Member,
    /// Who owns the room now, when it was the owner who left.
    pub new_owner: Option<UserId>,
}

impl ChatRoom {
    /// Whether somebody is in the room.
    pub fn has(&self, user: UserId) -> bool {
        self.members.iter().any(|member| member.user == user)
    }

    /// Everybody in the room.
    pub fn users(&self) -> Vec<UserId> {
        self.members.iter().map(|member| member.user).collect()
    }

    /// Adds people; says who was not in the room before.
    ///
    /// # Errors
    /// More than [`MEMBERS_MAX`]; nobody is added then.
    pub fn add(&mut self, people: Vec<Member>) -> Result<Vec<Member>, DomainError> {
        let mut known: HashSet<UserId> = self.members.iter().map(|member| member.user).collect();
        let added: Vec<Member> = people.into_iter().filter(|member| known.insert(member.user)).collect();
        if self.members.len() + added.len() > MEMBERS_MAX {
            return Err(DomainError::invalid("members", format!("a room has at most {MEMBERS_MAX}")));
        }
        self.members.extend(added.iter().cloned());
        Ok(added)
    }

    /// Somebody leaves or is removed. The room of a leaving owner belongs to whoever is in it longest.
    ///
    /// # Errors
    /// `PersonUnknown` when he is not in it.
    pub fn remove(&mut self, user: UserId) -> Result<Departure, DomainError> {
        let index = self.members.iter().position(|member| member.user == user);
        let member = self.members.remove(index.ok_or(DomainError::PersonUnknown)?);
        let heir = self.members.first().filter(|_| self.owner == user).map(|member| member.user);
        self.owner = heir.unwrap_or(self.owner);
        Ok(Departure { member, new_owner: heir })
    }

    /// Whether nobody is left, so that the room is no more.
    pub fn is_deserted(&self) -> bool {
        self.members.is_empty()
    }
}

/// A room's name as it is stored: without control characters, saying something.
///
/// # Errors
/// Nothing said, or too much.
pub fn room_name(text: &str) -> Result<String, DomainError> {
    let cleaned: String = text.chars().filter(|c| !c.is_control()).collect();
    let cleaned = cleaned.trim();
    if cleaned.is_empty() {
        return Err(DomainError::FieldMissing("name"));
    }
    if cleaned.chars().count() > NAME_CHARS_MAX {
        return Err(DomainError::invalid("name", format!("must have at most {NAME_CHARS_MAX} characters")));
    }
    Ok(cleaned.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures::now;

    fn member(name: &str) -> Member {
        Member { user: UserId::generate(), name: name.into(), joined_at: now() }
    }

    fn room(members: Vec<Member>) -> ChatRoom {
        ChatRoom {
            id: ChatRoomId::generate(),
            campus: CampusId::new("default"),
            name: "Course".into(),
            owner: members[0].user,
            created_at: now(),
            members,
        }
    }

    #[test]
    fn add_13_a_person_is_added_once() {
        let (ada, bob) = (member("ada"), member("bob"));
        let mut room = room(vec![ada.clone()]);
        assert_eq!(room.add(vec![ada.clone(), bob.clone(), bob.clone()]), Ok(vec![bob.clone()]));
        assert_eq!(room.members, [ada, bob]);
    }

    #[test]
    fn add_13_a_full_room_takes_nobody_and_stays_as_it_is() {
        let mut room = room((0..MEMBERS_MAX - 1).map(|n| member(&n.to_string())).collect());
        let before = room.clone();
        assert!(matches!(
            room.add(vec![member("a"), member("b")]),
            Err(DomainError::FieldInvalid { field: "members", .. })
        ));
        assert_eq!(room, before);
        assert!(room.add(vec![member("a")]).is_ok());
    }

    #[test]
    fn add_13_the_room_of_an_owner_who_leaves_belongs_to_whoever_is_in_it_longest() {
        let (ada, bob, eve) = (member("ada"), member("bob"), member("eve"));
        let mut room = room(vec![ada.clone(), bob.clone(), eve.clone()]);
        assert_eq!(room.remove(eve.user), Ok(Departure { member: eve.clone(), new_owner: None }));
        assert_eq!(room.remove(eve.user), Err(DomainError::PersonUnknown));
        assert_eq!(room.remove(ada.user), Ok(Departure { member: ada, new_owner: Some(bob.user) }));
        assert_eq!(room.owner, bob.user);
        assert_eq!(room.remove(bob.user).map(|departure| departure.new_owner), Ok(None));
        assert!(room.is_deserted());
    }

    #[test]
    fn add_02_a_name_says_something_within_its_bounds() {
        assert_eq!(room_name(" Maths\u{7} 7b "), Ok("Maths 7b".to_owned()));
        assert_eq!(room_name(" \u{0} "), Err(DomainError::FieldMissing("name")));
        assert!(room_name(&"x".repeat(101)).is_err());
    }
}
