//! A client of the raw WebSocket of v1, written from the protocol's description.

use std::sync::{Arc, Mutex};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::socket::PATIENCE;

pub type Stream = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A connected client. Dropping it drops the connection without a goodbye.
pub struct RawSocket {
    out: mpsc::UnboundedSender<Message>,
    inbox: Arc<Inbox>,
    task: tokio::task::JoinHandle<()>,
}

#[derive(Default)]
struct Inbox {
    messages: Mutex<Vec<Value>>,
    /// Pings of the protocol that came.
    pings: Mutex<usize>,
    /// Close code and reason; 1006 without a close frame.
    closed: Mutex<Option<(u16, String)>>,
    changed: Notify,
}

impl RawSocket {
    /// Opens a socket with the token in the header; `Err` is the status of the refusal.
    pub async fn connect(port: u16, meeting: &str, token: &str) -> Result<Self, u16> {
        Self::open(port, &format!("/ws/meetings/{meeting}"), Some(token)).await.map(Self::run)
    }

    /// The stream itself, for clients that behave otherwise.
    pub async fn open(port: u16, path: &str, bearer: Option<&str>) -> Result<Stream, u16> {
        let mut request = format!("ws://127.0.0.1:{port}{path}").into_client_request().expect("a request");
        if let Some(token) = bearer {
            let value = format!("Bearer {token}").parse().expect("a header");
            request.headers_mut().insert("authorization", value);
        }
        match tokio_tungstenite::connect_async(request).await {
            Ok((stream, _)) => Ok(stream),
            Err(Error::Http(answer)) => Err(answer.status().as_u16()),
            Err(error) => panic!("{path}: {error}"),
        }
    }

    /// Reads and answers pings from now on.
    pub fn run(stream: Stream) -> Self {
        let (out, outgoing) = mpsc::unbounded_channel();
        let inbox = Arc::<Inbox>::default();
        let task = tokio::spawn(pump(stream, outgoing, inbox.clone()));
        Self { out, inbox, task }
    }

    /// Sends a message of this type.
    pub fn send(&self, kind: &str, data: Value) {
        self.send_text(&json!({ "type": kind, "data": data }).to_string());
    }

    /// Sends any text.
    pub fn send_text(&self, text: &str) {
        self.send_frame(Message::text(text.to_owned()));
    }

    pub fn send_frame(&self, message: Message) {
        let _ = self.out.send(message);
    }

    /// Enters and hears that it is inside.
    pub async fn join(&self) -> Value {
        self.send("join", json!({ "device_info": { "device_type": "desktop" } }));
        self.expect("joined").await
    }

    /// The next message of this type, waiting for it; it is taken out of the log.
    pub async fn expect(&self, kind: &str) -> Value {
        self.expect_where(kind, |_| true).await
    }

    /// The next message of this type whose data fits.
    pub async fn expect_where(&self, kind: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let found = async {
            loop {
                let changed = self.inbox.changed.notified();
                if let Some(message) = self.take(kind, &fits) {
                    return message;
                }
                changed.await;
            }
        };
        match tokio::time::timeout(PATIENCE, found).await {
            Ok(message) => message,
            Err(_) => panic!("{kind} did not come; heard {:?}", self.heard()),
        }
    }

    fn take(&self, kind: &str, fits: &impl Fn(&Value) -> bool) -> Option<Value> {
        let mut messages = self.inbox.messages.lock().unwrap();
        let index = messages.iter().position(|one| one["type"] == kind && fits(&one["data"]))?;
        Some(messages.remove(index))
    }

    /// Everything sent before is served when this returns: messages of one socket are served in order.
    pub async fn settled(&self) {
        self.send("ping", json!({}));
        self.expect("pong").await;
    }

    /// Types of messages that came and were not taken, in order.
    pub fn heard(&self) -> Vec<String> {
        let messages = self.inbox.messages.lock().unwrap();
        messages.iter().map(|one| one["type"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Messages of this type that came and were not taken.
    pub fn heard_of(&self, kind: &str) -> Vec<Value> {
        let messages = self.inbox.messages.lock().unwrap();
        messages.iter().filter(|one| one["type"] == kind).cloned().collect()
    }

    /// Forgets what came so far.
    pub fn forget(&self) {
        self.inbox.messages.lock().unwrap().clear();
    }

    /// Pings of the protocol so far.
    pub fn pings(&self) -> usize {
        *self.inbox.pings.lock().unwrap()
    }

    /// Waits until the server has closed the connection: the code and the reason.
    pub async fn closed(&self) -> (u16, String) {
        let closed = async {
            loop {
                let changed = self.inbox.changed.notified();
                if let Some(closed) = self.inbox.closed.lock().unwrap().clone() {
                    return closed;
                }
                changed.await;
            }
        };
        tokio::time::timeout(PATIENCE, closed).await.expect("the server closes")
    }
}

impl Drop for RawSocket {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pump(stream: Stream, mut outgoing: mpsc::UnboundedReceiver<Message>, inbox: Arc<Inbox>) {
    let (mut write, mut read) = stream.split();
    let mut closed = (1006, String::new());
    loop {
        tokio::select! {
            message = outgoing.recv() => {
                let Some(message) = message else { break };
                if write.send(message).await.is_err() { break }
            }
            message = read.next() => match message {
                Some(Ok(Message::Text(text))) => {
                    let message = serde_json::from_str(&text).expect("messages are JSON");
                    inbox.messages.lock().unwrap().push(message);
                    inbox.changed.notify_waiters();
                }
                Some(Ok(Message::Ping(_))) => {
                    *inbox.pings.lock().unwrap() += 1;
                    // The library answers when it writes.
                    let _ = write.flush().await;
                }
                Some(Ok(Message::Close(frame))) => {
                    closed = frame.map_or((1005, String::new()), |one| (one.code.into(), one.reason.to_string()));
                    let _ = write.flush().await;
                    break;
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => break,
            }
        }
    }
    *inbox.closed.lock().unwrap() = Some(closed);
    inbox.changed.notify_waiters();
}
