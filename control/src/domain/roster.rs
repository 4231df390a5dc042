//! The roster of a meeting: everybody invited or ever inside, one entry per person (C-37, C-38).

use time::OffsetDateTime;

use super::account::email_key;
use super::actor::Actor;
use super::id::{RosterId, UserId};
use super::role::{PermissionOverrides, Permissions, Role};

/// One person of one meeting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RosterEntry {
    pub id: RosterId,
    /// The account, when the person has one that we know of.
    pub user: Option<UserId>,
    /// Address of an invitation, or of the account; compared in lower case.
    pub email: Option<String>,
    pub name: String,
    pub phone: Option<String>,
    pub role: Role,
    pub overrides: PermissionOverrides,
    /// Invited by somebody. False for people who came in because guests were allowed, and for withdrawn invitations.
    pub invited: bool,
    /// First entry into the meeting.
    pub joined_at: Option<OffsetDateTime>,
    /// End of the last session; `None` while inside or never inside.
    pub left_at: Option<OffsetDateTime>,
}

impl RosterEntry {
    /// Whether this entry stands for the actor: by account id, or by an address that belongs to the account.
    pub fn is_for(&self, actor: &Actor) -> bool {
        let Some(account) = actor.account() else { return false };
        match (self.user, &self.email) {
            (Some(user), _) => user == account.id,
            (None, Some(email)) => email_key(email) == account.email_key(),
            (None, None) => false,
        }
    }

    /// The rights of this person: the role's, with single ones granted or taken.
    pub fn permissions(&self) -> Permissions {
        self.overrides.over(self.role)
    }
}
