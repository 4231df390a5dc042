//! What sockets ask about data channels: the payloads of [`super::asked`]'s table.

use serde_json::Value;
use utoipa::ToSchema;

#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({
    "transportId": "3d9f2a51-7c0e-4b8e-9a66-0f6b1c2d4e5f", "label": "cursor", "protocol": "",
    "sctpStreamParameters": { "streamId": 0, "ordered": false, "maxRetransmits": 0 },
}))]
pub struct ProduceData {
    /// An own transport to send.
    pub transport_id: String,
    /// As mediasoup-client gives them: `streamId` below 1024, `ordered`, and at most one of `maxPacketLifeTime` and
    /// `maxRetransmits`. Messages reach everybody as these say.
    #[schema(value_type = Object)]
    pub sctp_stream_parameters: Value,
    /// What it is for; at most 255 bytes.
    #[schema(default = "")]
    pub label: Option<String>,
    /// A sub-protocol of the application; at most 255 bytes.
    #[schema(default = "")]
    pub protocol: Option<String>,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct ConsumeData {
    /// An own transport to receive.
    pub transport_id: String,
    /// One within reach. Of one that this session receives already the answer is what it was.
    pub data_producer_id: String,
}

/// An own data channel.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct CloseDataProducer {
    pub data_producer_id: String,
}

/// An own subscription.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct CloseDataConsumer {
    pub data_consumer_id: String,
}
