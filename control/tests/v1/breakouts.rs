//! Breakout rooms by request (V1-10, V1-11, ADD-26 to ADD-29): what is answered, what is refused, and that one meeting is
//! divided for every dialect at once.

use http::Method;
use serde_json::{Value, json};

use crate::support::raw::RawSocket;
use crate::support::{self, socket::Client};
use crate::world::{Answer, Who, World};
use crate::{V1, join, keys, live_meeting, path};

const ROOMS: &str = "breakout-rooms";
const UNKNOWN: &str = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

/// A live meeting of the host's.
struct Scene {
    world: World,
    meeting: String,
}

impl Scene {
    async fn new() -> Self {
        let world = World::new().await;
        let meeting = live_meeting(&world, json!({})).await;
        Self { world, meeting }
    }

    /// With these people inside.
    async fn with(people: &[Who]) -> Self {
        let scene = Self::new().await;
        for who in people {
            join(&scene.world, *who, &scene.meeting).await;
        }
        scene
    }

    async fn call(&self, who: Who, method: Method, what: &str, body: Value) -> Answer {
        self.world.call(who, method, &path(&self.meeting, what), body).await
    }

    async fn open(&self, body: Value) -> Answer {
        self.call(Who::Host, Method::POST, ROOMS, body).await
    }

    /// Opens rooms and says their ids.
    async fn opened(&self, body: Value) -> Vec<String> {
        let answer = self.open(body).await;
        let rooms = answer.said("Breakout rooms created successfully");
        let ids = rooms.as_array().unwrap().iter().map(|room| room["room_id"].as_str().unwrap().to_owned());
        ids.collect()
    }

    async fn assign(&self, by: Who, whom: Who, room: &str) -> Answer {
        let whom = self.world.user_id(whom).await;
        self.assign_named(by, &whom, room).await
    }

    async fn assign_named(&self, by: Who, whom: &str, room: &str) -> Answer {
        let body = json!({ "participant_user_id": whom, "breakout_room_id": room });
        self.call(by, Method::POST, "breakout-rooms/assign", body).await
    }

    async fn list(&self, who: Who) -> Value {
        let answer = self.call(who, Method::GET, ROOMS, Value::Null).await;
        answer.said("Breakout rooms retrieved successfully").clone()
    }

    async fn send_back(&self, who: Who, body: Value) -> Answer {
        self.call(who, Method::POST, "breakout-rooms/return", body).await
    }

    async fn close(&self, who: Who) -> Answer {
        self.call(who, Method::DELETE, ROOMS, Value::Null).await
    }

    /// The names of the people in each room.
    async fn people(&self) -> Vec<Vec<String>> {
        let rooms = self.list(Who::Host).await["rooms"].as_array().unwrap().clone();
        let names = |room: &Value| {
            let people = room["participants"].as_array().unwrap().clone();
            people.iter().map(|one| one["user_id"].as_str().unwrap().to_owned()).collect()
        };
        rooms.iter().map(names).collect()
    }
}

fn not_allowed(answer: &Answer) {
    answer.denied(403, "INSUFFICIENT_PERMISSION", "User lacks required permissions");
}

fn not_active(answer: &Answer) {
    answer.denied(400, "MEETING_NOT_ACTIVE", "Meeting is not currently active");
}

fn nobody(answer: &Answer) {
    answer.denied(404, "PARTICIPANT_NOT_FOUND", "Participant not found in meeting");
}

fn no_room(answer: &Answer) {
    answer.denied(404, "BREAKOUT_ROOM_NOT_FOUND", "Breakout room not found");
}

