//! Webhooks: what other programs are told of meetings, who is told, and what becomes of one telling.
//!
//! [`address`] decides which addresses may be connected to. Decisions 0067 and 0068.

pub mod address;

use std::fmt;

use time::format_description::well_known::Rfc2822;
use time::{Duration, OffsetDateTime};

use super::error::DomainError;
use super::id::{CampusId, DeliveryId, MeetingId, UserId, WebhookId};
use super::role::Role;
use super::session::LeaveReason;

/// Longest address of an endpoint, in bytes.
pub const URL_BYTES_MAX: usize = 2048;
/// Longest description of an endpoint, in characters.
pub const DESCRIPTION_CHARS_MAX: usize = 200;
/// Endpoints of one campus, and of all campuses together: each costs a stored line for everything that happens.
pub const ENDPOINTS_MAX: u32 = 50;
/// How often one message is tried before it is given up (C-60).
pub const TRIES_MAX: u32 = 5;
/// How long a message may wait in all, also behind others of its meeting: after that it is no news to anybody.
pub const TRIED_FOR: Duration = Duration::hours(72);
/// How long the secret before the last rotation signs too, so that receivers can be changed one after the other.
pub const OLD_SECRET_FOR: Duration = Duration::hours(24);
/// The pause after the first try in vain; each further one is five times as long: 10 s, 50 s, 4 min, 21 min.
const PAUSE_MIN: Duration = Duration::seconds(10);
const PAUSE_GROWTH: i32 = 5;
/// Longest wait that a receiver may ask for: what is held back behind it waits as well.
const RETRY_AFTER_MAX: Duration = Duration::hours(1);

/// What an endpoint may be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HookEvent {
    MeetingStarted,
    ParticipantJoined,
    /// For those who ask for it: no document of old names it.
    ParticipantLeft,
    MeetingEnded,
    /// A try-out of one endpoint, about no meeting.
    Ping,
}

impl HookEvent {
    /// What an endpoint can ask for.
    pub const CHOOSABLE: [Self; 4] =
        [Self::MeetingStarted, Self::ParticipantJoined, Self::ParticipantLeft, Self::MeetingEnded];
    /// What an endpoint is told that asks for nothing in particular (HOOK-02 to HOOK-04).
    pub const USUAL: [Self; 3] = [Self::MeetingStarted, Self::ParticipantJoined, Self::MeetingEnded];

    /// The word stored and sent.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MeetingStarted => "meeting.started",
            Self::ParticipantJoined => "participant.joined",
            Self::ParticipantLeft => "participant.left",
            Self::MeetingEnded => "meeting.ended",
            Self::Ping => "webhook.ping",
        }
    }

    /// Reads the word of something an endpoint can ask for.
    pub fn parse(word: &str) -> Option<Self> {
        Self::CHOOSABLE.into_iter().find(|event| event.as_str() == word)
    }
}

/// Something that happened, with what is told about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happening {
    /// `by`: `None` when nobody in particular did it.
    MeetingStarted { by: Option<UserId> },
    /// One session began. `user`: `None` for people without an account.
    ParticipantJoined { user: Option<UserId>, role: Role },
    /// One session is over.
    ParticipantLeft { user: Option<UserId>, role: Role, joined_at: OffsetDateTime, reason: LeaveReason },
    MeetingEnded {
        by: Option<UserId>,
        /// Whole minutes, rounded.
        duration_minutes: u64,
        /// Different persons who were inside at any time (STAT-06).
        participants: u32,
    },
    /// Of this endpoint.
    Ping { endpoint: WebhookId },
}

impl Happening {
    /// What kind of thing it is.
    pub fn event(&self) -> HookEvent {
        match self {
            Self::MeetingStarted { .. } => HookEvent::MeetingStarted,
            Self::ParticipantJoined { .. } => HookEvent::ParticipantJoined,
            Self::ParticipantLeft { .. } => HookEvent::ParticipantLeft,
            Self::MeetingEnded { .. } => HookEvent::MeetingEnded,
            Self::Ping { .. } => HookEvent::Ping,
        }
    }
}

