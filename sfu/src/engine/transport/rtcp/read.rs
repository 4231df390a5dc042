//! Reading a compound: borrowed views, each checked for length when it is made.

use super::transport_feedback::TransportFeedback;
use super::*;

/// One packet of a compound. Unknown and malformed ones are told apart from the rest, never fatal: the next packet is
/// found by the length word alone.
#[derive(Debug, Clone, Copy)]
pub enum RtcpPacket<'a> {
    /// SR with its report blocks.
    SenderReport(SenderReport, ReportBlocks<'a>),
    /// RR with its report blocks.
    ReceiverReport {
        /// Who reports.
        ssrc: u32,
        /// One per stream received.
        reports: ReportBlocks<'a>,
    },
    /// SDES.
    SourceDescription(SourceDescriptions<'a>),
    /// BYE of these streams.
    Goodbye(SsrcList<'a>),
    /// Generic NACK: packets the peer misses.
    Nack {
        /// Who asks.
        sender_ssrc: u32,
        /// Of which stream.
        media_ssrc: u32,
        /// Which packets.
        lost: NackPairs<'a>,
    },
    /// Picture loss indication: a keyframe is needed.
    Pli {
        /// Who asks.
        sender_ssrc: u32,
        /// Of which stream.
        media_ssrc: u32,
    },
    /// Full intra request: a keyframe is needed, of each of these streams.
    Fir {
        /// Who asks.
        sender_ssrc: u32,
        /// Of which streams.
        entries: FirEntries<'a>,
    },
    /// Receiver estimated maximum bitrate (draft-alvestrand-rmcat-remb-03).
    Remb {
        /// Who says so.
        sender_ssrc: u32,
        /// In all for the streams listed.
        bitrate_bps: u64,
        /// Streams it is about.
        ssrcs: SsrcList<'a>,
    },
    /// Transport-wide feedback.
    TransportFeedback(TransportFeedback<'a>),
    /// XR.
    ExtendedReport {
        /// Who reports.
        ssrc: u32,
        /// What.
        blocks: ExtendedBlocks<'a>,
    },
    /// A type we have no use for (APP, others), or one whose body does not fit its type.
    Unknown {
        /// The packet type.
        packet_type: u8,
    },
}

/// The packets of a plain compound, in order. Stops at the first length that does not fit.
pub fn parse(bytes: &[u8]) -> Compound<'_> {
    Compound { rest: bytes }
}

/// See [`parse`]. At most one item per four bytes of datagram.
#[derive(Debug, Clone, Copy)]
pub struct Compound<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Compound<'a> {
    type Item = RtcpPacket<'a>;

    fn next(&mut self) -> Option<RtcpPacket<'a>> {
        let header = self.rest.get(..4)?;
        if header[0] >> 6 != 2 {
            self.rest = &[];
            return None;
        }
        let len = 4 + 4 * usize::from(read_u16(header, 2));
        let Some((packet, rest)) = self.rest.split_at_checked(len) else {
            self.rest = &[];
            return None;
        };
        self.rest = rest;
        let (packet_type, count) = (header[1], header[0] & 0x1F);
        let body = without_padding(packet).and_then(|p| p.get(4..));
        Some(
            body.and_then(|b| read_body(packet_type, count, b))
                .unwrap_or(RtcpPacket::Unknown { packet_type }),
        )
    }
}

fn without_padding(packet: &[u8]) -> Option<&[u8]> {
    if packet[0] & 0x20 == 0 {
        return Some(packet);
    }
    let padding_len = usize::from(*packet.last()?);
    packet.get(..packet.len().checked_sub(padding_len)?)
}

