//! What an event and a connection cost the server, beside a stock Node server doing the same in the same run.
//!
//! The server's CPU time and memory come from `/proc`; this process only has to be fast enough to keep it busy, not
//! faster than it. Every event sent is awaited at every socket of its room, so nothing counts that was not delivered.

mod crowd;
mod report;
mod requests;
mod target;

pub use report::{EventsReport, Findings};
pub use requests::Requests;

use super::{ProductSettings, ScenarioError, venue::sign_in};
use crate::{
    server,
    signal::rest::{Account, Rest},
};
use crowd::{Heard, Member, Room};
use futures_util::{StreamExt, TryStreamExt, stream};
use std::{
    path::PathBuf,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};
use target::Target;

/// See the module.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The `plenum` program.
    pub program: PathBuf,
    /// Also on PostgreSQL: the URL of an empty database.
    pub postgres: Option<String>,
    /// The folder of the Node server, with its packages installed; `None` measures ours alone.
    pub node: Option<PathBuf>,
    /// Accounts, and how many join one room at once.
    pub people: usize,
    /// Sockets in the large room, and in all the small ones together.
    pub sockets: usize,
    /// Idle connections that are held.
    pub idle: usize,
    /// How long each room is under load.
    pub duration: Duration,
    /// Events under way in the large room; every small room has one.
    pub at_once: usize,
    /// REST requests of each kind; 0 leaves them out.
    pub requests: usize,
}

const ROOM: usize = 4;
/// Connections opened and closed before memory is looked at: what is needed once is there then.
const WARM_UP: usize = 400;
const CONNECTING_AT_ONCE: usize = 16;
/// Anything that takes longer has not worked.
const PATIENCE: Duration = Duration::from_secs(120);
/// Allocators and the server's own clean-up come to rest.
const REST: Duration = Duration::from_secs(2);

/// Starts each server in turn and measures it.
///
/// # Errors
/// A server that does not start, or refuses.
pub async fn events(settings: &Settings) -> Result<EventsReport, ScenarioError> {
    let mut report = EventsReport::default();
    report.servers.push(plenum(settings, None).await?);
    if let Some(url) = &settings.postgres {
        report.servers.push(plenum(settings, Some(url)).await?);
    }
    if let Some(folder) = &settings.node {
        let target = Target::node(folder).await?;
        let nobody = Account { token: String::new(), user_id: String::new() };
        let people = vec![nobody; settings.people];
        report.servers.push(measure(settings, &target, &people, None).await?);
    }
    Ok(report)
}

async fn plenum(settings: &Settings, postgres: Option<&str>) -> Result<Findings, ScenarioError> {
    let target = Target::plenum(&settings.program, postgres).await?;
    let rest = Rest::new(&target.base)?;
    let product = ProductSettings {
        url: target.base.clone(),
        admin_email: "admin@demo.test".into(),
        admin_password: "demo-password".into(),
        pids: Vec::new(),
    };
    let people = sign_in(&rest, &product, settings.people).await?;
    let mut findings = measure(settings, &target, &people, Some(&rest)).await?;
    if settings.requests > 0 {
        findings.requests = requests::measure(settings, &target.base, target.pid, &people).await?;
    }
    Ok(findings)
}

