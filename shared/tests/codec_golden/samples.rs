//! One of each message, with everything in it that may be.

use plenum_shared::{command::*, details::*, event::*, id::*, media::*, rtp::*, transport::*};
use uuid::Uuid;

const ROOM: RoomId = RoomId(Uuid::from_u128(0x11));
const SESSION: SessionId = SessionId(Uuid::from_u128(0x22));
const TRANSPORT: TransportId = TransportId(Uuid::from_u128(0x33));
const PRODUCER: ProducerId = ProducerId(Uuid::from_u128(0x44));
const CONSUMER: ConsumerId = ConsumerId(Uuid::from_u128(0x55));
const DATA_PRODUCER: DataProducerId = DataProducerId(Uuid::from_u128(0x77));
const DATA_CONSUMER: DataConsumerId = DataConsumerId(Uuid::from_u128(0x88));
const NODE: NodeId = NodeId(Uuid::from_u128(0x66));

fn stream() -> SctpStreamParameters {
    SctpStreamParameters {
        stream_id: 5,
        ordered: false,
        max_packet_life_time: None,
        max_retransmits: Some(2),
    }
}

fn dtls() -> DtlsParameters {
    DtlsParameters {
        role: DtlsRole::Client,
        fingerprints: vec![Fingerprint { algorithm: "sha-256".into(), value: "AB:CD".into() }],
    }
}

fn rtp_parameters() -> RtpParameters {
    RtpParameters {
        mid: Some("0".into()),
        codecs: vec![CodecParameters {
            mime_type: "video/H264".into(),
            payload_type: 107,
            clock_rate: 90_000,
            channels: None,
            parameters: [
                ("packetization-mode".to_owned(), FmtpValue::Number(1)),
                ("profile-level-id".to_owned(), FmtpValue::Text("42e01f".into())),
            ]
            .into(),
            rtcp_feedback: vec![RtcpFeedback { kind: "nack".into(), parameter: "pli".into() }],
        }],
        header_extensions: vec![HeaderExtensionParameters { uri: uri::MID.into(), id: 1, encrypt: false }],
        encodings: vec![EncodingParameters {
            ssrc: Some(0xdead_beef),
            rid: Some("r0".into()),
            codec_payload_type: Some(107),
            rtx: Some(RtxParameters { ssrc: 0xfeed_beef }),
            dtx: true,
            scalability_mode: Some("L1T3".into()),
            max_bitrate: Some(500_000),
        }],
        rtcp: RtcpParameters { cname: Some("cname".into()), reduced_size: true },
    }
}

fn rtp_capabilities() -> RtpCapabilities {
    RtpCapabilities {
        codecs: vec![CodecCapability {
            kind: Kind::Audio,
            mime_type: "audio/opus".into(),
            preferred_payload_type: Some(100),
            clock_rate: 48_000,
            channels: Some(2),
            parameters: [("useinbandfec".to_owned(), FmtpValue::Number(1))].into(),
            rtcp_feedback: vec![RtcpFeedback { kind: "transport-cc".into(), parameter: String::new() }],
        }],
        header_extensions: vec![HeaderExtensionCapability {
            kind: Kind::Audio,
            uri: uri::AUDIO_LEVEL.into(),
            preferred_id: 10,
            preferred_encrypt: false,
            direction: Some("sendrecv".into()),
        }],
    }
}

