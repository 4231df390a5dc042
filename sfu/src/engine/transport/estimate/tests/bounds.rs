//! Whatever a peer claims: no panic, a rate within bounds, and little memory.

use std::time::{Duration, Instant};

use plenum_shared::media::Bitrate;
use proptest::prelude::*;

use crate::engine::transport::{
    estimate::{Estimate, ProbeId, Purpose, transport_wide::TransportWide},
    rtcp::{RtcpPacket, parse},
};

/// What may happen to an estimate.
#[derive(Debug, Clone)]
enum Input {
    Sent(u16, bool),
    /// The bytes after the two SSRCs of a feedback message.
    Feedback(Vec<u8>),
    Loss(f64),
    Remb(u64),
    Wanted(Option<u64>),
    Timeout,
    NewPath,
}

fn input() -> impl Strategy<Value = Input> {
    prop_oneof![
        8 => (0_u16..1500, any::<bool>()).prop_map(|(len, probe)| Input::Sent(len, probe)),
        8 => prop::collection::vec(any::<u8>(), 8..60).prop_map(Input::Feedback),
        4 => (0_u8..64, 1_u8..64, any::<u8>(), prop::collection::vec(any::<u8>(), 64)).prop_map(near),
        1 => (0.0..1.0).prop_map(Input::Loss),
        1 => any::<u64>().prop_map(Input::Remb),
        1 => prop::option::of(any::<u64>()).prop_map(Input::Wanted),
        1 => Just(Input::Timeout),
        1 => Just(Input::NewPath),
    ]
}

/// Feedback about packets that were probably sent.
fn near((base, count, time, deltas): (u8, u8, u8, Vec<u8>)) -> Input {
    let run = 0x2000 | u16::from(count);
    let fixed = [0, base, 0, count, 0, 0, time, 0, (run >> 8) as u8, run as u8];
    Input::Feedback(fixed.into_iter().chain(deltas).collect())
}

fn feedback_message(body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x8f, 205, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2];
    bytes.extend_from_slice(body);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    let words = (bytes.len() / 4 - 1) as u16;
    bytes[2..4].copy_from_slice(&words.to_be_bytes());
    bytes
}

proptest! {
    #[test]
    fn whatever_a_peer_claims_the_rate_stays_within_bounds(
        inputs in prop::collection::vec((input(), 0_u64..400), 1..300),
    ) {
        let mut now = Instant::now();
        let mut estimate = Estimate::new(now);
        let mut probe = ProbeId(0);
        for (input, millis) in inputs {
            now += Duration::from_millis(millis / 4);
            match input {
                Input::Sent(len, false) => {
                    estimate.on_sent(now, usize::from(len), Purpose::Media);
                }
                Input::Sent(len, true) => {
                    estimate.on_sent(now, usize::from(len), Purpose::Probe(probe));
                }
                Input::Feedback(body) => {
                    let bytes = feedback_message(&body);
                    for packet in parse(&bytes) {
                        if let RtcpPacket::TransportFeedback(feedback) = packet {
                            estimate.handle_feedback(now, &feedback);
                        }
                    }
                }
                Input::Loss(lost) => estimate.handle_loss(now, lost, Bitrate::kbps(500)),
                Input::Remb(remb) => estimate.handle_remb(now, Bitrate(remb), Bitrate::kbps(500)),
                Input::Wanted(wanted) => estimate.set_wanted(now, wanted.map(Bitrate)),
                Input::Timeout => {
                    if let Some(at) = estimate.poll_timeout() {
                        now = now.max(at.min(now + Duration::from_secs(60)));
                        estimate.handle_timeout(now);
                        let offered = estimate.poll_probe(now);
                        prop_assert!(estimate.poll_timeout().is_none_or(|at| at > now), "woken for nothing");
                        probe = offered.map_or(probe, |offered| offered.id);
                    }
                }
                Input::NewPath => estimate.handle_new_path(now),
            }
            if let Some(next) = estimate.poll_probe(now) {
                prop_assert!(next.bytes <= 200_000);
                probe = next.id;
            }
            let bitrate = estimate.bitrate();
            prop_assert!(bitrate >= Bitrate::kbps(50) && bitrate < Bitrate(100_000_000_000), "{bitrate:?}");
            prop_assert!(estimate.pacing_rate() >= bitrate);
            let snapshot = estimate.snapshot();
            prop_assert!((0.0..=1.0).contains(&snapshot.lost), "{snapshot:?}");
        }
    }
}

