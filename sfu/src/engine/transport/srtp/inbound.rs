//! Opening what the peer sends.

use super::ssrc_table::{Place, SsrcTable};
use super::{Cipher, Profile, SrtpError};
use crate::engine::packet::HeaderPrefix;

/// Streams remembered. A publisher has about ten and takes new ones with every shared screen. When the table is full, the
/// stream silent for longest is forgotten; should it come back after all that, it only is heard if it never wrapped.
const STREAMS_MAX: usize = 256;

/// The peer's keys, and which of its packets were seen.
pub struct SrtpInbound {
    rtp_cipher: Cipher,
    rtcp_cipher: Cipher,
    rtp_streams: SsrcTable,
    rtcp_streams: SsrcTable,
}

impl SrtpInbound {
    /// From the peer's master key and salt.
    ///
    /// # Errors
    /// [`SrtpError::KeyingMaterial`] when a length is not the profile's.
    pub fn new(profile: Profile, master_key: &[u8], master_salt: &[u8]) -> Result<Self, SrtpError> {
        Ok(SrtpInbound {
            rtp_cipher: Cipher::for_rtp(profile, master_key, master_salt)?,
            rtcp_cipher: Cipher::for_rtcp(profile, master_key, master_salt)?,
            rtp_streams: SsrcTable::default(),
            rtcp_streams: SsrcTable::default(),
        })
    }

    /// Opens an SRTP packet in place and returns the length of the plain one. `prefix` was read from these bytes. After
    /// an error the bytes are worthless.
    ///
    /// # Errors
    /// [`SrtpError`]; state is kept for authentic packets only.
    pub fn open_rtp(&mut self, packet: &mut [u8], prefix: HeaderPrefix) -> Result<usize, SrtpError> {
        let place = self.rtp_streams.find(prefix.ssrc);
        let index = match self.rtp_streams.window(place) {
            // A stream starts with rollover counter 0.
            None => u64::from(prefix.sequence_number),
            Some(window) => {
                let index = window.index_of(prefix.sequence_number);
                index.filter(|&i| window.is_fresh(i)).ok_or(SrtpError::Replayed)?
            }
        };
        let plain_len = self.rtp_cipher.open_rtp(packet, prefix.header_len, prefix.ssrc, index)?;
        remember(&mut self.rtp_streams, place, prefix.ssrc, index);
        Ok(plain_len)
    }

    /// Opens an SRTCP packet in place and returns the length of the plain compound. After an error the bytes are
    /// worthless.
    ///
    /// # Errors
    /// [`SrtpError`]; state is kept for authentic packets only.
    pub fn open_rtcp(&mut self, packet: &mut [u8]) -> Result<usize, SrtpError> {
        let (ssrc, index) = self.rtcp_cipher.read_rtcp_index(packet)?;
        let place = self.rtcp_streams.find(ssrc);
        if self.rtcp_streams.window(place).is_some_and(|window| !window.is_fresh(u64::from(index))) {
            return Err(SrtpError::Replayed);
        }
        let plain_len = self.rtcp_cipher.open_rtcp(packet, ssrc, index)?;
        remember(&mut self.rtcp_streams, place, ssrc, u64::from(index));
        Ok(plain_len)
    }
}

fn remember(streams: &mut SsrcTable, mut place: Place, ssrc: u32, index: u64) {
    if streams.len() == STREAMS_MAX && streams.window(place).is_none() {
        streams.remove_least_recently_used();
        place = streams.find(ssrc);
    }
    streams.insert(place, ssrc, index);
}

impl std::fmt::Debug for SrtpInbound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The keys stay out of logs.
        f.debug_struct("SrtpInbound")
            .field("rtp_streams", &self.rtp_streams.len())
            .field("rtcp_streams", &self.rtcp_streams.len())
            .finish_non_exhaustive()
    }
}
