//! Roles within a meeting, the rights each brings, and single rights granted or taken on top (C-15, C-42).

/// What a person is in one meeting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Host,
    CoHost,
    Presenter,
    Attendee,
}

impl Role {
    /// All of them, highest first.
    pub const ALL: [Self; 4] = [Self::Host, Self::CoHost, Self::Presenter, Self::Attendee];

    /// The word stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::CoHost => "co_host",
            Self::Presenter => "presenter",
            Self::Attendee => "attendee",
        }
    }

    /// Reads the word of [`Role::as_str`].
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }

    /// Hosts and co-hosts: those who run the meeting together.
    pub fn runs_meeting(self) -> bool {
        matches!(self, Self::Host | Self::CoHost)
    }

    /// The rights a role brings before single rights are granted or taken.
    pub fn permissions(self) -> Permissions {
        let runs = self.runs_meeting();
        Permissions {
            // The join document says `canShare: true` for everybody; the meeting's own feature switch narrows it.
            can_share_screen: true,
            can_unmute_others: runs,
            can_manage_participants: runs,
            can_record: runs,
            // "Host only" (ROLE-13); a host may give the right to whomever he likes.
            can_manage_breakout_rooms: self == Self::Host,
        }
    }
}

/// The five granular rights of ROLE-09.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
pub struct Permissions {
    pub can_share_screen: bool,
    pub can_unmute_others: bool,
    pub can_manage_participants: bool,
    pub can_record: bool,
    pub can_manage_breakout_rooms: bool,
}

impl Permissions {
    /// What these have that `before` had not.
    pub fn gained_over(self, before: Self) -> Self {
        Self {
            can_share_screen: self.can_share_screen && !before.can_share_screen,
            can_unmute_others: self.can_unmute_others && !before.can_unmute_others,
            can_manage_participants: self.can_manage_participants && !before.can_manage_participants,
            can_record: self.can_record && !before.can_record,
            can_manage_breakout_rooms: self.can_manage_breakout_rooms && !before.can_manage_breakout_rooms,
        }
    }

    /// Whether `others` have every one of these.
    pub fn is_within(self, others: Self) -> bool {
        self.gained_over(others) == Self::NONE
    }

    const NONE: Self = Self {
        can_share_screen: false,
        can_unmute_others: false,
        can_manage_participants: false,
        can_record: false,
        can_manage_breakout_rooms: false,
    };
}

/// Single rights granted or taken for one person; an absent one follows the role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct PermissionOverrides {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub can_share_screen: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub can_unmute_others: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub can_manage_participants: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub can_record: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub can_manage_breakout_rooms: Option<bool>,
}

impl PermissionOverrides {
    /// The rights that remain after these changes to what `role` brings.
    pub fn over(self, role: Role) -> Permissions {
        let base = role.permissions();
        Permissions {
            can_share_screen: self.can_share_screen.unwrap_or(base.can_share_screen),
            can_unmute_others: self.can_unmute_others.unwrap_or(base.can_unmute_others),
            can_manage_participants: self.can_manage_participants.unwrap_or(base.can_manage_participants),
            can_record: self.can_record.unwrap_or(base.can_record),
            can_manage_breakout_rooms: self
                .can_manage_breakout_rooms
                .unwrap_or(base.can_manage_breakout_rooms),
        }
    }
}
