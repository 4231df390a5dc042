//! Transport-wide congestion control feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01), both directions.

use super::{read_u16, read_u32};

/// Packets one message may speak of. At 50 ms between messages this is 80,000 packets a second; a peer that claims more
/// only wants us to count.
pub const FEEDBACK_STATUSES_MAX: usize = 4096;

const FIXED_LEN: usize = 8;
const TICK_US: i64 = 250;
const REFERENCE_US: u64 = 64_000;

const NOT_RECEIVED: u16 = 0;
const SMALL_DELTA: u16 = 1;
const LARGE_DELTA: u16 = 2;

const RUN_LENGTH_MAX: usize = 0x1FFF;

/// A feedback message as it came.
#[derive(Debug, Clone, Copy)]
pub struct TransportFeedback<'a> {
    /// Who says so.
    pub sender_ssrc: u32,
    /// Any stream of the transport.
    pub media_ssrc: u32,
    /// The first packet spoken of.
    pub base_sequence_number: u16,
    /// Counts the messages, modulo 256: gaps are lost feedback.
    pub feedback_packet_count: u8,
    /// The receiver's clock at the start, 24 bits in units of 64 ms, signed.
    pub reference_time_64ms: i32,
    status_count: u16,
    body: &'a [u8],
}

/// What happened to one packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PacketStatus {
    /// Its transport-wide sequence number.
    pub sequence_number: u16,
    /// When it arrived, in microseconds of the receiver's clock (reference time included); `None` when it did not.
    pub arrival_us: Option<i64>,
}

impl<'a> TransportFeedback<'a> {
    /// `body` starts at the sender's SSRC. `None` when it claims more packets than we count or than its bytes describe.
    pub(super) fn read(body: &'a [u8]) -> Option<Self> {
        let fixed = body.get(..8 + FIXED_LEN)?;
        let feedback = TransportFeedback {
            sender_ssrc: read_u32(fixed, 0),
            media_ssrc: read_u32(fixed, 4),
            base_sequence_number: read_u16(fixed, 8),
            feedback_packet_count: fixed[15],
            reference_time_64ms: (read_u32(fixed, 12) as i32) >> 8,
            status_count: read_u16(fixed, 10),
            body: &body[8 + FIXED_LEN..],
        };
        (usize::from(feedback.status_count) <= FEEDBACK_STATUSES_MAX).then_some(feedback)
    }

    /// How many packets it claims to speak of, at most [`FEEDBACK_STATUSES_MAX`].
    pub fn status_count(&self) -> usize {
        usize::from(self.status_count)
    }

    /// The packets spoken of, in order. Ends early when the bytes do.
    pub fn statuses(&self) -> PacketStatuses<'a> {
        PacketStatuses {
            symbols: Symbols { chunks: self.body, chunk: 0, left_in_chunk: 0, mask: 0, shift: 0, width: 0 },
            deltas: self.body.get(self.chunks_len()..).unwrap_or_default(),
            sequence_number: self.base_sequence_number,
            left: self.status_count,
            clock_us: i64::from(self.reference_time_64ms) * REFERENCE_US as i64,
        }
    }

    /// Bytes of status chunks, after which the deltas start.
    fn chunks_len(&self) -> usize {
        let mut covered = 0;
        let mut len = 0;
        while covered < usize::from(self.status_count) && len + 2 <= self.body.len() {
            covered += chunk_capacity(read_u16(self.body, len));
            len += 2;
        }
        len
    }
}

fn chunk_capacity(chunk: u16) -> usize {
    match chunk >> 14 {
        0b10 => 14,
        0b11 => 7,
        // A run of none would make no progress; it counts as one so that reading ends.
        _ => usize::from(chunk & 0x1FFF).max(1),
    }
}

struct Symbols<'a> {
    chunks: &'a [u8],
    chunk: u16,
    left_in_chunk: usize,
    /// Where in the chunk the next symbol is, and how far from it the one after that: nowhere else in a run.
    mask: u16,
    shift: u32,
    width: u32,
}

