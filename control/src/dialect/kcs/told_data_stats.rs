//! The figures of data channels within `stats` (ADD-EV-96): see [`super::told_stats`].

use plenum_shared::details::{DataChannelState, DataConsumerDetails, DataProducerDetails};
use plenum_shared::id::{DataConsumerId, DataProducerId, TransportId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::dialect::words::words;
use crate::domain::live_data::DataNames;

words!(
    /// How far a data channel is. One that is closed is not listed.
    DataChannelStateWord for DataChannelState: Connecting, Open
);

/// One data channel of the client (`data-channel`).
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct DataProducerStats {
    #[schema(value_type = String)]
    data_producer_id: DataProducerId,
    #[schema(value_type = String)]
    transport_id: TransportId,
    label: String,
    protocol: String,
    /// The SCTP stream it is on.
    data_channel_identifier: u16,
    state: DataChannelStateWord,
    messages_received: u64,
    bytes_received: u64,
}

impl DataProducerStats {
    pub fn of(of: &DataProducerDetails, names: &DataNames) -> Self {
        Self {
            data_producer_id: of.producer,
            transport_id: of.transport,
            label: names.label.to_string(),
            protocol: names.protocol.to_string(),
            data_channel_identifier: of.stream_id,
            state: of.state.into(),
            messages_received: of.received.count,
            bytes_received: of.received.bytes,
        }
    }
}

/// One subscription to somebody's data channel (`data-channel`).
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct DataConsumerStats {
    #[schema(value_type = String)]
    data_consumer_id: DataConsumerId,
    #[schema(value_type = String)]
    data_producer_id: DataProducerId,
    #[schema(value_type = String)]
    transport_id: TransportId,
    label: String,
    protocol: String,
    /// The SCTP stream it is on.
    data_channel_identifier: u16,
    state: DataChannelStateWord,
    /// Those that are given up on the way, where a channel allows it, are among them.
    messages_sent: u64,
    bytes_sent: u64,
    /// What was not sent: too much waited already where a channel may lose messages, or it was not open.
    messages_dropped: u64,
    bytes_dropped: u64,
    /// Bytes that the client has not acknowledged yet.
    buffered_amount: u64,
}

impl DataConsumerStats {
    pub fn of(of: &DataConsumerDetails, names: &DataNames) -> Self {
        Self {
            data_consumer_id: of.consumer,
            data_producer_id: of.producer,
            transport_id: of.transport,
            label: names.label.to_string(),
            protocol: names.protocol.to_string(),
            data_channel_identifier: of.stream_id,
            state: of.state.into(),
            messages_sent: of.sent.count,
            bytes_sent: of.sent.bytes,
            messages_dropped: of.dropped.count,
            bytes_dropped: of.dropped.bytes,
            buffered_amount: of.buffered,
        }
    }
}
