//! Endpoints of webhooks: who is told of meetings, kept and changed.

use time::OffsetDateTime;

use super::columns::{json, micros, time, time_opt, to_json, word, word_opt};
use super::refusal::StoreError;
use super::sql::{Row, Tx, args};
use super::{Store, timed};
use crate::domain::error::DomainError;
use crate::domain::id::{CampusId, WebhookId};
use crate::domain::webhook::{ENDPOINTS_MAX, Endpoint, HookEvent, Off, SigningSecret};

/// $2: only of this campus, or null for every endpoint.
const SELECT: &str = "SELECT * FROM webhook_endpoints WHERE id = $1 AND ($2 IS NULL OR campus_id = $2)";
const SELECT_TO_CHANGE: &str = "SELECT * FROM webhook_endpoints WHERE id = $1";
const LIST: &str = "SELECT * FROM webhook_endpoints WHERE $1 IS NULL OR campus_id = $1 ORDER BY id";
const COUNT: &str = "SELECT COUNT(*) AS n FROM webhook_endpoints \
     WHERE campus_id = $1 OR (campus_id IS NULL AND $1 IS NULL)";
const INSERT: &str = "INSERT INTO webhook_endpoints (id, campus_id, url, description, events_json, secret, old_secret, \
     old_secret_until, configured, off_reason, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
const UPDATE: &str = "UPDATE webhook_endpoints SET description = $2, events_json = $3, secret = $4, old_secret = $5, \
     old_secret_until = $6, off_reason = $7 WHERE id = $1";
const DELETE_DELIVERIES: &str = "DELETE FROM webhook_deliveries WHERE endpoint_id = $1";
const DELETE: &str = "DELETE FROM webhook_endpoints WHERE id = $1";
/// $1: the addresses that are in the settings. Whatever was off before has its reason.
const LEFT_SETTINGS: &str = "UPDATE webhook_endpoints SET off_reason = 'settings' WHERE configured = TRUE \
     AND off_reason IS NULL AND url NOT IN (SELECT value FROM json_each($1))";
const CONFIGURED: &str = "SELECT * FROM webhook_endpoints WHERE configured = TRUE AND url = $1";
/// Those that are told of a campus; $1 null: those that are told of anything.
const HEARING: &str = "SELECT id, events_json FROM webhook_endpoints WHERE off_reason IS NULL \
     AND ($1 IS NULL OR campus_id IS NULL OR campus_id = $1)";

impl Store {
    /// The endpoints, in order of their making; within a campus if one is given.
    pub async fn webhooks(&self, campus: Option<&CampusId>) -> Result<Vec<Endpoint>, DomainError> {
        timed("webhooks", async {
            let rows = self.all(LIST, args![campus.map(|campus| campus.0.as_str())]).await?;
            rows.iter().map(read).collect()
        })
        .await
    }

    /// One endpoint, within a campus if one is given.
    pub async fn webhook(
        &self,
        id: WebhookId,
        campus: Option<&CampusId>,
    ) -> Result<Option<Endpoint>, DomainError> {
        timed("webhook", async {
            let values = args![id.to_string(), campus.map(|campus| campus.0.as_str())];
            self.one(SELECT, values).await?.as_ref().map(read).transpose()
        })
        .await
    }

    /// Adds an endpoint, unless its campus has as many as it may.
    pub async fn insert_webhook(&self, endpoint: &Endpoint) -> Result<(), DomainError> {
        timed("webhook_insert", async {
            let mut tx = self.write().await?;
            let campus = endpoint.campus.as_ref().map(|campus| campus.0.as_str());
            let count = tx.one(COUNT, args![campus]).await?.ok_or(StoreError::Corrupt("n"))?;
            if count.get::<u32>("n")? >= ENDPOINTS_MAX {
                let reason = format!("there are {ENDPOINTS_MAX} webhooks already");
                return Err(DomainError::invalid("url", reason).into());
            }
            insert(&mut tx, endpoint).await?;
            tx.commit().await?;
            Ok(())
        })
        .await
    }

    /// Lets `change` alter an endpoint, under the write lock. `WebhookNotFound` when there is none.
    pub async fn change_webhook(
        &self,
        id: WebhookId,
        change: impl FnOnce(&mut Endpoint) -> Result<(), DomainError>,
    ) -> Result<Endpoint, DomainError> {
        timed("webhook_change", async {
            let mut tx = self.write().await?;
            let row = tx.one_to_change(SELECT_TO_CHANGE, args![id.to_string()]).await?;
            let mut endpoint = read(&row.ok_or(DomainError::WebhookNotFound)?)?;
            change(&mut endpoint)?;
            update(&mut tx, &endpoint).await?;
            tx.commit().await?;
            Ok(endpoint)
        })
        .await
    }

    /// Takes an endpoint out, with everything that was to be told it. What comes in at the same moment is tidied away.
    pub async fn delete_webhook(&self, id: WebhookId) -> Result<(), DomainError> {
        timed("webhook_delete", async {
            let mut tx = self.write().await?;
            tx.execute(DELETE_DELIVERIES, args![id.to_string()]).await?;
            tx.execute(DELETE, args![id.to_string()]).await?;
            tx.commit().await?;
            Ok(())
        })
        .await
    }

