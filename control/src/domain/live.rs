//! A running meeting as a state machine: who is inside and what they do. Commands come with the time and answer with
//! notices, or with a refusal and no change.
//!
//! Media (transports, tracks, subscriptions) is next door in [`super::live_media`], data channels in [`super::live_data`], breakout rooms are in
//! [`super::live_breakouts`], who is heard in [`super::live_speakers`], hands, reactions and typing are in [`super::live_signs`], sessions that have no socket are
//! in [`super::live_sessions`], recording is in [`super::recording`]; the rules of entering are [`super::admission`]'s,
//! applied here against the seats as they are at that moment.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use plenum_shared::id::{ProducerId, RoomId};
use time::OffsetDateTime;

use super::actor::Actor;
use super::admission::{Admission, Occupancy};
use super::breakout::Breakouts;
use super::chat::{ChatMessage, Recipient};
use super::error::DomainError;
use super::event::{Audience, DomainEvent, EndReason, Entrance, Notice};
use super::id::{BreakoutRoomId, ParticipantId, RosterId, UserId};
use super::inside::Inside;
use super::live_data::EarlyEnds;
use super::live_sessions::Arrival;
use super::live_signs::Typing;
use super::live_speakers::Speech;
use super::meeting::{Meeting, MeetingStatus, Standing};
use super::participant::{ConnectionId, MediaChange, MediaStatus, Participant, Person};
use super::policy::{self, Action};
use super::recording::Recording;
use super::role::Role;
use super::session::LeaveReason;

/// People who may wait for admission at once; each can knock once. Who comes later is told that the meeting is full.
const WAITING_MAX: usize = 500;

/// Somebody at the door, ready to be let in.
#[derive(Debug, Clone, PartialEq)]
pub struct Joiner {
    /// The id of this join if it succeeds.
    pub id: ParticipantId,
    pub actor: Actor,
    /// Shown in this session.
    pub name: String,
    pub connection: ConnectionId,
    /// Whether there is a socket behind the connection, or only requests (C-30).
    pub has_socket: bool,
    pub arrival: Arrival,
    pub came_at: OffsetDateTime,
}

/// What became of a joiner.
#[derive(Debug, Clone, PartialEq)]
pub enum Joined {
    Inside(Vec<Notice>),
    /// Waits for a host; the notices tell him and the hosts.
    Waiting(Vec<Notice>),
}

/// The running meeting.
#[derive(Debug, Clone)]
pub struct LiveMeeting {
    pub(super) meeting: Arc<Meeting>,
    /// The media plane's room; a new one after the old was lost.
    pub(super) room: RoomId,
    pub(super) participants: Inside,
    pub(super) waiting: Vec<Joiner>,
    /// People a host let in from the waiting room; they need not wait again.
    pub(super) admitted: HashSet<Person>,
    /// Raised hands, the first to rise first.
    pub(super) hands: Vec<ParticipantId>,
    pub(super) typing: Vec<Typing>,
    pub(super) recording: Option<Recording>,
    pub(super) breakouts: Option<Breakouts>,
    joins: u64,
    peak: u32,
    /// Messages delivered since this process runs the meeting.
    messages: u64,
    /// Who is heard, by room.
    pub(super) speech: HashMap<Option<BreakoutRoomId>, Speech>,
}

impl LiveMeeting {
    /// An empty meeting. `room` names it in the media plane.
    pub fn new(meeting: Arc<Meeting>, room: RoomId) -> Self {
        Self {
            meeting,
            room,
            participants: Inside::default(),
            waiting: Vec::new(),
            admitted: HashSet::new(),
            hands: Vec::new(),
            typing: Vec::new(),
            recording: None,
            breakouts: None,
            joins: 0,
            peak: 0,
            messages: 0,
            speech: HashMap::new(),
        }
    }

    /// Settings and roster as last heard.
    pub fn meeting(&self) -> &Arc<Meeting> {
        &self.meeting
    }

    /// The media plane's room.
    pub fn room(&self) -> RoomId {
        self.room
    }

