//! V1-01 to V1-07: begin, look, come in, act, leave, end; and every refusal that the contract lists for them.

use plenum_control::domain::id::MeetingId;
use plenum_control::domain::meeting::MeetingStatus;
use serde_json::{Value, json};
use time::Duration;

use crate::support;
use crate::world::{Who, World};
use crate::{V1, join, keys, live_meeting, path};

const FORBIDDEN: (u16, &str, &str) = (403, "INSUFFICIENT_PERMISSION", "User lacks required permissions");
const NOT_INSIDE: (u16, &str, &str) = (404, "PARTICIPANT_NOT_FOUND", "Participant not found in meeting");
const NOT_LIVE: (u16, &str, &str) = (400, "MEETING_NOT_ACTIVE", "Meeting is not currently active");
const ENDED: (u16, &str, &str) = (410, "MEETING_ENDED", "Meeting has already ended");
const LIVE: (u16, &str, &str) = (409, "MEETING_ALREADY_ACTIVE", "Meeting is already in progress");

#[track_caller]
fn denied(answer: &crate::world::Answer, (status, code, message): (u16, &str, &str)) {
    answer.denied(status, code, message);
}

async fn end(world: &World, meeting: &str) {
    world.post(Who::Host, &path(meeting, "end"), Value::Null).await.said("Meeting ended successfully");
}

#[tokio::test]
async fn v1_01_life_11_a_host_starts_a_meeting_and_only_once() {
    let world = World::new().await;
    let meeting = world.meeting(json!({})).await;
    let start = path(&meeting, "start");
    denied(&world.post(Who::Member, &start, Value::Null).await, FORBIDDEN);
    denied(&world.post(Who::Outsider, &start, Value::Null).await, FORBIDDEN);
    let answer = world.post(Who::Host, &start, Value::Null).await;
    let data = answer.said("Meeting started successfully");
    assert_eq!(keys(data), ["meeting_id", "started_at", "started_by"]);
    let host = world.user_id(Who::Host).await;
    assert_eq!((&data["meeting_id"], &data["started_by"]), (&json!(meeting), &json!(host)));
    assert_eq!(data["started_at"], answer.body["timestamp"], "the clock stands still");
    denied(&world.post(Who::Host, &start, Value::Null).await, LIVE);
    end(&world, &meeting).await;
    denied(&world.post(Who::Host, &start, Value::Null).await, ENDED);
}

#[tokio::test]
async fn v1_01_c_33_what_was_called_off_cannot_be_started_and_is_over_for_everything_else() {
    let world = World::new().await;
    let meeting = world.meeting(json!({})).await;
    // Calling off also takes a meeting out of sight today (C-35), so the one by itself is written into the row.
    let cancelled = world.store.change_meeting(id(&meeting), |meeting| {
        meeting.status = MeetingStatus::Cancelled;
        Ok(())
    });
    cancelled.await.expect("is written");
    let refused = world.post(Who::Host, &path(&meeting, "start"), Value::Null).await;
    refused.denied(400, "MEETING_CANNOT_BE_STARTED", "Meeting cannot be started");
    for what in ["end", "join"] {
        let refused = world.post(Who::Host, &path(&meeting, what), Value::Null).await;
        refused.denied(410, "MEETING_ENDED", "Meeting has been cancelled");
    }
    let status = world.get(Who::Member, &path(&meeting, "status")).await;
    assert_eq!(status.said("Meeting status retrieved successfully")["status"], "cancelled");
    let gone = world.meeting(json!({})).await;
    world.delete(Who::Host, &format!("/api/meeting/{gone}")).await.data();
    let refused = world.post(Who::Host, &path(&gone, "start"), Value::Null).await;
    refused.denied(404, "MEETING_NOT_FOUND", "Meeting does not exist");
}

