//! Entering a meeting: facts first, then the decision against the seats as they are.

use crate::domain::actor::Actor;
use crate::domain::admission::Door;
use crate::domain::audit::{AuditAction, AuditEntry};
use crate::domain::error::DomainError;
use crate::domain::id::{ParticipantId, UserId};
use crate::domain::limit::{Budget, LimitedAction};
use crate::domain::live::Joiner;
use crate::domain::participant::ConnectionId;
use crate::live::{Live, Place};
use crate::service::admissions::Admissions;
use crate::service::audit::Audit;
use crate::service::limits::Limits;

/// Longest display name, in characters (C-13).
const NAME_CHARS_MAX: usize = 100;

/// The way in.
#[derive(Clone)]
pub struct Joins {
    live: Live,
    admissions: Admissions,
    audit: Audit,
    limits: Limits,
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
}

impl Joins {
    /// The way into the meetings of `live`.
    pub fn new(live: Live, admissions: Admissions, audit: Audit, limits: Limits) -> Self {
        Self { live, admissions, audit, limits }
    }

    /// Brings the actor into the meeting or into its waiting room. Every outcome is audited.
    ///
    /// # Errors
    /// The refusal, in the order of C-21.
    pub async fn join(
        &self,
        actor: &Actor,
        connection: ConnectionId,
        request: JoinRequest,
        budget: Budget,
    ) -> Result<Place, DomainError> {
        if let Some(user) = actor.user_id() {
            self.limits.check(LimitedAction::Write, &user.to_string(), budget)?;
        }
        let name = display_name(actor, request.name.as_deref())?;
        self.note_identity(actor, request.claimed_user.as_deref()).await;
        let attempt = self
            .admissions
            .attempt(actor, &request.meeting, request.password.as_deref(), Door::Enter)
            .await?;
        let meeting = attempt.meeting.clone();
        let joiner = Joiner { id: ParticipantId::generate(), actor: actor.clone(), name, connection };
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
fn display_name(actor: &Actor, given: Option<&str>) -> Result<String, DomainError> {
    let given = given.unwrap_or_default();
    let cleaned: String = given.chars().filter(|c| !c.is_control()).take(NAME_CHARS_MAX * 4).collect();
    let cleaned = cleaned.trim();
    if cleaned.is_empty() {
        return Ok(actor.name().to_owned());
    }
    if cleaned.chars().count() > NAME_CHARS_MAX {
        let reason = format!("must have at most {NAME_CHARS_MAX} characters");
        return Err(DomainError::invalid("userName", reason));
    }
    Ok(cleaned.to_owned())
}
