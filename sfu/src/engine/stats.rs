//! What there is to know of one session: its transports, what it publishes and what it is sent.
//!
//! Everything was counted where it passed; here it is only put together, when control asks.

use std::time::Instant;

use plenum_shared::{
    command::{Refusal, RefusalReason, Reply, Response},
    details::{
        ConsumerDetails, DtlsState, LayerDetails, ProducerDetails, SendingDetails, SessionDetails,
        StreamDetails, Traffic, TransportDetails,
    },
    id::{SessionId, TransportId},
    media::{Bitrate, ConnectionQuality, Direction, Kind, Layer},
    transport::Protocol,
};
use uuid::Uuid;

use super::{
    Engine,
    data_stats::add_data,
    demux::Slot,
    peer::Peer,
    router::{
        Router,
        consumer::Consumer,
        producer::{LAYERS_MAX, Producer},
        rate::RateMeter,
    },
};

/// What passed by one transport.
#[derive(Debug, Default)]
pub struct PeerTraffic {
    received: Traffic,
    sent: Traffic,
    received_meter: RateMeter,
    sent_meter: RateMeter,
    /// Messages of data channels from the client.
    pub data_received: Traffic,
    /// Messages of data channels to the client.
    pub data_sent: Traffic,
    /// Of what was sent, packets that were sent again.
    pub retransmitted: Traffic,
    /// Of what was sent, packets of probes.
    pub probes: Traffic,
}

impl PeerTraffic {
    /// A datagram came.
    pub fn note_received(&mut self, now: Instant, len: usize) {
        self.received.add(len);
        self.received_meter.add(now, len);
    }

    /// Datagrams leave.
    pub fn note_all_sent(&mut self, now: Instant, left: Traffic) {
        self.sent.count += left.count;
        self.sent.bytes += left.bytes;
        self.sent_meter.add(now, left.bytes as usize);
    }

    /// A datagram leaves.
    pub fn note_sent(&mut self, now: Instant, len: usize) {
        self.sent.add(len);
        self.sent_meter.add(now, len);
    }
}

/// How short of bandwidth a viewer was when its layers were last chosen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Shortage {
    /// Videos that are to be shown.
    pub pictures: u32,
    /// Of those, videos that bandwidth holds below what the viewer asks for.
    pub limited: u32,
    /// Of those, videos of which nothing is sent for want of it.
    pub withheld: u32,
}

impl Engine {
    /// Everything there is to know of a session.
    pub(super) fn session_details(&mut self, now: Instant, room: Slot, session: SessionId) -> Response {
        let room = &mut self.rooms[room];
        let presence = room.sessions.get(&session);
        if presence.is_none() && room.home.is_none() {
            return Err(Refusal::new(RefusalReason::UnknownSession, session.to_string()));
        }
        let told = presence.and_then(|presence| presence.quality.told());
        let mut details = SessionDetails {
            session,
            quality: told.unwrap_or(ConnectionQuality::Excellent),
            transports: Vec::new(),
            producers: Vec::new(),
            consumers: Vec::new(),
            data_producers: Vec::new(),
            data_consumers: Vec::new(),
        };
        let Router { producers, consumers, .. } = &mut room.router;
        // Who watches here what the session publishes at home: that is added up there, by the name of the producer.
        for (_, mirror) in producers.iter_mut().filter(|(_, one)| one.is_mirror() && one.session == session) {
            let viewers = viewers(mirror, |slot| &consumers[slot]);
            details.producers.push(producer_details(now, TransportId(Uuid::nil()), mirror, viewers));
        }
        for &slot in presence.iter().flat_map(|presence| &presence.peers) {
            let peer = &mut self.peers[slot];
            details.transports.push(transport_details(now, peer));
            for &producer in &peer.producers {
                let producer = &mut producers[producer];
                let viewers = viewers(producer, |slot| &consumers[slot]);
                details.producers.push(producer_details(now, peer.id, producer, viewers));
            }
            for &consumer in &peer.consumers {
                let consumer = &mut consumers[consumer];
                let producer = &producers[consumer.producer];
                details.consumers.push(consumer_details(now, peer.id, consumer, producer));
            }
            add_data(&mut details, &room.data, slot, peer);
        }
        Ok(Reply::SessionDetails(Box::new(details)))
    }
}

fn transport_details(now: Instant, peer: &mut Peer) -> TransportDetails {
    let connected = peer.transport.is_connected();
    let by = |tcp: bool| if tcp { Protocol::Tcp } else { Protocol::Udp };
    TransportDetails {
        transport: peer.id,
        direction: peer.direction,
        ice: peer.transport.ice_state(),
        dtls: if connected { DtlsState::Connected } else { DtlsState::Connecting },
        protocol: peer.transport.path().map(|(local, _)| by(local.is_tcp())),
        round_trip_ms: peer.round_trip.map(|round_trip| round_trip.as_millis() as u32),
        loss: peer.loss,
        received: peer.traffic.received,
        sent: peer.traffic.sent,
        received_rate: peer.traffic.received_meter.rate(now),
        sent_rate: peer.traffic.sent_meter.rate(now),
        data_received: peer.traffic.data_received,
        data_sent: peer.traffic.data_sent,
        sending: (peer.direction == Direction::Recv).then(|| sending_details(peer)),
    }
}

