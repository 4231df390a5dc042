//! What strangers send to a media port: datagrams that look like STUN, DTLS and media and are nobody's, by the ten thousand.
//!
//! [`packet`] makes one, [`flood`] sends them from many addresses to a socket. They leave one by one, not as segments of a
//! large one: loopback would hand such a message to the receiver whole, which is less work than garbage is.

use nix::{
    sys::{
        socket::{MsgFlags, MultiHeaders, SockaddrStorage, sendmmsg},
        time::TimeSpec,
    },
    time::{ClockId, clock_gettime},
};
use plenum_loadtest::light::stun;
use std::{
    io::{self, IoSlice},
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    os::fd::AsRawFd,
    thread,
    time::{Duration, Instant},
};

/// Addresses that a flood comes from.
const SOURCES: usize = 256;
/// Datagrams of one call.
const BATCH: usize = 32;
/// Different datagrams of a flood, sent again and again.
const VARIETY: usize = 1024;
/// Between two looks at the clock.
const TICK: Duration = Duration::from_micros(200);
/// What was not sent in time is not made up for beyond this: a burst would say something about the sender.
const BEHIND_MAX: Duration = Duration::from_millis(5);

/// What a datagram pretends to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Garbage {
    /// A binding request without credentials, as port scanners send it.
    BareRequest,
    /// A binding request as a browser makes it, to a user name, with an integrity that is nobody's.
    ForgedRequest,
    /// The first flight of a handshake.
    ClientHello,
    /// A picture's packet of 1200 bytes, or a shorter one of sound.
    Rtp,
    /// A sender report and what would be its tag.
    Rtcp,
    /// Bytes without a meaning, up to what a path carries in one piece.
    Noise,
}

impl Garbage {
    /// All of them.
    pub const ALL: [Garbage; 6] = [
        Garbage::BareRequest,
        Garbage::ForgedRequest,
        Garbage::ClientHello,
        Garbage::Rtp,
        Garbage::Rtcp,
        Garbage::Noise,
    ];
}

/// What became of a [`flood`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Flooded {
    /// Datagrams that the kernel took.
    pub sent: u64,
    /// Bytes of those.
    pub bytes: u64,
    /// Datagrams that it did not take.
    pub refused: u64,
    /// How long it lasted.
    pub took: Duration,
    /// CPU time of the sending thread; on loopback the kernel delivers in it, too.
    pub cpu: Duration,
}

impl Flooded {
    /// Datagrams a second.
    pub fn rate(&self) -> f64 {
        self.sent as f64 / self.took.as_secs_f64().max(1e-9)
    }
}

/// Sends garbage of all kinds to `target`, in equal parts, from this thread.
///
/// # Errors
/// The sockets cannot be made; what the kernel refuses later is counted.
pub fn flood(target: SocketAddr, packets_per_second: u32, duration: Duration) -> io::Result<Flooded> {
    let sources = (0..SOURCES).map(|_| source(target)).collect::<io::Result<Vec<_>>>()?;
    let mut noise = Noise(1);
    let packets: Vec<Vec<u8>> = (0..VARIETY)
        .map(|number| packet(Garbage::ALL[number % Garbage::ALL.len()], "nobody:nowhere", &mut noise))
        .collect();
    let mut headers = MultiHeaders::preallocate(BATCH, None);
    let (mut flooded, mut turn, mut skipped) = (Flooded::default(), 0, 0);
    let (begun, cpu) = (Instant::now(), thread_time()?);
    let rate = f64::from(packets_per_second);
    let behind_max = (rate * BEHIND_MAX.as_secs_f64()) as u64 + 1;
    loop {
        // A sender that was away until after the end still sends the last of it.
        let elapsed = begun.elapsed().min(duration);
        let due = (rate * elapsed.as_secs_f64()) as u64;
        let done = flooded.sent + flooded.refused + skipped;
        skipped += due.saturating_sub(done).saturating_sub(behind_max);
        let mut left = due.saturating_sub(flooded.sent + flooded.refused + skipped) as usize;
        while left > 0 {
            let count = left.min(BATCH);
            let batch = (0..count).map(|at| &packets[(turn * BATCH + at) % VARIETY][..]);
            send(&sources[turn % SOURCES], batch, &mut headers, &mut flooded);
            turn += 1;
            left -= count;
        }
        if elapsed == duration {
            break;
        }
        thread::sleep(TICK);
    }
    flooded.took = begun.elapsed();
    flooded.cpu = thread_time()?.saturating_sub(cpu);
    Ok(flooded)
}

fn source(target: SocketAddr) -> io::Result<UdpSocket> {
    let own: SocketAddr = match target {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(own)?;
    socket.connect(target)?;
    Ok(socket)
}

fn send<'a>(
    source: &UdpSocket,
    batch: impl Iterator<Item = &'a [u8]>,
    headers: &mut MultiHeaders<SockaddrStorage>,
    flooded: &mut Flooded,
) {
    let slices: Vec<[IoSlice<'a>; 1]> = batch.map(|packet| [IoSlice::new(packet)]).collect();
    let nowhere = vec![None; slices.len()];
    let sent = match sendmmsg(source.as_raw_fd(), headers, &slices, &nowhere, [], MsgFlags::MSG_DONTWAIT) {
        Ok(results) => results.count(),
        Err(_) => 0,
    };
    flooded.sent += sent as u64;
    flooded.bytes += slices[..sent].iter().map(|[slice]| slice.len() as u64).sum::<u64>();
    flooded.refused += (slices.len() - sent) as u64;
}

fn thread_time() -> io::Result<Duration> {
    let now: TimeSpec = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID)?;
    Ok(now.into())
}

