//! Refusals in this dialect's words: one status, text and code for each reason, and no wildcard. The twelve codes of its
//! guide come first to mind; what the guide has no code for has one of ours.

use std::borrow::Cow;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Map, Value, json};
use time::{Duration, OffsetDateTime};

use super::view::envelope::V1Refused;
use crate::dialect::iso;
use crate::dialect::rest::describe::Example;
use crate::domain::error::DomainError;
use crate::domain::limit::Budget;
use crate::domain::meeting::Feature;
use crate::http::refusal::Refusal;

/// How a refusal is said: REST uses all of it, sockets only text and code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    pub status: StatusCode,
    pub message: Cow<'static, str>,
    pub code: &'static str,
    /// What there is to know beside the code, by name.
    pub details: Map<String, Value>,
}

/// The answer to a refused REST request, given now.
pub fn response(refusal: &Refusal, now: OffsetDateTime) -> Response {
    let words = words_of(refusal, now);
    let mut response = (words.status, Json(V1Refused::new(&words, now))).into_response();
    if let Refusal::Domain(DomainError::RateLimited { retry_after_s, .. }) = refusal {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(*retry_after_s));
    }
    response
}

/// A refusal as the description shows it.
pub fn example(refusal: &Refusal) -> Example {
    // Any moment does: an example of one.
    let now = OffsetDateTime::UNIX_EPOCH + Duration::days(20_000);
    let words = words_of(refusal, now);
    let answer = json!(V1Refused::new(&words, now));
    Example {
        status: words.status.as_u16(),
        message: words.message.into_owned(),
        answer,
        schema: "V1Refused",
    }
}

