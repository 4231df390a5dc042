//! What endpoints are told: kept with the change it tells of, claimed by one sender at a time in the order of each meeting,
//! and what became of it.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::columns::{json, micros, time, time_of, time_opt, to_json, word, word_opt};
use super::refusal::StoreError;
use super::sql::{Row, Tx, args};
use super::{Store, timed, webhooks};
use crate::domain::error::DomainError;
use crate::domain::id::{CampusId, DeliveryId, MeetingId, UserId, WebhookId};
use crate::domain::page::Page;
use crate::domain::role::Role;
use crate::domain::session::LeaveReason;
use crate::domain::webhook::{
    Delivery, DeliveryRecord, DeliveryStatus, Happening, HookEvent, Message, SigningSecret, TRIED_FOR,
    signing,
};

const INSERT: &str = "INSERT INTO webhook_deliveries (id, endpoint_id, meeting_id, facts_json, happened_at, status, due_at, \
     tried_until) VALUES ($1, $2, $3, $4, $5, 'pending', $6, $7)";
/// The first of each endpoint and meeting that waits, when it is due and free: at most $2 of one endpoint, those on their
/// way included, and $3 in all.
const DUE: &str = "SELECT id FROM (\
       SELECT d.id, d.due_at, d.seq, \
         ROW_NUMBER() OVER (PARTITION BY d.endpoint_id ORDER BY d.due_at, d.seq) AS place, \
         (SELECT COUNT(*) FROM webhook_deliveries b \
            WHERE b.lease IS NOT NULL AND b.endpoint_id = d.endpoint_id AND b.leased_until > $1) AS busy \
       FROM webhook_deliveries d JOIN webhook_endpoints e ON e.id = d.endpoint_id \
       WHERE d.seq IN (SELECT MIN(seq) FROM webhook_deliveries WHERE status = 'pending' GROUP BY endpoint_id, meeting_id) \
         AND e.off_reason IS NULL AND d.due_at <= $1 AND (d.leased_until IS NULL OR d.leased_until <= $1)) AS due \
     WHERE place + busy <= $2 ORDER BY due_at, seq LIMIT $3";
/// The first of one endpoint and meeting that waits.
const FIRST: &str = "SELECT id FROM webhook_deliveries WHERE status = 'pending' AND endpoint_id = $1 AND meeting_id = $2 \
     ORDER BY seq LIMIT 1";
/// The conditions are those of the choice: of two who chose the same lines the second finds them taken.
const CLAIM: &str = "UPDATE webhook_deliveries SET lease = $1, leased_until = $2, attempts = attempts + 1 \
     WHERE id IN (SELECT value FROM json_each($4)) AND status = 'pending' AND due_at <= $3 \
     AND (leased_until IS NULL OR leased_until <= $3)";
const CLAIMED: &str = "SELECT d.*, e.url, e.secret, e.old_secret, e.old_secret_until \
     FROM webhook_deliveries d JOIN webhook_endpoints e ON e.id = d.endpoint_id \
     WHERE d.lease = $1 AND e.off_reason IS NULL ORDER BY d.due_at, d.seq";
const DELIVERED: &str = "UPDATE webhook_deliveries SET status = 'delivered', delivered_at = $3, last_status = $4, \
     last_error = NULL, lease = NULL, leased_until = NULL WHERE id = $1 AND lease = $2";
const LATER: &str = "UPDATE webhook_deliveries SET due_at = $3, last_status = $4, last_error = $5, lease = NULL, \
     leased_until = NULL WHERE id = $1 AND lease = $2";
const DEAD: &str = "UPDATE webhook_deliveries SET status = 'dead', last_status = $3, last_error = $4, lease = NULL, \
     leased_until = NULL WHERE id = $1 AND lease = $2";
const GONE: &str = "UPDATE webhook_endpoints SET off_reason = 'gone' WHERE id = $1 AND off_reason IS NULL";
const GIVE_UP: &str = "UPDATE webhook_deliveries SET status = 'dead', lease = NULL, leased_until = NULL, \
     last_error = COALESCE(last_error, 'it was not its turn in time') \
     WHERE status = 'pending' AND tried_until <= $1 AND (leased_until IS NULL OR leased_until <= $1)";
const DROP: &str = "DELETE FROM webhook_deliveries WHERE (status <> 'pending' AND happened_at < $1) \
     OR endpoint_id NOT IN (SELECT id FROM webhook_endpoints)";
const SELECT: &str = "SELECT * FROM webhook_deliveries WHERE id = $1 AND endpoint_id = $2";
const PAGE: &str = "SELECT * FROM webhook_deliveries WHERE endpoint_id = $1 AND ($2 IS NULL OR status = $2) \
     ORDER BY seq DESC LIMIT $3 OFFSET $4";
