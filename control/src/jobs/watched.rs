//! A job as operators see it: when it was last done, how long it takes, how often it was in vain.

use std::time::{Duration, Instant, SystemTime};

use metrics::{counter, gauge, histogram};

/// One kind of periodic work.
pub(super) struct Watched {
    task: &'static str,
}

impl Watched {
    /// Work that is done `every` so often. Until it was done once it counts as done when the process started, so that work that
    /// never succeeds is seen as well.
    pub fn new(task: &'static str, every: Duration) -> Self {
        gauge!("plenum_job_interval_seconds", "task" => task).set(every.as_secs_f64());
        counter!("plenum_job_failures_total", "task" => task).increment(0);
        let watched = Self { task };
        watched.note_success();
        watched
    }

    /// Does it once. A failure is logged where it happens.
    pub async fn run<T, E>(&self, work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        let begun = Instant::now();
        let result = work.await;
        histogram!("plenum_job_seconds", "task" => self.task).record(begun.elapsed().as_secs_f64());
        match &result {
            Ok(_) => self.note_success(),
            Err(_) => counter!("plenum_job_failures_total", "task" => self.task).increment(1),
        }
        result
    }

    fn note_success(&self) {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        gauge!("plenum_job_last_success_timestamp_seconds", "task" => self.task).set(now.as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;
    use crate::domain::error::DomainError;

    #[test]
    fn work_in_vain_counts_as_that_and_leaves_the_last_success_as_it_was() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let page = recorder.handle();
        let success = || {
            let page = page.render();
            let line = page
                .lines()
                .find(|line| line.starts_with("plenum_job_last_success_timestamp_seconds{task=\"tidy\"}"));
            line.expect("told from the start").to_owned()
        };
        metrics::with_local_recorder(&recorder, || {
            let watched = Watched::new("tidy", Duration::from_secs(60));
            let at_start = success();
            let in_vain = watched.run(async { Err::<(), _>(DomainError::Internal) }).now_or_never();
            assert_eq!(in_vain, Some(Err(DomainError::Internal)));
            assert_eq!(success(), at_start);
            assert_eq!(watched.run(async { Ok::<_, DomainError>(7) }).now_or_never(), Some(Ok(7)));
            assert_ne!(success(), at_start);
        });
        let page = page.render();
        for line in [
            "plenum_job_interval_seconds{task=\"tidy\"} 60",
            "plenum_job_failures_total{task=\"tidy\"} 1",
            "plenum_job_seconds_count{task=\"tidy\"} 2",
        ] {
            assert!(page.contains(line), "{line} is not in {page}");
        }
    }
}
