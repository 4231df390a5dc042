//! Figures of media, for their owner and for those who run the meeting (ADD-EV-95 to ADD-EV-97).

use plenum_shared::details::{
    ConsumerDetails, DtlsState, IceState, LayerDetails, ProducerDetails, RemoteReport, SendingDetails,
    SessionDetails, StreamDetails, Traffic, TransportDetails,
};
use plenum_shared::event::Event;
use plenum_shared::id::{ProducerId, SessionId, TransportId};
use plenum_shared::media::{
    Bitrate, ConnectionQuality, Direction, Kind, Layer, LayerLimit, PictureSize, Source,
};
use plenum_shared::transport::Protocol;
use serde_json::{Value, json};

use crate::support::node::{ScriptedNode, rtp_parameters};
use crate::support::socket::Client;
use crate::support::{Setup, World, refused};

struct Scene {
    world: World,
    node: ScriptedNode,
    meeting: String,
    host: Client,
    host_id: String,
    member: Client,
    member_id: String,
}

impl Scene {
    async fn start() -> Self {
        let world = World::start().await;
        let node = world.node().await;
        let (meeting, host, host_id) = world.hosted(json!({})).await;
        let (member, member_id) = world.joined("member", &meeting).await;
        Self { world, node, meeting, host, host_id, member, member_id }
    }

    /// The host publishes a camera, the member watches it. Their ids: transport, producer; transport, consumer.
    async fn watched(&self) -> [String; 4] {
        let of = |mut more: Value| {
            more["meetingId"] = self.meeting.clone().into();
            more
        };
        let id = |answer: &Value, name: &str| {
            answer[name].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
        };
        let send = self.host.call("create-transport", of(json!({ "direction": "send" }))).await;
        let track = of(json!({ "kind": "video", "rtpParameters": rtp_parameters(Kind::Video) }));
        let produced = self.host.call("produce", track).await;
        let recv = self.member.call("create-transport", of(json!({ "direction": "recv" }))).await;
        let capabilities = plenum_shared::rtp::router_capabilities();
        let wanted = json!({
            "producerParticipantId": self.host_id, "kind": "video", "rtpCapabilities": capabilities,
        });
        let consumed = self.member.call("consume", of(wanted)).await;
        [
            id(&send, "transportId"),
            id(&produced, "producerId"),
            id(&recv, "transportId"),
            id(&consumed, "consumerId"),
        ]
    }
}

async fn stats(client: &Client, what: Value) -> Value {
    client.call("get-stats", what).await
}

fn count(count: u64, bytes: u64) -> Traffic {
    Traffic { count, bytes }
}

fn transport(
    transport: TransportId,
    direction: Direction,
    sending: Option<SendingDetails>,
) -> TransportDetails {
    TransportDetails {
        transport,
        direction,
        ice: IceState::Connected,
        dtls: DtlsState::Connected,
        protocol: Some(Protocol::Udp),
        round_trip_ms: Some(42),
        loss: 0.25,
        received: count(10, 1000),
        sent: count(20, 2000),
        received_rate: Bitrate(8000),
        sent_rate: Bitrate(16_000),
        data_received: count(1, 5),
        data_sent: count(2, 6),
        sending,
    }
}

fn details(session: &str) -> SessionDetails {
    SessionDetails {
        session: session.parse().unwrap(),
        quality: ConnectionQuality::Good,
        transports: Vec::new(),
        producers: Vec::new(),
        consumers: Vec::new(),
        data_producers: Vec::new(),
        data_consumers: Vec::new(),
    }
}

fn publisher(session: &str, id: &str, producer: &str) -> SessionDetails {
    let id: TransportId = id.parse().unwrap();
    let stream = StreamDetails {
        rid: Some("r0".into()),
        ssrc: Some(1111),
        packets: count(100, 90_000),
        repaired: count(4, 3600),
        lost: 2,
        missed: 6,
        fraction_lost: 0.5,
        jitter_ms: 1.5,
        nacks: 7,
        plis: 1,
        keyframes: 3,
        rate: Bitrate(640_000),
        ..StreamDetails::default()
    };
    let layer = LayerDetails {
        rate: Bitrate(640_000),
        frames_per_second: 30.0,
        frames: 900,
        picture: Some(PictureSize { width: 640, height: 360 }),
        sent: true,
        viewers: 1,
    };
    SessionDetails {
        transports: vec![transport(id, Direction::Send, None)],
        producers: vec![ProducerDetails {
            producer: producer.parse().unwrap(),
            transport: id,
            kind: Kind::Video,
            source: Source::Camera,
            paused: false,
            streams: vec![stream],
            layers: vec![layer],
        }],
        ..details(session)
    }
}

