//! Changes of the roster while people are inside: rights, tracks, doors and who hears what.

use plenum_shared::command::RoomCommand;
use plenum_shared::id::ProducerId;
use plenum_shared::media::Kind;
use serde_json::{Value, json};

use crate::support::node::rtp_parameters;
use crate::support::socket::Client;
use crate::support::{World, refused};

pub async fn produce(client: &Client, meeting: &str, kind: Kind, source: &str) -> ProducerId {
    let made = try_produce(client, meeting, kind, source).await;
    made["producerId"].as_str().unwrap_or_else(|| panic!("{made}")).parse().unwrap()
}

pub async fn try_produce(client: &Client, meeting: &str, kind: Kind, source: &str) -> Value {
    let parameters = rtp_parameters(kind);
    let payload =
        json!({ "meetingId": meeting, "kind": kind, "source": source, "rtpParameters": parameters });
    client.call("produce", payload).await
}

pub async fn open_send(client: &Client, meeting: &str) {
    let opened = client.call("create-transport", json!({ "meetingId": meeting, "direction": "send" })).await;
    assert_eq!(opened["success"], true, "{opened}");
}

impl World {
    pub async fn set_role(&self, by: &str, meeting: &str, person: &str, body: Value) {
        let path = format!("/api/meeting/{meeting}/participants/{person}/role");
        let answer = self.patch(&path, &self.token(by).await, body).await;
        assert_eq!(answer["success"], true, "{answer}");
    }

    async fn remove(&self, meeting: &str, body: Value) -> Value {
        let path = format!("/api/meeting/{meeting}/participants");
        let answer = self.delete_with(&path, &self.token("host").await, body).await;
        assert_eq!(answer["success"], true, "{answer}");
        answer["data"].clone()
    }
}

#[tokio::test]
async fn kcs_13_add_ev_09_whoever_loses_the_right_to_share_stops_sharing_on_the_media_plane_too() {
    let world = World::start().await;
    let node = world.node().await;
    let (meeting, host, _) = world.hosted(json!({})).await;
    let (member, member_id) = world.joined("member", &meeting).await;
    open_send(&member, &meeting).await;
    let camera = produce(&member, &meeting, Kind::Video, "camera").await;
    let screen = produce(&member, &meeting, Kind::Video, "screen").await;
    let taken = json!({ "new_role": "attendee", "permissions": { "can_share_screen": false } });
    world.set_role("host", &meeting, &member_id, taken).await;
    let told = member.expect("participant-role-changed").await;
    assert_eq!((&told["participantId"], &told["new_role"]), (&json!(member_id), &json!("attendee")));
    assert_eq!(
        (&told["permissions"]["can_share_screen"], &told["permissions"]["canShare"]),
        (&json!(false), &json!(false))
    );
    for client in [&host, &member] {
        let closed = client.expect("producer-closed").await;
        assert_eq!(closed["producerId"], screen.to_string());
        let off = client
            .expect_where("participant-media-updated", |m| m["screen"] == false && m["video"] == true)
            .await;
        assert_eq!(off["participantId"], member_id);
    }
    assert!(host.heard_of("participant-role-changed").is_empty(), "others hear it only when that is wished");
    node.memory().asked(|c| *c == RoomCommand::CloseProducer { producer: screen }).await;
    assert!(!node.memory().commands().contains(&RoomCommand::CloseProducer { producer: camera }));
    assert!(refused(&try_produce(&member, &meeting, Kind::Video, "screen").await, "Access denied"));
    let status = json!({ "meetingId": meeting, "screenSharing": true });
    assert!(refused(&member.call("media-status-update", status).await, "Access denied"));
    world
        .set_role("host", &meeting, &member_id, json!({ "new_role": "attendee", "notify_others": true }))
        .await;
    assert_eq!(host.expect("participant-role-changed").await["permissions"]["can_share_screen"], true);
    produce(&member, &meeting, Kind::Video, "screen").await;
}

#[tokio::test]
async fn kcs_05_features_switched_off_close_what_runs_on_them() {
    let world = World::start().await;
    let node = world.node().await;
    let (meeting, host, _) = world.hosted(json!({})).await;
    let (member, _) = world.joined("member", &meeting).await;
    open_send(&member, &meeting).await;
    let mut tracks = Vec::new();
    for (kind, source) in [(Kind::Audio, "microphone"), (Kind::Video, "camera"), (Kind::Video, "screen")] {
        tracks.push(produce(&member, &meeting, kind, source).await);
    }
    let off = json!({ "features": { "audio_enabled": false, "video_enabled": false, "screen_sharing_enabled": false } });
    world.put(&format!("/api/meeting/{meeting}"), &world.token("host").await, off).await;
    for track in &tracks {
        host.expect_where("producer-closed", |closed| closed["producerId"] == track.to_string()).await;
        node.memory().asked(|c| *c == RoomCommand::CloseProducer { producer: *track }).await;
    }
    host.expect_where("participant-media-updated", |m| m["audio"] == false && m["video"] == false).await;
    let refusal = try_produce(&member, &meeting, Kind::Video, "camera").await;
    assert!(refused(&refusal, "Video is disabled for this meeting"), "{refusal}");
}

