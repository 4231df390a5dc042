//! Requests on the wire: one message, the command as a oneof.

use super::{
    DecodeError,
    media::{Layer, Numbered, id, id_bytes, picture_size, sides, small},
    rtp::{RtpCapabilities, RtpParameters},
    transport::{DtlsParameters, SctpStreamParameters},
};
use crate::{
    command::{self, RoomCommand},
    id::{ConsumerId, DataConsumerId, DataProducerId, ProducerId, RoomId, SessionId, TransportId},
};

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Request {
    #[prost(uint64, tag = "1")]
    control_epoch: u64,
    /// Empty when the command is about the whole node.
    #[prost(bytes = "vec", tag = "2")]
    room: Vec<u8>,
    #[prost(
        oneof = "Command",
        tags = "10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 40, 41"
    )]
    command: Option<Command>,
}

/// 10 to 39 are about a room, 40 and above about the node.
#[derive(Clone, PartialEq, prost::Oneof)]
enum Command {
    #[prost(message, tag = "10")]
    Create(Nothing),
    #[prost(message, tag = "11")]
    Close(Nothing),
    #[prost(message, tag = "12")]
    CreateTransport(CreateTransport),
    #[prost(message, tag = "13")]
    ConnectTransport(ConnectTransport),
    #[prost(message, tag = "14")]
    CloseTransport(Target),
    #[prost(message, tag = "15")]
    CloseSession(Target),
    #[prost(message, tag = "16")]
    Produce(Produce),
    #[prost(message, tag = "17")]
    SetProducerPaused(SetPaused),
    #[prost(message, tag = "18")]
    CloseProducer(Target),
    #[prost(message, tag = "19")]
    Consume(Consume),
    #[prost(message, tag = "20")]
    SetConsumerPaused(SetPaused),
    #[prost(message, tag = "21")]
    SetPreferredLayer(SetPreferredLayer),
    #[prost(message, tag = "22")]
    RequestKeyframe(Target),
    #[prost(message, tag = "23")]
    CloseConsumer(Target),
    #[prost(message, tag = "24")]
    Stats(Nothing),
    #[prost(message, tag = "25")]
    SetConsumerPriority(SetConsumerPriority),
    #[prost(message, tag = "26")]
    RestartIce(Target),
    #[prost(message, tag = "27")]
    SetSessionGroup(SetSessionGroup),
    #[prost(message, tag = "28")]
    ProduceData(ProduceData),
    #[prost(message, tag = "29")]
    CloseDataProducer(Target),
    #[prost(message, tag = "30")]
    ConsumeData(ConsumeData),
    #[prost(message, tag = "31")]
    CloseDataConsumer(Target),
    #[prost(message, tag = "32")]
    SessionDetails(Target),
    #[prost(message, tag = "40")]
    Inventory(Nothing),
    #[prost(message, tag = "41")]
    Drain(Nothing),
}

/// A command without fields so far; one that gets some takes a message of its own, which reads the old bytes.
#[derive(Clone, Copy, PartialEq, prost::Message)]
struct Nothing {}

