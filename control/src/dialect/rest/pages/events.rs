//! The events as a page: every sentence on it comes from the description for programs.

use std::fmt::Write;

use serde_json::{Map, Value};

/// How deep objects within objects are shown in place; deeper ones are named only.
const DEPTH_MAX: usize = 3;

/// The page of a description: one chapter for each channel.
pub(super) fn page(api: &Value) -> String {
    let mut page = HEAD.to_owned();
    let about = api["info"]["description"].as_str().unwrap_or_default();
    let _ = write!(page, "<h1>Events</h1><p>{}</p>", escaped(about));
    for (key, channel) in api["channels"].as_object().into_iter().flatten() {
        let text = |name: &str| escaped(channel[name].as_str().unwrap_or_default());
        let _ = write!(page, "<h1>{}</h1><p>{}</p>", text("title"), text("description"));
        for (action, title) in [("receive", "What clients send"), ("send", "What clients hear")] {
            chapter(&mut page, api, &operations(api, key, action), title);
        }
    }
    page.push_str("</main></html>\n");
    page
}

fn chapter(page: &mut String, api: &Value, operations: &[Described<'_>], title: &str) {
    let _ = write!(page, "<h2>{title}</h2><nav class=index>");
    for Described { key, message, .. } in operations {
        let _ = write!(page, "<a href=\"#{key}\">{}</a>", name(message));
    }
    page.push_str("</nav>");
    for one in operations {
        section(page, api, one);
    }
}

const HEAD: &str = concat!(
    "<!doctype html><html lang=en><meta charset=utf-8>",
    "<meta name=viewport content=\"width=device-width, initial-scale=1\"><title>Plenum: the events</title>",
    "<link rel=icon href=/favicon.svg type=image/svg+xml><link rel=stylesheet href=/api/docs/pages.css>",
    "<header><strong>Plenum</strong><nav><a href=/api/docs>REST</a>",
    "<a href=/api/docs/events aria-current=page>Events</a><a href=/api/openapi.json>openapi.json</a>",
    "<a href=/api/asyncapi.json>asyncapi.json</a></nav></header><main class=events>",
);

/// An operation and its message, by the message's key.
struct Described<'a> {
    key: &'a str,
    operation: &'a Value,
    message: &'a Value,
}

/// What is sent or heard over a channel.
fn operations<'a>(api: &'a Value, channel: &str, action: &str) -> Vec<Described<'a>> {
    let channel = format!("#/channels/{channel}");
    let all = api["operations"].as_object().into_iter().flatten();
    all.filter(|(_, operation)| operation["action"] == action && operation["channel"]["$ref"] == channel)
        .filter_map(|(_, operation)| {
            let key = last(operation["messages"][0]["$ref"].as_str()?)?;
            Some(Described { key, operation, message: &api["components"]["messages"][key] })
        })
        .collect()
}

/// What a message is called on the wire.
fn name(message: &Value) -> &str {
    message["name"].as_str().unwrap_or_default()
}

fn section(page: &mut String, api: &Value, &Described { key, operation, message }: &Described<'_>) {
    let about = operation["summary"].as_str().unwrap_or_default();
    let _ = write!(page, "<section id=\"{key}\"><h3>{}</h3><p>{}</p>", name(message), escaped(about));
    if let Some(answers) = operation["reply"]["messages"].as_array() {
        let keys = answers.iter().filter_map(|answer| last(answer["$ref"].as_str()?));
        let link = |key| format!("<a href=\"#{key}\">{}</a>", name(&api["components"]["messages"][key]));
        let links: Vec<String> = keys.map(link).collect();
        let _ = write!(page, "<p>Answered by {}.</p>", links.join(" or "));
    }
    if let Some(limit) = operation["x-rate-limit"].as_object() {
        let _ = write!(page, "<p class=soft>At most {} in {} s.</p>", limit["requests"], limit["window_s"]);
    }
    let mut rows = String::new();
    fields(&mut rows, api, &message["payload"], "", 0);
    if !rows.is_empty() {
        let _ = write!(page, "<div class=fields><table><tr><th>Field<th>Kind<th>Meaning{rows}</table></div>");
    }
    if let Some(refusals) = operation["x-refusals"].as_array().filter(|list| !list.is_empty()) {
        page.push_str("<details><summary>Refusals</summary><ul>");
        for refusal in refusals {
            let _ = write!(page, "<li>{}", escaped(refusal["message"].as_str().unwrap_or_default()));
            if let Some(code) = refusal["code"].as_str() {
                let _ = write!(page, " <code>{}</code>", escaped(code));
            }
        }
        page.push_str("</ul></details>");
    }
    page.push_str("</section>");
}

