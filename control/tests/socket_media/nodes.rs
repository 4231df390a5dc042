//! Media nodes that restart, vanish, come back, lose things, stay silent or are somebody else's.

use plenum_shared::event::Event;
use plenum_shared::media::Kind;
use serde_json::{Value, json};

use crate::Scene;
use crate::support::node::{Memory, Mood, ScriptedNode};
use crate::support::{World, eventually, refused};

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
async fn add_ev_13_a_node_that_stays_away_is_given_up_and_another_one_takes_over() {
    let scene = Scene::start().await;
    scene.camera().await;
    let old = scene.node.memory().clone();
    scene.node.hang_up();
    scene.host.expect("media-reset").await;
    assert!(refused(&scene.transport(&scene.host, "recv").await, "Service unavailable"));
    let _other = scene.world.dial(Memory::new(), 1, 0).await.expect("registers");
    assert_eq!(scene.transport(&scene.host, "recv").await["success"], true);
    // The first one returns with rooms that nobody wants any more.
    assert!(!old.rooms().is_empty());
    let _back = scene.world.dial(old.clone(), 1, 0).await.expect("registers");
    eventually("orphans are closed", || old.rooms().is_empty()).await;
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
async fn a_node_without_our_certificate_does_not_get_in() {
    let world = World::start().await;
    let stranger = tempfile::tempdir().unwrap();
    let dialled = ScriptedNode::dial_as_stranger(&world.pki(), stranger.path(), world.link_address()).await;
    assert!(dialled.is_err());
    assert!(!world.app.media_ready());
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
async fn rubbish_where_events_belong_ends_the_link_and_nothing_else() {
    let scene = Scene::start().await;
    scene.node.tell_bytes(&[0xff; 64]).await;
    scene.node.link_closed().await;
    let memory = scene.node.memory().clone();
    let _again = scene.world.dial(memory, 1, 0).await.expect("registers");
    assert_eq!(scene.transport(&scene.host, "send").await["success"], true);
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