fn viewer(session: &str, id: &str, consumer: &str) -> SessionDetails {
    let id: TransportId = id.parse().unwrap();
    let sending = SendingDetails {
        available: Bitrate(900_000),
        measured: true,
        wanted: Some(Bitrate(1_500_000)),
        pacer_queue_ms: 12,
        pictures: 1,
        pictures_limited: 1,
        ..SendingDetails::default()
    };
    let remote = RemoteReport { lost: 5, fraction_lost: 0.125, jitter_ms: 2.25, round_trip_ms: Some(40) };
    SessionDetails {
        transports: vec![transport(id, Direction::Recv, Some(sending))],
        consumers: vec![ConsumerDetails {
            consumer: consumer.parse().unwrap(),
            producer: ProducerId::random(),
            transport: id,
            kind: Kind::Video,
            source: Source::Camera,
            paused: false,
            ssrc: 2222,
            rtx_ssrc: None,
            sent: count(200, 180_000),
            retransmitted: count(3, 2700),
            probes: count(1, 255),
            rate: Bitrate(500_000),
            nacks: 4,
            nacks_unanswered: 1,
            plis: 2,
            firs: 0,
            target: Some(Layer { spatial: 1, temporal: Some(2) }),
            current: Some(Layer { spatial: 0, temporal: None }),
            preferred: Some(Layer { spatial: 2, temporal: None }),
            limit: Some(LayerLimit::Bandwidth),
            layer_changes: 3,
            remote: Some(remote),
        }],
        ..details(session)
    }
}

/// The fields of an answer that are expected to be so, compared with those expectations.
fn fields(answer: &Value, expected: &Value) -> Value {
    let names = expected.as_object().expect("an object").keys();
    names.map(|name| (name.clone(), answer[name].clone())).collect::<serde_json::Map<_, _>>().into()
}

#[tokio::test]
async fn add_ev_95_add_ev_96_one_sees_the_figures_of_ones_own_media_in_the_units_of_webrtc() {
    let scene = Scene::start().await;
    let [send, producer, recv, consumer] = scene.watched().await;
    scene.node.memory().set_details(publisher(&scene.host_id, &send, &producer));
    scene.node.memory().set_details(viewer(&scene.member_id, &recv, &consumer));

    let own = stats(&scene.host, json!({})).await;
    let head = json!({
        "success": true, "meetingId": scene.meeting, "participantId": scene.host_id, "quality": null, "consumers": [],
    });
    assert_eq!(fields(&own, &head), head, "{own}");
    let (transport, track) = (&own["transports"][0], &own["producers"][0]);
    let expected = json!({
        "transportId": send, "direction": "send", "iceState": "connected", "dtlsState": "connected", "protocol": "udp",
        "roundTripTime": 0.042, "fractionLost": 0.25, "packetsReceived": 10, "bytesReceived": 1000, "packetsSent": 20,
        "bytesSent": 2000, "receiveBitrate": 8000, "sendBitrate": 16000, "availableOutgoingBitrate": null, "sending": null,
        "dataChannels": { "messagesReceived": 1, "bytesReceived": 5, "messagesSent": 2, "bytesSent": 6 },
    });
    assert_eq!(*transport, expected);
    let expected = json!({
        "rid": "r0", "ssrc": 1111, "rtxSsrc": null, "packetsReceived": 100, "bytesReceived": 90000,
        "retransmittedPacketsReceived": 4, "retransmittedBytesReceived": 3600, "packetsLost": 2, "packetsMissed": 6,
        "fractionLost": 0.5, "packetsDuplicated": 0, "packetsDiscarded": 0, "jitter": 0.0015, "nackCount": 7, "pliCount": 1,
        "keyFramesReceived": 3, "bitrate": 640000,
    });
    assert_eq!(track["streams"], json!([expected]));
    let expected = json!({
        "bitrate": 640000, "framesPerSecond": 30.0, "framesReceived": 900, "frameWidth": 640, "frameHeight": 360,
        "active": true, "viewers": 1,
    });
    assert_eq!(track["layers"], json!([expected]));
    assert!(scene.host.heard_of("stats").is_empty(), "the callback has it all");
    scene.host.emit("get-stats", json!({ "transportId": send }));
    let told = scene.host.expect("stats").await;
    assert_eq!((&told["participantId"], &told["transports"]), (&own["participantId"], &own["transports"]));

    let own = stats(&scene.member, json!({ "meetingId": scene.meeting })).await;
    let expected = json!({
        "consumerId": consumer, "packetsSent": 200, "bytesSent": 180000, "retransmittedPacketsSent": 3,
        "retransmittedBytesSent": 2700, "probePacketsSent": 1, "probeBytesSent": 255, "bitrate": 500000, "nackCount": 4,
        "nacksUnanswered": 1, "pliCount": 2, "firCount": 0, "layerChanges": 3, "limitedBy": "bandwidth",
        "qualityLimitationReason": "bandwidth",
        "currentLayer": { "spatialLayer": 0, "temporalLayer": null },
        "targetLayer": { "spatialLayer": 1, "temporalLayer": 2 },
        "remote": { "packetsLost": 5, "fractionLost": 0.125, "jitter": 0.00225, "roundTripTime": 0.04 },
    });
    assert_eq!(fields(&own["consumers"][0], &expected), expected, "{own}");
    assert_eq!(own["transports"][0]["availableOutgoingBitrate"], 900_000);
    let expected = json!({
        "isMeasured": true, "wantedBitrate": 1_500_000, "queueTime": 0.012, "pictures": 1, "picturesLimited": 1,
    });
    let sending = &own["transports"][0]["sending"];
    assert_eq!(fields(sending, &expected), expected, "{sending}");
}

