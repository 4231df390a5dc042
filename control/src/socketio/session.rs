//! One client: its packets in both directions, whatever carries them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::oneshot;

use super::packet::{self, Engine, Packet};
use super::strangers::Place;
use super::writers::List;
use super::{Closed, Credentials, Event, Inner, Peer};
use crate::http::listen::Placed;
use crate::websocket::{Written, frame, write};

/// The close code of our own goodbyes.
const GOING_AWAY: u16 = 1001;
/// The close code of an ordinary end.
pub(super) const NORMAL: u16 = 1000;
/// A queue that grew beyond this gives its memory back when it is empty.
const QUEUE_KEPT: usize = 4;

/// A connected socket, as the application has it. Cheap to clone.
#[derive(Clone)]
pub struct Socket(Arc<Session>);

/// The queue of a client is full: it does not keep up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

pub(super) struct Session {
    pub id: u128,
    server: Arc<Inner>,
    writer: Arc<List>,
    state: Mutex<State>,
}

struct State {
    queue: VecDeque<Bytes>,
    carrier: Carrier,
    stage: Stage,
    /// Needed until CONNECT is accepted.
    credentials: Option<Box<Credentials>>,
    /// Held until CONNECT is accepted.
    place: Option<Place>,
    /// An event whose binary parts are still to come, and how many.
    awaiting: Option<Box<Awaiting>>,
    /// In the writer's list.
    listed: bool,
    /// The socket took no more and tells when it does.
    blocked: bool,
    /// Nothing leaves: an acceptance and what follows it are being put together.
    corked: bool,
    /// The queue is the last there is to say; then the socket is closed with this code.
    leaving: Option<u16>,
    ping: Ping,
    /// When patience ends: with a client that does not CONNECT, or does not hang up after our goodbye.
    patience_ms: u64,
}

enum Carrier {
    Polling(Polling),
    WebSocket(Arc<Placed>),
    Gone,
}

#[derive(Default)]
struct Polling {
    /// The poll that waits for something to say.
    poll: Option<oneshot::Sender<()>>,
    posting: bool,
    /// A WebSocket is being probed: polls are sent home so that the client can change over.
    upgrading: bool,
}

enum Stage {
    /// CONNECT has not come.
    Open,
    /// It is being decided.
    Deciding,
    Connected(Arc<dyn Peer>),
}

struct Awaiting {
    name: String,
    body: Option<serde_json::Value>,
    ack: Option<u64>,
    attachments: usize,
}

#[derive(Clone, Copy)]
enum Ping {
    DueAt(u64),
    /// Sent, and unanswered at this time means gone.
    Sent(u64),
}

/// A body of a polling client is being read.
pub(super) struct Posting(Arc<Session>);

impl Drop for Posting {
    fn drop(&mut self) {
        if let Carrier::Polling(polling) = &mut self.0.state().carrier {
            polling.posting = false;
        }
    }
}

/// What a poll is answered with.
pub(super) enum Polled {
    Packets(Vec<u8>),
    Wait(oneshot::Receiver<()>),
    /// A poll waits already, or this is no polling session any more.
    Refused,
    Gone,
}

impl Session {
    /// A new session that polls until it is given a WebSocket.
    pub fn open(server: &Arc<Inner>, id: u128, credentials: Credentials, place: Place) -> Arc<Self> {
        let now_ms = server.now_ms();
        let ping_at = now_ms + server.config.ping_interval.as_millis() as u64;
        let patience_ms = now_ms + server.config.connect_timeout.as_millis() as u64;
        let state = State {
            queue: VecDeque::new(),
            carrier: Carrier::Polling(Polling::default()),
            stage: Stage::Open,
            credentials: Some(Box::new(credentials)),
            place: Some(place),
            awaiting: None,
            listed: false,
            blocked: false,
            corked: false,
            leaving: None,
            ping: Ping::DueAt(ping_at),
            patience_ms,
        };
        let session = Arc::new(Self {
            id,
            server: server.clone(),
            writer: server.writers.choose(),
            state: Mutex::new(state),
        });
        server.pulse.watch(Arc::downgrade(&session), ping_at.min(patience_ms));
        session
    }

