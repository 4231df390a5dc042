//! The description of the API, for programs (ADD-23).

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The description, written out once.
#[derive(Clone)]
struct Description {
    openapi: Bytes,
}

/// The routes that show `api`, themselves included.
pub(super) fn routes(mut api: OpenApi) -> Router {
    let (routes, own) = OpenApiRouter::<Arc<Description>>::new().routes(routes!(openapi)).split_for_parts();
    api.merge(own);
    let openapi = api.to_json().map(Bytes::from).expect("a description is JSON: maps have text keys");
    routes.with_state(Arc::new(Description { openapi }))
}

/// This description
#[utoipa::path(
    get, path = "/api/openapi.json", tag = "description", operation_id = "getOpenApi", security(()),
    responses((status = 200, description = "OpenAPI 3.1", body = Object))
)]
async fn openapi(State(description): State<Arc<Description>>) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-cache")];
    (headers, description.openapi.clone()).into_response()
}
