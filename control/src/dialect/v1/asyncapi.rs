//! This dialect's part of the description of the events: the messages of the raw WebSocket.

use serde_json::{Value, json};
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::{asked, error, told};
use crate::dialect::asyncapi::{Channel, Message, described, needs_token, this_host};
use crate::domain::error::DomainError;

/// What every message has, in the order in which it is shown.
const FRAME: [&str; 5] = ["type", "meeting_id", "user_id", "data", "timestamp"];

/// The messages of this dialect.
pub fn channel() -> Channel {
    Channel {
        key: "v1",
        title: "Raw WebSocket",
        server: json!({
            "host": "{host}",
            "pathname": "/ws/meetings",
            "protocol": "ws",
            "description": "A WebSocket for one meeting; its messages are text.",
            "variables": this_host(),
            "security": needs_token(),
        }),
        address: "/{meeting_id}",
        parameters: json!({ "meeting_id": { "description": "The id of a meeting." } }),
        about: ABOUT,
        asked: asked::all(),
        told: told::all(),
        refusal,
    }
}

const ABOUT: &str = "`GET /ws/meetings/{meeting_id}` with the token as bearer or as `?token=`. Without a good one, or for \
    somebody who could not enter, the answer is 401, 403 or 404 as REST says it, and no upgrade. Every message is one \
    object with `type` and `data`; who, where and when are set by the server and ignored from clients. Before `join` only \
    `ping` is answered. What one does is told to the others, and what is refused is told as `error`; the connection stays. \
    Messages have at most 64 KiB. The server pings every 25 s by the protocol and closes after 60 s without a word. It \
    closes with 1000 when the meeting ended, 1001 when it stops, 1008 when the token counts no longer, and 1013 when a \
    client reads too slowly.";

/// A message whose `data` is described by `T`; `required`: what must be there.
pub(super) fn framed<T: ToSchema>(
    key: &str,
    name: &'static str,
    about: &'static str,
    required: &[&str],
) -> Message {
    let (data, schemas) = described::<T>();
    let payload = json!({
        "type": "object",
        "required": if required.is_empty() { &FRAME[..] } else { required },
        "properties": {
            "type": { "type": "string", "const": name },
            "meeting_id": { "type": "string", "description": "The meeting of this connection." },
            "user_id": {
                "type": ["string", "null"],
                "description": "Whom it is about: an account, or the session of somebody without one.",
            },
            "data": data,
            "timestamp": { "type": "string", "format": "date-time" },
        },
    });
    Message { key: key.to_owned(), name, about, payload, schemas }
}

fn refusal(reason: &DomainError) -> Value {
    let words = error::words(reason, OffsetDateTime::UNIX_EPOCH);
    json!({ "message": words.message, "code": words.code })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::v1::socket_requests::MESSAGES;

    #[test]
    fn add_25_every_message_that_is_served_is_described_and_no_other() {
        let served: Vec<_> = MESSAGES.iter().map(|(name, _)| *name).collect();
        let asked: Vec<_> = asked::all().iter().map(|question| question.message.name).collect();
        assert_eq!(asked, served);
    }
}
