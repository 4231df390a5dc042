//! What people do: one description of each scenario, one way to run them all, and the measurements without media.

mod chat;
mod enter;
mod events;
mod knee;
mod plan;
mod run;
mod settings;
mod signalling;
mod venue;

pub use events::{EventsReport, Settings as EventsSettings, events};
pub use knee::{Knee, KneeSettings, Step, find_knee};
pub use plan::{Person, Plan, Scenario, Visit};
pub use run::run;
pub use settings::{MediaSettings, RunSettings};
pub use signalling::{SignallingReport, SignallingSettings, signalling};
pub use venue::{ProductSettings, VenueSettings};

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
    #[error("{0} people are more than a run has room for ({max})", max = plan::PEOPLE_MAX)]
    TooMany(u64),
    #[error("{0} needs a whole product: a bare node has no chat")]
    NoChat(&'static str),
    #[error(transparent)]
    Bot(#[from] BotError),
}
