//! Breakout rooms and the people inside: who may open, fill and leave them, and what a change of places does to media.
//!
//! A meeting has one room in the media plane, also while it is divided. What divides it is who subscribes to whom: two
//! sessions are [`together`](LiveMeeting::together) when their places are the same, and only those hear of each
//! other's tracks and may subscribe to them. Whoever changes his place keeps his transports and his tracks.
//!
//! A change is made in two steps, so that it can be stored in between: [`LiveMeeting::breakouts_after`] decides what
//! the rooms will be, [`LiveMeeting::adopt_breakouts`] moves the people accordingly.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use plenum_shared::id::{ConsumerId, DataConsumerId, DataProducerId, ProducerId, SessionId};
use plenum_shared::media::Source;
use time::OffsetDateTime;

use super::actor::Actor;
use super::breakout::{BreakoutNews, BreakoutRoom, Breakouts, Insider, Member, Plan};
use super::error::DomainError;
use super::event::{Audience, DomainEvent, Notice};
use super::id::{BreakoutRoomId, ParticipantId, UserId};
use super::live::LiveMeeting;
use super::meeting::Feature;
use super::participant::{MediaChange, Participant, Person, Producer};
use super::policy::{self, Action};
use super::session::LeaveReason;

/// What somebody wants of the rooms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BreakoutWish {
    /// New rooms instead of those that are open.
    Open(Plan),
    /// A person, by session, roster line or account, gets a place; one may name oneself. The room by its id.
    Assign {
        whom: String,
        room: String,
    },
    /// The same for whoever asks.
    Choose(String),
    Return(Whom),
    Close,
}

/// Who comes back to the main room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whom {
    Oneself,
    /// By session, roster line or account.
    Named(String),
    Everybody,
}

/// What follows from a change of places.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Moved {
    pub notices: Vec<Notice>,
    /// Screens that may not be shown in the new room: the media plane closes them.
    pub closed: Vec<ProducerId>,
    /// Subscriptions across rooms: the media plane closes them.
    pub unsubscribed: Vec<ConsumerId>,
    /// Data channels of people who came to a room without chat.
    pub closed_data: Vec<DataProducerId>,
    /// Subscriptions to data channels across rooms.
    pub unsubscribed_data: Vec<DataConsumerId>,
    /// Sessions that the media plane must count to another room.
    pub regrouped: Vec<SessionId>,
}

type Place = Option<BreakoutRoomId>;

impl LiveMeeting {
    /// The rooms that are open.
    pub fn breakouts(&self) -> Option<&Breakouts> {
        self.breakouts.as_ref()
    }

    /// Rooms from before this process or this gathering. Nobody is inside yet.
    pub fn resume_breakouts(&mut self, breakouts: Option<Breakouts>) {
        self.breakouts = breakouts;
    }

    /// What the rooms will be when a wish is granted; `None`: closed. Nothing has changed yet. `fresh_id` names new
    /// rooms.
    ///
    /// # Errors
    /// Not allowed, not inside, nobody of that name, no such room, no place left, or a plan out of bounds.
    pub fn breakouts_after(
        &self,
        by: &Actor,
        wish: BreakoutWish,
        fresh_id: impl FnMut() -> BreakoutRoomId,
        now: OffsetDateTime,
    ) -> Result<Option<Breakouts>, DomainError> {
        match wish {
            BreakoutWish::Open(plan) => {
                self.permit(by, Action::ManageBreakouts)?;
                let deals = plan.auto_assign;
                let mut breakouts = Breakouts::open(plan, fresh_id, now)?;
                if deals {
                    breakouts.deal(self.attendees());
                }
                Ok(Some(breakouts))
            }
            BreakoutWish::Assign { whom, room } => self.assigned(by, &whom, &room).map(Some),
            BreakoutWish::Choose(room) => {
                let me = self.own_place(by, Action::ChooseBreakout)?;
                self.choosing(by, me, &room).map(Some)
            }
            BreakoutWish::Return(whom) => self.returned(by, &whom).map(Some),
            BreakoutWish::Close => {
                self.permit(by, Action::ManageBreakouts)?;
                self.open_rooms().map(|_| None)
            }
        }
    }

    /// The end of rooms that nobody asked to end: the time is over, or the feature was switched off.
    pub fn breakouts_are_over(&self, now: OffsetDateTime) -> bool {
        let off = !self.meeting.settings.features.allows(Feature::BreakoutRooms);
        self.breakouts.as_ref().is_some_and(|breakouts| off || breakouts.is_over(now))
    }

