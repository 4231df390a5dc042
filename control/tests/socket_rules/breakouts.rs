//! Breakout rooms as sockets ask for them and hear of them; tracks follow the people.

use std::time::{Duration, Instant};

use plenum_control::domain::actor::Actor;
use plenum_control::domain::breakout::{Plan, RoomPlan};
use plenum_control::domain::id::MeetingId;
use plenum_shared::command::RoomCommand;
use plenum_shared::event::{Event, Speaking};
use plenum_shared::id::{ProducerId, SessionId};
use plenum_shared::media::Kind;
use serde_json::{Value, json};

use crate::support::node::rtp_parameters;
use crate::support::socket::{Client, PATIENCE};
use crate::support::{World, refused};

/// A meeting with host, member and second inside, divided into rooms.
struct Scene {
    world: World,
    meeting: String,
    rooms: Vec<String>,
    host: (Client, String),
    member: (Client, String),
    second: (Client, String),
}

fn plan(count: u32) -> Plan {
    Plan {
        count,
        rooms: Vec::new(),
        auto_assign: false,
        may_choose: true,
        may_return: true,
        time_limit_minutes: None,
    }
}

impl Scene {
    async fn with(plan: Plan) -> Self {
        let world = World::start().await;
        let (meeting, host, host_id) = world.hosted(json!({})).await;
        let member = world.joined("member", &meeting).await;
        let second = world.joined("second", &meeting).await;
        let mut scene = Self { world, meeting, rooms: Vec::new(), host: (host, host_id), member, second };
        scene.open(plan).await;
        scene
    }

    async fn open(&mut self, plan: Plan) {
        let actor = self.actor("host").await;
        let news = self.world.app.services.breakouts.open(&actor, &self.meeting, plan).await.unwrap();
        self.rooms = news.rooms.iter().map(|(room, _)| room.id.to_string()).collect();
    }

    async fn actor(&self, who: &str) -> Actor {
        self.world.app.services.accounts.authenticate(&self.world.token(who).await).await.unwrap()
    }

    fn ask(&self, payload: Value) -> Value {
        let mut body = json!({ "meetingId": self.meeting });
        for (name, value) in payload.as_object().unwrap() {
            body[name] = value.clone();
        }
        body
    }

    async fn assign(&self, by: &Client, whom: &str, room: &Value) -> Value {
        by.call("assign-breakout", self.ask(json!({ "participantId": whom, "roomId": room }))).await
    }

    async fn choose(&self, who: &Client, room: &str) -> Value {
        who.call("choose-breakout", self.ask(json!({ "roomId": room }))).await
    }

    async fn send_back(&self, who: &Client) -> Value {
        who.call("return-from-breakout", self.ask(json!({}))).await
    }
}

#[tokio::test]
async fn add_ev_50_add_ev_53_c_61_the_rooms_are_told_to_everybody_and_to_whoever_asks_or_enters() {
    let scene = Scene::with(plan(2)).await;
    let (host, member) = (&scene.host.0, &scene.member.0);
    let told = member.expect("breakout-rooms-changed").await;
    let room = |index: usize| {
        json!({
            "roomId": scene.rooms[index], "name": format!("Breakout Room {}", index + 1), "description": null,
            "capacity": null, "allowChat": true, "allowScreenShare": true, "participants": [],
        })
    };
    let expected = json!({
        "meetingId": scene.meeting, "rooms": [room(0), room(1)], "timeLimitAt": null, "mayChoose": true,
        "mayReturn": true,
    });
    assert_eq!(told, expected);
    assert_eq!(host.expect("breakout-rooms-changed").await, expected);
    assert_eq!(scene.choose(member, &scene.rooms[1]).await["success"], true);

    let (student, _) = scene.world.joined("student", &scene.meeting).await;
    let told = student.expect("breakout-rooms-changed").await;
    let user = scene.world.user("member").await;
    let inside = &told["rooms"][1]["participants"][0];
    assert_eq!(
        (&inside["participantId"], &inside["userId"]),
        (&json!(scene.member.1), &json!(user)),
        "{told}"
    );
    let answer = student.call("get-breakout-rooms", scene.ask(json!({}))).await;
    assert_eq!((&answer["success"], &answer["rooms"]), (&json!(true), &told["rooms"]));
    assert_eq!(student.expect("breakout-rooms-changed").await["rooms"], told["rooms"]);
    let outsider = scene.world.connect("outsider").await;
    let refusal = outsider.call("get-breakout-rooms", scene.ask(json!({}))).await;
    assert!(refused(&refusal, "Access denied - meeting not found in your campus"), "{refusal}");
}

