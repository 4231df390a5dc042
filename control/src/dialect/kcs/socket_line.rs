//! The line to one client: its socket, or the place a lost socket is awaited at, and the requests that came over it.
//!
//! A client that opted in (ADD-EV-18) may lose its socket and come back: the line is then detached for a while, keeps
//! what is said to it, and goes on with the next socket. For the meetings and the hub nothing has happened.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use metrics::counter;
use serde::Serialize;
use serde_json::Value;

use super::socket::{self, Kcs};
use super::socket_connection::{Connection, Request, refusal_of};
use super::socket_outlet::Encoded;
use super::socket_resume::Away;
use super::told;
use crate::domain::error::DomainError;
use crate::domain::participant::{ConnectionId, Person};
use crate::socketio::{Closed, Event, Full, Peer, Socket, ack_frame, event_frame};

/// Requests waiting behind the one that is being served. A client setting up media for a large meeting sends a few per
/// participant on its screen; one that sends more at once is told to slow down.
const QUEUE: usize = 256;
/// Memory of those requests, in bytes; a list of short values takes many times its text. A few of the largest fit, and
/// the one behind which nothing waits always does.
const QUEUE_BYTES: usize = 4 * 1024 * 1024;

/// See the module.
pub(super) struct Line {
    pub id: ConnectionId,
    person: Option<Person>,
    /// Unix seconds; the credential of the newest socket says.
    valid_until_s: AtomicI64,
    kcs: Kcs,
    wire: Mutex<Wire>,
    requests: Mutex<Requests>,
}

struct Wire {
    /// `None` while a lost socket is awaited, and at the end.
    socket: Option<Socket>,
    /// Sockets this line has had: a callback belongs to the one that asked.
    count: u32,
    /// `None` for clients that did not opt in.
    away: Option<Box<Away>>,
    over: bool,
}

struct Requests {
    waiting: VecDeque<Waiting>,
    /// Of all that wait.
    bytes: usize,
    /// Who serves them, while there is nothing to serve.
    idle: Option<Box<Connection>>,
    over: bool,
}

struct Waiting {
    request: Request,
    bytes: usize,
}

impl Requests {
    /// False when too much waits already.
    fn push(&mut self, request: Request) -> bool {
        let bytes = request.body.as_ref().map_or(0, bytes_of);
        let fits = self.waiting.len() < QUEUE && self.bytes.saturating_add(bytes) <= QUEUE_BYTES;
        let taken = fits || self.waiting.is_empty();
        if taken {
            self.bytes += bytes;
            self.waiting.push_back(Waiting { request, bytes });
        }
        taken
    }

    fn pop(&mut self) -> Option<Request> {
        let Waiting { request, bytes } = self.waiting.pop_front()?;
        self.bytes -= bytes;
        Some(request)
    }

    fn clear(&mut self) {
        (self.waiting, self.bytes) = (VecDeque::new(), 0);
    }
}

/// About how much memory a value takes. As deep as the parser lets values be.
fn bytes_of(value: &Value) -> usize {
    let inside = match value {
        Value::String(text) => text.len(),
        Value::Array(values) => values.iter().map(bytes_of).sum(),
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| NAME_BYTES + name.len() + bytes_of(value)).sum()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    };
    size_of::<Value>() + inside
}

/// What an object keeps for each name beside its letters.
const NAME_BYTES: usize = size_of::<String>();

impl Line {
    /// A line that begins with this socket. `pid`: the client may resume under that name.
    pub fn new(
        id: ConnectionId,
        (person, valid_until_s): (Option<Person>, i64),
        kcs: Kcs,
        socket: Socket,
        pid: Option<String>,
    ) -> Arc<Self> {
        let away = pid.map(|pid| Box::new(Away::new(pid)));
        let wire = Wire { socket: Some(socket), count: 0, away, over: false };
        let requests = Requests { waiting: VecDeque::new(), bytes: 0, idle: None, over: false };
        let valid_until_s = AtomicI64::new(valid_until_s);
        Arc::new(Self {
            id,
            person,
            valid_until_s,
            kcs,
            wire: Mutex::new(wire),
            requests: Mutex::new(requests),
        })
    }

    fn wire(&self) -> MutexGuard<'_, Wire> {
        self.wire.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn requests(&self) -> MutexGuard<'_, Requests> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this line is the person's.
    pub fn is_of(&self, person: Option<Person>) -> bool {
        self.person.is_some() && self.person == person
    }

    /// Whether the credential's time is over.
    pub fn has_expired(&self, now_s: i64) -> bool {
        self.valid_until_s.load(Ordering::Relaxed) < now_s
    }

    /// The client showed a credential that holds so long.
    pub fn prolong(&self, valid_until_s: i64) {
        self.valid_until_s.store(valid_until_s, Ordering::Relaxed);
    }

