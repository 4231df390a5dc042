//! The dependency descriptor of a frame (AV1 RTP, appendix A): its number, its layer, what it refers to, and what it is to
//! each decode target. A header extension, so the same for every codec whose publisher sends it.
//!
//! The descriptor of most packets is three bytes that name a template; what templates mean comes with keyframes
//! ([`Structure`]) and has to be remembered.

mod rewrite;
mod structure;

pub use rewrite::{Active, DESCRIPTOR_MAX, rewrite};
pub use structure::{
    CHAINS_MAX, FrameDiffs, Indication, Indications, Structure, TARGETS_MAX, TargetLayer, Targets, Template,
};

use super::bits::Bits;

/// Bytes of the fields that are always there; more means that extended fields follow.
const MANDATORY_LEN: usize = 3;
const STARTS_FRAME: u8 = 0x80;
const ATTACHES_STRUCTURE: u8 = 0x80;

/// What the descriptor of one packet says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dependency {
    /// The first packet of its frame.
    pub starts_frame: bool,
    /// The last packet of its frame.
    pub ends_frame: bool,
    /// Counts the frames of the stream, every layer's.
    pub frame_number: u16,
    /// A structure comes with it: the frame is a keyframe.
    pub attaches_structure: bool,
    /// The decode targets the publisher produces from here on, one bit each, where it says so.
    pub active: Option<u32>,
    /// Spatial layer.
    pub spatial: u8,
    /// Temporal layer.
    pub temporal: u8,
    /// What the frame is to each decode target.
    pub indications: Indications,
    /// What the frame refers to.
    pub frame_diffs: FrameDiffs,
    /// See [`Template::chain_diffs`].
    pub chain_diffs: [u8; CHAINS_MAX],
}

/// Whether a structure comes with a descriptor, by its first extended field.
pub fn attaches_structure(descriptor: &[u8]) -> bool {
    descriptor.get(MANDATORY_LEN).is_some_and(|extended| extended & ATTACHES_STRUCTURE != 0)
}

impl Dependency {
    /// Reads a descriptor, with the structure it attaches or else the `known` one. `None` when it is cut short, or speaks of
    /// a template that is not known.
    pub fn read(
        descriptor: &[u8],
        known: Option<&Structure>,
    ) -> Option<(Dependency, Option<Box<Structure>>)> {
        let mut bits = Bits::new(descriptor);
        let (starts_frame, ends_frame) = (bits.flag()?, bits.flag()?);
        let template_id = bits.take(6)? as u8;
        let frame_number = bits.take(16)? as u16;
        let extended =
            if descriptor.len() > MANDATORY_LEN { Extended::read(&mut bits)? } else { Extended::NONE };
        let attached = if extended.attaches { Some(Box::new(Structure::read(&mut bits)?)) } else { None };
        let structure = attached.as_deref().or(known)?;
        let target_count = structure.targets.count();
        let active = if extended.tells_active { Some(bits.take(target_count.into())?) } else { None };
        let template = structure.template(template_id)?;
        let mut dependency = Dependency {
            starts_frame,
            ends_frame,
            frame_number,
            attaches_structure: extended.attaches,
            // A structure without a mask says that everything is there.
            active: active.or(extended.attaches.then(|| structure.targets.all())),
            spatial: template.spatial,
            temporal: template.temporal,
            indications: template.indications,
            frame_diffs: template.frame_diffs,
            chain_diffs: template.chain_diffs,
        };
        if extended.custom_indications {
            dependency.indications = Indications::read(&mut bits, target_count.into())?;
        }
        if extended.custom_frame_diffs {
            dependency.frame_diffs = custom_frame_diffs(&mut bits)?;
        }
        if extended.custom_chains {
            for diff in &mut dependency.chain_diffs[..usize::from(structure.targets.chain_count)] {
                *diff = bits.take(8)? as u8;
            }
        }
        Some((dependency, attached))
    }

    /// Whoever is on a decode target of more spatial layers gets the frame, too.
    pub fn feeds_upper(&self, targets: &Targets) -> bool {
        let above = |&target: &u8| targets.layer(target).spatial > self.spatial;
        (0..targets.count()).filter(above).any(|target| self.indications.present(target))
    }
}

/// The number of the frame, which is where it can be read without any structure.
pub fn frame_number(descriptor: &[u8]) -> Option<u16> {
    let &[_, high, low, ..] = descriptor else { return None };
    Some(u16::from_be_bytes([high, low]))
}

/// The flags of the extended fields.
#[derive(Debug, Clone, Copy)]
struct Extended {
    attaches: bool,
    tells_active: bool,
    custom_indications: bool,
    custom_frame_diffs: bool,
    custom_chains: bool,
}

impl Extended {
    const NONE: Extended = Extended {
        attaches: false,
        tells_active: false,
        custom_indications: false,
        custom_frame_diffs: false,
        custom_chains: false,
    };

    fn read(bits: &mut Bits<'_>) -> Option<Extended> {
        Some(Extended {
            attaches: bits.flag()?,
            tells_active: bits.flag()?,
            custom_indications: bits.flag()?,
            custom_frame_diffs: bits.flag()?,
            custom_chains: bits.flag()?,
        })
    }
}

fn custom_frame_diffs(bits: &mut Bits<'_>) -> Option<FrameDiffs> {
    let mut diffs = FrameDiffs::default();
    loop {
        match bits.take(2)? {
            0 => return Some(diffs),
            nibbles => diffs.push(bits.take(4 * nibbles)? + 1)?,
        }
    }
}

#[cfg(test)]
pub(in crate::engine::router) mod tests;
