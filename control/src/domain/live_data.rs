//! The data channels of a running meeting: who sends messages past the server's eyes, and who gets them. As
//! [`super::live_media`] does for tracks, it mirrors the media plane and decides what may be asked of it.
//!
//! A data channel is a way to write to the others, so whoever may chat may open one, in the same rooms and as long.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use plenum_shared::{
    event::DataCloseReason,
    id::{DataConsumerId, DataProducerId, SessionId, TransportId},
    transport::SctpStreamParameters,
};

use super::error::DomainError;
use super::event::{Audience, DomainEvent, Notice};
use super::id::{MeetingId, ParticipantId};
use super::live::LiveMeeting;
use super::participant::{ConnectionId, Participant};
use super::policy::Action;

/// Data channels one session may open at once, as many as the media plane takes of one transport.
pub const DATA_PRODUCERS_MAX: usize = 16;
/// Data channels of others one session may receive at once, as many as the media plane takes of one transport.
pub const DATA_CONSUMERS_MAX: usize = 64;
/// Bytes of a channel's label and of its protocol. The W3C allows 65535; everybody who enters is told all of them.
pub const NAME_BYTES_MAX: usize = 255;

/// What a data channel is for, in its owner's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataNames {
    /// Shared: everybody who enters is told of it.
    pub label: Arc<str>,
    /// A sub-protocol of the application; may be empty as well.
    pub protocol: Arc<str>,
}

impl DataNames {
    /// Checks the sizes.
    ///
    /// # Errors
    /// A text that is too long, by its name.
    pub fn new(label: &str, protocol: &str) -> Result<Self, DomainError> {
        for (field, text) in [("label", label), ("protocol", protocol)] {
            if text.len() > NAME_BYTES_MAX {
                return Err(DomainError::invalid(field, format!("must have at most {NAME_BYTES_MAX} bytes")));
            }
        }
        Ok(Self { label: label.into(), protocol: protocol.into() })
    }
}

/// One data channel of a session, whose messages others may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataProducer {
    pub id: DataProducerId,
    pub transport: TransportId,
    pub names: DataNames,
}

/// Ends that the media plane told of before it answered that there was a beginning: answers and facts overtake each
/// other. The latest of one session, more than it can wait for at once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EarlyEnds {
    producers: VecDeque<DataProducerId>,
    consumers: VecDeque<DataConsumerId>,
}

/// Ends that are remembered of each kind.
const EARLY_ENDS_MAX: usize = 16;

impl EarlyEnds {
    fn note<T>(ends: &mut VecDeque<T>, id: T) {
        if ends.len() >= EARLY_ENDS_MAX {
            ends.pop_front();
        }
        ends.push_back(id);
    }
}

/// One subscription to a data channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DataConsumer {
    pub id: DataConsumerId,
    pub transport: TransportId,
    pub producer: DataProducerId,
    /// What its messages come on.
    pub stream: SctpStreamParameters,
}

/// A data channel whose messages somebody may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reachable {
    pub owner: ParticipantId,
    pub names: DataNames,
    /// He has them already.
    pub subscription: Option<DataConsumer>,
}

impl LiveMeeting {
    /// Whether this connection may open a data channel on a transport now.
    ///
    /// # Errors
    /// Not inside, not allowed, not its own transport to send, too many channels.
    pub fn may_produce_data(
        &self,
        connection: ConnectionId,
        transport: TransportId,
    ) -> Result<(), DomainError> {
        self.allowed(connection, Action::SendData)?;
        let participant = self.of_connection(connection)?;
        if participant.send_transport != Some(transport) {
            return Err(DomainError::TransportNotFound);
        }
        if participant.data_producers.len() >= DATA_PRODUCERS_MAX {
            return Err(DomainError::MediaRefused("too many data channels".to_owned()));
        }
        Ok(())
    }

    /// A data channel is open: the others may have its messages.
    ///
    /// # Errors
    /// The participant, the transport or the right to it went meanwhile, or the channel itself.
    pub fn add_data_producer(
        &mut self,
        connection: ConnectionId,
        producer: DataProducer,
    ) -> Result<Vec<Notice>, DomainError> {
        self.own_transport(connection, producer.transport)?;
        let id = self.allowed(connection, Action::SendData)?;
        let participant = self.participants.get_mut(&id).ok_or(DomainError::NotInMeeting)?;
        if participant.early_ends.producers.contains(&producer.id) {
            return Err(DomainError::Unavailable);
        }
        let event = added(self.meeting.id, id, &producer);
        participant.data_producers.push(producer);
        Ok(vec![Notice::new(self.room_mates(id), event)])
    }

