//! The outbox, for administrators (ADD-20 to ADD-22).

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::response::IntoResponse;

use super::Kcs;
use super::answer::{Caller, Reply, ok};
use super::describe::refusals;
use crate::dialect::kcs::view::envelope::{Success, True};
use crate::dialect::kcs::view::mail::{self, MailView, OutboxView, WholeMailView};
use crate::dialect::rest::query::Query;
use crate::domain::error::DomainError;
use crate::domain::id::MeetingId;
use crate::domain::mail::MailStatus;
use crate::service::mail::OutboxQuery;

/// Mails on a page, when nobody says how many.
const PAGE: u32 = 50;
/// Most mails on a page.
const PAGE_MAX: u32 = 200;

refusals!(ListRefusals: Forbidden, MeetingNotFound);

/// Mail that goes out, or is kept
///
/// Newest first. Administrators see that of every campus, campus administrators that of theirs.
#[utoipa::path(
    get, path = "/api/admin/outbox", tag = "administration", operation_id = "listOutbox",
    params(
        ("status" = Option<String>, Query, description = "One of queued, sent, failed."),
        ("meeting_id" = Option<String>, Query, description = "Only mail about this meeting."),
        ("limit" = Option<u32>, Query, minimum = 1, description = "50 without it; more than 200 are clamped."),
        ("offset" = Option<u32>, Query, minimum = 0, description = "How many to leave out."),
    ),
    responses((status = 200, description = "The mails", body = OutboxView), ListRefusals)
)]
pub(super) async fn list(State(kcs): State<Kcs>, Caller(actor): Caller, RawQuery(raw): RawQuery) -> Reply {
    let query = read(&Query::of(raw.as_deref()))?;
    let (mails, total) = kcs.services.mail.list(&actor, &query).await?;
    let view = OutboxView {
        success: True,
        count: mails.len(),
        total,
        delivery: kcs.services.mail.sends(),
        data: mails.iter().map(mail::mail).collect(),
        message: "Outbox retrieved successfully",
    };
    Ok(Json(view).into_response())
}

fn read(query: &Query) -> Result<OutboxQuery, DomainError> {
    let wrong_status = || DomainError::invalid("status", "must be one of queued, sent, failed");
    Ok(OutboxQuery {
        status: query
            .text("status")
            .map(|word| MailStatus::parse(word).ok_or_else(wrong_status))
            .transpose()?,
        meeting: query
            .text("meeting_id")
            .map(|id| MeetingId::parse(id).ok_or(DomainError::MeetingNotFound))
            .transpose()?,
        page: query.page(PAGE, PAGE_MAX)?,
    })
}

refusals!(OneRefusals: Forbidden, MailNotFound);

/// One mail with its parts
///
/// Text, HTML and the calendar entry as they are sent. No mail holds a password.
#[utoipa::path(
    get, path = "/api/admin/outbox/{mail_id}", tag = "administration", operation_id = "getMail",
    params(("mail_id" = String, Path, example = "01JDAVNTZ9R4T6V8X0Z2B4D6FH")),
    responses((status = 200, description = "The mail", body = Success<WholeMailView>), OneRefusals)
)]
pub(super) async fn details(State(kcs): State<Kcs>, Caller(actor): Caller, MailPath(id): MailPath) -> Reply {
    let mail = kcs.services.mail.one(&actor, &id).await?;
    ok("Mail retrieved successfully", mail::whole(&mail))
}

refusals!(
    RetryRefusals: Forbidden, MailNotFound,
    FieldInvalid { field: "status", reason: "only failed mail is sent again".into() },
);

/// Send a failed mail again
#[utoipa::path(
    post, path = "/api/admin/outbox/{mail_id}/retry", tag = "administration", operation_id = "retryMail",
    params(("mail_id" = String, Path, example = "01JDAVNTZ9R4T6V8X0Z2B4D6FH")),
    responses((status = 200, description = "It waits to be sent", body = Success<MailView>), RetryRefusals)
)]
pub(super) async fn retry(State(kcs): State<Kcs>, Caller(actor): Caller, MailPath(id): MailPath) -> Reply {
    let mail = kcs.services.mail.retry(&actor, &id).await?;
    ok("Mail queued successfully", mail::mail(&mail))
}

/// The id of the path as the client spelled it.
pub(super) struct MailPath(String);

impl<S: Sync + Send> axum::extract::FromRequestParts<S> for MailPath {
    type Rejection = crate::http::refusal::Refusal;

    async fn from_request_parts(
        parts: &mut http::request::Parts,
        state: &S,
    ) -> Result<Self, Self::Rejection> {
        // What cannot be decoded is the id of no mail.
        let path = Path::<String>::from_request_parts(parts, state).await;
        path.map(|Path(id)| Self(id)).map_err(|_| DomainError::MailNotFound.into())
    }
}
