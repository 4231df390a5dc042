//! The platform as a whole, for those who administer it (C-67).

use super::account::UserType;
use super::actor::Actor;
use super::error::DomainError;
use super::id::CampusId;

/// Meetings and people, of one campus or of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MeetingCounts {
    /// Ever made, whatever became of them.
    pub total: u64,
    pub active: u64,
    pub scheduled: u64,
    /// Persons who were ever inside, counted once per meeting.
    pub participants: u64,
    /// Persons inside now.
    pub inside: u64,
}

/// How much of the platform somebody may look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Overview {
    /// Everything.
    Platform,
    /// The counts of one campus, and nothing about machines.
    Campus(CampusId),
}

/// Whether somebody may see system statistics, and how much of them (ROLE-10).
///
/// # Errors
/// `Forbidden` for everybody who administers nothing.
pub fn overview(actor: &Actor) -> Result<Overview, DomainError> {
    match actor.account().map(|account| (account.user_type, &account.campus)) {
        Some((UserType::Admin, _)) => Ok(Overview::Platform),
        Some((UserType::CampusAdmin, campus)) => Ok(Overview::Campus(campus.clone())),
        _ => Err(DomainError::Forbidden),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures::{account, actor};

    #[test]
    fn role_10_administrators_see_the_platform_and_campus_administrators_their_campus() {
        let as_a =
            |user_type| overview(&actor(&crate::domain::account::Account { user_type, ..account("ada") }));
        assert_eq!(as_a(UserType::Admin), Ok(Overview::Platform));
        assert_eq!(as_a(UserType::CampusAdmin), Ok(Overview::Campus(CampusId::new("default"))));
        for user_type in [UserType::Teacher, UserType::Staff, UserType::Student, UserType::Guest] {
            assert_eq!(as_a(user_type), Err(DomainError::Forbidden), "{user_type:?}");
        }
        assert_eq!(overview(&Actor::System), Err(DomainError::Forbidden));
    }
}
