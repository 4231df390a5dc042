//! How often this dialect's clients may ask (RATE-09 to RATE-13, C-62).

use crate::dialect::kcs;
use crate::domain::limit::{Budget, LimitedAction};

const fn per_minute(requests: u32) -> Budget {
    Budget { requests, window_s: 60 }
}

const fn per_hour(requests: u32) -> Budget {
    Budget { requests, window_s: 3600 }
}

/// The budget of an action.
pub fn budget(action: LimitedAction) -> Budget {
    match action {
        LimitedAction::V1Manage => per_hour(100),
        LimitedAction::V1Act => per_hour(1000),
        LimitedAction::V1Chat => per_minute(60),
        LimitedAction::V1Status => per_minute(120),
        LimitedAction::V1Socket => per_minute(1000),
        // What no document of this dialect counts is counted as everywhere.
        LimitedAction::Login
        | LimitedAction::LoginAddress
        | LimitedAction::Account
        | LimitedAction::MeetingCreate
        | LimitedAction::Read
        | LimitedAction::Write
        | LimitedAction::ParticipantWrite
        | LimitedAction::RefusalNote
        | LimitedAction::DirectorySearch
        | LimitedAction::ChatMessage
        | LimitedAction::ChatTyping
        | LimitedAction::ChatReceipt
        | LimitedAction::Reaction
        | LimitedAction::MediaUpdate
        | LimitedAction::DataSubscribe
        | LimitedAction::MediaFigures => kcs::limits::budget(action),
    }
}
