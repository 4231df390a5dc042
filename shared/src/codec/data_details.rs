//! The figures of data channels on the wire.

use super::{
    DecodeError, bad,
    details::Traffic,
    media::{Numbered, id, id_bytes},
};
use crate::{
    details,
    id::{DataConsumerId, DataProducerId, TransportId},
};

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct DataProducerDetails {
    #[prost(bytes = "vec", tag = "1")]
    producer: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    transport: Vec<u8>,
    #[prost(uint32, tag = "3")]
    stream_id: u32,
    #[prost(int32, tag = "4")]
    state: i32,
    #[prost(message, required, tag = "5")]
    received: Traffic,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct DataConsumerDetails {
    #[prost(bytes = "vec", tag = "1")]
    consumer: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    producer: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    transport: Vec<u8>,
    #[prost(uint32, tag = "4")]
    stream_id: u32,
    #[prost(int32, tag = "5")]
    state: i32,
    #[prost(message, required, tag = "6")]
    sent: Traffic,
    #[prost(message, required, tag = "7")]
    dropped: Traffic,
    #[prost(uint64, tag = "8")]
    buffered: u64,
}

fn stream_id(number: u32) -> Result<u16, DecodeError> {
    u16::try_from(number).map_err(|_| bad("stream id"))
}

impl From<&details::DataProducerDetails> for DataProducerDetails {
    fn from(of: &details::DataProducerDetails) -> Self {
        Self {
            producer: id_bytes(of.producer.0),
            transport: id_bytes(of.transport.0),
            stream_id: of.stream_id.into(),
            state: of.state.number(),
            received: of.received.into(),
        }
    }
}

impl TryFrom<DataProducerDetails> for details::DataProducerDetails {
    type Error = DecodeError;
    fn try_from(of: DataProducerDetails) -> Result<Self, DecodeError> {
        Ok(Self {
            producer: id(DataProducerId, &of.producer)?,
            transport: id(TransportId, &of.transport)?,
            stream_id: stream_id(of.stream_id)?,
            state: Numbered::from_number(of.state)?,
            received: of.received.into(),
        })
    }
}

impl From<&details::DataConsumerDetails> for DataConsumerDetails {
    fn from(of: &details::DataConsumerDetails) -> Self {
        Self {
            consumer: id_bytes(of.consumer.0),
            producer: id_bytes(of.producer.0),
            transport: id_bytes(of.transport.0),
            stream_id: of.stream_id.into(),
            state: of.state.number(),
            sent: of.sent.into(),
            dropped: of.dropped.into(),
            buffered: of.buffered,
        }
    }
}

impl TryFrom<DataConsumerDetails> for details::DataConsumerDetails {
    type Error = DecodeError;
    fn try_from(of: DataConsumerDetails) -> Result<Self, DecodeError> {
        Ok(Self {
            consumer: id(DataConsumerId, &of.consumer)?,
            producer: id(DataProducerId, &of.producer)?,
            transport: id(TransportId, &of.transport)?,
            stream_id: stream_id(of.stream_id)?,
            state: Numbered::from_number(of.state)?,
            sent: of.sent.into(),
            dropped: of.dropped.into(),
            buffered: of.buffered,
        })
    }
}
