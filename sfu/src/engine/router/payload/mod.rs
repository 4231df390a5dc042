//! What a payload descriptor says about its packet: keyframe, layer, picture numbers. One reader per codec.

pub mod av1;
mod bits;
pub mod dependency;
pub mod h264;
pub mod picture;
pub mod vp8;
pub mod vp9;

use crate::engine::{packet::RtpPacket, transport::params::Codec};

use dependency::{Dependency, Structure};
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
    /// From the next picture on, a receiver of this one can be given all temporal layers.
    pub opens_temporal: bool,
    /// From here on a receiver of the spatial layer below can also be given this one.
    pub spatial_sync: bool,
    /// Spatial layers above are built on this frame.
    pub feeds_upper: bool,
    /// The last packet of its spatial layer's frame.
    pub layer_frame_end: bool,
    /// Numbers that are rewritten when the packet is forwarded.
    pub numbers: Numbers,
    /// What the dependency descriptor says; layers are chosen by it where it is there.
    pub dependency: Option<Dependency>,
}

/// Numbers that are rewritten, and where they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Numbers {
    /// In the payload.
    pub picture: PictureNumbers,
    /// The frame number of the dependency descriptor, which is a header extension.
    pub frame: Option<u16>,
}

/// Picture numbers in a payload, and where they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PictureNumbers {
    /// The payload has none.
    #[default]
    None,
    /// VP8 payload descriptor.
    Vp8(Vp8),
    /// VP9 payload descriptor.
    Vp9(Vp9),
}

impl Numbers {
    /// Reads them alone, which needs nothing but the packet: for one that was forwarded before.
    pub fn read(codec: Codec, packet: &RtpPacket, bytes: &[u8], dependency_id: u8) -> Option<Numbers> {
        let payload = packet.payload(bytes);
        let picture = match codec {
            Codec::Vp8 => PictureNumbers::Vp8(Vp8::read(payload)?),
            Codec::Vp9 => PictureNumbers::Vp9(Vp9::read(payload)?),
            Codec::Opus | Codec::H264 | Codec::Av1 => PictureNumbers::None,
        };
        let frame = packet.extension(bytes, dependency_id).and_then(dependency::frame_number);
        Some(Numbers { picture, frame })
    }
}

impl From<Vp8> for Numbers {
    fn from(vp8: Vp8) -> Self {
        Numbers { picture: PictureNumbers::Vp8(vp8), frame: None }
    }
}

impl From<Vp9> for Numbers {
    fn from(vp9: Vp9) -> Self {
        Numbers { picture: PictureNumbers::Vp9(vp9), frame: None }
    }
}

impl Description {
    /// A packet of a codec without layers or numbers.
    pub const PLAIN: Description = Description {
        keyframe: false,
        spatial: 0,
        temporal: 0,
        temporal_sync: true,
        opens_temporal: false,
        spatial_sync: false,
        feeds_upper: true,
        layer_frame_end: false,
        numbers: Numbers { picture: PictureNumbers::None, frame: None },
        dependency: None,
    };

    /// A packet of sound: it can be entered anywhere.
    pub const SOUND: Description = Description { keyframe: true, ..Description::PLAIN };

    /// Reads the start of a payload that is not empty, and the dependency descriptor where the publisher sends one.
    /// `structure` is what the stream's descriptors were said to mean; that of a packet `newer` than the one
    /// that brought it takes its place. `None`
    /// when the payload cannot be of that codec, or its descriptor cannot be understood (yet).
    pub fn read(
        codec: Codec,
        packet: &RtpPacket,
        bytes: &[u8],
        dependency_id: u8,
        structure: &mut Option<Box<Structure>>,
        newer: bool,
    ) -> Option<Description> {
        let payload = packet.payload(bytes);
        let description = match codec {
            // Sound can be entered anywhere.
            Codec::Opus => Description::SOUND,
            Codec::Vp8 => Vp8::read(payload)?.describe(),
            Codec::Vp9 => Vp9::read(payload)?.describe(),
            Codec::H264 => Description { keyframe: h264::is_keyframe(payload)?, ..Description::PLAIN },
            Codec::Av1 => Description { keyframe: av1::starts_sequence(payload)?, ..Description::PLAIN },
        };
        match packet.extension(bytes, dependency_id).filter(|_| codec.has_dependencies()) {
            None => Some(description),
            Some(descriptor) => description.with_dependency(descriptor, structure, newer),
        }
    }

    fn with_dependency(
        self,
        descriptor: &[u8],
        structure: &mut Option<Box<Structure>>,
        newer: bool,
    ) -> Option<Description> {
        let (dependency, attached) = Dependency::read(descriptor, structure.as_deref())?;
        // The structure of a keyframe that comes after its time is not that of what follows.
        let current = attached.is_some() && (newer || structure.is_none());
        if current {
            *structure = attached;
        }
        let feeds_upper =
            structure.as_deref().is_none_or(|structure| dependency.feeds_upper(&structure.targets));
        Some(Description {
            keyframe: current && dependency.starts_frame,
            feeds_upper,
            spatial: dependency.spatial,
            temporal: dependency.temporal,
            layer_frame_end: dependency.ends_frame,
            numbers: Numbers { frame: Some(dependency.frame_number), ..self.numbers },
            dependency: Some(dependency),
            ..self
        })
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
