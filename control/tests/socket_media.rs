//! WebRTC signalling over Socket.IO, against a scripted media node that can be made to fail.

#![allow(clippy::unwrap_used, clippy::panic, reason = "the helpers of a test fail by panicking")]

#[path = "socket_media/data.rs"]
mod data;
mod support;

use plenum_control::fleet::Timing;
use plenum_shared::command::{RefusalReason, RoomCommand};
use plenum_shared::event::{CloseReason, Event, Speaking};
use plenum_shared::id::{ProducerId, SessionId};
use plenum_shared::media::{ConnectionQuality, Kind, Layer, LayerLimit, PictureSize};
use serde_json::{Value, json};
use support::node::{Memory, Mood, ScriptedNode, rtp_parameters};
use support::socket::{Client, PATIENCE};
use support::{Setup, World, eventually, refused};

/// A meeting with a host who publishes and a member who watches.
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
        Self::with(json!({})).await
    }

    async fn with(changes: Value) -> Self {
        Self::inside(World::start().await, changes).await
    }

    async fn inside(world: World, changes: Value) -> Self {
        let node = world.node().await;
        let (meeting, host, host_id) = world.hosted(changes).await;
        let (member, member_id) = world.joined("member", &meeting).await;
        Self { world, node, meeting, host, host_id, member, member_id }
    }

    async fn transport(&self, client: &Client, direction: &str) -> Value {
        client.call("create-transport", json!({ "meetingId": self.meeting, "direction": direction })).await
    }

    async fn produce(&self, client: &Client, kind: Kind, source: &str) -> Value {
        let payload = json!({
            "meetingId": self.meeting,
            "kind": kind,
            "source": source,
            "rtpParameters": rtp_parameters(kind),
        });
        client.call("produce", payload).await
    }

    async fn camera(&self) -> String {
        self.transport(&self.host, "send").await;
        let produced = self.produce(&self.host, Kind::Video, "camera").await;
        produced["producerId"].as_str().unwrap_or_else(|| panic!("{produced}")).to_owned()
    }

    fn watch(&self, kind: Kind) -> Value {
        json!({
            "meetingId": self.meeting,
            "producerParticipantId": self.host_id,
            "kind": kind,
            "rtpCapabilities": plenum_shared::rtp::router_capabilities(),
        })
    }

    fn session(&self, id: &str) -> SessionId {
        id.parse().unwrap()
    }
}

fn dtls() -> Value {
    json!({ "role": "client", "fingerprints": [{ "algorithm": "sha-256", "value": "AA:BB" }] })
}

#[tokio::test]
async fn kcs_ws_44_kcs_ws_50_a_transport_is_created_and_an_older_one_of_its_direction_replaced() {
    let scene = Scene::start().await;
    let answer = scene.transport(&scene.host, "send").await;
    let event = scene.host.expect("transport-created").await;
    assert_eq!((&answer["transportId"], &answer["direction"]), (&event["transportId"], &json!("send")));
    for part in ["iceParameters", "dtlsParameters"] {
        assert!(event[part].is_object(), "{event}");
    }
    assert_eq!(event["iceCandidates"][0]["type"], "host");
    assert_eq!(event["iceParameters"]["usernameFragment"], "ufrag");
    let second = scene.transport(&scene.host, "send").await;
    assert_ne!(second["transportId"], answer["transportId"]);
    let old = answer["transportId"].as_str().unwrap().parse().unwrap();
    scene.node.memory().asked(|command| *command == RoomCommand::CloseTransport { transport: old }).await;
}

#[tokio::test]
async fn kcs_ws_45_kcs_ws_51_only_ones_own_transport_can_be_connected() {
    let scene = Scene::start().await;
    let id = scene.transport(&scene.host, "send").await["transportId"].clone();
    let payload = json!({ "transportId": id, "dtlsParameters": dtls() });
    assert!(refused(&scene.member.call("connect-transport", payload.clone()).await, "Transport not found"));
    let answer = scene.host.call("connect-transport", payload).await;
    assert_eq!((&answer["success"], &answer["transportId"]), (&json!(true), &id));
    assert_eq!(scene.host.expect("transport-connected").await, json!({ "success": true, "transportId": id }));
}

#[tokio::test]
async fn kcs_ws_46_kcs_ws_52_add_ev_05_a_published_track_is_announced_to_the_others() {
    let scene = Scene::start().await;
    let producer = scene.camera().await;
    let answer = scene.host.expect("produced").await;
    assert_eq!((&answer["kind"], &answer["producerId"]), (&json!("video"), &json!(producer)));
    let heard = scene.member.expect("new-producer").await;
    let expected = json!({
        "meetingId": scene.meeting, "participantId": scene.host_id, "producerId": producer,
        "kind": "video", "source": "camera", "paused": false,
    });
    assert_eq!(heard, expected);
    assert!(scene.host.heard_of("new-producer").is_empty());
    let late = scene.world.connect("second").await;
    let joined = late.call("join-meeting", json!({ "meetingId": scene.meeting })).await;
    let track = json!({ "producerId": producer, "kind": "video", "source": "camera", "paused": false });
    assert_eq!(joined["participants"][0]["producers"], json!([track]));
}

