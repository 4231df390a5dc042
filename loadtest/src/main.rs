//! `plenum-loadtest`: the command line around the scenarios. Exits 1 when a run is bad, 2 when there was none.

use clap::{Args, Parser, Subcommand};
use plenum_loadtest::{
    network::Conditions,
    scenario::{
        EventsSettings, MediaSettings, MeetingSettings, ScenarioError, SfuSettings, SignallingSettings,
        events, meeting, sfu, signalling,
    },
    signal::node::LaunchSettings,
};
use serde::Serialize;
use std::{fmt::Display, io::Write, net::Ipv4Addr, path::PathBuf, process::ExitCode, time::Duration};

/// Bots that join, talk and account for every packet.
#[derive(Debug, Parser)]
#[command(name = "plenum-loadtest", version)]
struct Cli {
    #[command(subcommand)]
    scenario: Scenario,
    /// Print JSON instead of text.
    #[arg(long, global = true)]
    json: bool,
    /// Log filter, to standard error.
    #[arg(long, global = true, env = "LOG", default_value = "warn")]
    log: String,
}

#[derive(Debug, Subcommand)]
enum Scenario {
    /// A meeting on a running product: everybody publishes and subscribes to everybody.
    Meeting {
        #[command(flatten)]
        server: ServerArgs,
        #[command(flatten)]
        media: MediaArgs,
        /// Processes whose CPU time is measured, with their children.
        #[arg(long = "pid")]
        pids: Vec<u32>,
    },
    /// The same on a bare media node that is started for it.
    Sfu {
        /// The plenum-sfu program.
        #[arg(long, env = "PLENUM_SFU_BIN", default_value = "target/release/plenum-sfu")]
        program: PathBuf,
        #[arg(long, default_value_t = 1)]
        workers: usize,
        /// Log filter of the node.
        #[arg(long, default_value = "warn")]
        node_log: String,
        #[command(flatten)]
        media: MediaArgs,
    },
    /// What events and connections cost the server, beside a stock Node server.
    Events {
        /// The plenum program.
        #[arg(long, default_value = "target/release/plenum")]
        program: PathBuf,
        /// Measure on PostgreSQL too: the URL of an empty database.
        #[arg(long)]
        postgres: Option<String>,
        /// The Node server's folder (`npm ci` there first); without it ours is measured alone.
        #[arg(long)]
        node: Option<PathBuf>,
        /// Accounts, and how many join one room at once.
        #[arg(long, default_value_t = 500)]
        people: usize,
        /// Sockets in the large room, and in all rooms of four together.
        #[arg(long, default_value_t = 1000)]
        sockets: usize,
        /// Idle connections.
        #[arg(long, default_value_t = 5000)]
        idle: usize,
        #[arg(long, default_value_t = 10.0)]
        seconds: f64,
        /// Events under way in the large room.
        #[arg(long, default_value_t = 8)]
        at_once: usize,
        /// REST requests of each kind.
        #[arg(long, default_value_t = 2000)]
        requests: usize,
    },
    /// Sockets, joins, chat and leaves without media.
    Signalling {
        #[command(flatten)]
        server: ServerArgs,
        /// Sockets in one meeting.
        #[arg(long, default_value_t = 50)]
        sockets: usize,
        /// Chat messages by each socket. The server allows 30 a minute unless its limits are off.
        #[arg(long, default_value_t = 10)]
        messages: usize,
    },
}

#[derive(Debug, Args)]
struct ServerArgs {
    #[arg(long, default_value = "http://127.0.0.1:4501")]
    url: String,
    /// An account that may create accounts.
    #[arg(long, default_value = "admin@demo.test")]
    admin_email: String,
    #[arg(long, env = "ADMIN_PASSWORD", default_value = "demo-password", hide_env_values = true)]
    admin_password: String,
}

