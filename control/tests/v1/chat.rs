//! V1-08 and V1-09: what is said, to whom, with which file, and what is read back.

use serde_json::{Value, json};

use crate::support;
use crate::world::{Answer, Who, World};
use crate::{V1, join, keys, live_meeting, path};

const SENT: &str = "Chat message sent successfully";
const READ: &str = "Chat history retrieved successfully";

async fn say(world: &World, who: Who, meeting: &str, body: Value) -> Answer {
    world.post(who, &path(meeting, "chat"), body).await
}

/// What somebody reads, oldest first.
async fn read(world: &World, who: Who, meeting: &str, query: &str) -> Vec<String> {
    let answer = world.get(who, &path(meeting, &format!("chat{query}"))).await;
    let list = answer.said(READ).as_array().expect("a list").clone();
    list.iter().map(|one| one["content"].as_str().expect("text").to_owned()).collect()
}

#[tokio::test]
async fn v1_08_what_is_said_comes_back_as_the_guide_shows_it() {
    let world = World::new().await;
    let meeting = live_meeting(&world, json!({})).await;
    join(&world, Who::Member, &meeting).await;
    let seed = json!({
        "content": "Hello everyone!", "message_type": "text", "recipient_id": null, "file_url": null,
        "file_name": null, "file_type": null, "file_size": null,
    });
    let answer = say(&world, Who::Member, &meeting, seed).await;
    let data = answer.said(SENT);
    let expected = json!({
        "message_id": data["message_id"], "sender_id": world.user_id(Who::Member).await,
        "sender_name": data["sender_name"], "content": "Hello everyone!", "message_type": "text",
        "is_private": false, "timestamp": answer.body["timestamp"], "file_url": null, "file_name": null,
        "file_type": null, "file_size": null,
    });
    assert_eq!(data, &expected);
    assert!(data["message_id"].as_str().is_some_and(|id| id.len() == 26), "{data}");
    for kind in ["poll", "announcement"] {
        // The spelling of the guide's JavaScript client (C-75).
        let answer = say(&world, Who::Member, &meeting, json!({ "content": "x", "messageType": kind })).await;
        assert_eq!(answer.said(SENT)["message_type"], kind);
    }
}

#[tokio::test]
async fn v1_08_every_refusal_of_the_contract() {
    let world = World::new().await;
    let scheduled = world.meeting(json!({})).await;
    let hello = json!({ "content": "hello" });
    let refused = say(&world, Who::Member, &scheduled, hello.clone()).await;
    refused.denied(400, "MEETING_NOT_ACTIVE", "Meeting is not currently active");
    let meeting = live_meeting(&world, json!({})).await;
    let refused = say(&world, Who::Member, &meeting, hello.clone()).await;
    refused.denied(404, "PARTICIPANT_NOT_FOUND", "Participant not found in meeting");
    let refused = say(&world, Who::Outsider, &meeting, hello.clone()).await;
    refused.denied(403, "INSUFFICIENT_PERMISSION", "User lacks required permissions");
    join(&world, Who::Member, &meeting).await;
    let to_nobody = json!({ "content": "hello", "recipient_id": world.user_id(Who::Outsider).await });
    let refused = say(&world, Who::Member, &meeting, to_nobody).await;
    refused.denied(404, "PARTICIPANT_NOT_FOUND", "Participant not found in meeting");
    for (body, field, reason) in [
        (json!({}), "content", "is required"),
        (json!({ "content": "  " }), "content", "is required"),
        (json!({ "content": "x".repeat(4001) }), "content", "must have at most 4000 characters"),
        (json!({ "content": 7 }), "content", "must be a string"),
        (
            json!({ "content": "x", "message_type": "song" }),
            "message_type",
            "must be one of text, file, poll, announcement",
        ),
        (
            json!({ "content": "x", "file_url": "javascript:alert(1)" }),
            "file_url",
            "must begin with https:// or http:// and name a host",
        ),
        (json!({ "content": "x", "file_size": -1 }), "file_size", "must be a whole number"),
    ] {
        say(&world, Who::Member, &meeting, body).await.invalid(field, reason);
    }
    let silent = live_meeting(&world, json!({ "features": { "chat_enabled": false } })).await;
    join(&world, Who::Member, &silent).await;
    let refused = say(&world, Who::Member, &silent, hello).await;
    refused.denied(403, "CHAT_DISABLED", "Chat is disabled for this meeting");
}

#[tokio::test]
async fn v1_08_chat_left_to_hosts_is_refused_to_others_by_the_same_code() {
    let world = World::new().await;
    let meeting = live_meeting(&world, json!({})).await;
    for who in [Who::Member, Who::Student] {
        join(&world, who, &meeting).await;
    }
    let id = plenum_control::domain::id::MeetingId::parse(&meeting).expect("an id");
    let narrowed = world.store.change_meeting(id, |meeting| {
        meeting.settings.entry.chat_permissions = plenum_control::domain::meeting::Level::Host;
        Ok(())
    });
    let (changed, ()) = narrowed.await.expect("is written");
    world.app.services.live.changed(&changed).await;
    say(&world, Who::Member, &meeting, json!({ "content": "from a co-host" })).await.said(SENT);
    let refused = say(&world, Who::Student, &meeting, json!({ "content": "hello" })).await;
    refused.denied(403, "CHAT_DISABLED", "Chat is disabled for this meeting");
}

