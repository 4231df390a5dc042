//! Stories of clusters: what is tried, what it shows, and how long the next one waits.

use super::*;

const CALM: Situation = Situation { target: 1e6, noise_ms: 0.0, calm: true, doubt: None };

/// Sends the cluster over a path that carries so much, and returns what it shows.
fn run(probes: &mut Probes, now_us: u64, probe: Probe, carried: f64, lose_every: u64) -> Option<Shown> {
    run_of(1_200, probes, now_us, probe, (carried, lose_every)).and_then(|result| result.shown)
}

/// Of packets of so many bytes.
fn run_of(
    len: u16,
    probes: &mut Probes,
    now_us: u64,
    probe: Probe,
    (carried, lose_every): (f64, u64),
) -> Option<ProbeResult> {
    let bits = f64::from(len) * 8e6;
    let gap_us = (bits / probe.rate.0 as f64) as u64;
    let packets = probe.bytes.div_ceil(usize::from(len)) as u64;
    let mut free_us = 0.0_f64;
    for number in 0..packets {
        let sent_us = now_us + number * gap_us;
        probes.on_sent(sent_us, number, usize::from(len), Some(probe.id));
        free_us = free_us.max(sent_us as f64) + bits / carried;
        if lose_every == 0 || number % lose_every != 1 {
            probes.on_arrival(number, sent_us, free_us as i64 - sent_us as i64, len);
        }
    }
    probes.conclude(now_us + 100_000, packets, 0.0, 0.0)
}

#[test]
fn what_is_wanted_is_tried_and_what_succeeds_is_carried() {
    let mut probes = Probes::new();
    assert_eq!(probes.poll(0, CALM), None);
    probes.set_wanted(Some(2e6));
    let probe = probes.poll(0, CALM).unwrap();
    assert_eq!(probe.rate, Bitrate::kbps(2_200));
    assert_eq!(probes.poll(0, CALM), None, "one at a time");
    assert_eq!(run(&mut probes, 0, probe, 10e6, 0), Some(Shown::Carried(2.2e6)));
    probes.set_wanted(Some(0.9e6));
    assert_eq!(probes.poll(10_000_000, CALM), None, "fits already");
}

#[test]
fn what_is_too_much_shows_the_limit_and_the_next_trial_waits() {
    let mut probes = Probes::new();
    probes.set_wanted(Some(2e6));
    let mut now_us = 0;
    let mut waits = Vec::new();
    for _ in 0..4 {
        let asked_us = now_us;
        let probe = loop {
            now_us += 100_000;
            if let Some(probe) = probes.poll(now_us, CALM) {
                break probe;
            }
        };
        waits.push(now_us - asked_us);
        let Some(Shown::Limited(limit)) = run(&mut probes, now_us, probe, 1.2e6, 0) else { panic!() };
        assert!((1.1e6..1.4e6).contains(&limit), "{limit}");
    }
    assert!(waits[3] * 2 >= waits[1] * 3 && waits[3] <= INTERVAL_MAX_US * 3 / 2 + 200_000, "{waits:?}");
}

#[test]
fn on_a_narrow_path_waits_double_to_a_minute_until_the_rate_has_risen() {
    let mut probes = Probes::new();
    probes.set_wanted(Some(260e3));
    let narrow = Situation { target: 190e3, ..CALM };
    let next = |probes: &mut Probes, from_us: u64, situation: Situation| {
        let moments = (1..700).map(|look| from_us + look * 100_000);
        moments.clone().find_map(|at_us| Some((at_us, probes.poll(at_us, situation)?))).expect("in a minute")
    };
    let (mut now_us, mut waits) = (0, Vec::new());
    for _ in 0..8 {
        let (at_us, probe) = next(&mut probes, now_us, narrow);
        waits.push(at_us - now_us);
        run(&mut probes, at_us, probe, 200e3, 0);
        now_us = at_us;
    }
    assert!(waits[3] > 2 * waits[1] && waits[7] >= 40_000_000 && waits[7] <= 61_000_000, "{waits:?}");
    probes.set_wanted(Some(600e3));
    let (at_us, _) = next(&mut probes, now_us, Situation { target: 260e3, ..CALM });
    assert!(at_us < now_us + 2_000_000, "{at_us} after {now_us}");
}

#[test]
fn packets_that_a_policer_drops_are_no_success() {
    let mut probes = Probes::new();
    probes.set_wanted(Some(3e6));
    let probe = probes.poll(0, CALM).unwrap();
    assert!(matches!(run(&mut probes, 0, probe, 50e6, 2), Some(Shown::Limited(_))));
}

#[test]
fn a_fall_soon_after_a_success_makes_the_next_longer_and_later() {
    let mut probes = Probes::new();
    probes.set_wanted(Some(2e6));
    let short = probes.poll(0, CALM).unwrap();
    run(&mut probes, 0, short, 10e6, 0);
    probes.note_raise(100_000, 1e6, 2e6);
    probes.note_fall(1_000_000, 1.1e6, true, true);
    assert_eq!(probes.poll(5_000_000, CALM), None);
    let long = probes.poll(11_500_000, CALM).unwrap();
    assert!(long.bytes > 2 * short.bytes);
}