#[tokio::test]
async fn kcs_ws_46_without_a_send_transport_nothing_is_published() {
    let scene = Scene::start().await;
    let answer = scene.produce(&scene.host, Kind::Video, "camera").await;
    assert!(refused(&answer, "Transport not found"), "{answer}");
}

#[tokio::test]
async fn kcs_ws_47_kcs_ws_53_a_track_is_found_by_participant_user_or_record_and_by_source() {
    let scene = Scene::start().await;
    let camera = scene.camera().await;
    let screen = scene.produce(&scene.host, Kind::Video, "screen").await["producerId"].clone();
    scene.transport(&scene.member, "recv").await;
    let token = scene.world.token("host").await;
    let roster = scene.world.get(&format!("/api/meeting/{}/participants", scene.meeting), &token).await;
    let record =
        roster["data"].as_array().unwrap().iter().find(|p| p["participant_id"] == scene.host_id).unwrap();
    for name in [json!(scene.host_id), record["user_id"].clone(), record["id"].clone()] {
        let mut payload = scene.watch(Kind::Video);
        payload["producerParticipantId"] = name;
        let consumed = scene.member.call("consume", payload).await;
        assert_eq!(
            (&consumed["producerId"], &consumed["source"]),
            (&json!(camera), &json!("camera")),
            "{consumed}"
        );
        assert_eq!(
            (&consumed["participantId"], &consumed["type"]),
            (&json!(scene.host_id), &json!("simple"))
        );
        assert_eq!((&consumed["paused"], &consumed["producerPaused"]), (&json!(false), &json!(false)));
        assert!(consumed["rtpParameters"]["codecs"].is_array());
        assert_eq!(scene.member.expect("consumed").await["consumerId"], consumed["consumerId"]);
    }
    for (field, value) in [("source", json!("screen")), ("producerId", screen.clone())] {
        let mut payload = scene.watch(Kind::Video);
        payload[field] = value;
        assert_eq!(scene.member.call("consume", payload).await["producerId"], screen);
    }
    let answer = scene.member.call("consume", scene.watch(Kind::Audio)).await;
    assert!(refused(&answer, "Producer not found"), "{answer}");
}

#[tokio::test]
async fn kcs_ws_48_kcs_ws_49_kcs_ws_54_kcs_ws_55_add_ev_14_a_viewer_steers_his_own_subscriptions() {
    let scene = Scene::start().await;
    scene.camera().await;
    scene.transport(&scene.member, "recv").await;
    let consumer = scene.member.call("consume", scene.watch(Kind::Video)).await["consumerId"].clone();
    let named = json!({ "consumerId": consumer });
    for (event, answer) in [("resume-consumer", "consumer-resumed"), ("pause-consumer", "consumer-paused")] {
        assert_eq!(scene.member.call(event, named.clone()).await["success"], true);
        assert_eq!(scene.member.expect(answer).await, named);
        assert!(refused(&scene.host.call(event, named.clone()).await, "Consumer not found"));
    }
    let layers = json!({ "consumerId": consumer, "spatialLayer": 1, "temporalLayer": 2 });
    assert_eq!(scene.member.call("set-consumer-layers", layers).await["success"], true);
    assert_eq!(scene.member.expect("consumer-layers-set").await["spatialLayer"], 1);
    let layer = Layer { spatial: 1, temporal: Some(2) };
    let consumer = consumer.as_str().unwrap().parse().unwrap();
    scene
        .node
        .memory()
        .asked(|command| *command == RoomCommand::SetPreferredLayer { consumer, layer, size: None })
        .await;
}

#[tokio::test]
async fn add_ev_06_add_ev_16_a_track_is_paused_resumed_and_closed_by_its_owner_alone() {
    let scene = Scene::start().await;
    let producer = scene.camera().await;
    let named = json!({ "producerId": producer });
    for (event, heard) in [("pause-producer", "producer-paused"), ("resume-producer", "producer-resumed")] {
        assert!(refused(&scene.member.call(event, named.clone()).await, "Producer not found"));
        assert_eq!(scene.host.call(event, named.clone()).await["success"], true);
        let told = scene.member.expect(heard).await;
        assert_eq!((&told["producerId"], &told["participantId"]), (&json!(producer), &json!(scene.host_id)));
        assert_eq!(scene.host.expect(heard).await, told);
    }
    assert!(refused(&scene.member.call("close-producer", named.clone()).await, "Producer not found"));
    assert_eq!(scene.host.call("close-producer", named.clone()).await["success"], true);
    for client in [&scene.host, &scene.member] {
        assert_eq!(client.expect("producer-closed").await["producerId"], producer);
    }
    assert!(refused(&scene.host.call("close-producer", named).await, "Producer not found"));
}

