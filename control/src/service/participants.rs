//! What people do inside a meeting: hand, microphone and camera, waiting room, leaving. Where a budget is asked for,
//! `None` says that whoever asks has counted the request.

mod requests;

use plenum_shared::id::ProducerId;

use crate::domain::actor::Actor;
use crate::domain::audit::{AuditAction, AuditEntry};
use crate::domain::error::DomainError;
use crate::domain::id::{MeetingId, RecordingId, UserId};
use crate::domain::limit::{Budget, LimitedAction};
use crate::domain::live::LiveMeeting;
use crate::domain::participant::{ConnectionId, MediaChange};
use crate::domain::reaction::Reaction;
use crate::domain::session::LeaveReason;
use crate::hub::Hub;
use crate::live::Live;
use crate::service::admissions::meeting_id;
use crate::service::audit::Audit;
use crate::service::clock::Clock;
use crate::service::limits::Limits;
use crate::service::media::hold;
use crate::store::Store;

pub use requests::{Departure, Own, Seen, Wished};

/// The people inside.
#[derive(Clone)]
pub struct Participants {
    live: Live,
    store: Store,
    hub: Hub,
    limits: Limits,
    audit: Audit,
    clock: Clock,
}

/// What it takes.
pub struct Parts {
    pub live: Live,
    pub store: Store,
    pub hub: Hub,
    pub limits: Limits,
    pub audit: Audit,
    pub clock: Clock,
}

/// Lines of the trail one person may cause by asking in vain: more tell nothing new, and each is a write.
const REFUSALS: Budget = Budget { requests: 30, window_s: 60 };

impl Participants {
    /// The people inside the meetings of `parts.live`.
    pub fn new(parts: Parts) -> Self {
        let Parts { live, store, hub, limits, audit, clock } = parts;
        Self { live, store, hub, limits, audit, clock }
    }

    /// Raises or lowers one's hand.
    ///
    /// # Errors
    /// Not inside, hands are switched off, or too often.
    pub async fn raise_hand(
        &self,
        actor: &Actor,
        connection: ConnectionId,
        meeting: &str,
        raised: bool,
        budget: impl Into<Option<Budget>>,
    ) -> Result<(), DomainError> {
        let meeting = meeting_id(meeting)?;
        // Everybody inside is told, so nobody may have it go up and down as fast as his line is. Down it may always go.
        if raised {
            self.spend(LimitedAction::Write, actor, connection, budget)?;
        }
        let done = self
            .live
            .with(meeting, move |live, now| Ok((live.raise_hand(connection, raised, now)?, ())))
            .await;
        self.explain(meeting, done).await
    }

    /// Lowers somebody's hand, or all of them.
    ///
    /// # Errors
    /// Not inside, not allowed, or nobody of that name.
    pub async fn lower_hands(
        &self,
        connection: ConnectionId,
        meeting: &str,
        whom: Option<&str>,
    ) -> Result<(), DomainError> {
        let meeting = meeting_id(meeting)?;
        let whom = whom.map(str::to_owned);
        let lower =
            move |live: &mut LiveMeeting, now| Ok((live.lower_hands(connection, whom.as_deref(), now)?, ()));
        self.explain(meeting, self.live.with(meeting, lower).await).await
    }

    /// Says that somebody types, or no longer does; the latter happens by itself soon (C-54).
    ///
    /// # Errors
    /// Not inside, chat is switched off, or too often.
    pub async fn set_typing(
        &self,
        actor: &Actor,
        connection: ConnectionId,
        meeting: &str,
        typing: bool,
        budget: impl Into<Option<Budget>>,
    ) -> Result<(), DomainError> {
        let meeting = meeting_id(meeting)?;
        let (limits, key, budget) = (self.limits.clone(), key(actor, connection), budget.into());
        let set = move |live: &mut LiveMeeting, now| {
            // Beginning counts. What goes on is told once a second at most, and what never began does not end.
            if let Some(budget) = budget.filter(|_| typing && !live.types(connection)) {
                limits.check(LimitedAction::ChatTyping, &key, budget)?;
            }
            Ok((live.set_typing(connection, typing, now)?, ()))
        };
        self.explain(meeting, self.live.with(meeting, set).await).await
    }

