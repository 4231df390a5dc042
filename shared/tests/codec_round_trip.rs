//! Whatever one side means, the other side reads; whatever a stranger sends, nothing panics.

use plenum_shared::{codec::*, command::*, event::*, id::*, media::*, rtp::*, transport::*};
use proptest::{collection::vec, option, prelude::*};
use std::net::IpAddr;
use uuid::Uuid;

fn uuid() -> impl Strategy<Value = Uuid> {
    any::<u128>().prop_map(Uuid::from_u128)
}

fn text() -> impl Strategy<Value = String> {
    "\\PC{0,12}"
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![Just(Kind::Audio), Just(Kind::Video)]
}

fn direction() -> impl Strategy<Value = Direction> {
    prop_oneof![Just(Direction::Send), Just(Direction::Recv)]
}

fn source() -> impl Strategy<Value = Source> {
    prop_oneof![
        Just(Source::Camera),
        Just(Source::Microphone),
        Just(Source::Screen),
        Just(Source::ScreenAudio)
    ]
}

fn quality() -> impl Strategy<Value = ConnectionQuality> {
    use ConnectionQuality::{Excellent, Fair, Good, Poor};
    prop_oneof![Just(Poor), Just(Fair), Just(Good), Just(Excellent)]
}

fn layer() -> impl Strategy<Value = Layer> {
    (any::<u8>(), option::of(any::<u8>())).prop_map(|(spatial, temporal)| Layer { spatial, temporal })
}

fn picture() -> impl Strategy<Value = PictureSize> {
    (1_u16.., 1_u16..).prop_map(|(width, height)| PictureSize { width, height })
}

fn fmtp() -> impl Strategy<Value = Fmtp> {
    let value = prop_oneof![any::<i64>().prop_map(FmtpValue::Number), text().prop_map(FmtpValue::Text)];
    proptest::collection::btree_map(text(), value, 0..4)
}

fn feedback() -> impl Strategy<Value = Vec<RtcpFeedback>> {
    vec((text(), text()).prop_map(|(kind, parameter)| RtcpFeedback { kind, parameter }), 0..4)
}

fn codec_parameters() -> impl Strategy<Value = CodecParameters> {
    (text(), any::<u8>(), any::<u32>(), option::of(any::<u8>()), fmtp(), feedback()).prop_map(
        |(mime_type, payload_type, clock_rate, channels, parameters, rtcp_feedback)| CodecParameters {
            mime_type,
            payload_type,
            clock_rate,
            channels,
            parameters,
            rtcp_feedback,
        },
    )
}

fn codec_capability() -> impl Strategy<Value = CodecCapability> {
    (kind(), option::of(any::<u8>()), codec_parameters()).prop_map(|(kind, preferred_payload_type, codec)| {
        CodecCapability {
            kind,
            mime_type: codec.mime_type,
            preferred_payload_type,
            clock_rate: codec.clock_rate,
            channels: codec.channels,
            parameters: codec.parameters,
            rtcp_feedback: codec.rtcp_feedback,
        }
    })
}

fn encoding() -> impl Strategy<Value = EncodingParameters> {
    (
        option::of(any::<u32>()),
        option::of(text()),
        option::of(any::<u8>()),
        option::of(any::<u32>()),
        any::<bool>(),
        option::of(text()),
        option::of(any::<u64>()),
    )
        .prop_map(|(ssrc, rid, codec_payload_type, rtx, dtx, scalability_mode, max_bitrate)| {
            EncodingParameters {
                ssrc,
                rid,
                codec_payload_type,
                rtx: rtx.map(|ssrc| RtxParameters { ssrc }),
                dtx,
                scalability_mode,
                max_bitrate,
            }
        })
}

fn rtp_parameters() -> impl Strategy<Value = RtpParameters> {
    let extension = (text(), any::<u8>(), any::<bool>())
        .prop_map(|(uri, id, encrypt)| HeaderExtensionParameters { uri, id, encrypt });
    (
        option::of(text()),
        vec(codec_parameters(), 0..3),
        vec(extension, 0..3),
        vec(encoding(), 0..4),
        option::of(text()),
        any::<bool>(),
    )
        .prop_map(|(mid, codecs, header_extensions, encodings, cname, reduced_size)| RtpParameters {
            mid,
            codecs,
            header_extensions,
            encodings,
            rtcp: RtcpParameters { cname, reduced_size },
        })
}