pub fn requests() -> Vec<Request> {
    let layer = Layer { spatial: 2, temporal: Some(0) };
    let prefer = |size| RoomCommand::SetPreferredLayer { consumer: CONSUMER, layer, size };
    let room = [
        RoomCommand::Create,
        RoomCommand::Close,
        RoomCommand::CreateTransport { session: SESSION, transport: TRANSPORT, direction: Direction::Recv },
        RoomCommand::ConnectTransport { transport: TRANSPORT, dtls: dtls() },
        RoomCommand::CloseTransport { transport: TRANSPORT },
        RoomCommand::CloseSession { session: SESSION },
        RoomCommand::Produce {
            transport: TRANSPORT,
            producer: PRODUCER,
            kind: Kind::Video,
            source: Source::Screen,
            rtp_parameters: rtp_parameters(),
            paused: true,
        },
        RoomCommand::SetProducerPaused { producer: PRODUCER, paused: true },
        RoomCommand::CloseProducer { producer: PRODUCER },
        RoomCommand::Consume {
            transport: TRANSPORT,
            consumer: CONSUMER,
            producer: PRODUCER,
            rtp_capabilities: rtp_capabilities(),
            paused: true,
        },
        RoomCommand::SetConsumerPaused { consumer: CONSUMER, paused: true },
        prefer(None),
        prefer(Some(PictureSize { width: 640, height: 360 })),
        RoomCommand::SetConsumerPriority { consumer: CONSUMER, priority: 200 },
        RoomCommand::RestartIce { transport: TRANSPORT },
        RoomCommand::SetSessionGroup { session: SESSION, group: 3 },
        RoomCommand::RequestKeyframe { consumer: CONSUMER },
        RoomCommand::CloseConsumer { consumer: CONSUMER },
        RoomCommand::ProduceData { transport: TRANSPORT, producer: DATA_PRODUCER, stream: stream() },
        RoomCommand::CloseDataProducer { producer: DATA_PRODUCER },
        RoomCommand::ConsumeData { transport: TRANSPORT, consumer: DATA_CONSUMER, producer: DATA_PRODUCER },
        RoomCommand::CloseDataConsumer { consumer: DATA_CONSUMER },
        RoomCommand::Stats,
        RoomCommand::SessionDetails { session: SESSION },
    ];
    room.into_iter()
        .map(|command| Command::Room { room: ROOM, command })
        .chain([Command::Inventory, Command::Drain])
        .map(|command| Request { control_epoch: 7, command })
        .collect()
}

pub fn responses() -> Vec<Response> {
    let refusals = [
        RefusalReason::UnknownRoom,
        RefusalReason::UnknownSession,
        RefusalReason::UnknownTransport,
        RefusalReason::UnknownProducer,
        RefusalReason::UnknownConsumer,
        RefusalReason::AlreadyExists,
        RefusalReason::Invalid,
        RefusalReason::Unsupported,
        RefusalReason::Busy,
        RefusalReason::LimitReached,
        RefusalReason::StaleControl,
        RefusalReason::Draining,
        RefusalReason::Internal,
    ];
    let ice = || IceParameters { username_fragment: "ufrag".into(), password: "pwd".into(), ice_lite: true };
    let udp = IceCandidate {
        foundation: "udp4".into(),
        priority: 2_130_706_431,
        ip: std::net::Ipv4Addr::new(192, 0, 2, 7).into(),
        port: 40_000,
        protocol: Protocol::Udp,
        kind: CandidateType::Host,
        tcp_type: None,
    };
    let tcp = IceCandidate {
        foundation: "tcp4".into(),
        protocol: Protocol::Tcp,
        tcp_type: Some(TcpType::Passive),
        ..udp.clone()
    };
    let inventory = |data_producers, data_consumers| RoomInventory {
        room: ROOM,
        transports: vec![TransportInventory {
            transport: TRANSPORT,
            session: SESSION,
            direction: Direction::Send,
            connected: true,
        }],
        producers: vec![PRODUCER],
        consumers: vec![CONSUMER],
        data_producers,
        data_consumers,
    };
    let created = |candidates| Ok(Reply::TransportCreated { ice: ice(), candidates, dtls: dtls() });
    let mut responses = vec![
        Ok(Reply::Done),
        created(vec![udp.clone()]),
        created(vec![udp, tcp]),
        Ok(Reply::IceRestarted { ice: ice() }),
        Ok(Reply::DataConsumed { stream: stream() }),
        Ok(Reply::Consumed {
            kind: Kind::Video,
            structure: LayerStructure::Simulcast,
            rtp_parameters: rtp_parameters(),
            producer_paused: true,
        }),
        Ok(Reply::Inventory(vec![inventory(vec![], vec![])])),
        Ok(Reply::Inventory(vec![inventory(vec![DATA_PRODUCER], vec![DATA_CONSUMER])])),
        Ok(Reply::Stats(RoomStats {
            received: Bitrate(1_500_000),
            sent: Bitrate(3_000_000),
            sessions: vec![SessionStats {
                session: SESSION,
                quality: ConnectionQuality::Good,
                received: Bitrate(1_500_000),
                sent: Bitrate(3_000_000),
                loss: 0.25,
                round_trip_ms: Some(40),
            }],
            ..RoomStats::default()
        })),
        Ok(Reply::Stats(RoomStats {
            received: Bitrate(900_000),
            received_bytes: 112_500,
            sent_bytes: 225_000,
            producers: vec![ProducerStats {
                producer: PRODUCER,
                session: SESSION,
                source: Source::Screen,
                paused: true,
                layers: vec![
                    LayerStats {
                        received: Bitrate(900_000),
                        picture: Some(PictureSize { width: 1280, height: 720 }),
                        viewers: 2,
                    },
                    LayerStats::default(),
                ],
            }],
            ..RoomStats::default()
        })),
    ];
    let details = session_details();
    responses.push(Ok(Reply::SessionDetails(Box::new(details.clone()))));
    responses.push(Ok(Reply::SessionDetails(Box::new(with_data_channels(details)))));
    responses.extend(refusals.map(|reason| Err(Refusal::new(reason, "why"))));
    responses
}

