//! The corpus of the fuzz targets, replayed: what once was a strange packet stays harmless without a fuzzer at hand.

#[path = "../../fuzz/src/targets.rs"]
pub mod targets;

use std::collections::BTreeSet;
use std::path::Path;

use proptest::prelude::*;

const FUZZ: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz");

fn names(folder: &str) -> BTreeSet<String> {
    let entries = std::fs::read_dir(Path::new(FUZZ).join(folder)).unwrap();
    entries.map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

#[test]
fn every_target_has_a_program_and_a_corpus() {
    let known: BTreeSet<_> = targets::TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(known, names("fuzz_targets"));
    assert_eq!(known, names("corpus"));
}

#[test]
fn the_corpus_of_every_target_is_read_without_a_panic() {
    for (name, target) in targets::TARGETS {
        let inputs: Vec<_> = std::fs::read_dir(Path::new(FUZZ).join("corpus").join(name)).unwrap().collect();
        assert!(inputs.len() >= 3, "{name}");
        for input in inputs {
            target(&std::fs::read(input.unwrap().path()).unwrap());
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_are_survived_by_every_target(data in prop::collection::vec(any::<u8>(), 0..200)) {
        for (_, target) in targets::TARGETS {
            target(&data);
        }
    }
}
