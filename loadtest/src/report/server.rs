//! What it cost: the processes under test, and the bots themselves, which may be the limit.

use crate::{
    cpu::{CpuTime, Spent, ThreadTime},
    exposition::{NodeCounters, WorkerCounters},
    histogram::Histogram,
    server::Processes,
    timeline::{Reading, Sample, worker_number},
};
use serde::Serialize;
use std::time::Instant;

/// Counters at the moments that matter.
#[derive(Clone, Debug)]
pub struct Readings {
    pub start: Instant,
    /// Before anybody came.
    pub empty: Reading,
    /// The measured time begins and ends.
    pub begin: Reading,
    pub end: Reading,
    /// What the node said of its workers at the same two moments, where it can be asked.
    pub counters: Option<(NodeCounters, NodeCounters)>,
    pub processes: Processes,
}

/// The processes under test during the measured time.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Server {
    pub cpu_seconds: f64,
    /// Packets received by subscribers in the same time.
    pub forwarded: u64,
    pub forwarded_per_s: f64,
    pub cpu_us_per_forwarded: f64,
    /// Share of one core.
    pub cpu_share: f64,
    /// The same of the media node and of everything else, where there is such a process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sfu: Option<Plane>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub control: Option<Plane>,
    /// The workers of the media node, and last the rest of its threads together.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub threads: Vec<Thread>,
}

/// A worker of the media node.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Thread {
    pub name: String,
    pub cpu_seconds: f64,
    /// Share of one core.
    pub cpu_share: f64,
    /// Of its CPU time.
    pub kernel_share: f64,
    /// What it counted itself, which it tells once a second: up to a second of it may be from before the measured time, or
    /// missing. Not known of a node that cannot be asked.
    #[serde(flatten)]
    pub counters: Option<WorkerCounters>,
    /// Packets it sent for each second that a core was busy with it, both as told by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub packets_per_busy_core: Option<f64>,
}

/// One of the planes.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Plane {
    pub cpu_seconds: f64,
    pub cpu_share: f64,
    /// Of its CPU time.
    pub kernel_share: f64,
    pub cpu_us_per_forwarded: f64,
    /// Packets forwarded for each second that a core was busy with this.
    pub packets_per_busy_core: f64,
    /// Before anybody came, and at most.
    pub memory_empty_mb: f64,
    pub memory_max_mb: f64,
    /// What came on top, for each person who was in at the end of the measured time.
    pub memory_kb_per_person: f64,
}

/// The bots and their machine during the measured time.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Generator {
    pub cpu_seconds: f64,
    pub cpu_share: f64,
    pub cpu_us_per_received: f64,
    /// Share of one core that the thread of all light receivers took, where there are some.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub light_share: Option<f64>,
    /// Share of all cores of the machine, whoever used them.
    pub machine_busy: f64,
    pub cores: usize,
    /// How much after their time packets were sent.
    pub late_p99_ms: f64,
    /// Packets of sound, and pictures, that were due and left out because it was far too late for them.
    pub skipped: u64,
    /// Why the limit may have been here and not at the server.
    pub no_proof: Vec<String>,
}

/// Busier than this a machine has no core left that would not have to be waited for.
const MACHINE_BUSY_MAX: f64 = 0.95;
/// A thread that has as much to do reads late, and its sockets are about to overflow.
const LIGHT_SHARE_MAX: f64 = 0.9;
/// As long as an audio packet: whoever sends later than this is heard later for that.
const LATE_MAX_MS: f64 = 20.0;

impl Readings {
    /// In seconds since the start.
    pub(super) fn measured(&self) -> (f64, f64) {
        let since = |at: Instant| at.saturating_duration_since(self.start).as_secs_f64();
        (since(self.begin.at), since(self.end.at))
    }

    pub(super) fn delays(&self) -> Histogram {
        self.end.delays_since(&self.begin)
    }

    fn seconds(&self) -> f64 {
        (self.end.at - self.begin.at).as_secs_f64()
    }

    fn spent(&self, of: fn(&Reading) -> CpuTime) -> Spent {
        of(&self.end).since(&of(&self.begin))
    }

