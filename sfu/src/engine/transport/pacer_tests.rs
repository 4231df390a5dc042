//! The pacer on a virtual clock.

use proptest::prelude::*;

use super::*;

/// 1000 bytes take 8 ms.
const MEGABIT: Bitrate = Bitrate::kbps(1_000);

fn video(number: u16) -> Waiting {
    Waiting { consumer: 1, sequence_number: number, len: 1000, repair: false, priority: 1 }
}

fn repair(number: u16) -> Waiting {
    Waiting { repair: true, ..video(number) }
}

/// Everything that leaves until nothing waits, in order, with its time.
fn drain(pacer: &mut Pacer, start: Instant) -> Vec<(Waiting, Duration)> {
    let mut left = Vec::new();
    let mut now = start;
    while let Some(at) = pacer.poll_timeout() {
        now = now.max(at);
        while let Some(waiting) = pacer.next(now) {
            pacer.take(now, true);
            pacer.spend(now, usize::from(waiting.len));
            left.push((waiting, now - start));
        }
    }
    left
}

#[test]
fn a_frame_leaves_at_once_and_what_comes_too_soon_after_it_waits() {
    let now = Instant::now();
    let mut pacer = Pacer::new(now, MEGABIT);
    let mut sent = 0;
    while pacer.is_free(now) {
        pacer.spend(now, 1000);
        sent += 1;
    }
    assert_eq!(sent, 3, "until the debt is more than 20 ms");
    assert!(!pacer.is_free(now + Duration::from_millis(3)));
    assert!(pacer.is_free(now + Duration::from_millis(4)));
    assert_eq!(pacer.poll_timeout(), None, "nobody waits");
}

#[test]
fn what_waits_leaves_at_the_pacing_rate_in_small_portions() {
    let start = Instant::now();
    let mut pacer = Pacer::new(start, Bitrate::kbps(8_000));
    for number in 0..100 {
        assert!(pacer.wait(start, video(number)));
    }
    let left = drain(&mut pacer, start);
    assert!(left.iter().map(|(waiting, _)| waiting.sequence_number).eq(0..100), "in order");
    let last = left.last().unwrap().1;
    assert!((Duration::from_millis(75)..=Duration::from_millis(85)).contains(&last), "{last:?}");
    let mut times: Vec<_> = left.iter().map(|(_, at)| *at).collect();
    times.dedup();
    assert!((14..=20).contains(&times.len()), "5 ms each after the first burst: {times:?}");
    let figures = pacer.figures();
    assert_eq!((figures.paced, figures.waiting, figures.waiting_bytes), (100, 0, 0));
    assert!(figures.waited > Duration::from_millis(100 * 30));
}

#[test]
fn repetitions_leave_before_new_video_and_sound_makes_both_wait_only_so_long() {
    let start = Instant::now();
    let mut pacer = Pacer::new(start, MEGABIT);
    (0..5).for_each(|number| assert!(pacer.wait(start, video(number))));
    assert!(pacer.is_free_for_repair(start), "new video does not hold it up");
    (0..5).for_each(|number| assert!(pacer.wait(start, repair(number))));
    assert!(!pacer.is_free_for_repair(start), "another one would overtake");
    (0..1000).for_each(|_| pacer.spend_unheld(start, 1000));
    let left = drain(&mut pacer, start);
    assert!(left.iter().map(|(waiting, _)| waiting.repair).is_sorted_by(|a, b| a >= b));
    assert!(left[0].1 <= UNHELD_DEBT_MAX, "{:?}", left[0].1);
}

/// Of the second consumer, which the viewer has pinned.
fn pinned(number: u16) -> Waiting {
    Waiting { consumer: 2, priority: 9, ..video(number) }
}

#[test]
fn what_is_pinned_leaves_before_other_video_in_its_own_order_and_after_repetitions() {
    let start = Instant::now();
    let mut pacer = Pacer::new(start, MEGABIT);
    (0..4).for_each(|number| assert!(pacer.wait(start, video(number))));
    (0..4).for_each(|number| assert!(pacer.wait(start, pinned(number))));
    (4..6).for_each(|number| assert!(pacer.wait(start, video(number))));
    assert!(pacer.wait(start, repair(9)) && pacer.wait(start, pinned(4)));
    let left: Vec<_> = drain(&mut pacer, start).into_iter().map(|(waiting, _)| waiting).collect();
    let expected = [repair(9)].into_iter().chain((0..5).map(pinned)).chain((0..6).map(video));
    assert!(left.iter().copied().eq(expected), "{left:?}");
}

