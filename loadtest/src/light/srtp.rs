//! SRTP with AES-GCM (RFC 3711, RFC 7714): the profiles that every server worth comparing takes.

use aws_lc_rs::{
    aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, Tag, UnboundKey},
    cipher::{AES_128, AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey},
    error::Unspecified,
    iv::FixedLength,
};
use dimpl::SrtpProfile;

const SALT_LEN: usize = 12;
/// What sealing adds to an RTP packet.
pub(super) const TAG_LEN: usize = 16;
/// The part of a compound that stays readable: first header and sender's SSRC.
const RTCP_CLEAR_LEN: usize = 8;
const RTCP_ENCRYPTED: u32 = 1 << 31;

/// The keys of one direction.
pub(super) struct Keys {
    rtp: Gcm,
    rtcp: Gcm,
}

/// Ours, then theirs, of the keying material that DTLS gave. `None` for a profile without AEAD.
pub(super) fn keys(profile: SrtpProfile, material: &[u8], is_client: bool) -> Option<(Keys, Keys)> {
    let key_len = match profile {
        SrtpProfile::AEAD_AES_128_GCM => 16,
        SrtpProfile::AEAD_AES_256_GCM => 32,
        _ => return None,
    };
    if material.len() != 2 * (key_len + SALT_LEN) {
        return None;
    }
    // RFC 5764 section 4.2: both keys, then both salts, the client's first.
    let (keys, salts) = material.split_at(2 * key_len);
    let (client_key, server_key) = keys.split_at(key_len);
    let (client_salt, server_salt) = salts.split_at(SALT_LEN);
    let client = Keys::new(client_key, client_salt).ok()?;
    let server = Keys::new(server_key, server_salt).ok()?;
    Some(if is_client { (client, server) } else { (server, client) })
}

impl Keys {
    fn new(key: &[u8], salt: &[u8]) -> Result<Self, Unspecified> {
        // Labels of RFC 3711 section 4.3.2: encryption and salt, for SRTP and for SRTCP.
        Ok(Self { rtp: Gcm::new(key, salt, 0, 2)?, rtcp: Gcm::new(key, salt, 3, 5)? })
    }

    /// Opens a packet in place; returns its plain length. `index` is the sequence number with the rollovers above it.
    pub(super) fn open_rtp(
        &self,
        packet: &mut [u8],
        header_len: usize,
        ssrc: u32,
        index: u64,
    ) -> Option<usize> {
        let (header, body) = packet.split_at_mut_checked(header_len)?;
        let plain = self.rtp.key.open_in_place(self.rtp.nonce(ssrc, index), Aad::from(header), body).ok()?;
        Some(header_len + plain.len())
    }

    pub(super) fn seal_rtp(
        &self,
        packet: &mut Vec<u8>,
        header_len: usize,
        ssrc: u32,
        index: u64,
    ) -> Option<()> {
        let (header, body) = packet.split_at_mut_checked(header_len)?;
        let nonce = self.rtp.nonce(ssrc, index);
        let tag: Tag = self.rtp.key.seal_in_place_separate_tag(nonce, Aad::from(header), body).ok()?;
        packet.extend_from_slice(tag.as_ref());
        Some(())
    }

    /// Opens a compound in place; returns its plain length.
    pub(super) fn open_rtcp(&self, packet: &mut [u8]) -> Option<usize> {
        let (sealed, word) = packet.split_last_chunk_mut::<4>()?;
        let (clear, body) = sealed.split_first_chunk_mut::<RTCP_CLEAR_LEN>()?;
        let number = u32::from_be_bytes(*word);
        if number & RTCP_ENCRYPTED == 0 {
            return None;
        }
        let nonce = self.rtcp.nonce(ssrc_of(clear), u64::from(number & !RTCP_ENCRYPTED));
        let plain = self.rtcp.key.open_in_place(nonce, Aad::from(rtcp_aad(clear, *word)), body).ok()?;
        Some(RTCP_CLEAR_LEN + plain.len())
    }

    /// `index` counts the compounds of this direction.
    pub(super) fn seal_rtcp(&self, packet: &mut Vec<u8>, index: u32) -> Option<()> {
        let word = (RTCP_ENCRYPTED | index).to_be_bytes();
        let (clear, body) = packet.split_first_chunk_mut::<RTCP_CLEAR_LEN>()?;
        let nonce = self.rtcp.nonce(ssrc_of(clear), u64::from(index));
        let aad = Aad::from(rtcp_aad(clear, word));
        let tag: Tag = self.rtcp.key.seal_in_place_separate_tag(nonce, aad, body).ok()?;
        packet.extend_from_slice(tag.as_ref());
        packet.extend_from_slice(&word);
        Some(())
    }
}

struct Gcm {
    key: LessSafeKey,
    salt: [u8; SALT_LEN],
}

