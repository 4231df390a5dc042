//! The transforms of one direction: what happens to bytes once key, SSRC and packet index are known.

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::EncryptingKey;
use aws_lc_rs::{constant_time, hmac};

use super::derive::{Label, counter_key, derive, keystream_xor};
use super::{Profile, SrtpError};
use crate::engine::packet::HeaderPrefix;

const GCM_TAG_LEN: usize = 16;
const SHA1_TAG_LEN: usize = 10;
const SHA1_KEY_LEN: usize = 20;
/// The index word that follows an SRTCP packet; its top bit says that the packet is encrypted.
const INDEX_LEN: usize = 4;
const ENCRYPTED_FLAG: u32 = 1 << 31;
/// The part of an RTCP compound that stays readable: first header and sender's SSRC.
const RTCP_CLEAR_LEN: usize = 8;

/// Session keys of one direction, for RTP or for RTCP.
pub(super) enum Cipher {
    Gcm {
        key: LessSafeKey,
        /// Its 96 bits as a number.
        salt: u128,
    },
    /// The HMAC state is 1.7 kB, which GCM peers should not pay for.
    CounterSha1(Box<CounterSha1>),
}

pub(super) struct CounterSha1 {
    key: EncryptingKey,
    salt: [u8; 14],
    authentication: hmac::Key,
}

impl Cipher {
    pub(super) fn for_rtp(
        profile: Profile,
        master_key: &[u8],
        master_salt: &[u8],
    ) -> Result<Self, SrtpError> {
        let labels = [Label::RtpEncryption, Label::RtpAuthentication, Label::RtpSalt];
        Self::from_master(profile, master_key, master_salt, labels)
    }

    pub(super) fn for_rtcp(
        profile: Profile,
        master_key: &[u8],
        master_salt: &[u8],
    ) -> Result<Self, SrtpError> {
        let labels = [Label::RtcpEncryption, Label::RtcpAuthentication, Label::RtcpSalt];
        Self::from_master(profile, master_key, master_salt, labels)
    }

    fn from_master(profile: Profile, key: &[u8], salt: &[u8], labels: [Label; 3]) -> Result<Self, SrtpError> {
        let [encryption_label, authentication_label, salt_label] = labels;
        let mut session_key = [0; 32];
        let session_key = &mut session_key[..profile.key_len()];
        derive(key, salt, encryption_label, session_key)?;
        if profile == Profile::Aes128CmSha1_80 {
            let mut session_salt = [0; 14];
            derive(key, salt, salt_label, &mut session_salt)?;
            let mut authentication_key = [0; SHA1_KEY_LEN];
            derive(key, salt, authentication_label, &mut authentication_key)?;
            return Self::counter_sha1(session_key, session_salt, &authentication_key);
        }
        let mut session_salt = [0; 12];
        derive(key, salt, salt_label, &mut session_salt)?;
        Self::gcm(session_key, session_salt)
    }

    pub(super) fn gcm(session_key: &[u8], salt: [u8; 12]) -> Result<Self, SrtpError> {
        let algorithm = if session_key.len() == 16 { &AES_128_GCM } else { &AES_256_GCM };
        let key = UnboundKey::new(algorithm, session_key).map_err(|_| SrtpError::KeyingMaterial)?;
        let salt = salt.into_iter().fold(0, |number, byte| number << 8 | u128::from(byte));
        Ok(Cipher::Gcm { key: LessSafeKey::new(key), salt })
    }

