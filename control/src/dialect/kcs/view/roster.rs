//! What changes of a roster answer, and who a search finds (KCS-11 to KCS-14).

use serde::Serialize;
use utoipa::ToSchema;

use super::envelope::{Timestamp, True};
use super::meeting::ListedView;
use super::people::PermissionsView;
use super::words::{CategoryWord, RoleWord};
use crate::domain::account::Account;
use crate::domain::directory::{Category, Found};
use crate::domain::id::{MeetingId, UserId};
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

/// A success with the result of a search.
#[derive(Debug, Serialize, ToSchema)]
pub struct SuccessSearch {
    #[schema(inline)]
    pub success: True,
    /// How many are in `users`.
    #[schema(example = 1)]
    pub count: usize,
    pub data: FoundView,
    /// For people, in English.
    #[schema(example = "Users found successfully")]
    pub message: &'static str,
}

/// Who was found.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FoundView {
    /// The most relevant first.
    users: Vec<DirectoryEntryView>,
    /// How many there are in all.
    #[schema(example = 1)]
    total_found: u64,
    /// As it was sent.
    #[schema(example = "ada")]
    search_query: String,
}

/// Somebody of the campus.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DirectoryEntryView {
    #[schema(value_type = String, example = "01JDAVNTZ5A3C7E9G1J3M5P7RS")]
    user_id: UserId,
    #[schema(example = "Ada Lovelace")]
    name: String,
    #[schema(example = "ada@demo.test")]
    email: String,
    user_type: CategoryWord,
    #[schema(required, example = "https://example.org/ada.png")]
    profile_picture: Option<String>,
    #[schema(required, example = "Mathematics")]
    department: Option<String>,
}

/// The view of who was found.
pub fn found(found: &Found, search_query: String) -> FoundView {
    let users = found.accounts.iter().filter_map(entry).collect();
    FoundView { users, total_found: found.total, search_query }
}

fn entry(account: &Account) -> Option<DirectoryEntryView> {
    Some(DirectoryEntryView {
        user_id: account.id,
        name: account.name.clone(),
        email: account.email.clone(),
        user_type: Category::of(account.user_type)?.into(),
        profile_picture: account.profile_picture.clone(),
        department: account.department.clone(),
    })
}