#[test]
fn what_has_waited_for_long_is_not_overtaken() {
    let start = Instant::now();
    let mut pacer = Pacer::new(start, MEGABIT);
    (0..2).for_each(|number| assert!(pacer.wait(start, video(number))));
    let later = start + OVERTAKEN_FOR + Duration::from_millis(1);
    assert!(pacer.wait(later, video(2)) && pacer.wait(later, pinned(0)));
    let left: Vec<_> = drain(&mut pacer, later).into_iter().map(|(waiting, _)| waiting).collect();
    assert_eq!(left, [video(0), video(1), pinned(0), video(2)]);
}

#[test]
fn a_queue_is_bounded_in_packets_and_a_frame_in_time() {
    let now = Instant::now();
    let mut pacer = Pacer::new(now, MEGABIT);
    let mut number = 0;
    while pacer.takes_frame() {
        assert!(pacer.wait(now, video(number)));
        number += 1;
    }
    assert_eq!(number, 126, "a second of 8 ms each");
    while usize::from(number) < VIDEO_MAX {
        assert!(pacer.wait(now, video(number)), "a frame that began is completed");
        number += 1;
    }
    assert!(!pacer.wait(now, video(number)));
    let repairs = (0..1000).take_while(|&number| pacer.wait(now, repair(number))).count();
    assert_eq!(repairs, 32, "a quarter of a second, beside all that video");
    pacer.set_rate(Bitrate::kbps(100_000));
    let more = (0..1000).take_while(|&number| pacer.wait(now, repair(number))).count();
    assert_eq!(repairs + more, REPAIRS_MAX);
}

#[test]
fn a_consumer_that_is_gone_leaves_nothing_behind() {
    let now = Instant::now();
    let mut pacer = Pacer::new(now, MEGABIT);
    for number in 0..4 {
        pacer.wait(now, video(number));
        pacer.wait(now, Waiting { consumer: 2, ..repair(number) });
    }
    pacer.forget(2);
    assert_eq!((pacer.figures().waiting, pacer.figures().waiting_bytes), (4, 4000));
    pacer.begin_probe(now, &Probe { id: ProbeId(1), rate: MEGABIT, bytes: 9_000 }, 1);
    pacer.forget(1);
    assert!(pacer.is_idle() && pacer.poll_timeout().is_none());
}

#[test]
fn a_higher_rate_lets_go_sooner_and_the_floor_holds_against_a_lower_one() {
    let start = Instant::now();
    let span = |prepare: &dyn Fn(&mut Pacer)| {
        let mut pacer = Pacer::new(start, MEGABIT);
        (0..50).for_each(|number| assert!(pacer.wait(start, video(number))));
        prepare(&mut pacer);
        drain(&mut pacer, start).last().unwrap().1
    };
    let usual = span(&|_| {});
    assert!(span(&|pacer| pacer.set_rate(Bitrate::kbps(4_000))) < usual / 3);
    let floored = span(&|pacer| {
        pacer.set_floor(Bitrate::kbps(800));
        pacer.set_rate(Bitrate(0));
    });
    assert_eq!(floored, usual);
}

#[test]
fn a_probe_leaves_at_its_rate_and_has_five_packets() {
    let start = Instant::now();
    let mut pacer = Pacer::new(start, MEGABIT);
    pacer.begin_probe(start, &Probe { id: ProbeId(3), rate: Bitrate::kbps(8_000), bytes: 2_000 }, 7);
    let mut times = Vec::new();
    while let Some(at) = pacer.poll_timeout() {
        let packet = pacer.next_probe(at).unwrap();
        assert_eq!((packet.id, packet.consumer), (ProbeId(3), 7));
        assert_eq!(usize::from(packet.sent), times.len());
        times.push((at - start).as_millis());
        pacer.probed(1000);
    }
    assert_eq!(times, [0, 1, 2, 3, 4]);
    assert_eq!(pacer.probe(), None);
}

