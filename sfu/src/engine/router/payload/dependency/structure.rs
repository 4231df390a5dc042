//! The template dependency structure: what kinds of frames a stream has, sent with its keyframes (AV1 RTP, section A.8).

use super::super::bits::Bits;

/// Templates at most: their ids have six bits.
pub const TEMPLATES_MAX: usize = 64;
/// Decode targets at most: their number has five bits.
pub const TARGETS_MAX: usize = 32;
/// Chains at most: no more than decode targets.
pub const CHAINS_MAX: usize = 32;
/// Frames that one frame refers to at most. AV1 has seven references; a stranger who claims more is not believed.
pub const FRAME_DIFFS_MAX: usize = 8;

/// What a frame is to a decode target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Indication {
    /// Not part of it.
    NotPresent,
    /// Part of it, and no other frame of it refers to this one.
    Discardable,
    /// Part of it; whoever can decode this frame can decode the target from here on.
    Switch,
    /// Part of it.
    Required,
}

/// The indications of one frame for every decode target, two bits each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Indications(u64);

impl Indications {
    /// Reads one for each of `targets`.
    pub(super) fn read(bits: &mut Bits<'_>, targets: usize) -> Option<Indications> {
        let mut all = 0;
        for target in 0..targets {
            all |= u64::from(bits.take(2)?) << (2 * target);
        }
        Some(Indications(all))
    }

    /// What the frame is to this target.
    pub fn get(self, target: u8) -> Indication {
        match self.0.checked_shr(2 * u32::from(target)).unwrap_or(0) & 3 {
            0 => Indication::NotPresent,
            1 => Indication::Discardable,
            2 => Indication::Switch,
            _ => Indication::Required,
        }
    }

    /// The frame is part of this target.
    pub fn present(self, target: u8) -> bool {
        self.get(target) != Indication::NotPresent
    }
}

/// How far back the frames are that a frame refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FrameDiffs {
    len: u8,
    diffs: [u16; FRAME_DIFFS_MAX],
}

impl FrameDiffs {
    pub(super) fn push(&mut self, diff: u32) -> Option<()> {
        *self.diffs.get_mut(usize::from(self.len))? = diff as u16;
        self.len += 1;
        Some(())
    }

    /// Each is the difference of the two frame numbers, at least 1.
    pub fn as_slice(&self) -> &[u16] {
        &self.diffs[..usize::from(self.len)]
    }
}

/// One kind of frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Template {
    /// Spatial layer.
    pub spatial: u8,
    /// Temporal layer.
    pub temporal: u8,
    /// What it is to each decode target.
    pub indications: Indications,
    /// What it refers to.
    pub frame_diffs: FrameDiffs,
    /// For each chain how far back its last frame is; 0 when the chain starts here.
    pub chain_diffs: [u8; CHAINS_MAX],
}

/// The highest layers of a decode target. Ordered by space, then by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct TargetLayer {
    /// Spatial layer.
    pub spatial: u8,
    /// Temporal layer.
    pub temporal: u8,
}

/// One stream's decode targets: what a viewer can be given of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Targets {
    count: u8,
    /// 0 when the stream does without chains.
    pub chain_count: u8,
    layers: [TargetLayer; TARGETS_MAX],
    protected_by: [u8; TARGETS_MAX],
    /// For each target those whose every frame it has too, one bit each, itself included.
    covered: [u32; TARGETS_MAX],
}

impl Targets {
    /// Every target, one bit each.
    pub fn all(&self) -> u32 {
        u32::MAX.checked_shr(32 - u32::from(self.count)).unwrap_or(0)
    }

    /// How many there are.
    pub fn count(&self) -> u8 {
        self.count
    }

    /// Its highest layers.
    pub fn layer(&self, target: u8) -> TargetLayer {
        self.layers.get(usize::from(target)).copied().unwrap_or_default()
    }

    /// The chain whose frames must all be there for the target to be decodable.
    pub fn chain(&self, target: u8) -> u8 {
        self.protected_by.get(usize::from(target)).copied().unwrap_or(0)
    }

    /// The targets that whoever gets this one can decode, one bit each.
    pub fn covered(&self, target: u8) -> u32 {
        self.covered.get(usize::from(target)).copied().unwrap_or(0)
    }

    /// The highest temporal layer of any target.
    pub fn temporal_max(&self) -> u8 {
        self.layers[..usize::from(self.count)].iter().map(|layer| layer.temporal).max().unwrap_or(0)
    }

