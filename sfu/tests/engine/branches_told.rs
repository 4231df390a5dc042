//! What control is told of a room on two workers is what it would be told of one on one, and it holds whatever happens.

use std::collections::BTreeMap;

use plenum_sfu::engine::egress::Class;
use plenum_sfu::engine::transport::rtcp::{self, ReportBlock, RtcpPacket, SenderReport};
use plenum_shared::command::{Reply, RoomCommand, RoomStats};
use plenum_shared::event::Event;
use plenum_shared::id::{ProducerId, SessionId};
use plenum_shared::media::{ConnectionQuality, Direction, Kind, Source};
use proptest::prelude::*;

use crate::room::{MID, Room, Viewing, one_by_one};
use crate::tracks::{AUDIO, single, video_packet, vp8};

fn two_workers() -> Room {
    let mut room = Room::on_workers(2, one_by_one());
    room.open_branch(1);
    room
}

fn stats(room: &mut Room, worker: usize) -> RoomStats {
    match room.command_on(worker, RoomCommand::Stats) {
        Ok(Reply::Stats(stats)) => stats,
        other => panic!("{other:?}"),
    }
}

fn qualities(room: &Room, session: SessionId) -> Vec<ConnectionQuality> {
    let of_session = |event: &Event| match event {
        Event::QualityChanged { session: of, quality, .. } if *of == session => Some(*quality),
        _ => None,
    };
    room.events.iter().filter_map(of_session).collect()
}

#[test]
fn a_session_with_a_transport_on_each_worker_is_judged_once_by_both() {
    let mut room = two_workers();
    let ada = room.link(Direction::Send);
    let camera = room.produce(ada, Kind::Video, Source::Camera, &single());
    let session = SessionId(room.uuid());
    room.link_on(0, session, Direction::Send);
    let viewer = room.link_on(1, session, Direction::Recv);
    let view = room.consume(viewer, camera);
    room.viewers_report = false;
    let mut number = 0;
    for second in 0..12 {
        for _ in 0..25 {
            number += 1;
            room.send_video(ada, number, number == 1);
            room.run(40);
        }
        let fraction_lost = if second < 4 { 0 } else { 100 };
        let block = ReportBlock { ssrc: view.ssrc(), fraction_lost, ..ReportBlock::default() };
        room.send_rtcp(viewer, |writer| assert!(writer.receiver_report(1, &[block])));
    }
    assert_eq!(qualities(&room, session), [ConnectionQuality::Excellent, ConnectionQuality::Poor]);
    let home = stats(&mut room, 0);
    let told = home.sessions.iter().find(|of| of.session == session).unwrap();
    assert_eq!(told.quality, ConnectionQuality::Poor);
    assert!(told.loss > 0.2, "home knows what the branch saw: {}", told.loss);
    assert_eq!(home.producers[0].layers[0].viewers, 0);
    assert_eq!(stats(&mut room, 1).producers[0].layers[0].viewers, 1);
}

#[test]
fn a_viewer_that_is_on_a_branch_alone_is_in_the_figures_until_he_leaves() {
    let mut room = two_workers();
    let viewer = room.viewer_on(1);
    let session = room.links[viewer].session;
    room.run(3000);
    assert_eq!(qualities(&room, session), []);
    assert!(stats(&mut room, 0).sessions.iter().any(|of| of.session == session));
    // His group is kept although he has no transport at home.
    room.command(RoomCommand::SetSessionGroup { session, group: 3 }).unwrap();
    let link = room.link_on(0, session, Direction::Send);
    room.produce(link, Kind::Audio, Source::Microphone, AUDIO);
    (1..=100).for_each(|number| {
        room.send_audio(link, number, 20);
        room.run(20);
    });
    let groups: Vec<_> = room
        .events
        .iter()
        .filter_map(|event| match event {
            Event::ActiveSpeaker { group, speaker: Some(_), .. } => Some(*group),
            _ => None,
        })
        .collect();
    assert_eq!(groups, [3]);
    for worker in 0..2 {
        room.command_on(worker, RoomCommand::CloseSession { session }).unwrap();
    }
    assert!(stats(&mut room, 0).sessions.is_empty());
}

