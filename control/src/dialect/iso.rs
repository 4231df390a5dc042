//! Times on the wire: ISO 8601, UTC with `Z` and milliseconds when we speak, anything of the standard when we read.

use serde::{Serialize, Serializer};
use time::format_description::BorrowedFormatItem;
use time::format_description::well_known::{Iso8601, Rfc3339};
use time::macros::format_description;
use time::{Date, OffsetDateTime, PrimitiveDateTime, UtcOffset};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

const OUT: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
/// Longest text that is looked at.
const TEXT_BYTES_MAX: usize = 64;

/// A time on the wire (C-02): ISO 8601, UTC, milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timestamp(pub OffsetDateTime);

/// A time as every dialect shows it.
pub fn text(at: OffsetDateTime) -> String {
    // The years that `parse` lets in have four digits, so formatting has nothing to refuse.
    at.to_offset(UtcOffset::UTC).format(OUT).unwrap_or_default()
}

/// Reads a time; without an offset it is meant in UTC, a bare date is its midnight. Years 1970 to 9999.
pub fn parse(text: &str) -> Option<OffsetDateTime> {
    let text = text.trim();
    if text.len() > TEXT_BYTES_MAX {
        return None;
    }
    let at = OffsetDateTime::parse(text, &Rfc3339)
        .or_else(|_| OffsetDateTime::parse(text, &Iso8601::PARSING))
        .or_else(|_| PrimitiveDateTime::parse(text, &Iso8601::PARSING).map(PrimitiveDateTime::assume_utc))
        .or_else(|_| Date::parse(text, &Iso8601::PARSING).map(|day| day.midnight().assume_utc()))
        .ok()?;
    // Leave a day of room at both ends for offsets.
    (1970..=9998).contains(&at.year()).then(|| at.to_offset(UtcOffset::UTC))
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&text(self.0))
    }
}

impl ToSchema for Timestamp {}

impl PartialSchema for Timestamp {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .description(Some("ISO 8601 in UTC with milliseconds"))
            .examples(["2026-11-20T09:00:00.000Z"])
            .into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_usual_spelling_of_one_moment_reads_the_same() {
        let spellings = [
            "2026-11-20T09:00:00Z",
            "2026-11-20T09:00:00.000Z",
            "2026-11-20T14:30:00+05:30",
            "2026-11-20T09:00:00",
            "2026-11-20T09:00",
        ];
        for spelling in spellings {
            assert_eq!(parse(spelling).map(text).as_deref(), Some("2026-11-20T09:00:00.000Z"), "{spelling}");
        }
        assert_eq!(parse("2026-11-20").map(text).as_deref(), Some("2026-11-20T00:00:00.000Z"));
    }

    #[test]
    fn what_is_no_time_is_not_read() {
        for text in [
            "",
            "soon",
            "2026-13-01T00:00:00Z",
            "2026-11-20T25:00:00Z",
            "1969-12-31T00:00:00Z",
            &"2".repeat(99),
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
