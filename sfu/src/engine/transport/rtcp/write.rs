//! Building a compound into a caller's buffer. A packet that does not fit is left out whole and told by `false`.

use super::transport_feedback::encode_feedback;
use super::*;

/// A compound under construction. Sizes are limited by the buffer: hand in what one datagram may carry.
#[derive(Debug)]
pub struct RtcpWriter<'a> {
    buf: &'a mut [u8],
    len: usize,
}

impl<'a> RtcpWriter<'a> {
    /// An empty compound at the start of `buf`.
    pub fn new(buf: &'a mut [u8]) -> Self {
        RtcpWriter { buf, len: 0 }
    }

    /// Bytes written so far.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Nothing written so far.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// SR with up to 31 report blocks.
    pub fn sender_report(&mut self, report: &SenderReport, blocks: &[ReportBlock]) -> bool {
        self.packet(SENDER_REPORT, blocks.len(), |body| {
            body.u32(report.ssrc)?;
            body.u32((report.ntp_time >> 32) as u32)?;
            body.u32(report.ntp_time as u32)?;
            body.u32(report.rtp_timestamp)?;
            body.u32(report.packet_count)?;
            body.u32(report.octet_count)?;
            body.report_blocks(blocks)
        })
    }

    /// RR with up to 31 report blocks.
    pub fn receiver_report(&mut self, ssrc: u32, blocks: &[ReportBlock]) -> bool {
        self.packet(RECEIVER_REPORT, blocks.len(), |body| {
            body.u32(ssrc)?;
            body.report_blocks(blocks)
        })
    }

    /// XR that says what time it is for us (NTP 32.32 fixed point), for senders to answer (RFC 3611 section 4.4).
    pub fn receiver_reference_time(&mut self, ssrc: u32, ntp_time: u64) -> bool {
        self.packet(EXTENDED_REPORT, 0, |body| {
            body.u32(ssrc)?;
            body.bytes(&[extended::RECEIVER_REFERENCE_TIME, 0, 0, 2])?;
            body.bytes(&ntp_time.to_be_bytes())
        })
    }

    /// SDES naming one stream. CNAMEs longer than 255 bytes are refused.
    pub fn cname(&mut self, ssrc: u32, cname: &str) -> bool {
        self.packet(SOURCE_DESCRIPTION, 1, |body| {
            body.u32(ssrc)?;
            body.bytes(&[CNAME_ITEM, u8::try_from(cname.len()).ok()?])?;
            body.bytes(cname.as_bytes())?;
            body.bytes(&[0])
        })
    }

    /// BYE of up to 31 streams.
    pub fn goodbye(&mut self, ssrcs: &[u32]) -> bool {
        self.packet(GOODBYE, ssrcs.len(), |body| ssrcs.iter().try_for_each(|&ssrc| body.u32(ssrc)))
    }

    /// Generic NACK. `lost` is in ascending order (modulo 2^16) and not empty; numbers that share a span of 17 share a word.
    pub fn nack(&mut self, sender_ssrc: u32, media_ssrc: u32, lost: impl IntoIterator<Item = u16>) -> bool {
        self.packet(TRANSPORT_LAYER_FEEDBACK, usize::from(FMT_NACK), |body| {
            body.u32(sender_ssrc)?;
            body.u32(media_ssrc)?;
            let mut lost = lost.into_iter();
            let (mut pid, mut blp) = (lost.next()?, 0u16);
            for number in lost {
                match number.wrapping_sub(pid) {
                    0 => {}
                    ahead @ 1..=16 => blp |= 1 << (ahead - 1),
                    _ => {
                        body.u32((u32::from(pid) << 16) | u32::from(blp))?;
                        (pid, blp) = (number, 0);
                    }
                }
            }
            body.u32((u32::from(pid) << 16) | u32::from(blp))
        })
    }

    /// Picture loss indication.
    pub fn pli(&mut self, sender_ssrc: u32, media_ssrc: u32) -> bool {
        self.packet(PAYLOAD_SPECIFIC_FEEDBACK, usize::from(FMT_PLI), |body| {
            body.u32(sender_ssrc)?;
            body.u32(media_ssrc)
        })
    }