    /// What a worker counted in between. Numbers of workers are those of one node.
    fn counted(&self, worker: usize) -> Option<WorkerCounters> {
        let (begin, end) = self.counters.as_ref().filter(|_| self.processes.sfu.len() == 1)?;
        Some(end.get(&worker)?.since(begin.get(&worker)?))
    }

    fn received(&self) -> u64 {
        self.end.totals.received.saturating_sub(self.begin.totals.received)
    }
}

/// 0 where there is nothing to divide by.
fn per(amount: f64, divisor: f64) -> f64 {
    if divisor > 0.0 { amount / divisor } else { 0.0 }
}

impl Server {
    /// `None` when no process was named.
    pub(super) fn new(readings: &Readings, timeline: &[Sample]) -> Option<Self> {
        let processes = &readings.processes;
        if processes.is_empty() {
            return None;
        }
        let plane = |pids: &[u32],
                     cpu: fn(&Reading) -> CpuTime,
                     bytes: fn(&Reading) -> u64,
                     mb: fn(&Sample) -> f64| {
            let most = timeline.iter().map(mb).fold(bytes(&readings.end) as f64 / 1e6, f64::max);
            (!pids.is_empty()).then(|| Plane::new(readings, readings.spent(cpu), bytes, most))
        };
        let sfu = plane(&processes.sfu, |it| it.sfu_cpu, |it| it.sfu_bytes, |it| it.sfu_mb);
        let control =
            plane(&processes.control, |it| it.control_cpu, |it| it.control_bytes, |it| it.control_mb);
        let cpu = readings.spent(|it| it.sfu_cpu + it.control_cpu).total.as_secs_f64();
        let forwarded = readings.received();
        Some(Self {
            cpu_seconds: cpu,
            forwarded,
            forwarded_per_s: per(forwarded as f64, readings.seconds()),
            cpu_us_per_forwarded: per(cpu * 1e6, forwarded as f64),
            cpu_share: per(cpu, readings.seconds()),
            sfu,
            control,
            threads: threads(readings),
        })
    }

    /// At most, of all processes together; in millions of bytes.
    pub fn memory_max_mb(&self) -> f64 {
        [self.sfu, self.control].iter().flatten().map(|plane| plane.memory_max_mb).sum()
    }
}

impl Plane {
    fn new(readings: &Readings, spent: Spent, bytes: fn(&Reading) -> u64, most_mb: f64) -> Self {
        let cpu = spent.total.as_secs_f64();
        let forwarded = readings.received() as f64;
        let added = bytes(&readings.end).saturating_sub(bytes(&readings.empty)) as f64;
        Self {
            cpu_seconds: cpu,
            cpu_share: per(cpu, readings.seconds()),
            kernel_share: per(spent.kernel.as_secs_f64(), cpu),
            cpu_us_per_forwarded: per(cpu * 1e6, forwarded),
            packets_per_busy_core: per(forwarded, cpu),
            memory_empty_mb: bytes(&readings.empty) as f64 / 1e6,
            memory_max_mb: most_mb,
            memory_kb_per_person: per(added / 1e3, readings.end.totals.people as f64),
        }
    }
}

/// The workers by their numbers; what else there is says together how little it is.
fn threads(readings: &Readings) -> Vec<Thread> {
    let (mut all, mut others) = (Vec::new(), Vec::new());
    for thread in &readings.end.threads {
        match worker_number(&thread.name) {
            Some(worker) => all.push(Thread::worker(readings, thread, worker)),
            None => others.push(readings.end.spent_by(thread, &readings.begin)),
        }
    }
    if !all.is_empty() {
        let sum = others.iter().fold(Spent::default(), |sum, it| Spent {
            total: sum.total + it.total,
            kernel: sum.kernel + it.kernel,
        });
        all.push(Thread::new(readings, "others".into(), sum));
    }
    all
}

