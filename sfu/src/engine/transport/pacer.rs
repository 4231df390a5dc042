//! When the next packet to a subscriber may leave: sound at once, repetitions before new video, what is pinned before the
//! rest of it, nothing much faster than its path carries.
//!
//! A peer pays for what it is sent at its pacing rate and may be in debt for [`BURST`]. While nothing waits and the debt
//! is small, which is nearly always, a packet costs one comparison and leaves with the batch it came with. Otherwise a
//! reference waits here: which packet of which consumer. The packet itself is built when it leaves, from the history of
//! its producer's layer, so that a queue holds no payload.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use plenum_shared::media::Bitrate;

use super::estimate::{PROBE_PACKETS_MAX, Probe, ProbeId};

/// How far a peer may be in debt when a packet leaves. At a pacing rate of twice what is carried, this holds a frame of 25 a
/// second at the whole rate: an ordinary frame does not wait, a keyframe does.
pub const BURST: Duration = Duration::from_millis(20);
/// What has to wait leaves in portions of so much of the peer's time, so that packets still form groups for the kernel.
const TICK: Duration = Duration::from_millis(5);
/// Sound is sent in any case, and data at a pace of its own, which may be far above this one. What they add to the debt
/// ends here, so that video never waits longer for them.
const UNHELD_DEBT_MAX: Duration = Duration::from_millis(100);
/// New video that would wait longer is dropped to the next keyframe: later it is of no use to a conversation, and less
/// would not let a keyframe of a shared screen pass.
const VIDEO_WAITS_MAX: Duration = Duration::from_secs(1);
/// Packets of new video that wait. As many as [`crate::engine::router::sent::SENT_MAX`]: who waits there longer than that
/// has been forgotten. What is beyond is dropped to the next keyframe.
pub const VIDEO_MAX: usize = 512;
/// Repetitions that wait, and how long they may: they go first, and whoever asks for very many would see nothing new
/// meanwhile. What is beyond is asked for again by the viewer, if it still matters.
pub const REPAIRS_MAX: usize = 256;
/// See [`REPAIRS_MAX`].
const REPAIRS_WAIT_MAX: Duration = Duration::from_millis(250);
/// Places that a queue begins with; they are doubled when there are too few. Nearly always a few packets of a keyframe wait.
const QUEUE_STEP: usize = 64;
/// Where nothing had to wait for so long, the queues are given back: they are up to 24 kB, and most viewers need them only until
/// it is known what their path carries.
const GIVEN_BACK_AFTER: Duration = Duration::from_secs(2);
/// A packet that waits longer than this is not overtaken any more: what is pinned goes first, and the others still get theirs.
const OVERTAKEN_FOR: Duration = Duration::from_millis(250);
/// The floor is a fourth above what is sent by measurement: frames differ.
const FLOOR_MARGIN: u64 = 4;
/// Packets of a probe at least: fewer say nothing about a rate.
const PROBE_PACKETS_MIN: u16 = 5;
/// A probe that would take longer than this ends: whatever it was to show has changed.
const PROBE_LASTS_MAX: Duration = Duration::from_secs(1);

/// A packet that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// The consumer in the room's table.
    pub consumer: usize,
    /// The number it has in the consumer's media stream.
    pub sequence_number: u16,
    /// Bytes it will have, about.
    pub len: u16,
    /// It is sent again.
    pub repair: bool,
    /// New video of a higher priority goes before that of other consumers.
    pub priority: u8,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    waiting: Waiting,
    since: Instant,
}

impl Entry {
    /// Another packet, that has just come, goes first. Those of one consumer stay in order, and so do repetitions.
    fn is_overtaken(&self, now: Instant, by: &Waiting) -> bool {
        !by.repair
            && by.priority > self.waiting.priority
            && by.consumer != self.waiting.consumer
            && now.saturating_duration_since(self.since) <= OVERTAKEN_FOR
    }
}

/// A run of packets sent faster than the estimate, to see whether the path carries more.
#[derive(Debug, Clone, Copy)]
struct Cluster {
    id: ProbeId,
    rate: Pace,
    /// Whose packets are repeated.
    consumer: usize,
    left_bytes: usize,
    begun_at: Instant,
    next_at: Instant,
    sent: u16,
}

/// One packet of a probe that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProbePacket {
    /// The probe it belongs to.
    pub id: ProbeId,
    /// The consumer whose stream of retransmissions it goes on.
    pub consumer: usize,
    /// Packets of this probe before it.
    pub sent: u16,
}

/// What a pacer has done since it exists, and what it holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PacerFigures {
    /// Packets that waited before they left.
    pub paced: u64,
    /// How long they waited together.
    pub waited: Duration,
    /// Packets that wait now.
    pub waiting: usize,
    /// Bytes of those.
    pub waiting_bytes: usize,
}

/// Time a byte takes at some rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Pace {
    picos_per_byte: u64,
}

