//! Routes and handlers: parse, call one service, view.
//!
//! A route is added with `routes!(handler)`, which takes nothing that does not describe itself (`#[utoipa::path]`), and
//! through a guard, which adds what all guarded routes share: see [`describe`].

mod accounts;
mod answer;
mod audit;
pub mod bodies;
mod by_participant;
pub(super) mod chat;
mod describe;
mod files;
mod guard;
mod inside;
mod links;
mod meetings;
mod outbox;
mod pages;
mod people;
mod query;
mod read;
mod statistics;
mod webhooks;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use utoipa::OpenApi;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter, UtoipaMethodRouterExt};
use utoipa_axum::routes;

use crate::domain::limit::LimitedAction;
use crate::http::peer::TrustedProxies;
use crate::service::services::Services;

use by_participant::{both, old};
use describe::{Api, guarded, open};
use guard::Guard;

/// What handlers are given.
#[derive(Clone)]
pub struct Kcs {
    services: Services,
    proxies: TrustedProxies,
}

/// Every REST route of this dialect, and their description.
pub fn routes(services: Services, proxies: TrustedProxies) -> Router {
    let kcs = Kcs { services, proxies };
    let read = |routes| limited(&kcs, LimitedAction::Read, routes);
    let write = |routes| limited(&kcs, LimitedAction::Write, routes);
    let account = |routes| limited(&kcs, LimitedAction::Account, routes);
    let create = |routes| limited(&kcs, LimitedAction::MeetingCreate, routes);
    let largest = DefaultBodyLimit::max(files::body_bytes_max(&kcs));
    let search = |routes| limited(&kcs, LimitedAction::DirectorySearch, routes);
    let (routes, api) = OpenApiRouter::with_openapi(Api::openapi())
        .routes(open(routes!(accounts::log_in), &[LimitedAction::LoginAddress, LimitedAction::Login]))
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
    routes.with_state(kcs).merge(pages::routes(api))
}

/// Handlers behind the token check and a budget, and described as such.
fn limited(kcs: &Kcs, action: LimitedAction, routes: UtoipaMethodRouter<Kcs>) -> UtoipaMethodRouter<Kcs> {
    let guard = from_fn_with_state(Guard::new(kcs.clone(), action), guard::guard);
    guarded(routes, action).map(|handlers| handlers.route_layer(guard))
}
