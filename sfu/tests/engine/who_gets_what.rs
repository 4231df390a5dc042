//! What viewers are given of what they ask for, and what publishers and control are told about it.

use std::collections::BTreeMap;

use plenum_sfu::engine::transport::rtcp::{self, ReportBlock, RtcpPacket};
use plenum_shared::command::RoomCommand;
use plenum_shared::event::Event;
use plenum_shared::id::ProducerId;
use plenum_shared::media::{Direction, Kind, Layer, LayerLimit, PictureSize, Source};

use crate::room::{MID, RID, Room, Viewing, everywhere, one_by_one};
use crate::tracks::{AUDIO, SIMULCAST_SSRC, simulcast, single, video_packet, vp8};

const FRAME_MS: u64 = 33;
/// Widths of the three layers of a camera; they are 9/16 as high.
const WIDTHS: [u16; 3] = [320, 640, 1280];

/// Some publishers with cameras, and one viewer of all of them.
struct Cameras {
    room: Room,
    links: Vec<usize>,
    producers: Vec<ProducerId>,
    viewings: Vec<Viewing>,
    frame: u16,
    keyframe_every: u16,
    /// Whose microphone hears somebody; the others hear nothing.
    speaker: Option<usize>,
    /// Share of what the viewer is sent that it reports as lost, in 1/256.
    lost: u8,
}

impl Cameras {
    fn of(count: usize, json: &str) -> Self {
        Self::watched_on(0, count, json)
    }

    /// As [`Cameras::of`], of a viewer on this worker.
    fn watched_on(worker: usize, count: usize, json: &str) -> Self {
        let mut room = Room::with_viewers_on(worker, one_by_one());
        let viewer = room.link(Direction::Recv);
        let links: Vec<_> = (0..count).map(|_| room.link(Direction::Send)).collect();
        let produce = |&link: &usize| room.produce(link, Kind::Video, Source::Camera, json);
        let producers: Vec<_> = links.iter().map(produce).collect();
        let viewings = producers.iter().map(|&producer| room.consume(viewer, producer)).collect();
        Self { room, links, producers, viewings, frame: 0, keyframe_every: 30, speaker: None, lost: 0 }
    }

    /// Lets everybody send three layers.
    fn run(&mut self, ms: u64) {
        for _ in 0..ms / FRAME_MS {
            self.frame += 1;
            for at in 0..self.links.len() {
                self.send_layers(self.links[at]);
            }
            if let Some(speaker) = self.speaker {
                for at in 0..self.links.len() {
                    let level = if at == speaker { 30 } else { 127 };
                    self.room.send_audio(self.links[at], self.frame, level);
                }
            }
            self.pass();
        }
    }

    fn send_layers(&mut self, link: usize) {
        let keyframe = self.frame.is_multiple_of(self.keyframe_every);
        for (layer, rid) in [b"r0", b"r1", b"r2"].into_iter().enumerate() {
            let mut payload = vp8(keyframe, self.frame);
            if keyframe {
                payload.truncate(5);
                payload[4] = 0x10;
                payload.extend([0, 0, 0x9D, 0x01, 0x2A]);
                payload.extend(WIDTHS[layer].to_le_bytes());
                payload.extend((WIDTHS[layer] / 16 * 9).to_le_bytes());
            }
            payload.resize([150, 450, 1100][layer], 0xAB);
            let ssrc = SIMULCAST_SSRC + layer as u32;
            self.room.send(link, video_packet(ssrc, self.frame, &payload, &[(MID, b"1"), (RID, rid)]));
        }
    }

    /// Time passes until the next frame, and once a second the viewer reports.
    fn pass(&mut self) {
        self.room.run(FRAME_MS);
        if self.frame.is_multiple_of(30) && self.lost > 0 {
            for at in 0..self.viewings.len() {
                let (ssrc, fraction_lost) = (self.viewings[at].ssrc(), self.lost);
                let block = ReportBlock { ssrc, fraction_lost, ..ReportBlock::default() };
                let link = self.viewings[at].link;
                self.room.send_rtcp(link, |writer| assert!(writer.receiver_report(1, &[block])));
            }
        }
    }

