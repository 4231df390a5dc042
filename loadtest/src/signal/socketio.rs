//! A Socket.IO 5 client on Engine.IO 4, WebSocket transport only: enough to be thousands of users in one process.
//!
//! Text packets of the main namespace; no binary attachments, no other namespaces, no polling, no reconnection.

use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use serde_json::Value;
use std::{
    collections::HashMap,
    time::{Duration, Instant},
};
use thiserror::Error;
use tokio::{
    net::TcpStream,
    sync::{
        mpsc::{self, error::SendTimeoutError},
        oneshot,
    },
    time::timeout,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async_with_config,
    tungstenite::{Message, protocol::WebSocketConfig},
};

/// One Engine.IO packet, with the Socket.IO packet inside a message taken apart.
#[derive(Clone, Debug, PartialEq)]
pub enum Packet {
    /// Engine.IO `0`: the session begins.
    Open(Opening),
    /// Engine.IO `1`.
    Close,
    /// Engine.IO `2`.
    Ping,
    /// Engine.IO `3`.
    Pong,
    /// Engine.IO `6`.
    Noop,
    /// Socket.IO CONNECT accepted.
    Connected,
    /// Socket.IO DISCONNECT.
    Disconnected,
    Event {
        name: String,
        arguments: Vec<Value>,
        ack: Option<u64>,
    },
    Ack {
        id: u64,
        arguments: Vec<Value>,
    },
    /// Socket.IO CONNECT_ERROR.
    Refused {
        message: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Opening {
    pub sid: String,
    /// Milliseconds between two pings of the server.
    pub ping_interval: u64,
    /// Milliseconds after a missed ping until the connection counts as lost.
    pub ping_timeout: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ParseError {
    #[error("empty packet")]
    Empty,
    #[error("unknown packet type {0:?}")]
    UnknownType(char),
    #[error("another namespace than the main one")]
    Namespace,
    #[error("binary attachments")]
    Binary,
    #[error("malformed: {0}")]
    Malformed(&'static str),
}

impl Packet {
    /// # Errors
    /// Anything a server of the main namespace without binary events would not send.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let (kind, rest) = split_char(text).ok_or(ParseError::Empty)?;
        match kind {
            '0' => parse_json(rest, "open").map(Self::Open),
            '1' => Ok(Self::Close),
            '2' => Ok(Self::Ping),
            '3' => Ok(Self::Pong),
            '4' => Self::parse_message(rest),
            '6' => Ok(Self::Noop),
            other => Err(ParseError::UnknownType(other)),
        }
    }

    fn parse_message(text: &str) -> Result<Self, ParseError> {
        let (kind, rest) = split_char(text).ok_or(ParseError::Malformed("message without type"))?;
        if rest.starts_with('/') {
            return Err(ParseError::Namespace);
        }
        match kind {
            '0' => Ok(Self::Connected),
            '1' => Ok(Self::Disconnected),
            '2' => {
                let (ack, arguments) = parse_id_and_array(rest)?;
                let mut arguments = arguments.into_iter();
                let Some(Value::String(name)) = arguments.next() else {
                    return Err(ParseError::Malformed("event without name"));
                };
                Ok(Self::Event { name, arguments: arguments.collect(), ack })
            }
            '3' => {
                let (id, arguments) = parse_id_and_array(rest)?;
                Ok(Self::Ack { id: id.ok_or(ParseError::Malformed("ack without id"))?, arguments })
            }
            '4' => {
                let error: Value = parse_json(rest, "connect error")?;
                let message = error.get("message").and_then(Value::as_str).unwrap_or("refused").to_owned();
                Ok(Self::Refused { message })
            }
            '5' | '6' => Err(ParseError::Binary),
            other => Err(ParseError::UnknownType(other)),
        }
    }
}

fn split_char(text: &str) -> Option<(char, &str)> {
    let mut characters = text.chars();
    characters.next().map(|first| (first, characters.as_str()))
}

fn parse_json<T: for<'a> Deserialize<'a>>(text: &str, what: &'static str) -> Result<T, ParseError> {
    serde_json::from_str(text).map_err(|_| ParseError::Malformed(what))
}

fn parse_id_and_array(text: &str) -> Result<(Option<u64>, Vec<Value>), ParseError> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (id, array) = text.split_at(digits);
    let id =
        if id.is_empty() { None } else { Some(id.parse().map_err(|_| ParseError::Malformed("ack id"))?) };
    Ok((id, parse_json(array, "arguments")?))
}

/// Why a connection or a request failed.
#[derive(Debug, Error)]
pub enum SocketError {
    #[error("connecting: {0}")]
    Connect(String),
    /// The server's words of CONNECT_ERROR.
    #[error("refused: {0}")]
    Refused(String),
    #[error("the connection is closed: {0}")]
    Closed(String),
    #[error("no answer to {0} in time")]
    TimedOut(String),
    #[error("the server sent what Socket.IO does not allow: {0}")]
    Protocol(#[from] ParseError),
}

/// An event of the server with its first argument.
#[derive(Clone, Debug)]
pub struct ServerEvent {
    pub name: String,
    pub payload: Value,
    pub at: Instant,
}

/// A connected socket; dropping it closes the connection.
#[derive(Clone, Debug)]
pub struct SocketIo {
    requests: mpsc::Sender<Request>,
    /// For a request to be taken, and for its answer.
    patience: Duration,
}

#[derive(Debug)]
struct Request {
    name: String,
    payload: Value,
    reply: Option<oneshot::Sender<Value>>,
}

/// Requests waiting to be written. A bot has a handful under way; more would hide a server that does not read.
const REQUESTS_MAX: usize = 256;
/// Events not yet taken. Joining a large meeting brings a burst; a bot that lets this fill up is disconnected, because
/// its findings would be wrong.
const EVENTS_MAX: usize = 65_536;
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);
/// Thousands of sockets in one process: small buffers, they hold one event.
const BUFFER_BYTES: usize = 4 * 1024;

type Stream = WebSocketStream<MaybeTlsStream<TcpStream>>;

impl SocketIo {
    /// Connects to `base` (`http://host:port`) with the token in the handshake.
    ///
    /// # Errors
    /// The server's refusal in its own words, or what the network said.
    pub async fn connect(
        base: &str,
        token: &str,
    ) -> Result<(Self, mpsc::Receiver<ServerEvent>), SocketError> {
        let url = format!("{}/socket.io/?EIO=4&transport=websocket", base.replacen("http", "ws", 1));
        let config =
            WebSocketConfig::default().read_buffer_size(BUFFER_BYTES).write_buffer_size(BUFFER_BYTES);
        let connecting = timeout(ANSWER_TIMEOUT, connect_async_with_config(&url, Some(config), true)).await;
        let (mut stream, _) = connecting
            .map_err(|_| SocketError::TimedOut("connect".into()))?
            .map_err(|error| SocketError::Connect(error.to_string()))?;
        let opening = timeout(ANSWER_TIMEOUT, handshake(&mut stream, token))
            .await
            .map_err(|_| SocketError::TimedOut("handshake".into()))??;
        let (requests, requests_in) = mpsc::channel(REQUESTS_MAX);
        let (events_out, events) = mpsc::channel(EVENTS_MAX);
        let silence_max = Duration::from_millis(opening.ping_interval + opening.ping_timeout);
        let connection =
            Connection { stream, events: events_out, waiting: HashMap::new(), next_ack: 0, silence_max };
        tokio::spawn(connection.run(requests_in));
        Ok((Self { requests, patience: ANSWER_TIMEOUT }, events))
    }

    /// Emits without asking for an answer.
    ///
    /// # Errors
    /// [`SocketError::Closed`], or [`SocketError::TimedOut`] where the server does not read.
    pub async fn emit(&self, name: &str, payload: Value) -> Result<(), SocketError> {
        self.submit(Request { name: name.to_owned(), payload, reply: None }).await
    }

    /// Emits and waits for the callback's first argument.
    ///
    /// # Errors
    /// [`SocketError::Closed`] or [`SocketError::TimedOut`]; a refusal is an answer and comes back as one.
    pub async fn request(&self, name: &str, payload: Value) -> Result<Value, SocketError> {
        let (reply, answer) = oneshot::channel();
        self.submit(Request { name: name.to_owned(), payload, reply: Some(reply) }).await?;
        match timeout(self.patience, answer).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(_)) => Err(SocketError::Closed(format!("while waiting for {name}"))),
            Err(_) => Err(SocketError::TimedOut(name.to_owned())),
        }
    }

