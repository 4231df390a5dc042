//! Which decode target of a stream a consumer gets, by the dependency descriptors of its frames (AV1 RTP, appendix A).
//!
//! A frame is sent when it is part of the target. The target is changed at frames that say so (`Switch`), and only to one
//! whose chain is whole here: every frame of it since the keyframe has been sent. What has no whole chain waits for a
//! keyframe; so does a smaller picture where layers are independent after the keyframe (`L3T3_KEY`), as with simulcast.

use super::{
    payload::dependency::{Active, Dependency, Indication, TargetLayer, Targets},
    renumber::Unwrapper,
};

/// Frames whose fate is remembered. Chains reach back 255 frames, and retransmissions come within a second.
const FRAMES: u64 = 512;
const WORDS: usize = FRAMES as usize / 64;
/// Targets remembered. They change a few times in the second within which frames still come.
const HELD: usize = 4;

/// One consumer's place in a stream with dependency descriptors.
#[derive(Debug, Clone)]
pub struct DecodeTargets {
    targets: Targets,
    /// What the publisher produces, one bit for each target.
    produced: u32,
    numbers: Unwrapper,
    fates: Fates,
    /// Chains of which every frame was sent, one bit each.
    whole: u32,
    /// The current target, and those that held before it, for frames that come late.
    held: [Since; HELD],
    /// The viewer was told that targets are missing, and has to be told when they are back.
    told: bool,
}

/// A target, and the first frame it holds for.
#[derive(Debug, Clone, Copy)]
struct Since {
    target: u8,
    frame: u64,
}

impl DecodeTargets {
    /// The consumer enters with this frame, which brought `targets` along.
    pub fn enter(targets: Targets, dependency: &Dependency, limit: TargetLayer) -> Self {
        let mut numbers = Unwrapper::default();
        let frame = numbers.extend(dependency.frame_number, u16::BITS);
        let mut entered = DecodeTargets {
            targets,
            produced: targets.all(),
            numbers,
            fates: Fates::new(frame),
            whole: 0,
            held: [Since { target: 0, frame }; HELD],
            told: false,
        };
        entered.start(targets, dependency, limit, frame);
        entered
    }

    /// Decides about a packet's frame: whether it is sent. Without a `limit` the target stays as it is. `structure` is
    /// needed of keyframes.
    pub fn judge(
        &mut self,
        dependency: &Dependency,
        structure: Option<&Targets>,
        limit: Option<TargetLayer>,
    ) -> bool {
        let frame = self.numbers.extend(dependency.frame_number, u16::BITS);
        let structure = structure.filter(|_| dependency.attaches_structure);
        if let Some(&targets) = structure.filter(|_| frame >= self.fates.newest) {
            return self.start(targets, dependency, limit.unwrap_or(self.layer()), frame);
        }
        if let Some(sent) = self.fates.get(frame) {
            return sent;
        }
        if frame < self.fates.newest {
            let part = self.held_at(frame).is_some_and(|target| dependency.indications.present(target));
            self.fates.note(frame, part || dependency.attaches_structure);
            return part || dependency.attaches_structure;
        }
        self.go_on(dependency, limit, frame)
    }

    /// A keyframe: everything is whole from here on. It is always sent, since the structure comes with it.
    fn start(&mut self, targets: Targets, dependency: &Dependency, limit: TargetLayer, frame: u64) -> bool {
        self.targets = targets;
        self.produced = dependency.active.unwrap_or(targets.all());
        self.whole = u32::MAX;
        self.told = false;
        self.switch(targets.pick(self.produced, limit), frame);
        self.fates.note(frame, true);
        true
    }

