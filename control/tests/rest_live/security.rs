//! The security policy while people are inside: what stops, who is out, and who hears of it (V1-13, C-72).

use plenum_shared::command::RoomCommand;
use plenum_shared::media::Kind;
use serde_json::{Value, json};

use crate::people::{open_send, produce, try_produce};
use crate::support::socket::Client;
use crate::support::{World, refused};

impl World {
    /// The host changes the policy through the one route there is for it.
    async fn apply(&self, meeting: &str, change: Value) {
        let path = format!("/api/v1/meetings/{meeting}/security/policy");
        let answer = self.post(&path, &self.token("host").await, change).await;
        assert_eq!(answer["status"], "success", "{answer}");
        assert_eq!(answer["message"], "Security policy applied successfully");
        assert_eq!(answer["data"], Value::Null);
    }

    /// A live meeting with its host, a co-host and a member inside.
    async fn three(&self, changes: Value) -> (String, [Client; 3], [String; 3]) {
        let mut all = json!({ "participants": [{ "email": "second@demo.test", "role": "co_host" }, "member@demo.test"] });
        for (name, value) in changes.as_object().unwrap() {
            all[name] = value.clone();
        }
        let (meeting, host, host_id) = self.hosted(all).await;
        let (helper, helper_id) = self.joined("second", &meeting).await;
        let (member, member_id) = self.joined("member", &meeting).await;
        (meeting, [host, helper, member], [host_id, helper_id, member_id])
    }
}

