//! Creating and listing meetings.

use http::Method;
use serde_json::{Value, json};

use crate::world::{Who, World, bad, check, meeting_body};

#[tokio::test]
async fn kcs_01_create_answers_201_with_every_default() {
    let world = World::new().await;
    let answer = world.post(Who::Host, "/api/meeting", meeting_body(json!({}))).await;
    assert_eq!(answer.status, 201);
    let meeting = answer.data();
    assert_eq!((&meeting["meeting_status"], &meeting["status"]), (&json!("scheduled"), &json!("scheduled")));
    assert_eq!((&meeting["meeting_type"], &meeting["max_participants"]), (&json!("scheduled"), &json!(100)));
    for off in ["waiting_room_enabled", "require_host_approval", "allow_guests", "requires_password"] {
        assert_eq!(meeting[off], false, "{off}");
    }
    assert_eq!(
        meeting["features"],
        json!({
            "video_enabled": true, "audio_enabled": true, "screen_sharing_enabled": true, "chat_enabled": true,
            "recording_enabled": false, "breakout_rooms_enabled": false, "whiteboard_enabled": false, "hand_raise_enabled": true,
        })
    );
    assert_eq!(
        meeting["recording_config"],
        json!({
            "auto_record": false, "record_video": true, "record_audio": true, "record_chat": false,
            "storage_location": "cloud", "retention_days": 30,
        })
    );
    assert_eq!(meeting["creator_id"], world.user_id(Who::Host).await);
}

#[tokio::test]
async fn kcs_01_create_keeps_what_is_given() {
    let world = World::new().await;
    let given = json!({
        "meeting_name": "Déjà vu 会議", "meeting_description": "", "meeting_type": "instant", "max_participants": 2,
        "meeting_password": "sesame", "waiting_room_enabled": true, "require_host_approval": true, "allow_guests": true,
        "features": { "chat_enabled": false, "recording_enabled": true },
        "recording_config": { "storage_location": "local", "retention_days": 365, "auto_record": true },
        "meeting_start_time": "2098-01-01T15:30:00+05:30", "something_unknown": [1, 2, 3],
    });
    let answer = world.post(Who::Host, "/api/meeting", meeting_body(given)).await;
    let meeting = answer.data();
    assert_eq!(
        (&meeting["meeting_name"], &meeting["meeting_description"]),
        (&json!("Déjà vu 会議"), &json!(""))
    );
    assert_eq!(meeting["meeting_start_time"], "2098-01-01T10:00:00.000Z");
    assert_eq!((&meeting["max_participants"], &meeting["requires_password"]), (&json!(2), &json!(true)));
    assert_eq!(
        (&meeting["features"]["chat_enabled"], &meeting["features"]["audio_enabled"]),
        (&json!(false), &json!(true))
    );
    assert_eq!(meeting["recording_config"]["retention_days"], 365);
    assert!(!answer.body.to_string().contains("sesame") && !answer.body.to_string().contains("argon2"));
}

#[tokio::test]
async fn kcs_01_participants_are_ids_addresses_or_objects_and_nobody_is_listed_twice() {
    let world = World::new().await;
    let student = world.user_id(Who::Student).await;
    let participants = json!([
        student.to_lowercase(),
        "MEMBER@demo.test",
        { "email": "member@demo.test", "name": "Again" },
        { "user_id": world.user_id(Who::Second).await, "role": "co_host", "phone": "+1" },
        { "email": "guest@elsewhere.test", "name": "Gina" },
    ]);
    let answer =
        world.post(Who::Host, "/api/meeting", meeting_body(json!({ "participants": participants }))).await;
    let listed: Vec<_> = answer.data()["participants"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|p| {
            (
                p["email"].as_str().unwrap_or(""),
                p["name"].as_str().unwrap_or(""),
                p["role"].as_str().unwrap_or(""),
            )
        })
        .collect();
    assert_eq!(
        listed,
        [
            ("host@demo.test", "Hanna Host", "host"),
            ("student@demo.test", "Sam Student", "attendee"),
            ("member@demo.test", "Milan Member", "attendee"),
            ("second@demo.test", "Sofia Second", "co_host"),
            ("guest@elsewhere.test", "Gina", "attendee"),
        ]
    );
}

