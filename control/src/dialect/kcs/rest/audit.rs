//! Reading the audit trail (ADD-16).

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::response::IntoResponse;

use super::Kcs;
use super::answer::{Caller, Reply};
use super::describe::refusals;
use crate::dialect::iso;
use crate::dialect::kcs::view::audit::{AuditLineView, SuccessTrail};
use crate::dialect::kcs::view::envelope::True;
use crate::dialect::rest::query::Query;
use crate::domain::audit::{AUDIT_LINES_MAX, AuditFilter};
use crate::domain::error::DomainError;
use crate::domain::id::{CampusId, MeetingId, UserId};

/// Lines when a request does not say how many.
const LINES: u32 = 50;

refusals!(TrailRefusals: Forbidden, FieldInvalid { field: "<parameter>", reason: "<reason>".into() });

/// Read the audit trail
///
/// Newest first. Administrators see everything, campus administrators what concerns their campus.
#[utoipa::path(
    get, path = "/api/admin/audit", tag = "administration", operation_id = "listAudit",
    params(
        ("meeting" = Option<String>, Query, description = "The id of a meeting."),
        ("actor" = Option<String>, Query, description = "The account that did it."),
        ("action" = Option<String>, Query, description = "What was done, such as `meeting.join`."),
        ("outcome" = Option<String>, Query, description = "`granted`, `refused` for any refusal, or one reason."),
        ("campus" = Option<String>, Query, description = "For administrators: one campus."),
        ("from" = Option<String>, Query, format = DateTime, description = "Not before."),
        ("to" = Option<String>, Query, format = DateTime, description = "Not after."),
        ("limit" = Option<u32>, Query, minimum = 1, description = "At most so many; more than 500 are clamped."),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the answer before.")
    ),
    responses((status = 200, description = "Lines of the trail", body = SuccessTrail), TrailRefusals)
)]
pub(super) async fn list(State(kcs): State<Kcs>, Caller(actor): Caller, RawQuery(query): RawQuery) -> Reply {
    let filter = read_filter(&Query::of(query.as_deref()))?;
    let lines = match filter {
        Some(filter) => kcs.services.audit.lines(&actor, filter).await?,
        // An id that nothing has: nothing was done to it.
        None => kcs.services.audit.lines(&actor, AuditFilter::none()).await?,
    };
    let body = SuccessTrail {
        success: True,
        count: lines.lines.len(),
        data: lines.lines.into_iter().map(AuditLineView::from).collect(),
        next_cursor: lines.next.map(|number| number.to_string()),
        message: "Audit trail retrieved successfully",
    };
    Ok(Json(body).into_response())
}

/// `None`: an id that cannot be anything's.
fn read_filter(query: &Query) -> Result<Option<AuditFilter>, DomainError> {
    let time = |name| {
        let read =
            |text| iso::parse(text).ok_or_else(|| DomainError::invalid(name, "must be an ISO 8601 time"));
        query.text(name).map(read).transpose()
    };
    let before = query.text("cursor").map(|text| {
        let number = text.parse::<i64>().ok().filter(|number| *number > 0);
        number.ok_or_else(|| DomainError::invalid("cursor", "must be one that an answer gave"))
    });
    let (meeting, actor) = (query.text("meeting"), query.text("actor"));
    let filter = AuditFilter {
        meeting: meeting.and_then(|id| MeetingId::parse(id.trim())),
        actor: actor.and_then(|id| UserId::parse(id.trim())),
        campus: query.text("campus").map(CampusId::new),
        action: query.text("action").map(str::to_owned),
        outcome: query.text("outcome").map(str::to_owned),
        from: time("from")?,
        to: time("to")?,
        before: before.transpose()?,
        limit: query.number("limit", 1, AUDIT_LINES_MAX)?.unwrap_or(LINES),
    };
    let unknown = meeting.is_some() && filter.meeting.is_none() || actor.is_some() && filter.actor.is_none();
    Ok((!unknown).then_some(filter))
}
