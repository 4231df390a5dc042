//! Who is there in a chat room, who writes, who has seen what, and in which mood.

use serde_json::json;

use super::chat::{id, listener, room, room_of, say};
use crate::support::{Setup, World, refused};

#[tokio::test]
async fn kcs_ws_26_kcs_ws_33_rt_11_typing_is_told_to_the_others_and_ends_by_itself() {
    let world = World::start().await;
    let room = room(&world, &["member"]).await;
    let (host, member) = (listener(&world, "host", &room).await, listener(&world, "member", &room).await);
    let ack = member.call("chat-typing", json!({ "roomId": room, "isTyping": true })).await;
    assert_eq!(ack["success"], true, "{ack}");
    let told = host.expect("chat-user-typing").await;
    assert_eq!((&told["roomId"], &told["isTyping"]), (&json!(room), &json!(true)));
    assert_eq!(told["userId"], json!(world.user("member").await));
    assert!(told["userName"].as_str().is_some_and(|name| !name.is_empty()) && told["timestamp"].is_string());
    member.call("chat-typing", json!({ "roomId": room, "isTyping": true })).await;
    let told = host.expect("chat-user-typing").await;
    assert_eq!(told["isTyping"], false, "the end is the next that is told, and nobody took it back");

    member.call("chat-typing", json!({ "roomId": room, "isTyping": true })).await;
    host.expect("chat-user-typing").await;
    say(&world, "member", &room, json!({ "content": "typed" })).await;
    assert_eq!(host.expect("chat-user-typing").await["isTyping"], false, "sending ends it");
    member.call("chat-typing", json!({ "roomId": room, "isTyping": true })).await;
    host.expect("chat-user-typing").await;
    drop(member);
    assert_eq!(host.expect("chat-user-typing").await["isTyping"], false, "going ends it");
    assert!(host.heard_of("chat-user-typing").is_empty());

    let deaf = world.connect("member").await;
    let not_listening = deaf.call("chat-typing", json!({ "roomId": room, "isTyping": true })).await;
    assert!(refused(&not_listening, "Access denied"));
    assert!(refused(&deaf.call("chat-typing", json!({ "roomId": room })).await, "isTyping is required"));
}

#[tokio::test]
async fn c_54_typing_that_is_refused_ends_for_those_who_were_told_of_it() {
    let world = World::with(Setup { rate_limits: true, ..Setup::default() }).await;
    let room = room(&world, &["member"]).await;
    let (host, member) = (listener(&world, "host", &room).await, listener(&world, "member", &room).await);
    let alone = room_of(&world, "member").await;
    member.call("join-chat-rooms", json!({ "roomIds": [alone] })).await;
    let types =
        |room: &str, typing: bool| member.call("chat-typing", json!({ "roomId": room, "isTyping": typing }));
    // Uses up what one may tell in a minute, but for one.
    for _ in 1..120 {
        types(&alone, true).await;
        types(&alone, false).await;
    }
    types(&room, true).await;
    assert_eq!(host.expect("chat-user-typing").await["isTyping"], true);
    let refusal = loop {
        let ack = types(&room, true).await;
        if ack["success"] != true {
            break ack;
        }
        tokio::task::yield_now().await;
    };
    assert!(refused(&refusal, "Rate limit exceeded"), "{refusal}");
    assert_eq!(host.expect("chat-user-typing").await["isTyping"], false);
}

