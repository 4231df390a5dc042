//! What leaves for a viewer and when: sound at once, repetitions before new video, and no flood of either.

use plenum_sfu::engine::packet::RtpPacket;
use plenum_sfu::engine::transport::rtcp::{self, ReportBlock, RtcpPacket};
use plenum_shared::command::RoomCommand;
use plenum_shared::media::{Direction, Kind, Source};
use plenum_shared::rtp::extension_id;

use crate::room::{MID, RID, Room, Viewing};
use crate::tracks::{AUDIO, SIMULCAST_SSRC, simulcast, single, video_packet, vp8};

/// Ada publishes sound and picture, Bob gets both.
struct Call {
    room: Room,
    ada: usize,
    sound: Viewing,
    picture: Viewing,
    number: u16,
}

impl Call {
    fn new(video: &str) -> Self {
        let mut room = Room::new();
        let (ada, bob) = (room.link(Direction::Send), room.link(Direction::Recv));
        let microphone = room.produce(ada, Kind::Audio, Source::Microphone, AUDIO);
        let camera = room.produce(ada, Kind::Video, Source::Camera, video);
        let sound = room.consume(bob, microphone);
        let picture = room.consume(bob, camera);
        Call { room, ada, sound, picture, number: 0 }
    }

    /// So many one-packet frames at once, the first of them a keyframe.
    fn burst(&mut self, count: u16) {
        for at in 0..count {
            self.number += 1;
            self.room.send_video(self.ada, self.number, at == 0);
        }
    }

    fn pictures(&mut self) -> Vec<u16> {
        let received = self.room.received(&self.picture);
        received.iter().map(|(packet, _)| packet.sequence_number).collect()
    }

    fn ask_again(&mut self, number: u16) {
        let ssrc = self.picture.ssrc();
        self.room.send_rtcp(self.picture.link, |writer| assert!(writer.nack(1, ssrc, [number])));
    }

    fn repeated(&mut self) -> usize {
        self.room.received_of(self.picture.link, self.picture.rtx_ssrc()).len()
    }

    fn keyframe_requests(&mut self) -> usize {
        let compounds = self.room.received_rtcp(self.ada);
        let asks = |packet: &RtcpPacket<'_>| matches!(packet, RtcpPacket::Pli { .. });
        compounds.iter().map(|compound| rtcp::parse(compound).filter(asks).count()).sum()
    }
}

fn is_gapless(numbers: &[u16]) -> bool {
    numbers.windows(2).all(|pair| pair[1] == pair[0].wrapping_add(1))
}

#[test]
fn a_burst_leaves_bit_by_bit_in_order_and_sound_goes_past_it() {
    let mut call = Call::new(&single());
    call.burst(100);
    let mut pictures = call.pictures();
    assert!((10..50).contains(&pictures.len()), "{} at once", pictures.len());
    call.room.send_audio(call.ada, 1, 30);
    assert_eq!(call.room.received(&call.sound).len(), 1, "sound does not wait");
    call.room.run(10);
    let soon = call.pictures();
    assert!((2..25).contains(&soon.len()), "{} after 10 ms", soon.len());
    pictures.extend(soon);
    call.room.run(100);
    pictures.extend(call.pictures());
    assert!(pictures.len() == 100 && is_gapless(&pictures), "{pictures:?}");
    let counters = call.room.engine.counters();
    assert!(counters.rtp_paced > 50 && counters.video_stopped_pacer_full == 0);
    assert!(counters.rtp_paced_time.as_millis() > 500, "{:?}", counters.rtp_paced_time);
}

#[test]
fn everything_that_leaves_is_numbered_in_the_order_of_leaving() {
    let mut call = Call::new(&single());
    let bob = call.picture.link;
    call.burst(60);
    call.room.send_audio(call.ada, 1, 30);
    let mut all = call.room.received_all(bob);
    let first = all[0].0.sequence_number;
    call.ask_again(first);
    call.room.run(100);
    all.extend(call.room.received_all(bob));
    let number = |(packet, bytes): &(RtpPacket, Vec<u8>)| {
        packet.transport_sequence_number(bytes, extension_id::TRANSPORT_WIDE_CC).unwrap()
    };
    assert!(all.iter().map(number).eq(0..62), "{:?}", all.iter().map(number).collect::<Vec<_>>());
    for ssrc in [call.sound.ssrc(), call.picture.rtx_ssrc()] {
        assert_eq!(all.iter().filter(|(packet, _)| packet.ssrc == ssrc).count(), 1);
    }
}

