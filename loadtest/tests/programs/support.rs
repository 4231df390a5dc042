//! The programs under test, and what is asked of them everywhere.

use plenum_loadtest::{scenario::MediaSettings, signal::node::LaunchSettings};
use std::{env, net::Ipv4Addr, path::PathBuf};

/// The path in the variable, or the program beside this test's own executable (`target/<profile>/`).
///
/// A missing program is a failure with the command that makes it: a test that is left out proves nothing.
pub fn program(variable: &str, name: &str, package: &str) -> PathBuf {
    let given = env::var_os(variable).map(PathBuf::from);
    let beside = || {
        let test = env::current_exe().expect("a running test has a path");
        test.ancestors().nth(2).expect("target/<profile>/deps/<test>").join(name)
    };
    let path = given.unwrap_or_else(beside);
    assert!(
        path.is_file(),
        "{} is missing: build it with `cargo build -p {package}`, or set {variable}",
        path.display()
    );
    path
}

/// One worker of a bare media node.
pub fn node() -> LaunchSettings {
    let program = program("PLENUM_SFU_BIN", "plenum-sfu", "plenum-sfu");
    LaunchSettings { program, workers: 1, listen: Ipv4Addr::LOCALHOST.into(), log: "warn".into() }
}

/// Publishers of one small layer: two cores carry a few dozen with unoptimised builds on both sides.
pub fn small() -> MediaSettings {
    MediaSettings {
        simulcast: false,
        frames_per_second: 10,
        video_bitrate_bps: 100_000,
        ..MediaSettings::default()
    }
}
