//! What leaves a worker once a second: all its counters at one moment, and the rates since the moment before.

use super::{socket::SocketCounters, tcp::TcpCounters};
use crate::engine::{
    counters::{Counters, ESTIMATES},
    histogram::Histogram,
};
use nix::sys::resource::{UsageWho, getrusage};
use plenum_shared::media::Bitrate;
use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// Turns of the loop by how long they kept the worker from its sockets, in nanoseconds: 50 µs to 100 ms.
pub const TURNS: [u64; 10] =
    [50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000, 25_000_000, 100_000_000];

/// Counters of the loop itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WorkerCounters {
    /// Nanoseconds from each return of the poll to the next wait, by [`TURNS`].
    pub turn: Histogram<{ TURNS.len() }>,
    /// Panics of the engine that were contained.
    pub panics: u64,
    /// The most packets that waited in a ring of another worker, in the last second.
    pub ring_waiting: u64,
    /// Processor time of the thread.
    pub cpu: Duration,
}

/// One worker at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Snapshot {
    pub engine: Counters,
    pub sockets: SocketCounters,
    pub tcp: TcpCounters,
    pub worker: WorkerCounters,
    /// Estimates of viewers in bytes a second, each counted once in every snapshot so far.
    pub estimates: Histogram<{ ESTIMATES.len() }>,
    /// Share of one core since the snapshot before, 0.0 to 1.0.
    pub cpu_share: f32,
    /// All datagrams in since the snapshot before.
    pub received: Bitrate,
    /// All datagrams out since the snapshot before.
    pub sent: Bitrate,
    bytes_sent_before: u64,
}

impl Snapshot {
    /// Called on the worker's thread, with the time since the last call: takes the figures that others keep, and
    /// computes the rates.
    pub(super) fn take(&mut self, engine: Counters, elapsed: Duration) {
        let cpu = thread_cpu();
        let seconds = elapsed.as_secs_f64().max(0.001);
        let rate = |bytes: u64| Bitrate((bytes as f64 * 8.0 / seconds) as u64);
        self.cpu_share = (cpu.saturating_sub(self.worker.cpu).as_secs_f64() / seconds).min(1.0) as f32;
        self.received = rate(engine.bytes_received.saturating_sub(self.engine.bytes_received));
        let bytes_sent = self.sockets.bytes_sent + self.tcp.bytes_sent;
        self.sent = rate(bytes_sent.saturating_sub(self.bytes_sent_before));
        self.bytes_sent_before = bytes_sent;
        self.worker.cpu = cpu;
        self.estimates.add(&engine.estimates);
        self.engine = engine;
    }
}

fn thread_cpu() -> Duration {
    let Ok(usage) = getrusage(UsageWho::RUSAGE_THREAD) else { return Duration::ZERO };
    let duration = |time: nix::sys::time::TimeVal| {
        Duration::new(time.tv_sec().unsigned_abs(), time.tv_usec().unsigned_abs() as u32 * 1000)
    };
    duration(usage.user_time()) + duration(usage.system_time())
}

/// The last snapshot, for readers on other threads. Locked for a copy, once a second by the worker.
#[derive(Debug, Default)]
pub struct Published(Mutex<Snapshot>);

impl Published {
    pub fn get(&self) -> Snapshot {
        // A snapshot is a plain value: whole, whoever panicked.
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set(&self, snapshot: Snapshot) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = snapshot;
    }
}
