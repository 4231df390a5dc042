//! Chat rooms through the front door: REST makes and changes, sockets hear.

use serde_json::{Value, json};

use super::support::socket::Client;
use super::support::{Raw, Setup, World, refused};

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

fn id(message: &Value) -> String {
    message["messageId"].as_str().expect("an id").to_owned()
}

fn is_refused(answer: &Raw, status: u16, message: &str) {
    let body = answer.json();
    assert_eq!(
        (answer.status, body["message"].as_str(), &body["success"]),
        (status, Some(message), &json!(false))
    );
}

/// A request of somebody, for its status and words.
async fn call(world: &World, who: &str, method: &str, path: &str, body: Value) -> Raw {
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
async fn kcs_ws_26_kcs_ws_33_rt_11_typing_is_told_to_the_others_and_ends_by_itself() {
    let world = World::start().await;
    let room = room(&world, &["member"]).await;
    let (host, member) = (listener(&world, "host", &room).await, listener(&world, "member", &room).await);
    let ack = member.call("chat-typing", json!({ "roomId": room, "isTyping": true })).await;
    assert_eq!(ack["success"], true, "{ack}");
    let told = host.expect("chat-user-typing").await;
    assert_eq!((&told["roomId"], &told["isTyping"]), (&json!(room), &json!(true)));
    assert_eq!(told["userId"], json!(world.user("member").await));
    assert!(told["userName"].as_str().is_some_and(|name| !name.is_empty()) && told["timestamp"].is_string());
    member.call("chat-typing", json!({ "roomId": room, "isTyping": true })).await;
    let told = host.expect("chat-user-typing").await;
    assert_eq!(told["isTyping"], false, "the end is the next that is told, and nobody took it back");

    member.call("chat-typing", json!({ "roomId": room, "isTyping": true })).await;
    host.expect("chat-user-typing").await;
    say(&world, "member", &room, json!({ "content": "typed" })).await;
    assert_eq!(host.expect("chat-user-typing").await["isTyping"], false, "sending ends it");
    member.call("chat-typing", json!({ "roomId": room, "isTyping": true })).await;
    host.expect("chat-user-typing").await;
    drop(member);
    assert_eq!(host.expect("chat-user-typing").await["isTyping"], false, "going ends it");
    assert!(host.heard_of("chat-user-typing").is_empty());

    let deaf = world.connect("member").await;
    let not_listening = deaf.call("chat-typing", json!({ "roomId": room, "isTyping": true })).await;
    assert!(refused(&not_listening, "Access denied"));
    assert!(refused(&deaf.call("chat-typing", json!({ "roomId": room })).await, "isTyping is required"));
}

#[tokio::test]
async fn c_54_typing_that_is_refused_ends_for_those_who_were_told_of_it() {
    let world = World::with(Setup { rate_limits: true, ..Setup::default() }).await;
    let room = room(&world, &["member"]).await;
    let (host, member) = (listener(&world, "host", &room).await, listener(&world, "member", &room).await);
    let alone = room_of(&world, "member").await;
    member.call("join-chat-rooms", json!({ "roomIds": [alone] })).await;
    let types =
        |room: &str, typing: bool| member.call("chat-typing", json!({ "roomId": room, "isTyping": typing }));
    // Uses up what one may tell in a minute, but for one.
    for _ in 1..120 {
        types(&alone, true).await;
        types(&alone, false).await;
    }
    types(&room, true).await;
    assert_eq!(host.expect("chat-user-typing").await["isTyping"], true);
    let refusal = loop {
        let ack = types(&room, true).await;
        if ack["success"] != true {
            break ack;
        }
        tokio::task::yield_now().await;
    };
    assert!(refused(&refusal, "Rate limit exceeded"), "{refusal}");
    assert_eq!(host.expect("chat-user-typing").await["isTyping"], false);
}

#[tokio::test]
async fn kcs_ws_27_kcs_ws_34_kcs_ws_35_kcs_ws_36_add_14_seeing_is_kept_with_time_and_told_once() {
    let world = World::start().await;
    let room = room(&world, &["member"]).await;
    let (host, member) = (listener(&world, "host", &room).await, listener(&world, "member", &room).await);
    let first = id(&say(&world, "host", &room, json!({ "content": "first" })).await);
    let own = id(&say(&world, "member", &room, json!({ "content": "own" })).await);
    let foreign_room = super::chat::room(&world, &[]).await;
    let foreign = id(&say(&world, "host", &foreign_room, json!({ "content": "elsewhere" })).await);
    let marked = json!({ "roomId": room, "messageIds": [first, own, foreign, "nonsense"] });
    member.call("mark-messages-seen", marked.clone()).await;
    let acknowledged = member.expect("messages-seen-acknowledged").await;
    assert_eq!(acknowledged, json!({ "success": true, "roomId": room, "messageIds": [first] }));
    let (host_id, member_id) = (world.user("host").await, world.user("member").await);
    let told = host.expect("messages-seen").await;
    assert_eq!((&told["userId"], &told["messageIds"]), (&json!(member_id), &json!([first])));
    let told = host.expect("chat-message-seen").await;
    assert_eq!(told["type"], "message-seen");
    assert_eq!((&told["data"]["messageId"], &told["data"]["seenBy"]), (&json!(first), &json!(member_id)));

    let path = format!("/api/chat/messages/{first}/receipts");
    let receipts = world.get(&path, &world.token("host").await).await["data"].clone();
    let seen_at = receipts[0]["seenAt"].clone();
    assert!(seen_at.is_string() && receipts[0]["userId"] == json!(member_id), "{receipts}");
    member.call("mark-messages-seen", marked).await;
    member.expect("messages-seen-acknowledged").await;
    host.call("mark-messages-seen", json!({ "roomId": room, "messageIds": [own] })).await;
    let next = host.expect("messages-seen").await;
    assert_eq!(next["userId"], json!(host_id), "what was seen before is not told again");
    assert_eq!(world.get(&path, &world.token("host").await).await["data"][0]["seenAt"], seen_at);
    let listed = world.get("/api/chat/rooms", &world.token("member").await).await;
    let listed = listed["data"].as_array().expect("rooms");
    assert_eq!(listed.iter().find(|one| one["roomId"] == json!(room)).expect("the room")["unreadCount"], 0);
    let line = world.get(&format!("/api/chat/rooms/{room}/messages"), &world.token("member").await).await;
    assert_eq!((&line["data"][0]["seenCount"], &line["data"][0]["seen"]), (&json!(1), &json!(true)));

    let too_many = json!({ "roomId": room, "messageIds": vec![first; 101] });
    assert!(refused(&member.call("mark-messages-seen", too_many).await, "messageIds: at most 100"));
    let stranger = world.connect("second").await;
    let strange = stranger.call("mark-messages-seen", json!({ "roomId": room, "messageIds": [] })).await;
    assert!(refused(&strange, "Chat room not found"));
}

#[tokio::test]
async fn kcs_ws_28_kcs_ws_41_chat_05_a_mood_reaches_every_room_one_is_in_and_nobody_else() {
    let world = World::start().await;
    let room = room(&world, &["member"]).await;
    let host = listener(&world, "host", &room).await;
    let other = listener(&world, "second", &super::chat::room_of(&world, "second").await).await;
    let member_id = world.user("member").await;
    // Not listening to anything: being a member is enough to be seen.
    let member = world.connect("member").await;
    let told = host.expect("chat-user-status-changed").await;
    assert_eq!((&told["userId"], &told["status"]), (&json!(member_id), &json!("online")));
    for status in ["busy", "away", "online"] {
        let ack = member.call("update-chat-status", json!({ "status": status })).await;
        assert_eq!((&ack["success"], &ack["status"]), (&json!(true), &json!(status)));
        assert_eq!(host.expect("chat-user-status-changed").await["status"], status);
    }
    for (body, message) in [
        (json!({}), "status is required"),
        (json!({ "status": "offline" }), "status: must be one of online, away, busy"),
    ] {
        assert!(refused(&member.call("update-chat-status", body).await, message));
    }
    let second_device = world.connect("member").await;
    drop(member);
    second_device.call("update-chat-status", json!({ "status": "away" })).await;
    assert_eq!(host.expect("chat-user-status-changed").await["status"], "away", "one device is left");
    drop(second_device);
    assert_eq!(host.expect("chat-user-status-changed").await["status"], "offline");
    let heard = other.heard_of("chat-user-status-changed");
    assert!(heard.iter().all(|told| told["userId"] != json!(member_id)), "{heard:?}");
}

/// A room of somebody alone.
async fn room_of(world: &World, who: &str) -> String {
    let token = world.token(who).await;
    let made = world.post("/api/chat/rooms", &token, json!({ "name": "Alone", "members": [] })).await;
    made["data"]["roomId"].as_str().expect("an id").to_owned()
}

#[tokio::test]
async fn kcs_ws_29_kcs_ws_43_members_who_are_there_are_listed_with_their_mood() {
    let world = World::start().await;
    let room = room(&world, &["member", "second"]).await;
    let host = listener(&world, "host", &room).await;
    let member = world.connect("member").await;
    let _stranger = world.connect("student").await;
    member.call("update-chat-status", json!({ "status": "busy" })).await;
    let ack = host.call("get-room-online-users", json!({ "roomId": room })).await;
    let told = host.expect("room-online-users").await;
    assert_eq!((&told["users"], &told["count"], &told["roomId"]), (&ack["users"], &json!(2), &json!(room)));
    let users = told["users"].as_array().expect("a list");
    let of = |id: &str| users.iter().find(|user| user["userId"] == json!(id)).expect("is there");
    assert_eq!(of(&world.user("member").await)["status"], "busy");
    let own = of(&world.user("host").await);
    assert!(own["status"] == "online" && own["lastSeen"].is_string() && own["userName"].is_string());
    let strange =
        world.connect("outsider").await.call("get-room-online-users", json!({ "roomId": room })).await;
    assert!(refused(&strange, "Chat room not found"));
}

#[tokio::test]
async fn add_06_kcs_ws_38_an_edit_is_kept_told_and_only_ones_own() {
    let world = World::start().await;
    let room = room(&world, &["member"]).await;
    let member = listener(&world, "member", &room).await;
    let said = id(&say(&world, "host", &room, json!({ "content": "befor" })).await);
    let path = format!("/api/chat/messages/{said}");
    let edited = call(&world, "host", "PUT", &path, json!({ "content": "before" })).await.json();
    assert_eq!(
        (&edited["data"]["content"], edited["data"]["editedAt"].is_string()),
        (&json!("before"), true)
    );
    let told = member.expect("chat-message-edited").await;
    assert_eq!((&told["type"], &told["data"]["newContent"]), (&json!("message-edited"), &json!("before")));
    assert_eq!(told["data"]["editedBy"], json!(world.user("host").await));
    is_refused(&call(&world, "member", "PUT", &path, json!({ "content": "x" })).await, 403, "Access denied");
    is_refused(
        &call(&world, "second", "PUT", &path, json!({ "content": "x" })).await,
        404,
        "Message not found",
    );
    is_refused(
        &call(&world, "host", "PUT", &path, json!({ "content": "" })).await,
        400,
        "content is required",
    );
    let unknown = call(&world, "host", "PUT", "/api/chat/messages/7", json!({ "content": "x" })).await;
    is_refused(&unknown, 404, "Message not found");
}

#[tokio::test]
async fn add_06_of_edits_at_once_everybody_hears_the_one_that_holds_last() {
    let world = World::start().await;
    let room = room(&world, &["member"]).await;
    let member = listener(&world, "member", &room).await;
    let said = id(&say(&world, "host", &room, json!({ "content": "0" })).await);
    let path = format!("/api/chat/messages/{said}");
    let edits = (1..=20).map(|n| call(&world, "host", "PUT", &path, json!({ "content": n.to_string() })));
    let answers = futures_util::future::join_all(edits).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    let mut last = Value::Null;
    for _ in 0..20 {
        last = member.expect("chat-message-edited").await["data"]["newContent"].clone();
    }
    let kept = world.get(&format!("/api/chat/rooms/{room}/messages"), &world.token("member").await).await;
    assert_eq!(kept["data"][0]["content"], last);
}

#[tokio::test]
async fn add_07_kcs_ws_37_a_deleted_message_keeps_its_place_and_loses_what_it_said() {
    let world = World::start().await;
    let room = room(&world, &["member", "second"]).await;
    let member = listener(&world, "member", &room).await;
    let of_host = id(&say(&world, "host", &room, json!({ "content": "mine" })).await);
    let of_member = id(&say(&world, "member", &room, json!({ "content": "yours" })).await);
    let path = |id: &str| format!("/api/chat/messages/{id}");
    is_refused(&call(&world, "second", "DELETE", &path(&of_host), Value::Null).await, 403, "Access denied");
    is_refused(
        &call(&world, "outsider", "DELETE", &path(&of_host), Value::Null).await,
        404,
        "Message not found",
    );
    for deleted in [&of_host, &of_member] {
        assert_eq!(
            call(&world, "host", "DELETE", &path(deleted), Value::Null).await.status,
            200,
            "the owner may"
        );
        let told = member.expect("chat-message-deleted").await;
        assert_eq!((&told["type"], &told["data"]["messageId"]), (&json!("message-deleted"), &json!(deleted)));
        assert_eq!(told["data"]["deletedBy"], json!(world.user("host").await));
    }
    is_refused(&call(&world, "host", "DELETE", &path(&of_host), Value::Null).await, 404, "Message not found");
    is_refused(
        &call(&world, "host", "PUT", &path(&of_host), json!({ "content": "x" })).await,
        404,
        "Message not found",
    );
    let kept = world.get(&format!("/api/chat/rooms/{room}/messages"), &world.token("second").await).await;
    assert_eq!(kept["count"], 2);
    assert_eq!((&kept["data"][0]["content"], &kept["data"][0]["isDeleted"]), (&json!(""), &json!(true)));
}

#[tokio::test]
async fn add_08_kcs_ws_39_rate_06_reactions_toggle_and_only_changes_are_told() {
    let world = World::with(Setup { rate_limits: true, ..Setup::default() }).await;
    let room = room(&world, &["member"]).await;
    let host = listener(&world, "host", &room).await;
    let said = id(&say(&world, "host", &room, json!({ "content": "Hello" })).await);
    let path = format!("/api/chat/messages/{said}/reactions");
    let member_id = world.user("member").await;
    for (body, action, count) in [
        (json!({ "emoji": "👍" }), "add", 1),
        (json!({ "emoji": "👍", "action": "add" }), "add", 1),
        (json!({ "emoji": "👍" }), "remove", 0),
        (json!({ "emoji": "👍", "action": "remove" }), "remove", 0),
        (json!({ "emoji": "❤️", "action": "add" }), "add", 1),
    ] {
        let done = call(&world, "member", "POST", &path, body).await.json()["data"].clone();
        assert_eq!(
            (&done["action"], done["reactions"].as_array().map(Vec::len)),
            (&json!(action), Some(count))
        );
    }
    for (emoji, action) in [("👍", "add"), ("👍", "remove"), ("❤️", "add")] {
        let told = host.expect("chat-message-reaction").await;
        assert_eq!((&told["type"], &told["data"]["userId"]), (&json!("message-reaction"), &json!(member_id)));
        assert_eq!((&told["data"]["emoji"], &told["data"]["action"]), (&json!(emoji), &json!(action)));
    }
    let line = world.get(&format!("/api/chat/rooms/{room}/messages"), &world.token("host").await).await;
    assert_eq!(line["data"][0]["reactions"], json!([{ "emoji": "❤️", "count": 1, "users": [member_id] }]));
    for (body, message) in [
        (json!({}), "emoji is required"),
        (json!({ "emoji": "<script>" }), "emoji: must be an emoji"),
        (json!({ "emoji": "x".repeat(33) }), "emoji: must have at most 32 bytes"),
        (json!({ "emoji": "👍", "action": "swap" }), "action: must be one of add, remove"),
    ] {
        is_refused(&call(&world, "member", "POST", &path, body).await, 400, message);
    }
    is_refused(
        &call(&world, "second", "POST", &path, json!({ "emoji": "👍" })).await,
        404,
        "Message not found",
    );
    let mut last = 0;
    for _ in 0..60 {
        last = call(&world, "member", "POST", &path, json!({ "emoji": "👍" })).await.status;
    }
    assert_eq!(last, 429);
}

#[tokio::test]
async fn c_51_a_message_takes_so_many_different_reactions() {
    let world = World::start().await;
    let room = room(&world, &[]).await;
    let said = id(&say(&world, "host", &room, json!({ "content": "Hello" })).await);
    let path = format!("/api/chat/messages/{said}/reactions");
    for n in 0..20 {
        assert_eq!(
            call(&world, "host", "POST", &path, json!({ "emoji": format!("e{n}") })).await.status,
            200
        );
    }
    let one_more = call(&world, "host", "POST", &path, json!({ "emoji": "more" })).await;
    is_refused(&one_more, 400, "emoji: a message has at most 20 different ones");
}

#[tokio::test]
async fn kcs_ws_42_a_mention_is_told_to_those_who_can_read_it_wherever_they_are() {
    let world = World::start().await;
    let room = room(&world, &["member"]).await;
    let (member, second) = (world.connect("member").await, world.connect("second").await);
    let ids =
        [world.user("member").await, world.user("second").await, world.user("host").await, "x".to_owned()];
    let said = say(&world, "host", &room, json!({ "content": "you", "mentions": ids })).await;
    assert_eq!(said["mentions"], json!([ids[0]]), "who cannot read it is left out");
    let told = member.expect_where("chat-notification", |told| told["type"] == "mention").await;
    assert_eq!((&told["data"]["messageId"], &told["data"]["roomId"]), (&said["messageId"], &json!(room)));
    assert_eq!((&told["data"]["content"], &told["data"]["roomName"]), (&json!("you"), &json!("Course")));
    second.call("update-chat-status", json!({ "status": "away" })).await;
    assert!(second.heard_of("chat-notification").is_empty());
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
