//! What waits for one client, by stream. A message counts until SCTP lets go of it, whatever becomes of its stream.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use bytes::Bytes;

use super::{FRAGMENT_LEN, NotSent};

/// What waits of reliable streams in the ordinary case, all of them together, in bytes of memory.
pub const BUFFERED_MAX: usize = 1024 * 1024;
/// The same of the streams that may lose messages. What waits of the one kind takes nothing from the other.
pub const BUFFERED_LOSSY_MAX: usize = BUFFERED_MAX / 2;
/// A stream that may lose messages is not given another while more than this waits on it.
const STALE: usize = 128 * 1024;
/// What a stream may have at the least, however full it is, of its kind: so many parts of the whole make one. Whoever
/// fills the whole loses his own messages, and not those of the others.
const SHARES_MAX: usize = 16;
/// With all their shares the streams of one kind never have more than so many times the whole.
const OVERFULL: usize = 4;
/// A chunk of SCTP beside its payload: about 120 bytes, in a queue that may be twice as long as what is in it.
const CHUNK_COST: usize = 256;

/// Messages that SCTP has been given and keeps.
#[derive(Debug)]
pub(super) struct Backlog {
    reliable: Arc<Pool>,
    lossy: Arc<Pool>,
    /// Streams that are open. Bounded by the streams of the association.
    open: HashMap<u16, Arc<Stream>>,
}

/// Streams of one kind. Atomic because payloads are `Send`; an engine has one thread.
#[derive(Debug)]
struct Pool {
    max: usize,
    bytes: AtomicUsize,
    /// Streams with anything waiting.
    streams: AtomicUsize,
}

#[derive(Debug)]
struct Stream {
    pool: Arc<Pool>,
    bytes: AtomicUsize,
}

/// A payload that is paid back when the last fragment of it is dropped.
struct Charged {
    payload: Bytes,
    cost: usize,
    stream: Arc<Stream>,
}

impl Default for Backlog {
    fn default() -> Self {
        let pool = |max| Arc::new(Pool { max, bytes: AtomicUsize::new(0), streams: AtomicUsize::new(0) });
        Backlog { reliable: pool(BUFFERED_MAX), lossy: pool(BUFFERED_LOSSY_MAX), open: HashMap::new() }
    }
}

impl Backlog {
    /// The payload as SCTP is to be given it: it counts until the last of it is dropped.
    pub(super) fn charge(&mut self, id: u16, is_reliable: bool, payload: &Bytes) -> Result<Bytes, NotSent> {
        let pool = if is_reliable { &self.reliable } else { &self.lossy };
        let new = || Arc::new(Stream { pool: pool.clone(), bytes: AtomicUsize::new(0) });
        let stream = self.open.entry(id).or_insert_with(new);
        let is_stale = !is_reliable && stream.bytes.load(Relaxed) > STALE;
        let cost = payload.len() + payload.len().div_ceil(FRAGMENT_LEN) * CHUNK_COST;
        if is_stale || !stream.has_room_for(cost) {
            return Err(NotSent::Full);
        }
        stream.add(cost);
        let charged = Charged { payload: payload.clone(), cost, stream: stream.clone() };
        Ok(Bytes::from_owner(charged))
    }

    /// The stream is no more; what waits of it does.
    pub(super) fn close(&mut self, id: u16) {
        self.open.remove(&id);
    }

    /// Bytes of memory that wait of streams that are no more.
    pub(super) fn left_behind(&self) -> usize {
        let all = self.reliable.bytes.load(Relaxed) + self.lossy.bytes.load(Relaxed);
        let open: usize = self.open.values().map(|stream| stream.bytes.load(Relaxed)).sum();
        all.saturating_sub(open)
    }
}

impl Stream {
    fn has_room_for(&self, cost: usize) -> bool {
        let Pool { max, bytes, streams } = &*self.pool;
        let own = self.bytes.load(Relaxed);
        let streams = streams.load(Relaxed) + usize::from(own == 0);
        let all = bytes.load(Relaxed) + cost;
        all <= *max || (own + cost <= max / streams.clamp(1, SHARES_MAX) && all <= max * OVERFULL)
    }

    fn add(&self, cost: usize) {
        self.pool.bytes.fetch_add(cost, Relaxed);
        if self.bytes.fetch_add(cost, Relaxed) == 0 {
            self.pool.streams.fetch_add(1, Relaxed);
        }
    }
}

impl AsRef<[u8]> for Charged {
    fn as_ref(&self) -> &[u8] {
        &self.payload
    }
}

impl Drop for Charged {
    fn drop(&mut self) {
        let Stream { pool, bytes } = &*self.stream;
        pool.bytes.fetch_sub(self.cost, Relaxed);
        if bytes.fetch_sub(self.cost, Relaxed) == self.cost {
            pool.streams.fetch_sub(1, Relaxed);
        }
    }
}
