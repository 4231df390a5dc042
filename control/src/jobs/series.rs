//! Makes the next occurrence of each series when the one before is over or its own start comes near (C-39).

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{stopped_within, watched::Watched};
use crate::service::meetings::Meetings;

/// How often series are looked at: starts are a day ahead, so a minute is soon enough.
const EVERY: Duration = Duration::from_secs(60);

/// Runs until `stop`.
pub async fn run(meetings: Meetings, stop: CancellationToken) {
    let making = Watched::new("series", EVERY);
    loop {
        // Failures are logged where they happen; the next minute tries again.
        let _ = making.run(meetings.make_due_occurrences()).await;
        if stopped_within(&stop, EVERY).await {
            return;
        }
    }
}
