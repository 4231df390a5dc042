//! Exact JSON of the main answers.

use http::Method;
use serde_json::{Value, json};

use crate::world::{Who, World};

#[track_caller]
fn golden(name: &str, body: Value) {
    crate::golden_file::golden("kcs", name, body);
}

#[tokio::test]
async fn golden_kcs_answers() {
    let world = World::new().await;
    golden("login", world.log_in("host@demo.test", crate::world::PASSWORD).await.body);
    golden("profile", world.get(Who::Student, "/api/auth/profile").await.body);
    let created = world.post(Who::Host, "/api/meeting", crate::world::meeting_body(json!({}))).await;
    let id = created.data()["id"].as_str().expect("an id").to_owned();
    let path = format!("/api/meeting/{id}");
    golden("meeting_created", created.body);
    golden("meeting_list", world.get(Who::Member, "/api/meeting").await.body);
    golden("meeting_details", world.get(Who::Member, &path).await.body);
    golden("meeting_updated", world.put(Who::Host, &path, json!({ "meeting_name": "Renamed" })).await.body);
    golden("join_check", world.post(Who::Member, &format!("{path}/join"), Value::Null).await.body);
    golden("roster", world.get(Who::Member, &format!("{path}/participants")).await.body);
    golden("chat_empty", world.get(Who::Member, &format!("{path}/chat")).await.body);
    world.post(Who::Host, &format!("{path}/start"), Value::Null).await.data();
    golden("meeting_ended", world.post(Who::Host, &format!("{path}/end"), Value::Null).await.body);
    chat_answers(&world).await;
    golden("refused_404", world.get(Who::Host, "/api/meeting/7").await.body);
    golden("refused_405", world.call(Who::Host, Method::PATCH, "/api/meeting", Value::Null).await.body);
}

/// A room, a message with everything that can be on it, and what became of it (ADD-02 to ADD-08, ADD-14).
async fn chat_answers(world: &World) {
    let member = world.user_id(Who::Member).await;
    let body = json!({ "name": "Maths 7b", "members": [member] });
    let made = world.post(Who::Host, "/api/chat/rooms", body).await;
    let room = format!("/api/chat/rooms/{}", made.data()["roomId"].as_str().expect("an id"));
    golden("chat_room_created", made.body);
    let body = json!({ "content": "Welcome!", "mentions": [member] });
    let sent = world.post(Who::Host, &format!("{room}/messages"), body).await;
    let message = format!("/api/chat/messages/{}", sent.data()["messageId"].as_str().expect("an id"));
    golden("chat_message_sent", sent.body);
    let emoji = json!({ "emoji": "👍" });
    golden("chat_reaction", world.post(Who::Member, &format!("{message}/reactions"), emoji).await.body);
    let text = json!({ "content": "Welcome, all of you!" });
    golden("chat_message_edited", world.put(Who::Host, &message, text).await.body);
    golden("chat_history", world.get(Who::Member, &format!("{room}/messages")).await.body);
    golden("chat_receipts", world.get(Who::Host, &format!("{message}/receipts")).await.body);
    golden("chat_rooms", world.get(Who::Member, "/api/chat/rooms").await.body);
    golden("chat_message_deleted", world.delete(Who::Host, &message).await.body);
}