    fn assigned(&self, by: &Actor, whom: &str, room: &str) -> Result<Breakouts, DomainError> {
        if let Err(refusal) = self.permit(by, Action::ManageBreakouts) {
            let own = Person::of(by).is_some_and(|me| self.members(whom) == [Member::Person(me)]);
            if !own {
                return Err(refusal);
            }
            let me = self.own_place(by, Action::ChooseBreakout)?;
            return self.choosing(by, me, room);
        }
        let mut next = self.open_rooms()?.clone();
        let members = self.members(whom);
        if members.is_empty() {
            return Err(DomainError::ParticipantNotFound);
        }
        let room = room_named(room)?;
        members.into_iter().try_for_each(|member| next.put(member, Some(room)))?;
        Ok(next)
    }

    fn choosing(&self, by: &Actor, me: Person, room: &str) -> Result<Breakouts, DomainError> {
        let mut next = self.open_rooms()?.clone();
        if !next.may_choose {
            self.permit(by, Action::ManageBreakouts)?;
        }
        next.put(Member::Person(me), Some(room_named(room)?))?;
        Ok(next)
    }

    fn returned(&self, by: &Actor, whom: &Whom) -> Result<Breakouts, DomainError> {
        let members = match whom {
            Whom::Oneself => vec![Member::Person(self.own_place(by, Action::ReturnFromBreakout)?)],
            Whom::Named(named) => {
                self.permit(by, Action::ManageBreakouts)?;
                self.members(named)
            }
            Whom::Everybody => {
                self.permit(by, Action::ManageBreakouts)?;
                let mut next = self.open_rooms()?.clone();
                next.places.clear();
                return Ok(next);
            }
        };
        let mut next = self.open_rooms()?.clone();
        if *whom == Whom::Oneself && !next.may_return {
            self.permit(by, Action::ManageBreakouts)?;
        }
        if members.is_empty() {
            return Err(DomainError::ParticipantNotFound);
        }
        members.into_iter().try_for_each(|member| next.put(member, None))?;
        Ok(next)
    }

    fn open_rooms(&self) -> Result<&Breakouts, DomainError> {
        self.breakouts.as_ref().ok_or(DomainError::BreakoutRoomNotFound)
    }

    fn permit(&self, actor: &Actor, action: Action) -> Result<(), DomainError> {
        let inside =
            Person::of(actor).and_then(|person| self.participants.values().find(|p| p.person == person));
        let standing = inside.map(|p| p.standing).or_else(|| self.meeting.standing(actor));
        policy::may(actor, standing, action, &self.meeting)
    }

    /// Who asks, if he may do so and is inside: only those have a place to change.
    fn own_place(&self, by: &Actor, action: Action) -> Result<Person, DomainError> {
        self.permit(by, action)?;
        let me = Person::of(by).filter(|me| self.participants.values().any(|p| p.person == *me));
        me.ok_or(DomainError::NotInMeeting)
    }

    /// Whom a name stands for: people inside, else one on the roster.
    fn members(&self, named: &str) -> Vec<Member> {
        let mut persons = Vec::new();
        for id in self.resolve(named) {
            let person = self.participants.get(&id).map(|p| Member::Person(p.person));
            persons.extend(person.filter(|person| !persons.contains(person)));
        }
        if !persons.is_empty() {
            return persons;
        }
        let creator = UserId::parse(named.trim()).filter(|user| *user == self.meeting.creator);
        let line = self.meeting.line_named(named).and_then(|line| self.meeting.line(line));
        let member = line.map(|line| match line.user {
            Some(user) => Member::Person(Person::User(user)),
            None => Member::Line(line.id),
        });
        member.or(creator.map(|user| Member::Person(Person::User(user)))).into_iter().collect()
    }

    /// Everybody inside who does not run the meeting, each once, in order of joining.
    fn attendees(&self) -> Vec<Person> {
        let mut people = Vec::new();
        let mut known = HashSet::new();
        for participant in self.roster() {
            if !participant.standing.role.runs_meeting() && known.insert(participant.person) {
                people.push(participant.person);
            }
        }
        people
    }

