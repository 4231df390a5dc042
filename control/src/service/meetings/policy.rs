//! The security policy, changed field by field (V1-13, C-72). What it shares with the settings of a meeting is changed as
//! an update changes it, and reaches the people inside by the same path.

use super::{MeetingChange, Meetings};
use crate::domain::actor::Actor;
use crate::domain::audit::AuditAction;
use crate::domain::error::DomainError;
use crate::domain::id::UserId;
use crate::domain::meeting::{EntryPolicy, Level, Meeting, Settings};
use crate::domain::policy::Action;
use crate::domain::security::{BLOCKED_MAX, DOMAINS_MAX, domain};

/// Changes to a security policy; absent ones leave the value as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PolicyChange {
    pub require_waiting_room: Option<bool>,
    /// Without a password there is nothing to ask for (C-23).
    pub require_password: Option<bool>,
    pub allow_guests: Option<bool>,
    pub max_participants: Option<u32>,
    pub entry: EntryChange,
}

/// Changes to what only a security policy has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EntryChange {
    pub locked: Option<bool>,
    /// As people write domains; replaces the list.
    pub allowed_domains: Option<Vec<String>>,
    /// Ids of accounts; replaces the list.
    pub blocked_users: Option<Vec<String>>,
    pub mute_on_entry: Option<bool>,
    pub disable_camera: Option<bool>,
    pub recording_permissions: Option<Level>,
    pub screen_share_permissions: Option<Level>,
    pub chat_permissions: Option<Level>,
}

impl EntryChange {
    /// The policy with these changes.
    ///
    /// # Errors
    /// A domain or an id that is none.
    pub(super) fn over(&self, base: &EntryPolicy) -> Result<EntryPolicy, DomainError> {
        Ok(EntryPolicy {
            locked: self.locked.unwrap_or(base.locked),
            allowed_domains: match &self.allowed_domains {
                Some(list) => each(
                    list,
                    ("allowed_domains", DOMAINS_MAX),
                    "must be domains such as example.org",
                    domain,
                )?,
                None => base.allowed_domains.clone(),
            },
            blocked_users: match &self.blocked_users {
                Some(list) => {
                    let read = |id: &str| UserId::parse(id.trim());
                    each(list, ("blocked_users", BLOCKED_MAX), "must be ids of accounts", read)?
                }
                None => base.blocked_users.clone(),
            },
            mute_on_entry: self.mute_on_entry.unwrap_or(base.mute_on_entry),
            disable_camera: self.disable_camera.unwrap_or(base.disable_camera),
            recording_permissions: self.recording_permissions.or(base.recording_permissions),
            screen_share_permissions: self.screen_share_permissions.unwrap_or(base.screen_share_permissions),
            chat_permissions: self.chat_permissions.unwrap_or(base.chat_permissions),
        })
    }
}

/// Every element read, each kept once. A list that is too long is refused before that is looked into: each is compared
/// with all before it.
fn each<T: PartialEq>(
    list: &[String],
    (field, most): (&'static str, usize),
    wrong: &str,
    read: impl Fn(&str) -> Option<T>,
) -> Result<Vec<T>, DomainError> {
    if list.len() > most {
        return Err(DomainError::invalid(field, format!("must name at most {most}")));
    }
    let mut all = Vec::new();
    for text in list {
        let one = read(text).ok_or_else(|| DomainError::invalid(field, wrong))?;
        if !all.contains(&one) {
            all.push(one);
        }
    }
    Ok(all)
}

impl From<PolicyChange> for MeetingChange {
    fn from(change: PolicyChange) -> Self {
        Self {
            waiting_room_enabled: change.require_waiting_room,
            require_password: change.require_password,
            allow_guests: change.allow_guests,
            max_participants: change.max_participants,
            entry: change.entry,
            ..Self::default()
        }
    }
}

impl Meetings {
    /// Changes the security policy, for those inside and for whoever comes.
    ///
    /// # Errors
    /// Not a host, the meeting is over, or a value out of bounds.
    pub async fn apply_policy(
        &self,
        actor: &Actor,
        id: &str,
        change: PolicyChange,
    ) -> Result<Meeting, DomainError> {
        self.change(actor, id, change.into(), Action::ApplyPolicy, AuditAction::PolicyChange, false).await
    }
}

/// Which parts of the policy a change moved, for the trail: lists by their length, for the trail names nobody but actor
/// and target.
pub(super) fn differences(before: &Settings, after: &Settings) -> Vec<String> {
    let list = |settings: &Settings| {
        let entry = &settings.entry;
        let level = |level: Option<Level>| level.map_or("by right", Level::as_str).to_owned();
        [
            ("waiting_room", settings.waiting_room_enabled.to_string()),
            ("password", settings.require_password.to_string()),
            ("guests", settings.allow_guests.to_string()),
            ("max_participants", settings.max_participants.to_string()),
            ("lock", entry.locked.to_string()),
            ("domains", entry.allowed_domains.len().to_string()),
            ("blocked", entry.blocked_users.len().to_string()),
            ("mute_on_entry", entry.mute_on_entry.to_string()),
            ("disable_camera", entry.disable_camera.to_string()),
            ("record", level(entry.recording_permissions)),
            ("share", level(Some(entry.screen_share_permissions))),
            ("chat_by", level(Some(entry.chat_permissions))),
        ]
    };
    let moved = list(before).into_iter().zip(list(after)).filter(|(was, is)| was != is);
    moved.map(|(_, (name, value))| format!("{name}={value}")).collect()
}
