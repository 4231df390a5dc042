//! A bare media node, driven as its control would: we listen, it dials, we make rooms, transports and consumers.

mod pki;
mod process;
mod room;

pub use process::{AwaitSettings, LaunchError, LaunchSettings};
pub use room::{NodeSession, Room};

use super::SignalError;
use plenum_shared::{
    codec::{self, FrameReader},
    command::{Command, Reply, Request, RoomCommand},
    id::RoomId,
};
use std::{process::ExitStatus, sync::Arc, time::Duration};
use tokio::time::timeout;

/// Every request of ours carries it; a node serves one control at a time.
const CONTROL_EPOCH: u64 = 1;
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// A connected node.
#[derive(Debug)]
pub struct Node {
    link: quinn::Connection,
    process: process::NodeProcess,
}

impl Node {
    /// Starts the node program and waits for it to dial us.
    ///
    /// # Errors
    /// A program that does not start or does not register.
    pub async fn launch(settings: &LaunchSettings) -> Result<Arc<Self>, LaunchError> {
        Self::launch_with(settings, &[]).await
    }

    /// As [`Node::launch`], with further settings in the program's environment.
    ///
    /// # Errors
    /// As there.
    pub async fn launch_with(
        settings: &LaunchSettings,
        further: &[(&str, &str)],
    ) -> Result<Arc<Self>, LaunchError> {
        let (process, link) = process::launch(settings, further, CONTROL_EPOCH).await?;
        Ok(Arc::new(Self { link, process }))
    }

    /// Waits for a node that somebody else starts.
    ///
    /// # Errors
    /// An address that cannot be listened on, or nobody who dials it.
    pub async fn wait_for(settings: &AwaitSettings) -> Result<Arc<Self>, LaunchError> {
        let (process, link) = process::wait_for(settings, CONTROL_EPOCH).await?;
        Ok(Arc::new(Self { link, process }))
    }

    /// The program's process, if it was started here.
    pub fn pid(&self) -> Option<u32> {
        self.process.pid()
    }

    /// How its process ended, if it was started here and has.
    pub fn ended(&self) -> Option<ExitStatus> {
        self.process.ended()
    }

    /// Where the program serves `/metrics`.
    pub fn http_address(&self) -> &str {
        self.process.http_address()
    }

    async fn ask(&self, room: RoomId, command: RoomCommand) -> Result<Reply, SignalError> {
        // The link would take a while to notice.
        if let Some(status) = self.ended() {
            return Err(SignalError::Link(format!("the node ended: {status}")));
        }
        let request = Request { control_epoch: CONTROL_EPOCH, command: Command::Room { room, command } };
        match timeout(ANSWER_TIMEOUT, exchange(&self.link, &request)).await {
            Ok(answer) => answer,
            Err(_) => Err(SignalError::Link("no answer in time".into())),
        }
    }
}

/// One request, one stream.
async fn exchange(link: &quinn::Connection, request: &Request) -> Result<Reply, SignalError> {
    let broken = |error: &dyn std::fmt::Display| SignalError::Link(error.to_string());
    let (mut send, mut receive) = link.open_bi().await.map_err(|error| broken(&error))?;
    let bytes = codec::encode_request(request).map_err(|error| broken(&error))?;
    send.write_all(&bytes).await.map_err(|error| broken(&error))?;
    send.finish().map_err(|error| broken(&error))?;
    let answer = receive.read_to_end(codec::REPLY_LEN_MAX + 4).await.map_err(|error| broken(&error))?;
    let mut reader = FrameReader::new(codec::REPLY_LEN_MAX);
    reader.feed(&answer);
    let message = reader.next_message().map_err(|error| broken(&error))?;
    let message = message.ok_or_else(|| SignalError::Link("the answer is cut off".into()))?;
    let response = codec::decode_response(&message).map_err(|error| broken(&error))?;
    response.map_err(|refusal| SignalError::Refused {
        request: format!("{:?}", request.command).chars().take(80).collect(),
        message: refusal.to_string(),
    })
}
