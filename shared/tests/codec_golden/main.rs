//! The bytes of every message, one file each in `tests/golden/`, so that a format change is seen in review.
//!
//! `UPDATE_GOLDEN=1 cargo test -p plenum-shared --test codec_golden` writes the files anew. Only additions are
//! compatible: bytes that an older build wrote must keep their meaning.

mod names;
mod samples;

use names::*;
use plenum_shared::codec::*;
use samples::*;
use std::{collections::BTreeSet, fs, path::PathBuf};

fn golden_directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// The pinned bytes of a message, after they were compared with what we write today.
fn pinned(name: &str, written: &[u8]) -> Vec<u8> {
    let path = golden_directory().join(format!("{name}.hex"));
    let hex = hex_lines(written);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, &hex).expect("the folder is writable");
    }
    let golden =
        fs::read_to_string(&path).expect("a golden file for this message; UPDATE_GOLDEN=1 writes it");
    assert_eq!(golden, hex, "{name}: the wire format changed");
    bytes_of(&golden)
}

fn hex_lines(bytes: &[u8]) -> String {
    bytes
        .chunks(32)
        .map(|line| line.iter().map(|byte| format!("{byte:02x}")).collect::<String>() + "\n")
        .collect()
}

fn bytes_of(hex: &str) -> Vec<u8> {
    let digits: Vec<char> = hex.chars().filter(|c| !c.is_whitespace()).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(&String::from_iter(pair), 16).expect("hex digits"))
        .collect()
}

/// The one message in a frame.
fn unframed(frame: &[u8]) -> Vec<u8> {
    let mut reader = FrameReader::new(REPLY_LEN_MAX);
    reader.feed(frame);
    let message = reader.next_message().expect("within bounds").expect("complete");
    assert!(reader.is_empty());
    message.to_vec()
}

#[test]
fn every_request_has_its_pinned_bytes() {
    for request in requests() {
        let golden = pinned(request_name(&request.command), &encode_request(&request).unwrap());
        assert_eq!(decode_request(&unframed(&golden)), Ok(request));
    }
}

#[test]
fn every_response_has_its_pinned_bytes() {
    for response in responses() {
        let golden = pinned(response_name(&response), &encode_response(&response).unwrap());
        assert_eq!(decode_response(&unframed(&golden)), Ok(response));
    }
}

#[test]
fn every_event_has_its_pinned_bytes() {
    for event in events() {
        let golden = pinned(event_name(&event.event), &encode_event(&event).unwrap());
        assert_eq!(decode_event(&unframed(&golden)), Ok(event));
    }
}

#[test]
fn registration_has_its_pinned_bytes() {
    let golden = pinned("hello", &encode_hello(&hello()).unwrap());
    assert_eq!(decode_hello(&unframed(&golden)), Ok(hello()));
    for welcome in welcomes() {
        let golden = pinned(welcome_name(&welcome), &encode_welcome(&welcome).unwrap());
        assert_eq!(decode_welcome(&unframed(&golden)), Ok(welcome));
    }
}

#[test]
fn a_load_report_has_its_pinned_bytes() {
    let golden = pinned("load-report", &encode_load_report(&load_report()));
    assert_eq!(decode_load_report(&golden), Ok(load_report()));
}

#[test]
fn every_variant_has_a_sample_and_a_file_and_every_file_a_variant() {
    let samples = |names: Vec<&'static str>| names.into_iter().collect::<BTreeSet<_>>();
    let expected = |names: &[&'static str]| names.iter().copied().collect::<BTreeSet<_>>();
    assert_eq!(
        samples(requests().iter().map(|one| request_name(&one.command)).collect()),
        expected(REQUESTS)
    );
    assert_eq!(samples(responses().iter().map(response_name).collect()), expected(RESPONSES));
    assert_eq!(samples(events().iter().map(|one| event_name(&one.event)).collect()), expected(EVENTS));
    assert_eq!(samples(welcomes().iter().map(welcome_name).collect()), expected(WELCOMES));

    let files: BTreeSet<String> = fs::read_dir(golden_directory())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let named: BTreeSet<String> = [REQUESTS, RESPONSES, EVENTS, WELCOMES, &["hello", "load-report"]]
        .concat()
        .into_iter()
        .map(|name| format!("{name}.hex"))
        .collect();
    assert_eq!(files, named);
}
