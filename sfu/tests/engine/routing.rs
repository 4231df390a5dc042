//! What the router does with single packets: who gets what, with which numbers, and what peers are told in RTCP.

use plenum_sfu::engine::packet::RtpPacket;
use plenum_sfu::engine::transport::rtcp::{self, RtcpPacket, SenderReport};
use plenum_shared::command::{RefusalReason, Reply, RoomCommand};
use plenum_shared::event::Event;
use plenum_shared::id::{ConsumerId, DataConsumerId, DataProducerId, ProducerId, SessionId, TransportId};
use plenum_shared::media::{ConnectionQuality, Direction, Kind, Layer, Source};
use plenum_shared::rtp::{RtpCapabilities, extension_id, router_capabilities};
use plenum_shared::transport::SctpStreamParameters;

use crate::room::{MID, REPAIRED_RID, Room, Sent, Viewing};
use crate::tracks::{AUDIO, SIMULCAST_RTX_SSRC, SIMULCAST_SSRC, simulcast, single, video_packet, vp8};

fn numbers(packets: &[(RtpPacket, Vec<u8>)]) -> Vec<u16> {
    packets.iter().map(|(packet, _)| packet.sequence_number).collect()
}

/// How often a peer was asked for a keyframe of a stream since it was last looked.
fn keyframe_requests(room: &mut Room, link: usize, ssrc: u32) -> usize {
    let compounds = room.received_rtcp(link);
    let asks =
        |packet: &RtcpPacket<'_>| matches!(packet, RtcpPacket::Pli { media_ssrc, .. } if *media_ssrc == ssrc);
    compounds.iter().map(|compound| rtcp::parse(compound).filter(asks).count()).sum()
}

/// Ada publishes, Bob watches; both are connected.
fn ada_and_bob(kind: Kind, source: Source, json: &str) -> (Room, usize, ProducerId, Viewing) {
    let mut room = Room::new();
    let (ada, bob) = (room.link(Direction::Send), room.link(Direction::Recv));
    let producer = room.produce(ada, kind, source, json);
    let viewing = room.consume(bob, producer);
    (room, ada, producer, viewing)
}

#[test]
fn sound_reaches_the_viewer_in_the_rooms_numbers() {
    let (mut room, ada, _, viewing) = ada_and_bob(Kind::Audio, Source::Microphone, AUDIO);
    for number in 500..503 {
        room.send_audio(ada, number, 40);
    }
    let received = room.received(&viewing);
    assert_eq!(received.len(), 3);
    let (packet, bytes) = &received[0];
    assert_eq!(packet.payload_type, 100);
    assert_eq!(packet.payload(bytes), b"sound");
    assert_eq!(packet.identifier(bytes, extension_id::MID), viewing.parameters.mid.as_deref());
    assert_eq!(
        packet.audio_level(bytes, extension_id::AUDIO_LEVEL).map(|level| level.level_dbov_neg),
        Some(40)
    );
    assert!(packet.abs_send_time(bytes, extension_id::ABS_SEND_TIME).is_some());
    let (second, _) = &received[1];
    assert_eq!(second.sequence_number, packet.sequence_number.wrapping_add(1));
    assert_eq!(second.timestamp, packet.timestamp.wrapping_add(960));
    assert_eq!(viewing.parameters.rtcp.cname, Some(room.links[ada].session.to_string()));
}

#[test]
fn media_before_produce_is_dropped_quietly_and_flows_after_it() {
    let mut room = Room::new();
    let (ada, bob) = (room.link(Direction::Send), room.link(Direction::Recv));
    room.send_simulcast(ada, 1, true);
    assert_eq!(room.engine.counters().rtp_dropped_unbound, 3);
    let producer = room.produce(ada, Kind::Video, Source::Camera, &simulcast());
    let viewing = room.consume(bob, producer);
    room.send_simulcast(ada, 2, false);
    assert_eq!(room.received(&viewing).len(), 0, "the keyframe was missed");
    room.run(2);
    assert_eq!(keyframe_requests(&mut room, ada, SIMULCAST_SSRC), 1);
    room.send_simulcast(ada, 3, true);
    assert_eq!(room.received(&viewing).len(), 1);
}

#[test]
fn a_probe_on_the_stream_of_retransmissions_is_never_forwarded() {
    let (mut room, ada, _, viewing) = ada_and_bob(Kind::Video, Source::Camera, &simulcast());
    let probe = Sent {
        payload_type: 97,
        ssrc: SIMULCAST_RTX_SSRC,
        sequence_number: 1,
        timestamp: 0,
        extensions: &[(MID, b"1"), (REPAIRED_RID, b"r0")],
        payload: &[],
    };
    room.send(ada, probe);
    room.run(500);
    assert_eq!(keyframe_requests(&mut room, ada, SIMULCAST_RTX_SSRC), 0);
    room.send_simulcast(ada, 1, true);
    assert_eq!(room.received(&viewing).len(), 1);
    assert_eq!(room.engine.counters().rtp_padding_received, 1);
}

