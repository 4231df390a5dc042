//! The two engines: how each is opened, how transactions begin, how it is closed.

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions, Postgres};
use sqlx::sqlite::{
    Sqlite, SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection, Transaction};

use super::refusal::{StoreError, Trouble};
use super::sql::{Arg, Begun, Row, bound};

/// How long a statement waits for somebody else's lock, and a caller for a connection.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Reading connections of SQLite: reads are short and bound by one disk, more of them only hold memory.
const READERS_MAX: u32 = 8;
/// Connections to PostgreSQL: a server's default is a hundred for everybody, and what we do is short.
const CONNECTIONS_MAX: u32 = 16;
/// A PostgreSQL connection that has lain still for this long is asked whether it lives before it is used.
const TRUSTED_IDLE: Duration = Duration::from_secs(1);

/// SQLite: read-modify-write takes the write lock at once, instead of failing half-way when another writer was faster.
const BEGIN_WRITE_SQLITE: &str = "BEGIN IMMEDIATE";
/// PostgreSQL: each statement sees what is committed; rows that a decision depends on are locked when they are read.
const BEGIN_WRITE_POSTGRES: &str = "BEGIN";
/// PostgreSQL: all statements see one moment, as SQLite's readers do.
const BEGIN_READ_POSTGRES: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// Writes a little and changes nothing: what fails while there is no room or no lock.
const TOUCH: &str = "UPDATE _sqlx_migrations SET success = success WHERE version = 1";

/// Limits that PostgreSQL keeps for us, so that nothing waits for ever on a lock or a lost client.
const POSTGRES_LIMITS: [(&str, &str); 3] =
    [("statement_timeout", "10s"), ("lock_timeout", "5s"), ("idle_in_transaction_session_timeout", "30s")];

/// Why the database could not be opened; the text is for the operator.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("DATABASE_URL: {0}")]
    Url(String),
    #[error("cannot open the database: {0}")]
    Open(String),
    #[error("cannot bring the database up to date: {0}")]
    Migrate(String),
}

/// The connections to one database.
#[derive(Clone)]
pub(super) enum Engine {
    Sqlite {
        /// One connection: SQLite has one writer anyway, and a queue here is fairer than retries on its lock.
        writer: SqlitePool,
        readers: SqlitePool,
    },
    Postgres(PgPool),
}

impl Engine {
    /// Opens what a `sqlite:`, `postgres:` or `postgresql:` URL names and brings its tables up to date.
    pub(super) async fn open(url: &str) -> Result<Self, OpenError> {
        // The driver's words about a URL it cannot read may repeat parts of it, which may be a password.
        let unreadable = |_| OpenError::Url("cannot be read; see docs/operations.md".to_owned());
        if url.starts_with("sqlite:") {
            Self::open_sqlite(SqliteConnectOptions::from_str(url).map_err(unreadable)?).await
        } else {
            Self::open_postgres(PgConnectOptions::from_str(url).map_err(unreadable)?).await
        }
    }

    /// Opens a SQLite file, creating it if it is missing.
    pub(super) async fn open_file(path: &Path) -> Result<Self, OpenError> {
        Self::open_sqlite(SqliteConnectOptions::new().filename(path)).await
    }

