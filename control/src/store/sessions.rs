//! Attendance: who was inside from when to when, how many at most, and what remains at the end.

use time::OffsetDateTime;

use super::columns::{micros, time, time_opt, to_json, word, word_opt};
use super::refusal::StoreError;
use super::sql::{Row, Tx, args};
use super::{Store, roster, timed, webhook_deliveries};
use crate::domain::actor::Actor;
use crate::domain::error::DomainError;
use crate::domain::id::{CampusId, MeetingId, ParticipantId, RosterId, UserId};
use crate::domain::live::Joiner;
use crate::domain::meeting::MeetingStatus;
use crate::domain::role::{PermissionOverrides, Role};
use crate::domain::roster::{Listing, RosterEntry};
use crate::domain::session::{Attendance, FinalStats, LeaveReason};
use crate::domain::webhook::{Happening, HookEvent, Message};

const OPEN: &str = "INSERT INTO sessions (id, meeting_id, roster_id, user_id, display_name, joined_at) \
     VALUES ($1, $2, $3, $4, $5, $6)";
const CLOSE: &str = "UPDATE sessions SET left_at = $2, reason = $3 WHERE id = $1 AND left_at IS NULL \
     RETURNING roster_id, user_id, joined_at";
const CLOSE_MEETING: &str =
    "UPDATE sessions SET left_at = $2, reason = $3 WHERE meeting_id = $1 AND left_at IS NULL";
const CLOSE_ALL: &str = "UPDATE sessions SET left_at = $1, reason = $2 WHERE left_at IS NULL";
const MEETING: &str = "SELECT id, campus_id, status FROM meetings WHERE id = $1";
const MEETING_OF: &str = "SELECT id, campus_id, status FROM meetings \
     WHERE id = (SELECT meeting_id FROM sessions WHERE id = $1 AND left_at IS NULL)";
const LINE: &str = "SELECT id, role FROM roster WHERE id = $1";
/// Everybody who is still inside of something that goes on.
const OPEN_SESSIONS: &str = "SELECT s.id, s.user_id, s.joined_at, r.role FROM sessions s JOIN roster r ON r.id = s.roster_id \
     WHERE s.left_at IS NULL ORDER BY s.meeting_id, s.id";
/// The person has left when no session of the line is open any more.
const LINE_LEFT: &str = "UPDATE roster SET left_at = $2 WHERE id = $1 \
     AND NOT EXISTS (SELECT 1 FROM sessions WHERE roster_id = $1 AND left_at IS NULL)";
const LINES_LEFT: &str =
    "UPDATE roster SET left_at = $2 WHERE meeting_id = $1 AND joined_at IS NOT NULL AND left_at IS NULL";
const ALL_LINES_LEFT: &str = "UPDATE roster SET left_at = $1 WHERE joined_at IS NOT NULL AND left_at IS NULL";
const OF_MEETING: &str = "SELECT * FROM sessions WHERE meeting_id = $1 ORDER BY joined_at, id";
const PEAK: &str = "UPDATE meetings SET participants_peak = $2 WHERE id = $1 AND participants_peak < $2";
const STATS: &str = "SELECT started_at, ended_at, participants_peak, \
     (SELECT COUNT(*) FROM messages WHERE chat_id = $1) AS chat_messages FROM meetings WHERE id = $1";
const KEEP_STATS: &str = "UPDATE meetings SET final_stats_json = $2 WHERE id = $1";

/// Somebody entering a meeting.
#[derive(Debug, Clone)]
pub struct Entering<'a> {
    pub session: ParticipantId,
    pub actor: &'a Actor,
    /// The name shown in this session.
    pub display_name: &'a str,
    pub at: OffsetDateTime,
    /// Persons inside with this one, for the peak.
    pub persons_inside: u32,
}

impl<'a> Entering<'a> {
    /// Somebody at the door, as he is recorded. `persons_inside`: with him.
    pub fn of(joiner: &'a Joiner, at: OffsetDateTime, persons_inside: u32) -> Self {
        Self { session: joiner.id, actor: &joiner.actor, display_name: &joiner.name, at, persons_inside }
    }
}