#[tokio::test]
async fn v1_10_rooms_are_created_as_they_were_asked_for_and_filled_up() {
    let scene = Scene::new().await;
    let body = json!({
        "room_count": 3,
        "rooms": [{
            "name": "Planning", "description": "Discussion group for project planning", "capacity": 5,
            "settings": { "allow_chat": true, "allow_screen_share": false },
        }],
        "auto_assign": false,
        "allow_participants_to_choose": true,
        "allow_participants_to_return": true,
        "time_limit_minutes": 30,
    });
    let answer = scene.open(body).await;
    let rooms = answer.said("Breakout rooms created successfully").as_array().unwrap().clone();
    let fields = ["capacity", "current_participants", "description", "is_active", "name", "room_id"];
    assert!(rooms.iter().all(|room| keys(room) == fields), "{rooms:?}");
    let shown = |room: &Value| {
        json!([room["name"], room["capacity"], room["is_active"], room["current_participants"]])
    };
    let expected = json!([
        ["Planning", 5, true, 0],
        ["Breakout Room 2", null, true, 0],
        ["Breakout Room 3", null, true, 0],
    ]);
    assert_eq!(Value::from(rooms.iter().map(shown).collect::<Vec<_>>()), expected);
    assert_eq!(rooms[0]["description"], "Discussion group for project planning");

    let all = scene.list(Who::Member).await;
    let settings = json!({ "allow_chat": true, "allow_screen_share": false });
    assert_eq!(
        (&all["rooms"][0]["settings"], &all["rooms"][0]["room_id"]),
        (&settings, &rooms[0]["room_id"])
    );
    assert_eq!((&all["allow_participants_to_choose"], &all["own_room_id"]), (&json!(true), &Value::Null));
    let limit = scene.world.clock.now() + time::Duration::minutes(30);
    let told = all["time_limit_at"].as_str().unwrap();
    let told = time::OffsetDateTime::parse(told, &time::format_description::well_known::Rfc3339).unwrap();
    assert!((told - limit).abs() < time::Duration::milliseconds(1), "{told} is not {limit}");
    // Whoever may look at the meeting reads that the feature is on now.
    let meeting = scene.world.get(Who::Host, &format!("/api/meeting/{}", scene.meeting)).await;
    assert_eq!(meeting.data()["features"]["breakout_rooms_enabled"], true);
}

#[tokio::test]
async fn v1_10_every_field_out_of_bounds_is_told_by_its_name() {
    let scene = Scene::new().await;
    let named = |room: Value| json!({ "room_count": 1, "rooms": [room] });
    let cases = [
        (json!({}), "room_count", "is required"),
        (json!({ "room_count": 0 }), "room_count", "must be between 1 and 100"),
        (json!({ "room_count": 101 }), "room_count", "must be between 1 and 100"),
        (json!({ "room_count": "two" }), "room_count", "must be a whole number"),
        (
            json!({ "room_count": 1, "rooms": [{ "name": "a" }, { "name": "b" }] }),
            "rooms",
            "must not be more than room_count",
        ),
        (json!({ "room_count": 1, "rooms": {} }), "rooms", "must be an array"),
        (named(json!("a")), "rooms", "must be an array of objects"),
        (named(json!({})), "rooms.name", "is required"),
        (named(json!({ "name": " " })), "rooms.name", "is required"),
        (named(json!({ "name": 7 })), "rooms.name", "must be a string"),
        (named(json!({ "name": "x".repeat(101) })), "rooms.name", "must have at most 100 characters"),
        (
            named(json!({ "name": "a", "description": "x".repeat(1001) })),
            "rooms.description",
            "must have at most 1000 characters",
        ),
        (named(json!({ "name": "a", "capacity": 0 })), "rooms.capacity", "must be between 1 and 10000"),
        (named(json!({ "name": "a", "capacity": -1 })), "rooms.capacity", "must be a whole number"),
        (named(json!({ "name": "a", "settings": [] })), "rooms.settings", "must be an object"),
        (
            named(json!({ "name": "a", "settings": { "allow_chat": "no" } })),
            "rooms.settings.allow_chat",
            "must be true or false",
        ),
        (json!({ "room_count": 1, "auto_assign": 1 }), "auto_assign", "must be true or false"),
        (
            json!({ "room_count": 1, "time_limit_minutes": 0 }),
            "time_limit_minutes",
            "must be between 1 and 1440",
        ),
    ];
    for (body, field, reason) in cases {
        scene.open(body).await.invalid(field, reason);
    }
    assert_eq!(scene.list(Who::Host).await["rooms"], json!([]));
}

#[tokio::test]
async fn v1_10_role_13_only_the_host_creates_and_only_while_the_meeting_is_live() {
    let scene = Scene::with(&[Who::Member, Who::Student]).await;
    let body = || json!({ "room_count": 1 });
    for who in [Who::Member, Who::Second, Who::Student, Who::Outsider] {
        not_allowed(&scene.call(who, Method::POST, ROOMS, body()).await);
    }
    scene.world.post(Who::Host, &path(UNKNOWN, ROOMS), body()).await.denied(
        404,
        "MEETING_NOT_FOUND",
        "Meeting does not exist",
    );
    let planned = scene.world.meeting(json!({})).await;
    not_active(&scene.world.post(Who::Host, &path(&planned, ROOMS), body()).await);
    scene.world.post(Who::Host, &path(&scene.meeting, "end"), Value::Null).await;
    scene.open(body()).await.denied(410, "MEETING_ENDED", "Meeting has already ended");
}

