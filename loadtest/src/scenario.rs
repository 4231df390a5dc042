//! What people do: hold a meeting, fill a bare node's room, or only talk to the signalling.

mod events;
mod meeting;
mod run;
mod sfu;
mod signalling;

pub use events::{EventsReport, Settings as EventsSettings, events};
pub use meeting::{MeetingSettings, meeting};
pub use run::MediaSettings;
pub use sfu::{SfuSettings, sfu};
pub use signalling::{SignallingReport, SignallingSettings, signalling};

use crate::{bot::BotError, signal::SignalError, signal::node::LaunchError};
use thiserror::Error;

/// Why there is no report at all.
#[derive(Debug, Error)]
pub enum ScenarioError {
    #[error("setting up: {0}")]
    Signal(#[from] SignalError),
    #[error("starting the node: {0}")]
    Launch(#[from] LaunchError),
    #[error("starting a server: {0}")]
    Start(String),
    #[error("no bot made it into the room: {0}")]
    NobodyIn(String),
    #[error(transparent)]
    Bot(#[from] BotError),
}
