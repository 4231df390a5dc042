//! The rules of the socket itself: who may connect, what a refusal looks like, and every event against bad input.

#![allow(clippy::unwrap_used, clippy::panic, reason = "the helpers of a test fail by panicking")]

#[path = "socket_rules/breakouts.rs"]
mod breakouts;
#[path = "socket_rules/chat.rs"]
mod chat;
#[path = "socket_rules/chat_files.rs"]
mod chat_files;
#[path = "socket_rules/chat_meeting.rs"]
mod chat_meeting;
#[path = "socket_rules/recording.rs"]
mod recording;
#[path = "socket_rules/signs.rs"]
mod signs;
#[path = "socket_rules/stats.rs"]
mod stats;
mod support;

use serde_json::{Value, json};
use support::socket::Client;
use support::{Setup, World, refused};

#[tokio::test]
async fn kcs_ws_03_c_14_a_handshake_without_a_good_token_is_refused_in_exact_words() {
    let world = World::start().await;
    let good = world.token("host").await;
    let foreign = format!("{}x", &good[..good.len() - 2]);
    for (auth, words) in [
        (json!({}), "Authentication token missing"),
        (json!({ "token": "" }), "Authentication token missing"),
        (json!({ "token": 7 }), "Authentication token missing"),
        (json!({ "token": "rubbish" }), "Invalid token"),
        (json!({ "token": foreign }), "Invalid token"),
    ] {
        assert_eq!(Client::connect(world.port, auth.clone()).await.err().as_deref(), Some(words), "{auth}");
    }
    assert!(Client::connect(world.port, json!({ "token": good })).await.is_ok());
    let query = format!("&token={good}");
    assert!(Client::connect_at(world.port, &query, json!({})).await.is_ok());
}

/// An event, what is sent with it, and the refusal it meets.
type Case = (&'static str, Value, &'static str);

fn long(count: usize) -> String {
    "x".repeat(count)
}

