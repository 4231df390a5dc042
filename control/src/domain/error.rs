//! One variant per reason for which a request is refused. Words and status codes belong to dialects.

use super::limit::Budget;
use super::meeting::Feature;

/// Why something was refused. Dialects translate with a `match` that has no wildcard arm.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DomainError {
    // Who are you?
    #[error("no credential")]
    CredentialMissing,
    #[error("the token is not one of ours")]
    TokenInvalid,
    #[error("the token has expired")]
    TokenExpired,
    #[error("the token's account does not exist")]
    AccountUnknown,
    #[error("wrong e-mail or password")]
    LoginRefused,
    #[error("the current password is wrong")]
    CurrentPasswordWrong,
    /// `budget`: which one is spent; `None` when something else is full.
    #[error("too many requests")]
    RateLimited { retry_after_s: u64, budget: Option<Budget> },

    // Is it there, and within reach?
    #[error("no meeting id given")]
    MeetingIdMissing,
    #[error("no such meeting")]
    MeetingNotFound,
    #[error("the meeting belongs to another campus")]
    OtherCampus,
    #[error("not on the roster")]
    NotMember,
    #[error("not invited")]
    NotInvited,
    /// Blocked by the host, or the account's address is of a domain that is not allowed.
    #[error("kept out by the meeting's policy")]
    KeptOut,

    // In which state is it?
    #[error("the meeting has ended")]
    MeetingEnded,
    #[error("the meeting was cancelled")]
    MeetingCancelled,
    #[error("a meeting that was cancelled does not start")]
    MeetingUnstartable,
    /// Where a second start is a mistake; elsewhere it changes nothing (C-33).
    #[error("the meeting is live already")]
    MeetingAlreadyLive,
    #[error("the meeting is not live")]
    MeetingNotActive,
    #[error("the meeting has not ended")]
    MeetingNotEnded,
    #[error("the meeting is locked")]
    MeetingLocked,
    #[error("the meeting has a password")]
    MeetingPasswordMissing,
    #[error("wrong meeting password")]
    MeetingPasswordWrong,
    #[error("no seat left")]
    MeetingFull,
    #[error("the meeting lies in the past")]
    MeetingPast,
    #[error("live meetings cannot be deleted")]
    MeetingLive,

    // May you?
    #[error("not allowed")]
    Forbidden,
    #[error("only hosts start meetings")]
    OnlyHostsStart,
    #[error("only hosts end meetings")]
    OnlyHostsEnd,
    #[error("only hosts and co-hosts add participants")]
    OnlyHostsAdd,
    #[error("only hosts change roles")]
    OnlyHostsChangeRoles,
    #[error("a host cannot be removed")]
    HostStays,
    #[error("the creator is host for ever")]
    CreatorStaysHost,
    #[error("{0:?} is switched off in this meeting")]
    FeatureOff(Feature),
    /// By the security policy: others may have the role or right for it, and still not now.
    #[error("{0:?} is left to hosts and co-hosts in this meeting")]
    HostsOnly(Feature),

    // Does it make sense?
    #[error("{0} is required")]
    FieldMissing(&'static str),
    #[error("{field}: {reason}")]
    FieldInvalid { field: &'static str, reason: String },
    /// The whole input could not be read: not JSON, not an object, too deep.
    #[error("unreadable input: {0}")]
    Malformed(String),
    #[error("the end must be after the start")]
    EndBeforeStart,
    #[error("nobody is invited")]
    NobodyInvited,
    #[error("an invitation names nobody")]
    InvitationWithoutPerson,
    #[error("an invitation names an unknown account")]
    InviteeUnknown,
    #[error("the address belongs to another account")]
    EmailTaken,

    // In chat.
    /// There is none of that id, or the actor is not in it: nobody learns which.
    #[error("no such chat room")]
    ChatRoomNotFound,
    #[error("no such message")]
    MessageNotFound,
    #[error("no such attachment")]
    AttachmentNotFound,
    #[error("an account to be added does not exist")]
    PersonUnknown,
    #[error("the file is too large")]
    FileTooLarge,
    #[error("files of this type are not taken")]
    FileTypeRefused,
    #[error("the account keeps too many bytes")]
    QuotaExceeded,
    #[error("the range begins behind the end")]
    RangeUnsatisfiable,

    #[error("no such mail")]
    MailNotFound,
    #[error("no such webhook")]
    WebhookNotFound,
    #[error("no such delivery")]
    DeliveryNotFound,

    // Inside a meeting.
    #[error("not in this meeting")]
    NotInMeeting,
    #[error("no such participant")]
    ParticipantNotFound,
    /// Also when no breakout rooms are open at all.
    #[error("no such breakout room")]
    BreakoutRoomNotFound,
    #[error("no place left in the breakout room")]
    BreakoutRoomFull,
    #[error("no such transport")]
    TransportNotFound,
    #[error("no such producer")]
    ProducerNotFound,
    #[error("no such consumer")]
    ConsumerNotFound,
    /// The media plane understood the request and refused it.
    #[error("media refused: {0}")]
    MediaRefused(String),

    // Not your fault.
    /// Keys are missing, or signing failed; the operator is told which.
    #[error("no LiveKit token")]
    LivekitTokenFailed,
    #[error("no media node")]
    MediaUnavailable,
    #[error("overloaded or stopping")]
    Unavailable,
    /// Logged where it happened; the caller learns nothing more.
    #[error("unexpected failure")]
    Internal,
}

impl DomainError {
    /// A value of `field` that is out of bounds or of the wrong type.
    pub fn invalid(field: &'static str, reason: impl Into<String>) -> Self {
        Self::FieldInvalid { field, reason: reason.into() }
    }

    /// A stable word for audit lines and metric labels.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::CredentialMissing => "credential-missing",
            Self::TokenInvalid => "token-invalid",
            Self::TokenExpired => "token-expired",
            Self::AccountUnknown => "account-unknown",
            Self::LoginRefused => "login-refused",
            Self::CurrentPasswordWrong => "current-password-wrong",
            Self::RateLimited { .. } => "rate-limited",
            Self::MeetingIdMissing => "meeting-id-missing",
            Self::MeetingNotFound => "meeting-not-found",
            Self::OtherCampus => "other-campus",
            Self::NotMember => "not-member",
            Self::NotInvited => "not-invited",
            Self::KeptOut => "kept-out",
            Self::MeetingEnded => "meeting-ended",
            Self::MeetingCancelled => "meeting-cancelled",
            Self::MeetingUnstartable => "meeting-unstartable",
            Self::MeetingAlreadyLive => "meeting-already-live",
            Self::MeetingNotActive => "meeting-not-active",
            Self::MeetingNotEnded => "meeting-not-ended",
            Self::MeetingLocked => "meeting-locked",
            Self::MeetingPasswordMissing => "password-missing",
            Self::MeetingPasswordWrong => "password-wrong",
            Self::MeetingFull => "meeting-full",
            Self::MeetingPast => "meeting-past",
            Self::MeetingLive => "meeting-live",
            Self::Forbidden => "forbidden",
            Self::OnlyHostsStart => "only-hosts-start",
            Self::OnlyHostsEnd => "only-hosts-end",
            Self::OnlyHostsAdd => "only-hosts-add",
            Self::OnlyHostsChangeRoles => "only-hosts-change-roles",
            Self::HostStays => "host-stays",
            Self::CreatorStaysHost => "creator-stays-host",
            Self::FeatureOff(_) => "feature-off",
            Self::HostsOnly(_) => "hosts-only",
            Self::FieldMissing(_) => "field-missing",
            Self::FieldInvalid { .. } => "field-invalid",
            Self::Malformed(_) => "malformed",
            Self::EndBeforeStart => "end-before-start",
            Self::NobodyInvited => "nobody-invited",
            Self::InvitationWithoutPerson => "invitation-without-person",
            Self::InviteeUnknown => "invitee-unknown",
            Self::PersonUnknown => "person-unknown",
            Self::EmailTaken => "email-taken",
            Self::ChatRoomNotFound => "chat-room-not-found",
            Self::MessageNotFound => "message-not-found",
            Self::AttachmentNotFound => "attachment-not-found",
            Self::FileTooLarge => "file-too-large",
            Self::FileTypeRefused => "file-type-refused",
            Self::QuotaExceeded => "quota-exceeded",
            Self::RangeUnsatisfiable => "range-unsatisfiable",
            Self::MailNotFound => "mail-not-found",
            Self::WebhookNotFound => "webhook-not-found",
            Self::DeliveryNotFound => "delivery-not-found",
            Self::NotInMeeting => "not-in-meeting",
            Self::ParticipantNotFound => "participant-not-found",
            Self::BreakoutRoomNotFound => "breakout-room-not-found",
            Self::BreakoutRoomFull => "breakout-room-full",
            Self::TransportNotFound => "transport-not-found",
            Self::ProducerNotFound => "producer-not-found",
            Self::ConsumerNotFound => "consumer-not-found",
            Self::MediaRefused(_) => "media-refused",
            Self::LivekitTokenFailed => "livekit-token-failed",
            Self::MediaUnavailable => "media-unavailable",
            Self::Unavailable => "unavailable",
            Self::Internal => "internal",
        }
    }
}
