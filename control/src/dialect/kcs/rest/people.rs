//! Adding and removing people, changing roles, looking people up (KCS-11 to KCS-14).

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::Kcs;
use super::answer::{Body, Caller, MeetingParam, MeetingPath, Reply, created, ok};
use super::bodies::{AdditionBody, RemovalBody, RoleChangeBody, SearchBody};
use super::describe::refusals;
use super::read;
use crate::dialect::fields::Fields;
use crate::dialect::kcs::limits::budget;
use crate::dialect::kcs::view;
use crate::dialect::kcs::view::envelope::{Success, True};
use crate::dialect::kcs::view::roster::{AddedView, RemovedView, RoleChangeView, SuccessSearch};
use crate::dialect::rest::guard::counted;
use crate::dialect::rest::query::Query;
use crate::domain::actor::Actor;
use crate::domain::directory::{Category, RESULTS_MAX, Search};
use crate::domain::error::DomainError;
use crate::domain::limit::LimitedAction;
use crate::domain::meeting::Meeting;
use crate::domain::policy::Action;
use crate::domain::role::{PermissionOverrides, Role};
use crate::service::people::{Addition, NewRole, Removal};

/// Results when a search does not say how many.
const SEARCH_RESULTS: u32 = 20;

refusals!(
    AddRefusals: OnlyHostsAdd, OnlyHostsChangeRoles, NobodyInvited, InvitationWithoutPerson, PersonUnknown,
    MeetingEnded, MeetingCancelled,
);

/// Add people to a meeting
///
/// Who is on the roster already is left as he is. Counted for each meeting.
#[utoipa::path(
    post, path = "/api/meeting/{meeting_id}/participants", tag = "participants", operation_id = "addParticipants",
    params(MeetingParam), request_body = AdditionBody,
    responses((status = 201, description = "Added", body = Success<AddedView>), AddRefusals)
)]
pub(super) async fn add(
    State(kcs): State<Kcs>,
    Caller(actor): Caller,
    MeetingPath(id): MeetingPath,
    Body(body): Body,
) -> Response {
    per_meeting(&kcs, &actor, &id, Action::AddParticipants, async |meeting| {
        let added = kcs.services.people.add(&actor, &meeting, read_addition(&body)?).await?;
        created("Participants added successfully", view::roster::added(&added))
    })
    .await
}

refusals!(RemoveRefusals: Forbidden, HostStays, NobodyInvited, MeetingEnded, MeetingCancelled);

/// Remove people from a meeting
///
/// Those who are inside are out at once. Clients that cannot send a body with DELETE name the people in the address.
#[utoipa::path(
    delete, path = "/api/meeting/{meeting_id}/participants", tag = "participants", operation_id = "removeParticipants",
    params(
        MeetingParam,
        ("participant_ids" = Option<String>, Query, description = "Separated by commas, if the body names nobody."),
        ("reason" = Option<String>, Query, max_length = 500, description = "For the audit trail.")
    ),
    request_body(content = Option<RemovalBody>),
    responses((status = 200, description = "Removed", body = Success<RemovedView>), RemoveRefusals)
)]
pub(super) async fn remove(
    State(kcs): State<Kcs>,
    Caller(actor): Caller,
    MeetingPath(id): MeetingPath,
    RawQuery(query): RawQuery,
    Body(body): Body,
) -> Response {
    per_meeting(&kcs, &actor, &id, Action::RemoveParticipants, async |meeting| {
        let removal = read_removal(&body, &Query::of(query.as_deref()))?;
        let removed = kcs.services.people.remove(&actor, &meeting, removal).await?;
        ok("Participants removed successfully", view::roster::removed(removed))
    })
    .await
}

refusals!(
    RoleRefusals: OnlyHostsChangeRoles, CreatorStaysHost, ParticipantNotFound, FieldMissing("new_role"),
    MeetingEnded, MeetingCancelled,
);

/// Give somebody another role
///
/// Takes effect at once inside. Single rights that are absent follow the role.
#[utoipa::path(
    patch, path = "/api/meeting/{meeting_id}/participants/{participant_id}/role", tag = "participants",
    operation_id = "changeRole",
    params(MeetingParam, ("participant_id" = String, Path, description = "Record, session or account.")),
    request_body = RoleChangeBody,
    responses((status = 200, description = "Changed", body = Success<RoleChangeView>), RoleRefusals)
)]
pub(super) async fn change_role(
    State(kcs): State<Kcs>,
    Caller(actor): Caller,
    path: Result<Path<(String, String)>, axum::extract::rejection::PathRejection>,
    Body(body): Body,
) -> Response {
    // What cannot be decoded is an id of another shape, and thus of nothing (C-03).
    let (id, person) = path.map_or_else(|_| ("%".to_owned(), String::new()), |Path(ids)| ids);
    per_meeting(&kcs, &actor, &id, Action::ChangeRoles, async |meeting| {
        let new = read_role(&body, person.clone())?;
        let (change, at) = kcs.services.people.change_role(&actor, &meeting, new).await?;
        ok("Participant role updated successfully", view::roster::role_change(person, &change, at))
    })
    .await
}

refusals!(SearchRefusals: Forbidden);

