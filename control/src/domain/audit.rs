//! The audit trail: who did, or was refused, what (SEC-01, SEC-09).

use time::OffsetDateTime;

use super::id::{CampusId, MeetingId, UserId};

/// The deeds that leave a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AuditAction {
    Login,
    PasswordChange,
    UserCreate,
    MeetingCreate,
    MeetingUpdate,
    MeetingDelete,
    MeetingStart,
    MeetingEnd,
    MeetingView,
    MeetingJoin,
    MeetingLeave,
    /// A change that touches features and nothing else.
    FeatureChange,
    /// A change of the security policy.
    PolicyChange,
    ParticipantAdd,
    ParticipantRemove,
    ChatRoomCreate,
    ChatRoomDelete,
    ChatMemberRemove,
    /// Somebody else's message; one's own leaves no trace.
    ChatMessageDelete,
    ParticipantMute,
    ParticipantUnmute,
    ParticipantAdmit,
    ParticipantDeny,
    RecordingStart,
    RecordingStop,
    BreakoutsOpen,
    BreakoutsClose,
    /// Somebody else was sent to a breakout room, or called back.
    BreakoutAssign,
    RoleChange,
    /// A pass to another media server.
    LivekitToken,
    /// Somebody looked people of the campus up.
    DirectorySearch,
    /// A failed mail was put back into the queue.
    MailRetry,
    /// Somebody read this trail.
    AuditRead,
    WebhookCreate,
    WebhookChange,
    WebhookDelete,
    /// Somebody had messages sent again.
    WebhookReplay,
    WebhookPing,
    /// A payload named another user than the token (C-13).
    IdentityMismatch,
}

impl AuditAction {
    /// The word stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Login => "auth.login",
            Self::PasswordChange => "auth.change-password",
            Self::UserCreate => "user.create",
            Self::MeetingCreate => "meeting.create",
            Self::MeetingUpdate => "meeting.update",
            Self::MeetingDelete => "meeting.delete",
            Self::MeetingStart => "meeting.start",
            Self::MeetingEnd => "meeting.end",
            Self::MeetingView => "meeting.view",
            Self::MeetingJoin => "meeting.join",
            Self::MeetingLeave => "meeting.leave",
            Self::FeatureChange => "meeting.features",
            Self::PolicyChange => "meeting.policy",
            Self::ParticipantAdd => "participant.add",
            Self::ParticipantMute => "participant.mute",
            Self::ParticipantUnmute => "participant.unmute",
            Self::ParticipantAdmit => "participant.admit",
            Self::ParticipantDeny => "participant.deny",
            Self::RecordingStart => "recording.start",
            Self::RecordingStop => "recording.stop",
            Self::BreakoutsOpen => "breakout.open",
            Self::BreakoutsClose => "breakout.close",
            Self::BreakoutAssign => "breakout.assign",
            Self::RoleChange => "participant.role",
            Self::LivekitToken => "livekit.token",
            Self::DirectorySearch => "directory.search",
            Self::MailRetry => "mail.retry",
            Self::AuditRead => "audit.read",
            Self::WebhookCreate => "webhook.create",
            Self::WebhookChange => "webhook.change",
            Self::WebhookDelete => "webhook.delete",
            Self::WebhookReplay => "webhook.replay",
            Self::WebhookPing => "webhook.ping",
            Self::ParticipantRemove => "participant.remove",
            Self::ChatRoomCreate => "chat.room-create",
            Self::ChatRoomDelete => "chat.room-delete",
            Self::ChatMemberRemove => "chat.member-remove",
            Self::ChatMessageDelete => "chat.message-delete",
            Self::IdentityMismatch => "auth.identity-mismatch",
        }
    }
}

/// One line of the trail. Holds ids only: no names, addresses or tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    pub action: AuditAction,
    pub actor: Option<UserId>,
    pub campus: Option<CampusId>,
    pub meeting: Option<MeetingId>,
    /// Whom it was done to: an account, else a roster line or session.
    pub target: Option<String>,
    /// `granted`, or the refusal's stable word ([`super::error::DomainError::reason`]).
    pub outcome: &'static str,
    /// A short free remark, such as the reason given for a removal; at most 500 characters are stored.
    pub detail: Option<String>,
}

impl AuditEntry {
    /// The outcome of a deed that was allowed.
    pub const GRANTED: &'static str = "granted";

    /// A line about a deed that was allowed.
    pub fn granted(action: AuditAction, actor: Option<UserId>) -> Self {
        Self {
            action,
            actor,
            campus: None,
            meeting: None,
            target: None,
            outcome: Self::GRANTED,
            detail: None,
        }
    }

    /// A line about a deed that was refused.
    pub fn refused(action: AuditAction, actor: Option<UserId>, reason: &super::error::DomainError) -> Self {
        Self {
            action,
            actor,
            campus: None,
            meeting: None,
            target: None,
            outcome: reason.reason(),
            detail: None,
        }
    }

    /// The line that fits an outcome.
    pub fn of<T>(
        action: AuditAction,
        actor: Option<UserId>,
        outcome: &Result<T, super::error::DomainError>,
    ) -> Self {
        match outcome {
            Ok(_) => Self::granted(action, actor),
            Err(reason) => Self::refused(action, actor, reason),
        }
    }

    /// The same line, about a campus without a meeting.
    pub fn in_campus(mut self, campus: Option<CampusId>) -> Self {
        self.campus = campus;
        self
    }

    /// The same line, naming whom it was done to.
    pub fn to(mut self, target: impl ToString) -> Self {
        self.target = Some(target.to_string());
        self
    }

    /// The same line with a remark.
    pub fn remarking(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// The same line, naming the meeting it is about.
    pub fn in_meeting(mut self, meeting: MeetingId, campus: CampusId) -> Self {
        self.meeting = Some(meeting);
        self.campus = Some(campus);
        self
    }
}

/// Most lines of one answer.
pub const AUDIT_LINES_MAX: u32 = 500;

/// Which lines of the trail are wanted; what is absent does not narrow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    pub meeting: Option<MeetingId>,
    pub actor: Option<UserId>,
    pub campus: Option<CampusId>,
    pub action: Option<String>,
    /// `granted`, `refused` for any refusal, or a refusal's stable word.
    pub outcome: Option<String>,
    pub from: Option<OffsetDateTime>,
    pub to: Option<OffsetDateTime>,
    /// Only lines with a smaller number.
    pub before: Option<i64>,
    pub limit: u32,
}

impl AuditFilter {
    /// A filter that lets nothing through.
    pub fn none() -> Self {
        Self::default()
    }
}

/// One line of the trail as read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditLine {
    /// Rises with every line.
    pub number: i64,
    pub at: OffsetDateTime,
    pub action: String,
    pub actor: Option<String>,
    pub campus: Option<String>,
    pub meeting: Option<String>,
    pub target: Option<String>,
    pub outcome: String,
    pub detail: Option<String>,
}
