//! Where people meet behind links: what a scenario is told to, in the virtual laboratory as on a real network.

use crate::link::LinkSettings;
use crate::publisher::LayerSettings;

/// A link by its place among those of a meeting.
pub type LinkId = usize;

/// The two directions of somebody's path.
#[derive(Debug, Clone, Copy)]
pub struct Path {
    pub up: LinkId,
    pub down: LinkId,
}

pub trait Meeting {
    fn link(&mut self, settings: LinkSettings) -> LinkId;

    /// Viewers to come take redundant sound.
    fn take_redundancy(&mut self);

    /// Somebody with a camera, and a microphone where `speaks`.
    fn publisher(&mut self, path: Path, layers: &[LayerSettings], speaks: bool);

    /// Somebody who gets everything that is published by now.
    fn viewer(&mut self, path: Path);

    /// A path that is limited on the way down only, with the same delay both ways.
    fn path_down(&mut self, down: LinkSettings) -> Path {
        let up = LinkSettings { delay: down.delay, dead: down.dead.clone(), ..LinkSettings::default() };
        Path { up: self.link(up), down: self.link(down) }
    }

    /// As [`Meeting::path_down`], limited on the way up.
    fn path_up(&mut self, up: LinkSettings) -> Path {
        let down = LinkSettings { delay: up.delay, ..LinkSettings::default() };
        Path { up: self.link(up), down: self.link(down) }
    }
}