#[tokio::test]
async fn v1_02_a_host_ends_a_meeting_and_everybody_is_out() {
    let world = World::new().await;
    let scheduled = world.meeting(json!({})).await;
    denied(&world.post(Who::Host, &path(&scheduled, "end"), Value::Null).await, NOT_LIVE);
    let meeting = live_meeting(&world, json!({})).await;
    join(&world, Who::Student, &meeting).await;
    let ending = path(&meeting, "end");
    denied(&world.post(Who::Member, &ending, Value::Null).await, FORBIDDEN);
    denied(&world.post(Who::Outsider, &ending, Value::Null).await, FORBIDDEN);
    world.clock.advance(Duration::minutes(60));
    let answer = world.post(Who::Host, &ending, Value::Null).await;
    let data = answer.said("Meeting ended successfully");
    assert_eq!(keys(data), ["duration_minutes", "ended_at", "ended_by", "meeting_id"]);
    let host = world.user_id(Who::Host).await;
    assert_eq!((&data["ended_by"], &data["duration_minutes"]), (&json!(host), &json!(60)));
    denied(&world.post(Who::Host, &ending, Value::Null).await, ENDED);
    denied(&world.post(Who::Student, &path(&meeting, "leave"), Value::Null).await, NOT_INSIDE);
    let sessions = world.store.sessions_of(id(&meeting)).await.expect("reads");
    assert!(sessions.iter().all(|session| session.left_at.is_some()), "{sessions:?}");
}

#[tokio::test]
async fn v1_03_life_10_stat_05_status_names_the_running_one_and_counts_who_came_and_who_is_there() {
    let world = World::new().await;
    let meeting = world.meeting(json!({ "participants": ["member@demo.test", "student@demo.test"] })).await;
    let status = path(&meeting, "status");
    let read = async |who| {
        let answer = world.get(who, &status).await;
        answer.said("Meeting status retrieved successfully").clone()
    };
    let before = read(Who::Student).await;
    let expected = json!({
        "meeting_id": meeting, "status": "scheduled", "is_active": false, "started_at": null, "ended_at": null,
        "attendance_count": 0, "is_recording": false, "active_participants": 0,
    });
    assert_eq!(before, expected);
    world.post(Who::Host, &path(&meeting, "start"), Value::Null).await;
    for who in [Who::Host, Who::Member, Who::Student] {
        join(&world, who, &meeting).await;
    }
    world.post(Who::Student, &path(&meeting, "leave"), Value::Null).await.said("Left meeting successfully");
    let live = read(Who::Student).await;
    assert_eq!((&live["status"], &live["is_active"]), (&json!("in_progress"), &json!(true)));
    assert_eq!((&live["attendance_count"], &live["active_participants"]), (&json!(3), &json!(2)));
    assert!(live["started_at"].is_string());
    end(&world, &meeting).await;
    let ended = read(Who::Member).await;
    assert_eq!((&ended["status"], &ended["is_active"]), (&json!("ended"), &json!(false)));
    assert_eq!((&ended["attendance_count"], &ended["active_participants"]), (&json!(3), &json!(0)));
    assert!(ended["ended_at"].is_string());
    denied(&world.get(Who::Second, &status).await, FORBIDDEN);
    denied(&world.get(Who::Outsider, &status).await, FORBIDDEN);
}

#[tokio::test]
async fn v1_04_c_50_a_join_enters_with_the_camera_off_and_the_microphone_as_asked() {
    let world = World::new().await;
    let meeting = live_meeting(&world, json!({})).await;
    let seed = json!({
        "connection_id": "conn_123456789", "device_type": "desktop", "join_muted": true,
        "join_without_video": false,
    });
    let answer = world.post(Who::Member, &path(&meeting, "join"), seed).await;
    let data = answer.said("Joined meeting successfully");
    let expected = json!({
        "participant_id": data["participant_id"], "meeting_id": meeting,
        "user_id": world.user_id(Who::Member).await, "role": "co_host", "status": "joined", "is_muted": true,
        "is_video_enabled": false, "joined_at": answer.body["timestamp"],
    });
    assert_eq!(data, &expected);
    // The names that the guide's JavaScript client uses (C-75).
    let camel = json!({ "connectionId": "conn-1", "deviceType": "phone" });
    let answer = world.post(Who::Second, &path(&meeting, "join"), camel).await;
    assert_eq!(answer.said("Joined meeting successfully")["is_muted"], false);
    let list = world.get(Who::Member, &path(&meeting, "participants")).await;
    let list = list.said("Participants retrieved successfully");
    let devices: Vec<_> = list.as_array().unwrap().iter().map(|one| one["device_type"].clone()).collect();
    assert_eq!(devices, ["desktop", "phone"]);
}

