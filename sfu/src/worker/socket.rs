//! UDP in batches: one `recvmmsg` in (with GRO where the kernel has it), one `sendmmsg` out (with GSO).
//!
//! The system calls are the largest part of forwarding a packet; a batch, and above all several datagrams to one peer
//! in one message, is what makes them cheap. [`MediaSocket`] is one bound address, [`ReceiveBatch`] the buffers of one
//! `recvmmsg`, [`SendBatches`] one queue per socket for the length of one flush.

use crate::engine::{egress::Message, histogram::Histogram, transport::LocalIndex};
use mio::net::{TcpListener, UdpSocket};
use nix::sys::socket::{getsockopt, setsockopt, sockopt};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::{
    io, mem,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    os::fd::{AsRawFd, RawFd},
    ptr,
};

/// Messages of one `recvmmsg`. Beyond 32 the saving per datagram is below the noise, and the buffers leave the cache.
const RECEIVE_BATCH: usize = 32;
/// Messages asked for while there is little to read: preparing a header costs some 15 ns whether it is used or not.
const RECEIVE_BATCH_QUIET: usize = 8;
/// Bytes of one received message: with GRO the kernel joins datagrams up to the largest UDP payload.
const RECEIVE_BUFFER: usize = 65_536;
/// Messages of one `sendmmsg`.
const SEND_BATCH: usize = 64;
/// Bytes asked for in each direction of each socket: 40 ms of 800 Mbit/s, the longest a worker may be away.
pub const SOCKET_BUFFER: usize = 4 << 20;

/// System calls by the datagrams they moved. Ours are bounded by [`RECEIVE_BATCH`] and [`SEND_BATCH`] messages, each of which may
/// hold several datagrams.
pub const BATCHES: [u64; 10] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];

/// What the sockets of one worker did, beside what the engine counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SocketCounters {
    /// Datagrams of each `recvmmsg` call that returned something, by [`BATCHES`].
    pub received: Histogram<{ BATCHES.len() }>,
    /// Datagrams the kernel dropped because we were too slow to read them.
    pub datagrams_dropped_by_kernel: u64,
    /// Received messages that did not fit their buffer.
    pub datagrams_truncated: u64,
    /// `recvmmsg` calls that failed.
    pub receive_errors: u64,
    /// `sendmmsg` calls.
    pub send_calls: u64,
    /// Datagrams the kernel took of each of them that was not in vain, by [`BATCHES`].
    pub sent: Histogram<{ BATCHES.len() }>,
    /// Datagrams handed to the kernel.
    pub datagrams_sent: u64,
    /// Bytes of those datagrams.
    pub bytes_sent: u64,
    /// Of those, datagrams that left together with others in one GSO message.
    pub datagrams_sent_in_groups: u64,
    /// Datagrams dropped because the kernel's queue was full.
    pub datagrams_dropped_queue_full: u64,
    /// Datagrams the kernel refused for another reason: no route, a firewall, too large.
    pub datagrams_refused: u64,
    /// Sockets that had to give GSO up.
    pub gso_fallbacks: u64,
}

/// How datagrams are handed to the kernel. The first is the cheapest; the others are for drivers whose offload is at fault, and
/// to be measured against.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sending {
    /// Many messages a call, of several datagrams each where the kernel takes that.
    #[default]
    Grouped,
    /// Many messages a call, of one datagram each.
    Batched,
    /// One datagram a call.
    Single,
}

impl Sending {
    /// Messages of one call.
    fn batch(self) -> usize {
        if self == Sending::Single { 1 } else { SEND_BATCH }
    }
}

/// One bound address of a worker.
#[derive(Debug)]
pub struct MediaSocket {
    socket: UdpSocket,
    address: SocketAddr,
    gso: bool,
    sending: Sending,
    /// The kernel's count of drops at the last look; it never resets.
    kernel_drops: u32,
}

impl MediaSocket {
    /// Binds without blocking, IPv6 apart from IPv4.
    ///
    /// # Errors
    /// What the kernel says: mostly a port that is taken or an address that is not ours.
    pub fn bind(address: SocketAddr, sending: Sending) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        socket.set_nonblocking(true)?;
        grow_buffers(&socket);
        socket.bind(&address.into())?;
        // Both are refinements: without them the same loop reads single datagrams and does not see kernel drops.
        let _ = setsockopt(&socket, sockopt::UdpGroSegment, &true);
        let _ = setsockopt(&socket, sockopt::RxqOvfl, &1);
        let socket = UdpSocket::from_std(socket.into());
        let address = socket.local_addr()?;
        let gso = sending == Sending::Grouped && kernel_has_gso();
        Ok(Self { socket, address, gso, sending, kernel_drops: 0 })
    }

    /// The address with the port the kernel picked.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Several datagrams may leave in one message.
    pub fn has_gso(&self) -> bool {
        self.gso
    }

    /// Bytes that may wait to be read, of the [`SOCKET_BUFFER`] that were asked for.
    pub fn receive_buffer(&self) -> usize {
        // The kernel doubles what it grants, for its own part of each packet.
        getsockopt(&self.socket, sockopt::RcvBuf).map_or(0, |granted| granted / 2)
    }

    /// For registration with the poll.
    pub fn source(&mut self) -> &mut UdpSocket {
        &mut self.socket
    }

    fn fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}

