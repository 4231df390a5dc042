//! Random numbers and ICE credentials from one seed: the engine never asks the system, so a run can be repeated.

use aws_lc_rs::hmac;

/// The alphabet of ICE credentials (RFC 8839, `ice-char`): 64 characters, so six bits choose one without bias.
const ICE_CHARACTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// HMAC-SHA256 of a counter under the seed: unpredictable for whoever does not know the seed.
#[derive(Debug)]
pub struct Random {
    key: hmac::Key,
    counter: u64,
}

impl Random {
    /// The same seed gives the same numbers.
    pub fn new(seed: &[u8; 32]) -> Self {
        Random { key: hmac::Key::new(hmac::HMAC_SHA256, seed), counter: 0 }
    }

    /// `length` characters for an ICE ufrag or password, at most 32.
    pub fn ice_text(&mut self, length: usize) -> String {
        let block = self.block();
        block.iter().take(length).map(|byte| char::from(ICE_CHARACTERS[usize::from(byte & 63)])).collect()
    }

    /// A number of 32 random bits.
    pub fn u32(&mut self) -> u32 {
        let [a, b, c, d, ..] = self.block();
        u32::from_be_bytes([a, b, c, d])
    }

    /// A stream's SSRC: not 0, which stands for no stream, and none of those `in_use`.
    pub fn ssrc(&mut self, in_use: impl Fn(u32) -> bool) -> u32 {
        loop {
            let ssrc = self.u32();
            if ssrc != 0 && !in_use(ssrc) {
                return ssrc;
            }
        }
    }

    /// 16 random bytes.
    pub fn key(&mut self) -> [u8; 16] {
        let block = self.block();
        let mut key = [0; 16];
        key.copy_from_slice(&block[..16]);
        key
    }

    fn block(&mut self) -> [u8; 32] {
        self.counter += 1;
        let tag = hmac::sign(&self.key, &self.counter.to_be_bytes());
        let mut block = [0; 32];
        block.copy_from_slice(tag.as_ref());
        block
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_and_another_differs() {
        let (mut one, mut same, mut other) =
            (Random::new(&[1; 32]), Random::new(&[1; 32]), Random::new(&[2; 32]));
        let text = one.ice_text(24);
        assert_eq!(text.len(), 24);
        assert_eq!(text, same.ice_text(24));
        assert_ne!(text, other.ice_text(24));
        assert_ne!(text, one.ice_text(24));
    }
}
