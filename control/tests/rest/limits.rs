//! Budgets as clients meet them (RATE-01, RATE-03, RATE-08, RATE-14, C-12, C-62).

use serde_json::{Value, json};
use time::Duration;

use crate::world::{Answer, PASSWORD, Who, World, meeting_body};

#[track_caller]
fn limited(answer: &Answer, limit: &str) {
    answer.refused_with(429, "Rate limit exceeded", "RATE_LIMIT_EXCEEDED");
    let wait: u64 = answer.header("retry-after").and_then(|s| s.parse().ok()).expect("Retry-After");
    assert!((1..=60).contains(&wait), "{wait}");
    assert_eq!(
        (answer.header("x-ratelimit-limit"), answer.header("x-ratelimit-remaining")),
        (Some(limit), Some("0"))
    );
    assert!(answer.header("x-ratelimit-reset").is_some());
}

#[tokio::test]
async fn rate_01_the_eleventh_creation_within_a_minute_is_429_and_a_minute_later_it_works() {
    let world = World::with(&[]).await;
    for left in (0..10).rev() {
        let answer = world.post(Who::Host, "/api/meeting", meeting_body(json!({}))).await;
        answer.data();
        assert_eq!(answer.header("x-ratelimit-remaining"), Some(left.to_string().as_str()));
    }
    limited(&world.post(Who::Host, "/api/meeting", meeting_body(json!({}))).await, "10");
    world
        .post(Who::Member, "/api/meeting", meeting_body(json!({ "participants": ["host@demo.test"] })))
        .await
        .data();
    world.get(Who::Host, "/api/meeting").await.data();
    world.clock.advance(Duration::seconds(61));
    world.post(Who::Host, "/api/meeting", meeting_body(json!({}))).await.data();
}

#[tokio::test]
async fn rate_03_all_reads_of_a_user_share_one_budget() {
    let world = World::with(&[]).await;
    let id = world.meeting(json!({})).await;
    for n in 0..100 {
        let path = if n % 2 == 0 { "/api/meeting".to_owned() } else { format!("/api/meeting/{id}/chat") };
        world.get(Who::Member, &path).await.data();
    }
    limited(&world.get(Who::Member, &format!("/api/meeting/{id}")).await, "100");
}

#[tokio::test]
async fn c_62_strangers_are_counted_by_address() {
    let world = World::with(&[]).await;
    for _ in 0..100 {
        world.get(Who::Nobody, "/api/meeting").await.refused(401, "Authentication token missing");
    }
    limited(&world.get(Who::Nobody, "/api/meeting").await, "100");
    world.get(Who::Host, "/api/meeting").await.data();
}

#[tokio::test]
async fn c_12_ten_logins_a_minute_on_one_account_from_one_address() {
    let world = World::with(&[]).await;
    for _ in 0..10 {
        world.log_in("host@demo.test", "wrong-one").await.refused(401, "Invalid credentials");
    }
    limited(&world.log_in("HOST@demo.test", PASSWORD).await, "10");
    world.log_in("member@demo.test", PASSWORD).await.data();
    world.clock.advance(Duration::seconds(61));
    world.log_in("host@demo.test", PASSWORD).await.data();
}

#[tokio::test]
async fn c_22_a_full_meeting_is_429_without_retry_after_and_with_its_own_code() {
    let full = plenum_control::dialect::Dialect::Kcs.refuse(
        &plenum_control::domain::error::DomainError::MeetingFull.into(),
        time::OffsetDateTime::UNIX_EPOCH,
    );
    assert_eq!(full.status(), 429);
    assert!(full.headers().get("retry-after").is_none());
    let bytes = axum::body::to_bytes(full.into_body(), 1024).await.expect("a body");
    let body: Value = serde_json::from_slice(&bytes).expect("JSON");
    assert_eq!(body, json!({ "success": false, "message": "Meeting is full", "code": "MEETING_FULL" }));
}

#[tokio::test]
async fn rate_limits_off_counts_nothing() {
    let world = World::with(&[("RATE_LIMITS", "off")]).await;
    for _ in 0..12 {
        let answer = world.post(Who::Host, "/api/meeting", meeting_body(json!({}))).await;
        answer.data();
        assert_eq!(answer.header("x-ratelimit-limit"), None);
    }
}