    pub(super) fn counter_sha1(
        session_key: &[u8],
        salt: [u8; 14],
        authentication_key: &[u8],
    ) -> Result<Self, SrtpError> {
        let authentication = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, authentication_key);
        let key = counter_key(session_key)?;
        Ok(Cipher::CounterSha1(Box::new(CounterSha1 { key, salt, authentication })))
    }

    /// Opens `packet`, whose header is `header_len` bytes; `index` is the 48-bit packet index. Returns the plain length.
    pub(super) fn open_rtp(
        &self,
        packet: &mut [u8],
        header_len: usize,
        ssrc: u32,
        index: u64,
    ) -> Result<usize, SrtpError> {
        match self {
            Cipher::Gcm { key, salt } => {
                let (header, body) = packet.split_at_mut_checked(header_len).ok_or(SrtpError::Malformed)?;
                let plain_len = body.len().checked_sub(GCM_TAG_LEN).ok_or(SrtpError::Malformed)?;
                let nonce = Nonce::assume_unique_for_key(gcm_rtp_nonce(*salt, ssrc, index));
                key.open_in_place(nonce, Aad::from(&*header), body).map_err(|_| SrtpError::NotAuthentic)?;
                Ok(header_len + plain_len)
            }
            Cipher::CounterSha1(keys) => {
                let CounterSha1 { key, salt, authentication } = &**keys;
                let plain_len = packet.len().checked_sub(SHA1_TAG_LEN).ok_or(SrtpError::Malformed)?;
                let (plain, tag) = packet.split_at_mut(plain_len);
                let expected = rtp_sha1(authentication, plain, index);
                constant_time::verify_slices_are_equal(&expected, tag)
                    .map_err(|_| SrtpError::NotAuthentic)?;
                let body = plain.get_mut(header_len..).ok_or(SrtpError::Malformed)?;
                keystream_xor(key, counter_iv(salt, ssrc, index), body)?;
                Ok(plain_len)
            }
        }
    }

    /// Seals the first `plain_len` bytes of `buf`. Returns the sealed length.
    pub(super) fn seal_rtp(
        &self,
        buf: &mut [u8],
        plain_len: usize,
        header_len: usize,
        ssrc: u32,
        index: u64,
    ) -> Result<usize, SrtpError> {
        match self {
            Cipher::Gcm { key, salt } => {
                let sealed = buf.get_mut(..plain_len + GCM_TAG_LEN).ok_or(SrtpError::NoRoom)?;
                let (plain, tag_place) = sealed.split_at_mut(plain_len);
                let (header, body) = plain.split_at_mut_checked(header_len).ok_or(SrtpError::Malformed)?;
                let nonce = Nonce::assume_unique_for_key(gcm_rtp_nonce(*salt, ssrc, index));
                key.seal_in_place_scatter(nonce, Aad::from(&*header), body, &[], tag_place)
                    .map_err(|_| SrtpError::Malformed)?;
                Ok(sealed.len())
            }
            Cipher::CounterSha1(keys) => {
                let CounterSha1 { key, salt, authentication } = &**keys;
                let sealed = buf.get_mut(..plain_len + SHA1_TAG_LEN).ok_or(SrtpError::NoRoom)?;
                let (plain, tag_place) = sealed.split_at_mut(plain_len);
                let body = plain.get_mut(header_len..).ok_or(SrtpError::Malformed)?;
                keystream_xor(key, counter_iv(salt, ssrc, index), body)?;
                tag_place.copy_from_slice(&rtp_sha1(authentication, plain, index));
                Ok(sealed.len())
            }
        }
    }

    /// Seals a packet whose header is at the start of `buf` and whose `rest` is elsewhere. Returns the sealed length.
    #[inline]
    pub(super) fn seal_rtp_from(
        &self,
        buf: &mut [u8],
        prefix: HeaderPrefix,
        rest: &[u8],
        index: u64,
    ) -> Result<usize, SrtpError> {
        let HeaderPrefix { ssrc, header_len, .. } = prefix;
        match self {
            Cipher::Gcm { key, salt } => {
                let (header, place) = buf.split_at_mut_checked(header_len).ok_or(SrtpError::NoRoom)?;
                let sealed = place.get_mut(..rest.len() + GCM_TAG_LEN).ok_or(SrtpError::NoRoom)?;
                let (body, tag_place) = sealed.split_at_mut(rest.len());
                let nonce = Nonce::assume_unique_for_key(gcm_rtp_nonce(*salt, ssrc, index));
                key.seal_out_of_place_scatter(nonce, Aad::from(&*header), rest, body, &[], tag_place)
                    .map_err(|_| SrtpError::Malformed)?;
                Ok(header_len + sealed.len())
            }
            Cipher::CounterSha1(_) => {
                let plain_len = header_len + rest.len();
                buf.get_mut(header_len..plain_len).ok_or(SrtpError::NoRoom)?.copy_from_slice(rest);
                self.seal_rtp(buf, plain_len, header_len, ssrc, index)
            }
        }
    }

    /// Opens an SRTCP packet whose index and sender [`read_rtcp_index`] has told. Returns the plain length.
    pub(super) fn open_rtcp(&self, packet: &mut [u8], ssrc: u32, index: u32) -> Result<usize, SrtpError> {
        match self {
            Cipher::Gcm { key, salt } => {
                let (sealed, word) =
                    packet.split_last_chunk_mut::<INDEX_LEN>().ok_or(SrtpError::Malformed)?;
                let (clear, body) =
                    sealed.split_first_chunk_mut::<RTCP_CLEAR_LEN>().ok_or(SrtpError::Malformed)?;
                let plain_len = body.len().checked_sub(GCM_TAG_LEN).ok_or(SrtpError::Malformed)?;
                let nonce = Nonce::assume_unique_for_key(gcm_rtcp_nonce(*salt, ssrc, index));
                key.open_in_place(nonce, Aad::from(gcm_rtcp_aad(clear, word)), body)
                    .map_err(|_| SrtpError::NotAuthentic)?;
                Ok(RTCP_CLEAR_LEN + plain_len)
            }
            Cipher::CounterSha1(keys) => {
                let CounterSha1 { key, salt, authentication } = &**keys;
                let authenticated_len = packet.len().checked_sub(SHA1_TAG_LEN).ok_or(SrtpError::Malformed)?;
                let (authenticated, tag) = packet.split_at_mut(authenticated_len);
                let expected = sha1_tag(authentication, authenticated, &[]);
                constant_time::verify_slices_are_equal(&expected, tag)
                    .map_err(|_| SrtpError::NotAuthentic)?;
                let plain_len = authenticated_len.checked_sub(INDEX_LEN).ok_or(SrtpError::Malformed)?;
                let body = packet.get_mut(RTCP_CLEAR_LEN..plain_len).ok_or(SrtpError::Malformed)?;
                keystream_xor(key, counter_iv(salt, ssrc, u64::from(index)), body)?;
                Ok(plain_len)
            }
        }
    }

    /// Seals the first `plain_len` bytes of `buf`, a compound. Returns the sealed length.
    pub(super) fn seal_rtcp(
        &self,
        buf: &mut [u8],
        plain_len: usize,
        ssrc: u32,
        index: u32,
    ) -> Result<usize, SrtpError> {
        let word = (ENCRYPTED_FLAG | index).to_be_bytes();
        let sealed_len = plain_len + INDEX_LEN + self.rtcp_tag_len();
        let sealed = buf.get_mut(..sealed_len).ok_or(SrtpError::NoRoom)?;
        let (plain, trailer) = sealed.split_at_mut(plain_len);
        let (clear, body) = plain.split_first_chunk_mut::<RTCP_CLEAR_LEN>().ok_or(SrtpError::Malformed)?;
        match self {
            Cipher::Gcm { key, salt } => {
                let nonce = Nonce::assume_unique_for_key(gcm_rtcp_nonce(*salt, ssrc, index));
                let tag = key
                    .seal_in_place_separate_tag(nonce, Aad::from(gcm_rtcp_aad(clear, &word)), body)
                    .map_err(|_| SrtpError::Malformed)?;
                trailer[..GCM_TAG_LEN].copy_from_slice(tag.as_ref());
                trailer[GCM_TAG_LEN..].copy_from_slice(&word);
            }
            Cipher::CounterSha1(keys) => {
                let CounterSha1 { key, salt, authentication } = &**keys;
                keystream_xor(key, counter_iv(salt, ssrc, u64::from(index)), body)?;
                trailer[..INDEX_LEN].copy_from_slice(&word);
                trailer[INDEX_LEN..].copy_from_slice(&sha1_tag(authentication, plain, &word));
            }
        }
        Ok(sealed_len)
    }

    fn rtcp_tag_len(&self) -> usize {
        match self {
            Cipher::Gcm { .. } => GCM_TAG_LEN,
            Cipher::CounterSha1(_) => SHA1_TAG_LEN,
        }
    }

    /// Sender's SSRC and index of an SRTCP packet, as it claims. Packets that are only authenticated are refused: no
    /// WebRTC endpoint sends them.
    pub(super) fn read_rtcp_index(&self, packet: &[u8]) -> Result<(u32, u32), SrtpError> {
        let trailer_len = match self {
            Cipher::Gcm { .. } => INDEX_LEN,
            Cipher::CounterSha1(_) => INDEX_LEN + SHA1_TAG_LEN,
        };
        let word_at = packet.len().checked_sub(trailer_len).ok_or(SrtpError::Malformed)?;
        let clear = packet
            .get(..word_at)
            .and_then(|p| p.first_chunk::<RTCP_CLEAR_LEN>())
            .ok_or(SrtpError::Malformed)?;
        let word = packet[word_at..].first_chunk::<INDEX_LEN>().ok_or(SrtpError::Malformed)?;
        let word = u32::from_be_bytes(*word);
        if clear[0] >> 6 != 2 || word & ENCRYPTED_FLAG == 0 {
            return Err(SrtpError::Malformed);
        }
        Ok((u32::from_be_bytes([clear[4], clear[5], clear[6], clear[7]]), word & !ENCRYPTED_FLAG))
    }
}