proptest! {
    /// Whatever comes, what waits leaves once, in the order of its class, and never faster than the debt allows.
    #[test]
    fn over_any_time_no_more_leaves_than_the_rate_and_one_burst(
        arrivals in proptest::collection::vec((0_u64..30_000, 50_u16..1400, any::<bool>()), 1..200)
    ) {
        let start = Instant::now();
        let rate = Bitrate::kbps(2_000);
        let mut pacer = Pacer::new(start, rate);
        let (mut now, mut expected, mut left) = (start, [Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
        let mut sent: Vec<(Instant, usize)> = Vec::new();
        let mut release = |pacer: &mut Pacer, until: Instant, sent: &mut Vec<(Instant, usize)>| {
            while let Some(at) = pacer.poll_timeout().filter(|&at| at <= until) {
                let at = sent.last().map_or(at, |&(last, _)| at.max(last));
                while let Some(waiting) = pacer.next(at) {
                    pacer.take(at, true);
                    pacer.spend(at, usize::from(waiting.len));
                    sent.push((at, usize::from(waiting.len)));
                    left[usize::from(waiting.repair)].push(waiting.sequence_number);
                }
            }
        };
        for (number, (gap_us, len, repair)) in arrivals.into_iter().enumerate() {
            now += Duration::from_micros(gap_us);
            release(&mut pacer, now, &mut sent);
            let waiting = Waiting { consumer: 0, len, repair, ..video(number as u16) };
            let taken = pacer.wait(now, waiting);
            prop_assert!(taken || repair);
            if taken {
                expected[usize::from(repair)].push(number as u16);
            }
        }
        release(&mut pacer, now + Duration::from_secs(10), &mut sent);
        prop_assert_eq!(left, expected);
        for (from, &(begun, _)) in sent.iter().enumerate() {
            let mut bits = 0;
            for &(at, len) in &sent[from..] {
                // The packet that goes into debt is the last one for a while.
                let allowed = rate.0 as f64 * ((at - begun) + BURST).as_secs_f64() + 1.0;
                prop_assert!(bits as f64 <= allowed, "{bits} bits in {:?}", at - begun);
                bits += len * 8;
            }
        }
    }
}

proptest! {
    /// Whoever is pinned, and however that changes: what waits of one consumer leaves in order, and nothing waits for long
    /// behind what came after it.
    #[test]
    fn each_consumer_keeps_its_order_and_nobody_is_overtaken_for_long(
        arrivals in proptest::collection::vec((0_u64..20_000, 0_usize..4, 1_u8..4), 1..300)
    ) {
        let start = Instant::now();
        let mut pacer = Pacer::new(start, MEGABIT);
        let (mut now, mut came) = (start, Vec::new());
        for (number, (gap_us, consumer, priority)) in arrivals.into_iter().enumerate() {
            now += Duration::from_micros(gap_us);
            let waiting = Waiting { consumer, priority, ..video(number as u16) };
            prop_assert!(pacer.wait(now, waiting));
            came.push(now);
        }
        let left = drain(&mut pacer, now);
        prop_assert_eq!(left.len(), came.len());
        for (at, (waiting, _)) in left.iter().enumerate() {
            let number = usize::from(waiting.sequence_number);
            for (earlier, _) in &left[..at] {
                let other = usize::from(earlier.sequence_number);
                prop_assert!(other < number || waiting.consumer != earlier.consumer);
                prop_assert!(other < number || earlier.priority > waiting.priority);
                prop_assert!(other < number || came[other] - came[number] <= OVERTAKEN_FOR);
            }
        }
    }
}

/// How many packets of so many bytes a probe takes.
fn probe_packets(rate: Bitrate, bytes: usize, len: usize) -> usize {
    let now = Instant::now();
    let mut pacer = Pacer::new(now, MEGABIT);
    pacer.begin_probe(now, &Probe { id: ProbeId(1), rate, bytes }, 1);
    let mut count = 0;
    while pacer.probe().is_some() {
        pacer.probed(len);
        count += 1;
    }
    count
}

#[test]
fn a_probe_ends_with_its_bytes_or_with_what_is_remembered_of_it_or_when_it_takes_too_long() {
    assert_eq!(probe_packets(MEGABIT, 10_000, 1000), 10);
    assert_eq!(probe_packets(Bitrate::kbps(50_000), 200_000, 290), PROBE_PACKETS_MAX);
    assert_eq!(probe_packets(Bitrate(0), 10_000, 1000), 1);
}

#[test]
fn what_was_taken_to_wait_in_is_given_back_once_nothing_has_to_wait() {
    let now = Instant::now();
    let mut pacer = Pacer::new(now, MEGABIT);
    let capacity = |pacer: &Pacer| pacer.video.capacity() + pacer.repairs.capacity();
    assert!(pacer.wait(now, video(1)) && pacer.wait(now, repair(2)));
    pacer.rest(now + GIVEN_BACK_AFTER * 2);
    assert!(capacity(&pacer) >= 2 * QUEUE_STEP, "something waits");
    drain(&mut pacer, now);
    pacer.rest(now + GIVEN_BACK_AFTER / 2);
    assert!(capacity(&pacer) >= 2 * QUEUE_STEP, "it was needed just now");
    pacer.rest(now + GIVEN_BACK_AFTER * 2);
    assert_eq!(capacity(&pacer), 0);
    assert!(pacer.wait(now + GIVEN_BACK_AFTER * 3, video(3)));
}
