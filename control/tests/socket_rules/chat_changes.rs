//! What becomes of a message in a chat room: edited, deleted, reacted to, and whom it mentions.

use serde_json::{Value, json};

use super::chat::{call, id, is_refused, listener, room, say};
use crate::support::{Setup, World};

#[tokio::test]
async fn add_06_kcs_ws_38_an_edit_is_kept_told_and_only_ones_own() {
    let world = World::start().await;
    let room = room(&world, &["member"]).await;
    let member = listener(&world, "member", &room).await;
    let said = id(&say(&world, "host", &room, json!({ "content": "befor" })).await);
    let path = format!("/api/chat/messages/{said}");
    let edited = call(&world, "host", "PUT", &path, json!({ "content": "before" })).await.json();
    assert_eq!(
        (&edited["data"]["content"], edited["data"]["editedAt"].is_string()),
        (&json!("before"), true)
    );
    let told = member.expect("chat-message-edited").await;
    assert_eq!((&told["type"], &told["data"]["newContent"]), (&json!("message-edited"), &json!("before")));
    assert_eq!(told["data"]["editedBy"], json!(world.user("host").await));
    is_refused(&call(&world, "member", "PUT", &path, json!({ "content": "x" })).await, 403, "Access denied");
    is_refused(
        &call(&world, "second", "PUT", &path, json!({ "content": "x" })).await,
        404,
        "Message not found",
    );
    is_refused(
        &call(&world, "host", "PUT", &path, json!({ "content": "" })).await,
        400,
        "content is required",
    );
    let unknown = call(&world, "host", "PUT", "/api/chat/messages/7", json!({ "content": "x" })).await;
    is_refused(&unknown, 404, "Message not found");
}

#[tokio::test]
async fn add_06_of_edits_at_once_everybody_hears_the_one_that_holds_last() {
    let world = World::start().await;
    let room = room(&world, &["member"]).await;
    let member = listener(&world, "member", &room).await;
    let said = id(&say(&world, "host", &room, json!({ "content": "0" })).await);
    let path = format!("/api/chat/messages/{said}");
    let edits = (1..=20).map(|n| call(&world, "host", "PUT", &path, json!({ "content": n.to_string() })));
    let answers = futures_util::future::join_all(edits).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    let mut last = Value::Null;
    for _ in 0..20 {
        last = member.expect("chat-message-edited").await["data"]["newContent"].clone();
    }
    let kept = world.get(&format!("/api/chat/rooms/{room}/messages"), &world.token("member").await).await;
    assert_eq!(kept["data"][0]["content"], last);
}

#[tokio::test]
async fn add_07_kcs_ws_37_a_deleted_message_keeps_its_place_and_loses_what_it_said() {
    let world = World::start().await;
    let room = room(&world, &["member", "second"]).await;
    let member = listener(&world, "member", &room).await;
    let of_host = id(&say(&world, "host", &room, json!({ "content": "mine" })).await);
    let of_member = id(&say(&world, "member", &room, json!({ "content": "yours" })).await);
    let path = |id: &str| format!("/api/chat/messages/{id}");
    is_refused(&call(&world, "second", "DELETE", &path(&of_host), Value::Null).await, 403, "Access denied");
    is_refused(
        &call(&world, "outsider", "DELETE", &path(&of_host), Value::Null).await,
        404,
        "Message not found",
    );
    for deleted in [&of_host, &of_member] {
        assert_eq!(
            call(&world, "host", "DELETE", &path(deleted), Value::Null).await.status,
            200,
            "the owner may"
        );
        let told = member.expect("chat-message-deleted").await;
        assert_eq!((&told["type"], &told["data"]["messageId"]), (&json!("message-deleted"), &json!(deleted)));
        assert_eq!(told["data"]["deletedBy"], json!(world.user("host").await));
    }
    is_refused(&call(&world, "host", "DELETE", &path(&of_host), Value::Null).await, 404, "Message not found");
    is_refused(
        &call(&world, "host", "PUT", &path(&of_host), json!({ "content": "x" })).await,
        404,
        "Message not found",
    );
    let kept = world.get(&format!("/api/chat/rooms/{room}/messages"), &world.token("second").await).await;
    assert_eq!(kept["count"], 2);
    assert_eq!((&kept["data"][0]["content"], &kept["data"][0]["isDeleted"]), (&json!(""), &json!(true)));
}