#[tokio::test]
async fn every_event_answers_bad_input_in_words_and_keeps_the_socket() {
    let world = World::start().await;
    let _node = world.node().await;
    let (meeting, host, _) = world.hosted(json!({})).await;
    let m = || json!(meeting);
    let unknown = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
    let rtp = json!({ "codecs": [{ "mimeType": "video/VP8", "payloadType": 96, "clockRate": 90000 }], "encodings": [{}] });
    let many: Vec<Value> = (0..100).map(|_| rtp["codecs"][0].clone()).collect();
    let cases: Vec<Case> = vec![
        ("join-meeting", json!({}), "Meeting ID is required"),
        ("join-meeting", json!(null), "Meeting ID is required"),
        ("join-meeting", json!({ "meetingId": "" }), "Meeting ID is required"),
        ("join-meeting", json!({ "meetingId": 7 }), "meetingId: must be a string"),
        ("join-meeting", json!([1]), "Invalid request body: must be a JSON object"),
        ("join-meeting", json!({ "meetingId": "test-meeting-123" }), "Meeting not found"),
        ("join-meeting", json!({ "meetingId": unknown }), "Meeting not found"),
        ("join-meeting", json!({ "meetingId": long(100_000) }), "Meeting not found"),
        (
            "join-meeting",
            json!({ "meetingId": m(), "userName": long(101) }),
            "userName: must have at most 100 characters",
        ),
        (
            "join-meeting",
            json!({ "meetingId": m(), "meeting_password": 1 }),
            "meeting_password: must be a string",
        ),
        ("leave-meeting", json!({}), "Meeting ID is required"),
        ("leave-meeting", json!({ "meetingId": {} }), "meetingId: must be a string"),
        ("send-message", json!({ "message": "x" }), "Meeting ID is required"),
        ("send-message", json!({ "meetingId": m() }), "message is required"),
        ("send-message", json!({ "meetingId": m(), "message": " \u{1} " }), "message is required"),
        ("send-message", json!({ "meetingId": m(), "message": 5 }), "message: must be a string"),
        (
            "send-message",
            json!({ "meetingId": m(), "message": long(4001) }),
            "message: must have at most 4000 characters",
        ),
        (
            "send-message",
            json!({ "meetingId": m(), "message": "x", "recipientType": "some" }),
            "recipientType: must be one of all, private, host",
        ),
        (
            "send-message",
            json!({ "meetingId": m(), "message": "x", "recipientType": "private" }),
            "recipientId is required",
        ),
        (
            "send-message",
            json!({ "meetingId": m(), "message": "x", "recipientType": "private", "recipientId": "nobody" }),
            "Participant not found",
        ),
        ("send-message", json!({ "meetingId": unknown, "message": "x" }), "Meeting not found"),
        ("raise-hand", json!({}), "Meeting ID is required"),
        ("raise-hand", json!({ "meetingId": m() }), "raised is required"),
        ("raise-hand", json!({ "meetingId": m(), "raised": "yes" }), "raised: must be true or false"),
        (
            "raise-hand",
            json!({ "meetingId": m(), "raised": false, "participantId": "x" }),
            "Participant not found",
        ),
        (
            "raise-hand",
            json!({ "meetingId": m(), "raised": true, "participantId": "x" }),
            "raised: only one's own hand can be raised",
        ),
        ("lower-hands", json!({}), "Meeting ID is required"),
        ("typing", json!({ "typing": true }), "Meeting ID is required"),
        ("typing", json!({ "meetingId": m() }), "typing is required"),
        ("typing", json!({ "meetingId": m(), "typing": 1 }), "typing: must be true or false"),
        ("send-reaction", json!({ "reaction": "👍" }), "Meeting ID is required"),
        ("send-reaction", json!({ "meetingId": m() }), "reaction is required"),
        ("send-reaction", json!({ "meetingId": m(), "reaction": " " }), "reaction is required"),
        ("send-reaction", json!({ "meetingId": m(), "reaction": "<b>" }), "reaction: must be an emoji"),
        (
            "send-reaction",
            json!({ "meetingId": m(), "reaction": long(33) }),
            "reaction: must have at most 32 bytes",
        ),
        ("toggle-recording", json!({ "start": true }), "Meeting ID is required"),
        ("toggle-recording", json!({ "meetingId": m() }), "start is required"),
        (
            "toggle-recording",
            json!({ "meetingId": m(), "start": true }),
            "Recording is not enabled for this meeting",
        ),
        ("media-status-update", json!({}), "Meeting ID is required"),
        ("media-status-update", json!({ "meetingId": m(), "audio": 1 }), "audio: must be true or false"),
        ("mute-participant", json!({ "meetingId": m(), "mute": true }), "participantId is required"),
        ("mute-participant", json!({ "meetingId": m(), "participantId": "x" }), "mute is required"),
        ("admit-participant", json!({ "meetingId": m() }), "participantId is required"),
        ("deny-participant", json!({ "meetingId": m(), "participantId": "x" }), "Participant not found"),
        ("create-transport", json!({ "direction": "send" }), "Meeting ID is required"),
        ("create-transport", json!({ "meetingId": m() }), "direction is required"),
        (
            "create-transport",
            json!({ "meetingId": m(), "direction": "both" }),
            "direction: must be one of send, recv",
        ),
        (
            "create-transport",
            json!({ "meetingId": m(), "direction": 1 }),
            "direction: must be one of send, recv",
        ),
        ("connect-transport", json!({}), "transportId is required"),
        ("connect-transport", json!({ "transportId": "x", "dtlsParameters": {} }), "Transport not found"),
        ("connect-transport", json!({ "transportId": unknown_uuid() }), "dtlsParameters is required"),
        (
            "connect-transport",
            json!({ "transportId": unknown_uuid(), "dtlsParameters": "x" }),
            "dtlsParameters: must be an object",
        ),
        (
            "connect-transport",
            json!({ "transportId": unknown_uuid(), "dtlsParameters": { "fingerprints": [] } }),
            "dtlsParameters: fingerprints are out of bounds",
        ),
        (
            "connect-transport",
            json!({ "transportId": unknown_uuid(), "dtlsParameters": { "fingerprints": [{ "algorithm": "sha-256", "value": "AA" }] } }),
            "Transport not found",
        ),
        ("produce", json!({ "kind": "video" }), "Meeting ID is required"),
        ("produce", json!({ "meetingId": m() }), "kind is required"),
        ("produce", json!({ "meetingId": m(), "kind": "smell" }), "kind: must be one of audio, video"),
        ("produce", json!({ "meetingId": m(), "kind": "video" }), "rtpParameters is required"),
        (
            "produce",
            json!({ "meetingId": m(), "kind": "video", "source": "microphone", "rtpParameters": rtp }),
            "source: does not fit the kind",
        ),
        (
            "produce",
            json!({ "meetingId": m(), "kind": "video", "rtpParameters": [] }),
            "rtpParameters: must be an object",
        ),
        (
            "produce",
            json!({ "meetingId": m(), "kind": "video", "rtpParameters": {} }),
            "rtpParameters: codecs: must not be empty",
        ),
        (
            "produce",
            json!({ "meetingId": m(), "kind": "video", "rtpParameters": { "codecs": many, "encodings": [{}] } }),
            "rtpParameters: codecs: has too many elements",
        ),
        (
            "produce",
            json!({ "meetingId": m(), "kind": "video", "rtpParameters": rtp }),
            "Transport not found",
        ),
        ("close-producer", json!({}), "producerId is required"),
        ("close-producer", json!({ "producerId": "x" }), "Producer not found"),
        ("pause-producer", json!({ "producerId": 4 }), "producerId: must be a string"),
        ("resume-producer", json!({ "producerId": unknown_uuid() }), "Producer not found"),
        ("consume", json!({ "meetingId": m() }), "producerParticipantId is required"),
        ("consume", json!({ "meetingId": m(), "producerParticipantId": "x" }), "kind is required"),
        (
            "consume",
            json!({ "meetingId": m(), "producerParticipantId": "x", "kind": "audio" }),
            "rtpCapabilities is required",
        ),
        (
            "consume",
            json!({ "meetingId": m(), "producerParticipantId": "x", "kind": "audio", "rtpCapabilities": {} }),
            "Participant not found",
        ),
        (
            "consume",
            json!({ "meetingId": m(), "producerParticipantId": "x", "kind": "audio", "rtpCapabilities": {}, "producerId": "x" }),
            "Producer not found",
        ),
        ("pause-consumer", json!({}), "consumerId is required"),
        ("resume-consumer", json!({ "consumerId": unknown_uuid() }), "Consumer not found"),
        ("set-consumer-layers", json!({ "consumerId": unknown_uuid() }), "spatialLayer is required"),
        (
            "set-consumer-layers",
            json!({ "consumerId": unknown_uuid(), "spatialLayer": 8 }),
            "spatialLayer: must be between 0 and 7",
        ),
        (
            "set-consumer-layers",
            json!({ "consumerId": unknown_uuid(), "spatialLayer": -1 }),
            "spatialLayer: must be a whole number",
        ),
        (
            "set-consumer-layers",
            json!({ "consumerId": unknown_uuid(), "spatialLayer": 0 }),
            "Consumer not found",
        ),
        ("set-preferred-layers", json!({ "width": 640, "height": 360 }), "consumerId is required"),
        (
            "set-preferred-layers",
            preferred(json!({ "spatialLayer": 8 })),
            "spatialLayer: must be between 0 and 7",
        ),
        ("set-preferred-layers", preferred(json!({ "width": 640 })), "height is required"),
        ("set-preferred-layers", preferred(json!({ "height": 360 })), "width is required"),
        (
            "set-preferred-layers",
            preferred(json!({ "width": 0, "height": 360 })),
            "width: must be between 1 and 16383",
        ),
        (
            "set-preferred-layers",
            preferred(json!({ "width": 640, "height": 65_536 })),
            "height: must be between 1 and 16383",
        ),
        ("set-preferred-layers", preferred(json!({})), "Consumer not found"),
        ("set-consumer-priority", preferred(json!({})), "priority is required"),
        ("set-consumer-priority", preferred(json!({ "priority": 0 })), "priority: must be between 1 and 255"),
        (
            "set-consumer-priority",
            preferred(json!({ "priority": 256 })),
            "priority: must be between 1 and 255",
        ),
        ("set-consumer-priority", preferred(json!({ "priority": 2 })), "Consumer not found"),
        ("produce-data", json!({}), "transportId is required"),
        ("produce-data", json!({ "transportId": "x", "sctpStreamParameters": {} }), "Transport not found"),
        ("produce-data", json!({ "transportId": unknown_uuid() }), "sctpStreamParameters is required"),
        ("produce-data", on_stream(json!(1024)), "sctpStreamParameters: streamId must be below 1024"),
        (
            "produce-data",
            on_stream(json!(-1)),
            "sctpStreamParameters: invalid value: integer `-1`, expected u16",
        ),
        (
            "produce-data",
            json!({ "transportId": unknown_uuid(), "sctpStreamParameters":
                { "streamId": 0, "maxRetransmits": 0, "maxPacketLifeTime": 1 } }),
            "sctpStreamParameters: maxPacketLifeTime and maxRetransmits exclude each other",
        ),
        (
            "produce-data",
            json!({ "transportId": unknown_uuid(), "sctpStreamParameters": { "streamId": 0 }, "label": long(256) }),
            "label: must have at most 255 bytes",
        ),
        ("produce-data", on_stream(json!(0)), "Transport not found"),
        ("consume-data", json!({ "transportId": unknown_uuid() }), "dataProducerId is required"),
        (
            "consume-data",
            json!({ "transportId": unknown_uuid(), "dataProducerId": "x" }),
            "Producer not found",
        ),
        (
            "consume-data",
            json!({ "transportId": unknown_uuid(), "dataProducerId": unknown_uuid() }),
            "Transport not found",
        ),
        ("close-data-producer", json!({ "dataProducerId": unknown_uuid() }), "Producer not found"),
        ("close-data-consumer", json!({ "dataConsumerId": 7 }), "dataConsumerId: must be a string"),
        ("close-data-consumer", json!({ "dataConsumerId": unknown_uuid() }), "Consumer not found"),
        ("restart-ice", json!({}), "transportId is required"),
        ("restart-ice", json!({ "transportId": "x" }), "Transport not found"),
        ("restart-ice", json!({ "transportId": unknown_uuid() }), "Transport not found"),
    ];
    for (event, payload, words) in cases {
        let shown: String = payload.to_string().chars().take(200).collect();
        let answer = host.call(event, payload).await;
        assert!(refused(&answer, words), "{event} {shown} -> {answer}");
        // KCS-WS-04: the event as well, naming what was refused.
        let error = host.expect("error").await;
        assert_eq!((&error["message"], &error["event"]), (&json!(words), &json!(event)));
    }
    // RT-15: after all of that the socket works.
    assert_eq!(
        host.call("raise-hand", json!({ "meetingId": meeting, "raised": true })).await["success"],
        true
    );
}

