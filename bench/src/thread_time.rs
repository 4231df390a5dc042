//! CPU time of one thread of another process, and the memory of the process.

use std::{fs, io, time::Duration};

/// A thread of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thread {
    pub process: u32,
    pub id: u32,
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

    /// CPU time so far, by the scheduler's clock: to the nanosecond.
    ///
    /// # Errors
    /// A thread that has ended.
    pub fn spent(&self) -> io::Result<Duration> {
        let account = fs::read_to_string(format!("/proc/{}/task/{}/schedstat", self.process, self.id))?;
        let spent = account.split_whitespace().next().and_then(|it| it.parse().ok());
        Ok(spent.map(Duration::from_nanos).ok_or(io::ErrorKind::InvalidData)?)
    }
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
        assert!(looked_up.is_ok_and(|spent| spent > Duration::ZERO));
        assert!(Thread::named(std::process::id(), "nobody").is_err());
        found.send(()).expect("the thread waits");
        assert!(thread.expect("it started").join().is_ok());
    }
}
