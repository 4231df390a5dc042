//! WebRTC signalling over Socket.IO, against a scripted media node that can be made to fail.

#![allow(clippy::unwrap_used, clippy::panic, reason = "the helpers of a test fail by panicking")]

mod data;
mod ends;
mod muted;
mod nodes;
#[path = "../support/mod.rs"]
mod support;
mod told;
mod tracks;

use plenum_shared::id::SessionId;
use plenum_shared::media::Kind;
use serde_json::{Value, json};
use support::World;
use support::node::{ScriptedNode, rtp_parameters};
use support::socket::Client;

/// A meeting with a host who publishes and a member who watches.
struct Scene {
    world: World,
    node: ScriptedNode,
    meeting: String,
    host: Client,
    host_id: String,
    member: Client,
    member_id: String,
}

impl Scene {
    async fn start() -> Self {
        Self::with(json!({})).await
    }

    async fn with(changes: Value) -> Self {
        Self::inside(World::start().await, changes).await
    }

    async fn inside(world: World, changes: Value) -> Self {
        let node = world.node().await;
        let (meeting, host, host_id) = world.hosted(changes).await;
        let (member, member_id) = world.joined("member", &meeting).await;
        Self { world, node, meeting, host, host_id, member, member_id }
    }

    async fn transport(&self, client: &Client, direction: &str) -> Value {
        client.call("create-transport", json!({ "meetingId": self.meeting, "direction": direction })).await
    }

    async fn produce(&self, client: &Client, kind: Kind, source: &str) -> Value {
        let payload = json!({
            "meetingId": self.meeting,
            "kind": kind,
            "source": source,
            "rtpParameters": rtp_parameters(kind),
        });
        client.call("produce", payload).await
    }

    async fn camera(&self) -> String {
        self.transport(&self.host, "send").await;
        let produced = self.produce(&self.host, Kind::Video, "camera").await;
        produced["producerId"].as_str().unwrap_or_else(|| panic!("{produced}")).to_owned()
    }

    fn watch(&self, kind: Kind) -> Value {
        json!({
            "meetingId": self.meeting,
            "producerParticipantId": self.host_id,
            "kind": kind,
            "rtpCapabilities": plenum_shared::rtp::router_capabilities(),
        })
    }

    fn session(&self, id: &str) -> SessionId {
        id.parse().unwrap()
    }
}