/// A row for every field of an object, and of the objects in it.
fn fields(rows: &mut String, api: &Value, schema: &Value, prefix: &str, depth: usize) {
    let schema = resolved(api, schema);
    for part in schema["allOf"].as_array().into_iter().flatten() {
        fields(rows, api, part, prefix, depth);
    }
    let none = Map::new();
    for (name, field) in schema["properties"].as_object().unwrap_or(&none) {
        let needed = schema["required"].as_array().is_some_and(|list| list.iter().any(|one| one == name));
        let path = format!("{prefix}{name}");
        let about = field["description"].as_str().or_else(|| resolved(api, field)["description"].as_str());
        let _ = write!(
            rows,
            "<tr><td><code>{}</code>{}<td>{}<td>{}",
            escaped(&path),
            if needed { "" } else { " <span class=soft>optional</span>" },
            escaped(&kind(api, field)),
            escaped(about.unwrap_or_default()),
        );
        if depth < DEPTH_MAX {
            let (inner, mark) = match field["items"].as_object() {
                Some(_) => (&field["items"], "[]."),
                None => (field, "."),
            };
            fields(rows, api, inner, &format!("{path}{mark}"), depth + 1);
        }
    }
}

/// What a field holds, in a word or a list of words.
fn kind(api: &Value, field: &Value) -> String {
    if let Some(kinds) = field["oneOf"].as_array() {
        return kinds.iter().map(|one| kind(api, one)).collect::<Vec<_>>().join(" or ");
    }
    let field = resolved(api, field);
    if let Some(words) = field["enum"].as_array() {
        return words.iter().map(Value::to_string).collect::<Vec<_>>().join(", ");
    }
    let name = match &field["type"] {
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or "),
        Value::String(kind) if kind == "array" => format!("list of {}", kind_of_items(api, field)),
        Value::String(kind) => kind.clone(),
        _ => "object".to_owned(),
    };
    let bounds = ["minimum", "maximum", "minLength", "maxLength"]
        .into_iter()
        .filter_map(|bound| field[bound].as_f64().map(|value| format!("{bound} {value}")));
    let format = field["format"].as_str().filter(|format| *format == "date-time").map(str::to_owned);
    std::iter::once(name).chain(format).chain(bounds).collect::<Vec<_>>().join(", ")
}

fn kind_of_items(api: &Value, field: &Value) -> String {
    kind(api, &field["items"])
}

/// A schema, or the one it refers to.
fn resolved<'a>(api: &'a Value, schema: &'a Value) -> &'a Value {
    let pointer = schema["$ref"].as_str().and_then(|text| text.strip_prefix('#'));
    // References lead on only while each names another schema, and the tables have no ring.
    pointer.and_then(|pointer| api.pointer(pointer)).map_or(schema, |next| resolved(api, next))
}

fn last(reference: &str) -> Option<&str> {
    reference.rsplit('/').next()
}

/// Text for the page; what stands between backticks is code.
fn escaped(text: &str) -> String {
    let plain = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let parts = plain.split('`').enumerate();
    parts.map(|(n, part)| if n % 2 == 1 { format!("<code>{part}</code>") } else { part.to_owned() }).collect()
}
