//! The send arena: datagrams of one read cycle, collected per peer, ready for one `sendmmsg`.
//!
//! Packets are built where they are sent from. What leaves is ordered by peer, and runs of equal size to one peer
//! become one message, so that a kernel with GSO walks its stack once for several datagrams (media.md, decision 5).

use std::{net::SocketAddr, ops::Range};

use super::{demux::Slot, transport::LocalIndex};

/// Bytes of datagrams between two flushes. A read cycle of 64 datagrams to 40 subscribers fits.
pub const ARENA_BYTES: usize = 4 << 20;
/// Datagrams between two flushes.
pub const PACKETS_MAX: usize = 8192;
/// Bytes that are sent before more is written, where that is possible: a frame for some twenty viewers. The kernel reads them out of
/// the core's own cache then, the first viewers of many do not wait until the packets of the last ones are sealed, and the rest
/// of the arena is not used for one large frame.
const FLUSH_BYTES: usize = 128 << 10;
/// Datagrams in one GSO message: more would arrive as a burst that small queues on the way do not survive.
pub const SEGMENTS_MAX: usize = 8;
/// Bytes of one GSO message: the largest UDP payload.
const MESSAGE_BYTES_MAX: usize = 65_000;

/// What a packet is worth when the arena fills up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// May use three quarters of the arena; a frame that lost a packet is dropped to its end by the caller.
    Video,
    /// May use nearly all of it.
    Audio,
    /// RTCP, STUN and DTLS: may use all of it.
    Control,
}

/// Why a packet was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotTaken {
    /// No room for its class.
    Full,
    /// The writer gave nothing.
    Nothing,
}

/// One system-call message: one datagram, or several of `segment_size` bytes (the last may be shorter).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message<'a> {
    /// The socket to leave by.
    pub local: LocalIndex,
    /// The address to send to.
    pub remote: SocketAddr,
    /// The datagrams, one behind the other.
    pub bytes: &'a [u8],
    /// Bytes of each datagram when there are several.
    pub segment_size: Option<u16>,
    /// What all of them are worth where the way out is full.
    pub class: Class,
}

impl Message<'_> {
    /// Datagrams in this message.
    pub fn datagrams(&self) -> usize {
        self.segment_size.map_or(1, |size| self.bytes.len().div_ceil(usize::from(size)))
    }
}

/// In 32 bits each, which is less than a cache line together: one is written for every packet.
#[derive(Debug, Clone, Copy)]
struct Packet {
    local: LocalIndex,
    remote: SocketAddr,
    class: Class,
    start: u32,
    len: u32,
    /// The next one to the same peer, or [`NONE`].
    next: u32,
}

/// No packet.
const NONE: u32 = u32::MAX;

/// The packets to one peer, by their places.
#[derive(Debug, Clone, Copy)]
struct Chain {
    first: u32,
    last: u32,
}

impl Packet {
    fn range(&self) -> Range<usize> {
        self.start as usize..self.start as usize + self.len as usize
    }
}

#[derive(Debug, Clone, Copy)]
struct Run {
    packet: usize,
    start: usize,
    len: usize,
    segment_size: Option<u16>,
}

/// The arena. Nothing in it is allocated after the first cycles.
#[derive(Debug)]
pub struct Egress {
    arena: Vec<u8>,
    used: usize,
    packets: Vec<Packet>,
    /// By the peer's slot; the first one is [`NONE`] where there is nothing.
    chains: Vec<Chain>,
    /// Peers with a chain.
    peers: Vec<Slot>,
    runs: Vec<Run>,
    /// Copies of packets that form one message but do not lie together.
    gathered: Vec<u8>,
    segments_max: usize,
}

impl Default for Egress {
    fn default() -> Self {
        Egress {
            arena: vec![0; ARENA_BYTES],
            used: 0,
            packets: Vec::with_capacity(PACKETS_MAX),
            chains: Vec::new(),
            peers: Vec::with_capacity(PACKETS_MAX),
            runs: Vec::with_capacity(PACKETS_MAX),
            gathered: Vec::new(),
            segments_max: 1,
        }
    }
}

impl Egress {
    /// How many datagrams one message may hold: 1 (as at start) where the kernel has no GSO, else up to [`SEGMENTS_MAX`].
    pub fn set_segments_max(&mut self, segments_max: usize) {
        self.segments_max = segments_max.clamp(1, SEGMENTS_MAX);
    }

    /// Several datagrams to one peer may become one message.
    pub fn groups(&self) -> bool {
        self.segments_max > 1
    }

    /// So much is in it that the driver should send and clear before it goes on.
    pub fn is_filling(&self) -> bool {
        self.used >= FLUSH_BYTES || self.packets.len() >= PACKETS_MAX / 2
    }

    /// Whoever can wait leaves the rest to others.
    pub fn is_half_full(&self) -> bool {
        self.used >= ARENA_BYTES / 2 || self.packets.len() >= PACKETS_MAX / 2
    }

