//! The descriptions against the contract: what `docs/contract` promises and what is served are the same, by name, field
//! and refusal. Entries that `later.yaml` puts off are left out.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};
use yaml_rust2::{Yaml, YamlLoader};

use crate::described::{self, fits_words};
use crate::world::{Who, World};

const REST: &str = include_str!("../../../docs/contract/rest.yaml");
const EVENTS: &str = include_str!("../../../docs/contract/events.yaml");
const LATER: &str = include_str!("../../../docs/contract/later.yaml");

/// Texts that must be there unless a file stands for them (ADD-11), which a list of required fields cannot say.
const OR_A_FILE: [(&str, &str); 2] = [("ADD-04", "content"), ("KCS-WS-07", "message")];

#[tokio::test]
async fn add_23_every_route_of_the_contract_is_described_as_it_is_promised() {
    let world = World::new().await;
    let api = described::of(&world.app.router()).await.api();
    let routes = Routes::of(api);
    let mut missing = Vec::new();
    for entry in entries(REST, &["endpoints"], &["additions", "list"]) {
        if is_served(&entry["id"]) {
            routes.check(&entry, &mut missing);
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[tokio::test]
async fn add_23_every_route_that_is_described_is_in_the_contract() {
    let world = World::new().await;
    let api = described::of(&world.app.router()).await.api();
    let entries = entries(REST, &["endpoints"], &["additions", "list"]);
    let promised: BTreeSet<_> = entries.iter().flat_map(targets).collect();
    let routes = Routes::of(api);
    let unknown: Vec<_> = routes
        .operations
        .keys()
        // Parts of the page of ADD-24.
        .filter(|(_, path)| !path.starts_with("/api/docs/"))
        .filter(|target| !promised.contains(target))
        .collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[tokio::test]
async fn add_25_every_event_of_the_contract_is_described_as_it_is_promised() {
    let world = World::new().await;
    let api = world.get(Who::Nobody, "/api/asyncapi.json").await.body;
    let mut missing = Vec::new();
    for entry in entries(EVENTS, &["events"], &["additions", "list"]) {
        if is_served(&entry["id"]) && is_ours(&entry) {
            check_event(&api, &entry, &mut missing);
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[tokio::test]
async fn add_25_v1_ws_every_raw_message_of_the_contract_is_described_as_it_is_promised() {
    let world = World::new().await;
    let api = world.get(Who::Nobody, "/api/asyncapi.json").await.body;
    let mut missing = Vec::new();
    let mut checked = 0;
    for entry in entries(EVENTS, &["events"], &["additions", "list"]) {
        if is_served(&entry["id"]) && entry["transport"].as_str() == Some("raw-websocket") {
            check_raw(&api, &entry, &mut missing);
            checked += 1;
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
    assert!(checked >= 9, "{checked}");
}

#[tokio::test]
async fn add_25_every_event_that_is_described_is_in_the_contract() {
    let world = World::new().await;
    let api = world.get(Who::Nobody, "/api/asyncapi.json").await.body;
    let entries = entries(EVENTS, &["events"], &["additions", "list"]);
    let mut promised: BTreeSet<String> = entries.iter().flat_map(names).collect();
    // Events that an entry names beside its own.
    for entry in &entries {
        for response in list(&entry["responses"]).iter().filter_map(Yaml::as_str) {
            promised.extend(words(response));
        }
        for told in list(&entry["broadcast"]).iter().filter_map(|told| told["event"].as_str()) {
            promised.extend(words(told));
        }
    }
    let described = api["components"]["messages"].as_object().expect("messages");
    let names = described.values().filter_map(|message| message["name"].as_str());
    let unknown: Vec<_> = names.filter(|name| !promised.contains(*name)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

/// The entries of a file: those of the seeds and those added.
fn entries(text: &str, seeds: &[&str], additions: &[&str]) -> Vec<Yaml> {
    let file = load(text);
    [seeds, additions]
        .into_iter()
        .flat_map(|keys| list(keys.iter().fold(&file, |at, key| &at[*key])).to_vec())
        .collect()
}

fn load(text: &str) -> Yaml {
    YamlLoader::load_from_str(text).expect("YAML").remove(0)
}

fn list(yaml: &Yaml) -> &[Yaml] {
    yaml.as_vec().map(Vec::as_slice).unwrap_or_default()
}

/// Whether an entry is served today, by its id.
fn is_served(id: &Yaml) -> bool {
    let id = id.as_str().expect("an id");
    let ours = ["KCS-", "JF-", "V1-", "ADD-", "CLS-01", "CLS-02", "CLS-03"]
        .iter()
        .any(|start| id.starts_with(start));
    let later = list(&load(LATER))
        .iter()
        .flat_map(|block| list(&block["ids"]).to_vec())
        .filter_map(|range| range.into_string())
        .any(|range| includes(&range, id));
    ours && !later
}

/// Whether `A-03..07` includes `A-05`.
fn includes(range: &str, id: &str) -> bool {
    let Some((first, last)) = range.split_once("..") else { return range == id };
    let Some((prefix, first)) = first.rsplit_once('-') else { return false };
    let number = id.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('-'));
    let number = number.and_then(|number| number.parse::<u32>().ok());
    let bounds = (first.parse().unwrap_or(u32::MAX), last.parse().unwrap_or(0));
    number.is_some_and(|number| (bounds.0..=bounds.1).contains(&number))
}

/// Methods and paths of an entry; parameters lose their names, which two entries spell differently (KCS-11).
fn targets(entry: &Yaml) -> Vec<(String, String)> {
    let methods: Vec<&str> = entry["method"].as_str().unwrap_or_default().split(", ").collect();
    let mut targets = Vec::new();
    for part in entry["path"].as_str().unwrap_or_default().split(", ") {
        let (methods, path) = match part.split_once(' ') {
            Some((method, path)) => (vec![method], path),
            None => (methods.clone(), part),
        };
        for path in spellings(path).into_iter().filter(|path| path.starts_with("/api/")) {
            targets.extend(methods.iter().map(|method| (method.to_lowercase(), path.clone())));
        }
    }
    targets
}

/// A path, and without its last part when that is optional.
fn spellings(path: &str) -> Vec<String> {
    let plain = |path: &str| {
        let parts = path.split('/').map(|part| if part.starts_with([':', '{']) { "{}" } else { part });
        parts.collect::<Vec<_>>().join("/")
    };
    match path.strip_suffix('?') {
        Some(path) => vec![plain(path), plain(path.rsplit_once('/').map_or(path, |(start, _)| start))],
        None => vec![plain(path)],
    }
}

/// What is described, by method and path.
struct Routes<'a> {
    api: &'a Value,
    operations: BTreeMap<(String, String), &'a Value>,
}

impl<'a> Routes<'a> {
    fn of(api: &'a Value) -> Self {
        let mut operations = BTreeMap::new();
        for (path, item) in api["paths"].as_object().expect("paths") {
            for (method, operation) in item.as_object().expect("operations") {
                operations.insert((method.clone(), spellings(path).remove(0)), operation);
            }
        }
        Self { api, operations }
    }

    fn check(&self, entry: &Yaml, missing: &mut Vec<String>) {
        let id = entry["id"].as_str().unwrap_or_default();
        let mut operations = Vec::new();
        for target in targets(entry) {
            match self.operations.get(&target) {
                Some(operation) => operations.push(*operation),
                None => missing.push(format!("{id}: {} {} is not described", target.0, target.1)),
            }
        }
        for error in list(&entry["errors"]) {
            if !operations.iter().any(|operation| refuses(operation, error)) && !operations.is_empty() {
                missing.push(format!("{id}: {} {:?} is not described", status(error), error["message"]));
            }
        }
        // Fields of an entry with several routes belong to one of them, and only its prose says to which.
        let [operation] = operations[..] else { return };
        let success = &entry["success"];
        let wanted = if success["status"].is_badvalue() { leading(success) } else { status(success) };
        let answer = &operation["responses"][wanted.as_str()];
        if answer.is_null() {
            missing.push(format!("{id}: {wanted} is not described"));
        }
        let body = &operation["requestBody"]["content"]["application/json"]["schema"];
        let asked = |field: &&Yaml| !body.is_null() && !has_parameter(operation, &field["name"]);
        for field in list(&entry["body"]).iter().filter(asked) {
            self.check_field(id, body, field, missing);
        }
        for parameter in list(&entry["query"]) {
            if !has_parameter(operation, &parameter["name"]) {
                missing.push(format!("{id}: the parameter {:?} is not described", parameter["name"]));
            }
        }
        let answer = &answer["content"]["application/json"]["schema"];
        for field in data_fields(&success["data"]) {
            if find(self.api, answer, &format!("data.{field}")).is_none() {
                missing.push(format!("{id}: the answer's {field} is not described"));
            }
        }
    }

    fn check_field(&self, id: &str, body: &Value, field: &Yaml, missing: &mut Vec<String>) {
        let name = field["name"].as_str().unwrap_or_default();
        if name.contains(' ') {
            return;
        }
        let Some((schema, required)) = find(self.api, body, name) else {
            missing.push(format!("{id}: the field {name} is not described"));
            return;
        };
        // A field within an optional object, or one of two spellings, is required by a rule of its own.
        let excused = name.contains(['.', '[']) || OR_A_FILE.contains(&(id, name));
        if field["required"].as_bool() == Some(true) && !required && !excused {
            missing.push(format!("{id}: {name} is not described as required"));
        }
        if field["required"].as_bool() == Some(false) && required {
            missing.push(format!("{id}: {name} is described as required"));
        }
        let rule = field["rule"].as_str().unwrap_or_default();
        for (keyword, bound) in bounds(rule, field["type"].as_str().unwrap_or_default()) {
            if schema[keyword].as_u64() != Some(bound) {
                missing.push(format!("{id}: {name} has {keyword} {} and not {bound}", schema[keyword]));
            }
        }
        // A rule that is a sentence lists no words.
        let is_list = !rule.split(';').next().unwrap_or_default().split(", ").any(|word| word.contains(' '));
        if field["type"].as_str() == Some("enum") && is_list {
            let words = rule.split(';').next().unwrap_or_default().split(',').map(str::trim);
            let promised: BTreeSet<&str> = words.filter(|word| !word.is_empty()).collect();
            let schema = nullable(self.api, &schema);
            let described = schema["enum"].as_array().into_iter().flatten().filter_map(Value::as_str);
            if described.collect::<BTreeSet<_>>() != promised {
                missing.push(format!("{id}: {name} is one of {} and not of {promised:?}", schema["enum"]));
            }
        }
    }
}

fn status(yaml: &Yaml) -> String {
    leading(&yaml["status"])
}

/// The number a text begins with.
fn leading(yaml: &Yaml) -> String {
    let text = match yaml {
        Yaml::Integer(number) => number.to_string(),
        other => other.as_str().unwrap_or_default().to_owned(),
    };
    text.chars().take_while(char::is_ascii_digit).collect()
}

/// Whether a field may come in the query, be it instead of the body (C-71).
fn has_parameter(operation: &Value, name: &Yaml) -> bool {
    let mut described = operation["parameters"].as_array().into_iter().flatten();
    described.any(|one| one["name"].as_str() == name.as_str() && one["in"] == "query")
}

/// Whether an operation describes a refusal of these words.
fn refuses(operation: &Value, error: &Yaml) -> bool {
    let examples = &operation["responses"][status(error)]["content"]["application/json"]["examples"];
    let promised = error["message"].as_str().unwrap_or_default();
    examples.as_object().into_iter().flatten().any(|(_, example)| {
        let said = example["value"]["message"].as_str().unwrap_or_default();
        let coded = error["code"].as_str().is_none_or(|code| example["value"]["code"] == code);
        coded && (fits_words(promised, said) || fits_words(said, promised))
    })
}

/// Bounds that a rule of the contract states, as keywords.
fn bounds(rule: &str, kind: &str) -> Vec<(&'static str, u64)> {
    let number = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok();
    let mut found = Vec::new();
    if let Some((low, high)) = rule.split_once("..") {
        let low = low.rsplit(' ').next().and_then(number);
        let keywords = if kind == "int" { ["minimum", "maximum"] } else { ["minLength", "maxLength"] };
        found.extend(low.map(|low| (keywords[0], low)));
        found.extend(number(high).map(|high| (keywords[1], high)));
    } else if let Some(low) = rule.strip_prefix("min ").and_then(number) {
        found.push(("minLength", low));
    } else if let Some(high) =
        rule.strip_prefix("max ").filter(|_| rule.contains("characters")).and_then(number)
    {
        found.push(("maxLength", high));
    }
    found
}

/// Names of fields that an entry promises in its data: keys, and what stands in braces behind them.
fn data_fields(data: &Yaml) -> Vec<String> {
    let Some(map) = data.as_hash() else {
        let inner = data.as_str().and_then(|text| braces(text, "{", "}"));
        return inner.unwrap_or_default();
    };
    let mut fields = Vec::new();
    for (key, value) in map {
        let key = key.as_str().unwrap_or_default();
        match (key, value) {
            ("fields", Yaml::Hash(_)) => fields.extend(data_fields(value)),
            ("meeting", Yaml::String(text)) if text.contains("itself") => {}
            _ if key.starts_with('<') => {}
            _ => {
                fields.push(key.to_owned());
                let inner =
                    value.as_str().filter(|text| text.starts_with('{')).and_then(|t| braces(t, "{", "}"));
                fields.extend(inner.unwrap_or_default().iter().map(|name| format!("{key}.{name}")));
            }
        }
    }
    fields
}

/// Plain names between braces; anything else there is prose.
fn braces(text: &str, open: &str, close: &str) -> Option<Vec<String>> {
    let rest = text.strip_prefix(open)?;
    let inner = rest.split(close).next()?;
    let names = inner.split(',').map(|name| name.split_whitespace().next().unwrap_or_default());
    Some(names.filter(|name| is_name(name)).map(str::to_owned).collect())
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// The schema of a field by its path (`a.b`, `list[].c`), and whether it is required where it is.
fn find(api: &Value, schema: &Value, path: &str) -> Option<(Value, bool)> {
    let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    let (name, in_list) = first.strip_suffix("[]").map_or((first, false), |name| (name, true));
    let (found, required) = match name {
        // The elements of a list that is itself what is looked at.
        "" => (resolved(api, schema), true),
        name => fields(api, schema).remove(name)?,
    };
    let found = if in_list { resolved(api, &nullable(api, &found)["items"]) } else { found };
    match rest {
        None => Some((found, required)),
        Some(rest) => alternatives(api, &found).iter().find_map(|kind| find(api, kind, rest)),
    }
}

/// A schema and the kinds it may be instead.
fn alternatives(api: &Value, schema: &Value) -> Vec<Value> {
    let schema = resolved(api, schema);
    let items = schema.get("items").map(|items| resolved(api, items));
    let kinds = ["oneOf", "anyOf"].into_iter().filter_map(|key| schema[key].as_array()).flatten();
    let kinds: Vec<Value> = kinds.flat_map(|kind| alternatives(api, kind)).collect();
    [schema.clone()].into_iter().chain(items).chain(kinds).collect()
}

/// The fields of an object with those of its parts, each with whether it is required.
fn fields(api: &Value, schema: &Value) -> BTreeMap<String, (Value, bool)> {
    let mut all = BTreeMap::new();
    for schema in alternatives(api, schema) {
        for part in schema["allOf"].as_array().into_iter().flatten() {
            all.extend(fields(api, part));
        }
        let none = Map::new();
        for (name, field) in schema["properties"].as_object().unwrap_or(&none) {
            let required =
                schema["required"].as_array().is_some_and(|names| names.iter().any(|one| one == name));
            all.insert(name.clone(), (resolved(api, field), required));
        }
    }
    all
}

fn resolved(api: &Value, schema: &Value) -> Value {
    match schema["$ref"].as_str().and_then(|text| text.strip_prefix('#')) {
        Some(pointer) => resolved(api, api.pointer(pointer).expect("leads somewhere")),
        None => schema.clone(),
    }
}

/// The schema that holds when the value is not null.
fn nullable(api: &Value, schema: &Value) -> Value {
    let kinds = schema["oneOf"].as_array().into_iter().flatten().map(|kind| resolved(api, kind));
    kinds.into_iter().find(|kind| kind["type"] != "null").unwrap_or_else(|| schema.clone())
}

/// Whether an event goes over our sockets, and is not one of the client library's own.
fn is_ours(entry: &Yaml) -> bool {
    let library = ["connect", "disconnect", "connect_error", "CONNECT"];
    entry["transport"].as_str() == Some("socket.io")
        && !names(entry).iter().any(|name| library.contains(&name.as_str()))
}

fn names(entry: &Yaml) -> Vec<String> {
    words(entry["name"].as_str().unwrap_or_default())
}

/// The names at the beginning of the parts of a text: `a, b {c}` has `a` and `b`.
fn words(text: &str) -> Vec<String> {
    let text = text.split('{').next().unwrap_or_default();
    text.split(',').filter_map(|part| part.split_whitespace().next()).map(str::to_owned).collect()
}

fn check_event(api: &Value, entry: &Yaml, missing: &mut Vec<String>) {
    let id = entry["id"].as_str().unwrap_or_default();
    let to_server = entry["direction"].as_str() == Some("client->server");
    let key = if to_server { "receive" } else { "send" };
    for name in names(entry) {
        let operation = &api["operations"][format!("{key}.{name}")];
        if operation.is_null() {
            missing.push(format!("{id}: {key} {name} is not described"));
            continue;
        }
        let payload = &api["components"]["messages"][name.as_str()]["payload"];
        for field in list(&entry["payload"]) {
            check_payload_field(api, &format!("{id} {name}"), payload, field, to_server, missing);
        }
        let answers = operation["reply"]["messages"].as_array().into_iter().flatten();
        let answers: Vec<&str> = answers.filter_map(|answer| answer["$ref"].as_str()).collect();
        let promised = list(&entry["responses"]).iter().filter_map(Yaml::as_str);
        // What is told to somebody else stands in parentheses, and callbacks have no name.
        let events = promised.filter(|text| to_server && !text.contains('(') && !text.starts_with("ack"));
        for answer in events.flat_map(words) {
            let shared = names(entry).len() > 1;
            if !shared && !answers.iter().any(|known| known.ends_with(&format!("/{answer}"))) {
                missing.push(format!("{id}: {name} is not described as answered by {answer}"));
            }
        }
    }
}

/// Messages of raw WebSockets: what is heard has every field that is promised; what is sent may have every field.
fn check_raw(api: &Value, entry: &Yaml, missing: &mut Vec<String>) {
    let id = entry["id"].as_str().unwrap_or_default();
    let keys: &[(&str, &str)] = match entry["direction"].as_str() {
        Some("both") => &[("send", ""), ("receive", ".asked")],
        _ => &[("send", "")],
    };
    for name in names(entry) {
        for (action, suffix) in keys {
            let key = format!("v1.{name}{suffix}");
            if api["operations"][format!("{action}.{key}")].is_null() {
                missing.push(format!("{id}: {action} {name} is not described"));
                continue;
            }
            let payload = &api["components"]["messages"][key.as_str()]["payload"];
            for field in list(&entry["payload"]) {
                let path = field["name"].as_str().unwrap_or_default();
                let found = find(api, payload, path);
                let promised = field["required"].as_bool() == Some(true);
                if found.is_none() && (promised || *action == "receive") {
                    missing.push(format!("{id}: {action} {name}: the field {path} is not described"));
                }
                if *action == "send" && promised && found.is_some_and(|(_, required)| !required) {
                    missing.push(format!("{id}: {name}: {path} is not described as required"));
                }
            }
        }
    }
}

fn check_payload_field(
    api: &Value,
    what: &str,
    payload: &Value,
    field: &Yaml,
    to_server: bool,
    missing: &mut Vec<String>,
) {
    let name = field["name"].as_str().unwrap_or_default();
    if name.contains(' ') {
        return;
    }
    let promised = field["required"].as_bool().unwrap_or_default();
    // What only the newer of two documents wants clients to send, clients of the older one do not (C-18).
    let excused = OR_A_FILE.iter().any(|(id, text)| what.starts_with(id) && *text == name);
    let binding = if to_server { !what.starts_with("JF-") && !excused } else { promised };
    match find(api, payload, name) {
        None if promised || to_server => missing.push(format!("{what}: the field {name} is not described")),
        Some((_, required)) if promised != required && binding && !name.contains(['.', '[']) => {
            missing.push(format!("{what}: {name} is required: {required}, promised: {promised}"));
        }
        _ => {}
    }
}
