//! STUN binding messages (RFC 8489) as far as an ICE-lite server needs them (RFC 8445): requests read, answers written.

mod read;
mod write;

use aws_lc_rs::hmac;

pub use read::{BindingRequest, StunError, local_ufrag};
pub use write::{ErrorCode, write_error, write_success};

const HEADER_LEN: usize = 20;
const MAGIC_COOKIE: u32 = 0x2112_A442;
const BINDING_REQUEST: u16 = 0x0001;
const BINDING_SUCCESS: u16 = 0x0101;
const BINDING_ERROR: u16 = 0x0111;

const USERNAME: u16 = 0x0006;
const MESSAGE_INTEGRITY: u16 = 0x0008;
const ERROR_CODE: u16 = 0x0009;
const UNKNOWN_ATTRIBUTES: u16 = 0x000A;
const XOR_MAPPED_ADDRESS: u16 = 0x0020;
const PRIORITY: u16 = 0x0024;
const USE_CANDIDATE: u16 = 0x0025;
const FINGERPRINT: u16 = 0x8028;
const ICE_CONTROLLED: u16 = 0x8029;

const INTEGRITY_LEN: usize = 20;
const FINGERPRINT_XOR: u32 = 0x5354_554E;

/// The key of short-term credentials: the ICE password itself.
pub fn integrity_key(password: &str) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes())
}

/// HMAC over a message up to its MESSAGE-INTEGRITY attribute at `attribute_at`, with a length as if it ended there.
fn integrity(message: &[u8], attribute_at: usize, key: &hmac::Key) -> hmac::Tag {
    let len = (attribute_at + 4 + INTEGRITY_LEN - HEADER_LEN) as u16;
    let mut context = hmac::Context::with_key(key);
    context.update(&message[..2]);
    context.update(&len.to_be_bytes());
    context.update(&message[4..attribute_at]);
    context.sign()
}

/// CRC-32 (ITU V.42) over a message up to its FINGERPRINT attribute, masked.
fn fingerprint(message: &[u8]) -> u32 {
    let crc =
        message.iter().fold(u32::MAX, |crc, &byte| CRC_TABLE[usize::from(crc as u8 ^ byte)] ^ (crc >> 8));
    !crc ^ FINGERPRINT_XOR
}

static CRC_TABLE: [u32; 256] = crc_table();

const fn crc_table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
}

#[cfg(test)]
mod tests;
