//! Webhooks, for administrators (ADD-32 to ADD-39).

use axum::extract::{Path, RawQuery, State};

use super::Kcs;
use super::answer::{Body, Caller, Reply, created, list as listed, ok, part};
use super::bodies::{WebhookBody, WebhookChangeBody};
use super::describe::refusals;
use crate::dialect::fields::Fields;
use crate::dialect::kcs::view::envelope::{Nothing, Success, SuccessList, SuccessPart};
use crate::dialect::kcs::view::webhook::{
    DeliveryView, ReplayedView, WebhookView, WebhookWithSecretView, delivery, webhook, with_secret,
};
use crate::dialect::rest::query::Query;
use crate::domain::error::DomainError;
use crate::domain::page::Part;
use crate::domain::webhook::{DeliveryStatus, HookEvent};
use crate::service::webhooks::{EndpointWish, NewEndpoint};

/// Deliveries on a page, when nobody says how many.
const PAGE: u32 = 50;
/// Most deliveries on a page.
const PAGE_MAX: u32 = 200;

refusals!(CreateRefusals: Forbidden);

/// Tell somebody of meetings
///
/// Messages are signed as in Standard Webhooks with the secret of this answer, which is shown once. Administrators choose
/// a campus or none for all of them; campus administrators have their own.
#[utoipa::path(
    post, path = "/api/admin/webhooks", tag = "administration", operation_id = "createWebhook",
    request_body = WebhookBody,
    responses(
        (status = 201, description = "It is told from now on", body = Success<WebhookWithSecretView>), CreateRefusals
    )
)]
pub(super) async fn create(State(kcs): State<Kcs>, Caller(actor): Caller, Body(body): Body) -> Reply {
    let new = read_new(Fields::of(&body)?)?;
    let made = kcs.services.webhooks.create(&actor, new).await?;
    created("Webhook created successfully", with_secret(&made, true))
}

refusals!(ListRefusals: Forbidden);

/// Who is told of meetings
#[utoipa::path(
    get, path = "/api/admin/webhooks", tag = "administration", operation_id = "listWebhooks",
    responses((status = 200, description = "The webhooks", body = SuccessList<WebhookView>), ListRefusals)
)]
pub(super) async fn list(State(kcs): State<Kcs>, Caller(actor): Caller) -> Reply {
    let webhooks = kcs.services.webhooks.list(&actor).await?;
    listed("Webhooks retrieved successfully", webhooks.iter().map(webhook).collect())
}

refusals!(ChangeRefusals: Forbidden, WebhookNotFound);

/// Switch a webhook on or off, change it, or give it another secret
///
/// After a change of the secret the one before it signs too for a day.
#[utoipa::path(
    patch, path = "/api/admin/webhooks/{webhook_id}", tag = "administration", operation_id = "changeWebhook",
    params(("webhook_id" = String, Path, example = "01JDAVNTZ9R4T6V8X0Z2B4D6FH")),
    request_body = WebhookChangeBody,
    responses(
        (status = 200, description = "The webhook as it is now", body = Success<WebhookWithSecretView>), ChangeRefusals
    )
)]
pub(super) async fn change(
    State(kcs): State<Kcs>,
    Caller(actor): Caller,
    WebhookPath(id): WebhookPath,
    Body(body): Body,
) -> Reply {
    let wish = read_wish(Fields::of(&body)?)?;
    let rotates = wish.rotate_secret;
    let changed = kcs.services.webhooks.change(&actor, &id, wish).await?;
    ok("Webhook updated successfully", with_secret(&changed, rotates))
}

refusals!(
    DeleteRefusals: Forbidden, WebhookNotFound,
    FieldInvalid {
        field: "webhook_id", reason: "is in WEBHOOK_URLS of the settings; disable it".into()
    },
);

