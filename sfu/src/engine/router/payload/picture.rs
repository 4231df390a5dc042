//! How large the picture of a keyframe is, as its codec says at the start of the stream. For statistics only: nothing is
//! forwarded or left out by it, and what cannot be read is simply not known.

use plenum_shared::media::PictureSize;

use super::{Description, PictureNumbers, Vp8, Vp9, bits::Bits};
use crate::engine::{router::producer::LAYERS_MAX, transport::params::Codec};

/// What a keyframe says of its layers' sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// Of the stream as a whole: its only layer, or its largest.
    Stream(PictureSize),
    /// Of every spatial layer inside the stream, the smallest first.
    Layers([Option<PictureSize>; LAYERS_MAX]),
}

/// Bytes of a parameter set that are looked at. Sizes stand within the first 40; scaling lists can push them back.
const PARAMETERS_MAX: usize = 192;
/// Elements of an AV1 packet that are looked at: the sequence header is the first or second.
const UNITS_MAX: usize = 4;

/// Reads the size from the first packet of a keyframe. `None` when this packet does not say.
pub fn read(codec: Codec, description: &Description, payload: &[u8]) -> Option<Said> {
    match (codec, description.numbers.picture) {
        (Codec::Vp8, PictureNumbers::Vp8(descriptor)) => vp8(&descriptor, payload).map(Said::Stream),
        (Codec::Vp9, PictureNumbers::Vp9(descriptor)) => vp9(&descriptor, payload),
        (Codec::H264, _) => h264(payload).map(Said::Stream),
        (Codec::Av1, _) => av1(payload).map(Said::Stream),
        _ => None,
    }
}

impl Said {
    /// The sizes of a producer's layers after a keyframe of one of its streams. `svc`: how many layers that stream has
    /// inside; `None` when every layer is a stream of its own.
    pub fn note(self, known: &mut [Option<PictureSize>; LAYERS_MAX], stream: usize, svc: Option<usize>) {
        match (self, svc) {
            (Said::Stream(size), None) => known[stream] = Some(size),
            (Said::Layers(sizes), None) => known[stream] = sizes.into_iter().flatten().last(),
            (Said::Layers(sizes), Some(_)) => *known = sizes,
            // The layers of a scalability mode halve from one to the next.
            (Said::Stream(size), Some(layers)) => {
                for (layer, known) in known.iter_mut().enumerate().take(layers) {
                    let halvings = layers - 1 - layer;
                    *known = picture(u32::from(size.width) >> halvings, u32::from(size.height) >> halvings);
                }
            }
        }
    }
}

/// `None` for a picture of nothing, and for numbers no camera has.
fn picture(width: u32, height: u32) -> Option<PictureSize> {
    let side = |pixels: u32| u16::try_from(pixels).ok().filter(|&pixels| pixels > 0);
    Some(PictureSize { width: side(width)?, height: side(height)? })
}

/// The frame header of a keyframe (RFC 6386 section 9.1): three bytes of tag, the start code, and 14 bits a side.
fn vp8(descriptor: &Vp8, payload: &[u8]) -> Option<PictureSize> {
    let header = payload.get(usize::from(descriptor.len)..)?;
    let [_, _, _, 0x9D, 0x01, 0x2A, w0, w1, h0, h1, ..] = *header else { return None };
    let side = |low, high| u32::from(u16::from_le_bytes([low, high]) & 0x3FFF);
    picture(side(w0, w1), side(h0, h1))
}

/// The scalability structure (RFC 9628 section 4.2.1) where it has sizes, else the frame's own header.
fn vp9(descriptor: &Vp9, payload: &[u8]) -> Option<Said> {
    let rest = payload.get(usize::from(descriptor.len)..)?;
    if !descriptor.has_structure {
        return vp9_frame(rest).map(Said::Stream);
    }
    let (&head, mut rest) = rest.split_first()?;
    let layers = usize::from(head >> 5) + 1;
    if head & 0x10 != 0 {
        let mut sizes = [None; LAYERS_MAX];
        for size in sizes.iter_mut().take(layers) {
            let ([w0, w1, h0, h1], after) = rest.split_first_chunk()?;
            let side = |high: &u8, low: &u8| u32::from(u16::from_be_bytes([*high, *low]));
            *size = picture(side(w0, w1), side(h0, h1));
            rest = after;
        }
        return Some(match sizes {
            [Some(only), ..] if layers == 1 => Said::Stream(only),
            sizes => Said::Layers(sizes),
        });
    }
    if head & 0x08 != 0 {
        let (&pictures, mut after) = rest.split_first()?;
        for _ in 0..pictures {
            let (&picture, references) = after.split_first()?;
            after = references.get(usize::from(picture >> 2 & 0x03)..)?;
        }
        rest = after;
    }
    vp9_frame(rest).map(Said::Stream)
}

