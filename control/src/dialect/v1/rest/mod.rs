//! Routes and handlers: parse, call one service, view.
//!
//! A route is added with `routes!(handler)`, which takes nothing that does not describe itself (`#[utoipa::path]`), and
//! through a guard, which adds what all guarded routes share: see [`crate::dialect::rest`].

mod answer;
pub mod bodies;
mod breakouts;
pub mod chat;
mod describe;
pub(super) mod inside;
mod meetings;
mod security;
mod token;

use axum::Router;
use utoipa::OpenApi;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};
use utoipa_axum::routes;

use super::limits::budget;
use crate::dialect::Dialect;
use crate::dialect::rest::guard::Guard;
use crate::dialect::rest::{Given as V1, limited as behind};
use crate::domain::limit::LimitedAction;

use describe::Api;

/// Every REST route of this dialect, and their description.
pub fn routes(v1: V1) -> (Router, utoipa::openapi::OpenApi) {
    let manage = |routes| limited(&v1, LimitedAction::V1Manage, routes);
    let act = |routes| limited(&v1, LimitedAction::V1Act, routes);
    let said = |routes| limited(&v1, LimitedAction::V1Chat, routes);
    let status = |routes| limited(&v1, LimitedAction::V1Status, routes);
    let (routes, api) = OpenApiRouter::with_openapi(Api::openapi())
        .routes(manage(routes!(meetings::start)))
        .routes(manage(routes!(meetings::end)))
        .routes(manage(routes!(meetings::status)))
        .routes(manage(routes!(breakouts::create, breakouts::close)))
        .routes(manage(routes!(breakouts::broadcast)))
        .routes(act(routes!(breakouts::list)))
        .routes(act(routes!(breakouts::assign)))
        .routes(act(routes!(breakouts::give_back)))
        .routes(manage(routes!(security::apply)))
        .routes(act(routes!(inside::join)))
        .routes(act(routes!(inside::leave)))
        .routes(act(routes!(inside::participants)))
        .routes(status(routes!(inside::update_status)))
        .routes(said(routes!(chat::send, chat::history)))
        .routes(act(routes!(token::create)))
        .split_for_parts();
    (routes.with_state(v1), api)
}

/// Handlers behind the token check and a budget, and described as such.
fn limited(v1: &V1, action: LimitedAction, routes: UtoipaMethodRouter<V1>) -> UtoipaMethodRouter<V1> {
    behind(Dialect::V1, Guard::new(v1.clone(), action, budget(action)), routes)
}
