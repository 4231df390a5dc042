//! Who is on the roster of a meeting and as what: adding, removing, changing roles, looking people up to invite them
//! (KCS-11 to KCS-14).

use std::sync::Arc;

use time::OffsetDateTime;

use crate::domain::actor::Actor;
use crate::domain::audit::{AuditAction, AuditEntry};
use crate::domain::directory::{Found, Search};
use crate::domain::error::DomainError;
use crate::domain::id::{ParticipantId, RosterId};
use crate::domain::mail::Announcement;
use crate::domain::meeting::{Meeting, Standing};
use crate::domain::people::RoleChange;
use crate::domain::policy::{Action, may};
use crate::domain::role::{PermissionOverrides, Role};
use crate::domain::roster::RosterEntry;
use crate::service::admissions::meeting_id;
use crate::service::audit::Audit;
use crate::service::clock::Clock;
use crate::service::live_side::{LiveSide, RosterNews};
use crate::service::meetings::{Invitee, resolve_invitees};
use crate::store::Store;

/// Longest personal text in an invitation, in characters (LIM-04).
const MESSAGE_CHARS_MAX: usize = 500;
/// Longest reason kept of a removal, in characters; the trail keeps no more of it.
const REASON_CHARS_MAX: usize = 500;
/// People one request may remove: a whole school class at once, and a bound on the lines of the trail it writes.
const REMOVED_MAX: usize = 1000;

/// The rosters of meetings.
#[derive(Clone)]
pub struct People {
    store: Store,
    audit: Audit,
    clock: Clock,
    live: Arc<dyn LiveSide>,
}

/// People to be added, as a dialect read them.
#[derive(Debug, Clone)]
pub struct Addition {
    pub people: Vec<Invitee>,
    /// The role of those that name none.
    pub usual: Role,
    /// Whether they are told.
    pub invite: bool,
    /// A personal text for the invitation.
    pub message: Option<String>,
    /// Whether those inside are told.
    pub tell_inside: bool,
}

/// What became of an [`Addition`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Added {
    pub meeting: Meeting,
    /// Those who were not on the roster before.
    pub people: Vec<RosterEntry>,
    /// Mails that are on their way (C-64).
    pub invitations_sent: usize,
}

/// People to be removed.
#[derive(Debug, Clone, Default)]
pub struct Removal {
    /// Lines, sessions or accounts (C-29). What names nobody is left out.
    pub people: Vec<String>,
    pub tell_removed: bool,
    pub tell_inside: bool,
    /// For the audit trail (SEC-02).
    pub reason: Option<String>,
}

/// What became of a [`Removal`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed {
    pub meeting: Meeting,
    /// Those names of the request that stood for somebody, as they were given.
    pub named: Vec<String>,
}

/// A new role for one person.
#[derive(Debug, Clone)]
pub struct NewRole {
    /// Line, session or account.
    pub person: String,
    pub role: Role,
    pub overrides: PermissionOverrides,
    pub tell_person: bool,
    pub tell_others: bool,
}

impl People {
    /// The rosters kept in `store`, with their people inside the meetings of `live`.
    pub fn new(store: Store, audit: Audit, clock: Clock, live: Arc<dyn LiveSide>) -> Self {
        Self { store, audit, clock, live }
    }

    /// Whether the actor may do this in that meeting now. Refusals are audited. What changes something asks again
    /// while it holds the meeting.
    ///
    /// # Errors
    /// No such meeting, or the refusal of the policy.
    pub async fn permit(&self, actor: &Actor, id: &str, action: Action) -> Result<Meeting, DomainError> {
        let meeting = self.store.meeting(meeting_id(id)?).await?.ok_or(DomainError::MeetingNotFound)?;
        let answer = may(actor, meeting.standing(actor), action, &meeting);
        if let Err(refusal) = &answer {
            self.note(AuditEntry::refused(deed(action), actor.user_id(), refusal), &meeting).await;
        }
        answer.map(|()| meeting)
    }

    /// Puts people on the roster (KCS-11). Those who are invited already are left as they are.
    ///
    /// # Errors
    /// Not allowed, nobody named, an account that does not exist, a role the actor cannot give.
    pub async fn add(&self, actor: &Actor, seen: &Meeting, new: Addition) -> Result<Added, DomainError> {
        let outcome = self.try_add(actor, seen, new).await;
        let entry = AuditEntry::of(AuditAction::ParticipantAdd, actor.user_id(), &outcome);
        let entry = match &outcome {
            Ok(added) => {
                let named: Vec<_> = added.people.iter().map(target).collect();
                entry.remarking(format!("{} {}", named.len(), named.join(" ")))
            }
            Err(_) => entry,
        };
        self.note(entry, seen).await;
        outcome
    }

