//! A `plenum --demo` of our own, on a free port and in a directory that goes away with it.

use crate::scenario::ProductSettings;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{
    io,
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;
use thiserror::Error;
use tokio::{
    process::{Child, Command},
    time::{sleep, timeout},
};

/// It makes accounts with slow hashes, perhaps on a busy machine.
const START_TIMEOUT: Duration = Duration::from_secs(60);
/// Meetings are closed and the media node drains.
const STOP_TIMEOUT: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(100);

#[derive(Debug, Error)]
pub enum DemoError {
    #[error("starting {program}: {error}")]
    Start { program: PathBuf, error: io::Error },
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("asking whether it is ready: {0}")]
    Http(#[from] reqwest::Error),
    #[error("it ended: {0}")]
    Ended(ExitStatus),
    #[error("it is not ready after {0:?}")]
    NotReady(Duration),
    #[error("it did not end within {0:?}")]
    DoesNotEnd(Duration),
}

/// See the module. Who drops it kills it, and its media node is left to find out by itself: [`Demo::stop`] it.
#[derive(Debug)]
pub struct Demo {
    process: Child,
    url: String,
    _data: TempDir,
}

impl Demo {
    /// Starts the program with further settings in its environment, and waits until it is ready.
    ///
    /// # Errors
    /// A program that does not start, ends, or is not ready in time.
    pub async fn start(program: &Path, further: &[(&str, &str)]) -> Result<Self, DemoError> {
        let data = tempfile::tempdir()?;
        // Free a moment ago; the kernel does not hand the same port out again soon.
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let process = Command::new(program)
            .arg("--demo")
            .env("HOST", address.ip().to_string())
            .env("PORT", address.port().to_string())
            .env("DATA_DIR", data.path())
            .env("RATE_LIMITS", "off")
            .env("SFU_LISTEN", "127.0.0.1")
            .env("LOG", "warn")
            .envs(further.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| DemoError::Start { program: program.to_owned(), error })?;
        let mut demo = Self { process, url: format!("http://{address}"), _data: data };
        demo.wait_until_ready().await?;
        Ok(demo)
    }

    async fn wait_until_ready(&mut self) -> Result<(), DemoError> {
        let client = reqwest::Client::builder().no_proxy().build()?;
        let deadline = Instant::now() + START_TIMEOUT;
        loop {
            let answer = client.get(format!("{}/readyz", self.url)).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            if let Some(status) = self.process.try_wait()? {
                return Err(DemoError::Ended(status));
            }
            if Instant::now() > deadline {
                return Err(DemoError::NotReady(START_TIMEOUT));
            }
            sleep(POLL).await;
        }
    }

    /// Where it is and how to get in; its processes are measured.
    pub fn settings(&self) -> ProductSettings {
        ProductSettings { pids: self.process.id().into_iter().collect(), ..ProductSettings::demo(&self.url) }
    }

    /// Ends it in order, and its media node with it.
    ///
    /// # Errors
    /// One that had ended before, does not end in time, or not well.
    pub async fn stop(mut self) -> Result<(), DemoError> {
        if let Some(pid) = self.process.id().and_then(|pid| i32::try_from(pid).ok()) {
            kill(Pid::from_raw(pid), Signal::SIGTERM).map_err(io::Error::from)?;
        }
        let ended = timeout(STOP_TIMEOUT, self.process.wait()).await;
        let status = ended.map_err(|_| DemoError::DoesNotEnd(STOP_TIMEOUT))??;
        if status.success() { Ok(()) } else { Err(DemoError::Ended(status)) }
    }
}