/// What one endpoint is told: the same for every try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// `None`: about no meeting.
    pub meeting: Option<MeetingId>,
    pub happening: Happening,
    pub at: OffsetDateTime,
}

/// A shared secret that messages are signed with: `whsec_` and base64, or any text.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningSecret(String);

impl SigningSecret {
    /// Wraps a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for signing and for whoever made it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret(..)")
    }
}

/// Why an endpoint is told nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Off {
    /// An administrator switched it off.
    Administrator,
    /// It answered 410: it wants nothing any more.
    Gone,
    /// It came from the settings and is not in them any more.
    Settings,
}

impl Off {
    /// The word stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::Gone => "gone",
            Self::Settings => "settings",
        }
    }

    /// Reads the word of [`Off::as_str`].
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Administrator, Self::Gone, Self::Settings].into_iter().find(|off| off.as_str() == word)
    }
}

/// Who is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    pub id: WebhookId,
    /// `None`: of meetings of every campus.
    pub campus: Option<CampusId>,
    pub url: String,
    pub description: String,
    pub events: Vec<HookEvent>,
    pub secret: SigningSecret,
    /// The secret before it, and until when it signs too.
    pub old_secret: Option<(SigningSecret, OffsetDateTime)>,
    /// Whether it comes from the settings (`WEBHOOK_URLS`).
    pub is_configured: bool,
    /// `None`: it is told.
    pub off: Option<Off>,
    pub created_at: OffsetDateTime,
}

/// A change of an endpoint; absent parts stay.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EndpointChange {
    pub enabled: Option<bool>,
    pub events: Option<Vec<HookEvent>>,
    pub description: Option<String>,
    /// A fresh secret, in place of the one there is.
    pub secret: Option<SigningSecret>,
}

impl Endpoint {
    /// Takes a change over. The secret of an endpoint from the settings is a setting.
    pub fn change(&mut self, change: EndpointChange, now: OffsetDateTime) -> Result<(), DomainError> {
        let EndpointChange { enabled, events, description, secret } = change;
        if secret.is_some() && self.is_configured {
            return Err(DomainError::invalid(
                "rotate_secret",
                "the secret is WEBHOOK_SECRET of the settings",
            ));
        }
        if enabled == Some(true) && self.off == Some(Off::Settings) {
            return Err(DomainError::invalid("enabled", "it is not in WEBHOOK_URLS any more"));
        }
        if let Some(description) = description {
            self.description = described(&description)?;
        }
        if let Some(events) = events {
            self.events = asked(events)?;
        }
        match enabled {
            Some(true) => self.off = None,
            Some(false) => self.off = self.off.or(Some(Off::Administrator)),
            None => {}
        }
        if let Some(secret) = secret {
            let old = std::mem::replace(&mut self.secret, secret);
            self.old_secret = Some((old, now + OLD_SECRET_FOR));
        }
        Ok(())
    }
}

/// Every secret that signs now, the newest first: that of an endpoint, and the one before it while its time lasts.
pub fn signing(
    secret: SigningSecret,
    old: Option<(SigningSecret, OffsetDateTime)>,
    now: OffsetDateTime,
) -> Vec<SigningSecret> {
    let old = old.filter(|(_, until)| *until > now).map(|(secret, _)| secret);
    std::iter::once(secret).chain(old).collect()
}

/// The events an endpoint asks for: at least one, each once.
pub fn asked(mut events: Vec<HookEvent>) -> Result<Vec<HookEvent>, DomainError> {
    events.sort();
    events.dedup();
    if events.is_empty() {
        return Err(DomainError::invalid("events", "must name at least one event"));
    }
    Ok(events)
}

/// A description within its bound, without control characters.
pub fn described(text: &str) -> Result<String, DomainError> {
    let text: String = text.trim().chars().filter(|c| !c.is_control()).collect();
    if text.chars().count() > DESCRIPTION_CHARS_MAX {
        let reason = format!("must have at most {DESCRIPTION_CHARS_MAX} characters");
        return Err(DomainError::invalid("description", reason));
    }
    Ok(text)
}

