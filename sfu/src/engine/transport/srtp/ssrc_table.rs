//! State per SSRC: sorted, so that finding one costs a few comparisons and no hash; bounded.

use super::replay::ReplayWindow;
use crate::engine::prefetch::prefetch;

/// Replay windows by SSRC. Each direction decides what happens when the table is full.
#[derive(Debug, Default)]
pub(super) struct SsrcTable {
    streams: Vec<Stream>,
    uses: u64,
    /// The place that was asked for last: mostly the next packet is of the same stream.
    last: usize,
}

/// Name and state lie together: one cache line is fetched for a packet.
#[derive(Debug)]
struct Stream {
    ssrc: u32,
    window: ReplayWindow,
    last_use: u64,
}

/// Where a stream is in the table, or would have to be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place(Result<usize, usize>);

impl SsrcTable {
    pub(super) fn len(&self) -> usize {
        self.streams.len()
    }

    /// Has the stream fetched that was looked for last.
    pub(super) fn prefetch(&self) {
        if let Some(stream) = self.streams.get(self.last) {
            prefetch(stream);
        }
    }

    /// Looks for a stream. What is found holds until the table changes.
    #[inline]
    pub(super) fn find(&mut self, ssrc: u32) -> Place {
        if self.streams.get(self.last).is_some_and(|stream| stream.ssrc == ssrc) {
            return Place(Ok(self.last));
        }
        let place = self.streams.binary_search_by_key(&ssrc, |stream| stream.ssrc);
        self.last = place.unwrap_or_else(|at| at);
        Place(place)
    }

    /// What is known of a stream.
    #[inline]
    pub(super) fn window(&self, place: Place) -> Option<&ReplayWindow> {
        Some(&self.streams.get(place.0.ok()?)?.window)
    }

    /// Remembers a packet number of a stream, which begins with it when it is new. `place` is where [`SsrcTable::find`] has
    /// just found it.
    #[inline]
    pub(super) fn insert(&mut self, place: Place, ssrc: u32, index: u64) {
        self.uses += 1;
        match place.0 {
            Ok(at) => {
                let stream = &mut self.streams[at];
                stream.window.insert(index);
                stream.last_use = self.uses;
            }
            Err(at) => {
                let window = ReplayWindow::starting_at(index);
                self.streams.insert(at, Stream { ssrc, window, last_use: self.uses });
            }
        }
    }

    pub(super) fn remove(&mut self, ssrc: u32) {
        if let Place(Ok(at)) = self.find(ssrc) {
            self.streams.remove(at);
        }
    }

    pub(super) fn remove_least_recently_used(&mut self) {
        let oldest = self.streams.iter().enumerate().min_by_key(|(_, stream)| stream.last_use);
        if let Some((at, _)) = oldest {
            self.streams.remove(at);
        }
    }
}
