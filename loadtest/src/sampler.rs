//! Reads all counters once a second, in a thread of its own: it must not wait for bots that have much to do.

use crate::{
    progress::Progress,
    timeline::{Sample, Sources},
};
use std::{
    sync::mpsc::{self, RecvTimeoutError},
    thread::JoinHandle,
    time::{Duration, Instant},
};

const INTERVAL: Duration = Duration::from_secs(1);

/// Samples until it is stopped or dropped.
#[derive(Debug)]
pub struct Sampler {
    stop: mpsc::Sender<()>,
    thread: JoinHandle<Vec<Sample>>,
}

impl Sampler {
    /// Every sample is also shown by `progress`.
    pub fn start(start: Instant, sources: Sources, progress: Progress) -> Self {
        let (stop, stopped) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let mut samples = Vec::new();
            let mut before = sources.read();
            let mut due = before.at + INTERVAL;
            let timed_out = |due: Instant| {
                let waited = stopped.recv_timeout(due.saturating_duration_since(Instant::now()));
                waited == Err(RecvTimeoutError::Timeout)
            };
            while timed_out(due) {
                let after = sources.read();
                let sample = Sample::between(start, &before, &after);
                progress.show(&sample);
                samples.push(sample);
                before = after;
                due = (due + INTERVAL).max(Instant::now());
            }
            progress.end();
            samples
        });
        Self { stop, thread }
    }

    /// All samples.
    pub fn stop(self) -> Vec<Sample> {
        // It ends by itself when it cannot be told.
        let _ = self.stop.send(());
        self.thread.join().unwrap_or_default()
    }
}
