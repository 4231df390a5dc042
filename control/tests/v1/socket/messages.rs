//! Every message of the raw WebSocket, as both dialects see it (V1-WS-02 to V1-WS-07).

use serde_json::{Value, json};

use super::{code_of, inside, raw, trio};
use crate::support::{Setup, World};

#[tokio::test]
async fn v1_ws_02_c_44_c_49_changes_of_a_status_cross_the_dialects_both_ways() {
    let world = World::start().await;
    let (meeting, host, member, second) = trio(&world).await;
    let user = world.user("member").await;
    member.send("participant_update", json!({ "is_muted": true, "is_video_enabled": true }));
    let told = second.expect("participant_update").await;
    assert_eq!(told["user_id"], user);
    let data = &told["data"];
    assert_eq!((&data["is_muted"], &data["is_video_enabled"]), (&json!(true), &json!(true)));
    assert_eq!(data["is_screen_sharing"], false);
    let kcs = host.expect("participant-media-updated").await;
    assert_eq!((&kcs["audio"], &kcs["video"], &kcs["screen"]), (&json!(false), &json!(true), &json!(false)));
    member.settled().await;
    assert!(member.heard().is_empty(), "one's own deeds are not told back: {:?}", member.heard());
    // What is so already is told to nobody.
    member.send("participant_update", json!({ "is_muted": true }));
    member.settled().await;
    assert!(second.heard().is_empty(), "{:?}", second.heard());

    host.call("media-status-update", json!({ "meetingId": meeting, "screenSharing": true })).await;
    let shared = member.expect("participant_update").await;
    assert_eq!(shared["data"]["is_screen_sharing"], true);
    // What a host does to somebody is told to that person as well.
    member.send("participant_update", json!({ "is_muted": false }));
    member.settled().await;
    let mute = json!({ "meetingId": meeting, "participantId": user, "mute": true });
    host.call("mute-participant", mute).await;
    let muted = member.expect_where("participant_update", |data| data["is_muted_by_host"] == true).await;
    assert_eq!((&muted["user_id"], &muted["data"]["is_muted"]), (&json!(user), &json!(true)));
    let changed = member.expect_where("participant_update", |data| data["is_muted"] == true).await;
    assert_eq!(changed["user_id"], user);
    member.send("participant_update", json!({ "is_muted": false }));
    assert_eq!(code_of(&member.expect("error").await), "INSUFFICIENT_PERMISSION");
    member.send("participant_update", json!({ "is_muted": "no" }));
    let wrong = member.expect("error").await;
    assert_eq!(code_of(&wrong), "VALIDATION_ERROR");
    assert_eq!(wrong["data"]["details"]["is_muted"], "must be true or false");
}

#[tokio::test]
async fn v1_ws_03_c_52_chat_crosses_the_dialects_and_private_messages_reach_their_two_people() {
    let world = World::start().await;
    let (meeting, host, member, second) = trio(&world).await;
    let (sender, other) = (world.user("member").await, world.user("second").await);
    let forged = json!({ "content": "Hello everyone!", "sender_id": other, "sender_name": "Somebody else" });
    member.send("chat", forged);
    for socket in [&member, &second] {
        let told = socket.expect("chat").await;
        let data = &told["data"];
        assert_eq!((&told["user_id"], &data["sender_id"]), (&json!(sender), &json!(sender)));
        assert_eq!((&data["content"], &data["message_type"]), (&json!("Hello everyone!"), &json!("text")));
        assert_eq!((&data["is_private"], &data["recipient_id"]), (&json!(false), &Value::Null));
        assert!(data["message_id"].is_string() && data["sender_name"] != "Somebody else", "{told}");
    }
    let heard = host.expect("new-message").await;
    assert_eq!(heard["message"]["message"], "Hello everyone!", "{heard}");
    host.call("send-message", json!({ "meetingId": meeting, "message": "Welcome" })).await;
    for socket in [&member, &second] {
        assert_eq!(socket.expect("chat").await["data"]["content"], "Welcome");
    }
    member.send("chat", json!({ "content": "psst", "recipient_id": other }));
    for socket in [&member, &second] {
        let told = socket.expect("chat").await;
        assert_eq!(
            (&told["data"]["is_private"], &told["data"]["recipient_id"]),
            (&json!(true), &json!(other))
        );
    }
    host.expect("new-message").await;
    let to_hosts = json!({ "meetingId": meeting, "message": "for hosts", "recipientType": "host" });
    host.call("send-message", to_hosts).await;
    host.expect("new-message").await;
    member.settled().await;
    for (what, socket) in [("private", &member), ("for hosts", &second)] {
        assert!(socket.heard().is_empty(), "{what}: {:?}", socket.heard());
    }
    assert!(host.heard_of("new-message").is_empty(), "the private message is not the host's");
    for (data, code) in [
        (json!({}), "VALIDATION_ERROR"),
        (json!({ "content": "  " }), "VALIDATION_ERROR"),
        (json!({ "content": "x".repeat(4001) }), "VALIDATION_ERROR"),
        (json!({ "content": "x", "message_type": "song" }), "VALIDATION_ERROR"),
        (json!({ "content": "x", "is_private": true }), "VALIDATION_ERROR"),
        (json!({ "content": "x", "recipient_id": "nobody" }), "PARTICIPANT_NOT_FOUND"),
    ] {
        member.send("chat", data.clone());
        assert_eq!(code_of(&member.expect("error").await), code, "{data}");
    }
    let host_token = world.token("host").await;
    world
        .put(
            &format!("/api/meeting/{meeting}"),
            &host_token,
            json!({ "features": { "chat_enabled": false } }),
        )
        .await;
    member.send("chat", json!({ "content": "still there?" }));
    assert_eq!(code_of(&member.expect("error").await), "CHAT_DISABLED");
}

