//! Settings, parsed once into types that cannot be wrong afterwards.
//!
//! Every setting is an environment variable and a flag of the same name. A wrong one ends the process with exit code 2
//! and one line that names it.

mod interfaces;

use clap::Parser;
use plenum_shared::id::NodeId;
use std::{
    fs, io,
    net::{IpAddr, SocketAddr},
    ops::RangeInclusive,
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};
use thiserror::Error;
use tracing_subscriber::EnvFilter;

use crate::{
    engine::{limits::Limits, router::hearing::LastN, transport::sctp::DataRate},
    worker::socket::Sending,
};

/// More workers than cores of any machine we know only cost memory.
const WORKERS_MAX: usize = 256;
/// Sockets of one worker: the engine names them by a byte, and each takes buffers in the kernel.
pub const LISTEN_MAX: usize = 64;
/// Below this one full message would silence its sender for minutes; above it one client could fill a link.
const DATA_BYTES_PER_S: RangeInclusive<u32> = 1024..=125_000_000;
const DATA_MESSAGES_PER_S: RangeInclusive<u32> = 1..=100_000;
const FRAME_PATIENCE_US: RangeInclusive<u32> = 0..=20_000;

/// Media node of Plenum: forwards audio and video between the members of a room.
#[derive(Parser, Clone, Debug, Default)]
#[command(name = "plenum-sfu", version)]
pub struct Settings {
    /// Where control's link listens, as host:port.
    #[arg(long = "control", env = "SFU_CONTROL")]
    pub control: Option<String>,
    /// PEM file with the certificate of the authority that signs link certificates.
    #[arg(long = "link-ca", env = "SFU_LINK_CA")]
    pub link_ca: Option<PathBuf>,
    /// PEM file with the certificate of this node.
    #[arg(long = "link-cert", env = "SFU_LINK_CERT")]
    pub link_cert: Option<PathBuf>,
    /// PEM file with the key of this node.
    #[arg(long = "link-key", env = "SFU_LINK_KEY")]
    pub link_key: Option<PathBuf>,
    /// UUID of this node, stable over its restarts.
    #[arg(long = "node-id", env = "SFU_NODE_ID")]
    pub node_id: Option<String>,
    /// File that keeps the UUID of this node; made when it does not exist.
    #[arg(long = "node-id-file", env = "SFU_NODE_ID_FILE")]
    pub node_id_file: Option<PathBuf>,
    /// Threads that forward media [default: one per core].
    #[arg(long = "workers", env = "SFU_WORKERS")]
    pub workers: Option<String>,
    /// Comma separated IP addresses to receive media on [default: those of every interface].
    #[arg(long = "listen", env = "SFU_LISTEN")]
    pub listen: Option<String>,
    /// Comma separated IP addresses shown to clients instead of the listening ones of the same IP version.
    #[arg(long = "announced", env = "SFU_ANNOUNCED")]
    pub announced: Option<String>,
    /// UDP port of the first worker; worker n uses the n-th after it. 0 lets the kernel pick [default: 0].
    #[arg(long = "media-port", env = "SFU_MEDIA_PORT")]
    pub media_port: Option<String>,
    /// on or off: whether clients whose network lets no UDP out may connect by TCP, on the same ports [default: on].
    #[arg(long = "tcp", env = "SFU_TCP")]
    pub tcp: Option<String>,
    /// How datagrams are handed to the kernel: grouped, batched (one datagram a message) or single (one a call) [default: grouped].
    #[arg(long = "send", env = "SFU_SEND")]
    pub send: Option<String>,
    /// Where /metrics, /healthz and /readyz are served [default: 127.0.0.1:0].
    #[arg(long = "http", env = "SFU_HTTP")]
    pub http: Option<String>,
    /// Microphones of one group that are forwarded at a time, the loudest; 0 is all [default: 3].
    #[arg(long = "audio-last-n", env = "SFU_AUDIO_LAST_N")]
    pub audio_last_n: Option<String>,
    /// Cameras of one group that are forwarded at a time, those of recent speakers; 0 is all [default: 25].
    #[arg(long = "video-last-n", env = "SFU_VIDEO_LAST_N")]
    pub video_last_n: Option<String>,
    /// Bytes a second that one client may send by data channels; above it, it waits [default: 262144].
    #[arg(long = "data-bytes-per-s", env = "SFU_DATA_BYTES_PER_S")]
    pub data_bytes_per_s: Option<String>,
    /// Messages a second that one client may send by data channels; above it, it waits [default: 100].
    #[arg(long = "data-messages-per-s", env = "SFU_DATA_MESSAGES_PER_S")]
    pub data_messages_per_s: Option<String>,
    /// How many microseconds the first packets of a video frame wait for its last one at most, so that they leave together;
    /// 0 to 20000 [default: 1000].
    #[arg(long = "frame-patience-us", env = "SFU_FRAME_PATIENCE_US")]
    pub frame_patience_us: Option<String>,
    /// Exit after so many seconds without control; 0 is never [default: 0].
    #[arg(long = "orphan-timeout-s", env = "SFU_ORPHAN_TIMEOUT_S")]
    pub orphan_timeout_s: Option<String>,
    /// File that is locked, and holds the process id, while the node runs.
    #[arg(long = "lock-file", env = "SFU_LOCK_FILE")]
    pub lock_file: Option<PathBuf>,
    /// Log filter, for example info or plenum_sfu=debug [default: info].
    #[arg(long = "log", env = "LOG")]
    pub log: Option<String>,
    /// text or json [default: text].
    #[arg(long = "log-format", env = "LOG_FORMAT")]
    pub log_format: Option<String>,
}

