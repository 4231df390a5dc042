//! What people do inside by requests: each speaks for the session that the account has ([`LiveMeeting::session_of`]).

use time::OffsetDateTime;

use super::Participants;
use crate::domain::actor::Actor;
use crate::domain::error::DomainError;
use crate::domain::event::DomainEvent;
use crate::domain::id::{MeetingId, ParticipantId, UserId};
use crate::domain::live::{Joiner, LiveMeeting};
use crate::domain::live_status::StatusChange;
use crate::domain::meeting::{Meeting, MeetingStatus};
use crate::domain::participant::{ConnectionId, MediaStatus, Participant, Person};
use crate::domain::policy::{Action, may};
use crate::domain::role::Role;
use crate::domain::session::LeaveReason;
use crate::service::admissions::meeting_id;

/// A session as others see it, inside or waiting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub participant: ParticipantId,
    /// `None` for people without an account.
    pub user: Option<UserId>,
    pub name: String,
    pub role: Role,
    pub waits: bool,
    pub media: MediaStatus,
    pub hand_raised: bool,
    /// Since when he is inside, or waits.
    pub since: OffsetDateTime,
    pub device: String,
}

/// The session that requests of an account speak for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Own {
    pub meeting: MeetingId,
    pub connection: ConnectionId,
    pub seen: Seen,
}

/// Somebody who left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Departure {
    pub meeting: MeetingId,
    pub since: OffsetDateTime,
    pub left_at: OffsetDateTime,
}

/// A change of a status, one's own or another's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wished {
    pub status: StatusChange,
    /// Whether he is to be let in from the waiting room.
    pub admits: bool,
}

impl Seen {
    /// Somebody inside.
    pub fn inside(participant: &Participant) -> Self {
        Self {
            participant: participant.id,
            user: participant.actor.user_id(),
            name: participant.name.clone(),
            role: participant.standing.role,
            waits: false,
            media: participant.media,
            hand_raised: participant.hand_raised_at.is_some(),
            since: participant.joined_at,
            device: participant.device.clone(),
        }
    }

    /// Somebody who waits, with what he would have switched on.
    fn waiting(live: &LiveMeeting, joiner: &Joiner) -> Self {
        Self {
            participant: joiner.id,
            user: joiner.actor.user_id(),
            name: joiner.name.clone(),
            role: live.standing_of(joiner).role,
            waits: true,
            media: live.media_on_entry(&joiner.actor, live.standing_of(joiner), &joiner.arrival),
            hand_raised: false,
            since: joiner.came_at,
            device: joiner.arrival.device.clone(),
        }
    }
}

impl Participants {
    /// The session inside that requests of the actor speak for.
    ///
    /// # Errors
    /// No such meeting, another campus, not invited, not live, or not inside.
    pub async fn own(&self, actor: &Actor, meeting: &str) -> Result<Own, DomainError> {
        let meeting = meeting_id(meeting)?;
        let user = actor.user_id().ok_or(DomainError::Forbidden)?;
        let own = self.live.look(meeting, move |live| live.session_of(user).map(own_of(meeting))).await;
        match own.flatten() {
            Some(own) => Ok(own),
            None => Err(self.absent(actor, meeting).await?),
        }
    }

    /// Somebody who waits for admission, by the actor's account.
    pub async fn own_waiting(&self, actor: &Actor, meeting: MeetingId) -> Option<Own> {
        let user = actor.user_id()?;
        let waits = move |live: &LiveMeeting| {
            let joiner = live.waiting_of(user)?;
            Some(Own { meeting, connection: joiner.connection, seen: Seen::waiting(live, joiner) })
        };
        self.live.look(meeting, waits).await.flatten()
    }