    fn go_on(&mut self, dependency: &Dependency, limit: Option<TargetLayer>, frame: u64) -> bool {
        self.produced = dependency.active.unwrap_or(self.produced);
        for chain in 0..self.targets.chain_count {
            let back = u64::from(dependency.chain_diffs[usize::from(chain)]);
            if back == 0 {
                // It starts anew; whether this frame is sent is seen by the next.
                self.whole |= 1 << chain;
            } else if self.fates.get(frame.saturating_sub(back)) != Some(true) {
                self.whole &= !(1 << chain);
            }
        }
        if let Some(limit) = limit {
            let wanted = self.targets.pick(self.produced, limit);
            let meanwhile = self.targets.pick(self.produced, self.meanwhile(limit));
            let ready = |target: &u8| {
                dependency.indications.get(*target) == Indication::Switch && self.is_whole(*target)
            };
            if let Some(target) = [wanted, meanwhile].into_iter().find(ready) {
                self.switch(target, frame);
            }
        }
        let sent = dependency.indications.present(self.current());
        self.fates.note(frame, sent);
        sent
    }

    /// While the wanted picture size has to wait: as many pictures as wanted, and as few as can be when less is wanted.
    fn meanwhile(&self, limit: TargetLayer) -> TargetLayer {
        let TargetLayer { spatial, .. } = self.layer();
        TargetLayer { spatial, temporal: if limit.spatial < spatial { 0 } else { limit.temporal } }
    }

    fn switch(&mut self, target: u8, frame: u64) {
        if target != self.current() {
            self.held.rotate_right(1);
            self.held[0] = Since { target, frame };
        }
    }

    /// The target that held when a late frame was due.
    fn held_at(&self, frame: u64) -> Option<u8> {
        self.held.iter().find(|since| frame >= since.frame).map(|since| since.target)
    }

    fn current(&self) -> u8 {
        self.held[0].target
    }

    /// Whoever gets the current target could go over to this one.
    fn is_whole(&self, target: u8) -> bool {
        let covered = self.targets.covered(self.current()) >> target & 1 == 1;
        if self.targets.chain_count == 0 {
            return covered || self.targets.layer(target).spatial == self.layer().spatial;
        }
        // What is missing of the chain of the current target is asked for again, and sent when it comes.
        let held = covered || self.targets.chain(target) == self.targets.chain(self.current());
        held || self.whole >> self.targets.chain(target) & 1 == 1
    }

    /// What is wanted does not come without a keyframe.
    pub fn awaits_keyframe(&self, limit: TargetLayer) -> bool {
        let wanted = self.targets.pick(self.produced, limit);
        self.targets.layer(wanted).spatial != self.layer().spatial && !self.is_whole(wanted)
    }

    /// The layers of the current target.
    pub fn layer(&self) -> TargetLayer {
        self.targets.layer(self.current())
    }

    /// Every temporal layer the stream has is sent.
    pub fn every_temporal(&self) -> bool {
        self.layer().temporal == self.targets.temporal_max()
    }

    /// What to tell the viewer it can decode, where that is not everything, or was not since the keyframe.
    pub fn active(&mut self) -> Option<Active> {
        let mask = self.produced & self.targets.covered(self.current());
        self.told |= mask != self.produced;
        self.told.then_some(Active { mask, count: self.targets.count() })
    }
}

/// Which of the newest frames were sent.
#[derive(Debug, Clone)]
struct Fates {
    newest: u64,
    decided: [u64; WORDS],
    sent: [u64; WORDS],
}

impl Fates {
    fn new(newest: u64) -> Self {
        Fates { newest, decided: [0; WORDS], sent: [0; WORDS] }
    }

    /// `None` for a frame of which nothing has come yet, or too long ago.
    fn get(&self, frame: u64) -> Option<bool> {
        if frame > self.newest || self.newest - frame >= FRAMES {
            return None;
        }
        let (word, bit) = place(frame);
        (self.decided[word] & bit != 0).then_some(self.sent[word] & bit != 0)
    }

    fn note(&mut self, frame: u64, sent: bool) {
        if frame > self.newest {
            for passed in self.newest + 1..=frame.min(self.newest + FRAMES) {
                let (word, bit) = place(passed);
                self.decided[word] &= !bit;
            }
            self.newest = frame;
        } else if self.newest - frame >= FRAMES {
            return;
        }
        let (word, bit) = place(frame);
        self.decided[word] |= bit;
        self.sent[word] = if sent { self.sent[word] | bit } else { self.sent[word] & !bit };
    }
}

fn place(frame: u64) -> (usize, u64) {
    ((frame / 64) as usize % WORDS, 1 << (frame % 64))
}
