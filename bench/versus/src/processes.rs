//! What a server takes of the machine: all of its processes together.

use plenum_loadtest::{
    cpu::CpuTime,
    server::{resident_bytes, with_children},
};

/// A process and everything it started.
#[derive(Clone, Copy, Debug)]
pub struct Tree {
    root: u32,
}

impl Tree {
    pub fn of(root: u32) -> Self {
        Self { root }
    }

    /// CPU time so far, by the scheduler's nanoseconds.
    pub fn cpu(self) -> CpuTime {
        CpuTime::of_processes(&with_children(self.root))
    }

    /// Memory that is in use, in bytes.
    pub fn memory(self) -> u64 {
        with_children(self.root).into_iter().map(resident_bytes).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_process_started_is_counted_with_it() {
        let start = || std::process::Command::new("sleep").arg("30").spawn().expect("sleep starts");
        let tree = Tree::of(std::process::id());
        let mut children = [start(), start()];
        let memory: u64 = children.iter().map(|child| resident_bytes(child.id())).sum();
        assert!(memory > 0 && tree.memory() > memory, "of which {memory}");
        assert!(!tree.cpu().total.is_zero());
        for child in &mut children {
            child.kill().expect("it runs");
            child.wait().expect("it ended");
        }
    }
}
