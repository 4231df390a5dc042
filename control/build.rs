//! Folders the compiler does not watch by itself: migrations, and the built web client that goes into the binary.

use std::path::Path;

fn main() {
    println!("cargo:rerun-if-changed=migrations");
    // Cargo takes a watched path that is missing for changed, every time; so the folder is there, empty until somebody
    // builds the client. Where it cannot be made (a read-only checkout) it cannot appear later either.
    let dist = Path::new("../web/dist");
    let _ = std::fs::create_dir_all(dist);
    if dist.exists() {
        println!("cargo:rerun-if-changed=../web/dist");
    }
}
