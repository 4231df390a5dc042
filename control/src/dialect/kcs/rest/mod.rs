//! Routes and handlers: parse, call one service, view.
//!
//! A route is added with `routes!(handler)`, which takes nothing that does not describe itself (`#[utoipa::path]`), and
//! through a guard, which adds what all guarded routes share: see [`crate::dialect::rest`].

mod accounts;
mod answer;
mod audit;
pub mod bodies;
mod by_participant;
pub(super) mod chat;
pub(in crate::dialect) mod describe;
mod files;
mod inside;
mod meetings;
mod outbox;
mod people;
mod read;
mod statistics;
mod webhooks;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use utoipa::OpenApi;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter, UtoipaMethodRouterExt};
use utoipa_axum::routes;

use super::limits::budget;
use crate::dialect::Dialect;
use crate::dialect::rest::describe::open;
use crate::dialect::rest::guard::Guard;
use crate::dialect::rest::{Given as Kcs, limited as behind};
use crate::domain::limit::LimitedAction;

use by_participant::{both, old};
use describe::Api;

/// Every REST route of this dialect, and their description.
pub fn routes(kcs: Kcs) -> (Router, utoipa::openapi::OpenApi) {
    let read = |routes| limited(&kcs, LimitedAction::Read, routes);
    let write = |routes| limited(&kcs, LimitedAction::Write, routes);
    let account = |routes| limited(&kcs, LimitedAction::Account, routes);
    let create = |routes| limited(&kcs, LimitedAction::MeetingCreate, routes);
    let logins = [LimitedAction::LoginAddress, LimitedAction::Login].map(budget);
    let largest = DefaultBodyLimit::max(files::body_bytes_max(&kcs));
    let search = |routes| limited(&kcs, LimitedAction::DirectorySearch, routes);
    let (routes, api) = OpenApiRouter::with_openapi(Api::openapi())
        .routes(open(Dialect::Kcs, routes!(accounts::log_in), &logins))
        .routes(account(routes!(accounts::profile)))
        .routes(account(routes!(accounts::change_password)))
        .routes(write(routes!(accounts::create)))
        .routes(read(routes!(audit::list)))
        .routes(read(routes!(outbox::list)))
        .routes(read(routes!(outbox::details)))
        .routes(write(routes!(outbox::retry)))
        .routes(write(routes!(webhooks::create)))
        .routes(read(routes!(webhooks::list)))
        .routes(write(routes!(webhooks::change, webhooks::delete)))
        .routes(read(routes!(webhooks::deliveries)))
        .routes(write(routes!(webhooks::replay)))
        .routes(write(routes!(webhooks::replay_dead)))
        .routes(write(routes!(webhooks::ping)))
        .routes(create(routes!(meetings::create)))
        .routes(read(routes!(meetings::list)))
        .routes(old(read(routes!(by_participant::own))))
        .routes(old(read(routes!(by_participant::of))))
        .routes(old(both(&kcs, read(routes!(by_participant::own_v1)))))
        .routes(old(both(&kcs, read(routes!(by_participant::of_v1)))))
        .routes(read(routes!(meetings::details)))
        .routes(write(routes!(meetings::update, meetings::delete)))
        .routes(write(routes!(meetings::start)))
        .routes(write(routes!(meetings::end)))
        .routes(write(routes!(inside::join)))
        .routes(read(routes!(inside::participants)))
        .routes(write(routes!(people::add, people::remove)))
        .routes(write(routes!(people::change_role)))
        .routes(search(routes!(people::search)))
        .routes(read(routes!(inside::chat)))
        .routes(read(routes!(inside::webrtc_config)))
        .routes(read(routes!(chat::list)))
        .routes(write(routes!(chat::create)))
        .routes(read(routes!(chat::details)))
        .routes(write(routes!(chat::rename, chat::delete)))
        .routes(write(routes!(chat::add_members)))
        .routes(write(routes!(chat::remove_member)))
        .routes(read(routes!(chat::history)))
        .routes(write(routes!(chat::send)))
        .routes(write(routes!(chat::edit, chat::delete_message)))
        .routes(write(routes!(chat::react)))
        .routes(read(routes!(chat::receipts)))
        .routes(write(routes!(files::upload)).map(|upload| upload.layer(largest)))
        .routes(read(routes!(files::download)))
        .routes(write(routes!(files::discard)))
        .routes(read(routes!(statistics::recordings)))
        .routes(read(routes!(statistics::analytics)))
        .routes(read(routes!(statistics::live_stats)))
        .routes(read(routes!(statistics::system)))
        .split_for_parts();
    (routes.with_state(kcs), api)
}

/// Handlers behind the token check and a budget, and described as such.
fn limited(kcs: &Kcs, action: LimitedAction, routes: UtoipaMethodRouter<Kcs>) -> UtoipaMethodRouter<Kcs> {
    behind(Dialect::Kcs, Guard::new(kcs.clone(), action, budget(action)), routes)
}
