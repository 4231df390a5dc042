//! One AV1 stream with layers inside, packet by packet: what of it a viewer gets, and what its descriptors then say.

use plenum_sfu::engine::egress::{ARENA_BYTES, Class};
use plenum_sfu::engine::packet::RtpPacket;
use plenum_sfu::engine::router::held::Progress;
use plenum_sfu::engine::router::payload::dependency::{Dependency, Structure};
use plenum_sfu::engine::transport::LocalIndex;
use plenum_sfu::engine::transport::rtcp::{self, RtcpPacket};
use plenum_shared::command::RoomCommand;
use plenum_shared::media::{Direction, Kind, Layer, Source};
use plenum_shared::rtp::extension_id;

use crate::peer::address;
use crate::room::{MID, Room, Sent, Viewing, everywhere, one_by_one};

const DESCRIPTOR: u8 = 9;
const SSRC: u32 = 2000;

const AV1: &str = r#"{
  "mid": "1",
  "codecs": [{"mimeType": "video/AV1", "payloadType": 45, "clockRate": 90000, "parameters": {}, "rtcpFeedback": [
    {"type": "nack", "parameter": ""}, {"type": "nack", "parameter": "pli"}, {"type": "transport-cc", "parameter": ""}]}],
  "headerExtensions": [
    {"uri": "urn:ietf:params:rtp-hdrext:sdes:mid", "id": 4},
    {"uri": "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension", "id": 9},
    {"uri": "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01", "id": 3}],
  "encodings": [{"ssrc": 2000, "scalabilityMode": "L2T2_KEY"}],
  "rtcp": {"cname": "whatever"}
}"#;

/// The first descriptor of a keyframe of L2T2_KEY: four decode targets, two chains, and six templates, which are the lower
/// layer as a keyframe, its first and its second layer in time, and the same of the upper layer.
const KEYFRAME: [u8; 24] = [
    0xC0, 0x00, 0x00, 0x80, 0x03, 0x18, 0x7A, 0xAA, 0x01, 0x00, 0xA0, 0xA0, 0x14, 0xD1, 0x41, 0x34, 0x51,
    0x80, 0x21, 0x90, 0x88, 0x8A, 0x19, 0x00,
];

/// A publisher of L2T2_KEY: each picture has a frame of both layers, each frame is one packet.
struct Publisher {
    link: usize,
    number: u16,
    /// Since the keyframe.
    picture: u32,
    timestamp: u32,
}

impl Publisher {
    fn send(&mut self, room: &mut Room, keyframe: bool) {
        self.picture(room, keyframe).into_iter().for_each(|datagram| room.deliver(self.link, datagram));
    }

    /// The datagrams of the next picture.
    fn picture(&mut self, room: &mut Room, keyframe: bool) -> Vec<Vec<u8>> {
        self.picture = if keyframe { 0 } else { self.picture + 1 };
        self.timestamp += 3000;
        let templates = match (keyframe, self.picture % 2) {
            (true, _) => [0, 3],
            (false, 0) => [1, 4],
            _ => [2, 5],
        };
        let mut datagrams = Vec::new();
        for template in templates {
            self.number = self.number.wrapping_add(1);
            let [high, low] = self.number.to_be_bytes();
            let mut descriptor = if template == 0 { KEYFRAME.to_vec() } else { vec![0xC0 | template, 0, 0] };
            descriptor[1..3].copy_from_slice(&[high, low]);
            let payload = if template == 0 { [0x18, 0x0A] } else { [0x10, 0x32] };
            let packet = Sent {
                payload_type: 45,
                ssrc: SSRC,
                sequence_number: self.number,
                timestamp: self.timestamp,
                extensions: &[(MID, b"1"), (DESCRIPTOR, &descriptor)],
                payload: &payload,
            };
            datagrams.push(room.sealed(self.link, packet));
        }
        datagrams
    }
}

fn watched() -> (Room, Publisher, Viewing) {
    watched_on(0)
}