#[tokio::test]
async fn add_ev_95_one_part_is_asked_for_by_its_id_and_only_its_owner_has_it() {
    let scene = Scene::start().await;
    let [send, producer, recv, consumer] = scene.watched().await;
    scene.node.memory().set_details(publisher(&scene.host_id, &send, &producer));
    scene.node.memory().set_details(viewer(&scene.member_id, &recv, &consumer));
    let (host, member) = (&scene.host, &scene.member);
    let unknown = json!("3d9f2a51-7c0e-4b8e-9a66-0f6b1c2d4e5f");
    for (field, id, owner, other, words) in [
        ("transportId", &send, host, member, "Transport not found"),
        ("producerId", &producer, host, member, "Producer not found"),
        ("consumerId", &consumer, member, host, "Consumer not found"),
    ] {
        let own = stats(owner, json!({ field: id })).await;
        let held = ["transports", "producers", "consumers"].map(|list| own[list].as_array().map(Vec::len));
        let expected =
            ["transportId", "producerId", "consumerId"].map(|name| Some(usize::from(name == field)));
        assert_eq!(held, expected, "{own}");
        assert!(refused(&stats(other, json!({ field: id })).await, words), "{field} of somebody else");
        assert!(refused(&stats(owner, json!({ field: unknown })).await, words));
        let outside = scene.world.connect("second").await;
        assert!(refused(&stats(&outside, json!({ field: id })).await, "Access denied"));
    }
    // The track went while its figures were being asked for.
    scene.node.memory().set_details(details(&scene.host_id));
    assert_eq!(stats(host, json!({ "producerId": producer })).await["producers"], json!([]));
}

#[tokio::test]
async fn add_ev_95_role_01_to_05_hosts_see_how_somebody_is_connected_and_others_only_themselves() {
    let scene = Scene::start().await;
    let [send, producer, recv, consumer] = scene.watched().await;
    scene.node.memory().set_details(publisher(&scene.host_id, &send, &producer));
    scene.node.memory().set_details(viewer(&scene.member_id, &recv, &consumer));
    let (room, session) = (scene.node.transport().0, scene.member_id.parse::<SessionId>().unwrap());
    scene.node.tell(Event::QualityChanged { room, session, quality: ConnectionQuality::Fair }).await;
    scene.host.expect("connection-quality").await;
    let of = |whom: &str| json!({ "meetingId": scene.meeting, "participantId": whom });
    let user = scene.world.user("member").await;
    for whom in [scene.member_id.as_str(), user.as_str()] {
        let seen = stats(&scene.host, of(whom)).await;
        assert_eq!(
            (&seen["participantId"], &seen["quality"], &seen["consumers"][0]["consumerId"]),
            (&json!(scene.member_id), &json!("fair"), &json!(consumer)),
            "{seen}"
        );
    }
    assert_eq!(stats(&scene.member, of(&scene.member_id)).await["participantId"], scene.member_id);
    assert!(refused(&stats(&scene.member, of(&scene.host_id)).await, "Access denied"));
    assert!(refused(&stats(&scene.host, of("nobody")).await, "Participant not found"));
    let role = json!({ "new_role": "co_host" });
    let path = format!("/api/meeting/{}/participants/{}/role", scene.meeting, scene.member_id);
    scene.world.patch(&path, &scene.world.token("host").await, role).await;
    let seen = stats(&scene.member, of(&scene.host_id)).await;
    assert_eq!(seen["producers"][0]["producerId"], json!(producer), "{seen}");
}

