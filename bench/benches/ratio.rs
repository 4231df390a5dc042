//! The media plane's cost of a forwarded packet as a multiple of what the machine asks for at least, in one sitting.
//!
//! Unit of work: one packet that a subscriber received. The node is the real program, filled with bots by
//! `plenum-loadtest sfu`, which reads its CPU time; the limit is copy, header, seal and send without anything else.

#![expect(clippy::print_stdout, reason = "a program for people: its output is the result")]

use plenum_bench::egress_limit::{Batching, cost_per_packet};
use plenum_bench::packets::{AUDIO_PAYLOAD, VIDEO_PAYLOAD};
use serde_json::Value;
use std::{path::PathBuf, process::Command, time::Duration};

const PACKETS: usize = 200_000;

/// What the bots do, and the packets the limit is measured with.
struct Case {
    name: &'static str,
    payload: usize,
    arguments: &'static [&'static str],
}

const CASES: [Case; 2] = [
    Case { name: "audio", payload: AUDIO_PAYLOAD, arguments: &["--audio", "--bots", "20"] },
    Case {
        name: "video, 5-packet frames",
        payload: VIDEO_PAYLOAD,
        arguments: &["--video", "--bots", "10", "--fps", "20", "--video-kbps", "800"],
    },
];

fn main() {
    for case in &CASES {
        let limit = |batching| cost_per_packet(batching, case.payload, PACKETS).expect("loopback sockets");
        let (single, many, segments) =
            (limit(Batching::Single), limit(Batching::Many), limit(Batching::Segments(5)));
        println!(
            "{}: limit sendto {single:?}, sendmmsg {many:?}, sendmmsg of 5 segments {segments:?}",
            case.name
        );
        match forwarded(case) {
            Ok(cost) => {
                let over = |limit: Duration| cost.as_secs_f64() / limit.as_secs_f64();
                println!(
                    "{}: node {cost:?} per forwarded packet = {:.2} x sendto, {:.2} x sendmmsg, {:.2} x segments",
                    case.name,
                    over(single),
                    over(many),
                    over(segments)
                );
            }
            Err(reason) => println!("{}: node not measured: {reason}", case.name),
        }
    }
}

fn forwarded(case: &Case) -> Result<Duration, String> {
    let programs = programs();
    let output = Command::new(programs.join("plenum-loadtest"))
        .args(["sfu", "--json", "--seconds", "10", "--program"])
        .arg(programs.join("plenum-sfu"))
        .args(case.arguments)
        .output()
        .map_err(|error| format!("plenum-loadtest: {error} (cargo build --release --workspace)"))?;
    let report: Value = serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())?;
    let micros = report["server"]["cpu_us_per_forwarded"].as_f64().ok_or("no CPU time in the report")?;
    if !output.status.success() {
        return Err(format!("the run was bad: {}", report["problems"]));
    }
    Ok(Duration::from_secs_f64(micros / 1e6))
}

/// `target/release`: this benchmark runs from `target/release/deps`.
fn programs() -> PathBuf {
    let own = std::env::current_exe().expect("a running program has a path");
    own.ancestors().nth(2).expect("target/release/deps/ratio").to_owned()
}
