//! Redundant sound (RFC 2198) between publishers and viewers of which only some speak it.

use plenum_sfu::engine::router::red::Red;
use plenum_sfu::engine::transport::rtcp::ReportBlock;
use plenum_shared::command::{RefusalReason, RoomCommand};
use plenum_shared::id::ProducerId;
use plenum_shared::media::{Direction, Kind, Source};
use plenum_shared::rtp::{RtpParameters, router_capabilities};

use crate::room::{AUDIO_LEVEL, Room, Sent, Viewing, everywhere, one_by_one};
use crate::tracks::AUDIO;

/// The viewers' numbers, which are the room's.
const OPUS: u8 = 100;
const RED: u8 = 99;

/// As Chromium publishes when it was told to: its own numbers, red first.
fn redundant() -> String {
    let red = r#"{"mimeType": "audio/red", "payloadType": 63, "clockRate": 48000, "channels": 2, "parameters": {"111/111": ""}}, "#;
    AUDIO.replace(r#""codecs": ["#, &format!(r#""codecs": [{red}"#))
}

fn payload(number: u16) -> Vec<u8> {
    let mut payload = vec![0xF8; 20];
    payload[1..3].copy_from_slice(&number.to_be_bytes());
    payload
}

fn send(room: &mut Room, link: usize, payload_type: u8, number: u16, payload: &[u8]) {
    let timestamp = u32::from(number) * 960;
    let extensions: &[(u8, &[u8])] = &[(AUDIO_LEVEL, &[30])];
    room.send(
        link,
        Sent { payload_type, ssrc: 1000, sequence_number: number, timestamp, extensions, payload },
    );
    room.run(20);
}

/// The sound of a packet and of the one before it.
fn doubled(number: u16) -> Vec<u8> {
    let (before, own) = (payload(number - 1), payload(number));
    let word = (960_u32 << 10) | before.len() as u32;
    let [_, a, b, c] = word.to_be_bytes();
    [&[0x80 | 111, a, b, c, 111][..], &before, &own].concat()
}

/// What a viewer got: payload type, number of repeated packets, and the sound.
fn heard(room: &mut Room, view: &Viewing) -> Vec<(u8, usize, u16)> {
    let read = |(packet, bytes): (plenum_sfu::engine::packet::RtpPacket, Vec<u8>)| {
        let payload = packet.payload(&bytes);
        let number = |sound: &[u8]| u16::from_be_bytes([sound[1], sound[2]]);
        match packet.payload_type {
            RED => {
                let red = Red::parse(payload, OPUS).expect("in the viewer's numbers");
                let own = number(&payload[red.primary.clone()]);
                for (block, back) in red.blocks().iter().rev().zip(1..) {
                    assert_eq!((block.offset, number(&payload[block.range()])), (960 * back, own - back));
                }
                (RED, red.blocks().len(), own)
            }
            other => (other, 0, number(payload)),
        }
    };
    room.received(view).into_iter().map(read).collect()
}

/// Ada publishes; Bob takes redundancy, Carol does not.
fn room_of(json: &str) -> (Room, usize, Viewing, Viewing) {
    room_on(0, json)
}

/// As [`room_of`], of viewers on this worker.
fn room_on(viewers: usize, json: &str) -> (Room, usize, Viewing, Viewing) {
    let mut room = Room::with_viewers_on(viewers, one_by_one());
    let ada = room.link(Direction::Send);
    let producer = room.produce(ada, Kind::Audio, Source::Microphone, json);
    let (bob, carol) = (room.link(Direction::Recv), room.link(Direction::Recv));
    let with_red = room.consume_with(bob, producer, router_capabilities());
    let plain = room.consume(carol, producer);
    (room, ada, with_red, plain)
}

#[test]
fn a_viewer_is_told_of_opus_first_and_of_red_where_it_takes_it() {
    let (_, _, bob, carol) = room_of(AUDIO);
    let codecs = |view: &Viewing| -> Vec<(String, u8)> {
        let codecs = &view.parameters.codecs;
        codecs.iter().map(|codec| (codec.mime_type.clone(), codec.payload_type)).collect()
    };
    assert_eq!(codecs(&bob), [("audio/opus".to_owned(), OPUS), ("audio/red".to_owned(), RED)]);
    assert_eq!(codecs(&carol), [("audio/opus".to_owned(), OPUS)]);
}

#[test]
fn redundancy_is_taken_out_for_a_viewer_that_does_not_speak_it() {
    everywhere(|viewers| {
        let (mut room, ada, bob, carol) = room_on(viewers, &redundant());
        send(&mut room, ada, 111, 1, &payload(1));
        for number in 2..10 {
            send(&mut room, ada, 63, number, &doubled(number));
        }
        let expected: Vec<_> = (1..10).map(|number| (OPUS, 0, number)).collect();
        assert_eq!(heard(&mut room, &carol), expected);
        let bobs = heard(&mut room, &bob);
        assert_eq!(bobs[0], (OPUS, 0, 1), "nothing before it");
        assert_eq!(bobs[1..], (2..10).map(|number| (RED, 1, number)).collect::<Vec<_>>());
    });
}

#[test]
fn what_the_publisher_lost_is_taken_from_the_next_packet_for_everybody() {
    everywhere(|viewers| {
        let (mut room, ada, bob, carol) = room_on(viewers, &redundant());
        send(&mut room, ada, 111, 1, &payload(1));
        for number in (2..30).filter(|number| number % 3 != 0) {
            send(&mut room, ada, 63, number, &doubled(number));
        }
        let sounds =
            |heard: Vec<(u8, usize, u16)>| heard.into_iter().map(|(_, _, sound)| sound).collect::<Vec<_>>();
        assert_eq!(sounds(heard(&mut room, &carol)), (1..30).collect::<Vec<_>>());
        assert_eq!(sounds(heard(&mut room, &bob)), (1..30).collect::<Vec<_>>());
        assert_eq!(room.engine.counters().red_recovered, 9);
    });
}

#[test]
fn redundancy_is_added_as_the_loss_of_each_path_asks_for() {
    everywhere(|viewers| {
        let (mut room, ada, bob, carol) = room_on(viewers, AUDIO);
        let mut number = 0;
        let mut talk = |room: &mut Room, packets: u16| {
            for _ in 0..packets {
                number += 1;
                send(room, ada, 111, number, &payload(number));
            }
        };
        let report = |room: &mut Room, view: &Viewing, fraction_lost: u8| {
            let block = ReportBlock { ssrc: view.ssrc(), fraction_lost, ..ReportBlock::default() };
            room.send_rtcp(view.link, |writer| {
                writer.receiver_report(77, &[block]);
            });
        };
        talk(&mut room, 10);
        assert!(
            heard(&mut room, &bob)[1..].iter().all(|(_, repeated, _)| *repeated == 1),
            "until more is known"
        );
        report(&mut room, &bob, 40);
        report(&mut room, &carol, 40);
        talk(&mut room, 10);
        assert!(heard(&mut room, &bob).iter().all(|(_, repeated, _)| *repeated == 2));
        assert!(heard(&mut room, &carol).iter().all(|(kind, _, _)| *kind == OPUS));
        for _ in 0..25 {
            report(&mut room, &bob, 0);
            talk(&mut room, 50);
        }
        heard(&mut room, &bob);
        talk(&mut room, 10);
        assert!(
            heard(&mut room, &bob).iter().all(|(kind, _, _)| *kind == OPUS),
            "a path without loss pays nothing"
        );
    });
}

#[test]
fn a_packet_that_is_no_redundant_sound_is_dropped_and_counted() {
    let (mut room, ada, bob, carol) = room_of(&redundant());
    for (number, bytes) in
        [&[111][..], &[0x80 | 111, 0, 0], &[0x80 | 96, 0x0F, 0, 1, 111, 1, 2]].iter().enumerate()
    {
        send(&mut room, ada, 63, number as u16 + 1, bytes);
    }
    assert_eq!((heard(&mut room, &bob).len(), heard(&mut room, &carol).len()), (0, 0));
    assert_eq!(room.engine.counters().rtp_dropped_malformed, 3);
    send(&mut room, ada, 63, 4, &doubled(4));
    assert_eq!(heard(&mut room, &carol).last(), Some(&(OPUS, 0, 4)), "the next good one is heard");
}

#[test]
fn red_alone_is_enough_to_publish_and_red_of_something_else_is_refused() {
    let mut room = Room::new();
    let ada = room.link(Direction::Send);
    let transport = room.links[ada].transport;
    let opus = r#"{"mimeType": "audio/opus", "payloadType": 111, "clockRate": 48000, "channels": 2, "parameters": {}}"#;
    let produce = |room: &mut Room, json: &str| {
        let rtp_parameters: RtpParameters = serde_json::from_str(json).unwrap();
        let producer = ProducerId(room.uuid());
        let (kind, source) = (Kind::Audio, Source::Microphone);
        let command =
            RoomCommand::Produce { transport, producer, kind, source, rtp_parameters, paused: false };
        room.command(command).map_err(|refusal| refusal.reason)
    };
    let only_red = redundant().replace(&format!(", {opus}"), "");
    assert_ne!(only_red, redundant());
    for wrong in [
        only_red.replace("111/111", "111/112"),
        only_red.replace("111/111", "nothing"),
        only_red.replace("111/111", "63/63"),
        redundant().replace("111/111", "110/110"),
        redundant().replacen("48000", "8000", 1),
    ] {
        assert_eq!(produce(&mut room, &wrong), Err(RefusalReason::Invalid), "{wrong}");
    }
    assert!(produce(&mut room, &only_red).is_ok());
}
