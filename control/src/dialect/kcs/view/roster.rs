//! What changes of a roster answer, and who a search finds (KCS-11 to KCS-14).

use serde::Serialize;
use utoipa::ToSchema;

use super::envelope::Timestamp;
use super::meeting::ListedView;
use super::people::PermissionsView;
use super::words::RoleWord;
use crate::domain::id::MeetingId;
use crate::domain::people::RoleChange;
use crate::service::people::{Added, Removed};
use time::OffsetDateTime;

/// People who were added.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AddedView {
    #[schema(value_type = String, example = "01JDAVNTZ6MG8F0Q5W0R7YH3KC")]
    meeting_id: MeetingId,
    /// Without those who were on the roster already.
    participants_added: Vec<ListedView>,
    /// Mails that are on their way.
    #[schema(example = 0)]
    invitations_sent: usize,
    #[schema(example = 3)]
    total_participants: usize,
}

/// The view of people who were added.
pub fn added(added: &Added) -> AddedView {
    AddedView {
        meeting_id: added.meeting.id,
        participants_added: added.people.iter().map(ListedView::of).collect(),
        invitations_sent: added.invitations_sent,
        total_participants: added.meeting.listed().count(),
    }
}

/// People who were removed.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RemovedView {
    #[schema(value_type = String, example = "01JDAVNTZ6MG8F0Q5W0R7YH3KC")]
    meeting_id: MeetingId,
    /// Those ids of the request that stood for somebody.
    #[schema(example = json!(["019ac0f1-6d3e-7b52-8c7e-2f4a9d1b5c60"]))]
    participants_removed: Vec<String>,
    #[schema(example = 2)]
    remaining_count: usize,
}

/// The view of people who were removed.
pub fn removed(removed: Removed) -> RemovedView {
    let remaining_count = removed.meeting.listed().count();
    RemovedView { meeting_id: removed.meeting.id, participants_removed: removed.named, remaining_count }
}

/// A role that was changed.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RoleChangeView {
    /// As the request named the person.
    #[schema(example = "019ac0f1-6d3e-7b52-8c7e-2f4a9d1b5c60")]
    participant_id: String,
    old_role: RoleWord,
    new_role: RoleWord,
    permissions: PermissionsView,
    updated_at: Timestamp,
}

/// The view of a role that was changed.
pub fn role_change(participant_id: String, change: &RoleChange, at: OffsetDateTime) -> RoleChangeView {
    RoleChangeView {
        participant_id,
        old_role: change.old.into(),
        new_role: change.new.into(),
        permissions: change.permissions.into(),
        updated_at: Timestamp(at),
    }
}
