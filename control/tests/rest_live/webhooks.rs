//! Webhooks while people come and go over sockets: told by the running process itself.

use plenum_control::domain::id::WebhookId;
use serde_json::{Value, json};

use crate::support::receiver::{Receiver, SECRET};
use crate::support::{Setup, World};

async fn told(receiver: &Receiver) -> World {
    // Settings live as long as the test's process.
    let url: &'static str = receiver.url().leak();
    let settings = vec![
        ("WEBHOOK_URLS", url),
        ("WEBHOOK_SECRET", SECRET),
        ("WEBHOOK_ALLOW_HTTP", "on"),
        ("WEBHOOK_ALLOW_PRIVATE", "127.0.0.1"),
    ];
    World::with(Setup { settings, ..Setup::default() }).await
}

#[tokio::test]
async fn hook_02_hook_03_hook_04_joining_over_sockets_and_ending_are_told_in_the_order_they_happen() {
    let receiver = Receiver::start();
    let world = told(&receiver).await;
    // A host who comes in starts the meeting (C-20).
    let (meeting, _host, _) = world.hosted(json!({})).await;
    let (member, _) = world.joined("member", &meeting).await;
    let (_again, _) = world.joined("member", &meeting).await;
    member.call("leave-meeting", json!({ "meetingId": meeting })).await;
    let ended =
        world.post(&format!("/api/meeting/{meeting}/end"), &world.token("host").await, json!({})).await;
    assert_eq!(ended["success"], true, "{ended}");
    receiver.until(5).await;
    let requests = receiver.requests();
    assert!(requests.iter().all(|request| request.is_signed() && request.said("meeting_id") == meeting));
    let (host, member) = (world.user("host").await, world.user("member").await);
    let told: Vec<_> = requests
        .iter()
        .map(|request| {
            let data = &request.0["said"]["data"];
            let who = ["started_by", "user_id", "ended_by"].iter().find_map(|key| data[*key].as_str());
            (request.said("event").to_owned(), who.expect("somebody").to_owned())
        })
        .collect();
    let expected = [
        ("meeting.started", &host),
        ("participant.joined", &host),
        ("participant.joined", &member),
        ("participant.joined", &member),
        ("meeting.ended", &host),
    ];
    assert_eq!(told, expected.map(|(event, who)| (event.to_owned(), who.clone())));
    assert_eq!(requests[4].0["said"]["data"]["participant_count"], 2);
}

#[tokio::test]
async fn leavings_are_told_to_those_who_ask_with_the_reason() {
    let receiver = Receiver::start();
    let world = told(&receiver).await;
    let admin = world.token("admin").await;
    let hooks = world.get("/api/admin/webhooks", &admin).await;
    let hook = hooks["data"][0]["id"].as_str().and_then(WebhookId::parse).expect("an id");
    let events = json!({ "events": ["participant.left"] });
    world.patch(&format!("/api/admin/webhooks/{hook}"), &admin, events).await;
    let (meeting, _host, _) = world.hosted(json!({})).await;
    let (member, _) = world.joined("member", &meeting).await;
    let (student, _) = world.joined("student", &meeting).await;
    member.call("leave-meeting", json!({ "meetingId": meeting })).await;
    receiver.until(1).await;
    student.disconnect();
    receiver.until(2).await;
    let told: Vec<_> = receiver.requests().iter().map(|one| one.0["said"]["data"].clone()).collect();
    let said = |data: &Value| (data["user_id"].clone(), data["reason"].clone(), data["role"].clone());
    let attendee = json!("attendee");
    assert_eq!(said(&told[0]), (json!(world.user("member").await), json!("left"), attendee.clone()));
    assert_eq!(said(&told[1]), (json!(world.user("student").await), json!("disconnected"), attendee));
}