#[tokio::test]
async fn add_ev_95_somebody_inside_twice_sees_the_figures_of_his_other_device() {
    let scene = Scene::start().await;
    let [_, _, recv, consumer] = scene.watched().await;
    scene.node.memory().set_details(viewer(&scene.member_id, &recv, &consumer));
    let (second, second_id) = scene.world.joined("member", &scene.meeting).await;
    assert_ne!(second_id, scene.member_id);
    let seen = stats(&second, json!({ "participantId": scene.member_id })).await;
    assert_eq!(seen["consumers"][0]["consumerId"], json!(consumer), "{seen}");
    // By his account it is the device that asks.
    let of = json!({ "participantId": scene.world.user("member").await });
    assert_eq!(stats(&second, of.clone()).await["participantId"], json!(second_id));
    assert_eq!(stats(&scene.member, of).await["participantId"], json!(scene.member_id));
}

#[tokio::test]
async fn add_ev_95_who_may_not_look_hears_so_whether_he_names_the_meeting_or_not() {
    let scene = Scene::start().await;
    for named in [scene.host_id.as_str(), "nobody"] {
        let here = json!({ "meetingId": scene.meeting, "participantId": named });
        assert!(refused(&stats(&scene.member, here).await, "Access denied"));
        let anywhere = stats(&scene.member, json!({ "participantId": named })).await;
        assert!(refused(&anywhere, "Access denied"), "{anywhere}");
    }
    // A meeting in which he may not look does not hide one in which he may.
    let (_other, host, host_id) = scene.world.hosted(json!({})).await;
    host.call("join-meeting", json!({ "meetingId": scene.meeting })).await;
    let own = stats(&host, json!({ "participantId": host_id })).await;
    assert_eq!(own["participantId"], json!(host_id), "{own}");
}

#[tokio::test]
async fn add_ev_95_without_media_there_is_nothing_and_with_a_silent_node_a_refusal() {
    let scene = Scene::start().await;
    let before = stats(&scene.host, json!({})).await;
    for list in ["transports", "producers", "consumers"] {
        assert_eq!(before[list], json!([]), "no room on a node: {before}");
    }
    let open = json!({ "meetingId": scene.meeting, "direction": "send" });
    scene.host.call("create-transport", open).await;
    let member = stats(&scene.member, json!({})).await;
    assert_eq!(
        (&member["success"], &member["transports"]),
        (&json!(true), &json!([])),
        "no transport of his"
    );
    scene
        .node
        .memory()
        .set_mood(crate::support::node::Mood::Refuses(plenum_shared::command::RefusalReason::Internal));
    assert_eq!(stats(&scene.host, json!({})).await["success"], false);
}

#[tokio::test]
async fn add_ev_95_c_62_looking_at_figures_has_a_budget() {
    let world = World::with(Setup { rate_limits: true, ..Setup::default() }).await;
    let (_meeting, host, _) = world.hosted(json!({})).await;
    for _ in 0..60 {
        assert_eq!(stats(&host, json!({})).await["success"], true);
    }
    assert_eq!(stats(&host, json!({})).await["code"], "RATE_LIMIT_EXCEEDED");
}

#[tokio::test]
async fn add_ev_97_whoever_comes_later_finds_how_well_everybody_is_connected() {
    let scene = Scene::start().await;
    let [..] = scene.watched().await;
    let (room, session) = (scene.node.transport().0, scene.member_id.parse::<SessionId>().unwrap());
    scene.node.tell(Event::QualityChanged { room, session, quality: ConnectionQuality::Poor }).await;
    scene.host.expect("connection-quality").await;
    let late = scene.world.connect("second").await;
    let joined = late.call("join-meeting", json!({ "meetingId": scene.meeting })).await;
    let found = joined["participants"].as_array().expect("people");
    let quality =
        |id: &str| found.iter().find(|one| one["participantId"] == id).map(|one| &one["connectionQuality"]);
    assert_eq!(quality(&scene.member_id), Some(&json!("poor")));
    assert_eq!(quality(&scene.host_id), Some(&Value::Null), "not measured yet");
    // The others hear the same of him, by a field that is there.
    let told = scene
        .host
        .expect_where("participant-joined", |told| told["participantId"] == joined["participantId"]);
    assert_eq!(told.await.get("connectionQuality"), Some(&Value::Null));
}