/// A publisher, and a viewer on this worker.
fn watched_on(viewers: usize) -> (Room, Publisher, Viewing) {
    let mut room = Room::with_viewers_on(viewers, one_by_one());
    let (ada, bob) = (room.link(Direction::Send), room.link(Direction::Recv));
    let producer = room.produce(ada, Kind::Video, Source::Camera, AV1);
    let viewing = room.consume(bob, producer);
    (room, Publisher { link: ada, number: 65_530, picture: 0, timestamp: 0 }, viewing)
}

/// The descriptors a viewer got, read by what came with its keyframes.
fn descriptors(packets: &[(RtpPacket, Vec<u8>)], structure: &mut Option<Box<Structure>>) -> Vec<Dependency> {
    let read = |(packet, bytes): &(RtpPacket, Vec<u8>)| {
        let value = packet.extension(bytes, extension_id::AV1_DEPENDENCY_DESCRIPTOR).unwrap();
        let (dependency, attached) = Dependency::read(value, structure.as_deref()).unwrap();
        *structure = attached.or(structure.take());
        dependency
    };
    packets.iter().map(read).collect()
}

#[test]
fn what_came_before_anybody_watched_on_a_branch_is_not_held_against_the_publisher() {
    let mut room = Room::on_workers(2, one_by_one());
    room.open_branch(1);
    let ada = room.link(Direction::Send);
    let producer = room.produce(ada, Kind::Video, Source::Camera, AV1);
    let mut ada = Publisher { link: ada, number: 0, picture: 0, timestamp: 0 };
    ada.send(&mut room, true);
    let viewer = room.viewer_on(1);
    let viewing = room.consume(viewer, producer);
    (0..3).for_each(|_| ada.send(&mut room, false));
    let counters = room.others[0].counters();
    assert_eq!((counters.rtp_dropped_undescribed, counters.rtp_dropped_malformed), (6, 0));
    ada.send(&mut room, true);
    assert!(!room.received(&viewing).is_empty());
}

#[test]
fn a_viewer_gets_one_layer_of_those_that_meet_in_keyframes_without_a_gap() {
    everywhere(|viewers| {
        let (mut room, mut ada, viewing) = watched_on(viewers);
        for picture in 0..6 {
            ada.send(&mut room, picture == 0);
            room.run(33);
        }
        let packets = room.received(&viewing);
        let frames = descriptors(&packets, &mut None);
        let layers: Vec<_> = frames.iter().map(|frame| (frame.spatial, frame.temporal)).collect();
        assert_eq!(layers, [(0, 0), (1, 0), (1, 1), (1, 0), (1, 1), (1, 0), (1, 1)]);
        for pair in packets.windows(2) {
            assert_eq!(pair[1].0.sequence_number, pair[0].0.sequence_number.wrapping_add(1));
        }
        // Every frame is as far from the one it refers to as it was with the publisher: two of it, four of the first layer in time.
        let numbers: Vec<_> =
            frames.iter().map(|f| f.frame_number.wrapping_sub(frames[0].frame_number)).collect();
        assert_eq!(numbers, [0, 1, 3, 5, 7, 9, 11]);
        let active: Vec<_> = frames.iter().map(|frame| frame.active).collect();
        assert_eq!(active, [Some(0b1100); 7], "the lower layer alone cannot be decoded");
        assert!(packets[1..].iter().all(|(packet, _)| packet.marker));
    });
}

#[test]
fn a_keyframe_behind_a_picture_does_not_drive_it_into_a_full_arena() {
    let (mut room, mut ada, viewing) = watched();
    ada.send(&mut room, true);
    room.run(33);
    let mut structure = None;
    descriptors(&room.received(&viewing), &mut structure);
    let path = (LocalIndex(0), address("192.0.2.77:7"));
    let pictures = [ada.picture(&mut room, false), ada.picture(&mut room, true)];
    let len = ARENA_BYTES / 4 * 3;
    assert_eq!(room.engine.egress().push(4000, path, Class::Control, len, |_| Some(len)), Ok(len));
    for mut datagram in pictures.concat() {
        room.engine.handle_datagram(room.now, LocalIndex(0), room.source(ada.link), &mut datagram);
    }
    assert_eq!(room.engine.end_batch(room.now), Progress::Filling);
    room.engine.egress().clear();
    assert_eq!(room.engine.end_batch(room.now), Progress::Done);
    assert_eq!(room.engine.counters().video_dropped_egress_full, 0);
    room.pump();
    let frames = descriptors(&room.received(&viewing), &mut structure);
    let layers: Vec<_> = frames.iter().map(|frame| (frame.spatial, frame.temporal)).collect();
    assert_eq!(layers, [(1, 1), (0, 0), (1, 0)]);
}

