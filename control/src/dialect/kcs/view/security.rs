//! The security policy of a meeting: whole for its hosts, and as far as it concerns everybody inside for the others.

use serde::Serialize;
use utoipa::ToSchema;

use super::words::LevelWord;
use crate::domain::id::UserId;
use crate::domain::meeting::Meeting;

/// The security policy, in the names in which `POST /api/v1/meetings/{id}/security/policy` takes it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SecurityPolicyView {
    require_waiting_room: bool,
    /// Whether a password that is there is asked for.
    require_password: bool,
    allow_anonymous_join: bool,
    #[schema(example = 100)]
    max_participants: u32,
    /// Empty: all.
    #[schema(example = json!(["example.org"]))]
    allowed_domains: Vec<String>,
    #[schema(value_type = Vec<String>, example = json!(["01JDAVNTZ5A3C7E9G1J3M5P7RS"]))]
    blocked_users: Vec<UserId>,
    /// Null: whoever has the right to.
    #[schema(required)]
    recording_permissions: Option<LevelWord>,
    screen_share_permissions: LevelWord,
    chat_permissions: LevelWord,
    mute_on_entry: bool,
    disable_camera: bool,
    lock_meeting: bool,
}

/// The security policy as hosts see it.
pub fn security_policy(meeting: &Meeting) -> SecurityPolicyView {
    let (settings, entry) = (&meeting.settings, &meeting.settings.entry);
    SecurityPolicyView {
        require_waiting_room: settings.waiting_room_enabled,
        require_password: settings.require_password,
        allow_anonymous_join: settings.allow_guests,
        max_participants: settings.max_participants,
        allowed_domains: entry.allowed_domains.clone(),
        blocked_users: entry.blocked_users.clone(),
        recording_permissions: entry.recording_permissions.map(LevelWord::from),
        screen_share_permissions: entry.screen_share_permissions.into(),
        chat_permissions: entry.chat_permissions.into(),
        mute_on_entry: entry.mute_on_entry,
        disable_camera: entry.disable_camera,
        lock_meeting: entry.locked,
    }
}

/// What of the security policy everybody inside may know: whom it names stays between the hosts.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PolicyView {
    lock_meeting: bool,
    /// Null: whoever has the right to.
    #[schema(required)]
    recording_permissions: Option<LevelWord>,
    screen_share_permissions: LevelWord,
    chat_permissions: LevelWord,
    mute_on_entry: bool,
    /// Only hosts and co-hosts may be seen.
    disable_camera: bool,
}

/// The security policy as everybody inside sees it.
pub fn policy(meeting: &Meeting) -> PolicyView {
    let entry = &meeting.settings.entry;
    PolicyView {
        lock_meeting: entry.locked,
        recording_permissions: entry.recording_permissions.map(LevelWord::from),
        screen_share_permissions: entry.screen_share_permissions.into(),
        chat_permissions: entry.chat_permissions.into(),
        mute_on_entry: entry.mute_on_entry,
        disable_camera: entry.disable_camera,
    }
}