fn session_details() -> SessionDetails {
    let traffic = |count| Traffic { count, bytes: count * 1000 };
    let layer = |spatial, temporal| Some(Layer { spatial, temporal });
    let transport = TransportDetails {
        transport: TRANSPORT,
        direction: Direction::Recv,
        ice: IceState::Connected,
        dtls: DtlsState::Connected,
        protocol: Some(Protocol::Tcp),
        round_trip_ms: Some(40),
        loss: 0.25,
        received: traffic(1),
        sent: traffic(2),
        received_rate: Bitrate(3),
        sent_rate: Bitrate(4),
        data_received: traffic(5),
        data_sent: traffic(6),
        sending: Some(SendingDetails {
            available: Bitrate(7),
            measured: true,
            acknowledged: Bitrate(8),
            path_queue_ms: 9,
            allotted: Bitrate(10),
            wanted: Some(Bitrate(11)),
            pacing: Bitrate(12),
            pacer_queue: traffic(13),
            pacer_queue_ms: 14,
            paced: 15,
            paced_ms: 16,
            retransmitted: traffic(17),
            probes: traffic(18),
            pictures: 19,
            pictures_limited: 20,
            pictures_withheld: 21,
        }),
    };
    let stream = StreamDetails {
        rid: Some("h".into()),
        ssrc: Some(22),
        rtx_ssrc: Some(23),
        packets: traffic(24),
        repaired: traffic(25),
        lost: 26,
        missed: 27,
        fraction_lost: 0.5,
        duplicates: 28,
        discarded: 29,
        jitter_ms: 1.5,
        nacks: 30,
        plis: 31,
        keyframes: 32,
        rate: Bitrate(33),
    };
    let layer_details = LayerDetails {
        rate: Bitrate(34),
        frames_per_second: 29.5,
        frames: 35,
        picture: Some(PictureSize { width: 1280, height: 720 }),
        sent: true,
        viewers: 36,
    };
    let consumer = ConsumerDetails {
        consumer: CONSUMER,
        producer: PRODUCER,
        transport: TRANSPORT,
        kind: Kind::Video,
        source: Source::Screen,
        paused: true,
        ssrc: 37,
        rtx_ssrc: Some(38),
        sent: traffic(39),
        retransmitted: traffic(40),
        probes: traffic(41),
        rate: Bitrate(42),
        nacks: 43,
        nacks_unanswered: 44,
        plis: 45,
        firs: 46,
        target: layer(2, None),
        current: layer(1, Some(0)),
        preferred: layer(2, Some(2)),
        limit: Some(LayerLimit::Bandwidth),
        layer_changes: 47,
        remote: Some(RemoteReport {
            lost: -48,
            fraction_lost: 0.125,
            jitter_ms: 2.5,
            round_trip_ms: Some(49),
        }),
    };
    SessionDetails {
        session: SESSION,
        quality: ConnectionQuality::Fair,
        transports: vec![transport],
        producers: vec![ProducerDetails {
            producer: PRODUCER,
            transport: TRANSPORT,
            kind: Kind::Video,
            source: Source::Camera,
            paused: true,
            streams: vec![stream],
            layers: vec![layer_details],
        }],
        consumers: vec![consumer],
        data_producers: Vec::new(),
        data_consumers: Vec::new(),
    }
}