fn rtp_capabilities() -> impl Strategy<Value = RtpCapabilities> {
    let extension = (kind(), text(), any::<u8>(), any::<bool>(), option::of(text())).prop_map(
        |(kind, uri, preferred_id, preferred_encrypt, direction)| HeaderExtensionCapability {
            kind,
            uri,
            preferred_id,
            preferred_encrypt,
            direction,
        },
    );
    (vec(codec_capability(), 0..3), vec(extension, 0..3))
        .prop_map(|(codecs, header_extensions)| RtpCapabilities { codecs, header_extensions })
}

fn dtls() -> impl Strategy<Value = DtlsParameters> {
    let role = prop_oneof![Just(DtlsRole::Auto), Just(DtlsRole::Client), Just(DtlsRole::Server)];
    let fingerprint = (text(), text()).prop_map(|(algorithm, value)| Fingerprint { algorithm, value });
    (role, vec(fingerprint, 0..3)).prop_map(|(role, fingerprints)| DtlsParameters { role, fingerprints })
}

fn candidate() -> impl Strategy<Value = IceCandidate> {
    let protocol = prop_oneof![Just(Protocol::Udp), Just(Protocol::Tcp)];
    (text(), any::<u32>(), any::<IpAddr>(), any::<u16>(), protocol).prop_map(
        |(foundation, priority, ip, port, protocol)| IceCandidate {
            foundation,
            priority,
            ip,
            port,
            protocol,
            kind: CandidateType::Host,
            tcp_type: (protocol == Protocol::Tcp).then_some(TcpType::Passive),
        },
    )
}

fn room_command() -> impl Strategy<Value = RoomCommand> {
    let transport = || uuid().prop_map(TransportId);
    let producer = || uuid().prop_map(ProducerId);
    let consumer = || uuid().prop_map(ConsumerId);
    prop_oneof![
        Just(RoomCommand::Create),
        Just(RoomCommand::Close),
        (uuid(), transport(), direction()).prop_map(|(session, transport, direction)| {
            RoomCommand::CreateTransport { session: SessionId(session), transport, direction }
        }),
        (transport(), dtls()).prop_map(|(transport, dtls)| RoomCommand::ConnectTransport { transport, dtls }),
        transport().prop_map(|transport| RoomCommand::CloseTransport { transport }),
        uuid().prop_map(|session| RoomCommand::CloseSession { session: SessionId(session) }),
        (transport(), producer(), kind(), source(), rtp_parameters(), any::<bool>()).prop_map(
            |(transport, producer, kind, source, rtp_parameters, paused)| RoomCommand::Produce {
                transport,
                producer,
                kind,
                source,
                rtp_parameters,
                paused,
            }
        ),
        (producer(), any::<bool>())
            .prop_map(|(producer, paused)| RoomCommand::SetProducerPaused { producer, paused }),
        producer().prop_map(|producer| RoomCommand::CloseProducer { producer }),
        (transport(), consumer(), producer(), rtp_capabilities(), any::<bool>()).prop_map(
            |(transport, consumer, producer, rtp_capabilities, paused)| RoomCommand::Consume {
                transport,
                consumer,
                producer,
                rtp_capabilities,
                paused,
            }
        ),
        (consumer(), any::<bool>())
            .prop_map(|(consumer, paused)| RoomCommand::SetConsumerPaused { consumer, paused }),
        (consumer(), layer(), option::of(picture()))
            .prop_map(|(consumer, layer, size)| RoomCommand::SetPreferredLayer { consumer, layer, size }),
        (consumer(), any::<u8>())
            .prop_map(|(consumer, priority)| RoomCommand::SetConsumerPriority { consumer, priority }),
        transport().prop_map(|transport| RoomCommand::RestartIce { transport }),
        (uuid(), any::<u32>()).prop_map(|(session, group)| {
            RoomCommand::SetSessionGroup { session: SessionId(session), group }
        }),
        consumer().prop_map(|consumer| RoomCommand::RequestKeyframe { consumer }),
        consumer().prop_map(|consumer| RoomCommand::CloseConsumer { consumer }),
        (transport(), uuid(), stream()).prop_map(|(transport, producer, stream)| {
            RoomCommand::ProduceData { transport, producer: DataProducerId(producer), stream }
        }),
        uuid().prop_map(|id| RoomCommand::CloseDataProducer { producer: DataProducerId(id) }),
        (transport(), uuid(), uuid()).prop_map(|(transport, consumer, producer)| RoomCommand::ConsumeData {
            transport,
            consumer: DataConsumerId(consumer),
            producer: DataProducerId(producer),
        }),
        uuid().prop_map(|id| RoomCommand::CloseDataConsumer { consumer: DataConsumerId(id) }),
        Just(RoomCommand::Stats),
        uuid().prop_map(|session| RoomCommand::SessionDetails { session: SessionId(session) }),
    ]
}