    /// Nothing to send.
    pub fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }

    /// Datagrams waiting.
    pub fn len(&self) -> usize {
        self.packets.len()
    }

    /// Lends `len_max` bytes of the arena to `write`, which returns how many of them are the datagram.
    ///
    /// # Errors
    /// [`NotTaken::Full`] without calling `write` when the class has used its share; [`NotTaken::Nothing`] when `write` gave nothing.
    pub fn push(
        &mut self,
        peer: Slot,
        path: (LocalIndex, SocketAddr),
        class: Class,
        len_max: usize,
        write: impl FnOnce(&mut [u8]) -> Option<usize>,
    ) -> Result<usize, NotTaken> {
        let start = self.used;
        if start + len_max > class.share(ARENA_BYTES) || self.packets.len() >= class.share(PACKETS_MAX) {
            return Err(NotTaken::Full);
        }
        let len = write(&mut self.arena[start..start + len_max]).filter(|&len| len > 0 && len <= len_max);
        let len = len.ok_or(NotTaken::Nothing)?;
        self.used += len;
        self.link(peer);
        let (local, remote) = path;
        self.packets.push(Packet { local, remote, class, start: start as u32, len: len as u32, next: NONE });
        Ok(len)
    }

    /// The next packet goes behind the others to its peer.
    #[inline]
    fn link(&mut self, peer: Slot) {
        let at = self.packets.len() as u32;
        match self.chains.get_mut(peer) {
            Some(chain) if chain.first != NONE => {
                if let Some(before) = self.packets.get_mut(chain.last as usize) {
                    before.next = at;
                }
                chain.last = at;
            }
            Some(chain) => {
                *chain = Chain { first: at, last: at };
                self.peers.push(peer);
            }
            None => {
                self.chains.resize(peer + 1, Chain { first: NONE, last: NONE });
                self.chains[peer] = Chain { first: at, last: at };
                self.peers.push(peer);
            }
        }
    }

    /// What is to be sent, peer by peer, each peer's datagrams in the order they were pushed.
    pub fn messages(&mut self) -> impl Iterator<Item = Message<'_>> {
        self.arrange();
        let Egress { arena, gathered, packets, runs, .. } = &*self;
        runs.iter().map(move |run| {
            let packet = &packets[run.packet];
            let bytes = if run.start < ARENA_BYTES {
                &arena[run.start..run.start + run.len]
            } else {
                &gathered[run.start - ARENA_BYTES..run.start - ARENA_BYTES + run.len]
            };
            let Packet { local, remote, class, .. } = *packet;
            Message { local, remote, bytes, segment_size: run.segment_size, class }
        })
    }

    /// Forgets everything, sent or not.
    pub fn clear(&mut self) {
        self.used = 0;
        self.peers.drain(..).for_each(|peer| self.chains[peer].first = NONE);
        self.packets.clear();
        self.runs.clear();
        self.gathered.clear();
    }

    fn arrange(&mut self) {
        let Egress { arena, packets, chains, peers, runs, gathered, segments_max, .. } = self;
        runs.clear();
        gathered.clear();
        // The order does not depend on which of two timers came first. Mostly it is this one already.
        peers.sort_unstable();
        for &peer in peers.iter() {
            let mut rest = chains[peer].first;
            while rest != NONE {
                let first = rest as usize;
                let run = together(packets, first, *segments_max);
                rest = run.next;
                let Packet { start, len, .. } = packets[first];
                let segment_size = (run.count > 1).then_some(len as u16);
                if run.lies_together {
                    runs.push(Run { packet: first, start: start as usize, len: run.bytes, segment_size });
                    continue;
                }
                let gathered_start = gathered.len();
                for packet in chain(packets, first).take(run.count) {
                    gathered.extend_from_slice(&arena[packet.range()]);
                }
                let start = ARENA_BYTES + gathered_start;
                runs.push(Run { packet: first, start, len: run.bytes, segment_size });
            }
        }
    }
}

impl Class {
    fn share(self, whole: usize) -> usize {
        match self {
            Class::Video => whole / 4 * 3,
            Class::Audio => whole / 16 * 15,
            Class::Control => whole,
        }
    }
}

/// Packets that can be one message.
#[derive(Debug, Clone, Copy)]
struct Together {
    count: usize,
    bytes: usize,
    /// They need not be copied.
    lies_together: bool,
    /// The first one that is not among them, or [`NONE`].
    next: u32,
}

