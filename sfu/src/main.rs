//! Reads the settings, starts the workers and the link, waits for a reason to end, and drains.

use clap::Parser;
use nix::{
    fcntl::{Flock, FlockArg},
    sys::resource::{Resource, getrlimit, setrlimit},
};
use plenum_sfu::{
    config::{Config, ConfigError, Settings},
    engine::{Engine, EngineConfig, limits::Limits, transport::DtlsCertificate},
    link::{self, LinkConfig, LinkEnd},
    telemetry::{self, Observed},
    worker::pool::{Place, Pool},
};
use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    path::Path,
    process::ExitCode,
    sync::Arc,
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::oneshot,
};

/// A wrong setting, a taken port, another node at work: starting again changes nothing.
const EXIT_SETTINGS: u8 = 2;
/// More than all workers of a large machine can have connections.
const DESCRIPTORS_MAX: u64 = 1 << 20;
/// For the goodbyes of all peers. Whoever asked us to stop waits five seconds.
const DRAIN_DEADLINE: Duration = Duration::from_secs(3);

fn main() -> ExitCode {
    let settings = match Settings::try_parse() {
        Ok(settings) => settings,
        Err(error) => error.exit(),
    };
    match run(settings) {
        Ok(code) => code,
        Err(message) => {
            eprintln!("plenum-sfu: {message}");
            ExitCode::from(EXIT_SETTINGS)
        }
    }
}

/// # Errors
/// One line for the person who started us.
fn run(settings: Settings) -> Result<ExitCode, String> {
    let config = Config::from_settings(settings).map_err(|error| error.to_string())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    // Before anything that others can see, so that whoever sees us can also stop us.
    let signals = runtime.block_on(async { Signals::catch() }).map_err(|error| error.to_string())?;
    let _lock = config.lock_file.as_deref().map(lock).transpose().map_err(|error| error.to_string())?;
    let client = link::tls::client_config(&config.identity).map_err(|error| error.to_string())?;
    let http = telemetry::bind_http(config.http)
        .map_err(|error| format!("HTTP address {}: {error} (SFU_HTTP)", config.http))?;
    let http_address = http.local_addr().map_err(|error| error.to_string())?;
    telemetry::start_logging(&config.log);

    raise_descriptor_limit();
    let pool = Arc::new(start_workers(&config)?);
    tracing::info!(
        node = %config.node,
        workers = config.workers,
        http = %http_address,
        "media node started"
    );
    let link_config = LinkConfig {
        control: config.control,
        client,
        node: config.node,
        epoch: epoch(),
        http_address,
        orphan_timeout: config.orphan_timeout,
    };
    let (link, link_ended) = link::start(link_config, pool.clone()).map_err(|error| error.to_string())?;
    let observed = Observed { pool: pool.clone(), link: link.status().clone() };
    let reason = runtime.block_on(wait(http, observed, signals, link_ended));
    let reason = reason.map_err(|error| error.to_string())?;
    tracing::info!(?reason, "media node stops");
    let all_said_goodbye = pool.stop(DRAIN_DEADLINE);
    drop(link);
    if !all_said_goodbye {
        tracing::warn!("a worker did not stop in time");
    }
    Ok(match reason {
        Reason::WorkerEnded => ExitCode::FAILURE,
        Reason::Asked | Reason::Orphaned | Reason::Drained => ExitCode::SUCCESS,
    })
}

/// Each TCP connection of a client takes a descriptor, and the usual soft limit of 1024 is for programs that use `select`.
/// Where it cannot be raised, connections beyond it wait to be accepted.
fn raise_descriptor_limit() {
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, soft.max(hard.min(DESCRIPTORS_MAX)), hard);
    }
}

/// One engine per worker, all with the certificate of the process.
fn start_workers(config: &Config) -> Result<Pool, String> {
    let certificate = Arc::new(DtlsCertificate::generate().map_err(|error| error.to_string())?);
    let mut seeds = vec![[0; 32]; config.workers];
    for seed in &mut seeds {
        aws_lc_rs::rand::fill(seed).map_err(|_| "the system has no randomness".to_owned())?;
    }
    let Config { last_n, data_rate, frame_patience, .. } = *config;
    let make_core = move |Place { worker, candidates }: Place| {
        let config = EngineConfig {
            certificate: certificate.clone(),
            candidates,
            seed: seeds[worker],
            limits: Limits { last_n, data_rate, frame_patience, ..Limits::default() },
        };
        Engine::new(config, Instant::now())
    };
    Pool::start(config, make_core).map_err(|error| error.to_string())
}

/// Why the node ends.
#[derive(Debug)]
enum Reason {
    /// SIGTERM or SIGINT.
    Asked,
    Orphaned,
    Drained,
    /// A worker's loop has a bug; whoever started us should start a new node.
    WorkerEnded,
}

impl From<LinkEnd> for Reason {
    fn from(end: LinkEnd) -> Self {
        match end {
            LinkEnd::Orphaned => Self::Orphaned,
            LinkEnd::Drained => Self::Drained,
        }
    }
}

/// SIGTERM and SIGINT, caught instead of deadly.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn catch() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }
}

/// Serves HTTP until there is a reason to end.
async fn wait(
    http: std::net::TcpListener,
    observed: Observed,
    mut signals: Signals,
    link_ended: oneshot::Receiver<LinkEnd>,
) -> io::Result<Reason> {
    let pool = observed.pool.clone();
    tokio::spawn(telemetry::serve_http(tokio::net::TcpListener::from_std(http)?, observed));
    Ok(tokio::select! {
        _ = signals.terminate.recv() => Reason::Asked,
        _ = signals.interrupt.recv() => Reason::Asked,
        Ok(end) = link_ended => end.into(),
        () = pool.worker_ended() => Reason::WorkerEnded,
    })
}

/// Grows with every start, as long as the clock does.
fn epoch() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

/// Holds the lock while the process lives; the file says who does.
fn lock(path: &Path) -> Result<Flock<File>, ConfigError> {
    /// Someone may hold a shared lock for a moment to see whether we live.
    const ATTEMPTS: u32 = 20;
    let wrong = |reason: String| ConfigError {
        setting: "SFU_LOCK_FILE",
        reason: format!("{}: {reason}", path.display()),
    };
    let mut attempt = 1;
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(|error| wrong(error.to_string()))?;
    let mut locked = loop {
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(locked) => break locked,
            Err((unlocked, _)) if attempt < ATTEMPTS => {
                file = unlocked;
                attempt += 1;
                thread::sleep(Duration::from_millis(25));
            }
            Err((mut unlocked, _)) => {
                let mut holder = String::new();
                let _ = unlocked.read_to_string(&mut holder); // only for the message
                return Err(wrong(format!("process {} holds it", holder.trim())));
            }
        }
    };
    let written = locked.set_len(0).and_then(|()| writeln!(locked, "{}", std::process::id()));
    written.map_err(|error| wrong(error.to_string()))?;
    Ok(locked)
}