    /// Why somebody who is not inside can do nothing there. People who may not look at the meeting learn nothing of it.
    async fn absent(&self, actor: &Actor, id: MeetingId) -> Result<DomainError, DomainError> {
        let meeting = self.store.meeting_for(id, actor).await?.ok_or(DomainError::MeetingNotFound)?;
        may(actor, meeting.standing(actor), Action::View, &meeting)?;
        Ok(match meeting.status {
            MeetingStatus::Live => DomainError::ParticipantNotFound,
            MeetingStatus::Scheduled | MeetingStatus::Ended | MeetingStatus::Cancelled => {
                DomainError::MeetingNotActive
            }
        })
    }

    /// Everybody inside, in order of joining; for those who may admit, then everybody who waits (C-37).
    pub async fn seen_by(&self, actor: &Actor, meeting: &Meeting) -> Vec<Seen> {
        let admits = may(actor, meeting.standing(actor), Action::Admit, meeting).is_ok();
        let seen = move |live: &LiveMeeting| {
            let inside = live.roster().into_iter().map(Seen::inside);
            let waiting = live.waiting().iter().filter(|_| admits).map(|joiner| Seen::waiting(live, joiner));
            inside.chain(waiting).collect()
        };
        self.live.look(meeting.id, seen).await.unwrap_or_default()
    }

    /// Leaves, or waits no longer.
    ///
    /// # Errors
    /// No such meeting, another campus, not invited, or not inside.
    pub async fn leave_by_request(&self, actor: &Actor, meeting: &str) -> Result<Departure, DomainError> {
        let own = match self.own(actor, meeting).await {
            // Who waits is not inside, perhaps not even invited, and what he waits for perhaps not begun.
            Err(
                refusal @ (DomainError::ParticipantNotFound
                | DomainError::NotMember
                | DomainError::MeetingNotActive),
            ) => {
                let waits = self.own_waiting(actor, meeting_id(meeting)?).await;
                waits.ok_or(match refusal {
                    // Nobody is inside of what does not run.
                    DomainError::MeetingNotActive => DomainError::ParticipantNotFound,
                    refusal => refusal,
                })?
            }
            own => own?,
        };
        let Own { meeting, connection, seen } = own;
        let (session, name, reason) = (seen.participant, seen.name, LeaveReason::Left);
        let person = Person::of(actor).ok_or(DomainError::Forbidden)?;
        // A socket that spoke for the session did not ask to leave.
        let told = DomainEvent::ParticipantLeft { meeting, participant: session, person, name, reason };
        self.hub.deliver(&told, &[connection]);
        self.live.leave(meeting, connection, reason).await;
        if let Some(user) = actor.user_id() {
            self.live.note_left(user, session);
        }
        Ok(Departure { meeting, since: seen.since, left_at: self.clock.now() })
    }

    /// Changes a status: the actor's own, or, for whoever may, that of somebody named by session, roster line or
    /// account. Says what it is then.
    ///
    /// # Errors
    /// Not inside, nobody of that name, or not allowed.
    pub async fn set_status(
        &self,
        actor: &Actor,
        meeting: &str,
        whom: Option<&str>,
        wished: Wished,
    ) -> Result<Seen, DomainError> {
        let own = match self.own(actor, meeting).await {
            Err(DomainError::ParticipantNotFound) if wished.admits => {
                // Who waits cannot let himself in.
                let waits = self.own_waiting(actor, meeting_id(meeting)?).await.is_some();
                return Err(if waits { DomainError::Forbidden } else { DomainError::ParticipantNotFound });
            }
            own => own?,
        };
        self.set_status_as(actor, &own, whom, wished).await
    }

    /// The same for whoever speaks over a socket.
    ///
    /// # Errors
    /// As [`Participants::set_status`].
    pub async fn set_status_over(
        &self,
        actor: &Actor,
        connection: ConnectionId,
        meeting: &str,
        whom: Option<&str>,
        wished: Wished,
    ) -> Result<Seen, DomainError> {
        let meeting = meeting_id(meeting)?;
        let own = move |live: &LiveMeeting| live.of_connection(connection).ok().map(own_of(meeting));
        let own = self.live.look(meeting, own).await.flatten().ok_or(DomainError::NotInMeeting)?;
        self.set_status_as(actor, &own, whom, wished).await
    }

