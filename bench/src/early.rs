//! What leaves an engine before it has written everything: taken away, to arrive later with the rest.
//!
//! A worker would send it in the meantime. Here it is copied, which is no part of what is measured: its time is kept apart, and
//! its memory is that of the frame before.

use crate::allocations::inside;
use plenum_sfu::engine::{Engine, egress::Egress, router::held::Progress};
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

/// Datagrams on their way, in order.
#[derive(Debug, Default)]
pub struct Early {
    bytes: Vec<u8>,
    /// Where each goes, and where it ends.
    ends: Vec<(SocketAddr, usize)>,
    /// How long taking them away has lasted, ever.
    pub spent: Duration,
}

impl Early {
    /// Has the engine forward what it holds. Returns how many datagrams had to leave before the rest was written.
    pub fn end_batch(&mut self, now: Instant, engine: &mut Engine) -> usize {
        let before = self.ends.len();
        while inside(|| engine.end_batch(now)) == Progress::Filling {
            let begun = Instant::now();
            self.take(engine.egress());
            self.spent += begun.elapsed();
        }
        self.ends.len() - before
    }

    /// Takes everything that is to leave.
    pub fn take(&mut self, egress: &mut Egress) {
        for message in egress.messages() {
            let size = message.segment_size.map_or(message.bytes.len(), usize::from);
            for datagram in message.bytes.chunks(size) {
                self.bytes.extend_from_slice(datagram);
                self.ends.push((message.remote, self.bytes.len()));
            }
        }
        egress.clear();
    }

    /// Hands them over. Returns whether there were any.
    pub fn arrive(&mut self, mut hand_over: impl FnMut(SocketAddr, &[u8])) -> bool {
        let mut start = 0;
        for &(remote, end) in &self.ends {
            hand_over(remote, &self.bytes[start..end]);
            start = end;
        }
        let were_any = !self.ends.is_empty();
        self.ends.clear();
        self.bytes.clear();
        were_any
    }
}
