//! Options that all scenarios share: where, what, over which network, what is judged and what is written.

use super::MediaRun;
use clap::Args;
use plenum_loadtest::{
    network::Conditions,
    progress::Progress,
    report::Thresholds,
    scenario::{KneeSettings, MediaSettings, ProductSettings, RunSettings, Scenario, VenueSettings},
    signal::node::{AwaitSettings, LaunchSettings},
};
use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

/// A program that was built with this one.
pub fn beside_us(name: &str) -> PathBuf {
    std::env::current_exe().unwrap_or_default().with_file_name(name)
}

#[derive(Debug, Args)]
pub struct RunOptions {
    #[command(flatten)]
    server: ServerOptions,
    #[command(flatten)]
    node: NodeOptions,
    #[command(flatten)]
    media: MediaOptions,
    #[command(flatten)]
    course: CourseOptions,
    #[command(flatten)]
    network: NetworkOptions,
    #[command(flatten)]
    judged: JudgedOptions,
    /// Processes whose CPU time and memory are measured, with their children.
    #[arg(long = "pid")]
    pids: Vec<u32>,
    /// The URL of the media node's metrics (a product's: start it with SFU_HTTP): what each worker sent, passed on to others
    /// and dropped. A bare node on this machine is found.
    #[arg(long)]
    metrics: Option<String>,
    /// Write the report as a page with plots.
    #[arg(long)]
    html: Option<PathBuf>,
    /// No line a second on standard error.
    #[arg(long)]
    quiet: bool,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "The product")]
pub struct ServerOptions {
    #[arg(long, default_value = "http://127.0.0.1:4501")]
    url: String,
    /// An account that may create accounts.
    #[arg(long, default_value = "admin@demo.test")]
    admin_email: String,
    #[arg(long, env = "ADMIN_PASSWORD", default_value = "demo-password", hide_env_values = true)]
    admin_password: String,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "A bare node")]
struct NodeOptions {
    /// On a media node without a control plane, which is started for it.
    #[arg(long)]
    bare: bool,
    /// The plenum-sfu program [default: beside this one].
    #[arg(long, env = "PLENUM_SFU_BIN", default_value_os_t = beside_us("plenum-sfu"), hide_default_value = true)]
    program: PathBuf,
    #[arg(long, default_value_t = 1)]
    workers: usize,
    /// Log filter of the node.
    #[arg(long, default_value = "warn")]
    node_log: String,
    /// Do not start a node but wait at this address for one that somebody else starts (also on another machine, with
    /// `SFU_AUDIO_LAST_N=0 SFU_VIDEO_LAST_N=0`). What to start it with is printed.
    #[arg(long, requires = "link_files")]
    wait_at: Option<SocketAddr>,
    /// Where the certificates of such a node are put: an existing folder.
    #[arg(long)]
    link_files: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "What is published")]
struct MediaOptions {
    /// Audio. None of the three means audio and simulcast.
    #[arg(long)]
    audio: bool,
    /// Video in one layer.
    #[arg(long)]
    video: bool,
    /// Video in three layers, the largest 720p.
    #[arg(long)]
    simulcast: bool,
    #[arg(long, default_value_t = 25, value_parser = clap::value_parser!(u32).range(1..=240))]
    fps: u32,
    /// Of the video, or of its largest layer; 1500 with three layers, else 300.
    #[arg(long)]
    video_kbps: Option<u32>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "The run")]
struct CourseOptions {
    /// How long is measured, once everybody is in and receives.
    #[arg(long, default_value = "20", value_parser = seconds)]
    seconds: Duration,
    /// Over how long people come; 0: as fast as --joining lets them.
    #[arg(long, default_value = "0", value_parser = seconds)]
    ramp_s: Duration,
    /// Joining at the same time.
    #[arg(long, default_value_t = 4)]
    joining: usize,
    /// Only so many of those who watch take every packet apart; the others count by numbers, open one packet in 64 and cost
    /// far less than the server, so that one machine can show its limit.
    #[arg(long, conflicts_with_all = ["loss", "delay_ms", "jitter_ms", "rate_kbps"])]
    light_after: Option<usize>,
    /// The same losses, SSRCs and sequence numbers for the same seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The product leaves nothing out on purpose (SFU_AUDIO_LAST_N=0 SFU_VIDEO_LAST_N=0): what is not forwarded is lost.
    /// A bare node that is started here is told so.
    #[arg(long)]
    every_packet: bool,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "The network of each bot, in each direction")]
struct NetworkOptions {
    /// Share of datagrams lost.
    #[arg(long, default_value_t = 0.0, value_parser = share)]
    loss: f64,
    #[arg(long, default_value_t = 0)]
    delay_ms: u64,
    /// At most so much more, evenly spread.
    #[arg(long, default_value_t = 0)]
    jitter_ms: u64,
    /// What passes.
    #[arg(long)]
    rate_kbps: Option<u64>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "What makes a run bad (exit code 1)")]
