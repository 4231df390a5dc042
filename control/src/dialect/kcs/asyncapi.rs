//! This dialect's part of the description of the events: everything its Socket.IO sockets ask and are told.

use serde_json::{Value, json};

use super::{asked, error, told};
use crate::dialect::asyncapi::{Channel, needs_token, this_host};
use crate::domain::error::DomainError;

/// The events of this dialect.
pub fn channel() -> Channel {
    Channel {
        key: "main",
        title: "Socket.IO",
        server: json!({
            "host": "{host}",
            "pathname": "/socket.io/",
            "protocol": "socket.io",
            "protocolVersion": "5",
            "description": "Engine.IO 4; WebSocket, or long polling that upgrades to it.",
            "variables": this_host(),
            "security": needs_token(),
        }),
        address: "/",
        parameters: Value::Null,
        about: ABOUT,
        asked: asked::all(),
        told: told::all(),
        refusal,
    }
}

const ABOUT: &str = "The main namespace of Socket.IO. Each message is an event with one object. Every event of a client is \
    answered through its callback, if it has one: `{success: true, ...}` with the payload of the answering event where \
    there is one, and `{success: false, error, message, code?}` when it is refused; a refusal is also told as `error`. The \
    requests of one socket are served in the order they came.";

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
}