#[tokio::test]
async fn kcs_ws_27_kcs_ws_34_kcs_ws_35_kcs_ws_36_add_14_seeing_is_kept_with_time_and_told_once() {
    let world = World::start().await;
    let room = room(&world, &["member"]).await;
    let (host, member) = (listener(&world, "host", &room).await, listener(&world, "member", &room).await);
    let first = id(&say(&world, "host", &room, json!({ "content": "first" })).await);
    let own = id(&say(&world, "member", &room, json!({ "content": "own" })).await);
    let foreign_room = super::chat::room(&world, &[]).await;
    let foreign = id(&say(&world, "host", &foreign_room, json!({ "content": "elsewhere" })).await);
    let marked = json!({ "roomId": room, "messageIds": [first, own, foreign, "nonsense"] });
    member.call("mark-messages-seen", marked.clone()).await;
    let acknowledged = member.expect("messages-seen-acknowledged").await;
    assert_eq!(acknowledged, json!({ "success": true, "roomId": room, "messageIds": [first] }));
    let (host_id, member_id) = (world.user("host").await, world.user("member").await);
    let told = host.expect("messages-seen").await;
    assert_eq!((&told["userId"], &told["messageIds"]), (&json!(member_id), &json!([first])));
    let told = host.expect("chat-message-seen").await;
    assert_eq!(told["type"], "message-seen");
    assert_eq!((&told["data"]["messageId"], &told["data"]["seenBy"]), (&json!(first), &json!(member_id)));

    let path = format!("/api/chat/messages/{first}/receipts");
    let receipts = world.get(&path, &world.token("host").await).await["data"].clone();
    let seen_at = receipts[0]["seenAt"].clone();
    assert!(seen_at.is_string() && receipts[0]["userId"] == json!(member_id), "{receipts}");
    member.call("mark-messages-seen", marked).await;
    member.expect("messages-seen-acknowledged").await;
    host.call("mark-messages-seen", json!({ "roomId": room, "messageIds": [own] })).await;
    let next = host.expect("messages-seen").await;
    assert_eq!(next["userId"], json!(host_id), "what was seen before is not told again");
    assert_eq!(world.get(&path, &world.token("host").await).await["data"][0]["seenAt"], seen_at);
    let listed = world.get("/api/chat/rooms", &world.token("member").await).await;
    let listed = listed["data"].as_array().expect("rooms");
    assert_eq!(listed.iter().find(|one| one["roomId"] == json!(room)).expect("the room")["unreadCount"], 0);
    let line = world.get(&format!("/api/chat/rooms/{room}/messages"), &world.token("member").await).await;
    assert_eq!((&line["data"][0]["seenCount"], &line["data"][0]["seen"]), (&json!(1), &json!(true)));

    let too_many = json!({ "roomId": room, "messageIds": vec![first; 101] });
    assert!(refused(&member.call("mark-messages-seen", too_many).await, "messageIds: at most 100"));
    let stranger = world.connect("second").await;
    let strange = stranger.call("mark-messages-seen", json!({ "roomId": room, "messageIds": [] })).await;
    assert!(refused(&strange, "Chat room not found"));
}

#[tokio::test]
async fn kcs_ws_28_kcs_ws_41_chat_05_a_mood_reaches_every_room_one_is_in_and_nobody_else() {
    let world = World::start().await;
    let room = room(&world, &["member"]).await;
    let host = listener(&world, "host", &room).await;
    let other = listener(&world, "second", &room_of(&world, "second").await).await;
    let member_id = world.user("member").await;
    // Not listening to anything: being a member is enough to be seen.
    let member = world.connect("member").await;
    let told = host.expect("chat-user-status-changed").await;
    assert_eq!((&told["userId"], &told["status"]), (&json!(member_id), &json!("online")));
    for status in ["busy", "away", "online"] {
        let ack = member.call("update-chat-status", json!({ "status": status })).await;
        assert_eq!((&ack["success"], &ack["status"]), (&json!(true), &json!(status)));
        assert_eq!(host.expect("chat-user-status-changed").await["status"], status);
    }
    for (body, message) in [
        (json!({}), "status is required"),
        (json!({ "status": "offline" }), "status: must be one of online, away, busy"),
    ] {
        assert!(refused(&member.call("update-chat-status", body).await, message));
    }
    let second_device = world.connect("member").await;
    drop(member);
    second_device.call("update-chat-status", json!({ "status": "away" })).await;
    assert_eq!(host.expect("chat-user-status-changed").await["status"], "away", "one device is left");
    drop(second_device);
    assert_eq!(host.expect("chat-user-status-changed").await["status"], "offline");
    let heard = other.heard_of("chat-user-status-changed");
    assert!(heard.iter().all(|told| told["userId"] != json!(member_id)), "{heard:?}");
}

#[tokio::test]
async fn kcs_ws_29_kcs_ws_43_members_who_are_there_are_listed_with_their_mood() {
    let world = World::start().await;
    let room = room(&world, &["member", "second"]).await;
    let host = listener(&world, "host", &room).await;
    let member = world.connect("member").await;
    let _stranger = world.connect("student").await;
    member.call("update-chat-status", json!({ "status": "busy" })).await;
    let ack = host.call("get-room-online-users", json!({ "roomId": room })).await;
    let told = host.expect("room-online-users").await;
    assert_eq!((&told["users"], &told["count"], &told["roomId"]), (&ack["users"], &json!(2), &json!(room)));
    let users = told["users"].as_array().expect("a list");
    let of = |id: &str| users.iter().find(|user| user["userId"] == json!(id)).expect("is there");
    assert_eq!(of(&world.user("member").await)["status"], "busy");
    let own = of(&world.user("host").await);
    assert!(own["status"] == "online" && own["lastSeen"].is_string() && own["userName"].is_string());
    let strange =
        world.connect("outsider").await.call("get-room-online-users", json!({ "roomId": room })).await;
    assert!(refused(&strange, "Chat room not found"));
}