impl Gcm {
    fn new(master: &[u8], master_salt: &[u8], key_label: u8, salt_label: u8) -> Result<Self, Unspecified> {
        let mut key = vec![0; master.len()];
        derive(master, master_salt, key_label, &mut key)?;
        let mut salt = [0; SALT_LEN];
        derive(master, master_salt, salt_label, &mut salt)?;
        let algorithm = if key.len() == 16 { &AES_128_GCM } else { &AES_256_GCM };
        Ok(Self { key: LessSafeKey::new(UnboundKey::new(algorithm, &key)?), salt })
    }

    /// RFC 7714 sections 8.1 and 9.1: two zeros, SSRC, 48 bits of index, under the salt.
    fn nonce(&self, ssrc: u32, index: u64) -> Nonce {
        let mut nonce = [0; SALT_LEN];
        nonce[2..6].copy_from_slice(&ssrc.to_be_bytes());
        nonce[6..].copy_from_slice(&index.to_be_bytes()[2..]);
        for (byte, salt) in nonce.iter_mut().zip(&self.salt) {
            *byte ^= salt;
        }
        Nonce::assume_unique_for_key(nonce)
    }
}

fn ssrc_of(clear: &[u8; RTCP_CLEAR_LEN]) -> u32 {
    u32::from_be_bytes([clear[4], clear[5], clear[6], clear[7]])
}

fn rtcp_aad(clear: &[u8; RTCP_CLEAR_LEN], word: [u8; 4]) -> [u8; RTCP_CLEAR_LEN + 4] {
    let mut aad = [0; RTCP_CLEAR_LEN + 4];
    aad[..RTCP_CLEAR_LEN].copy_from_slice(clear);
    aad[RTCP_CLEAR_LEN..].copy_from_slice(&word);
    aad
}

/// RFC 3711 section 4.3: the keystream of the master key from a counter that holds salt and label.
fn derive(master: &[u8], salt: &[u8], label: u8, out: &mut [u8]) -> Result<(), Unspecified> {
    let mut counter = [0; 16];
    counter[..salt.len()].copy_from_slice(salt);
    counter[7] ^= label;
    let algorithm = if master.len() == 16 { &AES_128 } else { &AES_256 };
    let key = EncryptingKey::ctr(UnboundCipherKey::new(algorithm, master)?)?;
    out.fill(0);
    key.less_safe_encrypt(out, EncryptionContext::Iv128(FixedLength::from(counter))).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_key_is_the_one_of_the_rfc() {
        // RFC 3711 appendix B.3.
        let master =
            [0xe1, 0xf9, 0x7a, 0x0d, 0x3e, 0x01, 0x8b, 0xe0, 0xd6, 0x4f, 0xa3, 0x2c, 0x06, 0xde, 0x41, 0x39];
        let salt = [0x0e, 0xc6, 0x75, 0xad, 0x49, 0x8a, 0xfe, 0xeb, 0xb6, 0x96, 0x0b, 0x3a, 0xab, 0xe6];
        let mut key = [0; 16];
        derive(&master, &salt, 0, &mut key).expect("lengths of AES-128");
        let expected =
            [0xc6, 0x1e, 0x7a, 0x93, 0x74, 0x4f, 0x39, 0xee, 0x10, 0x73, 0x4a, 0xfe, 0x3f, 0xf7, 0xa0, 0x87];
        assert_eq!(key, expected);
    }

    #[test]
    fn what_one_end_seals_the_other_opens_and_nothing_else() {
        let material = [7; 2 * (16 + SALT_LEN)];
        let ends = |is_client| keys(SrtpProfile::AEAD_AES_128_GCM, &material, is_client).expect("its length");
        let ((client, _), (_, of_client)) = (ends(true), ends(false));
        let plain = [&[0x80, 100, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9][..], b"payload"].concat();
        let mut sealed = plain.clone();
        client.seal_rtp(&mut sealed, 12, 9, 1).expect("room");
        assert_eq!(sealed.len(), plain.len() + 16);
        assert_eq!(of_client.open_rtp(&mut sealed.clone(), 12, 9, 65_537), None, "another rollover");
        let mut changed = sealed.clone();
        changed[1] ^= 1;
        assert_eq!(of_client.open_rtp(&mut changed, 12, 9, 1), None);
        assert_eq!(of_client.open_rtp(&mut sealed, 12, 9, 1), Some(plain.len()));
        assert_eq!(sealed[..plain.len()], plain);

        let report = [0x80, 201, 0, 1, 0, 0, 0, 5].to_vec();
        let mut sealed = [&report[..], b"more"].concat();
        client.seal_rtcp(&mut sealed, 3).expect("room");
        let mut changed = sealed.clone();
        *changed.last_mut().expect("an index") ^= 1;
        assert_eq!(of_client.open_rtcp(&mut changed), None);
        assert_eq!(of_client.open_rtcp(&mut sealed), Some(12));
        assert_eq!(sealed[..8], report);
    }
}
