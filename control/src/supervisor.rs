//! The media node of an all-in-one installation: a process of its own that this one starts, watches and stops.
//!
//! It is a separate process so that a crash of one plane leaves the other running. A node that outlives a killed
//! control is found again by the lock it holds, and adopted instead of started twice.

use crate::fleet::{Fleet, pki::PkiError};
use metrics::counter;
use nix::{
    errno::Errno,
    fcntl::{Flock, FlockArg},
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{
    env,
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};
use thiserror::Error;
use tokio::{
    process::{Child, Command},
    sync::watch,
};

/// How long a node lives without control before it stops by itself, in seconds.
const ORPHAN_TIMEOUT_S: &str = "60";
/// Between SIGTERM and SIGKILL.
const TERM_GRACE: Duration = Duration::from_secs(5);
const BACKOFF_MIN: Duration = Duration::from_millis(200);
const BACKOFF_MAX: Duration = Duration::from_secs(10);
/// A node that ran this long did not fail at its start, and is restarted without waiting.
const HEALTHY_AFTER: Duration = Duration::from_secs(10);
/// How often a process that is not our child is looked at; for a child the kernel tells us.
const ADOPTED_POLL: Duration = Duration::from_millis(250);
/// An adopted node dials within its backoff; one that does not has lost its way and is replaced.
const ADOPTION_DEADLINE: Duration = Duration::from_secs(15);
const PROGRAM: &str = "plenum-sfu";

/// Why no media node can be started.
#[derive(Debug, Error)]
pub enum SupervisorError {
    #[error("the media node's program {0} does not exist (set PLENUM_SFU_BIN)")]
    NoProgram(PathBuf),
    #[error(transparent)]
    Pki(#[from] PkiError),
    #[error("{path}: {error}")]
    File { path: PathBuf, error: io::Error },
}

/// Watches one node until it is told to stop.
pub struct Supervisor {
    stop: watch::Sender<bool>,
    gone: watch::Receiver<bool>,
}

struct Node {
    program: PathBuf,
    environment: Vec<(OsString, OsString)>,
    lock_file: PathBuf,
    fleet: Fleet,
}

impl Supervisor {
    /// Starts or adopts the node; it dials the fleet's link.
    ///
    /// # Errors
    /// No program, or files in `data_dir` that cannot be used.
    pub fn start(fleet: Fleet, data_dir: &Path) -> Result<Self, SupervisorError> {
        let program = program()?;
        let data_dir = data_dir
            .canonicalize()
            .map_err(|error| SupervisorError::File { path: data_dir.to_owned(), error })?;
        let files = fleet.authority().write_node_files(&data_dir.join("pki/node"))?;
        let lock_file = data_dir.join("sfu.lock");
        let own = [
            ("SFU_CONTROL", fleet.address().to_string().into()),
            ("SFU_LINK_CA", files.authority.into_os_string()),
            ("SFU_LINK_CERT", files.certificate.into_os_string()),
            ("SFU_LINK_KEY", files.key.into_os_string()),
            ("SFU_NODE_ID_FILE", data_dir.join("sfu.node-id").into_os_string()),
            ("SFU_ORPHAN_TIMEOUT_S", ORPHAN_TIMEOUT_S.into()),
            ("SFU_LOCK_FILE", lock_file.clone().into_os_string()),
        ];
        let mut environment = inherited();
        environment.extend(own.map(|(name, value)| (OsString::from(name), value)));
        let (stop, stopped) = watch::channel(false);
        let (ended, gone) = watch::channel(false);
        let node = Node { program, environment, lock_file, fleet };
        tokio::spawn(async move {
            node.supervise(stopped).await;
            ended.send_replace(true);
        });
        Ok(Self { stop, gone })
    }

    /// Asks the node to stop, insists after [`TERM_GRACE`], and returns when it is gone.
    pub async fn stop(&self) {
        self.stop.send_replace(true);
        told(&mut self.gone.clone()).await;
    }
}

/// Next to our own executable, unless the environment names another.
fn program() -> Result<PathBuf, SupervisorError> {
    let program = match env::var_os("PLENUM_SFU_BIN") {
        Some(named) => PathBuf::from(named),
        None => env::current_exe().unwrap_or_default().with_file_name(PROGRAM),
    };
    if program.is_file() { Ok(program) } else { Err(SupervisorError::NoProgram(program)) }
}

/// What the node may see of our environment: its own settings and how to log. No secret of control is among them.
fn inherited() -> Vec<(OsString, OsString)> {
    let passes = |name: &str| {
        name.starts_with("SFU_") || matches!(name, "PATH" | "TZ" | "LOG" | "LOG_FORMAT" | "RUST_BACKTRACE")
    };
    env::vars_os().filter(|(name, _)| name.to_str().is_some_and(passes)).collect()
}

impl Node {
    async fn supervise(self, mut stopped: watch::Receiver<bool>) {
        if let Some(pid) = self.running() {
            tracing::info!(pid = pid.as_raw(), "adopting the media node of an earlier start");
            self.watch_adopted(pid, &mut stopped).await;
        }
        let mut backoff = BACKOFF_MIN;
        while !*stopped.borrow() {
            let began = Instant::now();
            match self.spawn() {
                Ok(child) => self.watch_child(child, &mut stopped).await,
                Err(error) => {
                    tracing::error!(program = %self.program.display(), %error, "the media node cannot start");
                }
            }
            if *stopped.borrow() {
                break;
            }
            counter!("plenum_sfu_restarts_total").increment(1);
            backoff =
                if began.elapsed() > HEALTHY_AFTER { BACKOFF_MIN } else { (backoff * 2).min(BACKOFF_MAX) };
            tokio::select! {
                () = tokio::time::sleep(backoff) => {}
                () = told(&mut stopped) => {}
            }
        }
    }

    /// In a process group of its own: Ctrl-C in a terminal reaches us first, and we drain before we stop it.
    fn spawn(&self) -> io::Result<Child> {
        Command::new(&self.program)
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .process_group(0)
            .spawn()
    }

    async fn watch_child(&self, mut child: Child, stopped: &mut watch::Receiver<bool>) {
        let Some(pid) = child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw) else { return };
        tracing::info!(pid = pid.as_raw(), "media node started");
        tokio::select! {
            status = child.wait() => {
                let status = status.map_or_else(|error| error.to_string(), |status| status.to_string());
                tracing::warn!(pid = pid.as_raw(), %status, "the media node ended; starting it again");
            }
            () = told(stopped) => {
                signal(pid, Signal::SIGTERM);
                if tokio::time::timeout(TERM_GRACE, child.wait()).await.is_err() {
                    tracing::warn!(pid = pid.as_raw(), "the media node does not stop; killing it");
                    signal(pid, Signal::SIGKILL);
                    let _ = child.wait().await;
                }
            }
        }
    }

    async fn watch_adopted(&self, pid: Pid, stopped: &mut watch::Receiver<bool>) {
        let adopted = Instant::now();
        let mut seen = false;
        while self.running() == Some(pid) {
            tokio::select! {
                () = tokio::time::sleep(ADOPTED_POLL) => {}
                () = told(stopped) => return self.end_adopted(pid).await,
            }
            seen = seen || self.fleet.is_ready();
            if !seen && adopted.elapsed() > ADOPTION_DEADLINE {
                tracing::warn!(pid = pid.as_raw(), "the adopted media node does not call; replacing it");
                return self.end_adopted(pid).await;
            }
        }
        tracing::warn!(pid = pid.as_raw(), "the adopted media node ended");
    }

    async fn end_adopted(&self, pid: Pid) {
        signal(pid, Signal::SIGTERM);
        let asked = Instant::now();
        while self.running() == Some(pid) {
            if asked.elapsed() > TERM_GRACE {
                signal(pid, Signal::SIGKILL);
            }
            tokio::time::sleep(ADOPTED_POLL / 5).await;
        }
    }

    /// The node that holds the lock, if it really is one of ours: a lock that nobody holds means that none is alive.
    fn running(&self) -> Option<Pid> {
        let file = fs::File::open(&self.lock_file).ok()?;
        match Flock::lock(file, FlockArg::LockSharedNonblock) {
            Err((_, Errno::EWOULDBLOCK)) => {}
            _ => return None,
        }
        let pid = fs::read_to_string(&self.lock_file).ok()?.trim().parse().ok().filter(|pid| *pid > 1)?;
        is_media_node(pid).then(|| Pid::from_raw(pid))
    }
}

/// Whether the process runs the node's program: its pid may have been given to somebody else meanwhile.
fn is_media_node(pid: i32) -> bool {
    let Ok(program) = fs::read_link(format!("/proc/{pid}/exe")) else { return false };
    let name = program.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    // The kernel marks a program that was rebuilt while it runs.
    name.trim_end_matches(" (deleted)") == PROGRAM
}

/// Returns once we are to stop.
async fn told(stopped: &mut watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stop| *stop).await; // an error means that nobody can tell any more: stop as well
}

fn signal(pid: Pid, signal: Signal) {
    if let Err(error) = kill(pid, signal)
        && error != Errno::ESRCH
    {
        tracing::error!(pid = pid.as_raw(), %signal, %error, "the media node cannot be signalled");
    }
}