#[tokio::test]
async fn rate_07_tracks_come_and_go_so_often_and_fall_silent_always() {
    let world = World::with(Setup { rate_limits: true, ..Setup::default() }).await;
    let scene = Scene::inside(world, json!({})).await;
    let named = json!({ "producerId": scene.camera().await });
    let mut resumed = 0;
    while scene.host.call("resume-producer", named.clone()).await["success"] == true {
        resumed += 1;
    }
    // The track itself was the first of the budget.
    assert_eq!(resumed, 119);
    assert!(refused(&scene.host.call("resume-producer", named.clone()).await, "Rate limit exceeded"));
    let again = scene.produce(&scene.host, Kind::Audio, "microphone").await;
    assert!(refused(&again, "Rate limit exceeded"), "{again}");
    assert_eq!(scene.host.call("pause-producer", named).await["success"], true);
}

#[tokio::test]
async fn kcs_ws_11_a_muted_microphone_is_not_forwarded() {
    let scene = Scene::start().await;
    scene.transport(&scene.host, "send").await;
    let produced = scene.produce(&scene.host, Kind::Audio, "microphone").await;
    let producer: ProducerId = produced["producerId"].as_str().unwrap().parse().unwrap();
    for audio in [false, true] {
        scene.host.call("media-status-update", json!({ "meetingId": scene.meeting, "audio": audio })).await;
        let told = scene.member.expect("participant-media-updated").await;
        assert_eq!((&told["participantId"], &told["audio"]), (&json!(scene.host_id), &json!(audio)));
        let paused = !audio;
        scene.node.memory().asked(|c| *c == RoomCommand::SetProducerPaused { producer, paused }).await;
    }
}

#[tokio::test]
async fn kcs_ws_12_kcs_ws_23_whoever_a_host_mutes_cannot_unmute_himself() {
    let scene = Scene::start().await;
    scene.transport(&scene.member, "send").await;
    let produced = scene.produce(&scene.member, Kind::Audio, "microphone").await;
    let producer: ProducerId = produced["producerId"].as_str().unwrap().parse().unwrap();
    let mute = |on: bool| json!({ "meetingId": scene.meeting, "participantId": scene.member_id, "mute": on });
    assert!(refused(&scene.member.call("mute-participant", mute(true)).await, "Access denied"));
    assert_eq!(scene.host.call("mute-participant", mute(true)).await["success"], true);
    assert_eq!(scene.member.expect("muted-by-host").await["muted"], true);
    assert_eq!(scene.host.expect("participant-media-updated").await["audio"], false);
    scene.node.memory().asked(|c| *c == RoomCommand::SetProducerPaused { producer, paused: true }).await;
    let unmute = json!({ "meetingId": scene.meeting, "audio": true });
    assert!(refused(&scene.member.call("media-status-update", unmute.clone()).await, "Access denied"));
    assert_eq!(scene.host.call("mute-participant", mute(false)).await["success"], true);
    assert_eq!(scene.member.call("media-status-update", unmute).await["success"], true);
    let nobody = json!({ "meetingId": scene.meeting, "participantId": "nobody", "mute": true });
    assert!(refused(&scene.host.call("mute-participant", nobody).await, "Participant not found"));
}

#[tokio::test]
async fn kcs_ws_46_a_feature_that_is_off_keeps_its_tracks_out() {
    let features = json!({ "video_enabled": false, "screen_sharing_enabled": false });
    let scene = Scene::with(json!({ "features": features })).await;
    scene.transport(&scene.host, "send").await;
    let camera = scene.produce(&scene.host, Kind::Video, "camera").await;
    assert!(refused(&camera, "Video is disabled for this meeting"), "{camera}");
    let screen = scene.produce(&scene.host, Kind::Video, "screen").await;
    assert!(refused(&screen, "Screen sharing is disabled for this meeting"), "{screen}");
    assert_eq!(scene.produce(&scene.host, Kind::Audio, "microphone").await["success"], true);
}

#[tokio::test]
async fn add_ev_11_add_ev_12_add_ev_15_what_the_node_notices_reaches_whom_it_concerns() {
    let scene = Scene::start().await;
    let producer: ProducerId = scene.camera().await.parse().unwrap();
    scene.transport(&scene.member, "recv").await;
    let consumed = scene.member.call("consume", scene.watch(Kind::Video)).await;
    let consumer = consumed["consumerId"].as_str().unwrap().parse().unwrap();
    let room = scene.node.transport().0;
    let (host, member) = (scene.session(&scene.host_id), scene.session(&scene.member_id));
    scene.node.tell(Event::ActiveSpeaker { room, group: 0, speaker: Some((host, producer)) }).await;
    scene.node.tell(Event::QualityChanged { room, session: member, quality: ConnectionQuality::Poor }).await;
    let layer = Some(Layer { spatial: 2, temporal: Some(1) });
    scene
        .node
        .tell(Event::ConsumerLayerChanged { room, session: member, consumer, layer, limit: None })
        .await;
    scene.node.tell(Event::ActiveSpeaker { room, group: 0, speaker: None }).await;
    for client in [&scene.host, &scene.member] {
        assert_eq!(client.expect("active-speaker").await["participantId"], scene.host_id);
        let quality = client.expect("connection-quality").await;
        assert_eq!(
            (&quality["participantId"], &quality["quality"]),
            (&json!(scene.member_id), &json!("poor"))
        );
        assert_eq!(client.expect("active-speaker").await["participantId"], Value::Null);
    }
    let layers = scene.member.expect("consumer-layers-changed").await;
    assert_eq!((&layers["consumerId"], &layers["spatialLayer"]), (&consumed["consumerId"], &json!(2)));
    assert_eq!(layers["limitedBy"], Value::Null);
    assert!(scene.host.heard_of("consumer-layers-changed").is_empty());
}

