//! Chat rooms through the front door: REST makes and changes, sockets hear.

use serde_json::{Value, json};

use crate::support::socket::Client;
use crate::support::{Raw, Setup, World, refused};

/// A room of `host@demo.test` with these other people; says its id.
pub async fn room(world: &World, others: &[&str]) -> String {
    let mut members = Vec::new();
    for who in others {
        members.push(world.user(who).await);
    }
    let token = world.token("host").await;
    let made = world.post("/api/chat/rooms", &token, json!({ "name": "Course", "members": members })).await;
    made["data"]["roomId"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned()
}

/// A room of somebody alone.
pub async fn room_of(world: &World, who: &str) -> String {
    let token = world.token(who).await;
    let made = world.post("/api/chat/rooms", &token, json!({ "name": "Alone", "members": [] })).await;
    made["data"]["roomId"].as_str().expect("an id").to_owned()
}

/// Somebody who listens to a room.
pub async fn listener(world: &World, who: &str, room: &str) -> Client {
    let client = world.connect(who).await;
    let joined = client.call("join-chat-rooms", json!({ "roomIds": [room] })).await;
    assert_eq!(joined["rooms"], json!([room]), "{joined}");
    client.expect("chat-rooms-joined").await;
    client
}

/// Says something in a room; the message as its sender sees it.
pub async fn say(world: &World, who: &str, room: &str, body: Value) -> Value {
    let token = world.token(who).await;
    let said = world.post(&format!("/api/chat/rooms/{room}/messages"), &token, body).await;
    assert_eq!(said["success"], true, "{said}");
    said["data"].clone()
}

pub fn id(message: &Value) -> String {
    message["messageId"].as_str().expect("an id").to_owned()
}

pub fn is_refused(answer: &Raw, status: u16, message: &str) {
    let body = answer.json();
    assert_eq!(
        (answer.status, body["message"].as_str(), &body["success"]),
        (status, Some(message), &json!(false))
    );
}

/// A request of somebody, for its status and words.
pub async fn call(world: &World, who: &str, method: &str, path: &str, body: Value) -> Raw {
    let headers = [("content-type", "application/json")];
    world.raw(method, path, &world.token(who).await, &headers, body.to_string().into_bytes()).await
}

#[tokio::test]
async fn add_02_add_03_kcs_ws_42_a_room_is_made_told_to_its_members_and_listed() {
    let world = World::start().await;
    let (member, stranger) = (world.connect("member").await, world.connect("second").await);
    let (host_id, member_id) = (world.user("host").await, world.user("member").await);
    let token = world.token("host").await;
    let body = json!({ "name": " Maths\u{7} ", "members": [member_id, host_id] });
    let made = call(&world, "host", "POST", "/api/chat/rooms", body).await;
    assert_eq!(made.status, 201);
    let made = made.json()["data"].clone();
    assert_eq!(
        (&made["name"], &made["owner"], &made["memberCount"]),
        (&json!("Maths"), &json!(host_id), &json!(2))
    );
    let told = member.expect("chat-notification").await;
    assert_eq!(told["type"], "new-chat");
    let data = json!({
        "roomId": made["roomId"], "name": "Maths", "createdBy": host_id, "createdByName": told["data"]["createdByName"],
        "members": [host_id, member_id],
    });
    assert_eq!(told["data"], data);

    let older = room(&world, &["member"]).await;
    let maths = made["roomId"].as_str().expect("an id");
    say(&world, "host", maths, json!({ "content": "first" })).await;
    say(&world, "member", maths, json!({ "content": "second" })).await;
    let listed = world.get("/api/chat/rooms", &token).await;
    assert_eq!(listed["count"], 2);
    assert_eq!((&listed["data"][0]["roomId"], &listed["data"][1]["roomId"]), (&json!(maths), &json!(older)));
    assert_eq!(listed["data"][0]["lastMessage"]["content"], "second");
    assert_eq!(listed["data"][0]["unreadCount"], 1, "one's own message is not unread");
    let page = world.get("/api/chat/rooms?limit=1&offset=1", &token).await;
    assert_eq!((page["data"][0]["roomId"].as_str(), page["count"].as_u64()), (Some(older.as_str()), Some(1)));
    assert_eq!(world.get("/api/chat/rooms", &world.token("second").await).await["data"], json!([]));
    assert!(stranger.heard_of("chat-notification").is_empty());
}

#[tokio::test]
async fn add_02_a_room_that_makes_no_sense_is_refused() {
    let world = World::start().await;
    let outsider = world.user("outsider").await;
    let unknown = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
    for (body, status, message) in [
        (json!({ "members": [] }), 400, "name is required"),
        (json!({ "name": " \u{0} ", "members": [] }), 400, "name is required"),
        (json!({ "name": "x" }), 400, "members is required"),
        (json!({ "name": "x".repeat(101), "members": [] }), 400, "name: must have at most 100 characters"),
        (json!({ "name": "x", "members": "all" }), 400, "members: must be an array"),
        (json!({ "name": "x", "members": [7] }), 400, "members: must be an array of strings"),
        (json!({ "name": "x", "members": [unknown] }), 400, "User not found"),
        (json!({ "name": "x", "members": [outsider] }), 400, "User not found"),
        (json!({ "name": "x", "members": vec![unknown; 501] }), 400, "members: a room has at most 500"),
    ] {
        is_refused(&call(&world, "host", "POST", "/api/chat/rooms", body).await, status, message);
    }
}

#[tokio::test]
async fn kcs_ws_24_kcs_ws_30_chat_03_rooms_without_access_are_left_out() {
    let world = World::start().await;
    let (own, foreign) = (room(&world, &["member"]).await, room(&world, &[]).await);
    let meeting = world.meeting(json!({})).await;
    let member = world.connect("member").await;
    let unknown = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
    let ids = json!([own, foreign, unknown, "", "x".repeat(1000), meeting, own.to_lowercase()]);
    let ack = member.call("join-chat-rooms", json!({ "roomIds": ids })).await;
    assert_eq!((&ack["success"], &ack["rooms"]), (&json!(true), &json!([own, meeting])));
    let told = member.expect("chat-rooms-joined").await;
    assert_eq!(told, json!({ "success": true, "rooms": [own, meeting], "message": "Joined 2 chat rooms" }));

    for who in ["second", "outsider"] {
        let stranger = world.connect(who).await;
        stranger.call("join-chat-rooms", json!({ "roomIds": [own, foreign, meeting] })).await;
        let told = stranger.expect("chat-rooms-joined").await;
        assert_eq!(told, json!({ "success": false, "rooms": [], "message": "No chat room joined" }), "{who}");
    }
    assert!(refused(&member.call("join-chat-rooms", json!({})).await, "roomIds is required"));
    let wrong = member.call("join-chat-rooms", json!({ "roomIds": [1] })).await;
    assert!(refused(&wrong, "roomIds: must be an array of strings"));
}

#[tokio::test]
async fn add_04_rt_17_kcs_ws_32_kcs_ws_40_a_message_made_by_rest_is_heard_and_its_delivery_told() {
    let world = World::start().await;
    let room = room(&world, &["member", "second"]).await;
    let host = listener(&world, "host", &room).await;
    let member = listener(&world, "member", &room).await;
    let (elsewhere, stranger) = (world.connect("second").await, world.connect("student").await);
    let said = say(&world, "host", &room, json!({ "content": "Hello <b>you</b>\u{1}\n" })).await;
    let heard = member.expect("new-chat-message").await;
    assert_eq!(heard["type"], "new-message");
    assert_eq!(heard["data"]["content"], "Hello <b>you</b>\n");
    assert_eq!(heard["data"]["userId"], json!(world.user("host").await));
    for key in ["messageId", "roomId", "userName", "timestamp", "attachments"] {
        assert_eq!(heard["data"][key], said[key], "{key}");
    }
    assert!(heard["timestamp"].is_string());
    host.expect("new-chat-message").await;
    let delivered = host.expect("chat-message-delivered").await;
    assert_eq!(delivered["type"], "message-delivered");
    assert_eq!(
        (&delivered["data"]["messageId"], &delivered["data"]["deliveredTo"]),
        (&said["messageId"], &json!(world.user("member").await))
    );

    let receipts =
        world.get(&format!("/api/chat/messages/{}/receipts", id(&said)), &world.token("host").await).await;
    assert_eq!(receipts["count"], 1, "who did not listen was not reached: {receipts}");
    assert!(receipts["data"][0]["deliveredAt"].is_string() && receipts["data"][0]["seenAt"].is_null());
    // A second message is a fence: whoever was to hear the first has heard it by now.
    say(&world, "member", &room, json!({ "content": "fence" })).await;
    host.expect_where("new-chat-message", |heard| heard["data"]["content"] == "fence").await;
    assert!(elsewhere.heard_of("new-chat-message").is_empty() && stranger.heard().is_empty());
}

#[tokio::test]
async fn add_04_messages_out_of_bounds_and_out_of_reach_are_refused() {
    let world = World::start().await;
    let room = room(&world, &["member"]).await;
    let path = format!("/api/chat/rooms/{room}/messages");
    let unknown = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
    for (body, status, message) in [
        (json!({}), 400, "content is required"),
        (json!({ "content": " \u{0}" }), 400, "content is required"),
        (json!({ "content": 7 }), 400, "content: must be a string"),
        (json!({ "content": "x".repeat(4001) }), 400, "content: must have at most 4000 characters"),
        (json!({ "content": "x", "attachments": [7] }), 400, "attachments: must be ids of uploads"),
        (json!({ "content": "x", "attachments": [unknown] }), 404, "Attachment not found"),
        (json!({ "content": "x", "attachments": vec!["x"; 11] }), 400, "attachments: at most 10"),
        (json!({ "content": "x", "mentions": vec!["x"; 51] }), 400, "mentions: at most 50"),
    ] {
        is_refused(&call(&world, "member", "POST", &path, body).await, status, message);
    }
    assert_eq!(
        call(&world, "member", "POST", &path, json!({ "content": "é".repeat(4000) })).await.status,
        201
    );
    for who in ["second", "outsider", "admin"] {
        let answer = call(&world, who, "POST", &path, json!({ "content": "x" })).await;
        is_refused(&answer, 404, "Chat room not found");
    }
}

#[tokio::test]
async fn add_05_history_comes_in_pages_oldest_first() {
    let world = World::start().await;
    let room = room(&world, &["member"]).await;
    let mut ids = Vec::new();
    for n in 0..5 {
        ids.push(id(&say(&world, "host", &room, json!({ "content": n.to_string() })).await));
    }
    let token = world.token("member").await;
    let page = |query: String| {
        let (world, token, path) = (&world, &token, format!("/api/chat/rooms/{room}/messages{query}"));
        async move {
            let page = world.get(&path, token).await;
            let texts = page["data"].as_array().expect("a list").iter();
            texts.map(|line| line["content"].as_str().expect("a text").to_owned()).collect::<Vec<_>>()
        }
    };
    assert_eq!(page(String::new()).await, ["0", "1", "2", "3", "4"]);
    assert_eq!(page("?limit=2".into()).await, ["3", "4"]);
    assert_eq!(page(format!("?limit=2&before={}", ids[3])).await, ["1", "2"]);
    assert_eq!(page(format!("?before={}", ids[0])).await, Vec::<String>::new());
    let other = super::chat::room(&world, &["member"]).await;
    let path = format!("/api/chat/rooms/{other}/messages?before={}", ids[0]);
    is_refused(&call(&world, "member", "GET", &path, Value::Null).await, 404, "Message not found");
    let path = format!("/api/chat/rooms/{room}/messages?limit=x");
    is_refused(
        &call(&world, "member", "GET", &path, Value::Null).await,
        400,
        "limit: must be a whole number between 1 and 500",
    );
}

#[tokio::test]
async fn kcs_ws_25_kcs_ws_31_whoever_left_a_room_hears_it_no_more() {
    let world = World::start().await;
    let room = room(&world, &["member"]).await;
    let (host, member) = (listener(&world, "host", &room).await, listener(&world, "member", &room).await);
    member.call("leave-chat-room", json!({ "roomId": room })).await;
    assert_eq!(member.expect("chat-room-left").await, json!({ "success": true, "roomId": room }));
    say(&world, "host", &room, json!({ "content": "Hello" })).await;
    host.expect("new-chat-message").await;
    member.call("get-room-online-users", json!({ "roomId": room })).await;
    assert!(member.heard_of("new-chat-message").is_empty());
    assert!(refused(&member.call("leave-chat-room", json!({})).await, "roomId is required"));
}

#[tokio::test]
async fn rate_05_c_63_a_sender_has_thirty_messages_a_minute_in_each_room() {
    let world = World::with(Setup { rate_limits: true, ..Setup::default() }).await;
    let (room, other) = (room(&world, &["member"]).await, room(&world, &["member"]).await);
    let path = format!("/api/chat/rooms/{room}/messages");
    for _ in 0..30 {
        assert_eq!(call(&world, "host", "POST", &path, json!({ "content": "x" })).await.status, 201);
    }
    let over = call(&world, "host", "POST", &path, json!({ "content": "x" })).await;
    is_refused(&over, 429, "Rate limit exceeded");
    assert!(over.header("retry-after").parse::<u64>().is_ok_and(|seconds| seconds >= 1));
    assert_eq!(call(&world, "member", "POST", &path, json!({ "content": "x" })).await.status, 201);
    let elsewhere = format!("/api/chat/rooms/{other}/messages");
    assert_eq!(call(&world, "host", "POST", &elsewhere, json!({ "content": "x" })).await.status, 201);
}

#[tokio::test]
async fn add_13_people_come_and_go_and_whoever_is_out_hears_and_finds_nothing() {
    let world = World::start().await;
    let room = room(&world, &["member"]).await;
    let path = format!("/api/chat/rooms/{room}");
    let (host, member) = (listener(&world, "host", &room).await, listener(&world, "member", &room).await);
    let second = world.connect("second").await;
    let (member_id, second_id) = (world.user("member").await, world.user("second").await);
    let add = json!({ "members": [second_id] });
    is_refused(
        &call(&world, "member", "POST", &format!("{path}/members"), add.clone()).await,
        403,
        "Access denied",
    );
    let outsider = json!({ "members": [world.user("outsider").await] });
    is_refused(
        &call(&world, "host", "POST", &format!("{path}/members"), outsider).await,
        404,
        "User not found",
    );
    let added = call(&world, "host", "POST", &format!("{path}/members"), add).await;
    assert_eq!((added.status, &added.json()["data"]["memberCount"]), (201, &json!(3)));
    assert_eq!(second.expect("chat-notification").await["type"], "new-chat");
    let joined = member.expect_where("chat-notification", |told| told["type"] == "user-joined").await;
    assert_eq!(joined["data"]["userId"], json!(second_id));

    is_refused(
        &call(&world, "member", "DELETE", &format!("{path}/members/{second_id}"), Value::Null).await,
        403,
        "Access denied",
    );
    assert_eq!(
        call(&world, "host", "DELETE", &format!("{path}/members/{member_id}"), Value::Null).await.status,
        200
    );
    let left = member.expect_where("chat-notification", |told| told["type"] == "user-left").await;
    assert_eq!(left["data"]["removedBy"], json!(world.user("host").await));
    say(&world, "host", &room, json!({ "content": "without you" })).await;
    host.expect("new-chat-message").await;
    let join = member.call("join-chat-rooms", json!({ "roomIds": [room] })).await;
    assert_eq!(join["rooms"], json!([]));
    assert!(member.heard_of("new-chat-message").is_empty());
    for request in [path.clone(), format!("{path}/messages")] {
        is_refused(&call(&world, "member", "GET", &request, Value::Null).await, 404, "Chat room not found");
    }

    let renamed = call(&world, "host", "PUT", &path, json!({ "name": "Other" })).await.json();
    assert_eq!(renamed["data"]["name"], "Other");
    let told = second.expect_where("chat-notification", |told| told["type"] == "room-update").await;
    assert_eq!((&told["data"]["change"], &told["data"]["name"]), (&json!("renamed"), &json!("Other")));
    let host_id = world.user("host").await;
    assert_eq!(
        call(&world, "host", "DELETE", &format!("{path}/members/{host_id}"), Value::Null).await.status,
        200
    );
    let told = second.expect_where("chat-notification", |told| told["type"] == "room-update").await;
    assert_eq!((&told["data"]["change"], &told["data"]["owner"]), (&json!("owner"), &json!(second_id)));
    assert_eq!(call(&world, "second", "DELETE", &path, Value::Null).await.status, 200);
    is_refused(&call(&world, "second", "GET", &path, Value::Null).await, 404, "Chat room not found");
}

#[tokio::test]
async fn c_09_c_53_for_strangers_and_other_campuses_there_is_nothing_at_any_route_or_event() {
    let world = World::start().await;
    let room = room(&world, &["member"]).await;
    let said = id(&say(&world, "host", &room, json!({ "content": "secret" })).await);
    let member_id = world.user("member").await;
    let (rooms, message) = (format!("/api/chat/rooms/{room}"), format!("/api/chat/messages/{said}"));
    let people = json!({ "members": [member_id] });
    let routes = [
        ("GET", rooms.clone(), Value::Null, "Chat room not found"),
        ("PUT", rooms.clone(), json!({ "name": "x" }), "Chat room not found"),
        ("DELETE", rooms.clone(), Value::Null, "Chat room not found"),
        ("POST", format!("{rooms}/members"), people, "Chat room not found"),
        ("DELETE", format!("{rooms}/members/{member_id}"), Value::Null, "Chat room not found"),
        ("GET", format!("{rooms}/messages"), Value::Null, "Chat room not found"),
        ("POST", format!("{rooms}/messages"), json!({ "content": "x" }), "Chat room not found"),
        ("PUT", message.clone(), json!({ "content": "x" }), "Message not found"),
        ("DELETE", message.clone(), Value::Null, "Message not found"),
        ("POST", format!("{message}/reactions"), json!({ "emoji": "👍" }), "Message not found"),
        ("GET", format!("{message}/receipts"), Value::Null, "Message not found"),
    ];
    for who in ["second", "outsider", "admin"] {
        for (method, path, body, words) in &routes {
            is_refused(&call(&world, who, method, path, body.clone()).await, 404, words);
        }
        let socket = world.connect(who).await;
        assert_eq!(socket.call("join-chat-rooms", json!({ "roomIds": [room] })).await["rooms"], json!([]));
        for (event, body) in [
            ("get-room-online-users", json!({ "roomId": room })),
            ("mark-messages-seen", json!({ "roomId": room, "messageIds": [said] })),
        ] {
            assert!(refused(&socket.call(event, body).await, "Chat room not found"), "{who} {event}");
        }
        let typing = socket.call("chat-typing", json!({ "roomId": room, "isTyping": true })).await;
        assert!(refused(&typing, "Access denied"), "{who}");
    }
    let lines = world.get(&format!("{rooms}/messages"), &world.token("member").await).await;
    assert_eq!(
        (&lines["data"][0]["content"], &lines["data"][0]["reactions"]),
        (&json!("secret"), &json!([]))
    );
    let nobody = world.raw("GET", &rooms, "", &[], Vec::new()).await;
    assert_eq!(nobody.status, 401);
}