#[test]
fn a_pause_stops_at_once_and_going_on_starts_with_a_keyframe_and_the_next_number() {
    let (mut room, ada, producer, viewing) = ada_and_bob(Kind::Video, Source::Camera, &single());
    room.send_video(ada, 1, true);
    room.send_video(ada, 2, false);
    let consumer = viewing.consumer;
    let pauses = [
        (
            RoomCommand::SetConsumerPaused { consumer, paused: true },
            RoomCommand::SetConsumerPaused { consumer, paused: false },
        ),
        (
            RoomCommand::SetProducerPaused { producer, paused: true },
            RoomCommand::SetProducerPaused { producer, paused: false },
        ),
    ];
    let mut last = *numbers(&room.received(&viewing)).last().unwrap();
    let mut number = 3;
    for (pause, resume) in pauses {
        room.command(pause).unwrap();
        room.send_video(ada, number, true);
        room.run(1000);
        assert_eq!(room.received(&viewing).len(), 0);
        room.received_rtcp(ada);
        room.command(resume).unwrap();
        room.send_video(ada, number + 1, false);
        room.run(2);
        assert_eq!(keyframe_requests(&mut room, ada, 2000), 1);
        room.send_video(ada, number + 2, true);
        assert_eq!(numbers(&room.received(&viewing)), [last.wrapping_add(1)]);
        last = last.wrapping_add(1);
        number += 3;
    }
}

#[test]
fn a_layer_asked_for_comes_with_its_next_keyframe_and_is_told() {
    let (mut room, ada, _, viewing) = ada_and_bob(Kind::Video, Source::Camera, &simulcast());
    for number in 1..40 {
        room.send_simulcast(ada, number, number == 1);
        room.run(33);
    }
    let mut seen = numbers(&room.received(&viewing));
    room.received_rtcp(ada);
    let consumer = viewing.consumer;
    for (number, spatial) in [(40, 2), (41, 0), (42, 1)] {
        let layer = Layer { spatial, temporal: None };
        room.command(RoomCommand::SetPreferredLayer { consumer, layer, size: None }).unwrap();
        room.run(500);
        assert!(keyframe_requests(&mut room, ada, SIMULCAST_SSRC + u32::from(spatial)) > 0);
        room.send_simulcast(ada, number, true);
        let told = room.events.iter().rev().find_map(|event| match event {
            Event::ConsumerLayerChanged { layer, .. } => Some(layer.map(|layer| layer.spatial)),
            _ => None,
        });
        assert_eq!(told, Some(Some(spatial)));
        seen.extend(numbers(&room.received(&viewing)));
    }
    assert!(seen.windows(2).all(|pair| pair[1] == pair[0].wrapping_add(1)), "{seen:?}");
}

#[test]
fn what_a_publisher_lost_is_asked_for_and_its_repetition_is_forwarded() {
    let (mut room, ada, _, viewing) = ada_and_bob(Kind::Video, Source::Camera, &single());
    room.send_video(ada, 1, true);
    room.send_video(ada, 3, false);
    room.run(20);
    let compounds = room.received_rtcp(ada);
    let lost: Vec<_> = compounds
        .iter()
        .flat_map(|compound| rtcp::parse(compound))
        .filter_map(|packet| match packet {
            RtcpPacket::Nack { media_ssrc: 2000, lost, .. } => Some(lost.sequence_numbers()),
            _ => None,
        })
        .flatten()
        .collect();
    assert_eq!(lost, [2]);
    let mut payload = vec![0, 2];
    payload.extend(vp8(false, 2));
    room.send(ada, Sent { payload_type: 97, ..video_packet(2001, 77, &payload, &[]) });
    let received = room.received(&viewing);
    let first = received[0].0.sequence_number;
    assert_eq!(numbers(&received), [first, first.wrapping_add(2), first.wrapping_add(1)]);
    assert_eq!(room.engine.counters().rtp_repaired, 1);
}