fn with_data_channels(details: SessionDetails) -> SessionDetails {
    let traffic = |count| Traffic { count, bytes: count * 1000 };
    SessionDetails {
        data_producers: vec![DataProducerDetails {
            producer: DATA_PRODUCER,
            transport: TRANSPORT,
            stream_id: 50,
            state: DataChannelState::Open,
            received: traffic(51),
        }],
        data_consumers: vec![DataConsumerDetails {
            consumer: DATA_CONSUMER,
            producer: DATA_PRODUCER,
            transport: TRANSPORT,
            stream_id: 52,
            state: DataChannelState::Connecting,
            sent: traffic(53),
            dropped: traffic(54),
            buffered: 55,
        }],
        ..details
    }
}

pub fn events() -> Vec<NumberedEvent> {
    let closed =
        |reason| Event::TransportClosed { room: ROOM, session: SESSION, transport: TRANSPORT, reason };
    let speaking = |level_dbov_neg| Speaking { session: SESSION, producer: PRODUCER, level_dbov_neg };
    let layer = |layer, limit| Event::ConsumerLayerChanged {
        room: ROOM,
        session: SESSION,
        consumer: CONSUMER,
        layer,
        limit,
    };
    let no_data =
        |reason| Event::DataConsumerClosed { room: ROOM, session: SESSION, consumer: DATA_CONSUMER, reason };
    let watched =
        |highest| Event::ProducerLayers { room: ROOM, session: SESSION, producer: PRODUCER, highest };
    [
        Event::TransportConnected { room: ROOM, session: SESSION, transport: TRANSPORT },
        Event::DataProducerClosed {
            room: ROOM,
            session: SESSION,
            producer: DATA_PRODUCER,
            reason: DataCloseReason::StreamClosed,
        },
        no_data(DataCloseReason::Slow),
        no_data(DataCloseReason::StreamClosed),
        no_data(DataCloseReason::AssociationLost),
        closed(CloseReason::ConsentExpired),
        closed(CloseReason::PeerClosed),
        closed(CloseReason::HandshakeFailed),
        closed(CloseReason::NeverConnected),
        Event::ActiveSpeaker { room: ROOM, group: 0, speaker: Some((SESSION, PRODUCER)) },
        Event::ActiveSpeaker { room: ROOM, group: 0, speaker: None },
        Event::ActiveSpeaker { room: ROOM, group: 3, speaker: Some((SESSION, PRODUCER)) },
        Event::ActiveSpeakers { room: ROOM, group: 3, speakers: vec![speaking(0), speaking(35)] },
        Event::QualityChanged { room: ROOM, session: SESSION, quality: ConnectionQuality::Poor },
        layer(Some(Layer { spatial: 1, temporal: None }), None),
        layer(None, None),
        layer(None, Some(LayerLimit::Bandwidth)),
        layer(Some(Layer { spatial: 0, temporal: None }), Some(LayerLimit::LastN)),
        watched(Some(0)),
        watched(None),
        Event::RoomFailed { room: ROOM },
    ]
    .into_iter()
    .map(|event| NumberedEvent { number: 300, event })
    .collect()
}

pub fn welcomes() -> Vec<Welcome> {
    vec![
        Welcome::Accepted { version: 1, control_epoch: 7 },
        Welcome::Rejected { reason: "this node is not known here".into() },
    ]
}

pub fn hello() -> Hello {
    Hello {
        version: 1,
        version_min: 1,
        node: NODE,
        epoch: 1_790_000_000_000,
        software: "plenum-sfu 0.1.0".into(),
        worker_count: 2,
        media_addresses: vec!["192.0.2.7".into(), "2001:db8::7".into()],
        http_address: "127.0.0.1:9090".into(),
        last_event: 300,
    }
}

pub fn load_report() -> LoadReport {
    let worker = WorkerLoad {
        cpu: 0.5,
        rooms: 1,
        transports: 2,
        producers: 3,
        consumers: 4,
        received: Bitrate::kbps(1500),
        sent: Bitrate::kbps(3000),
        queue: 5,
    };
    LoadReport { node: NODE, epoch: 9, workers: vec![worker, WorkerLoad::default()] }
}
