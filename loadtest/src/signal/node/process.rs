//! The node program: started with a link to us and stopped with us, or somebody else's that dials us.

use super::pki;
use plenum_shared::{
    codec::{self, FrameReader},
    command::Welcome,
};
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::Mutex,
    time::Duration,
};
use tempfile::TempDir;
use thiserror::Error;
use tokio::{
    process::{Child, Command},
    time::timeout,
};

/// How to start the node.
#[derive(Clone, Debug)]
pub struct LaunchSettings {
    /// The `plenum-sfu` program.
    pub program: PathBuf,
    pub workers: usize,
    /// Where the node receives media.
    pub listen: IpAddr,
    /// Log filter of the node, whose log goes to our standard error.
    pub log: String,
}

/// Where a node that somebody else starts finds us.
#[derive(Clone, Debug)]
pub struct AwaitSettings {
    /// Where its link dials.
    pub listen: SocketAddr,
    /// Where its certificates are put.
    pub directory: PathBuf,
}

impl AwaitSettings {
    /// The settings such a node is to be started with.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let file = |name| self.directory.join(name).display().to_string();
        let mut settings = link_files(file).to_vec();
        settings.push(("SFU_CONTROL", self.listen.to_string()));
        settings
    }
}

fn link_files<T>(file: impl Fn(&'static str) -> T) -> [(&'static str, T); 3] {
    [
        ("SFU_LINK_CA", file(pki::AUTHORITY_FILE)),
        ("SFU_LINK_CERT", file(pki::NODE_CERTIFICATE_FILE)),
        ("SFU_LINK_KEY", file(pki::NODE_KEY_FILE)),
    ]
}

#[derive(Debug, Error)]
pub enum LaunchError {
    #[error("starting {program}: {error}")]
    Start { program: PathBuf, error: std::io::Error },
    #[error("certificates for the link: {0}")]
    Certificates(String),
    #[error("the link: {0}")]
    Link(String),
    #[error("no node registered within {0:?}")]
    Silent(Duration),
    #[error("the node ended: {0}")]
    Ended(ExitStatus),
}

/// A node on our link. If it was started here, it is killed when this is dropped.
#[derive(Debug)]
pub(super) struct NodeProcess {
    /// None when somebody else did that.
    started: Option<Started>,
    endpoint: quinn::Endpoint,
    http_address: String,
}

#[derive(Debug)]
struct Started {
    child: Mutex<Child>,
    pid: Option<u32>,
    _certificates: TempDir,
}

impl NodeProcess {
    pub(super) fn pid(&self) -> Option<u32> {
        self.started.as_ref().and_then(|started| started.pid)
    }

    pub(super) fn http_address(&self) -> &str {
        &self.http_address
    }

    /// How it ended, if it was started here and has.
    pub(super) fn ended(&self) -> Option<ExitStatus> {
        let started = self.started.as_ref()?;
        // Whoever cannot be asked is taken to run: what is asked of it fails soon enough.
        started.child.lock().expect("nobody panics while holding it").try_wait().ok().flatten()
    }
}

impl Drop for NodeProcess {
    fn drop(&mut self) {
        // First, or it would have the time to complain of the link.
        if let Some(started) = &self.started {
            // It may have ended by itself, which is as good.
            let _ = started.child.lock().expect("nobody panics while holding it").start_kill();
        }
        self.endpoint.close(0_u32.into(), b"done");
    }
}

/// The link is silent while nobody joins or leaves.
const KEEP_ALIVE: Duration = Duration::from_secs(1);
const REGISTER_TIMEOUT: Duration = Duration::from_secs(20);
/// Somebody has to copy the certificates and start it.
const SOMEBODY_TIMEOUT: Duration = Duration::from_secs(600);