    /// Shows a reaction.
    ///
    /// # Errors
    /// Not inside, or too often.
    pub async fn react(
        &self,
        actor: &Actor,
        connection: ConnectionId,
        meeting: &str,
        reaction: Reaction,
        budget: impl Into<Option<Budget>>,
    ) -> Result<(), DomainError> {
        let meeting = meeting_id(meeting)?;
        self.spend(LimitedAction::Reaction, actor, connection, budget)?;
        let done =
            self.live.with(meeting, move |live, now| Ok((live.react(connection, reaction, now)?, ()))).await;
        self.explain(meeting, done).await
    }

    /// Begins or ends the recording; what is so already stays so.
    ///
    /// # Errors
    /// Not inside, not allowed, recording is switched off, it could not be stored, or too often.
    pub async fn record(
        &self,
        actor: &Actor,
        connection: ConnectionId,
        meeting: &str,
        start: bool,
        budget: impl Into<Option<Budget>>,
    ) -> Result<(), DomainError> {
        let meeting = meeting_id(meeting)?;
        // Each begins a line in the database.
        if start {
            self.spend(LimitedAction::Write, actor, connection, budget)?;
        }
        let done = self.live.record(meeting, connection, start, RecordingId::generate()).await;
        let deed = if start { AuditAction::RecordingStart } else { AuditAction::RecordingStop };
        self.note(deed, actor, meeting, None, &done).await;
        self.explain(meeting, done).await
    }

    /// Switches microphone, camera or screen on or off, for the others to see and for the media plane to obey.
    ///
    /// # Errors
    /// Not inside, not allowed, too often.
    pub async fn set_media(
        &self,
        actor: &Actor,
        connection: ConnectionId,
        meeting: &str,
        change: MediaChange,
        budget: impl Into<Option<Budget>>,
    ) -> Result<(), DomainError> {
        let meeting = meeting_id(meeting)?;
        self.spend(LimitedAction::MediaUpdate, actor, connection, budget)?;
        let done = self.live.with(meeting, move |live, _| live.set_media(connection, change)).await;
        let tracks = self.explain(meeting, done).await?;
        self.obey(meeting, tracks).await;
        Ok(())
    }

    /// A host mutes somebody, or lifts that again.
    ///
    /// # Errors
    /// Not inside, not allowed, or nobody of that name.
    pub async fn mute(
        &self,
        actor: &Actor,
        connection: ConnectionId,
        meeting: &str,
        whom: &str,
        mute: bool,
    ) -> Result<(), DomainError> {
        let meeting = meeting_id(meeting)?;
        let named = whom.to_owned();
        let done = self.live.with(meeting, move |live, _| live.mute(connection, &named, mute)).await;
        let deed = if mute { AuditAction::ParticipantMute } else { AuditAction::ParticipantUnmute };
        self.note(deed, actor, meeting, self.account(meeting, whom).await, &done).await;
        let tracks = self.explain(meeting, done).await?;
        self.obey(meeting, tracks).await;
        Ok(())
    }

    /// Lets a waiting person in.
    ///
    /// # Errors
    /// Not allowed, nobody waits under that id, no seat left.
    pub async fn admit(
        &self,
        actor: &Actor,
        connection: ConnectionId,
        meeting: &str,
        whom: &str,
    ) -> Result<(), DomainError> {
        let meeting = meeting_id(meeting)?;
        // Asked before: whoever was turned away is known no longer.
        let person = self.account(meeting, whom).await;
        let done = self.live.admit(meeting, connection, whom.to_owned()).await;
        self.note(AuditAction::ParticipantAdmit, actor, meeting, person, &done).await;
        self.explain(meeting, done).await
    }

    /// Turns a waiting person away.
    ///
    /// # Errors
    /// Not allowed, or nobody waits under that id.
    pub async fn deny(
        &self,
        actor: &Actor,
        connection: ConnectionId,
        meeting: &str,
        whom: &str,
    ) -> Result<(), DomainError> {
        let meeting = meeting_id(meeting)?;
        let person = self.account(meeting, whom).await;
        let done = self.live.deny(meeting, connection, whom.to_owned()).await;
        self.note(AuditAction::ParticipantDeny, actor, meeting, person, &done).await;
        self.explain(meeting, done).await
    }