#[tokio::test]
async fn add_ev_75_a_viewer_hears_why_it_gets_less_and_that_bandwidth_pauses_a_track() {
    let scene = Scene::start().await;
    scene.camera().await;
    scene.transport(&scene.member, "recv").await;
    let consumed = scene.member.call("consume", scene.watch(Kind::Video)).await;
    let consumer = consumed["consumerId"].as_str().unwrap().parse().unwrap();
    let (room, session) = (scene.node.transport().0, scene.session(&scene.member_id));
    let bottom = Some(Layer { spatial: 0, temporal: None });
    let said = [
        (bottom, Some(LayerLimit::Bandwidth), json!([0, "bandwidth"])),
        (None, Some(LayerLimit::Bandwidth), json!([null, "bandwidth"])),
        (None, Some(LayerLimit::LastN), json!([null, "last-n"])),
        (bottom, None, json!([0, null])),
    ];
    for (layer, limit, expected) in said {
        scene.node.tell(Event::ConsumerLayerChanged { room, session, consumer, layer, limit }).await;
        let told = scene.member.expect("consumer-layers-changed").await;
        assert_eq!(json!([told["spatialLayer"], told["limitedBy"]]), expected);
    }
}

#[tokio::test]
async fn add_ev_73_only_the_publisher_hears_what_of_his_track_is_watched() {
    let scene = Scene::start().await;
    let producer: ProducerId = scene.camera().await.parse().unwrap();
    let (room, session) = (scene.node.transport().0, scene.session(&scene.host_id));
    for highest in [Some(2), None] {
        scene.node.tell(Event::ProducerLayers { room, session, producer, highest }).await;
        let told = scene.host.expect("producer-layers").await;
        assert_eq!(told, json!({ "producerId": producer, "highestLayer": highest }));
    }
    scene.node.tell(Event::QualityChanged { room, session, quality: ConnectionQuality::Fair }).await;
    scene.member.expect("connection-quality").await;
    assert!(scene.member.heard_of("producer-layers").is_empty());
}

#[tokio::test]
async fn add_ev_74_everybody_hears_who_is_heard_the_loudest_first() {
    let scene = Scene::start().await;
    let producer = scene.camera().await.parse().unwrap();
    let room = scene.node.transport().0;
    let speaking =
        |id: &str, level_dbov_neg| Speaking { session: scene.session(id), producer, level_dbov_neg };
    let speakers = vec![speaking(&scene.member_id, 25), speaking(&scene.host_id, 60)];
    scene.node.tell(Event::ActiveSpeakers { room, group: 0, speakers }).await;
    let expected = json!({
        "meetingId": scene.meeting,
        "speakers": [
            { "participantId": scene.member_id, "level": -25 }, { "participantId": scene.host_id, "level": -60 },
        ],
    });
    for client in [&scene.host, &scene.member] {
        assert_eq!(client.expect("active-speakers").await, expected);
    }
}

#[tokio::test]
async fn add_ev_70_add_ev_71_a_viewer_says_how_large_a_track_is_shown_and_how_much_it_matters() {
    let scene = Scene::start().await;
    scene.camera().await;
    scene.transport(&scene.member, "recv").await;
    let named = scene.member.call("consume", scene.watch(Kind::Video)).await["consumerId"].clone();
    let consumer = named.as_str().unwrap().parse().unwrap();
    let sizes = [
        (json!({ "width": 320, "height": 180 }), 7, None, Some(PictureSize { width: 320, height: 180 })),
        (json!({ "spatialLayer": 1, "temporalLayer": 0 }), 1, Some(0), None),
    ];
    for (mut body, spatial, temporal, size) in sizes {
        body["consumerId"] = named.clone();
        assert!(refused(&scene.host.call("set-preferred-layers", body.clone()).await, "Consumer not found"));
        let answer = scene.member.call("set-preferred-layers", body).await;
        assert_eq!((&answer["success"], &answer["consumerId"]), (&json!(true), &named));
        let layer = Layer { spatial, temporal };
        let wanted = RoomCommand::SetPreferredLayer { consumer, layer, size };
        scene.node.memory().asked(move |command| *command == wanted).await;
    }
    let pinned = json!({ "consumerId": named, "priority": 255 });
    assert!(refused(&scene.host.call("set-consumer-priority", pinned.clone()).await, "Consumer not found"));
    let answer = scene.member.call("set-consumer-priority", pinned).await;
    assert_eq!((&answer["success"], &answer["priority"]), (&json!(true), &json!(255)));
    let wanted = RoomCommand::SetConsumerPriority { consumer, priority: 255 };
    scene.node.memory().asked(move |command| *command == wanted).await;
}