/// RFC 7714 section 8.1: zeros, SSRC, rollover counter, sequence number; all under the salt. It is made as one number, since it
/// is made for every packet.
#[inline]
fn gcm_rtp_nonce(salt: u128, ssrc: u32, index: u64) -> [u8; 12] {
    let number = salt ^ (u128::from(ssrc) << 48 | u128::from(index & (u64::MAX >> 16)));
    let [_, _, _, _, nonce @ ..] = number.to_be_bytes();
    nonce
}

/// RFC 7714 section 9.1: zeros, SSRC, zeros, index; all under the salt.
fn gcm_rtcp_nonce(salt: u128, ssrc: u32, index: u32) -> [u8; 12] {
    gcm_rtp_nonce(salt, ssrc, u64::from(index))
}

/// RFC 7714 section 9.2: the clear start of the compound, then the index word.
fn gcm_rtcp_aad(clear: &[u8; RTCP_CLEAR_LEN], word: &[u8; INDEX_LEN]) -> [u8; RTCP_CLEAR_LEN + INDEX_LEN] {
    let mut aad = [0; RTCP_CLEAR_LEN + INDEX_LEN];
    aad[..RTCP_CLEAR_LEN].copy_from_slice(clear);
    aad[RTCP_CLEAR_LEN..].copy_from_slice(word);
    aad
}

