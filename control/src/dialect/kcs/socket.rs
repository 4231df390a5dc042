//! The real-time side of this dialect: Socket.IO (Engine.IO 4, Socket.IO 5) under `/socket.io/`.
//!
//! One line per event in [`EVENTS`]; [`super::socket_requests`] reads each and calls its service,
//! [`super::socket_connection`] keeps the requests of one socket in order and answers them,
//! [`super::socket_outlet`] says what happens to everybody else.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde_json::Value;
use socketioxide::SocketIo;
use socketioxide::extract::{AckSender, SocketRef, TryData};
use socketioxide::handler::ConnectHandler;
use socketioxide::layer::SocketIoLayer;
use socketioxide::socket::DisconnectReason;
use tokio_util::sync::CancellationToken;

use super::error;
use super::socket_connection::{Answer, Connection, Request, Requests};
use super::socket_outlet::SocketOutlet;
use super::socket_requests as on;
use crate::domain::actor::Actor;
use crate::domain::error::DomainError;
use crate::domain::event::{Audience, DomainEvent};
use crate::hub::{Hub, OutletId};
use crate::service::accounts::Accounts;
use crate::service::chat::Chat;
use crate::service::clock::Clock;
use crate::service::join::Joins;
use crate::service::media::Media;
use crate::service::participants::Participants;

/// Serves one request of a connection.
pub(super) type Handler = for<'a> fn(&'a mut Connection, Value) -> BoxFuture<'a, Result<Answer, DomainError>>;

/// Every event a client may send, and who serves it.
const EVENTS: &[(&str, Handler)] = &[
    ("join-meeting", |c, body| Box::pin(on::join_meeting(c, body))),
    ("leave-meeting", |c, body| Box::pin(on::leave_meeting(c, body))),
    ("send-message", |c, body| Box::pin(on::send_message(c, body))),
    ("raise-hand", |c, body| Box::pin(on::raise_hand(c, body))),
    ("media-status-update", |c, body| Box::pin(on::media_status_update(c, body))),
    ("mute-participant", |c, body| Box::pin(on::mute_participant(c, body))),
    ("admit-participant", |c, body| Box::pin(on::admit_participant(c, body))),
    ("deny-participant", |c, body| Box::pin(on::deny_participant(c, body))),
    ("create-transport", |c, body| Box::pin(on::create_transport(c, body))),
    ("connect-transport", |c, body| Box::pin(on::connect_transport(c, body))),
    ("produce", |c, body| Box::pin(on::produce(c, body))),
    ("close-producer", |c, body| Box::pin(on::close_producer(c, body))),
    ("pause-producer", |c, body| Box::pin(on::pause_producer(c, body))),
    ("resume-producer", |c, body| Box::pin(on::resume_producer(c, body))),
    ("consume", |c, body| Box::pin(on::consume(c, body))),
    ("pause-consumer", |c, body| Box::pin(on::pause_consumer(c, body))),
    ("resume-consumer", |c, body| Box::pin(on::resume_consumer(c, body))),
    ("set-consumer-layers", |c, body| Box::pin(on::set_consumer_layers(c, body))),
];

const PING_INTERVAL: Duration = Duration::from_secs(25);
const PING_TIMEOUT: Duration = Duration::from_secs(60);
/// Largest request by long polling and largest WebSocket message: a `consume` with all capabilities has some 8 KiB,
/// 4000 characters of chat at most 16 KiB. A queue full of the largest is what one client can make us keep.
const PAYLOAD_BYTES_MAX: u64 = 128 * 1024;
const WS_MESSAGE_BYTES_MAX: usize = 128 * 1024;
/// Packets waiting for one slow client: a whole house entering at once fits; a client further behind is disconnected
/// and comes back to the state as it is then.
const SEND_BUFFER_PACKETS: usize = 1024;
/// How long clients may take to close after the goodbye.
const GOODBYE_MAX: Duration = Duration::from_secs(1);
/// How soon clients that were told about draining may come back.
const RECONNECT_AFTER: Duration = Duration::from_secs(1);

/// What sockets are served with.
#[derive(Clone)]
pub struct Services {
    pub hub: Hub,
    pub accounts: Accounts,
    pub joins: Joins,
    pub participants: Participants,
    pub chat: Chat,
    pub media: Media,
    pub clock: Clock,
}

/// All sockets of this dialect.
#[derive(Clone)]
pub struct Sockets {
    io: SocketIo,
    hub: Hub,
    /// Ends every connection of ours. The library drops its namespaces before it closes their sockets, and then tells
    /// nobody that they are closed.
    stop: CancellationToken,
}

