//! Webhooks as administrators see them (ADD-32 to ADD-39).

use serde::Serialize;
use utoipa::ToSchema;

use super::envelope::Timestamp;
use super::words::{DeliveryStatusWord, WebhookEventWord, WebhookOffWord};
use crate::domain::id::{CampusId, DeliveryId, MeetingId, WebhookId};
use crate::domain::webhook::{DeliveryRecord, DeliveryStatus, Endpoint};

/// Somebody who is told of meetings.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookView {
    #[schema(value_type = String, example = "01JDAVNTZ9R4T6V8X0Z2B4D6FH")]
    id: WebhookId,
    /// Null: of meetings of every campus.
    #[schema(value_type = Option<String>, required, example = "default")]
    campus_id: Option<CampusId>,
    #[schema(example = "https://hooks.example.org/plenum")]
    url: String,
    #[schema(example = "The timetable")]
    description: String,
    events: Vec<WebhookEventWord>,
    /// Whether it is told.
    enabled: bool,
    /// Why it is not: somebody switched it off, it answered 410, or it left the settings.
    #[schema(required)]
    disabled_reason: Option<WebhookOffWord>,
    /// Whether it comes from the server's settings.
    configured: bool,
    created_at: Timestamp,
}

/// The same for whoever made it or its secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookWithSecretView {
    #[serde(flatten)]
    webhook: WebhookView,
    /// What messages are signed with. Only in this answer, and only when it is new.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    secret: Option<String>,
}

/// A message to one webhook and what became of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeliveryView {
    /// The `webhook-id` it is sent under.
    #[schema(value_type = String, example = "01JDAVNTZ9R4T6V8X0Z2B4D6FH")]
    id: DeliveryId,
    event: WebhookEventWord,
    status: DeliveryStatusWord,
    #[schema(value_type = Option<String>, required, example = "01JDAVNTZ6MG8F0Q5W0R7YH3KC")]
    meeting_id: Option<MeetingId>,
    /// How often it was tried.
    #[schema(example = 1)]
    attempts: u32,
    /// The HTTP status of the newest answer.
    #[schema(required, example = 500)]
    last_status: Option<u16>,
    /// Why the newest try was in vain.
    #[schema(required, example = "the answer was 500")]
    last_error: Option<String>,
    happened_at: Timestamp,
    /// Null unless it waits.
    #[schema(required)]
    next_attempt_at: Option<Timestamp>,
    #[schema(required)]
    delivered_at: Option<Timestamp>,
}

/// How much is sent again.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReplayedView {
    #[schema(example = 3)]
    pub replayed: u64,
}

/// A webhook without its secret.
pub fn webhook(endpoint: &Endpoint) -> WebhookView {
    WebhookView {
        id: endpoint.id,
        campus_id: endpoint.campus.clone(),
        url: endpoint.url.clone(),
        description: endpoint.description.clone(),
        events: endpoint.events.iter().copied().map(WebhookEventWord::from).collect(),
        enabled: endpoint.off.is_none(),
        disabled_reason: endpoint.off.map(WebhookOffWord::from),
        configured: endpoint.is_configured,
        created_at: Timestamp(endpoint.created_at),
    }
}

/// A webhook, with its secret if that is new.
pub fn with_secret(endpoint: &Endpoint, is_new: bool) -> WebhookWithSecretView {
    let secret = is_new.then(|| endpoint.secret.expose().to_owned());
    WebhookWithSecretView { webhook: webhook(endpoint), secret }
}

/// A delivery.
pub fn delivery(record: &DeliveryRecord) -> DeliveryView {
    let waits = record.status == DeliveryStatus::Pending;
    DeliveryView {
        id: record.id,
        event: record.message.happening.event().into(),
        status: record.status.into(),
        meeting_id: record.message.meeting,
        attempts: record.attempts,
        last_status: record.last_status,
        last_error: record.last_error.clone(),
        happened_at: Timestamp(record.message.at),
        next_attempt_at: waits.then_some(Timestamp(record.due_at)),
        delivered_at: record.delivered_at.map(Timestamp),
    }
}
