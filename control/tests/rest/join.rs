//! The join check (KCS-09): says whether, in the order of C-21, and lets nobody in.

use http::Method;
use serde_json::{Value, json};

use crate::world::{Who, World, bad, check, check_meeting_refusals};

const MISSING: &str = "Meeting password required";
const WRONG: &str = "Invalid meeting password";

fn join(id: &str) -> String {
    format!("/api/meeting/{id}/join")
}

#[tokio::test]
async fn kcs_09_a_live_meeting_can_be_joined_by_the_invited() {
    let world = World::new().await;
    let id = world.live_meeting(json!({})).await;
    let answer = world.post(Who::Member, &join(&id), Value::Null).await;
    let data = answer.data();
    assert_eq!(
        (&data["canJoin"], &data["waitingRoomEnabled"], &data["requiresPassword"]),
        (&json!(true), &json!(false), &json!(false))
    );
    assert_eq!(data["meeting"]["id"], id);
    assert_eq!((&data["meeting"]["name"], &data["meeting"]["status"]), (&json!("Weekly"), &json!("live")));
    assert_eq!(data["meeting"]["features"]["chat_enabled"], true);
    let roster = world.get(Who::Host, &format!("/api/meeting/{id}/participants")).await;
    assert!(
        roster.data().as_array().expect("a list").iter().all(|row| row["participant_id"].is_null()),
        "C-17: nobody entered"
    );
}

#[tokio::test]
async fn c_20_before_the_start_only_a_host_can_join() {
    let world = World::new().await;
    let id = world.meeting(json!({})).await;
    assert_eq!(world.post(Who::Host, &join(&id), Value::Null).await.data()["canJoin"], true);
    let member = world.post(Who::Member, &join(&id), Value::Null).await;
    assert_eq!(member.data()["canJoin"], false);
    assert_eq!(member.body["message"], "Meeting has not started yet");
}

#[tokio::test]
async fn kcs_09_join_refusals_are_exact() {
    let world = World::new().await;
    let id = world.live_meeting(json!({})).await;
    check_meeting_refusals(&world, Method::POST, join, &id).await;
    let uninvited = "Access denied: You are not invited to this meeting";
    check(
        &world,
        Method::POST,
        &join(&id),
        vec![
            bad("uninvited", Who::Second, Value::Null, 403, uninvited),
            bad("uninvited admin", Who::Admin, Value::Null, 403, uninvited),
            bad("list", Who::Member, json!([]), 400, "Invalid request body: must be a JSON object"),
            bad(
                "password type",
                Who::Member,
                json!({ "meeting_password": 7 }),
                400,
                "meeting_password: must be a string",
            ),
        ],
    )
    .await;
    world.post(Who::Host, &format!("/api/meeting/{id}/end"), Value::Null).await.data();
    world.post(Who::Member, &join(&id), Value::Null).await.refused(410, "Meeting has ended");
    world.post(Who::Second, &join(&id), Value::Null).await.refused(403, uninvited);
}

#[tokio::test]
async fn c_23_a_missing_and_a_wrong_password_are_told_apart_with_codes_no_token_error_has() {
    let world = World::new().await;
    let id = world.live_meeting(json!({ "meeting_password": "sesame" })).await;
    let with = |password: &str| json!({ "meeting_password": password });
    let (missing, wrong) = ("MEETING_PASSWORD_REQUIRED", "INVALID_MEETING_PASSWORD");
    world.post(Who::Member, &join(&id), Value::Null).await.refused_with(401, MISSING, missing);
    world.post(Who::Member, &join(&id), with("")).await.refused_with(401, MISSING, missing);
    world.post(Who::Member, &join(&id), with("Sesame")).await.refused_with(401, WRONG, wrong);
    world.post(Who::Member, &join(&id), with(&"x".repeat(9000))).await.refused_with(401, WRONG, wrong);
    assert_eq!(world.post(Who::Member, &join(&id), with("sesame")).await.data()["requiresPassword"], true);
    // Hosts may omit it, but not get it wrong.
    world.post(Who::Host, &join(&id), Value::Null).await.data();
    world.post(Who::Host, &join(&id), with("wrong-one")).await.refused_with(401, WRONG, wrong);
}

#[tokio::test]
async fn c_21_an_uninvited_person_learns_nothing_about_the_password() {
    let world = World::new().await;
    let id = world.live_meeting(json!({ "meeting_password": "sesame" })).await;
    for password in ["sesame", "wrong-one"] {
        let answer = world.post(Who::Second, &join(&id), json!({ "meeting_password": password })).await;
        answer.refused(403, "Access denied: You are not invited to this meeting");
    }
}

#[tokio::test]
async fn c_24_when_guests_are_allowed_the_whole_campus_is_invited_and_no_other() {
    let world = World::new().await;
    let id = world.live_meeting(json!({ "allow_guests": true })).await;
    world.post(Who::Student, &join(&id), Value::Null).await.data();
    let answer = world.post(Who::Outsider, &join(&id), Value::Null).await;
    answer.refused(403, "Access denied - meeting not found in your campus");
}

#[tokio::test]
async fn c_09_an_administrator_crosses_campuses_but_needs_an_invitation() {
    let world = World::new().await;
    let body = json!({ "participants": ["admin@demo.test"] });
    let created = world.post(Who::Outsider, "/api/meeting", crate::world::meeting_body(body)).await;
    let id = created.data()["id"].as_str().expect("an id").to_owned();
    world.get(Who::Admin, &format!("/api/meeting/{id}")).await.data();
    world
        .get(Who::Host, &format!("/api/meeting/{id}"))
        .await
        .refused(403, "Access denied - meeting not found in your campus");
}

#[tokio::test]
async fn kcs_09_a_waiting_room_is_announced() {
    let world = World::new().await;
    let id = world.live_meeting(json!({ "waiting_room_enabled": true })).await;
    let answer = world.post(Who::Member, &join(&id), Value::Null).await;
    assert_eq!(
        (&answer.data()["canJoin"], &answer.data()["waitingRoomEnabled"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(answer.body["message"], "Participant must wait for host approval");
}

#[tokio::test]
async fn sec_09_every_attempt_to_join_is_audited() {
    let world = World::new().await;
    let id = world.live_meeting(json!({ "meeting_password": "sesame" })).await;
    world.post(Who::Outsider, &join(&id), Value::Null).await;
    world.post(Who::Second, &join(&id), Value::Null).await;
    world.post(Who::Member, &join(&id), Value::Null).await;
    world.post(Who::Member, &join(&id), json!({ "meeting_password": "wrong-one" })).await;
    world.post(Who::Member, &join(&id), json!({ "meeting_password": "sesame" })).await;
    let trail = world.trail(&id).await;
    let joins: Vec<_> = trail.iter().filter_map(|line| line.strip_prefix("meeting.join ")).collect();
    assert_eq!(joins, ["other-campus", "not-invited", "password-missing", "password-wrong", "granted"]);
}
