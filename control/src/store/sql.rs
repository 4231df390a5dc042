//! Statements for two engines: arguments, rows and transactions that hide whether SQLite or PostgreSQL is behind them.
//!
//! A statement is one `const` text with `$1`, `$2`, … that both engines understand. What they spell differently:
//!
//! - lists: `IN (SELECT value FROM json_each($1))` with a JSON array of texts (a function of ours on PostgreSQL);
//! - the greater of two: `CASE WHEN a < b THEN b ELSE a END` (`MAX(a, b)` is SQLite's alone);
//! - sums and means: `CAST(SUM(n) AS BIGINT)`, `CAST(AVG(n) AS DOUBLE PRECISION)` (PostgreSQL answers NUMERIC otherwise);
//! - letter case: `LOWER(column) LIKE $1` with a lower-case pattern (`LIKE` alone ignores case on SQLite only);
//! - booleans: `TRUE` and `FALSE`, never 1 and 0; texts: `'single quotes'`;
//! - a row that a decision depends on is read with [`Tx::one_to_change`].

use std::sync::Arc;

use sqlx::postgres::{PgRow, Postgres};
use sqlx::sqlite::{Sqlite, SqliteRow};
use sqlx::{AssertSqlSafe, Row as _, Transaction, TypeInfo, ValueRef};

use super::refusal::StoreError;
use super::watch::Watch;
use crate::domain::error::DomainError;

/// One value of a statement. Absent ones keep their type, which PostgreSQL wants to know.
#[derive(Debug, Clone)]
pub(super) enum Arg {
    Text(Option<String>),
    Int(Option<i64>),
    Bool(Option<bool>),
    Real(Option<f64>),
}

/// The values of a statement, in the order of their numbers.
macro_rules! args {
    ($($value:expr),* $(,)?) => { vec![$($crate::store::sql::Arg::from($value)),*] };
}
pub(super) use args;

macro_rules! arg_from {
    ($($variant:ident: $type:ty, $value:ident => $inner:expr;)*) => {
        $(
            impl From<$type> for Arg {
                fn from($value: $type) -> Self {
                    Self::$variant(Some($inner))
                }
            }

            impl From<Option<$type>> for Arg {
                fn from(value: Option<$type>) -> Self {
                    Self::$variant(value.map(|$value| $inner))
                }
            }
        )*
    };
}

arg_from! {
    Text: String, value => value;
    Text: &str, value => value.to_owned();
    Text: &String, value => value.clone();
    Int: i64, value => value;
    Int: u32, value => i64::from(value);
    Bool: bool, value => value;
    Real: f64, value => value;
}

impl From<&Option<String>> for Arg {
    fn from(value: &Option<String>) -> Self {
        Self::Text(value.clone())
    }
}

/// A statement with its values bound, for one engine or the other: their types differ and the words do not.
macro_rules! bound {
    ($engine:ty, $sql:expr, $args:expr) => {
        $crate::store::sql::storable($args)?.into_iter().fold(sqlx::query::<$engine>($sql), |query, arg| {
            match arg {
                $crate::store::sql::Arg::Text(value) => query.bind(value),
                $crate::store::sql::Arg::Int(value) => query.bind(value),
                $crate::store::sql::Arg::Bool(value) => query.bind(value),
                $crate::store::sql::Arg::Real(value) => query.bind(value),
            }
        })
    };
}
pub(super) use bound;

/// PostgreSQL keeps no text with a zero character in it; so neither engine does, whoever sends one.
pub(super) fn storable(args: Vec<Arg>) -> Result<Vec<Arg>, StoreError> {
    let has_zero = |arg: &Arg| matches!(arg, Arg::Text(Some(text)) if text.contains('\0'));
    if args.iter().any(has_zero) {
        return Err(DomainError::Malformed("a text contains a zero character".to_owned()).into());
    }
    Ok(args)
}

/// A transaction. Dropped without [`Tx::commit`] it never happened.
pub(super) struct Tx {
    begun: Begun,
    watch: Arc<Watch>,
}

/// A transaction of one of the engines.
pub(super) enum Begun {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

impl Tx {
    pub(super) fn new(begun: Begun, watch: Arc<Watch>) -> Self {
        Self { begun, watch }
    }

    /// Runs a statement and says how many rows it touched.
    pub(super) async fn execute(&mut self, sql: &'static str, args: Vec<Arg>) -> Result<u64, StoreError> {
        let done = self.begun.execute(sql, args).await;
        self.noted(done)
    }

    /// The first row, if there is one.
    pub(super) async fn one(&mut self, sql: &'static str, args: Vec<Arg>) -> Result<Option<Row>, StoreError> {
        let row = self.begun.one(sql, args).await;
        self.noted(row)
    }