/// What is said about a consumer that nobody has.
fn preferred(mut body: Value) -> Value {
    body["consumerId"] = unknown_uuid().into();
    body
}

/// A data channel on a transport that nobody has.
fn on_stream(id: Value) -> Value {
    json!({ "transportId": unknown_uuid(), "sctpStreamParameters": { "streamId": id } })
}

fn unknown_uuid() -> &'static str {
    "0193a4a4-0000-7000-8000-000000000000"
}

#[tokio::test]
async fn whoever_is_not_inside_may_do_nothing_inside() {
    let world = World::start().await;
    let _node = world.node().await;
    let (meeting, _host, host_id) = world.hosted(json!({})).await;
    let member = world.connect("member").await;
    let id = unknown_uuid();
    let rtp = json!({ "codecs": [{ "mimeType": "video/VP8", "payloadType": 96, "clockRate": 90000 }], "encodings": [{}] });
    let prints = json!({ "fingerprints": [{ "algorithm": "sha-256", "value": "AA" }] });
    for (event, payload) in [
        ("send-message", json!({ "meetingId": meeting, "message": "x" })),
        ("raise-hand", json!({ "meetingId": meeting, "raised": true })),
        ("media-status-update", json!({ "meetingId": meeting, "audio": true })),
        ("mute-participant", json!({ "meetingId": meeting, "participantId": host_id, "mute": true })),
        ("admit-participant", json!({ "meetingId": meeting, "participantId": host_id })),
        ("deny-participant", json!({ "meetingId": meeting, "participantId": host_id })),
        ("create-transport", json!({ "meetingId": meeting, "direction": "send" })),
        ("connect-transport", json!({ "transportId": id, "dtlsParameters": prints })),
        ("produce", json!({ "meetingId": meeting, "kind": "video", "rtpParameters": rtp })),
        ("close-producer", json!({ "producerId": id })),
        ("pause-producer", json!({ "producerId": id })),
        ("resume-producer", json!({ "producerId": id })),
        (
            "consume",
            json!({ "meetingId": meeting, "producerParticipantId": host_id, "kind": "video", "rtpCapabilities": {} }),
        ),
        ("pause-consumer", json!({ "consumerId": id })),
        ("resume-consumer", json!({ "consumerId": id })),
        ("set-consumer-layers", json!({ "consumerId": id, "spatialLayer": 0 })),
        ("set-preferred-layers", json!({ "consumerId": id })),
        ("set-consumer-priority", json!({ "consumerId": id, "priority": 2 })),
        ("restart-ice", json!({ "transportId": id })),
        ("produce-data", on_stream(json!(0))),
        ("consume-data", json!({ "transportId": id, "dataProducerId": id })),
        ("close-data-producer", json!({ "dataProducerId": id })),
        ("close-data-consumer", json!({ "dataConsumerId": id })),
    ] {
        let answer = member.call(event, payload).await;
        assert!(refused(&answer, "Access denied"), "{event} -> {answer}");
    }
    // KCS-WS-06: leaving what one is not in is fine.
    assert_eq!(member.call("leave-meeting", json!({ "meetingId": meeting })).await["success"], true);
}

