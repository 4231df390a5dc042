//! Messages inside a meeting: whom they reach, and how many there may be.

use serde_json::{Value, json};

use crate::support::{Setup, World, refused};

#[tokio::test]
async fn kcs_ws_07_kcs_ws_18_c_52_messages_reach_those_they_are_for() {
    let world = World::start().await;
    let (meeting, host, host_id) = world.hosted(json!({})).await;
    let (member, _) = world.joined("member", &meeting).await;
    let (second, _) = world.joined("second", &meeting).await;
    let send = |text: &str, more: Value| {
        let mut payload = json!({ "meetingId": meeting, "message": text });
        more.as_object().unwrap().iter().for_each(|(key, value)| payload[key] = value.clone());
        member.call("send-message", payload)
    };
    let answer = send("to all", json!({})).await;
    for client in [&host, &member, &second] {
        let message = client.expect("new-message").await["message"].clone();
        assert_eq!((&message["message"], &message["recipientType"]), (&json!("to all"), &json!("all")));
        assert_eq!(message["id"], answer["message"]["id"]);
        assert_eq!(message["sender_id"], world.user("member").await);
        assert!(message["timestamp"].is_string() && message["sender_name"].is_string());
    }
    send("to hosts", json!({ "recipientType": "host" })).await;
    send("to one", json!({ "recipientType": "private", "recipientId": host_id })).await;
    send("to the user", json!({ "recipientType": "private", "recipientId": world.user("host").await })).await;
    for text in ["to hosts", "to one", "to the user"] {
        for client in [&host, &member] {
            client.expect_where("new-message", |m| m["message"]["message"] == text).await;
        }
    }
    send("to all again", json!({})).await;
    assert_eq!(second.expect("new-message").await["message"]["message"], "to all again");
    let history = world.get(&format!("/api/meeting/{meeting}/chat"), &world.token("second").await).await;
    let texts: Vec<_> = history["data"].as_array().unwrap().iter().map(|m| m["message"].clone()).collect();
    assert_eq!(texts, [json!("to all"), json!("to all again")], "{history}");
}

#[tokio::test]
async fn kcs_ws_07_chat_that_is_off_is_off() {
    let world = World::start().await;
    let (meeting, host, _) = world.hosted(json!({ "features": { "chat_enabled": false } })).await;
    let answer = host.call("send-message", json!({ "meetingId": meeting, "message": "x" })).await;
    assert!(refused(&answer, "Chat is disabled for this meeting"), "{answer}");
}

#[tokio::test]
async fn c_63_the_thirty_first_message_of_a_minute_is_refused_and_the_socket_stays() {
    let world = World::with(Setup { rate_limits: true, ..Setup::default() }).await;
    let (meeting, host, _) = world.hosted(json!({})).await;
    let (member, _) = world.joined("member", &meeting).await;
    let message = json!({ "meetingId": meeting, "message": "x" });
    for _ in 0..30 {
        assert_eq!(host.call("send-message", message.clone()).await["success"], true);
    }
    let answer = host.call("send-message", message.clone()).await;
    assert!(refused(&answer, "Rate limit exceeded"));
    assert_eq!(answer["code"], "RATE_LIMIT_EXCEEDED");
    assert_eq!(member.call("send-message", message).await["success"], true);
}
