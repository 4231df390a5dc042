//! Chat rooms: standing ones with members, and meetings, which are rooms under their own id (C-53).
//!
//! [`ChatRooms`] makes rooms and looks after their people; [`messages`] is what is said in them, [`telling`] who hears
//! of it, [`listening`] who asked to, [`typing`] and [`presence`] what passes by.

mod listening;
mod messages;
mod presence;
mod receipts;
mod telling;
mod typing;

use std::sync::{Arc, Mutex};

use crate::domain::account::Account;
use crate::domain::actor::Actor;
use crate::domain::audit::{AuditAction, AuditEntry};
use crate::domain::chat::Place;
use crate::domain::chat_event::{Notification, RoomChange};
use crate::domain::chat_room::{ChatRoom, MEMBERS_MAX, Member, room_name};
use crate::domain::error::DomainError;
use crate::domain::history::Summary;
use crate::domain::id::{ChatRoomId, UserId};
use crate::domain::meeting::{Meeting, Standing};
use crate::domain::policy::rooms::{RoomAction, RoomOf, may_in_room};
use crate::domain::presence::Everybody;
use crate::hub::Hub;
use crate::live::Live;
use crate::service::audit::Audit;
use crate::service::clock::Clock;
use crate::service::limits::Limits;
use crate::store::Store;
use typing::Typing;

pub use messages::{NewMessage, Reaction};
pub use presence::OnlineUser;

/// Changes of rooms that share a place in the line; with so many lines two rooms rarely wait for each other.
const LINES: usize = 64;

/// All chat rooms.
#[derive(Clone)]
pub struct ChatRooms {
    store: Store,
    live: Live,
    hub: Hub,
    limits: Limits,
    audit: Audit,
    clock: Clock,
    /// What changes a room is stored and told under the same turn, so that everybody hears things in the order in which
    /// they hold.
    lines: Arc<[tokio::sync::Mutex<()>]>,
    typing: Typing,
    everybody: Arc<Mutex<Everybody>>,
    /// Held while a mood is looked up and told, so that the last word told is the one that holds.
    announcing: Arc<Mutex<()>>,
}

/// A room that somebody has access to.
enum Room {
    Standing(ChatRoom),
    Meeting(Box<Meeting>, Option<Standing>),
}

impl Room {
    fn place(&self) -> Place {
        match self {
            Self::Standing(room) => Place::Room(room.id),
            Self::Meeting(meeting, _) => Place::Meeting(meeting.id),
        }
    }

    fn name(&self) -> &str {
        match self {
            Self::Standing(room) => &room.name,
            Self::Meeting(meeting, _) => &meeting.settings.name,
        }
    }

    fn meeting(&self) -> Option<&Meeting> {
        match self {
            Self::Standing(_) => None,
            Self::Meeting(meeting, _) => Some(meeting),
        }
    }

    /// Whether the person it was opened for runs the meeting.
    fn runs_meeting(&self) -> bool {
        matches!(self, Self::Meeting(_, Some(standing)) if standing.role.runs_meeting())
    }

    fn allows(&self, actor: &Actor, action: RoomAction) -> Result<(), DomainError> {
        match self {
            Self::Standing(room) => may_in_room(actor, RoomOf::Members(room), action),
            Self::Meeting(meeting, standing) => {
                may_in_room(actor, RoomOf::Meeting(meeting, *standing), action)
            }
        }
    }
}

/// What is shown of a room.
pub enum Details {
    Room(Box<Summary>),
    Meeting(Box<Meeting>),
}

/// What rooms are made from.
pub struct Parts {
    pub store: Store,
    pub live: Live,
    pub hub: Hub,
    pub limits: Limits,
    pub audit: Audit,
    pub clock: Clock,
}

impl ChatRooms {
    /// The rooms of `parts`.
    pub fn new(parts: Parts) -> Self {
        let Parts { store, live, hub, limits, audit, clock } = parts;
        let lines = (0..LINES).map(|_| tokio::sync::Mutex::default()).collect();
        let typing = Typing::start(hub.clone(), clock.clone());
        let (everybody, announcing) = (Arc::default(), Arc::default());
        Self { store, live, hub, limits, audit, clock, lines, typing, everybody, announcing }
    }