    /// Nobody inside and nobody waiting.
    pub fn is_idle(&self) -> bool {
        self.participants.is_empty() && self.waiting.is_empty()
    }

    /// Sessions inside.
    pub fn size(&self) -> usize {
        self.participants.len()
    }

    /// Everybody inside, in order of joining.
    pub fn roster(&self) -> Vec<&Participant> {
        let mut inside: Vec<_> = self.participants.values().collect();
        inside.sort_by_key(|participant| participant.order);
        inside
    }

    /// One participant.
    pub fn participant(&self, id: ParticipantId) -> Option<&Participant> {
        self.participants.get(&id)
    }

    /// The participant that a connection speaks for.
    ///
    /// # Errors
    /// `NotInMeeting`.
    pub fn of_connection(&self, connection: ConnectionId) -> Result<&Participant, DomainError> {
        self.participants.of_connection(connection).ok_or(DomainError::NotInMeeting)
    }

    /// Whether somebody speaks over this connection, inside or waiting.
    pub fn knows(&self, connection: ConnectionId) -> bool {
        self.of_connection(connection).is_ok() || self.waiting.iter().any(|w| w.connection == connection)
    }

    /// Distinct persons inside.
    pub fn persons(&self) -> u32 {
        let persons: HashSet<_> = self.participants.values().map(|p| p.person).collect();
        u32::try_from(persons.len()).unwrap_or(u32::MAX)
    }

    /// Distinct persons inside once this one is.
    pub fn persons_with(&self, person: Option<Person>) -> u32 {
        let Occupancy { persons, caller_inside, .. } = self.occupancy(person);
        persons + u32::from(!caller_inside)
    }

    /// Most persons inside at one moment.
    pub fn peak(&self) -> u32 {
        self.peak
    }

    /// Messages delivered since this process runs the meeting.
    pub fn messages(&self) -> u64 {
        self.messages
    }

    /// Raised hands in the order of raising.
    pub fn hands(&self) -> &[ParticipantId] {
        &self.hands
    }

    /// The seats as somebody at the door finds them.
    pub fn occupancy(&self, person: Option<Person>) -> Occupancy {
        Occupancy {
            persons: self.persons(),
            caller_inside: person
                .is_some_and(|person| self.participants.values().any(|p| p.person == person)),
            caller_admitted: person.is_some_and(|person| self.admitted.contains(&person)),
        }
    }

    /// Which connections an audience has in here. Accounts and the wider world are the hub's to find.
    pub fn recipients(&self, audience: &Audience) -> Vec<ConnectionId> {
        let inside = |chosen: &dyn Fn(&Participant) -> bool| {
            self.participants.values().filter(|p| chosen(p)).map(|p| p.connection).collect()
        };
        match audience {
            Audience::Everyone => inside(&|_| true),
            Audience::AllBut(one) => inside(&|p| p.id != *one),
            Audience::Running => inside(&|p| p.standing.role.runs_meeting()),
            Audience::One(one) => self.connection_of(*one).into_iter().collect(),
            // By look-up: of a divided meeting as many audiences as there are tracks may be asked for at once.
            Audience::These(some) => {
                some.iter().filter_map(|id| self.participants.get(id)).map(|p| p.connection).collect()
            }
            Audience::Accounts(_) | Audience::Campus { .. } | Audience::World => Vec::new(),
        }
    }

    fn connection_of(&self, id: ParticipantId) -> Option<ConnectionId> {
        let waiting = || self.waiting.iter().find(|w| w.id == id).map(|w| w.connection);
        self.participants.get(&id).map(|p| p.connection).or_else(waiting)
    }

