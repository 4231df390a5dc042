//! The raw WebSocket over a real listener: who gets one, every message both ways, and how it ends (V1-WS).

mod entering;
mod frames;
mod leaving;
mod messages;

use serde_json::{Value, json};

use crate::support::World;
use crate::support::raw::RawSocket;
use crate::support::socket::Client;

/// A raw socket of a demo account.
async fn raw(world: &World, who: &str, meeting: &str) -> RawSocket {
    let token = world.token(who).await;
    RawSocket::connect(world.port, meeting, &token).await.expect("upgrades")
}

/// Somebody who is inside over a raw socket, and what he heard on entering.
async fn inside(world: &World, who: &str, meeting: &str) -> (RawSocket, Value) {
    let socket = raw(world, who, meeting).await;
    let joined = socket.join().await;
    (socket, joined)
}

/// A live meeting with its host inside over Socket.IO, and two people over raw sockets.
async fn trio(world: &World) -> (String, Client, RawSocket, RawSocket) {
    let (meeting, host, _) = world.hosted(json!({})).await;
    let (member, _) = inside(world, "member", &meeting).await;
    let (second, _) = inside(world, "second", &meeting).await;
    member.expect("join").await;
    for _ in 0..2 {
        host.expect("participant-joined").await;
    }
    (meeting, host, member, second)
}

fn code_of(error: &Value) -> &str {
    error["data"]["code"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn v1_ws_c_47_an_account_is_online_while_any_socket_lives() {
    let world = World::start().await;
    let (meeting, host, _) = world.hosted(json!({})).await;
    let user = world.user("member").await;
    let is_member = |told: &Value| told["userId"] == user;
    let first = raw(&world, "member", &meeting).await;
    host.expect_where("user-online", is_member).await;
    let second = world.connect("member").await;
    drop(first);
    second.call("get-room-online-users", json!({ "roomId": meeting })).await;
    assert!(host.heard_of("user-offline").is_empty());
    drop(second);
    host.expect_where("user-offline", is_member).await;
}
