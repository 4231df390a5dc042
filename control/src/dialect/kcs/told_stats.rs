//! The figures of a session's media (ADD-EV-96): the payload of `stats` in [`super::told`]'s table.
//!
//! Fields have the names of W3C webrtc-stats where they mean the same, seen from the server: what a client sends is received
//! here. Times are seconds, rates bits per second.

use plenum_shared::details::{
    ConsumerDetails, DtlsState, IceState, LayerDetails, ProducerDetails, RemoteReport, SendingDetails,
    StreamDetails, TransportDetails,
};
use plenum_shared::id::{ConsumerId, ProducerId, TransportId};
use plenum_shared::media::{Layer, LayerLimit};
use plenum_shared::transport::Protocol;
use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::told_data_stats::{DataConsumerStats, DataProducerStats};
use super::view::envelope::Timestamp;
use super::view::words::{ConnectionQualityWord, DirectionWord, KindWord, LayerLimitWord, SourceWord};
use crate::dialect::words::words;
use crate::domain::id::{MeetingId, ParticipantId};
use crate::service::media::Figures;

words!(
    /// Whether the client's connectivity checks arrive.
    IceStateWord for IceState: New, Connected, Disconnected
);
words!(
    /// How far the handshake is.
    DtlsStateWord for DtlsState: Connecting, Connected
);
words!(
    /// What the path in use goes by.
    ProtocolWord for Protocol: Udp, Tcp
);

/// Why pictures are smaller or fewer than they could be, in the words of webrtc-stats.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum LimitationWord {
    None,
    Bandwidth,
    /// Only the latest speakers of a large room are sent.
    Other,
}

/// What the media of a session did until now. Each list has everything of the session, or what was asked about.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Stats {
    #[schema(value_type = String)]
    meeting_id: MeetingId,
    #[schema(value_type = String)]
    participant_id: ParticipantId,
    timestamp: Timestamp,
    /// As `connection-quality` told it last; null until it was measured.
    #[schema(required)]
    quality: Option<ConnectionQualityWord>,
    transports: Vec<TransportStats>,
    producers: Vec<ProducerStats>,
    consumers: Vec<ConsumerStats>,
    data_producers: Vec<DataProducerStats>,
    data_consumers: Vec<DataConsumerStats>,
}

impl Stats {
    pub fn of(figures: &Figures, now: OffsetDateTime) -> Self {
        let details = &figures.details;
        // One that was opened while its figures were on the way has no names yet: it is in the next answer.
        let names = |id| figures.channels.get(id);
        let data_producers = details.data_producers.iter();
        let data_consumers = details.data_consumers.iter();
        Self {
            meeting_id: figures.meeting,
            participant_id: figures.participant,
            timestamp: Timestamp(now),
            quality: figures.quality.map(Into::into),
            transports: details.transports.iter().map(Into::into).collect(),
            producers: details.producers.iter().map(Into::into).collect(),
            consumers: details.consumers.iter().map(Into::into).collect(),
            data_producers: data_producers
                .filter_map(|one| Some(DataProducerStats::of(one, names(&one.producer)?)))
                .collect(),
            data_consumers: data_consumers
                .filter_map(|one| Some(DataConsumerStats::of(one, names(&one.producer)?)))
                .collect(),
        }
    }
}

/// One transport: `transport` and `candidate-pair`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct TransportStats {
    #[schema(value_type = String)]
    transport_id: TransportId,
    direction: DirectionWord,
    ice_state: IceStateWord,
    dtls_state: DtlsStateWord,
    /// Null without a path.
    #[schema(required)]
    protocol: Option<ProtocolWord>,
    /// Null until a report proved it.
    #[schema(required, example = 0.024)]
    round_trip_time: Option<f64>,
    /// Share of the packets lost lately: to the client those that no retransmission brought, from it those that did not
    /// arrive the first time.
    #[schema(minimum = 0, maximum = 1)]
    fraction_lost: f32,
    /// Datagrams of any kind, and their whole payloads.
    packets_received: u64,
    bytes_received: u64,
    packets_sent: u64,
    bytes_sent: u64,
    /// Of the last second.
    receive_bitrate: u64,
    send_bitrate: u64,
    /// What may be sent to the client, as far as we know; null where it only sends.
    #[schema(required)]
    available_outgoing_bitrate: Option<u64>,
    data_channels: DataChannelStats,
    /// Null where the client only sends.
    #[schema(required)]
    sending: Option<SendingStats>,
}

