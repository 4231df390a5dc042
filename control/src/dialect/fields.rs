//! Reading JSON objects field by field, so that each mistake is told by the name of the field it is in.

use serde_json::{Map, Value};
use time::OffsetDateTime;

use super::iso;
use crate::domain::error::DomainError;

/// A JSON object as a client sent it. Unknown fields are ignored (C-68); `null` counts as absent unless asked for.
#[derive(Debug, Clone, Copy)]
pub struct Fields<'a>(&'a Map<String, Value>);

impl<'a> Fields<'a> {
    /// The fields of an object; anything else is no request.
    pub fn of(value: &'a Value) -> Result<Self, DomainError> {
        value.as_object().map(Self).ok_or_else(|| DomainError::Malformed("must be a JSON object".into()))
    }

    /// The value under a name, `null` included. A dot leads into an object: `features.chat_enabled`.
    pub fn raw(self, name: &str) -> Option<&'a Value> {
        let mut names = name.split('.');
        let first = self.0.get(names.next()?)?;
        names.try_fold(first, |value, name| value.get(name))
    }

    fn present(self, name: &str) -> Option<&'a Value> {
        self.raw(name).filter(|value| !value.is_null())
    }

    /// A text that must be there and say something.
    pub fn required_text(self, name: &'static str) -> Result<&'a str, DomainError> {
        self.text(name)?.filter(|text| !text.trim().is_empty()).ok_or(DomainError::FieldMissing(name))
    }

    /// A text that must be there and may be empty.
    pub fn given_text(self, name: &'static str) -> Result<&'a str, DomainError> {
        self.text(name)?.ok_or(DomainError::FieldMissing(name))
    }

    /// A text that may be absent.
    pub fn text(self, name: &'static str) -> Result<Option<&'a str>, DomainError> {
        self.typed(name, Value::as_str, "must be a string")
    }

    /// The first of several spellings of one text that is there; the first name is the one mistakes are told by.
    pub fn text_of(self, names: &[&'static str]) -> Result<Option<&'a str>, DomainError> {
        for name in names {
            if let Some(text) = self.text(name)? {
                return Ok(Some(text));
            }
        }
        Ok(None)
    }

    /// A yes or no that may be absent.
    pub fn flag(self, name: &'static str) -> Result<Option<bool>, DomainError> {
        self.typed(name, Value::as_bool, "must be true or false")
    }

    /// A whole number from 0 up that may be absent. `1.0` is one: JSON knows no integers.
    pub fn count(self, name: &'static str) -> Result<Option<u32>, DomainError> {
        let whole = |value: &Value| match value.as_u64() {
            Some(number) => u32::try_from(number).ok(),
            // Exact: whole, not negative, and within the range, which an f64 can hold.
            None => value.as_f64().filter(|n| n.fract() == 0.0 && (0.0..=4e9).contains(n)).map(|n| n as u32),
        };
        self.typed(name, whole, "must be a whole number")
    }

    /// A whole number from 0 up that may be absent, as large as JSON says exactly.
    pub fn large_count(self, name: &'static str) -> Result<Option<u64>, DomainError> {
        self.typed(name, |value| value.as_u64().filter(|number| *number < 1 << 53), "must be a whole number")
    }

    /// A time that may be absent.
    pub fn time(self, name: &'static str) -> Result<Option<OffsetDateTime>, DomainError> {
        let text = self.typed(name, Value::as_str, "must be an ISO 8601 time")?;
        text.map(|text| {
            iso::parse(text).ok_or_else(|| DomainError::invalid(name, "must be an ISO 8601 time"))
        })
        .transpose()
    }

    /// A time that must be there.
    pub fn required_time(self, name: &'static str) -> Result<OffsetDateTime, DomainError> {
        if self.text(name).is_ok_and(|text| text.is_some_and(|text| text.trim().is_empty())) {
            return Err(DomainError::FieldMissing(name));
        }
        self.time(name)?.ok_or(DomainError::FieldMissing(name))
    }

    /// One of a closed set of words; `expected` lists them for whoever got it wrong.
    pub fn word<T>(
        self,
        name: &'static str,
        parse: impl Fn(&str) -> Option<T>,
        expected: &str,
    ) -> Result<Option<T>, DomainError> {
        let wrong = || DomainError::invalid(name, format!("must be one of {expected}"));
        match self.present(name) {
            None => Ok(None),
            Some(value) => value.as_str().and_then(parse).map(Some).ok_or_else(wrong),
        }
    }

    /// A list that may be absent.
    pub fn list(self, name: &'static str) -> Result<Option<&'a Vec<Value>>, DomainError> {
        self.typed(name, Value::as_array, "must be an array")
    }

    /// Whether there is an object under a name; its fields are read by dotted names.
    pub fn has_object(self, name: &'static str) -> Result<bool, DomainError> {
        Ok(self.typed(name, Value::as_object, "must be an object")?.is_some())
    }

    fn typed<T>(
        self,
        name: &'static str,
        read: impl Fn(&'a Value) -> Option<T>,
        reason: &str,
    ) -> Result<Option<T>, DomainError> {
        match self.present(name) {
            None => Ok(None),
            Some(value) => read(value).map(Some).ok_or_else(|| DomainError::invalid(name, reason)),
        }
    }
}
