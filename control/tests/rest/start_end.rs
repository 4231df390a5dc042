//! Starting and ending (KCS-07, KCS-08).

use http::Method;
use serde_json::{Value, json};
use time::Duration;

use crate::world::{Who, World, check_meeting_refusals};

fn start(id: &str) -> String {
    format!("/api/meeting/{id}/start")
}

fn end(id: &str) -> String {
    format!("/api/meeting/{id}/end")
}

#[tokio::test]
async fn kcs_07_start_makes_live_and_starting_again_changes_nothing() {
    let world = World::new().await;
    let id = world.meeting(json!({})).await;
    let first = world.post(Who::Host, &start(&id), Value::Null).await;
    assert_eq!((&first.data()["status"], &first.data()["meeting_status"]), (&json!("live"), &json!("live")));
    assert_eq!(first.data()["live_stats"]["current_participants"], 0);
    assert!(first.data()["webrtc_config"].is_object());
    let again = world.post(Who::Host, &start(&id), Value::Null).await;
    assert_eq!(again.data()["started_at"], first.data()["started_at"]);
    let starts = world.trail(&id).await.iter().filter(|line| *line == "meeting.start granted").count();
    assert_eq!(starts, 1);
}

#[tokio::test]
async fn kcs_07_every_host_starts_and_nobody_else() {
    let world = World::new().await;
    let people = json!([{ "email": "second@demo.test", "role": "host" }, { "email": "student@demo.test", "role": "co_host" }, "member@demo.test"]);
    let id = world.meeting(json!({ "participants": people })).await;
    check_meeting_refusals(&world, Method::POST, start, &id).await;
    for who in [Who::Student, Who::Member, Who::Admin] {
        world.post(who, &start(&id), Value::Null).await.refused(403, "Only hosts can start meetings");
    }
    world.post(Who::Second, &start(&id), Value::Null).await.data();
}

#[tokio::test]
async fn kcs_07_an_ended_meeting_never_starts_again() {
    let world = World::new().await;
    let id = world.live_meeting(json!({})).await;
    world.post(Who::Host, &end(&id), Value::Null).await.data();
    world.post(Who::Host, &start(&id), Value::Null).await.refused(410, "Meeting has ended");
    world.post(Who::Member, &start(&id), Value::Null).await.refused(403, "Only hosts can start meetings");
}

#[tokio::test]
async fn kcs_08_end_says_what_remains() {
    let world = World::new().await;
    let id = world.live_meeting(json!({})).await;
    world.clock.advance(Duration::minutes(90));
    let answer = world.post(Who::Host, &end(&id), Value::Null).await;
    assert_eq!(answer.data()["status"], "ended");
    let stats = &answer.data()["final_stats"];
    assert_eq!(stats["duration_minutes"], 90.0);
    assert_eq!((&stats["max_participants"], &stats["total_chat_messages"]), (&json!(0), &json!(0)));
    assert_eq!(stats["recording_url"], Value::Null);
    assert!(world.trail(&id).await.contains(&"meeting.end granted".to_owned()));
}

#[tokio::test]
async fn kcs_08_end_refusals() {
    let world = World::new().await;
    let id =
        world.meeting(json!({ "participants": [{ "email": "second@demo.test", "role": "co_host" }] })).await;
    check_meeting_refusals(&world, Method::POST, end, &id).await;
    world.post(Who::Second, &end(&id), Value::Null).await.refused(403, "Only hosts can end meetings");
    world.post(Who::Host, &end(&id), Value::Null).await.refused(400, "Meeting is not active");
    world.post(Who::Host, &start(&id), Value::Null).await.data();
    world.post(Who::Second, &end(&id), Value::Null).await.refused(403, "Only hosts can end meetings");
    world.post(Who::Host, &end(&id), Value::Null).await.data();
    world.post(Who::Host, &end(&id), Value::Null).await.refused(410, "Meeting has ended");
}

#[tokio::test]
async fn sec_01_every_deed_of_a_host_leaves_a_line() {
    let world = World::new().await;
    let id = world.meeting(json!({})).await;
    let path = format!("/api/meeting/{id}");
    world.put(Who::Host, &path, json!({ "meeting_name": "Renamed" })).await.data();
    world.post(Who::Host, &start(&id), Value::Null).await.data();
    world.post(Who::Host, &end(&id), Value::Null).await.data();
    world.delete(Who::Host, &path).await.data();
    let deeds = ["create", "update", "start", "end", "delete"].map(|deed| format!("meeting.{deed} granted"));
    assert_eq!(world.trail(&id).await, deeds);
}
