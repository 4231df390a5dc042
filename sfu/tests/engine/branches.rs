//! A room on several workers: what is true on one is true on two. Publishers are at home (worker 0), viewers elsewhere.

use std::ops::RangeInclusive;

use plenum_sfu::engine::egress::Class;
use plenum_sfu::engine::limits::Limits;
use plenum_sfu::engine::packet::RtpPacket;
use plenum_sfu::engine::transport::rtcp::{self, RtcpPacket};
use plenum_shared::command::{RefusalReason, RoomCommand};
use plenum_shared::event::Event;
use plenum_shared::media::{Direction, Kind, Layer, Source};

use crate::room::{MID, Room, one_by_one};
use crate::tracks::{AUDIO, simulcast, single, video_packet, vp8};

fn two_workers() -> Room {
    two_workers_with(one_by_one())
}

fn two_workers_with(limits: Limits) -> Room {
    let mut room = Room::on_workers(2, limits);
    room.open_branch(1);
    room
}

/// The SSRCs a publisher was asked for keyframes of since the last call.
fn keyframes_asked(room: &mut Room, link: usize) -> Vec<u32> {
    let compounds = room.received_rtcp(link);
    let packets = compounds.iter().flat_map(|bytes| rtcp::parse(bytes));
    let asked = packets.filter_map(|packet| match packet {
        RtcpPacket::Pli { media_ssrc, .. } => Some(media_ssrc),
        _ => None,
    });
    asked.collect()
}

/// Pictures of so many layers. As Chromium does: asked for one layer it sends a keyframe of each.
fn film(room: &mut Room, link: usize, numbers: RangeInclusive<u16>, layers: usize) {
    for number in numbers {
        let asked = !keyframes_asked(room, link).is_empty();
        room.send_layers(link, number, number == 1 || asked, layers);
        room.run(33);
    }
}

fn numbers(packets: &[(RtpPacket, Vec<u8>)]) -> Vec<u16> {
    let first = packets.first().map_or(0, |(packet, _)| packet.sequence_number);
    packets.iter().map(|(packet, _)| packet.sequence_number.wrapping_sub(first)).collect()
}

#[test]
fn a_viewer_on_another_worker_gets_what_one_at_home_gets() {
    let mut room = two_workers();
    let ada = room.link(Direction::Send);
    let camera = room.produce(ada, Kind::Video, Source::Camera, &single());
    let near = room.link(Direction::Recv);
    let (near, far) = (room.consume(near, camera), room.viewer_on(1));
    let far = room.consume(far, camera);
    room.run(10);
    assert_eq!(keyframes_asked(&mut room, ada), [2000]);
    for number in 1..=50 {
        room.send_video(ada, number, number == 1);
        room.run(20);
    }
    let (at_home, elsewhere) = (room.received(&near), room.received(&far));
    assert_eq!(numbers(&elsewhere), (0..50).collect::<Vec<_>>());
    let payloads = |packets: &[(RtpPacket, Vec<u8>)]| -> Vec<Vec<u8>> {
        // The picture id is each viewer's own.
        packets.iter().map(|(packet, bytes)| packet.payload(bytes)[4..].to_vec()).collect()
    };
    assert_eq!(payloads(&elsewhere), payloads(&at_home));
    assert_eq!(room.engine.counters().relayed, 50, "each packet crosses once");
}

#[test]
fn each_packet_crosses_once_however_many_watch_and_not_at_all_when_nobody_does() {
    let mut room = two_workers();
    let ada = room.link(Direction::Send);
    let camera = room.produce(ada, Kind::Video, Source::Camera, &single());
    room.send_video(ada, 1, true);
    assert_eq!(room.wires.crossed().0, 0, "nobody watches");
    let views: Vec<_> = (0..5)
        .map(|_| {
            let viewer = room.viewer_on(1);
            room.consume(viewer, camera)
        })
        .collect();
    room.wires.crossed();
    (2..=11).for_each(|number| room.send_video(ada, number, number == 2));
    assert_eq!(room.wires.crossed(), (10, 0));
    for view in &views {
        assert_eq!(room.received(view).len(), 10);
        room.command_on(1, RoomCommand::CloseConsumer { consumer: view.consumer }).unwrap();
    }
    room.wires.crossed();
    room.send_video(ada, 12, true);
    assert_eq!(room.wires.crossed(), (0, 0), "the branch is empty");
}

