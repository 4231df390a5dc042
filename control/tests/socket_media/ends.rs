//! Of what has ended nothing stays on a node, whatever it missed.

use plenum_control::fleet::Timing;
use plenum_shared::command::{RefusalReason, RoomCommand};
use plenum_shared::id::ProducerId;
use plenum_shared::media::Kind;
use serde_json::json;

use crate::Scene;
use crate::support::node::{Memory, Mood};
use crate::support::socket::PATIENCE;
use crate::support::{Setup, World, eventually};

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
