//! A room full of bots from the first join to the report; how they got in is the caller's.

use super::ScenarioError;
use crate::{
    bot::{Bot, BotError, BotRecord},
    media::{AudioTrack, LayerSettings, RunClock, Track, VideoTrack},
    network::Conditions,
    peer::{PeerSettings, Progress, Sent},
    report::{Circumstances, Report, Server},
    server,
    signal::{Joined, SignalError},
};
use futures_util::{StreamExt, stream};
use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

/// What every bot does once it is in.
#[derive(Clone, Debug)]
pub struct MediaSettings {
    pub bots: usize,
    pub duration: Duration,
    pub audio: bool,
    pub video: bool,
    /// Three layers instead of one.
    pub simulcast: bool,
    pub frames_per_second: u32,
    /// Bits per second of the video, or of its largest layer.
    pub video_bitrate_bps: u32,
    pub conditions: Conditions,
    /// Bots joining at the same time.
    pub joining_at_once: usize,
    pub seed: u64,
}

impl Default for MediaSettings {
    fn default() -> Self {
        Self {
            bots: 20,
            duration: Duration::from_secs(20),
            audio: true,
            video: true,
            simulcast: false,
            frames_per_second: 20,
            video_bitrate_bps: 300_000,
            conditions: Conditions::default(),
            joining_at_once: 4,
            seed: 1,
        }
    }
}

/// Everybody must have media of everybody else within this time of the last join.
const BEGIN_TIMEOUT: Duration = Duration::from_secs(30);
/// After the last packet was sent: repairs need a few round trips.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(3);
const POLL: Duration = Duration::from_millis(50);

/// Runs the meeting. `join` brings the bot of a number in; `pids` are the processes whose CPU time is measured.
pub(super) async fn run<J, F>(
    settings: &MediaSettings,
    pids: &[u32],
    join: J,
) -> Result<Report, ScenarioError>
where
    J: Fn(usize) -> F,
    F: Future<Output = Result<Joined, SignalError>>,
{
    let clock = RunClock::start();
    let (bots, mut failures) = enter(settings, clock, join).await?;
    let due = (settings.bots - 1) * settings.tracks(0).len();
    if let Err(words) = everybody_has_begun(&bots, due).await {
        failures.push(words);
    }

    let measured = Measurement::begin(&bots, pids).await;
    tokio::time::sleep(settings.duration).await;
    let server = measured.end(&bots, pids).await;

    let sent = stop_all(&bots, &mut failures).await;
    settle(&bots, &sent).await;
    let (records, late_failures) = finish_all(bots, sent).await;
    failures.extend(late_failures);
    let circumstances = Circumstances {
        seconds: settings.duration.as_secs_f64(),
        loss_asked_for: settings.conditions.loss,
        subscriptions_expected: settings.bots * due,
        server,
        failures,
    };
    Ok(Report::new(circumstances, &records))
}

impl MediaSettings {
    fn tracks(&self, bot: usize) -> Vec<Track> {
        let seed =
            (self.seed as u32).wrapping_mul(0x9e37_79b9).wrapping_add(bot as u32).wrapping_mul(0x85eb_ca6b);
        let mut tracks = Vec::new();
        if self.audio {
            tracks.push(Track::Audio(AudioTrack::new(bot, self.bots, seed)));
        }
        if self.video {
            tracks.push(Track::Video(VideoTrack::new(self.frames_per_second, &self.layers(), seed)));
        }
        tracks
    }

    /// Simulcast divides the picture by two and the bitrate by about three from layer to layer, as browsers do.
    fn layers(&self) -> Vec<LayerSettings> {
        let layer = |share, width, height| LayerSettings {
            bitrate_bps: self.video_bitrate_bps / share,
            width,
            height,
        };
        if self.simulcast {
            vec![layer(9, 320, 180), layer(3, 640, 360), layer(1, 1280, 720)]
        } else {
            vec![layer(1, 640, 360)]
        }
    }

    fn peer(&self, clock: RunClock, bot: usize) -> PeerSettings {
        let seed = self.seed.wrapping_mul(1_000_003).wrapping_add(bot as u64);
        PeerSettings { clock, conditions: self.conditions, seed }
    }
}