#[tokio::test]
async fn add_ev_51_add_ev_54_a_host_sends_people_to_rooms_and_calls_them_back_and_everybody_hears_it() {
    let scene = Scene::with(plan(1)).await;
    let ((host, _), (member, member_id), (second, _)) = (&scene.host, &scene.member, &scene.second);
    let room = json!(scene.rooms[0]);
    for name in [member_id.clone(), scene.world.user("member").await] {
        let answer = scene.assign(host, &name, &room).await;
        assert_eq!((&answer["success"], &answer["roomId"]), (&json!(true), &room), "{answer}");
        let answer = scene.assign(host, &name, &Value::Null).await;
        assert_eq!((&answer["success"], &answer["roomId"]), (&json!(true), &Value::Null), "{answer}");
        for client in [host, member, second] {
            let there = client.expect("breakout-assigned").await;
            let expected = json!({
                "meetingId": scene.meeting, "participantId": member_id, "roomId": room, "name": "Breakout Room 1",
            });
            assert_eq!(there, expected);
            let back = client.expect("breakout-assigned").await;
            assert_eq!((&back["roomId"], &back["name"]), (&Value::Null, &Value::Null));
        }
    }
    let unknown = scene.assign(host, member_id, &json!("01JDAVNTZ6MG8F0Q5W0R7YH3KC")).await;
    assert!(refused(&unknown, "Breakout room not found"), "{unknown}");
    assert!(refused(&scene.assign(host, "nobody", &room).await, "Participant not found"));
    assert!(refused(&scene.assign(member, &scene.second.1, &room).await, "Access denied"));
    assert!(refused(&scene.assign(member, &scene.second.1, &Value::Null).await, "Access denied"));
    let absent = scene.world.connect("student").await;
    assert!(refused(&scene.choose(&absent, &scene.rooms[0]).await, "Access denied"), "not inside");
}

#[tokio::test]
async fn add_ev_55_add_ev_56_people_choose_and_return_while_the_host_lets_them() {
    let small = RoomPlan {
        name: "Small".into(),
        description: None,
        capacity: Some(1),
        allow_chat: false,
        allow_screen_share: false,
    };
    let mut scene = Scene::with(Plan { rooms: vec![small], ..plan(2) }).await;
    let (member, second) = (&scene.member.0, &scene.second.0);
    assert_eq!(scene.choose(member, &scene.rooms[0]).await["roomId"], json!(scene.rooms[0]));
    assert!(refused(&scene.choose(second, &scene.rooms[0]).await, "Breakout room is full"));
    let said = member.call("send-message", scene.ask(json!({ "message": "hello" }))).await;
    assert!(refused(&said, "Chat is disabled for this meeting"), "{said}");
    let posted = format!("/api/chat/rooms/{}/messages", scene.meeting);
    let token = scene.world.token("member").await;
    let posted = scene.world.post(&posted, &token, json!({ "content": "hello" })).await;
    assert_eq!(posted["message"], "Chat is disabled for this meeting", "nor by the other door");
    let shown = member.call("media-status-update", scene.ask(json!({ "screen": true }))).await;
    assert!(refused(&shown, "Screen sharing is disabled for this meeting"), "{shown}");
    assert_eq!(scene.send_back(member).await["success"], true);
    let said = member.call("send-message", scene.ask(json!({ "message": "hello" }))).await;
    assert_eq!(said["success"], true, "{said}");

    scene.open(Plan { may_choose: false, may_return: false, ..plan(1) }).await;
    let member = &scene.member.0;
    assert!(refused(&scene.choose(member, &scene.rooms[0]).await, "Access denied"));
    assert_eq!(scene.assign(&scene.host.0, &scene.member.1, &json!(scene.rooms[0])).await["success"], true);
    assert!(refused(&scene.send_back(member).await, "Access denied"));
    let host = scene.actor("host").await;
    scene.world.app.services.breakouts.close(&host, &scene.meeting).await.unwrap();
    assert!(refused(&scene.send_back(member).await, "Breakout room not found"));
}

#[tokio::test]
async fn add_ev_52_a_broadcast_is_heard_in_every_room_and_stands_in_the_chat_as_an_announcement() {
    let scene = Scene::with(plan(2)).await;
    scene.choose(&scene.member.0, &scene.rooms[0]).await;
    scene.choose(&scene.second.0, &scene.rooms[1]).await;
    let host = scene.actor("host").await;
    let said = scene.world.app.services.breakouts.broadcast(&host, &scene.meeting, "Two minutes").await;
    assert!(said.is_ok());
    let user = scene.world.user("host").await;
    for client in [&scene.host.0, &scene.member.0, &scene.second.0] {
        let heard = client.expect("breakout-broadcast").await;
        assert_eq!((&heard["message"], &heard["userId"]), (&json!("Two minutes"), &json!(user)), "{heard}");
        let line = client.expect("new-message").await;
        assert_eq!(line["message"]["message_type"], "announcement", "{line}");
    }
}