    /// Full intra request of one stream; `command_sequence_number` counts requests, repeats keep it.
    pub fn fir(&mut self, sender_ssrc: u32, media_ssrc: u32, command_sequence_number: u8) -> bool {
        self.packet(PAYLOAD_SPECIFIC_FEEDBACK, usize::from(FMT_FIR), |body| {
            body.u32(sender_ssrc)?;
            body.u32(0)?;
            body.u32(media_ssrc)?;
            body.bytes(&[command_sequence_number, 0, 0, 0])
        })
    }

    /// Receiver estimated maximum bitrate. The wire has 18 bits of precision; what is below is cut off.
    pub fn remb(&mut self, sender_ssrc: u32, bitrate_bps: u64, ssrcs: &[u32]) -> bool {
        self.packet(PAYLOAD_SPECIFIC_FEEDBACK, usize::from(FMT_APPLICATION_LAYER), |body| {
            let exponent = (u64::BITS - bitrate_bps.leading_zeros()).saturating_sub(18);
            let mantissa = (bitrate_bps >> exponent) as u32;
            let count = u32::from(u8::try_from(ssrcs.len()).ok()?);
            body.u32(sender_ssrc)?;
            body.u32(0)?;
            body.bytes(&REMB_NAME)?;
            body.u32((count << 24) | (exponent << 18) | mantissa)?;
            ssrcs.iter().try_for_each(|&ssrc| body.u32(ssrc))
        })
    }

    /// Transport-wide feedback about `arrivals`, the first of which is packet `base_sequence_number`: arrival times in
    /// microseconds of a clock of the caller's, `None` for packets not received. Returns how many were covered: fewer
    /// than given when one message cannot express more (a gap above 8 s, [`FEEDBACK_STATUSES_MAX`]) or the buffer is
    /// full. 0 means nothing was written.
    pub fn transport_feedback(
        &mut self,
        sender_ssrc: u32,
        media_ssrc: u32,
        feedback_packet_count: u8,
        base_sequence_number: u16,
        arrivals: &[Option<u64>],
    ) -> usize {
        let mut covered = 0;
        self.packet(TRANSPORT_LAYER_FEEDBACK, usize::from(FMT_TRANSPORT_WIDE), |body| {
            body.u32(sender_ssrc)?;
            body.u32(media_ssrc)?;
            let room = &mut body.buf[body.len..];
            let (len, count) = encode_feedback(room, feedback_packet_count, base_sequence_number, arrivals)?;
            body.len += len;
            covered = count;
            Some(())
        });
        covered
    }

    /// Writes the header around a body; on `None` from `write` the compound stays as it was.
    fn packet(
        &mut self,
        packet_type: u8,
        count: usize,
        write: impl FnOnce(&mut Body<'_>) -> Option<()>,
    ) -> bool {
        if count > 31 {
            return false;
        }
        let Some(room) = self.buf.get_mut(self.len..) else { return false };
        let mut body = Body { buf: room, len: 4 };
        let Some(()) = write(&mut body).and_then(|()| body.pad_to_word()) else { return false };
        let len = body.len;
        let Ok(words) = u16::try_from(len / 4 - 1) else { return false };
        room[0] = 0x80 | count as u8;
        room[1] = packet_type;
        room[2..4].copy_from_slice(&words.to_be_bytes());
        self.len += len;
        true
    }
}

struct Body<'a> {
    buf: &'a mut [u8],
    len: usize,
}

impl Body<'_> {
    fn bytes(&mut self, bytes: &[u8]) -> Option<()> {
        self.buf.get_mut(self.len..self.len + bytes.len())?.copy_from_slice(bytes);
        self.len += bytes.len();
        Some(())
    }

    fn u32(&mut self, value: u32) -> Option<()> {
        self.bytes(&value.to_be_bytes())
    }

    fn pad_to_word(&mut self) -> Option<()> {
        let end = self.len.next_multiple_of(4);
        self.buf.get_mut(self.len..end)?.fill(0);
        self.len = end;
        Some(())
    }

    fn report_blocks(&mut self, blocks: &[ReportBlock]) -> Option<()> {
        for block in blocks {
            let lost = block.cumulative_lost.clamp(-0x80_0000, 0x7F_FFFF) as u32 & 0xFF_FFFF;
            self.u32(block.ssrc)?;
            self.u32((u32::from(block.fraction_lost) << 24) | lost)?;
            self.u32(block.extended_highest_sequence_number)?;
            self.u32(block.jitter)?;
            self.u32(block.last_sender_report)?;
            self.u32(block.delay_since_last_sender_report)?;
        }
        Some(())
    }
}
