//! Every event against bad input: it is refused in words, and the socket stays.

use serde_json::{Value, json};

use crate::support::{World, refused};

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
