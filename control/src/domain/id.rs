//! Identifiers: distinct types, never bare strings. Clients treat them as opaque (C-03).

use std::fmt;

use ulid::Ulid;
use uuid::Uuid;

/// Prefixes some dialects put before a meeting id; every input accepts them in any letter case.
const MEETING_PREFIXES: [&str; 2] = ["mtg_", "call_"];

macro_rules! ulid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub Ulid);

        impl $name {
            /// An id never handed out before. Not for the domain, which takes ids as arguments.
            pub fn generate() -> Self {
                Self(Ulid::r#gen())
            }

            /// Reads the 26-character form, letter case ignored. Anything else is no id of ours.
            pub fn parse(text: &str) -> Option<Self> {
                (text.len() == 26).then(|| Ulid::from_string(&text.to_ascii_uppercase()).ok()).flatten().map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    };
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident, $new:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub Uuid);

        impl $name {
            /// An id never handed out before. Not for the domain, which takes ids as arguments.
            pub fn generate() -> Self {
                Self(Uuid::$new())
            }

            /// Reads a UUID in any of its usual spellings. Anything else is no id of ours.
            pub fn parse(text: &str) -> Option<Self> {
                Uuid::try_parse(text).ok().map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    };
}

ulid_id!(
    /// An account.
    UserId
);
ulid_id!(
    /// A chat message.
    MessageId
);
ulid_id!(
    /// A file sent, or to be sent, with a message.
    AttachmentId
);
ulid_id!(
    /// The virtual room of a meeting as dialects show it (`meeting_room_id`); not the id the media plane uses.
    MeetingRoomId
);
ulid_id!(
    /// A series of meetings.
    SeriesId
);
ulid_id!(
    /// One mail to one person.
    MailId
);
ulid_id!(
    /// A recording.
    RecordingId
);
ulid_id!(
    /// A breakout room of a running meeting; opening rooms anew makes new ones.
    BreakoutRoomId
);
ulid_id!(
    /// An endpoint that is told of meetings.
    WebhookId
);
ulid_id!(
    /// One message to one endpoint; `webhook-id` on the wire.
    DeliveryId
);
uuid_id!(
    /// A line of a meeting's roster: one person invited or ever inside.
    RosterId,
    new_v4
);
uuid_id!(
    /// One join of one person: a new join gets a new id (C-29). Called `participantId` on the wire.
    ParticipantId,
    now_v7
);

/// A meeting. Read with [`MeetingId::parse`], which knows every spelling of C-03.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MeetingId(pub Ulid);

impl MeetingId {
    /// An id never handed out before. Not for the domain, which takes ids as arguments.
    pub fn generate() -> Self {
        Self(Ulid::r#gen())
    }

    /// Reads the bare or prefixed form, letter case ignored. `None` means that no meeting can have this id.
    pub fn parse(text: &str) -> Option<Self> {
        let bare = MEETING_PREFIXES
            .iter()
            .find_map(|prefix| {
                text.get(..prefix.len())
                    .filter(|t| t.eq_ignore_ascii_case(prefix))
                    .map(|_| &text[prefix.len()..])
            })
            .unwrap_or(text);
        (bare.len() == 26).then(|| Ulid::from_string(&bare.to_ascii_uppercase()).ok()).flatten().map(Self)
    }
}

impl fmt::Display for MeetingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl serde::Serialize for MeetingId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A room to chat in. A meeting is one under its own id (C-53), so it is read in every spelling of a meeting's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChatRoomId(pub Ulid);

impl ChatRoomId {
    /// An id never handed out before. Not for the domain, which takes ids as arguments.
    pub fn generate() -> Self {
        Self(Ulid::r#gen())
    }

    /// Reads what [`MeetingId::parse`] reads. `None` means that no room can have this id.
    pub fn parse(text: &str) -> Option<Self> {
        MeetingId::parse(text).map(Self::from)
    }

    /// The meeting that this is the room of, if there is one of this id.
    pub fn as_meeting(self) -> MeetingId {
        MeetingId(self.0)
    }
}

impl From<MeetingId> for ChatRoomId {
    fn from(meeting: MeetingId) -> Self {
        Self(meeting.0)
    }
}

impl fmt::Display for ChatRoomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl serde::Serialize for ChatRoomId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A campus: the tenant that people and meetings belong to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(transparent)]
pub struct CampusId(pub String);

impl CampusId {
    /// The campus of the first administrator and of the demo accounts.
    pub const DEFAULT: &'static str = "default";

    /// A campus by its name.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }
}

impl fmt::Display for CampusId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c_03_a_meeting_id_is_read_bare_prefixed_and_in_any_case() {
        let id = MeetingId::generate();
        let bare = id.to_string();
        for spelling in [
            bare.clone(),
            bare.to_lowercase(),
            format!("mtg_{bare}"),
            format!("CALL_{}", bare.to_lowercase()),
        ] {
            assert_eq!(MeetingId::parse(&spelling), Some(id), "{spelling}");
        }
    }

    #[test]
    fn c_03_any_other_shape_is_no_meeting_id() {
        for text in [
            "",
            "mtg_",
            "7",
            "mtg_mtg_01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "01ARZ3NDEKTSV4RRFFQ69G5FA",
            "ééééé",
            "mtgé01ARZ3NDEKTSV4RRFFQ69G5FA",
        ] {
            assert_eq!(MeetingId::parse(text), None, "{text}");
        }
    }
}
