//! The estimate over simulated paths: what it settles at, how soon it follows, and what it leaves in queues.

mod bounds;
mod link;

use link::{Lab, Path, Source, mean};

const SEEDS: [u64; 4] = [1, 2, 3, 4];

fn show(lab: &Lab, what: &str) {
    if std::env::var_os("SHOW_ESTIMATES").is_none() {
        return;
    }
    for (index, peer) in lab.peers.iter().enumerate() {
        for (tenth, seen) in peer.seen.iter().enumerate() {
            println!(
                "{what} {index} {:5.1} s  {:7.0} kbit/s  arrived {:7.0}  queue {:4.0} ms",
                tenth as f64 / 10.0,
                seen.estimate / 1e3,
                seen.arrived / 1e3,
                seen.queue_ms
            );
        }
    }
}

/// Between 10 and 40 seconds over a path, the mean rate that arrived and the mean of the queue that stands.
fn settled(seed: u64, path: Path, what: &str) -> (f64, f64, f64) {
    let mut lab = Lab::new(seed, path, vec![Source::Elastic(10e6)]);
    lab.run(40.0);
    show(&lab, what);
    let seen = lab.peers[0].between(10.0, 40.0);
    (mean(seen, |s| s.estimate), mean(seen, |s| s.arrived), mean(seen, |s| s.queue_ms))
}

#[test]
fn a_path_of_one_megabit_is_used_and_its_queue_stays_short() {
    for seed in SEEDS {
        let (estimate, arrived, queue_ms) = settled(seed, Path::of(1e6), "fixed");
        println!("fixed: estimate {estimate:.0} arrived {arrived:.0} queue {queue_ms:.0} ms");
        assert!((0.85e6..1.1e6).contains(&estimate) && arrived > 0.85e6 && queue_ms < 100.0);
    }
}

#[test]
fn random_loss_is_no_reason_to_send_less() {
    for seed in SEEDS {
        for (loss, least) in [(0.02, 0.85), (0.05, 0.85), (0.1, 0.85), (0.2, 0.6)] {
            let path = Path { loss, ..Path::of(2e6) };
            let (estimate, arrived, queue_ms) = settled(seed, path, "loss");
            println!("loss {loss}: estimate {estimate:.0} arrived {arrived:.0} queue {queue_ms:.0} ms");
            assert!(estimate > 2e6 * least && queue_ms < 100.0, "{loss} {estimate} {queue_ms}");
        }
    }
}

#[test]
fn jitter_of_200_ms_is_no_reason_to_send_less() {
    for seed in SEEDS {
        for (jitter_us, wander_us) in [(0, 200_000), (200_000, 0), (30_000, 0)] {
            let path = Path { jitter_us, wander_us, ..Path::of(2e6) };
            let (estimate, arrived, queue_ms) = settled(seed, path, "jitter");
            println!("jitter: estimate {estimate:.0} arrived {arrived:.0} queue {queue_ms:.0} ms");
            // Over a delay that wanders a full path cannot be told from a quiet one soon.
            let least = if wander_us > 0 { 0.7 } else { 0.85 };
            assert!(estimate > 2e6 * least, "{jitter_us} {wander_us} {estimate}");
        }
    }
}

#[test]
fn a_policer_is_found_without_a_queue() {
    for seed in SEEDS {
        let path = Path { policer: Some((1e6, 12_500.0)), ..Path::of(20e6) };
        let (estimate, arrived, _) = settled(seed, path, "policer");
        println!("policer: estimate {estimate:.0} arrived {arrived:.0}");
        assert!(arrived > 0.85e6 && estimate < 1.2e6, "{estimate} {arrived}");
    }
}

#[test]
fn a_step_down_is_followed_within_a_second_and_a_step_up_within_ten() {
    for seed in SEEDS {
        let mut lab = Lab::new(seed, Path::of(3e6), vec![Source::Elastic(3.5e6)]);
        lab.run(20.0);
        lab.path.rate = 0.8e6;
        lab.run(20.0);
        lab.path.rate = 3e6;
        lab.run(20.0);
        show(&lab, "step");
        let seen = &lab.peers[0].seen;
        let down = seen[200..].iter().position(|s| s.estimate <= 0.85e6).unwrap();
        let up = seen[400..].iter().position(|s| s.estimate >= 2.55e6).unwrap();
        println!("step: down {down} up {up} tenths of a second");
        assert!(down <= 10 && up <= 100);
        assert!(mean(lab.peers[0].between(25.0, 40.0), |s| s.arrived) > 0.85 * 0.8e6);
        let queue_ms = mean(lab.peers[0].between(25.0, 40.0), |s| s.queue_ms);
        assert!(queue_ms < 100.0, "{queue_ms}");
        assert!(mean(lab.peers[0].between(50.0, 60.0), |s| s.arrived) > 0.85 * 3e6);
    }
}

