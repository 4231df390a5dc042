//! What it cost: the processes under test, and the bots themselves, which may be the limit.

use crate::{
    histogram::Histogram,
    server::Processes,
    timeline::{Reading, Sample},
};
use serde::Serialize;
use std::time::{Duration, Instant};

/// Counters at the moments that matter.
#[derive(Clone, Debug)]
pub struct Readings {
    pub start: Instant,
    /// Before anybody came.
    pub empty: Reading,
    /// The measured time begins and ends.
    pub begin: Reading,
    pub end: Reading,
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
}

/// One of the planes.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Plane {
    pub cpu_seconds: f64,
    pub cpu_share: f64,
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
    /// Share of all cores of the machine, whoever used them.
    pub machine_busy: f64,
    pub cores: usize,
    /// How much after their time packets were sent.
    pub late_p99_ms: f64,
    /// Why the limit may have been here and not at the server.
    pub no_proof: Vec<String>,
}

/// Busier than this a machine has no core left that would not have to be waited for.
const MACHINE_BUSY_MAX: f64 = 0.95;
/// As long as an audio packet: whoever sends later than this is heard later for that.
const LATE_MAX_MS: f64 = 20.0;

impl Readings {
    /// In seconds since the start.
    pub(super) fn measured(&self) -> (f64, f64) {
        let since = |at: Instant| at.saturating_duration_since(self.start).as_secs_f64();
        (since(self.begin.at), since(self.end.at))
    }

    pub(super) fn delays(&self) -> Histogram {
        self.end.delays.since(&self.begin.delays)
    }

    fn seconds(&self) -> f64 {
        (self.end.at - self.begin.at).as_secs_f64()
    }

    fn spent(&self, of: fn(&Reading) -> Duration) -> Duration {
        of(&self.end).saturating_sub(of(&self.begin))
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
                     cpu: fn(&Reading) -> Duration,
                     bytes: fn(&Reading) -> u64,
                     mb: fn(&Sample) -> f64| {
            let most = timeline.iter().map(mb).fold(bytes(&readings.end) as f64 / 1e6, f64::max);
            (!pids.is_empty()).then(|| Plane::new(readings, readings.spent(cpu), bytes, most))
        };
        let sfu = plane(&processes.sfu, |it| it.sfu_cpu, |it| it.sfu_bytes, |it| it.sfu_mb);
        let control =
            plane(&processes.control, |it| it.control_cpu, |it| it.control_bytes, |it| it.control_mb);
        let cpu = readings.spent(|it| it.sfu_cpu + it.control_cpu).as_secs_f64();
        let forwarded = readings.received();
        Some(Self {
            cpu_seconds: cpu,
            forwarded,
            forwarded_per_s: per(forwarded as f64, readings.seconds()),
            cpu_us_per_forwarded: per(cpu * 1e6, forwarded as f64),
            cpu_share: per(cpu, readings.seconds()),
            sfu,
            control,
        })
    }

    /// At most, of all processes together; in millions of bytes.
    pub fn memory_max_mb(&self) -> f64 {
        [self.sfu, self.control].iter().flatten().map(|plane| plane.memory_max_mb).sum()
    }
}

impl Plane {
    fn new(readings: &Readings, cpu: Duration, bytes: fn(&Reading) -> u64, most_mb: f64) -> Self {
        let cpu = cpu.as_secs_f64();
        let forwarded = readings.received() as f64;
        let added = bytes(&readings.end).saturating_sub(bytes(&readings.empty)) as f64;
        Self {
            cpu_seconds: cpu,
            cpu_share: per(cpu, readings.seconds()),
            cpu_us_per_forwarded: per(cpu * 1e6, forwarded),
            packets_per_busy_core: per(forwarded, cpu),
            memory_empty_mb: bytes(&readings.empty) as f64 / 1e6,
            memory_max_mb: most_mb,
            memory_kb_per_person: per(added / 1e3, readings.end.totals.people as f64),
        }
    }
}

impl Generator {
    pub(super) fn new(readings: &Readings, socket_drops: u64) -> Self {
        let cpu = readings.spent(|it| it.bots_cpu).as_secs_f64();
        let lateness = readings.end.lateness.since(&readings.begin.lateness);
        let mut generator = Self {
            cpu_seconds: cpu,
            cpu_share: per(cpu, readings.seconds()),
            cpu_us_per_received: per(cpu * 1e6, readings.received() as f64),
            machine_busy: readings.end.machine.share_since(&readings.begin.machine),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            late_p99_ms: lateness.quantile_ns(0.99) as f64 / 1e6,
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
        if self.late_p99_ms > LATE_MAX_MS {
            words.push(format!("the bots sent up to {:.0} ms (p99) after their time", self.late_p99_ms));
        }
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{monitor::Monitor, timeline::Sources};
    use std::sync::Arc;

    /// Two seconds with a million packets, of which the media node made something.
    fn readings() -> Readings {
        let sources = Sources { monitor: Arc::<Monitor>::default(), processes: Processes::default() };
        let empty = sources.read();
        let begin = Reading { sfu_bytes: 20_000_000, ..empty.clone() };
        let mut end = begin.clone();
        end.at += Duration::from_secs(2);
        end.totals.received += 1_000_000;
        end.totals.people = 10;
        end.sfu_cpu += Duration::from_secs(1);
        end.control_cpu += Duration::from_millis(500);
        end.bots_cpu += Duration::from_secs(2);
        let processes = Processes { sfu: vec![1], control: vec![2] };
        Readings { start: empty.at, empty, begin, end, processes }
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
        let calm = Generator { machine_busy: 0.5, late_p99_ms: 1.0, ..Generator::default() };
        assert!(calm.limits(0).is_empty());
        let worn = Generator { machine_busy: 0.99, late_p99_ms: 40.0, ..Generator::default() };
        assert_eq!(
            worn.limits(3),
            [
                "the bots' own sockets dropped 3 datagrams",
                "all cores of this machine were busy (99 %)",
                "the bots sent up to 40 ms (p99) after their time",
            ]
        );
    }

    #[test]
    fn the_bots_own_cost_stands_beside_the_servers() {
        let generator = Generator::new(&readings(), 0);
        assert!((generator.cpu_us_per_received - 2.0).abs() < 1e-6);
        assert!((generator.cpu_share - 1.0).abs() < 1e-6);
    }
}
