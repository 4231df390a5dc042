//! A small Socket.IO client (Engine.IO 4 over WebSocket, Socket.IO 5), written from the protocol's description.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// How long anything may take before a test gives up. Never waited for when things work.
pub const PATIENCE: Duration = Duration::from_secs(20);

type Stream = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A connected client. Dropping it drops the connection without a goodbye.
pub struct Client {
    out: mpsc::UnboundedSender<String>,
    inbox: Arc<Inbox>,
    acks: Arc<Mutex<Acks>>,
    task: tokio::task::JoinHandle<()>,
    /// What the server said when it accepted.
    pub accepted: Value,
}

#[derive(Default)]
struct Inbox {
    events: Mutex<Vec<(String, Value)>>,
    /// The last argument of the last event that had more than one.
    offset: Mutex<Option<Value>>,
    closed: Mutex<bool>,
    changed: Notify,
}

#[derive(Default)]
struct Acks {
    last: u64,
    waiting: HashMap<u64, oneshot::Sender<Value>>,
}

impl Client {
    /// Opens a socket with this handshake payload; `Err` is the message of `connect_error`.
    pub async fn connect(port: u16, auth: Value) -> Result<Self, String> {
        Self::connect_at(port, "", auth).await
    }

    /// The same with more query parameters.
    pub async fn connect_at(port: u16, query: &str, auth: Value) -> Result<Self, String> {
        let url = format!("ws://127.0.0.1:{port}/socket.io/?EIO=4&transport=websocket{query}");
        let (mut stream, _) =
            tokio_tungstenite::connect_async(url).await.expect("the server takes web sockets");
        let open = next_text(&mut stream).await.expect("an open packet");
        let open: Value =
            serde_json::from_str(open.strip_prefix('0').expect("open comes first")).expect("JSON");
        assert_eq!(
            (open["pingInterval"].as_u64(), open["pingTimeout"].as_u64()),
            (Some(25_000), Some(60_000))
        );
        stream.send(Message::text(format!("40{auth}"))).await.expect("sends");
        loop {
            let packet = next_text(&mut stream).await.expect("an answer to connect");
            if let Some(accepted) = packet.strip_prefix("40") {
                let accepted = serde_json::from_str(accepted).expect("JSON");
                return Ok(Self::run(stream, accepted));
            }
            if let Some(error) = packet.strip_prefix("44") {
                let error: Value = serde_json::from_str(error).expect("JSON");
                return Err(error["message"].as_str().expect("a message").to_owned());
            }
        }
    }

    /// Joins a meeting and then never reads again; the socket is open for as long as the result lives.
    pub async fn join_and_go_deaf(port: u16, token: &str, meeting: &str) -> impl Sized {
        let url = format!("ws://127.0.0.1:{port}/socket.io/?EIO=4&transport=websocket");
        let (mut stream, _) =
            tokio_tungstenite::connect_async(url).await.expect("the server takes web sockets");
        stream.send(Message::text(format!("40{}", json!({ "token": token })))).await.expect("sends");
        let join = json!(["join-meeting", { "meetingId": meeting }]);
        let mut asked = false;
        loop {
            let packet = next_text(&mut stream).await.expect("packets");
            if packet.starts_with("40") && !asked {
                asked = true;
                stream.send(Message::text(format!("42{join}"))).await.expect("sends");
            } else if packet.contains("meeting-joined") {
                return stream;
            }
        }
    }

    fn run(stream: Stream, accepted: Value) -> Self {
        let (out, outgoing) = mpsc::unbounded_channel();
        let (inbox, acks) = (Arc::<Inbox>::default(), Arc::<Mutex<Acks>>::default());
        let task = tokio::spawn(pump(stream, outgoing, out.clone(), inbox.clone(), acks.clone()));
        Self { out, inbox, acks, task, accepted }
    }

    /// Sends an event without asking for an answer.
    pub fn emit(&self, event: &str, payload: Value) {
        let _ = self.out.send(format!("42{}", json!([event, payload])));
    }

    /// Sends an event without any argument.
    pub fn emit_bare(&self, event: &str) {
        let _ = self.out.send(format!("42{}", json!([event])));
    }

    /// Sends an event and waits for its acknowledgement.
    pub async fn call(&self, event: &str, payload: Value) -> Value {
        self.start_call(event, payload).await.expect("an acknowledgement")
    }

    /// Sends an event now; the acknowledgement can be awaited later.
    pub fn start_call(&self, event: &str, payload: Value) -> impl Future<Output = Option<Value>> + use<> {
        let (sender, receiver) = oneshot::channel();
        let id = {
            let mut acks = self.acks.lock().unwrap();
            acks.last += 1;
            let id = acks.last;
            acks.waiting.insert(id, sender);
            id
        };
        let _ = self.out.send(format!("42{id}{}", json!([event, payload])));
        async move { tokio::time::timeout(PATIENCE, receiver).await.ok()?.ok() }
    }

