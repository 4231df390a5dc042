//! The real-time side of this dialect: one raw WebSocket for each meeting, under `/ws/meetings/{id}` (V1-WS).
//!
//! [`super::socket_requests`] has one line per message of a client, [`super::socket_connection`] serves them in order,
//! [`super::socket_line`] is the way to that client, [`super::socket_outlet`] says what happens to everybody else.
//! Frames are [`crate::websocket`]'s.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::get;
use bytes::Bytes;
use hyper::upgrade::OnUpgrade;

use super::limits;
use super::pulse::Rhythm;
use super::socket_connection::Connection;
use super::socket_line::Line;
use super::socket_outlet::SocketOutlet;
use crate::dialect::expiry;
use crate::dialect::rest::answer::MeetingPath;
use crate::dialect::rest::query::Query;
use crate::domain::error::DomainError;
use crate::domain::event::{AccessEnd, DomainEvent};
use crate::domain::id::MeetingId;
use crate::domain::limit::LimitedAction;
use crate::domain::participant::Person;
use crate::http::listen::Accepted;
use crate::http::refusal::Refusal;
use crate::http::token;
use crate::hub::{Hub, OutletId};
use crate::service::accounts::Access;
use crate::service::services::Services;
use crate::websocket::{accept, open};

/// All raw WebSockets. Cheap to clone.
#[derive(Clone)]
pub struct Sockets(Arc<Inner>);

struct Inner {
    services: Services,
    hub: Hub,
    outlet: Arc<SocketOutlet>,
    outlet_id: OutletId,
    rhythm: Rhythm,
}

impl Sockets {
    /// Sockets that hear what `hub` delivers.
    pub fn start(services: Services, hub: Hub, rhythm: Rhythm) -> Self {
        let outlet = Arc::new(SocketOutlet::new(services.clock.clone()));
        let outlet_id = hub.add_outlet(outlet.clone());
        let (watched, clock) = (hub.clone(), services.clock.clone());
        let sockets = Self(Arc::new(Inner { services, hub, outlet, outlet_id, rhythm }));
        let all = Arc::downgrade(&sockets.0);
        tokio::spawn(expiry::watch(watched, clock, move |now_s| Some(all.upgrade()?.outlet.expired(now_s))));
        sockets
    }

    /// The route.
    pub fn routes(&self) -> Router {
        Router::new().route("/ws/meetings/{meeting_id}", get(upgrade)).with_state(self.clone())
    }

    /// Serves one connection until it is closed.
    async fn serve(self, access: Access, meeting: MeetingId, accepted: Accepted, first: Bytes) {
        let Access { actor, valid_until_s } = access;
        let Inner { services, hub, outlet, outlet_id, rhythm } = &*self.0;
        let Some(person) = Person::of(&actor) else { return };
        let line = Line::new(hub.next_id(), meeting, person, valid_until_s);
        outlet.add(line.clone());
        services.presence.connected(line.id, *outlet_id, &actor);
        if !services.accounts.is_current(&actor) {
            hub.deliver(&DomainEvent::AccessEnded(AccessEnd::Revoked), &[line.id]);
        }
        let (read, socket) = accepted.split();
        let socket = Arc::new(socket);
        tokio::spawn(line.clone().write(socket.clone()));
        let (meeting, services) = (meeting.to_string(), services.clone());
        let connection = Connection { actor, meeting, line: line.clone(), services };
        connection.run(read, first, &socket, *rhythm).await;
        outlet.remove(line.id);
    }
}

/// Decides who may have a socket before there is one: what is refused is told in the envelope of REST.
async fn upgrade(
    State(sockets): State<Sockets>,
    MeetingPath(id): MeetingPath,
    mut request: Request,
) -> Result<Response, Refusal> {
    let services = &sockets.0.services;
    let access = services.accounts.access(&credential(&request)?).await?;
    if let Some(user) = access.actor.user_id() {
        // A refusal is a line of the trail, so nobody has as many as he likes.
        let budget = limits::budget(LimitedAction::V1Act);
        services.limits.check(LimitedAction::V1Act, &user.to_string(), budget)?;
    }
    let meeting = services.admissions.reaches(&access.actor, &id).await?;
    let no_handshake = || DomainError::Malformed("not a WebSocket handshake".into());
    let response = accept(request.headers()).ok_or_else(no_handshake)?;
    let upgrade = request.extensions_mut().remove::<OnUpgrade>().ok_or_else(no_handshake)?;
    tokio::spawn(async move {
        if let Some((accepted, first)) = open(upgrade).await {
            // A task of its own: this one's memory was made for the handshake.
            tokio::spawn(sockets.serve(access, meeting.id, accepted, first));
        }
    });
    Ok(response)
}

/// The token: as bearer, else in the address, since browsers set no headers here (C-16).
fn credential(request: &Request) -> Result<String, DomainError> {
    match token::bearer(request.headers()) {
        Err(DomainError::CredentialMissing) => {
            let query = Query::of(request.uri().query());
            let token = query.text("token").or_else(|| query.text("access_token"));
            token.map(str::to_owned).ok_or(DomainError::CredentialMissing)
        }
        given => given.map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    #[test]
    fn auth_07_c_16_the_header_counts_before_the_address() {
        let of = |header: Option<&str>, uri: &str| {
            let mut request = Request::builder().uri(uri);
            if let Some(header) = header {
                request = request.header("authorization", header);
            }
            credential(&request.body(Body::empty()).expect("a request"))
        };
        assert_eq!(of(None, "/?token=a.b-c"), Ok("a.b-c".to_owned()));
        assert_eq!(of(None, "/?access_token=a.b-c"), Ok("a.b-c".to_owned()));
        assert_eq!(of(Some("Bearer x"), "/?token=y"), Ok("x".to_owned()));
        assert_eq!(of(Some("Basic x"), "/?token=y"), Err(DomainError::TokenInvalid));
        assert_eq!(of(None, "/?token="), Err(DomainError::CredentialMissing));
        assert_eq!(of(None, "/"), Err(DomainError::CredentialMissing));
    }
}