/// A few at a time, as people come.
async fn enter<J, F>(
    settings: &MediaSettings,
    clock: RunClock,
    join: J,
) -> Result<(Vec<Bot>, Vec<String>), ScenarioError>
where
    J: Fn(usize) -> F,
    F: Future<Output = Result<Joined, SignalError>>,
{
    let entering = stream::iter(0..settings.bots).map(|number| {
        let joined = join(number);
        async move {
            let joined = joined.await?;
            Bot::enter(joined, settings.tracks(number), settings.peer(clock, number)).await
        }
    });
    let outcomes: Vec<Result<Bot, BotError>> =
        entering.buffered(settings.joining_at_once.max(1)).collect().await;
    let (mut bots, mut failures) = (Vec::new(), Vec::new());
    for (number, outcome) in outcomes.into_iter().enumerate() {
        match outcome {
            Ok(bot) => bots.push(bot),
            Err(error) => failures.push(format!("bot {number} did not get in: {error}")),
        }
    }
    if bots.is_empty() {
        return Err(ScenarioError::NobodyIn(failures.into_iter().next().unwrap_or_default()));
    }
    Ok((bots, failures))
}

async fn everybody_has_begun(bots: &[Bot], due: usize) -> Result<(), String> {
    let deadline = Instant::now() + BEGIN_TIMEOUT;
    loop {
        let progress = progress_of_all(bots, None).await;
        let waiting = progress.iter().filter(|it| it.begun < due).count();
        if waiting == 0 {
            return Ok(());
        }
        if Instant::now() > deadline {
            return Err(format!(
                "{waiting} bots have not received everybody's media within {BEGIN_TIMEOUT:?}"
            ));
        }
        tokio::time::sleep(POLL).await;
    }
}

/// A bot that has ended has no progress; its end is reported when it is asked to finish.
async fn progress_of_all(bots: &[Bot], sent: Option<&Sent>) -> Vec<Progress> {
    let mut all = Vec::with_capacity(bots.len());
    for bot in bots {
        all.push(bot.progress(sent.cloned()).await.unwrap_or_default());
    }
    all
}

struct Measurement {
    at: Instant,
    cpu: Duration,
    received: u64,
}

impl Measurement {
    async fn begin(bots: &[Bot], pids: &[u32]) -> Self {
        let received = progress_of_all(bots, None).await.iter().map(|it| it.received).sum();
        Self { at: Instant::now(), cpu: server::cpu_time(pids), received }
    }

    async fn end(self, bots: &[Bot], pids: &[u32]) -> Option<Server> {
        let now = Self::begin(bots, pids).await;
        let cpu = now.cpu.saturating_sub(self.cpu);
        (!pids.is_empty())
            .then(|| Server::new(cpu, now.at - self.at, now.received.saturating_sub(self.received)))
    }
}

async fn stop_all(bots: &[Bot], failures: &mut Vec<String>) -> Sent {
    let mut sent = HashMap::new();
    for (number, bot) in bots.iter().enumerate() {
        match bot.stop_publishing().await {
            Ok(tracks) => sent.extend(tracks),
            Err(error) => failures.push(format!("bot {number}: {error}")),
        }
    }
    Arc::new(sent)
}

/// Waits for what is still on the way.
async fn settle(bots: &[Bot], sent: &Sent) {
    let deadline = Instant::now() + SETTLE_TIMEOUT;
    while Instant::now() < deadline {
        if progress_of_all(bots, Some(sent)).await.iter().all(|it| it.outstanding == 0) {
            return;
        }
        tokio::time::sleep(POLL).await;
    }
}

async fn finish_all(bots: Vec<Bot>, sent: Sent) -> (Vec<BotRecord>, Vec<String>) {
    let (mut records, mut failures) = (Vec::new(), Vec::new());
    for (number, bot) in bots.into_iter().enumerate() {
        match bot.finish(sent.clone()).await {
            Ok(record) => records.push(record),
            Err(error) => failures.push(format!("bot {number} at the end: {error}")),
        }
    }
    (records, failures)
}
