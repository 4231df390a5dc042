//! RTCP as a light member writes and reads it: reports, transport-wide feedback, requests for keyframes (RFC 3550, RFC 4585,
//! draft-holmer-rmcat-transport-wide-cc-extensions-01).

const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const TRANSPORT_FEEDBACK: u8 = 205;
const PAYLOAD_FEEDBACK: u8 = 206;
const FMT_TRANSPORT_WIDE: u8 = 15;
const FMT_PLI: u8 = 1;
const FMT_FIR: u8 = 4;

/// What a receiver reports on one stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Block {
    pub ssrc: u32,
    pub fraction_lost: u8,
    pub lost: u32,
    pub highest: u32,
    /// The middle of the NTP time of the last sender report, and how long ago it came, both in 1/65536 s.
    pub last_report: u32,
    pub since_last_report: u32,
}

/// Something in a compound that a member acts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// The middle 32 bits of the NTP time of a sender report.
    SenderReport {
        ssrc: u32,
        ntp_middle: u32,
    },
    KeyframeWanted {
        ssrc: u32,
    },
}

/// Calls `each` for whatever matters in a plain compound; stops at the first length that does not fit.
pub(super) fn read(mut compound: &[u8], mut each: impl FnMut(Said)) {
    while let [first, kind, high, low, ..] = *compound {
        let len = 4 + 4 * usize::from(u16::from_be_bytes([high, low]));
        let Some((packet, rest)) = compound.split_at_checked(len) else { return };
        compound = rest;
        match (kind, first & 0x1f) {
            (SENDER_REPORT, _) => {
                if let (Some(ssrc), Some(ntp_middle)) = (u32_at(packet, 4), u32_at(packet, 10)) {
                    each(Said::SenderReport { ssrc, ntp_middle });
                }
            }
            (PAYLOAD_FEEDBACK, FMT_PLI) => {
                if let Some(ssrc) = u32_at(packet, 8) {
                    each(Said::KeyframeWanted { ssrc });
                }
            }
            (PAYLOAD_FEEDBACK, FMT_FIR) => {
                for entry in packet.get(12..).unwrap_or_default().chunks_exact(8) {
                    each(Said::KeyframeWanted {
                        ssrc: u32::from_be_bytes([entry[0], entry[1], entry[2], entry[3]]),
                    });
                }
            }
            _ => {}
        }
    }
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4).map(|it| u32::from_be_bytes([it[0], it[1], it[2], it[3]]))
}

/// Appends one packet to a compound: its length is a whole number of words.
fn packet(out: &mut Vec<u8>, kind: u8, count: u8, words: &[u32]) {
    out.extend([0x80 | count, kind]);
    out.extend((words.len() as u16).to_be_bytes());
    words.iter().for_each(|word| out.extend(word.to_be_bytes()));
}

/// At most 31 blocks are said.
pub(super) fn receiver_report(out: &mut Vec<u8>, ssrc: u32, blocks: &[Block]) {
    let blocks = &blocks[..blocks.len().min(31)];
    let mut words = vec![ssrc];
    for block in blocks {
        let lost = u32::from(block.fraction_lost) << 24 | block.lost.min(0x7f_ffff);
        words.extend([block.ssrc, lost, block.highest, 0, block.last_report, block.since_last_report]);
    }
    packet(out, RECEIVER_REPORT, blocks.len() as u8, &words);
}

/// `counts`: packets, then bytes of payload sent.
pub(super) fn sender_report(out: &mut Vec<u8>, ssrc: u32, ntp: u64, rtp_time: u32, counts: (u32, u32)) {
    packet(out, SENDER_REPORT, 0, &[ssrc, (ntp >> 32) as u32, ntp as u32, rtp_time, counts.0, counts.1]);
}

/// NTP time, 32.32 fixed point, of nanoseconds since 1970.
pub(super) fn ntp(wall_ns: u64) -> u64 {
    const SECONDS_1900_TO_1970: u64 = 2_208_988_800;
    let fraction = (u128::from(wall_ns % 1_000_000_000) << 32) / 1_000_000_000;
    ((wall_ns / 1_000_000_000 + SECONDS_1900_TO_1970) << 32) | fraction as u64
}

/// What one message of transport-wide feedback is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Feedback<'a> {
    /// Counts the messages.
    pub count: u8,
    /// The first packet.
    pub base: u16,
    /// When it and those after it arrived, in microseconds of any clock, or that they did not.
    pub arrivals: &'a [Option<u64>],
}

/// Arrivals are told in steps of this.
const TICK_US: u64 = 250;
const REFERENCE_TICKS: u64 = 64_000 / TICK_US;

