//! What differs between products is data: the limits a meeting was created under (C-06).

use std::time::Duration;

/// Which set of limits binds a meeting for its whole life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Profile {
    Standard,
    Classroom,
}

/// The limits of one profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProfileLimits {
    /// Largest `max_participants` a meeting may have.
    pub participants_max: u32,
    /// How long a meeting may be live.
    pub duration_max: Option<Duration>,
    /// How many meetings one host may create within a UTC day.
    pub meetings_per_day_max: Option<u32>,
    /// How long recordings are kept, when the meeting itself does not say.
    pub retention_days: Option<u16>,
}

impl Profile {
    /// The word stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Classroom => "classroom",
        }
    }

    /// Reads the word of [`Profile::as_str`].
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Standard, Self::Classroom].into_iter().find(|profile| profile.as_str() == word)
    }

    /// The limits of this profile.
    pub fn limits(self) -> ProfileLimits {
        match self {
            Self::Standard => ProfileLimits {
                participants_max: super::meeting::PARTICIPANTS_MAX,
                duration_max: None,
                meetings_per_day_max: None,
                retention_days: None,
            },
            Self::Classroom => ProfileLimits {
                participants_max: 50,
                duration_max: Some(Duration::from_secs(5 * 3600)),
                meetings_per_day_max: Some(25),
                retention_days: Some(3),
            },
        }
    }
}
