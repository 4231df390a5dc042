//! The figures of a session on the wire.

use super::{
    DecodeError,
    data_details::{DataConsumerDetails, DataProducerDetails},
    media::{Layer, Numbered, id, id_bytes, optional_from_number, optional_number, picture_size, sides},
};
use crate::{
    details,
    id::{ConsumerId, ProducerId, SessionId, TransportId},
    media::Bitrate,
};

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct SessionDetails {
    #[prost(bytes = "vec", tag = "1")]
    session: Vec<u8>,
    #[prost(int32, tag = "2")]
    quality: i32,
    #[prost(message, repeated, tag = "3")]
    transports: Vec<TransportDetails>,
    #[prost(message, repeated, tag = "4")]
    producers: Vec<ProducerDetails>,
    #[prost(message, repeated, tag = "5")]
    consumers: Vec<ConsumerDetails>,
    #[prost(message, repeated, tag = "6")]
    data_producers: Vec<DataProducerDetails>,
    #[prost(message, repeated, tag = "7")]
    data_consumers: Vec<DataConsumerDetails>,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(super) struct Traffic {
    #[prost(uint64, tag = "1")]
    count: u64,
    #[prost(uint64, tag = "2")]
    bytes: u64,
}

#[derive(Clone, PartialEq, prost::Message)]
struct TransportDetails {
    #[prost(bytes = "vec", tag = "1")]
    transport: Vec<u8>,
    #[prost(int32, tag = "2")]
    direction: i32,
    #[prost(int32, tag = "3")]
    ice: i32,
    #[prost(int32, tag = "4")]
    dtls: i32,
    #[prost(int32, tag = "5")]
    protocol: i32,
    #[prost(uint32, optional, tag = "6")]
    round_trip_ms: Option<u32>,
    #[prost(float, tag = "7")]
    loss: f32,
    #[prost(message, required, tag = "8")]
    received: Traffic,
    #[prost(message, required, tag = "9")]
    sent: Traffic,
    #[prost(uint64, tag = "10")]
    received_rate: u64,
    #[prost(uint64, tag = "11")]
    sent_rate: u64,
    #[prost(message, required, tag = "12")]
    data_received: Traffic,
    #[prost(message, required, tag = "13")]
    data_sent: Traffic,
    #[prost(message, optional, tag = "14")]
    sending: Option<SendingDetails>,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
struct SendingDetails {
    #[prost(uint64, tag = "1")]
    available: u64,
    #[prost(bool, tag = "2")]
    measured: bool,
    #[prost(uint64, tag = "3")]
    acknowledged: u64,
    #[prost(uint32, tag = "4")]
    path_queue_ms: u32,
    #[prost(uint64, tag = "5")]
    allotted: u64,
    #[prost(uint64, optional, tag = "6")]
    wanted: Option<u64>,
    #[prost(uint64, tag = "7")]
    pacing: u64,
    #[prost(message, required, tag = "8")]
    pacer_queue: Traffic,
    #[prost(uint32, tag = "9")]
    pacer_queue_ms: u32,
    #[prost(uint64, tag = "10")]
    paced: u64,
    #[prost(uint64, tag = "11")]
    paced_ms: u64,
    #[prost(message, required, tag = "12")]
    retransmitted: Traffic,
    #[prost(message, required, tag = "13")]
    probes: Traffic,
    #[prost(uint32, tag = "14")]
    pictures: u32,
    #[prost(uint32, tag = "15")]
    pictures_limited: u32,
    #[prost(uint32, tag = "16")]
    pictures_withheld: u32,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ProducerDetails {
    #[prost(bytes = "vec", tag = "1")]
    producer: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    transport: Vec<u8>,
    #[prost(int32, tag = "3")]
    kind: i32,
    #[prost(int32, tag = "4")]
    source: i32,
    #[prost(bool, tag = "5")]
    paused: bool,
    #[prost(message, repeated, tag = "6")]
    streams: Vec<StreamDetails>,
    #[prost(message, repeated, tag = "7")]
    layers: Vec<LayerDetails>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct StreamDetails {
    #[prost(string, optional, tag = "1")]
    rid: Option<String>,
    #[prost(uint32, optional, tag = "2")]
    ssrc: Option<u32>,
    #[prost(uint32, optional, tag = "3")]
    rtx_ssrc: Option<u32>,
    #[prost(message, required, tag = "4")]
    packets: Traffic,
    #[prost(message, required, tag = "5")]
    repaired: Traffic,
    #[prost(uint64, tag = "6")]
    lost: u64,
    #[prost(uint64, tag = "7")]
    missed: u64,
    #[prost(float, tag = "8")]
    fraction_lost: f32,
    #[prost(uint64, tag = "9")]
    duplicates: u64,
    #[prost(uint64, tag = "10")]
    discarded: u64,
    #[prost(float, tag = "11")]
    jitter_ms: f32,
    #[prost(uint64, tag = "12")]
    nacks: u64,
    #[prost(uint64, tag = "13")]
    plis: u64,
    #[prost(uint64, tag = "14")]
    keyframes: u64,
    #[prost(uint64, tag = "15")]
    rate: u64,
}

/// Width and height are 0 where the size is not known.
#[derive(Clone, Copy, PartialEq, prost::Message)]
struct LayerDetails {
    #[prost(uint64, tag = "1")]
    rate: u64,
    #[prost(float, tag = "2")]
    frames_per_second: f32,
    #[prost(uint64, tag = "3")]
    frames: u64,
    #[prost(uint32, tag = "4")]
    width: u32,
    #[prost(uint32, tag = "5")]
    height: u32,
    #[prost(bool, tag = "6")]
    sent: bool,
    #[prost(uint32, tag = "7")]
    viewers: u32,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ConsumerDetails {
    #[prost(bytes = "vec", tag = "1")]
    consumer: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    producer: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    transport: Vec<u8>,
    #[prost(int32, tag = "4")]
    kind: i32,
    #[prost(int32, tag = "5")]
    source: i32,
    #[prost(bool, tag = "6")]
    paused: bool,
    #[prost(uint32, tag = "7")]
    ssrc: u32,
    #[prost(uint32, optional, tag = "8")]
    rtx_ssrc: Option<u32>,
    #[prost(message, required, tag = "9")]
    sent: Traffic,
    #[prost(message, required, tag = "10")]
    retransmitted: Traffic,
    #[prost(message, required, tag = "11")]
    probes: Traffic,
    #[prost(uint64, tag = "12")]
    rate: u64,
    #[prost(uint64, tag = "13")]
    nacks: u64,
    #[prost(uint64, tag = "14")]
    nacks_unanswered: u64,
    #[prost(uint64, tag = "15")]
    plis: u64,
    #[prost(uint64, tag = "16")]
    firs: u64,
    #[prost(message, optional, tag = "17")]
    target: Option<Layer>,
    #[prost(message, optional, tag = "18")]
    current: Option<Layer>,
    #[prost(message, optional, tag = "19")]
    preferred: Option<Layer>,
    #[prost(int32, tag = "20")]
    limit: i32,
    #[prost(uint64, tag = "21")]
    layer_changes: u64,
    #[prost(message, optional, tag = "22")]
    remote: Option<RemoteReport>,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
struct RemoteReport {
    #[prost(sint32, tag = "1")]
    lost: i32,
    #[prost(float, tag = "2")]
    fraction_lost: f32,
    #[prost(float, tag = "3")]
    jitter_ms: f32,
    #[prost(uint32, optional, tag = "4")]
    round_trip_ms: Option<u32>,
}

impl From<&details::SessionDetails> for SessionDetails {
    fn from(of: &details::SessionDetails) -> Self {
        Self {
            session: id_bytes(of.session.0),
            quality: of.quality.number(),
            transports: of.transports.iter().map(Into::into).collect(),
            producers: of.producers.iter().map(Into::into).collect(),
            consumers: of.consumers.iter().map(Into::into).collect(),
            data_producers: of.data_producers.iter().map(Into::into).collect(),
            data_consumers: of.data_consumers.iter().map(Into::into).collect(),
        }
    }
}

impl TryFrom<SessionDetails> for details::SessionDetails {
    type Error = DecodeError;
    fn try_from(of: SessionDetails) -> Result<Self, DecodeError> {
        Ok(Self {
            session: id(SessionId, &of.session)?,
            quality: Numbered::from_number(of.quality)?,
            transports: of.transports.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
            producers: of.producers.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
            consumers: of.consumers.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
            data_producers: of.data_producers.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
            data_consumers: of.data_consumers.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
        })
    }
}

impl From<details::Traffic> for Traffic {
    fn from(details::Traffic { count, bytes }: details::Traffic) -> Self {
        Self { count, bytes }
    }
}

impl From<Traffic> for details::Traffic {
    fn from(Traffic { count, bytes }: Traffic) -> Self {
        Self { count, bytes }
    }
}

impl From<&details::TransportDetails> for TransportDetails {
    fn from(of: &details::TransportDetails) -> Self {
        Self {
            transport: id_bytes(of.transport.0),
            direction: of.direction.number(),
            ice: of.ice.number(),
            dtls: of.dtls.number(),
            protocol: optional_number(of.protocol),
            round_trip_ms: of.round_trip_ms,
            loss: of.loss,
            received: of.received.into(),
            sent: of.sent.into(),
            received_rate: of.received_rate.0,
            sent_rate: of.sent_rate.0,
            data_received: of.data_received.into(),
            data_sent: of.data_sent.into(),
            sending: of.sending.map(Into::into),
        }
    }
}

impl TryFrom<TransportDetails> for details::TransportDetails {
    type Error = DecodeError;
    fn try_from(of: TransportDetails) -> Result<Self, DecodeError> {
        Ok(Self {
            transport: id(TransportId, &of.transport)?,
            direction: Numbered::from_number(of.direction)?,
            ice: Numbered::from_number(of.ice)?,
            dtls: Numbered::from_number(of.dtls)?,
            protocol: optional_from_number(of.protocol)?,
            round_trip_ms: of.round_trip_ms,
            loss: of.loss,
            received: of.received.into(),
            sent: of.sent.into(),
            received_rate: Bitrate(of.received_rate),
            sent_rate: Bitrate(of.sent_rate),
            data_received: of.data_received.into(),
            data_sent: of.data_sent.into(),
            sending: of.sending.map(Into::into),
        })
    }
}

impl From<details::SendingDetails> for SendingDetails {
    fn from(of: details::SendingDetails) -> Self {
        Self {
            available: of.available.0,
            measured: of.measured,
            acknowledged: of.acknowledged.0,
            path_queue_ms: of.path_queue_ms,
            allotted: of.allotted.0,
            wanted: of.wanted.map(|rate| rate.0),
            pacing: of.pacing.0,
            pacer_queue: of.pacer_queue.into(),
            pacer_queue_ms: of.pacer_queue_ms,
            paced: of.paced,
            paced_ms: of.paced_ms,
            retransmitted: of.retransmitted.into(),
            probes: of.probes.into(),
            pictures: of.pictures,
            pictures_limited: of.pictures_limited,
            pictures_withheld: of.pictures_withheld,
        }
    }
}

impl From<SendingDetails> for details::SendingDetails {
    fn from(of: SendingDetails) -> Self {
        Self {
            available: Bitrate(of.available),
            measured: of.measured,
            acknowledged: Bitrate(of.acknowledged),
            path_queue_ms: of.path_queue_ms,
            allotted: Bitrate(of.allotted),
            wanted: of.wanted.map(Bitrate),
            pacing: Bitrate(of.pacing),
            pacer_queue: of.pacer_queue.into(),
            pacer_queue_ms: of.pacer_queue_ms,
            paced: of.paced,
            paced_ms: of.paced_ms,
            retransmitted: of.retransmitted.into(),
            probes: of.probes.into(),
            pictures: of.pictures,
            pictures_limited: of.pictures_limited,
            pictures_withheld: of.pictures_withheld,
        }
    }
}

impl From<&details::ProducerDetails> for ProducerDetails {
    fn from(of: &details::ProducerDetails) -> Self {
        Self {
            producer: id_bytes(of.producer.0),
            transport: id_bytes(of.transport.0),
            kind: of.kind.number(),
            source: of.source.number(),
            paused: of.paused,
            streams: of.streams.iter().map(Into::into).collect(),
            layers: of.layers.iter().map(Into::into).collect(),
        }
    }
}

impl TryFrom<ProducerDetails> for details::ProducerDetails {
    type Error = DecodeError;
    fn try_from(of: ProducerDetails) -> Result<Self, DecodeError> {
        Ok(Self {
            producer: id(ProducerId, &of.producer)?,
            transport: id(TransportId, &of.transport)?,
            kind: Numbered::from_number(of.kind)?,
            source: Numbered::from_number(of.source)?,
            paused: of.paused,
            streams: of.streams.into_iter().map(Into::into).collect(),
            layers: of.layers.into_iter().map(Into::into).collect(),
        })
    }
}

impl From<&details::StreamDetails> for StreamDetails {
    fn from(of: &details::StreamDetails) -> Self {
        Self {
            rid: of.rid.clone(),
            ssrc: of.ssrc,
            rtx_ssrc: of.rtx_ssrc,
            packets: of.packets.into(),
            repaired: of.repaired.into(),
            lost: of.lost,
            missed: of.missed,
            fraction_lost: of.fraction_lost,
            duplicates: of.duplicates,
            discarded: of.discarded,
            jitter_ms: of.jitter_ms,
            nacks: of.nacks,
            plis: of.plis,
            keyframes: of.keyframes,
            rate: of.rate.0,
        }
    }
}

impl From<StreamDetails> for details::StreamDetails {
    fn from(of: StreamDetails) -> Self {
        Self {
            rid: of.rid,
            ssrc: of.ssrc,
            rtx_ssrc: of.rtx_ssrc,
            packets: of.packets.into(),
            repaired: of.repaired.into(),
            lost: of.lost,
            missed: of.missed,
            fraction_lost: of.fraction_lost,
            duplicates: of.duplicates,
            discarded: of.discarded,
            jitter_ms: of.jitter_ms,
            nacks: of.nacks,
            plis: of.plis,
            keyframes: of.keyframes,
            rate: Bitrate(of.rate),
        }
    }
}

impl From<&details::LayerDetails> for LayerDetails {
    fn from(of: &details::LayerDetails) -> Self {
        let (width, height) = sides(of.picture);
        Self {
            rate: of.rate.0,
            frames_per_second: of.frames_per_second,
            frames: of.frames,
            width,
            height,
            sent: of.sent,
            viewers: of.viewers,
        }
    }
}

impl From<LayerDetails> for details::LayerDetails {
    fn from(of: LayerDetails) -> Self {
        Self {
            rate: Bitrate(of.rate),
            frames_per_second: of.frames_per_second,
            frames: of.frames,
            picture: picture_size(of.width, of.height),
            sent: of.sent,
            viewers: of.viewers,
        }
    }
}

impl From<&details::ConsumerDetails> for ConsumerDetails {
    fn from(of: &details::ConsumerDetails) -> Self {
        Self {
            consumer: id_bytes(of.consumer.0),
            producer: id_bytes(of.producer.0),
            transport: id_bytes(of.transport.0),
            kind: of.kind.number(),
            source: of.source.number(),
            paused: of.paused,
            ssrc: of.ssrc,
            rtx_ssrc: of.rtx_ssrc,
            sent: of.sent.into(),
            retransmitted: of.retransmitted.into(),
            probes: of.probes.into(),
            rate: of.rate.0,
            nacks: of.nacks,
            nacks_unanswered: of.nacks_unanswered,
            plis: of.plis,
            firs: of.firs,
            target: of.target.map(Into::into),
            current: of.current.map(Into::into),
            preferred: of.preferred.map(Into::into),
            limit: optional_number(of.limit),
            layer_changes: of.layer_changes,
            remote: of.remote.map(Into::into),
        }
    }
}

impl TryFrom<ConsumerDetails> for details::ConsumerDetails {
    type Error = DecodeError;
    fn try_from(of: ConsumerDetails) -> Result<Self, DecodeError> {
        Ok(Self {
            consumer: id(ConsumerId, &of.consumer)?,
            producer: id(ProducerId, &of.producer)?,
            transport: id(TransportId, &of.transport)?,
            kind: Numbered::from_number(of.kind)?,
            source: Numbered::from_number(of.source)?,
            paused: of.paused,
            ssrc: of.ssrc,
            rtx_ssrc: of.rtx_ssrc,
            sent: of.sent.into(),
            retransmitted: of.retransmitted.into(),
            probes: of.probes.into(),
            rate: Bitrate(of.rate),
            nacks: of.nacks,
            nacks_unanswered: of.nacks_unanswered,
            plis: of.plis,
            firs: of.firs,
            target: of.target.map(TryInto::try_into).transpose()?,
            current: of.current.map(TryInto::try_into).transpose()?,
            preferred: of.preferred.map(TryInto::try_into).transpose()?,
            limit: optional_from_number(of.limit)?,
            layer_changes: of.layer_changes,
            remote: of.remote.map(Into::into),
        })
    }
}

impl From<details::RemoteReport> for RemoteReport {
    fn from(of: details::RemoteReport) -> Self {
        let details::RemoteReport { lost, fraction_lost, jitter_ms, round_trip_ms } = of;
        Self { lost, fraction_lost, jitter_ms, round_trip_ms }
    }
}

impl From<RemoteReport> for details::RemoteReport {
    fn from(of: RemoteReport) -> Self {
        let RemoteReport { lost, fraction_lost, jitter_ms, round_trip_ms } = of;
        Self { lost, fraction_lost, jitter_ms, round_trip_ms }
    }
}