    /// Its owner closes a data channel.
    ///
    /// # Errors
    /// Not his channel.
    pub fn close_data_producer(
        &mut self,
        connection: ConnectionId,
        producer: DataProducerId,
    ) -> Result<Vec<Notice>, DomainError> {
        let id = self.own_data_producer(connection, producer)?;
        Ok(self.drop_data_producers(id, |channel| channel.id == producer))
    }

    /// Whose channel it is, if it is this connection's.
    ///
    /// # Errors
    /// `NotInMeeting` or `ProducerNotFound`.
    pub fn own_data_producer(
        &self,
        connection: ConnectionId,
        producer: DataProducerId,
    ) -> Result<ParticipantId, DomainError> {
        let participant = self.of_connection(connection)?;
        let owns = participant.data_producers.iter().any(|channel| channel.id == producer);
        if owns { Ok(participant.id) } else { Err(DomainError::ProducerNotFound) }
    }

    /// Whether this connection may have the messages of a data channel now, over a transport.
    ///
    /// # Errors
    /// Not inside, no such channel within reach, not its own transport to receive, too many subscriptions.
    pub fn may_consume_data(
        &self,
        connection: ConnectionId,
        transport: TransportId,
        producer: DataProducerId,
    ) -> Result<Reachable, DomainError> {
        let viewer = self.of_connection(connection)?;
        if viewer.recv_transport != Some(transport) {
            return Err(DomainError::TransportNotFound);
        }
        // What another room sends is not there.
        let (owner, names) = self
            .data_producer(producer)
            .filter(|(owner, _)| self.together(viewer.id, owner.id))
            .map(|(owner, channel)| (owner.id, channel.names.clone()))
            .ok_or(DomainError::ProducerNotFound)?;
        let subscription = viewer.data_consumers.iter().find(|one| one.producer == producer).copied();
        if subscription.is_none() && viewer.data_consumers.len() >= DATA_CONSUMERS_MAX {
            return Err(DomainError::MediaRefused("too many data channels".to_owned()));
        }
        Ok(Reachable { owner, names, subscription })
    }

    /// A subscription to a data channel exists.
    ///
    /// # Errors
    /// The receiver, the transport, the channel or the subscription itself went meanwhile, or to another room.
    pub fn add_data_consumer(
        &mut self,
        connection: ConnectionId,
        consumer: DataConsumer,
    ) -> Result<(), DomainError> {
        self.own_transport(connection, consumer.transport)?;
        let id = self.of_connection(connection)?.id;
        let owner = self.data_producer(consumer.producer).map(|(owner, _)| owner.id);
        if !owner.is_some_and(|owner| self.together(owner, id)) {
            return Err(DomainError::ProducerNotFound);
        }
        let participant = self.participants.get_mut(&id).ok_or(DomainError::NotInMeeting)?;
        if participant.early_ends.consumers.contains(&consumer.id) {
            return Err(DomainError::Unavailable);
        }
        participant.data_consumers.push(consumer);
        Ok(())
    }

    /// Whether a subscription is this connection's.
    ///
    /// # Errors
    /// `NotInMeeting` or `ConsumerNotFound`.
    pub fn own_data_consumer(
        &self,
        connection: ConnectionId,
        consumer: DataConsumerId,
    ) -> Result<(), DomainError> {
        let owns = self.of_connection(connection)?.data_consumers.iter().any(|one| one.id == consumer);
        if owns { Ok(()) } else { Err(DomainError::ConsumerNotFound) }
    }

    /// The receiver wants no more messages of a data channel.
    ///
    /// # Errors
    /// Not his subscription.
    pub fn close_data_consumer(
        &mut self,
        connection: ConnectionId,
        consumer: DataConsumerId,
    ) -> Result<(), DomainError> {
        self.own_data_consumer(connection, consumer)?;
        let id = self.of_connection(connection)?.id;
        if let Some(participant) = self.participants.get_mut(&id) {
            participant.data_consumers.retain(|one| one.id != consumer);
        }
        Ok(())
    }

    /// The media plane says that a data channel is over, with all subscriptions to it.
    pub fn data_producer_closed(&mut self, session: SessionId, producer: DataProducerId) -> Vec<Notice> {
        let id = ParticipantId(session.0);
        let Some(owner) = self.participants.get_mut(&id) else { return Vec::new() };
        if !owner.data_producers.iter().any(|channel| channel.id == producer) {
            EarlyEnds::note(&mut owner.early_ends.producers, producer);
            return Vec::new();
        }
        self.drop_data_producers(id, |channel| channel.id == producer)
    }

