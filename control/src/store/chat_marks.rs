//! What hangs on a message: reactions, and who got and saw it.

use std::collections::{HashMap, HashSet};

use time::OffsetDateTime;

use super::columns::{micros, time_opt, to_json, word};
use super::refusal::StoreError;
use super::sql::{Tx, args};
use super::{Store, timed};
use crate::domain::error::DomainError;
use crate::domain::history::Reactions;
use crate::domain::id::{MessageId, UserId};
use crate::domain::reaction::KINDS_PER_MESSAGE_MAX;
use crate::domain::receipt::Receipt;

const MESSAGE: &str = "SELECT id FROM messages WHERE id = $1 AND deleted = FALSE";
const IS_GIVEN: &str =
    "SELECT emoji FROM message_reactions WHERE message_id = $1 AND emoji = $2 AND user_id = $3";
const KINDS: &str =
    "SELECT COUNT(DISTINCT emoji) AS kinds FROM message_reactions WHERE message_id = $1 AND emoji <> $2";
const GIVE: &str =
    "INSERT INTO message_reactions (message_id, emoji, user_id, given_at) VALUES ($1, $2, $3, $4)";
const TAKE_BACK: &str = "DELETE FROM message_reactions WHERE message_id = $1 AND emoji = $2 AND user_id = $3";
/// $1: a JSON array of message ids.
const GIVEN: &str = "SELECT message_id, emoji, user_id FROM message_reactions \
     WHERE message_id IN (SELECT value FROM json_each($1)) ORDER BY given_at, emoji, user_id";
/// $2: a JSON array of account ids.
const DELIVERED: &str = "INSERT INTO message_receipts (message_id, user_id, delivered_at) \
     SELECT $1, value, $3 FROM json_each($2) WHERE TRUE \
     ON CONFLICT (message_id, user_id) DO UPDATE \
     SET delivered_at = COALESCE(message_receipts.delivered_at, EXCLUDED.delivered_at)";
/// $2: a JSON array of message ids.
const ALREADY_SEEN: &str = "SELECT message_id FROM message_receipts \
     WHERE user_id = $1 AND seen_at IS NOT NULL AND message_id IN (SELECT value FROM json_each($2))";
const SEEN: &str = "INSERT INTO message_receipts (message_id, user_id, delivered_at, seen_at) \
     SELECT value, $1, $3, $3 FROM json_each($2) WHERE TRUE \
     ON CONFLICT (message_id, user_id) DO UPDATE \
     SET delivered_at = COALESCE(message_receipts.delivered_at, EXCLUDED.delivered_at), \
         seen_at = COALESCE(message_receipts.seen_at, EXCLUDED.seen_at)";
/// The bound is that of the largest meeting.
const RECEIPTS: &str = "SELECT r.user_id, r.delivered_at, r.seen_at, a.name FROM message_receipts r \
     JOIN accounts a ON a.id = r.user_id WHERE r.message_id = $1 \
     ORDER BY COALESCE(r.delivered_at, r.seen_at), r.user_id LIMIT 10000";

/// What [`Store::react`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reacted {
    /// Whether the reaction is there now.
    pub added: bool,
    /// Whether that is another state than before.
    pub is_new: bool,
    pub reactions: Vec<Reactions>,
}

impl Store {
    /// Adds or takes back a reaction; `wanted` of none is the other one of what is.
    pub async fn react(
        &self,
        message: MessageId,
        by: UserId,
        emoji: &str,
        wanted: Option<bool>,
        at: OffsetDateTime,
    ) -> Result<Reacted, DomainError> {
        timed("react", async {
            let (id, user) = (message.to_string(), by.to_string());
            let mut tx = self.write().await?;
            if tx.one_to_change(MESSAGE, args![&id]).await?.is_none() {
                return Err(DomainError::MessageNotFound.into());
            }
            let there = tx.one(IS_GIVEN, args![&id, emoji, &user]).await?.is_some();
            let added = wanted.unwrap_or(!there);
            if added && !there {
                let kinds = tx.one(KINDS, args![&id, emoji]).await?;
                let kinds = kinds.map_or(Ok(0), |row| row.get::<u32>("kinds"))? as usize;
                if kinds >= KINDS_PER_MESSAGE_MAX {
                    let most = format!("a message has at most {KINDS_PER_MESSAGE_MAX} different ones");
                    return Err(DomainError::invalid("emoji", most).into());
                }
                tx.execute(GIVE, args![&id, emoji, &user, micros(at)]).await?;
            } else if there && !added {
                tx.execute(TAKE_BACK, args![&id, emoji, &user]).await?;
            }
            let reactions = reactions(&mut tx, &[message]).await?.remove(&message).unwrap_or_default();
            tx.commit().await?;
            Ok(Reacted { added, is_new: added != there, reactions })
        })
        .await
    }

    /// A message reached these accounts.
    pub async fn note_delivered(
        &self,
        message: MessageId,
        users: &[UserId],
        at: OffsetDateTime,
    ) -> Result<(), DomainError> {
        timed("message_delivered", async {
            self.execute(DELIVERED, args![message.to_string(), to_json(&users)?, micros(at)]).await?;
            Ok(())
        })
        .await
    }

    /// An account has seen these messages. Says which of them it had not seen before.
    pub async fn mark_seen(
        &self,
        reader: UserId,
        messages: &[MessageId],
        at: OffsetDateTime,
    ) -> Result<Vec<MessageId>, DomainError> {
        if messages.is_empty() {
            return Ok(Vec::new());
        }
        timed("messages_seen", async {
            let (reader, ids) = (reader.to_string(), to_json(&messages)?);
            let mut tx = self.write().await?;
            let before = tx.all(ALREADY_SEEN, args![&reader, &ids]).await?;
            let before: HashSet<_> = before
                .iter()
                .map(|row| word(row, "message_id", MessageId::parse))
                .collect::<Result<_, _>>()?;
            tx.execute(SEEN, args![&reader, &ids, micros(at)]).await?;
            tx.commit().await?;
            Ok(messages.iter().filter(|id| !before.contains(id)).copied().collect())
        })
        .await
    }

    /// Who got a message and who has seen it, the earliest first.
    pub async fn receipts(&self, message: MessageId) -> Result<Vec<Receipt>, DomainError> {
        timed("receipts", async {
            let rows = self.all(RECEIPTS, args![message.to_string()]).await?;
            let receipt = |row| {
                Ok(Receipt {
                    user: word(row, "user_id", UserId::parse)?,
                    name: row.get("name")?,
                    delivered_at: time_opt(row, "delivered_at")?,
                    seen_at: time_opt(row, "seen_at")?,
                })
            };
            rows.iter().map(receipt).collect()
        })
        .await
    }
}

/// The reactions to these messages; the emoji given first comes first.
pub(super) async fn reactions(
    tx: &mut Tx,
    messages: &[MessageId],
) -> Result<HashMap<MessageId, Vec<Reactions>>, StoreError> {
    let mut reactions: HashMap<MessageId, Vec<Reactions>> = HashMap::new();
    if messages.is_empty() {
        return Ok(reactions);
    }
    for row in tx.all(GIVEN, args![to_json(&messages)?]).await? {
        let of = reactions.entry(word(&row, "message_id", MessageId::parse)?).or_default();
        let (emoji, user) = (row.get::<&str>("emoji")?, word(&row, "user_id", UserId::parse)?);
        match of.iter_mut().find(|one| one.emoji == emoji) {
            Some(one) => one.users.push(user),
            None => of.push(Reactions { emoji: emoji.to_owned(), users: vec![user] }),
        }
    }
    Ok(reactions)
}
