//! Webhooks: administrators say who is told of meetings (ADD-32 to ADD-39), and [`sending`] tells them.
//!
//! What is told is kept by the store with the change it tells of: there is nothing to call for that (decision 0067).

mod sending;

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::BoxFuture;
use rand::RngExt;
use time::OffsetDateTime;

use crate::domain::actor::Actor;
use crate::domain::audit::{AuditAction, AuditEntry};
use crate::domain::error::DomainError;
use crate::domain::id::{CampusId, DeliveryId, WebhookId};
use crate::domain::page::Page;
use crate::domain::webhook::{
    Delivery, DeliveryRecord, DeliveryStatus, Endpoint, EndpointChange, Heard, HookEvent, SigningSecret,
    asked, described,
};
use crate::service::audit::Audit;
use crate::service::clock::Clock;
use crate::store::Store;

pub use sending::AT_ONCE;

/// Bytes of randomness in a secret of our making: as many as the hash it keys has.
const SECRET_BYTES: usize = 32;
/// Longest name of a campus, in characters.
const CAMPUS_CHARS_MAX: usize = 100;

/// Whatever carries messages to endpoints.
pub trait Carrier: Send + Sync + 'static {
    /// An address in its one spelling.
    ///
    /// # Errors
    /// Why nothing is ever sent there, for whoever entered it.
    fn target(&self, url: &str) -> Result<String, String>;

    /// Tries once. `now` is what the signature says about the time.
    fn deliver<'a>(&'a self, delivery: &'a Delivery, now: OffsetDateTime) -> BoxFuture<'a, Heard>;
}

/// Endpoints that the settings name, with the secret they share.
#[derive(Debug, Clone, Default)]
pub struct Configured {
    /// In the one spelling of [`Carrier::target`].
    pub urls: Vec<String>,
    /// There is one when there is an address.
    pub secret: Option<SigningSecret>,
}

/// An endpoint to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEndpoint {
    pub url: String,
    /// `None`: the usual ones.
    pub events: Option<Vec<HookEvent>>,
    /// `None`: for administrators every campus, for campus administrators their own.
    pub campus: Option<String>,
    pub description: Option<String>,
}

/// What is to change about an endpoint; absent parts stay.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EndpointWish {
    pub enabled: Option<bool>,
    pub events: Option<Vec<HookEvent>>,
    pub description: Option<String>,
    /// A new secret; the one before it signs too for a day.
    pub rotate_secret: bool,
}

/// The webhooks.
#[derive(Clone)]
pub struct Webhooks {
    store: Store,
    clock: Clock,
    audit: Audit,
    carrier: Arc<dyn Carrier>,
}

impl Webhooks {
    /// Endpoints in `store`, those of the settings among them, told by `carrier`.
    pub async fn new(
        store: Store,
        clock: Clock,
        carrier: Arc<dyn Carrier>,
        configured: &Configured,
    ) -> Result<Self, DomainError> {
        // Without addresses too: then what was in the settings before is told nothing more.
        let secret = configured.secret.clone().unwrap_or_else(fresh_secret);
        store.configure_webhooks(&configured.urls, &secret, clock.now()).await?;
        let audit = Audit::new(store.clone(), clock.clone());
        Ok(Self { store, clock, audit, carrier })
    }

    /// The endpoints an administrator looks after.
    pub async fn list(&self, actor: &Actor) -> Result<Vec<Endpoint>, DomainError> {
        self.store.webhooks(actor.administers()?.as_ref()).await
    }

    /// Adds an endpoint. Its secret is shown to whoever made it, and to nobody else.
    ///
    /// # Errors
    /// `Forbidden`, or what is wrong with the endpoint.
    pub async fn create(&self, actor: &Actor, new: NewEndpoint) -> Result<Endpoint, DomainError> {
        let made = self.make(actor, new).await;
        let campus = made.as_ref().ok().and_then(|endpoint| endpoint.campus.clone());
        let entry = AuditEntry::of(AuditAction::WebhookCreate, actor.user_id(), &made);
        let entry = entry.in_campus(campus.or_else(|| actor.campus().cloned()));
        self.audit
            .note(match &made {
                Ok(endpoint) => entry.to(endpoint.id),
                Err(_) => entry,
            })
            .await;
        made
    }

    async fn make(&self, actor: &Actor, new: NewEndpoint) -> Result<Endpoint, DomainError> {
        let own = actor.administers()?;
        let campus = new.campus.as_deref().map(str::trim).filter(|campus| !campus.is_empty());
        if campus.is_some_and(|campus| campus.chars().count() > CAMPUS_CHARS_MAX) {
            let reason = format!("must have at most {CAMPUS_CHARS_MAX} characters");
            return Err(DomainError::invalid("campus", reason));
        }
        let campus = match (own, campus.map(CampusId::new)) {
            (None, campus) => campus,
            (Some(own), Some(campus)) if campus != own => return Err(DomainError::Forbidden),
            (Some(own), _) => Some(own),
        };
        let endpoint = Endpoint {
            id: WebhookId::generate(),
            campus,
            url: self.carrier.target(&new.url).map_err(|reason| DomainError::invalid("url", reason))?,
            description: described(new.description.as_deref().unwrap_or_default())?,
            events: asked(new.events.unwrap_or_else(|| HookEvent::USUAL.to_vec()))?,
            secret: fresh_secret(),
            old_secret: None,
            is_configured: false,
            off: None,
            created_at: self.clock.now(),
        };
        self.store.insert_webhook(&endpoint).await?;
        Ok(endpoint)
    }

