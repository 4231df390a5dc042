//! Sessions without a socket: found again by whoever comes again, taken over by sockets, and bounded for each account,
//! since no lost connection ever ends one.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::BoxFuture;

use super::task::Task;
use super::{Live, Place};
use crate::domain::event::{Audience, DomainEvent, Notice};
use crate::domain::id::{MeetingId, ParticipantId, UserId};
use crate::domain::live::LiveMeeting;
use crate::domain::participant::{ConnectionId, Person};
use crate::domain::session::LeaveReason;

/// Sessions without a socket that one account may have, over all meetings: more meetings than anybody is in at once.
/// Whoever enters one more leaves the oldest.
const PER_ACCOUNT_MAX: usize = 50;

/// Which of them each account has entered, the oldest first. Some may be over: they are forgotten when their turn comes,
/// so there are never more than [`PER_ACCOUNT_MAX`] of one account.
#[derive(Default)]
pub(super) struct Entered(Mutex<HashMap<UserId, VecDeque<(MeetingId, ParticipantId)>>>);

impl Entered {
    /// Notes one, and says all of them when they are too many now.
    fn note(
        &self,
        user: UserId,
        meeting: MeetingId,
        session: ParticipantId,
    ) -> Vec<(MeetingId, ParticipantId)> {
        let mut entered = self.lock();
        let own = entered.entry(user).or_default();
        own.push_back((meeting, session));
        if own.len() > PER_ACCOUNT_MAX { own.iter().copied().collect() } else { Vec::new() }
    }

    /// Those of this person in one meeting, the newest first.
    fn of(&self, person: Person, meeting: MeetingId) -> Vec<ParticipantId> {
        let Person::User(user) = person else { return Vec::new() };
        let entered = self.lock();
        let own = entered.get(&user).into_iter().flatten().rev();
        own.filter(|(entered, _)| *entered == meeting).map(|(_, session)| *session).collect()
    }

