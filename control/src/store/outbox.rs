//! The outbox: mail that is kept with the change it tells of, claimed by one sender at a time, and what became of it.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use ulid::Ulid;

use super::columns::{json, micros, time, time_of, time_opt, to_json, word};
use super::refusal::StoreError;
use super::sql::{Row, Tx, args};
use super::{Store, timed};
use crate::domain::error::DomainError;
use crate::domain::id::{CampusId, MailId, MeetingId, SeriesId};
use crate::domain::mail::{
    Announcement, Correspondent, Event, Letter, MailKind, MailRecord, MailStatus, Scope, TRIED_FOR,
};
use crate::domain::page::Page;
use crate::domain::recurrence::Recurrence;

const INSERT_ANNOUNCEMENT: &str = "INSERT INTO announcements (id, kind, campus_id, meeting_id, facts_json, created_at) \
     VALUES ($1, $2, $3, $4, $5, $6)";
/// What is the same to its reader is there already, and stays as it is.
const INSERT: &str = "INSERT INTO mails (id, announcement_id, same_key, to_name, to_email, status, due_at, tried_until) \
     VALUES ($1, $2, $3, $4, $5, 'queued', $6, $7) ON CONFLICT (same_key) DO NOTHING";
const SELECT_ONE: &str = "SELECT m.*, a.kind, a.campus_id, a.meeting_id, a.facts_json, a.created_at \
     FROM mails m JOIN announcements a ON a.id = m.announcement_id \
     WHERE m.id = $1 AND ($2 IS NULL OR a.campus_id = $2)";
const SELECT_PAGE: &str = "SELECT m.*, a.kind, a.campus_id, a.meeting_id, a.facts_json, a.created_at \
     FROM mails m JOIN announcements a ON a.id = m.announcement_id \
     WHERE ($1 IS NULL OR a.campus_id = $1) AND ($2 IS NULL OR m.status = $2) AND ($3 IS NULL OR a.meeting_id = $3) \
     ORDER BY m.id DESC LIMIT $4 OFFSET $5";
const COUNT: &str = "SELECT COUNT(*) AS n FROM mails m JOIN announcements a ON a.id = m.announcement_id \
     WHERE ($1 IS NULL OR a.campus_id = $1) AND ($2 IS NULL OR m.status = $2) AND ($3 IS NULL OR a.meeting_id = $3)";
const ANY_DUE: &str = "SELECT id FROM mails WHERE status = 'queued' AND due_at <= $1 \
     AND (leased_until IS NULL OR leased_until <= $1) LIMIT 1";
/// The lease stands in both conditions: of two who chose the same lines the second finds them taken.
const CLAIM: &str = "UPDATE mails SET lease = $1, leased_until = $2, attempts = attempts + 1 \
     WHERE id IN (SELECT id FROM mails WHERE status = 'queued' AND due_at <= $3 \
       AND (leased_until IS NULL OR leased_until <= $3) ORDER BY due_at, id LIMIT $4) \
     AND status = 'queued' AND (leased_until IS NULL OR leased_until <= $3)";
const CLAIMED: &str = "SELECT m.*, a.kind, a.campus_id, a.meeting_id, a.facts_json, a.created_at \
     FROM mails m JOIN announcements a ON a.id = m.announcement_id WHERE m.lease = $1 ORDER BY m.due_at, m.id";
const SENT: &str = "UPDATE mails SET status = 'sent', sent_at = $3, lease = NULL, leased_until = NULL, last_error = NULL \
     WHERE id = $1 AND lease = $2";
const FAILED: &str = "UPDATE mails SET status = 'failed', last_error = $3, lease = NULL, leased_until = NULL \
     WHERE id = $1 AND lease = $2";
const LATER: &str = "UPDATE mails SET due_at = $3, last_error = $4, lease = NULL, leased_until = NULL \
     WHERE id = $1 AND lease = $2";
const RELEASE: &str = "UPDATE mails SET attempts = attempts - 1, lease = NULL, leased_until = NULL \
     WHERE lease = $1 AND status = 'queued'";
const GIVE_UP: &str = "UPDATE mails SET status = 'failed', lease = NULL, leased_until = NULL, \
     last_error = COALESCE(last_error, 'it was not sent in time') \
     WHERE status = 'queued' AND tried_until <= $1 AND (leased_until IS NULL OR leased_until <= $1)";
const RETRY: &str =
    "UPDATE mails SET status = 'queued', due_at = $2, tried_until = $3 WHERE id = $1 AND status = 'failed'";
const DROP_MAILS: &str = "DELETE FROM mails WHERE status <> 'queued' \
     AND announcement_id IN (SELECT id FROM announcements WHERE created_at < $1)";
const DROP_ANNOUNCEMENTS: &str = "DELETE FROM announcements WHERE created_at < $1 \
     AND NOT EXISTS (SELECT 1 FROM mails WHERE announcement_id = announcements.id)";

