//! What the machine says of processes and sockets: which there are, their memory, drops from `/proc/net/udp`.

use crate::cpu::CpuTime;
use std::{collections::BTreeSet, fs, time::Duration};

/// The processes under test, told apart by what they do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Processes {
    pub sfu: Vec<u32>,
    /// Everything else.
    pub control: Vec<u32>,
}

/// The name of our media node's process.
const SFU: &str = "plenum-sfu";

impl Processes {
    /// These and everything they started; one that is named twice is counted once.
    pub fn with_children(pids: &[u32]) -> Self {
        let all: BTreeSet<u32> = pids.iter().flat_map(|pid| with_children(*pid)).collect();
        let (sfu, control) = all.into_iter().partition(|pid| command(*pid) == SFU);
        Self { sfu, control }
    }

    pub fn is_empty(&self) -> bool {
        self.sfu.is_empty() && self.control.is_empty()
    }
}

/// What a process is called: the first 15 bytes of its program's name; empty when it is gone.
fn command(pid: u32) -> String {
    fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default().trim_end().to_owned()
}

/// How busy the machine was since it was started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd)]
pub struct Busy {
    ticks: u64,
    idle: u64,
}

impl Busy {
    /// Share of all cores that was in use, 0.0 to 1.0.
    pub fn share_since(&self, before: &Self) -> f64 {
        let ticks = self.ticks.saturating_sub(before.ticks);
        let idle = self.idle.saturating_sub(before.idle);
        if ticks == 0 { 0.0 } else { ticks.saturating_sub(idle) as f64 / ticks as f64 }
    }
}

pub fn machine_busy() -> Busy {
    parse_busy(&fs::read_to_string("/proc/stat").unwrap_or_default())
}

/// CPU time of these processes so far, user and system; those that are gone count nothing.
pub fn cpu_time(pids: &[u32]) -> Duration {
    CpuTime::of_processes(pids).total
}

/// Memory of a process that is in use and not swapped out, in bytes; 0 when it is gone.
pub fn resident_bytes(pid: u32) -> u64 {
    parse_resident(&fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default())
}

/// A process and everything it started.
pub fn with_children(pid: u32) -> Vec<u32> {
    let mut found = vec![pid];
    let mut next = 0;
    while let Some(parent) = found.get(next).copied() {
        next += 1;
        found.extend(children(parent));
    }
    found
}

/// What a process started, whichever of its threads did.
fn children(parent: u32) -> Vec<u32> {
    let threads = fs::read_dir(format!("/proc/{parent}/task")).into_iter().flatten().flatten();
    let lists = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    lists
        .flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<u32>>())
        .collect()
}

/// Datagrams thrown away at sockets of such ports because their reader was slow.
pub fn socket_drops(is_ours: impl Fn(u16) -> bool) -> u64 {
    ["/proc/net/udp", "/proc/net/udp6"]
        .iter()
        .filter_map(|path| fs::read_to_string(path).ok())
        .map(|table| parse_drops(&table, &is_ours))
        .sum()
}

/// The first line, `cpu user nice system idle iowait irq softirq steal guest guest_nice`; guests are in user already.
fn parse_busy(stat: &str) -> Busy {
    let fields = stat.lines().next().unwrap_or_default().split_whitespace().skip(1).take(8);
    let fields: Vec<u64> = fields.filter_map(|field| field.parse().ok()).collect();
    Busy { ticks: fields.iter().sum(), idle: fields.iter().skip(3).take(2).sum() }
}

/// The line `VmRSS:  1234 kB`.
fn parse_resident(status: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}

fn parse_drops(table: &str, is_ours: impl Fn(u16) -> bool) -> u64 {
    table
        .lines()
        .skip(1)
        .filter_map(|line| {
            let mut fields = line.split_whitespace();
            let local = fields.nth(1)?;
            let (_, local_port) = local.rsplit_once(':')?;
            if !is_ours(u16::from_str_radix(local_port, 16).ok()?) {
                return None;
            }
            fields.next_back()?.parse::<u64>().ok()
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resident_memory_is_read_from_the_status() {
        assert_eq!(parse_resident("VmHWM:\t  90 kB\nVmRSS:\t  12 kB\n"), 12 * 1024);
        assert_eq!(parse_resident(""), 0);
        assert!(resident_bytes(std::process::id()) > 0);
    }

    #[test]
    fn drops_are_summed_by_port() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n\
            10: 0100007F:1F90 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0 7\n\
            11: 0100007F:1F91 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0 9\n";
        assert_eq!(parse_drops(table, |port| port == 0x1f90), 7);
        assert_eq!(parse_drops(table, |port| [0x1f90, 0x1f91].contains(&port)), 16);
        assert_eq!(parse_drops(table, |port| port == 1), 0);
    }

    #[test]
    fn a_child_is_found_whichever_thread_started_it() {
        let start = || std::process::Command::new("sleep").arg("30").spawn();
        let (started, from_thread) = std::sync::mpsc::channel();
        let (go_on, stay) = std::sync::mpsc::channel::<()>();
        let thread = std::thread::spawn(move || {
            started.send(start()).expect("the test listens");
            stay.recv()
        });
        let mut child = from_thread.recv().expect("the thread says").expect("sleep starts");
        assert!(with_children(std::process::id()).contains(&child.id()), "its thread is still there");
        go_on.send(()).expect("the thread waits");
        thread.join().expect("the thread ends").expect("it was told to");
        assert!(with_children(std::process::id()).contains(&child.id()), "its thread is gone");
        child.kill().expect("it runs");
        child.wait().expect("it ended");
    }

    #[test]
    fn a_machine_is_busy_when_it_is_not_idle_and_does_not_wait_for_disks() {
        let before = parse_busy("cpu  100 0 100 700 100 0 0 0 50 0\ncpu0 1 2 3\n");
        let after = parse_busy("cpu  150 0 130 710 110 0 0 0 90 0\n");
        assert!((after.share_since(&before) - 0.8).abs() < 1e-9);
        assert!(before.share_since(&before) == 0.0);
        assert!(machine_busy() > Busy::default());
    }

    #[test]
    fn a_process_named_twice_is_counted_once_and_told_from_a_media_node() {
        let pid = std::process::id();
        let processes = Processes::with_children(&[pid, pid]);
        assert!(processes.sfu.is_empty());
        assert_eq!(processes.control.iter().filter(|it| **it == pid).count(), 1);
        assert!(Processes::with_children(&[]).is_empty());
    }

    #[test]
    fn our_own_process_has_used_time_and_is_its_own_root() {
        let pid = std::process::id();
        assert_eq!(with_children(pid).first(), Some(&pid));
        assert!(cpu_time(&[pid]) < Duration::from_secs(3600));
    }
}