    /// Makes the configured endpoints those of the settings: new ones are added, changed secrets taken over, and what
    /// is in the settings no more is told nothing. Switched off by an administrator stays switched off.
    pub async fn configure_webhooks(
        &self,
        urls: &[String],
        secret: &SigningSecret,
        now: OffsetDateTime,
    ) -> Result<(), DomainError> {
        timed("webhooks_configure", async {
            let mut tx = self.write().await?;
            tx.execute(LEFT_SETTINGS, args![to_json(&urls)?]).await?;
            for url in urls {
                match tx.one_to_change(CONFIGURED, args![url]).await?.as_ref().map(read).transpose()? {
                    None => insert(&mut tx, &configured(url, secret, now)).await?,
                    Some(mut endpoint) => {
                        endpoint.secret = secret.clone();
                        endpoint.off = endpoint.off.filter(|off| *off != Off::Settings);
                        update(&mut tx, &endpoint).await?;
                    }
                }
            }
            tx.commit().await?;
            Ok(())
        })
        .await
    }
}

/// An endpoint as the settings make it.
fn configured(url: &str, secret: &SigningSecret, now: OffsetDateTime) -> Endpoint {
    Endpoint {
        id: WebhookId::generate(),
        campus: None,
        url: url.to_owned(),
        description: String::new(),
        events: HookEvent::USUAL.to_vec(),
        secret: secret.clone(),
        old_secret: None,
        is_configured: true,
        off: None,
        created_at: now,
    }
}

/// The endpoints that are told when this happens in a campus; without one, when it happens anywhere.
pub(super) async fn hearing(
    tx: &mut Tx,
    campus: Option<&CampusId>,
    event: HookEvent,
) -> Result<Vec<WebhookId>, StoreError> {
    let rows = tx.all(HEARING, args![campus.map(|campus| campus.0.as_str())]).await?;
    let mut hearing = Vec::new();
    for row in &rows {
        if events(row)?.contains(&event) {
            hearing.push(word(row, "id", WebhookId::parse)?);
        }
    }
    Ok(hearing)
}

async fn insert(tx: &mut Tx, endpoint: &Endpoint) -> Result<(), StoreError> {
    let (old_secret, old_secret_until) = old(endpoint);
    let values = args![
        endpoint.id.to_string(),
        endpoint.campus.as_ref().map(|campus| campus.0.as_str()),
        &endpoint.url,
        &endpoint.description,
        words(endpoint)?,
        endpoint.secret.expose(),
        old_secret,
        old_secret_until,
        endpoint.is_configured,
        endpoint.off.map(Off::as_str),
        micros(endpoint.created_at),
    ];
    tx.execute(INSERT, values).await?;
    Ok(())
}

async fn update(tx: &mut Tx, endpoint: &Endpoint) -> Result<(), StoreError> {
    let (old_secret, old_secret_until) = old(endpoint);
    let values = args![
        endpoint.id.to_string(),
        &endpoint.description,
        words(endpoint)?,
        endpoint.secret.expose(),
        old_secret,
        old_secret_until,
        endpoint.off.map(Off::as_str),
    ];
    tx.execute(UPDATE, values).await?;
    Ok(())
}

fn old(endpoint: &Endpoint) -> (Option<&str>, Option<i64>) {
    let old = endpoint.old_secret.as_ref();
    (old.map(|(secret, _)| secret.expose()), old.map(|(_, until)| micros(*until)))
}

fn words(endpoint: &Endpoint) -> Result<String, StoreError> {
    to_json(&endpoint.events.iter().map(|event| event.as_str()).collect::<Vec<_>>())
}

fn events(row: &Row) -> Result<Vec<HookEvent>, StoreError> {
    let words: Vec<String> = json(row, "events_json")?;
    let read = |word: &String| HookEvent::parse(word).ok_or(StoreError::Corrupt("events_json"));
    words.iter().map(read).collect()
}

/// The secret before the last rotation, and until when it signs.
pub(super) fn old_secret(row: &Row) -> Result<Option<(SigningSecret, OffsetDateTime)>, StoreError> {
    let secret = row.get::<Option<String>>("old_secret")?.map(SigningSecret::new);
    Ok(secret.zip(time_opt(row, "old_secret_until")?))
}

fn read(row: &Row) -> Result<Endpoint, StoreError> {
    Ok(Endpoint {
        id: word(row, "id", WebhookId::parse)?,
        campus: row.get::<Option<String>>("campus_id")?.map(CampusId::new),
        url: row.get("url")?,
        description: row.get("description")?,
        events: events(row)?,
        secret: SigningSecret::new(row.get::<String>("secret")?),
        old_secret: old_secret(row)?,
        is_configured: row.get("configured")?,
        off: word_opt(row, "off_reason", Off::parse)?,
        created_at: time(row, "created_at")?,
    })
}