#[tokio::test]
async fn add_08_kcs_ws_39_rate_06_reactions_toggle_and_only_changes_are_told() {
    let world = World::with(Setup { rate_limits: true, ..Setup::default() }).await;
    let room = room(&world, &["member"]).await;
    let host = listener(&world, "host", &room).await;
    let said = id(&say(&world, "host", &room, json!({ "content": "Hello" })).await);
    let path = format!("/api/chat/messages/{said}/reactions");
    let member_id = world.user("member").await;
    for (body, action, count) in [
        (json!({ "emoji": "👍" }), "add", 1),
        (json!({ "emoji": "👍", "action": "add" }), "add", 1),
        (json!({ "emoji": "👍" }), "remove", 0),
        (json!({ "emoji": "👍", "action": "remove" }), "remove", 0),
        (json!({ "emoji": "❤️", "action": "add" }), "add", 1),
    ] {
        let done = call(&world, "member", "POST", &path, body).await.json()["data"].clone();
        assert_eq!(
            (&done["action"], done["reactions"].as_array().map(Vec::len)),
            (&json!(action), Some(count))
        );
    }
    for (emoji, action) in [("👍", "add"), ("👍", "remove"), ("❤️", "add")] {
        let told = host.expect("chat-message-reaction").await;
        assert_eq!((&told["type"], &told["data"]["userId"]), (&json!("message-reaction"), &json!(member_id)));
        assert_eq!((&told["data"]["emoji"], &told["data"]["action"]), (&json!(emoji), &json!(action)));
    }
    let line = world.get(&format!("/api/chat/rooms/{room}/messages"), &world.token("host").await).await;
    assert_eq!(line["data"][0]["reactions"], json!([{ "emoji": "❤️", "count": 1, "users": [member_id] }]));
    for (body, message) in [
        (json!({}), "emoji is required"),
        (json!({ "emoji": "<script>" }), "emoji: must be an emoji"),
        (json!({ "emoji": "x".repeat(33) }), "emoji: must have at most 32 bytes"),
        (json!({ "emoji": "👍", "action": "swap" }), "action: must be one of add, remove"),
    ] {
        is_refused(&call(&world, "member", "POST", &path, body).await, 400, message);
    }
    is_refused(
        &call(&world, "second", "POST", &path, json!({ "emoji": "👍" })).await,
        404,
        "Message not found",
    );
    let mut last = 0;
    for _ in 0..60 {
        last = call(&world, "member", "POST", &path, json!({ "emoji": "👍" })).await.status;
    }
    assert_eq!(last, 429);
}

#[tokio::test]
async fn c_51_a_message_takes_so_many_different_reactions() {
    let world = World::start().await;
    let room = room(&world, &[]).await;
    let said = id(&say(&world, "host", &room, json!({ "content": "Hello" })).await);
    let path = format!("/api/chat/messages/{said}/reactions");
    for n in 0..20 {
        assert_eq!(
            call(&world, "host", "POST", &path, json!({ "emoji": format!("e{n}") })).await.status,
            200
        );
    }
    let one_more = call(&world, "host", "POST", &path, json!({ "emoji": "more" })).await;
    is_refused(&one_more, 400, "emoji: a message has at most 20 different ones");
}

#[tokio::test]
async fn kcs_ws_42_a_mention_is_told_to_those_who_can_read_it_wherever_they_are() {
    let world = World::start().await;
    let room = room(&world, &["member"]).await;
    let (member, second) = (world.connect("member").await, world.connect("second").await);
    let ids =
        [world.user("member").await, world.user("second").await, world.user("host").await, "x".to_owned()];
    let said = say(&world, "host", &room, json!({ "content": "you", "mentions": ids })).await;
    assert_eq!(said["mentions"], json!([ids[0]]), "who cannot read it is left out");
    let told = member.expect_where("chat-notification", |told| told["type"] == "mention").await;
    assert_eq!((&told["data"]["messageId"], &told["data"]["roomId"]), (&said["messageId"], &json!(room)));
    assert_eq!((&told["data"]["content"], &told["data"]["roomName"]), (&json!("you"), &json!("Course")));
    second.call("update-chat-status", json!({ "status": "away" })).await;
    assert!(second.heard_of("chat-notification").is_empty());
}
