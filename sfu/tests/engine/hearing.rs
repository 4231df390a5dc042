//! Who is heard and seen in a large room: the loudest, the recent speakers, and nobody's silence.

use std::time::Duration;

use plenum_sfu::engine::limits::Limits;
use plenum_sfu::engine::packet::RtpPacket;
use plenum_sfu::engine::router::hearing::LastN;
use plenum_shared::command::RoomCommand;
use plenum_shared::event::Event;
use plenum_shared::id::ProducerId;
use plenum_shared::media::{Direction, Kind, Layer, LayerLimit, Source};
use plenum_shared::rtp::{FmtpValue, router_capabilities};

use crate::room::{AUDIO_LEVEL, Room, Sent, Viewing, everywhere, one_by_one};
use crate::tracks::{AUDIO, simulcast};

const LOUD: u8 = 25;
const QUIET: u8 = 80;
const MUTE: u8 = 127;

/// A microphone of the room, and where its numbers are.
struct Microphone {
    link: usize,
    producer: ProducerId,
    ssrc: u32,
    number: u16,
}

fn last_n(audio: usize, video: usize) -> Limits {
    Limits { last_n: LastN { audio, video }, ..one_by_one() }
}

fn microphone_of(room: &mut Room, link: usize, number: u32, source: Source) -> Microphone {
    let ssrc = 10_000 + number;
    let json = AUDIO
        .replace(r#""ssrc": 1000"#, &format!(r#""ssrc": {ssrc}"#))
        .replace(r#""mid": "0""#, &format!(r#""mid": "m{number}""#));
    let producer = room.produce(link, Kind::Audio, source, &json);
    Microphone { link, producer, ssrc, number: 1 }
}

/// Microphones of as many people.
fn microphones(room: &mut Room, count: u32) -> Vec<Microphone> {
    let open = |number| {
        let link = room.link(Direction::Send);
        microphone_of(room, link, number, Source::Microphone)
    };
    (0..count).map(open).collect()
}

/// One packet of 20 ms from each; time goes on.
fn speak(room: &mut Room, microphones: &mut [Microphone], level: impl Fn(usize) -> u8) {
    for (index, microphone) in microphones.iter_mut().enumerate() {
        say(room, microphone, level(index), &[0xFB, 1, 2, 3, 4, 5, 6, 7]);
    }
    room.run(20);
}

fn say(room: &mut Room, microphone: &mut Microphone, level: u8, payload: &[u8]) {
    let sent = Sent {
        payload_type: 111,
        ssrc: microphone.ssrc,
        sequence_number: microphone.number,
        timestamp: u32::from(microphone.number) * 960,
        extensions: &[(AUDIO_LEVEL, &[level])],
        payload,
    };
    microphone.number += 1;
    room.send(microphone.link, sent);
}

fn numbers(received: &[(RtpPacket, Vec<u8>)]) -> Vec<u16> {
    received.iter().map(|(packet, _)| packet.sequence_number).collect()
}

fn is_continuous(numbers: &[u16]) -> bool {
    numbers.windows(2).all(|pair| pair[1] == pair[0].wrapping_add(1))
}

#[test]
fn a_listener_in_a_room_of_a_thousand_microphones_gets_three() {
    const LINKS: u32 = 20;
    const EACH: u32 = 50;
    const PACKETS: u64 = 10;
    let mut room = Room::with(Limits {
        producers_per_session: EACH as usize,
        producers_per_room: (LINKS * EACH) as usize,
        consumers_per_transport: (LINKS * EACH) as usize,
        ..one_by_one()
    });
    let mut microphones = Vec::new();
    for _ in 0..LINKS {
        let link = room.link(Direction::Send);
        for _ in 0..EACH {
            let number = microphones.len() as u32;
            microphones.push(microphone_of(&mut room, link, number, Source::Microphone));
        }
    }
    let bob = room.link(Direction::Recv);
    for microphone in &microphones {
        room.consume(bob, microphone.producer);
    }
    // Whoever came first has the places until others speak.
    speak(&mut room, &mut microphones, |_| QUIET);
    let speakers = [17, 400, 999];
    let before = room.engine.counters();
    for _ in 0..PACKETS {
        speak(&mut room, &mut microphones, |index| if speakers.contains(&index) { LOUD } else { QUIET });
    }
    let after = room.engine.counters();
    let sent = after.rtp_sent - before.rtp_sent;
    // The three that lose their places had a packet before that, and one more says that no more come.
    assert_eq!(sent, 3 * PACKETS + 3 + 3);
    assert_eq!(after.rtp_dropped_unheard - before.rtp_dropped_unheard, 1000 * PACKETS - sent);

    // What comes late of those who were never heard is not heard either.
    let unheard = 500..900;
    for microphone in &mut microphones[unheard.clone()] {
        microphone.number += 1;
        say(&mut room, microphone, QUIET, &[0xFB, 1, 2, 3, 4, 5, 6, 7]);
        microphone.number -= 2;
        say(&mut room, microphone, QUIET, &[0xFB, 1, 2, 3, 4, 5, 6, 7]);
        microphone.number += 1;
    }
    assert_eq!(room.engine.counters().rtp_sent, after.rtp_sent);
}

#[test]
fn a_microphone_that_always_says_to_be_silent_is_heard() {
    let mut room = Room::with(last_n(1, 0));
    let mut microphones = microphones(&mut room, 2);
    let bob = room.link(Direction::Recv);
    let views: Vec<Viewing> = microphones.iter().map(|one| room.consume(bob, one.producer)).collect();
    for _ in 0..100 {
        say(&mut room, &mut microphones[0], LOUD, &[0xFB; 80]);
        say(&mut room, &mut microphones[1], MUTE, &[0xFB; 80]);
        room.run(20);
    }
    assert_eq!(room.received(&views[0]).len(), 100);
    assert!(room.received(&views[1]).len() >= 49, "after a second nothing is known of it");
}

#[test]
fn a_new_voice_is_heard_from_its_first_packet_and_its_stream_goes_on_where_it_stopped() {
    everywhere(|viewers| {
        let mut room = Room::with_viewers_on(viewers, last_n(2, 0));
        let mut microphones = microphones(&mut room, 3);
        let bob = room.link(Direction::Recv);
        let views: Vec<Viewing> = microphones.iter().map(|one| room.consume(bob, one.producer)).collect();
        let turn = |room: &mut Room, microphones: &mut Vec<Microphone>, packets: usize, loud: usize| {
            for _ in 0..packets {
                speak(room, microphones, |index| if index == loud { LOUD } else { QUIET });
            }
        };
        turn(&mut room, &mut microphones, 100, 0);
        let first = room.received(&views[0]);
        let second = room.received(&views[1]);
        assert_eq!((first.len(), second.len(), room.received(&views[2]).len()), (100, 100, 0));

        turn(&mut room, &mut microphones, 100, 2);
        assert_eq!(room.received(&views[2]).len(), 100, "no packet of the first word is missing");
        let goodbye = room.received(&views[1]);
        // Its packet of that moment came before the voice that took its place.
        let [_, (_, bytes)] = goodbye.as_slice() else { panic!("{} packets", goodbye.len()) };
        assert_eq!(bytes.last(), Some(&0xF8), "one packet of discontinuous transmission");
        assert_eq!(room.received(&views[0]).len(), 100, "the speaker's place is not taken");

        turn(&mut room, &mut microphones, 100, 1);
        let again = room.received(&views[1]);
        assert_eq!(again.len(), 100);
        let all = [&second[..], &goodbye[..], &again[..]].concat();
        assert!(is_continuous(&numbers(&all)));
        let (resumed, _) = again[0];
        assert!(resumed.marker);
        let step = resumed.timestamp.wrapping_sub(goodbye[1].0.timestamp);
        assert_eq!(step, 99 * 960, "the publisher's clock goes on");
    });
}

#[test]
fn the_sound_of_a_screen_is_never_held_back() {
    let mut room = Room::with(last_n(1, 0));
    let mut microphones = microphones(&mut room, 2);
    let link = room.link(Direction::Send);
    microphones.push(microphone_of(&mut room, link, 2, Source::ScreenAudio));
    let bob = room.link(Direction::Recv);
    let views: Vec<Viewing> = microphones.iter().map(|one| room.consume(bob, one.producer)).collect();
    for _ in 0..50 {
        speak(&mut room, &mut microphones, |index| if index == 0 { LOUD } else { QUIET });
    }
    assert_eq!(room.received(&views[2]).len(), 50);
    assert_eq!(room.received(&views[1]).len(), 0);
}

#[test]
fn each_breakout_room_has_its_own_speaker_and_its_own_places() {
    everywhere(|viewers| {
        let mut room = Room::with_viewers_on(viewers, last_n(1, 0));
        let mut microphones = microphones(&mut room, 4);
        let bob = room.link(Direction::Recv);
        let views: Vec<Viewing> = microphones.iter().map(|one| room.consume(bob, one.producer)).collect();
        for one in &microphones[2..] {
            let session = room.links[one.link].session;
            room.command(RoomCommand::SetSessionGroup { session, group: 7 }).unwrap();
        }
        for _ in 0..100 {
            speak(&mut room, &mut microphones, |index| if index % 2 == 0 { LOUD } else { QUIET });
        }
        let heard: Vec<usize> = views.iter().map(|view| room.received(view).len()).collect();
        assert_eq!(heard, [100, 0, 100, 0]);
        let speakers: Vec<_> = room
            .events
            .iter()
            .filter_map(|event| match event {
                Event::ActiveSpeaker { group, speaker: Some((_, producer)), .. } => Some((*group, *producer)),
                _ => None,
            })
            .collect();
        assert_eq!(speakers, [(0, microphones[0].producer), (7, microphones[2].producer)]);
        let lists: Vec<_> = room
            .events
            .iter()
            .filter_map(|event| match event {
                Event::ActiveSpeakers { group, speakers, .. } => Some((*group, speakers.len())),
                _ => None,
            })
            .collect();
        assert_eq!(lists, [(0, 1), (7, 1)]);
        // Back in the main room the louder one keeps the place.
        let session = room.links[microphones[3].link].session;
        room.command(RoomCommand::SetSessionGroup { session, group: 0 }).unwrap();
        speak(&mut room, &mut microphones, |_| QUIET);
        assert_eq!(room.received(&views[3]).len(), 0);
    });
}

#[test]
fn active_speakers_are_told_loudest_first_not_more_than_twice_a_second_and_silence_empties_the_list() {
    let mut room = Room::with(last_n(0, 0));
    let mut microphones = microphones(&mut room, 3);
    let mut told = Vec::new();
    for packet in 0..400 {
        // The first two take turns faster than anybody could follow.
        let louder = packet / 10 % 2;
        speak(&mut room, &mut microphones, |index| match index {
            2 => QUIET,
            _ if packet >= 250 => MUTE,
            _ if index == louder => 15,
            _ => 40,
        });
        for event in std::mem::take(&mut room.events) {
            if let Event::ActiveSpeakers { speakers, .. } = event {
                assert!(speakers.windows(2).all(|pair| pair[0].producer != pair[1].producer));
                told.push((room.now, speakers));
            }
        }
    }
    assert!(!told.is_empty() && told.len() <= 2 * 8, "{} lists in 8 s", told.len());
    assert!(told.windows(2).all(|pair| pair[1].0 - pair[0].0 >= Duration::from_millis(480)));
    let quiet = microphones[2].producer;
    assert!(told.iter().flat_map(|(_, list)| list).all(|speaking| speaking.producer != quiet));
    assert_eq!(told.last().map(|(_, list)| list.len()), Some(0));
}

#[test]
fn silence_is_a_comfort_packet_every_400_ms_and_numbers_close_up() {
    everywhere(|viewers| {
        let mut room = Room::with_viewers_on(viewers, one_by_one());
        let mut microphones = microphones(&mut room, 1);
        let bob = room.link(Direction::Recv);
        let view = room.consume(bob, microphones[0].producer);
        let phases = [(50, LOUD), (100, MUTE), (50, LOUD)];
        let mut received = Vec::new();
        for (packets, level) in phases {
            for _ in 0..packets {
                speak(&mut room, &mut microphones, |_| level);
            }
            received.push(room.received(&view));
        }
        let [before, silence, after] = received.try_into().unwrap();
        assert_eq!((before.len(), after.len()), (50, 50));
        assert!((12..=18).contains(&silence.len()), "{} packets of 2 s of silence", silence.len());
        assert!(is_continuous(&numbers(&[&before[..], &silence[..], &after[..]].concat())));
        let (resumed, bytes) = &after[0];
        assert!(resumed.marker && resumed.payload(bytes).len() == 8);
        assert_eq!(resumed.timestamp.wrapping_sub(before[49].0.timestamp), 101 * 960);
        assert!(room.engine.counters().rtp_dropped_silent > 80);
    });
}

#[test]
fn a_viewer_that_rules_out_pauses_is_sent_the_silence() {
    everywhere(|viewers| {
        let mut room = Room::with_viewers_on(viewers, one_by_one());
        let mut microphones = microphones(&mut room, 1);
        let bob = room.link(Direction::Recv);
        let mut capabilities = router_capabilities();
        capabilities.codecs.retain(|codec| codec.mime_type == "audio/opus");
        capabilities.codecs[0].parameters.insert("usedtx".into(), FmtpValue::Number(0));
        let view = room.consume_with(bob, microphones[0].producer, capabilities);
        let carol = room.link(Direction::Recv);
        let other = room.consume(carol, microphones[0].producer);
        for _ in 0..100 {
            speak(&mut room, &mut microphones, |_| MUTE);
        }
        let received = room.received(&view);
        assert_eq!(received.len(), 100);
        assert!(is_continuous(&numbers(&received)));
        assert!(received.iter().all(|(packet, bytes)| packet.payload(bytes).len() == 8));
        assert!(room.received(&other).len() < 20);
    });
}

#[test]
fn cameras_of_those_who_did_not_speak_lately_are_left_out_unless_pinned() {
    everywhere(|viewers| {
        let mut room = Room::with_viewers_on(viewers, last_n(3, 2));
        let bob = room.link(Direction::Recv);
        let (mut microphones, mut cameras, mut views) = (Vec::new(), Vec::new(), Vec::new());
        for number in 0..3 {
            let link = room.link(Direction::Send);
            let producer = room.produce(link, Kind::Video, Source::Camera, &simulcast());
            microphones.push(microphone_of(&mut room, link, number, Source::Microphone));
            views.push(room.consume(bob, producer));
            cameras.push(link);
        }
        let film =
            |room: &mut Room, microphones: &mut [Microphone], loud: usize, numbers: std::ops::Range<u16>| {
                for number in numbers {
                    cameras.iter().for_each(|&link| room.send_simulcast(link, number, number % 10 == 1));
                    speak(room, microphones, |index| if index == loud { LOUD } else { QUIET });
                    room.run(20);
                }
            };
        film(&mut room, &mut microphones, 0, 1..100);
        let seen: Vec<bool> = views.iter().map(|view| !room.received(view).is_empty()).collect();
        assert_eq!(seen, [true, true, false], "two places, in the order they came");
        film(&mut room, &mut microphones, 2, 101..200);
        let seen: Vec<bool> = views.iter().map(|view| !room.received(view).is_empty()).collect();
        assert!(seen[0] && seen[2], "the new speaker comes on stage");
        let left_out = |event: &Event| {
            matches!(event, Event::ConsumerLayerChanged { consumer, layer: None, limit: Some(LayerLimit::LastN), .. }
                if *consumer == views[1].consumer)
        };
        assert!(room.events.iter().any(left_out), "{:?}", room.events);
        film(&mut room, &mut microphones, 2, 201..220);
        assert_eq!(room.received(&views[1]).len(), 0);

        room.command(RoomCommand::SetConsumerPriority { consumer: views[1].consumer, priority: 2 }).unwrap();
        film(&mut room, &mut microphones, 2, 221..260);
        assert!(!room.received(&views[1]).is_empty(), "pinned");
        let back = |event: &Event| {
            matches!(event, Event::ConsumerLayerChanged { consumer, layer: Some(Layer { .. }), .. }
                if *consumer == views[1].consumer)
        };
        assert!(room.events.iter().rev().any(back));
    });
}

#[test]
fn the_place_on_stage_of_one_who_left_is_the_next_ones() {
    everywhere(|viewers| {
        let mut room = Room::with_viewers_on(viewers, last_n(3, 1));
        let bob = room.link(Direction::Recv);
        let mut cameras = Vec::new();
        for _ in 0..2 {
            let link = room.link(Direction::Send);
            let producer = room.produce(link, Kind::Video, Source::Camera, &simulcast());
            cameras.push((link, producer, room.consume(bob, producer)));
        }
        let film = |room: &mut Room, numbers: std::ops::Range<u16>| {
            for number in numbers {
                cameras.iter().for_each(|(link, _, _)| room.send_layers(*link, number, number % 10 == 1, 3));
                room.run(33);
            }
        };
        film(&mut room, 1..60);
        assert!(room.received(&cameras[1].2).is_empty());
        room.command(RoomCommand::CloseProducer { producer: cameras[0].1 }).unwrap();
        film(&mut room, 61..120);
        assert!(!room.received(&cameras[1].2).is_empty());
    });
}

#[test]
fn a_microphone_that_is_muted_gives_its_place_away() {
    let mut room = Room::with(last_n(1, 0));
    let mut microphones = microphones(&mut room, 2);
    let bob = room.link(Direction::Recv);
    let view = room.consume(bob, microphones[1].producer);
    speak(&mut room, &mut microphones, |_| QUIET);
    assert_eq!(room.received(&view).len(), 0);
    let producer = microphones[0].producer;
    room.command(RoomCommand::SetProducerPaused { producer, paused: true }).unwrap();
    say(&mut room, &mut microphones[1], QUIET, b"anything");
    assert_eq!(room.received(&view).len(), 1);
}

#[test]
fn who_speaks_is_told_again_in_every_room_when_control_may_have_missed_it() {
    let mut room = Room::new();
    let mut microphones = microphones(&mut room, 3);
    let session = room.links[microphones[2].link].session;
    room.command(RoomCommand::SetSessionGroup { session, group: 7 }).unwrap();
    for _ in 0..100 {
        speak(&mut room, &mut microphones, |index| if index == 1 { LOUD } else { MUTE });
    }
    room.events.clear();
    room.engine.tell_again(room.now);
    room.pump();
    let speaker = (room.links[microphones[1].link].session, microphones[1].producer);
    let told: Vec<_> = room
        .events
        .iter()
        .filter_map(|event| match event {
            Event::ActiveSpeaker { group, speaker, .. } => Some((*group, *speaker, None)),
            Event::ActiveSpeakers { group, speakers, .. } => Some((*group, None, Some(speakers.len()))),
            _ => None,
        })
        .collect();
    let expected = [(0, Some(speaker), None), (0, None, Some(1)), (7, None, None), (7, None, Some(0))];
    assert_eq!(told, expected);
}
