//! People inside and people who wait (V1-04 to V1-07).

use serde::Serialize;
use utoipa::ToSchema;

use crate::dialect::iso::Timestamp;
use crate::dialect::words::RoleWord;
use crate::domain::id::{MeetingId, ParticipantId, UserId};
use crate::service::participants::{Departure, Seen};

/// Somebody who came in, or waits.
#[derive(Debug, Serialize, ToSchema)]
pub struct V1Joined {
    /// This join; another one has another id.
    #[schema(value_type = String, example = "0193488c-5a1e-7d3a-9a86-5b0f6f0f2c11")]
    participant_id: ParticipantId,
    #[schema(value_type = String, example = "01JDAVNTZ6MG8F0Q5W0R7YH3KC")]
    meeting_id: MeetingId,
    #[schema(value_type = Option<String>, required, example = "01JDAVNTZ6MG8F0Q5W0R7YH3KC")]
    user_id: Option<UserId>,
    role: RoleWord,
    status: V1PresenceWord,
    is_muted: bool,
    is_video_enabled: bool,
    /// Since when he is inside, or waits.
    joined_at: Timestamp,
}

/// Somebody who left.
#[derive(Debug, Serialize, ToSchema)]
pub struct V1Left {
    #[schema(value_type = String, example = "01JDAVNTZ6MG8F0Q5W0R7YH3KC")]
    meeting_id: MeetingId,
    left_at: Timestamp,
    #[schema(example = 40)]
    duration_minutes: u64,
}

/// A session of a meeting. People without an account have no `user_id`.
#[derive(Debug, Serialize, ToSchema)]
pub struct V1Participant {
    #[schema(value_type = String, example = "0193488c-5a1e-7d3a-9a86-5b0f6f0f2c11")]
    participant_id: ParticipantId,
    #[schema(value_type = Option<String>, required, example = "01JDAVNTZ6MG8F0Q5W0R7YH3KC")]
    user_id: Option<UserId>,
    #[schema(example = "Hanna Host")]
    user_name: String,
    role: RoleWord,
    status: V1PresenceWord,
    is_muted: bool,
    is_video_enabled: bool,
    is_screen_sharing: bool,
    is_hand_raised: bool,
    /// Since when he is inside, or waits.
    joined_at: Timestamp,
    #[schema(example = "desktop")]
    device_type: String,
}

/// What somebody has switched on.
#[derive(Debug, Serialize, ToSchema)]
pub struct V1ParticipantStatus {
    is_muted: bool,
    is_video_enabled: bool,
    is_screen_sharing: bool,
    is_hand_raised: bool,
    is_in_waiting_room: bool,
}

/// Where somebody is.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum V1PresenceWord {
    Joined,
    Waiting,
}

/// The view of somebody who came in, or waits.
pub fn joined(meeting: MeetingId, seen: &Seen) -> V1Joined {
    V1Joined {
        participant_id: seen.participant,
        meeting_id: meeting,
        user_id: seen.user,
        role: seen.role.into(),
        status: presence(seen),
        is_muted: !seen.media.audio,
        is_video_enabled: seen.media.video,
        joined_at: Timestamp(seen.since),
    }
}

/// The view of somebody who left.
pub fn left(departure: &Departure) -> V1Left {
    let minutes = (departure.left_at - departure.since).as_seconds_f64() / 60.0;
    V1Left {
        meeting_id: departure.meeting,
        left_at: Timestamp(departure.left_at),
        // A clock that was set back makes no negative stay: the cast stops at nothing.
        duration_minutes: minutes.round() as u64,
    }
}

/// The view of a session.
pub fn participant(seen: &Seen) -> V1Participant {
    V1Participant {
        participant_id: seen.participant,
        user_id: seen.user,
        user_name: seen.name.clone(),
        role: seen.role.into(),
        status: presence(seen),
        is_muted: !seen.media.audio,
        is_video_enabled: seen.media.video,
        is_screen_sharing: seen.media.screen,
        is_hand_raised: seen.hand_raised,
        joined_at: Timestamp(seen.since),
        device_type: seen.device.clone(),
    }
}

/// The view of what somebody has switched on.
pub fn status(seen: &Seen) -> V1ParticipantStatus {
    V1ParticipantStatus {
        is_muted: !seen.media.audio,
        is_video_enabled: seen.media.video,
        is_screen_sharing: seen.media.screen,
        is_hand_raised: seen.hand_raised,
        is_in_waiting_room: seen.waits,
    }
}

fn presence(seen: &Seen) -> V1PresenceWord {
    if seen.waits { V1PresenceWord::Waiting } else { V1PresenceWord::Joined }
}
