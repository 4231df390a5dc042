//! A Socket.IO server: Engine.IO 4 and Socket.IO 5 over long polling and WebSocket, one namespace, no rules of ours.
//!
//! [`serve`] answers HTTP and tells new sessions from old ones; [`session`] is one client whatever carries it;
//! [`websocket`] reads one socket; [`writers`] write to all of them; [`pulse`] pings and notices who is gone;
//! [`strangers`] counts who has not said who he is; [`packet`] is the words and is pure; frames are
//! [`crate::websocket`]'s. A dialect is an [`Application`]: it decides who may connect and
//! hears what connected sockets say.
//!
//! What it is made for: an event is encoded once, with its WebSocket header, and every socket of a room is given the
//! same bytes; everything that waits for one socket leaves with one system call; an idle socket costs a small task, its
//! session and nothing else, above all no buffers.

mod packet;
mod pulse;
mod serve;
mod session;
mod strangers;
mod websocket;
mod writers;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use serde_json::Value;

use crate::http::peer::TrustedProxies;

pub use packet::{Event, ack_frame, event_frame};
pub use serve::intercept;
pub use session::{Full, Socket};

use pulse::Pulse;
use session::Session;
use strangers::Strangers;
use writers::Writers;

/// Sessions open at once, by polling too. Beyond it new ones are refused as unavailable; connections are bounded by the
/// listeners, but a polling session needs none.
const SESSIONS_MAX: usize = 65_536;

/// What a dialect does with sockets.
pub trait Application: Send + Sync + 'static {
    /// Decides a CONNECT, before which a socket can do nothing. The text of a refusal reaches the client.
    fn connect(&self, credentials: Credentials) -> BoxFuture<'static, Result<Welcome, String>>;
}

/// What a client showed so far.
#[derive(Debug, Default, PartialEq)]
pub struct Credentials {
    /// What came with CONNECT.
    pub auth: Option<Value>,
    /// The request's `Authorization: Bearer`.
    pub bearer: Option<String>,
    /// The address's `token`.
    pub query: Option<String>,
}

/// Somebody may connect.
pub struct Welcome {
    /// By which a resuming client will name itself; only told to clients that asked.
    pub pid: Option<String>,
    /// Takes the socket over. What it sends follows the acceptance.
    pub begin: Box<dyn FnOnce(Socket) -> Arc<dyn Peer> + Send>,
}

/// Who speaks over a connected socket. Calls come in the client's order and must not wait.
pub trait Peer: Send + Sync + 'static {
    /// The client said something.
    fn event(&self, event: Event<'_>);

    /// The socket is gone. Called once, last.
    fn closed(&self, why: Closed);
}

/// Why a socket is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// The client said goodbye.
    ByClient,
    /// We did.
    ByServer,
    /// The connection ended without a goodbye.
    Lost,
    /// Nothing was heard for too long.
    TimedOut,
    /// The client broke the protocol.
    Broken,
}

/// Times and bounds.
#[derive(Debug, Clone, Copy)]
pub struct Config {
    pub ping_interval: Duration,
    pub ping_timeout: Duration,
    /// From opening to CONNECT.
    pub connect_timeout: Duration,
    /// From asking for an upgrade to completing it.
    pub upgrade_timeout: Duration,
    /// From our goodbye to hanging up.
    pub goodbye_timeout: Duration,
    /// Largest message of a client, and largest body of a polling request, in bytes.
    pub payload_max: usize,
    /// Packets waiting for one client.
    pub queue_max: usize,
}

/// The server. Cheap to clone.
#[derive(Clone)]
pub struct Server(Arc<Inner>);

struct Inner {
    config: Config,
    application: Arc<dyn Application>,
    sessions: Mutex<HashMap<u128, Arc<Session>>>,
    /// Whose word about a client's address counts.
    proxies: TrustedProxies,
    strangers: Strangers,
    writers: Writers,
    pulse: Pulse,
    started: Instant,
}

impl Server {
    /// Starts the tasks every socket shares. Must be called inside a runtime.
    pub fn start(config: Config, proxies: TrustedProxies, application: Arc<dyn Application>) -> Self {
        let inner = Inner {
            config,
            application,
            sessions: Mutex::default(),
            proxies,
            strangers: Strangers::default(),
            writers: Writers::new(),
            pulse: Pulse::default(),
            started: Instant::now(),
        };
        let inner = Arc::new(inner);
        inner.writers.start();
        tokio::spawn(pulse::run(Arc::downgrade(&inner)));
        Self(inner)
    }

    /// Says goodbye to every client and waits until they are gone, at most so long.
    pub async fn drain(&self, at_most: Duration) {
        let sessions: Vec<_> = self.0.sessions().values().cloned().collect();
        sessions.iter().for_each(|session| session.goodbye());
        drop(sessions);
        let deadline = Instant::now() + at_most;
        while !self.0.sessions().is_empty() && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let rest: Vec<_> = self.0.sessions().values().cloned().collect();
        rest.iter().for_each(|session| session.close(Closed::ByServer));
    }
}

impl Inner {
    fn sessions(&self) -> MutexGuard<'_, HashMap<u128, Arc<Session>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Milliseconds since the start.
    fn now_ms(&self) -> u64 {
        self.started.elapsed().as_millis() as u64
    }
}

#[cfg(test)]
mod tests;
