//! The rules of the socket itself: who may connect, what people do with it, and what they may not.

#![allow(clippy::unwrap_used, clippy::panic, reason = "the helpers of a test fail by panicking")]

mod bad_input;
mod breakouts;
mod chat;
mod chat_changes;
mod chat_files;
mod chat_meeting;
mod chat_presence;
mod closed;
mod coming_back;
mod messages;
mod recording;
mod signs;
mod stats;
#[path = "../support/mod.rs"]
mod support;

use serde_json::json;
use support::World;
use support::socket::Client;

#[tokio::test]
async fn kcs_ws_03_c_14_a_handshake_without_a_good_token_is_refused_in_exact_words() {
    let world = World::start().await;
    let good = world.token("host").await;
    let foreign = format!("{}x", &good[..good.len() - 2]);
    for (auth, words) in [
        (json!({}), "Authentication token missing"),
        (json!({ "token": "" }), "Authentication token missing"),
        (json!({ "token": 7 }), "Authentication token missing"),
        (json!({ "token": "rubbish" }), "Invalid token"),
        (json!({ "token": foreign }), "Invalid token"),
    ] {
        assert_eq!(Client::connect(world.port, auth.clone()).await.err().as_deref(), Some(words), "{auth}");
    }
    assert!(Client::connect(world.port, json!({ "token": good })).await.is_ok());
    let query = format!("&token={good}");
    assert!(Client::connect_at(world.port, &query, json!({})).await.is_ok());
}

#[tokio::test]
async fn kcs_ws_11_kcs_ws_17_only_changes_of_media_are_told_under_both_names() {
    let world = World::start().await;
    let (meeting, host, _) = world.hosted(json!({})).await;
    let (member, id) = world.joined("member", &meeting).await;
    for change in [
        json!({ "audio": true }),
        json!({ "screen": true }),
        json!({ "screenSharing": false, "video": false }),
    ] {
        let mut payload = change;
        payload["meetingId"] = json!(meeting);
        assert_eq!(member.call("media-status-update", payload).await["success"], true);
    }
    let first = host.expect("participant-media-updated").await;
    let on = json!(true);
    assert_eq!(
        (&first["screen"], &first["screenSharing"], &first["video"], &first["audio"]),
        (&on, &on, &on, &on)
    );
    let second = host.expect("participant-media-updated").await;
    assert_eq!(
        (&second["participantId"], &second["screen"], &second["video"]),
        (&json!(id), &json!(false), &json!(false))
    );
    assert!(host.heard_of("participant-media-updated").is_empty());
}

#[tokio::test]
async fn kcs_ws_56_kcs_ws_57_c_47_presence_is_told_to_the_campus_on_the_first_and_last_socket() {
    let world = World::start().await;
    let host = world.connect("host").await;
    let outsider = world.connect("outsider").await;
    let id = world.user("member").await;
    let first = world.connect("member").await;
    let online = host.expect_where("user-online", |e| e["userId"] == id).await;
    assert!(online["timestamp"].is_string() && online["userName"].is_string());
    let second = world.connect("member").await;
    drop(first);
    drop(second);
    let offline = host.expect_where("user-offline", |e| e["userId"] == id).await;
    assert!(offline["lastSeen"].is_string());
    assert!(host.heard_of("user-online").iter().all(|e| e["userId"] != id));
    outsider.call("leave-meeting", json!({ "meetingId": "x" })).await;
    assert!(outsider.heard_of("user-online").is_empty());
}
