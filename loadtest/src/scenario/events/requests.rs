//! REST requests per second: create, get, list and join, each measured alone.

use super::Settings;
use crate::{
    histogram::Histogram,
    report::Spread,
    scenario::ScenarioError,
    server,
    signal::rest::{Account, Rest},
};
use futures_util::{StreamExt, stream};
use serde::Serialize;
use std::time::{Duration, Instant};

/// One kind of request.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Requests {
    pub what: &'static str,
    pub per_second: f64,
    pub took: Spread,
    pub cpu_us_each: f64,
}

/// Requests under way at the same time, as many as a small company has people clicking.
const AT_ONCE: usize = 16;
/// Of each meeting.
const PLACES: usize = 8;

/// Creates meetings, reads one of them, lists them all by pages of ten, asks to be let into one.
///
/// # Errors
/// The first refusal.
pub(super) async fn measure(
    settings: &Settings,
    base: &str,
    pid: u32,
    people: &[Account],
) -> Result<Vec<Requests>, ScenarioError> {
    let rest = Rest::new(base)?;
    let host = &people[0];
    let guests: Vec<String> = people.iter().skip(1).take(3).map(|one| one.user_id.clone()).collect();
    let meeting = rest.create_meeting(host, &guests, PLACES).await?;
    rest.start_meeting(host, &meeting).await?;
    let (rest, guests, meeting) = (&rest, &guests, meeting.as_str());
    let count = settings.requests;
    Ok(vec![
        run(
            "create",
            count,
            pid,
            || async move { rest.create_meeting(host, guests, PLACES).await.map(drop) },
        )
        .await?,
        run("get", count, pid, || rest.get(host, format!("/api/meeting/{meeting}"))).await?,
        run("list", count, pid, || rest.get(host, "/api/meeting?limit=10".to_owned())).await?,
        run("join", count, pid, || rest.join_check(host, meeting)).await?,
    ])
}

async fn run<F>(
    what: &'static str,
    count: usize,
    pid: u32,
    request: impl Fn() -> F,
) -> Result<Requests, ScenarioError>
where
    F: Future<Output = Result<(), crate::signal::SignalError>>,
{
    let (begun, cpu) = (Instant::now(), server::cpu_time(&[pid]));
    let outcomes: Vec<Result<Duration, _>> = stream::iter(0..count)
        .map(|_| {
            let (request, asked) = (request(), Instant::now());
            async move { request.await.map(|()| asked.elapsed()) }
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    let (elapsed, cpu) = (begun.elapsed(), server::cpu_time(&[pid]).saturating_sub(cpu));
    let mut took = Histogram::default();
    for outcome in outcomes {
        took.record(outcome?.as_nanos() as u64);
    }
    Ok(Requests {
        what,
        per_second: count as f64 / elapsed.as_secs_f64(),
        took: Spread::of(&took),
        cpu_us_each: cpu.as_secs_f64() * 1e6 / count as f64,
    })
}
