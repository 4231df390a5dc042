//! `/metrics`: the names that dashboards rely on.

use crate::{
    control::Pki,
    node::{config, start_pool},
};
use plenum_sfu::{link::LinkStatus, telemetry::metrics};
use std::{collections::BTreeSet, fs, net::SocketAddr, path::PathBuf};

#[test]
fn names_and_types_are_those_that_dashboards_know() {
    let pki = Pki::new();
    let (pool, _gate) = start_pool(&config(SocketAddr::from(([127, 0, 0, 1], 1)), &pki, 1));
    let page = metrics::render(&pool, &LinkStatus::default());
    let names: String = page
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .map(|line| format!("{line}\n"))
        .collect();
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/metrics.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, &names).unwrap();
    }
    assert_eq!(names, fs::read_to_string(&path).unwrap(), "UPDATE_GOLDEN=1 writes {} anew", path.display());
}

#[test]
fn every_value_has_a_head_and_every_head_a_value() {
    let pki = Pki::new();
    let (pool, _gate) = start_pool(&config(SocketAddr::from(([127, 0, 0, 1], 1)), &pki, 2));
    let page = metrics::render(&pool, &LinkStatus::default());
    let heads = |prefix: &str| -> BTreeSet<String> {
        let heads = page.lines().filter_map(|line| line.strip_prefix(prefix));
        heads.map(|head| head.split(' ').next().unwrap().to_owned()).collect()
    };
    let values: BTreeSet<String> = page
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let (name, value) = line.rsplit_once(' ').unwrap();
            assert!(value.parse::<f64>().is_ok(), "{line}");
            let name = name.split('{').next().unwrap();
            let of_histogram = ["_bucket", "_sum", "_count"].iter().find_map(|part| name.strip_suffix(part));
            of_histogram.unwrap_or(name).to_owned()
        })
        .collect();
    assert_eq!(values, heads("# TYPE "));
    assert_eq!(values, heads("# HELP "));
    assert!(page.contains("plenum_sfu_rooms{worker=\"1\"} 0"), "{page}");
}
