//! The node program: started with a link to us, stopped with us.

use super::pki;
use plenum_shared::{
    codec::{self, FrameReader},
    command::Welcome,
};
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    process::Stdio,
    time::Duration,
};
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

#[derive(Debug, Error)]
pub enum LaunchError {
    #[error("starting {program}: {error}")]
    Start { program: PathBuf, error: std::io::Error },
    #[error("certificates for the link: {0}")]
    Certificates(String),
    #[error("the link: {0}")]
    Link(String),
    #[error("the node did not register within {0:?}")]
    Silent(Duration),
    #[error("the node ended: {0}")]
    Ended(std::process::ExitStatus),
    #[error("making the room: {0}")]
    Room(String),
}

/// A running node; it is killed when this is dropped.
#[derive(Debug)]
pub(super) struct NodeProcess {
    child: Child,
    /// Holds the certificates for as long as the node may read them.
    _directory: tempfile::TempDir,
    endpoint: quinn::Endpoint,
}

impl NodeProcess {
    pub(super) fn pid(&self) -> Option<u32> {
        self.child.id()
    }
}

impl Drop for NodeProcess {
    fn drop(&mut self) {
        self.endpoint.close(0_u32.into(), b"done");
        // It may have ended by itself, which is as good.
        let _ = self.child.start_kill();
    }
}

/// The link is silent while nobody joins or leaves.
const KEEP_ALIVE: Duration = Duration::from_secs(1);
const REGISTER_TIMEOUT: Duration = Duration::from_secs(20);

pub(super) async fn launch(
    settings: &LaunchSettings,
    control_epoch: u64,
) -> Result<(NodeProcess, quinn::Connection), LaunchError> {
    let directory = tempfile::tempdir().map_err(|error| LaunchError::Certificates(error.to_string()))?;
    let mut config =
        pki::make(directory.path()).map_err(|error| LaunchError::Certificates(error.to_string()))?;
    let mut transport = quinn::TransportConfig::default();
    transport.keep_alive_interval(Some(KEEP_ALIVE));
    config.transport_config(transport.into());
    let address: SocketAddr = (Ipv4Addr::LOCALHOST, 0).into();
    let endpoint =
        quinn::Endpoint::server(config, address).map_err(|error| LaunchError::Link(error.to_string()))?;
    let listening = endpoint.local_addr().map_err(|error| LaunchError::Link(error.to_string()))?;

    let mut child = Command::new(&settings.program)
        .env("SFU_CONTROL", listening.to_string())
        .env("SFU_LINK_CA", directory.path().join(pki::AUTHORITY_FILE))
        .env("SFU_LINK_CERT", directory.path().join(pki::NODE_CERTIFICATE_FILE))
        .env("SFU_LINK_KEY", directory.path().join(pki::NODE_KEY_FILE))
        .env("SFU_NODE_ID", uuid::Uuid::new_v4().to_string())
        .env("SFU_WORKERS", settings.workers.to_string())
        .env("SFU_LISTEN", settings.listen.to_string())
        // Every packet is accounted for, so nothing may be left out on purpose.
        .env("SFU_AUDIO_LAST_N", "0")
        .env("SFU_VIDEO_LAST_N", "0")
        .env("SFU_ORPHAN_TIMEOUT_S", "10")
        .env("LOG", &settings.log)
        .stdin(Stdio::null())
        .stdout(Stdio::from(std::io::stderr()))
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| LaunchError::Start { program: settings.program.clone(), error })?;

    let registration = timeout(REGISTER_TIMEOUT, register(&endpoint, control_epoch));
    let link = tokio::select! {
        registered = registration => registered.map_err(|_| LaunchError::Silent(REGISTER_TIMEOUT))??,
        status = child.wait() => {
            let status = status.map_err(|error| LaunchError::Link(error.to_string()))?;
            return Err(LaunchError::Ended(status));
        }
    };
    Ok((NodeProcess { child, _directory: directory, endpoint }, link))
}

/// The node's first stream: its hello and our welcome. Its events come on a stream of their own.
async fn register(endpoint: &quinn::Endpoint, control_epoch: u64) -> Result<quinn::Connection, LaunchError> {
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
    Ok(link)
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