    /// Opens, changes or closes the rooms: everybody goes to his place. Tracks that come within reach are told as if
    /// they were published now, tracks that go out of it as if they were closed.
    pub fn adopt_breakouts(&mut self, next: Option<Breakouts>) -> Moved {
        let target = |p: &Participant| next.as_ref().and_then(|next| next.place_of(p.person));
        let going: Vec<_> = self
            .roster()
            .into_iter()
            .map(|p| (p.id, p.breakout, target(p)))
            .filter(|(_, from, to)| from != to)
            .collect();
        let groups: Vec<_> = going.iter().map(|(id, from, _)| (*id, self.group_of(*from))).collect();
        let mut moved = Moved::default();
        for (id, _, to) in &going {
            let room = to.and_then(|to| next.as_ref()?.room(to));
            if room.is_some_and(|room| !room.allow_screen_share) {
                self.end_screen(*id, &mut moved);
            }
            if room.is_some_and(|room| !room.allow_chat) {
                self.end_channels(*id, &mut moved);
            }
        }
        let same_rooms = rooms_of(self.breakouts.as_ref()) == rooms_of(next.as_ref());
        let speech = self.speech_by_number();
        self.breakouts = next;
        let mut origins = HashMap::new();
        for (id, from, to) in going {
            if let Some(participant) = self.participants.get_mut(&id) {
                participant.breakout = to;
                origins.insert(id, from);
            }
        }
        let sessions = groups.into_iter().map(|(id, before)| (SessionId(id.0), before));
        moved.regrouped = sessions
            .filter(|(session, before)| self.group_of_session(*session) != Some(*before))
            .map(|(session, _)| session)
            .collect();
        let (lost, gained) = self.regroup(&origins, &mut moved);
        moved.notices.extend(lost);
        moved.notices.extend(self.places_told(&origins, same_rooms));
        moved.notices.extend(gained);
        moved.notices.extend(self.speech_after_moves(speech, origins, &moved.regrouped));
        moved
    }

    fn end_screen(&mut self, id: ParticipantId, moved: &mut Moved) {
        let Some(participant) = self.participants.get(&id) else { return };
        let is_screen = |track: &Producer| matches!(track.source, Source::Screen | Source::ScreenAudio);
        moved
            .closed
            .extend(participant.producers.iter().filter(|track| is_screen(track)).map(|track| track.id));
        moved.notices.extend(self.drop_producers(id, is_screen));
        let off = MediaChange { screen: Some(false), ..MediaChange::default() };
        moved.notices.extend(self.change_media(id, off));
    }

    fn end_channels(&mut self, id: ParticipantId, moved: &mut Moved) {
        let Some(participant) = self.participants.get(&id) else { return };
        moved.closed_data.extend(participant.data_producers.iter().map(|channel| channel.id));
        moved.notices.extend(self.drop_data_producers(id, |_| true));
    }

    /// Ends the subscriptions between people who are not together any more. Says what those who lost a track hear, and
    /// those who may have one now. `origins`: who moved, and from where.
    fn regroup(
        &mut self,
        origins: &HashMap<ParticipantId, Place>,
        moved: &mut Moved,
    ) -> (Vec<Notice>, Vec<Notice>) {
        let people: Vec<(ParticipantId, Place, Place)> = self
            .roster()
            .iter()
            .map(|p| (p.id, origins.get(&p.id).copied().unwrap_or(p.breakout), p.breakout))
            .collect();
        let movers: Vec<_> = people.iter().filter(|(id, ..)| origins.contains_key(id)).copied().collect();
        let (mut lost, mut gained) = (Vec::new(), Vec::new());
        for (id, from, to) in &people {
            // For somebody who stayed only those who moved have changed.
            let others = if from == to { &movers } else { &people };
            let others: Vec<_> = others.iter().filter(|(other, ..)| other != id).collect();
            let left: Vec<_> = others.iter().filter(|o| o.1 == *from && o.2 != *to).map(|o| o.0).collect();
            let met: Vec<_> = others.iter().filter(|o| o.1 != *from && o.2 == *to).map(|o| o.0).collect();
            self.part(*id, &left, moved);
            moved.unsubscribed_data.extend(self.part_data(*id, &left));
            lost.extend(self.tracks_told(*id, &left, false));
            lost.extend(self.channels_told(*id, &left, false));
            gained.extend(self.tracks_told(*id, &met, true));
            gained.extend(self.channels_told(*id, &met, true));
        }
        (lost, gained)
    }