    /// Leaves a meeting. Whoever is not in it has nothing to leave, and that is fine.
    ///
    /// # Errors
    /// No meeting id.
    pub async fn leave(
        &self,
        connection: ConnectionId,
        meeting: &str,
    ) -> Result<Option<MeetingId>, DomainError> {
        let meeting = match meeting_id(meeting) {
            Err(DomainError::MeetingNotFound) => return Ok(None),
            read => read?,
        };
        self.live.leave(meeting, connection, LeaveReason::Left).await;
        Ok(Some(meeting))
    }

    /// Those of the meetings that the connection is inside of, or waits for.
    pub async fn still_in(&self, connection: ConnectionId, meetings: &[MeetingId]) -> Vec<MeetingId> {
        let mut still = Vec::new();
        for meeting in meetings {
            if self.live.look(*meeting, move |live| live.knows(connection)).await == Some(true) {
                still.push(*meeting);
            }
        }
        still
    }

    /// The connection is gone: so is whoever spoke over it (JF-06).
    pub async fn disconnected(
        &self,
        connection: ConnectionId,
        meetings: impl IntoIterator<Item = MeetingId>,
    ) {
        for meeting in meetings {
            self.live.leave(meeting, connection, LeaveReason::Disconnected).await;
        }
    }

    /// Counts what was not counted before.
    fn spend(
        &self,
        action: LimitedAction,
        actor: &Actor,
        connection: ConnectionId,
        budget: impl Into<Option<Budget>>,
    ) -> Result<(), DomainError> {
        match budget.into() {
            Some(budget) => self.limits.check(action, &key(actor, connection), budget),
            None => Ok(()),
        }
    }

    /// The account somebody means.
    async fn account(&self, meeting: MeetingId, named: &str) -> Option<UserId> {
        let named = named.to_owned();
        self.live.look(meeting, move |live| live.account_named(&named)).await.flatten()
    }

    /// Writes down what somebody inside did to another person, or may not do. Whoever is not inside did nothing there.
    async fn note<T>(
        &self,
        deed: AuditAction,
        actor: &Actor,
        meeting: MeetingId,
        person: Option<UserId>,
        done: &Result<T, DomainError>,
    ) {
        let key = actor.user_id().map(|user| user.to_string()).unwrap_or_default();
        let skips = match done {
            Ok(_) => false,
            Err(DomainError::NotInMeeting) => true,
            Err(_) => self.limits.check(LimitedAction::RefusalNote, &key, REFUSALS).is_err(),
        };
        let campus = self.live.look(meeting, |live| live.meeting().campus.clone()).await;
        let Some(campus) = campus.filter(|_| !skips) else { return };
        let entry = AuditEntry::of(deed, actor.user_id(), done).in_meeting(meeting, campus);
        let entry = match person {
            Some(person) => entry.to(person),
            None => entry,
        };
        self.audit.note(entry).await;
    }

    /// Tells apart a meeting one is not in and a meeting there is not.
    async fn explain<T>(&self, meeting: MeetingId, done: Result<T, DomainError>) -> Result<T, DomainError> {
        explain(&self.store, meeting, done).await
    }

    /// The media plane follows; a node that cannot be reached now is asked again by the next change.
    async fn obey(&self, meeting: MeetingId, tracks: Vec<ProducerId>) {
        for producer in tracks {
            if let Err(error) = hold(&self.live, meeting, producer).await {
                tracing::warn!(%meeting, %producer, %error, "a track could not be paused or resumed");
            }
        }
    }
}

/// By whom requests are counted.
pub(super) fn key(actor: &Actor, connection: ConnectionId) -> String {
    actor.user_id().map_or_else(|| format!("{connection:?}"), |user| user.to_string())
}

/// Somebody who is not in a meeting hears so, unless there is no such meeting.
pub(super) async fn explain<T>(
    store: &Store,
    meeting: MeetingId,
    done: Result<T, DomainError>,
) -> Result<T, DomainError> {
    if let Err(DomainError::NotInMeeting) = &done {
        let exists = store.meeting(meeting).await?.is_some_and(|meeting| meeting.deleted_at.is_none());
        return Err(if exists { DomainError::NotInMeeting } else { DomainError::MeetingNotFound });
    }
    done
}