#[derive(Debug, Args)]
struct MediaArgs {
    #[arg(long, default_value_t = 20)]
    bots: usize,
    /// How long everybody sends once everybody receives everybody.
    #[arg(long, default_value_t = 20.0)]
    seconds: f64,
    /// Publish audio. Neither --audio nor --video means both.
    #[arg(long)]
    audio: bool,
    /// Publish video.
    #[arg(long)]
    video: bool,
    /// Publish video in three layers.
    #[arg(long)]
    simulcast: bool,
    #[arg(long, default_value_t = 20)]
    fps: u32,
    /// Kilobits per second of the video, or of its largest layer.
    #[arg(long, default_value_t = 300)]
    video_kbps: u32,
    /// Share of datagrams lost in each direction of every bot.
    #[arg(long, default_value_t = 0.0)]
    loss: f64,
    /// One-way delay in each direction of every bot.
    #[arg(long, default_value_t = 0)]
    delay_ms: u64,
    /// Bots joining at the same time.
    #[arg(long, default_value_t = 4)]
    joining: usize,
    /// The same losses, SSRCs and sequence numbers for the same seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl MediaArgs {
    fn settings(&self) -> MediaSettings {
        let neither = !self.audio && !self.video && !self.simulcast;
        MediaSettings {
            bots: self.bots,
            duration: Duration::from_secs_f64(self.seconds),
            audio: self.audio || neither,
            video: self.video || self.simulcast || neither,
            simulcast: self.simulcast,
            frames_per_second: self.fps,
            video_bitrate_bps: self.video_kbps * 1000,
            conditions: Conditions { loss: self.loss, delay: Duration::from_millis(self.delay_ms) },
            joining_at_once: self.joining,
            seed: self.seed,
        }
    }
}

impl ServerArgs {
    fn settings(self, media: MediaSettings, pids: Vec<u32>) -> MeetingSettings {
        MeetingSettings {
            url: self.url,
            admin_email: self.admin_email,
            admin_password: self.admin_password,
            media,
            pids,
        }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    tracing_subscriber::fmt().with_env_filter(&cli.log).with_writer(std::io::stderr).init();
    match run(cli).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            // Standard error may be closed; the exit code says it too.
            let _ = writeln!(std::io::stderr(), "plenum-loadtest: {error}");
            ExitCode::from(2)
        }
    }
}

async fn run(cli: Cli) -> Result<bool, ScenarioError> {
    match cli.scenario {
        Scenario::Meeting { server, media, pids } => {
            let report = meeting(&server.settings(media.settings(), pids)).await?;
            print(&report, cli.json);
            Ok(report.is_good())
        }
        Scenario::Sfu { program, workers, node_log, media } => {
            let listen = Ipv4Addr::LOCALHOST.into();
            let node = LaunchSettings { program, workers, listen, log: node_log };
            let report = sfu(&SfuSettings { node, media: media.settings() }).await?;
            print(&report, cli.json);
            Ok(report.is_good())
        }
        Scenario::Events { program, postgres, node, people, sockets, idle, seconds, at_once, requests } => {
            let duration = Duration::from_secs_f64(seconds);
            let settings = EventsSettings {
                program,
                postgres,
                node,
                people,
                sockets,
                idle,
                duration,
                at_once,
                requests,
            };
            let report = events(&settings).await?;
            print(&report, cli.json);
            Ok(report.is_good())
        }
        Scenario::Signalling { server, sockets, messages } => {
            let media = MediaSettings { bots: sockets, ..MediaSettings::default() };
            let meeting = server.settings(media, Vec::new());
            let report = signalling(&SignallingSettings { meeting, messages }).await?;
            print(&report, cli.json);
            Ok(report.is_good())
        }
    }
}

fn print(report: &(impl Display + Serialize), as_json: bool) {
    let text = if as_json {
        serde_json::to_string_pretty(report).unwrap_or_else(|error| error.to_string())
    } else {
        report.to_string()
    };
    // A reader that went away has seen enough.
    let _ = writeln!(std::io::stdout(), "{text}");
}
