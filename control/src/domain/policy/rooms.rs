//! Who may do what in a chat room: the table beside that of meetings, which it asks where the room is a meeting (C-53).

use super::{Action, may};
use crate::domain::actor::Actor;
use crate::domain::chat_room::ChatRoom;
use crate::domain::error::DomainError;
use crate::domain::meeting::{Meeting, Standing};

/// Something a person does to or in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RoomAction {
    /// Listen to the room, read history, receipts and files, see who is online.
    Read,
    /// Write, type, react, and change what one wrote.
    Write,
    DeleteOwn,
    /// Delete what somebody else wrote.
    DeleteOthers,
    Leave,
    /// Rename, add and remove people, delete the room.
    Manage,
}

impl RoomAction {
    /// All of them, for tables and tests.
    pub const ALL: [Self; 6] =
        [Self::Read, Self::Write, Self::DeleteOwn, Self::DeleteOthers, Self::Leave, Self::Manage];
}

/// A room as far as permissions go.
#[derive(Debug, Clone, Copy)]
pub enum RoomOf<'a> {
    Members(&'a ChatRoom),
    /// What the actor is in the meeting is the meeting's to say.
    Meeting(&'a Meeting, Option<Standing>),
}

/// One line of the table.
struct Rule {
    /// Members or only the owner.
    owner_only: bool,
    /// The meeting's rule for the same; `None`: meetings have their own ways.
    in_meeting: Option<Action>,
}

/// The table.
fn rule(action: RoomAction) -> Rule {
    let (owner_only, in_meeting) = match action {
        RoomAction::Read => (false, Some(Action::View)),
        RoomAction::Write => (false, Some(Action::SendMessage)),
        RoomAction::DeleteOwn => (false, Some(Action::View)),
        RoomAction::DeleteOthers => (true, Some(Action::ModerateChat)),
        RoomAction::Leave => (false, None),
        RoomAction::Manage => (true, None),
    };
    Rule { owner_only, in_meeting }
}

/// Whether `actor` may do `action` now. A room one is not in does not exist; a meeting refuses in its own order.
///
/// # Errors
/// `ChatRoomNotFound`, `Forbidden`, or the meeting's refusal.
pub fn may_in_room(actor: &Actor, room: RoomOf<'_>, action: RoomAction) -> Result<(), DomainError> {
    let rule = rule(action);
    match room {
        RoomOf::Members(room) => {
            let user = actor.user_id().filter(|user| room.has(*user) && actor.reaches(&room.campus));
            let user = user.ok_or(DomainError::ChatRoomNotFound)?;
            if rule.owner_only && room.owner != user { Err(DomainError::Forbidden) } else { Ok(()) }
        }
        RoomOf::Meeting(meeting, standing) => {
            may(actor, standing, Action::View, meeting)?;
            may(actor, standing, rule.in_meeting.ok_or(DomainError::Forbidden)?, meeting)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::account::{Account, UserType};
    use crate::domain::chat_room::Member;
    use crate::domain::fixtures::{account, meeting, now};
    use crate::domain::id::{CampusId, ChatRoomId};
    use crate::domain::meeting::MeetingStatus;
    use crate::domain::role::Role;

    fn room(owner: &Account, others: &[&Account]) -> ChatRoom {
        let member = |account: &Account| Member { user: account.id, name: String::new(), joined_at: now() };
        ChatRoom {
            id: ChatRoomId::generate(),
            campus: owner.campus.clone(),
            name: "Course".into(),
            owner: owner.id,
            created_at: now(),
            members: std::iter::once(owner).chain(others.iter().copied()).map(member).collect(),
        }
    }

    /// What each may do, in the order of [`RoomAction::ALL`]: `+` yes, `-` forbidden, `.` there is no such room.
    fn line(actor: &Account, room: &ChatRoom) -> String {
        let actor = Actor::Account(actor.clone());
        let sign = |action: &RoomAction| match may_in_room(&actor, RoomOf::Members(room), *action) {
            Ok(()) => '+',
            Err(DomainError::Forbidden) => '-',
            Err(DomainError::ChatRoomNotFound) => '.',
            Err(other) => panic!("{other}"),
        };
        RoomAction::ALL.iter().map(sign).collect()
    }

    #[test]
    fn chat_03_members_read_and_write_owners_manage_and_for_others_there_is_no_room() {
        let (owner, member, stranger) = (account("owner"), account("member"), account("stranger"));
        let room = room(&owner, &[&member]);
        assert_eq!(line(&owner, &room), "++++++");
        assert_eq!(line(&member, &room), "+++-+-");
        assert_eq!(line(&stranger, &room), "......");
        let admin = Account { user_type: UserType::Admin, ..account("admin") };
        assert_eq!(
            line(&admin, &room),
            "......",
            "nobody reads other people's rooms, whatever he administers"
        );
    }

    #[test]
    fn c_53_a_member_who_went_to_another_campus_has_lost_the_room() {
        let (owner, member) = (account("owner"), account("member"));
        let room = room(&owner, &[&member]);
        let moved = Account { campus: CampusId::new("other"), ..member };
        assert_eq!(line(&moved, &room), "......");
    }

    #[test]
    fn c_53_in_a_meeting_the_rules_of_meetings_hold() {
        let (host, member, stranger) = (account("host"), account("member"), account("stranger"));
        let people = [(&host, Role::Host), (&member, Role::Attendee)];
        let may_there = |who: &Account, status, action| {
            let meeting = meeting(&host, status, &people);
            let actor = Actor::Account(who.clone());
            may_in_room(&actor, RoomOf::Meeting(&meeting, meeting.standing(&actor)), action)
        };
        use MeetingStatus::{Ended, Live, Scheduled};
        assert_eq!(may_there(&member, Live, RoomAction::Write), Ok(()));
        assert_eq!(may_there(&member, Scheduled, RoomAction::Write), Err(DomainError::MeetingNotActive));
        assert_eq!(may_there(&member, Ended, RoomAction::Write), Err(DomainError::MeetingEnded));
        assert_eq!(may_there(&member, Ended, RoomAction::Read), Ok(()));
        assert_eq!(may_there(&member, Ended, RoomAction::DeleteOwn), Ok(()));
        assert_eq!(may_there(&member, Live, RoomAction::DeleteOthers), Err(DomainError::Forbidden));
        assert_eq!(may_there(&host, Ended, RoomAction::DeleteOthers), Ok(()));
        assert_eq!(may_there(&host, Live, RoomAction::Manage), Err(DomainError::Forbidden));
        assert_eq!(may_there(&host, Live, RoomAction::Leave), Err(DomainError::Forbidden));
        for action in RoomAction::ALL {
            assert_eq!(may_there(&stranger, Live, action), Err(DomainError::NotMember));
        }
    }
}
