//! Reading a binding request.

use aws_lc_rs::{constant_time, hmac};
use thiserror::Error;

use super::*;

/// A request has about eight attributes; a stranger's datagram of thousands is not read to its end.
const ATTRIBUTES_MAX: usize = 32;
/// Unknown attributes named in the answer. One is enough for the sender to see the problem.
pub(super) const UNKNOWN_MAX: usize = 4;

/// Why bytes are not a binding request to be answered. All are dropped without a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum StunError {
    /// Not STUN, or cut short.
    #[error("not a STUN message")]
    Malformed,
    /// An indication, a response, another method.
    #[error("not a binding request")]
    NotARequest,
    /// The checksum at the end is wrong.
    #[error("STUN fingerprint is wrong")]
    Fingerprint,
    /// No user name or no MESSAGE-INTEGRITY.
    #[error("STUN request without credentials")]
    NoCredentials,
}

/// A binding request; its parts are believed after [`BindingRequest::is_authentic`] only.
#[derive(Debug, Clone, Copy)]
pub struct BindingRequest<'a> {
    bytes: &'a [u8],
    username: &'a str,
    integrity_at: usize,
    /// The sender nominates the pair.
    pub use_candidate: bool,
    /// The sender believes that we control; we never do.
    pub from_controlled: bool,
    /// The sender's priority for a peer-reflexive candidate, where given.
    pub priority: Option<u32>,
    unknown: [u16; UNKNOWN_MAX],
    unknown_count: usize,
}

impl<'a> BindingRequest<'a> {
    /// Reads a request and checks its fingerprint.
    ///
    /// # Errors
    /// [`StunError`] when it is none.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, StunError> {
        let attributes = Attributes::of_request(bytes)?;
        let mut request = BindingRequest {
            bytes,
            username: "",
            integrity_at: 0,
            use_candidate: false,
            from_controlled: false,
            priority: None,
            unknown: [0; UNKNOWN_MAX],
            unknown_count: 0,
        };
        let mut seen = 0;
        for attribute in attributes {
            seen += 1;
            if seen > ATTRIBUTES_MAX {
                return Err(StunError::Malformed);
            }
            request.take(attribute?)?;
        }
        if request.integrity_at == 0 || request.username.is_empty() {
            return Err(StunError::NoCredentials);
        }
        Ok(request)
    }

    fn take(&mut self, attribute: Attribute<'a>) -> Result<(), StunError> {
        let Attribute { kind, at, value } = attribute;
        if kind == FINGERPRINT {
            let expected = fingerprint(&self.bytes[..at]).to_be_bytes();
            let last = at + 4 + value.len() == self.bytes.len();
            return if last && value == expected { Ok(()) } else { Err(StunError::Fingerprint) };
        }
        // RFC 8489 section 14.5: what follows the integrity and is not the fingerprint is ignored.
        if self.integrity_at != 0 {
            return Ok(());
        }
        match kind {
            USERNAME => self.username = std::str::from_utf8(value).map_err(|_| StunError::Malformed)?,
            MESSAGE_INTEGRITY if value.len() == INTEGRITY_LEN => self.integrity_at = at,
            MESSAGE_INTEGRITY => return Err(StunError::Malformed),
            USE_CANDIDATE => self.use_candidate = true,
            ICE_CONTROLLED => self.from_controlled = true,
            PRIORITY => self.priority = value.first_chunk().map(|p| u32::from_be_bytes(*p)),
            // The lower half is comprehension-required.
            0x0000..0x8000 if self.unknown_count < UNKNOWN_MAX => {
                self.unknown[self.unknown_count] = kind;
                self.unknown_count += 1;
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether the sender knows our password.
    pub fn is_authentic(&self, key: &hmac::Key) -> bool {
        let tag = &self.bytes[self.integrity_at + 4..self.integrity_at + 4 + INTEGRITY_LEN];
        let expected = integrity(self.bytes, self.integrity_at, key);
        constant_time::verify_slices_are_equal(expected.as_ref(), tag).is_ok()
    }

    /// The two halves of the user name: our ufrag, then the sender's.
    pub fn ufrags(&self) -> Option<(&'a str, &'a str)> {
        self.username.split_once(':')
    }

    /// Comprehension-required attributes that mean nothing to us.
    pub fn unknown_attributes(&self) -> &[u16] {
        &self.unknown[..self.unknown_count]
    }

    /// What the answer must repeat.
    pub fn transaction_id(&self) -> [u8; 12] {
        let mut id = [0; 12];
        id.copy_from_slice(&self.bytes[8..HEADER_LEN]);
        id
    }
}

/// The first half of USERNAME of a binding request: the ufrag of the side it is sent to. Nothing is authenticated here;
/// the demultiplexer looks for a transport that can.
pub fn local_ufrag(bytes: &[u8]) -> Option<&str> {
    let attributes = Attributes::of_request(bytes).ok()?;
    let username = attributes.take(ATTRIBUTES_MAX).map_while(Result::ok).find(|a| a.kind == USERNAME)?;
    let (local, _) = std::str::from_utf8(username.value).ok()?.split_once(':')?;
    Some(local)
}

#[derive(Clone, Copy)]
struct Attribute<'a> {
    kind: u16,
    at: usize,
    value: &'a [u8],
}

struct Attributes<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Attributes<'a> {
    fn of_request(bytes: &'a [u8]) -> Result<Self, StunError> {
        let header = bytes.first_chunk::<HEADER_LEN>().ok_or(StunError::Malformed)?;
        let word = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
        let cookie = u32::from_be_bytes([header[4], header[5], header[6], header[7]]);
        let len = usize::from(word(2));
        if cookie != MAGIC_COOKIE || !len.is_multiple_of(4) || bytes.len() != HEADER_LEN + len {
            return Err(StunError::Malformed);
        }
        if word(0) != BINDING_REQUEST {
            return Err(StunError::NotARequest);
        }
        Ok(Attributes { bytes, at: HEADER_LEN })
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Result<Attribute<'a>, StunError>;

    fn next(&mut self) -> Option<Self::Item> {
        let at = self.at;
        if at >= self.bytes.len() {
            return None;
        }
        let read = || {
            let head = self.bytes.get(at..)?.first_chunk::<4>()?;
            let len = usize::from(u16::from_be_bytes([head[2], head[3]]));
            let value = self.bytes.get(at + 4..at + 4 + len)?;
            Some(Attribute { kind: u16::from_be_bytes([head[0], head[1]]), at, value })
        };
        let attribute = read();
        self.at = attribute.map_or(self.bytes.len(), |a| at + 4 + a.value.len().next_multiple_of(4));
        Some(attribute.ok_or(StunError::Malformed))
    }
}