/// One datagram. Requests with credentials are for `username` (the receiver's ufrag, a colon, the sender's).
pub fn packet(garbage: Garbage, username: &str, noise: &mut Noise) -> Vec<u8> {
    match garbage {
        Garbage::BareRequest => stun::write_bare_request(noise.array()),
        Garbage::ForgedRequest => stun::write_check(username, "nobody's password", noise.array()),
        Garbage::ClientHello => client_hello(noise),
        Garbage::Rtp => {
            let len = if noise.below(2) == 0 { 1200 } else { 120 };
            let mut packet = vec![0x80, 96];
            noise.extend(&mut packet, len - 2);
            packet
        }
        Garbage::Rtcp => {
            let mut packet = vec![0x80, 200, 0, 6];
            noise.extend(&mut packet, 24 + 20);
            packet
        }
        Garbage::Noise => {
            let mut packet = Vec::new();
            let len = 1 + noise.below(1472);
            noise.extend(&mut packet, len);
            packet
        }
    }
}

/// Bytes without a meaning, the same ones each time (xorshift).
#[derive(Clone, Copy, Debug)]
pub struct Noise(pub u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() >> 33) as usize % bound
    }

    fn array<const N: usize>(&mut self) -> [u8; N] {
        [(); N].map(|()| (self.next() >> 56) as u8)
    }

    fn extend(&mut self, bytes: &mut Vec<u8>, len: usize) {
        bytes.extend((0..len).map(|_| (self.next() >> 56) as u8));
    }
}

/// DTLS 1.2 (RFC 6347) with two cipher suites and the extension for SRTP.
fn client_hello(noise: &mut Noise) -> Vec<u8> {
    let mut body = vec![0xFE, 0xFD];
    noise.extend(&mut body, 32);
    // No session, no cookie, two suites, no compression.
    body.extend([0, 0, 0, 4, 0xC0, 0x2B, 0xC0, 0x2F, 1, 0]);
    // supported_groups, signature_algorithms, use_srtp.
    let extensions =
        [&[0, 10, 0, 4, 0, 2, 0, 23][..], &[0, 13, 0, 4, 0, 2, 4, 3], &[0, 14, 0, 7, 0, 4, 0, 7, 0, 1, 0]]
            .concat();
    body.extend((extensions.len() as u16).to_be_bytes());
    body.extend(extensions);
    let len = (body.len() as u32).to_be_bytes();
    // One fragment that is the whole message.
    let mut handshake = vec![1, len[1], len[2], len[3], 0, 0, 0, 0, 0, len[1], len[2], len[3]];
    handshake.extend(body);
    let mut record = vec![22, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 0];
    record.extend((handshake.len() as u16).to_be_bytes());
    record.extend(handshake);
    record
}

#[cfg(test)]
mod tests {
    use super::*;
    use plenum_sfu::engine::{
        demux::{DatagramKind, classify},
        transport::stun::{BindingRequest, StunError, integrity_key, local_ufrag},
    };

    #[test]
    fn garbage_is_taken_for_what_it_pretends_to_be() {
        let mut noise = Noise(7);
        let mut made = |garbage| packet(garbage, "ours:theirs", &mut noise);
        let forged = made(Garbage::ForgedRequest);
        assert_eq!(local_ufrag(&forged), Some("ours"));
        let read = BindingRequest::parse(&forged).unwrap();
        assert!(!read.is_authentic(&integrity_key("password")));
        assert_eq!(BindingRequest::parse(&made(Garbage::BareRequest)).err(), Some(StunError::NoCredentials));
        assert_eq!(classify(&made(Garbage::ClientHello)), Some(DatagramKind::Dtls));
        assert_eq!(classify(&made(Garbage::Rtp)), Some(DatagramKind::Rtp));
        assert_eq!(classify(&made(Garbage::Rtcp)), Some(DatagramKind::Rtcp));
    }

    #[test]
    fn a_flood_sends_what_it_is_asked_for_from_many_addresses() {
        let receiver = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        receiver.set_nonblocking(true).unwrap();
        let flooded = flood(receiver.local_addr().unwrap(), 10_000, Duration::from_millis(20)).unwrap();
        let mut sources = std::collections::HashSet::new();
        let (mut buffer, mut bytes) = ([0; 2048], 0);
        while let Ok((len, source)) = receiver.recv_from(&mut buffer) {
            bytes += len as u64;
            sources.insert(source);
        }
        // However seldom the sender runs, at least five milliseconds' worth leaves, in two batches; at most what is asked for.
        assert!((50..=200).contains(&(flooded.sent + flooded.refused)), "{flooded:?}");
        // What does not fit the queue of the receiver is sent as well.
        assert!(bytes > 0 && bytes <= flooded.bytes, "{flooded:?}");
        assert!(sources.len() > 1, "{sources:?}");
    }
}
