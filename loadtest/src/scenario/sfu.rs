//! A bare node with one room full of bots: the media plane alone.

use super::{MediaSettings, ScenarioError, run::run};
use crate::{
    report::Report,
    server,
    signal::node::{LaunchSettings, Node},
};
use std::sync::Arc;

/// See the module.
#[derive(Clone, Debug)]
pub struct SfuSettings {
    pub node: LaunchSettings,
    pub media: MediaSettings,
}

/// Starts a node, fills its room, reports, and stops it.
///
/// # Errors
/// A node that does not start, or a room that nobody gets into.
pub async fn sfu(settings: &SfuSettings) -> Result<Report, ScenarioError> {
    let node = Node::launch(&settings.node).await?;
    let pids = node.pid().map(server::with_children).unwrap_or_default();
    let report = run(&settings.media, &pids, |_| {
        let node = Arc::clone(&node);
        async move { Ok(node.join()) }
    })
    .await?;
    node.close().await?;
    Ok(report)
}