    fn part(&mut self, id: ParticipantId, left: &[ParticipantId], moved: &mut Moved) {
        let Some(publisher) = self.participants.get(&id) else { return };
        let tracks: HashSet<_> = publisher.producers.iter().map(|track| track.id).collect();
        for viewer in left {
            let watches = self.participants.get(viewer).is_some_and(|viewer| {
                viewer.consumers.iter().any(|consumer| tracks.contains(&consumer.producer))
            });
            if !watches {
                continue;
            }
            let Some(viewer) = self.participants.get_mut(viewer) else { continue };
            let gone = viewer.consumers.extract_if(.., |consumer| tracks.contains(&consumer.producer));
            moved.unsubscribed.extend(gone.map(|consumer| consumer.id));
        }
    }

    /// The tracks of one session, as those hear of them who come within reach of it or go out of it.
    fn tracks_told(&self, id: ParticipantId, hear: &[ParticipantId], near: bool) -> Vec<Notice> {
        let Some(publisher) = self.participants.get(&id).filter(|_| !hear.is_empty()) else {
            return Vec::new();
        };
        let (meeting, to) = (self.meeting.id, Audience::These(hear.to_vec()));
        let tracks = publisher.producers.iter().map(|track| {
            let Producer { id: producer, kind, source, .. } = *track;
            if near {
                let paused = track.paused || publisher.silences(source);
                DomainEvent::ProducerAdded { meeting, participant: id, producer, kind, source, paused }
            } else {
                DomainEvent::ProducerClosed { meeting, participant: id, producer, kind }
            }
        });
        tracks.map(|event| Notice::new(to.clone(), event)).collect()
    }

    /// One person's way is told to everybody; of a larger change everybody is told what is now, and each who moved that
    /// it concerns him.
    fn places_told(&self, origins: &HashMap<ParticipantId, Place>, same_rooms: bool) -> Vec<Notice> {
        let mut went: Vec<_> = origins.keys().filter_map(|id| self.participants.get(id)).collect();
        went.sort_by_key(|participant| participant.order);
        let one = went.iter().all(|participant| participant.person == went[0].person);
        if same_rooms && one {
            return went.iter().map(|p| Notice::new(Audience::Everyone, self.assigned_event(p))).collect();
        }
        let rooms = DomainEvent::BreakoutsChanged(Arc::new(self.breakout_news()));
        let to_each = went.iter().map(|p| Notice::new(Audience::One(p.id), self.assigned_event(p)));
        std::iter::once(Notice::new(Audience::Everyone, rooms)).chain(to_each).collect()
    }

    fn assigned_event(&self, participant: &Participant) -> DomainEvent {
        let room = participant.breakout.and_then(|id| self.breakouts.as_ref()?.room(id)).cloned();
        let (meeting, person) = (self.meeting.id, participant.person);
        DomainEvent::BreakoutAssigned { meeting, participant: participant.id, person, room }
    }

    /// The rooms with the sessions in them.
    pub fn breakout_news(&self) -> BreakoutNews {
        let Some(breakouts) = &self.breakouts else { return BreakoutNews::none(self.meeting.id) };
        let roster = self.roster();
        let insider =
            |p: &&Participant| Insider { participant: p.id, person: p.person, name: p.name.clone() };
        let inside = |room: &Arc<BreakoutRoom>| {
            let people = roster.iter().filter(|p| p.breakout == Some(room.id)).map(insider);
            (room.clone(), people.collect())
        };
        BreakoutNews {
            meeting: self.meeting.id,
            rooms: breakouts.rooms.iter().map(inside).collect(),
            may_choose: breakouts.may_choose,
            may_return: breakouts.may_return,
            closes_at: breakouts.closes_at,
        }
    }

    /// Words of whoever runs the rooms, for all of them. The name: as he is known inside.
    ///
    /// # Errors
    /// Not allowed, or no rooms are open.
    pub fn broadcast(
        &self,
        by: &Actor,
        text: String,
        now: OffsetDateTime,
    ) -> Result<(Person, String, Vec<Notice>), DomainError> {
        self.permit(by, Action::ManageBreakouts)?;
        self.open_rooms()?;
        let person = Person::of(by).ok_or(DomainError::Forbidden)?;
        let inside = self.roster().into_iter().find(|p| p.person == person);
        let name = inside.map_or_else(|| by.name().to_owned(), |p| p.name.clone());
        let meeting = self.meeting.id;
        let event = DomainEvent::BreakoutBroadcast { meeting, by: person, name: name.clone(), text, at: now };
        Ok((person, name, vec![Notice::new(Audience::Everyone, event)]))
    }

    /// Whether two sessions hear and see each other.
    pub(super) fn together(&self, one: ParticipantId, other: ParticipantId) -> bool {
        let place = |id| self.participants.get(&id).map(|participant| participant.breakout);
        self.breakouts.is_none() || place(one) == place(other)
    }

