//! What a change of settings, roles or roster does to the people inside, at once: rights that are gone stop what they
//! allowed, people who are removed are out, and those who are to hear of it do.

use std::collections::HashSet;
use std::sync::Arc;

use plenum_shared::id::{DataProducerId, ProducerId};
use time::OffsetDateTime;

use super::actor::Actor;
use super::admission;
use super::error::DomainError;
use super::event::{Audience, DomainEvent, Notice};
use super::id::{ParticipantId, UserId};
use super::live::{LiveMeeting, standing};
use super::live_media::right_to_send;
use super::meeting::{Feature, Meeting, MeetingStatus};
use super::participant::{ConnectionId, MediaChange, Participant, Person};
use super::people::RoleChange;
use super::policy::{self, Action};
use super::roster::RosterEntry;

/// What follows from a change.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Effects {
    pub notices: Vec<Notice>,
    /// Tracks that must not be forwarded any more: the media plane closes them.
    pub closed: Vec<ProducerId>,
    /// Data channels that may not be any more: the same.
    pub closed_data: Vec<DataProducerId>,
    /// Tracks that stay published and must not be forwarded for now.
    pub held: Vec<ProducerId>,
    pub expelled: Expelled,
}

/// Who has to go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expelled {
    pub sessions: Vec<(ParticipantId, ConnectionId)>,
    /// Connections that waited and wait no longer.
    pub waiting: Vec<ConnectionId>,
}

impl LiveMeeting {
    /// Takes over changed settings and roster. Whoever is kept out has to go, tracks and hands that are no longer allowed
    /// go down, and whoever runs the meeting from now on hears who waits.
    pub fn refresh(&mut self, meeting: Arc<Meeting>, now: OffsetDateTime) -> Effects {
        let ran: HashSet<_> = self.running().into_iter().collect();
        for participant in self.participants.values_mut() {
            participant.standing = standing(&meeting, &participant.actor);
        }
        let before = std::mem::replace(&mut self.meeting, meeting);
        let mut effects = Effects::default();
        // A meeting that is over closes everything anyway, and says so once.
        if !matches!(self.meeting.status, MeetingStatus::Scheduled | MeetingStatus::Live) {
            return effects;
        }
        effects.expelled = self.shut_out();
        if self.meeting.status != MeetingStatus::Live {
            return effects;
        }
        // First why, then what follows from it.
        if self.meeting.settings.entry != before.settings.entry {
            let event = DomainEvent::PolicyChanged(self.meeting.clone());
            effects.notices.push(Notice::new(Audience::Everyone, event));
        }
        let stays = |p: &&Participant| !effects.expelled.sessions.iter().any(|(id, _)| *id == p.id);
        for id in self.roster().into_iter().filter(stays).map(|p| p.id).collect::<Vec<_>>() {
            self.enforce(id, now, &mut effects);
        }
        for id in self.running().into_iter().filter(|id| !ran.contains(id)) {
            let requests = self.pending_requests(now);
            effects.notices.extend(requests.into_iter().map(|event| Notice::new(Audience::One(id), event)));
        }
        effects
    }

    /// Somebody's line as the store has it now that he enters; nobody else is anything more or less by it.
    pub fn note_line(&mut self, line: RosterEntry) {
        let meeting = Arc::make_mut(&mut self.meeting);
        match meeting.roster.iter_mut().find(|entry| entry.id == line.id) {
            Some(entry) => *entry = line,
            None => meeting.roster.push(line),
        }
    }

    fn running(&self) -> Vec<ParticipantId> {
        self.roster().into_iter().filter(|p| p.standing.role.runs_meeting()).map(|p| p.id).collect()
    }

    fn enforce(&mut self, id: ParticipantId, now: OffsetDateTime, effects: &mut Effects) {
        let Some(participant) = self.participants.get(&id) else { return };
        let refusal = |action| self.refusal(participant, action);
        let may = |action| refusal(action).is_none();
        let lost = |on: bool, action| (on && !may(action)).then_some(false);
        let status = participant.media;
        let change = MediaChange {
            audio: lost(status.audio, Action::SendAudio),
            video: lost(status.video, Action::SendVideo),
            screen: lost(status.screen, Action::ShareScreen),
        };
        let lowers_hand = participant.hand_raised_at.is_some() && !may(Action::RaiseHand);
        let stops_typing = !may(Action::SendMessage);
        let channels = participant.data_producers.iter().filter(|_| !may(Action::SendData));
        let channels: Vec<_> = channels.map(|channel| channel.id).collect();
        let (mut gone, mut held) = (Vec::new(), Vec::new());
        for track in &participant.producers {
            match refusal(right_to_send(track.kind, track.source)) {
                None => {}
                // A camera that is not to be seen for now stays published: its owner shows it again when he may.
                Some(DomainError::HostsOnly(Feature::Video)) if status.video => held.push(track.id),
                Some(DomainError::HostsOnly(Feature::Video)) => {}
                Some(_) => gone.push(track.id),
            }
        }
        effects.notices.extend(self.drop_producers(id, |track| gone.contains(&track.id)));
        effects.notices.extend(self.drop_data_producers(id, |channel| channels.contains(&channel.id)));
        effects.notices.extend(self.change_media(id, change));
        effects.closed.extend(gone);
        effects.closed_data.extend(channels);
        effects.held.extend(held);
        if lowers_hand {
            effects.notices.extend(self.set_hand(id, false, now));
        }
        if stops_typing {
            effects.notices.extend(self.stop_typing(id));
        }
    }