impl Pace {
    fn of(rate: Bitrate) -> Self {
        // A kilobit a second is less than any estimate; it only keeps the division away from zero.
        Pace { picos_per_byte: 8_000_000_000_000 / rate.0.max(1_000) }
    }

    fn time(self, bytes: usize) -> Duration {
        Duration::from_nanos((bytes as u64).saturating_mul(self.picos_per_byte) / 1_000)
    }
}

/// The way out of one peer.
#[derive(Debug)]
pub struct Pacer {
    pace: Pace,
    /// What the estimate allows.
    rate: Bitrate,
    /// What was decided to be sent in any case.
    floor: Bitrate,
    /// When everything sent so far is paid for.
    paid_at: Instant,
    repairs: VecDeque<Entry>,
    repair_bytes: usize,
    video: VecDeque<Entry>,
    /// When a packet began to wait last.
    waited_at: Instant,
    cluster: Option<Cluster>,
    figures: PacerFigures,
}

impl Pacer {
    /// Nothing was sent yet.
    pub fn new(now: Instant, rate: Bitrate) -> Self {
        Pacer {
            pace: Pace::of(rate),
            rate,
            floor: Bitrate(0),
            paid_at: now,
            repairs: VecDeque::new(),
            repair_bytes: 0,
            video: VecDeque::new(),
            waited_at: now,
            cluster: None,
            figures: PacerFigures::default(),
        }
    }

    /// What the estimate allows from now on.
    pub fn set_rate(&mut self, rate: Bitrate) {
        self.rate = rate;
        self.pace = Pace::of(rate.max(self.floor));
    }

    /// What was decided to be sent, whatever the estimate says: a pacer smooths, it does not decide.
    pub fn set_floor(&mut self, sent: Bitrate) {
        self.floor = Bitrate(sent.0 + sent.0 / FLOOR_MARGIN);
        self.set_rate(self.rate);
    }

    /// A packet other than sound may leave now, before everything that might have come earlier.
    pub fn is_free(&self, now: Instant) -> bool {
        self.paid_at <= now + BURST && self.video.is_empty() && self.repairs.is_empty()
    }

    /// A repetition may leave now: it need not wait for new video.
    pub fn is_free_for_repair(&self, now: Instant) -> bool {
        self.paid_at <= now + BURST && self.repairs.is_empty()
    }

    /// Takes note of a packet that left, and had to be free to.
    pub fn spend(&mut self, now: Instant, len: usize) {
        self.paid_at = self.paid_at.max(now) + self.pace.time(len);
    }

    /// Takes note of a repetition that left. It is paid for twice: the pacing rate is about twice what the path carries, and
    /// repetitions alone, asked for because too much was sent, must not fill it.
    pub fn spend_on_repair(&mut self, now: Instant, len: usize) {
        self.spend(now, len * 2);
    }

    /// Takes note of a packet that left without asking: of sound, or of a data channel.
    pub fn spend_unheld(&mut self, now: Instant, len: usize) {
        let time = self.pace.time(len);
        if self.paid_at <= now {
            self.paid_at = now + time.min(UNHELD_DEBT_MAX);
            return;
        }
        self.paid_at = self.paid_at.max((self.paid_at + time).min(now + UNHELD_DEBT_MAX));
    }

    /// Packets of data channels have to wait: for repetitions, which go before everything but sound, or for a probe, which
    /// measures what it has to itself.
    pub fn holds_data(&self) -> bool {
        !self.repairs.is_empty() || self.cluster.is_some()
    }

    /// Nothing waits and no probe is under way.
    pub fn is_idle(&self) -> bool {
        self.video.is_empty() && self.repairs.is_empty() && self.cluster.is_none()
    }

    /// A frame that begins now would leave in time.
    pub fn takes_frame(&self) -> bool {
        self.video.len() < VIDEO_MAX && self.queue() <= VIDEO_WAITS_MAX
    }

    /// Has a packet wait. Returns whether there was room.
    pub fn wait(&mut self, now: Instant, waiting: Waiting) -> bool {
        if waiting.repair && self.pace.time(self.repair_bytes) > REPAIRS_WAIT_MAX {
            return false;
        }
        let (queue, max) =
            if waiting.repair { (&mut self.repairs, REPAIRS_MAX) } else { (&mut self.video, VIDEO_MAX) };
        if queue.len() >= max {
            return false;
        }
        if queue.len() == queue.capacity() {
            queue.reserve_exact(queue.len().max(QUEUE_STEP).min(max - queue.len()));
        }
        self.waited_at = now;
        let ahead = queue.iter().rev().take_while(|entry| entry.is_overtaken(now, &waiting)).count();
        queue.insert(queue.len() - ahead, Entry { waiting, since: now });
        self.figures.waiting += 1;
        self.figures.waiting_bytes += usize::from(waiting.len);
        self.repair_bytes += if waiting.repair { usize::from(waiting.len) } else { 0 };
        true
    }