/// Appends feedback: nothing when nothing arrived. Arrivals that lie too far apart to be told are told as missing.
pub(super) fn transport_feedback(
    out: &mut Vec<u8>,
    sender_ssrc: u32,
    media_ssrc: u32,
    feedback: Feedback<'_>,
) {
    let Feedback { count, base, arrivals } = feedback;
    let Some(first) = arrivals.iter().flatten().next() else { return };
    let reference = first / TICK_US / REFERENCE_TICKS;
    let mut clock = reference * REFERENCE_TICKS;
    let mut deltas = Vec::with_capacity(2 * arrivals.len());
    // 0: it did not come; 1: one byte of difference to the one before; 2: two bytes with a sign.
    let symbols: Vec<u16> = arrivals
        .iter()
        .map(|arrival| {
            let Some(ticks) = arrival.map(|us| us / TICK_US) else { return 0 };
            let delta = ticks as i64 - clock as i64;
            if let Ok(small) = u8::try_from(delta) {
                clock = ticks;
                deltas.push(small);
                return 1;
            }
            let Ok(large) = i16::try_from(delta) else { return 0 };
            clock = ticks;
            deltas.extend(large.to_be_bytes());
            2
        })
        .collect();
    let begun = out.len();
    out.extend([0x80 | FMT_TRANSPORT_WIDE, TRANSPORT_FEEDBACK, 0, 0]);
    out.extend(sender_ssrc.to_be_bytes());
    out.extend(media_ssrc.to_be_bytes());
    out.extend(base.to_be_bytes());
    out.extend((symbols.len() as u16).to_be_bytes());
    out.extend(((reference as u32) << 8 | u32::from(count)).to_be_bytes());
    let mut rest = &symbols[..];
    while let Some(first) = rest.first() {
        let run = rest.iter().take(0x1fff).take_while(|it| *it == first).count();
        let (chunk, taken) = if run >= 7 || run == rest.len() {
            (first << 13 | run as u16, run)
        } else {
            let seven = rest.len().min(7);
            let bits = rest[..seven].iter().enumerate();
            (0b11 << 14 | bits.fold(0, |bits, (at, it)| bits | it << (12 - 2 * at)), seven)
        };
        out.extend(chunk.to_be_bytes());
        rest = &rest[taken..];
    }
    out.extend(deltas);
    let unpadded = out.len() - begun;
    let padded = unpadded.next_multiple_of(4);
    if padded > unpadded {
        out.resize(begun + padded - 1, 0);
        out.push((padded - unpadded) as u8);
        out[begun] |= 0x20;
    }
    let words = ((padded / 4) - 1) as u16;
    out[begun + 2..begun + 4].copy_from_slice(&words.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feedback(arrivals: &[Option<u64>]) -> Vec<u8> {
        let mut out = Vec::new();
        transport_feedback(&mut out, 1, 2, Feedback { count: 3, base: 65_535, arrivals });
        out
    }

    #[test]
    fn feedback_is_byte_by_byte_what_the_draft_says() {
        let bytes = feedback(&[Some(64_000), Some(64_500), None, Some(64_250)]);
        let expected = [
            &[0xaf, 205, 0, 6, 0, 0, 0, 1, 0, 0, 0, 2, 0xff, 0xff, 0, 4, 0, 0, 1, 3][..],
            // Two-bit symbols: small, small, none, large (it came before the one before it).
            &[0b11_01_01_00, 0b10_00_00_00, 0, 2, 0xff, 0xff, 0, 2],
        ];
        assert_eq!(bytes, expected.concat());
    }

    #[test]
    fn a_run_takes_one_chunk_and_nothing_arrived_is_not_said() {
        let bytes = feedback(&[Some(64_000); 600]);
        assert_eq!(bytes[20..22], [0b001_00010, 0b0101_1000], "600 small differences");
        assert_eq!(bytes.len() % 4, 0);
        assert!(feedback(&[None; 4]).is_empty());
    }

    #[test]
    fn reports_and_requests_are_read_and_cut_ones_are_not() {
        let mut compound = Vec::new();
        sender_report(&mut compound, 9, 0x0102_0304_0506_0708, 5, (6, 7));
        packet(&mut compound, PAYLOAD_FEEDBACK, FMT_PLI, &[1, 2]);
        packet(&mut compound, PAYLOAD_FEEDBACK, FMT_FIR, &[1, 0, 3, 0]);
        let said = |bytes: &[u8]| {
            let mut said = Vec::new();
            read(bytes, |it| said.push(it));
            said
        };
        let report = Said::SenderReport { ssrc: 9, ntp_middle: 0x0304_0506 };
        let wanted = |ssrc| Said::KeyframeWanted { ssrc };
        assert_eq!(said(&compound), [report, wanted(2), wanted(3)]);
        assert_eq!(said(&compound[..compound.len() - 1]), [report, wanted(2)]);
        assert_eq!(ntp(500_000_000), 2_208_988_800 << 32 | 1 << 31);
    }
}
