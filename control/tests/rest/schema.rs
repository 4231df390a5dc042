//! Holds a JSON value against a schema of the description, strictly: what a schema does not name is not there.
//!
//! It knows the keywords our descriptions use and fails the test at any other, so that nothing is passed over.

use serde_json::{Map, Value};

/// Longest chain of references and nested values; a description that goes deeper refers to itself.
const DEPTH_MAX: usize = 64;

/// What is wrong with a value, each with the place it is at.
pub fn mistakes(api: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let fields = Check { api, depth: 0 }.check(schema, value, "$", &mut found);
    forbid_others(fields, value, "$", &mut found);
    found
}

/// The names of fields that a schema speaks of; `None` when it speaks of none and thus allows any.
type Named = Option<Vec<String>>;

#[derive(Clone, Copy)]
struct Check<'a> {
    api: &'a Value,
    depth: usize,
}

impl Check<'_> {
    /// Checks a value and says which fields its schema speaks of: parts of an `allOf` are closed together.
    fn check(self, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) -> Named {
        assert!(self.depth < DEPTH_MAX, "{at}: too deep");
        let down = Check { depth: self.depth + 1, ..self };
        let schema = schema.as_object()?;
        let mut named = Named::None;
        for (keyword, rule) in schema {
            let more = match keyword.as_str() {
                "$ref" => down.check(self.component(rule), value, at, found),
                "allOf" => all(rule)
                    .iter()
                    .fold(None, |named, part| merge(named, down.check(part, value, at, found))),
                "oneOf" | "anyOf" => down.one_of(all(rule), keyword == "oneOf", value, at, found),
                "properties" => down.properties(rule, value, at, found),
                "items" => {
                    for (index, element) in value.as_array().into_iter().flatten().enumerate() {
                        down.closed(rule, element, &format!("{at}[{index}]"), found);
                    }
                    None
                }
                _ => {
                    if let Some(mistake) = mistake(keyword, rule, value) {
                        found.push(format!("{at}: {mistake}"));
                    }
                    None
                }
            };
            named = merge(named, more);
        }
        named
    }

    fn closed(self, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
        let named = self.check(schema, value, at, found);
        forbid_others(named, value, at, found);
    }

    fn properties(self, fields: &Value, value: &Value, at: &str, found: &mut Vec<String>) -> Named {
        let fields = fields.as_object().expect("properties are an object");
        for (name, schema) in fields {
            if let Some(inner) = value.get(name) {
                self.closed(schema, inner, &format!("{at}.{name}"), found);
            }
        }
        Some(fields.keys().cloned().collect())
    }

    /// The kinds that a value fits; exactly one, if `one`.
    fn one_of(self, kinds: &[Value], one: bool, value: &Value, at: &str, found: &mut Vec<String>) -> Named {
        let tried = kinds.iter().map(|kind| {
            let mut wrong = Vec::new();
            let named = self.check(kind, value, at, &mut wrong);
            forbid_others(named.clone(), value, at, &mut wrong);
            (named, wrong)
        });
        let (fit, unfit): (Vec<_>, Vec<_>) = tried.partition(|(_, wrong)| wrong.is_empty());
        if fit.is_empty() || (one && fit.len() > 1) {
            found.push(format!("{at}: fits {} of {} kinds: {unfit:?}", fit.len(), kinds.len()));
        }
        fit.into_iter().fold(None, |all, (named, _)| merge(all, named))
    }

    fn component(&self, reference: &Value) -> &Value {
        let pointer = reference.as_str().and_then(|text| text.strip_prefix('#')).expect("a reference within");
        self.api.pointer(pointer).unwrap_or_else(|| panic!("{reference} refers to nothing"))
    }
}