fn sending_details(peer: &Peer) -> SendingDetails {
    let estimate = peer.estimate.snapshot();
    let pacer = peer.pacer.figures();
    SendingDetails {
        available: estimate.bitrate,
        measured: peer.estimate.is_measured(),
        acknowledged: estimate.acknowledged,
        path_queue_ms: estimate.queue.as_millis() as u32,
        allotted: peer.allotted,
        wanted: peer.estimate.wanted(),
        pacing: peer.pacer.rate(),
        pacer_queue: Traffic { count: pacer.waiting as u64, bytes: pacer.waiting_bytes as u64 },
        pacer_queue_ms: peer.pacer.queue().as_millis() as u32,
        paced: pacer.paced,
        paced_ms: pacer.waited.as_millis() as u64,
        retransmitted: peer.traffic.retransmitted,
        probes: peer.traffic.probes,
        pictures: peer.shortage.pictures,
        pictures_limited: peer.shortage.limited,
        pictures_withheld: peer.shortage.withheld,
    }
}

/// Subscriptions that are given each spatial layer of a producer now.
pub(super) fn viewers<'a>(
    producer: &Producer,
    consumer: impl Fn(usize) -> &'a Consumer,
) -> [u32; LAYERS_MAX] {
    let mut viewers = [0; LAYERS_MAX];
    for &slot in &producer.consumers {
        let consumer = consumer(slot);
        let layer = given(consumer, producer);
        if let Some(viewed) = layer.and_then(|layer| viewers.get_mut(usize::from(layer.spatial))) {
            *viewed += 1;
        }
    }
    viewers
}

/// The layer a subscription is given now.
pub(super) fn given(consumer: &Consumer, producer: &Producer) -> Option<Layer> {
    consumer.layers.current().filter(|_| !consumer.paused && !producer.paused)
}

fn producer_details(
    now: Instant,
    transport: TransportId,
    producer: &mut Producer,
    viewers: [u32; LAYERS_MAX],
) -> ProducerDetails {
    let rates = producer.layer_received(now);
    let layers = if producer.kind == Kind::Video { producer.layer_count().min(LAYERS_MAX) } else { 0 };
    let frames = producer.layer_frames(now);
    let layer = |layer: usize| LayerDetails {
        rate: rates[layer],
        frames_per_second: frames[layer].1,
        frames: frames[layer].0,
        picture: producer.pictures[layer],
        sent: producer.is_sent(layer as u8),
        viewers: viewers[layer],
    };
    ProducerDetails {
        producer: producer.id,
        transport,
        kind: producer.kind,
        source: producer.source,
        paused: producer.paused,
        streams: (0..producer.streams.len()).map(|stream| stream_details(producer, stream, &rates)).collect(),
        layers: (0..layers).map(layer).collect(),
    }
}

fn stream_details(producer: &Producer, stream: usize, rates: &[Bitrate; LAYERS_MAX]) -> StreamDetails {
    let is_only = producer.streams.len() == 1;
    // All layers of a producer with one stream are inside it.
    let rate = if is_only { rates.iter().map(|rate| rate.0).sum() } else { rates[stream].0 };
    let stream = &producer.streams[stream];
    let (counts, reception) = (&stream.counts, &stream.reception);
    let (expected, lost) = reception.interval;
    StreamDetails {
        rid: stream.encoding.rid.clone(),
        ssrc: stream.ssrc,
        rtx_ssrc: stream.rtx_ssrc,
        packets: counts.packets,
        repaired: counts.repaired,
        lost: reception.lost(),
        missed: reception.missed(),
        fraction_lost: lost as f32 / expected.max(1) as f32,
        duplicates: counts.duplicates,
        discarded: counts.discarded,
        jitter_ms: reception.jitter().as_secs_f32() * 1e3,
        nacks: counts.nacks,
        plis: counts.plis,
        keyframes: counts.keyframes,
        rate: Bitrate(rate),
    }
}

fn consumer_details(
    now: Instant,
    transport: TransportId,
    consumer: &mut Consumer,
    producer: &Producer,
) -> ConsumerDetails {
    let is_video = consumer.kind == Kind::Video;
    let counts = consumer.counts;
    ConsumerDetails {
        consumer: consumer.id,
        producer: producer.id,
        transport,
        kind: consumer.kind,
        source: consumer.source,
        paused: consumer.paused || producer.paused,
        ssrc: consumer.ssrc,
        rtx_ssrc: consumer.rtx_ssrc(),
        sent: counts.sent,
        retransmitted: counts.retransmitted,
        probes: counts.probes,
        rate: consumer.sent_rate(now),
        nacks: counts.nacks,
        nacks_unanswered: counts.nacks_unanswered,
        plis: counts.plis,
        firs: counts.firs,
        target: consumer.layers.target().filter(|_| is_video),
        current: consumer.layers.current().filter(|_| is_video),
        preferred: is_video.then_some(consumer.layers.preferred),
        limit: consumer.limit,
        layer_changes: counts.layer_changes,
        remote: consumer.remote,
    }
}
