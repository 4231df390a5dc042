//! A connection that breaks and comes back: nobody left, and nothing was missed (ADD-EV-18, ADD-EV-19).

use serde_json::json;

use crate::support::socket::Client;
use crate::support::{Setup, World};

/// A member inside who can come back, beside a host.
async fn resumable(world: &World) -> (String, Client, Client, String, String) {
    let (meeting, host, _) = world.hosted(json!({})).await;
    let token = world.token("member").await;
    let auth = json!({ "token": token, "resume": true });
    let member = Client::connect(world.port, auth).await.expect("connects");
    let joined = member.call("join-meeting", json!({ "meetingId": meeting })).await;
    member.expect("meeting-joined").await;
    host.expect("participant-joined").await;
    (meeting, host, member, joined["participantId"].as_str().expect("an id").to_owned(), token)
}

#[tokio::test]
async fn add_ev_18_add_ev_19_c_30_whoever_comes_back_in_time_never_left_and_missed_nothing() {
    let world = World::start().await;
    let (meeting, host, member, me, token) = resumable(&world).await;
    host.call("raise-hand", json!({ "meetingId": meeting, "raised": true })).await;
    member.expect("hand-raised").await;
    let auth = member.resumption(&token);
    drop(member);
    for raised in [false, true] {
        host.call("raise-hand", json!({ "meetingId": meeting, "raised": raised })).await;
        host.call("send-message", json!({ "meetingId": meeting, "message": "still there?" })).await;
    }
    let member = Client::connect(world.port, auth.clone()).await.expect("comes back");
    assert_eq!(member.accepted["pid"], auth["pid"]);
    assert_eq!(member.expect("resumed").await, json!({ "events": 4 }));
    assert_eq!(
        member.call("raise-hand", json!({ "meetingId": meeting, "raised": true })).await["success"],
        true
    );
    assert_eq!(
        member.heard(),
        ["hand-raised", "new-message", "hand-raised", "new-message", "hand-raised"],
        "in order, then what is new"
    );
    assert_eq!(
        host.expect_where("hand-raised", |hand| hand["participantId"] == me.as_str()).await["raised"],
        true
    );
    assert!(host.heard_of("participant-left").is_empty());
    // Once more, from a socket that the server still believes in.
    let auth = member.resumption(&token);
    let again = Client::connect(world.port, auth).await.expect("comes back");
    assert_eq!(again.expect("resumed").await, json!({ "events": 0 }));
    member.closed().await;
    again.disconnect();
    assert_eq!(host.expect("participant-left").await["participantId"], me.as_str());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn add_ev_18_of_two_that_come_back_at_once_one_goes_on_and_the_other_is_closed() {
    let world = World::start().await;
    let (_, _host, member, _, token) = resumable(&world).await;
    let auth = member.resumption(&token);
    drop(member);
    for _ in 0..10 {
        let (port, auth) = (world.port, auth.clone());
        let come = || tokio::spawn(Client::connect(port, auth.clone()));
        let (one, other) = tokio::join!(come(), come());
        // Whoever is overtaken may be gone before it is even accepted, which its task does not survive.
        let back: Vec<_> = [one, other].into_iter().flatten().map(|back| back.expect("is let in")).collect();
        match &back[..] {
            [one, other] => tokio::select! {
                () = one.closed() => {}
                () = other.closed() => {}
            },
            back => assert_eq!(back.len(), 1),
        }
    }
}

#[tokio::test]
async fn add_ev_18_what_ends_while_somebody_is_away_is_among_what_he_missed() {
    let world = World::start().await;
    let (meeting, _host, member, _, token) = resumable(&world).await;
    let auth = member.resumption(&token);
    drop(member);
    let host_token = world.token("host").await;
    world.post(&format!("/api/meeting/{meeting}/end"), &host_token, json!({})).await;
    let member = Client::connect(world.port, auth).await.expect("comes back");
    member.expect("resumed").await;
    assert_eq!(member.expect("meeting-ended").await["meetingId"], meeting.as_str());
    let refused = member.call("raise-hand", json!({ "meetingId": meeting, "raised": true })).await;
    assert_eq!(refused["success"], false);
}

#[tokio::test]
async fn add_ev_18_c_30_whoever_stays_away_has_left_and_starts_anew() {
    let resume_wait = std::time::Duration::from_millis(300);
    let world = World::with(Setup { resume_wait, ..Setup::default() }).await;
    let (meeting, host, member, me, token) = resumable(&world).await;
    let auth = member.resumption(&token);
    drop(member);
    let left = host.expect("participant-left").await;
    assert_eq!(
        (left["participantId"].as_str(), left["reason"].as_str()),
        (Some(me.as_str()), Some("disconnected"))
    );
    let member = Client::connect(world.port, auth.clone()).await.expect("connects");
    assert_ne!(member.accepted["pid"], auth["pid"]);
    let refused = member.call("raise-hand", json!({ "meetingId": meeting, "raised": true })).await;
    assert_eq!(refused["success"], false);
    assert!(member.heard_of("resumed").is_empty());
}

#[tokio::test]
async fn add_ev_18_a_password_changed_meanwhile_closes_the_way_back() {
    let resume_wait = std::time::Duration::from_millis(500);
    let world = World::with(Setup { resume_wait, ..Setup::default() }).await;
    let (_, host, member, me, token) = resumable(&world).await;
    let auth = member.resumption(&token);
    drop(member);
    let passwords = json!({ "currentPassword": "demo-password", "newPassword": "another-Password-1" });
    let changed = world.put("/api/auth/change-password", &token, passwords).await;
    assert_eq!(changed["success"], true, "{changed}");
    assert_eq!(Client::connect(world.port, auth).await.err().as_deref(), Some("Invalid token"));
    assert_eq!(host.expect("participant-left").await["participantId"], me.as_str());
}
