//! What the kernel knows of this process, by the names that dashboards for any program expect.

use std::fmt::Write;
use std::fs;

use nix::sys::resource::{Resource, UsageWho, getrlimit, getrusage};
use nix::sys::time::TimeVal;

/// The lines for `/metrics`; what the kernel does not tell is left out.
pub fn render() -> String {
    let mut page = String::new();
    let mut tell = |name: &str, kind: &str, help: &str, value: Option<f64>| {
        if let Some(value) = value {
            // Writing to a `String` cannot fail.
            let _ = writeln!(page, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}");
        }
    };
    tell("process_cpu_seconds_total", "counter", "Processor time of the process", cpu_seconds());
    tell("process_resident_memory_bytes", "gauge", "Memory of the process that is in use", resident_bytes());
    tell("process_open_fds", "gauge", "Files and sockets that are open", open_fds());
    tell("process_max_fds", "gauge", "Files and sockets that may be open", max_fds());
    page
}

fn cpu_seconds() -> Option<f64> {
    let usage = getrusage(UsageWho::RUSAGE_SELF).ok()?;
    let seconds = |time: TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    Some(seconds(usage.user_time()) + seconds(usage.system_time()))
}

/// The second figure of `/proc/self/statm`, in pages of 4 KiB on every machine we build for.
fn resident_bytes() -> Option<f64> {
    let statm = fs::read_to_string("/proc/self/statm").ok()?;
    statm.split_whitespace().nth(1)?.parse().ok().map(|pages: f64| pages * 4096.0)
}

fn open_fds() -> Option<f64> {
    // One of them is the one that looks.
    fs::read_dir("/proc/self/fd").ok().map(|entries| entries.count().saturating_sub(1) as f64)
}

fn max_fds() -> Option<f64> {
    getrlimit(Resource::RLIMIT_NOFILE).ok().map(|(soft, _)| soft as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_has_used_time_memory_and_files() {
        let page = render();
        let value = |name: &str| -> f64 {
            let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            line.expect(name).parse().expect("a number")
        };
        assert!(value("process_cpu_seconds_total") > 0.0);
        assert!(value("process_resident_memory_bytes") > 1e6);
        assert!((1.0..value("process_max_fds")).contains(&value("process_open_fds")));
    }
}