    /// Forgets one.
    fn forget(&self, user: UserId, session: ParticipantId) {
        let mut entered = self.lock();
        if let Some(own) = entered.get_mut(&user) {
            own.retain(|(_, one)| *one != session);
            if own.is_empty() {
                entered.remove(&user);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<UserId, VecDeque<(MeetingId, ParticipantId)>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Live {
    /// A session of this person, inside or waiting, that somebody who comes now goes on with (C-17). A `socket` speaks
    /// for it from now on. `None`: there is none, and he comes in like everybody.
    pub async fn go_on(
        &self,
        meeting: MeetingId,
        person: Person,
        label: Option<String>,
        socket: Option<ConnectionId>,
    ) -> Option<Place> {
        let entered = self.0.entered.of(person, meeting);
        // Most people have none, and a house of them that comes at once need not ask the meeting one by one.
        if label.is_none() && entered.is_empty() {
            return None;
        }
        let handle = self.find(meeting)?;
        self.run(&handle, move |task| task.go_on(person, label, entered, socket)).await?
    }

    /// A session without a socket was entered. When the account has too many, one that is over is forgotten; if none is,
    /// the oldest ends.
    pub async fn note_entered(&self, user: UserId, meeting: MeetingId, session: ParticipantId) {
        let mut oldest = None;
        for (meeting, session) in self.0.entered.note(user, meeting, session) {
            match self.without_socket(meeting, session).await {
                Some(connection) => oldest = oldest.or(Some((meeting, session, connection))),
                None => return self.note_left(user, session),
            }
        }
        if let Some((meeting, session, connection)) = oldest {
            self.leave(meeting, connection, LeaveReason::Left).await;
            self.note_left(user, session);
        }
    }

    /// The connection of a session that goes on and has no socket; one that a socket took over ends with that.
    async fn without_socket(&self, meeting: MeetingId, session: ParticipantId) -> Option<ConnectionId> {
        let connection = move |live: &LiveMeeting| {
            let inside = live.participant(session).filter(|p| !p.has_socket).map(|p| p.connection);
            let waits = live.waiting().iter().find(|one| one.id == session && !one.has_socket);
            inside.or(waits.map(|one| one.connection))
        };
        self.look(meeting, connection).await.flatten()
    }

    /// A session without a socket is over.
    pub fn note_left(&self, user: UserId, session: ParticipantId) {
        self.0.entered.forget(user, session);
    }
}

impl Task {
    fn go_on(
        &mut self,
        person: Person,
        label: Option<String>,
        entered: Vec<ParticipantId>,
        socket: Option<ConnectionId>,
    ) -> BoxFuture<'_, Option<Place>> {
        Box::pin(async move {
            // Who asks again by a request is shown the session he entered by one, whatever speaks for it now (C-26).
            let goes_on = |id: &ParticipantId| self.live.standing_by(*id);
            let again = || entered.into_iter().find(goes_on).filter(|_| label.is_none() && socket.is_none());
            let id = self.live.found_again(person, label.as_deref()).or_else(again)?;
            if let Some(connection) = socket {
                self.tell_taken_over(id, connection);
                // A socket that is inside already leaves first (C-30), unless it is this very session.
                let own = self.live.of_connection(connection).map(|participant| participant.id).ok();
                if own.is_some_and(|own| own != id) {
                    self.leave_first(connection, LeaveReason::Left).await;
                }
                let notices = self.live.attach(id, connection).ok()?;
                self.publish(notices);
                self.tell_requests(id);
            }
            let meeting = self.live.meeting().id;
            Some(match self.live.entrance_of(id) {
                Some(entrance) => Place::Inside(Arc::new(entrance)),
                None => Place::Waiting { meeting, participant: id },
            })
        })
    }

    /// Another socket that spoke for a session hears that it does so no more.
    fn tell_taken_over(&self, id: ParticipantId, by: ConnectionId) {
        let Some(session) = self.live.participant(id).filter(|p| p.has_socket && p.connection != by) else {
            return;
        };
        let told = DomainEvent::ParticipantLeft {
            meeting: self.live.meeting().id,
            participant: id,
            person: session.person,
            name: session.name.clone(),
            reason: LeaveReason::Left,
        };
        self.hub().deliver(&told, &[session.connection]);
    }

    /// Whoever runs the meeting hears who waits.
    pub(super) fn tell_requests(&mut self, id: ParticipantId) {
        if self.live.participant(id).is_some_and(|p| p.standing.role.runs_meeting()) {
            let requests = self.live.pending_requests(self.now());
            self.publish(requests.into_iter().map(|event| Notice::new(Audience::One(id), event)).collect());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c_30_an_account_has_so_many_sessions_without_a_socket_and_hears_of_one_too_many() {
        let (entered, user, meeting) = (Entered::default(), UserId::generate(), MeetingId::generate());
        let sessions: Vec<_> = (0..PER_ACCOUNT_MAX).map(|_| ParticipantId::generate()).collect();
        assert!(sessions.iter().all(|session| entered.note(user, meeting, *session).is_empty()));
        entered.forget(user, sessions[1]);
        assert!(entered.note(user, meeting, ParticipantId::generate()).is_empty(), "one is over");
        let all = entered.note(user, meeting, ParticipantId::generate());
        assert_eq!((all.len(), all[0]), (PER_ACCOUNT_MAX + 1, (meeting, sessions[0])));
        assert!(entered.note(UserId::generate(), meeting, ParticipantId::generate()).is_empty());
    }

    #[test]
    fn c_26_the_sessions_of_a_person_in_a_meeting_are_known_the_newest_first() {
        let (entered, user) = (Entered::default(), UserId::generate());
        let (here, there) = (MeetingId::generate(), MeetingId::generate());
        let [first, second, third] = [(); 3].map(|()| ParticipantId::generate());
        for (meeting, session) in [(here, first), (there, second), (here, third)] {
            entered.note(user, meeting, session);
        }
        assert_eq!(entered.of(Person::User(user), here), [third, first]);
        assert!(entered.of(Person::User(UserId::generate()), here).is_empty());
    }
}
