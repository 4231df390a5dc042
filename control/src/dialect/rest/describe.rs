//! The description of the routes, where it is the same for many: who may call, how often, and what is refused.
//!
//! A handler describes itself with `#[utoipa::path]` and lists its own refusals with its dialect's `refusals!`. What its
//! guard, its body and the meeting in its path add is put in here, so that no handler repeats it. The words and
//! statuses are those of the dialects' `error`, never copies.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, ParameterIn, PathItem};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Content, Ref, RefOr, Response, Schema};
use utoipa_axum::router::UtoipaMethodRouter;

use crate::dialect::{Dialect, kcs, v1};
use crate::domain::error::DomainError as E;
use crate::domain::limit::Budget;
use crate::http::refusal::Refusal;

/// Name of the security scheme.
pub const BEARER: &str = "bearer";
const JSON: &str = "application/json";

/// Declares what one handler of a dialect refuses, for the `responses` of its description.
macro_rules! refusals_of {
    ($dialect:ident, $name:ident: $($reason:expr),+ $(,)?) => {
        /// What the handler below refuses beyond what every route does.
        pub(super) enum $name {}

        impl ::utoipa::IntoResponses for $name {
            fn responses() -> ::std::collections::BTreeMap<
                String,
                ::utoipa::openapi::RefOr<::utoipa::openapi::Response>,
            > {
                #[allow(unused_imports, reason = "what HTTP refuses is no domain error")]
                use $crate::domain::error::DomainError::*;
                let dialect = $crate::dialect::Dialect::$dialect;
                let mut responses = ::std::collections::BTreeMap::new();
                $($crate::dialect::rest::describe::add(dialect, &mut responses, &$reason.into());)+
                responses
            }
        }
    };
}
pub(in crate::dialect) use refusals_of;

/// A refusal as the description shows it.
pub struct Example {
    pub status: u16,
    pub message: String,
    /// The whole answer.
    pub answer: Value,
    /// Name of the answer's schema.
    pub schema: &'static str,
}

/// Answers of an operation by their status.
type Responses = BTreeMap<String, RefOr<Response>>;

/// Adds a refusal to the answers of an operation: under its status, with its words as an example.
pub fn add(dialect: Dialect, responses: &mut Responses, refusal: &Refusal) {
    let Example { status, message, answer, schema } = match dialect {
        Dialect::Kcs => kcs::error::example(refusal),
        Dialect::V1 => v1::error::example(refusal),
    };
    let entry = responses.entry(status.to_string()).or_insert_with(|| RefOr::T(refused(schema)));
    let RefOr::T(response) = entry else { return };
    if !response.description.contains(&message) {
        let more = if response.description.is_empty() { "" } else { "; " };
        response.description = format!("{}{more}{message}", response.description);
    }
    if let Some(RefOr::T(content)) = response.content.get_mut(JSON) {
        let example = utoipa::openapi::example::ExampleBuilder::new().value(Some(answer)).build();
        content.examples.insert(name_of(refusal).to_owned(), RefOr::T(example));
    }
}

fn refused(schema: &str) -> Response {
    let schema = Content::new(Some(Ref::from_schema_name(schema)));
    utoipa::openapi::ResponseBuilder::new().content(JSON, schema).build()
}

fn name_of(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::Domain(reason) => reason.reason(),
        Refusal::UnknownRoute => "route-unknown",
        Refusal::WrongMethod => "method-wrong",
        Refusal::BodyTooLarge => "body-too-large",
    }
}

/// Describes what a guard with this budget adds to a route.
pub fn guarded<S: Clone + Send + Sync + 'static>(
    dialect: Dialect,
    (schemas, mut paths, router): UtoipaMethodRouter<S>,
    budget: Budget,
) -> UtoipaMethodRouter<S> {
    for (path, item) in &mut paths.paths {
        for operation in operations(item) {
            for reason in [E::CredentialMissing, E::TokenInvalid, E::TokenExpired, E::AccountUnknown] {
                add(dialect, &mut operation.responses.responses, &reason.into());
            }
            operation.security = Some(vec![SecurityRequirement::new(BEARER, Vec::<String>::new())]);
            count(dialect, operation, budget);
            describe(dialect, path, operation, &schemas);
        }
    }
    (schemas, paths, router)
}

