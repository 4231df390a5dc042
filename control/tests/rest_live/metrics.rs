//! The names of control's metrics: one list, held against the code, a running server, and whoever draws them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::support::World;

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}

/// Names and kinds, one a line.
fn listed(path: &str) -> BTreeMap<String, String> {
    let text = fs::read_to_string(workspace().join(path)).expect("a list");
    let line = |line: &str| line.split_once(' ').map(|(name, kind)| (name.to_owned(), kind.to_owned()));
    text.lines().filter_map(line).collect()
}

fn ours() -> BTreeMap<String, String> {
    listed("control/tests/golden/metrics.txt")
}

/// Every file below a folder.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

fn texts(folder: &str) -> Vec<String> {
    let mut found = Vec::new();
    files(&workspace().join(folder), &mut found);
    found.iter().map(|path| fs::read_to_string(path).expect("text")).collect()
}

/// Every word of a text that looks like a metric.
fn names(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let word = |at: usize| text[at..].split(|c| !is_part(c)).next().unwrap_or_default().to_owned();
    // The crate itself is no metric.
    text.match_indices("plenum_").map(|(at, _)| word(at)).filter(|name| name != "plenum_control").collect()
}

#[test]
fn add_10_the_list_names_what_the_code_counts_and_nothing_else() {
    let quoted = |text: &String| -> BTreeSet<String> {
        let whole = |name: &String| text.contains(&format!("\"{name}\""));
        names(text).into_iter().filter(whole).collect()
    };
    let counted: BTreeSet<_> = texts("control/src").iter().flat_map(quoted).collect();
    let listed: BTreeSet<_> = ours().into_keys().collect();
    assert_eq!(counted, listed, "control/tests/golden/metrics.txt");
}

#[test]
fn add_10_dashboards_and_alerts_ask_only_for_metrics_that_there_are() {
    let sfu = listed("sfu/tests/golden/metrics.txt");
    let known: BTreeSet<_> = ours().into_keys().chain(sfu.into_keys()).collect();
    let base = |name: String| {
        let suffix = ["_bucket", "_sum", "_count"].into_iter().find_map(|suffix| name.strip_suffix(suffix));
        suffix.filter(|base| known.contains(*base)).map(str::to_owned).unwrap_or(name)
    };
    let asked: BTreeSet<_> = ["grafana/dashboards", "grafana/alerts"]
        .into_iter()
        .flat_map(texts)
        .flat_map(|t| names(&t))
        .map(base)
        .collect();
    assert!(asked.len() > 20, "{asked:?}");
    let unknown: Vec<_> = asked.difference(&known).filter(|name| name.as_str() != "plenum_").collect();
    assert_eq!(unknown, Vec::<&String>::new());
}

#[tokio::test]
async fn add_10_a_running_server_exports_metrics_of_the_listed_names_and_kinds() {
    let world = World::start().await;
    let _node = world.node().await;
    let (meeting, host, _) = world.hosted(json!({})).await;
    host.call("create-transport", json!({ "meetingId": meeting, "direction": "send" })).await;
    host.call("send-message", json!({ "meetingId": meeting })).await;
    let url = format!("http://127.0.0.1:{}/metrics", world.port);
    let page = reqwest::get(url).await.expect("answers").text().await.expect("text");
    let exported = page.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    let exported: Vec<_> = exported.filter(|(name, _)| name.starts_with("plenum_")).collect();
    assert!(exported.len() > 15, "{exported:?}");
    let ours = ours();
    for (name, kind) in exported {
        assert_eq!(ours.get(name).map(String::as_str), Some(kind), "{name}");
    }
}