/// Everything a worker receives on.
#[derive(Debug, Default)]
pub struct Sockets {
    /// One for each listening address.
    pub udp: Vec<MediaSocket>,
    /// One beside each of them, or none where TCP is switched off.
    pub tcp: Vec<TcpListener>,
}

/// As root or with CAP_NET_ADMIN beyond the system's bound, else up to it.
fn grow_buffers(socket: &Socket) {
    if setsockopt(socket, sockopt::RcvBufForce, &SOCKET_BUFFER).is_err() {
        let _ = socket.set_recv_buffer_size(SOCKET_BUFFER);
    }
    if setsockopt(socket, sockopt::SndBufForce, &SOCKET_BUFFER).is_err() {
        let _ = socket.set_send_buffer_size(SOCKET_BUFFER);
    }
}

/// Tried on a socket of its own: the option would stay on.
fn kernel_has_gso() -> bool {
    Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))
        .is_ok_and(|probe| setsockopt(&probe, sockopt::UdpGsoSegment, &1200).is_ok())
}

/// Space for control messages: GRO segment size and drop count in, GSO segment size out.
#[repr(C, align(8))]
#[derive(Clone, Copy)]
struct Control([u8; 64]);

const NO_CONTROL: Control = Control([0; 64]);

/// The buffers of one `recvmmsg`, used for all sockets of a worker in turn.
pub struct ReceiveBatch {
    buffers: Vec<u8>,
    names: Vec<libc::sockaddr_storage>,
    controls: Vec<Control>,
    iovecs: Vec<libc::iovec>,
    headers: Vec<libc::mmsghdr>,
    /// What the last call brought, in the order of the buffers.
    messages: Vec<Incoming>,
    /// Messages the next call asks for.
    wanted: usize,
}

/// One received message: a datagram, or several from one source that GRO has joined.
#[derive(Clone, Copy)]
struct Incoming {
    source: SocketAddr,
    /// 0 for a message that is of no use.
    len: usize,
    /// Bytes of each datagram; the last may be shorter.
    segment_size: usize,
}

impl Default for ReceiveBatch {
    fn default() -> Self {
        Self {
            buffers: vec![0; RECEIVE_BATCH * RECEIVE_BUFFER],
            names: vec![zeroed_name(); RECEIVE_BATCH],
            controls: vec![NO_CONTROL; RECEIVE_BATCH],
            iovecs: vec![libc::iovec { iov_base: ptr::null_mut(), iov_len: 0 }; RECEIVE_BATCH],
            headers: vec![empty_header(); RECEIVE_BATCH],
            messages: Vec::with_capacity(RECEIVE_BATCH),
            wanted: RECEIVE_BATCH_QUIET,
        }
    }
}

/// How much came in at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// As much as fits a batch: there may be more.
    MayHaveMore,
    /// The socket will tell when it has something again.
    Drained,
}