/// The words for a refusal, said now.
pub fn words_of(refusal: &Refusal, now: OffsetDateTime) -> Words {
    match refusal {
        Refusal::Domain(reason) => words(reason, now),
        Refusal::UnknownRoute => coded(StatusCode::NOT_FOUND, "Route not found", "ROUTE_NOT_FOUND"),
        Refusal::WrongMethod => {
            coded(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed", "METHOD_NOT_ALLOWED")
        }
        Refusal::BodyTooLarge => {
            coded(StatusCode::PAYLOAD_TOO_LARGE, "Request body too large", "PAYLOAD_TOO_LARGE")
        }
    }
}

/// The words for a reason, said now.
pub fn words(reason: &DomainError, now: OffsetDateTime) -> Words {
    use DomainError as E;
    use StatusCode as S;
    match reason {
        E::CredentialMissing | E::TokenInvalid | E::TokenExpired | E::AccountUnknown => {
            coded(S::UNAUTHORIZED, "Unauthorized", "UNAUTHORIZED")
        }
        E::LoginRefused => coded(S::UNAUTHORIZED, "Invalid credentials", "INVALID_CREDENTIALS"),
        E::CurrentPasswordWrong => {
            coded(S::UNAUTHORIZED, "Current password is incorrect", "INVALID_CREDENTIALS")
        }
        E::RateLimited { retry_after_s, budget } => rate_limited(*retry_after_s, *budget, now),
        E::MeetingIdMissing => wrong("meeting_id", "Meeting ID is required"),
        E::MeetingNotFound => coded(S::NOT_FOUND, "Meeting does not exist", "MEETING_NOT_FOUND"),
        E::OtherCampus
        | E::NotMember
        | E::NotInvited
        | E::KeptOut
        | E::Forbidden
        | E::OnlyHostsStart
        | E::OnlyHostsEnd
        | E::OnlyHostsAdd
        | E::OnlyHostsChangeRoles
        | E::HostStays
        | E::CreatorStaysHost => not_allowed(),
        E::MeetingEnded => coded(S::GONE, "Meeting has already ended", "MEETING_ENDED"),
        E::MeetingCancelled => coded(S::GONE, "Meeting has been cancelled", "MEETING_ENDED"),
        E::MeetingUnstartable => {
            coded(S::BAD_REQUEST, "Meeting cannot be started", "MEETING_CANNOT_BE_STARTED")
        }
        E::MeetingAlreadyLive => {
            coded(S::CONFLICT, "Meeting is already in progress", "MEETING_ALREADY_ACTIVE")
        }
        E::MeetingNotActive => coded(S::BAD_REQUEST, "Meeting is not currently active", "MEETING_NOT_ACTIVE"),
        E::MeetingNotEnded => coded(S::BAD_REQUEST, "Meeting has not ended", "MEETING_NOT_ENDED"),
        E::MeetingLocked => coded(S::FORBIDDEN, "Meeting is locked to new participants", "MEETING_LOCKED"),
        E::MeetingPasswordMissing => {
            coded(S::FORBIDDEN, "Meeting password required", "MEETING_PASSWORD_REQUIRED")
        }
        E::MeetingPasswordWrong => {
            coded(S::FORBIDDEN, "Invalid meeting password", "INVALID_MEETING_PASSWORD")
        }
        E::MeetingFull => {
            coded(S::FORBIDDEN, "Meeting has reached participant limit", "MAX_PARTICIPANTS_REACHED")
        }
        E::MeetingPast => coded(S::BAD_REQUEST, "Cannot update past meetings", "MEETING_PAST"),
        E::MeetingLive => coded(S::CONFLICT, "Meeting is already in progress", "MEETING_ALREADY_ACTIVE"),
        // The guide has a code for what is off and for what is left to hosts alike (CHAT-06).
        E::FeatureOff(feature) | E::HostsOnly(feature @ (Feature::Chat | Feature::ScreenSharing)) => {
            feature_off(*feature)
        }
        E::HostsOnly(_) => not_allowed(),
        E::FieldMissing(field) => wrong(field, "is required"),
        E::FieldInvalid { field, reason } => wrong(field, reason),
        E::Malformed(reason) => wrong("body", reason),
        E::EndBeforeStart => wrong("meeting_end_time", "must be after the start time"),
        E::NobodyInvited => wrong("participants", "at least one is required"),
        E::InvitationWithoutPerson => wrong("participants", "each must have user_id or email"),
        E::InviteeUnknown => wrong("participants", "names an unknown user"),
        E::EmailTaken => wrong("email", "is already in use"),
        E::PersonUnknown => coded(S::NOT_FOUND, "User not found", "USER_NOT_FOUND"),
        E::ChatRoomNotFound => coded(S::NOT_FOUND, "Chat room not found", "CHAT_ROOM_NOT_FOUND"),
        E::MessageNotFound => coded(S::NOT_FOUND, "Message not found", "MESSAGE_NOT_FOUND"),
        E::AttachmentNotFound => coded(S::NOT_FOUND, "Attachment not found", "ATTACHMENT_NOT_FOUND"),
        E::FileTooLarge => coded(S::PAYLOAD_TOO_LARGE, "File too large", "FILE_TOO_LARGE"),
        E::FileTypeRefused => {
            coded(S::UNSUPPORTED_MEDIA_TYPE, "File type not allowed", "FILE_TYPE_NOT_ALLOWED")
        }
        E::QuotaExceeded => coded(S::PAYLOAD_TOO_LARGE, "Storage quota exceeded", "QUOTA_EXCEEDED"),
        E::RangeUnsatisfiable => {
            coded(S::RANGE_NOT_SATISFIABLE, "Range not satisfiable", "RANGE_NOT_SATISFIABLE")
        }
        E::MailNotFound => coded(S::NOT_FOUND, "Mail not found", "MAIL_NOT_FOUND"),
        E::WebhookNotFound => coded(S::NOT_FOUND, "Webhook not found", "WEBHOOK_NOT_FOUND"),
        E::DeliveryNotFound => coded(S::NOT_FOUND, "Delivery not found", "DELIVERY_NOT_FOUND"),
        E::NotInMeeting | E::ParticipantNotFound => {
            coded(S::NOT_FOUND, "Participant not found in meeting", "PARTICIPANT_NOT_FOUND")
        }
        E::BreakoutRoomNotFound => coded(S::NOT_FOUND, "Breakout room not found", "BREAKOUT_ROOM_NOT_FOUND"),
        E::BreakoutRoomFull => coded(S::FORBIDDEN, "Breakout room is full", "BREAKOUT_ROOM_FULL"),
        E::TransportNotFound => coded(S::NOT_FOUND, "Transport not found", "TRANSPORT_NOT_FOUND"),
        E::ProducerNotFound => coded(S::NOT_FOUND, "Producer not found", "PRODUCER_NOT_FOUND"),
        E::ConsumerNotFound => coded(S::NOT_FOUND, "Consumer not found", "CONSUMER_NOT_FOUND"),
        E::MediaRefused(reason) => wrong("media", reason),
        E::LivekitTokenFailed => {
            coded(S::INTERNAL_SERVER_ERROR, "Failed to generate LiveKit token", "LIVEKIT_TOKEN_ERROR")
        }
        E::MediaUnavailable | E::Unavailable => {
            coded(S::SERVICE_UNAVAILABLE, "Service unavailable", "SERVICE_UNAVAILABLE")
        }
        E::Internal => coded(S::INTERNAL_SERVER_ERROR, "Internal server error", "INTERNAL_ERROR"),
    }
}

/// The guide has codes for two features; the others are told by name.
fn feature_off(feature: Feature) -> Words {
    let off = |name: &str| detailed(not_allowed(), "feature", format!("{name} is disabled for this meeting"));
    match feature {
        Feature::Chat => coded(StatusCode::FORBIDDEN, "Chat is disabled for this meeting", "CHAT_DISABLED"),
        Feature::ScreenSharing => {
            coded(StatusCode::FORBIDDEN, "Screen sharing is disabled", "SCREEN_SHARE_DISABLED")
        }
        Feature::Video => off("Video"),
        Feature::Audio => off("Audio"),
        Feature::Recording => off("Recording"),
        Feature::BreakoutRooms => off("Breakout rooms"),
        Feature::Whiteboard => off("Whiteboard"),
        Feature::HandRaise => off("Hand raising"),
    }
}

/// `details` as RATE-15 has them.
fn rate_limited(retry_after_s: u64, budget: Option<Budget>, now: OffsetDateTime) -> Words {
    let words = coded(StatusCode::TOO_MANY_REQUESTS, "Rate limit exceeded", "RATE_LIMIT_EXCEEDED");
    let words = match budget {
        Some(Budget { requests, window_s }) => {
            detailed(detailed(words, "limit", requests), "window", window_s)
        }
        None => words,
    };
    // Windows end on whole seconds.
    let wait = Duration::seconds(i64::try_from(retry_after_s).unwrap_or(i64::MAX));
    let begun = now.replace_nanosecond(0).unwrap_or(now);
    match begun.checked_add(wait) {
        Some(reset_at) => detailed(words, "reset_at", iso::text(reset_at)),
        None => words,
    }
}

fn not_allowed() -> Words {
    coded(StatusCode::FORBIDDEN, "User lacks required permissions", "INSUFFICIENT_PERMISSION")
}

/// A field of the request that makes no sense, with what is wrong about it.
fn wrong(field: &str, reason: &str) -> Words {
    let words = coded(StatusCode::BAD_REQUEST, "Validation failed", "VALIDATION_ERROR");
    detailed(words, field, reason)
}

fn coded(status: StatusCode, message: &'static str, code: &'static str) -> Words {
    Words { status, message: Cow::Borrowed(message), code, details: Map::new() }
}

fn detailed(mut words: Words, name: &str, value: impl Into<Value>) -> Words {
    words.details.insert(name.to_owned(), value.into());
    words
}
