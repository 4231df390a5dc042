//! What the host decides about a meeting and may change later, with the bounds that hold for all meetings.

use time::OffsetDateTime;

use super::error::DomainError;
use super::password::PasswordHash;
use super::profile::Profile;
use super::security::EntryPolicy;

/// Fewest and most people a meeting may be created for (LIM-01).
pub const PARTICIPANTS_MIN: u32 = 2;
/// See [`PARTICIPANTS_MIN`].
pub const PARTICIPANTS_MAX: u32 = 10_000;
/// Seats when the creator does not say.
pub const PARTICIPANTS_DEFAULT: u32 = 100;
/// Shortest and longest meeting password, in characters (LIM-02).
pub const MEETING_PASSWORD_CHARS: std::ops::RangeInclusive<usize> = 6..=50;
/// Days a recording may be kept (LIM-03).
pub const RETENTION_DAYS: std::ops::RangeInclusive<u16> = 1..=365;
/// Largest title, description or location, in bytes: encrypted ones are opaque strings of up to 16 KiB (C-65).
pub const TEXT_BYTES_MAX: usize = 16 * 1024;

/// Something a host can switch on and off for the whole meeting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Feature {
    Video,
    Audio,
    ScreenSharing,
    Chat,
    Recording,
    BreakoutRooms,
    Whiteboard,
    HandRaise,
}

/// Which features are on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Features {
    pub video_enabled: bool,
    pub audio_enabled: bool,
    pub screen_sharing_enabled: bool,
    pub chat_enabled: bool,
    pub recording_enabled: bool,
    pub breakout_rooms_enabled: bool,
    pub whiteboard_enabled: bool,
    pub hand_raise_enabled: bool,
}

impl Default for Features {
    fn default() -> Self {
        Self {
            video_enabled: true,
            audio_enabled: true,
            screen_sharing_enabled: true,
            chat_enabled: true,
            recording_enabled: false,
            breakout_rooms_enabled: false,
            whiteboard_enabled: false,
            hand_raise_enabled: true,
        }
    }
}

impl Features {
    /// Whether one feature is on.
    pub fn allows(&self, feature: Feature) -> bool {
        match feature {
            Feature::Video => self.video_enabled,
            Feature::Audio => self.audio_enabled,
            Feature::ScreenSharing => self.screen_sharing_enabled,
            Feature::Chat => self.chat_enabled,
            Feature::Recording => self.recording_enabled,
            Feature::BreakoutRooms => self.breakout_rooms_enabled,
            Feature::Whiteboard => self.whiteboard_enabled,
            Feature::HandRaise => self.hand_raise_enabled,
        }
    }
}

/// Where recordings go (C-73).
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StorageLocation {
    Local,
    Cloud,
}

/// What would be recorded, and for how long it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct RecordingConfig {
    pub auto_record: bool,
    pub record_video: bool,
    pub record_audio: bool,
    pub record_chat: bool,
    pub storage_location: StorageLocation,
    pub retention_days: u16,
}

impl Default for RecordingConfig {
    fn default() -> Self {
        Self {
            auto_record: false,
            record_video: true,
            record_audio: true,
            record_chat: false,
            storage_location: StorageLocation::Cloud,
            retention_days: 30,
        }
    }
}

/// What the host decides about a meeting and may change later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    pub name: String,
    pub description: String,
    pub location: String,
    pub starts_at: OffsetDateTime,
    pub ends_at: OffsetDateTime,
    pub max_participants: u32,
    pub password: Option<PasswordHash>,
    /// Whether a password that is set is asked for; inert without one (C-23).
    pub require_password: bool,
    pub waiting_room_enabled: bool,
    pub require_host_approval: bool,
    pub allow_guests: bool,
    pub features: Features,
    pub recording: RecordingConfig,
    pub entry: EntryPolicy,
}

impl Settings {
    /// Checks the bounds that hold for every meeting of this profile, whoever made it.
    pub fn check(&self, profile: Profile) -> Result<(), DomainError> {
        check_text("meeting_name", &self.name)?;
        check_text("meeting_description", &self.description)?;
        check_text("meeting_location", &self.location)?;
        if self.name.trim().is_empty() {
            return Err(DomainError::FieldMissing("meeting_name"));
        }
        if self.ends_at <= self.starts_at {
            return Err(DomainError::EndBeforeStart);
        }
        let most = profile.limits().participants_max;
        if !(PARTICIPANTS_MIN..=most).contains(&self.max_participants) {
            return Err(DomainError::invalid(
                "max_participants",
                format!("must be between {PARTICIPANTS_MIN} and {most}"),
            ));
        }
        if !RETENTION_DAYS.contains(&self.recording.retention_days) {
            return Err(DomainError::invalid(
                "recording_config.retention_days",
                format!("must be between {} and {}", RETENTION_DAYS.start(), RETENTION_DAYS.end()),
            ));
        }
        self.entry.check()
    }

    /// Whether somebody has to know a password to enter.
    pub fn asks_password(&self) -> bool {
        self.require_password && self.password.is_some()
    }

    /// Whether people other than hosts wait to be admitted (C-25).
    pub fn asks_admission(&self) -> bool {
        self.waiting_room_enabled || self.require_host_approval
    }
}

fn check_text(field: &'static str, text: &str) -> Result<(), DomainError> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(DomainError::invalid(field, format!("must not be longer than {TEXT_BYTES_MAX} bytes")));
    }
    if text.contains('\0') {
        return Err(DomainError::invalid(field, "must not contain NUL"));
    }
    Ok(())
}