#[test]
fn a_cluster_of_many_small_packets_shows_what_it_carries_and_no_losses() {
    let mut probes = Probes::new();
    probes.set_wanted(Some(60e6));
    let probe = probes.poll(0, Situation { target: 20e6, ..CALM }).unwrap();
    assert!(probe.bytes > 100_000, "{probe:?}");
    let result = run_of(290, &mut probes, 0, probe, (1e9, 0)).unwrap();
    assert!(matches!(result.shown, Some(Shown::Carried(rate)) if rate > 50e6), "{result:?}");
    assert_eq!(result.packets, result.arrived);
}

/// The moment the next cluster leaves, and the cluster.
fn next(probes: &mut Probes, from_us: u64) -> (u64, Probe) {
    let mut moments = (0..3_000).map(|look| from_us + look * 10_000);
    moments.find_map(|at_us| Some((at_us, probes.poll(at_us, CALM)?))).expect("within half a minute")
}

#[test]
fn what_is_to_be_proven_is_tried_for_longer_and_a_proof_is_used_once() {
    let mut probes = Probes::new();
    assert!(!probes.can_prove(), "of a path without a limit no proof is wanted");
    probes.set_wanted(Some(2e6));
    let (at_us, short) = next(&mut probes, 0);
    run(&mut probes, at_us, short, 1.2e6, 0);
    assert!(probes.can_prove());
    probes.set_wanted(None);
    probes.set_to_prove(3_000_000, Some(0.9e6));
    let (at_us, proof) = next(&mut probes, 3_000_000);
    assert_eq!(proof.rate, Bitrate::kbps(900));
    assert!((25_000..35_000).contains(&proof.bytes), "{proof:?}");
    run(&mut probes, at_us, proof, 1.2e6, 0);
    let shown_us = at_us + 100_000;
    assert!(probes.has_proof(shown_us) && !probes.has_proof(shown_us + PROOF_HOLDS_US));
    probes.set_to_prove(shown_us, None);
    assert!(!probes.has_proof(shown_us));
}

#[test]
fn who_is_refused_a_proof_waits_longer_each_time_and_not_as_long_as_others() {
    let waits = |from_us: u64| {
        let mut probes = Probes::new();
        probes.set_to_prove(from_us, Some(2e6));
        let mut at_us = from_us;
        let waits = [(); 4].map(|()| {
            let (tried_us, proof) = next(&mut probes, at_us);
            run(&mut probes, tried_us, proof, 1.2e6, 0);
            let waited_us = tried_us - at_us;
            at_us = tried_us;
            waited_us
        });
        assert!(waits[1] >= UNPROVEN_US && waits[2] >= 2 * UNPROVEN_US && waits[3] < 7 * UNPROVEN_US);
        waits
    };
    assert_ne!(waits(1_000_000), waits(1_000_100));
}

#[test]
fn what_is_due_and_cannot_be_sent_is_due_later() {
    let due_after = |hinder: fn(&mut Probes)| {
        let mut probes = Probes::new();
        probes.set_wanted(Some(2e6));
        hinder(&mut probes);
        probes.poll_timeout(1e6)
    };
    let uneasy = due_after(|probes| {
        assert_eq!(probes.poll(1_000, Situation { calm: false, ..CALM }), None);
    });
    assert_eq!(uneasy, Some(51_000));
    assert_eq!(due_after(|probes| probes.postpone(1_000)), Some(6_000));
    assert_eq!(due_after(|probes| probes.forgo(1_000)), Some(1_001_000));
    let mut probes = Probes::new();
    probes.try_once(0, 2e6);
    probes.forgo(1_000);
    assert_eq!(probes.poll_timeout(1e6), None);
}

#[test]
fn a_cluster_whose_carrier_has_gone_is_given_up_too() {
    for hinder in [Probes::postpone, Probes::forgo] {
        let mut probes = Probes::new();
        probes.set_wanted(Some(2e6));
        probes.poll(0, CALM).unwrap();
        hinder(&mut probes, 1_000_000);
        assert_eq!(probes.poll_timeout(1e6), Some(2_000_000), "its packets may be on their way");
        hinder(&mut probes, 2_000_000);
        assert!(probes.poll_timeout(1e6) > Some(2_000_000));
    }
}

#[test]
fn a_cluster_that_nobody_sends_is_given_up() {
    let mut probes = Probes::new();
    probes.set_wanted(Some(2e6));
    let first = probes.poll(0, CALM).unwrap();
    assert_eq!(probes.poll(1_900_000, CALM), None);
    let next = (20..60).find_map(|tenth| probes.poll(tenth * 100_000, CALM)).unwrap();
    assert_ne!(first.id, next.id);
}