const COUNT: &str =
    "SELECT COUNT(*) AS n FROM webhook_deliveries WHERE endpoint_id = $1 AND ($2 IS NULL OR status = $2)";
/// $5: one delivery, or null for every dead one.
const REPLAY: &str = "UPDATE webhook_deliveries SET status = 'pending', attempts = 0, due_at = $3, tried_until = $4, \
     delivered_at = NULL WHERE endpoint_id = $1 AND ($5 IS NULL OR id = $5) AND (status = 'dead' OR status = $2)";
const WAITING: &str = "SELECT COUNT(*) AS n FROM webhook_deliveries WHERE status = 'pending'";

/// What is kept of a happening.
#[derive(Serialize, Deserialize)]
#[serde(tag = "event")]
enum Facts {
    #[serde(rename = "meeting.started")]
    Started { by: Option<String> },
    #[serde(rename = "participant.joined")]
    Joined { user: Option<String>, role: String },
    #[serde(rename = "participant.left")]
    Left { user: Option<String>, role: String, joined_at: i64, reason: String },
    #[serde(rename = "meeting.ended")]
    Ended { by: Option<String>, duration_minutes: u64, participants: u32 },
    #[serde(rename = "webhook.ping")]
    Ping { endpoint: String },
}

/// How many deliveries one claim may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClaimBounds {
    pub in_all: u32,
    /// Of one endpoint, those that are on their way included.
    pub per_endpoint: u32,
}

/// For how long claimed deliveries are nobody else's, and under which word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease<'a> {
    /// Used for one claim only.
    pub word: &'a str,
    pub from: OffsetDateTime,
    pub until: OffsetDateTime,
}

/// What a try in vain left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InVain {
    pub status: Option<u16>,
    pub problem: String,
}

impl Store {
    /// Takes the due deliveries that are first of their endpoint and meeting. Nobody else gets them before the lease
    /// ends, and nobody gets what is behind them before they are delivered or given up.
    pub async fn claim_deliveries(
        &self,
        lease: Lease<'_>,
        bounds: ClaimBounds,
    ) -> Result<Vec<Delivery>, DomainError> {
        timed("deliveries_claim", async {
            // Looking takes no lock: mostly there is nothing.
            let values = args![micros(lease.from), bounds.per_endpoint, bounds.in_all];
            let rows = self.all(DUE, values).await?;
            let due = rows.iter().map(|row| row.get("id")).collect::<Result<Vec<String>, _>>()?;
            self.claim(lease, due).await
        })
        .await
    }

    /// Takes the delivery that is first of an endpoint and meeting now, if it is due.
    pub async fn claim_next_delivery(
        &self,
        lease: Lease<'_>,
        endpoint: WebhookId,
        meeting: MeetingId,
    ) -> Result<Option<Delivery>, DomainError> {
        timed("deliveries_claim_next", async {
            let first = self.one(FIRST, args![endpoint.to_string(), meeting.to_string()]).await?;
            let first = first.map(|row| row.get("id")).transpose()?;
            Ok(self.claim(lease, first.into_iter().collect()).await?.pop())
        })
        .await
    }

    async fn claim(&self, lease: Lease<'_>, ids: Vec<String>) -> Result<Vec<Delivery>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut tx = self.write().await?;
        let values = args![lease.word, micros(lease.until), micros(lease.from), to_json(&ids)?];
        tx.execute(CLAIM, values).await?;
        let rows = tx.all(CLAIMED, args![lease.word]).await?;
        let claimed = rows.iter().map(|row| read_delivery(row, lease.from)).collect::<Result<_, _>>()?;
        tx.commit().await?;
        Ok(claimed)
    }

    /// A claimed delivery was taken, with this HTTP status.
    pub async fn delivery_taken(
        &self,
        id: DeliveryId,
        lease: &str,
        at: OffsetDateTime,
        status: u16,
    ) -> Result<(), DomainError> {
        timed("delivery_taken", async {
            let values = args![id.to_string(), lease, micros(at), i64::from(status)];
            self.execute(DELIVERED, values).await?;
            Ok(())
        })
        .await
    }

    /// A claimed delivery is to be tried again at `due_at`.
    pub async fn delivery_later(
        &self,
        id: DeliveryId,
        lease: &str,
        due_at: OffsetDateTime,
        in_vain: &InVain,
    ) -> Result<(), DomainError> {
        timed("delivery_later", async {
            let status = in_vain.status.map(i64::from);
            let values = args![id.to_string(), lease, micros(due_at), status, &in_vain.problem];
            self.execute(LATER, values).await?;
            Ok(())
        })
        .await
    }