/// A setting that cannot be used.
#[derive(Debug, Error)]
#[error("{setting}: {reason}")]
pub struct ConfigError {
    /// The environment variable.
    pub setting: &'static str,
    pub reason: String,
}

/// What the node runs with.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to dial: host and port, resolved anew for every attempt.
    pub control: String,
    pub identity: LinkFiles,
    pub node: NodeId,
    pub workers: usize,
    pub listen: Listen,
    /// Empty: the listening addresses are shown to clients.
    pub announced: Vec<IpAddr>,
    /// 0: the kernel picks.
    pub media_port: u16,
    /// ICE-TCP on the media ports.
    pub tcp: bool,
    /// How datagrams are handed to the kernel.
    pub sending: Sending,
    pub http: SocketAddr,
    /// How many microphones and cameras of a group are forwarded at a time.
    pub last_n: LastN,
    /// How much one client may send by data channels.
    pub data_rate: DataRate,
    /// How long the first packets of a frame wait for the last one.
    pub frame_patience: Duration,
    /// How long to live without control; `None` is for ever.
    pub orphan_timeout: Option<Duration>,
    pub lock_file: Option<PathBuf>,
    pub log: LogConfig,
}

/// Where the node's TLS identity lies; read and checked when the link is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkFiles {
    pub authority: PathBuf,
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// Addresses to receive media on, best first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    pub addresses: Vec<IpAddr>,
    /// Asked for by name: one that cannot be bound is an error. Found on interfaces: it is left out.
    pub explicit: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogConfig {
    /// Directives of `tracing_subscriber::EnvFilter`, checked.
    pub filter: String,
    pub format: LogFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}

impl Config {
    /// Checks all settings. Reads the node id file, or makes it; touches nothing else.
    ///
    /// # Errors
    /// The first setting that cannot be used.
    pub fn from_settings(settings: Settings) -> Result<Self, ConfigError> {
        let announced = addresses("SFU_ANNOUNCED", settings.announced.as_deref())?.unwrap_or_default();
        Ok(Self {
            control: control(settings.control)?,
            identity: LinkFiles {
                authority: needed("SFU_LINK_CA", settings.link_ca)?,
                certificate: needed("SFU_LINK_CERT", settings.link_cert)?,
                key: needed("SFU_LINK_KEY", settings.link_key)?,
            },
            workers: workers(settings.workers.as_deref())?,
            listen: listen(settings.listen.as_deref(), &announced)?,
            announced,
            media_port: parsed("SFU_MEDIA_PORT", settings.media_port.as_deref(), "a port")?.unwrap_or(0),
            tcp: switch("SFU_TCP", settings.tcp.as_deref(), true)?,
            sending: sending(settings.send.as_deref())?,
            http: parsed("SFU_HTTP", settings.http.as_deref(), "an address with a port")?
                .unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0))),
            last_n: last_n(settings.audio_last_n.as_deref(), settings.video_last_n.as_deref())?,
            frame_patience: frame_patience(settings.frame_patience_us.as_deref())?,
            data_rate: data_rate(
                settings.data_bytes_per_s.as_deref(),
                settings.data_messages_per_s.as_deref(),
            )?,
            orphan_timeout: parsed("SFU_ORPHAN_TIMEOUT_S", settings.orphan_timeout_s.as_deref(), "seconds")?
                .filter(|seconds| *seconds > 0)
                .map(Duration::from_secs),
            lock_file: settings.lock_file,
            log: log(settings.log, settings.log_format.as_deref())?,
            node: node(settings.node_id.as_deref(), settings.node_id_file.as_deref())?,
        })
    }
}

