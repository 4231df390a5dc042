//! The database, SQLite or PostgreSQL: SQL in one file per aggregate and nowhere else, each statement written once.
//!
//! Methods speak domain types only. [`engine`] opens either database, [`sql`] runs statements on it, [`refusal`] turns
//! a broken constraint into the refusal it means and a database that is away into `Unavailable`.

mod accounts;
mod attachments;
mod audit;
mod breakouts;
mod chat;
mod chat_marks;
mod chat_rooms;
mod columns;
mod directory;
mod engine;
mod meetings;
mod outbox;
mod recordings;
mod refusal;
mod roster;
mod series;
mod sessions;
mod sql;
mod statistics;
mod watch;
mod webhook_deliveries;
mod webhooks;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::domain::error::DomainError;
use engine::Engine;
use refusal::StoreError;
use sql::{Arg, Row, Tx};
use watch::Watch;

pub use accounts::Credentials;
pub use chat_marks::Reacted;
pub use engine::OpenError;
pub use outbox::MailFilter;
pub use series::Whole;
pub use sessions::Entering;
pub use statistics::LiveCounts;
pub use webhook_deliveries::{ClaimBounds, InVain, Lease};

/// Longest use of the database: above every limit of the engines, so it ends only what hears nothing any more.
const USE_MAX: Duration = Duration::from_secs(20);

/// The way to everything that outlives this process.
#[derive(Clone)]
pub struct Store {
    engine: Engine,
    watch: Arc<Watch>,
}

impl Store {
    /// Opens a `sqlite:` URL, creating the file if it is missing, or a `postgres:` or `postgresql:` one, whose database
    /// must exist, and brings its tables up to date.
    pub async fn open(url: &str) -> Result<Self, OpenError> {
        Ok(Self::new(Engine::open(url).await?))
    }

    /// Opens a SQLite file, creating it if it is missing; see [`Store::open`].
    pub async fn open_file(path: &Path) -> Result<Self, OpenError> {
        Ok(Self::new(Engine::open_file(path).await?))
    }

    fn new(engine: Engine) -> Self {
        let watch = Watch::start(&engine);
        Self { engine, watch }
    }

    /// Why the database cannot be used, in a word, or `None` when it answers; for readiness.
    pub async fn trouble(&self) -> Option<&'static str> {
        let asked = self.watch.guard(false, self.engine.answers()).await;
        let trouble = self.watch.trouble().map(|trouble| trouble.as_str());
        trouble.or(asked.err().map(|_| "no answer"))
    }

    /// Finishes running statements, writes what is left and closes.
    pub async fn close(&self) {
        self.engine.close().await;
    }

    /// Begins a transaction that only reads, and sees one moment.
    async fn read(&self) -> Result<Tx, StoreError> {
        let begun = self.watch.guard(false, self.engine.read()).await?;
        Ok(Tx::new(begun, self.watch.clone()))
    }

    /// Begins a transaction that writes.
    async fn write(&self) -> Result<Tx, StoreError> {
        let begun = self.watch.guard(true, self.engine.write()).await?;
        Ok(Tx::new(begun, self.watch.clone()))
    }

    /// One reading statement that needs no transaction: its first row.
    async fn one(&self, sql: &'static str, args: Vec<Arg>) -> Result<Option<Row>, StoreError> {
        self.watch.guard(false, self.engine.one(sql, args)).await
    }

    /// One reading statement that needs no transaction: every row.
    async fn all(&self, sql: &'static str, args: Vec<Arg>) -> Result<Vec<Row>, StoreError> {
        self.watch.guard(false, self.engine.all(sql, args)).await
    }

    /// One writing statement that needs no transaction; says how many rows it touched.
    async fn execute(&self, sql: &'static str, args: Vec<Arg>) -> Result<u64, StoreError> {
        self.watch.guard(true, self.engine.execute(sql, args)).await
    }
}

/// Runs one use of the database: measures it under `query`, and turns a failure into a refusal.
async fn timed<T>(
    query: &'static str,
    work: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, DomainError> {
    let begun = Instant::now();
    let result = tokio::time::timeout(USE_MAX, work).await.unwrap_or(Err(StoreError::Silent));
    metrics::histogram!("plenum_db_query_seconds", "query" => query).record(begun.elapsed().as_secs_f64());
    result.map_err(|error| error.into_refusal(query))
}
