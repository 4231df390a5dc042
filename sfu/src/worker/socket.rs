//! UDP in batches: one `recvmmsg` in (with GRO where the kernel has it), one `sendmmsg` out (with GSO).
//!
//! The system calls are the largest part of forwarding a packet; a batch, and above all several datagrams to one peer
//! in one message, is what makes them cheap. [`MediaSocket`] is one bound address, [`ReceiveBatch`] the buffers of one
//! `recvmmsg`, [`SendBatches`] one queue per socket for the length of one flush.

mod receive;
mod send;

pub use receive::{Readiness, ReceiveBatch};
pub use send::SendBatches;

use super::reports;
use crate::engine::histogram::Histogram;
use mio::net::{TcpListener, UdpSocket};
use nix::sys::socket::{getsockopt, setsockopt, sockopt};
use socket2::{Domain, Protocol, Socket, Type};
use std::{
    io, mem,
    net::SocketAddr,
    os::fd::{AsRawFd, RawFd},
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
    inlet: Inlet,
    /// Where RTCP comes, if the kernel sorts it out.
    reports: Option<Inlet>,
    address: SocketAddr,
    gso: bool,
    sending: Sending,
}

/// A socket, as it is read.
#[derive(Debug)]
pub struct Inlet {
    socket: UdpSocket,
    /// The kernel's count of drops at the last look; it never resets.
    kernel_drops: u32,
    /// Messages the next call asks for.
    wanted: usize,
}

impl Inlet {
    fn new(socket: Socket) -> Self {
        // Both are refinements: without them the same loop reads single datagrams and does not see kernel drops.
        let _ = setsockopt(&socket, sockopt::UdpGroSegment, &true);
        let _ = setsockopt(&socket, sockopt::RxqOvfl, &1);
        Self { socket: UdpSocket::from_std(socket.into()), kernel_drops: 0, wanted: RECEIVE_BATCH_QUIET }
    }

    /// For registration with the poll.
    pub fn source(&mut self) -> &mut UdpSocket {
        &mut self.socket
    }
}

impl MediaSocket {
    /// Binds without blocking, IPv6 apart from IPv4.
    ///
    /// # Errors
    /// What the kernel says: mostly a port that is taken or an address that is not ours.
    pub fn bind(address: SocketAddr, sending: Sending) -> io::Result<Self> {
        let socket = open(address)?;
        socket.bind(&address.into())?;
        let address = socket.local_addr()?.as_socket().unwrap_or(address);
        let reports = match reports::beside(&socket, address, || open(address)) {
            Ok(reports) => Some(Inlet::new(reports)),
            Err(error) => {
                tracing::info!(%error, %address, "reports are read with media: each wakes the worker");
                None
            }
        };
        let gso = sending == Sending::Grouped && kernel_has_gso();
        Ok(Self { inlet: Inlet::new(socket), reports, address, gso, sending })
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
        getsockopt(&self.inlet.socket, sockopt::RcvBuf).map_or(0, |granted| granted / 2)
    }

    /// Where everything comes but what [`Self::reports`] has.
    pub fn inlet(&mut self) -> &mut Inlet {
        &mut self.inlet
    }

    /// Where RTCP comes, in order of its own. `None`: with the rest.
    pub fn reports(&mut self) -> Option<&mut Inlet> {
        self.reports.as_mut()
    }

    fn fd(&self) -> RawFd {
        self.inlet.socket.as_raw_fd()
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

/// Not bound yet, and does not block.
fn open(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    grow_buffers(&socket);
    Ok(socket)
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