    /// Lets somebody in or into the waiting room, as admission decided. A connection that is inside already leaves
    /// first (C-30).
    ///
    /// # Errors
    /// No room to wait in, or an actor that is nobody.
    pub fn join(
        &mut self,
        joiner: Joiner,
        admission: Admission,
        now: OffsetDateTime,
    ) -> Result<Joined, DomainError> {
        let person = Person::of(&joiner.actor).ok_or(DomainError::Forbidden)?;
        match admission {
            Admission::Enter | Admission::StartAndEnter => {
                let mut notices = self.leave_connection(joiner.connection, LeaveReason::Left);
                notices.extend(self.enter(joiner, person, now));
                Ok(Joined::Inside(notices))
            }
            Admission::Wait | Admission::NotStarted => self.wait(joiner, now).map(Joined::Waiting),
        }
    }

    fn enter(&mut self, joiner: Joiner, person: Person, now: OffsetDateTime) -> Vec<Notice> {
        let Joiner { id, actor, name, connection, has_socket, arrival, .. } = joiner;
        let breakout = self.place_on_entry(person, &actor);
        let others = self.as_seen_from(breakout, self.participants.shared());
        self.joins += 1;
        let standing = standing(&self.meeting, &actor);
        let media = self.media_on_entry(&actor, standing, &arrival);
        let me = Participant {
            id,
            person,
            name,
            standing,
            actor,
            connection,
            has_socket,
            label: arrival.label,
            device: arrival.device,
            joined_at: now,
            order: self.joins,
            media,
            hand_raised_at: None,
            breakout,
            host_muted: false,
            quality: None,
            send_transport: None,
            recv_transport: None,
            producers: Vec::new(),
            consumers: Vec::new(),
            data_producers: Vec::new(),
            data_consumers: Vec::new(),
            early_ends: EarlyEnds::default(),
        };
        self.participants.insert(id, me.clone());
        self.peak = self.peak.max(self.persons());
        let joined = DomainEvent::ParticipantJoined {
            meeting: self.meeting.clone(),
            participant: Box::new(me.clone()),
        };
        let entrance = Entrance {
            meeting: self.meeting.clone(),
            me,
            others,
            hands: self.hands.clone(),
            recording: self.recording,
        };
        let mut notices = vec![
            Notice::new(Audience::One(id), DomainEvent::Joined(Arc::new(entrance))),
            Notice::new(Audience::AllBut(id), joined),
        ];
        notices.extend(self.rooms_on_entry(id));
        notices.extend(self.speech_on_entry(id));
        notices
    }

    /// What somebody who comes in like this has switched on, as far as he may be heard and seen at all; who is to come in
    /// silent does (C-49).
    pub fn media_on_entry(&self, actor: &Actor, standing: Standing, arrival: &Arrival) -> MediaStatus {
        let may = |action| policy::may(actor, Some(standing), action, &self.meeting).is_ok();
        MediaStatus {
            audio: arrival.audio && may(Action::SendAudio) && !self.meeting.settings.entry.mute_on_entry,
            video: arrival.video && may(Action::SendVideo),
            screen: false,
        }
    }

    fn wait(&mut self, joiner: Joiner, now: OffsetDateTime) -> Result<Vec<Notice>, DomainError> {
        self.waiting.retain(|one| one.connection != joiner.connection);
        if self.waiting.len() >= WAITING_MAX {
            return Err(DomainError::MeetingFull);
        }
        let meeting = self.meeting.id;
        let told = DomainEvent::WaitingRoomJoined { meeting, participant: joiner.id };
        let notices = vec![Notice::new(Audience::One(joiner.id), told), self.request_of(&joiner, now)];
        self.waiting.push(joiner);
        Ok(notices)
    }

    fn request_of(&self, joiner: &Joiner, at: OffsetDateTime) -> Notice {
        let (user, name) = (joiner.actor.user_id(), joiner.name.clone());
        let event =
            DomainEvent::JoinRequested { meeting: self.meeting.id, participant: joiner.id, user, name, at };
        Notice::new(Audience::Running, event)
    }

    pub(super) fn waiting_actor(&self, session: ParticipantId) -> Option<&Actor> {
        self.waiting.iter().find(|joiner| joiner.id == session).map(|joiner| &joiner.actor)
    }