    /// The counters that messages are counted with, for whoever counts other things.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Makes a room. Whoever makes it owns it and is in it; every member is told.
    ///
    /// # Errors
    /// Guests make none; a member that is nobody of the campus is `InviteeUnknown`; name or number out of bounds.
    pub async fn create(
        &self,
        actor: &Actor,
        name: &str,
        members: &[String],
    ) -> Result<Summary, DomainError> {
        let account = actor.account().filter(|_| !actor.is_guest()).ok_or(DomainError::Forbidden)?;
        let now = self.clock.now();
        let mut room = ChatRoom {
            id: ChatRoomId::generate(),
            campus: account.campus.clone(),
            name: room_name(name)?,
            owner: account.id,
            created_at: now,
            members: vec![Member { user: account.id, name: account.name.clone(), joined_at: now }],
        };
        let people = self.people(&room, members, DomainError::InviteeUnknown).await?;
        room.add(people)?;
        self.store.insert_chat_room(&room).await?;
        self.note(AuditAction::ChatRoomCreate, actor, &room, None).await;
        self.tell_new(account, &room, room.users());
        let member_count = u32::try_from(room.members.len()).unwrap_or(u32::MAX);
        Ok(Summary { room, member_count, last: None, unread: 0 })
    }

    /// The rooms the actor is in, the one with the newest message first.
    ///
    /// # Errors
    /// Only the store's.
    pub async fn list(&self, actor: &Actor, limit: u32, offset: u32) -> Result<Vec<Summary>, DomainError> {
        let account = actor.account().ok_or(DomainError::Forbidden)?;
        let mut rooms = self.store.chat_rooms_of(account.id, limit, offset).await?;
        rooms.retain(|summary| actor.reaches(&summary.room.campus));
        Ok(rooms)
    }

    /// One room, or the meeting that it is.
    ///
    /// # Errors
    /// No access.
    pub async fn details(&self, actor: &Actor, id: &str) -> Result<Details, DomainError> {
        let account = actor.account().ok_or(DomainError::Forbidden)?;
        match self.open(actor, id, RoomAction::Read).await? {
            Room::Standing(room) => {
                Ok(Details::Room(Box::new(self.store.chat_room_summary(room, account.id).await?)))
            }
            Room::Meeting(meeting, _) => Ok(Details::Meeting(meeting)),
        }
    }

    /// Gives a room another name; its members are told.
    ///
    /// # Errors
    /// No access, not the owner, name out of bounds.
    pub async fn rename(&self, actor: &Actor, id: &str, name: &str) -> Result<Summary, DomainError> {
        let name = room_name(name)?;
        let (account, room) = self.owned(actor, id).await?;
        let _turn = self.turn(room.id).await;
        let room = self
            .store
            .change_chat_room(room.id, self.clock.now(), |room| {
                may_in_room(actor, RoomOf::Members(room), RoomAction::Manage)?;
                room.name = name;
                Ok(())
            })
            .await?
            .0;
        self.tell_change(&room, RoomChange::Renamed, account.id, room.users());
        self.store.chat_room_summary(room, account.id).await
    }

    /// Adds people to a room; they and the others are told.
    ///
    /// # Errors
    /// No access, not the owner, a person who is nobody of the campus, too many.
    pub async fn add_members(
        &self,
        actor: &Actor,
        id: &str,
        members: &[String],
    ) -> Result<Summary, DomainError> {
        let (account, room) = self.owned(actor, id).await?;
        let people = self.people(&room, members, DomainError::PersonUnknown).await?;
        if people.is_empty() {
            return Err(DomainError::FieldMissing("members"));
        }
        let _turn = self.turn(room.id).await;
        let (room, added) = self
            .store
            .change_chat_room(room.id, self.clock.now(), |room| {
                may_in_room(actor, RoomOf::Members(room), RoomAction::Manage)?;
                room.add(people)
            })
            .await?;
        self.tell_new(account, &room, added.iter().map(|member| member.user).collect());
        for member in &added {
            let joined = Notification::Joined {
                room: room.id,
                user: member.user,
                name: member.name.clone(),
                by: account.id,
            };
            self.notify(&room.users(), joined);
        }
        self.store.chat_room_summary(room, account.id).await
    }

    /// Removes somebody from a room, or leaves it. A room without people is no more.
    ///
    /// # Errors
    /// No access, not the owner (unless leaving), nobody of that id in the room.
    pub async fn remove_member(&self, actor: &Actor, id: &str, user: &str) -> Result<(), DomainError> {
        let account = actor.account().ok_or(DomainError::Forbidden)?;
        let user = UserId::parse(user).ok_or(DomainError::PersonUnknown);
        let leaves = user == Ok(account.id);
        let action = if leaves { RoomAction::Leave } else { RoomAction::Manage };
        let Room::Standing(room) = self.open(actor, id, action).await? else {
            return Err(DomainError::Forbidden);
        };
        let user = user?;
        let _turn = self.turn(room.id).await;
        let (room, departure) = self
            .store
            .change_chat_room(room.id, self.clock.now(), |room| {
                may_in_room(actor, RoomOf::Members(room), action)?;
                room.remove(user)
            })
            .await?;
        self.forget_listener(room.id, user);
        let removed_by = (!leaves).then_some(account.id);
        if removed_by.is_some() {
            self.note(AuditAction::ChatMemberRemove, actor, &room, Some(user.to_string())).await;
        }
        let left = Notification::Left { room: room.id, user, name: departure.member.name, removed_by };
        self.notify(&[room.users(), vec![user]].concat(), left);
        if departure.new_owner.is_some() {
            self.tell_change(&room, RoomChange::Owner, account.id, room.users());
        }
        Ok(())
    }

