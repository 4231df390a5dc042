//! A publisher that stops sending a layer, as browsers do when uplink or processor are short: viewers go on with another.

use std::time::{Duration, Instant};

use plenum_sfu::engine::egress::{ARENA_BYTES, Class};
use plenum_sfu::engine::transport::LocalIndex;
use plenum_sfu::engine::transport::rtcp::{self, RtcpPacket};
use plenum_shared::command::RoomCommand;
use plenum_shared::event::Event;
use plenum_shared::id::ProducerId;
use plenum_shared::media::{Direction, Kind, Source};

use crate::peer::address;
use crate::room::{MID, RID, Room, Viewing, everywhere, one_by_one};
use crate::tracks::{SIMULCAST_SSRC, simulcast, video_packet};

/// A publisher of up to three layers, who answers a request for one with keyframes of all that are sent.
struct Publisher {
    room: Room,
    link: usize,
    producer: ProducerId,
    number: u16,
    layers: usize,
    /// Requests for a keyframe of each layer so far.
    asked: [usize; 3],
    /// A request has left that is not answered yet.
    asked_at: Option<Instant>,
    round_trip_ms: u64,
    frame_ms: u64,
    /// What is added to each interval between frames, in turn.
    jitter_ms: [i64; 4],
    /// Between the layers of a picture.
    spacing_ms: u64,
    /// Each packet of the layer in the middle is followed by padding.
    pads: bool,
    /// The numbers that the viewer received.
    received: Vec<u16>,
}

impl Publisher {
    fn of(layers: usize) -> (Self, Viewing) {
        Self::watched_on(0, layers)
    }

    /// As [`Publisher::of`], of a viewer on this worker.
    fn watched_on(worker: usize, layers: usize) -> (Self, Viewing) {
        let mut room = Room::with_viewers_on(worker, one_by_one());
        let (link, viewer) = (room.link(Direction::Send), room.link(Direction::Recv));
        let producer = room.produce(link, Kind::Video, Source::Camera, &simulcast());
        let viewing = room.consume(viewer, producer);
        let asked_at = Some(room.now);
        let publisher = Self {
            room,
            link,
            producer,
            number: 0,
            layers,
            asked: [0; 3],
            asked_at,
            round_trip_ms: 0,
            frame_ms: 33,
            jitter_ms: [0; 4],
            spacing_ms: 0,
            pads: false,
            received: Vec::new(),
        };
        (publisher, viewing)
    }

    /// Returns how long the viewer went without a packet at most, beginning now.
    fn send_for(&mut self, ms: u64, viewing: &Viewing) -> u64 {
        let (mut silent_ms, mut longest_ms) = (0, 0);
        for _ in 0..ms / self.frame_ms {
            self.number += 1;
            let round_trip = Duration::from_millis(self.round_trip_ms);
            let keyframe = self.asked_at.is_some_and(|at| at + round_trip <= self.room.now);
            self.asked_at = self.asked_at.filter(|_| !keyframe);
            let mut layers = (0..self.layers).peekable();
            let jitter_ms = self.jitter_ms[usize::from(self.number) % self.jitter_ms.len()];
            for at_ms in 0..self.frame_ms.saturating_add_signed(jitter_ms) {
                while let Some(layer) = layers.next_if(|&layer| layer as u64 * self.spacing_ms <= at_ms) {
                    self.room.send_layer(self.link, self.number, keyframe, layer);
                    if self.pads && layer == 1 {
                        self.number += 1;
                        let names: [(u8, &[u8]); 2] = [(MID, b"1"), (RID, b"r1")];
                        let padding = video_packet(SIMULCAST_SSRC + 1, self.number, &[], &names);
                        self.room.send(self.link, padding);
                    }
                }
                let received = self.room.received(viewing);
                silent_ms = if received.is_empty() { silent_ms } else { 0 };
                self.received.extend(received.iter().map(|(packet, _)| packet.sequence_number));
                self.room.run(1);
                self.note_requests();
                silent_ms += 1;
                longest_ms = longest_ms.max(silent_ms);
            }
        }
        longest_ms
    }

