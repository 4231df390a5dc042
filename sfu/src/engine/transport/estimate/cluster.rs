//! A cluster of packets sent to try a rate, and what it shows: everything that left between its first and its last packet.
//!
//! It is judged by how the delay of its packets grows from its first third to its last, taken by the shortest delay in
//! each, because jitter only adds; a long one by a line through all of them, too.

use super::{Probe, ProbeId};

/// Packets of one cluster at most: each is remembered until the cluster is judged, so it ends with the last there is room
/// for, whatever its bytes.
pub const PACKETS_MAX: usize = 192;
/// Clusters of fewer packets show nothing.
const SAMPLES_MIN: u32 = 4;
/// The last third of a cluster may have lost so much more than the rest by chance.
const LAST_TOLERANCE: f64 = 0.1;
/// Half of what delays stray by is forgiven, and more of what exceeds this: no longer our own bursts, but the path.
const QUIET_MS: f64 = 10.0;
/// So much of the rate must have arrived for a success.
const SUCCESS: f64 = 0.9;
/// A cluster of so long is judged by a line through its delays: a part of a shared path that is too small shows in a small
/// slope.
const LONG_US: f64 = 200_000.0;
/// So many of the slope's standard errors are left to chance.
const LEAN_ERRORS: f64 = 1.2;
/// Delays swing with the frames of all who share the path: those within so long are one witness.
const FRAME_US: f64 = 33_000.0;
/// So much of a long one's rate must have arrived.
const SUCCESS_LONG: f64 = 0.95;

/// What a cluster showed, in bits a second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Shown {
    /// So much was sent, and arrived as fast.
    Carried(f64),
    /// More was sent than the path carries, which is so much.
    Limited(f64),
}

/// The result of a cluster.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ProbeResult {
    /// What it showed, if it showed something.
    pub shown: Option<Shown>,
    /// At which rate it left, and how many of its packets, and how many arrived.
    pub rate: f64,
    /// See `rate`.
    pub packets: u32,
    /// See `rate`.
    pub arrived: u32,
}

impl ProbeResult {
    /// More was lost than the share that is lost at any rate.
    pub fn has_lost(&self, inherent: f64) -> bool {
        f64::from(self.arrived) < f64::from(self.packets) * (1.0 - inherent - LAST_TOLERANCE / 2.0)
    }
}

/// On its way, or about to be.
#[derive(Debug)]
pub struct Cluster {
    probe: Probe,
    /// When it was asked for.
    pub offered_us: u64,
    /// Numbers and times of its first and its last packet.
    first: Option<(u64, u64)>,
    last: (u64, u64),
    bytes: usize,
    samples: [Sample; PACKETS_MAX],
    len: usize,
}

#[derive(Debug, Clone, Copy, Default)]
struct Sample {
    /// Counted from the first packet of the cluster.
    index: u32,
    sent_us: u64,
    delay_us: i64,
    len: u16,
}

impl Cluster {
    /// Nothing of it has left.
    pub fn new(now_us: u64, probe: Probe) -> Self {
        Cluster {
            probe,
            offered_us: now_us,
            first: None,
            last: (0, 0),
            bytes: 0,
            samples: [Sample::default(); PACKETS_MAX],
            len: 0,
        }
    }

    /// A packet leaves; with the first one that is marked as a probe it begins, and all belong to it until it has its bytes.
    pub fn on_sent(&mut self, now_us: u64, number: u64, len: usize, id: Option<ProbeId>) {
        if self.is_complete() || (self.first.is_none() && id != Some(self.probe.id)) {
            return;
        }
        self.first.get_or_insert((number, now_us));
        self.last = (number, now_us);
        self.bytes += len;
    }

    /// A packet arrived. Returns whether it belongs to the cluster.
    pub fn on_arrival(&mut self, number: u64, sent_us: u64, delay_us: i64, len: u16) -> bool {
        let Some((first, _)) = self.first.filter(|&(first, _)| (first..=self.last.0).contains(&number))
        else {
            return false;
        };
        if self.len < PACKETS_MAX {
            let index = (number - first) as u32;
            self.samples[self.len] = Sample { index, sent_us, delay_us, len };
            self.len += 1;
        }
        true
    }

    /// All of it has left.
    pub fn is_complete(&self) -> bool {
        self.bytes >= self.probe.bytes || self.packets() as usize >= PACKETS_MAX
    }

    /// It has begun, and feedback spoke of all of it that has left: of packets up to this (exclusive).
    pub fn is_before(&self, spoken: u64) -> bool {
        self.first.is_some() && spoken > self.last.0
    }