#[tokio::test]
async fn v1_ws_03_sixty_messages_a_minute_together_with_rest_and_no_more() {
    let world = World::with(Setup { rate_limits: true, ..Setup::default() }).await;
    let (meeting, _host, _) = world.hosted(json!({})).await;
    let (member, _) = inside(&world, "member", &meeting).await;
    let token = world.token("member").await;
    let path = format!("/api/v1/meetings/{meeting}/chat");
    for n in 0..30 {
        member.send("chat", json!({ "content": n.to_string() }));
        member.expect("chat").await;
        let sent = world.post(&path, &token, json!({ "content": n.to_string() })).await;
        assert_eq!(sent["status"], "success", "{sent}");
        member.expect("chat").await;
    }
    member.send("chat", json!({ "content": "one too many" }));
    let refused = member.expect("error").await;
    assert_eq!(code_of(&refused), "RATE_LIMIT_EXCEEDED");
    let details = &refused["data"]["details"];
    assert_eq!((&details["limit"], &details["window"]), (&json!(60), &json!(60)));
    let refused = world.post(&path, &token, json!({ "content": "by REST" })).await;
    assert_eq!(refused["code"], "RATE_LIMIT_EXCEEDED", "{refused}");
    // Other messages are none of chat.
    member.send("reaction", json!({ "reaction_type": "heart" }));
    member.settled().await;
    assert!(member.heard().is_empty(), "{:?}", member.heard());
}

#[tokio::test]
async fn v1_ws_04_c_51_reactions_are_names_here_and_emoji_there() {
    let world = World::start().await;
    let (meeting, host, member, second) = trio(&world).await;
    for (sent, emoji, name) in [("thumbs_up", "👍", "thumbs_up"), ("🔥", "🔥", "fire"), ("🦀", "🦀", "🦀")]
    {
        member.send("reaction", json!({ "reaction_type": sent, "duration": 9 }));
        let told = second.expect("reaction").await;
        assert_eq!((&told["data"]["reaction_type"], &told["data"]["duration"]), (&json!(name), &json!(3)));
        assert_eq!(host.expect("participant-reaction").await["reaction"], emoji);
    }
    host.call("send-reaction", json!({ "meetingId": meeting, "reaction": "❤️" })).await;
    let told = member.expect("reaction").await;
    assert_eq!(told["data"]["reaction_type"], "heart");
    assert_eq!(told["user_id"], world.user("host").await);
    member.settled().await;
    assert!(member.heard().is_empty(), "one's own are not told back: {:?}", member.heard());
    for bad in [
        json!({}),
        json!({ "reaction_type": "" }),
        json!({ "reaction_type": "<b>" }),
        json!({ "reaction_type": 1 }),
    ] {
        member.send("reaction", bad.clone());
        assert_eq!(code_of(&member.expect("error").await), "VALIDATION_ERROR", "{bad}");
    }
}

#[tokio::test]
async fn v1_ws_05_a_hand_goes_up_and_down_in_both_dialects() {
    let world = World::start().await;
    let (meeting, host, member, second) = trio(&world).await;
    let user = world.user("member").await;
    member.send("hand_raise", json!({ "is_hand_raised": true }));
    let told = second.expect("hand_raise").await;
    assert_eq!((&told["user_id"], &told["data"]["is_hand_raised"]), (&json!(user), &json!(true)));
    assert_eq!(told["data"]["hand_position"], 1);
    assert_eq!(host.expect("hand-raised").await["raised"], true);
    host.call("raise-hand", json!({ "meetingId": meeting, "raised": true })).await;
    assert_eq!(member.expect("hand_raise").await["data"]["hand_position"], 2);
    // A status may say it too, and a host may lower it; that is told to its owner as well.
    second.send("participant_update", json!({ "is_hand_raised": true }));
    assert_eq!(member.expect("hand_raise").await["data"]["is_hand_raised"], true);
    host.call("raise-hand", json!({ "meetingId": meeting, "raised": false, "participantId": user })).await;
    let lowered = member.expect("hand_raise").await;
    assert_eq!((&lowered["user_id"], &lowered["data"]["is_hand_raised"]), (&json!(user), &json!(false)));
    member.send("hand_raise", json!({}));
    let missing = member.expect("error").await;
    assert_eq!(missing["data"]["details"]["is_hand_raised"], "is required", "{missing}");
    member.settled().await;
    assert!(member.heard().is_empty(), "{:?}", member.heard());
}

#[tokio::test]
async fn v1_ws_06_v1_ws_07_c_46_a_ping_is_answered_by_a_pong_with_the_time_of_the_server() {
    let world = World::start().await;
    let (meeting, _host, _) = world.hosted(json!({})).await;
    let socket = raw(&world, "member", &meeting).await;
    socket.send_text(&json!({
        "type": "ping", "meeting_id": meeting, "user_id": "x", "data": {}, "timestamp": "2024-01-15T10:30:00Z",
    }).to_string());
    let pong = socket.expect("pong").await;
    assert_eq!((&pong["meeting_id"], &pong["data"]), (&json!(meeting), &json!({})));
    assert_eq!(pong["user_id"], world.user("member").await);
    assert_ne!(pong["timestamp"], "2024-01-15T10:30:00Z");
    // A message without data is one whose data is empty.
    socket.send_text(r#"{"type":"ping"}"#);
    socket.expect("pong").await;
    socket.send("pong", json!({}));
    socket.settled().await;
    assert!(socket.heard().is_empty(), "{:?}", socket.heard());
}
