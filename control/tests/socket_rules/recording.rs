//! The switch of the recording: who may turn it, who hears of it, and that it outlives people and processes.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::support::socket::Client;
use crate::support::{Setup, World, refused};

fn on() -> Value {
    json!({ "features": { "recording_enabled": true } })
}

async fn toggle(client: &Client, meeting: &str, start: bool) -> Value {
    client.call("toggle-recording", json!({ "meetingId": meeting, "start": start })).await
}

async fn live_stats(world: &World, meeting: &str) -> Value {
    world.get(&format!("/api/meeting/{meeting}/live-stats"), &world.token("host").await).await
}

#[tokio::test]
async fn kcs_ws_13_kcs_ws_22_rec_03_cli_06_a_recording_is_announced_to_everybody_in_both_sets_of_words() {
    let world = World::start().await;
    let (meeting, host, _) = world.hosted(on()).await;
    let (member, _) = world.joined("member", &meeting).await;
    let host_user = world.user("host").await;
    assert_eq!(toggle(&host, &meeting, true).await["success"], true);
    for client in [&host, &member] {
        let status = client.expect("recording-status-changed").await;
        assert_eq!((&status["recording"], &status["startedBy"]), (&json!(true), &json!(host_user)));
        let started = client.expect("recording-started").await;
        assert_eq!((&started["private"], &started["startedBy"]), (&json!(false), &json!(host_user)));
        assert_eq!(started["recordingId"], status["recordingId"]);
        assert!(started["timestamp"].is_string(), "{started}");
    }
    // Somebody who comes later learns of it on entering.
    let student = world.connect("student").await;
    student.call("join-meeting", json!({ "meetingId": meeting })).await;
    let joined = student.expect("meeting-joined").await;
    assert_eq!(joined["recording"]["recording"], true, "{joined}");
    assert_eq!(joined["recording"]["startedBy"], json!(host_user));
    assert_eq!(live_stats(&world, &meeting).await["data"]["recording_active"], true);

    assert_eq!(toggle(&host, &meeting, false).await["success"], true);
    assert_eq!(member.expect("recording-status-changed").await["recording"], false);
    let ended = member.expect("recording-ended").await;
    assert!(ended["duration_seconds"].as_f64().is_some_and(|seconds| seconds >= 0.0), "{ended}");
    assert_eq!(live_stats(&world, &meeting).await["data"]["recording_active"], false);
}

#[tokio::test]
async fn add_ev_21_what_is_so_already_succeeds_without_an_event() {
    let world = World::start().await;
    let (meeting, host, _) = world.hosted(on()).await;
    assert_eq!(toggle(&host, &meeting, false).await["success"], true);
    toggle(&host, &meeting, true).await;
    let answer = toggle(&host, &meeting, true).await;
    assert_eq!((&answer["success"], &answer["recording"]), (&json!(true), &json!(true)));
    let told = host.heard_of("recording-status-changed").len() + host.heard_of("recording-started").len();
    assert_eq!((told, host.heard_of("recording-ended").len()), (2, 0));
}

#[tokio::test]
async fn c_43_sec_01_hosts_and_holders_of_the_right_record_others_do_not_and_the_feature_must_be_on() {
    let world = World::start().await;
    let (meeting, host, _) = world.hosted(json!({})).await;
    let answer = toggle(&host, &meeting, true).await;
    assert!(refused(&answer, "Recording is not enabled for this meeting"), "{answer}");
    let listed = json!({
        "features": { "recording_enabled": true },
        "participants": [{ "email": "member@demo.test", "role": "co_host" }, { "email": "second@demo.test" }],
    });
    let meeting = world.meeting(listed).await;
    host.call("join-meeting", json!({ "meetingId": meeting })).await;
    let (member, _) = world.joined("member", &meeting).await;
    let (second, _) = world.joined("second", &meeting).await;
    assert!(refused(&toggle(&second, &meeting, true).await, "Access denied"));
    assert_eq!(toggle(&member, &meeting, true).await["success"], true);
    assert!(refused(&toggle(&second, &meeting, false).await, "Access denied"));
    second.expect_where("recording-status-changed", |event| event["recording"] == true).await;
    // Switching the feature off ends it.
    let off = json!({ "features": { "recording_enabled": false } });
    world.put(&format!("/api/meeting/{meeting}"), &world.token("host").await, off).await;
    let over = second.expect_where("recording-status-changed", |event| event["recording"] == false).await;
    assert_eq!(over["startedBy"], Value::Null);
    // Who switched it, or tried to, is in the trail.
    let id = plenum_control::domain::id::MeetingId::parse(&meeting).expect("an id");
    let trail = world.app.store.audit_of(id).await.expect("a trail");
    let switched = trail.iter().filter(|line| line.action.starts_with("recording."));
    let switched: Vec<_> = switched.map(|line| (line.action.as_str(), line.outcome.as_str())).collect();
    assert_eq!(
        switched,
        [("recording.start", "forbidden"), ("recording.start", "granted"), ("recording.stop", "forbidden")]
    );
}

#[tokio::test]
async fn kcs_16_rec_01_a_meeting_that_records_itself_begins_with_the_first_person_and_ends_with_the_meeting()
{
    let world = World::start().await;
    let auto = json!({
        "features": { "recording_enabled": true },
        "recording_config": { "auto_record": true, "retention_days": 7 },
    });
    let (meeting, host, _) = world.hosted(auto).await;
    let began = host.expect("recording-started").await;
    assert_eq!(began["startedBy"], Value::Null, "the meeting did it");
    // Whoever stops it has stopped it: the next to enter does not begin it again.
    toggle(&host, &meeting, false).await;
    host.expect("recording-ended").await;
    let (member, _) = world.joined("member", &meeting).await;
    assert_eq!(live_stats(&world, &meeting).await["data"]["recording_active"], false);
    toggle(&host, &meeting, true).await;
    member.expect("recording-started").await;
    world.post(&format!("/api/meeting/{meeting}/end"), &world.token("host").await, json!({})).await;
    member.expect("recording-ended").await;
    member.expect("meeting-ended").await;
    let recordings =
        world.get(&format!("/api/meeting/{meeting}/recordings"), &world.token("host").await).await;
    assert_eq!((&recordings["success"], &recordings["count"]), (&json!(true), &json!(0)), "no file yet");
}

#[tokio::test]
async fn c_43_a_recording_outlives_an_empty_room_and_a_restart() {
    let world = World::start().await;
    let (meeting, host, _) = world.hosted(on()).await;
    toggle(&host, &meeting, true).await;
    let id = host.expect("recording-started").await["recordingId"].clone();
    host.call("leave-meeting", json!({ "meetingId": meeting })).await;
    assert_eq!(live_stats(&world, &meeting).await["data"]["recording_active"], true, "nobody stopped it");
    let directory = Arc::clone(&world.directory);
    world.app.shutdown(std::future::ready(())).await;
    drop(world);
    let world = World::with(Setup { directory: Some(directory), ..Setup::default() }).await;
    let back = world.connect("host").await;
    back.call("join-meeting", json!({ "meetingId": meeting })).await;
    let joined = back.expect("meeting-joined").await;
    assert_eq!((&joined["recording"]["recording"], &joined["recording"]["recordingId"]), (&json!(true), &id));
    toggle(&back, &meeting, false).await;
    assert_eq!(back.expect("recording-ended").await["recordingId"], id);
}