    fn prefer(&mut self, at: usize, spatial: u8, size: Option<PictureSize>) {
        let layer = Layer { spatial, temporal: None };
        let consumer = self.viewings[at].consumer;
        self.room.command(RoomCommand::SetPreferredLayer { consumer, layer, size }).unwrap();
    }

    fn pause(&mut self, at: usize, paused: bool) {
        let consumer = self.viewings[at].consumer;
        self.room.command(RoomCommand::SetConsumerPaused { consumer, paused }).unwrap();
    }

    /// How often a publisher was asked for keyframes since the last look.
    fn keyframe_requests(&mut self, at: usize) -> usize {
        let compounds = self.room.received_rtcp(self.links[at]);
        let packets = compounds.iter().flat_map(|compound| rtcp::parse(compound));
        packets.filter(|packet| matches!(packet, RtcpPacket::Pli { .. })).count()
    }

    /// What publishers were told since the last look.
    fn told_to_send(&mut self) -> Vec<Option<u8>> {
        let told = self.room.events.extract_if(.., |event| matches!(event, Event::ProducerLayers { .. }));
        let told = told.filter_map(|event| match event {
            Event::ProducerLayers { highest, .. } => Some(highest),
            _ => None,
        });
        told.collect()
    }

    /// Everything told about one view.
    fn told_of(&self, at: usize) -> Vec<(Option<u8>, Option<LayerLimit>)> {
        let of_it = self.viewings[at].consumer;
        let told = self.room.events.iter().filter_map(|event| match event {
            Event::ConsumerLayerChanged { consumer, layer, limit, .. } if *consumer == of_it => {
                Some((layer.map(|layer| layer.spatial), *limit))
            }
            _ => None,
        });
        told.collect()
    }

    fn last_told_of(&self, at: usize) -> (Option<u8>, Option<LayerLimit>) {
        self.told_of(at).last().copied().expect("something was told")
    }
}

fn pixels(width: u16) -> Option<PictureSize> {
    Some(PictureSize { width, height: width / 16 * 9 })
}

#[test]
fn a_publisher_is_told_at_once_what_somebody_wants_and_after_five_seconds_what_nobody_wants() {
    everywhere(|viewers| {
        let mut cameras = Cameras::watched_on(viewers, 1, &simulcast());
        assert_eq!(cameras.told_to_send(), [Some(2)]);
        cameras.run(3000);
        cameras.prefer(0, 0, None);
        cameras.run(4900);
        assert_eq!(cameras.told_to_send(), []);
        cameras.run(200);
        assert_eq!(cameras.told_to_send(), [Some(0)]);
        cameras.prefer(0, 1, None);
        assert_eq!(cameras.told_to_send(), [Some(1)]);
        cameras.pause(0, true);
        cameras.run(4900);
        assert_eq!(cameras.told_to_send(), []);
        cameras.run(200);
        assert_eq!(cameras.told_to_send(), [None]);
        cameras.pause(0, false);
        assert_eq!(cameras.told_to_send(), [Some(1)]);
        let consumer = cameras.viewings[0].consumer;
        cameras.room.command(RoomCommand::CloseConsumer { consumer }).unwrap();
        cameras.room.run(5000);
        assert_eq!(cameras.told_to_send(), [None]);
    });
}

#[test]
fn a_glance_away_is_not_told() {
    everywhere(|viewers| {
        let mut cameras = Cameras::watched_on(viewers, 1, &simulcast());
        cameras.run(3000);
        cameras.told_to_send();
        for _ in 0..5 {
            cameras.pause(0, true);
            cameras.run(4000);
            cameras.pause(0, false);
            cameras.run(1000);
        }
        assert_eq!(cameras.told_to_send(), []);
    });
}