#[test]
fn what_waits_is_not_sent_twice_when_it_is_asked_for() {
    let mut call = Call::new(&single());
    call.burst(80);
    let sent = call.pictures();
    let waiting = sent.last().unwrap().wrapping_add(1);
    call.ask_again(waiting);
    assert_eq!(call.room.engine.counters().retransmissions_unavailable, 0);
    call.room.run(200);
    assert!(call.pictures().contains(&waiting));
    assert_eq!(call.repeated(), 0);
    call.ask_again(waiting);
    assert_eq!(call.repeated(), 1, "now it may have been lost");
    call.ask_again(waiting);
    assert_eq!(call.repeated(), 0, "once a round trip");
}

#[test]
fn a_repetition_goes_before_new_video() {
    let mut call = Call::new(&single());
    call.burst(200);
    let sent = call.pictures();
    for &number in &sent[..5] {
        call.ask_again(number);
    }
    assert_eq!(call.repeated(), 0, "all has been spent");
    call.room.run(20);
    assert_eq!(call.repeated(), 5);
    call.room.run(500);
    assert_eq!(sent.len() + call.pictures().len(), 200);
}

#[test]
fn a_pinned_picture_does_not_wait_behind_the_others() {
    let mut call = Call::new(&single());
    let carol = call.room.link(Direction::Send);
    let camera = call.room.produce(carol, Kind::Video, Source::Camera, &single());
    let pinned = call.room.consume(call.picture.link, camera);
    let consumer = pinned.consumer;
    call.room.command(RoomCommand::SetConsumerPriority { consumer, priority: 9 }).unwrap();
    call.burst(1);
    call.room.send_video(carol, 1, true);
    call.room.run(1000);
    call.pictures();
    let mut numbers: Vec<u16> =
        call.room.received(&pinned).iter().map(|(packet, _)| packet.sequence_number).collect();
    call.burst(100);
    (2..=6).for_each(|number| call.room.send_video(carol, number, false));
    let at_once = call.pictures().len();
    assert!(at_once < 60 && call.room.received(&pinned).is_empty(), "{at_once} at once");
    call.room.run(20);
    numbers.extend(call.room.received(&pinned).iter().map(|(packet, _)| packet.sequence_number));
    assert!(numbers.len() == 6 && is_gapless(&numbers), "{numbers:?}");
    let soon = call.pictures().len();
    assert!(at_once + soon < 90, "the others wait: {soon} after {at_once}");
    call.room.run(1000);
    assert_eq!(at_once + soon + call.pictures().len(), 100);
}

#[test]
fn what_waits_of_a_closed_consumer_is_gone_and_others_go_on() {
    let mut call = Call::new(&single());
    call.burst(100);
    let sent = call.pictures().len();
    call.room.command(RoomCommand::CloseConsumer { consumer: call.picture.consumer }).unwrap();
    call.room.run(300);
    assert!(sent < 50 && call.pictures().is_empty());
    call.room.send_audio(call.ada, 1, 30);
    assert_eq!(call.room.received(&call.sound).len(), 1);
}

#[test]
fn a_pause_drops_what_waits_and_no_number_is_missed() {
    let mut call = Call::new(&single());
    call.burst(100);
    let mut sent = call.pictures();
    let consumer = call.picture.consumer;
    call.room.command(RoomCommand::SetConsumerPaused { consumer, paused: true }).unwrap();
    call.room.run(300);
    assert!(call.pictures().is_empty());
    call.room.command(RoomCommand::SetConsumerPaused { consumer, paused: false }).unwrap();
    call.burst(1);
    sent.extend(call.pictures());
    assert!(is_gapless(&sent), "{sent:?}");
}

#[test]
fn what_waits_of_a_stream_that_begins_anew_is_not_mistaken_for_what_comes() {
    let mut call = Call::new(&simulcast());
    let names: &[(u8, &[u8])] = &[(MID, b"1"), (RID, b"r0")];
    let send = |call: &mut Call, ssrc, count: u16, mark: u8| {
        for number in 1..=count {
            let mut payload = vp8(number == 1, number);
            payload[599] = mark;
            call.room.send(call.ada, video_packet(ssrc, number, &payload, names));
        }
    };
    send(&mut call, SIMULCAST_SSRC, 100, 1);
    let mut sent = call.pictures();
    assert!(sent.len() < 50);
    send(&mut call, SIMULCAST_SSRC + 50, 20, 2);
    call.room.run(300);
    let after = call.room.received(&call.picture);
    assert!(after.iter().all(|(packet, bytes)| packet.payload(bytes)[599] == 2), "old numbers, new pictures");
    let lost = *sent.first().unwrap();
    sent.extend(after.iter().map(|(packet, _)| packet.sequence_number));
    assert!(is_gapless(&sent), "{sent:?}");
    call.ask_again(lost);
    assert_eq!((call.repeated(), call.room.engine.counters().retransmissions_unavailable), (0, 1));
}

