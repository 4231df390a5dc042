//! Numbers about meetings and the platform, each answer held against the description (KCS-16 to KCS-18, KCS-20).

use http::Method;
use serde_json::{Value, json};
use time::Duration;

use crate::world::{Who, World, check_meeting_refusals};

fn path(id: &str, what: &str) -> String {
    format!("/api/meeting/{id}/{what}")
}

#[tokio::test]
async fn kcs_16_recordings_are_for_members_and_a_list_without_files_is_an_empty_list() {
    let world = World::new().await;
    let id = world.live_meeting(json!({})).await;
    check_meeting_refusals(&world, Method::GET, |id| path(id, "recordings"), &id).await;
    let answer = world.get(Who::Host, &path(&id, "recordings")).await;
    assert_eq!((answer.data(), &answer.body["count"]), (&json!([]), &json!(0)));
    let stranger = world.get(Who::Second, &path(&id, "recordings")).await;
    stranger.refused(403, "Access denied - you are not a participant in this meeting");
}

#[tokio::test]
async fn kcs_17_analytics_come_after_the_end_and_last_as_long_as_the_meeting_did() {
    let world = World::new().await;
    let id = world.live_meeting(json!({})).await;
    check_meeting_refusals(&world, Method::GET, |id| path(id, "analytics"), &id).await;
    world.get(Who::Host, &path(&id, "analytics")).await.refused(400, "Meeting has not ended");
    world.clock.advance(Duration::minutes(90));
    world.post(Who::Host, &path(&id, "end"), Value::Null).await.data();
    let answer = world.get(Who::Host, &path(&id, "analytics")).await;
    let data = answer.data();
    assert_eq!((&data["duration_minutes"], &data["average_participants"]), (&json!(90.0), &json!(0.0)));
    assert_eq!(data["timeline"].as_array().map(Vec::len), Some(90));
    assert_eq!(data["people"], json!([]), "nobody came");
}

#[tokio::test]
async fn kcs_18_live_statistics_are_for_members_of_live_meetings() {
    let world = World::new().await;
    let id = world.meeting(json!({})).await;
    check_meeting_refusals(&world, Method::GET, |id| path(id, "live-stats"), &id).await;
    world.get(Who::Host, &path(&id, "live-stats")).await.refused(400, "Meeting is not active");
    world.post(Who::Host, &path(&id, "start"), Value::Null).await.data();
    world.clock.advance(Duration::seconds(90));
    let answer = world.get(Who::Host, &path(&id, "live-stats")).await;
    assert_eq!(
        (&answer.data()["duration_minutes"], &answer.data()["sampled_at"]),
        (&json!(1.5), &Value::Null)
    );
    world.post(Who::Host, &path(&id, "end"), Value::Null).await.data();
    world.get(Who::Host, &path(&id, "live-stats")).await.refused(400, "Meeting is not active");
}

#[tokio::test]
async fn kcs_20_role_10_system_statistics_are_for_administrators() {
    let world = World::new().await;
    let system = "/api/meeting/system/stats";
    for who in [Who::Host, Who::Member, Who::Student] {
        world.get(who, system).await.refused(403, "Access denied");
    }
    world.get(Who::Nobody, system).await.refused(401, "Authentication token missing");
    world.live_meeting(json!({})).await;
    let answer = world.get(Who::Admin, system).await;
    assert_eq!((&answer.data()["total_meetings"], &answer.data()["active_meetings"]), (&json!(1), &json!(1)));
    assert_eq!(answer.data()["mediasoup_workers"]["total"], 0, "no node is registered");
}
