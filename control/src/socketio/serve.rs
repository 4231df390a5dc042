//! HTTP of Engine.IO: new sessions, polls, posts and upgrades, and the refusals with their codes.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use hyper::upgrade::OnUpgrade;

use super::session::{NORMAL, Polled, SEPARATOR, Session};
use super::{Closed, Credentials, SESSIONS_MAX, Server, packet, websocket};
use crate::http::peer;
use crate::websocket::accept;

const PATH: &str = "/socket.io";
/// A body of a poll takes no longer; a client that is slower has lost its connection.
const BODY_WAIT: Duration = Duration::from_secs(30);

/// Refusals as Engine.IO numbers them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    UnknownTransport,
    UnknownSession,
    BadHandshakeMethod,
    BadRequest,
    UnsupportedVersion,
}

/// Answers what is below `/socket.io/` and lets everything else pass.
pub async fn intercept(State(server): State<Server>, request: Request, next: Next) -> Response {
    match request.uri().path().strip_prefix(PATH) {
        Some("" | "/") => server.answer(request).await,
        _ => next.run(request).await,
    }
}

/// What the address says.
#[derive(Default)]
struct Query<'a> {
    version: Option<&'a str>,
    transport: Option<&'a str>,
    sid: Option<&'a str>,
    token: Option<&'a str>,
}

impl<'a> Query<'a> {
    fn of(uri: &'a Uri) -> Self {
        let mut query = Self::default();
        for (name, value) in
            uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='))
        {
            match name {
                "EIO" => query.version = Some(value),
                "transport" => query.transport = Some(value),
                "sid" => query.sid = Some(value),
                "token" => query.token = Some(value),
                _ => {}
            }
        }
        query
    }
}

impl Server {
    async fn answer(&self, request: Request) -> Response {
        let answered = self.route(request).await;
        answered.unwrap_or_else(refuse)
    }

    async fn route(&self, mut request: Request) -> Result<Response, Refusal> {
        let uri = request.uri().clone();
        let query = Query::of(&uri);
        let web_socket = match query.transport {
            Some("websocket") => true,
            Some("polling") => false,
            _ => return Err(Refusal::UnknownTransport),
        };
        let Some(sid) = query.sid else {
            if request.method() != Method::GET {
                return Err(Refusal::BadHandshakeMethod);
            }
            let upgrade = request.extensions_mut().remove::<OnUpgrade>();
            let address = peer::key(self.0.proxies.client(request.extensions(), request.headers()));
            return self.begin(&query, request.headers(), address, web_socket.then_some(upgrade));
        };
        let session = self.find(sid).ok_or(Refusal::UnknownSession)?;
        if web_socket {
            if !session.is_polling() {
                return Err(Refusal::BadRequest);
            }
            let response = accept(request.headers()).ok_or(Refusal::BadRequest)?;
            let upgrade = request.extensions_mut().remove::<OnUpgrade>().ok_or(Refusal::BadRequest)?;
            websocket::spawn(session, upgrade, true);
            return Ok(response);
        }
        match *request.method() {
            Method::GET => poll(session).await,
            Method::POST => post(session, request.into_body()).await,
            _ => Err(Refusal::BadRequest),
        }
    }

    fn find(&self, sid: &str) -> Option<Arc<Session>> {
        let id = u128::from_str_radix(sid, 16).ok()?;
        self.0.sessions().get(&id).cloned()
    }

