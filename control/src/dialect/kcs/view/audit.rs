//! The audit trail as administrators read it (ADD-16).

use serde::Serialize;
use utoipa::ToSchema;

use super::envelope::{Timestamp, True};
use crate::domain::audit::AuditLine;

/// One line of the trail. Ids only: no names, addresses or tokens.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AuditLineView {
    #[schema(example = "4711")]
    id: String,
    timestamp: Timestamp,
    #[schema(example = "participant.remove")]
    action: String,
    /// `granted`, or why it was refused.
    #[schema(example = "granted")]
    outcome: String,
    #[schema(required, example = "01JDAVNTZ5A3C7E9G1J3M5P7RS")]
    actor_id: Option<String>,
    #[schema(required, example = "default")]
    campus_id: Option<String>,
    #[schema(required, example = "01JDAVNTZ6MG8F0Q5W0R7YH3KC")]
    meeting_id: Option<String>,
    /// Whom it was done to: an account, else a record or a session.
    #[schema(required, example = "01JDAVNTZ7K2V9S4T1X8B6N0PD")]
    target_id: Option<String>,
    #[schema(required, example = "wrong class")]
    detail: Option<String>,
}

impl From<AuditLine> for AuditLineView {
    fn from(line: AuditLine) -> Self {
        let AuditLine { number, at, action, actor, campus, meeting, target, outcome, detail } = line;
        Self {
            id: number.to_string(),
            timestamp: Timestamp(at),
            action,
            outcome,
            actor_id: actor,
            campus_id: campus,
            meeting_id: meeting,
            target_id: target,
            detail,
        }
    }
}

/// A success with lines of the trail.
#[derive(Debug, Serialize, ToSchema)]
pub struct SuccessTrail {
    #[schema(inline)]
    pub success: True,
    /// How many are in `data`.
    #[schema(example = 1)]
    pub count: usize,
    pub data: Vec<AuditLineView>,
    /// What to ask with for the lines before these; null when there are none.
    #[schema(required, example = "4711")]
    pub next_cursor: Option<String>,
    /// For people, in English.
    #[schema(example = "Audit trail retrieved successfully")]
    pub message: &'static str,
}
