//! The programs under test.

use std::{env, path::PathBuf};

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
