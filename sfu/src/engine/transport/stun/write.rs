//! Writing the answer to a binding request.

use std::net::{IpAddr, SocketAddr};

use aws_lc_rs::hmac;

use super::read::UNKNOWN_MAX;
use super::*;

/// The refusals an authentic request can get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorCode {
    /// 420: the request has a comprehension-required attribute that means nothing to us.
    UnknownAttribute,
    /// 487: both sides want to be controlled, and we always are.
    RoleConflict,
}

/// Appends a success response to `out`: the address we saw, signed.
pub fn write_success(out: &mut Vec<u8>, transaction_id: [u8; 12], seen: SocketAddr, key: &hmac::Key) {
    let mut message = Message::start(out, BINDING_SUCCESS, transaction_id);
    message.xor_mapped_address(seen, transaction_id);
    message.finish(key);
}

/// Appends an error response to `out`, signed.
pub fn write_error(
    out: &mut Vec<u8>,
    transaction_id: [u8; 12],
    code: ErrorCode,
    unknown: &[u16],
    key: &hmac::Key,
) {
    let mut message = Message::start(out, BINDING_ERROR, transaction_id);
    match code {
        ErrorCode::UnknownAttribute => {
            message.attribute(ERROR_CODE, b"\0\0\x04\x14Unknown Attribute");
            let unknown = &unknown[..unknown.len().min(UNKNOWN_MAX)];
            let list: Vec<u8> = unknown.iter().flat_map(|kind| kind.to_be_bytes()).collect();
            message.attribute(UNKNOWN_ATTRIBUTES, &list);
        }
        ErrorCode::RoleConflict => message.attribute(ERROR_CODE, b"\0\0\x04\x57Role Conflict"),
    }
    message.finish(key);
}

/// A message at the end of a buffer.
struct Message<'a> {
    out: &'a mut Vec<u8>,
    start: usize,
}

impl<'a> Message<'a> {
    fn start(out: &'a mut Vec<u8>, kind: u16, transaction_id: [u8; 12]) -> Self {
        let start = out.len();
        out.extend_from_slice(&kind.to_be_bytes());
        out.extend_from_slice(&[0, 0]);
        out.extend_from_slice(&MAGIC_COOKIE.to_be_bytes());
        out.extend_from_slice(&transaction_id);
        Message { out, start }
    }

    fn attribute(&mut self, kind: u16, value: &[u8]) {
        self.out.extend_from_slice(&kind.to_be_bytes());
        self.out.extend_from_slice(&(value.len() as u16).to_be_bytes());
        self.out.extend_from_slice(value);
        let padding = value.len().next_multiple_of(4) - value.len();
        self.out.extend_from_slice(&[0; 3][..padding]);
        self.write_len(0);
    }

    /// `ahead` is what will follow but counts already.
    fn write_len(&mut self, ahead: usize) {
        let len = (self.out.len() - self.start - HEADER_LEN + ahead) as u16;
        self.out[self.start + 2..self.start + 4].copy_from_slice(&len.to_be_bytes());
    }

    /// RFC 8489 section 14.2.
    fn xor_mapped_address(&mut self, address: SocketAddr, transaction_id: [u8; 12]) {
        let mut mask = [0; 16];
        mask[..4].copy_from_slice(&MAGIC_COOKIE.to_be_bytes());
        mask[4..].copy_from_slice(&transaction_id);
        let mut value = [0; 20];
        value[2..4].copy_from_slice(&(address.port() ^ (MAGIC_COOKIE >> 16) as u16).to_be_bytes());
        let ip_len = match address.ip() {
            IpAddr::V4(ip) => {
                value[1] = 1;
                value[4..8].copy_from_slice(&ip.octets());
                4
            }
            IpAddr::V6(ip) => {
                value[1] = 2;
                value[4..20].copy_from_slice(&ip.octets());
                16
            }
        };
        for (byte, mask) in value[4..4 + ip_len].iter_mut().zip(mask) {
            *byte ^= mask;
        }
        self.attribute(XOR_MAPPED_ADDRESS, &value[..4 + ip_len]);
    }

    fn finish(mut self, key: &hmac::Key) {
        let tag = integrity(&self.out[self.start..], self.out.len() - self.start, key);
        self.attribute(MESSAGE_INTEGRITY, tag.as_ref());
        self.write_len(8);
        let checksum = fingerprint(&self.out[self.start..]);
        self.attribute(FINGERPRINT, &checksum.to_be_bytes());
    }
}