/// Somebody who comes and has to wait; says under which id.
async fn knocks(world: &World, who: &str, meeting: &str) -> (Client, String) {
    let client = world.connect(who).await;
    client.emit("join-meeting", json!({ "meetingId": meeting }));
    let waits = client.expect("waiting-room-joined").await;
    (client, waits["participantId"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn v1_13_add_ev_64_everybody_inside_hears_the_policy_before_what_follows_and_nobody_whom_it_names() {
    let world = World::start().await;
    let node = world.node().await;
    let (meeting, clients, ids) = world.three(json!({})).await;
    let [host, helper, member] = &clients;
    let mut shared = Vec::new();
    for client in &clients {
        open_send(client, &meeting).await;
        shared.push(produce(client, &meeting, Kind::Video, "screen").await);
    }
    let change = json!({ "screen_share_permissions": "host", "allowed_domains": ["elsewhere.test"] });
    world.apply(&meeting, change).await;
    let closed = host.expect("producer-closed").await;
    assert_eq!((&closed["producerId"], &closed["participantId"]), (&json!(shared[2]), &json!(ids[2])));
    let expected = json!({ "meetingId": meeting, "securityPolicy": {
        "lockMeeting": false, "recordingPermissions": null, "screenSharePermissions": "host",
        "chatPermissions": "all", "muteOnEntry": false, "disableCamera": false,
    } });
    assert_eq!(host.heard_of("security-policy-changed"), [expected], "it came before, and once");
    node.memory().asked(|c| *c == RoomCommand::CloseProducer { producer: shared[2] }).await;
    let dark = member.expect_where("participant-media-updated", |m| m["screenSharing"] == false).await;
    assert_eq!(dark["participantId"], ids[2]);
    assert!(refused(&try_produce(member, &meeting, Kind::Video, "screen").await, "Access denied"));
    for screen in &shared[..2] {
        assert!(!node.memory().commands().contains(&RoomCommand::CloseProducer { producer: *screen }));
    }
    produce(helper, &meeting, Kind::Video, "screen").await;
    let again = world.connect("second").await;
    let joined = again.call("join-meeting", json!({ "meetingId": meeting })).await;
    assert!(refused(&joined, "Access denied"), "the creator alone is of no domain: {joined}");
    assert_eq!(host.heard_of("participant-left"), Vec::<Value>::new(), "only a block puts somebody out");
    // Whoever comes later finds the policy at the door, and his own abilities with it.
    world.apply(&meeting, json!({ "allowed_domains": [], "chat_permissions": "host" })).await;
    let late = world.connect("student").await;
    late.emit("join-meeting", json!({ "meetingId": meeting }));
    let joined = late.expect("meeting-joined").await;
    let policy = &joined["securityPolicy"];
    assert_eq!(
        (&policy["screenSharePermissions"], &policy["chatPermissions"]),
        (&json!("host"), &json!("host"))
    );
    let may = &joined["permissions"];
    assert_eq!((&may["canShare"], &may["canChat"]), (&json!(false), &json!(false)));
    assert_eq!(joined["meeting"].get("security_policy"), None, "for hosts, and not by broadcast");
}

#[tokio::test]
async fn v1_13_c_49_cameras_of_others_than_hosts_are_held_back_on_the_media_plane_and_stay_off() {
    let world = World::start().await;
    let node = world.node().await;
    let (meeting, clients, ids) = world.three(json!({})).await;
    let [host, _, member] = &clients;
    let mut cameras = Vec::new();
    for client in &clients {
        open_send(client, &meeting).await;
        cameras.push(produce(client, &meeting, Kind::Video, "camera").await);
    }
    world.apply(&meeting, json!({ "disable_camera": true })).await;
    let dark = host.expect_where("participant-media-updated", |m| m["video"] == false).await;
    assert_eq!((&dark["participantId"], &dark["audio"]), (&json!(ids[2]), &json!(true)));
    let held = RoomCommand::SetProducerPaused { producer: cameras[2], paused: true };
    node.memory().asked(|c| *c == held).await;
    assert_eq!([0, 1].map(|n| node.memory().is_paused(cameras[n])), [Some(false); 2]);
    let on = json!({ "meetingId": meeting, "video": true });
    assert!(refused(&member.call("media-status-update", on.clone()).await, "Access denied"));
    assert!(refused(&try_produce(member, &meeting, Kind::Video, "camera").await, "Access denied"));
    // Whoever begins to run the meeting may be seen, and has to show himself.
    world.set_role("host", &meeting, &ids[2], json!({ "new_role": "co_host" })).await;
    assert_eq!(node.memory().is_paused(cameras[2]), Some(true));
    assert_eq!(member.call("media-status-update", on.clone()).await["success"], true);
    let shown = RoomCommand::SetProducerPaused { producer: cameras[2], paused: false };
    node.memory().asked(|c| *c == shown).await;
    // And is held back again with the role.
    world.set_role("host", &meeting, &ids[2], json!({ "new_role": "attendee" })).await;
    member.expect_where("participant-media-updated", |m| m["video"] == false).await;
    assert!(refused(&member.call("media-status-update", on.clone()).await, "Access denied"));
    // Lifted, it opens nothing.
    world.apply(&meeting, json!({ "disable_camera": false })).await;
    assert_eq!(member.call("media-status-update", on).await["success"], true);
}

#[tokio::test]
async fn v1_13_c_49_people_come_in_silent_and_unseen_where_the_policy_says_so() {
    let world = World::start().await;
    let (meeting, _host, _) = world.hosted(json!({})).await;
    world.apply(&meeting, json!({ "mute_on_entry": true, "disable_camera": true })).await;
    let late = world.connect("student").await;
    late.emit("join-meeting", json!({ "meetingId": meeting }));
    let joined = late.expect("meeting-joined").await;
    assert_eq!((&joined["audio"], &joined["video"]), (&json!(false), &json!(false)));
    // Silence is for coming in only.
    let speaks = late.call("media-status-update", json!({ "meetingId": meeting, "audio": true })).await;
    assert_eq!(speaks["success"], true, "{speaks}");
}

#[tokio::test]
async fn v1_13_c_72_whoever_is_blocked_is_out_of_the_meeting_and_its_chat_and_stays_out() {
    let world = World::start().await;
    let node = world.node().await;
    let (meeting, clients, ids) = world.three(json!({})).await;
    let [host, helper, member] = &clients;
    open_send(member, &meeting).await;
    let elsewhere = world.connect("member").await;
    let listens = elsewhere.call("join-chat-rooms", json!({ "roomIds": [meeting] })).await;
    assert_eq!(listens["success"], true, "{listens}");
    let user = world.user("member").await;
    world.apply(&meeting, json!({ "blocked_users": [user] })).await;
    for client in [host, helper, member] {
        let left = client.expect("participant-left").await;
        assert_eq!((&left["participantId"], &left["reason"]), (&json!(ids[2]), &json!("kicked")));
    }
    host.expect("security-policy-changed").await;
    assert_eq!(member.heard_of("security-policy-changed"), Vec::<Value>::new(), "he is no part of it");
    node.memory()
        .asked(|c| matches!(c, RoomCommand::CloseSession { session } if session.0.to_string() == ids[2]))
        .await;
    let said = member.call("send-message", json!({ "meetingId": meeting, "message": "still here" })).await;
    assert!(refused(&said, "Access denied"), "{said}");
    assert!(refused(&member.call("join-meeting", json!({ "meetingId": meeting })).await, "Access denied"));
    let token = world.token("member").await;
    for path in [format!("/api/meeting/{meeting}"), format!("/api/meeting/{meeting}/chat")] {
        let (status, answer) = world.ask(&path, &token).await;
        assert_eq!((status, &answer["message"]), (403, &json!("Access denied")), "{path}");
    }
    let path = format!("/api/chat/rooms/{meeting}/messages");
    assert_eq!(world.post(&path, &token, json!({ "content": "hello" })).await["message"], "Access denied");
    host.call("send-message", json!({ "meetingId": meeting, "message": "now we are two" })).await;
    helper.expect("new-message").await;
    // A round over the same line: what was on its way is here.
    let again = elsewhere.call("join-chat-rooms", json!({ "roomIds": [meeting] })).await;
    assert_eq!((&again["success"], &again["rooms"]), (&json!(false), &json!([])), "{again}");
    assert_eq!(elsewhere.heard_of("new-chat-message"), Vec::<Value>::new());
    // Taken off the list he may come back.
    world.apply(&meeting, json!({ "blocked_users": [] })).await;
    world.joined("member", &meeting).await;
}

#[tokio::test]
async fn v1_13_c_72_whoever_waits_in_vain_is_turned_away_and_a_lock_leaves_the_others_waiting() {
    let world = World::start().await;
    let (meeting, host, _) = world.hosted(json!({ "require_host_approval": true })).await;
    let (member, _) = knocks(&world, "member", &meeting).await;
    let (student, student_id) = knocks(&world, "student", &meeting).await;
    host.expect("join-request").await;
    world.apply(&meeting, json!({ "lock_meeting": true })).await;
    let admits = json!({ "meetingId": meeting, "participantId": student_id });
    let locked = host.call("admit-participant", admits.clone()).await;
    assert!(refused(&locked, "Meeting is locked to new participants"), "{locked}");
    world.apply(&meeting, json!({ "blocked_users": [world.user("member").await] })).await;
    assert_eq!(member.expect("error").await["message"], "Access denied");
    world.apply(&meeting, json!({ "lock_meeting": false })).await;
    assert_eq!(host.call("admit-participant", admits).await["success"], true);
    student.expect("meeting-joined").await;
    let (second, _) = knocks(&world, "second", &meeting).await;
    world.apply(&meeting, json!({ "allow_anonymous_join": false })).await;
    assert_eq!(second.expect("error").await["message"], "Access denied");
    // Whoever is inside without an invitation stays.
    let says = student.call("raise-hand", json!({ "meetingId": meeting, "raised": true })).await;
    assert_eq!(says["success"], true, "{says}");
}

#[tokio::test]
async fn v1_13_kcs_05_when_nobody_has_to_wait_any_more_those_who_do_come_in_as_far_as_there_are_seats() {
    let world = World::start().await;
    for by_policy in [true, false] {
        let (meeting, host, _) =
            world.hosted(json!({ "waiting_room_enabled": true, "max_participants": 2 })).await;
        let (first, first_id) = knocks(&world, "member", &meeting).await;
        let (second, second_id) = knocks(&world, "student", &meeting).await;
        if by_policy {
            world.apply(&meeting, json!({ "require_waiting_room": false })).await;
        } else {
            let path = format!("/api/meeting/{meeting}");
            let off = json!({ "waiting_room_enabled": false });
            assert_eq!(world.put(&path, &world.token("host").await, off).await["success"], true);
        }
        assert_eq!(first.expect("meeting-joined").await["participantId"], first_id);
        assert_eq!(host.expect("participant-joined").await["participantId"], first_id);
        assert_eq!(second.heard(), Vec::<String>::new(), "there is no seat, and he goes on waiting");
        first.call("leave-meeting", json!({ "meetingId": meeting })).await;
        let admits = json!({ "meetingId": meeting, "participantId": second_id });
        assert_eq!(host.call("admit-participant", admits).await["success"], true);
        second.expect("meeting-joined").await;
    }
}

#[tokio::test]
async fn v1_13_rec_05_a_recording_goes_on_when_its_beginner_may_no_longer_record() {
    let world = World::start().await;
    let (meeting, [host, helper, member], _) =
        world.three(json!({ "features": { "recording_enabled": true } })).await;
    let toggle = |start: bool| json!({ "meetingId": meeting, "start": start });
    assert!(refused(&member.call("toggle-recording", toggle(true)).await, "Access denied"));
    world.apply(&meeting, json!({ "recording_permissions": "all" })).await;
    assert_eq!(member.call("toggle-recording", toggle(true)).await["success"], true);
    host.expect_where("recording-status-changed", |status| status["recording"] == true).await;
    world.apply(&meeting, json!({ "recording_permissions": "host" })).await;
    host.expect("security-policy-changed").await;
    assert!(refused(&member.call("toggle-recording", toggle(false)).await, "Access denied"));
    assert_eq!(host.heard_of("recording-ended"), Vec::<Value>::new());
    assert_eq!(helper.call("toggle-recording", toggle(false)).await["success"], true);
    host.expect("recording-ended").await;
}

#[tokio::test]
async fn v1_13_chat_06_a_chat_left_to_hosts_is_read_by_everybody_and_written_by_them() {
    let world = World::start().await;
    let (meeting, [host, helper, member], _) = world.three(json!({})).await;
    let sent = member.call("send-message", json!({ "meetingId": meeting, "message": "before" })).await;
    let id = sent["message"]["id"].as_str().unwrap_or_else(|| panic!("{sent}")).to_owned();
    world.apply(&meeting, json!({ "chat_permissions": "host" })).await;
    for refusal in [
        member.call("send-message", json!({ "meetingId": meeting, "message": "after" })).await,
        member.call("typing", json!({ "meetingId": meeting, "typing": true })).await,
    ] {
        assert!(refused(&refusal, "Access denied"), "{refusal}");
    }
    let token = world.token("member").await;
    let path = format!("/api/chat/messages/{id}");
    assert_eq!(world.put(&path, &token, json!({ "content": "other" })).await["message"], "Access denied");
    let path = format!("/api/chat/rooms/{meeting}/messages");
    assert_eq!(world.post(&path, &token, json!({ "content": "aside" })).await["message"], "Access denied");
    for client in [&host, &helper] {
        let said = client.call("send-message", json!({ "meetingId": meeting, "message": "hear" })).await;
        assert_eq!(said["success"], true, "{said}");
    }
    member.expect_where("new-message", |told| told["message"]["message"] == "hear").await;
    assert_eq!(world.get(&path, &token).await["success"], true, "reading stays");
}
