//! Session keys from a master key (RFC 3711 section 4.3, RFC 6188 for 256 bits). The key derivation rate is 0: once.

use aws_lc_rs::cipher::{AES_128, AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;

use super::SrtpError;

/// What a derived key is for; SRTCP has the same three again.
#[derive(Debug, Clone, Copy)]
pub(super) enum Label {
    RtpEncryption = 0,
    RtpAuthentication = 1,
    RtpSalt = 2,
    RtcpEncryption = 3,
    RtcpAuthentication = 4,
    RtcpSalt = 5,
}

/// Fills `out` with the key of this label. Salts shorter than 112 bits (GCM) count as followed by zeros.
pub(super) fn derive(
    master_key: &[u8],
    master_salt: &[u8],
    label: Label,
    out: &mut [u8],
) -> Result<(), SrtpError> {
    let mut iv = [0; 16];
    iv.get_mut(..master_salt.len()).ok_or(SrtpError::KeyingMaterial)?.copy_from_slice(master_salt);
    iv[7] ^= label as u8;
    out.fill(0);
    keystream_xor(&counter_key(master_key)?, iv, out)
}

/// An AES key whose schedule is made once and used for every packet.
pub(super) fn counter_key(key: &[u8]) -> Result<EncryptingKey, SrtpError> {
    let algorithm = match key.len() {
        16 => &AES_128,
        32 => &AES_256,
        _ => return Err(SrtpError::KeyingMaterial),
    };
    UnboundCipherKey::new(algorithm, key).and_then(EncryptingKey::ctr).map_err(|_| SrtpError::KeyingMaterial)
}

/// AES in counter mode: the same operation both ways.
pub(super) fn keystream_xor(key: &EncryptingKey, iv: [u8; 16], in_out: &mut [u8]) -> Result<(), SrtpError> {
    let context = EncryptionContext::Iv128(FixedLength::from(iv));
    key.less_safe_encrypt(in_out, context).map(drop).map_err(|_| SrtpError::KeyingMaterial)
}
