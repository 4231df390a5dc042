//! The audit trail: who did, or was refused, what (SEC-01, SEC-09).

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
    ParticipantRemove,
    ChatRoomCreate,
    ChatRoomDelete,
    ChatMemberRemove,
    /// Somebody else's message; one's own leaves no trace.
    ChatMessageDelete,
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
        Self { action, actor, campus: None, meeting: None, outcome: Self::GRANTED, detail: None }
    }

    /// A line about a deed that was refused.
    pub fn refused(action: AuditAction, actor: Option<UserId>, reason: &super::error::DomainError) -> Self {
        Self { action, actor, campus: None, meeting: None, outcome: reason.reason(), detail: None }
    }

    /// The same line, naming the meeting it is about.
    pub fn in_meeting(mut self, meeting: MeetingId, campus: CampusId) -> Self {
        self.meeting = Some(meeting);
        self.campus = Some(campus);
        self
    }
}
