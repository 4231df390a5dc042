//! What can be said of a meeting in numbers, while it runs and afterwards, and of the platform as a whole.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::domain::actor::Actor;
use crate::domain::analytics::Analytics;
use crate::domain::error::DomainError;
use crate::domain::meeting::{Meeting, MeetingStatus};
use crate::domain::recording::StoredRecording;
use crate::domain::system::{MeetingCounts, Overview, overview};
use crate::fleet::{Fleet, NodeLoad};
use crate::service::clock::Clock;
use crate::service::live_side::{LiveSide, LiveStats};
use crate::service::meetings::Meetings;
use crate::store::Store;

/// Statistics of meetings and of the platform.
#[derive(Clone)]
pub struct Statistics {
    meetings: Meetings,
    store: Store,
    live: Arc<dyn LiveSide>,
    fleet: Fleet,
    clock: Clock,
    started: Instant,
}

/// A moment of a live meeting.
#[derive(Debug, Clone, PartialEq)]
pub struct Moment {
    pub stats: LiveStats,
    /// Minutes since the start, one decimal.
    pub duration_minutes: f64,
}

/// The platform in numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct SystemStats {
    pub counts: MeetingCounts,
    /// What only administrators of the whole see.
    pub machines: Option<Machines>,
}

/// What runs all of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Machines {
    /// Nodes that are registered.
    pub nodes: Vec<NodeLoad>,
    pub database: bool,
    pub uptime: Duration,
}

impl Statistics {
    /// Statistics of what `meetings` has; the platform counts as started now.
    pub fn new(
        meetings: Meetings,
        store: Store,
        live: Arc<dyn LiveSide>,
        fleet: Fleet,
        clock: Clock,
    ) -> Self {
        Self { meetings, store, live, fleet, clock, started: Instant::now() }
    }

    /// A live meeting at this moment (KCS-18).
    ///
    /// # Errors
    /// As looking at the meeting; `MeetingNotActive` unless it is live.
    pub async fn live(&self, actor: &Actor, meeting: &str) -> Result<Moment, DomainError> {
        let meeting = self.meetings.view(actor, meeting).await?;
        if meeting.status != MeetingStatus::Live {
            return Err(DomainError::MeetingNotActive);
        }
        Ok(self.moment(&meeting).await)
    }

    /// A meeting that the caller knows to be live, at this moment.
    pub async fn moment(&self, meeting: &Meeting) -> Moment {
        let since = meeting.started_at.map(|at| self.clock.now() - at);
        let duration_minutes = crate::domain::analytics::minutes(since.unwrap_or_default()).max(0.0);
        Moment { stats: self.live.stats(meeting.id).await, duration_minutes }
    }

    /// An ended meeting in numbers, and whether the caller may see people one by one (KCS-17).
    ///
    /// # Errors
    /// As looking at the meeting; `MeetingNotEnded`.
    pub async fn analytics(&self, actor: &Actor, meeting: &str) -> Result<(Analytics, bool), DomainError> {
        let meeting = self.meetings.view(actor, meeting).await?;
        if meeting.status != MeetingStatus::Ended {
            return Err(DomainError::MeetingNotEnded);
        }
        self.live.settle().await;
        let record = self.store.record_of(&meeting).await?.ok_or(DomainError::MeetingNotEnded)?;
        let runs = meeting.standing(actor).is_some_and(|standing| standing.role.runs_meeting());
        Ok((record.analytics(), runs))
    }

    /// The recordings of a meeting that have a file (KCS-16).
    ///
    /// # Errors
    /// As looking at the meeting.
    pub async fn recordings(
        &self,
        actor: &Actor,
        meeting: &str,
    ) -> Result<Vec<StoredRecording>, DomainError> {
        let meeting = self.meetings.view(actor, meeting).await?;
        let mut recordings = self.store.recordings(meeting.id).await?;
        recordings.retain(|recording| recording.file.is_some());
        Ok(recordings)
    }

    /// The platform, or the caller's part of it (KCS-20).
    ///
    /// # Errors
    /// `Forbidden` for everybody who administers nothing.
    pub async fn system(&self, actor: &Actor) -> Result<SystemStats, DomainError> {
        let campus = match overview(actor)? {
            Overview::Platform => None,
            Overview::Campus(campus) => Some(campus),
        };
        let counts = self.store.meeting_counts(campus.as_ref()).await?;
        let machines = match campus {
            Some(_) => None,
            None => Some(Machines {
                nodes: self.fleet.nodes(),
                database: self.store.trouble().await.is_none(),
                uptime: self.started.elapsed(),
            }),
        };
        Ok(SystemStats { counts, machines })
    }
}
