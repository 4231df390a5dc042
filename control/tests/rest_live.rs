//! What REST says of a meeting while people are inside it, and what it does to them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "the helpers of a test fail by panicking")]

#[path = "rest_live/matrix.rs"]
mod matrix;
#[path = "rest_live/metrics.rs"]
mod metrics;
#[path = "rest_live/people.rs"]
mod people;
#[path = "rest_live/security.rs"]
mod security;
#[path = "rest_live/statistics.rs"]
mod statistics;
mod support;
#[path = "rest_live/webhooks.rs"]
mod webhooks;

use plenum_control::domain::id::MeetingId;
use serde_json::{Value, json};
use support::{World, refused};

/// The roster row of somebody, by address.
fn row<'a>(roster: &'a Value, who: &str) -> &'a Value {
    let rows = roster["data"].as_array().expect("a list");
    let email = format!("{who}@demo.test");
    rows.iter().find(|row| row["participant_email"] == email.as_str()).expect("a row of hers")
}

#[tokio::test]
async fn kcs_03_details_show_who_is_inside_and_the_router_while_live() {
    let world = World::start().await;
    let (meeting, _host, host_id) = world.hosted(json!({})).await;
    let (_member, member_id) = world.joined("member", &meeting).await;
    let details = world.get(&format!("/api/meeting/{meeting}"), &world.token("member").await).await;
    let inside = details["data"]["current_participants"].as_array().expect("a list");
    let ids: Vec<_> = inside.iter().map(|person| person["participantId"].clone()).collect();
    assert_eq!(ids, [host_id, member_id]);
    assert_eq!((&inside[0]["role"], &inside[1]["role"]), (&json!("host"), &json!("attendee")));
    assert_eq!(details["data"]["live_stats"]["current_participants"], 2);
    assert!(details["data"]["webrtc_config"]["router_id"].is_string());
}

#[tokio::test]
async fn kcs_10_the_roster_follows_people_in_and_out_with_one_row_each() {
    let world = World::start().await;
    let (meeting, _host, host_id) = world.hosted(json!({})).await;
    let (student, student_id) = world.joined("student", &meeting).await;
    let path = format!("/api/meeting/{meeting}/participants");
    let token = world.token("host").await;
    let roster = world.get(&path, &token).await;
    assert_eq!(roster["count"], 3, "host, the invited member, and the student who came in: {roster}");
    assert_eq!(row(&roster, "host")["participant_id"], host_id);
    assert_eq!(row(&roster, "member")["connection_status"], "disconnected");
    let came_in = row(&roster, "student");
    assert_eq!(
        (&came_in["participant_id"], &came_in["connection_status"]),
        (&json!(student_id), &json!("connected"))
    );
    assert_eq!((&came_in["role"], &came_in["left_at"]), (&json!("attendee"), &Value::Null));
    assert!(came_in["joined_at"].is_string());

    student.call("media-status-update", json!({ "meetingId": meeting, "audio": false })).await;
    let roster = world.get(&path, &token).await;
    assert_eq!(
        row(&roster, "student")["media_status"],
        json!({ "video": true, "audio": false, "screen_sharing": false })
    );

    let left = student.call("leave-meeting", json!({ "meetingId": meeting })).await;
    assert_eq!(left["success"], true, "{left}");
    let roster = world.get(&path, &token).await;
    let gone = row(&roster, "student");
    assert_eq!((&gone["participant_id"], &gone["connection_status"]), (&Value::Null, &json!("disconnected")));
    assert!(gone["left_at"].is_string(), "{gone}");
    assert_eq!(roster["count"], 3);
}

#[tokio::test]
async fn kcs_08_the_end_counts_the_most_people_and_every_message() {
    let world = World::start().await;
    let (meeting, host, _) = world.hosted(json!({})).await;
    let (member, _) = world.joined("member", &meeting).await;
    let (student, _) = world.joined("student", &meeting).await;
    student.call("leave-meeting", json!({ "meetingId": meeting })).await;
    for text in ["one", "two"] {
        let sent = member.call("send-message", json!({ "meetingId": meeting, "message": text })).await;
        assert_eq!(sent["success"], true, "{sent}");
    }
    let end = world.post(&format!("/api/meeting/{meeting}/end"), &world.token("host").await, json!({})).await;
    let stats = &end["data"]["final_stats"];
    assert_eq!((&stats["max_participants"], &stats["total_chat_messages"]), (&json!(3), &json!(2)));
    host.expect("meeting-ended").await;
    member.expect("meeting-ended").await;
    let roster = world.get(&format!("/api/meeting/{meeting}/participants"), &world.token("host").await).await;
    let inside =
        roster["data"].as_array().expect("a list").iter().filter(|row| !row["participant_id"].is_null());
    assert_eq!(inside.count(), 0);
}