    /// Who waits, for somebody who has just begun to run the meeting.
    pub fn pending_requests(&self, now: OffsetDateTime) -> Vec<DomainEvent> {
        self.waiting.iter().map(|joiner| self.request_of(joiner, now).event).collect()
    }

    /// Takes a waiting person out of the queue with all of his sessions, because somebody who may do so admits him. They
    /// still have to pass admission again: seats may be gone.
    ///
    /// # Errors
    /// Not allowed, or nobody waits under that name.
    pub fn admit(&mut self, by: ConnectionId, waiting: &str) -> Result<Vec<Joiner>, DomainError> {
        let joiners = self.take_waiting(by, waiting)?;
        self.admitted.extend(joiners.iter().filter_map(|joiner| Person::of(&joiner.actor)));
        Ok(joiners)
    }

    /// Turns a waiting person away, with all of his sessions.
    ///
    /// # Errors
    /// As [`LiveMeeting::admit`].
    pub fn deny(
        &mut self,
        by: ConnectionId,
        waiting: &str,
    ) -> Result<(Vec<Joiner>, DomainEvent), DomainError> {
        let joiners = self.take_waiting(by, waiting)?;
        Ok((joiners, DomainEvent::JoinDenied { meeting: self.meeting.id }))
    }

    /// Everybody who waits, in order of coming, because nobody has to any more. They still have to pass admission.
    pub fn release(&mut self) -> Vec<Joiner> {
        let waits = self.meeting.status != MeetingStatus::Live || self.meeting.settings.asks_admission();
        if waits { Vec::new() } else { std::mem::take(&mut self.waiting) }
    }

    /// Somebody who was taken out of the queue and found no seat goes on waiting.
    pub fn put_back(&mut self, joiner: Joiner) {
        if self.waiting.len() < WAITING_MAX {
            self.waiting.push(joiner);
        }
    }

    /// One session by its own id; by roster line or account all that the person has (C-29).
    fn take_waiting(&mut self, by: ConnectionId, named: &str) -> Result<Vec<Joiner>, DomainError> {
        let host = self.of_connection(by)?;
        policy::may(&host.actor, Some(host.standing), Action::Admit, &self.meeting)?;
        let named = named.trim();
        let (session, user) = (ParticipantId::parse(named), UserId::parse(named));
        let line =
            RosterId::parse(named).and_then(|id| self.meeting.roster.iter().find(|entry| entry.id == id));
        let is_meant = |w: &mut Joiner| {
            Some(w.id) == session
                || (user.is_some() && w.actor.user_id() == user)
                || line.is_some_and(|line| line.is_for(&w.actor))
        };
        let taken: Vec<_> = self.waiting.extract_if(.., is_meant).collect();
        if taken.is_empty() { Err(DomainError::ParticipantNotFound) } else { Ok(taken) }
    }

    /// A session is over. Unknown ones say nothing.
    pub fn leave(&mut self, id: ParticipantId, reason: LeaveReason) -> Vec<Notice> {
        let mut notices = self.stop_typing(id);
        let Some(gone) = self.participants.remove(&id) else { return notices };
        self.hands.retain(|hand| *hand != id);
        self.hush(id);
        self.drop_subscriptions_to(&gone.producers.iter().map(|p| p.id).collect::<Vec<_>>());
        self.drop_data_subscriptions_to(&gone.data_producers.iter().map(|p| p.id).collect::<Vec<_>>());
        self.give_up_place(&gone, reason);
        let event = DomainEvent::ParticipantLeft {
            meeting: self.meeting.id,
            participant: id,
            person: gone.person,
            name: gone.name,
            reason,
        };
        notices.push(Notice::new(Audience::AllBut(id), event));
        notices
    }

    /// Whoever speaks over this connection is out, inside or waiting.
    pub fn leave_connection(&mut self, connection: ConnectionId, reason: LeaveReason) -> Vec<Notice> {
        self.waiting.retain(|joiner| joiner.connection != connection);
        match self.of_connection(connection).map(|participant| participant.id) {
            Ok(id) => self.leave(id, reason),
            Err(_) => Vec::new(),
        }
    }

