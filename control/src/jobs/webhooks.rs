//! Tells webhooks what is due, many at once, and drops what has lain there for long.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{stopped_within, watched::Watched};
use crate::service::webhooks::{AT_ONCE, Webhooks};

/// How often is looked for something due: what happened is told within this time. Looking is one read by an index.
const EVERY: Duration = Duration::from_millis(500);
/// How often old deliveries are dropped and the waiting ones counted.
const TIDY_EVERY: Duration = Duration::from_secs(60);

/// Runs until `stop`, and until what is on its way then has arrived. What is cut off with this process is sent again by
/// whoever runs next.
pub async fn run(webhooks: Webhooks, stop: CancellationToken) {
    let (claiming, tidying) = (Watched::new("webhooks", EVERY), Watched::new("webhooks_tidy", TIDY_EVERY));
    let mut sending = JoinSet::new();
    let mut tidied: Option<Instant> = None;
    loop {
        if tidied.is_none_or(|at| at.elapsed() > TIDY_EVERY) {
            tidied = Some(Instant::now());
            // Failures are logged where they happen; the next minute tries again.
            let _ = tidying.run(webhooks.tidy()).await;
        }
        while sending.try_join_next().is_some() {}
        let free = AT_ONCE.saturating_sub(u32::try_from(sending.len()).unwrap_or(AT_ONCE));
        if free > 0 {
            for claimed in claiming.run(webhooks.claim(free)).await.unwrap_or_default() {
                let (webhooks, stop) = (webhooks.clone(), stop.clone());
                sending.spawn(async move { webhooks.send(claimed, &stop).await });
            }
        }
        if stopped_within(&stop, EVERY).await {
            while sending.join_next().await.is_some() {}
            return;
        }
    }
}