impl ReceiveBatch {
    /// Reads one batch, in place of the one before.
    pub fn fill(&mut self, socket: &mut MediaSocket, counters: &mut SocketCounters) -> Readiness {
        self.messages.clear();
        let wanted = mem::replace(&mut self.wanted, RECEIVE_BATCH_QUIET);
        let count = match self.recvmmsg(socket.fd(), wanted) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Readiness::Drained,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Readiness::MayHaveMore,
            // An ICMP error of an earlier datagram: reading it has cleared it.
            Err(_) => {
                counters.receive_errors += 1;
                return Readiness::MayHaveMore;
            }
        };
        let mut datagrams = 0;
        for index in 0..count {
            let incoming = self.incoming(index, socket, counters);
            datagrams += incoming.len.div_ceil(incoming.segment_size) as u64;
            self.messages.push(incoming);
        }
        counters.received.note(&BATCHES, datagrams);
        if count < wanted {
            return Readiness::Drained;
        }
        self.wanted = RECEIVE_BATCH;
        Readiness::MayHaveMore
    }

    /// The datagrams of the batch, each with the address it came from. The bytes may be changed.
    pub fn datagrams(&mut self) -> impl Iterator<Item = (SocketAddr, &mut [u8])> {
        self.messages.iter().zip(self.buffers.chunks_exact_mut(RECEIVE_BUFFER)).flat_map(
            |(message, buffer)| {
                let datagrams = buffer[..message.len].chunks_mut(message.segment_size);
                datagrams.map(|datagram| (message.source, datagram))
            },
        )
    }

    fn incoming(&self, index: usize, socket: &mut MediaSocket, counters: &mut SocketCounters) -> Incoming {
        let header = &self.headers[index];
        let ancillary = ancillary(&header.msg_hdr);
        if let Some(drops) = ancillary.kernel_drops {
            counters.datagrams_dropped_by_kernel += u64::from(drops.wrapping_sub(socket.kernel_drops));
            socket.kernel_drops = drops;
        }
        let is_whole = header.msg_hdr.msg_flags & libc::MSG_TRUNC == 0;
        counters.datagrams_truncated += u64::from(!is_whole);
        Incoming {
            source: socket_address(&self.names[index]),
            len: if is_whole { (header.msg_len as usize).min(RECEIVE_BUFFER) } else { 0 },
            segment_size: ancillary.segment_size.filter(|size| *size > 0).unwrap_or(RECEIVE_BUFFER),
        }
    }

    /// Measured on loopback: 650 ns a datagram against 900 ns with `recvfrom`, and 125 ns when GRO joins eight.
    #[allow(unsafe_code)] // neither std nor mio receives more than one message a call
    fn recvmmsg(&mut self, fd: RawFd, wanted: usize) -> io::Result<usize> {
        let buffers = self.buffers.as_mut_ptr();
        let headers = &mut self.headers[..wanted];
        for (index, header) in headers.iter_mut().enumerate() {
            // SAFETY: `buffers` holds RECEIVE_BATCH times RECEIVE_BUFFER bytes and `index` is below RECEIVE_BATCH.
            let base = unsafe { buffers.add(index * RECEIVE_BUFFER) };
            self.iovecs[index] = libc::iovec { iov_base: base.cast(), iov_len: RECEIVE_BUFFER };
            let message = &mut header.msg_hdr;
            message.msg_name = (&raw mut self.names[index]).cast();
            message.msg_namelen = mem::size_of::<libc::sockaddr_storage>() as libc::socklen_t;
            message.msg_iov = &raw mut self.iovecs[index];
            message.msg_iovlen = 1;
            message.msg_control = (&raw mut self.controls[index]).cast();
            message.msg_controllen = mem::size_of::<Control>();
            message.msg_flags = 0;
        }
        // SAFETY: every header points at memory of `self` that is large enough, is not aliased, and outlives the call.
        let count = unsafe {
            libc::recvmmsg(
                fd,
                headers.as_mut_ptr(),
                headers.len() as libc::c_uint,
                libc::MSG_DONTWAIT,
                ptr::null_mut(),
            )
        };
        usize::try_from(count).map_err(|_| io::Error::last_os_error())
    }
}

#[derive(Default)]
struct Ancillary {
    segment_size: Option<usize>,
    kernel_drops: Option<u32>,
}

/// Reads the control messages of a header that `recvmmsg` has just filled.
#[allow(unsafe_code)] // control messages are a C macro protocol
fn ancillary(header: &libc::msghdr) -> Ancillary {
    let mut found = Ancillary::default();
    // SAFETY: the kernel wrote `msg_controllen` bytes of well-formed control messages at `msg_control`; the macros stay
    // within them, and the values are read without asking for alignment.
    unsafe {
        let mut control = libc::CMSG_FIRSTHDR(header);
        while !control.is_null() {
            let data = libc::CMSG_DATA(control);
            match ((*control).cmsg_level, (*control).cmsg_type) {
                (libc::SOL_UDP, libc::UDP_GRO) => {
                    let size = ptr::read_unaligned(data.cast::<libc::c_int>());
                    found.segment_size = usize::try_from(size).ok();
                }
                (libc::SOL_SOCKET, libc::SO_RXQ_OVFL) => {
                    found.kernel_drops = Some(ptr::read_unaligned(data.cast::<u32>()));
                }
                _ => {}
            }
            control = libc::CMSG_NXTHDR(header, control);
        }
    }
    found
}

/// Of our sockets all names are IPv4 or IPv6; another family would read as an address nobody has.
#[allow(unsafe_code)] // the kernel tells the address family inside the address
fn socket_address(name: &libc::sockaddr_storage) -> SocketAddr {
    match libc::c_int::from(name.ss_family) {
        libc::AF_INET6 => {
            // SAFETY: the family says that the storage holds a `sockaddr_in6`, which is smaller and less aligned.
            let v6 = unsafe { &*ptr::from_ref(name).cast::<libc::sockaddr_in6>() };
            let ip = Ipv6Addr::from(v6.sin6_addr.s6_addr);
            SocketAddr::new(IpAddr::V6(ip), u16::from_be(v6.sin6_port))
        }
        _ => {
            // SAFETY: as above, for `sockaddr_in`: plain integers, whatever they mean.
            let v4 = unsafe { &*ptr::from_ref(name).cast::<libc::sockaddr_in>() };
            let ip = Ipv4Addr::from(u32::from_be(v4.sin_addr.s_addr));
            SocketAddr::new(IpAddr::V4(ip), u16::from_be(v4.sin_port))
        }
    }
}

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
            match socket.socket.send_to(datagram, remote) {
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

#[allow(unsafe_code)] // libc's structs have private padding and no constructor
fn zeroed_name() -> libc::sockaddr_storage {
    // SAFETY: plain integers, for which zero is a value.
    unsafe { mem::zeroed() }
}

#[allow(unsafe_code)] // as above
fn empty_header() -> libc::mmsghdr {
    // SAFETY: integers and raw pointers, for which zero is a value.
    unsafe { mem::zeroed() }
}

#[cfg(test)]
mod tests;