/// As many packets from `first` on as can be one message: one path and class, equal sizes, a shorter one only as the last.
fn together(packets: &[Packet], first: usize, segments_max: usize) -> Together {
    let head = &packets[first];
    let mut found = Together { count: 1, bytes: head.len as usize, lies_together: true, next: head.next };
    while let Some(next) = packets.get(found.next as usize) {
        let way = |packet: &Packet| (packet.local, packet.remote, packet.class);
        let fits = found.count < segments_max && found.bytes + next.len as usize <= MESSAGE_BYTES_MAX;
        if !fits || next.len > head.len || way(next) != way(head) {
            break;
        }
        found.lies_together &= next.start as usize == head.start as usize + found.bytes;
        found.count += 1;
        found.bytes += next.len as usize;
        found.next = next.next;
        if next.len < head.len {
            break;
        }
    }
    found
}

/// A packet and those behind it to the same peer.
fn chain(packets: &[Packet], first: usize) -> impl Iterator<Item = &Packet> {
    std::iter::successors(packets.get(first), |packet| packets.get(packet.next as usize))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(port: u16) -> (LocalIndex, SocketAddr) {
        (LocalIndex(0), SocketAddr::from(([127, 0, 0, 1], port)))
    }

    fn push(egress: &mut Egress, peer: Slot, class: Class, bytes: &[u8]) -> Result<usize, NotTaken> {
        egress.push(peer, path(peer as u16), class, bytes.len() + 20, |buf| {
            buf[..bytes.len()].copy_from_slice(bytes);
            Some(bytes.len())
        })
    }

    fn sent(egress: &mut Egress) -> Vec<(u16, Vec<u8>, Option<u16>)> {
        egress.messages().map(|m| (m.remote.port(), m.bytes.to_vec(), m.segment_size)).collect()
    }

    #[test]
    fn datagrams_leave_peer_by_peer_in_their_order() {
        let mut egress = Egress::default();
        for (peer, bytes) in [(2, b"a1"), (1, b"b1"), (2, b"a2"), (1, b"b2")] {
            push(&mut egress, peer, Class::Video, bytes).expect("there is room");
        }
        let expected =
            [(1, "b1"), (1, "b2"), (2, "a1"), (2, "a2")].map(|(p, b)| (p, b.as_bytes().to_vec(), None));
        assert_eq!(sent(&mut egress), expected);
        egress.clear();
        assert!(egress.is_empty());
        assert_eq!(egress.messages().count(), 0);
    }

    #[test]
    fn equal_sizes_to_one_peer_become_one_message_with_a_shorter_end() {
        let mut egress = Egress::default();
        egress.set_segments_max(8);
        for (peer, bytes) in
            [(1, &b"aaaa"[..]), (2, b"zz"), (1, b"bbbb"), (1, b"c"), (1, b"dddd"), (2, b"zzz")]
        {
            push(&mut egress, peer, Class::Video, bytes).expect("there is room");
        }
        let expected = vec![
            (1, b"aaaabbbbc".to_vec(), Some(4)),
            (1, b"dddd".to_vec(), None),
            (2, b"zz".to_vec(), None),
            (2, b"zzz".to_vec(), None),
        ];
        assert_eq!(sent(&mut egress), expected);
        assert_eq!(egress.messages().map(|m| m.datagrams()).sum::<usize>(), 6);
    }

    #[test]
    fn a_message_holds_no_more_segments_than_allowed() {
        let mut egress = Egress::default();
        egress.set_segments_max(100);
        for _ in 0..SEGMENTS_MAX + 1 {
            push(&mut egress, 1, Class::Video, b"same").expect("there is room");
        }
        let counts: Vec<_> = egress.messages().map(|m| m.datagrams()).collect();
        assert_eq!(counts, [SEGMENTS_MAX, 1]);
    }

    #[test]
    fn video_is_refused_before_audio_and_audio_before_control() {
        let mut egress = Egress::default();
        let packet = [7; 1200];
        while push(&mut egress, 1, Class::Video, &packet).is_ok() {}
        assert_eq!(push(&mut egress, 1, Class::Video, &packet), Err(NotTaken::Full));
        assert_eq!(push(&mut egress, 1, Class::Audio, &packet), Ok(packet.len()));
        while push(&mut egress, 1, Class::Audio, &packet).is_ok() {}
        assert_eq!(push(&mut egress, 1, Class::Control, &packet), Ok(packet.len()));
    }

    #[test]
    fn a_frame_for_a_few_dozen_viewers_is_to_be_sent_as_soon_as_it_is_there() {
        let mut egress = Egress::default();
        let mut viewers = 0;
        while !egress.is_filling() {
            viewers += 1;
            for _ in 0..5 {
                push(&mut egress, viewers, Class::Video, &[7; 1200]).expect("there is room");
            }
        }
        assert!((15..=30).contains(&viewers), "{viewers}");
        egress.clear();
        assert!(!egress.is_filling());
    }

    #[test]
    fn a_writer_that_gives_nothing_leaves_nothing() {
        let mut egress = Egress::default();
        assert_eq!(egress.push(1, path(1), Class::Audio, 100, |_| None), Err(NotTaken::Nothing));
        assert!(egress.is_empty());
    }
}
