//! Empties the outbox, and drops what has lain there for long.

use std::time::{Duration, Instant};

use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;

use super::{stopped_within, watched::Watched};
use crate::domain::error::DomainError;
use crate::service::mail::{Mail, Round};

/// How often the outbox is looked into: a mail leaves within this time. Looking is one read by an index.
const EVERY: Duration = Duration::from_secs(2);
/// The first pause while there is no server; it doubles each time.
const PAUSE_MIN: Duration = Duration::from_secs(5);
/// The longest, so that mail flows soon after the server is back.
const PAUSE_MAX: Duration = Duration::from_secs(120);
/// How often old mail is dropped.
const TIDY_EVERY: Duration = Duration::from_secs(3600);

/// Runs until `stop`.
pub async fn run(mail: Mail, stop: CancellationToken) {
    if !mail.sends() {
        tracing::info!("SMTP_URL is not set: mail is kept in the outbox and not sent");
    }
    let sending = mail.sends().then(|| Watched::new("mail", EVERY));
    let tidying = Watched::new("mail_tidy", TIDY_EVERY);
    let (mut wait, mut trouble) = (EVERY, false);
    let mut tidied: Option<Instant> = None;
    loop {
        if tidied.is_none_or(|at| at.elapsed() > TIDY_EVERY) {
            tidied = Some(Instant::now());
            // Failures are logged where they happen; the next hour tries again.
            let _ = tidying.run(mail.tidy()).await;
        }
        if let Some(sending) = &sending {
            let round = sending.run(mail.round(&stop).map(judged)).await.unwrap_or_else(|in_vain| in_vain);
            (wait, trouble) = after(round, wait, trouble);
        }
        if stopped_within(&stop, wait).await {
            return;
        }
    }
}

/// A round as its metrics count it: without a server it was in vain, although nothing of ours failed.
fn judged(outcome: Result<Round, DomainError>) -> Result<Round, Round> {
    match outcome {
        Ok(Round::NoServer(problem)) => Err(Round::NoServer(problem)),
        Ok(round) => Ok(round),
        // Logged where it happened; the next round tries again.
        Err(_) => Err(Round::Idle),
    }
}

/// How long to wait now, and whether the operator knows that there is no server.
fn after(round: Round, waited: Duration, trouble: bool) -> (Duration, bool) {
    match round {
        Round::Idle => (EVERY, trouble),
        Round::Tried(_) => {
            if trouble {
                tracing::info!("mail leaves again");
            }
            // There may be more, for another connection.
            (Duration::ZERO, false)
        }
        Round::NoServer(problem) => {
            let wait = if trouble { (waited * 2).clamp(PAUSE_MIN, PAUSE_MAX) } else { PAUSE_MIN };
            if !trouble {
                tracing::warn!(problem, "the SMTP server cannot be used; mail is kept and tried again");
            }
            (wait, true)
        }
    }
}

#[cfg(test)]
mod tests {
    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;

    #[test]
    fn without_a_server_a_round_counts_as_in_vain_and_is_told_as_it_was() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let page = recorder.handle();
        let gone = || Round::NoServer("gone".into());
        metrics::with_local_recorder(&recorder, || {
            let sending = Watched::new("mail", EVERY);
            let run = |outcome| {
                sending.run(async { judged(outcome) }).now_or_never().expect("it waits for nothing")
            };
            assert_eq!(run(Ok(Round::Idle)), Ok(Round::Idle));
            assert_eq!(run(Ok(Round::Tried(1))), Ok(Round::Tried(1)));
            assert_eq!(run(Ok(gone())), Err(gone()));
            assert_eq!(run(Err(DomainError::Internal)), Err(Round::Idle));
        });
        let page = page.render();
        assert!(page.contains("plenum_job_failures_total{task=\"mail\"} 2"), "{page}");
    }

    #[test]
    fn without_a_server_the_pauses_grow_up_to_a_bound() {
        let gone = || Round::NoServer("gone".into());
        assert_eq!(after(gone(), EVERY, false), (PAUSE_MIN, true));
        assert_eq!(after(gone(), PAUSE_MIN, true), (PAUSE_MIN * 2, true));
        assert_eq!(after(gone(), PAUSE_MAX, true), (PAUSE_MAX, true));
        assert_eq!(after(Round::Tried(3), PAUSE_MAX, true), (Duration::ZERO, false));
        assert_eq!(after(Round::Idle, PAUSE_MAX, true), (EVERY, true));
    }
}
