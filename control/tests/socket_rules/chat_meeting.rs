//! A meeting is a chat room under its own id (C-53), with the rules of meetings and the eyes of C-52.

use serde_json::{Value, json};

use super::chat::{listener, say};
use super::support::{World, refused};

#[tokio::test]
async fn c_53_what_is_sent_inside_is_in_the_room_and_the_other_way_round() {
    let world = World::start().await;
    let (meeting, host, _) = world.hosted(json!({})).await;
    let (member, _) = world.joined("member", &meeting).await;
    // On a second device, listening to the room without being inside.
    let beside = listener(&world, "member", &meeting).await;
    let sent = host.call("send-message", json!({ "meetingId": meeting, "message": "from inside" })).await;
    assert_eq!(member.expect("new-message").await["message"]["message"], "from inside");
    let heard = beside.expect("new-chat-message").await;
    assert_eq!(
        (&heard["data"]["content"], &heard["data"]["roomId"]),
        (&json!("from inside"), &json!(meeting))
    );
    assert_eq!(heard["data"]["messageId"], sent["message"]["id"]);

    let said = say(&world, "member", &meeting, json!({ "content": "from the room" })).await;
    let heard = host.expect_where("new-message", |told| told["message"]["message"] == "from the room").await;
    assert_eq!(
        (&heard["message"]["id"], &heard["message"]["sender_id"]),
        (&said["messageId"], &said["userId"])
    );
    beside.expect("new-chat-message").await;
    let token = world.token("host").await;
    let history = world.get(&format!("/api/meeting/{meeting}/chat"), &token).await;
    let lines = world.get(&format!("/api/chat/rooms/{meeting}/messages"), &token).await;
    assert_eq!((history["count"].as_u64(), lines["count"].as_u64()), (Some(2), Some(2)));
    assert_eq!(history["data"][1]["message"], lines["data"][1]["content"]);
    let room = world.get(&format!("/api/chat/rooms/mtg_{}", meeting.to_lowercase()), &token).await;
    assert_eq!((&room["data"]["type"], &room["data"]["roomId"]), (&json!("meeting"), &json!(meeting)));
}

#[tokio::test]
async fn c_52_private_and_host_messages_never_leak_into_the_room() {
    let world = World::start().await;
    let (meeting, host, _) = world
        .hosted(json!({ "participants": [
        { "email": "member@demo.test" }, { "email": "second@demo.test" }, { "email": "student@demo.test" },
    ] }))
        .await;
    let (member, _) = world.joined("member", &meeting).await;
    let (second, _) = world.joined("second", &meeting).await;
    let ears = [listener(&world, "second", &meeting).await, listener(&world, "student", &meeting).await];
    let own_ear = listener(&world, "member", &meeting).await;
    let host_ear = listener(&world, "host", &meeting).await;
    let host_id = world.user("host").await;
    let private = json!({ "meetingId": meeting, "message": "between us", "recipientType": "private", "recipientId": host_id });
    let private = member.call("send-message", private).await["message"]["id"].clone();
    let for_hosts = json!({ "meetingId": meeting, "message": "for hosts", "recipientType": "host" });
    let for_hosts = member.call("send-message", for_hosts).await["message"]["id"].clone();
    for id in [&private, &for_hosts] {
        for ear in [&host_ear, &own_ear] {
            assert_eq!(&ear.expect("new-chat-message").await["data"]["messageId"], id);
        }
    }
    // Everything that can be done about them, by those who may not read them.
    let path = |id: &Value| format!("/api/chat/messages/{}", id.as_str().expect("an id"));
    for who in ["second", "student", "outsider"] {
        let token = world.token(who).await;
        for id in [&private, &for_hosts] {
            let answers = [
                world.put(&path(id), &token, json!({ "content": "x" })).await,
                world.delete(&path(id), &token).await,
                world.post(&format!("{}/reactions", path(id)), &token, json!({ "emoji": "👍" })).await,
                world.get(&format!("{}/receipts", path(id)), &token).await,
            ];
            assert!(
                answers.iter().all(|answer| answer["message"] == "Message not found"),
                "{who}: {answers:?}"
            );
        }
    }
    let marked = json!({ "roomId": meeting, "messageIds": [private, for_hosts] });
    assert_eq!(second.call("mark-messages-seen", marked.clone()).await["messageIds"], json!([]));
    // What the host does about them is told to those who may read them, and to nobody else.
    assert_eq!(host.call("mark-messages-seen", marked).await["messageIds"], json!([private, for_hosts]));
    member.expect("chat-message-seen").await;
    world
        .post(&format!("{}/reactions", path(&private)), &world.token("host").await, json!({ "emoji": "👍" }))
        .await;
    member.expect("chat-message-reaction").await;
    world.put(&path(&private), &world.token("member").await, json!({ "content": "still between us" })).await;
    host.expect("chat-message-edited").await;
    world.delete(&path(&for_hosts), &world.token("host").await).await;
    host.expect("chat-message-deleted").await;
    // A fence: whoever was to hear one of these has heard it by now.
    host.call("send-message", json!({ "meetingId": meeting, "message": "for all" })).await;
    for ear in &ears {
        assert_eq!(ear.expect("new-chat-message").await["data"]["content"], "for all");
    }
    let secrets = [
        "new-message",
        "chat-message-seen",
        "messages-seen",
        "chat-message-reaction",
        "chat-message-edited",
        "chat-message-deleted",
    ];
    second.expect_where("new-message", |told| told["message"]["message"] == "for all").await;
    for (client, name) in ears.iter().chain([&second]).flat_map(|ear| secrets.map(|name| (ear, name))) {
        assert!(client.heard_of(name).is_empty(), "{name}: {:?}", client.heard_of(name));
    }
    let lines =
        world.get(&format!("/api/chat/rooms/{meeting}/messages"), &world.token("student").await).await;
    assert_eq!(lines["count"], 1, "{lines}");
    let lines = world.get(&format!("/api/chat/rooms/{meeting}/messages"), &world.token("host").await).await;
    assert_eq!(lines["count"], 3);
}