impl Symbols<'_> {
    fn next(&mut self) -> Option<u16> {
        if self.left_in_chunk == 0 {
            let (chunk, rest) = self.chunks.split_at_checked(2)?;
            self.chunks = rest;
            self.chunk = read_u16(chunk, 0);
            self.left_in_chunk = chunk_capacity(self.chunk);
            (self.mask, self.shift, self.width) = match self.chunk >> 14 {
                0b10 => (0b1, 13, 1),
                0b11 => (0b11, 12, 2),
                _ => (0b11, 13, 0),
            };
        }
        self.left_in_chunk -= 1;
        let symbol = (self.chunk >> self.shift) & self.mask;
        // After the last one the place is nobody's.
        self.shift = self.shift.saturating_sub(self.width);
        Some(symbol)
    }
}

/// See [`TransportFeedback::statuses`].
pub struct PacketStatuses<'a> {
    symbols: Symbols<'a>,
    deltas: &'a [u8],
    sequence_number: u16,
    left: u16,
    clock_us: i64,
}

impl Iterator for PacketStatuses<'_> {
    type Item = PacketStatus;

    fn next(&mut self) -> Option<PacketStatus> {
        self.left = self.left.checked_sub(1)?;
        let delta_len = match self.symbols.next()? {
            SMALL_DELTA => 1,
            LARGE_DELTA => 2,
            _ => 0,
        };
        let (delta, rest) = self.deltas.split_at_checked(delta_len)?;
        self.deltas = rest;
        let ticks = match delta {
            [] => None,
            [small] => Some(i64::from(*small)),
            large => Some(i64::from(read_u16(large, 0) as i16)),
        };
        self.clock_us += ticks.unwrap_or(0) * TICK_US;
        let status =
            PacketStatus { sequence_number: self.sequence_number, arrival_us: ticks.map(|_| self.clock_us) };
        self.sequence_number = self.sequence_number.wrapping_add(1);
        Some(status)
    }
}

/// Writes the part after the two SSRCs. Returns its length and the packets covered; `None` when there is nothing to say
/// (no arrival at the start) or no room for it.
pub(super) fn encode_feedback(
    out: &mut [u8],
    feedback_packet_count: u8,
    base_sequence_number: u16,
    arrivals: &[Option<u64>],
) -> Option<(usize, usize)> {
    let first_us = arrivals.iter().flatten().next().copied()?;
    let reference = first_us / REFERENCE_US;
    let arrivals = &arrivals[..arrivals.len().min(FEEDBACK_STATUSES_MAX)];
    let plan = Plan::make(out.len().checked_sub(FIXED_LEN)?, reference * REFERENCE_US, arrivals);
    if plan.covered == 0 {
        return None;
    }

    out[0..2].copy_from_slice(&base_sequence_number.to_be_bytes());
    out[2..4].copy_from_slice(&(plan.covered as u16).to_be_bytes());
    out[4..8].copy_from_slice(&(((reference as u32) << 8) | u32::from(feedback_packet_count)).to_be_bytes());
    let mut at = FIXED_LEN;
    for_each_chunk(&arrivals[..plan.covered], plan.start_us, |chunk, _| {
        out[at..at + 2].copy_from_slice(&chunk.to_be_bytes());
        at += 2;
        true
    });
    for delta in Deltas::new(&arrivals[..plan.covered], plan.start_us).flatten() {
        match u8::try_from(delta) {
            Ok(small) => {
                out[at] = small;
                at += 1;
            }
            Err(_) => {
                out[at..at + 2].copy_from_slice(&(delta as i16).to_be_bytes());
                at += 2;
            }
        }
    }
    Some((at, plan.covered))
}

/// How much of the arrivals one message takes.
struct Plan {
    covered: usize,
    start_us: u64,
}

