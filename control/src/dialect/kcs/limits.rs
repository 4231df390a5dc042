//! How often this dialect's clients may ask (RATE-01 to RATE-07, C-12, C-62).

use crate::dialect::v1;
use crate::domain::limit::{Budget, LimitedAction};

const fn per_minute(requests: u32) -> Budget {
    Budget { requests, window_s: 60 }
}

/// The budget of an action.
pub fn budget(action: LimitedAction) -> Budget {
    match action {
        LimitedAction::Login => per_minute(10),
        // Room for a computer room behind one address, and a bound on hashing for strangers.
        LimitedAction::LoginAddress => per_minute(300),
        LimitedAction::Account => per_minute(300),
        LimitedAction::MeetingCreate => per_minute(10),
        LimitedAction::Read => per_minute(100),
        LimitedAction::Write => per_minute(100),
        LimitedAction::ParticipantWrite => per_minute(20),
        LimitedAction::RefusalNote => per_minute(30),
        LimitedAction::DirectorySearch => per_minute(30),
        LimitedAction::ChatMessage => per_minute(30),
        // Somebody who writes in two rooms at once is told once a second in each.
        LimitedAction::ChatTyping => per_minute(120),
        // Clients mark what they show, often one by one; a lively room has some hundred messages a minute.
        LimitedAction::ChatReceipt => per_minute(240),
        LimitedAction::Reaction => per_minute(60),
        LimitedAction::MediaUpdate => per_minute(120),
        // Whoever comes in may subscribe to 64 at once, and again after each new transport.
        LimitedAction::DataSubscribe => per_minute(300),
        // Once in five seconds for five tracks at a time.
        LimitedAction::MediaFigures => per_minute(60),
        // Asked for in v1 alone, which has the numbers.
        LimitedAction::V1Manage
        | LimitedAction::V1Act
        | LimitedAction::V1Chat
        | LimitedAction::V1Status
        | LimitedAction::V1Socket => v1::limits::budget(action),
    }
}
