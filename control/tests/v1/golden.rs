//! Exact JSON of every answer of V1-01 to V1-09, and of refusals.

use http::Method;
use serde_json::{Value, json};

use crate::world::{Who, World};
use crate::{live_meeting, path};

#[track_caller]
fn golden(name: &str, body: Value) {
    crate::golden_file::golden("v1", name, body);
}

#[tokio::test]
async fn golden_v1_answers() {
    let world = World::new().await;
    let meeting = world.meeting(json!({ "waiting_room_enabled": true })).await;
    let at = |what: &str| path(&meeting, what);
    golden("started", world.post(Who::Host, &at("start"), Value::Null).await.body);
    golden("status", world.get(Who::Member, &at("status")).await.body);
    golden("joined", world.post(Who::Host, &at("join"), json!({ "device_type": "desktop" })).await.body);
    golden("waits", world.post(Who::Member, &at("join"), json!({})).await.body);
    golden("participants", world.get(Who::Host, &at("participants")).await.body);
    let admit = json!({
        "participant_user_id": world.user_id(Who::Member).await, "is_in_waiting_room": false,
    });
    golden("participant_status", world.put(Who::Host, &at("participants/status"), admit).await.body);
    let message = json!({ "content": "Hello everyone!" });
    golden("message_sent", world.post(Who::Host, &at("chat"), message).await.body);
    golden("history", world.get(Who::Member, &at("chat")).await.body);
    golden("left", world.post(Who::Member, &at("leave"), Value::Null).await.body);
    golden("ended", world.post(Who::Host, &at("end"), Value::Null).await.body);
    golden("refused_400", world.post(Who::Host, &at("join"), json!({ "join_muted": 1 })).await.body);
    golden("refused_401", world.get(Who::Nobody, &at("status")).await.body);
    golden("refused_403", world.get(Who::Outsider, &at("status")).await.body);
    golden("refused_404", world.get(Who::Host, &path("7", "status")).await.body);
    golden("refused_405", world.call(Who::Host, Method::DELETE, &at("status"), Value::Null).await.body);
    golden("refused_410", world.post(Who::Host, &at("start"), Value::Null).await.body);
}

#[tokio::test]
async fn golden_v1_token_and_rate_limit() {
    let world = World::with(&[
        ("LIVEKIT_URL", "wss://livekit.example.org"),
        ("LIVEKIT_API_KEY", "the-key"),
        ("LIVEKIT_API_SECRET", "the secret of that server"),
    ])
    .await;
    let meeting = live_meeting(&world, json!({})).await;
    let body = json!({ "user_id": world.user_id(Who::Host).await, "user_name": "Hanna Host" });
    golden("token", world.post(Who::Host, &path(&meeting, "token"), body).await.body);
    let mut last = Value::Null;
    for _ in 0..=100 {
        last = world.get(Who::Host, &path(&meeting, "status")).await.body;
    }
    golden("refused_429", last);
}