#[tokio::test]
async fn kcs_01_create_bad_input() {
    let world = World::new().await;
    let outsider = world.user_id(Who::Outsider).await;
    let body = meeting_body;
    let with = |field: &str, value: Value| {
        let mut more = json!({});
        more[field] = value;
        body(more)
    };
    let reversed = json!({ "meeting_end_time": "2097-01-01T10:00:00Z" });
    let equal = json!({ "meeting_end_time": "2098-01-01T10:00:00Z" });
    let required = |field| with(field, Value::Null);
    let seats = "max_participants: must be between 2 and 10000";
    let kinds = "meeting_type: must be one of scheduled, instant, recurring";
    let days = "recording_config.retention_days: must be between 1 and 365";
    let h = Who::Host;
    check(
        &world,
        Method::POST,
        "/api/meeting",
        vec![
            bad("no token", Who::Nobody, body(json!({})), 401, "Authentication token missing"),
            bad("not an object", h, json!("hello"), 400, "Invalid request body: must be a JSON object"),
            bad("no name", h, required("meeting_name"), 400, "meeting_name is required"),
            bad("blank name", h, with("meeting_name", json!("  ")), 400, "meeting_name is required"),
            bad("name type", h, with("meeting_name", json!(["x"])), 400, "meeting_name: must be a string"),
            bad(
                "name size",
                h,
                with("meeting_name", json!("x".repeat(16385))),
                400,
                "meeting_name: must not be longer than 16384 bytes",
            ),
            bad("no description", h, required("meeting_description"), 400, "meeting_description is required"),
            bad("no start", h, required("meeting_start_time"), 400, "meeting_start_time is required"),
            bad("no end", h, required("meeting_end_time"), 400, "meeting_end_time is required"),
            bad(
                "start",
                h,
                with("meeting_start_time", json!("tomorrow")),
                400,
                "meeting_start_time: must be an ISO 8601 time",
            ),
            bad(
                "start type",
                h,
                with("meeting_start_time", json!(1_700_000_000)),
                400,
                "meeting_start_time: must be an ISO 8601 time",
            ),
            bad("no location", h, required("meeting_location"), 400, "meeting_location is required"),
            bad("end first", h, body(reversed), 400, "Meeting end time must be after start time"),
            bad("no time at all", h, body(equal), 400, "Meeting end time must be after start time"),
            bad("no participants", h, required("participants"), 400, "At least one participant is required"),
            bad("nobody", h, with("participants", json!([])), 400, "At least one participant is required"),
            bad(
                "participants type",
                h,
                with("participants", json!("all")),
                400,
                "participants: must be an array",
            ),
            bad(
                "a nameless one",
                h,
                with("participants", json!([{ "name": "X" }])),
                400,
                "Each participant must have user_id or email",
            ),
            bad(
                "an empty one",
                h,
                with("participants", json!([""])),
                400,
                "Each participant must have user_id or email",
            ),
            bad(
                "a number",
                h,
                with("participants", json!([7])),
                400,
                "Each participant must have user_id or email",
            ),
            bad(
                "no such user",
                h,
                with("participants", json!(["01ARZ3NDEKTSV4RRFFQ69G5FAV"])),
                400,
                "User not found",
            ),
            bad("no id", h, with("participants", json!(["somebody"])), 400, "User not found"),
            bad("other campus", h, with("participants", json!([outsider])), 400, "User not found"),
            bad(
                "bad address",
                h,
                with("participants", json!(["@"])),
                400,
                "participants: an email is not an e-mail address",
            ),
            bad(
                "bad role",
                h,
                with("participants", json!([{ "email": "a@b", "role": "king" }])),
                400,
                "role: must be one of host, co_host, presenter, attendee",
            ),
            bad("type", h, with("meeting_type", json!("party")), 400, kinds),
            bad("one seat", h, with("max_participants", json!(1)), 400, seats),
            bad("too many seats", h, with("max_participants", json!(10_001)), 400, seats),
            bad(
                "negative seats",
                h,
                with("max_participants", json!(-5)),
                400,
                "max_participants: must be a whole number",
            ),
            bad(
                "half a seat",
                h,
                with("max_participants", json!(2.5)),
                400,
                "max_participants: must be a whole number",
            ),
            bad(
                "seats in words",
                h,
                with("max_participants", json!("100")),
                400,
                "max_participants: must be a whole number",
            ),
            bad(
                "short password",
                h,
                with("meeting_password", json!("12345")),
                400,
                "meeting_password: must be 6 to 50 characters",
            ),
            bad(
                "long password",
                h,
                with("meeting_password", json!("x".repeat(51))),
                400,
                "meeting_password: must be 6 to 50 characters",
            ),
            bad(
                "password type",
                h,
                with("meeting_password", json!(123_456)),
                400,
                "meeting_password: must be a string",
            ),
            bad(
                "flag type",
                h,
                with("waiting_room_enabled", json!("yes")),
                400,
                "waiting_room_enabled: must be true or false",
            ),
            bad("features type", h, with("features", json!([])), 400, "features: must be an object"),
            bad(
                "feature type",
                h,
                with("features", json!({ "chat_enabled": 1 })),
                400,
                "features.chat_enabled: must be true or false",
            ),
            bad("no days", h, with("recording_config", json!({ "retention_days": 0 })), 400, days),
            bad("too many days", h, with("recording_config", json!({ "retention_days": 366 })), 400, days),
            bad(
                "storage",
                h,
                with("recording_config", json!({ "storage_location": "moon" })),
                400,
                "recording_config.storage_location: must be one of local, cloud",
            ),
        ],
    )
    .await;
    assert_eq!(
        world.get(h, "/api/meeting").await.body["count"],
        0,
        "a refused creation leaves nothing behind"
    );
}