fn wrong(setting: &'static str, reason: impl Into<String>) -> ConfigError {
    ConfigError { setting, reason: reason.into() }
}

fn needed<T>(setting: &'static str, value: Option<T>) -> Result<T, ConfigError> {
    value.ok_or_else(|| wrong(setting, "is needed"))
}

/// An empty variable counts as one that is not set, as in a compose file with a blank value.
fn given(value: Option<&str>) -> Option<&str> {
    value.map(str::trim).filter(|value| !value.is_empty())
}

fn parsed<T: FromStr>(
    setting: &'static str,
    value: Option<&str>,
    what: &str,
) -> Result<Option<T>, ConfigError> {
    let Some(value) = given(value) else { return Ok(None) };
    value.parse().map(Some).map_err(|_| wrong(setting, format!("`{value}` is not {what}")))
}

fn switch(setting: &'static str, value: Option<&str>, default: bool) -> Result<bool, ConfigError> {
    match given(value) {
        None => Ok(default),
        Some("on") => Ok(true),
        Some("off") => Ok(false),
        Some(other) => Err(wrong(setting, format!("`{other}` is neither on nor off"))),
    }
}

fn control(value: Option<String>) -> Result<String, ConfigError> {
    let value = needed("SFU_CONTROL", value)?;
    let (host, port) = value.rsplit_once(':').unwrap_or((&value, ""));
    if host.is_empty() || !port.parse::<u16>().is_ok_and(|port| port > 0) {
        return Err(wrong("SFU_CONTROL", format!("`{value}` is not host:port")));
    }
    Ok(value)
}

fn workers(value: Option<&str>) -> Result<usize, ConfigError> {
    let cores = || std::thread::available_parallelism().map_or(1, usize::from).min(WORKERS_MAX);
    let workers = parsed("SFU_WORKERS", value, "a number")?.unwrap_or_else(cores);
    if (1..=WORKERS_MAX).contains(&workers) {
        Ok(workers)
    } else {
        Err(wrong("SFU_WORKERS", format!("`{workers}` is not between 1 and {WORKERS_MAX}")))
    }
}

fn sending(value: Option<&str>) -> Result<Sending, ConfigError> {
    match given(value) {
        None | Some("grouped") => Ok(Sending::Grouped),
        Some("batched") => Ok(Sending::Batched),
        Some("single") => Ok(Sending::Single),
        Some(other) => Err(wrong("SFU_SEND", format!("`{other}` is neither grouped nor batched nor single"))),
    }
}

fn last_n(audio: Option<&str>, video: Option<&str>) -> Result<LastN, ConfigError> {
    let default = Limits::default().last_n;
    Ok(LastN {
        audio: parsed("SFU_AUDIO_LAST_N", audio, "a number")?.unwrap_or(default.audio),
        video: parsed("SFU_VIDEO_LAST_N", video, "a number")?.unwrap_or(default.video),
    })
}

fn data_rate(bytes: Option<&str>, messages: Option<&str>) -> Result<DataRate, ConfigError> {
    let default = Limits::default().data_rate;
    Ok(DataRate {
        bytes_per_second: within("SFU_DATA_BYTES_PER_S", bytes, default.bytes_per_second, DATA_BYTES_PER_S)?,
        messages_per_second: within(
            "SFU_DATA_MESSAGES_PER_S",
            messages,
            default.messages_per_second,
            DATA_MESSAGES_PER_S,
        )?,
    })
}

fn frame_patience(value: Option<&str>) -> Result<Duration, ConfigError> {
    let default = Limits::default().frame_patience.as_micros() as u32;
    let micros = within("SFU_FRAME_PATIENCE_US", value, default, FRAME_PATIENCE_US)?;
    Ok(Duration::from_micros(micros.into()))
}

fn within(
    setting: &'static str,
    value: Option<&str>,
    default: u32,
    bounds: RangeInclusive<u32>,
) -> Result<u32, ConfigError> {
    let number = parsed(setting, value, "a number")?.unwrap_or(default);
    if bounds.contains(&number) {
        return Ok(number);
    }
    Err(wrong(setting, format!("`{number}` is not between {} and {}", bounds.start(), bounds.end())))
}

fn addresses(setting: &'static str, value: Option<&str>) -> Result<Option<Vec<IpAddr>>, ConfigError> {
    let Some(value) = given(value) else { return Ok(None) };
    let list: Vec<IpAddr> = value
        .split(',')
        .map(|one| parsed(setting, Some(one), "an IP address")?.ok_or_else(|| wrong(setting, "has a gap")))
        .collect::<Result<_, _>>()?;
    if list.len() > LISTEN_MAX {
        return Err(wrong(setting, format!("has more than {LISTEN_MAX} addresses")));
    }
    Ok(Some(list))
}