/// RFC 3711 section 4.1.1: SSRC and packet index under the salt, a 16-bit block counter below.
fn counter_iv(salt: &[u8; 14], ssrc: u32, index: u64) -> [u8; 16] {
    let mut iv = [0; 16];
    iv[4..8].copy_from_slice(&ssrc.to_be_bytes());
    iv[8..14].copy_from_slice(&index.to_be_bytes()[2..]);
    let mut wide_salt = [0; 16];
    wide_salt[..14].copy_from_slice(salt);
    xored(iv, &wide_salt)
}

fn xored<const N: usize>(mut value: [u8; N], mask: &[u8; N]) -> [u8; N] {
    for (byte, mask) in value.iter_mut().zip(mask) {
        *byte ^= mask;
    }
    value
}

/// RFC 3711 section 4.2: the rollover counter is authenticated but not sent.
fn rtp_sha1(key: &hmac::Key, packet: &[u8], index: u64) -> [u8; SHA1_TAG_LEN] {
    sha1_tag(key, packet, &((index >> 16) as u32).to_be_bytes())
}

fn sha1_tag(key: &hmac::Key, packet: &[u8], suffix: &[u8]) -> [u8; SHA1_TAG_LEN] {
    let mut context = hmac::Context::with_key(key);
    context.update(packet);
    context.update(suffix);
    let mut tag = [0; SHA1_TAG_LEN];
    tag.copy_from_slice(&context.sign().as_ref()[..SHA1_TAG_LEN]);
    tag
}
