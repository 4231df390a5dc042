//! What HTTP itself refuses, still in the envelope of the prefix (C-02, C-70), and what every answer carries.

use axum::body::Body;
use http::{Method, Request, header};
use serde_json::{Value, json};

use crate::world::{Who, World, meeting_body};

#[tokio::test]
async fn c_02_unknown_routes_below_the_prefix_are_404_in_the_envelope() {
    let world = World::new().await;
    for path in ["/api", "/api/nope", "/api/meeting/x/y/z", "/api/auth", "/api/meetings/create"] {
        world.get(Who::Host, path).await.refused(404, "Route not found");
    }
}

#[tokio::test]
async fn c_70_a_wrong_method_is_405_in_the_envelope() {
    let world = World::new().await;
    let id = world.meeting(json!({})).await;
    for (method, path) in [
        (Method::PATCH, "/api/meeting".to_owned()),
        (Method::GET, "/api/auth/login".to_owned()),
        (Method::DELETE, format!("/api/meeting/{id}/start")),
        (Method::POST, format!("/api/meeting/{id}")),
    ] {
        world.call(Who::Host, method, &path, Value::Null).await.refused(405, "Method not allowed");
    }
}

#[tokio::test]
async fn c_70_trailing_slashes_are_accepted() {
    let world = World::new().await;
    let id = world.meeting(json!({})).await;
    world.get(Who::Host, "/api/meeting/").await.data();
    world.get(Who::Host, &format!("/api/meeting/{id}/")).await.data();
    world.get(Who::Host, &format!("/api/meeting/{id}/chat/?limit=1")).await.data();
}

#[tokio::test]
async fn c_03_an_empty_meeting_id_is_told() {
    let world = World::new().await;
    let posts = ["/api/meeting//join", "/api/meeting//start"].map(|path| (Method::POST, path));
    let gets = ["/api/meeting//", "/api/meeting//participants"].map(|path| (Method::GET, path));
    for (method, path) in posts.into_iter().chain(gets) {
        world.call(Who::Host, method, path, Value::Null).await.refused(400, "Meeting ID is required");
    }
}

#[tokio::test]
async fn c_02_malformed_and_oversized_bodies_are_refused_in_the_envelope() {
    let world = World::new().await;
    let token = world.token(Who::Host).await;
    let send = |body: Vec<u8>| {
        let request = Request::post("/api/meeting").header(header::AUTHORIZATION, format!("Bearer {token}"));
        world.send(request.body(Body::from(body)).expect("a request"))
    };
    for broken in ["{", "{\"a\":}", "\u{0}", "[[[["] {
        send(broken.into()).await.refused(400, "Invalid request body: not valid JSON");
    }
    send(b"\xff\xfe".to_vec()).await.refused(400, "Invalid request body: not valid JSON");
    let large = meeting_body(json!({ "meeting_description": "x".repeat(2 << 20) }));
    send(large.to_string().into()).await.refused(413, "Request body too large");
}

#[tokio::test]
async fn sec_07_every_answer_carries_security_headers_and_a_request_id() {
    let world = World::new().await;
    for path in ["/api/meeting", "/api/nope", "/healthz", "/"] {
        let answer = world.get(Who::Nobody, path).await;
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert!(
            answer
                .header("content-security-policy")
                .is_some_and(|csp| csp.contains("frame-ancestors 'none'")),
            "{path}"
        );
        assert!(answer.header("x-request-id").is_some_and(|id| id.len() == 36), "{path}");
    }
}

#[tokio::test]
async fn a_request_id_is_taken_over_when_it_is_harmless() {
    let world = World::new().await;
    for (sent, kept) in [("trace-7.a_B", true), ("bad id", false), ("<script>", false)] {
        let request = Request::get("/healthz").header("x-request-id", sent);
        let answer = world.send(request.body(Body::empty()).expect("a request")).await;
        assert_eq!(answer.header("x-request-id") == Some(sent), kept, "{sent}");
    }
}

#[tokio::test]
async fn env_05_pages_of_configured_origins_may_call_and_others_may_not() {
    let world =
        World::with(&[("FRONTEND_URL", "http://localhost:5173"), ("CLIENT_URL", "https://meet.example.org")])
            .await;
    for (origin, allowed) in
        [("http://localhost:5173", true), ("https://meet.example.org", true), ("https://evil.example", false)]
    {
        let request = Request::builder()
            .method(Method::OPTIONS)
            .uri("/api/meeting")
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization,content-type");
        let answer = world.send(request.body(Body::empty()).expect("a request")).await;
        assert_eq!(answer.header("access-control-allow-origin") == Some(origin), allowed, "{origin}");
    }
}

#[tokio::test]
async fn add_10_health_ready_and_metrics_need_no_login() {
    let world = World::new().await;
    for path in ["/healthz", "/health"] {
        assert_eq!(world.get(Who::Nobody, path).await.body["status"], "ok");
    }
    for path in ["/readyz", "/ready"] {
        let answer = world.get(Who::Nobody, path).await;
        // No media node has registered in this test, and that is what is said.
        assert_eq!(
            (answer.status.as_u16(), &answer.body["database"], &answer.body["sfu"]),
            (503, &json!(true), &json!(false))
        );
    }
    world.get(Who::Host, "/api/meeting").await;
    let metrics = world.get(Who::Nobody, "/metrics").await;
    let text = metrics.body.as_str().expect("text");
    for name in [
        "plenum_http_requests_total{",
        "plenum_http_request_seconds_bucket{",
        "plenum_db_query_seconds_bucket{",
        "plenum_login_total{",
    ] {
        assert!(text.contains(name), "{name}");
    }
    assert!(!text.contains("demo.test") && !text.contains("127.0.0.1"));
}

#[tokio::test]
async fn env_11_socket_health_counts_and_names_nobody() {
    let world = World::new().await;
    let answer = world.get(Who::Nobody, "/socket-health").await;
    let mut keys: Vec<_> = answer.body.as_object().expect("an object").keys().cloned().collect();
    keys.sort();
    assert_eq!(keys, ["connections", "meetings", "status", "timestamp", "uptime"]);
    assert_eq!((answer.status.as_u16(), &answer.body["connections"]), (200, &json!(0)));
}

#[tokio::test]
async fn the_web_client_answers_on_every_other_path() {
    let world = World::new().await;
    for path in ["/", "/meeting/01ARZ3NDEKTSV4RRFFQ69G5FAV", "/login"] {
        let answer = world.get(Who::Nobody, path).await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("content-type")),
            (200, Some("text/html; charset=utf-8")),
            "{path}"
        );
    }
}