/// Describes a route that anybody may call, counted against these budgets.
pub fn open<S: Clone + Send + Sync + 'static>(
    dialect: Dialect,
    (schemas, mut paths, router): UtoipaMethodRouter<S>,
    budgets: &[Budget],
) -> UtoipaMethodRouter<S> {
    for (path, item) in &mut paths.paths {
        for operation in operations(item) {
            operation.security = Some(Vec::new());
            budgets.iter().for_each(|budget| count(dialect, operation, *budget));
            describe(dialect, path, operation, &schemas);
        }
    }
    (schemas, paths, router)
}

/// A budget: the refusal, the headers that tell what is left, and the numbers for programs.
fn count(dialect: Dialect, operation: &mut Operation, budget: Budget) {
    let responses = &mut operation.responses.responses;
    let spent = E::RateLimited { retry_after_s: budget.window_s, budget: Some(budget) };
    add(dialect, responses, &spent.into());
    for (status, response) in responses.iter_mut() {
        let RefOr::T(response) = response else { continue };
        if status.starts_with('2') || status == "429" {
            for (name, what) in [
                ("X-RateLimit-Limit", "Requests in a window"),
                ("X-RateLimit-Remaining", "Requests left in this window"),
                ("X-RateLimit-Reset", "When the window ends, in Unix seconds"),
            ] {
                response.headers.insert(name.to_owned(), whole_number(what));
            }
        }
        if status == "429" {
            let what = "Seconds until the next request is worth trying. Not with MEETING_FULL";
            response.headers.insert("Retry-After".to_owned(), whole_number(what));
        }
    }
    let told = json!({ "requests": budget.requests, "window_s": budget.window_s });
    let more = ExtensionsBuilder::new().add("x-rate-limit", told).build();
    operation.extensions.get_or_insert_default().merge(more);
}

fn whole_number(what: &str) -> RefOr<utoipa::openapi::header::Header> {
    let schema = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0));
    RefOr::T(HeaderBuilder::new().schema(Some(schema)).description(Some(what)).build())
}

/// What the shape of an operation brings with it.
fn describe(dialect: Dialect, path: &str, operation: &mut Operation, schemas: &[(String, RefOr<Schema>)]) {
    let needs_fields = needs_fields(operation, schemas);
    let responses = &mut operation.responses.responses;
    let parameters = operation.parameters.iter().flatten();
    let reads_query = parameters.into_iter().any(|parameter| match parameter {
        RefOr::T(parameter) => parameter.parameter_in == ParameterIn::Query,
        RefOr::Ref(_) => false,
    });
    if reads_query || operation.request_body.is_some() {
        add(dialect, responses, &E::invalid("<field>", "<reason>").into());
    }
    if needs_fields {
        add(dialect, responses, &E::FieldMissing("<field>").into());
    }
    if operation.request_body.is_some() {
        add(dialect, responses, &E::Malformed("not valid JSON".into()).into());
        add(dialect, responses, &Refusal::BodyTooLarge);
    }
    // The parameter that names a meeting is spelled in two ways (KCS-11).
    if path.contains("/{meeting_id}") || path.starts_with("/api/meeting/{id}") {
        for reason in [E::MeetingIdMissing, E::MeetingNotFound, E::OtherCampus] {
            add(dialect, responses, &reason.into());
        }
    }
    for reason in [E::Unavailable, E::Internal] {
        add(dialect, responses, &reason.into());
    }
}

/// Whether the body of an operation has fields that must be there.
fn needs_fields(operation: &Operation, schemas: &[(String, RefOr<Schema>)]) -> bool {
    let Some(RefOr::T(body)) = &operation.request_body else { return false };
    let Some(RefOr::T(Content { schema: Some(RefOr::Ref(body)), .. })) = body.content.get(JSON) else {
        return false;
    };
    let named = schemas.iter().find(|(name, _)| body.ref_location.rsplit('/').next() == Some(name));
    matches!(named, Some((_, RefOr::T(Schema::Object(object)))) if !object.required.is_empty())
}

/// The operations of one path.
pub fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, put, post, delete, patch, .. } = item;
    [get, put, post, delete, patch].into_iter().flatten()
}

/// How clients show who they are.
pub struct Bearer;

impl utoipa::Modify for Bearer {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        let components = api.components.get_or_insert_default();
        components.add_security_scheme(BEARER, SecurityScheme::Http(scheme));
    }
}