#[test]
fn a_camera_that_nobody_ever_watched_is_told_so_and_a_microphone_is_told_nothing() {
    let mut room = Room::new();
    let ada = room.link(Direction::Send);
    room.produce(ada, Kind::Audio, Source::Microphone, AUDIO);
    let camera = room.produce(ada, Kind::Video, Source::Camera, &single());
    room.run(10_000);
    let told: Vec<_> = room
        .events
        .iter()
        .filter_map(|event| match event {
            Event::ProducerLayers { producer, highest, .. } => Some((*producer, *highest)),
            _ => None,
        })
        .collect();
    assert_eq!(told, [(camera, None)]);
}

#[test]
fn a_publisher_is_told_again_what_is_watched_when_control_may_have_missed_it() {
    let mut cameras = Cameras::of(1, &simulcast());
    cameras.run(1000);
    assert_eq!(cameras.told_to_send(), [Some(2)]);
    cameras.room.engine.tell_again(cameras.room.now);
    cameras.run(200);
    assert_eq!(cameras.told_to_send(), [Some(2)]);
}

#[test]
fn what_viewers_get_and_how_they_are_connected_is_told_again_to_whoever_may_have_missed_it() {
    everywhere(|viewers| {
        let mut cameras = Cameras::watched_on(viewers, 3, &simulcast());
        cameras.run(3000);
        cameras.lost = 128;
        cameras.run(20_000);
        let is_of_viewers = |event: &&Event| {
            matches!(event, Event::ConsumerLayerChanged { .. } | Event::QualityChanged { .. })
        };
        let subject = |event: &Event| match event {
            Event::ConsumerLayerChanged { consumer, .. } => consumer.0,
            Event::QualityChanged { session, .. } => session.0,
            other => panic!("{other:?}"),
        };
        let mut last = BTreeMap::new();
        for event in cameras.room.events.iter().filter(is_of_viewers) {
            last.insert(subject(event), event.clone());
        }
        assert!(last.len() > 3, "three pictures and at least one session: {last:?}");
        cameras.room.events.clear();
        cameras.room.tell_again();
        // Nothing is lost any more than before, so nothing else changes in so short a time.
        cameras.run(100);
        let again: Vec<_> = cameras.room.events.iter().filter(is_of_viewers).cloned().collect();
        assert_eq!(again.len(), last.len(), "each once: {again:?}");
        assert!(again.iter().all(|event| last.get(&subject(event)) == Some(event)), "as before: {again:?}");
    });
}

#[test]
fn a_tile_gets_no_more_than_fills_it() {
    let mut cameras = Cameras::of(1, &simulcast());
    cameras.run(3000);
    assert_eq!(cameras.last_told_of(0), (Some(2), None));
    for (width, layer) in [(160, 0), (400, 0), (416, 1), (640, 1), (800, 1), (816, 2), (1920, 2), (320, 0)] {
        cameras.prefer(0, 2, pixels(width));
        cameras.run(2000);
        assert_eq!(cameras.last_told_of(0), (Some(layer), None), "{width}");
    }
}

#[test]
fn when_the_path_is_narrow_the_pinned_camera_stays_and_the_others_are_told_to_be_paused_for_it() {
    everywhere(|viewers| {
        let mut cameras = Cameras::watched_on(viewers, 3, &simulcast());
        let consumer = cameras.viewings[2].consumer;
        cameras.room.command(RoomCommand::SetConsumerPriority { consumer, priority: 2 }).unwrap();
        cameras.run(3000);
        cameras.lost = 128;
        cameras.run(20_000);
        let told: Vec<_> = (0..3).map(|at| cameras.last_told_of(at)).collect();
        let paused = (None, Some(LayerLimit::Bandwidth));
        assert_eq!(told, [paused, paused, (Some(0), Some(LayerLimit::Bandwidth))]);
        // Whoever is held down may soon go up one layer, and no further.
        assert_eq!(cameras.told_to_send()[3..].iter().max(), Some(&Some(1)));
        for at in 0..2 {
            cameras.room.received(&cameras.viewings[at].clone());
            cameras.keyframe_requests(at);
        }
        cameras.run(1000);
        assert!((0..2).all(|at| cameras.room.received(&cameras.viewings[at].clone()).is_empty()));
        assert!(!cameras.room.received(&cameras.viewings[2].clone()).is_empty());
        assert_eq!(cameras.keyframe_requests(0), 0, "of what nobody can be given");
        let producer = cameras.producers[0];
        cameras.room.command(RoomCommand::SetProducerPaused { producer, paused: true }).unwrap();
        cameras.run(1000);
        assert_eq!(cameras.last_told_of(0), (None, None), "a camera that is off is not paused for bandwidth");
    });
}

