//! The audit trail: appended to, never changed.

use sqlx::Row;
use time::OffsetDateTime;

use super::columns::micros;
use super::{Store, timed};
use crate::domain::audit::AuditEntry;
use crate::domain::error::DomainError;
use crate::domain::id::MeetingId;

const INSERT: &str = "INSERT INTO audit (at, action, actor_id, campus_id, meeting_id, outcome, detail) \
     VALUES ($1, $2, $3, $4, $5, $6, $7)";
const OF_MEETING: &str = "SELECT action, actor_id, outcome FROM audit WHERE meeting_id = $1 ORDER BY seq";

/// Longest remark kept with a line, in characters.
const DETAIL_CHARS_MAX: usize = 500;

/// One line of the trail as read back: action, account, outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditLine {
    pub action: String,
    pub actor: Option<String>,
    pub outcome: String,
}

impl Store {
    /// Appends a line.
    pub async fn audit(&self, at: OffsetDateTime, entry: &AuditEntry) -> Result<(), DomainError> {
        timed("audit_insert", async {
            let detail =
                entry.detail.as_deref().map(|text| text.chars().take(DETAIL_CHARS_MAX).collect::<String>());
            sqlx::query(INSERT)
                .bind(micros(at))
                .bind(entry.action.as_str())
                .bind(entry.actor.map(|user| user.to_string()))
                .bind(entry.campus.as_ref().map(|campus| campus.0.as_str()))
                .bind(entry.meeting.map(|meeting| meeting.to_string()))
                .bind(entry.outcome)
                .bind(detail)
                .execute(&self.writer)
                .await?;
            Ok(())
        })
        .await
    }

    /// What happened to a meeting, oldest first.
    pub async fn audit_of(&self, meeting: MeetingId) -> Result<Vec<AuditLine>, DomainError> {
        timed("audit_of", async {
            let rows = sqlx::query(OF_MEETING).bind(meeting.to_string()).fetch_all(&self.readers).await?;
            rows.iter()
                .map(|row| {
                    Ok(AuditLine {
                        action: row.try_get("action")?,
                        actor: row.try_get("actor_id")?,
                        outcome: row.try_get("outcome")?,
                    })
                })
                .collect()
        })
        .await
    }
}