pub(super) async fn launch(
    settings: &LaunchSettings,
    further: &[(&str, &str)],
    control_epoch: u64,
) -> Result<(NodeProcess, quinn::Connection), LaunchError> {
    let directory = tempfile::tempdir().map_err(|error| LaunchError::Certificates(error.to_string()))?;
    let endpoint = listen_at((Ipv4Addr::LOCALHOST, 0).into(), directory.path())?;
    let listening = endpoint.local_addr().map_err(|error| LaunchError::Link(error.to_string()))?;

    let mut child = Command::new(&settings.program)
        .envs(link_files(|name| directory.path().join(name)))
        .env("SFU_CONTROL", listening.to_string())
        .env("SFU_NODE_ID", uuid::Uuid::new_v4().to_string())
        .env("SFU_WORKERS", settings.workers.to_string())
        .env("SFU_LISTEN", settings.listen.to_string())
        // Every packet is accounted for, so nothing may be left out on purpose.
        .env("SFU_AUDIO_LAST_N", "0")
        .env("SFU_VIDEO_LAST_N", "0")
        .env("SFU_ORPHAN_TIMEOUT_S", "10")
        .env("LOG", &settings.log)
        .envs(further.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::from(std::io::stderr()))
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| LaunchError::Start { program: settings.program.clone(), error })?;

    let registration = timeout(REGISTER_TIMEOUT, register(&endpoint, control_epoch));
    let (link, http_address) = tokio::select! {
        registered = registration => registered.map_err(|_| LaunchError::Silent(REGISTER_TIMEOUT))??,
        status = child.wait() => {
            let status = status.map_err(|error| LaunchError::Link(error.to_string()))?;
            return Err(LaunchError::Ended(status));
        }
    };
    let pid = child.id();
    let started = Some(Started { child: Mutex::new(child), pid, _certificates: directory });
    Ok((NodeProcess { started, endpoint, http_address }, link))
}

pub(super) async fn wait_for(
    settings: &AwaitSettings,
    control_epoch: u64,
) -> Result<(NodeProcess, quinn::Connection), LaunchError> {
    let endpoint = listen_at(settings.listen, &settings.directory)?;
    let registered = timeout(SOMEBODY_TIMEOUT, register(&endpoint, control_epoch)).await;
    let (link, http_address) = registered.map_err(|_| LaunchError::Silent(SOMEBODY_TIMEOUT))??;
    Ok((NodeProcess { started: None, endpoint, http_address }, link))
}

/// Listens for a node that has the certificates made here.
fn listen_at(address: SocketAddr, directory: &Path) -> Result<quinn::Endpoint, LaunchError> {
    let mut config = pki::make(directory).map_err(|error| LaunchError::Certificates(error.to_string()))?;
    let mut transport = quinn::TransportConfig::default();
    transport.keep_alive_interval(Some(KEEP_ALIVE));
    config.transport_config(transport.into());
    quinn::Endpoint::server(config, address).map_err(|error| LaunchError::Link(error.to_string()))
}

/// The node's first stream: its hello and our welcome. Its events come on a stream of their own. Returns where it serves
/// its metrics, too.
async fn register(
    endpoint: &quinn::Endpoint,
    control_epoch: u64,
) -> Result<(quinn::Connection, String), LaunchError> {
    let broken = |error: &dyn std::fmt::Display| LaunchError::Link(error.to_string());
    let incoming = endpoint.accept().await.ok_or_else(|| LaunchError::Link("closed".into()))?;
    let link = incoming.await.map_err(|error| broken(&error))?;
    let (mut send, mut receive) = link.accept_bi().await.map_err(|error| broken(&error))?;
    let mut reader = FrameReader::new(codec::MESSAGE_LEN_MAX);
    let hello = loop {
        if let Some(message) = reader.next_message().map_err(|error| broken(&error))? {
            break codec::decode_hello(&message).map_err(|error| broken(&error))?;
        }
        let chunk = receive.read_chunk(codec::MESSAGE_LEN_MAX, true).await.map_err(|error| broken(&error))?;
        reader.feed(&chunk.ok_or_else(|| LaunchError::Link("no hello".into()))?.bytes);
    };
    let welcome = Welcome::Accepted { version: codec::PROTOCOL_VERSION, control_epoch };
    let bytes = codec::encode_welcome(&welcome).map_err(|error| broken(&error))?;
    send.write_all(&bytes).await.map_err(|error| broken(&error))?;
    send.finish().map_err(|error| broken(&error))?;
    tracing::info!(workers = hello.worker_count, software = hello.software, "node registered");
    tokio::spawn(listen(link.clone()));
    Ok((link, hello.http_address))
}

/// Reads the node's events away so that it never has to wait for us.
async fn listen(link: quinn::Connection) {
    let Ok(mut events) = link.accept_uni().await else { return };
    let mut reader = FrameReader::new(codec::MESSAGE_LEN_MAX);
    while let Ok(Some(chunk)) = events.read_chunk(codec::MESSAGE_LEN_MAX, true).await {
        reader.feed(&chunk.bytes);
        while let Ok(Some(message)) = reader.next_message() {
            match codec::decode_event(&message) {
                Ok(event) => tracing::debug!(?event, "from the node"),
                Err(error) => tracing::warn!(%error, "from the node"),
            }
        }
    }
}