#[test]
fn the_layer_below_comes_with_a_keyframe_that_is_asked_for_and_pictures_get_fewer_until_then() {
    everywhere(|viewers| {
        let (mut room, mut ada, viewing) = watched_on(viewers);
        for picture in 0..4 {
            ada.send(&mut room, picture == 0);
            room.run(33);
        }
        room.received_rtcp(ada.link);
        let mut structure = None;
        descriptors(&room.received(&viewing), &mut structure);
        let consumer = viewing.consumer;
        let layer = Layer { spatial: 0, temporal: None };
        room.command(RoomCommand::SetPreferredLayer { consumer, layer, size: None }).unwrap();
        for _ in 0..4 {
            ada.send(&mut room, false);
            room.run(100);
        }
        let asks = |packet: &RtcpPacket<'_>| matches!(packet, RtcpPacket::Pli { media_ssrc: SSRC, .. });
        assert!(room.received_rtcp(ada.link).iter().any(|compound| rtcp::parse(compound).any(|p| asks(&p))));
        let frames = descriptors(&room.received(&viewing), &mut structure);
        let layers: Vec<_> = frames.iter().map(|frame| (frame.spatial, frame.temporal)).collect();
        assert_eq!(layers[layers.len() - 1], (1, 0));
        assert!(layers.len() < 4, "{layers:?}");
        for picture in 0..3 {
            ada.send(&mut room, picture == 0);
        }
        let packets = room.received(&viewing);
        let frames = descriptors(&packets, &mut structure);
        let layers: Vec<_> = frames.iter().map(|frame| (frame.spatial, frame.temporal)).collect();
        assert_eq!(layers, [(0, 0), (0, 1), (0, 0)]);
        assert!(
            packets.iter().all(|(packet, _)| packet.marker),
            "there is nothing above that would end the picture"
        );
        assert_eq!(frames[0].active, Some(0b0011));
    });
}

#[test]
fn nothing_is_forwarded_before_it_is_known_what_the_descriptors_mean() {
    let (mut room, mut ada, viewing) = watched();
    ada.send(&mut room, false);
    room.run(5);
    assert_eq!(room.received(&viewing).len(), 0);
    assert_eq!(room.engine.counters().rtp_dropped_malformed, 2);
    ada.send(&mut room, true);
    assert_eq!(room.received(&viewing).len(), 2);
}

#[test]
fn layers_inside_one_stream_are_measured_apart_and_add_up_to_it() {
    let (mut room, mut ada, viewing) = watched();
    for picture in 0..60 {
        ada.send(&mut room, picture % 30 == 0);
        room.run(33);
    }
    let session = room.links[ada.link].session;
    let producer = room.details(session).producers.remove(0);
    let ([stream], [lower, upper]) = (&producer.streams[..], &producer.layers[..]) else {
        panic!("{producer:?}")
    };
    assert_eq!((stream.packets.count, stream.ssrc, stream.keyframes), (120, Some(SSRC), 2));
    assert_eq!((lower.frames, upper.frames), (60, 60));
    assert!(lower.rate.0 > 0 && stream.rate.0 == lower.rate.0 + upper.rate.0, "{producer:?}");
    assert_eq!((lower.viewers, upper.viewers), (0, 1));
    let session = room.links[viewing.link].session;
    let consumer = room.details(session).consumers.remove(0);
    assert_eq!(consumer.current.map(|layer| layer.spatial), Some(1));
}
