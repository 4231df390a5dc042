//! Entering and leaving over Socket.IO: seed 002 and what the conflicts decided about it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "the helpers of a test fail by panicking")]

mod support;

use plenum_control::domain::id::MeetingId;
use serde_json::{Value, json};
use support::socket::Client;
use support::{World, refused};
use time::macros::datetime;

#[tokio::test]
async fn rt_07_jf_02_a_single_user_joins_an_empty_room_with_an_id_of_his_own() {
    let world = World::start().await;
    let meeting = world.meeting(json!({})).await;
    let host = world.connect("host").await;
    host.emit(
        "join-meeting",
        json!({ "meetingId": meeting, "userId": world.user("host").await, "userName": "Ada" }),
    );
    let joined = host.expect("meeting-joined").await;
    assert_eq!(joined["success"], true);
    assert_eq!(joined["participants"], json!([]));
    assert_eq!(joined["meeting"]["id"], meeting);
    assert_eq!(
        (&joined["meeting"]["meeting_status"], &joined["meeting"]["meeting_name"]),
        (&json!("live"), &json!("Test"))
    );
    assert_eq!(joined["meeting"]["creator_id"], world.user("host").await);
    assert_ne!(joined["participantId"], joined["meeting"]["creator_id"]);
    assert_eq!(joined["webrtcConfig"]["ice_servers"], json!([{ "urls": "stun:stun.example.org" }]));
    assert!(joined["webrtcConfig"]["router_id"].is_string());
    assert!(!joined["webrtcConfig"]["router_capabilities"]["codecs"].as_array().unwrap().is_empty());
    assert!(host.heard_of("error").is_empty());
}

#[tokio::test]
async fn rt_07_jf_03_a_second_user_sees_the_first_and_is_announced_to_him() {
    let world = World::start().await;
    let (meeting, host, host_id) = world.hosted(json!({})).await;
    let member = world.connect("member").await;
    member.emit("join-meeting", json!({ "meetingId": meeting, "userName": "Bob" }));
    let joined = member.expect("meeting-joined").await;
    let others = joined["participants"].as_array().unwrap();
    assert_eq!(others.len(), 1);
    assert_eq!(others[0]["participantId"], host_id);
    assert_eq!(others[0]["userId"], world.user("host").await);
    assert_eq!(
        (&others[0]["audio"], &others[0]["video"], &others[0]["screen"]),
        (&json!(true), &json!(true), &json!(false))
    );
    let heard = host.expect("participant-joined").await;
    assert_eq!(heard["participantId"], joined["participantId"]);
    assert_eq!((&heard["userName"], &heard["userId"]), (&json!("Bob"), &json!(world.user("member").await)));
    assert_eq!(
        (&heard["audio"], &heard["video"], &heard["screen"]),
        (&json!(true), &json!(true), &json!(false))
    );
    let permissions = &heard["permissions"];
    assert_eq!(
        (&permissions["canShare"], &permissions["canChat"], &permissions["canRecord"]),
        (&json!(true), &json!(true), &json!(false))
    );
    assert_eq!(permissions["can_manage_participants"], false);
}

#[tokio::test]
async fn rt_07_a_third_user_sees_both_and_both_hear_of_him() {
    let world = World::start().await;
    let (meeting, host, host_id) = world.hosted(json!({})).await;
    let (member, member_id) = world.joined("member", &meeting).await;
    host.expect("participant-joined").await;
    let third = world.connect("second").await;
    let joined = third.call("join-meeting", json!(meeting)).await;
    let ids: Vec<_> =
        joined["participants"].as_array().unwrap().iter().map(|p| p["participantId"].clone()).collect();
    assert_eq!(ids, [json!(host_id), json!(member_id)]);
    for other in [&host, &member] {
        assert_eq!(other.expect("participant-joined").await["participantId"], joined["participantId"]);
    }
}

#[tokio::test]
async fn rt_07_rt_01_jf_05_leaving_and_coming_back_gives_a_new_id_and_no_double() {
    let world = World::start().await;
    let (meeting, host, _) = world.hosted(json!({})).await;
    let (member, first) = world.joined("member", &meeting).await;
    host.expect("participant-joined").await;
    member.emit("leave-meeting", json!({ "meetingId": meeting }));
    let left = host.expect("participant-left").await;
    assert_eq!((&left["participantId"], &left["reason"]), (&json!(first), &json!("left")));
    let again = member.call("join-meeting", json!({ "meetingId": meeting })).await;
    assert_ne!(again["participantId"], first);
    assert_eq!(again["participants"].as_array().unwrap().len(), 1);
    assert_eq!(host.expect("participant-joined").await["participantId"], again["participantId"]);
    let roster = world.get(&format!("/api/meeting/{meeting}/participants"), &world.token("host").await).await;
    assert_eq!(roster["data"].as_array().unwrap().len(), 2, "{roster}");
}

