//! Sequence number, timestamp and picture numbers of one consumer: continuous across switches, pauses and omissions.

use std::time::{Duration, Instant};

use super::{
    payload::{Numbers, PictureId, PictureNumbers, Vp8, Vp9},
    reception::ticks,
    renumber::{Renumber, Unwrapper},
    sent::Forgotten,
};

/// Two frames of one consumer are never shown at the same instant.
const STEP_TICKS: u32 = 1;
/// An aligned timestamp further from what the clock on the wall says is not believed.
const MISALIGNED_MAX: Duration = Duration::from_secs(5);

/// What a packet is sent with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Outgoing {
    /// Sequence number.
    pub sequence_number: u16,
    /// Timestamp.
    pub timestamp: u32,
    /// Numbers of the payload.
    pub picture: OutgoingPicture,
}

/// Picture numbers a packet is sent with; those its codec does not have are 0 and are not written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OutgoingPicture {
    /// PictureID of VP8 and VP9.
    pub picture_id: u16,
    /// Frame number of the dependency descriptor.
    pub frame_number: u16,
    /// TL0PICIDX.
    pub base_index: u8,
    /// KEYIDX.
    pub key_index: u8,
}

impl OutgoingPicture {
    /// Writes the numbers into a copy of the payload.
    pub fn write(&self, numbers: &Numbers, payload: &mut [u8]) {
        match numbers.picture {
            PictureNumbers::None => {}
            PictureNumbers::Vp8(vp8) => vp8.write(payload, self.picture_id, self.base_index, self.key_index),
            PictureNumbers::Vp9(vp9) => vp9.write(payload, self.picture_id, self.base_index),
        }
    }
}

/// A place where a consumer enters a stream.
#[derive(Debug, Clone, Copy)]
pub struct Entrance {
    /// Index of the first packet.
    pub index: u64,
    /// Its timestamp.
    pub timestamp: u32,
    /// Its picture numbers.
    pub numbers: Numbers,
    /// Hertz of the timestamps.
    pub clock_rate: u32,
    /// What to add to a timestamp of this stream to get that of the stream the consumer was on before, where sender
    /// reports tell; 0 when it is the same stream.
    pub to_previous: Option<u32>,
}

/// All numbers of one consumer.
#[derive(Debug)]
pub struct Rewriter {
    sequence: Renumber,
    clock: Clock,
    pictures: Pictures,
}

impl Rewriter {
    /// Sequence numbers start at `first_sequence_number`, timestamps at the stream's own plus `timestamp_offset`.
    pub fn new(first_sequence_number: u16, timestamp_offset: u32) -> Self {
        Rewriter {
            sequence: Renumber::new(u64::from(first_sequence_number)),
            clock: Clock { aligned: timestamp_offset, slip: 0, last: None },
            pictures: Pictures::default(),
        }
    }

    /// The consumer continues with this packet.
    pub fn start(&mut self, now: Instant, entrance: &Entrance) {
        self.sequence.start(entrance.index);
        self.clock.start(now, entrance);
        self.pictures.start(&entrance.numbers);
    }

    /// A packet that is sent; `None` when it is older than the entrance or was left out before.
    pub fn map(&mut self, now: Instant, index: u64, timestamp: u32, numbers: &Numbers) -> Option<Outgoing> {
        let sequence_number = self.sequence.map(index)? as u16;
        let picture = self.pictures.map(numbers);
        Some(Outgoing { sequence_number, timestamp: self.clock.map(now, timestamp), picture })
    }

    /// A packet that is not sent and not missed either.
    pub fn omit(&mut self, index: u64) {
        self.sequence.omit(index);
    }

    /// As [`Rewriter::omit`], with the whole frame it belongs to.
    pub fn omit_frame(&mut self, index: u64, numbers: &Numbers) {
        self.sequence.omit(index);
        self.pictures.omit(numbers);
    }

    /// The last numbers were never sent: they are used again after the next start, those of whole pictures as well.
    pub fn take_back(&mut self, forgotten: Forgotten) {
        self.sequence.take_back(u64::from(forgotten.count));
        if let Some(last) = forgotten.last_picture.filter(|_| forgotten.count > 0) {
            self.pictures.ids.take_back_after(last);
        }
    }

    /// A timestamp of the stream the consumer is on, in the consumer's terms.
    pub fn timestamp(&self, timestamp: u32) -> u32 {
        timestamp.wrapping_add(self.clock.offset())
    }
}

#[derive(Debug)]
struct Clock {
    /// What the streams' common clock is shifted by. Kept free of slips, so that they do not add up.
    aligned: u32,
    /// What this segment is shifted by in addition, because its first frame was not later than the last one sent.
    slip: u32,
    /// The newest timestamp sent, and when.
    last: Option<(u32, Instant)>,
}

impl Clock {
    fn offset(&self) -> u32 {
        self.aligned.wrapping_add(self.slip)
    }