#[test]
fn who_comes_late_to_a_branch_has_a_keyframe_asked_for() {
    let mut room = two_workers();
    let ada = room.link(Direction::Send);
    let camera = room.produce(ada, Kind::Video, Source::Camera, &single());
    (1..=30).for_each(|number| {
        room.send_video(ada, number, number == 1);
        room.run(40);
    });
    keyframes_asked(&mut room, ada);
    let viewer = room.viewer_on(1);
    let view = room.consume(viewer, camera);
    room.run(1);
    assert_eq!(keyframes_asked(&mut room, ada), [2000]);
    room.send_video(ada, 31, false);
    assert!(room.received(&view).is_empty(), "nothing before the keyframe");
    room.send_video(ada, 32, true);
    room.send_video(ada, 33, false);
    assert_eq!(room.received(&view).len(), 2);

    room.run(1000);
    room.send_rtcp(viewer, |writer| assert!(writer.pli(1, view.ssrc())));
    room.run(1);
    assert_eq!(keyframes_asked(&mut room, ada), [2000], "a viewer's own request crosses too");
}

#[test]
fn a_lost_packet_is_repeated_by_the_branch_and_costs_home_nothing() {
    let mut room = two_workers();
    let ada = room.link(Direction::Send);
    let camera = room.produce(ada, Kind::Video, Source::Camera, &single());
    let viewer = room.viewer_on(1);
    let view = room.consume(viewer, camera);
    (1..=10).for_each(|number| room.send_video(ada, number, number == 1));
    let sent = room.received(&view);
    room.wires.crossed();
    let lost = sent[4].0.sequence_number;
    room.send_rtcp(viewer, |writer| assert!(writer.nack(1, view.ssrc(), [lost].into_iter())));
    assert_eq!(room.received_of(viewer, view.rtx_ssrc()).len(), 1);
    assert_eq!(room.wires.crossed(), (0, 0));
    assert_eq!(room.others[0].counters().rtp_retransmitted, 1);
}

#[test]
fn a_publishers_loss_is_repaired_at_home_for_everybody() {
    let mut room = two_workers();
    let ada = room.link(Direction::Send);
    let camera = room.produce(ada, Kind::Video, Source::Camera, &single());
    let viewer = room.viewer_on(1);
    let view = room.consume(viewer, camera);
    (1..=5).for_each(|number| room.send_video(ada, number, number == 1));
    (7..=10).for_each(|number| room.send_video(ada, number, false));
    room.run(30);
    let compounds = room.received_rtcp(ada);
    let asked = compounds.iter().flat_map(|bytes| rtcp::parse(bytes));
    let nacks = asked.filter(|packet| matches!(packet, RtcpPacket::Nack { .. })).count();
    assert_eq!(nacks, 1, "asked for although nobody at home watches");
    room.send_video(ada, 6, false);
    let mut numbers = numbers(&room.received(&view));
    numbers.sort_unstable();
    assert_eq!(numbers, (0..10).collect::<Vec<_>>());
}

#[test]
fn a_viewer_on_a_branch_is_moved_between_layers_there() {
    let mut room = two_workers();
    let ada = room.link(Direction::Send);
    let camera = room.produce(ada, Kind::Video, Source::Camera, &simulcast());
    let viewer = room.viewer_on(1);
    let view = room.consume(viewer, camera);
    film(&mut room, ada, 1..=90, 3);
    let largest = room.received(&view);
    assert!(largest.last().unwrap().1.len() > 1000, "the path is good: the largest layer");
    let layer = Layer { spatial: 0, temporal: None };
    let smallest = RoomCommand::SetPreferredLayer { consumer: view.consumer, layer, size: None };
    room.command_on(1, smallest).unwrap();
    film(&mut room, ada, 91..=120, 3);
    let last = room.received(&view).pop().unwrap();
    assert!(last.1.len() < 400, "the smallest layer: {} bytes", last.1.len());
    room.run(6000);
    let told = room.events.iter().rev().find_map(|event| match event {
        Event::ProducerLayers { producer, highest, .. } if *producer == camera => Some(*highest),
        _ => None,
    });
    assert_eq!(told, Some(Some(0)), "control hears from home what the branch watches");
}