/// The layer that serves `/socket.io/` in front of a router, and the handle to stop it. `ice_servers` is what clients
/// are told on joining.
pub fn layer(services: Services, ice_servers: Value) -> (SocketIoLayer, Sockets) {
    let (layer, io) = SocketIo::builder()
        .ping_interval(PING_INTERVAL)
        .ping_timeout(PING_TIMEOUT)
        .max_payload(PAYLOAD_BYTES_MAX)
        .ws_max_message_size(WS_MESSAGE_BYTES_MAX)
        .ws_max_frame_size(WS_MESSAGE_BYTES_MAX)
        .max_buffer_size(SEND_BUFFER_PACKETS)
        .build_layer();
    let hub = services.hub.clone();
    let stop = CancellationToken::new();
    let stopping = stop.clone();
    let outlet = Arc::new(SocketOutlet::new(ice_servers));
    let outlet_id = hub.add_outlet(outlet.clone());
    let accounts = services.accounts.clone();
    let authenticate = move |socket: SocketRef, auth: TryData<Value>| {
        let accounts = accounts.clone();
        async move { authenticate(&accounts, &socket, auth.0.ok()).await }
    };
    // Not an async closure: the handlers must be there before the client's first packet is read.
    let connected = move |socket: SocketRef| {
        connected(&services, &outlet, outlet_id, socket, &stopping);
        std::future::ready(())
    };
    io.ns("/", connected.with(authenticate));
    (layer, Sockets { io, hub, stop })
}

impl Sockets {
    /// Tells every client that this process stops, and closes their sockets. Returns when they are closed, or
    /// have had their time.
    pub async fn drain(&self) {
        self.hub.publish(&Audience::World, &DomainEvent::Draining { reconnect_after: RECONNECT_AFTER });
        // A client answers the goodbye by closing; one that does not is left to the end of the process.
        let _ = tokio::time::timeout(GOODBYE_MAX, self.io.close()).await;
        self.stop.cancel();
    }
}

/// Decides who a socket speaks for, before it exists; the refusal's words reach the client as `connect_error`.
async fn authenticate(accounts: &Accounts, socket: &SocketRef, auth: Option<Value>) -> Result<(), String> {
    let refused = |reason: DomainError| error::words(&reason).message.into_owned();
    let token = credential(socket.req_parts(), auth.as_ref())
        .ok_or_else(|| refused(DomainError::CredentialMissing))?;
    let actor = accounts.authenticate(&token).await.map_err(refused)?;
    socket.extensions.insert(actor);
    Ok(())
}

/// The token: in the handshake's auth, else as bearer, else in the address (C-14).
fn credential(parts: &http::request::Parts, auth: Option<&Value>) -> Option<String> {
    let given = auth.and_then(|auth| auth.get("token")).and_then(Value::as_str).map(str::to_owned);
    let bearer = || {
        let header = parts.headers.get(http::header::AUTHORIZATION)?.to_str().ok()?;
        let (scheme, token) = header.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
    };
    let query = || {
        let pairs = parts.uri.query()?.split('&');
        pairs
            .filter_map(|pair| pair.split_once('='))
            .find(|(name, _)| *name == "token")
            .map(|(_, t)| t.to_owned())
    };
    let named = given.map(|token| token.strip_prefix("Bearer ").map(str::to_owned).unwrap_or(token));
    named.or_else(bearer).or_else(query).filter(|token| !token.is_empty())
}

fn connected(
    services: &Services,
    outlet: &Arc<SocketOutlet>,
    outlet_id: OutletId,
    socket: SocketRef,
    stop: &CancellationToken,
) {
    // Put there by `authenticate`, without which nobody gets here.
    let Some(actor) = socket.extensions.get::<Actor>() else {
        let _ = socket.disconnect();
        return;
    };
    let id = services.hub.next_id();
    let (requests, connection) =
        Connection::new(id, actor.clone(), socket.clone(), services.clone(), outlet.clone(), stop);
    outlet.add(id, socket.clone(), requests.end());
    let first = services.hub.connect(id, outlet_id, &actor);
    for (name, handler) in EVENTS {
        let requests = requests.clone();
        socket.on(*name, move |body: TryData<Value>, ack: AckSender| {
            // Here and not in the future: futures are spawned and may overtake each other, calls do not.
            requests.push(Request { name, handler: *handler, body: body.0.ok(), ack });
            std::future::ready(())
        });
    }
    socket.on_disconnect(move |reason: DisconnectReason| closed(&requests, reason));
    tokio::spawn(connection.run(first));
}

fn closed(requests: &Requests, reason: DisconnectReason) -> std::future::Ready<()> {
    tracing::debug!(?reason, "socket closed");
    requests.close();
    std::future::ready(())
}