#[tokio::test]
async fn v1_08_v1_09_c_52_a_private_message_is_read_by_the_two_it_is_between() {
    let world = World::new().await;
    let meeting = live_meeting(&world, json!({})).await;
    join(&world, Who::Student, &meeting).await;
    let body = json!({ "content": "psst", "recipient_id": world.user_id(Who::Second).await });
    let answer = say(&world, Who::Student, &meeting, body).await;
    assert_eq!(answer.said(SENT)["is_private"], true);
    say(&world, Who::Student, &meeting, json!({ "content": "hello" })).await.said(SENT);
    for who in [Who::Student, Who::Second] {
        assert_eq!(read(&world, who, &meeting, "").await, ["psst", "hello"]);
    }
    for who in [Who::Host, Who::Member] {
        assert_eq!(read(&world, who, &meeting, "").await, ["hello"]);
    }
}

#[tokio::test]
async fn v1_08_a_file_elsewhere_is_kept_with_what_its_sender_says_of_it() {
    let world = World::new().await;
    let meeting = live_meeting(&world, json!({})).await;
    join(&world, Who::Student, &meeting).await;
    let body = json!({
        "content": "the plan", "message_type": "file", "file_url": "https://files.example.org/plan.pdf",
        "file_name": "plan.pdf", "file_type": "application/pdf", "file_size": 20480,
    });
    let sent = say(&world, Who::Student, &meeting, body.clone()).await;
    let history = world.get(Who::Member, &path(&meeting, "chat")).await;
    for shown in [sent.said(SENT), &history.said(READ)[0]] {
        for name in keys(&body) {
            assert_eq!(shown[name], body[name], "{name}");
        }
    }
    // The other dialect shows it too.
    let other = world.get(Who::Member, &format!("/api/meeting/{meeting}/chat")).await;
    let file = json!({
        "url": "https://files.example.org/plan.pdf", "name": "plan.pdf", "type": "application/pdf", "size": 20480,
    });
    assert_eq!((&other.data()[0]["file"], &other.data()[0]["message_type"]), (&file, &json!("file")));
}

#[tokio::test]
async fn lim_07_v1_09_history_is_the_newest_fifty_after_the_offset_oldest_first() {
    let world = World::new().await;
    let meeting = live_meeting(&world, json!({})).await;
    let chat = path(&meeting, "chat");
    assert_eq!(world.get(Who::Student, &chat).await.said(READ), &json!([]));
    join(&world, Who::Student, &meeting).await;
    for n in 0..55 {
        say(&world, Who::Student, &meeting, json!({ "content": n.to_string() })).await.said(SENT);
    }
    let numbers = |from: u32, to: u32| (from..to).map(|n| n.to_string()).collect::<Vec<_>>();
    assert_eq!(read(&world, Who::Student, &meeting, "").await, numbers(5, 55));
    assert_eq!(read(&world, Who::Student, &meeting, "?limit=3").await, numbers(52, 55));
    assert_eq!(read(&world, Who::Student, &meeting, "?limit=2&offset=50").await, numbers(3, 5));
    assert_eq!(read(&world, Who::Student, &meeting, "?limit=9999").await, numbers(0, 55));
    assert_eq!(read(&world, Who::Student, &meeting, "?offset=55").await, Vec::<String>::new());
    let wrong = world.get(Who::Student, &format!("{chat}?limit=0")).await;
    wrong.invalid("limit", "must be a whole number between 1 and 500");
    for who in [Who::Admin, Who::Outsider] {
        let refused = world.get(who, &chat).await;
        refused.denied(403, "INSUFFICIENT_PERMISSION", "User lacks required permissions");
    }
}

#[tokio::test]
async fn v1_08_c_52_one_table_of_messages_for_both_dialects() {
    let world = support::World::start().await;
    let (meeting, host, _) = world.hosted(json!({})).await;
    let token = world.token("member").await;
    world.post(&path(&meeting, "join"), &token, json!({})).await;
    let sent = world.post(&path(&meeting, "chat"), &token, json!({ "content": "by request" })).await;
    assert_eq!(sent["status"], "success", "{sent}");
    let heard = host.expect("new-message").await["message"].clone();
    assert_eq!(
        (&heard["id"], &heard["message"]),
        (&sent["data"]["message_id"], &json!("by request")),
        "{heard}"
    );
    let said = host.call("send-message", json!({ "meetingId": meeting, "message": "by socket" })).await;
    assert_eq!(said["success"], true, "{said}");
    let history = world.get(&path(&meeting, "chat"), &token).await;
    let texts: Vec<_> =
        history["data"].as_array().expect("a list").iter().map(|one| one["content"].clone()).collect();
    assert_eq!(texts, ["by request", "by socket"]);
}

#[tokio::test]
async fn v1_08_an_own_upload_goes_with_the_message_by_its_path() {
    let world = support::World::start().await;
    let (meeting, _host, _) = world.hosted(json!({})).await;
    let token = world.token("member").await;
    world.post(&path(&meeting, "join"), &token, json!({})).await;
    let file = world.upload(&token, "plan.txt", "text/plain", b"first things first").await.json();
    let url = file["data"]["url"].clone();
    let body = json!({ "content": "the plan", "message_type": "file", "file_url": url });
    let sent = world.post(&path(&meeting, "chat"), &token, body.clone()).await;
    let data = &sent["data"];
    assert_eq!((&data["file_url"], &data["file_name"]), (&url, &json!("plan.txt")), "{sent}");
    assert_eq!((&data["file_type"], &data["file_size"]), (&json!("text/plain"), &json!(18)));
    let path_of_file = url.as_str().expect("a path").to_owned();
    let read = world.raw("GET", &path_of_file, &world.token("host").await, &[], Vec::new()).await;
    assert_eq!((read.status, &read.body[..]), (200, &b"first things first"[..]), "whoever reads the message");
    let again = world.post(&path(&meeting, "chat"), &token, body).await;
    assert_eq!(again["code"], "ATTACHMENT_NOT_FOUND", "{again}");
}