impl Plan {
    fn make(room: usize, start_us: u64, arrivals: &[Option<u64>]) -> Self {
        // A delta that 16 bits cannot hold ends the message.
        let expressible = Deltas::new(arrivals, start_us)
            .position(|delta| delta.is_some_and(|d| i16::try_from(d).is_err()))
            .unwrap_or(arrivals.len());
        let mut used = 0;
        let mut covered = 0;
        // The word that rounds the message up is left free.
        let room = room.saturating_sub(3);
        for_each_chunk(&arrivals[..expressible], start_us, |_, symbols| {
            let Some(left) = room.checked_sub(used + 2) else { return false };
            if symbols.delta_bytes > left {
                // A run can be cut short, and the next message goes on with it.
                covered += symbols.run_of.map_or(0, |bytes| left / bytes);
                return false;
            }
            used += 2 + symbols.delta_bytes;
            covered += symbols.count;
            true
        });
        Plan { covered, start_us }
    }
}

/// Differences between consecutive arrivals in ticks. Rounded on the running clock, so errors do not add up.
struct Deltas<'a> {
    arrivals: std::slice::Iter<'a, Option<u64>>,
    clock_ticks: i64,
    start_us: u64,
}

impl<'a> Deltas<'a> {
    fn new(arrivals: &'a [Option<u64>], start_us: u64) -> Self {
        Deltas { arrivals: arrivals.iter(), clock_ticks: 0, start_us }
    }
}

impl Iterator for Deltas<'_> {
    type Item = Option<i64>;

    fn next(&mut self) -> Option<Option<i64>> {
        let arrival = self.arrivals.next()?;
        Some(arrival.map(|us| {
            let ticks = (us as i64 - self.start_us as i64).div_euclid(TICK_US);
            let delta = ticks - self.clock_ticks;
            self.clock_ticks = ticks;
            delta
        }))
    }
}

fn symbol_of(delta: Option<i64>) -> u16 {
    match delta {
        None => NOT_RECEIVED,
        Some(0..=255) => SMALL_DELTA,
        Some(_) => LARGE_DELTA,
    }
}

#[derive(Clone, Copy)]
struct ChunkSymbols {
    count: usize,
    delta_bytes: usize,
    /// All symbols are the same, and take so many bytes of delta each.
    run_of: Option<usize>,
}

/// Packs the symbols into chunks, each handed to `each`, until it returns false. A run of 14 or more takes a run-length
/// chunk, else 14 one-bit or 7 two-bit symbols share one.
fn for_each_chunk(arrivals: &[Option<u64>], start_us: u64, mut each: impl FnMut(u16, ChunkSymbols) -> bool) {
    let mut deltas = Deltas::new(arrivals, start_us).map(symbol_of).peekable();
    let mut pending = [NOT_RECEIVED; 14];
    let mut held = 0;
    loop {
        // Collect up to 14 symbols; when they are all equal, keep taking as long as the run goes on.
        while held < 14
            && let Some(symbol) = deltas.next()
        {
            pending[held] = symbol;
            held += 1;
        }
        if held == 0 {
            return;
        }
        let first = pending[0];
        let equal = pending[..held].iter().all(|&s| s == first);
        // A symbol's number is also the bytes its delta takes.
        if equal {
            let mut run = held;
            while run < RUN_LENGTH_MAX && deltas.next_if_eq(&first).is_some() {
                run += 1;
            }
            let symbols = ChunkSymbols {
                count: run,
                delta_bytes: run * usize::from(first),
                run_of: Some(usize::from(first)),
            };
            if !each((first << 13) | run as u16, symbols) {
                return;
            }
            held = 0;
            continue;
        }
        let two_bit = pending[..held].contains(&LARGE_DELTA);
        let count = if two_bit { held.min(7) } else { held };
        let (marker, width, capacity) = if two_bit { (0b11, 2, 7) } else { (0b10, 1, 14) };
        let mut chunk = marker << 14;
        for (index, symbol) in pending[..count].iter().enumerate() {
            chunk |= symbol << (width * (capacity - 1 - index));
        }
        let delta_bytes = pending[..count].iter().map(|&s| usize::from(s)).sum();
        if !each(chunk, ChunkSymbols { count, delta_bytes, run_of: None }) {
            return;
        }
        pending.copy_within(count..held, 0);
        held -= count;
    }
}
