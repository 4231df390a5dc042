//! CPU time of one thread of another process, and the memory of the process.

use std::{fs, io, time::Duration};

/// A thread of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thread {
    pub process: u32,
    pub id: u32,
}

/// CPU time so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// By the scheduler's clock, to the nanosecond.
    pub exact: Duration,
    /// Clock ticks in user space and in the kernel: they only say in which proportion.
    pub user_ticks: u64,
    pub kernel_ticks: u64,
}

impl Thread {
    /// The thread of this name.
    ///
    /// # Errors
    /// A process that is gone, or has no such thread.
    pub fn named(process: u32, name: &str) -> io::Result<Self> {
        for entry in fs::read_dir(format!("/proc/{process}/task"))? {
            let path = entry?.path();
            let is_it = fs::read_to_string(path.join("comm")).is_ok_and(|comm| comm.trim_end() == name);
            let id = path.file_name().and_then(|it| it.to_str()?.parse().ok());
            if let Some(id) = id.filter(|_| is_it) {
                return Ok(Self { process, id });
            }
        }
        Err(io::Error::new(io::ErrorKind::NotFound, format!("process {process} has no thread {name}")))
    }

    /// # Errors
    /// A thread that has ended.
    pub fn spent(&self) -> io::Result<Spent> {
        let read = |file| fs::read_to_string(format!("/proc/{}/task/{}/{file}", self.process, self.id));
        let exact = read("schedstat")?;
        let exact = exact.split_whitespace().next().and_then(|it| it.parse().ok());
        let (user_ticks, kernel_ticks) = ticks(&read("stat")?).ok_or(io::ErrorKind::InvalidData)?;
        let exact = Duration::from_nanos(exact.ok_or(io::ErrorKind::InvalidData)?);
        Ok(Spent { exact, user_ticks, kernel_ticks })
    }
}

impl Spent {
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            exact: self.exact.saturating_sub(earlier.exact),
            user_ticks: self.user_ticks.saturating_sub(earlier.user_ticks),
            kernel_ticks: self.kernel_ticks.saturating_sub(earlier.kernel_ticks),
        }
    }

    /// Share of the time that was the kernel's; nothing was counted in less than a tick.
    pub fn kernel_share(&self) -> Option<f64> {
        let ticks = self.user_ticks + self.kernel_ticks;
        (ticks > 0).then(|| self.kernel_ticks as f64 / ticks as f64)
    }
}

/// Fields 14 and 15 of `stat`, user and kernel; the name in parentheses may hold spaces.
fn ticks(stat: &str) -> Option<(u64, u64)> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace().skip(11).map(str::parse);
    Some((fields.next()?.ok()?, fields.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_is_found_by_its_name_and_has_spent_time() {
        let (started, has_started) = std::sync::mpsc::channel();
        let (found, be_found) = std::sync::mpsc::channel::<()>();
        let thread = std::thread::Builder::new().name("to-be-found".into()).spawn(move || {
            started.send(()).expect("the test waits");
            be_found.recv()
        });
        has_started.recv().expect("the thread says so");
        let looked_up = Thread::named(std::process::id(), "to-be-found").and_then(|it| it.spent());
        assert!(looked_up.is_ok_and(|spent| spent.exact > Duration::ZERO));
        assert!(Thread::named(std::process::id(), "nobody").is_err());
        found.send(()).expect("the thread waits");
        assert!(thread.expect("it started").join().is_ok());
    }

    #[test]
    fn ticks_are_told_apart_whatever_the_thread_is_called() {
        let stat = "42 (a b) c) S 1 42 42 0 -1 4194304 10 0 0 0 150 50 7 7 20 0 3 0 100 1000 10 0";
        assert_eq!(ticks(stat), Some((150, 50)));
        assert_eq!(ticks(""), None);
        let spent = Spent { user_ticks: 1, kernel_ticks: 3, ..Spent::default() };
        assert_eq!(spent.kernel_share(), Some(0.75));
        assert_eq!(spent.since(&spent).kernel_share(), None);
    }
}
