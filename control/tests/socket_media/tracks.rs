//! Transports, tracks and subscriptions: made, found, steered and taken away, by those they belong to.

use plenum_shared::command::{RefusalReason, RoomCommand};
use plenum_shared::media::{Kind, Layer, PictureSize};
use serde_json::{Value, json};

use crate::Scene;
use crate::support::node::{Mood, rtp_parameters};
use crate::support::{Setup, World, refused};

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
async fn kcs_ws_44_two_first_transports_at_once_open_one_room() {
    let scene = Scene::start().await;
    let (one, other) =
        tokio::join!(scene.transport(&scene.host, "send"), scene.transport(&scene.member, "send"));
    assert_eq!((&one["success"], &other["success"]), (&json!(true), &json!(true)));
    let created = scene.node.memory().commands().iter().filter(|c| **c == RoomCommand::Create).count();
    assert_eq!(created, 1);
}