    async fn open_sqlite(options: SqliteConnectOptions) -> Result<Self, OpenError> {
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
            // After a COMMIT that met a full disk SQLite is out of the transaction and the driver thinks it is in it,
            // for ever: such a connection is replaced.
            .before_acquire(|connection, _| Box::pin(async { Ok(!connection.is_in_transaction()) }))
            .connect_with(options.clone())
            .await
            .map_err(|error| OpenError::Open(error.to_string()))?;
        let migrated = sqlx::migrate!("./migrations/sqlite").run(&writer).await;
        migrated.map_err(|error| OpenError::Migrate(error.to_string()))?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS_MAX)
            .acquire_timeout(BUSY_TIMEOUT)
            .connect_with(options.pragma("query_only", "ON"))
            .await
            .map_err(|error| OpenError::Open(error.to_string()))?;
        Ok(Self::Sqlite { writer, readers })
    }

    async fn open_postgres(options: PgConnectOptions) -> Result<Self, OpenError> {
        let options = options.application_name("plenum");
        migrate_postgres(&options).await?;
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS_MAX)
            .acquire_timeout(BUSY_TIMEOUT)
            .test_before_acquire(false)
            .before_acquire(|connection, meta| {
                Box::pin(async move {
                    if meta.idle_for >= TRUSTED_IDLE {
                        connection.ping().await?;
                    }
                    Ok(!connection.is_in_transaction())
                })
            })
            .connect_with(options.options(POSTGRES_LIMITS))
            .await
            .map_err(|error| OpenError::Open(error.to_string()))?;
        Ok(Self::Postgres(pool))
    }

    /// Begins a transaction that only reads, and sees one moment.
    pub(super) async fn read(&self) -> Result<Begun, StoreError> {
        Ok(match self {
            Self::Sqlite { readers, .. } => Begun::Sqlite(readers.begin().await?),
            Self::Postgres(pool) => Begun::Postgres(begin(pool, BEGIN_READ_POSTGRES).await?),
        })
    }

    /// Begins a transaction that writes.
    pub(super) async fn write(&self) -> Result<Begun, StoreError> {
        Ok(match self {
            Self::Sqlite { writer, .. } => Begun::Sqlite(writer.begin_with(BEGIN_WRITE_SQLITE).await?),
            Self::Postgres(pool) => Begun::Postgres(begin(pool, BEGIN_WRITE_POSTGRES).await?),
        })
    }

    /// One reading statement that needs no transaction: its first row.
    pub(super) async fn one(&self, sql: &'static str, args: Vec<Arg>) -> Result<Option<Row>, StoreError> {
        Ok(match self {
            Self::Sqlite { readers, .. } => {
                bound!(Sqlite, sql, args).fetch_optional(readers).await?.map(Row::Sqlite)
            }
            Self::Postgres(pool) => {
                bound!(Postgres, sql, args).fetch_optional(pool).await?.map(Row::Postgres)
            }
        })
    }

    /// One reading statement that needs no transaction: every row.
    pub(super) async fn all(&self, sql: &'static str, args: Vec<Arg>) -> Result<Vec<Row>, StoreError> {
        Ok(match self {
            Self::Sqlite { readers, .. } => {
                let rows = bound!(Sqlite, sql, args).fetch_all(readers).await?;
                rows.into_iter().map(Row::Sqlite).collect()
            }
            Self::Postgres(pool) => {
                let rows = bound!(Postgres, sql, args).fetch_all(pool).await?;
                rows.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    /// One writing statement that needs no transaction; says how many rows it touched.
    pub(super) async fn execute(&self, sql: &'static str, args: Vec<Arg>) -> Result<u64, StoreError> {
        Ok(match self {
            Self::Sqlite { writer, .. } => bound!(Sqlite, sql, args).execute(writer).await?.rows_affected(),
            Self::Postgres(pool) => bound!(Postgres, sql, args).execute(pool).await?.rows_affected(),
        })
    }

    /// Fails when the database does not answer.
    pub(super) async fn answers(&self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite { readers, .. } => sqlx::query("SELECT 1").execute(readers).await.map(drop)?,
            Self::Postgres(pool) => sqlx::query("SELECT 1").execute(pool).await.map(drop)?,
        }
        Ok(())
    }

    /// What [`super::watch`] looks with.
    pub(super) fn prober(&self) -> Prober {
        match self {
            Self::Sqlite { writer, .. } => Prober::Sqlite(writer.clone()),
            Self::Postgres(pool) => {
                let options = pool.connect_options().as_ref().clone();
                Prober::Postgres { options: Box::new(options), connection: None }
            }
        }
    }

    /// Finishes running statements and closes; SQLite's log is written back into the database file.
    pub(super) async fn close(&self) {
        match self {
            Self::Sqlite { writer, readers } => {
                readers.close().await;
                if let Err(error) = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(writer).await {
                    tracing::warn!(%error, "the database log could not be checkpointed; the next start will do it");
                }
                writer.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

/// Finds out whether trouble is there or over. PostgreSQL gets a connection of its own, which no pool keeps waiting.
pub(super) enum Prober {
    Sqlite(SqlitePool),
    Postgres { options: Box<PgConnectOptions>, connection: Option<PgConnection> },
}

impl Prober {
    /// Whether the database is another process.
    pub(super) fn is_remote(&self) -> bool {
        matches!(self, Self::Postgres { .. })
    }

    /// The trouble there is now. `known`: what there was; a full disk is over when something could be written.
    pub(super) async fn trouble(&mut self, known: Option<Trouble>) -> Option<Trouble> {
        match self {
            Self::Sqlite(writer) => {
                let error = sqlx::query(TOUCH).execute(&*writer).await.err()?;
                Trouble::of(&error).or(known)
            }
            Self::Postgres { options, connection } => {
                let question = if known == Some(Trouble::Disk) { TOUCH } else { "SELECT 1" };
                if let Some(open) = connection
                    && sqlx::query(question).execute(open).await.is_ok()
                {
                    return None;
                }
                // One lost connection is no trouble, unless there is no other.
                *connection = None;
                let answer = match options.connect().await {
                    Ok(mut open) => {
                        let answer = sqlx::query(question).execute(&mut open).await;
                        *connection = Some(open);
                        answer.map(drop)
                    }
                    Err(error) => Err(error),
                };
                answer.err().map(|error| Trouble::of(&error).unwrap_or(Trouble::Gone))
            }
        }
    }
}

/// Brings the tables up to date, over a connection of its own: rebuilding a large table takes longer than any statement
/// of a request may.
async fn migrate_postgres(options: &PgConnectOptions) -> Result<(), OpenError> {
    let mut connection = options.connect().await.map_err(|error| OpenError::Open(error.to_string()))?;
    let migrated = sqlx::migrate!("./migrations/postgres").run(&mut connection).await;
    migrated.map_err(|error| OpenError::Migrate(error.to_string()))?;
    connection.close().await.map_err(|error| OpenError::Open(error.to_string()))
}

/// Begins a transaction. A connection that turns out dead is thrown away and the next one taken: nothing was sent yet.
/// After a restart of the server every pooled connection may be dead, so there are as many tries and one more.
async fn begin(
    pool: &PgPool,
    statement: &'static str,
) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    for _ in 0..CONNECTIONS_MAX {
        match pool.begin_with(statement).await {
            Err(error @ (sqlx::Error::Io(_) | sqlx::Error::Database(_)))
                if Trouble::of(&error) == Some(Trouble::Gone) => {}
            begun => return begun,
        }
    }
    pool.begin_with(statement).await
}