#[tokio::test]
async fn role_13_whoever_was_given_the_right_manages_rooms_as_well() {
    let scene = Scene::with(&[Who::Member]).await;
    let roster = format!("/api/meeting/{}/participants", scene.meeting);
    let roster = scene.world.get(Who::Host, &roster).await;
    let user = scene.world.user_id(Who::Member).await;
    let lines = roster.data().as_array().unwrap().clone();
    let line = lines.iter().find(|line| line["user_id"] == json!(user)).unwrap();
    let role = format!("/api/meeting/{}/participants/{}/role", scene.meeting, line["id"].as_str().unwrap());
    let given = json!({ "new_role": "co_host", "permissions": { "can_manage_breakout_rooms": true } });
    scene.world.call(Who::Host, Method::PATCH, &role, given).await.data();
    let answer = scene.call(Who::Member, Method::POST, ROOMS, json!({ "room_count": 1 })).await;
    answer.said("Breakout rooms created successfully");
}

#[tokio::test]
async fn v1_10_creating_again_replaces_and_spreads_attendees_over_the_rooms() {
    let scene = Scene::with(&[Who::Host, Who::Member, Who::Second, Who::Student]).await;
    let first = scene.opened(json!({ "room_count": 1, "auto_assign": true })).await;
    let [second, student] = [scene.world.user_id(Who::Second).await, scene.world.user_id(Who::Student).await];
    assert_eq!(
        scene.people().await,
        [[second.clone(), student.clone()]],
        "host and co-host stay where they are"
    );
    let rooms = scene.opened(json!({ "room_count": 2, "auto_assign": true })).await;
    assert!(!rooms.contains(&first[0]));
    assert_eq!(scene.people().await, [[second], [student]]);
    no_room(&scene.assign(Who::Host, Who::Student, &first[0]).await);
    let trail = scene.world.trail(&scene.meeting).await;
    assert_eq!(trail.iter().filter(|line| *line == "breakout.open granted").count(), 2, "{trail:?}");
}

#[tokio::test]
async fn v1_11_a_host_assigns_whoever_is_inside_or_on_the_roster() {
    let scene = Scene::with(&[Who::Host, Who::Student]).await;
    let rooms = scene.opened(json!({ "room_count": 2 })).await;
    let student = scene.world.user_id(Who::Student).await;
    let body = json!({
        "participant_user_id": student, "breakout_room_id": rooms[1], "assignment_type": "manual",
    });
    let answer = scene.call(Who::Host, Method::POST, "breakout-rooms/assign", body).await;
    let data = answer.said("Participant assigned to breakout room successfully");
    assert_eq!(*data, json!({ "participant_user_id": student, "breakout_room_id": rooms[1] }));
    assert_eq!(scene.people().await, [vec![], vec![student.clone()]]);
    assert_eq!(scene.list(Who::Student).await["own_room_id"], json!(rooms[1]));
    // Somebody who is only invited finds his place when he comes.
    scene
        .assign(Who::Host, Who::Second, &rooms[0])
        .await
        .said("Participant assigned to breakout room successfully");
    assert_eq!(scene.people().await, [vec![], vec![student.clone()]]);
    join(&scene.world, Who::Second, &scene.meeting).await;
    assert_eq!(scene.people().await, [vec![scene.world.user_id(Who::Second).await], vec![student]]);
}

#[tokio::test]
async fn v1_11_a_host_who_is_not_inside_assigns_all_the_same() {
    let scene = Scene::with(&[Who::Student]).await;
    let rooms = scene.opened(json!({ "room_count": 1 })).await;
    let answer = scene.assign(Who::Host, Who::Student, &rooms[0]).await;
    answer.said("Participant assigned to breakout room successfully");
    assert_eq!(scene.people().await, [[scene.world.user_id(Who::Student).await]]);
}

