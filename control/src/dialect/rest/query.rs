//! Query parameters: what comes after `?`, decoded once.

use crate::domain::error::DomainError;
use crate::domain::page::Page;

/// The parameters of a request. Of one that comes twice the first counts.
pub struct Query(Vec<(String, String)>);

/// Parameters that are read; a request with more is not from a client of ours.
const PARAMETERS_MAX: usize = 64;

impl Query {
    /// Reads them; what cannot be decoded stays as it is.
    pub fn of(raw: Option<&str>) -> Self {
        let pairs = raw.unwrap_or_default().split('&').take(PARAMETERS_MAX);
        let pair = |text: &str| {
            let (name, value) = text.split_once('=').unwrap_or((text, ""));
            (decoded(name), decoded(value))
        };
        Self(pairs.filter(|text| !text.is_empty()).map(pair).collect())
    }

    /// A parameter that is there and not empty.
    pub fn text(&self, name: &str) -> Option<&str> {
        let value = self.0.iter().find(|(one, _)| one == name).map(|(_, value)| value.as_str());
        value.filter(|value| !value.trim().is_empty())
    }

    /// A yes or no; absent means no.
    pub fn flag(&self, name: &'static str) -> Result<bool, DomainError> {
        match self.text(name) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(DomainError::invalid(name, "must be true or false")),
        }
    }

    /// A whole number within bounds; larger ones are clamped (C-52), nonsense is told.
    pub fn number(&self, name: &'static str, least: u32, most: u32) -> Result<Option<u32>, DomainError> {
        let Some(value) = self.text(name) else { return Ok(None) };
        let wrong =
            || DomainError::invalid(name, format!("must be a whole number between {least} and {most}"));
        if !value.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(wrong());
        }
        // Too long a number for u64 is still larger than the clamp.
        let number = value.parse().unwrap_or(u64::MAX).min(most.into());
        u32::try_from(number).ok().filter(|number| *number >= least).map(Some).ok_or_else(wrong)
    }

    /// Which part of a list is wanted; `usual` is what clients get that do not say.
    pub fn page(&self, usual: u32, most: u32) -> Result<Page, DomainError> {
        let limit = self.number("limit", 1, most)?.unwrap_or(usual);
        Ok(Page { limit, offset: self.number("offset", 0, u32::MAX)?.unwrap_or(0) })
    }
}

/// `+` and `%xx` as forms write them.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        match (first, after) {
            (b'%', [high, low, after @ ..]) => match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) => {
                    bytes.push(high * 16 + low);
                    rest = after;
                }
                _ => bytes.push(b'%'),
            },
            (b'+', _) => bytes.push(b' '),
            (byte, _) => bytes.push(*byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_decoded_and_the_first_of_a_name_counts() {
        let query = Query::of(Some("a=1+2%21&b=%zz%4&a=9&c&=x&d=%C3%A9"));
        assert_eq!(query.text("a"), Some("1 2!"));
        assert_eq!(query.text("b"), Some("%zz%4"));
        assert_eq!((query.text("c"), query.text("none")), (None, None));
        assert_eq!(query.text("d"), Some("é"));
    }

    #[test]
    fn c_52_numbers_are_clamped_above_and_told_when_they_are_none() {
        let number = |text: &str| Query::of(Some(text)).number("limit", 1, 500);
        assert_eq!(number("limit=7"), Ok(Some(7)));
        assert_eq!(number("limit=99999999999999999999999999"), Ok(Some(500)));
        assert_eq!((number("limit="), number("")), (Ok(None), Ok(None)));
        for wrong in ["limit=0", "limit=-1", "limit=1.5", "limit=x", "limit=+1"] {
            assert!(number(wrong).is_err(), "{wrong}");
        }
    }
}