#[tokio::test]
async fn kcs_ws_04_an_event_without_arguments_or_callback_is_refused_by_event() {
    let world = World::start().await;
    let host = world.connect("host").await;
    host.emit_bare("join-meeting");
    assert_eq!(
        host.expect("error").await,
        json!({ "message": "Meeting ID is required", "event": "join-meeting" })
    );
}

#[tokio::test]
async fn kcs_ws_07_kcs_ws_18_c_52_messages_reach_those_they_are_for() {
    let world = World::start().await;
    let (meeting, host, host_id) = world.hosted(json!({})).await;
    let (member, _) = world.joined("member", &meeting).await;
    let (second, _) = world.joined("second", &meeting).await;
    let send = |text: &str, more: Value| {
        let mut payload = json!({ "meetingId": meeting, "message": text });
        more.as_object().unwrap().iter().for_each(|(key, value)| payload[key] = value.clone());
        member.call("send-message", payload)
    };
    let answer = send("to all", json!({})).await;
    for client in [&host, &member, &second] {
        let message = client.expect("new-message").await["message"].clone();
        assert_eq!((&message["message"], &message["recipientType"]), (&json!("to all"), &json!("all")));
        assert_eq!(message["id"], answer["message"]["id"]);
        assert_eq!(message["sender_id"], world.user("member").await);
        assert!(message["timestamp"].is_string() && message["sender_name"].is_string());
    }
    send("to hosts", json!({ "recipientType": "host" })).await;
    send("to one", json!({ "recipientType": "private", "recipientId": host_id })).await;
    send("to the user", json!({ "recipientType": "private", "recipientId": world.user("host").await })).await;
    for text in ["to hosts", "to one", "to the user"] {
        for client in [&host, &member] {
            client.expect_where("new-message", |m| m["message"]["message"] == text).await;
        }
    }
    send("to all again", json!({})).await;
    assert_eq!(second.expect("new-message").await["message"]["message"], "to all again");
    let history = world.get(&format!("/api/meeting/{meeting}/chat"), &world.token("second").await).await;
    let texts: Vec<_> = history["data"].as_array().unwrap().iter().map(|m| m["message"].clone()).collect();
    assert_eq!(texts, [json!("to all"), json!("to all again")], "{history}");
}

