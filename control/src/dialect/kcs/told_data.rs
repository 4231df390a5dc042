//! What sockets are told about data channels: the payloads of [`super::told`]'s table.

use plenum_shared::event::DataCloseReason;
use plenum_shared::id::{DataConsumerId, DataProducerId};
use plenum_shared::transport::SctpParameters;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::domain::id::{MeetingId, ParticipantId};
use crate::domain::live_data::DataNames;

/// How a transport speaks SCTP, as mediasoup-client takes it: sizes by the names it uses now, and by the one it used before.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SctpTold {
    pub port: u16,
    /// Streams toward the client at most.
    #[serde(rename = "OS")]
    pub os: u16,
    /// Streams from the client at most.
    #[serde(rename = "MIS")]
    pub mis: u16,
    /// Bytes of one message at most, both ways.
    pub max_message_size: u32,
    /// The same.
    pub max_send_message_size: u32,
    /// The same.
    pub max_receive_message_size: u32,
}

impl From<SctpParameters> for SctpTold {
    fn from(SctpParameters { port, os, mis, max_message_size }: SctpParameters) -> Self {
        Self {
            port,
            os,
            mis,
            max_message_size,
            max_send_message_size: max_message_size,
            max_receive_message_size: max_message_size,
        }
    }
}

/// A data channel whose messages may be had.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct DataProducerTold {
    #[schema(value_type = String)]
    pub data_producer_id: DataProducerId,
    /// What it is for, in its owner's words.
    #[schema(max_length = 255)]
    pub label: String,
    #[schema(max_length = 255)]
    pub protocol: String,
}

impl DataProducerTold {
    pub fn of(id: DataProducerId, names: &DataNames) -> Self {
        Self { data_producer_id: id, label: names.label.to_string(), protocol: names.protocol.to_string() }
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewDataProducer {
    #[schema(value_type = String)]
    pub meeting_id: MeetingId,
    #[schema(value_type = String)]
    pub participant_id: ParticipantId,
    #[serde(flatten)]
    pub channel: DataProducerTold,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct DataProducerClosed {
    #[schema(value_type = String)]
    pub meeting_id: MeetingId,
    #[schema(value_type = String)]
    pub participant_id: ParticipantId,
    #[schema(value_type = String)]
    pub data_producer_id: DataProducerId,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct DataConsumerClosed {
    #[schema(value_type = String)]
    pub data_consumer_id: DataConsumerId,
    pub reason: DataCloseWord,
}

/// Why messages come no more: `slow`, they were not taken as fast as they came; `closed`, this client closed the
/// channel; `lost`, the SCTP association is gone.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum DataCloseWord {
    Slow,
    Closed,
    Lost,
}

impl From<DataCloseReason> for DataCloseWord {
    fn from(reason: DataCloseReason) -> Self {
        match reason {
            DataCloseReason::Slow => Self::Slow,
            DataCloseReason::StreamClosed => Self::Closed,
            DataCloseReason::AssociationLost => Self::Lost,
        }
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct DataProduced {
    #[schema(value_type = String)]
    pub data_producer_id: DataProducerId,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct DataConsumed {
    #[schema(value_type = String)]
    pub data_consumer_id: DataConsumerId,
    #[schema(value_type = String)]
    pub data_producer_id: DataProducerId,
    /// Whose channel it is.
    #[schema(value_type = String)]
    pub participant_id: ParticipantId,
    /// As mediasoup-client takes them. The stream is the server's choice.
    #[schema(value_type = Object)]
    pub sctp_stream_parameters: Value,
    pub label: String,
    pub protocol: String,
}
