//! The whole-path program in miniature: a real node, three viewers, a second each.

use plenum_bench::{
    allocations::Counting,
    path::{Settings, measure},
    table::Figure,
};
use std::{env, path::PathBuf, time::Duration};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// `target/<profile>/`, where `cargo build --workspace` puts the node.
fn programs() -> PathBuf {
    let test = env::current_exe().expect("a running test has a path");
    let programs = test.ancestors().nth(2).expect("target/<profile>/deps/<test>").to_owned();
    let node = programs.join("plenum-sfu");
    assert!(node.is_file(), "{} is missing: cargo build -p plenum-sfu", node.display());
    programs
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn viewers_get_every_packet_and_all_rows_are_there() {
    let asked_for = [
        Figure::Allocations,
        Figure::CostOverLimit,
        Figure::TimeInsideMedian,
        Figure::TimeInsideP99,
        Figure::MemoryReceiving,
    ];
    let settings = Settings {
        programs: programs(),
        people: vec![2, 3],
        people_max: 3,
        time: Duration::from_millis(400),
        settle: Duration::from_millis(200),
        idle: 3,
        sample: 1,
        figures: asked_for.to_vec(),
    };
    let found = measure(&settings, &|line| eprintln!("{line}")).await;
    for figure in asked_for {
        assert!(found.table.value(figure).is_some(), "{}\n{}", figure.key(), found.table);
    }
    assert!(found.table.holds(Figure::Allocations), "{}", found.table);
    assert!(found.table.value(Figure::CostOverLimit).is_some_and(|it| it > 0.1), "{}", found.table);
    assert!(!found.table.holds(Figure::TimeInsideMedian), "three viewers are no load\n{}", found.table);
    let json = found.table.json();
    assert!(Figure::ALL.iter().all(|figure| json[figure.key()]["detail"].is_string()));
    assert_eq!(json["join_p50"]["detail"], "not asked for");
    for load in &found.loads {
        assert_eq!((&load["missing"], &load["wrong"]), (&0.into(), &0.into()), "{load}");
        // How many come in the time, only a machine with nothing else to do could say.
        assert_eq!(load["due_per_s"], 225.0 * load["people"].as_f64().unwrap_or_default(), "{load}");
        assert!(load["delay_video"]["count"].as_u64().is_some_and(|it| it > 0), "{load}");
    }
    let (sent, received) = found.counted.expect("the node says what it sent");
    assert!(sent > 0 && sent == received, "sent {sent}, received {received}");
}
