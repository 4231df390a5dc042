//! What operators and load balancers ask: alive, ready, metrics, sockets (ADD-10, C-74). No login, no personal data.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use futures_util::future::BoxFuture;
use http::{StatusCode, header};
use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// What health answers are made of.
#[derive(Clone)]
pub struct Health {
    pub probe: Arc<dyn Probe>,
    /// The page of metrics as it is now.
    pub metrics: fn() -> String,
    pub started: Instant,
}

/// The parts that can be ill.
pub trait Probe: Send + Sync + 'static {
    /// Why the database cannot be used, in a word; `None` when it can.
    fn database_trouble(&self) -> BoxFuture<'_, Option<&'static str>>;
    /// Whether a media node is registered.
    fn media(&self) -> bool;
    /// Whether this process is shutting down.
    fn draining(&self) -> bool;
    /// Socket connections open now.
    fn connections(&self) -> usize;
    /// Meetings with somebody inside.
    fn meetings(&self) -> usize;
}

/// The routes.
pub fn routes(health: Health) -> Router {
    Router::new()
        .route("/healthz", get(alive))
        .route("/health", get(alive))
        .route("/readyz", get(ready))
        .route("/ready", get(ready))
        .route("/metrics", get(metrics))
        .route("/socket-health", get(sockets))
        .with_state(health)
}

async fn alive(State(health): State<Health>) -> Response {
    Json(json!({ "status": "ok", "uptime": health.started.elapsed().as_secs() })).into_response()
}

async fn ready(State(health): State<Health>) -> Response {
    let (trouble, media, draining) =
        (health.probe.database_trouble().await, health.probe.media(), health.probe.draining());
    let database = trouble.is_none();
    let ready = database && media && !draining;
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let word = if ready { "ready" } else { "not ready" };
    let mut body = json!({ "status": word, "database": database, "sfu": media, "draining": draining });
    if let Some(trouble) = trouble {
        body["database_trouble"] = trouble.into();
    }
    (status, Json(body)).into_response()
}

async fn metrics(State(health): State<Health>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], (health.metrics)()).into_response()
}

async fn sockets(State(health): State<Health>) -> Response {
    let draining = health.probe.draining();
    let status = if draining { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    let body = json!({
        "status": if draining { "degraded" } else { "ok" },
        "connections": health.probe.connections(),
        "meetings": health.probe.meetings(),
        "uptime": health.started.elapsed().as_secs(),
        "timestamp": OffsetDateTime::now_utc().format(&Rfc3339).unwrap_or_default(),
    });
    (status, Json(body)).into_response()
}
