//! A run of any scenario, from the first join to the report.

use super::{
    Plan, RunSettings, ScenarioError,
    chat::{self, Written},
    plan::PEOPLE_MAX,
    venue::{Hall, Venue, close_all},
};
use crate::{
    bot::{Bot, Lights},
    exposition::{self, NodeCounters},
    media::RunClock,
    monitor::Monitor,
    peer::{Progress, Sent},
    report::{Attendance, Circumstances, Readings, Report},
    sampler::Sampler,
    timeline::Sources,
};
use futures_util::{StreamExt, future::join_all, stream};
use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use uuid::Uuid;

/// Everybody who stays must have media of everybody else within this time of the last join.
const BEGIN_TIMEOUT: Duration = Duration::from_secs(30);
/// After the last packet was sent: repairs need a few round trips.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(3);
/// Nothing came for so long: what is missing does not come any more.
const SILENCE: Duration = Duration::from_millis(600);
const POLL: Duration = Duration::from_millis(50);
/// Leaving at a time.
const LEAVING_AT_ONCE: usize = 8;

/// Opens the venue, lets people in, measures, and closes it.
///
/// # Errors
/// A server that refuses the set-up, or a room that nobody gets into.
pub async fn run(settings: &RunSettings) -> Result<Report, ScenarioError> {
    let mut venue = Venue::open(&settings.venue).await?;
    hold(&mut venue, settings).await
}

/// The same in a venue that is open.
pub(super) async fn hold(venue: &mut Venue, settings: &RunSettings) -> Result<Report, ScenarioError> {
    let people = settings.scenario.people(settings.duration);
    if people > PEOPLE_MAX as u64 {
        return Err(ScenarioError::TooMany(people));
    }
    let plan = settings.scenario.plan(settings);
    if plan.messages_per_second > 0.0 && !settings.venue.has_chat() {
        return Err(ScenarioError::NoChat(settings.scenario.name()));
    }
    let halls = venue.halls(&plan).await?;
    let (clock, monitor) = (RunClock::start(), Arc::<Monitor>::default());
    let metrics = settings.metrics.clone().or_else(|| venue.metrics());
    let lights = Arc::<Lights>::default();
    let sent = Mutex::default();
    let run = Run { settings, plan: &plan, halls: &halls, clock, monitor, lights, metrics, sent };
    let (monitor, lights) = (run.monitor.clone(), run.lights.clone());
    let sources = Sources { monitor, lights, processes: venue.processes() };
    let report = run.take_place(&sources).await;
    let not_closed = close_all(&halls).await;
    let mut report = report?;
    report.add_problems(not_closed);
    Ok(report)
}

pub(super) struct Run<'a> {
    pub settings: &'a RunSettings,
    pub plan: &'a Plan,
    pub halls: &'a [Hall],
    pub clock: RunClock,
    pub monitor: Arc<Monitor>,
    pub lights: Arc<Lights>,
    /// Where a media node says what it counts.
    metrics: Option<String>,
    /// What those sent who have stopped.
    sent: Mutex<HashMap<Uuid, Vec<u64>>>,
}

