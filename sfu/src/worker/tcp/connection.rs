//! One accepted connection: what has come of an unfinished frame, and what the kernel has not taken yet.

use super::frame;
use crate::engine::{
    egress::{Class, Message},
    transport::LocalIndex,
};
use mio::net::TcpStream;
use std::{
    collections::VecDeque,
    io::{self, IoSlice, Read, Write},
    net::SocketAddr,
    time::{Duration, Instant},
};

/// Bytes that may wait for the kernel before video is dropped: a third of a second at 1.5 Mbit/s. More would only be
/// shown later; the receiver asks again for what it misses, and congestion control hears of the delay.
const VIDEO_WAITING_MAX: usize = 64 << 10;
/// The same for sound, which is small: six seconds of one voice beyond the video.
const AUDIO_WAITING_MAX: usize = VIDEO_WAITING_MAX + (32 << 10);
/// The same for what carries the connection. Whoever takes not even this has stopped reading.
const CONTROL_WAITING_MAX: usize = AUDIO_WAITING_MAX + (32 << 10);
/// A connection whose peer takes nothing for so long while something waits is closed. A path may die for five seconds.
const STUCK_MAX: Duration = Duration::from_secs(10);
/// A connection that has brought no valid check by then is closed: a browser sends one as soon as it is connected.
const PROOF_MAX: Duration = Duration::from_secs(10);
/// A connection that we say nothing on for so long has no transport behind it: checks are answered, and they come every
/// few seconds (RFC 7675).
const SILENCE_MAX: Duration = Duration::from_secs(30);
/// Memory that a connection keeps while nothing waits.
const CAPACITY_KEPT: usize = 4 << 10;
/// Bytes of one read. A connection that has more is read again after the others.
const READ_MAX: usize = 64 << 10;
/// The same before it is proven: a check is a hundred bytes, and strangers must not fill a turn.
const UNPROVEN_READ_MAX: usize = 2 << 10;

/// Whole frames of one read, in a buffer that all connections share.
#[derive(Debug, Default)]
pub struct FrameBatch {
    buffer: Vec<u8>,
    whole: usize,
}

impl FrameBatch {
    /// The datagrams. The bytes may be changed.
    pub fn datagrams(&mut self) -> frame::Datagrams<'_> {
        frame::datagrams(&mut self.buffer[..self.whole])
    }
}

/// What a read led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    /// There may be more.
    MayHaveMore,
    /// The kernel will tell.
    Drained,
    /// The peer has closed, or the connection is broken.
    Over,
    /// What came are no frames.
    Malformed,
}

/// Why a connection is to be closed by us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It never brought a valid check.
    Unproven,
    /// Nothing was said on it for long.
    Silent,
    /// Its peer does not read.
    Stuck,
}

/// What became of a datagram for the peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Queued {
    /// It leaves with the next flush.
    Taken,
    /// Too much waits.
    Dropped,
    /// Too much waits for what must not be dropped: the connection is of no use any more.
    Overflown,
}

/// One connection.
#[derive(Debug)]
pub struct Connection {
    /// For registration with the poll.
    pub stream: TcpStream,
    /// The listener it came by.
    pub local: LocalIndex,
    /// The peer's end.
    pub remote: SocketAddr,
    /// There may be something to read.
    pub readable: bool,
    opened_at: Instant,
    /// It is a transport's.
    proven: bool,
    /// When we last had something to say: a transport answers checks.
    spoken_at: Instant,
    /// Since when the kernel has taken nothing of what waits.
    stuck_since: Option<Instant>,
    /// The beginning of a frame, below [`frame::DATAGRAM_MAX`] and its header.
    unfinished: Vec<u8>,
    waiting: VecDeque<u8>,
}

impl Connection {
    /// Just accepted.
    pub fn new(now: Instant, stream: TcpStream, local: LocalIndex, remote: SocketAddr) -> Self {
        Self {
            stream,
            local,
            remote,
            // The first bytes may have come before the poll was told of the stream.
            readable: true,
            opened_at: now,
            proven: false,
            spoken_at: now,
            stuck_since: None,
            unfinished: Vec::new(),
            waiting: VecDeque::new(),
        }
    }

