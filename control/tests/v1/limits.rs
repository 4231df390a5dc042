//! Budgets as clients meet them (RATE-09 to RATE-12, RATE-14, RATE-15, C-62).

use http::Method;
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use crate::world::{Answer, Who, World};
use crate::{V1, join, live_meeting, path};

/// That the budget of so many in so many seconds is spent, and that it is said everywhere alike.
#[track_caller]
fn spent(answer: &Answer, limit: u64, window_s: u64) {
    let number =
        |name: &str| answer.header(name).and_then(|text| text.parse::<i64>().ok()).expect("a number");
    let reset = number("x-ratelimit-reset");
    let reset_at = OffsetDateTime::from_unix_timestamp(reset).expect("a time");
    let details = json!({
        "limit": limit, "window": window_s, "reset_at": plenum_control::dialect::iso::text(reset_at),
    });
    answer.denied_with(429, "RATE_LIMIT_EXCEEDED", "Rate limit exceeded", &details);
    assert_eq!((number("x-ratelimit-limit"), number("x-ratelimit-remaining")), (limit.cast_signed(), 0));
    assert!((1..=window_s.cast_signed()).contains(&number("retry-after")));
}

/// Spends a whole budget by turns, sees the headers count down, and finds it whole again when the window is over.
async fn spends(world: &World, calls: &[(Method, String, Value)], limit: u64, window_s: u64) {
    let token = world.token(Who::Member).await;
    let call = |n: usize| {
        let (method, path, body) = calls[n % calls.len()].clone();
        let (world, token) = (world, token.clone());
        async move { world.call_as(Some(&token), method, &path, body).await }
    };
    for n in 0..limit {
        let answer = call(usize::try_from(n).expect("few")).await;
        let left = (limit - n - 1).to_string();
        assert_eq!(answer.header("x-ratelimit-remaining"), Some(left.as_str()), "{}", answer.body);
        assert_eq!(answer.header("x-ratelimit-limit"), Some(limit.to_string().as_str()));
        assert_ne!(answer.status.as_u16(), 429);
    }
    for n in 0..calls.len() {
        spent(&call(n).await, limit, window_s);
    }
    let status = world.get(Who::Host, &calls[0].1).await;
    assert_ne!(status.status.as_u16(), 429, "another one's budget is another");
    world.clock.advance(Duration::seconds(window_s.cast_signed() + 1));
    assert_ne!(call(0).await.status.as_u16(), 429);
}

#[tokio::test]
async fn rate_09_rate_14_rate_15_meeting_management_is_100_an_hour() {
    let world = World::with(&[]).await;
    let meeting = live_meeting(&world, json!({})).await;
    let of = |method, what: &str| (method, path(&meeting, what), Value::Null);
    let calls = [of(Method::GET, "status"), of(Method::POST, "start"), of(Method::POST, "end")];
    spends(&world, &calls, 100, 3600).await;
}

#[tokio::test]
async fn rate_10_participant_actions_are_1000_an_hour() {
    let world = World::with(&[]).await;
    let meeting = live_meeting(&world, json!({})).await;
    let of = |method, what: &str| (method, path(&meeting, what), Value::Null);
    let calls = [of(Method::GET, "participants"), of(Method::POST, "join"), of(Method::POST, "leave")];
    spends(&world, &calls, 1000, 3600).await;
}

#[tokio::test]
async fn rate_11_chat_messages_are_60_a_minute_said_and_read_together() {
    let world = World::with(&[]).await;
    let meeting = live_meeting(&world, json!({})).await;
    join(&world, Who::Member, &meeting).await;
    let chat = path(&meeting, "chat");
    let calls = [(Method::POST, chat.clone(), json!({ "content": "x" })), (Method::GET, chat, Value::Null)];
    spends(&world, &calls, 60, 60).await;
}

#[tokio::test]
async fn rate_12_status_updates_are_120_a_minute() {
    let world = World::with(&[]).await;
    let meeting = live_meeting(&world, json!({})).await;
    join(&world, Who::Member, &meeting).await;
    let body = json!({ "is_muted": true });
    spends(&world, &[(Method::PUT, path(&meeting, "participants/status"), body)], 120, 60).await;
}

#[tokio::test]
async fn c_62_strangers_are_counted_by_address_and_budgets_of_the_dialects_are_apart() {
    let world = World::with(&[]).await;
    let status = path("01ARZ3NDEKTSV4RRFFQ69G5FAV", "status");
    for _ in 0..100 {
        world.get(Who::Nobody, &status).await.denied(401, "UNAUTHORIZED", "Unauthorized");
    }
    spent(&world.get(Who::Nobody, &status).await, 100, 3600);
    assert_eq!(world.get(Who::Nobody, "/api/meeting").await.status.as_u16(), 401);
}
