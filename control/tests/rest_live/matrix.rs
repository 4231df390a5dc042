//! Every event a client may send as every kind of person (C-09, ROLE-01 to ROLE-05): what each hears, and that a socket
//! of another campus hears nothing at all. The events are those of the description, so that none can be forgotten here.

use std::collections::BTreeSet;

use plenum_shared::media::Kind;
use serde_json::{Value, json};

use crate::support::World;
use crate::support::node::rtp_parameters;
use crate::support::socket::Client;

/// Who sends, in the order of every row; the last two are not inside.
const PEOPLE: [&str; 6] = ["host", "member", "second", "student", "stranger", "outsider"];

/// What a person hears: nothing bad, or this refusal.
type Heard = Option<&'static str>;

const DENIED: Heard = Some("Access denied");

/// One event: its name, its payload, and what host, co-host, presenter, attendee, an uninvited person and somebody of
/// another campus hear.
struct Row(&'static str, Value, [Heard; 6]);

fn inside(heard: Heard) -> [Heard; 6] {
    [heard, heard, heard, heard, DENIED, DENIED]
}

fn running(heard: Heard) -> [Heard; 6] {
    [heard, heard, DENIED, DENIED, DENIED, DENIED]
}

fn table(meeting: &str, target: &str) -> Vec<Row> {
    let unknown = "3d9f2a51-7c0e-4b8e-9a66-0f6b1c2d4e5f";
    let of = |mut more: Value| {
        more["meetingId"] = meeting.into();
        more
    };
    let dtls = json!({ "role": "client", "fingerprints": [{ "algorithm": "sha-256", "value": "AA:BB" }] });
    let capabilities = plenum_shared::rtp::router_capabilities();
    let consumer = json!({ "consumerId": unknown });
    let producer = json!({ "producerId": unknown });
    let no_one = Some("Participant not found");
    let (no_transport, no_producer) = (Some("Transport not found"), Some("Producer not found"));
    let no_consumer = Some("Consumer not found");
    let joining = [
        None,
        None,
        None,
        None,
        Some("Access denied: You are not invited to this meeting"),
        Some("Access denied - meeting not found in your campus"),
    ];
    let not_member = Some("Access denied - you are not a participant in this meeting");
    let not_campus = Some("Access denied - meeting not found in your campus");
    let in_room = [None, None, None, None, not_member, not_campus];
    let no_room = Some("Breakout room not found");
    let assigning = [no_room, DENIED, DENIED, DENIED, DENIED, not_campus];
    let choosing = [no_room, no_room, no_room, no_room, DENIED, not_campus];
    let none_joined = Some("No chat room joined");
    let listening = [None, None, None, None, none_joined, none_joined];
    let no_recording = Some("Recording is not enabled for this meeting");
    let mute = |mute| of(json!({ "participantId": target, "mute": mute }));
    let produce = json!({ "kind": "video", "rtpParameters": rtp_parameters(Kind::Video) });
    let consume =
        json!({ "producerParticipantId": target, "kind": "video", "rtpCapabilities": capabilities });
    vec![
        Row("join-meeting", of(json!({})), joining),
        Row("send-message", of(json!({ "message": "Zebra 9137" })), inside(None)),
        Row("raise-hand", of(json!({ "raised": true })), inside(None)),
        Row("media-status-update", of(json!({ "video": false })), inside(None)),
        Row("media-status-update", of(json!({ "screenSharing": true })), inside(None)),
        Row("typing", of(json!({ "typing": true })), inside(None)),
        Row("send-reaction", of(json!({ "reaction": "👍" })), inside(None)),
        Row("lower-hands", of(json!({})), running(None)),
        Row("toggle-recording", of(json!({ "start": true })), running(no_recording)),
        Row("mute-participant", mute(true), running(None)),
        Row("mute-participant", mute(false), running(None)),
        Row("admit-participant", of(json!({ "participantId": unknown })), running(no_one)),
        Row("deny-participant", of(json!({ "participantId": unknown })), running(no_one)),
        Row("produce", of(produce), inside(no_transport)),
        Row("consume", of(consume), inside(no_producer)),
        Row("create-transport", of(json!({ "direction": "send" })), inside(None)),
        Row(
            "connect-transport",
            json!({ "transportId": unknown, "dtlsParameters": dtls }),
            inside(no_transport),
        ),
        Row("close-producer", producer.clone(), inside(no_producer)),
        Row("pause-producer", producer.clone(), inside(no_producer)),
        Row("resume-producer", producer, inside(no_producer)),
        Row("pause-consumer", consumer.clone(), inside(no_consumer)),
        Row("resume-consumer", consumer.clone(), inside(no_consumer)),
        Row("set-consumer-layers", json!({ "consumerId": unknown, "spatialLayer": 0 }), inside(no_consumer)),
        Row(
            "set-preferred-layers",
            json!({ "consumerId": unknown, "width": 320, "height": 180 }),
            inside(no_consumer),
        ),
        Row("set-consumer-priority", json!({ "consumerId": unknown, "priority": 2 }), inside(no_consumer)),
        Row(
            "produce-data",
            json!({ "transportId": unknown, "sctpStreamParameters": { "streamId": 0 } }),
            inside(no_transport),
        ),
        Row(
            "consume-data",
            json!({ "transportId": unknown, "dataProducerId": unknown }),
            inside(no_transport),
        ),
        Row("close-data-producer", json!({ "dataProducerId": unknown }), inside(no_producer)),
        Row("close-data-consumer", json!({ "dataConsumerId": unknown }), inside(no_consumer)),
        Row("restart-ice", json!({ "transportId": unknown }), inside(no_transport)),
        Row("get-stats", of(json!({})), inside(None)),
        Row("get-stats", of(json!({ "participantId": target })), running(None)),
        // Rooms without access are left out, and nobody learns which there are.
        Row("join-chat-rooms", json!({ "roomIds": [meeting] }), listening),
        Row("chat-typing", json!({ "roomId": meeting, "isTyping": true }), inside(None)),
        Row(
            "mark-messages-seen",
            json!({ "roomId": meeting, "messageIds": ["01ARZ3NDEKTSV4RRFFQ69G5FAV"] }),
            in_room,
        ),
        Row("get-breakout-rooms", of(json!({})), in_room),
        Row("assign-breakout", of(json!({ "participantId": target, "roomId": unknown })), assigning),
        Row("choose-breakout", of(json!({ "roomId": unknown })), choosing),
        Row("return-from-breakout", of(json!({})), choosing),
        Row("get-room-online-users", json!({ "roomId": meeting }), in_room),
        Row("update-chat-status", json!({ "status": "busy" }), [None; 6]),
        Row("leave-chat-room", json!({ "roomId": meeting }), [None; 6]),
        // Whoever is not in it has nothing to leave, and that is fine.
        Row("leave-meeting", of(json!({})), [None; 6]),
    ]
}

/// Every event the description says is received over Socket.IO; raw sockets are of one meeting, and who gets one is
/// decided before.
async fn events(world: &World) -> BTreeSet<String> {
    let api = world.get("/api/asyncapi.json", "").await;
    let operations = api["operations"].as_object().expect("operations");
    let received = operations.keys().filter_map(|name| name.strip_prefix("receive."));
    received.filter(|name| !name.starts_with("v1.")).map(str::to_owned).collect()
}

#[tokio::test]
async fn role_01_to_05_acc_06_every_event_as_everybody_and_silence_towards_another_campus() {
    let world = World::start().await;
    let _node = world.node().await;
    let stranger = json!({
        "name": "Stranger", "email": "stranger@demo.test", "password": "demo-password", "user_type": "teacher", "campus_id": "default",
    });
    world.post("/api/admin/users", &world.token("admin").await, stranger).await;
    let people = json!({
        "meeting_name": "Zebra 9137",
        "allow_guests": false,
        "participants": [
            { "email": "member@demo.test", "role": "co_host" },
            { "email": "second@demo.test", "role": "presenter" },
            "student@demo.test",
            "admin@demo.test",
        ],
    });
    let meeting = world.meeting(people).await;
    world.post(&format!("/api/meeting/{meeting}/start"), &world.token("host").await, json!({})).await;
    let (_target, target) = world.joined("admin", &meeting).await;
    let table = table(&meeting, &target);
    let listed: BTreeSet<_> = table.iter().map(|row| row.0.to_owned()).collect();
    assert_eq!(events(&world).await, listed, "every event has a row, and every row is of an event");
    let mut clients = Vec::new();
    for name in PEOPLE {
        clients.push(world.connect(name).await);
    }
    let mut wrong = Vec::new();
    for Row(event, payload, heard) in table {
        for ((name, client), expected) in PEOPLE.iter().zip(&clients).zip(heard) {
            let answer = client.call(event, payload.clone()).await;
            let refusal = answer["message"].as_str().filter(|_| answer["success"] == false);
            if refusal != expected || answer["success"] != expected.is_none() {
                wrong.push(format!("{event} as {name} should hear {expected:?}: {answer}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    only_refusals(&clients[5], &meeting, &target);
}

/// Somebody of another campus heard that he may not, and nothing besides.
fn only_refusals(outsider: &Client, meeting: &str, target: &str) {
    let heard = outsider.heard();
    // What answers him says his own words back.
    let answers = ["error", "chat-rooms-joined", "chat-room-left"];
    assert!(heard.iter().all(|name| answers.contains(&name.as_str())), "{heard:?}");
    let told = json!([outsider.heard_of("error"), outsider.heard_of("chat-rooms-joined")]).to_string();
    for mark in ["Zebra 9137", meeting, target] {
        assert!(!told.contains(mark), "{mark} leaks: {told}");
    }
}
