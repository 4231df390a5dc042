//! Figures against what really passed, counted by hand on a perfect network.

use plenum_sfu::engine::transport::rtcp::{self, ReportBlock, RtcpPacket, SenderReport};
use plenum_shared::command::{RefusalReason, Reply, RoomCommand};
use plenum_shared::details::{DtlsState, IceState, Traffic};
use plenum_shared::id::{SessionId, TransportId};
use plenum_shared::media::{Bitrate, ConnectionQuality, Direction, Kind, Layer, PictureSize, Source};

use crate::call::Call;
use crate::room::{MID, Room, Sent};
use crate::tracks::{AUDIO, SIMULCAST_SSRC, simulcast, single, vp8};

#[test]
fn what_is_lost_repaired_and_doubled_on_the_way_up_is_counted_to_the_packet() {
    let mut call = Call::new(&single());
    for number in (1..100).filter(|number| number % 10 != 0) {
        call.room.send_video(call.ada, number, number == 1);
    }
    let stream = call.stream();
    let bytes = call.room.engine.counters().rtp_bytes_received;
    assert_eq!(stream.packets, Traffic { count: 90, bytes });
    assert_eq!((stream.lost, stream.missed, stream.duplicates, stream.keyframes), (9, 9, 0, 1));
    assert_eq!((stream.ssrc, stream.rtx_ssrc, stream.rid), (Some(2000), Some(2001), None));

    call.room.run(30);
    // Five that are missing, and three that are not.
    for (rtx_number, number) in [10, 20, 30, 40, 50, 97, 98, 99].into_iter().enumerate() {
        call.repair(rtx_number as u16, number);
    }
    let (stream, asked) = (call.stream(), call.asked_for());
    assert_eq!((stream.lost, stream.missed, stream.duplicates), (4, 9, 3));
    let each = bytes / 90;
    assert_eq!(stream.packets, Traffic { count: 95, bytes: each * 95 });
    assert_eq!(stream.repaired, Traffic { count: 5, bytes: each * 5 });
    assert!(asked >= 9, "{asked}");
    assert_eq!(stream.nacks, asked);

    call.room.run(1000);
    let share = call.stream().fraction_lost;
    assert!((share - 4.0 / 99.0).abs() < 1e-6, "{share}");
    call.room.run(1000);
    assert_eq!(call.stream().fraction_lost, 0.0, "lately nothing was");
}

#[test]
fn a_keyframe_that_comes_after_a_newer_one_is_not_the_newest() {
    let mut call = Call::new(&single());
    for number in [1, 2, 3, 4, 6, 7, 8, 9, 10, 5] {
        call.room.send_video(call.ada, number, number % 5 == 0 || number == 1);
    }
    let stream = call.stream();
    assert_eq!((stream.packets.count, stream.lost, stream.keyframes), (10, 0, 2));
}

#[test]
fn a_packet_that_nobody_can_read_is_discarded() {
    let mut call = Call::new(&single());
    call.room.send_video(call.ada, 1, true);
    let cut = Sent {
        payload_type: 96,
        ssrc: 2000,
        sequence_number: 2,
        timestamp: 6000,
        extensions: &[(MID, b"1")],
        payload: &[0x90],
    };
    call.room.send(call.ada, cut);
    let stream = call.stream();
    assert_eq!((stream.packets.count, stream.discarded), (2, 1));
}