/// Which mails to show.
#[derive(Debug, Clone)]
pub struct MailFilter {
    /// `None`: of every campus.
    pub campus: Option<CampusId>,
    pub status: Option<MailStatus>,
    pub meeting: Option<MeetingId>,
    pub page: Page,
}

/// What an announcement says, apart from what can be asked for.
#[derive(Serialize, Deserialize)]
struct Facts {
    event: String,
    sequence: u32,
    name: String,
    description: String,
    location: String,
    starts_at: i64,
    ends_at: i64,
    scope: FactsScope,
    asks_password: bool,
    organizer_name: String,
    organizer_email: String,
    by: String,
    message: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum FactsScope {
    Single,
    Series { rule: String, zone: String, without: Vec<i64> },
    Occurrence { rule: String, zone: String, at: i64 },
}

impl Store {
    /// The mails a filter lets through, the newest first, and how many there are in all.
    pub async fn mails(&self, filter: &MailFilter) -> Result<(Vec<MailRecord>, u32), DomainError> {
        timed("mails", async {
            let mut tx = self.read().await?;
            let which = args![
                filter.campus.as_ref().map(|campus| campus.0.clone()),
                filter.status.map(MailStatus::as_str).map(str::to_owned),
                filter.meeting.map(|meeting| meeting.to_string()),
            ];
            let count = tx.one(COUNT, which.clone()).await?.ok_or(StoreError::Corrupt("n"))?;
            let page = args![filter.page.limit, filter.page.offset];
            let rows = tx.all(SELECT_PAGE, which.into_iter().chain(page).collect()).await?;
            Ok((rows.iter().map(read).collect::<Result<_, _>>()?, count.get("n")?))
        })
        .await
    }

    /// One mail, within a campus if one is given.
    pub async fn mail(
        &self,
        id: MailId,
        campus: Option<&CampusId>,
    ) -> Result<Option<MailRecord>, DomainError> {
        timed("mail", async {
            let values = args![id.to_string(), campus.map(|campus| campus.0.clone())];
            self.one(SELECT_ONE, values).await?.as_ref().map(read).transpose()
        })
        .await
    }

    /// Puts a failed mail back into the queue; false when it was not failed.
    pub async fn retry_mail(&self, id: MailId, now: OffsetDateTime) -> Result<bool, DomainError> {
        timed("mail_retry", async {
            let values = args![id.to_string(), micros(now), micros(now + TRIED_FOR)];
            Ok(self.execute(RETRY, values).await? > 0)
        })
        .await
    }

    /// Whether a claim would find something; looking takes no lock.
    pub async fn mail_is_due(&self, now: OffsetDateTime) -> Result<bool, DomainError> {
        timed("mail_is_due", async { Ok(self.one(ANY_DUE, args![micros(now)]).await?.is_some()) }).await
    }

    /// Takes up to `limit` due mails for sending until `until`. Nobody else gets them before that; `lease` is a word
    /// used for this one claim.
    pub async fn claim_mails(
        &self,
        lease: &str,
        now: OffsetDateTime,
        until: OffsetDateTime,
        limit: u32,
    ) -> Result<Vec<MailRecord>, DomainError> {
        timed("mails_claim", async {
            let mut tx = self.write().await?;
            tx.execute(CLAIM, args![lease, micros(until), micros(now), limit]).await?;
            let rows = tx.all(CLAIMED, args![lease]).await?;
            let mails = rows.iter().map(read).collect::<Result<_, _>>()?;
            tx.commit().await?;
            Ok(mails)
        })
        .await
    }

    /// A claimed mail was taken by the server.
    pub async fn mail_sent(&self, id: MailId, lease: &str, now: OffsetDateTime) -> Result<(), DomainError> {
        timed("mail_sent", async {
            self.execute(SENT, args![id.to_string(), lease, micros(now)]).await?;
            Ok(())
        })
        .await
    }

    /// A claimed mail was refused for good.
    pub async fn mail_failed(&self, id: MailId, lease: &str, problem: &str) -> Result<(), DomainError> {
        timed("mail_failed", async {
            self.execute(FAILED, args![id.to_string(), lease, problem]).await?;
            Ok(())
        })
        .await
    }

    /// A claimed mail is to be tried again at `due_at`.
    pub async fn mail_later(
        &self,
        id: MailId,
        lease: &str,
        due_at: OffsetDateTime,
        problem: &str,
    ) -> Result<(), DomainError> {
        timed("mail_later", async {
            self.execute(LATER, args![id.to_string(), lease, micros(due_at), problem]).await?;
            Ok(())
        })
        .await
    }

    /// Gives back what is left of a claim, as if it had not been made.
    pub async fn release_mails(&self, lease: &str) -> Result<(), DomainError> {
        timed("mails_release", async {
            self.execute(RELEASE, args![lease]).await?;
            Ok(())
        })
        .await
    }

