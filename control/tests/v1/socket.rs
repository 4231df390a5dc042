//! The raw WebSocket over a real listener: who gets one, every message both ways, and how it ends (V1-WS).

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use plenum_control::dialect::v1::pulse::Rhythm;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::frame::{Frame, FrameHeader};

use crate::support::raw::{RawSocket, Stream};
use crate::support::socket::{Client, PATIENCE};
use crate::support::{Setup, World};

const UNKNOWN: &str = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

/// A raw socket of a demo account.
async fn raw(world: &World, who: &str, meeting: &str) -> RawSocket {
    let token = world.token(who).await;
    RawSocket::connect(world.port, meeting, &token).await.expect("upgrades")
}

/// Somebody who is inside over a raw socket, and what he heard on entering.
async fn inside(world: &World, who: &str, meeting: &str) -> (RawSocket, Value) {
    let socket = raw(world, who, meeting).await;
    let joined = socket.join().await;
    (socket, joined)
}

/// A live meeting with its host inside over Socket.IO, and two people over raw sockets.
async fn trio(world: &World) -> (String, Client, RawSocket, RawSocket) {
    let (meeting, host, _) = world.hosted(json!({})).await;
    let (member, _) = inside(world, "member", &meeting).await;
    let (second, _) = inside(world, "second", &meeting).await;
    member.expect("join").await;
    for _ in 0..2 {
        host.expect("participant-joined").await;
    }
    (meeting, host, member, second)
}