    /// The layer of the viewer as control knows it.
    fn told_layer(&self) -> Option<u8> {
        let told = self.room.events.iter().rev().find_map(|event| match event {
            Event::ConsumerLayerChanged { layer, .. } => Some(*layer),
            _ => None,
        });
        told.flatten().map(|layer| layer.spatial)
    }

    fn note_requests(&mut self) {
        for compound in self.room.received_rtcp(self.link) {
            for packet in rtcp::parse(&compound) {
                let RtcpPacket::Pli { media_ssrc, .. } = packet else { continue };
                self.asked[(media_ssrc - SIMULCAST_SSRC) as usize] += 1;
                self.asked_at.get_or_insert(self.room.now);
            }
        }
    }
}

#[test]
fn viewers_of_a_layer_that_stops_see_the_next_one_within_half_a_second() {
    for (frame_ms, round_trip_ms) in
        [(20, 0), (33, 100), (66, 100), (100, 100), (125, 60), (143, 100), (167, 100), (200, 100)]
    {
        let (mut publisher, viewing) = Publisher::of(3);
        (publisher.frame_ms, publisher.round_trip_ms) = (frame_ms, round_trip_ms);
        publisher.jitter_ms = [-10, 15, -15, 10];
        publisher.send_for(5000, &viewing);
        assert_eq!(publisher.told_layer(), Some(2));
        publisher.layers = 2;
        publisher.asked = [0; 3];
        let silent_ms = publisher.send_for(3000, &viewing);
        assert!(
            (frame_ms + 15..=500).contains(&silent_ms),
            "nothing for {silent_ms} ms at a picture in {frame_ms} ms"
        );
        assert!(publisher.asked[1] >= 1, "no keyframe was asked for");
        assert_eq!(publisher.told_layer(), Some(1));
    }
}

#[test]
fn layers_that_stop_together_are_replaced_within_half_a_second() {
    let (mut publisher, viewing) = Publisher::of(3);
    (publisher.frame_ms, publisher.round_trip_ms, publisher.spacing_ms) = (200, 100, 10);
    publisher.send_for(5000, &viewing);
    assert_eq!(publisher.told_layer(), Some(2));
    publisher.layers = 1;
    let silent_ms = publisher.send_for(3000, &viewing);
    // Their last packets came at most 190 ms before.
    assert!(silent_ms + 190 <= 500, "nothing for {silent_ms} ms");
    assert_eq!(publisher.told_layer(), Some(0));
}

#[test]
fn a_viewer_enters_another_layer_when_there_is_room_for_it() {
    let (mut publisher, viewing) = Publisher::of(3);
    publisher.frame_ms = 200;
    publisher.send_for(5000, &viewing);
    publisher.layers = 2;
    let path = (LocalIndex(0), address("192.0.2.77:7"));
    // Until after the layer is given up there is no room for video when the clock is looked at.
    let cut_at = publisher.room.now - Duration::from_millis(200);
    for ms in 200..500 {
        if ms % 200 == 0 {
            publisher.number += 1;
            let keyframe = publisher.asked_at.take().is_some();
            publisher.room.send_layers(publisher.link, publisher.number, keyframe, 2);
        }
        if ms < 470 {
            let len = ARENA_BYTES / 4 * 3;
            let pushed = publisher.room.engine.egress().push(4000, path, Class::Control, len, |_| Some(len));
            assert_eq!(pushed, Ok(len));
        }
        publisher.room.run(1);
        publisher.room.engine.egress().clear();
        publisher.note_requests();
    }
    assert!(publisher.room.now <= cut_at + Duration::from_millis(500));
    assert_eq!(publisher.room.engine.counters().video_dropped_egress_full, 0);
    assert_eq!(publisher.told_layer(), Some(1));
    assert!(!publisher.room.received(&viewing).is_empty());
}

