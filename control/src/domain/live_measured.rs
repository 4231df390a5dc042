//! Whose media somebody may look at in figures, and what of it.

use plenum_shared::id::{ConsumerId, DataConsumerId, DataProducerId, ProducerId, TransportId};

use super::error::DomainError;
use super::id::ParticipantId;
use super::live::LiveMeeting;
use super::participant::{ConnectionId, Participant};
use super::policy::Action;

/// What somebody wants figures of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Measured {
    /// The session that asks, whole.
    Own,
    /// The session of somebody, whole: by session, roster line or account.
    Of(String),
    Transport(TransportId),
    Producer(ProducerId),
    Consumer(ConsumerId),
    DataProducer(DataProducerId),
    DataConsumer(DataConsumerId),
}

impl LiveMeeting {
    /// The session that has what is to be measured. Of several sessions of one person the one that asks, or the newest.
    ///
    /// # Errors
    /// Not inside, nobody of that name, somebody else's connection without the right to see it, or a thing of somebody
    /// else.
    pub fn measured(&self, connection: ConnectionId, what: &Measured) -> Result<ParticipantId, DomainError> {
        let viewer = self.of_connection(connection)?;
        let own = viewer.id;
        match what {
            Measured::Own => Ok(own),
            Measured::Of(named) => self.may_look_at(connection, viewer, named),
            Measured::Transport(id) => self.own_transport(connection, *id).map(|()| own),
            Measured::Producer(id) => self.own_producer(connection, *id).map(|_| own),
            Measured::Consumer(id) => self.own_consumer(connection, *id).map(|_| own),
            Measured::DataProducer(id) => self.own_data_producer(connection, *id).map(|_| own),
            Measured::DataConsumer(id) => self.own_data_consumer(connection, *id).map(|()| own),
        }
    }

    fn may_look_at(
        &self,
        connection: ConnectionId,
        viewer: &Participant,
        named: &str,
    ) -> Result<ParticipantId, DomainError> {
        let meant = self.resolve(named);
        if meant.contains(&viewer.id) {
            return Ok(viewer.id);
        }
        let newest = meant.last().and_then(|id| self.participant(*id));
        // Another device of one's own is oneself.
        if newest.is_none_or(|newest| newest.person != viewer.person) {
            self.allowed(connection, Action::ViewConnections)?;
        }
        newest.map(|newest| newest.id).ok_or(DomainError::ParticipantNotFound)
    }
}
