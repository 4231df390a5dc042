//! Closed sets of words that are the same on every wire, and how such sets are made from enums of the domain's.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::chat::MessageKind;
use crate::domain::role::Role;

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
pub(in crate::dialect) use words;

words!(
    /// What somebody is in one meeting.
    RoleWord for Role: Host, CoHost, Presenter, Attendee
);
words!(
    /// What a message carries.
    MessageTypeWord for MessageKind: Text, File, Poll, Announcement
);