#[test]
fn layers_follow_a_step_and_do_not_swing() {
    for seed in SEEDS {
        let layers = Source::Layers(vec![0.1e6, 0.4e6, 1.5e6]);
        let mut lab = Lab::new(seed, Path::of(3e6), vec![layers]);
        lab.run(20.0);
        assert_eq!(lab.peers[0].layer, 2);
        lab.path.rate = 0.8e6;
        lab.run(30.0);
        assert_eq!(lab.peers[0].layer, 1);
        lab.path.rate = 3e6;
        lab.run(10.0);
        show(&lab, "layers");
        println!("layers: changes at {:?}", lab.peers[0].layer_changes);
        assert_eq!(lab.peers[0].layer, 2);
        let changes = |from: u64, to: u64| {
            lab.peers[0]
                .layer_changes
                .iter()
                .filter(|&&at| at > from * 1_000_000 && at < to * 1_000_000)
                .count()
        };
        assert!(lab.peers[0].layer_changes.iter().any(|at| (20_000_000..=21_000_000).contains(at)));
        assert!(changes(5, 20) == 0 && changes(23, 50) == 0 && changes(20, 23) <= 3);
    }
}

#[test]
fn layers_that_do_not_use_the_path_leave_the_estimate_where_it_is() {
    let camera = || Source::Layers(vec![0.15e6, 0.5e6, 1.7e6]);
    let fixed = Path::of(1e6);
    let policed = Path { policer: Some((1e6, 32_000.0)), ..Path::of(20e6) };
    for seed in SEEDS {
        for (what, path, layer) in [
            ("fixed", fixed, 1),
            ("policer", policed, 1),
            ("wander", Path { wander_us: 200_000, ..Path::of(2.5e6) }, 2),
            ("loss 10 %", Path { loss: 0.1, ..Path::of(2.5e6) }, 2),
            ("loss 20 %", Path { loss: 0.2, ..Path::of(2.5e6) }, 2),
        ] {
            let mut lab = Lab::new(seed, path, vec![camera()]);
            lab.run(60.0);
            show(&lab, what);
            let seen = lab.peers[0].between(20.0, 60.0);
            let late = lab.peers[0].layer_changes.iter().filter(|&&at| at > 20_000_000).count();
            println!(
                "camera, {what}: estimate {:.0} arrived {:.0} queue {:.0} ms, changes {:?}",
                mean(seen, |s| s.estimate),
                mean(seen, |s| s.arrived),
                mean(seen, |s| s.queue_ms),
                lab.peers[0].layer_changes
            );
            assert!(late <= 2 && lab.peers[0].layer == layer, "{what}");
            if layer == 1 {
                assert!(mean(seen, |s| s.estimate) > 0.85e6, "{what}");
            }
        }
    }
}

#[test]
fn four_that_share_a_queue_share_it_and_keep_it_short() {
    for seed in SEEDS {
        let mut lab = Lab::new(seed, Path::of(4e6), vec![Source::Elastic(5e6); 4]);
        lab.run(60.0);
        show(&lab, "shared");
        let rates: Vec<f64> =
            lab.peers.iter().map(|peer| mean(peer.between(30.0, 60.0), |s| s.arrived)).collect();
        let queue_ms = mean(lab.peers[0].between(30.0, 60.0), |s| s.queue_ms);
        println!("shared: {rates:.0?} queue {queue_ms:.0} ms");
        assert!(rates.iter().sum::<f64>() > 0.85 * 4e6 && queue_ms < 100.0);
        assert!(rates.iter().all(|&rate| rate > 0.3e6), "{rates:?}");
    }
}

#[test]
fn a_path_that_is_dead_for_five_seconds_is_used_again_soon() {
    for seed in SEEDS {
        let mut lab = Lab::new(seed, Path::of(2e6), vec![Source::Elastic(2.5e6)]);
        lab.run(20.0);
        lab.path.dead = true;
        lab.run(5.0);
        let low = lab.peers[0].estimate.bitrate().0;
        lab.path.dead = false;
        lab.run(20.0);
        show(&lab, "dead");
        let back = lab.peers[0].seen[250..].iter().position(|s| s.estimate >= 1.7e6).unwrap();
        println!("dead: down to {low}, back after {back} tenths of a second");
        assert!(low < 200_000 && back <= 50);
        assert!(mean(lab.peers[0].between(30.0, 45.0), |s| s.arrived) > 0.85 * 2e6);
    }
}
