//! Upward: ordered events on one stream, load reports as datagrams that may be lost.

use super::{LinkError, dispatch::Dispatch};
use crate::worker::{outbox::Outbox, pool::Pool};
use plenum_shared::{codec, event::LoadReport, id::NodeId};
use quinn::{Connection, SendStream};
use std::time::Duration;

/// How often control hears how busy we are.
const LOAD_EVERY: Duration = Duration::from_secs(1);

/// Sends events as they come, until the connection ends. When control does not read, the outbox keeps them.
pub(super) async fn send_events(
    mut stream: SendStream,
    outbox: &Outbox,
    dispatch: &Dispatch,
) -> Result<(), LinkError> {
    loop {
        while let Some(event) = outbox.take() {
            dispatch.note_event(&event.event);
            // An event that is taken and does not arrive leaves a gap in the numbers; control asks for the inventory.
            stream.write_all(&codec::encode_event(&event)?).await?;
        }
        outbox.pushed().await;
    }
}

/// Sends load reports until the connection ends.
pub(super) async fn send_load(
    connection: &Connection,
    node: NodeId,
    epoch: u64,
    pool: &Pool,
) -> Result<(), LinkError> {
    let mut ticks = tokio::time::interval(LOAD_EVERY);
    loop {
        ticks.tick().await;
        let workers = pool.workers().iter().map(|worker| worker.load()).collect();
        let report = codec::encode_load_report(&LoadReport { node, epoch, workers });
        match connection.send_datagram(report.into()) {
            // A node with very many workers on a path with a small MTU: control places rooms without its figures.
            Ok(()) | Err(quinn::SendDatagramError::TooLarge) => {}
            Err(quinn::SendDatagramError::ConnectionLost(error)) => return Err(error.into()),
            Err(error) => tracing::debug!(%error, "control takes no load reports"),
        }
    }
}
