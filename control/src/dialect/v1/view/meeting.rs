//! Meetings: begun, over, and how they stand (V1-01 to V1-03).

use serde::Serialize;
use utoipa::ToSchema;

use crate::dialect::iso::Timestamp;
use crate::domain::id::{MeetingId, UserId};
use crate::domain::meeting::{Meeting, MeetingStatus};
use crate::domain::session::FinalStats;
use crate::service::live_side::LiveStats;

/// A meeting that began.
#[derive(Debug, Serialize, ToSchema)]
pub struct V1Started {
    #[schema(value_type = String, example = "01JDAVNTZ6MG8F0Q5W0R7YH3KC")]
    meeting_id: MeetingId,
    /// Whoever started it.
    #[schema(value_type = String, example = "01JDAVNTZ6MG8F0Q5W0R7YH3KC")]
    started_by: UserId,
    #[schema(required)]
    started_at: Option<Timestamp>,
}

/// A meeting that is over.
#[derive(Debug, Serialize, ToSchema)]
pub struct V1Ended {
    #[schema(value_type = String, example = "01JDAVNTZ6MG8F0Q5W0R7YH3KC")]
    meeting_id: MeetingId,
    /// Whoever ended it.
    #[schema(value_type = String, example = "01JDAVNTZ6MG8F0Q5W0R7YH3KC")]
    ended_by: UserId,
    #[schema(required)]
    ended_at: Option<Timestamp>,
    #[schema(example = 60)]
    duration_minutes: u64,
}

/// How a meeting stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct V1MeetingStatus {
    #[schema(value_type = String, example = "01JDAVNTZ6MG8F0Q5W0R7YH3KC")]
    meeting_id: MeetingId,
    status: V1StatusWord,
    /// Whether it is in progress.
    is_active: bool,
    #[schema(required)]
    started_at: Option<Timestamp>,
    #[schema(required)]
    ended_at: Option<Timestamp>,
    /// Distinct persons who have been inside so far.
    #[schema(example = 5)]
    attendance_count: usize,
    is_recording: bool,
    /// Distinct persons inside now.
    #[schema(example = 3)]
    active_participants: u32,
}

/// Where a meeting is in its life; one that runs is in progress (LIFE-10).
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum V1StatusWord {
    Scheduled,
    InProgress,
    Ended,
    Cancelled,
}

impl From<MeetingStatus> for V1StatusWord {
    fn from(status: MeetingStatus) -> Self {
        match status {
            MeetingStatus::Scheduled => Self::Scheduled,
            MeetingStatus::Live => Self::InProgress,
            MeetingStatus::Ended => Self::Ended,
            MeetingStatus::Cancelled => Self::Cancelled,
        }
    }
}

/// The view of a start.
pub fn started(meeting: &Meeting, by: UserId) -> V1Started {
    V1Started { meeting_id: meeting.id, started_by: by, started_at: meeting.started_at.map(Timestamp) }
}

/// The view of an end.
pub fn ended(meeting: &Meeting, by: UserId, stats: &FinalStats) -> V1Ended {
    V1Ended {
        meeting_id: meeting.id,
        ended_by: by,
        ended_at: meeting.ended_at.map(Timestamp),
        // Never negative, and far from any bound.
        duration_minutes: stats.duration_minutes.round() as u64,
    }
}

/// The view of how a meeting stands.
pub fn status(meeting: &Meeting, now: &LiveStats) -> V1MeetingStatus {
    V1MeetingStatus {
        meeting_id: meeting.id,
        status: meeting.status.into(),
        is_active: meeting.status == MeetingStatus::Live,
        started_at: meeting.started_at.map(Timestamp),
        ended_at: meeting.ended_at.map(Timestamp),
        attendance_count: meeting.roster.iter().filter(|line| line.joined_at.is_some()).count(),
        is_recording: now.recording,
        active_participants: now.participants,
    }
}