#[tokio::test]
async fn kcs_ws_07_chat_that_is_off_is_off() {
    let world = World::start().await;
    let (meeting, host, _) = world.hosted(json!({ "features": { "chat_enabled": false } })).await;
    let answer = host.call("send-message", json!({ "meetingId": meeting, "message": "x" })).await;
    assert!(refused(&answer, "Chat is disabled for this meeting"), "{answer}");
}

#[tokio::test]
async fn c_63_the_thirty_first_message_of_a_minute_is_refused_and_the_socket_stays() {
    let world = World::with(Setup { rate_limits: true, ..Setup::default() }).await;
    let (meeting, host, _) = world.hosted(json!({})).await;
    let (member, _) = world.joined("member", &meeting).await;
    let message = json!({ "meetingId": meeting, "message": "x" });
    for _ in 0..30 {
        assert_eq!(host.call("send-message", message.clone()).await["success"], true);
    }
    let answer = host.call("send-message", message.clone()).await;
    assert!(refused(&answer, "Rate limit exceeded"));
    assert_eq!(answer["code"], "RATE_LIMIT_EXCEEDED");
    assert_eq!(member.call("send-message", message).await["success"], true);
}

#[tokio::test]
async fn kcs_ws_09_kcs_ws_21_rt_12_a_hand_goes_up_once_for_everybody() {
    let world = World::start().await;
    let (meeting, host, _) = world.hosted(json!({})).await;
    let (member, id) = world.joined("member", &meeting).await;
    for raised in [true, true, false] {
        member.call("raise-hand", json!({ "meetingId": meeting, "raised": raised })).await;
    }
    for client in [&host, &member] {
        let up = client.expect("hand-raised").await;
        assert_eq!((&up["participantId"], &up["raised"]), (&json!(id), &json!(true)));
        assert!(up["timestamp"].is_string());
        assert_eq!(client.expect("hand-raised").await["raised"], false);
    }
}