    fn start(&mut self, now: Instant, entrance: &Entrance) {
        self.slip = 0;
        let Some((last, last_at)) = self.last else { return };
        let elapsed = now.saturating_duration_since(last_at);
        let expected = last.wrapping_add(ticks(elapsed, entrance.clock_rate));
        let allowed = ticks(MISALIGNED_MAX, entrance.clock_rate);
        let aligned = entrance.to_previous.map(|to_previous| self.aligned.wrapping_add(to_previous)).filter(
            |&offset| {
                let error = entrance.timestamp.wrapping_add(offset).wrapping_sub(expected) as i32;
                error.unsigned_abs() <= allowed
            },
        );
        self.aligned = aligned.unwrap_or_else(|| expected.wrapping_sub(entrance.timestamp));
        let ahead = entrance.timestamp.wrapping_add(self.aligned).wrapping_sub(last) as i32;
        if ahead < STEP_TICKS as i32 {
            self.slip = STEP_TICKS.wrapping_sub(ahead as u32);
        }
    }

    fn map(&mut self, now: Instant, timestamp: u32) -> u32 {
        let out = timestamp.wrapping_add(self.offset());
        if self.last.is_none_or(|(last, _)| out.wrapping_sub(last) as i32 >= 0) {
            self.last = Some((out, now));
        }
        out
    }
}

#[derive(Debug)]
struct Pictures {
    unwrap: Unwrapper,
    ids: Renumber,
    base_index: Offset,
    key_index: Offset,
    /// Frames are left out by layer and keep their distances, which is how they refer to each other.
    frame_number: Offset,
}

impl Default for Pictures {
    fn default() -> Self {
        Pictures {
            unwrap: Unwrapper::default(),
            ids: Renumber::new(0),
            base_index: Offset::new(0xFF),
            key_index: Offset::new(0x1F),
            frame_number: Offset::new(u16::MAX),
        }
    }
}

impl Pictures {
    fn start(&mut self, numbers: &Numbers) {
        self.unwrap = Unwrapper::default();
        if let Some((value, bits)) = picture_number(numbers) {
            let first = self.unwrap.extend(value, bits);
            self.ids.start(first);
        }
        if let Some(index) = base_index(numbers) {
            self.base_index.start(index.into());
        }
        if let Some((index, _)) = vp8(numbers).and_then(|vp8| vp8.key_index) {
            self.key_index.start(index.into());
        }
        if let Some(number) = numbers.frame {
            self.frame_number.start(number);
        }
    }

    fn map(&mut self, numbers: &Numbers) -> OutgoingPicture {
        let picture_id = picture_number(numbers).map_or(0, |(value, bits)| {
            let extended = self.unwrap.extend(value, bits);
            // A frame whose number was given away is late and incomplete anyway; any number does.
            self.ids.map(extended).unwrap_or(extended) as u16
        });
        OutgoingPicture {
            picture_id,
            frame_number: numbers.frame.map_or(0, |number| self.frame_number.map(number)),
            base_index: base_index(numbers).map_or(0, |index| self.base_index.map(index.into()) as u8),
            key_index: vp8(numbers)
                .and_then(|vp8| vp8.key_index)
                .map_or(0, |(index, _)| self.key_index.map(index.into()) as u8),
        }
    }

    fn omit(&mut self, numbers: &Numbers) {
        // VP8 receivers wait for numbers that are missing; VP9 receivers go by layer and TL0PICIDX, and keep them.
        if let Some(PictureId { value, .. }) = vp8(numbers).and_then(|vp8| vp8.picture_id)
            && let Some((_, bits)) = picture_number(numbers)
        {
            let extended = self.unwrap.extend(value, bits);
            self.ids.omit(extended);
        }
    }
}

/// A counter of up to 16 bits that goes on by one at each entrance.
#[derive(Debug)]
struct Offset {
    mask: u16,
    offset: u16,
    newest_out: Option<u16>,
}

impl Offset {
    fn new(mask: u16) -> Self {
        Offset { mask, offset: 0, newest_out: None }
    }

    fn start(&mut self, input: u16) {
        let first_out = self.newest_out.map_or(0, |newest| newest.wrapping_add(1));
        self.offset = first_out.wrapping_sub(input);
    }

    fn map(&mut self, input: u16) -> u16 {
        let out = input.wrapping_add(self.offset) & self.mask;
        if self.newest_out.is_none_or(|newest| out.wrapping_sub(newest) & self.mask <= self.mask / 2) {
            self.newest_out = Some(out);
        }
        out
    }
}

fn vp8(numbers: &Numbers) -> Option<&Vp8> {
    match &numbers.picture {
        PictureNumbers::Vp8(vp8) => Some(vp8),
        _ => None,
    }
}

fn picture_number(numbers: &Numbers) -> Option<(u16, u32)> {
    match &numbers.picture {
        PictureNumbers::None => None,
        PictureNumbers::Vp8(Vp8 { picture_id, .. }) | PictureNumbers::Vp9(Vp9 { picture_id, .. }) => {
            picture_id.map(|id| (id.value, id.bits()))
        }
    }
}

fn base_index(numbers: &Numbers) -> Option<u8> {
    match &numbers.picture {
        PictureNumbers::Vp8(Vp8 { base_index, .. }) | PictureNumbers::Vp9(Vp9 { base_index, .. }) => {
            base_index.map(|(index, _)| index)
        }
        PictureNumbers::None => None,
    }
}