#[tokio::test]
async fn kcs_09_join_full_is_429_with_its_own_code_and_lets_those_inside_back_in() {
    let world = World::start().await;
    let (meeting, _host, _) = world.hosted(json!({ "max_participants": 2 })).await;
    let (_member, _) = world.joined("member", &meeting).await;
    let path = format!("/api/meeting/{meeting}/join");
    let refused = world.post(&path, &world.token("student").await, json!({})).await;
    assert_eq!(refused, json!({ "success": false, "message": "Meeting is full", "code": "MEETING_FULL" }));
    for inside in ["host", "member"] {
        let answer = world.post(&path, &world.token(inside).await, json!({})).await;
        assert_eq!(answer["data"]["canJoin"], true, "{inside}: {answer}");
    }
}

#[tokio::test]
async fn kcs_05_replacing_the_invited_never_removes_people_who_are_inside() {
    let world = World::start().await;
    let (meeting, _host, _) = world.hosted(json!({ "allow_guests": false })).await;
    let (_member, member_id) = world.joined("member", &meeting).await;
    let token = world.token("host").await;
    let change = json!({ "participants": ["second@demo.test"], "features": { "chat_enabled": false } });
    let updated = world.put(&format!("/api/meeting/{meeting}"), &token, change).await;
    assert_eq!(updated["success"], true, "{updated}");
    let roster = world.get(&format!("/api/meeting/{meeting}/participants"), &token).await;
    assert_eq!(row(&roster, "member")["participant_id"], member_id);
    assert_eq!(row(&roster, "second")["connection_status"], "disconnected");
}

#[tokio::test]
async fn kcs_05_a_feature_switched_off_is_off_for_people_who_are_inside() {
    let world = World::start().await;
    let (meeting, _host, _) = world.hosted(json!({})).await;
    let (member, _) = world.joined("member", &meeting).await;
    let change = json!({ "features": { "chat_enabled": false } });
    world.put(&format!("/api/meeting/{meeting}"), &world.token("host").await, change).await;
    let sent = member.call("send-message", json!({ "meetingId": meeting, "message": "hello" })).await;
    assert!(support::refused(&sent, "Chat is disabled for this meeting"), "{sent}");
}

#[tokio::test]
async fn kcs_15_what_was_said_inside_is_the_history() {
    let world = World::start().await;
    let (meeting, host, _) = world.hosted(json!({})).await;
    let (member, _) = world.joined("member", &meeting).await;
    let (_student, _) = world.joined("student", &meeting).await;
    let to_hosts = json!({ "meetingId": meeting, "message": "psst", "recipientType": "host" });
    for (who, payload) in [(&host, json!({ "meetingId": meeting, "message": "hello" })), (&member, to_hosts)]
    {
        let sent = who.call("send-message", payload).await;
        assert_eq!(sent["success"], true, "{sent}");
    }
    let read = |token: String| {
        let (world, path) = (&world, format!("/api/meeting/{meeting}/chat"));
        async move {
            let history = world.get(&path, &token).await;
            let list = history["data"].as_array().expect("a list").clone();
            list.iter()
                .map(|message| message["message"].as_str().unwrap_or_default().to_owned())
                .collect::<Vec<_>>()
        }
    };
    assert_eq!(read(world.token("member").await).await, ["hello", "psst"]);
    assert_eq!(read(world.token("host").await).await, ["hello", "psst"]);
    assert_eq!(read(world.token("student").await).await, ["hello"]);
}

#[tokio::test]
async fn kcs_19_the_router_is_named_once_the_meeting_is_live() {
    let world = World::start().await;
    let meeting = world.meeting(json!({})).await;
    let (path, token) = (format!("/api/meeting/{meeting}/webrtc-config"), world.token("member").await);
    let before = world.get(&path, &token).await;
    assert_eq!(before["data"]["webrtc_config"]["router_id"], Value::Null);
    assert!(before["data"]["webrtc_config"]["router_capabilities"]["codecs"].is_array());
    world.post(&format!("/api/meeting/{meeting}/start"), &world.token("host").await, json!({})).await;
    let live = world.get(&path, &token).await;
    assert!(live["data"]["webrtc_config"]["router_id"].is_string(), "{live}");
}

#[tokio::test]
async fn kcs_05_of_two_updates_at_once_the_later_one_holds_inside() {
    let world = World::start().await;
    let (meeting, host, _) = world.hosted(json!({})).await;
    let earlier = world.app.store.meeting(MeetingId::parse(&meeting).unwrap()).await.unwrap().unwrap();
    let off = json!({ "features": { "chat_enabled": false } });
    world.put(&format!("/api/meeting/{meeting}"), &world.token("host").await, off).await;
    world.app.services.live.changed(&earlier).await;
    let answer = host.call("send-message", json!({ "meetingId": meeting, "message": "hello" })).await;
    assert!(refused(&answer, "Chat is disabled for this meeting"), "{answer}");
}
