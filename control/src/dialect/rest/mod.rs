//! What REST is in every dialect: who may call and how often, what is taken from a request, how routes describe
//! themselves, and the pages that show the description. Envelopes and words are the dialects' own.

pub mod answer;
pub mod describe;
pub mod guard;
mod links;
mod pages;
pub mod query;

use axum::Router;
use axum::middleware::from_fn_with_state;
use utoipa_axum::router::{UtoipaMethodRouter, UtoipaMethodRouterExt};

use super::{Dialect, kcs, v1};
use crate::http::peer::TrustedProxies;
use crate::service::services::Services;

use guard::Guard;

/// What handlers are given.
#[derive(Clone)]
pub struct Given {
    pub services: Services,
    pub proxies: TrustedProxies,
}

/// Every REST route of every dialect, and their one description.
pub fn routes(services: Services, proxies: TrustedProxies) -> Router {
    let given = Given { services, proxies };
    let (kcs, mut api) = kcs::rest::routes(given.clone());
    let (v1, more) = v1::rest::routes(given);
    api.merge(more);
    kcs.merge(v1).merge(pages::routes(api))
}

/// Handlers behind the token check and a budget, and described as such.
pub fn limited(
    dialect: Dialect,
    guard: Guard,
    routes: UtoipaMethodRouter<Given>,
) -> UtoipaMethodRouter<Given> {
    let described = describe::guarded(dialect, routes, guard.budget);
    described.map(|handlers| handlers.route_layer(from_fn_with_state(guard, guard::guard)))
}