    async fn try_add(&self, actor: &Actor, seen: &Meeting, new: Addition) -> Result<Added, DomainError> {
        let Addition { people, usual, invite, message, tell_inside } = new;
        check_length("invitation_message", message.as_deref(), MESSAGE_CHARS_MAX)?;
        let found =
            resolve_invitees(&self.store, &seen.campus, people).await.map_err(|error| match error {
                // A meeting that exists says of a person that does not: not found (C-38).
                DomainError::InviteeUnknown => DomainError::PersonUnknown,
                other => other,
            })?;
        let (meeting, people, invitations_sent) = self
            .store
            .change_meeting_with(seen.id, self.clock.now(), |meeting| {
                let by = permitted(actor, Action::AddParticipants, meeting)?;
                let lines = meeting.add_people(by, found, usual, RosterId::generate)?;
                let people: Vec<_> = lines.iter().filter_map(|line| meeting.line(*line)).cloned().collect();
                let invitation = Announcement::invitation(meeting, &people, message.as_deref(), actor.name());
                Ok((people, invitation.filter(|_| invite).into_iter().collect()))
            })
            .await?;
        let by = actor.user_id();
        let news = RosterNews { people: people.clone(), by, tell_inside, tell_people: invite };
        self.live.added(&meeting, news).await;
        Ok(Added { meeting, people, invitations_sent: invitations_sent as usize })
    }

    /// Takes people off the roster (KCS-12); those inside are out when this returns.
    ///
    /// # Errors
    /// Not allowed, nobody named, or one of them is a host; then nobody is removed.
    pub async fn remove(
        &self,
        actor: &Actor,
        seen: &Meeting,
        removal: Removal,
    ) -> Result<Removed, DomainError> {
        let Removal { people, tell_removed, tell_inside, reason } = removal;
        if people.is_empty() {
            return Err(DomainError::NobodyInvited);
        }
        if people.len() > REMOVED_MAX {
            return Err(DomainError::invalid(
                "participant_ids",
                format!("must not be more than {REMOVED_MAX}"),
            ));
        }
        check_length("reason", reason.as_deref(), REASON_CHARS_MAX)?;
        let found = self.lines(seen, &people).await?;
        let wanted: Vec<_> = found.iter().map(|(line, _)| *line).collect();
        let changed = self
            .store
            .change_meeting_with(seen.id, self.clock.now(), |meeting| {
                permitted(actor, Action::RemoveParticipants, meeting)?;
                let gone = meeting.remove_people(&wanted)?;
                // Counted as a change whether or not they are told, so that a later invitation is a new one.
                let told = Announcement::removal(meeting, &gone, reason.as_deref(), actor.name());
                Ok((gone, told.filter(|_| tell_removed).into_iter().collect()))
            })
            .await;
        let note = |entry: AuditEntry| match &reason {
            Some(reason) => entry.remarking(reason.clone()),
            None => entry,
        };
        let (meeting, gone, _) = match changed {
            Ok(changed) => changed,
            Err(refusal) => {
                let entry = AuditEntry::refused(AuditAction::ParticipantRemove, actor.user_id(), &refusal);
                self.note(note(entry), seen).await;
                return Err(refusal);
            }
        };
        for line in &gone {
            let entry = AuditEntry::granted(AuditAction::ParticipantRemove, actor.user_id());
            self.note(note(entry.to(target(line))), &meeting).await;
        }
        let named = found.into_iter().filter(|(line, _)| gone.iter().any(|gone| gone.id == *line));
        let named = named.map(|(_, named)| named).collect();
        let news = RosterNews { people: gone, by: actor.user_id(), tell_inside, tell_people: tell_removed };
        self.live.removed(&meeting, news).await;
        Ok(Removed { meeting, named })
    }

