//! The description of the events (ADD-25): AsyncAPI 3.0, made from the tables that events are sent and read by.

use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};

use super::asked::Question;
use super::{asked, error, told};
use crate::domain::error::DomainError;
use crate::domain::limit::Budget;

/// One event: its name, what it is for, and its payload.
pub(super) struct Message {
    pub name: &'static str,
    about: &'static str,
    payload: String,
    schemas: Vec<(String, RefOr<Schema>)>,
}

impl Message {
    /// An event whose payload is described by `T`.
    pub fn of<T: ToSchema>(name: &'static str, about: &'static str) -> Self {
        let payload = T::name().into_owned();
        let mut schemas = vec![(payload.clone(), T::schema())];
        T::schemas(&mut schemas);
        Self { name, about, payload, schemas }
    }

    fn described(&self) -> Value {
        let schema = json!({ "$ref": format!("#/components/schemas/{}", self.payload) });
        json!({ "name": self.name, "summary": self.about, "contentType": "application/json", "payload": schema })
    }
}

/// The description.
pub fn document() -> Value {
    let (questions, events) = (asked::all(), told::all());
    let messages = questions.iter().map(|question| &question.message).chain(&events);
    let (mut schemas, mut described) = (Map::new(), Map::new());
    for message in messages {
        for (name, schema) in &message.schemas {
            schemas.insert(name.clone(), json!(schema));
        }
        described.insert(message.name.to_owned(), message.described());
    }
    let in_channel: Map<String, Value> =
        described.keys().map(|name| (name.clone(), component(name))).collect();
    let mut operations = Map::new();
    for question in &questions {
        operations.insert(format!("receive.{}", question.message.name), received(question));
    }
    for event in &events {
        operations.insert(format!("send.{}", event.name), operation("send", event));
    }
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Plenum",
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "Apache-2.0" },
            "description": ABOUT,
        },
        "defaultContentType": "application/json",
        "servers": { "this": {
            "host": "{host}",
            "pathname": "/socket.io/",
            "protocol": "socket.io",
            "protocolVersion": "5",
            "description": "Engine.IO 4; WebSocket, or long polling that upgrades to it.",
            "variables": { "host": { "description": "The host that served this description." } },
            "security": [{ "$ref": "#/components/securitySchemes/token" }],
        } },
        "channels": { "main": {
            "address": "/",
            "description": "The main namespace of Socket.IO. Each message is an event with one object.",
            "messages": in_channel,
        } },
        "operations": operations,
        "components": {
            "messages": described,
            "schemas": schemas,
            "securitySchemes": { "token": {
                "type": "httpApiKey", "in": "query", "name": "token",
                "description": "The token of a login: as `auth.token` of the handshake (best), as bearer, or in the query.",
            } },
        },
    })
}

const ABOUT: &str = "What happens inside meetings, told over Socket.IO. `receive` operations are events that clients \
    send, `send` operations are events that clients hear. Every event of a client is answered through its callback, if it \
    has one: `{success: true, ...}` with the payload of the answering event where there is one, and \
    `{success: false, error, message, code?}` when it is refused; a refusal is also told as `error`. The requests of one \
    socket are served in the order they came.";

fn component(name: &str) -> Value {
    json!({ "$ref": format!("#/components/messages/{name}") })
}

fn operation(action: &str, message: &Message) -> Value {
    json!({
        "action": action,
        "channel": { "$ref": "#/channels/main" },
        "summary": message.about,
        "messages": [{ "$ref": format!("#/channels/main/messages/{}", message.name) }],
    })
}

fn received(question: &Question) -> Value {
    let mut described = operation("receive", &question.message);
    if !question.answers.is_empty() {
        let answers = question.answers.iter();
        let answers = answers.map(|name| json!({ "$ref": format!("#/channels/main/messages/{name}") }));
        let answers: Vec<Value> = answers.collect();
        described["reply"] = json!({ "channel": { "$ref": "#/channels/main" }, "messages": answers });
    }
    described["x-refusals"] = question.refusals.iter().map(refusal).collect();
    if let Some(Budget { requests, window_s }) = question.budget {
        described["x-rate-limit"] = json!({ "requests": requests, "window_s": window_s });
    }
    described
}

fn refusal(reason: &DomainError) -> Value {
    let words = error::words(reason);
    let mut told = json!({ "message": words.message });
    if let Some(code) = words.code {
        told["code"] = code.into();
    }
    told
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::dialect::kcs::socket::EVENTS;

    #[test]
    fn add_25_every_event_that_is_served_is_described_once_and_no_other() {
        let served: BTreeSet<_> = EVENTS.iter().map(|(name, _)| *name).collect();
        let asked: Vec<_> = asked::all().iter().map(|question| question.message.name).collect();
        assert_eq!(asked.len(), served.len());
        assert_eq!(asked.into_iter().collect::<BTreeSet<_>>(), served);
        let mut told: Vec<_> = told::all().iter().map(|event| event.name).collect();
        let (all, _) = (told.len(), told.sort_unstable());
        told.dedup();
        assert_eq!(told.len(), all);
        // One list of messages holds both directions.
        assert!(told.iter().all(|name| !served.contains(name)));
    }

    #[test]
    fn add_25_every_reference_of_the_description_leads_somewhere() {
        let api = document();
        let mut references = Vec::new();
        collect(&api, &mut references);
        assert!(references.len() > 100);
        for reference in references {
            assert!(api.pointer(&reference["#".len()..]).is_some(), "{reference}");
        }
    }

    fn collect(value: &Value, references: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                references.extend(map.get("$ref").and_then(Value::as_str).map(str::to_owned));
                map.values().for_each(|inner| collect(inner, references));
            }
            Value::Array(list) => list.iter().for_each(|inner| collect(inner, references)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
}