    /// A claimed delivery is given up; with `gone` its endpoint is told nothing more.
    pub async fn delivery_dead(
        &self,
        delivery: &Delivery,
        lease: &str,
        in_vain: &InVain,
        gone: bool,
    ) -> Result<(), DomainError> {
        timed("delivery_dead", async {
            let mut tx = self.write().await?;
            let status = in_vain.status.map(i64::from);
            tx.execute(DEAD, args![delivery.id.to_string(), lease, status, &in_vain.problem]).await?;
            if gone {
                tx.execute(GONE, args![delivery.endpoint.to_string()]).await?;
            }
            tx.commit().await?;
            Ok(())
        })
        .await
    }

    /// Deliveries that waited for too long are given up; says how many.
    pub async fn give_up_deliveries(&self, now: OffsetDateTime) -> Result<u64, DomainError> {
        timed("deliveries_give_up", async { self.execute(GIVE_UP, args![micros(now)]).await }).await
    }

    /// Drops what is of before `before` and waits for nothing, and what is of endpoints that are no more.
    pub async fn drop_deliveries(&self, before: OffsetDateTime) -> Result<u64, DomainError> {
        timed("deliveries_drop", async { self.execute(DROP, args![micros(before)]).await }).await
    }

    /// How many deliveries wait.
    pub async fn deliveries_waiting(&self) -> Result<u32, DomainError> {
        timed("deliveries_waiting", async {
            self.one(WAITING, args![]).await?.ok_or(StoreError::Corrupt("n"))?.get("n")
        })
        .await
    }

    /// What one endpoint was or is to be told, the newest first, and how many there are in all.
    pub async fn deliveries(
        &self,
        endpoint: WebhookId,
        status: Option<DeliveryStatus>,
        page: Page,
    ) -> Result<(Vec<DeliveryRecord>, u32), DomainError> {
        timed("deliveries", async {
            let mut tx = self.read().await?;
            let which = args![endpoint.to_string(), status.map(DeliveryStatus::as_str)];
            let count = tx.one(COUNT, which.clone()).await?.ok_or(StoreError::Corrupt("n"))?;
            let page = args![page.limit, page.offset];
            let rows = tx.all(PAGE, which.into_iter().chain(page).collect()).await?;
            Ok((rows.iter().map(read).collect::<Result<_, _>>()?, count.get("n")?))
        })
        .await
    }

    /// One delivery of an endpoint.
    pub async fn delivery(
        &self,
        endpoint: WebhookId,
        id: DeliveryId,
    ) -> Result<Option<DeliveryRecord>, DomainError> {
        timed("delivery", async {
            let values = args![id.to_string(), endpoint.to_string()];
            self.one(SELECT, values).await?.as_ref().map(read).transpose()
        })
        .await
    }

    /// Has one delivery that waits for nothing sent again, or without an id every dead one of the endpoint. Says how
    /// many that are.
    pub async fn replay_deliveries(
        &self,
        endpoint: WebhookId,
        one: Option<DeliveryId>,
        now: OffsetDateTime,
    ) -> Result<u64, DomainError> {
        timed("deliveries_replay", async {
            let also = if one.is_some() { DeliveryStatus::Delivered } else { DeliveryStatus::Dead };
            let values = args![
                endpoint.to_string(),
                also.as_str(),
                micros(now),
                micros(now + TRIED_FOR),
                one.map(|id| id.to_string()),
            ];
            self.execute(REPLAY, values).await
        })
        .await
    }

    /// Has one endpoint tried out; says the delivery.
    pub async fn ping_webhook(
        &self,
        endpoint: WebhookId,
        now: OffsetDateTime,
    ) -> Result<DeliveryRecord, DomainError> {
        timed("webhook_ping", async {
            let mut tx = self.write().await?;
            let message = Message { meeting: None, happening: Happening::Ping { endpoint }, at: now };
            let id = insert(&mut tx, endpoint, &message).await?;
            let row = tx.one(SELECT, args![id.to_string(), endpoint.to_string()]).await?;
            let record = read(&row.ok_or(StoreError::Corrupt("id"))?)?;
            tx.commit().await?;
            Ok(record)
        })
        .await
    }
}

/// Whether any endpoint is told of this at all: what telling costs is then worth it.
pub(super) async fn is_heard(tx: &mut Tx, event: HookEvent) -> Result<bool, StoreError> {
    Ok(!webhooks::hearing(tx, None, event).await?.is_empty())
}