/// Tell somebody nothing more
///
/// What waits to be told is dropped.
#[utoipa::path(
    delete, path = "/api/admin/webhooks/{webhook_id}", tag = "administration", operation_id = "deleteWebhook",
    params(("webhook_id" = String, Path, example = "01JDAVNTZ9R4T6V8X0Z2B4D6FH")),
    responses((status = 200, description = "It is gone", body = Success<Nothing>), DeleteRefusals)
)]
pub(super) async fn delete(
    State(kcs): State<Kcs>,
    Caller(actor): Caller,
    WebhookPath(id): WebhookPath,
) -> Reply {
    kcs.services.webhooks.delete(&actor, &id).await?;
    ok("Webhook deleted successfully", Nothing)
}

refusals!(DeliveriesRefusals: Forbidden, WebhookNotFound);

/// What a webhook was told, or is to be told
///
/// Newest first. Those that are `dead` were given up; they can be sent again.
#[utoipa::path(
    get, path = "/api/admin/webhooks/{webhook_id}/deliveries", tag = "administration",
    operation_id = "listWebhookDeliveries",
    params(
        ("webhook_id" = String, Path, example = "01JDAVNTZ9R4T6V8X0Z2B4D6FH"),
        ("status" = Option<String>, Query, description = "One of pending, delivered, dead."),
        ("limit" = Option<u32>, Query, minimum = 1, description = "50 without it; more than 200 are clamped."),
        ("offset" = Option<u32>, Query, minimum = 0, description = "How many to leave out."),
    ),
    responses((status = 200, description = "The deliveries", body = SuccessPart<DeliveryView>), DeliveriesRefusals)
)]
pub(super) async fn deliveries(
    State(kcs): State<Kcs>,
    Caller(actor): Caller,
    WebhookPath(id): WebhookPath,
    RawQuery(raw): RawQuery,
) -> Reply {
    let query = Query::of(raw.as_deref());
    let wrong_status = || DomainError::invalid("status", "must be one of pending, delivered, dead");
    let status = query.text("status").map(|word| DeliveryStatus::parse(word).ok_or_else(wrong_status));
    let (status, page) = (status.transpose()?, query.page(PAGE, PAGE_MAX)?);
    let (deliveries, total) = kcs.services.webhooks.deliveries(&actor, &id, status, page).await?;
    let items = deliveries.iter().map(delivery).collect();
    part("Deliveries retrieved successfully", Part { items, total: total.into() })
}

refusals!(
    ReplayRefusals: Forbidden, WebhookNotFound, DeliveryNotFound,
    FieldInvalid { field: "status", reason: "the delivery is pending".into() },
);

/// Send a delivery again
///
/// One that was given up or taken; under the same `webhook-id`, so that receivers know it.
#[utoipa::path(
    post, path = "/api/admin/webhooks/{webhook_id}/deliveries/{delivery_id}/replay", tag = "administration",
    operation_id = "replayWebhookDelivery",
    params(
        ("webhook_id" = String, Path, example = "01JDAVNTZ9R4T6V8X0Z2B4D6FH"),
        ("delivery_id" = String, Path, example = "01JDAVNTZ9R4T6V8X0Z2B4D6FJ"),
    ),
    responses((status = 200, description = "It waits to be sent", body = Success<DeliveryView>), ReplayRefusals)
)]
pub(super) async fn replay(State(kcs): State<Kcs>, Caller(actor): Caller, path: DeliveryPath) -> Reply {
    let DeliveryPath { webhook, delivery: id } = path;
    let replayed = kcs.services.webhooks.replay(&actor, &webhook, &id).await?;
    ok("Delivery queued successfully", delivery(&replayed))
}

refusals!(ReplayDeadRefusals: Forbidden, WebhookNotFound);

