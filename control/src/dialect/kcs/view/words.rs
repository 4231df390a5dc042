//! The closed sets of words on this dialect's wire: one enum each, so that the description lists exactly what is said.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::account::UserType;
use crate::domain::chat::{MessageKind, Recipient};
use crate::domain::meeting::{MeetingKind, MeetingStatus, StorageLocation};
use crate::domain::role::Role;
use crate::service::live_side::Quality;

/// The words for an enum of the domain's. A variant without a word does not compile.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident for $of:ident: $($variant:ident),+) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Serialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($variant),+ }

        impl From<$of> for $name {
            fn from(of: $of) -> Self {
                match of { $($of::$variant => Self::$variant),+ }
            }
        }
    };
}

words!(
    /// Where a meeting is in its life: scheduled, live, ended; or scheduled, cancelled. Nothing leads back.
    StatusWord for MeetingStatus: Scheduled, Live, Ended, Cancelled
);
words!(
    /// How a meeting comes about.
    MeetingTypeWord for MeetingKind: Scheduled, Instant, Recurring
);
words!(
    /// What somebody is in one meeting.
    RoleWord for Role: Host, CoHost, Presenter, Attendee
);
words!(
    /// Where recordings go.
    StorageWord for StorageLocation: Local, Cloud
);
words!(
    /// How well a connection does.
    QualityWord for Quality: Excellent, Good, Fair, Poor
);
words!(
    /// What an account is on the whole platform.
    UserTypeWord for UserType: Admin, CampusAdmin, Teacher, Staff, Student, Guest
);
words!(
    /// What a message carries.
    MessageTypeWord for MessageKind: Text, File, Poll, Announcement
);

/// Who a message is for: everybody, one person, or those who run the meeting.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecipientWord {
    All,
    Private,
    Host,
}

impl From<Recipient> for RecipientWord {
    fn from(recipient: Recipient) -> Self {
        match recipient {
            Recipient::All => Self::All,
            Recipient::Hosts => Self::Host,
            Recipient::User(_) | Recipient::Guest(_) => Self::Private,
        }
    }
}

/// Who an account is in the words of old clients: students, and everybody who may host.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AccountRoleWord {
    Host,
    Student,
}

impl From<UserType> for AccountRoleWord {
    fn from(user_type: UserType) -> Self {
        match user_type {
            UserType::Student | UserType::Guest => Self::Student,
            UserType::Admin | UserType::CampusAdmin | UserType::Teacher | UserType::Staff => Self::Host,
        }
    }
}

/// Whether somebody on the roster is inside.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConnectionWord {
    Connected,
    Disconnected,
}