#[tokio::test]
async fn add_ev_72_new_credentials_for_ones_own_transport_only_and_a_refusal_is_told() {
    let scene = Scene::start().await;
    let id = scene.transport(&scene.host, "send").await["transportId"].clone();
    let named = json!({ "transportId": id });
    assert!(refused(&scene.member.call("restart-ice", named.clone()).await, "Transport not found"));
    let answer = scene.host.call("restart-ice", named.clone()).await;
    let told = scene.host.expect("ice-restarted").await;
    let expected = json!({
        "transportId": id,
        "iceParameters": { "usernameFragment": "restarted", "password": "password", "iceLite": true },
    });
    assert_eq!((&answer["success"], &told), (&json!(true), &expected));
    scene.node.memory().set_mood(Mood::Refuses(RefusalReason::Busy));
    let answer = scene.host.call("restart-ice", named).await;
    assert_eq!(answer["success"], false, "{answer}");
}

#[tokio::test]
async fn a_transport_that_died_takes_its_tracks_but_not_its_owner() {
    let scene = Scene::start().await;
    let producer = scene.camera().await;
    let (room, transport) = scene.node.transport();
    let (session, transport, reason) = (transport.session, transport.transport, CloseReason::ConsentExpired);
    scene.node.tell(Event::TransportClosed { room, session, transport, reason }).await;
    assert_eq!(scene.member.expect("producer-closed").await["producerId"], producer);
    assert_eq!(scene.transport(&scene.host, "send").await["success"], true);
    assert!(scene.member.heard_of("participant-left").is_empty());
}

#[tokio::test]
async fn add_ev_13_a_node_that_starts_again_resets_the_media_of_its_meetings_at_once() {
    let scene = Scene::start().await;
    scene.camera().await;
    let memory = scene.node.memory().clone();
    memory.forget_everything();
    scene.node.hang_up();
    let _node = scene.world.dial(memory, 2, 0).await.expect("registers");
    for client in [&scene.host, &scene.member] {
        assert_eq!(client.expect("media-reset").await["meetingId"], scene.meeting);
    }
    let host_again = json!({ "meetingId": scene.meeting, "direction": "send" });
    assert_eq!(scene.host.call("create-transport", host_again).await["success"], true);
    assert!(scene.member.heard_of("participant-left").is_empty());
}

#[tokio::test]
async fn a_link_that_breaks_and_heals_disturbs_nobody() {
    let scene = Scene::start().await;
    let producer = scene.camera().await;
    let memory = scene.node.memory().clone();
    scene.node.hang_up();
    let node = scene.world.dial(memory, 1, 0).await.expect("registers");
    assert_eq!(scene.produce(&scene.host, Kind::Video, "screen").await["success"], true);
    let (room, speaker) =
        (node.transport().0, Some((scene.session(&scene.host_id), producer.parse().unwrap())));
    node.tell(Event::ActiveSpeaker { room, group: 0, speaker }).await;
    scene.member.expect("active-speaker").await;
    // A node that is asked what it holds says again who speaks.
    node.tell(Event::ActiveSpeaker { room, group: 0, speaker }).await;
    node.tell(Event::ActiveSpeakers { room, group: 0, speakers: Vec::new() }).await;
    node.tell(Event::ActiveSpeaker { room, group: 0, speaker: None }).await;
    let silence = scene.member.expect("active-speaker").await;
    assert_eq!(silence["participantId"], Value::Null, "what is known is not told on");
    assert!(scene.member.heard_of("active-speakers").is_empty());
    assert!(scene.member.heard_of("media-reset").is_empty());
    assert!(scene.member.heard_of("producer-closed").is_empty());
}

#[tokio::test]
async fn what_a_node_lost_while_nobody_heard_is_found_out_when_it_is_back() {
    let scene = Scene::start().await;
    let producer = scene.camera().await;
    let memory = scene.node.memory().clone();
    scene.node.hang_up();
    memory.forget_transports();
    let _node = scene.world.dial(memory, 1, 7).await.expect("registers");
    assert_eq!(scene.member.expect("producer-closed").await["producerId"], producer);
}

