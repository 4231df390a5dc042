//! One log line for each request, and nothing secret in any of them.

use std::cell::RefCell;
use std::io::Write;
use std::sync::Once;

use axum::body::Body;
use http::Request;
use serde_json::json;
use tracing_subscriber::filter::{Targets, dynamic_filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer, SubscriberExt};

use crate::world::{PASSWORD, Who, World};

thread_local! {
    /// What this thread logged, if it listens. Tests of one process share the subscriber, each has its own thread.
    static HEARD: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

/// Listens on this thread.
fn listen() {
    static SUBSCRIBER: Once = Once::new();
    SUBSCRIBER.call_once(|| {
        let ours = Targets::new().with_target("plenum_control", tracing::Level::TRACE);
        let lines = tracing_subscriber::fmt::layer()
            .with_ansi(false)
            .with_writer(Heard)
            .with_filter(ours)
            .with_filter(dynamic_filter_fn(|_, _| HEARD.with_borrow(Option::is_some)));
        let installed = tracing::subscriber::set_global_default(tracing_subscriber::registry().with(lines));
        installed.expect("nobody else of these tests installs one");
    });
    HEARD.set(Some(Vec::new()));
}

/// What was heard so far.
fn heard() -> String {
    HEARD.with_borrow(|heard| String::from_utf8_lossy(heard.as_deref().unwrap_or_default()).into_owned())
}

struct Heard;

impl Write for Heard {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        HEARD.with_borrow_mut(|heard| heard.as_mut().map(|heard| heard.extend_from_slice(bytes)));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Heard {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        Self
    }
}

#[tokio::test]
async fn sec_03_each_request_leaves_one_line_and_no_secret_in_it() {
    listen();
    let world = World::new().await;
    let id = world.meeting(json!({ "meeting_password": "sesame-4711" })).await;
    let token = world.token(Who::Host).await;
    world.log_in("host@demo.test", PASSWORD).await.data();
    world.log_in("host@demo.test", "not-the-password").await.refused(401, "Invalid credentials");
    let join = json!({ "meeting_password": "sesame-4711" });
    world.post(Who::Member, &format!("/api/meeting/{id}/join"), join).await;
    let path = format!("/api/meeting/{id}?token=query-secret&access_token={token}&password=query-password");
    let secrets = Request::get(path)
        .header("authorization", format!("Bearer {token}"))
        .header("cookie", "session=cookie-secret")
        .header("x-request-id", "request-4711");
    world.send(secrets.body(Body::empty()).expect("a request")).await.data();
    let unknown = Request::get("/api/unknown/path-secret?token=query-secret").body(Body::empty());
    world.send(unknown.expect("a request")).await.refused(404, "Route not found");
    let text = heard();
    // Every answer of these tests is held against the description, which is asked for once.
    let ours = |line: &&str| line.contains("answered") && !line.contains("/api/openapi.json");
    let answered: Vec<_> = text.lines().filter(ours).collect();
    assert_eq!(answered.len(), 6, "{text}");
    let line = answered.iter().find(|line| line.contains("request-4711")).expect("by its id");
    for part in ["GET", "/api/meeting/{meeting_id}", "status=200"] {
        assert!(line.contains(part), "{part}: {line}");
    }
    let parts: Vec<_> = token.split('.').collect();
    for secret in [
        "sesame-4711",
        PASSWORD,
        "not-the-password",
        "query-secret",
        "query-password",
        "cookie-secret",
        "path-secret",
        "Bearer",
        "@demo.test",
        "argon2",
        parts[1],
        parts[2],
    ] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}