fn stream() -> impl Strategy<Value = SctpStreamParameters> {
    (any::<u16>(), any::<bool>(), option::of(any::<u16>()), option::of(any::<u16>())).prop_map(
        |(stream_id, ordered, max_packet_life_time, max_retransmits)| SctpStreamParameters {
            stream_id,
            ordered,
            max_packet_life_time,
            max_retransmits,
        },
    )
}

fn data_close_reason() -> impl Strategy<Value = DataCloseReason> {
    prop_oneof![
        Just(DataCloseReason::Slow),
        Just(DataCloseReason::StreamClosed),
        Just(DataCloseReason::AssociationLost),
    ]
}

fn request() -> impl Strategy<Value = Request> {
    let command = prop_oneof![
        8 => (uuid(), room_command())
            .prop_map(|(room, command)| Command::Room { room: RoomId(room), command }),
        1 => Just(Command::Inventory),
        1 => Just(Command::Drain),
    ];
    (any::<u64>(), command).prop_map(|(control_epoch, command)| Request { control_epoch, command })
}

fn inventory() -> impl Strategy<Value = RoomInventory> {
    let transport = (uuid(), uuid(), direction(), any::<bool>()).prop_map(
        |(transport, session, direction, connected)| TransportInventory {
            transport: TransportId(transport),
            session: SessionId(session),
            direction,
            connected,
        },
    );
    let ids = || vec(uuid(), 0..4);
    (uuid(), vec(transport, 0..4), ids(), ids(), ids(), ids()).prop_map(
        |(room, transports, producers, consumers, data_producers, data_consumers)| RoomInventory {
            room: RoomId(room),
            transports,
            producers: producers.into_iter().map(ProducerId).collect(),
            consumers: consumers.into_iter().map(ConsumerId).collect(),
            data_producers: data_producers.into_iter().map(DataProducerId).collect(),
            data_consumers: data_consumers.into_iter().map(DataConsumerId).collect(),
        },
    )
}

fn stats() -> impl Strategy<Value = RoomStats> {
    let session = (uuid(), quality(), any::<u64>(), any::<u64>(), 0.0_f32..=1.0, option::of(any::<u32>()))
        .prop_map(|(session, quality, received, sent, loss, round_trip_ms)| SessionStats {
            session: SessionId(session),
            quality,
            received: Bitrate(received),
            sent: Bitrate(sent),
            loss,
            round_trip_ms,
        });
    let rates = (any::<u64>(), any::<u64>(), any::<u64>(), any::<u64>());
    (rates, vec(session, 0..4), vec(track_stats(), 0..4)).prop_map(
        |((received, sent, received_bytes, sent_bytes), sessions, producers)| RoomStats {
            received: Bitrate(received),
            sent: Bitrate(sent),
            sessions,
            received_bytes,
            sent_bytes,
            producers,
        },
    )
}

fn track_stats() -> impl Strategy<Value = ProducerStats> {
    let layer =
        (any::<u64>(), option::of(picture()), any::<u32>()).prop_map(|(received, picture, viewers)| {
            LayerStats { received: Bitrate(received), picture, viewers }
        });
    (uuid(), uuid(), source(), any::<bool>(), vec(layer, 0..4)).prop_map(
        |(producer, session, source, paused, layers)| ProducerStats {
            producer: ProducerId(producer),
            session: SessionId(session),
            source,
            paused,
            layers,
        },
    )
}

fn response() -> impl Strategy<Value = Response> {
    use LayerStructure::{Simple, Simulcast, Svc};
    let structure = prop_oneof![Just(Simple), Just(Simulcast), Just(Svc)];
    let ice =
        || {
            (text(), text(), any::<bool>()).prop_map(|(username_fragment, password, ice_lite)| {
                IceParameters { username_fragment, password, ice_lite }
            })
        };
    prop_oneof![
        Just(Ok(Reply::Done)),
        (ice(), vec(candidate(), 0..4), dtls())
            .prop_map(|(ice, candidates, dtls)| Ok(Reply::TransportCreated { ice, candidates, dtls })),
        ice().prop_map(|ice| Ok(Reply::IceRestarted { ice })),
        stream().prop_map(|stream| Ok(Reply::DataConsumed { stream })),
        (kind(), structure, rtp_parameters(), any::<bool>()).prop_map(
            |(kind, structure, rtp_parameters, producer_paused)| Ok(Reply::Consumed {
                kind,
                structure,
                rtp_parameters,
                producer_paused
            })
        ),
        vec(inventory(), 0..4).prop_map(|rooms| Ok(Reply::Inventory(rooms))),
        stats().prop_map(|stats| Ok(Reply::Stats(stats))),
        text().prop_map(|detail| Err(Refusal::new(RefusalReason::Busy, detail))),
    ]
}

