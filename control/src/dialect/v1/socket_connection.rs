//! Who speaks over a line: reads its socket and serves one message after the other, in the order they came.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use metrics::{counter, histogram};
use serde_json::{Value, json};
use tokio::net::tcp::OwnedReadHalf;

use super::pulse::{Beat, Pulse, Rhythm};
use super::socket_line::{End, GOODBYE_MAX, Line};
use super::socket_requests::MESSAGES;
use super::told::{Told, say};
use super::{limits, socket_view};
use crate::dialect::fields::Fields;
use crate::domain::actor::Actor;
use crate::domain::error::DomainError;
use crate::domain::id::MeetingId;
use crate::domain::limit::LimitedAction;
use crate::http::listen::Placed;
use crate::service::services::Services;
use crate::websocket::frame::{self, Broken, Message, Reader};
use crate::websocket::read_piece;

/// Largest message: 4000 characters of chat are at most 16 KiB, 48 KiB when a client escapes every one of them.
const MESSAGE_BYTES_MAX: usize = 64 * 1024;

/// See the module.
pub(super) struct Connection {
    pub actor: Actor,
    /// The meeting of the address.
    pub meeting: String,
    pub line: Arc<Line>,
    pub services: Services,
}

/// What one piece of a socket brought.
enum Heard {
    Text(String),
    Binary,
    Ping(Vec<u8>),
    Close,
    /// Reading cannot go on, for the reason of this close code.
    Broken(u16),
}

impl Connection {
    /// Serves the socket until the line ends. `first`: what was read with the handshake.
    pub async fn run(&self, mut read: OwnedReadHalf, first: Bytes, socket: &Placed, rhythm: Rhythm) {
        let mut reader = Reader::new(MESSAGE_BYTES_MAX);
        let mut pulse = Pulse::new(rhythm, Instant::now());
        // As many as fit into one piece, and the messages before which it ended.
        let mut heard = Vec::new();
        take(&mut reader, &mut first.to_vec(), &mut heard);
        loop {
            for one in heard.drain(..) {
                if !self.line.is_over() {
                    self.hear(one).await;
                }
            }
            let due = tokio::time::sleep_until(pulse.due_at().into());
            tokio::select! {
                () = self.line.ended() => break,
                read = read_piece(&mut read, |piece| take(&mut reader, piece, &mut heard)) => match read {
                    Some(()) => pulse.heard(Instant::now()),
                    None => self.line.end(End::GOODBYE),
                },
                () = due => match pulse.beat(Instant::now()) {
                    Beat::Ping => self.line.tell(frame::ping()),
                    Beat::Gone => self.line.end(End::SILENT),
                    Beat::Nothing => {}
                },
            }
        }
        self.clean_up().await;
        // Our last words, and then those of the client.
        let rest = async { while read_piece(&mut read, |_| ()).await.is_some() {} };
        let _ = tokio::time::timeout(2 * GOODBYE_MAX, rest).await;
        socket.shut_down();
    }

    /// The client is gone: so is whoever spoke over it.
    async fn clean_up(&self) {
        self.services.participants.disconnected(self.line.id, [self.line.meeting]).await;
        self.services.presence.disconnected(self.line.id, &self.actor).await;
    }

    async fn hear(&self, heard: Heard) {
        match heard {
            Heard::Text(text) => self.serve(&text).await,
            Heard::Binary => self.refuse(None, &DomainError::Malformed("messages are text".into())),
            Heard::Ping(payload) => self.line.tell(frame::pong(&payload)),
            Heard::Close => self.line.end(End::GOODBYE),
            Heard::Broken(code) => self.line.end(End::broken(code)),
        }
    }

    /// One message; a refusal is told and the connection stays (C-58).
    async fn serve(&self, text: &str) {
        let (mut request, asked_at) = (None, Instant::now());
        if let Err(reason) = self.try_serve(text, &mut request).await {
            self.refuse(request, &reason);
        }
        if let Some(name) = request {
            histogram!("plenum_event_seconds", "event" => name).record(asked_at.elapsed().as_secs_f64());
        }
    }

    /// `request`: the type of the message, once it is known.
    async fn try_serve(&self, text: &str, request: &mut Option<&'static str>) -> Result<(), DomainError> {
        let (action, key) = (LimitedAction::V1Socket, format!("{:?}", self.line.id));
        self.services.limits.check(action, &key, limits::budget(action))?;
        let message: Value =
            serde_json::from_str(text).map_err(|_| DomainError::Malformed("not valid JSON".into()))?;
        let fields = Fields::of(&message)?;
        let (name, handler) = known(fields.required_text("type")?)?;
        *request = Some(name);
        counter!("plenum_events_in_total", "event" => name).increment(1);
        // A message that was meant for another meeting is not said in this one.
        let meant = fields.text("meeting_id")?;
        if meant.is_some_and(|meant| MeetingId::parse(meant.trim()) != Some(self.line.meeting)) {
            return Err(DomainError::invalid("meeting_id", "is not the meeting of this connection"));
        }
        let data = if fields.has_object("data")? { fields.raw("data") } else { None };
        match data {
            Some(data) => handler(self, data).await,
            None => handler(self, &json!({})).await,
        }
    }

    fn refuse(&self, request: Option<&'static str>, reason: &DomainError) {
        let (event, why) = (request.unwrap_or("unknown"), reason.reason());
        counter!("plenum_events_refused_total", "event" => event, "reason" => why).increment(1);
        let line = &self.line;
        let now = self.services.clock.now();
        line.tell(socket_view::refusal(line.meeting, line.person, now, request, reason));
    }

    /// Something for this client alone.
    pub fn say<T: Told>(&self, data: &T) {
        let now = self.services.clock.now();
        self.line.tell(say(self.line.meeting, Some(self.line.person), now, data));
    }

    /// By whom requests are counted that REST counts too.
    pub fn user(&self) -> String {
        self.actor.user_id().map(|user| user.to_string()).unwrap_or_default()
    }
}

/// Who serves messages of this type.
fn known(name: &str) -> Result<(&'static str, super::socket_requests::Handler), DomainError> {
    let known = MESSAGES.iter().find(|(known, _)| *known == name).copied();
    known.ok_or_else(|| {
        let names: Vec<&str> = MESSAGES.iter().map(|(name, _)| *name).collect();
        DomainError::invalid("type", format!("must be one of {}", names.join(", ")))
    })
}

/// Reads what is complete in a piece.
fn take(reader: &mut Reader, piece: &mut [u8], heard: &mut Vec<Heard>) {
    let read = reader.read(piece, |message| {
        heard.push(match message {
            Message::Text(text) => Heard::Text(text.to_owned()),
            Message::Binary(_) => Heard::Binary,
            Message::Ping(payload) => Heard::Ping(payload.to_vec()),
            Message::Close => Heard::Close,
        });
    });
    if let Err(Broken(code)) = read {
        heard.push(Heard::Broken(code));
    }
}
