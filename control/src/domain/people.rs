//! Who is on the roster and as what: adding people, removing them, changing roles (C-38, C-42, ROLE-06 to ROLE-08).

use super::actor::Actor;
use super::error::DomainError;
use super::id::{RosterId, UserId};
use super::meeting::{Invitation, Meeting, PARTICIPANTS_MAX, Standing, same_person};
use super::role::{PermissionOverrides, Permissions, Role};
use super::roster::{Listing, RosterEntry};

/// How a change of role came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleChange {
    pub line: RosterId,
    pub old: Role,
    pub new: Role,
    pub permissions: Permissions,
}

impl Standing {
    /// Whether somebody of this standing may make a person that has `before` into one of `role` with `overrides`:
    /// hosts give everything, others no role above their own kind and no right they lack (C-42).
    fn may_give(self, before: Permissions, role: Role, overrides: PermissionOverrides) -> bool {
        match (self.role, role) {
            (Role::Host, _) => true,
            (_, Role::Host) => false,
            (own, Role::CoHost) if !own.runs_meeting() => false,
            _ => overrides.over(role).gained_over(before).is_within(self.permissions),
        }
    }
}

impl Meeting {
    /// Everybody who was invited or came, without those whose invitation was withdrawn.
    pub fn listed(&self) -> impl Iterator<Item = &RosterEntry> {
        self.roster.iter().filter(|entry| entry.listing != Listing::Withdrawn)
    }

    /// Puts people on the roster on behalf of somebody of the standing `by`. Those who are invited already are left as
    /// they are; `usual` is the role of those whose invitation names none. Says the lines that are new or count again.
    ///
    /// # Errors
    /// A role that `by` cannot give, or more people than a meeting may list.
    pub fn add_people(
        &mut self,
        by: Standing,
        invitations: Vec<Invitation>,
        usual: Role,
        mut fresh_id: impl FnMut() -> RosterId,
    ) -> Result<Vec<RosterId>, DomainError> {
        let nothing = Role::Attendee.permissions();
        let mut added = Vec::new();
        for invitation in invitations {
            let role = invitation.role.unwrap_or(usual);
            if !by.may_give(nothing, role, PermissionOverrides::default()) {
                return Err(DomainError::OnlyHostsChangeRoles);
            }
            let line = match self.roster.iter_mut().find(|entry| same_person(entry, &invitation)) {
                Some(entry) if entry.listing == Listing::Invited => continue,
                Some(entry) => {
                    entry.user = entry.user.or(invitation.user);
                    // Whoever came in by himself keeps what he was given since, unless the invitation says otherwise.
                    if entry.listing == Listing::Withdrawn || invitation.role.is_some() {
                        entry.role = role;
                    }
                    entry.listing = Listing::Invited;
                    entry.id
                }
                None => {
                    let entry = RosterEntry::invited(fresh_id(), invitation, role);
                    let id = entry.id;
                    self.roster.push(entry);
                    id
                }
            };
            added.push(line);
        }
        if self.roster.len() > PARTICIPANTS_MAX as usize {
            let reason = format!("must not be more than {PARTICIPANTS_MAX} in one meeting");
            return Err(DomainError::invalid("participants", reason));
        }
        Ok(added)
    }

    /// Takes people off the roster; lines that stand for nobody are left out. Whoever was inside once stays for the
    /// record, without role or right. Says the lines as they were.
    ///
    /// # Errors
    /// One of them is a host: then nobody is removed.
    pub fn remove_people(&mut self, lines: &[RosterId]) -> Result<Vec<RosterEntry>, DomainError> {
        let is_meant = |entry: &RosterEntry| entry.listing != Listing::Withdrawn && lines.contains(&entry.id);
        let gone: Vec<_> = self.roster.iter().filter(|entry| is_meant(entry)).cloned().collect();
        if gone.iter().any(|entry| entry.role == Role::Host || entry.user == Some(self.creator)) {
            return Err(DomainError::HostStays);
        }
        for entry in self.roster.iter_mut().filter(|entry| is_meant(entry)) {
            entry.withdraw();
        }
        self.roster.retain(|entry| entry.listing != Listing::Withdrawn || entry.joined_at.is_some());
        Ok(gone)
    }

    /// Gives a person another role and single rights; rights that `overrides` leaves out follow the role.
    ///
    /// # Errors
    /// Nobody of that line, the creator would be less than host, or `by` may not give this to this person.
    pub fn change_role(
        &mut self,
        by: Standing,
        line: RosterId,
        role: Role,
        overrides: PermissionOverrides,
    ) -> Result<RoleChange, DomainError> {
        let creator = self.creator;
        let entry = self
            .roster
            .iter_mut()
            .find(|entry| entry.id == line && entry.listing != Listing::Withdrawn)
            .ok_or(DomainError::ParticipantNotFound)?;
        let (old, before) = (entry.role, entry.permissions());
        let is_creator = entry.user == Some(creator);
        if by.role != Role::Host && (old == Role::Host || is_creator || !by.may_give(before, role, overrides))
        {
            return Err(DomainError::OnlyHostsChangeRoles);
        }
        if is_creator && (role != Role::Host || overrides.over(role) != role.permissions()) {
            return Err(DomainError::CreatorStaysHost);
        }
        (entry.role, entry.overrides) = (role, overrides);
        Ok(RoleChange { line, old, new: role, permissions: entry.permissions() })
    }

    /// One line of the roster.
    pub fn line(&self, id: RosterId) -> Option<&RosterEntry> {
        self.roster.iter().find(|entry| entry.id == id)
    }

    /// The id of the actor's own line.
    pub fn line_of(&self, actor: &Actor) -> Option<RosterId> {
        self.entry_of(actor).map(|entry| entry.id)
    }

    /// The line of an account, or of the person who has this line; `None` when nobody is meant.
    pub fn line_named(&self, named: &str) -> Option<RosterId> {
        let named = named.trim();
        let (line, user) = (RosterId::parse(named), UserId::parse(named));
        let is_meant = |e: &&RosterEntry| Some(e.id) == line || (user.is_some() && e.user == user);
        self.listed().find(is_meant).map(|entry| entry.id)
    }
}

#[cfg(test)]
mod tests;