    /// Gives somebody another role and single rights (KCS-13).
    ///
    /// # Errors
    /// Not allowed, nobody of that name, or less than host for the creator.
    pub async fn change_role(
        &self,
        actor: &Actor,
        seen: &Meeting,
        new: NewRole,
    ) -> Result<(RoleChange, OffsetDateTime), DomainError> {
        let NewRole { person, role, overrides, tell_person, tell_others } = new;
        let found = self.lines(seen, std::slice::from_ref(&person)).await?;
        let (line, _) = found.into_iter().next().ok_or(DomainError::ParticipantNotFound)?;
        let changed = self
            .store
            .change_meeting(seen.id, |meeting| {
                let by = permitted(actor, Action::ChangeRoles, meeting)?;
                meeting.change_role(by, line, role, overrides)
            })
            .await;
        let entry = AuditEntry::of(AuditAction::RoleChange, actor.user_id(), &changed);
        let entry = match seen.line(line) {
            Some(line) => entry.to(target(line)),
            None => entry.to(line),
        };
        self.note(entry.remarking(remark(role, overrides)), seen).await;
        let (meeting, change) = changed?;
        self.live.role_changed(&meeting, change.clone(), tell_person, tell_others).await;
        Ok((change, self.clock.now()))
    }

    /// Looks people of the meeting's campus up, the most relevant first (KCS-14).
    ///
    /// # Errors
    /// Nothing to search for, or too much.
    pub async fn search(&self, meeting: &Meeting, search: &Search) -> Result<Found, DomainError> {
        let key = search.key()?;
        self.store.search_directory(&meeting.campus, meeting.id, &key, search).await
    }

    /// The lines that names stand for: line, account, or a session of now or of before (C-29).
    async fn lines(
        &self,
        meeting: &Meeting,
        named: &[String],
    ) -> Result<Vec<(RosterId, String)>, DomainError> {
        let mut found = Vec::new();
        let mut sessions = None;
        for name in named {
            let mut line = meeting.line_named(name);
            if let (None, Some(session)) = (line, ParticipantId::parse(name.trim())) {
                if sessions.is_none() {
                    sessions = Some(self.store.sessions_of(meeting.id).await?);
                }
                let recorded = sessions.iter().flatten().find(|one| one.id == session).map(|one| one.roster);
                line = match recorded {
                    Some(line) => Some(line),
                    // Who waits has no record yet.
                    None => {
                        let account = self.live.account_of(meeting.id, session).await;
                        account.and_then(|user| meeting.entry_of_user(user)).map(|entry| entry.id)
                    }
                };
            }
            found.extend(line.map(|line| (line, name.clone())));
        }
        Ok(found)
    }

    async fn note(&self, entry: AuditEntry, meeting: &Meeting) {
        self.audit.note(entry.in_meeting(meeting.id, meeting.campus.clone())).await;
    }
}

/// The standing of somebody who may do this, for what depends on how high he stands.
fn permitted(actor: &Actor, action: Action, meeting: &Meeting) -> Result<Standing, DomainError> {
    let standing = meeting.standing(actor);
    may(actor, standing, action, meeting)?;
    standing.ok_or(DomainError::Forbidden)
}

/// How the trail names a person: the account, else the line.
fn target(line: &RosterEntry) -> String {
    line.user.map_or_else(|| line.id.to_string(), |user| user.to_string())
}

/// How the trail calls what an action would have done.
fn deed(action: Action) -> AuditAction {
    match action {
        Action::AddParticipants => AuditAction::ParticipantAdd,
        Action::RemoveParticipants => AuditAction::ParticipantRemove,
        Action::ChangeRoles => AuditAction::RoleChange,
        Action::SearchDirectory => AuditAction::DirectorySearch,
        _ => AuditAction::MeetingView,
    }
}

fn remark(role: Role, overrides: PermissionOverrides) -> String {
    let single = [
        ("can_share_screen", overrides.can_share_screen),
        ("can_unmute_others", overrides.can_unmute_others),
        ("can_manage_participants", overrides.can_manage_participants),
        ("can_record", overrides.can_record),
        ("can_manage_breakout_rooms", overrides.can_manage_breakout_rooms),
    ];
    let single = single.into_iter().filter_map(|(name, given)| Some(format!(" {name}={}", given?)));
    std::iter::once(role.as_str().to_owned()).chain(single).collect()
}

fn check_length(field: &'static str, text: Option<&str>, chars_max: usize) -> Result<(), DomainError> {
    match text {
        Some(text) if text.chars().count() > chars_max => {
            Err(DomainError::invalid(field, format!("must have at most {chars_max} characters")))
        }
        _ => Ok(()),
    }
}
