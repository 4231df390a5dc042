//! What statistics are computed from: what people did, what lasted, what was carried, and counts over all meetings.

use std::collections::HashMap;

use super::columns::{micros, time, time_opt, word, word_opt};
use super::refusal::StoreError;
use super::sql::{Row, args};
use super::{Store, timed};
use crate::domain::analytics::{ActKind, ActsDone, MessagesSent, Record, Traffic};
use crate::domain::chat::Sender;
use crate::domain::error::DomainError;
use crate::domain::id::{CampusId, MeetingId, ParticipantId, UserId};
use crate::domain::ledger::batch::Batch;
use crate::domain::ledger::{Lasting, Stretch};
use crate::domain::meeting::Meeting;
use crate::domain::system::MeetingCounts;

const ADD_ACTS: &str = "INSERT INTO acts (meeting_id, session_id, kind, detail, minute, times) \
     VALUES ($1, $2, $3, $4, $5, $6) \
     ON CONFLICT (meeting_id, session_id, kind, detail, minute) DO UPDATE SET times = acts.times + excluded.times";
const KEEP_STRETCH: &str = "INSERT INTO stretches (meeting_id, session_id, kind, began_at, ended_at) \
     VALUES ($1, $2, $3, $4, $5) \
     ON CONFLICT (meeting_id, session_id, kind, began_at) DO UPDATE SET ended_at = excluded.ended_at";
const KEEP_TRAFFIC: &str = "INSERT INTO traffic (room_id, meeting_id, received_bytes, sent_bytes) \
     VALUES ($1, $2, $3, $4) ON CONFLICT (room_id) \
     DO UPDATE SET received_bytes = excluded.received_bytes, sent_bytes = excluded.sent_bytes";
const ACTS: &str = "SELECT * FROM acts WHERE meeting_id = $1";
const STRETCHES: &str = "SELECT * FROM stretches WHERE meeting_id = $1 ORDER BY began_at";
const TRAFFIC: &str = "SELECT CAST(COALESCE(SUM(received_bytes), 0) AS BIGINT) AS received, \
     CAST(COALESCE(SUM(sent_bytes), 0) AS BIGINT) AS sent FROM traffic WHERE meeting_id = $1";
/// $2: the start of the meeting.
const MESSAGES: &str = "SELECT sender_user, sender_guest, (sent_at - $2) / 60000000 AS minute, COUNT(*) AS times \
     FROM messages WHERE chat_id = $1 GROUP BY sender_user, sender_guest, minute";
const LIVE: &str = "SELECT participants_peak, \
     (SELECT COUNT(*) FROM messages WHERE chat_id = $1) AS messages, \
     (SELECT COUNT(*) FROM recordings WHERE meeting_id = $1 AND ended_at IS NULL) AS recordings \
     FROM meetings WHERE id = $1";
/// $1: a campus, or nothing for all of them.
const SYSTEM: &str = "SELECT COUNT(*) AS total, \
     COUNT(CASE WHEN status = 'live' AND deleted_at IS NULL THEN 1 END) AS active, \
     COUNT(CASE WHEN status = 'scheduled' AND deleted_at IS NULL THEN 1 END) AS scheduled, \
     (SELECT COUNT(*) FROM roster JOIN meetings m ON m.id = roster.meeting_id WHERE roster.joined_at IS NOT NULL \
       AND (CAST($1 AS TEXT) IS NULL OR m.campus_id = $1)) AS participants, \
     (SELECT COUNT(DISTINCT sessions.roster_id) FROM sessions JOIN meetings m ON m.id = sessions.meeting_id \
       WHERE sessions.left_at IS NULL AND (CAST($1 AS TEXT) IS NULL OR m.campus_id = $1)) AS inside \
     FROM meetings WHERE CAST($1 AS TEXT) IS NULL OR campus_id = $1";

/// What the database knows of a live meeting's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LiveCounts {
    pub messages: u64,
    pub participants_peak: u32,
    pub recording: bool,
}

impl Store {
    /// Writes facts of any number of meetings, all or none of them.
    pub async fn keep_facts(&self, batch: &Batch) -> Result<(), DomainError> {
        timed("facts", async {
            let mut tx = self.write().await?;
            for (key, times) in &batch.acts {
                let (meeting, session) = (key.meeting.to_string(), key.session.to_string());
                let times = i64::try_from(*times).unwrap_or(i64::MAX);
                tx.execute(ADD_ACTS, args![meeting, session, key.kind, &key.detail, key.minute, times])
                    .await?;
            }
            for (key, to) in &batch.stretches {
                let (meeting, session) = (key.meeting.to_string(), key.session.to_string());
                let (from, to) = (micros(key.from), to.map(micros));
                tx.execute(KEEP_STRETCH, args![meeting, session, key.what.as_str(), from, to]).await?;
            }
            for (room, (meeting, traffic)) in &batch.traffic {
                let bytes = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
                let (received, sent) = (bytes(traffic.received), bytes(traffic.sent));
                tx.execute(KEEP_TRAFFIC, args![room.to_string(), meeting.to_string(), received, sent])
                    .await?;
            }
            tx.commit().await?;
            Ok(())
        })
        .await
    }