    async fn set_status_as(
        &self,
        actor: &Actor,
        own: &Own,
        whom: Option<&str>,
        wished: Wished,
    ) -> Result<Seen, DomainError> {
        match whom.filter(|whom| !is_oneself(actor, own, whom)) {
            None => self.set_own(own, wished.status).await,
            Some(whom) => self.set_others(actor, own, whom.trim(), wished).await,
        }
    }

    async fn set_own(&self, own: &Own, change: StatusChange) -> Result<Seen, DomainError> {
        let connection = own.connection;
        let set = move |live: &mut LiveMeeting, now| {
            let (notices, tracks) = live.set_status(connection, change, now)?;
            Ok((notices, (tracks, Seen::inside(live.of_connection(connection)?))))
        };
        let (tracks, seen) = self.live.with(own.meeting, set).await?;
        self.obey(own.meeting, tracks).await;
        Ok(seen)
    }

    /// What hosts do to others by their status: let in, mute and lift that again, lower hands. Nobody switches on, or
    /// shows, anything for another (C-44).
    async fn set_others(
        &self,
        actor: &Actor,
        own: &Own,
        whom: &str,
        wished: Wished,
    ) -> Result<Seen, DomainError> {
        let (named, by) = (whom.to_owned(), own.connection);
        let look = move |live: &LiveMeeting| {
            let host = live.of_connection(by)?;
            let seen = live.seen(&named);
            // That somebody inside does not wait says nothing, and needs no right.
            let lets_in = wished.admits && seen.as_ref().is_none_or(|seen| seen.waits);
            let right = if lets_in { Action::Admit } else { Action::ManageParticipants };
            may(&host.actor, Some(host.standing), right, live.meeting())?;
            seen.ok_or(DomainError::ParticipantNotFound)
        };
        let before = self.live.look(own.meeting, look).await.ok_or(DomainError::NotInMeeting)??;
        let StatusChange { media, hand } = wished.status;
        let differs = |wished: Option<bool>, is: bool| wished.is_some_and(|wished| wished != is);
        if differs(media.video, before.media.video)
            || differs(media.screen, before.media.screen)
            || (hand == Some(true) && !before.hand_raised)
        {
            return Err(DomainError::Forbidden);
        }
        let meeting = own.meeting.to_string();
        if before.waits && wished.admits {
            self.admit(actor, by, &meeting, whom).await?;
        }
        if hand == Some(false) && before.hand_raised {
            self.lower_hands(by, &meeting, Some(whom)).await?;
        }
        if let Some(audio) = media.audio.filter(|audio| !audio || !before.media.audio) {
            self.mute(actor, by, &meeting, whom, !audio).await?;
        }
        let named = whom.to_owned();
        let after = self.live.look(own.meeting, move |live| live.seen(&named)).await.flatten();
        after.ok_or(DomainError::ParticipantNotFound)
    }
}

fn own_of(meeting: MeetingId) -> impl Fn(&Participant) -> Own {
    move |participant| Own { meeting, connection: participant.connection, seen: Seen::inside(participant) }
}

/// Whether a name stands for the actor: his session or his account.
fn is_oneself(actor: &Actor, own: &Own, whom: &str) -> bool {
    let whom = whom.trim();
    let account = UserId::parse(whom).is_some_and(|user| actor.user_id() == Some(user));
    account || ParticipantId::parse(whom) == Some(own.seen.participant)
}

impl LiveMeeting {
    /// Whoever a session, roster line or account stands for: of those inside the first, else of those who wait.
    fn seen(&self, named: &str) -> Option<Seen> {
        let inside = self.resolve(named).first().and_then(|id| self.participant(*id)).map(Seen::inside);
        let waits = || {
            let id = ParticipantId::parse(named);
            let account = self.account_named(named);
            let is_meant =
                |one: &&Joiner| Some(one.id) == id || (account.is_some() && one.actor.user_id() == account);
            self.waiting().iter().find(is_meant).map(|joiner| Seen::waiting(self, joiner))
        };
        inside.or_else(waits)
    }
}
