//! The v1 dialect through its real front door: router, services and a database migrated from empty; and, where people
//! hear each other, a control plane on a port of its own.
#![allow(clippy::panic, clippy::unwrap_used, reason = "the helpers of a test fail by panicking")]

mod breakouts;
mod chat;
#[path = "../rest/described.rs"]
mod described;
mod golden;
#[path = "../support/golden.rs"]
mod golden_file;
mod limits;
mod matrix;
mod policy;
mod rest;
#[path = "../rest/schema.rs"]
mod schema;
mod socket;
mod story;
#[path = "../support/mod.rs"]
mod support;
mod token;
mod words;
#[path = "../rest/world.rs"]
#[allow(dead_code, reason = "what the tests of the other dialect need")]
mod world;

use support::postgres;

use http::Method;
use serde_json::{Value, json};
use world::{Answer, Who, World};

/// The path of something of a meeting's.
pub fn path(meeting: &str, what: &str) -> String {
    format!("/api/v1/meetings/{meeting}/{what}")
}

/// What v1 answers look like.
pub trait V1 {
    /// The `data` of a success with this message, in the envelope and without a key too many.
    fn said(&self, message: &str) -> &Value;

    /// Fails the test unless this is exactly this refusal, with these details.
    fn denied_with(&self, status: u16, code: &str, message: &str, details: &Value);

    /// The same without details.
    fn denied(&self, status: u16, code: &str, message: &str) {
        self.denied_with(status, code, message, &json!({}));
    }

    /// A field of the request that makes no sense.
    fn invalid(&self, field: &str, reason: &str) {
        self.denied_with(400, "VALIDATION_ERROR", "Validation failed", &json!({ field: reason }));
    }
}

impl V1 for Answer {
    #[track_caller]
    fn said(&self, message: &str) -> &Value {
        let told = (self.status.as_u16(), &self.body["status"], &self.body["message"]);
        assert_eq!(told, (200, &json!("success"), &json!(message)), "{}", self.body);
        assert_eq!(keys(&self.body), ["data", "message", "status", "timestamp"]);
        &self.body["data"]
    }

    #[track_caller]
    fn denied_with(&self, status: u16, code: &str, message: &str, details: &Value) {
        let expected = json!({
            "status": "error", "code": code, "message": message, "details": details,
            "timestamp": self.body["timestamp"],
        });
        assert_eq!((self.status.as_u16(), &self.body), (status, &expected));
        assert!(self.body["timestamp"].as_str().is_some_and(|at| at.ends_with('Z')), "{}", self.body);
    }
}

/// The names of an object's fields, sorted.
pub fn keys(body: &Value) -> Vec<&str> {
    let mut keys: Vec<_> = body.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    keys.sort_unstable();
    keys
}

/// Everybody may come in, in what role each is, and it is live.
pub async fn live_meeting(world: &World, more: Value) -> String {
    let mut body = json!({
        "participants": [
            { "email": "member@demo.test", "role": "co_host" },
            { "email": "second@demo.test", "role": "presenter" },
            "student@demo.test",
        ],
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    world.live_meeting(body).await
}

/// Somebody comes in by a request; the answer's data.
pub async fn join(world: &World, who: Who, meeting: &str) -> Value {
    let answer = world.post(who, &path(meeting, "join"), json!({})).await;
    answer.said("Joined meeting successfully").clone()
}

/// A request of each kind, for what all routes have in common.
pub const ROUTES: [(Method, &str); 13] = [
    (Method::POST, "start"),
    (Method::POST, "end"),
    (Method::GET, "status"),
    (Method::POST, "join"),
    (Method::POST, "leave"),
    (Method::GET, "participants"),
    (Method::GET, "breakout-rooms"),
    (Method::DELETE, "breakout-rooms"),
    (Method::PUT, "participants/status"),
    (Method::POST, "chat"),
    (Method::GET, "chat"),
    (Method::POST, "token"),
    (Method::POST, "security/policy"),
];
