//! How a raw WebSocket ends: who leaves, who says and reads nothing, whose time is over (ADD-EV-10, C-46).

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use plenum_control::dialect::v1::pulse::Rhythm;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use super::{code_of, inside, raw, trio};
use crate::support::raw::{RawSocket, Stream};
use crate::support::socket::PATIENCE;
use crate::support::{Setup, World};

#[tokio::test]
async fn add_ev_10_whoever_leaves_hears_so_and_the_others_do_and_the_connection_stays() {
    let world = World::start().await;
    let (meeting, host, member, second) = trio(&world).await;
    member.send("leave", json!({}));
    let own = member.expect("leave").await;
    let told = second.expect("leave").await;
    assert_eq!((&told["user_id"], &told["data"]["reason"]), (&own["user_id"], &json!("left")));
    assert_eq!(told["data"]["participant_id"], own["data"]["participant_id"]);
    assert_eq!(host.expect("participant-left").await["reason"], "left");
    member.send("leave", json!({}));
    assert_eq!(code_of(&member.expect("error").await), "PARTICIPANT_NOT_FOUND");
    let again = member.join().await;
    assert_ne!(again["data"]["participant_id"], own["data"]["participant_id"], "another join, another id");
    second.expect("join").await;
    // Somebody of the other dialect leaves.
    let (third, id) = world.joined("student", &meeting).await;
    second.expect("join").await;
    third.call("leave-meeting", json!({ "meetingId": meeting })).await;
    assert_eq!(second.expect("leave").await["data"]["participant_id"], id);
    // A lost socket is a session that is over.
    drop(member);
    let lost = second.expect("leave").await;
    assert_eq!(lost["data"]["reason"], "disconnected");
    // A removed person hears it; nothing but the meeting is over for him.
    let token = world.token("host").await;
    let gone = json!({ "participant_ids": [world.user("second").await] });
    world.delete_with(&format!("/api/meeting/{meeting}/participants"), &token, gone).await;
    assert_eq!(second.expect("leave").await["data"]["reason"], "kicked");
    second.settled().await;
}

#[tokio::test]
async fn add_ev_10_c_34_the_end_of_a_meeting_is_told_and_closes_with_1000() {
    let world = World::start().await;
    let (meeting, host, member, second) = trio(&world).await;
    let token = world.token("host").await;
    world.post(&format!("/api/v1/meetings/{meeting}/end"), &token, json!({})).await;
    for socket in [&member, &second] {
        let ended = socket.expect("meeting_ended").await;
        assert_eq!((&ended["meeting_id"], &ended["data"]["reason"]), (&json!(meeting), &json!("host")));
        assert!(ended["data"]["ended_at"].is_string());
        assert_eq!(socket.closed().await, (1000, "Meeting has ended".to_owned()));
        assert!(socket.heard().is_empty(), "no leave for each: {:?}", socket.heard());
    }
    host.expect("meeting-ended").await;
}

#[tokio::test]
async fn v1_ws_c_46_who_answers_pings_stays_and_who_says_nothing_is_closed() {
    let rhythm = Rhythm { ping_every: Duration::from_millis(20), silence_max: Duration::from_secs(3) };
    let world = World::with(Setup { rhythm, ..Setup::default() }).await;
    let (meeting, host, _) = world.hosted(json!({})).await;
    let (member, _) = inside(&world, "member", &meeting).await;
    let token = world.token("second").await;
    let mut silent = RawSocket::open(world.port, &format!("/ws/meetings/{meeting}"), Some(&token))
        .await
        .expect("upgrades");
    silent.send(Message::text(r#"{"type":"join"}"#)).await.expect("sends");
    // Not reading, this library does not answer either.
    let left = host.expect("participant-left").await;
    assert_eq!(left["reason"], "disconnected");
    let close = last_of(&mut silent).await;
    assert_eq!(close, Some((1008, "Nothing was heard for too long".to_owned())));
    crate::support::eventually("pings", || member.pings() > 20).await;
    member.settled().await;
}

#[tokio::test]
async fn v1_ws_a_client_that_reads_nothing_is_out_and_nobody_waits_for_it() {
    let world = World::start().await;
    let (meeting, host, _) = world.hosted(json!({})).await;
    let token = world.token("member").await;
    let mut deaf = RawSocket::open(world.port, &format!("/ws/meetings/{meeting}"), Some(&token))
        .await
        .expect("upgrades");
    deaf.send(Message::text(r#"{"type":"join"}"#)).await.expect("sends");
    let id = host.expect("participant-joined").await["participantId"].clone();
    let left = host.talk_until_somebody_is_out(&meeting).await;
    assert_eq!((&left["participantId"], &left["reason"]), (&id, &json!("disconnected")));
    // Had it read in time, it would have learnt why; it does if it begins now.
    if let Some(close) = last_of(&mut deaf).await {
        assert_eq!(close, (1013, "Too far behind; come back".to_owned()));
    }
}

/// Reads to the end: the close frame, if there is one.
async fn last_of(stream: &mut Stream) -> Option<(u16, String)> {
    let read = async {
        let mut last = None;
        while let Some(Ok(message)) = stream.next().await {
            if let Message::Close(frame) = message {
                last = frame.map(|frame| (frame.code.into(), frame.reason.to_string()));
            }
        }
        last
    };
    tokio::time::timeout(PATIENCE, read).await.expect("the server closes")
}

#[tokio::test]
async fn auth_07_auth_03_a_socket_closes_when_the_time_of_its_token_is_over() {
    let world = World::start().await;
    let (meeting, _host, _) = world.hosted(json!({})).await;
    let (member, _) = inside(&world, "member", &meeting).await;
    let idle = raw(&world, "second", &meeting).await;
    world.app.services.clock.advance(time::Duration::hours(25));
    for socket in [&member, &idle] {
        assert_eq!(code_of(&socket.expect("error").await), "UNAUTHORIZED");
        assert_eq!(socket.closed().await, (1008, "Token expired".to_owned()));
    }
}

#[tokio::test]
async fn auth_07_cls_03_a_new_password_closes_the_sockets_of_the_account_and_no_other() {
    let world = World::start().await;
    let (_meeting, host, member, second) = trio(&world).await;
    let token = world.token("member").await;
    let change = json!({ "currentPassword": "demo-password", "newPassword": "another-password" });
    let changed = world.put("/api/auth/change-password", &token, change).await;
    assert_eq!(changed["success"], true, "{changed}");
    assert_eq!(code_of(&member.expect("error").await), "UNAUTHORIZED");
    assert_eq!(member.closed().await, (1008, "Invalid token".to_owned()));
    assert_eq!(host.expect("participant-left").await["reason"], "disconnected");
    second.settled().await;
}

#[tokio::test]
async fn v1_ws_a_process_that_stops_closes_every_socket_and_says_so() {
    let world = World::start().await;
    let (meeting, _host, member, _second) = trio(&world).await;
    let idle = raw(&world, "student", &meeting).await;
    assert!(world.app.shutdown(std::future::ready(())).await);
    for socket in [&member, &idle] {
        assert_eq!(socket.closed().await, (1001, "Server is stopping; come back".to_owned()));
    }
    // C-07: nobody is left inside in the database.
    let again = World::with(Setup { directory: Some(world.directory.clone()), ..Setup::default() });
    drop(world.app);
    let again = again.await;
    let token = again.token("host").await;
    let roster = again.get(&format!("/api/meeting/{meeting}/participants"), &token).await;
    let inside =
        roster["data"].as_array().unwrap().iter().filter(|one| one["connection_status"] == "connected");
    assert_eq!(inside.count(), 0, "{roster}");
}
