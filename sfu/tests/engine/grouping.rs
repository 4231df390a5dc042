//! The packets of a frame leave together: one message to the kernel for each viewer, of datagrams of one length.

use std::time::Duration;

use plenum_sfu::engine::demux::Slot;
use plenum_sfu::engine::egress::{Class, PACKETS_MAX};
use plenum_sfu::engine::limits::Limits;
use plenum_sfu::engine::router::held::{HELD_MAX, Progress};
use plenum_sfu::engine::transport::LocalIndex;
use plenum_shared::command::RoomCommand;
use plenum_shared::media::{Direction, Kind, Layer, Source};
use plenum_shared::rtp::router_capabilities;
use proptest::prelude::*;

use crate::peer::address;
use crate::room::{MID, RID, Room, Viewing};
use crate::tracks::{SIMULCAST_SSRC, simulcast, single, video_packet, vp8};

const LOCAL: LocalIndex = LocalIndex(0);
/// A transport nobody has.
const NOBODY: Slot = 4000;

/// A header element that browsers have in some packets only.
const CAPTURE_TIME: u8 = 9;
const CAPTURE_TIME_URI: &str = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time";

/// A camera and its viewers, where a message to the kernel may hold several datagrams.
struct Show {
    room: Room,
    ada: usize,
    viewers: Vec<Viewing>,
    number: u16,
    frame: u16,
}

impl Show {
    fn new(viewers: usize, frame_patience: Duration) -> Self {
        let mut room = Room::with(Limits { frame_patience, ..Limits::default() });
        room.engine.egress().set_segments_max(8);
        let ada = room.link(Direction::Send);
        let camera = room.produce(ada, Kind::Video, Source::Camera, &single());
        let viewers = (0..viewers).map(|_| room.link(Direction::Recv)).collect::<Vec<_>>();
        let viewers = viewers.into_iter().map(|link| room.consume(link, camera)).collect();
        let mut show = Show { room, ada, viewers, number: 0, frame: 0 };
        show.frame_of(&[600], true);
        assert_eq!(show.end(), Progress::Done);
        show.forget();
        show
    }

    /// The packets of a frame with payloads of so many bytes come in one read; `whole` when the last of them is among them.
    fn frame_of(&mut self, sizes: &[usize], whole: bool) {
        self.frame += 1;
        self.packets(sizes, whole);
    }

    /// Packets of the present frame.
    fn packets(&mut self, sizes: &[usize], whole: bool) {
        for (place, &size) in sizes.iter().enumerate() {
            self.number += 1;
            let mut payload = vp8(self.number == 1, self.frame);
            payload.resize(size, self.number as u8);
            let mut packet = video_packet(2000, self.number, &payload, &[(MID, b"1")]);
            packet.timestamp = u32::from(self.frame) * 3000;
            let marker = whole && place + 1 == sizes.len();
            let mut datagram = self.room.sealed_with(self.ada, packet, marker);
            let source = self.room.source(self.ada);
            self.room.engine.handle_datagram(self.room.now, LOCAL, source, &mut datagram);
        }
    }

    /// A packet without payload.
    fn padding(&mut self) {
        self.number += 1;
        let mut packet = video_packet(2000, self.number, &[], &[(MID, b"1")]);
        packet.timestamp = u32::from(self.frame) * 3000;
        let mut datagram = self.room.sealed_with(self.ada, packet, false);
        let source = self.room.source(self.ada);
        self.room.engine.handle_datagram(self.room.now, LOCAL, source, &mut datagram);
    }

    fn end(&mut self) -> Progress {
        self.room.engine.end_batch(self.room.now)
    }

    /// How many datagrams each message holds that is about to leave.
    fn groups(&mut self) -> Vec<usize> {
        self.room.engine.egress().messages().map(|message| message.datagrams()).collect()
    }

    /// The payloads that the first viewer got.
    fn received(&mut self) -> Vec<Vec<u8>> {
        self.room.pump();
        let received = self.room.received(&self.viewers[0]);
        received.iter().map(|(packet, bytes)| packet.payload(bytes).to_vec()).collect()
    }

    /// Everything that was sent arrives and is read.
    fn forget(&mut self) {
        self.room.pump();
        self.room.run(100);
        for viewing in &self.viewers {
            self.room.received(viewing);
        }
    }
}

fn lengths(payloads: &[Vec<u8>]) -> Vec<usize> {
    payloads.iter().map(Vec::len).collect()
}