    /// The best of these targets (one bit each) within a limit, else the smallest there is.
    pub fn pick(&self, among: u32, limit: TargetLayer) -> u8 {
        let candidates = || (0..self.count).filter(|target| among >> target & 1 == 1);
        let fits = |target: &u8| {
            let layer = self.layer(*target);
            layer.spatial <= limit.spatial && layer.temporal <= limit.temporal
        };
        let best = candidates().filter(fits).max_by_key(|&target| self.layer(target));
        best.or_else(|| candidates().min_by_key(|&target| self.layer(target))).unwrap_or(0)
    }
}

/// A template dependency structure as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Structure {
    template_id_offset: u8,
    template_count: u8,
    templates: [Template; TEMPLATES_MAX],
    /// What can be chosen.
    pub targets: Targets,
}

impl Structure {
    /// Reads it up to its end. `None` when the bytes end before, or when it says what cannot be.
    pub(super) fn read(bits: &mut Bits<'_>) -> Option<Structure> {
        let template_id_offset = bits.take(6)? as u8;
        let count = bits.take(5)? as u8 + 1;
        let mut structure = Structure {
            template_id_offset,
            template_count: 0,
            templates: [Template::default(); TEMPLATES_MAX],
            targets: Targets { count, ..Targets::default() },
        };
        let spatial_max = structure.read_layers(bits)?;
        for template in structure.templates_mut() {
            template.indications = Indications::read(bits, usize::from(count))?;
        }
        for template in structure.templates_mut() {
            while bits.flag()? {
                template.frame_diffs.push(bits.take(4)? + 1)?;
            }
        }
        structure.read_chains(bits)?;
        if bits.flag()? {
            for _ in 0..=spatial_max {
                bits.take(32)?;
            }
        }
        structure.derive_targets();
        Some(structure)
    }

    /// The template with this id.
    pub fn template(&self, id: u8) -> Option<&Template> {
        let index = id.wrapping_sub(self.template_id_offset) % TEMPLATES_MAX as u8;
        self.templates().get(usize::from(index))
    }

    fn templates(&self) -> &[Template] {
        &self.templates[..usize::from(self.template_count)]
    }

    fn templates_mut(&mut self) -> &mut [Template] {
        &mut self.templates[..usize::from(self.template_count)]
    }

    /// Counts the templates, each in the layer of the one before or in the next. Returns the highest spatial layer.
    fn read_layers(&mut self, bits: &mut Bits<'_>) -> Option<u8> {
        const SAME_LAYER: u32 = 0;
        const NEXT_TEMPORAL: u32 = 1;
        const NEXT_SPATIAL: u32 = 2;
        const SPATIAL_MAX: u8 = 3;
        const TEMPORAL_MAX: u8 = 7;
        let (mut spatial, mut temporal) = (0, 0);
        loop {
            let template = self.templates.get_mut(usize::from(self.template_count))?;
            (template.spatial, template.temporal) = (spatial, temporal);
            self.template_count += 1;
            match bits.take(2)? {
                SAME_LAYER => {}
                NEXT_TEMPORAL => temporal += 1,
                NEXT_SPATIAL => (spatial, temporal) = (spatial + 1, 0),
                _ => return Some(spatial),
            }
            if spatial > SPATIAL_MAX || temporal > TEMPORAL_MAX {
                return None;
            }
        }
    }

    fn read_chains(&mut self, bits: &mut Bits<'_>) -> Option<()> {
        let count = bits.non_symmetric(u32::from(self.targets.count) + 1)?;
        self.targets.chain_count = count as u8;
        if count == 0 {
            return Some(());
        }
        for target in 0..usize::from(self.targets.count) {
            self.targets.protected_by[target] = bits.non_symmetric(count)? as u8;
        }
        for template in self.templates_mut() {
            for diff in &mut template.chain_diffs[..count as usize] {
                *diff = bits.take(4)? as u8;
            }
        }
        Some(())
    }

    fn derive_targets(&mut self) {
        let mut targets = self.targets;
        for target in 0..targets.count {
            let at = usize::from(target);
            targets.covered[at] = targets.all();
            for template in self.templates() {
                if template.indications.present(target) {
                    let layer = &mut targets.layers[at];
                    layer.spatial = layer.spatial.max(template.spatial);
                    layer.temporal = layer.temporal.max(template.temporal);
                } else {
                    let missed = (0..targets.count).filter(|other| template.indications.present(*other));
                    targets.covered[at] &= !missed.fold(0, |bits, other| bits | 1 << other);
                }
            }
        }
        self.targets = targets;
    }
}
