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
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Check {
    /// Not believed: nothing happens and nothing is said.
    Ignored,
    /// Authentic, but refused; an answer is written.
    Refused,
    /// Valid; an answer is written.
    Valid {
        /// The address that had to make room.
        evicted: Option<(LocalIndex, SocketAddr)>,
        /// Our ufrag of before the restart that this check has completed.
        retired: Option<String>,
    },
}

/// What one generation of checks is signed with (RFC 8445 section 2.4), and whose it turned out to be.
#[derive(Debug)]
struct Credentials {
    ufrag: String,
    key: hmac::Key,
    /// The peer's half of the user name: the first check decides, and nobody else is listened to.
    remote_ufrag: Option<String>,
}

impl Credentials {
    fn new(ufrag: String, password: &str) -> Self {
        Credentials { ufrag, key: stun::integrity_key(password), remote_ufrag: None }
    }

    fn allows(&self, request: &BindingRequest<'_>, theirs: &str) -> bool {
        self.remote_ufrag.as_deref().is_none_or(|known| known == theirs) && request.is_authentic(&self.key)
    }
}

/// Our side of the checks of one transport.
#[derive(Debug)]
pub(super) struct IceLite {
    current: Credentials,
    /// Those of before a restart: they hold until the peer nominates with the new ones, so that nothing is cut off by
    /// a restart whose news the peer hears late or never.
    previous: Option<Credentials>,
    pairs: Vec<Pair>,
    in_use: Option<(LocalIndex, SocketAddr)>,
    nominated: bool,
    /// The last valid check, from whatever address.
    checked_at: Option<Instant>,
}

impl IceLite {
    pub(super) fn new(local_ufrag: String, local_pwd: &str) -> Self {
        IceLite {
            current: Credentials::new(local_ufrag, local_pwd),
            previous: None,
            pairs: Vec::new(),
            in_use: None,
            nominated: false,
            checked_at: None,
        }
    }

    /// Our user name fragment, the new one after a restart.
    pub(super) fn local_ufrag(&self) -> &str {
        &self.current.ufrag
    }

    /// All that checks may be addressed to: two while a restart is under way.
    pub(super) fn local_ufrags(&self) -> impl Iterator<Item = &str> {
        [Some(&self.current), self.previous.as_ref()].into_iter().flatten().map(|known| known.ufrag.as_str())
    }

    /// Begins another generation of checks (RFC 8445 section 9). Returns the ufrag of one that was begun before and
    /// never completed: it is forgotten.
    pub(super) fn restart(&mut self, ufrag: String, password: &str) -> Option<String> {
        let before = std::mem::replace(&mut self.current, Credentials::new(ufrag, password));
        if self.previous.is_some() {
            return Some(before.ufrag);
        }
        self.previous = Some(before);
        None
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
        let Some(credentials) = self.credentials_of(ours).filter(|known| known.allows(&request, theirs))
        else {
            return Check::Ignored;
        };
        if let Some(code) = refusal(&request) {
            let (id, unknown) = (request.transaction_id(), request.unknown_attributes());
            stun::write_error(out, id, code, unknown, &credentials.key);
            return Check::Refused;
        }
        if credentials.remote_ufrag.is_none() {
            credentials.remote_ufrag = Some(theirs.to_owned());
        }
        stun::write_success(out, request.transaction_id(), source, &credentials.key);
        self.checked_at = Some(now);
        let evicted = self.note_check(now, local, source);
        self.choose(local, source, request.use_candidate);
        let completed = request.use_candidate && ours == self.current.ufrag;
        let retired = if completed { self.previous.take() } else { None };
        Check::Valid { evicted, retired: retired.map(|before| before.ufrag) }
    }

    fn credentials_of(&mut self, ufrag: &str) -> Option<&mut Credentials> {
        [Some(&mut self.current), self.previous.as_mut()]
            .into_iter()
            .flatten()
            .find(|known| known.ufrag == ufrag)
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

    /// Media of the peer came from an address that is not in use: the peer is controlling, so what it sends by is what
    /// it has chosen. Returns whether the address has passed a check; only then it is followed.
    pub(super) fn follow(&mut self, local: LocalIndex, remote: SocketAddr) -> bool {
        let has_checked = self.has_checked(local, remote);
        if has_checked {
            self.in_use = Some((local, remote));
        }
        has_checked
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
