//! Compound RTCP packets in and out: reports, NACK, PLI and FIR, REMB, transport-wide feedback, extended
//! reports (RFC 3550, 3611, 4585, 5104).
//!
//! [`parse`] walks the packets of a plain compound as borrowed views; [`RtcpWriter`] builds one into a caller's buffer.
//! Neither allocates: reports and feedback of every peer pass here many times a second.

mod extended;
mod read;
mod transport_feedback;
mod write;

pub use extended::{
    ExtendedBlock, ExtendedBlocks, ROUND_TRIP_MAX, ReferenceAnswer, ReferenceAnswers, reference_time,
};
pub use read::{
    Compound, FirEntries, NackPairs, ReportBlocks, RtcpPacket, SourceDescriptions, SsrcList, parse,
};
pub use transport_feedback::{FEEDBACK_STATUSES_MAX, PacketStatus, PacketStatuses, TransportFeedback};
pub use write::RtcpWriter;

const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const SOURCE_DESCRIPTION: u8 = 202;
const GOODBYE: u8 = 203;
const TRANSPORT_LAYER_FEEDBACK: u8 = 205;
const PAYLOAD_SPECIFIC_FEEDBACK: u8 = 206;
const EXTENDED_REPORT: u8 = 207;

/// Feedback message types, the five bits a report count is in elsewhere.
const FMT_NACK: u8 = 1;
const FMT_TRANSPORT_WIDE: u8 = 15;
const FMT_PLI: u8 = 1;
const FMT_FIR: u8 = 4;
const FMT_APPLICATION_LAYER: u8 = 15;

const REMB_NAME: [u8; 4] = *b"REMB";
const CNAME_ITEM: u8 = 1;

/// What a sender says about its stream: ties the RTP clock to wall time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SenderReport {
    /// The stream reported on.
    pub ssrc: u32,
    /// Wall clock, NTP 32.32 fixed point.
    pub ntp_time: u64,
    /// The same moment on the stream's RTP clock.
    pub rtp_timestamp: u32,
    /// Packets sent since the start, modulo 2^32.
    pub packet_count: u32,
    /// Payload bytes sent since the start, modulo 2^32.
    pub octet_count: u32,
}

/// What a receiver says about one stream it gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReportBlock {
    /// The stream reported on.
    pub ssrc: u32,
    /// Loss since the previous report, in 1/256.
    pub fraction_lost: u8,
    /// Packets lost since the start; duplicates can make it negative. 24 bits on the wire.
    pub cumulative_lost: i32,
    /// Highest sequence number seen, with wraps counted in the upper half.
    pub extended_highest_sequence_number: u32,
    /// Interarrival jitter, in units of the RTP clock.
    pub jitter: u32,
    /// Middle 32 bits of the NTP time of the last sender report, 0 when there was none.
    pub last_sender_report: u32,
    /// Time since that report came, in 1/65536 s.
    pub delay_since_last_sender_report: u32,
}

fn read_u16(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..at + 2).map_or(0, |b| u16::from_be_bytes([b[0], b[1]]))
}

fn read_u32(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).map_or(0, |b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]))
}

#[cfg(test)]
mod tests;
