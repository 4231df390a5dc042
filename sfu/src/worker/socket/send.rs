//! Sending in batches: one `sendmmsg` for many messages, with GSO where the kernel has it.

use super::{BATCHES, Control, MediaSocket, NO_CONTROL, SEND_BATCH, SocketCounters, empty_header};
use crate::engine::{egress::Message, transport::LocalIndex};
use socket2::SockAddr;
use std::{io, mem, net::SocketAddr, os::fd::RawFd, ptr};

/// One queue per socket, filled and emptied within one flush.
pub struct SendBatches {
    batches: Vec<SendBatch>,
}

/// Messages of one `sendmmsg`.
struct SendBatch {
    names: Vec<SockAddr>,
    controls: Vec<Control>,
    iovecs: Vec<libc::iovec>,
    headers: Vec<libc::mmsghdr>,
    /// Bytes of each datagram where a message holds several.
    segments: Vec<Option<u16>>,
    len: usize,
}

impl SendBatches {
    /// For the sockets of one worker.
    pub fn new(socket_count: usize) -> Self {
        Self { batches: (0..socket_count).map(|_| SendBatch::new()).collect() }
    }

    /// Sends everything now or not at all: what the kernel does not take is dropped and counted.
    pub fn send_all<'a>(
        &mut self,
        sockets: &mut [MediaSocket],
        messages: impl Iterator<Item = Message<'a>>,
        counters: &mut SocketCounters,
    ) {
        // A panic in `messages` during an earlier call may have left pointers that are no longer good.
        self.batches.iter_mut().for_each(|batch| batch.len = 0);
        for message in messages {
            let LocalIndex(local) = message.local;
            let at = usize::from(local);
            if let (Some(batch), Some(socket)) = (self.batches.get_mut(at), sockets.get_mut(at)) {
                batch.queue(socket, &message, counters);
            }
        }
        for (batch, socket) in self.batches.iter_mut().zip(sockets) {
            batch.flush(socket, counters);
        }
    }
}

impl SendBatch {
    fn new() -> Self {
        let nowhere = SockAddr::from(SocketAddr::from(([0, 0, 0, 0], 0)));
        Self {
            names: vec![nowhere; SEND_BATCH],
            controls: vec![NO_CONTROL; SEND_BATCH],
            iovecs: vec![libc::iovec { iov_base: ptr::null_mut(), iov_len: 0 }; SEND_BATCH],
            headers: vec![empty_header(); SEND_BATCH],
            segments: vec![None; SEND_BATCH],
            len: 0,
        }
    }

    /// Takes a message, as single datagrams where the socket has no GSO.
    fn queue(&mut self, socket: &mut MediaSocket, message: &Message<'_>, counters: &mut SocketCounters) {
        match message.segment_size {
            Some(size) if socket.gso => {
                self.push(socket, message.remote, message.bytes, Some(size), counters)
            }
            Some(size) => {
                for datagram in message.bytes.chunks(usize::from(size).max(1)) {
                    self.push(socket, message.remote, datagram, None, counters);
                }
            }
            None => self.push(socket, message.remote, message.bytes, None, counters),
        }
    }

    fn push(
        &mut self,
        socket: &mut MediaSocket,
        remote: SocketAddr,
        bytes: &[u8],
        segment_size: Option<u16>,
        counters: &mut SocketCounters,
    ) {
        if self.len >= socket.sending.batch() {
            self.flush(socket, counters);
        }
        let at = self.len;
        self.len += 1;
        self.names[at] = SockAddr::from(remote);
        // The kernel only reads what an outgoing message points at.
        self.iovecs[at] = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
        self.segments[at] = segment_size;
        let header = &mut self.headers[at].msg_hdr;
        header.msg_name = self.names[at].as_ptr().cast_mut().cast();
        header.msg_namelen = self.names[at].len();
        header.msg_iov = &raw mut self.iovecs[at];
        header.msg_iovlen = 1;
        match segment_size {
            Some(size) => write_segment_size(header, &mut self.controls[at], size),
            None => (header.msg_control, header.msg_controllen) = (ptr::null_mut(), 0),
        }
    }

