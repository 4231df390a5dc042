//! Figures against what really passed: counted by hand on a perfect network, and compared with the wire on bad ones.

use std::time::Duration;

use plenum_sfu::engine::counters::ByKind;
use plenum_sfu::engine::transport::rtcp::{self, ReportBlock, RtcpPacket};
use plenum_shared::command::{RefusalReason, Reply, RoomCommand};
use plenum_shared::details::{ConsumerDetails, DtlsState, IceState, ProducerDetails, StreamDetails, Traffic};
use plenum_shared::event::Event;
use plenum_shared::id::{SessionId, TransportId};
use plenum_shared::media::{
    Bitrate, ConnectionQuality, Direction, Kind, Layer, LayerLimit, PictureSize, Source,
};
use plenum_shared::transport::Protocol;

use crate::camera::Camera;
use crate::meeting::Meeting;
use crate::room::{MID, Room, Sent, Viewing};
use crate::tracks::{AUDIO, SIMULCAST_SSRC, simulcast, single, vp8};

/// Ada publishes one video, Bob watches it.
struct Call {
    room: Room,
    ada: usize,
    viewing: Viewing,
}

impl Call {
    fn new(json: &str) -> Self {
        let mut room = Room::new();
        let (ada, bob) = (room.link(Direction::Send), room.link(Direction::Recv));
        let producer = room.produce(ada, Kind::Video, Source::Camera, json);
        let viewing = room.consume(bob, producer);
        Call { room, ada, viewing }
    }

    fn producer(&mut self) -> ProducerDetails {
        let session = self.room.links[self.ada].session;
        self.room.details(session).producers.remove(0)
    }

    fn stream(&mut self) -> StreamDetails {
        self.producer().streams.remove(0)
    }

    fn consumer(&mut self) -> ConsumerDetails {
        let session = self.room.links[self.viewing.link].session;
        self.room.details(session).consumers.remove(0)
    }

    /// A packet of the single stream, sent again on its stream of retransmissions.
    fn repair(&mut self, rtx_number: u16, number: u16) {
        let mut payload = number.to_be_bytes().to_vec();
        payload.extend(vp8(false, number));
        let packet = Sent {
            payload_type: 97,
            ssrc: 2001,
            sequence_number: rtx_number,
            timestamp: u32::from(number) * 3000,
            extensions: &[(MID, b"1")],
            payload: &payload,
        };
        self.room.send(self.ada, packet);
    }

    /// Sequence numbers the publisher was asked for since the last look.
    fn asked_for(&mut self) -> u64 {
        let compounds = self.room.received_rtcp(self.ada);
        let packets = compounds.iter().flat_map(|compound| rtcp::parse(compound));
        let counts = packets.map(|packet| match packet {
            RtcpPacket::Nack { lost, .. } => lost.sequence_numbers().count() as u64,
            _ => 0,
        });
        counts.sum()
    }

    fn told_quality(&self) -> Option<ConnectionQuality> {
        let viewer = self.room.links[self.viewing.link].session;
        self.room.events.iter().rev().find_map(|event| match event {
            Event::QualityChanged { session, quality, .. } if *session == viewer => Some(*quality),
            _ => None,
        })
    }

    /// So many pictures of every layer at 30 a second.
    fn pictures(&mut self, numbers: std::ops::Range<u16>) {
        for number in numbers {
            self.room.send_simulcast(self.ada, number, number % 30 == 1);
            self.room.run(33);
        }
    }

    /// So many pictures of the single stream, of which the first may be a keyframe.
    fn film(&mut self, numbers: std::ops::Range<u16>, keyframe: bool) {
        for number in numbers.clone() {
            self.room.send_video(self.ada, number, keyframe && number == numbers.start);
            self.room.run(33);
        }
    }

    /// The viewer asks for a keyframe, so many times in one compound.
    fn ask(&mut self, times: u8) {
        let (ssrc, link) = (self.viewing.ssrc(), self.viewing.link);
        self.room.send_rtcp(link, |writer| {
            assert!(writer.pli(1, ssrc));
            (1..times).for_each(|number| assert!(writer.fir(1, ssrc, number)));
        });
    }
}

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