#[tokio::test]
async fn c_53_writing_into_a_meeting_takes_being_inside_while_it_lives_and_chat_is_on() {
    let world = World::start().await;
    let meeting = world.meeting(json!({})).await;
    let path = format!("/api/chat/rooms/{meeting}/messages");
    let (host, member) = (world.token("host").await, world.token("member").await);
    let write = |token: &str| {
        let (world, path, token) = (&world, path.clone(), token.to_owned());
        async move { world.post(&path, &token, json!({ "content": "x" })).await["message"].clone() }
    };
    assert_eq!(write(&member).await, "Meeting is not active");
    let (inside, _) = world.joined("host", &meeting).await;
    assert_eq!(write(&host).await, "Message sent successfully");
    assert_eq!(write(&member).await, "Access denied", "invited and not inside");
    let stranger = world.token("second").await;
    assert_eq!(write(&stranger).await, "Access denied - you are not a participant in this meeting");
    let outsider = world.token("outsider").await;
    assert_eq!(write(&outsider).await, "Access denied - meeting not found in your campus");
    let off = json!({ "features": { "chat_enabled": false } });
    world.put(&format!("/api/meeting/{meeting}"), &host, off).await;
    assert_eq!(write(&host).await, "Chat is disabled for this meeting");
    inside.call("join-chat-rooms", json!({ "roomIds": [meeting] })).await;
    let typing = inside.call("chat-typing", json!({ "roomId": meeting, "isTyping": true })).await;
    assert!(refused(&typing, "Chat is disabled for this meeting"));
    world.post(&format!("/api/meeting/{meeting}/end"), &host, Value::Null).await;
    assert_eq!(write(&host).await, "Meeting has ended");
    let manage = world.put(&format!("/api/chat/rooms/{meeting}"), &host, json!({ "name": "x" })).await;
    assert_eq!(manage["message"], "Access denied");
}

#[tokio::test]
async fn c_53_who_runs_a_meeting_deletes_what_others_wrote_and_it_leaves_a_trace() {
    let world = World::start().await;
    let (meeting, host, _) = world.hosted(json!({})).await;
    let (member, _) = world.joined("member", &meeting).await;
    let sent = member.call("send-message", json!({ "meetingId": meeting, "message": "oh" })).await;
    let path = format!("/api/chat/messages/{}", sent["message"]["id"].as_str().expect("an id"));
    assert_eq!(world.delete(&path, &world.token("host").await).await["success"], true);
    // Those inside hear it without having asked for the room.
    assert_eq!(member.expect("chat-message-deleted").await["data"]["messageId"], sent["message"]["id"]);
    host.expect("chat-message-deleted").await;
    let history = world.get(&format!("/api/meeting/{meeting}/chat"), &world.token("member").await).await;
    assert_eq!(
        (&history["data"][0]["message"], &history["data"][0]["is_deleted"]),
        (&json!(""), &json!(true))
    );
    let id = plenum_control::domain::id::MeetingId::parse(&meeting).expect("an id");
    let trail = world.app.store.audit_of(id).await.expect("a trail");
    assert_eq!(trail.iter().filter(|line| line.action == "chat.message-delete").count(), 1);
}

#[tokio::test]
async fn c_53_whoever_is_taken_off_the_roster_hears_the_room_no_more() {
    let world = World::start().await;
    let (meeting, host, _) = world.hosted(json!({})).await;
    let member = listener(&world, "member", &meeting).await;
    let people = json!({ "participants": [{ "email": "second@demo.test" }] });
    let changed = world.put(&format!("/api/meeting/{meeting}"), &world.token("host").await, people).await;
    assert_eq!(changed["success"], true, "{changed}");
    host.call("send-message", json!({ "meetingId": meeting, "message": "without you" })).await;
    let left = member.call("join-chat-rooms", json!({ "roomIds": [meeting] })).await;
    assert_eq!(left["rooms"], json!([]));
    assert!(member.heard_of("new-chat-message").is_empty());
}

#[tokio::test]
async fn kcs_12_c_53_whoever_is_removed_hears_the_room_no_more() {
    let world = World::start().await;
    let (meeting, host, _) = world.hosted(json!({})).await;
    let member = listener(&world, "member", &meeting).await;
    let token = world.token("host").await;
    let whom = json!({ "participant_ids": [world.user("member").await] });
    let removed = world.delete_with(&format!("/api/meeting/{meeting}/participants"), &token, whom).await;
    assert_eq!(removed["success"], true, "{removed}");
    host.call("send-message", json!({ "meetingId": meeting, "message": "without you" })).await;
    let left = member.call("join-chat-rooms", json!({ "roomIds": [meeting] })).await;
    assert_eq!(left["rooms"], json!([]));
    assert!(member.heard_of("new-chat-message").is_empty());
}