#[test]
fn when_the_path_is_narrow_who_speaks_is_seen() {
    everywhere(|viewers| {
        let mut cameras = Cameras::watched_on(viewers, 3, &simulcast());
        for at in 0..3 {
            cameras.room.produce(cameras.links[at], Kind::Audio, Source::Microphone, AUDIO);
        }
        cameras.speaker = Some(1);
        cameras.run(3000);
        cameras.lost = 128;
        cameras.run(20_000);
        let seen = |cameras: &Cameras| (0..3).map(|at| cameras.last_told_of(at).0).collect::<Vec<_>>();
        assert_eq!(seen(&cameras), [None, Some(0), None]);
        cameras.speaker = Some(2);
        cameras.run(5000);
        assert_eq!(seen(&cameras), [None, None, Some(0)]);
    });
}

#[test]
fn what_is_much_too_large_ends_at_once_and_control_hears_of_the_next_layer_only() {
    let mut cameras = Cameras::of(1, &simulcast());
    cameras.run(3000);
    cameras.keyframe_every = 1000;
    cameras.lost = 128;
    cameras.run(4000);
    let viewing = cameras.viewings[0].clone();
    cameras.room.received(&viewing);
    cameras.run(1000);
    assert!(cameras.room.received(&viewing).is_empty(), "the layer that does not fit went on");
    assert_eq!(cameras.last_told_of(0), (Some(2), None));
    cameras.keyframe_every = 30;
    cameras.run(1000);
    assert!(!cameras.room.received(&viewing).is_empty());
    let told = cameras.last_told_of(0);
    assert!(matches!(told, (Some(0 | 1), Some(LayerLimit::Bandwidth))), "{told:?}");
}

#[test]
fn control_hears_of_a_consumer_twice_a_second_at_most_and_always_how_it_ended() {
    let mut cameras = Cameras::of(1, &simulcast());
    cameras.run(3000);
    cameras.keyframe_every = 1;
    let before = cameras.told_of(0).len();
    for round in 0..40 {
        cameras.pause(0, round % 2 == 0);
        cameras.run(100);
    }
    cameras.pause(0, true);
    let told = cameras.told_of(0).len() - before;
    assert!((2..=9).contains(&told), "{told} in four seconds");
    cameras.run(1000);
    assert_eq!(cameras.last_told_of(0), (None, None));
}

#[test]
fn a_camera_of_one_stream_loses_frames_before_anything_else() {
    let mut cameras = Cameras::of(1, &single());
    let link = cameras.links[0];
    for round in 0..600_u16 {
        cameras.frame += 1;
        let temporal = [0, 2, 1, 2][usize::from(round % 4)];
        let mut payload = vp8(round == 0, cameras.frame);
        // TID and Y: each frame depends on the base layer only.
        payload[1] = 0xA0;
        payload.insert(4, (temporal << 6) | 0x20);
        cameras.room.send(link, video_packet(2000, cameras.frame, &payload, &[(MID, b"1")]));
        cameras.lost = if round < 100 { 0 } else { 128 };
        cameras.pass();
        if round == 500 {
            cameras.room.received(&cameras.viewings[0].clone());
        }
    }
    let received = cameras.room.received(&cameras.viewings[0].clone());
    assert!((20..=30).contains(&received.len()), "{} of 99", received.len());
    assert_eq!(cameras.told_of(0), [(Some(0), Some(LayerLimit::Bandwidth))]);
}
