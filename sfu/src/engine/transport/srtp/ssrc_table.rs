//! State per SSRC: sorted, so that finding one costs a few comparisons and no hash; bounded.

use super::replay::ReplayWindow;

/// Replay windows by SSRC. Each direction decides what happens when the table is full.
#[derive(Debug, Default)]
pub(super) struct SsrcTable {
    ssrcs: Vec<u32>,
    streams: Vec<Stream>,
    uses: u64,
}

#[derive(Debug)]
struct Stream {
    window: ReplayWindow,
    last_use: u64,
}

impl SsrcTable {
    pub(super) fn len(&self) -> usize {
        self.ssrcs.len()
    }

    pub(super) fn get(&self, ssrc: u32) -> Option<&ReplayWindow> {
        let at = self.ssrcs.binary_search(&ssrc).ok()?;
        Some(&self.streams[at].window)
    }

    /// Remembers a packet number of a stream, which begins with it when it is new.
    pub(super) fn insert(&mut self, ssrc: u32, index: u64) {
        self.uses += 1;
        match self.ssrcs.binary_search(&ssrc) {
            Ok(at) => {
                let stream = &mut self.streams[at];
                stream.window.insert(index);
                stream.last_use = self.uses;
            }
            Err(at) => {
                self.ssrcs.insert(at, ssrc);
                self.streams
                    .insert(at, Stream { window: ReplayWindow::starting_at(index), last_use: self.uses });
            }
        }
    }

    pub(super) fn remove(&mut self, ssrc: u32) {
        if let Ok(at) = self.ssrcs.binary_search(&ssrc) {
            self.ssrcs.remove(at);
            self.streams.remove(at);
        }
    }

    pub(super) fn remove_least_recently_used(&mut self) {
        let oldest = self.streams.iter().enumerate().min_by_key(|(_, stream)| stream.last_use);
        if let Some((at, _)) = oldest {
            self.ssrcs.remove(at);
            self.streams.remove(at);
        }
    }
}
