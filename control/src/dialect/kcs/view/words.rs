//! The closed sets of words on this dialect's wire: one enum each, so that the description lists exactly what is said.

use plenum_shared::media::{ConnectionQuality, Direction, Kind, LayerLimit, LayerStructure, Source};
use serde::Serialize;
use utoipa::ToSchema;

use crate::dialect::words::words;
use crate::domain::account::UserType;
use crate::domain::analytics::Engagement;
use crate::domain::chat::Recipient;
use crate::domain::chat_event::RoomChange;
use crate::domain::directory::Category;
use crate::domain::event::EndReason;
use crate::domain::mail::{MailKind, MailStatus};
use crate::domain::meeting::{Level, MeetingKind, MeetingStatus, StorageLocation};
use crate::domain::presence::Status;
use crate::domain::session::LeaveReason;
use crate::domain::webhook::{DeliveryStatus, HookEvent, Off};
use crate::service::live_side::Quality;

pub use crate::dialect::words::{MessageTypeWord, RoleWord};

words!(
    /// Where a meeting is in its life: scheduled, live, ended; or scheduled, cancelled. Nothing leads back.
    StatusWord for MeetingStatus: Scheduled, Live, Ended, Cancelled
);
words!(
    /// How a meeting comes about.
    MeetingTypeWord for MeetingKind: Scheduled, Instant, Recurring
);
words!(
    /// Whom something is left to: hosts and co-hosts, or everybody.
    LevelWord for Level: Host, All
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
    /// Why a mail is written.
    MailKindWord for MailKind: Invitation, Update, Cancellation, Removal
);
words!(
    /// What became of a mail.
    MailStatusWord for MailStatus: Queued, Sent, Failed
);
words!(
    /// What became of a message to a webhook.
    DeliveryStatusWord for DeliveryStatus: Pending, Delivered, Dead
);
words!(
    /// Why a webhook is told nothing.
    WebhookOffWord for Off: Administrator, Gone, Settings
);

words!(
    /// How much somebody took part in a meeting.
    EngagementWord for Engagement: High, Medium, Low
);

/// How a part of the platform does.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HealthWord {
    Ok,
    /// Works, with a part missing.
    Degraded,
    Down,
}

/// The group of people somebody is in, for whoever searches the directory.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CategoryWord {
    Teacher,
    Student,
    Staff,
}

impl From<Category> for CategoryWord {
    fn from(category: Category) -> Self {
        match category {
            Category::Teachers => Self::Teacher,
            Category::Students => Self::Student,
            Category::Staff => Self::Staff,
        }
    }
}

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
words!(
    /// Sound or picture.
    KindWord for Kind: Audio, Video
);
words!(
    /// Which way media flows, in the client's words.
    DirectionWord for Direction: Send, Recv
);
words!(
    /// How a track offers its qualities; what mediasoup-client calls the `type` of a consumer.
    LayersWord for LayerStructure: Simple, Simulcast, Svc
);
words!(
    /// How well a participant is connected, judged by loss and round trip over the last seconds.
    ConnectionQualityWord for ConnectionQuality: Excellent, Good, Fair, Poor
);
words!(
    /// How somebody came to be outside: by leaving, a lost connection, somebody's hand, or the meeting's end.
    LeaveReasonWord for LeaveReason: Left, Disconnected, Kicked, Ended
);

/// What a track shows or carries.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SourceWord {
    Camera,
    Microphone,
    Screen,
    ScreenAudio,
}

impl From<Source> for SourceWord {
    fn from(source: Source) -> Self {
        match source {
            Source::Camera => Self::Camera,
            Source::Microphone => Self::Microphone,
            Source::Screen => Self::Screen,
            Source::ScreenAudio => Self::ScreenAudio,
        }
    }
}

/// Why a viewer is sent less than it asked for.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LayerLimitWord {
    Bandwidth,
    LastN,
}

impl From<LayerLimit> for LayerLimitWord {
    fn from(limit: LayerLimit) -> Self {
        match limit {
            LayerLimit::Bandwidth => Self::Bandwidth,
            LayerLimit::LastN => Self::LastN,
        }
    }
}

/// Why a meeting is over.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EndReasonWord {
    Host,
    TimeLimit,
}

impl From<EndReason> for EndReasonWord {
    fn from(reason: EndReason) -> Self {
        match reason {
            EndReason::EndedByHost => Self::Host,
            EndReason::TimeLimit => Self::TimeLimit,
        }
    }
}

words!(
    /// What changed about a chat room.
    RoomChangeWord for RoomChange: Renamed, Owner, Deleted
);

/// Whether somebody can be reached, in their own word.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PresenceWord {
    Online,
    Away,
    Busy,
    Offline,
}

impl From<Status> for PresenceWord {
    fn from(status: Status) -> Self {
        match status {
            Status::Online => Self::Online,
            Status::Away => Self::Away,
            Status::Busy => Self::Busy,
        }
    }
}

/// What a webhook is told.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub enum WebhookEventWord {
    #[serde(rename = "meeting.started")]
    MeetingStarted,
    #[serde(rename = "participant.joined")]
    ParticipantJoined,
    #[serde(rename = "participant.left")]
    ParticipantLeft,
    #[serde(rename = "meeting.ended")]
    MeetingEnded,
    #[serde(rename = "webhook.ping")]
    Ping,
}

impl From<HookEvent> for WebhookEventWord {
    fn from(event: HookEvent) -> Self {
        match event {
            HookEvent::MeetingStarted => Self::MeetingStarted,
            HookEvent::ParticipantJoined => Self::ParticipantJoined,
            HookEvent::ParticipantLeft => Self::ParticipantLeft,
            HookEvent::MeetingEnded => Self::MeetingEnded,
            HookEvent::Ping => Self::Ping,
        }
    }
}