#[tokio::test]
async fn kcs_ws_11_kcs_ws_17_only_changes_of_media_are_told_under_both_names() {
    let world = World::start().await;
    let (meeting, host, _) = world.hosted(json!({})).await;
    let (member, id) = world.joined("member", &meeting).await;
    for change in [
        json!({ "audio": true }),
        json!({ "screen": true }),
        json!({ "screenSharing": false, "video": false }),
    ] {
        let mut payload = change;
        payload["meetingId"] = json!(meeting);
        assert_eq!(member.call("media-status-update", payload).await["success"], true);
    }
    let first = host.expect("participant-media-updated").await;
    let on = json!(true);
    assert_eq!(
        (&first["screen"], &first["screenSharing"], &first["video"], &first["audio"]),
        (&on, &on, &on, &on)
    );
    let second = host.expect("participant-media-updated").await;
    assert_eq!(
        (&second["participantId"], &second["screen"], &second["video"]),
        (&json!(id), &json!(false), &json!(false))
    );
    assert!(host.heard_of("participant-media-updated").is_empty());
}

#[tokio::test]
async fn kcs_ws_56_kcs_ws_57_c_47_presence_is_told_to_the_campus_on_the_first_and_last_socket() {
    let world = World::start().await;
    let host = world.connect("host").await;
    let outsider = world.connect("outsider").await;
    let id = world.user("member").await;
    let first = world.connect("member").await;
    let online = host.expect_where("user-online", |e| e["userId"] == id).await;
    assert!(online["timestamp"].is_string() && online["userName"].is_string());
    let second = world.connect("member").await;
    drop(first);
    drop(second);
    let offline = host.expect_where("user-offline", |e| e["userId"] == id).await;
    assert!(offline["lastSeen"].is_string());
    assert!(host.heard_of("user-online").iter().all(|e| e["userId"] != id));
    outsider.call("leave-meeting", json!({ "meetingId": "x" })).await;
    assert!(outsider.heard_of("user-online").is_empty());
}

