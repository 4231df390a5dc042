//! A whole round against our own node alone: everything that is asked of a server, and the JSON that others read.

use serde_json::Value;
use std::{collections::BTreeSet, env, path::PathBuf, process::Command};

/// `target/<profile>/plenum-sfu`, where `cargo build --workspace` puts it.
fn node() -> PathBuf {
    let test = env::current_exe().expect("a running test has a path");
    let node = test.ancestors().nth(2).expect("target/<profile>/deps/<test>").join("plenum-sfu");
    assert!(node.is_file(), "{} is missing: cargo build -p plenum-sfu", node.display());
    node
}

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

#[test]
fn a_round_delivers_every_packet_of_the_load_and_says_what_it_cost() {
    let json = tempfile::NamedTempFile::new().expect("a temporary file");
    let ran = Command::new(env!("CARGO_BIN_EXE_versus"))
        .args(["--loads", "2x3", "--rounds", "1", "--seconds", "1", "--settle", "0", "--host", "127.0.0.1"])
        .args(["--unpinned", "--video-bps", "300000", "--plenum"])
        .arg(node())
        .arg("--json")
        .arg(json.path())
        .output()
        .expect("the program starts");
    let told = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{told}{}", String::from_utf8_lossy(&ran.stderr));
    assert!(told.contains("| 2x3 | plenum |"), "{told}");

    let report: Value =
        serde_json::from_slice(&std::fs::read(json.path()).expect("it was written")).expect("JSON");
    let expected = ["command", "goals", "machine", "revision", "rounds", "servers", "table"];
    assert_eq!(keys(&report), expected.into());
    let [round] = &report["rounds"].as_array().expect("a list")[..] else { panic!("one round: {report}") };
    let expected = "cores cpu_us_per_packet delay_p50_ms delay_p99_ms description kb_per_viewer kernel_share load \
                    load_cores missing other_packets packets seconds server unauthentic";
    assert_eq!(keys(round), expected.split_whitespace().collect());
    let number = |key: &str| round[key].as_f64().unwrap_or_else(|| panic!("{key} of {round}"));
    assert_eq!(
        (round["server"].as_str(), number("missing"), number("unauthentic")),
        (Some("plenum"), 0.0, 0.0)
    );
    // How many come in this second, only a machine with nothing else to do could say.
    assert!(number("packets") > 0.0 && number("cpu_us_per_packet") > 0.0, "{round}");
    assert!(number("delay_p99_ms") >= number("delay_p50_ms") && number("delay_p50_ms") > 0.0, "{round}");
    // Nobody else was there to be compared with.
    let aims: Vec<_> =
        report["goals"].as_array().expect("a list").iter().map(|it| it["what"].as_str()).collect();
    assert_eq!(aims, [Some("kB per viewer")]);
}
