//! Sessions without a socket: found again by whoever comes again, taken over by sockets, and bounded for each account,
//! since no lost connection ever ends one.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::BoxFuture;

use super::task::Task;
use super::{Live, Place};
use crate::domain::event::{Audience, Notice};
use crate::domain::id::{MeetingId, ParticipantId, UserId};
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
    /// Notes one, and says which one is too much now.
    fn note(
        &self,
        user: UserId,
        meeting: MeetingId,
        session: ParticipantId,
    ) -> Option<(MeetingId, ParticipantId)> {
        let mut entered = self.lock();
        let own = entered.entry(user).or_default();
        own.push_back((meeting, session));
        if own.len() > PER_ACCOUNT_MAX { own.pop_front() } else { None }
    }

    /// Whether there may be one of this person's.
    fn knows(&self, person: Person) -> bool {
        matches!(person, Person::User(user) if self.lock().contains_key(&user))
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
        // Most people have none, and a house of them that comes at once need not ask the meeting one by one.
        if label.is_none() && !self.0.entered.knows(person) {
            return None;
        }
        let handle = self.find(meeting)?;
        self.run(&handle, move |task| task.go_on(person, label, socket)).await?
    }

    /// A session without a socket was entered; the account's oldest ends when it has too many.
    pub async fn note_entered(&self, user: UserId, meeting: MeetingId, session: ParticipantId) {
        if let Some((meeting, oldest)) = self.0.entered.note(user, meeting, session) {
            let left = self.with(meeting, move |live, _| {
                // One that a socket took over meanwhile ends with that.
                let without = live.participant(oldest).filter(|p| !p.has_socket).map(|p| p.connection);
                let waits = live.waiting().iter().find(|one| one.id == oldest && !one.has_socket);
                Ok((Vec::new(), without.or(waits.map(|one| one.connection))))
            });
            if let Ok(Some(connection)) = left.await {
                self.leave(meeting, connection, LeaveReason::Left).await;
            }
        }
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
        socket: Option<ConnectionId>,
    ) -> BoxFuture<'_, Option<Place>> {
        Box::pin(async move {
            let id = self.live.found_again(person, label.as_deref())?;
            if let Some(connection) = socket {
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
    fn c_30_an_account_has_so_many_sessions_without_a_socket_and_one_more_ends_the_oldest() {
        let (entered, user, meeting) = (Entered::default(), UserId::generate(), MeetingId::generate());
        let sessions: Vec<_> = (0..PER_ACCOUNT_MAX).map(|_| ParticipantId::generate()).collect();
        assert!(!entered.knows(Person::User(user)));
        assert!(sessions.iter().all(|session| entered.note(user, meeting, *session).is_none()));
        assert!(entered.knows(Person::User(user)));
        entered.forget(user, sessions[1]);
        assert_eq!(entered.note(user, meeting, ParticipantId::generate()), None, "one is over");
        let too_much = entered.note(user, meeting, ParticipantId::generate());
        assert_eq!(too_much, Some((meeting, sessions[0])));
        assert_eq!(entered.note(UserId::generate(), meeting, ParticipantId::generate()), None);
    }
}
