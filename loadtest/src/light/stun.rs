//! STUN binding messages (RFC 8489) as a full ICE agent sends and answers them (RFC 8445 section 7).

use aws_lc_rs::{constant_time, hmac};
use std::net::{IpAddr, SocketAddr};

const HEADER_LEN: usize = 20;
const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
const REQUEST: u16 = 0x0001;
const SUCCESS: u16 = 0x0101;

const USERNAME: u16 = 0x0006;
const MESSAGE_INTEGRITY: u16 = 0x0008;
const XOR_MAPPED_ADDRESS: u16 = 0x0020;
const PRIORITY: u16 = 0x0024;
const USE_CANDIDATE: u16 = 0x0025;
const FINGERPRINT: u16 = 0x8028;
const ICE_CONTROLLING: u16 = 0x802a;

/// Type preference of a host candidate, local preference and component 1 (RFC 8445 section 5.1.2).
const HOST_PRIORITY: u32 = 126 << 24 | 65_535 << 8 | 255;
const FINGERPRINT_XOR: u32 = 0x5354_554e;

/// The number of a request and of its answer.
pub type Transaction = [u8; 12];

/// What a STUN message is to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Message {
    /// A check of the other side, to be answered.
    Check(Transaction),
    /// The answer to one of ours.
    Answer(Transaction),
}

pub(super) fn is_stun(bytes: &[u8]) -> bool {
    bytes.len() >= HEADER_LEN && bytes[0] < 4 && bytes[4..8] == MAGIC_COOKIE
}

/// A check that nominates its pair: the server has one address.
pub fn write_check(username: &str, password: &str, transaction: Transaction) -> Vec<u8> {
    let mut message = begin(REQUEST, transaction);
    attribute(&mut message, USERNAME, username.as_bytes());
    attribute(&mut message, PRIORITY, &HOST_PRIORITY.to_be_bytes());
    attribute(&mut message, ICE_CONTROLLING, &transaction[..8]);
    attribute(&mut message, USE_CANDIDATE, &[]);
    finish(&mut message, password);
    message
}

/// A request without credentials, as whoever looks for open ports sends it.
pub fn write_bare_request(transaction: Transaction) -> Vec<u8> {
    let mut message = begin(REQUEST, transaction);
    add_fingerprint(&mut message);
    message
}

pub(super) fn write_answer(transaction: Transaction, seen: SocketAddr, password: &str) -> Vec<u8> {
    let mut message = begin(SUCCESS, transaction);
    attribute(&mut message, XOR_MAPPED_ADDRESS, &xored(seen, transaction));
    finish(&mut message, password);
    message
}

/// Reads a message of somebody who knows the password: a check is signed with ours, an answer with theirs.
pub(super) fn read(bytes: &[u8], our_password: &str, their_password: &str) -> Option<Message> {
    let header = bytes.first_chunk::<HEADER_LEN>().filter(|_| is_stun(bytes))?;
    let transaction: Transaction = header[8..].try_into().ok()?;
    let (message, password) = match u16::from_be_bytes([header[0], header[1]]) {
        REQUEST => (Message::Check(transaction), our_password),
        SUCCESS => (Message::Answer(transaction), their_password),
        _ => return None,
    };
    let at = find(bytes, MESSAGE_INTEGRITY)?;
    let tag = bytes.get(at + 4..at + 24)?;
    let expected = integrity(bytes, at, password);
    constant_time::verify_slices_are_equal(expected.as_ref(), tag).ok()?;
    Some(message)
}

fn begin(kind: u16, transaction: Transaction) -> Vec<u8> {
    let mut message = Vec::with_capacity(128);
    message.extend(kind.to_be_bytes());
    message.extend([0, 0]);
    message.extend(MAGIC_COOKIE);
    message.extend(transaction);
    message
}

fn attribute(message: &mut Vec<u8>, kind: u16, value: &[u8]) {
    message.extend(kind.to_be_bytes());
    message.extend((value.len() as u16).to_be_bytes());
    message.extend(value);
    message.resize(message.len().next_multiple_of(4), 0);
    set_len(message, 0);
}

/// `ahead`: bytes that are still to come and count already (RFC 8489 sections 14.5 and 14.7).
fn set_len(message: &mut [u8], ahead: usize) {
    let len = (message.len() - HEADER_LEN + ahead) as u16;
    message[2..4].copy_from_slice(&len.to_be_bytes());
}

fn finish(message: &mut Vec<u8>, password: &str) {
    let tag = integrity(message, message.len(), password);
    attribute(message, MESSAGE_INTEGRITY, tag.as_ref());
    add_fingerprint(message);
}

fn add_fingerprint(message: &mut Vec<u8>) {
    set_len(message, 8);
    let checksum = crc32(message) ^ FINGERPRINT_XOR;
    attribute(message, FINGERPRINT, &checksum.to_be_bytes());
}

/// HMAC of what comes before the attribute at `at`, with a length as if the message ended with it.
fn integrity(message: &[u8], at: usize, password: &str) -> hmac::Tag {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes());
    let mut context = hmac::Context::with_key(&key);
    context.update(&message[..2]);
    context.update(&((at + 24 - HEADER_LEN) as u16).to_be_bytes());
    context.update(&message[4..at]);
    context.sign()
}

/// Where the attribute of this kind begins.
fn find(bytes: &[u8], wanted: u16) -> Option<usize> {
    let mut at = HEADER_LEN;
    loop {
        let head = bytes.get(at..at + 4)?;
        if u16::from_be_bytes([head[0], head[1]]) == wanted {
            return Some(at);
        }
        at += 4 + usize::from(u16::from_be_bytes([head[2], head[3]])).next_multiple_of(4);
    }
}

fn xored(address: SocketAddr, transaction: Transaction) -> Vec<u8> {
    let mut mask = MAGIC_COOKIE.to_vec();
    mask.extend(transaction);
    let (family, ip) = match address.ip() {
        IpAddr::V4(ip) => (1, ip.octets().to_vec()),
        IpAddr::V6(ip) => (2, ip.octets().to_vec()),
    };
    let port = address.port().to_be_bytes();
    let mut value = vec![0, family, port[0] ^ mask[0], port[1] ^ mask[1]];
    value.extend(ip.iter().zip(&mask).map(|(byte, mask)| byte ^ mask));
    value
}

/// Bit by bit: a check is sent every few seconds.
fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: Transaction = *b"transaction!";

    #[test]
    fn only_who_knows_the_password_is_believed() {
        let check = write_check("theirs:ours", "their password", ID);
        assert_eq!(read(&check, "their password", "other"), Some(Message::Check(ID)));
        assert_eq!(read(&check, "another password", "their password"), None);
        let answer = write_answer(ID, SocketAddr::from(([127, 0, 0, 1], 9)), "their password");
        assert_eq!(read(&answer, "other", "their password"), Some(Message::Answer(ID)));
        assert_eq!(read(&answer[..answer.len() - 30], "other", "their password"), None);
        let mut changed = answer;
        changed[HEADER_LEN + 6] ^= 1;
        assert_eq!(read(&changed, "other", "their password"), None);
    }

    #[test]
    fn the_checksum_is_the_one_of_the_rfc() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }
}