    fn flush(&mut self, socket: &mut MediaSocket, counters: &mut SocketCounters) {
        let mut from = 0;
        while from < self.len {
            counters.send_calls += 1;
            match self.sendmmsg(socket.fd(), from) {
                Ok(sent) => {
                    let before = counters.datagrams_sent;
                    (from..from + sent).for_each(|at| self.count_sent(at, counters));
                    counters.sent.note(&BATCHES, counters.datagrams_sent - before);
                    from += sent;
                }
                Err(error) => match error.raw_os_error() {
                    Some(libc::EINTR) => {}
                    // The interface or the socket is full. Waiting would delay everything behind; a later packet is
                    // worth more than an old one.
                    Some(libc::EAGAIN | libc::ENOBUFS) => {
                        counters.datagrams_dropped_queue_full +=
                            (from..self.len).map(|at| self.datagrams(at)).sum::<u64>();
                        break;
                    }
                    // A route or interface that cannot do GSO (EIO: no checksum offload).
                    Some(libc::EIO | libc::EINVAL) if self.segments[from].is_some() => {
                        // If the kernel takes the datagrams one by one, GSO is the culprit.
                        if self.send_apart(socket, from, counters) && socket.gso {
                            socket.gso = false;
                            counters.gso_fallbacks += 1;
                        }
                        from += 1;
                    }
                    // The path to this one peer has an MTU below the datagrams: alone they leave in fragments, which
                    // GSO does not make.
                    Some(libc::EMSGSIZE) if self.segments[from].is_some() => {
                        self.send_apart(socket, from, counters);
                        from += 1;
                    }
                    _ => {
                        counters.datagrams_refused += self.datagrams(from);
                        from += 1;
                    }
                },
            }
        }
        self.len = 0;
    }

    /// Sends the datagrams of a GSO message one by one. Returns whether the kernel took any.
    fn send_apart(&self, socket: &MediaSocket, at: usize, counters: &mut SocketCounters) -> bool {
        let Some(remote) = self.names[at].as_socket() else { return false };
        let segment_size = self.segments[at].map_or(usize::MAX, usize::from).max(1);
        let mut taken = 0;
        for datagram in self.bytes(at).chunks(segment_size) {
            match socket.inlet.socket.send_to(datagram, remote) {
                Ok(len) => {
                    taken += 1;
                    counters.bytes_sent += len as u64;
                }
                Err(_) => counters.datagrams_refused += 1,
            }
        }
        counters.datagrams_sent += taken;
        taken > 0
    }

    fn count_sent(&self, at: usize, counters: &mut SocketCounters) {
        let datagrams = self.datagrams(at);
        counters.datagrams_sent += datagrams;
        counters.bytes_sent += self.iovecs[at].iov_len as u64;
        if datagrams > 1 {
            counters.datagrams_sent_in_groups += datagrams;
        }
    }

    fn datagrams(&self, at: usize) -> u64 {
        self.segments[at].map_or(1, |size| self.iovecs[at].iov_len.div_ceil(usize::from(size).max(1)) as u64)
    }

    /// The bytes of a queued message. Only called within the flush that the message was queued for.
    #[allow(unsafe_code)] // the queue outlives the borrow it was filled from, but is emptied before the borrow ends
    fn bytes(&self, at: usize) -> &[u8] {
        let iovec = &self.iovecs[at];
        // SAFETY: `send_all` holds the borrow of the bytes until it has flushed and emptied the queue, and `at` is
        // below `len`, so the entry was written in this flush.
        unsafe { std::slice::from_raw_parts(iovec.iov_base.cast::<u8>(), iovec.iov_len) }
    }

    /// Measured on loopback: a GSO message of five datagrams costs less than half of five messages.
    #[allow(unsafe_code)] // neither std nor mio sends more than one message a call
    fn sendmmsg(&mut self, fd: RawFd, from: usize) -> io::Result<usize> {
        let rest = &mut self.headers[from..self.len];
        // SAFETY: headers below `len` were written in this flush and point at names, control messages and vectors of
        // `self` and at bytes that `send_all` has borrowed.
        let sent =
            unsafe { libc::sendmmsg(fd, rest.as_mut_ptr(), rest.len() as libc::c_uint, libc::MSG_DONTWAIT) };
        usize::try_from(sent).map_err(|_| io::Error::last_os_error())
    }
}

/// Asks the kernel to cut the message into datagrams of `size` bytes.
#[allow(unsafe_code)] // control messages are a C macro protocol
fn write_segment_size(header: &mut libc::msghdr, control: &mut Control, size: u16) {
    header.msg_control = ptr::from_mut(control).cast();
    // SAFETY: CMSG_SPACE only computes; the first control message lies in `control`, which has room for it and the
    // alignment of `cmsghdr`.
    unsafe {
        header.msg_controllen = libc::CMSG_SPACE(mem::size_of::<u16>() as u32) as usize;
        let message = &mut *libc::CMSG_FIRSTHDR(header);
        message.cmsg_level = libc::SOL_UDP;
        message.cmsg_type = libc::UDP_SEGMENT;
        message.cmsg_len = libc::CMSG_LEN(mem::size_of::<u16>() as u32) as usize;
        ptr::write_unaligned(libc::CMSG_DATA(message).cast::<u16>(), size);
    }
}
