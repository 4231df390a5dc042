//! Changing and deleting meetings (KCS-05, KCS-06).

use http::Method;
use serde_json::{Value, json};
use time::Duration;

use crate::world::{Who, World, bad, check, check_meeting_refusals};

fn path(id: &str) -> String {
    format!("/api/meeting/{id}")
}

#[tokio::test]
async fn kcs_05_only_the_fields_that_are_present_change() {
    let world = World::new().await;
    let id =
        world.meeting(json!({ "meeting_password": "sesame", "features": { "chat_enabled": false } })).await;
    let change = json!({ "meeting_name": "Renamed", "features": { "whiteboard_enabled": true } });
    let answer = world.put(Who::Host, &path(&id), change).await;
    let data = answer.data();
    assert_eq!((&data["meeting_name"], &data["meeting_location"]), (&json!("Renamed"), &json!("virtual")));
    assert_eq!(
        (&data["features"]["whiteboard_enabled"], &data["features"]["chat_enabled"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(data["requires_password"], true);
    assert_eq!(world.get(Who::Member, &path(&id)).await.data()["meeting_name"], "Renamed");
}

#[tokio::test]
async fn kcs_05_a_password_is_removed_by_null_or_nothing_and_set_anew() {
    let world = World::new().await;
    let id = world.meeting(json!({ "meeting_password": "sesame" })).await;
    for none in [Value::Null, json!("")] {
        let answer = world.put(Who::Host, &path(&id), json!({ "meeting_password": none })).await;
        assert_eq!(answer.data()["requires_password"], false);
        let answer = world.put(Who::Host, &path(&id), json!({ "meeting_password": "open-up" })).await;
        assert_eq!(answer.data()["requires_password"], true);
    }
}

#[tokio::test]
async fn kcs_05_participants_replace_the_invited_list_but_never_the_creator() {
    let world = World::new().await;
    let id = world.meeting(json!({})).await;
    let answer = world.put(Who::Host, &path(&id), json!({ "participants": ["second@demo.test"] })).await;
    let emails: Vec<_> = answer.data()["participants"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|p| p["email"].clone())
        .collect();
    assert_eq!(emails, ["host@demo.test", "second@demo.test"]);
    world
        .get(Who::Member, &path(&id))
        .await
        .refused(403, "Access denied - you are not a participant in this meeting");
}

#[tokio::test]
async fn kcs_05_a_co_host_changes_features_and_nothing_else() {
    let world = World::new().await;
    let id = world.meeting(json!({ "participants": [{ "email": "second@demo.test", "role": "co_host" }, "member@demo.test"] })).await;
    let features = json!({ "features": { "chat_enabled": false } });
    let both = json!({ "features": { "chat_enabled": true }, "meeting_name": "Mine" });
    assert_eq!(
        world.put(Who::Second, &path(&id), features.clone()).await.data()["features"]["chat_enabled"],
        false
    );
    world.put(Who::Second, &path(&id), both).await.refused(403, "Access denied");
    world.put(Who::Member, &path(&id), features).await.refused(403, "Access denied");
}

#[tokio::test]
async fn kcs_05_a_live_meeting_keeps_its_start_and_type() {
    let world = World::new().await;
    let id = world.live_meeting(json!({})).await;
    assert_eq!(
        world.put(Who::Host, &path(&id), json!({ "meeting_name": "Now" })).await.data()["meeting_name"],
        "Now"
    );
    check(
        &world,
        Method::PUT,
        &path(&id),
        vec![
            bad(
                "start",
                Who::Host,
                json!({ "meeting_start_time": "2098-01-01T10:30:00Z" }),
                400,
                "meeting_start_time: cannot change while the meeting is live",
            ),
            bad(
                "type",
                Who::Host,
                json!({ "meeting_type": "instant" }),
                400,
                "meeting_type: cannot change while the meeting is live",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn kcs_05_a_past_meeting_changes_only_by_moving_into_the_future() {
    let world = World::new().await;
    let id = world
        .meeting(json!({ "meeting_start_time": "2020-01-01T10:00:00Z", "meeting_end_time": "2020-01-01T11:00:00Z" }))
        .await;
    world
        .put(Who::Host, &path(&id), json!({ "meeting_name": "Late" }))
        .await
        .refused(400, "Cannot update past meetings");
    let later = json!({ "meeting_name": "Again", "meeting_end_time": "2098-01-01T11:00:00Z" });
    assert_eq!(world.put(Who::Host, &path(&id), later).await.data()["meeting_name"], "Again");
}

#[tokio::test]
async fn kcs_05_an_ended_meeting_is_gone() {
    let world = World::new().await;
    let id = world.live_meeting(json!({})).await;
    world.post(Who::Host, &format!("/api/meeting/{id}/end"), Value::Null).await.data();
    world.put(Who::Host, &path(&id), json!({ "meeting_name": "X" })).await.refused(410, "Meeting has ended");
    world.put(Who::Member, &path(&id), json!({ "meeting_name": "X" })).await.refused(403, "Access denied");
}

#[tokio::test]
async fn kcs_05_update_bad_input() {
    let world = World::new().await;
    let id = world.meeting(json!({})).await;
    check_meeting_refusals(&world, Method::PUT, path, &id).await;
    let h = Who::Host;
    check(
        &world,
        Method::PUT,
        &path(&id),
        vec![
            bad("not invited", Who::Second, json!({ "meeting_name": "X" }), 403, "Access denied"),
            bad("list", h, json!([]), 400, "Invalid request body: must be a JSON object"),
            bad("blank name", h, json!({ "meeting_name": "" }), 400, "meeting_name is required"),
            bad(
                "end",
                h,
                json!({ "meeting_end_time": "2098-01-01T09:00:00Z" }),
                400,
                "Meeting end time must be after start time",
            ),
            bad(
                "start",
                h,
                json!({ "meeting_start_time": "2098-01-01T12:00:00Z" }),
                400,
                "Meeting end time must be after start time",
            ),
            bad(
                "time",
                h,
                json!({ "meeting_end_time": "late" }),
                400,
                "meeting_end_time: must be an ISO 8601 time",
            ),
            bad(
                "seats",
                h,
                json!({ "max_participants": 20_000 }),
                400,
                "max_participants: must be between 2 and 10000",
            ),
            bad(
                "password",
                h,
                json!({ "meeting_password": "abc" }),
                400,
                "meeting_password: must be 6 to 50 characters",
            ),
            bad("nobody", h, json!({ "participants": [] }), 400, "At least one participant is required"),
            bad("unknown", h, json!({ "participants": ["zzz"] }), 400, "User not found"),
            bad("flag", h, json!({ "allow_guests": 0 }), 400, "allow_guests: must be true or false"),
            bad(
                "days",
                h,
                json!({ "recording_config": { "retention_days": 99_999 } }),
                400,
                "recording_config.retention_days: must be between 1 and 365",
            ),
        ],
    )
    .await;
    let after = world.get(h, &path(&id)).await;
    assert_eq!(after.data()["meeting_name"], "Weekly", "a refused change changes nothing");
}

#[tokio::test]
async fn kcs_06_a_deleted_meeting_is_cancelled_and_leaves_lists_but_not_the_trail() {
    let world = World::new().await;
    let id = world.meeting(json!({})).await;
    world.delete(Who::Host, &path(&id)).await.data();
    assert_eq!(world.get(Who::Host, "/api/meeting").await.body["count"], 0);
    world.get(Who::Host, &path(&id)).await.refused(404, "Meeting not found");
    world.delete(Who::Host, &path(&id)).await.refused(404, "Meeting not found");
    world
        .post(Who::Host, &format!("{}/start", path(&id)), Value::Null)
        .await
        .refused(404, "Meeting not found");
    // C-35: only join still says what became of it.
    world
        .post(Who::Member, &format!("{}/join", path(&id)), Value::Null)
        .await
        .refused(410, "Meeting has been cancelled");
    assert!(world.trail(&id).await.contains(&"meeting.delete granted".to_owned()));
}

#[tokio::test]
async fn kcs_06_an_ended_meeting_can_be_deleted_and_a_live_one_cannot() {
    let world = World::new().await;
    let id = world.live_meeting(json!({})).await;
    world.delete(Who::Host, &path(&id)).await.refused(400, "Cannot delete live meetings (must end first)");
    world.post(Who::Host, &format!("{}/end", path(&id)), Value::Null).await.data();
    world.delete(Who::Host, &path(&id)).await.data();
    world
        .post(Who::Member, &format!("{}/join", path(&id)), Value::Null)
        .await
        .refused(410, "Meeting has ended");
}

#[tokio::test]
async fn kcs_06_delete_refusals() {
    let world = World::new().await;
    let id =
        world.meeting(json!({ "participants": [{ "email": "second@demo.test", "role": "co_host" }] })).await;
    check_meeting_refusals(&world, Method::DELETE, path, &id).await;
    for who in [Who::Second, Who::Student, Who::Admin] {
        world.delete(who, &path(&id)).await.refused(403, "Access denied");
    }
    world.clock.advance(Duration::hours(1));
    world.get(Who::Host, &path(&id)).await.data();
}