#[test]
fn what_a_viewer_asks_for_again_and_what_it_gets_are_counted() {
    let mut call = Call::new(&single());
    for number in 1..40 {
        call.room.send_video(call.ada, number, number == 1);
        call.room.run(33);
    }
    let received = call.room.received(&call.viewing);
    let numbers: Vec<u16> = received.iter().map(|(packet, _)| packet.sequence_number).collect();
    let (ssrc, rtx_ssrc, link) = (call.viewing.ssrc(), call.viewing.rtx_ssrc(), call.viewing.link);
    let never_sent = numbers.last().unwrap().wrapping_add(100);
    let asked = [numbers[30], numbers[31], numbers[33], never_sent];
    call.room.send_rtcp(link, |writer| assert!(writer.nack(1, ssrc, asked)));
    call.room.run(20);
    for _ in 0..2 {
        call.room.send_rtcp(link, |writer| assert!(writer.pli(1, ssrc)));
    }
    call.room.send_rtcp(link, |writer| assert!(writer.fir(1, ssrc, 1)));

    let repeated = call.room.received_of(link, rtx_ssrc);
    let consumer = call.consumer();
    assert_eq!((consumer.nacks, consumer.nacks_unanswered), (4, 1));
    assert_eq!((consumer.plis, consumer.firs), (2, 1));
    assert_eq!(consumer.sent.count, numbers.len() as u64);
    assert_eq!((consumer.retransmitted.count, repeated.len()), (3, 3));
    assert_eq!((consumer.ssrc, consumer.rtx_ssrc), (ssrc, Some(rtx_ssrc)));
    let counters = call.room.engine.counters();
    let all = [consumer.sent, consumer.retransmitted, consumer.probes];
    assert_eq!(all.iter().map(|traffic| traffic.bytes).sum::<u64>(), counters.rtp_bytes_sent);
    assert_eq!(all.iter().map(|traffic| traffic.count).sum::<u64>(), counters.rtp_sent);
}

#[test]
fn what_a_viewer_reports_is_told_in_its_units() {
    let mut call = Call::new(&single());
    call.room.send_video(call.ada, 1, true);
    assert_eq!(call.consumer().remote, None);
    let block = ReportBlock {
        ssrc: call.viewing.ssrc(),
        fraction_lost: 64,
        cumulative_lost: -2,
        jitter: 900,
        ..ReportBlock::default()
    };
    call.room.send_rtcp(call.viewing.link, |writer| assert!(writer.receiver_report(1, &[block])));
    let remote = call.consumer().remote.expect("a report came");
    assert_eq!((remote.lost, remote.fraction_lost, remote.jitter_ms), (-2, 0.25, 10.0));
    assert_eq!(remote.round_trip_ms, None, "it mentions no report of ours");
}

#[test]
fn a_round_trip_is_known_from_viewers_that_round_the_time_of_our_report() {
    for off in [-1, 0, 1] {
        let mut call = Call::new(&single());
        call.room.send_video(call.ada, 1, true);
        let clock = SenderReport {
            ssrc: 2000,
            ntp_time: 7 << 32,
            rtp_timestamp: 3000,
            packet_count: 1,
            octet_count: 600,
        };
        call.room.send_rtcp(call.ada, |writer| assert!(writer.sender_report(&clock, &[])));
        call.room.run(1500);
        let compounds = call.room.received_rtcp(call.viewing.link);
        let reports = compounds.iter().flat_map(|compound| rtcp::parse(compound));
        let sent = reports.filter_map(|packet| match packet {
            RtcpPacket::SenderReport(report, _) => Some((report.ntp_time >> 16) as u32),
            _ => None,
        });
        let last_sender_report = sent.last().unwrap().wrapping_add_signed(off);
        let block = ReportBlock { ssrc: call.viewing.ssrc(), last_sender_report, ..ReportBlock::default() };
        call.room.send_rtcp(call.viewing.link, |writer| assert!(writer.receiver_report(1, &[block])));
        let remote = call.consumer().remote.unwrap();
        assert!(remote.round_trip_ms.is_some_and(|ms| ms < 1500), "off by {off}: {remote:?}");
    }
}