#[tokio::test]
async fn kcs_02_the_list_holds_made_and_invited_meetings_and_no_others() {
    let world = World::new().await;
    let mine = world.meeting(json!({})).await;
    let by_id = world.meeting(json!({ "participants": [world.user_id(Who::Student).await] })).await;
    let ids = |answer: &crate::world::Answer| -> Vec<String> {
        let list = answer.data().as_array().expect("a list").clone();
        assert_eq!(answer.body["count"], list.len());
        list.iter().map(|meeting| meeting["id"].as_str().expect("an id").to_owned()).collect()
    };
    assert_eq!(ids(&world.get(Who::Member, "/api/meeting").await), std::slice::from_ref(&mine));
    assert_eq!(ids(&world.get(Who::Student, "/api/meeting").await), std::slice::from_ref(&by_id));
    assert!(ids(&world.get(Who::Second, "/api/meeting").await).is_empty());
    assert!(ids(&world.get(Who::Outsider, "/api/meeting").await).is_empty());
    let mut all = ids(&world.get(Who::Host, "/api/meeting").await);
    all.sort();
    let mut expected = vec![mine, by_id];
    expected.sort();
    assert_eq!(all, expected);
}

#[tokio::test]
async fn kcs_02_an_address_invited_before_its_account_exists_finds_the_meeting() {
    let world = World::new().await;
    let id = world.meeting(json!({ "participants": ["Later@demo.test"] })).await;
    let person = json!({
        "name": "Later", "email": "later@demo.test", "password": "secret-1", "user_type": "staff", "campus_id": "default",
    });
    world.post(Who::Admin, "/api/admin/users", person).await.data();
    let token = world.log_in("later@demo.test", "secret-1").await.data()["token"]
        .as_str()
        .expect("a token")
        .to_owned();
    let list = world.call_as(Some(&token), Method::GET, "/api/meeting", Value::Null).await;
    assert_eq!(list.data()[0]["id"], id);
}

#[tokio::test]
async fn kcs_02_list_needs_a_token_and_a_campus() {
    let world = World::new().await;
    world.get(Who::Nobody, "/api/meeting").await.refused(401, "Authentication token missing");
    world.meeting(json!({ "participants": ["outsider@demo.test"] })).await;
    assert_eq!(world.get(Who::Outsider, "/api/meeting").await.body["count"], 0, "C-09: other campus");
}