impl From<&TransportDetails> for TransportStats {
    fn from(of: &TransportDetails) -> Self {
        Self {
            transport_id: of.transport,
            direction: of.direction.into(),
            ice_state: of.ice.into(),
            dtls_state: of.dtls.into(),
            protocol: of.protocol.map(Into::into),
            round_trip_time: of.round_trip_ms.map(seconds),
            fraction_lost: of.loss,
            packets_received: of.received.count,
            bytes_received: of.received.bytes,
            packets_sent: of.sent.count,
            bytes_sent: of.sent.bytes,
            receive_bitrate: of.received_rate.0,
            send_bitrate: of.sent_rate.0,
            available_outgoing_bitrate: of.sending.map(|sending| sending.available.0),
            data_channels: DataChannelStats {
                messages_received: of.data_received.count,
                bytes_received: of.data_received.bytes,
                messages_sent: of.data_sent.count,
                bytes_sent: of.data_sent.bytes,
            },
            sending: of.sending.as_ref().map(Into::into),
        }
    }
}

/// Messages of all data channels of a transport, those that are closed by now included.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct DataChannelStats {
    messages_received: u64,
    bytes_received: u64,
    messages_sent: u64,
    bytes_sent: u64,
}

/// What the way to a client carries, and what is done with it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SendingStats {
    /// Whether what is available is measured from transport-wide feedback; else the client's reports say so.
    is_measured: bool,
    /// What arrived lately; 0 where nobody tells.
    acknowledged_bitrate: u64,
    /// How long packets wait on the way.
    path_queue_time: f64,
    /// What the streams that are given take together.
    allotted_bitrate: u64,
    /// What the next better thing would need in all; null while nothing better is wanted.
    #[schema(required)]
    wanted_bitrate: Option<u64>,
    pacing_bitrate: u64,
    /// What waits to be sent now, and how long the last of it will.
    queued_packets: u64,
    queued_bytes: u64,
    queue_time: f64,
    /// Packets that waited before they left, and how long they did together.
    paced_packets: u64,
    total_packet_send_delay: f64,
    retransmitted_packets_sent: u64,
    retransmitted_bytes_sent: u64,
    /// Sent only to find out what the path carries.
    probe_packets_sent: u64,
    probe_bytes_sent: u64,
    /// Videos that are to be shown.
    pictures: u32,
    /// Of those, videos that bandwidth holds below what was asked for.
    pictures_limited: u32,
    /// Of those, videos of which nothing is sent for want of bandwidth.
    pictures_withheld: u32,
}

impl From<&SendingDetails> for SendingStats {
    fn from(of: &SendingDetails) -> Self {
        Self {
            is_measured: of.measured,
            acknowledged_bitrate: of.acknowledged.0,
            path_queue_time: seconds(of.path_queue_ms),
            allotted_bitrate: of.allotted.0,
            wanted_bitrate: of.wanted.map(|wanted| wanted.0),
            pacing_bitrate: of.pacing.0,
            queued_packets: of.pacer_queue.count,
            queued_bytes: of.pacer_queue.bytes,
            queue_time: seconds(of.pacer_queue_ms),
            paced_packets: of.paced,
            total_packet_send_delay: of.paced_ms as f64 / 1e3,
            retransmitted_packets_sent: of.retransmitted.count,
            retransmitted_bytes_sent: of.retransmitted.bytes,
            probe_packets_sent: of.probes.count,
            probe_bytes_sent: of.probes.bytes,
            pictures: of.pictures,
            pictures_limited: of.pictures_limited,
            pictures_withheld: of.pictures_withheld,
        }
    }
}