/// Keeps what happened in a meeting, all of one kind, for every endpoint that is told, with the change that made it
/// happen. Whoever calls holds the meeting's row, so that the order of these lines is the order of what happened.
pub(super) async fn tell(
    tx: &mut Tx,
    campus: &CampusId,
    event: HookEvent,
    messages: &[Message],
) -> Result<(), StoreError> {
    for endpoint in webhooks::hearing(tx, Some(campus), event).await? {
        for message in messages {
            insert(tx, endpoint, message).await?;
        }
    }
    Ok(())
}

async fn insert(tx: &mut Tx, endpoint: WebhookId, message: &Message) -> Result<DeliveryId, StoreError> {
    let id = DeliveryId::generate();
    let values = args![
        id.to_string(),
        endpoint.to_string(),
        message.meeting.map(|meeting| meeting.to_string()),
        to_json(&facts(&message.happening))?,
        micros(message.at),
        micros(message.at),
        micros(message.at + TRIED_FOR),
    ];
    tx.execute(INSERT, values).await?;
    Ok(id)
}

fn facts(happening: &Happening) -> Facts {
    let id = |user: &Option<UserId>| user.map(|user| user.to_string());
    match happening {
        Happening::MeetingStarted { by } => Facts::Started { by: id(by) },
        Happening::ParticipantJoined { user, role } => {
            Facts::Joined { user: id(user), role: role.as_str().to_owned() }
        }
        Happening::ParticipantLeft { user, role, joined_at, reason } => Facts::Left {
            user: id(user),
            role: role.as_str().to_owned(),
            joined_at: micros(*joined_at),
            reason: reason.as_str().to_owned(),
        },
        Happening::MeetingEnded { by, duration_minutes, participants } => {
            Facts::Ended { by: id(by), duration_minutes: *duration_minutes, participants: *participants }
        }
        Happening::Ping { endpoint } => Facts::Ping { endpoint: endpoint.to_string() },
    }
}

fn happening(facts: &Facts) -> Result<Happening, StoreError> {
    const COLUMN: &str = "facts_json";
    let user = |id: &Option<String>| {
        id.as_deref().map(|id| UserId::parse(id).ok_or(StoreError::Corrupt(COLUMN))).transpose()
    };
    let role = |word: &str| Role::parse(word).ok_or(StoreError::Corrupt(COLUMN));
    Ok(match facts {
        Facts::Started { by } => Happening::MeetingStarted { by: user(by)? },
        Facts::Joined { user: who, role: word } => {
            Happening::ParticipantJoined { user: user(who)?, role: role(word)? }
        }
        Facts::Left { user: who, role: word, joined_at, reason } => Happening::ParticipantLeft {
            user: user(who)?,
            role: role(word)?,
            joined_at: time_of(COLUMN, *joined_at)?,
            reason: LeaveReason::parse(reason).ok_or(StoreError::Corrupt(COLUMN))?,
        },
        Facts::Ended { by, duration_minutes, participants } => Happening::MeetingEnded {
            by: user(by)?,
            duration_minutes: *duration_minutes,
            participants: *participants,
        },
        Facts::Ping { endpoint } => {
            Happening::Ping { endpoint: WebhookId::parse(endpoint).ok_or(StoreError::Corrupt(COLUMN))? }
        }
    })
}

fn read_message(row: &Row) -> Result<Message, StoreError> {
    Ok(Message {
        meeting: word_opt(row, "meeting_id", MeetingId::parse)?,
        happening: happening(&json(row, "facts_json")?)?,
        at: time(row, "happened_at")?,
    })
}

fn read_delivery(row: &Row, now: OffsetDateTime) -> Result<Delivery, StoreError> {
    let secret = SigningSecret::new(row.get::<String>("secret")?);
    Ok(Delivery {
        id: word(row, "id", DeliveryId::parse)?,
        endpoint: word(row, "endpoint_id", WebhookId::parse)?,
        url: row.get("url")?,
        secrets: signing(secret, webhooks::old_secret(row)?, now),
        message: read_message(row)?,
        attempts: row.get("attempts")?,
    })
}

fn read(row: &Row) -> Result<DeliveryRecord, StoreError> {
    let status = row.get::<Option<i64>>("last_status")?;
    Ok(DeliveryRecord {
        id: word(row, "id", DeliveryId::parse)?,
        message: read_message(row)?,
        status: word(row, "status", DeliveryStatus::parse)?,
        attempts: row.get("attempts")?,
        last_status: status
            .map(|status| u16::try_from(status).map_err(|_| StoreError::Corrupt("last_status")))
            .transpose()?,
        last_error: row.get("last_error")?,
        due_at: time(row, "due_at")?,
        delivered_at: time_opt(row, "delivered_at")?,
    })
}
