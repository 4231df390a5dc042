use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

fn written(build: impl FnOnce(&mut RtcpWriter<'_>)) -> Vec<u8> {
    let mut buf = vec![0xA5; 1500];
    let mut writer = RtcpWriter::new(&mut buf);
    build(&mut writer);
    let len = writer.len();
    buf.truncate(len);
    buf
}

const BLOCK: ReportBlock = ReportBlock {
    ssrc: 0x0102_0304,
    fraction_lost: 64,
    cumulative_lost: -3,
    extended_highest_sequence_number: 0x0001_FFFE,
    jitter: 77,
    last_sender_report: 0xAABB_CCDD,
    delay_since_last_sender_report: 65_536,
};

const REPORT: SenderReport = SenderReport {
    ssrc: 9,
    ntp_time: 0x1234_5678_9ABC_DEF0,
    rtp_timestamp: 90_000,
    packet_count: 10,
    octet_count: 11_000,
};

#[test]
fn a_compound_of_every_kind_reads_back_as_written() {
    let bytes = written(|w| {
        assert!(w.sender_report(&REPORT, &[BLOCK, BLOCK]));
        assert!(w.cname(9, "cname-of-nine"));
        assert!(w.receiver_report(7, &[BLOCK]));
        assert!(w.nack(1, 2, [100, 101, 117, 118, 300]));
        assert!(w.pli(3, 4));
        assert!(w.fir(5, 6, 7));
        assert!(w.remb(8, 1_500_000, &[21, 22]));
        assert!(w.goodbye(&[31, 32]));
    });
    assert_eq!(bytes.len() % 4, 0);
    let packets: Vec<_> = parse(&bytes).collect();
    assert_eq!(packets.len(), 8);
    let RtcpPacket::SenderReport(report, blocks) = packets[0] else { panic!("SR first") };
    assert_eq!(report, REPORT);
    assert_eq!(blocks.collect::<Vec<_>>(), [BLOCK, BLOCK]);
    let RtcpPacket::SourceDescription(chunks) = packets[1] else { panic!("SDES second") };
    assert_eq!(chunks.collect::<Vec<_>>(), [(9, "cname-of-nine")]);
    let RtcpPacket::ReceiverReport { ssrc: 7, reports } = packets[2] else { panic!("RR third") };
    assert_eq!(reports.collect::<Vec<_>>(), [BLOCK]);
    let RtcpPacket::Nack { sender_ssrc: 1, media_ssrc: 2, lost } = packets[3] else { panic!("NACK fourth") };
    assert_eq!(lost.sequence_numbers().collect::<Vec<_>>(), [100, 101, 117, 118, 300]);
    assert!(matches!(packets[4], RtcpPacket::Pli { sender_ssrc: 3, media_ssrc: 4 }));
    let RtcpPacket::Fir { sender_ssrc: 5, entries } = packets[5] else { panic!("FIR sixth") };
    assert_eq!(entries.collect::<Vec<_>>(), [(6, 7)]);
    let RtcpPacket::Remb { sender_ssrc: 8, bitrate_bps: 1_500_000, ssrcs } = packets[6] else {
        panic!("REMB seventh")
    };
    assert_eq!(ssrcs.collect::<Vec<_>>(), [21, 22]);
    let RtcpPacket::Goodbye(ssrcs) = packets[7] else { panic!("BYE eighth") };
    assert_eq!(ssrcs.collect::<Vec<_>>(), [31, 32]);
}

#[test]
fn a_packet_that_does_not_fit_leaves_the_compound_as_it_was() {
    let mut buf = [0; 20];
    let mut writer = RtcpWriter::new(&mut buf);
    assert!(writer.pli(1, 2));
    assert!(!writer.pli(1, 2));
    assert!(!writer.goodbye(&[0; 32]));
    assert_eq!(writer.len(), 12);
    assert_eq!(parse(&buf[..12]).count(), 1);
}

#[test]
fn an_unknown_or_misfitting_packet_does_not_hide_the_next() {
    let mut bytes = vec![0x80, 204, 0, 1, 9, 9, 9, 9]; // APP
    bytes.extend([0x81, 200, 0, 0]); // an SR without a body
    bytes.extend(written(|w| assert!(w.pli(1, 2))));
    let packets: Vec<_> = parse(&bytes).collect();
    assert!(matches!(packets[0], RtcpPacket::Unknown { packet_type: 204 }));
    assert!(matches!(packets[1], RtcpPacket::Unknown { packet_type: 200 }));
    assert!(matches!(packets[2], RtcpPacket::Pli { .. }));
}

#[test]
fn padding_of_the_last_packet_is_no_content() {
    // BYE of one stream with a word of padding.
    let bytes = [0xA1, 203, 0, 2, 0, 0, 0, 5, 0, 0, 0, 4];
    let Some(RtcpPacket::Goodbye(ssrcs)) = parse(&bytes).next() else { panic!("BYE") };
    assert_eq!(ssrcs.collect::<Vec<_>>(), [5]);
}

#[test]
fn transport_feedback_of_a_known_message_reads_as_the_draft_says() {
    // Reference time 5, count 3; 1-bit vector: received, lost, received...; deltas 4 and 8 ticks.
    let body = [0x8F, 205, 0, 5, 0, 0, 0, 1, 0, 0, 0, 2, 0xFF, 0xFF, 0, 3, 0, 0, 5, 3, 0b1010_1000, 0, 4, 8];
    let Some(RtcpPacket::TransportFeedback(feedback)) = parse(&body).next() else { panic!("feedback") };
    assert_eq!(feedback.feedback_packet_count, 3);
    let statuses: Vec<_> = feedback.statuses().map(|s| (s.sequence_number, s.arrival_us)).collect();
    assert_eq!(statuses, [(65_535, Some(321_000)), (0, None), (1, Some(323_000))]);
}

#[test]
fn a_delta_above_eight_seconds_is_left_for_the_next_message() {
    let arrivals = [Some(1_000_000), Some(1_000_250), Some(10_000_000)];
    let mut buf = [0; 200];
    let covered = RtcpWriter::new(&mut buf).transport_feedback(1, 2, 0, 10, &arrivals);
    assert_eq!(covered, 2);
    let covered = RtcpWriter::new(&mut buf).transport_feedback(1, 2, 1, 12, &arrivals[2..]);
    assert_eq!(covered, 1);
}

#[test]
fn a_run_too_long_for_one_message_is_cut_short() {
    let arrivals: Vec<_> = (0..3000).map(|n| Some(5_000_000 + n * 20)).collect();
    let mut buf = [0; 1200];
    let mut covered = 0;
    for _ in 0..3 {
        let now = RtcpWriter::new(&mut buf).transport_feedback(1, 2, 0, covered as u16, &arrivals[covered..]);
        assert!(now > 600, "{now}");
        covered += now;
    }
    assert_eq!(covered, 3000);
}

#[test]
fn feedback_without_an_arrival_is_not_written() {
    let mut buf = [0; 200];
    let mut writer = RtcpWriter::new(&mut buf);
    assert_eq!(writer.transport_feedback(1, 2, 0, 10, &[None, None]), 0);
    assert!(writer.is_empty());
}

/// Arrivals as networks make them: mostly close together, with loss, reordering and the odd long gap.
fn arrivals() -> impl Strategy<Value = Vec<Option<u64>>> {
    let step = prop_oneof![
        6 => (0i64..5_000).prop_map(Some),
        1 => (-20_000i64..200_000).prop_map(Some),
        3 => Just(None),
    ];
    prop::collection::vec(step, 1..600).prop_map(|steps| {
        let mut clock = 5_000_000i64;
        steps
            .into_iter()
            .map(|step| {
                step.map(|s| {
                    clock += s;
                    clock as u64
                })
            })
            .collect()
    })
}

proptest! {
    #[test]
    fn transport_feedback_reads_back_within_one_tick(arrivals in arrivals(), base: u16, room in 40usize..1400) {
        let mut buf = vec![0; room];
        let mut sent = 0;
        while sent < arrivals.len() {
            let mut writer = RtcpWriter::new(&mut buf);
            let covered = writer.transport_feedback(1, 2, 9, base.wrapping_add(sent as u16), &arrivals[sent..]);
            if covered == 0 {
                prop_assert!(arrivals[sent..].iter().all(Option::is_none));
                break;
            }
            let len = writer.len();
            let Some(RtcpPacket::TransportFeedback(feedback)) = parse(&buf[..len]).next() else {
                return Err(TestCaseError::fail("not a feedback"));
            };
            let statuses: Vec<_> = feedback.statuses().collect();
            prop_assert_eq!(statuses.len(), covered);
            for (offset, status) in statuses.iter().enumerate() {
                prop_assert_eq!(status.sequence_number, base.wrapping_add((sent + offset) as u16));
                match (arrivals[sent + offset], status.arrival_us) {
                    (None, None) => {}
                    (Some(was), Some(is)) => prop_assert!((0..250).contains(&(was as i64 - is))),
                    (was, is) => prop_assert!(false, "{was:?} became {is:?}"),
                }
            }
            sent += covered;
        }
    }

    #[test]
    fn nack_asks_for_exactly_the_numbers_given(start: u16, gaps in prop::collection::vec(1u16..40, 0..100)) {
        let mut numbers = vec![start];
        for gap in gaps {
            numbers.push(numbers[numbers.len() - 1].wrapping_add(gap));
        }
        let bytes = written(|w| assert!(w.nack(1, 2, numbers.iter().copied())));
        let Some(RtcpPacket::Nack { lost, .. }) = parse(&bytes).next() else {
            return Err(TestCaseError::fail("not a NACK"));
        };
        prop_assert_eq!(lost.sequence_numbers().collect::<Vec<_>>(), numbers);
    }

    #[test]
    fn remb_keeps_eighteen_bits(bitrate_bps in 0u64..1 << 45) {
        let bytes = written(|w| assert!(w.remb(1, bitrate_bps, &[])));
        let Some(RtcpPacket::Remb { bitrate_bps: read, .. }) = parse(&bytes).next() else {
            return Err(TestCaseError::fail("not a REMB"));
        };
        prop_assert!(read <= bitrate_bps && bitrate_bps - read <= bitrate_bps >> 17);
    }

    #[test]
    fn any_bytes_are_read_to_an_end(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        for packet in parse(&bytes) {
            exhaust(packet);
        }
    }

    #[test]
    fn any_body_of_a_known_type_is_read_to_an_end(
        count in 0u8..32, packet_type in 200u8..208, body in prop::collection::vec(any::<u8>(), 0..300)
    ) {
        let mut bytes = vec![0x80 | count, packet_type, 0, (body.len() / 4) as u8];
        bytes.extend(body);
        for packet in parse(&bytes) {
            exhaust(packet);
        }
    }
}

fn exhaust(packet: RtcpPacket<'_>) {
    match packet {
        RtcpPacket::SenderReport(_, blocks) | RtcpPacket::ReceiverReport { reports: blocks, .. } => {
            assert!(blocks.count() < 32)
        }
        RtcpPacket::SourceDescription(chunks) => assert!(chunks.count() < 32),
        RtcpPacket::Goodbye(ssrcs) => assert!(ssrcs.count() < 32),
        RtcpPacket::Nack { lost, .. } => assert!(lost.sequence_numbers().count() <= 300 / 4 * 17),
        RtcpPacket::Fir { entries, .. } => assert!(entries.count() <= 300 / 8),
        RtcpPacket::Remb { ssrcs, .. } => assert!(ssrcs.count() < 256),
        RtcpPacket::TransportFeedback(feedback) => {
            assert!(feedback.statuses().count() <= FEEDBACK_STATUSES_MAX)
        }
        RtcpPacket::ExtendedReport { blocks, .. } => {
            let answers = blocks.map(|block| match block {
                ExtendedBlock::DelaySinceLastReference(answers) => answers.count(),
                ExtendedBlock::ReceiverReferenceTime(_) | ExtendedBlock::Unknown { .. } => 1,
            });
            assert!(answers.sum::<usize>() <= 300 / 4);
        }
        RtcpPacket::Pli { .. } | RtcpPacket::Unknown { .. } => {}
    }
}

#[test]
fn what_time_it_is_reads_back_as_written() {
    let bytes = written(|w| assert!(w.receiver_reference_time(7, 0x0102_0304_0506_0708)));
    assert_eq!(bytes.len(), 20);
    let Some(RtcpPacket::ExtendedReport { ssrc: 7, mut blocks }) = parse(&bytes).next() else {
        panic!("an XR")
    };
    assert!(matches!(blocks.next(), Some(ExtendedBlock::ReceiverReferenceTime(0x0102_0304_0506_0708))));
    assert!(blocks.next().is_none());
}

#[test]
fn an_answer_to_our_time_proves_the_round_trip() {
    let epoch = Instant::now();
    let at = |ms| reference_time(epoch, epoch + Duration::from_millis(ms));
    let answer = |delay_ms: u64| ReferenceAnswer {
        ssrc: 7,
        last_reference: (at(1000) >> 16) as u32,
        delay_since_last_reference: (delay_ms * 65_536 / 1000) as u32,
    };
    let round_trip = answer(250).round_trip(at(1330)).unwrap();
    assert!(round_trip.abs_diff(Duration::from_millis(80)) < Duration::from_millis(1), "{round_trip:?}");
    assert_eq!(answer(250).round_trip(at(1240)), None, "held for longer than it was away");
    assert_eq!(answer(0).round_trip(at(60_000)), None, "too old");
    assert_eq!(
        ReferenceAnswer { last_reference: 0, ..answer(0) }.round_trip(at(1000)),
        None,
        "heard nothing"
    );
}