#[test]
fn more_than_can_leave_in_time_is_dropped_to_a_keyframe_that_is_asked_for() {
    let mut call = Call::new(&single());
    call.burst(5);
    call.room.run(600);
    call.keyframe_requests();
    call.burst(700);
    assert_eq!(call.room.engine.counters().video_stopped_pacer_full, 1);
    call.room.run(50);
    assert_eq!(call.keyframe_requests(), 1);
    let mut sent = call.pictures();
    call.room.run(1000);
    sent.extend(call.pictures());
    assert!((400..650).contains(&sent.len()), "what waits is still shown: {}", sent.len());
    call.burst(3);
    sent.extend(call.pictures());
    assert!(is_gapless(&sent), "nothing was numbered that did not leave");
    assert_eq!(call.room.engine.counters().video_stopped_pacer_full, 1);
}

#[test]
fn whoever_reads_nothing_gets_sound_only_until_heard_of() {
    let mut call = Call::new(&single());
    call.room.viewers_report = false;
    let second = |call: &mut Call| {
        for _ in 0..10 {
            call.burst(1);
            call.room.send_audio(call.ada, call.number, 30);
            call.room.run(100);
        }
        (call.pictures().len(), call.room.received(&call.sound).len())
    };
    for _ in 0..5 {
        assert_eq!(second(&mut call), (10, 10));
    }
    second(&mut call);
    assert_eq!(second(&mut call), (0, 10));
    let block = ReportBlock { ssrc: call.sound.ssrc(), ..ReportBlock::default() };
    call.room.send_rtcp(call.sound.link, |writer| assert!(writer.receiver_report(1, &[block])));
    let (pictures, sounds) = second(&mut call);
    assert!(pictures >= 4 && sounds == 10, "{pictures} {sounds}");
}

#[test]
fn a_listener_is_not_probed_and_does_not_keep_the_engine_awake() {
    let mut room = Room::new();
    let (ada, bob) = (room.link(Direction::Send), room.link(Direction::Recv));
    let microphone = room.produce(ada, Kind::Audio, Source::Microphone, AUDIO);
    room.consume(bob, microphone);
    let (start, mut sent) = (room.now, 0);
    // A hundred milliseconds of sound, and feedback on it.
    let mut listen = |room: &mut Room, is_told: bool| {
        let mut arrivals = Vec::new();
        for _ in 0..5 {
            room.send_audio(ada, sent, 30);
            arrivals.push(Some((room.now - start).as_micros() as u64));
            sent += 1;
            room.run(20);
        }
        if is_told {
            room.send_rtcp(bob, |writer| {
                assert_eq!(writer.transport_feedback(1, 2, 0, sent - 5, &arrivals), 5);
            });
        }
    };
    // A gap: what the path carried before is worth a probe.
    (0..40).for_each(|tenth| listen(&mut room, tenth < 20));
    let before = room.wakes;
    (0..100).for_each(|_| listen(&mut room, true));
    assert!(room.wakes - before < 2_000, "{} wake-ups in ten seconds", room.wakes - before);
    assert_eq!(room.engine.counters().probes_sent, 0);
}

#[test]
fn a_peer_whose_path_is_gone_does_not_keep_the_engine_awake() {
    let mut call = Call::new(&single());
    call.burst(100);
    call.room.close_path(call.ada);
    call.room.close_path(call.picture.link);
    let before = call.room.wakes;
    call.room.run(5_000);
    assert!(call.room.wakes - before < 100, "{} wake-ups in five seconds", call.room.wakes - before);
}

#[test]
fn a_viewer_whose_path_was_dead_gets_a_new_picture_before_it_asks() {
    let mut call = Call::new(&single());
    let (bob, start) = (call.picture.link, call.room.now);
    // A tenth of a second of video, and feedback on all that came if the path is alive.
    let watch = |call: &mut Call, is_alive: bool| {
        call.number += 1;
        call.room.send_video(call.ada, call.number, call.number == 1);
        call.room.run(100);
        let received = call.room.received_all(bob);
        let number = |(packet, bytes): &(RtpPacket, Vec<u8>)| {
            packet.transport_sequence_number(bytes, extension_id::TRANSPORT_WIDE_CC).unwrap()
        };
        let Some(first) = received.first().map(number).filter(|_| is_alive) else { return };
        let arrivals = vec![Some((call.room.now - start).as_micros() as u64); received.len()];
        call.room.send_rtcp(bob, |writer| {
            assert_eq!(writer.transport_feedback(1, 2, 0, first, &arrivals), arrivals.len());
        });
    };
    (0..20).for_each(|_| watch(&mut call, true));
    call.keyframe_requests();
    (0..30).for_each(|_| watch(&mut call, false));
    assert_eq!(call.keyframe_requests(), 0, "nothing is asked for while nothing arrives");
    (0..2).for_each(|_| watch(&mut call, true));
    assert_eq!(call.keyframe_requests(), 1);
}
