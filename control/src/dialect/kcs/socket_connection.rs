//! Who speaks over a line: serves one request after the other, in the order they came, and answers each.

use std::sync::Arc;
use std::time::Instant;

use metrics::{counter, histogram};
use serde::Serialize;
use serde_json::{Value, json};

use super::error::{self, Words};
use super::socket::{Handler, Services};
use super::socket_line::Line;
use super::told::{Refused, Said, say};
use crate::domain::actor::Actor;
use crate::domain::error::DomainError;
use crate::domain::id::MeetingId;
use crate::domain::participant::ConnectionId;
use crate::service::media::Asker;

/// Meetings one socket may be in at once.
const MEETINGS_MAX: usize = 16;

/// One event of a client.
pub(super) struct Request {
    pub name: &'static str,
    pub handler: Handler,
    /// `None`: no argument.
    pub body: Option<Value>,
    /// Which socket of the line asked, and the number of its callback.
    pub ack: (u32, Option<u64>),
    /// When it came: waiting for its turn is part of what its client waits.
    pub asked_at: Instant,
}

/// What a served request is answered with.
pub(super) struct Answer {
    /// The event that carries the answer; `None` when it reaches the client another way.
    pub event: Option<&'static str>,
    /// It goes to the callback alone when there is one.
    pub is_said_once: bool,
    pub payload: Payload,
}

/// A JSON object.
pub(super) enum Payload {
    /// Gets `success` for the callback.
    Value(Value),
    /// Written already, with everything.
    Text(Vec<u8>),
}

impl Payload {
    /// A large one, without a tree of values in between.
    pub fn written(payload: &impl Serialize) -> Self {
        Self::Text(serde_json::to_vec(payload).expect("our payloads are JSON: their maps have text keys"))
    }
}

/// See the module.
pub(super) struct Connection {
    pub id: ConnectionId,
    pub actor: Actor,
    pub services: Arc<Services>,
    /// Where this line is inside or waits, as far as it knows; the meetings know better.
    pub meetings: Vec<MeetingId>,
    line: Arc<Line>,
}

impl Connection {
    pub fn new(actor: Actor, line: Arc<Line>, services: Arc<Services>) -> Self {
        Self { id: line.id, actor, services, meetings: Vec::new(), line }
    }

    /// The client is gone: so is whoever spoke over it.
    pub async fn clean_up(self: Box<Self>) {
        self.services.participants.disconnected(self.id, self.meetings.iter().copied()).await;
        self.services.presence.disconnected(self.id, &self.actor).await;
    }

    /// Notes that this socket is inside a meeting, or waits for it.
    pub fn enters(&mut self, meeting: MeetingId) {
        self.leaves(meeting);
        self.meetings.push(meeting);
    }

    /// Whether one more meeting is one too many. Meetings that ended, or turned this socket away, do not count.
    pub async fn is_everywhere(&mut self) -> bool {
        if self.meetings.len() >= MEETINGS_MAX {
            self.meetings = self.services.participants.still_in(self.id, &self.meetings).await;
        }
        self.meetings.len() >= MEETINGS_MAX
    }

    pub fn leaves(&mut self, meeting: MeetingId) {
        self.meetings.retain(|one| *one != meeting);
    }

    /// What clients are told about STUN and TURN.
    pub fn ice_servers(&self) -> &Value {
        &self.services.ice_servers
    }

    pub fn asker(&self) -> Asker<'_> {
        Asker { connection: self.id, meetings: &self.meetings }
    }

    pub async fn serve(&mut self, request: Request) {
        let Request { name, handler, body, ack, asked_at } = request;
        match handler(self, body.unwrap_or(Value::Null)).await {
            Ok(answer) => self.answer(answer, ack),
            Err(reason) => self.line.refuse(name, ack, &reason),
        }
        histogram!("plenum_event_seconds", "event" => name).record(asked_at.elapsed().as_secs_f64());
    }

    /// The documented event, and the callback if there is one (C-45).
    fn answer(&self, Answer { event, is_said_once, payload }: Answer, ack: (u32, Option<u64>)) {
        let event = event.filter(|_| !is_said_once || ack.1.is_none());
        let (told, text) = match payload {
            Payload::Text(text) => (Ok(()), text),
            Payload::Value(mut payload) => {
                let told = event.map_or(Ok(()), |event| self.line.say(event, &payload));
                if payload.get("success").is_none() {
                    payload["success"] = true.into();
                }
                (told, payload.to_string().into_bytes())
            }
        };
        let acked = self.line.acknowledge(ack, &text);
        if told.and(acked).is_err() {
            self.line.give_up();
        }
    }
}

/// What is said about a refusal: in the event `error`, and in the callback.
pub(super) fn refusal_of(event: &'static str, reason: &DomainError) -> (Said, Value) {
    let Words { message, code, .. } = error::words(reason);
    counter!("plenum_events_refused_total", "event" => event.to_owned(), "reason" => reason.reason())
        .increment(1);
    let mut acked = json!({ "success": false, "error": message, "message": message });
    if let Some(code) = code {
        acked["code"] = code.into();
    }
    (say(&Refused { message: message.into_owned(), code, event, meeting_id: None }), acked)
}