#[tokio::test]
async fn v1_11_each_refusal_has_its_code() {
    let scene = Scene::with(&[Who::Host, Who::Second, Who::Student]).await;
    no_room(&scene.assign(Who::Host, Who::Student, UNKNOWN).await);
    let rooms = scene.opened(json!({ "room_count": 1, "rooms": [{ "name": "Small", "capacity": 1 }] })).await;
    let assign = |by, whom| scene.assign(by, whom, &rooms[0]);
    not_allowed(&assign(Who::Student, Who::Second).await);
    not_allowed(&assign(Who::Student, Who::Student).await);
    not_allowed(&assign(Who::Outsider, Who::Outsider).await);
    not_allowed(&assign(Who::Member, Who::Student).await);
    nobody(&assign(Who::Member, Who::Member).await);
    nobody(&assign(Who::Host, Who::Outsider).await);
    nobody(&scene.assign_named(Who::Host, "nobody", &rooms[0]).await);
    for room in [UNKNOWN, "rooms", "7"] {
        no_room(&scene.assign(Who::Host, Who::Student, room).await);
    }
    assign(Who::Host, Who::Student).await.said("Participant assigned to breakout room successfully");
    assign(Who::Host, Who::Second).await.denied(403, "BREAKOUT_ROOM_FULL", "Breakout room is full");
    let unknown = path(UNKNOWN, "breakout-rooms/assign");
    let body = json!({ "participant_user_id": UNKNOWN, "breakout_room_id": rooms[0] });
    let answer = scene.world.post(Who::Host, &unknown, body.clone()).await;
    answer.denied(404, "MEETING_NOT_FOUND", "Meeting does not exist");
    let planned = scene.world.meeting(json!({})).await;
    not_active(&scene.world.post(Who::Host, &path(&planned, "breakout-rooms/assign"), body).await);
    for (body, field, reason) in [
        (json!({ "breakout_room_id": rooms[0] }), "participant_user_id", "is required"),
        (json!({ "participant_user_id": UNKNOWN }), "breakout_room_id", "is required"),
        (
            json!({ "participant_user_id": "x", "breakout_room_id": "x", "assignment_type": "random" }),
            "assignment_type",
            "must be one of manual, auto",
        ),
    ] {
        scene.call(Who::Host, Method::POST, "breakout-rooms/assign", body).await.invalid(field, reason);
    }
}

#[tokio::test]
async fn v1_11_people_assign_themselves_where_they_may_choose() {
    let scene = Scene::with(&[Who::Host, Who::Second, Who::Student]).await;
    let rooms = scene.opened(json!({ "room_count": 2, "allow_participants_to_choose": true })).await;
    let done = "Participant assigned to breakout room successfully";
    scene.assign(Who::Student, Who::Student, &rooms[1]).await.said(done);
    not_allowed(&scene.assign(Who::Student, Who::Second, &rooms[1]).await);
    let student = scene.world.user_id(Who::Student).await;
    assert_eq!(scene.people().await, [vec![], vec![student]]);
}

#[tokio::test]
async fn add_26_everybody_of_the_meeting_sees_the_rooms_and_nobody_else_does() {
    let scene = Scene::with(&[Who::Host, Who::Student]).await;
    let empty = scene.list(Who::Student).await;
    let fields = [
        "allow_participants_to_choose",
        "allow_participants_to_return",
        "own_room_id",
        "rooms",
        "time_limit_at",
    ];
    assert_eq!((keys(&empty), &empty["rooms"]), (fields.to_vec(), &json!([])));
    let rooms = scene.opened(json!({ "room_count": 1 })).await;
    scene.assign(Who::Host, Who::Student, &rooms[0]).await;
    let room = scene.list(Who::Second).await["rooms"][0].clone();
    let inside = &room["participants"][0];
    assert_eq!(keys(inside), ["participant_id", "user_id", "user_name"]);
    assert_eq!(
        (&room["current_participants"], &inside["user_id"]),
        (&json!(1), &json!(scene.world.user_id(Who::Student).await))
    );
    not_allowed(&scene.call(Who::Outsider, Method::GET, ROOMS, Value::Null).await);
    let unknown = scene.world.get(Who::Host, &path(UNKNOWN, ROOMS)).await;
    unknown.denied(404, "MEETING_NOT_FOUND", "Meeting does not exist");
}

