//! Attendance: one record per join, and what remains of a meeting when it is over.

use time::OffsetDateTime;

use super::id::{MeetingId, ParticipantId, RosterId, UserId};

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LeaveReason {
    /// The person left.
    Left,
    /// The connection was lost, or this process was.
    Disconnected,
    /// Somebody removed the person.
    Kicked,
    /// The meeting ended.
    Ended,
}

impl LeaveReason {
    /// The word stored, and the one `participant-left` says.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Disconnected => "disconnected",
            Self::Kicked => "kicked",
            Self::Ended => "ended",
        }
    }

    /// Reads the word of [`LeaveReason::as_str`].
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Left, Self::Disconnected, Self::Kicked, Self::Ended].into_iter().find(|r| r.as_str() == word)
    }
}

/// One join of one person as the database keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attendance {
    pub id: ParticipantId,
    pub meeting: MeetingId,
    pub roster: RosterId,
    /// `None` for people without an account.
    pub user: Option<UserId>,
    /// The name shown in this session (C-13).
    pub display_name: String,
    pub joined_at: OffsetDateTime,
    pub left_at: Option<OffsetDateTime>,
    pub reason: Option<LeaveReason>,
}

/// What a meeting leaves behind (KCS-08).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FinalStats {
    pub duration_minutes: f64,
    /// Most persons inside at one moment.
    pub participants_peak: u32,
    pub chat_messages: u64,
}
