//! SRTP and SRTCP (RFC 3711, RFC 7714): open and seal in place, replay window, rollover counter. Nothing is allocated
//! per packet, and a packet that is not authentic leaves no trace.

mod cipher;
mod derive;
mod inbound;
mod outbound;
mod replay;
mod ssrc_table;

use thiserror::Error;

use cipher::Cipher;
pub use inbound::SrtpInbound;
pub use outbound::SrtpOutbound;

/// Bytes sealing adds to an RTP packet at most: the GCM tag.
pub const RTP_OVERHEAD_MAX: usize = 16;
/// Bytes sealing adds to a compound RTCP packet at most: GCM tag and index word.
pub const RTCP_OVERHEAD_MAX: usize = 20;

/// The protection profiles of RFC 5764 and RFC 7714 that we speak, the preferred ones first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// AEAD_AES_128_GCM
    AeadAes128Gcm,
    /// AEAD_AES_256_GCM
    AeadAes256Gcm,
    /// SRTP_AES128_CM_HMAC_SHA1_80: four times the cost of GCM a packet, for peers that know nothing else.
    Aes128CmSha1_80,
}

impl Profile {
    /// Bytes of a master key.
    pub fn key_len(self) -> usize {
        match self {
            Profile::AeadAes128Gcm | Profile::Aes128CmSha1_80 => 16,
            Profile::AeadAes256Gcm => 32,
        }
    }

    /// Bytes of a master salt.
    pub fn salt_len(self) -> usize {
        match self {
            Profile::AeadAes128Gcm | Profile::AeadAes256Gcm => 12,
            Profile::Aes128CmSha1_80 => 14,
        }
    }

    /// Bytes to export from DTLS: a key and a salt for either direction (RFC 5764 section 4.2).
    pub fn keying_material_len(self) -> usize {
        2 * (self.key_len() + self.salt_len())
    }
}

/// Why a packet was not opened or sealed. It is dropped in every case; the variants are counted apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SrtpError {
    /// The keying material has not the length of its profile.
    #[error("keying material does not fit the profile")]
    KeyingMaterial,
    /// Too short for its kind, not encrypted, or no RTP header.
    #[error("not a protected packet")]
    Malformed,
    /// Seen before, or too old to know.
    #[error("packet was replayed")]
    Replayed,
    /// The tag is wrong: another key, or not from the peer at all.
    #[error("packet is not authentic")]
    NotAuthentic,
    /// The buffer has no room for what sealing adds.
    #[error("no room to seal the packet")]
    NoRoom,
    /// This packet number has been sealed before. Sealing other content under it would give the key away (GCM).
    #[error("packet number was used before")]
    NumberUsed,
    /// More outgoing streams than one transport may have.
    #[error("too many outgoing streams")]
    TooManyStreams,
}

/// The two directions of one DTLS session's keys. `is_client` tells which half of the keying material is ours.
///
/// # Errors
/// [`SrtpError::KeyingMaterial`] when the length is not the profile's.
pub fn from_keying_material(
    profile: Profile,
    keying_material: &[u8],
    is_client: bool,
) -> Result<(SrtpInbound, SrtpOutbound), SrtpError> {
    if keying_material.len() != profile.keying_material_len() {
        return Err(SrtpError::KeyingMaterial);
    }
    let (keys, salts) = keying_material.split_at(2 * profile.key_len());
    let (client_key, server_key) = keys.split_at(profile.key_len());
    let (client_salt, server_salt) = salts.split_at(profile.salt_len());
    let client = (client_key, client_salt);
    let server = (server_key, server_salt);
    let (ours, theirs) = if is_client { (client, server) } else { (server, client) };
    Ok((SrtpInbound::new(profile, theirs.0, theirs.1)?, SrtpOutbound::new(profile, ours.0, ours.1)?))
}

#[cfg(test)]
mod tests;
