//! How much of what browsers send leaves in groups, and how long it waits for that: `bench/captures` played to the engine.
//!
//! Unit of work: one packet to a subscriber. A group is a message to the kernel of several datagrams (UDP_SEGMENT); the
//! patience is `SFU_FRAME_PATIENCE_US`.

#![expect(clippy::print_stdout, reason = "a program for people: its output is the result")]

use plenum_bench::room::{Captured, Media, Room};
use std::{fs, path::Path, time::Duration};

const PATIENCE_US: [u64; 6] = [0, 200, 500, 1000, 2000, 5000];
/// Captures that are played once more as from behind a pacer, as older browsers and simple senders have one.
const PACED: &str = "-1500";
const PAUSE: Duration = Duration::from_millis(5);

fn main() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    let mut files: Vec<_> = fs::read_dir(&folder)
        .expect("the captures are part of the repository")
        .map(|entry| entry.expect("a readable folder").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "csv"))
        .collect();
    files.sort();
    println!("| capture | patience | in groups | datagrams a message | held p50 / p99 | bytes added |");
    println!("| --- | --- | --- | --- | --- | --- |");
    for path in files {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).expect("a readable file");
        let capture = Captured::read(&text).expect("lines of numbers");
        play(&name, &capture);
        if name.contains(PACED) {
            for burst in [1, 2] {
                play(&format!("{name}, {burst} in {PAUSE:?}"), &Captured::paced(&capture, burst, PAUSE));
            }
        }
    }
}

fn play(name: &str, capture: &[Captured]) {
    let mut least = 0;
    for patience in PATIENCE_US {
        let mut room = Room::patient(Media::Video, 1, Duration::from_micros(patience));
        let mut shares = room.replay(capture);
        assert!(shares.datagrams >= capture.len(), "everything is forwarded");
        let (middle, most) = (shares.held_at(0.5), shares.held_at(0.99));
        least = if least == 0 { shares.bytes } else { least };
        println!(
            "| {name} | {patience} µs | {:.1} % | {:.2} | {middle:?} / {most:?} | {:+.2} % |",
            shares.grouped_share() * 100.0,
            shares.per_message(),
            (shares.bytes as f64 / least as f64 - 1.0) * 100.0,
        );
    }
}
