//! Who gets a raw WebSocket, and how somebody comes in by it (V1-WS-01, V1-WS-AUTH).

use serde_json::json;

use super::{code_of, inside, raw, trio};
use crate::support::raw::RawSocket;
use crate::support::{Setup, World};

const UNKNOWN: &str = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

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
