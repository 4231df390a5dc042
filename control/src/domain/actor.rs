//! Who acts: decided from the credential, never from a payload (C-13).

use super::account::{Account, UserType};
use super::error::DomainError;
use super::id::{CampusId, MeetingId, ParticipantId, UserId};

/// Somebody asking for something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// A person who is logged in.
    Account(Account),
    /// A person without an account, let in by a link to one meeting.
    Guest(Guest),
    /// The platform itself: timers and jobs.
    System,
}

/// A person without an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guest {
    /// Stands for the person in every place where an account would have a user id.
    pub session: ParticipantId,
    pub meeting: MeetingId,
    pub name: String,
}

impl Actor {
    /// The account, when it is one.
    pub fn account(&self) -> Option<&Account> {
        match self {
            Self::Account(account) => Some(account),
            Self::Guest(_) | Self::System => None,
        }
    }

    /// The user id, when the actor has an account.
    pub fn user_id(&self) -> Option<UserId> {
        self.account().map(|account| account.id)
    }

    /// The campus the actor belongs to; guests and the system have none.
    pub fn campus(&self) -> Option<&CampusId> {
        self.account().map(|account| &account.campus)
    }

    /// Whether things of `campus` are within this actor's reach (C-09).
    pub fn reaches(&self, campus: &CampusId) -> bool {
        match self {
            Self::Account(account) => account.crosses_campuses() || account.campus == *campus,
            // Her link is the permission; it names one meeting, and the meeting check does the rest.
            Self::Guest(_) | Self::System => true,
        }
    }

    /// What an administrator looks after: everything (`None`), or a campus administrator his campus.
    ///
    /// # Errors
    /// `Forbidden` for everybody else.
    pub fn administers(&self) -> Result<Option<CampusId>, DomainError> {
        let account = self.account().ok_or(DomainError::Forbidden)?;
        match account.user_type {
            UserType::Admin => Ok(None),
            UserType::CampusAdmin => Ok(Some(account.campus.clone())),
            UserType::Teacher | UserType::Staff | UserType::Student | UserType::Guest => {
                Err(DomainError::Forbidden)
            }
        }
    }

    /// Whether the account is a guest account or no account at all.
    pub fn is_guest(&self) -> bool {
        match self {
            Self::Account(account) => account.user_type == UserType::Guest,
            Self::Guest(_) => true,
            Self::System => false,
        }
    }

    /// Display name when the client gives none.
    pub fn name(&self) -> &str {
        match self {
            Self::Account(account) => &account.name,
            Self::Guest(guest) => &guest.name,
            Self::System => "system",
        }
    }
}
