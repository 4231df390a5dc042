//! The descriptor as it leaves us: another frame number, and the decode targets this viewer can still decode.

use super::{Extended, MANDATORY_LEN, STARTS_FRAME, Structure};
use crate::engine::router::payload::bits::Bits;

/// Bytes of a descriptor at most: what the two-byte form of a header extension element holds.
pub const DESCRIPTOR_MAX: usize = 255;

/// What a viewer can decode of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Active {
    /// One bit for each decode target, the lowest for the first.
    pub mask: u32,
    /// How many decode targets the structure has.
    pub count: u8,
}

/// Copies a descriptor with another frame number and, where a frame starts, with the mask of `active` decode targets: in
/// place of the publisher's, or added. A mask that does not fit the descriptor is left out. Returns the length.
pub fn rewrite(
    descriptor: &[u8],
    frame_number: u16,
    active: Option<Active>,
    out: &mut [u8; DESCRIPTOR_MAX],
) -> Option<usize> {
    let starts_frame = descriptor.first()? & STARTS_FRAME != 0;
    let masked = active.filter(|_| starts_frame).and_then(|active| masked(descriptor, active, out));
    let len = match masked {
        Some(len) => len,
        None => {
            out.get_mut(..descriptor.len())?.copy_from_slice(descriptor);
            descriptor.len()
        }
    };
    out.get_mut(1..MANDATORY_LEN)?.copy_from_slice(&frame_number.to_be_bytes());
    (len >= MANDATORY_LEN).then_some(len)
}

/// The descriptor with its mask.
fn masked(descriptor: &[u8], active: Active, out: &mut [u8; DESCRIPTOR_MAX]) -> Option<usize> {
    /// The flag of the mask: the second of the extended fields.
    const TELLS_ACTIVE: u8 = 0x40;
    let mut reader = Bits::new(descriptor);
    reader.take(8 * MANDATORY_LEN as u32)?;
    let extended =
        if descriptor.len() > MANDATORY_LEN { Extended::read(&mut reader)? } else { Extended::NONE };
    if extended.attaches && Structure::read(&mut reader)?.targets.count() != active.count {
        return None;
    }
    let before = if descriptor.len() > MANDATORY_LEN { reader.position() } else { 8 * MANDATORY_LEN };
    if extended.tells_active {
        reader.take(active.count.into())?;
    }
    let after = before + if extended.tells_active { usize::from(active.count) } else { 0 };

    out.fill(0);
    let mut writer = Writer { out, at: 0 };
    writer.copy(descriptor, 0..before)?;
    if before == 8 * MANDATORY_LEN {
        writer.put(0, 5)?;
    }
    writer.put(active.mask, active.count)?;
    writer.copy(descriptor, after..8 * descriptor.len())?;
    let len = writer.at.div_ceil(8);
    out[MANDATORY_LEN] |= TELLS_ACTIVE;
    Some(len)
}

/// Bits into a zeroed buffer, the highest of each byte first.
struct Writer<'a> {
    out: &'a mut [u8; DESCRIPTOR_MAX],
    at: usize,
}

impl Writer<'_> {
    fn put(&mut self, value: u32, count: u8) -> Option<()> {
        for bit in (0..count).rev() {
            let byte = self.out.get_mut(self.at / 8)?;
            *byte |= ((value >> bit & 1) as u8) << (7 - self.at % 8);
            self.at += 1;
        }
        Some(())
    }

    fn copy(&mut self, from: &[u8], range: std::ops::Range<usize>) -> Option<()> {
        for at in range {
            self.put(u32::from(from.get(at / 8)? >> (7 - at % 8) & 1), 1)?;
        }
        Some(())
    }
}
