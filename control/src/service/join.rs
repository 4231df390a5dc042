//! Entering a meeting: facts first, then the decision against the seats as they are.

use crate::domain::actor::Actor;
use crate::domain::admission::Door;
use crate::domain::audit::{AuditAction, AuditEntry};
use crate::domain::error::DomainError;
use crate::domain::id::{ParticipantId, UserId};
use crate::domain::limit::{Budget, LimitedAction};
use crate::domain::live::Joiner;
use crate::domain::live_sessions::Arrival;
use crate::domain::participant::{ConnectionId, Person};
use crate::hub::Hub;
use crate::live::{Live, Place};
use crate::service::admissions::{Admissions, meeting_id};
use crate::service::audit::Audit;
use crate::service::clock::Clock;
use crate::service::limits::Limits;

/// Longest display name, in characters (C-13).
const NAME_CHARS_MAX: usize = 100;

/// The way in.
#[derive(Clone)]
pub struct Joins {
    live: Live,
    hub: Hub,
    admissions: Admissions,
    audit: Audit,
    limits: Limits,
    clock: Clock,
}

/// What the way in is made from.
pub struct Parts {
    pub live: Live,
    pub hub: Hub,
    pub admissions: Admissions,
    pub audit: Audit,
    pub limits: Limits,
    pub clock: Clock,
}

/// What somebody at the door says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JoinRequest {
    pub meeting: String,
    pub password: Option<String>,
    /// Display name of this session; absent or empty: the profile's.
    pub name: Option<String>,
    /// An account the payload names. The token decides; a difference is only written down (C-13).
    pub claimed_user: Option<String>,
    /// One of those that lead in.
    pub door: Door,
    pub arrival: Arrival,
}

impl Joins {
    /// The way into the meetings of `parts.live`.
    pub fn new(parts: Parts) -> Self {
        let Parts { live, hub, admissions, audit, limits, clock } = parts;
        Self { live, hub, admissions, audit, limits, clock }
    }

    /// Brings the actor into the meeting or into its waiting room, over a socket; a session of his without one goes on
    /// over it (C-17). Every outcome is audited. `budget`: unless it was counted before.
    ///
    /// # Errors
    /// The refusal, in the order of C-21.
    pub async fn join(
        &self,
        actor: &Actor,
        connection: ConnectionId,
        request: JoinRequest,
        budget: impl Into<Option<Budget>>,
    ) -> Result<Place, DomainError> {
        if let (Some(user), Some(budget)) = (actor.user_id(), budget.into()) {
            self.limits.check(LimitedAction::Write, &user.to_string(), budget)?;
        }
        match self.go_on(actor, &request, Some(connection)).await {
            Some(place) => Ok(place),
            None => self.come_in(actor, connection, true, request).await,
        }
    }

    /// The same without a socket: the session lasts until the actor leaves, is removed, or the meeting ends (C-30). Who
    /// has one already goes on with it.
    ///
    /// # Errors
    /// As [`Joins::join`].
    pub async fn join_without_socket(
        &self,
        actor: &Actor,
        request: JoinRequest,
    ) -> Result<Place, DomainError> {
        if let Some(place) = self.go_on(actor, &request, None).await {
            return Ok(place);
        }
        let place = self.come_in(actor, self.hub.next_id(), false, request).await?;
        let (meeting, session) = match &place {
            Place::Inside(entrance) => (entrance.meeting.id, entrance.me.id),
            Place::Waiting { meeting, participant } => (*meeting, *participant),
        };
        if let Some(user) = actor.user_id() {
            self.live.note_entered(user, meeting, session).await;
        }
        Ok(place)
    }

    /// A session of the actor's that he goes on with. He was let in before, so nothing is asked again.
    async fn go_on(
        &self,
        actor: &Actor,
        request: &JoinRequest,
        socket: Option<ConnectionId>,
    ) -> Option<Place> {
        let (meeting, person) = (meeting_id(&request.meeting).ok()?, Person::of(actor)?);
        self.live.go_on(meeting, person, request.arrival.label.clone(), socket).await
    }

    async fn come_in(
        &self,
        actor: &Actor,
        connection: ConnectionId,
        has_socket: bool,
        request: JoinRequest,
    ) -> Result<Place, DomainError> {
        let name = display_name(actor, "userName", request.name.as_deref())?;
        self.note_identity(actor, request.claimed_user.as_deref()).await;
        let JoinRequest { meeting, password, door, arrival, .. } = request;
        let attempt = self.admissions.attempt(actor, &meeting, password.as_deref(), door).await?;
        let meeting = attempt.meeting.clone();
        let came_at = self.clock.now();
        let over = Joiner::over_socket(ParticipantId::generate(), actor.clone(), name, connection, came_at);
        let joiner = Joiner { has_socket, arrival, ..over };
        let place = self.live.join(attempt, joiner).await;
        self.admissions.note(actor, Some(&meeting), place.as_ref().err()).await;
        if let Ok(Place::Inside(entrance)) = &place {
            // Ids only: names stay out of the log.
            tracing::info!(
                meeting = %meeting.id,
                participant = %entrance.me.id,
                others = entrance.others.len(),
                "joined"
            );
        }
        place
    }

    async fn note_identity(&self, actor: &Actor, claimed: Option<&str>) {
        let Some(claimed) = claimed.filter(|claimed| !claimed.is_empty()) else { return };
        let own = actor.user_id();
        if own.is_some() && UserId::parse(claimed) != own {
            self.audit.note(AuditEntry::granted(AuditAction::IdentityMismatch, own)).await;
        }
    }
}

/// The name shown in this session: what the client says without control characters, else the profile's.
pub(super) fn display_name(
    actor: &Actor,
    field: &'static str,
    given: Option<&str>,
) -> Result<String, DomainError> {
    let given = given.unwrap_or_default();
    let cleaned: String = given.chars().filter(|c| !c.is_control()).take(NAME_CHARS_MAX * 4).collect();
    let cleaned = cleaned.trim();
    if cleaned.is_empty() {
        return Ok(actor.name().to_owned());
    }
    if cleaned.chars().count() > NAME_CHARS_MAX {
        let reason = format!("must have at most {NAME_CHARS_MAX} characters");
        return Err(DomainError::invalid(field, reason));
    }
    Ok(cleaned.to_owned())
}