/// A command about one thing; the same holds as for [`Nothing`].
#[derive(Clone, PartialEq, prost::Message)]
struct Target {
    #[prost(bytes = "vec", tag = "1")]
    id: Vec<u8>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct SetPaused {
    #[prost(bytes = "vec", tag = "1")]
    id: Vec<u8>,
    #[prost(bool, tag = "2")]
    paused: bool,
}

#[derive(Clone, PartialEq, prost::Message)]
struct CreateTransport {
    #[prost(bytes = "vec", tag = "1")]
    session: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    transport: Vec<u8>,
    #[prost(int32, tag = "3")]
    direction: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ConnectTransport {
    #[prost(bytes = "vec", tag = "1")]
    transport: Vec<u8>,
    #[prost(message, required, tag = "2")]
    dtls: DtlsParameters,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Produce {
    #[prost(bytes = "vec", tag = "1")]
    transport: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    producer: Vec<u8>,
    #[prost(int32, tag = "3")]
    kind: i32,
    #[prost(int32, tag = "4")]
    source: i32,
    #[prost(message, required, tag = "5")]
    rtp_parameters: RtpParameters,
    #[prost(bool, tag = "6")]
    paused: bool,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Consume {
    #[prost(bytes = "vec", tag = "1")]
    transport: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    consumer: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    producer: Vec<u8>,
    #[prost(message, required, tag = "4")]
    rtp_capabilities: RtpCapabilities,
    #[prost(bool, tag = "5")]
    paused: bool,
}

#[derive(Clone, PartialEq, prost::Message)]
struct SetPreferredLayer {
    #[prost(bytes = "vec", tag = "1")]
    consumer: Vec<u8>,
    #[prost(message, required, tag = "2")]
    layer: Layer,
    /// Both 0 where the size is not known.
    #[prost(uint32, tag = "3")]
    width: u32,
    #[prost(uint32, tag = "4")]
    height: u32,
}

#[derive(Clone, PartialEq, prost::Message)]
struct SetConsumerPriority {
    #[prost(bytes = "vec", tag = "1")]
    consumer: Vec<u8>,
    #[prost(uint32, tag = "2")]
    priority: u32,
}

#[derive(Clone, PartialEq, prost::Message)]
struct SetSessionGroup {
    #[prost(bytes = "vec", tag = "1")]
    session: Vec<u8>,
    #[prost(uint32, tag = "2")]
    group: u32,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ProduceData {
    #[prost(bytes = "vec", tag = "1")]
    transport: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    producer: Vec<u8>,
    #[prost(message, required, tag = "3")]
    stream: SctpStreamParameters,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ConsumeData {
    #[prost(bytes = "vec", tag = "1")]
    transport: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    consumer: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    producer: Vec<u8>,
}

impl From<&command::Request> for Request {
    fn from(request: &command::Request) -> Self {
        let (room, command) = match &request.command {
            command::Command::Room { room, command } => (id_bytes(room.0), Command::from(command)),
            command::Command::Inventory => (Vec::new(), Command::Inventory(Nothing {})),
            command::Command::Drain => (Vec::new(), Command::Drain(Nothing {})),
        };
        Self { control_epoch: request.control_epoch, room, command: Some(command) }
    }
}

impl From<&RoomCommand> for Command {
    fn from(command: &RoomCommand) -> Self {
        match command {
            RoomCommand::Create => Self::Create(Nothing {}),
            RoomCommand::Close => Self::Close(Nothing {}),
            RoomCommand::CreateTransport { session, transport, direction } => {
                Self::CreateTransport(CreateTransport {
                    session: id_bytes(session.0),
                    transport: id_bytes(transport.0),
                    direction: direction.number(),
                })
            }
            RoomCommand::ConnectTransport { transport, dtls } => Self::ConnectTransport(ConnectTransport {
                transport: id_bytes(transport.0),
                dtls: dtls.into(),
            }),
            RoomCommand::CloseTransport { transport } => Self::CloseTransport(target(transport.0)),
            RoomCommand::CloseSession { session } => Self::CloseSession(target(session.0)),
            RoomCommand::Produce { transport, producer, kind, source, rtp_parameters, paused } => {
                Self::Produce(Produce {
                    transport: id_bytes(transport.0),
                    producer: id_bytes(producer.0),
                    kind: kind.number(),
                    source: source.number(),
                    rtp_parameters: rtp_parameters.into(),
                    paused: *paused,
                })
            }
            RoomCommand::SetProducerPaused { producer, paused } => {
                Self::SetProducerPaused(SetPaused { id: id_bytes(producer.0), paused: *paused })
            }
            RoomCommand::CloseProducer { producer } => Self::CloseProducer(target(producer.0)),
            RoomCommand::Consume { transport, consumer, producer, rtp_capabilities, paused } => {
                Self::Consume(Consume {
                    transport: id_bytes(transport.0),
                    consumer: id_bytes(consumer.0),
                    producer: id_bytes(producer.0),
                    rtp_capabilities: rtp_capabilities.into(),
                    paused: *paused,
                })
            }
            RoomCommand::SetConsumerPaused { consumer, paused } => {
                Self::SetConsumerPaused(SetPaused { id: id_bytes(consumer.0), paused: *paused })
            }
            RoomCommand::SetPreferredLayer { consumer, layer, size } => {
                let (width, height) = sides(*size);
                Self::SetPreferredLayer(SetPreferredLayer {
                    consumer: id_bytes(consumer.0),
                    layer: (*layer).into(),
                    width,
                    height,
                })
            }
            RoomCommand::SetConsumerPriority { consumer, priority } => {
                Self::SetConsumerPriority(SetConsumerPriority {
                    consumer: id_bytes(consumer.0),
                    priority: (*priority).into(),
                })
            }
            RoomCommand::RestartIce { transport } => Self::RestartIce(target(transport.0)),
            RoomCommand::SetSessionGroup { session, group } => {
                Self::SetSessionGroup(SetSessionGroup { session: id_bytes(session.0), group: *group })
            }
            RoomCommand::RequestKeyframe { consumer } => Self::RequestKeyframe(target(consumer.0)),
            RoomCommand::CloseConsumer { consumer } => Self::CloseConsumer(target(consumer.0)),
            RoomCommand::ProduceData { transport, producer, stream } => Self::ProduceData(ProduceData {
                transport: id_bytes(transport.0),
                producer: id_bytes(producer.0),
                stream: stream.into(),
            }),
            RoomCommand::CloseDataProducer { producer } => Self::CloseDataProducer(target(producer.0)),
            RoomCommand::ConsumeData { transport, consumer, producer } => Self::ConsumeData(ConsumeData {
                transport: id_bytes(transport.0),
                consumer: id_bytes(consumer.0),
                producer: id_bytes(producer.0),
            }),
            RoomCommand::CloseDataConsumer { consumer } => Self::CloseDataConsumer(target(consumer.0)),
            RoomCommand::Stats => Self::Stats(Nothing {}),
            RoomCommand::SessionDetails { session } => Self::SessionDetails(target(session.0)),
        }
    }
}

fn target(id: uuid::Uuid) -> Target {
    Target { id: id_bytes(id) }
}

impl TryFrom<Request> for command::Request {
    type Error = DecodeError;
    fn try_from(request: Request) -> Result<Self, DecodeError> {
        let control_epoch = request.control_epoch;
        let command = match request.command.ok_or(DecodeError::UnknownCommand { control_epoch })? {
            Command::Inventory(Nothing {}) => command::Command::Inventory,
            Command::Drain(Nothing {}) => command::Command::Drain,
            about_a_room => command::Command::Room {
                room: id(RoomId, &request.room)?,
                command: room_command(about_a_room, control_epoch)?,
            },
        };
        Ok(Self { control_epoch, command })
    }
}

fn room_command(command: Command, control_epoch: u64) -> Result<RoomCommand, DecodeError> {
    Ok(match command {
        Command::Create(Nothing {}) => RoomCommand::Create,
        Command::Close(Nothing {}) => RoomCommand::Close,
        Command::CreateTransport(body) => RoomCommand::CreateTransport {
            session: id(SessionId, &body.session)?,
            transport: id(TransportId, &body.transport)?,
            direction: Numbered::from_number(body.direction)?,
        },
        Command::ConnectTransport(body) => RoomCommand::ConnectTransport {
            transport: id(TransportId, &body.transport)?,
            dtls: body.dtls.try_into()?,
        },
        Command::CloseTransport(body) => {
            RoomCommand::CloseTransport { transport: id(TransportId, &body.id)? }
        }
        Command::CloseSession(body) => RoomCommand::CloseSession { session: id(SessionId, &body.id)? },
        Command::Produce(body) => RoomCommand::Produce {
            transport: id(TransportId, &body.transport)?,
            producer: id(ProducerId, &body.producer)?,
            kind: Numbered::from_number(body.kind)?,
            source: Numbered::from_number(body.source)?,
            rtp_parameters: body.rtp_parameters.try_into()?,
            paused: body.paused,
        },
        Command::SetProducerPaused(body) => {
            RoomCommand::SetProducerPaused { producer: id(ProducerId, &body.id)?, paused: body.paused }
        }
        Command::CloseProducer(body) => RoomCommand::CloseProducer { producer: id(ProducerId, &body.id)? },
        Command::Consume(body) => RoomCommand::Consume {
            transport: id(TransportId, &body.transport)?,
            consumer: id(ConsumerId, &body.consumer)?,
            producer: id(ProducerId, &body.producer)?,
            rtp_capabilities: body.rtp_capabilities.try_into()?,
            paused: body.paused,
        },
        Command::SetConsumerPaused(body) => {
            RoomCommand::SetConsumerPaused { consumer: id(ConsumerId, &body.id)?, paused: body.paused }
        }
        Command::SetPreferredLayer(body) => RoomCommand::SetPreferredLayer {
            consumer: id(ConsumerId, &body.consumer)?,
            layer: body.layer.try_into()?,
            size: picture_size(body.width, body.height),
        },
        Command::SetConsumerPriority(body) => RoomCommand::SetConsumerPriority {
            consumer: id(ConsumerId, &body.consumer)?,
            priority: small(body.priority, "priority")?,
        },
        Command::RestartIce(body) => RoomCommand::RestartIce { transport: id(TransportId, &body.id)? },
        Command::SetSessionGroup(body) => {
            RoomCommand::SetSessionGroup { session: id(SessionId, &body.session)?, group: body.group }
        }
        Command::RequestKeyframe(body) => {
            RoomCommand::RequestKeyframe { consumer: id(ConsumerId, &body.id)? }
        }
        Command::CloseConsumer(body) => RoomCommand::CloseConsumer { consumer: id(ConsumerId, &body.id)? },
        Command::ProduceData(body) => RoomCommand::ProduceData {
            transport: id(TransportId, &body.transport)?,
            producer: id(DataProducerId, &body.producer)?,
            stream: body.stream.try_into()?,
        },
        Command::CloseDataProducer(body) => {
            RoomCommand::CloseDataProducer { producer: id(DataProducerId, &body.id)? }
        }
        Command::ConsumeData(body) => RoomCommand::ConsumeData {
            transport: id(TransportId, &body.transport)?,
            consumer: id(DataConsumerId, &body.consumer)?,
            producer: id(DataProducerId, &body.producer)?,
        },
        Command::CloseDataConsumer(body) => {
            RoomCommand::CloseDataConsumer { consumer: id(DataConsumerId, &body.id)? }
        }
        Command::Stats(Nothing {}) => RoomCommand::Stats,
        Command::SessionDetails(body) => RoomCommand::SessionDetails { session: id(SessionId, &body.id)? },
        // Taken out before this function; named so that a new command cannot be forgotten here.
        Command::Inventory(_) | Command::Drain(_) => {
            return Err(DecodeError::UnknownCommand { control_epoch });
        }
    })
}