#[tokio::test]
async fn add_27_people_return_by_themselves_or_are_called_back() {
    let scene = Scene::with(&[Who::Host, Who::Second, Who::Student]).await;
    let done = "Returned to the main room successfully";
    no_room(&scene.send_back(Who::Student, json!({})).await);
    let rooms = scene.opened(json!({ "room_count": 1, "auto_assign": true })).await;
    let answer = scene.send_back(Who::Student, Value::Null).await;
    assert_eq!(answer.said(done)["own_room_id"], Value::Null);
    assert_eq!(scene.people().await, [[scene.world.user_id(Who::Second).await]]);
    let second = json!({ "participant_user_id": scene.world.user_id(Who::Second).await });
    not_allowed(&scene.send_back(Who::Student, second.clone()).await);
    scene.send_back(Who::Host, second).await.said(done);
    nobody(&scene.send_back(Who::Host, json!({ "participant_user_id": "nobody" })).await);
    nobody(&scene.send_back(Who::Member, json!({})).await);
    not_allowed(&scene.send_back(Who::Outsider, json!({})).await);
    for who in [Who::Second, Who::Student] {
        scene.assign(Who::Host, who, &rooms[0]).await;
    }
    not_allowed(&scene.send_back(Who::Second, json!({ "everyone": true })).await);
    let all = scene.send_back(Who::Host, json!({ "everyone": true })).await;
    assert_eq!(all.said(done)["rooms"][0]["participants"], json!([]), "the rooms stay open");

    let rooms = scene.opened(json!({ "room_count": 1, "allow_participants_to_return": false })).await;
    scene.assign(Who::Host, Who::Student, &rooms[0]).await;
    not_allowed(&scene.send_back(Who::Student, json!({})).await);
    let unknown = scene.world.post(Who::Host, &path(UNKNOWN, "breakout-rooms/return"), json!({})).await;
    unknown.denied(404, "MEETING_NOT_FOUND", "Meeting does not exist");
    let planned = scene.world.meeting(json!({})).await;
    not_active(&scene.world.post(Who::Host, &path(&planned, "breakout-rooms/return"), json!({})).await);
    scene
        .send_back(Who::Host, json!({ "everyone": "yes" }))
        .await
        .invalid("everyone", "must be true or false");
}

#[tokio::test]
async fn add_28_a_broadcast_stands_in_the_chat_and_needs_rooms() {
    let scene = Scene::with(&[Who::Host, Who::Student]).await;
    let say = |who, body| scene.call(who, Method::POST, "breakout-rooms/broadcast", body);
    let words = || json!({ "message": "Two minutes left" });
    no_room(&say(Who::Host, words()).await);
    scene.opened(json!({ "room_count": 1 })).await;
    not_allowed(&say(Who::Student, words()).await);
    not_allowed(&say(Who::Outsider, words()).await);
    say(Who::Host, json!({})).await.invalid("message", "is required");
    say(Who::Host, json!({ "message": " " })).await.invalid("message", "is required");
    say(Who::Host, json!({ "message": "x".repeat(4001) }))
        .await
        .invalid("message", "must have at most 4000 characters");
    let answer = say(Who::Host, words()).await;
    let data = answer.said("Message sent to all breakout rooms successfully").clone();
    assert_eq!((&data["message"], &data["meeting_id"]), (&json!("Two minutes left"), &json!(scene.meeting)));
    let chat = scene.world.get(Who::Student, &format!("/api/meeting/{}/chat", scene.meeting)).await;
    let line = chat.data()[0].clone();
    assert_eq!((&line["id"], &line["message_type"]), (&data["message_id"], &json!("announcement")), "{line}");
    let unknown = scene.world.post(Who::Host, &path(UNKNOWN, "breakout-rooms/broadcast"), words()).await;
    unknown.denied(404, "MEETING_NOT_FOUND", "Meeting does not exist");
    let planned = scene.world.meeting(json!({})).await;
    not_active(&scene.world.post(Who::Host, &path(&planned, "breakout-rooms/broadcast"), words()).await);
}

#[tokio::test]
async fn add_29_closing_brings_everybody_back() {
    let scene = Scene::with(&[Who::Host, Who::Student]).await;
    no_room(&scene.close(Who::Host).await);
    let rooms = scene.opened(json!({ "room_count": 1, "auto_assign": true })).await;
    for who in [Who::Member, Who::Student, Who::Outsider] {
        not_allowed(&scene.close(who).await);
    }
    assert_eq!(*scene.close(Who::Host).await.said("Breakout rooms closed successfully"), json!([]));
    assert_eq!(scene.list(Who::Student).await["rooms"], json!([]));
    no_room(&scene.assign(Who::Host, Who::Student, &rooms[0]).await);
    let unknown = scene.world.delete(Who::Host, &path(UNKNOWN, ROOMS)).await;
    unknown.denied(404, "MEETING_NOT_FOUND", "Meeting does not exist");
    let planned = scene.world.meeting(json!({})).await;
    not_active(&scene.world.delete(Who::Host, &path(&planned, ROOMS)).await);
}