    async fn submit(&self, request: Request) -> Result<(), SocketError> {
        let name = request.name.clone();
        match self.requests.send_timeout(request, self.patience).await {
            Ok(()) => Ok(()),
            Err(SendTimeoutError::Closed(_)) => Err(SocketError::Closed(format!("at {name}"))),
            Err(SendTimeoutError::Timeout(_)) => Err(SocketError::TimedOut(name)),
        }
    }
}

async fn handshake(stream: &mut Stream, token: &str) -> Result<Opening, SocketError> {
    let Packet::Open(opening) = next_packet(stream).await? else {
        return Err(ParseError::Malformed("no open packet at the start").into());
    };
    let connect = format!("40{}", serde_json::json!({ "token": token }));
    stream.send(Message::text(connect)).await.map_err(|error| SocketError::Closed(error.to_string()))?;
    loop {
        match next_packet(stream).await? {
            Packet::Connected => return Ok(opening),
            Packet::Refused { message } => return Err(SocketError::Refused(message)),
            Packet::Ping => send(stream, "3".into()).await?,
            Packet::Close | Packet::Disconnected => return Err(SocketError::Closed("during connect".into())),
            _ => {}
        }
    }
}

async fn next_packet(stream: &mut Stream) -> Result<Packet, SocketError> {
    loop {
        match stream.next().await {
            Some(Ok(Message::Text(text))) => return Ok(Packet::parse(&text)?),
            Some(Ok(Message::Binary(_))) => return Err(ParseError::Binary.into()),
            Some(Ok(Message::Close(frame))) => {
                return Err(SocketError::Closed(
                    frame.map_or_else(String::new, |frame| frame.reason.to_string()),
                ));
            }
            Some(Ok(_)) => {}
            Some(Err(error)) => return Err(SocketError::Closed(error.to_string())),
            None => return Err(SocketError::Closed("end of stream".into())),
        }
    }
}