    /// Somebody switches microphone, camera or screen on or off. Says what is told and which tracks the media plane
    /// may now have to forward or hold back ([`LiveMeeting::held`]).
    ///
    /// # Errors
    /// Not inside, or switching on what is not allowed.
    pub fn set_media(
        &mut self,
        connection: ConnectionId,
        change: MediaChange,
    ) -> Result<(Vec<Notice>, Vec<ProducerId>), DomainError> {
        let participant = self.of_connection(connection)?;
        let (id, host_muted) = (participant.id, participant.host_muted);
        for (wanted, action) in [
            (change.audio, Action::SendAudio),
            (change.video, Action::SendVideo),
            (change.screen, Action::ShareScreen),
        ] {
            if wanted == Some(true) {
                self.allowed(connection, action)?;
            }
        }
        if host_muted && change.audio == Some(true) {
            return Err(DomainError::Forbidden);
        }
        Ok((self.change_media(id, change), self.tracks_of(id)))
    }

    /// A host mutes a session or lifts that again (C-44). Every session of the named person is meant.
    ///
    /// # Errors
    /// Not allowed, or nobody of that name; a co-host cannot mute a host.
    pub fn mute(
        &mut self,
        by: ConnectionId,
        whom: &str,
        mute: bool,
    ) -> Result<(Vec<Notice>, Vec<ProducerId>), DomainError> {
        let host = self.of_connection(by)?;
        let action = if mute { Action::ManageParticipants } else { Action::UnmuteOthers };
        policy::may(&host.actor, Some(host.standing), action, &self.meeting)?;
        let own_role = host.standing.role;
        let targets = self.resolve(whom);
        if targets.is_empty() {
            return Err(DomainError::ParticipantNotFound);
        }
        let is_host =
            |id: &ParticipantId| self.participants.get(id).is_some_and(|p| p.standing.role == Role::Host);
        if own_role != Role::Host && targets.iter().any(is_host) {
            return Err(DomainError::Forbidden);
        }
        let (mut notices, mut tracks) = (Vec::new(), Vec::new());
        for id in targets {
            let Some(participant) = self.participants.get_mut(&id) else { continue };
            participant.host_muted = mute;
            let (meeting, person) = (self.meeting.id, participant.person);
            let event = DomainEvent::MutedByHost { meeting, participant: id, person, muted: mute };
            notices.push(Notice::new(Audience::One(id), event));
            if mute {
                notices.extend(
                    self.change_media(id, MediaChange { audio: Some(false), ..MediaChange::default() }),
                );
            }
            tracks.extend(self.tracks_of(id));
        }
        Ok((notices, tracks))
    }

    pub(super) fn change_media(&mut self, id: ParticipantId, change: MediaChange) -> Vec<Notice> {
        let meeting = self.meeting.id;
        let Some(participant) = self.participants.get_mut(&id) else { return Vec::new() };
        let media = participant.media.with(change);
        if media == participant.media {
            return Vec::new();
        }
        participant.media = media;
        let person = participant.person;
        let event = DomainEvent::MediaChanged { meeting, participant: id, person, media };
        vec![Notice::new(Audience::Everyone, event)]
    }

    fn tracks_of(&self, id: ParticipantId) -> Vec<ProducerId> {
        let tracks = self.participants.get(&id).map(|participant| participant.producers.iter().map(|p| p.id));
        tracks.into_iter().flatten().collect()
    }

    /// May this connection send a message now?
    ///
    /// # Errors
    /// Not inside, or chat is switched off.
    pub fn may_chat(&self, connection: ConnectionId) -> Result<&Participant, DomainError> {
        let id = self.allowed(connection, Action::SendMessage)?;
        self.participants.get(&id).ok_or(DomainError::NotInMeeting)
    }