impl Thread {
    fn worker(readings: &Readings, thread: &ThreadTime, worker: usize) -> Self {
        let spent = readings.end.spent_by(thread, &readings.begin);
        let counters = readings.counted(worker);
        let packets_per_busy_core =
            counters.map(|counters| per(counters.sent as f64 * 1e6, counters.cpu_us as f64));
        Self { counters, packets_per_busy_core, ..Self::new(readings, thread.name.clone(), spent) }
    }

    fn new(readings: &Readings, name: String, spent: Spent) -> Self {
        let cpu = spent.total.as_secs_f64();
        Self {
            name,
            cpu_seconds: cpu,
            cpu_share: per(cpu, readings.seconds()),
            kernel_share: per(spent.kernel.as_secs_f64(), cpu),
            counters: None,
            packets_per_busy_core: None,
        }
    }
}

impl Generator {
    pub(super) fn new(readings: &Readings, skipped: u64, socket_drops: u64) -> Self {
        let cpu = readings.spent(|it| it.bots_cpu).total.as_secs_f64();
        let lateness = readings.end.lateness.since(&readings.begin.lateness);
        let light = readings.end.light_cpu;
        let light = light.map(|end| end.saturating_sub(readings.begin.light_cpu.unwrap_or_default()));
        let mut generator = Self {
            cpu_seconds: cpu,
            cpu_share: per(cpu, readings.seconds()),
            cpu_us_per_received: per(cpu * 1e6, readings.received() as f64),
            light_share: light.map(|cpu| per(cpu.as_secs_f64(), readings.seconds())),
            machine_busy: readings.end.machine.share_since(&readings.begin.machine),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            late_p99_ms: lateness.quantile_ns(0.99) as f64 / 1e6,
            skipped,
            no_proof: Vec::new(),
        };
        generator.no_proof = generator.limits(socket_drops);
        generator
    }

    fn limits(&self, socket_drops: u64) -> Vec<String> {
        let mut words = Vec::new();
        if socket_drops > 0 {
            words.push(format!("the bots' own sockets dropped {socket_drops} datagrams"));
        }
        if self.machine_busy > MACHINE_BUSY_MAX {
            words.push(format!("all cores of this machine were busy ({:.0} %)", self.machine_busy * 100.0));
        }
        if let Some(share) = self.light_share.filter(|share| *share > LIGHT_SHARE_MAX) {
            words.push(format!("the thread of all light receivers was busy ({:.0} %)", share * 100.0));
        }
        if self.late_p99_ms > LATE_MAX_MS {
            words.push(format!("the bots sent up to {:.0} ms (p99) after their time", self.late_p99_ms));
        }
        if self.skipped > 0 {
            words.push(format!(
                "the bots left out {} packets of sound and pictures that were due",
                self.skipped
            ));
        }
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timeline::Sources;
    use std::{sync::Arc, time::Duration};

    /// Two seconds with a million packets, of which the media node made something.
    fn readings() -> Readings {
        let sources =
            Sources { monitor: Arc::default(), lights: Arc::default(), processes: Processes::default() };
        let empty = sources.read();
        let begin = Reading { sfu_bytes: 20_000_000, ..empty.clone() };
        let mut end = begin.clone();
        end.at += Duration::from_secs(2);
        end.totals.received += 1_000_000;
        end.totals.people = 10;
        let spend = |cpu: &mut CpuTime, ms| cpu.total += Duration::from_millis(ms);
        spend(&mut end.sfu_cpu, 1_000);
        spend(&mut end.control_cpu, 500);
        spend(&mut end.bots_cpu, 2_000);
        let thread = |tid, name: &str, ms| {
            let time = CpuTime::from(Duration::from_millis(ms));
            ThreadTime { pid: 1, tid, name: name.into(), time }
        };
        end.threads = vec![
            thread(4, "worker-0", 500),
            thread(5, "worker-1", 400),
            thread(1, "m", 60),
            thread(6, "l", 40),
        ];
        let counters = |sent| {
            let of = |worker: u32| WorkerCounters {
                sent: sent * u64::from(worker),
                relayed: 7,
                cpu_us: 4 * sent,
                ..WorkerCounters::default()
            };
            NodeCounters::from([(0, of(1)), (1, of(2))])
        };
        let counters = Some((counters(1), counters(100_001)));
        let processes = Processes { sfu: vec![1], control: vec![2] };
        Readings { start: empty.at, empty, begin, end, counters, processes }
    }

    #[test]
    fn every_worker_has_a_line_and_the_other_threads_have_one() {
        let server = Server::new(&readings(), &[]).expect("processes were named");
        let names: Vec<&str> = server.threads.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["worker-0", "worker-1", "others"]);
        let close = |is: f64, due: f64| assert!((is - due).abs() < 1e-6, "{is} is not {due}");
        close(server.threads[0].cpu_share, 0.25);
        close(server.threads[2].cpu_seconds, 0.1);
        close(server.threads[1].packets_per_busy_core.expect("it was asked"), 500_000.0);
        assert_eq!(server.threads[0].counters.map(|it| (it.sent, it.relayed)), Some((100_000, 0)));
        assert_eq!(server.threads[2].counters, None);
    }