    /// Everything stored of an ended meeting; `None` while it has not ended, or when it never began.
    pub async fn record_of(&self, meeting: &Meeting) -> Result<Option<Record>, DomainError> {
        let (Some(started_at), Some(ended_at)) = (meeting.started_at, meeting.ended_at) else {
            return Ok(None);
        };
        let sessions = self.sessions_of(meeting.id).await?;
        let recordings = self.recordings(meeting.id).await?;
        timed("record", async {
            let id = meeting.id.to_string();
            let acts = self.all(ACTS, args![&id]).await?;
            let stretches = self.all(STRETCHES, args![&id]).await?;
            let messages = self.all(MESSAGES, args![&id, micros(started_at)]).await?;
            let traffic = self.one(TRAFFIC, args![&id]).await?;
            Ok(Some(Record {
                started_at,
                ended_at,
                sessions,
                roles: meeting.roster.iter().map(|line| (line.id, line.role)).collect::<HashMap<_, _>>(),
                messages: messages.iter().map(read_messages).collect::<Result<_, _>>()?,
                acts: acts.iter().map(read_acts).collect::<Result<_, _>>()?,
                stretches: stretches.iter().map(read_stretch).collect::<Result<_, _>>()?,
                recordings: recordings.iter().map(|one| (one.started_at, one.ended_at)).collect(),
                traffic: traffic.as_ref().map(read_traffic).transpose()?.unwrap_or_default(),
            }))
        })
        .await
    }

    /// What is stored of a live meeting's numbers.
    pub async fn live_counts(&self, meeting: MeetingId) -> Result<LiveCounts, DomainError> {
        timed("live_counts", async {
            let row = self.one(LIVE, args![meeting.to_string()]).await?;
            let Some(row) = row else { return Ok(LiveCounts::default()) };
            Ok(LiveCounts {
                messages: count(&row, "messages")?,
                participants_peak: row.get("participants_peak")?,
                recording: count(&row, "recordings")? > 0,
            })
        })
        .await
    }

    /// Meetings and people of one campus, or of all.
    pub async fn meeting_counts(&self, campus: Option<&CampusId>) -> Result<MeetingCounts, DomainError> {
        timed("meeting_counts", async {
            let row = self.one(SYSTEM, args![campus.map(|campus| campus.0.clone())]).await?;
            let row = row.ok_or(StoreError::Corrupt("count"))?;
            Ok(MeetingCounts {
                total: count(&row, "total")?,
                active: count(&row, "active")?,
                scheduled: count(&row, "scheduled")?,
                participants: count(&row, "participants")?,
                inside: count(&row, "inside")?,
            })
        })
        .await
    }
}

fn count(row: &Row, column: &'static str) -> Result<u64, StoreError> {
    u64::try_from(row.get::<i64>(column)?).map_err(|_| StoreError::Corrupt(column))
}

fn read_messages(row: &Row) -> Result<MessagesSent, StoreError> {
    let user = word_opt(row, "sender_user", UserId::parse)?.map(Sender::User);
    let guest = word_opt(row, "sender_guest", ParticipantId::parse)?.map(Sender::Guest);
    let sender = user.or(guest).ok_or(StoreError::Corrupt("sender_user"))?;
    Ok(MessagesSent { sender, minute: row.get("minute")?, count: count(row, "times")? })
}

fn read_acts(row: &Row) -> Result<ActsDone, StoreError> {
    Ok(ActsDone {
        session: word(row, "session_id", ParticipantId::parse)?,
        kind: word(row, "kind", ActKind::parse)?,
        detail: row.get("detail")?,
        minute: row.get("minute")?,
        count: count(row, "times")?,
    })
}

fn read_stretch(row: &Row) -> Result<Stretch, StoreError> {
    Ok(Stretch {
        session: word(row, "session_id", ParticipantId::parse)?,
        what: word(row, "kind", Lasting::parse)?,
        from: time(row, "began_at")?,
        to: time_opt(row, "ended_at")?,
    })
}

fn read_traffic(row: &Row) -> Result<Traffic, StoreError> {
    Ok(Traffic { received: count(row, "received")?, sent: count(row, "sent")? })
}
