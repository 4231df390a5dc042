//! Bodies as they are described, against those who read them: what the description allows is accepted, and what it forbids
//! is refused. Bodies are read field by field (decision 0014), so nothing but this ties the two together.

use http::Method;
use serde_json::{Map, Value, json};

use crate::described;
use crate::world::{Answer, PASSWORD, Who, World, meeting_body};

/// Fields that something else may stand for: files for a text (ADD-11), the query for a body (C-71). A schema cannot say so,
/// and the example has neither.
const REPLACEABLE: [(&str, &str); 2] =
    [("sendChatMessage", "content"), ("removeParticipants", "participant_ids")];

/// One body to be sent, and whether the description allows it.
struct Trial {
    what: String,
    body: Value,
    allowed: bool,
}

#[tokio::test]
async fn add_23_bodies_are_accepted_and_refused_as_they_are_described() {
    let world = World::new().await;
    let api = described::of(&world.app.router()).await.api();
    let mut wrong = Vec::new();
    for (path, item) in api["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            if schema.is_null() {
                continue;
            }
            let name = operation["operationId"].as_str().expect("a name");
            let replaced = |trial: &Trial| {
                REPLACEABLE.iter().any(|(of, field)| *of == name && trial.body[*field].is_null())
            };
            for (number, mut trial) in trials(api, &plain(api, schema)).into_iter().enumerate() {
                trial.allowed &= !replaced(&trial);
                let method = Method::from_bytes(method.to_uppercase().as_bytes()).expect("a method");
                let (path, body) = prepared(&world, name, path, trial.body, number).await;
                let answer = world.call(who(path.as_str()), method, &path, body.clone()).await;
                // Whatever else may be said of a body, it is not that it makes no sense.
                if is_nonsense(&answer) == trial.allowed {
                    wrong.push(format!(
                        "{name}, {}: {} for {body}: {}",
                        trial.what, answer.status, answer.body
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whether an answer says that the body makes no sense. One dialect says so with a code, since 400 has other uses there.
fn is_nonsense(answer: &Answer) -> bool {
    let has_code = answer.body.get("timestamp").is_some();
    answer.status == 400 && (!has_code || answer.body["code"] == "VALIDATION_ERROR")
}

fn who(path: &str) -> Who {
    if path.starts_with("/api/admin/") { Who::Admin } else { Who::Host }
}

/// A path with things of its own in it, and what must differ from body to body.
async fn prepared(world: &World, name: &str, path: &str, mut body: Value, number: usize) -> (String, Value) {
    let mut filled = path.to_owned();
    if path.contains("{meeting_id}") {
        filled = filled.replace("{meeting_id}", &world.meeting(json!({})).await);
    }
    for person in ["{participant_id}", "{user_id}"] {
        if path.contains(person) {
            filled = filled.replace(person, &world.user_id(Who::Member).await);
        }
    }
    if path.contains("{room_id}") || path.contains("{message_id}") {
        let members = json!([world.user_id(Who::Member).await]);
        let room =
            world.post(Who::Host, "/api/chat/rooms", json!({ "name": "Room", "members": members })).await;
        let room = room.data()["roomId"].as_str().expect("an id").to_owned();
        if path.contains("{message_id}") {
            let to = format!("/api/chat/rooms/{room}/messages");
            let said = world.post(Who::Host, &to, json!({ "content": "a" })).await;
            let message = said.data()["messageId"].as_str().expect("an id").to_owned();
            filled = filled.replace("{message_id}", &message);
        }
        filled = filled.replace("{room_id}", &room);
    }
    if path.contains("{webhook_id}") {
        let hook = json!({ "url": "https://hooks.example.org/" });
        let made = world.post(Who::Admin, "/api/admin/webhooks", hook).await;
        filled = filled.replace("{webhook_id}", made.data()["id"].as_str().expect("an id"));
    }
    assert!(!filled.contains('{'), "{path} names something this test cannot make");
    let given = |field: &str| body[field].is_string() && body[field] != "";
    match name {
        // One address an account.
        "createUser" if given("email") => body["email"] = format!("person{number}@demo.test").into(),
        // The one who asks goes on with the password the tests know.
        "changePassword" if body["newPassword"].as_str().is_some_and(|new| new.len() >= 6) => {
            body["newPassword"] = PASSWORD.into();
        }
        // Ids of people who exist, where the description has an example's.
        "createChatRoom" | "addChatMembers" | "addRoomMembers" => {
            if let Some(members) = body["members"].as_array_mut() {
                let second = json!(world.user_id(Who::Second).await);
                members.iter_mut().filter(|one| one.is_string()).for_each(|one| *one = second.clone());
            }
        }
        _ => {}
    }
    (filled, body)
}

/// The example, and what is one step away from it.
fn trials(api: &Value, schema: &Value) -> Vec<Trial> {
    let example = example(schema);
    let mut trials = vec![trial("the example", example.clone(), true)];
    let required = names(&schema["required"]);
    let no_fields = Map::new();
    for (name, field) in schema["properties"].as_object().unwrap_or(&no_fields) {
        let needed = required.contains(&name.as_str());
        let mut without = example.clone();
        without.as_object_mut().expect("an object").remove(name);
        trials.push(trial(&format!("without {name}"), without, !needed));
        for (what, value, allowed) in values(api, field) {
            let mut body = example.clone();
            body[name] = value;
            trials.push(trial(&format!("{name} {what}"), body, allowed));
        }
        let inner = plain(api, field);
        for (part, field) in inner["properties"].as_object().unwrap_or(&no_fields) {
            for (what, value, allowed) in values(api, field) {
                let mut body = example.clone();
                body[name] = json!({ part: value });
                let whole = names(&inner["required"]).iter().all(|needed| needed == part);
                trials.push(trial(&format!("{name}.{part} {what}"), body, allowed && whole));
            }
        }
    }
    trials
}

fn trial(what: &str, body: Value, allowed: bool) -> Trial {
    Trial { what: what.to_owned(), body, allowed }
}

/// Values for one field that its schema allows, and values that it forbids.
fn values(api: &Value, field: &Value) -> Vec<(&'static str, Value, bool)> {
    let schema = plain(api, field);
    let mut values = vec![("null", Value::Null, is_nullable(field))];
    let text = |length: u64| Value::from("x".repeat(usize::try_from(length).expect("fits")));
    // A text of another shape is neither too long nor too short.
    let shaped =
        schema.get("format").is_some() || schema.get("pattern").is_some() || schema.get("enum").is_some();
    for kind in kinds(&schema) {
        match kind.as_str() {
            "string" => {
                values.push(("of another kind", json!(7), false));
                for (bound, step) in [("minLength", -1), ("maxLength", 1)] {
                    let Some(length) = schema[bound].as_u64().filter(|_| !shaped) else { continue };
                    values.push(("at its bound", text(length), true));
                    values.push(("over its bound", text(length.saturating_add_signed(step)), false));
                }
            }
            "boolean" => values.push(("of another kind", json!("yes"), false)),
            "integer" => {
                values.extend([("of another kind", json!("x"), false), ("broken", json!(2.5), false)]);
                for (bound, step) in [("minimum", -1), ("maximum", 1)] {
                    let Some(number) = schema[bound].as_f64() else { continue };
                    values.push(("at its bound", json!(number as i64), true));
                    values.push(("over its bound", json!(number as i64 + step), false));
                }
            }
            "array" => {
                values.push(("of another kind", json!("x"), false));
                if schema["minItems"].as_u64().is_some_and(|least| least > 0) {
                    values.push(("empty", json!([]), false));
                }
            }
            "object" => values.push(("of another kind", json!("x"), false)),
            _ => {}
        }
    }
    for word in schema["enum"].as_array().into_iter().flatten() {
        values.push(("one of its words", word.clone(), true));
    }
    if schema.get("enum").is_some() {
        values.push(("no word of its", json!("no-such-word"), false));
    }
    values
}

fn kinds(schema: &Value) -> Vec<String> {
    let all = match &schema["type"] {
        Value::Array(all) => all.clone(),
        one => vec![one.clone()],
    };
    all.iter().filter_map(Value::as_str).filter(|kind| *kind != "null").map(str::to_owned).collect()
}

fn is_nullable(field: &Value) -> bool {
    let has_null = |kinds: &Value| kinds.as_array().is_some_and(|all| all.contains(&json!("null")));
    let one_is =
        |kinds: &Value| kinds.as_array().is_some_and(|all| all.iter().any(|one| one["type"] == "null"));
    has_null(&field["type"]) || one_is(&field["oneOf"]) || one_is(&field["anyOf"])
}

/// What a schema is when its value is not null, with references followed.
fn plain(api: &Value, schema: &Value) -> Value {
    if let Some(pointer) = schema["$ref"].as_str().and_then(|text| text.strip_prefix('#')) {
        return plain(api, api.pointer(pointer).expect("leads somewhere"));
    }
    let kinds = schema["oneOf"].as_array().into_iter().flatten().find(|kind| kind["type"] != "null");
    match kinds {
        Some(kind) if is_nullable(schema) => plain(api, kind),
        _ => schema.clone(),
    }
}

fn example(schema: &Value) -> Value {
    let given = schema.get("example").or_else(|| schema["examples"].get(0));
    given.cloned().expect("a body is described with an example")
}

fn names(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

#[tokio::test]
async fn add_23_the_example_of_a_meeting_is_the_smallest_that_is_accepted() {
    let world = World::new().await;
    let api = described::of(&world.app.router()).await.api();
    let schema = &api["components"]["schemas"]["MeetingBody"];
    let (example, smallest) = (example(schema), meeting_body(json!({})));
    let fields = |body: &Value| body.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
    assert_eq!(fields(&example), fields(&smallest));
}
