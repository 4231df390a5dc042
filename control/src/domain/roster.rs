//! The roster of a meeting: everybody invited or ever inside, one entry per person (C-37, C-38).

use time::OffsetDateTime;

use super::account::email_key;
use super::actor::Actor;
use super::id::{RosterId, UserId};
use super::meeting::Invitation;
use super::role::{PermissionOverrides, Permissions, Role};

/// How somebody came to be on the roster, and whether that still holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Listing {
    /// Invited by the host, by account or by address.
    Invited,
    /// Came in uninvited while guests were allowed; a record of having been there, and no invitation.
    CameIn,
    /// Was inside once, and the invitation is gone: the line stays for the record and opens nothing.
    Withdrawn,
}

impl Listing {
    /// The word stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invited => "invited",
            Self::CameIn => "came_in",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// Reads the word of [`Listing::as_str`].
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Invited, Self::CameIn, Self::Withdrawn].into_iter().find(|listing| listing.as_str() == word)
    }
}

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
    pub listing: Listing,
    /// First entry into the meeting.
    pub joined_at: Option<OffsetDateTime>,
    /// End of the last session; `None` while inside or never inside.
    pub left_at: Option<OffsetDateTime>,
}

impl RosterEntry {
    /// The line of somebody who is being invited.
    pub fn invited(id: RosterId, invitation: Invitation, role: Role) -> Self {
        let Invitation { user, email, name, phone, role: _ } = invitation;
        let overrides = PermissionOverrides::default();
        let listing = Listing::Invited;
        Self { id, user, email, name, phone, role, overrides, listing, joined_at: None, left_at: None }
    }

    /// Takes the invitation back, and with it what the person was: should he come back as a guest, he is one.
    pub fn withdraw(&mut self) {
        self.listing = Listing::Withdrawn;
        self.role = Role::Attendee;
        self.overrides = PermissionOverrides::default();
    }

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