fn read_body(packet_type: u8, count: u8, body: &[u8]) -> Option<RtcpPacket<'_>> {
    match (packet_type, count) {
        (SENDER_REPORT, _) => sender_report(body, count),
        (RECEIVER_REPORT, _) => receiver_report(body, count),
        (SOURCE_DESCRIPTION, _) => {
            Some(RtcpPacket::SourceDescription(SourceDescriptions { rest: body, left: count }))
        }
        (GOODBYE, _) => Some(RtcpPacket::Goodbye(SsrcList { bytes: body.get(..4 * usize::from(count))? })),
        (TRANSPORT_LAYER_FEEDBACK, FMT_NACK) => nack(body),
        (TRANSPORT_LAYER_FEEDBACK, FMT_TRANSPORT_WIDE) => {
            TransportFeedback::read(body).map(RtcpPacket::TransportFeedback)
        }
        (PAYLOAD_SPECIFIC_FEEDBACK, FMT_PLI) => pli(body),
        (PAYLOAD_SPECIFIC_FEEDBACK, FMT_FIR) => fir(body),
        (PAYLOAD_SPECIFIC_FEEDBACK, FMT_APPLICATION_LAYER) => remb(body),
        (EXTENDED_REPORT, _) => extended_report(body),
        _ => None,
    }
}

fn sender_report(body: &[u8], count: u8) -> Option<RtcpPacket<'_>> {
    let info = body.get(..24)?;
    let report = SenderReport {
        ssrc: read_u32(info, 0),
        ntp_time: (u64::from(read_u32(info, 4)) << 32) | u64::from(read_u32(info, 8)),
        rtp_timestamp: read_u32(info, 12),
        packet_count: read_u32(info, 16),
        octet_count: read_u32(info, 20),
    };
    Some(RtcpPacket::SenderReport(report, ReportBlocks::read(&body[24..], count)?))
}

fn receiver_report(body: &[u8], count: u8) -> Option<RtcpPacket<'_>> {
    let ssrc = read_u32(body.get(..4)?, 0);
    Some(RtcpPacket::ReceiverReport { ssrc, reports: ReportBlocks::read(&body[4..], count)? })
}

fn nack(body: &[u8]) -> Option<RtcpPacket<'_>> {
    let pairs = body.get(8..)?;
    Some(RtcpPacket::Nack {
        sender_ssrc: read_u32(body, 0),
        media_ssrc: read_u32(body, 4),
        lost: NackPairs { bytes: pairs },
    })
}

fn pli(body: &[u8]) -> Option<RtcpPacket<'_>> {
    body.get(..8)?;
    Some(RtcpPacket::Pli { sender_ssrc: read_u32(body, 0), media_ssrc: read_u32(body, 4) })
}

fn fir(body: &[u8]) -> Option<RtcpPacket<'_>> {
    let entries = body.get(8..)?;
    Some(RtcpPacket::Fir { sender_ssrc: read_u32(body, 0), entries: FirEntries { bytes: entries } })
}

fn remb(body: &[u8]) -> Option<RtcpPacket<'_>> {
    let fixed = body.get(..16)?;
    if fixed[8..12] != REMB_NAME {
        return None;
    }
    let word = read_u32(fixed, 12);
    let (count, exponent, mantissa) = (word >> 24, (word >> 18) & 0x3F, u64::from(word & 0x3_FFFF));
    // Nothing sane is above 2^46; a larger exponent means "no limit".
    let bitrate_bps = if exponent > 28 { u64::MAX } else { mantissa << exponent };
    let ssrcs = SsrcList { bytes: body.get(16..16 + 4 * count as usize)? };
    Some(RtcpPacket::Remb { sender_ssrc: read_u32(fixed, 0), bitrate_bps, ssrcs })
}

fn extended_report(body: &[u8]) -> Option<RtcpPacket<'_>> {
    let ssrc = read_u32(body.get(..4)?, 0);
    Some(RtcpPacket::ExtendedReport { ssrc, blocks: ExtendedBlocks { rest: &body[4..] } })
}

const REPORT_BLOCK_LEN: usize = 24;

/// The report blocks of an SR or RR.
#[derive(Debug, Clone, Copy)]
pub struct ReportBlocks<'a> {
    bytes: &'a [u8],
}