    /// The media plane does not know a data channel that somebody asked for: it has ended, and nobody heard.
    pub fn data_producer_missing(&mut self, producer: DataProducerId) -> Vec<Notice> {
        let Some(owner) = self.data_producer(producer).map(|(owner, _)| owner.id) else { return Vec::new() };
        self.drop_data_producers(owner, |channel| channel.id == producer)
    }

    /// The media plane says that a subscription is over.
    pub fn data_consumer_closed(
        &mut self,
        session: SessionId,
        consumer: DataConsumerId,
        reason: DataCloseReason,
    ) -> Vec<Notice> {
        let id = ParticipantId(session.0);
        let Some(participant) = self.participants.get_mut(&id) else { return Vec::new() };
        let Some(position) = participant.data_consumers.iter().position(|one| one.id == consumer) else {
            EarlyEnds::note(&mut participant.early_ends.consumers, consumer);
            return Vec::new();
        };
        participant.data_consumers.remove(position);
        vec![Notice::new(Audience::One(id), DomainEvent::DataConsumerClosed { consumer, reason })]
    }

    pub(super) fn drop_data_producers(
        &mut self,
        id: ParticipantId,
        gone: impl Fn(&DataProducer) -> bool,
    ) -> Vec<Notice> {
        let meeting = self.meeting.id;
        let Some(participant) = self.participants.get_mut(&id) else { return Vec::new() };
        let dropped: Vec<_> =
            participant.data_producers.extract_if(.., |channel| gone(channel)).map(|one| one.id).collect();
        self.drop_data_subscriptions_to(&dropped);
        let event = |producer| DomainEvent::DataProducerClosed { meeting, participant: id, producer };
        dropped.into_iter().map(|producer| Notice::new(self.room_of(id), event(producer))).collect()
    }

    /// The media plane drops them by itself when the channel goes.
    pub(super) fn drop_data_subscriptions_to(&mut self, producers: &[DataProducerId]) {
        if producers.is_empty() {
            return;
        }
        for participant in self.participants.values_mut() {
            participant.data_consumers.retain(|one| !producers.contains(&one.producer));
        }
    }

    /// Ends the subscriptions of people to the channels of somebody who is not with them any more.
    pub(super) fn part_data(&mut self, id: ParticipantId, left: &[ParticipantId]) -> Vec<DataConsumerId> {
        let channels = self.participants.get(&id).map(|owner| owner.data_producers.as_slice());
        let channels: Vec<_> = channels.unwrap_or_default().iter().map(|channel| channel.id).collect();
        let mut ended = Vec::new();
        for receiver in left.iter().filter(|_| !channels.is_empty()) {
            let Some(receiver) = self.participants.get_mut(receiver) else { continue };
            let gone = receiver.data_consumers.extract_if(.., |one| channels.contains(&one.producer));
            ended.extend(gone.map(|one| one.id));
        }
        ended
    }

    /// The channels of one session, as those hear of them who come within reach of it or go out of it.
    pub(super) fn channels_told(&self, id: ParticipantId, hear: &[ParticipantId], near: bool) -> Vec<Notice> {
        let Some(owner) = self.participants.get(&id).filter(|_| !hear.is_empty()) else { return Vec::new() };
        let (meeting, to) = (self.meeting.id, Audience::These(hear.to_vec()));
        let channels = owner.data_producers.iter().map(|channel| match near {
            true => added(meeting, id, channel),
            false => DomainEvent::DataProducerClosed { meeting, participant: id, producer: channel.id },
        });
        channels.map(|event| Notice::new(to.clone(), event)).collect()
    }

    /// What the channels are for that a session opened or receives.
    pub fn channel_names(&self, id: ParticipantId) -> HashMap<DataProducerId, DataNames> {
        let Some(Participant { data_producers, data_consumers, .. }) = self.participants.get(&id) else {
            return HashMap::new();
        };
        let received = data_consumers.iter().filter_map(|one| self.data_producer(one.producer));
        let channels = data_producers.iter().chain(received.map(|(_, channel)| channel));
        channels.map(|channel| (channel.id, channel.names.clone())).collect()
    }

    fn data_producer(&self, id: DataProducerId) -> Option<(&Participant, &DataProducer)> {
        self.participants.values().find_map(|owner| {
            owner.data_producers.iter().find(|channel| channel.id == id).map(|channel| (owner, channel))
        })
    }
}

fn added(meeting: MeetingId, participant: ParticipantId, channel: &DataProducer) -> DomainEvent {
    DomainEvent::DataProducerAdded {
        meeting,
        participant,
        producer: channel.id,
        names: channel.names.clone(),
    }
}

#[cfg(test)]
mod tests;
