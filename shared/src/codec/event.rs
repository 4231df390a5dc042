//! Events and load reports on the wire.

use super::{
    DecodeError,
    media::{Layer, Numbered, id, id_bytes, optional_number, optional_small, small},
};
use crate::{
    event,
    id::{ConsumerId, DataConsumerId, DataProducerId, NodeId, ProducerId, RoomId, SessionId, TransportId},
    media::Bitrate,
};

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct NumberedEvent {
    #[prost(uint64, tag = "1")]
    number: u64,
    #[prost(bytes = "vec", tag = "2")]
    room: Vec<u8>,
    #[prost(oneof = "Event", tags = "10, 11, 12, 13, 14, 15, 16, 17, 18, 19")]
    event: Option<Event>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum Event {
    #[prost(message, tag = "10")]
    TransportConnected(TransportConnected),
    #[prost(message, tag = "11")]
    TransportClosed(TransportClosed),
    #[prost(message, tag = "12")]
    ActiveSpeaker(ActiveSpeaker),
    #[prost(message, tag = "13")]
    QualityChanged(QualityChanged),
    #[prost(message, tag = "14")]
    ConsumerLayerChanged(ConsumerLayerChanged),
    #[prost(message, tag = "15")]
    RoomFailed(RoomFailed),
    #[prost(message, tag = "16")]
    ActiveSpeakers(ActiveSpeakers),
    #[prost(message, tag = "17")]
    ProducerLayers(ProducerLayers),
    #[prost(message, tag = "18")]
    DataProducerClosed(DataClosed),
    #[prost(message, tag = "19")]
    DataConsumerClosed(DataClosed),
}

#[derive(Clone, PartialEq, prost::Message)]
struct TransportConnected {
    #[prost(bytes = "vec", tag = "1")]
    session: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    transport: Vec<u8>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct TransportClosed {
    #[prost(bytes = "vec", tag = "1")]
    session: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    transport: Vec<u8>,
    #[prost(int32, tag = "3")]
    reason: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ActiveSpeaker {
    #[prost(message, optional, tag = "1")]
    speaker: Option<Speaker>,
    #[prost(uint32, tag = "2")]
    group: u32,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ActiveSpeakers {
    #[prost(uint32, tag = "1")]
    group: u32,
    #[prost(message, repeated, tag = "2")]
    speakers: Vec<Speaking>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Speaking {
    #[prost(bytes = "vec", tag = "1")]
    session: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    producer: Vec<u8>,
    #[prost(uint32, tag = "3")]
    level: u32,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Speaker {
    #[prost(bytes = "vec", tag = "1")]
    session: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    producer: Vec<u8>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct QualityChanged {
    #[prost(bytes = "vec", tag = "1")]
    session: Vec<u8>,
    #[prost(int32, tag = "2")]
    quality: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ConsumerLayerChanged {
    #[prost(bytes = "vec", tag = "1")]
    session: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    consumer: Vec<u8>,
    #[prost(message, optional, tag = "3")]
    layer: Option<Layer>,
    /// 0 where nothing limits.
    #[prost(int32, tag = "4")]
    limit: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ProducerLayers {
    #[prost(bytes = "vec", tag = "1")]
    session: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    producer: Vec<u8>,
    #[prost(uint32, optional, tag = "3")]
    highest: Option<u32>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct DataClosed {
    #[prost(bytes = "vec", tag = "1")]
    session: Vec<u8>,
    /// A data producer or a data consumer.
    #[prost(bytes = "vec", tag = "2")]
    id: Vec<u8>,
    #[prost(int32, tag = "3")]
    reason: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
struct RoomFailed {}

impl From<&event::NumberedEvent> for NumberedEvent {
    fn from(numbered: &event::NumberedEvent) -> Self {
        let (room, event) = encoded(&numbered.event);
        Self { number: numbered.number, room: id_bytes(room.0), event: Some(event) }
    }
}

fn encoded(event: &event::Event) -> (RoomId, Event) {
    match *event {
        event::Event::TransportConnected { room, session, transport } => (
            room,
            Event::TransportConnected(TransportConnected {
                session: id_bytes(session.0),
                transport: id_bytes(transport.0),
            }),
        ),
        event::Event::TransportClosed { room, session, transport, reason } => (
            room,
            Event::TransportClosed(TransportClosed {
                session: id_bytes(session.0),
                transport: id_bytes(transport.0),
                reason: reason.number(),
            }),
        ),
        event::Event::ActiveSpeaker { room, group, speaker } => (
            room,
            Event::ActiveSpeaker(ActiveSpeaker {
                speaker: speaker.map(|(session, producer)| Speaker {
                    session: id_bytes(session.0),
                    producer: id_bytes(producer.0),
                }),
                group,
            }),
        ),
        event::Event::ActiveSpeakers { room, group, ref speakers } => (
            room,
            Event::ActiveSpeakers(ActiveSpeakers {
                group,
                speakers: speakers.iter().map(Into::into).collect(),
            }),
        ),
        event::Event::QualityChanged { room, session, quality } => (
            room,
            Event::QualityChanged(QualityChanged { session: id_bytes(session.0), quality: quality.number() }),
        ),
        event::Event::ConsumerLayerChanged { room, session, consumer, layer, limit } => (
            room,
            Event::ConsumerLayerChanged(ConsumerLayerChanged {
                session: id_bytes(session.0),
                consumer: id_bytes(consumer.0),
                layer: layer.map(Into::into),
                limit: optional_number(limit),
            }),
        ),
        event::Event::ProducerLayers { room, session, producer, highest } => (
            room,
            Event::ProducerLayers(ProducerLayers {
                session: id_bytes(session.0),
                producer: id_bytes(producer.0),
                highest: highest.map(Into::into),
            }),
        ),
        event::Event::DataProducerClosed { room, session, producer, reason } => {
            (room, Event::DataProducerClosed(data_closed(session, producer.0, reason)))
        }
        event::Event::DataConsumerClosed { room, session, consumer, reason } => {
            (room, Event::DataConsumerClosed(data_closed(session, consumer.0, reason)))
        }
        event::Event::RoomFailed { room } => (room, Event::RoomFailed(RoomFailed {})),
    }
}

fn data_closed(session: SessionId, id: uuid::Uuid, reason: event::DataCloseReason) -> DataClosed {
    DataClosed { session: id_bytes(session.0), id: id_bytes(id), reason: reason.number() }
}

/// A reason of a newer version must not hide that a channel is over.
fn data_close_reason(number: i32) -> event::DataCloseReason {
    Numbered::from_number(number).unwrap_or(event::DataCloseReason::StreamClosed)
}

impl TryFrom<NumberedEvent> for event::NumberedEvent {
    type Error = DecodeError;
    fn try_from(numbered: NumberedEvent) -> Result<Self, DecodeError> {
        let number = numbered.number;
        let event = numbered.event.ok_or(DecodeError::UnknownEvent { number })?;
        Ok(Self { number, event: decoded(id(RoomId, &numbered.room)?, event)? })
    }
}

fn decoded(room: RoomId, event: Event) -> Result<event::Event, DecodeError> {
    Ok(match event {
        Event::TransportConnected(body) => event::Event::TransportConnected {
            room,
            session: id(SessionId, &body.session)?,
            transport: id(TransportId, &body.transport)?,
        },
        Event::TransportClosed(body) => event::Event::TransportClosed {
            room,
            session: id(SessionId, &body.session)?,
            transport: id(TransportId, &body.transport)?,
            // A reason of a newer version must not hide that the peer is gone.
            reason: Numbered::from_number(body.reason).unwrap_or(event::CloseReason::PeerClosed),
        },
        Event::ActiveSpeaker(body) => {
            event::Event::ActiveSpeaker { room, group: body.group, speaker: speaker(body.speaker)? }
        }
        Event::ActiveSpeakers(body) => event::Event::ActiveSpeakers {
            room,
            group: body.group,
            speakers: body.speakers.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
        },
        Event::QualityChanged(body) => event::Event::QualityChanged {
            room,
            session: id(SessionId, &body.session)?,
            quality: Numbered::from_number(body.quality)?,
        },
        Event::ConsumerLayerChanged(body) => event::Event::ConsumerLayerChanged {
            room,
            session: id(SessionId, &body.session)?,
            consumer: id(ConsumerId, &body.consumer)?,
            layer: body.layer.map(TryInto::try_into).transpose()?,
            // A reason of a newer version must not hide what is received.
            limit: Numbered::from_number(body.limit).ok(),
        },
        Event::ProducerLayers(body) => event::Event::ProducerLayers {
            room,
            session: id(SessionId, &body.session)?,
            producer: id(ProducerId, &body.producer)?,
            highest: optional_small(body.highest, "highest layer")?,
        },
        Event::DataProducerClosed(body) => event::Event::DataProducerClosed {
            room,
            session: id(SessionId, &body.session)?,
            producer: id(DataProducerId, &body.id)?,
            reason: data_close_reason(body.reason),
        },
        Event::DataConsumerClosed(body) => event::Event::DataConsumerClosed {
            room,
            session: id(SessionId, &body.session)?,
            consumer: id(DataConsumerId, &body.id)?,
            reason: data_close_reason(body.reason),
        },
        Event::RoomFailed(RoomFailed {}) => event::Event::RoomFailed { room },
    })
}

fn speaker(speaker: Option<Speaker>) -> Result<Option<(SessionId, ProducerId)>, DecodeError> {
    speaker.map(|one| Ok((id(SessionId, &one.session)?, id(ProducerId, &one.producer)?))).transpose()
}

impl From<&event::Speaking> for Speaking {
    fn from(speaking: &event::Speaking) -> Self {
        Self {
            session: id_bytes(speaking.session.0),
            producer: id_bytes(speaking.producer.0),
            level: speaking.level_dbov_neg.into(),
        }
    }
}

impl TryFrom<Speaking> for event::Speaking {
    type Error = DecodeError;
    fn try_from(speaking: Speaking) -> Result<Self, DecodeError> {
        Ok(Self {
            session: id(SessionId, &speaking.session)?,
            producer: id(ProducerId, &speaking.producer)?,
            level_dbov_neg: small(speaking.level, "level of a speaker")?,
        })
    }
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct LoadReport {
    #[prost(bytes = "vec", tag = "1")]
    node: Vec<u8>,
    #[prost(uint64, tag = "2")]
    epoch: u64,
    #[prost(message, repeated, tag = "3")]
    workers: Vec<WorkerLoad>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct WorkerLoad {
    #[prost(float, tag = "1")]
    cpu: f32,
    #[prost(uint32, tag = "2")]
    rooms: u32,
    #[prost(uint32, tag = "3")]
    transports: u32,
    #[prost(uint32, tag = "4")]
    producers: u32,
    #[prost(uint32, tag = "5")]
    consumers: u32,
    #[prost(uint64, tag = "6")]
    received: u64,
    #[prost(uint64, tag = "7")]
    sent: u64,
    #[prost(uint32, tag = "8")]
    queue: u32,
}

impl From<&event::LoadReport> for LoadReport {
    fn from(report: &event::LoadReport) -> Self {
        Self {
            node: id_bytes(report.node.0),
            epoch: report.epoch,
            workers: report.workers.iter().map(WorkerLoad::from).collect(),
        }
    }
}

impl From<&event::WorkerLoad> for WorkerLoad {
    fn from(load: &event::WorkerLoad) -> Self {
        Self {
            cpu: load.cpu,
            rooms: load.rooms,
            transports: load.transports,
            producers: load.producers,
            consumers: load.consumers,
            received: load.received.0,
            sent: load.sent.0,
            queue: load.queue,
        }
    }
}

impl TryFrom<LoadReport> for event::LoadReport {
    type Error = DecodeError;
    fn try_from(report: LoadReport) -> Result<Self, DecodeError> {
        Ok(Self {
            node: id(NodeId, &report.node)?,
            epoch: report.epoch,
            workers: report.workers.into_iter().map(Into::into).collect(),
        })
    }
}

impl From<WorkerLoad> for event::WorkerLoad {
    fn from(load: WorkerLoad) -> Self {
        Self {
            cpu: load.cpu,
            rooms: load.rooms,
            transports: load.transports,
            producers: load.producers,
            consumers: load.consumers,
            received: Bitrate(load.received),
            sent: Bitrate(load.sent),
            queue: load.queue,
        }
    }
}