struct JudgedOptions {
    /// Share of packets lost. Without it any lost packet is bad, unless the network loses some.
    #[arg(long, value_parser = share)]
    max_loss: Option<f64>,
    /// End-to-end delay.
    #[arg(long)]
    max_p50_ms: Option<f64>,
    #[arg(long)]
    max_p99_ms: Option<f64>,
    /// Join to first media.
    #[arg(long)]
    max_join_p99_ms: Option<f64>,
    /// Of the processes under test, for each forwarded packet.
    #[arg(long)]
    max_cpu_us_per_packet: Option<f64>,
    #[arg(long)]
    max_memory_mb: Option<f64>,
    /// Chat message to its being heard.
    #[arg(long)]
    max_chat_p99_ms: Option<f64>,
    /// Raise the load until a threshold breaks and say where; by default those of --max-loss 0.001 --max-p99-ms 50.
    #[arg(long)]
    find_knee: bool,
    /// The largest load that is tried.
    #[arg(long, default_value_t = 1000)]
    knee_most: usize,
}

/// Nothing takes longer than a day.
const SECONDS_MAX: f64 = 86_400.0;
/// Far more than any server takes.
const RATE_MAX: f64 = 1e6;

/// A time in seconds.
pub fn seconds(text: &str) -> Result<Duration, String> {
    number(text, |it| (0.0..=SECONDS_MAX).contains(&it), "seconds from 0 to 86400")
        .map(Duration::from_secs_f64)
}

/// How often something happens in a second.
pub fn rate(text: &str) -> Result<f64, String> {
    number(text, |it| it > 0.0 && it <= RATE_MAX, "a number above 0 and up to 1000000")
}

/// A part of something.
fn share(text: &str) -> Result<f64, String> {
    number(text, |it| (0.0..=1.0).contains(&it), "a number from 0 to 1")
}

fn number(text: &str, is_good: impl Fn(f64) -> bool, wanted: &str) -> Result<f64, String> {
    text.parse().ok().filter(|it| is_good(*it)).ok_or_else(|| format!("expected {wanted}"))
}

impl RunOptions {
    /// As if `--bare` had been given.
    pub fn on_a_bare_node(mut self) -> Self {
        self.node.bare = true;
        self
    }

    pub fn run_of(self, scenario: Scenario) -> MediaRun {
        let Self { server, node, media, course, network, judged, pids, metrics, html, quiet } = self;
        let venue = node.venue(server, pids);
        let node_environment = match &venue {
            VenueSettings::AwaitedNode(settings, _) => settings.environment(),
            VenueSettings::Product(_) | VenueSettings::Node(_) => Vec::new(),
        };
        let conditions = network.conditions();
        // Less than everything is forwarded on purpose to whoever has not room for it.
        let every_packet =
            conditions.rate_bps.is_none() && (course.every_packet || matches!(venue, VenueSettings::Node(_)));
        let knee = judged
            .find_knee
            .then(|| KneeSettings { from: scenario.load().max(1.0) as usize, most: judged.knee_most });
        let settings = RunSettings {
            venue,
            scenario,
            media: media.settings(),
            duration: course.seconds,
            overtime: Duration::ZERO,
            ramp: course.ramp_s,
            joining_at_once: course.joining,
            conditions,
            seed: course.seed,
            every_packet,
            light_after: course.light_after,
            thresholds: judged.thresholds(),
            metrics,
            progress: if quiet { Progress::Silent } else { Progress::of_standard_error() },
        };
        MediaRun { settings, knee, page: html, node_environment }
    }
}

impl ServerOptions {
    pub fn settings(self, pids: Vec<u32>) -> ProductSettings {
        let Self { url, admin_email, admin_password } = self;
        ProductSettings { url, admin_email, admin_password, pids }
    }
}

impl NodeOptions {
    fn venue(self, server: ServerOptions, pids: Vec<u32>) -> VenueSettings {
        let Self { bare, program, workers, node_log: log, wait_at, link_files } = self;
        match (wait_at, link_files) {
            (Some(listen), Some(directory)) => {
                VenueSettings::AwaitedNode(AwaitSettings { listen, directory }, pids)
            }
            _ if bare => {
                let listen = Ipv4Addr::LOCALHOST.into();
                VenueSettings::Node(LaunchSettings { program, workers, listen, log })
            }
            _ => VenueSettings::Product(server.settings(pids)),
        }
    }
}

impl MediaOptions {
    fn settings(&self) -> MediaSettings {
        let neither = !self.audio && !self.video && !self.simulcast;
        let simulcast = self.simulcast || neither;
        let kbps = self.video_kbps.unwrap_or(if simulcast { 1500 } else { 300 });
        MediaSettings {
            audio: self.audio || neither,
            video: self.video || simulcast,
            simulcast,
            frames_per_second: self.fps,
            video_bitrate_bps: kbps.saturating_mul(1000),
        }
    }
}

impl NetworkOptions {
    fn conditions(&self) -> Conditions {
        Conditions {
            loss: self.loss,
            delay: Duration::from_millis(self.delay_ms),
            jitter: Duration::from_millis(self.jitter_ms),
            rate_bps: self.rate_kbps.map(|kbps| kbps.saturating_mul(1000)),
        }
    }
}

impl JudgedOptions {
    fn thresholds(&self) -> Thresholds {
        Thresholds {
            max_loss: self.max_loss,
            max_p50_ms: self.max_p50_ms,
            max_p99_ms: self.max_p99_ms,
            max_join_p99_ms: self.max_join_p99_ms,
            max_cpu_us_per_packet: self.max_cpu_us_per_packet,
            max_memory_mb: self.max_memory_mb,
            max_chat_p99_ms: self.max_chat_p99_ms,
        }
    }
}