/// Look people of the campus up
///
/// In names, addresses and user names; what is equal first, then what begins with the text, then the rest.
#[utoipa::path(
    post, path = "/api/meeting/{meeting_id}/search-users", tag = "participants", operation_id = "searchUsers",
    params(MeetingParam), request_body = SearchBody,
    responses((status = 200, description = "Who was found", body = SuccessSearch), SearchRefusals)
)]
pub(super) async fn search(
    State(kcs): State<Kcs>,
    Caller(actor): Caller,
    MeetingPath(id): MeetingPath,
    Body(body): Body,
) -> Reply {
    let meeting = kcs.services.people.permit(&actor, &id, Action::SearchDirectory).await?;
    let search = read_search(&body)?;
    let found = kcs.services.people.search(&meeting, &search).await?;
    let body = SuccessSearch {
        success: True,
        count: found.accounts.len(),
        data: view::roster::found(&found, search.query),
        message: "Users found successfully",
    };
    Ok(Json(body).into_response())
}

/// Does something to a roster within the budget of its meeting (RATE-02). Only who may do it is counted there: a stranger
/// must not be able to use a meeting's budget up.
async fn per_meeting(
    kcs: &Kcs,
    actor: &Actor,
    id: &str,
    action: Action,
    work: impl AsyncFnOnce(Meeting) -> Reply,
) -> Response {
    let services = &kcs.services;
    let meeting = match services.people.permit(actor, id, action).await {
        Ok(meeting) => meeting,
        Err(refusal) => return Reply::Err(refusal.into()).into_response(),
    };
    let counts = LimitedAction::ParticipantWrite;
    let verdict = services.limits.take(counts, &meeting.id.to_string(), budget(counts));
    let reply = match verdict {
        Some(verdict) if !verdict.allowed => Err(services.limits.refusal(verdict).into()),
        _ => work(meeting).await,
    };
    match verdict {
        Some(verdict) => counted(reply, verdict),
        None => reply.into_response(),
    }
}

fn read_addition(body: &Value) -> Result<Addition, DomainError> {
    let fields = Fields::of(body)?;
    Ok(Addition {
        people: read::invitees(fields)?.ok_or(DomainError::NobodyInvited)?,
        usual: read::role(fields, "participant_role")?.unwrap_or(Role::Attendee),
        invite: fields.flag("send_invitation")?.unwrap_or(true),
        message: fields.text("invitation_message")?.map(str::to_owned),
        tell_inside: fields.flag("notify_existing_participants")?.unwrap_or(true),
    })
}

/// From the body; clients whose libraries send none with DELETE put it into the address (C-71).
fn read_removal(body: &Value, query: &Query) -> Result<Removal, DomainError> {
    let fields = Fields::of(body)?;
    let text = |one: &Value| one.as_str().map(str::to_owned);
    let people = match fields.list("participant_ids")? {
        Some(list) => list.iter().map(text).collect::<Option<Vec<_>>>(),
        None => {
            let list = query.text("participant_ids").unwrap_or_default();
            Some(list.split(',').filter(|one| !one.trim().is_empty()).map(str::to_owned).collect())
        }
    };
    let people =
        people.ok_or_else(|| DomainError::invalid("participant_ids", "must be an array of strings"))?;
    let reason = fields.text("reason")?.or_else(|| query.text("reason")).map(str::to_owned);
    Ok(Removal {
        people,
        tell_removed: fields.flag("notify_removed_participants")?.unwrap_or(true),
        tell_inside: fields.flag("notify_existing_participants")?.unwrap_or(false),
        reason,
    })
}

fn read_role(body: &Value, person: String) -> Result<NewRole, DomainError> {
    let fields = Fields::of(body)?;
    let role = read::role(fields, "new_role")?.ok_or(DomainError::FieldMissing("new_role"))?;
    Ok(NewRole {
        person,
        role,
        overrides: read_overrides(fields)?,
        tell_person: fields.flag("notify_participant")?.unwrap_or(true),
        tell_others: fields.flag("notify_others")?.unwrap_or(false),
    })
}

fn read_overrides(fields: Fields<'_>) -> Result<PermissionOverrides, DomainError> {
    if !fields.has_object("permissions")? {
        return Ok(PermissionOverrides::default());
    }
    Ok(PermissionOverrides {
        can_share_screen: fields.flag("permissions.can_share_screen")?,
        can_unmute_others: fields.flag("permissions.can_unmute_others")?,
        can_manage_participants: fields.flag("permissions.can_manage_participants")?,
        can_record: fields.flag("permissions.can_record")?,
        can_manage_breakout_rooms: fields.flag("permissions.can_manage_breakout_rooms")?,
    })
}

fn read_search(body: &Value) -> Result<Search, DomainError> {
    let fields = Fields::of(body)?;
    let limit = match fields.count("limit")? {
        Some(0) => return Err(DomainError::invalid("limit", "must be at least 1")),
        Some(limit) => limit.min(RESULTS_MAX),
        None => SEARCH_RESULTS,
    };
    let categories = fields.list("user_types")?.map(|list| {
        let category = |word: &Value| word.as_str().and_then(Category::parse);
        list.iter().map(category).collect::<Option<Vec<_>>>()
    });
    let wrong = || DomainError::invalid("user_types", "must be some of teachers, students, staff");
    Ok(Search {
        query: fields.text("query")?.unwrap_or_default().to_owned(),
        skip_listed: fields.flag("exclude_current_participants")?.unwrap_or(true),
        limit,
        categories: categories.map(|list| list.ok_or_else(wrong)).transpose()?.unwrap_or_default(),
    })
}