    /// Everybody in a session's room, itself as well.
    pub(super) fn room_of(&self, id: ParticipantId) -> Audience {
        self.people_in(self.participants.get(&id).and_then(|participant| participant.breakout))
    }

    /// Everybody in a room.
    pub(super) fn people_in(&self, room: Place) -> Audience {
        if self.breakouts.is_none() {
            return Audience::Everyone;
        }
        Audience::These(self.roster().iter().filter(|p| p.breakout == room).map(|p| p.id).collect())
    }

    /// The others in a session's room.
    pub(super) fn room_mates(&self, id: ParticipantId) -> Audience {
        match self.room_of(id) {
            Audience::These(mut mates) => {
                mates.retain(|mate| *mate != id);
                Audience::These(mates)
            }
            _ => Audience::AllBut(id),
        }
    }

    /// What the room somebody is in leaves of an action that the meeting allows.
    pub(super) fn room_allows(&self, participant: &Participant, action: Action) -> Result<(), DomainError> {
        let room = participant.breakout.and_then(|id| self.breakouts.as_ref()?.room(id));
        match (room, action) {
            (Some(room), Action::SendMessage | Action::SendData) if !room.allow_chat => {
                Err(DomainError::FeatureOff(Feature::Chat))
            }
            (Some(room), Action::ShareScreen) if !room.allow_screen_share => {
                Err(DomainError::FeatureOff(Feature::ScreenSharing))
            }
            _ => Ok(()),
        }
    }

    /// Where somebody who enters belongs: a place may be kept for him.
    pub(super) fn place_on_entry(&mut self, person: Person, actor: &Actor) -> Place {
        let breakouts = self.breakouts.as_mut()?;
        breakouts.recognize(person, self.meeting.line_of(actor));
        breakouts.place_of(person)
    }

    /// The people inside as somebody in this room may know them: of the others without their tracks and channels.
    pub(super) fn as_seen_from(
        &self,
        room: Place,
        mut people: Vec<Arc<Participant>>,
    ) -> Vec<Arc<Participant>> {
        for person in people.iter_mut().filter(|person| person.breakout != room) {
            let person = Arc::make_mut(person);
            person.producers.clear();
            person.data_producers.clear();
        }
        people
    }

    /// What is told when somebody enters while there are rooms: which, and where he is.
    pub(super) fn rooms_on_entry(&self, id: ParticipantId) -> Vec<Notice> {
        if self.breakouts.is_none() {
            return Vec::new();
        }
        let rooms = DomainEvent::BreakoutsChanged(Arc::new(self.breakout_news()));
        let place = self.participants.get(&id).filter(|participant| participant.breakout.is_some());
        let place =
            place.map(|participant| Notice::new(Audience::Everyone, self.assigned_event(participant)));
        std::iter::once(Notice::new(Audience::One(id), rooms)).chain(place).collect()
    }

    /// Somebody has left: his place is kept only if he did not mean to go, or may not go back to the main room and would
    /// do so by coming again; and only of people we know again.
    pub(super) fn give_up_place(&mut self, gone: &Participant, reason: LeaveReason) {
        let person = gone.person;
        let keeps = match reason {
            LeaveReason::Disconnected => true,
            LeaveReason::Left => !self.may_go_back(gone),
            LeaveReason::Kicked | LeaveReason::Ended => false,
        };
        let comes_back = keeps && matches!(person, Person::User(_));
        let still_here = self.participants.values().any(|p| p.person == person);
        if let Some(breakouts) = self.breakouts.as_mut().filter(|_| !comes_back && !still_here) {
            breakouts.places.remove(&Member::Person(person));
        }
    }

    fn may_go_back(&self, who: &Participant) -> bool {
        let manages = || policy::may(&who.actor, Some(who.standing), Action::ManageBreakouts, &self.meeting);
        self.breakouts.as_ref().is_none_or(|breakouts| breakouts.may_return) || manages().is_ok()
    }
}

fn room_named(named: &str) -> Result<BreakoutRoomId, DomainError> {
    BreakoutRoomId::parse(named.trim()).ok_or(DomainError::BreakoutRoomNotFound)
}

fn rooms_of(breakouts: Option<&Breakouts>) -> Vec<BreakoutRoomId> {
    breakouts.map(|breakouts| breakouts.rooms.iter().map(|room| room.id).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
