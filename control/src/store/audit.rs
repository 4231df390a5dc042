//! The audit trail: appended to, never changed.

use time::OffsetDateTime;

use super::columns::micros;
use super::sql::args;
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
            let values = args![
                micros(at),
                entry.action.as_str(),
                entry.actor.map(|user| user.to_string()),
                entry.campus.as_ref().map(|campus| campus.0.as_str()),
                entry.meeting.map(|meeting| meeting.to_string()),
                entry.outcome,
                detail,
            ];
            self.execute(INSERT, values).await?;
            Ok(())
        })
        .await
    }

    /// What happened to a meeting, oldest first.
    pub async fn audit_of(&self, meeting: MeetingId) -> Result<Vec<AuditLine>, DomainError> {
        timed("audit_of", async {
            let rows = self.all(OF_MEETING, args![meeting.to_string()]).await?;
            rows.iter()
                .map(|row| {
                    Ok(AuditLine {
                        action: row.get("action")?,
                        actor: row.get("actor_id")?,
                        outcome: row.get("outcome")?,
                    })
                })
                .collect()
        })
        .await
    }
}