#[test]
fn layers_are_told_as_they_are_sent() {
    let mut call = Call::new(&simulcast());
    call.pictures(1..121);
    let producer = call.producer();
    assert_eq!((producer.streams.len(), producer.layers.len()), (3, 3));
    for (at, (stream, layer)) in producer.streams.iter().zip(&producer.layers).enumerate() {
        assert_eq!(stream.rid.as_deref(), Some(["r0", "r1", "r2"][at]));
        assert_eq!(stream.ssrc, Some(SIMULCAST_SSRC + at as u32));
        assert_eq!((stream.packets.count, stream.lost, stream.keyframes), (120, 0, 4));
        assert_eq!(layer.frames, 120);
        assert!((29.0..=32.0).contains(&layer.frames_per_second), "{layer:?}");
        let a_second = stream.packets.bytes as f64 * 8.0 / (120.0 * 0.033);
        assert!((layer.rate.0 as f64 / a_second - 1.0).abs() < 0.05, "{layer:?} of {a_second}");
        assert_eq!(stream.rate, layer.rate);
        assert!(layer.sent);
    }
    let consumer = call.consumer();
    let current = consumer.current.expect("it is shown");
    assert_eq!(consumer.preferred, Some(Layer { spatial: 2, temporal: None }));
    let viewers: Vec<_> = producer.layers.iter().map(|layer| layer.viewers).collect();
    assert_eq!(viewers, [0, 1, 2].map(|layer| u32::from(layer == current.spatial)));
    assert!(consumer.rate.0 > 0 && consumer.layer_changes > 0, "{consumer:?}");

    let viewer = call.room.links[call.viewing.link].session;
    let sending = call.room.details(viewer).transports[0].sending.expect("a transport to a viewer");
    assert_eq!((sending.pictures, sending.pictures_withheld), (1, 0));
    assert!(sending.available.0 > 0 && sending.pacing >= sending.available && sending.allotted.0 > 0);
    assert!(!sending.measured, "this viewer gives no feedback");

    call.room.run(3000);
    let quiet = call.producer();
    assert!(quiet.layers.iter().all(|layer| layer.rate == Bitrate(0) && layer.frames_per_second == 0.0));
    assert_eq!(quiet.layers[0].frames, 120);
}

#[test]
fn the_size_of_a_picture_is_that_of_its_keyframe() {
    let mut call = Call::new(&single());
    let mut payload = vp8(true, 1);
    payload.truncate(5);
    payload[4] = 0x10;
    payload.extend([0, 0, 0x9D, 0x01, 0x2A]);
    payload.extend(1280_u16.to_le_bytes());
    payload.extend(720_u16.to_le_bytes());
    payload.resize(600, 0xAB);
    call.room.send(call.ada, crate::tracks::video_packet(2000, 1, &payload, &[(MID, b"1")]));
    assert_eq!(call.producer().layers[0].picture, Some(PictureSize { width: 1280, height: 720 }));
}

#[test]
fn a_pause_is_told_on_both_sides() {
    let mut call = Call::new(&simulcast());
    call.pictures(1..61);
    let (producer, consumer) = (call.producer(), call.viewing.consumer);
    assert!(!producer.paused && !call.consumer().paused);
    call.room.command(RoomCommand::SetConsumerPaused { consumer, paused: true }).unwrap();
    assert!(call.consumer().paused && !call.producer().paused);
    assert!(call.producer().layers.iter().all(|layer| layer.viewers == 0));
    call.room.command(RoomCommand::SetConsumerPaused { consumer, paused: false }).unwrap();
    let producer = producer.producer;
    call.room.command(RoomCommand::SetProducerPaused { producer, paused: true }).unwrap();
    assert!(call.consumer().paused && call.producer().paused);
    let before = call.consumer().sent;
    call.pictures(61..70);
    assert_eq!(call.consumer().sent, before);
    assert_eq!(call.producer().streams[0].packets.count, 69, "they came all the same");
}

