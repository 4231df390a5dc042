//! Meetings by participant (KCS-04), and the spelling of the migration guide, whose answers wear both envelopes
//! (KCS-04b, C-32). Deprecated in favour of `GET /api/meeting`.

use std::convert::Infallible;

use axum::body::{Body, to_bytes};
use axum::extract::{FromRequestParts, Path, RawQuery, Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderName, HeaderValue, header};
use serde_json::Value;
use utoipa::openapi::{Deprecated, Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};
use utoipa_axum::router::UtoipaMethodRouter;

use super::Kcs;
use super::answer::{Caller, PageParams, Reply};
use super::describe::refusals;
use super::meetings::{page, shown};
use crate::dialect::kcs::view::envelope::{BothEnvelopes, RefusedInBoth, SuccessPart};
use crate::dialect::kcs::view::meeting::MeetingView;
use crate::dialect::rest::describe::operations;
use crate::dialect::{Dialect, iso};

/// Since when (RFC 9745): the day the guide says so, in unix seconds.
const DEPRECATED_AT: HeaderValue = HeaderValue::from_static("@1761523200");
const SUCCESSOR: HeaderValue = HeaderValue::from_static("</api/meeting>; rel=\"successor-version\"");
/// Longest answer that is dressed in the second envelope: above the longest list.
const ANSWER_BYTES_MAX: usize = 256 * 1024 * 1024;

refusals!(ByRefusals: Forbidden, FieldInvalid { field: "limit", reason: "<reason>".into() });

/// List own meetings, as old clients spell it
#[utoipa::path(
    get, path = "/api/meeting/participant", tag = "meetings", operation_id = "listMeetingsByParticipant",
    params(PageParams),
    responses((status = 200, description = "The meetings", body = SuccessPart<MeetingView>), ByRefusals)
)]
pub(super) async fn own(State(kcs): State<Kcs>, Caller(actor): Caller, RawQuery(query): RawQuery) -> Reply {
    shown(kcs.services.meetings.list(&actor, page(query.as_deref())?).await?)
}

/// List somebody's meetings
///
/// One's own; administrators may ask for anybody's.
#[utoipa::path(
    get, path = "/api/meeting/participant/{participant_id}", tag = "meetings",
    operation_id = "listMeetingsOfParticipant",
    params(PageParams, ("participant_id" = String, Path, description = "The id of an account.")),
    responses((status = 200, description = "The meetings", body = SuccessPart<MeetingView>), ByRefusals)
)]
pub(super) async fn of(
    State(kcs): State<Kcs>,
    Caller(actor): Caller,
    AccountPath(whose): AccountPath,
    RawQuery(query): RawQuery,
) -> Reply {
    let wanted = page(query.as_deref())?;
    shown(kcs.services.meetings.list_of(&actor, Some(&whose), wanted).await?)
}

/// List own meetings, as the migration guide spells it
#[utoipa::path(
    get, path = "/api/v1/meetings/participant", tag = "meetings", operation_id = "listMeetingsByParticipantV1",
    params(PageParams),
    responses((status = 200, description = "The meetings", body = BothEnvelopes<MeetingView>), ByRefusals)
)]
pub(super) async fn own_v1(
    State(kcs): State<Kcs>,
    Caller(actor): Caller,
    RawQuery(query): RawQuery,
) -> Reply {
    shown(kcs.services.meetings.list(&actor, page(query.as_deref())?).await?)
}

/// List somebody's meetings, as the migration guide spells it
#[utoipa::path(
    get, path = "/api/v1/meetings/participant/{participant_id}", tag = "meetings",
    operation_id = "listMeetingsOfParticipantV1",
    params(PageParams, ("participant_id" = String, Path, description = "The id of an account.")),
    responses((status = 200, description = "The meetings", body = BothEnvelopes<MeetingView>), ByRefusals)
)]
pub(super) async fn of_v1(
    State(kcs): State<Kcs>,
    Caller(actor): Caller,
    AccountPath(whose): AccountPath,
    RawQuery(query): RawQuery,
) -> Reply {
    let wanted = page(query.as_deref())?;
    shown(kcs.services.meetings.list_of(&actor, Some(&whose), wanted).await?)
}

/// The account of the path as the client spelled it; what cannot be decoded is nobody's id.
pub(super) struct AccountPath(String);

impl<S: Sync + Send> FromRequestParts<S> for AccountPath {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        Ok(Self(path.map_or_else(|_| String::new(), |Path(id)| id)))
    }
}

/// Marks routes as deprecated, in their description and in what they answer.
pub(super) fn old((schemas, mut paths, router): UtoipaMethodRouter<Kcs>) -> UtoipaMethodRouter<Kcs> {
    for operation in paths.paths.values_mut().flat_map(operations) {
        operation.deprecated = Some(Deprecated::True);
    }
    (schemas, paths, router.route_layer(from_fn(deprecated)))
}

/// Puts both envelopes around what routes answer, and around the refusals of their description.
pub(super) fn both(
    kcs: &Kcs,
    (mut schemas, mut paths, router): UtoipaMethodRouter<Kcs>,
) -> UtoipaMethodRouter<Kcs> {
    for operation in paths.paths.values_mut().flat_map(operations) {
        for (status, response) in &mut operation.responses.responses {
            let RefOr::T(response) = response else { continue };
            for content in response.content.values_mut().filter(|_| !status.starts_with('2')) {
                let RefOr::T(content) = content else { continue };
                content.schema = Some(Ref::from_schema_name(RefusedInBoth::name()).into());
            }
        }
    }
    schemas.push((RefusedInBoth::name().into_owned(), RefusedInBoth::schema()));
    (schemas, paths, router.route_layer(from_fn_with_state(kcs.clone(), both_envelopes)))
}

/// Says that a route is deprecated, and what took its place.
async fn deprecated(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(HeaderName::from_static("deprecation"), DEPRECATED_AT);
    headers.insert(header::LINK, SUCCESSOR);
    response
}

/// Puts the second envelope around whatever is answered, refusals included.
async fn both_envelopes(State(kcs): State<Kcs>, request: Request, next: Next) -> Response {
    // In this dialect's words first: the path is one of another.
    let now = kcs.services.clock.now();
    let (mut parts, body) = Dialect::Kcs.word(next.run(request).await, now).into_parts();
    let bytes = to_bytes(body, ANSWER_BYTES_MAX).await.unwrap_or_default();
    let Ok(Value::Object(mut answer)) = serde_json::from_slice(&bytes) else {
        return Response::from_parts(parts, Body::from(bytes));
    };
    let word = if parts.status.is_success() { "success" } else { "error" };
    answer.insert("status".to_owned(), word.into());
    answer.insert("timestamp".to_owned(), iso::text(now).into());
    parts.headers.remove(header::CONTENT_LENGTH);
    (parts.status, parts.headers, Value::Object(answer).to_string()).into_response()
}