#[test]
fn a_viewer_gets_again_what_it_asks_for() {
    let (mut room, ada, _, viewing) = ada_and_bob(Kind::Video, Source::Camera, &single());
    for number in 1..5 {
        room.send_video(ada, number, number == 1);
    }
    let received = room.received(&viewing);
    let (lost, original) = &received[2];
    let asked = lost.sequence_number;
    room.send_rtcp(viewing.link, |writer| {
        assert!(writer.nack(1, viewing.ssrc(), [asked, asked.wrapping_add(1000)]));
    });
    let repeated = room.received_of(viewing.link, viewing.rtx_ssrc());
    assert_eq!(repeated.len(), 1);
    let (packet, bytes) = &repeated[0];
    assert_eq!((packet.payload_type, packet.timestamp), (102, lost.timestamp));
    let (number, payload) = packet.payload(bytes).split_at(2);
    assert_eq!(number, asked.to_be_bytes());
    assert_eq!(payload, lost.payload(original));
    assert_eq!(room.engine.counters().retransmissions_unavailable, 1);
}

#[test]
fn publishers_hear_early_of_what_arrived_and_viewers_of_the_publishers_clock() {
    let (mut room, ada, _, viewing) = ada_and_bob(Kind::Video, Source::Camera, &single());
    room.send_video(ada, 1, true);
    let report = SenderReport {
        ssrc: 2000,
        ntp_time: 0x0102_0304_0000_0000,
        rtp_timestamp: 3000,
        packet_count: 1,
        octet_count: 600,
    };
    room.send_rtcp(ada, |writer| assert!(writer.sender_report(&report, &[])));
    room.run(101);
    let compounds = room.received_rtcp(ada);
    let packets: Vec<_> = compounds.iter().flat_map(|compound| rtcp::parse(compound)).collect();
    assert!(packets.iter().any(|packet| matches!(packet, RtcpPacket::TransportFeedback(_))));
    let block = packets.iter().find_map(|packet| match packet {
        RtcpPacket::ReceiverReport { reports, .. } => reports.clone().next(),
        _ => None,
    });
    assert_eq!(block.map(|block| (block.ssrc, block.last_sender_report)), Some((2000, 0x0304_0000)));

    room.send_video(ada, 2, false);
    room.run(1000);
    let (packet, _) = room.received(&viewing)[0];
    let compounds = room.received_rtcp(viewing.link);
    let packets: Vec<_> = compounds.iter().flat_map(|compound| rtcp::parse(compound)).collect();
    let told = packets.iter().find_map(|packet| match packet {
        RtcpPacket::SenderReport(report, _) => Some(*report),
        _ => None,
    });
    let told = told.expect("a sender report");
    assert_eq!(told.ssrc, viewing.ssrc());
    // The publisher said that its timestamp 3000 was at that NTP time; both were carried on by the same span.
    let span_ticks = ((told.ntp_time - report.ntp_time) as f64 / (1_u64 << 32) as f64 * 90_000.0) as u32;
    assert!(told.rtp_timestamp.wrapping_sub(packet.timestamp).abs_diff(span_ticks) <= 2);
    let cname = packets.iter().find_map(|packet| match packet {
        RtcpPacket::SourceDescription(chunks) => chunks.clone().next(),
        _ => None,
    });
    assert_eq!(cname, viewing.parameters.rtcp.cname.as_deref().map(|cname| (viewing.ssrc(), cname)));
}

#[test]
fn whoever_speaks_is_told_once_whoever_comes_later_and_silence_too() {
    let (mut room, ada, producer, _) = ada_and_bob(Kind::Audio, Source::Microphone, AUDIO);
    for number in 0..100 {
        room.send_audio(ada, number, 30);
        room.run(20);
    }
    room.link(Direction::Recv);
    room.run(5000);
    let session = room.links[ada].session;
    let speakers: Vec<_> = room
        .events
        .iter()
        .filter_map(|event| match event {
            Event::ActiveSpeaker { speaker, .. } => Some(*speaker),
            _ => None,
        })
        .collect();
    let ada_speaks = Some((session, producer));
    assert_eq!(speakers, [ada_speaks, None]);
}

#[test]
fn a_viewer_that_loses_much_is_poorly_connected_and_gets_a_smaller_layer() {
    let (mut room, ada, _, viewing) = ada_and_bob(Kind::Video, Source::Camera, &simulcast());
    let ssrc = viewing.ssrc();
    for number in 1..200 {
        room.send_simulcast(ada, number, number % 10 == 1);
        room.run(33);
        if number % 30 == 0 {
            let block = rtcp::ReportBlock { ssrc, fraction_lost: 128, ..rtcp::ReportBlock::default() };
            room.send_rtcp(viewing.link, |writer| assert!(writer.receiver_report(1, &[block])));
        }
    }
    let session = room.links[viewing.link].session;
    let poor = |event: &Event| matches!(event, Event::QualityChanged { session: s, quality: ConnectionQuality::Poor, .. } if *s == session);
    assert!(room.events.iter().any(poor));
    let last = room.events.iter().rev().find_map(|event| match event {
        Event::ConsumerLayerChanged { layer, .. } => Some(*layer),
        _ => None,
    });
    assert_eq!(last.flatten().map(|layer| layer.spatial), Some(0));
    let Ok(Reply::Stats(stats)) = room.command(RoomCommand::Stats) else { panic!("figures of the room") };
    assert_eq!(stats.sessions.len(), 2);
    assert!(stats.received > stats.sent && stats.sent.0 > 0);
}