    #[test]
    fn of_several_nodes_nobody_knows_whose_counters_they_are() {
        let mut readings = readings();
        readings.processes.sfu.push(7);
        let server = Server::new(&readings, &[]).expect("processes were named");
        assert_eq!(server.threads[0].packets_per_busy_core, None);
    }

    #[test]
    fn cpu_is_divided_among_the_forwarded_packets_and_planes() {
        let server = Server::new(&readings(), &[]).expect("processes were named");
        let close = |is: f64, due: f64| assert!((is - due).abs() < 1e-6, "{is} is not {due}");
        close(server.cpu_us_per_forwarded, 1.5);
        close(server.cpu_share, 0.75);
        close(server.forwarded_per_s, 500_000.0);
        let (sfu, control) = (server.sfu.expect("one"), server.control.expect("one"));
        close(sfu.cpu_us_per_forwarded, 1.0);
        close(sfu.packets_per_busy_core, 1_000_000.0);
        close(sfu.memory_kb_per_person, 2_000.0);
        close(sfu.memory_max_mb, 20.0);
        close(control.cpu_us_per_forwarded, 0.5);
        close(server.memory_max_mb(), 20.0);
    }

    #[test]
    fn without_packets_nothing_is_divided() {
        let mut readings = readings();
        readings.end.totals.received = readings.begin.totals.received;
        let server = Server::new(&readings, &[]).expect("processes were named");
        assert!(server.cpu_us_per_forwarded == 0.0);
        readings.processes = Processes::default();
        assert!(Server::new(&readings, &[]).is_none());
    }

    #[test]
    fn a_generator_says_when_it_was_the_limit_itself() {
        let calm =
            Generator { machine_busy: 0.5, late_p99_ms: 1.0, light_share: Some(0.5), ..Generator::default() };
        assert!(calm.limits(0).is_empty());
        let worn = Generator {
            machine_busy: 0.99,
            late_p99_ms: 40.0,
            skipped: 7,
            light_share: Some(0.95),
            ..Generator::default()
        };
        assert_eq!(
            worn.limits(3),
            [
                "the bots' own sockets dropped 3 datagrams",
                "all cores of this machine were busy (99 %)",
                "the thread of all light receivers was busy (95 %)",
                "the bots sent up to 40 ms (p99) after their time",
                "the bots left out 7 packets of sound and pictures that were due",
            ]
        );
    }

    #[test]
    fn the_bots_own_cost_stands_beside_the_servers() {
        let mut readings = readings();
        let generator = Generator::new(&readings, 0, 0);
        assert!((generator.cpu_us_per_received - 2.0).abs() < 1e-6);
        assert!((generator.cpu_share - 1.0).abs() < 1e-6);
        assert_eq!(generator.light_share, None);
        readings.begin.light_cpu = Some(Duration::from_millis(300));
        readings.end.light_cpu = Some(Duration::from_millis(1_300));
        let light = Generator::new(&readings, 0, 0).light_share.expect("there are some");
        assert!((light - 0.5).abs() < 1e-6);
    }
}