#[test]
fn a_report_of_a_stream_that_begins_anew_waits_on_a_branch_for_its_first_packet() {
    for comes_late in [false, true] {
        let mut room = two_workers();
        let ada = room.link(Direction::Send);
        let camera = room.produce(ada, Kind::Video, Source::Camera, &single());
        let viewer = room.viewer_on(1);
        let before = (!comes_late).then(|| room.consume(viewer, camera));
        room.send_video(ada, 1, true);
        room.run(100);
        // The branch is behind with packets and hears of the report before the first one of the new numbers.
        room.wires.hold_packets(true);
        let (ssrc, ntp_time, rtp_timestamp) = (5000, 0x0102_0304_0000_0000, 6000);
        room.send(ada, video_packet(ssrc, 2, &vp8(true, 2), &[(MID, b"1")]));
        let report = SenderReport { ssrc, ntp_time, rtp_timestamp, packet_count: 1, octet_count: 600 };
        room.send_rtcp(ada, |writer| assert!(writer.sender_report(&report, &[])));
        let view = before.unwrap_or_else(|| room.consume(viewer, camera));
        room.wires.hold_packets(false);
        room.pump();
        room.send(ada, video_packet(ssrc, 3, &vp8(true, 3), &[(MID, b"1")]));
        room.run(1100);
        let compounds = room.received_rtcp(viewer);
        let told =
            compounds.iter().flat_map(|compound| rtcp::parse(compound)).find_map(|packet| match packet {
                RtcpPacket::SenderReport(report, _) if report.ssrc == view.ssrc() => Some(report),
                _ => None,
            });
        let told = told.expect("a sender report");
        assert!(told.ntp_time.abs_diff(ntp_time) < 5 << 32, "by the publisher's clock, late: {comes_late}");
    }
}

#[test]
fn what_control_missed_is_told_again_once_for_each_session() {
    let mut room = two_workers();
    let ada = room.link(Direction::Send);
    let camera = room.produce(ada, Kind::Video, Source::Camera, &single());
    let viewer = room.viewer_on(1);
    let session = room.links[viewer].session;
    room.consume(viewer, camera);
    (1..=75).for_each(|number| {
        room.send_video(ada, number, number == 1);
        room.run(40);
    });
    assert_eq!(qualities(&room, session), [ConnectionQuality::Excellent]);
    room.events.clear();
    for worker in 0..2 {
        let now = room.now;
        room.worker(worker).tell_again(now);
    }
    room.run(100);
    assert_eq!(qualities(&room, session), [ConnectionQuality::Excellent]);
    let watched = |event: &&Event| matches!(event, Event::ProducerLayers { .. });
    assert_eq!(room.events.iter().filter(watched).count(), 1);
}

/// One thing that happens to a room.
#[derive(Debug, Clone)]
enum Step {
    Publish {
        sound: bool,
    },
    Unpublish(usize),
    Pause(usize, bool),
    Watch(usize),
    LookAway(usize),
    Send(usize),
    Refuse {
        sound: bool,
        count: usize,
    },
    LeaveViewer(usize),
    /// A worker is behind with packets, or not any more.
    FallBehind(bool),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => any::<bool>().prop_map(|sound| Step::Publish { sound }),
        1 => (0_usize..8).prop_map(Step::Unpublish),
        2 => (0_usize..8, any::<bool>()).prop_map(|(which, paused)| Step::Pause(which, paused)),
        4 => (0_usize..8).prop_map(Step::Watch),
        2 => (0_usize..8).prop_map(Step::LookAway),
        12 => (0_usize..8).prop_map(Step::Send),
        2 => (any::<bool>(), 1_usize..4).prop_map(|(sound, count)| Step::Refuse { sound, count }),
        1 => (0_usize..4).prop_map(Step::LeaveViewer),
        2 => any::<bool>().prop_map(Step::FallBehind),
        3 => (1_u64..800).prop_map(Step::Wait),
    ]
}

struct Track {
    link: usize,
    producer: ProducerId,
    sound: bool,
    number: u16,
}

struct Story {
    room: Room,
    tracks: Vec<Track>,
    viewers: Vec<usize>,
    views: Vec<Viewing>,
}