/// What one keyword without schemas in it has to say.
fn mistake(keyword: &str, rule: &Value, value: &Value) -> Option<String> {
    let length = || value.as_str().map(|text| text.chars().count() as f64);
    let bound = |fits: fn(f64, f64) -> bool, measured: Option<f64>| {
        let limit = rule.as_f64().expect("a bound is a number");
        measured.filter(|n| !fits(*n, limit)).map(|n| format!("{n} against {keyword} {limit}"))
    };
    let wrong = match keyword {
        "type" => !kinds(rule).iter().any(|kind| is_a(value, kind)),
        "enum" => !all(rule).contains(value),
        "const" => rule != value,
        "required" => {
            let missing =
                |name: &&Value| value.is_object() && value.get(name.as_str().unwrap_or_default()).is_none();
            return all(rule).iter().find(missing).map(|name| format!("{name} is missing"));
        }
        "format" => !has_format(rule.as_str().unwrap_or_default(), value),
        "minimum" => return bound(|n, limit| n >= limit, value.as_f64()),
        "maximum" => return bound(|n, limit| n <= limit, value.as_f64()),
        "minLength" => return bound(|n, limit| n >= limit, length()),
        "maxLength" => return bound(|n, limit| n <= limit, length()),
        "minItems" => return bound(|n, limit| n >= limit, value.as_array().map(|list| list.len() as f64)),
        "maxItems" => return bound(|n, limit| n <= limit, value.as_array().map(|list| list.len() as f64)),
        "description"
        | "title"
        | "example"
        | "examples"
        | "default"
        | "deprecated"
        | "propertyNames"
        | "additionalProperties" => false,
        other => panic!("a keyword that is not known here: {other}"),
    };
    wrong.then(|| format!("{value} against {keyword} {rule}"))
}

fn kinds(rule: &Value) -> Vec<&str> {
    match rule {
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        kind => kind.as_str().into_iter().collect(),
    }
}

fn is_a(value: &Value, kind: &str) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "number" => value.is_number(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        other => panic!("no type: {other}"),
    }
}

fn has_format(format: &str, value: &Value) -> bool {
    match (format, value) {
        // Exactly as we say times (C-02).
        ("date-time", Value::String(text)) => {
            text.len() == 24 && text.ends_with('Z') && plenum_control::dialect::iso::parse(text).is_some()
        }
        ("uuid", Value::String(text)) => uuid::Uuid::try_parse(text).is_ok(),
        ("int32" | "int64" | "float" | "double" | "date-time" | "uuid" | "binary", _) => true,
        (other, _) => panic!("a format that is not known here: {other}"),
    }
}

/// A schema that names no fields (a map, an object of the media plane's) allows any.
fn forbid_others(named: Named, value: &Value, at: &str, found: &mut Vec<String>) {
    let Some(named) = named else { return };
    for name in value.as_object().into_iter().flat_map(Map::keys) {
        if !named.contains(name) {
            found.push(format!("{at}: {name} is not described"));
        }
    }
}

fn merge(one: Named, other: Named) -> Named {
    match (one, other) {
        (Some(one), Some(other)) => Some([one, other].concat()),
        (one, other) => one.or(other),
    }
}

fn all(rule: &Value) -> &[Value] {
    rule.as_array().map(Vec::as_slice).expect("a list")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_fits_or_its_mistakes_are_told() {
        let api = json!({ "components": { "A": { "type": "object", "properties": { "a": { "type": "integer" } },
            "required": ["a"] } } });
        let schema = json!({ "allOf": [
            { "$ref": "#/components/A" },
            { "type": "object", "properties": { "b": { "type": ["string", "null"], "minLength": 2 } } },
        ] });
        let of = |value: Value| mistakes(&api, &schema, &value).len();
        assert_eq!(of(json!({ "a": 1, "b": null })), 0);
        assert_eq!(of(json!({ "a": 1, "b": "xy" })), 0);
        for wrong in [
            json!({}),
            json!({ "a": "1" }),
            json!({ "a": 1.5 }),
            json!({ "a": 1, "b": "x" }),
            json!({ "a": 1, "c": 1 }),
        ] {
            assert_eq!(of(wrong.clone()), 1, "{wrong}");
        }
        let either = json!({ "oneOf": [{ "type": "null" }, { "$ref": "#/components/A" }] });
        assert_eq!(mistakes(&api, &either, &json!({ "a": 1 })).len(), 0);
        assert_eq!(mistakes(&api, &either, &json!({ "a": 1, "b": 2 })).len(), 1);
    }
}
