//! The whole path: the real node with a speaker and light viewers over loopback, and the figures that must hold.
//!
//! Its unit of work is one packet that came to a viewer. CPU time is the worker thread's, which is also charged what the
//! kernel does to deliver on loopback; so is the egress limit that it is divided by ([`egress_limit`](crate::egress_limit)).

mod garbage;
mod idle;
mod inside;
mod joining;
mod load;
mod sending;
mod stage;
mod steady;

pub use load::Measured;
pub use sending::cost;
pub use stage::{FRAMES_PER_SECOND, Media, Sending, VIDEO_BITRATE_BPS};

use crate::table::{Figure, Table};
use plenum_loadtest::{
    demo::DemoError,
    scenario::ScenarioError,
    signal::{SignalError, node::LaunchError},
};
use serde_json::Value;
use std::{io, path::PathBuf, time::Duration};
use thiserror::Error;

/// Why something was not measured.
#[derive(Debug, Error)]
pub enum PathError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("starting the node: {0}")]
    Launch(#[from] LaunchError),
    #[error("the node: {0}")]
    Signal(#[from] SignalError),
    #[error("the product: {0}")]
    Demo(#[from] DemoError),
    #[error("the product: {0}")]
    Scenario(#[from] ScenarioError),
    #[error("{0} is not there")]
    Gone(&'static str),
    #[error("connecting: {0}")]
    NotConnected(String),
    #[error("{0}")]
    Product(String),
}

/// What is measured, and how.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where `plenum-sfu` and `plenum` are.
    pub programs: PathBuf,
    /// Viewers of each load, from few to many.
    pub people: Vec<usize>,
    /// Viewers at most when a load is looked for that takes 70 % of a core.
    pub people_max: usize,
    /// Measured of each load.
    pub time: Duration,
    /// Before that, until estimates of bandwidth have settled.
    pub settle: Duration,
    /// Peers that receive nothing.
    pub idle: usize,
    /// One packet in so many is opened.
    pub sample: u32,
    pub figures: Vec<Figure>,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    pub table: Table,
    /// Every load, in JSON.
    pub loads: Vec<Value>,
    /// Packets that the node says it sent while people watched in one room, and those that came to them.
    pub counted: Option<(u64, u64)>,
}

impl Settings {
    fn wants(&self, figures: &[Figure]) -> bool {
        figures.iter().any(|figure| self.figures.contains(figure))
    }

    /// The largest load.
    fn compared(&self) -> usize {
        self.people.iter().copied().max().unwrap_or(1)
    }

    fn node(&self) -> PathBuf {
        self.programs.join("plenum-sfu")
    }
}

/// Measures everything asked for; what cannot be measured says so in its row. `say` is told what is found on the way.
pub async fn measure(settings: &Settings, say: &dyn Fn(&str)) -> Found {
    let mut found = Found::default();
    if settings.wants(&[Figure::Allocations]) {
        steady::allocations(&mut found);
    }
    let of_cost = [Figure::CostOverLimit, Figure::CostOverSingleVideo, Figure::MemoryReceiving];
    if settings.wants(&of_cost) {
        steady::video(settings, say, &mut found).await;
    }
    if settings.wants(&[Figure::TimeInsideMedian, Figure::TimeInsideP99]) {
        inside::measure(settings, say, &mut found).await;
    }
    if settings.wants(&[Figure::CostOverSingleAudio]) {
        sending::audio(settings, say, &mut found).await;
    }
    if settings.wants(&[Figure::MemoryIdle, Figure::IdleCpu]) {
        idle::measure(settings, say, &mut found).await;
    }
    if settings.wants(&[Figure::GarbageDelay, Figure::GarbageMemory]) {
        garbage::measure(settings, say, &mut found).await;
    }
    if settings.wants(&[Figure::JoinMedian, Figure::JoinP99]) {
        joining::measure(settings, say, &mut found).await;
    }
    found
}

impl Found {
    fn load(&mut self, what: &str, measured: &Measured) {
        let mut load = measured.json();
        load["what"] = what.into();
        self.loads.push(load);
    }

    /// What a load's packets cost at least.
    fn limit(&mut self, what: &str, people: usize, limit: Duration) {
        if let Some(load) =
            self.loads.iter_mut().find(|load| load["what"] == what && load["people"] == people)
        {
            load["limit_ns"] = (limit.as_nanos() as u64).into();
        }
    }

    fn failed(&mut self, figures: &[Figure], error: &PathError) {
        for figure in figures {
            self.table.not_measured(*figure, error.to_string());
        }
    }
}
