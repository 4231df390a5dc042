//! A run second by second: readings of all counters, and what lies between two of them.

use crate::{
    bot::Lights,
    cpu::{self, CpuTime, Spent, ThreadTime},
    histogram::Histogram,
    monitor::{LAYERS, Monitor, Totals},
    server::{self, Busy, Processes},
};
use serde::Serialize;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// What is read.
#[derive(Clone, Debug)]
pub struct Sources {
    pub monitor: Arc<Monitor>,
    pub lights: Arc<Lights>,
    pub processes: Processes,
}

/// All counters at one moment.
#[derive(Clone, Debug)]
pub struct Reading {
    pub at: Instant,
    pub totals: Totals,
    /// Of packets that whole clients took, and of those that light receivers opened, once there are some.
    pub delays: Histogram,
    pub light_delays: Option<Histogram>,
    pub lateness: Histogram,
    pub sfu_cpu: CpuTime,
    pub control_cpu: CpuTime,
    pub bots_cpu: CpuTime,
    /// Of that, the thread of all light receivers, once there are some.
    pub light_cpu: Option<Duration>,
    /// Of the media nodes; workers by their numbers, then the others.
    pub threads: Vec<ThreadTime>,
    pub machine: Busy,
    pub sfu_bytes: u64,
    pub control_bytes: u64,
}

/// Between two readings.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Sample {
    /// Since the start of the run.
    pub at_s: f64,
    pub people: usize,
    pub packets_in_per_s: f64,
    pub packets_out_per_s: f64,
    /// Payloads.
    pub bits_in_per_s: f64,
    pub bits_out_per_s: f64,
    /// Share of packets that were sent to subscribers and did not come. Repairs lower it later.
    pub loss: f64,
    pub delay_p50_ms: f64,
    pub delay_p99_ms: f64,
    /// Video subscriptions on each layer, the smallest first.
    pub layers: [u32; LAYERS],
    /// Video subscriptions without a packet in the last half second.
    pub dark: u32,
    /// Cores in use.
    pub sfu_cores: f64,
    pub control_cores: f64,
    pub bots_cores: f64,
    /// Of each worker of the media nodes.
    pub worker_cores: Vec<f64>,
    /// Share of the whole machine.
    pub machine_busy: f64,
    pub sfu_mb: f64,
    pub control_mb: f64,
}

impl Sources {
    pub fn read(&self) -> Reading {
        let mut totals = self.monitor.totals();
        let (delays, lateness) = self.monitor.histograms();
        let lights = self.lights.look();
        if let Some(crowd) = &lights {
            totals.add_light(crowd.members.iter().map(|member| &member.received));
        }
        Reading {
            at: Instant::now(),
            totals,
            delays,
            light_delays: lights.as_ref().map(|crowd| crowd.delays.of_both()),
            lateness,
            sfu_cpu: CpuTime::of_processes(&self.processes.sfu),
            control_cpu: CpuTime::of_processes(&self.processes.control),
            bots_cpu: CpuTime::of_process(std::process::id()),
            light_cpu: lights.map(|crowd| crowd.cpu),
            threads: self.threads(),
            machine: server::machine_busy(),
            sfu_bytes: self.processes.sfu.iter().map(|pid| server::resident_bytes(*pid)).sum(),
            control_bytes: self.processes.control.iter().map(|pid| server::resident_bytes(*pid)).sum(),
        }
    }
}

impl Sources {
    fn threads(&self) -> Vec<ThreadTime> {
        let mut all: Vec<ThreadTime> = self.processes.sfu.iter().flat_map(|pid| cpu::threads(*pid)).collect();
        all.sort_by_key(|thread| (worker_number(&thread.name).unwrap_or(usize::MAX), thread.pid, thread.tid));
        all
    }
}

/// Threads of a media node that forward are called `worker-0` and so on.
pub fn worker_number(thread: &str) -> Option<usize> {
    thread.strip_prefix("worker-")?.parse().ok()
}

impl Reading {
    /// How long packets were under way that came since an earlier reading. Where there are light receivers theirs alone count:
    /// they have the kernel's times of arrival, while whole clients that share the machine are late themselves, and of each
    /// of them every packet would stand beside one in many.
    pub fn delays_since(&self, before: &Self) -> Histogram {
        match (&self.light_delays, &before.light_delays) {
            (Some(now), Some(before)) => now.since(before),
            (Some(now), None) => now.clone(),
            (None, _) => self.delays.since(&before.delays),
        }
    }

    /// What a thread spent since an earlier reading; all it ever did if it was not there then.
    pub fn spent_by(&self, thread: &ThreadTime, before: &Self) -> Spent {
        let earlier = before.threads.iter().find(|it| (it.pid, it.tid) == (thread.pid, thread.tid));
        thread.time.since(&earlier.map(|it| it.time).unwrap_or_default())
    }
}

