//! The description of the API: for programs (ADD-23, ADD-25), and for people without asking any other host (ADD-24).

mod events;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::links;
use crate::dialect::asyncapi;
use crate::dialect::kcs::rest::describe::refusals;
use crate::http::refusal::Refusal;

/// How long browsers may keep the parts of the viewer: a new version of us may bring another one.
const VIEWER_CACHE: &str = "public, max-age=3600";
const PAGE: &str = include_str!("pages/docs.html");
/// What the page needs beside the vendored viewer.
const OWN: [(&str, &str, &str); 2] = [
    ("start.js", "text/javascript; charset=utf-8", include_str!("pages/start.js")),
    ("pages.css", "text/css; charset=utf-8", include_str!("pages/pages.css")),
];
/// The parts of the vendored viewer that the page asks for.
const VIEWER: [&str; 2] = ["swagger-ui.css", "swagger-ui-bundle.js"];

/// The descriptions, written out once.
struct Descriptions {
    openapi: Bytes,
    asyncapi: Bytes,
    events: Bytes,
}

/// The routes that show `api`, themselves included.
pub(super) fn routes(mut api: OpenApi) -> Router {
    let (routes, own) = OpenApiRouter::<Arc<Descriptions>>::new()
        .routes(routes!(openapi_json))
        .routes(routes!(asyncapi_json))
        .routes(routes!(docs))
        .routes(routes!(events_page))
        .routes(routes!(docs_file))
        .split_for_parts();
    api.merge(own);
    links::add(&mut api);
    let openapi = api.to_json().map(Bytes::from).expect("a description is JSON: maps have text keys");
    let document = asyncapi::document();
    let events = events::page(&document).into();
    let asyncapi = document.to_string().into();
    routes.with_state(Arc::new(Descriptions { openapi, asyncapi, events }))
}

/// This description
#[utoipa::path(
    get, path = "/api/openapi.json", tag = "description", operation_id = "getOpenApi", security(()),
    responses((status = 200, description = "OpenAPI 3.1", body = Object))
)]
async fn openapi_json(State(descriptions): State<Arc<Descriptions>>) -> Response {
    sent("application/json", descriptions.openapi.clone())
}

/// The description of the events
///
/// What happens inside meetings is told over Socket.IO.
#[utoipa::path(
    get, path = "/api/asyncapi.json", tag = "description", operation_id = "getAsyncApi", security(()),
    responses((status = 200, description = "AsyncAPI 3.0", body = Object))
)]
async fn asyncapi_json(State(descriptions): State<Arc<Descriptions>>) -> Response {
    sent("application/json", descriptions.asyncapi.clone())
}

/// This description for people
#[utoipa::path(
    get, path = "/api/docs", tag = "description", operation_id = "getDocs", security(()),
    responses((status = 200, description = "A page", body = String, content_type = "text/html"))
)]
async fn docs() -> Response {
    sent("text/html; charset=utf-8", Bytes::from_static(PAGE.as_bytes()))
}

/// The description of the events for people
#[utoipa::path(
    get, path = "/api/docs/events", tag = "description", operation_id = "getEventsPage", security(()),
    responses((status = 200, description = "A page", body = String, content_type = "text/html"))
)]
async fn events_page(State(descriptions): State<Arc<Descriptions>>) -> Response {
    sent("text/html; charset=utf-8", descriptions.events.clone())
}

refusals!(FileRefusals: Refusal::UnknownRoute);

/// A part of that page
#[utoipa::path(
    get, path = "/api/docs/{file}", tag = "description", operation_id = "getDocsFile", security(()),
    params(("file" = String, Path, description = "A file that the page names", example = "pages.css")),
    responses(
        (status = 200, description = "The file", content((String = "text/javascript"), (String = "text/css"))),
        FileRefusals
    )
)]
async fn docs_file(Path(name): Path<String>) -> Response {
    let cache = (header::CACHE_CONTROL, VIEWER_CACHE);
    if let Some((_, kind, text)) = OWN.iter().find(|(own, ..)| *own == name) {
        return ([(header::CONTENT_TYPE, *kind), cache], *text).into_response();
    }
    let known = VIEWER.iter().find(|file| **file == name);
    let file = known.and_then(|file| utoipa_swagger_ui::serve(file, Arc::default()).ok().flatten());
    match file {
        Some(file) => (
            [(header::CONTENT_TYPE, file.content_type.as_str()), (cache.0, cache.1)],
            file.bytes.into_owned(),
        )
            .into_response(),
        None => Refusal::UnknownRoute.into_response(),
    }
}

fn sent(kind: &'static str, bytes: Bytes) -> Response {
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-cache")], bytes).into_response()
}
