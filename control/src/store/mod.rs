//! The database: one writer, several readers, SQL in one file per aggregate and nowhere else.
//!
//! Methods speak domain types only, so that another engine can stand behind the same surface. A broken constraint
//! becomes the refusal it means; any other failure is logged here, once, and leaves as `Internal` or `Unavailable`.

mod accounts;
mod audit;
mod chat;
mod columns;
mod meetings;
mod roster;
mod sessions;

use std::path::Path;
use std::str::FromStr;
use std::time::{Duration, Instant};

use sqlx::Transaction;
use sqlx::sqlite::{
    Sqlite, SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};

use crate::domain::error::DomainError;

pub use accounts::Credentials;
pub use audit::AuditLine;
pub use sessions::Entering;

/// How long a connection waits for another process's lock, and a caller for a connection.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Reading connections: SQLite reads are short and bound by one disk, more of them only hold memory.
const READERS_MAX: u32 = 8;

/// Read-modify-write takes the write lock at once, instead of failing half-way when another writer was faster.
const BEGIN_WRITE: &str = "BEGIN IMMEDIATE";

/// The way to everything that outlives this process.
#[derive(Clone)]
pub struct Store {
    /// One connection: SQLite has one writer anyway, and a queue here is fairer than retries on its lock.
    writer: SqlitePool,
    readers: SqlitePool,
}

/// Why the database could not be opened; the text is for the operator.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("DATABASE_URL: {0}")]
    Url(String),
    #[error("cannot open the database: {0}")]
    Open(sqlx::Error),
    #[error("cannot bring the database up to date: {0}")]
    Migrate(sqlx::migrate::MigrateError),
}

impl Store {
    /// Opens a `sqlite:` URL, creating the file if it is missing, and brings its tables up to date.
    pub async fn open(url: &str) -> Result<Self, OpenError> {
        let options = SqliteConnectOptions::from_str(url).map_err(|e| OpenError::Url(e.to_string()))?;
        Self::open_with(options).await
    }

    /// Opens a database file; see [`Store::open`].
    pub async fn open_file(path: &Path) -> Result<Self, OpenError> {
        Self::open_with(SqliteConnectOptions::new().filename(path)).await
    }

    async fn open_with(options: SqliteConnectOptions) -> Result<Self, OpenError> {
        let options = options
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT)
            .optimize_on_close(true, None);
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(BUSY_TIMEOUT)
            .connect_with(options.clone())
            .await
            .map_err(OpenError::Open)?;
        sqlx::migrate!().run(&writer).await.map_err(OpenError::Migrate)?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS_MAX)
            .acquire_timeout(BUSY_TIMEOUT)
            .connect_with(options.pragma("query_only", "ON"))
            .await
            .map_err(OpenError::Open)?;
        Ok(Self { writer, readers })
    }

    /// Whether the database answers; for readiness.
    pub async fn is_ready(&self) -> bool {
        !self.writer.is_closed() && sqlx::query("SELECT 1").execute(&self.readers).await.is_ok()
    }

    /// Finishes running statements, writes the log back into the database file and closes.
    pub async fn close(&self) {
        self.readers.close().await;
        if let Err(error) = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&self.writer).await {
            tracing::warn!(%error, "the database log could not be checkpointed; the next start will do it");
        }
        self.writer.close().await;
    }

    async fn begin_write(&self) -> Result<Transaction<'static, Sqlite>, sqlx::Error> {
        self.writer.begin_with(BEGIN_WRITE).await
    }
}

/// Runs one use of the database: measures it under `query`, and turns a failure into a refusal.
async fn timed<T>(
    query: &'static str,
    work: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, DomainError> {
    let begun = Instant::now();
    let result = work.await;
    metrics::histogram!("plenum_db_query_seconds", "query" => query).record(begun.elapsed().as_secs_f64());
    result.map_err(|error| error.into_refusal(query))
}

/// What can come out of a use of the database.
enum StoreError {
    /// The domain said no while looking at the stored state; the transaction is rolled back.
    Refused(DomainError),
    Sql(sqlx::Error),
    /// A stored value that no version of this program writes.
    Corrupt(&'static str),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<DomainError> for StoreError {
    fn from(error: DomainError) -> Self {
        Self::Refused(error)
    }
}

impl StoreError {
    fn into_refusal(self, query: &'static str) -> DomainError {
        match self {
            Self::Refused(refusal) => refusal,
            Self::Sql(error) => refusal_of(&error, query),
            Self::Corrupt(column) => {
                tracing::error!(query, column, "the database holds a value that cannot be read");
                DomainError::Internal
            }
        }
    }
}

/// A constraint that has a meaning becomes that meaning; everything else is logged here and nowhere else.
fn refusal_of(error: &sqlx::Error, query: &'static str) -> DomainError {
    match error {
        sqlx::Error::Database(db)
            if db.is_unique_violation() && db.message().contains("accounts.email_key") =>
        {
            DomainError::EmailTaken
        }
        sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => {
            tracing::warn!(query, %error, "no database connection was free");
            DomainError::Unavailable
        }
        _ => {
            tracing::error!(query, %error, "a database statement failed");
            DomainError::Internal
        }
    }
}