#[test]
fn a_layer_that_stops_is_replaced_on_a_branch_by_its_own_clock() {
    let mut room = two_workers();
    let ada = room.link(Direction::Send);
    let camera = room.produce(ada, Kind::Video, Source::Camera, &simulcast());
    let viewer = room.viewer_on(1);
    let view = room.consume(viewer, camera);
    film(&mut room, ada, 1..=90, 3);
    assert!(room.received(&view).last().unwrap().1.len() > 1000);
    film(&mut room, ada, 91..=105, 2);
    let after = room.received(&view);
    let last = after.last().expect("the next layer is there within half a second");
    assert!((400..1000).contains(&last.1.len()), "{} bytes", last.1.len());
}

#[test]
fn a_pause_holds_everywhere_and_ends_everywhere() {
    let mut room = two_workers();
    let ada = room.link(Direction::Send);
    let camera = room.produce(ada, Kind::Video, Source::Camera, &single());
    let viewer = room.viewer_on(1);
    let view = room.consume(viewer, camera);
    room.send_video(ada, 1, true);
    room.command(RoomCommand::SetProducerPaused { producer: camera, paused: true }).unwrap();
    room.send_video(ada, 2, false);
    assert_eq!(room.received(&view).len(), 1);
    room.run(500);
    keyframes_asked(&mut room, ada);
    room.command(RoomCommand::SetProducerPaused { producer: camera, paused: false }).unwrap();
    room.run(1);
    assert_eq!(keyframes_asked(&mut room, ada), [2000]);
    room.send_video(ada, 3, true);
    assert_eq!(room.received(&view).len(), 1);
}

#[test]
fn sound_that_a_mute_overtakes_is_not_heard_and_the_unmute_is_no_loss() {
    let mut room = two_workers();
    let ada = room.link(Direction::Send);
    let microphone = room.produce(ada, Kind::Audio, Source::Microphone, AUDIO);
    let viewer = room.viewer_on(1);
    let view = room.consume(viewer, microphone);
    let mute = |room: &mut Room, paused| {
        room.command(RoomCommand::SetProducerPaused { producer: microphone, paused }).unwrap();
    };
    let mut number = 0;
    let mut speak = |room: &mut Room, packets: u16| {
        for _ in 0..packets {
            number += 1;
            room.send_audio(ada, number, 20);
            room.run(20);
        }
    };
    speak(&mut room, 10);
    let before = room.received(&view);
    assert_eq!(before.len(), 10);
    // The branch is behind: it is told of the mute before it reads what was said before it.
    room.wires.hold_packets(true);
    speak(&mut room, 1);
    mute(&mut room, true);
    room.wires.hold_packets(false);
    room.pump();
    assert_eq!(room.received(&view).len(), 0, "it is muted already");
    assert_eq!(room.others[0].counters().rtp_dropped_paused, 1);
    speak(&mut room, 100);
    mute(&mut room, false);
    speak(&mut room, 1);
    let after = room.received(&view);
    let number = |packets: &[(RtpPacket, Vec<u8>)]| packets.last().unwrap().0.sequence_number;
    assert_eq!(after.len(), 1);
    assert_eq!(number(&after), number(&before).wrapping_add(1), "what was left out is no loss");
}