    /// A new session. `upgrade`: it begins with a WebSocket.
    fn begin(
        &self,
        query: &Query<'_>,
        headers: &HeaderMap,
        address: String,
        upgrade: Option<Option<OnUpgrade>>,
    ) -> Result<Response, Refusal> {
        let handshake = upgrade.is_some().then(|| accept(headers).ok_or(Refusal::BadRequest));
        let handshake = handshake.transpose()?;
        if query.version != Some("4") {
            return Err(Refusal::UnsupportedVersion);
        }
        let Some(place) = self.0.strangers.admit(address) else {
            return Ok(answer(StatusCode::TOO_MANY_REQUESTS, Body::empty()));
        };
        let id = uuid::Uuid::new_v4().as_u128();
        let session = {
            let mut sessions = self.0.sessions();
            if sessions.len() >= SESSIONS_MAX {
                return Ok(answer(StatusCode::SERVICE_UNAVAILABLE, Body::empty()));
            }
            let session = Session::open(&self.0, id, shown(query, headers), place);
            sessions.insert(id, session.clone());
            session
        };
        let config = &self.0.config;
        let upgrades: &[&str] = if upgrade.is_some() { &[] } else { &["websocket"] };
        let (interval, timeout) = (config.ping_interval.as_millis(), config.ping_timeout.as_millis());
        session.tell(packet::open(&session.sid(), upgrades, interval, timeout, config.payload_max));
        match (handshake, upgrade.flatten()) {
            (Some(response), Some(upgrade)) => {
                websocket::spawn(session, upgrade, false);
                Ok(response)
            }
            (None, None) => Ok(packets(session.poll(false))),
            _ => {
                session.close(Closed::Lost);
                Err(Refusal::BadRequest)
            }
        }
    }
}

fn shown(query: &Query<'_>, headers: &HeaderMap) -> Credentials {
    let bearer = || {
        let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
    };
    Credentials { auth: None, bearer: bearer(), query: query.token.map(str::to_owned) }
}

/// Packets as soon as there are some. Two polls at a time are a mistake that ends the session, as with other servers.
async fn poll(session: Arc<Session>) -> Result<Response, Refusal> {
    let mut polled = session.poll(false);
    if matches!(polled, Polled::Refused) && session.is_polling() {
        session.leave(NORMAL, Closed::Broken, None);
        return Err(Refusal::BadRequest);
    }
    while let Polled::Wait(woken) = polled {
        // An error is the end of the session, which the next look says.
        let _ = woken.await;
        polled = session.poll(true);
    }
    match polled {
        Polled::Refused => Err(Refusal::BadRequest),
        Polled::Gone => Err(Refusal::UnknownSession),
        answered => Ok(packets(answered)),
    }
}

/// What a client says by polling.
async fn post(session: Arc<Session>, body: Body) -> Result<Response, Refusal> {
    let Some(reading) = session.begin_post() else {
        if session.is_polling() {
            session.leave(NORMAL, Closed::Broken, None);
        }
        return Err(Refusal::BadRequest);
    };
    let read = tokio::time::timeout(BODY_WAIT, axum::body::to_bytes(body, session.message_max())).await;
    drop(reading);
    let Ok(Ok(body)) = read else {
        session.leave(NORMAL, Closed::Broken, None);
        return Ok(answer(StatusCode::PAYLOAD_TOO_LARGE, Body::empty()));
    };
    let good = std::str::from_utf8(&body).is_ok_and(|body| {
        body.split(SEPARATOR as char).all(|packet| {
            // Binary parts come as base64 behind a `b`.
            if packet.starts_with('b') { session.heard_binary() } else { session.heard(packet) }
        })
    });
    if !good {
        session.leave(NORMAL, Closed::Broken, None);
        return Err(Refusal::BadRequest);
    }
    let mut response = answer(StatusCode::OK, Body::from("ok"));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html"));
    Ok(response)
}

fn packets(polled: Polled) -> Response {
    let packets = match polled {
        Polled::Packets(packets) => packets,
        Polled::Wait(_) | Polled::Refused | Polled::Gone => Vec::new(),
    };
    let mut response = answer(StatusCode::OK, Body::from(packets));
    let text = HeaderValue::from_static("text/plain; charset=UTF-8");
    response.headers_mut().insert(header::CONTENT_TYPE, text);
    response
}

fn answer(status: StatusCode, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn refuse(refusal: Refusal) -> Response {
    let (code, message) = match refusal {
        Refusal::UnknownTransport => (0, "Transport unknown"),
        Refusal::UnknownSession => (1, "Session ID unknown"),
        Refusal::BadHandshakeMethod => (2, "Bad handshake method"),
        Refusal::BadRequest => (3, "Bad request"),
        Refusal::UnsupportedVersion => (5, "Unsupported protocol version"),
    };
    let body = serde_json::json!({ "code": code, "message": message }).to_string();
    let mut response = answer(StatusCode::BAD_REQUEST, Body::from(body));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
