//! STUN binding requests as a browser sends them, byte by byte (RFC 8489).

use aws_lc_rs::hmac;
use plenum_shared::transport::IceParameters;

/// What a binding request says beside its credentials.
#[derive(Debug, Clone, Copy, Default)]
pub struct Check {
    pub use_candidate: bool,
    pub controlled: bool,
    pub unknown_attribute: bool,
}

/// A request to `remote`, from the ufrag that the client gave itself.
pub fn binding_request(check: Check, remote: &IceParameters, ufrag: &str) -> Vec<u8> {
    let mut message = vec![0, 1, 0, 0, 0x21, 0x12, 0xA4, 0x42];
    message.extend(*b"transaction!");
    let username = format!("{}:{ufrag}", remote.username_fragment);
    attribute(&mut message, 0x0006, username.as_bytes());
    attribute(&mut message, 0x0024, &0x6E00_01FF_u32.to_be_bytes());
    attribute(&mut message, if check.controlled { 0x8029 } else { 0x802A }, &[7; 8]);
    attribute(&mut message, 0xC057, &[0, 1, 0, 10]);
    if check.use_candidate {
        attribute(&mut message, 0x0025, &[]);
    }
    if check.unknown_attribute {
        attribute(&mut message, 0x7777, &[1]);
    }
    // The length that MESSAGE-INTEGRITY covers includes itself (section 14.5), and so for FINGERPRINT (14.7).
    set_len(&mut message, 24);
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, remote.password.as_bytes());
    let tag = hmac::sign(&key, &message);
    attribute(&mut message, 0x0008, tag.as_ref());
    set_len(&mut message, 8);
    let checksum = crc32(&message) ^ 0x5354_554E;
    attribute(&mut message, 0x8028, &checksum.to_be_bytes());
    message
}

fn attribute(message: &mut Vec<u8>, kind: u16, value: &[u8]) {
    message.extend(kind.to_be_bytes());
    message.extend((value.len() as u16).to_be_bytes());
    message.extend(value);
    message.resize(message.len().next_multiple_of(4), 0);
    set_len(message, 0);
}

fn set_len(message: &mut [u8], ahead: usize) {
    let len = (message.len() - 20 + ahead) as u16;
    message[2..4].copy_from_slice(&len.to_be_bytes());
}

/// Bit by bit, unlike the one it checks.
fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
        }
    }
    !crc
}