fn add(sum: &mut Traffic, more: &Traffic) {
    sum.count += more.count;
    sum.bytes += more.bytes;
}

/// Everybody publishes and watches the next one, over a network that loses in both directions.
#[test]
fn figures_add_up_to_what_was_on_the_wire_of_a_bad_network() {
    for seed in 1..4 {
        let mut meeting = Meeting::new(seed);
        let people: Vec<_> = (0..3).map(|_| meeting.join()).collect();
        meeting.network.delay = Duration::from_millis(20);
        meeting.network.jitter = Duration::from_millis(10);
        let cameras: Vec<_> =
            people.iter().map(|&person| meeting.publish(person, Camera::single())).collect();
        for &person in &people {
            meeting.watch(person, cameras[(person + 1) % cameras.len()]);
        }
        meeting.run(Duration::from_secs(2));
        meeting.network.loss_percent = 5;
        meeting.network.duplicate_percent = 1;
        meeting.run(Duration::from_secs(3));
        // That of the last seconds is a few packets' luck.
        let mut losses = vec![0.0; people.len()];
        for _ in 0..12 {
            meeting.run(Duration::from_secs(1));
            for (&person, loss) in people.iter().zip(&mut losses) {
                *loss += meeting.details(person).transports[1].loss / 12.0;
            }
        }

        let counters = meeting.engine.counters();
        let details: Vec<_> = people.iter().map(|&person| meeting.details(person)).collect();
        for (&person, details) in people.iter().zip(&details) {
            let [send, receive] = &details.transports[..] else { panic!("seed {seed}: {details:?}") };
            assert_eq!((send.direction, receive.direction), (Direction::Send, Direction::Recv));
            assert!(send.sending.is_none() && receive.sending.is_some());
            let of_person = &meeting.people[person];
            for (transport, connection) in [(send, &of_person.send), (receive, &of_person.receive)] {
                let wire = meeting.wire[&connection.address];
                assert_eq!([transport.received, transport.sent], wire, "seed {seed}");
                assert_eq!(transport.protocol, Some(Protocol::Udp));
                assert_eq!((transport.ice, transport.dtls), (IceState::Connected, DtlsState::Connected));
                assert!(transport.received_rate.0 > 0 && transport.sent_rate.0 > 0);
            }
        }
        assert_eq!((counters.stun_dropped_unknown_ufrag, counters.datagrams_dropped_unknown_address), (0, 0));

        let streams = || details.iter().flat_map(|one| &one.producers).flat_map(|one| &one.streams);
        let consumers = || details.iter().flat_map(|one| &one.consumers);
        let all = |count: fn(&StreamDetails) -> u64| streams().map(count).sum::<u64>();
        assert_eq!(all(|stream| stream.nacks), counters.nacks_sent, "seed {seed}");
        assert_eq!(all(|stream| stream.plis), counters.keyframes_requested, "seed {seed}");
        assert_eq!(all(|stream| stream.keyframes), counters.keyframes_received, "seed {seed}");
        assert_eq!(all(|stream| stream.duplicates), counters.rtp_dropped_duplicate, "seed {seed}");
        let all = |count: fn(&ConsumerDetails) -> u64| consumers().map(count).sum::<u64>();
        assert_eq!(all(|one| one.retransmitted.count), counters.rtp_retransmitted, "seed {seed}");
        assert_eq!(all(|one| one.nacks), counters.nacks_received, "seed {seed}");
        assert_eq!(all(|one| one.nacks_unanswered), counters.retransmissions_unavailable, "seed {seed}");
        let bytes = all(|one| one.sent.bytes + one.retransmitted.bytes + one.probes.bytes);
        assert_eq!(bytes, counters.rtp_bytes_sent, "seed {seed}");

        let ByKind { audio, video, rtx, probe, rtcp, data, handshake, stun } = counters.sent;
        let kinds = [audio, video, rtx, probe, rtcp, data, handshake, stun];
        let (mut by_kind, mut by_transport) = (Traffic::default(), Traffic::default());
        kinds.iter().for_each(|kind| add(&mut by_kind, kind));
        let transports = details.iter().flat_map(|one| &one.transports);
        transports.for_each(|transport| add(&mut by_transport, &transport.sent));
        assert_eq!(by_kind, by_transport, "seed {seed}");
        assert_eq!((rtx.count, probe.count), (counters.rtp_retransmitted, counters.probe_packets_sent));
        let came = counters.received;
        let of_publishers = came.audio.count + came.video.count + came.rtx.count;
        assert_eq!(of_publishers + counters.rtp_dropped_unbound, counters.rtp_received, "seed {seed}");
        assert!(came.rtx.count > 20 && came.rtcp.count > 20 && came.stun.count > 20, "{came:?}");
        let given: u64 = counters.videos_by_layer.iter().sum();
        assert_eq!(given + counters.videos_not_sent, cameras.len() as u64, "seed {seed}");
        assert_eq!(counters.estimates.count(), counters.viewers, "seed {seed}");
        let repaired: Vec<_> = streams().map(|stream| (stream.repaired.count, stream.missed)).collect();
        assert!(
            repaired.iter().all(|&(repaired, missed)| repaired > 20 && repaired <= missed),
            "{repaired:?}"
        );
        // This browser counts what was repaired as received.
        let reported =
            |one: &ConsumerDetails| one.remote.is_some_and(|remote| (0..30).contains(&remote.lost));
        assert!(consumers().all(reported), "seed {seed}");
        assert!(losses.iter().all(|loss| (0.02..0.10).contains(loss)), "seed {seed}: {losses:?}");
        for details in &details {
            let [send, receive] = &details.transports[..] else { panic!("seed {seed}: {details:?}") };
            assert!(receive.sending.is_some_and(|sending| sending.measured));
            assert!(send.loss < 0.08, "seed {seed}: {} after repair", send.loss);
        }
    }
}