#[tokio::test]
async fn v1_04_every_refusal_of_the_door_has_its_code() {
    let world = World::new().await;
    let scheduled = world.meeting(json!({ "waiting_room_enabled": true })).await;
    for who in [Who::Host, Who::Member] {
        denied(&world.post(who, &path(&scheduled, "join"), json!({})).await, NOT_LIVE);
    }
    let meeting =
        live_meeting(&world, json!({ "meeting_password": "sesame-4711", "max_participants": 2 })).await;
    let door = path(&meeting, "join");
    denied(&world.post(Who::Outsider, &door, json!({})).await, FORBIDDEN);
    denied(&world.post(Who::Admin, &door, json!({ "meeting_password": "sesame-4711" })).await, FORBIDDEN);
    let without = world.post(Who::Member, &door, json!({})).await;
    without.denied(403, "MEETING_PASSWORD_REQUIRED", "Meeting password required");
    let wrong = world.post(Who::Member, &door, json!({ "meeting_password": "sesame" })).await;
    wrong.denied(403, "INVALID_MEETING_PASSWORD", "Invalid meeting password");
    for who in [Who::Member, Who::Student] {
        let answer = world.post(who, &door, json!({ "meeting_password": "sesame-4711" })).await;
        answer.said("Joined meeting successfully");
    }
    let full = world.post(Who::Second, &door, json!({ "meeting_password": "sesame-4711" })).await;
    full.denied(403, "MAX_PARTICIPANTS_REACHED", "Meeting has reached participant limit");
    end(&world, &meeting).await;
    denied(&world.post(Who::Member, &door, json!({})).await, ENDED);
    for (field, value, reason) in [
        ("join_muted", json!("yes"), "must be true or false"),
        ("join_without_video", json!(1), "must be true or false"),
        ("device_type", json!("x".repeat(101)), "must have at most 100 characters"),
        ("connection_id", json!(7), "must be a string"),
    ] {
        world.post(Who::Member, &door, json!({ field: value })).await.invalid(field, reason);
    }
}

#[tokio::test]
async fn v1_04_a_locked_meeting_lets_nobody_in_and_those_inside_stay() {
    let world = World::new().await;
    let meeting = live_meeting(&world, json!({})).await;
    let inside = join(&world, Who::Member, &meeting).await;
    lock(&world, &meeting).await;
    let answer = world.post(Who::Student, &path(&meeting, "join"), json!({})).await;
    answer.denied(403, "MEETING_LOCKED", "Meeting is locked to new participants");
    assert_eq!(join(&world, Who::Member, &meeting).await["participant_id"], inside["participant_id"]);
}

/// Locks a meeting by its row.
async fn lock(world: &World, meeting: &str) {
    let locked = world.store.change_meeting(id(meeting), |meeting| {
        meeting.settings.entry.locked = true;
        Ok(())
    });
    let (meeting, ()) = locked.await.expect("is written");
    world.app.services.live.changed(&meeting).await;
}