    /// Deletes a room for everybody in it.
    ///
    /// # Errors
    /// No access, not the owner.
    pub async fn delete(&self, actor: &Actor, id: &str) -> Result<(), DomainError> {
        let (account, room) = self.owned(actor, id).await?;
        let _turn = self.turn(room.id).await;
        let (room, people) = self
            .store
            .change_chat_room(room.id, self.clock.now(), |room| {
                may_in_room(actor, RoomOf::Members(room), RoomAction::Manage)?;
                let people = room.users();
                room.members.clear();
                Ok(people)
            })
            .await?;
        self.hub.listeners().retain(room.id, |_| false);
        self.note(AuditAction::ChatRoomDelete, actor, &room, None).await;
        self.tell_change(&room, RoomChange::Deleted, account.id, people);
        Ok(())
    }

    /// The room of an id, if the actor may do this there. A meeting's id is the meeting's room.
    async fn open(&self, actor: &Actor, id: &str, action: RoomAction) -> Result<Room, DomainError> {
        let id = ChatRoomId::parse(id.trim()).ok_or(DomainError::ChatRoomNotFound)?;
        let room = self.load(actor, id).await?;
        room.allows(actor, action)?;
        Ok(room)
    }

    async fn load(&self, actor: &Actor, id: ChatRoomId) -> Result<Room, DomainError> {
        if let Some(room) = self.store.chat_room(id).await? {
            return Ok(Room::Standing(room));
        }
        let meeting = self.store.meeting(id.as_meeting()).await?.ok_or(DomainError::ChatRoomNotFound)?;
        let standing = meeting.standing(actor);
        Ok(Room::Meeting(Box::new(meeting), standing))
    }

    /// A room that the actor may manage. Meetings are managed elsewhere.
    async fn owned<'a>(&self, actor: &'a Actor, id: &str) -> Result<(&'a Account, ChatRoom), DomainError> {
        let account = actor.account().ok_or(DomainError::Forbidden)?;
        match self.open(actor, id, RoomAction::Manage).await? {
            Room::Standing(room) => Ok((account, room)),
            Room::Meeting(..) => Err(DomainError::Forbidden),
        }
    }

    /// The people of these ids. Who is of another campus is as unknown as who does not exist.
    async fn people(
        &self,
        room: &ChatRoom,
        ids: &[String],
        unknown: DomainError,
    ) -> Result<Vec<Member>, DomainError> {
        // One more than the bound is enough to be told that it is too many.
        if ids.len() > MEMBERS_MAX {
            return Err(DomainError::invalid("members", format!("a room has at most {MEMBERS_MAX}")));
        }
        let mut wanted = Vec::new();
        for id in ids {
            let id = UserId::parse(id.trim()).ok_or(unknown.clone())?;
            if !wanted.contains(&id) {
                wanted.push(id);
            }
        }
        let accounts = self.store.accounts_by_ids(&wanted).await?;
        let now = self.clock.now();
        let member = |id: &UserId| {
            let account = accounts.iter().find(|account| account.id == *id)?;
            let reaches = Actor::Account(account.clone()).reaches(&room.campus);
            reaches.then(|| Member { user: *id, name: account.name.clone(), joined_at: now })
        };
        wanted.iter().map(|id| member(id).ok_or(unknown.clone())).collect()
    }

    /// Whoever changes a room waits for his turn.
    async fn turn(&self, room: ChatRoomId) -> tokio::sync::MutexGuard<'_, ()> {
        let line = usize::try_from(room.0.0 % (LINES as u128)).unwrap_or(0);
        self.lines[line].lock().await
    }

    fn tell_new(&self, by: &Account, room: &ChatRoom, to: Vec<UserId>) {
        let news = Notification::NewChat {
            room: room.id,
            name: room.name.clone(),
            by: by.id,
            by_name: by.name.clone(),
            members: room.users(),
        };
        self.notify(&to, news);
    }

    fn tell_change(&self, room: &ChatRoom, change: RoomChange, by: UserId, to: Vec<UserId>) {
        let (id, name, owner) = (room.id, room.name.clone(), room.owner);
        self.notify(&to, Notification::RoomChanged { room: id, name, change, owner, by });
    }

    async fn note(&self, action: AuditAction, actor: &Actor, room: &ChatRoom, about: Option<String>) {
        let detail = about.map_or_else(|| room.id.to_string(), |about| format!("{} {about}", room.id));
        let entry = AuditEntry {
            campus: Some(room.campus.clone()),
            detail: Some(detail),
            ..AuditEntry::granted(action, actor.user_id())
        };
        self.audit.note(entry).await;
    }
}