#[test]
fn round_trip_and_jitter_are_those_of_the_network() {
    let mut meeting = Meeting::new(7);
    let (ada, bob) = (meeting.join(), meeting.join());
    meeting.network.delay = Duration::from_millis(40);
    let camera = meeting.publish(ada, Camera::simulcast());
    meeting.watch(bob, camera);
    meeting.run(Duration::from_secs(10));
    let (of_ada, of_bob) = (meeting.details(ada), meeting.details(bob));
    let round_trips =
        [of_ada.transports[0].round_trip_ms, of_bob.transports[1].round_trip_ms].map(Option::unwrap);
    assert!(round_trips.iter().all(|ms| (79..=83).contains(ms)), "{round_trips:?}");
    let remote = of_bob.consumers[0].remote.expect("it reports");
    assert!(remote.round_trip_ms.is_some_and(|ms| (79..=83).contains(&ms)), "{remote:?}");
    let still = of_ada.producers[0].streams[0].jitter_ms;
    assert!(still < 1.0, "{still}");

    meeting.network.jitter = Duration::from_millis(30);
    meeting.run(Duration::from_secs(10));
    // One packet a picture: two of them differ by a third of the range, on average.
    let jitter = meeting.details(ada).producers[0].streams[0].jitter_ms;
    assert!((6.0..14.0).contains(&jitter), "{jitter}");
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

#[test]
fn a_viewer_whose_only_picture_is_held_down_by_bandwidth_is_well_connected_at_best() {
    let mut call = Call::new(&simulcast());
    call.pictures(1..91);
    let quality = call.told_quality();
    assert_eq!(quality, Some(ConnectionQuality::Excellent));
    // The browser's own estimate falls to less than the second layer takes.
    for bitrate_bps in [400_000, 90_000] {
        let link = call.viewing.link;
        call.room.send_rtcp(link, |writer| assert!(writer.remb(1, bitrate_bps, &[])));
        call.room.run(33);
    }
    call.pictures(91..211);
    let consumer = call.consumer();
    assert_eq!(consumer.limit, Some(LayerLimit::Bandwidth));
    assert_eq!(consumer.current.map(|layer| layer.spatial), Some(0));
    assert_eq!(call.told_quality(), Some(ConnectionQuality::Good));
    let counters = call.room.engine.counters();
    assert_eq!((counters.pictures, counters.pictures_limited, counters.pictures_withheld), (1, 1, 0));
    // The browser said 90 kbit/s, and the first bound is 100.
    assert_eq!((counters.viewers, counters.estimates.up_to()[0], counters.estimates.count()), (1, 1, 1));
    assert_eq!((counters.videos_by_layer, counters.videos_not_sent), ([1, 0, 0, 0], 0));
}

#[test]
fn a_viewer_whose_pictures_freeze_is_not_well_connected_unless_they_came_in_pieces() {
    for (holes, told) in [(false, ConnectionQuality::Fair), (true, ConnectionQuality::Excellent)] {
        let mut call = Call::new(&single());
        for number in (1..700).filter(|number| !holes || number % 20 != 0) {
            call.room.send_video(call.ada, number, number % 100 == 1);
            call.room.run(33);
            // For a second and more of every three, until the next keyframe is there.
            if number % 100 > 62 && number % 15 == 1 {
                call.ask(1);
            }
        }
        assert_eq!(call.told_quality(), Some(told), "with holes: {holes}");
        assert_eq!(call.room.engine.counters().freezes, if holes { 0 } else { 7 });
    }
}

#[test]
fn a_freeze_is_one_however_often_its_viewer_asks_until_a_keyframe_is_there() {
    let mut call = Call::new(&single());
    let freezes = |call: &Call| call.room.engine.counters().freezes;
    call.film(1..91, true);
    for begin in [91, 96, 101, 106] {
        call.ask(40);
        call.film(begin..begin + 5, false);
    }
    assert_eq!(freezes(&call), 1);
    call.film(111..141, true);
    call.ask(1);
    assert_eq!(freezes(&call), 1, "it has got what it asks for");
    call.film(141..181, false);
    call.ask(1);
    assert_eq!(freezes(&call), 2);
}

#[test]
fn whoever_asks_for_a_keyframe_every_two_seconds_is_well_connected_all_the_same() {
    let mut call = Call::new(&single());
    for second in 0..10 {
        call.film(second * 60 + 1..second * 60 + 61, true);
        call.ask(1);
    }
    assert_eq!(call.told_quality(), Some(ConnectionQuality::Excellent));
    assert_eq!(call.room.engine.counters().freezes, 0);
}

#[test]
fn sound_does_not_freeze() {
    let mut room = Room::new();
    let (ada, bob) = (room.link(Direction::Send), room.link(Direction::Recv));
    let microphone = room.produce(ada, Kind::Audio, Source::Microphone, AUDIO);
    let viewing = room.consume(bob, microphone);
    for number in 1..300 {
        // A pause of its publisher, or the last packet counts as the newest keyframe.
        if number < 150 {
            room.send_audio(ada, number, 30);
        }
        room.run(20);
    }
    room.send_rtcp(bob, |writer| assert!(writer.pli(1, viewing.ssrc())));
    assert_eq!(room.engine.counters().freezes, 0);
}

#[test]
fn losses_that_are_sent_again_count_less_than_others() {
    // 4 %, of video that is repeated and of sound that is not.
    let quality = |kind, source, json: &str| {
        let mut room = Room::new();
        let (ada, bob) = (room.link(Direction::Send), room.link(Direction::Recv));
        let producer = room.produce(ada, kind, source, json);
        let viewing = room.consume(bob, producer);
        for number in 1..300 {
            match kind {
                Kind::Audio => room.send_audio(ada, number, 30),
                Kind::Video => room.send_video(ada, number, number == 1),
            }
            room.run(20);
            if number % 50 == 0 {
                let (ssrc, fraction_lost) = (viewing.ssrc(), 10);
                let block = ReportBlock { ssrc, fraction_lost, ..ReportBlock::default() };
                room.send_rtcp(bob, |writer| assert!(writer.receiver_report(1, &[block])));
            }
        }
        let session = room.links[bob].session;
        let details = room.details(session);
        assert!((details.transports[0].loss - 10.0 / 256.0).abs() < 1e-6, "it is told as it is");
        details.quality
    };
    assert_eq!(quality(Kind::Video, Source::Camera, &single()), ConnectionQuality::Good);
    assert_eq!(quality(Kind::Audio, Source::Microphone, AUDIO), ConnectionQuality::Fair);
}

/// Bob listens to Ada, and tells which of the packets arrived.
struct Listening {
    room: Room,
    ada: usize,
    viewing: Viewing,
    sent: u16,
}

impl Listening {
    fn new() -> Self {
        let mut room = Room::new();
        let (ada, bob) = (room.link(Direction::Send), room.link(Direction::Recv));
        let microphone = room.produce(ada, Kind::Audio, Source::Microphone, AUDIO);
        let viewing = room.consume(bob, microphone);
        Listening { room, ada, viewing, sent: 0 }
    }

    /// So many seconds with so many packets each. One of `lose_every` is lost, which feedback tells five times a second
    /// and a report once.
    fn listen(&mut self, seconds: u16, packets: u16, lose_every: u16) {
        let start = self.room.now;
        for _ in 0..seconds {
            let (mut first, mut arrivals) = (self.sent, Vec::new());
            for number in 1..=packets {
                self.room.send_audio(self.ada, self.sent, 30);
                self.sent += 1;
                let arrival = (self.room.now - start).as_micros() as u64;
                arrivals.push((!self.sent.is_multiple_of(lose_every)).then_some(arrival));
                self.room.run(u64::from(1000 / packets));
                if number % (packets / 5).max(1) == 0 && arrivals.iter().any(Option::is_some) {
                    self.room.send_rtcp(self.viewing.link, |writer| {
                        assert_eq!(writer.transport_feedback(1, 2, 0, first, &arrivals), arrivals.len());
                    });
                    (first, arrivals) = (self.sent, Vec::new());
                }
            }
            let (ssrc, fraction_lost) = (self.viewing.ssrc(), (256 / lose_every) as u8);
            let block = ReportBlock { ssrc, fraction_lost, ..ReportBlock::default() };
            self.room.send_rtcp(self.viewing.link, |writer| assert!(writer.receiver_report(1, &[block])));
        }
    }

    fn told(&mut self) -> (f32, ConnectionQuality) {
        let session = self.room.links[self.viewing.link].session;
        let details = self.room.details(session);
        assert!(details.transports[0].sending.is_some_and(|sending| sending.measured));
        (details.transports[0].loss, details.quality)
    }
}

const NONE_LOST: u16 = u16::MAX;

#[test]
fn what_was_lost_while_somebody_spoke_is_forgotten_in_the_silence_after_it() {
    let mut listening = Listening::new();
    listening.listen(10, 50, 10);
    let (loss, quality) = listening.told();
    assert!((0.07..0.13).contains(&loss), "{loss}");
    assert_eq!(quality, ConnectionQuality::Poor);
    // Comfort packets.
    listening.listen(8, 3, NONE_LOST);
    assert_eq!(listening.told(), (0.0, ConnectionQuality::Excellent));
}

#[test]
fn a_path_that_begins_to_lose_in_silence_is_not_called_well() {
    let mut listening = Listening::new();
    listening.listen(10, 50, NONE_LOST);
    assert_eq!(listening.told(), (0.0, ConnectionQuality::Excellent));
    listening.listen(8, 3, 2);
    let (loss, quality) = listening.told();
    assert!((0.4..0.6).contains(&loss), "{loss}");
    assert_eq!(quality, ConnectionQuality::Poor);
}

#[test]
fn when_the_path_is_well_again_the_loss_is_gone_within_three_seconds_however_much_there_was() {
    let mut listening = Listening::new();
    listening.listen(5, 50, NONE_LOST);
    listening.listen(5, 50, 2);
    assert!(listening.told().0 > 0.4);
    listening.listen(3, 50, NONE_LOST);
    assert_eq!(listening.told().0, 0.0);
}