fn speaking() -> impl Strategy<Value = Speaking> {
    (uuid(), uuid(), any::<u8>()).prop_map(|(session, producer, level_dbov_neg)| Speaking {
        session: SessionId(session),
        producer: ProducerId(producer),
        level_dbov_neg,
    })
}

fn event() -> impl Strategy<Value = NumberedEvent> {
    let limit = prop_oneof![Just(LayerLimit::Bandwidth), Just(LayerLimit::LastN)];
    let ids = || (uuid().prop_map(RoomId), uuid().prop_map(SessionId), uuid());
    let event = prop_oneof![
        ids().prop_map(|(room, session, transport)| Event::TransportConnected {
            room,
            session,
            transport: TransportId(transport)
        }),
        ids().prop_map(|(room, session, transport)| Event::TransportClosed {
            room,
            session,
            transport: TransportId(transport),
            reason: CloseReason::HandshakeFailed
        }),
        (ids(), any::<u32>(), any::<bool>()).prop_map(|((room, session, producer), group, someone)| {
            Event::ActiveSpeaker { room, group, speaker: someone.then_some((session, ProducerId(producer))) }
        }),
        (uuid(), any::<u32>(), vec(speaking(), 0..=SPEAKERS_MAX)).prop_map(|(room, group, speakers)| {
            Event::ActiveSpeakers { room: RoomId(room), group, speakers }
        }),
        (ids(), quality()).prop_map(|((room, session, _), quality)| Event::QualityChanged {
            room,
            session,
            quality
        }),
        (ids(), option::of(layer()), option::of(limit)).prop_map(
            |((room, session, consumer), layer, limit)| Event::ConsumerLayerChanged {
                room,
                session,
                consumer: ConsumerId(consumer),
                layer,
                limit
            }
        ),
        (ids(), option::of(any::<u8>())).prop_map(|((room, session, producer), highest)| {
            Event::ProducerLayers { room, session, producer: ProducerId(producer), highest }
        }),
        (ids(), data_close_reason()).prop_map(|((room, session, id), reason)| {
            Event::DataProducerClosed { room, session, producer: DataProducerId(id), reason }
        }),
        (ids(), data_close_reason()).prop_map(|((room, session, id), reason)| {
            Event::DataConsumerClosed { room, session, consumer: DataConsumerId(id), reason }
        }),
        uuid().prop_map(|room| Event::RoomFailed { room: RoomId(room) }),
    ];
    (any::<u64>(), event).prop_map(|(number, event)| NumberedEvent { number, event })
}

/// The one message in a frame.
fn unframed(frame: &[u8]) -> Vec<u8> {
    let mut reader = FrameReader::new(REPLY_LEN_MAX);
    reader.feed(frame);
    reader.next_message().expect("within bounds").expect("complete").to_vec()
}

/// Every decoder over the same bytes; that it returns is the point.
fn decode_as_everything(bytes: &[u8]) {
    let _ = decode_request(bytes);
    let _ = decode_response(bytes);
    let _ = decode_event(bytes);
    let _ = decode_hello(bytes);
    let _ = decode_welcome(bytes);
    let _ = decode_load_report(bytes);
}

proptest! {
    #[test]
    fn requests_come_back_as_they_were(request in request()) {
        let frame = encode_request(&request).unwrap();
        prop_assert_eq!(decode_request(&unframed(&frame)), Ok(request));
    }

    #[test]
    fn responses_come_back_as_they_were(response in response()) {
        let frame = encode_response(&response).unwrap();
        prop_assert_eq!(decode_response(&unframed(&frame)), Ok(response));
    }

    #[test]
    fn events_come_back_as_they_were(event in event()) {
        let frame = encode_event(&event).unwrap();
        prop_assert_eq!(decode_event(&unframed(&frame)), Ok(event));
    }

    #[test]
    fn random_bytes_never_panic(bytes in vec(any::<u8>(), 0..512)) {
        decode_as_everything(&bytes);
        let mut reader = FrameReader::new(MESSAGE_LEN_MAX);
        reader.feed(&bytes);
        while let Ok(Some(message)) = reader.next_message() {
            decode_as_everything(&message);
        }
    }

    #[test]
    fn mutated_messages_never_panic(
        request in request(),
        response in response(),
        flips in vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        for frame in [encode_request(&request).unwrap(), encode_response(&response).unwrap()] {
            let mut message = unframed(&frame);
            if message.is_empty() { continue }
            for (at, value) in &flips {
                let at = at.index(message.len());
                message[at] ^= value;
            }
            decode_as_everything(&message);
            decode_as_everything(&message[..cut.index(message.len())]);
        }
    }
}