#[test]
fn padding_behind_a_keyframe_that_is_entered_later_leaves_no_gap() {
    let (mut publisher, viewing) = Publisher::of(3);
    publisher.frame_ms = 200;
    publisher.send_for(5000, &viewing);
    publisher.received.clear();
    publisher.layers = 2;
    publisher.pads = true;
    publisher.send_for(800, &viewing);
    assert_eq!(publisher.told_layer(), Some(1));
    let received = publisher.received;
    let follows = |pair: &[u16]| pair[1] == pair[0].wrapping_add(1);
    assert!(received.len() >= 3 && received.windows(2).all(follows), "{received:?}");
}

#[test]
fn a_picture_that_a_slow_camera_leaves_out_of_a_layer_costs_one_keyframe_and_no_layer() {
    let (mut publisher, viewing) = Publisher::of(3);
    publisher.frame_ms = 200;
    publisher.send_for(5000, &viewing);
    publisher.asked = [0; 3];
    for _ in 0..5 {
        publisher.layers = 2;
        publisher.send_for(200, &viewing);
        publisher.layers = 3;
        publisher.send_for(1000, &viewing);
    }
    // The numbers that the layer left out are asked for as lost, and then a keyframe of it.
    assert_eq!(publisher.asked[..2], [0, 1]);
    assert_eq!(publisher.told_layer(), Some(2));
}

#[test]
fn viewers_of_a_layer_that_comes_back_see_it_again() {
    everywhere(|viewers| {
        let (mut publisher, viewing) = Publisher::watched_on(viewers, 3);
        publisher.send_for(5000, &viewing);
        publisher.layers = 1;
        publisher.send_for(5000, &viewing);
        assert_eq!(publisher.told_layer(), Some(0));
        publisher.layers = 3;
        let silent_ms = publisher.send_for(5000, &viewing);
        assert_eq!((silent_ms, publisher.told_layer()), (33, Some(2)));
    });
}

#[test]
fn a_layer_that_stopped_is_not_asked_for_keyframes_again_and_again() {
    everywhere(|viewers| {
        let (mut publisher, viewing) = Publisher::watched_on(viewers, 3);
        publisher.send_for(5000, &viewing);
        publisher.layers = 2;
        publisher.asked = [0; 3];
        let ssrc = viewing.ssrc();
        publisher.room.send_rtcp(viewing.link, |writer| assert!(writer.pli(1, ssrc)));
        publisher.send_for(20_000, &viewing);
        let [_, below, stopped] = publisher.asked;
        assert!(below <= 3 && stopped <= 4, "{below} and {stopped} requests");
    });
}

#[test]
fn a_layer_that_never_came_does_not_make_a_late_joiner_wait() {
    for after_ms in [9000, 9500, 10_000, 10_500] {
        let (mut publisher, viewing) = Publisher::of(1);
        publisher.send_for(after_ms, &viewing);
        let late = publisher.room.link(Direction::Recv);
        let late = publisher.room.consume(late, publisher.producer);
        let silent_ms = publisher.send_for(3000, &late);
        assert!(silent_ms <= 400, "nothing for {silent_ms} ms after {after_ms} ms");
    }
}

#[test]
fn a_layer_that_stays_away_after_a_pause_of_its_producer_is_not_waited_for() {
    everywhere(|viewers| {
        let (mut publisher, viewing) = Publisher::watched_on(viewers, 3);
        publisher.send_for(5000, &viewing);
        let producer = publisher.producer;
        publisher.room.command(RoomCommand::SetProducerPaused { producer, paused: true }).unwrap();
        publisher.room.run(3000);
        publisher.room.command(RoomCommand::SetProducerPaused { producer, paused: false }).unwrap();
        publisher.layers = 2;
        let silent_ms = publisher.send_for(5000, &viewing);
        assert!(silent_ms <= 500, "nothing for {silent_ms} ms");
    });
}