#[tokio::test]
async fn a_missing_event_number_makes_control_ask_what_is_there() {
    let scene = Scene::start().await;
    let producer = scene.camera().await;
    scene.node.memory().forget_transports();
    scene.node.skip_a_number().await;
    let room = scene.node.memory().rooms()[0].room;
    scene.node.tell(Event::ActiveSpeaker { room, group: 0, speaker: None }).await;
    assert_eq!(scene.member.expect("producer-closed").await["producerId"], producer);
}

#[tokio::test]
async fn add_ev_13_a_node_that_stays_away_is_given_up_and_another_one_takes_over() {
    let scene = Scene::start().await;
    scene.camera().await;
    let old = scene.node.memory().clone();
    scene.node.hang_up();
    scene.host.expect("media-reset").await;
    assert!(refused(&scene.transport_of_host(&scene.host).await, "Service unavailable"));
    let _other = scene.world.dial(Memory::new(), 1, 0).await.expect("registers");
    assert_eq!(scene.transport_of_host(&scene.host).await["success"], true);
    // The first one returns with rooms that nobody wants any more.
    assert!(!old.rooms().is_empty());
    let _back = scene.world.dial(old.clone(), 1, 0).await.expect("registers");
    eventually("orphans are closed", || old.rooms().is_empty()).await;
}

impl Scene {
    async fn transport_of_host(&self, client: &Client) -> Value {
        client.call("create-transport", json!({ "meetingId": self.meeting, "direction": "recv" })).await
    }
}

#[tokio::test]
async fn a_node_of_an_earlier_life_is_turned_away() {
    let world = World::start().await;
    let memory = Memory::new();
    let _new = world.dial(memory.clone(), 5, 0).await.expect("registers");
    let refused = world.dial(memory, 4, 0).await.err();
    assert_eq!(refused.as_deref(), Some("a newer start of this node is registered"));
}

#[tokio::test]
async fn rubbish_where_events_belong_ends_the_link_and_nothing_else() {
    let scene = Scene::start().await;
    scene.node.tell_bytes(&[0xff; 64]).await;
    scene.node.link_closed().await;
    let memory = scene.node.memory().clone();
    let _again = scene.world.dial(memory, 1, 0).await.expect("registers");
    assert_eq!(scene.transport(&scene.host, "send").await["success"], true);
}

#[tokio::test]
async fn a_node_without_our_certificate_does_not_get_in() {
    let world = World::start().await;
    let stranger = tempfile::tempdir().unwrap();
    let dialled = ScriptedNode::dial_as_stranger(&world.pki(), stranger.path(), world.link_address()).await;
    assert!(dialled.is_err());
    assert!(!world.app.media_ready());
}

#[tokio::test]
async fn a_silent_node_is_an_answer_too() {
    let scene = Scene::start().await;
    scene.transport(&scene.host, "send").await;
    scene.node.memory().set_mood(Mood::Silent);
    let answer = scene.produce(&scene.host, Kind::Video, "camera").await;
    assert!(refused(&answer, "Service unavailable"), "{answer}");
    scene.node.memory().set_mood(Mood::Answers);
    assert_eq!(scene.produce(&scene.host, Kind::Video, "camera").await["success"], true);
}

#[tokio::test]
async fn refusals_of_the_node_have_words_for_clients() {
    let scene = Scene::start().await;
    scene.transport(&scene.host, "send").await;
    for (reason, words) in [
        (RefusalReason::Unsupported, "No codec in common"),
        (RefusalReason::Invalid, "Invalid media parameters"),
        (RefusalReason::Busy, "Service unavailable"),
        (RefusalReason::UnknownTransport, "Transport not found"),
        (RefusalReason::Internal, "Internal server error"),
    ] {
        scene.node.memory().set_mood(Mood::Refuses(reason));
        let answer = scene.produce(&scene.host, Kind::Video, "camera").await;
        assert!(refused(&answer, words), "{answer}");
    }
    scene.node.memory().set_mood(Mood::Answers);
    assert_eq!(scene.produce(&scene.host, Kind::Video, "camera").await["success"], true);
}

#[tokio::test]
async fn media_requests_of_one_socket_are_answered_in_order() {
    let scene = Scene::start().await;
    let mut calls = Vec::new();
    for direction in ["send", "recv"] {
        let payload = json!({ "meetingId": scene.meeting, "direction": direction });
        calls.push(scene.host.start_call("create-transport", payload));
    }
    for source in ["camera", "screen"] {
        let payload = json!({ "meetingId": scene.meeting, "kind": "video", "source": source,
            "rtpParameters": rtp_parameters(Kind::Video) });
        calls.push(scene.host.start_call("produce", payload));
    }
    let answers = futures_util::future::join_all(calls).await;
    assert!(answers.iter().all(|a| a.as_ref().is_some_and(|a| a["success"] == true)), "{answers:?}");
    let order: Vec<_> =
        scene.host.heard().into_iter().filter(|n| n.contains("created") || n == "produced").collect();
    assert_eq!(order, ["transport-created", "transport-created", "produced", "produced"]);
}