#[tokio::test]
async fn c_61_tracks_follow_the_people_and_the_media_plane_ends_what_would_cross() {
    let scene = Scene::with(plan(1)).await;
    let node = scene.world.node().await;
    let ((host, host_id), (member, member_id), (second, _)) = (&scene.host, &scene.member, &scene.second);
    for client in [host, member, second] {
        for direction in ["send", "recv"] {
            let made = client.call("create-transport", scene.ask(json!({ "direction": direction }))).await;
            assert_eq!(made["success"], true, "{made}");
        }
    }
    let camera = json!({ "kind": "video", "source": "camera", "rtpParameters": rtp_parameters(Kind::Video) });
    let track = host.call("produce", scene.ask(camera.clone())).await["producerId"].clone();
    let own = member.call("produce", scene.ask(camera)).await["producerId"].clone();
    let watch = |of: &str| {
        scene.ask(json!({
            "producerParticipantId": of, "kind": "video",
            "rtpCapabilities": plenum_shared::rtp::router_capabilities(),
        }))
    };
    let consumed = member.call("consume", watch(host_id)).await["consumerId"].clone();
    let crossing = host.call("consume", watch(member_id)).await["consumerId"].clone();
    let kept = second.call("consume", watch(host_id)).await["consumerId"].clone();
    second.expect_where("new-producer", |told| told["producerId"] == own).await;

    assert_eq!(scene.choose(member, &scene.rooms[0]).await["success"], true);
    // The answer came, so it is done: nothing crosses any more.
    let ended = |consumer: &Value| {
        let consumer = consumer.as_str().unwrap().parse().unwrap();
        node.memory().commands().contains(&RoomCommand::CloseConsumer { consumer })
    };
    assert!(ended(&consumed) && ended(&crossing) && !ended(&kept));
    assert_eq!(member.expect("producer-closed").await["producerId"], track);
    for client in [host, second] {
        assert_eq!(client.expect("producer-closed").await["producerId"], own);
    }
    assert!(refused(&member.call("consume", watch(host_id)).await, "Producer not found"));
    assert!(refused(&second.call("consume", watch(member_id)).await, "Producer not found"));
    let resumed = member.call("resume-consumer", json!({ "consumerId": consumed })).await;
    assert!(refused(&resumed, "Consumer not found"), "{resumed}");

    assert_eq!(scene.send_back(member).await["success"], true);
    assert_eq!(
        member.expect_where("new-producer", |told| told["producerId"] == track).await["paused"],
        false
    );
    assert_eq!(
        second.expect_where("new-producer", |told| told["producerId"] == own).await["source"],
        "camera"
    );
    assert_eq!(member.call("consume", watch(host_id)).await["success"], true);
}

#[tokio::test]
async fn c_61_a_subscription_that_a_move_overtakes_is_taken_back() {
    let scene = Scene::with(plan(1)).await;
    let node = scene.world.node().await;
    let ((host, host_id), (member, _)) = (&scene.host, &scene.member);
    host.call("create-transport", scene.ask(json!({ "direction": "send" }))).await;
    member.call("create-transport", scene.ask(json!({ "direction": "recv" }))).await;
    let camera = json!({ "kind": "video", "source": "camera", "rtpParameters": rtp_parameters(Kind::Video) });
    host.call("produce", scene.ask(camera)).await;
    node.memory().close_gate(|command| matches!(command, RoomCommand::Consume { .. }));
    let watch = json!({
        "producerParticipantId": host_id, "kind": "video",
        "rtpCapabilities": plenum_shared::rtp::router_capabilities(),
    });
    let asked = member.start_call("consume", scene.ask(watch));
    node.memory().asked(|command| matches!(command, RoomCommand::Consume { .. })).await;
    assert_eq!(scene.choose(host, &scene.rooms[0]).await["success"], true);
    node.memory().open_gate();
    let answer = asked.await.unwrap();
    assert!(refused(&answer, "Producer not found"), "{answer}");
    node.memory().asked(|command| matches!(command, RoomCommand::CloseConsumer { .. })).await;
}

