//! The description of the events (ADD-25): AsyncAPI 3.0, made from the tables that events are sent and read by. A dialect
//! with sockets gives a [`Channel`]; this file puts them into one document.

use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};

use super::{kcs, v1};
use crate::domain::error::DomainError;
use crate::domain::limit::Budget;

/// One event: its name, what it is for, and its payload.
pub struct Message {
    /// Its name in the document, where no two messages have the same.
    pub key: String,
    /// Its name on the wire.
    pub name: &'static str,
    pub about: &'static str,
    /// A schema.
    pub payload: Value,
    /// Schemas that the payload refers to, by name.
    pub schemas: Vec<(String, RefOr<Schema>)>,
}

/// An event of a client's.
pub struct Question {
    pub message: Message,
    /// Keys of the events that answer it.
    pub answers: Vec<&'static str>,
    pub refusals: Vec<DomainError>,
    pub budget: Option<Budget>,
}

/// The events of one dialect's sockets.
pub struct Channel {
    /// Its name in the document.
    pub key: &'static str,
    /// What the page calls it.
    pub title: &'static str,
    /// As AsyncAPI describes a server.
    pub server: Value,
    pub address: &'static str,
    /// As AsyncAPI describes them.
    pub parameters: Value,
    /// What a client must know about all of them.
    pub about: &'static str,
    pub asked: Vec<Question>,
    pub told: Vec<Message>,
    /// Says a refusal in this dialect's words.
    pub refusal: fn(&DomainError) -> Value,
}

impl Message {
    /// An event whose payload is described by `T`.
    pub fn of<T: ToSchema>(name: &'static str, about: &'static str) -> Self {
        let (payload, schemas) = described::<T>();
        Self { key: name.to_owned(), name, about, payload, schemas }
    }

    fn described(&self) -> Value {
        json!({
            "name": self.name, "summary": self.about, "contentType": "application/json", "payload": self.payload,
        })
    }
}

/// A reference to the schema of `T`, and the schemas that it needs.
pub fn described<T: ToSchema>() -> (Value, Vec<(String, RefOr<Schema>)>) {
    let name = T::name().into_owned();
    let reference = json!({ "$ref": format!("#/components/schemas/{name}") });
    let mut schemas = vec![(name, T::schema())];
    T::schemas(&mut schemas);
    (reference, schemas)
}

/// The description of every dialect's events.
pub fn document() -> Value {
    let (mut servers, mut channels, mut operations) = (Map::new(), Map::new(), Map::new());
    let (mut messages, mut schemas) = (Map::new(), Map::new());
    for channel in [kcs::asyncapi::channel(), v1::asyncapi::channel()] {
        let asked = channel.asked.iter().map(|question| &question.message);
        let mut in_channel = Map::new();
        for message in asked.chain(&channel.told) {
            for (name, schema) in &message.schemas {
                schemas.insert(name.clone(), json!(schema));
            }
            messages.insert(message.key.clone(), message.described());
            in_channel.insert(message.key.clone(), component(&message.key));
        }
        operations.extend(channel.asked.iter().map(|question| received(&channel, question)));
        operations.extend(channel.told.iter().map(|event| operation(&channel, "send", event)));
        servers.insert(channel.key.to_owned(), channel.server);
        let mut described = json!({
            "address": channel.address,
            "title": channel.title,
            "description": channel.about,
            "servers": [{ "$ref": format!("#/servers/{}", channel.key) }],
            "messages": in_channel,
        });
        if !channel.parameters.is_null() {
            described["parameters"] = channel.parameters;
        }
        channels.insert(channel.key.to_owned(), described);
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
        "servers": servers,
        "channels": channels,
        "operations": operations,
        "components": {
            "messages": messages,
            "schemas": schemas,
            "securitySchemes": { "token": {
                "type": "httpApiKey", "in": "query", "name": "token",
                "description": "The token of a login: as `Authorization: Bearer`, in the query, or, over Socket.IO, as \
                    `auth.token` of the handshake (best).",
            } },
        },
    })
}

const ABOUT: &str = "What happens inside meetings, told over sockets as it happens. `receive` operations are what clients \
    send, `send` operations are what clients hear. People in one meeting may use different sockets: each hears everything \
    that has words there.";

/// The host that a server of the document has: the one that serves it.
pub fn this_host() -> Value {
    json!({ "host": { "description": "The host that served this description." } })
}

/// Sockets want the token of a login.
pub fn needs_token() -> Value {
    json!([{ "$ref": "#/components/securitySchemes/token" }])
}

fn component(key: &str) -> Value {
    json!({ "$ref": format!("#/components/messages/{}", pointer(key)) })
}

fn in_channel(channel: &Channel, key: &str) -> Value {
    json!({ "$ref": format!("#/channels/{}/messages/{}", channel.key, pointer(key)) })
}

/// A key as part of a JSON pointer.
fn pointer(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

fn operation(channel: &Channel, action: &str, message: &Message) -> (String, Value) {
    let described = json!({
        "action": action,
        "channel": { "$ref": format!("#/channels/{}", channel.key) },
        "summary": message.about,
        "messages": [in_channel(channel, &message.key)],
    });
    (format!("{action}.{}", message.key), described)
}

fn received(channel: &Channel, question: &Question) -> (String, Value) {
    let (key, mut described) = operation(channel, "receive", &question.message);
    if !question.answers.is_empty() {
        let answers: Vec<Value> = question.answers.iter().map(|key| in_channel(channel, key)).collect();
        let channel = format!("#/channels/{}", channel.key);
        described["reply"] = json!({ "channel": { "$ref": channel }, "messages": answers });
    }
    described["x-refusals"] = question.refusals.iter().map(channel.refusal).collect();
    if let Some(Budget { requests, window_s }) = question.budget {
        described["x-rate-limit"] = json!({ "requests": requests, "window_s": window_s });
    }
    (key, described)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

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

    #[test]
    fn add_25_no_two_messages_have_one_key_and_no_two_shapes_one_name() {
        let (mut keys, mut shapes) = (BTreeSet::new(), Map::new());
        for channel in [kcs::asyncapi::channel(), v1::asyncapi::channel()] {
            let asked = channel.asked.into_iter().map(|question| question.message);
            for message in asked.chain(channel.told) {
                assert!(keys.insert(message.key.clone()), "{} twice", message.key);
                for (name, schema) in message.schemas {
                    let shape = json!(schema);
                    let known = shapes.entry(name.clone()).or_insert_with(|| shape.clone());
                    assert_eq!(*known, shape, "{name} means two things");
                }
            }
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