#[test]
fn a_peer_costs_less_than_32_kilobytes() {
    let ring = super::super::sent::SENT_MAX * size_of::<super::super::sent::SentPacket>();
    let cluster = size_of::<super::super::cluster::Cluster>();
    let all = size_of::<Estimate>() + size_of::<TransportWide>() + ring + cluster;
    assert!(all < 32 * 1024, "{all} bytes");
}

/// The peer has received these, the last of them just now.
fn received(estimate: &mut Estimate, now: Instant, numbers: std::ops::Range<u16>) {
    let count = numbers.len() as u8;
    let run = 0x2000 | u16::from(count);
    let [first, second] = numbers.start.to_be_bytes();
    let fixed = [first, second, 0, count, 0, 0, 9, 0, (run >> 8) as u8, run as u8];
    let bytes = feedback_message(&fixed.into_iter().chain(vec![40; numbers.len()]).collect::<Vec<_>>());
    for packet in parse(&bytes) {
        let RtcpPacket::TransportFeedback(feedback) = packet else { panic!("it is feedback") };
        estimate.handle_feedback(now, &feedback);
    }
}

#[test]
fn while_nothing_is_sent_nothing_is_concluded_from_silence() {
    let mut now = Instant::now();
    let mut estimate = Estimate::new(now);
    estimate.set_wanted(now, None);
    for round in 0..20_u16 {
        for _ in 0..5 {
            now += Duration::from_millis(10);
            estimate.on_sent(now, 1000, Purpose::Media);
        }
        received(&mut estimate, now + Duration::from_millis(20), round * 5..round * 5 + 5);
    }
    estimate.on_sent(now, 1000, Purpose::Media);
    let end = now + Duration::from_secs(60);
    let mut concluded = Vec::new();
    while let Some(at) = estimate.poll_timeout().filter(|&at| at < end) {
        estimate.handle_timeout(at);
        assert_eq!(estimate.poll_probe(at), None);
        concluded.push(estimate.bitrate());
        assert!(concluded.len() < 3, "{concluded:?}");
    }
    assert_eq!(concluded[0], concluded[1], "the last feedback may have been lost, once");
    estimate.on_sent(end, 1000, Purpose::Media);
    assert!(estimate.poll_timeout() > Some(end), "and the next packet asks again");
}

#[test]
fn what_carries_no_number_arrives_with_the_next_packet_that_does() {
    for (unnumbered, expected_kbps) in [(0, 800), (1000, 1600)] {
        let mut now = Instant::now();
        let mut estimate = Estimate::new(now);
        for _ in 0..60 {
            now += Duration::from_millis(10);
            estimate.on_unnumbered(now, unnumbered);
            estimate.on_sent(now, 1000, Purpose::Media);
        }
        received(&mut estimate, now + Duration::from_millis(20), 0..60);
        let acknowledged = estimate.snapshot().acknowledged.0 / 1000;
        assert!(acknowledged.abs_diff(expected_kbps) <= expected_kbps / 20, "{acknowledged}");
    }
}

#[test]
fn a_packet_does_not_speak_for_what_left_long_before_it() {
    let mut now = Instant::now();
    let mut estimate = Estimate::new(now);
    estimate.on_sent(now, 1000, Purpose::Media);
    (0..50).for_each(|_| estimate.on_unnumbered(now, 1200));
    now += Duration::from_secs(1);
    for _ in 1..60 {
        now += Duration::from_millis(10);
        estimate.on_sent(now, 1000, Purpose::Media);
    }
    received(&mut estimate, now + Duration::from_millis(20), 0..60);
    assert!(estimate.snapshot().acknowledged < Bitrate::kbps(850));
}
