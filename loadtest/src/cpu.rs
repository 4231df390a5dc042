//! CPU time of processes and of their threads, by the nanoseconds that the scheduler counts.
//!
//! What a process is charged in ticks of 10 ms is too coarse for the cost of a packet, but says well enough how its time is
//! divided between itself and the kernel.

use nix::{time::ClockId, unistd::Pid};
use std::{fs, iter::Sum, ops::Add, path::Path, time::Duration};

/// CPU time so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CpuTime {
    /// In user space and in the kernel together.
    pub total: Duration,
    user_ticks: u64,
    kernel_ticks: u64,
}

/// CPU time between two moments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    pub total: Duration,
    /// Of it, in the kernel.
    pub kernel: Duration,
}

/// A thread of a process and its CPU time so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ThreadTime {
    pub pid: u32,
    pub tid: u32,
    /// The first 15 bytes of it.
    pub name: String,
    pub time: CpuTime,
}

impl CpuTime {
    /// Of a process with all threads it ever had; nothing when it is gone.
    pub fn of_process(pid: u32) -> Self {
        let ticks = ticks(Path::new(&format!("/proc/{pid}")));
        let clock =
            i32::try_from(pid).ok().and_then(|pid| ClockId::pid_cpu_clock_id(Pid::from_raw(pid)).ok());
        Self::new(clock.and_then(|clock| clock.now().ok()).map(Duration::from), ticks)
    }

    pub fn of_processes(pids: &[u32]) -> Self {
        pids.iter().map(|pid| Self::of_process(*pid)).sum()
    }

    /// Of this, what came after `before`.
    pub fn since(&self, before: &Self) -> Spent {
        let total = self.total.saturating_sub(before.total);
        let user = self.user_ticks.saturating_sub(before.user_ticks);
        let kernel = self.kernel_ticks.saturating_sub(before.kernel_ticks);
        let share = if kernel == 0 { 0.0 } else { kernel as f64 / (user + kernel) as f64 };
        Spent { total, kernel: total.mul_f64(share) }
    }

    /// A kernel that does not count nanoseconds counts ticks.
    fn new(exact: Option<Duration>, (user_ticks, kernel_ticks): (u64, u64)) -> Self {
        let coarse = || Duration::from_millis((user_ticks + kernel_ticks) * 1000 / TICKS_PER_SECOND);
        Self { total: exact.unwrap_or_else(coarse), user_ticks, kernel_ticks }
    }
}

impl From<Duration> for CpuTime {
    /// Of which nobody knows how it was divided.
    fn from(total: Duration) -> Self {
        Self { total, ..Self::default() }
    }
}

impl Add for CpuTime {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            total: self.total + other.total,
            user_ticks: self.user_ticks + other.user_ticks,
            kernel_ticks: self.kernel_ticks + other.kernel_ticks,
        }
    }
}

impl Sum for CpuTime {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), Add::add)
    }
}

/// The threads that a process has now.
pub fn threads(pid: u32) -> Vec<ThreadTime> {
    let entries = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let thread = |entry: fs::DirEntry| {
        let tid = entry.file_name().to_str()?.parse().ok()?;
        let path = entry.path();
        let name = fs::read_to_string(path.join("comm")).ok()?.trim_end().to_owned();
        let exact = fs::read_to_string(path.join("schedstat")).ok().and_then(|text| parse_schedstat(&text));
        Some(ThreadTime { pid, tid, name, time: CpuTime::new(exact, ticks(&path)) })
    };
    entries.filter_map(thread).collect()
}

/// Clock ticks of Linux for user space, on every architecture we run on.
const TICKS_PER_SECOND: u64 = 100;

/// Ticks in user space and in the kernel, of a process or a thread.
fn ticks(directory: &Path) -> (u64, u64) {
    parse_stat(&fs::read_to_string(directory.join("stat")).unwrap_or_default())
}

/// Fields 14 and 15 (utime, stime); the command in parentheses may hold spaces.
fn parse_stat(stat: &str) -> (u64, u64) {
    let after_command = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let mut fields = after_command.split_whitespace().skip(11).map(|field| field.parse().unwrap_or(0));
    (fields.next().unwrap_or(0), fields.next().unwrap_or(0))
}

/// The first field: nanoseconds on a core.
fn parse_schedstat(text: &str) -> Option<Duration> {
    text.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Works until the thread has been on a core for a while by its own count.
    fn work() {
        let own =
            || fs::read_to_string("/proc/thread-self/schedstat").ok().and_then(|it| parse_schedstat(&it));
        let before = own().expect("the scheduler counts");
        while own().expect("it still does") < before + Duration::from_millis(3) {
            std::hint::black_box((0..1000_u64).sum::<u64>());
        }
    }

    #[test]
    fn ticks_are_read_whatever_the_command_is_called() {
        let stat = "42 (a b) c) S 1 42 42 0 -1 4194304 10 0 0 0 150 50 7 7 20 0 3 0 100 1000 10 0";
        assert_eq!(parse_stat(stat), (150, 50));
        assert_eq!(CpuTime::new(None, (150, 50)).total, Duration::from_secs(2));
        assert_eq!(parse_stat(""), (0, 0));
    }

    #[test]
    fn less_than_a_tick_is_counted_and_stays_counted_when_its_thread_has_ended() {
        let pid = std::process::id();
        let before = CpuTime::of_process(pid);
        std::thread::spawn(work).join().expect("it works");
        let spent = CpuTime::of_process(pid).since(&before);
        assert!(spent.total >= Duration::from_millis(3), "{spent:?}");
    }

    #[test]
    fn threads_are_told_apart_by_their_names() {
        let (done, wait) = std::sync::mpsc::channel();
        let (go_on, stay) = std::sync::mpsc::channel::<()>();
        let body = move || {
            work();
            done.send(()).expect("the test listens");
            stay.recv()
        };
        let thread = std::thread::Builder::new().name("busy".into()).spawn(body).expect("it starts");
        wait.recv().expect("it works");
        let all = threads(std::process::id());
        let busy = all.iter().find(|it| it.name == "busy").expect("it is still there");
        assert!(busy.time.total >= Duration::from_millis(3), "{busy:?}");
        go_on.send(()).expect("it waits");
        thread.join().expect("it ends").expect("it was told to");
    }

    #[test]
    fn exact_time_is_divided_as_the_ticks_are() {
        let at = |ms, user_ticks, kernel_ticks| CpuTime {
            total: Duration::from_millis(ms),
            user_ticks,
            kernel_ticks,
        };
        let spent = at(1_104, 130, 70).since(&at(1_000, 100, 60));
        assert_eq!(spent, Spent { total: Duration::from_millis(104), kernel: Duration::from_millis(26) });
        assert_eq!(at(7, 0, 0).since(&at(5, 0, 0)).kernel, Duration::ZERO, "too short for a tick");
    }

    /// Linux counts no further.
    const BEYOND_ALL: u32 = 1 << 22;

    #[test]
    fn a_process_that_is_gone_used_nothing() {
        assert_eq!(CpuTime::of_processes(&[u32::MAX, BEYOND_ALL]), CpuTime::default());
        assert!(threads(BEYOND_ALL).is_empty());
    }
}