fn code_of(error: &Value) -> &str {
    error["data"]["code"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn v1_ws_auth_07_sys_07_c_16_a_socket_opens_with_the_token_in_the_header_or_in_the_address() {
    let world = World::start().await;
    let (meeting, host, _) = world.hosted(json!({})).await;
    let token = world.token("member").await;
    for (path, bearer) in [
        (format!("/ws/meetings/{meeting}"), Some(token.as_str())),
        (format!("/ws/meetings/{meeting}?token={token}"), None),
        // Ids have more than one spelling (C-03).
        (format!("/ws/meetings/mtg_{}?token={token}", meeting.to_lowercase()), None),
    ] {
        let stream = RawSocket::open(world.port, &path, bearer).await.expect("upgrades");
        let socket = RawSocket::run(stream);
        assert_eq!(socket.join().await["meeting_id"], meeting);
        host.expect("participant-joined").await;
        drop(socket);
        host.expect("participant-left").await;
    }
}

#[tokio::test]
async fn v1_ws_c_09_what_is_refused_is_told_in_the_envelope_of_rest_and_there_is_no_upgrade() {
    let world = World::start().await;
    let meeting = world.meeting(json!({ "allow_guests": false })).await;
    let path = format!("/ws/meetings/{meeting}");
    let member = world.token("member").await;
    let forged = format!("{}x", &member[..member.len() - 2]);
    let (outsider, uninvited) = (world.token("outsider").await, world.token("second").await);
    let unauthorized = (401, "UNAUTHORIZED", "Unauthorized");
    let forbidden = (403, "INSUFFICIENT_PERMISSION", "User lacks required permissions");
    let unknown = (404, "MEETING_NOT_FOUND", "Meeting does not exist");
    for (path, token, (status, code, message)) in [
        (path.clone(), None, unauthorized),
        (format!("{path}?token="), None, unauthorized),
        (format!("{path}?token={forged}"), None, unauthorized),
        // The header counts, whatever the address says.
        (format!("{path}?token={member}"), Some("rubbish"), unauthorized),
        (path.clone(), Some(&outsider), forbidden),
        (path.clone(), Some(&uninvited), forbidden),
        (format!("/ws/meetings/{UNKNOWN}"), Some(&member), unknown),
        ("/ws/meetings/7".to_owned(), Some(&member), unknown),
        ("/ws/meetings/%FF".to_owned(), Some(&member), unknown),
    ] {
        assert_eq!(RawSocket::open(world.port, &path, token).await.err(), Some(status), "{path}");
        let (asked, body) = world.ask_as(&path, token).await;
        assert_eq!((asked, &body["status"], &body["message"]), (status, &json!("error"), &json!(message)));
        assert_eq!(body["code"], code, "{path}");
        assert!(body["details"].is_object() && body["timestamp"].is_string(), "{body}");
    }
    // Whoever could come in but speaks no WebSocket hears so.
    let (status, body) = world.ask_as(&path, Some(&member)).await;
    assert_eq!((status, &body["code"]), (400, &json!("VALIDATION_ERROR")), "{body}");
    let posted = world.post(&path, &member, json!({})).await;
    assert_eq!(posted["code"], "METHOD_NOT_ALLOWED", "{posted}");
}

#[tokio::test]
async fn v1_ws_01_add_ev_60_c_58_whoever_joins_is_seen_in_both_dialects_and_hears_who_is_there() {
    let world = World::start().await;
    let (meeting, host, host_id) = world.hosted(json!({})).await;
    let (member, joined) = inside(&world, "member", &meeting).await;
    let user = world.user("member").await;
    assert_eq!((&joined["meeting_id"], &joined["user_id"]), (&json!(meeting), &json!(user)));
    let me = &joined["data"];
    // C-50: the camera is off until the client says otherwise.
    assert_eq!((&me["is_muted"], &me["is_video_enabled"]), (&json!(false), &json!(false)));
    assert_eq!(
        (&me["user_role"], &me["device_info"]["device_type"]),
        (&json!("attendee"), &json!("desktop"))
    );
    let others = me["participants"].as_array().unwrap();
    assert_eq!(others.len(), 1);
    assert_eq!((&others[0]["participant_id"], &others[0]["user_role"]), (&json!(host_id), &json!("host")));
    let seen = host.expect("participant-joined").await;
    assert_eq!((&seen["participantId"], &seen["userId"]), (&me["participant_id"], &json!(user)));
    assert_eq!((&seen["audio"], &seen["video"]), (&json!(true), &json!(false)));

    let (_second, second_id) = world.joined("second", &meeting).await;
    let told = member.expect("join").await;
    let second = world.user("second").await;
    assert_eq!((&told["user_id"], &told["data"]["user_id"]), (&json!(second), &json!(second)));
    assert_eq!(told["data"]["participant_id"], second_id);
    assert_eq!(told["data"]["is_video_enabled"], true);
    for moment in [&told["timestamp"], &told["data"]["joined_at"]] {
        assert!(moment.as_str().is_some_and(|at| at.ends_with('Z')), "{told}");
    }
    assert!(member.heard().is_empty(), "nobody is told of himself: {:?}", member.heard());
}

#[tokio::test]
async fn v1_ws_01_c_58_before_joining_only_a_ping_is_answered() {
    let world = World::start().await;
    let (meeting, host, _) = world.hosted(json!({})).await;
    let socket = raw(&world, "member", &meeting).await;
    for (kind, data) in [
        ("participant_update", json!({ "is_muted": true })),
        ("chat", json!({ "content": "hello" })),
        ("reaction", json!({ "reaction_type": "heart" })),
        ("hand_raise", json!({ "is_hand_raised": true })),
        ("leave", json!({})),
    ] {
        socket.send(kind, data);
        let refused = socket.expect("error").await;
        assert_eq!((code_of(&refused), &refused["data"]["request"]), ("PARTICIPANT_NOT_FOUND", &json!(kind)));
    }
    socket.settled().await;
    socket.send("pong", json!({}));
    socket.settled().await;
    host.call("raise-hand", json!({ "meetingId": meeting, "raised": true })).await;
    socket.settled().await;
    assert!(socket.heard().is_empty(), "{:?}", socket.heard());
}

#[tokio::test]
async fn v1_ws_01_c_17_a_session_that_rest_made_goes_on_over_the_socket() {
    let world = World::start().await;
    let (meeting, host, _) = world.hosted(json!({})).await;
    let token = world.token("member").await;
    let path = format!("/api/v1/meetings/{meeting}/join");
    let made = world.post(&path, &token, json!({ "join_muted": true, "device_type": "tablet" })).await;
    let id = &made["data"]["participant_id"];
    host.expect("participant-joined").await;
    let (member, joined) = inside(&world, "member", &meeting).await;
    assert_eq!(&joined["data"]["participant_id"], id, "{joined}");
    assert_eq!(joined["data"]["device_info"]["device_type"], "tablet");
    assert_eq!(joined["data"]["is_muted"], true);
    member.settled().await;
    assert!(host.heard_of("participant-joined").is_empty() && host.heard_of("participant-left").is_empty());
    host.emit("send-reaction", json!({ "meetingId": meeting, "reaction": "👏" }));
    member.expect("reaction").await;
    // C-26: asking again shows the session that is there, and makes none.
    let again = world.post(&path, &token, json!({})).await;
    assert_eq!(&again["data"]["participant_id"], id, "{again}");
    assert!(host.heard_of("participant-joined").is_empty());
    // C-30: the loss of that socket is the end of the session.
    drop(member);
    let left = host.expect("participant-left").await;
    assert_eq!((&left["participantId"], &left["reason"]), (id, &json!("disconnected")));
}

#[tokio::test]
async fn v1_ws_01_c_17_a_socket_of_the_same_label_takes_the_session_over_and_the_other_hears_so() {
    let world = World::start().await;
    let (meeting, host, _) = world.hosted(json!({})).await;
    let first = raw(&world, "member", &meeting).await;
    first.send("join", json!({ "connection_id": "conn-123" }));
    let joined = first.expect("joined").await;
    let id = &joined["data"]["participant_id"];
    host.expect("participant-joined").await;
    let second = raw(&world, "member", &meeting).await;
    second.send("join", json!({ "connection_id": "conn-123" }));
    assert_eq!(&second.expect("joined").await["data"]["participant_id"], id);
    assert_eq!(&first.expect("leave").await["data"]["participant_id"], id);
    first.send("leave", json!({}));
    assert_eq!(code_of(&first.expect("error").await), "PARTICIPANT_NOT_FOUND", "it speaks for nobody");
    assert!(host.heard_of("participant-left").is_empty(), "the session goes on");
}

#[tokio::test]
async fn v1_ws_01_rate_10_joining_by_the_socket_shares_the_budget_of_joining_by_rest() {
    let world = World::with(Setup { rate_limits: true, ..Setup::default() }).await;
    let meeting = world.meeting(json!({})).await;
    let (socket, token) = (raw(&world, "member", &meeting).await, world.token("member").await);
    // Opening the socket was the first.
    for _ in 0..999 {
        socket.send("join", json!({}));
        assert_eq!(code_of(&socket.expect("error").await), "MEETING_NOT_ACTIVE");
    }
    socket.send("join", json!({}));
    assert_eq!(code_of(&socket.expect("error").await), "RATE_LIMIT_EXCEEDED");
    let refused = world.post(&format!("/api/v1/meetings/{meeting}/join"), &token, json!({})).await;
    assert_eq!(refused["code"], "RATE_LIMIT_EXCEEDED", "{refused}");
}

#[tokio::test]
async fn v1_ws_01_c_30_whoever_joins_again_by_the_same_socket_is_somebody_new() {
    let world = World::start().await;
    let (_meeting, host, member, second) = trio(&world).await;
    let again = member.join().await;
    assert_eq!(second.expect("leave").await["data"]["reason"], "left");
    assert_eq!(second.expect("join").await["data"]["participant_id"], again["data"]["participant_id"]);
    host.expect("participant-left").await;
    host.expect("participant-joined").await;
    member.settled().await;
    assert!(member.heard().is_empty(), "{:?}", member.heard());
}

#[tokio::test]
async fn v1_ws_01_every_way_in_is_refused_in_the_words_of_v1_04() {
    let world = World::start().await;
    let waiting = world.meeting(json!({})).await;
    let socket = raw(&world, "member", &waiting).await;
    socket.send("join", json!({}));
    assert_eq!(code_of(&socket.expect("error").await), "MEETING_NOT_ACTIVE");

    let (secret, _host, _) = world.hosted(json!({ "meeting_password": "open sesame" })).await;
    let socket = raw(&world, "member", &secret).await;
    socket.send("join", json!({}));
    assert_eq!(code_of(&socket.expect("error").await), "MEETING_PASSWORD_REQUIRED");
    socket.send("join", json!({ "meeting_password": "close sesame" }));
    assert_eq!(code_of(&socket.expect("error").await), "INVALID_MEETING_PASSWORD");
    socket.send("join", json!({ "meeting_password": "open sesame" }));
    socket.expect("joined").await;

    let (full, _host, _) = world.hosted(json!({ "max_participants": 2 })).await;
    let (_member, _) = inside(&world, "member", &full).await;
    let third = raw(&world, "second", &full).await;
    third.send("join", json!({}));
    assert_eq!(code_of(&third.expect("error").await), "MAX_PARTICIPANTS_REACHED");
    let host = world.token("host").await;
    world.post(&format!("/api/meeting/{full}/end"), &host, json!({})).await;
    third.send("join", json!({}));
    assert_eq!(code_of(&third.expect("error").await), "MEETING_ENDED");
}

#[tokio::test]
async fn v1_ws_02_c_44_c_49_changes_of_a_status_cross_the_dialects_both_ways() {
    let world = World::start().await;
    let (meeting, host, member, second) = trio(&world).await;
    let user = world.user("member").await;
    member.send("participant_update", json!({ "is_muted": true, "is_video_enabled": true }));
    let told = second.expect("participant_update").await;
    assert_eq!(told["user_id"], user);
    let data = &told["data"];
    assert_eq!((&data["is_muted"], &data["is_video_enabled"]), (&json!(true), &json!(true)));
    assert_eq!(data["is_screen_sharing"], false);
    let kcs = host.expect("participant-media-updated").await;
    assert_eq!((&kcs["audio"], &kcs["video"], &kcs["screen"]), (&json!(false), &json!(true), &json!(false)));
    member.settled().await;
    assert!(member.heard().is_empty(), "one's own deeds are not told back: {:?}", member.heard());
    // What is so already is told to nobody.
    member.send("participant_update", json!({ "is_muted": true }));
    member.settled().await;
    assert!(second.heard().is_empty(), "{:?}", second.heard());

    host.call("media-status-update", json!({ "meetingId": meeting, "screenSharing": true })).await;
    let shared = member.expect("participant_update").await;
    assert_eq!(shared["data"]["is_screen_sharing"], true);
    // What a host does to somebody is told to that person as well.
    member.send("participant_update", json!({ "is_muted": false }));
    member.settled().await;
    let mute = json!({ "meetingId": meeting, "participantId": user, "mute": true });
    host.call("mute-participant", mute).await;
    let muted = member.expect_where("participant_update", |data| data["is_muted_by_host"] == true).await;
    assert_eq!((&muted["user_id"], &muted["data"]["is_muted"]), (&json!(user), &json!(true)));
    let changed = member.expect_where("participant_update", |data| data["is_muted"] == true).await;
    assert_eq!(changed["user_id"], user);
    member.send("participant_update", json!({ "is_muted": false }));
    assert_eq!(code_of(&member.expect("error").await), "INSUFFICIENT_PERMISSION");
    member.send("participant_update", json!({ "is_muted": "no" }));
    let wrong = member.expect("error").await;
    assert_eq!(code_of(&wrong), "VALIDATION_ERROR");
    assert_eq!(wrong["data"]["details"]["is_muted"], "must be true or false");
}

#[tokio::test]
async fn v1_ws_03_c_52_chat_crosses_the_dialects_and_private_messages_reach_their_two_people() {
    let world = World::start().await;
    let (meeting, host, member, second) = trio(&world).await;
    let (sender, other) = (world.user("member").await, world.user("second").await);
    let forged = json!({ "content": "Hello everyone!", "sender_id": other, "sender_name": "Somebody else" });
    member.send("chat", forged);
    for socket in [&member, &second] {
        let told = socket.expect("chat").await;
        let data = &told["data"];
        assert_eq!((&told["user_id"], &data["sender_id"]), (&json!(sender), &json!(sender)));
        assert_eq!((&data["content"], &data["message_type"]), (&json!("Hello everyone!"), &json!("text")));
        assert_eq!((&data["is_private"], &data["recipient_id"]), (&json!(false), &Value::Null));
        assert!(data["message_id"].is_string() && data["sender_name"] != "Somebody else", "{told}");
    }
    let heard = host.expect("new-message").await;
    assert_eq!(heard["message"]["message"], "Hello everyone!", "{heard}");
    host.call("send-message", json!({ "meetingId": meeting, "message": "Welcome" })).await;
    for socket in [&member, &second] {
        assert_eq!(socket.expect("chat").await["data"]["content"], "Welcome");
    }
    member.send("chat", json!({ "content": "psst", "recipient_id": other }));
    for socket in [&member, &second] {
        let told = socket.expect("chat").await;
        assert_eq!(
            (&told["data"]["is_private"], &told["data"]["recipient_id"]),
            (&json!(true), &json!(other))
        );
    }
    host.expect("new-message").await;
    let to_hosts = json!({ "meetingId": meeting, "message": "for hosts", "recipientType": "host" });
    host.call("send-message", to_hosts).await;
    host.expect("new-message").await;
    member.settled().await;
    for (what, socket) in [("private", &member), ("for hosts", &second)] {
        assert!(socket.heard().is_empty(), "{what}: {:?}", socket.heard());
    }
    assert!(host.heard_of("new-message").is_empty(), "the private message is not the host's");
    for (data, code) in [
        (json!({}), "VALIDATION_ERROR"),
        (json!({ "content": "  " }), "VALIDATION_ERROR"),
        (json!({ "content": "x".repeat(4001) }), "VALIDATION_ERROR"),
        (json!({ "content": "x", "message_type": "song" }), "VALIDATION_ERROR"),
        (json!({ "content": "x", "is_private": true }), "VALIDATION_ERROR"),
        (json!({ "content": "x", "recipient_id": "nobody" }), "PARTICIPANT_NOT_FOUND"),
    ] {
        member.send("chat", data.clone());
        assert_eq!(code_of(&member.expect("error").await), code, "{data}");
    }
    let host_token = world.token("host").await;
    world
        .put(
            &format!("/api/meeting/{meeting}"),
            &host_token,
            json!({ "features": { "chat_enabled": false } }),
        )
        .await;
    member.send("chat", json!({ "content": "still there?" }));
    assert_eq!(code_of(&member.expect("error").await), "CHAT_DISABLED");
}

#[tokio::test]
async fn v1_ws_03_sixty_messages_a_minute_together_with_rest_and_no_more() {
    let world = World::with(Setup { rate_limits: true, ..Setup::default() }).await;
    let (meeting, _host, _) = world.hosted(json!({})).await;
    let (member, _) = inside(&world, "member", &meeting).await;
    let token = world.token("member").await;
    let path = format!("/api/v1/meetings/{meeting}/chat");
    for n in 0..30 {
        member.send("chat", json!({ "content": n.to_string() }));
        member.expect("chat").await;
        let sent = world.post(&path, &token, json!({ "content": n.to_string() })).await;
        assert_eq!(sent["status"], "success", "{sent}");
        member.expect("chat").await;
    }
    member.send("chat", json!({ "content": "one too many" }));
    let refused = member.expect("error").await;
    assert_eq!(code_of(&refused), "RATE_LIMIT_EXCEEDED");
    let details = &refused["data"]["details"];
    assert_eq!((&details["limit"], &details["window"]), (&json!(60), &json!(60)));
    let refused = world.post(&path, &token, json!({ "content": "by REST" })).await;
    assert_eq!(refused["code"], "RATE_LIMIT_EXCEEDED", "{refused}");
    // Other messages are none of chat.
    member.send("reaction", json!({ "reaction_type": "heart" }));
    member.settled().await;
    assert!(member.heard().is_empty(), "{:?}", member.heard());
}

#[tokio::test]
async fn v1_ws_04_c_51_reactions_are_names_here_and_emoji_there() {
    let world = World::start().await;
    let (meeting, host, member, second) = trio(&world).await;
    for (sent, emoji, name) in [("thumbs_up", "👍", "thumbs_up"), ("🔥", "🔥", "fire"), ("🦀", "🦀", "🦀")]
    {
        member.send("reaction", json!({ "reaction_type": sent, "duration": 9 }));
        let told = second.expect("reaction").await;
        assert_eq!((&told["data"]["reaction_type"], &told["data"]["duration"]), (&json!(name), &json!(3)));
        assert_eq!(host.expect("participant-reaction").await["reaction"], emoji);
    }
    host.call("send-reaction", json!({ "meetingId": meeting, "reaction": "❤️" })).await;
    let told = member.expect("reaction").await;
    assert_eq!(told["data"]["reaction_type"], "heart");
    assert_eq!(told["user_id"], world.user("host").await);
    member.settled().await;
    assert!(member.heard().is_empty(), "one's own are not told back: {:?}", member.heard());
    for bad in [
        json!({}),
        json!({ "reaction_type": "" }),
        json!({ "reaction_type": "<b>" }),
        json!({ "reaction_type": 1 }),
    ] {
        member.send("reaction", bad.clone());
        assert_eq!(code_of(&member.expect("error").await), "VALIDATION_ERROR", "{bad}");
    }
}

#[tokio::test]
async fn v1_ws_05_a_hand_goes_up_and_down_in_both_dialects() {
    let world = World::start().await;
    let (meeting, host, member, second) = trio(&world).await;
    let user = world.user("member").await;
    member.send("hand_raise", json!({ "is_hand_raised": true }));
    let told = second.expect("hand_raise").await;
    assert_eq!((&told["user_id"], &told["data"]["is_hand_raised"]), (&json!(user), &json!(true)));
    assert_eq!(told["data"]["hand_position"], 1);
    assert_eq!(host.expect("hand-raised").await["raised"], true);
    host.call("raise-hand", json!({ "meetingId": meeting, "raised": true })).await;
    assert_eq!(member.expect("hand_raise").await["data"]["hand_position"], 2);
    // A status may say it too, and a host may lower it; that is told to its owner as well.
    second.send("participant_update", json!({ "is_hand_raised": true }));
    assert_eq!(member.expect("hand_raise").await["data"]["is_hand_raised"], true);
    host.call("raise-hand", json!({ "meetingId": meeting, "raised": false, "participantId": user })).await;
    let lowered = member.expect("hand_raise").await;
    assert_eq!((&lowered["user_id"], &lowered["data"]["is_hand_raised"]), (&json!(user), &json!(false)));
    member.send("hand_raise", json!({}));
    let missing = member.expect("error").await;
    assert_eq!(missing["data"]["details"]["is_hand_raised"], "is required", "{missing}");
    member.settled().await;
    assert!(member.heard().is_empty(), "{:?}", member.heard());
}

#[tokio::test]
async fn v1_ws_06_v1_ws_07_c_46_a_ping_is_answered_by_a_pong_with_the_time_of_the_server() {
    let world = World::start().await;
    let (meeting, _host, _) = world.hosted(json!({})).await;
    let socket = raw(&world, "member", &meeting).await;
    socket.send_text(&json!({
        "type": "ping", "meeting_id": meeting, "user_id": "x", "data": {}, "timestamp": "2024-01-15T10:30:00Z",
    }).to_string());
    let pong = socket.expect("pong").await;
    assert_eq!((&pong["meeting_id"], &pong["data"]), (&json!(meeting), &json!({})));
    assert_eq!(pong["user_id"], world.user("member").await);
    assert_ne!(pong["timestamp"], "2024-01-15T10:30:00Z");
    // A message without data is one whose data is empty.
    socket.send_text(r#"{"type":"ping"}"#);
    socket.expect("pong").await;
    socket.send("pong", json!({}));
    socket.settled().await;
    assert!(socket.heard().is_empty(), "{:?}", socket.heard());
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
async fn v1_ws_02_c_25_hosts_hear_who_waits_and_let_in_or_turn_away_and_the_waiting_hear_it() {
    let world = World::start().await;
    let meeting = world.meeting(json!({ "require_host_approval": true })).await;
    let token = world.token("host").await;
    world.post(&format!("/api/meeting/{meeting}/start"), &token, json!({})).await;
    let (host, _) = inside(&world, "host", &meeting).await;
    let user = world.user("member").await;
    let member = raw(&world, "member", &meeting).await;
    member.send("join", json!({}));
    let waits = member.expect("participant_update").await;
    assert_eq!((&waits["user_id"], &waits["data"]["is_in_waiting_room"]), (&json!(user), &json!(true)));
    let asks = host.expect("participant_update").await;
    assert_eq!((&asks["user_id"], &asks["data"]["is_in_waiting_room"]), (&json!(user), &json!(true)));
    assert_eq!(asks["data"]["participant_id"], waits["data"]["participant_id"]);
    member.send("chat", json!({ "content": "let me in" }));
    assert_eq!(code_of(&member.expect("error").await), "PARTICIPANT_NOT_FOUND");
    let admit = json!({ "participant_user_id": user, "is_in_waiting_room": false });
    member.send("participant_update", admit.clone());
    assert_eq!(code_of(&member.expect("error").await), "PARTICIPANT_NOT_FOUND", "nobody lets himself in");
    host.send("participant_update", admit);
    let admitted = member.expect("participant_update").await;
    assert_eq!(
        (&admitted["user_id"], &admitted["data"]["is_in_waiting_room"]),
        (&json!(user), &json!(false))
    );
    member.expect("joined").await;
    assert_eq!(host.expect("join").await["user_id"], user);
    host.settled().await;
    assert!(host.heard().is_empty(), "{:?}", host.heard());

    let second = raw(&world, "second", &meeting).await;
    second.send("join", json!({}));
    second.expect("participant_update").await;
    let kcs = world.joined("host", &meeting).await.0;
    let asks = kcs.expect("join-request").await;
    let deny = json!({ "meetingId": meeting, "participantId": asks["participantId"] });
    assert_eq!(kcs.call("deny-participant", deny).await["success"], true);
    let denied = second.expect("error").await;
    assert_eq!((code_of(&denied), &denied["data"]["request"]), ("INSUFFICIENT_PERMISSION", &json!("join")));
    // He may ask again (C-25), on the same connection.
    second.send("join", json!({}));
    second.expect("participant_update").await;
    second.send("leave", json!({}));
    second.expect("leave").await;
}

#[tokio::test]
async fn add_ev_10_c_58_what_is_no_message_is_told_as_an_error_and_the_connection_stays() {
    let world = World::start().await;
    let (meeting, _host, _) = world.hosted(json!({})).await;
    let (member, _) = inside(&world, "member", &meeting).await;
    for (text, field) in [
        ("", "body"),
        ("not json", "body"),
        ("[1]", "body"),
        ("{}", "type"),
        (r#"{"type":7}"#, "type"),
        (r#"{"type":"dance"}"#, "type"),
        (r#"{"type":"chat","data":[]}"#, "data"),
        (r#"{"type":"chat","meeting_id":"01ARZ3NDEKTSV4RRFFQ69G5FAV","data":{"content":"x"}}"#, "meeting_id"),
    ] {
        member.send_text(text);
        let error = member.expect("error").await;
        assert_eq!(code_of(&error), "VALIDATION_ERROR", "{text}");
        assert!(error["data"]["details"][field].is_string(), "{text}: {error}");
        assert!(error["data"]["message"].is_string() && error["meeting_id"] == meeting, "{error}");
    }
    member.send_frame(Message::binary(vec![1, 2, 3]));
    assert_eq!(member.expect("error").await["data"]["details"]["body"], "messages are text");
    // A message in pieces is a message, with a ping between them.
    let (first, rest) = (r#"{"type":"chat","data":{"#, r#""content":"in pieces"}}"#);
    member.send_frame(piece(OpCode::Data(Data::Text), false, first));
    member.send_frame(Message::Ping(Vec::new().into()));
    member.send_frame(piece(OpCode::Data(Data::Continue), true, rest));
    assert_eq!(member.expect("chat").await["data"]["content"], "in pieces");
    member.settled().await;
}

fn piece(opcode: OpCode, is_final: bool, text: &str) -> Message {
    let mask = Some([1, 2, 3, 4]);
    let header = FrameHeader { is_final, opcode, mask, ..FrameHeader::default() };
    Message::Frame(Frame::from_payload(header, text.as_bytes().to_vec().into()))
}

#[tokio::test]
async fn v1_ws_what_is_larger_than_any_message_ends_the_connection_with_its_code() {
    let world = World::start().await;
    let (meeting, host, member, _second) = trio(&world).await;
    member.send("chat", json!({ "content": "x".repeat(70_000) }));
    assert_eq!(member.closed().await.0, 1009);
    assert_eq!(host.expect("participant-left").await["reason"], "disconnected");
    let socket = raw(&world, "student", &meeting).await;
    socket.send_frame(piece(OpCode::Data(Data::Continue), true, "the end of nothing"));
    assert_eq!(socket.closed().await.0, 1002);
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
    // Four bytes a character: the queue and what the kernel takes are full after some of these.
    let payload = json!({ "meetingId": meeting, "message": "\u{1f600}".repeat(4000) });
    for _ in 0..200 {
        if !host.heard_of("participant-left").is_empty() {
            break;
        }
        let calls: Vec<_> = (0..50).map(|_| host.start_call("send-message", payload.clone())).collect();
        let answers = futures_util::future::join_all(calls).await;
        assert!(answers.iter().all(|answer| answer.as_ref().is_some_and(|a| a["success"] == true)));
        for _ in 0..50 {
            host.expect("new-message").await;
        }
    }
    let left = host.expect("participant-left").await;
    assert_eq!((&left["participantId"], &left["reason"]), (&id, &json!("disconnected")));
    // Had it read in time, it would have learnt why; it does if it begins now.
    if let Some(close) = last_of(&mut deaf).await {
        assert_eq!(close, (1013, "Too far behind; come back".to_owned()));
    }
}

#[tokio::test]
async fn rate_13_a_thousand_messages_a_minute_of_one_connection_and_no_more() {
    let world = World::with(Setup { rate_limits: true, ..Setup::default() }).await;
    let (meeting, _host, _) = world.hosted(json!({})).await;
    let (member, other) = (raw(&world, "member", &meeting).await, raw(&world, "member", &meeting).await);
    for _ in 0..10 {
        (0..100).for_each(|_| member.send("ping", json!({})));
        for _ in 0..100 {
            member.expect("pong").await;
        }
    }
    member.send("ping", json!({}));
    let refused = member.expect("error").await;
    assert_eq!(code_of(&refused), "RATE_LIMIT_EXCEEDED");
    let details = &refused["data"]["details"];
    assert_eq!((&details["limit"], &details["window"]), (&json!(1000), &json!(60)));
    assert!(details["reset_at"].is_string(), "{refused}");
    // It is one connection's budget; and the connection stays.
    other.settled().await;
    world.app.services.clock.advance(time::Duration::minutes(2));
    member.settled().await;
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

#[tokio::test]
async fn v1_ws_c_47_an_account_is_online_while_any_socket_lives() {
    let world = World::start().await;
    let (meeting, host, _) = world.hosted(json!({})).await;
    let user = world.user("member").await;
    let is_member = |told: &Value| told["userId"] == user;
    let first = raw(&world, "member", &meeting).await;
    host.expect_where("user-online", is_member).await;
    let second = world.connect("member").await;
    drop(first);
    second.call("get-room-online-users", json!({ "roomId": meeting })).await;
    assert!(host.heard_of("user-offline").is_empty());
    drop(second);
    host.expect_where("user-offline", is_member).await;
}