    /// An event for this client. `Full`: it is too far behind.
    pub fn send(&self, event: &Encoded<'_>) -> Result<(), Full> {
        let mut wire = self.wire();
        let Wire { socket, away, .. } = &mut *wire;
        let Some(away) = away else {
            return socket.as_ref().map_or(Ok(()), |socket| socket.send(event.plain()));
        };
        let (offset, packet) = event.counted();
        away.keep(offset, packet.clone(), socket.is_none())?;
        socket.as_ref().map_or(Ok(()), |socket| socket.send(packet))
    }

    /// An event that answers a request of this client.
    pub fn say(&self, name: &str, payload: &impl Serialize) -> Result<(), Full> {
        self.send(&self.kcs.outlet().encode(name, payload))
    }

    /// The callback of a request, if the socket that asked is still there.
    pub fn acknowledge(&self, request: (u32, Option<u64>), answer: &[u8]) -> Result<(), Full> {
        let (count, Some(id)) = request else { return Ok(()) };
        let wire = self.wire();
        let socket = wire.socket.as_ref().filter(|_| wire.count == count);
        socket.map_or(Ok(()), |socket| socket.send(ack_frame(id, answer)))
    }

    /// Queues a request, or refuses it when too many wait.
    fn request(self: &Arc<Self>, event: Event<'_>) {
        let Some((name, handler)) = socket::handler(&event.name) else { return };
        counter!("plenum_events_in_total", "event" => name).increment(1);
        let ack = (self.wire().count, event.ack);
        let mut requests = self.requests();
        if requests.over {
            return;
        }
        if !requests.push(Request { name, handler, body: event.body, ack, asked_at: Instant::now() }) {
            drop(requests);
            self.refuse(name, ack, &DomainError::RateLimited { retry_after_s: 1, budget: None });
            return;
        }
        if let Some(connection) = requests.idle.take() {
            drop(requests);
            tokio::spawn(serve(self.clone(), connection));
        }
    }

    /// A refusal: always the event `error`, and the callback if there is one. The socket stays.
    pub fn refuse(&self, event: &'static str, ack: (u32, Option<u64>), reason: &DomainError) {
        let ((name, told), acked) = refusal_of(event, reason);
        // A client that does not read its refusals misses them; what it must not miss goes through the outlet.
        let _ = self.say(name, &told);
        let _ = self.acknowledge(ack, acked.to_string().as_bytes());
    }

    /// Puts whoever serves the requests to rest, and starts him when some came meanwhile.
    pub fn begin(self: &Arc<Self>, connection: Box<Connection>) {
        let mut requests = self.requests();
        if requests.waiting.is_empty() && !requests.over {
            requests.idle = Some(connection);
        } else {
            drop(requests);
            tokio::spawn(serve(self.clone(), connection));
        }
    }

    /// The next request; `None` when there is none, and then `connection` rests, or is given back at the end.
    fn next(
        &self,
        connection: Box<Connection>,
    ) -> Result<(Request, Box<Connection>), Option<Box<Connection>>> {
        let mut requests = self.requests();
        if requests.over {
            return Err(Some(connection));
        }
        match requests.pop() {
            Some(request) => Ok((request, connection)),
            None => {
                requests.clear();
                requests.idle = Some(connection);
                Err(None)
            }
        }
    }

    /// A socket of this line is gone.
    fn lost(self: &Arc<Self>, socket: &Socket, why: Closed) {
        let returns = matches!(why, Closed::Lost | Closed::TimedOut) && !self.kcs.is_stopping();
        let visit = {
            let mut wire = self.wire();
            if !wire.socket.as_ref().is_some_and(|own| own.is(socket)) {
                return;
            }
            wire.socket = None;
            wire.away.as_mut().filter(|_| returns).map(|away| away.begin())
        };
        match visit {
            Some(visit) => self.await_return(visit),
            None => self.end(),
        }
    }

    /// Ends the line unless its client is back in time.
    fn await_return(self: &Arc<Self>, visit: u64) {
        let (line, wait): (_, Duration) = (self.clone(), self.kcs.resume_wait());
        tokio::spawn(async move {
            tokio::time::sleep(wait).await;
            let still_away = {
                let wire = line.wire();
                wire.socket.is_none() && wire.away.as_ref().is_some_and(|away| away.visit() == visit)
            };
            if still_away {
                line.end();
            }
        });
    }