#[test]
fn a_round_trip_of_nothing_does_not_have_a_packet_repeated_without_pause() {
    let (mut room, ada, _, viewing) = ada_and_bob(Kind::Video, Source::Camera, &single());
    room.send_video(ada, 1, true);
    let report = SenderReport {
        ssrc: 2000,
        ntp_time: 1 << 40,
        rtp_timestamp: 3000,
        packet_count: 1,
        octet_count: 600,
    };
    room.send_rtcp(ada, |writer| assert!(writer.sender_report(&report, &[])));
    room.received_rtcp(viewing.link);
    let ours = (0..2000).find_map(|_| {
        room.run(1);
        let compounds = room.received_rtcp(viewing.link);
        compounds.iter().flat_map(|compound| rtcp::parse(compound)).find_map(|packet| match packet {
            RtcpPacket::SenderReport(report, _) => Some(report.ntp_time),
            _ => None,
        })
    });
    let (ssrc, last_sender_report) = (viewing.ssrc(), (ours.expect("a sender report") >> 16) as u32);
    let block = rtcp::ReportBlock { ssrc, last_sender_report, ..rtcp::ReportBlock::default() };
    room.send_rtcp(viewing.link, |writer| assert!(writer.receiver_report(1, &[block])));
    let number = room.received(&viewing)[0].0.sequence_number;
    for _ in 0..9 {
        room.send_rtcp(viewing.link, |writer| assert!(writer.nack(1, ssrc, [number])));
        room.run(1);
    }
    assert_eq!(room.received_of(viewing.link, viewing.rtx_ssrc()).len(), 1);
}

#[test]
fn loss_of_the_past_does_not_mark_whoever_is_silent_now() {
    let (mut room, ada, ..) = ada_and_bob(Kind::Audio, Source::Microphone, AUDIO);
    for number in 0..200 {
        room.send_audio(ada, number * 2, 40);
        room.run(20);
    }
    let session = room.links[ada].session;
    let told = |room: &Room| {
        room.events.iter().rev().find_map(|event| match event {
            Event::QualityChanged { session: of, quality, .. } if *of == session => Some(*quality),
            _ => None,
        })
    };
    assert_eq!(told(&room), Some(ConnectionQuality::Poor));
    room.run(10_000);
    assert_eq!(told(&room), Some(ConnectionQuality::Excellent));
}

#[test]
fn refusals_name_their_reason_and_change_nothing() {
    let (mut room, ada, producer, viewing) = ada_and_bob(Kind::Video, Source::Camera, &single());
    let before = room.engine.inventory();
    let (send, recv) = (room.links[ada].transport, room.links[viewing.link].transport);
    let session = room.links[ada].session;
    let produce = |transport, producer, json: &str| RoomCommand::Produce {
        transport,
        producer,
        kind: Kind::Video,
        source: Source::Camera,
        rtp_parameters: serde_json::from_str(json).unwrap(),
        paused: false,
    };
    let consume = |transport, producer, rtp_capabilities| RoomCommand::Consume {
        transport,
        consumer: ConsumerId::random(),
        producer,
        rtp_capabilities,
        paused: false,
    };
    let unknown = ProducerId::random();
    let create =
        |session, transport| RoomCommand::CreateTransport { session, transport, direction: Direction::Send };
    use RefusalReason as R;
    assert_eq!(room.refused(RoomCommand::Create), R::AlreadyExists);
    assert_eq!(room.refused(create(SessionId::random(), send)), R::AlreadyExists);
    assert_eq!(
        room.refused(RoomCommand::CloseTransport { transport: TransportId::random() }),
        R::UnknownTransport
    );
    assert_eq!(room.refused(produce(send, producer, &simulcast())), R::AlreadyExists);
    assert_eq!(room.refused(produce(recv, unknown, &simulcast())), R::Invalid);
    assert_eq!(room.refused(produce(send, unknown, &single())), R::Invalid, "mid and SSRC are in use");
    let theora = single().replace("VP8", "theora");
    assert_eq!(room.refused(produce(send, unknown, &theora)), R::Unsupported);
    assert_eq!(room.refused(consume(recv, unknown, router_capabilities())), R::UnknownProducer);
    assert_eq!(room.refused(consume(send, producer, router_capabilities())), R::Invalid);
    assert_eq!(room.refused(consume(recv, producer, RtpCapabilities::default())), R::Unsupported);
    assert_eq!(room.refused(RoomCommand::CloseProducer { producer: unknown }), R::UnknownProducer);
    assert_eq!(
        room.refused(RoomCommand::CloseConsumer { consumer: ConsumerId::random() }),
        R::UnknownConsumer
    );
    assert_eq!(room.engine.inventory(), before);

    room.command(create(session, TransportId::random())).unwrap();
    assert_eq!(room.refused(create(session, TransportId::random())), R::LimitReached);
}

