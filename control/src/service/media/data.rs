//! Data channels: asked of the media plane and noted in the meeting as tracks are.

use plenum_shared::{
    command::{RefusalReason, Reply, RoomCommand},
    id::{DataConsumerId, DataProducerId, RoomId, TransportId},
    transport::SctpStreamParameters,
};

use super::{Asker, Media, refused};
use crate::domain::actor::Actor;
use crate::domain::error::DomainError;
use crate::domain::id::ParticipantId;
use crate::domain::limit::{Budget, LimitedAction};
use crate::domain::live::LiveMeeting;
use crate::domain::live_data::{DataConsumer, DataNames, DataProducer, Reachable};
use crate::fleet::MediaError;
use crate::service::participants::key;

/// A data channel to be opened.
#[derive(Debug, Clone, PartialEq)]
pub struct NewChannel {
    pub transport: TransportId,
    pub stream: SctpStreamParameters,
    pub names: DataNames,
}

/// A subscription to a data channel as its client must know it.
#[derive(Debug, Clone, PartialEq)]
pub struct ChannelOffer {
    pub consumer: DataConsumerId,
    pub producer: DataProducerId,
    pub owner: ParticipantId,
    pub stream: SctpStreamParameters,
    pub names: DataNames,
}

impl Media {
    /// Opens a data channel on a transport to send.
    ///
    /// # Errors
    /// Not the asker's transport, not allowed, a stream that makes no sense or is taken, or too often.
    pub async fn produce_data(
        &self,
        actor: &Actor,
        asker: Asker<'_>,
        new: NewChannel,
        budget: Budget,
    ) -> Result<DataProducerId, DomainError> {
        let connection = asker.connection;
        let NewChannel { transport, stream, names } = new;
        let own = move |live: &LiveMeeting| live.own_transport(connection, transport);
        let (meeting, room, ()) = self.find(asker, own, DomainError::TransportNotFound).await?;
        // Everybody inside is told of each, and many subscribe to it.
        self.limits.check(LimitedAction::MediaUpdate, &key(actor, connection), budget)?;
        self.ask(meeting, move |live| live.may_produce_data(connection, transport)).await?;
        let producer = DataProducerId::random();
        let command = RoomCommand::ProduceData { transport, producer, stream };
        let reply = self.live.fleet().request(room, command).await;
        if reply == Err(MediaError::Unavailable) {
            self.take_back(room, RoomCommand::CloseDataProducer { producer });
        }
        reply.map_err(|error| no_channel(room, error))?;
        let channel = DataProducer { id: producer, transport, names };
        let noted = self
            .note(meeting, room, move |live| Ok((live.add_data_producer(connection, channel)?, ())))
            .await;
        if let Err(error) = noted {
            self.take_back(room, RoomCommand::CloseDataProducer { producer });
            return Err(error);
        }
        Ok(producer)
    }

    /// Closes a data channel.
    ///
    /// # Errors
    /// Not the asker's channel.
    pub async fn close_data_producer(
        &self,
        asker: Asker<'_>,
        producer: DataProducerId,
    ) -> Result<(), DomainError> {
        let connection = asker.connection;
        let own = move |live: &LiveMeeting| live.own_data_producer(connection, producer);
        let (meeting, room, _) = self.find(asker, own, DomainError::ProducerNotFound).await?;
        self.note(meeting, room, move |live| Ok((live.close_data_producer(connection, producer)?, ())))
            .await?;
        self.take_back(room, RoomCommand::CloseDataProducer { producer });
        Ok(())
    }

    /// Subscribes to a data channel, over a transport to receive. Whoever is subscribed already is told how again: he may
    /// not have heard the answer.
    ///
    /// # Errors
    /// Not the asker's transport, no such channel within reach, no media, or too often.
    pub async fn consume_data(
        &self,
        actor: &Actor,
        asker: Asker<'_>,
        transport: TransportId,
        producer: DataProducerId,
        budget: Budget,
    ) -> Result<ChannelOffer, DomainError> {
        let connection = asker.connection;
        let own = move |live: &LiveMeeting| live.own_transport(connection, transport);
        let (meeting, room, ()) = self.find(asker, own, DomainError::TransportNotFound).await?;
        self.limits.check(LimitedAction::DataSubscribe, &key(actor, connection), budget)?;
        let within_reach = move |live: &LiveMeeting| live.may_consume_data(connection, transport, producer);
        let Reachable { owner, names, subscription } = self.ask(meeting, within_reach).await?;
        if let Some(DataConsumer { id: consumer, stream, .. }) = subscription {
            return Ok(ChannelOffer { consumer, producer, owner, stream, names });
        }
        let consumer = DataConsumerId::random();
        let command = RoomCommand::ConsumeData { transport, consumer, producer };
        let reply = self.live.fleet().request(room, command).await;
        match &reply {
            Err(MediaError::Unavailable) => {
                self.take_back(room, RoomCommand::CloseDataConsumer { consumer });
            }
            // It ended while the link was down, or in the moment it was made.
            Err(MediaError::Refused(refusal)) if refusal.reason == RefusalReason::UnknownProducer => {
                self.note(meeting, room, move |live| Ok((live.data_producer_missing(producer), ()))).await?;
            }
            // An earlier one, whose answer came too late for us, is still being taken back.
            Err(MediaError::Refused(refusal)) if refusal.reason == RefusalReason::AlreadyExists => {
                return Err(DomainError::Unavailable);
            }
            _ => {}
        }
        let Reply::DataConsumed { stream } = reply.map_err(|error| no_channel(room, error))? else {
            return Err(DomainError::Internal);
        };
        let new = DataConsumer { id: consumer, transport, producer, stream };
        let noted = self
            .note(meeting, room, move |live| Ok((Vec::new(), live.add_data_consumer(connection, new)?)))
            .await;
        if let Err(error) = noted {
            self.take_back(room, RoomCommand::CloseDataConsumer { consumer });
            return Err(error);
        }
        Ok(ChannelOffer { consumer, producer, owner, stream, names })
    }

    /// Ends a subscription to a data channel.
    ///
    /// # Errors
    /// Not the asker's subscription.
    pub async fn close_data_consumer(
        &self,
        asker: Asker<'_>,
        consumer: DataConsumerId,
    ) -> Result<(), DomainError> {
        let connection = asker.connection;
        let own = move |live: &LiveMeeting| live.own_data_consumer(connection, consumer);
        let (meeting, room, ()) = self.find(asker, own, DomainError::ConsumerNotFound).await?;
        self.note(meeting, room, move |live| {
            Ok((Vec::new(), live.close_data_consumer(connection, consumer)?))
        })
        .await?;
        self.take_back(room, RoomCommand::CloseDataConsumer { consumer });
        Ok(())
    }
}

/// Why there is no channel, or nobody more to receive it. What is full gets no emptier by asking again.
fn no_channel(room: RoomId, error: MediaError) -> DomainError {
    match &error {
        MediaError::Refused(refusal) if refusal.reason == RefusalReason::LimitReached => {
            DomainError::MediaRefused("too many data channels".to_owned())
        }
        _ => refused(room, error),
    }
}