/// The uncompressed header of a key frame (VP9 bitstream, section 6.2).
fn vp9_frame(frame: &[u8]) -> Option<PictureSize> {
    const SRGB: u32 = 7;
    let mut bits = Bits::new(frame);
    if bits.take(2)? != 2 {
        return None;
    }
    let profile = bits.take(1)? | bits.take(1)? << 1;
    if profile == 3 {
        bits.take(1)?;
    }
    let (shows_existing, is_inter) = (bits.take(1)? == 1, bits.take(1)? == 1);
    bits.take(2)?;
    if shows_existing || is_inter || bits.take(24)? != 0x49_83_42 {
        return None;
    }
    if profile >= 2 {
        bits.take(1)?;
    }
    let subsampled = profile == 1 || profile == 3;
    if bits.take(3)? == SRGB {
        bits.take(u32::from(subsampled))?;
    } else {
        bits.take(if subsampled { 4 } else { 1 })?;
    }
    picture(bits.take(16)? + 1, bits.take(16)? + 1)
}

/// A sequence parameter set, alone or in an aggregate (RFC 6184).
fn h264(payload: &[u8]) -> Option<PictureSize> {
    const NAL_SPS: u8 = 7;
    const NAL_STAP_A: u8 = 24;
    match payload.first()? & 0x1F {
        NAL_SPS => h264_parameters(payload),
        NAL_STAP_A => {
            let mut units = &payload[1..];
            while let [high, low, rest @ ..] = units {
                let size = usize::from(u16::from_be_bytes([*high, *low]));
                let (unit, after) = rest.split_at_checked(size)?;
                if unit.first().is_some_and(|header| header & 0x1F == NAL_SPS) {
                    return h264_parameters(unit);
                }
                units = after;
            }
            None
        }
        _ => None,
    }
}

/// A sequence parameter set (H.264 section 7.3.2.1.1).
fn h264_parameters(unit: &[u8]) -> Option<PictureSize> {
    /// Profiles that say how colours are sampled.
    const WITH_CHROMA: [u32; 13] = [100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135];
    let mut plain = [0; PARAMETERS_MAX];
    let mut bits = Bits::new(without_emulation(unit.get(1..)?, &mut plain));
    let profile = bits.take(8)?;
    bits.take(16)?;
    bits.golomb()?;
    let mut chroma = 1;
    if WITH_CHROMA.contains(&profile) {
        chroma = bits.golomb()?;
        if chroma == 3 {
            bits.take(1)?;
        }
        bits.golomb()?;
        bits.golomb()?;
        bits.take(1)?;
        if bits.take(1)? == 1 {
            for list in 0..if chroma == 3 { 12 } else { 8 } {
                if bits.take(1)? == 1 {
                    skip_scaling_list(&mut bits, if list < 6 { 16 } else { 64 })?;
                }
            }
        }
    }
    bits.golomb()?;
    match bits.golomb()? {
        0 => {
            bits.golomb()?;
        }
        1 => {
            bits.take(1)?;
            bits.golomb()?;
            bits.golomb()?;
            // The standard's own bound.
            for _ in 0..bits.golomb()?.min(255) {
                bits.golomb()?;
            }
        }
        _ => {}
    }
    bits.golomb()?;
    bits.take(1)?;
    let (columns, rows) = (bits.golomb()?.checked_add(1)?, bits.golomb()?.checked_add(1)?);
    let fields_per_frame = if bits.take(1)? == 1 { 1 } else { 2 };
    if fields_per_frame == 2 {
        bits.take(1)?;
    }
    bits.take(1)?;
    let width = columns.checked_mul(16)?;
    let height = rows.checked_mul(16)?.checked_mul(fields_per_frame)?;
    if bits.take(1)? == 0 {
        return picture(width, height);
    }
    let (step_x, step_y) = match chroma {
        1 => (2, 2),
        2 => (2, 1),
        _ => (1, 1),
    };
    let (left, right, top, bottom) = (bits.golomb()?, bits.golomb()?, bits.golomb()?, bits.golomb()?);
    let cut_x = left.checked_add(right)?.checked_mul(step_x)?;
    let cut_y = top.checked_add(bottom)?.checked_mul(step_y)?.checked_mul(fields_per_frame)?;
    picture(width.checked_sub(cut_x)?, height.checked_sub(cut_y)?)
}