/// Waits until nobody is inside any more.
async fn all_are_away(world: &World, meeting: &str) {
    let id = MeetingId::parse(meeting).unwrap();
    let began = Instant::now();
    while !world.app.services.live.present(id).await.is_empty() {
        assert!(began.elapsed() < PATIENCE, "somebody is still inside");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn c_61_rooms_and_places_outlive_a_moment_when_all_are_away() {
    let scene = Scene::with(plan(2)).await;
    let Scene { world, meeting, rooms, host, member, second } = scene;
    let ask = json!({ "meetingId": meeting, "participantId": member.1, "roomId": rooms[1] });
    assert_eq!(host.0.call("assign-breakout", ask).await["success"], true);
    drop((host, member, second));
    all_are_away(&world, &meeting).await;
    let (member, id) = world.joined("member", &meeting).await;
    let told = member.expect("breakout-rooms-changed").await;
    assert_eq!(told["rooms"][1]["participants"][0]["participantId"], json!(id), "{told}");
    assert_eq!(member.expect("breakout-assigned").await["roomId"], json!(rooms[1]));
}

#[tokio::test]
async fn c_61_rooms_are_gone_when_the_feature_was_switched_off_while_all_were_away() {
    let Scene { world, meeting, rooms, host, member, second } = Scene::with(plan(1)).await;
    let chosen = json!({ "meetingId": meeting, "roomId": rooms[0] });
    assert_eq!(member.0.call("choose-breakout", chosen).await["success"], true);
    drop((host, member, second));
    all_are_away(&world, &meeting).await;
    let token = world.token("host").await;
    let off = json!({ "features": { "breakout_rooms_enabled": false } });
    let answer = world.put(&format!("/api/meeting/{meeting}"), &token, off).await;
    assert_eq!(answer["data"]["features"]["breakout_rooms_enabled"], false, "{answer}");
    let (member, _) = world.joined("member", &meeting).await;
    let (host, _) = world.joined("host", &meeting).await;
    let answer = member.call("get-breakout-rooms", json!({ "meetingId": meeting })).await;
    assert_eq!(answer["rooms"], json!([]), "{answer}");
    let said = host.call("send-message", json!({ "meetingId": meeting, "message": "hello" })).await;
    assert_eq!(said["success"], true, "{said}");
    assert!(member.heard_of("breakout-assigned").is_empty(), "nobody has a place");
}

#[tokio::test]
async fn c_61_opening_switches_the_feature_on_and_switching_it_off_closes_the_rooms() {
    let scene = Scene::with(plan(1)).await;
    let member = &scene.member.0;
    member.expect("breakout-rooms-changed").await;
    scene.choose(member, &scene.rooms[0]).await;
    member.expect("breakout-assigned").await;
    let token = scene.world.token("host").await;
    let path = format!("/api/meeting/{}", scene.meeting);
    let features = |meeting: &Value| meeting["data"]["features"]["breakout_rooms_enabled"].clone();
    assert_eq!(features(&scene.world.get(&path, &token).await), true);
    let off = json!({ "features": { "breakout_rooms_enabled": false } });
    assert_eq!(features(&scene.world.put(&path, &token, off).await), false);
    assert_eq!(member.expect("breakout-rooms-changed").await["rooms"], json!([]));
    assert_eq!(member.expect("breakout-assigned").await["roomId"], Value::Null);
    assert!(refused(&scene.choose(member, &scene.rooms[0]).await, "Breakout room not found"));
}

#[tokio::test]
async fn add_ev_74_c_61_the_media_plane_judges_speakers_by_room_and_each_room_hears_its_own() {
    let scene = Scene::with(plan(2)).await;
    let node = scene.world.node().await;
    let ((host, host_id), (member, member_id), (second, second_id)) =
        (&scene.host, &scene.member, &scene.second);
    let session = |id: &str| id.parse::<SessionId>().unwrap();
    assert_eq!(scene.choose(member, &scene.rooms[1]).await["success"], true);
    // Counted with the first transport, and then with each change of rooms.
    let body = scene.ask(json!({ "direction": "send" }));
    assert_eq!(member.call("create-transport", body).await["success"], true);
    let counted = |id: &str, group| {
        let wanted = RoomCommand::SetSessionGroup { session: session(id), group };
        node.memory().asked(move |command| *command == wanted)
    };
    counted(member_id, 2).await;
    assert_eq!(scene.choose(second, &scene.rooms[0]).await["success"], true);
    counted(second_id, 1).await;
    assert_eq!(scene.choose(second, &scene.rooms[1]).await["success"], true);
    counted(second_id, 2).await;

    let room = node.transport().0;
    let producer = ProducerId::random();
    let said = |group, id: &str| Event::ActiveSpeaker { room, group, speaker: Some((session(id), producer)) };
    let heard = |group, id: &str| Event::ActiveSpeakers {
        room,
        group,
        speakers: vec![Speaking { session: session(id), producer, level_dbov_neg: 40 }],
    };
    for event in [said(2, member_id), heard(2, member_id), said(0, host_id), heard(0, host_id)] {
        node.tell(event).await;
    }
    for (client, speaker) in [(host, host_id), (second, member_id)] {
        assert_eq!(client.expect("active-speaker").await["participantId"], json!(speaker));
        assert_eq!(client.expect("active-speakers").await["speakers"][0]["participantId"], json!(speaker));
    }
    assert_eq!(scene.send_back(second).await["success"], true);
    counted(second_id, 0).await;
    assert_eq!(second.expect("active-speaker").await["participantId"], json!(host_id));
    assert_eq!(second.expect("active-speakers").await["speakers"][0]["participantId"], json!(host_id));
}
