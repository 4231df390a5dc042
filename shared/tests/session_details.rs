//! Figures of a session come back as they were, and those of the largest session a node allows fit one reply.

use plenum_shared::{codec::*, command::*, details::*, id::*, media::*, rtp::limit, transport::*};
use proptest::{collection::vec, option, prelude::*, sample::select};
use uuid::Uuid;

/// Bounds of a node: transports of a session; producers, consumers and data channels of each.
const TRANSPORTS: usize = 2;
const PRODUCERS: usize = 8 * TRANSPORTS;
const CONSUMERS: usize = 512 * TRANSPORTS;
const DATA_PRODUCERS: usize = 16 * TRANSPORTS;
const DATA_CONSUMERS: usize = 64 * TRANSPORTS;
/// What [`SessionDetails`] promises.
const PROMISED_LEN_MAX: usize = 512 * 1024;

fn id() -> impl Strategy<Value = Uuid> {
    any::<u128>().prop_map(Uuid::from_u128)
}

fn rate() -> impl Strategy<Value = Bitrate> {
    any::<u64>().prop_map(Bitrate)
}

fn share() -> impl Strategy<Value = f32> {
    0.0_f32..=1.0
}

fn traffic() -> impl Strategy<Value = Traffic> {
    (any::<u64>(), any::<u64>()).prop_map(|(count, bytes)| Traffic { count, bytes })
}

fn layer() -> impl Strategy<Value = Option<Layer>> {
    option::of(
        (any::<u8>(), option::of(any::<u8>())).prop_map(|(spatial, temporal)| Layer { spatial, temporal }),
    )
}

fn kind() -> impl Strategy<Value = Kind> {
    select(vec![Kind::Audio, Kind::Video])
}

fn source() -> impl Strategy<Value = Source> {
    select(vec![Source::Camera, Source::Microphone, Source::Screen, Source::ScreenAudio])
}

fn sending() -> impl Strategy<Value = SendingDetails> {
    let rates = (rate(), rate(), rate(), option::of(rate()), rate());
    let traffics = (traffic(), traffic(), traffic());
    let pictures = (any::<u32>(), any::<u32>(), any::<u32>());
    let waits = (any::<u32>(), any::<u32>(), any::<u64>(), any::<u64>());
    (rates, traffics, pictures, waits, any::<bool>()).prop_map(
        |(rates, traffics, pictures, waits, measured)| SendingDetails {
            available: rates.0,
            measured,
            acknowledged: rates.1,
            path_queue_ms: waits.0,
            allotted: rates.2,
            wanted: rates.3,
            pacing: rates.4,
            pacer_queue: traffics.0,
            pacer_queue_ms: waits.1,
            paced: waits.2,
            paced_ms: waits.3,
            retransmitted: traffics.1,
            probes: traffics.2,
            pictures: pictures.0,
            pictures_limited: pictures.1,
            pictures_withheld: pictures.2,
        },
    )
}

fn transport() -> impl Strategy<Value = TransportDetails> {
    let direction = select(vec![Direction::Send, Direction::Recv]);
    let ice = select(vec![IceState::New, IceState::Connected, IceState::Disconnected]);
    let dtls = select(vec![DtlsState::Connecting, DtlsState::Connected]);
    let protocol = option::of(select(vec![Protocol::Udp, Protocol::Tcp]));
    let states = (id(), direction, ice, dtls, protocol);
    let traffics = (traffic(), traffic(), traffic(), traffic());
    (states, traffics, (rate(), rate()), (option::of(any::<u32>()), share()), option::of(sending())).prop_map(
        |((transport, direction, ice, dtls, protocol), traffics, rates, (round_trip_ms, loss), sending)| {
            TransportDetails {
                transport: TransportId(transport),
                direction,
                ice,
                dtls,
                protocol,
                round_trip_ms,
                loss,
                received: traffics.0,
                sent: traffics.1,
                received_rate: rates.0,
                sent_rate: rates.1,
                data_received: traffics.2,
                data_sent: traffics.3,
                sending,
            }
        },
    )
}

fn stream() -> impl Strategy<Value = StreamDetails> {
    let counts = proptest::array::uniform7(any::<u64>());
    let names = (option::of("[a-zA-Z0-9]{0,16}".boxed()), option::of(any::<u32>()), option::of(any::<u32>()));
    (names, traffic(), traffic(), counts, share(), 0.0_f32..1e6, rate()).prop_map(
        |((rid, ssrc, rtx_ssrc), packets, repaired, counts, fraction_lost, jitter_ms, rate)| {
            let [lost, missed, duplicates, discarded, nacks, plis, keyframes] = counts;
            StreamDetails {
                rid,
                ssrc,
                rtx_ssrc,
                packets,
                repaired,
                lost,
                missed,
                fraction_lost,
                duplicates,
                discarded,
                jitter_ms,
                nacks,
                plis,
                keyframes,
                rate,
            }
        },
    )
}

fn layer_details() -> impl Strategy<Value = LayerDetails> {
    let picture = option::of((1_u16.., 1_u16..).prop_map(|(width, height)| PictureSize { width, height }));
    (rate(), 0.0_f32..1e3, any::<u64>(), picture, any::<bool>(), any::<u32>()).prop_map(
        |(rate, frames_per_second, frames, picture, sent, viewers)| LayerDetails {
            rate,
            frames_per_second,
            frames,
            picture,
            sent,
            viewers,
        },
    )
}