    /// Says so much inside a meeting that whoever does not read is out; what is told of the first who is.
    pub async fn talk_until_somebody_is_out(&self, meeting: &str) -> Value {
        // Four bytes a character: what waits for one client and what the kernel takes are full after some of these.
        let payload = json!({ "meetingId": meeting, "message": "\u{1f600}".repeat(4000) });
        for _ in 0..200 {
            if !self.heard_of("participant-left").is_empty() {
                break;
            }
            let calls: Vec<_> = (0..50).map(|_| self.start_call("send-message", payload.clone())).collect();
            let answers = futures_util::future::join_all(calls).await;
            assert!(answers.iter().all(|answer| answer.as_ref().is_some_and(|a| a["success"] == true)));
            for _ in 0..50 {
                self.expect("new-message").await;
            }
        }
        self.expect("participant-left").await
    }

    /// The next event of this name, waiting for it; it is taken out of the log.
    pub async fn expect(&self, name: &str) -> Value {
        self.expect_where(name, |_| true).await
    }

    /// The next event of this name that fits.
    pub async fn expect_where(&self, name: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let found = async {
            loop {
                let changed = self.inbox.changed.notified();
                if let Some(payload) = self.take(name, &fits) {
                    return payload;
                }
                changed.await;
            }
        };
        match tokio::time::timeout(PATIENCE, found).await {
            Ok(payload) => payload,
            Err(_) => panic!("{name} did not come; heard {:?}", self.heard()),
        }
    }

    fn take(&self, name: &str, fits: &impl Fn(&Value) -> bool) -> Option<Value> {
        let mut events = self.inbox.events.lock().unwrap();
        let index = events.iter().position(|(event, payload)| event == name && fits(payload))?;
        Some(events.remove(index).1)
    }

    /// Names of events that came and were not taken, in order.
    pub fn heard(&self) -> Vec<String> {
        self.inbox.events.lock().unwrap().iter().map(|(name, _)| name.clone()).collect()
    }

    /// Payloads of events of this name that came and were not taken.
    pub fn heard_of(&self, name: &str) -> Vec<Value> {
        let events = self.inbox.events.lock().unwrap();
        events.iter().filter(|(event, _)| event == name).map(|(_, payload)| payload.clone()).collect()
    }

    /// Waits until the server has closed the connection.
    pub async fn closed(&self) {
        let closed = async {
            loop {
                let changed = self.inbox.changed.notified();
                if *self.inbox.closed.lock().unwrap() {
                    return;
                }
                changed.await;
            }
        };
        tokio::time::timeout(PATIENCE, closed).await.expect("the server closes");
    }

    /// What to connect with to take this client's place, as a client that keeps pid and offset does.
    pub fn resumption(&self, token: &str) -> Value {
        let offset = self.inbox.offset.lock().unwrap().clone();
        json!({ "token": token, "resume": true, "pid": self.accepted["pid"], "offset": offset })
    }

    /// Says goodbye to the namespace.
    pub fn disconnect(&self) {
        let _ = self.out.send("41".to_owned());
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pump(
    stream: Stream,
    mut outgoing: mpsc::UnboundedReceiver<String>,
    pong: mpsc::UnboundedSender<String>,
    inbox: Arc<Inbox>,
    acks: Arc<Mutex<Acks>>,
) {
    let (mut write, mut read) = stream.split();
    loop {
        tokio::select! {
            text = outgoing.recv() => {
                let Some(text) = text else { break };
                if write.send(Message::text(text)).await.is_err() { break }
            }
            message = read.next() => {
                let Some(Ok(message)) = message else { break };
                let Message::Text(text) = message else { continue };
                if text.as_str() == "2" {
                    let _ = pong.send("3".to_owned());
                } else if matches!(text.as_str(), "1" | "41") {
                    break;
                } else if let Some(event) = text.strip_prefix("42") {
                    let parts: Vec<Value> = serde_json::from_str(event).expect("an event is an array");
                    let name = parts[0].as_str().expect("a name").to_owned();
                    if let Some(offset) = parts.get(2) {
                        *inbox.offset.lock().unwrap() = Some(offset.clone());
                    }
                    inbox.events.lock().unwrap().push((name, parts.get(1).cloned().unwrap_or(Value::Null)));
                    inbox.changed.notify_waiters();
                } else if let Some(ack) = text.strip_prefix("43") {
                    let digits = ack.find('[').expect("arguments");
                    let id: u64 = ack[..digits].parse().expect("an id");
                    let parts: Vec<Value> = serde_json::from_str(&ack[digits..]).expect("an array");
                    if let Some(waiting) = acks.lock().unwrap().waiting.remove(&id) {
                        let _ = waiting.send(parts.into_iter().next().unwrap_or(Value::Null));
                    }
                }
            }
        }
    }
    *inbox.closed.lock().unwrap() = true;
    acks.lock().unwrap().waiting.clear();
    inbox.changed.notify_waiters();
}

async fn next_text(stream: &mut Stream) -> Option<String> {
    while let Some(Ok(message)) = stream.next().await {
        if let Message::Text(text) = message {
            return Some(text.to_string());
        }
    }
    None
}
