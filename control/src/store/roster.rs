//! Roster lines: read with their meeting, written as a difference so that attendance keeps pointing at them.

use std::collections::HashMap;

use super::columns::{json, micros, time_opt, to_json, word, word_opt};
use super::refusal::StoreError;
use super::sql::{Row, Tx, args};
use crate::domain::account::email_key;
use crate::domain::actor::Actor;
use crate::domain::id::{MeetingId, RosterId, UserId};
use crate::domain::meeting::Meeting;
use crate::domain::role::Role;
use crate::domain::roster::{Listing, RosterEntry};

const OF_MEETING: &str = "SELECT * FROM roster WHERE meeting_id = $1 ORDER BY position";
/// $1: meeting ids as a JSON array; one statement however many meetings a list shows.
const OF_MEETINGS: &str = "SELECT * FROM roster WHERE meeting_id IN (SELECT value FROM json_each($1)) ORDER BY meeting_id, position";
/// Lines that may stand for an account: its own, and invitations of its address that name no account.
const OF_ACCOUNT: &str = "SELECT * FROM roster WHERE meeting_id = $1 AND (user_id = $2 OR (user_id IS NULL AND email_key = $3)) \
     ORDER BY position";
const NEXT: &str = "SELECT COALESCE(MAX(position) + 1, 0) AS next FROM roster WHERE meeting_id = $1";
const UPSERT: &str = "INSERT INTO roster (id, meeting_id, position, user_id, email, email_key, name, phone, role, overrides_json, \
     listing, joined_at, left_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) \
     ON CONFLICT (id) DO UPDATE SET position = excluded.position, user_id = excluded.user_id, email = excluded.email, \
     email_key = excluded.email_key, name = excluded.name, phone = excluded.phone, role = excluded.role, \
     overrides_json = excluded.overrides_json, listing = excluded.listing, joined_at = excluded.joined_at, \
     left_at = excluded.left_at";
/// $2: the ids that stay, as a JSON array. Lines that sessions point at are kept by the domain, which never drops
/// somebody who has been inside.
const DELETE_OTHERS: &str =
    "DELETE FROM roster WHERE meeting_id = $1 AND id NOT IN (SELECT value FROM json_each($2))";

const ATTENDED: &str = "SELECT COUNT(*) AS n FROM roster WHERE meeting_id = $1 AND joined_at IS NOT NULL";

pub(super) async fn of_meeting(tx: &mut Tx, meeting: MeetingId) -> Result<Vec<RosterEntry>, StoreError> {
    let rows = tx.all(OF_MEETING, args![meeting.to_string()]).await?;
    rows.iter().map(read).collect()
}

/// The line of somebody and its position, without reading everybody's.
pub(super) async fn of_actor(
    tx: &mut Tx,
    meeting: MeetingId,
    actor: &Actor,
) -> Result<Option<(i64, RosterEntry)>, StoreError> {
    let Some(account) = actor.account() else { return Ok(None) };
    let rows =
        tx.all(OF_ACCOUNT, args![meeting.to_string(), account.id.to_string(), account.email_key()]).await?;
    for row in &rows {
        let line = read(row)?;
        if line.is_for(actor) {
            return Ok(Some((row.get("position")?, line)));
        }
    }
    Ok(None)
}

/// How many different persons were ever inside.
pub(super) async fn attended(tx: &mut Tx, meeting: MeetingId) -> Result<u32, StoreError> {
    tx.one(ATTENDED, args![meeting.to_string()]).await?.ok_or(StoreError::Corrupt("n"))?.get("n")
}

/// The position behind the last line.
pub(super) async fn next_position(tx: &mut Tx, meeting: MeetingId) -> Result<i64, StoreError> {
    let row = tx.one(NEXT, args![meeting.to_string()]).await?;
    row.map_or(Ok(0), |row| row.get("next"))
}

pub(super) async fn of_meetings(
    tx: &mut Tx,
    meetings: &[MeetingId],
) -> Result<HashMap<MeetingId, Vec<RosterEntry>>, StoreError> {
    let rows = tx.all(OF_MEETINGS, args![to_json(&meetings)?]).await?;
    let mut rosters: HashMap<_, Vec<_>> = HashMap::new();
    for row in &rows {
        rosters.entry(word(row, "meeting_id", MeetingId::parse)?).or_default().push(read(row)?);
    }
    Ok(rosters)
}

/// Makes the stored roster equal to the meeting's.
pub(super) async fn replace(tx: &mut Tx, meeting: &Meeting) -> Result<(), StoreError> {
    let ids: Vec<_> = meeting.roster.iter().map(|entry| entry.id).collect();
    tx.execute(DELETE_OTHERS, args![meeting.id.to_string(), to_json(&ids)?]).await?;
    for (position, entry) in (0_i64..).zip(&meeting.roster) {
        upsert(tx, meeting.id, position, entry).await?;
    }
    Ok(())
}

/// Adds or changes one line.
pub(super) async fn upsert(
    tx: &mut Tx,
    meeting: MeetingId,
    position: i64,
    entry: &RosterEntry,
) -> Result<(), StoreError> {
    let values = args![
        entry.id.to_string(),
        meeting.to_string(),
        position,
        entry.user.map(|user| user.to_string()),
        &entry.email,
        entry.email.as_deref().map(email_key),
        &entry.name,
        &entry.phone,
        entry.role.as_str(),
        to_json(&entry.overrides)?,
        entry.listing.as_str(),
        entry.joined_at.map(micros),
        entry.left_at.map(micros),
    ];
    tx.execute(UPSERT, values).await?;
    Ok(())
}

fn read(row: &Row) -> Result<RosterEntry, StoreError> {
    Ok(RosterEntry {
        id: word(row, "id", RosterId::parse)?,
        user: word_opt(row, "user_id", UserId::parse)?,
        email: row.get("email")?,
        name: row.get("name")?,
        phone: row.get("phone")?,
        role: word(row, "role", Role::parse)?,
        overrides: json(row, "overrides_json")?,
        listing: word(row, "listing", Listing::parse)?,
        joined_at: time_opt(row, "joined_at")?,
        left_at: time_opt(row, "left_at")?,
    })
}