fn producer() -> impl Strategy<Value = ProducerDetails> {
    let names = (id(), id(), kind(), source(), any::<bool>());
    (names, vec(stream(), 0..4), vec(layer_details(), 0..4)).prop_map(
        |((producer, transport, kind, source, paused), streams, layers)| ProducerDetails {
            producer: ProducerId(producer),
            transport: TransportId(transport),
            kind,
            source,
            paused,
            streams,
            layers,
        },
    )
}

fn remote() -> impl Strategy<Value = RemoteReport> {
    (any::<i32>(), share(), 0.0_f32..1e6, option::of(any::<u32>())).prop_map(
        |(lost, fraction_lost, jitter_ms, round_trip_ms)| RemoteReport {
            lost,
            fraction_lost,
            jitter_ms,
            round_trip_ms,
        },
    )
}

fn consumer() -> impl Strategy<Value = ConsumerDetails> {
    let names = (id(), id(), id(), kind(), source(), any::<bool>());
    let ssrcs = (any::<u32>(), option::of(any::<u32>()));
    let traffics = (traffic(), traffic(), traffic(), rate());
    let counts = proptest::array::uniform5(any::<u64>());
    let limit = option::of(select(vec![LayerLimit::Bandwidth, LayerLimit::LastN]));
    (names, ssrcs, traffics, counts, (layer(), layer(), layer(), limit), option::of(remote())).prop_map(
        |(names, (ssrc, rtx_ssrc), traffics, counts, (target, current, preferred, limit), remote)| {
            let [nacks, nacks_unanswered, plis, firs, layer_changes] = counts;
            ConsumerDetails {
                consumer: ConsumerId(names.0),
                producer: ProducerId(names.1),
                transport: TransportId(names.2),
                kind: names.3,
                source: names.4,
                paused: names.5,
                ssrc,
                rtx_ssrc,
                sent: traffics.0,
                retransmitted: traffics.1,
                probes: traffics.2,
                rate: traffics.3,
                nacks,
                nacks_unanswered,
                plis,
                firs,
                target,
                current,
                preferred,
                limit,
                layer_changes,
                remote,
            }
        },
    )
}

fn state() -> impl Strategy<Value = DataChannelState> {
    select(vec![DataChannelState::Connecting, DataChannelState::Open])
}

fn data_producer() -> impl Strategy<Value = DataProducerDetails> {
    (id(), id(), any::<u16>(), state(), traffic()).prop_map(
        |(producer, transport, stream_id, state, received)| DataProducerDetails {
            producer: DataProducerId(producer),
            transport: TransportId(transport),
            stream_id,
            state,
            received,
        },
    )
}

fn data_consumer() -> impl Strategy<Value = DataConsumerDetails> {
    let names = (id(), id(), id());
    (names, any::<u16>(), state(), traffic(), traffic(), any::<u64>()).prop_map(
        |((consumer, producer, transport), stream_id, state, sent, dropped, buffered)| DataConsumerDetails {
            consumer: DataConsumerId(consumer),
            producer: DataProducerId(producer),
            transport: TransportId(transport),
            stream_id,
            state,
            sent,
            dropped,
            buffered,
        },
    )
}

fn encoded(details: &SessionDetails) -> Vec<u8> {
    encode_response(&Ok(Reply::SessionDetails(Box::new(details.clone())))).expect("it fits a reply")
}

proptest! {
    #[test]
    fn figures_come_back_as_they_were(
        session in id(),
        transports in vec(transport(), 0..3),
        producers in vec(producer(), 0..3),
        consumers in vec(consumer(), 0..3),
        data_producers in vec(data_producer(), 0..3),
        data_consumers in vec(data_consumer(), 0..3),
    ) {
        let (session, quality) = (SessionId(session), ConnectionQuality::Fair);
        let details = SessionDetails {
            session, quality, transports, producers, consumers, data_producers, data_consumers,
        };
        let mut reader = FrameReader::new(REPLY_LEN_MAX);
        reader.feed(&encoded(&details));
        let message = reader.next_message().unwrap().unwrap();
        prop_assert_eq!(decode_response(&message), Ok(Ok(Reply::SessionDetails(Box::new(details)))));
    }

    #[test]
    fn the_largest_session_fits_a_reply(
        session in id(), transport in transport(), producer in producer(), consumer in consumer(),
        stream in stream(), layer in layer_details(),
        data_producer in data_producer(), data_consumer in data_consumer(),
    ) {
        let long = StreamDetails { rid: Some("r".repeat(limit::TEXT)), ..stream };
        let streams = vec![long; limit::ENCODINGS];
        let producer = ProducerDetails { streams, layers: vec![layer; limit::ENCODINGS], ..producer };
        let details = SessionDetails {
            session: SessionId(session),
            quality: ConnectionQuality::Poor,
            transports: vec![transport; TRANSPORTS],
            producers: vec![producer; PRODUCERS],
            consumers: vec![consumer; CONSUMERS],
            data_producers: vec![data_producer; DATA_PRODUCERS],
            data_consumers: vec![data_consumer; DATA_CONSUMERS],
        };
        prop_assert!(encoded(&details).len() <= PROMISED_LEN_MAX);
    }
}