    /// Whom a private message is for: a session, roster line or account, inside or on the roster (C-52).
    ///
    /// # Errors
    /// `ParticipantNotFound`.
    pub fn recipient(&self, named: &str) -> Result<Recipient, DomainError> {
        if let Some(id) = self.resolve(named).first()
            && let Some(participant) = self.participants.get(id)
        {
            return Ok(match participant.person {
                Person::User(user) => Recipient::User(user),
                Person::Guest(session) => Recipient::Guest(session),
            });
        }
        let absent =
            UserId::parse(named).and_then(|user| self.meeting.entry_of_user(user)).and_then(|line| line.user);
        absent.map(Recipient::User).ok_or(DomainError::ParticipantNotFound)
    }

    /// The name under which an account is inside and may write; of several sessions, the first one's.
    ///
    /// # Errors
    /// Not inside, or in a breakout room without chat.
    pub fn name_to_write(&self, user: UserId) -> Result<String, DomainError> {
        let inside = self.roster();
        let session = inside.iter().find(|p| p.actor.user_id() == Some(user));
        let session = session.ok_or(DomainError::NotInMeeting)?;
        self.room_allows(session, Action::SendMessage)?;
        Ok(session.name.clone())
    }

    /// The connections of everybody inside who may read a message.
    pub fn readers(&self, message: &ChatMessage) -> Vec<ConnectionId> {
        let reads = |p: &&Participant| message.visible_to(p.person.sender(), p.standing.role.runs_meeting());
        self.participants.values().filter(reads).map(|p| p.connection).collect()
    }

    /// Delivery of a stored message, to everybody inside who may read it.
    pub fn deliver(&mut self, message: ChatMessage) -> Vec<Notice> {
        self.messages += 1;
        let mut notices = self.stop_typing_of(message.sender);
        let reads = |p: &&Participant| message.visible_to(p.person.sender(), p.standing.role.runs_meeting());
        let readers = self.participants.values().filter(reads).map(|p| p.id).collect();
        notices.push(Notice::new(Audience::These(readers), DomainEvent::MessageSent(Box::new(message))));
        notices
    }

    /// The meeting is over: everybody hears it once, then nobody is inside (C-34).
    pub fn end(&mut self, reason: EndReason, now: OffsetDateTime) -> (Notice, Vec<ConnectionId>) {
        let event = DomainEvent::MeetingEnded { meeting: self.meeting.id, reason, at: now };
        let mut hear = self.recipients(&Audience::Everyone);
        hear.extend(self.waiting.iter().map(|joiner| joiner.connection));
        self.participants.clear();
        self.waiting.clear();
        self.hands.clear();
        self.typing.clear();
        self.recording = None;
        self.breakouts = None;
        (Notice::new(Audience::Everyone, event), hear)
    }

    /// The sessions a name stands for: session, roster line or account (C-29); several when one person has several.
    pub fn resolve(&self, named: &str) -> Vec<ParticipantId> {
        let named = named.trim();
        let session = ParticipantId::parse(named);
        let line =
            RosterId::parse(named).and_then(|id| self.meeting.roster.iter().find(|entry| entry.id == id));
        let user = UserId::parse(named).or_else(|| line.and_then(|line| line.user));
        let is_meant = |p: &&&Participant| {
            Some(p.id) == session
                || (user.is_some() && p.actor.user_id() == user)
                || line.is_some_and(|line| line.is_for(&p.actor))
                || session.is_some_and(|session| p.person == Person::Guest(session))
        };
        self.roster().iter().filter(is_meant).map(|p| p.id).collect()
    }

    /// The participant behind the connection, if he may do this now.
    pub(super) fn allowed(
        &self,
        connection: ConnectionId,
        action: Action,
    ) -> Result<ParticipantId, DomainError> {
        let participant = self.of_connection(connection)?;
        policy::may(&participant.actor, Some(participant.standing), action, &self.meeting)?;
        self.room_allows(participant, action)?;
        Ok(participant.id)
    }
}

/// What the actor is here; people who came because guests are allowed are attendees.
pub(super) fn standing(meeting: &Meeting, actor: &Actor) -> Standing {
    meeting.standing(actor).unwrap_or_else(|| Standing::of(Role::Attendee))
}
