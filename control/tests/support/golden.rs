//! Exact JSON of answers, in files. Ids and times differ from run to run and are replaced by words.

use std::path::Path;

use serde_json::Value;

/// Compares with `tests/golden/<dialect>/<name>.json`; `UPDATE_GOLDEN=1` writes the file instead.
#[track_caller]
pub fn golden(dialect: &str, name: &str, mut body: Value) {
    blur(&mut body);
    let text = format!("{}\n", serde_json::to_string_pretty(&body).expect("JSON"));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(dialect);
    let path = folder.join(format!("{name}.json"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(&path, text).expect("written");
        return;
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, expected, "{}", path.display());
}

fn blur(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Some(word) = blurred(text) {
                *text = word.into();
            }
        }
        Value::Array(list) => list.iter_mut().for_each(blur),
        Value::Object(map) => map.values_mut().for_each(blur),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn blurred(text: &str) -> Option<&'static str> {
    let now = |text: &str| text.len() == 24 && text.ends_with('Z') && !text.starts_with("2098");
    match text {
        _ if text.len() == 26 && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()) => {
            Some("<ulid>")
        }
        _ if uuid::Uuid::try_parse(text).is_ok() => Some("<uuid>"),
        _ if text.starts_with("eyJ") => Some("<token>"),
        _ if now(text) => Some("<now>"),
        _ => None,
    }
}