    fn refusal(&self, participant: &Participant, action: Action) -> Option<DomainError> {
        policy::may(&participant.actor, Some(participant.standing), action, &self.meeting).err()
    }

    /// Whoever is blocked is out, and whoever the door is closed to for what he is waits no longer. Others whom it would
    /// not let in now stay where they are (C-72).
    fn shut_out(&mut self) -> Expelled {
        let meeting = self.meeting.clone();
        let is_blocked =
            |person: &Person| matches!(person, Person::User(user) if meeting.settings.entry.blocks(*user));
        self.admitted.retain(|person| !is_blocked(person));
        self.take_out(|actor| meeting.blocks(actor), |actor| admission::never_comes_in(actor, &meeting))
    }

    /// The sessions of those who have to go, and the connections of those who waited in vain.
    fn take_out(
        &mut self,
        goes: impl Fn(&Actor) -> bool,
        waits_in_vain: impl Fn(&Actor) -> bool,
    ) -> Expelled {
        let inside = self.roster().into_iter().filter(|p| goes(&p.actor));
        let sessions = inside.map(|p| (p.id, p.connection)).collect();
        let waiting = self.waiting.extract_if(.., |joiner| waits_in_vain(&joiner.actor));
        Expelled { sessions, waiting: waiting.map(|joiner| joiner.connection).collect() }
    }

    /// Tells the person whose role changed, or the others, or both, as whoever changed it wished (ADD-EV-09). Each
    /// session inside has its own event; somebody who is not inside hears it over his account.
    pub fn role_changed(&self, change: &RoleChange, tell_person: bool, tell_others: bool) -> Vec<Notice> {
        let (own, others): (Vec<_>, Vec<_>) =
            self.roster().into_iter().partition(|p| self.meeting.line_of(&p.actor) == Some(change.line));
        let ids = |people: &[&Participant]| people.iter().map(|p| p.id).collect::<Vec<_>>();
        let mut told = if tell_others { ids(&others) } else { Vec::new() };
        if own.is_empty() {
            let mut notices = vec![Notice::new(Audience::These(told), self.role_event(change, None))];
            let account = self.meeting.line(change.line).and_then(|line| line.user);
            if let Some(user) = account.filter(|_| tell_person) {
                let event = self.role_event(change, None);
                notices.push(Notice::new(Audience::Accounts(vec![user]), event));
            }
            return notices;
        }
        if tell_person {
            told.extend(ids(&own));
        }
        let event = |id| Notice::new(Audience::These(told.clone()), self.role_event(change, Some(id)));
        ids(&own).into_iter().map(event).collect()
    }

    fn role_event(&self, change: &RoleChange, participant: Option<ParticipantId>) -> DomainEvent {
        DomainEvent::RoleChanged { meeting: self.meeting.clone(), participant, change: change.clone() }
    }

    /// The sessions of people whose lines were taken off the roster. Those who wait are out of the queue with this;
    /// those inside are still there, so that they can be told. Nobody of them need not knock again.
    pub fn expel(&mut self, gone: &[RosterEntry]) -> Expelled {
        let accounts: HashSet<_> = gone.iter().filter_map(|line| line.user).map(Person::User).collect();
        self.admitted.retain(|person| !accounts.contains(person));
        let is_gone = |actor: &Actor| gone.iter().any(|line| line.is_for(actor));
        self.take_out(is_gone, is_gone)
    }

    /// The account that a session, roster line or account id stands for (C-29).
    pub fn account_named(&self, named: &str) -> Option<UserId> {
        let session = ParticipantId::parse(named.trim()).and_then(|session| self.account_of(session));
        let line = || self.meeting.line(self.meeting.line_named(named)?)?.user;
        session.or_else(|| UserId::parse(named.trim())).or_else(line)
    }

    /// The account behind a session, inside or waiting.
    pub fn account_of(&self, session: ParticipantId) -> Option<UserId> {
        let inside = self.participants.get(&session).map(|p| &p.actor);
        inside.or_else(|| self.waiting_actor(session)).and_then(super::actor::Actor::user_id)
    }
}

#[cfg(test)]
mod tests;
