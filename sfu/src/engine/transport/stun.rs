//! STUN messages (RFC 8489) as far as an ICE-lite server needs them.

/// The first half of USERNAME of a binding request: the ufrag of the side it is sent to. Not authenticated.
pub fn local_ufrag(_bytes: &[u8]) -> Option<&str> {
    None
}