#[test]
fn a_closed_producer_takes_its_consumers_and_a_closed_session_everything_of_its_own() {
    let (mut room, ada, producer, viewing) = ada_and_bob(Kind::Video, Source::Camera, &single());
    room.command(RoomCommand::CloseProducer { producer }).unwrap();
    let inventory = &room.engine.inventory()[0];
    assert!(inventory.producers.is_empty() && inventory.consumers.is_empty());
    room.send_video(ada, 9, true);
    assert_eq!(room.received(&viewing).len(), 0);

    let again = room.produce(ada, Kind::Video, Source::Camera, &single());
    room.consume(viewing.link, again);
    let session = room.links[viewing.link].session;
    room.command(RoomCommand::CloseSession { session }).unwrap();
    let gauges = room.engine.counters();
    assert_eq!((gauges.transports, gauges.producers, gauges.consumers), (1, 1, 0));
    let inventory = &room.engine.inventory()[0];
    assert_eq!((inventory.transports.len(), inventory.producers.len(), inventory.consumers.len()), (1, 1, 0));
    room.command(RoomCommand::Close).unwrap();
    let counters = room.engine.counters();
    assert_eq!((counters.rooms, counters.transports, counters.producers), (0, 0, 0));
    assert_eq!(room.engine.poll_timeout(), None, "nothing is left to wait for");
}

#[test]
fn a_room_removed_after_a_panic_is_told_and_gone() {
    let (mut room, ada, _, _) = ada_and_bob(Kind::Video, Source::Camera, &single());
    room.engine.remove_room(room.room);
    assert_eq!(room.engine.poll_event(), Some(Event::RoomFailed { room: room.room }));
    assert_eq!(room.engine.counters().rooms_failed, 1);
    room.send_video(ada, 1, true);
    assert_eq!(room.engine.counters().datagrams_dropped_unknown_address, 1);
    assert_eq!(room.refused(RoomCommand::Stats), RefusalReason::UnknownRoom);
    room.command(RoomCommand::Create).unwrap();
}

#[test]
fn a_priority_is_at_least_one_and_belongs_to_a_subscription() {
    let (mut room, _, _, viewing) = ada_and_bob(Kind::Video, Source::Camera, &simulcast());
    let consumer = viewing.consumer;
    let mut reason = |consumer, priority| {
        room.command(RoomCommand::SetConsumerPriority { consumer, priority })
            .err()
            .map(|refusal| refusal.reason)
    };
    assert_eq!(reason(consumer, 255), None);
    assert_eq!(reason(consumer, 0), Some(RefusalReason::Invalid));
    assert_eq!(reason(ConsumerId::random(), 1), Some(RefusalReason::UnknownConsumer));
}

#[test]
fn an_inventory_lists_data_channels_and_who_receives_them() {
    let mut room = Room::new();
    let (ada, bob) = (room.link(Direction::Send), room.link(Direction::Recv));
    let (producer, consumer) = (DataProducerId::random(), DataConsumerId::random());
    let stream = SctpStreamParameters {
        stream_id: 3,
        ordered: true,
        max_packet_life_time: None,
        max_retransmits: None,
    };
    let transport = room.links[ada].transport;
    room.command(RoomCommand::ProduceData { transport, producer, stream }).unwrap();
    let transport = room.links[bob].transport;
    room.command(RoomCommand::ConsumeData { transport, consumer, producer }).unwrap();
    let held = |room: &Room| {
        let mut rooms = room.engine.inventory();
        (std::mem::take(&mut rooms[0].data_producers), std::mem::take(&mut rooms[0].data_consumers))
    };
    assert_eq!(held(&room), (vec![producer], vec![consumer]));
    room.command(RoomCommand::CloseDataProducer { producer }).unwrap();
    assert_eq!(held(&room), (vec![], vec![]));
}
