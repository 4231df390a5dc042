//! Events on their way to the raw WebSockets: rendered once, encoded once, and the same bytes for each.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::socket_line::Line;
use super::socket_view::{self, Said};
use crate::domain::event::DomainEvent;
use crate::domain::participant::ConnectionId;
use crate::hub::Outlet;
use crate::service::clock::Clock;

/// All lines, by connection.
pub(super) struct SocketOutlet {
    clock: Clock,
    /// As many as there are open sockets.
    lines: RwLock<HashMap<ConnectionId, Arc<Line>>>,
}

impl SocketOutlet {
    pub fn new(clock: Clock) -> Self {
        Self { clock, lines: RwLock::default() }
    }

    pub fn add(&self, line: Arc<Line>) {
        self.lines.write().unwrap_or_else(PoisonError::into_inner).insert(line.id, line);
    }

    pub fn remove(&self, id: ConnectionId) {
        self.lines.write().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }

    /// Those whose credential's time is over.
    pub fn expired(&self, now_s: i64) -> Vec<ConnectionId> {
        let lines = self.lines.read().unwrap_or_else(PoisonError::into_inner);
        lines.values().filter(|line| line.has_expired(now_s)).map(|line| line.id).collect()
    }
}

impl Outlet for SocketOutlet {
    fn deliver(&self, event: &DomainEvent, to: &[ConnectionId]) -> Vec<ConnectionId> {
        let now = self.clock.now();
        let (said, end) = (socket_view::event(event, now), socket_view::end(event));
        if matches!(said, Said::Nothing) && end.is_none() {
            // Nobody misses what has no words here.
            return Vec::new();
        }
        let lines = self.lines.read().unwrap_or_else(PoisonError::into_inner);
        let mut missed = Vec::new();
        for id in to {
            let taken = lines.get(id).is_some_and(|line| {
                let waited = line.follow(event);
                let taken = match &said {
                    Said::Nothing => true,
                    Said::Same(frame) => line.knows(event) || line.send(frame.clone()),
                    Said::Personal => socket_view::personal(event, line, waited, now)
                        .into_iter()
                        .all(|frame| line.send(frame)),
                };
                if let Some(end) = end {
                    line.end(end);
                }
                taken
            });
            if !taken {
                missed.push(*id);
            }
        }
        missed
    }
}