    /// Whether it is a transport's: a check was valid.
    pub fn is_proven(&self) -> bool {
        self.proven
    }

    /// See [`Connection::is_proven`]. Returns whether that is new.
    pub fn prove(&mut self) -> bool {
        !std::mem::replace(&mut self.proven, true)
    }

    /// When it was accepted.
    pub fn opened_at(&self) -> Instant {
        self.opened_at
    }

    /// Reads once. What was left of the read before comes first.
    pub fn read(&mut self, batch: &mut FrameBatch) -> Readiness {
        let before = self.unfinished.len();
        batch.whole = 0;
        batch.buffer.resize(READ_MAX + frame::HEADER_LEN + frame::DATAGRAM_MAX, 0);
        batch.buffer[..before].copy_from_slice(&self.unfinished);
        let max = if self.is_proven() { READ_MAX } else { UNPROVEN_READ_MAX };
        let len = match self.stream.read(&mut batch.buffer[before..before + max]) {
            Ok(0) => return Readiness::Over,
            Ok(len) => before + len,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Readiness::Drained,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Readiness::MayHaveMore,
            Err(_) => return Readiness::Over,
        };
        let Ok(whole) = frame::whole_frames(&batch.buffer[..len]) else { return Readiness::Malformed };
        batch.whole = whole;
        self.unfinished.clear();
        self.unfinished.extend_from_slice(&batch.buffer[whole..len]);
        Readiness::MayHaveMore
    }

    /// Queues the datagrams of one message.
    pub fn queue(&mut self, now: Instant, message: &Message<'_>) -> (u64, Queued) {
        let bound = match message.class {
            Class::Video => VIDEO_WAITING_MAX,
            Class::Audio => AUDIO_WAITING_MAX,
            Class::Control => CONTROL_WAITING_MAX,
        };
        let size = message.segment_size.map_or(message.bytes.len(), usize::from).max(1);
        self.spoken_at = now;
        let mut taken = 0;
        for datagram in message.bytes.chunks(size) {
            let Some(header) = frame::header(datagram.len()) else { return (taken, Queued::Dropped) };
            if self.waiting.len() + frame::HEADER_LEN + datagram.len() > bound {
                let lost = if message.class == Class::Control { Queued::Overflown } else { Queued::Dropped };
                return (taken, lost);
            }
            self.waiting.extend(header);
            self.waiting.extend(datagram);
            taken += 1;
        }
        (taken, Queued::Taken)
    }

    /// Something waits for the kernel.
    pub fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// How much of it.
    pub fn waiting_bytes(&self) -> usize {
        self.waiting.len()
    }

    /// Hands the kernel as much as it takes. Returns how much that was.
    ///
    /// # Errors
    /// The connection is gone.
    pub fn write(&mut self, now: Instant) -> io::Result<u64> {
        let mut written = 0;
        while !self.waiting.is_empty() {
            let (first, second) = self.waiting.as_slices();
            match self.stream.write_vectored(&[IoSlice::new(first), IoSlice::new(second)]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(len) => {
                    self.waiting.drain(..len);
                    written += len as u64;
                    self.stuck_since = None;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.stuck_since.get_or_insert(now);
                    return Ok(written);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if self.waiting.capacity() > CAPACITY_KEPT {
            self.waiting.shrink_to(CAPACITY_KEPT);
        }
        Ok(written)
    }

    /// Whether it has to be closed.
    pub fn verdict(&self, now: Instant) -> Option<Verdict> {
        let since = |at: Instant| now.saturating_duration_since(at);
        if !self.proven && since(self.opened_at) >= PROOF_MAX {
            Some(Verdict::Unproven)
        } else if since(self.spoken_at) >= SILENCE_MAX {
            Some(Verdict::Silent)
        } else {
            self.stuck_since.filter(|&at| since(at) >= STUCK_MAX).map(|_| Verdict::Stuck)
        }
    }
}