#[tokio::test]
async fn kcs_12_role_08_add_ev_41_add_ev_42_a_removed_person_is_out_of_every_session_at_once_and_stays_out() {
    let world = World::start().await;
    let node = world.node().await;
    let (meeting, host, _) = world.hosted(json!({ "allow_guests": false })).await;
    let (first, first_id) = world.joined("member", &meeting).await;
    let (second, second_id) = world.joined("member", &meeting).await;
    open_send(&first, &meeting).await;
    let body = json!({ "participant_ids": [second_id], "notify_existing_participants": true });
    let data = world.remove(&meeting, body).await;
    assert_eq!((&data["participants_removed"], &data["remaining_count"]), (&json!([second_id]), &json!(1)));
    for id in [&first_id, &second_id] {
        let left = host.expect_where("participant-left", |left| left["participantId"] == **id).await;
        assert_eq!(left["reason"], "kicked");
    }
    let news = host.expect("participants-removed").await;
    assert_eq!(news["participants"][0]["email"], "member@demo.test");
    for (client, id) in [(&first, &first_id), (&second, &second_id)] {
        let left = client.expect_where("participant-left", |left| left["participantId"] == **id).await;
        assert_eq!(left["reason"], "kicked");
        assert_eq!(client.expect("removed-from-meeting").await["meetingId"], meeting);
        let hand = json!({ "meetingId": meeting, "raised": true });
        assert!(refused(&client.call("raise-hand", hand).await, "Access denied"));
    }
    let session = first_id.parse().unwrap();
    node.memory().asked(|c| *c == RoomCommand::CloseSession { session }).await;
    let again = first.call("join-meeting", json!({ "meetingId": meeting })).await;
    assert!(refused(&again, "Access denied: You are not invited to this meeting"), "{again}");
    let path = format!("/api/meeting/{meeting}/participants");
    let token = world.token("host").await;
    world.post(&path, &token, json!({ "participants": ["member@demo.test"] })).await;
    let again = first.call("join-meeting", json!({ "meetingId": meeting })).await;
    assert_eq!(again["success"], true, "invited again: {again}");
    let roster = world.get(&path, &token).await;
    assert_eq!(roster["count"], 2, "one row a person: {roster}");
}

#[tokio::test]
async fn kcs_12_nobody_waits_any_longer_who_was_removed() {
    let world = World::start().await;
    let (meeting, host, _) = world.hosted(json!({ "waiting_room_enabled": true })).await;
    let member = world.connect("member").await;
    let waits = member.call("join-meeting", json!({ "meetingId": meeting })).await;
    host.expect("join-request").await;
    let quiet = json!({ "participant_ids": [waits["participantId"]], "notify_removed_participants": false });
    let data = world.remove(&meeting, quiet).await;
    assert_eq!(data["participants_removed"], json!([waits["participantId"]]));
    assert_eq!(member.expect("error").await["message"], "Access denied");
    let named = json!({ "meetingId": meeting, "participantId": waits["participantId"] });
    assert!(refused(&host.call("admit-participant", named).await, "Participant not found"));
    assert!(member.heard_of("removed-from-meeting").is_empty());
}

#[tokio::test]
async fn kcs_13_acc_12_somebody_who_is_made_host_inside_sees_who_waits_and_lets_them_in() {
    let world = World::start().await;
    let (meeting, _host, _) = world.hosted(json!({})).await;
    let (member, member_id) = world.joined("member", &meeting).await;
    let on = json!({ "waiting_room_enabled": true });
    world.put(&format!("/api/meeting/{meeting}"), &world.token("host").await, on).await;
    let student = world.connect("student").await;
    let waits = student.call("join-meeting", json!({ "meetingId": meeting })).await;
    assert_eq!(waits["waiting"], true, "{waits}");
    world.set_role("host", &meeting, &member_id, json!({ "new_role": "host" })).await;
    let request = member.expect("join-request").await;
    assert_eq!(request["participantId"], waits["participantId"]);
    let named = json!({ "meetingId": meeting, "participantId": waits["participantId"] });
    assert_eq!(member.call("admit-participant", named).await["success"], true);
    student.expect("meeting-joined").await;
}

#[tokio::test]
async fn kcs_11_add_ev_40_add_ev_43_those_inside_and_the_added_hear_of_it_as_wished() {
    let world = World::start().await;
    let (meeting, host, _) = world.hosted(json!({})).await;
    let (second, student) = (world.connect("second").await, world.connect("student").await);
    let (path, token) = (format!("/api/meeting/{meeting}/participants"), world.token("host").await);
    let quiet = json!({ "participants": ["student@demo.test"], "send_invitation": false, "notify_existing_participants": false });
    world.post(&path, &token, quiet).await;
    world.post(&path, &token, json!({ "participants": ["second@demo.test"] })).await;
    let news = host.expect("participants-added").await;
    assert_eq!((&news["meetingId"], &news["changedBy"]), (&json!(meeting), &json!(world.user("host").await)));
    assert_eq!(news["participants"].as_array().map(Vec::len), Some(1));
    assert_eq!(news["participants"][0]["email"], "second@demo.test");
    let invited = second.expect("meeting-invitation").await;
    assert_eq!((&invited["meetingId"], &invited["meeting"]["id"]), (&json!(meeting), &json!(meeting)));
    student.call("leave-meeting", json!({ "meetingId": meeting })).await;
    assert!(student.heard_of("meeting-invitation").is_empty());
    assert!(host.heard_of("participants-added").is_empty());
}