#[tokio::test]
async fn v1_04_c_26_the_waiting_room_is_202_until_a_host_lets_in() {
    let world = World::new().await;
    let meeting = live_meeting(&world, json!({ "waiting_room_enabled": true })).await;
    let door = path(&meeting, "join");
    join(&world, Who::Host, &meeting).await;
    let first = world.post(Who::Student, &door, json!({ "join_muted": true })).await;
    assert_eq!(first.status.as_u16(), 202);
    let data = &first.body["data"];
    let expected = json!({
        "status": "success", "message": "Participant must wait for host approval",
        "code": "WAITING_ROOM_REQUIRED", "details": {}, "timestamp": first.body["timestamp"],
        "data": {
            "participant_id": data["participant_id"], "meeting_id": meeting,
            "user_id": world.user_id(Who::Student).await, "role": "attendee", "status": "waiting",
            "is_muted": true, "is_video_enabled": false, "joined_at": first.body["timestamp"],
        },
    });
    assert_eq!(first.body, expected);
    let again = world.post(Who::Student, &door, json!({})).await;
    assert_eq!((again.status.as_u16(), &again.body["data"]), (202, data), "the same place in the queue");

    // Hosts see who waits, others do not (C-37).
    let seen = async |who| {
        let answer = world.get(who, &path(&meeting, "participants")).await;
        let list = answer.said("Participants retrieved successfully").as_array().unwrap().clone();
        list.iter().map(|one| one["status"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(seen(Who::Host).await, ["joined", "waiting"]);
    assert_eq!(seen(Who::Second).await, ["joined"]);

    let status = path(&meeting, "participants/status");
    let student = world.user_id(Who::Student).await;
    denied(&world.put(Who::Student, &status, json!({ "is_in_waiting_room": false })).await, FORBIDDEN);
    let admit = json!({ "participant_user_id": student, "is_in_waiting_room": false });
    denied(&world.put(Who::Second, &status, admit.clone()).await, NOT_INSIDE);
    let admitted = world.put(Who::Host, &status, admit.clone()).await;
    let data = admitted.said("Participant status updated successfully");
    assert_eq!((&data["is_in_waiting_room"], &data["is_muted"]), (&json!(false), &json!(true)));
    let inside = world.post(Who::Student, &door, json!({})).await;
    let inside = inside.said("Joined meeting successfully");
    assert_eq!(inside["participant_id"], first.body["data"]["participant_id"]);
    assert_eq!(seen(Who::Second).await, ["joined", "joined"]);
    let again = world.put(Who::Host, &status, admit).await;
    again.said("Participant status updated successfully");
}

#[tokio::test]
async fn v1_05_whoever_leaves_hears_how_long_he_stayed() {
    let world = World::new().await;
    let meeting = live_meeting(&world, json!({})).await;
    let leave = path(&meeting, "leave");
    denied(&world.post(Who::Member, &leave, Value::Null).await, NOT_INSIDE);
    denied(&world.post(Who::Outsider, &leave, Value::Null).await, FORBIDDEN);
    let scheduled = world.meeting(json!({})).await;
    denied(&world.post(Who::Member, &path(&scheduled, "leave"), Value::Null).await, NOT_INSIDE);
    join(&world, Who::Member, &meeting).await;
    world.clock.advance(Duration::minutes(40));
    let answer = world.post(Who::Member, &leave, Value::Null).await;
    let expected = json!({
        "meeting_id": meeting, "left_at": answer.body["timestamp"], "duration_minutes": 40,
    });
    assert_eq!(answer.said("Left meeting successfully"), &expected);
    denied(&world.post(Who::Member, &leave, Value::Null).await, NOT_INSIDE);
    let trail = world.audit_details(&meeting).await;
    assert!(trail.iter().any(|line| line == "meeting.leave granted left"), "{trail:?}");
}

#[tokio::test]
async fn v1_05_whoever_waits_may_give_up() {
    let world = World::new().await;
    let meeting = live_meeting(&world, json!({ "waiting_room_enabled": true })).await;
    join(&world, Who::Host, &meeting).await;
    assert_eq!(world.post(Who::Student, &path(&meeting, "join"), json!({})).await.status.as_u16(), 202);
    world.post(Who::Student, &path(&meeting, "leave"), Value::Null).await.said("Left meeting successfully");
    let list = world.get(Who::Host, &path(&meeting, "participants")).await;
    assert_eq!(list.said("Participants retrieved successfully").as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn v1_05_whoever_waits_uninvited_may_give_up_as_well() {
    let world = World::new().await;
    let open = json!({ "waiting_room_enabled": true, "allow_guests": true });
    let meeting = live_meeting(&world, open).await;
    assert_eq!(world.post(Who::Admin, &path(&meeting, "join"), json!({})).await.status.as_u16(), 202);
    world.post(Who::Admin, &path(&meeting, "leave"), Value::Null).await.said("Left meeting successfully");
    denied(&world.post(Who::Admin, &path(&meeting, "leave"), Value::Null).await, FORBIDDEN);
}

#[tokio::test]
async fn v1_06_participants_are_the_sessions_inside_in_order_of_joining() {
    let world = World::new().await;
    let meeting = live_meeting(&world, json!({})).await;
    let list = path(&meeting, "participants");
    let empty = world.get(Who::Student, &list).await;
    assert_eq!(empty.said("Participants retrieved successfully"), &json!([]));
    let host = join(&world, Who::Host, &meeting).await;
    join(&world, Who::Student, &meeting).await;
    let answer = world.get(Who::Student, &list).await;
    let people = answer.said("Participants retrieved successfully");
    let expected = json!({
        "participant_id": host["participant_id"], "user_id": world.user_id(Who::Host).await,
        "user_name": people[0]["user_name"], "role": "host", "status": "joined", "is_muted": false,
        "is_video_enabled": false, "is_screen_sharing": false, "is_hand_raised": false,
        "joined_at": host["joined_at"], "device_type": "unknown",
    });
    assert_eq!(people[0], expected);
    assert!(people[0]["user_name"].as_str().is_some_and(|name| !name.is_empty()));
    assert_eq!((people.as_array().map(Vec::len), &people[1]["role"]), (Some(2), &json!("attendee")));
    denied(&world.get(Who::Admin, &list).await, FORBIDDEN);
    denied(&world.get(Who::Outsider, &list).await, FORBIDDEN);
}

#[tokio::test]
async fn v1_07_one_changes_ones_own_status_and_the_rest_stays() {
    let world = World::new().await;
    let meeting = live_meeting(&world, json!({})).await;
    let status = path(&meeting, "participants/status");
    denied(&world.put(Who::Student, &status, json!({ "is_muted": true })).await, NOT_INSIDE);
    denied(&world.put(Who::Admin, &status, json!({ "is_muted": true })).await, FORBIDDEN);
    let scheduled = world.meeting(json!({})).await;
    let early = world.put(Who::Member, &path(&scheduled, "participants/status"), json!({})).await;
    denied(&early, NOT_LIVE);
    join(&world, Who::Student, &meeting).await;
    let seed = json!({
        "is_muted": false, "is_video_enabled": true, "is_screen_sharing": false, "is_hand_raised": true,
        "is_in_waiting_room": false,
    });
    let answer = world.put(Who::Student, &status, seed.clone()).await;
    assert_eq!(answer.said("Participant status updated successfully"), &seed);
    let answer = world.put(Who::Student, &status, json!({ "is_screen_sharing": true })).await;
    let mut expected = seed;
    expected["is_screen_sharing"] = true.into();
    assert_eq!(answer.said("Participant status updated successfully"), &expected);
    for (field, value, reason) in [
        ("is_muted", json!("no"), "must be true or false"),
        ("is_in_waiting_room", json!(true), "nobody is sent back to the waiting room"),
        ("participant_user_id", json!(7), "must be a string"),
    ] {
        world.put(Who::Student, &status, json!({ field: value })).await.invalid(field, reason);
    }
}

#[tokio::test]
async fn v1_07_what_is_switched_off_is_refused_and_then_nothing_of_it_happens() {
    let world = World::new().await;
    let features = json!({ "screen_sharing_enabled": false, "hand_raise_enabled": false });
    let meeting = live_meeting(&world, json!({ "features": features })).await;
    let status = path(&meeting, "participants/status");
    join(&world, Who::Student, &meeting).await;
    let answer =
        world.put(Who::Student, &status, json!({ "is_muted": true, "is_screen_sharing": true })).await;
    answer.denied(403, "SCREEN_SHARE_DISABLED", "Screen sharing is disabled");
    let answer = world.put(Who::Student, &status, json!({ "is_hand_raised": true })).await;
    let details = json!({ "feature": "Hand raising is disabled for this meeting" });
    answer.denied_with(FORBIDDEN.0, FORBIDDEN.1, FORBIDDEN.2, &details);
    let answer = world.put(Who::Student, &status, json!({ "is_hand_raised": false })).await;
    assert_eq!(answer.said("Participant status updated successfully")["is_muted"], false);
}

#[tokio::test]
async fn v1_07_c_44_hosts_mute_and_lower_hands_and_open_nothing() {
    let world = World::new().await;
    let meeting = live_meeting(&world, json!({})).await;
    let status = path(&meeting, "participants/status");
    for who in [Who::Host, Who::Second, Who::Student] {
        join(&world, who, &meeting).await;
    }
    let student = world.user_id(Who::Student).await;
    let of = |mut change: Value| {
        change["participant_user_id"] = json!(student);
        change
    };
    let up = world.put(Who::Student, &status, json!({ "is_hand_raised": true })).await;
    up.said("Participant status updated successfully");
    denied(&world.put(Who::Second, &status, of(json!({ "is_muted": true }))).await, FORBIDDEN);
    let both = world.put(Who::Host, &status, of(json!({ "is_muted": true, "is_hand_raised": false }))).await;
    let data = both.said("Participant status updated successfully");
    assert_eq!((&data["is_muted"], &data["is_hand_raised"]), (&json!(true), &json!(false)));
    denied(&world.put(Who::Student, &status, json!({ "is_muted": false })).await, FORBIDDEN);
    let lifted = world.put(Who::Host, &status, of(json!({ "is_muted": false }))).await;
    assert_eq!(lifted.said("Participant status updated successfully")["is_muted"], true, "nothing is opened");
    let own = world.put(Who::Student, &status, json!({ "is_muted": false })).await;
    assert_eq!(own.said("Participant status updated successfully")["is_muted"], false);
    for nothing in [json!({ "is_video_enabled": true }), json!({ "is_screen_sharing": true })] {
        denied(&world.put(Who::Host, &status, of(nothing)).await, FORBIDDEN);
    }
    let nobody = json!({ "participant_user_id": world.user_id(Who::Member).await, "is_muted": true });
    denied(&world.put(Who::Host, &status, nobody).await, NOT_INSIDE);
    let trail = world.trail(&meeting).await;
    for line in ["participant.mute granted", "participant.unmute granted"] {
        assert!(trail.iter().any(|one| one == line), "{line} in {trail:?}");
    }
}

#[tokio::test]
async fn v1_04_c_08_who_comes_by_a_request_is_seen_and_heard_in_the_other_dialect() {
    let world = support::World::start().await;
    let (meeting, host, _) = world.hosted(json!({})).await;
    let (token, user) = (world.token("member").await, world.user("member").await);
    let joined = world.post(&path(&meeting, "join"), &token, json!({ "join_muted": true })).await;
    let came = host.expect("participant-joined").await;
    assert_eq!((&came["participantId"], &came["userId"]), (&joined["data"]["participant_id"], &json!(user)));
    assert_eq!((&came["audio"], &came["video"]), (&json!(false), &json!(false)), "{came}");
    let status = path(&meeting, "participants/status");
    let changed = world.put(&status, &token, json!({ "is_muted": false, "is_hand_raised": true })).await;
    assert_eq!(changed["data"]["is_muted"], false, "{changed}");
    let media = host.expect("participant-media-updated").await;
    assert_eq!((&media["participantId"], &media["audio"]), (&joined["data"]["participant_id"], &json!(true)));
    assert_eq!(host.expect("hand-raised").await["raised"], true);
    world.post(&path(&meeting, "leave"), &token, json!({})).await;
    let left = host.expect("participant-left").await;
    assert_eq!(
        (&left["participantId"], &left["reason"]),
        (&joined["data"]["participant_id"], &json!("left"))
    );
}

#[tokio::test]
async fn c_17_a_socket_goes_on_with_the_session_of_a_request_and_ends_it_by_leaving() {
    let world = support::World::start().await;
    let (meeting, host, _) = world.hosted(json!({})).await;
    let token = world.token("member").await;
    let label = json!({ "connection_id": "tab-1" });
    let joined = world.post(&path(&meeting, "join"), &token, label).await;
    let session = joined["data"]["participant_id"].clone();
    host.expect("participant-joined").await;
    let (socket, id) = world.joined("member", &meeting).await;
    assert_eq!(json!(id), session, "the same session");
    assert!(!host.heard().contains(&"participant-left".to_owned()));
    let sent = socket.call("send-message", json!({ "meetingId": meeting, "message": "hello" })).await;
    assert_eq!(sent["success"], true, "{sent}");
    assert_eq!(host.expect("new-message").await["message"]["message"], "hello");
    drop(socket);
    let left = host.expect("participant-left").await;
    assert_eq!((&left["participantId"], &left["reason"]), (&session, &json!("disconnected")));
}

#[tokio::test]
async fn c_17_a_socket_of_another_label_is_a_second_session_of_the_same_person() {
    let world = support::World::start().await;
    let (meeting, _host, _) = world.hosted(json!({ "max_participants": 2 })).await;
    let token = world.token("member").await;
    let joined = world.post(&path(&meeting, "join"), &token, json!({ "connection_id": "tab-1" })).await;
    let socket = world.connect("member").await;
    let other = json!({ "meetingId": meeting, "connection_id": "tab-2" });
    let second = socket.call("join-meeting", other).await;
    assert_eq!(second["success"], true, "one person, one seat: {second}");
    assert_ne!(second["participantId"], joined["data"]["participant_id"]);
    let list = world.get(&path(&meeting, "participants"), &token).await;
    assert_eq!(list["data"].as_array().map(Vec::len), Some(3), "{list}");
}

#[tokio::test]
async fn v1_05_a_socket_hears_that_a_request_left_for_it() {
    let world = support::World::start().await;
    let (meeting, _host, _) = world.hosted(json!({})).await;
    let (socket, id) = world.joined("member", &meeting).await;
    let left = world.post(&path(&meeting, "leave"), &world.token("member").await, json!({})).await;
    assert_eq!(left["status"], "success", "{left}");
    assert_eq!(socket.expect("participant-left").await["participantId"], json!(id));
}

fn id(meeting: &str) -> MeetingId {
    MeetingId::parse(meeting).expect("an id")
}