impl Store {
    /// Records entries into one meeting, all or none: each session, the person's roster line (made for people who were not
    /// invited), the peak. Says the lines. `MeetingNotFound` when there is no such row; `Forbidden` for the system, which
    /// attends nothing.
    pub async fn open_sessions(
        &self,
        meeting: MeetingId,
        entering: &[Entering<'_>],
    ) -> Result<Vec<RosterEntry>, DomainError> {
        timed("session_open", async {
            let mut tx = self.write().await?;
            // The row is the lock under which rosters change; of the roster one line is enough.
            let row = tx.one_to_change(MEETING, args![meeting.to_string()]).await?;
            let held = Held::read(&row.ok_or(DomainError::MeetingNotFound)?)?;
            // It may have ended while somebody was on his way in; what is told of it ends with its end.
            if held.status == MeetingStatus::Ended {
                return Err(DomainError::MeetingEnded.into());
            }
            let mut lines = Vec::with_capacity(entering.len());
            let mut joined = Vec::with_capacity(entering.len());
            for one in entering {
                let line = enter(&mut tx, meeting, one).await?;
                let (user, role) = (one.actor.user_id(), line.role);
                joined.push((Happening::ParticipantJoined { user, role }, one.at));
                lines.push(line);
            }
            let most = entering.iter().map(|one| one.persons_inside).max().unwrap_or_default();
            tx.execute(PEAK, args![meeting.to_string(), most]).await?;
            held.tell(&mut tx, HookEvent::ParticipantJoined, joined).await?;
            tx.commit().await?;
            Ok(lines)
        })
        .await
    }

    /// Records that a session is over. Closing it twice changes nothing.
    pub async fn close_session(
        &self,
        session: ParticipantId,
        at: OffsetDateTime,
        reason: LeaveReason,
    ) -> Result<(), DomainError> {
        timed("session_close", async {
            let mut tx = self.write().await?;
            // Held only where somebody is told, in the order in which entering takes its locks.
            let meeting = match webhook_deliveries::is_heard(&mut tx, HookEvent::ParticipantLeft).await? {
                true => tx.one_to_change(MEETING_OF, args![session.to_string()]).await?,
                false => None,
            };
            let meeting = meeting.as_ref().map(Held::read).transpose()?;
            let closing = args![session.to_string(), micros(at), reason.as_str()];
            if let Some(row) = tx.one(CLOSE, closing).await? {
                let id: String = row.get("roster_id")?;
                // Two sessions of one line that close at the same time: the second waits here and then sees the first.
                let line = tx.one_to_change(LINE, args![&id]).await?;
                tx.execute(LINE_LEFT, args![id, micros(at)]).await?;
                if let Some((meeting, line)) = meeting.zip(line) {
                    let left = left(&row, &line, reason)?;
                    meeting.tell(&mut tx, HookEvent::ParticipantLeft, vec![(left, at)]).await?;
                }
            }
            tx.commit().await?;
            Ok(())
        })
        .await
    }

    /// Closes every open session of a meeting.
    pub async fn close_sessions_of(
        &self,
        meeting: MeetingId,
        at: OffsetDateTime,
        reason: LeaveReason,
    ) -> Result<(), DomainError> {
        timed("sessions_close_meeting", async {
            let mut tx = self.write().await?;
            let id = meeting.to_string();
            tx.execute(CLOSE_MEETING, args![&id, micros(at), reason.as_str()]).await?;
            tx.execute(LINES_LEFT, args![id, micros(at)]).await?;
            tx.commit().await?;
            Ok(())
        })
        .await
    }

    /// Closes every session that an earlier process left open, and says how many there were.
    pub async fn close_all_sessions(
        &self,
        at: OffsetDateTime,
        reason: LeaveReason,
    ) -> Result<u64, DomainError> {
        timed("sessions_close_all", async {
            let mut tx = self.write().await?;
            if webhook_deliveries::is_heard(&mut tx, HookEvent::ParticipantLeft).await? {
                for row in tx.all(OPEN_SESSIONS, args![]).await? {
                    let meeting = tx.one_to_change(MEETING_OF, args![row.get::<String>("id")?]).await?;
                    let meeting = Held::read(&meeting.ok_or(StoreError::Corrupt("meeting_id"))?)?;
                    let left = left(&row, &row, reason)?;
                    meeting.tell(&mut tx, HookEvent::ParticipantLeft, vec![(left, at)]).await?;
                }
            }
            let closed = tx.execute(CLOSE_ALL, args![micros(at), reason.as_str()]).await?;
            tx.execute(ALL_LINES_LEFT, args![micros(at)]).await?;
            tx.commit().await?;
            Ok(closed)
        })
        .await
    }

    /// Every session a meeting ever had, in order of joining.
    pub async fn sessions_of(&self, meeting: MeetingId) -> Result<Vec<Attendance>, DomainError> {
        timed("sessions_of", async {
            let rows = self.all(OF_MEETING, args![meeting.to_string()]).await?;
            rows.iter().map(read).collect()
        })
        .await
    }

    /// Computes what remains of an ended meeting and keeps it. `MeetingNotActive` when it never started or goes on.
    pub async fn keep_final_stats(&self, meeting: MeetingId) -> Result<FinalStats, DomainError> {
        timed("final_stats", async {
            let mut tx = self.write().await?;
            let id = meeting.to_string();
            let row = tx.one(STATS, args![&id]).await?.ok_or(DomainError::MeetingNotFound)?;
            let stats = read_stats(&row)?;
            let kept = serde_json::json!({
                "duration_minutes": stats.duration_minutes,
                "participants_peak": stats.participants_peak,
                "chat_messages": stats.chat_messages,
            });
            tx.execute(KEEP_STATS, args![id, to_json(&kept)?]).await?;
            tx.commit().await?;
            Ok(stats)
        })
        .await
    }
}

/// One entry, as far as it is the person's own. Says the line.
async fn enter(tx: &mut Tx, meeting: MeetingId, entering: &Entering<'_>) -> Result<RosterEntry, StoreError> {
    let (position, line) = match roster::of_actor(tx, meeting, entering.actor).await? {
        Some((position, line)) => (position, line_of(line, entering)),
        None => (roster::next_position(tx, meeting).await?, line_of(came_in(entering)?, entering)),
    };
    roster::upsert(tx, meeting, position, &line).await?;
    insert(tx, meeting, entering, &line).await?;
    Ok(line)
}

/// A meeting whose row this transaction holds, as far as telling of it needs.
struct Held {
    id: MeetingId,
    campus: CampusId,
    status: MeetingStatus,
}

impl Held {
    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: word(row, "id", MeetingId::parse)?,
            campus: CampusId::new(row.get::<String>("campus_id")?),
            status: word(row, "status", MeetingStatus::parse)?,
        })
    }

    /// Tells what happened, all of one kind, unless the meeting is over: its end is the last that is told of it.
    async fn tell(
        &self,
        tx: &mut Tx,
        event: HookEvent,
        happened: Vec<(Happening, OffsetDateTime)>,
    ) -> Result<(), StoreError> {
        if self.status == MeetingStatus::Ended {
            return Ok(());
        }
        let message = |(happening, at)| Message { meeting: Some(self.id), happening, at };
        let messages: Vec<_> = happened.into_iter().map(message).collect();
        webhook_deliveries::tell(tx, &self.campus, event, &messages).await
    }
}

