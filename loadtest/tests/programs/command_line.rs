//! The program as somebody runs it: exit codes, and the fields of the JSON that others read.

use crate::support::node;
use serde_json::Value;
use std::{collections::BTreeSet, process::Command};

struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

/// A livestream to two on a bare node, which is found beside the program, with further options.
fn livestream(options: &[&str]) -> Ran {
    // Says so if it is missing.
    node();
    run(&[&["livestream", "--bare", "--viewers", "2", "--video-kbps", "300"], options].concat())
}

/// From another folder than that of the sources.
fn run(arguments: &[&str]) -> Ran {
    let mut program = Command::new(env!("CARGO_BIN_EXE_plenum-loadtest"));
    let output = program.args(arguments).current_dir("/").output().expect("the program starts");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// Every field by its path; the elements of a list are one.
fn fields(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            map.iter().for_each(|(key, value)| fields(value, &format!("{path}.{key}"), found));
        }
        Value::Array(list) => list.iter().for_each(|value| fields(value, &format!("{path}[]"), found)),
        _ => {
            found.insert(path.trim_start_matches('.').to_owned());
        }
    }
}

#[test]
fn thresholds_that_hold_are_a_good_run_and_the_fields_of_its_report_are_known() {
    let ran = livestream(&["--json", "--max-loss", "1", "--max-p99-ms", "9000", "--seconds", "1.5"]);
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
    let report: Value = serde_json::from_str(&ran.out).expect("JSON and nothing else");
    let mut found = BTreeSet::new();
    fields(&report, "", &mut found);
    // Depends on how busy the machine is.
    found.remove("generator.no_proof[]");
    let found = found.into_iter().collect::<Vec<_>>().join("\n") + "\n";
    assert_eq!(found, include_str!("../golden/report-fields.txt"), "tests/golden/report-fields.txt");
    assert!(ran.err.contains("packets/s in"), "a line a second: {}", ran.err);
}

#[test]
fn a_threshold_that_breaks_is_exit_code_one_and_named() {
    let page = tempfile::NamedTempFile::new().expect("a temporary file");
    let path = page.path().display().to_string();
    let ran = livestream(&["--quiet", "--seconds", "0.6", "--max-p99-ms", "0", "--html", &path]);
    assert_eq!(ran.code, Some(1), "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("BROKEN --max-p99-ms 0: "), "{}", ran.out);
    assert_eq!(ran.err, "", "quiet");
    let html = std::fs::read_to_string(page.path()).expect("the page was written");
    assert!(html.starts_with("<!doctype html>") && html.contains("--max-p99-ms"), "{html}");
}

#[test]
fn without_a_server_there_is_no_report_but_exit_code_two() {
    let ran = run(&["meeting", "--url", "http://127.0.0.1:1", "--people", "1"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""));
    assert!(ran.err.contains("plenum-loadtest: "), "{}", ran.err);
    let ran = run(&["sfu", "--program", "/does/not/exist"]);
    assert_eq!(ran.code, Some(2), "{}", ran.err);
}

#[test]
fn numbers_that_cannot_be_are_refused_before_anything_starts() {
    let refused = [
        &["livestream", "--seconds", "inf"][..],
        &["livestream", "--ramp-s", "1e30"],
        &["churn", "--stay-s", "-1"],
        &["churn", "--joins-per-second", "-2"],
        &["chat-storm", "--messages-per-second", "NaN"],
        &["meeting", "--loss", "7"],
        &["meeting", "--fps", "0"],
        &["events", "--seconds", "1e300"],
    ];
    for arguments in refused {
        let ran = run(arguments);
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(ran.err.contains("expected") || ran.err.contains("is not in"), "{arguments:?}: {}", ran.err);
    }
    let program = node().program.display().to_string();
    let many = ["churn", "--bare", "--joins-per-second", "1e6", "--program", &program];
    let ran = run(&many);
    assert_eq!(ran.code, Some(2), "{}", ran.err);
    assert!(ran.err.contains("20000010 people are more than"), "{}", ran.err);
}
