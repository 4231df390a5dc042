//! Sealing what we send.

use super::ssrc_table::{Place, SsrcTable};
use super::{Cipher, Profile, SrtpError};
use crate::engine::packet::HeaderPrefix;

/// Indices of SRTCP have 31 bits. They are never used up: at 100 packets a second they last 248 days.
const RTCP_INDEX_MAX: u32 = (1 << 31) - 1;

/// Streams under way at once: a subscriber of a thousand cameras with RTX. When the table is full, new streams are
/// refused; forgetting one by ourselves could let its packet numbers be used twice.
const STREAMS_MAX: usize = 4096;

/// Our keys, and which packet numbers were used.
pub struct SrtpOutbound {
    rtp_cipher: Cipher,
    rtcp_cipher: Cipher,
    rtp_streams: SsrcTable,
    /// One counter for all SSRCs: unique for each of them, which is all that is asked for.
    rtcp_index: u32,
}

impl SrtpOutbound {
    /// From our master key and salt.
    ///
    /// # Errors
    /// [`SrtpError::KeyingMaterial`] when a length is not the profile's.
    pub fn new(profile: Profile, master_key: &[u8], master_salt: &[u8]) -> Result<Self, SrtpError> {
        Ok(SrtpOutbound {
            rtp_cipher: Cipher::for_rtp(profile, master_key, master_salt)?,
            rtcp_cipher: Cipher::for_rtcp(profile, master_key, master_salt)?,
            rtp_streams: SsrcTable::default(),
            rtcp_index: 0,
        })
    }

    /// Seals the first `plain_len` bytes of `buf`, an RTP packet, in place; `buf` has [`super::RTP_OVERHEAD_MAX`] bytes
    /// more. Returns the sealed length. Every packet number of an SSRC is sealed once and in the order of sending, give
    /// or take 128: a repetition takes its own number on the RTX stream.
    ///
    /// # Errors
    /// [`SrtpError::NumberUsed`], [`SrtpError::TooManyStreams`], [`SrtpError::NoRoom`], or [`SrtpError::Malformed`] when
    /// this is no RTP packet.
    pub fn seal_rtp(&mut self, buf: &mut [u8], plain_len: usize) -> Result<usize, SrtpError> {
        let plain = buf.get(..plain_len).ok_or(SrtpError::NoRoom)?;
        let prefix = HeaderPrefix::parse(plain).map_err(|_| SrtpError::Malformed)?;
        let (place, index) = self.number(prefix)?;
        let sealed_len = self.rtp_cipher.seal_rtp(buf, plain_len, prefix.header_len, prefix.ssrc, index)?;
        self.rtp_streams.insert(place, prefix.ssrc, index);
        Ok(sealed_len)
    }

    /// As [`SrtpOutbound::seal_rtp`], of a packet whose header lies at the start of `buf`, as `prefix` says, and whose `rest` is
    /// elsewhere: it is sealed on its way into `buf`.
    ///
    /// # Errors
    /// As [`SrtpOutbound::seal_rtp`].
    #[inline]
    pub fn seal_rtp_from(
        &mut self,
        buf: &mut [u8],
        prefix: HeaderPrefix,
        rest: &[u8],
    ) -> Result<usize, SrtpError> {
        let (place, index) = self.number(prefix)?;
        let sealed_len = self.rtp_cipher.seal_rtp_from(buf, prefix, rest, index)?;
        self.rtp_streams.insert(place, prefix.ssrc, index);
        Ok(sealed_len)
    }

    /// The 48-bit index of a packet that has not been sealed before, and where its stream is.
    #[inline]
    fn number(&mut self, prefix: HeaderPrefix) -> Result<(Place, u64), SrtpError> {
        let place = self.rtp_streams.find(prefix.ssrc);
        let index = match self.rtp_streams.window(place) {
            None if self.rtp_streams.len() == STREAMS_MAX => return Err(SrtpError::TooManyStreams),
            None => u64::from(prefix.sequence_number),
            Some(window) => {
                let index = window.index_of(prefix.sequence_number);
                index.filter(|&i| window.is_fresh(i)).ok_or(SrtpError::NumberUsed)?
            }
        };
        Ok((place, index))
    }

    /// Has fetched what is known of the stream of the last packet.
    pub fn prefetch(&self) {
        self.rtp_streams.prefetch();
    }

    /// Forgets a stream that has ended and whose SSRC is never used again on this transport.
    pub fn retire(&mut self, ssrc: u32) {
        self.rtp_streams.remove(ssrc);
    }

    /// Seals the first `plain_len` bytes of `buf`, a compound RTCP packet, in place; `buf` has
    /// [`super::RTCP_OVERHEAD_MAX`] bytes more. Returns the sealed length.
    ///
    /// # Errors
    /// [`SrtpError::NoRoom`], [`SrtpError::NumberUsed`] when all indices are used, [`SrtpError::Malformed`].
    pub fn seal_rtcp(&mut self, buf: &mut [u8], plain_len: usize) -> Result<usize, SrtpError> {
        let clear = buf.get(..plain_len).and_then(|p| p.first_chunk::<8>()).ok_or(SrtpError::Malformed)?;
        let ssrc = u32::from_be_bytes([clear[4], clear[5], clear[6], clear[7]]);
        if self.rtcp_index == RTCP_INDEX_MAX {
            return Err(SrtpError::NumberUsed);
        }
        self.rtcp_index += 1;
        self.rtcp_cipher.seal_rtcp(buf, plain_len, ssrc, self.rtcp_index)
    }
}

impl std::fmt::Debug for SrtpOutbound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The keys stay out of logs.
        f.debug_struct("SrtpOutbound")
            .field("rtp_streams", &self.rtp_streams.len())
            .field("rtcp_index", &self.rtcp_index)
            .finish_non_exhaustive()
    }
}
