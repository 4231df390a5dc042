//! Ranges of bytes (RFC 9110, section 14): one at a time, which is what players and broken-off downloads ask for.

use http::HeaderValue;

/// What part of something of a known length is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Range {
    /// Nothing that we understand, or nothing at all: everything.
    Whole,
    /// From the first byte to the last, both included and both inside.
    Part { first: u64, last: u64 },
    /// It begins behind the end.
    Outside,
}

/// Reads a `Range` header for something of `length` bytes. Several ranges are answered with the whole, as the RFC lets
/// a server do.
pub fn requested(header: Option<&HeaderValue>, length: u64) -> Range {
    let text = header.and_then(|value| value.to_str().ok());
    let range = text.and_then(|text| text.trim().strip_prefix("bytes=")).filter(|text| !text.contains(','));
    let Some((first, last)) = range.and_then(|range| range.split_once('-')) else { return Range::Whole };
    match (number(first), number(last)) {
        (Some(first), _) if first >= length => Range::Outside,
        (Some(first), Some(last)) if last >= first => Range::Part { first, last: last.min(length - 1) },
        (Some(first), None) if last.trim().is_empty() => Range::Part { first, last: length - 1 },
        (None, Some(tail)) if first.trim().is_empty() => tail_of(tail, length),
        _ => Range::Whole,
    }
}

/// The last so many bytes.
fn tail_of(tail: u64, length: u64) -> Range {
    if tail == 0 || length == 0 {
        return Range::Outside;
    }
    Range::Part { first: length.saturating_sub(tail), last: length - 1 }
}

fn number(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    // Too long a number for u64 is behind every end.
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Range {
        requested(HeaderValue::from_str(text).ok().as_ref(), 100)
    }

    #[test]
    fn add_12_one_range_is_read_and_cut_to_what_there_is() {
        assert_eq!(of("bytes=0-9"), Range::Part { first: 0, last: 9 });
        assert_eq!(of("bytes=90-"), Range::Part { first: 90, last: 99 });
        assert_eq!(of("bytes=90-1000"), Range::Part { first: 90, last: 99 });
        assert_eq!(of("bytes=-10"), Range::Part { first: 90, last: 99 });
        assert_eq!(of("bytes=-1000"), Range::Part { first: 0, last: 99 });
        assert_eq!(of("bytes=99-99999999999999999999999"), Range::Part { first: 99, last: 99 });
    }

    #[test]
    fn add_12_what_begins_behind_the_end_is_outside() {
        for text in ["bytes=100-", "bytes=100-200", "bytes=99999999999999999999999-", "bytes=-0"] {
            assert_eq!(of(text), Range::Outside, "{text}");
        }
        assert_eq!(requested(Some(&HeaderValue::from_static("bytes=0-")), 0), Range::Outside);
        assert_eq!(requested(Some(&HeaderValue::from_static("bytes=-5")), 0), Range::Outside);
    }

    #[test]
    fn what_is_no_single_range_is_everything() {
        for text in
            ["", "bytes=", "bytes=-", "bytes=a-b", "bytes=5-2", "bytes=0-1,5-6", "items=0-1", "bytes=1"]
        {
            assert_eq!(of(text), Range::Whole, "{text}");
        }
        assert_eq!(requested(None, 100), Range::Whole);
    }
}