/// What became of a message to one endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeliveryStatus {
    /// Waits to be sent, or to be tried again.
    Pending,
    Delivered,
    /// Given up. Only somebody who asks for it again has it sent.
    Dead,
}

impl DeliveryStatus {
    /// The word stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }

    /// Reads the word of [`DeliveryStatus::as_str`].
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Pending, Self::Delivered, Self::Dead].into_iter().find(|status| status.as_str() == word)
    }
}

/// A message on its way to one endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    pub id: DeliveryId,
    pub endpoint: WebhookId,
    pub url: String,
    /// Every secret that signs now, the newest first.
    pub secrets: Vec<SigningSecret>,
    pub message: Message,
    /// Tries so far, this one included.
    pub attempts: u32,
}

/// A message to one endpoint and what became of it so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryRecord {
    pub id: DeliveryId,
    pub message: Message,
    pub status: DeliveryStatus,
    pub attempts: u32,
    /// The HTTP status of the newest answer.
    pub last_status: Option<u16>,
    /// Why the newest try was in vain.
    pub last_error: Option<String>,
    pub due_at: OffsetDateTime,
    pub delivered_at: Option<OffsetDateTime>,
}

/// What came back from a try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// An HTTP answer, with the wait it asked for.
    Answer { status: u16, retry_after: Option<Duration> },
    /// None; in words that repeat no secret.
    Nothing(String),
}

/// What is to be done after a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Taken, with this status.
    Delivered(u16),
    /// Try again after this pause.
    Later(Duration),
    /// Give it up.
    Dead,
    /// Give it up, and tell this endpoint nothing more.
    Gone,
}

/// What follows from what was heard at try number `attempts`. `jitter` from 0 to 1 spreads what failed together.
pub fn next(heard: &Heard, attempts: u32, jitter: f64) -> Next {
    let asked = match heard {
        Heard::Answer { status: status @ 200..=299, .. } => return Next::Delivered(*status),
        Heard::Answer { status: 410, .. } => return Next::Gone,
        // Only these two say when (RFC 6585, RFC 9110); elsewhere the header is about something else.
        Heard::Answer { status: 429 | 503, retry_after } => retry_after.unwrap_or_default(),
        Heard::Answer { .. } | Heard::Nothing(_) => Duration::ZERO,
    };
    match pause(attempts, jitter) {
        Some(pause) => Next::Later(pause.max(asked.min(RETRY_AFTER_MAX))),
        None => Next::Dead,
    }
}

/// How long to wait after `attempts` tries in vain: the second half of the pause is chance. `None`: not again.
pub fn pause(attempts: u32, jitter: f64) -> Option<Duration> {
    if attempts >= TRIES_MAX {
        return None;
    }
    let whole = PAUSE_MIN * PAUSE_GROWTH.pow(attempts.max(1) - 1);
    Some(whole * (0.5 + jitter.clamp(0.0, 1.0) / 2.0))
}

/// Reads `Retry-After`: seconds, or a date (RFC 9110, 10.2.3).
pub fn retry_after(text: &str, now: OffsetDateTime) -> Option<Duration> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // Whatever is longer than the bound is the bound.
        let seconds = text.parse().unwrap_or(i64::MAX).min(RETRY_AFTER_MAX.whole_seconds());
        return Some(Duration::seconds(seconds));
    }
    let at = OffsetDateTime::parse(text, &Rfc2822).ok()?;
    Some((at - now).clamp(Duration::ZERO, RETRY_AFTER_MAX))
}

/// Whole minutes between start and end, rounded.
pub fn minutes(started: OffsetDateTime, ended: OffsetDateTime) -> u64 {
    u64::try_from((ended - started + Duration::seconds(30)).whole_minutes()).unwrap_or(0)
}

#[cfg(test)]
mod tests;