#[tokio::test]
async fn whoever_leaves_leaves_nothing_on_the_node_and_the_last_one_closes_the_room() {
    let scene = Scene::start().await;
    scene.camera().await;
    let session = scene.session(&scene.host_id);
    scene.host.call("leave-meeting", json!({ "meetingId": scene.meeting })).await;
    scene.node.memory().asked(|command| *command == RoomCommand::CloseSession { session }).await;
    drop(scene.member);
    scene.node.memory().asked(|command| *command == RoomCommand::Close).await;
}

#[tokio::test]
async fn kcs_ws_44_two_first_transports_at_once_open_one_room() {
    let scene = Scene::start().await;
    let (one, other) =
        tokio::join!(scene.transport(&scene.host, "send"), scene.transport(&scene.member, "send"));
    assert_eq!((&one["success"], &other["success"]), (&json!(true), &json!(true)));
    let created = scene.node.memory().commands().iter().filter(|c| **c == RoomCommand::Create).count();
    assert_eq!(created, 1);
}

#[tokio::test]
async fn c_34_a_room_that_opens_while_its_meeting_ends_is_closed_again() {
    // Long enough that nothing but the end itself closes the room.
    let timing = Timing { orphan_grace: PATIENCE * 10, sweep: PATIENCE * 10, ..Setup::default().timing };
    let world = World::with(Setup { timing, ..Setup::default() }).await;
    let scene = Scene::inside(world, json!({})).await;
    let memory = scene.node.memory();
    memory.close_gate(|command| *command == RoomCommand::Create);
    let transport = json!({ "meetingId": scene.meeting, "direction": "send" });
    let asked = scene.member.start_call("create-transport", transport);
    memory.asked(|command| *command == RoomCommand::Create).await;
    let token = scene.world.token("host").await;
    let ended = scene.world.post(&format!("/api/meeting/{}/end", scene.meeting), &token, json!({})).await;
    assert_eq!(ended["success"], true, "{ended}");
    memory.asked(|command| *command == RoomCommand::Close).await;
    memory.open_gate();
    let answer = asked.await.unwrap();
    assert_eq!(answer["success"], false, "{answer}");
    eventually("the node holds no room", || memory.rooms().is_empty()).await;
}

#[tokio::test]
async fn kcs_ws_12_a_mute_holds_although_the_owners_unmute_arrives_after_it() {
    let scene = Scene::start().await;
    scene.transport(&scene.member, "send").await;
    let produced = scene.produce(&scene.member, Kind::Audio, "microphone").await;
    let producer: ProducerId = produced["producerId"].as_str().unwrap().parse().unwrap();
    let audio = |on: bool| json!({ "meetingId": scene.meeting, "audio": on });
    scene.member.call("media-status-update", audio(false)).await;
    let memory = scene.node.memory();
    memory.close_gate(|command| matches!(command, RoomCommand::SetProducerPaused { paused: false, .. }));
    let unmuted = scene.member.start_call("media-status-update", audio(true));
    memory.asked(|command| *command == RoomCommand::SetProducerPaused { producer, paused: false }).await;
    let mute = json!({ "meetingId": scene.meeting, "participantId": scene.member_id, "mute": true });
    assert_eq!(scene.host.call("mute-participant", mute).await["success"], true);
    memory.open_gate();
    assert_eq!(unmuted.await.unwrap()["success"], true);
    assert_eq!(memory.is_paused(producer), Some(true));
}

#[tokio::test]
async fn kcs_ws_12_a_mute_holds_for_a_microphone_that_is_just_being_published() {
    let scene = Scene::start().await;
    scene.transport(&scene.member, "send").await;
    let memory = scene.node.memory();
    memory.close_gate(|command| matches!(command, RoomCommand::Produce { .. }));
    let payload = json!({ "meetingId": scene.meeting, "kind": "audio", "source": "microphone",
        "rtpParameters": rtp_parameters(Kind::Audio) });
    let produced = scene.member.start_call("produce", payload);
    memory.asked(|command| matches!(command, RoomCommand::Produce { .. })).await;
    let mute = json!({ "meetingId": scene.meeting, "participantId": scene.member_id, "mute": true });
    assert_eq!(scene.host.call("mute-participant", mute).await["success"], true);
    memory.open_gate();
    let produced = produced.await.unwrap();
    let producer: ProducerId = produced["producerId"].as_str().unwrap().parse().unwrap();
    assert_eq!(memory.is_paused(producer), Some(true));
}

#[tokio::test]
async fn rooms_that_nobody_came_back_to_are_closed_although_some_went_by_themselves() {
    let world = World::start().await;
    let memory = Memory::new();
    memory.list_ghosts(2);
    memory.hold_room();
    let _node = world.dial(memory.clone(), 1, 0).await.expect("registers");
    eventually("the node holds no room", || memory.rooms().is_empty()).await;
}

