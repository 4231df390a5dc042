//! What peers REPORT (RTCP) comes on a socket of its own, and is read several at once.
//!
//! A viewer reports every 50 ms what arrived, by itself: fifty viewers would wake the worker a thousand times a second, and going
//! to sleep and waking costs more than what the report asks for. Media must not wait and reports can, but they come to one
//! port. So two sockets share it (SO_REUSEPORT), and a program of a few instructions tells the kernel which one a datagram is for:
//! RTCP is known by its second byte (RFC 5761, section 4). Datagrams of one peer that the kernel has joined go by the first of them, so
//! that media may come with a report, and is handled as media is. Where the kernel has no such programs, there is one socket as before.
//!
//! ```text
//!   one port ──RTCP?──▶ reports: with the next turn, or after PATIENCE
//!             ─else──▶ media: at once
//! ```

use socket2::Socket;
use std::{
    io, mem,
    net::SocketAddr,
    os::fd::AsRawFd,
    time::{Duration, Instant},
};

/// Reports wait for each other no longer than this. What is asked for in them (a packet again, a keyframe) takes a round trip
/// anyway; the times in them are the peer's.
const PATIENCE: Duration = Duration::from_millis(5);
/// After so long they are read with whatever else there is to do.
const BY_THE_WAY: Duration = Duration::from_millis(2);

/// When reports are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// None came lately: the poll tells of the first.
    Watched,
    /// Without being asked to.
    Due {
        /// When they were read last.
        since: Instant,
        /// When they are read at the latest.
        at: Instant,
    },
}

/// What a look at the reports has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Found {
    /// There was none.
    Nothing,
    /// All that there were.
    All,
    /// There may be more.
    Some,
}

impl Reading {
    /// The poll has told of one.
    pub fn awake(now: Instant) -> Self {
        Self::Due { since: now, at: now }
    }

    /// When the worker has to be awake for them.
    pub fn poll_timeout(self) -> Option<Instant> {
        match self {
            Self::Watched => None,
            Self::Due { at, .. } => Some(at),
        }
    }

    /// The worker is awake: it is worth a look.
    pub fn is_due(self, now: Instant) -> bool {
        match self {
            Self::Watched => false,
            Self::Due { since, at } => now >= at || now >= since + BY_THE_WAY,
        }
    }

    /// After a look at `now`.
    #[must_use]
    pub fn after(self, now: Instant, found: Found) -> Self {
        match (self, found) {
            (_, Found::All) => Self::Due { since: now, at: now + PATIENCE },
            (_, Found::Some) => Self::Due { since: now, at: now },
            // Only after a whole wait in vain is it time to sleep.
            (Self::Due { at, .. }, Found::Nothing) if now < at => Self::Due { since: now, at },
            (_, Found::Nothing) => Self::Watched,
        }
    }
}

/// Binds a second socket to the address of a bound one, for the reports among what comes there. The first one must be bound
/// alone, or another process of the same user could share its port unnoticed.
///
/// # Errors
/// The kernel has no programs for sockets that share a port.
pub fn beside(
    bound: &Socket,
    address: SocketAddr,
    open: impl Fn() -> io::Result<Socket>,
) -> io::Result<Socket> {
    let reports = open()?;
    bound.set_reuse_port(true)?;
    let bind = || {
        reports.set_reuse_port(true)?;
        reports.bind(&address.into())?;
        sort(&reports)
    };
    if let Err(error) = bind() {
        bound.set_reuse_port(false)?;
        return Err(error);
    }
    Ok(reports)
}

const fn load_byte(at: u32) -> libc::sock_filter {
    libc::sock_filter { code: (libc::BPF_LD | libc::BPF_B | libc::BPF_ABS) as u16, jt: 0, jf: 0, k: at }
}

const fn keep_bits(bits: u32) -> libc::sock_filter {
    libc::sock_filter { code: (libc::BPF_ALU | libc::BPF_AND | libc::BPF_K) as u16, jt: 0, jf: 0, k: bits }
}

/// Goes on where the value is this one, and else jumps over so many instructions.
const fn goes_on_with(value: u32, else_skip: u8) -> libc::sock_filter {
    libc::sock_filter {
        code: (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16,
        jt: 0,
        jf: else_skip,
        k: value,
    }
}

const fn choose(socket: u32) -> libc::sock_filter {
    libc::sock_filter { code: (libc::BPF_RET | libc::BPF_K) as u16, jt: 0, jf: 0, k: socket }
}

/// The first socket of a port is number 0. A datagram that is too short for a byte ends the program with 0.
const PROGRAM: [libc::sock_filter; 8] = [
    // 128 to 191: RTP or RTCP.
    load_byte(0),
    keep_bits(0b1100_0000),
    goes_on_with(0b1000_0000, 4),
    // 192 to 223: RTCP.
    load_byte(1),
    keep_bits(0b1110_0000),
    goes_on_with(0b1100_0000, 1),
    choose(1),
    choose(0),
];

/// Has the kernel sort what comes to the port of this socket.
#[allow(unsafe_code)] // no crate has this option
fn sort(socket: &Socket) -> io::Result<()> {
    let mut program = PROGRAM;
    let option = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
    // SAFETY: the option is a `sock_fprog`, whose instructions live until the call returns; the kernel copies them.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_ATTACH_REUSEPORT_CBPF,
            (&raw const option).cast(),
            mem::size_of::<libc::sock_fprog>() as libc::socklen_t,
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn reports_wait_for_each_other_and_then_the_poll_tells_of_the_next() {
        let now = Instant::now();
        let woken = Reading::awake(now);
        assert!(woken.is_due(now));
        let read = woken.after(now, Found::All);
        assert_eq!(read.poll_timeout(), Some(now + PATIENCE));
        assert!(!read.is_due(now + BY_THE_WAY - MS) && read.is_due(now + BY_THE_WAY));
        let by_the_way = now + BY_THE_WAY;
        let in_vain = read.after(by_the_way, Found::Nothing);
        assert_eq!(in_vain.poll_timeout(), read.poll_timeout(), "there is still time");
        assert!(!in_vain.is_due(by_the_way + MS), "and no hurry");
        let again = read.after(by_the_way, Found::All);
        assert_eq!(again.poll_timeout(), Some(by_the_way + PATIENCE));
        let rest = again.after(by_the_way + PATIENCE, Found::Nothing);
        assert_eq!((rest, rest.poll_timeout()), (Reading::Watched, None));
        assert!(!rest.is_due(now + Duration::from_secs(9)), "the poll is asked");
    }

    #[test]
    fn a_port_that_could_not_be_shared_is_shared_with_nobody() {
        let open = |domain| Socket::new(domain, socket2::Type::DGRAM, None);
        let bound = open(socket2::Domain::IPV4).unwrap();
        bound.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
        let address = bound.local_addr().unwrap().as_socket().unwrap();
        beside(&bound, address, || open(socket2::Domain::IPV6)).unwrap_err();
        let other = open(socket2::Domain::IPV4).unwrap();
        other.set_reuse_port(true).unwrap();
        assert_eq!(other.bind(&address.into()).unwrap_err().kind(), io::ErrorKind::AddrInUse);
    }

    #[test]
    fn what_does_not_fit_a_batch_is_read_with_the_next_turn() {
        let now = Instant::now();
        let read = Reading::awake(now).after(now, Found::Some);
        assert!(read.is_due(now));
        assert_eq!(read.poll_timeout(), Some(now));
    }
}
