//! What can go wrong in the database, and the refusal it becomes. Logged here and nowhere else.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use sqlx::error::DatabaseError;
use sqlx::postgres::PgDatabaseError;

use crate::domain::error::DomainError;

/// Trouble of the same kind is told to the operator this often: while a database is away every request meets it.
const TOLD_EVERY: Duration = Duration::from_secs(60);

/// What can come out of a use of the database.
#[derive(Debug)]
pub(super) enum StoreError {
    /// The domain said no while looking at the stored state; the transaction is rolled back.
    Refused(DomainError),
    Sql(sqlx::Error),
    /// A stored value that no version of this program writes.
    Corrupt(&'static str),
    /// Known to be in trouble, so nothing was tried.
    Away(Trouble),
    /// The database took longer than any of its own limits allows: the machine or the network between is gone.
    Silent,
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
    /// The refusal that the caller gets. `query` names the use for the log.
    pub(super) fn into_refusal(self, query: &'static str) -> DomainError {
        match self {
            Self::Refused(refusal) => refusal,
            Self::Sql(error) => refusal_of(&error, query),
            Self::Corrupt(column) => {
                tracing::error!(query, column, "the database holds a value that cannot be read");
                DomainError::Internal
            }
            Self::Away(trouble) => trouble.tell(query, &"known to be so"),
            Self::Silent => Trouble::Gone.tell(query, &"no answer"),
        }
    }
}

/// A constraint that has a meaning becomes that meaning, trouble that passes `Unavailable`, everything else is a bug.
fn refusal_of(error: &sqlx::Error, query: &'static str) -> DomainError {
    if let sqlx::Error::Database(db) = error
        && let Some(refusal) = meaning(db.as_ref())
    {
        return refusal;
    }
    match Trouble::of(error) {
        Some(trouble) => trouble.tell(query, error),
        None => {
            tracing::error!(query, %error, "a database statement failed");
            DomainError::Internal
        }
    }
}

/// Constraints that are refusals: PostgreSQL's name, the words of SQLite's message, and what it means.
const MEANINGS: [(&str, &str, DomainError); 1] =
    [("accounts_email_key", "accounts.email_key", DomainError::EmailTaken)];

fn meaning(error: &dyn DatabaseError) -> Option<DomainError> {
    let broken = |(postgres, sqlite, _): &&(&str, &str, _)| {
        error.constraint() == Some(*postgres)
            || (error.is_unique_violation() && error.message().contains(sqlite))
    };
    MEANINGS.iter().find(broken).map(|(_, _, refusal)| refusal.clone())
}

/// Trouble that is nobody's mistake and may pass; nothing was changed, or at least nothing acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The database cannot be reached, or hung up.
    Gone,
    /// Somebody else holds a lock for too long, or every connection is in use.
    Busy,
    /// No room, or a disk that cannot be written.
    Disk,
}

impl Trouble {
    /// The trouble an error stands for; `None` for a mistake of ours.
    pub(super) fn of(error: &sqlx::Error) -> Option<Self> {
        match error {
            sqlx::Error::Database(db) => match db.try_downcast_ref::<PgDatabaseError>() {
                Some(db) => Self::of_postgres(db.code()),
                None => Self::of_sqlite(db.code()?.parse().ok()?),
            },
            sqlx::Error::PoolTimedOut => Some(Self::Busy),
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::BeginFailed
            | sqlx::Error::InvalidSavePointStatement => Some(Self::Gone),
            _ => None,
        }
    }

    /// Whether this is another process that holds SQLite's lock, which the next writer would meet as well.
    pub(super) fn is_sqlite_lock(error: &sqlx::Error) -> bool {
        matches!(error, sqlx::Error::Database(db) if db.try_downcast_ref::<PgDatabaseError>().is_none())
    }

    /// Whether trying is in vain for as long as it lasts.
    pub(super) fn stops(self, writing: bool) -> bool {
        match self {
            Self::Gone => true,
            Self::Busy => writing,
            Self::Disk => false,
        }
    }

    /// By the classes and codes of PostgreSQL's appendix A.
    fn of_postgres(code: &str) -> Option<Self> {
        match code {
            // Disk full, write failed; a cluster that became a standby refuses writing, as a full disk does.
            "53100" | "58030" | "25006" => Some(Self::Disk),
            // Lock and statement timeouts, deadlock, lost serialisation race, too many connections, no memory.
            "55P03" | "57014" | "40P01" | "40001" | "53300" | "53200" => Some(Self::Busy),
            // Connection trouble; shutting down, crashing, starting up; the password or database is no longer right.
            _ if ["08", "57P", "28", "3D"].iter().any(|class| code.starts_with(class)) => Some(Self::Gone),
            _ => None,
        }
    }

    /// By the lower byte of SQLite's result codes.
    fn of_sqlite(code: i32) -> Option<Self> {
        match code & 0xff {
            // BUSY, LOCKED
            5 | 6 => Some(Self::Busy),
            // READONLY, IOERR, FULL, CANTOPEN
            8 | 10 | 13 | 14 => Some(Self::Disk),
            _ => None,
        }
    }

    fn tell(self, query: &'static str, error: &dyn std::fmt::Display) -> DomainError {
        static GONE: Seldom = Seldom::new();
        static BUSY: Seldom = Seldom::new();
        static DISK: Seldom = Seldom::new();
        metrics::counter!("plenum_db_unavailable_total", "reason" => self.as_str()).increment(1);
        match self {
            Self::Gone if GONE.is_due() => {
                tracing::error!(query, %error, "the database cannot be reached");
            }
            Self::Busy if BUSY.is_due() => tracing::warn!(query, %error, "the database is busy"),
            Self::Disk if DISK.is_due() => {
                tracing::error!(query, %error, "the database cannot write: look at its disk");
            }
            Self::Gone | Self::Busy | Self::Disk => {}
        }
        DomainError::Unavailable
    }

    /// A word for metrics and readiness.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::Busy => "busy",
            Self::Disk => "disk",
        }
    }
}

/// Says yes at most once per [`TOLD_EVERY`].
struct Seldom(Mutex<Option<Instant>>);

impl Seldom {
    const fn new() -> Self {
        Self(Mutex::new(None))
    }

    fn is_due(&self) -> bool {
        let mut last = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let due = last.is_none_or(|at| at.elapsed() >= TOLD_EVERY);
        if due {
            *last = Some(Instant::now());
        }
        due
    }
}
