//! When the server closes a socket: nobody reads it, its process stops, its token is over, a request is too large.

use serde_json::json;

use crate::support::socket::Client;
use crate::support::{Setup, World};

#[tokio::test]
async fn a_client_that_does_not_read_is_out_and_disturbs_nobody() {
    let world = World::start().await;
    let (meeting, host, _) = world.hosted(json!({})).await;
    let token = world.token("member").await;
    let deaf = Client::join_and_go_deaf(world.port, &token, &meeting).await;
    let id = host.expect("participant-joined").await["participantId"].clone();
    let left = host.talk_until_somebody_is_out(&meeting).await;
    assert_eq!((&left["participantId"], &left["reason"]), (&id, &json!("disconnected")));
    drop(deaf);
}

#[tokio::test]
async fn add_ev_17_a_process_that_stops_says_so_and_closes_every_socket() {
    let world = World::start().await;
    let (meeting, host, _) = world.hosted(json!({})).await;
    let idle = world.connect("member").await;
    assert!(world.app.shutdown(std::future::ready(())).await);
    for client in [&host, &idle] {
        assert_eq!(client.expect("server-draining").await["reconnectAfterMs"], 1000);
        client.closed().await;
    }
    // C-07: nobody is left inside in the database.
    let again = World::with(Setup { directory: Some(world.directory.clone()), ..Setup::default() });
    drop(world.app);
    let again = again.await;
    let roster = again.get(&format!("/api/meeting/{meeting}/participants"), &again.token("host").await).await;
    assert_eq!(roster["data"][0]["connection_status"], "disconnected", "{roster}");
    assert!(roster["data"][0]["left_at"].is_string(), "{roster}");
}

#[tokio::test]
async fn a_message_larger_than_any_request_ends_its_socket() {
    let world = World::start().await;
    let member = world.connect("member").await;
    member.emit("join-meeting", json!({ "meetingId": "x".repeat(200_000) }));
    member.closed().await;
}

#[tokio::test]
async fn auth_03_a_socket_closes_when_the_time_of_its_token_is_over() {
    let world = World::start().await;
    let (meeting, host, _) = world.hosted(json!({})).await;
    let token = world.token("member").await;
    let member = Client::connect(world.port, json!({ "token": token })).await.unwrap();
    assert_eq!(member.call("join-meeting", json!({ "meetingId": meeting })).await["success"], true);
    world.app.services.clock.advance(time::Duration::hours(25));
    for client in [&member, &host] {
        let told = client.expect("error").await;
        assert_eq!((&told["message"], &told["code"]), (&json!("Token expired"), &json!("TOKEN_EXPIRED")));
        client.closed().await;
    }
    let again = Client::connect(world.port, json!({ "token": token })).await;
    assert_eq!(again.err().as_deref(), Some("Token expired"));
    let (_member, _) = world.joined("member", &meeting).await;
}

#[tokio::test]
async fn auth_03_cls_03_a_new_password_closes_every_socket_of_the_account_and_no_other() {
    let world = World::start().await;
    let (meeting, host, _) = world.hosted(json!({})).await;
    let (first, first_id) = world.joined("member", &meeting).await;
    let second = world.connect("member").await;
    let token = world.token("member").await;
    let change = json!({ "currentPassword": "demo-password", "newPassword": "another-password" });
    let changed = world.put("/api/auth/change-password", &token, change).await;
    assert_eq!(changed["success"], true, "{changed}");
    for client in [&first, &second] {
        let told = client.expect("error").await;
        assert_eq!((&told["message"], &told["code"]), (&json!("Invalid token"), &json!("TOKEN_REVOKED")));
        client.closed().await;
    }
    assert_eq!(host.expect("participant-left").await["participantId"], first_id);
    let again = Client::connect(world.port, json!({ "token": token })).await;
    assert_eq!(again.err().as_deref(), Some("Invalid token"));
    let hand = json!({ "meetingId": meeting, "raised": true });
    assert_eq!(host.call("raise-hand", hand).await["success"], true, "others stay");
}