/// One published track.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ProducerStats {
    #[schema(value_type = String)]
    producer_id: ProducerId,
    #[schema(value_type = String)]
    transport_id: TransportId,
    kind: KindWord,
    source: SourceWord,
    paused: bool,
    /// One for each simulcast layer, the smallest first; else one.
    streams: Vec<StreamStats>,
    /// Spatial layers of a video, the smallest first; none of sound.
    layers: Vec<LayerStats>,
}

impl From<&ProducerDetails> for ProducerStats {
    fn from(of: &ProducerDetails) -> Self {
        Self {
            producer_id: of.producer,
            transport_id: of.transport,
            kind: of.kind.into(),
            source: of.source.into(),
            paused: of.paused,
            streams: of.streams.iter().map(Into::into).collect(),
            layers: of.layers.iter().map(Into::into).collect(),
        }
    }
}

/// One RTP stream from the client (`inbound-rtp`). Bytes are those of whole RTP packets without SRTP's.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct StreamStats {
    #[schema(required)]
    rid: Option<String>,
    /// Null until the first packet, where signalling does not tell it.
    #[schema(required)]
    ssrc: Option<u32>,
    #[schema(required)]
    rtx_ssrc: Option<u32>,
    /// Each once, repaired ones included.
    packets_received: u64,
    bytes_received: u64,
    /// Of those, what was missing and came as a retransmission or as redundancy.
    retransmitted_packets_received: u64,
    retransmitted_bytes_received: u64,
    /// Missing still.
    packets_lost: u64,
    /// Missing when a later one came, whatever became of them.
    packets_missed: u64,
    /// Between the last two reports.
    #[schema(minimum = 0, maximum = 1)]
    fraction_lost: f32,
    packets_duplicated: u64,
    packets_discarded: u64,
    jitter: f64,
    /// Packets asked for again.
    nack_count: u64,
    pli_count: u64,
    key_frames_received: u64,
    /// Of the last second.
    bitrate: u64,
}

impl From<&StreamDetails> for StreamStats {
    fn from(of: &StreamDetails) -> Self {
        Self {
            rid: of.rid.clone(),
            ssrc: of.ssrc,
            rtx_ssrc: of.rtx_ssrc,
            packets_received: of.packets.count,
            bytes_received: of.packets.bytes,
            retransmitted_packets_received: of.repaired.count,
            retransmitted_bytes_received: of.repaired.bytes,
            packets_lost: of.lost,
            packets_missed: of.missed,
            fraction_lost: of.fraction_lost,
            packets_duplicated: of.duplicates,
            packets_discarded: of.discarded,
            jitter: fine_seconds(of.jitter_ms),
            nack_count: of.nacks,
            pli_count: of.plis,
            key_frames_received: of.keyframes,
            bitrate: of.rate.0,
        }
    }
}

/// One spatial layer of a published video, by itself.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct LayerStats {
    /// Of the last second.
    bitrate: u64,
    frames_per_second: f32,
    frames_received: u64,
    /// As the last keyframe said.
    #[schema(required)]
    frame_width: Option<u16>,
    #[schema(required)]
    frame_height: Option<u16>,
    /// Whether the client sends it now.
    active: bool,
    /// Subscriptions that are given this layer.
    viewers: u32,
}

impl From<&LayerDetails> for LayerStats {
    fn from(of: &LayerDetails) -> Self {
        Self {
            bitrate: of.rate.0,
            frames_per_second: of.frames_per_second,
            frames_received: of.frames,
            frame_width: of.picture.map(|picture| picture.width),
            frame_height: of.picture.map(|picture| picture.height),
            active: of.sent,
            viewers: of.viewers,
        }
    }
}