    /// Changes an endpoint.
    ///
    /// # Errors
    /// `Forbidden`, `WebhookNotFound`, or what is wrong with the change.
    pub async fn change(&self, actor: &Actor, id: &str, wish: EndpointWish) -> Result<Endpoint, DomainError> {
        let found = self.managed(actor, id, AuditAction::WebhookChange).await?;
        let EndpointWish { enabled, events, description, rotate_secret } = wish;
        let change =
            EndpointChange { enabled, events, description, secret: rotate_secret.then(fresh_secret) };
        let now = self.clock.now();
        let changed = self.store.change_webhook(found.id, |endpoint| endpoint.change(change, now)).await?;
        let remark = match (enabled, rotate_secret) {
            (Some(true), _) => "enabled",
            (Some(false), _) => "disabled",
            (None, true) => "secret",
            (None, false) => "",
        };
        self.note(AuditAction::WebhookChange, actor, &found, remark).await;
        Ok(changed)
    }

    /// Takes an endpoint out, with everything that was to be told it.
    ///
    /// # Errors
    /// `Forbidden`, `WebhookNotFound`; and those of the settings would come back with the next start.
    pub async fn delete(&self, actor: &Actor, id: &str) -> Result<(), DomainError> {
        let found = self.managed(actor, id, AuditAction::WebhookDelete).await?;
        if found.is_configured {
            return Err(DomainError::invalid("webhook_id", "is in WEBHOOK_URLS of the settings; disable it"));
        }
        self.store.delete_webhook(found.id).await?;
        self.note(AuditAction::WebhookDelete, actor, &found, "").await;
        Ok(())
    }

    /// What an endpoint was or is to be told, the newest first, and how many there are.
    pub async fn deliveries(
        &self,
        actor: &Actor,
        id: &str,
        status: Option<DeliveryStatus>,
        page: Page,
    ) -> Result<(Vec<DeliveryRecord>, u32), DomainError> {
        let endpoint = self.find(actor, id).await?;
        self.store.deliveries(endpoint.id, status, page).await
    }

    /// Has one delivery sent again that waits for nothing, under the same id.
    ///
    /// # Errors
    /// `Forbidden`, `WebhookNotFound`, `DeliveryNotFound`, or it waits already.
    pub async fn replay(
        &self,
        actor: &Actor,
        id: &str,
        delivery: &str,
    ) -> Result<DeliveryRecord, DomainError> {
        let endpoint = self.managed(actor, id, AuditAction::WebhookReplay).await?;
        let delivery = DeliveryId::parse(delivery).ok_or(DomainError::DeliveryNotFound)?;
        let missing = DomainError::DeliveryNotFound;
        self.store.delivery(endpoint.id, delivery).await?.ok_or(missing.clone())?;
        if self.store.replay_deliveries(endpoint.id, Some(delivery), self.clock.now()).await? == 0 {
            return Err(DomainError::invalid("status", "the delivery is pending"));
        }
        self.note(AuditAction::WebhookReplay, actor, &endpoint, &delivery.to_string()).await;
        self.store.delivery(endpoint.id, delivery).await?.ok_or(missing)
    }

    /// Has every dead delivery of an endpoint sent again; says how many.
    ///
    /// # Errors
    /// `Forbidden`, `WebhookNotFound`.
    pub async fn replay_dead(&self, actor: &Actor, id: &str) -> Result<u64, DomainError> {
        let endpoint = self.managed(actor, id, AuditAction::WebhookReplay).await?;
        let replayed = self.store.replay_deliveries(endpoint.id, None, self.clock.now()).await?;
        self.note(AuditAction::WebhookReplay, actor, &endpoint, &replayed.to_string()).await;
        Ok(replayed)
    }

    /// Tries an endpoint out with a message about nothing.
    ///
    /// # Errors
    /// `Forbidden`, `WebhookNotFound`, or the endpoint is told nothing.
    pub async fn ping(&self, actor: &Actor, id: &str) -> Result<DeliveryRecord, DomainError> {
        let endpoint = self.managed(actor, id, AuditAction::WebhookPing).await?;
        if endpoint.off.is_some() {
            return Err(DomainError::invalid("enabled", "the webhook is disabled"));
        }
        let delivery = self.store.ping_webhook(endpoint.id, self.clock.now()).await?;
        self.note(AuditAction::WebhookPing, actor, &endpoint, "").await;
        Ok(delivery)
    }

    async fn find(&self, actor: &Actor, id: &str) -> Result<Endpoint, DomainError> {
        let campus = actor.administers()?;
        let id = WebhookId::parse(id).ok_or(DomainError::WebhookNotFound)?;
        self.store.webhook(id, campus.as_ref()).await?.ok_or(DomainError::WebhookNotFound)
    }

    /// The endpoint, if the actor may do this to it; a refusal leaves a line in the trail.
    async fn managed(&self, actor: &Actor, id: &str, deed: AuditAction) -> Result<Endpoint, DomainError> {
        let found = self.find(actor, id).await;
        if let Err(refusal @ DomainError::Forbidden) = &found {
            let entry = AuditEntry::refused(deed, actor.user_id(), refusal);
            self.audit.note(entry.in_campus(actor.campus().cloned())).await;
        }
        found
    }

    async fn note(&self, deed: AuditAction, actor: &Actor, endpoint: &Endpoint, remark: &str) {
        let entry = AuditEntry::granted(deed, actor.user_id()).in_campus(endpoint.campus.clone());
        let entry = entry.to(endpoint.id);
        self.audit.note(if remark.is_empty() { entry } else { entry.remarking(remark) }).await;
    }
}

/// A secret of our making, in the spelling that receivers' libraries know.
fn fresh_secret() -> SigningSecret {
    let mut bytes = [0; SECRET_BYTES];
    rand::rng().fill(&mut bytes[..]);
    SigningSecret::new(format!("whsec_{}", STANDARD.encode(bytes)))
}