/// A message of a later version: field 999, a number.
const LATER_FIELDS: [u8; 3] = [0xb8, 0x3e, 0x05];

#[test]
fn unknown_fields_are_skipped() {
    let request = Request { control_epoch: 3, command: Command::Inventory };
    let mut message = unframed(&encode_request(&request).unwrap());
    message.extend_from_slice(&LATER_FIELDS);
    assert_eq!(decode_request(&message), Ok(request));
}

#[test]
fn an_unknown_command_is_told_from_a_malformed_one_and_keeps_its_epoch() {
    // control_epoch = 3, then field 999 as an empty message: a command this build has never heard of.
    let later = [0x08, 0x03, 0xba, 0x3e, 0x00];
    assert_eq!(decode_request(&later), Err(DecodeError::UnknownCommand { control_epoch: 3 }));
    // A room command whose room is five bytes long.
    let short_room = [0x12, 0x05, 1, 2, 3, 4, 5, 0x52, 0x00];
    assert!(matches!(decode_request(&short_room), Err(DecodeError::Malformed(_))));
}

#[test]
fn an_unknown_event_keeps_its_number() {
    let later = [0x08, 0x2a, 0xba, 0x3e, 0x00];
    assert_eq!(decode_event(&later), Err(DecodeError::UnknownEvent { number: 42 }));
}

#[test]
fn an_unknown_close_reason_still_says_that_the_peer_is_gone() {
    let event = NumberedEvent {
        number: 1,
        event: Event::TransportClosed {
            room: RoomId(Uuid::from_u128(1)),
            session: SessionId(Uuid::from_u128(2)),
            transport: TransportId(Uuid::from_u128(3)),
            reason: CloseReason::NeverConnected,
        },
    };
    let mut message = unframed(&encode_event(&event).unwrap());
    let reason = message.len() - 1;
    assert_eq!(message[reason], 4, "the reason is the last byte");
    message[reason] = 99;
    let Ok(NumberedEvent { event: Event::TransportClosed { reason, .. }, .. }) = decode_event(&message)
    else {
        panic!("the event was lost");
    };
    assert_eq!(reason, CloseReason::PeerClosed);
}

#[test]
fn an_unknown_refusal_is_still_a_refusal() {
    // Answer.refusal { reason: 99, detail: "x" }
    let later = [0x0a, 0x05, 0x08, 99, 0x12, 0x01, b'x'];
    assert_eq!(decode_response(&later), Ok(Err(Refusal::new(RefusalReason::Unsupported, "x"))));
}

#[test]
fn a_request_beyond_the_bound_is_not_sent() {
    let feedback = RtcpFeedback { kind: "x".repeat(256), parameter: "y".repeat(256) };
    let codec = CodecParameters {
        mime_type: "video/VP8".into(),
        payload_type: 101,
        clock_rate: 90_000,
        channels: None,
        parameters: Fmtp::new(),
        rtcp_feedback: vec![feedback; limit::FEEDBACKS],
    };
    let rtp_parameters = RtpParameters {
        codecs: vec![codec; limit::CODECS],
        encodings: vec![EncodingParameters::default()],
        ..RtpParameters::default()
    };
    assert_eq!(rtp_parameters.check(), Ok(()), "each field is within its own bound");
    let request = Request {
        control_epoch: 1,
        command: Command::Room {
            room: RoomId(Uuid::from_u128(1)),
            command: RoomCommand::Produce {
                transport: TransportId(Uuid::from_u128(2)),
                producer: ProducerId(Uuid::from_u128(3)),
                kind: Kind::Video,
                source: Source::Camera,
                rtp_parameters,
                paused: false,
            },
        },
    };
    let refused = encode_request(&request).unwrap_err();
    assert!(refused.len > refused.len_max && refused.len_max == MESSAGE_LEN_MAX);
}
