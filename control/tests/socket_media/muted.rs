//! Whoever is muted is not heard, whatever he calls his sound and however the requests cross.

use plenum_shared::command::RoomCommand;
use plenum_shared::id::ProducerId;
use plenum_shared::media::Kind;
use serde_json::json;

use crate::Scene;
use crate::support::node::rtp_parameters;
use crate::support::refused;

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
