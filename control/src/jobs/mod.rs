//! Periodic work, one file each. Every job is safe to run twice, at once or one after the other, in any process.

pub mod attachments;
pub mod mail;
pub mod series;
mod watched;
pub mod webhooks;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::service::services::Services;

/// Starts every job; they end, each at its next safe point, when `stop` is cancelled.
pub fn start(services: &Services, stop: &CancellationToken) -> Vec<JoinHandle<()>> {
    vec![
        tokio::spawn(attachments::run(services.files.clone(), stop.clone())),
        tokio::spawn(mail::run(services.mail.clone(), stop.clone())),
        tokio::spawn(series::run(services.meetings.clone(), stop.clone())),
        tokio::spawn(webhooks::run(services.webhooks.clone(), stop.clone())),
    ]
}

/// Waits, unless it is time to stop; says whether it is.
async fn stopped_within(stop: &CancellationToken, wait: std::time::Duration) -> bool {
    tokio::time::timeout(wait, stop.cancelled()).await.is_ok()
}