    /// Mails that could not be sent in time have failed; says how many.
    pub async fn give_up_mails(&self, now: OffsetDateTime) -> Result<u64, DomainError> {
        timed("mails_give_up", async { self.execute(GIVE_UP, args![micros(now)]).await }).await
    }

    /// Drops mails of before `before` that wait for nothing any more.
    pub async fn drop_mails(&self, before: OffsetDateTime) -> Result<u64, DomainError> {
        timed("mails_drop", async {
            let mut tx = self.write().await?;
            let dropped = tx.execute(DROP_MAILS, args![micros(before)]).await?;
            tx.execute(DROP_ANNOUNCEMENTS, args![micros(before)]).await?;
            tx.commit().await?;
            Ok(dropped)
        })
        .await
    }
}

/// Keeps announcements with the change they tell of; says how many mails that makes.
pub(super) async fn queue(
    tx: &mut Tx,
    announcements: &[Announcement],
    now: OffsetDateTime,
) -> Result<u32, StoreError> {
    let mut queued = 0;
    for announcement in announcements {
        let id = Ulid::r#gen().to_string();
        let values = args![
            &id,
            announcement.kind.as_str(),
            &announcement.campus.0,
            announcement.meeting.to_string(),
            to_json(&facts(announcement))?,
            micros(now),
        ];
        tx.execute(INSERT_ANNOUNCEMENT, values).await?;
        for to in &announcement.to {
            let values = args![
                MailId::generate().to_string(),
                &id,
                announcement.key(to),
                &to.name,
                &to.email,
                micros(now),
                micros(now + TRIED_FOR),
            ];
            // At most one line per person: as many as a roster has.
            queued += u32::try_from(tx.execute(INSERT, values).await?).unwrap_or(0);
        }
    }
    Ok(queued)
}

fn facts(announcement: &Announcement) -> Facts {
    let event = &announcement.event;
    let rule = |recurrence: &Recurrence| (recurrence.rule().to_owned(), recurrence.zone().to_owned());
    let scope = match &event.scope {
        Scope::Single => FactsScope::Single,
        Scope::Series { recurrence, without } => {
            let (rule, zone) = rule(recurrence);
            FactsScope::Series { rule, zone, without: without.iter().copied().map(micros).collect() }
        }
        Scope::Occurrence { recurrence, at } => {
            let (rule, zone) = rule(recurrence);
            FactsScope::Occurrence { rule, zone, at: micros(*at) }
        }
    };
    Facts {
        event: event.id.to_string(),
        sequence: event.sequence,
        name: event.name.clone(),
        description: event.description.clone(),
        location: event.location.clone(),
        starts_at: micros(event.starts_at),
        ends_at: micros(event.ends_at),
        scope,
        asks_password: event.asks_password,
        organizer_name: announcement.organizer.name.clone(),
        organizer_email: announcement.organizer.email.clone(),
        by: announcement.by.clone(),
        message: announcement.message.clone(),
    }
}

fn read(row: &Row) -> Result<MailRecord, StoreError> {
    let facts: Facts = json(row, "facts_json")?;
    let at = |micros| time_of("facts_json", micros);
    let rule = |rule: &str, zone: &str| {
        Recurrence::parse(rule, Some(zone)).map_err(|_| StoreError::Corrupt("facts_json"))
    };
    let scope = match &facts.scope {
        FactsScope::Single => Scope::Single,
        FactsScope::Series { rule: text, zone, without } => Scope::Series {
            recurrence: rule(text, zone)?,
            without: without.iter().copied().map(at).collect::<Result<_, _>>()?,
        },
        FactsScope::Occurrence { rule: text, zone, at: start } => {
            Scope::Occurrence { recurrence: rule(text, zone)?, at: at(*start)? }
        }
    };
    let event = Event {
        id: SeriesId::parse(&facts.event).ok_or(StoreError::Corrupt("facts_json"))?,
        sequence: facts.sequence,
        name: facts.name,
        description: facts.description,
        location: facts.location,
        starts_at: at(facts.starts_at)?,
        ends_at: at(facts.ends_at)?,
        scope,
        asks_password: facts.asks_password,
    };
    Ok(MailRecord {
        letter: Letter {
            id: word(row, "id", MailId::parse)?,
            kind: word(row, "kind", MailKind::parse)?,
            campus: CampusId::new(row.get::<String>("campus_id")?),
            meeting: word(row, "meeting_id", MeetingId::parse)?,
            event,
            organizer: Correspondent { name: facts.organizer_name, email: facts.organizer_email },
            by: facts.by,
            message: facts.message,
            to: Correspondent { name: row.get("to_name")?, email: row.get("to_email")? },
            written_at: time(row, "created_at")?,
        },
        status: word(row, "status", MailStatus::parse)?,
        attempts: row.get("attempts")?,
        last_error: row.get("last_error")?,
        due_at: time(row, "due_at")?,
        sent_at: time_opt(row, "sent_at")?,
    })
}
