//! The media of a transport: opened as it comes, sealed as it leaves.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::srtp::SrtpError;
use super::{LocalIndex, Received, Transport};
use crate::engine::packet::{HeaderPrefix, RtpPacket};
use crate::engine::prefetch::prefetch;

/// Authentic media from another checked address is followed when the path in use has brought none for so long. Below it,
/// both may be in use for a moment while a browser moves by nomination; a speaker who changes networks is gone no longer.
const PATH_SILENCE: Duration = Duration::from_millis(500);

impl Transport {
    pub(super) fn handle_rtp(
        &mut self,
        now: Instant,
        from: (LocalIndex, SocketAddr),
        bytes: &mut [u8],
    ) -> Received {
        let Some(inbound) = &mut self.inbound else {
            self.counters.media_without_keys += 1;
            return Received::Dropped;
        };
        let Ok(prefix) = HeaderPrefix::parse(bytes) else {
            self.counters.media_not_authentic += 1;
            return Received::Dropped;
        };
        match inbound.open_rtp(bytes, prefix) {
            Ok(len) => {
                self.note_source(now, from);
                match RtpPacket::parse_with(&bytes[..len], prefix) {
                    Ok(packet) => Received::Rtp { packet, len },
                    Err(_) => Received::Nothing,
                }
            }
            Err(error) => self.count_refused(error),
        }
    }

    pub(super) fn handle_rtcp(
        &mut self,
        now: Instant,
        from: (LocalIndex, SocketAddr),
        bytes: &mut [u8],
    ) -> Received {
        let Some(inbound) = &mut self.inbound else {
            self.counters.media_without_keys += 1;
            return Received::Dropped;
        };
        match inbound.open_rtcp(bytes) {
            Ok(len) => {
                self.note_source(now, from);
                Received::Rtcp { len }
            }
            Err(error) => self.count_refused(error),
        }
    }

    /// Authentic media came from here. When the path in use is silent, the peer has moved and not (yet) said so: some
    /// browsers nominate once only, and a NAT that forgot its mapping asks nobody.
    fn note_source(&mut self, now: Instant, from: (LocalIndex, SocketAddr)) {
        if self.path == Some(from) {
            self.heard_at = now;
        } else if now.saturating_duration_since(self.heard_at) >= PATH_SILENCE
            && self.ice.follow(from.0, from.1)
        {
            self.note_path(now);
        }
    }

    fn count_refused(&mut self, error: SrtpError) -> Received {
        match error {
            SrtpError::Replayed => self.counters.media_replayed += 1,
            _ => self.counters.media_not_authentic += 1,
        }
        Received::Dropped
    }

    /// Has fetched what the next packet to the peer needs.
    pub fn prefetch(&self) {
        prefetch(&self.outbound);
        prefetch(&self.path);
        prefetch(&self.connected);
    }

    /// Has fetched what that points to.
    pub fn prefetch_further(&self) {
        if let Some(outbound) = &self.outbound {
            outbound.prefetch();
        }
    }

    /// Seals a plain RTP packet of `plain_len` bytes at the start of `buf`, which has [`super::RTP_OVERHEAD_MAX`] spare bytes.
    /// Returns the sealed length; `None` before the keys are there, after the end, and for a packet number used before.
    pub fn seal_rtp(&mut self, buf: &mut [u8], plain_len: usize) -> Option<usize> {
        self.outbound.as_mut()?.seal_rtp(buf, plain_len).ok()
    }

    /// As [`Transport::seal_rtp`], of a packet whose header is at the start of `buf`, as `prefix` says, and whose `rest` is sealed
    /// on its way there.
    #[inline]
    pub fn seal_rtp_from(&mut self, buf: &mut [u8], prefix: HeaderPrefix, rest: &[u8]) -> Option<usize> {
        self.outbound.as_mut()?.seal_rtp_from(buf, prefix, rest).ok()
    }

    /// As [`Transport::seal_rtp`] for a compound RTCP packet and [`super::RTCP_OVERHEAD_MAX`].
    pub fn seal_rtcp(&mut self, buf: &mut [u8], plain_len: usize) -> Option<usize> {
        self.outbound.as_mut()?.seal_rtcp(buf, plain_len).ok()
    }

    /// An outgoing stream has ended; its SSRC is never used again on this transport.
    pub fn retire_ssrc(&mut self, ssrc: u32) {
        if let Some(outbound) = &mut self.outbound {
            outbound.retire(ssrc);
        }
    }
}
