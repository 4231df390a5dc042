//! The command line, read into the settings of what is to be done.

mod options;

use clap::{Parser, Subcommand};
use options::{RunOptions, ServerOptions, beside_us, rate, seconds};
use plenum_loadtest::scenario::{EventsSettings, KneeSettings, RunSettings, Scenario, SignallingSettings};
use std::{path::PathBuf, time::Duration};

/// Bots that join, talk and account for every packet.
#[derive(Debug, Parser)]
#[command(name = "plenum-loadtest", version)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Asked,
    /// Print JSON instead of text.
    #[arg(long, global = true)]
    pub json: bool,
    /// Log filter, to standard error.
    #[arg(long, global = true, env = "LOG", default_value = "warn")]
    pub log: String,
}

/// What there is to do.
#[derive(Debug)]
pub enum Command {
    Media(Box<MediaRun>),
    Events(EventsSettings),
    Signalling(SignallingSettings),
}

/// A scenario with media or chat, once or with one load after the other.
#[derive(Debug)]
pub struct MediaRun {
    pub settings: RunSettings,
    pub knee: Option<KneeSettings>,
    /// Where the report is written as a page.
    pub page: Option<PathBuf>,
    /// What somebody has to start the node with.
    pub node_environment: Vec<(&'static str, String)>,
}

#[derive(Debug, Subcommand)]
pub enum Asked {
    /// A few speak, everybody listens.
    AudioRoom {
        #[arg(long, visible_alias = "people", default_value_t = 100)]
        listeners: usize,
        #[arg(long, default_value_t = 10)]
        speakers: usize,
        #[command(flatten)]
        options: RunOptions,
    },
    /// Everybody publishes and watches everybody in a gallery.
    Meeting {
        #[arg(long, visible_alias = "bots", default_value_t = 20)]
        people: usize,
        #[command(flatten)]
        options: RunOptions,
    },
    /// One publishes, everybody else watches.
    Livestream {
        #[arg(long, visible_alias = "people", default_value_t = 100)]
        viewers: usize,
        #[command(flatten)]
        options: RunOptions,
    },
    /// Many meetings of four.
    SmallRooms {
        #[arg(long, default_value_t = 10)]
        rooms: usize,
        #[command(flatten)]
        options: RunOptions,
    },
    /// A meeting that people come to and leave all the time.
    Churn {
        /// Those who stay.
        #[arg(long, default_value_t = 10)]
        people: usize,
        #[arg(long, default_value_t = 2.0, value_parser = rate)]
        joins_per_second: f64,
        /// How long those who come stay.
        #[arg(long, default_value = "5", value_parser = seconds)]
        stay_s: Duration,
        #[command(flatten)]
        options: RunOptions,
    },
    /// Everybody writes in the chat.
    ChatStorm {
        #[arg(long, default_value_t = 50)]
        people: usize,
        /// All together. The server allows each of them 30 a minute unless its limits are off.
        #[arg(long, default_value_t = 50.0, value_parser = rate)]
        messages_per_second: f64,
        #[command(flatten)]
        options: RunOptions,
    },
    /// The meeting on a bare media node that is started for it: `meeting --bare`.
    Sfu {
        #[arg(long, visible_alias = "bots", default_value_t = 20)]
        people: usize,
        #[command(flatten)]
        options: RunOptions,
    },
    /// What events and connections cost the server, beside a stock Node server.
    Events {
        /// The plenum program [default: beside this one].
        #[arg(long, default_value_os_t = beside_us("plenum"), hide_default_value = true)]
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
        #[arg(long, default_value = "10", value_parser = seconds)]
        seconds: Duration,
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
        server: ServerOptions,
        /// Sockets in one meeting.
        #[arg(long, default_value_t = 50)]
        sockets: usize,
        /// Chat messages by each socket. The server allows 30 a minute unless its limits are off.
        #[arg(long, default_value_t = 10)]
        messages: usize,
    },
}

impl Asked {
    /// What that means.
    pub fn run(self) -> Command {
        let media = |scenario, options: RunOptions| Command::Media(Box::new(options.run_of(scenario)));
        match self {
            Self::AudioRoom { listeners, speakers, options } => {
                media(Scenario::AudioRoom { listeners, speakers }, options)
            }
            Self::Meeting { people, options } => media(Scenario::Meeting { people }, options),
            Self::Livestream { viewers, options } => media(Scenario::Livestream { viewers }, options),
            Self::SmallRooms { rooms, options } => media(Scenario::SmallRooms { rooms }, options),
            Self::Churn { people, joins_per_second: per_second, stay_s: stay, options } => {
                media(Scenario::Churn { per_second, people, stay }, options)
            }
            Self::ChatStorm { people, messages_per_second: per_second, options } => {
                media(Scenario::ChatStorm { per_second, people }, options)
            }
            Self::Sfu { people, options } => media(Scenario::Meeting { people }, options.on_a_bare_node()),
            Self::Events {
                program,
                postgres,
                node,
                people,
                sockets,
                idle,
                seconds: duration,
                at_once,
                requests,
            } => Command::Events(EventsSettings {
                program,
                postgres,
                node,
                people,
                sockets,
                idle,
                duration,
                at_once,
                requests,
            }),
            Self::Signalling { server, sockets, messages } => {
                let product = server.settings(Vec::new());
                Command::Signalling(SignallingSettings { product, sockets, messages })
            }
        }
    }
}