#[tokio::test]
async fn a_session_whose_end_a_slow_node_did_not_hear_of_is_swept_away() {
    let scene = Scene::start().await;
    scene.camera().await;
    let memory = scene.node.memory();
    let session = scene.session(&scene.host_id);
    assert!(memory.rooms().iter().any(|room| room.transports.iter().any(|t| t.session == session)));
    // Refused as by a node that does not know how: nobody tries that again but the sweep.
    memory.set_mood(Mood::Refuses(RefusalReason::Unsupported));
    scene.host.call("leave-meeting", json!({ "meetingId": scene.meeting })).await;
    memory.asked(|command| *command == RoomCommand::CloseSession { session }).await;
    memory.set_mood(Mood::Answers);
    let has_session =
        || memory.rooms().iter().any(|room| room.transports.iter().any(|t| t.session == session));
    eventually("nothing of the session is left", || !has_session()).await;
    assert_eq!(memory.rooms().len(), 1, "the room goes on for those inside");
}

#[tokio::test]
async fn what_everybody_heard_has_ended_is_ended_although_the_node_was_busy() {
    // Long enough that no sweep does it.
    let timing = Timing { orphan_grace: PATIENCE * 10, sweep: PATIENCE * 10, ..Setup::default().timing };
    let world = World::with(Setup { timing, ..Setup::default() }).await;
    let scene = Scene::inside(world, json!({})).await;
    let memory = scene.node.memory();
    let camera = scene.camera().await;
    let sound = scene.produce(&scene.host, Kind::Audio, "microphone").await["producerId"].clone();
    let sound: ProducerId = sound.as_str().unwrap().parse().unwrap();

    memory.be_busy_once(|command| matches!(command, RoomCommand::SetProducerPaused { .. }));
    let paused = scene.host.call("pause-producer", json!({ "producerId": sound })).await;
    assert_eq!((&paused["success"], memory.is_paused(sound)), (&json!(true), Some(true)), "{paused}");

    memory.be_busy_once(|command| matches!(command, RoomCommand::CloseProducer { .. }));
    let closed = scene.host.call("close-producer", json!({ "producerId": camera })).await;
    assert_eq!(closed["success"], true, "{closed}");
    eventually("the camera is closed", || memory.rooms()[0].producers == [sound]).await;

    memory.be_busy_once(|command| matches!(command, RoomCommand::CloseProducer { .. }));
    let screen = scene.transport(&scene.member, "send").await;
    assert_eq!(screen["success"], true, "{screen}");
    let screen = scene.produce(&scene.member, Kind::Video, "screen").await;
    assert_eq!(screen["success"], true, "{screen}");
    let token = scene.world.token("host").await;
    let off = json!({ "features": { "screen_sharing_enabled": false } });
    scene.world.put(&format!("/api/meeting/{}", scene.meeting), &token, off).await;
    eventually("the screen is closed", || memory.rooms()[0].producers == [sound]).await;

    let session = scene.session(&scene.host_id);
    memory.be_busy_once(|command| matches!(command, RoomCommand::CloseSession { .. }));
    scene.host.call("leave-meeting", json!({ "meetingId": scene.meeting })).await;
    let has_session = || memory.rooms()[0].transports.iter().any(|t| t.session == session);
    eventually("nothing of the session is left", || !has_session()).await;
}

#[tokio::test]
async fn a_screen_that_went_with_its_node_is_no_longer_shown() {
    let scene = Scene::start().await;
    scene.transport(&scene.host, "send").await;
    let produced = scene.produce(&scene.host, Kind::Video, "screen").await;
    assert_eq!(produced["success"], true, "{produced}");
    scene.member.expect_where("participant-media-updated", |event| event["screen"] == true).await;
    scene.node.memory().forget_everything();
    let _again = scene.world.dial(scene.node.memory().clone(), 2, 0).await.expect("registers");
    scene.member.expect("media-reset").await;
    let off = scene.member.expect_where("participant-media-updated", |event| event["screen"] == false).await;
    assert_eq!((&off["participantId"], &off["video"]), (&json!(scene.host_id), &json!(true)), "cameras stay");
}

#[tokio::test]
async fn c_44_what_a_muted_person_calls_the_sound_of_his_screen_is_not_forwarded_either() {
    let scene = Scene::start().await;
    let mute = |on: bool| json!({ "meetingId": scene.meeting, "participantId": scene.member_id, "mute": on });
    assert_eq!(scene.host.call("mute-participant", mute(true)).await["success"], true);
    assert_eq!(scene.member.expect("muted-by-host").await["muted"], true);
    scene.transport(&scene.member, "send").await;
    let produced = scene.produce(&scene.member, Kind::Audio, "screen-audio").await;
    let producer: ProducerId = produced["producerId"].as_str().unwrap().parse().unwrap();
    let memory = scene.node.memory();
    assert_eq!(memory.is_paused(producer), Some(true));
    assert_eq!(scene.host.call("mute-participant", mute(false)).await["success"], true);
    assert_eq!(scene.member.expect("muted-by-host").await["muted"], false);
    assert_eq!(memory.is_paused(producer), Some(false));
}
