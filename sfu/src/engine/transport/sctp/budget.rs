//! How much a client may send by its data channels: buckets that fill with time.

use std::time::{Duration, Instant};

/// How much a client may send by its data channels, in the long run; two seconds' worth may come at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DataRate {
    /// Payload of all channels of a transport.
    pub bytes_per_second: u32,
    /// Messages of all channels of a transport.
    pub messages_per_second: u32,
}

impl Default for DataRate {
    fn default() -> Self {
        DataRate { bytes_per_second: 256 * 1024, messages_per_second: 100 }
    }
}

/// A message is let in while no bucket is in debt, whatever its size.
#[derive(Debug)]
pub(super) struct Budget {
    rate: DataRate,
    bytes_paid_at: Instant,
    messages_paid_at: Instant,
    /// Copies are a bound of ours, which no client waits for in the long run: see [`Budget::spend_copies`].
    copies_paid_at: Instant,
    now: Instant,
}

impl Budget {
    /// What was saved up at most: two seconds' worth.
    const SAVED_MAX: Duration = Duration::from_secs(2);
    /// What one packet of one copy of a message is taken to cost: more than it does, as `bench/benches/data.rs` measures it.
    /// At the default rate and with as many consumers as there may be, half of the time is left by messages of one packet;
    /// long ones are let in as slowly as they are paid for.
    const COPY_TIME: Duration = Duration::from_micros(10);
    /// Packets that may be made ahead of their time: so long may one client hold up what else its thread has to do.
    const COPIES_AHEAD: Duration = Duration::from_micros(2560);

    pub(super) fn new(now: Instant, rate: DataRate) -> Self {
        Budget { rate, bytes_paid_at: now, messages_paid_at: now, copies_paid_at: now, now }
    }

    /// Buckets are kept as the moment up to which all is paid, never before what may be saved.
    pub(super) fn open_at(&self) -> Instant {
        let copies_at = self.copies_paid_at.checked_sub(Self::COPIES_AHEAD).unwrap_or(self.copies_paid_at);
        self.bytes_paid_at.max(self.messages_paid_at).max(copies_at)
    }

    pub(super) fn is_open(&mut self, now: Instant) -> bool {
        self.now = now;
        self.open_at() <= now
    }

    pub(super) fn spend(&mut self, bytes: usize) {
        let share = |count: f64, rate: u32| Duration::from_secs_f64(count / f64::from(rate.max(1)));
        let bytes_time = share(bytes as f64, self.rate.bytes_per_second);
        let message_time = share(1.0, self.rate.messages_per_second);
        for (paid_at, time) in
            [(&mut self.bytes_paid_at, bytes_time), (&mut self.messages_paid_at, message_time)]
        {
            let saved = self.now.checked_sub(Self::SAVED_MAX).unwrap_or(*paid_at);
            *paid_at = (*paid_at).max(saved) + time;
        }
    }

    /// A message has gone on as so many packets: the next one is let in when somebody else has had a turn.
    pub(super) fn spend_copies(&mut self, packets: usize) {
        let time = Self::COPY_TIME * u32::try_from(packets).unwrap_or(u32::MAX);
        self.copies_paid_at = self.copies_paid_at.max(self.now) + time;
    }
}
