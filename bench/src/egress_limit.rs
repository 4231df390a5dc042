//! What a forwarded packet must cost at least on this machine: copy, new header, seal, and the kernel's sending of it.
//!
//! Nothing is decided here: no room, no state, no feedback. The media plane's figures are divided by this one, measured
//! in the same sitting, because nanoseconds do not travel between machines and the quotient does.

use crate::packets;
use nix::{
    sys::{
        socket::{ControlMessage, MsgFlags, MultiHeaders, SockaddrStorage, sendmmsg},
        time::TimeSpec,
    },
    time::{ClockId, clock_gettime},
};
use plenum_sfu::engine::{
    packet::{HeaderFields, RtpPacket, write_header},
    transport::srtp::{Profile, RTP_OVERHEAD_MAX, SrtpOutbound},
};
use std::{
    io::IoSlice,
    net::{Ipv4Addr, UdpSocket},
    os::fd::AsRawFd,
    time::Duration,
};

/// How packets are handed to the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Batching {
    /// One `sendto` for each.
    Single,
    /// One `sendmmsg` for 32 packets to as many peers.
    Many,
    /// One `sendmmsg` of messages of this many equal packets to one peer each (UDP_SEGMENT).
    Segments(usize),
}

/// What is sent, and to how many.
#[derive(Clone, Copy, Debug)]
pub struct Workload {
    /// Bytes of payload of each packet.
    pub payload: usize,
    /// Subscribers; each has its own socket and keys.
    pub peers: usize,
    /// How much of it.
    pub packets: usize,
}

/// Peers of one system call: what is written for them is still in the cache when the kernel reads it.
const CHUNK: usize = 32;
/// Read away after so many packets, so that receiving queues never overflow: dropped packets would be cheaper.
const DRAIN_EVERY: usize = 64;

struct Subscriber {
    receiver: UdpSocket,
    address: SockaddrStorage,
    keys: SrtpOutbound,
    sequence_number: u16,
}

/// CPU time of this thread for one packet, sent and received on loopback.
///
/// # Errors
/// Sockets that the system does not give, or does not send on.
pub fn cost_per_packet(batching: Batching, workload: Workload) -> std::io::Result<Duration> {
    let Workload { payload, peers, packets } = workload;
    let sender = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    let mut subscribers = (0..peers).map(Subscriber::new).collect::<std::io::Result<Vec<_>>>()?;
    let plain = if payload <= packets::AUDIO_PAYLOAD { packets::audio(1) } else { packets::video(1) };
    let parsed = RtpPacket::parse(&plain).map_err(std::io::Error::other)?;
    let extensions: Vec<(u8, &[u8])> = parsed.extensions(&plain).collect();
    let payload = vec![0x5a; payload];
    let per_peer = if let Batching::Segments(segments) = batching { segments } else { 1 };
    let mut arena = vec![0; CHUNK * per_peer * (payload.len() + 64 + RTP_OVERHEAD_MAX)];
    let mut done = 0;
    // The receivers' reading is not ours to pay for; the kernel's delivery, which runs in our send call, is.
    let (mut spent, mut undrained) = (Duration::ZERO, 0);
    while done < packets {
        for chunk in subscribers.chunks_mut(CHUNK) {
            let begun = thread_time()?;
            let len = fill(&mut arena, chunk, per_peer, &payload, &extensions);
            send(&sender, batching, &arena, len, per_peer, chunk)?;
            spent += thread_time()?.saturating_sub(begun);
        }
        done += peers * per_peer;
        undrained += per_peer;
        if undrained + per_peer > DRAIN_EVERY {
            subscribers.iter().for_each(Subscriber::drain);
            undrained = 0;
        }
    }
    Ok(spent / done as u32)
}

impl Subscriber {
    fn new(index: usize) -> std::io::Result<Self> {
        let index = index as u8;
        let receiver = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        receiver.set_nonblocking(true)?;
        let address = SockaddrStorage::from(receiver.local_addr()?);
        let keys = SrtpOutbound::new(Profile::AeadAes128Gcm, &[index; 16], &[index; 12]);
        let keys = keys.map_err(std::io::Error::other)?;
        Ok(Self { receiver, address, keys, sequence_number: 0 })
    }

    fn drain(&self) {
        let mut buffer = [0; 2048];
        while self.receiver.recv(&mut buffer).is_ok() {}
    }
}

/// Writes every peer's packets one behind the other; returns the length of one sealed packet.
fn fill(
    arena: &mut [u8],
    subscribers: &mut [Subscriber],
    per_peer: usize,
    payload: &[u8],
    extensions: &[(u8, &[u8])],
) -> usize {
    let (mut at, mut len) = (0, 0);
    for subscriber in subscribers {
        for _ in 0..per_peer {
            let slot = &mut arena[at..at + payload.len() + 64 + RTP_OVERHEAD_MAX];
            let fields = HeaderFields {
                marker: false,
                payload_type: 101,
                sequence_number: subscriber.sequence_number,
                timestamp: 77,
                ssrc: 7,
            };
            subscriber.sequence_number = subscriber.sequence_number.wrapping_add(1);
            let header =
                write_header(slot, fields, extensions.iter().copied()).expect("the same extensions fit");
            slot[header..header + payload.len()].copy_from_slice(payload);
            len = subscriber.keys.seal_rtp(slot, header + payload.len()).expect("a new number each time");
            at += len;
        }
    }
    len
}

fn send(
    sender: &UdpSocket,
    batching: Batching,
    arena: &[u8],
    len: usize,
    per_peer: usize,
    subscribers: &[Subscriber],
) -> std::io::Result<()> {
    let messages = arena.chunks_exact(len * per_peer).take(subscribers.len());
    if batching == Batching::Single {
        for (message, subscriber) in messages.zip(subscribers) {
            nix::sys::socket::sendto(sender.as_raw_fd(), message, &subscriber.address, MsgFlags::empty())?;
        }
        return Ok(());
    }
    let slices: Vec<[IoSlice<'_>; 1]> = messages.map(|message| [IoSlice::new(message)]).collect();
    let addresses: Vec<Option<SockaddrStorage>> = subscribers.iter().map(|it| Some(it.address)).collect();
    let segment = u16::try_from(len).map_err(std::io::Error::other)?;
    let control = [ControlMessage::UdpGsoSegments(&segment)];
    let control = if per_peer > 1 { &control[..] } else { &[] };
    let space = (per_peer > 1).then(|| nix::cmsg_space!(u16));
    let mut headers = MultiHeaders::preallocate(slices.len(), space);
    let sent = sendmmsg(sender.as_raw_fd(), &mut headers, &slices, &addresses, control, MsgFlags::empty())?;
    debug_assert_eq!(sent.count(), subscribers.len());
    Ok(())
}

fn thread_time() -> std::io::Result<Duration> {
    let now: TimeSpec = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID)?;
    Ok(now.into())
}
