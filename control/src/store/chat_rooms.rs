//! Chat rooms and their members.

use std::collections::HashMap;

use super::columns::{micros, time, to_json, word, word_opt};
use super::refusal::StoreError;
use super::sql::{Row, Tx, args};
use super::{Store, chat, timed};
use crate::domain::account::Account;
use crate::domain::chat_room::{ChatRoom, Member};
use crate::domain::error::DomainError;
use crate::domain::history::{Line, ROOMS_MAX, Summary};
use crate::domain::id::{CampusId, ChatRoomId, MessageId, UserId};

const INSERT: &str =
    "INSERT INTO chat_rooms (id, campus_id, name, owner_id, created_at) VALUES ($1, $2, $3, $4, $5)";
const INSERT_MEMBER: &str = "INSERT INTO chat_members (room_id, user_id, position, joined_at) \
     SELECT $1, $2, COALESCE(MAX(position), 0) + 1, $3 FROM chat_members WHERE room_id = $1";
const DELETE_MEMBER: &str = "DELETE FROM chat_members WHERE room_id = $1 AND user_id = $2";
const BY_ID: &str = "SELECT * FROM chat_rooms WHERE id = $1 AND deleted_at IS NULL";
const UPDATE: &str = "UPDATE chat_rooms SET name = $2, owner_id = $3 WHERE id = $1";
const DELETE: &str = "UPDATE chat_rooms SET deleted_at = $2 WHERE id = $1";
/// Nobody can read them any more, or take them back.
const DROP_FILES: &str = "UPDATE attachments SET removed_at = $2 \
     WHERE removed_at IS NULL AND message_id IN (SELECT id FROM messages WHERE chat_id = $1)";
/// $1: a JSON array of room ids; the first $2 of each room.
const MEMBERS: &str = "SELECT room_id, user_id, joined_at, name FROM (\
       SELECT m.room_id, m.user_id, m.joined_at, m.position, a.name, \
              ROW_NUMBER() OVER (PARTITION BY m.room_id ORDER BY m.position) AS place \
       FROM chat_members m JOIN accounts a ON a.id = m.user_id \
       WHERE m.room_id IN (SELECT value FROM json_each($1))) AS placed \
     WHERE place <= $2 ORDER BY room_id, position";
/// The rooms of the account $1, the one with the newest message first. Unread is counted among the newest 1000
/// messages, so that a room nobody ever marked does not cost more with every message.
const OF_USER: &str = "SELECT r.*, \
       (SELECT COUNT(*) FROM chat_members c WHERE c.room_id = r.id) AS member_count, \
       (SELECT m.id FROM messages m WHERE m.chat_id = r.id ORDER BY m.sent_at DESC, m.id DESC LIMIT 1) AS last_id, \
       (SELECT COUNT(*) FROM (\
          SELECT n.id, n.sender_user, n.deleted FROM messages n \
          WHERE n.chat_id = r.id AND n.sent_at >= me.joined_at ORDER BY n.sent_at DESC, n.id DESC LIMIT 1000) AS newest \
        WHERE newest.deleted = FALSE AND (newest.sender_user IS NULL OR newest.sender_user <> $1) \
          AND NOT EXISTS (SELECT 1 FROM message_receipts s \
            WHERE s.message_id = newest.id AND s.user_id = $1 AND s.seen_at IS NOT NULL)) AS unread \
     FROM chat_members me JOIN chat_rooms r ON r.id = me.room_id \
     WHERE me.user_id = $1 AND r.deleted_at IS NULL AND ($2 = '' OR r.id = $2) \
     ORDER BY COALESCE((SELECT MAX(m.sent_at) FROM messages m WHERE m.chat_id = r.id), r.created_at) DESC, r.id DESC \
     LIMIT $3 OFFSET $4";
/// $2: the account's campus; $3: whether every campus is within its reach.
const IDS_OF_USER: &str = "SELECT r.id FROM chat_members me JOIN chat_rooms r ON r.id = me.room_id \
     WHERE me.user_id = $1 AND r.deleted_at IS NULL AND ($3 OR r.campus_id = $2) ORDER BY r.id LIMIT $4";

/// Members that a list of rooms shows of each.
const MEMBERS_IN_LIST: u32 = 50;
/// More than any room has.
const ALL_MEMBERS: u32 = u32::MAX;

impl Store {
    /// Keeps a new room with its members.
    pub async fn insert_chat_room(&self, room: &ChatRoom) -> Result<(), DomainError> {
        timed("chat_room_insert", async {
            let mut tx = self.write().await?;
            let values = args![
                room.id.to_string(),
                &room.campus.0,
                &room.name,
                room.owner.to_string(),
                micros(room.created_at),
            ];
            tx.execute(INSERT, values).await?;
            for member in &room.members {
                insert_member(&mut tx, room.id, member).await?;
            }
            tx.commit().await
        })
        .await
    }

    /// A room that is not deleted.
    pub async fn chat_room(&self, id: ChatRoomId) -> Result<Option<ChatRoom>, DomainError> {
        timed("chat_room", async {
            let mut tx = self.read().await?;
            let row = tx.one(BY_ID, args![id.to_string()]).await?;
            complete(&mut tx, row).await
        })
        .await
    }

