//! One socket: its requests are served one after the other, in the order they came, and each is answered.

use std::sync::{Arc, Mutex, PoisonError};

use metrics::counter;
use serde_json::{Value, json};
use socketioxide::SocketError;
use socketioxide::extract::{AckSender, SocketRef};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::error::{self, Words};
use super::socket::{Handler, Services};
use super::socket_outlet::SocketOutlet;
use crate::domain::actor::Actor;
use crate::domain::error::DomainError;
use crate::domain::event::{Audience, DomainEvent};
use crate::domain::id::MeetingId;
use crate::domain::participant::ConnectionId;
use crate::service::media::Asker;

/// Requests waiting behind the one that is being served. A client setting up media for a large meeting sends a few per
/// participant on its screen; one that sends more at once is told to slow down.
const QUEUE: usize = 256;
/// Meetings one socket may be in at once.
const MEETINGS_MAX: usize = 16;

/// One event of a client.
pub(super) struct Request {
    pub name: &'static str,
    pub handler: Handler,
    /// `None`: no argument, or one that is no JSON.
    pub body: Option<Value>,
    pub ack: AckSender,
}

/// What a served request is answered with.
pub(super) struct Answer {
    /// The event that carries the answer; `None` when it reaches the client another way.
    pub event: Option<&'static str>,
    /// A JSON object.
    pub payload: Value,
}

/// The way into a connection's queue. Cheap to clone.
#[derive(Clone)]
pub(super) struct Requests {
    socket: SocketRef,
    queue: Arc<Mutex<Option<mpsc::Sender<Request>>>>,
    closed: CancellationToken,
}

/// One socket and who speaks over it.
pub(super) struct Connection {
    pub id: ConnectionId,
    pub actor: Actor,
    pub services: Services,
    /// Where this socket is inside or waits, as far as it knows; the meetings know better.
    pub meetings: Vec<MeetingId>,
    socket: SocketRef,
    outlet: Arc<SocketOutlet>,
    queue: mpsc::Receiver<Request>,
    closed: CancellationToken,
}

impl Requests {
    /// Queues a request, or refuses it when too many wait.
    pub fn push(&self, request: Request) {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner).clone();
        counter!("plenum_events_in_total", "event" => request.name).increment(1);
        if let Some(queue) = queue
            && let Err(mpsc::error::TrySendError::Full(request)) = queue.try_send(request)
        {
            refuse(&self.socket, request.name, request.ack, &DomainError::RateLimited { retry_after_s: 1 });
        }
    }

    /// What ends the connection when it is cancelled.
    pub fn end(&self) -> CancellationToken {
        self.closed.clone()
    }

    /// The socket is gone: what waits is not worth serving any more.
    pub fn close(&self) {
        self.closed.cancel();
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

impl Connection {
    pub fn new(
        id: ConnectionId,
        actor: Actor,
        socket: SocketRef,
        services: Services,
        outlet: Arc<SocketOutlet>,
        stop: &CancellationToken,
    ) -> (Requests, Self) {
        let (sender, queue) = mpsc::channel(QUEUE);
        let closed = stop.child_token();
        let requests = Requests {
            socket: socket.clone(),
            queue: Arc::new(Mutex::new(Some(sender))),
            closed: closed.clone(),
        };
        (requests, Self { id, actor, services, meetings: Vec::new(), socket, outlet, queue, closed })
    }

    /// Serves until the socket is gone, then cleans up after it. `first`: the account had no other connection.
    pub async fn run(mut self, first: bool) {
        if first {
            self.tell_campus(|user, name, at| DomainEvent::UserOnline { user, name, at });
        }
        loop {
            let request = tokio::select! {
                biased;
                () = self.closed.cancelled() => break,
                request = self.queue.recv() => request,
            };
            let Some(request) = request else { break };
            self.serve(request).await;
        }
        self.outlet.remove(self.id);
        self.services.participants.disconnected(self.id, self.meetings.drain(..)).await;
        if self.services.hub.disconnect(self.id) {
            self.tell_campus(|user, name, at| DomainEvent::UserOffline { user, name, at });
        }
    }

    /// Notes that this socket is inside a meeting, or waits for it.
    pub fn enters(&mut self, meeting: MeetingId) {
        self.leaves(meeting);
        self.meetings.push(meeting);
    }

    /// Whether one more meeting is one too many. Meetings that ended, or turned this socket away, do not count.
    pub async fn is_everywhere(&mut self) -> bool {
        if self.meetings.len() >= MEETINGS_MAX {
            self.meetings = self.services.participants.still_in(self.id, &self.meetings).await;
        }
        self.meetings.len() >= MEETINGS_MAX
    }

    pub fn leaves(&mut self, meeting: MeetingId) {
        self.meetings.retain(|one| *one != meeting);
    }

    /// What clients are told about STUN and TURN.
    pub fn ice_servers(&self) -> &Value {
        self.outlet.ice_servers()
    }

    pub fn asker(&self) -> Asker<'_> {
        Asker { connection: self.id, meetings: &self.meetings }
    }

    async fn serve(&mut self, request: Request) {
        let Request { name, handler, body, ack } = request;
        match handler(self, body.unwrap_or(Value::Null)).await {
            Ok(answer) => self.answer(answer, ack),
            Err(reason) => refuse(&self.socket, name, ack, &reason),
        }
    }

    /// The documented event, and the callback if there is one (C-45).
    fn answer(&self, Answer { event, mut payload }: Answer, ack: AckSender) {
        let told = event.map_or(Ok(()), |event| self.socket.emit(event, &payload));
        payload["success"] = true.into();
        let acked = ack.send(&payload);
        if is_full(&told) || is_full(&acked) {
            self.outlet.cut_off(self.id);
        }
    }

    fn tell_campus(
        &self,
        event: impl FnOnce(crate::domain::id::UserId, String, time::OffsetDateTime) -> DomainEvent,
    ) {
        let Some(account) = self.actor.account() else { return };
        let event = event(account.id, account.name.clone(), self.services.clock.now());
        let audience = Audience::Campus { campus: account.campus.clone(), except: self.id };
        self.services.hub.publish(&audience, &event);
    }
}

/// A refusal: always the event `error`, and the callback if there is one. The socket stays.
fn refuse(socket: &SocketRef, event: &str, ack: AckSender, reason: &DomainError) {
    let Words { message, code, .. } = error::words(reason);
    counter!("plenum_events_refused_total", "event" => event.to_owned(), "reason" => reason.reason())
        .increment(1);
    let mut told = json!({ "message": message, "event": event });
    let mut acked = json!({ "success": false, "error": message, "message": message });
    if let Some(code) = code {
        told["code"] = code.into();
        acked["code"] = code.into();
    }
    // A client that does not read its refusals misses them; what it must not miss goes through the outlet.
    let _ = socket.emit("error", &told);
    let _ = ack.send(&acked);
}

fn is_full(sent: &Result<(), socketioxide::SendError>) -> bool {
    matches!(sent, Err(socketioxide::SendError::Socket(SocketError::InternalChannelFull)))
}
