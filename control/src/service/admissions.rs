//! The facts of an admission, gathered for whoever decides it: REST asks whether, a socket goes in.

use std::sync::Arc;

use crate::domain::actor::Actor;
use crate::domain::admission::{self, Admission, Door, Facts, Occupancy};
use crate::domain::audit::{AuditAction, AuditEntry};
use crate::domain::error::DomainError;
use crate::domain::id::MeetingId;
use crate::domain::meeting::Meeting;
use crate::domain::password::PasswordCheck;
use crate::service::audit::Audit;
use crate::service::passwords::Passwords;
use crate::store::Store;

/// Gathers facts and writes down how attempts came out.
#[derive(Clone)]
pub struct Admissions {
    store: Store,
    passwords: Passwords,
    audit: Audit,
}

/// Somebody at the door, with everything known that takes time to find out. What is left is who is inside.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// At the doors of those who enter its roster holds the line of whoever is there and nobody else's.
    pub meeting: Arc<Meeting>,
    pub door: Door,
    pub password: PasswordCheck,
}

impl Attempt {
    /// Decides, given who is inside right now. `meeting` is the freshest state the decider has.
    pub fn decide(
        &self,
        actor: &Actor,
        meeting: &Meeting,
        occupancy: Occupancy,
    ) -> Result<Admission, DomainError> {
        admission::admit(&Facts {
            actor,
            meeting: Some(meeting),
            door: self.door,
            password: self.password,
            occupancy,
        })
    }
}

/// Reads a meeting id as clients spell it (C-03). Empty is a mistake worth telling; any other shape is just not found.
pub fn meeting_id(text: &str) -> Result<MeetingId, DomainError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(DomainError::MeetingIdMissing);
    }
    MeetingId::parse(text).ok_or(DomainError::MeetingNotFound)
}

impl Admissions {
    /// Admissions to the meetings of `store`.
    pub fn new(store: Store, passwords: Passwords, audit: Audit) -> Self {
        Self { store, passwords, audit }
    }

    /// Runs every check up to the password, hashing only when the earlier ones let through (C-21). A refusal is audited
    /// here; whoever decides the rest calls [`Admissions::note`].
    pub async fn attempt(
        &self,
        actor: &Actor,
        id: &str,
        password: Option<&str>,
        door: Door,
    ) -> Result<Attempt, DomainError> {
        let id = meeting_id(id)?;
        let meeting = match door {
            Door::Enter | Door::EnterLive => self.store.meeting_for(id, actor).await?,
            Door::Check => self.store.meeting(id).await?,
        };
        match admission::password_wanted(actor, meeting.as_ref(), door) {
            Err(refusal) => {
                self.note(actor, meeting.as_ref(), Some(&refusal)).await;
                Err(refusal)
            }
            Ok(wanted) => {
                let meeting = meeting.ok_or(DomainError::MeetingNotFound)?;
                let password =
                    if wanted { self.check(&meeting, password).await? } else { PasswordCheck::NotSent };
                Ok(Attempt { meeting: Arc::new(meeting), door, password })
            }
        }
    }

    /// The meeting, for somebody who may come to its door, now or when it has begun. A refusal is audited.
    ///
    /// # Errors
    /// No such meeting, another campus, kept out, or not invited.
    pub async fn reaches(&self, actor: &Actor, id: &str) -> Result<Meeting, DomainError> {
        let meeting = self.store.meeting_for(meeting_id(id)?, actor).await?;
        let meeting = meeting.filter(|meeting| meeting.deleted_at.is_none());
        match admission::reaches(actor, meeting.as_ref()).cloned() {
            Ok(meeting) => Ok(meeting),
            Err(refusal) => {
                self.note(actor, meeting.as_ref(), Some(&refusal)).await;
                Err(refusal)
            }
        }
    }

    /// Writes down how an attempt came out (SEC-09).
    pub async fn note(&self, actor: &Actor, meeting: Option<&Meeting>, refusal: Option<&DomainError>) {
        let result = refusal.map_or(AuditEntry::GRANTED, DomainError::reason);
        metrics::counter!("plenum_join_attempts_total", "result" => result).increment(1);
        let entry = match refusal {
            None => AuditEntry::granted(AuditAction::MeetingJoin, actor.user_id()),
            Some(refusal) => AuditEntry::refused(AuditAction::MeetingJoin, actor.user_id(), refusal),
        };
        let entry = match meeting {
            Some(meeting) => entry.in_meeting(meeting.id, meeting.campus.clone()),
            None => entry.in_campus(actor.campus().cloned()),
        };
        self.audit.note(entry).await;
    }

    /// An empty password counts as none: forms send it.
    async fn check(&self, meeting: &Meeting, sent: Option<&str>) -> Result<PasswordCheck, DomainError> {
        let (Some(sent), Some(hash)) = (sent.filter(|sent| !sent.is_empty()), &meeting.settings.password)
        else {
            return Ok(PasswordCheck::NotSent);
        };
        // Nothing longer than a meeting password can be is worth hashing; four bytes is the longest character.
        let plausible = sent.len() <= 4 * crate::domain::meeting::MEETING_PASSWORD_CHARS.end();
        let correct = plausible && self.passwords.matches(sent, hash).await?;
        Ok(if correct { PasswordCheck::Correct } else { PasswordCheck::Wrong })
    }
}
