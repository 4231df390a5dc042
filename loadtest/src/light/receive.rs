//! Reading a member's socket: many datagrams a call, each with the kernel's time of its arrival.

use super::wall_ns;
use nix::{
    cmsg_space,
    errno::Errno,
    sys::{
        socket::{ControlMessageOwned, MsgFlags, MultiHeaders, SockaddrStorage, recvmmsg},
        time::TimeSpec,
    },
};
use std::{io::IoSliceMut, os::fd::RawFd};

/// Datagrams of one call: a frame, and sound beside it.
const BATCH: usize = 16;
/// Larger than any path carries; there is no GRO.
const DATAGRAM_MAX: usize = 2048;

/// The buffers that all members of a crowd read with.
pub(super) struct Receiver {
    headers: MultiHeaders<SockaddrStorage>,
    buffer: Vec<u8>,
}

impl Receiver {
    pub(super) fn new() -> Self {
        // Exactly this much: the kernel writes back how much it used, which is then what there is the next time.
        let headers = MultiHeaders::preallocate(BATCH, Some(cmsg_space!(TimeSpec)));
        Self { headers, buffer: vec![0; BATCH * DATAGRAM_MAX] }
    }

    /// Hands everything there is to `each`, with nanoseconds since 1970.
    pub(super) fn drain(&mut self, socket: RawFd, mut each: impl FnMut(&[u8], u64)) {
        loop {
            match self.batch(socket, &mut each) {
                Ok(BATCH) => {}
                // What an earlier datagram met, for example a server that is gone: it is cleared by being read.
                Err(Errno::EINTR | Errno::ECONNREFUSED) => {}
                Ok(_) | Err(_) => return,
            }
        }
    }

    fn batch(&mut self, socket: RawFd, each: &mut impl FnMut(&[u8], u64)) -> Result<usize, Errno> {
        let mut buffers = self.buffer.chunks_exact_mut(DATAGRAM_MAX);
        let mut slices: [[IoSliceMut<'_>; 1]; BATCH] =
            std::array::from_fn(|_| [IoSliceMut::new(buffers.next().unwrap_or_default())]);
        let flags = MsgFlags::MSG_DONTWAIT;
        let messages = recvmmsg(socket, &mut self.headers, slices.iter_mut(), flags, None)?;
        let mut count = 0;
        for message in messages {
            count += 1;
            let arrival = message.cmsgs().ok().and_then(|mut all| {
                all.find_map(|it| match it {
                    ControlMessageOwned::ScmTimestampns(time) => Some(time),
                    _ => None,
                })
            });
            let at =
                arrival.map_or_else(wall_ns, |at| at.tv_sec() as u64 * 1_000_000_000 + at.tv_nsec() as u64);
            if let Some(bytes) = message.iovs().next() {
                each(bytes, at);
            }
        }
        Ok(count)
    }
}
