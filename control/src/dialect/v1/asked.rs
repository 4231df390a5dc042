//! What raw WebSockets send: the data of every message a client may send, for the description, and one table that names
//! them.
//!
//! [`super::socket_requests`] reads them field by field (decision 0014).

use utoipa::ToSchema;

use super::asyncapi::framed;
use super::limits;
use crate::dialect::asyncapi::Question;
use crate::domain::error::DomainError;
use crate::domain::limit::LimitedAction;
use crate::domain::meeting::Feature;

/// Names messages, says what each asks, what answers it and what is refused; lists them all.
macro_rules! asked {
    ($(
        $name:literal $data:ident [$($required:literal),+]: $about:literal
        $(, answers [$($answer:literal),+])?
        $(, refuses [$($reason:expr),+])?;
    )+) => {
        /// Every message there is, described.
        pub(super) fn all() -> Vec<Question> {
            use DomainError::*;
            vec![$(Question {
                message: framed::<$data>(concat!("v1.", $name, ".asked"), $name, $about, &[$($required),+]),
                answers: vec![$($(concat!("v1.", $answer)),+)?],
                refusals: vec![
                    Malformed("must be a JSON object".into()),
                    RateLimited { retry_after_s: 1, budget: None },
                    $($($reason),+)?
                ],
                budget: Some(limits::budget(LimitedAction::V1Socket)),
            }),+]
        }
    };
}

asked! {
    "join" V1JoinAsked ["type"]: "Enter the meeting, or wait for a host to open the door. A session that was made by REST goes on over this connection.",
        answers ["joined", "participant_update"],
        refuses [NotInvited, KeptOut, MeetingNotActive, MeetingEnded, MeetingCancelled, MeetingLocked,
            MeetingPasswordMissing, MeetingPasswordWrong, MeetingFull, invalid()];
    "participant_update" V1UpdateAsked ["type", "data"]: "Say what is switched on; what is absent stays. Hosts and co-hosts may name somebody else, to let in, mute, or lower a hand.",
        refuses [NotInMeeting, FeatureOff(Feature::ScreenSharing), Forbidden, ParticipantNotFound, invalid()];
    "chat" V1ChatAsked ["type", "data"]: "Say something to everybody or to one person. At most 60 a minute, together with REST.",
        answers ["chat"],
        refuses [NotInMeeting, FeatureOff(Feature::Chat), ParticipantNotFound, FieldMissing("content"), invalid()];
    "reaction" V1ReactionAsked ["type", "data"]: "Show a reaction to everybody inside.",
        refuses [NotInMeeting, FieldMissing("reaction_type"), invalid()];
    "hand_raise" V1HandAsked ["type", "data"]: "Raise or lower the own hand.",
        refuses [NotInMeeting, FeatureOff(Feature::HandRaise), FieldMissing("is_hand_raised"), invalid()];
    "leave" V1LeaveAsked ["type"]: "Leave the meeting, or wait no longer. The connection stays.",
        answers ["leave"], refuses [NotInMeeting];
    "ping" V1PingAsked ["type"]: "Ask whether the server is there.", answers ["pong"];
    "pong" V1PongAsked ["type"]: "Answer a `ping`.";
}

/// A field that makes no sense, as the description shows it.
fn invalid() -> DomainError {
    DomainError::invalid("<field>", "<reason>")
}

/// How one comes in.
#[derive(ToSchema)]
pub struct V1JoinAsked {
    /// Ignored: the token decides who comes in.
    pub user_id: Option<String>,
    /// Ignored: the meeting knows.
    pub user_role: Option<String>,
    pub device_info: Option<V1DeviceAsked>,
    /// What the client calls its connection: a session that was made by REST under that name goes on.
    #[schema(max_length = 100)]
    pub connection_id: Option<String>,
    #[schema(default = false)]
    pub join_muted: Option<bool>,
    /// The camera is off on entering in any case.
    #[schema(default = false)]
    pub join_without_video: Option<bool>,
    /// Of meetings that ask for one.
    pub meeting_password: Option<String>,
    /// Ignored: the server looks at its own clock.
    pub joined_at: Option<String>,
}

/// What somebody sits at.
#[derive(ToSchema)]
pub struct V1DeviceAsked {
    #[schema(max_length = 100, default = "unknown")]
    pub device_type: Option<String>,
    /// Ignored.
    pub browser_info: Option<String>,
}

/// A status that changes; whatever is absent stays.
#[derive(ToSchema)]
pub struct V1UpdateAsked {
    pub is_muted: Option<bool>,
    pub is_video_enabled: Option<bool>,
    pub is_screen_sharing: Option<bool>,
    pub is_hand_raised: Option<bool>,
    /// `false` lets the named person in. Nobody is sent back: `true` is refused.
    pub is_in_waiting_room: Option<bool>,
    /// Whose status it is, by session, roster or account id; absent: one's own.
    pub participant_user_id: Option<String>,
}

/// A message.
#[derive(ToSchema)]
pub struct V1ChatAsked {
    /// May be empty when there is a file.
    #[schema(max_length = 4000)]
    pub content: String,
    /// `text`, `file`, `poll` or `announcement`.
    #[schema(default = "text")]
    pub message_type: Option<String>,
    /// Needs a `recipient_id` when it is true.
    #[schema(default = false)]
    pub is_private: Option<bool>,
    /// Session, roster or account id of the one person it is for.
    pub recipient_id: Option<String>,
    /// A file: below `/api/chat/attachments/` an own upload, else one that is kept elsewhere.
    pub file_url: Option<String>,
    pub file_name: Option<String>,
    pub file_type: Option<String>,
    /// In bytes.
    pub file_size: Option<u64>,
    /// Ignored: the token decides who says it.
    pub sender_id: Option<String>,
    /// Ignored.
    pub sender_name: Option<String>,
    /// Ignored: the server gives ids.
    pub message_id: Option<String>,
}

/// A reaction.
#[derive(ToSchema)]
pub struct V1ReactionAsked {
    /// A name such as `thumbs_up`, or an emoji.
    #[schema(min_length = 1, max_length = 32)]
    pub reaction_type: String,
    /// Ignored: everybody sees it for 3 seconds.
    pub duration: Option<f64>,
}

/// A hand.
#[derive(ToSchema)]
pub struct V1HandAsked {
    pub is_hand_raised: bool,
}

/// Nothing.
#[derive(ToSchema)]
pub struct V1LeaveAsked {}

/// Nothing.
#[derive(ToSchema)]
pub struct V1PingAsked {}

/// Nothing.
#[derive(ToSchema)]
pub struct V1PongAsked {}
