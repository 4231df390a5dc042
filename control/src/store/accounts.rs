//! Accounts and their password hashes.

use sqlx::sqlite::SqliteRow;
use sqlx::{Executor, Row, Sqlite};

use super::columns::{micros, time, to_json, word};
use super::{Store, StoreError, timed};
use crate::domain::account::{Account, UserType, email_key};
use crate::domain::error::DomainError;
use crate::domain::id::{CampusId, UserId};
use crate::domain::password::PasswordHash;

const BY_ID: &str = "SELECT * FROM accounts WHERE id = $1";
const BY_EMAIL: &str = "SELECT * FROM accounts WHERE email_key = $1";
/// $1: a JSON array.
const BY_IDS: &str = "SELECT * FROM accounts WHERE id IN (SELECT value FROM json_each($1))";
/// $1: a JSON array of addresses in their compared form.
const BY_EMAILS: &str = "SELECT * FROM accounts WHERE email_key IN (SELECT value FROM json_each($1))";
const ANY: &str = "SELECT EXISTS (SELECT 1 FROM accounts)";
const INSERT: &str = "INSERT INTO accounts (id, name, email, email_key, user_type, campus_id, cross_campus, department, \
                      profile_picture, password_hash, password_version, created_at) \
                      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
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
            let row = sqlx::query(BY_ID).bind(id.to_string()).fetch_optional(&self.readers).await?;
            row.as_ref().map(read).transpose()
        })
        .await
    }

    /// The account this address belongs to (letter case ignored) and its password hash.
    pub async fn credentials_by_email(&self, email: &str) -> Result<Option<Credentials>, DomainError> {
        timed("account_by_email", async {
            let row = sqlx::query(BY_EMAIL).bind(email_key(email)).fetch_optional(&self.readers).await?;
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
            let rows = sqlx::query(query).bind(to_json(wanted)?).fetch_all(&self.readers).await?;
            rows.iter().map(|row| Ok(read(row)?.0)).collect()
        })
        .await
    }

    /// Adds an account. `EmailTaken` when the address belongs to somebody.
    pub async fn insert_account(&self, account: &Account, hash: &PasswordHash) -> Result<(), DomainError> {
        timed("account_insert", async { insert(&self.writer, account, hash).await }).await
    }

    /// Adds the first accounts of an installation; does nothing and says `false` when there are some already.
    pub async fn insert_first_accounts(&self, accounts: &[Credentials]) -> Result<bool, DomainError> {
        timed("account_insert_first", async {
            let mut tx = self.begin_write().await?;
            if sqlx::query_scalar::<_, bool>(ANY).fetch_one(&mut *tx).await? {
                return Ok(false);
            }
            for (account, hash) in accounts {
                insert(&mut *tx, account, hash).await?;
            }
            tx.commit().await?;
            Ok(true)
        })
        .await
    }

    /// Whether there is any account.
    pub async fn has_accounts(&self) -> Result<bool, DomainError> {
        timed("account_any", async { Ok(sqlx::query_scalar::<_, bool>(ANY).fetch_one(&self.readers).await?) })
            .await
    }

    /// Replaces a password and with it the version, unless somebody else was faster than `version`: then `false`.
    pub async fn change_password(
        &self,
        id: UserId,
        version: i64,
        hash: &PasswordHash,
    ) -> Result<bool, DomainError> {
        timed("account_change_password", async {
            let done = sqlx::query(CHANGE_PASSWORD)
                .bind(id.to_string())
                .bind(hash.as_phc())
                .bind(version)
                .execute(&self.writer)
                .await?;
            Ok(done.rows_affected() == 1)
        })
        .await
    }
}

async fn insert(
    to: impl Executor<'_, Database = Sqlite>,
    account: &Account,
    hash: &PasswordHash,
) -> Result<(), StoreError> {
    sqlx::query(INSERT)
        .bind(account.id.to_string())
        .bind(&account.name)
        .bind(account.email.trim())
        .bind(account.email_key())
        .bind(account.user_type.as_str())
        .bind(&account.campus.0)
        .bind(account.cross_campus)
        .bind(&account.department)
        .bind(&account.profile_picture)
        .bind(hash.as_phc())
        .bind(account.password_version)
        .bind(micros(account.created_at))
        .execute(to)
        .await?;
    Ok(())
}

fn read(row: &SqliteRow) -> Result<Credentials, StoreError> {
    let account = Account {
        id: word(row, "id", UserId::parse)?,
        name: row.try_get("name")?,
        email: row.try_get("email")?,
        user_type: word(row, "user_type", UserType::parse)?,
        campus: CampusId::new(row.try_get::<String, _>("campus_id")?),
        cross_campus: row.try_get("cross_campus")?,
        department: row.try_get("department")?,
        profile_picture: row.try_get("profile_picture")?,
        password_version: row.try_get("password_version")?,
        created_at: time(row, "created_at")?,
    };
    Ok((account, PasswordHash::from_phc(row.try_get("password_hash")?)))
}