#[tokio::test]
async fn rt_07_jf_06_a_lost_connection_is_a_participant_who_left() {
    let world = World::start().await;
    let (meeting, host, _) = world.hosted(json!({})).await;
    let (member, id) = world.joined("member", &meeting).await;
    drop(member);
    let left = host.expect("participant-left").await;
    assert_eq!((&left["participantId"], &left["reason"]), (&json!(id), &json!("disconnected")));
    let later = world.connect("second").await;
    let joined = later.call("join-meeting", json!({ "meetingId": meeting })).await;
    assert_eq!(joined["participants"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn kcs_ws_15_nobody_hears_his_own_arrival_and_meeting_joined_comes_first() {
    let world = World::start().await;
    let (meeting, host, _) = world.hosted(json!({})).await;
    let (member, _) = world.joined("member", &meeting).await;
    member.call("raise-hand", json!({ "meetingId": meeting, "raised": true })).await;
    member.expect("hand-raised").await;
    assert!(member.heard_of("participant-joined").is_empty());
    host.expect("participant-joined").await;
}

#[tokio::test]
async fn c_30_the_same_socket_joins_again_as_somebody_new() {
    let world = World::start().await;
    let (meeting, host, _) = world.hosted(json!({})).await;
    let (member, first) = world.joined("member", &meeting).await;
    let again = member.call("join-meeting", json!({ "meetingId": meeting })).await;
    assert_ne!(again["participantId"], first);
    let left = host.expect("participant-left").await;
    assert_eq!((&left["participantId"], &left["reason"]), (&json!(first), &json!("left")));
    assert!(member.heard_of("participant-left").is_empty());
}

#[tokio::test]
async fn c_30_a_second_device_is_a_second_session_and_takes_no_second_seat() {
    let world = World::start().await;
    let (meeting, _host, _) = world.hosted(json!({ "max_participants": 2 })).await;
    let (_phone, first) = world.joined("member", &meeting).await;
    let (_laptop, second) = world.joined("member", &meeting).await;
    assert_ne!(first, second);
    let late = world.connect("second").await;
    assert!(refused(&late.call("join-meeting", json!({ "meetingId": meeting })).await, "Meeting is full"));
}

#[tokio::test]
async fn c_03_a_meeting_is_found_under_every_spelling_of_its_id() {
    let world = World::start().await;
    let (meeting, host, _) = world.hosted(json!({})).await;
    for spelling in
        [meeting.to_lowercase(), format!("mtg_{meeting}"), format!("CALL_{}", meeting.to_lowercase())]
    {
        let (member, _) = world.joined("member", &spelling).await;
        host.expect("participant-joined").await;
        let left = member.call("leave-meeting", json!({ "meetingId": spelling })).await;
        assert_eq!(left["success"], true);
        host.expect("participant-left").await;
    }
}

#[tokio::test]
async fn c_21_the_checks_of_a_join_come_in_their_order() {
    let world = World::start().await;
    let meeting = world
        .meeting(json!({ "allow_guests": false, "meeting_password": "secret-word", "max_participants": 2 }))
        .await;
    let (member, second, outsider) =
        (world.connect("member").await, world.connect("second").await, world.connect("outsider").await);
    let join = |password: Option<&str>| json!({ "meetingId": meeting, "meeting_password": password });
    // Another campus comes before everything else; an uninvited person learns nothing about the password.
    let elsewhere = "Access denied - meeting not found in your campus";
    assert!(refused(&outsider.call("join-meeting", join(Some("secret-word"))).await, elsewhere));
    let uninvited = "Access denied: You are not invited to this meeting";
    assert!(refused(&second.call("join-meeting", join(Some("secret-word"))).await, uninvited));
    // Not live comes before the password.
    assert!(refused(&member.call("join-meeting", join(None)).await, "Meeting is not active"));
    let host = world.connect("host").await;
    assert!(refused(&host.call("join-meeting", join(Some("wrong-word"))).await, "Invalid meeting password"));
    assert_eq!(host.call("join-meeting", join(None)).await["success"], true);
    let missing = member.call("join-meeting", join(None)).await;
    assert!(refused(&missing, "Meeting password required"));
    assert_eq!(missing["code"], "MEETING_PASSWORD_REQUIRED");
    assert!(refused(
        &member.call("join-meeting", join(Some("wrong-word"))).await,
        "Invalid meeting password"
    ));
    let error = member.expect_where("error", |e| e["code"] == "INVALID_MEETING_PASSWORD").await;
    assert_eq!(
        (&error["message"], &error["event"]),
        (&json!("Invalid meeting password"), &json!("join-meeting"))
    );
    assert_eq!(member.call("join-meeting", join(Some("secret-word"))).await["success"], true);
    let ended =
        world.post(&format!("/api/meeting/{meeting}/end"), &world.token("host").await, json!({})).await;
    assert_eq!(ended["success"], true, "{ended}");
    // Over comes before the password, but after the invitation.
    assert!(refused(&member.call("join-meeting", join(None)).await, "Meeting has ended"));
    assert!(refused(&second.call("join-meeting", join(None)).await, uninvited));
}

/// People with an account and a socket.
async fn racers(world: &World, count: usize) -> Vec<Client> {
    let admin = world.token("admin").await;
    let mut racers = Vec::new();
    for n in 0..count {
        let email = format!("racer{n}@demo.test");
        let account = json!({ "name": format!("Racer {n}"), "email": email, "password": "demo-password",
            "user_type": "student", "campus_id": "default" });
        let made = world.post("/api/admin/users", &admin, account).await;
        assert_eq!(made["success"], true, "{made}");
        racers.push(world.connect(&format!("racer{n}")).await);
    }
    racers
}

/// All of them at the same moment.
async fn all_join(racers: &[Client], meeting: &str) -> Vec<Value> {
    let calls = racers.iter().map(|racer| racer.start_call("join-meeting", json!({ "meetingId": meeting })));
    futures_util::future::join_all(calls.collect::<Vec<_>>()).await.into_iter().map(Option::unwrap).collect()
}

#[tokio::test]
async fn kcs_ws_15_of_forty_who_come_at_once_each_sees_those_before_and_hears_of_those_after() {
    let world = World::start().await;
    let (meeting, host, host_id) = world.hosted(json!({})).await;
    let racers = racers(&world, 40).await;
    let answers = all_join(&racers, &meeting).await;
    let ids = |people: &Value| -> Vec<String> {
        people.as_array().unwrap().iter().map(|p| p["participantId"].as_str().unwrap().to_owned()).collect()
    };
    let mut everybody: Vec<_> =
        answers.iter().map(|answer| answer["participantId"].as_str().unwrap().to_owned()).collect();
    everybody.push(host_id);
    everybody.sort();
    for (racer, answer) in racers.iter().zip(&answers) {
        let before = ids(&answer["participants"]);
        let mut known = before.clone();
        known.push(answer["participantId"].as_str().unwrap().to_owned());
        for _ in known.len()..everybody.len() {
            known
                .push(racer.expect("participant-joined").await["participantId"].as_str().unwrap().to_owned());
        }
        known.sort();
        assert_eq!(known, everybody, "nobody twice, nobody missing");
    }
    host.call("raise-hand", json!({ "meetingId": meeting, "raised": true })).await;
    assert_eq!(host.heard_of("participant-joined").len(), 40);
    let stored = world.get(&format!("/api/meeting/{meeting}/participants"), &world.token("host").await).await;
    let joined = stored["data"].as_array().unwrap().iter().filter(|row| row["joined_at"].is_string()).count();
    assert_eq!(joined, everybody.len());
}

#[tokio::test]
async fn c_22_twenty_people_race_for_three_seats_and_three_get_them() {
    let world = World::start().await;
    let (meeting, host, _) = world.hosted(json!({ "max_participants": 4 })).await;
    let racers = racers(&world, 20).await;
    let answers = all_join(&racers, &meeting).await;
    let inside = answers.iter().filter(|answer| answer["success"] == true).count();
    assert_eq!(inside, 3);
    assert!(
        answers
            .iter()
            .filter(|a| a["success"] == false)
            .all(|a| refused(a, "Meeting is full") && a["code"] == "MEETING_FULL")
    );
    for _ in 0..3 {
        host.expect("participant-joined").await;
    }
    host.call("raise-hand", json!({ "meetingId": meeting, "raised": true })).await;
    assert!(host.heard_of("participant-joined").is_empty());
}

#[tokio::test]
async fn c_34_the_end_is_heard_once_and_everybody_is_out_while_sockets_stay() {
    let world = World::start().await;
    let (meeting, host, _) = world.hosted(json!({})).await;
    let (member, _) = world.joined("member", &meeting).await;
    let ended =
        world.post(&format!("/api/meeting/{meeting}/end"), &world.token("host").await, json!({})).await;
    assert_eq!(ended["data"]["final_stats"]["max_participants"], 2, "{ended}");
    for client in [&host, &member] {
        let heard = client.expect("meeting-ended").await;
        assert_eq!(heard["meetingId"], meeting);
        assert!(refused(
            &client.call("raise-hand", json!({ "meetingId": meeting, "raised": true })).await,
            "Access denied"
        ));
        assert!(client.heard_of("participant-left").is_empty());
    }
}

#[tokio::test]
async fn add_ev_07_people_on_the_roster_hear_that_their_meeting_starts() {
    let world = World::start().await;
    let member = world.connect("member").await;
    let stranger = world.connect("second").await;
    let (meeting, _host, _) = world.hosted(json!({})).await;
    let heard = member.expect("meeting-started").await;
    assert_eq!((&heard["meetingId"], &heard["meeting"]["status"]), (&json!(meeting), &json!("live")));
    stranger.call("leave-meeting", json!({ "meetingId": meeting })).await;
    assert!(stranger.heard_of("meeting-started").is_empty());
}

#[tokio::test]
async fn add_ev_01_add_ev_02_add_ev_03_a_waiting_person_is_announced_and_let_in() {
    let world = World::start().await;
    let (meeting, host, _) = world.hosted(json!({ "waiting_room_enabled": true })).await;
    let member = world.connect("member").await;
    let waits = member.call("join-meeting", json!({ "meetingId": meeting, "userName": "Bob" })).await;
    assert_eq!((&waits["success"], &waits["waiting"]), (&json!(true), &json!(true)));
    let told = member.expect("waiting-room-joined").await;
    assert_eq!(told["participantId"], waits["participantId"]);
    let request = host.expect("join-request").await;
    assert_eq!((&request["participantId"], &request["userName"]), (&waits["participantId"], &json!("Bob")));
    let media = member.call("create-transport", json!({ "meetingId": meeting, "direction": "send" })).await;
    assert!(refused(&media, "Access denied"));
    let admitted = host
        .call("admit-participant", json!({ "meetingId": meeting, "participantId": waits["participantId"] }))
        .await;
    assert_eq!(admitted["success"], true, "{admitted}");
    assert_eq!(member.expect("meeting-joined").await["participants"].as_array().unwrap().len(), 1);
    host.expect("participant-joined").await;
}

#[tokio::test]
async fn add_ev_04_a_waiting_person_may_be_turned_away_but_not_by_anybody() {
    let world = World::start().await;
    let (meeting, host, _) = world.hosted(json!({ "require_host_approval": true })).await;
    let member = world.connect("member").await;
    let waits = member.call("join-meeting", json!({ "meetingId": meeting })).await;
    let named = json!({ "meetingId": meeting, "participantId": waits["participantId"] });
    let second = world.connect("second").await;
    assert!(refused(&second.call("deny-participant", named.clone()).await, "Access denied"));
    assert_eq!(host.call("deny-participant", named.clone()).await["success"], true);
    assert_eq!(member.expect("error").await["message"], "Access denied");
    assert!(refused(&host.call("admit-participant", named).await, "Participant not found"));
}

#[tokio::test]
async fn jf_01_the_payload_does_not_say_who_joins() {
    let world = World::start().await;
    let (meeting, host, _) = world.hosted(json!({})).await;
    let member = world.connect("member").await;
    let name = "  Eve\u{7}  ";
    member.emit(
        "join-meeting",
        json!({ "meetingId": meeting, "userId": world.user("admin").await, "userName": name }),
    );
    member.expect("meeting-joined").await;
    let heard = host.expect("participant-joined").await;
    assert_eq!((&heard["userId"], &heard["userName"]), (&json!(world.user("member").await), &json!("Eve")));
    assert_eq!(heard["role"], "attendee");
}

#[tokio::test]
async fn c_34_meetings_that_ended_do_not_use_up_those_a_socket_may_be_in() {
    let world = World::start().await;
    let (host, member) = (world.connect("host").await, world.connect("member").await);
    let token = world.token("host").await;
    for _ in 0..17 {
        let join = json!({ "meetingId": world.meeting(json!({})).await });
        for client in [&host, &member] {
            let joined = client.call("join-meeting", join.clone()).await;
            assert_eq!(joined["success"], true, "{joined}");
        }
        let path = format!("/api/meeting/{}/end", join["meetingId"].as_str().unwrap());
        world.post(&path, &token, json!({})).await;
    }
}

#[tokio::test]
async fn c_35_whoever_waits_for_a_meeting_that_is_called_off_hears_so() {
    let world = World::start().await;
    let meeting = world.meeting(json!({ "waiting_room_enabled": true })).await;
    let member = world.connect("member").await;
    let waits = member.call("join-meeting", json!({ "meetingId": meeting })).await;
    assert_eq!(waits["waiting"], true, "{waits}");
    world.delete(&format!("/api/meeting/{meeting}"), &world.token("host").await).await;
    assert_eq!(member.expect("meeting-ended").await["meetingId"], meeting);
}

#[tokio::test]
async fn c_39_c_21_whoever_joins_meets_what_his_occurrence_became_by_its_series() {
    let world = World::start().await;
    let daily = json!({ "recurrence": "FREQ=DAILY;COUNT=3", "waiting_room_enabled": true });
    let first = world.meeting(daily).await;
    let services = &world.app.services;
    services.clock.advance(datetime!(2030-01-01 09:30 UTC) - services.clock.now());
    assert_eq!(services.meetings.make_due_occurrences().await.expect("the database works"), 1);
    let host = world.token("host").await;
    let meetings = world.get("/api/meeting", &host).await;
    let ids = meetings["data"].as_array().unwrap().iter().map(|meeting| meeting["id"].as_str().unwrap());
    let second = ids.into_iter().find(|id| *id != first).unwrap();
    let join = json!({ "meetingId": second });
    let waiting = world.connect("member").await;
    assert_eq!(waiting.call("join-meeting", join.clone()).await["waiting"], true);
    let change = json!({ "meeting_password": "secret-word" });
    let changed = world.put(&format!("/api/meeting/{first}?series=true"), &host, change).await;
    assert_eq!(changed["success"], true, "{changed}");
    let late = world.connect("member").await;
    assert!(refused(&late.call("join-meeting", join).await, "Meeting password required"));
}

#[tokio::test]
async fn c_29_admitting_somebody_by_record_or_user_admits_all_of_his_sessions() {
    let world = World::start().await;
    let (meeting, host, _) = world.hosted(json!({ "require_host_approval": true })).await;
    let path = format!("/api/meeting/{meeting}/participants");
    let roster = world.get(&path, &world.token("host").await).await;
    let user = world.user("member").await;
    let record = roster["data"].as_array().unwrap().iter().find(|row| row["user_id"] == user).unwrap();
    for (event, named, answer) in [
        ("deny-participant", &record["id"], "error"),
        ("deny-participant", &json!(user), "error"),
        ("admit-participant", &record["id"], "meeting-joined"),
    ] {
        let sessions = [world.connect("member").await, world.connect("member").await];
        for session in &sessions {
            let waits = session.call("join-meeting", json!({ "meetingId": meeting })).await;
            assert_eq!(waits["waiting"], true, "{waits}");
        }
        let decided = host.call(event, json!({ "meetingId": meeting, "participantId": named })).await;
        assert_eq!(decided["success"], true, "{decided}");
        for session in &sessions {
            session.expect(answer).await;
        }
    }
}

#[tokio::test]
async fn sec_01_c_20_starting_by_entering_and_leaving_are_audited() {
    let world = World::start().await;
    let (meeting, host, _) = world.hosted(json!({})).await;
    host.call("leave-meeting", json!({ "meetingId": meeting })).await;
    let trail = world.app.store.audit_of(MeetingId::parse(&meeting).unwrap()).await.unwrap();
    let deeds: Vec<_> = trail.iter().map(|line| line.action.as_str()).collect();
    assert_eq!(deeds, ["meeting.create", "meeting.start", "meeting.join", "meeting.leave"]);
    let host = world.user("host").await;
    assert!(trail.iter().all(|line| line.actor.as_deref() == Some(&host)), "{trail:?}");
}
