//! What sockets are told about media, their own and that of others: the payloads of [`super::told`]'s table.

use plenum_shared::id::{ConsumerId, ProducerId, TransportId};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::told_data::SctpTold;
use super::view::envelope::True;
use super::view::words::{
    ConnectionQualityWord, DirectionWord, KindWord, LayerLimitWord, LayersWord, SourceWord,
};
use crate::domain::event::Heard;
use crate::domain::id::{MeetingId, ParticipantId};

/// A track that may be consumed.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ProducerTold {
    #[schema(value_type = String)]
    pub producer_id: ProducerId,
    pub kind: KindWord,
    pub source: SourceWord,
    pub paused: bool,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct MediaUpdated {
    #[schema(value_type = String)]
    pub meeting_id: MeetingId,
    #[schema(value_type = String)]
    pub participant_id: ParticipantId,
    pub video: bool,
    pub audio: bool,
    pub screen_sharing: bool,
    /// The same as `screenSharing`.
    pub screen: bool,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewProducer {
    #[schema(value_type = String)]
    pub meeting_id: MeetingId,
    #[schema(value_type = String)]
    pub participant_id: ParticipantId,
    #[serde(flatten)]
    pub producer: ProducerTold,
}

/// A track that something happened to.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ProducerOf {
    #[schema(value_type = String)]
    pub meeting_id: MeetingId,
    #[schema(value_type = String)]
    pub participant_id: ParticipantId,
    #[schema(value_type = String)]
    pub producer_id: ProducerId,
    pub kind: KindWord,
}

#[derive(Serialize, ToSchema)]
pub(super) struct ProducerClosed(pub ProducerOf);

#[derive(Serialize, ToSchema)]
pub(super) struct ProducerPaused(pub ProducerOf);

#[derive(Serialize, ToSchema)]
pub(super) struct ProducerResumed(pub ProducerOf);

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ActiveSpeaker {
    #[schema(value_type = String)]
    pub meeting_id: MeetingId,
    /// Null when nobody speaks.
    #[schema(value_type = Option<String>, required)]
    pub participant_id: Option<ParticipantId>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct QualityChanged {
    #[schema(value_type = String)]
    pub meeting_id: MeetingId,
    #[schema(value_type = String)]
    pub participant_id: ParticipantId,
    pub quality: ConnectionQualityWord,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ConsumerLayersChanged {
    #[schema(value_type = String)]
    pub consumer_id: ConsumerId,
    /// Null when no layer is forwarded.
    #[schema(required)]
    pub spatial_layer: Option<u8>,
    #[schema(required)]
    pub temporal_layer: Option<u8>,
    /// Why it is less than was asked for. Null when nothing holds it back; no layer and `bandwidth`: the connection does
    /// not carry even the smallest.
    #[schema(required)]
    pub limited_by: Option<LayerLimitWord>,
}

/// Those who are heard.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ActiveSpeakers {
    #[schema(value_type = String)]
    pub meeting_id: MeetingId,
    /// The loudest first; empty when nobody is heard.
    #[schema(max_items = 8)]
    pub speakers: Vec<SpeakerTold>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SpeakerTold {
    #[schema(value_type = String)]
    pub participant_id: ParticipantId,
    /// Smoothed loudness in dBov: 0 is the loudest, -127 silence.
    #[schema(minimum = -127, maximum = 0, example = -35)]
    pub level: i16,
}

impl From<&Heard> for SpeakerTold {
    fn from(heard: &Heard) -> Self {
        Self { participant_id: heard.participant, level: heard.level_dbov }
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ProducerLayers {
    #[schema(value_type = String)]
    pub producer_id: ProducerId,
    /// The highest spatial layer that anybody is given or may soon be given, 0 is the smallest; null while nobody
    /// watches.
    #[schema(required)]
    pub highest_layer: Option<u8>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct MediaReset {
    #[schema(value_type = String)]
    pub meeting_id: MeetingId,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct TransportCreated {
    #[schema(value_type = String)]
    pub transport_id: TransportId,
    pub direction: DirectionWord,
    /// As mediasoup-client takes them.
    #[schema(value_type = Object)]
    pub ice_parameters: Value,
    /// As mediasoup-client takes them.
    #[schema(value_type = Vec<Object>)]
    pub ice_candidates: Value,
    /// As mediasoup-client takes them.
    #[schema(value_type = Object)]
    pub dtls_parameters: Value,
    pub sctp_parameters: SctpTold,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct TransportConnected {
    #[schema(inline)]
    pub success: True,
    #[schema(value_type = String)]
    pub transport_id: TransportId,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct IceRestarted {
    #[schema(value_type = String)]
    pub transport_id: TransportId,
    /// As mediasoup-client takes them.
    #[schema(value_type = Object)]
    pub ice_parameters: Value,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Produced {
    pub kind: KindWord,
    #[schema(value_type = String)]
    pub producer_id: ProducerId,
    pub source: SourceWord,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Consumed {
    #[schema(value_type = String)]
    pub consumer_id: ConsumerId,
    #[schema(value_type = String)]
    pub producer_id: ProducerId,
    /// Whose track it is.
    #[schema(value_type = String)]
    pub participant_id: ParticipantId,
    pub kind: KindWord,
    pub source: SourceWord,
    /// As mediasoup-client takes them.
    #[schema(value_type = Object)]
    pub rtp_parameters: Value,
    pub r#type: LayersWord,
    pub paused: bool,
    pub producer_paused: bool,
}

/// A consumer that something was done to.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ConsumerOf {
    #[schema(value_type = String)]
    pub consumer_id: ConsumerId,
}

#[derive(Serialize, ToSchema)]
pub(super) struct ConsumerPaused(pub ConsumerOf);

#[derive(Serialize, ToSchema)]
pub(super) struct ConsumerResumed(pub ConsumerOf);

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ConsumerLayersSet {
    #[schema(value_type = String)]
    pub consumer_id: ConsumerId,
    pub spatial_layer: u8,
}
