//! Numbers of meetings that run and of meetings that are over, and of the platform.

use plenum_shared::command::{LayerStats, ProducerStats, RoomCommand, RoomStats, SessionStats};
use plenum_shared::event::{Event, LoadReport, WorkerLoad};
use plenum_shared::id::{ProducerId, RoomId, SessionId};
use plenum_shared::media::{Bitrate, ConnectionQuality, PictureSize, Source};
use serde_json::{Value, json};

use crate::support::node::{Memory, Mood};
use crate::support::socket::PATIENCE;
use crate::support::{Setup, World};

async fn of(world: &World, meeting: &str, what: &str, who: &str) -> Value {
    world.get(&format!("/api/meeting/{meeting}/{what}"), &world.token(who).await).await
}

async fn end(world: &World, meeting: &str) {
    let ended =
        world.post(&format!("/api/meeting/{meeting}/end"), &world.token("host").await, json!({})).await;
    assert_eq!(ended["success"], true, "{ended}");
}

/// Asks until the answer fits.
async fn until<F: Future<Output = Value>>(fits: impl Fn(&Value) -> bool, ask: impl Fn() -> F) -> Value {
    let asking = async {
        loop {
            let answer = ask().await;
            if fits(&answer) {
                return answer;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, asking).await.expect("an answer that fits")
}

/// The live statistics once media was measured.
async fn sampled(world: &World, meeting: &str) -> Value {
    let is_sampled = |answer: &Value| answer["data"]["sampled_at"].is_string();
    until(is_sampled, || of(world, meeting, "live-stats", "host")).await["data"].clone()
}

fn measured(session: &str) -> RoomStats {
    let session: SessionId = session.parse().unwrap();
    RoomStats {
        received: Bitrate(1_000_000),
        sent: Bitrate(3_000_000),
        sessions: vec![SessionStats {
            session,
            quality: ConnectionQuality::Good,
            received: Bitrate(1_000_000),
            sent: Bitrate(3_000_000),
            loss: 0.015,
            round_trip_ms: Some(42),
        }],
        received_bytes: 1_250_000,
        sent_bytes: 3_750_000,
        producers: vec![ProducerStats {
            producer: ProducerId::random(),
            session,
            source: Source::Camera,
            paused: false,
            layers: vec![LayerStats {
                received: Bitrate(1_000_000),
                picture: Some(PictureSize { width: 1280, height: 720 }),
                viewers: 1,
            }],
        }],
    }
}

#[tokio::test]
async fn kcs_18_stat_03_rt_16_live_statistics_come_from_the_media_plane() {
    let world = World::start().await;
    let node = world.node().await;
    let (meeting, host, host_id) = world.hosted(json!({})).await;
    let (member, member_id) = world.joined("member", &meeting).await;
    let before = of(&world, &meeting, "live-stats", "member").await;
    assert_eq!(before["success"], true, "{before}");
    let nothing = json!({
        "average_video_quality": null, "connection_quality": null, "latency_ms": null, "packet_loss_percent": null,
    });
    assert_eq!(before["data"]["quality_metrics"], nothing, "without media nothing is measured");
    assert_eq!(before["data"]["bandwidth_usage"], json!({ "total_mbps": 0.0, "per_participant_avg": 0.0 }));
    assert_eq!(before["data"]["sampled_at"], Value::Null);

    node.memory().set_stats(measured(&host_id));
    host.call("create-transport", json!({ "meetingId": meeting, "direction": "send" })).await;
    let room = node.memory().rooms()[0].room;
    let session = member_id.parse().unwrap();
    node.tell(Event::QualityChanged { room, session, quality: ConnectionQuality::Fair }).await;
    node.tell(Event::ActiveSpeaker {
        room,
        group: 0,
        speaker: Some((host_id.parse().unwrap(), ProducerId::random())),
    })
    .await;
    host.expect("active-speaker").await;
    member.call("raise-hand", json!({ "meetingId": meeting, "raised": true })).await;
    member.call("send-message", json!({ "meetingId": meeting, "message": "here" })).await;
    let stats = sampled(&world, &meeting).await;
    let expected = json!({
        "average_video_quality": "720p", "connection_quality": "fair", "latency_ms": 42.0, "packet_loss_percent": 1.5,
    });
    assert_eq!(stats["quality_metrics"], expected);
    assert_eq!(stats["bandwidth_usage"], json!({ "total_mbps": 4.0, "per_participant_avg": 2.0 }));
    let counts = ["current_participants", "participants_peak", "chat_messages", "raised_hands"];
    assert_eq!(counts.map(|name| stats[name].clone()), [2, 2, 1, 1].map(|count| json!(count)));
    assert_eq!((&stats["active_speakers"], &stats["screen_sharing"]), (&json!([host_id]), &json!(false)));
}

#[tokio::test]
async fn kcs_18_rt_16_many_who_look_cost_the_node_no_more_requests() {
    let world = World::start().await;
    let node = world.node().await;
    let (meeting, host, _) = world.hosted(json!({})).await;
    host.call("create-transport", json!({ "meetingId": meeting, "direction": "send" })).await;
    node.memory().asked(|command| *command == RoomCommand::Stats).await;
    // From here on the node does not answer: whoever looks gets what was measured last, at once.
    node.memory().set_mood(Mood::Silent);
    let samples = || node.memory().commands().iter().filter(|c| **c == RoomCommand::Stats).count();
    let before = samples();
    let looks = (0..50).map(|_| of(&world, &meeting, "live-stats", "host"));
    for answer in futures_util::future::join_all(looks).await {
        assert_eq!(answer["success"], true, "{answer}");
    }
    assert!(samples() <= before + 2, "one sample at a time, whoever asks");
}

#[tokio::test]
async fn kcs_18_c_67_only_live_meetings_have_live_statistics_and_only_members_see_them() {
    let world = World::start().await;
    let meeting = world.meeting(json!({})).await;
    let scheduled = of(&world, &meeting, "live-stats", "host").await;
    assert_eq!(
        (&scheduled["success"], &scheduled["message"]),
        (&json!(false), &json!("Meeting is not active"))
    );
    let stranger = of(&world, &meeting, "live-stats", "second").await;
    assert_eq!(stranger["message"], "Access denied - you are not a participant in this meeting");
    let other_campus = of(&world, &meeting, "live-stats", "outsider").await;
    assert_eq!(other_campus["message"], "Access denied - meeting not found in your campus");
    for what in ["analytics", "recordings"] {
        let answer = of(&world, &meeting, what, "outsider").await;
        assert_eq!(answer["message"], "Access denied - meeting not found in your campus", "{what}");
        let answer = of(&world, "01ARZ3NDEKTSV4RRFFQ69G5FAV", what, "host").await;
        assert_eq!(answer["message"], "Meeting not found", "{what}");
    }
}

#[tokio::test]
async fn kcs_17_stat_02_an_ended_meeting_is_summed_up_from_what_was_stored() {
    let world = World::start().await;
    let node = world.node().await;
    let (meeting, host, host_id) = world.hosted(json!({})).await;
    let (member, _) = world.joined("member", &meeting).await;
    let early = of(&world, &meeting, "analytics", "host").await;
    assert_eq!((&early["success"], &early["message"]), (&json!(false), &json!("Meeting has not ended")));
    node.memory().set_stats(measured(&host_id));
    host.call("create-transport", json!({ "meetingId": meeting, "direction": "send" })).await;
    let room = node.memory().rooms()[0].room;
    let session = host_id.parse().unwrap();
    node.tell(Event::QualityChanged { room, session, quality: ConnectionQuality::Good }).await;
    host.expect("connection-quality").await;
    for reaction in ["clap", "👏", "👍"] {
        member.call("send-reaction", json!({ "meetingId": meeting, "reaction": reaction })).await;
    }
    member.call("raise-hand", json!({ "meetingId": meeting, "raised": true })).await;
    member.call("send-message", json!({ "meetingId": meeting, "message": "one" })).await;
    for audio in [false, true] {
        host.call("media-status-update", json!({ "meetingId": meeting, "audio": audio, "screen": audio }))
            .await;
    }
    // By account too: the same person twice is one.
    let again = world.connect("member").await;
    again.call("join-meeting", json!({ "meetingId": meeting })).await;
    end(&world, &meeting).await;

    let answer = of(&world, &meeting, "analytics", "host").await;
    let data = &answer["data"];
    assert_eq!(answer["message"], "Analytics retrieved successfully", "{answer}");
    let counts = ["peak_participants", "total_participants_joined", "total_chat_messages"];
    assert_eq!(counts.map(|name| data[name].clone()), [2, 2, 1].map(|count| json!(count)));
    assert_eq!(data["connection_quality_avg"], 75.0, "{data}");
    assert_eq!(data["bandwidth_usage"], 5_000_000, "asked once more before the room closed");
    assert_eq!(data["bandwidth_bytes"], json!({ "received": 1_250_000, "sent": 3_750_000 }));
    let done = json!({ "messages": 1, "reactions": 3, "hands": 1, "unmutes": 1, "shares": 1 });
    assert_eq!(data["interactions"], done);
    let reactions = json!([{ "reaction": "👏", "count": 2 }, { "reaction": "👍", "count": 1 }]);
    assert_eq!(data["reactions"], reactions);
    let levels = ["high_engagement", "medium_engagement", "low_engagement"];
    let judged: u64 = levels.iter().filter_map(|level| data["participant_engagement"][level].as_u64()).sum();
    assert_eq!(judged, 2, "{data}");
    assert_eq!(
        (&data["timeline"][0]["participants"], &data["timeline"][0]["messages"]),
        (&json!(2), &json!(1))
    );
    assert!(data["average_participants"].as_f64().is_some_and(|mean| mean > 0.0 && mean <= 2.0), "{data}");
    let people = data["people"].as_array().expect("the host sees people");
    let line = people.iter().find(|p| p["role"] == "attendee").expect("the member");
    assert_eq!((&line["sessions"], &line["reactions"], &line["hands"]), (&json!(2), &json!(3), &json!(1)));
    assert!(line["engagement"].is_string(), "{line}");

    let members = of(&world, &meeting, "analytics", "member").await;
    assert_eq!(
        (&members["data"]["people"], &members["data"]["peak_participants"]),
        (&Value::Null, &json!(2))
    );
}

#[tokio::test]
async fn kcs_17_c_66_a_meeting_without_media_has_no_quality_and_no_bytes() {
    let world = World::start().await;
    let (meeting, _host, _) = world.hosted(json!({})).await;
    end(&world, &meeting).await;
    let data = of(&world, &meeting, "analytics", "host").await["data"].clone();
    assert_eq!((&data["connection_quality_avg"], &data["bandwidth_usage"]), (&Value::Null, &json!(0)));
    assert_eq!((&data["screen_share_duration"], &data["recording_duration"]), (&json!(0.0), &json!(0.0)));
}

#[tokio::test]
async fn kcs_20_stat_04_role_10_the_platform_is_shown_by_role() {
    let world = World::start().await;
    let (_meeting, _host, _) = world.hosted(json!({})).await;
    world.meeting(json!({})).await;
    let path = "/api/meeting/system/stats";
    let alone = world.get(path, &world.token("admin").await).await["data"].clone();
    assert_eq!(alone["system_health"]["status"], "degraded", "no media node: {alone}");
    let node = world.dial(Memory::new(), 1, 0).await.expect("registers");
    let worker = |cpu, rooms| WorkerLoad { cpu, rooms, sent: Bitrate(500_000), ..WorkerLoad::default() };
    node.report(&LoadReport {
        node: node.memory().node,
        epoch: 1,
        workers: vec![worker(0.25, 1), worker(0.0, 0)],
    });
    let token = world.token("admin").await;
    let reported = |all: &Value| all["data"]["mediasoup_workers"]["load_distribution"] != json!([]);
    let all = until(reported, || world.get(path, &token)).await["data"].clone();
    assert_eq!(all["mediasoup_workers"]["load_distribution"], json!([25.0, 0.0]), "{all}");
    assert_eq!(
        (&all["mediasoup_workers"]["total"], &all["mediasoup_workers"]["active"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(
        (&all["system_health"]["status"], &all["system_health"]["bandwidth_mbps"]),
        (&json!("ok"), &json!(1.0))
    );
    assert!(all["uptime_hours"].as_f64().is_some_and(|hours| hours >= 0.0), "{all}");
    let counts = [
        "total_meetings",
        "active_meetings",
        "scheduled_meetings",
        "total_participants",
        "active_participants",
    ];
    assert_eq!(counts.map(|name| all[name].clone()), [2, 1, 1, 1, 1].map(|count| json!(count)));

    let account = |name: &str, campus: &str| {
        json!({
            "name": name, "email": format!("{name}@demo.test"), "password": "demo-password",
            "user_type": "campus_admin", "campus_id": campus,
        })
    };
    for (name, campus, meetings) in [("dean", "default", 2), ("rector", "other", 0)] {
        world.post("/api/admin/users", &token, account(name, campus)).await;
        let limited = world.get(path, &world.token(name).await).await["data"].clone();
        assert_eq!(limited["total_meetings"], meetings, "{limited}");
        let mut keys: Vec<_> = limited.as_object().expect("an object").keys().cloned().collect();
        keys.sort();
        let mut expected = counts.map(str::to_owned);
        expected.sort();
        assert_eq!(keys, expected, "and nothing about machines");
    }
    let member = world.get(path, &world.token("member").await).await;
    assert_eq!((&member["success"], &member["message"]), (&json!(false), &json!("Access denied")));
}

#[tokio::test]
async fn stat_02_facts_are_stored_while_the_meeting_runs_and_survive_the_process() {
    let world = World::start().await;
    let (meeting, host, _) = world.hosted(json!({})).await;
    host.call("send-reaction", json!({ "meetingId": meeting, "reaction": "👍" })).await;
    world.app.shutdown(std::future::ready(())).await;
    let directory = std::sync::Arc::clone(&world.directory);
    drop((host, world));
    let setup = Setup { directory: Some(directory), ..Setup::default() };
    let world = World::with(setup).await;
    end(&world, &meeting).await;
    let data = of(&world, &meeting, "analytics", "host").await["data"].clone();
    assert_eq!(
        (&data["interactions"]["reactions"], &data["total_participants_joined"]),
        (&json!(1), &json!(1))
    );
}

#[tokio::test]
async fn kcs_17_bytes_of_every_room_a_meeting_had_are_added_up() {
    let world = World::start().await;
    let node = world.node().await;
    let (meeting, host, host_id) = world.hosted(json!({})).await;
    node.memory().set_stats(measured(&host_id));
    let open = json!({ "meetingId": meeting, "direction": "send" });
    host.call("create-transport", open.clone()).await;
    let first: RoomId = node.memory().rooms()[0].room;
    sampled(&world, &meeting).await;
    node.memory().forget_everything();
    let _again = world.dial(node.memory().clone(), 2, 0).await.expect("registers");
    host.expect("media-reset").await;
    host.call("create-transport", open).await;
    assert_ne!(node.memory().rooms()[0].room, first);
    end(&world, &meeting).await;
    let data = of(&world, &meeting, "analytics", "host").await["data"].clone();
    assert_eq!(data["bandwidth_usage"], 10_000_000, "{data}");
}
