//! Accounts and their password hashes.

use super::columns::{micros, time, to_json, word};
use super::refusal::StoreError;
use super::sql::{Arg, Row, args};
use super::{Store, timed};
use crate::domain::account::{Account, UserType, email_key};
use crate::domain::directory::search_key;
use crate::domain::error::DomainError;
use crate::domain::id::{CampusId, UserId};
use crate::domain::password::PasswordHash;

const BY_ID: &str = "SELECT * FROM accounts WHERE id = $1";
const BY_EMAIL: &str = "SELECT * FROM accounts WHERE email_key = $1";
/// $1: a JSON array.
const BY_IDS: &str = "SELECT * FROM accounts WHERE id IN (SELECT value FROM json_each($1))";
/// $1: a JSON array of addresses in their compared form.
const BY_EMAILS: &str = "SELECT * FROM accounts WHERE email_key IN (SELECT value FROM json_each($1))";
const ANY: &str = "SELECT id FROM accounts LIMIT 1";
const INSERT: &str = "INSERT INTO accounts (id, name, name_key, email, email_key, user_type, campus_id, cross_campus, department, \
                      profile_picture, password_hash, password_version, created_at) \
                      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
const CHANGE_PASSWORD: &str = "UPDATE accounts SET password_hash = $2, password_version = password_version + 1 WHERE id = $1 AND password_version = $3";

/// An account with what proves it.
pub type Credentials = (Account, PasswordHash);

impl Store {
    /// The account with this id.
    pub async fn account(&self, id: UserId) -> Result<Option<Account>, DomainError> {
        Ok(self.credentials(id).await?.map(|(account, _)| account))
    }

    /// The account with this id and its password hash.
    pub async fn credentials(&self, id: UserId) -> Result<Option<Credentials>, DomainError> {
        timed("account", async {
            let row = self.one(BY_ID, args![id.to_string()]).await?;
            row.as_ref().map(read).transpose()
        })
        .await
    }

    /// The account this address belongs to (letter case ignored) and its password hash.
    pub async fn credentials_by_email(&self, email: &str) -> Result<Option<Credentials>, DomainError> {
        timed("account_by_email", async {
            let row = self.one(BY_EMAIL, args![email_key(email)]).await?;
            row.as_ref().map(read).transpose()
        })
        .await
    }

    /// The accounts among these ids that exist, in no order.
    pub async fn accounts_by_ids(&self, ids: &[UserId]) -> Result<Vec<Account>, DomainError> {
        self.accounts_among(BY_IDS, &ids).await
    }

    /// The accounts that these addresses belong to, in no order.
    pub async fn accounts_by_emails(&self, emails: &[String]) -> Result<Vec<Account>, DomainError> {
        let keys: Vec<_> = emails.iter().map(|email| email_key(email)).collect();
        self.accounts_among(BY_EMAILS, &keys).await
    }

    async fn accounts_among(
        &self,
        query: &'static str,
        wanted: &impl serde::Serialize,
    ) -> Result<Vec<Account>, DomainError> {
        timed("accounts_among", async {
            let rows = self.all(query, args![to_json(wanted)?]).await?;
            rows.iter().map(read_account).collect()
        })
        .await
    }

    /// Adds an account. `EmailTaken` when the address belongs to somebody.
    pub async fn insert_account(&self, account: &Account, hash: &PasswordHash) -> Result<(), DomainError> {
        timed("account_insert", async {
            self.execute(INSERT, values(account, hash)).await?;
            Ok(())
        })
        .await
    }

    /// Adds the first accounts of an installation; does nothing and says `false` when there are some already.
    pub async fn insert_first_accounts(&self, accounts: &[Credentials]) -> Result<bool, DomainError> {
        timed("account_insert_first", async {
            let mut tx = self.write().await?;
            if tx.one(ANY, args![]).await?.is_some() {
                return Ok(false);
            }
            for (account, hash) in accounts {
                tx.execute(INSERT, values(account, hash)).await?;
            }
            tx.commit().await?;
            Ok(true)
        })
        .await
    }

    /// Whether there is any account.
    pub async fn has_accounts(&self) -> Result<bool, DomainError> {
        timed("account_any", async { Ok(self.one(ANY, args![]).await?.is_some()) }).await
    }

    /// Replaces a password and with it the version, unless somebody else was faster than `version`: then `false`.
    pub async fn change_password(
        &self,
        id: UserId,
        version: i64,
        hash: &PasswordHash,
    ) -> Result<bool, DomainError> {
        timed("account_change_password", async {
            let changed =
                self.execute(CHANGE_PASSWORD, args![id.to_string(), hash.as_phc(), version]).await?;
            Ok(changed == 1)
        })
        .await
    }
}

/// The values of [`INSERT`].
fn values(account: &Account, hash: &PasswordHash) -> Vec<Arg> {
    args![
        account.id.to_string(),
        &account.name,
        search_key(&account.name),
        account.email.trim(),
        account.email_key(),
        account.user_type.as_str(),
        &account.campus.0,
        account.cross_campus,
        &account.department,
        &account.profile_picture,
        hash.as_phc(),
        account.password_version,
        micros(account.created_at),
    ]
}

fn read(row: &Row) -> Result<Credentials, StoreError> {
    Ok((read_account(row)?, PasswordHash::from_phc(row.get("password_hash")?)))
}

pub(super) fn read_account(row: &Row) -> Result<Account, StoreError> {
    Ok(Account {
        id: word(row, "id", UserId::parse)?,
        name: row.get("name")?,
        email: row.get("email")?,
        user_type: word(row, "user_type", UserType::parse)?,
        campus: CampusId::new(row.get::<String>("campus_id")?),
        cross_campus: row.get("cross_campus")?,
        department: row.get("department")?,
        profile_picture: row.get("profile_picture")?,
        password_version: row.get("password_version")?,
        created_at: time(row, "created_at")?,
    })
}
