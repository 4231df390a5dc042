//! Removes files that nobody refers to, once an hour. Safe to run twice, also at once: see [`Attachments::sweep`].

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::watched::Watched;
use crate::service::attachments::Attachments;

/// A file waits a day for its message, so an hour more or less is nothing.
const EVERY: Duration = Duration::from_secs(3600);

/// Sweeps until `stop`, the first time at once.
pub async fn run(attachments: Attachments, stop: CancellationToken) {
    let sweeping = Watched::new("attachments", EVERY);
    loop {
        // A failure is logged by the store; the next hour tries again.
        if let Ok(removed @ 1..) = sweeping.run(attachments.sweep()).await {
            tracing::info!(removed, "attachments that nobody refers to were removed");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}
