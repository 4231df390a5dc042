use std::net::SocketAddr;

use proptest::prelude::*;

use super::*;

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// RFC 5769 section 2.1.
fn sample_request() -> Vec<u8> {
    hex("00010058 2112a442 b7e7a701 bc34d686 fa87dfae 80220010 5354554e 20746573 7420636c 69656e74
        00240004 6e0001ff 80290008 932ff9b1 51263b36 00060009 6576746a 3a683676 59202020
        00080014 9aeaa70c bfd8cb56 781ef2b5 b2d3f249 c1b571a2 80280004 e57a3bcf")
}

const SAMPLE_PASSWORD: &str = "VOkJxbRl1RmTxUk/WvJxBt";

/// RFC 5769 section 2.2, with the SOFTWARE attribute we do not send.
const SAMPLE_IPV4_RESPONSE: &str =
    "0101003c 2112a442 b7e7a701 bc34d686 fa87dfae 8022000b 74657374 20766563 746f7220
    00200008 0001a147 e112a643 00080014 2b91f599 fd9e90c3 8c7489f9 2af9ba53 f06be7d7 80280004 c07d4c96";

#[test]
fn rfc_5769_2_1_request_is_read_and_authentic() {
    let bytes = sample_request();
    let request = BindingRequest::parse(&bytes).unwrap();
    assert_eq!(request.ufrags(), Some(("evtj", "h6vY")));
    assert_eq!(request.priority, Some(0x6E00_01FF));
    assert!(request.from_controlled);
    assert!(!request.use_candidate);
    assert!(request.is_authentic(&integrity_key(SAMPLE_PASSWORD)));
    assert!(!request.is_authentic(&integrity_key("another password")));
    assert_eq!(local_ufrag(&bytes), Some("evtj"));
}

#[test]
fn rfc_5769_2_2_and_2_3_mapped_addresses_are_written_as_in_the_samples() {
    let transaction_id: [u8; 12] = hex("b7e7a701bc34d686fa87dfae").try_into().unwrap();
    let key = integrity_key(SAMPLE_PASSWORD);
    let mut out = Vec::new();
    write_success(&mut out, transaction_id, "192.0.2.1:32853".parse().unwrap(), &key);
    assert_eq!(out[20..32], hex("00200008 0001a147 e112a643"));
    out.clear();
    let address: SocketAddr = "[2001:db8:1234:5678:11:2233:4455:6677]:32853".parse().unwrap();
    write_success(&mut out, transaction_id, address, &key);
    assert_eq!(out[20..44], hex("00200014 0002a147 0113a9fa a5d3f179 bc25f4b5 bed2b9d9"));
}

#[test]
fn rfc_5769_2_2_integrity_and_fingerprint_of_the_response_agree() {
    let sample = hex(SAMPLE_IPV4_RESPONSE);
    let integrity_at = sample.len() - 8 - 24;
    let tag = integrity(&sample, integrity_at, &integrity_key(SAMPLE_PASSWORD));
    assert_eq!(tag.as_ref(), &sample[integrity_at + 4..integrity_at + 24]);
    let checksum = fingerprint(&sample[..sample.len() - 8]);
    assert_eq!(checksum.to_be_bytes(), sample[sample.len() - 4..]);
}

#[test]
fn an_answer_carries_integrity_and_fingerprint() {
    let key = integrity_key("pwd");
    let mut out = Vec::new();
    write_error(&mut out, [7; 12], ErrorCode::UnknownAttribute, &[0x7777], &key);
    let integrity_at = out.len() - 8 - 24;
    assert_eq!(integrity(&out, integrity_at, &key).as_ref(), &out[integrity_at + 4..integrity_at + 24]);
    assert_eq!(fingerprint(&out[..out.len() - 8]).to_be_bytes(), out[out.len() - 4..]);
    assert_eq!(usize::from(u16::from_be_bytes([out[2], out[3]])), out.len() - HEADER_LEN);
}

#[test]
fn a_changed_bit_is_noticed() {
    let key = integrity_key(SAMPLE_PASSWORD);
    let bytes = sample_request();
    // The fingerprint itself may be spoilt into an attribute nobody knows, which changes nothing.
    for bit in 0..(bytes.len() - 8) * 8 {
        let mut forged = bytes.clone();
        forged[bit / 8] ^= 1 << (bit % 8);
        let believed = BindingRequest::parse(&forged).is_ok_and(|r| r.is_authentic(&key));
        assert!(!believed, "bit {bit}");
    }
}

#[test]
fn responses_and_indications_are_not_requests() {
    assert_eq!(BindingRequest::parse(&hex(SAMPLE_IPV4_RESPONSE)).unwrap_err(), StunError::NotARequest);
    let mut indication = sample_request();
    indication[1] = 0x11;
    assert_eq!(BindingRequest::parse(&indication).unwrap_err(), StunError::NotARequest);
}

#[test]
fn a_request_of_thousands_of_attributes_is_not_read_to_its_end() {
    let mut bytes = sample_request()[..20].to_vec();
    bytes.extend(std::iter::repeat_n([0x80, 0, 0, 0], 10_000).flatten());
    let len = (bytes.len() - 20) as u16;
    bytes[2..4].copy_from_slice(&len.to_be_bytes());
    assert_eq!(BindingRequest::parse(&bytes).unwrap_err(), StunError::Malformed);
    assert_eq!(local_ufrag(&bytes), None);
}

proptest! {
    #[test]
    fn any_bytes_are_read_to_an_end(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in 0usize..108) {
        let _ = BindingRequest::parse(&bytes);
        let _ = local_ufrag(&bytes);
        let mut mutated = sample_request();
        for (at, byte) in bytes.iter().enumerate().take(20) {
            let at = (at * 37 + usize::from(*byte)) % mutated.len();
            mutated[at] = *byte;
        }
        let _ = BindingRequest::parse(&mutated);
        mutated.truncate(cut);
        let _ = BindingRequest::parse(&mutated);
        let _ = local_ufrag(&mutated);
    }
}