    /// As [`Tx::one`], for a plain `SELECT` of one table: nobody else changes the row before this transaction is over.
    /// SQLite's one writer has that anyway. References to the row are not held up, so people go on chatting.
    pub(super) async fn one_to_change(
        &mut self,
        sql: &'static str,
        args: Vec<Arg>,
    ) -> Result<Option<Row>, StoreError> {
        let row = self.begun.one_to_change(sql, args).await;
        self.noted(row)
    }

    /// Every row.
    pub(super) async fn all(&mut self, sql: &'static str, args: Vec<Arg>) -> Result<Vec<Row>, StoreError> {
        let rows = self.begun.all(sql, args).await;
        self.noted(rows)
    }

    /// Makes everything since the beginning true at once.
    pub(super) async fn commit(self) -> Result<(), StoreError> {
        let done = match self.begun {
            Begun::Sqlite(tx) => tx.commit().await,
            Begun::Postgres(tx) => tx.commit().await,
        };
        done.map_err(StoreError::from).inspect_err(|error| self.watch.note(error, false))
    }

    fn noted<T>(&self, done: Result<T, StoreError>) -> Result<T, StoreError> {
        done.inspect_err(|error| self.watch.note(error, false))
    }
}

impl Begun {
    async fn execute(&mut self, sql: &'static str, args: Vec<Arg>) -> Result<u64, StoreError> {
        Ok(match self {
            Self::Sqlite(tx) => bound!(Sqlite, sql, args).execute(&mut **tx).await?.rows_affected(),
            Self::Postgres(tx) => bound!(Postgres, sql, args).execute(&mut **tx).await?.rows_affected(),
        })
    }

    async fn one(&mut self, sql: &'static str, args: Vec<Arg>) -> Result<Option<Row>, StoreError> {
        Ok(match self {
            Self::Sqlite(tx) => bound!(Sqlite, sql, args).fetch_optional(&mut **tx).await?.map(Row::Sqlite),
            Self::Postgres(tx) => {
                bound!(Postgres, sql, args).fetch_optional(&mut **tx).await?.map(Row::Postgres)
            }
        })
    }

    async fn one_to_change(&mut self, sql: &'static str, args: Vec<Arg>) -> Result<Option<Row>, StoreError> {
        let Self::Postgres(tx) = self else { return self.one(sql, args).await };
        let locking = AssertSqlSafe(format!("{sql} FOR NO KEY UPDATE"));
        Ok(bound!(Postgres, locking, args).fetch_optional(&mut **tx).await?.map(Row::Postgres))
    }

    async fn all(&mut self, sql: &'static str, args: Vec<Arg>) -> Result<Vec<Row>, StoreError> {
        Ok(match self {
            Self::Sqlite(tx) => {
                let rows = bound!(Sqlite, sql, args).fetch_all(&mut **tx).await?;
                rows.into_iter().map(Row::Sqlite).collect()
            }
            Self::Postgres(tx) => {
                let rows = bound!(Postgres, sql, args).fetch_all(&mut **tx).await?;
                rows.into_iter().map(Row::Postgres).collect()
            }
        })
    }
}

/// One row of an answer.
pub(super) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl Row {
    /// The value of a column: text, a whole number, a truth, a real number, or an `Option` of one of them.
    pub(super) fn get<'r, T: Column<'r>>(&'r self, column: &'static str) -> Result<T, StoreError> {
        T::read(self, column)
    }
}

/// What a column can be read as.
pub(super) trait Column<'r>: Sized {
    /// Reads it.
    fn read(row: &'r Row, column: &'static str) -> Result<Self, StoreError>;
}

/// Types that both engines' drivers know under the same name.
macro_rules! native {
    ($($type:ty),*) => {
        $(
            impl<'r> Column<'r> for $type {
                fn read(row: &'r Row, column: &'static str) -> Result<Self, StoreError> {
                    Ok(match row {
                        Row::Sqlite(row) => row.try_get(column)?,
                        Row::Postgres(row) => row.try_get(column)?,
                    })
                }
            }
        )*
    };
}
native!(String, Option<String>, &'r str, Option<&'r str>, bool, Option<bool>, f64, Option<f64>);

impl Column<'_> for Option<i64> {
    fn read(row: &Row, column: &'static str) -> Result<Self, StoreError> {
        Ok(match row {
            Row::Sqlite(row) => row.try_get(column)?,
            // Whole numbers that no column gave a width, as in `SELECT 1`, are narrower than ours.
            Row::Postgres(row) => match row.try_get_raw(column)?.type_info().name() {
                "INT2" | "INT4" => row.try_get::<Option<i32>, _>(column)?.map(i64::from),
                _ => row.try_get(column)?,
            },
        })
    }
}

impl Column<'_> for i64 {
    fn read(row: &Row, column: &'static str) -> Result<Self, StoreError> {
        row.get::<Option<i64>>(column)?.ok_or(StoreError::Corrupt(column))
    }
}

impl Column<'_> for u32 {
    fn read(row: &Row, column: &'static str) -> Result<Self, StoreError> {
        u32::try_from(row.get::<i64>(column)?).map_err(|_| StoreError::Corrupt(column))
    }
}