/// Send everything again that was given up
#[utoipa::path(
    post, path = "/api/admin/webhooks/{webhook_id}/replay", tag = "administration", operation_id = "replayWebhook",
    params(("webhook_id" = String, Path, example = "01JDAVNTZ9R4T6V8X0Z2B4D6FH")),
    responses((status = 200, description = "How much waits to be sent", body = Success<ReplayedView>), ReplayDeadRefusals)
)]
pub(super) async fn replay_dead(
    State(kcs): State<Kcs>,
    Caller(actor): Caller,
    WebhookPath(id): WebhookPath,
) -> Reply {
    let replayed = kcs.services.webhooks.replay_dead(&actor, &id).await?;
    ok("Deliveries queued successfully", ReplayedView { replayed })
}

refusals!(
    PingRefusals: Forbidden, WebhookNotFound,
    FieldInvalid { field: "enabled", reason: "the webhook is disabled".into() },
);

/// Try a webhook out
///
/// Sends it a `webhook.ping`, which is about no meeting; the list of deliveries says how that went.
#[utoipa::path(
    post, path = "/api/admin/webhooks/{webhook_id}/ping", tag = "administration", operation_id = "pingWebhook",
    params(("webhook_id" = String, Path, example = "01JDAVNTZ9R4T6V8X0Z2B4D6FH")),
    responses((status = 201, description = "It waits to be sent", body = Success<DeliveryView>), PingRefusals)
)]
pub(super) async fn ping(
    State(kcs): State<Kcs>,
    Caller(actor): Caller,
    WebhookPath(id): WebhookPath,
) -> Reply {
    let queued = kcs.services.webhooks.ping(&actor, &id).await?;
    created("Ping queued successfully", delivery(&queued))
}

fn read_new(fields: Fields<'_>) -> Result<NewEndpoint, DomainError> {
    Ok(NewEndpoint {
        url: fields.required_text("url")?.to_owned(),
        events: events(fields)?,
        campus: fields.text("campus")?.map(str::to_owned),
        description: fields.text("description")?.map(str::to_owned),
    })
}

fn read_wish(fields: Fields<'_>) -> Result<EndpointWish, DomainError> {
    Ok(EndpointWish {
        enabled: fields.flag("enabled")?,
        events: events(fields)?,
        description: fields.text("description")?.map(str::to_owned),
        rotate_secret: fields.flag("rotate_secret")?.unwrap_or(false),
    })
}

fn events(fields: Fields<'_>) -> Result<Option<Vec<HookEvent>>, DomainError> {
    let words = HookEvent::CHOOSABLE.map(HookEvent::as_str).join(", ");
    let wrong = || DomainError::invalid("events", format!("must be some of {words}"));
    let list = fields.list("events")?;
    list.map(|list| {
        list.iter().map(|word| word.as_str().and_then(HookEvent::parse).ok_or_else(wrong)).collect()
    })
    .transpose()
}

/// The id of the path as the client spelled it.
pub(super) struct WebhookPath(String);

/// Both ids of the path as the client spelled them.
pub(super) struct DeliveryPath {
    webhook: String,
    delivery: String,
}

impl<S: Sync + Send> axum::extract::FromRequestParts<S> for WebhookPath {
    type Rejection = crate::http::refusal::Refusal;

    async fn from_request_parts(
        parts: &mut http::request::Parts,
        state: &S,
    ) -> Result<Self, Self::Rejection> {
        // What cannot be decoded is the id of no webhook.
        let path = Path::<String>::from_request_parts(parts, state).await;
        path.map(|Path(id)| Self(id)).map_err(|_| DomainError::WebhookNotFound.into())
    }
}

impl<S: Sync + Send> axum::extract::FromRequestParts<S> for DeliveryPath {
    type Rejection = crate::http::refusal::Refusal;

    async fn from_request_parts(
        parts: &mut http::request::Parts,
        state: &S,
    ) -> Result<Self, Self::Rejection> {
        let path = Path::<(String, String)>::from_request_parts(parts, state).await;
        let ids = path.map(|Path((webhook, delivery))| Self { webhook, delivery });
        ids.map_err(|_| DomainError::WebhookNotFound.into())
    }
}