#[tokio::test]
async fn a_client_that_does_not_read_is_out_and_disturbs_nobody() {
    let world = World::start().await;
    let (meeting, host, _) = world.hosted(json!({})).await;
    let token = world.token("member").await;
    let deaf = Client::join_and_go_deaf(world.port, &token, &meeting).await;
    let id = host.expect("participant-joined").await["participantId"].clone();
    // Four bytes a character: a buffer of 1024 packets and what the kernel takes are full after some of these.
    let text = "\u{1f600}".repeat(4000);
    let payload = json!({ "meetingId": meeting, "message": text });
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
    drop(deaf);
}

#[tokio::test]
async fn add_ev_17_a_process_that_stops_says_so_and_closes_every_socket() {
    let world = World::start().await;
    let (meeting, host, _) = world.hosted(json!({})).await;
    let idle = world.connect("member").await;
    assert!(world.app.shutdown(std::future::ready(())).await);
    for client in [&host, &idle] {
        assert_eq!(client.expect("server-draining").await["reconnectAfterMs"], 1000);
        client.closed().await;
    }
    // C-07: nobody is left inside in the database.
    let again = World::with(Setup { directory: Some(world.directory.clone()), ..Setup::default() });
    drop(world.app);
    let again = again.await;
    let roster = again.get(&format!("/api/meeting/{meeting}/participants"), &again.token("host").await).await;
    assert_eq!(roster["data"][0]["connection_status"], "disconnected", "{roster}");
    assert!(roster["data"][0]["left_at"].is_string(), "{roster}");
}

#[tokio::test]
async fn a_message_larger_than_any_request_ends_its_socket() {
    let world = World::start().await;
    let member = world.connect("member").await;
    member.emit("join-meeting", json!({ "meetingId": "x".repeat(200_000) }));
    member.closed().await;
}

#[tokio::test]
async fn auth_03_a_socket_closes_when_the_time_of_its_token_is_over() {
    let world = World::start().await;
    let (meeting, host, _) = world.hosted(json!({})).await;
    let token = world.token("member").await;
    let member = Client::connect(world.port, json!({ "token": token })).await.unwrap();
    assert_eq!(member.call("join-meeting", json!({ "meetingId": meeting })).await["success"], true);
    world.app.services.clock.advance(time::Duration::hours(25));
    for client in [&member, &host] {
        let told = client.expect("error").await;
        assert_eq!((&told["message"], &told["code"]), (&json!("Token expired"), &json!("TOKEN_EXPIRED")));
        client.closed().await;
    }
    let again = Client::connect(world.port, json!({ "token": token })).await;
    assert_eq!(again.err().as_deref(), Some("Token expired"));
    let (_member, _) = world.joined("member", &meeting).await;
}

#[tokio::test]
async fn auth_03_cls_03_a_new_password_closes_every_socket_of_the_account_and_no_other() {
    let world = World::start().await;
    let (meeting, host, _) = world.hosted(json!({})).await;
    let (first, first_id) = world.joined("member", &meeting).await;
    let second = world.connect("member").await;
    let token = world.token("member").await;
    let change = json!({ "currentPassword": "demo-password", "newPassword": "another-password" });
    let changed = world.put("/api/auth/change-password", &token, change).await;
    assert_eq!(changed["success"], true, "{changed}");
    for client in [&first, &second] {
        let told = client.expect("error").await;
        assert_eq!((&told["message"], &told["code"]), (&json!("Invalid token"), &json!("TOKEN_REVOKED")));
        client.closed().await;
    }
    assert_eq!(host.expect("participant-left").await["participantId"], first_id);
    let again = Client::connect(world.port, json!({ "token": token })).await;
    assert_eq!(again.err().as_deref(), Some("Invalid token"));
    let hand = json!({ "meetingId": meeting, "raised": true });
    assert_eq!(host.call("raise-hand", hand).await["success"], true, "others stay");
}

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