impl<'a> ReportBlocks<'a> {
    fn read(bytes: &'a [u8], count: u8) -> Option<Self> {
        Some(ReportBlocks { bytes: bytes.get(..REPORT_BLOCK_LEN * usize::from(count))? })
    }
}

impl Iterator for ReportBlocks<'_> {
    type Item = ReportBlock;

    fn next(&mut self) -> Option<ReportBlock> {
        let (block, rest) = self.bytes.split_at_checked(REPORT_BLOCK_LEN)?;
        self.bytes = rest;
        let loss = read_u32(block, 4);
        Some(ReportBlock {
            ssrc: read_u32(block, 0),
            fraction_lost: (loss >> 24) as u8,
            // The shifts spread the sign of 24 bits over 32.
            cumulative_lost: ((loss << 8) as i32) >> 8,
            extended_highest_sequence_number: read_u32(block, 8),
            jitter: read_u32(block, 12),
            last_sender_report: read_u32(block, 16),
            delay_since_last_sender_report: read_u32(block, 20),
        })
    }
}

/// SSRCs one after the other.
#[derive(Debug, Clone, Copy)]
pub struct SsrcList<'a> {
    bytes: &'a [u8],
}

impl Iterator for SsrcList<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let (ssrc, rest) = self.bytes.split_at_checked(4)?;
        self.bytes = rest;
        Some(read_u32(ssrc, 0))
    }
}

/// The chunks of an SDES packet as (SSRC, CNAME); chunks without a readable CNAME are skipped.
#[derive(Debug, Clone, Copy)]
pub struct SourceDescriptions<'a> {
    rest: &'a [u8],
    left: u8,
}

impl<'a> Iterator for SourceDescriptions<'a> {
    type Item = (u32, &'a str);

    fn next(&mut self) -> Option<(u32, &'a str)> {
        while self.left > 0 {
            self.left -= 1;
            let (ssrc, mut items) = self.rest.split_at_checked(4)?;
            let mut cname = None;
            let mut chunk_len = 4;
            while let Some(&item) = items.first().filter(|&&item| item != 0) {
                let len = usize::from(*items.get(1)?);
                let value = items.get(2..2 + len)?;
                if item == CNAME_ITEM {
                    cname = std::str::from_utf8(value).ok();
                }
                items = &items[2 + len..];
                chunk_len += 2 + len;
            }
            // At least one zero ends the items, and the chunk ends on a word.
            let chunk_len = (chunk_len + 1).next_multiple_of(4);
            self.rest = self.rest.get(chunk_len..).unwrap_or_default();
            if let Some(cname) = cname {
                return Some((read_u32(ssrc, 0), cname));
            }
        }
        None
    }
}

/// The sequence numbers of a NACK, one by one: at most 17 for every four bytes of datagram.
#[derive(Debug, Clone, Copy)]
pub struct NackPairs<'a> {
    bytes: &'a [u8],
}

impl<'a> NackPairs<'a> {
    /// The numbers asked for, in the order of the packet.
    pub fn sequence_numbers(self) -> impl Iterator<Item = u16> + 'a {
        self.bytes.chunks_exact(4).flat_map(|pair| {
            let (pid, blp) = (read_u16(pair, 0), read_u16(pair, 2));
            let following =
                (0..16u16).filter(move |bit| blp & (1 << bit) != 0).map(move |bit| pid.wrapping_add(bit + 1));
            std::iter::once(pid).chain(following)
        })
    }
}

/// The entries of a FIR as (SSRC, command sequence number).
#[derive(Debug, Clone, Copy)]
pub struct FirEntries<'a> {
    bytes: &'a [u8],
}

impl Iterator for FirEntries<'_> {
    type Item = (u32, u8);

    fn next(&mut self) -> Option<(u32, u8)> {
        let (entry, rest) = self.bytes.split_at_checked(8)?;
        self.bytes = rest;
        Some((read_u32(entry, 0), entry[4]))
    }
}