#[test]
fn a_full_ring_costs_a_frame_and_a_keyframe_request() {
    let mut room = two_workers();
    let ada = room.link(Direction::Send);
    let camera = room.produce(ada, Kind::Video, Source::Camera, &single());
    let viewer = room.viewer_on(1);
    let view = room.consume(viewer, camera);
    room.send_video(ada, 1, true);
    room.run(400);
    keyframes_asked(&mut room, ada);
    room.wires.refuse(Class::Video, 1);
    room.send_video(ada, 2, false);
    room.run(1);
    assert!(keyframes_asked(&mut room, ada).is_empty(), "it would find no room either");
    room.send_video(ada, 3, false);
    room.run(1);
    assert_eq!(keyframes_asked(&mut room, ada), [2000]);
    room.send_video(ada, 4, true);
    room.send_video(ada, 5, false);
    assert_eq!(room.received(&view).len(), 4, "all but the frame that was dropped");
    assert_eq!(room.engine.counters().video_dropped_ring_full, 1);
}

#[test]
fn a_branch_that_is_always_behind_does_not_have_everybody_sent_keyframes() {
    let mut room = two_workers();
    let ada = room.link(Direction::Send);
    let camera = room.produce(ada, Kind::Video, Source::Camera, &single());
    let viewer = room.viewer_on(1);
    room.consume(viewer, camera);
    room.send_video(ada, 1, true);
    room.run(400);
    keyframes_asked(&mut room, ada);
    // For ten seconds no frame finds room, or one of three does; whoever is asked for a keyframe sends it.
    let mut number = 1;
    for refused in [usize::MAX, 2] {
        let mut asked = 0;
        for frame in 0..300 {
            if refused == usize::MAX || frame % 3 == 0 {
                room.wires.refuse(Class::Video, refused);
            }
            let requests = keyframes_asked(&mut room, ada).len();
            asked += requests;
            number += 1;
            room.send_video(ada, number, requests > 0);
            room.run(33);
        }
        assert!(asked <= 8, "{asked} keyframes in ten seconds");
        room.wires.refuse(Class::Video, 0);
    }
}

#[test]
fn a_packet_too_long_to_cross_is_no_full_ring() {
    let mut room = two_workers();
    let ada = room.link(Direction::Send);
    let camera = room.produce(ada, Kind::Video, Source::Camera, &single());
    let (near, far) = (room.link(Direction::Recv), room.viewer_on(1));
    let (near, far) = (room.consume(near, camera), room.consume(far, camera));
    room.send_video(ada, 1, true);
    room.run(400);
    keyframes_asked(&mut room, ada);
    let mut long = vp8(false, 2);
    long.resize(1600, 0xAB);
    room.send(ada, video_packet(2000, 2, &long, &[(MID, b"1")]));
    room.send_video(ada, 3, false);
    room.run(400);
    assert_eq!((room.received(&near).len(), room.received(&far).len()), (3, 2));
    let counters = room.engine.counters();
    assert_eq!((counters.relay_dropped_too_long, counters.video_dropped_ring_full), (1, 0));
    assert!(keyframes_asked(&mut room, ada).is_empty(), "it might be as long");
}

#[test]
fn when_a_publisher_vanishes_its_mirrors_and_their_viewers_do_too() {
    let mut room = two_workers();
    let ada = room.link(Direction::Send);
    let camera = room.produce(ada, Kind::Video, Source::Camera, &single());
    let viewer = room.viewer_on(1);
    let view = room.consume(viewer, camera);
    let session = room.links[ada].session;
    room.command(RoomCommand::CloseSession { session }).unwrap();
    let close = RoomCommand::CloseConsumer { consumer: view.consumer };
    assert_eq!(room.command_on(1, close).unwrap_err().reason, RefusalReason::UnknownConsumer);
    assert_eq!(room.others[0].counters().consumers, 0);
    let next = room.link(Direction::Send);
    let other = room.produce(next, Kind::Video, Source::Camera, &single());
    let view = room.consume(viewer, other);
    room.send_video(next, 1, true);
    assert_eq!(room.received(&view).len(), 1);
}

