//! Events on their way to the sockets of this dialect: rendered once, written to each.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use metrics::counter;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};
use socketioxide::extract::SocketRef;
use socketioxide::{SendError, SocketError};
use tokio_util::sync::CancellationToken;

use super::socket_view;
use crate::domain::event::DomainEvent;
use crate::domain::participant::ConnectionId;
use crate::hub::Outlet;

/// How often a socket whose buffer is full is asked to close, and how often in all: until the client reads, or the ping
/// timeout of the engine ends it.
const CUT_OFF_EVERY: Duration = Duration::from_millis(100);
const CUT_OFF_TRIES: u32 = 900;

/// All sockets, by connection.
pub(super) struct SocketOutlet {
    ice_servers: Value,
    /// As many as there are open sockets.
    sockets: RwLock<HashMap<ConnectionId, Line>>,
}

/// A socket, and what ends the connection behind it.
struct Line {
    socket: SocketRef,
    end: CancellationToken,
}

/// Sockets that did not take an event.
#[derive(Default)]
struct Missed {
    /// Too far behind.
    full: Vec<ConnectionId>,
    /// Closed, or about to be.
    gone: Vec<ConnectionId>,
}

impl SocketOutlet {
    pub fn new(ice_servers: Value) -> Self {
        Self { ice_servers, sockets: RwLock::default() }
    }

    pub fn ice_servers(&self) -> &Value {
        &self.ice_servers
    }

    pub fn add(&self, id: ConnectionId, socket: SocketRef, end: CancellationToken) {
        self.sockets.write().unwrap_or_else(PoisonError::into_inner).insert(id, Line { socket, end });
    }

    pub fn remove(&self, id: ConnectionId) {
        self.take(id);
    }

    fn take(&self, id: ConnectionId) -> Option<Line> {
        self.sockets.write().unwrap_or_else(PoisonError::into_inner).remove(&id)
    }

    /// Gives up a client that does not keep up: it would see a stream with a hole. It hears nothing more and is out of
    /// its meetings at once; the socket is closed as soon as its buffer takes the goodbye.
    pub fn cut_off(&self, id: ConnectionId) {
        let Some(Line { socket, end }) = self.take(id) else { return };
        end.cancel();
        counter!("plenum_sockets_cut_off_total").increment(1);
        tracing::warn!(socket = %socket.id, "a client does not keep up and is disconnected");
        tokio::spawn(async move {
            for _ in 0..CUT_OFF_TRIES {
                if !socket.connected() || socket.clone().disconnect().is_ok() {
                    return;
                }
                tokio::time::sleep(CUT_OFF_EVERY).await;
            }
        });
    }

    fn write(&self, name: &str, payload: &RawValue, to: &[ConnectionId]) -> Missed {
        let sockets = self.sockets.read().unwrap_or_else(PoisonError::into_inner);
        let mut missed = Missed::default();
        for id in to {
            match sockets.get(id).map(|line| line.socket.emit(name, payload)) {
                Some(Ok(())) => {}
                Some(Err(SendError::Socket(SocketError::InternalChannelFull))) => missed.full.push(*id),
                Some(Err(_)) | None => missed.gone.push(*id),
            }
        }
        missed
    }
}

impl Outlet for SocketOutlet {
    fn deliver(&self, event: &DomainEvent, to: &[ConnectionId]) -> Vec<ConnectionId> {
        let (name, payload) = socket_view::event(event, &self.ice_servers);
        let Ok(payload) = to_raw_value(&payload) else { return to.to_vec() };
        let missed = self.write(name, &payload, to);
        if !may_be_missed(event) {
            missed.full.iter().for_each(|id| self.cut_off(*id));
        }
        [missed.full, missed.gone].concat()
    }
}

/// Whether the next event of its kind makes up for this one.
fn may_be_missed(event: &DomainEvent) -> bool {
    match event {
        DomainEvent::ActiveSpeaker { .. } | DomainEvent::QualityChanged { .. } => true,
        DomainEvent::Chat(event) => event.may_be_missed(),
        _ => false,
    }
}
