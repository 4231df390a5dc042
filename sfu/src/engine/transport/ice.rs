//! ICE-lite (RFC 8445): checks answered, consent (RFC 7675), the address in use.
//!
//! mediasoup-client sends no candidates and no credentials of its own: the peer's ufrag and addresses are learnt from
//! its checks, and nothing is believed before MESSAGE-INTEGRITY is right.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use aws_lc_rs::hmac;

use super::LocalIndex;
use super::stun::{self, BindingRequest, ErrorCode};

/// Addresses one peer may have in use. A browser with two interfaces, both IP versions and a TURN server stays below;
/// beyond it the address unheard for longest makes room.
pub const ADDRESSES_MAX: usize = 8;

/// RFC 7675 section 5.1: consent ends this long after the last valid check.
const CONSENT: Duration = Duration::from_secs(30);

/// A pair of a local socket and an address of the peer that has passed a check.
#[derive(Debug, Clone, Copy)]
struct Pair {
    local: LocalIndex,
    remote: SocketAddr,
    checked_at: Instant,
}

impl Pair {
    fn is(&self, local: LocalIndex, remote: SocketAddr) -> bool {
        self.local == local && self.remote == remote
    }
}

/// What a check led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Check {
    /// Not believed: nothing happens and nothing is said.
    Ignored,
    /// Authentic, but refused; an answer is written.
    Refused,
    /// Valid; an answer is written.
    Valid { evicted: Option<(LocalIndex, SocketAddr)> },
}

/// Our side of the checks of one transport.
#[derive(Debug)]
pub(super) struct IceLite {
    local_ufrag: String,
    key: hmac::Key,
    remote_ufrag: Option<String>,
    pairs: Vec<Pair>,
    in_use: Option<(LocalIndex, SocketAddr)>,
    nominated: bool,
    /// The last valid check, from whatever address.
    checked_at: Option<Instant>,
}

impl IceLite {
    pub(super) fn new(local_ufrag: String, local_pwd: &str) -> Self {
        IceLite {
            local_ufrag,
            key: stun::integrity_key(local_pwd),
            remote_ufrag: None,
            pairs: Vec::new(),
            in_use: None,
            nominated: false,
            checked_at: None,
        }
    }

    pub(super) fn local_ufrag(&self) -> &str {
        &self.local_ufrag
    }

    /// Where to send: the last nominated address, before the first nomination the last one checked.
    pub(super) fn in_use(&self) -> Option<(LocalIndex, SocketAddr)> {
        self.in_use
    }

    pub(super) fn addresses(&self) -> impl Iterator<Item = (LocalIndex, SocketAddr)> {
        self.pairs.iter().map(|pair| (pair.local, pair.remote))
    }

    /// Whether this pair has passed a check.
    pub(super) fn has_checked(&self, local: LocalIndex, remote: SocketAddr) -> bool {
        self.pairs.iter().any(|pair| pair.is(local, remote))
    }

    /// Takes a STUN datagram; an answer is appended to `out`.
    pub(super) fn handle_request(
        &mut self,
        now: Instant,
        local: LocalIndex,
        source: SocketAddr,
        bytes: &[u8],
        out: &mut Vec<u8>,
    ) -> Check {
        let Ok(request) = BindingRequest::parse(bytes) else { return Check::Ignored };
        let Some((ours, theirs)) = request.ufrags() else { return Check::Ignored };
        if ours != self.local_ufrag || !request.is_authentic(&self.key) {
            return Check::Ignored;
        }
        if self.remote_ufrag.as_deref().is_some_and(|known| known != theirs) {
            return Check::Ignored;
        }
        if let Some(code) = refusal(&request) {
            stun::write_error(out, request.transaction_id(), code, request.unknown_attributes(), &self.key);
            return Check::Refused;
        }
        if self.remote_ufrag.is_none() {
            self.remote_ufrag = Some(theirs.to_owned());
        }
        stun::write_success(out, request.transaction_id(), source, &self.key);
        self.checked_at = Some(now);
        let evicted = self.note_check(now, local, source);
        self.choose(local, source, request.use_candidate);
        Check::Valid { evicted }
    }

    fn note_check(
        &mut self,
        now: Instant,
        local: LocalIndex,
        remote: SocketAddr,
    ) -> Option<(LocalIndex, SocketAddr)> {
        if let Some(pair) = self.pairs.iter_mut().find(|pair| pair.is(local, remote)) {
            pair.checked_at = now;
            return None;
        }
        let evicted = (self.pairs.len() == ADDRESSES_MAX).then(|| self.evict()).flatten();
        self.pairs.push(Pair { local, remote, checked_at: now });
        evicted
    }

    /// The pair in use stays, however old it is: consent decides about it.
    fn evict(&mut self) -> Option<(LocalIndex, SocketAddr)> {
        let idle =
            self.pairs.iter().enumerate().filter(|(_, pair)| self.in_use != Some((pair.local, pair.remote)));
        let (at, _) = idle.min_by_key(|(_, pair)| pair.checked_at)?;
        let pair = self.pairs.swap_remove(at);
        Some((pair.local, pair.remote))
    }

    fn choose(&mut self, local: LocalIndex, remote: SocketAddr, use_candidate: bool) {
        if use_candidate || !self.nominated {
            self.in_use = Some((local, remote));
            self.nominated = use_candidate;
        }
    }

    /// Takes an address out of use.
    pub(super) fn forget(&mut self, local: LocalIndex, remote: SocketAddr) {
        self.pairs.retain(|pair| !pair.is(local, remote));
        if self.in_use == Some((local, remote)) {
            self.fall_back();
        }
    }

    /// To the address checked last, until the peer nominates again.
    fn fall_back(&mut self) {
        let latest = self.pairs.iter().max_by_key(|pair| pair.checked_at);
        self.in_use = latest.map(|pair| (pair.local, pair.remote));
        self.nominated = false;
    }

    /// When consent to send to the address in use ends; where the only one became another transport's, as if it were
    /// still there. `None` before the first check: a transport may wait for its peer as long as signalling lets it.
    pub(super) fn consent_ends_at(&self) -> Option<Instant> {
        let in_use = self.pairs.iter().find(|pair| self.in_use == Some((pair.local, pair.remote)));
        in_use.map(|pair| pair.checked_at).or(self.checked_at).map(|at| at + CONSENT)
    }

    /// Moves to the address checked last when consent for the one in use has ended. False when that has no consent either.
    pub(super) fn renew_consent(&mut self, now: Instant) -> bool {
        let ended = |end: Option<Instant>| end.is_none_or(|end| end <= now);
        if ended(self.consent_ends_at()) {
            self.fall_back();
        }
        !ended(self.consent_ends_at())
    }
}

/// We are lite and therefore controlled: a peer that says the same must change its mind.
fn refusal(request: &BindingRequest<'_>) -> Option<ErrorCode> {
    if !request.unknown_attributes().is_empty() {
        Some(ErrorCode::UnknownAttribute)
    } else if request.from_controlled {
        Some(ErrorCode::RoleConflict)
    } else {
        None
    }
}
