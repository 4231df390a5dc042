//! Routes and handlers: parse, call one service, view.

mod accounts;
mod answer;
mod guard;
mod inside;
mod meetings;
mod read;

use axum::Router;
use axum::routing::{MethodRouter, delete, get, post, put};

use crate::domain::limit::LimitedAction;
use crate::http::peer::TrustedProxies;
use crate::service::services::Services;

use guard::Guard;

/// What handlers are given.
#[derive(Clone)]
pub struct Kcs {
    services: Services,
    proxies: TrustedProxies,
}

/// Every REST route of this dialect.
pub fn routes(services: Services, proxies: TrustedProxies) -> Router {
    let kcs = Kcs { services, proxies };
    let read = |handler: MethodRouter<Kcs>| limited(&kcs, LimitedAction::Read, handler);
    let write = |handler: MethodRouter<Kcs>| limited(&kcs, LimitedAction::Write, handler);
    let account = |handler: MethodRouter<Kcs>| limited(&kcs, LimitedAction::Account, handler);
    Router::new()
        .route("/api/auth/login", post(accounts::log_in))
        .route("/api/auth/profile", account(get(accounts::profile)))
        .route("/api/auth/change-password", account(put(accounts::change_password)))
        .route("/api/admin/users", write(post(accounts::create)))
        .route(
            "/api/meeting",
            read(get(meetings::list)).merge(limited(
                &kcs,
                LimitedAction::MeetingCreate,
                post(meetings::create),
            )),
        )
        .route(
            "/api/meeting/{meeting_id}",
            read(get(meetings::details))
                .merge(write(put(meetings::update)))
                .merge(write(delete(meetings::delete))),
        )
        .route("/api/meeting/{meeting_id}/start", write(post(meetings::start)))
        .route("/api/meeting/{meeting_id}/end", write(post(meetings::end)))
        .route("/api/meeting/{meeting_id}/join", write(post(inside::join)))
        .route("/api/meeting/{meeting_id}/participants", read(get(inside::participants)))
        .route("/api/meeting/{meeting_id}/chat", read(get(inside::chat)))
        .route("/api/meeting/{meeting_id}/webrtc-config", read(get(inside::webrtc_config)))
        .with_state(kcs)
}

/// A handler behind the token check and a budget.
fn limited(kcs: &Kcs, action: LimitedAction, handler: MethodRouter<Kcs>) -> MethodRouter<Kcs> {
    handler.route_layer(axum::middleware::from_fn_with_state(Guard::new(kcs.clone(), action), guard::guard))
}
