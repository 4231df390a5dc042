//! Extended reports (RFC 3611): how somebody who only receives learns the round trip. It says what time it is
//! (receiver reference time), and the sender says how long ago it heard that (DLRR).

use std::time::{Duration, Instant};

use super::{read_u16, read_u32};

pub(super) const RECEIVER_REFERENCE_TIME: u8 = 4;
const DELAY_SINCE_LAST_REFERENCE: u8 = 5;
/// Bytes of one answer.
const ANSWER_LEN: usize = 12;

/// One block of an extended report.
#[derive(Debug, Clone, Copy)]
pub enum ExtendedBlock<'a> {
    /// What time it is for whoever reports, NTP 32.32 fixed point.
    ReceiverReferenceTime(u64),
    /// Answers to such times.
    DelaySinceLastReference(ReferenceAnswers<'a>),
    /// A block we have no use for, or one whose length is not that of its type.
    Unknown {
        /// The block type.
        block_type: u8,
    },
}

/// When a receiver's time was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReferenceAnswer {
    /// Who had told the time.
    pub ssrc: u32,
    /// The middle 32 bits of that time.
    pub last_reference: u32,
    /// How long ago it came, in 1/65536 s.
    pub delay_since_last_reference: u32,
}

/// What an answer may say at most. One that says more is wrong, or of an hour ago.
pub const ROUND_TRIP_MAX: Duration = Duration::from_secs(5);

/// When our clock began, in seconds of NTP: the first of January 2020. Receivers that keep the time as their system's cannot
/// hold one before 1970.
const CLOCK_BEGAN: Duration = Duration::from_secs(3_786_825_600);

/// What time it is for us, NTP 32.32 fixed point.
pub fn reference_time(epoch: Instant, now: Instant) -> u64 {
    let since = now.saturating_duration_since(epoch) + CLOCK_BEGAN;
    ((since.as_micros() << 32) / 1_000_000) as u64
}

impl ReferenceAnswer {
    /// The round trip it proves, with what time it is for us.
    pub fn round_trip(&self, reference_time: u64) -> Option<Duration> {
        if self.last_reference == 0 {
            return None;
        }
        let since = ((reference_time >> 16) as u32).wrapping_sub(self.last_reference);
        let units = since.checked_sub(self.delay_since_last_reference)?;
        let round_trip = Duration::from_micros(u64::from(units) * 1_000_000 / 65_536);
        (round_trip <= ROUND_TRIP_MAX).then_some(round_trip)
    }
}

/// The blocks of an extended report, in order. Stops at the first length that does not fit.
#[derive(Debug, Clone, Copy)]
pub struct ExtendedBlocks<'a> {
    pub(super) rest: &'a [u8],
}

impl<'a> Iterator for ExtendedBlocks<'a> {
    type Item = ExtendedBlock<'a>;

    fn next(&mut self) -> Option<ExtendedBlock<'a>> {
        let header = self.rest.get(..4)?;
        let (block_type, len) = (header[0], 4 * usize::from(read_u16(header, 2)));
        let Some((body, rest)) = self.rest[4..].split_at_checked(len) else {
            self.rest = &[];
            return None;
        };
        self.rest = rest;
        Some(match block_type {
            RECEIVER_REFERENCE_TIME if len == 8 => {
                let (seconds, fraction) = (u64::from(read_u32(body, 0)), u64::from(read_u32(body, 4)));
                ExtendedBlock::ReceiverReferenceTime((seconds << 32) | fraction)
            }
            DELAY_SINCE_LAST_REFERENCE if len.is_multiple_of(ANSWER_LEN) => {
                ExtendedBlock::DelaySinceLastReference(ReferenceAnswers { bytes: body })
            }
            _ => ExtendedBlock::Unknown { block_type },
        })
    }
}

/// The answers of one block: at most one for every twelve bytes of datagram.
#[derive(Debug, Clone, Copy)]
pub struct ReferenceAnswers<'a> {
    bytes: &'a [u8],
}

impl Iterator for ReferenceAnswers<'_> {
    type Item = ReferenceAnswer;

    fn next(&mut self) -> Option<ReferenceAnswer> {
        let (answer, rest) = self.bytes.split_at_checked(ANSWER_LEN)?;
        self.bytes = rest;
        Some(ReferenceAnswer {
            ssrc: read_u32(answer, 0),
            last_reference: read_u32(answer, 4),
            delay_since_last_reference: read_u32(answer, 8),
        })
    }
}