#[test]
fn sound_is_judged_at_home_and_heard_everywhere() {
    let mut room = two_workers();
    let viewer = room.viewer_on(1);
    let mut views = Vec::new();
    for _ in 0..4 {
        let link = room.link(Direction::Send);
        let microphone = room.produce(link, Kind::Audio, Source::Microphone, AUDIO);
        views.push((link, room.consume(viewer, microphone)));
    }
    // Three speak; the fourth is quiet and held back.
    for number in 1..=100 {
        for (index, (link, _)) in views.iter().enumerate() {
            room.send_audio(*link, number, if index < 3 { 30 } else { 90 });
        }
        room.run(20);
    }
    let heard: Vec<_> = views.iter().map(|(_, view)| room.received(view).len()).collect();
    assert_eq!(heard[..3], [100; 3]);
    assert!(heard[3] <= 1, "{heard:?}");
    let counters = room.engine.counters();
    assert!(counters.relayed <= 301, "what is not heard does not cross: {counters:?}");
    let speaks = |event: &Event| matches!(event, Event::ActiveSpeaker { speaker: Some(_), .. });
    assert_eq!(room.events.iter().filter(|event| speaks(event)).count(), 1, "told once, by home");
}

#[test]
fn the_camera_of_nobody_who_spoke_lately_is_off_stage_on_branches_too() {
    let mut limits = one_by_one();
    limits.last_n.video = 1;
    let mut room = two_workers_with(limits);
    let viewer = room.viewer_on(1);
    let links = [room.link(Direction::Send), room.link(Direction::Send)];
    let views = links.map(|link| {
        let camera = room.produce(link, Kind::Video, Source::Camera, &single());
        room.consume(viewer, camera)
    });
    room.produce(links[1], Kind::Audio, Source::Microphone, AUDIO);
    let film = |room: &mut Room, from: u16, speaks: bool| {
        for number in from..from + 60 {
            if speaks {
                room.send_audio(links[1], number, 20);
            }
            links.iter().for_each(|&link| room.send_video(link, number, true));
            room.run(20);
        }
        views.each_ref().map(|view| room.received(view).len())
    };
    let before = film(&mut room, 1, false);
    assert!(before[0] > 50 && before[1] == 0, "the first one is on stage: {before:?}");
    film(&mut room, 61, true);
    let after = film(&mut room, 121, true);
    assert!(after[1] > 50 && after[0] == 0, "and makes room for who speaks: {after:?}");
}

#[test]
fn a_room_is_closed_and_fails_on_all_workers() {
    for failing in [None, Some(0), Some(1)] {
        let mut room = two_workers();
        let ada = room.link(Direction::Send);
        room.produce(ada, Kind::Video, Source::Camera, &single());
        room.viewer_on(1);
        let id = room.room;
        room.events.clear();
        match failing {
            None => drop(room.command(RoomCommand::Close).unwrap()),
            Some(worker) => {
                room.worker(worker).remove_room(id);
                room.pump();
            }
        }
        for worker in 0..2 {
            let refused = room.command_on(worker, RoomCommand::Stats).unwrap_err();
            assert_eq!(refused.reason, RefusalReason::UnknownRoom);
            assert_eq!(room.worker(worker).counters().transports, 0);
        }
        let told = room.events.iter().filter(|event| matches!(event, Event::RoomFailed { .. })).count();
        assert_eq!(told, usize::from(failing.is_some()), "control hears it once");
    }
}

#[test]
fn a_branch_that_is_opened_later_knows_what_there_is() {
    let mut room = Room::on_workers(2, one_by_one());
    let ada = room.link(Direction::Send);
    let camera = room.produce(ada, Kind::Video, Source::Camera, &single());
    room.command(RoomCommand::SetProducerPaused { producer: camera, paused: true }).unwrap();
    room.open_branch(1);
    let viewer = room.viewer_on(1);
    let view = room.consume(viewer, camera);
    room.send_video(ada, 1, true);
    assert!(room.received(&view).is_empty(), "it is paused there too");
    room.command(RoomCommand::SetProducerPaused { producer: camera, paused: false }).unwrap();
    room.send_video(ada, 2, true);
    assert_eq!(room.received(&view).len(), 1);
}
