//! The servers under test: started for the run, on a port of their own, and stopped after it.

use crate::scenario::ScenarioError;
use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::timeout,
};

/// A server and its process. Dropping it kills the process.
#[derive(Debug)]
pub(super) struct Target {
    pub name: String,
    pub base: String,
    pub pid: u32,
    _process: Child,
    _data: TempDir,
}

/// Migrations and demo accounts, on a machine that is busy.
const START_TIMEOUT: Duration = Duration::from_secs(60);

impl Target {
    /// Starts `plenum` with demo accounts, without a media node and without rate limits, on an empty database:
    /// PostgreSQL when a URL is given, else SQLite.
    ///
    /// # Errors
    /// What kept it from starting.
    pub async fn plenum(program: &Path, postgres: Option<&str>) -> Result<Self, ScenarioError> {
        let data = tempfile::tempdir().map_err(|error| ScenarioError::Start(error.to_string()))?;
        let mut command = Command::new(program);
        command.args(["--demo", "--no-sfu"]).env("PORT", "0").env("HOST", "127.0.0.1");
        command.env("DATA_DIR", data.path()).env("RATE_LIMITS", "off").env("LOG", "error");
        match postgres {
            Some(url) => command.env("DATABASE_URL", url),
            None => command.env_remove("DATABASE_URL"),
        };
        let name = if postgres.is_some() { "plenum on PostgreSQL" } else { "plenum on SQLite" };
        Self::start(name, command, data, |line| {
            line.strip_prefix("Plenum is at http://localhost:")
                .or_else(|| line.strip_prefix("Plenum is at http://127.0.0.1:"))?
                .parse()
                .ok()
        })
        .await
    }

    /// Starts the stock Node server of `loadtest/node-baseline`.
    ///
    /// # Errors
    /// What kept it from starting.
    pub async fn node(folder: &Path) -> Result<Self, ScenarioError> {
        let data = tempfile::tempdir().map_err(|error| ScenarioError::Start(error.to_string()))?;
        let mut command = Command::new("node");
        command.arg(PathBuf::from(folder).join("server.mjs")).env("NODE_ENV", "production");
        Self::start("Node socket.io", command, data, |line| line.trim().parse().ok()).await
    }

    async fn start(
        name: &str,
        mut command: Command,
        data: TempDir,
        port_of: impl Fn(&str) -> Option<u16>,
    ) -> Result<Self, ScenarioError> {
        let failed = |error: std::io::Error| ScenarioError::Start(format!("{name}: {error}"));
        let mut process =
            command.stdout(Stdio::piped()).stdin(Stdio::null()).kill_on_drop(true).spawn().map_err(failed)?;
        let pid = process.id().unwrap_or_default();
        let output =
            process.stdout.take().ok_or_else(|| ScenarioError::Start(format!("{name}: no output")))?;
        let mut lines = BufReader::new(output).lines();
        let port = timeout(START_TIMEOUT, async {
            while let Ok(Some(line)) = lines.next_line().await {
                if let Some(port) = port_of(&line) {
                    return Some(port);
                }
            }
            None
        });
        let port = port.await.ok().flatten();
        let port = port.ok_or_else(|| ScenarioError::Start(format!("{name} does not say its port")))?;
        // Read on, so that the server never writes into a full pipe.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let base = format!("http://127.0.0.1:{port}");
        Ok(Self { name: name.to_owned(), base, pid, _process: process, _data: data })
    }
}