/// The same steps for every server. `rest`: meetings have to be created first.
async fn measure(
    settings: &Settings,
    target: &Target,
    people: &[Account],
    rest: Option<&Rest>,
) -> Result<Findings, ScenarioError> {
    let heard = Arc::<Heard>::default();
    let mut findings = Findings { server: target.name.clone(), ..Findings::default() };
    drop(connect(target, people, WARM_UP, &heard).await?);
    tokio::time::sleep(REST).await;

    let before = server::resident_bytes(target.pid);
    let idle = connect(target, people, settings.idle, &heard).await?;
    tokio::time::sleep(REST).await;
    let held = server::resident_bytes(target.pid).saturating_sub(before);
    findings.idle = settings.idle;
    findings.bytes_per_connection = held as f64 / settings.idle as f64;
    drop(idle);

    let members = connect(target, people, people.len(), &heard).await?;
    let storm = meeting(rest, people).await?;
    let (acks, joins) = (heard.acks.load(Relaxed), heard.joins.load(Relaxed));
    let count = members.len() as u64;
    let (begun, cpu) = (Instant::now(), server::cpu_time(&[target.pid]));
    members.iter().for_each(|member| member.join(&storm));
    let all_in = |heard: &Heard| {
        heard.acks.load(Relaxed) - acks >= count
            && heard.joins.load(Relaxed) - joins >= count * (count - 1) / 2
    };
    findings
        .problem_unless(heard.wait(PATIENCE, all_in).await, "not everybody got in, or heard of everybody");
    let cpu = server::cpu_time(&[target.pid]).saturating_sub(cpu);
    findings.joining = members.len();
    findings.joins_per_second = count as f64 / begun.elapsed().as_secs_f64();
    findings.cpu_ms_per_join = cpu.as_secs_f64() * 1e3 / count as f64;
    drop(members);

    let members = connect(target, people, settings.sockets, &heard).await?;
    let all: Vec<_> = members.iter().collect();
    let large = room(rest, people, &all, &heard).await?;
    findings.large = load(settings, target.pid, &[large], settings.at_once, &mut findings.problems).await;
    drop(members);

    let members = connect(target, people, settings.sockets, &heard).await?;
    let mut rooms = Vec::new();
    for (index, some) in members.chunks_exact(ROOM).enumerate() {
        let host = index * ROOM % people.len();
        let guests: Vec<_> = people.iter().cycle().skip(host).take(ROOM).cloned().collect();
        rooms.push(room(rest, &guests, &some.iter().collect::<Vec<_>>(), &heard).await?);
    }
    findings.small = load(settings, target.pid, &rooms, 1, &mut findings.problems).await;
    findings.problem_unless(heard.refusals.load(Relaxed) == 0, "refusals");
    if let Some(words) = heard.words.lock().expect("nobody panics while holding it").take() {
        findings.problems.push(words);
    }
    Ok(findings)
}

/// Sockets of these people, who come round again when there are more sockets than people.
async fn connect(
    target: &Target,
    people: &[Account],
    count: usize,
    heard: &Arc<Heard>,
) -> Result<Vec<Member>, ScenarioError> {
    let members = stream::iter(people.iter().cycle().take(count))
        .map(|person| Member::connect(&target.base, &person.token, heard.clone()))
        .buffered(CONNECTING_AT_ONCE)
        .try_collect()
        .await
        .map_err(crate::signal::SignalError::from)?;
    Ok(members)
}

/// A running meeting of these people; the Node server takes any name.
async fn meeting(rest: Option<&Rest>, people: &[Account]) -> Result<String, ScenarioError> {
    let Some(rest) = rest else { return Ok(uuid::Uuid::new_v4().to_string()) };
    let users: Vec<String> = people.iter().skip(1).map(|account| account.user_id.clone()).collect();
    let meeting = rest.create_meeting(&people[0], &users, users.len().max(2) * 2).await?;
    rest.start_meeting(&people[0], &meeting).await?;
    Ok(meeting)
}

async fn room(
    rest: Option<&Rest>,
    people: &[Account],
    members: &[&Member],
    heard: &Heard,
) -> Result<Arc<Room>, ScenarioError> {
    let meeting = meeting(rest, people).await?;
    let due = heard.acks.load(Relaxed) + members.len() as u64;
    members.iter().for_each(|member| member.join(&meeting));
    if !heard.wait(PATIENCE, |heard| heard.acks.load(Relaxed) >= due).await {
        return Err(ScenarioError::NobodyIn("not everybody got into a room".into()));
    }
    Ok(Room::of(&meeting, members))
}

/// Keeps these rooms busy for a while, then waits for what is still due.
async fn load(
    settings: &Settings,
    pid: u32,
    rooms: &[Arc<Room>],
    at_once: usize,
    problems: &mut Vec<String>,
) -> report::Load {
    let (begun, cpu) = (Instant::now(), server::cpu_time(&[pid]));
    rooms.iter().for_each(|room| room.start(at_once));
    tokio::time::sleep(settings.duration).await;
    rooms.iter().for_each(|room| room.stop());
    let deadline = Instant::now() + PATIENCE;
    while rooms.iter().any(|room| room.outstanding() > 0) && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let (elapsed, cpu) = (begun.elapsed(), server::cpu_time(&[pid]).saturating_sub(cpu));
    let missing: u64 = rooms.iter().map(|room| room.outstanding()).sum();
    if missing > 0 {
        problems.push(format!("{missing} events were not delivered"));
    }
    let delivered: u64 = rooms.iter().map(|room| room.delivered()).sum();
    report::Load {
        rooms: rooms.len(),
        sent: rooms.iter().map(|room| room.sent()).sum(),
        delivered,
        per_second: delivered as f64 / elapsed.as_secs_f64(),
        cpu_us_each: cpu.as_secs_f64() * 1e6 / delivered.max(1) as f64,
    }
}