    /// Somebody proved to be this client: what is still open of the old socket is given up, and the next one is awaited.
    /// `None` when too much was missed.
    pub fn claim(self: &Arc<Self>, seen: Option<u64>) -> Option<Claim> {
        let old = {
            let mut wire = self.wire();
            if wire.over || !wire.away.as_ref().is_some_and(|away| away.knows(seen)) {
                return None;
            }
            let old = wire.socket.take();
            wire.away.as_mut()?.begin();
            old
        };
        if let Some(old) = old {
            old.cut_off();
        }
        Some(Claim { line: self.clone(), seen, used: false })
    }

    /// Goes on with this socket, which first hears what was missed.
    fn go_on(&self, socket: Socket, seen: Option<u64>) {
        let mut wire = self.wire();
        let missed: Option<Vec<Bytes>> = wire.away.as_mut().and_then(|away| away.missed(seen));
        let Some(missed) = missed.filter(|_| !wire.over) else {
            drop(wire);
            socket.cut_off();
            return;
        };
        let (name, resumed) = told::say(&told::Resumed { events: missed.len() });
        let resumed = event_frame(name, resumed.get().as_bytes(), None);
        let said = std::iter::once(resumed).chain(missed);
        // The queue of a new socket takes more than a line keeps.
        let _ = said.into_iter().try_for_each(|packet| socket.send(packet));
        // Of two that come back at once the later one goes on.
        let earlier = wire.socket.replace(socket);
        wire.count += 1;
        drop(wire);
        counter!("plenum_sockets_resumed_total").increment(1);
        if let Some(earlier) = earlier {
            earlier.cut_off();
        }
    }

    /// A client that does not keep up: out of its meetings at once, and its socket is closed.
    pub fn give_up(self: &Arc<Self>) {
        let socket = self.wire().socket.take();
        self.end();
        if let Some(socket) = socket {
            socket.cut_off();
        }
    }

    /// Says goodbye, behind what was said before. The client has to come back as somebody new.
    pub fn part(self: &Arc<Self>) {
        let socket = self.wire().socket.take();
        self.end();
        if let Some(socket) = socket {
            socket.goodbye();
        }
    }

    /// Nobody comes back: whoever spoke over this line is gone.
    pub fn end(self: &Arc<Self>) {
        let pid = {
            let mut wire = self.wire();
            wire.over = true;
            wire.away.take().map(|away| away.pid)
        };
        self.kcs.forget(self.id, pid.as_deref());
        let connection = {
            let mut requests = self.requests();
            requests.over = true;
            requests.clear();
            requests.idle.take()
        };
        // Whoever is serving a request finds out behind it.
        if let Some(connection) = connection {
            tokio::spawn(connection.clean_up());
        }
    }
}

/// Serves what waits, one after the other, then rests.
async fn serve(line: Arc<Line>, mut connection: Box<Connection>) {
    loop {
        match line.next(connection) {
            Ok((request, back)) => {
                connection = back;
                connection.serve(request).await;
            }
            Err(None) => return,
            Err(Some(connection)) => return connection.clean_up().await,
        }
    }
}

/// One socket of a line.
pub(super) struct Attached {
    pub line: Arc<Line>,
    pub socket: Socket,
}

impl Peer for Attached {
    fn event(&self, event: Event<'_>) {
        self.line.request(event);
    }

    fn closed(&self, why: Closed) {
        self.line.lost(&self.socket, why);
    }
}

/// A line that is about to go on. Dropped unused, it is awaited anew.
pub(super) struct Claim {
    line: Arc<Line>,
    seen: Option<u64>,
    used: bool,
}

impl Claim {
    pub fn go_on(mut self, socket: Socket) -> Arc<dyn Peer> {
        self.used = true;
        self.line.go_on(socket.clone(), self.seen);
        Arc::new(Attached { line: self.line.clone(), socket })
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if !self.used {
            let visit = self.line.wire().away.as_ref().map(|away| away.visit());
            if let Some(visit) = visit {
                self.line.await_return(visit);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request(values: usize) -> Request {
        let (name, handler) = socket::handler("typing").expect("we know it");
        Request {
            name,
            handler,
            body: Some(json!(vec![0; values])),
            ack: (0, None),
            asked_at: Instant::now(),
        }
    }

    #[test]
    fn c_45_requests_wait_up_to_a_number_and_up_to_an_amount_of_memory() {
        let mut requests = Requests { waiting: VecDeque::new(), bytes: 0, idle: None, over: false };
        assert!((0..QUEUE).all(|_| requests.push(request(1))));
        assert!(!requests.push(request(1)), "too many");
        requests.clear();
        let large = QUEUE_BYTES / size_of::<Value>() - 1;
        assert!(requests.push(request(large)));
        assert!(!requests.push(request(1)), "too large");
        assert!(requests.pop().is_some() && requests.pop().is_none());
        assert!(requests.push(request(2 * large)), "one that stands alone is taken");
        assert!(!requests.push(request(0)));
    }
}