#[test]
fn a_frame_whose_packets_differ_by_a_byte_is_one_message_to_each_viewer() {
    let mut show = Show::new(3, Duration::ZERO);
    let sizes = [400, 400, 401, 401, 300];
    show.frame_of(&sizes, true);
    assert_eq!(show.end(), Progress::Done);
    assert_eq!(show.groups(), [5, 5, 5]);
    assert_eq!(lengths(&show.received()), sizes, "padding is no payload");
}

#[test]
fn packets_that_differ_by_much_are_not_padded() {
    let mut show = Show::new(1, Duration::ZERO);
    show.frame_of(&[100, 300, 100], true);
    let before = show.room.engine.counters().rtp_bytes_sent;
    assert_eq!(show.end(), Progress::Done);
    assert_eq!(show.groups(), [1, 2]);
    let sent = show.room.engine.counters().rtp_bytes_sent - before;
    let received = show.received();
    assert_eq!(lengths(&received), [100, 300, 100]);
    assert!(sent < 500 + 3 * 80, "{sent} bytes");
}

#[test]
fn what_is_levelled_is_what_the_viewer_gets() {
    let mut room = Room::with(Limits { frame_patience: Duration::ZERO, ..Limits::default() });
    room.engine.egress().set_segments_max(8);
    let ada = room.link(Direction::Send);
    let with = format!(r#""headerExtensions": [{{"uri": "{CAPTURE_TIME_URI}", "id": {CAPTURE_TIME}}},"#);
    let camera = single().replacen(r#""headerExtensions": ["#, &with, 1);
    let camera = room.produce(ada, Kind::Video, Source::Camera, &camera);
    let (bob, eve) = (room.link(Direction::Recv), room.link(Direction::Recv));
    let mut without = router_capabilities();
    without.header_extensions.retain(|extension| extension.uri != CAPTURE_TIME_URI);
    room.consume(bob, camera);
    room.consume_with(eve, camera, without);
    for number in 1..=4 {
        let mut payload = vp8(number == 1, 1);
        payload.resize(300, 0xAB);
        let mut packet = video_packet(2000, number, &payload, &[(MID, b"1"), (CAPTURE_TIME, &[7; 8])]);
        packet.timestamp = 3000;
        if number > 1 {
            packet.extensions = &[(MID, b"1")];
        }
        let mut datagram = room.sealed_with(ada, packet, number == 4);
        let source = room.source(ada);
        room.engine.handle_datagram(room.now, LOCAL, source, &mut datagram);
    }
    assert_eq!(room.engine.end_batch(room.now), Progress::Done);
    let messages = room.engine.egress().messages();
    let sizes: Vec<_> = messages.map(|message| (message.datagrams(), message.bytes.len())).collect();
    let [(4, to_bob), (4, to_eve)] = sizes[..] else { panic!("{sizes:?}") };
    // The last of them may be shorter, and nothing is padded for who does not take it.
    assert_eq!(to_bob - to_eve, 3 * 8);
}

#[test]
fn packets_that_come_evenly_do_not_wait_for_each_other() {
    let mut show = Show::new(1, Duration::from_millis(1));
    let mut waited = Duration::ZERO;
    for _ in 0..20 {
        show.frame_of(&[], false);
        for last in [false, false, false, true] {
            show.packets(&[300], last);
            let (came, sent) = (show.room.now, show.room.engine.counters().rtp_sent);
            assert_eq!(show.end(), Progress::Done);
            while show.room.engine.counters().rtp_sent == sent {
                show.room.now = show.room.engine.poll_timeout().unwrap();
                show.room.engine.handle_timeout(show.room.now);
            }
            waited += show.room.now - came;
            show.forget();
            show.room.now = came + Duration::from_millis(107);
        }
    }
    assert_eq!(waited, Duration::from_millis(3), "three of sixty show that it is in vain");
    show.frame_of(&[300, 300], false);
    assert_eq!(show.end(), Progress::Done);
    assert!(show.groups().is_empty(), "two that come together are waited for again");
}

#[test]
fn a_layer_that_comes_evenly_does_not_wait_for_another_one() {
    let patience = Duration::from_millis(1);
    let mut room = Room::with(Limits { frame_patience: patience, ..Limits::default() });
    let ada = room.link(Direction::Send);
    let camera = room.produce(ada, Kind::Video, Source::Camera, &simulcast());
    let viewer = room.link(Direction::Recv);
    let view = room.consume(viewer, camera);
    let layer = Layer { spatial: 0, temporal: None };
    room.command(RoomCommand::SetPreferredLayer { consumer: view.consumer, layer, size: None }).unwrap();
    let packet = |room: &mut Room, layer: u32, number: u16, frame: u16| {
        let mut payload = vp8(frame == 1, frame);
        payload.resize(300, 0xAB);
        let rid: &[u8] = if layer == 0 { b"r0" } else { b"r1" };
        let extensions: &[(u8, &[u8])] = &[(MID, b"1"), (RID, rid)];
        let mut packet = video_packet(SIMULCAST_SSRC + layer, number, &payload, extensions);
        packet.timestamp = u32::from(frame) * 3000;
        let mut datagram = room.sealed_with(ada, packet, frame == 1);
        let source = room.source(ada);
        room.engine.handle_datagram(room.now, LOCAL, source, &mut datagram);
    };
    packet(&mut room, 0, 1, 1);
    for number in 2..=6 {
        assert_eq!(room.engine.end_batch(room.now), Progress::Done);
        room.pump();
        room.run(5);
        packet(&mut room, 0, number, 2);
    }
    let sent = room.engine.counters().rtp_sent;
    assert_eq!(sent, 5, "four waited in vain, or not at all");
    // Another layer begins to come in the same read.
    packet(&mut room, 1, 1, 2);
    assert_eq!(room.engine.end_batch(room.now), Progress::Done);
    assert_eq!(room.engine.counters().rtp_sent, sent + 1);
}

#[test]
fn what_makes_no_frame_waits_for_the_rest_but_not_for_long() {
    let patience = Duration::from_millis(2);
    let mut show = Show::new(2, patience);
    show.frame_of(&[300, 300], false);
    assert_eq!(show.end(), Progress::Done);
    assert!(show.groups().is_empty());
    show.room.now += patience / 2;
    show.packets(&[300], true);
    assert_eq!(show.end(), Progress::Done);
    assert_eq!(show.groups(), [3, 3], "whole, it leaves at once");
    show.forget();

    show.frame_of(&[300, 300], false);
    assert_eq!(show.end(), Progress::Done);
    let wakes_at = show.room.engine.poll_timeout();
    assert_eq!(wakes_at, Some(show.room.now + patience));
    show.room.now += patience;
    show.room.engine.handle_timeout(show.room.now);
    assert_eq!(show.groups(), [2, 2]);
    assert_ne!(show.room.engine.poll_timeout(), wakes_at, "nothing is held any more");
}

/// Fills the arena but for so many packets before it counts as filling.
fn fill_but(show: &mut Show, free: usize) {
    fill(show, PACKETS_MAX / 2 - free);
}

/// Puts so many packets into the arena.
fn fill(show: &mut Show, count: usize) {
    let path = (LOCAL, address("192.0.2.77:7"));
    for _ in 0..count {
        let egress = show.room.engine.egress();
        assert_eq!(egress.push(NOBODY, path, Class::Control, 1, |_| Some(1)), Ok(1));
    }
}

#[test]
fn whoever_leaves_while_the_arena_is_full_takes_no_packets_along() {
    let mut show = Show::new(3, Duration::ZERO);
    show.frame_of(&[300, 300], true);
    fill_but(&mut show, 2);
    assert_eq!(show.end(), Progress::Filling, "one viewer has them");
    let consumer = show.viewers.remove(0).consumer;
    show.room.command(RoomCommand::CloseConsumer { consumer }).unwrap();
    show.room.engine.egress().clear();
    assert_eq!(show.end(), Progress::Done);
    assert_eq!(show.groups(), [2, 2]);
}

#[test]
fn a_full_arena_is_emptied_before_the_rest_is_forwarded() {
    let mut show = Show::new(2, Duration::ZERO);
    show.frame_of(&[300, 300], true);
    fill_but(&mut show, 0);
    assert_eq!(show.end(), Progress::Filling);
    show.room.engine.egress().clear();
    assert_eq!(show.end(), Progress::Done);
    assert_eq!(show.groups(), [2, 2]);
    assert_eq!(lengths(&show.received()), [300, 300]);
}

#[test]
fn what_the_clock_finds_no_room_for_leaves_a_moment_later() {
    let patience = Duration::from_millis(2);
    let mut show = Show::new(2, patience);
    show.frame_of(&[300, 300], false);
    assert_eq!(show.end(), Progress::Done);
    show.room.now += patience;
    fill_but(&mut show, 0);
    show.room.engine.handle_timeout(show.room.now);
    show.room.engine.egress().clear();
    let again_at = show.room.engine.poll_timeout().unwrap();
    assert!(again_at <= show.room.now + Duration::from_millis(1), "the driver is not told to come again");
    show.room.now = again_at;
    show.room.engine.handle_timeout(again_at);
    assert_eq!(show.groups(), [2, 2]);
}

#[test]
fn padding_behind_a_frame_does_not_drive_it_into_a_full_arena() {
    let mut show = Show::new(2, Duration::ZERO);
    show.frame_of(&[300, 300], true);
    fill(&mut show, PACKETS_MAX / 4 * 3 - 1);
    show.padding();
    assert_eq!(show.end(), Progress::Filling);
    show.room.engine.egress().clear();
    assert_eq!(show.end(), Progress::Done);
    assert_eq!(show.groups(), [2, 2]);
    assert_eq!(show.room.engine.counters().video_dropped_egress_full, 0);
    show.frame_of(&[300], true);
    assert_eq!(show.end(), Progress::Done);
    show.room.pump();
    let received = show.room.received(&show.viewers[0]);
    let numbers: Vec<_> = received.iter().map(|(packet, _)| packet.sequence_number).collect();
    let follows = |pair: &[u16]| pair[1] == pair[0].wrapping_add(1);
    assert!(numbers.len() == 3 && numbers.windows(2).all(follows), "padding leaves a gap: {numbers:?}");
}

#[test]
fn a_packet_that_comes_late_waits_for_no_other() {
    let mut show = Show::new(1, Duration::from_millis(2));
    show.frame_of(&[300], false);
    show.number += 1;
    show.packets(&[300], true);
    assert_eq!(show.end(), Progress::Done);
    assert_eq!(show.groups(), [2]);
    show.room.engine.egress().clear();
    show.number -= 2;
    show.packets(&[300], false);
    assert_eq!(show.end(), Progress::Done);
    assert_eq!(show.groups(), [1]);
}

#[test]
fn more_than_may_be_held_leaves_in_order_and_once() {
    let mut show = Show::new(1, Duration::from_secs(1));
    let sizes: Vec<_> = (0..HELD_MAX + 10).map(|at| 20 + at).collect();
    show.frame_of(&sizes[..HELD_MAX], false);
    assert!(show.room.engine.holds_much(), "the driver is told");
    show.packets(&sizes[HELD_MAX..], true);
    assert_eq!(show.end(), Progress::Done);
    show.room.run(1000);
    assert_eq!(lengths(&show.received()), sizes);
}

#[test]
fn of_a_camera_that_is_paused_meanwhile_nothing_leaves() {
    let mut show = Show::new(1, Duration::from_secs(1));
    show.frame_of(&[300, 300], false);
    let producer = show.room.engine.inventory()[0].producers[0];
    show.room.command(RoomCommand::SetProducerPaused { producer, paused: true }).unwrap();
    show.room.run(1100);
    assert_eq!(show.received(), Vec::<Vec<u8>>::new());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// However frames are cut and reads fall, every payload arrives unchanged and in order.
    #[test]
    fn payloads_pass_unchanged(
        frames in proptest::collection::vec(
            (proptest::collection::vec(40_usize..120, 1..12), proptest::bool::ANY), 1..8)
    ) {
        let mut show = Show::new(1, Duration::from_millis(2));
        let mut sent = Vec::new();
        for (sizes, in_two) in frames {
            let half = if in_two { sizes.len() / 2 } else { 0 };
            show.frame_of(&sizes[..half], false);
            prop_assert_eq!(show.end(), Progress::Done);
            show.packets(&sizes[half..], true);
            prop_assert_eq!(show.end(), Progress::Done);
            show.room.run(33);
            sent.extend(sizes);
        }
        show.room.run(500);
        let received = show.received();
        prop_assert_eq!(lengths(&received), sent);
        for (at, payload) in received.iter().enumerate() {
            // The first packet made the picture begin.
            let number = (at + 2) as u8;
            prop_assert!(payload[10..].iter().all(|&byte| byte == number || byte == 0xAB), "{} in {:?}", number, payload);
        }
    }
}