/// That the session of this row is over, whose roster line is the other.
fn left(session: &Row, line: &Row, reason: LeaveReason) -> Result<Happening, StoreError> {
    Ok(Happening::ParticipantLeft {
        user: word_opt(session, "user_id", UserId::parse)?,
        role: word(line, "role", Role::parse)?,
        joined_at: time(session, "joined_at")?,
        reason,
    })
}

/// The person's line as it is after entering.
fn line_of(mut line: RosterEntry, entering: &Entering<'_>) -> RosterEntry {
    if line.listing == Listing::Withdrawn {
        line.listing = Listing::CameIn;
    }
    if let Some(account) = entering.actor.account() {
        line.user = Some(account.id);
        line.email.get_or_insert_with(|| account.email.clone());
    }
    line.joined_at.get_or_insert(entering.at);
    line.left_at = None;
    line
}

/// The line of somebody who was not invited; the system attends nothing.
fn came_in(entering: &Entering<'_>) -> Result<RosterEntry, DomainError> {
    if matches!(entering.actor, Actor::System) {
        return Err(DomainError::Forbidden);
    }
    Ok(RosterEntry {
        id: RosterId::generate(),
        user: None,
        email: None,
        name: entering.actor.name().to_owned(),
        phone: None,
        role: Role::Attendee,
        overrides: PermissionOverrides::default(),
        listing: Listing::CameIn,
        joined_at: None,
        left_at: None,
    })
}

async fn insert(
    tx: &mut Tx,
    meeting: MeetingId,
    entering: &Entering<'_>,
    line: &RosterEntry,
) -> Result<(), StoreError> {
    let values = args![
        entering.session.to_string(),
        meeting.to_string(),
        line.id.to_string(),
        entering.actor.user_id().map(|user| user.to_string()),
        entering.display_name,
        micros(entering.at),
    ];
    tx.execute(OPEN, values).await?;
    Ok(())
}

fn read(row: &Row) -> Result<Attendance, StoreError> {
    Ok(Attendance {
        id: word(row, "id", ParticipantId::parse)?,
        meeting: word(row, "meeting_id", MeetingId::parse)?,
        roster: word(row, "roster_id", RosterId::parse)?,
        user: word_opt(row, "user_id", UserId::parse)?,
        display_name: row.get("display_name")?,
        joined_at: time(row, "joined_at")?,
        left_at: time_opt(row, "left_at")?,
        reason: word_opt(row, "reason", LeaveReason::parse)?,
    })
}

fn read_stats(row: &Row) -> Result<FinalStats, StoreError> {
    let (Some(started), Some(ended)) = (time_opt(row, "started_at")?, time_opt(row, "ended_at")?) else {
        return Err(DomainError::MeetingNotActive.into());
    };
    // One decimal (C-66).
    let minutes = ((ended - started).as_seconds_f64().max(0.0) / 6.0).round() / 10.0;
    Ok(FinalStats {
        duration_minutes: minutes,
        participants_peak: row.get("participants_peak")?,
        chat_messages: u64::from(row.get::<u32>("chat_messages")?),
    })
}