#[tokio::test]
async fn c_61_rooms_outlive_a_restart_and_end_with_the_meeting() {
    let scene = Scene::with(&[Who::Host, Who::Student]).await;
    let rooms = scene.opened(json!({ "room_count": 2 })).await;
    scene.assign(Who::Host, Who::Student, &rooms[1]).await;
    let Scene { world, meeting } = scene;
    let scene = Scene { world: world.restarted().await, meeting };
    let student = scene.world.user_id(Who::Student).await;
    assert_eq!(
        scene.people().await,
        [Vec::<String>::new(), Vec::new()],
        "the rooms are there, and nobody yet"
    );
    join(&scene.world, Who::Student, &scene.meeting).await;
    assert_eq!(scene.people().await, [vec![], vec![student]]);
    scene.world.post(Who::Host, &path(&scene.meeting, "end"), Value::Null).await;
    assert_eq!(scene.list(Who::Host).await["rooms"], json!([]));
}

#[tokio::test]
async fn v1_10_v1_11_c_61_people_of_both_dialects_are_in_the_same_rooms() {
    let world = support::World::start().await;
    let (meeting, host, _) = world.hosted(json!({})).await;
    let (member, member_id): (Client, String) = world.joined("member", &meeting).await;
    let token = world.token("host").await;
    let opened = world.post(&path(&meeting, ROOMS), &token, json!({ "room_count": 1 })).await;
    let room = opened["data"][0]["room_id"].clone();
    for client in [&host, &member] {
        let told = client.expect("breakout-rooms-changed").await;
        assert_eq!(told["rooms"][0]["roomId"], room);
    }
    let student = world.token("student").await;
    let joined = world.post(&path(&meeting, "join"), &student, json!({})).await;
    let student_id = joined["data"]["participant_id"].clone();
    for whom in [json!(member_id), student_id.clone()] {
        let body = json!({ "participant_user_id": whom, "breakout_room_id": room });
        let answer = world.post(&path(&meeting, "breakout-rooms/assign"), &token, body).await;
        assert_eq!(answer["status"], "success", "{answer}");
        for client in [&host, &member] {
            let told = client.expect("breakout-assigned").await;
            assert_eq!((&told["participantId"], &told["roomId"]), (&whom, &room));
        }
    }
    let answer = member.call("return-from-breakout", json!({ "meetingId": meeting })).await;
    assert_eq!(answer["success"], true, "{answer}");
    let rooms = world.get(&path(&meeting, ROOMS), &student).await;
    let inside = rooms["data"]["rooms"][0]["participants"].as_array().unwrap();
    assert_eq!((inside.len(), &inside[0]["participant_id"]), (1, &student_id), "{rooms}");
}

#[tokio::test]
async fn add_ev_57_raw_sockets_hear_of_rooms_places_and_broadcasts() {
    let world = support::World::start().await;
    let (meeting, host, _) = world.hosted(json!({})).await;
    let socket =
        RawSocket::connect(world.port, &meeting, &world.token("member").await).await.expect("upgrades");
    let joined = socket.join().await;
    let own = joined["data"]["participant_id"].clone();
    let token = world.token("host").await;
    let opened = world.post(&path(&meeting, ROOMS), &token, json!({ "room_count": 1 })).await;
    let room = opened["data"][0]["room_id"].clone();
    let told = socket.expect("breakout_rooms_changed").await;
    assert_eq!((&told["meeting_id"], &told["user_id"]), (&json!(meeting), &Value::Null), "{told}");
    assert_eq!((&told["data"]["rooms"][0]["room_id"], &told["data"]["time_limit_at"]), (&room, &Value::Null));
    let ask = json!({ "meetingId": meeting, "participantId": own, "roomId": room });
    assert_eq!(host.call("assign-breakout", ask).await["success"], true);
    let told = socket.expect("breakout_assigned").await;
    let expected = json!({ "participant_id": own, "room_id": room, "name": "Breakout Room 1" });
    assert_eq!((&told["data"], &told["user_id"]), (&expected, &json!(world.user("member").await)), "{told}");
    let words = json!({ "message": "Two minutes left" });
    let said = world.post(&path(&meeting, "breakout-rooms/broadcast"), &token, words).await;
    assert_eq!(said["status"], "success", "{said}");
    let line = socket.expect("chat").await;
    assert_eq!(
        (&line["data"]["content"], &line["data"]["message_type"]),
        (&json!("Two minutes left"), &json!("announcement"))
    );
}