    /// Reads a room, lets `change` decide, and keeps what it made of it, in one transaction. A room without members is
    /// deleted, and its files with it.
    pub async fn change_chat_room<T>(
        &self,
        id: ChatRoomId,
        at: time::OffsetDateTime,
        change: impl FnOnce(&mut ChatRoom) -> Result<T, DomainError>,
    ) -> Result<(ChatRoom, T), DomainError> {
        timed("chat_room_change", async {
            let mut tx = self.write().await?;
            let row = tx.one_to_change(BY_ID, args![id.to_string()]).await?;
            let before = complete(&mut tx, row).await?.ok_or(DomainError::ChatRoomNotFound)?;
            let mut room = before.clone();
            let value = change(&mut room)?;
            tx.execute(UPDATE, args![id.to_string(), &room.name, room.owner.to_string()]).await?;
            for gone in before.members.iter().filter(|member| !room.has(member.user)) {
                tx.execute(DELETE_MEMBER, args![id.to_string(), gone.user.to_string()]).await?;
            }
            for added in room.members.iter().filter(|member| !before.has(member.user)) {
                insert_member(&mut tx, id, added).await?;
            }
            if room.is_deserted() {
                tx.execute(DELETE, args![id.to_string(), micros(at)]).await?;
                tx.execute(DROP_FILES, args![id.to_string(), micros(at)]).await?;
            }
            tx.commit().await?;
            Ok((room, value))
        })
        .await
    }

    /// The rooms of an account, the one with the newest message first, each with its first members.
    pub async fn chat_rooms_of(
        &self,
        user: UserId,
        limit: u32,
        offset: u32,
    ) -> Result<Vec<Summary>, DomainError> {
        timed("chat_rooms_of", async {
            let mut tx = self.read().await?;
            let rows = tx.all(OF_USER, args![user.to_string(), "", limit.min(ROOMS_MAX), offset]).await?;
            summaries(&mut tx, &rows, user, MEMBERS_IN_LIST).await
        })
        .await
    }

    /// A room as one of its members sees it, with everybody in it.
    pub async fn chat_room_summary(&self, room: ChatRoom, user: UserId) -> Result<Summary, DomainError> {
        timed("chat_room_summary", async {
            let mut tx = self.read().await?;
            let rows = tx.all(OF_USER, args![user.to_string(), room.id.to_string(), 1_u32, 0_u32]).await?;
            let stored = summaries(&mut tx, &rows, user, ALL_MEMBERS).await?.pop();
            stored.ok_or(DomainError::ChatRoomNotFound.into())
        })
        .await
    }

    /// The rooms that an account is in and may reach.
    pub async fn chat_room_ids_of(&self, account: &Account) -> Result<Vec<ChatRoomId>, DomainError> {
        timed("chat_room_ids_of", async {
            let everywhere = account.crosses_campuses();
            let values = args![account.id.to_string(), &account.campus.0, everywhere, ROOMS_MAX];
            let rows = self.all(IDS_OF_USER, values).await?;
            rows.iter().map(|row| word(row, "id", ChatRoomId::parse)).collect()
        })
        .await
    }
}

async fn insert_member(tx: &mut Tx, room: ChatRoomId, member: &Member) -> Result<(), StoreError> {
    let values = args![room.to_string(), member.user.to_string(), micros(member.joined_at)];
    tx.execute(INSERT_MEMBER, values).await?;
    Ok(())
}

/// The room of a row, with everybody in it.
async fn complete(tx: &mut Tx, row: Option<Row>) -> Result<Option<ChatRoom>, StoreError> {
    let Some(mut room) = row.as_ref().map(read).transpose()? else { return Ok(None) };
    room.members = members(tx, &[room.id], ALL_MEMBERS).await?.remove(&room.id).unwrap_or_default();
    Ok(Some(room))
}

async fn members(
    tx: &mut Tx,
    rooms: &[ChatRoomId],
    of_each: u32,
) -> Result<HashMap<ChatRoomId, Vec<Member>>, StoreError> {
    let mut members: HashMap<ChatRoomId, Vec<Member>> = HashMap::new();
    for row in tx.all(MEMBERS, args![to_json(&rooms)?, of_each]).await? {
        let member = Member {
            user: word(&row, "user_id", UserId::parse)?,
            name: row.get("name")?,
            joined_at: time(&row, "joined_at")?,
        };
        members.entry(word(&row, "room_id", ChatRoomId::parse)?).or_default().push(member);
    }
    Ok(members)
}

async fn summaries(
    tx: &mut Tx,
    rows: &[Row],
    user: UserId,
    members_of_each: u32,
) -> Result<Vec<Summary>, StoreError> {
    let mut found = Vec::new();
    for row in rows {
        let last = word_opt(row, "last_id", MessageId::parse)?;
        found.push((read(row)?, last, row.get::<u32>("member_count")?, row.get::<u32>("unread")?));
    }
    let rooms: Vec<_> = found.iter().map(|(room, ..)| room.id).collect();
    let last: Vec<_> = found.iter().filter_map(|(_, last, ..)| *last).collect();
    let mut members = members(tx, &rooms, members_of_each).await?;
    let lines = chat::lines(tx, &last, user).await?;
    let mut lines: HashMap<MessageId, Line> = lines.into_iter().map(|line| (line.message.id, line)).collect();
    let summary = |(mut room, last, member_count, unread): (ChatRoom, Option<MessageId>, u32, u32)| {
        room.members = members.remove(&room.id).unwrap_or_default();
        Summary { room, member_count, last: last.and_then(|id| lines.remove(&id)), unread }
    };
    Ok(found.into_iter().map(summary).collect())
}

fn read(row: &Row) -> Result<ChatRoom, StoreError> {
    Ok(ChatRoom {
        id: word(row, "id", ChatRoomId::parse)?,
        campus: CampusId::new(row.get::<String>("campus_id")?),
        name: row.get("name")?,
        owner: word(row, "owner_id", UserId::parse)?,
        created_at: time(row, "created_at")?,
        members: Vec::new(),
    })
}
