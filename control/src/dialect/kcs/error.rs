//! Refusals in this dialect's words: one status, text and sometimes code for each reason, and no wildcard.

use std::borrow::Cow;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

use super::view::envelope::{False, Refused};
use crate::dialect::rest::describe::Example;
use crate::domain::error::DomainError;
use crate::domain::meeting::Feature;
use crate::http::refusal::Refusal;

/// How a refusal is said: REST uses all of it, sockets only text and code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    pub status: StatusCode,
    pub message: Cow<'static, str>,
    pub code: Option<&'static str>,
}

/// The answer to a refused REST request.
pub fn response(refusal: &Refusal) -> Response {
    let Words { status, message, code } = words_of(refusal);
    let mut response = (status, Json(Refused { success: False, message: &message, code })).into_response();
    if let Refusal::Domain(DomainError::RateLimited { retry_after_s, .. }) = refusal {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(*retry_after_s));
    }
    response
}

/// A refusal as the description shows it.
pub fn example(refusal: &Refusal) -> Example {
    let Words { status, message, code } = words_of(refusal);
    let answer = json!(Refused { success: False, message: &message, code });
    Example { status: status.as_u16(), message: message.into_owned(), answer, schema: "Refused" }
}

/// The words for a refusal.
pub fn words_of(refusal: &Refusal) -> Words {
    match refusal {
        Refusal::Domain(reason) => words(reason),
        Refusal::UnknownRoute => plain(StatusCode::NOT_FOUND, "Route not found"),
        Refusal::WrongMethod => plain(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed"),
        Refusal::BodyTooLarge => plain(StatusCode::PAYLOAD_TOO_LARGE, "Request body too large"),
    }
}

/// The words for a reason.
pub fn words(reason: &DomainError) -> Words {
    use DomainError as E;
    use StatusCode as S;
    match reason {
        E::CredentialMissing => plain(S::UNAUTHORIZED, "Authentication token missing"),
        E::TokenInvalid => plain(S::UNAUTHORIZED, "Invalid token"),
        E::TokenExpired => plain(S::UNAUTHORIZED, "Token expired"),
        E::AccountUnknown => plain(S::UNAUTHORIZED, "User not found"),
        E::LoginRefused => plain(S::UNAUTHORIZED, "Invalid credentials"),
        E::CurrentPasswordWrong => plain(S::UNAUTHORIZED, "Current password is incorrect"),
        E::RateLimited { .. } => coded(S::TOO_MANY_REQUESTS, "Rate limit exceeded", "RATE_LIMIT_EXCEEDED"),
        E::MeetingIdMissing => plain(S::BAD_REQUEST, "Meeting ID is required"),
        E::MeetingNotFound => plain(S::NOT_FOUND, "Meeting not found"),
        E::OtherCampus => plain(S::FORBIDDEN, "Access denied - meeting not found in your campus"),
        E::NotMember => plain(S::FORBIDDEN, "Access denied - you are not a participant in this meeting"),
        E::NotInvited => plain(S::FORBIDDEN, "Access denied: You are not invited to this meeting"),
        E::KeptOut | E::Forbidden | E::HostsOnly(_) | E::NotInMeeting => plain(S::FORBIDDEN, "Access denied"),
        E::MeetingEnded => plain(S::GONE, "Meeting has ended"),
        E::MeetingCancelled | E::MeetingUnstartable => plain(S::GONE, "Meeting has been cancelled"),
        E::MeetingAlreadyLive => plain(S::CONFLICT, "Meeting is already in progress"),
        E::MeetingNotActive => plain(S::BAD_REQUEST, "Meeting is not active"),
        E::MeetingNotEnded => plain(S::BAD_REQUEST, "Meeting has not ended"),
        E::MeetingLocked => plain(S::FORBIDDEN, "Meeting is locked to new participants"),
        E::MeetingPasswordMissing => {
            coded(S::UNAUTHORIZED, "Meeting password required", "MEETING_PASSWORD_REQUIRED")
        }
        E::MeetingPasswordWrong => {
            coded(S::UNAUTHORIZED, "Invalid meeting password", "INVALID_MEETING_PASSWORD")
        }
        E::MeetingFull => coded(S::TOO_MANY_REQUESTS, "Meeting is full", "MEETING_FULL"),
        E::MeetingPast => plain(S::BAD_REQUEST, "Cannot update past meetings"),
        E::MeetingLive => plain(S::BAD_REQUEST, "Cannot delete live meetings (must end first)"),
        E::OnlyHostsStart => plain(S::FORBIDDEN, "Only hosts can start meetings"),
        E::OnlyHostsEnd => plain(S::FORBIDDEN, "Only hosts can end meetings"),
        E::OnlyHostsAdd => plain(S::FORBIDDEN, "Only hosts and co-hosts can add participants"),
        E::OnlyHostsChangeRoles => plain(S::FORBIDDEN, "Only hosts can change roles"),
        E::HostStays => plain(S::FORBIDDEN, "Cannot remove meeting host"),
        E::CreatorStaysHost => plain(S::FORBIDDEN, "Cannot demote the original meeting creator"),
        E::FeatureOff(feature) => plain(S::FORBIDDEN, feature_off(*feature)),
        E::FieldMissing(field) => owned(S::BAD_REQUEST, format!("{field} is required")),
        E::FieldInvalid { field, reason } => owned(S::BAD_REQUEST, format!("{field}: {reason}")),
        E::Malformed(reason) => owned(S::BAD_REQUEST, format!("Invalid request body: {reason}")),
        E::EndBeforeStart => plain(S::BAD_REQUEST, "Meeting end time must be after start time"),
        E::NobodyInvited => plain(S::BAD_REQUEST, "At least one participant is required"),
        E::InvitationWithoutPerson => plain(S::BAD_REQUEST, "Each participant must have user_id or email"),
        E::InviteeUnknown => plain(S::BAD_REQUEST, "User not found"),
        E::PersonUnknown => plain(S::NOT_FOUND, "User not found"),
        E::EmailTaken => plain(S::BAD_REQUEST, "email: is already in use"),
        E::ChatRoomNotFound => plain(S::NOT_FOUND, "Chat room not found"),
        E::MessageNotFound => plain(S::NOT_FOUND, "Message not found"),
        E::AttachmentNotFound => plain(S::NOT_FOUND, "Attachment not found"),
        E::FileTooLarge => coded(S::PAYLOAD_TOO_LARGE, "File too large", "FILE_TOO_LARGE"),
        E::FileTypeRefused => plain(S::UNSUPPORTED_MEDIA_TYPE, "File type not allowed"),
        E::QuotaExceeded => coded(S::PAYLOAD_TOO_LARGE, "Storage quota exceeded", "QUOTA_EXCEEDED"),
        E::RangeUnsatisfiable => plain(S::RANGE_NOT_SATISFIABLE, "Range not satisfiable"),
        E::MailNotFound => plain(S::NOT_FOUND, "Mail not found"),
        E::WebhookNotFound => plain(S::NOT_FOUND, "Webhook not found"),
        E::DeliveryNotFound => plain(S::NOT_FOUND, "Delivery not found"),
        E::ParticipantNotFound => plain(S::NOT_FOUND, "Participant not found"),
        E::BreakoutRoomNotFound => plain(S::NOT_FOUND, "Breakout room not found"),
        E::BreakoutRoomFull => plain(S::FORBIDDEN, "Breakout room is full"),
        E::TransportNotFound => plain(S::NOT_FOUND, "Transport not found"),
        E::ProducerNotFound => plain(S::NOT_FOUND, "Producer not found"),
        E::ConsumerNotFound => plain(S::NOT_FOUND, "Consumer not found"),
        E::MediaRefused(reason) => owned(S::BAD_REQUEST, reason.clone()),
        E::LivekitTokenFailed => plain(S::INTERNAL_SERVER_ERROR, "Failed to generate LiveKit token"),
        E::MediaUnavailable | E::Unavailable => plain(S::SERVICE_UNAVAILABLE, "Service unavailable"),
        E::Internal => plain(S::INTERNAL_SERVER_ERROR, "Internal server error"),
    }
}

fn feature_off(feature: Feature) -> &'static str {
    match feature {
        Feature::Video => "Video is disabled for this meeting",
        Feature::Audio => "Audio is disabled for this meeting",
        Feature::ScreenSharing => "Screen sharing is disabled for this meeting",
        Feature::Chat => "Chat is disabled for this meeting",
        Feature::Recording => "Recording is not enabled for this meeting",
        Feature::BreakoutRooms => "Breakout rooms are disabled for this meeting",
        Feature::Whiteboard => "Whiteboard is disabled for this meeting",
        Feature::HandRaise => "Hand raising is disabled for this meeting",
    }
}

fn plain(status: StatusCode, message: &'static str) -> Words {
    Words { status, message: Cow::Borrowed(message), code: None }
}

fn coded(status: StatusCode, message: &'static str, code: &'static str) -> Words {
    Words { code: Some(code), ..plain(status, message) }
}

fn owned(status: StatusCode, message: String) -> Words {
    Words { status, message: Cow::Owned(message), code: None }
}
