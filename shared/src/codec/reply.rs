//! Replies and refusals on the wire.

use super::{
    DecodeError,
    details::SessionDetails,
    media::{Numbered, id, id_bytes, picture_size, sides},
    rtp::RtpParameters,
    transport::{DtlsParameters, IceCandidate, IceParameters, SctpStreamParameters},
};
use crate::{
    command::{self, RefusalReason, Reply},
    id::{ConsumerId, DataConsumerId, DataProducerId, ProducerId, RoomId, SessionId, TransportId},
    media::Bitrate,
};
use uuid::Uuid;

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Response {
    #[prost(oneof = "Answer", tags = "1, 10, 11, 12, 13, 14, 15, 16, 17")]
    answer: Option<Answer>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum Answer {
    #[prost(message, tag = "1")]
    Refusal(Refusal),
    #[prost(message, tag = "10")]
    Done(Done),
    #[prost(message, tag = "11")]
    TransportCreated(TransportCreated),
    #[prost(message, tag = "12")]
    Consumed(Consumed),
    #[prost(message, tag = "13")]
    Inventory(Inventory),
    #[prost(message, tag = "14")]
    Stats(RoomStats),
    #[prost(message, tag = "15")]
    IceRestarted(IceRestarted),
    #[prost(message, tag = "16")]
    DataConsumed(DataConsumed),
    #[prost(message, tag = "17")]
    SessionDetails(SessionDetails),
}

#[derive(Clone, PartialEq, prost::Message)]
struct Refusal {
    #[prost(int32, tag = "1")]
    reason: i32,
    #[prost(string, tag = "2")]
    detail: String,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
struct Done {}

#[derive(Clone, PartialEq, prost::Message)]
struct TransportCreated {
    #[prost(message, required, tag = "1")]
    ice: IceParameters,
    #[prost(message, repeated, tag = "2")]
    candidates: Vec<IceCandidate>,
    #[prost(message, required, tag = "3")]
    dtls: DtlsParameters,
}

#[derive(Clone, PartialEq, prost::Message)]
struct IceRestarted {
    #[prost(message, required, tag = "1")]
    ice: IceParameters,
}

#[derive(Clone, PartialEq, prost::Message)]
struct DataConsumed {
    #[prost(message, required, tag = "1")]
    stream: SctpStreamParameters,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Consumed {
    #[prost(int32, tag = "1")]
    kind: i32,
    #[prost(int32, tag = "2")]
    structure: i32,
    #[prost(message, required, tag = "3")]
    rtp_parameters: RtpParameters,
    #[prost(bool, tag = "4")]
    producer_paused: bool,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Inventory {
    #[prost(message, repeated, tag = "1")]
    rooms: Vec<RoomInventory>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct RoomInventory {
    #[prost(bytes = "vec", tag = "1")]
    room: Vec<u8>,
    #[prost(message, repeated, tag = "2")]
    transports: Vec<TransportInventory>,
    #[prost(bytes = "vec", repeated, tag = "3")]
    producers: Vec<Vec<u8>>,
    #[prost(bytes = "vec", repeated, tag = "4")]
    consumers: Vec<Vec<u8>>,
    #[prost(bytes = "vec", repeated, tag = "5")]
    data_producers: Vec<Vec<u8>>,
    #[prost(bytes = "vec", repeated, tag = "6")]
    data_consumers: Vec<Vec<u8>>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct TransportInventory {
    #[prost(bytes = "vec", tag = "1")]
    transport: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    session: Vec<u8>,
    #[prost(int32, tag = "3")]
    direction: i32,
    #[prost(bool, tag = "4")]
    connected: bool,
}

#[derive(Clone, PartialEq, prost::Message)]
struct RoomStats {
    #[prost(uint64, tag = "1")]
    received: u64,
    #[prost(uint64, tag = "2")]
    sent: u64,
    #[prost(message, repeated, tag = "3")]
    sessions: Vec<SessionStats>,
    #[prost(uint64, tag = "4")]
    received_bytes: u64,
    #[prost(uint64, tag = "5")]
    sent_bytes: u64,
    #[prost(message, repeated, tag = "6")]
    producers: Vec<ProducerStats>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ProducerStats {
    #[prost(bytes = "vec", tag = "1")]
    producer: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    session: Vec<u8>,
    #[prost(int32, tag = "3")]
    source: i32,
    #[prost(bool, tag = "4")]
    paused: bool,
    #[prost(message, repeated, tag = "5")]
    layers: Vec<LayerStats>,
}

/// Width and height are 0 where the size is not known.
#[derive(Clone, Copy, PartialEq, prost::Message)]
struct LayerStats {
    #[prost(uint64, tag = "1")]
    received: u64,
    #[prost(uint32, tag = "2")]
    width: u32,
    #[prost(uint32, tag = "3")]
    height: u32,
    #[prost(uint32, tag = "4")]
    viewers: u32,
}

#[derive(Clone, PartialEq, prost::Message)]
struct SessionStats {
    #[prost(bytes = "vec", tag = "1")]
    session: Vec<u8>,
    #[prost(int32, tag = "2")]
    quality: i32,
    #[prost(uint64, tag = "3")]
    received: u64,
    #[prost(uint64, tag = "4")]
    sent: u64,
    #[prost(float, tag = "5")]
    loss: f32,
    #[prost(uint32, optional, tag = "6")]
    round_trip_ms: Option<u32>,
}

impl From<&command::Response> for Response {
    fn from(response: &command::Response) -> Self {
        Self {
            answer: Some(match response {
                Ok(reply) => reply.into(),
                Err(refusal) => Answer::Refusal(Refusal {
                    reason: refusal.reason.number(),
                    detail: refusal.detail.clone(),
                }),
            }),
        }
    }
}

impl From<&Reply> for Answer {
    fn from(reply: &Reply) -> Self {
        match reply {
            Reply::Done => Self::Done(Done {}),
            Reply::TransportCreated { ice, candidates, dtls } => Self::TransportCreated(TransportCreated {
                ice: ice.into(),
                candidates: candidates.iter().map(Into::into).collect(),
                dtls: dtls.into(),
            }),
            Reply::IceRestarted { ice } => Self::IceRestarted(IceRestarted { ice: ice.into() }),
            Reply::Consumed { kind, structure, rtp_parameters, producer_paused } => {
                Self::Consumed(Consumed {
                    kind: kind.number(),
                    structure: structure.number(),
                    rtp_parameters: rtp_parameters.into(),
                    producer_paused: *producer_paused,
                })
            }
            Reply::DataConsumed { stream } => Self::DataConsumed(DataConsumed { stream: stream.into() }),
            Reply::Inventory(rooms) => {
                Self::Inventory(Inventory { rooms: rooms.iter().map(Into::into).collect() })
            }
            Reply::Stats(stats) => Self::Stats(stats.into()),
            Reply::SessionDetails(details) => Self::SessionDetails(details.as_ref().into()),
        }
    }
}

impl Response {
    /// Not a `TryFrom`: a response is a `Result`, which is not ours.
    pub(super) fn decoded(self) -> Result<command::Response, DecodeError> {
        match self.answer.ok_or(DecodeError::UnknownAnswer)? {
            Answer::Refusal(refusal) => Ok(Err(refusal.into())),
            reply => reply_from(reply).map(Ok),
        }
    }
}

impl From<Refusal> for command::Refusal {
    fn from(refusal: Refusal) -> Self {
        // A reason of a newer version is still a refusal; what it means exactly we cannot know.
        let reason = Numbered::from_number(refusal.reason).unwrap_or(RefusalReason::Unsupported);
        Self { reason, detail: refusal.detail }
    }
}

fn reply_from(answer: Answer) -> Result<Reply, DecodeError> {
    Ok(match answer {
        Answer::Done(Done {}) => Reply::Done,
        Answer::TransportCreated(body) => Reply::TransportCreated {
            ice: body.ice.into(),
            candidates: body.candidates.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
            dtls: body.dtls.try_into()?,
        },
        Answer::IceRestarted(body) => Reply::IceRestarted { ice: body.ice.into() },
        Answer::Consumed(body) => Reply::Consumed {
            kind: Numbered::from_number(body.kind)?,
            structure: Numbered::from_number(body.structure)?,
            rtp_parameters: body.rtp_parameters.try_into()?,
            producer_paused: body.producer_paused,
        },
        Answer::DataConsumed(body) => Reply::DataConsumed { stream: body.stream.try_into()? },
        Answer::Inventory(body) => {
            Reply::Inventory(body.rooms.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?)
        }
        Answer::Stats(body) => Reply::Stats(body.try_into()?),
        Answer::SessionDetails(body) => Reply::SessionDetails(Box::new(body.try_into()?)),
        // Taken out before this function.
        Answer::Refusal(_) => return Err(DecodeError::UnknownAnswer),
    })
}

impl From<&command::RoomInventory> for RoomInventory {
    fn from(room: &command::RoomInventory) -> Self {
        Self {
            room: id_bytes(room.room.0),
            transports: room
                .transports
                .iter()
                .map(|one| TransportInventory {
                    transport: id_bytes(one.transport.0),
                    session: id_bytes(one.session.0),
                    direction: one.direction.number(),
                    connected: one.connected,
                })
                .collect(),
            producers: room.producers.iter().map(|one| id_bytes(one.0)).collect(),
            consumers: room.consumers.iter().map(|one| id_bytes(one.0)).collect(),
            data_producers: room.data_producers.iter().map(|one| id_bytes(one.0)).collect(),
            data_consumers: room.data_consumers.iter().map(|one| id_bytes(one.0)).collect(),
        }
    }
}

impl TryFrom<RoomInventory> for command::RoomInventory {
    type Error = DecodeError;
    fn try_from(room: RoomInventory) -> Result<Self, DecodeError> {
        Ok(Self {
            room: id(RoomId, &room.room)?,
            transports: room.transports.iter().map(transport_inventory).collect::<Result<_, _>>()?,
            producers: ids(ProducerId, &room.producers)?,
            consumers: ids(ConsumerId, &room.consumers)?,
            data_producers: ids(DataProducerId, &room.data_producers)?,
            data_consumers: ids(DataConsumerId, &room.data_consumers)?,
        })
    }
}

fn ids<T>(make: fn(Uuid) -> T, all: &[Vec<u8>]) -> Result<Vec<T>, DecodeError> {
    all.iter().map(|one| id(make, one)).collect()
}

fn transport_inventory(one: &TransportInventory) -> Result<command::TransportInventory, DecodeError> {
    Ok(command::TransportInventory {
        transport: id(TransportId, &one.transport)?,
        session: id(SessionId, &one.session)?,
        direction: Numbered::from_number(one.direction)?,
        connected: one.connected,
    })
}

impl From<&command::RoomStats> for RoomStats {
    fn from(stats: &command::RoomStats) -> Self {
        Self {
            received: stats.received.0,
            sent: stats.sent.0,
            sessions: stats.sessions.iter().map(Into::into).collect(),
            received_bytes: stats.received_bytes,
            sent_bytes: stats.sent_bytes,
            producers: stats.producers.iter().map(Into::into).collect(),
        }
    }
}

impl TryFrom<RoomStats> for command::RoomStats {
    type Error = DecodeError;
    fn try_from(stats: RoomStats) -> Result<Self, DecodeError> {
        Ok(Self {
            received: Bitrate(stats.received),
            sent: Bitrate(stats.sent),
            sessions: stats.sessions.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
            received_bytes: stats.received_bytes,
            sent_bytes: stats.sent_bytes,
            producers: stats.producers.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
        })
    }
}

impl From<&command::ProducerStats> for ProducerStats {
    fn from(stats: &command::ProducerStats) -> Self {
        let layer = |layer: &command::LayerStats| {
            let (width, height) = sides(layer.picture);
            LayerStats { received: layer.received.0, width, height, viewers: layer.viewers }
        };
        Self {
            producer: id_bytes(stats.producer.0),
            session: id_bytes(stats.session.0),
            source: stats.source.number(),
            paused: stats.paused,
            layers: stats.layers.iter().map(layer).collect(),
        }
    }
}

impl TryFrom<ProducerStats> for command::ProducerStats {
    type Error = DecodeError;
    fn try_from(stats: ProducerStats) -> Result<Self, DecodeError> {
        Ok(Self {
            producer: id(ProducerId, &stats.producer)?,
            session: id(SessionId, &stats.session)?,
            source: Numbered::from_number(stats.source)?,
            paused: stats.paused,
            layers: stats.layers.into_iter().map(Into::into).collect(),
        })
    }
}

impl From<LayerStats> for command::LayerStats {
    fn from(layer: LayerStats) -> Self {
        Self {
            received: Bitrate(layer.received),
            picture: picture_size(layer.width, layer.height),
            viewers: layer.viewers,
        }
    }
}

impl From<&command::SessionStats> for SessionStats {
    fn from(stats: &command::SessionStats) -> Self {
        Self {
            session: id_bytes(stats.session.0),
            quality: stats.quality.number(),
            received: stats.received.0,
            sent: stats.sent.0,
            loss: stats.loss,
            round_trip_ms: stats.round_trip_ms,
        }
    }
}

impl TryFrom<SessionStats> for command::SessionStats {
    type Error = DecodeError;
    fn try_from(stats: SessionStats) -> Result<Self, DecodeError> {
        Ok(Self {
            session: id(SessionId, &stats.session)?,
            quality: Numbered::from_number(stats.quality)?,
            received: Bitrate(stats.received),
            sent: Bitrate(stats.sent),
            loss: stats.loss,
            round_trip_ms: stats.round_trip_ms,
        })
    }
}
