//! Looking people of a campus up.

use super::accounts;
use super::sql::args;
use super::{Store, timed};
use crate::domain::directory::{Category, Found, Search};
use crate::domain::error::DomainError;
use crate::domain::id::{CampusId, MeetingId};

/// People of campus $1 who have $2 in name or address. $3: what begins with it, $4: what has it anywhere, $5: the user
/// name that is equal to it; in all of them `!` takes the meaning of the next character away. $6, $7, $8: teachers,
/// students, staff. $9: the meeting whose roster is left out, or nothing. $10: how many.
const SEARCH: &str = "SELECT accounts.*, COUNT(*) OVER () AS total FROM accounts WHERE campus_id = $1 \
     AND (name_key LIKE $4 ESCAPE '!' OR email_key LIKE $4 ESCAPE '!') \
     AND (($6 AND user_type = 'teacher') OR ($7 AND user_type = 'student') \
       OR ($8 AND user_type IN ('staff', 'admin', 'campus_admin'))) \
     AND id NOT IN (SELECT user_id FROM roster WHERE meeting_id = $9 AND user_id IS NOT NULL \
       AND listing <> 'withdrawn') \
     AND email_key NOT IN (SELECT email_key FROM roster WHERE meeting_id = $9 AND user_id IS NULL \
       AND email_key IS NOT NULL AND listing <> 'withdrawn') \
     ORDER BY CASE WHEN name_key = $2 OR email_key = $2 OR email_key LIKE $5 ESCAPE '!' THEN 0 \
       WHEN name_key LIKE $3 ESCAPE '!' OR email_key LIKE $3 ESCAPE '!' THEN 1 ELSE 2 END, name_key, id LIMIT $10";

impl Store {
    /// The people of a campus who fit best, and how many fit in all. `key`: [`Search::key`].
    pub async fn search_directory(
        &self,
        campus: &CampusId,
        meeting: MeetingId,
        key: &str,
        search: &Search,
    ) -> Result<Found, DomainError> {
        timed("directory_search", async {
            let text = literal(key);
            let values = args![
                campus.0.as_str(),
                key,
                format!("{text}%"),
                format!("%{text}%"),
                format!("{text}@%"),
                search.wants(Category::Teachers),
                search.wants(Category::Students),
                search.wants(Category::Staff),
                if search.skip_listed { meeting.to_string() } else { String::new() },
                search.limit,
            ];
            let rows = self.all(SEARCH, values).await?;
            let total = match rows.first() {
                Some(row) => row.get::<i64>("total")?,
                None => 0,
            };
            let people = rows.iter().map(accounts::read_account).collect::<Result<_, _>>()?;
            Ok(Found { accounts: people, total: total.unsigned_abs() })
        })
        .await
    }
}

/// The text without anything that means more than itself in a pattern.
fn literal(text: &str) -> String {
    text.replace('!', "!!").replace('%', "!%").replace('_', "!_")
}
