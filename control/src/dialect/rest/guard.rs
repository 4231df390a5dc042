//! Before any handler: who calls (401), and has she asked too often (429). After it: how many requests are left.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::HeaderValue;
use http::request::Parts;
use tracing::Instrument as _;

use super::Given;
use crate::domain::actor::Actor;
use crate::domain::error::DomainError;
use crate::domain::limit::{Budget, LimitedAction, Verdict};
use crate::http::refusal::Refusal;
use crate::http::{peer, token};

/// One budget in front of some handlers.
#[derive(Clone)]
pub struct Guard {
    given: Given,
    action: LimitedAction,
    pub budget: Budget,
}

impl Guard {
    /// Lets through whoever has a token and has not asked too often.
    pub fn new(given: Given, action: LimitedAction, budget: Budget) -> Self {
        Self { given, action, budget }
    }

    /// Counts the caller; people we do not know are counted by their address (C-62).
    async fn admit(&self, request: &Parts) -> (Result<Actor, DomainError>, Option<Verdict>) {
        let services = &self.given.services;
        let actor = match token::bearer(&request.headers) {
            Ok(token) => services.accounts.authenticate(token).await,
            Err(reason) => Err(reason),
        };
        let key = match actor.as_ref().ok().and_then(Actor::user_id) {
            Some(user) => user.to_string(),
            None => peer::key(self.given.proxies.client(&request.extensions, &request.headers)),
        };
        let verdict = services.limits.take(self.action, &key, self.budget);
        match verdict {
            Some(verdict) if !verdict.allowed => (Err(services.limits.refusal(verdict)), Some(verdict)),
            verdict => (actor, verdict),
        }
    }
}

/// The middleware.
pub async fn guard(State(guard): State<Guard>, request: Request, next: Next) -> Result<Response, Refusal> {
    let (mut parts, body) = request.into_parts();
    let (actor, verdict) = guard.admit(&parts).await;
    let response = match actor {
        Ok(actor) => {
            parts.extensions.insert(actor);
            let request = Request::from_parts(parts, body);
            // What only reads is dropped with its client.
            if request.method().is_safe() {
                Ok(next.run(request).await)
            } else {
                to_its_end(next.run(request)).await
            }
        }
        Err(reason) => Err(Refusal::from(reason)),
    };
    match verdict {
        Some(verdict) => Ok(counted(response, verdict)),
        None => response,
    }
}

/// Does what changes something even if the client hangs up meanwhile: what is stored must also reach those inside.
async fn to_its_end(work: impl Future<Output = Response> + Send + 'static) -> Result<Response, Refusal> {
    match tokio::spawn(work.in_current_span()).await {
        Ok(response) => Ok(response),
        Err(error) => match error.try_into_panic() {
            // Told and answered where every panic is.
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(Refusal::from(DomainError::Internal)),
        },
    }
}

/// The answer with the state of the counter (RATE-14). A narrower budget that the handler counted stays visible.
pub fn counted(response: Result<Response, Refusal>, verdict: Verdict) -> Response {
    let mut response = axum::response::IntoResponse::into_response(response);
    let headers = response.headers_mut();
    if !headers.contains_key("x-ratelimit-limit") {
        headers.insert("x-ratelimit-limit", HeaderValue::from(verdict.limit));
        headers.insert("x-ratelimit-remaining", HeaderValue::from(verdict.remaining));
        headers.insert("x-ratelimit-reset", HeaderValue::from(verdict.resets_at_s));
    }
    response
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use axum::response::IntoResponse as _;
    use futures_util::FutureExt as _;
    use tokio::sync::Notify;

    use super::*;

    #[tokio::test]
    async fn what_changes_something_is_done_to_its_end_when_the_client_hangs_up() {
        let (go_on, done) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (waits, tells) = (go_on.clone(), done.clone());
        let mut request = Box::pin(to_its_end(async move {
            waits.notified().await;
            tells.notify_one();
            ().into_response()
        }));
        assert!((&mut request).now_or_never().is_none(), "begun and not finished");
        drop(request);
        go_on.notify_one();
        done.notified().await;
    }
}
