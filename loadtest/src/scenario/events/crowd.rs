//! A thousand sockets that cost next to nothing: packets are told apart by how they begin, and counted.
//!
//! Each socket is one task. In a room under load the last delivery of an event sends the next one, so that the server,
//! whichever it is, always has a fixed number of events under way.

use crate::signal::socketio::SocketError;
use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use std::{
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};
use tokio::{net::TcpStream, sync::mpsc, task::JoinHandle, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async_with_config,
    tungstenite::{Message, protocol::WebSocketConfig},
};

type Stream = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A socket of the crowd; dropping it closes the connection.
pub(super) struct Member {
    out: mpsc::UnboundedSender<String>,
    room: Arc<OnceLock<Arc<Room>>>,
    task: JoinHandle<()>,
}

/// What the sockets of one run have heard.
#[derive(Debug, Default)]
pub(super) struct Heard {
    pub acks: AtomicU64,
    pub joins: AtomicU64,
    pub refusals: AtomicU64,
    pub closed: AtomicU64,
    /// The first refusal, in the server's words.
    pub words: Mutex<Option<String>>,
}

/// A room under load.
#[derive(Debug)]
pub(super) struct Room {
    meeting: String,
    senders: Vec<mpsc::UnboundedSender<String>>,
    stopped: AtomicBool,
    sent: AtomicU64,
    delivered: AtomicU64,
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
/// Small: thousands of sockets share this process, and an event has some 200 bytes.
const BUFFER_BYTES: usize = 4 * 1024;
const EVENT: &str = r#"42["hand-raised""#;
const JOINED: &str = r#"42["participant-joined""#;
const ERROR: &str = r#"42["error""#;

impl Member {
    /// Connects to `base` (`http://host:port`).
    ///
    /// # Errors
    /// What the network or the server said.
    pub async fn connect(base: &str, token: &str, heard: Arc<Heard>) -> Result<Self, SocketError> {
        let opened = timeout(CONNECT_TIMEOUT, open(base, token)).await;
        let stream = opened.map_err(|_| SocketError::TimedOut("connect".into()))??;
        let (out, queue) = mpsc::unbounded_channel();
        let room = Arc::<OnceLock<Arc<Room>>>::default();
        let task = tokio::spawn(run(stream, queue, room.clone(), heard));
        Ok(Self { out, room, task })
    }

    /// Asks to be let in; the answer is counted.
    pub fn join(&self, meeting: &str) {
        self.emit(format!("420{}", json!(["join-meeting", { "meetingId": meeting }])));
    }

    fn emit(&self, packet: String) {
        // A closed socket is counted where it is noticed.
        let _ = self.out.send(packet);
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Room {
    /// A room of these members, who are inside the meeting already.
    pub fn of(meeting: &str, members: &[&Member]) -> Arc<Self> {
        let senders = members.iter().map(|member| member.out.clone()).collect();
        let (sent, delivered) = (AtomicU64::new(0), AtomicU64::new(0));
        let meeting = meeting.to_owned();
        let room = Arc::new(Self { meeting, senders, stopped: AtomicBool::new(false), sent, delivered });
        for member in members {
            // A member counts for the room it was put into first.
            let _ = member.room.set(room.clone());
        }
        room
    }

    /// Starts so many events at once; each that reached everybody is followed by another until [`Room::stop`].
    pub fn start(&self, at_once: usize) {
        (0..at_once).for_each(|_| self.next());
    }

    pub fn stop(&self) {
        self.stopped.store(true, Relaxed);
    }

    /// Deliveries still due.
    pub fn outstanding(&self) -> u64 {
        (self.sent.load(Relaxed) * self.senders.len() as u64).saturating_sub(self.delivered.load(Relaxed))
    }

    pub fn sent(&self) -> u64 {
        self.sent.load(Relaxed)
    }

    pub fn delivered(&self) -> u64 {
        self.delivered.load(Relaxed)
    }

    fn next(&self) {
        let turn = self.sent.fetch_add(1, Relaxed);
        let people = self.senders.len() as u64;
        let raised = (turn / people).is_multiple_of(2);
        let event = json!(["raise-hand", { "meetingId": self.meeting, "raised": raised }]);
        let _ = self.senders[(turn % people) as usize].send(format!("42{event}"));
    }

    fn heard(&self) {
        let delivered = self.delivered.fetch_add(1, Relaxed) + 1;
        if delivered.is_multiple_of(self.senders.len() as u64) && !self.stopped.load(Relaxed) {
            self.next();
        }
    }
}

impl Heard {
    /// Waits until `reached`, or the deadline; says whether it was.
    pub async fn wait(&self, within: Duration, reached: impl Fn(&Self) -> bool) -> bool {
        let deadline = Instant::now() + within;
        while !reached(self) {
            if Instant::now() > deadline {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        true
    }
}

async fn open(base: &str, token: &str) -> Result<Stream, SocketError> {
    let url = format!("{}/socket.io/?EIO=4&transport=websocket", base.replacen("http", "ws", 1));
    let config = WebSocketConfig::default().read_buffer_size(BUFFER_BYTES).write_buffer_size(0);
    let (mut stream, _) = connect_async_with_config(&url, Some(config), true)
        .await
        .map_err(|error| SocketError::Connect(error.to_string()))?;
    let connect = format!("40{}", json!({ "token": token }));
    stream.send(Message::text(connect)).await.map_err(|error| SocketError::Connect(error.to_string()))?;
    loop {
        match stream.next().await {
            Some(Ok(Message::Text(text))) if text.starts_with("40") => return Ok(stream),
            Some(Ok(Message::Text(text))) if text.starts_with("44") => {
                return Err(SocketError::Refused(text.to_string()));
            }
            Some(Ok(_)) => {}
            Some(Err(error)) => return Err(SocketError::Closed(error.to_string())),
            None => return Err(SocketError::Closed("before it was open".into())),
        }
    }
}

async fn run(
    mut stream: Stream,
    mut queue: mpsc::UnboundedReceiver<String>,
    room: Arc<OnceLock<Arc<Room>>>,
    heard: Arc<Heard>,
) {
    loop {
        let done = tokio::select! {
            message = stream.next() => match message {
                Some(Ok(Message::Text(text))) if text.as_str() == "2" => stream.send(Message::text("3")).await,
                Some(Ok(Message::Text(text))) => {
                    note(&text, &room, &heard);
                    Ok(())
                }
                Some(Ok(_)) => Ok(()),
                Some(Err(_)) | None => break,
            },
            packet = queue.recv() => match packet {
                Some(packet) => stream.send(Message::text(packet)).await,
                None => break,
            },
        };
        if done.is_err() {
            break;
        }
    }
    heard.closed.fetch_add(1, Relaxed);
}

fn note(text: &str, room: &OnceLock<Arc<Room>>, heard: &Heard) {
    if text.starts_with(EVENT) {
        if let Some(room) = room.get() {
            room.heard();
        }
    } else if text.starts_with(JOINED) {
        heard.joins.fetch_add(1, Relaxed);
    } else if text.starts_with("43") {
        heard.acks.fetch_add(1, Relaxed);
        if text.contains(r#""success":false"#) {
            refused(text, heard);
        }
    } else if text.starts_with(ERROR) {
        refused(text, heard);
    }
}

fn refused(text: &str, heard: &Heard) {
    heard.refusals.fetch_add(1, Relaxed);
    heard.words.lock().expect("nobody panics while holding it").get_or_insert_with(|| text.to_owned());
}