#[test]
fn sound_has_streams_and_no_layers() {
    let mut room = Room::new();
    let (ada, bob) = (room.link(Direction::Send), room.link(Direction::Recv));
    let microphone = room.produce(ada, Kind::Audio, Source::Microphone, AUDIO);
    room.consume(bob, microphone);
    for number in 0..50 {
        room.send_audio(ada, number, 30);
        room.run(20);
    }
    let session = room.links[ada].session;
    let producer = room.details(session).producers.remove(0);
    assert_eq!((producer.streams[0].packets.count, producer.layers.len()), (50, 0));
    let session = room.links[bob].session;
    let consumer = room.details(session).consumers.remove(0);
    assert_eq!((consumer.sent.count, consumer.rtx_ssrc), (50, None));
    assert_eq!(
        (consumer.target, consumer.current, consumer.preferred, consumer.limit),
        (None, None, None, None)
    );
}

#[test]
fn a_session_nobody_knows_is_refused_and_one_that_left_too() {
    let mut call = Call::new(&single());
    let nobody = SessionId(call.room.uuid());
    assert_eq!(
        call.room.refused(RoomCommand::SessionDetails { session: nobody }),
        RefusalReason::UnknownSession
    );
    let session = call.room.links[call.ada].session;
    call.room.command(RoomCommand::CloseSession { session }).unwrap();
    assert_eq!(call.room.refused(RoomCommand::SessionDetails { session }), RefusalReason::UnknownSession);
}

#[test]
fn a_transport_that_nobody_has_used_is_new() {
    let mut room = Room::new();
    let (session, transport) = (SessionId(room.uuid()), TransportId(room.uuid()));
    room.command(RoomCommand::CreateTransport { session, transport, direction: Direction::Send }).unwrap();
    let details = room.details(session);
    let [only] = &details.transports[..] else { panic!("{details:?}") };
    assert_eq!((only.ice, only.dtls, only.protocol), (IceState::New, DtlsState::Connecting, None));
    assert_eq!((only.received, only.sent), (Traffic::default(), Traffic::default()));
    assert_eq!(details.quality, ConnectionQuality::Excellent, "not judged");
}

#[test]
fn a_room_lists_every_session_once_with_the_figures_of_both_its_transports() {
    const SESSIONS: usize = 300;
    let mut room = Room::new();
    let (ada, bob) = (room.link(Direction::Send), room.link(Direction::Recv));
    let camera = room.produce(ada, Kind::Video, Source::Camera, &single());
    room.consume(bob, camera);
    let ada = (ada, room.links[ada].session);
    // Ada watches too, by another transport.
    let back = room.link_of(ada.1, Direction::Recv);
    room.consume(back, camera);
    let mut sessions = vec![ada.1, room.links[bob].session];
    for _ in 0..SESSIONS {
        let session = SessionId(room.uuid());
        for direction in [Direction::Send, Direction::Recv] {
            let transport = TransportId(room.uuid());
            room.command(RoomCommand::CreateTransport { session, transport, direction }).unwrap();
        }
        sessions.push(session);
    }
    for number in 1..60 {
        room.send_video(ada.0, number, number == 1);
        room.run(33);
    }
    let listed = |room: &mut Room| {
        let Ok(Reply::Stats(stats)) = room.command(RoomCommand::Stats) else { panic!("figures of a room") };
        stats
    };
    let stats = listed(&mut room);
    assert_eq!(stats.sessions.iter().map(|one| one.session).collect::<Vec<_>>(), sessions);
    let of_ada = &stats.sessions[0];
    assert!(of_ada.received.0 > 0 && of_ada.sent.0 > 0, "{of_ada:?}");
    assert_eq!(stats.received, of_ada.received);
    assert_eq!(stats.sent.0, of_ada.sent.0 + stats.sessions[1].sent.0);

    for session in sessions.split_off(100) {
        room.command(RoomCommand::CloseSession { session }).unwrap();
        assert_eq!(room.refused(RoomCommand::SessionDetails { session }), RefusalReason::UnknownSession);
    }
    assert_eq!(listed(&mut room).sessions.iter().map(|one| one.session).collect::<Vec<_>>(), sessions);
}
