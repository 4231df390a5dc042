//! What a payload descriptor says about its packet: keyframe, layer, picture numbers. One reader per codec.

pub mod av1;
pub mod h264;
pub mod picture;
pub mod vp8;
pub mod vp9;

use crate::engine::{packet::RtpPacket, transport::params::Codec};

pub use vp8::Vp8;
pub use vp9::Vp9;

/// What forwarding needs to know of one packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Description {
    /// The packet starts a picture that needs no other: the place where a stream can be entered.
    pub keyframe: bool,
    /// Spatial layer within the stream; 0 unless the stream is SVC.
    pub spatial: u8,
    /// Temporal layer; 0 is the base.
    pub temporal: u8,
    /// From here on a receiver can also be given this temporal layer.
    pub temporal_sync: bool,
    /// The last packet of its spatial layer's frame.
    pub layer_frame_end: bool,
    /// Numbers that are rewritten when the packet is forwarded.
    pub numbers: Numbers,
}

/// Picture numbers in a payload, and where they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Numbers {
    /// The payload has none.
    None,
    /// VP8 payload descriptor.
    Vp8(Vp8),
    /// VP9 payload descriptor.
    Vp9(Vp9),
    /// The AV1 dependency descriptor of this frame number; it lies in a header extension.
    Av1 {
        /// 16 bits, counts frames.
        frame_number: u16,
    },
}

impl Description {
    /// A packet of a codec without layers or numbers.
    pub const PLAIN: Description = Description {
        keyframe: false,
        spatial: 0,
        temporal: 0,
        temporal_sync: true,
        layer_frame_end: false,
        numbers: Numbers::None,
    };

    /// Reads the start of a payload that is not empty. `None` when it cannot be of that codec.
    pub fn read(codec: Codec, packet: &RtpPacket, bytes: &[u8], dependency_id: u8) -> Option<Description> {
        let payload = packet.payload(bytes);
        match codec {
            // Sound can be entered anywhere.
            Codec::Opus => Some(Description { keyframe: true, ..Description::PLAIN }),
            Codec::Vp8 => Vp8::read(payload).map(|vp8| vp8.describe()),
            Codec::Vp9 => Vp9::read(payload).map(|vp9| vp9.describe()),
            Codec::H264 => {
                h264::is_keyframe(payload).map(|keyframe| Description { keyframe, ..Description::PLAIN })
            }
            Codec::Av1 => {
                let keyframe = av1::starts_sequence(payload)?;
                let numbers = packet
                    .extension(bytes, dependency_id)
                    .and_then(av1::frame_number)
                    .map_or(Numbers::None, |frame_number| Numbers::Av1 { frame_number });
                Some(Description { keyframe, numbers, ..Description::PLAIN })
            }
        }
    }
}

/// A picture number of 7 or 15 bits in a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PictureId {
    /// The number.
    pub value: u16,
    /// 15 bits on the wire instead of 7.
    pub wide: bool,
    /// Where it starts in the payload.
    pub offset: u8,
}

impl PictureId {
    /// Reads it at `offset` (VP8: RFC 7741 section 4.2, VP9: RFC 9628 section 4.2; both have the same form).
    fn read(payload: &[u8], offset: usize) -> Option<PictureId> {
        let first = *payload.get(offset)?;
        let at = offset as u8;
        if first & 0x80 == 0 {
            return Some(PictureId { value: u16::from(first), wide: false, offset: at });
        }
        let low = *payload.get(offset + 1)?;
        Some(PictureId { value: (u16::from(first & 0x7F) << 8) | u16::from(low), wide: true, offset: at })
    }

    /// Bytes on the wire.
    fn len(self) -> usize {
        if self.wide { 2 } else { 1 }
    }

    /// The bits of the number.
    pub fn bits(self) -> u32 {
        if self.wide { 15 } else { 7 }
    }

    /// Writes another number in the same place and width.
    fn write(self, payload: &mut [u8], value: u16) {
        let at = usize::from(self.offset);
        if self.wide {
            if let Some(bytes) = payload.get_mut(at..at + 2) {
                bytes.copy_from_slice(&(0x8000 | (value & 0x7FFF)).to_be_bytes());
            }
        } else if let Some(byte) = payload.get_mut(at) {
            *byte = (value & 0x7F) as u8;
        }
    }
}
