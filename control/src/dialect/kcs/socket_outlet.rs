//! Events on their way to the sockets of this dialect: rendered once, encoded once, and the same bytes for each.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use metrics::counter;
use serde::Serialize;
use serde_json::Value;

use super::socket_line::Line;
use super::socket_view;
use crate::domain::event::DomainEvent;
use crate::domain::participant::ConnectionId;
use crate::hub::Outlet;
use crate::socketio::{Full, event_frame};

/// All lines, by connection.
pub(super) struct SocketOutlet {
    ice_servers: Value,
    /// As many as there are open sockets, and sockets that may come back.
    lines: RwLock<HashMap<ConnectionId, Arc<Line>>>,
    /// Numbers events for those who resume. One for the whole process, so that a room shares the bytes.
    last_offset: AtomicU64,
}

impl SocketOutlet {
    pub fn new(ice_servers: Value) -> Self {
        Self { ice_servers, lines: RwLock::default(), last_offset: AtomicU64::new(0) }
    }

    pub fn add(&self, line: Arc<Line>) {
        self.lines.write().unwrap_or_else(PoisonError::into_inner).insert(line.id, line);
    }

    pub fn remove(&self, id: ConnectionId) {
        self.lines.write().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }

    /// Every line there is.
    pub fn lines(&self) -> Vec<Arc<Line>> {
        self.lines.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Those whose credential's time is over.
    pub fn expired(&self, now_s: i64) -> Vec<ConnectionId> {
        let lines = self.lines.read().unwrap_or_else(PoisonError::into_inner);
        lines.values().filter(|line| line.has_expired(now_s)).map(|line| line.id).collect()
    }

    /// An event for some lines.
    pub fn encode<'a>(&'a self, name: &'a str, payload: &impl Serialize) -> Encoded<'a> {
        let json = serde_json::to_vec(payload).expect("our payloads are JSON: their maps have text keys");
        let (plain, counted) = (OnceCell::new(), OnceCell::new());
        Encoded { name, json, plain, counted, last_offset: &self.last_offset }
    }
}

/// An event as bytes, each of its two forms made when somebody needs it.
pub(super) struct Encoded<'a> {
    name: &'a str,
    json: Vec<u8>,
    plain: OnceCell<Bytes>,
    counted: OnceCell<(u64, Bytes)>,
    last_offset: &'a AtomicU64,
}

impl Encoded<'_> {
    /// For clients that do not count.
    pub fn plain(&self) -> Bytes {
        self.plain.get_or_init(|| event_frame(self.name, &self.json, None)).clone()
    }

    /// With its offset, for clients that may resume behind it.
    pub fn counted(&self) -> (u64, Bytes) {
        let make = || {
            let offset = self.last_offset.fetch_add(1, Ordering::Relaxed) + 1;
            (offset, event_frame(self.name, &self.json, Some(offset)))
        };
        self.counted.get_or_init(make).clone()
    }
}

impl Outlet for SocketOutlet {
    fn deliver(&self, event: &DomainEvent, to: &[ConnectionId]) -> Vec<ConnectionId> {
        let (name, payload) = socket_view::event(event, &self.ice_servers);
        let encoded = self.encode(name, &payload);
        let (mut behind, mut missed, mut parting) = (Vec::new(), Vec::new(), Vec::new());
        {
            let lines = self.lines.read().unwrap_or_else(PoisonError::into_inner);
            for id in to {
                match lines.get(id).map(|line| (line, line.send(&encoded))) {
                    Some((line, Ok(()))) => {
                        parting.extend(matches!(event, DomainEvent::AccessEnded(_)).then(|| line.clone()));
                        continue;
                    }
                    Some((line, Err(Full))) => behind.push(line.clone()),
                    None => {}
                }
                missed.push(*id);
            }
        }
        parting.iter().for_each(Line::part);
        // A client that missed an event it must not miss would see a stream with a hole.
        if !may_be_missed(event) {
            for line in behind {
                counter!("plenum_sockets_cut_off_total").increment(1);
                tracing::warn!(connection = line.id.0, "a client does not keep up and is disconnected");
                line.give_up();
            }
        }
        missed
    }
}

/// Whether the next event of its kind makes up for this one.
fn may_be_missed(event: &DomainEvent) -> bool {
    match event {
        DomainEvent::ActiveSpeaker { .. }
        | DomainEvent::ActiveSpeakers { .. }
        | DomainEvent::QualityChanged { .. } => true,
        DomainEvent::Chat(event) => event.may_be_missed(),
        _ => false,
    }
}