/// One subscription (`outbound-rtp`). Bytes are those of whole datagrams.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ConsumerStats {
    #[schema(value_type = String)]
    consumer_id: ConsumerId,
    #[schema(value_type = String)]
    producer_id: ProducerId,
    #[schema(value_type = String)]
    transport_id: TransportId,
    kind: KindWord,
    source: SourceWord,
    /// By its viewer or its publisher.
    paused: bool,
    ssrc: u32,
    #[schema(required)]
    rtx_ssrc: Option<u32>,
    /// The first time.
    packets_sent: u64,
    bytes_sent: u64,
    retransmitted_packets_sent: u64,
    retransmitted_bytes_sent: u64,
    /// Sent only to find out what the path carries.
    probe_packets_sent: u64,
    probe_bytes_sent: u64,
    /// Of the last second.
    bitrate: u64,
    /// Packets asked for again; of those, packets that were gone.
    nack_count: u64,
    nacks_unanswered: u64,
    pli_count: u64,
    fir_count: u64,
    /// What it gets; null for sound, and while nothing comes.
    #[schema(required)]
    current_layer: Option<LayerIndex>,
    /// What it is to get.
    #[schema(required)]
    target_layer: Option<LayerIndex>,
    /// What its viewer wants at most.
    #[schema(required)]
    preferred_layer: Option<LayerIndex>,
    /// As in `consumer-layers-changed`.
    #[schema(required)]
    limited_by: Option<LayerLimitWord>,
    quality_limitation_reason: LimitationWord,
    layer_changes: u64,
    /// What the client reported last; null until it does.
    #[schema(required)]
    remote: Option<RemoteStats>,
}

impl From<&ConsumerDetails> for ConsumerStats {
    fn from(of: &ConsumerDetails) -> Self {
        Self {
            consumer_id: of.consumer,
            producer_id: of.producer,
            transport_id: of.transport,
            kind: of.kind.into(),
            source: of.source.into(),
            paused: of.paused,
            ssrc: of.ssrc,
            rtx_ssrc: of.rtx_ssrc,
            packets_sent: of.sent.count,
            bytes_sent: of.sent.bytes,
            retransmitted_packets_sent: of.retransmitted.count,
            retransmitted_bytes_sent: of.retransmitted.bytes,
            probe_packets_sent: of.probes.count,
            probe_bytes_sent: of.probes.bytes,
            bitrate: of.rate.0,
            nack_count: of.nacks,
            nacks_unanswered: of.nacks_unanswered,
            pli_count: of.plis,
            fir_count: of.firs,
            current_layer: of.current.map(Into::into),
            target_layer: of.target.map(Into::into),
            preferred_layer: of.preferred.map(Into::into),
            limited_by: of.limit.map(Into::into),
            quality_limitation_reason: match of.limit {
                None => LimitationWord::None,
                Some(LayerLimit::Bandwidth) => LimitationWord::Bandwidth,
                Some(LayerLimit::LastN) => LimitationWord::Other,
            },
            layer_changes: of.layer_changes,
            remote: of.remote.as_ref().map(Into::into),
        }
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct LayerIndex {
    spatial_layer: u8,
    #[schema(required)]
    temporal_layer: Option<u8>,
}

impl From<Layer> for LayerIndex {
    fn from(Layer { spatial, temporal }: Layer) -> Self {
        Self { spatial_layer: spatial, temporal_layer: temporal }
    }
}

/// What a client reported about a subscription (`remote-inbound-rtp`).
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct RemoteStats {
    /// Missed in all, most of them repaired; duplicates can make it negative.
    packets_lost: i32,
    /// Missed since the report before, without what was missing when it reached us.
    #[schema(minimum = 0, maximum = 1)]
    fraction_lost: f32,
    jitter: f64,
    #[schema(required)]
    round_trip_time: Option<f64>,
}

impl From<&RemoteReport> for RemoteStats {
    fn from(of: &RemoteReport) -> Self {
        Self {
            packets_lost: of.lost,
            fraction_lost: of.fraction_lost,
            jitter: fine_seconds(of.jitter_ms),
            round_trip_time: of.round_trip_ms.map(seconds),
        }
    }
}

fn seconds(ms: u32) -> f64 {
    f64::from(ms) / 1e3
}

/// To the microsecond.
fn fine_seconds(ms: f32) -> f64 {
    (f64::from(ms) * 1e3).round() / 1e6
}