impl Story {
    fn new() -> Self {
        let mut room = two_workers();
        let viewers = vec![room.viewer_on(1), room.viewer_on(1), room.link(Direction::Recv)];
        Story { room, tracks: Vec::new(), viewers, views: Vec::new() }
    }

    fn tell(&mut self, step: &Step) {
        let room = &mut self.room;
        let count = self.tracks.len().max(1);
        match *step {
            Step::Publish { sound } if self.tracks.len() < 4 => {
                let link = room.link(Direction::Send);
                let video = single();
                let (kind, source, json) = if sound {
                    (Kind::Audio, Source::Microphone, AUDIO)
                } else {
                    (Kind::Video, Source::Camera, video.as_str())
                };
                let producer = room.produce(link, kind, source, json);
                self.tracks.push(Track { link, producer, sound, number: 0 });
            }
            Step::Unpublish(which) if !self.tracks.is_empty() => {
                let track = self.tracks.remove(which % count);
                room.command(RoomCommand::CloseProducer { producer: track.producer }).unwrap();
            }
            Step::Pause(which, paused) if !self.tracks.is_empty() => {
                let producer = self.tracks[which % count].producer;
                room.command(RoomCommand::SetProducerPaused { producer, paused }).unwrap();
            }
            Step::Watch(which) if !self.tracks.is_empty() && !self.viewers.is_empty() => {
                let viewer = self.viewers[which % self.viewers.len()];
                self.views.push(room.consume(viewer, self.tracks[which % count].producer));
            }
            Step::LookAway(which) if !self.views.is_empty() => {
                let view = self.views.remove(which % self.views.len());
                // It may have ended with its producer or its transport.
                let _ = room.command_of(view.link, RoomCommand::CloseConsumer { consumer: view.consumer });
            }
            Step::Send(which) if !self.tracks.is_empty() => {
                let track = &mut self.tracks[which % count];
                track.number += 1;
                if track.sound {
                    room.send_audio(track.link, track.number, 30);
                } else {
                    room.send_video(track.link, track.number, track.number % 5 == 1);
                }
            }
            Step::Refuse { sound, count } => {
                room.wires.refuse(if sound { Class::Audio } else { Class::Video }, count);
            }
            Step::LeaveViewer(which) if self.viewers.len() > 1 => {
                let viewer = self.viewers.remove(which % self.viewers.len());
                let transport = room.links[viewer].transport;
                room.command_of(viewer, RoomCommand::CloseTransport { transport }).unwrap();
            }
            Step::FallBehind(is_behind) => {
                room.wires.hold_packets(is_behind);
                room.pump();
            }
            Step::Wait(ms) => room.run(ms),
            _ => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_both_workers_agree_on_what_there_is(
        steps in prop::collection::vec(step(), 1..60),
        in_order in any::<bool>(),
    ) {
        let mut story = Story::new();
        if in_order {
            story.room.wires.keep_order();
        }
        steps.iter().for_each(|step| story.tell(step));
        let room = &mut story.room;
        room.wires.refuse(Class::Video, 0);
        room.wires.hold_packets(false);
        room.pump();
        let published = |stats: RoomStats| -> BTreeMap<_, _> {
            stats.producers.iter().map(|one| (one.producer, (one.session, one.paused))).collect()
        };
        let (home, branch) = (stats(room, 0), stats(room, 1));
        prop_assert_eq!(published(home), published(branch));
        // And what is still watched there goes on.
        room.run(3000);
        for track in &story.tracks {
            room.command(RoomCommand::SetProducerPaused { producer: track.producer, paused: false }).unwrap();
        }
        let Some(&viewer) = story.viewers.first() else { return Ok(()) };
        for track in story.tracks.iter().filter(|track| !track.sound) {
            let view = room.consume(viewer, track.producer);
            room.run(50);
            for number in 1..=3 {
                room.send_video(track.link, track.number + number, true);
                room.run(40);
            }
            prop_assert_eq!(room.received(&view).len(), 3);
        }
        room.command(RoomCommand::Close).unwrap();
        for worker in 0..2 {
            let counters = room.worker(worker).counters();
            prop_assert_eq!((counters.transports, counters.consumers, counters.producers), (0, 0, 0));
        }
    }
}