    /// Gives back what was taken for packets that wait, once none has had to for a while.
    pub fn rest(&mut self, now: Instant) {
        let is_needed = !self.video.is_empty() || !self.repairs.is_empty();
        if !is_needed && now.saturating_duration_since(self.waited_at) > GIVEN_BACK_AFTER {
            (self.video, self.repairs) = (VecDeque::new(), VecDeque::new());
        }
    }

    /// The packet that may leave now, if one may. It waits on until [`Pacer::take`].
    pub fn next(&self, now: Instant) -> Option<Waiting> {
        if self.paid_at > now + BURST {
            return None;
        }
        self.repairs.front().or(self.video.front()).map(|entry| entry.waiting)
    }

    /// Takes out what [`Pacer::next`] returned. `left` when it was sent; else there was nothing to send any more.
    /// Returns how long it waited.
    pub fn take(&mut self, now: Instant, left: bool) -> Duration {
        let Some(entry) = self.repairs.pop_front().or_else(|| self.video.pop_front()) else {
            return Duration::ZERO;
        };
        self.figures.waiting -= 1;
        self.figures.waiting_bytes -= usize::from(entry.waiting.len);
        self.repair_bytes -= if entry.waiting.repair { usize::from(entry.waiting.len) } else { 0 };
        let waited = now.saturating_duration_since(entry.since);
        if left {
            self.figures.paced += 1;
            self.figures.waited += waited;
        }
        waited
    }

    /// A consumer is gone: nothing of it waits any longer.
    pub fn forget(&mut self, consumer: usize) {
        self.retain(consumer, |_| false);
        self.cluster = self.cluster.filter(|cluster| cluster.consumer != consumer);
    }

    /// A consumer is paused, or continues elsewhere: of what waits of it only this is still to be sent.
    pub fn retain(&mut self, consumer: usize, is_wanted: impl Fn(&Waiting) -> bool) {
        let stays = |entry: &Entry| entry.waiting.consumer != consumer || is_wanted(&entry.waiting);
        self.repairs.retain(stays);
        self.video.retain(stays);
        let bytes = |queue: &VecDeque<Entry>| queue.iter().map(|entry| usize::from(entry.waiting.len)).sum();
        self.repair_bytes = bytes(&self.repairs);
        self.figures.waiting = self.repairs.len() + self.video.len();
        self.figures.waiting_bytes = self.repair_bytes + bytes(&self.video);
    }

    /// Begins a probe on the stream of retransmissions of a consumer.
    pub fn begin_probe(&mut self, now: Instant, probe: &Probe, consumer: usize) {
        self.cluster = Some(Cluster {
            id: probe.id,
            rate: Pace::of(probe.rate),
            consumer,
            left_bytes: probe.bytes,
            begun_at: now,
            next_at: now,
            sent: 0,
        });
    }

    /// The probe under way: whatever leaves meanwhile is part of it.
    pub fn probe(&self) -> Option<ProbeId> {
        self.cluster.map(|cluster| cluster.id)
    }

    /// The packet of a probe that is due.
    pub fn next_probe(&self, now: Instant) -> Option<ProbePacket> {
        let Cluster { id, consumer, sent, .. } = self.cluster.filter(|cluster| cluster.next_at <= now)?;
        Some(ProbePacket { id, consumer, sent })
    }

    /// Takes note of a packet of the probe under way.
    pub fn probed(&mut self, len: usize) {
        let Some(cluster) = &mut self.cluster else { return };
        cluster.next_at += cluster.rate.time(len);
        cluster.left_bytes = cluster.left_bytes.saturating_sub(len);
        cluster.sent = cluster.sent.saturating_add(1);
        let is_done = cluster.left_bytes == 0 && cluster.sent >= PROBE_PACKETS_MIN
            || usize::from(cluster.sent) >= PROBE_PACKETS_MAX;
        if is_done || cluster.next_at > cluster.begun_at + PROBE_LASTS_MAX {
            self.cluster = None;
        }
    }

    /// Ends the probe under way, finished or not.
    pub fn end_probe(&mut self) {
        self.cluster = None;
    }

    /// When something that waits may leave.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let waits = !(self.video.is_empty() && self.repairs.is_empty());
        // At the moment where a whole portion may leave, not where the first packet of it may.
        let portion = waits.then(|| self.paid_at.checked_sub(BURST - TICK).unwrap_or(self.paid_at));
        let probe = self.cluster.map(|cluster| cluster.next_at);
        portion.into_iter().chain(probe).min()
    }

    /// Packets that wait leave at this rate: what the estimate allows, or what was decided to be sent if that is more.
    pub fn rate(&self) -> Bitrate {
        self.rate.max(self.floor)
    }

    /// How long it takes until everything that waits has left.
    pub fn queue(&self) -> Duration {
        self.pace.time(self.figures.waiting_bytes)
    }

    /// What it did and holds.
    pub fn figures(&self) -> PacerFigures {
        self.figures
    }
}

#[cfg(test)]
#[path = "pacer_tests.rs"]
mod tests;