fn listen(value: Option<&str>, announced: &[IpAddr]) -> Result<Listen, ConfigError> {
    let setting = "SFU_LISTEN";
    let Some(mut listed) = addresses(setting, value)? else {
        let found = interfaces::addresses().map_err(|error| wrong(setting, error.to_string()))?;
        return Ok(Listen { addresses: found.into_iter().take(LISTEN_MAX).collect(), explicit: false });
    };
    for (index, address) in listed.iter().enumerate() {
        if listed[..index].contains(address) {
            return Err(wrong(setting, format!("{address} is listed twice")));
        }
        let has_announced = announced.iter().any(|one| one.is_ipv4() == address.is_ipv4());
        if address.is_unspecified() && !has_announced {
            return Err(wrong(
                setting,
                format!("{address} is no address a client can reach: set SFU_ANNOUNCED"),
            ));
        }
    }
    listed.sort_by_key(IpAddr::is_loopback);
    Ok(Listen { addresses: listed, explicit: true })
}

fn log(filter: Option<String>, format: Option<&str>) -> Result<LogConfig, ConfigError> {
    let filter = given(filter.as_deref()).unwrap_or("info").to_owned();
    EnvFilter::try_new(&filter).map_err(|error| wrong("LOG", error.to_string()))?;
    let format = match given(format) {
        None | Some("text") => LogFormat::Text,
        Some("json") => LogFormat::Json,
        Some(other) => return Err(wrong("LOG_FORMAT", format!("`{other}` is neither text nor json"))),
    };
    Ok(LogConfig { filter, format })
}

