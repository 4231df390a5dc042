//! Everybody inside one meeting, found by session and by connection. Shared with whoever is told who is there, and
//! copied only when somebody changes while that is being told.

use std::collections::HashMap;
use std::sync::Arc;

use super::id::ParticipantId;
use super::participant::{ConnectionId, Participant};

/// See the module.
#[derive(Debug, Clone, Default)]
pub(super) struct Inside {
    /// As many as admission lets in.
    inside: HashMap<ParticipantId, Arc<Participant>>,
    by_connection: HashMap<ConnectionId, ParticipantId>,
}

impl Inside {
    pub fn get(&self, id: &ParticipantId) -> Option<&Participant> {
        self.inside.get(id).map(Arc::as_ref)
    }

    pub fn get_mut(&mut self, id: &ParticipantId) -> Option<&mut Participant> {
        self.inside.get_mut(id).map(Arc::make_mut)
    }

    /// Who speaks over a connection.
    pub fn of_connection(&self, connection: ConnectionId) -> Option<&Participant> {
        self.by_connection.get(&connection).and_then(|id| self.get(id))
    }

    pub fn contains_key(&self, id: &ParticipantId) -> bool {
        self.inside.contains_key(id)
    }

    pub fn insert(&mut self, id: ParticipantId, participant: Participant) {
        self.by_connection.insert(participant.connection, id);
        self.inside.insert(id, Arc::new(participant));
    }

    /// A socket speaks for somebody from now on. A request that was under way still does, over what stood for his connection when
    /// he had none; another socket does no more.
    pub fn reconnect(&mut self, id: ParticipantId, connection: ConnectionId) {
        let Some(participant) = self.get_mut(&id) else { return };
        let had_socket = std::mem::replace(&mut participant.has_socket, true);
        let old = std::mem::replace(&mut participant.connection, connection);
        if had_socket {
            self.by_connection.remove(&old);
        }
        self.by_connection.insert(connection, id);
    }

    pub fn remove(&mut self, id: &ParticipantId) -> Option<Participant> {
        let gone = self.inside.remove(id)?;
        self.by_connection.retain(|_, other| other != id);
        Some(Arc::unwrap_or_clone(gone))
    }

    pub fn values(&self) -> impl Iterator<Item = &Participant> {
        self.inside.values().map(Arc::as_ref)
    }

    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut Participant> {
        self.inside.values_mut().map(Arc::make_mut)
    }

    /// Everybody, to be told to somebody else, in order of joining.
    pub fn shared(&self) -> Vec<Arc<Participant>> {
        let mut inside: Vec<_> = self.inside.values().cloned().collect();
        inside.sort_by_key(|participant| participant.order);
        inside
    }

    pub fn len(&self) -> usize {
        self.inside.len()
    }

    pub fn is_empty(&self) -> bool {
        self.inside.is_empty()
    }

    pub fn clear(&mut self) {
        *self = Self::default();
    }
}
