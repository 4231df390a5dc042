//! Which transport a datagram belongs to: its known remote address, else the ufrag of a STUN request.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use super::transport::LocalIndex;
use super::transport::stun;

/// What a datagram is by its first bytes (RFC 7983, RFC 5761).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatagramKind {
    /// First byte 0–3.
    Stun,
    /// First byte 20–63.
    Dtls,
    /// First byte 128–191, second outside 192–223.
    Rtp,
    /// First byte 128–191, second 192–223.
    Rtcp,
}

/// Sorts a datagram by its first two bytes; `None` for everything WebRTC does not send.
pub fn classify(bytes: &[u8]) -> Option<DatagramKind> {
    match (bytes.first()?, bytes.get(1)) {
        (0..=3, _) => Some(DatagramKind::Stun),
        (20..=63, _) => Some(DatagramKind::Dtls),
        (128..=191, Some(192..=223)) => Some(DatagramKind::Rtcp),
        (128..=191, _) => Some(DatagramKind::Rtp),
        _ => None,
    }
}

/// A transport's place in the engine's table.
pub type Slot = usize;

/// An address that is checked this recently belongs to its transport; another may not take it, or anybody with an own
/// session and a forged source address could cut a stranger off. Browsers check every 2 to 5 seconds.
const ADDRESS_HELD: Duration = Duration::from_secs(10);

/// The address is in use by another transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressTaken;

/// The two maps. Their sizes are bounded by the number of transports: one ufrag and at most
/// [`super::transport::ADDRESSES_MAX`] addresses each.
#[derive(Debug)]
pub struct Demux {
    by_address: HashMap<AddressKey, Holder, SeededState>,
    by_ufrag: HashMap<String, Slot, SeededState>,
}

#[derive(Debug, Clone, Copy)]
struct Holder {
    slot: Slot,
    checked_at: Instant,
}

impl Demux {
    /// Empty maps; `seed` keeps strangers from choosing addresses that collide.
    pub fn new(seed: [u8; 16]) -> Self {
        let state = SeededState::new(seed);
        Demux { by_address: HashMap::with_hasher(state), by_ufrag: HashMap::with_hasher(state) }
    }

    /// The transport a datagram is for. STUN goes by the first half of its USERNAME, and nothing is believed about it
    /// yet; everything else must come from an address that has passed a connectivity check.
    pub fn route(
        &self,
        kind: DatagramKind,
        local: LocalIndex,
        source: SocketAddr,
        bytes: &[u8],
    ) -> Option<Slot> {
        match kind {
            DatagramKind::Stun => self.by_ufrag.get(stun::local_ufrag(bytes)?).copied(),
            _ => self.holder(local, source),
        }
    }

    /// The transport that an address is known to belong to.
    pub fn holder(&self, local: LocalIndex, remote: SocketAddr) -> Option<Slot> {
        self.by_address.get(&AddressKey::new(local, remote)).map(|holder| holder.slot)
    }

    /// Makes a transport known by its local ufrag. Returns false when the ufrag is in use.
    pub fn insert_ufrag(&mut self, ufrag: &str, slot: Slot) -> bool {
        if self.by_ufrag.contains_key(ufrag) {
            return false;
        }
        self.by_ufrag.insert(ufrag.to_owned(), slot);
        true
    }

    /// Forgets a local ufrag.
    pub fn remove_ufrag(&mut self, ufrag: &str) {
        self.by_ufrag.remove(ufrag);
    }

    /// Maps an address to the transport that has just received a valid check from it. To be called on every valid
    /// check, since that is what keeps the address from others.
    ///
    /// # Errors
    /// [`AddressTaken`] when another transport had a valid check from it within the last seconds.
    pub fn bind(
        &mut self,
        now: Instant,
        slot: Slot,
        local: LocalIndex,
        remote: SocketAddr,
    ) -> Result<(), AddressTaken> {
        let holder =
            self.by_address.entry(AddressKey::new(local, remote)).or_insert(Holder { slot, checked_at: now });
        if holder.slot != slot && now.saturating_duration_since(holder.checked_at) < ADDRESS_HELD {
            return Err(AddressTaken);
        }
        *holder = Holder { slot, checked_at: now };
        Ok(())
    }

    /// Forgets an address, if it is this transport's. Returns whether it was.
    pub fn unbind(&mut self, slot: Slot, local: LocalIndex, remote: SocketAddr) -> bool {
        let key = AddressKey::new(local, remote);
        let is_held = self.by_address.get(&key).is_some_and(|holder| holder.slot == slot);
        if is_held {
            self.by_address.remove(&key);
        }
        is_held
    }

    /// Mapped addresses.
    pub fn address_count(&self) -> usize {
        self.by_address.len()
    }
}

/// IPv4 is held as mapped IPv6, and flow labels are left out, so that one peer has one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct AddressKey {
    ip: u128,
    port_and_local: u32,
}

impl AddressKey {
    fn new(local: LocalIndex, remote: SocketAddr) -> Self {
        let ip = match remote.ip() {
            IpAddr::V4(ip) => ip.to_ipv6_mapped().to_bits(),
            IpAddr::V6(ip) => ip.to_bits(),
        };
        AddressKey { ip, port_and_local: (u32::from(remote.port()) << 8) | u32::from(local.0) }
    }
}

impl std::hash::Hash for AddressKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64((self.ip >> 64) as u64);
        state.write_u64(self.ip as u64);
        state.write_u32(self.port_and_local);
    }
}

/// A keyed multiply-and-fold hash: a few nanoseconds for an address. Only authenticated addresses are inserted, and
/// the key is unknown outside, so the strength of SipHash is not needed.
#[derive(Debug, Clone, Copy)]
struct SeededState {
    key: [u64; 2],
}

impl SeededState {
    fn new(seed: [u8; 16]) -> Self {
        let bits = u128::from_le_bytes(seed);
        // An even multiplier would lose bits, and one of a pattern would keep patterns.
        let [high, low] = [(bits >> 64) as u64 ^ GOLDEN, bits as u64 ^ !GOLDEN];
        SeededState { key: [scrambled(high), scrambled(low) | 1] }
    }
}

/// 2^64 over the golden ratio: bits without a pattern, so that a seed of zeros is a seed like others.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// The finaliser of splitmix64: every bit of the input changes half of the output.
fn scrambled(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^ (word >> 31)
}

impl BuildHasher for SeededState {
    type Hasher = FoldHasher;

    fn build_hasher(&self) -> FoldHasher {
        FoldHasher { state: self.key[0], key: self.key[1] }
    }
}

struct FoldHasher {
    state: u64,
    key: u64,
}

impl FoldHasher {
    fn mix(&mut self, word: u64) {
        let wide = u128::from(self.state ^ word).wrapping_mul(u128::from(self.key));
        self.state = (wide as u64) ^ ((wide >> 64) as u64);
    }
}

impl Hasher for FoldHasher {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.mix(u64::from_le_bytes(word) ^ (chunk.len() as u64) << 56);
        }
    }

    fn write_u64(&mut self, word: u64) {
        self.mix(word);
    }

    fn write_u32(&mut self, word: u32) {
        self.mix(u64::from(word));
    }

    fn finish(&self) -> u64 {
        scrambled(self.state)
    }
}

#[cfg(test)]
mod tests;
