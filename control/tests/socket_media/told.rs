//! What the node notices reaches whom it concerns, in the words of the documents.

use plenum_shared::command::RefusalReason;
use plenum_shared::event::{CloseReason, Event, Speaking};
use plenum_shared::id::ProducerId;
use plenum_shared::media::{ConnectionQuality, Kind, Layer, LayerLimit};
use serde_json::{Value, json};

use crate::Scene;
use crate::support::node::Mood;
use crate::support::refused;

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
async fn add_ev_75_what_is_told_again_is_heard_once_and_what_was_missed_is_heard() {
    let scene = Scene::start().await;
    scene.camera().await;
    scene.transport(&scene.member, "recv").await;
    let consumed = scene.member.call("consume", scene.watch(Kind::Video)).await;
    let consumer = consumed["consumerId"].as_str().unwrap().parse().unwrap();
    let (room, session) = (scene.node.transport().0, scene.session(&scene.member_id));
    let layer = |spatial| Some(Layer { spatial, temporal: None });
    let gets = |layer, limit| Event::ConsumerLayerChanged { room, session, consumer, layer, limit };
    let quality = |quality| Event::QualityChanged { room, session, quality };
    scene.node.tell(gets(layer(2), None)).await;
    scene.node.tell(quality(ConnectionQuality::Good)).await;
    // It got worse, and that was lost; then comes what the node tells whoever asks what it holds.
    scene.node.skip_a_number().await;
    for _ in 0..2 {
        scene.node.tell(gets(layer(0), Some(LayerLimit::Bandwidth))).await;
        scene.node.tell(quality(ConnectionQuality::Poor)).await;
    }
    scene.node.tell(quality(ConnectionQuality::Fair)).await;
    for expected in ["good", "poor", "fair"] {
        assert_eq!(scene.member.expect("connection-quality").await["quality"], expected);
    }
    let heard = scene.member.heard_of("consumer-layers-changed");
    let heard: Vec<_> = heard.iter().map(|told| json!([told["spatialLayer"], told["limitedBy"]])).collect();
    assert_eq!(heard, [json!([2, null]), json!([0, "bandwidth"])]);
}
