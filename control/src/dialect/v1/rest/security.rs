//! The security policy of a meeting (V1-13).

use axum::extract::State;

use super::V1;
use super::answer::{Body, Caller, MeetingParam, MeetingPath, Reply, ok};
use super::bodies::V1PolicyBody;
use super::describe::refusals;
use crate::dialect::fields::Fields;
use crate::dialect::nothing::Nothing;
use crate::dialect::v1::view::envelope::V1Success;
use crate::domain::error::DomainError;
use crate::domain::meeting::Level;
use crate::service::meetings::{EntryChange, PolicyChange};

refusals!(
    PolicyRefusals: Forbidden, MeetingEnded, MeetingCancelled, MeetingPast,
);

/// Set the security policy
///
/// Hosts only. What is absent stays as it is, and what is left to `host` is left to hosts and co-hosts. In force at once for
/// those inside and for whoever comes, whatever they speak: screens and cameras that are no longer allowed stop, and whoever
/// is blocked is out. Nothing else puts anybody out.
#[utoipa::path(
    post, path = "/api/v1/meetings/{meeting_id}/security/policy", tag = "v1", operation_id = "v1ApplySecurityPolicy",
    params(MeetingParam), request_body = V1PolicyBody,
    responses((status = 200, description = "In force", body = V1Success<Nothing>), PolicyRefusals)
)]
pub(super) async fn apply(
    State(v1): State<V1>,
    Caller(actor): Caller,
    MeetingPath(id): MeetingPath,
    Body(body): Body,
) -> Reply {
    let change = read_policy(Fields::of(&body)?)?;
    v1.services.meetings.apply_policy(&actor, &id, change).await?;
    ok(&v1, "Security policy applied successfully", Nothing)
}

fn read_policy(fields: Fields<'_>) -> Result<PolicyChange, DomainError> {
    let level = |name| fields.word(name, Level::parse, "host, all");
    Ok(PolicyChange {
        require_waiting_room: fields.flag("require_waiting_room")?,
        require_password: fields.flag("require_password")?,
        allow_guests: fields.flag("allow_anonymous_join")?,
        max_participants: fields.count("max_participants")?,
        entry: EntryChange {
            locked: fields.flag("lock_meeting")?,
            allowed_domains: texts(fields, "allowed_domains")?,
            blocked_users: texts(fields, "blocked_users")?,
            mute_on_entry: fields.flag("mute_on_entry")?,
            disable_camera: fields.flag("disable_camera")?,
            recording_permissions: level("recording_permissions")?,
            screen_share_permissions: level("screen_share_permissions")?,
            chat_permissions: level("chat_permissions")?,
        },
    })
}

/// A list of texts that may be absent.
fn texts(fields: Fields<'_>, name: &'static str) -> Result<Option<Vec<String>>, DomainError> {
    let Some(list) = fields.list(name)? else { return Ok(None) };
    let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    let all: Option<Vec<_>> = list.iter().map(text).collect();
    all.map(Some).ok_or_else(|| DomainError::invalid(name, "must be an array of strings"))
}