async fn send(stream: &mut Stream, text: String) -> Result<(), SocketError> {
    stream.send(Message::text(text)).await.map_err(|error| SocketError::Closed(error.to_string()))
}

/// The task that owns the stream.
struct Connection {
    stream: Stream,
    events: mpsc::Sender<ServerEvent>,
    waiting: HashMap<u64, oneshot::Sender<Value>>,
    next_ack: u64,
    silence_max: Duration,
}

impl Connection {
    async fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        loop {
            let outcome = tokio::select! {
                packet = timeout(self.silence_max, next_packet(&mut self.stream)) => match packet {
                    Ok(Ok(packet)) => self.handle(packet).await,
                    Ok(Err(error)) => Err(error),
                    Err(_) => Err(SocketError::TimedOut("ping".into())),
                },
                request = requests.recv() => match request {
                    Some(request) => self.write(request).await,
                    None => break,
                },
            };
            if let Err(error) = outcome {
                tracing::debug!(%error, "socket ended");
                break;
            }
        }
        // Says goodbye where the server still listens; it may be gone already, and then there is nobody to tell.
        let _ = self.stream.close(None).await;
    }

    async fn handle(&mut self, packet: Packet) -> Result<(), SocketError> {
        match packet {
            Packet::Ping => send(&mut self.stream, "3".into()).await,
            Packet::Event { name, arguments, .. } => {
                let payload = arguments.into_iter().next().unwrap_or(Value::Null);
                let event = ServerEvent { name, payload, at: Instant::now() };
                match self.events.try_send(event) {
                    // Who is leaving has stopped listening; the answer to the goodbye still comes this way.
                    Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => Ok(()),
                    Err(mpsc::error::TrySendError::Full(_)) => {
                        Err(SocketError::Closed("the bot does not take its events".into()))
                    }
                }
            }
            Packet::Ack { id, arguments } => {
                if let Some(reply) = self.waiting.remove(&id) {
                    // The asker may have given up waiting.
                    let _ = reply.send(arguments.into_iter().next().unwrap_or(Value::Null));
                }
                Ok(())
            }
            Packet::Close | Packet::Disconnected => Err(SocketError::Closed("by the server".into())),
            Packet::Open(_) | Packet::Pong | Packet::Noop | Packet::Connected | Packet::Refused { .. } => {
                Ok(())
            }
        }
    }

    async fn write(&mut self, request: Request) -> Result<(), SocketError> {
        let body = serde_json::json!([request.name, request.payload]);
        let id = request.reply.map(|reply| {
            let id = self.next_ack;
            self.next_ack += 1;
            self.waiting.insert(id, reply);
            id
        });
        let text = id.map_or_else(|| format!("42{body}"), |id| format!("42{id}{body}"));
        send(&mut self.stream, text).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng, rngs::SmallRng};
    use serde_json::json;

    #[test]
    fn packets_of_a_server_are_read() {
        let event =
            |name: &str, arguments: Vec<Value>, ack| Packet::Event { name: name.into(), arguments, ack };
        let cases: [(&str, Result<Packet, ParseError>); 22] = [
            (
                r#"0{"sid":"a","upgrades":[],"pingInterval":25000,"pingTimeout":60000,"maxPayload":100000}"#,
                Ok(Packet::Open(Opening { sid: "a".into(), ping_interval: 25_000, ping_timeout: 60_000 })),
            ),
            ("0{}", Err(ParseError::Malformed("open"))),
            ("1", Ok(Packet::Close)),
            ("2", Ok(Packet::Ping)),
            ("3", Ok(Packet::Pong)),
            ("6", Ok(Packet::Noop)),
            (r#"40{"sid":"x"}"#, Ok(Packet::Connected)),
            ("41", Ok(Packet::Disconnected)),
            (
                r#"42["hand-raised",{"raised":true}]"#,
                Ok(event("hand-raised", vec![json!({"raised": true})], None)),
            ),
            (r#"42["empty"]"#, Ok(event("empty", vec![], None))),
            (r#"4217["asks",1,null]"#, Ok(event("asks", vec![json!(1), Value::Null], Some(17)))),
            (
                r#"433[{"success":true}]"#,
                Ok(Packet::Ack { id: 3, arguments: vec![json!({"success": true})] }),
            ),
            ("43[]", Err(ParseError::Malformed("ack without id"))),
            (r#"44{"message":"Invalid token"}"#, Ok(Packet::Refused { message: "Invalid token".into() })),
            ("44", Err(ParseError::Malformed("connect error"))),
            ("42[]", Err(ParseError::Malformed("event without name"))),
            ("42[1]", Err(ParseError::Malformed("event without name"))),
            (r#"42/admin,["x"]"#, Err(ParseError::Namespace)),
            (r#"451-["x",{"_placeholder":true,"num":0}]"#, Err(ParseError::Binary)),
            ("", Err(ParseError::Empty)),
            ("4", Err(ParseError::Malformed("message without type"))),
            ("9", Err(ParseError::UnknownType('9'))),
        ];
        for (text, expected) in cases {
            assert_eq!(Packet::parse(text), expected, "{text}");
        }
    }

    #[tokio::test]
    async fn a_server_that_reads_nothing_any_more_is_not_waited_for_without_end() {
        let (requests, _connection_that_is_stuck) = mpsc::channel(1);
        let socket = SocketIo { requests, patience: Duration::from_millis(1) };
        socket.emit("send-message", Value::Null).await.expect("room for one");
        let timed_out = |outcome| matches!(outcome, Err(SocketError::TimedOut(_)));
        assert!(timed_out(socket.emit("send-message", Value::Null).await));
        assert!(timed_out(socket.request("leave-meeting", Value::Null).await.map(drop)));
    }

    #[test]
    fn an_ack_id_beyond_all_bounds_is_malformed() {
        let text = format!("43{}[]", "9".repeat(40));
        assert_eq!(Packet::parse(&text), Err(ParseError::Malformed("ack id")));
    }

    #[test]
    fn random_text_is_read_or_refused_and_never_a_panic() {
        let mut random = SmallRng::seed_from_u64(5);
        let alphabet: Vec<char> = "0123456789[]{}\"\\,:/-abc\u{e9}\u{1f600} ".chars().collect();
        let mut read = 0;
        for _ in 0..200_000 {
            let len = random.random_range(0..12);
            let text: String = (0..len).map(|_| alphabet[random.random_range(0..alphabet.len())]).collect();
            read += usize::from(Packet::parse(&text).is_ok());
        }
        assert!(read > 0, "the generator reaches packets too");
    }
}