/// The id given, else the one in the file, else a new one that lasts as long as the file or the process.
fn node(id: Option<&str>, file: Option<&Path>) -> Result<NodeId, ConfigError> {
    if let Some(id) = parsed("SFU_NODE_ID", id, "a UUID")? {
        return Ok(id);
    }
    let Some(file) = file else { return Ok(NodeId::random()) };
    let setting = "SFU_NODE_ID_FILE";
    let failed = |error: io::Error| wrong(setting, format!("{}: {error}", file.display()));
    match fs::read_to_string(file) {
        Ok(text) => {
            let holds_none = || wrong(setting, format!("{} does not hold a UUID", file.display()));
            text.trim().parse().map_err(|_| holds_none())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let id = NodeId::random();
            fs::write(file, format!("{id}\n")).map_err(failed)?;
            Ok(id)
        }
        Err(error) => Err(failed(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minimal() -> Settings {
        Settings {
            control: Some("127.0.0.1:4000".into()),
            link_ca: Some("ca.pem".into()),
            link_cert: Some("node.pem".into()),
            link_key: Some("node.key".into()),
            listen: Some("127.0.0.1".into()),
            ..Settings::default()
        }
    }

    fn refused(settings: Settings) -> String {
        Config::from_settings(settings).expect_err("a wrong setting").to_string()
    }

    #[test]
    fn defaults_are_filled_in() {
        let config = Config::from_settings(minimal()).unwrap();
        assert!(config.workers >= 1);
        assert_eq!((config.media_port, config.tcp, config.orphan_timeout), (0, true, None));
        assert_eq!(config.http, SocketAddr::from(([127, 0, 0, 1], 0)));
        assert_eq!(config.log, LogConfig { filter: "info".into(), format: LogFormat::Text });
        assert_eq!(config.data_rate, DataRate { bytes_per_second: 262_144, messages_per_second: 100 });
        assert_eq!(config.frame_patience, Duration::from_millis(1));
    }

    #[test]
    fn a_rate_of_data_channels_is_set_by_bytes_and_by_messages() {
        let settings = Settings {
            data_bytes_per_s: Some("1024".into()),
            data_messages_per_s: Some("7".into()),
            ..minimal()
        };
        let rate = Config::from_settings(settings).unwrap().data_rate;
        assert_eq!(rate, DataRate { bytes_per_second: 1024, messages_per_second: 7 });
    }

    #[test]
    fn an_empty_variable_is_one_that_is_not_set() {
        let settings = Settings {
            workers: Some(String::new()),
            announced: Some(" ".into()),
            log_format: Some(String::new()),
            ..minimal()
        };
        assert_eq!(Config::from_settings(settings).unwrap().announced, Vec::<IpAddr>::new());
    }

    #[test]
    fn every_wrong_setting_is_named() {
        let some = |text: &str| Some(text.to_owned());
        let table = [
            (Settings { control: None, ..minimal() }, "SFU_CONTROL: is needed"),
            (Settings { control: some("host"), ..minimal() }, "SFU_CONTROL: `host` is not host:port"),
            (Settings { control: some(":1"), ..minimal() }, "SFU_CONTROL: `:1` is not host:port"),
            (Settings { link_ca: None, ..minimal() }, "SFU_LINK_CA: is needed"),
            (Settings { link_cert: None, ..minimal() }, "SFU_LINK_CERT: is needed"),
            (Settings { link_key: None, ..minimal() }, "SFU_LINK_KEY: is needed"),
            (Settings { node_id: some("x"), ..minimal() }, "SFU_NODE_ID: `x` is not a UUID"),
            (Settings { workers: some("0"), ..minimal() }, "SFU_WORKERS: `0` is not between 1 and 256"),
            (Settings { workers: some("two"), ..minimal() }, "SFU_WORKERS: `two` is not a number"),
            (
                Settings { listen: some("localhost"), ..minimal() },
                "SFU_LISTEN: `localhost` is not an IP address",
            ),
            (Settings { listen: some("127.0.0.1,"), ..minimal() }, "SFU_LISTEN: has a gap"),
            (Settings { listen: some("::1,::1"), ..minimal() }, "SFU_LISTEN: ::1 is listed twice"),
            (
                Settings { listen: some("0.0.0.0"), ..minimal() },
                "SFU_LISTEN: 0.0.0.0 is no address a client can reach: set SFU_ANNOUNCED",
            ),
            (Settings { announced: some("a"), ..minimal() }, "SFU_ANNOUNCED: `a` is not an IP address"),
            (Settings { audio_last_n: some("few"), ..minimal() }, "SFU_AUDIO_LAST_N: `few` is not a number"),
            (
                Settings { data_bytes_per_s: some("1023"), ..minimal() },
                "SFU_DATA_BYTES_PER_S: `1023` is not between 1024 and 125000000",
            ),
            (
                Settings { data_messages_per_s: some("0"), ..minimal() },
                "SFU_DATA_MESSAGES_PER_S: `0` is not between 1 and 100000",
            ),
            (
                Settings { frame_patience_us: some("20001"), ..minimal() },
                "SFU_FRAME_PATIENCE_US: `20001` is not between 0 and 20000",
            ),
            (Settings { media_port: some("70000"), ..minimal() }, "SFU_MEDIA_PORT: `70000` is not a port"),
            (Settings { tcp: some("yes"), ..minimal() }, "SFU_TCP: `yes` is neither on nor off"),
            (
                Settings { send: some("gso"), ..minimal() },
                "SFU_SEND: `gso` is neither grouped nor batched nor single",
            ),
            (Settings { http: some("9090"), ..minimal() }, "SFU_HTTP: `9090` is not an address with a port"),
            (
                Settings { orphan_timeout_s: some("-1"), ..minimal() },
                "SFU_ORPHAN_TIMEOUT_S: `-1` is not seconds",
            ),
            (Settings { log_format: some("xml"), ..minimal() }, "LOG_FORMAT: `xml` is neither text nor json"),
        ];
        for (settings, expected) in table {
            assert_eq!(refused(settings), expected);
        }
        assert!(refused(Settings { log: some("a=b=c"), ..minimal() }).starts_with("LOG: "));
    }

    #[test]
    fn a_wildcard_address_is_fine_once_a_reachable_one_is_announced() {
        let settings =
            Settings { listen: Some("0.0.0.0".into()), announced: Some("192.0.2.1".into()), ..minimal() };
        let config = Config::from_settings(settings).unwrap();
        assert_eq!(config.announced, ["192.0.2.1".parse::<IpAddr>().unwrap()]);
    }

    #[test]
    fn loopback_is_offered_last() {
        let settings = Settings { listen: Some("127.0.0.1,::1,192.0.2.1".into()), ..minimal() };
        let listen = Config::from_settings(settings).unwrap().listen;
        assert_eq!(listen.addresses[0], "192.0.2.1".parse::<IpAddr>().unwrap());
    }

    #[test]
    fn a_node_id_file_is_made_once_and_kept() {
        let directory = tempfile::tempdir().unwrap();
        let settings = || Settings { node_id_file: Some(directory.path().join("node.id")), ..minimal() };
        let first = Config::from_settings(settings()).unwrap().node;
        assert_eq!(Config::from_settings(settings()).unwrap().node, first);
        fs::write(directory.path().join("node.id"), "nonsense").unwrap();
        assert!(refused(settings()).ends_with("does not hold a UUID"));
    }
}
