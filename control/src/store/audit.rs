//! The audit trail: appended to, never changed.

use time::OffsetDateTime;

use super::columns::{micros, time};
use super::refusal::StoreError;
use super::sql::{Row, args};
use super::{Store, timed};
use crate::domain::audit::{AuditEntry, AuditFilter, AuditLine};
use crate::domain::error::DomainError;
use crate::domain::id::MeetingId;

const INSERT: &str = "INSERT INTO audit (at, action, actor_id, campus_id, meeting_id, outcome, detail, target_id) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
const OF_MEETING: &str = "SELECT * FROM audit WHERE meeting_id = $1 ORDER BY seq";

/// The newest $9 lines before number $1. Every further condition is absent or holds: $2 campus, $3 meeting, $4 actor,
/// $5 action, $6 outcome (`refused`: any refusal), $7 and $8 the time.
macro_rules! filtered {
    ($($first:literal),+) => {
        concat!(
            "SELECT * FROM audit WHERE seq < $1 ",
            $("AND ", $first, " ",)+
            "AND ($5 IS NULL OR action = $5) \
             AND ($6 IS NULL OR outcome = $6 OR ($6 = 'refused' AND outcome <> 'granted')) \
             AND at >= $7 AND at <= $8 ORDER BY seq DESC LIMIT $9"
        )
    };
}
/// One text for each index, since a condition that may be absent is none that an index could serve.
const BY_MEETING: &str =
    filtered!("meeting_id = $3", "($4 IS NULL OR actor_id = $4)", "($2 IS NULL OR campus_id = $2)");
const BY_ACTOR: &str =
    filtered!("actor_id = $4", "($3 IS NULL OR meeting_id = $3)", "($2 IS NULL OR campus_id = $2)");
const BY_CAMPUS: &str =
    filtered!("campus_id = $2", "($3 IS NULL OR meeting_id = $3)", "($4 IS NULL OR actor_id = $4)");
const BY_NUMBER: &str = filtered!(
    "($2 IS NULL OR campus_id = $2)",
    "($3 IS NULL OR meeting_id = $3)",
    "($4 IS NULL OR actor_id = $4)"
);

/// Longest remark kept with a line, in characters.
const DETAIL_CHARS_MAX: usize = 500;

impl Store {
    /// Appends a line.
    pub async fn audit(&self, at: OffsetDateTime, entry: &AuditEntry) -> Result<(), DomainError> {
        timed("audit_insert", async {
            // What people write may hold what PostgreSQL does not keep; a line must not be lost for that.
            let shown =
                |text: &str| text.chars().filter(|c| *c != '\0').take(DETAIL_CHARS_MAX).collect::<String>();
            let values = args![
                micros(at),
                entry.action.as_str(),
                entry.actor.map(|user| user.to_string()),
                entry.campus.as_ref().map(|campus| campus.0.as_str()),
                entry.meeting.map(|meeting| meeting.to_string()),
                entry.outcome,
                entry.detail.as_deref().map(shown),
                &entry.target,
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
            rows.iter().map(read).collect()
        })
        .await
    }

    /// The lines that pass the filter, newest first.
    pub async fn audit_lines(&self, filter: &AuditFilter) -> Result<Vec<AuditLine>, DomainError> {
        timed("audit_lines", async {
            let statement = match filter {
                AuditFilter { meeting: Some(_), .. } => BY_MEETING,
                AuditFilter { actor: Some(_), .. } => BY_ACTOR,
                AuditFilter { campus: Some(_), .. } => BY_CAMPUS,
                _ => BY_NUMBER,
            };
            let values = args![
                filter.before.unwrap_or(i64::MAX),
                filter.campus.as_ref().map(|campus| campus.0.as_str()),
                filter.meeting.map(|meeting| meeting.to_string()),
                filter.actor.map(|actor| actor.to_string()),
                &filter.action,
                &filter.outcome,
                filter.from.map_or(i64::MIN, micros),
                filter.to.map_or(i64::MAX, micros),
                filter.limit,
            ];
            let rows = self.all(statement, values).await?;
            rows.iter().map(read).collect()
        })
        .await
    }
}

fn read(row: &Row) -> Result<AuditLine, StoreError> {
    Ok(AuditLine {
        number: row.get("seq")?,
        at: time(row, "at")?,
        action: row.get("action")?,
        actor: row.get("actor_id")?,
        campus: row.get("campus_id")?,
        meeting: row.get("meeting_id")?,
        target: row.get("target_id")?,
        outcome: row.get("outcome")?,
        detail: row.get("detail")?,
    })
}