impl Sample {
    /// `start` is the run's.
    pub fn between(start: Instant, before: &Reading, after: &Reading) -> Self {
        let seconds = (after.at - before.at).as_secs_f64().max(1e-9);
        let rate =
            |of: fn(&Totals) -> u64| of(&after.totals).saturating_sub(of(&before.totals)) as f64 / seconds;
        let cores = |of: fn(&Reading) -> CpuTime| of(after).since(&of(before)).total.as_secs_f64() / seconds;
        let workers = after.threads.iter().filter(|thread| worker_number(&thread.name).is_some());
        let worker_cores =
            workers.map(|it| after.spent_by(it, before).total.as_secs_f64() / seconds).collect();
        let delays = after.delays_since(before);
        let ms = |share| delays.quantile_ns(share) as f64 / 1e6;
        let missing = rate(|totals| totals.standing.missing);
        let due = missing + rate(|totals| totals.standing.received);
        Self {
            at_s: (after.at - start).as_secs_f64(),
            people: after.totals.people,
            packets_in_per_s: rate(|totals| totals.sent),
            packets_out_per_s: rate(|totals| totals.received),
            bits_in_per_s: 8.0 * rate(|totals| totals.sent_bytes),
            bits_out_per_s: 8.0 * rate(|totals| totals.received_bytes),
            loss: if missing > 0.0 { missing / due } else { 0.0 },
            delay_p50_ms: ms(0.5),
            delay_p99_ms: ms(0.99),
            layers: after.totals.standing.layers,
            dark: after.totals.standing.dark,
            sfu_cores: cores(|reading| reading.sfu_cpu),
            control_cores: cores(|reading| reading.control_cpu),
            bots_cores: cores(|reading| reading.bots_cpu),
            worker_cores,
            machine_busy: after.machine.share_since(&before.machine),
            sfu_mb: after.sfu_bytes as f64 / 1e6,
            control_mb: after.control_bytes as f64 / 1e6,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitor::Standing;

    #[test]
    fn a_sample_says_what_happened_in_a_second_of_its_time() {
        let sources =
            Sources { monitor: Arc::default(), lights: Arc::default(), processes: Processes::default() };
        let mut before = sources.read();
        let mut after = before.clone();
        after.at += Duration::from_secs(2);
        after.totals.people = 3;
        (after.totals.sent, after.totals.received) = (200, 900);
        after.totals.received_bytes = 1_000;
        after.totals.standing = Standing { received: 900, missing: 100, layers: [4, 0, 1, 0], dark: 2 };
        after.sfu_cpu.total += Duration::from_millis(500);
        after.bots_cpu.total += Duration::from_secs(3);
        let thread = |tid, name: &str, ms| {
            let time = CpuTime::from(Duration::from_millis(ms));
            ThreadTime { pid: 1, tid, name: name.into(), time }
        };
        before.threads = vec![thread(1, "worker-0", 100), thread(2, "worker-1", 0), thread(3, "link", 0)];
        after.threads = vec![thread(1, "worker-0", 1_100), thread(2, "worker-1", 400), thread(3, "link", 70)];
        (1..=100).for_each(|ms| after.delays.record(ms * 1_000_000));
        let sample = Sample::between(before.at, &before, &after);
        let close = |is: f64, due: f64| assert!((is - due).abs() < due * 0.04 + 1e-9, "{is} is not {due}");
        close(sample.at_s, 2.0);
        close(sample.packets_in_per_s, 100.0);
        close(sample.packets_out_per_s, 450.0);
        close(sample.bits_out_per_s, 4_000.0);
        close(sample.loss, 0.1);
        close(sample.delay_p50_ms, 50.0);
        close(sample.delay_p99_ms, 99.0);
        close(sample.sfu_cores, 0.25);
        close(sample.bots_cores, 1.5);
        assert_eq!(sample.worker_cores.len(), 2, "the link is no worker");
        close(sample.worker_cores[0], 0.5);
        close(sample.worker_cores[1], 0.2);
        assert_eq!((sample.people, sample.layers[0], sample.dark), (3, 4, 2));
    }

    #[test]
    fn delay_is_that_of_light_receivers_where_there_are_some() {
        let sources =
            Sources { monitor: Arc::default(), lights: Arc::default(), processes: Processes::default() };
        let before = sources.read();
        let mut after = before.clone();
        (0..192).for_each(|_| after.delays.record(80_000_000));
        assert!(Sample::between(before.at, &before, &after).delay_p50_ms > 79.0);
        let mut light = Histogram::default();
        (0..197).for_each(|_| light.record(1_000_000));
        after.light_delays = Some(light);
        let sample = Sample::between(before.at, &before, &after);
        assert!(sample.delay_p99_ms < 1.1, "{}", sample.delay_p99_ms);
        assert_eq!(after.delays_since(&after.clone()).count(), 0);
    }

    #[test]
    fn workers_are_known_by_their_names() {
        assert_eq!(
            ["worker-0", "worker-12", "link", "tokio-worker"].map(worker_number),
            [Some(0), Some(12), None, None]
        );
    }

    #[test]
    fn repairs_that_come_later_are_no_negative_loss() {
        let sources =
            Sources { monitor: Arc::default(), lights: Arc::default(), processes: Processes::default() };
        let (mut before, after) = (sources.read(), sources.read());
        before.totals.standing.missing = 7;
        assert!(Sample::between(before.at, &before, &after).loss == 0.0);
    }
}