fn skip_scaling_list(bits: &mut Bits<'_>, len: u32) -> Option<()> {
    let (mut last, mut next) = (8_i32, 8_i32);
    for _ in 0..len {
        if next != 0 {
            next = (last + bits.signed_golomb()? % 256 + 256) % 256;
        }
        last = if next == 0 { last } else { next };
    }
    Some(())
}

/// The bytes as they were before the encoder kept start codes out of them (H.264 section 7.4.1.1), cut to the buffer.
fn without_emulation<'a>(bytes: &[u8], plain: &'a mut [u8; PARAMETERS_MAX]) -> &'a [u8] {
    let (mut len, mut zeros) = (0, 0);
    for &byte in bytes {
        if zeros >= 2 && byte == 3 {
            zeros = 0;
            continue;
        }
        let Some(place) = plain.get_mut(len) else { break };
        *place = byte;
        len += 1;
        zeros = if byte == 0 { zeros + 1 } else { 0 };
    }
    &plain[..len]
}

/// The sequence header among the units of a packet that starts a coded video sequence (AV1 RTP section 4.4).
fn av1(payload: &[u8]) -> Option<PictureSize> {
    const SEQUENCE_HEADER: u8 = 1;
    let (&aggregation, mut rest) = payload.split_first()?;
    let without_size = usize::from(aggregation >> 4 & 0x03);
    for index in 1..=UNITS_MAX {
        let unit = if index == without_size {
            std::mem::take(&mut rest)
        } else {
            let (size, after) = leb128(rest)?;
            let (unit, after) = after.split_at_checked(size)?;
            rest = after;
            unit
        };
        let (&header, mut body) = unit.split_first()?;
        if header & 0x04 != 0 {
            body = body.get(1..)?;
        }
        if header & 0x02 != 0 {
            body = leb128(body)?.1;
        }
        if header >> 3 & 0x0F == SEQUENCE_HEADER {
            return av1_sequence(body);
        }
        if rest.is_empty() {
            return None;
        }
    }
    None
}

/// A sequence header unit (AV1 section 5.5).
fn av1_sequence(body: &[u8]) -> Option<PictureSize> {
    let mut bits = Bits::new(body);
    bits.take(4)?;
    if bits.take(1)? == 1 {
        bits.take(5)?;
    } else {
        let delay_len = av1_timing(&mut bits)?;
        let shows_delay = bits.take(1)? == 1;
        for _ in 0..=bits.take(5)? {
            bits.take(12)?;
            if bits.take(5)? > 7 {
                bits.take(1)?;
            }
            if let Some(len) = delay_len
                && bits.take(1)? == 1
            {
                bits.take(len)?;
                bits.take(len)?;
                bits.take(1)?;
            }
            if shows_delay && bits.take(1)? == 1 {
                bits.take(4)?;
            }
        }
    }
    let (width_len, height_len) = (bits.take(4)? + 1, bits.take(4)? + 1);
    picture(bits.take(width_len)? + 1, bits.take(height_len)? + 1)
}

/// Passes over timing and decoder model; says how many bits a delay of that model has, if there is one.
fn av1_timing(bits: &mut Bits<'_>) -> Option<Option<u32>> {
    if bits.take(1)? == 0 {
        return Some(None);
    }
    bits.take(32)?;
    bits.take(32)?;
    if bits.take(1)? == 1 {
        bits.golomb()?;
    }
    if bits.take(1)? == 0 {
        return Some(None);
    }
    let delay_len = bits.take(5)? + 1;
    bits.take(32)?;
    bits.take(10)?;
    Some(Some(delay_len))
}

/// A number in seven-bit groups, the lowest first; four groups are more than a packet holds.
fn leb128(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0;
    for (index, &byte) in bytes.iter().enumerate().take(4) {
        value |= usize::from(byte & 0x7F) << (index * 7);
        if byte & 0x80 == 0 {
            return Some((value, &bytes[index + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests;