    /// Its name on the wire.
    pub fn sid(&self) -> String {
        format!("{:032x}", self.id)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a packet into the queue; a full one takes none.
    fn send(self: &Arc<Self>, packet: Bytes) -> Result<(), Full> {
        let mut state = self.state();
        if matches!(state.carrier, Carrier::Gone) || state.leaving.is_some() {
            return Ok(());
        }
        if state.queue.len() >= self.server.config.queue_max {
            return Err(Full);
        }
        state.queue.push_back(packet);
        self.wake(state);
        Ok(())
    }

    /// The same for packets of the protocol itself. A client that has more of them answered than it reads is given up:
    /// it asks for them, and would have us keep as many as it likes.
    pub fn tell(self: &Arc<Self>, packet: Bytes) {
        if self.send(packet) == Err(Full) {
            self.close(Closed::Broken);
        }
    }

    /// Something waits: whoever writes for this session is told.
    fn wake(self: &Arc<Self>, mut state: MutexGuard<'_, State>) {
        if state.corked || state.blocked || state.listed {
            return;
        }
        match &mut state.carrier {
            Carrier::Polling(polling) => {
                if let Some(poll) = polling.poll.take() {
                    // A poll that went away leaves everything for the next one.
                    let _ = poll.send(());
                }
            }
            Carrier::WebSocket(_) => {
                state.listed = true;
                drop(state);
                self.writer.push(self.clone());
            }
            Carrier::Gone => {}
        }
    }

    /// Writes what waits. Called by the session's writer alone.
    pub fn flush(self: &Arc<Self>) {
        let (socket, mut batch) = {
            let mut state = self.state();
            state.listed = false;
            if state.blocked || state.corked {
                return;
            }
            let Carrier::WebSocket(socket) = &state.carrier else { return };
            (socket.clone(), std::mem::take(&mut state.queue))
        };
        // Not under the lock, which everybody who has something to say would wait for.
        match write(&socket, &mut batch) {
            Written::All => {
                let mut state = self.state();
                if !state.queue.is_empty() {
                    return;
                }
                if let Some(code) = state.leaving {
                    drop(state);
                    hang_up(&socket, code);
                } else if batch.capacity() <= QUEUE_KEPT {
                    state.queue = batch;
                }
            }
            Written::Some => {
                let mut state = self.state();
                batch.append(&mut state.queue);
                state.queue = batch;
                state.blocked = true;
                drop(state);
                tokio::spawn(unblock(self.clone(), socket));
            }
            Written::Failed => self.close(Closed::Lost),
        }
    }

    /// The next packets of a poll, or the way to wait for them.
    pub fn poll(&self, again: bool) -> Polled {
        let mut state = self.state();
        let leaving = state.leaving.is_some();
        let ready = leaving || (!state.queue.is_empty() && !state.corked);
        let polling = match &mut state.carrier {
            Carrier::Polling(polling) => polling,
            // The last word of polling: go on with the socket.
            Carrier::WebSocket(_) if again => return Polled::Packets(b"6".to_vec()),
            Carrier::WebSocket(_) => return Polled::Refused,
            Carrier::Gone => return Polled::Gone,
        };
        if polling.poll.as_ref().is_some_and(|poll| !poll.is_closed()) {
            return Polled::Refused;
        }
        if !ready && polling.upgrading {
            return Polled::Packets(b"6".to_vec());
        }
        if !ready {
            let (wake, woken) = oneshot::channel();
            polling.poll = Some(wake);
            return Polled::Wait(woken);
        }
        polling.poll = None;
        let mut packets = Vec::new();
        for packet in state.queue.drain(..) {
            packets.extend_from_slice(frame::payload(&packet));
            packets.push(SEPARATOR);
        }
        // The end in a body of its own: clients act on it before they have read what stands in front of it.
        if leaving && packets.is_empty() {
            packets.push(b'1');
            drop(state);
            self.close(Closed::ByServer);
        } else {
            packets.pop();
        }
        Polled::Packets(packets)
    }

    /// Marks that a body is being read, until the mark is dropped, also by a client that goes away half-way. `None` when
    /// one is being read already.
    pub fn begin_post(self: &Arc<Self>) -> Option<Posting> {
        match &mut self.state().carrier {
            Carrier::Polling(polling) if !polling.posting => polling.posting = true,
            _ => return None,
        }
        Some(Posting(self.clone()))
    }

    pub fn is_polling(&self) -> bool {
        matches!(self.state().carrier, Carrier::Polling(_))
    }

    /// A WebSocket answered the probe, or did not become one. False when this session cannot change over.
    pub fn set_upgrading(&self, upgrading: bool) -> bool {
        let mut state = self.state();
        let Carrier::Polling(polling) = &mut state.carrier else { return false };
        if upgrading && polling.upgrading {
            return false;
        }
        polling.upgrading = upgrading;
        if let Some(poll) = polling.poll.take().filter(|_| upgrading) {
            let _ = poll.send(());
        }
        true
    }

    /// From now on this socket carries the session. False when the session is gone.
    pub fn carry(self: &Arc<Self>, socket: Arc<Placed>) -> bool {
        let mut state = self.state();
        let Carrier::Polling(polling) = &mut state.carrier else { return false };
        if let Some(poll) = polling.poll.take() {
            let _ = poll.send(());
        }
        state.carrier = Carrier::WebSocket(socket);
        if !state.queue.is_empty() {
            self.wake(state);
        }
        true
    }

    /// A text of the client. `false` when it is not what the protocol says; the caller closes.
    pub fn heard(self: &Arc<Self>, text: &str) -> bool {
        match Engine::read(text) {
            Some(Engine::Message(message)) => self.message(message),
            Some(Engine::Pong) => {
                let mut state = self.state();
                if matches!(state.ping, Ping::Sent(_)) {
                    let interval = self.server.config.ping_interval.as_millis() as u64;
                    state.ping = Ping::DueAt(self.server.now_ms() + interval);
                }
                true
            }
            Some(Engine::Close) => {
                self.leave(NORMAL, Closed::Lost, None);
                true
            }
            Some(Engine::Noop) => true,
            Some(Engine::Ping(_) | Engine::Upgrade) | None => false,
        }
    }

    fn message(self: &Arc<Self>, text: &str) -> bool {
        let Some(packet) = Packet::read(text) else { return false };
        let mut state = self.state();
        if state.awaiting.is_some() {
            return false;
        }
        match (packet, &state.stage) {
            (Packet::Connect { auth }, Stage::Open) => {
                state.stage = Stage::Deciding;
                let mut shown = state.credentials.as_deref().map(Credentials::of_request).unwrap_or_default();
                drop(state);
                shown.auth = auth;
                tokio::spawn(decide(self.clone(), shown));
                true
            }
            (Packet::Connect { .. }, _) => true,
            (Packet::Elsewhere { namespace }, _) => {
                let refused = packet::refused(namespace, "Invalid namespace");
                drop(state);
                self.tell(refused);
                true
            }
            (Packet::Event(event), Stage::Connected(peer)) => {
                let peer = peer.clone();
                drop(state);
                peer.event(event);
                true
            }
            (Packet::BinaryEvent { event, attachments }, Stage::Connected(peer)) => {
                if attachments == 0 {
                    let peer = peer.clone();
                    drop(state);
                    peer.event(event);
                } else {
                    let Event { name, body, ack } = event;
                    state.awaiting =
                        Some(Box::new(Awaiting { name: name.into_owned(), body, ack, attachments }));
                }
                true
            }
            (Packet::Ack { attachments: 0 }, _) => true,
            (Packet::Disconnect, Stage::Connected(_)) => {
                let patience = self.server.config.connect_timeout.as_millis() as u64;
                state.patience_ms = self.server.now_ms() + patience;
                if let Stage::Connected(peer) = std::mem::replace(&mut state.stage, Stage::Open) {
                    drop(state);
                    peer.closed(Closed::ByClient);
                }
                true
            }
            // A goodbye may cross ours.
            (Packet::Disconnect, Stage::Open | Stage::Deciding) => true,
            (Packet::Lost | Packet::Event(_) | Packet::BinaryEvent { .. } | Packet::Ack { .. }, _) => false,
        }
    }

    /// A binary part of an event. We keep none: what has parts of this kind is nothing we understand, and is answered
    /// so.
    pub fn heard_binary(self: &Arc<Self>) -> bool {
        let mut state = self.state();
        let Some(awaiting) = state.awaiting.as_mut() else { return false };
        awaiting.attachments -= 1;
        if awaiting.attachments == 0
            && let Some(awaiting) = state.awaiting.take()
            && let Stage::Connected(peer) = &state.stage
        {
            let peer = peer.clone();
            drop(state);
            let Awaiting { name, body, ack, .. } = *awaiting;
            peer.event(Event { name: name.into(), body, ack });
        }
        true
    }

    /// A deadline of this session has come. Says when to look again; `None` when the session is over.
    pub fn look(self: &Arc<Self>, now_ms: u64) -> Option<u64> {
        let mut state = self.state();
        if matches!(state.carrier, Carrier::Gone) {
            return None;
        }
        let impatient = state.leaving.is_some() || matches!(state.stage, Stage::Open);
        if impatient && now_ms >= state.patience_ms {
            drop(state);
            self.close(Closed::TimedOut);
            return None;
        }
        let due = match state.ping {
            Ping::DueAt(at) if at <= now_ms => {
                let lost_at = now_ms + self.server.config.ping_timeout.as_millis() as u64;
                state.ping = Ping::Sent(lost_at);
                state.queue.push_back(packet::engine("2"));
                let patience_ms = state.patience_ms;
                self.wake(state);
                // An answer may make the next ping due long before the client would be given up.
                let soon = now_ms + self.server.config.ping_interval.as_millis() as u64;
                return Some(if impatient { soon.min(lost_at).min(patience_ms) } else { soon.min(lost_at) });
            }
            Ping::Sent(lost_at) if lost_at <= now_ms => {
                drop(state);
                self.close(Closed::TimedOut);
                return None;
            }
            Ping::DueAt(at) | Ping::Sent(at) => at,
        };
        Some(if impatient { due.min(state.patience_ms) } else { due })
    }

    /// Says goodbye to a client that did nothing wrong.
    pub fn goodbye(self: &Arc<Self>) {
        self.leave(GOING_AWAY, Closed::ByServer, Some(packet::engine("41")));
    }

    /// The session is over when what waits has left; then the client is given a moment to hang up.
    pub fn leave(self: &Arc<Self>, code: u16, why: Closed, last: Option<Bytes>) {
        let mut state = self.state();
        if state.leaving.is_some() || matches!(state.carrier, Carrier::Gone) {
            return;
        }
        let stage = std::mem::replace(&mut state.stage, Stage::Open);
        if matches!(stage, Stage::Connected(_)) {
            state.queue.extend(last);
        }
        state.awaiting = None;
        state.leaving = Some(code);
        state.patience_ms = self.server.now_ms() + self.server.config.goodbye_timeout.as_millis() as u64;
        self.server.pulse.watch(Arc::downgrade(self), state.patience_ms);
        self.wake(state);
        if let Stage::Connected(peer) = stage {
            tracing::debug!(?why, "socket closes");
            peer.closed(why);
        }
    }

    /// Whether nothing the client says counts any more.
    pub fn is_leaving(&self) -> bool {
        self.state().leaving.is_some()
    }

    /// Largest message of a client, in bytes.
    pub fn message_max(&self) -> usize {
        self.server.config.payload_max
    }

    pub fn upgrade_timeout(&self) -> std::time::Duration {
        self.server.config.upgrade_timeout
    }

    /// The session is over, now.
    pub fn close(&self, why: Closed) {
        let (carrier, stage) = {
            let mut state = self.state();
            if matches!(state.carrier, Carrier::Gone) {
                return;
            }
            state.queue = VecDeque::new();
            state.awaiting = None;
            state.place = None;
            let carrier = std::mem::replace(&mut state.carrier, Carrier::Gone);
            (carrier, std::mem::replace(&mut state.stage, Stage::Open))
        };
        self.server.sessions().remove(&self.id);
        match carrier {
            Carrier::Polling(polling) => {
                if let Some(poll) = polling.poll {
                    let _ = poll.send(());
                }
            }
            Carrier::WebSocket(socket) => socket.shut_down(),
            Carrier::Gone => {}
        }
        if let Stage::Connected(peer) = stage {
            tracing::debug!(?why, "socket closed");
            peer.closed(why);
        }
    }
}

/// Between two packets of a polling body.
pub(super) const SEPARATOR: u8 = 0x1e;

/// Everything was said: no more from us. The client answers by closing.
fn hang_up(socket: &Placed, code: u16) {
    let mut last = VecDeque::from([frame::close(code, "")]);
    // A socket that takes no more bytes now has a client that is not reading.
    let _ = write(socket, &mut last);
    socket.shut_down_writing();
}

/// Waits until a full socket takes bytes again.
async fn unblock(session: Arc<Session>, socket: Arc<Placed>) {
    let writable = socket.writable().await;
    let mut state = session.state();
    state.blocked = false;
    if writable.is_ok() {
        session.wake(state);
    }
}

/// Has the application decide a CONNECT.
async fn decide(session: Arc<Session>, shown: Credentials) {
    let decided = session.server.application.connect(shown).await;
    let mut state = session.state();
    if matches!(state.carrier, Carrier::Gone) || state.leaving.is_some() {
        return;
    }
    let welcome = match decided {
        Ok(welcome) => welcome,
        Err(message) => {
            state.stage = Stage::Open;
            drop(state);
            session.tell(packet::refused("/", &message));
            return;
        }
    };
    // The acceptance comes before anything the application says, and the peer is there before the client can answer.
    state.queue.push_back(packet::connected(&session.sid(), welcome.pid.as_deref()));
    state.corked = true;
    drop(state);
    let peer = (welcome.begin)(Socket(session.clone()));
    let mut state = session.state();
    state.corked = false;
    if matches!(state.carrier, Carrier::Gone) || state.leaving.is_some() {
        // What was said meanwhile still leaves; it may say why this is the end.
        session.wake(state);
        peer.closed(Closed::Lost);
        return;
    }
    state.stage = Stage::Connected(peer);
    state.credentials = None;
    state.place = None;
    session.wake(state);
}

impl Credentials {
    /// What the request showed; it counts for every CONNECT that follows.
    fn of_request(&self) -> Self {
        Self { auth: None, bearer: self.bearer.clone(), query: self.query.clone() }
    }
}

impl Socket {
    /// Puts a packet made by [`super::event_frame`] or [`super::ack_frame`] into the client's queue. A closed socket
    /// takes everything and says nothing.
    ///
    /// # Errors
    /// [`Full`]: the packet is not in the queue, and the client would see a stream with a hole.
    pub fn send(&self, packet: Bytes) -> Result<(), Full> {
        self.0.send(packet)
    }

    /// Says goodbye; what is queued still arrives before it.
    pub fn goodbye(&self) {
        self.0.goodbye();
    }

    /// Gives the client up without a goodbye.
    pub fn cut_off(&self) {
        self.0.close(Closed::ByServer);
    }

    /// Whether both are the same socket.
    pub fn is(&self, other: &Self) -> bool {
        self.0.id == other.0.id
    }
}