    /// What it shows of a path whose delays stray by `noise_ms`, and which loses the share `inherent` of any rate.
    pub fn result(&self, noise_ms: f64, inherent: f64) -> ProbeResult {
        let samples = &self.samples[..self.len];
        let (_, first_us) = self.first.unwrap_or(self.last);
        let packets = self.packets();
        let arrived = samples.len() as u32;
        // Without the first packet: its bytes left before the clock ran.
        let bytes: f64 = samples.iter().skip(1).map(|sample| f64::from(sample.len)).sum();
        let share = f64::from(arrived) / f64::from(packets.max(1));
        let span_us = self.last.1.saturating_sub(first_us) as f64;
        let rate = (bytes / share.max(0.01)) * 8e6 / span_us.max(1_000.0);
        let asked = self.probe.rate.0 as f64;
        let shown = (packets >= SAMPLES_MIN && bytes > 0.0).then(|| {
            let passed = share.min(share_of_last(samples, packets) + LAST_TOLERANCE);
            let (stretch, success) = match stretch(samples, noise_ms) {
                stretch if span_us >= LONG_US => (stretch.max(lean(samples, span_us)), SUCCESS_LONG),
                stretch => (stretch, SUCCESS),
            };
            let carried = rate * (passed / (1.0 - inherent)).min(1.0) / stretch;
            if carried >= rate * success { Shown::Carried(rate.min(asked)) } else { Shown::Limited(carried) }
        });
        ProbeResult { shown, rate, packets, arrived }
    }

    fn packets(&self) -> u32 {
        self.first.map_or(0, |(first, _)| (self.last.0 - first + 1) as u32)
    }
}

/// The share of the last third that arrived: a bucket that runs empty lets the first ones pass. Of a few packets it says
/// nothing.
fn share_of_last(samples: &[Sample], packets: u32) -> f64 {
    let third = packets / 3;
    if third < 7 {
        return 1.0;
    }
    let last = samples.iter().filter(|sample| sample.index >= packets.saturating_sub(third)).count();
    last as f64 / f64::from(third)
}

/// How much longer the packets took to arrive than to leave.
fn stretch(samples: &[Sample], noise_ms: f64) -> f64 {
    let third = samples.len().div_ceil(3);
    let (early, late) = (&samples[..third], &samples[samples.len() - third..]);
    let shortest = |part: &[Sample]| part.iter().map(|sample| sample.delay_us).min().unwrap_or(0) as f64;
    let middle = |part: &[Sample]| {
        part.iter().map(|sample| sample.sent_us as f64).sum::<f64>() / part.len().max(1) as f64
    };
    let apart_us = (middle(late) - middle(early)).max(1_000.0);
    let forgiven_us = noise_ms * 500.0 + (noise_ms - QUIET_MS).max(0.0) * 1_000.0;
    1.0 + (shortest(late) - shortest(early) - forgiven_us).max(0.0) / apart_us
}

/// The same by a line through all of them.
fn lean(samples: &[Sample], span_us: f64) -> f64 {
    let n = samples.len().max(1) as f64;
    let mean = |of: fn(&Sample) -> f64| samples.iter().map(of).sum::<f64>() / n;
    let (mean_x, mean_y) = (mean(|sample| sample.sent_us as f64), mean(|sample| sample.delay_us as f64));
    let (mut xx, mut xy, mut yy) = (0.0, 0.0, 0.0);
    for sample in samples {
        let (dx, dy) = (sample.sent_us as f64 - mean_x, sample.delay_us as f64 - mean_y);
        (xx, xy, yy) = (xx + dx * dx, xy + dx * dy, yy + dy * dy);
    }
    let slope = xy / f64::max(xx, 1.0);
    let left = ((yy - slope * xy) / n).max(0.0);
    let error = (left * 12.0 / (span_us / FRAME_US).max(4.0)).sqrt() / span_us;
    1.0 + (slope - error * LEAN_ERRORS).max(0.0)
}

#[cfg(test)]
mod tests {
    use plenum_shared::media::Bitrate;

    use super::*;

    /// A quarter of a second of 1.8 Mbit/s beside frames of others that keep a line of 4 Mbit/s busy with this rate.
    fn beside(others: f64) -> Shown {
        let probe = Probe { id: ProbeId(0), rate: Bitrate::kbps(1_800), bytes: 56_250 };
        let mut cluster = Cluster::new(0, probe);
        let (mut free_us, mut frame_us) = (0.0_f64, 0.0);
        for number in 0..50 {
            let sent_us = number * 5_000;
            while frame_us <= sent_us as f64 {
                free_us = free_us.max(frame_us) + others / 30.0 / 4.0;
                frame_us += 1e6 / 30.0;
            }
            cluster.on_sent(sent_us, number, 1_125, Some(probe.id));
            free_us = free_us.max(sent_us as f64) + 1_125.0 * 8.0 / 4.0;
            cluster.on_arrival(number, sent_us, free_us as i64 - sent_us as i64, 1_125);
        }
        assert!(cluster.is_complete() && cluster.is_before(50));
        cluster.result(8.0, 0.0).shown.expect("enough packets")
    }

    #[test]
    fn a_long_cluster_sees_between_the_frames_of_others_what_they_leave() {
        assert!(matches!(beside(1.0e6), Shown::Carried(_)));
        assert!(matches!(beside(2.0e6), Shown::Carried(_)));
        assert!(matches!(beside(2.9e6), Shown::Limited(_)));
        assert!(matches!(beside(3.5e6), Shown::Limited(_)));
    }
}
