//! Columns to domain values and back: ids, times, words and JSON.

use time::OffsetDateTime;

use super::refusal::StoreError;
use super::sql::Row;

/// A time as the database keeps it: microseconds since 1970.
pub(super) fn micros(at: OffsetDateTime) -> i64 {
    // The years that `time` can say fit into i64 microseconds.
    i64::try_from(at.unix_timestamp_nanos() / 1000).unwrap_or(i64::MAX)
}

/// The time a number of microseconds in `column` is.
pub(super) fn time_of(column: &'static str, micros: i64) -> Result<OffsetDateTime, StoreError> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1000)
        .map_err(|_| StoreError::Corrupt(column))
}

/// A required time.
pub(super) fn time(row: &Row, column: &'static str) -> Result<OffsetDateTime, StoreError> {
    time_of(column, row.get(column)?)
}

/// A time that may be absent.
pub(super) fn time_opt(row: &Row, column: &'static str) -> Result<Option<OffsetDateTime>, StoreError> {
    row.get::<Option<i64>>(column)?.map(|micros| time_of(column, micros)).transpose()
}

/// A word that stands for a value: an id, or one of a closed set.
pub(super) fn word<T>(
    row: &Row,
    column: &'static str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<T, StoreError> {
    parse(row.get::<&str>(column)?).ok_or(StoreError::Corrupt(column))
}

/// A word that may be absent.
pub(super) fn word_opt<T>(
    row: &Row,
    column: &'static str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, StoreError> {
    row.get::<Option<&str>>(column)?.map(|text| parse(text).ok_or(StoreError::Corrupt(column))).transpose()
}

/// A stored object.
pub(super) fn json<T: serde::de::DeserializeOwned>(row: &Row, column: &'static str) -> Result<T, StoreError> {
    serde_json::from_str(row.get::<&str>(column)?).map_err(|_| StoreError::Corrupt(column))
}

/// A stored object that may be absent.
pub(super) fn json_opt<T: serde::de::DeserializeOwned>(
    row: &Row,
    column: &'static str,
) -> Result<Option<T>, StoreError> {
    let text = row.get::<Option<&str>>(column)?;
    text.map(|text| serde_json::from_str(text).map_err(|_| StoreError::Corrupt(column))).transpose()
}

/// An object as stored.
pub(super) fn to_json(value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|_| StoreError::Corrupt("json"))
}