impl Run<'_> {
    async fn take_place(&self, sources: &Sources) -> Result<Report, ScenarioError> {
        let start = Instant::now();
        let empty = sources.read();
        let sampler = Sampler::start(start, sources.clone(), self.settings.progress);
        let entered = self.enter().await;
        let (bots, mut failures) = match entered {
            Ok(entered) => entered,
            Err(error) => {
                sampler.stop();
                return Err(error);
            }
        };
        if let Err(words) = self.everybody_has_begun(&bots).await {
            failures.push(words);
        }

        let begin = sources.read();
        let counters_before = self.counters(&mut failures).await;
        let measuring = async {
            tokio::time::sleep_until((begin.at + self.settings.duration).into()).await;
            let end = sources.read();
            (end, self.counters(&mut failures).await)
        };
        let visiting = join_all(self.plan.visitors().map(|visitor| self.visit(visitor, begin.at)));
        let writing = chat::write(&bots, self.plan.messages_per_second, self.settings.duration);
        let ((end, counters_after), visits, Written { messages, failure }) =
            tokio::join!(measuring, visiting, writing);
        failures.extend(failure);
        chat::hear_out(&bots, messages).await;

        self.stop_all(&bots, &mut failures).await;
        self.settle(&bots).await;
        let light_drops = self.lights.look().map_or(0, |crowd| crowd.socket_drops());
        let inside = inside(&bots);
        let (mut records, late_failures) = finish_all(bots, self.sent()).await;
        failures.extend(late_failures);
        for visit in visits {
            match visit {
                Ok(record) => records.push(record),
                Err(words) => failures.push(words),
            }
        }
        let timeline = sampler.stop();
        let counters = counters_before.zip(counters_after);
        let readings = Readings { start, empty, begin, end, counters, processes: sources.processes.clone() };
        let circumstances = Circumstances { inside, messages, light_drops, readings, timeline, failures };
        Ok(Report::new(self.settings, self.plan, circumstances, &records))
    }

    /// A node that was not named is asked on the off chance: it may be on another machine, and answer there alone.
    async fn counters(&self, failures: &mut Vec<String>) -> Option<NodeCounters> {
        let counters = exposition::read(self.metrics.as_deref()?).await;
        if self.settings.metrics.is_some() {
            failures.extend(counters.as_ref().err().cloned());
        }
        counters.ok()
    }

    /// Where the server may leave something out, whoever is due anything must have received something.
    async fn everybody_has_begun(&self, bots: &[(usize, Bot)]) -> Result<(), String> {
        let inside = inside(bots);
        let due = |number: &usize| self.plan.due_to(*number, |other| inside.contains(&other));
        let due: Vec<usize> = bots.iter().map(|(number, _)| due(number)).collect();
        let enough = |place: usize| if self.settings.every_packet { due[place] } else { due[place].min(1) };
        let deadline = Instant::now() + BEGIN_TIMEOUT;
        loop {
            let progress = progress_of_all(bots, None).await;
            let is_waiting = |(place, it): &(usize, &Progress)| it.begun < enough(*place);
            let waiting = progress.iter().enumerate().filter(is_waiting).count();
            if waiting == 0 {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(format!("{waiting} bots have not received what is due within {BEGIN_TIMEOUT:?}"));
            }
            tokio::time::sleep(POLL).await;
        }
    }

    pub(super) fn note_sent(&self, tracks: HashMap<Uuid, Vec<u64>>) {
        self.sent.lock().expect("nobody panics while holding it").extend(tracks);
    }

    /// Of everybody who has stopped by now.
    pub(super) fn sent(&self) -> Sent {
        Arc::new(self.sent.lock().expect("nobody panics while holding it").clone())
    }

    async fn stop_all(&self, bots: &[(usize, Bot)], failures: &mut Vec<String>) {
        for (number, bot) in bots {
            match bot.stop_publishing().await {
                Ok(tracks) => self.note_sent(tracks),
                Err(error) => failures.push(format!("bot {number}: {error}")),
            }
        }
    }

    /// Waits for what is still on the way.
    async fn settle(&self, bots: &[(usize, Bot)]) {
        let sent = self.sent();
        let deadline = Instant::now() + SETTLE_TIMEOUT;
        let (mut received, mut received_at) = (0, Instant::now());
        while Instant::now() < deadline {
            let progress = progress_of_all(bots, Some(&sent)).await;
            let now = progress.iter().map(|it| it.received).sum();
            if now > received {
                (received, received_at) = (now, Instant::now());
            }
            let is_over = !self.settings.every_packet && received_at.elapsed() > SILENCE;
            if is_over || progress.iter().all(|it| it.outstanding == 0) {
                return;
            }
            tokio::time::sleep(POLL).await;
        }
    }
}

/// The numbers of those who got in.
fn inside(bots: &[(usize, Bot)]) -> BTreeSet<usize> {
    bots.iter().map(|(number, _)| *number).collect()
}

/// A bot that has ended has no progress; its end is reported when it is asked to finish.
async fn progress_of_all(bots: &[(usize, Bot)], sent: Option<&Sent>) -> Vec<Progress> {
    let mut all = Vec::with_capacity(bots.len());
    for (_, bot) in bots {
        all.push(bot.progress(sent.cloned()).await.unwrap_or_default());
    }
    all
}

async fn finish_all(bots: Vec<(usize, Bot)>, sent: Sent) -> (Vec<Attendance>, Vec<String>) {
    let finishing = bots.into_iter().map(|(number, bot)| {
        let finished = bot.finish(sent.clone());
        async move { (number, finished.await) }
    });
    let outcomes: Vec<_> = stream::iter(finishing).buffered(LEAVING_AT_ONCE).collect().await;
    let (mut records, mut failures) = (Vec::new(), Vec::new());
    for (number, outcome) in outcomes {
        match outcome {
            Ok(record) => records.push(Attendance { number, visited: None, record }),
            Err(error) => failures.push(format!("bot {number} at the end: {error}")),
        }
    }
    (records, failures)
}
